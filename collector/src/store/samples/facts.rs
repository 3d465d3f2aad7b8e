//! Writes what events say about devices: the last state, in the transaction of their batch.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_proto::v1::DeviceFacts;

use super::tables::{interface_table_store, object_table_store};
use super::{Fact, GapRow, melt, signed};
use crate::inventory::device::own_name;
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

sql! { pub(in crate::store) DEVICE_FACTS_STORE =
"UPDATE device SET sys_descr = $1, sys_object_id = $2, sys_name = $3, sys_location = $4,
                       sys_contact = $5, answers_from = $11, facts_at = $6,
                       name = CASE named WHEN 0 THEN COALESCE($10, name) ELSE name END
     WHERE tenant_id = $7 AND device_id = $8 AND agent_id = $9
       AND (facts_at IS NULL OR facts_at <= $6)" }
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
        Fact::Dropped(gap) => melt::gap_add(txn, tenant, agent, gap).await,
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
