//! What the disk may do while the buffer runs.

use super::*;
use crate::poll::outlet::Unplaced;

/// Damages the file under a running buffer.
fn spoil(dir: &Path) {
    let connection = rusqlite::Connection::open(dir.join("buffer.db")).unwrap();
    connection.execute_batch("DROP TABLE batch").unwrap();
}

#[tokio::test]
async fn a_file_that_fails_while_it_runs_is_replaced_and_the_answers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let now = running.clock.now();
    for number in 0..3 {
        running.push(row(number, now)).await;
        running.until(|state| state.batches == number.cast_unsigned() + 1).await;
    }
    let before = running.all().await;
    spoil(dir.path());
    // Open, with a number, when the failure shows.
    running.push(row(3, now)).await;
    running.all().await;
    let stream_id = before[0].batch.stream_id;
    running.push(row(4, now)).await;
    // Of what is lost: it means no other batch.
    running.buffer.acked(stream_id, ranges(&before)).await.unwrap();
    running.push(facts(1, now)).await;
    let state = running.until(|state| state.batches >= 2 && state.trouble.is_none()).await;
    assert_eq!(state.stream_id, stream_id);
    let kept = running.all().await;
    assert!(kept.iter().all(|outgoing| outgoing.batch.stream_id == stream_id));
    assert!(seqs(&kept).iter().all(|seq| *seq > 3), "{:?}", seqs(&kept));
    let rows: usize = kept
        .iter()
        .filter(|outgoing| outgoing.batch.codec == 1)
        .map(|outgoing| batch::decode_rows(&outgoing.batch.data).unwrap().len())
        .sum();
    assert_eq!(rows, 2, "what was in memory is kept");
    let lost = gaps(&kept);
    let lost: Vec<_> =
        lost.iter().map(|gap| (gap.reason(), gap.stream_id, gap.seq_first, gap.count)).collect();
    assert_eq!(lost, [1, 2, 3].map(|seq| (GapReason::Corrupt, stream_id, seq, 1)));
    running.stop().await;
}

#[test]
fn a_sector_that_cannot_be_read_is_damage_and_a_failed_write_is_not() {
    let failed = |code| {
        let failure = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        BufferError::from(failure).is_damage()
    };
    assert!(failed(rusqlite::ffi::SQLITE_IOERR_READ));
    assert!(failed(rusqlite::ffi::SQLITE_CORRUPT));
    assert!(!failed(rusqlite::ffi::SQLITE_IOERR_FSYNC));
    assert!(!failed(rusqlite::ffi::SQLITE_FULL));
}

#[test]
fn a_file_that_cannot_be_opened_for_a_while_is_not_taken_for_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = watch::channel(BufferState::default());
    let unplaced = Arc::<Unplaced>::default();
    let mut writer =
        writer::Writer::open(config(dir.path()), Clock::system(), state, unplaced).unwrap();
    writer.take(row(1, writer.clock.now()));
    writer.commit();
    let stream_id = writer.file.stream_id;
    // The disk is away, as one that fails to sync for a while.
    let (path, away) = (dir.path().join("buffer.db"), dir.path().join("away"));
    std::fs::rename(&path, &away).unwrap();
    std::fs::create_dir(&path).unwrap();
    let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
    let failed = BufferError::from(rusqlite::Error::SqliteFailure(failed, None));
    assert!(writer.recover(&failed).is_err());
    for number in 2..6 {
        writer.take(row(number, writer.clock.now()));
        writer.commit();
        assert!(writer.trouble.is_some());
    }
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&away, &path).unwrap();
    writer.commit();
    assert_eq!((writer.file.stream_id, writer.trouble), (stream_id, None));
    let rows = "SELECT SUM(n) FROM batch WHERE class = 3";
    let rows = writer.file.connection.query_row(rows, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(rows, 5, "nothing is lost");
}

#[tokio::test]
async fn a_replacement_that_a_crash_has_interrupted_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.clock.now())).await;
    let state = running.until(|state| state.batches == 1).await;
    running.stop().await;
    // The other file is moved away, the fresh one not yet in its place.
    let path = dir.path().join("buffer.db");
    std::fs::rename(&path, dir.path().join("buffer.db.new")).unwrap();
    let again = Running::start(config(dir.path()));
    assert_eq!(again.until(|state| state.batches == 1).await.stream_id, state.stream_id);
    again.stop().await;
}

#[tokio::test]
async fn an_empty_file_does_not_push_out_the_damaged_one_kept_for_support() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("buffer.db");
    for content in [&b"not a database, but what is left of one"[..], b""] {
        std::fs::write(&path, content).unwrap();
        Running::start(config(dir.path())).stop().await;
    }
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("damaged"))
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    let kept = std::fs::read(dir.path().join(&names[0])).unwrap();
    assert!(kept.starts_with(b"not a database"));
}

#[tokio::test]
async fn another_enrolment_begins_with_an_empty_buffer() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.clock.now())).await;
    let old = running.until(|state| state.batches == 1).await.stream_id;
    running.stop().await;
    let other = BufferConfig { agent: AgentId(8), ..config(dir.path()) };
    let again = Running::start(other.clone());
    let state = again.buffer.state().borrow().clone();
    assert_eq!(state.batches, 0, "what another agent saw is not sent");
    assert_ne!(state.stream_id, old);
    again.stop().await;
    let same = Running::start(other);
    assert_eq!(same.buffer.state().borrow().stream_id, state.stream_id);
    same.stop().await;
}

#[tokio::test]
async fn a_number_in_use_is_not_taken_for_the_same_batch() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    let now = running.clock.now();
    running.push(row(1, now)).await;
    running.until(|state| state.batches == 1).await;
    // Another process puts its batch under our next number.
    let connection = rusqlite::Connection::open(dir.path().join("buffer.db")).unwrap();
    let copy = "INSERT INTO batch (seq, class, codec, chunk, bulk, t_min, t_max, n, schemas, data, epoch)
                SELECT 2, class, codec, chunk, bulk, t_min, t_max, n, schemas, data, epoch FROM batch";
    connection.execute(copy, []).unwrap();
    batches::wait(&connection, 2).unwrap();
    drop(connection);
    running.push(row(2, now)).await;
    running.until(|state| state.next_seq > 2).await;
    let kept = running.all().await;
    assert_eq!(seqs(&kept), [1, 2, 3]);
    let devices = |outgoing: &Outgoing| batch::decode_rows(&outgoing.batch.data).unwrap();
    assert_eq!(devices(&kept[2])[0].device, DeviceId(3), "ours is there as well");
    running.stop().await;
}

/// A row of a device that has other interfaces with every poll.
fn row_of_new_interfaces(number: i64, at: Micros) -> Observation {
    let Observation::Row { mut row, schema } = row(number, at) else { panic!("a row") };
    let mut schema = Arc::unwrap_or_clone(schema);
    for (place, column) in schema.columns.iter_mut().enumerate() {
        column.object = format!("if:{number}-{place}-{}", "x".repeat(200));
    }
    row.schema = schema.id();
    Observation::Row { row, schema: Arc::new(schema) }
}

#[tokio::test]
async fn schemas_that_no_batch_follows_do_not_fill_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let small = BufferConfig { cap_bytes: 4 * MIB, ..config(dir.path()) };
    let running = Running::start(small);
    let now = running.clock.now();
    let stored = || -> i64 {
        let connection = rusqlite::Connection::open(dir.path().join("buffer.db")).unwrap();
        let sum = "SELECT SUM(LENGTH(def)) FROM schema";
        connection.query_row(sum, [], |row| row.get(0)).unwrap()
    };
    // Each is acknowledged before the next: nothing has to be evicted.
    for number in 0..3 {
        for part in 0..40 {
            running.push(row_of_new_interfaces(number * 40 + part, now)).await;
        }
        let (mut rows, mut state) = (0, running.buffer.state());
        while rows < 40 {
            let sent = running.all().await;
            if sent.is_empty() {
                state.changed().await.unwrap();
            }
            let packed = sent.iter().map(|outgoing| &outgoing.batch.data);
            rows += packed.map(|data| batch::decode_rows(data).unwrap().len()).sum::<usize>();
            running.acked(&sent).await;
        }
    }
    running.until(|state| state.batches == 0).await;
    running.push(row(1000, now)).await;
    running.until(|state| state.batches == 1).await;
    assert!(stored().cast_unsigned() <= 4 * MIB / 8 + MIB / 4, "{}", stored());
    let Running { buffer, observations, stopped, clock } = running;
    // Now nobody takes them: schemas go with the batches that need them.
    for number in 1000..1400 {
        assert!(observations.send(row_of_new_interfaces(number, now)).await);
    }
    drop(observations);
    buffer.state().wait_for(|state| state.flushed).await.unwrap();
    let (observations, _closed) = outlet::channel(1);
    let running = Running { buffer, observations, stopped, clock };
    let kept = running.all().await;
    let rows = kept.iter().filter(|outgoing| outgoing.batch.codec == 1);
    assert!(rows.count() > 0, "the newest are kept");
    assert!(running.buffer.state().borrow().trouble.is_none());
    running.stop().await;
}

/// A writer whose disk takes nothing until told.
fn stuck_writer(dir: &Path, unplaced: Arc<Unplaced>) -> writer::Writer {
    let (state, _) = watch::channel(BufferState::default());
    let mut writer = writer::Writer::open(config(dir), Clock::system(), state, unplaced).unwrap();
    writer.commit();
    set_stuck(&writer, true);
    writer
}

/// Neither a new page nor a longer file.
fn set_stuck(writer: &writer::Writer, stuck: bool) {
    let pages: i64 = if stuck { 1 } else { 1 << 20 };
    writer.file.connection.pragma_update(None, "max_page_count", pages).unwrap();
}

#[test]
fn while_the_disk_is_full_numbers_last_and_every_loss_has_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = stuck_writer(dir.path(), Arc::default());
    let now = writer.clock.now();
    let first = writer.file.numbers.next;
    let mut pushed = 0u64;
    // More than fits into memory.
    for number in 0..420 {
        writer.take(row_of_new_interfaces(number, now));
        pushed += 1;
    }
    assert!(writer.trouble.is_some(), "the test makes the disk full");
    let used = writer.file.numbers.next - first;
    assert!(used < 100, "{used} numbers for 6 MB");
    // Out of numbers: what finds none is lost, twice.
    for _ in 0..2 {
        writer.file.numbers.next = writer.file.numbers.reserved_to;
        writer.close_open();
        writer.take(row(1000, now));
        pushed += 1;
        set_stuck(&writer, false);
        writer.commit();
        assert_eq!(writer.trouble, None);
        set_stuck(&writer, true);
    }
    set_stuck(&writer, false);
    writer.commit();
    let connection = &writer.file.connection;
    let count = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let kept = count("SELECT SUM(n) FROM batch WHERE class = 3").cast_unsigned();
    let lost = count("SELECT SUM(count) FROM gap").cast_unsigned();
    assert_eq!(kept + lost, pushed);
    assert_eq!(count("SELECT COUNT(*) FROM gap WHERE seq_first = 0 OR seq_last < seq_first"), 0);
    let distinct = "SELECT COUNT(DISTINCT seq_first) = COUNT(*) FROM gap";
    assert_eq!(count(distinct), 1, "none hides another");
}

#[test]
fn what_found_no_room_on_the_way_to_a_stuck_disk_is_declared_to_the_row() {
    let dir = tempfile::tempdir().unwrap();
    let (outlet, inlet) = outlet::channel(3);
    let (mut observations, unplaced) = inlet.into_parts();
    let mut writer = stuck_writer(dir.path(), unplaced);
    let now = writer.clock.now();
    let at = |second: i64| Micros(now.0 + second * Micros::SECOND);
    for second in 0..5 {
        outlet.hand_on(row_of_new_interfaces(second, at(second))).unwrap();
        outlet.hand_on(facts(second, at(second))).unwrap();
    }
    let sent = std::iter::from_fn(|| observations.try_recv().ok());
    sent.for_each(|observation| writer.take(observation));
    // Nothing can be noted yet, and what is noted is not forgotten for that.
    writer.commit();
    assert!(writer.trouble.is_some());
    set_stuck(&writer, false);
    writer.commit();
    let connection = &writer.file.connection;
    let of = |sql: &str| -> Vec<(u32, u64, i64, i64)> {
        let mut statement = connection.prepare(sql).unwrap();
        let read = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned(), row.get(2)?, row.get(3)?))
        };
        statement.query_map([], read).unwrap().map(Result::unwrap).collect()
    };
    let kept = of("SELECT class, n, t_min, t_max FROM batch WHERE class = 3");
    assert_eq!(kept, [(3, 2, at(0).0, at(1).0)]);
    let lost = of("SELECT class, count, from_us, to_us FROM gap ORDER BY class");
    assert_eq!(lost, [(1, 4, at(1).0, at(4).0), (3, 3, at(2).0, at(4).0)]);
}

/// A file that cannot be opened, as of a disk that is away, until it is put back.
fn taken_away(writer: &mut writer::Writer, dir: &Path) {
    let path = dir.join("buffer.db");
    std::fs::rename(&path, dir.join("away")).unwrap();
    std::fs::create_dir(&path).unwrap();
    let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
    let failed = BufferError::from(rusqlite::Error::SqliteFailure(failed, None));
    assert!(writer.recover(&failed).is_err());
}

fn put_back(dir: &Path) {
    let path = dir.join("buffer.db");
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(dir.join("away"), &path).unwrap();
}

fn writer_of(config: BufferConfig) -> writer::Writer {
    let (state, _) = watch::channel(BufferState::default());
    writer::Writer::open(config, Clock::system(), state, Arc::default()).unwrap()
}

#[test]
fn what_the_collector_told_while_the_disk_was_away_is_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_of(config(dir.path()));
    let mut seqs = SeqRanges::new();
    for number in 0..3 {
        writer.take(row(number, writer.clock.now()));
        writer.commit();
        seqs.insert(number.cast_unsigned() + 1);
    }
    let stream_id = writer.file.stream_id;
    seqs.remove_range(3, 3);
    writer.acked(&seqs);
    writer.commit();
    // As if that were given up.
    writer.file.delivered.forget(1, 0);
    writer.commit();
    taken_away(&mut writer, dir.path());
    writer.told = Some(vec![(stream_id, SeqRanges::new())]);
    writer.compare_told();
    assert!(writer.trouble.is_some() && writer.told.is_some());
    // It has this one, though it did not say so then.
    let mut third = SeqRanges::new();
    third.insert(3);
    writer.acked(&third);
    put_back(dir.path());
    writer.commit();
    writer.compare_told();
    assert_eq!((&writer.told, &writer.trouble), (&None, &None));
    assert_eq!(writer.file.delivered.again(9), [2]);
    let gone = "SELECT COUNT(*) FROM gap WHERE reason = 4 AND seq_first = 1 AND seq_last = 1";
    let gone = writer.file.connection.query_row(gone, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(gone, 3, "of each class");
}

#[test]
fn on_a_full_disk_what_the_collector_has_goes_first_and_is_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_of(config(dir.path()));
    for number in 0..2_000 {
        writer.take(row(number, writer.clock.now()));
        if number % 4 == 0 {
            writer.commit();
        }
    }
    writer.commit();
    let last = writer.file.numbers.next - 1;
    writer.acked.insert_range(1, last / 2);
    let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
    writer.recover(&BufferError::from(rusqlite::Error::SqliteFailure(full, None))).unwrap();
    let count =
        |sql: &str| -> i64 { writer.file.connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT COUNT(*) FROM counter"), 0, "nothing is lost");
    assert!(count("SELECT COUNT(*) FROM batch") < last.cast_signed(), "something goes");
    assert_eq!(count("SELECT COUNT(*) FROM waiting"), (last - last / 2).cast_signed());
    assert!(writer.acked.is_empty());
}

#[test]
fn what_a_file_of_before_gives_up_for_its_migration_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_of(config(dir.path()));
    for number in 0..800 {
        writer.take(row(number, writer.clock.now()));
        writer.commit();
    }
    writer.stop();
    drop(writer);
    assert!(!upgrade::make_room(&config(dir.path())).unwrap(), "it is none of before");
    before_0004(dir.path());
    assert!(upgrade::make_room(&config(dir.path())).unwrap());
    let writer = writer_of(config(dir.path()));
    let one = |sql: &str| -> (i64, i64) {
        let told = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        writer.file.connection.query_row(sql, [], told).unwrap()
    };
    let (lost, first) = one("SELECT SUM(count), MIN(seq_first) FROM gap WHERE seq_first > 0");
    assert!((50..200).contains(&lost) && first == 1, "{lost}");
    assert_eq!(one("SELECT SUM(n), MIN(seq) FROM waiting"), (800 - lost, lost + 1));
    assert_eq!(one("SELECT SUM(value), COUNT(*) FROM counter"), (2 * lost, 2));
}

#[test]
fn a_file_that_is_full_is_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_of(config(dir.path()));
    for number in 0..2_000 {
        writer.take(row(number, writer.clock.now()));
        writer.commit();
    }
    writer.stop();
    let stream_id = writer.file.stream_id;
    drop(writer);
    before_0004(dir.path());
    let file = rusqlite::Connection::open(dir.path().join("buffer.db")).unwrap();
    file.execute_batch("VACUUM").unwrap();
    let pages: u64 = file
        .pragma_query_value(None, "page_count", |row| row.get::<_, i64>(0))
        .unwrap()
        .cast_unsigned();
    drop(file);
    let writer = writer_of(BufferConfig { cap_bytes: pages * 4096, ..config(dir.path()) });
    assert_eq!((writer.file.stream_id, writer.file.fill.batches), (stream_id, 2_000));
}
