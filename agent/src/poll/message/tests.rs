use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::poll::oid::Oid;

/// A value as the oracle and as we see it.
#[derive(Clone, Debug)]
enum Sent {
    Integer(i64),
    Unsigned(u8, u64),
    Octets(Vec<u8>),
    Nothing(u8),
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        any::<i64>().prop_map(Sent::Integer),
        any::<u32>().prop_map(|n| Sent::Unsigned(tag::COUNTER32, u64::from(n))),
        any::<u32>().prop_map(|n| Sent::Unsigned(tag::GAUGE32, u64::from(n))),
        any::<u32>().prop_map(|n| Sent::Unsigned(tag::TIME_TICKS, u64::from(n))),
        any::<u64>().prop_map(|n| Sent::Unsigned(tag::COUNTER64, n)),
        vec(any::<u8>(), 0..200).prop_map(Sent::Octets),
        (tag::NO_SUCH_OBJECT..=tag::END_OF_MIB_VIEW).prop_map(Sent::Nothing),
    ]
}

fn name() -> impl Strategy<Value = Oid> {
    vec(any::<u32>(), 1..12).prop_map(|tail| Oid::new(&[&[1, 3, 6, 1][..], &tail].concat()))
}

fn response(id: i32, varbinds: &[(Oid, Sent)]) -> Vec<u8> {
    let mut writer = Writer::new(8192);
    write(&mut writer, 1, b"private", RESPONSE, (id, 0, 0), |w| {
        for (name, value) in varbinds.iter().rev() {
            let end = w.len();
            match value {
                Sent::Integer(number) => w.signed(INTEGER, *number),
                Sent::Unsigned(tag, number) => w.unsigned(*tag, *number),
                Sent::Octets(octets) => w.octets(OCTETS, octets),
                Sent::Nothing(tag) => w.octets(*tag, &[]),
            }
            w.octets(OBJECT_ID, name.as_bytes());
            w.close(SEQUENCE, end);
        }
    });
    writer.finish().unwrap().to_vec()
}

fn same(ours: Value<'_>, theirs: &snmp2::Value<'_>) -> bool {
    match (ours, theirs) {
        (Value::Integer(a), snmp2::Value::Integer(b)) => a == *b,
        (
            Value::Unsigned(a),
            snmp2::Value::Counter32(b) | snmp2::Value::Unsigned32(b) | snmp2::Value::Timeticks(b),
        ) => a == u64::from(*b),
        (Value::Unsigned(a), snmp2::Value::Counter64(b)) => a == *b,
        (Value::Octets(a), snmp2::Value::OctetString(b)) => a == *b,
        (
            Value::Nothing,
            snmp2::Value::NoSuchObject
            | snmp2::Value::NoSuchInstance
            | snmp2::Value::EndOfMibView
            | snmp2::Value::Null,
        ) => true,
        _ => false,
    }
}

proptest! {
    #[test]
    fn snmp2_reads_what_we_write_and_we_read_the_same(
        id: i32,
        varbinds in vec((name(), sent()), 0..20),
    ) {
        let bytes = response(id, &varbinds);
        let oracle = snmp2::Pdu::from_bytes(&bytes).unwrap();
        let head = Head::read(&bytes).unwrap();
        let body = Body::read(&head).unwrap();
        prop_assert_eq!((head.version, head.community, head.pdu), (1, &b"private"[..], RESPONSE));
        prop_assert_eq!((head.request_id, oracle.req_id), (i64::from(id), id));
        prop_assert_eq!((body.status, body.index), (oracle.error_status, oracle.error_index));
        let mut theirs = oracle.varbinds;
        let mut seen = 0;
        for ours in body.varbinds {
            let (our_name, our_value) = ours.unwrap();
            let (their_name, their_value) = theirs.next().unwrap();
            prop_assert_eq!(our_name, their_name.as_bytes());
            prop_assert!(same(our_value, &their_value), "{:?} {:?}", our_value, their_value);
            seen += 1;
        }
        prop_assert!(theirs.next().is_none());
        prop_assert_eq!(seen, varbinds.len());
    }

    #[test]
    fn snmp2_reads_our_questions(
        id in 0..i32::MAX,
        reps in 0u32..100,
        names in vec(name(), 1..20),
    ) {
        let mut writer = Writer::new(8192);
        write(&mut writer, 1, b"public", GET_BULK, (id, 1, reps), |w| {
            for name in names.iter().rev() {
                write_name(w, name.as_bytes(), &[]);
            }
        });
        let oracle = snmp2::Pdu::from_bytes(writer.finish().unwrap()).unwrap();
        prop_assert_eq!((oracle.req_id, oracle.error_status, oracle.error_index), (id, 1, reps));
        let read: Vec<Vec<u8>> =
            oracle.varbinds.map(|(name, _)| name.as_bytes().to_vec()).collect();
        let wanted: Vec<Vec<u8>> = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        prop_assert_eq!(read, wanted);
    }

    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(head) = Head::read(&bytes)
            && let Ok(body) = Body::read(&head)
        {
            body.varbinds.for_each(drop);
        }
    }

    #[test]
    fn a_cut_or_scratched_message_never_panics_and_is_never_read_as_whole(
        varbinds in vec((name(), sent()), 1..8),
        cut: prop::sample::Index,
        scratch: prop::sample::Index,
        octet: u8,
    ) {
        let mut bytes = response(77, &varbinds);
        let short = &bytes[..cut.index(bytes.len())];
        if let Ok(head) = Head::read(short) {
            prop_assert!(Body::read(&head).is_err());
        }
        let at = scratch.index(bytes.len());
        bytes[at] = octet;
        if let Ok(head) = Head::read(&bytes)
            && let Ok(body) = Body::read(&head)
        {
            body.varbinds.for_each(drop);
        }
    }
}

#[test]
fn a_broken_varbind_is_an_error_not_the_end() {
    let mut writer = Writer::new(256);
    write(&mut writer, 1, b"c", RESPONSE, (1, 0, 0), |w| {
        let end = w.len();
        w.octets(INTEGER, &[]);
        w.octets(OBJECT_ID, &[0x2b, 6]);
        w.close(SEQUENCE, end);
    });
    let bytes = writer.finish().unwrap();
    let body = Body::read(&Head::read(bytes).unwrap()).unwrap();
    assert_eq!(body.varbinds.collect::<Vec<_>>(), [Err(BerError::Number)]);
}
