//! Writes batches: the transaction an ack stands for.

use std::collections::{BTreeMap, HashMap, HashSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, TenantId};
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::SchemaId;

use crate::store::samples::cursor::{self, StreamKey, Verdict, judge};
use crate::store::samples::{Append, Appended, Checkpoint, devices_of, facts, last, melt, signed};
use crate::store::sql::sql;
use crate::store::txn::{Mode, Scope};
use crate::store::{Database, StoreError, Txn};

sql! { pub(in crate::store) BATCH_STORE =
"INSERT INTO ts_batch (tenant_id, agent_id, stream_id, seq, recv_at, t_min, t_max, n, class,
                           codec, filter, devices, hash, data, clock_offset_us)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT DO NOTHING" }
sql! { pub(in crate::store) HASH = "SELECT hash FROM ts_batch
WHERE tenant_id = $1 AND agent_id = $2 AND stream_id = $3 AND seq = $4" }
sql! { pub(in crate::store) CURSOR_STORE =
"INSERT INTO stream_cursor (tenant_id, agent_id, stream_id, ranges, updated_at)
     VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tenant_id, agent_id, stream_id)
     DO UPDATE SET ranges = excluded.ranges, updated_at = excluded.updated_at" }
sql! { pub(in crate::store) SCHEMA_STORE =
"INSERT INTO ts_schema (tenant_id, schema_id, def, created_at) VALUES ($1, $2, $3, $4)
 ON CONFLICT DO NOTHING" }
sql! { pub(in crate::store) USE_STORE =
"INSERT INTO device_schema (tenant_id, device_id, schema_id, grp, seen_at)
 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING" }

/// Cursors kept in memory; all are dropped when there are more, and read again on demand.
const CURSORS_MAX: usize = 20_000;
/// Known pairs of device and schema, for the same reason.
const USES_MAX: usize = 200_000;

type Use = (TenantId, DeviceId, SchemaId);

/// What the only writer remembers between transactions: it always equals what is committed.
#[derive(Debug, Default)]
pub(in crate::store) struct Appender {
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
    pub(in crate::store) async fn append(
        &mut self,
        database: &Database,
        scope: Scope,
        batches: &[Append],
        checkpoints: &[Checkpoint],
    ) -> Result<Vec<Appended>, StoreError> {
        let mut txn = database.begin(Mode::Write, scope).await?;
        let mut changes = Changes::default();
        let mut answers = Vec::with_capacity(batches.len());
        for batch in batches {
            answers.push(self.batch(&mut txn, &mut changes, batch).await?);
        }
        for ((tenant, agent, stream), (ranges, at)) in &changes.cursors {
            let cursor = CURSOR_STORE.bind(*tenant).bind(*agent).bind(*stream);
            cursor.bind(ranges.to_bytes()).bind(*at).execute(&mut txn).await?;
        }
        for checkpoint in checkpoints {
            last::store(&mut txn, checkpoint).await?;
        }
        if let Err(error) = txn.commit().await {
            // It may be in the file all the same: what is remembered is read again.
            *self = Self::default();
            return Err(error);
        }
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
        txn: &mut Txn,
        changes: &mut Changes,
        batch: &Append,
    ) -> Result<Appended, StoreError> {
        let key = (batch.tenant, batch.agent, batch.stream);
        let mut ranges = match changes.cursors.remove(&key) {
            Some((ranges, _)) => ranges,
            None => match self.cursors.get(&key) {
                Some(known) => known.clone(),
                None => cursor::read(txn, key).await?,
            },
        };
        let answer = match judge(&mut ranges, batch.seq) {
            Verdict::Known => repeat(txn, batch).await?,
            Verdict::TooManyHoles => Appended::TooManyHoles,
            Verdict::New if batch.is_empty() => Appended::Stored,
            Verdict::New => self.insert(txn, changes, batch).await?,
        };
        changes.cursors.insert(key, (ranges, batch.received));
        Ok(answer)
    }

    async fn insert(
        &self,
        txn: &mut Txn,
        changes: &mut Changes,
        batch: &Append,
    ) -> Result<Appended, StoreError> {
        if !batch_insert(txn, batch).await? {
            // Stored, but not in the cursor: only a damaged database is like that.
            return repeat(txn, batch).await;
        }
        for (schema, def) in &batch.schemas {
            let schema = SCHEMA_STORE.bind(batch.tenant).bind(schema.0).bind(&def[..]);
            schema.bind(batch.received).execute(txn).await?;
        }
        for (device, group, schema) in &batch.uses {
            let known = (batch.tenant, *device, *schema);
            if self.uses.contains(&known) || !changes.uses.insert(known) {
                continue;
            }
            let used = USE_STORE.bind(batch.tenant).bind(*device).bind(schema.0);
            used.bind(*group as i64).bind(batch.received).execute(txn).await?;
        }
        for fact in &batch.facts {
            facts::store(txn, batch.tenant, batch.agent, fact).await?;
        }
        if batch.has_gaps() {
            melt::surplus_melt(txn, batch.tenant, batch.agent).await?;
        }
        Ok(Appended::Stored)
    }
}

/// False if the key is taken.
async fn batch_insert(txn: &mut Txn, batch: &Append) -> Result<bool, StoreError> {
    let (filter, devices) = devices_of(batch);
    let inserted = BATCH_STORE
        .bind(batch.tenant)
        .bind(batch.agent)
        .bind(batch.stream)
        .bind(signed(batch.seq))
        .bind(batch.received)
        .bind(batch.from)
        .bind(batch.to)
        .bind(batch.samples)
        .bind(batch.class as i64)
        .bind(batch.codec as i64)
        .bind(filter)
        .bind(devices)
        .bind(batch.hash)
        .bind(&batch.data[..])
        .bind(batch.clock_offset)
        .execute(txn)
        .await?;
    Ok(inserted == 1)
}

/// The sequence was stored before. If there is no batch (nothing was left of it, or it has been
/// compacted away), the cursor's word counts.
async fn repeat(txn: &mut Txn, batch: &Append) -> Result<Appended, StoreError> {
    let stored = HASH.bind(batch.tenant).bind(batch.agent).bind(batch.stream);
    let stored = stored.bind(signed(batch.seq)).optional(txn).await?;
    let hash: Option<Vec<u8>> = stored.map(|row| row.get(0)).transpose()?;
    let same = hash.is_none_or(|hash| hash == batch.hash);
    Ok(if same { Appended::Repeat } else { Appended::Fork })
}
