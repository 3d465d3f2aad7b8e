//! What most rounds begin with: routers that log what they answer, an agent behind a relay, a collector.

use std::path::Path;
use std::time::{Duration, Instant};

use farwatch_common::clock::{Clock, Micros};
use serde_json::Value;

use super::{Figure, Ground};
use crate::http::Client;
use crate::ledger::{Balance, Kill, TAIL, balance, rows_declared};
use crate::oracle::{Oracle, samples_if_told};
use crate::process::eventually;
use crate::relay::Relay;
use crate::stack::{Agent, Collector, add_device, only_agent};

/// What an agent says that has compared.
const ACKED_AND_GONE: &str = "the collector has not what it had acknowledged";
const LOST_IN_GAPS: &str = "lost in declared gaps";
/// For what has no figure of its own.
const LIMIT: Duration = Duration::from_secs(45);

/// A whole road. Every router is polled each second.
#[derive(Debug)]
pub struct Site {
    pub oracle: Oracle,
    pub relay: Relay,
    pub collector: Collector,
    pub agent: Agent,
    pub client: Client,
    pub agent_id: String,
    pub devices: Vec<String>,
    pub clock: Clock,
    kills: Vec<Kill>,
    /// Answers from then on are held against the store.
    since: Micros,
}

impl Site {
    /// Returns when answers of all routers are stored.
    pub async fn start(ground: &Ground, routers: usize) -> Self {
        let site = Self::begin(ground, routers, "").await;
        site.is_live(LIMIT).await;
        site
    }

    /// The agent has this configuration; nothing is waited for.
    pub async fn begin(ground: &Ground, routers: usize, config: &str) -> Self {
        let dir = ground.dir.path();
        let oracle = Oracle::start(dir, routers).await;
        Self::of(ground, oracle, &dir.join("agent"), config).await
    }

    /// The agent runs behind these words; nothing is waited for.
    pub async fn inside(ground: &Ground, routers: usize, words: Vec<String>) -> Self {
        let dir = ground.dir.path();
        let oracle = Oracle::start(dir, routers).await;
        Self::made(ground, oracle, &dir.join("agent"), ("", words)).await
    }

    /// The collector has this configuration; nothing is waited for.
    pub async fn configured(ground: &Ground, routers: usize, config: &str) -> Self {
        ground.configure(config);
        Self::begin(ground, routers, "").await
    }

    /// Of these routers; the agent keeps its things there.
    pub async fn of(ground: &Ground, oracle: Oracle, state_dir: &Path, config: &str) -> Self {
        Self::made(ground, oracle, state_dir, (config, Vec::new())).await
    }

    async fn made(
        ground: &Ground,
        oracle: Oracle,
        state_dir: &Path,
        (config, words): (&str, Vec<String>),
    ) -> Self {
        let collector = ground.collector().await;
        let relay = Relay::start(collector.listen).await;
        let agent = Agent::start_inside(words, &collector, relay.address, state_dir, config).await;
        let client = collector.client().await;
        let agent_id = only_agent(&client).await;
        let mut devices = Vec::new();
        for address in oracle.addresses() {
            devices.push(add_device(&client, &agent_id, address, 1).await);
        }
        let (clock, kills, since) = (Clock::system(), Vec::new(), Micros(0));
        Self { oracle, relay, collector, agent, client, agent_id, devices, clock, kills, since }
    }

    /// What the collector says of the agent.
    pub async fn agent(&self) -> Value {
        self.client.get(&format!("/api/v1/agents/{}", self.agent_id)).await.data()
    }

    /// How long until something is stored of every router that was answered from now on.
    pub async fn is_live(&self, limit: Duration) -> Duration {
        let (began, since) = (Instant::now(), self.clock.now());
        for device in &self.devices {
            eventually(limit, "fresh answers are stored", async || {
                // Without an answer of a collector that is still away. One that was ready may see only
                // now that its database was killed.
                self.client.send("GET", "/health/live", None).await.is_ok()
                    && samples_if_told(&self.client, device, since)
                        .await
                        .is_some_and(|samples| !samples.is_empty())
            })
            .await;
        }
        began.elapsed()
    }

    /// How long until the first router is asked (again).
    pub async fn is_polled(&self, limit: Duration) -> Duration {
        let (began, seen) = (Instant::now(), self.oracle.answers(0).len());
        let asked = async || self.oracle.answers(0).len() > seen;
        eventually(limit, "the routers are polled", asked).await;
        began.elapsed()
    }

    /// What was answered so far does not count: the first polls of a large device may be asked in parts that
    /// are thrown away.
    pub fn count_from_now(&mut self) {
        self.since = self.clock.now();
    }

    /// kill -9 of the agent.
    pub async fn kill(&mut self) {
        self.agent.kill();
        let at = self.clock.now();
        // What the dead one asked last is answered to nobody, before the next one asks.
        self.oracle.drained().await;
        self.kills.push(Kill { at, drained: self.clock.now(), spoiled: false });
    }

    /// The same, before its file is spoiled.
    pub async fn kill_to_spoil(&mut self) {
        self.kill().await;
        if let Some(kill) = self.kills.last_mut() {
            kill.spoiled = true;
        }
    }

    /// Starts the agent again: how long until it polls.
    pub async fn revive(&mut self) -> Duration {
        self.agent.run();
        self.is_polled(LIMIT).await
    }

    /// kill -9 of the collector and a start: how long until it is ready.
    pub async fn kill_collector(&mut self) -> Duration {
        let began = Instant::now();
        self.collector.restart().await;
        began.elapsed()
    }

    /// What became of all that was answered.
    pub async fn balance(&self) -> Balance {
        let mut all = Balance::default();
        for (number, device) in self.devices.iter().enumerate() {
            let mut answers = self.oracle.answers(number);
            answers.retain(|(at, _)| *at >= self.since);
            let of = (self.agent_id.as_str(), device.as_str());
            all = all.with(balance(&self.client, of, &answers, &self.kills).await);
        }
        all
    }

    /// The same as figures of the invariant.
    pub async fn figures(&self) -> Vec<Figure> {
        self.figures_of(self.balance().await)
    }

    /// Where nothing at all may be lost. What was acknowledged and is not there would be sent again, and so
    /// would not be missed: the agent says so.
    pub async fn figures_without_loss(&self) -> Vec<Figure> {
        let found = self.balance().await;
        let said = self.agent.log().matches(ACKED_AND_GONE).count() as f64;
        let rows = rows_declared(&self.client, &self.agent_id).await;
        let mut all = self.figures_of(found);
        for figure in all.iter_mut().filter(|figure| figure.name == LOST_IN_GAPS) {
            figure.limit = Some(0.0);
        }
        all.push(Figure::at_most("rows that gaps count", rows as f64, "rows", 0.0));
        all.push(Figure::at_most("acknowledged and not stored", said, "times", 0.0));
        all
    }

    /// Those of a balance; what a kill took is told where the agent was killed.
    #[must_use]
    pub fn figures_of(&self, found: Balance) -> Vec<Figure> {
        figures(found, !self.kills.is_empty())
    }
}

fn figures(found: Balance, was_killed: bool) -> Vec<Figure> {
    let count = |name, value: u64| Figure::told(name, value as f64, "answers");
    let never = |name, value: u64| Figure::at_most(name, value as f64, "answers", 0.0);
    let mut all = vec![count("answered", found.answered), count(LOST_IN_GAPS, found.lost_declared)];
    if was_killed {
        let (oldest, most) = (found.oldest_at_a_kill.as_millis(), TAIL.as_millis());
        all.push(count("lost in the last second before a kill", found.lost_in_tails));
        all.push(Figure::at_most(
            "age of the oldest value that a kill took",
            oldest as f64,
            "ms",
            most as f64,
        ));
    }
    all.extend([
        never("lost outside declared gaps and the last second", found.lost_silently),
        never("stored twice", found.twice),
        never("stored, never answered", found.invented),
    ]);
    all
}
