//! A collector that comes back from an old copy of its files.

use super::*;
use crate::buffer::delivered::KEEP_FOR;

/// Each row is a batch of its own.
async fn batches(running: &Running, numbers: std::ops::Range<i64>) -> Vec<Outgoing> {
    for number in numbers {
        let before = running.buffer.state().borrow().next_seq;
        running.push(row(number, running.clock.now())).await;
        running.until(|state| state.next_seq > before).await;
    }
    running.all().await
}

async fn all_acked(running: &Running, batches: &[Outgoing]) {
    running.acked(batches).await;
    running.until(|state| state.batches == 0 && state.bytes == 0).await;
}

async fn has(running: &Running, stream_id: i64, stored: &[Outgoing]) {
    running.buffer.stored(vec![(stream_id, ranges(stored))]).await.unwrap();
}

fn without_schemas(batches: &[Outgoing]) -> Vec<Outgoing> {
    let mut batches = batches.to_vec();
    batches.iter_mut().for_each(|outgoing| outgoing.batch.schemas.clear());
    batches
}

fn count(dir: &Path, table: &str) -> i64 {
    let connection = rusqlite::Connection::open(dir.join("buffer.db")).unwrap();
    let count = format!("SELECT COUNT(*) FROM {table}");
    connection.query_row(&count, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_the_collector_has_lost_is_sent_again_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let sent = batches(&running, 1..6).await;
    let stream_id = sent[0].batch.stream_id;
    all_acked(&running, &sent).await;
    assert_eq!(running.buffer.state().borrow().streams, [stream_id]);
    running.stop().await;

    // What is kept is known after a start, and is nothing that waits.
    let running = Running::start(config(dir.path()));
    assert_eq!(running.buffer.state().borrow().batches, 0);
    assert_eq!(summary(dir.path(), Micros(0)).unwrap().unwrap().oldest_us, None);
    has(&running, stream_id, &sent).await;
    assert_eq!(running.all().await, []);
    has(&running, stream_id, &sent[..2]).await;
    let state = running.until(|state| state.batches == 3).await;
    assert_eq!(state.bytes, sent[2..].iter().map(|one| one.batch.data.len() as u64).sum::<u64>());
    let again = running.all().await;
    assert_eq!(without_schemas(&again), without_schemas(&sent[2..]));
    let with_schemas = again.iter().filter(|outgoing| !outgoing.batch.schemas.is_empty());
    assert_eq!(with_schemas.count(), 3, "the collector may have lost them too");
    // Once it has them they are kept again.
    all_acked(&running, &again).await;
    has(&running, stream_id, &sent).await;
    assert_eq!(running.all().await, []);
    has(&running, stream_id, &[]).await;
    running.until(|state| state.batches == 5).await;
    assert_eq!(gaps(&running.all().await), []);
    running.stop().await;
}

#[tokio::test]
async fn what_is_kept_no_longer_is_declared_once() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let began = running.clock.now();
    let old = batches(&running, 1..6).await;
    let stream_id = old[0].batch.stream_id;
    all_acked(&running, &old).await;
    assert_eq!(count(dir.path(), "batch"), 5);
    let ended = running.clock.now();
    running.clock.shift(i64::try_from((2 * KEEP_FOR).as_micros()).unwrap());
    let new = batches(&running, 6..8).await;
    all_acked(&running, &new).await;
    assert_eq!(
        count(dir.path(), "batch"),
        7,
        "a clock that was set is nobody's until it is measured"
    );
    running.measured(0).await;
    let newer = batches(&running, 8..9).await;
    all_acked(&running, &newer).await;
    assert_eq!(count(dir.path(), "batch"), 3, "a day is over");

    has(&running, stream_id, &old[..2]).await;
    running.until(|state| state.batches == 4).await;
    let all = running.all().await;
    let declared = gaps(&all);
    assert_eq!(declared.iter().map(|gap| gap.class).collect::<Vec<_>>(), [1, 2, 3]);
    for gap in declared {
        assert_eq!(gap.reason(), GapReason::CollectorRollback);
        assert_eq!((gap.stream_id, gap.count), (stream_id, 0));
        assert_eq!((gap.seq_first, gap.seq_last), (old[2].batch.seq, old[4].batch.seq));
        assert!(gap.from_us >= began.0 && gap.to_us <= ended.0, "{gap:?}");
    }
    all_acked(&running, &all).await;
    let mut stored = old[..2].to_vec();
    stored.extend(new);
    stored.extend(newer);
    stored.extend(all);
    has(&running, stream_id, &stored).await;
    assert_eq!(running.all().await, []);
    running.stop().await;
}

#[tokio::test]
async fn a_start_in_the_middle_loses_nothing_of_what_is_to_be_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    for number in 0..4_000 {
        running.push(row(number, running.clock.now())).await;
        running.push(facts(number, running.clock.now())).await;
    }
    let Running { buffer, observations, stopped, clock } = running;
    drop(observations);
    buffer.state().wait_for(|state| state.flushed).await.unwrap();
    let (observations, _closed) = outlet::channel(1);
    let running = Running { buffer, observations, stopped, clock };
    let sent = running.all().await;
    let stream_id = sent[0].batch.stream_id;
    all_acked(&running, &sent).await;
    has(&running, stream_id, &[]).await;
    // The file closes before all of it waits, or after: both are well.
    running.stop().await;
    let running = Running::start(config(dir.path()));
    has(&running, stream_id, &[]).await;
    let waits = |state: &BufferState| state.batches == sent.len() as u64;
    running.until(waits).await;
    let sorted = |batches: &[Outgoing]| {
        let mut all: Vec<_> = batches.iter().map(|one| one.batch.clone()).collect();
        all.iter_mut().for_each(|batch| batch.schemas.clear());
        all.sort_by_key(|batch| batch.seq);
        all
    };
    assert_eq!(sorted(&running.all().await), sorted(&sent));
    running.stop().await;
}

#[tokio::test]
async fn what_is_kept_takes_a_quarter_and_goes_before_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let small = BufferConfig { cap_bytes: 4 * MIB, ..config(dir.path()) };
    let running = Running::start(small);
    let mut number = 0;
    let mut acked = 0;
    let now = running.clock.now();
    let kept = || count(dir.path(), "batch") - count(dir.path(), "waiting");
    while acked < 3 * MIB {
        for _ in 0..200 {
            number += 1;
            running.push(row(number, now)).await;
        }
        running.until(|state| state.batches > 0).await;
        let sent = running.all().await;
        acked += sent.iter().map(|one| one.batch.data.len() as u64).sum::<u64>();
        all_acked(&running, &sent).await;
    }
    let connection = rusqlite::Connection::open(dir.path().join("buffer.db")).unwrap();
    let bytes = || -> i64 {
        let sum = "SELECT SUM(LENGTH(data)) FROM batch";
        connection.query_row(sum, [], |row| row.get::<_, Option<i64>>(0)).unwrap().unwrap_or(0)
    };
    let told: i64 =
        connection.query_row("SELECT SUM(bytes) FROM acked", [], |row| row.get(0)).unwrap();
    assert_eq!(told, bytes());
    let most = i64::try_from(MIB).unwrap();
    assert!(bytes() <= most && bytes() > most / 2, "{} of {most} are kept", bytes());
    // Now the link is down: what the collector has makes room for what it has not.
    while kept() > 0 {
        for _ in 0..200 {
            number += 1;
            running.push(row(number, now)).await;
        }
        let state = running.until(|state| state.batches > 0).await;
        assert!(number < 100_000, "nothing is given up: {state:?}");
        assert_eq!(summary(dir.path(), Micros(0)).unwrap().unwrap().losses, Default::default());
    }
    running.stop().await;
}

#[tokio::test]
async fn what_was_delivered_before_a_fork_goes_to_the_stream_of_now() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let sent = batches(&running, 1..4).await;
    let old = sent[0].batch.stream_id;
    all_acked(&running, &sent).await;
    let new = running.buffer.fork().await.unwrap();
    let more = batches(&running, 4..5).await;
    all_acked(&running, &more).await;
    assert_eq!(running.buffer.state().borrow().streams, [new, old]);
    let told = vec![(new, SeqRanges::new()), (old, ranges(&sent[..1]))];
    running.buffer.stored(told).await.unwrap();
    running.until(|state| state.batches == 3).await;
    let again = running.all().await;
    assert!(again.iter().all(|outgoing| outgoing.batch.stream_id == new));
    assert_eq!(seqs(&again), seqs(&[&sent[1..], &more].concat()));
    running.stop().await;
}

#[tokio::test]
async fn a_batch_that_was_lost_may_be_refused_or_evicted_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let sent = batches(&running, 1..4).await;
    let stream_id = sent[0].batch.stream_id;
    all_acked(&running, &sent).await;
    has(&running, stream_id, &sent[1..]).await;
    running.until(|state| state.batches == 1).await;
    let refusal = Refusal { seq: sent[0].batch.seq, code: 1, detail: "test".into() };
    running.buffer.refused(stream_id, refusal).await.unwrap();
    let before = running.buffer.state().borrow().next_seq;
    running.until(|state| state.next_seq > before).await;
    let left = running.all().await;
    let gap = gaps(&left).remove(0);
    assert_eq!((gap.reason(), gap.seq_first), (GapReason::Rejected, sent[0].batch.seq));
    has(&running, stream_id, &sent[1..]).await;
    assert_eq!(running.all().await.len(), 1, "it is told once");
    running.stop().await;
}
