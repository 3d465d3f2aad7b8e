//! How agents were connected, written down beside the data, never in the way of an acknowledgement.
//!
//! - in: what `live` noticed of sessions
//! - out: once the ends of sessions that the collector before this one left open, and every [`FLUSH_EVERY`] what is new, [`TOGETHER_MAX`] in a transaction
//! - bound: `live` keeps so many, and counts what it lets go
//! - when full: the oldest are let go
//! - on crash: the changes of the last seconds are lost; the next start ends what was open

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{IngestKey, not_written};
use crate::live::Live;
use crate::live::links::{LinkChange, WAITING_MAX};
use crate::store::links::{link_add, link_end, links_open};
use crate::store::{Database, StoreError};

const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Changes in one transaction: batches wait for it.
const TOGETHER_MAX: usize = 200;
/// Transactions of one time: those of all that may wait. What comes meanwhile is for the next time.
const TURNS_MAX: usize = WAITING_MAX / TOGETHER_MAX;

/// Writes until `cancel`, and once more then. `start`: sessions of before are none any more.
pub(super) async fn run(
    live: Live,
    database: Database,
    start: Micros,
    cancel: CancellationToken,
) -> Result<(), Infallible> {
    let mut are_ended = false;
    let mut tick = tokio::time::interval(FLUSH_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let last = tokio::select! {
            () = cancel.cancelled() => true,
            _ = tick.tick() => false,
        };
        let written = async {
            // First: then nothing that this process has written is taken for it.
            if !are_ended {
                are_ended = end_open(&database, start).await?;
            }
            if are_ended { flush(&live, &database).await } else { Ok(()) }
        };
        if let Err(error) = written.await {
            not_written(&error, "cannot store how agents were connected");
        }
        if last {
            return Ok(());
        }
    }
}

/// Ends the sessions of before `start`; `false` while there is no room for that.
async fn end_open(database: &Database, start: Micros) -> Result<bool, StoreError> {
    if database.room().is_full() {
        return Ok(false);
    }
    let open = links_open(database, start).await?;
    for some in open.chunks(TOGETHER_MAX) {
        let tenants = some.iter().map(|open| open.tenant).collect();
        let mut txn = database.ingest(IngestKey::new(), &tenants).await?;
        for open in some {
            link_end(&mut txn, open).await?;
        }
        txn.commit().await?;
    }
    Ok(true)
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
    use crate::ingest::Presence;
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

    async fn what_was_open_is_ended(database: &Database) {
        let live = Live::new(Clock::system());
        live.agent_added(TENANT, AGENT);
        live.agent_connected(&peer(AGENT, 1), Default::default(), None);
        flush(&live, database).await.unwrap();
        let told = async || {
            let kept = link_list(database, &context(TENANT), AGENT).await.unwrap();
            kept.into_iter().map(|one| (one.at, one.event, one.reason)).collect::<Vec<_>>()
        };
        let opened = told().await[0].0;
        let reason = Some("collector_ended".to_owned());
        // Nobody has written down that it was heard after it came.
        assert!(end_open(database, opened.after(FLUSH_EVERY)).await.unwrap());
        let ended = (Micros(opened.0 + 1), LinkEvent::Ended, reason.clone());
        assert_eq!(told().await, [ended.clone(), (opened, LinkEvent::Opened, None)]);
        // What has ended does not end again.
        assert!(end_open(database, opened.after(FLUSH_EVERY)).await.unwrap());
        assert_eq!(told().await.len(), 2);
        live.agent_connected(&peer(AGENT, 2), Default::default(), None);
        flush(&live, database).await.unwrap();
        let again = told().await[1].0;
        assert_eq!(told().await[1].2, Some("replaced".to_owned()));
        let heard = |at: Micros| {
            let presence = Presence::default();
            presence.heard(TENANT, AGENT, at);
            async move { presence.flush(database).await.unwrap() }
        };
        // Heard for seven seconds, and again since the start.
        let start = again.after(Duration::from_secs(9));
        heard(again.after(Duration::from_secs(7))).await;
        heard(again.after(Duration::from_secs(20))).await;
        assert!(end_open(database, start).await.unwrap());
        assert_eq!(told().await[0], (start, LinkEvent::Ended, reason));
    }

    #[tokio::test]
    async fn what_was_open_is_ended_on_sqlite() {
        let world = World::open().await;
        what_was_open_is_ended(&world.database).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn what_was_open_is_ended_on_postgresql() {
        let Some(world) = PostgresWorld::open().await else { return };
        what_was_open_is_ended(&world.database).await;
        world.remove().await;
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
