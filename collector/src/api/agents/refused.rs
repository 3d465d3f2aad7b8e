//! Batches of an agent that were refused for good.

use std::cmp::Reverse;

use axum::extract::State;
use data_encoding::{BASE64, HEXLOWER};
use farwatch_common::id::AgentId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::{List, Paging, Time, page_of};
use crate::api::request::{Params, PathId};
use crate::identity::Access;
use crate::inventory::agent::agent_get;
use crate::store::refused::{RefusedBatch, refused_list};

/// A batch that the collector would not take. Its agent keeps it apart and declares what was in it lost.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct AgentRefused {
    at: Time,
    /// Decimal: passes 2^53.
    stream: String,
    seq: i64,
    /// `malformed`: it cannot be read or breaks a limit. `not_yours`, `unspecified`.
    code: String,
    /// Why, for people.
    detail: String,
    bytes: i64,
    /// BLAKE3 of what was sent, in hex.
    hash: String,
    /// Its first 4 KiB in base64, for who may change agents; null for others.
    head: Option<String>,
}

/// Batches of an agent that were refused, the newest first; 100 are kept
#[utoipa::path(get, path = "/api/v1/agents/{id}/refused", tag = "agents",
    params(("id" = String, Path), Paging), responses((status = 200, body = List<AgentRefused>)))]
pub(in crate::api) async fn agent_refused(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    Params(paging): Params<Paging>,
) -> Result<List<AgentRefused>, Error> {
    let tenant = agent_get(&state.db, &caller.context, id).await?.tenant.id;
    let rows = refused_list(&state.db, &caller.context, id).await?;
    // What customers' devices told may be in it.
    let may_see = caller.context.may(tenant, Access::Write);
    let place = |row: &RefusedBatch| Reverse((row.at.0, row.stream, row.seq));
    page_of(rows, &paging, place, |row| AgentRefused {
        at: Time(row.at),
        stream: row.stream.to_string(),
        seq: row.seq,
        code: row.code.name().to_owned(),
        detail: row.detail,
        bytes: row.bytes,
        hash: HEXLOWER.encode(&row.hash),
        head: may_see.then(|| BASE64.encode(&row.head)),
    })
}
