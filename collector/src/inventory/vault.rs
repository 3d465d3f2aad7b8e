//! Device credentials: sealed at rest, opened only to send them to the agent that polls.
//!
//! A master key in a file outside the database wraps one key per tenant; the tenant's key seals its
//! credentials. Either is exchanged by a rotation, while the collector serves.

pub mod keyring;
pub mod master;
pub mod rotate;
pub mod seal;

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;

use crate::store::sql::sql;
use crate::store::{StoreError, Txn};
use keyring::{Keyring, KeyringError, MasterId, MasterKey, Wrapping};
pub use seal::{Place, TenantKey};

/// Of a new tenant.
const FIRST_KEY: u32 = 1;

/// Why a credential cannot be sealed or opened. Never shows one.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error("the key of tenant {tenant} is missing or does not open with this master.key")]
    TenantKey { tenant: TenantId },
    #[error("a sealed credential does not open: it was changed or moved")]
    Sealed,
    #[error("the system has no randomness to give")]
    Random,
    #[error("the keys cannot be read or written")]
    Store(#[from] StoreError),
}

sql! { pub(crate) KEY_INSERT =
    "INSERT INTO tenant_key (tenant_id, version, wrapped_key, master_id, created_at)
     VALUES ($1, $2, $3, $4, $5)"
}
sql! { pub(crate) KEY_GET =
    "SELECT version, wrapped_key, master_id FROM tenant_key
     WHERE tenant_id = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1"
}

/// Opens and seals. One per process.
pub struct Vault {
    dir: PathBuf,
    /// The master keys as the files had them last.
    keyring: RwLock<Keyring>,
}

impl Vault {
    /// Opens the master key in `data_dir`, making it on first start.
    pub fn open(data_dir: &Path) -> Result<Self, VaultError> {
        let keyring = RwLock::new(Keyring::open(data_dir)?);
        Ok(Self { dir: data_dir.to_owned(), keyring })
    }

    /// What may wrap a new key. To be kept until that is committed: a rotation of the master key
    /// that ended in between would not have seen it.
    pub fn wrapping(&self) -> Result<Wrapping, VaultError> {
        Ok(Keyring::wrapping(&self.dir)?)
    }

    /// Makes the first key of a new tenant.
    pub async fn tenant_key_create(
        &self,
        txn: &mut Txn,
        wrapping: &Wrapping,
        tenant: TenantId,
        now: Micros,
    ) -> Result<(), VaultError> {
        key_insert(txn, wrapping, (tenant, FIRST_KEY), now).await
    }

    /// The tenant's key: the newest, or the one of `version`.
    pub async fn tenant_key(
        &self,
        txn: &mut Txn,
        tenant: TenantId,
        version: Option<u32>,
    ) -> Result<TenantKey, VaultError> {
        let missing = || VaultError::TenantKey { tenant };
        let get = KEY_GET.bind(tenant).bind(version.unwrap_or(0));
        let row = get.optional(txn).await?.ok_or_else(missing)?;
        let version = u32::try_from(row.get::<i64>(0)?).map_err(|_| missing())?;
        let master = row.get::<Option<Vec<u8>>>(2)?.map(|id| MasterId::read(&id));
        let master = master.map(|id| id.ok_or_else(missing)).transpose()?;
        let master = self.master(master)?.ok_or_else(missing)?;
        TenantKey::unwrap(&master, (tenant, version), &row.get::<Vec<u8>>(1)?)
    }

    /// The master key of this id. One that is not known is of a rotation since the files were read.
    pub(crate) fn master(&self, id: Option<MasterId>) -> Result<Option<MasterKey>, VaultError> {
        let known = self.keyring.read().unwrap_or_else(PoisonError::into_inner).find(id).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let fresh = Keyring::open(&self.dir)?;
        let found = fresh.find(id).cloned();
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(found)
    }
}

/// A new key of the tenant.
async fn key_insert(
    txn: &mut Txn,
    wrapping: &Wrapping,
    (tenant, version): (TenantId, u32),
    now: Micros,
) -> Result<(), VaultError> {
    let master = wrapping.keyring().current();
    let wrapped = seal::wrapped_key(master, (tenant, version))?;
    let insert = KEY_INSERT.bind(tenant).bind(version).bind(wrapped);
    insert.bind(&master.id().0[..]).bind(now).execute(txn).await?;
    Ok(())
}
