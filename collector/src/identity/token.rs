//! Enrolment tokens: one agent, one use, one day. The text form is `farwatch_common::token`.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, IdGenerator, SiteId, TenantId};
use farwatch_common::secret::Secret;
use farwatch_common::token::{EnrollToken, ROOT_PIN_LEN, TokenTextError};
use ring::rand::SecureRandom as _;
use sqlx::Row as _;
use subtle::ConstantTimeEq as _;

use super::digest;
use super::tenancy::{Access, TenantContext};
use crate::inventory::site::site_create_or_get;
use crate::inventory::{InventoryError, require};
use crate::store::{Database, StoreError, Transaction};

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
    #[error("the token cannot be written down")]
    Text(#[from] TokenTextError),
    #[error("the system has no randomness to give")]
    Random,
    #[error("the inventory refuses")]
    Inventory(#[from] InventoryError),
    #[error("tokens cannot be read or written")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TokenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// A token that was made: the text is shown once.
#[derive(Debug)]
pub struct CreatedToken {
    pub text: Secret,
    pub site: SiteId,
    pub expires_at: Micros,
}

/// What goes into every token of this installation.
#[derive(Clone, Debug)]
pub struct TokenOrigin {
    pub root_pin: [u8; ROOT_PIN_LEN],
    /// `HOST:PORT` of the collectors, best first.
    pub endpoints: Vec<String>,
}

/// Makes a token for an agent of `tenant` at the site of this name, which is made if missing.
pub async fn token_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, site): (TenantId, &str),
    origin: &TokenOrigin,
    now: Micros,
) -> Result<CreatedToken, TokenError> {
    require(context, tenant, Access::Write)?;
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
    let expires_at = now.after(TOKEN_LIFE);
    let mut txn = db.write().await?;
    make_room(&mut txn, tenant, now).await?;
    let site = site_create_or_get(&mut txn, context, ids, tenant, site, now).await?;
    sqlx::query(
        "INSERT INTO enroll_token (token_id, tenant_id, site_id, secret_hash, created_at,
                                   expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&id[..])
    .bind(tenant.0)
    .bind(site.0)
    .bind(&digest(&secret)[..])
    .bind(now.0)
    .bind(expires_at.0)
    .execute(&mut *txn)
    .await?;
    txn.commit().await?;
    Ok(CreatedToken { text, site, expires_at })
}

/// Old tokens go when new ones come; the open ones are bounded.
async fn make_room(txn: &mut Transaction, tenant: TenantId, now: Micros) -> Result<(), TokenError> {
    sqlx::query("DELETE FROM enroll_token WHERE expires_at <= $1")
        .bind(now.before(TOKEN_KEPT).0)
        .execute(&mut **txn)
        .await?;
    let open: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM enroll_token
         WHERE tenant_id = $1 AND used_at IS NULL AND expires_at > $2",
    )
    .bind(tenant.0)
    .bind(now.0)
    .fetch_one(&mut **txn)
    .await?;
    if open >= TOKENS_OPEN_MAX.into() {
        let what = "enrolment tokens that nobody used; use one, or wait a day until they expire";
        return Err(InventoryError::Full { what, max: TOKENS_OPEN_MAX }.into());
    }
    Ok(())
}

/// Uses a token up, inside the transaction that makes the agent: if that one fails, the token
/// stays good.
pub async fn token_redeem(
    txn: &mut Transaction,
    id: &[u8],
    secret: &[u8],
    agent: AgentId,
    now: Micros,
) -> Result<(TenantId, SiteId), TokenError> {
    let row = sqlx::query(
        "SELECT tenant_id, site_id, secret_hash, expires_at, used_at FROM enroll_token
         WHERE token_id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **txn)
    .await?
    .ok_or(TokenError::Refused)?;
    let stored: Vec<u8> = row.try_get(2)?;
    let right = bool::from(digest(secret).ct_eq(stored.as_slice()));
    let expired = row.try_get::<i64, _>(3)? <= now.0;
    if !right || expired || row.try_get::<Option<i64>, _>(4)?.is_some() {
        return Err(TokenError::Refused);
    }
    sqlx::query("UPDATE enroll_token SET used_at = $2, used_by = $3 WHERE token_id = $1")
        .bind(id)
        .bind(now.0)
        .bind(agent.0)
        .execute(&mut **txn)
        .await?;
    Ok((TenantId(row.try_get(0)?), SiteId(row.try_get(1)?)))
}
