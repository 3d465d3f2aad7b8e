//! Core: asks again what the collector has, where it did not say so when the session began: its database was
//! away, or it was under load. One that is older never says; it is asked seldom.

use std::time::Duration;

use farwatch_common::ranges::SeqRanges;

/// The first time, drawn from the second half of it: after a restart a whole crowd asks.
const FIRST: Duration = Duration::from_secs(240);
/// Each time twice as late, up to this.
const LAST: Duration = Duration::from_secs(4 * 3600);

/// What is still to be asked in a session. Times are monotonic.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// Asked for and not answered.
    open: Vec<i64>,
    wait: Duration,
    due: Option<Duration>,
    /// What was acknowledged since it was asked, while it is: the answer may be older.
    since: Option<Vec<(i64, SeqRanges)>>,
}

impl Asking {
    /// When the session began, it was asked for these streams and has told of those; `random` is in 0..1.
    #[must_use]
    pub(super) fn new(
        asked: &[i64],
        told: &[(i64, SeqRanges)],
        now: Duration,
        random: f64,
    ) -> Self {
        let mut asking = Self { open: asked.to_vec(), wait: FIRST, ..Self::default() };
        asking.answered(told, now, random);
        asking
    }

    /// The streams to ask for.
    #[must_use]
    pub(super) fn open(&self) -> &[i64] {
        &self.open
    }

    /// When to ask.
    #[must_use]
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// It is asked.
    pub(super) fn asks(&mut self) {
        self.due = None;
        self.since = Some(Vec::new());
    }

    /// An acknowledgement came.
    pub(super) fn acked(&mut self, stream_id: i64, durable: &SeqRanges) {
        let Some(since) = &mut self.since else { return };
        let at = since.iter().position(|(known, _)| *known == stream_id).unwrap_or_else(|| {
            since.push((stream_id, SeqRanges::new()));
            since.len() - 1
        });
        let Some((_, known)) = since.get_mut(at) else { return };
        durable.iter().for_each(|(first, last)| known.insert_range(first, last));
    }

    /// What it has, of what it has `told`, nothing if it did not answer. What it did not tell of is asked for
    /// again later.
    pub(super) fn answered(
        &mut self,
        told: &[(i64, SeqRanges)],
        now: Duration,
        random: f64,
    ) -> Vec<(i64, SeqRanges)> {
        self.open.retain(|stream_id| told.iter().all(|(known, _)| known != stream_id));
        let mut has = told.to_vec();
        for (stream_id, acked) in self.since.take().unwrap_or_default() {
            let told = has.iter_mut().filter(|(known, _)| *known == stream_id);
            told.for_each(|(_, stored)| {
                acked.iter().for_each(|(first, last)| stored.insert_range(first, last));
            });
        }
        if self.open.is_empty() {
            self.due = None;
        } else {
            self.due = Some(now + self.wait.mul_f64(f64::midpoint(1.0, random)));
            self.wait = (2 * self.wait).min(LAST);
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(first: u64, last: u64) -> SeqRanges {
        let mut set = SeqRanges::new();
        set.insert_range(first, last);
        set
    }

    #[test]
    fn what_was_told_is_not_asked_for_again() {
        let told = [(1, set(1, 9)), (2, SeqRanges::new())];
        let asking = Asking::new(&[1, 2], &told, Duration::ZERO, 0.5);
        assert_eq!(asking.due(), None);
        assert_eq!(Asking::new(&[], &[], Duration::ZERO, 0.5).due(), None);
    }

    #[test]
    fn what_was_not_told_is_asked_for_more_and_more_seldom() {
        let mut now = Duration::from_secs(7);
        let mut asking = Asking::new(&[1, 2], &[(1, set(1, 9))], now, 0.0);
        let mut waits = Vec::new();
        for _ in 0..9 {
            let due = asking.due().unwrap();
            waits.push(due.checked_sub(now).unwrap().as_secs());
            now = due;
            asking.asks();
            assert_eq!(asking.due(), None, "it is under way");
            assert_eq!(asking.answered(&[], now, 0.0), []);
        }
        assert_eq!(waits, [120, 240, 480, 960, 1920, 3840, 7200, 7200, 7200]);
        asking.asks();
        assert_eq!(asking.answered(&[(2, set(3, 4))], now, 0.9), [(2, set(3, 4))]);
        assert_eq!(asking.due(), None);
    }

    #[test]
    fn what_is_acknowledged_while_it_is_asked_is_there() {
        let now = Duration::ZERO;
        let mut asking = Asking::new(&[1], &[], now, 1.0);
        asking.acked(1, &set(50, 60));
        asking.asks();
        asking.acked(1, &set(10, 11));
        asking.acked(3, &set(1, 1));
        asking.acked(1, &set(12, 12));
        assert_eq!(asking.answered(&[(1, set(1, 9))], now, 0.0), [(1, set(1, 12))]);
    }
}
