//! PostgreSQL: connections, whom it refuses to sign in as, and how a transaction begins.
//!
//! The server is the second lock on every tenant's rows: each transaction says its role and its
//! tenants, and the policies of the tables do the rest. A login that the policies do not bind, a
//! superuser above all, would open that lock without a sound; it is refused.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres, Row as _, Transaction};

use super::StoreError;
use super::error::is_broken_connection;
use super::migrate::POSTGRES;
use crate::store::txn::{Mode, Scope};

/// A table that says by being there that an installation is being moved into the database.
pub(crate) const UNFINISHED: &str = "_unfinished_move";
/// Asked of the catalog, which everybody may read.
pub(crate) const IS_UNFINISHED: &str = "
    SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'farwatch' AND c.relname = $1)";
/// Where the tables are.
const SCHEMA: &str = "farwatch";
/// Connections of one collector. Statements are short; a server has 100 by default.
const POOL_MAX: u32 = 16;
/// How long a request waits for a connection, or for the server to come back, before it is 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a transaction takes to begin at most: [`ACQUIRE_TIMEOUT`], and two short answers.
const BEGIN_WITHIN: Duration = Duration::from_secs(4);

/// Every mode is said: of a transaction whose begin was cut short, the next one on the connection
/// inherits what it does not say.
const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// `SET LOCAL ROLE`, and the set that the policies read, until the transaction ends.
const ASSUME: &str = "SELECT set_config('role', $1, true), set_config('app.tenants', $2, true)";

/// Why a server or a login cannot be served from; each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "`{role}` is a superuser: rows of all tenants would be open to every mistake. Run \
         `farwatch-collector migrate` with this URL once and `serve` with the login it makes: \
         postgres://farwatch@..."
    )]
    Superuser { role: String },
    #[error(
        "`{login}` can act as `{role}`, which {how}: rows of all tenants would be open to every \
         mistake. Use the login that `farwatch-collector migrate` makes: postgres://farwatch@..."
    )]
    TooMighty { login: String, role: String, how: &'static str },
    #[error(
        "`{login}` cannot act as `{role}`. Run `farwatch-collector migrate` with the URL of a \
         superuser, and `serve` with the login it makes: postgres://farwatch@..."
    )]
    NoRole { login: String, role: &'static str },
    #[error("it has no schema `farwatch`. Run `farwatch-collector migrate` first")]
    NoSchema,
    #[error(
        "its schema is older than this farwatch-collector (migration {found}, wanted {wanted}). \
         Run `farwatch-collector migrate` of this version, and `serve` again"
    )]
    OlderSchema { found: i64, wanted: i64 },
    #[error(
        "its schema is newer than this farwatch-collector (migration {found}, known {known}). \
         `serve` with the version that migrated it, or a later one"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error(
        "its schema was made by another build of farwatch-collector (migration {version} differs). \
         `serve` with that one"
    )]
    OtherSchema { version: i64 },
    #[error(
        "an installation was being moved into it, and that has not ended. Run `farwatch-collector \
         migrate-to postgres` again: it goes on where it was"
    )]
    Unfinished,
    #[error(
        "the table `{table}` does not hold its tenants apart (row level security is not forced). \
         Run `farwatch-collector migrate`"
    )]
    Unlocked { table: String },
}

/// Connects, and looks whether the login and the server are fit to be served from.
pub(super) async fn connect(options: PgConnectOptions) -> Result<PgPool, StoreError> {
    let server = server(&options);
    let pool = PgPoolOptions::new()
        .max_connections(POOL_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A broken connection is found when it begins a transaction: no round trip for it here.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|source| StoreError::connect(server.clone(), source))?;
    let fit = match refusal(&pool).await {
        Ok(None) => return Ok(pool),
        Ok(Some(why)) => StoreError::Refused { server, why },
        Err(source) => StoreError::connect(server, source),
    };
    pool.close().await;
    Err(fit)
}

/// The options of a URL and ours, which every connection starts with.
pub(super) fn with_ours(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("farwatch-collector").options([
        ("search_path", SCHEMA),
        // Compiling a plan takes longer than any of our statements.
        ("jit", "off"),
        // An ack is a promise: a commit is on the disk, whatever is set for the login or its database.
        ("synchronous_commit", "on"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "60s"),
    ])
}

/// Which server and database, for people: never the password.
pub(super) fn server(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("{host}, database {}", options.get_database().unwrap_or(options.get_username()))
}

/// Begins a transaction with its role and tenants.
///
/// A connection that the server has closed meanwhile is found here. Nothing is lost before a
/// transaction began, so another is tried, as often as the pool can hold dead ones.
pub(super) async fn begin(
    pool: &PgPool,
    mode: Mode,
    scope: &Scope,
) -> Result<Transaction<'static, Postgres>, StoreError> {
    let mut left = POOL_MAX;
    let begun = async {
        loop {
            match try_begin(pool, mode, scope).await {
                Err(error) if left > 0 && is_broken_connection(&error) => left -= 1,
                done => return done,
            }
        }
    };
    // A server that hangs ends no connection.
    match tokio::time::timeout(BEGIN_WITHIN, begun).await {
        Ok(begun) => Ok(begun?),
        Err(_) => Err(StoreError::Away),
    }
}

async fn try_begin(
    pool: &PgPool,
    mode: Mode,
    scope: &Scope,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let begin = match mode {
        Mode::Read => BEGIN_READ,
        Mode::Write => BEGIN_WRITE,
    };
    // Not one text with the role in it: of a BEGIN that is followed by a failure, sqlx would give
    // the connection back without a ROLLBACK.
    let mut txn = pool.begin_with(begin).await?;
    assume(&mut txn, scope).await?;
    Ok(txn)
}

/// Makes the transaction act in this role, for these tenants.
pub(in crate::store) async fn assume(
    txn: &mut Transaction<'static, Postgres>,
    scope: &Scope,
) -> Result<(), sqlx::Error> {
    sqlx::query(ASSUME)
        .bind(scope.role().name())
        .bind(scope.tenants_array())
        .execute(&mut **txn)
        .await?;
    Ok(())
}

/// Roles that the login can become and that the policies would not bind, itself first.
const MIGHTY: &str = "
    SELECT session_user::text, r.rolname::text, r.rolsuper, r.rolbypassrls, r.rolcreaterole
    FROM pg_roles r
    WHERE pg_has_role(session_user, r.oid, 'MEMBER')
      AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole
           OR EXISTS (SELECT 1 FROM pg_namespace n
                      WHERE n.nspname = $1 AND n.nspowner = r.oid)
           OR EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = $1 AND c.relowner = r.oid))
    ORDER BY r.rolname = session_user DESC, r.rolname LIMIT 1";

/// The login, and which of these roles it can become.
const MEMBER: &str = "
    SELECT session_user::text, EXISTS (SELECT 1 FROM pg_roles r
        WHERE r.rolname = $1 AND pg_has_role(session_user, r.oid, 'MEMBER'))";

/// A table with tenants whose policies do not bind everybody.
const UNLOCKED: &str = "
    SELECT c.relname::text FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    ORDER BY c.relname LIMIT 1";

/// Why this server or login is refused; `None` if it is fit.
async fn refusal(pool: &PgPool) -> Result<Option<Refusal>, sqlx::Error> {
    if let Some(row) = sqlx::query(MIGHTY).bind(SCHEMA).fetch_optional(pool).await? {
        let (login, role): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if row.try_get(2)? {
            return Ok(Some(Refusal::Superuser { role }));
        }
        let how = match (row.try_get(3)?, row.try_get(4)?) {
            (true, _) => "bypasses row level security",
            (false, true) => "can make roles",
            (false, false) => "owns the tables",
        };
        return Ok(Some(Refusal::TooMighty { login, role, how }));
    }
    for role in ["farwatch_app", "farwatch_ingest", "farwatch_identity"] {
        let row = sqlx::query(MEMBER).bind(role).fetch_one(pool).await?;
        if !row.try_get(1)? {
            return Ok(Some(Refusal::NoRole { login: row.try_get(0)?, role }));
        }
    }
    let schema = "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)";
    if !sqlx::query_scalar::<_, bool>(schema).bind(SCHEMA).fetch_one(pool).await? {
        return Ok(Some(Refusal::NoSchema));
    }
    if let Some(why) = version(pool).await? {
        return Ok(Some(why));
    }
    if sqlx::query_scalar(IS_UNFINISHED).bind(UNFINISHED).fetch_one(pool).await? {
        return Ok(Some(Refusal::Unfinished));
    }
    if let Some(row) = sqlx::query(UNLOCKED).bind(SCHEMA).fetch_optional(pool).await? {
        return Ok(Some(Refusal::Unlocked { table: row.try_get(0)? }));
    }
    warn_of_no_sync(pool).await?;
    Ok(None)
}

/// Whether the schema is this version's.
async fn version(pool: &PgPool) -> Result<Option<Refusal>, sqlx::Error> {
    let there = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                                WHERE nspname = $1 AND relname = '_sqlx_migrations')";
    if !sqlx::query_scalar::<_, bool>(there).bind(SCHEMA).fetch_one(pool).await? {
        return Ok(Some(Refusal::NoSchema));
    }
    let mut txn = pool.begin().await?;
    sqlx::raw_sql("SET LOCAL ROLE farwatch_app").execute(&mut *txn).await?;
    let text = "SELECT version, checksum FROM _sqlx_migrations WHERE success ORDER BY version";
    let done: Vec<(i64, Vec<u8>)> = sqlx::query_as(text).fetch_all(&mut *txn).await?;
    let last = done.last().map_or(0, |(version, _)| *version);
    let wanted = POSTGRES.iter().map(|migration| migration.version).max().unwrap_or(0);
    for (version, checksum) in &done {
        match POSTGRES.iter().find(|known| known.version == *version) {
            None => return Ok(Some(Refusal::NewerSchema { found: last, known: wanted })),
            Some(known) if known.checksum.as_ref() != checksum => {
                return Ok(Some(Refusal::OtherSchema { version: *version }));
            }
            Some(_) => {}
        }
    }
    let older = done.len() < POSTGRES.iter().count();
    Ok(older.then_some(Refusal::OlderSchema { found: last, wanted }))
}

/// That the server syncs no commit may be wanted where nothing matters: it is said.
async fn warn_of_no_sync(pool: &PgPool) -> Result<(), sqlx::Error> {
    let fsync: String =
        sqlx::query_scalar("SELECT current_setting('fsync')").fetch_one(pool).await?;
    if fsync == "off" {
        tracing::warn!(
            "the PostgreSQL server runs with fsync=off: a power cut loses what was acked"
        );
    }
    Ok(())
}
