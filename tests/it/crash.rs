//! kill -9 of agent and collector in turn: what an oracle router answered is what is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_support::http::Client;
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};

use crate::routers::Oracle;

/// Each kills agent or collector once. The figure of the promise is 40; see `docs/delivery.md`.
const KILLS: usize = 40;
const LIMIT: Duration = Duration::from_secs(60);
/// A poll may be lost if it was answered within this time before a kill of the agent.
const TAIL: Duration = Duration::from_secs(1);

#[tokio::test]
async fn kill_nine_loses_at_most_the_last_second() {
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start(dir.path(), 4).await;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let mut agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let id = only_agent(&client).await;
    let mut devices = Vec::new();
    for address in oracle.addresses() {
        devices.push(add_device(&client, &id, address, 1).await);
    }
    let clock = Clock::system();
    let mut kills = Vec::new();
    for round in 0..KILLS {
        // Each round begins when fresh answers are there, so that every kill hits a working road.
        let seen = oracle.answers(0).len();
        eventually(LIMIT, "the oracle is polled", async || oracle.answers(0).len() > seen + 1)
            .await;
        if round % 2 == 0 {
            agent.kill();
            let killed = clock.now();
            // What the dead one asked last is answered to nobody, before the next one asks.
            oracle.drained().await;
            kills.push((killed, clock.now()));
            agent.run();
        } else {
            collector.restart().await;
        }
    }
    let client = collector.client().await;
    let mut lost_at_most = 0;
    for (number, device) in devices.iter().enumerate() {
        let last = oracle.answers(number).last().copied().unwrap();
        let mut stored = BTreeMap::new();
        eventually(LIMIT, "the backlog is stored", async || {
            stored = values(&client, device).await;
            stored.keys().next_back().is_some_and(|value| *value >= last.1)
        })
        .await;
        let answers: BTreeMap<u64, Micros> =
            oracle.answers(number).into_iter().map(|(at, value)| (value, at)).collect();
        for (value, times) in &stored {
            assert_eq!(*times, 1, "{value} is stored {times} times");
            assert!(answers.contains_key(value), "{value} was never answered");
        }
        let lost: Vec<_> =
            answers.range(..=last.1).filter(|(value, _)| !stored.contains_key(value)).collect();
        for (value, at) in &lost {
            let excused = kills
                .iter()
                .any(|(killed, drained)| **at <= *drained && killed.since(**at) <= TAIL);
            assert!(excused, "answer {value} at {at:?} is lost and no kill excuses it: {kills:?}");
        }
        lost_at_most = lost_at_most.max(lost.len());
    }
    println!("{KILLS} kills, at most {lost_at_most} answers of one router lost");
    assert!(lost_at_most <= kills.len() * 2);
}

/// Every stored value of the oracle's counter, with how often it is stored.
async fn values(client: &Client, device: &str) -> BTreeMap<u64, u32> {
    let mut values = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!(
            "/api/v1/devices/{device}/samples?metric=if_in_octets_total&object=if:1\
             &limit=1000{cursor}"
        );
        let page = client.get(&path).await.json();
        for sample in page["data"].as_array().unwrap() {
            if let Some(value) = sample["value"].as_str() {
                *values.entry(value.parse().unwrap()).or_default() += 1;
            }
        }
        match page["meta"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return values,
        }
    }
}
