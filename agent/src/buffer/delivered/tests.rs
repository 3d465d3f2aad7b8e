use super::*;

const MINUTE: i64 = 60 * Micros::SECOND;
const STREAM: i64 = 5;

fn set(ranges: &[(u64, u64)]) -> SeqRanges {
    let mut set = SeqRanges::new();
    ranges.iter().for_each(|(first, last)| set.insert_range(*first, *last));
    set
}

fn at(minute: i64) -> Micros {
    Micros(1_000 * MINUTE + minute * MINUTE)
}

/// Batch `seq` was made in the minute `seq`, and has 10 bytes.
fn acked(
    delivered: &mut Delivered,
    stream_id: i64,
    seqs: std::ops::RangeInclusive<u64>,
    minute: i64,
) {
    for seq in seqs {
        let made = at(seq.cast_signed());
        let batch = Acked { seq, bytes: 10, from: made, to: Micros(made.0 + 1) };
        delivered.acked(stream_id, batch, at(minute));
    }
}

fn give_up(delivered: &mut Delivered, most: usize) -> Vec<u64> {
    let oldest = delivered.oldest(most);
    oldest.iter().for_each(|seq| delivered.forget(*seq, 10));
    oldest
}

fn saved(delivered: &mut Delivered, file: &mut std::collections::BTreeMap<i64, Hour>) {
    let (write, delete) = delivered.unsaved();
    let write: Vec<Hour> = write.into_iter().cloned().collect();
    file.extend(write.into_iter().map(|hour| (hour.id, hour)));
    delete.iter().for_each(|id| drop(file.remove(id)));
    delivered.saved();
}

#[test]
fn what_the_collector_has_not_waits_again_and_what_is_gone_is_told_once() {
    let mut delivered = Delivered::default();
    acked(&mut delivered, STREAM, 1..=20, 30);
    assert_eq!(give_up(&mut delivered, 12), (1..=12).collect::<Vec<_>>());
    assert_eq!(delivered.bytes(), 80);
    // It has all: nothing to do.
    assert_eq!(delivered.compare(STREAM, &set(&[(1, 20)])), Missing::default());
    let missing = delivered.compare(STREAM, &set(&[(1, 8), (14, 15)]));
    let gone = Gone { batches: 4, first: 9, last: 12, from: at(1), to: Micros(at(20).0 + 1) };
    assert_eq!(missing, Missing { again: 6, gone: Some(gone) });
    assert_eq!(delivered.again(4), [13, 16, 17, 18]);
    [13, 16].iter().for_each(|seq| delivered.waits(*seq, 10));
    assert_eq!((delivered.again(9), delivered.bytes()), (vec![17, 18, 19, 20], 60));
    // Asked again before the rest waits: what is gone is known.
    let missing = delivered.compare(STREAM, &set(&[(1, 8), (14, 15)]));
    assert_eq!(missing, Missing { again: 4, gone: None });
    // It found another copy, which has the rest.
    assert_eq!(delivered.compare(STREAM, &set(&[(1, 20)])), Missing::default());
    assert!(!delivered.any_again());
}

#[test]
fn what_is_about_to_wait_again_is_not_given_up() {
    let mut delivered = Delivered::default();
    acked(&mut delivered, STREAM, 1..=9, 30);
    delivered.compare(STREAM, &set(&[(5, 6)]));
    assert_eq!(delivered.oldest(9), [5, 6]);
    delivered.waits(1, 10);
    // The file does not have it after all: the next comparison declares it.
    delivered.forget(2, 0);
    let gone = delivered.compare(STREAM, &set(&[(5, 6)])).gone.unwrap();
    assert_eq!((gone.batches, gone.first, gone.last), (1, 2, 2));
}

#[test]
fn a_file_that_is_opened_anew_goes_on() {
    let mut delivered = Delivered::default();
    acked(&mut delivered, STREAM, 1..=5, 0);
    acked(&mut delivered, STREAM, 6..=9, 61);
    delivered.compare(STREAM, &set(&[(3, 7)]));
    let mut opened = Delivered::new(delivered.hours.iter().map(|hour| (**hour).clone()));
    // One waits already, which was not known to be committed.
    opened.waits(2, 10);
    opened.go_on(&delivered);
    assert_eq!(opened.again(9), [1, 8, 9]);
}

#[test]
fn batches_stay_a_day_if_there_is_room() {
    let mut delivered = Delivered::default();
    acked(&mut delivered, STREAM, 1..=5, 0);
    acked(&mut delivered, STREAM, 6..=9, 59);
    acked(&mut delivered, STREAM, 10..=12, 60);
    let day = 24 * 60;
    assert!(!delivered.has_surplus(Some(at(day + 59)), 120));
    assert!(delivered.has_surplus(Some(at(day + 59)), 119), "no room");
    assert!(delivered.has_surplus(Some(at(day + 60)), 120), "the first hour is over");
    assert_eq!(give_up(&mut delivered, 100), (1..=9).collect::<Vec<_>>());
    assert!(!delivered.has_surplus(Some(at(day + 60)), 120));
    // A clock that was a year ahead was wrong, one that was an hour ahead may have been.
    assert!(!delivered.has_surplus(Some(at(0)), 120));
    assert!(delivered.has_surplus(Some(at(-day)), 120));
    assert!(!delivered.has_surplus(None, 120), "who does not know the time gives up nothing by it");
    assert!(delivered.has_surplus(None, 0), "no room");
}

#[test]
fn a_fork_begins_an_hour_and_both_streams_are_asked_for() {
    let mut delivered = Delivered::default();
    assert_eq!(delivered.streams(STREAM), [STREAM]);
    (1..=6).for_each(|stream| acked(&mut delivered, stream, stream as u64..=stream as u64, 0));
    assert_eq!(delivered.streams(6), [6, 5, 4, 3]);
    assert_eq!(delivered.streams(7), [7, 6, 5, 4]);
    assert_eq!(delivered.compare(5, &SeqRanges::new()).again, 1);
    assert_eq!(delivered.again(9), [5]);
}

#[test]
fn a_long_past_melts_and_a_file_tells_what_is_known() {
    let (mut delivered, mut file) = (Delivered::default(), std::collections::BTreeMap::new());
    let hours = HOURS_MAX as u64 + 40;
    for hour in 0..hours {
        acked(&mut delivered, STREAM, 3 * hour..=3 * hour + 1, 60 * hour.cast_signed());
        if hour > 0 {
            give_up(&mut delivered, 2);
        }
        saved(&mut delivered, &mut file);
    }
    let mut read = Delivered::new(file.into_values());
    assert_eq!(read.hours, delivered.hours);
    assert_eq!(read.hours.len(), HOURS_MAX);
    let missing = read.compare(STREAM, &set(&[(0, 3)]));
    let gone = missing.gone.unwrap();
    assert_eq!((missing.again, gone.batches, gone.first), (2, 2 * (hours - 1) - 3, 4));
    // Of what has melted it is told at the widest.
    assert_eq!(gone.from, at(0));
}

#[test]
fn an_hour_full_of_holes_is_told_as_two_and_a_past_full_of_holes_is_cut() {
    let mut delivered = Delivered::default();
    let holes = HOLES_MAX as u64;
    for hour in 0..(HOURS_MAX + 3) as u64 {
        let minute = 60 * hour.cast_signed();
        // Two of the hours have many.
        let batches = if hour < 2 { holes } else { 1 };
        for hole in 0..batches {
            let seq = hour * 10 * holes + 2 * hole;
            acked(&mut delivered, STREAM, seq..=seq, minute);
        }
        while !give_up(&mut delivered, 2 * HOLES_MAX).is_empty() {}
    }
    assert!(delivered.hours.iter().all(|hour| hour.gone.len() <= HOLES_MAX));
    let all = delivered.compare(STREAM, &SeqRanges::new()).gone.unwrap();
    assert_eq!(all.batches, holes + HOURS_MAX as u64 + 1 - 2);
}
