//! What the file tells of batches beside them is held against what was written too.

use super::*;
use crate::buffer::epochs::Epochs;
use crate::buffer::making::Making;

const PAGE: u64 = 4096;

fn changed(dir: &Path, text: &str) {
    assert_eq!(open(dir).execute(text, []).unwrap(), 1, "{text}");
}

/// So many batches of a row each; the first `acked` of them are acknowledged, and the buffer is closed.
async fn batches(dir: &Path, all: i64, acked: usize) -> Vec<Outgoing> {
    // Each row closes its batch.
    let running = Running::start(BufferConfig { batch_age: Duration::ZERO, ..config(dir) });
    running.measured(0).await;
    for number in 0..all {
        let before = running.buffer.state().borrow().next_seq;
        running.push(row(number, running.clock.now())).await;
        running.until(|state| state.next_seq > before).await;
    }
    let sent = running.all().await;
    running.acked(&sent[..acked]).await;
    let left = sent.len() as u64 - acked as u64;
    running.until(|state| state.batches == left).await;
    running.stop().await;
    sent
}

/// What can be read of the file goes on in a fresh one.
fn renewed(dir: &Path) {
    let path = dir.join("buffer.db");
    aside::renew(&path, &config(dir), None, &Clock::system()).unwrap();
}

fn seqs_of(sent: &[Outgoing]) -> Vec<u64> {
    let mut seqs = seqs(sent);
    seqs.sort_unstable();
    seqs
}

#[test]
fn a_fresh_file_is_finished_only_without_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let (path, clock) = (dir.path().join("buffer.db"), Clock::system());
    let epochs = Epochs::new(Default::default(), 1, clock.look());
    let making = Making::begin(&path, &config(dir.path()), &epochs, &clock).unwrap();
    let half = aside::making_path(&path);
    // Somebody else who reads keeps the log from being emptied.
    let reader = rusqlite::Connection::open(&half).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT COUNT(*) FROM gap", [], |row| row.get::<_, i64>(0)).unwrap();
    let connection = &making.file.connection;
    connection.busy_timeout(Duration::ZERO).unwrap();
    connection.execute("UPDATE stream SET committed_at = 5", []).unwrap();
    assert!(making.finish().is_err());
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn a_fresh_file_that_was_half_made_is_not_taken_for_one() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 1, 0).await;
    let path = dir.path().join("buffer.db");
    std::fs::rename(&path, aside::making_path(&path)).unwrap();
    let running = Running::start(config(dir.path()));
    assert_eq!(running.buffer.state().borrow().batches, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_row_of_what_waits_that_was_turned_over_is_known_by_the_batch() {
    for turned in ["bytes = -5", "bytes = 9223372036854775807", "n = n + (1 << 41)", "t_max = -1"] {
        let dir = tempfile::tempdir().unwrap();
        let sent = batches(dir.path(), 3, 0).await;
        changed(dir.path(), &format!("UPDATE waiting SET {turned} WHERE seq = 2"));
        // Of this one only its row tells.
        changed(dir.path(), "UPDATE batch SET n = 7 WHERE seq = 1");
        let running = Running::start(config(dir.path()));
        let state = running.buffer.state().borrow().clone();
        let bytes: usize = sent.iter().map(|one| one.batch.data.len()).sum();
        assert_eq!((state.batches, state.bytes), (3, bytes as u64), "{turned}");
        running.measured(0).await;
        let gap = running.told().await;
        assert_eq!((gap.seq_first, gap.count), (1, 1), "{turned}");
        let left = running.all().await;
        assert_eq!(seqs_of(&left)[..2], [2, 3], "{turned}");
        running.acked(&left).await;
        running.until(|state| state.batches == 0 && state.bytes == 0).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn where_neither_tells_what_a_batch_was_it_is_declared_as_not_counted() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 3, 0).await;
    changed(dir.path(), "UPDATE waiting SET n = n + 1 WHERE seq = 2");
    changed(dir.path(), "UPDATE batch SET n = n + 1 WHERE seq = 2");
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    running.told().await;
    let all = running.all().await;
    let told = gaps(&all);
    let told: Vec<_> = told.iter().map(|gap| (gap.class, gap.seq_first, gap.count)).collect();
    assert_eq!(told, [(1, 2, 0), (2, 2, 0), (3, 2, 0)]);
    assert_eq!(seqs_of(&all)[..2], [1, 3]);
    running.stop().await;
}

#[test]
fn a_gap_that_is_not_what_was_written_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let mut file = file::open(&config(dir.path()), None, &clock).unwrap();
    let now = clock.now();
    for seq in 1..=4 {
        let gap = Gap {
            stream_id: file.stream_id,
            seq_first: seq,
            seq_last: seq,
            from_us: now.0 - 9,
            to_us: now.0,
            class: 3,
            count: seq,
            reason: GapReason::Evicted as i32,
        };
        let epoch = file.epochs.current();
        gaps::record(&file.connection, &gap, (epoch, epoch)).unwrap();
    }
    changed(dir.path(), "UPDATE gap SET count = count + (1 << 41) WHERE gap_id = 2");
    changed(dir.path(), "UPDATE gap SET from_epoch = -3 WHERE gap_id = 4");
    let ahead_us = clock.look().ahead_us;
    file.epochs.measured(Measured { ahead_us, offset_us: 0, error_us: 1000 });
    let told = gaps::report(&file.connection, (file.stream_id, 77), now, &file.epochs).unwrap();
    let told: Vec<_> = told
        .into_iter()
        .map(|event| match event.kind {
            Some(event::Kind::Gap(gap)) => (gap.seq_first, gap.class, gap.count, gap.reason()),
            other => panic!("{other:?}"),
        })
        .collect();
    let known = |seq| (seq, 3, seq, GapReason::Evicted);
    let unknown = |class| (77, class, 0, GapReason::Corrupt);
    assert_eq!(told, [known(1), known(3), unknown(1), unknown(2), unknown(3)]);
    assert!(!gaps::any_unreported(&file.connection, &file.epochs).unwrap());
}

#[tokio::test]
async fn a_gap_whose_reporter_was_turned_over_is_told_by_another() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 2, 0).await;
    changed(dir.path(), "UPDATE batch SET data = x'00' WHERE seq = 1");
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    let first = running.told().await;
    running.stop().await;
    // Nobody with this number ever waits: no acknowledgement takes it away.
    changed(dir.path(), "UPDATE gap SET batch_seq = 12345678");
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    running.until(|state| state.batches == 3).await;
    let told = gaps(&running.all().await);
    assert_eq!(told.len(), 2, "as no word came of the first: {told:?}");
    assert!(told.iter().all(|gap| gap.seq_first == first.seq_first), "{told:?}");
    running.stop().await;
}

/// The page of a table or an index tells one row less than it has.
fn one_less(dir: &Path, name: &str) {
    use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let root: i64 = open(dir).query_row(root, [name], |row| row.get(0)).unwrap();
    let path = dir.join("buffer.db");
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let at = (root.cast_unsigned() - 1) * PAGE + 3;
    let mut cells = [0; 2];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut cells).unwrap();
    let fewer = u16::from_be_bytes(cells) - 1;
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&fewer.to_be_bytes()).unwrap();
}

#[tokio::test]
async fn a_page_that_tells_fewer_rows_than_it_has_loses_nothing() {
    for name in ["waiting", "waiting_by_order", "waiting_by_class", "acked"] {
        let dir = tempfile::tempdir().unwrap();
        let sent = batches(dir.path(), 5, 2).await;
        one_less(dir.path(), name);
        let running = Running::start(config(dir.path()));
        running.measured(0).await;
        let left = running.all().await;
        let rows: Vec<_> = left.into_iter().filter(|one| one.batch.codec == 1).collect();
        let stream_id = sent[0].batch.stream_id;
        assert!(rows.iter().all(|one| one.batch.stream_id == stream_id), "{name}");
        assert_eq!(seqs_of(&rows), [3, 4, 5], "{name}");
        running.stop().await;
    }
}

#[tokio::test]
async fn what_neither_waits_nor_was_acknowledged_waits_again() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 5, 2).await;
    changed(dir.path(), "DELETE FROM waiting WHERE seq = 4");
    let running = Running::start(config(dir.path()));
    assert_eq!(seqs_of(&running.all().await), [3, 4, 5]);
    assert_eq!(running.buffer.state().borrow().batches, 3);
    running.stop().await;
}

#[tokio::test]
async fn what_is_not_known_to_wait_nor_what_it_was_is_declared_and_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 4, 0).await;
    open(dir.path()).execute("DELETE FROM waiting WHERE seq IN (2, 3)", []).unwrap();
    // Of one of before nothing proves what it says.
    changed(dir.path(), "UPDATE batch SET checksum = NULL, n = n + (1 << 41) WHERE seq = 2");
    changed(dir.path(), "UPDATE batch SET data = x'00' WHERE seq = 3");
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    let mut told = BTreeSet::new();
    let mut state = running.buffer.state();
    while told.len() < 4 {
        state.borrow_and_update();
        let all = running.all().await;
        assert!(!seqs_of(&all).contains(&2));
        told.extend(gaps(&all).iter().map(|gap| (gap.seq_first, gap.class, gap.count)));
        if told.len() < 4 {
            state.changed().await.unwrap();
        }
    }
    assert_eq!(told, [(2, 1, 0), (2, 2, 0), (2, 3, 0), (3, 3, 1)].into());
    running.stop().await;
}

#[tokio::test]
async fn what_was_acknowledged_before_a_fork_is_not_sent_in_the_new_stream() {
    let dir = tempfile::tempdir().unwrap();
    let sent = batches(dir.path(), 5, 3).await;
    let running = Running::start(config(dir.path()));
    let forked = running.buffer.fork().await.unwrap();
    running.stop().await;
    // That nobody knows of the hour any more is no reason to take its batches for waiting.
    changed(dir.path(), "UPDATE acked SET from_us = from_us + 1");
    renewed(dir.path());
    let running = Running::start(config(dir.path()));
    let left = running.all().await;
    assert_eq!(seqs_of(&left), [4, 5]);
    assert!(left.iter().all(|one| one.batch.stream_id == forked));
    assert_eq!(running.buffer.state().borrow().streams, [forked]);
    let kept = "SELECT COUNT(*) FROM batch";
    let kept: usize =
        open(dir.path()).query_row(kept, [], |row| row.get::<_, i64>(0)).unwrap() as _;
    assert_eq!(kept, sent.len(), "they take room until they go in their turn");
    running.stop().await;
}

#[tokio::test]
async fn what_is_kept_is_not_told_as_lost_and_no_number_is_used_twice() {
    let dir = tempfile::tempdir().unwrap();
    let sent = batches(dir.path(), 5, 3).await;
    // The row of the stream is an old one; that of a batch which waits is gone, and what was acknowledged
    // waits by mistake.
    let connection = open(dir.path());
    connection.execute("UPDATE stream SET next_seq = 1, reserved_to = 1", []).unwrap();
    stream::sign(&connection).unwrap();
    batches::wait(&connection, 2).unwrap();
    drop(connection);
    renewed(dir.path());
    let running = Running::start(config(dir.path()));
    assert_eq!(running.buffer.state().borrow().next_seq, sent.len() as u64 + 1);
    assert_eq!(gaps(&running.all().await), []);
    assert_eq!(summary(dir.path(), Micros(0)).unwrap().unwrap().losses, Default::default());
    running.stop().await;
}

#[tokio::test]
async fn a_batch_of_before_is_saved_if_its_content_is_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 4, 0).await;
    changed(dir.path(), "UPDATE batch SET checksum = NULL WHERE seq = 1");
    changed(dir.path(), "UPDATE batch SET checksum = NULL, n = 2 WHERE seq = 2");
    changed(dir.path(), "UPDATE batch SET checksum = NULL, data = x'0102' WHERE seq = 3");
    renewed(dir.path());
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    assert_eq!(seqs_of(&running.all().await)[..2], [1, 4]);
    running.told().await;
    let told = gaps(&running.all().await);
    let told: Vec<_> = told.iter().map(|gap| (gap.seq_first, gap.count)).collect();
    assert_eq!(told, [(2, 1), (3, 1)]);
    running.stop().await;
}

#[tokio::test]
async fn a_pointer_of_an_index_into_another_table_destroys_nothing_of_that() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 300, 0).await;
    let connection = open(dir.path());
    // Gaps that an acknowledged batch has told and one that waits does.
    let many = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)
         INSERT INTO gap (stream_id, seq_first, seq_last, from_us, to_us, class, count, reason, batch_seq)
         SELECT stream_id, n, n, 1, 2, 2, 1, 3, n FROM n, stream";
    assert_eq!(connection.execute(many, []).unwrap(), 300);
    gaps::sign_all(&connection).unwrap();
    let root = |name: &str| -> u64 {
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        let root: i64 = connection.query_row(root, [name], |row| row.get(0)).unwrap();
        root.cast_unsigned()
    };
    let (by_order, other) = (root("waiting_by_order"), root("gap_by_batch"));
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(connection);
    let path = dir.path().join("buffer.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = usize::try_from((by_order - 1) * PAGE).unwrap();
    assert_eq!(bytes[at], 2, "an inner page of an index");
    let last = at + 8;
    bytes[last..last + 4].copy_from_slice(&u32::try_from(other).unwrap().to_be_bytes());
    std::fs::write(&path, bytes).unwrap();
    let running = Running::start(config(dir.path()));
    assert_eq!(running.all().await.len(), 300);
    running.stop().await;
    let check: String =
        open(dir.path()).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let gaps = "SELECT COUNT(*) FROM gap WHERE seq_first BETWEEN 1 AND 300";
    let gaps: i64 = open(dir.path()).query_row(gaps, [], |row| row.get(0)).unwrap();
    assert_eq!(gaps, 300);
}

#[tokio::test]
async fn a_file_that_is_gone_is_declared_since_what_it_held() {
    let dir = tempfile::tempdir().unwrap();
    batches(dir.path(), 3, 0).await;
    let (since, _) = since::read(dir.path()).unwrap();
    std::fs::remove_file(dir.path().join("buffer.db")).unwrap();
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    let told = running.told().await;
    assert_eq!((told.reason(), told.count), (GapReason::Corrupt, 0));
    assert!(told.from_us <= since.0);
    running.stop().await;
}

#[tokio::test]
async fn a_stream_of_before_that_cannot_be_is_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let sent = batches(dir.path(), 3, 0).await;
    before_0004(dir.path());
    let far = "UPDATE stream SET next_seq = next_seq + (1 << 61)";
    assert_eq!(open(dir.path()).execute(far, []).unwrap(), 1);
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    assert_ne!(running.buffer.state().borrow().stream_id, sent[0].batch.stream_id);
    assert_eq!(running.told().await.reason(), GapReason::Corrupt);
    running.stop().await;
}
