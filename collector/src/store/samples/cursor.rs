//! What is durable of a stream: its cursor, and what that says of a batch.

use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::ranges::{RANGES_MAX, SeqRanges};

use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

sql! { pub(in crate::store) CURSOR = "SELECT ranges FROM stream_cursor
WHERE tenant_id = $1 AND agent_id = $2 AND stream_id = $3" }

/// The key of a cursor.
pub(in crate::store) type StreamKey = (TenantId, AgentId, i64);

/// What a cursor says of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was stored before.
    Known,
    /// It was not, and counts as stored from now on.
    New,
    /// There is no room to remember it.
    TooManyHoles,
}

/// Judges a sequence and remembers it.
pub fn judge(ranges: &mut SeqRanges, seq: u64) -> Verdict {
    if ranges.contains(seq) {
        return Verdict::Known;
    }
    let before = (ranges.len() == RANGES_MAX).then(|| ranges.clone());
    ranges.insert(seq);
    match before.filter(|_| ranges.len() > RANGES_MAX) {
        Some(before) => {
            *ranges = before;
            Verdict::TooManyHoles
        }
        None => Verdict::New,
    }
}

/// The cursor as it is committed; empty for a stream nobody knows.
pub(in crate::store) async fn read(
    txn: &mut Txn,
    (tenant, agent, stream): StreamKey,
) -> Result<SeqRanges, StoreError> {
    let found = CURSOR.bind(tenant).bind(agent).bind(stream).optional(txn).await?;
    found.map_or(Ok(SeqRanges::new()), |row| ranges(&row.get::<Vec<u8>>(0)?))
}

pub(in crate::store) fn ranges(bytes: &[u8]) -> Result<SeqRanges, StoreError> {
    SeqRanges::from_bytes(bytes)
        .map_err(|_| StoreError::Corrupt { what: "the ranges of a stream".into() })
}
