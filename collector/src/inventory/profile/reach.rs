//! The credentials that may open a host of a site which is not a device yet: the profiles in reach.

use farwatch_common::id::{CredentialId, SiteId, TenantId};

use super::closeness;
use crate::identity::{Access, TenantContext};
use crate::inventory::snmp::{Credential, Kind};
use crate::inventory::vault::{Place, TenantKey, Vault, VaultError};
use crate::inventory::{InventoryError, Named, require};
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

sql! { pub(crate) REACH =
    "SELECT q.profile_id, q.name, q.kind, COALESCE(q.site_id, 0), q.key_version, q.sealed
     FROM credential_profile q
     WHERE q.tenant_id = $1 AND (q.site_id IS NULL OR q.site_id = $2)
     ORDER BY ",
    closeness!(),
    ", q.profile_id LIMIT $3"
}

/// The profiles of every tag that a device of this site could have, open, the closest first, `max`
/// at most; damaged ones are left out. To be sent to the site's agent, for who may change devices.
pub async fn profiles_in_reach(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    (tenant, site): (TenantId, SiteId),
    max: usize,
) -> Result<Vec<(Named<CredentialId>, Credential)>, InventoryError> {
    require(context, tenant, Access::Write)?;
    let mut txn = db.read(&context.narrowed(tenant)).await?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let rows = REACH.bind(tenant).bind(site).bind(max).all(&mut txn).await?;
    let mut open = Vec::with_capacity(rows.len());
    let mut tenant_key: Option<TenantKey> = None;
    for row in &rows {
        let corrupt = || StoreError::Corrupt { what: "a credential profile".to_owned() };
        let id = CredentialId(row.get(0)?);
        let kind = Kind::from_name(&row.get::<String>(2)?).ok_or_else(corrupt)?;
        let version = u32::try_from(row.get::<i64>(4)?).map_err(|_| corrupt())?;
        let key = match tenant_key.take().filter(|key| key.version() == version) {
            Some(key) => key,
            None => vault.tenant_key(&mut txn, tenant, Some(version)).await?,
        };
        let place = Place::of_profile(tenant, SiteId(row.get(3)?), id);
        let plain = match key.open(place, &row.get::<Vec<u8>>(5)?) {
            Err(VaultError::Sealed) => None,
            opened => Some(opened?),
        };
        tenant_key = Some(key);
        if let Some(credential) = plain.and_then(|plain| Credential::read(kind, plain)) {
            open.push((Named { id, name: row.get(1)? }, credential));
        }
    }
    Ok(open)
}
