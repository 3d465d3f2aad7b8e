//! Writes what the objects of a device are: the last table of each group, and of its parts.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_proto::v1::ObjectTable;

use super::facts::DEVICE_LOCK;
use crate::store::sql::sql;
use crate::store::{Engine, StoreError, Txn, postgres};

sql! { pub(in crate::store) OBJECTS_SEEN =
"SELECT max(seen_at) FROM device_object WHERE tenant_id = $1 AND device_id = $2 AND grp = $3" }
sql! { pub(in crate::store) OBJECTS_REMOVE =
"DELETE FROM device_object WHERE tenant_id = $1 AND device_id = $2 AND grp = $3" }
sql! { pub(in crate::store) OBJECT_STORE =
"INSERT INTO device_object (tenant_id, device_id, grp, seen_at, object, name, kind, description,
                            parent, vendor, model, serial, hardware_revision, firmware_revision,
                            software_revision)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)" }

/// Replaces the table of a group, unless a newer one is stored.
pub(super) async fn object_table_store(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    at: Micros,
    table: &ObjectTable,
) -> Result<(), StoreError> {
    let (device, group) = (table.device_id, i64::from(table.group));
    // Where there are many writers, two tables of a device wait for each other.
    let found = DEVICE_LOCK.bind(tenant).bind(device).bind(agent).execute(txn).await?;
    if found == 0 {
        // The device was removed while its table was on the way.
        return Ok(());
    }
    let seen: Option<i64> = OBJECTS_SEEN.bind(tenant).bind(device).bind(group).scalar(txn).await?;
    if seen.is_some_and(|seen| seen > at.0) {
        return Ok(());
    }
    OBJECTS_REMOVE.bind(tenant).bind(device).bind(group).execute(txn).await?;
    if txn.engine() == Engine::Postgres {
        return postgres::facts::objects_store(txn, tenant, at, table).await;
    }
    for facts in &table.objects {
        let query = OBJECT_STORE.bind(tenant).bind(device).bind(group).bind(at);
        let query = query.bind(&facts.object).bind(&facts.name).bind(&facts.kind);
        let query = query.bind(&facts.description).bind(&facts.parent).bind(&facts.vendor);
        let query = query.bind(&facts.model).bind(&facts.serial).bind(&facts.hardware_revision);
        let query = query.bind(&facts.firmware_revision).bind(&facts.software_revision);
        query.execute(txn).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
