//! Core: time as the cores of this stage know it, and a device's places in it. Every device has one
//! place in its interval, so that many are spread evenly and a restart keeps the place of each.
//!
//! [`timeline`] is what the shells have in common: it tells the cores the time and wakes them up.

pub(super) mod timeline;

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;

/// Shortest interval, so that a schedule can be computed.
const INTERVAL_US_MIN: u64 = 1000;
/// A device whose host name has no address yet is not called unreachable before this.
const RESOLVE_GRACE_US: u64 = 5_000_000;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Never jumps back. Its scale begins at the wall time the core was started at, so that a
    /// restart keeps every device's place in the interval.
    pub mono_us: u64,
    /// Event time.
    pub wall: Micros,
}

/// Who has the places. Each asker has places of its own in a device's interval, so that its echo
/// requests are seldom on the way together with its questions; nothing keeps them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Snmp = 0,
    Ping = 1,
}

/// A device's places in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The device's stable share of any span, in 2^-64 of it.
    share: u64,
    interval_us: u64,
    due_us: u64,
}

impl Schedule {
    /// The first place comes within a span of now, but not before a host name is looked up.
    pub(super) fn new(
        (asker, device): (Asker, DeviceId),
        interval: Duration,
        (within, has_address): (Duration, bool),
        now_us: u64,
    ) -> Self {
        let interval_us = interval_us(interval);
        let share = mix(device.0.cast_unsigned() ^ (asker as u64) << 63);
        let grace_us = if has_address { 0 } else { RESOLVE_GRACE_US };
        let first_us = part(share, interval_us.min(micros(within)));
        Self { share, interval_us, due_us: now_us + grace_us + first_us }
    }

    pub(super) fn interval_us(&self) -> u64 {
        self.interval_us
    }

    /// The place that comes or is being used.
    pub(super) fn due_us(&self) -> u64 {
        self.due_us
    }

    /// Brings the next place forward.
    pub(super) fn hurry(&mut self, now_us: u64) {
        self.due_us = self.due_us.min(now_us);
    }

    /// Moves on to the next place after `now_us`; returns how many were skipped. One that is still to
    /// come stays.
    pub(super) fn advance(&mut self, now_us: u64) -> u64 {
        if self.due_us > now_us {
            return 0;
        }
        let interval_us = self.interval_us;
        // The very first place lies off the grid; the second keeps half an interval's distance.
        let after = now_us.max(self.due_us + interval_us / 2);
        let offset = part(self.share, interval_us);
        let next = (after + interval_us - offset) / interval_us * interval_us + offset;
        let passed = (next - self.due_us + interval_us / 2) / interval_us;
        self.due_us = next;
        passed.saturating_sub(1)
    }
}

fn part(share: u64, span_us: u64) -> u64 {
    u64::try_from((u128::from(share) * u128::from(span_us)) >> 64).unwrap_or(0)
}

/// Microseconds of an interval that a schedule can be computed of.
pub(super) fn interval_us(interval: Duration) -> u64 {
    micros(interval).max(INTERVAL_US_MIN)
}

/// Microseconds of a duration that is no longer than some years.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// splitmix64's finisher.
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_US: u64 = 1_800_000_000_000_000;
    const INTERVAL: Duration = Duration::from_secs(10);

    fn schedule(asker: Asker, device: i64) -> Schedule {
        let first = (Duration::from_secs(5), true);
        Schedule::new((asker, DeviceId(device)), INTERVAL, first, NOW_US)
    }

    #[test]
    fn a_device_keeps_its_place_whenever_the_agent_is_started() {
        for device in 0..100 {
            let mut early = schedule(Asker::Snmp, device);
            let first = (Duration::ZERO, true);
            let later = NOW_US + 123_456_789;
            let mut late = Schedule::new((Asker::Snmp, DeviceId(device)), INTERVAL, first, later);
            early.advance(later + micros(INTERVAL));
            late.advance(later + micros(INTERVAL));
            assert_eq!(early.due_us(), late.due_us());
        }
    }

    #[test]
    fn devices_and_askers_are_spread() {
        for asker in [Asker::Snmp, Asker::Ping] {
            let mut tenths = [0; 10];
            for device in 0..1000 {
                let mut schedule = schedule(asker, device);
                schedule.advance(schedule.due_us());
                tenths[(schedule.due_us() % micros(INTERVAL) / 1_000_000) as usize] += 1;
            }
            assert!(tenths.iter().all(|devices| (60..140).contains(devices)), "{tenths:?}");
        }
        let apart = |device| {
            let due = |asker| schedule(asker, device).due_us();
            due(Asker::Snmp).abs_diff(due(Asker::Ping))
        };
        assert!((0..1000).filter(|device| apart(*device) > 100_000).count() > 900);
    }

    #[test]
    fn skipped_places_are_counted_and_one_to_come_stays() {
        let mut schedule = schedule(Asker::Snmp, 7);
        let first = schedule.due_us();
        assert_eq!((schedule.advance(first - 1), schedule.due_us()), (0, first));
        assert_eq!(schedule.advance(first), 0);
        let second = schedule.due_us();
        assert!((second - first) * 2 >= micros(INTERVAL));
        assert_eq!(schedule.advance(second + 3 * micros(INTERVAL) + 1), 3);
        assert_eq!(schedule.due_us(), second + 4 * micros(INTERVAL));
    }

    #[test]
    fn a_name_is_given_time_to_be_looked_up() {
        let first = (Duration::ZERO, false);
        let mut schedule = Schedule::new((Asker::Ping, DeviceId(1)), Duration::ZERO, first, NOW_US);
        assert_eq!(schedule.due_us(), NOW_US + RESOLVE_GRACE_US);
        assert_eq!(schedule.interval_us(), INTERVAL_US_MIN);
        schedule.hurry(NOW_US);
        assert_eq!(schedule.due_us(), NOW_US);
    }
}
