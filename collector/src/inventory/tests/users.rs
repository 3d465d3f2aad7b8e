//! Users of SNMPv3 and how devices are treated, on both engines.

use farwatch_common::id::DeviceId;
use farwatch_proto::v1::{DeviceAssignment, SnmpAuth, SnmpPrivacy, SnmpVersion};

use super::engines::{Place, Scratch};
use super::*;
use crate::inventory::agent::{AgentPatch, agent_get, agent_patch};
use crate::inventory::device::bulk::{Bulk, device_bulk};
use crate::inventory::device::change::{DevicePatch, device_patch};
use crate::inventory::device::credential::InForce;
use crate::inventory::device::{Device, device_get};
use crate::inventory::profile::{
    NewProfile, ProfilePatch, profile_create, profile_delete, profile_patch,
};
use crate::inventory::site::site_create;
use crate::inventory::snmp::{Credential, Kind, User};

/// Passwords that begin with `text`.
pub(super) fn user(text: &str) -> Credential {
    let password = |of: &str| format!("{text}, {of}").into();
    Credential::User(User {
        name: "ops".to_owned(),
        auth: Some((SnmpAuth::Sha256, password("auth"))),
        privacy: Some((SnmpPrivacy::Aes128, password("privacy"))),
        context: "vrf-7".to_owned(),
    })
}

async fn sent(place: &Place<'_>, agent: AgentId, id: DeviceId) -> DeviceAssignment {
    let whose = (place.north, agent);
    let (sent, damaged) = assignment_for(place.db, &place.vault, &place.all, whose).await.unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    sent.devices.into_iter().find(|device| device.device_id == id.0).unwrap()
}

/// `community`, `user`, or neither, with the secret.
async fn asked_with(place: &Place<'_>, agent: AgentId, id: DeviceId) -> (&'static str, String) {
    let device = sent(place, agent, id).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match (device.snmp, device.snmp_user) {
        (Some(snmp), None) => ("community", text(snmp.community)),
        (None, Some(user)) => ("user", text(user.auth_password)),
        (None, None) => ("neither", String::new()),
        both => panic!("{both:?}"),
    }
}

async fn patched(place: &Place<'_>, id: DeviceId, patch: DevicePatch) -> Device {
    let Place { db, vault, ids, all, .. } = place;
    device_patch(db, (vault, ids), all, id, &patch, NOW).await.unwrap().1
}

/// A credential decides the version, a version takes away what it does not take.
async fn versions_and_credentials_go_together(place: &Place<'_>) {
    let Place { db, vault, ids, north, all, .. } = place;
    let agent = place.agent([1; 32]).await;
    let device = place.device(agent, "10.0.0.1").await.unwrap().id;
    let asked = async || asked_with(place, agent, device).await;
    let is = |kind: &'static str, secret: &str| (kind, secret.to_owned());
    assert_eq!(asked().await, is("community", "a-secret-community"));
    let own = |credential| DevicePatch { credential, ..DevicePatch::default() };
    let version = |version| DevicePatch { snmp_version: Some(version), ..DevicePatch::default() };

    let after = patched(place, device, own(Some(Some(user("its own"))))).await;
    assert_eq!(after.snmp_version, "v3");
    assert_eq!(asked().await, is("user", "its own, auth"));
    let message = sent(place, agent, device).await.snmp_user.unwrap();
    assert_eq!((&message.name[..], &message.context[..]), (&b"ops"[..], &b"vrf-7"[..]));
    assert_eq!((message.auth(), message.privacy()), (SnmpAuth::Sha256, SnmpPrivacy::Aes128));
    let InForce::Own(Some(about)) = place.in_force(device).await else {
        panic!("its own is not in force");
    };
    assert_eq!((about.name.as_str(), about.auth.as_str()), ("ops", "sha256"));

    let rows = place.audit_rows().await;
    assert_eq!(patched(place, device, version("v1")).await.snmp_version, "v1");
    assert_eq!(place.audit_rows().await, rows + 1);
    assert_eq!(asked().await, is("neither", ""));
    assert_eq!(place.in_force(device).await, InForce::Nothing);
    // Nothing is left that would come back.
    assert_eq!(patched(place, device, version("v3")).await.snmp_version, "v3");
    assert_eq!(asked().await, is("neither", ""));

    // Many at once: each has its own version before, and what goes with the community after.
    let second = place.device(agent, "10.0.0.2").await.unwrap().id;
    patched(place, second, version("v1")).await;
    let devices = [device, second];
    let mut known = Vec::new();
    for id in devices {
        known.push(device_get(db, all, id).await.unwrap());
    }
    let bulk = Bulk::Change(Box::new(own(Some(Some("of both".into())))));
    device_bulk(db, (vault, ids), all, &known, &bulk, NOW).await.unwrap();
    for (id, version, number) in
        [(device, "v2c", SnmpVersion::V2c), (second, "v1", SnmpVersion::V1)]
    {
        assert_eq!(device_get(db, all, id).await.unwrap().snmp_version, version);
        assert_eq!(sent(place, agent, id).await.snmp.unwrap().version(), number);
        assert_eq!(asked_with(place, agent, id).await, is("community", "of both"));
    }

    // What is sealed for a user follows the agent to another site.
    patched(place, device, own(Some(Some(user("moves"))))).await;
    let roof = site_create(db, all, ids, (*north, "Roof"), NOW).await.unwrap();
    let patch = AgentPatch { name: None, site: Some(roof.id) };
    agent_patch(db, vault, all, agent, &patch, NOW).await.unwrap();
    assert_eq!(asked().await, is("user", "moves, auth"));
}

/// A device takes a profile of the kind that its version takes.
async fn profiles_are_of_a_kind(place: &Place<'_>) {
    let Place { db, vault, ids, north, all, .. } = place;
    let agent = place.agent([2; 32]).await;
    let site = agent_get(db, all, agent).await.unwrap().site.id;
    let mut new = place.new_device(agent, "10.0.1.1");
    (new.credential, new.snmp_version) = (None, "v3");
    let of_v3 = device_create(db, vault, all, ids, &new, NOW).await.unwrap().id;
    (new.host, new.snmp_version) = ("10.0.1.2".to_owned(), "v2c");
    let of_v2c = device_create(db, vault, all, ids, &new, NOW).await.unwrap().id;
    let make = async |name: &str, site, credential| {
        let (name, credential) = (name.to_owned(), Credential::into(credential));
        let new = NewProfile { tenant: *north, name, site, tag: None, credential };
        profile_create(db, vault, all, ids, &new, NOW).await.unwrap()
    };
    let users = make("users", None, user("all")).await.0;
    make("communities", Some(site), "closer".into()).await;
    assert_eq!(asked_with(place, agent, of_v3).await, ("user", "all, auth".to_owned()));
    assert_eq!(asked_with(place, agent, of_v2c).await, ("community", "closer".to_owned()));
    match place.in_force(of_v3).await {
        InForce::Profile(profile, Some(about)) => {
            assert_eq!((profile.id, about.privacy.as_str()), (users.id, "aes128"));
        }
        other => panic!("{other:?}"),
    }
    let shown = |about: Option<credential::About>| match about {
        Some(credential::About::User(about)) => about,
        other => panic!("{other:?}"),
    };
    assert_eq!(users.kind, credential::Kind::Snmp(Kind::User));
    assert_eq!(shown(users.about).context, "vrf-7");

    let mut anew =
        User { name: "noc".to_owned(), auth: None, privacy: None, context: String::new() };
    let patch = |credential| ProfilePatch { credential: Some(credential), ..Default::default() };
    let (changed, told) =
        profile_patch(db, vault, all, users.id, &patch(Credential::User(anew.clone()).into()), NOW)
            .await
            .unwrap();
    assert_eq!(shown(changed.about).name, "noc");
    assert!(told.contains(&agent));
    assert_eq!(sent(place, agent, of_v3).await.snmp_user.unwrap().name, b"noc");
    let other =
        profile_patch(db, vault, all, users.id, &patch(Credential::from("x").into()), NOW).await;
    assert!(matches!(
        other,
        Err(InventoryError::OtherKind { is: credential::Kind::Snmp(Kind::User), .. })
    ));
    // Its place names the site: it is sealed anew and stays a user.
    let away = ProfilePatch { site: Some(Some(site)), ..ProfilePatch::default() };
    profile_patch(db, vault, all, users.id, &away, NOW).await.unwrap();
    assert_eq!(sent(place, agent, of_v3).await.snmp_user.unwrap().name, b"noc");
    anew.name = "other".to_owned();
    profile_delete(db, all, users.id, NOW).await.unwrap();
    assert_eq!(asked_with(place, agent, of_v3).await.0, "neither");
    // An agent whose devices take none of the kind is not told.
    device::change::device_delete(db, all, of_v3, NOW).await.unwrap();
    let (_, told) = make("others", None, Credential::User(anew)).await;
    assert!(!told.contains(&agent), "{told:?}");
}

async fn options_reach_the_agent(place: &Place<'_>) {
    let Place { db, vault, ids, all, .. } = place;
    let agent = place.agent([3; 32]).await;
    let manner = Manner { ping: false, strict_source: true, request_gap_ms: 250 };
    let new = NewDevice { manner, ..place.new_device(agent, "10.0.2.1") };
    let device = device_create(db, vault, all, ids, &new, NOW).await.unwrap();
    assert_eq!(device.manner, manner);
    let options = async || {
        let sent = sent(place, agent, device.id).await;
        (sent.ping_off, sent.strict_source, sent.request_gap_ms)
    };
    assert_eq!(options().await, (true, true, 250));
    // In the way of many devices, and in that of one which also changes its name.
    let patch = DevicePatch { ping: Some(true), ..DevicePatch::default() };
    let after = patched(place, device.id, patch).await;
    assert_eq!(after.manner, Manner { ping: true, ..manner });
    assert_eq!(options().await, (false, true, 250));
    let name = Some(("core".to_owned(), true));
    let (strict_source, request_gap_ms) = (Some(false), Some(0));
    let patch = DevicePatch { name, strict_source, request_gap_ms, ..DevicePatch::default() };
    patched(place, device.id, patch).await;
    assert_eq!(device_get(db, all, device.id).await.unwrap().manner, Manner::default());
    assert_eq!(options().await, (false, false, 0));
}

async fn everything(db: &Database) {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(db, &dir).await;
    versions_and_credentials_go_together(&place).await;
    profiles_are_of_a_kind(&place).await;
    options_reach_the_agent(&place).await;
}

#[tokio::test]
async fn sqlite_keeps_users_and_options() {
    let dir = tempfile::tempdir().unwrap();
    everything(&Database::open(dir.path()).await.unwrap()).await;
}

#[tokio::test]
async fn postgres_keeps_users_and_options() {
    let Some(scratch) = Scratch::open().await else { return };
    let db = scratch.database().await;
    everything(&db).await;
    db.close().await;
    scratch.remove().await;
}
