//! Writes what events say about devices: the last state, in the transaction of their batch.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_proto::v1::{DeviceFacts, InterfaceTable};

use super::objects::object_table_store;
use super::{Fact, GapRow, signed};
use crate::inventory::device::own_name;
use crate::store::sql::sql;
use crate::store::{Engine, StoreError, Txn, postgres};

sql! { pub(in crate::store) DEVICE_FACTS_STORE =
"UPDATE device SET sys_descr = $1, sys_object_id = $2, sys_name = $3, sys_location = $4,
                       sys_contact = $5, answers_from = $11, facts_at = $6,
                       name = CASE named WHEN 0 THEN COALESCE($10, name) ELSE name END
     WHERE tenant_id = $7 AND device_id = $8 AND agent_id = $9
       AND (facts_at IS NULL OR facts_at <= $6)" }
sql! { pub(in crate::store) DEVICE_LOCK = "UPDATE device SET facts_at = facts_at
WHERE tenant_id = $1 AND device_id = $2 AND agent_id = $3" }
sql! { pub(in crate::store) INTERFACES_SEEN =
"SELECT max(seen_at) FROM interface WHERE tenant_id = $1 AND device_id = $2" }
sql! { pub(in crate::store) INTERFACES_REMOVE =
"DELETE FROM interface WHERE tenant_id = $1 AND device_id = $2" }
sql! { pub(in crate::store) INTERFACE_STORE =
"INSERT INTO interface (tenant_id, device_id, if_index, name, description, alias, if_type,
                            speed_bps, mac, seen_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)" }
sql! { pub(in crate::store) GAP_STORE =
"INSERT INTO gap (tenant_id, agent_id, stream_id, seq_first, seq_last, from_at, to_at, class,
                      n, reason, recv_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING" }

pub(in crate::store) async fn store(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    fact: &Fact,
) -> Result<(), StoreError> {
    match fact {
        Fact::Device(at, facts) => device_facts_store(txn, tenant, agent, *at, facts).await,
        Fact::Interfaces(at, table) => interface_table_store(txn, tenant, agent, *at, table).await,
        Fact::Objects(at, table) => object_table_store(txn, tenant, agent, *at, table).await,
        Fact::Gap(gap) => gap_store(txn, tenant, agent, gap).await,
    }
}

/// Facts older than those stored change nothing.
async fn device_facts_store(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    at: Micros,
    facts: &DeviceFacts,
) -> Result<(), StoreError> {
    DEVICE_FACTS_STORE
        .bind(&facts.sys_descr)
        .bind(&facts.sys_object_id)
        .bind(&facts.sys_name)
        .bind(&facts.sys_location)
        .bind(&facts.sys_contact)
        .bind(at)
        .bind(tenant)
        .bind(facts.device_id)
        .bind(agent)
        .bind(own_name(&facts.sys_name))
        .bind(Some(&facts.answers_from).filter(|from| !from.is_empty()))
        .execute(txn)
        .await?;
    Ok(())
}

/// Replaces the table of a device, unless a newer one is stored.
async fn interface_table_store(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    at: Micros,
    table: &InterfaceTable,
) -> Result<(), StoreError> {
    let device = table.device_id;
    // Where there are many writers, two tables of a device wait for each other.
    let found = DEVICE_LOCK.bind(tenant).bind(device).bind(agent).execute(txn).await?;
    if found == 0 {
        // The device was removed while its table was on the way.
        return Ok(());
    }
    let seen: Option<i64> = INTERFACES_SEEN.bind(tenant).bind(device).scalar(txn).await?;
    if seen.is_some_and(|seen| seen > at.0) {
        return Ok(());
    }
    INTERFACES_REMOVE.bind(tenant).bind(device).execute(txn).await?;
    if txn.engine() == Engine::Postgres {
        return postgres::facts::interfaces_store(txn, tenant, at, table).await;
    }
    for facts in &table.interfaces {
        INTERFACE_STORE
            .bind(tenant)
            .bind(device)
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

async fn gap_store(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    gap: &GapRow,
) -> Result<(), StoreError> {
    GAP_STORE
        .bind(tenant)
        .bind(agent)
        .bind(gap.stream)
        .bind(signed(gap.seq_first))
        .bind(signed(gap.seq_last))
        .bind(gap.from)
        .bind(gap.to)
        .bind(gap.class as i64)
        .bind(signed(gap.count))
        .bind(gap.reason as i64)
        .bind(gap.received)
        .execute(txn)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
