//! Single answers and times; whole worlds of them are in `tests/model`.

use std::collections::BTreeSet;

use farwatch_proto::v1::{SeqRange, StreamStored};

use super::*;

fn one(seq: u64) -> SeqRanges {
    let mut ranges = SeqRanges::new();
    ranges.insert(seq);
    ranges
}

fn welcome(window: u32) -> Welcome {
    Welcome { window, ..Welcome::default() }
}

fn core() -> Core {
    let mut core = Core::new(1, 0);
    core.connected(&welcome(10), Duration::ZERO);
    core
}

#[test]
fn only_what_was_asked_for_and_can_be_read_is_told_of_streams() {
    let told = |stream_id, ranges: &[(u64, u64)]| StreamStored {
        stream_id,
        ranges: ranges
            .iter()
            .map(|(first, last)| SeqRange { first: *first, last: *last })
            .collect(),
    };
    let mut streams = vec![told(1, &[(2, 3)]), told(2, &[(5, 2)]), told(3, &[]), told(4, &[])];
    // Told twice: both are true.
    streams.extend([told(1, &[(4, 5)]), told(2, &[(1, 1)])]);
    let welcome = Welcome { streams, ..welcome(10) };
    let mut ranges = SeqRanges::new();
    ranges.insert_range(2, 5);
    assert_eq!(stored(&welcome, &[1, 2, 3]), [(1, ranges), (3, SeqRanges::new())]);
    assert_eq!(stored(&self::welcome(10), &[1, 2, 3]), []);
}

#[test]
fn the_backlog_leaves_room_for_live_batches() {
    let mut core = core();
    let room = core.room().unwrap();
    assert_eq!((room.live, room.backlog), (10, 7));
    (0..7).for_each(|seq| core.sent(seq, Lane::Backlog, 1, Duration::ZERO));
    core.filled(7);
    let room = core.room().unwrap();
    assert_eq!((room.live, room.backlog), (3, 0));
    // With none there, an answer to a batch of the backlog makes room for the next.
    core.filled(0);
    assert_eq!(core.room(), None);
    core.acked(1, &one(0), Duration::ZERO);
    assert_eq!(core.room().unwrap().backlog, 1);
}

#[test]
fn no_fork_while_an_answer_of_the_buffer_may_have_been_cut() {
    let mut core = Core::new(1, 100);
    core.connected(&welcome(10), Duration::ZERO);
    (0..5).for_each(|seq| core.sent(seq, Lane::Live, 1, Duration::ZERO));
    assert!(core.rejected(1, 0, RejectCode::Fork, String::new(), Duration::ZERO).is_empty());
    // There is room for six and one comes: the next did not fit the bytes.
    assert_eq!(core.room().unwrap().live, 6);
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    assert_eq!(core.filled(1), None);
    let mut all = SeqRanges::new();
    all.insert_range(1, 5);
    assert_eq!(core.acked(1, &all, Duration::ZERO), [Effect::Acked(all)]);
    assert_eq!(core.filled(0), Some(Effect::Fork));
}

/// Refused for its schemas, it may still be what an earlier session stored.
#[test]
fn no_fork_before_a_batch_without_its_schemas_is_asked_for_again() {
    let mut core = core();
    core.sent(1, Lane::Live, 1, Duration::ZERO);
    core.connected(&welcome(10), Duration::ZERO);
    (1..3).for_each(|seq| core.sent(seq, Lane::Live, 1, Duration::ZERO));
    core.rejected(1, 1, RejectCode::UnknownSchema, String::new(), Duration::ZERO);
    core.rejected(1, 2, RejectCode::Fork, String::new(), Duration::ZERO);
    let only = core.room().unwrap().only.unwrap();
    assert!(only.contains(1) && !only.contains(2));
}

#[test]
fn bytes_on_the_way_are_bounded() {
    let mut core = core();
    core.sent(1, Lane::Live, WINDOW_BYTES, Duration::ZERO);
    assert_eq!(core.room(), None);
}

#[test]
fn heartbeats_are_slow_when_idle_and_a_silent_session_is_given_up() {
    let s = Duration::from_secs;
    let mut core = core();
    assert_eq!(core.due(s(0)), Due::Heartbeat);
    core.beat(s(0), Duration::from_millis(20));
    core.heard();
    assert_eq!((core.due(s(14)), core.deadline()), (Due::Nothing, s(15)));
    core.sent(1, Lane::Live, 1, s(5));
    assert_eq!(core.due(s(6)), Due::Heartbeat);
    core.beat(s(6), Duration::from_millis(20));
    core.beat(s(7), Duration::from_millis(20));
    assert_eq!(core.due(Duration::from_millis(8_999)), Due::Heartbeat);
    assert_eq!(core.due(s(9)), Due::Redial);
    // A long way takes longer.
    core.heard();
    core.beat(s(10), s(2));
    assert_ne!(core.due(s(19)), Due::Redial);
    assert_eq!(core.due(s(20)), Due::Redial);
}

#[test]
fn a_transport_that_gets_through_is_not_silent_but_not_for_ever() {
    let s = Duration::from_secs;
    let mut core = core();
    core.beat(s(0), Duration::from_millis(20));
    core.progressed(s(2));
    assert_ne!(core.due(s(4)), Due::Redial);
    assert_eq!(core.due(s(5)), Due::Redial);
    for at in 5..180 {
        core.progressed(s(at));
        assert_ne!(core.due(s(at)), Due::Redial);
    }
    assert_eq!(core.due(s(180)), Due::Redial);
    // A new session has its own time.
    core.connected(&welcome(10), s(0));
    core.beat(s(0), Duration::from_millis(20));
    assert_eq!((core.due(s(2)), core.due(s(3))), (Due::Nothing, Due::Redial));
}

#[test]
fn what_was_on_the_way_is_sent_again_after_a_reconnect() {
    let mut core = core();
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    core.connected(&welcome(10), Duration::ZERO);
    assert_eq!(core.room().unwrap().in_flight, BTreeSet::new());
    // An answer of the old session comes too late to mean anything.
    assert!(core.acked(1, &one(5), Duration::ZERO).is_empty());
}

#[test]
fn answers_of_another_stream_or_to_nothing_change_nothing() {
    let mut core = core();
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    let mut all = SeqRanges::new();
    all.insert_range(0, u64::MAX);
    assert!(core.acked(2, &all, Duration::ZERO).is_empty());
    assert!(core.rejected(1, 6, RejectCode::Fork, String::new(), Duration::ZERO).is_empty());
    assert_eq!(core.acked(1, &all, Duration::ZERO), [Effect::Acked(one(5))]);
}

#[test]
fn a_batch_whose_schemas_are_lost_is_set_aside_in_the_end() {
    let mut core = core();
    let mut unknown = || {
        core.sent(5, Lane::Live, 1, Duration::ZERO);
        core.rejected(1, 5, RejectCode::UnknownSchema, "lost".into(), Duration::ZERO)
    };
    for _ in 0..SCHEMA_TRIES_MAX {
        assert_eq!(unknown(), [Effect::SchemasUnknown(5)]);
    }
    let refusal = Refusal { seq: 5, code: RejectCode::UnknownSchema as i32, detail: "lost".into() };
    assert_eq!(unknown(), [Effect::Refused(refusal)]);
}

#[test]
fn what_has_no_room_waits_and_lets_others_go() {
    let mut core = core();
    core.sent(5, Lane::Live, 1, Duration::ZERO);
    let now = Duration::from_secs(1);
    assert!(core.rejected(1, 5, RejectCode::NotNow, String::new(), now).is_empty());
    assert_eq!(core.room().unwrap().in_flight, BTreeSet::from([5]));
    assert_eq!(core.filled(0), None);
    assert!(core.is_idle());
    let _ = core.due(now + POSTPONED_FOR - Duration::from_millis(1));
    assert_eq!(core.room(), None);
    let _ = core.due(now + POSTPONED_FOR);
    assert_eq!(core.room().unwrap().in_flight, BTreeSet::new());
    // Not without end.
    let mut refuse = |seq| {
        core.sent(seq, Lane::Live, 1, now);
        core.rejected(1, seq, RejectCode::NotNow, String::new(), now)
    };
    let most = POSTPONED_MAX as u64;
    assert!((0..most).all(|seq| refuse(seq).is_empty()));
    assert!(matches!(refuse(most).as_slice(), [Effect::Refused(_)]));
}

#[test]
fn a_new_file_of_the_buffer_begins_with_an_empty_window() {
    let mut core = Core::new(1, 0);
    core.connected(&welcome(4), Duration::ZERO);
    core.sent(1, Lane::Live, WINDOW_BYTES, Duration::ZERO);
    assert_eq!(core.room(), None);
    core.forked(2);
    let room = core.room().unwrap();
    assert_eq!((room.live, room.bytes, room.in_flight.len()), (4, WINDOW_BYTES, 0));
    assert!(core.acked(1, &one(1), Duration::ZERO).is_empty(), "an answer for the old stream");
    core.sent(1, Lane::Live, 10, Duration::ZERO);
    assert_eq!(core.acked(2, &one(1), Duration::ZERO), [Effect::Acked(one(1))]);
}
