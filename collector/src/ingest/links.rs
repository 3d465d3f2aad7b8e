//! How agents were connected, written down beside the data, never in the way of an acknowledgement.
//!
//! - in: what `live` noticed of sessions
//! - out: every [`FLUSH_EVERY`] what is new, [`TOGETHER_MAX`] in a transaction
//! - bound: `live` keeps so many, and counts what it lets go
//! - when full: the oldest are let go
//! - on crash: the changes of the last seconds are lost

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use farwatch_common::id::TenantId;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{IngestKey, not_written};
use crate::live::Live;
use crate::live::links::{LinkChange, WAITING_MAX};
use crate::store::links::link_add;
use crate::store::{Database, StoreError};

const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Changes in one transaction: batches wait for it.
const TOGETHER_MAX: usize = 200;
/// Transactions of one time: those of all that may wait. What comes meanwhile is for the next time.
const TURNS_MAX: usize = WAITING_MAX / TOGETHER_MAX;

/// Writes until `cancel`, and once more then.
pub(super) async fn run(
    live: Live,
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
        if let Err(error) = flush(&live, &database).await {
            not_written(&error, "cannot store how agents were connected");
        }
        if last {
            return Ok(());
        }
    }
}

/// Writes what is new. What cannot be written is kept for the next time.
pub async fn flush(live: &Live, database: &Database) -> Result<(), StoreError> {
    // What little room there is is for those who sign in.
    if database.room().is_full() {
        return Ok(());
    }
    for _ in 0..TURNS_MAX {
        let (changes, let_go) = live.take_links(TOGETHER_MAX);
        if let_go > 0 {
            tracing::warn!(let_go, "changes of agents' connections were let go of: too many");
        }
        if changes.is_empty() {
            break;
        }
        if let Err(error) = store(database, &changes).await {
            live.put_links_back(changes);
            return Err(error);
        }
    }
    Ok(())
}

async fn store(database: &Database, changes: &[LinkChange]) -> Result<(), StoreError> {
    let tenants: BTreeSet<TenantId> = changes.iter().map(|change| change.tenant).collect();
    let mut txn = database.ingest(IngestKey::new(), &tenants).await?;
    for change in changes {
        link_add(&mut txn, change).await?;
    }
    txn.commit().await
}

#[cfg(test)]
mod tests {
    use farwatch_common::clock::Clock;

    use super::*;
    use crate::live::links::LinkEvent;
    use crate::store::fixture::{AGENT, OTHER_TENANT, PostgresWorld, TENANT, World, context, peer};
    use crate::store::links::{KEPT, link_list};

    async fn sessions_are_written_down(database: &Database) {
        let live = Live::new(Clock::system());
        live.agent_added(TENANT, AGENT);
        let connect = |connection| {
            live.agent_connected(&peer(AGENT, connection), Default::default(), None);
        };
        connect(1);
        connect(2);
        live.agent_disconnected(&peer(AGENT, 2));
        flush(&live, database).await.unwrap();
        let kept = link_list(database, &context(TENANT), AGENT).await.unwrap();
        let told: Vec<_> = kept.iter().map(|one| (one.event, one.reason.as_deref())).collect();
        let expected = [
            (LinkEvent::Ended, Some("closed")),
            (LinkEvent::Opened, None),
            (LinkEvent::Ended, Some("replaced")),
            (LinkEvent::Opened, None),
        ];
        assert_eq!(told, expected);
        assert_eq!((&*kept[0].transport, &*kept[0].remote), ("quic", "127.0.0.1:4000"));
        assert_eq!(link_list(database, &context(OTHER_TENANT), AGENT).await.unwrap(), []);
        // Only the newest stay.
        for connection in 3..=300 {
            connect(connection);
            if connection % 20 == 0 {
                flush(&live, database).await.unwrap();
            }
        }
        let kept = link_list(database, &context(TENANT), AGENT).await.unwrap();
        assert_eq!(kept.len(), usize::try_from(KEPT).unwrap());
        assert!(kept.is_sorted_by(|a, b| (a.at, a.event) > (b.at, b.event)));
    }

    #[tokio::test]
    async fn sessions_are_written_down_on_sqlite() {
        let world = World::open().await;
        sessions_are_written_down(&world.database).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn sessions_are_written_down_on_postgresql() {
        let Some(world) = PostgresWorld::open().await else { return };
        sessions_are_written_down(&world.database).await;
        world.remove().await;
    }
}
