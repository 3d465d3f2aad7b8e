//! Enrolment tokens: one agent, one use, one day. The text form is `farwatch_common::token`.

use std::time::Duration;

use data_encoding::HEXLOWER;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, IdGenerator, SiteId, TenantId};
use farwatch_common::secret::Secret;
use farwatch_common::token::{EnrollToken, ROOT_PIN_LEN, TokenTextError};
use ring::rand::SecureRandom as _;
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::tenancy::{Access, TenantContext};
use super::{IdentityKey, digest};
use crate::audit::Change;
use crate::inventory::site::{site_create_or_get, site_named};
use crate::inventory::{InventoryError, Listed, Named, tenant_set};
use crate::live::view::rfc3339;
use crate::store::sql::{Row, sql};
use crate::store::txn::Scope;
use crate::store::{Database, StoreError, Txn};

/// How long a token can be used.
pub const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How long a token that is used or expired is kept.
const TOKEN_KEPT: Duration = Duration::from_secs(24 * 3600);
/// Tokens of a tenant that can be used.
const TOKENS_OPEN_MAX: u32 = 1_000;

/// Why a token cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Unknown, wrong, used and expired look the same from outside.
    #[error("the token is not valid: it may be used, expired or for another collector")]
    Refused,
    #[error("the tenant has no site of this id; a name that begins with `sit_` is taken for one")]
    NoSite,
    #[error("the token cannot be written down")]
    Text(#[from] TokenTextError),
    #[error("the system has no randomness to give")]
    Random,
    #[error("the inventory refuses")]
    Inventory(#[from] InventoryError),
    #[error("tokens cannot be read or written")]
    Store(#[from] StoreError),
}

/// A token that was made: the text is shown once.
#[derive(Debug)]
pub struct CreatedToken {
    pub text: Secret,
    pub site: Named<SiteId>,
    pub expires_at: Micros,
}

/// What goes into every token of this installation.
#[derive(Clone, Debug)]
pub struct TokenOrigin {
    pub root_pin: [u8; ROOT_PIN_LEN],
    /// `HOST:PORT` of the collectors, best first.
    pub endpoints: Vec<String>,
}

sql! { pub(crate) INSERT =
    "INSERT INTO enroll_token (token_id, tenant_id, site_id, secret_hash, created_at, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6)"
}

/// The site that a text names by its id, or by a name, which is made if missing.
async fn site_wanted(
    txn: &mut Txn,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, text): (TenantId, &str),
    now: Micros,
) -> Result<(Named<SiteId>, Option<Change>), TokenError> {
    if !text.strip_prefix(SiteId::PREFIX).is_some_and(|rest| rest.starts_with('_')) {
        return Ok(site_create_or_get(txn, context, ids, tenant, text, now).await?);
    }
    let id = text.parse().map_err(|_| TokenError::NoSite)?;
    match site_named(txn, tenant, id).await {
        Ok(site) => Ok((site, None)),
        Err(InventoryError::NotFound) => Err(TokenError::NoSite),
        Err(error) => Err(error.into()),
    }
}

/// Makes a token for an agent of `tenant` at the site of this id or name, which is made if missing.
pub async fn token_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, site): (TenantId, &str),
    origin: &TokenOrigin,
    now: Micros,
) -> Result<CreatedToken, TokenError> {
    let (mut id, mut secret) = ([0; 16], [0; 32]);
    let random = ring::rand::SystemRandom::new();
    random.fill(&mut id).and_then(|()| random.fill(&mut secret)).map_err(|_| TokenError::Random)?;
    let token = EnrollToken {
        id,
        secret: Secret::new(secret.to_vec()),
        root_pin: origin.root_pin,
        endpoints: origin.endpoints.clone(),
    };
    let text = token.encode()?;
    // Who is here for an hour leaves no door open for a day.
    let life = now.after(TOKEN_LIFE);
    let expires_at = context.granted_until(tenant).map_or(life, |end| end.min(life));
    let change = db.identity_change(IdentityKey::new(), context, tenant, Access::Write).await;
    let mut txn = change.map_err(InventoryError::from)?;
    make_room(&mut txn, tenant, now).await?;
    let (site, made) = site_wanted(&mut txn, context, ids, (tenant, site), now).await?;
    let insert = INSERT.bind(&id[..]).bind(tenant).bind(site.id).bind(digest(&secret));
    insert.bind(now).bind(expires_at).execute(&mut txn).await?;
    let change = Change::new("token", "create", 0, &HEXLOWER.encode(&id));
    let change = change.after(json!({ "site": site.name, "expires_at": rfc3339(expires_at) }));
    txn.commit(made.into_iter().chain([change]), now).await?;
    Ok(CreatedToken { text, site, expires_at })
}

sql! { pub(crate) DELETE_OLD = "DELETE FROM enroll_token WHERE expires_at <= $1" }
sql! { pub(crate) COUNT_OPEN =
    "SELECT COUNT(*) FROM enroll_token WHERE tenant_id = $1 AND used_at IS NULL AND expires_at > $2"
}

/// Old tokens go when new ones come; the open ones are bounded.
async fn make_room(txn: &mut Txn, tenant: TenantId, now: Micros) -> Result<(), TokenError> {
    DELETE_OLD.bind(now.before(TOKEN_KEPT)).execute(txn).await?;
    let open: i64 = COUNT_OPEN.bind(tenant).bind(now).scalar(txn).await?;
    if open >= TOKENS_OPEN_MAX.into() {
        let what = "enrolment tokens that nobody used; use one, or wait a day until they expire";
        return Err(InventoryError::Full { what, max: TOKENS_OPEN_MAX }.into());
    }
    Ok(())
}

sql! { pub(crate) TOTAL =
    "SELECT COUNT(*) FROM enroll_token WHERE used_at IS NULL AND expires_at > $2 AND tenant_id IN ",
    tenant_set!()
}
sql! { pub(crate) LIST =
    "SELECT k.token_id, t.tenant_id, t.name, s.site_id, s.name, k.created_at, k.expires_at
     FROM enroll_token k JOIN tenant t ON t.tenant_id = k.tenant_id
     JOIN site s ON s.tenant_id = k.tenant_id AND s.site_id = k.site_id
     WHERE k.used_at IS NULL AND k.expires_at > $2 AND k.tenant_id IN ",
    tenant_set!(),
    " AND ($3 = 0 OR (k.created_at, k.token_id) > ($4, $5))
      ORDER BY k.created_at, k.token_id LIMIT $6"
}

/// A token that can still be used; nothing of it can be used to enrol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenToken {
    /// What the audit calls it.
    pub id: String,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub created_at: Micros,
    pub expires_at: Micros,
}

/// The tokens of the caller's tenants that can still be used, oldest first: of a page that begins
/// after a time and an id.
pub async fn token_list(
    db: &Database,
    context: &TenantContext,
    after: Option<(i64, String)>,
    limit: u32,
    now: Micros,
) -> Result<Listed<OpenToken>, TokenError> {
    let after = after.map(|(at, id)| (at, HEXLOWER.decode(id.as_bytes()).unwrap_or_default()));
    let (is_after, (at, id)) = (after.is_some(), after.unwrap_or_default());
    let set = context.with_access(Access::Write).tenants_json();
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let total: i64 = TOTAL.bind(&set).bind(now).scalar(&mut txn).await?;
    let list = LIST.bind(set).bind(now).bind(is_after).bind(at).bind(id).bind(limit);
    let rows = list.all(&mut txn).await?;
    let read = |row: &Row| {
        Ok(OpenToken {
            id: HEXLOWER.encode(&row.get::<Vec<u8>>(0)?),
            tenant: Named { id: TenantId(row.get(1)?), name: row.get(2)? },
            site: Named { id: SiteId(row.get(3)?), name: row.get(4)? },
            created_at: Micros(row.get(5)?),
            expires_at: Micros(row.get(6)?),
        })
    };
    let rows = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
    Ok(Listed { rows, total: u64::try_from(total).unwrap_or(0) })
}

sql! { pub(crate) OF_TENANT =
    "SELECT tenant_id FROM enroll_token
     WHERE used_at IS NULL AND expires_at > $2 AND tenant_id IN ",
    tenant_set!(),
    " AND token_id = $3"
}
sql! { pub(crate) DELETE =
    "DELETE FROM enroll_token WHERE tenant_id = $1 AND token_id = $2 AND used_at IS NULL"
}

/// Takes back a token that nobody used yet; `id` is what the list calls it.
pub async fn token_delete(
    db: &Database,
    context: &TenantContext,
    id: &str,
    now: Micros,
) -> Result<(), TokenError> {
    let not_found = || TokenError::from(InventoryError::NotFound);
    let bytes = HEXLOWER.decode(id.as_bytes()).map_err(|_| not_found())?;
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let find = OF_TENANT.bind(context.tenants_json()).bind(now).bind(&bytes[..]);
    let row = find.optional(&mut txn).await?.ok_or_else(not_found)?;
    let tenant = TenantId(row.get(0)?);
    drop(txn);
    let change = db.identity_change(IdentityKey::new(), context, tenant, Access::Write).await;
    let mut txn = change.map_err(InventoryError::from)?;
    if DELETE.bind(tenant).bind(&bytes[..]).execute(&mut txn).await? == 0 {
        return Err(not_found());
    }
    txn.commit([Change::new("token", "delete", 0, id)], now).await?;
    Ok(())
}

// Who is in a tenant by a grant makes tokens that end with it, to the microsecond.
sql! { pub(crate) DELETE_OF_GRANT =
    "DELETE FROM enroll_token
     WHERE tenant_id = $1 AND created_at >= $2 AND expires_at = $3 AND used_at IS NULL
     RETURNING token_id"
}

/// Takes back the tokens that were made under a grant of this life and that nobody used.
pub(super) async fn tokens_of_grant_end(
    txn: &mut Txn,
    tenant: TenantId,
    (from, until): (Micros, Micros),
) -> Result<Vec<Change>, StoreError> {
    let rows = DELETE_OF_GRANT.bind(tenant).bind(from).bind(until).all(txn).await?;
    let change = |row: &Row| {
        let id = HEXLOWER.encode(&row.get::<Vec<u8>>(0)?);
        Ok(Change::new("token", "delete", 0, &id).only_in([tenant]))
    };
    rows.iter().map(change).collect()
}

sql! { pub(crate) DELETE_OF_SITE =
    "DELETE FROM enroll_token
     WHERE tenant_id = $1 AND site_id = $2 AND (used_at IS NOT NULL OR expires_at <= $3)"
}
sql! { pub(crate) COUNT_OF_SITE =
    "SELECT COUNT(*) FROM enroll_token WHERE tenant_id = $1 AND site_id = $2"
}

/// Forgets the tokens of a site that nobody can use, in the transaction that takes the site out: as
/// `identity`, and back. Says how many are left.
pub async fn tokens_of_site_end(
    txn: &mut Txn,
    (tenant, site): (TenantId, SiteId),
    now: Micros,
) -> Result<i64, StoreError> {
    let before = txn.scope().clone();
    txn.switch(IdentityKey::new(), Scope::identity()).await?;
    DELETE_OF_SITE.bind(tenant).bind(site).bind(now).execute(txn).await?;
    let open = COUNT_OF_SITE.bind(tenant).bind(site).scalar(txn).await?;
    txn.switch(IdentityKey::new(), before).await?;
    Ok(open)
}

sql! { pub(crate) GET =
    "SELECT tenant_id, site_id, secret_hash, expires_at, created_at FROM enroll_token
     WHERE token_id = $1"
}
// Of two that use it at the same time the second waits here, and finds it used.
sql! { pub(crate) USE =
    "UPDATE enroll_token SET used_at = $2, used_by = $3 WHERE token_id = $1 AND used_at IS NULL"
}

/// Uses a token up, inside the transaction that makes the agent: if that one fails, the token
/// stays good.
pub async fn token_redeem(
    txn: &mut Txn,
    id: &[u8],
    secret: &[u8],
    agent: AgentId,
    now: Micros,
) -> Result<(TenantId, SiteId), TokenError> {
    let row = GET.bind(id).optional(txn).await?.ok_or(TokenError::Refused)?;
    let stored: Vec<u8> = row.get(2)?;
    let right = bool::from(digest(secret).ct_eq(stored.as_slice()));
    let expired = row.get::<i64>(3)? <= now.0;
    if !right || expired || USE.bind(id).bind(now).bind(agent).execute(txn).await? != 1 {
        return Err(TokenError::Refused);
    }
    Ok((TenantId(row.get(0)?), SiteId(row.get(1)?)))
}
