//! `migrate-to postgres`: moves an installation from the SQLite file to PostgreSQL.
//!
//! - in: a data directory that nobody serves from; the URL of an empty PostgreSQL database, as who
//!   may migrate it
//! - out: the same rows in PostgreSQL, compared with those they came from; the file as it was
//! - bound: a group of rows of [`rows`]; one connection to each side
//! - on crash: the target stays marked, `serve` refuses it, and the next run goes on
//!
//! The file is locked against writers for the whole run and so is the target against collectors:
//! there is one state to copy, and nobody sees half of it.

mod copy;
mod progress;
mod rows;
mod tables;
#[cfg(test)]
mod tests;
mod verify;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};

use crate::data_dir::{DataDir, DataDirError};
use crate::store::database::{IS_UNFINISHED, Server, UNFINISHED, elsewhere, migrate};
use crate::store::{Database, StoreError};
pub use progress::Progress;

/// How long another command may take to end its change of the file.
const LOCK_WITHIN: Duration = Duration::from_secs(5);

/// How to begin again.
macro_rules! begin_again {
    () => {
        "To begin again, give another empty database, or empty this one: DROP SCHEMA farwatch \
         CASCADE deletes all that Farwatch has in it"
    };
}

/// Why an installation is not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("there is no {path}: name the directory of the installation with --data-dir")]
    NoSource { path: PathBuf },
    #[error("the database {path} cannot be locked; end the command that is at work on it")]
    Busy { path: PathBuf, source: sqlx::Error },
    #[error("the database in the data directory cannot be read")]
    Source(#[source] sqlx::Error),
    #[error("PostgreSQL failed; the same command again goes on where it was")]
    Target(#[source] sqlx::Error),
    #[error(
        "PostgreSQL at {server} is not empty: there are rows in `{table}`. {}",
        begin_again!()
    )]
    NotEmpty { server: String, table: String },
    #[error(
        "this installation is in PostgreSQL at {server} already: nothing is to be moved. `serve` with \
         the URL of the login `farwatch`"
    )]
    Already { server: String },
    #[error(
        "{note} says that the rows of this installation are in PostgreSQL at {server}: what came \
         since is not in the file. To move them elsewhere use pg_dump and pg_restore, and `serve` \
         with the new URL; to move the file as it is, delete {note}"
    )]
    Elsewhere { server: String, note: PathBuf },
    #[error("the two databases have not the same tables: {0}")]
    Schema(String),
    #[error("the column `{column}` of `{table}` holds what it should not")]
    Value { table: String, column: String, source: sqlx::Error },
    #[error(
        "what is in PostgreSQL is not what was copied: in `{table}` {what}. Nobody may write to it \
         meanwhile. {}",
        begin_again!()
    )]
    Unequal { table: String, what: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub tables: usize,
    pub rows: u64,
    /// Chains of the audit, and how many of them were not sound, here as there.
    pub chains: usize,
    pub broken_chains: usize,
}

/// Moves what is in `data_dir` to the server's database.
pub async fn to_postgres(
    data_dir: &Path,
    server: &Server,
    progress: &mut Progress,
) -> Result<Moved, MoveError> {
    let path = Database::file(data_dir);
    if !path.exists() {
        return Err(MoveError::NoSource { path });
    }
    // Held to the end.
    let _data_dir = DataDir::lock(data_dir)?;
    let there = elsewhere::noted(data_dir)?;
    if let Some(there) = there.filter(|there| *there != format!("{server:?}")) {
        return Err(is_elsewhere(data_dir, there));
    }
    let mut source = open_source(data_dir, &path).await?;
    let mut target = open_target(data_dir, server).await?;
    let tables = tables::of_both(&mut source, &mut target).await?;
    copy::begin(&mut target, &tables).await.map_err(MoveError::Target)?;
    copy::copy(&mut source, &mut target, &tables, progress).await?;
    let mut moved = verify::verify(&mut source, &mut target, &tables, progress).await?;
    for (tenant, report) in verify::chains(&mut target).await? {
        moved.chains += 1;
        if !report.is_sound() {
            moved.broken_chains += 1;
            progress.say(&format!(
                "warning: the audit of {tenant} is not sound, and was not before: see \
                 `farwatch-collector audit verify`, and keep the file"
            ));
        }
    }
    // First: nobody serves from the file once the server lets itself be served from.
    elsewhere::note(data_dir, server)?;
    copy::finish(&mut target).await.map_err(MoveError::Target)?;
    target.close().await.map_err(MoveError::Target)?;
    source.close().await.map_err(MoveError::Source)?;
    Ok(moved)
}

fn is_elsewhere(data_dir: &Path, server: String) -> MoveError {
    MoveError::Elsewhere { server, note: elsewhere::path(data_dir) }
}

/// Brings the file to this version's schema and keeps other writers out of it.
async fn open_source(data_dir: &Path, path: &Path) -> Result<SqliteConnection, MoveError> {
    Database::open(data_dir).await?.close().await;
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(LOCK_WITHIN);
    let mut source = options.connect().await.map_err(MoveError::Source)?;
    // Never committed: it is the lock, and the one state that all is read from.
    let locked = sqlx::query("BEGIN IMMEDIATE").execute(&mut source).await;
    locked.map_err(|source| MoveError::Busy { path: path.to_owned(), source })?;
    Ok(source)
}

/// Keeps collectors out, refuses a database with rows in it, and brings it to this version's schema.
async fn open_target(data_dir: &Path, server: &Server) -> Result<PgConnection, MoveError> {
    let mut target = server.alone().await?;
    let name = format!("{server:?}");
    let is_noted = elsewhere::noted(data_dir)?.as_ref() == Some(&name);
    // Before anything is changed in it.
    match look(&mut target).await.map_err(MoveError::Target)? {
        Found::Unfinished => {}
        Found::Empty if !is_noted => {}
        // Somebody emptied it since: what was in it is not in the file.
        Found::Empty => return Err(is_elsewhere(data_dir, name)),
        Found::Rows(_) if is_noted => return Err(MoveError::Already { server: name }),
        Found::Rows(table) => return Err(MoveError::NotEmpty { server: name, table }),
    }
    migrate::server(server, None).await?;
    become_owner(&mut target).await.map_err(MoveError::Target)?;
    Ok(target)
}

/// What is in a target.
enum Found {
    Empty,
    /// An earlier run was at work on it.
    Unfinished,
    /// In this table.
    Rows(String),
}

async fn look(target: &mut PgConnection) -> Result<Found, sqlx::Error> {
    let there = "SELECT to_regnamespace('farwatch') IS NOT NULL";
    let has_schema: bool = sqlx::query_scalar(there).fetch_one(&mut *target).await?;
    let is_unfinished: bool =
        sqlx::query_scalar(IS_UNFINISHED).bind(UNFINISHED).fetch_one(&mut *target).await?;
    if is_unfinished {
        return Ok(Found::Unfinished);
    }
    if !has_schema {
        return Ok(Found::Empty);
    }
    become_owner(target).await?;
    Ok(tables::filled(target).await?.map_or(Found::Empty, Found::Rows))
}

/// Row level security shows all rows to the owner of the tables alone.
async fn become_owner(target: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET ROLE farwatch_owner").execute(target).await?;
    Ok(())
}
