//! Files of other versions, and such that only say so.

use super::*;

#[tokio::test]
async fn a_version_with_a_bit_turned_over_keeps_nobody_from_starting() {
    for bit in [0, 1, 2, 7, 12, 30] {
        let dir = tempfile::tempdir().unwrap();
        let sent = one_batch(dir.path()).await;
        open(dir.path()).pragma_update(None, "user_version", 4 ^ (1 << bit)).unwrap();
        let running = Running::start(config(dir.path()));
        let all = running.all().await;
        assert_eq!(seqs(&all), [1], "bit {bit}");
        assert_eq!(all[0].batch.stream_id, sent.batch.stream_id, "bit {bit}");
        running.stop().await;
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    one_batch(dir.path()).await;
    open(dir.path()).execute_batch("CREATE TABLE more (a); PRAGMA user_version = 5").unwrap();
    let opened = file::open(&config(dir.path()), None, &Clock::system());
    assert!(matches!(opened, Err(BufferError::NewerFile)), "{opened:?}");
}

#[tokio::test]
async fn a_version_that_is_too_low_for_its_tables_costs_no_batch() {
    let dir = tempfile::tempdir().unwrap();
    one_batch(dir.path()).await;
    before_0004(dir.path());
    // Its third migration was done.
    open(dir.path()).pragma_update(None, "user_version", 2).unwrap();
    let running = Running::start(config(dir.path()));
    assert!(seqs(&running.all().await).contains(&1));
    running.stop().await;
}

#[tokio::test]
async fn a_count_of_before_that_no_collector_takes_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    one_batch(dir.path()).await;
    before_0004(dir.path());
    let many = "UPDATE batch SET n = n + (1 << 41)";
    assert_eq!(open(dir.path()).execute(many, []).unwrap(), 1);
    let opened = file::open(&config(dir.path()), None, &Clock::system()).unwrap();
    let told = "SELECT n FROM waiting";
    let told: i64 = opened.connection.query_row(told, [], |row| row.get(0)).unwrap();
    assert_eq!(told.cast_unsigned(), gaps::COUNT_MAX);
}
