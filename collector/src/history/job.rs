//! Jobs: fetching the configuration of a device once, from the wish to its end.

pub mod cancel;
pub mod waits;

use farwatch_common::clock::Micros;
use farwatch_common::id::{
    AgentId, ConfigJobId, ConfigVersionId, DeviceId, IdGenerator, SiteId, TenantId,
};
use serde_json::json;

use super::outcome::Failure;
use super::policy::{self, Policy};
use super::schedule::{Attempt, Reason, Stand};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::device::device_get;
use crate::inventory::device::login::has_login;
use crate::inventory::{InventoryError, Named, get, set_of, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Causes of jobs that an agent did not end.
pub const AGENT_LOST: &str = "agent_lost";
pub const AGENT_TOO_OLD: &str = "agent_too_old";
pub const AGENT_REFUSED: &str = "agent_refused";
pub const LOGIN_DAMAGED: &str = "login_damaged";
/// Its device showed another host key than the pinned one.
pub(super) const OTHER_HOST_KEY: &str = "host_key";
/// Nothing failed: nobody wants it any more.
pub const WITHDRAWN: &str = "withdrawn";
/// Nothing failed: somebody took it back.
pub const CANCELLED: &str = "cancelled";

/// Causes with which nothing failed, as SQL has them.
macro_rules! called_off {
    () => {
        "('withdrawn', 'cancelled')"
    };
}
pub(super) use called_off;

/// Why a job is withdrawn whose device is not what it was, or is not wanted.
pub(super) const CHANGED: (&str, &str) =
    (WITHDRAWN, "the device has another agent or address now, or is not to be backed up any more");

/// Jobs that a look at a device takes into account.
const ATTEMPTS: u32 = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: ConfigJobId,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub device: Named<DeviceId>,
    pub agent: Named<AgentId>,
    pub reason: Reason,
    /// As the audit names them; `None`: nobody did.
    pub asked_by: Option<String>,
    /// `queued`, `running`, `done` or `failed`.
    pub state: String,
    pub created_at: Micros,
    pub started_at: Option<Micros>,
    pub ended_at: Option<Micros>,
    pub cause: Option<String>,
    pub advice: Option<String>,
    pub version: Option<ConfigVersionId>,
    pub changed: Option<bool>,
    /// Of an outcome that is under way, and how far it is at least.
    pub bytes: Option<u64>,
    pub kept_bytes: Option<u64>,
    pub policy: Policy,
}

impl Job {
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "running")
    }

    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.state == "queued"
    }
}

macro_rules! select_job {
    () => {
        concat!(
            "SELECT j.job_id, t.tenant_id, t.name, j.site_id, s.name, d.device_id, d.name,
                    j.agent_id, a.name, j.reason, j.asked_by, j.state, j.created_at, j.started_at,
                    j.ended_at, j.cause, j.advice, j.version_id, j.changed, j.bytes,
                    CASE WHEN j.bytes IS NULL THEN NULL ELSE
                        (SELECT MAX(x.start) FROM config_part x
                         WHERE x.tenant_id = j.tenant_id AND x.job_id = j.job_id) END, ",
            $crate::history::policy::policy_columns!(),
            " FROM config_job j
              JOIN tenant t ON t.tenant_id = j.tenant_id
              JOIN device d ON d.tenant_id = j.tenant_id AND d.device_id = j.device_id
              LEFT JOIN site s ON s.tenant_id = j.tenant_id AND s.site_id = j.site_id
              LEFT JOIN agent a ON a.tenant_id = j.tenant_id AND a.agent_id = j.agent_id
              LEFT JOIN backup_policy y ON y.tenant_id = j.tenant_id
              WHERE j.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) GET = select_job!(), " AND j.job_id = $2" }
// Ids rise with time.
sql! { pub(crate) LIST =
    select_job!(),
    " AND ($2 = 0 OR j.device_id = $2) AND ($3 = '' OR j.state = $3
           OR ($3 = 'open' AND j.state IN ('queued', 'running')))
      AND j.job_id < $4 AND ($6 = 0 OR j.site_id = $6) ORDER BY j.job_id DESC LIMIT $5"
}
sql! { pub(crate) THAT_CHANGED =
    select_job!(),
    " AND j.changed = 1 AND j.ended_at >= $2 ORDER BY j.ended_at DESC, j.job_id DESC LIMIT $3"
}
// One that was given up and goes on may be older than the last. Which one it is hangs on no row: that is
// looked up once, by one step of an index each.
sql! { pub(crate) LAST =
    select_job!(),
    " AND j.device_id = $2 AND j.job_id = COALESCE(
          (SELECT o.job_id FROM config_job o WHERE o.tenant_id = $3
           AND o.device_id = $2 AND o.state IN ('queued', 'running')),
          (SELECT MAX(m.job_id) FROM config_job m WHERE m.tenant_id = $3
           AND m.device_id = $2))"
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt { what: what.to_owned() }
}

fn read(row: &Row) -> Result<Job, StoreError> {
    let time = |column| Ok::<_, StoreError>(row.get::<Option<i64>>(column)?.map(Micros));
    let name = |column| Ok::<_, StoreError>(row.get::<Option<String>>(column)?.unwrap_or_default());
    let size = |column| -> Result<Option<u64>, StoreError> {
        Ok(row.get::<Option<i64>>(column)?.and_then(|bytes| u64::try_from(bytes).ok()))
    };
    let reason = Reason::from_name(&row.get::<String>(9)?);
    Ok(Job {
        id: ConfigJobId(row.get(0)?),
        tenant: Named { id: TenantId(row.get(1)?), name: row.get(2)? },
        site: Named { id: SiteId(row.get(3)?), name: name(4)? },
        device: Named { id: DeviceId(row.get(5)?), name: row.get(6)? },
        agent: Named { id: AgentId(row.get(7)?), name: name(8)? },
        reason: reason.ok_or_else(|| corrupt("the reason of a job"))?,
        asked_by: row.get(10)?,
        state: row.get(11)?,
        created_at: Micros(row.get(12)?),
        started_at: time(13)?,
        ended_at: time(14)?,
        cause: row.get(15)?,
        advice: row.get(16)?,
        version: row.get::<Option<i64>>(17)?.map(ConfigVersionId),
        changed: row.get::<Option<i64>>(18)?.map(|changed| changed != 0),
        bytes: size(19)?,
        kept_bytes: size(20)?,
        policy: policy::read(row, 21)?.unwrap_or_default(),
    })
}

/// Which jobs are wanted, besides the caller's tenants.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    pub site: Option<SiteId>,
    pub device: Option<DeviceId>,
    /// `queued`, `running`, `done`, `failed`, or `open` (the first two); empty: all.
    pub state: &'static str,
}

/// A page of the jobs of the caller's tenants, the newest first, before this id.
pub async fn job_list(
    db: &Database,
    context: &TenantContext,
    filter: &JobFilter,
    (before, limit): (Option<i64>, u32),
) -> Result<Vec<Job>, InventoryError> {
    let mut txn = db.read(context).await?;
    let list = LIST.bind(context.tenants_json()).bind(filter.device.map_or(0, |id| id.0));
    let list = list.bind(filter.state).bind(before.unwrap_or(i64::MAX)).bind(limit);
    let list = list.bind(filter.site.map_or(0, |id| id.0));
    let rows = list.all(&mut txn).await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Jobs that brought another configuration from a time on, those that ended last first. Costs what it
/// tells.
pub async fn jobs_changed(
    db: &Database,
    context: &TenantContext,
    from: Micros,
    limit: u32,
) -> Result<Vec<Job>, StoreError> {
    let changed = THAT_CHANGED.bind(context.tenants_json()).bind(from).bind(limit);
    changed.all(&mut db.read(context).await?).await?.iter().map(read).collect()
}

pub async fn job_get(
    db: &Database,
    context: &TenantContext,
    id: ConfigJobId,
) -> Result<Job, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

/// The open job of a device, or its last.
pub(super) async fn last_of(
    txn: &mut Txn,
    tenant: TenantId,
    device: DeviceId,
) -> Result<Option<Job>, StoreError> {
    let row = LAST.bind(set_of(tenant)).bind(device).bind(tenant).optional(txn).await?;
    row.as_ref().map(read).transpose()
}

/// Whether the job `j` was tried with what its device `d`, the backup `b` of it and its agent `a` are
/// now: the address, the login, the agent and its version. 1 or 0.
macro_rules! tried_as_now {
    () => {
        concat!(
            "(CASE WHEN j.host IS NULL OR (j.host = d.host AND j.port = b.port
                  AND j.agent_id = d.agent_id AND j.agent_version = COALESCE(a.version, '')
                  AND j.login = ",
            $crate::inventory::device::login::login_mark!(),
            ") THEN 1 ELSE 0 END)"
        )
    };
}
pub(crate) use tried_as_now;

sql! { pub(crate) ATTEMPTED =
    "SELECT j.created_at, j.reason, j.state, COALESCE(j.ended_at, j.created_at),
            COALESCE(j.cause, ''), ",
    tried_as_now!(),
    " FROM config_job j
     JOIN device d ON d.tenant_id = j.tenant_id AND d.device_id = j.device_id
     JOIN backup b ON b.tenant_id = j.tenant_id AND b.device_id = j.device_id
     JOIN agent a ON a.tenant_id = d.tenant_id AND a.agent_id = d.agent_id
     WHERE j.tenant_id = $1 AND j.device_id = $2 AND COALESCE(j.cause, '') <> 'withdrawn'
     ORDER BY j.job_id DESC LIMIT $3"
}

/// What was tried of a device, the newest first, as the schedule looks at it.
pub(super) async fn attempts(
    txn: &mut Txn,
    tenant: TenantId,
    device: DeviceId,
) -> Result<Vec<Attempt>, StoreError> {
    let rows = ATTEMPTED.bind(tenant).bind(device).bind(ATTEMPTS).all(txn).await?;
    let one = |row: &Row| {
        let reason = Reason::from_name(&row.get::<String>(1)?);
        let (made, ended) = (Micros(row.get(0)?), Micros(row.get(3)?));
        let (at, stand) = match row.get::<String>(2)?.as_str() {
            "done" => (made, Stand::Done),
            "failed" => match row.get::<String>(4)?.as_str() {
                // As good as done, and just now: slots and hints that passed while it waited went with
                // it, or who took it back would have it made again at once.
                CANCELLED => (ended, Stand::Done),
                cause => (made, Stand::failed(ended, cause, !row.get::<bool>(5)?)),
            },
            _ => (made, Stand::Open),
        };
        let reason = reason.ok_or_else(|| corrupt("the reason of a job"))?;
        Ok(Attempt { at, reason, stand })
    };
    rows.iter().map(one).collect()
}

/// Why a job is made, and for whom.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) reason: Reason,
    pub(super) asked_by: Option<String>,
}

sql! { pub(crate) KNOWN =
    "INSERT INTO backup (tenant_id, device_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
}
sql! { pub(crate) MAKE =
    "INSERT INTO config_job (tenant_id, job_id, device_id, site_id, agent_id, reason, asked_by,
                             state, created_at)
     SELECT d.tenant_id, $3, d.device_id, d.site_id, d.agent_id, $4, $5, 'queued', $6
     FROM device d WHERE d.tenant_id = $1 AND d.device_id = $2
     ON CONFLICT DO NOTHING"
}

/// Queues a job for a device; `None`: it has an open one, or is gone.
pub(super) async fn make(
    txn: &mut Txn,
    ids: &IdGenerator,
    (tenant, device): (TenantId, DeviceId),
    made: &Made,
    now: Micros,
) -> Result<Option<ConfigJobId>, StoreError> {
    KNOWN.bind(tenant).bind(device).execute(txn).await?;
    let id = ConfigJobId(ids.next(now));
    let make = MAKE.bind(tenant).bind(device).bind(id.0).bind(made.reason.name());
    let rows = make.bind(made.asked_by.as_ref()).bind(now).execute(txn).await?;
    Ok((rows == 1).then_some(id))
}

// A job of the schedule that waits becomes one that somebody asked for.
sql! { pub(crate) ASK =
    "UPDATE config_job SET reason = 'manual', asked_by = $3
     WHERE tenant_id = $1 AND device_id = $2 AND state IN ('queued', 'running')
       AND state = 'queued' AND reason <> 'manual'"
}

/// How a wish for a fetch ended.
#[derive(Clone, Debug)]
pub enum Asked {
    Made(Job),
    /// The device has an open job already.
    Open(Job),
    NoLogin,
}

/// Has a device fetched now.
pub async fn job_ask(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    id: DeviceId,
    now: Micros,
) -> Result<Asked, InventoryError> {
    let device = device_get(db, context, id).await?;
    let tenant = device.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    if !has_login(&mut txn, (tenant, id)).await? {
        return Ok(Asked::NoLogin);
    }
    let asked_by = Some(context.who().name.to_string());
    let made = Made { reason: Reason::Manual, asked_by: asked_by.clone() };
    let new = make(&mut txn, ids, (tenant, id), &made, now).await?;
    let hurried = match new {
        Some(_) => 0,
        None => ASK.bind(tenant).bind(id).bind(asked_by).execute(&mut txn).await?,
    };
    let job = last_of(&mut txn, tenant, id).await?.ok_or(InventoryError::NotFound)?;
    let change = Change::new("device", "backup_run", id.0, &device.name);
    let change = change.after(json!({ "job": job.id.to_string() }));
    txn.commit((new.is_some() || hurried > 0).then_some(change), now).await?;
    Ok(if new.is_some() { Asked::Made(job) } else { Asked::Open(job) })
}

sql! { pub(crate) FAIL =
    "UPDATE config_job SET state = 'failed', cause = $3, advice = $4, ended_at = $5
     WHERE tenant_id = $1 AND job_id = $2 AND state IN ('queued', 'running')
     RETURNING device_id"
}
sql! { pub(crate) FAILING =
    "INSERT INTO backup (tenant_id, device_id, failing, failing_since, other_key, other_key_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tenant_id, device_id) DO UPDATE SET
         failing = excluded.failing,
         failing_since = COALESCE(backup.failing_since, excluded.failing_since),
         other_key = COALESCE(excluded.other_key, backup.other_key),
         other_key_at = CASE WHEN COALESCE(excluded.other_key, '') IN ('', backup.other_key)
                             THEN backup.other_key_at ELSE excluded.other_key_at END"
}
sql! { pub(crate) LOOK =
    "UPDATE backup SET next_at = NULL, wishes = wishes + 1 WHERE tenant_id = $1 AND device_id = $2"
}
sql! { pub(crate) PARTS_DROP = "DELETE FROM config_part WHERE tenant_id = $1 AND job_id = $2" }

/// Ends an open job without a configuration: its device fails, unless nobody wants it any more, the
/// schedule looks at it again, and what came of an outcome goes. False: the job had ended.
pub(super) async fn end(
    txn: &mut Txn,
    (tenant, job): (TenantId, ConfigJobId),
    Failure { cause, advice, host_key }: &Failure,
    now: Micros,
) -> Result<bool, StoreError> {
    let fail = FAIL.bind(tenant).bind(job.0).bind(cause).bind(advice).bind(now);
    let Some(row) = fail.optional(txn).await? else { return Ok(false) };
    let device = DeviceId(row.get(0)?);
    if cause != WITHDRAWN {
        let other = host_key.as_ref().filter(|_| cause == OTHER_HOST_KEY);
        let failing = FAILING.bind(tenant).bind(device).bind(cause).bind(now);
        failing.bind(other).bind(other.map(|_| now)).execute(txn).await?;
    }
    LOOK.bind(tenant).bind(device).execute(txn).await?;
    parts_drop(txn, tenant, job).await?;
    Ok(true)
}

sql! { pub(crate) OF_NOW =
    "SELECT 1 FROM config_job j
     JOIN device d ON d.tenant_id = j.tenant_id AND d.device_id = j.device_id
     LEFT JOIN backup b ON b.tenant_id = j.tenant_id AND b.device_id = j.device_id
     WHERE j.tenant_id = $1 AND j.job_id = $2 AND d.agent_id = j.agent_id AND d.host = j.host
       AND COALESCE(b.port, 22) = j.port"
}

/// Whether the device of a job is where its agent was told that it is, and still that agent's: what
/// came of it is of this device.
pub(super) async fn is_of_now(
    txn: &mut Txn,
    (tenant, job): (TenantId, ConfigJobId),
) -> Result<bool, StoreError> {
    Ok(OF_NOW.bind(tenant).bind(job.0).optional(txn).await?.is_some())
}

/// Ends an open job that came to nothing, by a cause and what to do; false: it had ended.
pub(super) async fn fail(
    txn: &mut Txn,
    of: (TenantId, ConfigJobId),
    (cause, advice): (&str, &str),
    now: Micros,
) -> Result<bool, StoreError> {
    let failure = Failure { cause: cause.into(), advice: advice.into(), host_key: None };
    end(txn, of, &failure, now).await
}

/// Of a job that ended, or of another whole.
pub(super) async fn parts_drop(
    txn: &mut Txn,
    tenant: TenantId,
    job: ConfigJobId,
) -> Result<(), StoreError> {
    PARTS_DROP.bind(tenant).bind(job.0).execute(txn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::HistoryKey;
    use crate::history::fixture::{FIRST_DEVICE, Place, agent, large, packed, part, snapshot};
    use crate::store::fixture::TENANT;

    #[tokio::test]
    async fn a_job_that_is_given_up_leaves_no_part_and_its_device_fails() {
        for place in Place::each().await {
            let job = place.job(1, FIRST_DEVICE).await;
            let whole = packed(snapshot(job, &large(100_000)));
            place.receiver.part(&agent(), part(job, &whole, 0, 5000)).await.unwrap();
            let mut txn = place.db.history(HistoryKey::new(), &[TENANT].into()).await.unwrap();
            let (why, now) = ((AGENT_LOST, "Look at the agent."), place.clock.now());
            assert!(fail(&mut txn, (TENANT, job), why, now).await.unwrap());
            assert!(!fail(&mut txn, (TENANT, job), why, now).await.unwrap(), "it has ended");
            txn.commit().await.unwrap();
            assert_eq!(place.count("SELECT COUNT(*) FROM config_part").await, 0);
            // Also of one that nothing was known of.
            let failing = "SELECT COUNT(*) FROM backup WHERE failing = 'agent_lost'";
            assert_eq!(place.count(failing).await, 1);
            place.remove().await;
        }
    }
}
