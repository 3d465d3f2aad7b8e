//! An agent that is stopped in order while its collector is away: nobody hears its goodbye.

use std::time::{Duration, Instant};

use farwatch_support::http::{Client, micros};
use farwatch_support::ledger::declared;
use farwatch_support::oracle::{Oracle, values};
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
const INTERVAL_S: u32 = 3;
/// More than 2.5 intervals: a hole that shows.
const STOPPED_FOR: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_stop_while_the_collector_is_away_is_no_silent_hole() {
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start(dir.path(), 1).await;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let mut process = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let agent = only_agent(&client).await;
    let device = add_device(&client, &agent, &oracle.addresses()[0], INTERVAL_S).await;
    let stored = async |client: &Client| values(client, &device).await.len();
    eventually(LIMIT, "samples are stored", async || stored(&client).await > 1).await;

    collector.stop().await;
    let polled = oracle.answers(0).len();
    eventually(LIMIT, "polls go on", async || oracle.answers(0).len() > polled + 1).await;
    process.stop().await;
    let ended = Instant::now();
    eventually(LIMIT, "a hole shows", async || ended.elapsed() > STOPPED_FOR).await;

    collector.restart().await;
    process.run();
    let client = collector.client().await;
    let all = oracle.answers(0).len();
    eventually(LIMIT, "it polls again", async || stored(&client).await > all + 1).await;
    eventually(LIMIT, "the stop is told", async || !declared(&client, &agent).await.is_empty())
        .await;
    let gaps = client.get(&format!("/api/v1/agents/{agent}/gaps")).await.data();
    let told: Vec<_> = gaps.as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 1, "{gaps}");
    assert_eq!(
        (&told[0]["reason"], &told[0]["class"]),
        (&"stopped".into(), &"all".into()),
        "{gaps}"
    );
    assert_eq!(told[0]["count"], 0, "{gaps}");
    let [from, to] = ["from", "to"].map(|end| micros(told[0][end].as_str().unwrap()));
    assert!(to.since(from) >= STOPPED_FOR, "{gaps}");

    let counted = async || client.get(&format!("/api/v1/agents/{agent}/completeness")).await.data();
    eventually(LIMIT, "nothing is missing without a word", async || {
        let all = counted().await;
        let of = |what: &str| all["total"][what].as_u64().unwrap();
        of("undeclared") == 0 && of("awaited") == 0 && of("declared") == 0
    })
    .await;
    let ledger = client.get(&format!("/api/v1/agents/{agent}/ledger")).await.data();
    assert_eq!(ledger["losses"], Value::Array(Vec::new()), "that is no loss");

    // In the charts it is the cause of the hole.
    let since = from.before(STOPPED_FOR).0;
    let path = format!("/api/v1/devices/{device}/series?metric=if_in_octets_total&from={since}");
    let charts = client.get(&path).await.text();
    assert!(charts.contains("\"agent_stopped\""), "{charts}");

    // What of the sessions nobody has seen end has an end: the collector was not there to write it down.
    let path = format!("/api/v1/agents/{agent}/links");
    let links = async || client.get(&path).await.data().as_array().unwrap().clone();
    eventually(LIMIT, "the new session is written down", async || links().await.len() > 2).await;
    let links = links().await;
    let told: Vec<_> = links.iter().map(|link| link["event"].as_str()).collect();
    assert_eq!(told, [Some("opened"), Some("ended"), Some("opened")], "{links:?}");
    assert!(micros(links[1]["at"].as_str().unwrap()) < from, "{links:?}");
    collector.stop().await;
}
