//! What an agent lost for good, in pages.

use axum::extract::State;
use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::{List, Meta, Paging, Time, cursor};
use crate::api::request::{Params, PathId, span};
use crate::inventory::agent::agent_get;
use crate::store::SampleStore as _;
use crate::store::samples::{GapCursor, GapQuery, GapRow, gap_reason_name, is_loss};

const ALL_CLASSES: &str = "all";

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Gap {
    /// Decimal: passes 2^53.
    stream: String,
    /// Numbers of batches. Of a crash a block that was reserved: most of them were never used. They are no
    /// count of what is lost.
    seq_from: u64,
    seq_to: u64,
    from: Time,
    to: Time,
    /// Of what samples it is: one row of each class that was lost. `all` where the agent was stopped.
    class: String,
    /// Rows lost, one of each poll of a table of a device; null where nobody has counted them: of a crash,
    /// or of a file that could not be read.
    count: Option<u64>,
    /// `evicted`: the agent's buffer was full. `corrupt`: its file was damaged. `crash`: the agent was
    /// ended in the middle. `collector_rollback`: the collector was restored from an older backup.
    /// `rejected`: the collector would not keep it. `stopped`: no loss, the agent was stopped in order and
    /// nothing was asked. `unknown`.
    reason: String,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct GapsQuery {
    /// RFC 3339 or microseconds: only gaps that end then or later.
    from: Option<String>,
    /// Only gaps that begin before.
    to: Option<String>,
    /// `asc`, the oldest first, if not given; or `desc`.
    order: Option<String>,
    /// 1 to 1000; 100 if not given.
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Samples of an agent that will never come, and times in which it was stopped
#[utoipa::path(get, path = "/api/v1/agents/{id}/gaps", tag = "agents",
    params(("id" = String, Path), GapsQuery), responses((status = 200, body = List<Gap>)))]
pub(in crate::api) async fn gaps(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<AgentId>,
    Params(asked): Params<GapsQuery>,
) -> Result<List<Gap>, Error> {
    agent_get(&state.db, &caller.context, id).await?;
    let (from, to) = span(asked.from.as_deref(), asked.to.as_deref())?;
    let (from, to) = (from.unwrap_or(Micros(i64::MIN)), to.unwrap_or(Micros(i64::MAX)));
    let paging = Paging { limit: asked.limit, cursor: asked.cursor };
    let limit = paging.limit()? as usize;
    let after = paging.after::<(i64, i64, u64, u64, u8, u8)>()?;
    let after = after.map(|(from, stream, seq_first, seq_last, class, reason)| GapCursor {
        from: Micros(from),
        stream,
        seq_first,
        seq_last,
        class,
        reason,
    });
    let newest_first = match asked.order.as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(Error::bad_request("bad_query", "`order` must be asc or desc.")),
    };
    // One more, to know whether there is a next page.
    let query = GapQuery { from, to, newest_first, after, limit: limit + 1 };
    let (mut rows, total) = state.samples.gap_page(&caller.context, id, &query).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last().filter(|_| more).map(GapRow::cursor) {
        Some(GapCursor { from, stream, seq_first, seq_last, class, reason }) => {
            Some(cursor(&(from.0, stream, seq_first, seq_last, class, reason))?)
        }
        None => None,
    };
    let data = rows.into_iter().map(Gap::from).collect();
    Ok(List { data, meta: Meta { next_cursor, total: Some(total) } })
}

impl From<GapRow> for Gap {
    fn from(row: GapRow) -> Self {
        Self {
            stream: row.stream.to_string(),
            seq_from: row.seq_first,
            seq_to: row.seq_last,
            from: Time(row.from),
            to: Time(row.to),
            class: if is_loss(row.reason) { row.class.name() } else { ALL_CLASSES }.to_owned(),
            count: row.counted(),
            reason: gap_reason_name(row.reason).to_owned(),
        }
    }
}
