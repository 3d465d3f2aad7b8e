//! How far back what waits reaches, in a few bytes beside the file. Of a file that cannot be read, what is
//! lost is declared from then on: up to five minutes too early, never too late.

use std::path::{Path, PathBuf};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::file::{read_if_present, write_private};
use serde::{Deserialize, Serialize};

use super::epochs::{Epoch, MOVED_MIN_US, Offset, STEP_MIN_US};
use super::order::{chunk, chunk_start};

const FILE_NAME: &str = "buffer.since";
/// After a failure: it is looked at with every commit.
const AGAIN: Duration = Duration::from_secs(60);

/// What stands in the file: a time, and by which clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Marker {
    oldest_us: i64,
    process: i64,
    ahead_us: i64,
    offset: Option<(i64, u32)>,
}

impl Marker {
    fn new(oldest: Micros, by: &Epoch) -> Self {
        let offset = by.offset.map(|offset| (offset.us, offset.error_us));
        let oldest_us = chunk_start(chunk(oldest)).0;
        Self { oldest_us, process: by.process, ahead_us: by.ahead_us, offset }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        let near = |one: i64, other: i64, most: i64| one.abs_diff(other) <= most.unsigned_abs();
        self.oldest_us == other.oldest_us
            && self.process == other.process
            && near(self.ahead_us, other.ahead_us, STEP_MIN_US)
            && match (self.offset, other.offset) {
                (Some((one, _)), Some((other, _))) => near(one, other, MOVED_MIN_US),
                (one, other) => one == other,
            }
    }
}

/// What was written last.
#[derive(Debug)]
pub(super) struct Since {
    path: PathBuf,
    written: Option<Marker>,
    /// When to try again after a failure, in monotonic time.
    not_before: Duration,
}

impl Since {
    #[must_use]
    pub(super) fn new(dir: &Path) -> Self {
        Self { path: dir.join(FILE_NAME), written: None, not_before: Duration::ZERO }
    }

    /// `oldest` is of what the file holds and has to tell, or now, by this clock. Costs a write each five
    /// minutes.
    pub(super) fn keep(&mut self, oldest: Micros, by: &Epoch, now: Duration) {
        let marker = Marker::new(oldest, by);
        let is_known = self.written.is_some_and(|written| written.says_the_same(&marker));
        if is_known || now < self.not_before {
            return;
        }
        // A disk that takes nothing keeps what was there, which is most often older.
        let text = serde_json::to_vec(&marker).unwrap_or_default();
        if write_private(&self.path, &text).is_ok() {
            self.written = Some(marker);
        } else {
            self.not_before = now + AGAIN;
        }
    }
}

/// What is beside the file in `dir`, if it can be read: a time, and the clock that it is by.
#[must_use]
pub(super) fn read(dir: &Path) -> Option<(Micros, Epoch)> {
    let bytes = read_if_present(&dir.join(FILE_NAME)).ok()??;
    let Marker { oldest_us, process, ahead_us, offset } = serde_json::from_slice(&bytes).ok()?;
    let (at, offset) = (Micros(oldest_us), offset.map(|(us, error_us)| Offset { us, error_us }));
    Some((at, Epoch { process, began: at, ahead_us, offset }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_back_to_the_oldest_and_is_written_when_that_or_the_clock_moves() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        let minute = 60 * Micros::SECOND;
        let mut since = Since::new(dir.path());
        let mut by = Epoch { process: 1, began: Micros(0), ahead_us: 7, offset: None };
        for (oldest, told) in [(61, 60), (63, 60), (65, 65), (58, 55)] {
            since.keep(Micros(oldest * minute), &by, Duration::ZERO);
            let at = Micros(told * minute);
            assert_eq!(read(dir.path()), Some((at, Epoch { began: at, ..by })));
        }
        let offset = |us| Some(Offset { us, error_us: 5 });
        for (now, written) in [(0, true), (MOVED_MIN_US, false), (MOVED_MIN_US + 1, true)] {
            by.offset = offset(now);
            since.keep(Micros(58 * minute), &by, Duration::ZERO);
            let told = read(dir.path()).unwrap().1.offset;
            assert_eq!(told == by.offset, written, "{told:?}");
        }
        std::fs::write(dir.path().join(FILE_NAME), "soon").unwrap();
        assert_eq!(read(dir.path()), None);
    }
}
