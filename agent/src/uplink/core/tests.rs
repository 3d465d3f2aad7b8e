//! The core against a simulated collector and link, over thousands of seeds: everything is stored
//! once, nothing acknowledged is lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;

/// Small and fast; the seed is all there is to a run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Debug)]
enum Down {
    Ack(i64, SeqRanges),
    Reject(i64, u64, RejectCode),
}

/// What the buffer has on disk.
#[derive(Default)]
struct Disk {
    stream_id: i64,
    next_seq: u64,
    /// Number to content.
    batches: BTreeMap<u64, u64>,
    quarantined: BTreeSet<u64>,
    schemas_sent: bool,
}

#[derive(Default)]
struct Collector {
    stored: BTreeMap<(i64, u64), u64>,
    knows_schemas: bool,
    /// Contents it refuses.
    poison: BTreeSet<u64>,
    /// Every third content has no room.
    full: bool,
}

impl Collector {
    fn take(&mut self, stream: i64, seq: u64, content: u64, schemas: bool) -> Down {
        if let Some(known) = self.stored.get(&(stream, seq)) {
            if *known != content {
                return Down::Reject(stream, seq, RejectCode::Fork);
            }
            return Down::Ack(stream, one(seq));
        }
        if self.poison.contains(&content) {
            return Down::Reject(stream, seq, RejectCode::Malformed);
        }
        if self.full && content.is_multiple_of(3) {
            return Down::Reject(stream, seq, RejectCode::NotNow);
        }
        self.knows_schemas |= schemas;
        if !self.knows_schemas {
            return Down::Reject(stream, seq, RejectCode::UnknownSchema);
        }
        self.stored.insert((stream, seq), content);
        Down::Ack(stream, one(seq))
    }
}

fn one(seq: u64) -> SeqRanges {
    let mut ranges = SeqRanges::new();
    ranges.insert(seq);
    ranges
}

type Up = (i64, u64, u64, bool);

struct World {
    random: Random,
    disk: Disk,
    core: Core,
    collector: Collector,
    connected: bool,
    up: VecDeque<Up>,
    down: VecDeque<Down>,
    made: u64,
    /// Contents the agent was told are stored.
    told: BTreeSet<u64>,
    now: Duration,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut collector = Collector::default();
        if random.chance(30) {
            // A clone of this agent was here first, with other content under the same numbers.
            let (from, count) = (1 + random.below(20), 1 + random.below(10));
            for seq in from..from + count {
                collector.stored.insert((7, seq), 1_000_000 + seq);
            }
        }
        if random.chance(30) {
            collector.poison.extend([3, 11]);
        }
        collector.full = random.chance(30);
        let disk = Disk { stream_id: 7, next_seq: 1, ..Disk::default() };
        Self {
            random,
            disk,
            core: Core::new(7, 1),
            collector,
            connected: false,
            up: VecDeque::new(),
            down: VecDeque::new(),
            made: 0,
            told: BTreeSet::new(),
            now: Duration::ZERO,
        }
    }

    fn step(&mut self) {
        self.now += Duration::from_millis(50);
        match self.random.below(100) {
            0..25 => self.poll(),
            25..50 => self.fill(),
            50..70 => self.deliver_up(),
            70..90 => self.deliver_down(),
            90..94 => self.disconnect(),
            94..98 => self.connect(),
            98 => self.restart_agent(),
            _ => self.collector.knows_schemas = false,
        }
    }

    fn poll(&mut self) {
        let seq = self.disk.next_seq;
        self.disk.next_seq += 1;
        self.made += 1;
        self.disk.batches.insert(seq, self.made);
        self.core.refilled();
    }

    fn fill(&mut self) {
        let Some(room) = self.core.room().filter(|_| self.connected) else { return };
        // Bytes may cut the answer short.
        let most = 1 + self.random.below(room.live as u64) as usize;
        let waiting: Vec<(u64, u64)> = self
            .disk
            .batches
            .iter()
            .filter(|(seq, _)| !room.in_flight.contains(seq))
            .filter(|(seq, _)| room.only.as_ref().is_none_or(|only| only.contains(**seq)))
            .map(|(seq, content)| (*seq, *content))
            .take(most)
            .collect();
        for (seq, content) in &waiting {
            self.up.push_back((self.disk.stream_id, *seq, *content, !self.disk.schemas_sent));
            self.core.sent(*seq, Lane::Live, 10, self.now);
        }
        let effect = self.core.filled(waiting.len());
        self.apply(effect);
    }

    /// A stream never repeats what was written once; repeats come from sending again.
    fn deliver_up(&mut self) {
        let at = if self.random.chance(20) { self.random.below(4) as usize } else { 0 };
        let Some((stream, seq, content, schemas)) = self.up.remove(at) else { return };
        let answer = self.collector.take(stream, seq, content, schemas);
        self.down.push_back(answer);
    }

    fn deliver_down(&mut self) {
        let at = if self.random.chance(20) { self.random.below(4) as usize } else { 0 };
        let Some(down) = self.down.remove(at) else { return };
        // An ack may name more than once what is stored; a refusal comes once per copy.
        if matches!(down, Down::Ack(..)) && self.random.chance(5) {
            self.down.push_back(down.clone());
        }
        let effects = match down {
            Down::Ack(stream, ranges) => self.core.acked(stream, &ranges, self.now),
            Down::Reject(stream, seq, code) => {
                self.core.rejected(stream, seq, code, String::new(), self.now)
            }
        };
        self.apply(effects);
    }

    fn apply(&mut self, effects: impl IntoIterator<Item = Effect>) {
        for effect in effects {
            match effect {
                Effect::Acked(ranges) => {
                    let gone: Vec<u64> =
                        self.disk.batches.keys().copied().filter(|s| ranges.contains(*s)).collect();
                    self.disk.schemas_sent |= !gone.is_empty();
                    for seq in gone {
                        self.told.extend(self.disk.batches.remove(&seq));
                    }
                }
                Effect::Refused(refusal) => {
                    self.disk.quarantined.extend(self.disk.batches.remove(&refusal.seq));
                }
                Effect::SchemasUnknown(_) => self.disk.schemas_sent = false,
                Effect::Fork => {
                    self.disk.stream_id += 1;
                    self.core.forked(self.disk.stream_id);
                }
            }
        }
    }

    /// Both directions lose what is on the way, though the collector may have read some of it.
    fn disconnect(&mut self) {
        while self.random.chance(60) {
            self.deliver_up();
        }
        self.up.clear();
        self.down.clear();
        self.connected = false;
    }

    fn connect(&mut self) {
        self.disconnect();
        self.core.connected(&welcome(1 + (self.made % 9) as u32), self.now);
        self.connected = true;
    }

    fn restart_agent(&mut self) {
        self.disconnect();
        self.core = Core::new(self.disk.stream_id, self.disk.next_seq);
    }

    fn settle(&mut self) {
        self.collector.full = false;
        self.connect();
        for _ in 0..200_000 {
            if self.disk.batches.is_empty() {
                return;
            }
            self.fill();
            self.deliver_up();
            self.deliver_down();
        }
    }
}

#[test]
fn everything_is_stored_once_and_nothing_acknowledged_is_lost() {
    for seed in 0..3_000 {
        let mut world = World::new(seed);
        for _ in 0..400 {
            world.step();
        }
        world.settle();
        assert!(world.disk.batches.is_empty(), "seed {seed}: does not drain");
        let mut times: BTreeMap<u64, u32> = BTreeMap::new();
        for content in world.collector.stored.values().filter(|content| **content < 1_000_000) {
            *times.entry(*content).or_default() += 1;
        }
        for content in 1..=world.made {
            let expected = u32::from(!world.disk.quarantined.contains(&content));
            let stored = times.get(&content).copied().unwrap_or(0);
            assert_eq!(stored, expected, "seed {seed}: batch {content}");
        }
        let lost = world.told.iter().find(|content| !times.contains_key(content));
        assert_eq!(lost, None, "seed {seed}: acknowledged and lost");
    }
}

fn welcome(window: u32) -> Welcome {
    Welcome { window, ..Welcome::default() }
}

fn core() -> Core {
    let mut core = Core::new(1, 0);
    core.connected(&welcome(10), Duration::ZERO);
    core
}

#[test]
fn the_backlog_leaves_room_for_live_batches() {
    let mut core = core();
    let room = core.room().unwrap();
    assert_eq!((room.live, room.backlog), (10, 7));
    (0..7).for_each(|seq| core.sent(seq, Lane::Backlog, 1, Duration::ZERO));
    core.filled(7);
    let room = core.room().unwrap();
    assert_eq!((room.live, room.backlog), (3, 0));
    // With none there, an answer to a batch of the backlog makes room for the next.
    core.filled(0);
    assert_eq!(core.room(), None);
    core.acked(1, &one(0), Duration::ZERO);
    assert_eq!(core.room().unwrap().backlog, 1);
}

#[test]
fn no_fork_while_an_answer_of_the_buffer_may_have_been_cut() {
    let mut core = Core::new(1, 100);
    core.connected(&welcome(10), Duration::ZERO);
    (0..5).for_each(|seq| core.sent(seq, Lane::Live, 1, Duration::ZERO));
    assert!(core.rejected(1, 0, RejectCode::Fork, String::new(), Duration::ZERO).is_empty());
    // There is room for six and one comes: the next did not fit the bytes.
    assert_eq!(core.room().unwrap().live, 6);
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    assert_eq!(core.filled(1), None);
    let mut all = SeqRanges::new();
    all.insert_range(1, 5);
    assert_eq!(core.acked(1, &all, Duration::ZERO), [Effect::Acked(all)]);
    assert_eq!(core.filled(0), Some(Effect::Fork));
}

/// Refused for its schemas, it may still be what an earlier session stored.
#[test]
fn no_fork_before_a_batch_without_its_schemas_is_asked_for_again() {
    let mut core = core();
    core.sent(1, Lane::Live, 1, Duration::ZERO);
    core.connected(&welcome(10), Duration::ZERO);
    (1..3).for_each(|seq| core.sent(seq, Lane::Live, 1, Duration::ZERO));
    core.rejected(1, 1, RejectCode::UnknownSchema, String::new(), Duration::ZERO);
    core.rejected(1, 2, RejectCode::Fork, String::new(), Duration::ZERO);
    let only = core.room().unwrap().only.unwrap();
    assert!(only.contains(1) && !only.contains(2));
}

#[test]
fn bytes_on_the_way_are_bounded() {
    let mut core = core();
    core.sent(1, Lane::Live, WINDOW_BYTES, Duration::ZERO);
    assert_eq!(core.room(), None);
}

#[test]
fn heartbeats_are_slow_when_idle_and_a_silent_session_is_given_up() {
    let s = Duration::from_secs;
    let mut core = core();
    assert_eq!(core.due(s(0)), Due::Heartbeat);
    core.beat(s(0), Duration::from_millis(20));
    core.heard();
    assert_eq!((core.due(s(14)), core.deadline()), (Due::Nothing, s(15)));
    core.sent(1, Lane::Live, 1, s(5));
    assert_eq!(core.due(s(6)), Due::Heartbeat);
    core.beat(s(6), Duration::from_millis(20));
    core.beat(s(7), Duration::from_millis(20));
    assert_eq!(core.due(Duration::from_millis(8_999)), Due::Heartbeat);
    assert_eq!(core.due(s(9)), Due::Redial);
    // A long way takes longer.
    core.heard();
    core.beat(s(10), s(2));
    assert_ne!(core.due(s(19)), Due::Redial);
    assert_eq!(core.due(s(20)), Due::Redial);
}

#[test]
fn a_transport_that_gets_through_is_not_silent_but_not_for_ever() {
    let s = Duration::from_secs;
    let mut core = core();
    core.beat(s(0), Duration::from_millis(20));
    core.progressed(s(2));
    assert_ne!(core.due(s(4)), Due::Redial);
    assert_eq!(core.due(s(5)), Due::Redial);
    for at in 5..180 {
        core.progressed(s(at));
        assert_ne!(core.due(s(at)), Due::Redial);
    }
    assert_eq!(core.due(s(180)), Due::Redial);
    // A new session has its own time.
    core.connected(&welcome(10), s(0));
    core.beat(s(0), Duration::from_millis(20));
    assert_eq!((core.due(s(2)), core.due(s(3))), (Due::Nothing, Due::Redial));
}

#[test]
fn what_was_on_the_way_is_sent_again_after_a_reconnect() {
    let mut core = core();
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    core.connected(&welcome(10), Duration::ZERO);
    assert_eq!(core.room().unwrap().in_flight, BTreeSet::new());
    // An answer of the old session comes too late to mean anything.
    assert!(core.acked(1, &one(5), Duration::ZERO).is_empty());
}

#[test]
fn answers_of_another_stream_or_to_nothing_change_nothing() {
    let mut core = core();
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    let mut all = SeqRanges::new();
    all.insert_range(0, u64::MAX);
    assert!(core.acked(2, &all, Duration::ZERO).is_empty());
    assert!(core.rejected(1, 6, RejectCode::Fork, String::new(), Duration::ZERO).is_empty());
    assert_eq!(core.acked(1, &all, Duration::ZERO), [Effect::Acked(one(5))]);
}

#[test]
fn a_batch_whose_schemas_are_lost_is_set_aside_in_the_end() {
    let mut core = core();
    let mut unknown = || {
        core.sent(5, Lane::Live, 1, Duration::ZERO);
        core.rejected(1, 5, RejectCode::UnknownSchema, "lost".into(), Duration::ZERO)
    };
    for _ in 0..SCHEMA_TRIES_MAX {
        assert_eq!(unknown(), [Effect::SchemasUnknown(5)]);
    }
    let refusal = Refusal { seq: 5, code: RejectCode::UnknownSchema as i32, detail: "lost".into() };
    assert_eq!(unknown(), [Effect::Refused(refusal)]);
}

#[test]
fn what_has_no_room_waits_and_lets_others_go() {
    let mut core = core();
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    let now = Duration::from_secs(1);
    assert!(core.rejected(1, 5, RejectCode::NotNow, String::new(), now).is_empty());
    assert_eq!(core.room().unwrap().in_flight, BTreeSet::from([5]));
    assert_eq!(core.filled(0), None);
    assert!(core.is_idle());
    let _ = core.due(now + POSTPONED_FOR - Duration::from_millis(1));
    assert_eq!(core.room(), None);
    let _ = core.due(now + POSTPONED_FOR);
    assert_eq!(core.room().unwrap().in_flight, BTreeSet::new());
    // Not without end.
    let mut refuse = |seq| {
        core.sent(seq, Lane::Live, 1, now);
        core.rejected(1, seq, RejectCode::NotNow, String::new(), now)
    };
    let most = POSTPONED_MAX as u64;
    assert!((0..most).all(|seq| refuse(seq).is_empty()));
    assert!(matches!(refuse(most).as_slice(), [Effect::Refused(_)]));
}

#[test]
fn a_new_file_of_the_buffer_begins_with_an_empty_window() {
    let mut core = Core::new(1, 0);
    core.connected(&welcome(4), Duration::ZERO);
    core.sent(1, Lane::Live, WINDOW_BYTES, Duration::ZERO);
    assert_eq!(core.room(), None);
    core.forked(2);
    let room = core.room().unwrap();
    assert_eq!((room.live, room.bytes, room.in_flight.len()), (4, WINDOW_BYTES, 0));
    assert!(core.acked(1, &one(1), Duration::ZERO).is_empty(), "an answer for the old stream");
    core.sent(1, Lane::Live, 10, Duration::ZERO);
    assert_eq!(core.acked(2, &one(1), Duration::ZERO), [Effect::Acked(one(1))]);
}
