//! What people change, on both engines: sites, agents, devices, profiles, quotas.

use std::collections::BTreeSet;

use farwatch_common::id::DeviceId;

use super::engines::{Place, Scratch};
use super::*;
use crate::identity::token::{token_delete, token_list};
use crate::inventory::agent::{AgentPatch, agent_get, agent_patch};
use crate::inventory::device::bulk::{Bulk, BulkFailed, device_bulk, devices_known};
use crate::inventory::device::change::{DevicePatch, device_patch};
use crate::inventory::device::credential::InForce;
use crate::inventory::device::{Device, DeviceFilter, DeviceOrder, device_get, device_list};
use crate::inventory::profile::{
    NewProfile, ProfilePatch, profile_create, profile_delete, profile_list, profile_patch,
};
use crate::inventory::quota::{Quota, quota_get, quota_set};
use crate::inventory::site::{site_create, site_delete, site_get, site_rename};
use crate::inventory::snmp::Credential;
use crate::inventory::tenant::{tenant_get, tenant_rename};

const PAGE: Page = Page { after: None, limit: 10 };

fn tags(words: &[&str]) -> Tags {
    words.iter().map(|word| (*word).to_owned()).collect()
}

async fn community(place: &Place<'_>, agent: AgentId, id: DeviceId) -> Option<Vec<u8>> {
    let whose = (place.north, agent);
    let (sent, damaged) = assignment_for(place.db, &place.vault, &place.all, whose).await.unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    let device = sent.devices.into_iter().find(|device| device.device_id == id.0)?;
    device.snmp.map(|snmp| snmp.community)
}

async fn revision(place: &Place<'_>, agent: AgentId) -> u64 {
    let whose = (place.north, agent);
    assignment_for(place.db, &place.vault, &place.all, whose).await.unwrap().0.revision
}

sql! { NAME_SITE = "UPDATE site SET name = $3 WHERE tenant_id = $1 AND site_id = $2" }

/// Two sites whose names were let in when only the same letters were refused.
async fn names_alike_from_before_stay(place: &Place<'_>) {
    let Place { db, ids, north, all, .. } = place;
    let upper = site_create(db, all, ids, (*north, "Summit"), NOW).await.unwrap();
    let lower = site_create(db, all, ids, (*north, "Ridge"), NOW).await.unwrap();
    let mut txn = db.change(all, *north, Access::Write).await.unwrap();
    NAME_SITE.bind(*north).bind(lower.id).bind("summit").execute(&mut txn).await.unwrap();
    txn.commit([], NOW).await.unwrap();
    for (site, name) in [(&upper, "Summit"), (&lower, "summit")] {
        assert_eq!(site_rename(db, all, site.id, name, NOW).await.unwrap().name, name);
        let mut txn = db.change(all, *north, Access::Write).await.unwrap();
        let found = site_create_or_get(&mut txn, all, ids, *north, name, NOW).await.unwrap().0;
        assert_eq!(found.id, site.id);
    }
    site_delete(db, all, upper.id, NOW).await.unwrap();
    site_delete(db, all, lower.id, NOW).await.unwrap();
}

async fn places_are_named_and_taken_out(place: &Place<'_>) {
    let Place { db, ids, north, south, all, .. } = place;
    let renamed = tenant_rename(db, all, *south, "South pole", NOW).await.unwrap();
    assert_eq!(renamed.name, tenant_get(db, all, *south).await.unwrap().name);
    let is_there = |refused: InventoryError, name: &str| match refused {
        InventoryError::Exists { there, .. } => assert_eq!(there, name),
        error => panic!("{error:?}"),
    };
    for name in ["North", "NORTH", "north!"] {
        is_there(tenant_rename(db, all, *south, name, NOW).await.unwrap_err(), "North");
        let made = tenant_create(db, &place.vault, all, ids, name, NOW).await;
        is_there(made.unwrap_err(), "North");
    }
    let site = site_create(db, all, ids, (*north, "Roof"), NOW).await.unwrap();
    for name in ["Roof", "roof", "-Roof-"] {
        is_there(site_create(db, all, ids, (*north, name), NOW).await.unwrap_err(), "Roof");
    }
    // Another tenant's is another.
    site_create(db, all, ids, (*south, "roof"), NOW).await.unwrap();
    assert_eq!(site_rename(db, all, site.id, "ROOF", NOW).await.unwrap().name, "ROOF");
    site_rename(db, all, site.id, "Attic", NOW).await.unwrap();
    assert_eq!(site_get(db, all, site.id).await.unwrap().name, "Attic");
    site_create(db, all, ids, (*north, "Yard"), NOW).await.unwrap();
    is_there(site_rename(db, all, site.id, "yard", NOW).await.unwrap_err(), "Yard");
    names_alike_from_before_stay(place).await;
    // A token that can still be used holds its site; one that was taken back does not.
    let origin = TokenOrigin { root_pin: [7; 32], endpoints: Vec::new() };
    let by_name = token_create(db, all, ids, (*north, "attic"), &origin, NOW).await.unwrap();
    let id = site.id.to_string();
    let by_id = token_create(db, all, ids, (*north, &id), &origin, NOW).await.unwrap();
    assert_eq!((by_name.site.id, by_id.site), (site.id, by_name.site));
    let foreign = token_create(db, all, ids, (*south, &id), &origin, NOW).await;
    assert!(matches!(foreign, Err(TokenError::NoSite)));
    let second = token_list(db, all, None, 10, NOW).await.unwrap().rows.pop().unwrap();
    token_delete(db, all, &second.id, NOW).await.unwrap();
    let in_use = site_delete(db, all, site.id, NOW).await.unwrap_err().to_string();
    assert!(in_use.contains("open enrolment tokens: 1"), "{in_use}");
    let open = token_list(db, all, None, 10, NOW).await.unwrap();
    assert_eq!((open.total, open.rows[0].site.id), (1, site.id));
    let stranger = token_delete(db, &all.narrowed(*south), &open.rows[0].id, NOW).await;
    assert!(matches!(stranger, Err(TokenError::Inventory(InventoryError::NotFound))));
    token_delete(db, all, &open.rows[0].id, NOW).await.unwrap();
    assert_eq!(token_list(db, all, None, 10, NOW).await.unwrap().total, 0);
    site_delete(db, all, site.id, NOW).await.unwrap();
    assert!(matches!(site_get(db, all, site.id).await, Err(InventoryError::NotFound)));
}

async fn devices_change_and_follow_their_agents(place: &Place<'_>) {
    let Place { db, vault, ids, north, all, .. } = place;
    let (agent, other) = (place.agent([1; 32]).await, place.agent([2; 32]).await);
    let device = place.device(agent, "10.0.0.1").await.unwrap();
    let second = place.device(agent, "10.0.0.2").await.unwrap();
    let change = async |id, patch: DevicePatch| -> Result<Device, InventoryError> {
        Ok(device_patch(db, (vault, ids), all, id, &patch, NOW).await?.1)
    };
    let before = revision(place, agent).await;
    let name = Some(("core".to_owned(), true));
    let named = change(device.id, DevicePatch { name, ..DevicePatch::default() }).await.unwrap();
    assert_eq!((named.name.as_str(), revision(place, agent).await), ("core", before));
    // The text stays, and stands in for the device's own or not.
    for is_given in [false, true] {
        let name = Some(("core".to_owned(), is_given));
        change(device.id, DevicePatch { name, ..DevicePatch::default() }).await.unwrap();
        assert_eq!(device_get(db, all, device.id).await.unwrap().named, is_given);
    }
    let patch = DevicePatch {
        interval_s: Some(30),
        tags: Some(tags(&["a", "b"])),
        credential: Some(Some("its-own".into())),
        ..DevicePatch::default()
    };
    let changed = change(device.id, patch).await.unwrap();
    assert_eq!((changed.interval_s, changed.tags), (30, tags(&["a", "b"])));
    assert_eq!(revision(place, agent).await, before + 1);
    assert_eq!(community(place, agent, device.id).await.unwrap(), b"its-own");
    let address = Some(("10.0.0.2".to_owned(), SNMP_PORT));
    let taken = change(device.id, DevicePatch { address, ..DevicePatch::default() }).await;
    assert!(matches!(taken, Err(InventoryError::Exists { .. })));
    let found = DeviceFilter { tag: Some("b".to_owned()), ..DeviceFilter::default() };
    let found = device_list(db, all, &found, DeviceOrder::Name, &PAGE).await.unwrap();
    assert_eq!((found.total, found.rows[0].id), (1, device.id));
    // To an agent at another site: what is sealed for it goes with it.
    let roof = site_create(db, all, ids, (*north, "Roof"), NOW).await.unwrap();
    let patch = AgentPatch { name: Some("up".to_owned()), site: Some(roof.id) };
    let moved = agent_patch(db, vault, all, other, &patch, NOW).await.unwrap();
    assert_eq!((moved.name.as_str(), moved.site.id), ("up", roof.id));
    let patch = DevicePatch { agent: Some(other), ..DevicePatch::default() };
    let there = change(device.id, patch).await.unwrap();
    assert_eq!((there.agent.id, there.site.id), (other, roof.id));
    assert_eq!(community(place, other, device.id).await.unwrap(), b"its-own");
    assert!(community(place, agent, device.id).await.is_none());
    // And the whole agent with all its devices.
    let patch = AgentPatch { name: None, site: Some(second.site.id) };
    agent_patch(db, vault, all, other, &patch, NOW).await.unwrap();
    assert_eq!(device_get(db, all, device.id).await.unwrap().site.id, second.site.id);
    assert_eq!(community(place, other, device.id).await.unwrap(), b"its-own");
    let name = Some(agent_get(db, all, agent).await.unwrap().name);
    let taken = agent_patch(db, vault, all, other, &AgentPatch { name, site: None }, NOW).await;
    assert!(matches!(taken, Err(InventoryError::Exists { .. })));
}

sql! { SEE =
    "UPDATE device SET answers_from = '192.0.2.9' WHERE tenant_id = $1 AND device_id = $2"
}

/// It goes with the host, and with the agent that has seen it.
async fn where_answers_come_from_is_of_a_host_and_an_agent(place: &Place<'_>) {
    let Place { db, vault, ids, north, all, .. } = place;
    let (agent, other) = (place.agent([40; 32]).await, place.agent([41; 32]).await);
    let id = place.device(agent, "10.0.7.1").await.unwrap().id;
    let address = |host: &str, port| DevicePatch {
        address: Some((host.to_owned(), port)),
        ..DevicePatch::default()
    };
    let name = Some(("core".to_owned(), true));
    for (patch, stays) in [
        (DevicePatch { name, ..DevicePatch::default() }, true),
        (address("10.0.7.1", 1161), true),
        (address("10.0.7.2", 1161), false),
        (DevicePatch { agent: Some(other), ..DevicePatch::default() }, false),
    ] {
        let mut txn = db.change(all, *north, Access::Write).await.unwrap();
        SEE.bind(*north).bind(id).execute(&mut txn).await.unwrap();
        txn.commit([], NOW).await.unwrap();
        let told = device_patch(db, (vault, ids), all, id, &patch, NOW).await.unwrap().1;
        let from = device_get(db, all, id).await.unwrap().facts.answers_from;
        assert_eq!((from.as_deref(), told.facts.answers_from.as_deref()), {
            let expected = stays.then_some("192.0.2.9");
            (expected, expected)
        });
    }
}

/// Which of four profiles a device takes, by its tags; then without the closest, one by one.
async fn the_closest_profile_counts(place: &Place<'_>) {
    let Place { db, vault, ids, north, all, .. } = place;
    let agent = place.agent([3; 32]).await;
    let site = agent_get(db, all, agent).await.unwrap().site.id;
    let mut new = place.new_device(agent, "10.0.1.1");
    (new.credential, new.tags) = (None, tags(&["core"]));
    let device = device_create(db, vault, all, ids, &new, NOW).await.unwrap().id;
    (new.host, new.tags) = ("10.0.1.2".to_owned(), Tags::new());
    let plain = device_create(db, vault, all, ids, &new, NOW).await.unwrap().id;
    assert!(community(place, agent, device).await.is_none());
    assert_eq!(place.in_force(device).await, InForce::Nothing);
    let mut made = Vec::new();
    for (name, site, tag, with_tag, without) in [
        ("of all", None, None, "of all", "of all"),
        ("of all again", None, None, "of all", "of all"),
        ("of the tag", None, Some("core"), "of the tag", "of all"),
        ("of another tag", None, Some("edge"), "of the tag", "of all"),
        ("of the site", Some(site), None, "of the site", "of the site"),
        ("of both", Some(site), Some("core"), "of both", "of the site"),
    ] {
        let tag = tag.map(str::to_owned);
        let credential = Credential::from(name).into();
        let new = NewProfile { tenant: *north, name: name.to_owned(), site, tag, credential };
        let before = revision(place, agent).await;
        let (profile, told) = profile_create(db, vault, all, ids, &new, NOW).await.unwrap();
        let affected = new.tag.as_deref() != Some("edge");
        assert_eq!(told.contains(&agent), affected, "{name}");
        assert_eq!(revision(place, agent).await, before + u64::from(affected));
        assert_eq!(community(place, agent, device).await.unwrap(), with_tag.as_bytes(), "{name}");
        assert_eq!(community(place, agent, plain).await.unwrap(), without.as_bytes(), "{name}");
        made.push(profile);
    }
    match place.in_force(device).await {
        InForce::Profile(profile, _) => assert_eq!(profile.name, "of both"),
        other => panic!("{other:?}"),
    }
    // Moved away from the site, its place is another.
    let patch = ProfilePatch { site: Some(None), ..ProfilePatch::default() };
    let (changed, told) = profile_patch(db, vault, all, made[4].id, &patch, NOW).await.unwrap();
    assert!(changed.site.is_none() && told.contains(&agent));
    assert_eq!(community(place, agent, plain).await.unwrap(), b"of all");
    let other = Some(Credential::from("other").into());
    let patch = ProfilePatch { credential: other, ..ProfilePatch::default() };
    profile_patch(db, vault, all, made[5].id, &patch, NOW).await.unwrap();
    assert_eq!(community(place, agent, device).await.unwrap(), b"other");
    profile_delete(db, all, made[5].id, NOW).await.unwrap();
    assert_eq!(community(place, agent, device).await.unwrap(), b"of the tag");
    // Its own goes before any profile; and without its tag it takes another.
    let patch = DevicePatch { credential: Some(Some("mine".into())), ..DevicePatch::default() };
    device_patch(db, (vault, ids), all, device, &patch, NOW).await.unwrap();
    assert_eq!(community(place, agent, device).await.unwrap(), b"mine");
    assert_eq!(place.in_force(device).await, InForce::Own(None));
    let patch =
        DevicePatch { credential: Some(None), tags: Some(Tags::new()), ..DevicePatch::default() };
    device_patch(db, (vault, ids), all, device, &patch, NOW).await.unwrap();
    assert_eq!(community(place, agent, device).await.unwrap(), b"of all");
    assert_eq!(profile_list(db, all, &PAGE).await.unwrap().total, 5);
}

sql! { DAMAGE =
    "UPDATE credential_profile SET sealed = $3 WHERE tenant_id = $1 AND profile_id = $2"
}

/// Renamed it may be, moved only with a community that is new; what is no change leaves no trace.
async fn a_damaged_profile_is_mended_with_a_new_community(place: &Place<'_>) {
    let Place { db, vault, ids, north, all, .. } = place;
    let site = site_create(db, all, ids, (*north, "Cellar"), NOW).await.unwrap().id;
    let credential = Credential::from("below").into();
    let (name, site) = ("of the cellar".to_owned(), Some(site));
    let new = NewProfile { tenant: *north, name, site, tag: None, credential };
    let id = profile_create(db, vault, all, ids, &new, NOW).await.unwrap().0.id;
    let mut txn = db.change(all, *north, Access::Write).await.unwrap();
    DAMAGE.bind(*north).bind(id.0).bind(&[7; 60][..]).execute(&mut txn).await.unwrap();
    txn.commit([], NOW).await.unwrap();
    let patch = async |patch: &ProfilePatch| {
        let later = NOW.after(TOKEN_LIFE);
        profile_patch(db, vault, all, id, patch, later).await.map(|(profile, _)| profile)
    };
    let rows = place.audit_rows().await;
    let same = ProfilePatch { site: Some(new.site), ..ProfilePatch::default() };
    assert_eq!(patch(&same).await.unwrap().updated_at, NOW);
    assert_eq!(place.audit_rows().await, rows);
    let name = Some("of below".to_owned());
    let renamed = patch(&ProfilePatch { name, ..ProfilePatch::default() }).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.site.is_some()), ("of below", true));
    let away = ProfilePatch { site: Some(None), ..ProfilePatch::default() };
    assert!(matches!(patch(&away).await, Err(InventoryError::Damaged)));
    let anew = ProfilePatch { credential: Some(Credential::from("anew").into()), ..away };
    assert!(patch(&anew).await.unwrap().site.is_none());
    profile_delete(db, all, id, NOW).await.unwrap();
}

async fn many_change_at_once(place: &Place<'_>) {
    let Place { db, vault, ids, south, all, .. } = place;
    let agent = place.agent([4; 32]).await;
    let mut devices = BTreeSet::new();
    for number in 1..=20 {
        devices.insert(place.device(agent, &format!("10.1.0.{number}")).await.unwrap().id);
    }
    let patch = DevicePatch {
        interval_s: Some(300),
        add_tags: tags(&["x", "y"]),
        remove_tags: tags(&["y"]),
        ..DevicePatch::default()
    };
    let bulk = async |context: &TenantContext, devices: &BTreeSet<DeviceId>, bulk: &Bulk| {
        let known = devices_known(db, context, devices).await?;
        device_bulk(db, (vault, ids), context, &known, bulk, NOW).await
    };
    let before = revision(place, agent).await;
    let rows = place.audit_rows().await;
    let done = bulk(all, &devices, &Bulk::Change(Box::new(patch.clone()))).await.unwrap();
    assert_eq!((done.len(), done[0].devices.len()), (1, 20));
    assert_eq!(revision(place, agent).await, before + 1);
    assert_eq!(place.audit_rows().await, rows + 20);
    // What is so already is no change.
    bulk(all, &devices, &Bulk::Change(Box::new(patch))).await.unwrap();
    assert_eq!((revision(place, agent).await, place.audit_rows().await), (before + 1, rows + 20));
    let filter = DeviceFilter { tag: Some("x".to_owned()), ..DeviceFilter::default() };
    assert_eq!(device_list(db, all, &filter, DeviceOrder::Name, &PAGE).await.unwrap().total, 20);
    // All or none.
    let mut with_nobodys = devices.clone();
    with_nobodys.insert(DeviceId(4711));
    let missed = bulk(all, &with_nobodys, &Bulk::Delete).await;
    assert!(matches!(missed.unwrap_err().error, InventoryError::NotFound));
    let missed = bulk(&all.narrowed(*south), &devices, &Bulk::Delete).await;
    assert!(matches!(missed.unwrap_err().error, InventoryError::NotFound));
    assert_eq!(device_list(db, all, &filter, DeviceOrder::Name, &PAGE).await.unwrap().total, 20);
    // To another agent: both are told.
    let other = place.agent([6; 32]).await;
    let revisions = (revision(place, agent).await, revision(place, other).await);
    let to = DevicePatch { agent: Some(other), ..DevicePatch::default() };
    let moved = bulk(all, &devices, &Bulk::Change(Box::new(to))).await.unwrap();
    assert_eq!(moved[0].agents, BTreeSet::from([agent, other]));
    let told = (revision(place, agent).await, revision(place, other).await);
    assert_eq!(told, (revisions.0 + 1, revisions.1 + 1));
    bulk(all, &devices, &Bulk::Delete).await.unwrap();
    assert_eq!(device_list(db, all, &filter, DeviceOrder::Name, &PAGE).await.unwrap().total, 0);
}

/// Of two tenants the second fails: the first keeps what it got, and its agents can be told.
async fn of_two_tenants_what_was_done_is_told(place: &Place<'_>) {
    let Place { db, vault, ids, north, south, all, .. } = place;
    let agent = place.agent([7; 32]).await;
    let ours = place.device(agent, "10.2.0.1").await.unwrap();
    let far = AgentId(ids.next(NOW));
    let mut txn = db.change(all, *south, Access::Write).await.unwrap();
    let (site, _) = site_create_or_get(&mut txn, all, ids, *south, "Far", NOW).await.unwrap();
    agent_create(&mut txn, (*south, site.id, far), "far", NOW).await.unwrap();
    txn.commit([], NOW).await.unwrap();
    let (one, two) = (place.device(far, "10.2.0.1").await, place.device(far, "10.2.0.2").await);
    let devices = BTreeSet::from([ours.id, one.unwrap().id, two.unwrap().id]);
    // Two of an agent cannot have one address.
    let address = Some(("10.2.0.9".to_owned(), 161));
    let patch = Bulk::Change(Box::new(DevicePatch { address, ..DevicePatch::default() }));
    let devices = devices_known(db, all, &devices).await.unwrap();
    let BulkFailed { done, error } =
        device_bulk(db, (vault, ids), all, &devices, &patch, NOW).await.unwrap_err();
    assert!(matches!(error, InventoryError::Exists { .. }), "{error:?}");
    assert_eq!((done.len(), done[0].tenant), (1, *north));
    assert_eq!(done[0].agents, BTreeSet::from([agent]));
    assert_eq!(device_get(db, all, ours.id).await.unwrap().host, "10.2.0.9");
}

/// Many at the same time: as many are made as there is room for, and no more.
async fn quotas_hold_under_a_crowd(place: &Place<'_>) {
    let Place { db, north, south, all, .. } = place;
    let agent = place.agent([5; 32]).await;
    let (_, used) = quota_get(db, all, *north).await.unwrap();
    let quota = Quota { devices: Some(used.devices + 5), ..Quota::default() };
    quota_set(db, all, *north, quota, NOW).await.unwrap();
    let hosts: Vec<_> = (0..16).map(|number| format!("10.2.0.{number}")).collect();
    let crowd = hosts.iter().map(|host| place.device(agent, host));
    let answers = futures_util::future::join_all(crowd).await;
    let made = answers.iter().filter(|answer| answer.is_ok()).count();
    let full = |answer: &&Result<_, _>| matches!(answer, Err(InventoryError::Quota { .. }));
    assert_eq!((made, answers.iter().filter(full).count()), (5, 11));
    assert_eq!(quota_get(db, all, *north).await.unwrap().1.devices, used.devices + 5);
    let admin = TenantContext::of(Actor::Local, false, [(*north, Access::Admin)]);
    let denied = quota_set(db, &admin, *north, Quota::default(), NOW).await;
    assert!(matches!(denied, Err(InventoryError::Denied)));
    assert!(matches!(quota_get(db, &admin, *south).await, Err(InventoryError::NotFound)));
    assert!(quota_get(db, &admin, *north).await.is_ok());
}

async fn everything(db: &Database) {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::new(db, &dir).await;
    places_are_named_and_taken_out(&place).await;
    devices_change_and_follow_their_agents(&place).await;
    where_answers_come_from_is_of_a_host_and_an_agent(&place).await;
    the_closest_profile_counts(&place).await;
    a_damaged_profile_is_mended_with_a_new_community(&place).await;
    many_change_at_once(&place).await;
    of_two_tenants_what_was_done_is_told(&place).await;
    quotas_hold_under_a_crowd(&place).await;
}

#[tokio::test]
async fn sqlite_takes_every_change() {
    let dir = tempfile::tempdir().unwrap();
    everything(&Database::open(dir.path()).await.unwrap()).await;
}

#[tokio::test]
async fn postgres_takes_every_change() {
    let Some(scratch) = Scratch::open().await else { return };
    let db = scratch.database().await;
    everything(&db).await;
    db.close().await;
    scratch.remove().await;
}
