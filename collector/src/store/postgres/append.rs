//! Writes batches: the transaction an ack stands for.
//!
//! The cursors of all its streams are locked first, in the order of their keys, so that appenders
//! wait for each other and never in a circle. What is judged then is what is committed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Group, SchemaId};

use crate::store::samples::cursor::{self, StreamKey, Verdict, judge};
use crate::store::samples::{
    Append, Appended, Checkpoint, devices_of, facts, last, melt, signed, unsigned,
};
use crate::store::sql::{Sql, arrays};
use crate::store::txn::{Mode, Scope};
use crate::store::{Database, StoreError, Txn};

static CURSORS_LOCK: Sql = Sql::new(
    "SELECT c.tenant_id, c.agent_id, c.stream_id, c.ranges
     FROM stream_cursor c
     JOIN UNNEST($1::bigint[], $2::bigint[], $3::bigint[]) AS k (tenant_id, agent_id, stream_id)
       USING (tenant_id, agent_id, stream_id)
     ORDER BY c.tenant_id, c.agent_id, c.stream_id FOR UPDATE OF c",
    file!(),
    line!(),
);
static CURSORS_MAKE: Sql = Sql::new(
    "INSERT INTO stream_cursor (tenant_id, agent_id, stream_id, ranges, updated_at)
     SELECT k.tenant_id, k.agent_id, k.stream_id, $4, 0
     FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[]) AS k (tenant_id, agent_id, stream_id)
     ORDER BY k.tenant_id, k.agent_id, k.stream_id
     ON CONFLICT DO NOTHING",
    file!(),
    line!(),
);
static CURSORS_STORE: Sql = Sql::new(
    "UPDATE stream_cursor c SET ranges = k.ranges, updated_at = k.updated_at
     FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[])
          AS k (tenant_id, agent_id, stream_id, ranges, updated_at)
     WHERE c.tenant_id = k.tenant_id AND c.agent_id = k.agent_id AND c.stream_id = k.stream_id",
    file!(),
    line!(),
);
static BATCHES_STORE: Sql = Sql::new(
    "INSERT INTO ts_batch (tenant_id, agent_id, stream_id, seq, recv_at, t_min, t_max, n, class,
                           codec, filter, devices, hash, data, clock_offset_us)
     SELECT * FROM UNNEST(
         $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
         $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bytea[],
         $13::bytea[], $14::bytea[], $15::bigint[])
     ON CONFLICT DO NOTHING
     RETURNING tenant_id, agent_id, stream_id, seq",
    file!(),
    line!(),
);
static HASHES: Sql = Sql::new(
    "SELECT b.tenant_id, b.agent_id, b.stream_id, b.seq, b.hash
     FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
          AS k (tenant_id, agent_id, stream_id, seq)
     JOIN ts_batch b USING (tenant_id, agent_id, stream_id, seq)",
    file!(),
    line!(),
);
static SCHEMAS_STORE: Sql = Sql::new(
    "INSERT INTO ts_schema (tenant_id, schema_id, def, created_at)
     SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[])
     ON CONFLICT DO NOTHING",
    file!(),
    line!(),
);
static USES_STORE: Sql = Sql::new(
    "INSERT INTO device_schema (tenant_id, device_id, schema_id, grp, seen_at)
     SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
     ON CONFLICT DO NOTHING",
    file!(),
    line!(),
);

/// The key of a batch.
type BatchKey = (StreamKey, u64);

/// Stores all in one transaction; one answer per batch, in order.
pub(in crate::store) async fn append(
    database: &Database,
    scope: &Scope,
    batches: &[Append],
    checkpoints: &[Checkpoint],
) -> Result<Vec<Appended>, StoreError> {
    let (mut txn, mut cursors) = lock(database, scope, batches).await?;
    let judged = |batch: &Append| {
        let ranges = cursors.entry(stream(batch)).or_default();
        (judge(ranges, batch.seq), key(batch))
    };
    let verdicts: Vec<(Verdict, BatchKey)> = batches.iter().map(judged).collect();
    let judged = || batches.iter().zip(&verdicts);
    let new =
        judged().filter(|(batch, (verdict, _))| *verdict == Verdict::New && !batch.is_empty());
    let mut new: Vec<&Append> = new.map(|(batch, _)| batch).collect();
    let stored = batches_store(&mut txn, &new).await?;
    // What should be new and is there: only a damaged database is like that.
    let is_stored = |batch: &Append| batch.is_empty() || stored.contains(&key(batch));
    let there = judged().filter(|(batch, (verdict, _))| match verdict {
        Verdict::Known => true,
        Verdict::New => !is_stored(batch),
        Verdict::TooManyHoles => false,
    });
    let there: Vec<BatchKey> = there.map(|(_, (_, key))| *key).collect();
    let hashes = hashes(&mut txn, &there).await?;
    let answer = |(batch, (verdict, key)): (&Append, &(Verdict, BatchKey))| match verdict {
        Verdict::TooManyHoles => Appended::TooManyHoles,
        Verdict::New if is_stored(batch) => Appended::Stored,
        // If there is no batch (nothing was left of it, or it has been compacted away), the
        // cursor's word counts.
        _ if hashes.get(key).is_none_or(|hash| hash[..] == batch.hash) => Appended::Repeat,
        _ => Appended::Fork,
    };
    let answers = judged().map(answer).collect();
    new.retain(|batch| stored.contains(&key(batch)));
    meaning_store(&mut txn, &new).await?;
    cursors_store(&mut txn, batches, &cursors).await?;
    for checkpoint in checkpoints {
        last::store(&mut txn, checkpoint).await?;
    }
    txn.commit().await?;
    Ok(answers)
}

fn stream(batch: &Append) -> StreamKey {
    (batch.tenant, batch.agent, batch.stream)
}

fn key(batch: &Append) -> BatchKey {
    (stream(batch), batch.seq)
}

/// Streams as columns, in their order.
fn columns<'a>(keys: impl Iterator<Item = &'a StreamKey>) -> (Vec<i64>, Vec<i64>, Vec<i64>) {
    keys.map(|(tenant, agent, stream)| (tenant.0, agent.0, *stream)).collect()
}

/// Begins, and holds the cursors of all streams until the end.
///
/// A stream nobody knows gets an empty cursor first, in a transaction of its own: a row that is
/// not there cannot be locked, and one that is made out of order could be waited for in a circle.
async fn lock(
    database: &Database,
    scope: &Scope,
    batches: &[Append],
) -> Result<(Txn, BTreeMap<StreamKey, SeqRanges>), StoreError> {
    let wanted: BTreeSet<StreamKey> = batches.iter().map(stream).collect();
    loop {
        let mut txn = database.begin(Mode::Write, scope.clone()).await?;
        let (tenants, agents, streams) = columns(wanted.iter());
        let bind = |query: arrays::Query| query.bind(tenants).bind(agents).bind(streams);
        let rows = arrays::run(&CURSORS_LOCK, &mut txn, bind).await?;
        let mut cursors = BTreeMap::new();
        for row in rows {
            let key = (TenantId(row.get(0)?), AgentId(row.get(1)?), row.get(2)?);
            cursors.insert(key, cursor::ranges(&row.get::<Vec<u8>>(3)?)?);
        }
        if cursors.len() == wanted.len() {
            return Ok((txn, cursors));
        }
        drop(txn);
        let mut txn = database.begin(Mode::Write, scope.clone()).await?;
        let missing = wanted.iter().filter(|key| !cursors.contains_key(key));
        let (tenants, agents, streams) = columns(missing);
        let empty = SeqRanges::new().to_bytes();
        let bind =
            |query: arrays::Query| query.bind(tenants).bind(agents).bind(streams).bind(empty);
        arrays::run(&CURSORS_MAKE, &mut txn, bind).await?;
        txn.commit().await?;
    }
}

/// Gives the keys of those that were not there.
async fn batches_store(txn: &mut Txn, new: &[&Append]) -> Result<BTreeSet<BatchKey>, StoreError> {
    if new.is_empty() {
        return Ok(BTreeSet::new());
    }
    let numbers = |of: fn(&Append) -> i64| new.iter().map(|batch| of(batch)).collect::<Vec<_>>();
    let (filters, devices): (Vec<i64>, Vec<Vec<u8>>) =
        new.iter().map(|batch| devices_of(batch)).unzip();
    let bind = |query: arrays::Query| {
        query
            .bind(numbers(|batch| batch.tenant.0))
            .bind(numbers(|batch| batch.agent.0))
            .bind(numbers(|batch| batch.stream))
            .bind(numbers(|batch| signed(batch.seq)))
            .bind(numbers(|batch| batch.received.0))
            .bind(numbers(|batch| batch.from.0))
            .bind(numbers(|batch| batch.to.0))
            .bind(numbers(|batch| batch.samples.into()))
            .bind(numbers(|batch| batch.class as i64))
            .bind(numbers(|batch| batch.codec as i64))
            .bind(filters)
            .bind(devices)
            .bind(new.iter().map(|batch| &batch.hash[..]).collect::<Vec<&[u8]>>())
            .bind(new.iter().map(|batch| &batch.data[..]).collect::<Vec<&[u8]>>())
            .bind(new.iter().map(|batch| batch.clock_offset).collect::<Vec<_>>())
    };
    let rows = arrays::run(&BATCHES_STORE, txn, bind).await?;
    rows.iter().map(batch_key).collect()
}

fn batch_key(row: &crate::store::sql::Row) -> Result<BatchKey, StoreError> {
    let stream = (TenantId(row.get(0)?), AgentId(row.get(1)?), row.get(2)?);
    Ok((stream, unsigned(row.get(3)?)))
}

/// What is stored under these keys.
async fn hashes(
    txn: &mut Txn,
    keys: &[BatchKey],
) -> Result<HashMap<BatchKey, Vec<u8>>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (tenants, agents, streams) = columns(keys.iter().map(|(stream, _)| stream));
    let seqs: Vec<i64> = keys.iter().map(|(_, seq)| signed(*seq)).collect();
    let bind = |query: arrays::Query| query.bind(tenants).bind(agents).bind(streams).bind(seqs);
    let rows = arrays::run(&HASHES, txn, bind).await?;
    rows.iter().map(|row| Ok((batch_key(row)?, row.get(4)?))).collect()
}

/// Schemas, which device has which, and what events say. Each in the order of its keys.
async fn meaning_store(txn: &mut Txn, new: &[&Append]) -> Result<(), StoreError> {
    let mut schemas: BTreeMap<(TenantId, SchemaId), (&[u8], Micros)> = BTreeMap::new();
    let mut uses: BTreeMap<(TenantId, DeviceId, SchemaId), (Group, Micros)> = BTreeMap::new();
    for batch in new {
        for (schema, def) in &batch.schemas {
            schemas.entry((batch.tenant, *schema)).or_insert((def, batch.received));
        }
        for (device, group, schema) in &batch.uses {
            uses.entry((batch.tenant, *device, *schema)).or_insert((*group, batch.received));
        }
    }
    if !schemas.is_empty() {
        let bind = |query: arrays::Query| {
            query
                .bind(schemas.keys().map(|(tenant, _)| tenant.0).collect::<Vec<_>>())
                .bind(schemas.keys().map(|(_, schema)| schema.0).collect::<Vec<_>>())
                .bind(schemas.values().map(|(def, _)| *def).collect::<Vec<_>>())
                .bind(schemas.values().map(|(_, at)| at.0).collect::<Vec<_>>())
        };
        arrays::run(&SCHEMAS_STORE, txn, bind).await?;
    }
    if !uses.is_empty() {
        let bind = |query: arrays::Query| {
            query
                .bind(uses.keys().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>())
                .bind(uses.keys().map(|(_, device, _)| device.0).collect::<Vec<_>>())
                .bind(uses.keys().map(|(.., schema)| schema.0).collect::<Vec<_>>())
                .bind(uses.values().map(|(group, _)| *group as i64).collect::<Vec<_>>())
                .bind(uses.values().map(|(_, at)| at.0).collect::<Vec<_>>())
        };
        arrays::run(&USES_STORE, txn, bind).await?;
    }
    let mut facts: Vec<_> =
        new.iter().flat_map(|batch| batch.facts.iter().map(move |fact| (*batch, fact))).collect();
    // Who changes many devices takes their rows in this order too.
    facts.sort_by_key(|(batch, fact)| (batch.tenant, fact.device()));
    for (batch, fact) in facts {
        facts::store(txn, batch.tenant, batch.agent, fact).await?;
    }
    let with_gaps = new.iter().filter(|batch| batch.has_gaps());
    let losers: BTreeSet<_> = with_gaps.map(|batch| (batch.tenant, batch.agent)).collect();
    for (tenant, agent) in losers {
        melt::surplus_melt(txn, tenant, agent).await?;
    }
    Ok(())
}

async fn cursors_store(
    txn: &mut Txn,
    batches: &[Append],
    cursors: &BTreeMap<StreamKey, SeqRanges>,
) -> Result<(), StoreError> {
    let updated: HashMap<StreamKey, i64> =
        batches.iter().map(|batch| (stream(batch), batch.received.0)).collect();
    let (tenants, agents, streams) = columns(cursors.keys());
    let bind = |query: arrays::Query| {
        query
            .bind(tenants)
            .bind(agents)
            .bind(streams)
            .bind(cursors.values().map(SeqRanges::to_bytes).collect::<Vec<_>>())
            .bind(cursors.keys().filter_map(|key| updated.get(key).copied()).collect::<Vec<_>>())
    };
    arrays::run(&CURSORS_STORE, txn, bind).await?;
    Ok(())
}
