//! Core: one outcome on its way: where its next part begins, and how large parts are.

use std::ops::Range;
use std::time::Duration;

/// Of one part (proto, `SnapshotPart`).
pub(super) const PART_BYTES_MAX: usize = 64 * 1024;
const PART_BYTES_MIN: usize = 4 * 1024;
/// Known of no line yet.
const PART_BYTES_FIRST: usize = 16 * 1024;
/// What a part may hold up a line for: whatever follows waits behind it. Half the round trip of a modem's
/// line, so that telemetry is late by less than half.
const PART_TIME: Duration = Duration::from_millis(25);
/// Answers in a row that are no progress.
const STALLS_MAX: u32 = 8;

/// What the collector answers makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UploadError {
    #[error("the collector has more than there is")]
    Beyond,
    #[error("the collector keeps nothing")]
    Stalled,
}

/// How much of an outcome of some bytes the collector has.
#[derive(Debug)]
pub(super) struct Upload {
    bytes: usize,
    /// `None` until it has said so.
    next: Option<usize>,
    stalls: u32,
}

impl Upload {
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, next: None, stalls: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.next == Some(self.bytes)
    }

    /// What to send, of at most `size` bytes; nothing is a question.
    pub(super) fn part(&self, size: usize) -> Range<usize> {
        match self.next {
            None => 0..0,
            Some(next) => next..self.bytes.min(next.saturating_add(size)),
        }
    }

    /// The collector has all bytes before `next`. That may be fewer than before: it has lost some.
    pub(super) fn answered(&mut self, next: u64) -> Result<(), UploadError> {
        let next = usize::try_from(next).ok().filter(|next| *next <= self.bytes);
        let next = next.ok_or(UploadError::Beyond)?;
        let is_progress = self.next.is_none_or(|before| next > before);
        self.stalls = if is_progress { 0 } else { self.stalls + 1 };
        self.next = Some(next);
        if self.stalls > STALLS_MAX { Err(UploadError::Stalled) } else { Ok(()) }
    }
}

/// How large parts are, so that none holds up the line for long.
#[derive(Debug)]
pub(super) struct Pace(usize);

impl Default for Pace {
    fn default() -> Self {
        Self(PART_BYTES_FIRST)
    }
}

impl Pace {
    pub(super) fn bytes(&self) -> usize {
        self.0
    }

    /// A part of so many bytes was on the way for so long, the round trip apart. A smaller one than
    /// could have been sent tells nothing.
    pub(super) fn took(&mut self, bytes: usize, time: Duration) {
        if bytes < self.0 {
            return;
        }
        let larger = self.0.saturating_mul(2).min(PART_BYTES_MAX);
        let smaller = (self.0 / 2).max(PART_BYTES_MIN);
        let size = bytes as f64 * PART_TIME.as_secs_f64() / time.as_secs_f64().max(1e-6);
        // Between the two, so it is a number that fits.
        self.0 = size.clamp(smaller as f64, larger as f64) as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_on_where_the_collector_is() {
        let mut upload = Upload::new(100);
        assert_eq!(upload.part(40), 0..0, "it is asked first");
        upload.answered(30).unwrap();
        assert_eq!(upload.part(40), 30..70);
        upload.answered(70).unwrap();
        // It was killed, and had not committed all.
        upload.answered(30).unwrap();
        assert_eq!(upload.part(40), 30..70);
        upload.answered(70).unwrap();
        assert_eq!(upload.part(40), 70..100);
        assert!(!upload.is_done());
        upload.answered(100).unwrap();
        assert!(upload.is_done());
    }

    #[test]
    fn a_collector_that_makes_no_sense_is_given_up() {
        let mut upload = Upload::new(100);
        assert_eq!(upload.answered(101), Err(UploadError::Beyond));
        upload.answered(0).unwrap();
        for _ in 0..STALLS_MAX {
            upload.answered(0).unwrap();
        }
        assert_eq!(upload.answered(0), Err(UploadError::Stalled));
    }

    #[test]
    fn parts_fit_the_line() {
        // Bits a second, and what fits into a fortieth of one.
        for (line, expected) in
            [(32_000, PART_BYTES_MIN), (8_000_000, 25_000), (1_000_000_000, PART_BYTES_MAX)]
        {
            let mut pace = Pace::default();
            for _ in 0..8 {
                let bytes = pace.bytes();
                pace.took(bytes, Duration::from_secs_f64(bytes as f64 * 8.0 / f64::from(line)));
            }
            assert!(pace.bytes().abs_diff(expected) <= 1, "{} at {line} bit/s", pace.bytes());
            let before = pace.bytes();
            pace.took(before - 1, Duration::from_secs(9));
            assert_eq!(pace.bytes(), before, "the last part of an outcome tells nothing");
        }
    }
}
