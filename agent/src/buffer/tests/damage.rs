//! Bytes that are turned over within the file, which SQLite does not see.

use super::*;

fn open(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("buffer.db")).unwrap()
}

/// So many batches of two rows each; the buffer is closed.
async fn batches_of_two(dir: &Path, batches: i64) -> Vec<Outgoing> {
    let running = Running::start(config(dir));
    for number in 0..batches {
        let (before, now) = (running.buffer.state().borrow().next_seq, running.clock.now());
        running.push(row(2 * number, now)).await;
        running.push(row(2 * number + 1, now)).await;
        running.until(|state| state.next_seq > before).await;
    }
    let all = running.all().await;
    running.stop().await;
    all
}

/// The first byte of a column of a batch.
fn turn_over(dir: &Path, column: &str, seq: u64) {
    let connection = open(dir);
    let (read, write) = (
        format!("SELECT {column} FROM batch WHERE seq = ?1"),
        format!("UPDATE batch SET {column} = ?2 WHERE seq = ?1"),
    );
    let seq = seq.cast_signed();
    let value = connection.query_row(&read, [seq], |row| row.get(0)).unwrap();
    let wrong = match value {
        rusqlite::types::Value::Blob(mut bytes) => {
            bytes[0] ^= 1;
            rusqlite::types::Value::Blob(bytes)
        }
        rusqlite::types::Value::Integer(number) => rusqlite::types::Value::Integer(number ^ 1),
        other => panic!("{other:?}"),
    };
    assert_eq!(connection.execute(&write, rusqlite::params![seq, wrong]).unwrap(), 1);
}

fn without_clock(mut outgoing: Outgoing) -> Outgoing {
    outgoing.batch.clock_offset_us = None;
    outgoing
}

#[tokio::test]
async fn a_batch_that_is_not_what_was_written_is_lost_alone_and_declared() {
    let dir = tempfile::tempdir().unwrap();
    let sent = batches_of_two(dir.path(), 7).await;
    assert_eq!(seqs(&sent), [1, 2, 3, 4, 5, 6, 7]);
    for (column, seq) in [("data", 1), ("n", 3), ("epoch", 4), ("schemas", 6)] {
        turn_over(dir.path(), column, seq);
    }
    open(dir.path()).execute("DELETE FROM batch WHERE seq = 7", []).unwrap();
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    let left = running.all().await;
    let sent: Vec<_> = sent.into_iter().map(without_clock).collect();
    let left: Vec<_> = left.into_iter().map(without_clock).collect();
    assert_eq!(seqs(&left), [2, 5]);
    assert_eq!(left, [sent[1].clone(), sent[4].clone()]);
    running.until(|state| state.next_seq > 8).await;
    let told = gaps(&running.all().await);
    let told: Vec<_> =
        told.iter().map(|gap| (gap.reason(), gap.class, gap.seq_first, gap.count)).collect();
    let lost = |seq| (GapReason::Corrupt, 3, seq, 2);
    assert_eq!(told, [1, 3, 4, 6, 7].map(lost));
    let bytes: usize = running.all().await.iter().map(|one| one.batch.data.len()).sum();
    let state = running.buffer.state().borrow().clone();
    assert_eq!((state.batches, state.bytes), (3, bytes as u64));
    running.stop().await;
    let summary = summary(dir.path(), Micros(0)).unwrap().unwrap();
    assert_eq!(summary.losses["corrupt_rows_class_3"], 10);
}

#[tokio::test]
async fn a_kept_batch_that_is_not_what_was_written_is_declared_when_it_is_to_be_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let sent = batches_of_two(dir.path(), 4).await;
    let stream_id = sent[0].batch.stream_id;
    let running = Running::start(config(dir.path()));
    running.acked(&sent).await;
    running.until(|state| state.batches == 0).await;
    running.stop().await;
    turn_over(dir.path(), "data", 2);
    turn_over(dir.path(), "t_min", 3);
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    running.buffer.stored(vec![(stream_id, SeqRanges::new())]).await.unwrap();
    let waiting = |state: &BufferState| state.next_seq > sent.len() as u64 + 1;
    running.until(waiting).await;
    let mut told = Vec::new();
    while told.len() < 4 {
        told = gaps(&running.all().await);
    }
    let told: Vec<_> = told.iter().map(|gap| (gap.reason(), gap.seq_first, gap.count)).collect();
    // Of the one whose head is wrong it is not known what it was.
    let lost = |seq, count| (GapReason::Corrupt, seq, count);
    let mut expected = vec![lost(3, 0); 3];
    expected.push(lost(2, 2));
    expected.sort_by_key(|(_, seq, _)| *seq);
    let mut told = told;
    told.sort_by_key(|(_, seq, _)| *seq);
    assert_eq!(told, expected);
    let rows: Vec<_> = running.all().await;
    let rows = rows.iter().filter(|one| one.batch.codec == 1).cloned().collect::<Vec<_>>();
    assert_eq!(seqs(&rows), [1, 4]);
    running.stop().await;
}

#[tokio::test]
async fn a_schema_that_is_not_what_was_written_comes_again_with_the_next_row() {
    let dir = tempfile::tempdir().unwrap();
    batches_of_two(dir.path(), 1).await;
    let column = "UPDATE schema SET def = CAST(REPLACE(CAST(def AS TEXT), 'if:7', 'if:8') AS BLOB)";
    assert_eq!(open(dir.path()).execute(column, []).unwrap(), 1);
    let running = Running::start(config(dir.path()));
    assert_eq!(running.all().await[0].batch.schemas, []);
    running.push(row(9, running.clock.now())).await;
    running.until(|state| state.batches == 2).await;
    let all = running.all().await;
    let schemas: Vec<_> = all.iter().map(|one| one.batch.schemas.len()).collect();
    assert_eq!(schemas, [1, 1], "both are sent with it");
    assert_eq!(all[0].batch.schemas[0].schema_id, schema().id().0);
    running.stop().await;
}

#[tokio::test]
async fn an_hour_of_acknowledgements_that_cannot_be_read_costs_no_more_than_itself() {
    let dir = tempfile::tempdir().unwrap();
    let sent = batches_of_two(dir.path(), 3).await;
    let running = Running::start(config(dir.path()));
    running.acked(&sent[..2]).await;
    running.until(|state| state.batches == 1).await;
    running.stop().await;
    let stream = "UPDATE acked SET stream_id = stream_id + 1";
    assert_eq!(open(dir.path()).execute(stream, []).unwrap(), 1);
    let running = Running::start(config(dir.path()));
    let state = running.buffer.state().borrow().clone();
    assert_eq!(state.streams, [state.stream_id], "nobody is asked for a stream that never was");
    assert_eq!(seqs(&running.all().await), [3]);
    running.buffer.stored(vec![(state.stream_id, SeqRanges::new())]).await.unwrap();
    assert_eq!(seqs(&running.all().await), [3]);
    running.push(row(9, running.clock.now())).await;
    running.until(|state| state.batches == 2).await;
    running.stop().await;
    // What takes room is still known, and goes with the rest.
    let told = "SELECT SUM(bytes), MAX(stream_id) FROM acked";
    let told = open(dir.path()).query_row(told, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let bytes: usize = sent[..2].iter().map(|one| one.batch.data.len()).sum();
    assert_eq!(told, (bytes as i64, 0_i64));
}

#[tokio::test]
async fn what_is_lost_with_one_file_after_the_other_is_told_of_each() {
    let dir = tempfile::tempdir().unwrap();
    Running::start(config(dir.path())).stop().await;
    let mut told = BTreeSet::new();
    for is_readable in [false, true] {
        if is_readable {
            let stream = "UPDATE stream SET committed_at = committed_at + 1";
            assert_eq!(open(dir.path()).execute(stream, []).unwrap(), 1);
        } else {
            std::fs::write(dir.path().join("buffer.db"), [0; 8192]).unwrap();
        }
        let running = Running::start(config(dir.path()));
        running.measured(0).await;
        let gap = running.told().await;
        assert_eq!(gap.reason(), GapReason::Corrupt);
        // What a collector knows a gap by.
        told.insert((gap.stream_id, gap.seq_first, gap.seq_last, gap.class));
        let all = running.all().await;
        running.acked(&all).await;
        running.until(|state| state.batches == 0).await;
        running.stop().await;
    }
    assert_eq!(told.len(), 2, "none hides another: {told:?}");
}

#[tokio::test]
async fn a_file_that_lost_its_log_was_not_closed_in_order() {
    let dir = tempfile::tempdir().unwrap();
    batches_of_two(dir.path(), 1).await;
    let running = Running::start(config(dir.path()));
    running.push(row(9, running.clock.now())).await;
    running.until(|state| state.batches == 2).await;
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join("buffer.db"), copy.path().join("buffer.db")).unwrap();
    running.stop().await;
    let running = Running::start(config(copy.path()));
    running.measured(0).await;
    let gap = running.told().await;
    assert_eq!((gap.reason(), gap.seq_first), (GapReason::Crash, 2));
    running.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_not_what_was_written_shifts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.clock.now())).await;
    running.until(|state| state.batches == 1).await;
    running.measured(5 * Micros::SECOND).await;
    running.push(row(2, running.clock.now())).await;
    running.until(|state| state.batches == 2).await;
    running.stop().await;
    let offset = "UPDATE clock_epoch SET offset_us = offset_us + 1000000000";
    open(dir.path()).execute(offset, []).unwrap();
    let running = Running::start(config(dir.path()));
    let offsets: Vec<_> = running.all().await.iter().map(|one| one.batch.clock_offset_us).collect();
    assert_eq!(offsets, [None, None]);
    running.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_not_what_was_written_is_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let sent = batches_of_two(dir.path(), 1).await;
    let stream = "UPDATE stream SET stream_id = stream_id + 1";
    open(dir.path()).execute(stream, []).unwrap();
    let running = Running::start(config(dir.path()));
    let state = running.buffer.state().borrow().clone();
    assert!(![0, 1].contains(&(state.stream_id - sent[0].batch.stream_id)), "{state:?}");
    running.stop().await;
}
