//! IPv6 on every stretch of the road, and names whose first address leads nowhere.

use std::time::Duration;

use farwatch_support::namespace::{Namespace, sh};
use farwatch_support::oracle::{Oracle, values};
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};

use super::links::addresses;

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

/// As gear has them out of the box. Which link such an address is on, its zone says.
#[tokio::test]
async fn a_device_at_a_link_local_address_is_polled_and_pinged() {
    let Some(namespace) = Namespace::new() else { return };
    let (link, pid) = (format!("fz{}", std::process::id()), namespace.pid());
    let [here, there, _] = addresses();
    sh(&format!(
        "ip link add {link} type veth peer name far netns {pid}
         ip address add {here}/29 dev {link}
         ip address add fe80::1/64 dev {link} nodad
         ip link set {link} up"
    ));
    namespace.sh(&format!(
        "ip address add {there}/29 dev far
         ip address add fe80::2/64 dev far nodad
         ip link set far up
         echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range"
    ));
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start_at(dir.path(), 1, "[::]:0").await;
    let (_, port) = oracle.addresses()[0].rsplit_once(':').unwrap();
    let device_address = format!("[fe80::1%far]:{port}");
    let mut collector =
        Collector::start_at(&dir.path().join("collector"), &format!("{here}:0")).await;
    let (state_dir, inside) = (dir.path().join("agent"), namespace.inside());
    let mut agent = Agent::start_inside(inside, &collector, collector.listen, &state_dir, "").await;
    let client = collector.client().await;
    let agent_id = only_agent(&client).await;
    let device = add_device(&client, &agent_id, &device_address, 1).await;
    eventually(LIMIT, "samples are stored", async || values(&client, &device).await.len() > 3)
        .await;
    let known = client.get(&format!("/api/v1/devices/{device}")).await.data();
    assert_eq!(known["address"], device_address.as_str());
    let path = format!("/api/v1/devices/{device}/poll");
    let polled = client.post(&path, &serde_json::json!({})).await.data();
    assert_eq!(
        (&polled["snmp"]["ok"], &polled["ping"]["loss_percent"]),
        (&serde_json::json!(true), &serde_json::json!(0.0)),
        "{polled}"
    );
    // The same address on a link that is not there.
    let nowhere = add_device(&client, &agent_id, &format!("[fe80::1%none]:{port}"), 1).await;
    let path = format!("/api/v1/devices/{nowhere}/poll");
    eventually(LIMIT, "there is no such link", async || {
        let polled = client.post(&path, &serde_json::json!({})).await.json();
        polled["data"]["snmp"]["cause"] == "no_interface"
    })
    .await;
    oracle.is_stored_once(0, &client, &device).await;
    agent.stop().await;
    collector.stop().await;
}
