//! A fresh file while it is made, under a name of its own: only one that is whole and on the disk gets the name by
//! which a start takes it for finished.

use std::fs;
use std::path::{Path, PathBuf};

use farwatch_common::clock::Clock;
use farwatch_common::platform;

use super::ballast::Ballast;
use super::epochs::Epochs;
use super::file::{self, File, PAGE_BYTES};
use super::{BufferConfig, BufferError, aside};

/// What is told of a damaged file at the end takes no more than this, beside a full log.
const REST_BYTES: u64 = 2 * 1024 * 1024;

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
        let Self { file: File { connection, .. }, half } = self;
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

/// Room on the disk for the fresh file beside the damaged one.
pub(super) struct Room<'a> {
    config: &'a BufferConfig,
}

impl<'a> Room<'a> {
    /// Makes it where it is short: an older file that was set aside, and what is kept back for this day.
    pub(super) fn make(config: &'a BufferConfig, ruin: &Path) -> Self {
        let room = Self { config };
        let needed = fs::metadata(ruin).map_or(0, |file| file.len()).saturating_add(room.rest());
        if room.free().is_some_and(|free| free < needed) {
            room.give_up();
        }
        room
    }

    /// The rest of the disk belongs to what is told last.
    pub(super) fn is_short(&self) -> bool {
        self.free().is_some_and(|free| free < self.rest())
    }

    /// Gives up all that may go.
    pub(super) fn give_up(&self) {
        // If they stay, what is written next says what is wrong.
        let _ = aside::drop_all(&self.config.dir);
        let _ = Ballast::of(self.config).drop_it();
    }

    /// Pages of the fresh file that may be filled, and those of all of it.
    pub(super) fn pages(&self) -> (i64, i64) {
        let all = self.config.cap_bytes / PAGE_BYTES;
        let rest = file::wal_pages(self.config.cap_bytes);
        (all.saturating_sub(rest).cast_signed(), all.cast_signed())
    }

    fn free(&self) -> Option<u64> {
        platform::volume_free_bytes(&self.config.dir)
    }

    /// The log as it may be, and that once more in the file.
    fn rest(&self) -> u64 {
        2 * file::wal_pages(self.config.cap_bytes) * PAGE_BYTES + REST_BYTES
    }
}
