//! Core: what state a device is in, from what each way of asking it last told. The ways are kept
//! apart: a device that answers echo requests and not SNMP is neither up nor down.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Cause;

use super::device::Reach;
use super::view::State;

/// Failures in a row, of one way alone or of both together, that make a device down.
const FAILURES_DOWN: u32 = 3;
const FAILURES_DOWN_TOGETHER: u32 = 4;
/// Bursts of echo requests over which loss is judged, and the share that is too much: one lost answer
/// now and then is everyday life.
const BURSTS: usize = 3;
const LOSS_DEGRADED_PERCENT: f64 = 20.0;

/// The cause of a state that is no cause of a missing value.
pub(super) const AGENT_OFFLINE: &str = "agent_offline";
pub(super) const PENDING: &str = "pending";
pub(super) const STALE: &str = "stale";
pub(super) const PACKET_LOSS: &str = "packet_loss";

/// What one way of asking a device has told.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// When it told something last.
    at: Option<Micros>,
    cause: Option<Cause>,
    /// In a row.
    failures: u32,
    /// It has worked at least once.
    ever: bool,
    stale: bool,
    /// Of the last bursts, where this way tells of loss.
    losses: Vec<f64>,
}

/// What one way of asking says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// It never told anything.
    Nothing,
    /// What it told is too old to be believed.
    Old,
    /// It cannot be asked in this way; that says nothing of the device.
    NotAsked(Cause),
    Fails(u32, Cause),
    Works,
}

impl Asked {
    /// Takes what was told `at`; false if newer is known.
    pub(super) fn told(&mut self, at: Micros, cause: Option<Cause>) -> bool {
        if self.at.is_some_and(|last| last >= at) {
            return false;
        }
        self.at = Some(at);
        self.cause = cause;
        self.failures = if cause.is_some() { self.failures.saturating_add(1) } else { 0 };
        self.ever |= cause.is_none();
        self.stale = false;
        true
    }

    /// The share of lost answers, of the row just told.
    pub(super) fn lost(&mut self, percent: f64) {
        if self.losses.len() == BURSTS {
            self.losses.remove(0);
        }
        self.losses.push(percent);
    }

    pub(super) fn at(&self) -> Option<Micros> {
        self.at
    }

    pub(super) fn stale_at(&self, after: Duration) -> Option<Micros> {
        self.at.filter(|_| !self.stale).map(|at| at.after(after))
    }

    pub(super) fn expire(&mut self) {
        self.stale = true;
        self.losses.clear();
    }

    fn word(&self) -> Word {
        match (self.at, self.cause) {
            (None, _) => Word::Nothing,
            _ if self.stale => Word::Old,
            (_, Some(cause @ (Cause::NoCredential | Cause::NotPermitted))) => Word::NotAsked(cause),
            (_, Some(cause)) => Word::Fails(self.failures, cause),
            (_, None) => Word::Works,
        }
    }

    fn loses_much(&self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "at most a few")]
        let bursts = self.losses.len() as f64;
        self.losses.len() == BURSTS
            && self.losses.iter().sum::<f64>() / bursts >= LOSS_DEGRADED_PERCENT
    }

    /// The state that this way alone would give; `None` where the device is not asked in this way.
    pub(super) fn state(&self, reach: Reach) -> Option<(State, Option<&'static str>)> {
        if reach != Reach::Online {
            return self.at.map(|_| (State::Unknown, Some(AGENT_OFFLINE)));
        }
        Some(match self.word() {
            Word::Nothing => return None,
            Word::Old => (State::Unknown, Some(STALE)),
            Word::NotAsked(cause) => (State::Unknown, Some(cause.name())),
            Word::Fails(failures, cause) => (self.failing(failures), Some(cause.name())),
            Word::Works if self.loses_much() => (State::Degraded, Some(PACKET_LOSS)),
            Word::Works => (State::Up, None),
        })
    }

    /// Of a device about which nothing else is known.
    fn failing(&self, failures: u32) -> State {
        match failures {
            FAILURES_DOWN.. => State::Down,
            // It never worked: no values that could be worse or older than they were.
            _ if !self.ever => State::Unknown,
            _ => State::Degraded,
        }
    }
}

/// The state of a device. `interfaces` is why its interfaces are not answered, if its SNMP answers.
pub(super) fn verdict(
    reach: Reach,
    snmp: &Asked,
    ping: &Asked,
    interfaces: Option<Cause>,
) -> (State, Option<&'static str>) {
    let unknown = |cause| (State::Unknown, Some(cause));
    let known = snmp.at.or(ping.at).is_some();
    match reach {
        Reach::Online if known => {}
        Reach::Online => return unknown(PENDING),
        Reach::Offline | Reach::NeverSeen => return unknown(AGENT_OFFLINE),
    }
    match (snmp.word(), ping.word()) {
        (Word::Works, Word::Fails(..)) if ping.ever => (State::Degraded, Some(PACKET_LOSS)),
        (Word::Works, Word::Works) if ping.loses_much() => (State::Degraded, Some(PACKET_LOSS)),
        (Word::Works, _) => match interfaces {
            // It answers, but not for its interfaces.
            Some(cause) if cause != Cause::Unsupported => (State::Degraded, Some(cause.name())),
            _ => (State::Up, None),
        },
        (Word::Fails(_, cause), Word::Works) => (State::Degraded, Some(cause.name())),
        (Word::Old, Word::Works) => (State::Degraded, Some(STALE)),
        (Word::Nothing | Word::NotAsked(_), Word::Works) if ping.loses_much() => {
            (State::Degraded, Some(PACKET_LOSS))
        }
        (Word::Nothing | Word::NotAsked(_), Word::Works) => (State::Up, None),
        (Word::Fails(first, cause), Word::Fails(second, _)) => {
            let together = first.saturating_add(second) >= FAILURES_DOWN_TOGETHER;
            let state = match (together, snmp.ever || ping.ever) {
                (true, _) => State::Down,
                (false, true) => State::Degraded,
                (false, false) => State::Unknown,
            };
            (state, Some(cause.name()))
        }
        (Word::Fails(failures, cause), _) => (snmp.failing(failures), Some(cause.name())),
        (_, Word::Fails(failures, cause)) => (ping.failing(failures), Some(cause.name())),
        (Word::NotAsked(cause), _) => unknown(cause.name()),
        (Word::Nothing, Word::NotAsked(cause)) => unknown(cause.name()),
        (Word::Nothing | Word::Old, _) => unknown(STALE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way of asking, from the causes it has told one after the other.
    fn asked(told: &[Option<Cause>]) -> Asked {
        let mut asked = Asked::default();
        for (at, cause) in (1..).zip(told) {
            assert!(asked.told(Micros(at), *cause));
        }
        asked
    }

    fn state(snmp: &[Option<Cause>], ping: &[Option<Cause>]) -> (State, Option<&'static str>) {
        verdict(Reach::Online, &asked(snmp), &asked(ping), None)
    }

    const OK: Option<Cause> = None;
    const LATE: Option<Cause> = Some(Cause::Timeout);

    #[test]
    fn both_ways_together_tell_more_than_one() {
        assert_eq!(state(&[], &[]), (State::Unknown, Some(PENDING)));
        assert_eq!(state(&[OK], &[]), (State::Up, None));
        assert_eq!(state(&[OK], &[OK]), (State::Up, None));
        // It never answered echo requests: a firewall's doing.
        assert_eq!(state(&[OK], &[LATE, LATE, LATE, LATE]), (State::Up, None));
        assert_eq!(state(&[OK], &[OK, LATE]), (State::Degraded, Some(PACKET_LOSS)));
        // Alive, and its SNMP is not: never down.
        assert_eq!(state(&[LATE; 9], &[OK]), (State::Degraded, Some("timeout")));
        assert_eq!(state(&[OK, LATE], &[OK, LATE]), (State::Degraded, Some("timeout")));
        assert_eq!(state(&[OK, LATE, LATE], &[OK, LATE, LATE]), (State::Down, Some("timeout")));
        assert_eq!(state(&[LATE], &[LATE]), (State::Unknown, Some("timeout")));
        assert_eq!(state(&[LATE, LATE], &[LATE, LATE]), (State::Down, Some("timeout")));
    }

    #[test]
    fn one_way_alone_needs_three_failures() {
        assert_eq!(state(&[OK, LATE, LATE], &[]), (State::Degraded, Some("timeout")));
        assert_eq!(state(&[OK, LATE, LATE, LATE], &[]), (State::Down, Some("timeout")));
        assert_eq!(state(&[LATE], &[]), (State::Unknown, Some("timeout")));
        let no_credential = [Some(Cause::NoCredential)];
        assert_eq!(state(&no_credential, &[]), (State::Unknown, Some("no_credential")));
        assert_eq!(state(&no_credential, &[OK]), (State::Up, None));
        assert_eq!(state(&no_credential, &[OK, LATE]), (State::Degraded, Some("timeout")));
        assert_eq!(state(&no_credential, &[OK, LATE, LATE, LATE]).0, State::Down);
        assert_eq!(state(&[OK], &[Some(Cause::NotPermitted)]), (State::Up, None));
    }

    #[test]
    fn loss_is_judged_over_some_bursts() {
        let mut ping = asked(&[OK]);
        let snmp = asked(&[OK]);
        let judged = |ping: &Asked| verdict(Reach::Online, &snmp, ping, None);
        for percent in [60.0, 0.0] {
            ping.lost(percent);
            assert_eq!(judged(&ping), (State::Up, None));
        }
        ping.lost(0.0);
        assert_eq!(judged(&ping), (State::Degraded, Some(PACKET_LOSS)));
        ping.lost(0.0);
        assert_eq!(judged(&ping), (State::Up, None));
    }

    #[test]
    fn what_is_old_or_of_an_agent_that_is_away_is_not_believed() {
        let (mut snmp, mut ping) = (asked(&[OK]), asked(&[OK]));
        snmp.expire();
        assert_eq!(verdict(Reach::Online, &snmp, &ping, None), (State::Degraded, Some(STALE)));
        ping.expire();
        assert_eq!(verdict(Reach::Online, &snmp, &ping, None), (State::Unknown, Some(STALE)));
        let offline = (State::Unknown, Some(AGENT_OFFLINE));
        assert_eq!(verdict(Reach::Offline, &asked(&[OK]), &asked(&[OK]), None), offline);
        assert!(!snmp.told(Micros(1), None), "not newer");
    }
}
