//! Batches that are refused for good, written down beside the data, never in the way of an answer.
//!
//! - in: what a session or the committer refuses
//! - out: every [`FLUSH_EVERY`] what is new, the hash and the first [`HEAD_BYTES_MAX`] of each
//! - bound: [`WAITING_MAX`], [`WAITING_OF_AGENT_MAX`] of an agent
//! - when full: the newest is let go: the first ones tell what is wrong. While the disk is, none is written
//! - on crash: those of the last seconds are lost; the agent keeps its own copy

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_proto::v1::RejectCode;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{IngestKey, not_written};
use crate::store::refused::{RefusedBatch, refused_add, refused_trim};
use crate::store::{Database, StoreError};

/// Kept of what was sent.
pub const HEAD_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the words for people.
const DETAIL_BYTES_MAX: usize = 500;
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Those that wait to be written: 2 MiB with all that is kept of them.
const WAITING_MAX: usize = 500;
const WAITING_OF_AGENT_MAX: usize = 20;

#[derive(Debug, Default)]
struct Waiting(BTreeMap<(TenantId, AgentId), Vec<RefusedBatch>>);

impl Waiting {
    /// Unless there are enough.
    fn add(&mut self, whose: (TenantId, AgentId), batch: RefusedBatch) {
        let all: usize = self.0.values().map(Vec::len).sum();
        let of_agent = self.0.entry(whose).or_default();
        if all < WAITING_MAX && of_agent.len() < WAITING_OF_AGENT_MAX {
            of_agent.push(batch);
        }
    }
}

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<Waiting>>);

impl Refusals {
    /// Notes one whose code says that it is not to come again.
    pub fn note(&self, whose: (TenantId, AgentId), batch: RefusedBatch) {
        if is_for_good(batch.code) {
            self.waiting().add(whose, batch);
        }
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
                not_written(&error, "cannot store which batches were refused");
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Writes what waits. What cannot be written for now is kept; what never can be is let go.
    pub async fn flush(&self, database: &Database) -> Result<(), StoreError> {
        // What little room there is is for those who sign in.
        if database.room().is_full() {
            return Ok(());
        }
        let waiting = mem::take(&mut *self.waiting());
        if waiting.0.is_empty() {
            return Ok(());
        }
        let stored = store(database, &waiting).await;
        if stored.as_ref().is_err_and(StoreError::is_retryable) {
            let mut since = self.waiting();
            let newer = mem::replace(&mut *since, waiting);
            for (whose, batches) in newer.0 {
                batches.into_iter().for_each(|batch| since.add(whose, batch));
            }
        }
        stored
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn store(database: &Database, waiting: &Waiting) -> Result<(), StoreError> {
    let tenants: BTreeSet<TenantId> = waiting.0.keys().map(|(tenant, _)| *tenant).collect();
    let mut txn = database.ingest(IngestKey::new(), &tenants).await?;
    for (whose, batches) in &waiting.0 {
        for batch in batches {
            refused_add(&mut txn, *whose, batch).await?;
        }
    }
    for tenant in tenants {
        refused_trim(&mut txn, tenant).await?;
    }
    txn.commit().await
}

/// The agent keeps it apart. Others come again: with their schemas, in a stream of their own, later.
fn is_for_good(code: RejectCode) -> bool {
    matches!(code, RejectCode::Malformed | RejectCode::NotYours | RejectCode::Unspecified)
}

/// What is kept of a batch: stream, number and content.
pub(super) fn batch(
    (stream, seq, data): (i64, u64, &[u8]),
    (code, detail): (RejectCode, &str),
    at: Micros,
) -> RefusedBatch {
    let end = detail.floor_char_boundary(DETAIL_BYTES_MAX);
    RefusedBatch {
        stream,
        seq: i64::try_from(seq).unwrap_or(i64::MAX),
        at,
        code,
        // PostgreSQL stores no NUL.
        detail: detail[..end].replace('\0', " "),
        hash: *blake3::hash(data).as_bytes(),
        bytes: i64::try_from(data.len()).unwrap_or(i64::MAX),
        head: data[..data.len().min(HEAD_BYTES_MAX)].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{
        AGENT, NEIGHBOUR, OTHER_TENANT, PostgresWorld, T0, TENANT, World, context,
    };
    use crate::store::refused::{KEPT, KEPT_OF_TENANT, refused_count, refused_list};

    fn sent(seq: u64, code: RejectCode) -> RefusedBatch {
        let at = Micros(T0 + i64::try_from(seq).unwrap());
        batch((7, seq, &[5; 10_000]), (code, "there is no codec 9\0"), at)
    }

    async fn the_newest_are_kept(database: &Database) {
        let refusals = Refusals::default();
        let note = |seq| refusals.note((TENANT, AGENT), sent(seq, RejectCode::Malformed));
        note(1);
        refusals.flush(database).await.unwrap();
        // Comes again, and is known.
        note(1);
        for code in [RejectCode::Fork, RejectCode::UnknownSchema, RejectCode::NotNow] {
            refusals.note((TENANT, AGENT), sent(9, code));
        }
        refusals.flush(database).await.unwrap();
        let list =
            async |tenant, agent| refused_list(database, &context(tenant), agent).await.unwrap();
        assert_eq!(list(TENANT, AGENT).await, [sent(1, RejectCode::Malformed)]);
        assert_eq!(list(TENANT, AGENT).await[0].head.len(), HEAD_BYTES_MAX);
        assert_eq!(list(TENANT, NEIGHBOUR).await, []);
        assert_eq!(list(OTHER_TENANT, AGENT).await, []);
        for seq in 2..=KEPT.cast_unsigned() + 5 {
            note(seq);
            if seq % 10 == 0 {
                refusals.flush(database).await.unwrap();
            }
        }
        refusals.flush(database).await.unwrap();
        let kept: Vec<i64> = list(TENANT, AGENT).await.iter().map(|one| one.seq).collect();
        assert!(kept.into_iter().eq((6..=KEPT + 5).rev()));
        let count = refused_count(database, &context(TENANT), AGENT).await.unwrap();
        assert_eq!(count, (KEPT.cast_unsigned(), Some(Micros(T0 + KEPT + 5))));
        let none = refused_count(database, &context(OTHER_TENANT), AGENT).await.unwrap();
        assert_eq!(none, (0, None));
    }

    #[tokio::test]
    async fn the_newest_are_kept_on_sqlite() {
        let world = World::open().await;
        the_newest_are_kept(&world.database).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn the_newest_are_kept_on_postgresql() {
        let Some(world) = PostgresWorld::open().await else { return };
        the_newest_are_kept(&world.database).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn on_a_full_disk_the_first_ones_are_kept_for_later() {
        let world = World::open().await;
        let (refusals, room) = (Refusals::default(), world.database.room());
        let count = async || world.count("SELECT count(*) FROM refused_batch").await;
        // What can never be written is let go.
        world
            .run(
                "CREATE TRIGGER poisoned BEFORE INSERT ON refused_batch
                 BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
            )
            .await;
        refusals.note((TENANT, AGENT), sent(1, RejectCode::Malformed));
        assert!(refusals.flush(&world.database).await.is_err());
        assert!(refusals.waiting().0.is_empty());
        world.run("DROP TRIGGER poisoned").await;
        room.failed(&StoreError::Full { source: None });
        for seq in 2..1_000 {
            refusals.note((TENANT, AGENT), sent(seq, RejectCode::Malformed));
            refusals.flush(&world.database).await.unwrap();
        }
        assert_eq!(count().await, 0);
        room.look();
        refusals.flush(&world.database).await.unwrap();
        let kept = refused_list(&world.database, &context(TENANT), AGENT).await.unwrap();
        assert_eq!((kept.len(), kept.last().unwrap().seq), (WAITING_OF_AGENT_MAX, 2));
        // Away while it is written: it waits, before what has come since.
        refusals.note((TENANT, NEIGHBOUR), sent(7, RejectCode::Malformed));
        world.database.close().await;
        assert!(refusals.flush(&world.database).await.unwrap_err().is_retryable());
        refusals.note((TENANT, NEIGHBOUR), sent(8, RejectCode::Malformed));
        let waiting = refusals.waiting();
        let seqs: Vec<i64> = waiting.0[&(TENANT, NEIGHBOUR)].iter().map(|one| one.seq).collect();
        assert_eq!(seqs, [7, 8]);
    }

    async fn a_tenant_has_so_many(database: &Database) {
        let mut txn = database.ingest(IngestKey::of_a_test(), &[TENANT].into()).await.unwrap();
        let all = KEPT_OF_TENANT + 30;
        for seq in 0..all {
            // Of more agents than there are.
            let agent = AgentId(1_000 + seq % 50);
            let one = sent(seq.cast_unsigned(), RejectCode::Malformed);
            refused_add(&mut txn, (TENANT, agent), &RefusedBatch { head: vec![], ..one })
                .await
                .unwrap();
        }
        refused_trim(&mut txn, TENANT).await.unwrap();
        txn.commit().await.unwrap();
        let mut kept = Vec::new();
        for agent in (1_000..1_050).map(AgentId) {
            let list = refused_list(database, &context(TENANT), agent).await.unwrap();
            kept.extend(list.into_iter().map(|one| one.seq));
        }
        kept.sort_unstable();
        assert!(kept.into_iter().eq(30..all), "the newest");
    }

    #[tokio::test]
    async fn a_tenant_has_so_many_on_sqlite() {
        let world = World::open().await;
        a_tenant_has_so_many(&world.database).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn a_tenant_has_so_many_on_postgresql() {
        let Some(world) = PostgresWorld::open().await else { return };
        a_tenant_has_so_many(&world.database).await;
        world.remove().await;
    }

    #[test]
    fn who_sends_nothing_else_fills_no_memory_and_keeps_nobody_out() {
        let refusals = Refusals::default();
        for seq in 0..1_000 {
            refusals.note((TENANT, AGENT), sent(seq, RejectCode::Malformed));
        }
        refusals.note((TENANT, NEIGHBOUR), sent(1, RejectCode::Malformed));
        let waiting = refusals.waiting();
        let told: Vec<usize> = waiting.0.values().map(Vec::len).collect();
        assert_eq!(told, [WAITING_OF_AGENT_MAX, 1]);
        assert_eq!(waiting.0[&(TENANT, AGENT)][0].seq, 0, "the first ones");
    }

    #[test]
    fn a_hostile_batch_leaves_little() {
        let long = "ä".repeat(400) + "\0";
        let left = batch((1, u64::MAX, b"x"), (RejectCode::Malformed, &long), Micros(0));
        assert_eq!((left.seq, left.detail), (i64::MAX, "ä".repeat(250)));
        let left = batch((1, 1, b"x"), (RejectCode::Malformed, "a\0b"), Micros(0));
        assert_eq!((&*left.detail, left.bytes, left.head), ("a b", 1, b"x".to_vec()));
    }
}
