//! The timeline of a device.

use std::cmp::Reverse;
use std::time::Duration;

use axum::extract::State;
use farwatch_common::id::DeviceId;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, Time};
use super::request::{Params, PathId, time};
use crate::evaluate::blind::{Unseen, unseen};
use crate::evaluate::states::Change;
use crate::evaluate::states::store::state_list;
use crate::evaluate::words::called;
use crate::history::timeline::{self as history, Item, Span, What};
use crate::inventory::device::device_get;
use crate::live::State as LiveState;

const ITEMS: u32 = 100;
const ITEMS_MAX: u32 = 500;
/// What is shown if no range is asked for.
const RANGE: Duration = Duration::from_secs(7 * 86_400);
/// Of so much, late readings are looked at.
const LATE_RANGE: Duration = Duration::from_secs(25 * 3_600);

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TimelineQuery {
    /// RFC 3339 or microseconds; a week before `to` if not given.
    from: Option<String>,
    /// Not included; now if not given.
    to: Option<String>,
    /// 1 to 500; 100 if not given.
    #[serde(default, deserialize_with = "limit")]
    limit: Option<u32>,
}

fn limit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    let text = String::deserialize(from)?;
    let limit = text.parse().ok().filter(|limit| (1..=ITEMS_MAX).contains(limit));
    limit.map(Some).ok_or_else(|| D::Error::custom(LIMIT_RULE))
}

const LIMIT_RULE: &str = "must be 1 to 500";

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Timeline {
    /// The newest first.
    items: Vec<TimelineItem>,
    /// Whether readings that came late were looked at: of up to 25 hours, if there are not too many.
    late_known: bool,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TimelineKind {
    AlertFired,
    AlertResolved,
    ConfigChanged,
    ConfigFailed,
    HostKeyChanged,
    Reboot,
    /// The device is in another state.
    StateChanged,
    /// What would have fired if its readings had not come late: nobody was told.
    FiredUnseen,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TimelineItem {
    at: Time,
    kind: TimelineKind,
    /// Of an alert.
    severity: Option<&'static str>,
    /// Of a changed state: `up`, `degraded`, `down` or `unknown`.
    state: Option<&'static str>,
    /// One line.
    text: String,
    /// What it is about, as far as there is something.
    alert: Option<String>,
    version: Option<String>,
    job: Option<String>,
}

fn show(item: Item) -> TimelineItem {
    let (mut severity, mut alert, mut version, mut job) = (None, None, None, None);
    let kind = match item.what {
        What::AlertFired { alert: id, severity: of } => {
            (severity, alert) = (Some(of), Some(id.to_string()));
            TimelineKind::AlertFired
        }
        What::AlertResolved { alert: id, severity: of } => {
            (severity, alert) = (Some(of), Some(id.to_string()));
            TimelineKind::AlertResolved
        }
        What::ConfigChanged { version: id, job: of } => {
            (version, job) = (Some(id.to_string()), Some(of.to_string()));
            TimelineKind::ConfigChanged
        }
        What::ConfigFailed { job: id } => {
            job = Some(id.to_string());
            TimelineKind::ConfigFailed
        }
        What::HostKeyChanged { job: id } => {
            job = Some(id.to_string());
            TimelineKind::HostKeyChanged
        }
        What::Reboot => TimelineKind::Reboot,
    };
    let (at, text, state) = (Time(item.at), item.text, None);
    TimelineItem { at, kind, severity, state, text, alert, version, job }
}

fn show_unseen(one: Unseen) -> TimelineItem {
    let Unseen { rule: (_, rule), severity, opened } = one;
    let part = called(&opened.object, &opened.object_name);
    let of = if part.is_empty() { "" } else { " of " };
    TimelineItem {
        at: Time(opened.fired_at),
        kind: TimelineKind::FiredUnseen,
        severity: Some(severity.name()),
        state: None,
        text: format!("Came late, nobody was told: {rule}{of}{part}"),
        alert: None,
        version: None,
        job: None,
    }
}

fn show_state(change: &Change) -> TimelineItem {
    let now = match change.state {
        LiveState::Up => "Up",
        LiveState::Degraded => "Degraded",
        LiveState::Down => "Down",
        LiveState::Unknown => "Unknown",
    };
    let was = change.was.map_or("seen for the first time".to_owned(), |was| match was {
        LiveState::Unknown => "nobody could tell before".to_owned(),
        was => format!("was {}", was.name()),
    });
    TimelineItem {
        at: Time(change.at),
        kind: TimelineKind::StateChanged,
        severity: None,
        state: Some(change.state.name()),
        text: format!("{now}; {was}"),
        alert: None,
        version: None,
        job: None,
    }
}

/// What happened with a device: its state, alerts, its configuration, restarts
#[utoipa::path(get, path = "/api/v1/devices/{id}/timeline", tag = "devices",
    params(("id" = String, Path), TimelineQuery),
    responses((status = 200, body = Data<Timeline>)))]
pub(super) async fn timeline(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Params(query): Params<TimelineQuery>,
) -> Result<Data<Timeline>, Error> {
    let row = device_get(&state.db, &caller.context, id).await?;
    let (device, tenant) = (row.id, row.tenant.id);
    let to = query.to.map_or(Ok(state.clock.now()), |text| time("to", &text))?;
    let from = query.from.map_or(Ok(to.before(RANGE)), |text| time("from", &text))?;
    let limit = query.limit.unwrap_or(ITEMS);
    if from >= to {
        return Err(Error::bad_request("bad_query", "`from` must be before `to`."));
    }
    let span = Span { from, to, limit };
    let items = history::timeline(&state.db, &state.samples, &caller.context, device, span).await?;
    let mut items: Vec<_> = items.into_iter().map(show).collect();
    let changes = state_list(&state.db, &caller.context, device, (from, to), limit).await?;
    items.extend(changes.iter().map(show_state));
    let place = state.own.replays.take(tenant).filter(|_| to.since(from) <= LATE_RANGE);
    let late = match place {
        None => None,
        Some(_place) => {
            let sources = (&state.live, &state.samples);
            unseen(&state.db, &caller.context, sources, device, (from, to)).await?
        }
    };
    let late_known = late.is_some();
    items.extend(late.into_iter().flatten().map(show_unseen));
    items.sort_by_key(|item| Reverse(item.at.0));
    items.truncate(limit as usize);
    Ok(Data { data: Timeline { items, late_known } })
}
