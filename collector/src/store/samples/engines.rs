//! [`SampleStore`] on either engine.
//!
//! The engines part where batches are appended and where they are looked for: SQLite has one
//! writer, which remembers what it wrote, and numbers its rows; PostgreSQL has writers that lock
//! each other out, and takes a group in one statement. All else is the same text.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, Row, Schema, SchemaId};
use tokio::sync::Mutex;

use super::subject::{Subject, all_schemas};
use super::{
    Append, Appended, Checkpoint, GapQuery, GapRow, RawSample, SampleStore, SamplesQuery, Series,
    SeriesName, SeriesQuery, cursor, fetch, gaps, last, pages,
};
use crate::identity::TenantContext;
use crate::store::series::SeriesBuilder;
use crate::store::txn::{Mode, Scope};
use crate::store::{Database, Engine, StoreError, Txn, postgres, sqlite};

/// [`SampleStore`] on the collector's database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Samples {
    database: Database,
    writer: Writer,
}

/// How batches are appended.
#[derive(Clone, Debug)]
enum Writer {
    Sqlite(Arc<Mutex<sqlite::Appender>>),
    Postgres,
}

impl Samples {
    #[must_use]
    pub fn new(database: Database) -> Self {
        let writer = match database.engine() {
            Engine::Sqlite => Writer::Sqlite(Arc::default()),
            Engine::Postgres => Writer::Postgres,
        };
        Self { database, writer }
    }

    /// Begins to read what an agent of this tenant has stored.
    async fn read_stored(&self, tenant: TenantId) -> Result<Txn, StoreError> {
        self.database.begin(Mode::Read, Scope::ingest(BTreeSet::from([tenant]))).await
    }
}

/// What a device told in some time, as it was stored.
#[derive(Debug)]
pub struct DeviceRows {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub interval: Duration,
    /// In the order of time; of one time in the order of their groups.
    pub rows: Vec<Row>,
}

impl Samples {
    /// All rows of a device in `from..to`; `None` of one that is not the caller's. Fails as
    /// [`StoreError::TooMuch`] if there are more than `max`.
    pub async fn rows(
        &self,
        context: &TenantContext,
        device: DeviceId,
        (from, to): (Micros, Micros),
        max: usize,
    ) -> Result<Option<DeviceRows>, StoreError> {
        let Some(subject) = Subject::find(&self.database, context, device).await? else {
            return Ok(None);
        };
        let searches =
            [Class::Gauges, Class::Counters].map(|class| fetch::Search { class, from, to });
        let state = (Vec::new(), max);
        let found = fetch::for_each_row(
            &self.database,
            &subject,
            searches.into(),
            state,
            |state, found| {
                let (rows, max) = state;
                rows.push(found.row);
                if rows.len() > *max {
                    return Err(StoreError::TooMuch { what: "rows", max: *max });
                }
                Ok(())
            },
        );
        let (mut rows, _): (Vec<Row>, _) = found.await?;
        rows.sort_by_key(|row| (row.at, row.group));
        let Subject { tenant, agent, interval, .. } = subject;
        Ok(Some(DeviceRows { tenant, agent, interval, rows }))
    }
}

impl SampleStore for Samples {
    async fn append(
        &self,
        batches: &[Append],
        checkpoints: &[Checkpoint],
    ) -> Result<Vec<Appended>, StoreError> {
        let batch_tenants = batches.iter().map(|batch| batch.tenant);
        let tenants = batch_tenants.chain(checkpoints.iter().map(|checkpoint| checkpoint.tenant));
        let scope = Scope::ingest(tenants.collect());
        self.database.room().hold_bulk()?;
        let appended = match &self.writer {
            Writer::Sqlite(appender) => {
                let mut appender = appender.lock().await;
                appender.append(&self.database, scope, batches, checkpoints).await
            }
            Writer::Postgres => {
                postgres::append(&self.database, &scope, batches, checkpoints).await
            }
        };
        let bytes = batches.iter().map(|batch| batch.data.len()).sum();
        match &appended {
            Ok(_) => self.database.room().stored(bytes),
            Err(error) if error.is_full() => self.database.room().refused(bytes),
            Err(_) => {}
        }
        appended
    }

    async fn durable(
        &self,
        tenant: TenantId,
        agent: AgentId,
        streams: &[i64],
    ) -> Result<Vec<(i64, SeqRanges)>, StoreError> {
        let mut txn = self.read_stored(tenant).await?;
        let mut durable = Vec::with_capacity(streams.len());
        for stream in streams {
            durable.push((*stream, cursor::read(&mut txn, (tenant, agent, *stream)).await?));
        }
        Ok(durable)
    }

    async fn schemas(&self) -> Result<Vec<(TenantId, SchemaId, Schema)>, StoreError> {
        all_schemas(&self.database).await
    }

    async fn last_rows(&self, tenant: TenantId, agent: AgentId) -> Result<Vec<Row>, StoreError> {
        last::rows(&mut self.read_stored(tenant).await?, tenant, agent).await
    }

    async fn series(
        &self,
        context: &TenantContext,
        query: &SeriesQuery,
    ) -> Result<Vec<Series>, StoreError> {
        let Some(subject) = Subject::find(&self.database, context, query.device).await? else {
            return Ok(Vec::new());
        };
        let builder = SeriesBuilder::new(query, subject.interval, &subject.schemas)?;
        let from = builder.rows_from();
        let searches = fetch::searches(&builder.groups(), from, query.to);
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
        match Subject::find(&self.database, context, query.device).await? {
            Some(subject) => pages::page(&self.database, &subject, query).await,
            None => Ok(Vec::new()),
        }
    }

    async fn metrics(
        &self,
        context: &TenantContext,
        device: DeviceId,
    ) -> Result<Vec<SeriesName>, StoreError> {
        let subject = Subject::find(&self.database, context, device).await?;
        Ok(subject.map_or(Vec::new(), |subject| subject.series()))
    }

    async fn gap_page(
        &self,
        context: &TenantContext,
        agent: AgentId,
        query: &GapQuery,
    ) -> Result<(Vec<GapRow>, u64), StoreError> {
        let mut txn = self.database.read(context).await?;
        gaps::page(&mut txn, context, agent, query).await
    }

    async fn gaps(
        &self,
        context: &TenantContext,
        agent: AgentId,
        from: Micros,
        to: Micros,
    ) -> Result<Vec<GapRow>, StoreError> {
        let mut txn = self.database.read(context).await?;
        gaps::between(&mut txn, context, agent, from, to).await
    }
}
