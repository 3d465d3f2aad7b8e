use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_proto::v1::SnmpCommunity;

use super::*;

const OWNER: Owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };

fn device(id: i64, community: &str) -> DeviceAssignment {
    DeviceAssignment {
        device_id: id,
        host: "192.168.88.1".into(),
        port: 161,
        interval_ms: 60_000,
        snmp: Some(SnmpCommunity {
            version: WireVersion::V2c as i32,
            community: community.as_bytes().to_vec(),
        }),
        ..DeviceAssignment::default()
    }
}

fn assignment(revision: u64, devices: Vec<DeviceAssignment>) -> Assignment {
    Assignment { revision, devices }
}

#[test]
fn an_assignment_survives_a_restart_and_its_secrets_are_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let first = Inventory::open(dir.path(), OWNER).unwrap();
    first.apply(assignment(3, vec![device(7, "canary-one"), device(8, "canary-two")])).unwrap();
    let targets = first.targets().borrow().clone();
    let again = Inventory::open(dir.path(), OWNER).unwrap();
    assert_eq!((again.revision(), again.targets().borrow().clone()), (3, targets));
    let kept = std::fs::read(dir.path().join(CACHE_FILE)).unwrap();
    assert!(!kept.windows(6).any(|bytes| bytes == b"canary"));
}

#[test]
fn a_cache_that_cannot_be_read_is_no_assignment() {
    let dir = tempfile::tempdir().unwrap();
    let first = Inventory::open(dir.path(), OWNER).unwrap();
    first.apply(assignment(3, vec![device(7, "secret")])).unwrap();
    let path = dir.path().join(CACHE_FILE);
    let good = std::fs::read(&path).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for bad in [&b""[..], b"fwassign\x02", &good[..good.len() - 1], &flipped] {
        std::fs::write(&path, bad).unwrap();
        let again = Inventory::open(dir.path(), OWNER).unwrap();
        assert_eq!((again.revision(), again.device_count()), (0, 0));
    }
    // Another tenant's agent cannot open it, and after another enrolment it means nothing.
    std::fs::write(&path, &good).unwrap();
    let foreign = Owner { tenant: TenantId(9), ..OWNER };
    for other in [foreign, Owner { agent: AgentId(9), ..OWNER }] {
        assert_eq!(Inventory::open(dir.path(), other).unwrap().revision(), 0);
    }
}

#[test]
fn a_sealed_community_fits_its_device_only() {
    let dir = tempfile::tempdir().unwrap();
    let sealer = Sealer::open(&dir.path().join("k"), OWNER).unwrap();
    let sealed = sealer.seal(7, &Secret::from("public")).unwrap();
    assert_eq!(sealer.open_sealed(7, &sealed), Some(Secret::from("public")));
    assert_eq!(sealer.open_sealed(8, &sealed), None);
    assert_eq!(sealer.open_sealed(7, &sealed[..5]), None);
}

#[test]
fn an_older_revision_is_refused_and_the_same_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let inventory = Inventory::open(dir.path(), OWNER).unwrap();
    inventory.apply(assignment(5, vec![device(7, "a")])).unwrap();
    let older = inventory.apply(assignment(4, Vec::new()));
    assert!(matches!(older, Err(InventoryError::Older { offered: 4, known: 5 })));
    assert_eq!(inventory.device_count(), 1);
    inventory.apply(assignment(5, Vec::new())).unwrap();
    assert_eq!(inventory.device_count(), 0);
}

#[test]
fn devices_that_break_a_limit_are_refused_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let inventory = Inventory::open(dir.path(), OWNER).unwrap();
    let long = "c".repeat(256);
    let bad = vec![
        DeviceAssignment { host: String::new(), ..device(1, "a") },
        DeviceAssignment { host: "a b".into(), ..device(2, "a") },
        DeviceAssignment { port: 0, ..device(3, "a") },
        DeviceAssignment { port: 65_536, ..device(4, "a") },
        DeviceAssignment { interval_ms: 999, ..device(5, "a") },
        DeviceAssignment { snmp: None, ..device(6, "a") },
        device(7, ""),
        device(8, &long),
        device(-9, "a"),
        device(10, "good"),
        device(10, "twice"),
    ];
    let applied = inventory.apply(assignment(1, bad)).unwrap();
    let refused: Vec<i64> = applied.refused.iter().map(|device| device.device_id).collect();
    assert_eq!(refused, [1, 2, 3, 4, 5, 6, 7, 8, -9, 10]);
    assert_eq!(inventory.targets().borrow()[0].access.community(), b"good");
    let many = (1..=DEVICES_MAX as i64 + 1).map(|id| device(id, "a")).collect();
    assert!(matches!(inventory.apply(assignment(2, many)), Err(InventoryError::TooMany { .. })));
}
