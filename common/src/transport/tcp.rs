//! TLS over TCP: a connection of its own for each pipe, so that none waits behind another.
//!
//! Where UDP does not get through. The agent dials every connection, the collector cannot: for a pipe
//! that the collector is to open, the agent keeps a spare one. What belongs together says so by an id
//! in its hello, and shows the same certificate. The first connection is the [link](super::link): it
//! measures the round trip, carries the reason of a close, and the session ends with it.

mod join;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use rustls::pki_types::{CertificateDer, ServerName};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service as _;

pub use self::join::{AcceptedSession, Joined, Joiner};
use super::lifetime::Lifetime;
use super::link::{Frame, Frames};
use super::proxy::{Proxy, ProxyError};
use super::{ALPN_AGENT, Carrier, Pipe, PipeKind, Session, TransportError, pipe};
use crate::platform;
use crate::task::spawn_child;
use crate::tls::COLLECTOR_NAME;

/// Long enough for a satellite, short enough for the next address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// The kernel asks a peer that was silent for so long; NATs keep a TCP mapping for minutes.
const KERNEL_KEEP_ALIVE: Duration = Duration::from_secs(30);
/// What the library says of status 407; the type of its error is its own.
const WANTS_PASSWORD: &str = "proxy authorization required";
/// A ping on an idle link.
const PING_IDLE: Duration = Duration::from_secs(10);
/// A ping while somebody wants to know whether the peer is there.
const PING_ASKED: Duration = Duration::from_secs(1);
/// A peer that is silent for so long is gone, as in QUIC.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(30);
/// A spare connection that could not be made is tried again after this.
const SPARE_AGAIN: Duration = Duration::from_secs(2);
/// How long the peer may take to be told why the session ends.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);
pub(super) const SESSION_ID_BYTES: usize = 16;

/// Where to, how, and as whom.
#[derive(Clone)]
struct Dialer {
    /// `HOST:PORT`
    to: String,
    proxy: Option<Proxy>,
    tls: Arc<rustls::ClientConfig>,
}

impl Dialer {
    async fn connect(&self) -> Result<TlsStream<TcpStream>, TransportError> {
        let tcp = connect(&self.to, self.proxy.as_ref()).await?;
        let failed = |reason: &str| TransportError::connect(&self.to, &reason);
        let name = ServerName::try_from(COLLECTOR_NAME).map_err(|_| failed("its name"))?;
        let connecting = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp);
        let stream = match tokio::time::timeout(TLS_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(handshake_failed(&self.to, &error)),
            Err(_) => return Err(failed("no answer to the TLS handshake")),
        };
        if stream.get_ref().1.alpn_protocol() != Some(ALPN_AGENT) {
            return Err(failed("what answers there does not speak farwatch/1"));
        }
        Ok(stream)
    }

    /// A connection that has said what it is for.
    async fn pipe(&self, kind: PipeKind, session: &[u8]) -> Result<Pipe, TransportError> {
        let mut pipe = Pipe::new(self.connect().await?);
        pipe.greet(kind, session).await?;
        Ok(pipe)
    }
}

/// A TCP connection to `HOST:PORT`, through `proxy` if there is one; it is the proxy then that looks the
/// name up. Of a name all addresses are tried, IPv6 and IPv4 beside each other (RFC 8305).
pub async fn connect(to: &str, proxy: Option<&Proxy>) -> Result<TcpStream, TransportError> {
    let failed = |reason: &str| TransportError::connect(to, &reason);
    let authority = Uri::builder().scheme("https").authority(to);
    let uri = authority.path_and_query("/").build().map_err(|_| failed("no HOST:PORT"))?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let stream = match proxy {
        None => {
            connector.call(uri).await.map_err(|e| failed(&crate::task::chain(&e)))?.into_inner()
        }
        Some(proxy) => tunnel(connector, uri, proxy).await?,
    };
    watch_over(&stream);
    Ok(stream)
}

async fn tunnel(connector: HttpConnector, to: Uri, proxy: &Proxy) -> Result<TcpStream, ProxyError> {
    let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
    if let Some(authorization) = proxy.authorization() {
        tunnel = tunnel.with_auth(authorization.clone());
    }
    let connected = tokio::time::timeout(TLS_TIMEOUT, tunnel.call(to)).await;
    let proxy = proxy.to_string();
    let reason = match connected {
        Ok(Ok(stream)) => return Ok(stream.into_inner()),
        Ok(Err(error)) => crate::task::chain(&error),
        Err(_) => "no answer in time".to_owned(),
    };
    Err(match reason.contains(WANTS_PASSWORD) {
        true => ProxyError::Password { proxy },
        false => ProxyError::Refused { proxy, reason },
    })
}

/// Lets the kernel look after a connection on which nothing is said for long. It may refuse: the link
/// notices a dead peer too.
pub fn watch_over(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KERNEL_KEEP_ALIVE));
    let _ = platform::give_up_after(&socket, SILENCE_MAX);
}

/// What rustls has found wrong comes inside an I/O error.
fn handshake_failed(to: &str, error: &std::io::Error) -> TransportError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)) => {
            TransportError::Refused { to: to.to_owned(), reason: error.to_string() }
        }
        _ => TransportError::connect(to, error),
    }
}

/// A session with the collector at `to` (`HOST:PORT`), through `proxy` if there is one.
pub async fn dial(
    to: &str,
    proxy: Option<Proxy>,
    tls: Arc<rustls::ClientConfig>,
) -> Result<TcpSession, TransportError> {
    let dialer = Dialer { to: to.to_owned(), proxy, tls };
    let id: [u8; SESSION_ID_BYTES] = rand::random();
    let stream = dialer.connect().await?;
    let remote = stream.get_ref().0.peer_addr().map_err(|e| TransportError::closed(&e))?;
    let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
    let certificates = certificates.iter().map(|one| one.clone().into_owned()).collect();
    let mut pipe = Pipe::new(stream);
    pipe.greet(PipeKind::Link, &id).await?;
    let mut frames = Frames::new(pipe);
    // TLS 1.3: only an answer proves that the collector has taken our certificate.
    let sent = Instant::now();
    frames.send(Frame::Ping(Bytes::new())).await?;
    match tokio::time::timeout(TLS_TIMEOUT, frames.next()).await {
        Ok(Ok(Frame::Pong(_))) => {}
        Ok(Ok(Frame::Close(reason))) => return Err(TransportError::Closed { reason }),
        Ok(Ok(Frame::Ping(_))) => return Err(TransportError::connect(to, &"it only asks")),
        Ok(Err(error)) => return Err(error),
        Err(_) => return Err(TransportError::connect(to, &"no answer on the link")),
    }
    let measured = Arc::new(Measured::default());
    measured.heard(sent.elapsed());
    let lifetime = Lifetime::default();
    let pinging = ping(frames, Arc::clone(&measured), lifetime.clone());
    spawn_child(&lifetime.cut(), pinging);
    Ok(TcpSession { dialer, id, remote, certificates, measured, lifetime })
}

/// A session over TCP, at the agent. Dropping it cuts every pipe of it.
#[derive(Debug)]
pub struct TcpSession {
    dialer: Dialer,
    id: [u8; SESSION_ID_BYTES],
    remote: SocketAddr,
    certificates: Vec<CertificateDer<'static>>,
    measured: Arc<Measured>,
    lifetime: Lifetime,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("to", &self.to).field("proxy", &self.proxy).finish()
    }
}

impl Drop for TcpSession {
    fn drop(&mut self) {
        self.lifetime.abandon();
    }
}

/// What the pings have found out.
#[derive(Debug, Default)]
struct Measured {
    round_trip_us: AtomicU64,
    answers: AtomicU64,
    asked: Notify,
}

impl Measured {
    /// Smoothed as in TCP: an eighth of what is new (RFC 6298).
    fn heard(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let known = self.round_trip_us.load(Ordering::Relaxed);
        let smoothed = if known == 0 { took } else { known - known / 8 + took / 8 };
        self.round_trip_us.store(smoothed.max(1), Ordering::Relaxed);
        self.answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// The link at the agent: asks, and ends the session when no answer comes.
async fn ping(mut frames: Frames<Pipe>, measured: Arc<Measured>, lifetime: Lifetime) {
    let mut sent = Instant::now();
    let mut waits = false;
    let reason = loop {
        let due = sent + if waits { SILENCE_MAX } else { PING_IDLE };
        let asked = async {
            measured.asked.notified().await;
            tokio::time::sleep_until(sent + PING_ASKED).await;
        };
        tokio::select! {
            frame = frames.next() => match frame {
                Ok(Frame::Pong(_)) => {
                    waits = false;
                    measured.heard(sent.elapsed());
                    continue;
                }
                Ok(Frame::Close(reason)) => break reason,
                // Only the agent asks.
                Ok(Frame::Ping(_)) => continue,
                Err(error) => break error.to_string(),
            },
            reason = lifetime.closing() => {
                tell(&mut frames, &reason).await;
                break reason;
            }
            () = asked, if !waits => {}
            () = tokio::time::sleep_until(due) => {}
        }
        if waits {
            break "the collector is silent".to_owned();
        }
        sent = Instant::now();
        waits = true;
        if let Err(reason) = say(&mut frames, Frame::Ping(Bytes::new()), &lifetime).await {
            break reason;
        }
    };
    lifetime.end(&reason);
}

/// Sends a frame, unless the peer takes nothing or the session is to end first.
async fn say(frames: &mut Frames<Pipe>, frame: Frame, lifetime: &Lifetime) -> Result<(), String> {
    tokio::select! {
        sent = tokio::time::timeout(SILENCE_MAX, frames.send(frame)) => match sent {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(_) => Err("the peer takes nothing".to_owned()),
        },
        reason = lifetime.closing() => Err(reason),
    }
}

/// Tells the peer why the session ends; one that takes nothing is not waited for.
async fn tell(frames: &mut Frames<Pipe>, reason: &str) {
    let told = frames.send(Frame::Close(reason.to_owned()));
    let _ = tokio::time::timeout(CLOSE_WITHIN, told).await;
}

impl Session for TcpSession {
    fn carrier(&self) -> Carrier {
        Carrier::Tcp
    }

    fn open(&self, kind: PipeKind) -> BoxFuture<'_, Result<Pipe, TransportError>> {
        async move { Ok(self.lifetime.tie(self.dialer.pipe(kind, &self.id).await?)) }.boxed()
    }

    /// Keeps a spare connection until the collector says what it is for.
    fn accept(&self) -> BoxFuture<'_, Result<(PipeKind, Pipe), TransportError>> {
        async move {
            loop {
                let spare = async {
                    let pipe = self.dialer.pipe(PipeKind::Reverse, &self.id).await?;
                    let mut pipe = self.lifetime.tie(pipe);
                    let (kind, _) = pipe::await_hello(&mut pipe).await?;
                    Ok::<_, TransportError>((kind, pipe))
                };
                match spare.await {
                    Ok(taken) => return Ok(taken),
                    Err(error) => tracing::debug!(%error, "a spare pipe broke"),
                }
                tokio::select! {
                    reason = self.lifetime.ended() => return Err(TransportError::Closed { reason }),
                    () = tokio::time::sleep(SPARE_AGAIN) => {}
                }
            }
        }
        .boxed()
    }

    fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    fn remote(&self) -> SocketAddr {
        self.remote
    }

    fn rtt(&self) -> Duration {
        Duration::from_micros(self.measured.round_trip_us.load(Ordering::Relaxed))
    }

    fn progress(&self) -> u64 {
        self.measured.asked.notify_one();
        self.measured.answers.load(Ordering::Relaxed)
    }

    fn close(&self, reason: &str) {
        self.lifetime.close(reason);
    }

    fn closed(&self) -> BoxFuture<'_, String> {
        self.lifetime.ended().boxed()
    }
}
