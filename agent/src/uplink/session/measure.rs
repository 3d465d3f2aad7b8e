//! Core: how far the collector's clock is ahead, of a question and its answer.
//!
//! The form of NTP (RFC 5905 §8): two times of ours around two of theirs. What the road took is no
//! part of it, but for the difference between the way there and the way back, which is at most half of
//! the round trip.

use farwatch_common::clock::{Look, Micros};

use crate::buffer::{Measured, STEP_MIN_US};

/// What took longer tells nothing: this host may have slept before it read the answer.
const ROAD_MAX_US: i64 = 10 * Micros::SECOND;

/// Of a question that left at `asked` and was answered by `now`; `received` and `sent` are the
/// collector's times. `None` if our clock was set in between: the four times do not fit together.
#[must_use]
pub(super) fn measure(
    asked: Look,
    (received, sent): (Micros, Micros),
    now: Look,
) -> Option<Measured> {
    if now.ahead_us.saturating_sub(asked.ahead_us).saturating_abs() > STEP_MIN_US {
        return None;
    }
    let there_us = received.0.saturating_sub(asked.wall.0);
    let back_us = sent.0.saturating_sub(now.wall.0);
    let road_us = there_us.saturating_sub(back_us).max(0);
    if road_us > ROAD_MAX_US {
        return None;
    }
    Some(Measured {
        ahead_us: now.ahead_us,
        offset_us: there_us.saturating_add(back_us) / 2,
        error_us: u32::try_from(road_us / 2).unwrap_or(u32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(wall: i64, ahead_us: i64) -> Look {
        Look { wall: Micros(wall), ahead_us }
    }

    #[test]
    fn what_the_road_takes_is_half_of_the_error_and_no_part_of_the_offset() {
        // (way there, time at the collector, way back), the collector being ahead.
        for ahead in [0, 5_000_000, -3_600_000_000] {
            for (there, held, back) in [(100, 0, 100), (100, 70_000, 100), (90_000, 5, 10_000)] {
                let received = 1_000_000 + there + ahead;
                let now = 1_000_000 + there + held + back;
                let times = (Micros(received), Micros(received + held));
                let found = measure(look(1_000_000, 7), times, look(now, 7)).unwrap();
                assert_eq!((found.ahead_us, i64::from(found.error_us)), (7, (there + back) / 2));
                assert!((found.offset_us - ahead).abs() <= i64::from(found.error_us));
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_meanwhile_is_not_measured() {
        let times = (Micros(1_000_100), Micros(1_000_100));
        let asked = look(1_000_000, 0);
        assert!(measure(asked, times, look(1_000_200, STEP_MIN_US)).is_some());
        assert_eq!(measure(asked, times, look(4_000_200, STEP_MIN_US + 1)), None);
        assert_eq!(measure(asked, times, look(-4_000_200, -STEP_MIN_US - 1)), None);
    }

    #[test]
    fn an_answer_that_waited_for_a_host_to_wake_up_tells_nothing() {
        let answered = (Micros(1_000_100), Micros(1_000_100));
        let read_after =
            |sleep_us| measure(look(1_000_000, 0), answered, look(1_000_200 + sleep_us, 0));
        assert!(read_after(9 * Micros::SECOND).is_some());
        assert_eq!(read_after(3600 * Micros::SECOND), None);
    }

    #[test]
    fn times_out_of_this_world_are_taken_for_what_they_say() {
        let far = (Micros(i64::MIN), Micros(i64::MAX));
        let found = measure(look(0, 0), far, look(1, 0)).unwrap();
        assert_eq!(found.error_us, 0);
    }
}
