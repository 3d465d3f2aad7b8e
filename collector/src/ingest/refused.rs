//! Batches that are refused for good, written down beside the data, never in the way of an answer.
//!
//! - in: what a session or the committer refuses
//! - out: every [`FLUSH_EVERY`] what is new, the hash and the first [`HEAD_BYTES_MAX`] of each
//! - bound: [`WAITING_MAX`], [`WAITING_OF_AGENT_MAX`] of an agent
//! - when full: the newest is let go: the first ones tell what is wrong
//! - on crash: those of the last seconds are lost; the agent keeps its own copy

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::task::chain;
use farwatch_proto::v1::RejectCode;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::IngestKey;
use crate::store::refused::{RefusedBatch, refused_add};
use crate::store::{Database, StoreError};

/// Kept of what was sent.
pub const HEAD_BYTES_MAX: usize = 4 * 1024;
/// Bytes of the words for people.
const DETAIL_BYTES_MAX: usize = 500;
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Those that wait to be written: 2 MiB with all that is kept of them.
const WAITING_MAX: usize = 500;
const WAITING_OF_AGENT_MAX: usize = 20;

type Waiting = BTreeMap<(TenantId, AgentId), Vec<RefusedBatch>>;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<Waiting>>);

impl Refusals {
    /// Notes one whose code says that it is not to come again.
    pub fn note(&self, whose: (TenantId, AgentId), batch: RefusedBatch) {
        if !is_for_good(batch.code) {
            return;
        }
        let mut waiting = self.waiting();
        let all: usize = waiting.values().map(Vec::len).sum();
        let of_agent = waiting.entry(whose).or_default();
        if all < WAITING_MAX && of_agent.len() < WAITING_OF_AGENT_MAX {
            of_agent.push(batch);
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
                tracing::warn!(error = chain(&error), "cannot store which batches were refused");
            }
            if last {
                return Ok(());
            }
        }
    }

    /// Writes what waits. What cannot be written is let go.
    pub async fn flush(&self, database: &Database) -> Result<(), StoreError> {
        // What little room there is is for those who sign in.
        if database.room().is_full() {
            return Ok(());
        }
        let waiting = mem::take(&mut *self.waiting());
        if waiting.values().all(Vec::is_empty) {
            return Ok(());
        }
        let tenants: BTreeSet<TenantId> = waiting.keys().map(|(tenant, _)| *tenant).collect();
        let mut txn = database.ingest(IngestKey::new(), &tenants).await?;
        for (whose, batches) in &waiting {
            for batch in batches {
                refused_add(&mut txn, *whose, batch).await?;
            }
        }
        txn.commit().await
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    use crate::store::refused::{KEPT, refused_count, refused_list};

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

    #[test]
    fn who_sends_nothing_else_fills_no_memory_and_keeps_nobody_out() {
        let refusals = Refusals::default();
        for seq in 0..1_000 {
            refusals.note((TENANT, AGENT), sent(seq, RejectCode::Malformed));
        }
        refusals.note((TENANT, NEIGHBOUR), sent(1, RejectCode::Malformed));
        let waiting = refusals.waiting();
        let told: Vec<usize> = waiting.values().map(Vec::len).collect();
        assert_eq!(told, [WAITING_OF_AGENT_MAX, 1]);
        assert_eq!(waiting[&(TENANT, AGENT)][0].seq, 0, "the first ones");
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
