//! The only place that asks for the time: of the system's clocks, and of the one in `platform`.
//!
//! Cores are handed times; shells take them from a [`Clock`], so that a test can shift or stop
//! time for one part of one process.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::platform;

/// Microseconds since 1970-01-01 00:00 UTC, the unit of every time that is stored or sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub i64);

impl Micros {
    pub const SECOND: i64 = 1_000_000;

    /// The time `duration` later; saturates instead of wrapping.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time `duration` earlier; saturates instead of wrapping.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}us", self.0)
    }
}

/// What the wall clock says, and how it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub wall: Micros,
    /// How far the wall clock is ahead of one that nobody sets, in microseconds. It changes when the wall
    /// clock is set, and not while the host sleeps; by itself it means nothing.
    pub ahead_us: i64,
}

/// Wall clock and monotonic clock. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    /// From where [`Look`]s count.
    started: Duration,
    /// Added to the wall clock, in microseconds; only tests make it other than zero.
    shift_us: Arc<AtomicI64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { started: platform::steady_time(), shift_us: Arc::default() }
    }
}

impl Clock {
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Event time: UTC wall clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> Micros {
        let since_epoch = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Micros(since_epoch.saturating_add(self.shift_us.load(Ordering::Relaxed)))
    }

    /// Scheduling time: never jumps, means nothing outside this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn monotonic(&self) -> Instant {
        Instant::now()
    }

    /// Looks at both clocks. Looks of this clock and its clones can be compared.
    #[must_use]
    pub fn look(&self) -> Look {
        let passed = platform::steady_time().saturating_sub(self.started);
        let wall = self.now();
        Look { wall, ahead_us: wall.before(passed).0 }
    }

    /// Shifts the wall clock of every clone of this clock.
    pub fn shift(&self, by_us: i64) {
        self.shift_us.fetch_add(by_us, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_moves_every_clone() {
        let clock = Clock::system();
        let twin = clock.clone();
        let before = twin.now();
        clock.shift(-3600 * Micros::SECOND);
        assert!(twin.now() < before);
    }

    #[test]
    fn only_setting_the_wall_clock_changes_how_far_it_is_ahead() {
        let clock = Clock::system();
        let (before, again) = (clock.look(), clock.clone().look());
        // The system's own clock may be led meanwhile, but not by minutes.
        assert!(before.ahead_us.abs_diff(again.ahead_us) < 60_000_000);
        clock.shift(-3600 * Micros::SECOND);
        let after = clock.look();
        assert!((after.ahead_us - before.ahead_us).abs_diff(-3_600_000_000) < 60_000_000);
        assert!(after.wall < before.wall);
    }

    #[test]
    fn durations_saturate() {
        assert_eq!(Micros(i64::MAX).after(Duration::from_secs(1)), Micros(i64::MAX));
        assert_eq!(Micros(5).since(Micros(9)), Duration::ZERO);
        assert_eq!(Micros(9).since(Micros(5)), Duration::from_micros(4));
    }
}
