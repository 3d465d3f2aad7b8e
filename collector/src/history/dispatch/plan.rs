//! Which devices are looked at, and the jobs that come of it, on behalf of what the agents of the
//! tenants do.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, IdGenerator, TenantId};
use farwatch_common::task::chain;

use super::store::{json, write};
use crate::history::HistoryKey;
use crate::history::job::{Made, attempts, make, tried_as_now};
use crate::history::policy::{self, policy_columns};
use crate::history::schedule::{Attempt, Known, Look, Plan, RETRIES, look};
use crate::history::tenants;
use crate::inventory::device::login::login_there;
use crate::store::samples::read_all_stored;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

/// Devices that are looked at in one turn.
pub(super) const DUE_MAX: u32 = 256;
/// Devices that become known in one turn.
pub(super) const NEW_MAX: u32 = 1_000;
/// Devices of which it is looked in one turn whether they have changed.
const CHANGED_MAX: u32 = 1_000;
/// When a device is looked at again that is not to be backed up: something has to change before.
const NEVER: Micros = Micros(i64::MAX);

sql! { pub(crate) NEW =
    "INSERT INTO backup (tenant_id, device_id)
     SELECT d.tenant_id, d.device_id FROM device d
     LEFT JOIN backup b ON b.tenant_id = d.tenant_id AND b.device_id = d.device_id
     WHERE b.device_id IS NULL LIMIT $1
     ON CONFLICT DO NOTHING"
}

/// Notes devices that are new; says how many.
pub(super) async fn note_new(database: &Database) -> Result<u64, StoreError> {
    let tenants = tenants(database).await?.into_iter().map(|(tenant, _)| tenant).collect();
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

/// A page of devices of which it was looked whether they have changed without anybody's telling.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) devices: BTreeMap<TenantId, Vec<DeviceId>>,
    /// Up to which it came; `None`: to the last.
    pub(super) to: Option<(TenantId, DeviceId)>,
}

/// The page behind a device.
pub(super) async fn changed(
    database: &Database,
    (tenant, device): (TenantId, DeviceId),
    now: Micros,
) -> Result<Changed, StoreError> {
    let mut txn = read_all_stored(database).await?;
    let page = CHANGED.bind(tenant).bind(device).bind(now).bind(CHANGED_MAX);
    let rows = page.all(&mut txn).await?;
    let mut changed = Changed::default();
    for row in &rows {
        let (tenant, device) = (TenantId(row.get(0)?), DeviceId(row.get(1)?));
        if row.get(2)? {
            changed.devices.entry(tenant).or_default().push(device);
        }
        changed.to = Some((tenant, device));
    }
    changed.to = changed.to.filter(|_| rows.len() >= CHANGED_MAX as usize);
    Ok(changed)
}

/// Has these devices looked at again.
pub(super) async fn again(
    database: &Database,
    (tenant, devices): (TenantId, &[DeviceId]),
) -> Result<(), StoreError> {
    let mut txn = write(database, tenant).await?;
    AGAIN.bind(tenant).bind(json(devices.iter().map(|id| id.0))).execute(&mut txn).await?;
    txn.commit().await
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
