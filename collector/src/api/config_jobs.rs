//! Jobs that fetch configurations: ask for one, see how they stand, take one back that waits.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::commands::NoWishes;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Meta, Paging, Ref, Time, cursor};
use super::request::{MaybeJson, Params, PathId, id, time};
use super::tenants::narrowed;
use super::{AppState, Parts};
use crate::history::job::cancel::{Cancel, job_cancel};
use crate::history::job::waits::{Running, Waits};
use crate::history::job::{self, Asked, JobFilter, job_ask, job_get, job_list, jobs_changed};
use crate::history::schedule::Reason;
use crate::identity::TenantContext;
use crate::inventory::device::device_get;
use crate::inventory::site::site_get;
use crate::live::State as LiveState;
use farwatch_common::id::{ConfigJobId, DeviceId};
use farwatch_common::task::to_the_end;

/// Why there is a job.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConfigJobReason {
    Schedule,
    Manual,
    /// Something of the device has changed, or it was restarted.
    Hint,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConfigJobState {
    Queued,
    /// Its agent was told.
    Running,
    Done,
    Failed,
}

/// What a queued job waits for.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConfigJobWaits {
    AgentOffline,
    /// As many of the site, or of its agent, are running as may be; those at agents that are away do not
    /// count.
    SiteFull,
    Window,
}

/// Fetching the configuration of a device once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigJob {
    id: String,
    tenant: Ref,
    site: Ref,
    device: Ref,
    agent: Ref,
    reason: ConfigJobReason,
    asked_by: Option<String>,
    state: ConfigJobState,
    waits: Option<ConfigJobWaits>,
    created_at: Time,
    started_at: Option<Time>,
    ended_at: Option<Time>,
    /// Of one that failed.
    cause: Option<String>,
    /// What to do about the cause, one sentence.
    advice: Option<String>,
    /// What it found, of one that is done.
    version: Option<String>,
    /// Whether that is new.
    changed: Option<bool>,
    /// Of an outcome that is on its way here, and how far it is.
    bytes: Option<u64>,
    kept_bytes: Option<u64>,
}

/// What jobs that are queued may wait for, if there are any among these.
async fn running(
    state: &AppState,
    context: &TenantContext,
    rows: &[job::Job],
) -> Result<Running, Error> {
    if !rows.iter().any(job::Job::is_queued) {
        return Ok(Running::default());
    }
    Ok(Running::read(&state.db, context).await?)
}

/// A job as clients see it now.
pub(super) async fn shown(
    state: &AppState,
    context: &TenantContext,
    row: job::Job,
) -> Result<ConfigJob, Error> {
    let running = running(state, context, std::slice::from_ref(&row)).await?;
    Ok(show(state, &running, row))
}

fn show(state: &AppState, running: &Running, row: job::Job) -> ConfigJob {
    let is_there = |agent| {
        let agent = state.live.agent(row.tenant.id, agent);
        agent.is_some_and(|agent| agent.state == LiveState::Up)
    };
    let waits = row.waits(running, is_there, state.clock.now()).map(|waits| match waits {
        Waits::AgentOffline => ConfigJobWaits::AgentOffline,
        Waits::Window => ConfigJobWaits::Window,
        Waits::SiteFull => ConfigJobWaits::SiteFull,
    });
    ConfigJob {
        id: row.id.to_string(),
        tenant: row.tenant.into(),
        site: row.site.into(),
        device: row.device.into(),
        agent: row.agent.into(),
        reason: match row.reason {
            Reason::Schedule => ConfigJobReason::Schedule,
            Reason::Manual => ConfigJobReason::Manual,
            Reason::Hint => ConfigJobReason::Hint,
        },
        asked_by: row.asked_by,
        state: match row.state.as_str() {
            "queued" => ConfigJobState::Queued,
            "running" => ConfigJobState::Running,
            "done" => ConfigJobState::Done,
            _ => ConfigJobState::Failed,
        },
        waits,
        created_at: Time(row.created_at),
        started_at: row.started_at.map(Time),
        ended_at: row.ended_at.map(Time),
        cause: row.cause,
        advice: row.advice,
        version: row.version.map(|version| version.to_string()),
        changed: row.changed,
        bytes: row.bytes,
        kept_bytes: row.kept_bytes,
    }
}

/// Fetch the configuration of a device now
///
/// Answers at once: the job tells what comes of it. A device has one open job at a time; where there
/// is one, that is the answer, with 200, and if it waited for its window it does not any more.
#[utoipa::path(post, path = "/api/v1/devices/{id}/backup/run", tag = "backups",
    params(("id" = String, Path)), request_body = Option<NoWishes>,
    responses((status = 202, body = Data<ConfigJob>), (status = 200, body = Data<ConfigJob>)))]
pub(super) async fn device_backup_run(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    _: MaybeJson<NoWishes>,
) -> Result<(StatusCode, Data<ConfigJob>), Error> {
    to_the_end(async move {
        let Parts { db, ids, clock, .. } = &*state;
        let (status, job) = match job_ask(db, &caller.context, ids, id, clock.now()).await? {
            Asked::Made(job) => (StatusCode::ACCEPTED, job),
            Asked::Open(job) => (StatusCode::OK, job),
            Asked::NoLogin => {
                let detail = "Nobody can log in to this device: give it a login, or make a \
                              credential profile with one.";
                return Err(Error::new(StatusCode::CONFLICT, "no_login", detail));
            }
        };
        state.jobs.notify();
        Ok((status, Data { data: shown(&state, &caller.context, job).await? }))
    })
    .await
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConfigJobQuery {
    tenant: Option<String>,
    site: Option<String>,
    device: Option<String>,
    /// `open` (queued or running), `queued`, `running`, `done` or `failed`; all if not given.
    state: Option<String>,
    /// Those that brought another configuration at this time (RFC 3339) or later, the last that ended
    /// first, up to `limit`; goes with `tenant` only.
    changed_from: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Jobs that fetch configurations, the newest first
#[utoipa::path(get, path = "/api/v1/config-jobs", tag = "backups", params(ConfigJobQuery),
    responses((status = 200, body = List<ConfigJob>)))]
pub(super) async fn config_jobs(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<ConfigJobQuery>,
) -> Result<List<ConfigJob>, Error> {
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let wanted = match query.state.as_deref() {
        None => "",
        Some("open") => "open",
        Some("queued") => "queued",
        Some("running") => "running",
        Some("done") => "done",
        Some("failed") => "failed",
        Some(_) => {
            let detail = "`state` must be open, queued, running, done or failed.";
            return Err(Error::bad_request("bad_query", detail));
        }
    };
    let device = match &query.device {
        Some(device) => Some(device_get(&state.db, &context, id(device)?).await?.id),
        None => None,
    };
    let site = match &query.site {
        Some(site) => Some(site_get(&state.db, &context, id(site)?).await?.id),
        None => None,
    };
    let filter = JobFilter { site, device, state: wanted };
    let is_narrowed = [&query.site, &query.device, &query.state, &query.cursor];
    let is_narrowed = is_narrowed.into_iter().any(Option::is_some);
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let limit = paging.limit()?;
    if let Some(from) = &query.changed_from {
        let from = time("changed_from", from)?;
        if is_narrowed {
            let detail = "`changed_from` goes with `tenant` and `limit` only.";
            return Err(Error::bad_request("bad_query", detail));
        }
        let rows = jobs_changed(&state.db, &context, from, limit).await?;
        let running = running(&state, &caller.context, &rows).await?;
        let data = rows.into_iter().map(|row| show(&state, &running, row)).collect();
        return Ok(List { data, meta: Meta { next_cursor: None, total: None } });
    }
    let mut rows = job_list(&state.db, &context, &filter, (paging.after()?, limit + 1)).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor(&row.id.0)).transpose()?;
    let running = running(&state, &caller.context, &rows).await?;
    let data = rows.into_iter().map(|row| show(&state, &running, row)).collect();
    Ok(List { data, meta: Meta { next_cursor, total: None } })
}

/// One job that fetches a configuration
#[utoipa::path(get, path = "/api/v1/config-jobs/{id}", tag = "backups",
    params(("id" = String, Path)), responses((status = 200, body = Data<ConfigJob>)))]
pub(super) async fn config_job(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ConfigJobId>,
) -> Result<Data<ConfigJob>, Error> {
    let job = job_get(&state.db, &caller.context, id).await?;
    Ok(Data { data: shown(&state, &caller.context, job).await? })
}

/// Take back a job that waits
///
/// It ends as `failed` by the cause `cancelled`, which counts as no failure; the schedule goes on with
/// the next slot of the device. What is running is not taken back: it ends by itself.
#[utoipa::path(post, path = "/api/v1/config-jobs/{id}/cancel", tag = "backups",
    params(("id" = String, Path)), request_body = Option<NoWishes>,
    responses((status = 200, body = Data<ConfigJob>)))]
pub(super) async fn config_job_cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ConfigJobId>,
    _: MaybeJson<NoWishes>,
) -> Result<Data<ConfigJob>, Error> {
    to_the_end(async move {
        let now = state.clock.now();
        let (code, detail) = match job_cancel(&state.db, &caller.context, id, now).await? {
            Cancel::Done(job) => {
                state.jobs.notify();
                return Ok(Data { data: shown(&state, &caller.context, *job).await? });
            }
            Cancel::Running => (
                "job_running",
                "The agent is fetching this configuration already: wait for its end.",
            ),
            Cancel::Ended => ("job_ended", "This job has ended: there is nothing to take back."),
        };
        Err(Error::new(StatusCode::CONFLICT, code, detail))
    })
    .await
}
