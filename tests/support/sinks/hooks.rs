//! A receiver of webhooks, by TLS or without, that takes all and shows it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farwatch_common::tls::provider;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::authority::Certified;

/// Requests that may wait to be looked at.
const SEEN_MAX: usize = 1000;

/// What was posted.
#[derive(Debug)]
pub struct Hook {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Hook {
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}")).to_str().unwrap()
    }

    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Answers 204 until dropped.
#[derive(Debug)]
pub struct Hooks {
    pub address: SocketAddr,
    scheme: &'static str,
    seen: mpsc::Receiver<Hook>,
    /// Who posts waits for an answer as long as this is so.
    held: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Hooks {
    pub async fn start(certified: Option<&Certified>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = mpsc::channel(SEEN_MAX);
        let acceptor = certified.map(acceptor);
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let held = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, acceptor, Taking { tell, held: held.subscribe() }));
        Self { address, scheme, seen, held, _tasks: tasks }
    }

    /// Takes what is posted and does not answer, or answers again.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The next that was posted, which has to come by then.
    pub async fn next(&mut self, limit: Duration) -> Hook {
        let next = tokio::time::timeout(limit, self.seen.recv()).await;
        next.unwrap_or_else(|_| panic!("nothing was posted within {limit:?}")).unwrap()
    }

    /// Whether something was posted that nobody has looked at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

fn acceptor(certified: &Certified) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certified.chain(), certified.key())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// What becomes of a request.
#[derive(Clone)]
struct Taking {
    tell: mpsc::Sender<Hook>,
    held: watch::Receiver<bool>,
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, taking: Taking) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, taking) = (acceptor.clone(), taking.clone());
        connections.spawn(async move {
            match acceptor {
                None => serve(stream, taking).await,
                // Who does not trust the certificate hangs up.
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, taking).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, taking: Taking) {
    let service = service_fn(|request: Request<Incoming>| take(request, taking.clone()));
    // A connection that breaks off has posted nothing.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn take(
    request: Request<Incoming>,
    mut taking: Taking,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if let Ok(body) = body.collect().await {
        let hook =
            Hook { path: parts.uri.to_string(), headers: parts.headers, body: body.to_bytes() };
        // Nobody looks at the end of a test.
        let _ = taking.tell.send(hook).await;
    }
    let _ = taking.held.wait_for(|held| !held).await;
    Ok(Response::builder().status(204).body(Empty::new()).unwrap())
}
