//! What people do with alerts: look after them, and keep them silent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::extract::State;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AlertId, TenantId};
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Alert, Data, show};
use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::request::{Json, PathId, id, time};
use crate::evaluate::alerts::change::{Act, Acted, BULK_MAX, alert_act, alerts_act};
use crate::evaluate::alerts::{alert_get, alerts_known};
use crate::evaluate::patch;
use crate::identity::Access;
use crate::inventory::{InventoryError, require};

const NOTE_CHARS_MAX: usize = 500;
/// Longest silence: what nobody wants to hear of for longer is a rule to change.
const SILENCE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// A note of what is being done about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewAck {
    /// Up to 500 characters. If not given, one that is there stays.
    note: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewSilence {
    /// RFC 3339; 30 days from now at most.
    until: String,
    /// Up to 500 characters.
    note: Option<String>,
}

fn noted(note: Option<String>) -> Result<Option<String>, Error> {
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    let wrong = |note: &String| {
        let shown = |c: char| !c.is_control() || c == '\n';
        note.chars().count() > NOTE_CHARS_MAX || !note.chars().all(shown)
    };
    if note.as_ref().is_some_and(wrong) {
        let message = "has at most 500 characters, and no control characters but new lines";
        return Err(Error::field("note", message));
    }
    Ok(note)
}

fn silent_until(text: &str, now: Micros) -> Result<Micros, Error> {
    let message = "must be a time like 2026-11-21T03:37:18Z";
    let until = time("until", text).map_err(|_| Error::field("until", message))?;
    if until <= now || until > now.after(SILENCE_MAX) {
        return Err(Error::field("until", "must lie in the next 30 days"));
    }
    Ok(until)
}

async fn acted(
    state: AppState,
    caller: Caller,
    id: AlertId,
    act: impl FnOnce(Micros) -> Result<Act, Error>,
) -> Result<Data<Alert>, Error> {
    // An alert that is not theirs is told before any field is.
    let tenant = alert_get(&state.db, &caller.context, id).await?.tenant.id;
    require(&caller.context, tenant, Access::Write)?;
    let act = act(state.clock.now())?;
    to_the_end(async move {
        let _turn = state.live.turn(tenant).await;
        let now = state.clock.now();
        let of = (tenant, id);
        match alert_act(&state.db, &caller.context, &state.ids, of, &act, now).await? {
            Acted::Done(alert) => {
                state.live.alerts_changed(tenant, [patch::of_act(&alert)], now);
                Ok(Data { data: show(*alert) })
            }
            Acted::Unchanged(alert) => Ok(Data { data: show(*alert) }),
            Acted::Gone => Err(InventoryError::NotFound.into()),
            Acted::Resolved => {
                let detail = "This alert is resolved: there is nothing to look after.";
                Err(Error::new(StatusCode::CONFLICT, "alert_resolved", detail))
            }
        }
    })
    .await
}

/// Look after an alert
///
/// Nothing else changes: it stays in the list, and people are told when it is resolved.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/ack", tag = "alerts",
    params(("id" = String, Path)), request_body = NewAck,
    responses((status = 200, body = Data<Alert>)))]
pub(in crate::api) async fn alert_ack(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AlertId>,
    Json(body): Json<NewAck>,
) -> Result<Data<Alert>, Error> {
    acted(state, caller, id, |_| Ok(Act::Ack { note: noted(body.note)? })).await
}

/// Look after an alert no longer
#[utoipa::path(post, path = "/api/v1/alerts/{id}/unack", tag = "alerts",
    params(("id" = String, Path)), responses((status = 200, body = Data<Alert>)))]
pub(in crate::api) async fn alert_unack(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AlertId>,
) -> Result<Data<Alert>, Error> {
    acted(state, caller, id, |_| Ok(Act::Unack)).await
}

/// Tell nobody of an alert for a while
///
/// What becomes of it until then is not told later either.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/silence", tag = "alerts",
    params(("id" = String, Path)), request_body = NewSilence,
    responses((status = 200, body = Data<Alert>)))]
pub(in crate::api) async fn alert_silence(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AlertId>,
    Json(body): Json<NewSilence>,
) -> Result<Data<Alert>, Error> {
    let act = |now| {
        let until = silent_until(&body.until, now)?;
        Ok(Act::Silence { until, note: noted(body.note)? })
    };
    acted(state, caller, id, act).await
}

/// Tell people of an alert again
#[utoipa::path(post, path = "/api/v1/alerts/{id}/unsilence", tag = "alerts",
    params(("id" = String, Path)), responses((status = 200, body = Data<Alert>)))]
pub(in crate::api) async fn alert_unsilence(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AlertId>,
) -> Result<Data<Alert>, Error> {
    acted(state, caller, id, |_| Ok(Act::Unsilence)).await
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum AlertAct {
    Ack,
    Unack,
    Silence,
    Unsilence,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct AlertBulk {
    /// 200 at most.
    ids: Vec<String>,
    act: AlertAct,
    /// To `ack` and `silence`.
    note: Option<String>,
    /// To `silence`.
    until: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AlertBulkAnswer {
    alerts: Vec<AlertBulkItem>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AlertBulkItem {
    id: String,
    outcome: AlertOutcome,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum AlertOutcome {
    Done,
    /// It was so already.
    Unchanged,
    /// It is resolved: there was nothing to do.
    Resolved,
    /// There is no such alert, any more or for this caller.
    Gone,
}

impl AlertBulk {
    fn act(&self, now: Micros) -> Result<Act, Error> {
        let note = noted(self.note.clone())?;
        let of_ack = matches!(self.act, AlertAct::Ack | AlertAct::Silence);
        if note.is_some() && !of_ack {
            return Err(Error::field("note", "belongs to `ack` and `silence`"));
        }
        Ok(match (self.act, self.until.as_deref()) {
            (AlertAct::Silence, Some(until)) => {
                Act::Silence { until: silent_until(until, now)?, note }
            }
            (AlertAct::Silence, None) => {
                return Err(Error::field("until", "says how long they are silent"));
            }
            (_, Some(_)) => return Err(Error::field("until", "belongs to `silence`")),
            (AlertAct::Ack, None) => Act::Ack { note },
            (AlertAct::Unack, None) => Act::Unack,
            (AlertAct::Unsilence, None) => Act::Unsilence,
        })
    }
}

/// Do the same with many alerts
///
/// One after another: the answer says what became of each.
#[utoipa::path(post, path = "/api/v1/alerts/bulk", tag = "alerts", request_body = AlertBulk,
    responses((status = 200, body = Data<AlertBulkAnswer>)))]
pub(in crate::api) async fn alert_bulk(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<AlertBulk>,
) -> Result<Data<AlertBulkAnswer>, Error> {
    if body.ids.is_empty() || body.ids.len() > BULK_MAX {
        return Err(Error::field("ids", format!("must be 1 to {BULK_MAX}")));
    }
    let named: BTreeSet<AlertId> =
        body.ids.iter().map(|text| id(text)).collect::<Result<_, _>>()?;
    let named: Vec<_> = named.into_iter().collect();
    // One that is not theirs reads like one that is gone.
    let known = alerts_known(&state.db, &caller.context, &named).await?;
    let known: Vec<_> = known.iter().map(|alert| (alert.tenant.id, alert.id)).collect();
    let act = body.act(state.clock.now())?;
    to_the_end(async move {
        let tenants: BTreeSet<TenantId> = known.iter().map(|(tenant, _)| *tenant).collect();
        let mut turns = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            turns.push(state.live.turn(tenant).await);
        }
        let now = state.clock.now();
        let (db, ids) = (&state.db, &state.ids);
        let bulk = alerts_act(db, &caller.context, ids, &known, &act, now).await?;
        for (_, acted) in &bulk.done {
            if let Acted::Done(alert) = acted {
                state.live.alerts_changed(alert.tenant.id, [patch::of_act(alert)], now);
            }
        }
        drop(turns);
        if let Some(error) = bulk.failed {
            let done = bulk.done.iter().filter(|(_, acted)| matches!(acted, Acted::Done(_)));
            let more = format!("Before that, {} alerts were changed.", done.count());
            return Err(Error::from(error).and(&more));
        }
        let done: BTreeMap<_, _> = bulk.done.into_iter().collect();
        let alerts = named.iter().map(|id| AlertBulkItem {
            id: id.to_string(),
            outcome: match done.get(id) {
                Some(Acted::Done(_)) => AlertOutcome::Done,
                Some(Acted::Unchanged(_)) => AlertOutcome::Unchanged,
                Some(Acted::Resolved) => AlertOutcome::Resolved,
                Some(Acted::Gone) | None => AlertOutcome::Gone,
            },
        });
        Ok(Data { data: AlertBulkAnswer { alerts: alerts.collect() } })
    })
    .await
}
