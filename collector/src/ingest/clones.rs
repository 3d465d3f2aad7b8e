//! Two hosts run as one agent, or one was put back to an old copy of itself: who is told of it.
//!
//! The refusal tells the one that is kept out; screens and rules know as long as it comes back; the
//! tenant's audit has a row, now and then. That row is written beside, never in the way of a session.

use std::sync::{Mutex, PoisonError};

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use farwatch_common::task::{self, chain};
use farwatch_common::transport::CLONED_HEADER;
use tonic::Status;
use tonic::metadata::MetadataValue;

use super::Parts;
use super::boots::{Boots, Opening};
use crate::audit::Change;
use crate::identity::{Access, PeerInfo};
use crate::inventory::InventoryError;
use crate::inventory::agent::agent_get;
use crate::store::Database;

/// What the operator of the host reads.
const KEPT_OUT: &str = "another host runs as this agent, with a copy of its state; stop the agent on \
     one of the two and enrol it there with a new token and --force, which gives up what waits in its \
     buffer";

/// [`Boots`], for all sessions.
#[derive(Debug, Default)]
pub(super) struct Clones(Mutex<Boots>);

impl Clones {
    /// The process that has the agent's session is heard.
    pub(super) fn heard(&self, agent: AgentId, now: Micros) {
        self.boots(|boots| boots.heard(agent, now));
    }

    fn boots<T>(&self, of: impl FnOnce(&mut Boots) -> T) -> T {
        of(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A process of the agent says hello: refused where another host is this agent.
pub(super) fn admit(parts: &Parts, peer: &PeerInfo, boot: &[u8]) -> Result<(), Status> {
    let now = parts.clock.now();
    let (is_kept_out, tell) = match parts.clones.boots(|boots| boots.open(peer.agent, boot, now)) {
        Opening::Admitted => return Ok(()),
        Opening::Found { tell } => (false, tell),
        Opening::KeptOut { tell } => (true, tell),
    };
    parts.live.agent_cloned(peer.agent);
    parts.counters.clones_seen.add(1);
    if tell {
        tracing::warn!(
            tenant = %peer.tenant,
            agent = %peer.agent,
            "two hosts run as one agent: the younger is kept out"
        );
        write_down(parts, peer, "clone", now);
    }
    if is_kept_out { Err(refusal()) } else { Ok(()) }
}

/// Other content came under a number that is stored: the agent begins a new stream.
pub(super) fn forked(parts: &Parts, peer: &PeerInfo) {
    let now = parts.clock.now();
    if parts.clones.boots(|boots| boots.forked(peer.agent, now)) {
        write_down(parts, peer, "fork", now);
    }
}

fn refusal() -> Status {
    let mut refusal = Status::failed_precondition(KEPT_OUT);
    refusal.metadata_mut().insert(CLONED_HEADER, MetadataValue::from_static("1"));
    refusal
}

fn write_down(parts: &Parts, peer: &PeerInfo, verb: &'static str, now: Micros) {
    let (database, peer) = (parts.database.clone(), peer.clone());
    task::spawn_child(&parts.cancel, async move {
        if let Err(error) = write(&database, &peer, verb, now).await {
            let error = chain(&error);
            tracing::warn!(error, verb, "what happened to an agent could not be written down");
        }
    });
}

async fn write(
    database: &Database,
    peer: &PeerInfo,
    verb: &'static str,
    now: Micros,
) -> Result<(), InventoryError> {
    let context = peer.context();
    let agent = agent_get(database, &context, peer.agent).await?;
    let write = database.change(&context, peer.tenant, Access::Write).await?;
    let change = Change::new("agent", verb, peer.agent.0, &agent.name);
    Ok(write.commit([change], now).await?)
}
