//! Writes what events say about devices: the last state, in the transaction of their batch.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_proto::v1::{DeviceFacts, InterfaceTable};

use super::signed;
use crate::inventory::device::own_name;
use crate::store::samples::{Fact, GapRow};
use crate::store::{StoreError, Transaction};

pub(super) async fn store(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
    fact: &Fact,
) -> Result<(), StoreError> {
    match fact {
        Fact::Device(at, facts) => device_facts_store(txn, tenant, agent, *at, facts).await,
        Fact::Interfaces(at, table) => interface_table_store(txn, tenant, agent, *at, table).await,
        Fact::Gap(gap) => gap_store(txn, tenant, agent, gap).await,
    }
}

/// Facts older than those stored change nothing.
async fn device_facts_store(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
    at: Micros,
    facts: &DeviceFacts,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE device SET sys_descr = $1, sys_object_id = $2, sys_name = $3, sys_location = $4,
                           sys_contact = $5, facts_at = $6,
                           name = CASE named WHEN 0 THEN COALESCE($10, name) ELSE name END
         WHERE tenant_id = $7 AND device_id = $8 AND agent_id = $9
           AND (facts_at IS NULL OR facts_at <= $6)",
    )
    .bind(&facts.sys_descr)
    .bind(&facts.sys_object_id)
    .bind(&facts.sys_name)
    .bind(&facts.sys_location)
    .bind(&facts.sys_contact)
    .bind(at.0)
    .bind(tenant.0)
    .bind(facts.device_id)
    .bind(agent.0)
    .bind(own_name(&facts.sys_name))
    .execute(&mut **txn)
    .await?;
    Ok(())
}

/// Replaces the table of a device, unless a newer one is stored.
async fn interface_table_store(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
    at: Micros,
    table: &InterfaceTable,
) -> Result<(), StoreError> {
    // The device may have been removed while its table was on the way.
    let stands: Option<bool> = sqlx::query_scalar(
        "SELECT coalesce((SELECT max(seen_at) FROM interface
                          WHERE tenant_id = $1 AND device_id = $2), 0) <= $3
         FROM device WHERE tenant_id = $1 AND device_id = $2 AND agent_id = $4",
    )
    .bind(tenant.0)
    .bind(table.device_id)
    .bind(at.0)
    .bind(agent.0)
    .fetch_optional(&mut **txn)
    .await?;
    if stands != Some(true) {
        return Ok(());
    }
    sqlx::query("DELETE FROM interface WHERE tenant_id = $1 AND device_id = $2")
        .bind(tenant.0)
        .bind(table.device_id)
        .execute(&mut **txn)
        .await?;
    for facts in &table.interfaces {
        sqlx::query(
            "INSERT INTO interface (tenant_id, device_id, if_index, name, description, alias,
                                    if_type, speed_bps, mac, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(tenant.0)
        .bind(table.device_id)
        .bind(facts.index)
        .bind(&facts.name)
        .bind(&facts.description)
        .bind(&facts.alias)
        .bind(facts.r#type)
        .bind(signed(facts.speed_bps))
        .bind(&facts.mac)
        .bind(at.0)
        .execute(&mut **txn)
        .await?;
    }
    Ok(())
}

async fn gap_store(
    txn: &mut Transaction,
    tenant: TenantId,
    agent: AgentId,
    gap: &GapRow,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO gap (tenant_id, agent_id, stream_id, seq_first, seq_last, from_at, to_at,
                          class, n, reason, recv_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
    )
    .bind(tenant.0)
    .bind(agent.0)
    .bind(gap.stream)
    .bind(signed(gap.seq_first))
    .bind(signed(gap.seq_last))
    .bind(gap.from.0)
    .bind(gap.to.0)
    .bind(gap.class as i64)
    .bind(signed(gap.count))
    .bind(gap.reason as i64)
    .bind(gap.received.0)
    .execute(&mut **txn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::World;

    #[tokio::test]
    async fn a_device_without_a_given_name_has_the_one_it_gives_itself() {
        let world = World::open().await;
        let mut txn = world.database.write().await.unwrap();
        let unnamed = "UPDATE device SET named = 0, name = host WHERE device_id = 100";
        sqlx::query(unnamed).execute(&mut *txn).await.unwrap();
        let mut names = Vec::new();
        for (second, sys_name) in ["", " gw-1 ", "gw\n2", "gw-3"].into_iter().enumerate() {
            let at = Micros(i64::try_from(second).unwrap() * Micros::SECOND);
            for device_id in [100, 101] {
                let sys_name = sys_name.to_owned();
                let facts = DeviceFacts { device_id, sys_name, ..DeviceFacts::default() };
                device_facts_store(&mut txn, TenantId(1), AgentId(10), at, &facts).await.unwrap();
            }
            let name = "SELECT group_concat(name ORDER BY device_id) FROM device
                        WHERE device_id IN (100, 101)";
            names.push(sqlx::query_scalar::<_, String>(name).fetch_one(&mut *txn).await.unwrap());
        }
        assert_eq!(names, ["192.0.2.1,r2", "gw-1,r2", "gw-1,r2", "gw-3,r2"]);
    }
}
