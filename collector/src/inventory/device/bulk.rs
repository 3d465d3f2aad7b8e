//! Many devices at once: all of a tenant in one transaction, or none of them.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, IdGenerator, TenantId};

use super::apply::{apply, locked};
use super::change::{DevicePatch, agents_told, remove};
use super::{Device, among};
use crate::identity::{Access, TenantContext};
use crate::inventory::vault::Vault;
use crate::inventory::{InventoryError, require};
use crate::store::Database;

/// Devices of one call: the tenant is locked while they change.
pub const BULK_MAX: usize = 1_000;

/// What is to become of them.
#[derive(Clone, Debug)]
pub enum Bulk {
    Change(Box<DevicePatch>),
    Delete,
}

/// What became of the devices of one tenant.
#[derive(Clone, Debug)]
pub struct BulkDone {
    pub tenant: TenantId,
    /// As they were.
    pub devices: Vec<Device>,
    /// To be told of a changed assignment.
    pub agents: BTreeSet<AgentId>,
}

/// What the tenants before the one that failed have got stays.
#[derive(Debug, thiserror::Error)]
#[error("the devices of {} tenants were changed, then one failed", done.len())]
pub struct BulkFailed {
    pub done: Vec<BulkDone>,
    #[source]
    pub error: InventoryError,
}

impl<E: Into<InventoryError>> From<E> for BulkFailed {
    fn from(error: E) -> Self {
        Self { done: Vec::new(), error: error.into() }
    }
}

/// Holds the caller to devices that are theirs: of one that is not, all are refused.
pub async fn devices_known(
    db: &Database,
    context: &TenantContext,
    devices: &BTreeSet<DeviceId>,
) -> Result<Vec<Device>, InventoryError> {
    let wanted: Vec<DeviceId> = devices.iter().copied().collect();
    let mut txn = db.read(context).await?;
    let found = among(&mut txn, &context.tenants_json(), &wanted).await?;
    if found.len() < wanted.len() { Err(InventoryError::NotFound) } else { Ok(found) }
}

/// Changes devices that are [`devices_known`], or takes them out, tenant by tenant. Nothing is changed unless the caller may
/// change all of them. The caller tells screens and agents of what was done, also if it fails then.
pub async fn device_bulk(
    db: &Database,
    (vault, ids): (&Vault, &IdGenerator),
    context: &TenantContext,
    devices: &[Device],
    bulk: &Bulk,
    now: Micros,
) -> Result<Vec<BulkDone>, BulkFailed> {
    if devices.len() > BULK_MAX {
        let max = u32::try_from(BULK_MAX).unwrap_or(u32::MAX);
        return Err(InventoryError::Full { what: "devices in one call; make several", max }.into());
    }
    let mut of_tenant: BTreeMap<TenantId, Vec<DeviceId>> = BTreeMap::new();
    for device in devices {
        require(context, device.tenant.id, Access::Write)?;
        of_tenant.entry(device.tenant.id).or_default().push(device.id);
    }
    let mut done = Vec::with_capacity(of_tenant.len());
    for (tenant, devices) in of_tenant {
        match in_tenant(db, (vault, ids), context, (tenant, &devices), bulk, now).await {
            Ok(one) => done.push(one),
            Err(error) => return Err(BulkFailed { done, error }),
        }
    }
    Ok(done)
}

async fn in_tenant(
    db: &Database,
    parts: (&Vault, &IdGenerator),
    context: &TenantContext,
    (tenant, wanted): (TenantId, &[DeviceId]),
    bulk: &Bulk,
    now: Micros,
) -> Result<BulkDone, InventoryError> {
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let devices = locked(&mut txn, tenant, wanted).await?;
    // Somebody took one out in between.
    if devices.len() < wanted.len() {
        return Err(InventoryError::NotFound);
    }
    let (mut agents, mut moved_to) = (BTreeSet::new(), None);
    let changes = match bulk {
        Bulk::Delete => {
            agents.extend(devices.iter().map(|device| device.agent.id));
            remove(&mut txn, tenant, &devices).await?
        }
        Bulk::Change(patch) => {
            let applied = apply(&mut txn, parts, &devices, patch, now).await?;
            if patch.is_of_assignment() {
                let changed: BTreeSet<_> = applied.iter().map(|applied| applied.after.id).collect();
                let before = devices.iter().filter(|device| changed.contains(&device.id));
                agents.extend(before.map(|device| device.agent.id));
            }
            moved_to = patch.agent.filter(|to| devices.iter().any(|of| of.agent.id != *to));
            applied.into_iter().map(|applied| applied.change).collect()
        }
    };
    agents.extend(moved_to);
    agents_told(&mut txn, tenant, &agents, moved_to).await?;
    txn.commit(changes, now).await?;
    Ok(BulkDone { tenant, devices, agents })
}
