//! How devices are backed up: the policy of a tenant, and what differs for one device. No answer shows
//! a secret.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::config_jobs::{self, ConfigJob};
use super::error::{Error, FieldError};
use super::guard::Caller;
use super::reply::{Data, Ref, Time};
use super::request::{Json, Params, PathId, id, or_null};
use super::snmp::Wrong;
use super::ssh::NewSshLogin;
use super::tenants::tenant_named;
use super::{AppState, Parts};
use crate::history::backup::{
    self, BackupPatch, Failing, HostKey, Why, backup_get, backup_patch, host_key_pin,
};
use crate::history::mirror::health::{MirrorHealth, MirrorState};
use crate::history::policy::{
    EVERY_S_MAX, EVERY_S_MIN, KEEP_DAYS_MAX, KEEP_VERSIONS_MAX, Kept, PER_SITE_MAX, Policy,
    policy_get, policy_put,
};
use crate::history::schedule::{MINUTES_OF_DAY, Window};
use crate::identity::{Access, TenantContext};
use crate::inventory::device::device_get;
use crate::inventory::require;
use farwatch_common::id::{DeviceId, TenantId};
use farwatch_common::task::to_the_end;

const PLATFORM_CHARS_MAX: usize = 32;

/// Hours and minutes in UTC, the end not included. From may be later than to: it passes midnight.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BackupWindow {
    /// `HH:MM`.
    from: String,
    /// `HH:MM`.
    to: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BackupPolicy {
    tenant: Ref,
    /// False: only devices that say so themselves.
    enabled: bool,
    every_s: u32,
    /// Null: at any time.
    window: Option<BackupWindow>,
    /// Fetches of one site at a time.
    per_site_max: u32,
    /// A version goes when it is older than this, and only beyond `keep_versions` of its device.
    keep_days: u32,
    keep_versions: u32,
    /// Nobody chose it.
    is_default: bool,
    /// Of the tenant's configurations in Git.
    mirror: BackupMirror,
}

/// How the Git mirror of a tenant stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BackupMirror {
    state: BackupMirrorState,
    /// What to do, one sentence, where it waits for something.
    detail: Option<&'static str>,
    /// The time of its last commit; null: there is none, or nobody has looked since the start.
    last_commit_at: Option<Time>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BackupMirrorState {
    Ok,
    Waiting,
    /// The collector's file does not ask for mirrors.
    Off,
}

fn show_mirror(health: MirrorHealth) -> BackupMirror {
    let MirrorHealth { state, detail, last_commit_at } = health;
    BackupMirror {
        state: match state {
            MirrorState::Ok => BackupMirrorState::Ok,
            MirrorState::Waiting => BackupMirrorState::Waiting,
            MirrorState::Off => BackupMirrorState::Off,
        },
        detail,
        last_commit_at: last_commit_at.map(Time),
    }
}

/// All of it: what is not there is refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBackupPolicy {
    tenant: String,
    enabled: bool,
    /// 900 to 2678400: 15 minutes to 31 days.
    every_s: u32,
    window: Option<BackupWindow>,
    /// 1 to 64.
    per_site_max: u32,
    /// 1 to 3650.
    keep_days: u32,
    /// 1 to 1000.
    keep_versions: u32,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OneTenant {
    tenant: String,
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The minute of the day of `HH:MM`.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| -> Option<u16> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute < MINUTES_OF_DAY).then_some(minute)
}

fn show_policy(state: &AppState, kept: Kept) -> BackupPolicy {
    let Kept { tenant, policy, is_default } = kept;
    let mirror = show_mirror(state.mirrors.of(tenant.id));
    let window = policy.window;
    BackupPolicy {
        tenant: tenant.into(),
        enabled: policy.enabled,
        every_s: policy.every_s,
        window: window.map(|of| BackupWindow { from: clock(of.from_min), to: clock(of.to_min) }),
        per_site_max: policy.per_site_max,
        keep_days: policy.keep_days,
        keep_versions: policy.keep_versions,
        is_default,
        mirror,
    }
}

/// How the devices of a tenant are backed up
#[utoipa::path(get, path = "/api/v1/backup-policy", tag = "backups", params(OneTenant),
    responses((status = 200, body = Data<BackupPolicy>)))]
pub(super) async fn backup_policy(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OneTenant>,
) -> Result<Data<BackupPolicy>, Error> {
    let tenant: TenantId = id(&query.tenant)?;
    require(&caller.context, tenant, Access::Read)?;
    let kept = policy_get(&state.db, &caller.context, tenant).await?;
    Ok(Data { data: show_policy(&state, kept) })
}

/// Choose how the devices of a tenant are backed up
#[utoipa::path(put, path = "/api/v1/backup-policy", tag = "backups",
    request_body = NewBackupPolicy, responses((status = 200, body = Data<BackupPolicy>)))]
pub(super) async fn backup_policy_put(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewBackupPolicy>,
) -> Result<Data<BackupPolicy>, Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Admin)?;
    let policy = checked_policy(&body)?;
    to_the_end(async move {
        let now = state.clock.now();
        let kept = policy_put(&state.db, &caller.context, (tenant, &policy), now).await?;
        state.jobs.notify();
        Ok(Data { data: show_policy(&state, kept) })
    })
    .await
}

fn checked_policy(body: &NewBackupPolicy) -> Result<Policy, Error> {
    let mut errors = Vec::new();
    let mut within = |field: &str, value: u32, (least, most): (u32, u32)| {
        if !(least..=most).contains(&value) {
            let message = format!("must be {least} to {most}");
            errors.push(FieldError { field: field.to_owned(), message });
        }
    };
    within("every_s", body.every_s, (EVERY_S_MIN, EVERY_S_MAX));
    within("per_site_max", body.per_site_max, (1, PER_SITE_MAX));
    within("keep_days", body.keep_days, (1, KEEP_DAYS_MAX));
    within("keep_versions", body.keep_versions, (1, KEEP_VERSIONS_MAX));
    let window = body.window.as_ref().map(|window| (minute(&window.from), minute(&window.to)));
    let window = match window {
        Some((Some(from_min), Some(to_min))) if from_min != to_min => {
            Some(Window { from_min, to_min })
        }
        Some(_) => {
            let message = "must be two times of the day in UTC, `HH:MM`, that differ".to_owned();
            errors.push(FieldError { field: "window".to_owned(), message });
            None
        }
        None => None,
    };
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    Ok(Policy {
        enabled: body.enabled,
        every_s: body.every_s,
        window,
        per_site_max: body.per_site_max,
        keep_days: body.keep_days,
        keep_versions: body.keep_versions,
    })
}

/// What decides whether a device is backed up.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BackupWhy {
    Device,
    Policy,
    /// Nobody can log in.
    NoLogin,
    /// Its agent does not know how.
    AgentTooOld,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BackupEffective {
    enabled: bool,
    why: BackupWhy,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LoginSource {
    Device,
    Profile,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BackupLogin {
    from: LoginSource,
    /// Whose login it is, if it is a profile's.
    profile: Option<Ref>,
    user: String,
    has_password: bool,
    has_key: bool,
    has_enable: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BackupFailing {
    cause: String,
    /// What to do about it, one sentence.
    advice: Option<String>,
    since: Time,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceBackup {
    /// Null: as the policy says.
    enabled: Option<bool>,
    effective: BackupEffective,
    port: u16,
    /// Empty: it is recognised.
    platform: String,
    /// Algorithms that are broken are offered, too.
    legacy: bool,
    /// Null: there is none.
    login: Option<BackupLogin>,
    /// `SHA256:…`, pinned by the first fetch.
    host_key: Option<String>,
    host_key_at: Option<Time>,
    /// Another one that it has shown since.
    other_key: Option<String>,
    other_key_at: Option<Time>,
    /// Null: never, as things are.
    next_at: Option<Time>,
    fetched_at: Option<Time>,
    failing: Option<BackupFailing>,
    /// The open one, or the last.
    job: Option<ConfigJob>,
}

async fn shown(
    state: &AppState,
    context: &TenantContext,
    mut row: backup::Backup,
) -> Result<Data<DeviceBackup>, Error> {
    let job = match row.job.take() {
        Some(job) => Some(config_jobs::shown(state, context, job).await?),
        None => None,
    };
    Ok(Data { data: show(row, job) })
}

fn show(row: backup::Backup, job: Option<ConfigJob>) -> DeviceBackup {
    let key = |of: Option<HostKey>| match of {
        Some(HostKey { key, at }) => (Some(key), at.map(Time)),
        None => (None, None),
    };
    let ((host_key, host_key_at), (other_key, other_key_at)) =
        (key(row.host_key), key(row.other_key));
    let login = row.login.map(|login| BackupLogin {
        from: if login.profile.is_some() { LoginSource::Profile } else { LoginSource::Device },
        profile: login.profile.map(Into::into),
        user: login.about.user,
        has_password: login.about.has_password,
        has_key: login.about.has_key,
        has_enable: login.about.has_enable,
    });
    let why = match row.effective.1 {
        Why::Device => BackupWhy::Device,
        Why::Policy => BackupWhy::Policy,
        Why::NoLogin => BackupWhy::NoLogin,
        Why::AgentTooOld => BackupWhy::AgentTooOld,
    };
    DeviceBackup {
        enabled: row.setting.enabled,
        effective: BackupEffective { enabled: row.effective.0, why },
        port: row.setting.port,
        platform: row.setting.platform,
        legacy: row.setting.legacy,
        login,
        host_key,
        host_key_at,
        other_key,
        other_key_at,
        next_at: row.next_at.map(Time),
        fetched_at: row.fetched_at.map(Time),
        failing: row.failing.map(|Failing { cause, advice, since }| BackupFailing {
            cause,
            advice,
            since: Time(since),
        }),
        job,
    }
}

/// How a device is backed up, and what came of it
#[utoipa::path(get, path = "/api/v1/devices/{id}/backup", tag = "backups",
    params(("id" = String, Path)), responses((status = 200, body = Data<DeviceBackup>)))]
pub(super) async fn device_backup(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Data<DeviceBackup>, Error> {
    let row = backup_get(&state.db, &caller.context, id, state.clock.now()).await?;
    shown(&state, &caller.context, row).await
}

/// What is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceBackupChange {
    /// Null: as the policy says.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<bool>)]
    enabled: Option<Option<bool>>,
    /// 1 to 65535.
    port: Option<u16>,
    /// An id of the agent's platforms, `ios` for instance; empty: it is recognised.
    platform: Option<String>,
    /// Whether algorithms that are broken are offered, too.
    legacy: Option<bool>,
    /// A login of its own; null takes it away, and a credential profile's counts.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<NewSshLogin>)]
    login: Option<Option<NewSshLogin>>,
}

/// Change how a device is backed up
///
/// One that fails is fetched again at once.
#[utoipa::path(patch, path = "/api/v1/devices/{id}/backup", tag = "backups",
    params(("id" = String, Path)), request_body = DeviceBackupChange,
    responses((status = 200, body = Data<DeviceBackup>)))]
pub(super) async fn device_backup_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(device): PathId<DeviceId>,
    Json(body): Json<DeviceBackupChange>,
) -> Result<Data<DeviceBackup>, Error> {
    // A device that is not theirs is told before any field is.
    let tenant = device_get(&state.db, &caller.context, device).await?.tenant.id;
    require(&caller.context, tenant, Access::Admin)?;
    let patch = checked(body)?;
    to_the_end(async move {
        let Parts { db, vault, ids, clock, .. } = &*state;
        let of = (device, &patch);
        let (row, _) = backup_patch(db, (vault, ids), &caller.context, of, clock.now()).await?;
        state.jobs.notify();
        shown(&state, &caller.context, row).await
    })
    .await
}

fn checked(body: DeviceBackupChange) -> Result<BackupPatch, Error> {
    let mut wrong = Wrong::default();
    if body.port == Some(0) {
        wrong.tell("port", "must be 1 to 65535");
    }
    let is_platform = |text: &str| {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        text.len() <= PLATFORM_CHARS_MAX && text.bytes().all(letter)
    };
    if body.platform.as_deref().is_some_and(|text| !is_platform(text)) {
        wrong.tell("platform", "must be at most 32 small letters and digits, `routeros` for one");
    }
    let login = match body.login {
        Some(Some(login)) => Some(wrong.login(login)),
        Some(None) => Some(None),
        None => None,
    };
    let DeviceBackupChange { enabled, port, platform, legacy, .. } = body;
    let patch = BackupPatch { enabled, port, platform, legacy, login };
    wrong.or(patch).map_err(Error::invalid)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PinnedHostKey {
    /// The `other_key` of the device; empty: the next one that it shows.
    host_key: String,
}

/// Pin the other host key that a device has shown
///
/// Only where the device was replaced: otherwise somebody may be in between. It is fetched again at
/// once.
#[utoipa::path(post, path = "/api/v1/devices/{id}/backup/host-key", tag = "backups",
    params(("id" = String, Path)), request_body = PinnedHostKey,
    responses((status = 200, body = Data<DeviceBackup>)))]
pub(super) async fn device_host_key(
    State(state): State<AppState>,
    caller: Caller,
    PathId(device): PathId<DeviceId>,
    Json(body): Json<PinnedHostKey>,
) -> Result<Data<DeviceBackup>, Error> {
    to_the_end(async move {
        let key = Some(body.host_key.as_str()).filter(|key| !key.is_empty());
        let Parts { db, ids, clock, .. } = &*state;
        let pinned = host_key_pin(db, ids, &caller.context, (device, key), clock.now()).await?;
        let Some((row, _)) = pinned else {
            let message = "is not the `other_key` that the device has shown last";
            return Err(Error::field("host_key", message));
        };
        state.jobs.notify();
        shown(&state, &caller.context, row).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_day_have_one_form() {
        for text in ["00:00", "07:30", "23:59"] {
            assert_eq!(minute(text).map(clock).as_deref(), Some(text));
        }
        for text in ["24:00", "7:30", "12:60", "+1:00", "12", "12:3 ", "12:30:00", ""] {
            assert_eq!(minute(text), None, "{text}");
        }
    }
}
