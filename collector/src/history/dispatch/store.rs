//! What the dispatcher reads and writes, on behalf of what the agents of the tenants do.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, ConfigJobId, DeviceId, IdGenerator, SiteId, TenantId};
use farwatch_proto::v1::FetchConfig;

use super::board::Open;
use crate::history::HistoryKey;
use crate::history::backup::SSH_PORT;
use crate::history::job::{LOGIN_DAMAGED, Made, WITHDRAWN, attempts, fail, make};
use crate::history::policy::{self, policy_columns};
use crate::history::schedule::{Attempt, Known, Look, Plan, RETRIES, look};
use crate::inventory::device::login::{Opened, WayIn, login_there, way_in};
use crate::inventory::{InventoryError, Vault};
use crate::live::ConfigHealth;
use crate::store::samples::read_all_stored;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Open jobs that are looked at; more wait in the database.
pub(super) const OPEN_MAX: u32 = 20_000;
/// Devices that are looked at in one turn.
pub(super) const DUE_MAX: u32 = 256;
/// Devices that become known in one turn.
pub(super) const NEW_MAX: u32 = 1_000;

async fn write(database: &Database, tenant: TenantId) -> Result<Txn, StoreError> {
    database.history(HistoryKey::new(), &BTreeSet::from([tenant])).await
}

sql! { pub(crate) TENANTS = "SELECT tenant_id FROM tenant" }
sql! { pub(crate) NEW =
    "INSERT INTO backup (tenant_id, device_id)
     SELECT d.tenant_id, d.device_id FROM device d
     LEFT JOIN backup b ON b.tenant_id = d.tenant_id AND b.device_id = d.device_id
     WHERE b.device_id IS NULL LIMIT $1
     ON CONFLICT DO NOTHING"
}

/// Notes devices that are new; says how many.
pub(super) async fn note_new(database: &Database) -> Result<u64, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let tenants = TENANTS.query().all(&mut txn).await?;
    drop(txn);
    let tenants = tenants.iter().map(|row| Ok(TenantId(row.get(0)?)));
    let tenants = tenants.collect::<Result<BTreeSet<_>, StoreError>>()?;
    let mut txn = database.history(HistoryKey::new(), &tenants).await?;
    let new = NEW.bind(NEW_MAX).execute(&mut txn).await?;
    txn.commit().await?;
    Ok(new)
}

sql! { pub(crate) HINT =
    "UPDATE backup SET hinted_at = $3, next_at = NULL
     WHERE tenant_id = $1 AND device_id IN (SELECT value FROM json_each($2))"
}

/// Notes that something of these devices has changed.
pub(super) async fn note_hints(
    database: &Database,
    (tenant, devices): (TenantId, &BTreeSet<DeviceId>),
    now: Micros,
) -> Result<(), StoreError> {
    let ids: Vec<String> = devices.iter().map(|id| id.0.to_string()).collect();
    let mut txn = write(database, tenant).await?;
    HINT.bind(tenant).bind(format!("[{}]", ids.join(","))).bind(now).execute(&mut txn).await?;
    txn.commit().await
}

sql! { pub(crate) DUE =
    "SELECT b.tenant_id, b.device_id, b.enabled, b.hinted_at, b.next_at, ",
    login_there!(),
    ", a.revoked_at, ",
    policy_columns!(),
    " FROM backup b
     JOIN device d ON d.tenant_id = b.tenant_id AND d.device_id = b.device_id
     JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
     LEFT JOIN backup_policy y ON y.tenant_id = b.tenant_id
     WHERE b.next_at IS NULL OR b.next_at <= $1 LIMIT $2"
}

/// A device that is to be looked at.
struct Due {
    device: DeviceId,
    /// As it was read: another collector may look at it meanwhile.
    next_at: Option<i64>,
    hinted_at: Option<Micros>,
    /// It is to be backed up, somebody can log in, and its agent is not revoked.
    wanted: bool,
    plan: Plan,
    attempts: Vec<Attempt>,
}

impl Due {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let policy = policy::read(row, 7)?.unwrap_or_default();
        let reached = row.get::<bool>(5)? && row.get::<Option<i64>>(6)?.is_none();
        let own = row.get::<Option<i64>>(2)?.map(|enabled| enabled != 0);
        Ok(Self {
            device: DeviceId(row.get(1)?),
            next_at: row.get(4)?,
            hinted_at: row.get::<Option<i64>>(3)?.map(Micros),
            wanted: reached && own.unwrap_or(policy.enabled),
            plan: policy.plan(),
            attempts: Vec::new(),
        })
    }

    fn look(&self, now: Micros) -> Look {
        if !self.wanted {
            // A login or a tag may come; nobody tells.
            return Look { make: None, again_at: now.after(RETRIES[0]) };
        }
        let Self { device, hinted_at, .. } = *self;
        look(self.plan, &Known { device, hinted_at, attempts: &self.attempts }, now)
    }
}

// Of two collectors one finds it as it was.
sql! { pub(crate) LOOKED =
    "UPDATE backup SET next_at = $4
     WHERE tenant_id = $1 AND device_id = $2 AND next_at IS NOT DISTINCT FROM $3"
}

/// Looks at the devices whose time has come, and queues jobs; says how many it looked at and made.
pub(super) async fn plan(
    database: &Database,
    ids: &IdGenerator,
    now: Micros,
) -> Result<(usize, u64), StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = DUE.bind(now).bind(DUE_MAX).all(&mut txn).await?;
    let mut of_tenants: BTreeMap<TenantId, Vec<Due>> = BTreeMap::new();
    for row in &rows {
        let (tenant, mut due) = (TenantId(row.get(0)?), Due::read(row)?);
        if due.wanted {
            due.attempts = attempts(&mut txn, tenant, due.device).await?;
        }
        of_tenants.entry(tenant).or_default().push(due);
    }
    drop(txn);
    let mut made = 0;
    for (tenant, mut devices) in of_tenants {
        // In the order of their ids: who else writes many rows takes them so too.
        devices.sort_by_key(|due| due.device);
        let mut txn = write(database, tenant).await?;
        for due in devices {
            let look = due.look(now);
            let looked = LOOKED.bind(tenant).bind(due.device).bind(due.next_at);
            if looked.bind(look.again_at).execute(&mut txn).await? == 0 {
                continue;
            }
            if let Some(reason) = look.make {
                let new = Made { reason, asked_by: None };
                made += u64::from(
                    make(&mut txn, ids, (tenant, due.device), &new, now).await?.is_some(),
                );
            }
        }
        txn.commit().await?;
    }
    Ok((rows.len(), made))
}

sql! { pub(crate) TROUBLED =
    "SELECT tenant_id, device_id, other_key IS NOT NULL, failing IS NOT NULL FROM backup
     WHERE other_key IS NOT NULL OR failing IS NOT NULL"
}

/// The devices that show another host key, or whose last fetch failed.
pub(super) async fn troubled(
    database: &Database,
) -> Result<BTreeMap<(TenantId, DeviceId), ConfigHealth>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = TROUBLED.query().all(&mut txn).await?;
    let one = |row: &Row| {
        let health = ConfigHealth { host_key_changed: row.get(2)?, failing: row.get(3)? };
        Ok(((TenantId(row.get(0)?), DeviceId(row.get(1)?)), health))
    };
    rows.iter().map(one).collect()
}

sql! { pub(crate) OPEN =
    "SELECT j.tenant_id, j.job_id, j.device_id, j.site_id, j.agent_id, j.reason,
            CASE j.state WHEN 'running' THEN COALESCE(j.told_at, j.started_at, j.created_at) END,
            d.agent_id, a.revoked_at, b.enabled, ",
    policy_columns!(),
    " FROM config_job j
     JOIN device d ON d.tenant_id = j.tenant_id AND d.device_id = j.device_id
     JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
     LEFT JOIN backup b ON b.tenant_id = j.tenant_id AND b.device_id = j.device_id
     LEFT JOIN backup_policy y ON y.tenant_id = j.tenant_id
     WHERE j.state IN ('queued', 'running') ORDER BY j.job_id LIMIT $1"
}

/// All open jobs.
pub(super) async fn open(database: &Database) -> Result<Vec<Open>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = OPEN.bind(OPEN_MAX).all(&mut txn).await?;
    let one = |row: &Row| {
        let policy = policy::read(row, 10)?.unwrap_or_default();
        let agent = AgentId(row.get(4)?);
        let manual = row.get::<String>(5)? == "manual";
        let own = row.get::<Option<i64>>(9)?.map(|enabled| enabled != 0);
        let moved = row.get::<i64>(7)? != agent.0 || row.get::<Option<i64>>(8)?.is_some();
        Ok(Open {
            tenant: TenantId(row.get(0)?),
            job: ConfigJobId(row.get(1)?),
            device: DeviceId(row.get(2)?),
            site: SiteId(row.get(3)?),
            agent,
            manual,
            told_at: row.get::<Option<i64>>(6)?.map(Micros),
            unwanted: moved || !(manual || own.unwrap_or(policy.enabled)),
            plan: policy.plan(),
            per_site_max: policy.per_site_max,
        })
    };
    rows.iter().map(one).collect()
}

sql! { pub(crate) CLAIM =
    "UPDATE config_job SET state = 'running', started_at = $3, told_at = $3
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'queued'
       AND (SELECT COUNT(*) FROM config_job r WHERE r.tenant_id = $1
            AND r.state IN ('queued', 'running') AND r.state = 'running' AND r.site_id = $4) < $5"
}
sql! { pub(crate) TELL =
    "UPDATE config_job SET told_at = $3
     WHERE tenant_id = $1 AND job_id = $2 AND state IN ('queued', 'running') AND state = 'running'"
}
sql! { pub(crate) TARGET =
    "SELECT port, platform, legacy, host_key FROM backup WHERE tenant_id = $1 AND device_id = $2"
}

/// Makes a job one that its agent is told of now. `None`: it is not open any more, another collector
/// has it, its site is full, or nobody can log in any more.
pub(super) async fn claim(
    database: &Database,
    vault: &Vault,
    one: &Open,
    now: Micros,
) -> Result<Option<FetchConfig>, InventoryError> {
    let (tenant, job) = (one.tenant, one.job);
    let mut txn = write(database, tenant).await?;
    let claim = match one.told_at {
        None => {
            let claim = CLAIM.bind(tenant).bind(job.0).bind(now).bind(one.site);
            claim.bind(one.per_site_max)
        }
        Some(_) => TELL.bind(tenant).bind(job.0).bind(now),
    };
    if claim.execute(&mut txn).await? == 0 {
        return Ok(None);
    }
    let way = way_in(&mut txn, vault, (tenant, one.device)).await?;
    let failed = match way {
        Some(WayIn { host, login: Some(Opened::Login(login)) }) => {
            let row = TARGET.bind(tenant).bind(one.device).optional(&mut txn).await?;
            let fetch = fetch(one, (host, login.message()), row.as_ref())?;
            txn.commit().await?;
            return Ok(Some(fetch));
        }
        Some(WayIn { login: Some(Opened::Damaged), .. }) => {
            (LOGIN_DAMAGED, "what is stored of the login cannot be read: give it anew")
        }
        Some(WayIn { login: None, .. }) | None => {
            (WITHDRAWN, "nobody can log in to the device any more: give it a login")
        }
    };
    fail(&mut txn, (tenant, job), failed, now).await?;
    txn.commit().await?;
    Ok(None)
}

fn fetch(
    one: &Open,
    (host, login): (String, farwatch_proto::v1::SshLogin),
    row: Option<&Row>,
) -> Result<FetchConfig, StoreError> {
    let corrupt = |_| StoreError::Corrupt { what: "the port of a backup".to_owned() };
    let mut fetch = FetchConfig {
        job_id: one.job.0,
        device_id: one.device.0,
        host,
        port: SSH_PORT.into(),
        login: Some(login),
        ..FetchConfig::default()
    };
    if let Some(row) = row {
        fetch.port = u32::try_from(row.get::<i64>(0)?).map_err(corrupt)?;
        fetch.platform = row.get(1)?;
        fetch.legacy = row.get(2)?;
        fetch.known_host = row.get(3)?;
    }
    Ok(fetch)
}

sql! { pub(crate) BACK =
    "UPDATE config_job SET state = 'queued', started_at = NULL, told_at = NULL
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'running' AND told_at = $3 AND bytes IS NULL"
}

/// Queues a job again that its agent, told of it then, has not taken.
pub(super) async fn back(
    database: &Database,
    (tenant, job): (TenantId, ConfigJobId),
    told_at: Micros,
) -> Result<(), StoreError> {
    let mut txn = write(database, tenant).await?;
    BACK.bind(tenant).bind(job.0).bind(told_at).execute(&mut txn).await?;
    txn.commit().await
}

/// Ends a job that came to nothing.
pub(super) async fn end(
    database: &Database,
    of: (TenantId, ConfigJobId),
    why: (&str, &str),
    now: Micros,
) -> Result<bool, StoreError> {
    let mut txn = write(database, of.0).await?;
    let ended = fail(&mut txn, of, why, now).await?;
    txn.commit().await?;
    Ok(ended)
}

sql! { pub(crate) KEPT = "SELECT MAX(start) FROM config_part WHERE tenant_id = $1 AND job_id = $2" }
sql! { pub(crate) TOLD =
    "SELECT COALESCE(told_at, 0) FROM config_job
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'running'"
}

/// A job in doubt: when its agent was told last, by whichever collector, and how far its outcome is.
/// `None`: it has ended.
pub(super) async fn doubt(
    database: &Database,
    (tenant, job): (TenantId, ConfigJobId),
) -> Result<Option<(Micros, Option<i64>)>, StoreError> {
    let tenants = BTreeSet::from([tenant]);
    let mut txn = database.history_read(HistoryKey::new(), &tenants).await?;
    let Some(row) = TOLD.bind(tenant).bind(job.0).optional(&mut txn).await? else {
        return Ok(None);
    };
    let kept = KEPT.bind(tenant).bind(job.0).scalar(&mut txn).await?;
    Ok(Some((Micros(row.get(0)?), kept)))
}
