//! A collector that is killed between the moment an alert fires and the moment its webhook is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farwatch_support::process::eventually;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::serve_anywhere;
use farwatch_support::sinks::hooks::{Hook, Hooks};
use farwatch_support::stack::{Agent, add_device, only_agent};
use serde_json::{Value, json};

use super::Desk;

const ROUNDS: usize = 30;
const LIMIT: Duration = Duration::from_secs(30);

/// Every other time it is killed while the receiver holds the request, else as soon as the rule that
/// the device breaks is made: before, in or after the transition.
#[tokio::test]
async fn a_collector_killed_before_the_answer_tells_again_with_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut hooks = Hooks::start(None).await;
    let config = format!(
        "[[notify.allow]]\nnetwork = \"127.0.0.1\"\nports = [{}]\nplain = true\n",
        hooks.address.port()
    );
    let Desk { mut collector, client, tenant } = Desk::start(dir.path(), &config).await;
    let _agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let router = Router::new(Kind::ALL[0], 2, 7).responder(b"public");
    let router = serve_anywhere(router).await.unwrap();
    let (agent, address) = (only_agent(&client).await, router.address.to_string());
    let device = add_device(&client, &agent, &address, 1).await;
    let path = format!("/api/v1/devices/{device}");
    eventually(LIMIT, "the device is up", async || client.get(&path).await.data()["state"] == "up")
        .await;
    let channel = json!({
        "tenant": tenant, "kind": "webhook", "name": "noc", "url": hooks.url("/"),
    });
    let channel = client.post("/api/v1/channels", &channel).await.data();
    let route = json!({ "channel": channel["id"], "severity": "critical" });
    client.post("/api/v1/routes", &route).await.data();

    let mut seen = Seen::new();
    for round in 0..ROUNDS {
        let name = format!("Runs {round}");
        let rule = json!({
            "tenant": tenant, "name": name, "severity": "critical",
            "condition": {
                "kind": "metric", "name": "uptime_seconds", "is": "above", "limit": 0.0,
            },
        });
        hooks.hold(true);
        client.post("/api/v1/rules", &rule).await.data();
        if round % 2 == 0 {
            note(&mut seen, &hooks.next(LIMIT).await);
        }
        collector.kill();
        hooks.hold(false);
        collector.restart().await;
        // The one that was held is told again.
        while note(&mut seen, &hooks.next(LIMIT).await) != name {}
    }
    let of_round = |round: usize| format!("Runs {round}");
    let wanted: BTreeSet<String> = (0..ROUNDS).map(of_round).collect();
    assert_eq!(seen.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    for (name, keys) in &seen {
        assert_eq!(keys.len(), 1, "{name} was told under {keys:?}");
    }
    let path = format!("/api/v1/channels/{}/deliveries?limit=100", channel["id"].as_str().unwrap());
    eventually(LIMIT, "each is written as delivered", async || {
        let deliveries = client.get(&path).await.data();
        let deliveries = deliveries.as_array().unwrap().clone();
        let is_delivered = |delivery: &Value| delivery["state"] == "delivered";
        deliveries.len() == ROUNDS && deliveries.iter().all(is_delivered)
    })
    .await;
}

/// The keys under which the firing of each rule was told.
type Seen = BTreeMap<String, BTreeSet<String>>;

/// The rule it tells of.
fn note(seen: &mut Seen, hook: &Hook) -> String {
    let body = hook.json();
    assert_eq!(body["type"], "alert.firing", "{body}");
    let name = body["data"]["rule"]["name"].as_str().unwrap().to_owned();
    seen.entry(name.clone()).or_default().insert(hook.header("webhook-id").to_owned());
    name
}
