//! The collector's end: puts connections that belong together into a session.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::super::lifetime::Lifetime;
use super::super::link::{Frame, Frames};
use super::super::pipe::read_hello;
use super::{
    Carrier, Pipe, PipeKind, SESSION_ID_BYTES, SILENCE_MAX, Session, TransportError, say, tell,
};
use crate::task::spawn_child;
use crate::tls::{KeyHash, key_hash};

/// Pipes of a session that wait to be accepted; more are hung up on.
const PIPES_MAX: usize = 8;

type SessionId = [u8; SESSION_ID_BYTES];

/// Knows the sessions there are. Bounded by the connections that its listener lets in.
#[derive(Clone, Debug, Default)]
pub struct Joiner(Arc<Mutex<HashMap<SessionId, Place>>>);

/// Where further connections of a session go.
#[derive(Debug)]
struct Place {
    key: KeyHash,
    pipes: mpsc::Sender<(PipeKind, Pipe)>,
    spare: Arc<Spare>,
    lifetime: Lifetime,
}

/// The connection that the agent keeps for a pipe of ours. It keeps one: the newest is the one that
/// lives.
#[derive(Debug, Default)]
struct Spare {
    pipe: Mutex<Option<Pipe>>,
    came: Notify,
}

impl Spare {
    fn put(&self, pipe: Pipe) {
        *self.pipe.lock().unwrap_or_else(PoisonError::into_inner) = Some(pipe);
        self.came.notify_one();
    }

    async fn take(&self) -> Pipe {
        loop {
            let pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take();
            match pipe {
                Some(pipe) => return pipe,
                None => self.came.notified().await,
            }
        }
    }
}

/// What a connection turned out to be.
#[derive(Debug)]
pub enum Joined {
    /// The first one of a session.
    Session(AcceptedSession),
    /// One more pipe, which its session has taken; the token fires when it is done with.
    Pipe(CancellationToken),
}

impl Joiner {
    /// Takes a connection after its handshake. One that says nothing, or names a session that is not
    /// its own, is refused.
    pub async fn join(&self, stream: TlsStream<TcpStream>) -> Result<Joined, TransportError> {
        let (tcp, tls) = stream.get_ref();
        let remote = tcp.peer_addr().map_err(|error| TransportError::closed(&error))?;
        let certificates = tls.peer_certificates().unwrap_or_default();
        let certificates: Vec<_> =
            certificates.iter().map(|one| one.clone().into_owned()).collect();
        let refused = |reason: &str| TransportError::Hello { reason: reason.into() };
        let key = certificates.first().and_then(|leaf| key_hash(leaf).ok());
        let key = key.ok_or_else(|| refused("there is no certificate"))?;
        let mut pipe = Pipe::new(stream);
        let (kind, id) = read_hello(&mut pipe).await?;
        let id = SessionId::try_from(id).map_err(|_| refused("it names no session"))?;
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = sessions.get(&id) else {
            if kind != PipeKind::Link {
                return Err(refused("its session has ended, or began elsewhere"));
            }
            let (place, session) = begin(id, key, (remote, certificates), pipe, self.clone());
            sessions.insert(id, place);
            return Ok(Joined::Session(session));
        };
        if place.key != key {
            return Err(refused("its session is somebody else's"));
        }
        let (pipe, dropped) = place.lifetime.tie_until_dropped(pipe);
        let taken = match kind {
            PipeKind::Reverse => {
                place.spare.put(pipe);
                true
            }
            _ => place.pipes.try_send((kind, pipe)).is_ok(),
        };
        if taken { Ok(Joined::Pipe(dropped)) } else { Err(refused("its session has too many")) }
    }
}

fn begin(
    id: SessionId,
    key: KeyHash,
    (remote, certificates): (SocketAddr, Vec<CertificateDer<'static>>),
    link: Pipe,
    joiner: Joiner,
) -> (Place, AcceptedSession) {
    let (pipes, opened) = mpsc::channel(PIPES_MAX);
    let spare = Arc::new(Spare::default());
    let lifetime = Lifetime::default();
    spawn_child(&lifetime.cut(), answer(Frames::new(link), lifetime.clone()));
    let place = Place { key, pipes, spare: Arc::clone(&spare), lifetime: lifetime.clone() };
    let opened = opened.into();
    let session = AcceptedSession { id, remote, certificates, opened, spare, lifetime, joiner };
    (place, session)
}

/// The link at the collector: answers, and ends the session when nobody asks any more.
async fn answer(mut frames: Frames<Pipe>, lifetime: Lifetime) {
    let reason = loop {
        tokio::select! {
            frame = tokio::time::timeout(SILENCE_MAX, frames.next()) => match frame {
                Ok(Ok(Frame::Ping(body))) => {
                    if let Err(reason) = say(&mut frames, Frame::Pong(body), &lifetime).await {
                        break reason;
                    }
                }
                Ok(Ok(Frame::Pong(_))) => {}
                Ok(Ok(Frame::Close(reason))) => break reason,
                Ok(Err(error)) => break error.to_string(),
                Err(_) => break "the agent is silent".to_owned(),
            },
            reason = lifetime.closing() => {
                tell(&mut frames, &reason).await;
                break reason;
            }
        }
    };
    lifetime.end(&reason);
}

/// A session over TCP, at the collector. Dropping it cuts every pipe of it.
#[derive(Debug)]
pub struct AcceptedSession {
    id: SessionId,
    remote: SocketAddr,
    certificates: Vec<CertificateDer<'static>>,
    opened: tokio::sync::Mutex<mpsc::Receiver<(PipeKind, Pipe)>>,
    spare: Arc<Spare>,
    lifetime: Lifetime,
    joiner: Joiner,
}

impl AcceptedSession {
    /// What comes, unless the session ends first.
    async fn unless_ended<T>(&self, next: impl Future<Output = T>) -> Result<T, TransportError> {
        tokio::select! {
            next = next => Ok(next),
            reason = self.lifetime.ended() => Err(TransportError::Closed { reason }),
        }
    }
}

impl Drop for AcceptedSession {
    fn drop(&mut self) {
        self.joiner.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.lifetime.abandon();
    }
}

impl Session for AcceptedSession {
    fn carrier(&self) -> Carrier {
        Carrier::Tcp
    }

    /// On a spare connection of the agent's; waits until there is one.
    fn open(&self, kind: PipeKind) -> BoxFuture<'_, Result<Pipe, TransportError>> {
        async move {
            loop {
                let mut pipe = self.unless_ended(self.spare.take()).await?;
                match pipe.greet(kind, &self.id).await {
                    Ok(()) => return Ok(pipe),
                    // It broke while it waited; the agent brings another one.
                    Err(error) => tracing::debug!(%error, "a spare pipe was broken"),
                }
            }
        }
        .boxed()
    }

    fn accept(&self) -> BoxFuture<'_, Result<(PipeKind, Pipe), TransportError>> {
        async move {
            let next = async { self.opened.lock().await.recv().await };
            let gone = || TransportError::Closed { reason: "the session was dropped".into() };
            self.unless_ended(next).await?.ok_or_else(gone)
        }
        .boxed()
    }

    fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Not measured at this end: the agent asks.
    fn rtt(&self) -> Duration {
        Duration::ZERO
    }

    fn progress(&self) -> u64 {
        0
    }

    fn close(&self, reason: &str) {
        self.lifetime.close(reason);
    }

    fn closed(&self) -> BoxFuture<'_, String> {
        self.lifetime.ended().boxed()
    }
}
