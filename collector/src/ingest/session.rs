//! Core: one telemetry stream. What was read and waits for its turn, what is on its way to the store,
//! and what the agent was told it may send.
//!
//! Live batches and the backlog wait apart: a batch of the backlog that finds no room at the
//! committer holds up no live one, whatever its agent calls it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use farwatch_common::clock::Micros;
use farwatch_proto::v1::{Batch, Credit};
use prost::Message as _;

use super::admission::{Admission, retry_after};
use super::queue::BACKLOG_BATCHES_MAX;

/// Batches an agent may have on the way without an answer.
pub const WINDOW: usize = 128;
/// ... of the backlog. The rest is for what is live (contract G9).
pub const BACKLOG_WINDOW: usize = 89;
/// About what all agents together are told to have of their backlog on the way: enough for the writer, and too
/// little to close the queue. To tell thousands of agents to wait, and then not to, costs more than the batches.
const BACKLOG_ALL: usize = BACKLOG_BATCHES_MAX / 4;
/// What each of them may have at least.
const BACKLOG_SHARE_MIN: usize = 2;
/// Packed bytes of batches that were read and wait for a place at the committer.
pub const HELD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// What is older is backlog, whatever the agent calls it: as at the agent, `buffer/order.rs`.
pub const LIVE_AGE_MAX: Duration = Duration::from_secs(120);

/// Live batches go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Live,
    Backlog,
}

impl Lane {
    /// Of a batch that calls itself `late` or not, and whose newest sample is of `newest`.
    #[must_use]
    pub fn of(late: bool, newest: Micros, received: Micros) -> Self {
        if late || newest < received.before(LIVE_AGE_MAX) { Self::Backlog } else { Self::Live }
    }
}

/// Batches of one lane that were read and not started.
#[derive(Debug, Default)]
struct Held {
    batches: VecDeque<Batch>,
    bytes: usize,
    /// One of them is being checked or waits for room at the committer.
    is_starting: bool,
}

/// One telemetry stream.
#[derive(Debug, Default)]
pub struct Session {
    live: Held,
    backlog: Held,
    /// Started and not answered.
    in_flight: usize,
    has_ended: bool,
    /// What the agent was told last, with its share of the backlog.
    told: (Admission, Share),
}

/// Batches of the backlog that one agent may have on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(usize);

impl Default for Share {
    fn default() -> Self {
        Self(BACKLOG_WINDOW)
    }
}

impl Share {
    /// Of each of so many agents.
    #[must_use]
    pub fn among(agents: usize) -> Self {
        Self((BACKLOG_ALL / agents.max(1)).clamp(BACKLOG_SHARE_MIN, BACKLOG_WINDOW))
    }

    #[must_use]
    pub fn batches(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    /// Agents come and go: who knows nearly the same need not be told each time.
    fn is_near(self, other: Self) -> bool {
        self.0 < 2 * other.0 && other.0 < 2 * self.0
    }
}

impl Session {
    /// Of an agent whose welcome promised a full window, and that share of it for the backlog.
    #[must_use]
    pub fn of_share(told: Share) -> Self {
        Self { told: (Admission::Open, told), ..Self::default() }
    }

    fn held(&mut self, lane: Lane) -> &mut Held {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Backlog => &mut self.backlog,
        }
    }

    /// A batch was read.
    pub fn took(&mut self, mut batch: Batch) {
        // Its content holds all that was received with it, also fields that nobody knows, which nobody counts.
        batch.data = Bytes::copy_from_slice(&batch.data);
        let held = self.held(if batch.late { Lane::Backlog } else { Lane::Live });
        held.bytes += batch.encoded_len();
        held.batches.push_back(batch);
    }

    /// The agent sends nothing more.
    pub fn ended(&mut self) {
        self.has_ended = true;
    }

    /// There is room for another batch: else the stream is not read.
    #[must_use]
    pub fn reads(&self) -> bool {
        let held = self.live.batches.len() + self.backlog.batches.len();
        let bytes = self.live.bytes + self.backlog.bytes;
        !self.has_ended && held < WINDOW && bytes < HELD_BYTES_MAX
    }

    /// The batch of the lane to check and submit now, one at a time; tell [`Self::started`] then.
    pub fn start(&mut self, lane: Lane) -> Option<Batch> {
        // The answers of all that was started find room, and live ones find some beside the backlog.
        let most = match lane {
            Lane::Live => WINDOW,
            Lane::Backlog => BACKLOG_WINDOW,
        };
        let has_room = self.in_flight < most;
        let held = self.held(lane);
        if held.is_starting || !has_room {
            return None;
        }
        let batch = held.batches.pop_front()?;
        held.bytes = held.bytes.saturating_sub(batch.encoded_len());
        held.is_starting = true;
        self.in_flight += 1;
        Some(batch)
    }

    /// What was started is at the committer, or was refused (`will_answer` is false).
    pub fn started(&mut self, lane: Lane, will_answer: bool) {
        self.held(lane).is_starting = false;
        if !will_answer {
            self.answered(1);
        }
    }

    /// What was started as live is old: it waits with the backlog, and the next live one may start.
    pub fn turned_out_old(&mut self, batch: Batch) {
        self.started(Lane::Live, false);
        self.took(Batch { late: true, ..batch });
    }

    /// So many were answered.
    pub fn answered(&mut self, count: usize) {
        self.in_flight = self.in_flight.saturating_sub(count);
    }

    /// Some are on their way to the store.
    #[must_use]
    pub fn awaits_answers(&self) -> bool {
        self.in_flight > 0
    }

    /// Nothing comes any more, and everything that came is answered.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let nothing_held = self.live.batches.is_empty() && self.backlog.batches.is_empty();
        self.has_ended && self.in_flight == 0 && nothing_held
    }

    /// What the agent has to be told, if it is another than it knows; `random` is an even draw from 0.0 to 1.0.
    pub fn credit(&mut self, now: Admission, share: Share, random: f64) -> Option<Credit> {
        let (told, of) = self.told;
        if told == now && of.is_near(share) {
            return None;
        }
        self.told = (now, share);
        let (window, backlog_window, wait) = match now {
            Admission::Open => (WINDOW, share.batches(), Duration::ZERO),
            Admission::LiveOnly => (WINDOW, 0, retry_after(random)),
            Admission::Closed => (0, 0, retry_after(random)),
        };
        Some(Credit {
            window: u32::try_from(window).unwrap_or(u32::MAX),
            backlog_window,
            retry_after_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(seq: u64, late: bool) -> Batch {
        Batch { seq, late, ..Batch::default() }
    }

    fn started(session: &mut Session, lane: Lane) -> Option<u64> {
        session.start(lane).map(|batch| batch.seq)
    }

    #[test]
    fn a_backlog_that_finds_no_room_holds_up_nothing_live() {
        let mut session = Session::default();
        (1..=3).for_each(|seq| session.took(batch(seq, true)));
        assert_eq!(started(&mut session, Lane::Backlog), Some(1));
        assert_eq!(started(&mut session, Lane::Backlog), None, "one at a time");
        (4..=5).for_each(|seq| session.took(batch(seq, false)));
        for seq in 4..=5 {
            assert_eq!(started(&mut session, Lane::Live), Some(seq));
            session.started(Lane::Live, true);
        }
        session.answered(2);
        session.started(Lane::Backlog, false);
        assert_eq!(started(&mut session, Lane::Backlog), Some(2));
    }

    #[test]
    fn what_calls_itself_live_and_is_old_holds_up_nothing_live() {
        let mut session = Session::default();
        (1..=4).for_each(|seq| session.took(batch(seq, false)));
        for seq in 1..=3 {
            let old = session.start(Lane::Live).unwrap();
            assert_eq!(old.seq, seq);
            session.turned_out_old(old);
        }
        assert_eq!(started(&mut session, Lane::Backlog), Some(1));
        assert_eq!(started(&mut session, Lane::Live), Some(4));
        session.started(Lane::Live, true);
        session.started(Lane::Backlog, true);
        session.ended();
        session.answered(2);
        assert!(!session.is_done());
        for seq in 2..=3 {
            assert_eq!(started(&mut session, Lane::Backlog), Some(seq));
            session.started(Lane::Backlog, false);
        }
        assert!(session.is_done());
    }

    #[test]
    fn the_backlog_leaves_places_for_live_batches() {
        let mut session = Session::default();
        for seq in 0..WINDOW as u64 - 1 {
            session.took(batch(seq, true));
        }
        let mut begun = 0;
        while session.start(Lane::Backlog).is_some() {
            session.started(Lane::Backlog, true);
            begun += 1;
        }
        assert_eq!(begun, BACKLOG_WINDOW);
        assert!(session.reads());
        session.took(batch(1_000, false));
        assert_eq!(started(&mut session, Lane::Live), Some(1_000));
    }

    #[test]
    fn reading_stops_where_too_much_waits_and_ends_with_the_last_answer() {
        let mut session = Session::default();
        let large = Batch { data: vec![0; HELD_BYTES_MAX].into(), ..batch(1, false) };
        session.took(large);
        assert!(!session.reads());
        assert!(session.start(Lane::Live).is_some());
        assert!(session.reads());
        session.ended();
        assert!(!session.reads() && !session.is_done());
        session.started(Lane::Live, true);
        assert!(session.awaits_answers());
        session.answered(1);
        assert!(session.is_done());
        let mut full = Session::default();
        (0..WINDOW as u64).for_each(|seq| full.took(batch(seq, seq % 2 == 0)));
        assert!(!full.reads());
    }

    #[test]
    fn an_agent_is_told_what_changes_and_only_that() {
        let (mut session, all) = (Session::default(), Share::default());
        assert_eq!(session.credit(Admission::Open, all, 0.5), None, "the welcome said so");
        let waits = session.credit(Admission::LiveOnly, all, 0.5).unwrap();
        assert_eq!((waits.window, waits.backlog_window, waits.retry_after_ms), (128, 0, 3000));
        assert_eq!(session.credit(Admission::LiveOnly, all, 0.1), None);
        let closed = session.credit(Admission::Closed, all, 0.0).unwrap();
        assert_eq!((closed.window, closed.backlog_window, closed.retry_after_ms), (0, 0, 1000));
        let open = session.credit(Admission::Open, all, 0.5).unwrap();
        assert_eq!((open.window, open.backlog_window, open.retry_after_ms), (128, 89, 0));
        assert_eq!(session.credit(Admission::Open, Share::among(40), 0.5), None, "nearly the same");
        let fewer = session.credit(Admission::Open, Share::among(512), 0.5).unwrap();
        assert_eq!((fewer.window, fewer.backlog_window, fewer.retry_after_ms), (128, 4, 0));
        assert_eq!(session.credit(Admission::Open, all, 0.5).unwrap().backlog_window, 89);
    }

    #[test]
    fn agents_that_come_one_after_the_other_do_not_close_the_queue() {
        for agents in [1, 22, 46, 300, 2_000] {
            let welcomed = |count| {
                let share = Share::among(count);
                (Session::of_share(share), share.batches())
            };
            let mut told: Vec<_> = (1..=agents).map(welcomed).collect();
            // With its next heartbeat each is told what has become of its share.
            for (session, window) in &mut told {
                let now = session.credit(Admission::Open, Share::among(agents), 0.5);
                *window = now.map_or(*window, |credit| credit.backlog_window);
            }
            let all: u32 = told.iter().map(|(_, window)| window).sum();
            let closing = BACKLOG_BATCHES_MAX as u32 * 8 / 10;
            assert!(all < closing, "{agents} agents may have {all} on the way");
            assert!(told.iter().all(|(_, window)| *window >= 2));
        }
        assert_eq!(Share::among(22), Share::default(), "a few agents have all they can use");
    }

    #[test]
    fn what_is_held_of_a_batch_is_what_is_counted() {
        let mut session = Session::default();
        let received = Bytes::from(vec![0; 1024 * 1024]);
        session.took(Batch { data: received.slice(..100), ..batch(1, true) });
        assert!(received.is_unique(), "the rest of what was received is let go");
        assert_eq!(session.start(Lane::Backlog).unwrap().data.len(), 100);
    }

    #[test]
    fn what_is_old_is_backlog_whatever_it_is_called() {
        let received = Micros(1_000 * Micros::SECOND);
        let ago = |seconds| Micros(received.0 - seconds * Micros::SECOND);
        assert_eq!(Lane::of(false, ago(120), received), Lane::Live);
        assert_eq!(Lane::of(false, ago(121), received), Lane::Backlog);
        assert_eq!(Lane::of(true, received, received), Lane::Backlog);
    }
}
