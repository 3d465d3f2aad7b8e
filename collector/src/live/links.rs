//! Core: how agents were connected, told to who writes it down.
//!
//! - in: sessions that open, go on from another address, and end
//! - out: [`LinkChange`]s, oldest first
//! - bound: [`WAITING_MAX`], [`WAITING_OF_AGENT_MAX`] of an agent
//! - when full: the oldest is let go, and counted; of one agent that has too many, its own
//! - on crash: what waits is lost; the next session is told anew

use std::collections::{HashMap, VecDeque};
use std::mem;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};

use super::Live;

/// Changes that wait to be written.
pub const WAITING_MAX: usize = 10_000;
/// Those of one agent: more is an agent that comes and goes all the time.
pub const WAITING_OF_AGENT_MAX: usize = 50;

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkEvent {
    Ended = 1,
    /// It goes on from another address.
    Moved = 2,
    Opened = 3,
}

impl LinkEvent {
    #[must_use]
    pub fn from_stored(number: i64) -> Option<Self> {
        [Self::Ended, Self::Moved, Self::Opened].into_iter().find(|one| *one as i64 == number)
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Moved => "moved",
            Self::Opened => "opened",
        }
    }
}

/// A change of how an agent is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkChange {
    pub tenant: TenantId,
    pub agent: AgentId,
    /// By the collector's clock.
    pub at: Micros,
    pub event: LinkEvent,
    pub transport: &'static str,
    /// Address and port.
    pub remote: String,
    /// Why it ended: `replaced`, `closed`, `stopped` or `revoked`, but not that the collector has, which
    /// shows with its next start; of one that opened, why it is not QUIC.
    pub reason: Option<&'static str>,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Whose turn it is to be written: an agent as often as changes of it wait.
    turns: VecDeque<AgentId>,
    waiting: HashMap<AgentId, VecDeque<LinkChange>>,
    let_go: u64,
}

impl Links {
    pub(super) fn push(&mut self, change: LinkChange) {
        let agent = change.agent;
        let of_agent = self.waiting.entry(agent).or_default();
        of_agent.push_back(change);
        if of_agent.len() > WAITING_OF_AGENT_MAX {
            of_agent.pop_front();
            self.let_go += 1;
            return;
        }
        self.turns.push_back(agent);
        if self.turns.len() > WAITING_MAX && self.pop().is_some() {
            self.let_go += 1;
        }
    }

    fn pop(&mut self) -> Option<LinkChange> {
        let agent = self.turns.pop_front()?;
        let of_agent = self.waiting.get_mut(&agent)?;
        let change = of_agent.pop_front();
        if of_agent.is_empty() {
            self.waiting.remove(&agent);
        }
        change
    }
}

impl Live {
    /// At most `count` changes, those of an agent with the oldest first, and how many were let go since the
    /// last call.
    #[must_use]
    pub fn take_links(&self, count: usize) -> (Vec<LinkChange>, u64) {
        let links = &mut self.fleet().links;
        let taken = std::iter::from_fn(|| links.pop()).take(count).collect();
        (taken, mem::take(&mut links.let_go))
    }

    /// They could not be written; of more than fit the oldest are let go.
    pub fn put_links_back(&self, changes: Vec<LinkChange>) {
        let links = &mut self.fleet().links;
        let mut newer = mem::take(links);
        links.let_go = newer.let_go;
        for change in changes.into_iter().chain(std::iter::from_fn(|| newer.pop())) {
            links.push(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(agent: i64, at: i64) -> LinkChange {
        LinkChange {
            tenant: TenantId(1),
            agent: AgentId(agent),
            at: Micros(at),
            event: LinkEvent::Opened,
            transport: "quic",
            remote: "192.0.2.1:1".into(),
            reason: None,
        }
    }

    #[test]
    fn of_too_many_the_oldest_are_let_go_and_counted() {
        let mut links = Links::default();
        let most = i64::try_from(WAITING_MAX).unwrap();
        (0..most + 2).for_each(|at| links.push(change(at / 20, at)));
        assert_eq!((links.turns.len(), links.let_go), (WAITING_MAX, 2));
        let all: Vec<i64> = std::iter::from_fn(|| links.pop()).map(|one| one.at.0).collect();
        assert!(all.into_iter().eq(2..most + 2));
        assert!(links.waiting.is_empty());
    }

    #[test]
    fn an_agent_that_comes_and_goes_all_the_time_pushes_out_nobody_elses() {
        let mut links = Links::default();
        links.push(change(1, 0));
        (1..=100_000).for_each(|at| links.push(change(2, at)));
        links.push(change(3, 7));
        let all: Vec<_> =
            std::iter::from_fn(|| links.pop()).map(|one| (one.agent.0, one.at.0)).collect();
        let newest = (99_951..=100_000).map(|at| (2, at));
        let expected: Vec<_> = std::iter::once((1, 0)).chain(newest).chain([(3, 7)]).collect();
        assert_eq!(all, expected);
        assert_eq!(links.let_go, 99_950);
    }

    #[test]
    fn what_could_not_be_written_comes_first_again() {
        let live = Live::new(farwatch_common::clock::Clock::system());
        let push = |at| live.fleet().links.push(change(1, at));
        (0..3).for_each(push);
        let (taken, _) = live.take_links(2);
        push(3);
        live.put_links_back(taken);
        let (all, let_go) = live.take_links(10);
        assert_eq!((all.into_iter().map(|one| one.at.0).collect(), let_go), (vec![0, 1, 2, 3], 0));
    }
}
