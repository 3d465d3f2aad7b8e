use std::collections::BTreeSet;

use farwatch_proto::v1::{InterfaceFacts, ObjectFacts};

use super::*;
use crate::store::fixture::{AGENT, DEVICE, TENANT, World};
use crate::store::txn::{Mode, Scope};

sql! { PORTS = "SELECT if_index FROM interface" }
sql! { NAMES = "SELECT grp, object, name FROM device_object ORDER BY grp, object" }

#[tokio::test]
async fn each_group_has_its_newest_table() {
    let world = World::open().await;
    let scope = Scope::ingest(BTreeSet::from([TENANT]));
    let txn = &mut world.database.begin(Mode::Write, scope).await.unwrap();
    let facts = |object: &str, name: &str| ObjectFacts {
        object: object.into(),
        name: name.into(),
        ..ObjectFacts::default()
    };
    let told = [
        (4, 10, vec![facts("cpu:1", "old"), facts("cpu:2", "gone")]),
        (5, 10, vec![facts("sensor:1", "CPU temperature")]),
        (4, 20, vec![facts("cpu:1", "new")]),
        (4, 15, vec![facts("cpu:1", "late")]),
    ];
    for (group, at, objects) in told {
        let table = ObjectTable { device_id: DEVICE.0, group, objects };
        object_table_store(txn, TENANT, AGENT, Micros(at), &table).await.unwrap();
    }
    let gone = ObjectTable { device_id: 4711, group: 4, objects: vec![facts("cpu:1", "x")] };
    object_table_store(txn, TENANT, AGENT, Micros(30), &gone).await.unwrap();
    let rows = NAMES.query().all(txn).await.unwrap();
    let stored: Vec<(i64, String, String)> = rows
        .iter()
        .map(|row| (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap()))
        .collect();
    let text = str::to_owned;
    let wanted = [(4, text("cpu:1"), text("new")), (5, text("sensor:1"), text("CPU temperature"))];
    assert_eq!(stored, wanted);
}

#[tokio::test]
async fn an_empty_table_keeps_its_time() {
    let world = World::open().await;
    let scope = Scope::ingest(BTreeSet::from([TENANT]));
    let txn = &mut world.database.begin(Mode::Write, scope).await.unwrap();
    // Backlog comes newest first.
    for (at, size) in [(10, 1), (30, 0), (20, 2)] {
        let facts = |index| InterfaceFacts { index, ..InterfaceFacts::default() };
        let interfaces = (1..=size).map(facts).collect();
        let table = InterfaceTable { device_id: DEVICE.0, interfaces };
        interface_table_store(txn, TENANT, AGENT, Micros(at), &table).await.unwrap();
        let facts =
            |index| ObjectFacts { object: format!("cpu:{index}"), ..ObjectFacts::default() };
        let objects = (1..=size).map(facts).collect();
        let table = ObjectTable { device_id: DEVICE.0, group: 4, objects };
        object_table_store(txn, TENANT, AGENT, Micros(at), &table).await.unwrap();
        let left = usize::from(at == 10);
        assert_eq!(PORTS.query().all(txn).await.unwrap().len(), left, "at {at}");
        assert_eq!(NAMES.query().all(txn).await.unwrap().len(), left, "at {at}");
    }
}
