//! Gaps that agents declared: pages of them, and those that a chart draws.

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use farwatch_common::sample::Class;

use super::{GapQuery, GapReason, GapRow, signed, unsigned};
use crate::identity::TenantContext;
use crate::store::sql::{Row, Sql, sql};
use crate::store::{StoreError, Txn};

/// Most gaps one chart draws.
const GAPS_MAX: i64 = 10_000;

macro_rules! gaps_of_agent {
    () => {
        " FROM gap WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2
          AND to_at >= $3 AND from_at < $4"
    };
}
macro_rules! gap_columns {
    () => {
        "stream_id, seq_first, seq_last, from_at, to_at, class, n, reason, recv_at"
    };
}
pub(super) use gap_columns;

sql! { pub(in crate::store) GAP_COUNT = "SELECT count(*)", gaps_of_agent!() }
sql! { pub(in crate::store) GAP_PAGE = "SELECT ", gap_columns!(), gaps_of_agent!(),
" AND ($5 = 0 OR (from_at, stream_id, seq_first, seq_last, class, reason)
                 > ($6, $7, $8, $9, $10, $11))
  ORDER BY from_at, stream_id, seq_first, seq_last, class, reason LIMIT $12" }
sql! { pub(in crate::store) GAP_PAGE_BACK = "SELECT ", gap_columns!(), gaps_of_agent!(),
" AND ($5 = 0 OR (from_at, stream_id, seq_first, seq_last, class, reason)
                 < ($6, $7, $8, $9, $10, $11))
  ORDER BY from_at DESC, stream_id DESC, seq_first DESC, seq_last DESC, class DESC, reason DESC
  LIMIT $12" }
sql! { pub(in crate::store) GAPS_BETWEEN = "SELECT ", gap_columns!(), gaps_of_agent!(),
" ORDER BY from_at DESC, stream_id DESC, seq_first DESC LIMIT $5" }

pub(super) async fn page(
    txn: &mut Txn,
    context: &TenantContext,
    agent: AgentId,
    query: &GapQuery,
) -> Result<(Vec<GapRow>, u64), StoreError> {
    let bind = |sql: &'static Sql| {
        let of = sql.bind(context.tenants_json()).bind(agent);
        of.bind(query.from).bind(query.to)
    };
    let total: i64 = bind(&GAP_COUNT).scalar(txn).await?;
    let at = query.after.map(|after| {
        let (first, last) = (signed(after.seq_first), signed(after.seq_last));
        (after.from.0, after.stream, first, last, i64::from(after.class), i64::from(after.reason))
    });
    let (from, stream, first, last, class, reason) = at.unwrap_or_default();
    let rows = bind(if query.newest_first { &GAP_PAGE_BACK } else { &GAP_PAGE })
        .bind(query.after.is_some())
        .bind(from)
        .bind(stream)
        .bind(first)
        .bind(last)
        .bind(class)
        .bind(reason)
        .bind(i64::try_from(query.limit).unwrap_or(i64::MAX))
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
        .bind(from)
        .bind(to)
        .bind(GAPS_MAX)
        .all(txn)
        .await?;
    rows.iter().rev().map(gap_row).collect()
}

pub(super) fn gap_row(row: &Row) -> Result<GapRow, StoreError> {
    let class: i64 = row.get(5)?;
    let reason: i64 = row.get(7)?;
    Ok(GapRow {
        stream: row.get(0)?,
        seq_first: unsigned(row.get(1)?),
        seq_last: unsigned(row.get(2)?),
        from: Micros(row.get(3)?),
        to: Micros(row.get(4)?),
        class: class_of(class)?,
        count: unsigned(row.get(6)?),
        reason: reason_of(reason),
        received: Micros(row.get(8)?),
    })
}

pub(super) fn class_of(class: i64) -> Result<Class, StoreError> {
    let corrupt = || StoreError::Corrupt { what: format!("class {class} of a gap") };
    u32::try_from(class).ok().and_then(Class::from_wire).ok_or_else(corrupt)
}

pub(super) fn reason_of(reason: i64) -> GapReason {
    let reason = i32::try_from(reason).ok().and_then(|reason| GapReason::try_from(reason).ok());
    reason.unwrap_or(GapReason::Unspecified)
}
