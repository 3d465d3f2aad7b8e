//! Devices are made, changed and taken out, one at a time; the assignment of their agent with them.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, IdGenerator, SiteId, TenantId};
use farwatch_common::secret::Secret;
use serde_json::json;

use super::tag::{self, Tags};
use super::{Device, credential, device_get, in_txn};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::agent::agent_get;
use crate::inventory::assignment::assignment_bump;
use crate::inventory::quota::room_for_device;
use crate::inventory::vault::Vault;
use crate::inventory::{InventoryError, differences};
use crate::store::sql::sql;
use crate::store::{Database, Txn};

/// A device to be made; its texts are checked by the caller.
#[derive(Clone, Debug)]
pub struct NewDevice {
    pub agent: AgentId,
    pub name: String,
    /// False if `name` only stands in until the device says its own.
    pub named: bool,
    pub host: String,
    pub port: u16,
    pub interval_s: u32,
    pub snmp_version: &'static str,
    /// `None`: a profile's.
    pub community: Option<Secret>,
    pub tags: Tags,
}

/// What is to be different of a device; its texts are checked by the caller.
#[derive(Clone, Debug, Default)]
pub struct DevicePatch {
    /// And whether it is one that somebody gave.
    pub name: Option<(String, bool)>,
    pub address: Option<(String, u16)>,
    pub interval_s: Option<u32>,
    pub snmp_version: Option<&'static str>,
    /// The inner `None` takes the own one away.
    pub community: Option<Option<Secret>>,
    pub tags: Option<Tags>,
    pub add_tags: Tags,
    pub remove_tags: Tags,
    /// Another agent of its tenant.
    pub agent: Option<AgentId>,
}

sql! { pub(crate) SITE_OF =
    "SELECT site_id FROM agent WHERE tenant_id = $1 AND agent_id = $2"
}

async fn site_of(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
) -> Result<SiteId, InventoryError> {
    let row = SITE_OF.bind(tenant).bind(agent).optional(txn).await?;
    Ok(SiteId(row.ok_or(InventoryError::NotFound)?.get(0)?))
}

/// One tenant as a set.
pub(super) fn set(tenant: TenantId) -> String {
    format!("[{}]", tenant.0)
}

sql! { pub(crate) INSERT =
    "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                         interval_s, snmp_version, created_at, named)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (tenant_id, agent_id, host, port) DO NOTHING"
}

/// Makes a device with its sealed credential. The caller tells the agent's session afterwards.
pub async fn device_create(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    ids: &IdGenerator,
    new: &NewDevice,
    now: Micros,
) -> Result<Device, InventoryError> {
    let tenant = agent_get(db, context, new.agent).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    if assignment_bump(&mut txn, tenant, new.agent).await? {
        return Err(InventoryError::Revoked);
    }
    room_for_device(&mut txn, tenant).await?;
    let id = DeviceId(ids.next(now));
    let site = site_of(&mut txn, tenant, new.agent).await?;
    let insert = INSERT.bind(tenant).bind(id).bind(site).bind(new.agent);
    let insert = insert.bind(&new.name).bind(&new.host).bind(new.port).bind(new.interval_s);
    let insert = insert.bind(new.snmp_version).bind(now).bind(new.named);
    if insert.execute(&mut txn).await? == 0 {
        return Err(InventoryError::Exists);
    }
    let place = (tenant, site, id);
    credential::put(&mut txn, (vault, ids), place, new.community.as_ref(), now).await?;
    tag::store(&mut txn, (tenant, id), &new.tags).await?;
    let device = in_txn(&mut txn, &set(tenant), id).await?;
    let change = Change::new("device", "create", device.id.0, &device.name);
    txn.commit([change.after(device.told())], now).await?;
    Ok(device)
}

sql! { pub(crate) TAKEN =
    "SELECT device_id FROM device
     WHERE tenant_id = $1 AND agent_id = $2 AND host = $3 AND port = $4 AND device_id <> $5"
}
sql! { pub(crate) UPDATE =
    "UPDATE device SET name = $3, named = $4, host = $5, port = $6, interval_s = $7,
            snmp_version = $8, agent_id = $9, site_id = $10
     WHERE tenant_id = $1 AND device_id = $2"
}

/// Changes a device. Returns it as it was and as it is; the caller tells the agents of both.
pub async fn device_patch(
    db: &Database,
    (vault, ids): (&Vault, &IdGenerator),
    context: &TenantContext,
    id: DeviceId,
    patch: &DevicePatch,
    now: Micros,
) -> Result<(Device, Device), InventoryError> {
    let tenant = device_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let before = in_txn(&mut txn, &set(tenant), id).await?;
    let change = apply(&mut txn, (vault, ids), &before, patch, now).await?;
    let after = in_txn(&mut txn, &set(tenant), id).await?;
    if patch.is_of_assignment() && change.is_some() {
        let agents = BTreeSet::from([before.agent.id, after.agent.id]);
        let moved_to = Some(after.agent.id).filter(|agent| *agent != before.agent.id);
        agents_told(&mut txn, tenant, &agents, moved_to).await?;
    }
    txn.commit(change, now).await?;
    Ok((before, after))
}

/// Marks the assignments of agents as changed. The one that devices move to must not be revoked.
pub(super) async fn agents_told(
    txn: &mut Txn,
    tenant: TenantId,
    agents: &BTreeSet<AgentId>,
    moved_to: Option<AgentId>,
) -> Result<(), InventoryError> {
    for agent in agents {
        let revoked = assignment_bump(txn, tenant, *agent).await?;
        if revoked && moved_to == Some(*agent) {
            return Err(InventoryError::Revoked);
        }
    }
    Ok(())
}

impl DevicePatch {
    /// Whether an agent is to be told: all but the name may change what it polls.
    pub(super) fn is_of_assignment(&self) -> bool {
        let Self { address, interval_s, snmp_version, community, tags, agent, .. } = self;
        let tags = tags.is_some() || !self.add_tags.is_empty() || !self.remove_tags.is_empty();
        address.is_some()
            || interval_s.is_some()
            || snmp_version.is_some()
            || community.is_some()
            || agent.is_some()
            || tags
    }

    fn tags(&self, before: &Tags) -> Tags {
        let tags = self.tags.as_ref().unwrap_or(before).union(&self.add_tags);
        tags.filter(|tag| !self.remove_tags.contains(*tag)).cloned().collect()
    }
}

/// Writes the change of one device, under the tenant's lock; `None` if there is nothing to change.
pub(super) async fn apply(
    txn: &mut Txn,
    (vault, ids): (&Vault, &IdGenerator),
    before: &Device,
    patch: &DevicePatch,
    now: Micros,
) -> Result<Option<Change>, InventoryError> {
    let (tenant, id) = (before.tenant.id, before.id);
    let (name, named) = patch.name.clone().unwrap_or_else(|| (before.name.clone(), before.named));
    let (host, port) = patch.address.clone().unwrap_or_else(|| (before.host.clone(), before.port));
    let agent = patch.agent.unwrap_or(before.agent.id);
    let site = site_of(txn, tenant, agent).await?;
    let taken = TAKEN.bind(tenant).bind(agent).bind(&host).bind(port).bind(id);
    if taken.optional(txn).await?.is_some() {
        return Err(InventoryError::Exists);
    }
    let update = UPDATE.bind(tenant).bind(id).bind(name).bind(named).bind(host).bind(port);
    let update = update.bind(patch.interval_s.unwrap_or(before.interval_s));
    let update = update.bind(patch.snmp_version.unwrap_or(&before.snmp_version));
    update.bind(agent).bind(site).execute(txn).await?;
    let tags = patch.tags(&before.tags);
    if tags != before.tags {
        tag::store(txn, (tenant, id), &tags).await?;
    }
    let credential = match &patch.community {
        Some(community) => {
            let place = (tenant, site, id);
            let had = credential::put(txn, (vault, ids), place, community.as_ref(), now).await?;
            (had || community.is_some()).then_some((had, community.is_some()))
        }
        None => {
            if site != before.site.id {
                credential::follow(txn, vault, (tenant, id), site).await?;
            }
            None
        }
    };
    let after = in_txn(txn, &set(tenant), id).await?;
    let (mut was, mut is) = (before.told(), after.told());
    if let Some((had, has)) = credential {
        was["credential"] = json!(if had { "own" } else { "profile" });
        is["credential"] = json!(if has { "own, new" } else { "profile" });
    }
    let change = Change::new("device", "change", id.0, &after.name);
    Ok(differences(&was, &is).map(|(was, is)| change.before(was).after(is)))
}

sql! { pub(crate) DELETE = "DELETE FROM device WHERE tenant_id = $1 AND device_id = $2" }

/// Takes a device out; its samples stay. Returns it, so that its agent can be told.
pub async fn device_delete(
    db: &Database,
    context: &TenantContext,
    id: DeviceId,
    now: Micros,
) -> Result<Device, InventoryError> {
    let tenant = device_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let device = in_txn(&mut txn, &set(tenant), id).await?;
    assignment_bump(&mut txn, tenant, device.agent.id).await?;
    let change = remove(&mut txn, &device).await?;
    txn.commit([change], now).await?;
    Ok(device)
}

/// Credentials, tags and interfaces go with it (ON DELETE CASCADE).
pub(super) async fn remove(txn: &mut Txn, device: &Device) -> Result<Change, InventoryError> {
    DELETE.bind(device.tenant.id).bind(device.id).execute(txn).await?;
    let change = Change::new("device", "delete", device.id.0, &device.name);
    Ok(change.before(device.told()))
}
