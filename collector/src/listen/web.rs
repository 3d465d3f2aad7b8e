//! TCP connections: TLS with the server configuration chosen by ALPN, or plain HTTP on loopback.
//!
//! `farwatch-enroll/1` gets the collector's own certificate and the enrolment service; `h2` and
//! `http/1.1` get the browser certificate and the API; `farwatch/1` demands an agent's certificate and
//! goes to the agents' door.
//! ALPN also says which HTTP is spoken: nobody has to wait for a first byte to learn it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::transport::{ALPN_AGENT, ALPN_ENROLL};
use http::StatusCode;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use super::accept::{Bounds, Held, accept};
use super::agents::AgentDoor;
use crate::api::Client;
use crate::api::serve::{Protocol, connection};
use crate::metrics::{Counter, Metrics};

/// Open TLS connections; a browser holds a few, an event stream one.
const TLS_BOUNDS: Bounds = Bounds { all: 4096, per_address: 256 };
/// Open plain connections; they all come from this host.
const PLAIN_BOUNDS: Bounds = Bounds { all: 256, per_address: 256 };
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// From the headers of an enrolment to its answer; what lasts longer can be tried again.
const ENROLMENT_TIMEOUT: Duration = Duration::from_secs(30);
const HTTP2: &[u8] = b"h2";

/// One TLS configuration per ALPN.
#[derive(Clone)]
pub struct ServerTls {
    pub agents: Arc<ServerConfig>,
    pub enrolment: Arc<ServerConfig>,
    pub browsers: Arc<ServerConfig>,
}

/// What TCP connections are served with.
#[derive(Clone)]
pub struct WebDoor {
    /// REST, events and the UI.
    pub api: axum::Router,
    /// The enrolment service.
    pub enroll: axum::Router,
    agents: AgentDoor,
    tls: ServerTls,
    handshakes_failed: Counter,
    refused: Counter,
    /// Lets requests under way finish.
    stopping: CancellationToken,
}

impl WebDoor {
    #[must_use]
    pub fn new(
        api: axum::Router,
        enroll: axum::Router,
        agents: AgentDoor,
        tls: ServerTls,
        metrics: &Metrics,
        stopping: CancellationToken,
    ) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        Self {
            api,
            enroll: enroll.layer(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                ENROLMENT_TIMEOUT,
            )),
            agents,
            tls,
            handshakes_failed: counter(
                "listen_tls_handshakes_failed_total",
                "TLS handshakes that did not complete.",
            ),
            refused: counter(
                "listen_tcp_connections_refused_total",
                "TCP connections of addresses that have too many.",
            ),
            stopping,
        }
    }

    /// Serves TLS until cancelled.
    pub async fn serve_tls(
        self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> Result<(), Infallible> {
        let refused = self.refused.clone();
        let serve = move |stream, remote, held| self.clone().tls(stream, remote, held);
        accept(listener, TLS_BOUNDS, refused, cancel, serve).await;
        Ok(())
    }

    /// Serves plain HTTP/1.1 until cancelled; only ever bound to loopback.
    pub async fn serve_plain(
        self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> Result<(), Infallible> {
        let Self { api, refused, stopping, .. } = self;
        let serve = move |stream, address, held| {
            let client = Client { address, secure: false };
            let served = connection(stream, Protocol::Http1, api.clone(), client, stopping.clone());
            async move {
                served.await;
                drop(held);
            }
        };
        accept(listener, PLAIN_BOUNDS, refused, cancel, serve).await;
        Ok(())
    }

    async fn tls(self, stream: TcpStream, address: SocketAddr, held: Held) {
        let handshake = async {
            let acceptor = rustls::server::Acceptor::default();
            let start = LazyConfigAcceptor::new(acceptor, stream).await?;
            let offers = |wanted: &[u8]| {
                let offered = start.client_hello().alpn();
                offered.is_some_and(|mut offered| offered.any(|protocol| protocol == wanted))
            };
            let tls = match () {
                () if offers(ALPN_AGENT) => &self.tls.agents,
                () if offers(ALPN_ENROLL) => &self.tls.enrolment,
                () => &self.tls.browsers,
            };
            start.into_stream(Arc::clone(tls)).await
        };
        let stream = match tokio::time::timeout(TLS_TIMEOUT, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                self.handshakes_failed.add(1);
                tracing::debug!(%error, "TLS handshake failed");
                return;
            }
            Err(_) => return self.handshakes_failed.add(1),
        };
        let (protocol, router) = match stream.get_ref().1.alpn_protocol() {
            Some(ALPN_AGENT) => {
                // Agents have bounds of their own and take no place of browsers.
                drop(held);
                return self.agents.tcp(stream, &self.stopping).await;
            }
            Some(ALPN_ENROLL) => (Protocol::Http2, self.enroll),
            Some(HTTP2) => (Protocol::Http2, self.api),
            _ => (Protocol::Http1, self.api),
        };
        let client = Client { address, secure: true };
        connection(stream, protocol, router, client, self.stopping).await;
        drop(held);
    }
}
