//! The database: which engine, its connections, and what can go wrong with them.

mod error;
pub(super) mod postgres;
mod sqlite;

pub mod migrate;
pub mod roles;
mod scram;

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqlitePool;
use sqlx::{PgPool, Sqlite};

use super::txn::{Inner, Mode, Scope, Txn};
pub use postgres::Refusal;

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "cannot make the database {path}; check that this user may write its directory and owns it"
    )]
    Create { path: PathBuf, source: std::io::Error },
    #[error("cannot open the database {path}")]
    Open { path: PathBuf, source: sqlx::Error },
    #[error("cannot bring the database {path} to this version's schema")]
    Migrate { path: PathBuf, source: sqlx::migrate::MigrateError },
    #[error("the linked SQLite {found} is older than 3.51.3, which has a known corruption bug")]
    OldSqlite { found: String },
    #[error("the database ignored `PRAGMA {name}`: it says {found}")]
    Pragma { name: &'static str, found: String },
    /// Without the URL itself: a password may stand in it.
    #[error("this is not the URL of a PostgreSQL database, as in postgres://farwatch@HOST/NAME")]
    Url { source: sqlx::Error },
    #[error("cannot reach PostgreSQL at {server}")]
    Connect { server: String, source: sqlx::Error },
    #[error("PostgreSQL at {server} cannot be served from: {why}")]
    Refused { server: String, why: Refusal },
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("a statement of the transaction failed before: nothing of it is kept")]
    Aborted,
    #[error("stored data cannot be read: {what}")]
    Corrupt { what: String },
    #[error("the answer needs more than {max} {what}: ask for a shorter range or fewer metrics")]
    TooMuch { what: &'static str, max: usize },
}

impl StoreError {
    /// Worth trying again without a change: the database is busy or away.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(error) | Self::Connect { source: error, .. } => {
                error::is_retryable(error)
            }
            _ => false,
        }
    }

    /// The row itself is refused, whatever the database's health: trying again is of no use.
    #[must_use]
    pub fn is_of_the_row(&self) -> bool {
        matches!(self, Self::Database(error) if error::is_of_the_row(error))
    }

    /// A UNIQUE or PRIMARY KEY constraint refused the row.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(e)) if e.is_unique_violation())
    }
}

/// A write transaction of SQLite. Nothing is kept unless `commit` is called.
pub type Transaction = sqlx::Transaction<'static, Sqlite>;

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in the data directory; one collector.
    Sqlite,
    /// A server that holds each tenant's rows apart by itself.
    Postgres,
}

/// The collector's database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pools: Pools,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite(sqlite::Pools),
    Postgres(PgPool),
}

impl Database {
    /// Opens or makes the database in `data_dir` and brings its schema up to date.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { pools: Pools::Sqlite(sqlite::open(data_dir).await?) })
    }

    /// Connects to the PostgreSQL database of `url`; refuses one that does not keep tenants
    /// apart from whoever signs in.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Ok(Self { pools: Pools::Postgres(postgres::connect(url).await?) })
    }

    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.pools {
            Pools::Sqlite(_) => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    pub(super) async fn begin(&self, mode: Mode, scope: Scope) -> Result<Txn, StoreError> {
        let inner = match &self.pools {
            Pools::Sqlite(pools) => Inner::Sqlite(pools.begin(mode).await?),
            Pools::Postgres(pool) => Inner::Postgres(postgres::begin(pool, mode, &scope).await?),
        };
        Ok(Txn::new(inner, scope))
    }

    /// For queries of callers that know SQLite only.
    #[must_use]
    pub fn reader(&self) -> &SqlitePool {
        &self.sqlite().readers
    }

    /// Begins a write transaction on the only writer connection; waits for its turn. For callers
    /// that know SQLite only.
    pub async fn write(&self) -> Result<Transaction, StoreError> {
        Ok(self.sqlite().begin(Mode::Write).await?)
    }

    /// Closes all connections; SQLite checkpoints its WAL.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite(pools) => pools.close().await,
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    fn sqlite(&self) -> &sqlite::Pools {
        match &self.pools {
            Pools::Sqlite(pools) => pools,
            Pools::Postgres(_) => unreachable!("`serve` opens SQLite: its callers know no other"),
        }
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
