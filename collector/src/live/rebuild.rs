//! The live state from the database, at start.

use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_proto::v1::{InterfaceFacts, InterfaceTable};
use sqlx::Row as _;

use super::Live;
use super::layout::Layout;
use crate::store::{Database, SampleStore, StoreError};

impl Live {
    /// Reads inventory, schemas and the last samples. Agents count as offline until they are heard.
    pub async fn load<S: SampleStore>(
        &self,
        database: &Database,
        samples: &S,
    ) -> Result<(), StoreError> {
        for (tenant, id, schema) in samples.schemas().await? {
            self.layout_added(tenant, id, Arc::new(Layout::new(&schema)));
        }
        let agents = self.load_agents(database).await?;
        self.load_devices(database).await?;
        self.load_interfaces(database).await?;
        for (tenant, agent) in agents {
            let rows = samples.last_rows(tenant, agent).await?;
            self.change(|fleet, now| {
                for row in rows {
                    if let Some(layout) = self.layout(tenant, row.schema) {
                        fleet.apply(row, &layout, now);
                    }
                }
            });
        }
        // Nobody has seen anything else yet, so nothing has changed.
        self.fleet().drafts();
        Ok(())
    }

    async fn load_agents(
        &self,
        database: &Database,
    ) -> Result<Vec<(TenantId, AgentId)>, StoreError> {
        let rows = sqlx::query(
            "SELECT tenant_id, agent_id, last_seen_at, last_ack_at, coalesce(version, ''),
                    coalesce(platform, ''), revoked_at IS NOT NULL
             FROM agent",
        )
        .fetch_all(database.reader())
        .await?;
        let mut agents = Vec::with_capacity(rows.len());
        for row in &rows {
            let (tenant, id) = (TenantId(row.try_get(0)?), AgentId(row.try_get(1)?));
            let seen_at: Option<i64> = row.try_get(2)?;
            let ack_at: Option<i64> = row.try_get(3)?;
            let (version, platform) = (row.try_get(4)?, row.try_get(5)?);
            let revoked: bool = row.try_get(6)?;
            self.change(|fleet, now| {
                let agent = fleet.agent_added(tenant, id, now);
                agent.remember(seen_at.map(Micros), ack_at.map(Micros), version, platform);
                if revoked {
                    agent.revoked();
                }
            });
            agents.push((tenant, id));
        }
        Ok(agents)
    }

    async fn load_devices(&self, database: &Database) -> Result<(), StoreError> {
        let rows =
            sqlx::query("SELECT tenant_id, agent_id, device_id, interval_s, named FROM device")
                .fetch_all(database.reader())
                .await?;
        for row in &rows {
            let (tenant, agent) = (TenantId(row.try_get(0)?), AgentId(row.try_get(1)?));
            let id = DeviceId(row.try_get(2)?);
            self.device_added(tenant, agent, id, row.try_get(3)?);
            if !row.try_get::<bool, _>(4)? {
                self.device_follows_name(id);
            }
        }
        Ok(())
    }

    async fn load_interfaces(&self, database: &Database) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT device_id, if_index, name, description, alias, if_type, speed_bps, mac, seen_at
             FROM interface ORDER BY device_id, if_index",
        )
        .fetch_all(database.reader())
        .await?;
        let mut tables: Vec<(Micros, InterfaceTable)> = Vec::new();
        for row in &rows {
            let device_id: i64 = row.try_get(0)?;
            let speed_bps: i64 = row.try_get(6)?;
            let facts = InterfaceFacts {
                index: row.try_get(1)?,
                name: row.try_get(2)?,
                description: row.try_get(3)?,
                alias: row.try_get(4)?,
                r#type: row.try_get(5)?,
                speed_bps: u64::try_from(speed_bps).unwrap_or(0),
                mac: row.try_get(7)?,
            };
            match tables.last_mut().filter(|(_, table)| table.device_id == device_id) {
                Some((_, table)) => table.interfaces.push(facts),
                None => {
                    let table = InterfaceTable { device_id, interfaces: vec![facts] };
                    tables.push((Micros(row.try_get(8)?), table));
                }
            }
        }
        self.change(|fleet, now| {
            for (seen_at, table) in tables {
                fleet.apply_table(table, seen_at, now);
            }
        });
        Ok(())
    }
}
