//! The narrow tables beside the batches, looked at with each start: what an index leaves out would wait for ever, and a
//! page that tells fewer rows than it has reads like a good one. At 100 bytes a row that is a hundredth of the file.

use rusqlite::Connection;

use super::BufferError;

const TABLES: [&str; 3] = ["waiting", "gap", "acked"];

/// # Errors
///
/// If a table or an index of it is not what was written. None is made again in its place: a page that an index takes
/// for its own may be that of another table.
pub(super) fn check(connection: &Connection) -> Result<(), BufferError> {
    for table in TABLES {
        let found: String =
            connection
                .query_row(&format!("PRAGMA integrity_check({table})"), [], |row| row.get(0))?;
        if found != "ok" {
            return Err(BufferError::Damaged { found: format!("{table}: {found}") });
        }
    }
    Ok(())
}
