//! The database: which engine, its connections, and what can go wrong with them.

pub(crate) mod elsewhere;
mod error;
pub(super) mod postgres;
mod sqlite;

pub mod migrate;
pub mod roles;
mod room;
mod scram;
mod serving;
mod url;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use farwatch_common::secret::Secret;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool};

use super::txn::{Inner, Mode, Scope, Txn};
pub(super) use error::Failures;
pub use postgres::Refusal;
pub(crate) use postgres::{IS_UNFINISHED, UNFINISHED};
pub use room::Room;
use serving::Fence;
pub use serving::Serving;
pub use url::DatabaseUrl;

const CLOSE_WITHIN: Duration = Duration::from_secs(5);

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
    #[error(
        "{database} has a schema of a later version (migration {version}): run the \
         farwatch-collector that made it, or a later one"
    )]
    Newer { database: String, version: i64 },
    #[error(
        "the rows of this data directory are in PostgreSQL at {server}: name it with --database-url or \
         as `url` of [database]. To use the file farwatch.db again, delete {note}"
    )]
    Elsewhere { server: String, note: PathBuf },
    #[error("cannot read or write {path}, which tells where the database is")]
    Note { path: PathBuf, source: std::io::Error },
    #[error("the linked SQLite {found} is older than 3.51.3, which has a known corruption bug")]
    OldSqlite { found: String },
    #[error("the database ignored `PRAGMA {name}`: it says {found}")]
    Pragma { name: &'static str, found: String },
    /// Without the URL itself: a password may stand in it.
    #[error("this is not the URL of a PostgreSQL database, as in postgres://farwatch@HOST/NAME")]
    Url { source: sqlx::Error },
    #[error("cannot reach PostgreSQL at {server}")]
    Connect { server: String, source: sqlx::Error },
    #[error(
        "no encrypted connection to PostgreSQL at {server}; name the authority of its certificate \
         with `sslrootcert=FILE` in the URL, or write `sslmode=disable` where nobody else is on the \
         network"
    )]
    Tls { server: String, source: sqlx::Error },
    #[error(
        "cannot bring PostgreSQL at {server} to this version's schema; `migrate` signs in as a \
         superuser, or as the database's owner who may make roles"
    )]
    MigrateServer { server: String, source: sqlx::migrate::MigrateError },
    #[error("cannot give the login `farwatch` its password")]
    LoginPassword(#[from] roles::PasswordError),
    #[error("PostgreSQL at {server} cannot be served from: {why}")]
    Refused { server: String, why: Refusal },
    #[error(
        "another farwatch-collector serves from PostgreSQL at {server}; stop it first, or give \
         this one a database of its own"
    )]
    Served { server: String },
    #[error("the database is away")]
    Away,
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// Passes once somebody makes room. Without a source where it was known before.
    #[error("the disk of the database is full: make room on it")]
    Full { source: Option<sqlx::Error> },
    /// Nothing is said of the database's own disk.
    #[error(
        "there is no room for the temporary files of what was asked: make room where the database puts \
         them, or ask for less"
    )]
    FullAside { source: sqlx::Error },
    #[error("a statement of the transaction failed before: nothing of it is kept")]
    Aborted,
    #[error("stored data cannot be read: {what}")]
    Corrupt { what: String },
    #[error("the answer needs more than {max} {what}: ask for a shorter range or fewer metrics")]
    TooMuch { what: &'static str, max: usize },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error::is_full(&error) {
            true => Self::Full { source: Some(error) },
            false => Self::Database(error),
        }
    }
}

impl StoreError {
    /// Of a server that could not be reached or asked.
    fn connect(server: String, source: sqlx::Error) -> Self {
        // A certificate that is refused comes inside an I/O error.
        let is_tls = match &source {
            sqlx::Error::Tls(_) => true,
            sqlx::Error::Io(error) => {
                error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
            }
            _ => false,
        };
        match is_tls {
            true => Self::Tls { server, source },
            false => Self::Connect { server, source },
        }
    }

    /// Worth trying again without a change: the database is busy or away.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Connect { source: error, .. }
            | Self::Tls { source: error, .. } => error::is_retryable(error),
            Self::Away | Self::Full { .. } | Self::FullAside { .. } => true,
            _ => false,
        }
    }

    /// The database's disk is full, which the store has said, once.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
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

/// Where everything is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file in the data directory; one collector.
    Sqlite,
    /// A server that holds each tenant's rows apart by itself.
    Postgres,
}

/// Which database a configuration names.
#[derive(Clone, Debug)]
pub enum Target {
    /// The file in this directory.
    Sqlite(PathBuf),
    Postgres(Server),
}

/// A PostgreSQL database, and how to sign in there.
#[derive(Clone)]
pub struct Server {
    url: DatabaseUrl,
    password: Option<Secret>,
}

/// For people, and without the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.options() {
            Ok(options) => f.write_str(&postgres::server(&options)),
            Err(_) => f.write_str("nowhere"),
        }
    }
}

impl Server {
    /// A password in the URL comes before `password`.
    #[must_use]
    pub fn new(url: DatabaseUrl, password: Option<Secret>) -> Self {
        Self { url, password }
    }

    fn options(&self) -> Result<PgConnectOptions, StoreError> {
        let mut options = self.url.options().map_err(|source| StoreError::Url { source })?;
        if let Some(password) = self.password.as_ref().filter(|_| !self.url.has_password()) {
            options = options.password(str::from_utf8(password.expose()).unwrap_or_default());
        }
        Ok(postgres::with_ours(options))
    }

    /// One connection on which a statement may take its time; no collector serves while it lives.
    pub(crate) async fn alone(&self) -> Result<PgConnection, StoreError> {
        serving::alone(&migrate::patient(self.options()?)).await
    }

    /// Where `serve` signs in, once `migrate` has made the login.
    pub fn login_url(&self) -> Result<String, StoreError> {
        let options = self.options()?;
        let database = options.get_database().unwrap_or(options.get_username());
        Ok(match options.get_socket() {
            Some(socket) => {
                format!("postgres:///{database}?host={}&user=farwatch", socket.display())
            }
            None => {
                let (host, port) = (options.get_host(), options.get_port());
                format!("postgres://farwatch@{host}:{port}/{database}{}", self.url.tls())
            }
        })
    }
}

/// The collector's database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pools: Pools,
    room: Room,
    #[cfg(test)]
    pub(crate) ran: super::sql::ran::Ran,
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite(sqlite::Pools),
    Postgres(PgPool, Fence),
}

impl Database {
    fn new(pools: Pools, room: Room) -> Self {
        Self {
            pools,
            room,
            #[cfg(test)]
            ran: super::sql::ran::Ran::default(),
        }
    }

    /// Opens or makes the database in `data_dir` and brings its schema up to date.
    pub async fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Ok(Self::new(Pools::Sqlite(sqlite::open(data_dir).await?), Room::here(data_dir)))
    }

    /// The SQLite file in `data_dir`.
    #[must_use]
    pub fn file(data_dir: &Path) -> PathBuf {
        data_dir.join(sqlite::FILE_NAME)
    }

    /// Connects to a PostgreSQL database; refuses one that does not keep tenants apart from
    /// whoever signs in, and one without this version's schema.
    pub async fn connect(server: Server) -> Result<Self, StoreError> {
        let pool = postgres::connect(server.options()?).await?;
        Ok(Self::new(Pools::Postgres(pool, Fence::default()), Room::elsewhere()))
    }

    /// Opens what the configuration names.
    pub async fn open_target(target: Target) -> Result<Self, StoreError> {
        match target {
            Target::Sqlite(data_dir) => {
                elsewhere::check(&data_dir)?;
                Self::open(&data_dir).await
            }
            Target::Postgres(server) => Self::connect(server).await,
        }
    }

    /// The right to serve from a PostgreSQL database, where the lock of the data directory keeps
    /// nobody out who has another one.
    pub async fn serving(&self) -> Result<Option<Serving>, StoreError> {
        match &self.pools {
            Pools::Sqlite(_) => Ok(None),
            Pools::Postgres(pool, fence) => {
                Serving::begin(&pool.connect_options(), fence.clone()).await.map(Some)
            }
        }
    }

    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.pools {
            Pools::Sqlite(_) => Engine::Sqlite,
            Pools::Postgres(..) => Engine::Postgres,
        }
    }

    /// Whether its disk has room.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    pub(super) async fn begin(&self, mode: Mode, scope: Scope) -> Result<Txn, StoreError> {
        let suspicion = match &self.pools {
            Pools::Sqlite(pools) => Some(pools.suspicion(mode)),
            Pools::Postgres(..) => None,
        };
        let failures = Failures { mode, room: self.room.clone(), suspicion };
        let inner = match &self.pools {
            Pools::Sqlite(pools) => {
                let begun = pools.begin(mode).await;
                Inner::Sqlite(begun.map_err(|error| failures.told(error))?)
            }
            Pools::Postgres(_, fence) if fence.is_up() => return Err(StoreError::Away),
            Pools::Postgres(pool, _) => Inner::Postgres(postgres::begin(pool, mode, &scope).await?),
        };
        #[cfg_attr(not(test), expect(unused_mut, reason = "tests look at what runs"))]
        let mut txn = Txn::new(inner, scope, failures);
        #[cfg(test)]
        {
            txn.ran = self.ran.clone();
        }
        Ok(txn)
    }

    /// Closes all connections; SQLite checkpoints its WAL.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite(pools) => pools.close().await,
            Pools::Postgres(pool, _) => {
                // A server that hangs does not hold up the end.
                let _ = tokio::time::timeout(CLOSE_WITHIN, pool.close()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Raw;

    #[tokio::test]
    async fn opens_twice_and_keeps_what_was_committed() {
        let dir = tempfile::tempdir().unwrap();
        let first = Database::open(dir.path()).await.unwrap();
        let add = "INSERT INTO tenant (tenant_id, name, created_at) VALUES (1, 'kept', 0)";
        Raw::Sqlite(&first).run(add).await;
        first.close().await;
        let second = Database::open(dir.path()).await.unwrap();
        let kept = "SELECT COUNT(*) FROM tenant WHERE name = 'kept'";
        assert_eq!(Raw::Sqlite(&second).count(kept).await, 1);
    }

    #[tokio::test]
    async fn a_later_versions_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = Database::open(dir.path()).await.unwrap();
        let later = "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success,
                     checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
        Raw::Sqlite(&first).run(later).await;
        first.close().await;
        let error = Database::open(dir.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { version: 9999, .. }), "{error:?}");
    }
}
