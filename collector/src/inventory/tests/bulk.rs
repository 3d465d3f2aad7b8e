//! Many devices at once, on both engines: how many statements that takes.

use std::collections::BTreeSet;

use farwatch_common::id::DeviceId;

use super::engines::{Place, Scratch};
use super::*;
use crate::inventory::device::bulk::{BULK_MAX, Bulk, device_bulk, devices_known};
use crate::inventory::device::change::DevicePatch;
use crate::inventory::device::{DeviceFilter, DeviceOrder, device_list};

const PAGE: Page = Page { after: None, limit: 10 };
/// Statements of a call that is of one device.
const SOME: usize = 30;

sql! { DEVICES = numbers!(
    "1000",
    "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port, interval_s,
                         snmp_version, created_at, named)
     SELECT $1, 1000 + i, $2, $3, 'd', 'h' || i, 161, 60, 'v2c', 0, 1 FROM n"
) }

async fn everything(db: &Database) {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(db, &dir).await;
    let Place { vault, ids, north, all, .. } = &place;
    let agent = place.agent([1; 32]).await;
    let site = agent::agent_get(db, all, agent).await.unwrap().site.id;
    let mut txn = db.change(all, *north, Access::Write).await.unwrap();
    DEVICES.bind(*north).bind(site).bind(agent).execute(&mut txn).await.unwrap();
    txn.commit([], NOW).await.unwrap();
    let devices: BTreeSet<_> = (1001..=1000 + BULK_MAX as i64).map(DeviceId).collect();
    let bulk = async |bulk: &Bulk| {
        db.ran.take();
        let known = devices_known(db, all, &devices).await.unwrap();
        let done = device_bulk(db, (vault, ids), all, &known, bulk, NOW).await.unwrap();
        assert_eq!(done[0].devices.len(), BULK_MAX);
        db.ran.take().len()
    };
    let patch = DevicePatch {
        interval_s: Some(30),
        add_tags: ["x", "y"].map(str::to_owned).into(),
        ..DevicePatch::default()
    };
    let of = async |search: DeviceFilter| {
        let found = device_list(db, all, &search, DeviceOrder::Name, &PAGE).await.unwrap();
        assert!(found.rows.iter().all(|device| device.interval_s == 30));
        found.total
    };
    let tagged = || DeviceFilter { tag: Some("y".to_owned()), ..DeviceFilter::default() };
    // A row of the audit for each, and some more.
    let change = Bulk::Change(Box::new(patch));
    let changed = bulk(&change).await;
    assert!(changed < BULK_MAX + SOME, "{changed}");
    assert_eq!(of(tagged()).await, BULK_MAX as u64);
    let same = bulk(&change).await;
    assert!(same < SOME, "{same}");
    let untag = DevicePatch { tags: Some(["x".to_owned()].into()), ..DevicePatch::default() };
    let untagged = bulk(&Bulk::Change(Box::new(untag))).await;
    assert!(untagged < BULK_MAX + SOME, "{untagged}");
    assert_eq!((of(tagged()).await, of(DeviceFilter::default()).await), (0, BULK_MAX as u64));
    // And a blob for each.
    let mut patch = DevicePatch { credential: Some(Some("new".into())), ..DevicePatch::default() };
    let sealed = bulk(&Bulk::Change(Box::new(patch.clone()))).await;
    assert!(sealed < 2 * BULK_MAX + SOME, "{sealed}");
    let (sent, _) = assignment_for(db, vault, all, (*north, agent)).await.unwrap();
    assert_eq!(sent.devices.len(), BULK_MAX);
    patch.credential = Some(None);
    let bare = bulk(&Bulk::Change(Box::new(patch))).await;
    assert!(bare < BULK_MAX + SOME, "{bare}");
    let (sent, _) = assignment_for(db, vault, all, (*north, agent)).await.unwrap();
    assert!(sent.devices.iter().all(|device| device.snmp.is_none()));
    assert_eq!(sent.devices.len(), BULK_MAX);
    let gone = bulk(&Bulk::Delete).await;
    assert!(gone < BULK_MAX + SOME, "{gone}");
    assert_eq!(of(DeviceFilter::default()).await, 0);
}

#[tokio::test]
async fn sqlite_changes_sets() {
    let dir = tempfile::tempdir().unwrap();
    everything(&Database::open(dir.path()).await.unwrap()).await;
}

#[tokio::test]
async fn postgres_changes_sets() {
    let Some(scratch) = Scratch::open().await else { return };
    let db = scratch.database().await;
    everything(&db).await;
    db.close().await;
    scratch.remove().await;
}
