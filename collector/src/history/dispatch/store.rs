//! What the dispatcher reads and writes, on behalf of what the agents of the tenants do.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, ConfigJobId, DeviceId, IdGenerator, SiteId, TenantId};
use farwatch_common::task::chain;
use farwatch_proto::v1::FetchConfig;

use super::board::Open;
use crate::history::HistoryKey;
use crate::history::backup::SSH_PORT;
use crate::history::job::{
    LOGIN_DAMAGED, Made, WITHDRAWN, attempts, fail, make, tried_as_now,
};
use crate::history::policy::{self, PER_AGENT_MAX, policy_columns};
use crate::history::schedule::{Attempt, Known, Look, Plan, RETRIES, look};
use crate::inventory::device::login::{Opened, login_mark, login_there, way_in};
use crate::inventory::{InventoryError, Vault};
use crate::live::ConfigHealth;
use crate::store::samples::read_all_stored;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Devices that are looked at in one turn.
pub(super) const DUE_MAX: u32 = 256;
/// Devices that become known in one turn.
pub(super) const NEW_MAX: u32 = 1_000;
/// Devices of which it is looked in one turn whether they have changed.
const CHANGED_MAX: u32 = 1_000;
/// Jobs that are ended in one turn because nobody wants them any more.
const UNWANTED_MAX: u32 = 1_000;
/// When a device is looked at again that is not to be backed up: something has to change before.
const NEVER: Micros = Micros(i64::MAX);

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
    "UPDATE backup SET hinted_at = $3, next_at = NULL, wishes = wishes + 1
     WHERE tenant_id = $1 AND device_id IN (SELECT value FROM json_each($2))"
}

/// Notes that something of these devices has changed.
pub(super) async fn note_hints(
    database: &Database,
    (tenant, devices): (TenantId, &BTreeSet<DeviceId>),
    now: Micros,
) -> Result<(), StoreError> {
    let mut txn = write(database, tenant).await?;
    HINT.bind(tenant).bind(json(devices.iter().map(|id| id.0))).bind(now).execute(&mut txn).await?;
    txn.commit().await
}

fn json(ids: impl Iterator<Item = i64>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    format!("[{}]", ids.join(","))
}

// Whether a device is to be backed up, somebody can log in, and its agent is not revoked: 1 or 0.
macro_rules! wanted {
    () => {
        concat!(
            "(CASE WHEN a.revoked_at IS NULL AND COALESCE(b.enabled, y.enabled, 1) <> 0 AND ",
            login_there!(),
            " = 1 THEN 1 ELSE 0 END)"
        )
    };
}

// Devices that nobody tells of, because a tag, a site, an agent or the clock is another now: those
// whose last look had another outcome, those that fail and are not backed up or would be tried with
// something else, and those whose time lies behind all slots. A page, each with whether it is one.
sql! { pub(crate) CHANGED =
    "SELECT b.tenant_id, b.device_id,
            CASE WHEN b.next_at IS NULL OR b.next_at <= $3 THEN 0
                 WHEN b.wanted <> ",
    wanted!(),
    "   THEN 1
                 WHEN b.failing IS NOT NULL AND b.wanted = 0 THEN 1
                 WHEN b.failing IS NOT NULL AND EXISTS (
                     SELECT 1 FROM config_job j WHERE j.tenant_id = b.tenant_id
                     AND j.device_id = b.device_id AND j.job_id = (
                         SELECT MAX(m.job_id) FROM config_job m WHERE m.tenant_id = b.tenant_id
                         AND m.device_id = b.device_id AND COALESCE(m.cause, '') <> 'withdrawn')
                     AND j.state = 'failed' AND ",
    tried_as_now!(),
    "       = 0) THEN 1
                 WHEN b.wanted = 1 AND b.next_at
                      > $3 + (COALESCE(y.every_s, 86400) + 2 * 86400) * 1000000 THEN 1
                 ELSE 0 END
     FROM (SELECT * FROM backup WHERE (tenant_id, device_id) > ($1, $2)
           ORDER BY tenant_id, device_id LIMIT $4) b
     JOIN device d ON d.tenant_id = b.tenant_id AND d.device_id = b.device_id
     JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
     LEFT JOIN backup_policy y ON y.tenant_id = b.tenant_id
     ORDER BY b.tenant_id, b.device_id"
}
sql! { pub(crate) AGAIN =
    "UPDATE backup SET next_at = NULL, wishes = wishes + 1
     WHERE tenant_id = $1 AND device_id IN (SELECT value FROM json_each($2))"
}

/// Has devices looked at again that changed without anybody's telling, of the page behind a device;
/// says up to which it came. `None`: to the last.
pub(super) async fn note_changed(
    database: &Database,
    (tenant, device): (TenantId, DeviceId),
    now: Micros,
) -> Result<Option<(TenantId, DeviceId)>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let page = CHANGED.bind(tenant).bind(device).bind(now).bind(CHANGED_MAX);
    let rows = page.all(&mut txn).await?;
    drop(txn);
    let mut of_tenants: BTreeMap<TenantId, Vec<i64>> = BTreeMap::new();
    let mut last = None;
    for row in &rows {
        let (tenant, device) = (TenantId(row.get(0)?), DeviceId(row.get(1)?));
        if row.get(2)? {
            of_tenants.entry(tenant).or_default().push(device.0);
        }
        last = Some((tenant, device));
    }
    for (tenant, devices) in of_tenants {
        let mut txn = write(database, tenant).await?;
        AGAIN.bind(tenant).bind(json(devices.into_iter())).execute(&mut txn).await?;
        txn.commit().await?;
    }
    Ok(last.filter(|_| rows.len() >= CHANGED_MAX as usize))
}

sql! { pub(crate) DUE =
    "SELECT b.tenant_id, b.device_id, b.wishes, b.hinted_at, ",
    wanted!(),
    ", ",
    policy_columns!(),
    " FROM backup b
     JOIN device d ON d.tenant_id = b.tenant_id AND d.device_id = b.device_id
     JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
     LEFT JOIN backup_policy y ON y.tenant_id = b.tenant_id
     WHERE (b.next_at IS NULL OR b.next_at <= $1)
       AND b.tenant_id NOT IN (SELECT value FROM json_each($2)) LIMIT $3"
}

/// A device that is to be looked at.
pub(super) struct Due {
    device: DeviceId,
    /// How often it was wished to be looked at: once more, and this look is out of date.
    wishes: i64,
    hinted_at: Option<Micros>,
    /// It is to be backed up, somebody can log in, and its agent is not revoked.
    wanted: bool,
    /// `None`: the policy cannot be read.
    plan: Option<Plan>,
    attempts: Vec<Attempt>,
}

impl Due {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let policy = policy::read(row, 5);
        if let Err(error) = &policy {
            let tenant = TenantId(row.get(0)?);
            tracing::warn!(stage = "history", %tenant, error = chain(error), "no policy");
        }
        Ok(Self {
            device: DeviceId(row.get(1)?),
            wishes: row.get(2)?,
            hinted_at: row.get::<Option<i64>>(3)?.map(Micros),
            wanted: row.get(4)?,
            plan: policy.ok().map(|policy| policy.unwrap_or_default().plan()),
            attempts: Vec::new(),
        })
    }

    fn look(&self, now: Micros) -> Look {
        let Some(plan) = self.plan else {
            return Look { make: None, again_at: now.after(RETRIES[0]) };
        };
        if !self.wanted {
            return Look { make: None, again_at: NEVER };
        }
        let Self { device, hinted_at, .. } = *self;
        look(plan, &Known { device, hinted_at, attempts: &self.attempts }, now)
    }
}

// What is not backed up does not fail.
sql! { pub(crate) LOOKED =
    "UPDATE backup SET next_at = $4, wanted = $5,
            failing = CASE WHEN CAST($5 AS BIGINT) = 1 THEN failing END,
            failing_since = CASE WHEN CAST($5 AS BIGINT) = 1 THEN failing_since END
     WHERE tenant_id = $1 AND device_id = $2 AND wishes = $3"
}

/// What came of a look at the devices whose time has come.
#[derive(Debug, Default)]
pub(super) struct Planned {
    pub(super) made: u64,
    /// Tenants whose jobs could not be planned.
    pub(super) failed: Vec<(TenantId, StoreError)>,
}

/// Looks at the devices whose time has come, but for those of some tenants, and queues jobs.
pub(super) async fn plan(
    database: &Database,
    ids: &IdGenerator,
    without: impl Iterator<Item = TenantId>,
    now: Micros,
) -> Result<Planned, StoreError> {
    let mut planned = Planned::default();
    for (tenant, devices) in due(database, without, now).await? {
        match plan_tenant(database, ids, (tenant, devices), now).await {
            Ok(made) => planned.made += made,
            Err(error) => planned.failed.push((tenant, error)),
        }
    }
    Ok(planned)
}

pub(super) async fn due(
    database: &Database,
    without: impl Iterator<Item = TenantId>,
    now: Micros,
) -> Result<BTreeMap<TenantId, Vec<Due>>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let without = json(without.map(|tenant| tenant.0));
    let rows = DUE.bind(now).bind(without).bind(DUE_MAX).all(&mut txn).await?;
    let mut of_tenants: BTreeMap<TenantId, Vec<Due>> = BTreeMap::new();
    for row in &rows {
        let (tenant, mut due) = (TenantId(row.get(0)?), Due::read(row)?);
        if due.wanted {
            due.attempts = attempts(&mut txn, tenant, due.device).await?;
        }
        of_tenants.entry(tenant).or_default().push(due);
    }
    Ok(of_tenants)
}

pub(super) async fn plan_tenant(
    database: &Database,
    ids: &IdGenerator,
    (tenant, mut devices): (TenantId, Vec<Due>),
    now: Micros,
) -> Result<u64, StoreError> {
    // In the order of their ids: who else writes many rows takes them so too.
    devices.sort_by_key(|due| due.device);
    let mut made = 0;
    let mut txn = write(database, tenant).await?;
    for due in devices {
        let look = due.look(now);
        let looked = LOOKED.bind(tenant).bind(due.device).bind(due.wishes).bind(look.again_at);
        if looked.bind(i64::from(due.wanted)).execute(&mut txn).await? == 0 {
            continue;
        }
        if let Some(reason) = look.make {
            let new = Made { reason, asked_by: None };
            let new = make(&mut txn, ids, (tenant, due.device), &new, now).await?;
            made += u64::from(new.is_some());
        }
    }
    txn.commit().await?;
    Ok(made)
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
     LIMIT $1"
}

/// Open jobs that nobody wants any more: their device is another one now, or is not to be backed up.
pub(super) async fn unwanted(
    database: &Database,
) -> Result<Vec<(TenantId, ConfigJobId)>, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let rows = UNWANTED.bind(UNWANTED_MAX).all(&mut txn).await?;
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
