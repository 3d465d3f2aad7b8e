//! The SQLite database: one writer connection, some readers, PRAGMAs set and checked.

pub mod migrate;
pub mod roles;
mod scram;

use std::path::{Path, PathBuf};
use std::time::Duration;

use farwatch_common::file::create_private;
use sqlx::error::ErrorKind;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// Connections that only read. Queries are short; more would only fight for two cores.
const READERS_MAX: u32 = 4;
/// How long a reader waits for a connection before the request fails with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// First version without the WAL-reset corruption bug of 3.7.0 to 3.51.2.
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
const FILE_NAME: &str = "farwatch.db";

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot make the database {path}")]
    Create { path: PathBuf, source: std::io::Error },
    #[error("cannot open the database {path}")]
    Open { path: PathBuf, source: sqlx::Error },
    #[error("cannot bring the database {path} to this version's schema")]
    Migrate { path: PathBuf, source: sqlx::migrate::MigrateError },
    #[error("the linked SQLite {found} is older than 3.51.3, which has a known corruption bug")]
    OldSqlite { found: String },
    #[error("the database ignored `PRAGMA {name}`: it says {found}")]
    Pragma { name: &'static str, found: String },
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("stored data cannot be read: {what}")]
    Corrupt { what: String },
    #[error("the answer needs more than {max} {what}: ask for a shorter range or fewer metrics")]
    TooMuch { what: &'static str, max: usize },
}

impl StoreError {
    /// Worth trying again without a change: the database is busy or away.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Database(
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)
            )
        )
    }

    /// The row itself is refused, whatever the database's health: trying again is of no use.
    #[must_use]
    pub fn is_constraint_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(e)) if e.kind() != ErrorKind::Other)
    }

    /// A UNIQUE or PRIMARY KEY constraint refused the row.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(e)) if e.is_unique_violation())
    }
}

/// A write transaction. Nothing is kept unless `commit` is called.
pub type Transaction = sqlx::Transaction<'static, Sqlite>;

/// The collector's database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens or makes the database in `data_dir` and brings its schema up to date.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        // For the owner only; SQLite gives its log and shared memory the same mode.
        create_private(&path, &[])
            .map_err(|source| StoreError::Create { path: path.clone(), source })?;
        let open = |source| StoreError::Open { path: path.clone(), source };
        // A reader sets nothing that is kept in the file: SQLite refuses it even if it stands so.
        let reading = SqliteConnectOptions::new()
            .filename(&path)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let writing = reading
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("auto_vacuum", "INCREMENTAL");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(writing)
            .await
            .map_err(open)?;
        MIGRATIONS
            .run(&writer)
            .await
            .map_err(|source| StoreError::Migrate { path: path.clone(), source })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(reading.read_only(true))
            .await
            .map_err(open)?;
        let database = Self { writer, readers };
        database.check().await?;
        Ok(database)
    }

    /// For queries.
    #[must_use]
    pub fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    /// Begins a write transaction on the only writer connection; waits for its turn.
    pub async fn write(&self) -> Result<Transaction, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Closes all connections, checkpointing the WAL.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn check(&self) -> Result<(), StoreError> {
        let found: String =
            sqlx::query("SELECT sqlite_version()").fetch_one(&self.writer).await?.get(0);
        let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut part = || parts.next().unwrap_or(0);
        if (part(), part(), part()) < SQLITE_VERSION_MIN {
            return Err(StoreError::OldSqlite { found });
        }
        let mode: String = sqlx::query("PRAGMA journal_mode").fetch_one(&self.writer).await?.get(0);
        if mode != "wal" {
            return Err(StoreError::Pragma { name: "journal_mode", found: mode });
        }
        let synchronous: i64 =
            sqlx::query("PRAGMA synchronous").fetch_one(&self.writer).await?.get(0);
        if synchronous != 2 {
            let found = synchronous.to_string();
            return Err(StoreError::Pragma { name: "synchronous", found });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn opens_twice_and_keeps_what_was_committed() {
        let dir = tempfile::tempdir().unwrap();
        let first = Database::open(dir.path()).await.unwrap();
        let mut kept = first.write().await.unwrap();
        sqlx::query("INSERT INTO tenant VALUES ($1, $2, $3)")
            .bind(1i64)
            .bind("kept")
            .bind(0i64)
            .execute(&mut *kept)
            .await
            .unwrap();
        kept.commit().await.unwrap();
        let mut dropped = first.write().await.unwrap();
        sqlx::query("INSERT INTO tenant VALUES (2, 'dropped', 0)")
            .execute(&mut *dropped)
            .await
            .unwrap();
        drop(dropped);
        first.close().await;
        let second = Database::open(dir.path()).await.unwrap();
        let names: Vec<String> =
            sqlx::query_scalar("SELECT name FROM tenant").fetch_all(second.reader()).await.unwrap();
        assert_eq!(names, ["kept"]);
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).await.unwrap();
        let refused = sqlx::query("DELETE FROM tenant").execute(database.reader()).await;
        assert!(refused.is_err());
    }
}
