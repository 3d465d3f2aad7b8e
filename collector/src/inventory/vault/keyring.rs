//! The master keys: `master.key` in the data directory and, while they are exchanged,
//! `master.key.old` beside it.
//!
//! A rotation has three steps, each on disk before the next begins: the key is copied to
//! `master.key.old`; `master.key` is replaced by a new one; once the caller has wrapped everything
//! anew, `master.key.old` goes. A process that dies in between leaves every key that anything is
//! wrapped by, and the next [`Keyring::rotate`] goes on from there. A lock on `master.key.lock`
//! keeps a second one out.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use farwatch_common::file::{create_private, read_if_present, write_private};
use farwatch_common::secret::Secret;
use ring::aead::{CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use ring::rand::SecureRandom as _;

const CURRENT: &str = "master.key";
const OLD: &str = "master.key.old";
const LOCK: &str = "master.key.lock";
const KEY_LEN: usize = 32;

/// Why the master keys cannot be had. Never shows one.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is damaged: restore it from a backup, without it no credential opens")]
    Damaged { path: PathBuf },
    #[error("{path} is missing beside master.key.old: restore it from a backup")]
    Missing { path: PathBuf },
    #[error("the master key is in use or being rotated: wait a moment and try again")]
    Rotating,
    #[error("the system has no randomness to give")]
    Random,
}

/// Which master key: stored beside what it wrapped, and tells nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MasterId(pub [u8; 8]);

impl MasterId {
    /// As it is stored.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// One master key, ready for use.
#[derive(Clone)]
pub struct MasterKey {
    id: MasterId,
    key: LessSafeKey,
}

impl MasterKey {
    fn new(bytes: &Secret) -> Option<Self> {
        let bytes: &[u8; KEY_LEN] = bytes.expose().try_into().ok()?;
        let hash = blake3::keyed_hash(bytes, b"farwatch master key id");
        let id = MasterId(*hash.as_bytes().first_chunk()?);
        let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, bytes).ok()?);
        Some(Self { id, key })
    }

    #[must_use]
    pub fn id(&self) -> MasterId {
        self.id
    }

    #[must_use]
    pub fn key(&self) -> &LessSafeKey {
        &self.key
    }
}

/// The keys as the files had them.
pub struct Keyring {
    current: MasterKey,
    old: Option<MasterKey>,
}

impl Keyring {
    /// Reads the keys in `dir`, making the first one on first start.
    pub fn open(dir: &Path) -> Result<Self, KeyringError> {
        let path = dir.join(CURRENT);
        let current = read(&path)?;
        // After the current one: whatever a rotation does meanwhile, the current one fits to it.
        let old = read(&dir.join(OLD))?;
        let current = match current {
            Some(current) => current,
            // A new key would open nothing of what the lost one wrapped.
            None if old.is_some() => return Err(KeyringError::Missing { path }),
            None => first(&path)?,
        };
        Ok(Self { old: old.filter(|old| old.id != current.id), current })
    }

    /// What wraps from now on.
    #[must_use]
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// What wrapped a key: by its id, or the oldest if that is from before keys had one. `None` may
    /// mean that the files are newer than what was read of them: open them again.
    #[must_use]
    pub fn find(&self, id: Option<MasterId>) -> Option<&MasterKey> {
        match id {
            None => Some(self.old.as_ref().unwrap_or(&self.current)),
            Some(id) => [Some(&self.current), self.old.as_ref()]
                .into_iter()
                .flatten()
                .find(|key| key.id == id),
        }
    }

    /// Whether something may still be wrapped by the key before.
    #[must_use]
    pub fn is_rotating(&self) -> bool {
        self.old.is_some()
    }

    /// The keys as the files have them now, and no rotation while this is held.
    pub fn wrapping(dir: &Path) -> Result<Wrapping, KeyringError> {
        let lock = lock(&dir.join(LOCK), File::try_lock_shared)?;
        Ok(Wrapping { keyring: Self::open(dir)?, _lock: lock })
    }

    /// Makes a new master key, or takes up the rotation that a dead process left.
    pub fn rotate(dir: &Path) -> Result<Rotation, KeyringError> {
        let lock = lock(&dir.join(LOCK), File::try_lock)?;
        let mut keyring = Self::open(dir)?;
        let resumed = keyring.is_rotating();
        if !resumed {
            let (current, old) = (dir.join(CURRENT), dir.join(OLD));
            let bytes = bytes(&current)?.ok_or(KeyringError::Missing { path: current.clone() })?;
            // Here already is the copy of one who died before the next step: the same bytes.
            create_private(&old, bytes.expose()).map_err(|e| problem(&old, e))?;
            write_private(&current, random()?.expose()).map_err(|e| problem(&current, e))?;
            keyring = Self::open(dir)?;
        }
        Ok(Rotation { dir: dir.to_owned(), keyring, resumed, _lock: lock })
    }
}

/// Held by who wraps something, until it is committed.
pub struct Wrapping {
    keyring: Keyring,
    _lock: File,
}

impl Wrapping {
    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }
}

/// A rotation under way. Dropped, it stays so, to be taken up later.
pub struct Rotation {
    dir: PathBuf,
    keyring: Keyring,
    resumed: bool,
    _lock: File,
}

impl Rotation {
    /// Whether it is that of a process that died.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    #[must_use]
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Forgets the key before. Only once nothing that is committed is wrapped by it.
    pub fn finish(self) -> Result<(), KeyringError> {
        let path = self.dir.join(OLD);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(problem(&path, error)),
            _ => Ok(()),
        }
    }
}

fn problem(path: &Path, source: io::Error) -> KeyringError {
    KeyringError::File { path: path.to_owned(), source }
}

fn bytes(path: &Path) -> Result<Option<Secret>, KeyringError> {
    Ok(read_if_present(path).map_err(|e| problem(path, e))?.map(Secret::new))
}

fn read(path: &Path) -> Result<Option<MasterKey>, KeyringError> {
    let damaged = || KeyringError::Damaged { path: path.to_owned() };
    let bytes = bytes(path)?;
    bytes.map(|bytes| MasterKey::new(&bytes).ok_or_else(damaged)).transpose()
}

fn first(path: &Path) -> Result<MasterKey, KeyringError> {
    // Whoever loses the race to make it reads the winner's.
    create_private(path, random()?.expose()).map_err(|e| problem(path, e))?;
    read(path)?.ok_or_else(|| KeyringError::Missing { path: path.to_owned() })
}

fn random() -> Result<Secret, KeyringError> {
    let mut bytes = vec![0; KEY_LEN];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| KeyringError::Random)?;
    Ok(Secret::new(bytes))
}

/// Held until dropped, by death too.
fn lock(
    path: &Path,
    take: impl FnOnce(&File) -> Result<(), TryLockError>,
) -> Result<File, KeyringError> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|e| problem(path, e))?;
    match take(&file) {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(KeyringError::Rotating),
        Err(TryLockError::Error(error)) => Err(problem(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_first_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = Keyring::open(dir.path()).unwrap();
        assert_eq!(Keyring::open(dir.path()).unwrap().current().id(), first.current().id());
        assert!(!first.is_rotating());
        assert_eq!(fs::read(dir.path().join(CURRENT)).unwrap().len(), KEY_LEN);
        assert_eq!(names(dir.path()), [CURRENT]);
        let other = tempfile::tempdir().unwrap();
        assert_ne!(Keyring::open(other.path()).unwrap().current().id(), first.current().id());
    }

    #[test]
    fn what_is_damaged_or_lost_is_not_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        Keyring::open(dir.path()).unwrap();
        drop(Keyring::rotate(dir.path()).unwrap());
        let (current, old) = (dir.path().join(CURRENT), dir.path().join(OLD));
        let good = fs::read(&current).unwrap();
        for (path, bytes) in [(&current, &good[1..]), (&old, b"")] {
            let before = fs::read(path).unwrap();
            fs::write(path, bytes).unwrap();
            let refused = Keyring::open(dir.path()).err().unwrap();
            assert!(matches!(&refused, KeyringError::Damaged { path: told } if told == path));
            fs::write(path, before).unwrap();
        }
        fs::remove_file(&current).unwrap();
        assert!(matches!(Keyring::open(dir.path()), Err(KeyringError::Missing { .. })));
        assert!(matches!(Keyring::rotate(dir.path()), Err(KeyringError::Missing { .. })));
        assert!(!current.exists());
    }

    #[test]
    fn a_rotation_keeps_the_old_key_until_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let before = Keyring::open(dir.path()).unwrap().current().id();
        assert_eq!(Keyring::open(dir.path()).unwrap().find(None).unwrap().id(), before);
        let rotation = Keyring::rotate(dir.path()).unwrap();
        let after = rotation.keyring().current().id();
        assert_ne!(before, after);
        // A collector that serves meanwhile reads both.
        for keyring in [rotation.keyring(), &Keyring::open(dir.path()).unwrap()] {
            assert!(keyring.is_rotating());
            assert_eq!(keyring.find(Some(before)).unwrap().id(), before);
            assert_eq!(keyring.find(Some(after)).unwrap().id(), after);
            assert_eq!(keyring.find(None).unwrap().id(), before);
            assert!(keyring.find(Some(MasterId([0; 8]))).is_none());
        }
        assert!(matches!(Keyring::rotate(dir.path()), Err(KeyringError::Rotating)));
        assert!(matches!(Keyring::wrapping(dir.path()), Err(KeyringError::Rotating)));
        rotation.finish().unwrap();
        // Two may wrap at the same time, and the key cannot be exchanged under them.
        let both = [Keyring::wrapping(dir.path()).unwrap(), Keyring::wrapping(dir.path()).unwrap()];
        assert!(matches!(Keyring::rotate(dir.path()), Err(KeyringError::Rotating)));
        drop(both);
        let keyring = Keyring::open(dir.path()).unwrap();
        assert!(!keyring.is_rotating());
        assert_eq!(keyring.current().id(), after);
        assert!(keyring.find(Some(before)).is_none());
        assert_eq!(names(dir.path()), [CURRENT, LOCK]);
    }

    /// Every state that a process can leave by dying, taken up by the next.
    #[test]
    fn a_rotation_that_died_is_taken_up_where_it_stood() {
        let dir = tempfile::tempdir().unwrap();
        let before = Keyring::open(dir.path()).unwrap().current().id();
        let (current, old) = (dir.path().join(CURRENT), dir.path().join(OLD));
        // After the first step: nothing has changed for anybody.
        fs::copy(&current, &old).unwrap();
        let keyring = Keyring::open(dir.path()).unwrap();
        assert!(!keyring.is_rotating());
        assert_eq!(keyring.find(None).unwrap().id(), before);
        // After the second: the same new key, however often it is taken up.
        let after = Keyring::rotate(dir.path()).unwrap().keyring().current().id();
        assert_ne!(before, after);
        let again = Keyring::rotate(dir.path()).unwrap();
        assert_eq!(again.keyring().current().id(), after);
        assert_eq!(again.keyring().find(None).unwrap().id(), before);
        // After the third, when the file system forgot it: the key was not used, and goes again.
        let kept = fs::read(&old).unwrap();
        again.finish().unwrap();
        fs::write(&old, kept).unwrap();
        let last = Keyring::rotate(dir.path()).unwrap();
        assert_eq!(last.keyring().current().id(), after);
        last.finish().unwrap();
        assert!(!old.exists());
    }
}
