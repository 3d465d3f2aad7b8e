//! Connections of agents, over QUIC and over TCP: handshake, identity, pipes.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::task::{chain, spawn_child};
use farwatch_common::tls::{KeyHash, key_hash};
use farwatch_common::transport::quic::{Handshake, Listener};
use farwatch_common::transport::tcp::{self, Joined, Joiner};
use farwatch_common::transport::{Pipe, PipeKind, Session, link};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::command::Line;
use crate::identity::agent_key::{AdmittedKey, agent_key_find};
use crate::identity::places::Places;
use crate::identity::{PeerInfo, Remote};
use crate::ingest::{SessionGuard, Sessions};
use crate::inventory::push::AssignmentPush;
use crate::metrics::{Counter, Metrics};
use crate::store::Database;

/// Handshakes under way at once; each costs a signature.
const HANDSHAKES_MAX: usize = 256;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections over TCP: some four of each agent.
const TCP_ALL_MAX: usize = 65_536;
/// Of one key: two sessions, an old and a new one, with all pipes and some to spare.
const TCP_PER_KEY_MAX: usize = 16;
/// How long the agent may take to be told why its session ends, with some time for the link.
const CLOSE_WITHIN: Duration = tcp::CLOSE_WITHIN.saturating_add(Duration::from_secs(1));
/// A link pipe on which nothing is asked for so long is hung up.
const LINK_PATIENCE: Duration = Duration::from_secs(30);
/// Pipes accepted and not yet taken by the gRPC server.
pub const PIPES_WAITING_MAX: usize = 256;

/// A pipe and who is at its other end; gRPC handlers find the [`PeerInfo`] in the request.
#[derive(Debug)]
pub struct PeerPipe {
    pipe: Pipe,
    peer: PeerInfo,
}

/// What went wrong at this door.
#[derive(Clone, Debug)]
pub struct DoorCounters {
    handshakes_failed: Counter,
    agents_refused: Counter,
    pipes_refused: Counter,
}

impl DoorCounters {
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        Self {
            handshakes_failed: counter(
                "listen_quic_handshakes_failed_total",
                "QUIC handshakes that did not complete.",
            ),
            agents_refused: counter(
                "listen_agents_refused_total",
                "Agents without a key, or whose key is unknown, expired or revoked.",
            ),
            pipes_refused: counter(
                "listen_pipes_refused_total",
                "Pipes of a kind that agents must not open.",
            ),
        }
    }
}

/// The sessions over TCP, and how many connections each agent has.
#[derive(Clone)]
pub struct TcpSessions {
    joiner: Joiner,
    places: Arc<Places<KeyHash>>,
}

impl Default for TcpSessions {
    fn default() -> Self {
        let places = Arc::new(Places::new(TCP_ALL_MAX, TCP_PER_KEY_MAX));
        Self { joiner: Joiner::default(), places }
    }
}

/// What a connection needs.
#[derive(Clone)]
pub struct AgentDoor {
    pub database: Database,
    pub clock: Clock,
    pub sessions: Sessions,
    pub push: AssignmentPush,
    pub counters: DoorCounters,
    /// To the gRPC server of the agents' services.
    pub pipes: mpsc::Sender<io::Result<PeerPipe>>,
    /// Number of the last connection.
    pub connections: Arc<AtomicU64>,
    /// Sessions over TCP.
    pub tcp: TcpSessions,
}

impl AgentDoor {
    /// Accepts connections until cancelled.
    pub async fn serve(
        self,
        listener: Listener,
        cancel: CancellationToken,
    ) -> Result<(), Infallible> {
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        // Not the token that tells them to end: a connection that is dropped says no reason.
        let closed = CancellationToken::new();
        let _closed = closed.clone().drop_guard();
        loop {
            // The semaphore is never closed, so `acquire_owned` cannot fail.
            let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else { break };
            let handshake = tokio::select! {
                () = cancel.cancelled() => break,
                handshake = listener.accept() => handshake,
            };
            let Some(handshake) = handshake else { break };
            let door = self.clone();
            let child = cancel.clone();
            spawn_child(&closed, async move {
                // On the heap, what only the beginning needs is not held as long as the connection.
                let admitted = Box::pin(door.admit(handshake)).await;
                drop(permit);
                if let Some((session, key, hash)) = admitted {
                    door.connection(session, key, hash, &child).await;
                }
            });
        }
        listener.close("the collector is stopping").await;
        Ok(())
    }

    /// Completes the handshake and looks the key up. `None`: refused, told, counted.
    async fn admit(
        &self,
        handshake: Handshake,
    ) -> Option<(Arc<dyn Session>, AdmittedKey, KeyHash)> {
        let remote = handshake.remote();
        let finished = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake.finish()).await;
        let session = match finished {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => {
                self.counters.handshakes_failed.add(1);
                tracing::debug!(%remote, error = chain(&error), "QUIC handshake failed");
                return None;
            }
            Err(_) => {
                self.counters.handshakes_failed.add(1);
                return None;
            }
        };
        self.known(Arc::new(session)).await
    }

    /// Looks the key of a session up.
    async fn known(
        &self,
        session: Arc<dyn Session>,
    ) -> Option<(Arc<dyn Session>, AdmittedKey, KeyHash)> {
        let hash = session.certificates().first().and_then(|leaf| key_hash(leaf).ok());
        let Some(hash) = hash else {
            self.counters.agents_refused.add(1);
            session.close("no certificate");
            return None;
        };
        let key = self.find_key(&*session, &hash).await?;
        Some((session, key, hash))
    }

    /// Serves one connection over TCP: the session that it begins, or a pipe of one. It counts as a
    /// connection as long as it is one.
    pub(super) async fn tcp(self, stream: TlsStream<TcpStream>, cancel: &CancellationToken) {
        tcp::watch_over(stream.get_ref().0);
        let leaf = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let hash = leaf.and_then(|leaf| key_hash(leaf).ok());
        let Some(Ok(_place)) = hash.map(|hash| self.tcp.places.take(hash)) else {
            self.counters.pipes_refused.add(1);
            tracing::debug!("connection of an agent refused: it has too many");
            return;
        };
        match self.tcp.joiner.join(stream).await {
            Ok(Joined::Session(session)) => {
                let session: Arc<dyn Session> = Arc::new(session);
                if let Some((session, key, hash)) = self.known(Arc::clone(&session)).await {
                    self.connection(session, key, hash, cancel).await;
                }
                session.close("the session is over");
                let _ = tokio::time::timeout(CLOSE_WITHIN, session.closed()).await;
            }
            Ok(Joined::Pipe(dropped)) => tokio::select! {
                () = dropped.cancelled() => {}
                () = cancel.cancelled() => {}
            },
            Err(error) => {
                self.counters.pipes_refused.add(1);
                tracing::debug!(error = chain(&error), "connection of an agent refused");
            }
        }
    }

    /// Who the peer is; one that is nobody is told, and counted.
    async fn find_key(&self, session: &dyn Session, hash: &KeyHash) -> Option<AdmittedKey> {
        match agent_key_find(&self.database, hash, self.clock.now()).await {
            Ok(Some(key)) => Some(key),
            Ok(None) => {
                self.counters.agents_refused.add(1);
                tracing::info!("agent refused: its key is unknown, expired or revoked");
                session.close("this agent's key is unknown, expired or revoked");
                None
            }
            Err(error) => {
                tracing::error!(error = chain(&error), "cannot look up an agent's key");
                session.close("the collector cannot look up keys now, come again");
                None
            }
        }
    }

    /// Serves one agent until it leaves, is replaced or revoked, or its certificate ends.
    async fn connection(
        &self,
        session: Arc<dyn Session>,
        key: AdmittedKey,
        hash: KeyHash,
        cancel: &CancellationToken,
    ) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let remote = Remote::Of(Arc::clone(&session));
        let peer = key.peer(hash, remote, session.carrier(), number);
        let guard = self.sessions.begin(&peer);
        // Again: a revocation since the first look found no session to end. One after this look
        // finds it.
        if Box::pin(self.find_key(&*session, &hash)).await.is_none() {
            return;
        }
        let ended = cancel.child_token();
        let mut visit = Visit { guard: &guard, ended: &ended, is_called: false };
        let left = key.not_after.since(self.clock.now());
        let reason = tokio::select! {
            reason = self.pipes(&session, &peer, &mut visit) => reason,
            () = guard.token().cancelled() => {
                close(&session, "replaced by a newer connection, or access was revoked")
            }
            () = tokio::time::sleep(left) => {
                close(&session, "this connection's certificate expired, dial with the new one")
            }
            () = cancel.cancelled() => close(&session, "the collector is stopping"),
        };
        ended.cancel();
        if visit.is_called {
            tracing::info!(agent_id = %peer.agent, connection = number, reason, "agent left");
        } else {
            tracing::debug!(agent_id = %peer.agent, reason, "a connection without a session ends");
        }
    }

    /// Hands the agent's pipes to the gRPC server until the session ends; says why it did.
    async fn pipes(
        &self,
        session: &Arc<dyn Session>,
        peer: &PeerInfo,
        visit: &mut Visit<'_>,
    ) -> String {
        loop {
            match session.accept().await {
                Ok((PipeKind::Telemetry | PipeKind::Control | PipeKind::Snapshot, pipe)) => {
                    if !visit.is_called {
                        visit.is_called = true;
                        self.call(session, peer, visit);
                    }
                    let pipe = PeerPipe { pipe, peer: peer.clone() };
                    if self.pipes.send(Ok(pipe)).await.is_err() {
                        return close(session, "the collector is stopping");
                    }
                }
                Ok((PipeKind::Link, pipe)) => {
                    spawn_child(visit.ended, link::answer(pipe, LINK_PATIENCE));
                }
                Ok((kind, _pipe)) => {
                    self.counters.pipes_refused.add(1);
                    tracing::debug!(?kind, "pipe refused: not for agents to open");
                }
                Err(error) => return chain(&error),
            }
        }
    }

    /// The agent has something to say, so it serves calls too, and is told what to poll.
    fn call(&self, session: &Arc<dyn Session>, peer: &PeerInfo, visit: &Visit<'_>) {
        let number = peer.connection;
        tracing::info!(agent_id = %peer.agent, connection = number, "agent connected");
        let line = Line::new(Arc::clone(session), number);
        visit.guard.reached_by(line.clone());
        spawn_child(visit.ended, self.push.clone().run(peer.clone(), line));
    }
}

/// What goes on beside the pipes of one connection.
struct Visit<'a> {
    guard: &'a SessionGuard,
    /// Ends it.
    ended: &'a CancellationToken,
    /// One that only measures the way, as an agent's doctor does, serves no calls: it opens nothing but
    /// links, is not called, and nobody is told of it.
    is_called: bool,
}

fn close(session: &Arc<dyn Session>, reason: &str) -> String {
    session.close(reason);
    reason.to_owned()
}

impl tonic::transport::server::Connected for PeerPipe {
    type ConnectInfo = PeerInfo;

    fn connect_info(&self) -> PeerInfo {
        self.peer.clone()
    }
}

impl AsyncRead for PeerPipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for PeerPipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}
