//! The live state from the database, at start.

use std::collections::BTreeMap;
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::Group;
use farwatch_proto::v1::{InterfaceFacts, InterfaceTable};

use super::layout::Layout;
use super::state::Fleet;
use super::{ConfigHealth, Live};
use crate::store::samples::read_all_stored;
use crate::store::sql::sql;
use crate::store::{Database, SampleStore, StoreError, Txn};

sql! { pub(crate) AGENTS =
"SELECT tenant_id, agent_id, last_seen_at, last_ack_at, coalesce(version, ''),
        coalesce(platform, ''), revoked_at IS NOT NULL
 FROM agent" }
sql! { pub(crate) DEVICES =
"SELECT tenant_id, agent_id, device_id, interval_s, named FROM device" }
sql! { pub(crate) INTERFACES =
"SELECT device_id, if_index, name, description, alias, if_type, speed_bps, mac
 FROM interface ORDER BY device_id, if_index" }
sql! { pub(crate) CONFIGS =
"SELECT tenant_id, device_id, other_key IS NOT NULL, failing FROM backup" }
sql! { pub(crate) TABLES = "SELECT device_id, seen_at FROM device_table WHERE grp = $1" }

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
        let mut txn = read_all_stored(database).await?;
        let agents = self.load_agents(&mut txn).await?;
        self.load_devices(&mut txn).await?;
        self.load_interfaces(&mut txn).await?;
        self.load_configs(&mut txn).await?;
        drop(txn);
        for (tenant, agent) in agents {
            let rows = samples.last_rows(tenant, agent).await?;
            self.change(|fleet, now| {
                // Not of devices that moved to another agent since.
                let owner = Some((tenant, agent));
                for row in rows {
                    if fleet.owner(row.device) != owner {
                        continue;
                    }
                    if let Some(layout) = self.layout(tenant, row.schema) {
                        fleet.apply(row, &layout, now);
                    }
                }
            });
        }
        self.change(Fleet::starts_at);
        // Nobody has seen anything else yet, so nothing has changed.
        let mut fleet = self.fleet();
        fleet.drafts();
        fleet.changed.clear();
        Ok(())
    }

    async fn load_agents(&self, txn: &mut Txn) -> Result<Vec<(TenantId, AgentId)>, StoreError> {
        let rows = AGENTS.query().all(txn).await?;
        let mut agents = Vec::with_capacity(rows.len());
        for row in &rows {
            let (tenant, id) = (TenantId(row.get(0)?), AgentId(row.get(1)?));
            let seen_at: Option<i64> = row.get(2)?;
            let ack_at: Option<i64> = row.get(3)?;
            let (version, platform) = (row.get(4)?, row.get(5)?);
            let revoked: bool = row.get(6)?;
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

    async fn load_devices(&self, txn: &mut Txn) -> Result<(), StoreError> {
        let rows = DEVICES.query().all(txn).await?;
        for row in &rows {
            let (tenant, agent) = (TenantId(row.get(0)?), AgentId(row.get(1)?));
            let id = DeviceId(row.get(2)?);
            self.device_added(tenant, agent, id, whole(row.get(3)?));
            if !row.get::<bool>(4)? {
                self.device_follows_name(id);
            }
        }
        Ok(())
    }

    async fn load_configs(&self, txn: &mut Txn) -> Result<(), StoreError> {
        for row in &CONFIGS.query().all(txn).await? {
            let (tenant, device) = (TenantId(row.get(0)?), DeviceId(row.get(1)?));
            let (host_key_changed, failing) = (row.get(2)?, row.get(3)?);
            self.config_known(tenant, device, ConfigHealth { host_key_changed, failing });
        }
        Ok(())
    }

    async fn load_interfaces(&self, txn: &mut Txn) -> Result<(), StoreError> {
        let mut tables: BTreeMap<i64, (Micros, InterfaceTable)> = BTreeMap::new();
        for row in TABLES.bind(Group::Interfaces as i64).all(txn).await? {
            // Also of a table that is empty: an older one may still come.
            let table = InterfaceTable { device_id: row.get(0)?, interfaces: Vec::new() };
            tables.insert(table.device_id, (Micros(row.get(1)?), table));
        }
        for row in &INTERFACES.query().all(txn).await? {
            let speed_bps: i64 = row.get(6)?;
            let facts = InterfaceFacts {
                index: whole(row.get(1)?),
                name: row.get(2)?,
                description: row.get(3)?,
                alias: row.get(4)?,
                r#type: whole(row.get(5)?),
                speed_bps: u64::try_from(speed_bps).unwrap_or(0),
                mac: row.get(7)?,
            };
            if let Some((_, table)) = tables.get_mut(&row.get(0)?) {
                table.interfaces.push(facts);
            }
        }
        self.change(|fleet, now| {
            for (seen_at, table) in tables.into_values() {
                fleet.apply_table(table, seen_at, now);
            }
        });
        Ok(())
    }
}

/// A number that was stored from 32 bits.
fn whole(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}
