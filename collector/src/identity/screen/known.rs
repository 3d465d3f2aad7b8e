//! Whose token a screen shows, and what it may see.

use farwatch_common::clock::Micros;
use farwatch_common::id::{ScreenId, TenantId, UserId};
use farwatch_common::secret::Secret;
use subtle::ConstantTimeEq as _;

use super::{PREFIX, View, every_from, is_own, views_from};
use crate::identity::tenancy::{Access, Actor, TenantContext};
use crate::identity::user::{UserError, user_context_in};
use crate::identity::{IdentityKey, NOTE_EVERY, digest, text_key};
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

/// A screen that shows its token.
#[derive(Clone, Debug)]
pub struct KnownScreen {
    pub id: ScreenId,
    pub name: String,
    pub context: TenantContext,
    pub views: Vec<View>,
    pub every_s: u32,
    /// 1970 if never.
    pub last_used_at: Micros,
}

sql! { pub(crate) GET =
    "SELECT secret_hash, name, views, every_s, all_tenants, last_used_at, made_by FROM wall_screen
     WHERE screen_id = $1"
}
sql! { pub(crate) TENANTS_OF = "SELECT tenant_id FROM wall_tenant WHERE screen_id = $1" }

/// Whose token this is and what it may see; `None` for every text that is not a good token now. It
/// shows no more than whoever made it administers now: they know its link.
pub async fn screen_known(
    db: &Database,
    text: &str,
    now: Micros,
) -> Result<Option<KnownScreen>, UserError> {
    let Some((id, secret)) = parse(text) else { return Ok(None) };
    let mut txn = db.identity_read(IdentityKey::new()).await?;
    let Some(row) = GET.bind(id).optional(&mut txn).await? else { return Ok(None) };
    let stored: Vec<u8> = row.get(0)?;
    if !bool::from(digest(secret.expose()).ct_eq(stored.as_slice())) {
        return Ok(None);
    }
    let maker = user_context_in(&mut txn, UserId(row.get(6)?), now).await?;
    let Some((_, maker)) = maker else { return Ok(None) };
    let mut tenants: Vec<TenantId> = if row.get::<i64>(4)? == 0 {
        let rows = TENANTS_OF.bind(id).all(&mut txn).await?;
        rows.iter().map(|row| Ok(TenantId(row.get(0)?))).collect::<Result<_, StoreError>>()?
    } else if maker.is_super_admin() {
        maker.tenants().collect()
    } else {
        return Ok(None);
    };
    tenants.retain(|tenant| is_own(&maker, *tenant));
    if tenants.is_empty() && !maker.is_super_admin() {
        return Ok(None);
    }
    let name: String = row.get(1)?;
    let tenants = tenants.into_iter().map(|tenant| (tenant, Access::Read));
    Ok(Some(KnownScreen {
        id,
        context: TenantContext::new((Actor::Screen(id), &name), false, tenants),
        name,
        views: views_from(&row.get::<String>(2)?)?,
        every_s: every_from(row.get(3)?),
        last_used_at: Micros(row.get::<Option<i64>>(5)?.unwrap_or(0)),
    }))
}

fn parse(text: &str) -> Option<(ScreenId, Secret)> {
    let (id, secret) = text_key::parse(PREFIX, text)?;
    Some((format!("scr_{id}").parse().ok()?, secret))
}

sql! { pub(crate) TOUCH =
    "UPDATE wall_screen SET last_used_at = $2
     WHERE screen_id = $1 AND COALESCE(last_used_at, 0) <= $3"
}

/// Notes that a screen shows something. Of requests at the same time one writes.
pub async fn screen_touch(db: &Database, id: ScreenId, now: Micros) -> Result<(), StoreError> {
    let mut txn = db.identity(IdentityKey::new()).await?;
    TOUCH.bind(id).bind(now).bind(now.before(NOTE_EVERY)).execute(&mut txn).await?;
    txn.commit().await
}
