//! Holds what was copied to what it was copied from, row by row, and walks the chains of the audit.
//!
//! - bound: a group of each side at a time

use std::cmp::Ordering;

use farwatch_common::id::TenantId;
use sqlx::{PgConnection, Row as _, SqliteConnection};

use super::progress::Progress;
use super::rows::{GROUP_ROWS, Row, count, postgres_group, sqlite_group};
use super::tables::Table;
use super::{MoveError, Moved};
use crate::audit::chain::verify::{Report, Verifier};
use crate::audit::chain::{Head, START};
use crate::audit::list::{CHAIN, HEAD, chain_head, chain_row};
use crate::store::sql::Row as SqlRow;

/// Rows of a chain that are read at once.
const CHAIN_ROWS: i64 = 1_000;

/// How much there is on a side, and a hash over all of it in the order of the keys.
#[derive(Default)]
struct Side {
    rows: u64,
    hasher: blake3::Hasher,
}

impl Side {
    /// Adds a group, and gives number and hash of all until here.
    fn add(&mut self, group: &[Row]) -> (u64, blake3::Hash) {
        self.rows += group.len() as u64;
        group.iter().flatten().for_each(|value| value.hash(&mut self.hasher));
        (self.rows, self.hasher.finalize())
    }
}

/// Compares every table; fails at the first row that is not the same on both sides.
pub(super) async fn verify(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    tables: &[Table],
    progress: &mut Progress,
) -> Result<Moved, MoveError> {
    let mut moved = Moved { tables: tables.len(), ..Moved::default() };
    for table in tables {
        progress.begin("verifying", &table.name, count(source, table).await?);
        let (rows, hash) = verify_table(source, target, table, progress).await?;
        moved.rows += rows;
        progress.end("verified", &format!(", blake3 {}", &hash.to_hex()[..16]));
    }
    Ok(moved)
}

async fn verify_table(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    table: &Table,
    progress: &mut Progress,
) -> Result<(u64, blake3::Hash), MoveError> {
    let (mut ours, mut theirs) = (Side::default(), Side::default());
    let mut after = None;
    loop {
        let left = sqlite_group(source, table, after.as_ref(), GROUP_ROWS).await?;
        // No more than are compared; one, if there is to be none.
        let most = left.len().max(1);
        let right = postgres_group(target, table, after.as_ref(), most).await?;
        // Groups of the same rows end at the same row.
        let until_here = ours.add(&left);
        if until_here != theirs.add(&right) {
            return Err(differing(table, &left, &right));
        }
        let Some(last) = left.last() else { return Ok(until_here) };
        progress.add(left.len());
        after = Some(table.key_of(last));
    }
}

/// Names the first row of two groups that is not in both.
fn differing(table: &Table, left: &[Row], right: &[Row]) -> MoveError {
    let at = left.iter().zip(right).take_while(|(left, right)| left == right).count();
    let what = match (left.get(at), right.get(at)) {
        (Some(left), Some(right)) => match table.key_of(left).cmp(&table.key_of(right)) {
            Ordering::Equal => format!("the row with {} is another", table.key_text(left)),
            Ordering::Less => format!("the row with {} is missing", table.key_text(left)),
            Ordering::Greater => format!("the row with {} is too many", table.key_text(right)),
        },
        (Some(left), None) => format!("the row with {} is missing", table.key_text(left)),
        (_, Some(right)) => format!("the row with {} is too many", table.key_text(right)),
        (None, None) => "rows are not the same".to_owned(),
    };
    MoveError::Unequal { table: table.name.clone(), what }
}

/// Every chain, with what is wrong with it: it was so before, since the rows are the same.
pub(super) async fn chains(
    target: &mut PgConnection,
) -> Result<Vec<(TenantId, Report)>, MoveError> {
    let all = "SELECT tenant_id FROM audit_head UNION SELECT tenant_id FROM audit ORDER BY 1";
    let tenants: Vec<i64> =
        sqlx::query_scalar(all).fetch_all(&mut *target).await.map_err(MoveError::Target)?;
    let mut reports = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        reports.push((TenantId(tenant), chain(target, tenant).await?));
    }
    Ok(reports)
}

async fn chain(target: &mut PgConnection, tenant: i64) -> Result<Report, MoveError> {
    let failed = MoveError::Target;
    let head = sqlx::query(HEAD.text()).bind(tenant).fetch_optional(&mut *target).await;
    let head = match head.map_err(failed)? {
        Some(row) => chain_head(&SqlRow::new(&HEAD, row))?,
        None => Head { seq: 0, hash: START },
    };
    let (mut verifier, mut after) = (Verifier::default(), 0_i64);
    loop {
        let query = sqlx::query(CHAIN.text()).bind(tenant).bind(after).bind(CHAIN_ROWS);
        let rows = query.fetch_all(&mut *target).await.map_err(failed)?;
        let Some(last) = rows.last() else { return Ok(verifier.finish(head)) };
        after = last.try_get(1).map_err(failed)?;
        for row in rows {
            verifier.row(chain_row(&SqlRow::new(&CHAIN, row))?);
        }
    }
}
