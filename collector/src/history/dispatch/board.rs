//! Core: which of the open jobs go to their agents now.
//!
//! A job goes to one agent at a time over one call; a site has as many running as its policy lets it.
//! An agent knows a job by its id: to one that connected anew, what it runs is told again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, ConfigJobId, DeviceId, SiteId, TenantId};

use crate::history::schedule::Plan;

/// A job of which its agent was told so long ago, and which is not heard of, is lost.
pub(super) const RUNNING_MAX: Duration = Duration::from_secs(30 * 60);
/// Calls of agents at a time: people's commands have room beside them.
pub(super) const SENDS_MAX: usize = 16;
/// How long an agent that takes no more is left alone.
pub(super) const HOLD: Duration = Duration::from_secs(10);

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
    /// When its agent was told last; `None`: it is queued.
    pub(super) told_at: Option<Micros>,
    /// Nobody wants it any more: its device has another agent, or is not to be backed up.
    pub(super) unwanted: bool,
    pub(super) plan: Plan,
    pub(super) per_site_max: u32,
}

/// What to do with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Tells the agent of it, over its connection of this number.
    Send(ConfigJobId, u64),
    Withdraw(ConfigJobId),
    /// Looks whether it is lost.
    Doubt(ConfigJobId),
}

/// How telling an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has the job.
    Taken(Micros),
    /// Nobody knows whether it has: it is told again.
    Unheard(Micros),
    /// It takes no more now: the job is queued.
    Full,
    /// It was not told: it is later.
    NotNow,
    /// The job is not open any more, or another collector's.
    Gone,
}

#[derive(Debug, Default)]
pub(super) struct Board {
    open: BTreeMap<ConfigJobId, Open>,
    /// Over which of its connections an agent was told of a job.
    told: HashMap<ConfigJobId, u64>,
    /// Jobs that their agents are being told of.
    sending: HashMap<ConfigJobId, AgentId>,
    /// Agents that are left alone until then.
    held: HashMap<AgentId, Micros>,
    /// How far the outcome of a job was, and since when.
    heard: HashMap<ConfigJobId, (i64, Micros)>,
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
        self.told.retain(|job, _| self.open.contains_key(job));
        self.heard.retain(|job, _| self.open.contains_key(job));
    }

    pub(super) fn get(&self, job: ConfigJobId) -> Option<&Open> {
        self.open.get(&job)
    }

    /// What to do now. Jobs that are to be sent count as being sent until [`Board::sent`].
    pub(super) fn acts(
        &mut self,
        connection: impl Fn(AgentId) -> Option<u64>,
        now: Micros,
    ) -> Vec<Act> {
        self.held.retain(|_, until| *until > now);
        let mut running: HashMap<(TenantId, SiteId), u32> = HashMap::new();
        for one in self.open.values() {
            if one.told_at.is_some() || self.sending.contains_key(&one.job) {
                *running.entry((one.tenant, one.site)).or_default() += 1;
            }
        }
        let mut calling: HashSet<AgentId> = self.sending.values().copied().collect();
        let mut order: Vec<&Open> = self.open.values().collect();
        order.sort_by_key(|one| (one.told_at.is_none(), !one.manual, one.job));
        let (mut acts, mut sending) = (Vec::new(), Vec::new());
        for one in order {
            if self.sending.contains_key(&one.job) {
                continue;
            }
            if let Some(told_at) = one.told_at
                && now.since(told_at.max(self.heard_at(one.job))) >= RUNNING_MAX
            {
                acts.push(Act::Doubt(one.job));
                continue;
            }
            if one.told_at.is_none() && one.unwanted {
                acts.push(Act::Withdraw(one.job));
                continue;
            }
            let Some(connection) = connection(one.agent) else { continue };
            let is_told = one.told_at.is_some() && self.told.get(&one.job) == Some(&connection);
            let closed = one.told_at.is_none() && !one.manual && !one.plan.is_open(now);
            if is_told || closed || self.held.contains_key(&one.agent) {
                continue;
            }
            if calling.len() >= SENDS_MAX || calling.contains(&one.agent) {
                continue;
            }
            if one.told_at.is_none() {
                let at_site = running.entry((one.tenant, one.site)).or_default();
                if *at_site >= one.per_site_max {
                    continue;
                }
                *at_site += 1;
            }
            calling.insert(one.agent);
            sending.push((one.job, one.agent));
            acts.push(Act::Send(one.job, connection));
        }
        self.sending.extend(sending);
        acts
    }

    fn heard_at(&self, job: ConfigJobId) -> Micros {
        self.heard.get(&job).map_or(Micros(0), |(_, at)| *at)
    }

    /// An agent was told of a job, or was not.
    pub(super) fn sent(&mut self, job: ConfigJobId, over: u64, how: Sent, now: Micros) {
        let Some(agent) = self.sending.remove(&job) else { return };
        let Some(one) = self.open.get_mut(&job) else { return };
        match how {
            Sent::Taken(at) => {
                one.told_at = Some(at);
                self.told.insert(job, over);
            }
            Sent::Unheard(at) => {
                one.told_at = Some(at);
                self.held.insert(agent, now.after(HOLD));
            }
            Sent::Full => {
                one.told_at = None;
                self.held.insert(agent, now.after(HOLD));
            }
            Sent::NotNow => {
                self.held.insert(agent, now.after(HOLD));
            }
            Sent::Gone => self.gone(job),
        }
    }

    /// Its agent was told at this time by another collector.
    pub(super) fn told_at(&mut self, job: ConfigJobId, at: Micros) {
        if let Some(one) = self.open.get_mut(&job) {
            one.told_at = Some(at);
        }
    }

    /// It has ended.
    pub(super) fn gone(&mut self, job: ConfigJobId) {
        self.open.remove(&job);
        self.told.remove(&job);
        self.heard.remove(&job);
    }

    /// How far the outcome of a job in doubt is; true if it is lost: it is as far as it was.
    pub(super) fn is_lost(&mut self, job: ConfigJobId, kept: Option<i64>, now: Micros) -> bool {
        let Some(kept) = kept else { return true };
        let before = self.heard.insert(job, (kept, now));
        before.is_some_and(|(before, _)| before == kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::schedule::Window;

    const AGENT: AgentId = AgentId(1);
    const NOW: Micros = Micros(1_000 * 86_400 * Micros::SECOND);

    fn queued(job: i64) -> Open {
        Open {
            tenant: TenantId(1),
            job: ConfigJobId(job),
            device: DeviceId(job),
            site: SiteId(1),
            agent: AGENT,
            manual: false,
            told_at: None,
            unwanted: false,
            plan: Plan { every: Duration::from_secs(86_400), window: None },
            per_site_max: 2,
        }
    }

    fn board(open: impl IntoIterator<Item = Open>) -> Board {
        let mut board = Board::default();
        board.read(open.into_iter().collect());
        board
    }

    fn send(job: i64) -> Act {
        Act::Send(ConfigJobId(job), 7)
    }

    fn acts(board: &mut Board) -> Vec<Act> {
        board.acts(|_| Some(7), NOW)
    }

    fn taken(board: &mut Board, job: i64) {
        board.sent(ConfigJobId(job), 7, Sent::Taken(NOW), NOW);
    }

    #[test]
    fn a_site_runs_as_many_as_it_may_one_call_after_the_other() {
        let mut board = board([queued(1), queued(2), queued(3)]);
        assert_eq!(board.acts(|_| None, NOW), []);
        assert_eq!(acts(&mut board), [send(1)]);
        assert_eq!(acts(&mut board), [], "its agent is being called");
        taken(&mut board, 1);
        assert_eq!(acts(&mut board), [send(2)]);
        taken(&mut board, 2);
        assert_eq!(acts(&mut board), [], "the site is full");
        board.gone(ConfigJobId(1));
        assert_eq!(acts(&mut board), [send(3)]);
        // Other sites have their own places.
        let mut elsewhere = Open { site: SiteId(2), agent: AgentId(2), ..queued(4) };
        elsewhere.told_at = None;
        board.open.insert(elsewhere.job, elsewhere);
        assert_eq!(acts(&mut board), [send(4)]);
    }

    #[test]
    fn who_asks_goes_first_and_waits_for_no_window() {
        let shut = Window { from_min: 60, to_min: 120 };
        let plan = Plan { window: Some(shut), ..queued(1).plan };
        let mut board =
            board([Open { plan, ..queued(1) }, Open { plan, manual: true, ..queued(2) }]);
        assert_eq!(acts(&mut board), [send(2)]);
        taken(&mut board, 2);
        assert_eq!(acts(&mut board), []);
        let open = Micros(NOW.0 + 90 * 60 * Micros::SECOND);
        let acts = board.acts(|_| Some(7), open);
        assert!(acts.contains(&send(1)), "{acts:?}");
    }

    #[test]
    fn an_agent_that_connected_anew_is_told_again_and_no_other() {
        let mut board = board([queued(1)]);
        assert_eq!(acts(&mut board), [send(1)]);
        taken(&mut board, 1);
        assert_eq!(acts(&mut board), []);
        assert_eq!(board.acts(|_| Some(8), NOW), [Act::Send(ConfigJobId(1), 8)]);
        board.sent(ConfigJobId(1), 8, Sent::Unheard(NOW), NOW);
        assert_eq!(board.acts(|_| Some(8), NOW), [], "it is left alone for a moment");
        let later = NOW.after(HOLD);
        assert_eq!(board.acts(|_| Some(8), later), [Act::Send(ConfigJobId(1), 8)]);
    }

    #[test]
    fn an_agent_that_is_full_is_asked_later() {
        let mut board = board([queued(1), queued(2)]);
        assert_eq!(acts(&mut board), [send(1)]);
        board.sent(ConfigJobId(1), 7, Sent::Full, NOW);
        assert_eq!(acts(&mut board), []);
        assert_eq!(board.acts(|_| Some(7), NOW.after(HOLD)), [send(1)]);
    }

    #[test]
    fn calls_are_bounded() {
        let one = |job: i64| Open { agent: AgentId(job), site: SiteId(job), ..queued(job) };
        let mut board = board((1..100).map(one));
        assert_eq!(acts(&mut board).len(), SENDS_MAX);
        assert_eq!(acts(&mut board), []);
    }

    #[test]
    fn what_nobody_wants_is_withdrawn_unless_it_runs() {
        let unwanted = |job| Open { unwanted: true, ..queued(job) };
        let running = Open { told_at: Some(NOW), ..unwanted(2) };
        let mut board = board([unwanted(1), running]);
        let acts = board.acts(|_| None, NOW);
        assert_eq!(acts, [Act::Withdraw(ConfigJobId(1))]);
    }

    #[test]
    fn a_job_is_lost_when_nothing_more_of_it_comes() {
        let job = ConfigJobId(1);
        let mut board = board([Open { told_at: Some(NOW), ..queued(1) }]);
        let late = NOW.after(RUNNING_MAX);
        let early = Micros(late.0 - 1);
        assert_eq!(board.acts(|_| None, early), []);
        assert_eq!(board.acts(|_| None, late), [Act::Doubt(job)]);
        // Its outcome is on the way, over a slow line.
        assert!(!board.is_lost(job, Some(65_536), late));
        assert_eq!(board.acts(|_| None, late), []);
        let later = late.after(RUNNING_MAX);
        assert_eq!(board.acts(|_| None, later), [Act::Doubt(job)]);
        assert!(!board.is_lost(job, Some(131_072), later));
        assert!(board.is_lost(job, Some(131_072), later.after(RUNNING_MAX)));
        assert!(board.is_lost(job, None, late), "nothing ever came");
    }

    #[test]
    fn what_is_being_sent_is_not_forgotten_by_a_look_at_the_database() {
        let mut board = board([queued(1), queued(2)]);
        assert_eq!(acts(&mut board), [send(1)]);
        board.read(vec![queued(2)]);
        assert!(board.get(ConfigJobId(1)).is_some());
        taken(&mut board, 1);
        board.read(vec![queued(2)]);
        assert!(board.get(ConfigJobId(1)).is_none(), "it has ended");
    }
}
