//! The buffer's ballast: how large it is, and when it is built again.

use std::path::PathBuf;
use std::time::Duration;

use farwatch_common::ballast;

use super::{BufferConfig, file};

const FILE_NAME: &str = "buffer.ballast";
/// What an eviction writes to the log, and some more.
const EVICTION_BYTES: u64 = 1024 * 1024;

/// Building it is tried this often: a nearly full disk must not be written full with every commit.
const BUILD_EVERY: Duration = Duration::from_secs(300);

/// For a file of `cap_bytes`: emptying its log takes as much as that holds.
pub(super) fn bytes_for(cap_bytes: u64) -> usize {
    let bytes = file::wal_pages(cap_bytes) * file::PAGE_BYTES + EVICTION_BYTES;
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[derive(Debug)]
pub(super) struct Ballast {
    file: ballast::Ballast,
    /// When building it may be tried again, in monotonic time.
    not_before: Duration,
}

impl Ballast {
    fn new(path: PathBuf, bytes: usize) -> Self {
        Self { file: ballast::Ballast::new(path, bytes as u64), not_before: Duration::ZERO }
    }

    /// That of a buffer.
    pub(super) fn of(config: &BufferConfig) -> Self {
        Self::new(config.dir.join(FILE_NAME), config.ballast_bytes)
    }

    /// Builds it if it is time for that and there is ample room.
    pub(super) fn keep(&mut self, now: Duration) {
        if now < self.not_before {
            return;
        }
        self.not_before = now + BUILD_EVERY;
        said(self.file.keep());
    }

    /// Builds it right after it was dropped, in the room that was made for it.
    pub(super) fn again(&self) {
        said(self.file.again());
    }

    pub(super) fn drop_it(&self) -> std::io::Result<()> {
        self.file.drop_it()
    }
}

fn said(stands: bool) {
    if !stands {
        tracing::debug!("no room for the ballast yet");
    }
}
