//! SQLite: one writer connection, some readers, PRAGMAs set and checked.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use farwatch_common::file::create_private;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, Sqlite, Transaction};

use super::error::is_to_reopen;
use super::{StoreError, migrate};
use crate::store::txn::Mode;

/// Connections that only read. Queries are short; more would only fight for two cores.
const READERS_MAX: u32 = 4;
/// How long a reader waits for a connection before the request fails with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// First version without the WAL-reset corruption bug of 3.7.0 to 3.51.2.
const SQLITE_VERSION_MIN: (u32, u32, u32) = (3, 51, 3);
pub(super) const FILE_NAME: &str = "farwatch.db";

/// The connections to one file.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    writer: SqlitePool,
    readers: SqlitePool,
    suspicions: [Suspicion; 2],
}

/// A connection of a pool failed in a way that it does not get over: it is closed when it is given back.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Suspicion(Arc<AtomicBool>);

impl Suspicion {
    pub(super) fn note(&self, error: &sqlx::Error) {
        if is_to_reopen(error) {
            tracing::warn!(stage = "store", "a connection to the database is opened anew");
            self.0.store(true, Ordering::Release);
        }
    }

    /// Whether the connection that is given back is to stay.
    fn clears(&self) -> bool {
        !self.0.swap(false, Ordering::AcqRel)
    }
}

impl Pools {
    /// Begins on a reader, or on the only writer when it is this caller's turn.
    pub(super) async fn begin(
        &self,
        mode: Mode,
    ) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        match mode {
            Mode::Read => self.readers.begin().await,
            Mode::Write => self.writer.begin_with("BEGIN IMMEDIATE").await,
        }
    }

    pub(super) fn suspicion(&self, mode: Mode) -> Suspicion {
        let [reading, writing] = &self.suspicions;
        match mode {
            Mode::Read => reading.clone(),
            Mode::Write => writing.clone(),
        }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Opens or makes the database in `data_dir` and brings its schema up to date.
pub(super) async fn open(data_dir: &Path) -> Result<Pools, StoreError> {
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
    let suspicions = [Suspicion::default(), Suspicion::default()];
    let [readers, writer] = suspicions.each_ref().map(options);
    bring_up_to_date(&path, &writing).await?;
    // What a statement that writes puts aside is small, unless it makes an index: where it finds no room, it is the
    // database's disk that has none.
    let writing = writing.pragma("temp_store", "MEMORY");
    let writer = writer.max_connections(1).connect_with(writing).await.map_err(open)?;
    let readers = readers
        .max_connections(READERS_MAX)
        .connect_with(reading.read_only(true))
        .await
        .map_err(open)?;
    check(&writer).await?;
    Ok(Pools { writer, readers, suspicions })
}

async fn bring_up_to_date(path: &Path, writing: &SqliteConnectOptions) -> Result<(), StoreError> {
    let open = |source| StoreError::Open { path: path.to_owned(), source };
    let mut connection = writing.connect().await.map_err(open)?;
    migrate::SQLITE.run(&mut connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => {
            StoreError::Newer { database: path.display().to_string(), version }
        }
        source => StoreError::Migrate { path: path.to_owned(), source },
    })?;
    connection.close().await.map_err(open)
}

fn options(suspicion: &Suspicion) -> SqlitePoolOptions {
    let suspicion = suspicion.clone();
    SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).after_release(move |connection, _| {
        let suspicion = suspicion.clone();
        Box::pin(async move {
            // Carries out the rollback that waits. Where SQLite had rolled back by itself it fails, and the
            // driver takes the connection for one within a transaction, for good.
            connection.ping().await?;
            Ok(suspicion.clears() && !connection.is_in_transaction())
        })
    })
}

async fn check(writer: &SqlitePool) -> Result<(), StoreError> {
    let found: String = sqlx::query("SELECT sqlite_version()").fetch_one(writer).await?.get(0);
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < SQLITE_VERSION_MIN {
        return Err(StoreError::OldSqlite { found });
    }
    let mode: String = sqlx::query("PRAGMA journal_mode").fetch_one(writer).await?.get(0);
    if mode != "wal" {
        return Err(StoreError::Pragma { name: "journal_mode", found: mode });
    }
    let synchronous: i64 = sqlx::query("PRAGMA synchronous").fetch_one(writer).await?.get(0);
    if synchronous != 2 {
        let found = synchronous.to_string();
        return Err(StoreError::Pragma { name: "synchronous", found });
    }
    Ok(())
}
