//! The PostgreSQL roles of Farwatch.
//!
//! Roles belong to a whole cluster and databases are many: what is there already is left as it is,
//! and two that make them at once do not disturb each other. `serve` looks at what it was given.
//!
//! | Role | |
//! |---|---|
//! | `farwatch_owner` | owns the schema `farwatch`; only migrations are it |
//! | `farwatch_app`, `farwatch_ingest`, `farwatch_identity` | one of them is in force in every transaction |
//! | `farwatch` | what `serve` signs in as; may become each of the three and inherits nothing |

use farwatch_common::secret::Secret;
use sqlx::PgConnection;

use super::scram;

const MAKE: &str = "
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY
        ARRAY['farwatch_owner', 'farwatch_app', 'farwatch_ingest', 'farwatch_identity']
    LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
    BEGIN
        CREATE ROLE farwatch LOGIN NOINHERIT;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    FOREACH role IN ARRAY ARRAY['farwatch_app', 'farwatch_ingest', 'farwatch_identity'] LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_auth_members
            WHERE roleid = role::regrole AND member = 'farwatch'::regrole);
        BEGIN
            EXECUTE format('GRANT %I TO farwatch', role);
        EXCEPTION WHEN unique_violation THEN NULL;
        END;
    END LOOP;
    -- Whoever made the roles without being a superuser has to become the owner.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
        EXECUTE format('GRANT farwatch_owner TO %I', session_user);
    END IF;
END $$";

/// The verifier is bound to a setting and read from there: a role's password cannot be bound.
const SET_PASSWORD: &str = "
DO $$
BEGIN
    EXECUTE format('ALTER ROLE farwatch PASSWORD %L', current_setting('farwatch.verifier'));
END $$";

/// Why the login has no new password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("the password of the database login must be printable ASCII and not empty")]
    Form,
    #[error("the system has no random numbers")]
    Random,
    #[error("cannot set the password of the database login")]
    Database(#[from] sqlx::Error),
}

/// Makes the roles that are missing. The connection's user is a superuser or has CREATEROLE.
pub async fn create(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(MAKE).execute(connection).await?;
    Ok(())
}

/// Sets the password of the login `farwatch`; the server and its logs see only the verifier.
pub async fn login_password_set(
    connection: &mut PgConnection,
    password: &Secret,
) -> Result<(), PasswordError> {
    let is_printable = |byte: &u8| (b' '..=b'~').contains(byte);
    if password.expose().is_empty() || !password.expose().iter().all(is_printable) {
        // Beyond ASCII both sides would have to agree on the form of a letter.
        return Err(PasswordError::Form);
    }
    let verifier = scram::verifier(password).map_err(|_| PasswordError::Random)?;
    let mut txn = sqlx::Connection::begin(connection).await?;
    sqlx::query("SELECT set_config('farwatch.verifier', $1, true)")
        .bind(verifier)
        .execute(&mut *txn)
        .await?;
    sqlx::raw_sql(SET_PASSWORD).execute(&mut *txn).await?;
    Ok(txn.commit().await?)
}

#[cfg(test)]
mod tests;
