//! `bench-alert`: how long after a sample was observed a webhook has told of it, with 1,000 devices.
//!
//! 1,000 simulated routers with 24 interfaces, polled once a minute by one agent, the rules that every
//! tenant begins with and one more: «up for longer than». The routers pass its limit one after the
//! other, each while it is measured; from the poll that saw it to the request at the receiver counts.
//! `bench-alert [SECONDS]`, 180 by default.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_common::clock::{Clock, Micros};
use farwatch_support::bench::{add_device, figure, process_cpu_s};
use farwatch_support::http::Client;
use farwatch_support::sim;
use farwatch_support::sim::respond::Responder;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sinks::hooks::Hooks;
use farwatch_support::stack::{Agent, Collector, only_agent};
use serde_json::{Value, json};

const DEVICES: usize = 1_000;
const INTERFACES: u32 = 24;
const INTERVAL_S: u32 = 60;
/// Where the rule's limit is.
const LIMIT_S: i64 = 1_000_000;
/// Devices are added at the rate of the API; first polls and facts are over after this.
const WARM_UP_S: i64 = 150;
/// After the last router passed the limit: one more poll of it, and its request.
const TAIL: Duration = Duration::from_secs(75);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seconds: i64 = std::env::args().nth(1).map_or(Ok(180), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let clock = Clock::system();
    let mut hooks = Hooks::start(None).await;
    let config = format!(
        "[[notify.allow]]\nnetwork = \"127.0.0.1\"\nports = [{}]\nplain = true\n",
        hooks.address.port()
    );
    let began = clock.now();
    let mut routers = Vec::new();
    for at in 0..DEVICES {
        let passes_after = WARM_UP_S + seconds * at as i64 / DEVICES as i64;
        let started = Micros(began.0 - (LIMIT_S - passes_after) * Micros::SECOND);
        let router = Router::new(Kind::ALL[at % Kind::ALL.len()], INTERFACES, at as u64);
        let responder = Responder::new(router.mib(), b"public", started);
        routers.push(sim::serve_anywhere(responder).await?);
    }
    let collector = Collector::start_with(&dir.path().join("collector"), &config).await;
    let agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    told(&client, &hooks.url("/")).await;
    let id = only_agent(&client).await;
    for router in &routers {
        add_device(&client, &id, &router.address.to_string(), INTERVAL_S).await?;
    }
    let used_s = clock.now().since(began).as_secs() as i64;
    ensure!(used_s < WARM_UP_S, "the devices took {used_s} s to be added");
    let end = Micros(began.0 + (WARM_UP_S + seconds) * Micros::SECOND).after(TAIL);
    let mut late_ms = Vec::new();
    let pids = (collector.pid(), agent.pid().context("the agent ended")?);
    let before = (process_cpu_s(pids.0)?, process_cpu_s(pids.1)?);
    while late_ms.len() < DEVICES {
        let left = end.since(clock.now());
        ensure!(!left.is_zero(), "{} of {DEVICES} webhooks came", late_ms.len());
        let hook = hooks.next(left).await;
        let now = clock.now();
        let body = hook.json();
        let seen: jiff::Timestamp = body["timestamp"].as_str().context("no timestamp")?.parse()?;
        late_ms.push((now.0 - seen.as_microsecond()) as f64 / 1000.0);
    }
    let after = (process_cpu_s(pids.0)?, process_cpu_s(pids.1)?);
    late_ms.sort_by(f64::total_cmp);
    for (name, share) in [("p50", 0.5), ("p95", 0.95), ("max", 1.0)] {
        let at = ((late_ms.len() as f64 - 1.0) * share) as usize;
        let yardstick = (name == "p95").then_some(3_000.0);
        figure("alert", &format!("sample_to_webhook_ms_{name}"), late_ms[at], "ms", yardstick);
    }
    figure("alert", "collector_cpu_s", after.0 - before.0, "s", None);
    figure("alert", "agent_cpu_s", after.1 - before.1, "s", None);
    Ok(())
}

/// The rule, the channel, and the way between.
async fn told(client: &Client, url: &str) {
    let tenants = client.get("/api/v1/tenants").await.data();
    let tenant = &tenants[0]["id"];
    let post = async |path: &str, body: Value| client.post(path, &body).await.data();
    let channel = json!({ "tenant": tenant, "kind": "webhook", "name": "noc", "url": url });
    let channel = post("/api/v1/channels", channel).await;
    let route = json!({ "channel": channel["id"], "severity": "critical", "on_resolved": false });
    post("/api/v1/routes", route).await;
    let rule = json!({
        "tenant": tenant, "name": "Runs for long", "severity": "critical",
        "condition": {
            "kind": "metric", "name": "uptime_seconds", "is": "above", "limit": LIMIT_S,
        },
    });
    post("/api/v1/rules", rule).await;
}
