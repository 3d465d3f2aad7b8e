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
use tokio::sync::mpsc;
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
    _tasks: JoinSet<()>,
}

impl Hooks {
    pub async fn start(certified: Option<&Certified>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = mpsc::channel(SEEN_MAX);
        let acceptor = certified.map(acceptor);
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, acceptor, tell));
        Self { address, scheme, seen, _tasks: tasks }
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

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, tell: mpsc::Sender<Hook>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        connections.spawn(async move {
            match acceptor {
                None => serve(stream, tell).await,
                // Who does not trust the certificate hangs up.
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, tell).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, tell: mpsc::Sender<Hook>) {
    let service = service_fn(|request: Request<Incoming>| take(request, tell.clone()));
    // A connection that breaks off has posted nothing.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn take(
    request: Request<Incoming>,
    tell: mpsc::Sender<Hook>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if let Ok(body) = body.collect().await {
        let hook =
            Hook { path: parts.uri.to_string(), headers: parts.headers, body: body.to_bytes() };
        // Nobody looks at the end of a test.
        let _ = tell.send(hook).await;
    }
    Ok(Response::builder().status(204).body(Empty::new()).unwrap())
}
