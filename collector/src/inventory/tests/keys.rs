//! Keys rotate, and a rotation that dies anywhere is taken up: on both engines.

use farwatch_common::id::DeviceId;
use farwatch_proto::v1::DeviceAssignment;

use super::engines::Place;
use super::users::user;
use super::*;
use crate::inventory::profile::{NewProfile, profile_create};
use crate::inventory::vault::keyring::Keyring;
use crate::inventory::vault::master::{master_key_rotate, rewrap};
use crate::inventory::vault::rotate::{TenantRotation, tenant_key_rotate};

/// The community, or the passwords of the user.
fn secret_of(device: DeviceAssignment) -> Vec<u8> {
    match (device.snmp, device.snmp_user) {
        (Some(snmp), None) => snmp.community,
        (None, Some(user)) => [user.auth_password, user.privacy_password].concat(),
        other => panic!("{other:?}"),
    }
}

/// What the agent's devices are asked with, in the order of their ids.
async fn secrets(place: &Place<'_>, vault: &Vault, agent: AgentId) -> Vec<Vec<u8>> {
    let whose = (place.north, agent);
    let (sent, damaged) = assignment_for(place.db, vault, &place.all, whose).await.unwrap();
    assert_eq!(damaged, Vec::<DeviceId>::new());
    sent.devices.into_iter().map(secret_of).collect()
}

async fn versions(place: &Place<'_>) -> i64 {
    let mut txn = place.db.read(&place.all).await.unwrap();
    let keys = vault::rotate::KEYS.bind(place.north);
    keys.one(&mut txn).await.unwrap().get(0).unwrap()
}

async fn rotations(place: &Place<'_>, dir: &tempfile::TempDir) {
    let Place { db, vault, ids, north, all, .. } = place;
    let agent = place.agent([1; 32]).await;
    let site = agent::agent_get(db, all, agent).await.unwrap().site.id;
    for number in 1..4 {
        place.device(agent, &format!("10.0.0.{number}")).await.unwrap();
    }
    let mut bare = place.new_device(agent, "10.0.0.9");
    bare.credential = None;
    device_create(db, vault, all, ids, &bare, NOW).await.unwrap();
    let new = NewProfile {
        tenant: *north,
        name: "all".to_owned(),
        site: Some(site),
        tag: None,
        credential: snmp::Credential::from("of-the-profile").into(),
    };
    profile_create(db, vault, all, ids, &new, NOW).await.unwrap();
    for (host, credential) in [("10.0.0.10", Some(user("of-its-own"))), ("10.0.0.11", None)] {
        let host = host.to_owned();
        let of_v3 = NewDevice { host, snmp_version: "v3", credential, ..bare.clone() };
        device_create(db, vault, all, ids, &of_v3, NOW).await.unwrap();
    }
    let credential = user("of-a-profile").into();
    let new = NewProfile { name: "users".to_owned(), site: None, credential, ..new };
    profile_create(db, vault, all, ids, &new, NOW).await.unwrap();
    let expected = secrets(place, vault, agent).await;
    assert_eq!(expected.len(), 6);
    let text = |at: usize| String::from_utf8(expected[at].clone()).unwrap();
    assert_eq!(
        [text(3), text(4), text(5)],
        [
            "of-the-profile",
            "of-its-own, authof-its-own, privacy",
            "of-a-profile, authof-a-profile, privacy",
        ]
    );

    // Each way of dying in the rotation of a tenant's key; the next goes on.
    for steps in 0..6 {
        let mut dies = TenantRotation::new(db, vault, all, *north);
        for _ in 0..steps {
            dies.step(NOW).await.unwrap();
        }
        assert_eq!(secrets(place, vault, agent).await, expected, "after {steps} steps");
        let done = tenant_key_rotate(db, vault, all, *north, NOW).await.unwrap();
        assert!(done.damaged.is_empty());
        assert_eq!(versions(place).await, 1, "after {steps} steps");
        assert_eq!(secrets(place, vault, agent).await, expected);
    }

    // And of the master key, under a collector that serves: `vault` has read the files before.
    drop(Keyring::rotate(dir.path()).unwrap());
    assert_eq!(secrets(place, vault, agent).await, expected);
    let rotation = Keyring::rotate(dir.path()).unwrap();
    assert!(matches!(
        tenant_create(db, vault, all, ids, "Late", NOW).await,
        Err(InventoryError::Vault(_))
    ));
    assert_eq!(rewrap(db, &rotation, NOW).await.unwrap(), 2);
    for vault in [vault, &Vault::open(dir.path()).unwrap()] {
        assert_eq!(secrets(place, vault, agent).await, expected);
    }
    drop(rotation);
    assert_eq!(master_key_rotate(db, dir.path(), NOW).await.unwrap(), 0);
    assert!(!Keyring::open(dir.path()).unwrap().is_rotating());
    assert_eq!(secrets(place, vault, agent).await, expected);
    // Once more, in one go, and all that is made afterwards.
    assert_eq!(master_key_rotate(db, dir.path(), NOW).await.unwrap(), 2);
    tenant_create(db, vault, all, ids, "Late", NOW).await.unwrap();
    tenant_key_rotate(db, vault, all, *north, NOW).await.unwrap();
    for vault in [vault, &Vault::open(dir.path()).unwrap()] {
        assert_eq!(secrets(place, vault, agent).await, expected);
    }
}

#[tokio::test]
async fn sqlite_keys_rotate_and_go_on_after_any_death() {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(dir.path()).await.unwrap();
    rotations(&Place::new(&db, &dir).await, &dir).await;
}

#[tokio::test]
async fn postgres_keys_rotate_and_go_on_after_any_death() {
    let Some(scratch) = engines::Scratch::open().await else { return };
    let (db, dir) = (scratch.database().await, tempfile::tempdir().unwrap());
    rotations(&Place::new(&db, &dir).await, &dir).await;
    db.close().await;
    scratch.remove().await;
}
