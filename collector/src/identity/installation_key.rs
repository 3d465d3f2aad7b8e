//! The installation's own key: seals what belongs to no tenant, as the seeds of second factors.
//!
//! It lies in the database like a tenant's key, as the one of tenant 0: wrapped by the master key,
//! with a version that every blob names, and wrapped anew when the master key is exchanged.

use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::{CredentialId, DeviceId, SiteId, UserId};
use farwatch_common::secret::Secret;

use crate::audit::INSTALLATION;
use crate::inventory::vault::keyring::{MasterId, Wrapping};
use crate::inventory::vault::{Place, TenantKey, seal};
use crate::inventory::{Vault, VaultError};
use crate::store::Txn;
use crate::store::sql::sql;

const FIRST: u32 = 1;
/// Why the key is not there.
const LOST: VaultError = VaultError::TenantKey { tenant: INSTALLATION };

/// Finds the installation's key. One per process.
pub struct InstallationKeys(Arc<Vault>);

/// The installation's key, open.
pub struct InstallationKey(TenantKey);

sql! { pub(crate) GET =
    "SELECT version, wrapped_key, master_id FROM installation_key
     WHERE $1 = 0 OR version = $1 ORDER BY version DESC LIMIT 1"
}
sql! { pub(crate) INSERT =
    "INSERT INTO installation_key (version, wrapped_key, master_id, created_at)
     VALUES ($1, $2, $3, $4) ON CONFLICT (version) DO NOTHING"
}

impl InstallationKeys {
    #[must_use]
    pub fn new(vault: Arc<Vault>) -> Self {
        Self(vault)
    }

    /// As [`Vault::wrapping`]: to be kept until what [`Self::newest`] made is committed.
    pub fn wrapping(&self) -> Result<Wrapping, VaultError> {
        self.0.wrapping()
    }

    /// The key that seals from now on, made when the first thing is to be sealed. In a transaction
    /// of `identity`.
    pub async fn newest(
        &self,
        txn: &mut Txn,
        wrapping: &Wrapping,
        now: Micros,
    ) -> Result<InstallationKey, VaultError> {
        if let Some(key) = self.find(txn, 0).await? {
            return Ok(key);
        }
        let master = wrapping.keyring().current();
        let wrapped = seal::wrapped_key(master, (INSTALLATION, FIRST))?;
        let insert = INSERT.bind(FIRST).bind(wrapped).bind(&master.id().0[..]);
        insert.bind(now).execute(txn).await?;
        // Another may have made it first.
        self.find(txn, FIRST).await?.ok_or(LOST)
    }

    /// The key that a blob names.
    pub async fn of_version(
        &self,
        txn: &mut Txn,
        version: u32,
    ) -> Result<InstallationKey, VaultError> {
        self.find(txn, version).await?.ok_or(LOST)
    }

    async fn find(
        &self,
        txn: &mut Txn,
        version: u32,
    ) -> Result<Option<InstallationKey>, VaultError> {
        let Some(row) = GET.bind(version).optional(txn).await? else { return Ok(None) };
        let version = u32::try_from(row.get::<i64>(0)?).map_err(|_| LOST)?;
        let master = row.get::<Option<Vec<u8>>>(2)?.map(|id| MasterId::read(&id).ok_or(LOST));
        let master = self.0.master(master.transpose()?)?.ok_or(LOST)?;
        let whose = (INSTALLATION, version);
        let key = TenantKey::unwrap(&master, whose, &row.get::<Vec<u8>>(1)?)?;
        Ok(Some(InstallationKey(key)))
    }
}

impl InstallationKey {
    #[must_use]
    pub fn version(&self) -> u32 {
        self.0.version()
    }

    /// Seals what is one person's: moved to another it does not open.
    pub fn seal(&self, user: UserId, plain: &Secret) -> Result<Vec<u8>, VaultError> {
        self.0.seal(place(user), plain)
    }

    pub fn open(&self, user: UserId, blob: &[u8]) -> Result<Secret, VaultError> {
        self.0.open(place(user), blob)
    }
}

/// A person's own place: of no tenant, site or device.
fn place(user: UserId) -> Place {
    Place {
        tenant: INSTALLATION,
        site: SiteId(0),
        device: DeviceId(0),
        credential: CredentialId(user.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IdentityKey;
    use crate::inventory::vault::master::master_key_rotate;
    use crate::store::Database;

    async fn stays_open_through_a_rotation(db: &Database) {
        let open = |dir: &tempfile::TempDir| {
            InstallationKeys::new(Vault::open(dir.path()).unwrap().into())
        };
        let dir = tempfile::tempdir().unwrap();
        let keys = open(&dir);
        let (user, seed) = (UserId(7), Secret::from("a seed"));
        let mut txn = db.identity(IdentityKey::new()).await.unwrap();
        let wrapping = keys.wrapping().unwrap();
        let key = keys.newest(&mut txn, &wrapping, Micros(0)).await.unwrap();
        txn.commit().await.unwrap();
        drop(wrapping);
        let blob = key.seal(user, &seed).unwrap();
        assert_eq!(key.open(user, &blob).unwrap(), seed);
        assert!(key.open(UserId(8), &blob).is_err());
        assert!(!blob.windows(6).any(|window| window == seed.expose()));
        for _ in 0..2 {
            assert_eq!(master_key_rotate(db, dir.path(), Micros(1)).await.unwrap(), 1);
        }
        // A process from before the rotations reads the files again.
        let mut txn = db.identity(IdentityKey::new()).await.unwrap();
        let key = keys.of_version(&mut txn, key.version()).await.unwrap();
        assert_eq!(key.open(user, &blob).unwrap(), seed);
        let other = open(&tempfile::tempdir().unwrap());
        assert!(other.of_version(&mut txn, FIRST).await.is_err());
    }

    #[tokio::test]
    async fn sqlite_keeps_it_open_through_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        stays_open_through_a_rotation(&Database::open(dir.path()).await.unwrap()).await;
    }

    #[tokio::test]
    async fn postgres_keeps_it_open_through_a_rotation() {
        use crate::store::fixture::scratch::Scratch;
        let Some(scratch) = Scratch::open().await else { return };
        let db = scratch.database().await;
        stays_open_through_a_rotation(&db).await;
        db.close().await;
        scratch.remove().await;
    }
}
