//! Devices are made, one or many at once: all of a tenant in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, IdGenerator, SiteId, TenantId};

use super::apply::{address_exists, address_taken};
use super::credential::Purpose;
use super::tag::{self, Tags};
use super::{Device, Manner, credential, in_txn};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::agent::agent_get;
use crate::inventory::assignment::assignment_bump;
use crate::inventory::quota::Room;
use crate::inventory::snmp::Credential;
use crate::inventory::vault::Vault;
use crate::inventory::{InventoryError, require, set_of};
use crate::store::sql::sql;
use crate::store::{Database, Txn};

/// Devices of one call: the tenant is locked while they are made.
pub const CREATE_MAX: usize = 2_000;

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
    /// Of the kind that goes with the version. `None`: a profile's.
    pub credential: Option<Credential>,
    pub manner: Manner,
    pub tags: Tags,
}

sql! { pub(crate) SITE_OF =
    "SELECT site_id FROM agent WHERE tenant_id = $1 AND agent_id = $2"
}
sql! { pub(crate) INSERT =
    "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                         interval_s, snmp_version, created_at, named, ping_off,
                         strict_source, request_gap_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
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
    let new = std::slice::from_ref(new);
    let made = devices_create(db, (vault, ids), (context, tenant), new, now).await?;
    made.into_iter().next().unwrap_or(Err(InventoryError::NotFound))
}

/// Makes devices of a tenant: each that can be, and says of each other why not. The caller tells the
/// agents' sessions afterwards.
pub async fn devices_create(
    db: &Database,
    (vault, ids): (&Vault, &IdGenerator),
    (context, tenant): (&TenantContext, TenantId),
    new: &[NewDevice],
    now: Micros,
) -> Result<Vec<Result<Device, InventoryError>>, InventoryError> {
    few(new)?;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let mut sites = BTreeMap::new();
    for agent in new.iter().map(|one| one.agent).collect::<BTreeSet<_>>() {
        sites.insert(agent, assigned(&mut txn, (tenant, agent)).await?);
    }
    let mut room = Room::of(&mut txn, tenant).await?;
    let (mut made, mut changes) = (Vec::with_capacity(new.len()), Vec::new());
    for one in new {
        let site = match sites.get(&one.agent) {
            Some(Some(site)) => *site,
            _ => {
                made.push(Err(InventoryError::Revoked));
                continue;
            }
        };
        let device = match room.take() {
            Ok(()) => create(&mut txn, (vault, ids), (tenant, site), one, now).await,
            Err(full) => Err(full),
        };
        match device {
            Ok(device) => {
                let change = Change::new("device", "create", device.id.0, &device.name);
                changes.push(change.after(device.told()));
                made.push(Ok(device));
            }
            // Nothing of these was written.
            Err(why @ (InventoryError::Exists { .. } | InventoryError::Quota { .. })) => {
                if matches!(why, InventoryError::Exists { .. }) {
                    room.give_back();
                }
                made.push(Err(why));
            }
            Err(error) => return Err(error),
        }
    }
    if !changes.is_empty() {
        txn.commit(changes, now).await?;
    }
    Ok(made)
}

fn few(new: &[NewDevice]) -> Result<(), InventoryError> {
    if new.len() > CREATE_MAX {
        let max = u32::try_from(CREATE_MAX).unwrap_or(u32::MAX);
        return Err(InventoryError::Full { what: "devices in one call; make several", max });
    }
    Ok(())
}

sql! { pub(crate) AGENTS =
    "SELECT agent_id, revoked_at FROM agent
     WHERE tenant_id = $1 AND agent_id IN (SELECT value FROM json_each($2))"
}
sql! { pub(crate) ADDRESSES =
    "SELECT agent_id, host, port, name FROM device
     WHERE tenant_id = $1 AND agent_id IN (SELECT value FROM json_each($2))"
}

/// What [`devices_create`] would say of devices of which no two have one address of one agent. Nothing is
/// written, nor is anybody kept from writing.
pub async fn devices_look(
    db: &Database,
    (context, tenant): (&TenantContext, TenantId),
    new: &[NewDevice],
) -> Result<Vec<Result<(), InventoryError>>, InventoryError> {
    few(new)?;
    require(context, tenant, Access::Write)?;
    let agents: BTreeSet<_> = new.iter().map(|one| one.agent.0).collect();
    let agents = serde_json::json!(agents).to_string();
    let mut txn = db.read(&context.narrowed(tenant)).await?;
    let mut revoked = BTreeMap::new();
    for row in AGENTS.bind(tenant).bind(&agents).all(&mut txn).await? {
        revoked.insert(AgentId(row.get(0)?), row.get::<Option<i64>>(1)?.is_some());
    }
    let mut there = BTreeMap::new();
    for row in ADDRESSES.bind(tenant).bind(&agents).all(&mut txn).await? {
        let (host, port): (String, i64) = (row.get(1)?, row.get(2)?);
        there.insert((AgentId(row.get(0)?), host, port), row.get::<String>(3)?);
    }
    let mut room = Room::of(&mut txn, tenant).await?;
    let one = |one: &NewDevice| {
        if *revoked.get(&one.agent).ok_or(InventoryError::NotFound)? {
            return Ok(Err(InventoryError::Revoked));
        }
        let address = (one.agent, one.host.clone(), one.port.into());
        Ok(match (room.take(), there.get(&address)) {
            (Ok(()), Some(name)) => {
                room.give_back();
                Err(address_exists(name.clone()))
            }
            (taken, _) => taken,
        })
    };
    new.iter().map(one).collect()
}

/// Marks the assignment of an agent as changed, and says where it is; `None`: it is revoked.
async fn assigned(
    txn: &mut Txn,
    (tenant, agent): (TenantId, AgentId),
) -> Result<Option<SiteId>, InventoryError> {
    if assignment_bump(txn, tenant, agent).await? {
        return Ok(None);
    }
    let row = SITE_OF.bind(tenant).bind(agent).optional(txn).await?;
    Ok(Some(SiteId(row.ok_or(InventoryError::NotFound)?.get(0)?)))
}

async fn create(
    txn: &mut Txn,
    (vault, ids): (&Vault, &IdGenerator),
    (tenant, site): (TenantId, SiteId),
    new: &NewDevice,
    now: Micros,
) -> Result<Device, InventoryError> {
    let id = DeviceId(ids.next(now));
    let insert = INSERT.bind(tenant).bind(id).bind(site).bind(new.agent);
    let insert = insert.bind(&new.name).bind(&new.host).bind(new.port).bind(new.interval_s);
    let insert = insert.bind(new.snmp_version).bind(now).bind(new.named);
    let Manner { ping, strict_source, request_gap_ms } = new.manner;
    let insert = insert.bind(!ping).bind(strict_source).bind(request_gap_ms);
    if insert.execute(txn).await? == 0 {
        let there = address_taken(txn, (tenant, id), (new.agent, &new.host, new.port)).await?;
        return Err(address_exists(there.unwrap_or_default()));
    }
    if let Some(own) = &new.credential {
        let own = (Purpose::Snmp, Some(&own.clone().into()));
        credential::put(txn, (vault, ids), tenant, &[(site, id)], own, now).await?;
    }
    tag::store(txn, tenant, [(id, &Tags::new(), &new.tags)]).await?;
    in_txn(txn, &set_of(tenant), id).await
}
