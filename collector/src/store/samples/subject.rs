//! What a query has to know about a device before it reads its samples.

use std::collections::BTreeMap;
use std::time::Duration;

use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{Column, Schema, SchemaId, definition};
use farwatch_proto::v1::SchemaDef;
use prost::Message as _;

use super::SeriesName;
use crate::identity::TenantContext;
use crate::store::series::rate_unit;
use crate::store::sql::sql;
use crate::store::txn::{Mode, Scope};
use crate::store::{Database, StoreError, Txn};

sql! { pub(in crate::store) DEVICE = "SELECT tenant_id, agent_id, interval_s FROM device
WHERE device_id = $1 AND tenant_id IN (SELECT value FROM json_each($2))" }
sql! { pub(in crate::store) DEVICE_SCHEMAS = "SELECT s.def FROM device_schema d
    JOIN ts_schema s ON s.tenant_id = d.tenant_id AND s.schema_id = d.schema_id
    WHERE d.tenant_id = $1 AND d.device_id = $2 ORDER BY d.seen_at, d.schema_id" }
sql! { pub(in crate::store) TENANTS = "SELECT tenant_id FROM tenant" }
sql! { pub(in crate::store) SCHEMAS = "SELECT tenant_id, def FROM ts_schema" }

#[derive(Debug)]
pub(in crate::store) struct Subject {
    pub(in crate::store) tenant: TenantId,
    pub(in crate::store) agent: AgentId,
    /// `None`: all of the agent's.
    pub(in crate::store) device: Option<DeviceId>,
    pub(in crate::store) interval: Duration,
    /// The one seen first at the front.
    pub(in crate::store) schemas: Vec<(SchemaId, Schema)>,
}

impl Subject {
    /// The device, if it is one of the caller's.
    pub(super) async fn find(
        database: &Database,
        context: &TenantContext,
        device: DeviceId,
    ) -> Result<Option<Self>, StoreError> {
        let mut txn = database.read(context).await?;
        let found = DEVICE.bind(device).bind(context.tenants_json()).optional(&mut txn).await?;
        let Some(found) = found else { return Ok(None) };
        let tenant = TenantId(found.get(0)?);
        let interval_s: i64 = found.get(2)?;
        let schemas = DEVICE_SCHEMAS.bind(tenant).bind(device).all(&mut txn).await?;
        let schemas = schemas.iter().map(|row| schema(&row.get::<Vec<u8>>(0)?));
        Ok(Some(Self {
            tenant,
            agent: AgentId(found.get(1)?),
            device: Some(device),
            interval: Duration::from_secs(u64::try_from(interval_s).unwrap_or(0)),
            schemas: schemas.collect::<Result<_, _>>()?,
        }))
    }

    /// All devices of an agent of the caller's.
    pub(super) fn of_agent((tenant, agent): (TenantId, AgentId)) -> Self {
        Self { tenant, agent, device: None, interval: Duration::ZERO, schemas: Vec::new() }
    }

    /// Begins to read in its tenant, which is one of the caller's.
    pub(super) async fn read(&self, database: &Database) -> Result<Txn, StoreError> {
        database.begin(Mode::Read, Scope::app(self.tenant)).await
    }

    /// Which series it has, sorted.
    pub(super) fn series(&self) -> Vec<SeriesName> {
        // A device may change what it counts a metric with: the schema that came last tells.
        let mut named = BTreeMap::new();
        for column in self.schemas.iter().flat_map(|(_, schema)| &schema.columns) {
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
        named.into_values().map(name).collect()
    }
}

/// Begins to read what is stored for the agents of all tenants: a start looks at everything once.
pub async fn read_all_stored(database: &Database) -> Result<Txn, StoreError> {
    // Only `identity` sees all tenants there are, and it sees no schemas.
    let mut txn = database.begin(Mode::Read, Scope::identity()).await?;
    let tenants = TENANTS.query().all(&mut txn).await?;
    drop(txn);
    let tenants = tenants.iter().map(|row| Ok(TenantId(row.get(0)?)));
    let scope = Scope::ingest(tenants.collect::<Result<_, StoreError>>()?);
    database.begin(Mode::Read, scope).await
}

/// Every schema of every tenant.
pub(super) async fn all_schemas(
    database: &Database,
) -> Result<Vec<(TenantId, SchemaId, Schema)>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = SCHEMAS.query().all(&mut txn).await?;
    let one = |row: &crate::store::sql::Row| {
        let (id, schema) = schema(&row.get::<Vec<u8>>(1)?)?;
        Ok((TenantId(row.get(0)?), id, schema))
    };
    rows.iter().map(one).collect()
}

fn schema(bytes: &[u8]) -> Result<(SchemaId, Schema), StoreError> {
    let corrupt = |what: String| StoreError::Corrupt { what };
    let def = SchemaDef::decode(bytes).map_err(|e| corrupt(format!("a schema: {e}")))?;
    definition::read(&def).map_err(|e| corrupt(e.to_string()))
}
