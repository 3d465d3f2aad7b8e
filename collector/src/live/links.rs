//! Core: how agents were connected, told to who writes it down.
//!
//! - in: sessions that open, go on from another address, and end
//! - out: [`LinkChange`]s, oldest first
//! - bound: [`WAITING_MAX`]
//! - when full: the oldest is let go, and counted
//! - on crash: what waits is lost; the next session is told anew

use std::collections::VecDeque;
use std::mem;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, TenantId};

use super::Live;

/// Changes that wait to be written.
pub const WAITING_MAX: usize = 10_000;

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
    /// Why it ended: `replaced`, `closed`, `stopped` or `revoked`; of one that opened, why it is not
    /// QUIC.
    pub reason: Option<&'static str>,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Links {
    waiting: VecDeque<LinkChange>,
    let_go: u64,
}

impl Links {
    pub(super) fn push(&mut self, change: LinkChange) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
            self.let_go += 1;
        }
        self.waiting.push_back(change);
    }
}

impl Live {
    /// At most `count` changes, the oldest first, and how many were let go since the last call.
    #[must_use]
    pub fn take_links(&self, count: usize) -> (Vec<LinkChange>, u64) {
        let links = &mut self.fleet().links;
        let count = count.min(links.waiting.len());
        (links.waiting.drain(..count).collect(), mem::take(&mut links.let_go))
    }

    /// They could not be written; of more than fit the oldest are let go.
    pub fn put_links_back(&self, changes: Vec<LinkChange>) {
        let links = &mut self.fleet().links;
        let newer = mem::take(&mut links.waiting);
        for change in changes.into_iter().chain(newer) {
            links.push(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_the_oldest_are_let_go_and_counted() {
        let mut links = Links::default();
        let change = |at| LinkChange {
            tenant: TenantId(1),
            agent: AgentId(1),
            at: Micros(at),
            event: LinkEvent::Opened,
            transport: "quic",
            remote: "192.0.2.1:1".into(),
            reason: None,
        };
        let most = i64::try_from(WAITING_MAX).unwrap();
        (0..most + 2).for_each(|at| links.push(change(at)));
        assert_eq!((links.waiting.len(), links.let_go), (WAITING_MAX, 2));
        assert_eq!(links.waiting.front().map(|one| one.at), Some(Micros(2)));
    }
}
