//! Quotas: how much of the installation one tenant may take.
//!
//! What is counted in the database is counted under the tenant's lock, which every change takes
//! first: of many at the same time none passes the quota. What is counted in memory is in [`force`].

pub mod force;

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use serde_json::{Value, json};

use super::tenant::tenant_get;
use super::{InventoryError, differences, get, set_of, tenant_set};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};
pub use force::{BURST_S, Quotas};

/// Agents that are not revoked.
pub const AGENTS: u32 = 1_000;
pub const DEVICES: u32 = 20_000;
/// A series is a metric of an object of a device: what a screen draws a line for.
pub const SERIES: u32 = 2_000_000;
/// Requests of all API keys of a tenant together.
pub const API_PER_SECOND: u32 = 100;
/// No quota is above it.
pub const QUOTA_MAX: u32 = 1_000_000_000;

/// What was set for a tenant; `None` is the installation's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    pub agents: Option<u32>,
    pub devices: Option<u32>,
    pub series: Option<u32>,
    pub api_per_second: Option<u32>,
}

impl Quota {
    #[must_use]
    pub fn agents(self) -> u32 {
        self.agents.unwrap_or(AGENTS)
    }

    #[must_use]
    pub fn devices(self) -> u32 {
        self.devices.unwrap_or(DEVICES)
    }

    #[must_use]
    pub fn series(self) -> u32 {
        self.series.unwrap_or(SERIES)
    }

    #[must_use]
    pub fn api_per_second(self) -> u32 {
        self.api_per_second.unwrap_or(API_PER_SECOND)
    }

    /// What the audit tells of it.
    fn told(self) -> Value {
        json!({
            "agents": self.agents,
            "devices": self.devices,
            "series": self.series,
            "api_per_second": self.api_per_second,
        })
    }
}

/// How much a tenant has of what the database counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    pub agents: u32,
    pub devices: u32,
}

sql! { pub(crate) OF_ALL =
    "SELECT agents, devices, series, api_per_second, tenant_id FROM quota WHERE tenant_id IN ",
    tenant_set!()
}
sql! { pub(crate) GET =
    "SELECT q.agents, q.devices, q.series, q.api_per_second,
            (SELECT COUNT(*) FROM agent a WHERE a.tenant_id = t.tenant_id AND a.revoked_at IS NULL),
            (SELECT COUNT(*) FROM device d WHERE d.tenant_id = t.tenant_id)
     FROM tenant t LEFT JOIN quota q ON q.tenant_id = t.tenant_id WHERE t.tenant_id IN ",
    tenant_set!(),
    " AND t.tenant_id = $2"
}
sql! { pub(crate) SET =
    "INSERT INTO quota (tenant_id, agents, devices, series, api_per_second, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tenant_id) DO UPDATE SET agents = excluded.agents, devices = excluded.devices,
         series = excluded.series, api_per_second = excluded.api_per_second,
         updated_at = excluded.updated_at"
}

fn read(row: &Row) -> Result<Quota, StoreError> {
    let small = |column| {
        let number: Option<i64> = row.get(column)?;
        Ok::<_, StoreError>(number.map(|number| u32::try_from(number).unwrap_or(QUOTA_MAX)))
    };
    Ok(Quota {
        agents: small(0)?,
        devices: small(1)?,
        series: small(2)?,
        api_per_second: small(3)?,
    })
}

fn read_used(row: &Row) -> Result<(Quota, Used), StoreError> {
    let count = |column| Ok::<_, StoreError>(u32::try_from(row.get::<i64>(column)?).unwrap_or(0));
    Ok((read(row)?, Used { agents: count(4)?, devices: count(5)? }))
}

/// The quota of a tenant and how much of it is taken; for who administers it.
pub async fn quota_get(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
) -> Result<(Quota, Used), InventoryError> {
    super::require(context, tenant, Access::Admin)?;
    get(db, context, &GET, tenant.0, read_used).await
}

/// Sets the quota of a tenant; only those may who see all tenants. What is above it stays.
pub async fn quota_set(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
    quota: Quota,
    now: Micros,
) -> Result<(Quota, Used), InventoryError> {
    let name = tenant_get(db, context, tenant).await?.name;
    if !context.is_super_admin() {
        return Err(InventoryError::Denied);
    }
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let (before, used) = in_txn(&mut txn, tenant).await?;
    let set = SET.bind(tenant).bind(quota.agents).bind(quota.devices).bind(quota.series);
    set.bind(quota.api_per_second).bind(now).execute(&mut txn).await?;
    let change = differences(&before.told(), &quota.told())
        .map(|(was, is)| Change::new("quota", "change", tenant.0, &name).before(was).after(is));
    txn.commit(change, now).await?;
    Ok((quota, used))
}

async fn in_txn(txn: &mut Txn, tenant: TenantId) -> Result<(Quota, Used), InventoryError> {
    let row = GET.bind(set_of(tenant)).bind(tenant).optional(txn).await?;
    Ok(read_used(&row.ok_or(InventoryError::NotFound)?)?)
}

/// Whether there may be one agent more; under the tenant's lock.
pub async fn room_for_agent(txn: &mut Txn, tenant: TenantId) -> Result<(), InventoryError> {
    let (quota, used) = in_txn(txn, tenant).await?;
    if used.agents >= quota.agents() {
        return Err(InventoryError::Quota { what: "agents", max: quota.agents() });
    }
    Ok(())
}

/// How many devices more there may be, as counted under the tenant's lock.
#[derive(Debug)]
pub struct Room {
    left: u32,
    max: u32,
}

impl Room {
    pub async fn of(txn: &mut Txn, tenant: TenantId) -> Result<Self, InventoryError> {
        let (quota, used) = in_txn(txn, tenant).await?;
        let max = quota.devices();
        Ok(Self { left: max.saturating_sub(used.devices), max })
    }

    /// For one device.
    pub fn take(&mut self) -> Result<(), InventoryError> {
        let full = InventoryError::Quota { what: "devices", max: self.max };
        self.left = self.left.checked_sub(1).ok_or(full)?;
        Ok(())
    }

    /// The device was there already.
    pub fn give_back(&mut self) {
        self.left += 1;
    }
}
