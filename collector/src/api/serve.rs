//! One HTTP connection, over TLS or plain, with its limits.

use std::time::Duration;

use axum::Router;
use farwatch_common::task::chain;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::Client;

/// From the first byte of a request to the end of its headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Requests of one HTTP/2 connection at a time.
const STREAMS_MAX: u32 = 64;
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(15);
/// How long requests may go on once the collector stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves a connection until it ends or `stopping`; then what is under way may finish.
pub async fn connection<I>(io: I, router: Router, client: Client, stopping: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(client);
        request
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(io), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(DRAIN_TIMEOUT, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        // Clients go away in the middle every day.
        tracing::debug!(stage = "api", error = chain(error.as_ref()), "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use farwatch_common::task::spawn_child;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Our end of a served connection.
    fn dial(stopping: &CancellationToken) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let who = |request: axum::extract::Request| async move {
            Client::of(request.extensions()).address.to_string()
        };
        let client = Client { address: "192.0.2.7:5000".parse().unwrap(), secure: true };
        let router = Router::new().route("/", get(who));
        let served = connection(theirs, router, client, stopping.clone());
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
}
