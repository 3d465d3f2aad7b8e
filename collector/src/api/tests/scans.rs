//! Scans as clients ask for them, and devices that are made of what they found.

use std::net::Ipv4Addr;

use farwatch_common::id::{DeviceId, ScanId};
use farwatch_common::task::spawn_child;
use farwatch_proto::v1::command;

use super::commands::{Scene, user};
use super::find::DAMAGE_PROFILES;
use super::*;
use crate::scan::CANDIDATES_MAX;
use crate::scan::tests::until;

/// A scan that has ended and has found a host; its id.
pub(super) async fn found(world: &World, of: (&str, AgentId, SiteId), address: &str) -> String {
    let id = written(world, of, "done").await;
    let sql = format!(
        "INSERT INTO scan_host (tenant_id, scan_id, place, watched)
         SELECT tenant_id, scan_id, {}, 0 FROM scan WHERE scan_id = {}",
        address.parse::<Ipv4Addr>().unwrap().to_bits(),
        id.0
    );
    world.raw().run(composed(sql)).await;
    id.to_string()
}

/// A scan that is under way, of another agent of the site; its id.
pub(super) async fn open(world: &World, (tenant, _, site): (&str, AgentId, SiteId)) -> String {
    let (other, _) = world.agent(tenant.parse().unwrap(), "b").await;
    written(world, (tenant, other, site), "running").await.to_string()
}

async fn written(
    world: &World,
    (tenant, agent, site): (&str, AgentId, SiteId),
    state: &str,
) -> ScanId {
    let id = ScanId(world.state.ids.next(world.state.clock.now()));
    let tenant: TenantId = tenant.parse().unwrap();
    let sql = format!(
        "INSERT INTO scan (tenant_id, scan_id, site_id, agent_id, asked_by, ranges, profiles, port,
                           packets_per_second, state, asked, total, started_at)
         VALUES ({}, {}, {}, {}, 'n', '[]', '[]', 161, 100, '{state}', 1, 1, 0)",
        tenant.0, id.0, site.0, agent.0
    );
    world.raw().run(composed(sql)).await;
    id
}

impl Scene {
    async fn scan(&self, body: Value) -> Answer {
        self.post(&format!("agents/{}/scans", self.agent), body).await
    }

    fn carries_scans_out(&self) {
        let scanner = self.world.scanner.lock().unwrap().take().unwrap();
        let stop = self.world.state.stopping.clone();
        let run = scanner.run(stop.clone());
        spawn_child(&stop, async move { run.await.unwrap() });
    }

    /// The scan, once it has ended.
    async fn ended(&self, id: &str) -> Value {
        let path = format!("/api/v1/scans/{id}");
        until("the scan ends", async || {
            let scan = self.world.get(&path, &self.who).await.data();
            (!scan["ended_at"].is_null()).then_some(scan)
        })
        .await
    }

    async fn profile(&self, name: &str, more: Value) -> String {
        let mut body = json!({ "name": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.world.profile(&self.who, self.tenant, body).await
    }
}

/// Ends what the world has begun.
async fn over(scene: Scene) {
    scene.world.state.stopping.cancel();
    scene.world.remove().await;
}

#[tokio::test]
async fn a_site_is_scanned_and_what_was_found_becomes_devices() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        scene.carries_scans_out();
        let profile = scene.profile("all", json!({ "tag": "core" })).await;
        let watched = scene.world.device(&scene.who, scene.agent, "10.8.0.3").await;
        let begun = scene.scan(json!({ "ranges": ["10.8.0.0/29", "10.8.0.3"] })).await;
        assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.body);
        let begun = begun.data();
        assert_eq!((&begun["state"], &begun["total"]), (&json!("running"), &json!(5)));
        assert_eq!(begun["profiles"][0]["id"], profile);
        let scan = scene.ended(begun["id"].as_str().unwrap()).await;
        assert_eq!(
            (&scan["state"], &scan["asked"], &scan["found"]),
            (&json!("done"), &json!(5), &json!(2))
        );
        let expected = json!({
            "address": "10.8.0.1", "echo": { "rtt_ms": 1.25 },
            "snmp": { "works": true, "profile": { "id": profile, "name": "all" },
                      "version": "v2c", "cause": null, "advice": null },
            "name": "core", "descr": "RouterOS CCR2004", "object_id": "1.3.6.1.4.1.14988.1",
            "kind": "MikroTik CCR2004", "proposed_name": "core", "proposed_tags": ["core"],
            "device": null, "duplicate_of": null,
        });
        assert_eq!(scan["hosts"][0], expected);
        let known = &scan["hosts"][1];
        assert_eq!((&known["address"], &known["device"]), (&json!("10.8.0.3"), &json!(watched)));
        let asked = scene.world.reached.commands();
        let [command::Kind::ScanHosts(asked)] = &asked[..] else { panic!("{asked:?}") };
        assert!(asked.hosts.len() == 5 && !asked.hosts.contains(&"10.8.0.3".to_owned()));

        let path = format!("scans/{}/adopt", begun["id"].as_str().unwrap());
        let body = json!({ "hosts": [
            { "address": "10.8.0.1" }, { "address": "10.8.0.3" }, { "address": "10.8.0.9" },
            { "address": "10.8.0.1", "name": "bad\u{7}" },
        ] });
        let adopted = scene.post(&path, body).await.data();
        let codes: Vec<_> = adopted["outcomes"].as_array().unwrap().iter().collect();
        assert_eq!(adopted["devices"], 1);
        assert_eq!(codes[1]["code"], "device_exists");
        assert_eq!((&codes[2]["code"], &codes[3]["code"]), (&json!("invalid"), &json!("invalid")));
        assert!(codes[3]["detail"].as_str().unwrap().contains("`name` must be"), "{adopted}");
        let device = codes[0]["device"].as_str().unwrap();
        let device = scene.world.get(&format!("/api/v1/devices/{device}"), &scene.who).await.data();
        assert_eq!((&device["name"], &device["tags"]), (&json!("core"), &json!(["core"])));
        let by = (&device["snmp"]["credential"], &device["snmp"]["profile"]["id"]);
        assert_eq!(by, (&json!("profile"), &json!(profile)));
        // What stands there now is shown with the scan.
        let again = scene.ended(begun["id"].as_str().unwrap()).await;
        assert_eq!(again["hosts"][0]["device"], device["id"]);
        let audit = scene.world.audited(scene.tenant, "agent").await;
        assert!(audit.ends_with(&["agent.scan".to_owned(), "agent.scan_outcome".to_owned()]));
        over(scene).await;
    }
}

#[tokio::test]
async fn a_device_whose_profile_is_hidden_gets_the_same_credential_as_its_own() {
    let scene = Scene::of(World::new().await).await;
    scene.carries_scans_out();
    let hidden = scene.profile("hidden", json!({})).await;
    scene.profile("closer", json!({ "site": scene.site.to_string() })).await;
    let body = json!({ "ranges": ["10.8.0.1"], "profiles": [hidden] });
    let id = scene.scan(body).await.data()["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.ended(&id).await["hosts"][0]["snmp"]["profile"]["id"], hidden);
    let body = json!({ "hosts": [{ "address": "10.8.0.1", "name": "mine", "tags": ["x"] }] });
    let adopted = scene.post(&format!("scans/{id}/adopt"), body).await.data();
    let device = adopted["outcomes"][0]["device"].as_str().unwrap().to_owned();
    let device = scene.world.get(&format!("/api/v1/devices/{device}"), &scene.who).await.data();
    assert_eq!((&device["snmp"]["credential"], &device["name"]), (&json!("own"), &json!("mine")));
    over(scene).await;
}

impl Scene {
    /// A scan of one host, which takes the profile; once it has ended.
    async fn scan_of(&self, address: &str, profile: &str) -> String {
        let body = json!({ "ranges": [address], "profiles": [profile] });
        let id = self.scan(body).await.data()["id"].as_str().unwrap().to_owned();
        assert_eq!(self.ended(&id).await["hosts"][0]["snmp"]["profile"]["id"], profile);
        id
    }

    async fn adopt(&self, scan: &str, address: &str) -> Answer {
        let body = json!({ "hosts": [{ "address": address }] });
        self.post(&format!("scans/{scan}/adopt"), body).await
    }
}

#[tokio::test]
async fn a_profile_that_is_gone_or_damaged_is_not_replaced_by_another() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        scene.carries_scans_out();
        let (one, other) = ("10.8.0.1", "10.8.0.2");
        let profile = scene.profile("all", json!({})).await;
        let scan = scene.scan_of(one, &profile).await;
        scene.world.raw().run(DAMAGE_PROFILES).await;
        // The next one would be in force.
        let usual = scene.profile("usual", json!({})).await;
        let why = async |scan: &str, address: &str| {
            let adopted = scene.adopt(scan, address).await.data();
            assert_eq!(adopted["devices"], 0, "{adopted}");
            let outcome = &adopted["outcomes"][0];
            assert!(outcome["device"].is_null(), "{adopted}");
            (outcome["code"].clone(), outcome["detail"].as_str().unwrap().to_owned())
        };
        let (code, detail) = why(&scan, one).await;
        assert!(code == "credential_damaged" && detail.contains("profile"), "{code} {detail}");
        scene.world.delete(&format!("/api/v1/credential-profiles/{profile}"), &scene.who).await;
        let (code, detail) = why(&scan, one).await;
        assert!(code == "profile_gone" && detail.contains("scan again"), "{code} {detail}");
        let scan = scene.scan_of(other, &usual).await;
        assert_eq!(scene.adopt(&scan, other).await.data()["devices"], 1);
        over(scene).await;
    }
}

#[tokio::test]
async fn an_agent_that_was_moved_since_does_not_take_what_it_found_before() {
    let scene = Scene::of(World::new().await).await;
    scene.carries_scans_out();
    let profile = scene.profile("all", json!({})).await;
    let scan = scene.scan_of("10.8.0.1", &profile).await;
    let admin = scene.world.user("a@example.net", Role::TenantAdmin, Some(scene.tenant)).await;
    let site = json!({ "tenant": scene.tenant.to_string(), "name": "Attic" });
    let site = scene.world.post("/api/v1/sites", &admin, site).await.data()["id"].clone();
    let path = format!("/api/v1/agents/{}", scene.agent);
    let moved = scene.world.change(Method::PATCH, &path, &admin, json!({ "site": site })).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    let refused = scene.adopt(&scan, "10.8.0.1").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "site_changed"));
    over(scene).await;
}

#[tokio::test]
async fn profiles_that_are_too_many_are_told_at_the_end() {
    let scene = Scene::of(World::new().await).await;
    scene.carries_scans_out();
    for number in 0..CANDIDATES_MAX + 2 {
        scene.profile(&format!("p{number}"), json!({})).await;
    }
    let begun = scene.scan(json!({ "ranges": ["10.8.0.1"] })).await.data();
    let ended = scene.ended(begun["id"].as_str().unwrap()).await;
    let detail = ended["detail"].as_str().unwrap();
    assert!(detail.contains("2 more profiles were not tried: name them"), "{detail}");
    over(scene).await;
}

#[tokio::test]
async fn a_device_by_a_host_name_is_shown_where_its_agent_knows_it() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let device = scene.world.device(&scene.who, scene.agent, "router.example").await;
        let of = (&*scene.tenant.to_string(), scene.agent, scene.site);
        let scan = found(&scene.world, of, "10.8.0.1").await;
        let sql = format!(
            "UPDATE scan_host SET watched = 1, device_id = {}",
            device.parse::<DeviceId>().unwrap().0
        );
        scene.world.raw().run(composed(sql)).await;
        let shown = async || {
            let scan = scene.world.get(&format!("/api/v1/scans/{scan}"), &scene.who).await.data();
            scan["hosts"][0]["device"].clone()
        };
        assert_eq!(shown().await, device);
        scene.world.delete(&format!("/api/v1/devices/{device}"), &scene.who).await;
        assert_eq!(shown().await, Value::Null, "an agent may say any number");
        over(scene).await;
    }
}

#[tokio::test]
async fn a_device_that_is_called_by_its_address_follows_the_name_that_it_comes_to_have() {
    let scene = Scene::of(World::new().await).await;
    let of = (&*scene.tenant.to_string(), scene.agent, scene.site);
    let scan = found(&scene.world, of, "10.8.0.1").await;
    let named = async |address: &str| {
        assert_eq!(scene.adopt(&scan, address).await.data()["devices"], 1);
        let sql = format!("SELECT named FROM device WHERE host = '{address}'");
        scene.world.raw().count(composed(sql)).await
    };
    // What it says is no name, so its address stands in.
    let long = "x".repeat(101);
    let sql = format!("UPDATE scan_host SET sys_name = '{long}'");
    scene.world.raw().run(composed(sql)).await;
    assert_eq!(named("10.8.0.1").await, 0);
    // One that had to be told apart from a device keeps the name for good.
    let second = "INSERT INTO scan_host (tenant_id, scan_id, place, watched, sys_name)
                  SELECT tenant_id, scan_id, place + 1, 0, '10.8.0.1' FROM scan_host";
    scene.world.raw().run(second).await;
    assert_eq!(named("10.8.0.2").await, 1);
    over(scene).await;
}

#[tokio::test]
async fn what_cannot_be_scanned_is_refused_by_its_reason() {
    let scene = Scene::of(World::new().await).await;
    scene
        .profile("users", json!({ "kind": "snmp_user", "community": null, "user": user("of all") }))
        .await;
    let refused = async |body: Value| {
        let answer = scene.scan(body).await;
        (answer.status.as_u16(), answer.json()["errors"][0]["field"].clone())
    };
    let good = || json!({ "ranges": ["10.8.0.1"] });
    for (field, value) in [
        ("ranges", json!([])),
        ("port", json!(0)),
        ("packets_per_second", json!(19)),
        ("packets_per_second", json!(501)),
        ("profiles", json!([])),
    ] {
        let mut body = good();
        body[field] = value;
        assert_eq!(refused(body).await, (422, json!(field)));
    }
    let ranges = json!({ "ranges": ["10.8.0.1", "10.0.0.0/8"] });
    assert_eq!(refused(ranges).await, (422, json!("ranges[1]")));
    let unknown = json!({ "ranges": ["10.8.0.1"], "profiles": ["crd_0000000000zzz"] });
    assert_eq!(refused(unknown).await, (404, json!("profiles")));
    scene.world.reached.offline(true);
    assert_eq!(scene.scan(good()).await.code(), "agent_offline");
    scene.world.reached.offline(false);
    // Nobody carries it out here: it stays under way.
    let id = scene.scan(good()).await.data()["id"].as_str().unwrap().to_owned();
    let again = scene.scan(good()).await;
    assert_eq!((again.status.as_u16(), again.code().as_str()), (409, "scan_running"));
    assert!(again.body.contains(&id), "{}", again.body);
    let cancel = format!("scans/{id}/cancel");
    assert_eq!(scene.post(&cancel, json!({})).await.data()["state"], "cancelled");
    assert_eq!(scene.post(&cancel, json!({})).await.code(), "scan_ended");
    let adopt = scene.post(&format!("scans/{id}/adopt"), json!({ "hosts": [] })).await;
    assert_eq!(adopt.json()["errors"][0]["field"], "hosts");
}

#[tokio::test]
async fn an_agent_tells_its_networks() {
    let scene = Scene::of(World::new().await).await;
    let path = format!("/api/v1/agents/{}/networks", scene.agent);
    let told = scene.world.get(&path, &scene.who).await.data();
    let network = json!({ "interface": "eth0", "network": "192.168.88.0/24", "addresses": 254 });
    assert_eq!(told, json!({ "networks": [network] }));
    scene.world.reached.offline(true);
    assert_eq!(scene.world.get(&path, &scene.who).await.code(), "agent_offline");
}
