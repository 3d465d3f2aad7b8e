//! What happens to rows when the system's clock is set.

use super::*;

const SECOND: i64 = Micros::SECOND;
const YEARS_56: i64 = 56 * 31_557_600 * SECOND;

/// Starts with a clock in 1970.
fn in_1970(dir: &Path) -> Running {
    let clock = Clock::system();
    clock.shift(60 * SECOND - clock.now().0);
    Running::with_clock(config(dir), clock)
}

impl Running {
    fn at(&self, seconds_ago: i64) -> Micros {
        Micros(self.clock.now().0 - seconds_ago * SECOND)
    }
}

fn corrections(batches: &[Outgoing]) -> Vec<(Lane, bool, Option<i64>)> {
    let of = |one: &Outgoing| {
        // A clock may be led by some milliseconds while the test runs.
        let seconds = |us: i64| (us + SECOND / 2).div_euclid(SECOND);
        (one.lane, one.batch.late, one.batch.clock_offset_us.map(seconds))
    };
    batches.iter().map(of).collect()
}

#[tokio::test]
async fn what_a_clock_in_1970_has_stamped_is_corrected_by_what_is_measured_later() {
    let dir = tempfile::tempdir().unwrap();
    let running = in_1970(dir.path());
    running.push(row(1, running.at(600))).await;
    running.until(|state| state.batches == 1).await;
    running.push(row(2, running.at(0))).await;
    let before = running.until(|state| state.batches == 2).await;
    assert_eq!(
        corrections(&running.all().await),
        [(Lane::Live, false, None), (Lane::Backlog, true, None)]
    );

    running.clock.shift(YEARS_56);
    running.push(row(3, running.at(0))).await;
    let after = running.until(|state| state.batches == 3).await;
    assert_eq!(after.epoch, before.epoch + 1);
    // The clock is another, their age is the same.
    assert_eq!(seqs(&running.all().await), [2, 3, 1]);
    assert!(after.oldest.unwrap() > running.at(700), "{:?}", after.oldest);

    let status = summary(dir.path(), Micros(0)).unwrap().unwrap();
    assert!(status.oldest_us.unwrap() > running.at(700).0, "{status:?}");

    running.measured(2 * SECOND).await;
    let years = YEARS_56 / SECOND;
    let expected = [
        (Lane::Live, false, Some(years + 2)),
        (Lane::Live, false, Some(2)),
        (Lane::Backlog, true, Some(years + 2)),
    ];
    assert_eq!(corrections(&running.all().await), expected);
    running.stop().await;

    // Another process has no clock to compare with, and still knows.
    let clock = Clock::system();
    let again = Running::with_clock(config(dir.path()), clock);
    let offsets: Vec<_> =
        corrections(&again.all().await).into_iter().map(|(.., offset)| offset).collect();
    assert_eq!(offsets, [Some(2), Some(years + 2), Some(years + 2)]);
    again.stop().await;
}

#[tokio::test]
async fn what_was_on_the_way_when_the_clock_was_set_is_told_by_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    for hours in [-1, 1] {
        let running = Running::start(config(dir.path()));
        let (seen, told) = (running.at(0), running.at(0));
        running.clock.shift(hours * 3600 * SECOND);
        running.push(row(1, seen)).await;
        running.push(facts(1, told)).await;
        running.until(|state| state.batches == 2).await;
        let all = running.all().await;
        let events = batch::decode_events(&all[0].batch.data).unwrap();
        let rows = batch::decode_rows(&all[1].batch.data).unwrap();
        let moved = [events[0].at_us - told.0, rows[0].at.0 - seen.0];
        assert!(moved.iter().all(|us| (us - hours * 3600 * SECOND).abs() < SECOND), "{moved:?}");
        running.acked(&all).await;
        running.until(|state| state.batches == 0).await;
        running.stop().await;
    }
}

#[tokio::test]
async fn what_is_lost_across_a_jump_is_told_by_the_clock_of_now() {
    let dir = tempfile::tempdir().unwrap();
    let running = in_1970(dir.path());
    running.push(row(1, running.at(0))).await;
    running.until(|state| state.batches == 1).await;
    let bad = running.all().await.remove(0).batch;
    running.clock.shift(YEARS_56);
    let refusal = Refusal { seq: bad.seq, code: 1, detail: "test".into() };
    running.buffer.refused(bad.stream_id, refusal).await.unwrap();
    running.until(|state| state.next_seq == 3).await;
    let gap = gaps(&running.all().await).remove(0);
    assert!(gap.from_us > running.at(60).0 && gap.to_us <= running.at(0).0, "{gap:?}");
    running.stop().await;
}

/// The files as a power cut leaves them.
fn cut(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["buffer.db", "buffer.db-wal", "buffer.since"] {
        std::fs::copy(dir.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

const HOUR: i64 = 3600 * SECOND;

/// A clock that is so far behind.
fn behind(us: i64) -> Clock {
    let clock = Clock::system();
    clock.shift(-us);
    clock
}

/// Whether a gap lies there but for what a test takes, once the collector has moved it.
fn lies(gap: &Gap, offset_us: i64, from: Micros, to: Micros) -> bool {
    let near = |us: i64, at: Micros| (us + offset_us - at.0).abs() < 300 * SECOND;
    near(gap.from_us, from) && near(gap.to_us, to)
}

#[tokio::test]
async fn a_crash_begins_by_the_clock_of_then_and_ends_by_that_of_now() {
    for is_set in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        // The collector's clock is the system's, and the one of the host three hours behind.
        let running = Running::with_clock(config(dir.path()), behind(3 * HOUR));
        running.measured(3 * HOUR).await;
        running.push(row(1, running.at(0))).await;
        running.until(|state| state.batches == 1).await;
        let (copy, then) = (cut(dir.path()), Clock::system().now());
        running.stop().await;

        let again = Running::with_clock(config(copy.path()), behind(HOUR));
        again.push(row(2, again.at(0))).await;
        let early = again.until(|state| state.batches == 2).await;
        assert_eq!(gaps(&again.all().await).len(), 0, "by which clock is not known");
        if is_set {
            again.clock.shift(HOUR);
            again.push(row(3, again.at(0))).await;
            again.until(|state| state.epoch > early.epoch).await;
        }
        let offset_us = if is_set { 0 } else { HOUR };
        again.measured(offset_us).await;
        let gap = again.told().await;
        assert_eq!(gap.reason(), GapReason::Crash);
        assert!(lies(&gap, offset_us, then, Clock::system().now()), "{gap:?}");
        again.stop().await;
    }
}

/// Gaps that the file tells, or will tell.
fn gap_rows(dir: &Path) -> i64 {
    let connection = rusqlite::Connection::open(dir.join("buffer.db")).unwrap();
    connection.query_row("SELECT COUNT(*) FROM gap", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_stop_in_order_is_told_by_the_clocks_of_then_and_now_unless_it_was_short() {
    // By its own clock the agent was stopped an hour ago. That is so if that clock was right; if it was behind by that
    // hour, it was a moment ago. A slow machine has four seconds to start.
    for (offset_us, is_told) in [(0, true), (HOUR + 19 * SECOND / 10, false)] {
        let dir = tempfile::tempdir().unwrap();
        let running = Running::with_clock(config(dir.path()), behind(HOUR));
        running.measured(offset_us).await;
        running.push(row(1, running.at(0))).await;
        running.until(|state| state.batches == 1).await;
        assert_eq!(gap_rows(dir.path()), 0, "nothing was before a fresh file");
        let then = running.at(0);
        running.stop().await;

        let again = Running::with_clock(config(dir.path()), Clock::system());
        again.push(row(2, again.at(0))).await;
        let early = again.until(|state| state.batches == 2).await;
        assert_eq!(gaps(&again.all().await).len(), 0, "by which clock is not known");
        again.measured(0).await;
        if is_told {
            let gap = again.told().await;
            assert_eq!((gap.reason(), gap.class, gap.count), (GapReason::Stopped, 2, 0));
            assert!(lies(&gap, 0, then, again.at(0)), "{gap:?}");
            let next = again.buffer.state().borrow().next_seq;
            assert!((early.next_seq..next).contains(&gap.seq_first), "{gap:?}");
            assert_eq!((gap.stream_id, gap.seq_last), (early.stream_id, gap.seq_first));
        } else {
            again.push(row(3, again.at(0))).await;
            let state = again.until(|state| state.batches == 3).await;
            assert_eq!(state.next_seq, early.next_seq + 1, "it has used no number");
            assert_eq!((gaps(&again.all().await).len(), gap_rows(dir.path())), (0, 0));
        }
        again.stop().await;
        let status = summary(dir.path(), Micros(0)).unwrap().unwrap();
        assert!(status.losses.is_empty(), "that is no loss");
    }
}

#[tokio::test]
async fn two_stops_that_are_told_at_once_are_two() {
    let dir = tempfile::tempdir().unwrap();
    let times = [(3 * HOUR, 1), (HOUR, 2)];
    for (us, number) in times {
        let running = Running::with_clock(config(dir.path()), behind(us));
        running.push(row(number, running.at(0))).await;
        running.until(|state| state.batches == number.unsigned_abs()).await;
        running.stop().await;
    }
    let again = Running::with_clock(config(dir.path()), Clock::system());
    again.measured(0).await;
    again.told().await;
    let told = gaps(&again.all().await);
    let now = again.clock.now().0;
    let hours = |us: i64| (now - us + HOUR / 2) / HOUR;
    let each: Vec<_> =
        told.iter().map(|gap| (gap.reason(), hours(gap.from_us), hours(gap.to_us))).collect();
    assert_eq!(each, [(GapReason::Stopped, 3, 1), (GapReason::Stopped, 1, 0)]);
    assert_ne!(
        told[0].seq_first, told[1].seq_first,
        "under one number they would be taken for one"
    );
    again.stop().await;
}

#[tokio::test]
async fn a_stop_begins_when_polling_has_ended_and_not_with_what_was_still_sent() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.at(0))).await;
    running.until(|state| state.batches == 1).await;
    let Running { buffer, observations, stopped, clock } = running;
    drop(observations);
    buffer.state().wait_for(|state| state.flushed).await.unwrap();
    let ended = clock.now();
    // What is set meanwhile moves it.
    clock.shift(-HOUR);
    let stream_id = buffer.state().borrow().stream_id;
    let mut seqs = SeqRanges::new();
    seqs.insert(1);
    buffer.acked(stream_id, seqs).await.unwrap();
    buffer.state().wait_for(|state| state.batches == 0).await.unwrap();
    drop(buffer);
    stopped.wait().await.unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("buffer.db")).unwrap();
    let at = "SELECT committed_at FROM stream WHERE clean";
    let at: i64 = connection.query_row(at, [], |row| row.get(0)).unwrap();
    assert!((at - (ended.0 - HOUR)).abs() < SECOND / 10 && at <= ended.0 - HOUR + 1_000, "{at}");
}

#[tokio::test]
async fn what_was_in_a_file_that_cannot_be_read_is_told_by_the_clock_of_then() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::with_clock(config(dir.path()), behind(3 * HOUR));
    running.measured(3 * HOUR).await;
    running.push(row(1, running.at(10 * 3600))).await;
    running.until(|state| state.batches == 1).await;
    let then = Micros(Clock::system().now().0 - 10 * HOUR);
    running.stop().await;
    std::fs::write(dir.path().join("buffer.db"), "not a database any more").unwrap();

    let again = Running::with_clock(config(dir.path()), behind(HOUR));
    again.measured(HOUR).await;
    let gap = again.told().await;
    assert_eq!(gap.reason(), GapReason::Corrupt);
    let then = Micros(order::chunk_start(order::chunk(then)).0);
    assert!(lies(&gap, HOUR, then, Clock::system().now()), "{gap:?}");
    again.stop().await;
}

#[test]
fn what_found_no_room_on_both_sides_of_a_jump_has_its_ends_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (outlet, inlet) = outlet::channel(1);
    let (_full, unplaced) = inlet.into_parts();
    let state = watch::channel(BufferState::default()).0;
    let clock = Clock::system();
    let opened = writer::Writer::open(config(dir.path()), clock.clone(), state, unplaced);
    let mut writer = opened.unwrap();
    outlet.hand_on(row(1, clock.now())).unwrap();
    outlet.hand_on(row(2, clock.now())).unwrap();
    clock.shift(-HOUR);
    outlet.hand_on(row(3, Micros(clock.now().0 + SECOND))).unwrap();
    writer.take(row(1, clock.now()));
    writer.commit();
    let wrong = "SELECT COUNT(*) FILTER (WHERE from_us > to_us), SUM(count) FROM gap";
    let told = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    assert_eq!(writer.file.connection.query_row(wrong, [], told).unwrap(), (0, 2));
}

#[tokio::test]
async fn a_file_of_before_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let running = Running::start(config(dir.path()));
    running.push(row(1, running.at(0))).await;
    running.until(|state| state.batches == 1).await;
    running.stop().await;
    before_0004(dir.path());
    let again = Running::start(config(dir.path()));
    again.measured(SECOND).await;
    let all = again.all().await;
    assert_eq!(corrections(&all), [(Lane::Backlog, true, None)], "whose clock is not known");
    again.stop().await;
}
