//! Core: who may send, by how full the queue in front of the writer is (contract G12).
//!
//! The backlog is told to wait before live batches feel anything, and is let in again only once
//! there is plenty of room: without that distance every agent would be told twice a second.

use std::time::Duration;

/// The backlog waits once either lane is so full, in percent, ...
const BACKLOG_CLOSES: usize = 80;
/// ... until both are emptier than this.
const BACKLOG_OPENS: usize = 60;
/// Live batches wait once their lane is so full, until it is no fuller than where the backlog waits.
const LIVE_CLOSES: usize = 95;
/// Who waits asks again after this at the earliest, if nothing tells them before.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// ... and after this at the latest.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What agents may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Admission {
    #[default]
    Open,
    /// The backlog waits.
    LiveOnly,
    Closed,
}

/// How full the lanes of the queue are, in percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    pub live: usize,
    pub backlog: usize,
}

impl Admission {
    /// What it is once the queue is so full.
    #[must_use]
    pub fn at(self, fill: Fill) -> Self {
        let live_waits = match self {
            Self::Closed => fill.live > BACKLOG_CLOSES,
            Self::Open | Self::LiveOnly => fill.live >= LIVE_CLOSES,
        };
        if live_waits {
            return Self::Closed;
        }
        let fullest = fill.live.max(fill.backlog);
        let backlog_waits = match self {
            Self::Open => fullest >= BACKLOG_CLOSES,
            Self::LiveOnly | Self::Closed => fullest > BACKLOG_OPENS,
        };
        if backlog_waits { Self::LiveOnly } else { Self::Open }
    }
}

/// When who waits may ask again; `random` is an even draw from 0.0 to 1.0, so that agents that were
/// told together do not ask together.
#[must_use]
pub fn retry_after(random: f64) -> Duration {
    RETRY_MIN + (RETRY_MAX - RETRY_MIN).mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_waits_first_and_comes_back_only_once_there_is_plenty_of_room() {
        let mut now = Admission::default();
        let steps = [
            ((0, 79), Admission::Open),
            ((0, 80), Admission::LiveOnly),
            ((0, 61), Admission::LiveOnly),
            ((0, 60), Admission::Open),
            ((80, 0), Admission::LiveOnly),
            ((94, 100), Admission::LiveOnly),
            ((95, 0), Admission::Closed),
            ((81, 0), Admission::Closed),
            ((80, 0), Admission::LiveOnly),
            ((95, 100), Admission::Closed),
            ((60, 60), Admission::Open),
            ((100, 0), Admission::Closed),
        ];
        for (at, ((live, backlog), expected)) in steps.into_iter().enumerate() {
            now = now.at(Fill { live, backlog });
            assert_eq!(now, expected, "step {at}");
        }
    }

    #[test]
    fn those_who_wait_are_spread_over_seconds() {
        assert_eq!([0.0, 0.5, 1.0].map(|at| retry_after(at).as_millis()), [1000, 3000, 5000]);
    }
}
