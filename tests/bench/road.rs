//! `bench-road`: the reference load through real processes.
//!
//! 100 simulated routers with 24 interfaces, polled once a minute, spread over the minute: what
//! goes over the line, what the agent holds in memory, what the collector spends with TLS and
//! authentication in it, and how long a committed sample takes to a listening client.
//! `bench-road [SECONDS]`, 120 by default.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_common::clock::Clock;
use farwatch_support::bench::{add_device, figure, process_cpu_s, process_rss_kb};
use farwatch_support::http::Client;
use farwatch_support::process::{binary, run};
use farwatch_support::relay::Relay;
use farwatch_support::sim;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::stack::{Agent, Collector, only_agent};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

const DEVICES: usize = 100;
const INTERFACES: u32 = 24;
const INTERVAL_S: u32 = 60;
/// Devices whose interfaces are watched, the most that a stream takes.
const WATCHED: usize = 8;
/// First polls, facts and schemas are over after this.
const WARM_UP: Duration = Duration::from_secs(75);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let seconds = std::env::args().nth(1).map_or(Ok(120), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let mut routers = Vec::new();
    for at in 0..DEVICES {
        let router = Router::new(Kind::ALL[at % Kind::ALL.len()], INTERFACES, at as u64);
        routers.push(sim::serve_anywhere(router.responder(b"public")).await?);
    }
    let collector = Collector::start(&dir.path().join("collector")).await;
    let relay = Relay::start(collector.listen).await;
    let agent = enrolled_through(&relay, &collector, &dir.path().join("agent"))?;
    let client = collector.client().await;
    let id = only_agent(&client).await;
    for router in &routers {
        add_device(&client, &id, &router.address.to_string(), INTERVAL_S).await?;
    }
    let latencies = Arc::new(Mutex::new(Vec::new()));
    let watched = some_devices(&client).await?;
    let listener = tokio::task::spawn(listen(client.clone(), watched, Arc::clone(&latencies)));

    tokio::time::sleep(WARM_UP).await;
    latencies.lock().await.clear();
    let before = Reading::take(&client, &collector, &agent, &relay).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let after = Reading::take(&client, &collector, &agent, &relay).await?;
    listener.abort();

    let samples = after.samples - before.samples;
    ensure!(samples > 0.0, "no sample was stored");
    let per_sample = |later: f64, earlier: f64| (later - earlier) / samples;
    let up = per_sample(after.up_bytes, before.up_bytes);
    let down = per_sample(after.down_bytes, before.down_bytes);
    figure("road", "samples_per_second", samples / seconds as f64, "1/s", None);
    // remote-write with snappy, one poll a message: 12.9 bytes without any header.
    figure("road", "wire_bytes_per_sample_up", up, "B", Some(12.9));
    figure("road", "wire_bytes_per_sample_down", down, "B", None);
    let cpu = per_sample(after.collector_cpu_s, before.collector_cpu_s) * 1e6;
    figure("road", "collector_cpu_s_per_million_samples", cpu, "s", Some(0.66));
    let cpu = per_sample(after.agent_cpu_s, before.agent_cpu_s) * 1e6;
    figure("road", "agent_cpu_s_per_million_samples", cpu, "s", None);
    // collectd with 100 devices: 17 MB.
    let rss = after.agent_rss_kb / 1024.0;
    figure("road", "agent_rss_mb_at_100_devices", rss, "MB", Some(17.0));
    let mut latencies = latencies.lock().await.clone();
    latencies.sort_by(f64::total_cmp);
    for (name, share) in [("p50", 0.5), ("p95", 0.95)] {
        let at = ((latencies.len() as f64 - 1.0) * share).max(0.0) as usize;
        let value = latencies.get(at).copied().context("no event came")?;
        figure("road", &format!("commit_to_client_ms_{name}"), value, "ms", None);
    }
    Ok(())
}

fn enrolled_through(relay: &Relay, collector: &Collector, dir: &Path) -> anyhow::Result<Agent> {
    std::fs::create_dir_all(dir)?;
    let (dir_text, address) = (dir.display().to_string(), relay.address.to_string());
    let args = ["enroll", "--token-file", "-", "--state-dir", &dir_text, "--collector", &address];
    let output = run(&binary("farwatch-agent"), &args, &collector.token("Depot"));
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(Agent::run_in(dir))
}

/// Counters of one moment.
struct Reading {
    samples: f64,
    up_bytes: f64,
    down_bytes: f64,
    collector_cpu_s: f64,
    agent_cpu_s: f64,
    agent_rss_kb: f64,
}

impl Reading {
    async fn take(
        client: &Client,
        collector: &Collector,
        agent: &Agent,
        relay: &Relay,
    ) -> anyhow::Result<Self> {
        let page = client.get("/metrics").await.text();
        let samples = page
            .lines()
            .find_map(|line| line.strip_prefix("farwatch_ingest_samples_stored_total "))
            .context("/metrics has no ingest_samples_stored_total")?;
        let (agent, collector) = (agent.pid().context("the agent ended")?, collector.pid());
        Ok(Self {
            samples: samples.parse()?,
            up_bytes: relay.traffic.up_bytes.load(Ordering::Relaxed) as f64,
            down_bytes: relay.traffic.down_bytes.load(Ordering::Relaxed) as f64,
            collector_cpu_s: process_cpu_s(collector)?,
            agent_cpu_s: process_cpu_s(agent)?,
            agent_rss_kb: process_rss_kb(agent)?,
        })
    }
}

/// So many devices as one stream may watch, by their ids: their rates differ with each poll, while of a fleet
/// that is well nothing else is told.
async fn some_devices(client: &Client) -> anyhow::Result<String> {
    let page = client.get(&format!("/api/v1/devices?limit={WATCHED}")).await.json();
    let ids = page["items"].as_array().context("no list of devices")?;
    let ids: Vec<&str> = ids.iter().filter_map(|device| device["id"].as_str()).collect();
    ensure!(ids.len() == WATCHED, "{} devices are listed", ids.len());
    Ok(ids.join(","))
}

/// Notes how long after its commit each event arrives, in milliseconds.
async fn listen(
    client: Client,
    watched: String,
    latencies: Arc<Mutex<Vec<f64>>>,
) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(client.address).await?;
    let request = client.raw_get(&format!("/api/v1/events?device={watched}"));
    stream.write_all(request.as_bytes()).await?;
    let clock = Clock::system();
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        let Some(data) = line.strip_prefix("data:") else { continue };
        let event: serde_json::Value = serde_json::from_str(data).unwrap_or_default();
        if let Some(text) = event["committed_at"].as_str() {
            let committed: jiff::Timestamp = text.parse()?;
            let late_us = clock.now().0 - committed.as_microsecond();
            latencies.lock().await.push(late_us as f64 / 1000.0);
        }
    }
    Ok(())
}
