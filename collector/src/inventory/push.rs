//! Tells connected agents what to poll: at once when they connect, and after every change.

use std::sync::Arc;
use std::time::Duration;

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::Clock;
use farwatch_common::task::chain;
use farwatch_common::transport::REVISION_HEADER;
use tokio::sync::broadcast::error::RecvError;

use super::assignment::{AssignmentChanges, assignment_for, assignment_outgrow};
use super::{InventoryError, Vault};
use crate::command::Line;
use crate::identity::PeerInfo;
use crate::metrics::Counter;
use crate::store::Database;

/// An agent that does not answer in time is asked again.
const APPLY_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_BASE: Duration = Duration::from_millis(500);
const RETRY_CAP: Duration = Duration::from_secs(30);

/// Pushes assignments to one agent per connection. Cheap to clone.
#[derive(Clone)]
pub struct AssignmentPush {
    pub database: Database,
    pub vault: Arc<Vault>,
    pub changes: AssignmentChanges,
    pub left_out: Counter,
    pub clock: Clock,
}

/// Why a push failed; all of them are tried again while the agent is connected.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error("cannot read the assignment")]
    Inventory(#[from] InventoryError),
    #[error("the agent did not take the assignment: {}", .0.message())]
    // Its own text is for debugging.
    Refused(Box<tonic::Status>),
}

impl From<tonic::Status> for PushError {
    fn from(status: tonic::Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl AssignmentPush {
    /// Keeps the agent up to date. Endless: it is dropped with the agent's connection.
    pub async fn run(self, peer: PeerInfo, line: Line) {
        // Subscribed before the first read, so that no change falls between.
        let mut changes = self.changes.subscribe();
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_CAP);
        let mut applied = None;
        loop {
            // On the heap: for nearly all of the time the task only waits for changes.
            match Box::pin(self.push(&peer, &line, applied)).await {
                Ok(revision) => {
                    applied = Some(revision);
                    backoff.reset();
                }
                Err(error) => {
                    Box::pin(self.outgrow(&peer, &error)).await;
                    tracing::warn!(agent_id = %peer.agent, error = chain(&error), "push failed");
                    tokio::time::sleep(backoff.next(rand::random())).await;
                    continue;
                }
            }
            loop {
                match changes.recv().await {
                    Ok(agent) if agent == peer.agent => break,
                    Ok(_) => {}
                    // Too many changes to remember: this agent may be among them.
                    Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    /// If the agent has a later revision than this database, makes ours the latest; the next push
    /// brings it.
    async fn outgrow(&self, peer: &PeerInfo, error: &PushError) {
        let PushError::Refused(status) = error else { return };
        let Some(known) = revision_of(status) else { return };
        let agent = (peer.tenant, peer.agent);
        let now = self.clock.now();
        match assignment_outgrow(&self.database, &peer.context(), agent, known, now).await {
            Ok(true) => tracing::warn!(
                agent_id = %peer.agent,
                known,
                "the agent has a later assignment than this collector, which seems to be restored \
                 from a backup: this collector's will replace it"
            ),
            Ok(false) => {}
            Err(error) => tracing::error!(error = chain(&error), "cannot raise a revision"),
        }
    }

    /// Pushes unless the agent has this revision from us already; returns the revision.
    async fn push(
        &self,
        peer: &PeerInfo,
        line: &Line,
        applied: Option<u64>,
    ) -> Result<u64, PushError> {
        let agent = (peer.tenant, peer.agent);
        let (assignment, left_out) =
            assignment_for(&self.database, &self.vault, &peer.context(), agent).await?;
        let (revision, devices) = (assignment.revision, assignment.devices.len());
        if applied == Some(revision) {
            return Ok(revision);
        }
        self.left_out.add(left_out.len() as u64);
        for device in left_out {
            tracing::error!(
                agent_id = %peer.agent,
                device_id = %device,
                "a device is pinged and not asked: its credential is damaged, set it anew"
            );
        }
        let apply = async { line.client().await?.apply_assignment(assignment).await };
        let late = |_| tonic::Status::deadline_exceeded("the agent does not answer in time");
        let reply = tokio::time::timeout(APPLY_TIMEOUT, apply).await.map_err(late)??.into_inner();
        for refused in &reply.refused {
            tracing::warn!(
                agent_id = %peer.agent,
                device_id = %farwatch_common::id::DeviceId(refused.device_id),
                reason = refused.reason,
                "the agent cannot poll a device"
            );
        }
        tracing::info!(agent_id = %peer.agent, revision, devices, "assignment pushed");
        Ok(revision)
    }
}

/// The revision an agent has that refuses ours as older.
fn revision_of(status: &tonic::Status) -> Option<u64> {
    if status.code() != tonic::Code::FailedPrecondition {
        return None;
    }
    status.metadata().get(REVISION_HEADER)?.to_str().ok()?.parse().ok()
}
