//! A new master key, and every key that the old one wrapped wrapped anew.
//!
//! - in: nothing; out: one row of the audit, in the installation's chain
//! - bound: the keys of all tenants, in one transaction
//! - when full: does not come to be
//! - on crash: the files hold both keys until all is committed; beginning again goes on

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;
use serde_json::json;

use super::keyring::{Keyring, MasterId, Rotation};
use super::{VaultError, seal};
use crate::audit::{Change, INSTALLATION};
use crate::identity::{TenantContext, master};
use crate::inventory::{InventoryError, tenant_set};
use crate::store::sql::{Row, sql};
use crate::store::{Database, Txn};

sql! { pub(crate) OF_TENANTS =
    "SELECT version, wrapped_key, master_id, tenant_id FROM tenant_key WHERE tenant_id IN ",
    tenant_set!(),
    " ORDER BY tenant_id, version"
}
sql! { pub(crate) TENANT_REWRAP =
    "UPDATE tenant_key SET wrapped_key = $3, master_id = $4 WHERE tenant_id = $1 AND version = $2"
}
sql! { pub(crate) OF_INSTALLATION =
    "SELECT version, wrapped_key, master_id FROM installation_key ORDER BY version"
}
sql! { pub(crate) INSTALLATION_REWRAP =
    "UPDATE installation_key SET wrapped_key = $2, master_id = $3 WHERE version = $1"
}

/// Exchanges the master key in `data_dir`, or takes up an exchange that was cut short. Says how many
/// keys were wrapped anew.
pub async fn master_key_rotate(
    db: &Database,
    data_dir: &std::path::Path,
    now: Micros,
) -> Result<u64, InventoryError> {
    let rotation = Keyring::rotate(data_dir).map_err(VaultError::from)?;
    let rewrapped = rewrap(db, &rotation, now).await?;
    rotation.finish().map_err(VaultError::from)?;
    Ok(rewrapped)
}

/// The only step in the database. Nobody makes a key meanwhile: the rotation keeps them out.
pub(crate) async fn rewrap(
    db: &Database,
    rotation: &Rotation,
    now: Micros,
) -> Result<u64, InventoryError> {
    let context = TenantContext::local(db).await?;
    let mut txn = master::begin(db, &context).await?;
    let mut rewrapped = 0;
    for row in OF_INSTALLATION.query().all(&mut txn).await? {
        if let Some((version, wrapped)) = anew(rotation.keyring(), INSTALLATION, &row)? {
            let update = INSTALLATION_REWRAP.bind(version).bind(wrapped);
            update.bind(current(rotation)).execute(&mut txn).await?;
            rewrapped += 1;
        }
    }
    master::as_tenants(&mut txn, &context).await?;
    rewrapped += of_tenants(&mut txn, &context, rotation).await?;
    master::as_installation(&mut txn).await?;
    // One that was taken up when all was done stands in the audit already.
    let told = rewrapped > 0 || !rotation.is_resumed();
    let change = || {
        let change = Change::new("master_key", "rotate", 0, "master.key");
        change.after(json!({ "keys_wrapped": rewrapped }))
    };
    txn.commit(told.then(change), now).await?;
    Ok(rewrapped)
}

async fn of_tenants(
    txn: &mut Txn,
    context: &TenantContext,
    rotation: &Rotation,
) -> Result<u64, InventoryError> {
    let mut rewrapped = 0;
    for row in OF_TENANTS.bind(context.tenants_json()).all(txn).await? {
        let tenant = TenantId(row.get(3)?);
        if let Some((version, wrapped)) = anew(rotation.keyring(), tenant, &row)? {
            let update = TENANT_REWRAP.bind(tenant).bind(version).bind(wrapped);
            update.bind(current(rotation)).execute(txn).await?;
            rewrapped += 1;
        }
    }
    Ok(rewrapped)
}

fn current(rotation: &Rotation) -> Vec<u8> {
    rotation.keyring().current().id().0.to_vec()
}

/// The version of the key and its new form; `None` if it has that already.
fn anew(
    keyring: &Keyring,
    tenant: TenantId,
    row: &Row,
) -> Result<Option<(u32, Vec<u8>)>, InventoryError> {
    let lost = || VaultError::TenantKey { tenant };
    let version = u32::try_from(row.get::<i64>(0)?).map_err(|_| lost())?;
    let id = row.get::<Option<Vec<u8>>>(2)?.map(|id| MasterId::read(&id).ok_or_else(lost));
    let id = id.transpose()?;
    if id == Some(keyring.current().id()) {
        return Ok(None);
    }
    let old = keyring.find(id).ok_or_else(lost)?;
    let key = seal::unwrap(old, (tenant, version), &row.get::<Vec<u8>>(1)?).map_err(|_| lost())?;
    Ok(Some((version, seal::wrap(keyring.current(), (tenant, version), &key)?)))
}
