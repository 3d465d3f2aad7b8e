//! Scans and their hosts in the database.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, DeviceId, ScanId, SiteId, TenantId};
use serde_json::json;

use super::{Host, SCANS_KEPT, Scan, ScanKey, State, Tried, Wish, Works};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::{InventoryError, Named, get, set_of, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

macro_rules! select_scan {
    () => {
        concat!(
            "SELECT c.scan_id, t.tenant_id, t.name, c.site_id, s.name, c.agent_id, a.name,
                    c.asked_by, c.ranges, c.profiles, c.port, c.packets_per_second, c.state,
                    c.asked, c.total,
                    (SELECT COUNT(*) FROM scan_host h
                     WHERE h.tenant_id = c.tenant_id AND h.scan_id = c.scan_id),
                    c.detail, c.started_at, c.ended_at
             FROM scan c JOIN tenant t ON t.tenant_id = c.tenant_id
             JOIN agent a ON a.tenant_id = c.tenant_id AND a.agent_id = c.agent_id
             LEFT JOIN site s ON s.tenant_id = c.tenant_id AND s.site_id = c.site_id
             WHERE c.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) GET = select_scan!(), " AND c.scan_id = $2" }
// Ids rise with time. A tenant has few.
sql! { pub(crate) LIST =
    select_scan!(),
    " AND ($2 = 0 OR c.agent_id = $2) AND c.scan_id < $3 ORDER BY c.scan_id DESC LIMIT $4"
}
sql! { pub(crate) OPEN = select_scan!(), " AND c.state IN ('running', 'waiting')" }

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt { what: what.to_owned() }
}

fn read(row: &Row) -> Result<Scan, StoreError> {
    let count = |column| -> Result<u32, StoreError> {
        Ok(u32::try_from(row.get::<i64>(column)?).unwrap_or(u32::MAX))
    };
    let ranges = serde_json::from_str(&row.get::<String>(8)?);
    let profiles: Result<Vec<(i64, String, Option<String>)>, _> =
        serde_json::from_str(&row.get::<String>(9)?);
    let profiles = profiles.map_err(|_| corrupt("the profiles of a scan"))?;
    let tried = |(id, name, tag)| Tried { profile: Named { id: CredentialId(id), name }, tag };
    let state = State::from_name(&row.get::<String>(12)?);
    Ok(Scan {
        id: ScanId(row.get(0)?),
        tenant: Named { id: TenantId(row.get(1)?), name: row.get(2)? },
        site: Named {
            id: SiteId(row.get(3)?),
            name: row.get::<Option<String>>(4)?.unwrap_or_default(),
        },
        agent: Named { id: AgentId(row.get(5)?), name: row.get(6)? },
        asked_by: row.get(7)?,
        ranges: ranges.map_err(|_| corrupt("the ranges of a scan"))?,
        profiles: profiles.into_iter().map(tried).collect(),
        port: u16::try_from(row.get::<i64>(10)?).unwrap_or(0),
        packets_per_second: count(11)?,
        state: state.ok_or_else(|| corrupt("the state of a scan"))?,
        asked: count(13)?,
        total: count(14)?,
        found: count(15)?,
        detail: row.get(16)?,
        started_at: Micros(row.get(17)?),
        ended_at: row.get::<Option<i64>>(18)?.map(Micros),
    })
}

pub async fn scan_get(
    db: &Database,
    context: &TenantContext,
    id: ScanId,
) -> Result<Scan, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

/// A page of the scans of the caller's tenants, the newest first, before this id; of one agent, if given.
pub async fn scan_list(
    db: &Database,
    context: &TenantContext,
    agent: Option<AgentId>,
    (before, limit): (Option<i64>, u32),
) -> Result<Vec<Scan>, InventoryError> {
    let mut txn = db.read(context).await?;
    let list = LIST.bind(context.tenants_json()).bind(agent.map_or(0, |agent| agent.0));
    let rows = list.bind(before.unwrap_or(i64::MAX)).bind(limit).all(&mut txn).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

sql! { pub(crate) HOSTS =
    "SELECT place, watched, echo_us, snmp_version, profile_id, profile_name, cause, advice, sys_name,
            sys_descr, sys_object_id, up_since, device_id
     FROM scan_host WHERE tenant_id = $1 AND scan_id = $2 ORDER BY place"
}

fn read_host(row: &Row) -> Result<Host, StoreError> {
    let place = u32::try_from(row.get::<i64>(0)?).map_err(|_| corrupt("the address of a host"))?;
    let version = row.get::<Option<String>>(3)?;
    let version = version.and_then(|name| ["v1", "v2c", "v3"].into_iter().find(|v| *v == name));
    let works = match (version, row.get::<Option<i64>>(4)?) {
        (Some(version), Some(id)) => {
            let name = row.get::<Option<String>>(5)?.unwrap_or_default();
            Some(Works { profile: Named { id: CredentialId(id), name }, version })
        }
        _ => None,
    };
    let echo_us: Option<i64> = row.get(2)?;
    Ok(Host {
        address: Ipv4Addr::from_bits(place),
        watched: row.get(1)?,
        echo_us: echo_us.map(|us| u32::try_from(us).unwrap_or(u32::MAX)),
        works,
        cause: row.get(6)?,
        advice: row.get(7)?,
        sys_name: row.get(8)?,
        sys_descr: row.get(9)?,
        sys_object_id: row.get(10)?,
        up_since: row.get::<Option<i64>>(11)?.map(Micros),
        device: row.get::<Option<i64>>(12)?.map(DeviceId),
    })
}

/// The hosts of a scan of the caller's, in the order of their addresses.
pub async fn scan_hosts(
    db: &Database,
    context: &TenantContext,
    scan: &Scan,
) -> Result<Vec<Host>, InventoryError> {
    let mut txn = db.read(&context.narrowed(scan.tenant.id)).await?;
    let rows = HOSTS.bind(scan.tenant.id).bind(scan.id.0).all(&mut txn).await?;
    Ok(rows.iter().map(read_host).collect::<Result<_, _>>()?)
}

sql! { pub(crate) DEVICES =
    "SELECT host, device_id, name FROM device WHERE tenant_id = $1 AND site_id = $2
     ORDER BY device_id"
}

/// What stands at a site already.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    pub names: BTreeSet<String>,
    /// Of an address that several have the first one. Those by a host name are not among them.
    pub addresses: BTreeMap<Ipv4Addr, DeviceId>,
    devices: BTreeSet<DeviceId>,
}

impl Watched {
    /// The device that a host is now.
    #[must_use]
    pub fn device(&self, host: &Host) -> Option<DeviceId> {
        let by_name = || host.device.filter(|device| self.devices.contains(device));
        self.addresses.get(&host.address).copied().or_else(by_name)
    }
}

/// The devices of a site of the caller's.
pub async fn watched(
    db: &Database,
    context: &TenantContext,
    (tenant, site): (TenantId, SiteId),
) -> Result<Watched, InventoryError> {
    let mut txn = db.read(&context.narrowed(tenant)).await?;
    let mut watched = Watched::default();
    for row in DEVICES.bind(tenant).bind(site).all(&mut txn).await? {
        let device = DeviceId(row.get(1)?);
        watched.devices.insert(device);
        if let Ok(address) = row.get::<String>(0)?.parse() {
            watched.addresses.entry(address).or_insert(device);
        }
        watched.names.insert(row.get(2)?);
    }
    Ok(watched)
}

sql! { pub(crate) INSERT =
    "INSERT INTO scan (tenant_id, scan_id, site_id, agent_id, asked_by, ranges, profiles, port,
                       packets_per_second, state, asked, total, started_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running', $10, $11, $12)
     ON CONFLICT DO NOTHING"
}
sql! { pub(crate) OLD =
    "DELETE FROM scan WHERE tenant_id = $1 AND state NOT IN ('running', 'waiting')
       AND scan_id <= COALESCE((SELECT o.scan_id FROM scan o WHERE o.tenant_id = $2
                                ORDER BY o.scan_id DESC LIMIT 1 OFFSET $3), 0)"
}
sql! { pub(crate) RUNNING =
    "SELECT scan_id FROM scan
     WHERE tenant_id = $1 AND agent_id = $2 AND state IN ('running', 'waiting')"
}

/// Writes a scan that is to begin, and the hosts of it that are devices already; lets old ones go.
/// `Err` inside: the agent has this one under way.
pub async fn scan_begin(
    db: &Database,
    wish: &Wish,
    watched: &[Ipv4Addr],
    now: Micros,
) -> Result<Result<(), ScanId>, InventoryError> {
    let Wish { scan, context, candidates, .. } = wish;
    let tenant = scan.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let tried = scan.profiles.iter();
    let profiles: Vec<_> =
        tried.map(|one| (one.profile.id.0, &one.profile.name, &one.tag)).collect();
    let insert = INSERT.bind(tenant).bind(scan.id.0).bind(scan.site.id).bind(scan.agent.id);
    let insert = insert.bind(&scan.asked_by).bind(json!(scan.ranges).to_string());
    let insert = insert.bind(json!(profiles).to_string()).bind(scan.port);
    let insert = insert.bind(scan.packets_per_second).bind(scan.asked).bind(scan.total).bind(now);
    if insert.execute(&mut txn).await? == 0 {
        let running = RUNNING.bind(tenant).bind(scan.agent.id).optional(&mut txn).await?;
        let running = running.map_or(Ok(scan.id.0), |row| row.get(0))?;
        return Ok(Err(ScanId(running)));
    }
    let places: Vec<_> = watched.iter().map(|address| address.to_bits()).collect();
    let add = WATCHED_ADD.bind(tenant).bind(scan.id.0).bind(json!(places).to_string());
    add.execute(&mut txn).await?;
    OLD.bind(tenant).bind(tenant).bind(SCANS_KEPT).execute(&mut txn).await?;
    let names: Vec<_> = candidates.iter().map(|one| &one.profile.name).collect();
    let change = Change::new("agent", "scan", scan.agent.id.0, &scan.agent.name).after(json!({
        "scan": scan.id.to_string(), "ranges": scan.ranges, "addresses": scan.total,
        "port": scan.port, "profiles": names, "packets_per_second": scan.packets_per_second,
    }));
    txn.commit([change], now).await?;
    Ok(Ok(()))
}

sql! { pub(crate) WATCHED_ADD =
    "INSERT INTO scan_host (tenant_id, scan_id, place, watched)
     SELECT $1, $2, value, 1 FROM json_each($3)"
}
sql! { pub(crate) HOST_ADD =
    "INSERT INTO scan_host (tenant_id, scan_id, place, device_id, watched, echo_us, snmp_version,
                            profile_id, profile_name, cause, advice, sys_name, sys_descr,
                            sys_object_id, up_since)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT DO NOTHING"
}

async fn hosts_add(
    txn: &mut Txn,
    (tenant, scan): (TenantId, ScanId),
    hosts: &[Host],
) -> Result<(), StoreError> {
    for host in hosts {
        let works = host.works.as_ref();
        let add = HOST_ADD.bind(tenant).bind(scan.0).bind(host.address.to_bits());
        let add = add.bind(host.device).bind(host.watched).bind(host.echo_us);
        let add = add.bind(works.map(|works| works.version));
        let add = add.bind(works.map(|works| works.profile.id.0));
        let add = add.bind(works.map(|works| &works.profile.name));
        let add = add.bind(host.cause.as_ref()).bind(host.advice.as_ref());
        let add = add.bind(host.sys_name.as_ref()).bind(host.sys_descr.as_ref());
        let add = add.bind(host.sys_object_id.as_ref()).bind(host.up_since);
        add.execute(txn).await?;
    }
    Ok(())
}

sql! { pub(crate) STANDS =
    "UPDATE scan SET state = $3, asked = $4, detail = $5
     WHERE tenant_id = $1 AND scan_id = $2 AND state IN ('running', 'waiting')"
}

/// Writes how far a scan is, and the hosts that were found since. False: it has ended.
pub(super) async fn scan_stands(
    db: &Database,
    (tenant, scan): (TenantId, ScanId),
    (state, asked, detail): (State, u32, Option<&str>),
    hosts: &[Host],
) -> Result<bool, StoreError> {
    let mut txn = db.scan(ScanKey::new(), tenant).await?;
    let stands = STANDS.bind(tenant).bind(scan.0).bind(state.name()).bind(asked).bind(detail);
    if stands.execute(&mut txn).await? == 0 {
        return Ok(false);
    }
    hosts_add(&mut txn, (tenant, scan), hosts).await?;
    txn.commit().await?;
    Ok(true)
}

sql! { pub(crate) END =
    "UPDATE scan SET state = $3, detail = $4, ended_at = $5
     WHERE tenant_id = $1 AND scan_id = $2 AND state IN ('running', 'waiting')"
}

/// Ends a scan. `None`: it had ended.
pub async fn scan_end(
    db: &Database,
    context: &TenantContext,
    scan: &Scan,
    (state, detail): (State, &str),
    now: Micros,
) -> Result<Option<Scan>, InventoryError> {
    let tenant = scan.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let end = END.bind(tenant).bind(scan.id.0).bind(state.name()).bind(detail).bind(now);
    if end.execute(&mut txn).await? == 0 {
        return Ok(None);
    }
    let row = GET.bind(set_of(tenant)).bind(scan.id.0).one(&mut txn).await?;
    let ended = read(&row)?;
    let (id, name) = (ended.agent.id.0, &ended.agent.name);
    let change = Change::new("agent", "scan_outcome", id, name).after(json!({
        "scan": ended.id.to_string(), "state": state.name(), "addresses": ended.asked,
        "found": ended.found,
    }));
    txn.commit([change], now).await?;
    Ok(Some(ended))
}

/// The scans of the caller's tenants that are under way; the inner error is of one that cannot be read.
pub(super) async fn left_open(
    db: &Database,
    context: &TenantContext,
) -> Result<Vec<Result<Scan, StoreError>>, StoreError> {
    let rows = OPEN.bind(context.tenants_json()).all(&mut db.read(context).await?).await?;
    Ok(rows.iter().map(read).collect())
}
