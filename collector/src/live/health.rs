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
/// So many unanswered bursts of a device whose SNMP answers are a firewall's doing.
const FAILURES_FILTERED: u32 = 10;
/// Bursts of echo requests over which loss is judged, and the share that is too much: one lost answer
/// now and then is everyday life.
const BURSTS: usize = 3;
const LOSS_DEGRADED_PERCENT: f64 = 20.0;

/// The cause of a state that is no cause of a missing value.
pub(super) const AGENT_OFFLINE: &str = "agent_offline";
pub(super) const PENDING: &str = "pending";
pub(super) const STALE: &str = "stale";
pub(super) const PACKET_LOSS: &str = "packet_loss";
pub(super) const NO_ECHO: &str = "no_echo";

/// What one way of asking a device has told.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The way is echo requests.
    by_echo: bool,
    /// When it told something last.
    at: Option<Micros>,
    cause: Option<Cause>,
    /// In a row.
    failures: u32,
    /// When it worked last, and how often it was asked in vain since.
    answered_at: Option<Micros>,
    misses: u32,
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
    /// It answers that it does not let itself be asked so, or not in a way that is understood: it is
    /// there, and its values are not.
    Refuses(Cause),
    Works,
}

/// What a cause says of the device.
enum Failure {
    NotAsked,
    Refused,
    Silent,
}

fn failure(cause: Cause, by_echo: bool) -> Failure {
    match cause {
        // Where it would be asked is not known, or not from there.
        Cause::NoCredential | Cause::NotPermitted | Cause::Unresolved | Cause::NoInterface => {
            Failure::NotAsked
        }
        // The agent's system had no means to send any.
        Cause::Budget if by_echo => Failure::NotAsked,
        Cause::Timeout | Cause::Unreachable | Cause::Gap => Failure::Silent,
        // Said by the device itself, or by our own limits while it was answering.
        Cause::Auth
        | Cause::Unsupported
        | Cause::Budget
        | Cause::Malformed
        | Cause::UnknownUser
        | Cause::WrongAuth
        | Cause::WrongPrivacy
        | Cause::WrongLevel
        | Cause::LevelTooLow
        | Cause::WrongClock
        | Cause::WrongContext
        | Cause::OtherSource => Failure::Refused,
    }
}

impl Asked {
    pub(super) fn by_echo() -> Self {
        Self { by_echo: true, ..Self::default() }
    }

    /// Takes what was told `at`; false if newer is known.
    pub(super) fn told(&mut self, at: Micros, cause: Option<Cause>) -> bool {
        if self.at.is_some_and(|last| last >= at) {
            return false;
        }
        self.at = Some(at);
        self.cause = cause;
        // What was not asked has not failed.
        self.failures = match cause.map(|cause| failure(cause, self.by_echo)) {
            Some(Failure::Silent) => self.failures.saturating_add(1),
            Some(Failure::Refused | Failure::NotAsked) | None => 0,
        };
        match cause {
            None => (self.answered_at, self.misses) = (Some(at), 0),
            Some(_) => self.misses = self.misses.saturating_add(1),
        }
        self.stale = false;
        true
    }

    /// The share of lost answers, of the burst just told. After an outage, of some bursts without any,
    /// it tells nothing of the link as it is now.
    pub(super) fn lost(&mut self, percent: f64) {
        if self.failures >= FAILURES_DOWN {
            return self.losses.clear();
        }
        if self.losses.len() == BURSTS {
            self.losses.remove(0);
        }
        self.losses.push(percent);
    }

    pub(super) fn at(&self) -> Option<Micros> {
        self.at
    }

    pub(super) fn answered_at(&self) -> Option<Micros> {
        self.answered_at
    }

    fn ever(&self) -> bool {
        self.answered_at.is_some()
    }

    pub(super) fn stale_at(&self, after: Duration) -> Option<Micros> {
        self.at.filter(|_| !self.stale).map(|at| at.after(after))
    }

    pub(super) fn expire(&mut self) {
        self.stale = true;
        self.failures = 0;
        self.losses.clear();
    }

    fn word(&self) -> Word {
        match (self.at, self.cause) {
            (None, _) => Word::Nothing,
            _ if self.stale => Word::Old,
            (_, Some(cause)) => match failure(cause, self.by_echo) {
                Failure::NotAsked => Word::NotAsked(cause),
                Failure::Refused => Word::Refuses(cause),
                Failure::Silent => Word::Fails(self.failures, cause),
            },
            (_, None) => Word::Works,
        }
    }

    /// What it told last holds: it answers, or was asked in vain less often than it takes to be down.
    pub(super) fn holds(&self) -> bool {
        let bears = self.ever() && self.misses < FAILURES_DOWN;
        match self.word() {
            Word::Works => true,
            // An answer that is too large or garbled says as little of the one before as none does.
            Word::Fails(..) | Word::Refuses(Cause::Budget | Cause::Malformed) => bears,
            Word::Nothing | Word::Old | Word::NotAsked(_) | Word::Refuses(_) => false,
        }
    }

    fn loses_much(&self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "at most a few")]
        let bursts = self.losses.len() as f64;
        self.losses.len() == BURSTS
            && self.losses.last().is_some_and(|percent| *percent > 0.0)
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
            Word::Refuses(cause) => (State::Degraded, Some(cause.name())),
            Word::Works if self.loses_much() => (State::Degraded, Some(PACKET_LOSS)),
            Word::Works => (State::Up, None),
        })
    }

    /// Of a device about which nothing else is known.
    fn failing(&self, failures: u32) -> State {
        match failures {
            FAILURES_DOWN.. => State::Down,
            // It never worked: no values that could be worse or older than they were.
            _ if !self.ever() => State::Unknown,
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
        // Not for ever: a firewall has come, or a restart of this process has forgotten.
        (Word::Works, Word::Fails(failures, _)) if ping.ever() && failures < FAILURES_FILTERED => {
            (State::Degraded, Some(NO_ECHO))
        }
        (Word::Works, Word::Works) if ping.loses_much() => (State::Degraded, Some(PACKET_LOSS)),
        (Word::Works, _) => match interfaces {
            // It answers, but not for its interfaces.
            Some(cause) if cause != Cause::Unsupported => (State::Degraded, Some(cause.name())),
            _ => (State::Up, None),
        },
        (Word::Refuses(cause), _) => (State::Degraded, Some(cause.name())),
        (Word::Fails(_, cause), Word::Works | Word::Refuses(_)) => {
            (State::Degraded, Some(cause.name()))
        }
        (Word::Old, Word::Works | Word::Refuses(_)) => (State::Degraded, Some(STALE)),
        (Word::Nothing | Word::NotAsked(_), Word::Works) if ping.loses_much() => {
            (State::Degraded, Some(PACKET_LOSS))
        }
        (Word::Nothing | Word::NotAsked(_), Word::Works) => (State::Up, None),
        (Word::Nothing | Word::NotAsked(_), Word::Refuses(cause)) => {
            (State::Degraded, Some(cause.name()))
        }
        (Word::Fails(first, cause), Word::Fails(second, _)) => {
            let together = first.saturating_add(second) >= FAILURES_DOWN_TOGETHER;
            let state = match (together, snmp.ever() || ping.ever()) {
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

/// Why SNMP tells nothing of a device that is there; `Some(None)`: it tells. `None`: nobody can tell, as
/// it is not asked, not heard of, or may be down, which is more than this.
pub(super) fn snmp_failed(snmp: &Asked, ping: &Asked) -> Option<Option<&'static str>> {
    match (snmp.word(), ping.word()) {
        (Word::Works, _) => Some(None),
        (Word::Refuses(cause), _) | (Word::Fails(_, cause), Word::Works | Word::Refuses(_)) => {
            Some(Some(cause.name()))
        }
        (Word::Nothing | Word::Old | Word::NotAsked(_) | Word::Fails(..), _) => None,
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
        assert_eq!(state(&[OK], &[OK, LATE]), (State::Degraded, Some(NO_ECHO)));
        let filtered: Vec<_> = std::iter::once(OK).chain([LATE; 10]).collect();
        assert_eq!(state(&[OK], &filtered), (State::Up, None));
        // Alive, and its SNMP is not: never down.
        assert_eq!(state(&[LATE; 9], &[OK]), (State::Degraded, Some("timeout")));
        assert_eq!(state(&[OK, LATE], &[OK, LATE]), (State::Degraded, Some("timeout")));
        assert_eq!(state(&[OK, LATE, LATE], &[OK, LATE, LATE]), (State::Down, Some("timeout")));
        assert_eq!(state(&[LATE], &[LATE]), (State::Unknown, Some("timeout")));
        assert_eq!(state(&[LATE, LATE], &[LATE, LATE]), (State::Down, Some("timeout")));
    }

    #[test]
    fn snmp_fails_where_the_device_is_there() {
        let failed = |snmp: &[_], ping: &[_]| snmp_failed(&asked(snmp), &asked(ping));
        assert_eq!(failed(&[], &[OK]), None);
        assert_eq!(failed(&[Some(Cause::NoCredential)], &[OK]), None);
        assert_eq!(failed(&[OK], &[OK]), Some(None));
        assert_eq!(failed(&[OK, LATE], &[OK]), Some(Some("timeout")));
        // It may be down, which is more.
        assert_eq!(failed(&[OK, LATE], &[OK, LATE]), None);
        assert_eq!(failed(&[OK, LATE], &[]), None);
        // It says itself that it does not answer so.
        assert_eq!(failed(&[Some(Cause::WrongAuth)], &[LATE]), Some(Some("wrong_auth")));
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
    fn a_device_that_refuses_is_there() {
        let wrong = [Some(Cause::WrongAuth); 9];
        assert_eq!(state(&wrong, &[]), (State::Degraded, Some("wrong_auth")));
        assert_eq!(state(&wrong, &[OK, LATE, LATE, LATE]).0, State::Degraded);
        assert_eq!(state(&[OK, LATE, LATE, Some(Cause::Budget)], &[]).0, State::Degraded);
        // So is one whose answers are not taken for their source.
        let elsewhere = [Some(Cause::OtherSource); 9];
        assert_eq!(state(&elsewhere, &[]), (State::Degraded, Some("other_source")));
        assert_eq!(state(&elsewhere, &[OK; 9]), (State::Degraded, Some("other_source")));
        // What was not asked has not failed.
        let unasked: Vec<_> = [Some(Cause::NoCredential); 99].into_iter().chain([LATE]).collect();
        assert_eq!(state(&unasked, &[]), (State::Unknown, Some("timeout")));
    }

    #[test]
    fn a_device_that_is_nowhere_to_be_asked_is_unknown_and_not_down() {
        for (cause, name) in
            [(Cause::Unresolved, "unresolved"), (Cause::NoInterface, "no_interface")]
        {
            let nowhere = [Some(cause); 9];
            assert_eq!(state(&nowhere, &nowhere), (State::Unknown, Some(name)));
            assert_eq!(state(&nowhere, &[]), (State::Unknown, Some(name)));
            assert_eq!(state(&[OK], &nowhere), (State::Up, None));
        }
    }

    #[test]
    fn loss_is_judged_over_some_bursts() {
        let mut ping = asked(&[OK]);
        let snmp = asked(&[OK]);
        let judged = |ping: &Asked| verdict(Reach::Online, &snmp, ping, None);
        for percent in [40.0, 0.0] {
            ping.lost(percent);
            assert_eq!(judged(&ping), (State::Up, None));
        }
        ping.lost(20.0);
        assert_eq!(judged(&ping), (State::Degraded, Some(PACKET_LOSS)));
        ping.lost(0.0);
        assert_eq!(judged(&ping), (State::Up, None));
        let mut burst = |at, percent: f64| {
            ping.told(Micros(at), (percent >= 100.0).then_some(Cause::Timeout));
            ping.lost(percent);
            verdict(Reach::Online, &snmp, &ping, None)
        };
        // On a bad link a burst may be lost as a whole.
        assert_eq!(burst(11, 100.0), (State::Degraded, Some(NO_ECHO)));
        assert_eq!(burst(12, 40.0), (State::Degraded, Some(PACKET_LOSS)));
        // Back from an outage, the link is well.
        for at in 13..16 {
            burst(at, 100.0);
        }
        assert_eq!(burst(16, 20.0), (State::Up, None));
    }

    #[test]
    fn an_agent_that_can_send_no_echo_tells_nothing_of_a_device() {
        let mut ping = Asked::by_echo();
        ping.told(Micros(1), Some(Cause::Budget));
        let dead = asked(&[LATE; 3]);
        assert_eq!(verdict(Reach::Online, &dead, &ping, None), (State::Down, Some("timeout")));
        let unasked = asked(&[Some(Cause::NoCredential)]);
        assert_eq!(verdict(Reach::Online, &unasked, &ping, None).0, State::Unknown);
    }

    #[test]
    fn what_is_old_or_of_an_agent_that_is_away_is_not_believed() {
        let (mut snmp, mut ping) = (asked(&[OK]), asked(&[OK]));
        snmp.expire();
        assert_eq!(verdict(Reach::Online, &snmp, &ping, None), (State::Degraded, Some(STALE)));
        ping.expire();
        assert_eq!(verdict(Reach::Online, &snmp, &ping, None), (State::Unknown, Some(STALE)));
        // Nobody asked meanwhile: the next failure is the first again.
        let mut late = asked(&[OK, LATE, LATE]);
        late.expire();
        assert!(late.told(Micros(9), LATE));
        assert_eq!(verdict(Reach::Online, &late, &Asked::default(), None).0, State::Degraded);
        let offline = (State::Unknown, Some(AGENT_OFFLINE));
        assert_eq!(verdict(Reach::Offline, &asked(&[OK]), &asked(&[OK]), None), offline);
        assert!(!snmp.told(Micros(1), None), "not newer");
    }
}
