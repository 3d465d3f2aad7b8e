//! Agents: list, one, change, revoke; and what became of what they sent.

pub(super) mod completeness;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
pub(super) mod gaps;
pub(super) mod ledger;
pub(super) mod links;
pub(super) mod refused;

use axum::extract::State;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::task::to_the_end;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::asked::Gateway;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Ref, State as Health, Time, listed};
use super::request::{Json, MaybeJson, NAME_RULE, Params, PathId, id};
use super::sites::site_named;
use super::tenants::OfTenant;
use super::{AppState, Parts};
use crate::identity::TenantContext;
use crate::inventory::agent::{self, AgentPatch, agent_get, agent_list, agent_patch, agent_revoke};
use crate::inventory::is_name;
use crate::store::samples::ledger::lost_of_late;
use ledger::Lost;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Agent {
    id: String,
    name: String,
    tenant: Ref,
    site: Ref,
    state: Health,
    version: Option<String>,
    platform: Option<String>,
    transport: Option<String>,
    /// Why it is not connected: `stopped` (its process said goodbye) or `silent` (nothing was heard of
    /// it); null while it is, and where the collector has started since.
    offline_reason: Option<String>,
    /// Why it is not QUIC: `udp_blocked`, `quic_died`, `lossy`.
    transport_reason: Option<String>,
    /// Through an HTTP proxy.
    proxied: bool,
    /// Between agent and collector.
    rtt_ms: Option<f64>,
    /// Of the packets the agent has sent lately; null where its system does not tell.
    loss_percent: Option<f64>,
    gateway: Option<Gateway>,
    remote_addr: Option<String>,
    connected_since: Option<Time>,
    last_seen_at: Option<Time>,
    last_ack_at: Option<Time>,
    devices: u64,
    buffer: Option<AgentBuffer>,
    backfill: Option<AgentBackfill>,
    /// What is to be added to its clock to make it the collector's, positive where it is behind; beyond a
    /// minute its times are corrected. Null until it was measured.
    clock_offset_ms: Option<i64>,
    lost_24h: Lost,
    certificate_expires_at: Option<Time>,
    revoked_at: Option<Time>,
    created_at: Time,
}

/// What waits at the agent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentBuffer {
    batches: u64,
    bytes: u64,
    oldest_at: Option<Time>,
}

/// What it had to send when it began to catch up; null of one that is not behind.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AgentBackfill {
    began_at: Option<Time>,
    batches_at_start: u64,
    oldest_at_start: Option<Time>,
}

fn show(state: &AppState, row: agent::Agent, lost: Lost) -> Agent {
    let live = state.live.agent(row.tenant.id, row.id);
    let live = live.as_ref();
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let health = live.and_then(|live| Health::from_name(live.state.name()));
    let buffer = live.and_then(|live| live.buffer.as_ref()).map(|buffer| AgentBuffer {
        batches: buffer.batches,
        bytes: buffer.bytes,
        oldest_at: buffer.oldest_at.map(Time),
    });
    Agent {
        id: row.id.to_string(),
        name: row.name,
        tenant: row.tenant.into(),
        site: row.site.into(),
        state: health.unwrap_or(Health::Unknown),
        version: live.and_then(|live| text(&live.version)).or(row.version),
        platform: live.and_then(|live| text(&live.platform)).or(row.platform),
        transport: live.and_then(|live| live.transport).map(str::to_owned),
        offline_reason: live.and_then(|live| live.offline_reason).map(str::to_owned),
        transport_reason: live.and_then(|live| live.transport_reason).map(str::to_owned),
        proxied: live.is_some_and(|live| live.proxied),
        rtt_ms: live.and_then(|live| live.rtt_ms),
        loss_percent: live.and_then(|live| live.loss_percent),
        gateway: live.and_then(|live| live.gateway.as_ref()).map(Gateway::from),
        remote_addr: live.and_then(|live| live.remote_addr.clone()),
        connected_since: live.and_then(|live| live.connected_since).map(Time),
        last_seen_at: live.and_then(|live| live.last_seen_at).max(row.last_seen_at).map(Time),
        last_ack_at: live.and_then(|live| live.last_ack_at).max(row.last_ack_at).map(Time),
        devices: row.devices,
        buffer,
        backfill: live.and_then(|live| live.backfill).map(|backfill| AgentBackfill {
            began_at: backfill.began_at.map(Time),
            batches_at_start: backfill.batches_at_start,
            oldest_at_start: backfill.oldest_at_start.map(Time),
        }),
        clock_offset_ms: live.and_then(|live| live.clock_offset_ms),
        lost_24h: lost,
        certificate_expires_at: row.certificate_expires_at.map(Time),
        revoked_at: row.revoked_at.map(Time),
        created_at: Time(row.created_at),
    }
}

/// Agents
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", params(OfTenant),
    responses((status = 200, body = List<Agent>)))]
pub(super) async fn agents(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<Agent>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let rows = agent_list(&state.db, &context, &paging.page()?).await?;
    let ids: Vec<AgentId> = rows.rows.iter().map(|row| row.id).collect();
    let lost = lost_of_late(&state.db, &context, &ids, state.clock.now()).await?;
    let show = |row: agent::Agent| {
        let lost = lost.get(&row.id).copied().unwrap_or_default();
        show(&state, row, lost.into())
    };
    listed(rows, &paging, |row| (row.name.clone(), row.id.0), show)
}

/// One agent
#[utoipa::path(get, path = "/api/v1/agents/{id}", tag = "agents",
    params(("id" = String, Path)), responses((status = 200, body = Data<Agent>)))]
pub(super) async fn agent(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
) -> Result<Data<Agent>, Error> {
    let row = agent_get(&state.db, &caller.context, id).await?;
    shown(&state, &caller.context, row).await
}

/// One agent, with what it lost.
async fn shown(
    state: &AppState,
    context: &TenantContext,
    row: agent::Agent,
) -> Result<Data<Agent>, Error> {
    let lost = lost_of_late(&state.db, context, &[row.id], state.clock.now()).await?;
    let lost = lost.get(&row.id).copied().unwrap_or_default();
    Ok(Data { data: show(state, row, lost.into()) })
}

/// What is not there stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentChange {
    name: Option<String>,
    /// Another site of its tenant; its devices follow.
    site: Option<String>,
}

/// Rename an agent or move it to another site
#[utoipa::path(patch, path = "/api/v1/agents/{id}", tag = "agents",
    params(("id" = String, Path)), request_body = AgentChange,
    responses((status = 200, body = Data<Agent>)))]
pub(super) async fn agent_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(agent): PathId<AgentId>,
    Json(body): Json<AgentChange>,
) -> Result<Data<Agent>, Error> {
    let tenant = agent_get(&state.db, &caller.context, agent).await?.tenant.id;
    if body.name.as_ref().is_some_and(|name| !is_name(name)) {
        return Err(Error::field("name", NAME_RULE));
    }
    let site = match body.site.as_deref() {
        Some(site) => Some(site_named(&state, &caller.context, (tenant, "site", site)).await?),
        None => None,
    };
    let patch = AgentPatch { name: body.name, site };
    to_the_end(async move {
        let Parts { db, vault, clock, .. } = &*state;
        let row = agent_patch(db, vault, &caller.context, agent, &patch, clock.now()).await?;
        state.changes.notify(agent);
        shown(&state, &caller.context, row).await
    })
    .await
}

/// The agent that a field of a body names, and its tenant.
pub(super) async fn agent_named(
    state: &AppState,
    context: &TenantContext,
    (field, agent): (&str, &str),
) -> Result<(AgentId, TenantId), Error> {
    let named = async || -> Result<_, Error> {
        let agent = agent_get(&state.db, context, id(agent)?).await?;
        Ok((agent.id, agent.tenant.id))
    };
    named().await.map_err(|error| error.in_field(field))
}

/// Nothing yet; an object, so that a reason can be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {}

/// End an agent for good
#[utoipa::path(post, path = "/api/v1/agents/{id}/revoke", tag = "agents",
    params(("id" = String, Path)), request_body = Option<Revoke>,
    responses((status = 200, body = Data<Agent>)))]
pub(super) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    _: MaybeJson<Revoke>,
) -> Result<Data<Agent>, Error> {
    to_the_end(async move {
        agent_revoke(&state.db, &caller.context, id, state.clock.now()).await?;
        state.sessions.revoke(id);
        state.live.agent_revoked(id);
        tracing::warn!(stage = "api", agent_id = %id, "agent revoked");
        let row = agent_get(&state.db, &caller.context, id).await?;
        shown(&state, &caller.context, row).await
    })
    .await
}
