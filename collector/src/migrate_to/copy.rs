//! Copies table after table, parents first, in groups that are a transaction each.
//!
//! - on crash: what was copied stays, under the mark that keeps collectors out. The next run empties
//!   what is small and may have changed since, and goes on in what only grows

use sqlx::{Connection as _, PgConnection, SqliteConnection};

use super::MoveError;
use super::progress::Progress;
use super::rows::{
    GROUP_ROWS, count, count_between, has_rows, insert, on_tables, run, sqlite_group,
};
use super::tables::Table;
use crate::store::database::UNFINISHED;

/// Tables whose rows never change: what is there already is as it should be. All the rest is small.
const GROWING: [&str; 2] = ["audit", "ts_batch"];

fn grows(table: &Table) -> bool {
    GROWING.contains(&table.name.as_str())
}

/// Marks the target as unfinished and empties the tables that are copied from their start.
pub(super) async fn begin(target: &mut PgConnection, tables: &[Table]) -> Result<(), sqlx::Error> {
    let mut txn = target.begin().await?;
    // Its being there is all it says.
    let mark = format!("CREATE TABLE IF NOT EXISTS {UNFINISHED} ()");
    run(&mut txn, mark).await?;
    on_tables(&mut txn, "TRUNCATE", tables.iter().filter(|table| !grows(table))).await?;
    txn.commit().await
}

pub(super) async fn copy(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    tables: &[Table],
    progress: &mut Progress,
) -> Result<(), MoveError> {
    for table in tables {
        progress.begin("copying", &table.name, count(source, table).await?);
        copy_table(source, target, table, progress).await?;
        progress.end("copied", "");
    }
    // Without figures of its own the server would plan the first queries blindly.
    on_tables(target, "ANALYZE", tables.iter()).await.map_err(MoveError::Target)
}

async fn copy_table(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
    table: &Table,
    progress: &mut Progress,
) -> Result<(), MoveError> {
    let keys = table.keys();
    let goes_on = has_rows(target, &table.name).await.map_err(MoveError::Target)?;
    let mut after = None;
    loop {
        if goes_on {
            // Only the keys are read of what is there already.
            let group = sqlite_group(source, &keys, after.as_ref(), GROUP_ROWS).await?;
            let Some(last) = group.last() else { return Ok(()) };
            let there = count_between(target, table, after.as_ref(), last).await?;
            if usize::try_from(there) == Ok(group.len()) {
                progress.add(group.len());
                after = Some(last.clone());
                continue;
            }
        }
        let group = sqlite_group(source, table, after.as_ref(), GROUP_ROWS).await?;
        let Some(last) = group.last() else { return Ok(()) };
        after = Some(table.key_of(last));
        let rows = group.len();
        insert(target, table, group).await?;
        progress.add(rows);
    }
}

/// Takes the mark away: the database can be served from.
pub(super) async fn finish(target: &mut PgConnection) -> Result<(), sqlx::Error> {
    run(target, format!("DROP TABLE {UNFINISHED}")).await
}
