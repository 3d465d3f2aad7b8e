//! Core: which of the open jobs go to their agents now.
//!
//! A job goes to one agent at a time over one call. Tenants take turns, and each has a share of the
//! calls; a site has as many running as its policy lets it, and an agent as many as it can make use
//! of. An agent knows a job by its id: to one that connected anew, what it runs is told again.
//!
//! A job is lost when its agent was there for long enough to tell of it and did not. While the agent
//! is away nothing is lost: what it fetched is on its disk.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, ConfigJobId, DeviceId, SiteId, TenantId};

use crate::history::policy::PER_AGENT_MAX;
use crate::history::schedule::Plan;

/// A job of which its agent, connected for so long, tells nothing is lost.
pub(super) const RUNNING_MAX: Duration = Duration::from_secs(30 * 60);
/// Calls of agents at a time: people's commands have room beside them.
pub(super) const SENDS_MAX: usize = 16;
/// Of one tenant.
pub(super) const SENDS_PER_TENANT_MAX: usize = 4;
/// How long an agent that takes no more is left alone.
pub(super) const HOLD: Duration = Duration::from_secs(10);
/// That doubles each time that it does not answer, up to this.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(600);
/// A job that cannot be told is tried again after this long; the others of its agent go on.
pub(super) const UNCLAIMED_AGAIN: Duration = Duration::from_secs(60);

/// Now, by the clock on the wall, and since the dispatcher began by the one that never jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) utc: Micros,
    pub(super) at: Duration,
}

/// An open job, with what decides whether it may go.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) tenant: TenantId,
    pub(super) job: ConfigJobId,
    pub(super) device: DeviceId,
    pub(super) site: SiteId,
    pub(super) agent: AgentId,
    /// Somebody asked for it: it goes first, and at any time.
    pub(super) manual: bool,
    /// Its agent was told, or may have been; else it is queued.
    pub(super) is_running: bool,
    pub(super) plan: Plan,
    pub(super) per_site_max: u32,
}

/// What to do with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Tells the agent of it, over its connection of this number.
    Send(ConfigJobId, u64),
    /// Looks whether it is lost.
    Doubt(ConfigJobId),
}

/// How telling an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has the job.
    Taken,
    /// Nobody knows whether it has: it is told again.
    Unheard,
    /// It takes no more now: the job is queued.
    Full,
    /// It was not told: it is later.
    NotNow,
    /// Something is wrong with the job, or with the database: others go first.
    Unclaimed,
    /// The job is not open any more, or is to be ended.
    Gone,
}

/// What is heard of a job that runs.
#[derive(Clone, Copy, Debug)]
struct Heard {
    /// The connection of its agent, and since when it could have told of the job over it.
    over: u64,
    since: Duration,
    /// It took the job over this connection.
    is_told: bool,
    /// How far the outcome was at the last doubt.
    kept: Option<i64>,
}

/// An agent that is left alone.
#[derive(Clone, Copy, Debug)]
struct Hold {
    over: u64,
    until: Duration,
    /// How often in a row it did not answer.
    unheard: u32,
}

#[derive(Debug, Default)]
pub(super) struct Board {
    open: BTreeMap<ConfigJobId, Open>,
    heard: HashMap<ConfigJobId, Heard>,
    /// Jobs that their agents are being told of.
    sending: HashMap<ConfigJobId, (TenantId, AgentId)>,
    held: HashMap<AgentId, Hold>,
    /// Jobs that could not be told, and until when others go first.
    put_off: HashMap<ConfigJobId, Duration>,
    /// The tenant that was served last.
    served: Option<TenantId>,
}

/// The places that are taken.
#[derive(Default)]
struct Places {
    calls: HashMap<TenantId, usize>,
    calling: HashSet<AgentId>,
    at_site: HashMap<(TenantId, SiteId), u32>,
    at_agent: HashMap<AgentId, u32>,
}

impl Places {
    fn run(&mut self, one: &Open) {
        *self.at_site.entry((one.tenant, one.site)).or_default() += 1;
        *self.at_agent.entry(one.agent).or_default() += 1;
    }

    fn call(&mut self, tenant: TenantId, agent: AgentId) {
        *self.calls.entry(tenant).or_default() += 1;
        self.calling.insert(agent);
    }

    /// Whether there is one for this job; then it is taken.
    fn take(&mut self, one: &Open) -> bool {
        let calls = self.calls.get(&one.tenant).copied().unwrap_or_default();
        if calls >= SENDS_PER_TENANT_MAX || self.calling.contains(&one.agent) {
            return false;
        }
        if !one.is_running {
            let at_site = self.at_site.get(&(one.tenant, one.site)).copied().unwrap_or_default();
            let at_agent = self.at_agent.get(&one.agent).copied().unwrap_or_default();
            if at_site >= one.per_site_max || at_agent >= PER_AGENT_MAX {
                return false;
            }
            self.run(one);
        }
        self.call(one.tenant, one.agent);
        true
    }
}

impl Board {
    /// Takes what the database says is open.
    pub(super) fn read(&mut self, open: Vec<Open>) {
        let mut fresh: BTreeMap<_, _> = open.into_iter().map(|one| (one.job, one)).collect();
        // What is being sent may have been read before it was claimed.
        for job in self.sending.keys() {
            if let Some(known) = self.open.get(job) {
                fresh.entry(*job).or_insert_with(|| known.clone());
            }
        }
        self.open = fresh;
        self.heard.retain(|job, _| self.open.contains_key(job));
        self.put_off.retain(|job, _| self.open.contains_key(job));
    }

    pub(super) fn get(&self, job: ConfigJobId) -> Option<&Open> {
        self.open.get(&job)
    }

    /// What to do now, sending first: those jobs count as being sent until [`Board::sent`].
    pub(super) fn acts(
        &mut self,
        connection: impl Fn(AgentId) -> Option<u64>,
        now: Moment,
    ) -> Vec<Act> {
        // One that connected anew is told at once.
        self.held.retain(|agent, hold| connection(*agent) == Some(hold.over));
        let doubts = self.listen(&connection, now.at);
        let mut places = self.places(&connection);
        let mut queues = self.queues(&connection, &doubts, now);
        let mut acts = Vec::new();
        let mut turns: VecDeque<TenantId> = queues.keys().copied().collect();
        turns.rotate_left(turns.partition_point(|tenant| Some(*tenant) <= self.served));
        while let Some(tenant) = turns.pop_front() {
            if self.sending.len() >= SENDS_MAX {
                break;
            }
            let Some(queue) = queues.get_mut(&tenant) else { continue };
            while let Some((job, over)) = queue.pop_front() {
                let Some(one) = self.open.get(&job).filter(|one| places.take(one)) else {
                    continue;
                };
                self.sending.insert(job, (tenant, one.agent));
                self.served = Some(tenant);
                acts.push(Act::Send(job, over));
                turns.push_back(tenant);
                break;
            }
        }
        acts.extend(doubts.into_iter().map(Act::Doubt));
        acts
    }

    /// Notes which agents are there; says which jobs are in doubt.
    fn listen(
        &mut self,
        connection: impl Fn(AgentId) -> Option<u64>,
        at: Duration,
    ) -> BTreeSet<ConfigJobId> {
        let mut doubts = BTreeSet::new();
        for one in self.open.values().filter(|one| one.is_running) {
            let Some(over) = connection(one.agent) else { continue };
            let anew = Heard { over, since: at, is_told: false, kept: None };
            let heard = self.heard.entry(one.job).or_insert(anew);
            if heard.over != over {
                *heard = Heard { kept: heard.kept, ..anew };
            }
            let is_late = at.saturating_sub(heard.since) >= RUNNING_MAX;
            if is_late && !self.sending.contains_key(&one.job) {
                doubts.insert(one.job);
            }
        }
        doubts
    }

    /// What runs at agents that are away holds up no other agent of the site.
    fn places(&self, connection: impl Fn(AgentId) -> Option<u64>) -> Places {
        let mut places = Places::default();
        for one in self.open.values() {
            let runs = one.is_running && connection(one.agent).is_some();
            if runs || self.sending.contains_key(&one.job) {
                places.run(one);
            }
        }
        for (tenant, agent) in self.sending.values() {
            places.call(*tenant, *agent);
        }
        places
    }

    /// What may be sent if there are places, in its order, and over which connection.
    fn queues(
        &self,
        connection: impl Fn(AgentId) -> Option<u64>,
        doubts: &BTreeSet<ConfigJobId>,
        now: Moment,
    ) -> BTreeMap<TenantId, VecDeque<(ConfigJobId, u64)>> {
        let mut order: Vec<&Open> = self.open.values().collect();
        order.sort_by_key(|one| (!one.manual, !one.is_running, one.job));
        let mut queues: BTreeMap<_, VecDeque<_>> = BTreeMap::new();
        for one in order {
            let Some(over) = connection(one.agent) else { continue };
            let heard = self.heard.get(&one.job);
            let is_told = one.is_running && heard.is_some_and(|heard| heard.is_told);
            let is_shut = !one.is_running && !one.manual && !one.plan.is_open(now.utc);
            let is_held = self.held.get(&one.agent).is_some_and(|hold| hold.until > now.at);
            let is_busy = self.sending.contains_key(&one.job) || doubts.contains(&one.job);
            let is_put_off = self.put_off.get(&one.job).is_some_and(|until| *until > now.at);
            if !(is_told || is_shut || is_held || is_busy || is_put_off) {
                queues.entry(one.tenant).or_default().push_back((one.job, over));
            }
        }
        queues
    }

    /// An agent was told of a job over this connection, or was not.
    pub(super) fn sent(&mut self, job: ConfigJobId, over: u64, how: Sent, at: Duration) {
        let Some((_, agent)) = self.sending.remove(&job) else { return };
        if how == Sent::Unclaimed {
            self.put_off.insert(job, at + UNCLAIMED_AGAIN);
            return;
        }
        self.put_off.remove(&job);
        self.hold(agent, over, how, at);
        if how == Sent::Gone {
            return self.gone(job);
        }
        let Some(one) = self.open.get_mut(&job) else { return };
        let anew = Heard { over, since: at, is_told: how == Sent::Taken, kept: None };
        match how {
            Sent::Taken => {
                one.is_running = true;
                self.heard.insert(job, anew);
            }
            // The time goes on from the first telling that was not heard.
            Sent::Unheard => {
                one.is_running = true;
                self.heard.entry(job).or_insert(anew);
            }
            Sent::Full => {
                one.is_running = false;
                self.heard.remove(&job);
            }
            Sent::NotNow | Sent::Unclaimed | Sent::Gone => {}
        }
    }

    fn hold(&mut self, agent: AgentId, over: u64, how: Sent, at: Duration) {
        let unheard = match how {
            Sent::Taken | Sent::Gone => {
                self.held.remove(&agent);
                return;
            }
            Sent::Unheard => self.held.get(&agent).map_or(0, |hold| hold.unheard) + 1,
            Sent::Full | Sent::NotNow | Sent::Unclaimed => 0,
        };
        let doubled = HOLD * 2_u32.pow(unheard.saturating_sub(1).min(10));
        let until = at + doubled.min(HOLD_MAX);
        self.held.insert(agent, Hold { over, until, unheard });
    }

    /// It has ended.
    pub(super) fn gone(&mut self, job: ConfigJobId) {
        self.open.remove(&job);
        self.heard.remove(&job);
        self.put_off.remove(&job);
    }

    /// How far the outcome of a job in doubt is; true if it is lost: it is as far as it was.
    pub(super) fn is_lost(&mut self, job: ConfigJobId, kept: Option<i64>, at: Duration) -> bool {
        let Some(kept) = kept else { return true };
        let Some(heard) = self.heard.get_mut(&job) else { return false };
        let is_as_far = heard.kept.replace(kept) == Some(kept);
        heard.since = at;
        is_as_far
    }
}

#[cfg(test)]
mod tests;
