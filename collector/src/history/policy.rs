//! How the devices of a tenant are backed up.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use serde_json::{Value, json};

use super::backup::look_again;
use super::schedule::{MINUTES_OF_DAY, Plan, Window};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::{InventoryError, Named, differences, get, set_of, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

/// Between two fetches of a device: 15 minutes to 31 days.
pub const EVERY_S_MIN: u32 = 900;
pub const EVERY_S_MAX: u32 = 31 * 86_400;
/// Jobs of one site at a time.
pub const PER_SITE_MAX: u32 = 64;
/// Jobs of one agent at a time: it fetches four, and has the next ones at hand. More would wait there
/// for so long that they seem to be lost.
pub const PER_AGENT_MAX: u32 = 8;
pub const KEEP_DAYS_MAX: u32 = 3_650;
pub const KEEP_VERSIONS_MAX: u32 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// False: only devices that say so themselves.
    pub enabled: bool,
    pub every_s: u32,
    /// `None`: at any time.
    pub window: Option<Window>,
    pub per_site_max: u32,
    /// A version goes when it is older than this, and only beyond `keep_versions` of its device.
    pub keep_days: u32,
    pub keep_versions: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enabled: true,
            every_s: 86_400,
            window: None,
            per_site_max: 4,
            keep_days: 365,
            keep_versions: 20,
        }
    }
}

impl Policy {
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan { every: Duration::from_secs(self.every_s.into()), window: self.window }
    }

    /// What the audit tells of it.
    fn told(&self) -> Value {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let window = self
            .window
            .map(|window| format!("{} to {} UTC", clock(window.from_min), clock(window.to_min)));
        json!({
            "enabled": self.enabled,
            "every_s": self.every_s,
            "window": window,
            "per_site_max": self.per_site_max,
            "keep_days": self.keep_days,
            "keep_versions": self.keep_versions,
        })
    }
}

/// The columns that [`read`] reads, of `y`.
macro_rules! policy_columns {
    () => {
        "y.enabled, y.every_s, y.window_from_min, y.window_to_min, y.per_site_max, y.keep_days,
         y.keep_versions"
    };
}
pub(crate) use policy_columns;

/// The policy in the columns from `first`; `None`: there is no row, and the defaults count.
pub(super) fn read(row: &Row, first: usize) -> Result<Option<Policy>, StoreError> {
    if row.get::<Option<i64>>(first)?.is_none() {
        return Ok(None);
    }
    let corrupt = || StoreError::Corrupt { what: "a number of a backup policy".to_owned() };
    let number =
        |column: usize| u32::try_from(row.get::<i64>(first + column)?).map_err(|_| corrupt());
    let minute = |column: usize| -> Result<Option<u16>, StoreError> {
        let minute = row.get::<Option<i64>>(first + column)?.map(u16::try_from).transpose();
        let minute = minute.map_err(|_| corrupt())?;
        if minute.is_some_and(|minute| minute >= MINUTES_OF_DAY) {
            return Err(corrupt());
        }
        Ok(minute)
    };
    let window = minute(2)?.zip(minute(3)?);
    Ok(Some(Policy {
        enabled: row.get(first)?,
        every_s: number(1)?,
        window: window.map(|(from_min, to_min)| Window { from_min, to_min }),
        per_site_max: number(4)?,
        keep_days: number(5)?,
        keep_versions: number(6)?,
    }))
}

/// The policy of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub tenant: Named<TenantId>,
    pub policy: Policy,
    /// Nobody chose it.
    pub is_default: bool,
}

sql! { pub(crate) GET =
    "SELECT t.tenant_id, t.name, ",
    policy_columns!(),
    " FROM tenant t LEFT JOIN backup_policy y ON y.tenant_id = t.tenant_id
     WHERE t.tenant_id IN ",
    tenant_set!(),
    " AND t.tenant_id = $2"
}

fn kept(row: &Row) -> Result<Kept, StoreError> {
    let policy = read(row, 2)?;
    Ok(Kept {
        tenant: Named { id: TenantId(row.get(0)?), name: row.get(1)? },
        is_default: policy.is_none(),
        policy: policy.unwrap_or_default(),
    })
}

pub async fn policy_get(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
) -> Result<Kept, InventoryError> {
    get(db, context, &GET, tenant.0, kept).await
}

sql! { pub(crate) PUT =
    "INSERT INTO backup_policy (tenant_id, enabled, every_s, window_from_min, window_to_min,
                                per_site_max, keep_days, keep_versions, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (tenant_id) DO UPDATE SET enabled = excluded.enabled,
         every_s = excluded.every_s, window_from_min = excluded.window_from_min,
         window_to_min = excluded.window_to_min, per_site_max = excluded.per_site_max,
         keep_days = excluded.keep_days, keep_versions = excluded.keep_versions,
         updated_at = excluded.updated_at"
}

/// Puts a policy that was checked in the place of the one before; devices are looked at again.
pub async fn policy_put(
    db: &Database,
    context: &TenantContext,
    (tenant, policy): (TenantId, &Policy),
    now: Micros,
) -> Result<Kept, InventoryError> {
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let row = GET.bind(set_of(tenant)).bind(tenant).optional(&mut txn).await?;
    let before = kept(&row.ok_or(InventoryError::NotFound)?)?;
    let put = PUT.bind(tenant).bind(policy.enabled).bind(policy.every_s);
    let put = put.bind(policy.window.map(|window| i64::from(window.from_min)));
    let put = put.bind(policy.window.map(|window| i64::from(window.to_min)));
    let put = put.bind(policy.per_site_max).bind(policy.keep_days).bind(policy.keep_versions);
    put.bind(now).execute(&mut txn).await?;
    look_again(&mut txn, tenant).await?;
    let change = differences(&before.policy.told(), &policy.told()).map(|(was, is)| {
        let change = Change::new("backup_policy", "change", tenant.0, &before.tenant.name);
        change.before(was).after(is)
    });
    txn.commit(change, now).await?;
    Ok(Kept { tenant: before.tenant, policy: policy.clone(), is_default: false })
}
