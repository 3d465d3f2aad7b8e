//! How an agent was connected.

use std::cmp::Reverse;

use axum::extract::State;
use farwatch_common::id::AgentId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::{List, Paging, Time, page_of};
use crate::api::request::{Params, PathId};
use crate::inventory::agent::agent_get;
use crate::store::links::{KeptLink, link_list};

/// A session that opened, went on from another address, or ended.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AgentLink {
    at: Time,
    /// `opened`, `moved` or `ended`.
    event: String,
    /// `quic` or `tcp`.
    transport: String,
    remote_addr: String,
    /// Why it ended: `replaced` by a newer session, `closed` by the network or the agent, `stopped` as the
    /// agent's process said goodbye, `revoked`; `collector_ended`: the collector itself was stopped or
    /// killed, told with its next start, at the time the agent was heard last. Of one that opened, why it is not QUIC: `udp_blocked`,
    /// `quic_died`, `lossy`.
    reason: Option<String>,
}

/// How an agent was connected, the newest first; 500 are kept
#[utoipa::path(get, path = "/api/v1/agents/{id}/links", tag = "agents",
    params(("id" = String, Path), Paging), responses((status = 200, body = List<AgentLink>)))]
pub(in crate::api) async fn agent_links(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    Params(paging): Params<Paging>,
) -> Result<List<AgentLink>, Error> {
    agent_get(&state.db, &caller.context, id).await?;
    let rows = link_list(&state.db, &caller.context, id).await?;
    let place = |row: &KeptLink| Reverse((row.at.0, row.event as i64));
    page_of(rows, &paging, place, |row| AgentLink {
        at: Time(row.at),
        event: row.event.name().to_owned(),
        transport: row.transport,
        remote_addr: row.remote,
        reason: row.reason,
    })
}
