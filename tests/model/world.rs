//! One world: agents that are copies of one, a collector, and what happens to them.

use std::collections::BTreeSet;
use std::time::Duration;

use farwatch_agent::uplink::core::Due;
use farwatch_collector::ingest::session::{BACKLOG_WINDOW, WINDOW};
use farwatch_proto::v1::Welcome;

use super::agent::{Agent, Content};
use super::collector::Collector;
use super::random::Random;

const STEPS: usize = 300;
const TURNS_MAX: usize = 20_000;
const STEP: Duration = Duration::from_millis(50);

pub(crate) struct World {
    seed: u64,
    random: Random,
    agents: Vec<Agent>,
    collector: Collector,
    sessions: u64,
    streams: i64,
    made: Content,
    /// Put out of the world by a disk that was put back: stored or not.
    lost: BTreeSet<Content>,
    /// Waited at two agents that had no common past to tell them apart, or twice at one: once at
    /// least.
    twice: BTreeSet<Content>,
    has_rolled_back: bool,
    /// The collector was put back to a copy of its disk.
    is_restored: bool,
    is_settling: bool,
    now: Duration,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut collector = Collector::default();
        if random.chance(20) {
            collector.poison.extend([3, 11, 30]);
        }
        collector.is_full = random.chance(20);
        Self {
            seed,
            random,
            agents: vec![Agent::fresh(7)],
            collector,
            sessions: 0,
            streams: 7,
            made: 0,
            lost: BTreeSet::new(),
            twice: BTreeSet::new(),
            has_rolled_back: false,
            is_restored: false,
            is_settling: false,
            now: Duration::ZERO,
        }
    }

    pub(crate) fn run(mut self) {
        for _ in 0..STEPS {
            self.step();
        }
        self.settle();
        self.check();
    }

    fn step(&mut self) {
        self.now += STEP;
        let agent = self.random.below(self.agents.len() as u64) as usize;
        match self.random.below(206) {
            0..45 => {
                self.made += 1;
                self.agents[agent].keep(self.made);
            }
            45..80 => self.fill(agent),
            80..120 => self.any_turn(),
            120..140 => self.collector.commit(),
            140..176 => self.deliver_down(agent),
            176..184 => self.connect(agent),
            184..188 => self.agents[agent].session = None,
            188..190 => self.cut(),
            190..192 => self.now += Duration::from_secs(self.random.below(10)),
            192 => self.restart(agent),
            193 => self.crash_collector(),
            194 => self.collector.forget_schemas(),
            195 => self.agents[agent].copy = Some(self.agents[agent].disk.clone()),
            196 => self.roll_back(agent),
            197 => self.copy_agent(),
            198 => self.collector.is_full = false,
            199 => self.collector.back_up(),
            200 => self.restore_collector(),
            201..204 => {
                let most = self.random.below(8) as usize;
                self.agents[agent].disk.give_up(most);
            }
            _ => self.tick(agent),
        }
    }

    /// Of a pipe that is gone for the agent, what was written may be read all the same.
    fn any_turn(&mut self) {
        let sessions: Vec<u64> = self.collector.streams.keys().copied().collect();
        if !sessions.is_empty() {
            let at = self.random.below(sessions.len() as u64) as usize;
            self.collector.turn(sessions[at], &mut self.random);
        }
    }

    /// A connection breaks, with what is on the way in both directions.
    fn cut(&mut self) {
        let sessions: Vec<u64> = self.collector.streams.keys().copied().collect();
        if !sessions.is_empty() {
            let at = self.random.below(sessions.len() as u64) as usize;
            self.collector.fence(sessions[at]);
        }
    }

    fn fill(&mut self, agent: usize) {
        let one = &mut self.agents[agent];
        let Some(session) = one.session else { return };
        let Some(stream) = self.collector.streams.get_mut(&session) else {
            // It was fenced, or the collector has gone.
            one.session = None;
            return;
        };
        stream.up.extend(one.fill(self.now, &mut self.streams));
    }

    fn deliver_down(&mut self, agent: usize) {
        let one = &mut self.agents[agent];
        let Some(session) = one.session else { return };
        let Some(stream) = self.collector.streams.get_mut(&session) else {
            one.session = None;
            return;
        };
        if let Some(message) = stream.down.pop_front() {
            one.take(message, self.now, &mut self.streams);
            for content in one.told.drain(..) {
                let stored = self.collector.times(content);
                assert!(stored > 0, "seed {}: {content} is acknowledged and not stored", self.seed);
            }
        }
    }

    /// A new session: all others of the agent, and of its copies, are fenced, though one may be read
    /// a little longer.
    fn connect(&mut self, agent: usize) {
        let older: Vec<u64> = self.collector.streams.keys().copied().collect();
        for session in older {
            for _ in 0..self.random.below(4) {
                self.collector.turn(session, &mut self.random);
            }
            self.collector.fence(session);
        }
        self.sessions += 1;
        self.collector.open(self.sessions);
        let small = |count: usize| u32::try_from(count).unwrap();
        let (window, backlog_window) = match self.random.below(3) {
            0 => (1 + small(self.random.below(9) as usize), 0),
            _ => (small(WINDOW), small(BACKLOG_WINDOW)),
        };
        let disk = &self.agents[agent].disk;
        let asked = disk.delivered.streams(disk.stream_id);
        if self.is_restored {
            // Of a stream that is not asked for any more nothing is known.
            let untold = |(stream, _): &&(i64, Content)| !asked.contains(stream);
            self.lost.extend(disk.kept.values().filter(untold).map(|(_, content)| *content));
            let untold = |((stream, _), _): &(&(i64, u64), &Content)| !asked.contains(stream);
            self.lost.extend(disk.gone.iter().filter(untold).map(|(_, content)| *content));
        }
        // One that cannot tell, or that is older, says nothing.
        let streams = match self.is_settling || self.random.chance(80) {
            true => self.collector.durable(&asked),
            false => Vec::new(),
        };
        let welcome = Welcome { window, backlog_window, streams, ..Welcome::default() };
        let (declared, any) = self.agents[agent].connected(&welcome, self.now);
        assert!(!any || self.is_restored, "seed {}: nothing was missing", self.seed);
        self.lost.extend(declared);
        self.agents[agent].session = Some(self.sessions);
    }

    fn tick(&mut self, agent: usize) {
        match self.agents[agent].core.due(self.now) {
            Due::Heartbeat => {
                self.agents[agent].core.beat(self.now, Duration::from_millis(20));
                self.agents[agent].core.heard();
            }
            Due::Redial => self.connect(agent),
            Due::Nothing => {}
        }
    }

    fn restart(&mut self, agent: usize) {
        self.agents[agent].restart(&mut self.random);
    }

    fn crash_collector(&mut self) {
        self.collector.crash();
        for agent in &mut self.agents {
            agent.session = None;
        }
    }

    /// The disk of the collector is as it was when it was copied.
    fn restore_collector(&mut self) {
        if self.collector.restore() {
            self.is_restored = true;
            for agent in &mut self.agents {
                agent.session = None;
            }
        }
    }

    /// The disk of the agent is as it was when it was copied.
    fn roll_back(&mut self, agent: usize) {
        let Some(copy) = self.agents[agent].copy.clone() else { return };
        self.has_rolled_back = true;
        let there: BTreeSet<Content> = self
            .agents
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != agent)
            .flat_map(|(_, other)| other.disk.contents())
            .chain(copy.contents())
            .collect();
        let before = &self.agents[agent].disk;
        // What it has delivered since may be lost at the collector too.
        self.lost.extend(before.contents().filter(|content| !there.contains(content)));
        if before.stream_id != copy.stream_id {
            // What went to a new stream is in the old one again.
            self.twice.extend(copy.contents());
        }
        self.agents[agent].disk = copy;
        self.restart(agent);
    }

    /// A copy of the first agent runs beside it.
    fn copy_agent(&mut self) {
        if self.agents.len() > 1 {
            return;
        }
        let disk = self.agents[0].disk.clone();
        // Both send again what the collector loses, in their streams.
        self.twice.extend(disk.kept.values().map(|(_, content)| *content));
        if self.has_rolled_back || self.random.chance(50) {
            // Of an agent that runs: it does not know that a copy may have sent what it has not. Or
            // of one whose numbers collide with its own past: both take the same to new streams.
            self.twice.extend(disk.batches.values().copied());
        } else {
            self.restart(0);
        }
        let mut copy = Agent::new(disk);
        copy.restart(&mut self.random);
        self.agents.push(copy);
    }

    /// Everything is well from now on: one agent after the other drains.
    fn settle(&mut self) {
        self.collector.is_full = false;
        self.is_settling = true;
        for agent in 0..self.agents.len() {
            self.connect(agent);
            let mut turns = 0;
            while self.agents[agent].is_waiting() {
                turns += 1;
                assert!(turns < TURNS_MAX, "seed {}: does not drain", self.seed);
                self.now += STEP;
                if self.agents[agent].session.is_none() {
                    self.connect(agent);
                }
                self.fill(agent);
                self.any_turn();
                if turns % 4 == 0 {
                    self.collector.commit();
                }
                self.deliver_down(agent);
                self.tick(agent);
            }
        }
    }

    /// Two copies of an agent used one number, and after a restore the other one came first: to the one
    /// that had delivered its batch it seems to be there.
    fn is_taken(&self, content: Content) -> bool {
        let delivered = |agent: &Agent| {
            let kept = agent.disk.kept.iter().map(|(seq, (stream, kept))| ((*stream, *seq), *kept));
            let all = kept.chain(agent.disk.gone.iter().map(|(place, gone)| (*place, *gone)));
            let places: Vec<_> = all.filter(|(_, known)| *known == content).collect();
            places.iter().any(|(place, _)| self.collector.has_other(*place, content))
        };
        self.is_restored && self.agents.len() > 1 && self.agents.iter().any(delivered)
    }

    fn check(&mut self) {
        let seed = self.seed;
        for agent in &mut self.agents {
            let asked = agent.disk.delivered.streams(agent.disk.stream_id);
            let streams = self.collector.durable(&asked);
            let welcome = Welcome { streams, ..Welcome::default() };
            let (_, any) = agent.connected(&welcome, self.now);
            assert!(!any, "seed {seed}: something is missing again");
        }
        let quarantined = |content: &Content| {
            self.agents.iter().any(|agent| agent.disk.quarantined.contains(content))
        };
        for content in 1..=self.made {
            let stored = self.collector.times(content);
            let may_lack =
                self.lost.contains(&content) || quarantined(&content) || self.is_taken(content);
            assert!(stored > 0 || may_lack, "seed {seed}: {content} is lost");
            let once = stored <= 1 || self.twice.contains(&content);
            assert!(once, "seed {seed}: {content} is stored {stored} times");
            let refused = quarantined(&content) && !self.collector.poison.contains(&content);
            assert!(!refused, "seed {seed}: {content} is set aside for nothing");
        }
    }
}
