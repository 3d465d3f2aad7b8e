//! Reads the rows of one device out of the batches of its agent.
//!
//! Batches are fetched in chunks and decoded off the async threads.

use farwatch_common::clock::Micros;
use farwatch_common::sample::{Class, Row};
use sqlx::Row as _;

use super::{Subject, decoded, unsigned};
use crate::store::samples::{QUERY_BATCHES_MAX, QUERY_BYTES_MAX, device_filter, device_mark};
use crate::store::series::Rank;
use crate::store::{Database, StoreError};

/// How many batches are in memory at a time, packed.
const CHUNK: usize = 64;

/// Which batches: those of `class` that have rows in `from..to`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    pub(super) class: Class,
    pub(super) from: Micros,
    pub(super) to: Micros,
}

/// A row and the batch it came in.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) rank: Rank,
    /// Place among the rows of the batch.
    pub(super) place: u32,
    pub(super) row: Row,
}

struct Packed {
    rank: Rank,
    data: Vec<u8>,
}

/// Calls `take` with each row of the device, in no order, and hands `state` back.
pub(super) async fn for_each_row<S: Send + 'static>(
    database: &Database,
    subject: &Subject,
    searches: Vec<Search>,
    mut state: S,
    take: impl Fn(&mut S, Found) -> Result<(), StoreError> + Copy + Send + 'static,
) -> Result<S, StoreError> {
    let found = searches.iter().map(|search| batch_ids(database, subject, *search));
    let found = futures_util::future::try_join_all(found).await?;
    let device = subject.device;
    let mut bytes = 0usize;
    for (search, ids) in searches.into_iter().zip(found) {
        for chunk in ids.chunks(CHUNK) {
            let packed = packed(database, chunk).await?;
            bytes += packed.iter().map(|packed| packed.data.len()).sum::<usize>();
            if bytes > QUERY_BYTES_MAX {
                return Err(StoreError::TooMuch { what: "bytes of samples", max: QUERY_BYTES_MAX });
            }
            let work = move || {
                for Packed { rank, data } in packed {
                    for (place, row) in (0u32..).zip(decoded(&data)?) {
                        if row.device == device && row.at >= search.from && row.at < search.to {
                            take(&mut state, Found { rank, place, row })?;
                        }
                    }
                }
                Ok::<S, StoreError>(state)
            };
            state = tokio::task::spawn_blocking(work).await.map_err(|_| broken())??;
        }
    }
    Ok(state)
}

/// Whether there may be rows of the device.
pub(super) async fn any(
    database: &Database,
    subject: &Subject,
    searches: &[Search],
) -> Result<bool, StoreError> {
    for search in searches {
        let found: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM ts_batch
             WHERE tenant_id = $1 AND agent_id = $2 AND class = $3 AND t_max >= $4 AND t_min < $5
               AND (filter & $6) = $6 AND instr(devices, $7) > 0)",
        )
        .bind(subject.tenant.0)
        .bind(subject.agent.0)
        .bind(search.class as i64)
        .bind(search.from.0)
        .bind(search.to.0)
        .bind(device_filter(subject.device))
        .bind(device_mark(subject.device).to_vec())
        .fetch_one(database.reader())
        .await?;
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn broken() -> StoreError {
    StoreError::Corrupt { what: "a batch that broke its decoder".into() }
}

/// The batches that may hold rows of the device. Read from `ts_batch_time` alone.
async fn batch_ids(
    database: &Database,
    subject: &Subject,
    search: Search,
) -> Result<Vec<i64>, StoreError> {
    let limit = i64::try_from(QUERY_BATCHES_MAX + 1).unwrap_or(i64::MAX);
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT rowid FROM ts_batch
         WHERE tenant_id = $1 AND agent_id = $2 AND class = $3 AND t_max >= $4 AND t_min < $5
           AND (filter & $6) = $6 AND instr(devices, $7) > 0
         LIMIT $8",
    )
    .bind(subject.tenant.0)
    .bind(subject.agent.0)
    .bind(search.class as i64)
    .bind(search.from.0)
    .bind(search.to.0)
    .bind(device_filter(subject.device))
    .bind(device_mark(subject.device).to_vec())
    .bind(limit)
    .fetch_all(database.reader())
    .await?;
    if ids.len() > QUERY_BATCHES_MAX {
        return Err(StoreError::TooMuch { what: "batches", max: QUERY_BATCHES_MAX });
    }
    Ok(ids)
}

/// Batches by id; one that was removed meanwhile is left out.
async fn packed(database: &Database, ids: &[i64]) -> Result<Vec<Packed>, StoreError> {
    let listed: Vec<String> = ids.iter().map(i64::to_string).collect();
    let rows = sqlx::query(
        "SELECT recv_at, stream_id, seq, data FROM ts_batch
         WHERE rowid IN (SELECT value FROM json_each($1))",
    )
    .bind(format!("[{}]", listed.join(",")))
    .fetch_all(database.reader())
    .await?;
    rows.iter()
        .map(|row| {
            let rank = Rank {
                received: Micros(row.try_get(0)?),
                stream: row.try_get(1)?,
                seq: unsigned(row.try_get(2)?),
            };
            Ok(Packed { rank, data: row.try_get(3)? })
        })
        .collect()
}
