//! What can still be read of a damaged file is not lost with it.

use std::collections::BTreeMap;

use super::*;

const PAGE: usize = 4096;

/// A file with many batches that wait, some of which were acknowledged; as a kill leaves it if not `clean`.
async fn filled(dir: &Path, is_clean: bool) -> BTreeMap<u64, Outgoing> {
    let running = Running::start(config(dir));
    running.measured(0).await;
    let now = running.clock.now();
    for number in 0..600 {
        let before = running.buffer.state().borrow().next_seq;
        running.push(facts(number, now)).await;
        for row_of in 0..3 {
            running.push(row(3 * number + row_of, now)).await;
        }
        // A commit now and then: most batches have many rows.
        if number % 8 == 0 {
            running.until(|state| state.next_seq > before).await;
        }
    }
    let Running { buffer, observations, stopped, clock } = running;
    drop(observations);
    buffer.state().wait_for(|state| state.flushed).await.unwrap();
    let (observations, _closed) = outlet::channel(1);
    let running = Running { buffer, observations, stopped, clock };
    let all = running.all().await;
    running.acked(&all[..2]).await;
    running.until(|state| state.batches == all.len() as u64 - 2).await;
    running.stop().await;
    let connection = rusqlite::Connection::open(dir.join("buffer.db")).unwrap();
    if !is_clean {
        let running = "UPDATE stream SET clean = 0";
        connection.execute(running, []).unwrap();
        stream::sign(&connection).unwrap();
    }
    all.into_iter().skip(2).map(|one| (one.batch.seq, one)).collect()
}

fn rows_of(outgoing: &Outgoing) -> u64 {
    match outgoing.batch.codec {
        1 => batch::decode_rows(&outgoing.batch.data).unwrap().len() as u64,
        _ => batch::decode_events(&outgoing.batch.data).unwrap().len() as u64,
    }
}

/// A page of the table that has a batch, as its content shows.
fn page_with(bytes: &[u8], content: &[u8]) -> usize {
    let at = bytes.windows(24).position(|window| window == &content[..24]).unwrap();
    at / PAGE
}

#[tokio::test]
async fn what_a_bad_page_does_not_hold_goes_on_and_the_rest_is_counted_to_the_row() {
    let dir = tempfile::tempdir().unwrap();
    let sent = filled(dir.path(), true).await;
    let path = dir.path().join("buffer.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = sent.values().nth(sent.len() / 2).unwrap();
    let page = page_with(&bytes, &middle.batch.data);
    bytes[page * PAGE..(page + 1) * PAGE].fill(0xff);
    std::fs::write(&path, bytes).unwrap();

    // Only what is read shows it: the file was closed in order.
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    let first = running.all().await;
    let stream_id = middle.batch.stream_id;
    assert_eq!(running.buffer.state().borrow().stream_id, stream_id, "it goes on");
    let saved: Vec<_> = first.iter().filter(|one| sent.contains_key(&one.batch.seq)).collect();
    assert!(saved.len() > sent.len() / 2 && saved.len() < sent.len(), "{}", saved.len());
    for one in &saved {
        let known = &sent[&one.batch.seq];
        assert_eq!((&one.batch.data, one.batch.stream_id), (&known.batch.data, stream_id));
        assert_eq!(one.batch.clock_offset_us.is_some(), known.batch.clock_offset_us.is_some());
    }
    running.push(facts(1, running.clock.now())).await;
    let lost: u64 = sent
        .iter()
        .filter(|(seq, _)| !saved.iter().any(|one| one.batch.seq == **seq))
        .map(|(_, one)| rows_of(one))
        .sum();
    let mut told = Vec::new();
    let mut state = running.buffer.state();
    while told.is_empty() {
        state.changed().await.unwrap();
        told = gaps(&running.all().await);
    }
    assert!(told.iter().all(|gap| gap.reason() == GapReason::Corrupt && gap.count > 0), "{told:?}");
    assert_eq!(told.iter().map(|gap| gap.count).sum::<u64>(), lost);
    // What was acknowledged still is.
    assert_eq!(running.buffer.state().borrow().streams, [stream_id]);
    running.buffer.stored(vec![(stream_id, SeqRanges::new())]).await.unwrap();
    let before = saved.len();
    running.until(|state| state.batches as usize > before + 1).await;
    running.stop().await;
}

#[tokio::test]
async fn of_whatever_is_turned_over_nothing_is_lost_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let sent = filled(dir.path(), false).await;
    let good = std::fs::read(dir.path().join("buffer.db")).unwrap();
    let since = std::fs::read(dir.path().join("buffer.since")).unwrap();
    let total: u64 = sent.values().map(rows_of).sum();
    let (mut saved, mut of, mut counted_of) = (0, 0, 0);
    for seed in 1u64..17 {
        let copy = tempfile::tempdir().unwrap();
        let mut bad = good.clone();
        let mut at = seed;
        for _ in 0..4 {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
            let place = (at >> 20) as usize % bad.len();
            bad[place] ^= 1 << (at >> 60 & 7);
        }
        std::fs::write(copy.path().join("buffer.db"), bad).unwrap();
        std::fs::write(copy.path().join("buffer.since"), &since).unwrap();
        let running = Running::start(config(copy.path()));
        running.measured(0).await;
        let mut state = running.buffer.state();
        // All that was left open at the end is told, so there is a gap in any case.
        let (mut all, mut told) = (Vec::new(), Vec::new());
        while told.is_empty() {
            all = running.all().await;
            told = gaps(&all);
            if told.is_empty() {
                state.changed().await.unwrap();
            }
        }
        let here: Vec<_> = all.iter().filter(|one| sent.contains_key(&one.batch.seq)).collect();
        let rows: u64 = here.iter().map(|one| rows_of(one)).sum();
        for one in &here {
            assert_eq!(one.batch.data, sent[&one.batch.seq].batch.data, "seed {seed}");
        }
        let corrupt: Vec<_> =
            told.iter().filter(|gap| gap.reason() == GapReason::Corrupt).collect();
        let counted: u64 = corrupt.iter().map(|gap| gap.count).sum();
        let is_uncounted = corrupt.iter().any(|gap| gap.count == 0);
        assert!(
            rows + counted == total || is_uncounted,
            "seed {seed}: {rows} of {total}, {told:?}"
        );
        counted_of += u32::from(rows + counted == total);
        (saved, of) = (saved + rows, of + total);
        running.stop().await;
    }
    println!("{saved} of {of} rows were saved, {counted_of} files to the row");
    assert!(saved * 10 > of * 8, "{saved} of {of} rows were saved");
    assert!(counted_of >= 8, "of {counted_of} files of 16 each row is told");
}

#[tokio::test]
async fn a_file_that_lost_its_stream_is_declared_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let sent = filled(dir.path(), true).await;
    let connection = rusqlite::Connection::open(dir.path().join("buffer.db")).unwrap();
    connection.execute("UPDATE stream SET stream_id = stream_id + 1", []).unwrap();
    drop(connection);
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    let gap = running.told().await;
    let old = sent.values().next().unwrap().batch.stream_id;
    assert_eq!(gap.reason(), GapReason::Corrupt);
    assert_ne!(running.buffer.state().borrow().stream_id, old);
    running.stop().await;
}

#[tokio::test]
async fn a_file_of_before_that_cannot_be_migrated_is_saved_as_far_as_it_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let sent = filled(dir.path(), true).await;
    before_0004(dir.path());
    let path = dir.path().join("buffer.db");
    let oldest = rusqlite::Connection::open(&path).unwrap();
    let gap =
        "INSERT INTO gap (stream_id, seq_first, seq_last, from_us, to_us, class, count, reason)
               SELECT stream_id, 1, 1, 1, 2, 2, 77, 1 FROM stream";
    assert_eq!(oldest.execute(gap, []).unwrap(), 1);
    let oldest: i64 =
        oldest.query_row("SELECT MIN(t_min) FROM batch", [], |row| row.get(0)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = sent.values().nth(sent.len() / 2).unwrap();
    let page = page_with(&bytes, &middle.batch.data);
    bytes[page * PAGE..(page + 1) * PAGE].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    let all = running.all().await;
    let stream_id = middle.batch.stream_id;
    assert_eq!(running.buffer.state().borrow().stream_id, stream_id, "it goes on");
    let saved = all.iter().filter(|one| sent.contains_key(&one.batch.seq)).count();
    assert!(saved > sent.len() / 2 && saved < sent.len(), "{saved} of {}", sent.len());
    for one in all.iter().filter(|one| sent.contains_key(&one.batch.seq)) {
        assert_eq!(one.batch.data, sent[&one.batch.seq].batch.data);
    }
    running.told().await;
    let told = gaps(&running.all().await);
    assert!(told.iter().any(|gap| gap.count == 77), "what it had to tell is told: {told:?}");
    // Which others waited nothing tells any more, but since when.
    let corrupt = told.iter().filter(|gap| gap.reason() == GapReason::Corrupt);
    let oldest = order::chunk_start(order::chunk(Micros(oldest))).0;
    let corrupt: Vec<_> = corrupt.map(|gap| (gap.count, gap.from_us)).collect();
    assert_eq!(corrupt, [(0, oldest); 3]);
    running.stop().await;
}

/// A file of before with a page that is not what was written, which only shows once it was migrated.
async fn of_before(
    dir: &Path,
    is_clean: bool,
    spoil: impl FnOnce(&mut [u8], usize, &BTreeMap<u64, Outgoing>),
) -> BTreeMap<u64, Outgoing> {
    let sent = filled(dir, is_clean).await;
    before_0004(dir);
    let path = dir.join("buffer.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    // Of each page there is one.
    connection.execute_batch("VACUUM").unwrap();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'schema'";
    let root: i64 = connection.query_row(root, [], |row| row.get(0)).unwrap();
    drop(connection);
    let mut bytes = std::fs::read(&path).unwrap();
    spoil(&mut bytes, usize::try_from(root).unwrap() - 1, &sent);
    std::fs::write(&path, bytes).unwrap();
    sent
}

#[tokio::test]
async fn damage_of_a_file_of_before_that_shows_after_its_migration_costs_no_batch() {
    let dir = tempfile::tempdir().unwrap();
    let schemas = |bytes: &mut [u8], root: usize, _: &BTreeMap<u64, Outgoing>| {
        bytes[root * PAGE..(root + 1) * PAGE].fill(0xff);
    };
    let sent = of_before(dir.path(), true, schemas).await;
    let running = Running::start(config(dir.path()));
    let stream_id = sent.values().next().unwrap().batch.stream_id;
    assert_eq!(running.buffer.state().borrow().stream_id, stream_id, "it goes on");
    let all: BTreeMap<_, _> =
        running.all().await.into_iter().map(|one| (one.batch.seq, one.batch.data)).collect();
    assert!(sent.iter().all(|(seq, one)| all.get(seq) == Some(&one.batch.data)));
    running.stop().await;
}

#[tokio::test]
async fn a_broken_batch_of_a_file_of_before_is_lost_alone_after_an_unclean_stop() {
    let dir = tempfile::tempdir().unwrap();
    let largest = |sent: &BTreeMap<u64, Outgoing>| {
        sent.values().max_by_key(|one| one.batch.data.len()).unwrap().clone()
    };
    let chain = |bytes: &mut [u8], _: usize, sent: &BTreeMap<u64, Outgoing>| {
        let data = largest(sent).batch.data;
        assert!(data.len() > 3 * PAGE, "{}", data.len());
        // In the middle of its content, wherever that goes over from one page to the next.
        let places = [PAGE + PAGE / 2, PAGE + PAGE / 2 + 100];
        let place = places
            .into_iter()
            .find_map(|at| bytes.windows(24).position(|window| window == &data[at..at + 24]));
        let page = place.unwrap() / PAGE;
        bytes[page * PAGE..page * PAGE + 4].fill(0xff);
    };
    let sent = of_before(dir.path(), false, chain).await;
    let lost = largest(&sent);
    let running = Running::start(config(dir.path()));
    running.measured(0).await;
    assert_eq!(running.buffer.state().borrow().stream_id, lost.batch.stream_id, "it goes on");
    running.told().await;
    let all = running.all().await;
    let missing: Vec<_> =
        sent.keys().filter(|seq| !all.iter().any(|one| one.batch.seq == **seq)).collect();
    assert_eq!(missing, [&lost.batch.seq]);
    let told = gaps(&all);
    let told = told.iter().filter(|gap| gap.reason() == GapReason::Corrupt);
    let told: Vec<_> = told.map(|gap| (gap.class, gap.seq_first, gap.count)).collect();
    assert_eq!(told, [(lost.batch.class, lost.batch.seq, rows_of(&lost))]);
    running.stop().await;
}
