//! What an agent lost for good, in sums.

use axum::extract::State;
use farwatch_common::id::AgentId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::{Data, Time};
use crate::api::request::{NoQuery, Params, PathId};
use crate::inventory::agent::agent_get;
use crate::store::refused::refused_count;
use crate::store::samples::{gap_reason_name, ledger};

/// Gaps, and what they hold.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Lost {
    gaps: u64,
    /// Rows, one of each poll of a table of a device; those of gaps that do not know are not in it.
    samples: u64,
}

impl From<ledger::Lost> for Lost {
    fn from(lost: ledger::Lost) -> Self {
        Self { gaps: lost.gaps, samples: lost.rows }
    }
}

/// What was lost of one class for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Losses {
    class: String,
    /// As of a gap.
    reason: String,
    /// When the first gap began and the last one ended.
    from: Time,
    to: Time,
    /// Of gaps that ended in the last 24 hours.
    day: Lost,
    /// Of gaps that ended in the last seven days.
    week: Lost,
    ever: Lost,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Ledger {
    /// By class and reason; empty where nothing was lost. Times in which the agent was stopped are no losses: they are
    /// among the gaps.
    losses: Vec<Losses>,
    refused: RefusedCount,
}

/// Batches that the collector would not take; at most 100 are kept.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RefusedCount {
    batches: u64,
    last_at: Option<Time>,
}

/// What an agent lost for good, by class and reason
#[utoipa::path(get, path = "/api/v1/agents/{id}/ledger", tag = "agents",
    params(("id" = String, Path)), responses((status = 200, body = Data<Ledger>)))]
pub(in crate::api) async fn agent_ledger(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    Params(NoQuery {}): Params<NoQuery>,
) -> Result<Data<Ledger>, Error> {
    agent_get(&state.db, &caller.context, id).await?;
    let losses = ledger::losses(&state.db, &caller.context, id, state.clock.now()).await?;
    let show = |one: ledger::Losses| Losses {
        class: one.class.name().to_owned(),
        reason: gap_reason_name(one.reason).to_owned(),
        from: Time(one.from),
        to: Time(one.to),
        day: one.day.into(),
        week: one.week.into(),
        ever: one.ever.into(),
    };
    let (batches, last_at) = refused_count(&state.db, &caller.context, id).await?;
    let refused = RefusedCount { batches, last_at: last_at.map(Time) };
    Ok(Data { data: Ledger { losses: losses.into_iter().map(show).collect(), refused } })
}
