//! Gaps that agents declared: pages of them, and those that a chart draws.

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use farwatch_common::sample::Class;

use super::{GAPS_PER_AGENT_MAX, GapQuery, GapReason, GapRow, signed, unsigned};
use crate::identity::TenantContext;
use crate::store::sql::{Row, Sql, sql};
use crate::store::{StoreError, Txn};

/// Most gaps that are read at once: all that are kept. Should there be more of before there was a bound, the
/// longest count.
const GAPS_MAX: i64 = GAPS_PER_AGENT_MAX as i64;

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
" ORDER BY to_at - from_at DESC, from_at DESC LIMIT $5" }

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
    at_most(txn, context, agent, (from, to), GAPS_MAX).await
}

async fn at_most(
    txn: &mut Txn,
    context: &TenantContext,
    agent: AgentId,
    (from, to): (Micros, Micros),
    max: i64,
) -> Result<Vec<GapRow>, StoreError> {
    let rows = GAPS_BETWEEN
        .bind(context.tenants_json())
        .bind(agent)
        .bind(from)
        .bind(to)
        .bind(max)
        .all(txn)
        .await?;
    let mut gaps = rows.iter().map(gap_row).collect::<Result<Vec<_>, _>>()?;
    gaps.sort_by_key(GapRow::cursor);
    Ok(gaps)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SampleStore as _;
    use crate::store::fixture::{AGENT, DEVICE, STREAM, T0, TENANT, World, alive, append, context};
    use crate::store::samples::Fact;

    #[tokio::test]
    async fn of_more_gaps_than_are_read_the_longest_count() {
        let world = World::open().await;
        let at = |second: i64| Micros(T0 + second * Micros::SECOND);
        // The first is the longest.
        let gap = |number: i64| GapRow {
            stream: STREAM,
            seq_first: number.unsigned_abs(),
            seq_last: number.unsigned_abs(),
            from: at(number),
            to: at(100),
            class: Class::Gauges,
            count: 1,
            reason: GapReason::Evicted,
            received: at(100),
        };
        let mut batch = append(1, &[alive(DEVICE, 0)]);
        batch.facts = (0..5).map(gap).map(Fact::Gap).collect();
        world.samples.append(&[batch], &[]).await.unwrap();
        let context = context(TENANT);
        let mut txn = world.database.read(&context).await.unwrap();
        let found = at_most(&mut txn, &context, AGENT, (at(0), at(100)), 3).await.unwrap();
        assert_eq!(found, [gap(0), gap(1), gap(2)]);
        drop(txn);
        world.remove().await;
    }
}
