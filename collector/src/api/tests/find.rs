//! Which credentials a search tries and which it leaves out, and whether one that works would count.

use farwatch_proto::v1::command;

use super::commands::{Scene, user};
use super::*;
use crate::identity::limits::SEARCHES_PER_MINUTE_TENANT;

/// Nothing that is sealed any more, on either engine.
pub(super) const DAMAGE_PROFILES: &str = "UPDATE credential_profile
    SET sealed = (SELECT hash FROM audit_head ORDER BY seq DESC LIMIT 1)";
const DAMAGE_OWN: &str = "UPDATE credential
    SET sealed = (SELECT hash FROM audit_head ORDER BY seq DESC LIMIT 1)";

impl Scene {
    async fn made(&self, name: &str, more: Value) -> String {
        let mut body = json!({ "name": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.world.profile(&self.who, self.tenant, body).await
    }

    async fn search(&self, more: Value) -> Answer {
        let mut body = json!({ "host": "10.0.0.9" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("agents/{}/find-credential", self.agent), body).await
    }
}

/// Name, tag, whether it would be in force, and what would be instead.
fn told(found: &Value) -> Vec<(String, Value, bool, Value)> {
    let rows = found["outcomes"].as_array().unwrap().iter();
    rows.map(|row| {
        let (profile, instead) = (&row["profile"], &row["instead"]["name"]);
        let name = profile["name"].as_str().unwrap_or("given").to_owned();
        (name, profile["tag"].clone(), row["in_force"] == true, instead.clone())
    })
    .collect()
}

#[tokio::test]
async fn an_outcome_tells_whether_the_device_would_be_asked_with_it() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let site = scene.site.to_string();
        scene.made("all", json!({})).await;
        scene.made("lte", json!({ "tag": "lte" })).await;
        scene.made("site", json!({ "site": site })).await;
        scene.made("roof", json!({ "site": site, "tag": "roof" })).await;
        let users = json!({ "kind": "snmp_user", "community": null, "user": user("of all") });
        scene.made("users", users).await;
        let row = |name: &str, tag: Value, in_force, instead: Value| {
            (name.to_owned(), tag, in_force, instead)
        };
        let given = json!([{ "version": "v2c", "community": "given" }]);
        let found = scene.search(json!({ "credentials": given })).await.data();
        // Those that would count come first, and of these those for which the device needs no tag.
        let expected = [
            row("given", Value::Null, true, Value::Null),
            row("site", Value::Null, true, Value::Null),
            row("users", Value::Null, true, Value::Null),
            row("roof", json!("roof"), true, Value::Null),
            row("all", Value::Null, false, json!("site")),
            row("lte", json!("lte"), false, json!("site")),
        ];
        assert_eq!(told(&found), expected);
        assert_eq!(found["outcomes"][1]["profile"]["site"]["id"], site);
        assert_eq!(found["left_out"], json!([]));

        // A device that is to have the tag takes the closest of all.
        let found = scene.search(json!({ "tags": ["roof"] })).await.data();
        let expected = [
            row("roof", json!("roof"), true, Value::Null),
            row("users", Value::Null, true, Value::Null),
            row("site", Value::Null, false, json!("roof")),
        ];
        assert_eq!(told(&found)[..3], expected);
        // What is told is what happens.
        let device = json!({ "agent": scene.agent.to_string(), "address": "10.0.0.9",
                             "snmp": { "version": "v2c" }, "tags": ["roof"] });
        let id = scene.post("devices", device).await.data()["id"].as_str().unwrap().to_owned();
        let one = scene.world.get(&format!("/api/v1/devices/{id}"), &scene.who).await.data();
        assert_eq!(one["snmp"]["profile"]["name"], "roof");

        let refused = scene.search(json!({ "tags": ["a,b"] })).await;
        assert_eq!(refused.json()["errors"][0]["field"], "tags");
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn profiles_that_are_not_tried_are_told_with_the_reason() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let damaged = scene.made("damaged", json!({ "site": scene.site.to_string() })).await;
        scene.world.raw().run(DAMAGE_PROFILES).await;
        let mut left = Vec::new();
        for number in 0..34 {
            left.push(scene.made(&format!("p{number:02}"), json!({})).await);
        }
        let given = json!([{ "version": "v2c", "community": "given" }]);
        let wanted = json!({ "credentials": given, "strict_source": true });
        let found = scene.search(wanted).await.data();
        assert_eq!((found["candidates"].clone(), told(&found).len()), (json!(32), 32));
        let rows = found["left_out"].as_array().unwrap().iter();
        let rows: Vec<_> = rows
            .map(|row| (row["profile"]["id"].clone(), row["reason"].as_str().unwrap()))
            .collect();
        let mut expected = vec![(json!(damaged), "damaged")];
        expected.extend(left[31..].iter().map(|id| (json!(id), "too_many")));
        assert_eq!(rows, expected);
        let asked = scene.world.reached.commands();
        let [command::Kind::FindCredential(asked)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!((asked.candidates.len(), asked.strict_source), (32, true));
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn a_credential_that_cannot_be_read_is_told() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let id = scene.world.device(&scene.who, scene.agent, "10.0.0.1").await;
        let snmp = async || {
            let path = format!("/api/v1/devices/{id}");
            let snmp = scene.world.get(&path, &scene.who).await.data()["snmp"].clone();
            (snmp["credential"].clone(), snmp["damaged"].clone())
        };
        let put = async |body: Value| {
            let path = format!("/api/v1/devices/{id}/credential");
            scene.world.change(Method::PUT, &path, &scene.who, body).await.data();
        };
        assert_eq!(snmp().await, (json!("own"), json!(false)));
        scene.world.raw().run(DAMAGE_OWN).await;
        assert_eq!(snmp().await, (json!("own"), json!(true)));
        put(json!({ "community": "again" })).await;
        assert_eq!(snmp().await, (json!("own"), json!(false)));
        put(json!({ "community": null })).await;
        assert_eq!(snmp().await, (json!("none"), json!(false)));
        scene.made("of the site", json!({ "site": scene.site.to_string() })).await;
        assert_eq!(snmp().await, (json!("profile"), json!(false)));
        scene.world.raw().run(DAMAGE_PROFILES).await;
        assert_eq!(snmp().await, (json!("profile"), json!(true)));
        // As after a restore without the file of the master key.
        put(json!({ "community": "its own" })).await;
        assert_eq!(snmp().await, (json!("own"), json!(false)));
        scene.world.raw().run("DELETE FROM tenant_key").await;
        assert_eq!(snmp().await, (json!("own"), json!(true)));
        let found = scene.search(json!({})).await.data();
        assert_eq!(found["left_out"][0]["reason"], "damaged");
        put(json!({ "community": null })).await;
        assert_eq!(snmp().await, (json!("profile"), json!(true)));
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn a_tenant_may_search_a_few_times_in_a_minute() {
    let scene = Scene::of(World::new().await).await;
    // Who may make no profiles may not have them sent to a host either.
    let viewer = scene.world.user("v@example.net", Role::Viewer, Some(scene.tenant)).await;
    let path = format!("/api/v1/agents/{}/find-credential", scene.agent);
    let refused = scene.world.post(&path, &viewer, json!({ "host": "10.0.0.9" })).await;
    assert_eq!((refused.code(), scene.world.reached.commands()), ("forbidden".into(), Vec::new()));
    for _ in 0..SEARCHES_PER_MINUTE_TENANT.get() {
        scene.search(json!({})).await.data();
    }
    let asked = scene.world.reached.commands().len();
    // Whoever else of the tenant asks.
    let other = scene.world.user("b@example.net", Role::TenantAdmin, Some(scene.tenant)).await;
    let refused = scene.world.post(&path, &other, json!({ "host": "10.0.0.9" })).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "too_many_requests"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!((asked, scene.world.reached.commands()), (10, Vec::new()));
    let south = scene.world.tenant("South").await;
    let (agent, _) = scene.world.agent(south, "a").await;
    let who = scene.world.user("c@example.net", Role::Operator, Some(south)).await;
    let path = format!("/api/v1/agents/{agent}/find-credential");
    scene.world.post(&path, &who, json!({ "host": "10.0.0.9" })).await.data();
}
