use farwatch_common::id::{AgentId, SiteId, TenantId};
use farwatch_proto::v1::{
    SnmpAuth, SnmpCommunity, SnmpPrivacy, SnmpUser as WireUser, SnmpVersion as WireVersion,
};

use super::*;
use crate::poll::SnmpUser;

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

fn user() -> WireUser {
    WireUser {
        name: b"watch".to_vec(),
        auth: SnmpAuth::Sha256 as i32,
        auth_password: b"canary-auth".to_vec(),
        privacy: SnmpPrivacy::Aes128 as i32,
        privacy_password: b"canary-priv".to_vec(),
        context: b"vrf-1".to_vec(),
    }
}

fn of_user(id: i64, user: WireUser) -> DeviceAssignment {
    DeviceAssignment { snmp: None, snmp_user: Some(user), ..device(id, "") }
}

fn assignment(revision: u64, devices: Vec<DeviceAssignment>) -> Assignment {
    Assignment { revision, devices }
}

#[test]
fn an_assignment_survives_a_restart_and_its_secrets_are_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let first = Inventory::open(dir.path(), OWNER).unwrap();
    let devices = vec![
        device(7, "canary-one"),
        device(8, "canary-two"),
        of_user(9, user()),
        of_user(10, WireUser { name: b"open".to_vec(), ..WireUser::default() }),
        DeviceAssignment { snmp: None, ..device(11, "") },
    ];
    first.apply(assignment(3, devices)).unwrap();
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
        DeviceAssignment { snmp: None, ping_off: true, ..device(6, "a") },
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

#[test]
fn a_user_and_the_manner_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let inventory = Inventory::open(dir.path(), OWNER).unwrap();
    let given = DeviceAssignment {
        ping_off: true,
        strict_source: true,
        request_gap_ms: 1000,
        ..of_user(7, user())
    };
    let bare = DeviceAssignment { snmp: None, ..device(8, "") };
    let applied = inventory.apply(assignment(1, vec![given, bare])).unwrap();
    assert_eq!(applied.refused, []);
    let targets = inventory.targets().borrow().clone();
    let wanted = SnmpUser {
        name: b"watch".to_vec(),
        auth: Some((SnmpAuth::Sha256, Secret::from("canary-auth"))),
        privacy: Some((SnmpPrivacy::Aes128, Secret::from("canary-priv"))),
        context: b"vrf-1".to_vec(),
    };
    assert_eq!(targets[0].access, Access::User(wanted));
    let manner = Manner { ping: false, strict_source: true, request_gap: Duration::from_secs(1) };
    assert_eq!(targets[0].manner, manner);
    assert_eq!((&targets[1].access, targets[1].manner), (&Access::Nothing, Manner::default()));
}

#[test]
fn users_that_break_a_limit_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let inventory = Inventory::open(dir.path(), OWNER).unwrap();
    let cases = [
        ("name", WireUser { name: Vec::new(), ..user() }),
        ("name", WireUser { name: vec![b'n'; 33], ..user() }),
        ("authentication password", WireUser { auth_password: b"7octets".to_vec(), ..user() }),
        ("privacy password", WireUser { privacy_password: b"7octets".to_vec(), ..user() }),
        ("authentication password", WireUser { auth_password: vec![b'p'; 256], ..user() }),
        ("privacy", WireUser { auth: 0, auth_password: Vec::new(), ..user() }),
        ("protocol", WireUser { auth: 99, ..user() }),
        ("protocol", WireUser { privacy: 99, ..user() }),
        ("password", WireUser { privacy: 0, ..user() }),
        ("context", WireUser { context: vec![b'c'; 256], ..user() }),
    ];
    let mut devices: Vec<DeviceAssignment> =
        (1..).zip(&cases).map(|(id, (_, user))| of_user(id, user.clone())).collect();
    devices.push(DeviceAssignment { snmp_user: Some(user()), ..device(100, "both") });
    devices.push(DeviceAssignment { request_gap_ms: 1001, ..device(101, "slow") });
    devices.push(of_user(102, user()));
    let applied = inventory.apply(assignment(1, devices)).unwrap();
    let wanted = cases.iter().map(|(word, _)| *word).chain(["both", "gap"]);
    assert_eq!(applied.refused.len(), cases.len() + 2);
    for (refused, word) in applied.refused.iter().zip(wanted) {
        let RefusedDevice { device_id, reason } = refused;
        assert!(reason.contains(word), "{device_id}: {reason}");
        assert!(!reason.contains("canary"), "{reason}");
    }
    assert_eq!(inventory.device_count(), 1);
}

#[test]
fn a_host_is_an_address_with_or_without_a_zone_or_a_name() {
    for text in ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "fe80::1%br-lan.7", "fe80::1%3", "a.b"]
    {
        assert!(is_host(text), "{text}");
    }
    let long = format!("fe80::1%{}", "e".repeat(HOST_BYTES_MAX));
    for text in ["", "a b", "fe80::1%", "fe80::1%a%b", "fe80::1%a b", "a%eth0", "%eth0", &long] {
        assert!(!is_host(text), "{text}");
    }
}
