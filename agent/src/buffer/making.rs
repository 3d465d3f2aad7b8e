//! A fresh file while it is made, under a name of its own: only one that is whole and on the disk gets the name by
//! which a start takes it for finished.

use std::path::{Path, PathBuf};

use farwatch_common::clock::Clock;

use super::epochs::Epochs;
use super::file::{self, File};
use super::{BufferConfig, BufferError, aside};

/// Removed when it is dropped before it is whole.
pub(super) struct Making {
    pub(super) file: File,
    /// After the file, which is closed first.
    half: Half,
}

/// What stands under the name of a file that is not whole.
struct Half {
    path: PathBuf,
}

impl Making {
    /// Begins a fresh file for the place `path`.
    pub(super) fn begin(
        path: &Path,
        config: &BufferConfig,
        epochs: &Epochs,
        clock: &Clock,
    ) -> Result<Self, BufferError> {
        aside::clear_fresh(path)?;
        let half = Half { path: path.to_owned() };
        let file = file::try_open(&aside::making_path(path), config, None, Some(epochs), clock)?;
        Ok(Self { file, half })
    }

    /// All that was written is in the file itself and on the disk: its log does not go along.
    pub(super) fn finish(self) -> Result<(), BufferError> {
        // Where something fails the connection is dropped first: some systems remove no file that is open.
        let Self { half, file: File { connection, .. } } = self;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let fold = "PRAGMA wal_checkpoint(TRUNCATE)";
        let (busy, log): (i64, i64) =
            connection.query_row(fold, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if (busy, log) != (0, 0) {
            let found = format!("busy {busy}, {log} pages of the log are left");
            return Err(BufferError::Pragma { name: "wal_checkpoint", found });
        }
        connection.close().map_err(|(_, error)| error)?;
        aside::made(&half.path)
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        // What is left is cleared by the next attempt; once it is whole, there is nothing under this name.
        let _ = aside::clear_half(&self.path);
    }
}
