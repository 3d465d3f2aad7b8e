//! Core: what is on the way, what an answer means, and when a silent session is given up.
//!
//! A batch leaves the buffer only for an answer to *this* batch, in the session that sent it: an ack
//! that names its number, or a refusal. What was on the way when a session ended is sent again: if
//! this agent's state was copied or rolled back, its number may be stored as another history's, and
//! only the collector can tell, by the content. A repeat costs at most a window and is stored once.

mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farwatch_common::ranges::{BadRanges, SeqRanges};
use farwatch_proto::v1::{Credit, RejectCode, Welcome};

use self::window::{Free, Window};
pub use self::window::{WINDOW_BYTES, WINDOW_MAX};
use crate::buffer::{Lane, Refusal};

pub const HEARTBEAT_IDLE: Duration = Duration::from_secs(15);
/// While something is unacknowledged.
pub const HEARTBEAT_BUSY: Duration = Duration::from_secs(1);
/// A heartbeat without an answer for so long, or for five round trips, ends the session.
const SILENCE_MIN: Duration = Duration::from_secs(3);
const SILENCE_ROUND_TRIPS: u32 = 5;
/// A transport that lives does not excuse a collector that answers nothing for so long: a full
/// window takes two minutes at 64 kbit/s.
const SILENCE_MAX: Duration = Duration::from_secs(180);
/// Batches without an answer from ended sessions that are remembered one by one.
const MAYBE_SENT_MAX: usize = 4096;

/// How often a batch is sent again for its schemas in one session. More than once, as the answer to
/// another batch may cross; a batch whose schemas are lost must not go round for ever.
const SCHEMA_TRIES_MAX: u8 = 3;

/// A batch the collector has no room for is sent again after this, or in the next session.
const POSTPONED_FOR: Duration = Duration::from_secs(600);
/// Batches that wait for that; they are not evicted meanwhile. More are set aside.
const POSTPONED_MAX: usize = 256;

/// What `uplink` may ask the buffer for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    pub live: usize,
    pub backlog: usize,
    /// Of both.
    pub bytes: usize,
    pub backlog_bytes: usize,
    /// Not these.
    pub in_flight: BTreeSet<u64>,
    /// Only these, if given.
    pub only: Option<MaybeSent>,
}

/// Batches the collector may have without our knowing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaybeSent {
    /// Numbers below it: an earlier process may have sent them.
    pub below: u64,
    /// Sent in a session that ended before the answer.
    pub also: BTreeSet<u64>,
}

impl MaybeSent {
    #[must_use]
    pub fn contains(&self, seq: u64) -> bool {
        seq < self.below || self.also.contains(&seq)
    }

    fn insert(&mut self, seq: u64) {
        self.also.insert(seq);
        if self.also.len() > MAYBE_SENT_MAX {
            // More than is worth remembering one by one: any may have been sent.
            *self = Self { below: u64::MAX, also: BTreeSet::new() };
        }
    }
}

/// What has to be done after an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// These are stored: they wait no longer.
    Acked(SeqRanges),
    /// Set this one aside.
    Refused(Refusal),
    /// Send this one again with its schemas.
    SchemasUnknown(u64),
    /// Everything that waits goes to a new stream; tell its id to [`Core::forked`].
    Fork,
}

/// What a collector says it has of the streams it was `asked` for. One that is older says nothing, and
/// what cannot be read is as good as unsaid: nothing is sent again then, and nothing is declared lost.
#[must_use]
pub fn stored(welcome: &Welcome, asked: &[i64]) -> Vec<(i64, SeqRanges)> {
    let mut stored: BTreeMap<i64, Result<SeqRanges, BadRanges>> = BTreeMap::new();
    for told in welcome.streams.iter().filter(|told| asked.contains(&told.stream_id)) {
        let known = stored.entry(told.stream_id).or_insert_with(|| Ok(SeqRanges::new()));
        // Of one that is told twice it has both.
        match (known, SeqRanges::from_proto(&told.ranges)) {
            (Ok(known), Ok(more)) => {
                more.iter().for_each(|(first, last)| known.insert_range(first, last));
            }
            (known, Err(bad)) => *known = Err(bad),
            (Err(_), Ok(_)) => {}
        }
    }
    let readable = |(stream_id, stored): (i64, Result<_, BadRanges>)| match stored {
        Ok(ranges) => Some((stream_id, ranges)),
        Err(BadRanges) => {
            tracing::warn!("the collector's word of what it has of a stream cannot be read");
            None
        }
    };
    stored.into_iter().filter_map(readable).collect()
}

/// What the clock demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Nothing,
    Heartbeat,
    /// The session is dead: dial again.
    Redial,
}

/// One agent's uplink, over all its sessions. Times are monotonic.
#[derive(Debug)]
pub struct Core {
    stream_id: i64,
    window: Window,
    /// The buffer has nothing more to send for now.
    exhausted: bool,
    /// Numbers collide with another agent's: before a new stream begins, every batch that may have
    /// been sent gets its answer in the old one.
    forking: bool,
    /// Answered with `FORK`: they go to the new stream.
    colliding: BTreeSet<u64>,
    /// How often the collector lacked the schemas of a batch, in this session.
    schema_tries: BTreeMap<u64, u8>,
    /// The collector has no room for them, and until when they wait.
    postponed: BTreeSet<u64>,
    postponed_until: Option<Duration>,
    maybe_sent: MaybeSent,
    heartbeat_at: Duration,
    /// When the oldest heartbeat without an answer was sent.
    unanswered: Option<Duration>,
    /// When the transport was last seen to get through.
    progress_at: Duration,
    round_trip: Duration,
}

impl Core {
    /// For the stream `stream_id`, of which numbers from `next_seq` on were never used.
    #[must_use]
    pub fn new(stream_id: i64, next_seq: u64) -> Self {
        Self {
            stream_id,
            window: Window::new(),
            exhausted: false,
            forking: false,
            colliding: BTreeSet::new(),
            schema_tries: BTreeMap::new(),
            postponed: BTreeSet::new(),
            postponed_until: None,
            maybe_sent: MaybeSent { below: next_seq, also: BTreeSet::new() },
            heartbeat_at: Duration::ZERO,
            unanswered: None,
            progress_at: Duration::ZERO,
            round_trip: Duration::ZERO,
        }
    }

    #[must_use]
    pub fn stream_id(&self) -> i64 {
        self.stream_id
    }

    /// How many batches are on the way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.window.len()
    }

    /// Everything there was has its answer.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.exhausted && self.window.is_empty()
    }

    /// A session has begun: what was on the way in the last one is sent again.
    pub fn connected(&mut self, welcome: &Welcome, now: Duration) {
        for seq in self.window.restart(welcome.window, welcome.backlog_window) {
            self.maybe_sent.insert(seq);
        }
        self.exhausted = false;
        self.forking = false;
        self.colliding.clear();
        self.schema_tries.clear();
        self.resume_postponed();
        self.heartbeat_at = now;
        self.unanswered = None;
        self.progress_at = now;
    }

    /// The collector grants another window.
    pub fn credit(&mut self, credit: &Credit, now: Duration) {
        self.window.credit(credit, now);
        self.exhausted = false;
    }

    /// What there is room for; `None` if there is no room or nothing to send.
    #[must_use]
    pub fn room(&self) -> Option<Room> {
        if self.exhausted {
            return None;
        }
        // While it forks, nothing begins before every batch that may have been sent is asked for.
        let Free { live, backlog, bytes, backlog_bytes } = self.window.free(self.forking)?;
        Some(Room {
            live,
            backlog,
            bytes,
            backlog_bytes,
            in_flight: self.withheld().collect(),
            only: self.forking.then(|| self.maybe_sent.clone()),
        })
    }

    /// What is not to be sent now.
    fn withheld(&self) -> impl Iterator<Item = u64> {
        self.window.seqs().chain(self.colliding.iter().chain(&self.postponed).copied())
    }

    fn resume_postponed(&mut self) {
        if self.postponed_until.take().is_some() {
            self.postponed.clear();
            self.exhausted = false;
        }
    }

    /// The buffer gave `found` batches for the room there was, each told by [`Core::sent`].
    pub fn filled(&mut self, found: usize) -> Option<Effect> {
        // Fewer than asked for may have been cut by bytes: only none means that there is nothing.
        self.exhausted = found == 0;
        if found == 0 { self.fork_when_answered() } else { None }
    }

    /// A batch is on the way.
    pub fn sent(&mut self, seq: u64, lane: Lane, bytes: usize, now: Duration) {
        // Its answer is awaited with the busy interval.
        self.heartbeat_at = self.heartbeat_at.min(now + HEARTBEAT_BUSY);
        self.window.sent(seq, lane, bytes, now);
    }

    /// The buffer has new batches, or some to send again.
    pub fn refilled(&mut self) {
        self.exhausted = false;
    }

    /// True if the batch was on the way.
    fn answered(&mut self, seq: u64, now: Duration) -> bool {
        let Some(lane) = self.window.answered(seq, now, self.round_trip) else { return false };
        // The backlog may have room again.
        if lane == Lane::Backlog {
            self.exhausted = false;
        }
        true
    }

    /// The collector has stored what `durable` names.
    pub fn acked(&mut self, stream_id: i64, durable: &SeqRanges, now: Duration) -> Vec<Effect> {
        if stream_id != self.stream_id {
            return Vec::new();
        }
        let stored: Vec<u64> = self.window.seqs().filter(|seq| durable.contains(*seq)).collect();
        let mut acked = SeqRanges::new();
        for seq in stored {
            self.answered(seq, now);
            self.maybe_sent.also.remove(&seq);
            self.schema_tries.remove(&seq);
            acked.insert(seq);
        }
        let mut effects = Vec::new();
        if !acked.is_empty() {
            effects.push(Effect::Acked(acked));
        }
        effects.extend(self.fork_when_answered());
        effects
    }

    /// The collector has not stored the batch.
    pub fn rejected(
        &mut self,
        stream_id: i64,
        seq: u64,
        code: RejectCode,
        detail: String,
        now: Duration,
    ) -> Vec<Effect> {
        if stream_id != self.stream_id || !self.answered(seq, now) {
            return Vec::new();
        }
        // Schemas are looked at first: an earlier copy may be stored all the same.
        if code != RejectCode::UnknownSchema {
            self.maybe_sent.also.remove(&seq);
        }
        let mut effects = Vec::new();
        match code {
            RejectCode::Fork => {
                self.forking = true;
                self.colliding.insert(seq);
                // What may have been sent before is asked for now.
                self.exhausted = false;
            }
            RejectCode::UnknownSchema if self.schemas_may_help(seq) => {
                self.exhausted = false;
                effects.push(Effect::SchemasUnknown(seq));
            }
            RejectCode::NotNow if self.postponed.len() < POSTPONED_MAX => {
                self.postponed.insert(seq);
                self.postponed_until.get_or_insert(now + POSTPONED_FOR);
            }
            RejectCode::NotNow
            | RejectCode::UnknownSchema
            | RejectCode::Malformed
            | RejectCode::NotYours
            | RejectCode::Unspecified => {
                effects.push(Effect::Refused(Refusal { seq, code: code as i32, detail }));
            }
        }
        effects.extend(self.fork_when_answered());
        effects
    }

    /// Counts the attempt.
    fn schemas_may_help(&mut self, seq: u64) -> bool {
        let tries = self.schema_tries.entry(seq).or_default();
        *tries += 1;
        let more = *tries <= SCHEMA_TRIES_MAX;
        if !more {
            self.schema_tries.remove(&seq);
        }
        more
    }

    /// A new stream begins only when every batch that may have been sent in the old one has its
    /// answer: what the collector stored of it must not be sent again in the new one.
    fn fork_when_answered(&self) -> Option<Effect> {
        let answered = self.exhausted && self.window.is_empty();
        (self.forking && answered).then_some(Effect::Fork)
    }

    /// All that waits belongs to the stream `stream_id` now, of which nothing was ever sent: after
    /// a fork, or because the buffer had to replace its file. Answers for the old stream, and what
    /// of it was on the way, mean nothing any more.
    pub fn forked(&mut self, stream_id: i64) {
        self.stream_id = stream_id;
        self.window.clear();
        self.forking = false;
        self.colliding.clear();
        self.resume_postponed();
        self.maybe_sent = MaybeSent::default();
        self.exhausted = false;
    }

    /// Something came from the collector: the session lives.
    pub fn heard(&mut self) {
        self.unanswered = None;
    }

    /// The peer's transport has acknowledged something: a heartbeat may wait behind a large batch
    /// on a slow line, which is no silence.
    pub fn progressed(&mut self, now: Duration) {
        self.progress_at = now;
    }

    /// A heartbeat was sent; `round_trip` is the transport's estimate.
    pub fn beat(&mut self, now: Duration, round_trip: Duration) {
        self.unanswered.get_or_insert(now);
        self.round_trip = round_trip;
        self.heartbeat_at = now + self.interval();
    }

    fn interval(&self) -> Duration {
        if self.window.is_empty() { HEARTBEAT_IDLE } else { HEARTBEAT_BUSY }
    }

    /// When the session is given up if nothing comes until then.
    fn given_up_at(&self) -> Option<Duration> {
        let since = self.unanswered?;
        let patience = SILENCE_MIN.max(self.round_trip * SILENCE_ROUND_TRIPS);
        let limit = since + SILENCE_MAX.max(patience);
        Some((since.max(self.progress_at) + patience).min(limit))
    }

    /// When [`Core::due`] has to be asked at the latest.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let others = self.given_up_at().into_iter().chain(self.postponed_until);
        let others = others.chain(self.window.deadline());
        others.fold(self.heartbeat_at, Duration::min)
    }

    /// What has to be done now. Ask the buffer again afterwards: postponed batches may go, or one that
    /// finds out whether there is room.
    #[must_use]
    pub fn due(&mut self, now: Duration) -> Due {
        if self.postponed_until.is_some_and(|until| now >= until) {
            self.resume_postponed();
        }
        if self.window.due(now) {
            self.exhausted = false;
        }
        if self.given_up_at().is_some_and(|end| now >= end) {
            Due::Redial
        } else if now >= self.heartbeat_at {
            Due::Heartbeat
        } else {
            Due::Nothing
        }
    }
}

#[cfg(test)]
mod tests;
