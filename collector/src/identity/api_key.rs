//! API keys, for programs; see [`text_key`].

use std::collections::BTreeSet;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{ApiKeyId, IdGenerator, TenantId, UserId};
use farwatch_common::secret::Secret;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::tenancy::{Access, Actor, TenantContext};
use super::{IdentityKey, NOTE_EVERY, digest, text_key};
use crate::audit::Change;
use crate::inventory::{InventoryError, Listed, Named, Page, Read, get, list, tenant_set};
use crate::live::view::rfc3339;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

const PREFIX: &str = "fwk";
pub const LIFE_DAYS: u32 = 90;
pub const LIFE_DAYS_MAX: u32 = 365;
/// How long a key that ended is kept.
const ENDED_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Keys of a tenant that can be used.
const KEYS_MAX: u32 = 1_000;

/// What a key may do; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Read,
    Write,
}

impl Scope {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    #[must_use]
    pub fn access(self) -> Access {
        match self {
            Self::Read => Access::Read,
            Self::Write => Access::Write,
        }
    }
}

/// A key as it is listed: without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub tenant: Named<TenantId>,
    pub scopes: Vec<Scope>,
    pub created_at: Micros,
    pub expires_at: Micros,
    pub last_used_at: Option<Micros>,
}

sql! { pub(crate) INSERT =
    "INSERT INTO api_key (api_key_id, tenant_id, name, secret_hash, scopes, created_by,
                          created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
}

/// Makes a key; the text is shown once.
pub async fn api_key_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, name): (TenantId, &str),
    (scopes, life_days): (&[Scope], u32),
    now: Micros,
) -> Result<(Secret, ApiKeyId, Micros), InventoryError> {
    let created_by = match context.actor() {
        Actor::User(user) => user.0,
        Actor::ApiKey(key) => key.0,
        Actor::Screen(_) | Actor::Agent(_) | Actor::Local => 0,
    };
    let secret = text_key::secret_new()?;
    let id = ApiKeyId(ids.next(now));
    let day = Duration::from_secs(86_400);
    let expires_at = now.after(day * life_days.clamp(1, LIFE_DAYS_MAX));
    let key = IdentityKey::new();
    let mut txn = db.identity_change(key, context, tenant, Access::Admin).await?;
    make_room(&mut txn, tenant, now).await?;
    let insert = INSERT.bind(id).bind(tenant).bind(name).bind(digest(&secret));
    let insert = insert.bind(scopes_text(scopes)).bind(created_by).bind(now).bind(expires_at);
    insert.execute(&mut txn).await?;
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
    let after = json!({ "scopes": scopes, "expires_at": rfc3339(expires_at) });
    txn.commit([Change::new("api_key", "create", id.0, name).after(after)], now).await?;
    Ok((text_key::encode(PREFIX, &id.to_string(), &secret), id, expires_at))
}

sql! { pub(crate) DELETE_ENDED =
    "DELETE FROM api_key WHERE tenant_id = $1 AND (expires_at <= $2 OR revoked_at <= $2)"
}
sql! { pub(crate) COUNT_GOOD =
    "SELECT COUNT(*) FROM api_key WHERE tenant_id = $1 AND revoked_at IS NULL AND expires_at > $2"
}

/// Old keys go when new ones come; the good ones are bounded.
async fn make_room(txn: &mut Txn, tenant: TenantId, now: Micros) -> Result<(), InventoryError> {
    DELETE_ENDED.bind(tenant).bind(now.before(ENDED_KEPT)).execute(txn).await?;
    let good: i64 = COUNT_GOOD.bind(tenant).bind(now).scalar(txn).await?;
    if good >= KEYS_MAX.into() {
        let what = "API keys; end those that nobody uses";
        return Err(InventoryError::Full { what, max: KEYS_MAX });
    }
    Ok(())
}

/// A key that is good now.
#[derive(Clone, Debug)]
pub struct KnownKey {
    pub id: ApiKeyId,
    pub context: TenantContext,
    /// 1970 if never.
    pub last_used_at: Micros,
}

sql! { pub(crate) GET =
    "SELECT tenant_id, secret_hash, scopes, last_used_at, name FROM api_key
     WHERE api_key_id = $1 AND revoked_at IS NULL AND expires_at > $2"
}

/// Whose key this is and what it may do; `None` for every text that is not a good key now. Asking
/// is no use of it.
pub async fn api_key_get(
    db: &Database,
    text: &str,
    now: Micros,
) -> Result<Option<KnownKey>, StoreError> {
    let Some((id, secret)) = parse(text) else { return Ok(None) };
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let Some(row) = GET.bind(id).bind(now).optional(&mut txn).await? else { return Ok(None) };
    let stored: Vec<u8> = row.get(1)?;
    if !bool::from(digest(secret.expose()).ct_eq(stored.as_slice())) {
        return Ok(None);
    }
    let scopes = scopes_from(&row.get::<String>(2)?);
    let Some(scope) = scopes.iter().max() else { return Ok(None) };
    let last_used_at = Micros(row.get::<Option<i64>>(3)?.unwrap_or(0));
    let (tenant, name) = (TenantId(row.get(0)?), row.get::<String>(4)?);
    let context = TenantContext::new((Actor::ApiKey(id), &name), false, [(tenant, scope.access())]);
    Ok(Some(KnownKey { id, context, last_used_at }))
}

sql! { pub(crate) TOUCH =
    "UPDATE api_key SET last_used_at = $2
     WHERE api_key_id = $1 AND COALESCE(last_used_at, 0) <= $3"
}

/// Notes that a key was used. Of requests at the same time one writes.
pub async fn api_key_touch(db: &Database, id: ApiKeyId, now: Micros) -> Result<(), StoreError> {
    let mut txn = db.identity(IdentityKey::new()).await?;
    TOUCH.bind(id).bind(now).bind(now.before(NOTE_EVERY)).execute(&mut txn).await?;
    txn.commit().await
}

sql! { pub(crate) TOTAL =
    "SELECT COUNT(*) FROM api_key WHERE revoked_at IS NULL AND tenant_id IN ", tenant_set!()
}
sql! { pub(crate) LIST =
    "SELECT k.api_key_id, k.name, t.tenant_id, t.name, k.scopes, k.created_at, k.expires_at,
            k.last_used_at
     FROM api_key k JOIN tenant t ON t.tenant_id = k.tenant_id
     WHERE k.revoked_at IS NULL AND k.tenant_id IN ",
    tenant_set!(),
    " AND ($2 = 0 OR (k.name, k.api_key_id) > ($3, $4)) ORDER BY k.name, k.api_key_id LIMIT $5"
}

fn read(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: ApiKeyId(row.get(0)?),
        name: row.get(1)?,
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
        scopes: scopes_from(&row.get::<String>(4)?),
        created_at: Micros(row.get(5)?),
        expires_at: Micros(row.get(6)?),
        last_used_at: row.get::<Option<i64>>(7)?.map(Micros),
    })
}

/// The keys of the tenants the caller administers, by name.
pub async fn api_key_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<ApiKey>, InventoryError> {
    list(db, &context.with_access(Access::Admin), page, (&TOTAL, &LIST), read).await
}

sql! { pub(crate) OF_TENANT =
    "SELECT tenant_id, name FROM api_key WHERE revoked_at IS NULL AND tenant_id IN ",
    tenant_set!(),
    " AND api_key_id = $2"
}
sql! { pub(crate) REVOKE =
    "UPDATE api_key SET revoked_at = $3
     WHERE tenant_id = $1 AND api_key_id = $2 AND revoked_at IS NULL"
}

/// Ends a key at once.
pub async fn api_key_revoke(
    db: &Database,
    context: &TenantContext,
    id: ApiKeyId,
    now: Micros,
) -> Result<(), InventoryError> {
    let read: Read<(TenantId, String)> = |row| Ok((TenantId(row.get(0)?), row.get(1)?));
    let (tenant, name) = get(db, context, &OF_TENANT, id.0, read).await?;
    let key = IdentityKey::new();
    let mut txn = db.identity_change(key, context, tenant, Access::Admin).await?;
    let revoked = REVOKE.bind(tenant).bind(id).bind(now).execute(&mut txn).await? > 0;
    let change = || Change::new("api_key", "revoke", id.0, &name);
    Ok(txn.commit(revoked.then(change), now).await?)
}

sql! { pub(crate) OF_MAKER =
    "SELECT tenant_id, api_key_id, name FROM api_key
     WHERE created_by = $1 AND revoked_at IS NULL AND expires_at > $2"
}

/// Where somebody made keys that are good.
pub(super) async fn tenants_of_maker(
    txn: &mut Txn,
    maker: UserId,
    now: Micros,
) -> Result<BTreeSet<TenantId>, StoreError> {
    let rows = OF_MAKER.bind(maker).bind(now).all(txn).await?;
    rows.iter().map(|row| Ok(TenantId(row.get(0)?))).collect()
}

/// Ends the keys that somebody made in tenants that are locked: they know them.
pub(super) async fn keys_of_maker_end(
    txn: &mut Txn,
    maker: UserId,
    is_locked: impl Fn(TenantId) -> bool,
    now: Micros,
) -> Result<Vec<Change>, StoreError> {
    let mut changes = Vec::new();
    for row in &OF_MAKER.bind(maker).bind(now).all(txn).await? {
        let (tenant, id) = (TenantId(row.get(0)?), ApiKeyId(row.get(1)?));
        if !is_locked(tenant) {
            continue;
        }
        if REVOKE.bind(tenant).bind(id).bind(now).execute(txn).await? > 0 {
            let change = Change::new("api_key", "revoke", id.0, &row.get::<String>(2)?);
            changes.push(change.only_in([tenant]));
        }
    }
    Ok(changes)
}

fn scopes_text(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(",")
}

fn scopes_from(text: &str) -> Vec<Scope> {
    let known = |name: &str| [Scope::Read, Scope::Write].into_iter().find(|s| s.name() == name);
    text.split(',').filter_map(known).collect()
}

fn parse(text: &str) -> Option<(ApiKeyId, Secret)> {
    let (id, secret) = text_key::parse(PREFIX, text)?;
    Some((format!("key_{id}").parse().ok()?, secret))
}
