//! Core: one burst of echo requests and what its answers say.

use std::net::SocketAddr;
use std::time::Duration;

use farwatch_common::sample::Cause;

use crate::poll::pace::micros;

/// Echo requests of a burst: enough that one lost is not a fifth of the truth, few for a radio link.
pub const ECHOES: usize = 5;
/// Between two of them, where the interval has room.
const GAP: Duration = Duration::from_millis(200);
/// An answer that takes longer is lost, where the interval has room.
const WAIT: Duration = Duration::from_secs(2);

/// How fast a burst goes. A whole burst takes at most nine tenths of the interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) gap_us: u64,
    /// After the last request.
    pub(super) wait_us: u64,
}

impl Pace {
    pub(super) fn of(interval_us: u64) -> Self {
        let gap_us = micros(GAP).min(interval_us / 10);
        let rest = (interval_us / 10 * 9).saturating_sub(gap_us * (ECHOES as u64 - 1));
        Self { gap_us, wait_us: micros(WAIT).min(rest) }
    }
}

/// An echo request and its answer.
#[derive(Clone, Copy, Debug)]
struct Asked {
    sequence: u16,
    at_us: u64,
    is_sent: bool,
    /// Nothing will come of it.
    is_over: bool,
    rtt_us: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Burst {
    pub(super) to: SocketAddr,
    pub(super) token: u64,
    /// Waits for its turn to send.
    pub(super) is_queued: bool,
    asked: Vec<Asked>,
    cause: Option<Cause>,
}

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    First,
    /// Answered before, or never asked.
    Stray,
}

impl Burst {
    pub(super) fn new(to: SocketAddr, token: u64) -> Self {
        let asked = Vec::with_capacity(ECHOES);
        Self { to, token, is_queued: false, asked, cause: None }
    }

    pub(super) fn is_all_asked(&self) -> bool {
        self.asked.len() == ECHOES
    }

    /// Every request is sent and answered: nothing is left to wait for.
    pub(super) fn is_complete(&self) -> bool {
        self.is_all_asked() && self.asked.iter().all(|one| one.rtt_us.is_some() || one.is_over)
    }

    pub(super) fn ask(&mut self, sequence: u16, at_us: u64) {
        self.asked.push(Asked { sequence, at_us, is_sent: true, is_over: false, rtt_us: None });
    }

    /// The last one is about to leave.
    pub(super) fn departs(&mut self, at_us: u64) {
        if let Some(last) = self.asked.last_mut() {
            last.at_us = at_us;
        }
    }

    /// The last one could not be sent.
    pub(super) fn is_unsendable(&mut self, cause: Cause) {
        if let Some(last) = self.asked.last_mut() {
            last.is_sent = false;
            last.is_over = true;
        }
        self.cause = Some(cause);
    }

    /// The last one was turned down, as there is no way: it is lost.
    pub(super) fn is_turned_down(&mut self) {
        if let Some(last) = self.asked.last_mut() {
            last.is_over = true;
        }
        self.cause = Some(Cause::Unreachable);
    }

    pub(super) fn answered(&mut self, sequence: u16, at_us: u64) -> Answer {
        match self.asked.iter_mut().find(|one| one.sequence == sequence && one.is_sent) {
            Some(one) if one.rtt_us.is_none() => {
                one.rtt_us = Some(at_us.saturating_sub(one.at_us));
                Answer::First
            }
            _ => Answer::Stray,
        }
    }

    /// The network says that one of them did not arrive.
    pub(super) fn returned(&mut self, sequence: u16) -> Answer {
        if self.asked.iter().any(|one| one.sequence == sequence) {
            self.cause = Some(Cause::Unreachable);
            return Answer::First;
        }
        Answer::Stray
    }

    pub(super) fn outcome(&self) -> Outcome {
        let times: Vec<u64> = self.asked.iter().filter_map(|one| one.rtt_us).collect();
        let sent = self.asked.iter().filter(|one| one.is_sent).count();
        let cause = self.cause.filter(|_| times.is_empty());
        Outcome { cause, sent: sent as u64, ..Outcome::of(&times) }
    }
}

/// What a burst says. Times are microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::poll::ping) struct Outcome {
    /// Why there was no answer, if something told.
    pub(in crate::poll::ping) cause: Option<Cause>,
    pub(in crate::poll::ping) sent: u64,
    pub(in crate::poll::ping) received: u64,
    pub(in crate::poll::ping) mean: Option<u64>,
    pub(in crate::poll::ping) min: Option<u64>,
    pub(in crate::poll::ping) max: Option<u64>,
    /// Mean difference of one answer's time to the next one's (RFC 3550 without its smoothing).
    pub(in crate::poll::ping) jitter: Option<u64>,
}

impl Outcome {
    pub(in crate::poll::ping) fn nothing(cause: Cause) -> Self {
        Self { cause: Some(cause), ..Self::default() }
    }

    /// Times of the answers, in the order of the requests.
    fn of(times: &[u64]) -> Self {
        let mean = |sum: u64, number: usize| sum.checked_div(number as u64);
        let differences = times.iter().zip(times.iter().skip(1)).map(|(a, b)| a.abs_diff(*b));
        Self {
            received: times.len() as u64,
            mean: mean(times.iter().sum(), times.len()),
            min: times.iter().min().copied(),
            max: times.iter().max().copied(),
            jitter: mean(differences.sum(), times.len().saturating_sub(1)),
            ..Self::default()
        }
    }

    /// Hundredths of a percent.
    pub(super) fn loss(&self) -> Option<u64> {
        let lost = self.sent.saturating_sub(self.received);
        (lost * 10_000).checked_div(self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_fits_its_interval() {
        for interval_us in [1_000, 1_000_000, 2_000_000, 10_000_000, 86_400_000_000] {
            let pace = Pace::of(interval_us);
            let whole = pace.gap_us * (ECHOES as u64 - 1) + pace.wait_us;
            assert!(whole <= interval_us / 10 * 9, "{interval_us}: {pace:?}");
        }
        assert_eq!(Pace::of(1_000_000), Pace { gap_us: 100_000, wait_us: 500_000 });
        assert_eq!(Pace::of(60_000_000), Pace { gap_us: 200_000, wait_us: 2_000_000 });
    }

    #[test]
    fn numbers_of_a_burst() {
        let outcome = Outcome { sent: 5, ..Outcome::of(&[1000, 3000, 2000, 2000]) };
        assert_eq!((outcome.mean, outcome.min, outcome.max), (Some(2000), Some(1000), Some(3000)));
        assert_eq!((outcome.jitter, outcome.loss()), (Some(1000), Some(2000)));
        let outcome = Outcome { sent: 5, ..Outcome::of(&[700]) };
        assert_eq!((outcome.mean, outcome.jitter, outcome.loss()), (Some(700), None, Some(8000)));
        assert_eq!(Outcome::of(&[]).loss(), None);
    }
}
