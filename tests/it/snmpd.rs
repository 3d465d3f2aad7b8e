//! Debian's snmpd through the whole road: every counter the API has lies between an `snmpget` before
//! and one after the poll.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use farwatch_agent::poll::plan::Plan;
use farwatch_common::clock::Clock;
use farwatch_common::sample::MetricKind;
use farwatch_support::http::Client;
use farwatch_support::process::eventually;
use farwatch_support::snmpd::{self, COMMUNITY, Snmpd};
use farwatch_support::stack::{Agent, Collector, only_agent};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// snmpd's program. Where nothing installed it, a printed skip; in CI it has to be there.
pub(crate) fn program() -> Option<&'static str> {
    let program = snmpd::program();
    if program.is_none() {
        assert!(std::env::var_os("CI").is_none(), "snmpd is not installed");
        println!("skipped: snmpd is not installed");
    }
    program
}

/// What a metric of `object` is read from, dotted: of its columns the one of `kind`, or the one
/// that is preferred.
pub(crate) fn instance(metric: &str, kind: Option<MetricKind>, object: &str) -> String {
    let plan = Plan::standard();
    let mut metrics = plan.tables.iter().flat_map(|table| &table.metrics);
    let metric = metrics.find(|known| known.name == metric).unwrap();
    let wanted = |of: MetricKind| kind.is_none_or(|kind| kind == of);
    let source = metric.sources.iter().find(|source| wanted(source.kind)).unwrap();
    let index = object.strip_prefix("if:").unwrap();
    source.oid.iter().fold(String::new(), |text, arc| format!("{text}.{arc}")) + "." + index
}

/// Object to value, by net-snmp's own client.
pub(crate) fn snmpget(
    address: SocketAddr,
    version: &str,
    objects: &[String],
) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for some in objects.chunks(40) {
        let output = Command::new("snmpget")
            .args(["-v", version, "-c", COMMUNITY, "-On", "-Oq", "-Oe", "-t", "5"])
            .arg(format!("udp:{address}"))
            .args(some)
            .env("MIBS", "")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let (oid, value) = line.split_once(' ').unwrap();
            found.insert(oid.to_owned(), value.trim().parse().unwrap());
        }
    }
    found
}

/// A column of the device, as the API names it.
struct Known {
    metric: String,
    object: String,
    oid: String,
}

/// The interface columns the collector knows of the device.
async fn known(client: &Client, device: &str) -> Vec<Known> {
    let metrics = client.get(&format!("/api/v1/devices/{device}/metrics")).await.data();
    let mut known = Vec::new();
    for shown in metrics.as_array().unwrap() {
        let text = |name: &str| shown[name].as_str().unwrap().to_owned();
        let (metric, object) = (text("metric"), text("object"));
        if object.starts_with("if:") {
            // snmpd has every counter in 64 bits, which is what the agent prefers.
            let oid = instance(&metric, None, &object);
            known.push(Known { metric, object, oid });
        }
    }
    known
}

/// Stored values of a column that were polled after `from`, oldest first.
async fn stored(client: &Client, device: &str, column: &Known, from: i64) -> Vec<Value> {
    let path = format!(
        "/api/v1/devices/{device}/samples?metric={}&object={}&from={from}",
        column.metric, column.object
    );
    client.get(&path).await.data().as_array().unwrap().clone()
}

#[tokio::test]
async fn every_stored_counter_lies_between() {
    let Some(program) = program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let snmpd = Snmpd::start(program).await.unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let _agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let body = json!({
        "agent": only_agent(&client).await,
        "address": snmpd.address.to_string(),
        "interval_s": 1,
        "snmp": { "version": "v2c", "community": COMMUNITY },
    });
    let device = client.post("/api/v1/devices", &body).await.data();
    let device = device["id"].as_str().unwrap();

    let mut columns = Vec::new();
    eventually(LIMIT, "the collector knows the interfaces", async || {
        columns = known(&client, device).await;
        !columns.is_empty()
    })
    .await;
    assert!(columns.iter().any(|column| column.metric == "if_in_octets_total"));
    let objects: Vec<String> = columns.iter().map(|column| column.oid.clone()).collect();
    let before = snmpget(snmpd.address, "2c", &objects);
    let asked_at = Clock::system().now();
    // A poll on its way while the counters were read does not count: the second after it does.
    eventually(LIMIT, "two more polls are stored", async || {
        stored(&client, device, &columns[0], asked_at.0).await.len() >= 2
    })
    .await;
    let after = snmpget(snmpd.address, "2c", &objects);
    for column in &columns {
        let samples = stored(&client, device, column, asked_at.0).await;
        let sample = &samples[1];
        let at = sample["at"].as_str().unwrap();
        assert!(samples[0]["at"].as_str().unwrap() < at, "{samples:?}");
        let value: u64 = sample["value"].as_str().unwrap().parse().unwrap();
        let between = before[&column.oid]..=after[&column.oid];
        let (metric, object) = (&column.metric, &column.object);
        assert!(
            between.contains(&value),
            "{metric} of {object} at {at}: {value} is not in {between:?}"
        );
    }
}
