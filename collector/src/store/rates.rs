//! Core: from counters to rates.
//!
//! A counter is stored raw. What it rose by between two polls is told on read, and is nothing at
//! all rather than a spike when the device was restarted in between.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::MetricKind;

/// More per second than any counter of a real port: 4 Tbit/s in bytes, a bundle of 400G links.
const RATE_PLAUSIBLE_MAX: f64 = 5e11;
/// A wrap of 32 bits is believed if the counter moved by at most half its range.
const WRAP_INCREASE_MAX: u64 = 1 << 31;
/// sysUpTime (hundredths of a second in 32 bits) wraps after 497 days; tolerance for that moment.
const UPTIME_WRAP: Duration = Duration::from_millis((1 << 32) * 10);
const UPTIME_SLACK: Duration = Duration::from_secs(300);
/// Nothing runs for longer: what says so lies, and is not believed.
const UPTIME_MAX: Duration = Duration::from_secs(100 * 366 * 86_400);

/// One reading of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub at: Micros,
    pub raw: i64,
}

/// What a counter rose by from `before` to `after`; `None` if nobody can tell.
#[must_use]
pub fn increase(kind: MetricKind, before: Reading, after: Reading) -> Option<f64> {
    let seconds = seconds_between(before.at, after.at)?;
    let (old, new) = (before.raw.cast_unsigned(), after.raw.cast_unsigned());
    let rose = if new >= old {
        new - old
    } else {
        // Otherwise it was cleared or belongs to something else: a gap, never a spike.
        wrap(kind, old, new)?
    };
    let rose = as_f64(rose);
    (rose / seconds <= RATE_PLAUSIBLE_MAX).then_some(rose)
}

/// A fall that no wrap explains: at least this counter was cleared.
#[must_use]
pub fn is_reset(kind: MetricKind, old: i64, new: i64) -> bool {
    let (old, new) = (old.cast_unsigned(), new.cast_unsigned());
    new < old && wrap(kind, old, new).is_none()
}

fn wrap(kind: MetricKind, old: u64, new: u64) -> Option<u64> {
    let wrapped = (1u64 << 32).checked_sub(old)?.saturating_add(new);
    (kind == MetricKind::Counter32 && wrapped <= WRAP_INCREASE_MAX).then_some(wrapped)
}

/// The time between two readings; `None` unless it passed.
#[must_use]
pub fn seconds_between(before: Micros, after: Micros) -> Option<f64> {
    let passed = after.since(before);
    (!passed.is_zero()).then_some(passed.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "rates are not exact to the last packet")]
fn as_f64(value: u64) -> f64 {
    value as f64
}

/// Watches the uptime of a device for restarts. Times have to rise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uptime {
    last: Option<(Micros, Duration)>,
}

impl Uptime {
    /// Takes what the device said; the time it was started if that was since the last call.
    pub fn observe(&mut self, at: Micros, uptime: Duration) -> Option<Micros> {
        if uptime > UPTIME_MAX {
            return None;
        }
        let before = self.last.replace((at, uptime));
        let (before_at, before) = before?;
        if uptime >= before {
            return None;
        }
        let expected = before.saturating_add(at.since(before_at));
        let wrapped = expected
            .checked_sub(UPTIME_WRAP)
            .is_some_and(|rest| rest.abs_diff(uptime) < UPTIME_SLACK);
        (!wrapped).then(|| at.before(uptime))
    }

    /// The last value that was observed.
    #[must_use]
    pub fn last(&self) -> Option<(Micros, Duration)> {
        self.last
    }
}

/// A gauge's raw value in its unit.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "gauges have few digits")]
pub fn scaled(raw: i64, exponent: i8) -> f64 {
    // Dividing keeps 12.34 exact where multiplying by 0.01 would not.
    if exponent < 0 {
        raw as f64 / 10f64.powi(-i32::from(exponent))
    } else {
        raw as f64 * 10f64.powi(i32::from(exponent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: MetricKind, old: u64, new: u64, expected: Option<f64>) {
        let reading = |second, raw: u64| Reading {
            at: Micros(second * Micros::SECOND),
            raw: raw.cast_signed(),
        };
        assert_eq!(increase(kind, reading(0, old), reading(60, new)), expected, "{old} {new}");
    }

    #[test]
    fn counters_rise_wrap_and_reset() {
        use MetricKind::{Counter32, Counter64};
        check(Counter64, 100, 160, Some(60.0));
        check(Counter64, 5, 5, Some(0.0));
        check(Counter64, u64::MAX - 1, u64::MAX, Some(1.0));
        check(Counter32, (1 << 32) - 10, 20, Some(30.0));
        // Too long a way to be a wrap: cleared.
        check(Counter32, 1000, 20, None);
        check(Counter64, (1 << 32) - 10, 20, None);
        check(Counter64, 1 << 40, 1 << 39, None);
        // A bundle of eight 400G links at its limit.
        check(Counter64, 0, 60 * 400_000_000_000, Some(24e12));
        // A jump to another source of numbers is not traffic.
        check(Counter64, 1, 1 << 60, None);
        check(Counter64, 1 << 61, 1 << 60, None);
    }

    #[test]
    fn no_time_no_rate() {
        let reading = Reading { at: Micros(5), raw: 1 };
        assert_eq!(increase(MetricKind::Counter64, reading, reading), None);
    }

    #[test]
    fn a_restart_is_told_from_the_wrap_of_the_uptime() {
        let second = |s: u64| Micros(i64::try_from(s).unwrap() * Micros::SECOND);
        let mut uptime = Uptime::default();
        assert_eq!(uptime.observe(second(1000), Duration::from_secs(500)), None);
        assert_eq!(uptime.observe(second(1060), Duration::from_secs(560)), None);
        assert_eq!(uptime.observe(second(1120), Duration::from_secs(20)), Some(second(1100)));
        let mut uptime = Uptime::default();
        uptime.observe(second(1000), UPTIME_WRAP - Duration::from_secs(30));
        assert_eq!(uptime.observe(second(1060), Duration::from_secs(30)), None);
    }

    #[test]
    fn an_uptime_that_cannot_be_is_ignored() {
        let mut uptime = Uptime::default();
        assert_eq!(uptime.observe(Micros(0), Duration::MAX), None);
        assert_eq!(uptime.last(), None);
        assert_eq!(uptime.observe(Micros(0), UPTIME_MAX), None);
        assert_eq!(uptime.observe(Micros(i64::MAX), Duration::MAX), None);
        let booted = uptime.observe(Micros(i64::MAX), Duration::from_secs(1));
        assert_eq!(booted, Some(Micros(i64::MAX - Micros::SECOND)));
        assert_eq!(uptime.observe(Micros(i64::MIN), Duration::ZERO), Some(Micros(i64::MIN)));
    }

    #[test]
    fn gauges_are_scaled() {
        assert_eq!(scaled(1234, -2).to_string(), "12.34");
        assert_eq!(scaled(-3, 2).to_string(), "-300");
    }
}
