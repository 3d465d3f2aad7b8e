//! Writes batches: the transaction an ack stands for.

use std::collections::{BTreeMap, HashMap, HashSet};

use farwatch_common::batch::encode_rows;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::ranges::{RANGES_MAX, SeqRanges};
use farwatch_common::sample::SchemaId;

use super::{facts, seq_ranges, signed};
use crate::store::samples::{Append, Appended, Checkpoint, device_filter, device_mark};
use crate::store::{Database, StoreError, Transaction};

/// Cursors kept in memory; all are dropped when there are more, and read again on demand.
const CURSORS_MAX: usize = 20_000;
/// Known pairs of device and schema, for the same reason.
const USES_MAX: usize = 200_000;

type StreamKey = (TenantId, AgentId, i64);
type Use = (TenantId, DeviceId, SchemaId);

/// What the only writer remembers between transactions: it always equals what is committed.
#[derive(Debug, Default)]
pub(super) struct Appender {
    cursors: HashMap<StreamKey, SeqRanges>,
    uses: HashSet<Use>,
}

/// What one transaction would change in the [`Appender`].
#[derive(Default)]
struct Changes {
    cursors: BTreeMap<StreamKey, (SeqRanges, Micros)>,
    uses: HashSet<Use>,
}

impl Appender {
    pub(super) async fn append(
        &mut self,
        database: &Database,
        batches: &[Append],
        checkpoints: &[Checkpoint],
    ) -> Result<Vec<Appended>, StoreError> {
        let mut txn = database.write().await?;
        let mut changes = Changes::default();
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            answers.push(self.batch(&mut txn, &mut changes, batch).await?);
        }
        for ((tenant, agent, stream), (ranges, at)) in &changes.cursors {
            cursor_store(&mut txn, (*tenant, *agent, *stream), ranges, *at).await?;
        }
        for checkpoint in checkpoints {
            checkpoint_store(&mut txn, checkpoint).await?;
        }
        txn.commit().await?;
        self.keep(changes);
        Ok(answers)
    }

    fn keep(&mut self, changes: Changes) {
        if self.cursors.len() > CURSORS_MAX {
            self.cursors.clear();
        }
        if self.uses.len() > USES_MAX {
            self.uses.clear();
        }
        self.cursors.extend(changes.cursors.into_iter().map(|(key, (ranges, _))| (key, ranges)));
        self.uses.extend(changes.uses);
    }

    async fn batch(
        &self,
        txn: &mut Transaction,
        changes: &mut Changes,
        batch: &Append,
    ) -> Result<Appended, StoreError> {
        let key = (batch.tenant, batch.agent, batch.stream);
        let mut ranges = match changes.cursors.remove(&key) {
            Some((ranges, _)) => ranges,
            None => match self.cursors.get(&key) {
                Some(known) => known.clone(),
                None => cursor(txn, key).await?,
            },
        };
        let answer = if ranges.contains(batch.seq) {
            repeat(txn, batch).await?
        } else {
            let before = (ranges.len() == RANGES_MAX).then(|| ranges.clone());
            ranges.insert(batch.seq);
            match before.filter(|_| ranges.len() > RANGES_MAX) {
                Some(before) => {
                    ranges = before;
                    Appended::TooManyHoles
                }
                None if batch.is_empty() => Appended::Stored,
                None => self.insert(txn, changes, batch).await?,
            }
        };
        changes.cursors.insert(key, (ranges, batch.received));
        Ok(answer)
    }

    async fn insert(
        &self,
        txn: &mut Transaction,
        changes: &mut Changes,
        batch: &Append,
    ) -> Result<Appended, StoreError> {
        if !batch_insert(txn, batch).await? {
            // Stored, but not in the cursor: only a damaged database is like that.
            return repeat(txn, batch).await;
        }
        for (schema, def) in &batch.schemas {
            schema_store(txn, batch, *schema, def).await?;
        }
        for (device, group, schema) in &batch.uses {
            let known = (batch.tenant, *device, *schema);
            if self.uses.contains(&known) || !changes.uses.insert(known) {
                continue;
            }
            sqlx::query(
                "INSERT INTO device_schema (tenant_id, device_id, schema_id, grp, seen_at)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(batch.tenant.0)
            .bind(device.0)
            .bind(schema.0)
            .bind(*group as i64)
            .bind(batch.received.0)
            .execute(&mut **txn)
            .await?;
        }
        for fact in &batch.facts {
            facts::store(txn, batch.tenant, batch.agent, fact).await?;
        }
        Ok(Appended::Stored)
    }
}

/// False if the key is taken.
async fn batch_insert(txn: &mut Transaction, batch: &Append) -> Result<bool, StoreError> {
    let mut marks: Vec<[u8; 4]> =
        batch.uses.iter().map(|(device, ..)| device_mark(*device)).collect();
    marks.sort_unstable();
    marks.dedup();
    let filter = batch.uses.iter().fold(0, |bits, (device, ..)| bits | device_filter(*device));
    let inserted = sqlx::query(
        "INSERT INTO ts_batch (tenant_id, agent_id, stream_id, seq, recv_at, t_min, t_max, n,
                               class, codec, filter, devices, hash, data)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT DO NOTHING",
    )
    .bind(batch.tenant.0)
    .bind(batch.agent.0)
    .bind(batch.stream)
    .bind(signed(batch.seq))
    .bind(batch.received.0)
    .bind(batch.from.0)
    .bind(batch.to.0)
    .bind(batch.samples)
    .bind(batch.class as i64)
    .bind(batch.codec as i64)
    .bind(filter)
    .bind(marks.concat())
    .bind(batch.hash.to_vec())
    .bind(batch.data.to_vec())
    .execute(&mut **txn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The sequence was stored before. If there is no batch (nothing was left of it, or it has been
/// compacted away), the cursor's word counts.
async fn repeat(txn: &mut Transaction, batch: &Append) -> Result<Appended, StoreError> {
    let hash: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT hash FROM ts_batch
         WHERE tenant_id = $1 AND agent_id = $2 AND stream_id = $3 AND seq = $4",
    )
    .bind(batch.tenant.0)
    .bind(batch.agent.0)
    .bind(batch.stream)
    .bind(signed(batch.seq))
    .fetch_optional(&mut **txn)
    .await?;
    let same = hash.is_none_or(|hash| hash == batch.hash);
    Ok(if same { Appended::Repeat } else { Appended::Fork })
}

async fn cursor(
    txn: &mut Transaction,
    (tenant, agent, stream): StreamKey,
) -> Result<SeqRanges, StoreError> {
    let ranges: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT ranges FROM stream_cursor
         WHERE tenant_id = $1 AND agent_id = $2 AND stream_id = $3",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .bind(stream)
    .fetch_optional(&mut **txn)
    .await?;
    ranges.map_or(Ok(SeqRanges::new()), |ranges| seq_ranges(&ranges))
}

async fn cursor_store(
    txn: &mut Transaction,
    (tenant, agent, stream): StreamKey,
    ranges: &SeqRanges,
    at: Micros,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO stream_cursor (tenant_id, agent_id, stream_id, ranges, updated_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, agent_id, stream_id)
         DO UPDATE SET ranges = excluded.ranges, updated_at = excluded.updated_at",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .bind(stream)
    .bind(ranges.to_bytes())
    .bind(at.0)
    .execute(&mut **txn)
    .await?;
    Ok(())
}

async fn schema_store(
    txn: &mut Transaction,
    batch: &Append,
    schema: SchemaId,
    def: &[u8],
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO ts_schema (tenant_id, schema_id, def, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(batch.tenant.0)
    .bind(schema.0)
    .bind(def.to_vec())
    .bind(batch.received.0)
    .execute(&mut **txn)
    .await?;
    Ok(())
}

async fn checkpoint_store(
    txn: &mut Transaction,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    // More rows than a batch holds: the tail behind the checkpoint of before has them.
    let Ok(data) = encode_rows(&checkpoint.rows) else {
        tracing::warn!(agent = %checkpoint.agent, "the last rows of an agent do not fit");
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO live_site (tenant_id, agent_id, grp, ts, data) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, agent_id, grp)
         DO UPDATE SET ts = excluded.ts, data = excluded.data",
    )
    .bind(checkpoint.tenant.0)
    .bind(checkpoint.agent.0)
    .bind(checkpoint.group as i64)
    .bind(checkpoint.at.0)
    .bind(data)
    .execute(&mut **txn)
    .await?;
    Ok(())
}
