//! Room on the disk for a fresh file beside a damaged one.

use std::fs;
use std::path::Path;

use farwatch_common::platform;

use super::ballast::Ballast;
use super::file::{self, PAGE_BYTES};
use super::{BufferConfig, aside};

/// What is told of a damaged file at the end takes no more than this, beside a full log.
const REST_BYTES: u64 = 2 * 1024 * 1024;

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
