//! A file that only takes up room: on a full disk SQLite cannot even delete, for want of room in
//! its log, nor empty the log, for want of room in its file. The ballast is dropped then, and built
//! again once there is room.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use super::file;
use crate::platform;

/// What an eviction writes to the log, and some more.
const EVICTION_BYTES: u64 = 1024 * 1024;

/// Building it is tried this often: a nearly full disk must not be written full with every commit.
const BUILD_EVERY: Duration = Duration::from_secs(300);
/// Only while this many times its size is free.
const FREE_TIMES: u64 = 2;

/// For a file of `cap_bytes`: emptying its log takes as much as that holds.
pub(super) fn bytes_for(cap_bytes: u64) -> usize {
    let bytes = file::wal_pages(cap_bytes) * file::PAGE_BYTES + EVICTION_BYTES;
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    bytes: usize,
    /// When building it may be tried again, in monotonic time.
    not_before: Duration,
}

impl Ballast {
    pub(super) fn new(path: PathBuf, bytes: usize) -> Self {
        Self { path, bytes, not_before: Duration::ZERO }
    }

    /// Builds it if it is time for that and there is ample room.
    pub(super) fn keep(&mut self, now: Duration) {
        if self.bytes == 0 || now < self.not_before {
            return;
        }
        self.not_before = now + BUILD_EVERY;
        let free = self.path.parent().and_then(platform::volume_free_bytes);
        if free.is_some_and(|free| free <= FREE_TIMES * self.bytes as u64) || self.build().is_err()
        {
            tracing::debug!("no room for the ballast yet");
        }
    }

    /// Builds it right after it was dropped, in the room that was made for it.
    pub(super) fn again(&self) {
        if self.bytes > 0 && self.build().is_err() {
            tracing::debug!("no room for the ballast yet");
        }
    }

    /// Makes the file if it is not there. Its bytes are not zero, lest a file system leaves them out.
    fn build(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() >= self.bytes as u64) {
            return Ok(());
        }
        let built = fs::File::create(&self.path).and_then(|mut file| {
            let piece: Vec<u8> = (0..64 * 1024u32).map(|at| (at ^ (at >> 7)) as u8 | 1).collect();
            let mut left = self.bytes;
            while left > 0 {
                let length = left.min(piece.len());
                file.write_all(&piece[..length])?;
                left -= length;
            }
            file.sync_all()
        });
        if built.is_err() {
            // Half a ballast would keep what little room there is.
            let _ = fs::remove_file(&self.path);
        }
        built
    }

    pub(super) fn drop_it(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
