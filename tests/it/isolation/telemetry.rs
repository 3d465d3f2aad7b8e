//! Telemetry with the ids of another tenant's device, stream and schema.

use farwatch_common::batch::{Codec, encode_events};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Schema, definition};
use farwatch_proto::v1::{
    Batch, DeviceFacts, Event, Gap, GapReason, InterfaceFacts, InterfaceTable, Reject, RejectCode,
    SchemaDef, event,
};

use super::NOBODYS_DEVICE;
use super::world::{Side, World};
use crate::wire::{batch, row_of, schema_of};

const STREAM_OF_A: i64 = 1_000_001;
const STREAM_OF_B: i64 = 2_000_002;

/// Ids that B's agent has no business with.
struct Foreign {
    device: DeviceId,
    stream: i64,
    schema: Schema,
}

impl Foreign {
    /// Every way to name them, from `seq` on.
    fn batches(&self, own: &Side, seq: u64, at: Micros) -> Vec<(&'static str, Batch)> {
        let mine = schema_of("if:2");
        let rows = |seq, rows: &[_], schemas| Batch {
            stream_id: STREAM_OF_B,
            schemas,
            ..batch(seq, rows)
        };
        let declared = || vec![definition::write(&mine)];
        let foreign = row_of(&mine, self.device, at, 666);
        let foreign_schema = row_of(&self.schema, own.device_id, at, 666);
        let lying = SchemaDef { schema_id: self.schema.id().0, ..definition::write(&mine) };
        let own_row = row_of(&mine, own.device_id, at, 1);
        let both = [own_row.clone(), foreign.clone()];
        let undeclared = [row_of(&self.schema, self.device, at, 666)];
        vec![
            ("device", rows(seq, std::slice::from_ref(&foreign), declared())),
            ("device and schema", rows(seq + 1, &undeclared, Vec::new())),
            ("schema", rows(seq + 2, &[foreign_schema], Vec::new())),
            ("device among its own", rows(seq + 3, &both, declared())),
            ("schema defined anew", rows(seq + 4, std::slice::from_ref(&own_row), vec![lying])),
            // The next one of A.
            ("stream", Batch { stream_id: self.stream, ..rows(2, &[own_row], declared()) }),
            ("facts", events(STREAM_OF_B, seq + 5, at, self.facts())),
            ("interfaces", events(STREAM_OF_B, seq + 6, at, self.interfaces())),
            ("gap", events(STREAM_OF_B, seq + 7, at, self.gap(at))),
        ]
    }

    fn facts(&self) -> event::Kind {
        let (device_id, sys_name) = (self.device.0, "a-name".to_owned());
        event::Kind::DeviceFacts(DeviceFacts { device_id, sys_name, ..DeviceFacts::default() })
    }

    fn interfaces(&self) -> event::Kind {
        let one = InterfaceFacts { index: 1, name: "a-port".into(), ..InterfaceFacts::default() };
        let interfaces = vec![one];
        event::Kind::InterfaceTable(InterfaceTable { device_id: self.device.0, interfaces })
    }

    fn gap(&self, at: Micros) -> event::Kind {
        event::Kind::Gap(Gap {
            stream_id: self.stream,
            seq_first: 50,
            seq_last: 60,
            from_us: at.0 - 1,
            to_us: at.0,
            class: Class::Counters as u32,
            count: 1,
            reason: GapReason::Crash.into(),
        })
    }

    /// What was answered, without the ids themselves.
    fn told(&self, reject: &Reject) -> (RejectCode, String) {
        let schema = format!("{:016x}", self.schema.id().0);
        let detail = reject.detail.replace(&schema, "SCHEMA");
        let detail = detail.replace(&self.schema.id().0.to_string(), "SCHEMA");
        (reject.code(), detail.replace(&self.device.to_string(), "DEVICE"))
    }
}

fn events(stream_id: i64, seq: u64, at: Micros, kind: event::Kind) -> Batch {
    let events = vec![Event { at_us: at.0, kind: Some(kind) }];
    Batch {
        stream_id,
        class: Class::Events as u32,
        codec: Codec::Events as u32,
        data: encode_events(events).unwrap().into(),
        schemas: Vec::new(),
        ..batch(seq, &[])
    }
}

pub(super) async fn telemetry(world: &mut World) {
    // A range ends before its last moment; what is asked for is all in the past.
    let at = Clock::system().now().before(std::time::Duration::from_secs(10));
    let schema = schema_of("if:1");
    let of_a = |seq, device, value| Batch {
        stream_id: STREAM_OF_A,
        schemas: vec![definition::write(&schema)],
        ..batch(seq, &[row_of(&schema, device, Micros(at.0 + value), value)])
    };
    let device = world.a.device_id;
    assert_eq!(world.a.wire.send(of_a(1, device, 1)).await, None);
    let before = world.of_a().await;
    let ids_of_a = Foreign { device, stream: STREAM_OF_A, schema: schema.clone() };
    let nobodys =
        Foreign { device: NOBODYS_DEVICE, stream: STREAM_OF_A + 1, schema: schema_of("if:99") };
    let mut told = Vec::new();
    for (number, ids) in (1..).zip([&ids_of_a, &nobodys]) {
        let mut answers = Vec::new();
        for (what, batch) in ids.batches(&world.b, number * 100, at) {
            let answer = world.b.wire.answer(batch).await;
            answers.push((what, answer.map_err(|reject| ids.told(&reject))));
        }
        told.push(answers);
    }
    assert_eq!(told[0], told[1], "A's ids are answered unlike ids that nobody has");
    let refused: Vec<_> = told[0]
        .iter()
        .filter_map(|(what, answer)| Some((*what, answer.as_ref().err()?.0)))
        .collect();
    let expected =
        [("schema", RejectCode::UnknownSchema), ("schema defined anew", RejectCode::Malformed)];
    assert_eq!(refused, expected);
    assert_eq!(world.of_a().await, before, "B's agent changed something of A");
    assert_eq!(world.strays().await, Vec::<String>::new());

    // A's stream stands where A left it.
    assert_eq!(world.a.wire.send(of_a(1, device, 1)).await, None);
    assert_eq!(world.a.wire.send(of_a(2, device, 2)).await, None);
    assert_eq!(world.a.wire.send(of_a(1, device, 3)).await, Some(RejectCode::Fork));
    for (seq, kind) in (3..).zip([ids_of_a.facts(), ids_of_a.interfaces(), ids_of_a.gap(at)]) {
        assert_eq!(world.a.wire.send(events(STREAM_OF_A, seq, at, kind)).await, None);
    }
    let [facts, interfaces, _, samples, gaps, ..] = &world.of_a().await[..] else { panic!() };
    assert_eq!(facts["facts"]["sys_name"], "a-name");
    assert_eq!(interfaces[0]["name"], "a-port");
    assert_eq!(samples.as_array().unwrap().len(), 2, "{samples}");
    assert_eq!(gaps[0]["stream"], STREAM_OF_A.to_string());
}
