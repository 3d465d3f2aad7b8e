//! The installation's own key: seals what belongs to no tenant, as the seeds of second factors.
//!
//! It lies in the database, wrapped by the master key. Like a tenant's, it has a version, which
//! every blob names, and knows by which master key it is wrapped.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use farwatch_common::clock::Micros;
use farwatch_common::id::UserId;
use farwatch_common::secret::Secret;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::SecureRandom as _;

use crate::inventory::vault::keyring::{Keyring, KeyringError, MasterId, MasterKey};
use crate::store::sql::sql;
use crate::store::{StoreError, Txn};

const KEY_LEN: usize = 32;
const FIRST: i64 = 1;

/// Why something cannot be sealed or opened. Never shows it.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    #[error("the installation's key does not open with this master.key: restore the one beside it")]
    Master,
    #[error("what is sealed does not open: it was changed or moved")]
    Sealed,
    #[error("the system has no randomness to give")]
    Random,
    #[error("the installation's key cannot be read or written")]
    Store(#[from] StoreError),
}

/// Finds the installation's key. One per process.
pub struct InstallationKeys {
    dir: PathBuf,
    /// As the files were when last looked at.
    keyring: Mutex<Keyring>,
}

/// The installation's key, open.
pub struct InstallationKey {
    version: i64,
    key: LessSafeKey,
}

sql! { pub(crate) NEWEST =
    "SELECT version, wrapped_key, master_id FROM installation_key
     WHERE $1 = 0 OR version = $1 ORDER BY version DESC LIMIT 1"
}
sql! { pub(crate) INSERT =
    "INSERT INTO installation_key (version, wrapped_key, master_id, created_at)
     VALUES ($1, $2, $3, $4) ON CONFLICT (version) DO NOTHING"
}

impl InstallationKeys {
    /// Opens the master key in `data_dir`, making it on first start.
    pub fn open(data_dir: &Path) -> Result<Self, KeyringError> {
        let keyring = Mutex::new(Keyring::open(data_dir)?);
        Ok(Self { dir: data_dir.to_owned(), keyring })
    }

    /// The key that seals from now on, made when the first thing is to be sealed. In a transaction
    /// of `identity`.
    pub async fn newest(&self, txn: &mut Txn, now: Micros) -> Result<InstallationKey, SealError> {
        if let Some(key) = self.find(txn, 0).await? {
            return Ok(key);
        }
        // The files may be newer than what was read of them: wrap by the key that stays.
        let master = self.read_again(|keyring| Some(keyring.current().clone()))?;
        let mut fresh = vec![0; KEY_LEN];
        ring::rand::SystemRandom::new().fill(&mut fresh).map_err(|_| SealError::Random)?;
        let wrapped = seal(master.key(), wrap_aad(FIRST), &Secret::new(fresh))?;
        let insert = INSERT.bind(FIRST).bind(wrapped).bind(&master.id().0[..]);
        insert.bind(now).execute(txn).await?;
        // Another may have made it first.
        self.find(txn, FIRST).await?.ok_or(SealError::Master)
    }

    /// The key that a blob names.
    pub async fn of_version(
        &self,
        txn: &mut Txn,
        version: i64,
    ) -> Result<InstallationKey, SealError> {
        self.find(txn, version).await?.ok_or(SealError::Master)
    }

    async fn find(
        &self,
        txn: &mut Txn,
        version: i64,
    ) -> Result<Option<InstallationKey>, SealError> {
        let Some(row) = NEWEST.bind(version).optional(txn).await? else { return Ok(None) };
        let (version, wrapped): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let id = master_id(row.get(2)?)?;
        let key = unwrap(&self.master(id)?, version, &wrapped)?;
        Ok(Some(InstallationKey { version, key }))
    }

    fn master(&self, id: Option<MasterId>) -> Result<MasterKey, SealError> {
        let known = {
            let keyring = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
            keyring.find(id).cloned()
        };
        match known {
            Some(master) => Ok(master),
            None => self.read_again(|keyring| keyring.find(id).cloned()),
        }
    }

    fn read_again(
        &self,
        pick: impl FnOnce(&Keyring) -> Option<MasterKey>,
    ) -> Result<MasterKey, SealError> {
        let fresh = Keyring::open(&self.dir)?;
        let picked = pick(&fresh).ok_or(SealError::Master);
        *self.keyring.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        picked
    }
}

sql! { pub(crate) ALL = "SELECT version, wrapped_key, master_id FROM installation_key" }
sql! { pub(crate) WRAP =
    "UPDATE installation_key SET wrapped_key = $2, master_id = $3 WHERE version = $1"
}

/// Wraps the key anew by the current master key: a part of rotating that. In a transaction of
/// `identity`; returns how many versions it wrapped.
pub async fn installation_key_rewrap(txn: &mut Txn, keyring: &Keyring) -> Result<u64, SealError> {
    let current = keyring.current();
    let mut wrapped = 0;
    for row in &ALL.query().all(txn).await? {
        let (version, id) = (row.get::<i64>(0)?, master_id(row.get(2)?)?);
        if id == Some(current.id()) {
            continue;
        }
        let master = keyring.find(id).ok_or(SealError::Master)?;
        let key = open(master.key(), wrap_aad(version), &row.get::<Vec<u8>>(1)?)?;
        let blob = seal(current.key(), wrap_aad(version), &key)?;
        wrapped += WRAP.bind(version).bind(blob).bind(&current.id().0[..]).execute(txn).await?;
    }
    Ok(wrapped)
}

impl InstallationKey {
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Seals what is one person's: moved to another it does not open.
    pub fn seal(&self, user: UserId, plain: &Secret) -> Result<Vec<u8>, SealError> {
        seal(&self.key, self.aad(user), plain)
    }

    pub fn open(&self, user: UserId, blob: &[u8]) -> Result<Secret, SealError> {
        open(&self.key, self.aad(user), blob)
    }

    fn aad(&self, user: UserId) -> Aad<Vec<u8>> {
        let mut bytes = b"farwatch totp seed".to_vec();
        bytes.extend(self.version.to_be_bytes());
        bytes.extend(user.0.to_be_bytes());
        Aad::from(bytes)
    }
}

fn master_id(stored: Option<Vec<u8>>) -> Result<Option<MasterId>, SealError> {
    let read = |bytes: Vec<u8>| bytes.try_into().map(MasterId).map_err(|_| SealError::Master);
    stored.map(read).transpose()
}

fn wrap_aad(version: i64) -> Aad<Vec<u8>> {
    let mut bytes = b"farwatch installation key".to_vec();
    bytes.extend(version.to_be_bytes());
    Aad::from(bytes)
}

fn unwrap(master: &MasterKey, version: i64, wrapped: &[u8]) -> Result<LessSafeKey, SealError> {
    let bytes = open(master.key(), wrap_aad(version), wrapped).map_err(|_| SealError::Master)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, bytes.expose()).map_err(|_| SealError::Master)?;
    Ok(LessSafeKey::new(key))
}

/// Nonce, ciphertext and tag.
fn seal(key: &LessSafeKey, aad: Aad<Vec<u8>>, plain: &Secret) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LEN];
    ring::rand::SystemRandom::new().fill(&mut nonce).map_err(|_| SealError::Random)?;
    let mut blob = nonce.to_vec();
    let mut text = plain.expose().to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, aad, &mut text).map_err(|_| SealError::Sealed)?;
    blob.append(&mut text);
    Ok(blob)
}

fn open(key: &LessSafeKey, aad: Aad<Vec<u8>>, blob: &[u8]) -> Result<Secret, SealError> {
    let (nonce, sealed) = blob.split_at_checked(NONCE_LEN).ok_or(SealError::Sealed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Sealed)?;
    let mut text = sealed.to_vec();
    let length = key.open_in_place(nonce, aad, &mut text).map_err(|_| SealError::Sealed)?.len();
    text.truncate(length);
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::IdentityKey;
    use crate::store::Database;

    async fn stays_open_through_a_rotation(db: &Database) {
        let dir = tempfile::tempdir().unwrap();
        let keys = InstallationKeys::open(dir.path()).unwrap();
        let (user, seed) = (UserId(7), Secret::from("a seed"));
        let mut txn = db.identity(IdentityKey::new()).await.unwrap();
        let key = keys.newest(&mut txn, Micros(0)).await.unwrap();
        let blob = key.seal(user, &seed).unwrap();
        assert_eq!(key.open(user, &blob).unwrap(), seed);
        assert!(key.open(UserId(8), &blob).is_err());
        assert!(!blob.windows(6).any(|window| window == seed.expose()));
        let rotation = Keyring::rotate(dir.path()).unwrap();
        for wrapped in [1, 0] {
            let rewrap = installation_key_rewrap(&mut txn, rotation.keyring()).await;
            assert_eq!(rewrap.unwrap(), wrapped);
        }
        rotation.finish().unwrap();
        // A process from before the rotation reads the files again.
        let key = keys.of_version(&mut txn, key.version()).await.unwrap();
        assert_eq!(key.open(user, &blob).unwrap(), seed);
        let other = tempfile::tempdir().unwrap();
        let other = InstallationKeys::open(other.path()).unwrap();
        assert!(matches!(other.newest(&mut txn, Micros(0)).await, Err(SealError::Master)));
        txn.commit().await.unwrap();
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
