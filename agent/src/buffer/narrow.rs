//! The narrow tables beside the batches, looked at with each start: what an index leaves out would wait for ever, and a
//! page that tells fewer rows than it has reads like a good one. At 100 bytes a row that is a hundredth of the file.

use rusqlite::Connection;

use super::BufferError;

const TABLES: [&str; 3] = ["waiting", "gap", "acked"];
/// The one table of them that has an index which decides what is sent.
const INDEXED: &str = "waiting";

/// Says whether all is right, or the indexes of [`INDEXED`] are to be made again.
///
/// # Errors
///
/// If more is wrong than these, or they cannot be read.
pub(super) fn check(connection: &Connection) -> Result<bool, BufferError> {
    let mut are_indexed = true;
    for table in TABLES {
        let wrong = wrong(connection, table)?;
        let Some(found) = wrong.first() else { continue };
        if table != INDEXED || !may_be_of_indexes(connection)? {
            return Err(BufferError::Damaged { found: format!("{table}: {found}") });
        }
        tracing::error!(%found, "the indexes of what waits are made again");
        are_indexed = false;
    }
    Ok(are_indexed)
}

/// Makes the indexes again from the rows.
///
/// # Errors
///
/// If that was not what is wrong.
pub(super) fn index_again(connection: &Connection) -> Result<(), BufferError> {
    connection.execute_batch(&format!("REINDEX {INDEXED}"))?;
    match wrong(connection, INDEXED)?.into_iter().next() {
        None => Ok(()),
        Some(found) => Err(BufferError::Damaged { found: format!("{INDEXED}: {found}") }),
    }
}

/// What SQLite finds wrong with a table.
fn wrong(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({table})"))?;
    let said = statement.query_map([], |row| row.get::<_, String>(0))?;
    let said: Vec<_> = said.collect::<rusqlite::Result<_>>()?;
    Ok(said.into_iter().filter(|said| said != "ok").collect())
}

/// Whether it may be that only indexes are wrong; [`index_again`] tells. One that has more rows than its table may be
/// the one that is right.
fn may_be_of_indexes(connection: &Connection) -> rusqlite::Result<bool> {
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1")?;
    let indexes = statement.query_map([INDEXED], |row| row.get::<_, String>(0))?;
    let count = |by: &str| {
        let text = format!("SELECT COUNT(*) FROM {INDEXED} {by}");
        connection.query_row(&text, [], |row| row.get::<_, i64>(0))
    };
    let rows = count("NOT INDEXED")?;
    for index in indexes {
        // One that cannot be counted says nothing against the table.
        if count(&format!("INDEXED BY {}", index?)).is_ok_and(|had| had > rows) {
            return Ok(false);
        }
    }
    Ok(true)
}
