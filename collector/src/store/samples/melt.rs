//! What is kept of an agent's gaps is bounded: the oldest are melted, two into one, so that their
//! count stays exact and their times become coarser the older they are.

use std::collections::BTreeMap;

use farwatch_common::id::{AgentId, TenantId};

use super::gaps::{gap_columns, gap_row};
use super::{GAP_COUNT_MAX, GAPS_PER_AGENT_MAX, GapRow, signed, unsigned};
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

/// How many are taken to be melted at once, so that not every gap costs that.
const TAKEN: i64 = 2_000;

sql! { pub(in crate::store) GAPS_OF_AGENT =
"SELECT count(*) FROM gap WHERE tenant_id = $1 AND agent_id = $2" }
sql! { pub(in crate::store) GAPS_TAKE =
"DELETE FROM gap WHERE tenant_id = $1 AND agent_id = $2
     AND (from_at, stream_id, seq_first, seq_last, class, reason) IN
     (SELECT from_at, stream_id, seq_first, seq_last, class, reason FROM gap
      WHERE tenant_id = $1 AND agent_id = $2
      ORDER BY from_at, stream_id, seq_first, seq_last, class, reason LIMIT $3)
     RETURNING ", gap_columns!() }
sql! { pub(in crate::store) GAP_MELTED =
"INSERT INTO gap (tenant_id, agent_id, stream_id, seq_first, seq_last, from_at, to_at, class,
                      n, reason, recv_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (tenant_id, agent_id, stream_id, seq_first, seq_last, class, reason) DO UPDATE SET
     n = CASE WHEN gap.n + excluded.n > $12 THEN $12 ELSE gap.n + excluded.n END,
     from_at = CASE WHEN gap.from_at < excluded.from_at THEN gap.from_at ELSE excluded.from_at END,
     to_at = CASE WHEN gap.to_at > excluded.to_at THEN gap.to_at ELSE excluded.to_at END
     RETURNING n" }

/// Brings the gaps of an agent to their bound, after some were stored.
pub(in crate::store) async fn surplus_melt(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
) -> Result<(), StoreError> {
    let mut count: i64 = GAPS_OF_AGENT.bind(tenant).bind(agent).scalar(txn).await?;
    while count > i64::from(GAPS_PER_AGENT_MAX) {
        let taken = GAPS_TAKE.bind(tenant).bind(agent).bind(TAKEN).all(txn).await?;
        let taken = taken.iter().map(gap_row).collect::<Result<Vec<_>, _>>()?;
        let melted = melt(taken);
        tracing::info!(%agent, gaps = melted.len(), "the oldest gaps of an agent are melted");
        for gap in melted {
            add(txn, tenant, agent, &gap).await?;
        }
        count = GAPS_OF_AGENT.bind(tenant).bind(agent).scalar(txn).await?;
    }
    Ok(())
}

/// Adds what a gap tells to the one of the same key. Only a new one costs a look at how many there are.
pub(super) async fn gap_add(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    gap: &GapRow,
) -> Result<(), StoreError> {
    match add(txn, tenant, agent, gap).await? {
        count if count == gap.count => surplus_melt(txn, tenant, agent).await,
        _ => Ok(()),
    }
}

/// Gives the rows that the gap tells then.
async fn add(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
    gap: &GapRow,
) -> Result<u64, StoreError> {
    let count = GAP_MELTED
        .bind(tenant)
        .bind(agent)
        .bind(gap.stream)
        .bind(signed(gap.seq_first))
        .bind(signed(gap.seq_last))
        .bind(gap.from)
        .bind(gap.to)
        .bind(gap.class as i64)
        .bind(signed(gap.count))
        .bind(gap.reason as i64)
        .bind(gap.received)
        .bind(signed(GAP_COUNT_MAX))
        .scalar(txn)
        .await?;
    Ok(unsigned(count))
}

/// Neighbours in time of one class and reason become one.
fn melt(mut gaps: Vec<GapRow>) -> Vec<GapRow> {
    gaps.sort_by_key(GapRow::cursor);
    let mut alike: BTreeMap<(u8, i32), Vec<GapRow>> = BTreeMap::new();
    for gap in gaps {
        alike.entry((gap.class as u8, gap.reason as i32)).or_default().push(gap);
    }
    let pairs = alike.values().flat_map(|gaps| gaps.chunks(2));
    pairs.filter_map(|pair| pair.iter().cloned().reduce(one_of_two)).collect()
}

/// Numbers of two streams are no range: then those of the later one stand for both.
fn one_of_two(first: GapRow, second: GapRow) -> GapRow {
    let is_same = first.stream == second.stream;
    GapRow {
        seq_first: if is_same { first.seq_first.min(second.seq_first) } else { second.seq_first },
        seq_last: if is_same { first.seq_last.max(second.seq_last) } else { second.seq_last },
        from: first.from.min(second.from),
        to: first.to.max(second.to),
        // What is not known stays so beside what is known.
        count: first.count.saturating_add(second.count).min(GAP_COUNT_MAX),
        received: first.received.max(second.received),
        ..second
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::clock::Micros;
    use farwatch_common::sample::Class;
    use proptest::prelude::*;

    use super::*;
    use crate::store::samples::GapReason;

    fn gap((stream, at, count, class, reason): (i64, i64, u64, u32, i32)) -> GapRow {
        GapRow {
            stream,
            seq_first: at.unsigned_abs(),
            seq_last: at.unsigned_abs() + 1,
            from: Micros(at),
            to: Micros(at + 10),
            class: Class::from_wire(class).unwrap(),
            count,
            reason: GapReason::try_from(reason).unwrap(),
            received: Micros(at + 20),
        }
    }

    fn total(gaps: &[GapRow], class: Class, reason: GapReason) -> u64 {
        let of = gaps.iter().filter(|gap| gap.class == class && gap.reason == reason);
        of.map(|gap| gap.count).sum()
    }

    proptest! {
        #[test]
        fn no_loss_is_lost_and_half_the_rows_are_left(
            gaps in prop::collection::vec((1i64..4, 0i64..1000, 0u64..50, 1u32..4, 1i32..6), 1..80),
        ) {
            let gaps: Vec<GapRow> = gaps.into_iter().map(gap).collect();
            let melted = melt(gaps.clone());
            let kinds: std::collections::BTreeSet<_> =
                gaps.iter().map(|gap| (gap.class as u8, gap.reason as i32)).collect();
            prop_assert!(melted.len() <= (gaps.len() + kinds.len()) / 2);
            for gap in &gaps {
                let (class, reason) = (gap.class, gap.reason);
                prop_assert_eq!(total(&melted, class, reason), total(&gaps, class, reason));
                let covers = |one: &GapRow| {
                    (one.class, one.reason) == (class, reason)
                        && one.from <= gap.from
                        && one.to >= gap.to
                };
                prop_assert!(melted.iter().any(covers));
            }
        }
    }
}
