//! Channels: where people are told. No answer shows a URL or a password: of a URL the host is shown,
//! and the key that signs a webhook goes out once, when it is made.

mod body;

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::deliveries::{self, Delivery};
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Ref, Time, listed, shown_once};
use super::request::{Json, Params, PathId};
use super::tenants::{OfTenant, tenant_named};
use crate::identity::Access;
use crate::inventory::require;
use crate::notify::channel::{
    self, channel_create, channel_delete, channel_get, channel_list, channel_patch, channel_test,
};
use crate::notify::core::{Health, health};
use crate::notify::deliveries::delivery_get;
use crate::notify::settings::Kind;
use body::{ChannelChange, NewChannelBody};
use farwatch_common::clock::Micros;
use farwatch_common::id::ChannelId;
use farwatch_common::secret::Secret;
use farwatch_common::task::to_the_end;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChannelKind {
    Email,
    Webhook,
    Slack,
    Mqtt,
}

impl From<Kind> for ChannelKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Email => Self::Email,
            Kind::Webhook => Self::Webhook,
            Kind::Slack => Self::Slack,
            Kind::Mqtt => Self::Mqtt,
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ChannelState {
    /// Nothing has failed since something was delivered.
    Ok,
    /// What was sent last failed, and is tried again.
    Retrying,
    /// It takes nothing for a quarter of an hour or longer.
    Failing,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Channel {
    id: String,
    name: String,
    tenant: Ref,
    kind: ChannelKind,
    /// Not enabled: nothing new goes there, and what waits stays.
    enabled: bool,
    state: ChannelState,
    failing_since: Option<Time>,
    /// What waits to be told, or to be tried again.
    waiting: i64,
    /// Other channels of the tenant were told that this one fails.
    failing_told: bool,
    /// When something that it was to be told was given up last.
    gave_up_at: Option<Time>,
    /// When something was to be told last, tests too; null: nothing yet.
    last_told_at: Option<Time>,
    /// Receivers of mail.
    to: Vec<String>,
    /// Host and port of a webhook's, Slack's or a broker's; the rest of a URL is secret.
    host: Option<String>,
    /// Keys that sign a webhook: two while one is exchanged.
    keys: usize,
    mqtt: Option<ChannelBroker>,
    created_at: Time,
    updated_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelBroker {
    tls: bool,
    topic: String,
    user: Option<String>,
}

/// A channel, and its new key. Has no `Debug`.
#[derive(Serialize, ToSchema)]
pub(super) struct ChannelMade {
    #[serde(flatten)]
    channel: Channel,
    /// What the receiver checks the signature of a webhook by: shown this once.
    secret: Option<String>,
}

impl axum::response::IntoResponse for ChannelMade {
    fn into_response(self) -> axum::response::Response {
        axum::Json(self).into_response()
    }
}

fn show(row: channel::Channel, now: Micros) -> Channel {
    let broker = row.settings.broker;
    let host = match &broker {
        Some(broker) => format!("{}:{}", broker.host, broker.port),
        None => row.settings.host,
    };
    Channel {
        id: row.id.to_string(),
        name: row.name,
        tenant: row.tenant.into(),
        kind: row.kind.into(),
        enabled: row.enabled,
        state: match health(row.failing_since, now) {
            Health::Ok => ChannelState::Ok,
            Health::Retrying => ChannelState::Retrying,
            Health::Failing => ChannelState::Failing,
        },
        failing_since: row.failing_since.map(Time),
        waiting: row.waiting,
        failing_told: row.failing_told,
        gave_up_at: row.gave_up_at.map(Time),
        last_told_at: row.last_told_at.map(Time),
        to: row.settings.to,
        host: Some(host).filter(|host| !host.is_empty()),
        keys: row.settings.keys,
        mqtt: broker.map(|broker| ChannelBroker {
            tls: broker.tls,
            topic: broker.topic,
            user: broker.user,
        }),
        created_at: Time(row.created_at),
        updated_at: Time(row.updated_at),
    }
}

fn made(row: channel::Channel, key: Option<&Secret>, now: Micros) -> Data<ChannelMade> {
    Data { data: ChannelMade { channel: show(row, now), secret: key.map(shown_once) } }
}

/// Channels
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels", params(OfTenant),
    responses((status = 200, body = List<Channel>)))]
pub(super) async fn channels(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<Channel>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let rows = channel_list(&state.db, &context, &paging.page()?).await?;
    let now = state.clock.now();
    listed(rows, &paging, |row| (row.name.clone(), row.id.0), |row| show(row, now))
}

/// Make a channel
#[utoipa::path(post, path = "/api/v1/channels", tag = "channels", request_body = NewChannelBody,
    responses((status = 201, body = Data<ChannelMade>)))]
pub(super) async fn channel_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewChannelBody>,
) -> Result<(StatusCode, Data<ChannelMade>), Error> {
    let tenant = tenant_named(&caller.context, body.tenant(), Access::Admin)?;
    let (new, key) = body.checked(tenant, &state.courier.sender().connector.guard)?;
    let (vault, now) = (&state.vault, state.clock.now());
    let row = channel_create(&state.db, vault, &caller.context, &state.ids, &new, now).await?;
    Ok((StatusCode::CREATED, made(row, key.as_ref(), now)))
}

/// One channel
#[utoipa::path(get, path = "/api/v1/channels/{id}", tag = "channels",
    params(("id" = String, Path)), responses((status = 200, body = Data<Channel>)))]
pub(super) async fn channel(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Data<Channel>, Error> {
    let row = channel_get(&state.db, &caller.context, id).await?;
    Ok(Data { data: show(row, state.clock.now()) })
}

/// Change a channel
#[utoipa::path(patch, path = "/api/v1/channels/{id}", tag = "channels",
    params(("id" = String, Path)), request_body = ChannelChange,
    responses((status = 200, body = Data<ChannelMade>)))]
pub(super) async fn channel_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
    Json(body): Json<ChannelChange>,
) -> Result<Data<ChannelMade>, Error> {
    let before = channel_get(&state.db, &caller.context, id).await?;
    require(&caller.context, before.tenant.id, Access::Admin)?;
    let (patch, key) = body.checked(before.kind, &state.courier.sender().connector.guard)?;
    let now = state.clock.now();
    let row = channel_patch(&state.db, &state.vault, &caller.context, id, patch, now).await?;
    // What waits may be due now.
    state.courier.nudge().now();
    Ok(made(row, key.as_ref(), now))
}

/// Delete a channel, with its routes and what waits for it
#[utoipa::path(delete, path = "/api/v1/channels/{id}", tag = "channels",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn channel_gone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<StatusCode, Error> {
    channel_delete(&state.db, &caller.context, id, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send a test to a channel, and say how that went
#[utoipa::path(post, path = "/api/v1/channels/{id}/test", tag = "channels",
    params(("id" = String, Path)), responses((status = 200, body = Data<Delivery>)))]
pub(super) async fn channel_try(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ChannelId>,
) -> Result<Data<Delivery>, Error> {
    // What is sent is written, also if nobody waits for the answer any more.
    to_the_end(async move {
        let (now, context) = (state.clock.now(), &caller.context);
        let Some(place) = state.courier.test_place() else {
            let detail = "Too many tests are under way; try again soon.";
            return Err(Error::busy("tests_busy", detail, 10));
        };
        let (tenant, test) = channel_test(&state.db, context, &state.ids, id, now).await?;
        state.courier.test(place, tenant, test).await?;
        let row = delivery_get(&state.db, context, test).await?;
        Ok(Data { data: deliveries::show(row) })
    })
    .await
}
