//! IPv6 on every stretch of the road, and names whose first address leads nowhere.

use std::time::Duration;

use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};

use crate::crash::values;
use crate::routers::Oracle;

const LIMIT: Duration = Duration::from_secs(60);

/// A router, an agent that enrols at this name of the collector, and samples of it.
async fn reports(listen: &str, name: impl FnOnce(u16) -> String, router: &str, config: &str) {
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start_at(dir.path(), 1, router).await;
    let mut collector = Collector::start_at(&dir.path().join("collector"), listen).await;
    let state_dir = dir.path().join("agent");
    let address = name(collector.listen.port());
    let mut agent = Agent::start_named(&collector, &address, &state_dir, config).await;
    let client = collector.client().await;
    let agent_id = only_agent(&client).await;
    let device = add_device(&client, &agent_id, &oracle.addresses()[0], 1).await;
    eventually(LIMIT, "samples are stored", async || values(&client, &device).await.len() > 3)
        .await;
    let known = client.get(&format!("/api/v1/agents/{agent_id}")).await.data();
    assert_eq!(known["transport"], "quic", "{known}");
    let known = client.get(&format!("/api/v1/devices/{device}")).await.data();
    assert_eq!(known["address"], oracle.addresses()[0].as_str());
    oracle.is_stored_once(0, &client, &device).await;
    agent.stop().await;
    collector.stop().await;
}

#[tokio::test]
async fn collector_agent_and_device_speak_ipv6() {
    reports("[::1]:0", |port| format!("[::1]:{port}"), "[::1]:0", "").await;
}

/// `localhost` has an address of each family, and the collector one of them.
#[tokio::test]
async fn a_name_of_both_families_is_reached_by_the_one_that_answers() {
    let known = tokio::net::lookup_host("localhost:0").await.unwrap();
    if !known.into_iter().any(|address| address.is_ipv6()) {
        println!("skipped: localhost has no IPv6 address in /etc/hosts");
        return;
    }
    reports("127.0.0.1:0", |port| format!("localhost:{port}"), "[::1]:0", "").await;
    reports("[::1]:0", |port| format!("localhost:{port}"), "127.0.0.1:0", "").await;
}
