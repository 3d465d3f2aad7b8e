//! TCP connections: TLS with the server configuration chosen by ALPN, or plain HTTP on loopback.
//!
//! `farwatch-enroll/1` gets the collector's own certificate and the enrolment service; `h2` and
//! `http/1.1` get the browser certificate and the API. The agents' TCP fallback will join here.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::task::spawn_child;
use farwatch_common::transport::ALPN_ENROLL;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Client};
use crate::metrics::{Counter, Metrics};

/// Open TCP connections; a browser holds a few, an event stream one.
const CONNECTIONS_MAX: usize = 4096;
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after the kernel refused a connection (no descriptors left), so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What TCP connections are served with.
#[derive(Clone)]
pub struct WebDoor {
    /// REST, events and the UI.
    pub api: axum::Router,
    /// The enrolment service.
    pub enroll: axum::Router,
    pub browser_tls: Arc<ServerConfig>,
    pub enroll_tls: Arc<ServerConfig>,
    handshakes_failed: Counter,
    connections: Arc<Semaphore>,
    /// Lets requests under way finish.
    stopping: CancellationToken,
}

impl WebDoor {
    #[must_use]
    pub fn new(
        api: axum::Router,
        enroll: axum::Router,
        browser_tls: Arc<ServerConfig>,
        enroll_tls: Arc<ServerConfig>,
        metrics: &Metrics,
        stopping: CancellationToken,
    ) -> Self {
        let handshakes_failed = metrics.counter(
            "listen_tls_handshakes_failed_total",
            "TLS handshakes that did not complete.",
            &[],
        );
        let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Self { api, enroll, browser_tls, enroll_tls, handshakes_failed, connections, stopping }
    }

    /// Serves TLS until cancelled.
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> Result<(), Infallible> {
        self.accept(listener, cancel, |door, stream, remote| async move {
            door.tls(stream, remote).await;
        })
        .await;
        Ok(())
    }

    /// Serves plain HTTP until cancelled; only ever bound to loopback.
    pub async fn serve_plain(
        self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> Result<(), Infallible> {
        self.accept(listener, cancel, |door, stream, remote| async move {
            door.connection(stream, door.api.clone(), remote, false).await;
        })
        .await;
        Ok(())
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

    async fn connection(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        router: axum::Router,
        address: SocketAddr,
        secure: bool,
    ) {
        let client = Client { address, secure };
        api::serve::connection(stream, router, client, self.stopping.clone()).await;
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
            Ok(Ok((stream, router))) => self.connection(stream, router, remote, true).await,
            Ok(Err(error)) => {
                self.handshakes_failed.add(1);
                tracing::debug!(%error, "TLS handshake failed");
            }
            Err(_) => self.handshakes_failed.add(1),
        }
    }
}
