//! Samples in SQLite.
//!
//! A batch is one row with a rowid; `ts_batch_time` holds what a search needs, so that a query of
//! one device touches the rows of that device's batches only.

mod append;
mod facts;
mod fetch;
mod pages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::batch::decode_rows;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, Column, Group, Row, Schema, SchemaId, definition};
use farwatch_proto::v1::SchemaDef;
use prost::Message as _;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use tokio::sync::Mutex;

use super::samples::{
    Append, Appended, Checkpoint, GapCursor, GapReason, GapRow, RawSample, SampleStore,
    SamplesQuery, Series, SeriesName, SeriesQuery,
};
use super::series::{SeriesBuilder, rate_unit};
use super::{Database, StoreError};
use crate::identity::TenantContext;

/// The tail behind a checkpoint begins this much before it: rows of another device may be older.
const TAIL_OVERLAP: Duration = Duration::from_secs(120);
/// Most batches of the tail; checkpoints come every few minutes.
const TAIL_BATCHES_MAX: i64 = 4_000;
/// Most gaps one chart draws.
const GAPS_MAX: i64 = 10_000;

/// [`SampleStore`] on the embedded database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SqliteSamples {
    database: Database,
    appender: Arc<Mutex<append::Appender>>,
}

/// What a query has to know about a device.
struct Subject {
    tenant: TenantId,
    agent: AgentId,
    device: DeviceId,
    interval: Duration,
    schemas: Vec<(SchemaId, Schema)>,
}

impl SqliteSamples {
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self { database, appender: Arc::default() }
    }

    /// The device, if it is one of the caller's.
    async fn subject(
        &self,
        context: &TenantContext,
        device: DeviceId,
    ) -> Result<Option<Subject>, StoreError> {
        let found = sqlx::query(
            "SELECT tenant_id, agent_id, interval_s FROM device
             WHERE device_id = $1 AND tenant_id IN (SELECT value FROM json_each($2))",
        )
        .bind(device.0)
        .bind(context.tenants_json())
        .fetch_optional(self.database.reader())
        .await?;
        let Some(found) = found else { return Ok(None) };
        let tenant = TenantId(found.try_get(0)?);
        let interval_s: u32 = found.try_get(2)?;
        Ok(Some(Subject {
            tenant,
            agent: AgentId(found.try_get(1)?),
            device,
            interval: Duration::from_secs(interval_s.into()),
            schemas: self.device_schemas(tenant, device).await?,
        }))
    }

    /// The schemas of a device, the one seen first at the front.
    async fn device_schemas(
        &self,
        tenant: TenantId,
        device: DeviceId,
    ) -> Result<Vec<(SchemaId, Schema)>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.def FROM device_schema d
             JOIN ts_schema s ON s.tenant_id = d.tenant_id AND s.schema_id = d.schema_id
             WHERE d.tenant_id = $1 AND d.device_id = $2 ORDER BY d.seen_at, d.schema_id",
        )
        .bind(tenant.0)
        .bind(device.0)
        .fetch_all(self.database.reader())
        .await?;
        rows.iter().map(|row| schema(row, 0)).collect()
    }
}

impl SampleStore for SqliteSamples {
    async fn append(
        &self,
        batches: &[Append],
        checkpoints: &[Checkpoint],
    ) -> Result<Vec<Appended>, StoreError> {
        self.appender.lock().await.append(&self.database, batches, checkpoints).await
    }

    async fn durable(
        &self,
        tenant: TenantId,
        agent: AgentId,
        streams: &[i64],
    ) -> Result<Vec<(i64, SeqRanges)>, StoreError> {
        let mut durable = Vec::with_capacity(streams.len());
        for stream in streams {
            let ranges: Option<Vec<u8>> = sqlx::query_scalar(
                "SELECT ranges FROM stream_cursor
                 WHERE tenant_id = $1 AND agent_id = $2 AND stream_id = $3",
            )
            .bind(tenant.0)
            .bind(agent.0)
            .bind(*stream)
            .fetch_optional(self.database.reader())
            .await?;
            durable.push((*stream, ranges.map_or(Ok(SeqRanges::new()), |r| seq_ranges(&r))?));
        }
        Ok(durable)
    }

    async fn schemas(&self) -> Result<Vec<(TenantId, SchemaId, Schema)>, StoreError> {
        let rows = sqlx::query("SELECT tenant_id, def FROM ts_schema")
            .fetch_all(self.database.reader())
            .await?;
        let one = |row: &SqliteRow| {
            let (id, schema) = schema(row, 1)?;
            Ok((TenantId(row.try_get(0)?), id, schema))
        };
        rows.iter().map(one).collect()
    }

    async fn last_rows(&self, tenant: TenantId, agent: AgentId) -> Result<Vec<Row>, StoreError> {
        let checkpoints =
            sqlx::query("SELECT ts, data FROM live_site WHERE tenant_id = $1 AND agent_id = $2")
                .bind(tenant.0)
                .bind(agent.0)
                .fetch_all(self.database.reader())
                .await?;
        let mut rows = Vec::new();
        let mut tail_from: Option<Micros> = None;
        for checkpoint in &checkpoints {
            let at = Micros(checkpoint.try_get(0)?);
            tail_from = Some(tail_from.map_or(at, |from| from.min(at)));
            rows.extend(decoded(checkpoint.try_get(1)?)?);
        }
        let tail_from = tail_from.unwrap_or(Micros(0)).before(TAIL_OVERLAP);
        for class in [Class::Gauges, Class::Counters] {
            let batches: Vec<Vec<u8>> = sqlx::query_scalar(
                "SELECT data FROM ts_batch
                 WHERE tenant_id = $1 AND agent_id = $2 AND class = $3 AND t_max >= $4
                 ORDER BY t_max DESC LIMIT $5",
            )
            .bind(tenant.0)
            .bind(agent.0)
            .bind(class as i64)
            .bind(tail_from.0)
            .bind(TAIL_BATCHES_MAX)
            .fetch_all(self.database.reader())
            .await?;
            for batch in &batches {
                rows.extend(decoded(batch)?);
            }
        }
        rows.sort_by_key(|row| (row.at, row.group));
        Ok(rows)
    }

    async fn series(
        &self,
        context: &TenantContext,
        query: &SeriesQuery,
    ) -> Result<Vec<Series>, StoreError> {
        let Some(subject) = self.subject(context, query.device).await? else {
            return Ok(Vec::new());
        };
        let builder = SeriesBuilder::new(query, subject.interval, &subject.schemas)?;
        let from = builder.rows_from();
        let search = |group: Group| fetch::Search { class: group.class(), from, to: query.to };
        let searches = builder.groups().into_iter().map(search).collect();
        let builder =
            fetch::for_each_row(&self.database, &subject, searches, builder, |builder, found| {
                builder.take(found.rank, &found.row)
            })
            .await?;
        let gaps = self.gaps(context, subject.agent, from, query.to).await?;
        Ok(builder.finish(&gaps))
    }

    async fn samples(
        &self,
        context: &TenantContext,
        query: &SamplesQuery,
    ) -> Result<Vec<RawSample>, StoreError> {
        match self.subject(context, query.device).await? {
            Some(subject) => pages::page(&self.database, &subject, query).await,
            None => Ok(Vec::new()),
        }
    }

    async fn metrics(
        &self,
        context: &TenantContext,
        device: DeviceId,
    ) -> Result<Vec<SeriesName>, StoreError> {
        let Some(subject) = self.subject(context, device).await? else { return Ok(Vec::new()) };
        // A device may change what it counts a metric with: the schema that came last tells.
        let mut named = BTreeMap::new();
        for column in subject.schemas.iter().flat_map(|(_, schema)| &schema.columns) {
            named.insert((&column.object, &column.metric), column);
        }
        let name = |column: &Column| SeriesName {
            object: column.object.clone(),
            metric: column.metric.clone(),
            kind: column.kind,
            unit: match column.kind.is_counter() {
                true => rate_unit(column.unit),
                false => column.unit.name(),
            },
        };
        Ok(named.into_values().map(name).collect())
    }

    async fn gap_page(
        &self,
        context: &TenantContext,
        agent: AgentId,
        after: Option<GapCursor>,
        limit: usize,
    ) -> Result<(Vec<GapRow>, u64), StoreError> {
        let total: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM gap
             WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2",
        )
        .bind(context.tenants_json())
        .bind(agent.0)
        .fetch_one(self.database.reader())
        .await?;
        let at = after.map(|after| {
            let (first, last) = (signed(after.seq_first), signed(after.seq_last));
            (after.from.0, after.stream, first, last, i64::from(after.class))
        });
        let (from, stream, first, last, class) = at.unwrap_or_default();
        let rows = sqlx::query(
            "SELECT stream_id, seq_first, seq_last, from_at, to_at, class, n, reason, recv_at
             FROM gap
             WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2
               AND ($3 = 0 OR (from_at, stream_id, seq_first, seq_last, class)
                              > ($4, $5, $6, $7, $8))
             ORDER BY from_at, stream_id, seq_first, seq_last, class LIMIT $9",
        )
        .bind(context.tenants_json())
        .bind(agent.0)
        .bind(i64::from(after.is_some()))
        .bind(from)
        .bind(stream)
        .bind(first)
        .bind(last)
        .bind(class)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.database.reader())
        .await?;
        Ok((rows.iter().map(gap_row).collect::<Result<_, _>>()?, unsigned(total)))
    }

    async fn gaps(
        &self,
        context: &TenantContext,
        agent: AgentId,
        from: Micros,
        to: Micros,
    ) -> Result<Vec<GapRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT stream_id, seq_first, seq_last, from_at, to_at, class, n, reason, recv_at
             FROM gap
             WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2
               AND from_at < $3 AND to_at >= $4
             ORDER BY from_at DESC, stream_id DESC, seq_first DESC LIMIT $5",
        )
        .bind(context.tenants_json())
        .bind(agent.0)
        .bind(to.0)
        .bind(from.0)
        .bind(GAPS_MAX)
        .fetch_all(self.database.reader())
        .await?;
        rows.iter().rev().map(gap_row).collect()
    }
}

fn schema(row: &SqliteRow, column: usize) -> Result<(SchemaId, Schema), StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    let corrupt = |what: String| StoreError::Corrupt { what };
    let def = SchemaDef::decode(bytes).map_err(|e| corrupt(format!("a schema: {e}")))?;
    definition::read(&def).map_err(|e| corrupt(e.to_string()))
}

fn gap_row(row: &SqliteRow) -> Result<GapRow, StoreError> {
    let class: u32 = row.try_get(5)?;
    let reason: i32 = row.try_get(7)?;
    Ok(GapRow {
        stream: row.try_get(0)?,
        seq_first: unsigned(row.try_get(1)?),
        seq_last: unsigned(row.try_get(2)?),
        from: Micros(row.try_get(3)?),
        to: Micros(row.try_get(4)?),
        class: Class::from_wire(class)
            .ok_or_else(|| StoreError::Corrupt { what: format!("class {class} of a gap") })?,
        count: unsigned(row.try_get(6)?),
        reason: GapReason::try_from(reason).unwrap_or(GapReason::Unspecified),
        received: Micros(row.try_get(8)?),
    })
}

fn seq_ranges(bytes: &[u8]) -> Result<SeqRanges, StoreError> {
    SeqRanges::from_bytes(bytes)
        .map_err(|_| StoreError::Corrupt { what: "the ranges of a stream".into() })
}

fn decoded(data: &[u8]) -> Result<Vec<Row>, StoreError> {
    decode_rows(data).map_err(|e| StoreError::Corrupt { what: e.to_string() })
}

/// Sequence numbers and counts fit 63 bits: `ingest` refuses others.
fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
