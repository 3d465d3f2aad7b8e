//! Core: which carrier, QUIC or TCP. One decision for all pipes of a session.
//!
//! QUIC is wanted: it survives a change of address and loses less to a bad link. Where UDP does not get
//! through, or dies again and again, TCP carries the session; QUIC is tried again for ever, and takes
//! over once it has shown that large packets get through too. A refused certificate is no reason for
//! either. Times are monotonic.

use std::collections::VecDeque;
use std::time::Duration;

use farwatch_common::transport::Carrier;
use farwatch_proto::v1::CarrierReason;

/// QUIC alone has this long; then TCP is dialled beside it.
pub const QUIC_ALONE: Duration = Duration::from_millis(1500);
/// The first probe of QUIC after TCP came up, which may only have been faster.
const PROBE_SOON: Duration = Duration::from_secs(10);
/// After so many probes, an hour of the usual ones, the pause between them doubles, up to so many times
/// the first: a firewall that somebody is just mending is found open soon.
const PROBES_EVEN: u32 = 12;
const PROBE_PAUSE_MAX: u32 = 6;
/// Probes of many agents behind one firewall spread by this much of the pause, either way.
const PROBE_JITTER: f64 = 0.2;
/// So many sessions over QUIC that went silent within [`DEATHS_WITHIN`] hold it down.
const DEATHS: usize = 3;
const DEATHS_WITHIN: Duration = Duration::from_secs(10 * 60);
/// How long QUIC is not tried first; it doubles each time.
const HOLD_FIRST: Duration = Duration::from_secs(15 * 60);
const HOLD_MAX: Duration = Duration::from_secs(4 * 3600);
/// A share of packets lost over [`LOSSY_FOR`] that TCP may do better with.
const LOSSY: f64 = 0.2;
const LOSSY_FOR: Duration = Duration::from_secs(60);
/// What was learnt is forgotten: networks are mended.
pub(super) const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// How to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// QUIC, and TCP beside it after [`QUIC_ALONE`] or as soon as QUIC has failed.
    Race,
    /// TCP, and QUIC if that fails.
    TcpFirst,
}

/// Why TCP carries the session, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// QUIC did not get through when the session began.
    UdpBlocked,
    /// Sessions over QUIC went silent one after the other.
    QuicDied,
    /// Too many packets were lost.
    Lossy,
}

impl Reason {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UdpBlocked => "udp_blocked",
            Self::QuicDied => "quic_died",
            Self::Lossy => "lossy",
        }
    }

    /// As the collector is told.
    #[must_use]
    pub fn on_wire(self) -> CarrierReason {
        match self {
            Self::UdpBlocked => CarrierReason::UdpBlocked,
            Self::QuicDied => CarrierReason::QuicDied,
            Self::Lossy => CarrierReason::Lossy,
        }
    }
}

/// The knowledge of one network.
#[derive(Debug)]
pub struct Carriers {
    /// First pause between probes of QUIC while TCP carries the session.
    probe_pause: Duration,
    on: Option<(Carrier, Duration)>,
    reason: Option<Reason>,
    /// When sessions over QUIC went silent.
    deaths: VecDeque<Duration>,
    /// QUIC is not dialled first until then.
    held_until: Option<Duration>,
    holds: u32,
    held_at: Duration,
    probe_at: Option<Duration>,
    probes: u32,
    lossy_since: Option<Duration>,
}

impl Carriers {
    #[must_use]
    pub fn new(probe_pause: Duration) -> Self {
        Self {
            probe_pause,
            on: None,
            reason: None,
            deaths: VecDeque::new(),
            held_until: None,
            holds: 0,
            held_at: Duration::ZERO,
            probe_at: None,
            probes: 0,
            lossy_since: None,
        }
    }

    /// How to dial the next session.
    #[must_use]
    pub fn dial(&self, now: Duration) -> Dial {
        if self.held_until.is_some_and(|until| now < until) { Dial::TcpFirst } else { Dial::Race }
    }

    /// QUIC is held down.
    pub(super) fn holds(&self, now: Duration) -> bool {
        self.dial(now) == Dial::TcpFirst
    }

    /// Why TCP carries the session, or would.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// When to probe QUIC, while TCP carries the session.
    #[must_use]
    pub fn probe_at(&self) -> Option<Duration> {
        self.probe_at
    }

    /// A session is up. `random` is in `0..1`.
    pub fn began(&mut self, carrier: Carrier, now: Duration, random: f64) {
        if now.saturating_sub(self.held_at) >= REMEMBERED {
            self.holds = 0;
        }
        self.on = Some((carrier, now));
        self.lossy_since = None;
        match carrier {
            Carrier::Quic => {
                // Held down, it only stands in for TCP.
                if self.dial(now) == Dial::Race {
                    self.reason = None;
                }
                self.probe_at = None;
                self.probes = 0;
            }
            Carrier::Tcp => {
                self.reason.get_or_insert(Reason::UdpBlocked);
                self.schedule(now, random);
            }
        }
    }

    /// A probe of QUIC did not get through.
    pub fn probe_failed(&mut self, now: Duration, random: f64) {
        self.probes = self.probes.saturating_add(1);
        self.schedule(now, random);
    }

    fn schedule(&mut self, now: Duration, random: f64) {
        let times = 1 << self.probes.saturating_sub(PROBES_EVEN).min(8);
        let pause = match self.probes {
            0 => PROBE_SOON.min(self.probe_pause),
            _ => self.probe_pause.saturating_mul(PROBE_PAUSE_MAX.min(times)),
        };
        let spread = 1.0 + PROBE_JITTER * (2.0 * random - 1.0);
        let earliest = self.held_until.unwrap_or_default();
        self.probe_at = Some((now + pause.mul_f64(spread)).max(earliest));
    }

    /// The session goes on in this network; so far it was in the one of `other`.
    pub(super) fn take_over(&mut self, other: &mut Self, now: Duration) {
        self.on = other.on.take();
        self.lossy_since = None;
        self.probe_at = None;
        if matches!(self.on, Some((Carrier::Tcp, _))) {
            self.reason.get_or_insert(Reason::UdpBlocked);
            self.probe_at = Some(now.max(self.held_until.unwrap_or_default()));
        }
    }

    /// A session ended; `silent` if its peer was not heard any more.
    pub fn ended(&mut self, silent: bool, now: Duration) {
        let on = self.on.take();
        if !silent || !matches!(on, Some((Carrier::Quic, _))) {
            return;
        }
        self.deaths.push_back(now);
        while self.deaths.front().is_some_and(|at| now.saturating_sub(*at) > DEATHS_WITHIN) {
            self.deaths.pop_front();
        }
        if self.deaths.len() >= DEATHS {
            self.deaths.clear();
            self.hold(Reason::QuicDied, now);
        }
    }

    /// The share of packets lost lately, of a session over QUIC. Says whether to try TCP: if that gets
    /// through, [`Self::give_up_quic`].
    pub fn lost(&mut self, share: f64, now: Duration) -> bool {
        if share <= LOSSY || !matches!(self.on, Some((Carrier::Quic, _))) {
            self.lossy_since = None;
            return false;
        }
        let since = *self.lossy_since.get_or_insert(now);
        let long = now.saturating_sub(since) >= LOSSY_FOR;
        if long {
            self.lossy_since = Some(now);
        }
        long
    }

    /// TCP gets through where QUIC loses too much.
    pub fn give_up_quic(&mut self, now: Duration) {
        self.hold(Reason::Lossy, now);
    }

    fn hold(&mut self, reason: Reason, now: Duration) {
        let hold = HOLD_FIRST.saturating_mul(1 << self.holds.min(8)).min(HOLD_MAX);
        self.holds = self.holds.saturating_add(1);
        self.held_at = now;
        self.held_until = Some(now + hold);
        self.reason = Some(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn tcp_is_left_again_and_probes_back_off() {
        let mut carriers = Carriers::new(s(300));
        assert_eq!(carriers.dial(s(0)), Dial::Race);
        carriers.began(Carrier::Tcp, s(10), 0.5);
        assert_eq!(carriers.reason(), Some(Reason::UdpBlocked));
        let mut pauses = Vec::new();
        let mut now = s(10);
        for _ in 0..PROBES_EVEN + 4 {
            let at = carriers.probe_at().unwrap();
            pauses.push((at - now).as_secs());
            now = at;
            carriers.probe_failed(now, 0.5);
        }
        assert_eq!((pauses[0], pauses.len()), (10, 16));
        assert!(pauses[1..=12].iter().all(|pause| *pause == 300));
        assert_eq!(pauses[13..], [600, 1200, 1800]);
        // The next session races again: never permanent.
        carriers.ended(false, now);
        assert_eq!(carriers.dial(now), Dial::Race);
        carriers.began(Carrier::Quic, now, 0.5);
        assert_eq!((carriers.probe_at(), carriers.reason()), (None, None));
        carriers.began(Carrier::Tcp, now, 0.0);
        assert_eq!(carriers.probe_at().unwrap() - now, s(8));
        carriers.began(Carrier::Tcp, now, 1.0);
        assert_eq!(carriers.probe_at().unwrap() - now, s(12));
    }

    #[test]
    fn quic_that_dies_three_times_is_held_down_longer_each_time() {
        let mut carriers = Carriers::new(s(300));
        let mut now = s(0);
        let mut holds = Vec::new();
        for _ in 0..6 {
            for _ in 0..DEATHS {
                assert_eq!(carriers.dial(now), Dial::Race);
                carriers.began(Carrier::Quic, now, 0.5);
                now += s(60);
                carriers.ended(true, now);
            }
            assert_eq!(carriers.dial(now), Dial::TcpFirst);
            let since = now;
            carriers.began(Carrier::Tcp, now, 0.5);
            assert_eq!(carriers.reason(), Some(Reason::QuicDied));
            // No probe while it is held.
            now = carriers.probe_at().unwrap();
            holds.push((now - since).as_secs() / 60);
            carriers.ended(false, now);
        }
        assert_eq!(holds, [15, 30, 60, 120, 240, 240]);
        // A day later all is forgotten.
        now += REMEMBERED;
        for _ in 0..DEATHS {
            carriers.began(Carrier::Quic, now, 0.5);
            carriers.ended(true, now);
        }
        carriers.began(Carrier::Tcp, now, 0.5);
        assert_eq!(carriers.probe_at().unwrap() - now, HOLD_FIRST);
    }

    #[test]
    fn deaths_far_apart_and_orderly_ends_hold_nothing_down() {
        let mut carriers = Carriers::new(s(300));
        for n in 0..20 {
            let now = s(n * 301);
            carriers.began(Carrier::Quic, now, 0.5);
            carriers.ended(n % 2 == 0, now);
            assert_eq!(carriers.dial(now), Dial::Race);
        }
    }

    #[test]
    fn loss_has_to_last() {
        let mut carriers = Carriers::new(s(300));
        carriers.began(Carrier::Quic, s(0), 0.5);
        assert!(!carriers.lost(0.5, s(1)) && !carriers.lost(0.5, s(60)));
        assert!(!carriers.lost(0.1, s(61)));
        assert!(!carriers.lost(0.5, s(62)) && carriers.lost(0.5, s(122)));
        // Asked again only after another while.
        assert!(!carriers.lost(0.5, s(123)) && carriers.lost(0.5, s(182)));
        carriers.give_up_quic(s(182));
        assert_eq!(carriers.dial(s(183)), Dial::TcpFirst);
        carriers.began(Carrier::Tcp, s(183), 0.5);
        assert_eq!(carriers.reason(), Some(Reason::Lossy));
        assert!(!carriers.lost(0.9, s(300)));
    }

    #[test]
    fn a_reason_has_one_name() {
        for reason in [Reason::UdpBlocked, Reason::QuicDied, Reason::Lossy] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
    }
}
