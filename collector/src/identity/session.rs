//! Web sessions: opaque tokens of which only the hash is stored.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::UserId;
use farwatch_common::secret::Secret;
use ring::rand::SecureRandom as _;
use sqlx::Row as _;

use super::tenancy::TenantContext;
use super::user::{Role, User, UserError, user_context};
use super::{NOTE_EVERY, digest};
use crate::store::{Database, StoreError};

pub const COOKIE: &str = "__Host-farwatch";
const TOKEN_LEN: usize = 32;
/// A session nobody used for this long is over. A page that is only looked at uses nothing.
pub const IDLE_MAX: Duration = Duration::from_secs(12 * 3600);
/// However busy it is.
pub const LIFE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// Sessions of those who may hand out access end sooner: a wall shows what a viewer sees.
const ADMIN_IDLE_MAX: Duration = Duration::from_secs(30 * 60);
const ADMIN_LIFE_MAX: Duration = Duration::from_secs(12 * 3600);

/// What identifies a session inside: the hash of its token.
pub type SessionKey = [u8; 32];

/// A session that is good now.
#[derive(Clone, Debug)]
pub struct Session {
    pub key: SessionKey,
    pub user: User,
    pub context: TenantContext,
    pub last_used_at: Micros,
}

/// Begins a session, ending the one the browser had before. Returns the token for the cookie.
pub async fn session_create(
    db: &Database,
    user: UserId,
    before: Option<SessionKey>,
    now: Micros,
) -> Result<Secret, StoreError> {
    let mut bytes = [0; TOKEN_LEN];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::Corrupt { what: "the system's randomness".to_owned() })?;
    let token = Secret::from(data_encoding::BASE64URL_NOPAD.encode(&bytes));
    let mut txn = db.write().await?;
    if let Some(before) = before {
        sqlx::query("DELETE FROM web_session WHERE token_hash = $1")
            .bind(&before[..])
            .execute(&mut *txn)
            .await?;
    }
    // Old sessions go when new ones come, so the table stays small.
    sqlx::query("DELETE FROM web_session WHERE expires_at <= $1 OR last_used_at <= $2")
        .bind(now.0)
        .bind(now.before(IDLE_MAX).0)
        .execute(&mut *txn)
        .await?;
    sqlx::query(
        "INSERT INTO web_session (token_hash, user_id, created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $3, $4)",
    )
    .bind(&session_key(token.expose())[..])
    .bind(user.0)
    .bind(now.0)
    .bind(now.after(LIFE_MAX).0)
    .execute(&mut *txn)
    .await?;
    txn.commit().await?;
    Ok(token)
}

#[must_use]
pub fn session_key(token: &[u8]) -> SessionKey {
    digest(token)
}

/// The session of a key, with its user's rights as they are now. Asking is no use of it.
pub async fn session_get(
    db: &Database,
    key: SessionKey,
    now: Micros,
) -> Result<Option<Session>, UserError> {
    let Some(row) = sqlx::query(
        "SELECT user_id, created_at, last_used_at FROM web_session
         WHERE token_hash = $1 AND expires_at > $2 AND last_used_at > $3",
    )
    .bind(&key[..])
    .bind(now.0)
    .bind(now.before(IDLE_MAX).0)
    .fetch_optional(db.reader())
    .await?
    else {
        return Ok(None);
    };
    let (created_at, last_used_at) = (Micros(row.try_get(1)?), Micros(row.try_get(2)?));
    let Some((user, context)) = user_context(db, UserId(row.try_get(0)?)).await? else {
        return Ok(None);
    };
    let admin = user.role >= Role::TenantAdmin;
    let over = now.since(last_used_at) >= ADMIN_IDLE_MAX || now.since(created_at) >= ADMIN_LIFE_MAX;
    Ok((!(admin && over)).then_some(Session { key, user, context, last_used_at }))
}

/// Notes that a session was used. Of requests at the same time one writes.
pub async fn session_touch(db: &Database, key: SessionKey, now: Micros) -> Result<(), StoreError> {
    let mut txn = db.write().await?;
    sqlx::query(
        "UPDATE web_session SET last_used_at = $2 WHERE token_hash = $1 AND last_used_at <= $3",
    )
    .bind(&key[..])
    .bind(now.0)
    .bind(now.before(NOTE_EVERY).0)
    .execute(&mut *txn)
    .await?;
    Ok(txn.commit().await?)
}

pub async fn session_delete(db: &Database, key: SessionKey) -> Result<(), StoreError> {
    let mut txn = db.write().await?;
    sqlx::query("DELETE FROM web_session WHERE token_hash = $1")
        .bind(&key[..])
        .execute(&mut *txn)
        .await?;
    Ok(txn.commit().await?)
}
