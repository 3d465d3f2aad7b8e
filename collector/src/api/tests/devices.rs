use std::task::Poll;
use std::time::Duration;

use super::*;
use crate::inventory::assignment::assignment_for;

pub(super) const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_device_is_added_assigned_and_taken_out() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, site) = world.agent(tenant, "a").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let mut changes = world.state.changes.subscribe();
    let Parts { db, vault, .. } = &*world.state;
    let local = &world.local().await;
    let (before, _) = assignment_for(db, vault, local, (tenant, agent)).await.unwrap();
    assert!(before.devices.is_empty());
    let id = world.device(&who, agent, "10.0.0.1:16100").await;
    assert_eq!(changes.try_recv().unwrap(), agent);
    let (after, _) = assignment_for(db, vault, local, (tenant, agent)).await.unwrap();
    assert_eq!(after.revision, before.revision + 1);
    let sent = &after.devices[0];
    assert_eq!((sent.host.as_str(), sent.port, sent.interval_ms), ("10.0.0.1", 16100, 60_000));
    assert_eq!(sent.snmp.as_ref().unwrap().community, b"a-secret-community");
    let path = format!("/api/v1/devices/{id}");
    let one = world.get(&path, &who).await.data();
    assert_eq!(one["name"], "10.0.0.1:16100");
    assert_eq!(one["address"], "10.0.0.1:16100");
    assert_eq!(one["state"], "unknown");
    assert_eq!(one["site"], json!({ "id": site.to_string(), "name": "Depot" }));
    let snmp = json!({
        "version": "v2c", "credential": "own", "profile": null, "kind": "snmp_community",
        "user": null, "damaged": false,
    });
    assert_eq!(one["snmp"], snmp);
    let manner = (&one["ping"], &one["strict_source"], &one["request_gap_ms"]);
    assert_eq!(manner, (&json!(true), &json!(false), &json!(0)));
    assert_eq!(one["facts"]["sys_descr"], Value::Null);
    assert_eq!(one["last_sample_at"], Value::Null);
    assert!(one["created_at"].as_str().unwrap().ends_with('Z'));
    for part in ["interfaces", "objects", "metrics", "samples", "series?metric=x"] {
        let answer = world.get(&format!("{path}/{part}"), &who).await;
        assert_eq!(answer.status, StatusCode::OK, "{part}: {}", answer.body);
    }
    let again = world.post("/api/v1/devices", &who, new_device(agent, "10.0.0.1:16100")).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "device_exists".into()));
    assert_eq!(world.delete(&path, &who).await.status, StatusCode::NO_CONTENT);
    assert_eq!(changes.try_recv().unwrap(), agent);
    let (last, _) = assignment_for(db, vault, local, (tenant, agent)).await.unwrap();
    assert_eq!((last.revision, last.devices.len()), (after.revision + 1, 0));
    assert_eq!(world.get(&path, &who).await.code(), "not_found");
    assert_eq!(world.raw().count("SELECT COUNT(*) FROM credential").await, 0);
}

#[tokio::test]
async fn a_device_without_words_about_snmp_is_asked_by_a_profile_over_v2c() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let new = json!({ "agent": agent.to_string(), "address": "10.0.0.7" });
    let added = world.post("/api/v1/devices", &who, new).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let path = format!("/api/v1/devices/{}", added.data()["id"].as_str().unwrap());
    let snmp = world.get(&path, &who).await.data()["snmp"].clone();
    assert_eq!((&snmp["version"], &snmp["credential"]), (&json!("v2c"), &json!("none")));
}

/// The answer, unless it takes more than `polls` polls: then the request is dropped.
pub(super) async fn given_up(
    request: impl Future<Output = Answer>,
    polls: usize,
) -> Option<Answer> {
    let mut request = std::pin::pin!(request);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        request.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_device_that_was_committed_is_told_even_if_the_client_hung_up() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let mut changes = world.state.changes.subscribe();
    for polls in 1.. {
        let device = new_device(agent, &format!("10.0.0.{polls}"));
        let request = world.post("/api/v1/devices", &admin, device);
        let answer = given_up(request, polls).await;
        // A commit under way ends before this begins.
        drop(world.state.db.identity(IdentityKey::of_a_test()).await.unwrap());
        let made = format!("SELECT COUNT(*) FROM device WHERE host = '10.0.0.{polls}'");
        let made = world.raw().count(composed(made)).await;
        if made == 1 {
            let told = tokio::time::timeout(PATIENCE, changes.recv()).await;
            assert_eq!(told.expect("nobody was told").unwrap(), agent, "after {polls} polls");
        }
        if answer.is_some() {
            assert_eq!(made, 1);
            break;
        }
    }
}

#[tokio::test]
async fn all_wrong_fields_are_told_at_once() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let body = json!({
        "agent": agent.to_string(), "name": "x".repeat(101), "address": "10.0.0.1", "interval_s": 0,
        "snmp": { "version": "v1", "community": "" },
    });
    let answer = world.post("/api/v1/devices", &who, body).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::UNPROCESSABLE_ENTITY, "invalid".into())
    );
    let json = answer.json();
    let fields: Vec<_> =
        json["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "interval_s", "snmp.community"]);
    let bad = world.post("/api/v1/devices", &who, new_device(agent, "http://x")).await.json();
    assert_eq!(bad["errors"][0]["field"], "address");
}

#[tokio::test]
async fn an_address_that_could_never_be_asked_is_refused_or_put_right() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let id = world.device(&who, agent, "::ffff:10.0.0.1").await;
    let path = format!("/api/v1/devices/{id}");
    assert_eq!(world.get(&path, &who).await.data()["address"], "10.0.0.1");
    let again = world.post("/api/v1/devices", &who, new_device(agent, "10.0.0.1")).await;
    assert_eq!(again.code(), "device_exists");
    let search = format!("/api/v1/agents/{agent}/find-credential");
    let bodies = [
        (Method::POST, "/api/v1/devices", "address", new_device(agent, "fe80::2")),
        (Method::PATCH, &path, "address", json!({ "address": "[fe80::2]:1161" })),
        (Method::POST, &search, "host", json!({ "host": "fe80::2" })),
    ];
    for (method, path, field, body) in bodies {
        let answer = world.change(method, path, &who, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        let error = &answer.json()["errors"][0];
        let message = error["message"].as_str().unwrap();
        assert_eq!(error["field"], field);
        assert!(message.contains("add `%`") && message.contains("fe80::1%eth0"), "{message}");
    }
    world.device(&who, agent, "fe80::2%eth0").await;
}

#[tokio::test]
async fn pages_meet_in_every_order_and_under_every_filter() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, site) = world.agent(tenant, "a").await;
    let (other, _) = world.agent(tenant, "b").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    for number in 0..23 {
        let agent = if number < 20 { agent } else { other };
        world.device(&who, agent, &format!("r{:02}.example", (number * 7) % 23)).await;
    }
    for (query, expected) in [
        ("sort=name", 23),
        ("sort=-name", 23),
        ("sort=created_at", 23),
        ("sort=-created_at", 23),
        ("state=unknown", 23),
        ("state=up", 0),
        ("q=R0", 10),
        ("q=%25", 0),
        (&format!("agent={other}"), 3),
        (&format!("site={site}"), 23),
        (&format!("tenant={tenant}&agent={agent}"), 20),
    ] {
        let names = all_names(&world, &who, query).await;
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((names.len(), unique.len()), (expected, expected), "{query}");
        match query {
            "sort=name" => assert!(names.is_sorted(), "{names:?}"),
            "sort=-name" => assert!(names.iter().rev().is_sorted(), "{names:?}"),
            "sort=created_at" => assert_eq!(names[..2], ["r00.example", "r07.example"]),
            _ => {}
        }
    }
}

async fn all_names(world: &World, who: &As, query: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/devices?limit=9&{query}{cursor}");
        let page = world.get(&path, who).await.json();
        let rows = page["data"].as_array().unwrap_or_else(|| panic!("{path}: {page}"));
        names.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["meta"]["next_cursor"].as_str() else {
            assert_eq!(page["meta"]["total"], names.len(), "{query}");
            return names;
        };
        assert_eq!(rows.len(), 9);
        cursor = format!("&cursor={next}");
    }
}
