//! A hostile or broken agent over real QUIC: each bad batch is refused by itself and counted, the
//! next good one is stored.

use bytes::Bytes;
use farwatch_common::batch::{Codec, UNPACKED_BYTES_MAX, encode_events};
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, definition};
use farwatch_proto::v1::{Batch, DeviceFacts, Event, RejectCode, SchemaDef, event};
use farwatch_support::stack::{Collector, add_device, only_agent};

use crate::wire::{Wire, batch, enrolled, row, schema};

#[tokio::test]
async fn bad_batches_are_refused_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let credentials = enrolled(&collector, &dir.path().join("agent")).await;
    let client = collector.client().await;
    let agent = only_agent(&client).await;
    let device = add_device(&client, &agent, "192.0.2.1", 60).await;
    let device_id: DeviceId = device.parse().unwrap();
    let mut wire = Wire::dial(&collector, &credentials).await;
    // A range ends before its last moment; what is asked for below is all in the past.
    let now = Clock::system().now().before(SECOND * 10);

    assert_eq!(wire.send(batch(1, &[row(device_id, now, 1)])).await, None);
    // Again: stored once, acked twice.
    assert_eq!(wire.send(batch(1, &[row(device_id, now, 1)])).await, None);
    let fork = batch(1, &[row(device_id, now, 2)]);
    assert_eq!(wire.send(fork).await, Some(RejectCode::Fork));

    let bomb = Batch { data: bomb(), ..batch(2, &[]) };
    assert_eq!(wire.send(bomb).await, Some(RejectCode::Malformed));
    let mut truncated = batch(3, &[row(device_id, now, 3)]);
    truncated.data.truncate(truncated.data.len() / 2);
    assert_eq!(wire.send(truncated).await, Some(RejectCode::Malformed));
    let garbage = Batch { data: Bytes::from_static(&[0xff; 300]), ..batch(4, &[]) };
    assert_eq!(wire.send(garbage).await, Some(RejectCode::Malformed));
    let unknown_codec = Batch { codec: 99, ..batch(5, &[row(device_id, now, 5)]) };
    assert_eq!(wire.send(unknown_codec).await, Some(RejectCode::Malformed));
    let lying = SchemaDef { schema_id: 4711, ..definition::write(&schema()) };
    let lying = Batch { schemas: vec![lying], ..batch(6, &[row(device_id, now, 6)]) };
    assert_eq!(wire.send(lying).await, Some(RejectCode::Malformed));

    assert_eq!(wire.send(batch(7, &[row(device_id, now.after(SECOND), 7)])).await, None);
    let path = format!("/api/v1/devices/{device}/samples?metric=if_in_octets_total");
    let samples = client.get(&path).await.data();
    let values: Vec<&str> =
        samples.as_array().unwrap().iter().filter_map(|sample| sample["value"].as_str()).collect();
    assert_eq!(values, ["1", "7"], "{samples}");
    let page = client.get("/metrics").await.text();
    assert!(page.contains("rejected_total{reason=\"fork\"} 1"), "{page}");
}

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

fn bomb() -> Bytes {
    let zeros = vec![0; UNPACKED_BYTES_MAX + 1];
    zstd::bulk::compress(&zeros, 19).unwrap().into()
}

#[tokio::test]
async fn events_with_bad_text_do_not_end_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let credentials = enrolled(&collector, &dir.path().join("agent")).await;
    let client = collector.client().await;
    let agent = only_agent(&client).await;
    let device = add_device(&client, &agent, "192.0.2.1", 60).await;
    let device_id = device.parse::<DeviceId>().unwrap().0;
    let mut wire = Wire::dial(&collector, &credentials).await;

    let facts = DeviceFacts { device_id, sys_name: "good".into(), ..DeviceFacts::default() };
    let kind = Some(event::Kind::DeviceFacts(facts));
    let at_us = Clock::system().now().0;
    let packed = encode_events(vec![Event { at_us, kind }]).unwrap();
    let plain = zstd::bulk::decompress(&packed, 4096).unwrap();
    // The same message with a name that is not UTF-8.
    let name = plain.windows(4).position(|bytes| bytes == b"good").unwrap();
    let mut bad = plain.clone();
    bad[name] = 0xff;
    let event = |seq, data: Vec<u8>| Batch {
        class: Class::Events as u32,
        codec: Codec::Events as u32,
        data: data.into(),
        schemas: Vec::new(),
        ..batch(seq, &[])
    };
    let bad = event(1, zstd::bulk::compress(&bad, 1).unwrap());
    assert_eq!(wire.send(bad).await, Some(RejectCode::Malformed));
    assert_eq!(wire.send(event(2, packed)).await, None);
    let stored = client.get(&format!("/api/v1/devices/{device}")).await.data();
    assert_eq!(stored["sys_name"], "good");
}

#[tokio::test]
async fn an_agent_cannot_speak_of_anothers_devices() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let owner = enrolled(&collector, &dir.path().join("owner")).await;
    let thief = enrolled(&collector, &dir.path().join("thief")).await;
    let client = collector.client().await;
    let device = add_device(&client, &owner.agent.to_string(), "192.0.2.1", 60).await;
    let device_id: DeviceId = device.parse().unwrap();
    let mut wire = Wire::dial(&collector, &thief).await;
    let now = Clock::system().now();
    wire.send(batch(1, &[row(device_id, now, 666)])).await;
    let path = format!("/api/v1/devices/{device}/samples?metric=if_in_octets_total");
    assert_eq!(client.get(&path).await.data().as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_certificate_is_renewed_with_a_new_key() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let state_dir = dir.path().join("agent");
    let first = enrolled(&collector, &state_dir).await;
    let mut wire = Wire::dial(&collector, &first).await;
    let second = farwatch_agent::identity::renew(&first, &mut wire.client).await.unwrap();
    assert_ne!(first.identity.chain[0], second.identity.chain[0]);
    assert_eq!(first.agent, second.agent);
    wire.session.close("the test dials again");
    let mut wire = Wire::dial(&collector, &second).await;
    assert!(wire.client.renew(farwatch_proto::v1::RenewRequest { csr: vec![1] }).await.is_err());
}
