//! Devices: whatever is polled. One is known by tenant, agent, host and port, never by its address
//! alone: two sites may both have a 192.168.88.1.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, DeviceId, IdGenerator, SiteId, TenantId};
use farwatch_common::secret::Secret;
use serde_json::json;

use super::agent::agent_get;
use super::assignment::assignment_bump;
use super::credential::{Place, Vault};
use super::{InventoryError, Listed, Named, Page, get, is_name, like, listed, tenant_set};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::store::sql::{Row, Sql, sql};
use crate::store::{Database, StoreError, Txn};

pub const SNMP_PORT: u16 = 161;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub name: String,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub agent: Named<AgentId>,
    pub host: String,
    pub port: u16,
    pub interval_s: u32,
    pub snmp_version: String,
    pub facts: Facts,
    pub created_at: Micros,
}

impl Device {
    /// What the audit tells of it.
    fn told(&self) -> serde_json::Value {
        json!({
            "name": self.name,
            "site": self.site.name,
            "agent": self.agent.name,
            "host": self.host,
            "port": self.port,
            "interval_s": self.interval_s,
            "snmp_version": self.snmp_version,
        })
    }
}

/// SNMPv2-MIB system group, last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    pub sys_descr: Option<String>,
    pub sys_object_id: Option<String>,
    pub sys_name: Option<String>,
    pub sys_location: Option<String>,
    pub sys_contact: Option<String>,
    pub seen_at: Option<Micros>,
}

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
    pub community: Secret,
}

/// Which devices are wanted, besides the caller's tenants.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    pub site: Option<SiteId>,
    pub agent: Option<AgentId>,
    /// Part of a name, address or system name; capitals do not matter.
    pub search: String,
    /// Only of these; all if `None`.
    pub among: Option<Vec<DeviceId>>,
}

impl DeviceFilter {
    fn among_json(&self) -> Option<String> {
        let ids = self.among.as_ref()?.iter().map(|id| id.0.to_string());
        Some(format!("[{}]", ids.collect::<Vec<_>>().join(",")))
    }
}

/// The name a device gives itself, if it can be shown.
#[must_use]
pub fn own_name(sys_name: &str) -> Option<&str> {
    Some(sys_name.trim()).filter(|name| is_name(name))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceOrder {
    #[default]
    Name,
    NameDown,
    /// Oldest first: ids rise with time.
    Created,
    CreatedDown,
}

macro_rules! from_device {
    () => {
        "FROM device d JOIN tenant t ON t.tenant_id = d.tenant_id
         JOIN site s ON s.tenant_id = d.tenant_id AND s.site_id = d.site_id
         JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
         WHERE d.tenant_id IN "
    };
}

macro_rules! select_device {
    () => {
        concat!(
            "SELECT d.device_id, d.name, t.tenant_id, t.name, s.site_id, s.name, a.agent_id, a.name,
                    d.host, d.port, d.interval_s, d.snmp_version, d.sys_descr, d.sys_object_id,
                    d.sys_name, d.sys_location, d.sys_contact, d.facts_at, d.created_at ",
            from_device!(),
            tenant_set!()
        )
    };
}

macro_rules! wanted {
    () => {
        " AND ($2 = 0 OR d.site_id = $2) AND ($3 = 0 OR d.agent_id = $3)
          AND ($4 = '' OR lower(d.name) LIKE $4 ESCAPE '\\' OR lower(d.host) LIKE $4 ESCAPE '\\'
               OR lower(COALESCE(d.sys_name, '')) LIKE $4 ESCAPE '\\')
          AND (CAST($5 AS TEXT) IS NULL OR d.device_id IN (SELECT value FROM json_each($5)))"
    };
}

sql! { pub(crate) COUNT = "SELECT COUNT(*) ", from_device!(), tenant_set!(), wanted!() }
sql! { pub(crate) LIST_NAME =
    select_device!(),
    wanted!(),
    " AND ($6 = 0 OR (d.name, d.device_id) > ($7, $8)) ORDER BY d.name, d.device_id LIMIT $9"
}
sql! { pub(crate) LIST_NAME_DOWN =
    select_device!(),
    wanted!(),
    " AND ($6 = 0 OR (d.name, d.device_id) < ($7, $8))
      ORDER BY d.name DESC, d.device_id DESC LIMIT $9"
}
sql! { pub(crate) LIST_CREATED =
    select_device!(),
    wanted!(),
    " AND ($6 = 0 OR ($7 <> '' AND d.device_id > $8)) ORDER BY d.device_id LIMIT $9"
}
sql! { pub(crate) LIST_CREATED_DOWN =
    select_device!(),
    wanted!(),
    " AND ($6 = 0 OR ($7 <> '' AND d.device_id < $8)) ORDER BY d.device_id DESC LIMIT $9"
}
sql! { pub(crate) GET = select_device!(), " AND d.device_id = $2" }

fn read(row: &Row) -> Result<Device, StoreError> {
    let facts = Facts {
        sys_descr: row.get(12)?,
        sys_object_id: row.get(13)?,
        sys_name: row.get(14)?,
        sys_location: row.get(15)?,
        sys_contact: row.get(16)?,
        seen_at: row.get::<Option<i64>>(17)?.map(Micros),
    };
    Ok(Device {
        id: DeviceId(row.get(0)?),
        name: row.get(1)?,
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
        site: Named { id: SiteId(row.get(4)?), name: row.get(5)? },
        agent: Named { id: AgentId(row.get(6)?), name: row.get(7)? },
        host: row.get(8)?,
        port: row.get::<i64>(9)?.try_into().unwrap_or(0),
        interval_s: row.get::<i64>(10)?.try_into().unwrap_or(0),
        snmp_version: row.get(11)?,
        facts,
        created_at: Micros(row.get(18)?),
    })
}

/// A page of the devices that match, and how many match.
pub async fn device_list(
    db: &Database,
    context: &TenantContext,
    filter: &DeviceFilter,
    order: DeviceOrder,
    page: &Page,
) -> Result<Listed<Device>, InventoryError> {
    let (site, agent) = (filter.site.map_or(0, |id| id.0), filter.agent.map_or(0, |id| id.0));
    let search = like(&filter.search);
    let wanted = |sql: &'static Sql| {
        let query = sql.bind(context.tenants_json()).bind(site).bind(agent);
        query.bind(&search).bind(filter.among_json())
    };
    let mut txn = db.read(context).await?;
    let total: i64 = wanted(&COUNT).scalar(&mut txn).await?;
    let rows = wanted(match order {
        DeviceOrder::Name => &LIST_NAME,
        DeviceOrder::NameDown => &LIST_NAME_DOWN,
        DeviceOrder::Created => &LIST_CREATED,
        DeviceOrder::CreatedDown => &LIST_CREATED_DOWN,
    });
    let (after, name, id) = page.binds();
    let rows = rows.bind(after).bind(name).bind(id).bind(page.limit()).all(&mut txn).await?;
    listed(&rows, total, read)
}

pub async fn device_get(
    db: &Database,
    context: &TenantContext,
    id: DeviceId,
) -> Result<Device, InventoryError> {
    get(db, context, &GET, id.0, read).await
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
    let agent = agent_get(db, context, new.agent).await?;
    let place = Place {
        tenant: agent.tenant.id,
        site: agent.site.id,
        device: DeviceId(ids.next(now)),
        credential: CredentialId(ids.next(now)),
    };
    let mut txn = db.change(context, place.tenant, Access::Write).await?;
    if assignment_bump(&mut txn, place.tenant, new.agent).await? {
        return Err(InventoryError::Revoked);
    }
    let insert = INSERT.bind(place.tenant).bind(place.device).bind(place.site).bind(new.agent);
    let insert = insert.bind(&new.name).bind(&new.host).bind(new.port).bind(new.interval_s);
    let insert = insert.bind(new.snmp_version).bind(now).bind(new.named);
    if insert.execute(&mut txn).await? == 0 {
        return Err(InventoryError::Exists);
    }
    credential_insert(&mut txn, vault, place, &new.community, now).await?;
    let device = Device {
        id: place.device,
        name: new.name.clone(),
        tenant: agent.tenant,
        site: agent.site,
        agent: Named { id: agent.id, name: agent.name },
        host: new.host.clone(),
        port: new.port,
        interval_s: new.interval_s,
        snmp_version: new.snmp_version.to_owned(),
        facts: Facts::default(),
        created_at: now,
    };
    let change = Change::new("device", "create", device.id.0, &device.name);
    txn.commit([change.after(device.told())], now).await?;
    Ok(device)
}

sql! { pub(crate) CREDENTIAL_INSERT =
    "INSERT INTO credential (tenant_id, credential_id, device_id, site_id, kind, version,
                             key_version, sealed, created_at)
     VALUES ($1, $2, $3, $4, 'snmp_community', 1, $5, $6, $7)"
}

async fn credential_insert(
    txn: &mut Txn,
    vault: &Vault,
    place: Place,
    community: &Secret,
    now: Micros,
) -> Result<(), InventoryError> {
    let key = vault.tenant_key(txn, place.tenant, None).await?;
    let insert = CREDENTIAL_INSERT.bind(place.tenant).bind(place.credential.0);
    let insert = insert.bind(place.device).bind(place.site).bind(key.version());
    insert.bind(key.seal(place, community)?).bind(now).execute(txn).await?;
    Ok(())
}

sql! { pub(crate) DELETE = "DELETE FROM device WHERE tenant_id = $1 AND device_id = $2" }

/// Takes a device out; its samples stay. Returns it, so that its agent can be told.
pub async fn device_delete(
    db: &Database,
    context: &TenantContext,
    id: DeviceId,
    now: Micros,
) -> Result<Device, InventoryError> {
    let device = device_get(db, context, id).await?;
    let mut txn = db.change(context, device.tenant.id, Access::Write).await?;
    assignment_bump(&mut txn, device.tenant.id, device.agent.id).await?;
    // Credentials and interfaces go with it (ON DELETE CASCADE).
    if DELETE.bind(device.tenant.id).bind(id).execute(&mut txn).await? == 0 {
        return Err(InventoryError::NotFound);
    }
    let change = Change::new("device", "delete", id.0, &device.name);
    txn.commit([change.before(device.told())], now).await?;
    Ok(device)
}
