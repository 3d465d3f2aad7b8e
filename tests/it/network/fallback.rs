//! Sites whose firewall drops UDP, at the start or later, or lets nothing out but through a proxy: data
//! goes on, and QUIC comes back when it can.

use std::time::{Duration, Instant};

use farwatch_common::clock::{Clock, Micros};
use farwatch_support::http::Client;
use farwatch_support::oracle::{Oracle, values};
use farwatch_support::process::eventually;
use farwatch_support::relay::Relay;
use farwatch_support::sim;
use farwatch_support::sim::fault::Fault;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};
use farwatch_support::tinyproxy::{Tinyproxy, program};
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
/// Without UDP from the start.
const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
/// From the block of UDP to samples over TCP.
const SWITCHED_WITHIN: Duration = Duration::from_secs(45);
/// From the end of the block to QUIC: a probe interval with its jitter, a handshake, the echo of 64 KiB,
/// and what was on the way over TCP; the rest is for a busy machine.
const BACK_WITHIN: Duration = Duration::from_secs(8);
const PROBE: &str = "[uplink]\nquic_probe_s = 2\n";

/// A collector, a relay before it, an agent behind that, and a router whose answers are counted.
struct Site {
    collector: Collector,
    relay: Relay,
    agent: Agent,
    oracle: Oracle,
    client: Client,
    agent_id: String,
    device: String,
    dir: TempDir,
}

impl Site {
    async fn start(udp_is_blocked: bool, config: impl FnOnce(&TempDir) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let oracle = Oracle::start(dir.path(), 1).await;
        let collector = Collector::start(&dir.path().join("collector")).await;
        let relay = Relay::start(collector.listen).await;
        relay.block_udp(udp_is_blocked);
        let state_dir = dir.path().join("agent");
        let config = config(&dir);
        let agent = Agent::start_through(&collector, relay.address, &state_dir, &config).await;
        let client = collector.client().await;
        let agent_id = only_agent(&client).await;
        let device = add_device(&client, &agent_id, &oracle.addresses()[0], 1).await;
        Self { collector, relay, agent, oracle, client, agent_id, device, dir }
    }

    async fn agent(&self) -> Value {
        self.client.get(&format!("/api/v1/agents/{}", self.agent_id)).await.data()
    }

    /// Waits until the session is carried by this, and samples come that way.
    async fn is_on(&self, transport: &str, limit: Duration) {
        let began = Instant::now();
        eventually(limit, transport, async || self.agent().await["transport"] == transport).await;
        println!("on {transport} after {:?}", began.elapsed());
        let before = values(&self.client, &self.device).await.len();
        eventually(LIMIT, "samples arrive", async || {
            values(&self.client, &self.device).await.len() > before + 2
        })
        .await;
    }

    async fn ends_whole(mut self) {
        self.oracle.is_stored_once(0, &self.client, &self.device).await;
        let path = format!("/api/v1/agents/{}", self.agent_id);
        self.agent.stop().await;
        eventually(LIMIT, "the agent has said goodbye", async || {
            let agent = self.client.get(&path).await.data();
            assert_ne!(agent["offline_reason"], "silent");
            agent["state"] == "down" && agent["offline_reason"] == "stopped"
        })
        .await;
        self.collector.stop().await;
    }
}

#[tokio::test]
async fn without_udp_the_session_is_over_tcp_and_comes_back_to_quic() {
    let site = Site::start(true, |_| PROBE.into()).await;
    site.is_on("tcp", CONNECTED_WITHIN).await;
    // A probe that finds UDP blocked costs the session nothing.
    let since = site.agent().await["connected_since"].clone();
    eventually(LIMIT, "QUIC was tried and is blocked", async || {
        site.agent.log().contains("QUIC does not get through")
    })
    .await;
    assert_eq!(site.agent().await["connected_since"], since);
    site.relay.block_udp(false);
    site.is_on("quic", BACK_WITHIN).await;
    // In the middle of a session too.
    site.relay.block_udp(true);
    site.is_on("tcp", SWITCHED_WITHIN).await;
    site.relay.block_udp(false);
    site.is_on("quic", BACK_WITHIN).await;
    site.ends_whole().await;
}

/// Answers late, so that a poll takes some seconds.
const SLOW: Duration = Duration::from_millis(700);

#[tokio::test]
async fn a_poll_that_somebody_waits_for_outlives_the_change_of_transport() {
    let site = Site::start(true, |_| PROBE.into()).await;
    site.is_on("tcp", CONNECTED_WITHIN).await;
    let mut slow = Router::new(Kind::ALL[0], 8, 1).responder(b"public");
    slow.fault = Fault::Late(SLOW);
    let slow = sim::serve_anywhere(slow).await.unwrap();
    let device = add_device(&site.client, &site.agent_id, &slow.address.to_string(), 3600).await;
    let path = format!("/api/v1/devices/{device}/poll");
    eventually(LIMIT, "the agent has been told of the device", async || {
        site.client.post(&path, &serde_json::json!({})).await.status == 200
    })
    .await;
    site.relay.block_udp(false);
    let now = || Clock::system().now();
    // One poll after the other: the change falls into one of them.
    let mut on_tcp = now();
    let ended = loop {
        let polled = site.client.post(&path, &serde_json::json!({})).await;
        assert_eq!(polled.status, 200, "{}", polled.json());
        assert_eq!(polled.data()["snmp"]["ok"], true);
        let asked = now();
        if site.agent().await["transport"] == "quic" {
            break now();
        }
        on_tcp = asked;
    };
    let since = site.agent().await["connected_since"].as_str().unwrap().to_owned();
    let since = Micros(since.parse::<jiff::Timestamp>().unwrap().as_microsecond());
    println!("polled from {on_tcp:?} to {ended:?}, on QUIC since {since:?}");
    assert!(on_tcp <= since && since <= ended);
    site.ends_whole().await;
}

/// What a collector does with a session it does with one over TCP: it pushes, cuts off, and survives.
#[tokio::test]
async fn over_tcp_assignments_are_pushed_and_revocation_counts_at_once() {
    let mut site = Site::start(true, |_| "[uplink]\nquic_probe_s = 3600\n".into()).await;
    site.is_on("tcp", CONNECTED_WITHIN).await;
    // The device was added while the agent was connected, or before: one more now.
    let folder = site.dir.path().join("more");
    std::fs::create_dir(&folder).unwrap();
    let oracle = Oracle::start(&folder, 1).await;
    let more = add_device(&site.client, &site.agent_id, &oracle.addresses()[0], 1).await;
    eventually(LIMIT, "the new device is polled", async || {
        !values(&site.client, &more).await.is_empty()
    })
    .await;
    site.collector.restart().await;
    site.client = site.collector.client().await;
    site.is_on("tcp", LIMIT).await;
    site.oracle.is_stored_once(0, &site.client, &site.device).await;
    let path = format!("/api/v1/agents/{}/revoke", site.agent_id);
    site.client.post(&path, &serde_json::json!({})).await;
    eventually(LIMIT, "the agent is told", async || {
        site.agent.log().contains("unknown, expired or revoked")
    })
    .await;
}

#[tokio::test]
async fn behind_a_proxy_the_agent_enrols_and_reports() {
    let Some(program) = program() else {
        println!("skipped: no tinyproxy, run ./x test it");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let proxy = Tinyproxy::start(&program, dir.path(), "farm", "hunter2").await;
    let config = format!("[uplink]\nproxy = \"http://farm:hunter2@{}\"\n", proxy.address);
    let site = Site::start(true, |_| config).await;
    site.is_on("tcp", CONNECTED_WITHIN).await;
    assert!(proxy.tunnels(&site.relay.address.to_string()) > 3);
    assert!(!site.agent.log().contains("hunter2"));
    site.ends_whole().await;
}
