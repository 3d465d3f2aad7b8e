//! When agents were heard last, written to their rows now and then.
//!
//! - in: sessions, heartbeats, commits
//! - out: every [`FLUSH_EVERY`] the agents that were heard since, [`TOGETHER_MAX`] in a transaction
//! - bound: one entry per agent
//! - when full: cannot be; while the disk is, they are kept for later
//! - on crash: the times of the last seconds are lost; the agents are heard again soon

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{IngestKey, not_written};
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

const FLUSH_EVERY: Duration = Duration::from_secs(15);
/// Agents in one transaction: batches and changes wait for it.
const TOGETHER_MAX: usize = 500;

#[derive(Clone, Debug, Default)]
struct Seen {
    seen_at: Micros,
    ack_at: Option<Micros>,
    version: Option<String>,
    platform: Option<String>,
}

impl Seen {
    /// What was known before and could not be written.
    fn add_older(&mut self, older: Self) {
        self.seen_at = self.seen_at.max(older.seen_at);
        self.ack_at = self.ack_at.max(older.ack_at);
        self.version = self.version.take().or(older.version);
        self.platform = self.platform.take().or(older.platform);
    }
}

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Presence {
    agents: Arc<Mutex<BTreeMap<(TenantId, AgentId), Seen>>>,
}

impl Presence {
    pub fn heard(&self, tenant: TenantId, agent: AgentId, at: Micros) {
        let mut agents = self.agents();
        let seen = agents.entry((tenant, agent)).or_default();
        seen.seen_at = seen.seen_at.max(at);
    }

    pub fn acked(&self, tenant: TenantId, agent: AgentId, at: Micros) {
        self.heard(tenant, agent, at);
        if let Some(seen) = self.agents().get_mut(&(tenant, agent)) {
            seen.ack_at = seen.ack_at.max(Some(at));
        }
    }

    pub fn hello(&self, tenant: TenantId, agent: AgentId, version: &str, platform: &str) {
        let mut agents = self.agents();
        let seen = agents.entry((tenant, agent)).or_default();
        seen.version = Some(version.into());
        seen.platform = Some(platform.into());
    }

    /// Writes until `cancel`, and once more then.
    pub async fn run(
        self,
        database: Database,
        cancel: CancellationToken,
    ) -> Result<(), Infallible> {
        let mut tick = tokio::time::interval(FLUSH_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let last = tokio::select! {
                () = cancel.cancelled() => true,
                _ = tick.tick() => false,
            };
            if let Err(error) = self.flush(&database).await {
                not_written(&error, "cannot store when agents were heard");
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Writes what is new. What cannot be written is kept, and not what comes behind it tried.
    pub async fn flush(&self, database: &Database) -> Result<(), StoreError> {
        // What little room there is is for those who sign in.
        if database.room().is_full() {
            return Ok(());
        }
        let mut agents = std::mem::take(&mut *self.agents());
        while !agents.is_empty() {
            let next = agents.keys().nth(TOGETHER_MAX).copied();
            let rest = next.map_or_else(BTreeMap::new, |next| agents.split_off(&next));
            if let Err(error) = store(database, &agents).await {
                let mut kept = self.agents();
                for (key, seen) in agents.into_iter().chain(rest) {
                    kept.entry(key).or_default().add_older(seen);
                }
                return Err(error);
            }
            agents = rest;
        }
        Ok(())
    }

    fn agents(&self) -> MutexGuard<'_, BTreeMap<(TenantId, AgentId), Seen>> {
        self.agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

sql! { pub(crate) SEEN = "UPDATE agent SET
    last_seen_at = CASE WHEN coalesce(last_seen_at, 0) < $1 THEN $1 ELSE last_seen_at END,
    last_ack_at = coalesce($2, last_ack_at), version = coalesce($3, version),
    platform = coalesce($4, platform)
WHERE tenant_id = $5 AND agent_id = $6" }

async fn store(
    database: &Database,
    agents: &BTreeMap<(TenantId, AgentId), Seen>,
) -> Result<(), StoreError> {
    let tenants: BTreeSet<TenantId> = agents.keys().map(|(tenant, _)| *tenant).collect();
    let mut txn = database.ingest(IngestKey::new(), &tenants).await?;
    // In the order of their ids: who changes many agents takes their rows so too.
    for ((tenant, agent), seen) in agents {
        let update = SEEN.bind(seen.seen_at).bind(seen.ack_at);
        let update = update.bind(seen.version.as_ref()).bind(seen.platform.as_ref());
        update.bind(*tenant).bind(*agent).execute(&mut txn).await?;
    }
    txn.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{AGENT, TENANT, World};

    #[tokio::test]
    async fn on_a_full_disk_nothing_is_written_and_afterwards_all_of_it() {
        let world = World::open().await;
        let presence = Presence::default();
        let full = StoreError::Full { source: None };
        let heard = "SELECT count(*) FROM agent WHERE last_seen_at = 9 AND last_ack_at = 7";
        for at in [7, 9] {
            presence.acked(TENANT, AGENT, Micros(7));
            presence.heard(TENANT, AGENT, Micros(at));
            world.database.room().failed(&full);
            presence.flush(&world.database).await.unwrap();
        }
        assert_eq!((world.count(heard).await, presence.agents().len()), (0, 1));
        world.database.room().look();
        presence.flush(&world.database).await.unwrap();
        assert_eq!((world.count(heard).await, presence.agents().len()), (1, 0));
        world.remove().await;
    }

    #[test]
    fn what_could_not_be_written_is_kept_beside_what_came_since() {
        let older = Seen {
            seen_at: Micros(5),
            ack_at: Some(Micros(4)),
            version: Some("1".into()),
            platform: Some("linux".into()),
        };
        let mut now = Seen { seen_at: Micros(9), version: Some("2".into()), ..Seen::default() };
        now.add_older(older);
        assert_eq!((now.seen_at, now.ack_at), (Micros(9), Some(Micros(4))));
        assert_eq!((now.version.as_deref(), now.platform.as_deref()), (Some("2"), Some("linux")));
    }
}
