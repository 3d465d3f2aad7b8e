use std::collections::HashMap;

use farwatch_common::batch::{SAMPLES_MAX, UNPACKED_BYTES_MAX, encode_events};
use farwatch_common::sample::{Cause, Schema};
use farwatch_proto::v1::{DeviceFacts, Event, Gap, InterfaceFacts, InterfaceTable, event};
use proptest::prelude::*;

use super::*;
use crate::store::fixture::{
    AGENT, DEVICE, FOREIGN, SECOND, STREAM, T0, TENANT, alive, counters, interfaces, wire,
};
use crate::store::samples::{GAP_COUNT_MAX, GapReason};

const GONE: DeviceId = DeviceId(4711);
const MOVED: DeviceId = DeviceId(4712);

#[derive(Default)]
struct World {
    layouts: HashMap<SchemaId, Arc<Layout>>,
    schemas: (usize, usize),
    /// Has no room for new series.
    full: bool,
    corrects: bool,
}

impl World {
    fn knows(mut self, schema: &Schema) -> Self {
        self.layouts.insert(schema.id(), Arc::new(Layout::new(schema)));
        self
    }
}

impl Known for World {
    fn whose(&self, device: DeviceId) -> Whose {
        match device {
            DEVICE | SECOND => Whose::Own,
            MOVED => Whose::Anothers,
            _ => Whose::Nobodys,
        }
    }

    fn layout(&self, schema: SchemaId) -> Option<Arc<Layout>> {
        self.layouts.get(&schema).cloned()
    }

    fn schemas(&self) -> (usize, usize) {
        self.schemas
    }

    fn corrects_times(&self) -> bool {
        self.corrects
    }

    fn series_room(&self, device: DeviceId, layout: &Arc<Layout>) -> bool {
        !self.full || device == DEVICE && layout.columns > 0
    }
}

fn sender() -> Sender {
    Sender { tenant: TENANT, agent: AGENT, received: Micros(T0 + 100 * Micros::SECOND) }
}

fn checked(batch: Batch) -> Checked {
    check(batch, sender(), &World::default()).unwrap()
}

fn refused(batch: Batch, code: RejectCode, part: &str) {
    let refused = check(batch, sender(), &World::default()).unwrap_err();
    assert_eq!(refused.code, code, "{refused}");
    assert!(refused.detail.contains(part), "{refused}");
}

fn events(events: Vec<Event>) -> Batch {
    Batch {
        class: Class::Events as u32,
        codec: Codec::Events as u32,
        data: Bytes::from(encode_events(events).unwrap()),
        schemas: Vec::new(),
        ..wire(1, &[alive(DEVICE, 0)])
    }
}

fn facts(device: DeviceId, name: &str) -> Event {
    let facts =
        DeviceFacts { device_id: device.0, sys_name: name.into(), ..DeviceFacts::default() };
    Event { at_us: T0, kind: Some(event::Kind::DeviceFacts(facts)) }
}

fn gap(change: impl FnOnce(&mut Gap)) -> Event {
    let mut gap = Gap {
        stream_id: 5,
        seq_first: 1,
        seq_last: 3,
        from_us: T0,
        to_us: T0 + 1,
        class: 3,
        count: 9,
        reason: 1,
    };
    change(&mut gap);
    Event { at_us: T0, kind: Some(event::Kind::Gap(gap)) }
}

#[test]
fn a_good_batch_passes_as_it_came() {
    let rows = [counters(DEVICE, 0, 1), counters(SECOND, 1, 2)];
    let batch = wire(7, &rows);
    let data = batch.data.clone();
    let checked = checked(batch);
    assert_eq!(checked.append.data, data);
    assert_eq!((checked.append.from, checked.append.to), (rows[0].at, rows[1].at));
    assert_eq!((checked.append.samples, checked.rows.len()), (6, 2));
    assert_eq!(checked.append.uses.len(), 2);
    assert_eq!(checked.layouts.len(), 1);
}

#[test]
fn schemas_are_brought_or_known() {
    let mut batch = wire(1, &[counters(DEVICE, 0, 1)]);
    batch.schemas.clear();
    refused(batch.clone(), RejectCode::UnknownSchema, "not known");
    let known = World::default().knows(&interfaces());
    let checked = check(batch.clone(), sender(), &known).unwrap();
    assert!(checked.append.schemas.is_empty());
    // Brought again although known: not stored again.
    let again = check(wire(1, &[counters(DEVICE, 0, 1)]), sender(), &known).unwrap();
    assert!(again.append.schemas.is_empty());
}

#[test]
fn limits_of_the_envelope_hold() {
    use RejectCode::Malformed;
    let good = || wire(1, &[counters(DEVICE, 0, 1)]);
    refused(Batch { stream_id: 0, ..good() }, Malformed, "63 bits");
    refused(Batch { stream_id: -4, ..good() }, Malformed, "63 bits");
    refused(Batch { seq: u64::MAX, ..good() }, Malformed, "63 bits");
    refused(Batch { class: 9, ..good() }, Malformed, "class 9");
    refused(Batch { codec: 0, ..good() }, Malformed, "codec 0");
    let oversized = Bytes::from(vec![0; PACKED_BYTES_MAX + 1]);
    refused(Batch { data: oversized, ..good() }, Malformed, "at most");
    let garbage = Bytes::from_static(b"not zstd");
    refused(Batch { data: garbage, ..good() }, Malformed, "decompress");
    let def = definition::write(&interfaces());
    let many = vec![def; BATCH_SCHEMAS_MAX + 1];
    refused(Batch { schemas: many, ..good() }, Malformed, "schemas");
    // The agent can do nothing about these: it is to come again.
    for schemas in [(TENANT_SCHEMAS_MAX, 0), (1, TENANT_LAYOUT_BYTES_MAX)] {
        let full = World { schemas, ..World::default() };
        assert_eq!(check(good(), sender(), &full).unwrap_err().code, RejectCode::NotNow);
        assert!(check(good(), sender(), &full.knows(&interfaces())).is_ok());
    }
}

#[test]
fn a_bomb_is_refused() {
    let zeros = vec![0u8; UNPACKED_BYTES_MAX + 1];
    let data = Bytes::from(zstd::bulk::compress(&zeros, 1).unwrap());
    let bomb = Batch { data, ..wire(1, &[counters(DEVICE, 0, 1)]) };
    refused(bomb, RejectCode::Malformed, "decompress");
    // Inside its size limit, but claiming more samples than that could hold.
    let mut plain = vec![1, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    plain.extend_from_slice(&[0xff, 0xff, 0x05, 0xff, 0x7f, 0]);
    let data = Bytes::from(zstd::bulk::compress(&plain, 1).unwrap());
    let claims = Batch { data, ..wire(1, &[counters(DEVICE, 0, 1)]) };
    refused(claims, RejectCode::Malformed, &SAMPLES_MAX.to_string());
}

#[test]
fn rows_have_to_fit_their_schema() {
    let mut short = counters(DEVICE, 0, 1);
    short.values.pop();
    refused(wire(1, &[short]), RejectCode::Malformed, "2 values");
    let mut other_class = wire(1, &[counters(DEVICE, 0, 1)]);
    other_class.class = Class::Gauges as u32;
    refused(other_class, RejectCode::Malformed, "group");
    // Nothing is refused for its time.
    let mut ancient = counters(DEVICE, 0, 1);
    ancient.at = Micros(-1);
    let ancient = checked(wire(1, &[ancient]));
    assert_eq!((ancient.rows[0].0.at, ancient.rows_clamped), (Micros(0), 1));
    refused(wire(1, &[counters(DEVICE, 0, 1)]).emptied(), RejectCode::Malformed, "empty");
    let mut failed = counters(DEVICE, 0, 1);
    failed.cause = Some(Cause::Timeout);
    failed.values.clear();
    assert_eq!(checked(wire(1, &[failed])).append.samples, 0);
}

trait Emptied {
    fn emptied(self) -> Self;
}

impl Emptied for Batch {
    fn emptied(self) -> Self {
        Self { data: Bytes::from(encode_rows(&[]).unwrap()), ..self }
    }
}

#[test]
fn a_device_that_was_removed_or_moved_is_dropped_and_the_others_stay() {
    let own = counters(DEVICE, 0, 1);
    // It cannot know that its only device was removed.
    let nothing = checked(wire(1, &[counters(GONE, 0, 1)]));
    assert!(nothing.append.is_empty() && nothing.rows.is_empty());
    assert!(nothing.append.schemas.is_empty() && nothing.layouts.is_empty());
    assert_eq!(nothing.rows_unknown_device, 1);
    let mixed = wire(1, &[counters(FOREIGN, 0, 1), own.clone(), counters(GONE, 0, 1)]);
    let (sent, hash) =
        (mixed.data.clone(), content_hash(Class::Counters, Codec::Rows, &mixed.data));
    let checked = checked(mixed);
    assert_eq!(checked.rows_unknown_device, 2);
    assert_eq!(decode_rows(&checked.append.data).unwrap(), [own]);
    // The hash stays that of what was sent, so that a repeat is known as one.
    assert_eq!((checked.append.hash, checked.append.sent()), (hash, &sent));
}

#[test]
fn a_clock_that_runs_ahead_is_put_right() {
    let rows = [counters(DEVICE, 7000, 1), counters(DEVICE, 7060, 2)];
    let checked = checked(wire(1, &rows));
    assert_eq!(checked.rows_clamped, 2);
    let times: Vec<i64> =
        checked.rows.iter().map(|(row, _)| (row.at.0 - T0) / Micros::SECOND).collect();
    // The time between them stays; the newest is now.
    assert_eq!(times, [40, 100]);
    assert_eq!(decode_rows(&checked.append.data).unwrap()[1].at, sender().received);
    // Within the tolerance, times are left alone.
    let close = check(wire(1, &[counters(DEVICE, 390, 1)]), sender(), &World::default());
    assert_eq!(close.unwrap().rows_clamped, 0);
}

#[test]
fn times_of_a_wrong_clock_are_corrected_before_they_are_clamped() {
    let hour = 3600 * Micros::SECOND;
    let sent = |offset, rows: &[Row]| {
        check(Batch { clock_offset_us: offset, ..wire(1, rows) }, sender(), &World::default())
    };
    let rows = [counters(DEVICE, -3600, 1), counters(DEVICE, -3540, 2)];
    let known = sent(Some(hour), &rows).unwrap();
    let seconds: Vec<_> = known.rows.iter().map(|(row, _)| row.at.0 - T0).collect();
    assert_eq!(seconds, [0, 60 * Micros::SECOND]);
    assert_eq!((known.rows_corrected, known.rows_clamped), (2, 0));
    assert_eq!((known.append.from, known.append.clock_offset), (Micros(T0), Some(hour)));
    assert_eq!(decode_rows(&known.append.data).unwrap()[0].at, Micros(T0));
    // A repeat that knows better is a repeat.
    assert_eq!(known.append.hash, sent(None, &rows).unwrap().append.hash);
    // Ten years ahead; booted in 1970; a minute is let be; nonsense is not believed.
    let years = 10 * 365 * 24 * hour;
    let far = [Row { at: Micros(T0 + years), ..counters(DEVICE, 0, 1) }];
    assert_eq!(sent(Some(-years), &far).unwrap().rows[0].0.at, Micros(T0));
    let young = [Row { at: Micros(5), ..counters(DEVICE, 0, 1) }];
    assert_eq!(sent(Some(T0), &young).unwrap().rows[0].0.at, Micros(T0 + 5));
    let near = sent(Some(60 * Micros::SECOND), &rows[..1]).unwrap();
    assert_eq!((near.rows[0].0.at, near.rows_corrected), (rows[0].at, 0));
    let nonsense = sent(Some(i64::MIN), &rows[..1]).unwrap();
    assert_eq!((nonsense.rows[0].0.at, nonsense.append.clock_offset), (rows[0].at, None));
    // Gaps and events of the same batch go with it; what is told is never of the future.
    let told = gap(|gap| (gap.from_us, gap.to_us) = (T0 - hour, T0 + 2 * hour));
    let batch = Batch { clock_offset_us: Some(hour), ..events(vec![told]) };
    let Fact::Gap(gap) = &check(batch, sender(), &World::default()).unwrap().append.facts[0] else {
        panic!()
    };
    assert_eq!((gap.from, gap.to), (Micros(T0), sender().received));
}

#[test]
fn events_are_checked() {
    let table = InterfaceTable {
        device_id: DEVICE.0,
        interfaces: [3, 1, 3].map(|index| InterfaceFacts { index, ..Default::default() }).into(),
    };
    let table = Event { at_us: T0, kind: Some(event::Kind::InterfaceTable(table)) };
    let checked = checked(events(vec![facts(DEVICE, "a\0b"), table, gap(|_| {})]));
    let [Fact::Device(_, device), Fact::Interfaces(_, table), Fact::Gap(gap)] =
        checked.append.facts.as_slice()
    else {
        panic!("{:?}", checked.append.facts);
    };
    assert_eq!(device.sys_name, "a\u{fffd}b");
    assert_eq!(table.interfaces.iter().map(|one| one.index).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(gap.count, 9);
}

#[test]
fn bad_events_are_refused() {
    use RejectCode::Malformed;
    refused(events(Vec::new()), Malformed, "events");
    refused(events(vec![Event { at_us: 0, kind: None }]), Malformed, "not known");
    assert!(checked(events(vec![facts(GONE, "x")])).append.is_empty());
    let mixed = checked(events(vec![facts(FOREIGN, "x"), facts(DEVICE, "y")]));
    assert_eq!((mixed.append.facts.len(), mixed.rows_unknown_device), (1, 1));
    refused(events(vec![facts(DEVICE, &"x".repeat(5000))]), Malformed, "longer");
    refused(events(vec![gap(|gap| gap.seq_first = 9)]), Malformed, "ends");
    refused(events(vec![gap(|gap| gap.from_us = T0 + 2)]), Malformed, "ends");
    refused(events(vec![gap(|gap| gap.count = GAP_COUNT_MAX + 1)]), Malformed, "ends");
    refused(events(vec![gap(|gap| gap.class = 77)]), Malformed, "class");
    refused(events(vec![gap(|gap| gap.reason = 77)]), Malformed, "reason");
    let mut wrong_class = events(vec![facts(DEVICE, "x")]);
    wrong_class.class = Class::Gauges as u32;
    refused(wrong_class, Malformed, "class");
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    // EventBatch { events: [Event { device_facts: { sys_descr: ff fe } }] }
    let plain = [0x0a, 0x06, 0x12, 0x04, 0x12, 0x02, 0xff, 0xfe];
    let data = Bytes::from(zstd::bulk::compress(&plain, 1).unwrap());
    let batch = Batch { data, ..events(vec![facts(DEVICE, "x")]) };
    refused(batch, RejectCode::Malformed, "cannot be read");
}

proptest! {
    #[test]
    fn garbage_never_panics(
        garbage in prop::collection::vec(any::<u8>(), 0..300),
        codec in 0u32..4,
        class in 0u32..5,
        zip in any::<bool>(),
    ) {
        let data = if zip { zstd::bulk::compress(&garbage, 1).unwrap() } else { garbage };
        let data = Bytes::from(data);
        let batch = Batch { codec, class, data, ..wire(1, &[counters(DEVICE, 0, 1)]) };
        let _ = check(batch, sender(), &World::default());
    }
}

#[test]
fn what_is_dropped_of_devices_that_are_there_is_a_gap() {
    let world = World { full: true, ..World::default() };
    let mut failed = counters(MOVED, 20, 1);
    failed.cause = Some(Cause::Timeout);
    failed.values.clear();
    let moved = counters(MOVED, 10, 1);
    let rows =
        [counters(GONE, 0, 1), moved, failed, counters(SECOND, 60, 1), counters(DEVICE, 30, 5)];
    let taken = check(wire(7, &rows), sender(), &world).unwrap();
    let [Fact::Dropped(gap)] = taken.append.facts.as_slice() else { panic!("{taken:?}") };
    // The two of the device that moved and the one without room; not that of the removed one.
    assert_eq!((gap.count, gap.reason, gap.class), (3, GapReason::Rejected, Class::Counters));
    let times = [gap.from, gap.to].map(|at| (at.0 - T0) / Micros::SECOND);
    assert_eq!((times, gap.stream, gap.seq_first, gap.seq_last), ([10, 60], STREAM, 0, 1023));
    assert_eq!((taken.rows_unknown_device, taken.rows_over_quota), (3, 1));
    assert_eq!(taken.rows.len(), 1);
    // Also where nothing else is left: the gap has to be stored.
    let taken = check(wire(8, &rows[1..2]), sender(), &world).unwrap();
    assert!(taken.rows.is_empty() && !taken.append.is_empty());
}

#[test]
fn rows_for_which_the_tenant_has_no_room_are_dropped_and_the_others_stay() {
    let world = World { full: true, ..World::default() };
    let rows = [counters(DEVICE, 0, 1), counters(SECOND, 0, 1), counters(DEVICE, 60, 2)];
    let taken = check(wire(1, &rows), sender(), &world).unwrap();
    assert_eq!((taken.rows.len(), taken.rows_over_quota), (2, 1));
    assert!(taken.rows.iter().all(|(row, _)| row.device == DEVICE));
    assert_eq!(decode_rows(&taken.append.data).unwrap().len(), 2);
    assert!(taken.append.uses.iter().all(|(device, ..)| *device == DEVICE));
    // Nothing is left of it: it counts as taken, and brings nothing.
    let taken = check(wire(2, &rows[1..2]), sender(), &world).unwrap();
    assert_eq!((taken.rows.len(), taken.rows_over_quota), (0, 1));
    assert!(taken.append.schemas.is_empty() && taken.layouts.is_empty());
}

#[test]
fn a_clock_that_is_being_set_right_is_corrected_to_the_end() {
    let offset = 30 * Micros::SECOND;
    let batch = Batch { clock_offset_us: Some(offset), ..wire(1, &[counters(DEVICE, 0, 1)]) };
    for (corrects, expected) in [(false, 0), (true, offset)] {
        let world = World { corrects, ..World::default() };
        let taken = check(batch.clone(), sender(), &world).unwrap();
        assert_eq!(taken.rows[0].0.at, Micros(T0 + expected));
    }
}
