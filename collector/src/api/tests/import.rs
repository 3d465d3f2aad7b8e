//! Tables of devices.

use super::commands::Scene;
use super::devices::PATIENCE;
use super::find::DAMAGE_PROFILES;
use super::*;
use crate::identity::limits::SEARCHES_PER_MINUTE_TENANT;

const SECRET: &str = "a-table-community";

impl Scene {
    async fn import(&self, csv: &str, more: Value) -> Answer {
        let mut body = json!({ "tenant": self.tenant.to_string(), "csv": csv, "dry_run": false });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post("devices/import", body).await
    }

    async fn devices(&self) -> Vec<Value> {
        let list = self.world.get("/api/v1/devices?sort=created_at", &self.who).await.data();
        list.as_array().unwrap().clone()
    }
}

/// Line, outcome and field of each row.
fn told(answer: &Value) -> Vec<(u64, String, Value)> {
    let rows = answer["rows"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| (row["line"].as_u64().unwrap(), text(&row["outcome"]), row["field"].clone()))
        .collect()
}

#[tokio::test]
async fn good_rows_become_devices_and_wrong_ones_are_told_by_line_and_field() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        scene.world.profile(&scene.who, scene.tenant, json!({ "name": "usual" })).await;
        scene.world.device(&scene.who, scene.agent, "10.0.0.9").await;
        let csv = format!(
            "\u{feff}Address;Name;Site;Agent;interval_s;tags;snmp_version;community;profile;Vendor\r\n\
             10.0.0.1;Core;Depot;a;30;\"core;roof\";v1;{SECRET};;x\r\n\
             10.0.0.2;;;;;;;;usual;\r\n\
             10.0.0.9;There;;;;;;;;\r\n\
             not an address;{SECRET};;;;;;;;\r\n\
             \r\n\
             10.0.0.3;;Attic;;;;;;;\r\n\
             10.0.0.3;;;nobody;;;;;;\r\n\
             10.0.0.3;;;;never;;;;;\r\n\
             10.0.0.3;;;;0;;;;;\r\n\
             10.0.0.3;;;;;;v4;;;\r\n\
             10.0.0.3;;;;;;v3;{SECRET};;\r\n\
             10.0.0.3;;;;;;;{SECRET};usual;\r\n\
             10.0.0.3;;;;;;;;unusual;\r\n\
             10.0.0.1;Twice;;;;;;;;\r\n\
             10.0.0.4;;;;;;;;;;;more\r\n"
        );
        let expected: Vec<_> = [
            (2, "create", Value::Null),
            (3, "create", Value::Null),
            (4, "exists", Value::Null),
            (5, "error", json!("address")),
            (7, "error", json!("site")),
            (8, "error", json!("agent")),
            (9, "error", json!("interval_s")),
            (10, "error", json!("interval_s")),
            (11, "error", json!("snmp_version")),
            (12, "error", json!("community")),
            (13, "error", json!("profile")),
            (14, "error", json!("profile")),
            (15, "error", json!("address")),
            (16, "error", Value::Null),
        ]
        .into_iter()
        .map(|(line, outcome, field)| (line, outcome.to_owned(), field))
        .collect();
        let rows = scene.world.audited(scene.tenant, "").await.len();
        let dry = scene.import(&csv, json!({ "dry_run": true })).await;
        assert_eq!(told(&dry.data()), expected);
        assert_eq!(scene.devices().await.len(), 1, "nothing was made");
        assert_eq!(scene.world.audited(scene.tenant, "").await.len(), rows);
        let made = scene.import(&csv, json!({})).await;
        let answer = made.data();
        assert_eq!(told(&answer), expected);
        let counts = ["create", "exists", "errors"].map(|name| answer[name].as_u64().unwrap());
        assert_eq!((counts, &answer["unknown_columns"]), ([2, 1, 11], &json!(["Vendor"])));
        let [.., broken] = &answer["rows"].as_array().unwrap()[..] else { panic!("{answer}") };
        assert_eq!([&broken["address"], &broken["name"]], [&Value::Null; 2]);
        // A name that is one is shown where nothing else was wrong with it.
        for shown in [&dry.body, &made.body] {
            assert_eq!(shown.matches(SECRET).count(), 1, "only the name of line 5: {shown}");
        }
        let devices = scene.devices().await;
        let [_, core, bare] = &devices[..] else { panic!("{devices:?}") };
        assert_eq!((&core["name"], &core["interval_s"]), (&json!("Core"), &json!(30)));
        assert_eq!((&core["tags"], &bare["name"]), (&json!(["core", "roof"]), &json!("10.0.0.2")));
        assert_eq!(answer["rows"][0]["device"], core["id"]);
        let snmp = async |device: &Value| {
            let path = format!("/api/v1/devices/{}", device["id"].as_str().unwrap());
            let one = scene.world.get(&path, &scene.who).await.data();
            (one["snmp"]["version"].clone(), one["snmp"]["credential"].clone())
        };
        assert_eq!(snmp(core).await, (json!("v1"), json!("own")));
        assert_eq!(snmp(bare).await, (json!("v2c"), json!("profile")));
        let audit = scene.world.get(&audit_of(&scene), &scene.world.noc().await).await;
        assert!(audit.body.contains("device.create") && !audit.body.contains(SECRET));
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn nothing_is_shown_of_a_row_whose_cells_stand_in_wrong_columns() {
    let scene = Scene::of(World::new().await).await;
    for csv in [
        format!("address,site,community,name\n10.0.0.1,Depot, North,{SECRET},core\n"),
        format!("name,community,address,site\nCore, main,{SECRET},10.0.0.1,Depot\n"),
    ] {
        for dry_run in [true, false] {
            let told = scene.import(&csv, json!({ "dry_run": dry_run })).await;
            let answer = told.data();
            let row = &answer["rows"][0];
            assert_eq!((&row["line"], &row["outcome"]), (&json!(2), &json!("error")));
            assert_eq!([&row["address"], &row["name"]], [&Value::Null; 2], "{answer}");
            assert!(!told.body.contains(SECRET), "{}", told.body);
        }
    }
    assert!(scene.devices().await.is_empty());
}

fn audit_of(scene: &Scene) -> String {
    format!("/api/v1/audit?tenant={}", scene.tenant)
}

impl World {
    async fn noc(&self) -> As {
        self.user("noc@example.net", Role::SuperAdmin, None).await
    }
}

#[tokio::test]
async fn a_row_whose_profile_is_damaged_is_not_made_with_another() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let profile = async |name: &str, more: Value| {
            let mut body = json!({ "name": name });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            scene.world.profile(&scene.who, scene.tenant, body).await
        };
        profile("hidden", json!({})).await;
        scene.world.raw().run(DAMAGE_PROFILES).await;
        profile("closer", json!({ "site": scene.site.to_string() })).await;
        let csv = "address,profile\n10.0.0.1,hidden\n10.0.0.2,closer\n";
        for dry_run in [true, false] {
            let answer = scene.import(csv, json!({ "dry_run": dry_run })).await.data();
            let expected =
                [(2, "error".to_owned(), json!("profile")), (3, "create".to_owned(), Value::Null)];
            assert_eq!(told(&answer), expected);
            assert!(answer["rows"][0]["message"].as_str().unwrap().contains("damaged"), "{answer}");
        }
        assert_eq!(scene.devices().await.len(), 1);
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn a_dry_run_waits_for_nobody_who_writes() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let context = scene.world.local().await;
        let db = scene.world.state.db.clone();
        let writing = db.change(&context, scene.tenant, Access::Write).await.unwrap();
        let csv = "address\n10.0.0.1\n";
        let looked = scene.import(csv, json!({ "dry_run": true }));
        let looked = tokio::time::timeout(PATIENCE, looked).await.expect("it waits");
        assert_eq!(looked.data()["create"], 1);
        drop(writing);
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn a_tenant_may_send_a_few_tables_in_a_minute() {
    let scene = Scene::of(World::new().await).await;
    let send = async || scene.import("address\n10.0.0.1\n", json!({ "dry_run": true })).await;
    for _ in 0..SEARCHES_PER_MINUTE_TENANT.get() {
        send().await.data();
    }
    let refused = send().await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.body);
}

#[tokio::test]
async fn the_agent_of_a_row_is_named_or_given_or_the_only_one() {
    let scene = Scene::of(World::new().await).await;
    let (other, _) = scene.world.agent(scene.tenant, "b").await;
    let agents = async |csv: &str, more: Value| {
        let answer = scene.import(csv, more).await.data();
        let rows = answer["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["field"].clone()).collect::<Vec<_>>()
    };
    let dry = || json!({ "dry_run": true });
    assert_eq!(agents("address\n10.0.0.1\n", dry()).await, [json!("agent")]);
    assert_eq!(agents("address,site\n10.0.0.1,depot\n", dry()).await, [json!("agent")]);
    let given = json!({ "dry_run": true, "agent": other.to_string() });
    assert_eq!(
        agents("address,agent\n10.0.0.1,\n10.0.0.1,A\n", given).await,
        [Value::Null, Value::Null]
    );
    let made = scene.import("address\n10.0.0.1\n", json!({ "agent": other.to_string() })).await;
    assert_eq!(made.data()["create"], 1);
    assert_eq!(scene.devices().await[0]["agent"]["id"], other.to_string());
}

#[tokio::test]
async fn a_table_keeps_to_the_quota_and_to_its_bounds() {
    let scene = Scene::of(World::new().await).await;
    let noc = scene.world.noc().await;
    let quota = json!({ "agents": null, "devices": 2, "series": null, "api_per_second": null });
    let path = format!("/api/v1/tenants/{}/quota", scene.tenant);
    scene.world.change(Method::PUT, &path, &noc, quota).await.data();
    let csv = "address\n10.0.0.1\n10.0.0.2\n10.0.0.3\n";
    for dry_run in [true, false] {
        let answer = scene.import(csv, json!({ "dry_run": dry_run })).await.data();
        let outcomes: Vec<_> = told(&answer).into_iter().map(|row| row.1).collect();
        assert_eq!(outcomes, ["create", "create", "error"]);
        assert!(answer["rows"][2]["message"].as_str().unwrap().contains("quota"), "{answer}");
    }
    let refused = async |csv: &str| {
        let answer = scene.import(csv, json!({})).await;
        assert_eq!(answer.json()["errors"][0]["field"], "csv", "{}", answer.body);
        assert!(!answer.body.contains(SECRET), "{}", answer.body);
        answer.json()["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    assert!(refused("").await.contains("empty"));
    assert!(refused(&format!("10.0.0.1,{SECRET}\n")).await.contains("`address`"));
    assert!(refused(&format!("address\n{}", "10.0.0.1\n".repeat(2001))).await.contains("2000"));
    let large = format!("address\n{}", "#".repeat(1024 * 1024));
    assert!(refused(&large).await.contains("1 MiB"));
}
