//! The whole road of an alert: a router that dies, to a webhook that says so.

use std::time::Duration;

use farwatch_support::process::eventually;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::{serve, serve_anywhere};
use farwatch_support::sinks::hooks::Hooks;
use farwatch_support::stack::{Agent, add_device, only_agent};
use serde_json::json;
use tokio::net::UdpSocket;

use super::{Desk, is_signed};

const LIMIT: Duration = Duration::from_secs(30);
/// From the death of a router that is polled each second until it is told.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_router_that_dies_is_told_once_and_so_is_its_return() {
    let dir = tempfile::tempdir().unwrap();
    let mut hooks = Hooks::start(None).await;
    let config = format!(
        "[[notify.allow]]\nnetwork = \"127.0.0.1\"\nports = [{}]\nplain = true\n",
        hooks.address.port()
    );
    let desk = Desk::start(dir.path(), &config).await;
    let client = &desk.client;
    let _agent = Agent::start(&desk.collector, &dir.path().join("agent"), "Depot");
    let responder = || Router::new(Kind::ALL[0], 2, 7).responder(b"public");
    let router = serve_anywhere(responder()).await.unwrap();
    let address = router.address;
    let device = add_device(client, &only_agent(client).await, &address.to_string(), 1).await;
    // Where it was nobody listens any more: that is refused, which is less than down.
    let rule = json!({
        "tenant": desk.tenant, "name": "Dead", "severity": "critical",
        "condition": { "kind": "device_state", "states": ["degraded", "down"] },
    });
    client.post("/api/v1/rules", &rule).await.data();
    let channel = desk.channel("webhook", "noc", json!({ "url": hooks.url("/") })).await;
    let route = json!({ "channel": channel["id"], "severity": "critical" });
    client.post("/api/v1/routes", &route).await.data();
    let path = format!("/api/v1/devices/{device}");
    eventually(LIMIT, "the device is up", async || client.get(&path).await.data()["state"] == "up")
        .await;
    assert!(hooks.is_empty());

    drop(router);
    let firing = hooks.next(TOLD_WITHIN).await;
    let secret = channel["secret"].as_str().unwrap();
    assert!(is_signed(&firing, secret));
    let body = firing.json();
    assert_eq!(body["type"], "alert.firing", "{body}");
    assert_eq!(body["data"]["device"]["id"], json!(device), "{body}");
    assert_eq!(body["data"]["rule"]["name"], "Dead", "{body}");
    assert_eq!(body["data"]["site"]["name"], "Depot", "{body}");

    let socket = UdpSocket::bind(address).await.unwrap();
    let _router = serve(socket, responder()).unwrap();
    let resolved = hooks.next(TOLD_WITHIN).await;
    assert!(is_signed(&resolved, secret));
    let after = resolved.json();
    assert_eq!(after["type"], "alert.resolved", "{after}");
    assert_eq!(after["data"]["alert"], body["data"]["alert"]);
    assert_ne!(resolved.header("webhook-id"), firing.header("webhook-id"));

    let path = format!("/api/v1/alerts/{}/deliveries", body["data"]["alert"].as_str().unwrap());
    eventually(LIMIT, "both are written as delivered", async || {
        let told = client.get(&path).await.data();
        let states: Vec<_> = told.as_array().unwrap().iter().map(|one| &one["state"]).collect();
        states == ["delivered", "delivered"]
    })
    .await;
    assert!(hooks.is_empty(), "it was told more than twice");
}
