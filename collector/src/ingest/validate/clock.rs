//! Core: times of an agent whose clock is wrong.

use farwatch_common::clock::Micros;

/// Below it times are kept as they are: networks and polls are late by as much.
const AS_IS_US: u64 = 60 * Micros::SECOND.unsigned_abs();
/// No clock is more wrong, in microseconds; what says so is no measurement.
const OFFSET_US_MAX: u64 = 100 * 366 * 24 * 3600 * Micros::SECOND.unsigned_abs();

pub(super) fn is_offset(offset_us: i64) -> bool {
    offset_us.unsigned_abs() <= OFFSET_US_MAX
}

/// What is added to the times of a batch with this offset, in microseconds.
pub(super) fn shift(offset_us: Option<i64>) -> i64 {
    offset_us.filter(|offset| offset.unsigned_abs() > AS_IS_US).unwrap_or(0)
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
            assert_eq!(shift(offset), expected, "{offset:?}");
        }
        assert!(is_offset(-i64::from(u32::MAX)) && !is_offset(i64::MIN) && !is_offset(i64::MAX));
        assert_eq!(shifted(Micros(i64::MAX), 5), Micros(i64::MAX));
    }
}
