//! How one device is backed up, and what is known of it: where it differs from the policy, its host
//! key, and when it is wanted next.

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, IdGenerator, TenantId};
use serde_json::{Value, json};

use super::job::{self, Job, Made};
use super::policy::{self, Policy, policy_columns};
use super::schedule::{Known, Reason, wanted};
use crate::audit::Change;
use crate::identity::{Access, TenantContext};
use crate::inventory::device::credential::{Purpose, put};
use crate::inventory::device::device_get;
use crate::inventory::device::login::{LoginInForce, has_login, login_in_force};
use crate::inventory::ssh::Login;
use crate::inventory::vault::Vault;
use crate::inventory::{InventoryError, differences, set_of, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

pub const SSH_PORT: u16 = 22;

/// What a device says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `None`: as the policy says.
    pub enabled: Option<bool>,
    pub port: u16,
    /// Empty: it is recognised.
    pub platform: String,
    /// Algorithms that are broken are offered, too.
    pub legacy: bool,
}

impl Setting {
    fn told(&self) -> Value {
        json!({
            "enabled": self.enabled,
            "port": self.port,
            "platform": self.platform,
            "legacy": self.legacy,
        })
    }
}

/// A host key, and since when it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// `SHA256:…`.
    pub key: String,
    pub at: Option<Micros>,
}

/// Why the configuration of a device is not fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    pub cause: String,
    /// What to do about it, of the last job that failed so.
    pub advice: Option<String>,
    pub since: Micros,
}

/// Why a device is backed up, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Device,
    Policy,
    NoLogin,
    AgentTooOld,
}

/// The backup of a device.
#[derive(Clone, Debug)]
pub struct Backup {
    pub setting: Setting,
    pub effective: (bool, Why),
    pub login: Option<LoginInForce>,
    pub host_key: Option<HostKey>,
    /// Another one that it has shown since.
    pub other_key: Option<HostKey>,
    /// `None`: never, as things are.
    pub next_at: Option<Micros>,
    pub fetched_at: Option<Micros>,
    /// The failure since then.
    pub failing: Option<Failing>,
    /// The open one, or the last.
    pub job: Option<Job>,
}

/// What is different for a device; the caller has checked it.
#[derive(Clone, Debug, Default)]
pub struct BackupPatch {
    pub enabled: Option<Option<bool>>,
    pub port: Option<u16>,
    pub platform: Option<String>,
    pub legacy: Option<bool>,
    /// The inner `None` takes the device's own away.
    pub login: Option<Option<Login>>,
}

sql! { pub(crate) LOOK_AGAIN =
    "UPDATE backup SET next_at = NULL, wishes = wishes + 1 WHERE tenant_id = $1"
}

/// Has the schedule look at the devices of a tenant again.
pub(crate) async fn look_again(txn: &mut Txn, tenant: TenantId) -> Result<(), StoreError> {
    LOOK_AGAIN.bind(tenant).execute(txn).await?;
    Ok(())
}

sql! { pub(crate) GET =
    "SELECT d.tenant_id, b.enabled, b.port, b.platform, b.legacy, b.host_key, b.host_key_at,
            b.other_key, b.other_key_at, b.hinted_at, b.fetched_at, b.failing, b.failing_since,
            (SELECT j.advice FROM config_job j WHERE j.tenant_id = b.tenant_id
             AND j.device_id = b.device_id AND j.state = 'failed' AND j.cause = b.failing
             ORDER BY j.job_id DESC LIMIT 1), ",
    policy_columns!(),
    " FROM device d
     LEFT JOIN backup b ON b.tenant_id = d.tenant_id AND b.device_id = d.device_id
     LEFT JOIN backup_policy y ON y.tenant_id = d.tenant_id
     WHERE d.tenant_id IN ",
    tenant_set!(),
    " AND d.device_id = $2"
}

/// What is stored of the backup of a device.
struct Stored {
    tenant: TenantId,
    setting: Setting,
    host_key: Option<HostKey>,
    other_key: Option<HostKey>,
    hinted_at: Option<Micros>,
    fetched_at: Option<Micros>,
    failing: Option<Failing>,
    policy: Policy,
}

impl Stored {
    fn is_enabled(&self) -> bool {
        self.setting.enabled.unwrap_or(self.policy.enabled)
    }
}

fn read(row: &Row) -> Result<Stored, StoreError> {
    let time = |column| Ok::<_, StoreError>(row.get::<Option<i64>>(column)?.map(Micros));
    let key = |column| -> Result<Option<HostKey>, StoreError> {
        let key = row.get::<Option<String>>(column)?.filter(|key| !key.is_empty());
        key.map(|key| Ok(HostKey { key, at: time(column + 1)? })).transpose()
    };
    let corrupt = |_| StoreError::Corrupt { what: "the port of a backup".to_owned() };
    let port = row.get::<Option<i64>>(2)?.map(u16::try_from).transpose().map_err(corrupt)?;
    let failing = match row.get::<Option<String>>(11)?.zip(time(12)?) {
        Some((cause, since)) => Some(Failing { cause, advice: row.get(13)?, since }),
        None => None,
    };
    Ok(Stored {
        tenant: TenantId(row.get(0)?),
        setting: Setting {
            enabled: row.get::<Option<i64>>(1)?.map(|enabled| enabled != 0),
            port: port.unwrap_or(SSH_PORT),
            platform: row.get::<Option<String>>(3)?.unwrap_or_default(),
            legacy: row.get::<Option<i64>>(4)?.is_some_and(|legacy| legacy != 0),
        },
        host_key: key(5)?,
        other_key: key(7)?,
        hinted_at: time(9)?,
        fetched_at: time(10)?,
        failing,
        policy: policy::read(row, 14)?.unwrap_or_default(),
    })
}

async fn stored(txn: &mut Txn, set: &str, device: DeviceId) -> Result<Stored, InventoryError> {
    let row = GET.bind(set).bind(device).optional(txn).await?;
    Ok(read(&row.ok_or(InventoryError::NotFound)?)?)
}

/// The backup of a device: what it says, what counts, and what came of it.
pub async fn backup_get(
    db: &Database,
    context: &TenantContext,
    device: DeviceId,
    now: Micros,
) -> Result<Backup, InventoryError> {
    let mut txn = db.read(context).await?;
    in_txn(&mut txn, &context.tenants_json(), device, now).await
}

async fn in_txn(
    txn: &mut Txn,
    set: &str,
    device: DeviceId,
    now: Micros,
) -> Result<Backup, InventoryError> {
    let stored = stored(txn, set, device).await?;
    let login = login_in_force(txn, set, device).await?;
    let attempts = job::attempts(txn, stored.tenant, device).await?;
    let by_setting = match stored.setting.enabled {
        Some(enabled) => (enabled, Why::Device),
        None => (stored.policy.enabled, Why::Policy),
    };
    let is_mended = attempts.first().is_some_and(|newest| newest.stand.is_mended());
    let too_old = stored.failing.as_ref().filter(|_| !is_mended);
    let too_old = too_old.is_some_and(|failing| failing.cause == job::AGENT_TOO_OLD);
    let effective = match by_setting {
        (true, _) if login.is_none() => (false, Why::NoLogin),
        (true, _) if too_old => (false, Why::AgentTooOld),
        by_setting => by_setting,
    };
    let known = Known { device, hinted_at: stored.hinted_at, attempts: &attempts };
    let next = (by_setting.0 && login.is_some()).then(|| wanted(stored.policy.plan(), &known, now));
    Ok(Backup {
        setting: stored.setting,
        effective,
        login,
        host_key: stored.host_key,
        other_key: stored.other_key,
        next_at: next.map(|next| next.at),
        fetched_at: stored.fetched_at,
        failing: stored.failing,
        job: job::last_of(txn, stored.tenant, device).await?,
    })
}

sql! { pub(crate) PUT =
    "INSERT INTO backup (tenant_id, device_id, enabled, port, platform, legacy)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (tenant_id, device_id) DO UPDATE SET enabled = excluded.enabled,
         port = excluded.port, platform = excluded.platform, legacy = excluded.legacy,
         next_at = NULL, wishes = backup.wishes + 1"
}

/// Changes how a device is backed up. One that fails is tried again at once; says whether a job was
/// made for that.
pub async fn backup_patch(
    db: &Database,
    (vault, ids): (&Vault, &IdGenerator),
    context: &TenantContext,
    (id, patch): (DeviceId, &BackupPatch),
    now: Micros,
) -> Result<(Backup, bool), InventoryError> {
    let device = device_get(db, context, id).await?;
    let (tenant, set) = (device.tenant.id, set_of(device.tenant.id));
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let before = stored(&mut txn, &set, id).await?;
    let after = Setting {
        enabled: patch.enabled.unwrap_or(before.setting.enabled),
        port: patch.port.unwrap_or(before.setting.port),
        platform: patch.platform.clone().unwrap_or_else(|| before.setting.platform.clone()),
        legacy: patch.legacy.unwrap_or(before.setting.legacy),
    };
    let (mut was, mut is) = (before.setting.told(), after.told());
    let put_row = PUT.bind(tenant).bind(id).bind(after.enabled.map(i64::from));
    let put_row = put_row.bind(after.port).bind(&after.platform).bind(i64::from(after.legacy));
    put_row.execute(&mut txn).await?;
    if let Some(own) = &patch.login {
        let own = own.clone().map(Into::into);
        let place = [(device.site.id, id)];
        let own = (Purpose::Login, own.as_ref());
        let had = put(&mut txn, (vault, ids), tenant, &place, own, now).await?;
        let named = |own: bool| if own { "own" } else { "profile" };
        was["login"] = json!(named(!had.is_empty()));
        is["login"] = json!(match &patch.login {
            Some(Some(login)) => json!({ "own, new": login.about() }),
            _ => json!("profile"),
        });
    }
    let change = differences(&was, &is).map(|(was, is)| {
        let change = Change::new("device", "backup_change", id.0, &device.name);
        change.before(was).after(is)
    });
    let made = before.failing.is_some()
        && change.is_some()
        && after.enabled.unwrap_or(before.policy.enabled)
        && again(&mut txn, ids, (tenant, id), context, now).await?;
    let backup = in_txn(&mut txn, &set, id, now).await?;
    txn.commit(change, now).await?;
    Ok((backup, made))
}

/// Tries a device again that has failed and is backed up, now that somebody did something about it.
async fn again(
    txn: &mut Txn,
    ids: &IdGenerator,
    of: (TenantId, DeviceId),
    context: &TenantContext,
    now: Micros,
) -> Result<bool, InventoryError> {
    if !has_login(txn, of).await? {
        return Ok(false);
    }
    let made = Made { reason: Reason::Manual, asked_by: Some(context.who().name.to_string()) };
    Ok(job::make(txn, ids, of, &made, now).await?.is_some())
}

sql! { pub(crate) PIN =
    "UPDATE backup SET host_key = $3, host_key_at = $4, other_key = NULL, other_key_at = NULL
     WHERE tenant_id = $1 AND device_id = $2"
}

/// Pins the other key that a device has shown, and has it tried again; with `None` the next one that
/// it shows is pinned. `None`: it is not the one that it has shown.
pub async fn host_key_pin(
    db: &Database,
    ids: &IdGenerator,
    context: &TenantContext,
    (id, key): (DeviceId, Option<&str>),
    now: Micros,
) -> Result<Option<(Backup, bool)>, InventoryError> {
    let device = device_get(db, context, id).await?;
    let (tenant, set) = (device.tenant.id, set_of(device.tenant.id));
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let before = stored(&mut txn, &set, id).await?;
    let shown = |of: &Option<HostKey>| of.as_ref().map(|shown| shown.key.clone());
    let (pinned, other) = (shown(&before.host_key), shown(&before.other_key));
    let key = key.map(str::to_owned);
    if key == pinned && other.is_none() {
        let backup = in_txn(&mut txn, &set, id, now).await?;
        return Ok(Some((backup, false)));
    }
    if key.is_some() && key != other {
        return Ok(None);
    }
    let since = key.as_ref().map(|_| now);
    PIN.bind(tenant)
        .bind(id)
        .bind(key.clone().unwrap_or_default())
        .bind(since)
        .execute(&mut txn)
        .await?;
    let made = before.failing.is_some()
        && before.is_enabled()
        && again(&mut txn, ids, (tenant, id), context, now).await?;
    let backup = in_txn(&mut txn, &set, id, now).await?;
    let change = Change::new("device", "host_key_pin", id.0, &device.name);
    let (was, is) = (json!({ "host_key": pinned }), json!({ "host_key": key }));
    txn.commit([change.before(was).after(is)], now).await?;
    Ok(Some((backup, made)))
}
