//! The last rows of an agent's devices: written down now and then, read at start.

use std::collections::BTreeMap;
use std::time::Duration;

use farwatch_common::batch::encode_rows;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::sample::{Class, Group, Row};

use super::Checkpoint;
use super::fetch::decoded;
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

/// The tail behind a checkpoint begins this much before it: rows of another device may be older.
const TAIL_OVERLAP: Duration = Duration::from_secs(120);
/// Most batches of the tail; checkpoints come every few minutes.
const TAIL_BATCHES_MAX: i64 = 4_000;

sql! { pub(in crate::store) CHECKPOINT_STORE =
"INSERT INTO live_site (tenant_id, agent_id, grp, ts, data) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tenant_id, agent_id, grp)
     DO UPDATE SET ts = excluded.ts, data = excluded.data" }
sql! { pub(in crate::store) CHECKPOINTS =
"SELECT ts, data, grp FROM live_site WHERE tenant_id = $1 AND agent_id = $2" }
sql! { pub(in crate::store) TAIL = "SELECT data FROM ts_batch
    WHERE tenant_id = $1 AND agent_id = $2 AND class = $3 AND t_max >= $4
    ORDER BY t_max DESC LIMIT $5" }

pub(in crate::store) async fn store(
    txn: &mut Txn,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    // More rows than a batch holds: the tail behind the checkpoint of before has them.
    let Ok(data) = encode_rows(&checkpoint.rows) else {
        tracing::warn!(agent = %checkpoint.agent, "the last rows of an agent do not fit");
        return Ok(());
    };
    CHECKPOINT_STORE
        .bind(checkpoint.tenant)
        .bind(checkpoint.agent)
        .bind(checkpoint.group as i64)
        .bind(checkpoint.at)
        .bind(data)
        .execute(txn)
        .await?;
    Ok(())
}

/// The last checkpoint and the rows after it, oldest first, with some overlap. The tail of each class
/// begins where the oldest of its own groups ends.
pub(super) async fn rows(
    txn: &mut Txn,
    tenant: TenantId,
    agent: AgentId,
) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    let mut marks: BTreeMap<Class, Micros> = BTreeMap::new();
    for checkpoint in CHECKPOINTS.bind(tenant).bind(agent).all(txn).await? {
        // Of a later version's group nothing is known.
        let group = u32::try_from(checkpoint.get::<i64>(2)?).ok().and_then(Group::from_wire);
        let Some(class) = group.map(Group::class) else { continue };
        let at = Micros(checkpoint.get(0)?);
        marks.entry(class).and_modify(|mark| *mark = at.min(*mark)).or_insert(at);
        rows.extend(decoded(&checkpoint.get::<Vec<u8>>(1)?)?);
    }
    for class in [Class::Gauges, Class::Counters] {
        let tail_from = marks.get(&class).copied().unwrap_or(Micros(0)).before(TAIL_OVERLAP);
        let tail = TAIL.bind(tenant).bind(agent).bind(class as i64).bind(tail_from);
        for batch in tail.bind(TAIL_BATCHES_MAX).all(txn).await? {
            rows.extend(decoded(&batch.get::<Vec<u8>>(0)?)?);
        }
    }
    rows.sort_by_key(|row| (row.at, row.group));
    Ok(rows)
}
