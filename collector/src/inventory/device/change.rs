//! Devices are changed and taken out; the assignment of their agent with them.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, IdGenerator, TenantId};

use super::apply::{Applied, apply, locked};
use super::tag::Tags;
use super::{Device, device_get, ids_json};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::InventoryError;
use crate::inventory::assignment::assignment_bump;
use crate::inventory::snmp::Credential;
use crate::inventory::vault::Vault;
use crate::store::sql::sql;
use crate::store::{Database, Txn};

/// What is to be different of a device; its texts are checked by the caller.
#[derive(Clone, Debug, Default)]
pub struct DevicePatch {
    /// And whether it is one that somebody gave.
    pub name: Option<(String, bool)>,
    pub address: Option<(String, u16)>,
    pub interval_s: Option<u32>,
    /// One that takes another kind of credential takes the own one away.
    pub snmp_version: Option<&'static str>,
    /// The inner `None` takes the own one away. One of another kind than the version takes changes
    /// the version with it.
    pub credential: Option<Option<Credential>>,
    pub ping: Option<bool>,
    pub strict_source: Option<bool>,
    pub request_gap_ms: Option<u32>,
    pub tags: Option<Tags>,
    pub add_tags: Tags,
    pub remove_tags: Tags,
    /// Another agent of its tenant.
    pub agent: Option<AgentId>,
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
    let [before] = locked(&mut txn, tenant, &[id]).await?.try_into().map_err(gone)?;
    let applied = apply(&mut txn, (vault, ids), std::slice::from_ref(&before), patch, now).await?;
    let Some(Applied { after, change }) = applied.into_iter().next() else {
        return Ok((before.clone(), before));
    };
    if patch.is_of_assignment() {
        let agents = BTreeSet::from([before.agent.id, after.agent.id]);
        let moved_to = Some(after.agent.id).filter(|agent| *agent != before.agent.id);
        agents_told(&mut txn, tenant, &agents, moved_to).await?;
    }
    txn.commit([change], now).await?;
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
        let Self { address, interval_s, snmp_version, credential, tags, agent, .. } = self;
        let Self { ping, strict_source, request_gap_ms, .. } = self;
        let manner = ping.is_some() || strict_source.is_some() || request_gap_ms.is_some();
        let tags = tags.is_some() || !self.add_tags.is_empty() || !self.remove_tags.is_empty();
        address.is_some()
            || interval_s.is_some()
            || snmp_version.is_some()
            || credential.is_some()
            || agent.is_some()
            || manner
            || tags
    }
}

sql! { pub(crate) DELETE =
    "DELETE FROM device WHERE tenant_id = $1 AND device_id IN (SELECT value FROM json_each($2))"
}

/// Takes a device out; its samples stay. Returns it, so that its agent can be told.
pub async fn device_delete(
    db: &Database,
    context: &TenantContext,
    id: DeviceId,
    now: Micros,
) -> Result<Device, InventoryError> {
    let tenant = device_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let [device] = locked(&mut txn, tenant, &[id]).await?.try_into().map_err(gone)?;
    assignment_bump(&mut txn, tenant, device.agent.id).await?;
    let changes = remove(&mut txn, tenant, std::slice::from_ref(&device)).await?;
    txn.commit(changes, now).await?;
    Ok(device)
}

/// Of a device that somebody took out since it was looked for.
fn gone(_: Vec<Device>) -> InventoryError {
    InventoryError::NotFound
}

/// Credentials, tags and interfaces go with them (ON DELETE CASCADE).
pub(super) async fn remove(
    txn: &mut Txn,
    tenant: TenantId,
    devices: &[Device],
) -> Result<Vec<Change>, InventoryError> {
    let ids: Vec<_> = devices.iter().map(|device| device.id).collect();
    DELETE.bind(tenant).bind(ids_json(&ids)).execute(txn).await?;
    let one = |device: &Device| {
        Change::new("device", "delete", device.id.0, &device.name).before(device.told())
    };
    Ok(devices.iter().map(one).collect())
}
