//! What the dispatcher reads and writes of jobs, on behalf of what the agents of the tenants do.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, ConfigJobId, DeviceId, SiteId, TenantId};
use farwatch_proto::v1::FetchConfig;

use super::board::Open;
use crate::history::HistoryKey;
use crate::history::backup::SSH_PORT;
use crate::history::job::{LOGIN_DAMAGED, WITHDRAWN, fail};
use crate::history::policy::{self, PER_AGENT_MAX, policy_columns};
use crate::inventory::device::login::{Opened, login_mark, way_in};
use crate::inventory::{InventoryError, Vault};
use crate::live::ConfigHealth;
use crate::store::samples::read_all_stored;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Jobs that are ended in one turn because nobody wants them any more.
const UNWANTED_MAX: u32 = 1_000;

pub(super) async fn write(database: &Database, tenant: TenantId) -> Result<Txn, StoreError> {
    database.history(HistoryKey::new(), &BTreeSet::from([tenant])).await
}

/// A list of ids as statements take it.
pub(super) fn json(ids: impl Iterator<Item = i64>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    format!("[{}]", ids.join(","))
}

sql! { pub(crate) TROUBLED =
    "SELECT tenant_id, device_id, other_key IS NOT NULL, failing FROM backup
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

// A job is of the device as it was: its agent, and once that was told, its address.
sql! { pub(crate) UNWANTED =
    "SELECT j.tenant_id, j.job_id FROM config_job j
     JOIN device d ON d.tenant_id = j.tenant_id AND d.device_id = j.device_id
     JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
     LEFT JOIN backup b ON b.tenant_id = j.tenant_id AND b.device_id = j.device_id
     LEFT JOIN backup_policy y ON y.tenant_id = j.tenant_id
     WHERE j.state IN ('queued', 'running')
       AND (d.agent_id <> j.agent_id OR a.revoked_at IS NOT NULL
            OR (j.state = 'running'
                AND (d.host <> j.host OR COALESCE(b.port, 22) <> j.port))
            OR (j.state = 'queued' AND j.reason <> 'manual'
                AND COALESCE(b.enabled, y.enabled, 1) = 0))
       AND j.tenant_id NOT IN (SELECT value FROM json_each($1)) LIMIT $2"
}

/// Open jobs that nobody wants any more, but for those of some tenants: their device is another one
/// now, or is not to be backed up.
pub(super) async fn unwanted(
    database: &Database,
    without: impl Iterator<Item = TenantId>,
) -> Result<Vec<(TenantId, ConfigJobId)>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let without = json(without.map(|tenant| tenant.0));
    let rows = UNWANTED.bind(without).bind(UNWANTED_MAX).all(&mut txn).await?;
    rows.iter().map(|row| Ok((TenantId(row.get(0)?), ConfigJobId(row.get(1)?)))).collect()
}

sql! { pub(crate) WAITED_FOR =
    "SELECT a.agent_id FROM agent a WHERE EXISTS (
         SELECT 1 FROM config_job q WHERE q.agent_id = a.agent_id AND q.tenant_id = a.tenant_id
         AND q.state = 'queued')"
}

macro_rules! open_columns {
    () => {
        concat!(
            "SELECT j.tenant_id, j.job_id, j.device_id, j.site_id, j.agent_id, j.reason, j.state, ",
            policy_columns!()
        )
    };
}

sql! { pub(crate) RUNNING =
    open_columns!(),
    " FROM config_job j LEFT JOIN backup_policy y ON y.tenant_id = j.tenant_id
     WHERE j.state = 'running'"
}
sql! { pub(crate) QUEUED =
    open_columns!(),
    " FROM (SELECT q.tenant_id, q.job_id, q.device_id, q.site_id, q.agent_id, q.reason, q.state,
                  ROW_NUMBER() OVER (PARTITION BY q.agent_id ORDER BY
                      CASE q.reason WHEN 'manual' THEN 0 ELSE 1 END, q.job_id) AS place
           FROM config_job q
           WHERE q.state = 'queued' AND q.agent_id IN (SELECT value FROM json_each($1))) j
     LEFT JOIN backup_policy y ON y.tenant_id = j.tenant_id
     WHERE j.place <= $2"
}

/// The jobs that run, and the next ones of the agents that are there, as many of each as it can have.
pub(super) async fn open(
    database: &Database,
    is_there: impl Fn(AgentId) -> bool,
) -> Result<Vec<Open>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let mut rows = RUNNING.query().all(&mut txn).await?;
    let waited_for = WAITED_FOR.query().all(&mut txn).await?;
    let agents = waited_for.iter().map(|row| Ok(AgentId(row.get(0)?)));
    let agents = agents.collect::<Result<Vec<_>, StoreError>>()?;
    let agents = json(agents.into_iter().filter(|id| is_there(*id)).map(|id| id.0));
    rows.extend(QUEUED.bind(agents).bind(PER_AGENT_MAX).all(&mut txn).await?);
    let one = |row: &Row| {
        // It was told of when the devices were looked at.
        let Ok(policy) = policy::read(row, 7) else { return Ok(None) };
        let policy = policy.unwrap_or_default();
        Ok(Some(Open {
            tenant: TenantId(row.get(0)?),
            job: ConfigJobId(row.get(1)?),
            device: DeviceId(row.get(2)?),
            site: SiteId(row.get(3)?),
            agent: AgentId(row.get(4)?),
            manual: row.get::<String>(5)? == "manual",
            is_running: row.get::<String>(6)? == "running",
            plan: policy.plan(),
            per_site_max: policy.per_site_max,
        }))
    };
    rows.iter().filter_map(|row| one(row).transpose()).collect()
}

macro_rules! of_now {
    () => {
        concat!(
            " AND EXISTS (SELECT 1 FROM device d
                 JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
                 WHERE d.tenant_id = config_job.tenant_id AND d.device_id = config_job.device_id
                 AND d.agent_id = config_job.agent_id AND a.revoked_at IS NULL AND d.host = $3)"
        )
    };
}

// What counts is compared with the job of then: `tried_as_now!`.
sql! { pub(crate) CLAIM =
    "UPDATE config_job SET state = 'running', started_at = $5, host = $3, port = $4,
            login = (SELECT ",
    login_mark!(),
    "       FROM device d WHERE d.tenant_id = $1 AND d.device_id = config_job.device_id),
            agent_version = (SELECT COALESCE(a.version, '') FROM agent a
                WHERE a.tenant_id = $1 AND a.agent_id = config_job.agent_id)
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'queued'",
    of_now!()
}
sql! { pub(crate) TELL =
    "UPDATE config_job SET login = (SELECT ",
    login_mark!(),
    "       FROM device d WHERE d.tenant_id = $1 AND d.device_id = config_job.device_id)
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'running' AND host = $3 AND port = $4",
    of_now!()
}
sql! { pub(crate) TARGET =
    "SELECT port, platform, legacy, host_key FROM backup WHERE tenant_id = $1 AND device_id = $2"
}

/// Makes a job one that its agent is told of now. `None`: it is not open any more, its device is
/// another one now, or nobody can log in any more.
pub(super) async fn claim(
    database: &Database,
    vault: &Vault,
    one: &Open,
    now: Micros,
) -> Result<Option<FetchConfig>, InventoryError> {
    let (tenant, job) = (one.tenant, one.job);
    let mut txn = write(database, tenant).await?;
    let way = way_in(&mut txn, vault, (tenant, one.device)).await?;
    let target = TARGET.bind(tenant).bind(one.device).optional(&mut txn).await?;
    let (host, login) = way.map_or_else(Default::default, |way| (way.host, way.login));
    let target = fetch(one, host, target.as_ref())?;
    // Behind what was read: the login of a device that has moved since leaves for nobody.
    let claim = if one.is_running { &TELL } else { &CLAIM };
    let claim = claim.bind(tenant).bind(job.0).bind(&target.host).bind(target.port);
    let claim = if one.is_running { claim } else { claim.bind(now) };
    if claim.execute(&mut txn).await? == 0 {
        return Ok(None);
    }
    let failed = match login {
        Some(Opened::Login(login)) => {
            txn.commit().await?;
            return Ok(Some(FetchConfig { login: Some(login.message()), ..target }));
        }
        Some(Opened::Damaged) => {
            (LOGIN_DAMAGED, "what is stored of the login cannot be read: give it anew")
        }
        None => (WITHDRAWN, "nobody can log in to the device any more: give it a login"),
    };
    fail(&mut txn, (tenant, job), failed, now).await?;
    txn.commit().await?;
    Ok(None)
}

/// Where a device is, and what is known of it.
fn fetch(one: &Open, host: String, row: Option<&Row>) -> Result<FetchConfig, StoreError> {
    let corrupt = |_| StoreError::Corrupt { what: "the port of a backup".to_owned() };
    let mut fetch = FetchConfig {
        job_id: one.job.0,
        device_id: one.device.0,
        host,
        port: SSH_PORT.into(),
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
    "UPDATE config_job SET state = 'queued', started_at = NULL
     WHERE tenant_id = $1 AND job_id = $2 AND state = 'running' AND bytes IS NULL"
}

/// Queues a job again that its agent has not taken.
pub(super) async fn back(
    database: &Database,
    (tenant, job): (TenantId, ConfigJobId),
) -> Result<(), StoreError> {
    let mut txn = write(database, tenant).await?;
    BACK.bind(tenant).bind(job.0).execute(&mut txn).await?;
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

sql! { pub(crate) KEPT =
    "SELECT (SELECT MAX(p.start) FROM config_part p
             WHERE p.tenant_id = j.tenant_id AND p.job_id = j.job_id)
     FROM config_job j WHERE j.tenant_id = $1 AND j.job_id = $2 AND j.state = 'running'"
}

/// How far the outcome of a job in doubt is: the inner `None`, nothing came. `None`: it has ended.
pub(super) async fn kept(
    database: &Database,
    (tenant, job): (TenantId, ConfigJobId),
) -> Result<Option<Option<i64>>, StoreError> {
    let mut txn = database.history_read(HistoryKey::new(), &BTreeSet::from([tenant])).await?;
    let row = KEPT.bind(tenant).bind(job.0).optional(&mut txn).await?;
    row.map(|row| row.get(0)).transpose()
}
