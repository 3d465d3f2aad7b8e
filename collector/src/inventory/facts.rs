//! What agents tell about their devices: the system group and the interface table.
//!
//! Called by the writer inside its transaction. A device that is not this tenant's and this agent's
//! is left alone: the answer is `false`.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_proto::v1::{DeviceFacts, InterfaceTable};

use super::InventoryError;
use crate::store::Transaction;

/// Longest text of a device that is kept, in bytes.
const TEXT_LEN_MAX: usize = 1024;
/// Most interfaces of a device that are kept.
pub const INTERFACES_MAX: usize = 4096;

/// Keeps the system group of a device, unless a newer one is there.
pub async fn device_facts_store(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
    facts: &DeviceFacts,
    at: Micros,
) -> Result<bool, InventoryError> {
    if !is_device_of(txn, tenant, agent, DeviceId(facts.device_id)).await? {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE device SET sys_descr = $4, sys_object_id = $5, sys_name = $6, sys_location = $7,
                sys_contact = $8, facts_at = $9
         WHERE tenant_id = $1 AND agent_id = $2 AND device_id = $3
           AND (facts_at IS NULL OR facts_at <= $9)",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .bind(facts.device_id)
    .bind(short(&facts.sys_descr))
    .bind(short(&facts.sys_object_id))
    .bind(short(&facts.sys_name))
    .bind(short(&facts.sys_location))
    .bind(short(&facts.sys_contact))
    .bind(at.0)
    .execute(&mut **txn)
    .await?;
    Ok(true)
}

/// Replaces the interface table of a device, unless a newer one is there.
pub async fn interface_table_store(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
    table: &InterfaceTable,
    at: Micros,
) -> Result<bool, InventoryError> {
    let device = DeviceId(table.device_id);
    if !is_device_of(txn, tenant, agent, device).await? {
        return Ok(false);
    }
    let newest: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(seen_at) FROM interface WHERE tenant_id = $1 AND device_id = $2",
    )
    .bind(tenant.0)
    .bind(device.0)
    .fetch_one(&mut **txn)
    .await?;
    if newest.is_some_and(|newest| newest > at.0) {
        return Ok(true);
    }
    sqlx::query("DELETE FROM interface WHERE tenant_id = $1 AND device_id = $2")
        .bind(tenant.0)
        .bind(device.0)
        .execute(&mut **txn)
        .await?;
    for row in table.interfaces.iter().take(INTERFACES_MAX) {
        sqlx::query(
            "INSERT INTO interface (tenant_id, device_id, if_index, name, description, alias,
                                    if_type, speed_bps, mac, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (tenant_id, device_id, if_index) DO NOTHING",
        )
        .bind(tenant.0)
        .bind(device.0)
        .bind(i64::from(row.index))
        .bind(short(&row.name))
        .bind(short(&row.description))
        .bind(short(&row.alias))
        .bind(i64::from(row.r#type))
        .bind(i64::try_from(row.speed_bps).unwrap_or(i64::MAX))
        .bind(&row.mac[..row.mac.len().min(TEXT_LEN_MAX)])
        .bind(at.0)
        .execute(&mut **txn)
        .await?;
    }
    Ok(true)
}

async fn is_device_of(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
    device: DeviceId,
) -> Result<bool, InventoryError> {
    let found = sqlx::query(
        "SELECT 1 FROM device WHERE tenant_id = $1 AND agent_id = $2 AND device_id = $3",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .bind(device.0)
    .fetch_optional(&mut **txn)
    .await?;
    Ok(found.is_some())
}

/// Cut at a character, without what no screen can show and PostgreSQL refuses.
fn short(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_LEN_MAX);
    text[..end].replace('\0', "")
}
