//! kill -9 of agent, collector and database in turn: what an oracle router answered is what is
//! stored.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_support::http::Client;
use farwatch_support::postgres::Durability;
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};

use crate::postgres::installed;
use crate::routers::Oracle;

/// Each kills agent or collector once. The figure of the promise is 40; see `docs/delivery.md`.
const KILLS: usize = 40;
/// The same on PostgreSQL, where a start takes longer.
const KILLS_ON_POSTGRES: usize = 12;
/// Of PostgreSQL itself.
const DATABASE_KILLS: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);
/// A poll may be lost if it was answered within this time before a kill of the agent.
const TAIL: Duration = Duration::from_secs(1);

/// From an agent's kill until its routers had answered what it asked last.
type Kill = (Micros, Micros);

/// Routers that log what they answer, and a whole road that stores it.
struct Road {
    oracle: Oracle,
    collector: Collector,
    agent: Agent,
    devices: Vec<String>,
}

impl Road {
    async fn start(dir: &Path, database_url: Option<String>) -> Self {
        let oracle = Oracle::start(dir, 4).await;
        let collector = Collector::start_on(&dir.join("collector"), database_url).await;
        let agent = Agent::start(&collector, &dir.join("agent"), "Depot");
        let client = collector.client().await;
        let id = only_agent(&client).await;
        let mut devices = Vec::new();
        for address in oracle.addresses() {
            devices.push(add_device(&client, &id, address, 1).await);
        }
        Self { oracle, collector, agent, devices }
    }

    /// Returns when fresh answers are there, so that every kill hits a working road.
    async fn works(&self) {
        let seen = self.oracle.answers(0).len();
        let polled = async || self.oracle.answers(0).len() > seen + 1;
        eventually(LIMIT, "the oracle is polled", polled).await;
    }

    /// Agent and collector in turn.
    async fn kill(&mut self, rounds: usize) -> Vec<Kill> {
        let clock = Clock::system();
        let mut kills = Vec::new();
        for round in 0..rounds {
            self.works().await;
            if round % 2 == 0 {
                self.agent.kill();
                let killed = clock.now();
                // What the dead one asked last is answered to nobody, before the next one asks.
                self.oracle.drained().await;
                kills.push((killed, clock.now()));
                self.agent.run();
            } else {
                self.collector.restart().await;
            }
        }
        kills
    }

    /// Everything that was answered is stored, once, but for the tails of kills of the agent.
    async fn is_whole(&self, kills: &[Kill]) {
        let client = self.collector.client().await;
        let mut lost_at_most = 0;
        for (number, device) in self.devices.iter().enumerate() {
            let last = self.oracle.answers(number).last().copied().unwrap();
            let mut stored = BTreeMap::new();
            eventually(LIMIT, "the backlog is stored", async || {
                stored = values(&client, device).await;
                stored.keys().next_back().is_some_and(|value| *value >= last.1)
            })
            .await;
            let answers: BTreeMap<u64, Micros> =
                self.oracle.answers(number).into_iter().map(|(at, value)| (value, at)).collect();
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
                assert!(
                    excused,
                    "answer {value} at {at:?} is lost and no kill excuses it: {kills:?}"
                );
            }
            lost_at_most = lost_at_most.max(lost.len());
        }
        println!("at most {lost_at_most} answers of one router lost");
        assert!(lost_at_most <= kills.len() * 2);
    }
}

#[tokio::test]
async fn kill_nine_loses_at_most_the_last_second() {
    let dir = tempfile::tempdir().unwrap();
    let mut road = Road::start(dir.path(), None).await;
    let kills = road.kill(KILLS).await;
    road.is_whole(&kills).await;
}

#[tokio::test]
async fn kill_nine_loses_no_more_on_postgresql() {
    let Some((_cluster, url)) = installed(Durability::Kept).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut road = Road::start(dir.path(), Some(url)).await;
    let kills = road.kill(KILLS_ON_POSTGRES).await;
    road.is_whole(&kills).await;
}

/// Nothing is lost then, and neither collector nor agent has to be started again.
#[tokio::test]
async fn postgresql_itself_is_killed() {
    let Some((mut cluster, url)) = installed(Durability::Kept).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut road = Road::start(dir.path(), Some(url)).await;
    let client = road.collector.client().await;
    let (collector, agent) = (road.collector.pid(), road.agent.pid());
    for round in 0..DATABASE_KILLS {
        road.works().await;
        if round % 2 == 0 {
            cluster.kill();
        } else {
            cluster.stop_immediately().unwrap();
        }
        road.works().await;
        cluster.restart().await.unwrap();
        eventually(LIMIT, "the collector is ready again", async || {
            client.get("/health/ready").await.status == 200
        })
        .await;
    }
    road.is_whole(&[]).await;
    assert!(road.collector.is_running() && road.agent.is_running());
    assert_eq!((road.collector.pid(), road.agent.pid()), (collector, agent));
}

/// Every stored value of the oracle's counter, with how often it is stored.
pub(crate) async fn values(client: &Client, device: &str) -> BTreeMap<u64, u32> {
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
