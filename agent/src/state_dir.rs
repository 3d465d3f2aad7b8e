//! The state directory: private, and used by one process at a time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use farwatch_common::file::lock_exclusive;

use crate::platform;

const LOCK_FILE: &str = "lock";

/// Why the state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    #[error(
        "cannot use the state directory {path}; check that this user owns it, or name another with \
         --state-dir DIR"
    )]
    Open { path: PathBuf, source: io::Error },
    #[error(
        "another farwatch-agent uses the state directory {path}; stop it first, or give this one \
         its own with --state-dir"
    )]
    InUse { path: PathBuf },
}

/// The right to change what is in the state directory. The system takes it back when the process
/// ends, however it ends; the file that carries it stays.
#[derive(Debug)]
pub struct StateDir {
    _lock: File,
}

impl StateDir {
    /// Whether a process has the directory; `None` where that cannot be told. It is had for an instant to see.
    #[must_use]
    pub fn is_in_use(path: &Path) -> Option<bool> {
        let lock = path.join(LOCK_FILE);
        match lock.try_exists() {
            Ok(true) => lock_exclusive(&lock).ok().map(|lock| lock.is_none()),
            Ok(false) => Some(false),
            Err(_) => None,
        }
    }

    /// Makes `path` if needed and keeps others out until the result is dropped. Two processes with
    /// one identity would use each number twice, which looks as if the agent had been cloned.
    pub fn lock(path: &Path) -> Result<Self, StateDirError> {
        let failed = |source| StateDirError::Open { path: path.to_owned(), source };
        platform::private_dir(path).map_err(failed)?;
        let lock = lock_exclusive(&path.join(LOCK_FILE)).map_err(failed)?;
        let lock = lock.ok_or_else(|| StateDirError::InUse { path: path.to_owned() })?;
        Ok(Self { _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_has_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        assert_eq!(StateDir::is_in_use(&path), Some(false));
        let first = StateDir::lock(&path).unwrap();
        assert_eq!(StateDir::is_in_use(&path), Some(true));
        let error = StateDir::lock(&path).unwrap_err();
        assert!(matches!(error, StateDirError::InUse { .. }));
        assert!(error.to_string().contains("stop it first"));
        drop(first);
        assert_eq!(StateDir::is_in_use(&path), Some(false));
        StateDir::lock(&path).unwrap();
    }

    #[test]
    fn one_that_cannot_be_used_may_be_another() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = StateDir::lock(&file.path().join("state")).unwrap_err();
        assert!(matches!(error, StateDirError::Open { .. }));
        assert!(error.to_string().contains("--state-dir DIR"), "{error}");
    }
}
