//! One HTTP connection, over TLS or plain, with its limits.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use farwatch_common::task::chain;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::Client;

/// HTTP/1: from the end of an answer (or the beginning) to the end of the next request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// A connection without any request under way ends after this.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// Requests of one HTTP/2 connection at a time.
const STREAMS_MAX: u32 = 64;
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests may go on once the collector stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection speaks, as ALPN said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

/// Serves a connection until it ends, is idle for too long, or `stopping`; then what is under way
/// may finish.
pub async fn connection<I>(
    io: I,
    protocol: Protocol,
    router: Router,
    client: Client,
    stopping: CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (under_way, seen) = watch::channel(0);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let turn = Turn::begin(under_way.clone());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(client);
        let answer = router.clone().oneshot(request);
        async move {
            let answer = answer.await?;
            Ok::<_, Infallible>(answer.map(|body| Answer { body, _turn: turn }))
        }
    });
    let io = TokioIo::new(io);
    let ended = match protocol {
        Protocol::Http1 => {
            let mut http1 = http1::Builder::new();
            http1
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .max_buf_size(HEADER_BYTES_MAX);
            drive(http1.serve_connection(io, service), seen, stopping).await
        }
        Protocol::Http2 => {
            let mut http2 = http2::Builder::new(TokioExecutor::new());
            http2
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS_MAX)
                .max_header_list_size(HEADER_BYTES_MAX as u32)
                .keep_alive_interval(PING_EVERY)
                .keep_alive_timeout(PING_TIMEOUT);
            drive(http2.serve_connection(io, service), seen, stopping).await
        }
    };
    if let Err(error) = ended {
        // Clients go away in the middle every day.
        tracing::debug!(stage = "api", error = chain(&error), "connection ended");
    }
}

async fn drive<C>(
    connection: C,
    under_way: watch::Receiver<usize>,
    stopping: CancellationToken,
) -> Result<(), hyper::Error>
where
    C: GracefulConnection<Error = hyper::Error>,
{
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stopping.cancelled() => {}
        () = idle(under_way) => {}
    }
    connection.as_mut().graceful_shutdown();
    // A peer that does not even take the farewell is left.
    tokio::time::timeout(DRAIN_TIMEOUT, connection).await.unwrap_or(Ok(()))
}

/// Resolves once no request was under way for `IDLE_MAX`.
async fn idle(mut under_way: watch::Receiver<usize>) {
    // An error says that the service is gone, and the connection with it.
    while under_way.wait_for(|count| *count == 0).await.is_ok() {
        if tokio::time::timeout(IDLE_MAX, under_way.changed()).await.is_err() {
            return;
        }
    }
}

/// A request under way, until the last byte of its answer is taken.
struct Turn(watch::Sender<usize>);

impl Turn {
    fn begin(under_way: watch::Sender<usize>) -> Self {
        under_way.send_modify(|count| *count += 1);
        Self(under_way)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The body of an answer; an event stream's goes on for hours.
struct Answer {
    body: Body,
    _turn: Turn,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use farwatch_common::task::spawn_child;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    type Chunk = Result<Bytes, Infallible>;

    /// Our end of a served connection.
    fn dial(stopping: &CancellationToken) -> DuplexStream {
        dial_as(Protocol::Http1, stopping)
    }

    fn dial_as(protocol: Protocol, stopping: &CancellationToken) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let who = |request: axum::extract::Request| async move {
            Client::of(request.extensions()).address.to_string()
        };
        let client = Client { address: "192.0.2.7:5000".parse().unwrap(), secure: true };
        let endless = || async { Body::from_stream(futures_util::stream::pending::<Chunk>()) };
        let router = Router::new().route("/", get(who)).route("/events", get(endless));
        let served = connection(theirs, protocol, router, client, stopping.clone());
        spawn_child(&CancellationToken::new(), served);
        ours
    }

    async fn read_all(mut stream: DuplexStream) -> String {
        let mut text = String::new();
        let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await;
        read.expect("the connection stays open").unwrap();
        text
    }

    #[tokio::test]
    async fn handlers_learn_where_a_request_came_from() {
        let mut stream = dial(&CancellationToken::new());
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let answer = read_all(stream).await;
        assert!(answer.ends_with("192.0.2.7:5000"), "{answer}");
    }

    #[tokio::test]
    async fn idle_connections_end_when_the_collector_stops() {
        let stopping = CancellationToken::new();
        let mut stream = dial(&stopping);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 8];
        stream.read_exact(&mut first).await.unwrap();
        stopping.cancel();
        read_all(stream).await;
    }

    #[tokio::test]
    async fn garbage_and_endless_headers_end_the_connection_only() {
        let mut garbage = dial(&CancellationToken::new());
        garbage.write_all(b"\x16\x03\x01\x00\xa5\x01\r\n\r\n").await.unwrap();
        assert!(read_all(garbage).await.contains(" 400 "));
        let mut endless = dial(&CancellationToken::new());
        let line = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(2 * HEADER_BYTES_MAX));
        // The peer may hang up before it has all.
        let _ = endless.write_all(line.as_bytes()).await;
        assert!(read_all(endless).await.contains(" 431 "));
    }

    #[tokio::test(start_paused = true)]
    async fn the_silent_do_not_stay() {
        let limit = IDLE_MAX + DRAIN_TIMEOUT + Duration::from_secs(1);
        for (protocol, said) in [
            (Protocol::Http1, &b""[..]),
            (Protocol::Http1, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            (Protocol::Http2, b""),
            (Protocol::Http2, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        ] {
            let mut stream = dial_as(protocol, &CancellationToken::new());
            stream.write_all(said).await.unwrap();
            let mut heard = Vec::new();
            let end = tokio::time::timeout(limit, stream.read_to_end(&mut heard)).await;
            end.unwrap_or_else(|_| panic!("{protocol:?} stays open after {said:?}")).unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_under_way_is_not_idle() {
        let mut stream = dial(&CancellationToken::new());
        stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut heard = Vec::new();
        let end = tokio::time::timeout(IDLE_MAX * 10, stream.read_to_end(&mut heard)).await;
        assert!(end.is_err(), "hung up on an event stream");
        assert!(heard.starts_with(b"HTTP/1.1 200"));
    }
}
