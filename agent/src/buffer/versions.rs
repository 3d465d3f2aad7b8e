//! A file whose version is none that this program knows: of a newer one, or with a bit turned over.

use rusqlite::Connection;

use super::BufferError;

/// No program comes so far.
const VERSION_MAX: i64 = 1000;
/// What a migration changes: tables, their columns, and indexes. One that changes none of these would not be seen.
const TABLES: &str = "SELECT m.type, m.name, c.name, c.type FROM sqlite_schema m
    LEFT JOIN pragma_table_xinfo(m.name) c
    WHERE m.name NOT GLOB 'sqlite_*' ORDER BY m.type, m.name, c.cid";

/// What is wrong with a file of version `found`, which is beyond those of `migrations`.
///
/// # Errors
///
/// If its tables cannot be read.
pub(super) fn beyond(
    connection: &Connection,
    found: i64,
    migrations: &[&str],
) -> rusqlite::Result<BufferError> {
    let is_plausible = (0..=VERSION_MAX).contains(&found);
    if is_plausible && tables(connection)? != tables_of(migrations)? {
        return Ok(BufferError::NewerFile);
    }
    let found = format!("its version {found} is not what was written");
    Ok(BufferError::Damaged { found })
}

/// Type and name of each table or index, with name and type of a column.
type Told = (String, String, Option<String>, Option<String>);

fn tables(connection: &Connection) -> rusqlite::Result<Vec<Told>> {
    let mut statement = connection.prepare(TABLES)?;
    let told =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    told.collect()
}

/// As migrations make them.
fn tables_of(migrations: &[&str]) -> rusqlite::Result<Vec<Told>> {
    let connection = Connection::open_in_memory()?;
    for script in migrations {
        connection.execute_batch(script)?;
    }
    tables(&connection)
}
