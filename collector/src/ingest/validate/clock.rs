//! Core: times of an agent whose clock is wrong.

use farwatch_common::clock::Micros;

/// Below it times are kept as they are: networks and polls are late by as much.
const AS_IS_US: u64 = 60 * Micros::SECOND.unsigned_abs();
/// Once they are corrected they are until the clock is as right as clocks are: a clock that is set right
/// slowly passes the minute, and times would jump by it.
const RIGHT_US: u64 = 2 * Micros::SECOND.unsigned_abs();
/// No clock is more wrong, in microseconds; what says so is no measurement.
const OFFSET_US_MAX: u64 = 100 * 366 * 24 * 3600 * Micros::SECOND.unsigned_abs();

pub(super) fn is_offset(offset_us: i64) -> bool {
    offset_us.unsigned_abs() <= OFFSET_US_MAX
}

/// Whether the times of an agent are to be corrected, as its clock is off by so much now; `before`: whether
/// they were.
pub(crate) fn is_corrected(before: bool, offset_us: i64) -> bool {
    let off = offset_us.unsigned_abs();
    off > AS_IS_US || (before && off > RIGHT_US)
}

/// What is added to the times of a batch with this offset, in microseconds; `corrected`: those of its agent
/// are corrected.
pub(super) fn shift(offset_us: Option<i64>, corrected: bool) -> i64 {
    offset_us.filter(|offset| is_corrected(corrected, *offset)).unwrap_or(0)
}

pub(super) fn shifted(at: Micros, shift_us: i64) -> Micros {
    Micros(at.0.saturating_add(shift_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_let_be_and_more_is_corrected() {
        let minute = 60 * Micros::SECOND;
        for (offset, expected) in [
            (None, 0),
            (Some(minute), 0),
            (Some(-minute), 0),
            (Some(minute + 1), minute + 1),
            (Some(-2 * minute), -2 * minute),
        ] {
            assert_eq!(shift(offset, false), expected, "{offset:?}");
        }
        assert!(is_offset(-i64::from(u32::MAX)) && !is_offset(i64::MIN) && !is_offset(i64::MAX));
        assert_eq!(shifted(Micros(i64::MAX), 5), Micros(i64::MAX));
    }

    #[test]
    fn a_clock_that_is_set_right_slowly_makes_times_jump_by_seconds_at_most() {
        let second = Micros::SECOND;
        let mut corrected = false;
        let mut before: Option<i64> = None;
        // What it is off by is told each second, and so is what it polled just then.
        for at in 0..400 {
            let offset = (180 - at / 2) * second;
            corrected = is_corrected(corrected, offset);
            let stored = at * second - offset + shift(Some(offset), corrected);
            if let Some(before) = before {
                assert!((stored - before - second).abs() <= 4 * second, "at {at}");
            }
            before = Some(stored);
            let wanted = offset.abs() > 2 * second && at < 356 || offset.abs() > 60 * second;
            assert_eq!(corrected, wanted, "at {at}");
        }
        assert!(!corrected);
        // One that drifts is let be until it is off by a minute.
        let told = [2, 59, 61, 59, 3, 2, 59].map(|offset| {
            corrected = is_corrected(corrected, -offset * second);
            corrected
        });
        assert_eq!(told, [false, false, true, true, true, false, false]);
    }
}
