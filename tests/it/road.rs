//! The whole road: a router's counter, through agent and collector, to the API.

use std::time::Duration;

use farwatch_support::oracle::Oracle;
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, enroll, only_agent};
use serde_json::json;

use crate::routers::Routers;

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_counter_reaches_the_api_and_survives_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let routers = Routers::start(2).await;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let mut agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let id = only_agent(&client).await;
    let device = add_device(&client, &id, &routers.address(0), 1).await;

    let path = format!("/api/v1/devices/{device}");
    eventually(LIMIT, "the device is up and has rates", async || {
        let device = client.get(&path).await.data();
        device["state"] == "up" && device["in_bps"].as_f64().is_some()
    })
    .await;
    let interfaces = client.get(&format!("{path}/interfaces")).await.data();
    assert!(interfaces.as_array().unwrap().len() > 1, "{interfaces}");
    let facts = client.get(&path).await.data();
    assert!(facts["facts"]["sys_descr"].as_str().is_some_and(|text| !text.is_empty()), "{facts}");

    let before = samples(&client, &device).await;
    assert!(before > 0);
    collector.restart().await;
    agent.stop().await;
    agent.run();
    let client = collector.client().await;
    eventually(LIMIT, "samples go on after both restarted", async || {
        samples(&client, &device).await > before + 3
    })
    .await;
    agent.stop().await;
    collector.stop().await;
}

#[tokio::test]
async fn polling_goes_on_while_the_collector_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start(dir.path(), 1).await;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let _agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let id = only_agent(&client).await;
    let device = add_device(&client, &id, &oracle.addresses()[0], 1).await;
    eventually(LIMIT, "the first poll is stored", async || samples(&client, &device).await > 0)
        .await;

    collector.kill();
    let before = oracle.answers(0).len();
    eventually(LIMIT, "polls keep their slots", async || oracle.answers(0).len() > before + 5)
        .await;
    collector.restart().await;
    let client = collector.client().await;
    let answered = oracle.answers(0).len();
    eventually(LIMIT, "what was polled meanwhile is stored", async || {
        samples(&client, &device).await >= answered
    })
    .await;
    let answers = oracle.answers(0);
    let gaps = answers.windows(2).filter(|pair| pair[1].0.0 - pair[0].0.0 > 2_500_000).count();
    assert_eq!(gaps, 0, "a poll missed its slot: {answers:?}");
}

async fn samples(client: &farwatch_support::http::Client, device: &str) -> usize {
    let path = format!(
        "/api/v1/devices/{device}/samples?metric=if_in_octets_total&object=if:1&limit=1000"
    );
    client.get(&path).await.data().as_array().unwrap().len()
}

#[tokio::test]
async fn a_device_added_and_removed_while_connected_is_polled_at_once_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let routers = Routers::start(2).await;
    let collector = Collector::start(&dir.path().join("collector")).await;
    let _agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let id = only_agent(&client).await;
    let devices = [
        add_device(&client, &id, &routers.address(0), 1).await,
        add_device(&client, &id, &routers.address(1), 1).await,
    ];
    for device in &devices {
        eventually(LIMIT, "the device is up", async || {
            let device = client.get(&format!("/api/v1/devices/{device}")).await.data();
            device["state"] == "up"
        })
        .await;
    }
    assert_eq!(client.delete(&format!("/api/v1/devices/{}", devices[0])).await.status, 204);
    let left = client.get("/api/v1/devices").await.json();
    assert_eq!(left["meta"]["total"], json!(1), "{left}");
}

#[tokio::test]
async fn a_revoked_agent_is_cut_off_and_stays_out() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let path = format!("/api/v1/agents/{}", only_agent(&client).await);
    eventually(LIMIT, "the agent is connected", async || {
        client.get(&path).await.data()["state"] == "up"
    })
    .await;
    assert_eq!(client.post(&format!("{path}/revoke"), &json!({})).await.status, 200);
    eventually(LIMIT, "the collector refuses the revoked key", async || {
        let page = client.get("/metrics").await.text();
        page.lines().any(|line| {
            line.strip_prefix("farwatch_listen_agents_refused_total ")
                .is_some_and(|count| count.trim() != "0")
        })
    })
    .await;
    assert!(!agent.log().contains("panicked"), "{}", agent.log());
    assert!(client.get(&path).await.data()["revoked_at"].is_string());
}

#[tokio::test]
async fn a_token_counts_once_and_only_for_its_collector() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let foreign = Collector::start(&dir.path().join("foreign")).await;
    let state = |name: &str| dir.path().join(name);
    for name in ["first", "second", "tampered", "foreign-ca", "nonsense"] {
        std::fs::create_dir_all(state(name)).unwrap();
    }
    let token = collector.token("Depot");
    assert!(enroll(&state("first"), &token).status.success());

    let refused = |name: &str, token: &str| {
        let output = enroll(&state(name), token);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!text.contains(token), "{name} prints the token: {text}");
        assert!(!text.contains("panicked"), "{text}");
        text
    };
    let twice = refused("second", &token);
    assert!(twice.contains("used"), "{twice}");
    let mut tampered = token.clone().into_bytes();
    let last = tampered.len() - 4;
    tampered[last] = if tampered[last] == b'a' { b'b' } else { b'a' };
    refused("tampered", &String::from_utf8(tampered).unwrap());
    refused("nonsense", "fw1_hello");

    // A token of another installation, sent to this one: the pin stops it before the secret goes.
    let other = foreign.token("Depot");
    let output = farwatch_support::process::run(
        &farwatch_support::process::binary("farwatch-agent"),
        &[
            "enroll",
            "--token-file",
            "-",
            "--state-dir",
            state("foreign-ca").to_str().unwrap(),
            "--collector",
            &collector.listen.to_string(),
        ],
        &other,
    );
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    // The secret was not spent: the right collector still takes it.
    std::fs::create_dir_all(state("late")).unwrap();
    assert!(enroll(&state("late"), &other).status.success());
}
