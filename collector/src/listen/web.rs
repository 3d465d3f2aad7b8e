//! TCP connections: TLS with the server configuration chosen by ALPN, or plain HTTP on loopback.
//!
//! `farwatch-enroll/1` gets the collector's own certificate and the enrolment service; `h2` and
//! `http/1.1` get the browser certificate and the API. The agents' TCP fallback will join here.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use farwatch_common::task::spawn_child;
use farwatch_common::transport::ALPN_ENROLL;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::identity::enroll::EnrollPeer;
use crate::metrics::Metrics;

/// Open TCP connections; a browser holds a few, an event stream one.
const CONNECTIONS_MAX: usize = 4096;
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that sends its request line by line has this long.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const HEADER_BYTES_MAX: usize = 32 * 1024;
const HTTP2_STREAMS_MAX: u32 = 128;
/// Finds dead browsers; never used inside QUIC.
const HTTP2_KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Pause after the kernel refused a connection (no descriptors left), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Whether the request came over TLS: HSTS is sent only then.
#[derive(Clone, Copy, Debug)]
pub struct OverTls(pub bool);

/// What TCP connections are served with.
#[derive(Clone)]
pub struct WebDoor {
    /// REST, events and the UI.
    pub api: axum::Router,
    /// The enrolment service.
    pub enroll: axum::Router,
    pub browser_tls: Arc<ServerConfig>,
    pub enroll_tls: Arc<ServerConfig>,
    pub metrics: Arc<Metrics>,
    connections: Arc<Semaphore>,
}

impl WebDoor {
    #[must_use]
    pub fn new(
        api: axum::Router,
        enroll: axum::Router,
        browser_tls: Arc<ServerConfig>,
        enroll_tls: Arc<ServerConfig>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Self { api, enroll, browser_tls, enroll_tls, metrics, connections }
    }

    /// Serves TLS until cancelled.
    pub async fn serve_tls(self, listener: TcpListener, cancel: CancellationToken) {
        self.accept(listener, cancel, |door, stream, remote| async move {
            door.tls(stream, remote).await;
        })
        .await;
    }

    /// Serves plain HTTP until cancelled; only ever bound to loopback.
    pub async fn serve_plain(self, listener: TcpListener, cancel: CancellationToken) {
        self.accept(listener, cancel, |door, stream, remote| async move {
            serve(stream, door.api, remote, false).await;
        })
        .await;
    }

    async fn accept<F, Fut>(self, listener: TcpListener, cancel: CancellationToken, serve: F)
    where
        F: Fn(Self, TcpStream, SocketAddr) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        loop {
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else { return };
            let accepted = tokio::select! {
                () = cancel.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, remote)) => {
                    // Small answers must not wait for the peer's delayed ack.
                    let _ = stream.set_nodelay(true);
                    let connection = serve(self.clone(), stream, remote);
                    spawn_child(&cancel, async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a TCP connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn tls(self, stream: TcpStream, remote: SocketAddr) {
        let handshake = async {
            let acceptor = rustls::server::Acceptor::default();
            let start = LazyConfigAcceptor::new(acceptor, stream).await?;
            let wants_enrolment = start
                .client_hello()
                .alpn()
                .is_some_and(|mut offered| offered.any(|protocol| protocol == ALPN_ENROLL));
            let (tls, router) = if wants_enrolment {
                (&self.enroll_tls, self.enroll.clone())
            } else {
                (&self.browser_tls, self.api.clone())
            };
            let stream = start.into_stream(Arc::clone(tls)).await?;
            Ok::<_, io::Error>((stream, router))
        };
        match tokio::time::timeout(TLS_TIMEOUT, handshake).await {
            Ok(Ok((stream, router))) => serve(stream, router, remote, true).await,
            Ok(Err(error)) => {
                self.metrics.handshakes_failed.add(1);
                tracing::debug!(%error, "TLS handshake failed");
            }
            Err(_) => self.metrics.handshakes_failed.add(1),
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: axum::Router,
    remote: SocketAddr,
    over_tls: bool,
) {
    let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(remote));
        extensions.insert(EnrollPeer(remote));
        extensions.insert(OverTls(over_tls));
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_KEEP_ALIVE)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .max_concurrent_streams(HTTP2_STREAMS_MAX);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error = &*error, "HTTP connection ended");
    }
}
