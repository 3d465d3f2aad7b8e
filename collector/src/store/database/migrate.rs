//! The schemas of this version, and what brings a PostgreSQL database to it: roles, the schema
//! `farwatch`, migrations.
//!
//! Only `migrate` comes here, as a user that may make roles; `serve` signs in as one that owns
//! nothing. Two that migrate the same database at once wait for each other.

use farwatch_common::secret::Secret;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::{Server, StoreError, roles};

/// Every migration there is, in order.
pub(super) static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
/// The same numbers.
pub static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

const SCHEMA: &str = "CREATE SCHEMA IF NOT EXISTS farwatch AUTHORIZATION farwatch_owner";
/// `serve` compares the schema with what it knows before it does anything else.
const LET_VERSION_BE_READ: &str = "GRANT SELECT ON _sqlx_migrations TO farwatch_app";
/// Any number that nobody else locks; for the time of one short transaction.
const LOCK: i64 = 0x6661_7277_6174_6368;

/// Without an end to what a statement may take.
pub(super) fn patient(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("statement_timeout", "0"), ("lock_timeout", "0")])
}

/// Migrates a server's database, and sets the password of the login `farwatch` if one is given.
pub async fn server(server: &Server, login_password: Option<&Secret>) -> Result<(), StoreError> {
    let options = server.options()?;
    let name = super::postgres::server(&options);
    let connect = |source| StoreError::connect(name.clone(), source);
    let mut connection = patient(options).connect().await.map_err(connect)?;
    postgres(&mut connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => {
            StoreError::Newer { database: format!("PostgreSQL at {name}"), version }
        }
        source => StoreError::MigrateServer { server: name.clone(), source },
    })?;
    if let Some(password) = login_password {
        roles::login_password_set(&mut connection, password).await?;
    }
    connection.close().await.map_err(connect)
}

/// Runs what has not run yet. After an error the connection may still be `farwatch_owner`: close it.
pub async fn postgres(connection: &mut PgConnection) -> Result<(), MigrateError> {
    prepare(connection).await?;
    POSTGRES.run(&mut *connection).await?;
    finish(connection).await
}

/// Makes the roles and the schema, and becomes the owner: what migrations make is its own.
async fn prepare(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let mut txn = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *txn).await?;
    roles::create(&mut txn).await?;
    sqlx::raw_sql(SCHEMA).execute(&mut *txn).await?;
    txn.commit().await?;
    sqlx::raw_sql("SET ROLE farwatch_owner; SET search_path = farwatch")
        .execute(connection)
        .await?;
    Ok(())
}

async fn finish(connection: &mut PgConnection) -> Result<(), MigrateError> {
    sqlx::raw_sql(LET_VERSION_BE_READ).execute(&mut *connection).await?;
    sqlx::raw_sql("RESET ROLE; RESET search_path").execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
