//! What agents lost, in sums.

use std::collections::BTreeMap;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use farwatch_common::sample::Class;

use super::gaps::{class_of, reason_of};
use super::{GapReason, unsigned};
use crate::identity::TenantContext;
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Gaps, and the rows that they tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    pub gaps: u64,
    pub rows: u64,
}

/// What an agent lost of one class for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Losses {
    pub class: Class,
    pub reason: GapReason,
    /// When the first gap began and the last one ended.
    pub from: Micros,
    pub to: Micros,
    /// Of gaps that ended in the last 24 hours, in the last seven days, and ever.
    pub day: Lost,
    pub week: Lost,
    pub ever: Lost,
}

sql! { pub(in crate::store) LOSSES =
"SELECT class, reason, min(from_at), max(to_at),
        count(CASE WHEN to_at >= $3 THEN 1 END),
        CAST(sum(CASE WHEN to_at >= $3 THEN n ELSE 0 END) AS BIGINT),
        count(CASE WHEN to_at >= $4 THEN 1 END),
        CAST(sum(CASE WHEN to_at >= $4 THEN n ELSE 0 END) AS BIGINT),
        count(*), CAST(sum(n) AS BIGINT)
     FROM gap WHERE tenant_id IN (SELECT value FROM json_each($1)) AND agent_id = $2
     AND reason <> $5
     GROUP BY class, reason ORDER BY class, reason" }
sql! { pub(in crate::store) LOST_SINCE =
"SELECT agent_id, count(*), CAST(sum(n) AS BIGINT) FROM gap
     WHERE tenant_id IN (SELECT value FROM json_each($1))
     AND agent_id IN (SELECT value FROM json_each($2)) AND to_at >= $3
     AND reason <> $4
     GROUP BY agent_id" }

/// Of all reasons the only one that is no loss ([`is_loss`](super::is_loss)).
const NO_LOSS: i64 = GapReason::Stopped as i64;

/// What an agent lost, by class and reason.
pub async fn losses(
    db: &Database,
    context: &TenantContext,
    agent: AgentId,
    now: Micros,
) -> Result<Vec<Losses>, StoreError> {
    let mut txn = db.read(context).await?;
    let of = LOSSES.bind(context.tenants_json()).bind(agent);
    let rows = of.bind(now.before(DAY)).bind(now.before(WEEK)).bind(NO_LOSS).all(&mut txn).await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let lost = |at: usize| -> Result<Lost, StoreError> {
            Ok(Lost { gaps: unsigned(row.get(at)?), rows: unsigned(row.get(at + 1)?) })
        };
        all.push(Losses {
            class: class_of(row.get(0)?)?,
            reason: reason_of(row.get(1)?),
            from: Micros(row.get(2)?),
            to: Micros(row.get(3)?),
            day: lost(4)?,
            week: lost(6)?,
            ever: lost(8)?,
        });
    }
    Ok(all)
}

/// What each of some agents lost in the last 24 hours; those that lost nothing are left out.
pub async fn lost_of_late(
    db: &Database,
    context: &TenantContext,
    agents: &[AgentId],
    now: Micros,
) -> Result<BTreeMap<AgentId, Lost>, StoreError> {
    let mut txn = db.read(context).await?;
    let ids: Vec<i64> = agents.iter().map(|agent| agent.0).collect();
    let ids = serde_json::to_string(&ids).unwrap_or_default();
    let rows = LOST_SINCE.bind(context.tenants_json()).bind(ids).bind(now.before(DAY));
    let rows = rows.bind(NO_LOSS).all(&mut txn).await?;
    let one = |row: &crate::store::sql::Row| {
        let lost = Lost { gaps: unsigned(row.get(1)?), rows: unsigned(row.get(2)?) };
        Ok((AgentId(row.get(0)?), lost))
    };
    rows.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::{
        AGENT, DEVICE, NEIGHBOUR, OTHER_TENANT, PostgresWorld, STREAM, T0, TENANT, World, alive,
        append, context,
    };
    use crate::store::samples::{Fact, GapRow};
    use crate::store::{SampleStore as _, Samples};

    const HOUR: i64 = 3600 * Micros::SECOND;
    const NOW: Micros = Micros(T0 + 1000 * HOUR);

    fn gap(number: u64, hours_ago: i64, reason: GapReason) -> GapRow {
        GapRow {
            stream: STREAM,
            seq_first: number,
            seq_last: number,
            from: Micros(NOW.0 - hours_ago * HOUR - 1),
            to: Micros(NOW.0 - hours_ago * HOUR),
            class: Class::Counters,
            count: 10 + number,
            reason,
            received: NOW,
        }
    }

    async fn losses_are_summed(database: &Database, samples: &Samples) {
        let gaps = [
            gap(1, 1, GapReason::Evicted),
            gap(2, 24, GapReason::Evicted),
            gap(3, 25, GapReason::Evicted),
            gap(4, 200, GapReason::Evicted),
            gap(5, 300, GapReason::Crash),
            // No loss, whatever it tells.
            gap(6, 1, GapReason::Stopped),
        ];
        let mut batch = append(1, &[alive(DEVICE, 0)]);
        batch.facts = gaps.iter().cloned().map(Fact::Gap).collect();
        samples.append(&[batch], &[]).await.unwrap();
        let context_of = context(TENANT);
        let found = losses(database, &context_of, AGENT, NOW).await.unwrap();
        let lost = |gaps, rows| Lost { gaps, rows };
        let evicted = Losses {
            class: Class::Counters,
            reason: GapReason::Evicted,
            from: gaps[3].from,
            to: gaps[0].to,
            day: lost(2, 23),
            week: lost(3, 36),
            ever: lost(4, 50),
        };
        let (none, ends) = (Lost::default(), (gaps[4].from, gaps[4].to));
        let crash = Losses {
            class: Class::Counters,
            reason: GapReason::Crash,
            from: ends.0,
            to: ends.1,
            day: none,
            week: none,
            ever: lost(1, 15),
        };
        assert_eq!(found, [evicted, crash]);
        let late = lost_of_late(database, &context_of, &[AGENT, NEIGHBOUR], NOW).await.unwrap();
        assert_eq!(late, BTreeMap::from([(AGENT, lost(2, 23))]));
        let foreign = context(OTHER_TENANT);
        assert_eq!(losses(database, &foreign, AGENT, NOW).await.unwrap(), []);
        assert!(lost_of_late(database, &foreign, &[AGENT], NOW).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn losses_are_summed_by_class_and_reason_on_sqlite() {
        let world = World::open().await;
        losses_are_summed(&world.database, &world.samples).await;
        world.remove().await;
    }

    #[tokio::test]
    async fn losses_are_summed_by_class_and_reason_on_postgresql() {
        let Some(world) = PostgresWorld::open().await else { return };
        losses_are_summed(&world.database, &world.samples).await;
        world.remove().await;
    }
}
