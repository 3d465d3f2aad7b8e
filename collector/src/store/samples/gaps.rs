//! Gaps that agents declared: pages of them, and those that a chart draws.

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use farwatch_common::sample::Class;

use super::{GapCursor, GapReason, GapRow, signed, unsigned};
use crate::identity::TenantContext;
use crate::store::sql::{Row, sql};
use crate::store::{StoreError, Txn};

/// Most gaps one chart draws.
const GAPS_MAX: i64 = 10_000;

macro_rules! gaps_of_agent {
    () => {
        " FROM gap WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2"
    };
}
macro_rules! gap_columns {
    () => {
        "SELECT stream_id, seq_first, seq_last, from_at, to_at, class, n, reason, recv_at"
    };
}

sql! { pub(in crate::store) GAP_COUNT = "SELECT count(*)", gaps_of_agent!() }
sql! { pub(in crate::store) GAP_PAGE = gap_columns!(), gaps_of_agent!(),
" AND ($3 = 0 OR (from_at, stream_id, seq_first, seq_last, class) > ($4, $5, $6, $7, $8))
  ORDER BY from_at, stream_id, seq_first, seq_last, class LIMIT $9" }
sql! { pub(in crate::store) GAPS_BETWEEN = gap_columns!(), gaps_of_agent!(),
" AND from_at < $3 AND to_at >= $4
  ORDER BY from_at DESC, stream_id DESC, seq_first DESC LIMIT $5" }

pub(super) async fn page(
    txn: &mut Txn,
    context: &TenantContext,
    agent: AgentId,
    after: Option<GapCursor>,
    limit: usize,
) -> Result<(Vec<GapRow>, u64), StoreError> {
    let total: i64 = GAP_COUNT.bind(context.tenants_json()).bind(agent).scalar(txn).await?;
    let at = after.map(|after| {
        let (first, last) = (signed(after.seq_first), signed(after.seq_last));
        (after.from.0, after.stream, first, last, i64::from(after.class))
    });
    let (from, stream, first, last, class) = at.unwrap_or_default();
    let rows = GAP_PAGE
        .bind(context.tenants_json())
        .bind(agent)
        .bind(after.is_some())
        .bind(from)
        .bind(stream)
        .bind(first)
        .bind(last)
        .bind(class)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all(txn)
        .await?;
    Ok((rows.iter().map(gap_row).collect::<Result<_, _>>()?, unsigned(total)))
}

pub(super) async fn between(
    txn: &mut Txn,
    context: &TenantContext,
    agent: AgentId,
    from: Micros,
    to: Micros,
) -> Result<Vec<GapRow>, StoreError> {
    let rows = GAPS_BETWEEN
        .bind(context.tenants_json())
        .bind(agent)
        .bind(to)
        .bind(from)
        .bind(GAPS_MAX)
        .all(txn)
        .await?;
    rows.iter().rev().map(gap_row).collect()
}

fn gap_row(row: &Row) -> Result<GapRow, StoreError> {
    let class: i64 = row.get(5)?;
    let reason: i64 = row.get(7)?;
    let corrupt = || StoreError::Corrupt { what: format!("class {class} of a gap") };
    Ok(GapRow {
        stream: row.get(0)?,
        seq_first: unsigned(row.get(1)?),
        seq_last: unsigned(row.get(2)?),
        from: Micros(row.get(3)?),
        to: Micros(row.get(4)?),
        class: u32::try_from(class).ok().and_then(Class::from_wire).ok_or_else(corrupt)?,
        count: unsigned(row.get(6)?),
        reason: i32::try_from(reason)
            .ok()
            .and_then(|reason| GapReason::try_from(reason).ok())
            .unwrap_or(GapReason::Unspecified),
        received: Micros(row.get(8)?),
    })
}
