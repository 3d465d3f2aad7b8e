//! The database is lost and comes back: the collector says so meanwhile, and needs no restart.

use std::time::Duration;

use farwatch_support::http::Client;
use farwatch_support::oracle::{Oracle, values};
use farwatch_support::postgres::Durability;
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, EMAIL, PASSWORD, add_device, only_agent};
use serde_json::{Value, json};

use crate::postgres::installed;

const LIMIT: Duration = Duration::from_secs(60);
/// How long a client may wait to be told that it has to come again.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn while_the_database_is_away_all_is_503_and_nothing_is_acked() {
    let Some((mut cluster, url)) = installed(Durability::Kept).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start(dir.path(), 1).await;
    let mut collector = Collector::start_on(&dir.path().join("collector"), Some(url)).await;
    let _agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let agent = only_agent(&client).await;
    let device = add_device(&client, &agent, &oracle.addresses()[0], 1).await;
    let stored = async || values(&client, &device).await;
    eventually(LIMIT, "samples are stored", async || stored().await.len() > 3).await;
    let paths = readable(&client, &agent, &device).await;
    let pid = collector.pid();

    cluster.stop_immediately().unwrap();
    let acked = metric(&client, "farwatch_ingest_batches_stored_total").await;
    for path in &paths {
        unavailable(&client, "GET", path, None).await;
    }
    let login = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    unavailable(&Client::new(collector.http), "POST", "/api/v1/login", Some(login)).await;
    let new = json!({ "agent": agent, "address": "192.0.2.1" }).to_string();
    unavailable(&client, "POST", "/api/v1/devices", Some(new)).await;
    unavailable(&client, "DELETE", &format!("/api/v1/devices/{device}"), None).await;
    unavailable(&client, "GET", "/api/v1/events", None).await;
    unavailable(&client, "GET", "/health/ready", None).await;
    assert_eq!(client.get("/health/live").await.status, 200);
    let polled = oracle.answers(0).len();
    eventually(LIMIT, "polls go on", async || oracle.answers(0).len() > polled + 3).await;
    assert_eq!(metric(&client, "farwatch_ingest_batches_stored_total").await, acked);

    cluster.restart().await.unwrap();
    eventually(LIMIT, "the collector is ready again", async || {
        client.get("/health/ready").await.status == 200
    })
    .await;
    for path in &paths {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    oracle.is_stored_once(0, &client, &device).await;
    // What is on screen follows too: nothing of the stream was forgotten.
    eventually(LIMIT, "the device is up", async || {
        client.get(&format!("/api/v1/devices/{device}")).await.data()["state"] == "up"
    })
    .await;
    assert!(collector.is_running() && collector.pid() == pid, "{}", collector.log());
    collector.stop().await;
}

/// As when the server's host or the network to it is gone: no connection is closed.
#[tokio::test]
async fn a_database_that_hangs_is_away_too() {
    let Some((cluster, url)) = installed(Durability::Lost).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut collector = Collector::start_on(&dir.path().join("collector"), Some(url)).await;
    let client = collector.client().await;
    let pid = collector.pid();
    cluster.freeze().unwrap();
    for path in ["/api/v1/devices", "/api/v1/me", "/health/ready", "/api/v1/agents"] {
        unavailable(&client, "GET", path, None).await;
    }
    assert_eq!(client.get("/health/live").await.status, 200);
    cluster.thaw().unwrap();
    eventually(LIMIT, "the collector is ready again", async || {
        client.get("/health/ready").await.status == 200
            && client.get("/api/v1/devices").await.status == 200
    })
    .await;
    assert!(collector.is_running() && collector.pid() == pid, "{}", collector.log());
    collector.stop().await;
}

/// Every path of the document that can be read and needs somebody signed in, with ids that exist;
/// without the endless one.
async fn readable(client: &Client, agent: &str, device: &str) -> Vec<String> {
    let document: Value = client.get("/api/v1/openapi.json").await.json();
    let site = client.get("/api/v1/sites").await.data()[0]["id"].clone();
    let mut paths = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let closed = operations["get"]["security"] != json!([{}]) && path.starts_with("/api/v1/");
        if operations.get("get").is_none() || !closed || path.ends_with("/events") {
            continue;
        }
        let id = if path.contains("/devices/") { device } else { agent };
        let path = path.replace("{id}", id).replace("{site}", site.as_str().unwrap());
        let query = if path.ends_with("/series") || path.ends_with("/samples") {
            "?metric=if_in_octets_total"
        } else {
            ""
        };
        let path = format!("{path}{query}");
        if client.get(&path).await.status == 200 {
            paths.push(path);
        }
    }
    assert!(paths.len() >= 10, "{paths:?}");
    paths
}

async fn unavailable(client: &Client, method: &str, path: &str, body: Option<String>) {
    let asked = tokio::time::timeout(ANSWERED_WITHIN, client.send(method, path, body)).await;
    let answer = asked.unwrap_or_else(|_| panic!("{path}: no answer")).unwrap();
    assert_eq!(answer.status, 503, "{method} {path}: {}", answer.text());
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{path}: {wait}");
}

/// A counter of the collector.
async fn metric(client: &Client, name: &str) -> u64 {
    let page = client.get("/metrics").await.text();
    let line = page.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{page}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
