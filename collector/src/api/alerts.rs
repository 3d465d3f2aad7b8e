//! Alerts: list, and one with why it fired and what happened with it.

pub(super) mod change;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Meta, Paging, Ref, Time, cursor};
use super::request::{Params, PathId, id, time};
use super::tenants::narrowed;
use crate::evaluate::alerts::{self, AlertFilter, Before, alert_history, alert_list, alerts_ended};
use crate::evaluate::metric::metric;
use crate::evaluate::rule::{Condition, Scope};
use crate::evaluate::rules::rule_get;
use crate::evaluate::seen::{Seen, Word};
use crate::evaluate::severity::Severity;
use crate::inventory::agent::agent_get;
use crate::inventory::device::device_get;
use crate::inventory::site::site_get;
use farwatch_common::clock::Micros;
use farwatch_common::id::AlertId;

const SEARCH_CHARS_MAX: usize = 200;

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AlertPhase {
    /// Wrong, and not yet for long enough.
    Pending,
    Firing,
    Resolved,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alert {
    id: String,
    tenant: Ref,
    /// By the name it had when the alert began.
    rule: Ref,
    /// `info`, `warning` or `critical`.
    severity: &'static str,
    site: Ref,
    agent: Ref,
    /// Null: it is about the agent itself.
    device: Option<Ref>,
    /// Of the device; empty is the device itself.
    object: String,
    /// What the object was called when it was heard of last; null where it has no name.
    object_name: Option<String>,
    phase: AlertPhase,
    /// It is open, and nobody can tell how it is now.
    unknown: bool,
    /// Why it ended, if not because it is well: `rule_changed`, `device_removed` and so on.
    cause: Option<String>,
    /// One line: what is wrong.
    summary: String,
    /// The last one that was wrong; null where the rule is about a state.
    value: Option<f64>,
    unit: Option<&'static str>,
    /// The last one that was wrong; null where the rule is about a metric.
    state: Option<AlertState>,
    /// Event times: wrong since, fired, heard of last, well since, resolved.
    began_at: Time,
    fired_at: Option<Time>,
    last_at: Time,
    well_at: Option<Time>,
    resolved_at: Option<Time>,
    /// Who looks after it.
    ack: Option<Ack>,
    /// Nobody is told of it until then.
    silenced_until: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertState {
    /// Of a device as in `GET /api/v1/devices`; of an interface `down`; of an agent `offline`.
    #[schema(value_type = String)]
    state: Word,
    /// What made it so, as in `GET /api/v1/devices`; null where that is not known.
    #[schema(value_type = Option<String>)]
    cause: Option<Word>,
}

/// In the place of a person, for a screen that hangs where anybody sees it.
pub(super) const SOMEBODY: &str = "somebody";

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ack {
    at: Time,
    /// `somebody`, and no note, for a screen on the wall.
    by: String,
    note: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertDetail {
    #[serde(flatten)]
    alert: Alert,
    evidence: AlertEvidence,
    /// The newest first; 200 at most.
    history: Vec<AlertHappened>,
}

/// Why it fired.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertEvidence {
    /// As it was.
    scope: Scope,
    condition: Condition,
    for_s: u32,
    resolve_after_s: u32,
    /// Wrong from, and until it fired; null while it is pending.
    from: Time,
    to: Option<Time>,
    /// Up to 32, the oldest first; those after it fired too.
    samples: Vec<AlertSample>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertSample {
    at: Time,
    /// Null where the rule is about a state.
    value: Option<f64>,
    /// Null where the rule is about a metric.
    #[schema(value_type = Option<String>)]
    state: Option<Word>,
    /// What made it so; null where that is not known.
    #[schema(value_type = Option<String>)]
    cause: Option<Word>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertHappened {
    /// By the collector's clock.
    at: Time,
    /// `fired`, `resolved`, `acked`, `unacked`, `silenced` or `unsilenced`.
    kind: String,
    /// Null: it came by itself.
    by: Option<AlertActor>,
    note: Option<String>,
    /// Silent until then.
    until: Option<Time>,
}

/// As they were called then.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlertActor {
    /// `user`, `api_key` or `local`.
    kind: String,
    name: String,
}

pub(super) fn show(row: alerts::Alert) -> Alert {
    let unit = row.as_it_was.condition.metric().and_then(metric).map(|metric| metric.unit);
    Alert {
        id: row.id.to_string(),
        tenant: row.tenant.into(),
        rule: row.rule.into(),
        severity: row.severity.name(),
        site: row.site.into(),
        agent: row.agent.into(),
        device: row.device.map(Into::into),
        object: row.object,
        object_name: Some(row.object_name).filter(|name| !name.is_empty()),
        phase: match row.phase.as_str() {
            "pending" => AlertPhase::Pending,
            "firing" => AlertPhase::Firing,
            _ => AlertPhase::Resolved,
        },
        unknown: row.unknown,
        cause: row.cause,
        summary: row.summary,
        value: row.wrong.value,
        unit,
        state: row.wrong.state.map(|state| AlertState { state, cause: row.wrong.cause }),
        began_at: Time(row.began_at),
        fired_at: row.fired_at.map(Time),
        last_at: Time(row.last_at),
        well_at: row.well_at.map(Time),
        resolved_at: row.resolved_at.map(Time),
        ack: row.acked.map(|acked| Ack { at: Time(acked.at), by: acked.by, note: acked.note }),
        silenced_until: row.silenced_until.map(Time),
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertQuery {
    tenant: Option<String>,
    /// `open` (not resolved), `pending`, `firing` or `resolved`; all if not given.
    phase: Option<String>,
    /// `info`, `warning` or `critical`.
    severity: Option<String>,
    site: Option<String>,
    device: Option<String>,
    agent: Option<String>,
    rule: Option<String>,
    /// Only those about the agent itself, not about a device.
    of_agent: Option<bool>,
    /// Those that were resolved at this time (RFC 3339) or later, the last that ended first, up to
    /// `limit`; goes with `tenant`, `agent` and `of_agent` only.
    resolved_from: Option<String>,
    /// Part of the name of a rule, site, agent, device or object.
    q: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Alerts, the newest first
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertQuery),
    responses((status = 200, body = List<Alert>)))]
pub(super) async fn alerts(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<AlertQuery>,
) -> Result<List<Alert>, Error> {
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let mut filter = checked(&query)?;
    if caller.screen.is_some() {
        if !matches!(filter.phase, "" | "open") || query.resolved_from.is_some() {
            let detail = "A screen on the wall shows open alerts only.";
            return Err(Error::forbidden("forbidden", detail));
        }
        filter.phase = "open";
    }
    if let Some(site) = &query.site {
        filter.site = Some(site_get(&state.db, &context, id(site)?).await?.id);
    }
    if let Some(device) = &query.device {
        filter.device = Some(device_get(&state.db, &context, id(device)?).await?.id);
    }
    if let Some(agent) = &query.agent {
        filter.agent = Some(agent_get(&state.db, &context, id(agent)?).await?.id);
    }
    if let Some(rule) = &query.rule {
        filter.rule = Some(rule_get(&state.db, &context, id(rule)?).await?.rule.id);
    }
    let paging = Paging { limit: query.limit, cursor: query.cursor.clone() };
    let limit = paging.limit()?;
    if let Some(from) = &query.resolved_from {
        let from = time("resolved_from", from)?;
        if query.is_narrowed() {
            let detail =
                "`resolved_from` goes with `tenant`, `agent`, `of_agent` and `limit` only.";
            return Err(Error::bad_request("bad_query", detail));
        }
        let of = (filter.agent, filter.of_agent);
        let ended = alerts_ended(&state.db, &context, from, of, limit).await?;
        let data = ended.into_iter().map(show).collect();
        return Ok(List { data, meta: Meta { next_cursor: None, total: None } });
    }
    let before = Before { id: paging.after()?, limit: limit + 1 };
    let mut found = alert_list(&state.db, &context, &filter, before).await?;
    let more = found.rows.len() > limit as usize;
    found.rows.truncate(limit as usize);
    let last = found.rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor(&row.id.0)).transpose()?;
    let mut data: Vec<Alert> = found.rows.into_iter().map(show).collect();
    if caller.screen.is_some() {
        for ack in data.iter_mut().filter_map(|alert| alert.ack.as_mut()) {
            (ack.by, ack.note) = (SOMEBODY.to_owned(), None);
        }
    }
    Ok(List { data, meta: Meta { next_cursor, total: Some(found.total) } })
}

impl AlertQuery {
    /// By more than what also narrows those that ended.
    fn is_narrowed(&self) -> bool {
        let texts = [&self.phase, &self.severity, &self.site, &self.device, &self.rule, &self.q];
        texts.into_iter().chain([&self.cursor]).any(Option::is_some)
    }
}

fn checked(query: &AlertQuery) -> Result<AlertFilter, Error> {
    let bad = |detail: &str| Err(Error::bad_request("bad_query", detail));
    let phase = match query.phase.as_deref() {
        None => "",
        Some("open") => "open",
        Some("pending") => "pending",
        Some("firing") => "firing",
        Some("resolved") => "resolved",
        Some(_) => return bad("`phase` must be open, pending, firing or resolved."),
    };
    let severity = query.severity.as_deref().map(Severity::from_name);
    if severity == Some(None) {
        return bad("`severity` must be info, warning or critical.");
    }
    let search = query.q.clone().unwrap_or_default();
    if search.chars().count() > SEARCH_CHARS_MAX || search.contains('\0') {
        return bad("`q` has at most 200 characters.");
    }
    let (severity, of_agent) = (severity.flatten(), query.of_agent.unwrap_or_default());
    Ok(AlertFilter { phase, severity, search, of_agent, ..AlertFilter::default() })
}

/// One alert, with why it fired
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path)),
    responses((status = 200, body = Data<AlertDetail>)))]
pub(super) async fn alert(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AlertId>,
) -> Result<Data<AlertDetail>, Error> {
    let (row, happened) = alert_history(&state.db, &caller.context, id).await?;
    let rule = row.as_it_was.clone();
    let sample = |(at, Seen { value, state, cause }): (Micros, Seen)| AlertSample {
        at: Time(at),
        value,
        state,
        cause,
    };
    let evidence = AlertEvidence {
        scope: rule.scope,
        condition: rule.condition,
        for_s: rule.for_s,
        resolve_after_s: rule.resolve_after_s,
        from: Time(row.began_at),
        to: row.fired_at.map(Time),
        samples: row.samples.iter().cloned().map(sample).collect(),
    };
    let history = happened.into_iter().map(|one| AlertHappened {
        at: Time(one.at),
        kind: one.kind,
        by: one.who.map(|(kind, _, name)| AlertActor { kind, name }),
        note: one.note,
        until: one.until.map(Time),
    });
    Ok(Data { data: AlertDetail { alert: show(row), evidence, history: history.collect() } })
}
