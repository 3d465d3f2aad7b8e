//! Channels, routes and deliveries, as those see them who may.

use farwatch_common::id::{ChannelId, IdGenerator};

use super::*;
use crate::notify::connect::{Connector, SystemResolver, tls_config};
use crate::notify::guard::Guard;
use crate::notify::send::Sender;

/// One that reaches nothing but the public internet, and has no mail server.
pub(super) fn courier(
    db: &Database,
    vault: &Arc<Vault>,
    clock: &Clock,
    metrics: &Metrics,
) -> Courier {
    let guard = Arc::new(Guard::default());
    let connector =
        Connector { guard, resolver: Arc::new(SystemResolver), tls: tls_config(Vec::new()) };
    let sender = Sender { connector, mailer: None };
    let ids = Arc::new(IdGenerator::new(2));
    Courier::new(db.clone(), vault.clone(), sender, (clock.clone(), ids), metrics)
}

/// A mail channel of this name, and a route to it.
pub(super) async fn channel_and_route(
    world: &World,
    admin: &As,
    tenant: &str,
    name: &str,
) -> (String, String) {
    let body = json!({ "tenant": tenant, "name": name, "kind": "email", "to": [name] });
    let channel = world.post("/api/v1/channels", admin, body).await.data()["id"].clone();
    let body = json!({ "channel": channel, "severity": "warning" });
    let route = world.post("/api/v1/routes", admin, body).await.data()["id"].clone();
    (channel.as_str().unwrap().to_owned(), route.as_str().unwrap().to_owned())
}

fn webhook(tenant: TenantId, url: &str) -> Value {
    json!({ "tenant": tenant.to_string(), "name": "hook", "kind": "webhook", "url": url })
}

#[tokio::test]
async fn a_webhook_is_made_changed_tried_and_deleted() {
    for world in World::each_unlimited().await {
        let tenant = world.tenant("North").await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
        let viewer = world.user("viewer@example.net", Role::Viewer, Some(tenant)).await;
        let url = "https://hooks.example.com/a-secret-path?and=a-secret-query";
        let made = world.post("/api/v1/channels", &admin, webhook(tenant, url)).await.data();
        let id = made["id"].as_str().unwrap().to_owned();
        let first = made["secret"].as_str().unwrap().to_owned();
        assert!(first.starts_with("whsec_"));
        assert_eq!((&made["host"], &made["keys"]), (&json!("hooks.example.com"), &json!(1)));
        let path = format!("/api/v1/channels/{id}");
        let change = async |body: Value| world.change(Method::PATCH, &path, &admin, body).await;
        let exchanged = change(json!({ "secret": "exchange" })).await.data();
        assert_eq!(exchanged["keys"], 2);
        assert_ne!(exchanged["secret"], first);
        let finished = change(json!({ "secret": "finish", "enabled": false })).await.data();
        assert_eq!((&finished["keys"], &finished["enabled"]), (&json!(1), &json!(false)));
        let body = json!({ "channel": id, "severity": "critical", "tags": ["core"] });
        let route = world.post("/api/v1/routes", &admin, body).await.data();
        assert_eq!((&route["on_resolved"], &route["tags"]), (&json!(true), &json!(["core"])));
        let mut answers = String::new();
        for path in
            ["channels", "routes", "audit", &path[8..], &format!("{}/deliveries", &path[8..])]
        {
            let who = if path == "audit" { &admin } else { &viewer };
            let answer = world.get(&format!("/api/v1/{path}"), who).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.body);
            answers += &answer.body;
        }
        for secret in ["a-secret", "whsec_"] {
            assert!(!answers.contains(secret), "{secret}: {answers}");
        }
        let actions = world.audited(tenant, "channel").await;
        assert_eq!(actions, ["channel.create", "channel.change", "channel.change"]);
        assert_eq!(world.delete(&path, &admin).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.get("/api/v1/routes", &viewer).await.data(), json!([]));
        world.remove().await;
    }
}

/// Each changes what it names and nothing else, however they overlap.
#[tokio::test]
async fn two_changes_at_once_are_both_kept() {
    for world in World::each_unlimited().await {
        let tenant = world.tenant("North").await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
        let (id, _) =
            channel_and_route(&world, &admin, &tenant.to_string(), "noc@example.net").await;
        let path = format!("/api/v1/channels/{id}");
        let change = async |body: Value| world.change(Method::PATCH, &path, &admin, body).await;
        for round in 0..20 {
            let (to, name) = (format!("r{round}@example.net"), format!("r{round}"));
            tokio::join!(change(json!({ "to": [to] })), change(json!({ "name": name })));
            let now = world.get(&path, &admin).await.data();
            assert_eq!((&now["to"], &now["name"]), (&json!([to]), &json!(name)));
        }
        world.remove().await;
    }
}

#[tokio::test]
async fn what_leads_inside_is_refused_in_words() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    for (url, words) in [
        ("https://127.0.0.1/", "a loopback address"),
        ("https://0x7f.1/", "a loopback address"),
        ("https://[::ffff:10.0.0.1]/", "an IPv4-mapped address"),
        ("https://169.254.169.254/latest/meta-data", "the metadata service"),
        ("http://hooks.example.com/", "without TLS"),
        ("https://hooks.example.com:6379/", "port 6379"),
        ("https://user:pass@hooks.example.com/", "without a user name"),
        ("ftp://hooks.example.com/", "must be an https URL"),
    ] {
        let refused = world.post("/api/v1/channels", &admin, webhook(tenant, url)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        let message = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{url}: {message}");
        assert!(!refused.body.contains("pass@"), "{}", refused.body);
    }
    let broker = json!({ "host": "10.0.0.1", "topic": "a/#", "password": "hunter2" });
    let body = json!({ "tenant": tenant.to_string(), "name": "m", "kind": "mqtt", "mqtt": broker });
    let refused = world.post("/api/v1/channels", &admin, body).await;
    let errors = refused.json()["errors"].clone();
    let fields: Vec<_> = errors.as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, ["mqtt.host", "mqtt.topic", "mqtt.user"]);
    assert!(!refused.body.contains("hunter2"));
}

#[tokio::test]
async fn a_test_says_what_is_wrong_and_is_in_the_list() {
    for world in World::each_unlimited().await {
        let tenant = world.tenant("North").await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
        let (id, _) =
            channel_and_route(&world, &admin, &tenant.to_string(), "noc@example.net").await;
        let path = format!("/api/v1/channels/{id}");
        let tried = world.post(&format!("{path}/test"), &admin, json!({})).await.data();
        assert_eq!((&tried["event"], &tried["state"]), (&json!("test"), &json!("failed")));
        let attempt = &tried["attempts"][0];
        assert_eq!(attempt["outcome"], "broken");
        assert!(attempt["detail"].as_str().unwrap().contains("no mail server"), "{attempt}");
        let list = world.get(&format!("{path}/deliveries"), &admin).await.data();
        assert_eq!(list, json!([tried]));
        // A test is known by its own id at the other side.
        assert_eq!(tried["key"], tried["id"]);
        let failed = world.get(&format!("{path}/deliveries?state=failed"), &admin).await.data();
        assert_eq!(failed, list);
        let queued = world.get(&format!("{path}/deliveries?state=queued"), &admin).await.data();
        assert_eq!(queued, json!([]));
        let unknown = world.get(&format!("{path}/deliveries?state=lost"), &admin).await;
        assert_eq!(unknown.status, StatusCode::BAD_REQUEST, "{}", unknown.body);
        assert_eq!(world.get(&path, &admin).await.data()["waiting"], 0);
        assert_eq!(world.get(&path, &admin).await.data()["state"], "retrying");
        world.remove().await;
    }
}

/// Refused is refused: nothing of it goes out later.
#[tokio::test]
async fn a_test_that_has_no_place_leaves_nothing_behind() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let (id, _) = channel_and_route(&world, &admin, &tenant.to_string(), "noc@example.net").await;
    let path = format!("/api/v1/channels/{id}");
    let places: Vec<_> = std::iter::from_fn(|| world.state.courier.test_place()).collect();
    let refused = world.post(&format!("{path}/test"), &admin, json!({})).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.body);
    assert_eq!(refused.json()["code"], "tests_busy");
    assert_eq!(world.get(&format!("{path}/deliveries"), &admin).await.data(), json!([]));
    drop(places);
    world.post(&format!("{path}/test"), &admin, json!({})).await.data();
    assert_eq!(world.get(&format!("{path}/deliveries"), &admin).await.data()[0]["event"], "test");
}

#[tokio::test]
async fn fields_of_another_kind_are_refused_and_numbers_are_bounded() {
    let world = World::changed(|parts| parts.limits = Limits::none().into()).await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let mail = |name: &str, to: Value| json!({ "tenant": tenant.to_string(), "name": name, "kind": "email", "to": to });
    for body in [
        mail("a", json!([])),
        mail("a", json!(["NOC <a@example.net>"])),
        mail("a", json!(vec!["a@example.net"; 21])),
        json!({ "tenant": tenant.to_string(), "name": "a", "kind": "slack", "to": ["a@b.c"] }),
        json!({ "tenant": tenant.to_string(), "name": "a", "kind": "webhook",
                "url": "https://example.com/", "secret": "whsec_short" }),
    ] {
        let refused = world.post("/api/v1/channels", &admin, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    }
    let max = i64::from(crate::notify::channel::CHANNELS_MAX);
    for number in 0..max {
        let body = mail(&format!("c{number}"), json!(["a@example.net"]));
        world.post("/api/v1/channels", &admin, body).await.data();
    }
    let more = world.post("/api/v1/channels", &admin, mail("more", json!(["a@b.example"]))).await;
    assert!(more.status.is_client_error(), "{}", more.body);
    let id = ChannelId(1).to_string();
    let body = json!({ "channel": id, "severity": "info" });
    assert_eq!(world.post("/api/v1/routes", &admin, body).await.status, StatusCode::NOT_FOUND);
}
