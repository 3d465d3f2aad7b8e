//! Core: which batch goes first (contract G9).
//!
//! Live batches before the backlog; the backlog newest chunk of five minutes first and oldest
//! first inside a chunk; state changes before bulk. Where the clock was set between two, what came
//! later is newer, whatever its clock said. The file has an index by
//! epoch and chunk, so that the next batch is found by the numbers of one chunk.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Class;

/// Younger batches are live: they show what is, the others what was.
pub const LIVE_AGE_MAX: Duration = Duration::from_secs(120);
const CHUNK_US: i64 = 300 * Micros::SECOND;

/// Live batches have strict priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Live,
    Backlog,
}

/// What places a batch in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub seq: u64,
    /// Of the clock that its times are by.
    pub epoch: u64,
    pub class: Class,
    pub t_min: Micros,
    pub t_max: Micros,
}

/// The five minutes a batch belongs to.
#[must_use]
pub fn chunk(t_min: Micros) -> i64 {
    t_min.0.div_euclid(CHUNK_US)
}

/// When those five minutes begin.
#[must_use]
pub fn chunk_start(chunk: i64) -> Micros {
    Micros(chunk.saturating_mul(CHUNK_US))
}

/// Bulk waits for state changes of the same chunk.
#[must_use]
pub fn is_bulk(class: Class) -> bool {
    class >= Class::Gauges
}

/// Batches whose last sample is not older than this are live.
#[must_use]
pub fn live_since(now: Micros) -> Micros {
    now.before(LIVE_AGE_MAX)
}

/// A lower key goes first; `now` is by the clock of the place's epoch.
#[must_use]
pub fn key(place: &Place, now: Micros) -> (Lane, i64, i64, bool, u64) {
    let (chunk, bulk) = (chunk(place.t_min), is_bulk(place.class));
    let epoch = place.epoch.cast_signed();
    if place.t_max >= live_since(now) {
        (Lane::Live, epoch, chunk, bulk, place.seq)
    } else {
        (Lane::Backlog, -epoch, -chunk, bulk, place.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_then_newest_chunk_then_state_changes_then_oldest() {
        let minute = 60 * Micros::SECOND;
        let now = Micros(100 * minute);
        let place = |seq, class, minutes_ago: i64| Place {
            seq,
            epoch: 1 + u64::from(minutes_ago < 50),
            class,
            t_min: Micros(now.0 - minutes_ago * minute),
            t_max: Micros(now.0 - minutes_ago * minute),
        };
        let mut places = [
            place(1, Class::Counters, 50),
            place(2, Class::Events, 50),
            place(3, Class::Counters, 49),
            place(4, Class::Counters, 9),
            place(5, Class::Counters, 8),
            place(6, Class::Counters, 1),
            place(7, Class::Counters, 0),
        ];
        places.sort_by_key(|place| key(place, now));
        assert_eq!(places.map(|place| place.seq), [6, 7, 4, 5, 3, 2, 1]);
    }
}
