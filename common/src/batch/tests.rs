use farwatch_proto::v1::{DeviceFacts, event};
use proptest::prelude::*;

use super::*;
use crate::clock::Micros;
use crate::id::DeviceId;
use crate::sample::{Cause, Group, Row, SchemaId};

fn row(device: i64, at: i64, values: Vec<Option<i64>>) -> Row {
    Row {
        device: DeviceId(device),
        group: Group::Interfaces,
        schema: SchemaId(42),
        at: Micros(at),
        cause: None,
        values,
    }
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let one = (0i64..4, any::<i64>(), 0u32..9, 0usize..12, any::<u64>());
    prop::collection::vec(one, 0..40).prop_map(|rows| {
        let make = |(device, at, cause, columns, bits): (i64, i64, u32, usize, u64)| Row {
            device: DeviceId(device),
            group: Group::System,
            // Rows of one schema have one length.
            schema: SchemaId(columns as i64),
            at: Micros(at),
            cause: Cause::from_wire(cause),
            values: match Cause::from_wire(cause) {
                Some(_) => Vec::new(),
                None => (0..columns)
                    .map(|c| (bits >> c & 1 == 1).then_some(bits.rotate_left(c as u32) as i64))
                    .collect(),
            },
        };
        let mut rows: Vec<Row> = rows.into_iter().map(make).collect();
        rows.sort_by_key(|row| (row.device, row.group, row.schema));
        rows
    })
}

proptest! {
    #[test]
    fn rows_round_trip(rows in any_rows()) {
        let packed = encode_rows(&rows).unwrap();
        prop_assert_eq!(decode_rows(&packed).unwrap(), rows);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(garbage in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode_rows(&garbage);
        let _ = decode_events(&garbage);
        // And past the decompression, where it gets further.
        let _ = decode_rows(&compress(&garbage).unwrap());
    }

    #[test]
    fn a_flipped_byte_never_panics(rows in any_rows(), at in any::<usize>(), bit in 0u8..8) {
        let mut plain = decompress(&encode_rows(&rows).unwrap()).unwrap();
        let length = plain.len();
        plain[at % length] ^= 1 << bit;
        let _ = decode_rows(&compress(&plain).unwrap());
    }
}

#[test]
fn full_counters_survive() {
    let rows = vec![
        row(1, 10, vec![Some(-1), Some(i64::MIN), None]),
        row(1, 20, vec![Some(0), Some(i64::MAX), Some(7)]),
    ];
    assert_eq!(decode_rows(&encode_rows(&rows).unwrap()).unwrap(), rows);
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let bomb = zstd::bulk::compress(&vec![0u8; UNPACKED_BYTES_MAX + 1], 1).unwrap();
    assert!(bomb.len() < PACKED_BYTES_MAX);
    assert_eq!(decode_rows(&bomb), Err(BatchError::Compression { max: UNPACKED_BYTES_MAX }));
}

#[test]
fn a_frame_that_lies_about_its_size_is_refused() {
    let mut frame = zstd::bulk::compress(&[7u8; 4000], 1).unwrap();
    frame.truncate(frame.len() - 3);
    assert!(decode_rows(&frame).is_err());
}

#[test]
fn claimed_rows_without_bytes_cost_nothing() {
    let mut plain = vec![1, 0, 2, 1];
    plain.extend_from_slice(&[0; 8]);
    varint::put(&mut plain, ROWS_MAX as u64);
    varint::put(&mut plain, 16_000);
    plain.push(0);
    let packed = compress(&plain).unwrap();
    assert_eq!(
        decode_rows(&packed),
        Err(BatchError::TooMany { what: "samples", max: SAMPLES_MAX })
    );
}

#[test]
fn rows_of_one_schema_must_have_one_length() {
    let rows = [row(1, 10, vec![Some(1)]), row(1, 20, vec![Some(1), Some(2)])];
    assert!(matches!(encode_rows(&rows), Err(BatchError::Malformed { .. })));
}

#[test]
fn events_round_trip() {
    let facts = DeviceFacts { device_id: 9, sys_name: "core".into(), ..DeviceFacts::default() };
    let event = Event { at_us: 5, kind: Some(event::Kind::DeviceFacts(facts)) };
    let packed = encode_events(vec![event.clone()]).unwrap();
    assert_eq!(decode_events(&packed).unwrap(), [event]);
}

fn packed(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, 1).unwrap()
}

#[test]
fn too_many_events_are_refused_before_they_are_decoded() {
    let empty = [0x0a, 0x00];
    let most = decode_events(&packed(&empty.repeat(EVENTS_MAX))).unwrap();
    assert_eq!(most.len(), EVENTS_MAX);
    let too_many = BatchError::TooMany { what: "events", max: EVENTS_MAX };
    assert_eq!(decode_events(&packed(&empty.repeat(EVENTS_MAX + 1))), Err(too_many));
    let max = EVENTS_UNPACKED_BYTES_MAX;
    let too_large = packed(&empty.repeat(max / 2 + 1));
    assert_eq!(decode_events(&too_large), Err(BatchError::Compression { max }));
}

#[test]
fn too_many_interfaces_are_refused_before_they_are_decoded() {
    use farwatch_proto::v1::{InterfaceFacts, InterfaceTable};
    let batch = |count| {
        let interfaces = vec![InterfaceFacts::default(); count];
        let table = InterfaceTable { device_id: 1, interfaces };
        let kind = Some(event::Kind::InterfaceTable(table));
        encode_events(vec![Event { at_us: 5, kind: kind.clone() }, Event { at_us: 6, kind }])
    };
    let half = EVENT_INTERFACES_MAX / 2;
    assert_eq!(decode_events(&batch(half).unwrap()).unwrap().len(), 2);
    let too_many = BatchError::TooMany { what: "interfaces", max: EVENT_INTERFACES_MAX };
    assert_eq!(decode_events(&batch(half + 1).unwrap()), Err(too_many));
}

#[test]
fn too_many_objects_are_refused_before_they_are_decoded() {
    use farwatch_proto::v1::{ObjectFacts, ObjectTable};
    let batch = |count| {
        let objects = vec![ObjectFacts::default(); count];
        let kind = Some(event::Kind::ObjectTable(ObjectTable { device_id: 1, group: 4, objects }));
        encode_events(vec![Event { at_us: 5, kind: kind.clone() }, Event { at_us: 6, kind }])
    };
    let half = EVENT_OBJECTS_MAX / 2;
    assert_eq!(decode_events(&batch(half).unwrap()).unwrap().len(), 2);
    let too_many = BatchError::TooMany { what: "objects", max: EVENT_OBJECTS_MAX };
    assert_eq!(decode_events(&batch(half + 1).unwrap()), Err(too_many));
}

#[test]
fn the_hash_covers_class_and_codec() {
    let hashes = [
        content_hash(Class::Gauges, Codec::Rows, b"x"),
        content_hash(Class::Counters, Codec::Rows, b"x"),
        content_hash(Class::Gauges, Codec::Events, b"x"),
        content_hash(Class::Gauges, Codec::Rows, b"y"),
    ];
    for (at, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..at].contains(hash));
    }
}
