//! Web sessions: opaque tokens of which only the hash is stored.

use std::collections::BTreeSet;
use std::time::Duration;

use data_encoding::HEXLOWER;
use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, SessionId, UserId};
use farwatch_common::secret::Secret;
use ring::rand::SecureRandom as _;
use serde_json::{Map, Value};

use super::tenancy::{Actor, TenantContext};
use super::user::change::change_of;
use super::user::{Role, User, UserError, account_by_email, user_context_in};
use super::{IdentityKey, NOTE_EVERY, digest};
use crate::audit::{Change, Origin, Who};
use crate::store::sql::{Row, sql};
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

/// What is kept of what a browser says it is, in characters.
const AGENT_CHARS_MAX: usize = 200;
/// Sessions of one person; the oldest give way to new ones.
const SESSIONS_MAX: i64 = 100;

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
sql! { pub(crate) DELETE_OWN = "DELETE FROM web_session WHERE token_hash = $1 AND user_id = $2" }
sql! { pub(crate) SIGNED_IN = "UPDATE user_account SET last_sign_in_at = $2 WHERE user_id = $1" }
sql! { pub(crate) DELETE_OLD =
    "DELETE FROM web_session WHERE expires_at <= $1 OR last_used_at <= $2"
}
sql! { pub(crate) INSERT =
    "INSERT INTO web_session (token_hash, user_id, created_at, last_used_at, expires_at,
                              session_id, address, agent)
     VALUES ($1, $2, $3, $3, $4, $5, $6, $7)"
}
sql! { pub(crate) DELETE_SURPLUS =
    "DELETE FROM web_session WHERE user_id = $1 AND token_hash NOT IN (
         SELECT token_hash FROM web_session WHERE user_id = $1
         ORDER BY last_used_at DESC, token_hash LIMIT $2)"
}
// What was checked before the lock: meanwhile the password may be another, or a second factor on.
sql! { pub(crate) STILL =
    "SELECT u.user_id FROM user_account u
     WHERE u.user_id = $1 AND u.password_hash = $2 AND u.disabled_at IS NULL
       AND ($3 = 1 OR NOT EXISTS (SELECT 1 FROM user_totp f
                                  WHERE f.user_id = u.user_id AND f.confirmed_at IS NOT NULL))"
}
// An empty `$2` is nobody's: all go.
sql! { pub(crate) DELETE_OF_USER =
    "DELETE FROM web_session WHERE user_id = $1 AND token_hash <> $2"
}

/// The browser of a new session.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    /// The session it had before; ends if it is of the same person.
    pub before: Option<SessionKey>,
    /// What it says it is.
    pub agent: String,
}

/// What a browser says it is, as far as it is kept.
#[must_use]
pub fn agent_shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect()
}

/// Begins a session, in place of the one that its browser had before. Returns the token for the
/// cookie; `None` if the account is no longer as it was when its password, of which `checked` is the hash,
/// and its second factor were checked.
pub async fn session_create(
    db: &Database,
    ids: &IdGenerator,
    (user, context): (&User, &TenantContext),
    checked: &str,
    browser: &Browser,
    now: Micros,
) -> Result<Option<Secret>, StoreError> {
    let mut bytes = [0; TOKEN_LEN];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::Corrupt { what: "the system's randomness".to_owned() })?;
    let token = Secret::from(data_encoding::BASE64URL_NOPAD.encode(&bytes));
    let mut txn = db.own_change(IdentityKey::new(), context.who(), context.homes()).await?;
    if STILL.bind(user.id).bind(checked).bind(user.totp).optional(&mut txn).await?.is_none() {
        return Ok(None);
    }
    // Old sessions go when new ones come, so the table stays small. Before a row of our own is
    // touched: two who come at once would wait for each other's.
    DELETE_OLD.bind(now).bind(now.before(IDLE_MAX)).execute(&mut txn).await?;
    if let Some(before) = browser.before {
        DELETE_OWN.bind(before).bind(user.id).execute(&mut txn).await?;
    }
    let insert = INSERT.bind(session_key(token.expose())).bind(user.id).bind(now);
    let address = context.who().origin.address.map(|address| address.to_canonical().to_string());
    let insert = insert.bind(now.after(LIFE_MAX)).bind(ids.next(now)).bind(address);
    insert.bind(agent_shown(&browser.agent)).execute(&mut txn).await?;
    DELETE_SURPLUS.bind(user.id).bind(SESSIONS_MAX).execute(&mut txn).await?;
    SIGNED_IN.bind(user.id).bind(now).execute(&mut txn).await?;
    txn.commit([Change::new("user", "sign_in", user.id.0, &user.email)], now).await?;
    Ok(Some(token))
}

/// How far a sign-in came that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Password,
    /// The password is right: they were asked for a code. Without a sign-in after it, somebody
    /// knows a password and no more.
    Asked,
    /// The password is right and the code is not.
    Code,
}

/// Notes that somebody tried to sign in and could not, in the installation's chain alone: whoever
/// knows an address must not make its tenants write and wait. An address nobody has is kept as a
/// hash: it may be a password in the wrong field. `untold` were not noted before this one.
pub async fn sign_in_refused(
    db: &Database,
    (email, refused): (&str, Refused),
    (origin, untold): (Origin, u64),
    now: Micros,
) -> Result<(), UserError> {
    let who = Who { kind: "nobody", id: 0, name: "".into(), origin };
    let account = account_by_email(db, email).await?;
    let verb = if refused == Refused::Asked { "totp_asked" } else { "sign_in_failed" };
    let (id, name) = account.as_ref().map_or((0, "unknown"), |account| (account.id.0, email));
    let mut after = Map::new();
    if account.is_none() {
        let hash = HEXLOWER.encode(&digest(email.as_bytes())[..8]);
        after.insert("email_sha256".to_owned(), hash.into());
    }
    if refused == Refused::Code {
        after.insert("password".to_owned(), "right".into());
    }
    if untold > 0 {
        after.insert("not_written_before".to_owned(), untold.into());
    }
    let change = Change::new("user", verb, id, name);
    let change = if after.is_empty() { change } else { change.after(Value::from(after)) };
    let txn = db.own_change(IdentityKey::new(), who, BTreeSet::new()).await?;
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
    let Some((user, context)) = user_context_in(&mut txn, UserId(row.get(0)?), now).await? else {
        return Ok(None);
    };
    let over = is_over(user.role, created_at, last_used_at, now);
    Ok((!over).then_some(Session { key, user, context, last_used_at }))
}

/// Whether the session of an administrator is over, which the statements do not ask.
fn is_over(role: Role, created_at: Micros, last_used_at: Micros, now: Micros) -> bool {
    let over = now.since(last_used_at) >= ADMIN_IDLE_MAX || now.since(created_at) >= ADMIN_LIFE_MAX;
    role >= Role::TenantAdmin && over
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

/// A session as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: SessionKey,
    pub id: SessionId,
    pub address: Option<String>,
    pub agent: String,
    pub created_at: Micros,
    pub last_used_at: Micros,
}

// One from before sessions had ids has nothing to show and is over within a week.
sql! { pub(crate) OF_USER =
    "SELECT token_hash, session_id, address, agent, created_at, last_used_at FROM web_session
     WHERE user_id = $1 AND session_id IS NOT NULL AND expires_at > $2 AND last_used_at > $3
     ORDER BY last_used_at DESC, session_id LIMIT $4"
}

/// The good sessions of a person: their own, or anybody's for a super_admin.
pub async fn session_list(
    db: &Database,
    context: &TenantContext,
    user: UserId,
    now: Micros,
) -> Result<(User, Vec<Listed>), UserError> {
    if !context.is_super_admin() && !is_of(context, user) {
        return Err(UserError::NotFound);
    }
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let known = user_context_in(&mut txn, user, now).await?;
    let (user, _) = known.ok_or(UserError::NotFound)?;
    let query = OF_USER.bind(user.id).bind(now).bind(now.before(IDLE_MAX)).bind(SESSIONS_MAX);
    let rows = query.all(&mut txn).await?;
    let mut sessions = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    sessions.retain(|one| !is_over(user.role, one.created_at, one.last_used_at, now));
    Ok((user, sessions))
}

fn is_of(context: &TenantContext, user: UserId) -> bool {
    *context.actor() == Actor::User(user)
}

fn read(row: &Row) -> Result<Listed, StoreError> {
    let what = || StoreError::Corrupt { what: "the hash of a session".to_owned() };
    Ok(Listed {
        key: row.get::<Vec<u8>>(0)?.try_into().map_err(|_| what())?,
        id: SessionId(row.get(1)?),
        address: row.get(2)?,
        agent: row.get::<Option<String>>(3)?.unwrap_or_default(),
        created_at: Micros(row.get(4)?),
        last_used_at: Micros(row.get(5)?),
    })
}

sql! { pub(crate) OWNER = "SELECT user_id FROM web_session WHERE session_id = $1" }
sql! { pub(crate) DELETE_ONE = "DELETE FROM web_session WHERE session_id = $1" }

/// Ends a session by its id: an own one, or anybody's by a super_admin. Returns whose it was.
pub async fn session_end(
    db: &Database,
    context: &TenantContext,
    id: SessionId,
    now: Micros,
) -> Result<UserId, UserError> {
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let row = OWNER.bind(id).optional(&mut txn).await?.ok_or(UserError::NotFound)?;
    drop(txn);
    let owner = UserId(row.get(0)?);
    let (mut txn, email) = if is_of(context, owner) {
        let who = context.who();
        let email = who.name.to_string();
        (db.own_change(IdentityKey::new(), who, context.homes()).await?, email)
    } else if context.is_super_admin() {
        let (txn, person) = change_of(db, context, owner).await?;
        (txn, person.email)
    } else {
        return Err(UserError::NotFound);
    };
    let ended = DELETE_ONE.bind(id).execute(&mut txn).await? > 0;
    let change = || Change::new("user", "end_session", owner.0, &email);
    txn.commit(ended.then(change), now).await?;
    Ok(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_says_who_it_is_in_few_plain_words() {
        assert_eq!(agent_shown("Fire\u{7}fox\n"), "Firefox");
        assert_eq!(agent_shown(&"ü".repeat(1000)).chars().count(), AGENT_CHARS_MAX);
    }
}
