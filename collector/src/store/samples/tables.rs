//! Writes what a device has: the last table of its interfaces, and of the objects of each group.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::sample::Group;
use farwatch_proto::v1::{InterfaceTable, ObjectTable};

use super::signed;
use crate::store::sql::{Query, sql};
use crate::store::{Engine, StoreError, Txn, postgres};

sql! { pub(in crate::store) DEVICE_LOCK = "UPDATE device SET facts_at = facts_at
WHERE tenant_id = $1 AND device_id = $2 AND agent_id = $3" }
sql! { pub(in crate::store) TABLE_SEEN =
"INSERT INTO device_table AS t (tenant_id, device_id, grp, seen_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (tenant_id, device_id, grp) DO UPDATE SET seen_at = excluded.seen_at
     WHERE t.seen_at <= excluded.seen_at" }
sql! { pub(in crate::store) INTERFACES_REMOVE =
"DELETE FROM interface WHERE tenant_id = $1 AND device_id = $2" }
sql! { pub(in crate::store) INTERFACE_STORE =
"INSERT INTO interface (tenant_id, device_id, if_index, name, description, alias, if_type,
                            speed_bps, mac, seen_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)" }
sql! { pub(in crate::store) OBJECTS_REMOVE =
"DELETE FROM device_object WHERE tenant_id = $1 AND device_id = $2 AND grp = $3" }
sql! { pub(in crate::store) OBJECT_STORE =
"INSERT INTO device_object (tenant_id, device_id, grp, seen_at, object, name, kind, description,
                            parent, vendor, model, serial, hardware_revision, firmware_revision,
                            software_revision)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)" }

/// Makes room for the table of a group that was learned `at`: `remove` takes the rows of the one
/// before. False if it changes nothing: a newer one was stored, were it empty, or the device was
/// taken out while its table was on the way.
async fn makes_room(
    txn: &mut Txn,
    (tenant, agent): (TenantId, AgentId),
    (device, group): (i64, i64),
    at: Micros,
    remove: Query,
) -> Result<bool, StoreError> {
    // Where there are many writers, two tables of a device wait for each other.
    let found = DEVICE_LOCK.bind(tenant).bind(device).bind(agent).execute(txn).await?;
    if found == 0 {
        return Ok(false);
    }
    let seen = TABLE_SEEN.bind(tenant).bind(device).bind(group).bind(at);
    if seen.execute(txn).await? == 0 {
        return Ok(false);
    }
    remove.execute(txn).await?;
    Ok(true)
}

/// Replaces the interfaces of a device, unless a newer table is stored.
pub(super) async fn interface_table_store(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    at: Micros,
    table: &InterfaceTable,
) -> Result<(), StoreError> {
    let of = (table.device_id, Group::Interfaces as i64);
    let remove = INTERFACES_REMOVE.bind(tenant).bind(table.device_id);
    if !makes_room(txn, (tenant, agent), of, at, remove).await? {
        return Ok(());
    }
    if txn.engine() == Engine::Postgres {
        return postgres::facts::interfaces_store(txn, tenant, at, table).await;
    }
    for facts in &table.interfaces {
        INTERFACE_STORE
            .bind(tenant)
            .bind(table.device_id)
            .bind(facts.index)
            .bind(&facts.name)
            .bind(&facts.description)
            .bind(&facts.alias)
            .bind(facts.r#type)
            .bind(signed(facts.speed_bps))
            .bind(&facts.mac[..])
            .bind(at)
            .execute(txn)
            .await?;
    }
    Ok(())
}

/// Replaces the objects of a group of a device, unless a newer table is stored.
pub(super) async fn object_table_store(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    at: Micros,
    table: &ObjectTable,
) -> Result<(), StoreError> {
    let (device, group) = (table.device_id, i64::from(table.group));
    let remove = OBJECTS_REMOVE.bind(tenant).bind(device).bind(group);
    if !makes_room(txn, (tenant, agent), (device, group), at, remove).await? {
        return Ok(());
    }
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
