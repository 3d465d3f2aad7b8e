//! Where the agents and devices of a tenant stand.

use std::collections::BTreeSet;

use farwatch_common::id::{AgentId, DeviceId, SiteId, TenantId};

use crate::evaluate::engine::directory::{AgentPlace, DevicePlace, Directory};
use crate::evaluate::rule::scope::Kind;
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

sql! { pub(crate) SITES = "SELECT site_id, name FROM site WHERE tenant_id = $1" }
sql! { pub(crate) AGENTS =
"SELECT agent_id, site_id, name FROM agent WHERE tenant_id = $1 AND revoked_at IS NULL" }
sql! { pub(crate) DEVICES =
"SELECT device_id, site_id, agent_id, name, COALESCE(sys_descr, ''), COALESCE(sys_object_id, '')
 FROM device WHERE tenant_id = $1" }
sql! { pub(crate) TAGS = "SELECT device_id, tag FROM device_tag WHERE tenant_id = $1" }

pub(in crate::evaluate) async fn directory(
    txn: &mut Txn,
    tenant: TenantId,
) -> Result<Directory, StoreError> {
    let mut directory = Directory::default();
    for row in SITES.bind(tenant).all(txn).await? {
        directory.sites.insert(SiteId(row.get(0)?), row.get(1)?);
    }
    for row in AGENTS.bind(tenant).all(txn).await? {
        let place = AgentPlace { site: SiteId(row.get(1)?), name: row.get(2)? };
        directory.agents.insert(AgentId(row.get(0)?), place);
    }
    for row in DEVICES.bind(tenant).all(txn).await? {
        let (site, agent) = (SiteId(row.get(1)?), AgentId(row.get(2)?));
        let kind = Kind::new(&row.get::<String>(4)?, row.get(5)?);
        let place = DevicePlace { site, agent, name: row.get(3)?, tags: BTreeSet::new(), kind };
        directory.devices.insert(DeviceId(row.get(0)?), place);
    }
    for row in TAGS.bind(tenant).all(txn).await? {
        if let Some(device) = directory.devices.get_mut(&DeviceId(row.get(0)?)) {
            device.tags.insert(row.get(1)?);
        }
    }
    Ok(directory)
}
