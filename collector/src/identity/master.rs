//! A rotation of the master key: the one change that spans the installation and all tenants.

use super::IdentityKey;
use super::tenancy::TenantContext;
use crate::store::txn::{AccessError, Scope, Write};
use crate::store::{Database, StoreError, Txn};

/// Begins it, in the installation's chain.
pub async fn begin(db: &Database, context: &TenantContext) -> Result<Write, AccessError> {
    db.installation_change(IdentityKey::new(), context).await
}

/// Goes on among the tenants of the context.
pub async fn as_tenants(txn: &mut Txn, context: &TenantContext) -> Result<(), StoreError> {
    txn.switch(IdentityKey::new(), Scope::app_in(context.tenants().collect())).await
}

/// Goes back to what belongs to the installation.
pub async fn as_installation(txn: &mut Txn) -> Result<(), StoreError> {
    txn.switch(IdentityKey::new(), Scope::identity()).await
}
