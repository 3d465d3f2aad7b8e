//! Which errors of the drivers mean "later", and which mean "never, with this row".

use sqlx::Error;
use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::sqlite::Suspicion;
use super::{Room, StoreError};
use crate::store::txn::Mode;

/// Primary result codes of SQLite: <https://sqlite.org/rescode.html>.
const SQLITE_BUSY: i32 = 5;
const SQLITE_NOMEM: i32 = 7;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_TOOBIG: i32 = 18;
const SQLITE_CONSTRAINT: i32 = 19;
const SQLITE_MISMATCH: i32 = 20;
const SQLITE_NOTADB: i32 = 26;
/// An extended code: the index of the log cannot grow, for want of room.
const SQLITE_IOERR_SHMSIZE: i32 = 4874;
/// disk_full
const POSTGRES_FULL: &str = "53100";

/// The database is busy or away: the same again may succeed.
pub(super) fn is_retryable(error: &Error) -> bool {
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => true,
        Error::Database(error) => match Code::of(error.as_ref()) {
            Code::Sqlite(code) => primary(code) == SQLITE_BUSY,
            Code::Postgres(state) => is_passing(&state),
            Code::Unknown => false,
        },
        _ => false,
    }
}

/// The values of this row are refused, whatever the database's health.
pub(super) fn is_of_the_row(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    match Code::of(error.as_ref()) {
        Code::Sqlite(code) => {
            [SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH].contains(&primary(code))
        }
        // 22: bad data, as a NUL in a text; 23: a constraint.
        Code::Postgres(state) => state.starts_with("22") || state.starts_with("23"),
        Code::Unknown => false,
    }
}

/// The disk is full: that of the database, or of a statement that only reads that of its temporary files.
pub(super) fn is_full(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    match Code::of(error.as_ref()) {
        Code::Sqlite(code) => primary(code) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE,
        Code::Postgres(state) => state == POSTGRES_FULL,
        Code::Unknown => false,
    }
}

/// After these SQLite has ended the transaction by itself, which its driver does not see, or the
/// connection holds on to what it read from a file that is not well: another one is opened.
/// <https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction".
pub(super) fn is_to_reopen(error: &Error) -> bool {
    match error {
        Error::Database(error) => match Code::of(error.as_ref()) {
            Code::Sqlite(code) => [
                SQLITE_NOMEM,
                SQLITE_IOERR,
                SQLITE_CORRUPT,
                SQLITE_FULL,
                SQLITE_CANTOPEN,
                SQLITE_NOTADB,
            ]
            .contains(&primary(code)),
            Code::Postgres(_) | Code::Unknown => false,
        },
        // The driver believes that the transaction before has not ended.
        Error::InvalidSavePointStatement | Error::BeginFailed => true,
        _ => false,
    }
}

/// The connection was good until now and is not any more: another one may be.
pub(super) fn is_broken_connection(error: &Error) -> bool {
    match error {
        Error::Io(_) => true,
        Error::Database(error) => matches!(
            Code::of(error.as_ref()),
            Code::Postgres(state) if state.starts_with("57P") || state.starts_with("08")
                || state == "25P03"
        ),
        _ => false,
    }
}

/// States that pass: <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
fn is_passing(state: &str) -> bool {
    // 08: the connection; 57P01 to 57P03: the server goes down or comes up; 53300: too many
    // connections; 40001, 40P01: another transaction won; 55P03: a lock took too long; 25P03: the
    // transaction idled too long and was ended.
    state.starts_with("08")
        || ["57P01", "57P02", "57P03", "53300", "40001", "40P01", "55P03", "25P03"].contains(&state)
}

/// A reader puts aside what is too large to be sorted in memory, on whichever disk that is. The index of the log
/// stands beside SQLite's file.
fn is_full_aside(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    match Code::of(error.as_ref()) {
        Code::Sqlite(code) => primary(code) == SQLITE_FULL,
        Code::Postgres(state) => state == POSTGRES_FULL,
        Code::Unknown => false,
    }
}

/// Who is to know of a failure.
#[derive(Debug)]
pub(in crate::store) struct Failures {
    pub(super) mode: Mode,
    pub(super) room: Room,
    /// Of SQLite's connections; PostgreSQL's are looked at when they begin a transaction.
    pub(super) suspicion: Option<Suspicion>,
}

impl Failures {
    pub(in crate::store) fn told(&self, error: Error) -> StoreError {
        if let Some(suspicion) = &self.suspicion {
            suspicion.note(&error);
        }
        if self.mode == Mode::Read && is_full_aside(&error) {
            return StoreError::FullAside { source: error };
        }
        let error = error.into();
        self.room.failed(&error);
        error
    }
}

enum Code {
    /// The extended result code.
    Sqlite(i32),
    /// The SQLSTATE.
    Postgres(String),
    Unknown,
}

impl Code {
    fn of(error: &dyn DatabaseError) -> Self {
        if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
            return Self::Postgres(error.code().to_owned());
        }
        // SQLite's driver gives the code as text.
        let extended = error
            .try_downcast_ref::<SqliteError>()
            .and_then(DatabaseError::code)
            .and_then(|code| code.parse::<i32>().ok());
        extended.map_or(Self::Unknown, Self::Sqlite)
    }
}

/// The low byte of an extended code.
fn primary(code: i32) -> i32 {
    code & 0xff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_told_apart() {
        for state in ["08006", "57P01", "57P03", "53300", "40001", "40P01", "55P03"] {
            assert!(is_passing(state), "{state}");
        }
        // A timeout of a statement, a missing right and an error of ours do not pass.
        for state in ["57014", "42501", "42601", "22021", "23505"] {
            assert!(!is_passing(state), "{state}");
        }
        assert!(is_retryable(&Error::PoolTimedOut));
        assert!(!is_retryable(&Error::RowNotFound));
        assert!(!is_of_the_row(&Error::PoolTimedOut));
    }
}
