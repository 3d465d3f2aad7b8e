//! Who was told of an alert, and what a channel was told.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{List, Meta, Paging, Ref, Time, cursor};
use super::request::{Params, PathId};
use crate::notify::deliveries::{self, Before, deliveries_of_alert, deliveries_of_channel};
use farwatch_common::id::{AlertId, ChannelId};

/// Something that a channel was to be told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delivery {
    id: String,
    channel: Ref,
    /// The `webhook-id` of a webhook: the same at every attempt.
    key: String,
    /// Null: a test, or about another channel.
    alert: Option<String>,
    /// `alert.firing`, `alert.resolved`, `channel.failing` or `test`.
    event: &'static str,
    summary: String,
    state: DeliveryState,
    /// When it is tried again.
    next_at: Option<Time>,
    created_at: Time,
    ended_at: Option<Time>,
    /// The first one first.
    attempts: Vec<DeliveryAttempt>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DeliveryState {
    Queued,
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// As it is stored.
    const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryAttempt {
    at: Time,
    took_ms: i64,
    /// `delivered`, `refused`, `unreachable`, `timeout`, `forbidden` or `broken`.
    outcome: String,
    /// Of the answer, where there is one.
    status: Option<i64>,
    /// What went wrong, in words.
    detail: String,
}

pub(super) fn show(row: deliveries::Delivery) -> Delivery {
    let attempt = |tried: deliveries::Tried| DeliveryAttempt {
        at: Time(tried.at),
        took_ms: tried.took_ms,
        outcome: tried.outcome,
        status: tried.status,
        detail: tried.detail,
    };
    Delivery {
        id: row.id.to_string(),
        key: row.key,
        channel: row.channel.into(),
        alert: row.alert.map(|alert| alert.to_string()),
        event: row.event.name(),
        summary: row.summary,
        state: match row.state.as_str() {
            "delivered" => DeliveryState::Delivered,
            "queued" => DeliveryState::Queued,
            _ => DeliveryState::Failed,
        },
        next_at: row.next_at.map(Time),
        created_at: Time(row.created_at),
        ended_at: row.ended_at.map(Time),
        attempts: row.attempts.into_iter().map(attempt).collect(),
    }
}

/// Which deliveries of a channel are wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveryQuery {
    /// Only these; all if not given.
    #[param(inline)]
    state: Option<DeliveryState>,
    /// 1 to 1000; 100 if not given.
    limit: Option<u32>,
    cursor: Option<String>,
}

fn before(paging: &Paging) -> Result<Before, Error> {
    Ok(Before { id: paging.after()?, limit: paging.limit()? + 1 })
}

fn listed(mut rows: Vec<deliveries::Delivery>, paging: &Paging) -> Result<List<Delivery>, Error> {
    let limit = paging.limit()? as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor(&row.id.0)).transpose()?;
    let data = rows.into_iter().map(show).collect();
    Ok(List { data, meta: Meta { next_cursor, total: None } })
}

/// Who was told of an alert
#[utoipa::path(get, path = "/api/v1/alerts/{id}/deliveries", tag = "alerts",
    params(("id" = String, Path), Paging), responses((status = 200, body = List<Delivery>)))]
pub(super) async fn alert_deliveries(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AlertId>,
    Params(paging): Params<Paging>,
) -> Result<List<Delivery>, Error> {
    let rows = deliveries_of_alert(&state.db, &caller.context, id, before(&paging)?).await?;
    listed(rows, &paging)
}

/// What a channel was told
#[utoipa::path(get, path = "/api/v1/channels/{id}/deliveries", tag = "channels",
    params(("id" = String, Path), DeliveryQuery),
    responses((status = 200, body = List<Delivery>)))]
pub(super) async fn channel_deliveries(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Params(query): Params<DeliveryQuery>,
) -> Result<List<Delivery>, Error> {
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let of = (id, query.state.map(DeliveryState::name));
    let rows = deliveries_of_channel(&state.db, &caller.context, of, before(&paging)?).await?;
    listed(rows, &paging)
}
