//! Reads the rows of one device, or of all, out of the batches of their agent.
//!
//! Batches are fetched in chunks and decoded off the async threads; while that lasts, no
//! transaction is held.

use std::collections::BTreeSet;

use farwatch_common::batch::decode_rows;
use farwatch_common::clock::Micros;
use farwatch_common::sample::{Class, Group, Row};

use super::subject::Subject;
use super::{QUERY_BATCHES_MAX, QUERY_BYTES_MAX, device_filter, device_mark, unsigned};
use crate::store::series::Rank;
use crate::store::sql::{self, Query, Sql, sql};
use crate::store::{Database, Engine, StoreError, Txn, postgres, sqlite};

/// How many batches are in memory at a time, packed.
const CHUNK: usize = 64;

/// The batches that may hold rows of a device, as [`Search::bind`] binds it.
macro_rules! batches_of_device {
    () => {
        " FROM ts_batch
          WHERE tenant_id = $1 AND agent_id = $2 AND class = $3 AND t_max >= $4 AND t_min < $5
            AND (filter & $6) = $6 AND instr(devices, $7) > 0"
    };
}
pub(in crate::store) use batches_of_device;

sql! { pub(in crate::store) BATCH_COUNT =
"SELECT count(*) FROM (SELECT 1", batches_of_device!(), " LIMIT $8) AS found" }

/// Names a batch of an agent: stream and sequence on PostgreSQL; on SQLite the number of its row,
/// which stands in every index, and 0.
pub(in crate::store) type Key = (i64, i64);

/// Which batches: those of `class` that have rows in `from..to`.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Search {
    pub(super) class: Class,
    pub(super) from: Micros,
    pub(super) to: Micros,
}

impl Search {
    /// Binds `$1` to `$7`.
    fn bind(self, statement: &'static Sql, subject: &Subject) -> Query {
        statement
            .bind(subject.tenant)
            .bind(subject.agent)
            .bind(self.class as i64)
            .bind(self.from)
            .bind(self.to)
            // No bit is in every filter, and no mark in every list.
            .bind(subject.device.map_or(0, device_filter))
            .bind(subject.device.map_or(Vec::new(), |device| device_mark(device).to_vec()))
    }
}

/// For what these groups have in `from..to`. A class that some of them share is searched once: what is found
/// twice would be told twice.
pub(super) fn searches(groups: &[Group], from: Micros, to: Micros) -> Vec<Search> {
    let classes: BTreeSet<Class> = groups.iter().map(|group| group.class()).collect();
    classes.into_iter().map(|class| Search { class, from, to }).collect()
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

/// Calls `take` with each row of the device or agent, in no order, and hands `state` back.
pub(super) async fn for_each_row<S: Send + 'static>(
    database: &Database,
    subject: &Subject,
    searches: Vec<Search>,
    mut state: S,
    take: impl Fn(&mut S, Found) -> Result<(), StoreError> + Copy + Send + 'static,
) -> Result<S, StoreError> {
    let found = keys(database, subject, &searches).await?;
    let device = subject.device;
    let mut bytes = 0usize;
    for (search, keys) in searches.into_iter().zip(found) {
        for chunk in keys.chunks(CHUNK) {
            let packed = packed(database, subject, chunk).await?;
            bytes += packed.iter().map(|packed| packed.data.len()).sum::<usize>();
            if bytes > QUERY_BYTES_MAX {
                return Err(StoreError::TooMuch { what: "bytes of samples", max: QUERY_BYTES_MAX });
            }
            let work = move || {
                for Packed { rank, data } in packed {
                    for (place, row) in (0u32..).zip(decoded(&data)?) {
                        let is_of = device.is_none_or(|device| row.device == device);
                        if is_of && row.at >= search.from && row.at < search.to {
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

/// How many batches there are in all; `max` of more.
pub(super) async fn count(
    database: &Database,
    subject: &Subject,
    searches: &[Search],
    max: usize,
) -> Result<usize, StoreError> {
    let mut txn = subject.read(database).await?;
    let mut found = 0;
    for search in searches {
        let limit = i64::try_from(max - found).unwrap_or(i64::MAX);
        let count: i64 = search.bind(&BATCH_COUNT, subject).bind(limit).scalar(&mut txn).await?;
        found += usize::try_from(count).unwrap_or(0);
    }
    Ok(found)
}

pub(super) fn decoded(data: &[u8]) -> Result<Vec<Row>, StoreError> {
    decode_rows(data).map_err(|e| StoreError::Corrupt { what: e.to_string() })
}

fn broken() -> StoreError {
    StoreError::Corrupt { what: "a batch that broke its decoder".into() }
}

/// The batches of each search.
async fn keys(
    database: &Database,
    subject: &Subject,
    searches: &[Search],
) -> Result<Vec<Vec<Key>>, StoreError> {
    let mut txn = subject.read(database).await?;
    let statement = match database.engine() {
        Engine::Sqlite => &sqlite::fetch::BATCHES,
        Engine::Postgres => &postgres::fetch::BATCHES,
    };
    let limit = i64::try_from(QUERY_BATCHES_MAX + 1).unwrap_or(i64::MAX);
    let mut found = Vec::with_capacity(searches.len());
    for search in searches {
        let rows = search.bind(statement, subject).bind(limit).all(&mut txn).await?;
        if rows.len() > QUERY_BATCHES_MAX {
            return Err(StoreError::TooMuch { what: "batches", max: QUERY_BATCHES_MAX });
        }
        let keys = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
        found.push(keys.collect::<Result<_, StoreError>>()?);
    }
    Ok(found)
}

/// The batches of these keys; one that was removed meanwhile is left out.
async fn packed(
    database: &Database,
    subject: &Subject,
    keys: &[Key],
) -> Result<Vec<Packed>, StoreError> {
    let mut txn: Txn = subject.read(database).await?;
    let rows = match database.engine() {
        Engine::Sqlite => sqlite::fetch::packed(&mut txn, keys).await?,
        Engine::Postgres => postgres::fetch::packed(&mut txn, subject, keys).await?,
    };
    let one = |row: &sql::Row| {
        let rank =
            Rank { received: Micros(row.get(0)?), stream: row.get(1)?, seq: unsigned(row.get(2)?) };
        Ok(Packed { rank, data: row.get(3)? })
    };
    rows.iter().map(one).collect()
}
