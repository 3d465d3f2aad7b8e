//! Devices: whatever is polled. One is known by tenant, agent, host and port, never by its address
//! alone: two sites may both have a 192.168.88.1.

pub(crate) mod apply;
pub mod bulk;
pub mod change;
pub mod create;
pub mod credential;
pub mod login;
pub mod object;
pub mod tag;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, SiteId, TenantId};
use serde_json::json;

use super::{InventoryError, Listed, Named, Page, is_name, like, listed, tenant_set};
use crate::identity::TenantContext;
use crate::store::sql::{Row, Sql, sql};
use crate::store::{Database, StoreError, Txn};
pub use change::device_delete;
pub use create::{NewDevice, device_create};
use tag::Tags;

pub const SNMP_PORT: u16 = 161;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub name: String,
    /// False if `name` only stands in until the device says its own.
    pub named: bool,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub agent: Named<AgentId>,
    pub host: String,
    pub port: u16,
    pub interval_s: u32,
    pub snmp_version: String,
    pub manner: Manner,
    pub tags: Tags,
    pub facts: Facts,
    pub created_at: Micros,
}

impl Device {
    /// What the audit tells of it.
    fn told(&self) -> serde_json::Value {
        json!({
            "name": self.name,
            "named": self.named,
            "site": self.site.name,
            "agent": self.agent.name,
            "host": self.host,
            "port": self.port,
            "interval_s": self.interval_s,
            "snmp_version": self.snmp_version,
            "ping": self.manner.ping,
            "strict_source": self.manner.strict_source,
            "request_gap_ms": self.manner.request_gap_ms,
            "tags": self.tags,
        })
    }
}

/// How a device is treated, besides what it is asked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Echo requests are sent.
    pub ping: bool,
    /// An answer from another address than was asked is not taken.
    pub strict_source: bool,
    /// Least time between two questions.
    pub request_gap_ms: u32,
}

impl Default for Manner {
    fn default() -> Self {
        Self { ping: true, strict_source: false, request_gap_ms: 0 }
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
    /// Where its SNMP answers come from, if not from its address.
    pub answers_from: Option<String>,
    pub seen_at: Option<Micros>,
}

/// Which devices are wanted, besides the caller's tenants.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    pub site: Option<SiteId>,
    pub agent: Option<AgentId>,
    /// Part of a name, address or system name; capitals do not matter.
    pub search: String,
    pub tag: Option<String>,
    /// Only of these; all if `None`.
    pub among: Option<Vec<DeviceId>>,
}

/// Ids as a JSON array, for `IN (SELECT value FROM json_each($n))`.
fn ids_json(ids: &[DeviceId]) -> String {
    format!("[{}]", ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(","))
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
                    d.sys_name, d.sys_location, d.sys_contact, d.facts_at, d.created_at, d.named,
                    d.ping_off, d.strict_source, d.request_gap_ms,
                    d.answers_from ",
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
          AND (CAST($5 AS TEXT) IS NULL OR d.device_id IN (SELECT value FROM json_each($5)))
          AND ($6 = '' OR EXISTS (SELECT 1 FROM device_tag g WHERE g.tenant_id = d.tenant_id
               AND g.device_id = d.device_id AND g.tag = $6))"
    };
}

sql! { pub(crate) COUNT = "SELECT COUNT(*) ", from_device!(), tenant_set!(), wanted!() }
sql! { pub(crate) LIST_NAME =
    select_device!(),
    wanted!(),
    " AND ($7 = 0 OR (d.name, d.device_id) > ($8, $9)) ORDER BY d.name, d.device_id LIMIT $10"
}
sql! { pub(crate) LIST_NAME_DOWN =
    select_device!(),
    wanted!(),
    " AND ($7 = 0 OR (d.name, d.device_id) < ($8, $9))
      ORDER BY d.name DESC, d.device_id DESC LIMIT $10"
}
sql! { pub(crate) LIST_CREATED =
    select_device!(),
    wanted!(),
    " AND ($7 = 0 OR ($8 <> '' AND d.device_id > $9)) ORDER BY d.device_id LIMIT $10"
}
sql! { pub(crate) LIST_CREATED_DOWN =
    select_device!(),
    wanted!(),
    " AND ($7 = 0 OR ($8 <> '' AND d.device_id < $9)) ORDER BY d.device_id DESC LIMIT $10"
}
sql! { pub(crate) GET = select_device!(), " AND d.device_id = $2" }
sql! { pub(crate) AMONG =
    select_device!(), " AND d.device_id IN (SELECT value FROM json_each($2)) ORDER BY d.device_id"
}

fn read(row: &Row) -> Result<Device, StoreError> {
    let facts = Facts {
        sys_descr: row.get(12)?,
        sys_object_id: row.get(13)?,
        sys_name: row.get(14)?,
        sys_location: row.get(15)?,
        sys_contact: row.get(16)?,
        answers_from: row.get(23)?,
        seen_at: row.get::<Option<i64>>(17)?.map(Micros),
    };
    Ok(Device {
        id: DeviceId(row.get(0)?),
        name: row.get(1)?,
        named: row.get(19)?,
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
        site: Named { id: SiteId(row.get(4)?), name: row.get(5)? },
        agent: Named { id: AgentId(row.get(6)?), name: row.get(7)? },
        host: row.get(8)?,
        port: row.get::<i64>(9)?.try_into().unwrap_or(0),
        interval_s: row.get::<i64>(10)?.try_into().unwrap_or(0),
        snmp_version: row.get(11)?,
        manner: Manner {
            ping: !row.get::<bool>(20)?,
            strict_source: row.get(21)?,
            request_gap_ms: row.get::<i64>(22)?.try_into().unwrap_or(0),
        },
        tags: Tags::new(),
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
        let query = query.bind(&search).bind(filter.among.as_deref().map(ids_json));
        query.bind(filter.tag.as_deref().unwrap_or_default())
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
    let mut listed = listed(&rows, total, read)?;
    tag::fill(&mut txn, &context.tenants_json(), &mut listed.rows).await?;
    Ok(listed)
}

pub async fn device_get(
    db: &Database,
    context: &TenantContext,
    id: DeviceId,
) -> Result<Device, InventoryError> {
    let mut txn = db.read(context).await?;
    in_txn(&mut txn, &context.tenants_json(), id).await
}

/// The device, in these tenants, in a transaction.
async fn in_txn(txn: &mut Txn, set: &str, id: DeviceId) -> Result<Device, InventoryError> {
    let row = GET.bind(set).bind(id).optional(txn).await?.ok_or(InventoryError::NotFound)?;
    let mut device = read(&row)?;
    tag::fill(txn, set, std::slice::from_mut(&mut device)).await?;
    Ok(device)
}

/// Those of these devices that are in these tenants, by id.
async fn among(txn: &mut Txn, set: &str, ids: &[DeviceId]) -> Result<Vec<Device>, InventoryError> {
    let rows = AMONG.bind(set).bind(ids_json(ids)).all(txn).await?;
    let mut devices: Vec<_> = rows.iter().map(read).collect::<Result<_, _>>()?;
    tag::fill(txn, set, &mut devices).await?;
    Ok(devices)
}
