//! Core: what is on the way, and how much more may be, of each lane.
//!
//! Three things bound it: what the collector grants, in batches; a share that is never the backlog's
//! (contract G9); and bytes. Those of the backlog follow how soon it is answered: on a thin line a
//! live batch waits behind what the line holds already, so the backlog keeps that to about a
//! second. It grows by a step each round and is halved where answers are late (additive increase,
//! multiplicative decrease, as TCP does, RFC 5681).

use std::collections::BTreeMap;
use std::time::Duration;

use farwatch_proto::v1::Credit;

use crate::buffer::Lane;

/// Most batches on the way, whatever the collector allows.
pub const WINDOW_MAX: usize = 128;
/// Most bytes on the way: what a slow link holds in memory.
pub const WINDOW_BYTES: usize = 1024 * 1024;
/// Of the window, in batches and in bytes, the backlog leaves this for live batches.
const LIVE_SHARE_PERCENT: usize = 30;
const BACKLOG_BYTES_MAX: usize = WINDOW_BYTES * (100 - LIVE_SHARE_PERCENT) / 100;
/// What the backlog may have on the way at first, and on the thinnest line.
const BACKLOG_BYTES_MIN: usize = 64 * 1024;
/// By so much it grows while answers are prompt, each time as much as it may have was answered.
const BACKLOG_BYTES_STEP: usize = 64 * 1024;
/// An answer is late after this and two round trips.
const LATE_AFTER: Duration = Duration::from_secs(1);
/// Who is told to wait asks no sooner and no later, whatever the collector says.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// How many batches and bytes may go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Free {
    pub live: usize,
    pub backlog: usize,
    pub bytes: usize,
    pub backlog_bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    lane: Lane,
    bytes: usize,
    sent_at: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    batches: usize,
    bytes: usize,
}

/// Times are monotonic.
#[derive(Debug)]
pub(super) struct Window {
    flights: BTreeMap<u64, Flight>,
    bytes: usize,
    backlog: Load,
    /// Granted, in batches.
    most: usize,
    backlog_most: usize,
    retry_after: Duration,
    /// When one batch may find out whether there is room again.
    probe_at: Option<Duration>,
    may_probe: bool,
    /// What the backlog may have on the way.
    backlog_bytes_most: usize,
    /// When it was halved: batches that were sent before tell nothing new.
    halved_at: Duration,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            flights: BTreeMap::new(),
            bytes: 0,
            backlog: Load::default(),
            most: 1,
            backlog_most: 1,
            retry_after: RETRY_MIN,
            probe_at: None,
            may_probe: false,
            backlog_bytes_most: BACKLOG_BYTES_MIN,
            halved_at: Duration::ZERO,
        }
    }

    /// A session begins with what its welcome grants; without a window for the backlog, a share.
    /// What was on the way in the last one is returned.
    pub(super) fn restart(
        &mut self,
        window: u32,
        backlog_window: u32,
    ) -> impl Iterator<Item = u64> + use<> {
        let before = std::mem::replace(self, Self::new());
        self.grant(window.max(1), if backlog_window == 0 { u32::MAX } else { backlog_window });
        before.flights.into_keys()
    }

    /// Nothing is on the way any more.
    pub(super) fn clear(&mut self) {
        self.flights.clear();
        self.bytes = 0;
        self.backlog = Load::default();
    }

    fn grant(&mut self, window: u32, backlog_window: u32) {
        let batches = |count: u32| usize::try_from(count).unwrap_or(WINDOW_MAX).min(WINDOW_MAX);
        self.most = batches(window);
        let share = (self.most * (100 - LIVE_SHARE_PERCENT) / 100).max(1);
        self.backlog_most = batches(backlog_window).min(share);
    }

    /// The collector grants another window.
    pub(super) fn credit(&mut self, credit: &Credit, now: Duration) {
        self.grant(credit.window, credit.backlog_window);
        self.retry_after =
            Duration::from_millis(credit.retry_after_ms.into()).clamp(RETRY_MIN, RETRY_MAX);
        let must_wait = self.most == 0 || self.backlog_most == 0;
        self.probe_at = must_wait.then(|| now + self.retry_after);
        self.may_probe = false;
    }

    /// What may go now; `None` if nothing may. Where `answers_first`, the backlog may always have
    /// one batch on the way: its answer is needed before anything else.
    pub(super) fn free(&self, answers_first: bool) -> Option<Free> {
        let probe = usize::from(self.may_probe);
        let live = self.most.max(probe).saturating_sub(self.flights.len());
        if live == 0 || self.bytes >= WINDOW_BYTES {
            return None;
        }
        let backlog_most = self.backlog_most.max(probe).max(usize::from(answers_first));
        Some(Free {
            live,
            backlog: backlog_most.saturating_sub(self.backlog.batches).min(live),
            bytes: WINDOW_BYTES - self.bytes,
            backlog_bytes: self.backlog_bytes_most.saturating_sub(self.backlog.bytes),
        })
    }

    pub(super) fn sent(&mut self, seq: u64, lane: Lane, bytes: usize, now: Duration) {
        self.take(seq);
        self.flights.insert(seq, Flight { lane, bytes, sent_at: now });
        self.bytes += bytes;
        if lane == Lane::Backlog {
            self.backlog.batches += 1;
            self.backlog.bytes += bytes;
        }
        if self.may_probe && (self.most == 0 || lane == Lane::Backlog) {
            self.may_probe = false;
            self.probe_at = Some(now + self.retry_after);
        }
    }

    fn take(&mut self, seq: u64) -> Option<Flight> {
        let flight = self.flights.remove(&seq)?;
        self.bytes -= flight.bytes;
        if flight.lane == Lane::Backlog {
            self.backlog.batches -= 1;
            self.backlog.bytes -= flight.bytes;
        }
        Some(flight)
    }

    /// A batch was answered: its lane, if it was on the way.
    pub(super) fn answered(
        &mut self,
        seq: u64,
        now: Duration,
        round_trip: Duration,
    ) -> Option<Lane> {
        let flight = self.take(seq)?;
        if flight.lane == Lane::Backlog {
            self.judge(flight, now, round_trip);
        }
        Some(flight.lane)
    }

    fn judge(&mut self, flight: Flight, now: Duration, round_trip: Duration) {
        let is_late = now.saturating_sub(flight.sent_at) > LATE_AFTER + round_trip * 2;
        if !is_late {
            let step = BACKLOG_BYTES_STEP * flight.bytes / self.backlog_bytes_most;
            let most = self.backlog_bytes_most + step.min(BACKLOG_BYTES_STEP);
            self.backlog_bytes_most = most.min(BACKLOG_BYTES_MAX);
        } else if flight.sent_at >= self.halved_at {
            self.backlog_bytes_most = (self.backlog_bytes_most / 2).max(BACKLOG_BYTES_MIN);
            self.halved_at = now;
        }
    }

    /// What is on the way, by number.
    pub(super) fn seqs(&self) -> impl Iterator<Item = u64> {
        self.flights.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flights.is_empty()
    }

    /// When [`Self::due`] has to be asked.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.probe_at
    }

    /// True if one batch may go now to find out whether there is room.
    pub(super) fn due(&mut self, now: Duration) -> bool {
        let is_due = self.probe_at.is_some_and(|at| now >= at);
        if is_due {
            self.probe_at = None;
            self.may_probe = true;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn window() -> Window {
        let mut window = Window::new();
        assert_eq!(window.restart(10, 0).count(), 0);
        window
    }

    fn credit(window: u32, backlog_window: u32) -> Credit {
        Credit { window, backlog_window, retry_after_ms: 2_000 }
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_backlog_never_takes_the_bytes_of_live_batches() {
        let mut window = window();
        // One large batch always goes.
        window.sent(1, Lane::Backlog, 900 * KIB, s(0));
        let free = window.free(false).unwrap();
        assert_eq!((free.live, free.backlog_bytes, free.bytes), (9, 0, 124 * KIB));
        window.answered(1, s(0), s(0));
        for seq in 2..100 {
            window.sent(seq, Lane::Backlog, 64 * KIB, s(0));
            window.answered(seq, s(0), s(0));
        }
        assert_eq!(window.free(false).unwrap().backlog_bytes, BACKLOG_BYTES_MAX);
    }

    #[test]
    fn late_answers_halve_what_the_backlog_may_have_once_a_round() {
        let mut window = window();
        window.backlog_bytes_most = 512 * KIB;
        (0..4).for_each(|seq| window.sent(seq, Lane::Backlog, 8 * KIB, s(0)));
        window.answered(0, s(2), Duration::from_millis(500));
        assert_eq!(window.backlog_bytes_most, 513 * KIB, "a second and two round trips");
        window.answered(1, s(3), Duration::from_millis(500));
        window.answered(2, s(4), Duration::from_millis(500));
        assert_eq!(window.backlog_bytes_most, 513 * KIB / 2);
        window.sent(5, Lane::Backlog, KIB, s(4));
        window.answered(5, s(9), s(0));
        assert_eq!(window.backlog_bytes_most, 513 * KIB / 4);
        // Live batches say nothing of it.
        window.sent(6, Lane::Live, KIB, s(4));
        window.answered(6, s(99), s(0));
        assert_eq!(window.backlog_bytes_most, 513 * KIB / 4);
        for seq in 10..20 {
            window.sent(seq, Lane::Backlog, KIB, s(100 * seq));
            window.answered(seq, s(100 * seq + 9), s(0));
        }
        assert_eq!(window.backlog_bytes_most, BACKLOG_BYTES_MIN);
    }

    #[test]
    fn what_has_no_credit_asks_with_one_batch_at_a_time() {
        let mut window = window();
        window.credit(&credit(10, 0), s(0));
        let free = window.free(false).unwrap();
        assert_eq!((free.live, free.backlog), (10, 0));
        assert!(!window.due(Duration::from_millis(1_999)));
        assert_eq!(window.deadline(), Some(s(2)));
        assert!(window.due(s(2)));
        window.sent(1, Lane::Live, 1, s(2));
        assert_eq!(window.free(false).unwrap().backlog, 1, "a live batch does not ask for it");
        window.sent(2, Lane::Backlog, 1, s(2));
        assert_eq!((window.free(false).unwrap().backlog, window.deadline()), (0, Some(s(4))));
        // It has no answer yet: another one would tell nothing.
        assert!(window.due(s(4)));
        assert_eq!(window.free(false).unwrap().backlog, 0);
        window.answered(2, s(5), s(0));
        assert_eq!(window.free(false).unwrap().backlog, 1);

        window.credit(&credit(0, 0), s(10));
        assert_eq!(window.free(false), None);
        window.answered(1, s(10), s(0));
        assert_eq!(window.free(false), None);
        assert!(window.due(s(12)));
        let free = window.free(false).unwrap();
        assert_eq!((free.live, free.backlog), (1, 1));
        window.sent(3, Lane::Live, 1, s(12));
        assert_eq!(window.free(false), None);

        window.credit(&credit(10, 7), s(13));
        let free = window.free(false).unwrap();
        assert_eq!((free.live, free.backlog, window.deadline()), (9, 7, None));
    }

    #[test]
    fn what_the_collector_says_is_bounded() {
        let mut window = window();
        window.credit(&credit(u32::MAX, u32::MAX), s(0));
        let free = window.free(false).unwrap();
        assert_eq!((free.live, free.backlog), (WINDOW_MAX, 89));
        for (said, waits) in [(0, s(1)), (u32::MAX, s(60))] {
            let credit = Credit { retry_after_ms: said, ..credit(0, 0) };
            window.credit(&credit, s(0));
            assert_eq!(window.deadline(), Some(waits));
        }
        // A new session begins anew.
        let _ = window.restart(4, 2);
        let free = window.free(false).unwrap();
        assert_eq!((free.live, free.backlog, window.deadline()), (4, 2, None));
    }
}
