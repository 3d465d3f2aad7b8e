//! Web sessions: opaque tokens of which only the hash is stored.

use std::collections::BTreeSet;
use std::time::Duration;

use data_encoding::HEXLOWER;
use farwatch_common::clock::Micros;
use farwatch_common::id::UserId;
use farwatch_common::secret::Secret;
use ring::rand::SecureRandom as _;
use serde_json::json;

use super::tenancy::TenantContext;
use super::user::{Role, User, UserError, account_by_email, user_context, user_context_in};
use super::{IdentityKey, NOTE_EVERY, digest};
use crate::audit::{Change, Origin, Who};
use crate::store::sql::sql;
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

sql! { pub(crate) DELETE = "DELETE FROM web_session WHERE token_hash = $1" }
sql! { pub(crate) DELETE_OLD =
    "DELETE FROM web_session WHERE expires_at <= $1 OR last_used_at <= $2"
}
sql! { pub(crate) INSERT =
    "INSERT INTO web_session (token_hash, user_id, created_at, last_used_at, expires_at)
     VALUES ($1, $2, $3, $3, $4)"
}

/// Begins a session, ending the one the browser had before. Returns the token for the cookie.
pub async fn session_create(
    db: &Database,
    (user, context): (&User, &TenantContext),
    before: Option<SessionKey>,
    now: Micros,
) -> Result<Secret, StoreError> {
    let mut bytes = [0; TOKEN_LEN];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::Corrupt { what: "the system's randomness".to_owned() })?;
    let token = Secret::from(data_encoding::BASE64URL_NOPAD.encode(&bytes));
    let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
    if let Some(before) = before {
        DELETE.bind(before).execute(&mut txn).await?;
    }
    // Old sessions go when new ones come, so the table stays small.
    DELETE_OLD.bind(now).bind(now.before(IDLE_MAX)).execute(&mut txn).await?;
    let insert = INSERT.bind(session_key(token.expose())).bind(user.id).bind(now);
    insert.bind(now.after(LIFE_MAX)).execute(&mut txn).await?;
    txn.commit([Change::new("user", "sign_in", user.id.0, &user.email)], now).await?;
    Ok(token)
}

/// Notes that somebody tried to sign in and could not. An address nobody has is kept as a hash: it
/// may be a password in the wrong field.
pub async fn sign_in_failed(
    db: &Database,
    (email, origin): (&str, Origin),
    now: Micros,
) -> Result<(), UserError> {
    let key = IdentityKey::new;
    let who = Who { kind: "nobody", id: 0, name: "".into(), origin };
    let known = match account_by_email(db, email).await? {
        Some(account) => user_context(db, account.id).await?,
        None => None,
    };
    let (homes, change) = match known {
        Some((user, context)) => {
            (context.homes(), Change::new("user", "sign_in_failed", user.id.0, &user.email))
        }
        None => {
            let hash = HEXLOWER.encode(&digest(email.as_bytes())[..8]);
            let change = Change::new("user", "sign_in_failed", 0, "unknown");
            (BTreeSet::new(), change.after(json!({ "email_sha256": hash })))
        }
    };
    let txn = db.own_change(key(), who, homes).await?;
    Ok(txn.commit([change], now).await?)
}

#[must_use]
pub fn session_key(token: &[u8]) -> SessionKey {
    digest(token)
}

sql! { pub(crate) GET =
    "SELECT user_id, created_at, last_used_at FROM web_session
     WHERE token_hash = $1 AND expires_at > $2 AND last_used_at > $3"
}

/// The session of a key, with its user's rights as they are now. Asking is no use of it.
pub async fn session_get(
    db: &Database,
    key: SessionKey,
    now: Micros,
) -> Result<Option<Session>, UserError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let get = GET.bind(key).bind(now).bind(now.before(IDLE_MAX));
    let Some(row) = get.optional(&mut txn).await? else { return Ok(None) };
    let (created_at, last_used_at) = (Micros(row.get(1)?), Micros(row.get(2)?));
    let Some((user, context)) = user_context_in(&mut txn, UserId(row.get(0)?)).await? else {
        return Ok(None);
    };
    let admin = user.role >= Role::TenantAdmin;
    let over = now.since(last_used_at) >= ADMIN_IDLE_MAX || now.since(created_at) >= ADMIN_LIFE_MAX;
    Ok((!(admin && over)).then_some(Session { key, user, context, last_used_at }))
}

sql! { pub(crate) TOUCH =
    "UPDATE web_session SET last_used_at = $2 WHERE token_hash = $1 AND last_used_at <= $3"
}

/// Notes that a session was used. Of requests at the same time one writes.
pub async fn session_touch(db: &Database, key: SessionKey, now: Micros) -> Result<(), StoreError> {
    let mut txn = db.identity(IdentityKey::new()).await?;
    TOUCH.bind(key).bind(now).bind(now.before(NOTE_EVERY)).execute(&mut txn).await?;
    txn.commit().await
}

/// Ends a session; `origin` is where its user asks from.
pub async fn session_delete(
    db: &Database,
    session: &Session,
    origin: Origin,
    now: Micros,
) -> Result<(), StoreError> {
    let (user, context) = (&session.user, session.context.clone().from(origin));
    let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
    let ended = DELETE.bind(session.key).execute(&mut txn).await? > 0;
    let change = || Change::new("user", "sign_out", user.id.0, &user.email);
    txn.commit(ended.then(change), now).await
}
