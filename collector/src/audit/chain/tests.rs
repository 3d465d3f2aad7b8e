use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;

use super::verify::{BROKEN_MAX, Report, Verifier};
use super::*;

fn entry(seq: i64, text: &str) -> Entry {
    Entry {
        tenant: TenantId(7),
        seq,
        at: Micros(1_700_000_000_000_000_i64.saturating_add(seq)),
        actor_kind: "user".into(),
        actor_id: 3,
        actor_name: "noc@example.net".into(),
        address: "192.0.2.7".into(),
        action: "device.create".into(),
        object_kind: "device".into(),
        object_id: seq.saturating_add(40),
        object_name: text.into(),
        before: None,
        after: Some(format!("{{\"name\":\"{text}\"}}")),
        request_id: "req_1".into(),
    }
}

fn chain(length: i64) -> (Vec<Row>, Head) {
    let mut head = Head { seq: 0, hash: START };
    let mut rows = Vec::new();
    for seq in 1..=length {
        let entry = entry(seq, &format!("router {}", seq % 3));
        let hash = link(&head.hash, &entry);
        head = Head { seq, hash };
        rows.push(Row { entry, hash });
    }
    (rows, head)
}

fn walked(rows: &[Row], head: Head) -> Report {
    let mut verifier = Verifier::default();
    rows.iter().for_each(|row| verifier.row(row.clone()));
    verifier.finish(head)
}

fn check(rows: &[Row], head: Head, expected: &[Finding]) {
    assert_eq!(walked(rows, head), Report { findings: expected.to_vec(), more: 0 });
}

/// What somebody with a shell on the database does, without making hashes.
fn edit(entry: &mut Entry, field: usize) {
    let texts = [
        &mut entry.actor_kind,
        &mut entry.actor_name,
        &mut entry.address,
        &mut entry.action,
        &mut entry.object_kind,
        &mut entry.object_name,
        &mut entry.request_id,
    ];
    match field {
        0..7 => texts.into_iter().nth(field).unwrap().push('x'),
        7 => entry.tenant.0 += 1,
        8 => entry.at.0 -= 1,
        9 => entry.actor_id += 1,
        10 => entry.object_id += 1,
        11 => entry.before = Some(String::new()),
        12 => entry.after = None,
        _ => std::mem::swap(&mut entry.before, &mut entry.after),
    }
}
const FIELDS: usize = 14;

#[test]
fn a_chain_that_nobody_touched_is_sound() {
    for length in [0, 1, 2, 100] {
        let (rows, head) = chain(length);
        assert!(walked(&rows, head).is_sound(), "{length}");
    }
}

#[test]
fn texts_cannot_flow_into_each_other() {
    let (mut one, mut two) = (entry(1, ""), entry(1, ""));
    (one.object_kind, one.object_name) = ("device".into(), "x".into());
    (two.object_kind, two.object_name) = ("devicex".into(), String::new());
    assert_ne!(link(&START, &one), link(&START, &two));
    (one.before, one.after) = (None, Some(String::new()));
    two = Entry { before: Some(String::new()), after: None, ..one.clone() };
    assert_ne!(link(&START, &one), link(&START, &two));
}

/// The form is for ever: a change of it breaks every chain that exists.
#[test]
fn the_hash_of_an_entry_never_changes() {
    let hash = blake3::Hash::from(link(&START, &entry(1, "router"))).to_hex();
    assert_eq!(&hash[..16], "f3de6719eb1cecb6");
}

#[test]
fn the_ends_of_a_chain_are_held_too() {
    let (rows, head) = chain(5);
    check(&rows[..3], head, &[Finding::HeadAhead { head: 5, last: 3 }]);
    check(&[], head, &[Finding::HeadAhead { head: 5, last: 0 }]);
    check(&rows[2..], head, &[Finding::Missing { first: 1, last: 2 }]);
    let behind = Head { seq: 3, hash: rows[2].hash };
    check(&rows, behind, &[Finding::HeadBehind { head: 3, last: 5 }]);
    // The head was never written, or it was taken away.
    check(&rows, Head { seq: 0, hash: START }, &[Finding::HeadBehind { head: 0, last: 5 }]);
    check(&rows, Head { hash: START, ..head }, &[Finding::Changed { seq: 5 }]);
}

#[test]
fn a_row_of_the_middle_that_became_the_last_is_known() {
    let (mut rows, head) = chain(9);
    let mut moved = rows.remove(4);
    moved.entry.seq = 10;
    rows.push(moved);
    let expected = [
        Finding::Missing { first: 5, last: 5 },
        Finding::Reordered { seq: 10, written_as: 5 },
        Finding::HeadBehind { head: 9, last: 10 },
    ];
    check(&rows, head, &expected);
}

#[test]
fn a_row_that_was_taken_out_with_the_rest_moved_up_is_found() {
    let (mut rows, head) = chain(6);
    rows.remove(2);
    rows.iter_mut().zip(1..).for_each(|(row, seq)| row.entry.seq = seq);
    let expected = [
        Finding::Changed { seq: 3 },
        Finding::Reordered { seq: 4, written_as: 5 },
        Finding::Reordered { seq: 5, written_as: 6 },
        Finding::HeadAhead { head: 6, last: 5 },
    ];
    check(&rows, head, &expected);
}

#[test]
fn what_is_beyond_the_bound_is_counted() {
    let (mut rows, head) = chain(100);
    rows.iter_mut().for_each(|row| row.entry.action.push('x'));
    let report = walked(&rows, head);
    assert_eq!((report.findings.len(), report.more), (BROKEN_MAX, 100 - BROKEN_MAX as u64));
    let (mut rows, head) = chain(200);
    rows.retain(|row| row.entry.seq % 2 == 0);
    let report = walked(&rows, head);
    assert_eq!(report.findings.len(), BROKEN_MAX);
    // Each hole, and the row after it.
    assert_eq!(report.more, 2 * (100 - BROKEN_MAX as u64));
}

#[test]
fn places_that_no_row_can_have_end_nothing() {
    let (rows, head) = chain(2);
    for seq in [i64::MIN, -1, 0] {
        let mut rows = rows.clone();
        rows.insert(0, Row { entry: entry(seq, ""), hash: [9; 32] });
        let found = walked(&rows, head).findings;
        assert!(found.contains(&Finding::Changed { seq }), "{found:?}");
    }
    let mut rows = rows;
    rows.push(Row { entry: entry(i64::MAX, ""), hash: [9; 32] });
    let holes = Finding::Missing { first: 3, last: i64::MAX - 1 };
    check(&rows, head, &[holes, Finding::HeadBehind { head: 2, last: i64::MAX }]);
}

#[test]
fn findings_name_the_row() {
    for (finding, text) in [
        (Finding::Changed { seq: 4 }, "row 4 was changed, or the row before it was replaced"),
        (Finding::Missing { first: 4, last: 4 }, "row 4 is missing"),
        (Finding::Missing { first: 4, last: 6 }, "rows 4 to 6 are missing"),
        (Finding::Reordered { seq: 4, written_as: 6 }, "row 4 was written as row 6"),
    ] {
        assert_eq!(finding.to_string(), text);
    }
}

proptest! {
    #[test]
    fn an_edit_of_any_field_of_any_row_is_named(
        length in 1_i64..30, at: Index, field in 0..FIELDS,
    ) {
        let (mut rows, head) = chain(length);
        let row = &mut rows[at.index(length as usize)];
        edit(&mut row.entry, field);
        let seq = row.entry.seq;
        prop_assert_eq!(walked(&rows, head).findings, [Finding::Changed { seq }]);
    }

    #[test]
    fn a_row_that_was_replaced_with_its_hash_breaks_the_next_or_the_head(
        length in 1_i64..30, at: Index, field in 0..FIELDS,
    ) {
        let (mut rows, head) = chain(length);
        let at = at.index(length as usize);
        let previous = if at == 0 { START } else { rows[at - 1].hash };
        edit(&mut rows[at].entry, field);
        rows[at].hash = link(&previous, &rows[at].entry);
        let seq = (at as i64 + 2).min(length);
        prop_assert_eq!(walked(&rows, head).findings, [Finding::Changed { seq }]);
    }

    #[test]
    fn rows_that_were_deleted_are_named(
        length in 1_i64..30, gone in proptest::collection::btree_set(1_i64..30, 1..6),
    ) {
        let (mut rows, head) = chain(length);
        let gone: BTreeSet<i64> = gone.into_iter().filter(|seq| *seq <= length).collect();
        rows.retain(|row| !gone.contains(&row.entry.seq));
        let mut named = BTreeSet::new();
        for finding in walked(&rows, head).findings {
            match finding {
                Finding::Missing { first, last } => named.extend(first..=last),
                Finding::HeadAhead { head, last } => named.extend(last + 1..=head),
                other => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert_eq!(named, gone);
    }

    #[test]
    fn rows_that_changed_places_are_named_and_no_others(
        length in 2_i64..30, first: Index, second: Index,
    ) {
        let (mut rows, head) = chain(length);
        let (first, second) = (first.index(length as usize), second.index(length as usize));
        prop_assume!(first != second);
        rows.swap(first, second);
        rows[first].entry.seq = first as i64 + 1;
        rows[second].entry.seq = second as i64 + 1;
        let (low, high) = (first.min(second) as i64 + 1, first.max(second) as i64 + 1);
        let expected = [
            Finding::Reordered { seq: low, written_as: high },
            Finding::Reordered { seq: high, written_as: low },
        ];
        prop_assert_eq!(walked(&rows, head).findings, expected);
    }
}
