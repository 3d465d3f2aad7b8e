mod beside;
mod clocks;
mod damage;
mod faults;
mod full_disk;
mod reopen;
mod rollback;
mod salvage;
mod versions;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::batch;
use farwatch_common::clock::Clock;
use farwatch_common::id::{AgentId, DeviceId};
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, Unit};
use farwatch_proto::v1::{DeviceFacts, Event, Gap, GapReason, event};

use super::*;
use crate::poll::Observation;
use crate::poll::outlet::{self, Outlet};

const MIB: u64 = 1024 * 1024;

fn schema() -> Arc<Schema> {
    let column = |number| Column {
        object: format!("if:{number}"),
        metric: "if_in_octets_total".into(),
        kind: MetricKind::Counter64,
        unit: Unit::Bytes,
        exponent: 0,
    };
    Arc::new(Schema { group: Group::Interfaces, columns: (1..=64).map(column).collect() })
}

/// A row whose values do not compress, so that few of them fill a file.
fn row(number: i64, at: Micros) -> Observation {
    let schema = schema();
    let mut value = number;
    let values = (0..64).map(|_| {
        value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        Some(value)
    });
    let row = Row {
        device: DeviceId(number + 1),
        group: Group::Interfaces,
        schema: schema.id(),
        at,
        cause: None,
        values: values.collect(),
    };
    Observation::Row { row, schema }
}

fn facts(number: i64, at: Micros) -> Observation {
    let facts = DeviceFacts { device_id: number, ..DeviceFacts::default() };
    Observation::Event(Event { at_us: at.0, kind: Some(event::Kind::DeviceFacts(facts)) })
}

fn config(dir: &Path) -> BufferConfig {
    BufferConfig {
        dir: dir.to_owned(),
        agent: AgentId(7),
        cap_bytes: 64 * MIB,
        ballast_bytes: 0,
        batch_age: gather::BATCH_AGE_MAX,
    }
}

struct Running {
    buffer: Buffer,
    observations: Outlet,
    stopped: Stopped,
    clock: Clock,
}

impl Running {
    fn start(config: BufferConfig) -> Self {
        Self::with_clock(config, Clock::system())
    }

    fn with_clock(config: BufferConfig, clock: Clock) -> Self {
        let (observations, inlet) = outlet::channel(OBSERVATIONS_MAX);
        let (buffer, stopped) = start(config, inlet, clock.clone()).unwrap();
        Self { buffer, observations, stopped, clock }
    }

    async fn push(&self, observation: Observation) {
        assert!(self.observations.send(observation).await);
    }

    async fn until(&self, wanted: impl FnMut(&BufferState) -> bool) -> BufferState {
        let mut state = self.buffer.state();
        let seen = tokio::time::timeout(Duration::from_secs(20), state.wait_for(wanted)).await;
        let Ok(seen) = seen else { panic!("not in time: {:?}", self.buffer.state().borrow()) };
        seen.unwrap().clone()
    }

    fn wanted(&self, most: usize) -> Wanted {
        Wanted {
            now: self.clock.now(),
            live: most,
            backlog: most,
            bytes: 64 * 1024 * 1024,
            backlog_bytes: 64 * 1024 * 1024,
            in_flight: BTreeSet::new(),
            only: None,
        }
    }

    async fn all(&self) -> Vec<Outgoing> {
        self.buffer.next(self.wanted(1_000_000)).await.unwrap()
    }

    /// As if the collector's clock were so far ahead of ours.
    async fn measured(&self, offset_us: i64) {
        let ahead_us = self.clock.look().ahead_us;
        let measured = Measured { ahead_us, offset_us, error_us: 1000 };
        self.buffer.clock_measured(measured).await.unwrap();
        // It has been taken in when the next command is answered.
        self.all().await;
    }

    /// The first gap that is told.
    async fn told(&self) -> Gap {
        let mut state = self.buffer.state();
        let told = async {
            loop {
                state.borrow_and_update();
                if let Some(gap) = gaps(&self.all().await).into_iter().next() {
                    return gap;
                }
                state.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), told).await.expect("a gap in time")
    }

    async fn acked(&self, batches: &[Outgoing]) {
        let stream_id = self.buffer.state().borrow().stream_id;
        self.buffer.acked(stream_id, ranges(batches)).await.unwrap();
    }

    async fn stop(self) {
        drop((self.buffer, self.observations));
        self.stopped.wait().await.unwrap();
    }
}

fn gaps(batches: &[Outgoing]) -> Vec<Gap> {
    let events = batches.iter().filter(|outgoing| outgoing.batch.codec == 2);
    let all = events.flat_map(|outgoing| batch::decode_events(&outgoing.batch.data).unwrap());
    all.filter_map(|event| match event.kind {
        Some(event::Kind::Gap(gap)) => Some(gap),
        _ => None,
    })
    .collect()
}

fn seqs(batches: &[Outgoing]) -> Vec<u64> {
    batches.iter().map(|outgoing| outgoing.batch.seq).collect()
}

fn ranges(batches: &[Outgoing]) -> SeqRanges {
    let mut ranges = SeqRanges::new();
    seqs(batches).into_iter().for_each(|seq| ranges.insert(seq));
    ranges
}

/// Another connection to the file.
fn open(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("buffer.db")).unwrap()
}

/// One batch that waits; the buffer is closed.
async fn one_batch(dir: &Path) -> Outgoing {
    let running = Running::start(config(dir));
    running.push(row(1, running.clock.now())).await;
    running.until(|state| state.batches == 1).await;
    let sent = running.all().await.remove(0);
    running.stop().await;
    sent
}

/// Makes the file one of before the migration 0004.
fn before_0004(dir: &Path) {
    let connection = open(dir);
    let back = "DROP TABLE waiting;
                DROP TABLE acked;
                ALTER TABLE batch DROP COLUMN epoch;
                ALTER TABLE batch DROP COLUMN checksum;
                ALTER TABLE stream DROP COLUMN checksum;
                ALTER TABLE gap DROP COLUMN from_epoch;
                ALTER TABLE gap DROP COLUMN to_epoch;
                ALTER TABLE gap DROP COLUMN checksum;
                CREATE INDEX batch_by_order ON batch (chunk, bulk, seq);
                CREATE INDEX batch_by_class ON batch (class, seq);
                DROP TABLE clock_epoch;
                PRAGMA user_version = 3";
    connection.execute_batch(back).unwrap();
    // Nothing was told beside it.
    std::fs::remove_file(dir.join("buffer.since")).unwrap();
}

#[tokio::test]
async fn what_is_committed_survives_a_clean_stop_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let first = Running::start(config(dir.path()));
    let now = first.clock.now();
    first.push(row(1, now)).await;
    first.push(facts(1, now)).await;
    let state = first.until(|state| state.batches == 2).await;
    assert_eq!(state.next_seq, 3);
    first.stop().await;

    let second = Running::start(config(dir.path()));
    let kept = second.all().await;
    assert_eq!(seqs(&kept), [2, 1], "events go before bulk");
    assert_eq!(gaps(&kept), []);
    assert_eq!(kept[1].batch.schemas.len(), 1);
    second.push(row(2, now)).await;
    let state = second.until(|state| state.batches == 3).await;
    assert_eq!(state.next_seq, 4, "numbers go on without a hole");
    second.stop().await;
}

#[tokio::test]
async fn acknowledged_batches_and_their_schemas_are_not_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let now = running.clock.now();
    running.push(row(1, now)).await;
    running.until(|state| state.batches == 1).await;
    let sent = running.all().await;
    running.acked(&sent).await;
    assert_eq!(running.all().await, []);
    running.until(|state| state.batches == 0 && state.bytes == 0).await;
    running.push(row(2, now)).await;
    running.until(|state| state.batches == 1).await;
    let next = running.all().await;
    assert_eq!(next[0].batch.schemas, []);
    running.buffer.schemas_unknown(next[0].batch.stream_id, next[0].batch.seq).await.unwrap();
    assert_eq!(running.all().await[0].batch.schemas.len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_refused_batch_is_set_aside_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.clock.now())).await;
    running.until(|state| state.batches == 1).await;
    let bad = running.all().await.remove(0).batch;
    let refusal = Refusal { seq: bad.seq, code: 1, detail: "test".into() };
    running.buffer.refused(bad.stream_id, refusal).await.unwrap();
    running.until(|state| state.next_seq == 3).await;
    let left = running.all().await;
    let gap = gaps(&left).remove(0);
    assert_eq!((gap.reason(), gap.seq_first, gap.count), (GapReason::Rejected, bad.seq, 1));
    running.acked(&left).await;
    running.until(|state| state.batches == 0).await;
    running.stop().await;
    let summary = summary(dir.path(), Micros(0)).unwrap().unwrap();
    assert_eq!(summary.losses["rejected_rows_class_3"], 1);
}

#[tokio::test]
async fn a_fork_keeps_what_waits_under_a_new_stream() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.clock.now())).await;
    let before = running.until(|state| state.batches == 1).await.stream_id;
    let after = running.buffer.fork().await.unwrap();
    assert_ne!(before, after);
    assert_eq!(running.all().await[0].batch.stream_id, after);
    running.stop().await;
    let again = Running::start(config(dir.path()));
    assert_eq!(again.buffer.state().borrow().stream_id, after);
    again.stop().await;
}

#[tokio::test]
async fn a_full_file_evicts_the_oldest_bulk_and_counts_every_row() {
    let dir = tempfile::tempdir().unwrap();
    let small = BufferConfig { cap_bytes: 4 * MIB, ..config(dir.path()) };
    let running = Running::start(small);
    let now = running.clock.now();
    running.push(facts(1, now)).await;
    let rows = 16_000;
    for number in 0..rows {
        running.push(row(number, now)).await;
    }
    let Running { buffer, observations, stopped, clock } = running;
    drop(observations);
    let mut state = buffer.state();
    state.wait_for(|state| state.flushed).await.unwrap();
    let (observations, _closed) = outlet::channel(1);
    let running = Running { buffer, observations, stopped, clock };
    let kept = running.all().await;
    let lost: u64 = gaps(&kept).iter().map(|gap| gap.count).sum();
    assert!(gaps(&kept).iter().all(|gap| gap.reason() == GapReason::Evicted && gap.class == 3));
    let left: usize = kept
        .iter()
        .filter(|outgoing| outgoing.batch.codec == 1)
        .map(|outgoing| batch::decode_rows(&outgoing.batch.data).unwrap().len())
        .sum();
    assert!(lost > 0, "the test fills the file");
    assert_eq!(lost + left as u64, rows.cast_unsigned());
    let facts = kept.iter().filter(|outgoing| outgoing.batch.class == Class::Events as u32);
    assert!(facts.count() >= 1, "state changes stay while there is bulk to evict");
    running.stop().await;
    let size: u64 = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size <= 4 * MIB, "{size}");
    let summary = summary(dir.path(), Micros(0)).unwrap().unwrap();
    assert_eq!(summary.losses["evicted_rows_class_3"], lost);
}

#[tokio::test]
async fn an_unclean_stop_declares_the_numbers_that_may_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.clock.now())).await;
    let state = running.until(|state| state.batches == 1).await;
    // What a kill leaves: the files as they are while the buffer runs.
    let copy = tempfile::tempdir().unwrap();
    for name in ["buffer.db", "buffer.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    running.stop().await;
    let again = Running::start(config(copy.path()));
    again.measured(0).await;
    let state_after = again.until(|state| state.batches == 2).await;
    assert_eq!(state_after.stream_id, state.stream_id);
    let kept = again.all().await;
    let gap = gaps(&kept).remove(0);
    assert_eq!((gap.reason(), gap.seq_first, gap.seq_last), (GapReason::Crash, 2, 1024));
    assert!(seqs(&kept).contains(&1) && state_after.next_seq > gap.seq_last);
    again.stop().await;
}

#[tokio::test]
async fn a_damaged_file_is_replaced_and_reported_for_any_damage() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let now = running.clock.now();
    for number in 0..300 {
        running.push(row(number, now)).await;
    }
    running.until(|state| state.batches > 0).await;
    running.stop().await;
    let good = std::fs::read(dir.path().join("buffer.db")).unwrap();
    for seed in 0u64..40 {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("buffer.db");
        let mut bad = good.clone();
        match seed {
            0 => bad.clear(),
            1 => bad.truncate(100),
            2 => bad.truncate(bad.len() / 2),
            3 => bad.fill(0),
            _ => {
                // An unclean stop, so that all is looked at; then two hundred flips anywhere.
                let connection = rusqlite::Connection::open(dir.path().join("buffer.db")).unwrap();
                connection.execute("UPDATE stream SET clean = 0, checksum = NULL", []).unwrap();
                drop(connection);
                bad = std::fs::read(dir.path().join("buffer.db")).unwrap();
                let mut at = seed;
                for _ in 0..200 {
                    at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
                    let place = (at >> 20) as usize % bad.len();
                    bad[place] ^= 1 << (at >> 60 & 7);
                }
            }
        }
        std::fs::write(&path, &bad).unwrap();
        let batch_age = Duration::from_millis(10);
        let again = Running::start(BufferConfig { batch_age, ..config(copy.path()) });
        again.measured(0).await;
        again.push(row(1, now)).await;
        again.until(|state| state.batches > 0 && state.trouble.is_none()).await;
        let told = gaps(&again.all().await);
        // The rules of the collector, which would set the batch aside with all it reports.
        assert!(told.iter().all(|gap| {
            gap.stream_id > 0
                && gap.seq_first <= gap.seq_last
                && (0..=gap.to_us).contains(&gap.from_us)
        }));
        if [0, 3].contains(&seed) {
            assert!(told.iter().any(|gap| gap.reason() == GapReason::Corrupt), "{told:?}");
        }
        again.stop().await;
        let opened = rusqlite::Connection::open(&path).unwrap();
        let check: String =
            opened.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok", "seed {seed}");
    }
}

#[tokio::test]
async fn the_order_of_the_file_is_the_order_of_the_core() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let now = running.clock.now();
    let mut places = Vec::new();
    for (seq, minutes) in (1u64..).zip([50i64, 20, 49, 1, 0, 21, 90]) {
        let at = Micros(now.0 - minutes * 60 * Micros::SECOND);
        running.push(row(minutes, at)).await;
        running.until(|state| state.batches == seq).await;
        places.push(order::Place { seq, epoch: 1, class: Class::Counters, t_min: at, t_max: at });
    }
    places.sort_by_key(|place| order::key(place, now));
    let expected: Vec<u64> = places.iter().map(|place| place.seq).collect();
    let wanted = Wanted { now, ..running.wanted(100) };
    assert_eq!(seqs(&running.buffer.next(wanted).await.unwrap()), expected);
    let in_flight: BTreeSet<u64> = [expected[0], expected[2]].into();
    let some = Wanted { now, live: 1, backlog: 2, in_flight, ..running.wanted(0) };
    let some = running.buffer.next(some).await.unwrap();
    assert_eq!(seqs(&some), [expected[1], expected[3], expected[4]]);
    running.stop().await;
}

/// Set for the child process of the test below: where it keeps its buffer.
const CHILD_DIR: &str = "FARWATCH_TEST_BUFFER_DIR";

/// The child: commits for ever and says what it has committed. As a test by itself it does nothing.
#[tokio::test]
async fn child_commits_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let running = Running::start(config(Path::new(&dir)));
    let mut state = running.buffer.state();
    for number in 0.. {
        running.push(row(number, running.clock.now())).await;
        if state.has_changed().unwrap() {
            println!("committed {}", state.borrow_and_update().next_seq);
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_committed_and_declares_the_rest() {
    use std::io::BufRead as _;
    for round in 1..=5u64 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "buffer::tests::child_commits_until_it_is_killed"])
            .env(CHILD_DIR, dir.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let told = std::io::BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| line.strip_prefix("committed ")?.parse::<u64>().ok())
            .find(|next_seq| *next_seq > 10 * round)
            .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let again = Running::start(config(dir.path()));
            again.measured(0).await;
            again.told().await;
            again.until(|state| state.batches >= told).await;
            let kept = again.all().await;
            let gap = gaps(&kept).remove(0);
            assert_eq!(gap.reason(), GapReason::Crash);
            let mut all = ranges(&kept);
            assert!((1..told).all(|seq| all.contains(seq)), "round {round}");
            // With what is declared there is no hole.
            all.insert_range(gap.seq_first, gap.seq_last);
            assert_eq!(all.len(), 1, "round {round}: {all:?}");
            again.stop().await;
        });
    }
}
