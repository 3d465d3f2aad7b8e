//! A file that is opened anew while the buffer runs, and what stands beside it.

use super::*;

fn writer_of(dir: &Path) -> writer::Writer {
    let (state, _) = watch::channel(BufferState::default());
    writer::Writer::open(config(dir), Clock::system(), state, Arc::default()).unwrap()
}

/// With a row in its file.
fn writer_with_a_row(dir: &Path) -> writer::Writer {
    let mut writer = writer_of(dir);
    writer.take(row(1, writer.clock.now()));
    writer.commit();
    writer
}

/// Fails as a disk does that is away for a moment.
fn failed() -> BufferError {
    let failed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
    BufferError::from(rusqlite::Error::SqliteFailure(failed, None))
}

#[test]
fn state_changes_that_are_lost_while_polling_goes_on_are_declared() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_of(dir.path());
    writer.take(facts(1, writer.clock.now()));
    writer.commit();
    open(dir.path()).execute_batch("DROP TABLE batch; DROP TABLE waiting").unwrap();
    writer.take(row(1, writer.clock.now()));
    writer.commit();
    assert_eq!(writer.trouble, None);
    let classes = "SELECT GROUP_CONCAT(class ORDER BY class) FROM gap WHERE reason = ?1";
    let corrupt = GapReason::Corrupt as i32;
    let classes: String =
        writer.file.connection.query_row(classes, [corrupt], |row| row.get(0)).unwrap();
    assert_eq!(classes, "1,2,3");
}

#[test]
fn numbers_that_the_file_has_used_beyond_those_of_its_owner_are_not_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_with_a_row(dir.path());
    let next = writer.file.numbers.next + 40;
    let other = open(dir.path());
    let used = "UPDATE stream SET next_seq = ?1, reserved_to = reserved_to + 40";
    assert_eq!(other.execute(used, [next.cast_signed()]).unwrap(), 1);
    stream::sign(&other).unwrap();
    drop(other);
    writer.recover(&failed()).unwrap();
    assert_eq!(writer.file.numbers.next, next);
    assert!(writer.file.numbers.reserved_to > next);
}

#[test]
fn a_reopen_that_trusts_its_file_looks_at_what_waits_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_with_a_row(dir.path());
    let away = "DELETE FROM waiting";
    assert_eq!(open(dir.path()).execute(away, []).unwrap(), 1);
    writer.recover(&failed()).unwrap();
    assert_eq!(writer.file.fill.batches, 0, "nobody looks through the whole file");
    writer.stop();
    drop(writer);
    assert_eq!(writer_of(dir.path()).file.fill.batches, 1, "but at a start");
}

#[tokio::test]
async fn what_cannot_be_cleared_beside_a_file_keeps_nobody_from_opening_it() {
    let dir = tempfile::tempdir().unwrap();
    one_batch(dir.path()).await;
    std::fs::create_dir(dir.path().join("buffer.db.making")).unwrap();
    let running = Running::start(config(dir.path()));
    assert_eq!(seqs(&running.all().await), [1]);
    running.stop().await;
}

/// What the file tells as lost for want of a number: how often, and how much.
fn unplaced(writer: &writer::Writer) -> (i64, i64) {
    let told = "SELECT COUNT(*), SUM(count) FROM gap WHERE reason = ?1";
    let evicted = GapReason::Evicted as i32;
    let told =
        writer.file.connection.query_row(told, [evicted], |row| Ok((row.get(0)?, row.get(1)?)));
    told.unwrap()
}

#[test]
fn what_a_commit_told_that_failed_and_was_kept_is_not_told_again() {
    for is_kept in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = writer_of(dir.path());
        let now = writer.clock.now();
        let lost = |count| Gap {
            stream_id: 1,
            from_us: now.0,
            to_us: now.0,
            class: Class::Gauges as u32,
            count,
            reason: GapReason::Evicted as i32,
            ..Gap::default()
        };
        writer.lose(lost(5));
        let told = writer.lost.clone();
        if is_kept {
            writer.commit();
            assert_eq!(unplaced(&writer), (1, 5));
        }
        let at = "SELECT committed_at FROM stream";
        let at = writer.file.connection.query_row(at, [], |row| row.get(0)).unwrap();
        let at = if is_kept { Micros(at) } else { now };
        // As it is when the disk says that it could not be synced.
        (writer.lost, writer.attempt) = (Default::default(), Some((at, told)));
        writer.lose(lost(2));
        writer.recover(&failed()).unwrap();
        writer.commit();
        assert_eq!(unplaced(&writer), if is_kept { (2, 7) } else { (1, 7) }, "{is_kept}");
    }
}

#[test]
fn a_check_that_could_not_be_made_is_made_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer_with_a_row(dir.path());
    let (path, away) = (dir.path().join("buffer.db"), dir.path().join("away"));
    std::fs::rename(&path, &away).unwrap();
    std::fs::create_dir(&path).unwrap();
    let corrupt = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    let corrupt = BufferError::from(rusqlite::Error::SqliteFailure(corrupt, None));
    writer.recover(&corrupt).unwrap_err();
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&away, &path).unwrap();
    assert_eq!(open(dir.path()).execute("DELETE FROM waiting", []).unwrap(), 1);
    writer.recover(&failed()).unwrap();
    assert_eq!(writer.file.fill.batches, 1, "all of the file was looked at");
}
