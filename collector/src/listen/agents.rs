//! QUIC connections of agents: handshake, identity, pipes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::task::{chain, spawn_child};
use farwatch_common::tls::key_hash;
use farwatch_common::transport::quic::{Handshake, Listener};
use farwatch_common::transport::{Pipe, PipeKind, Session};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::connections::Connections;
use crate::identity::PeerInfo;
use crate::identity::agent_key::{AdmittedKey, agent_key_find};
use crate::identity::peer::Transport;
use crate::inventory::push::AssignmentPush;
use crate::metrics::Metrics;
use crate::store::Database;

/// Handshakes under way at once; each costs a signature.
const HANDSHAKES_MAX: usize = 256;
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pipes accepted and not yet taken by the gRPC server.
pub const PIPES_WAITING_MAX: usize = 256;

/// A pipe and who is at its other end; gRPC handlers find the [`PeerInfo`] in the request.
#[derive(Debug)]
pub struct PeerPipe {
    pipe: Pipe,
    peer: PeerInfo,
}

/// What a connection needs.
#[derive(Clone)]
pub struct AgentDoor {
    pub database: Database,
    pub clock: Clock,
    pub connections: Connections,
    pub push: AssignmentPush,
    pub metrics: Arc<Metrics>,
    /// To the gRPC server of the agents' services.
    pub pipes: mpsc::Sender<io::Result<PeerPipe>>,
}

impl AgentDoor {
    /// Accepts connections until cancelled.
    pub async fn serve(self, listener: Listener, cancel: CancellationToken) {
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
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
            spawn_child(&cancel, async move {
                let session = door.admit(handshake).await;
                drop(permit);
                if let Some((session, key)) = session {
                    door.connection(session, key, &child).await;
                }
            });
        }
        listener.close("the collector is stopping").await;
    }

    /// Completes the handshake and looks the key up. `None`: refused, told, counted.
    async fn admit(
        &self,
        handshake: Handshake,
    ) -> Option<(Arc<dyn Session>, (AdmittedKey, [u8; 32]))> {
        let remote = handshake.remote();
        let finished = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake.finish()).await;
        let session = match finished {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => {
                self.metrics.handshakes_failed.add(1);
                tracing::debug!(%remote, error = chain(&error), "QUIC handshake failed");
                return None;
            }
            Err(_) => {
                self.metrics.handshakes_failed.add(1);
                return None;
            }
        };
        let hash = session.certificates().first().and_then(|leaf| key_hash(leaf).ok());
        let Some(hash) = hash else {
            session.close("no certificate");
            return None;
        };
        match agent_key_find(&self.database, &hash, self.clock.now()).await {
            Ok(Some(key)) => Some((Arc::new(session), (key, hash))),
            Ok(None) => {
                self.metrics.agents_refused.add(1);
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

    async fn connection(
        &self,
        session: Arc<dyn Session>,
        (key, hash): (AdmittedKey, [u8; 32]),
        cancel: &CancellationToken,
    ) {
        let guard = self.connections.add(key.agent, Arc::clone(&session));
        let peer = key.peer(hash, session.remote(), Transport::Quic, guard.number);
        tracing::info!(agent_id = %peer.agent, connection = guard.number, "agent connected");
        let ended = cancel.child_token();
        spawn_child(&ended, self.push.clone().run(peer.clone(), Arc::clone(&session)));
        let left = key.not_after.since(self.clock.now());
        let reason = tokio::select! {
            reason = self.pipes(&session, &peer) => reason,
            () = tokio::time::sleep(left) => {
                self.expire(&session, &hash, left).await
            }
        };
        ended.cancel();
        tracing::info!(agent_id = %peer.agent, connection = guard.number, reason, "agent left");
    }

    /// The certificate's end came: if the key was renewed meanwhile the agent redials by itself.
    async fn expire(&self, session: &Arc<dyn Session>, hash: &[u8; 32], left: Duration) -> String {
        let known = agent_key_find(&self.database, hash, self.clock.now()).await;
        tracing::debug!(renewed = matches!(known, Ok(Some(_))), ?left, "certificate expired");
        session.close("this connection's certificate expired, dial again with the new one");
        "certificate expired".into()
    }

    /// Hands the agent's pipes to the gRPC server until the session ends; says why it did.
    async fn pipes(&self, session: &Arc<dyn Session>, peer: &PeerInfo) -> String {
        loop {
            match session.accept().await {
                Ok((PipeKind::Telemetry | PipeKind::Control | PipeKind::Snapshot, pipe)) => {
                    let pipe = PeerPipe { pipe, peer: peer.clone() };
                    if self.pipes.send(Ok(pipe)).await.is_err() {
                        session.close("the collector is stopping");
                        return "stopping".into();
                    }
                }
                Ok((kind, _pipe)) => {
                    self.metrics.pipes_refused.add(1);
                    tracing::debug!(?kind, "pipe refused: not for agents to open");
                }
                Err(error) => return chain(&error),
            }
        }
    }
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
