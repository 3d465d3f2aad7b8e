//! The data directory: private, and served from by one process at a time. Commands may work on it
//! beside that one: the database sees to their turns.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use farwatch_common::file::lock_exclusive;
use farwatch_common::platform::create_private_dir;

const LOCK_FILE: &str = "lock";

/// Why the data directory cannot be served from.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error(
        "cannot use the data directory {path}; check that this user may write it and owns what is \
         in it, or name another with --data-dir DIR"
    )]
    Open { path: PathBuf, source: io::Error },
    #[error(
        "another farwatch-collector serves the data directory {path}; stop it first, or give this \
         one its own with --data-dir"
    )]
    InUse { path: PathBuf },
}

/// The right to serve from the data directory.
#[derive(Debug)]
pub struct DataDir {
    _lock: File,
}

impl DataDir {
    /// Makes `path` if needed and keeps other servers out until the result is dropped. Two would
    /// give the same ids to different things, and neither would see what the other's agents send.
    pub fn lock(path: &Path) -> Result<Self, DataDirError> {
        let failed = |source| DataDirError::Open { path: path.to_owned(), source };
        create_private_dir(path).map_err(failed)?;
        let lock = lock_exclusive(&path.join(LOCK_FILE)).map_err(failed)?;
        let lock = lock.ok_or_else(|| DataDirError::InUse { path: path.to_owned() })?;
        Ok(Self { _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{ServeError, serve};
    use crate::config::Config;

    #[tokio::test]
    async fn one_process_at_a_time_serves_the_directory() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        config.listen.address = ([127, 0, 0, 1], 0).into();
        let first = DataDir::lock(&config.data_dir).unwrap();
        let error = serve(config.clone(), std::future::ready(())).await.unwrap_err();
        assert!(matches!(error, ServeError::DataDir(DataDirError::InUse { .. })), "{error:?}");
        assert!(error.to_string().contains("stop it first"), "{error}");
        // It was refused before it touched anything.
        assert_eq!(std::fs::read_dir(&config.data_dir).unwrap().count(), 1);
        drop(first);
        serve(config, std::future::ready(())).await.unwrap();
    }

    #[test]
    fn one_that_cannot_be_used_may_be_another() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = DataDir::lock(&file.path().join("data")).unwrap_err();
        assert!(matches!(error, DataDirError::Open { .. }));
        assert!(error.to_string().contains("--data-dir DIR"), "{error}");
    }
}
