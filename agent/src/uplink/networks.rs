//! Core: what was learnt of the carriers, network by network. What a hotel's firewall blocks says
//! nothing of the office.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::carrier::{Carriers, REMEMBERED};

/// Networks that are remembered beside the present one.
const NETWORKS_MAX: usize = 8;

/// Tells networks apart: this host's address towards the collector, and its first hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) here: IpAddr,
    pub(super) gateway: Option<IpAddr>,
}

impl Network {
    /// The network this host is in goes on: without a default route there is no gateway, as in a network
    /// without a way out and for a moment in one that comes up.
    fn may_be(&self, other: &Self) -> bool {
        let gateways = (&self.gateway, &other.gateway);
        self.here == other.here && !matches!(gateways, (Some(one), Some(two)) if one != two)
    }
}

/// The carriers of the present network, and of others this host has been in.
#[derive(Debug)]
pub(super) struct Networks {
    probe_pause: Duration,
    present: Option<Network>,
    pub(super) carriers: Carriers,
    /// Left last comes first; with the time.
    left: VecDeque<(Network, Carriers, Duration)>,
}

impl Networks {
    #[must_use]
    pub(super) fn new(probe_pause: Duration) -> Self {
        let carriers = Carriers::new(probe_pause);
        Self { probe_pause, present: None, carriers, left: VecDeque::new() }
    }

    /// This host is in `network`. Says whether it was in another one before.
    pub(super) fn enter(&mut self, network: Network, now: Duration) -> bool {
        if let Some(present) = self.present.as_mut()
            && present.may_be(&network)
        {
            // The gateway may have become known meanwhile, and with it a network from before.
            if present.gateway.is_none() && network.gateway.is_some() {
                *present = network;
                self.recognise(now);
            }
            return false;
        }
        self.left.retain(|(_, _, at)| now.saturating_sub(*at) < REMEMBERED);
        // What was learnt before any network was known is of this one.
        let Some(before) = self.present.replace(network.clone()) else { return false };
        let known = self.remembered(&network);
        let mut carriers = known.unwrap_or_else(|| Carriers::new(self.probe_pause));
        carriers.take_over(&mut self.carriers, now);
        let learnt = std::mem::replace(&mut self.carriers, carriers);
        self.left.push_front((before, learnt, now));
        self.left.truncate(NETWORKS_MAX);
        true
    }

    /// What is known of a network that was left. Many have the same addresses: one without a gateway
    /// is like no other.
    fn remembered(&mut self, network: &Network) -> Option<Carriers> {
        let place = self.left.iter().position(|(known, ..)| known == network)?;
        self.left.remove(place).map(|(_, carriers, _)| carriers)
    }

    /// The present network has got its gateway. What was learnt there before counts, unless something
    /// was learnt now.
    fn recognise(&mut self, now: Duration) {
        self.left.retain(|(_, _, at)| now.saturating_sub(*at) < REMEMBERED);
        let Some(present) = self.present.clone() else { return };
        if let Some(mut carriers) = self.remembered(&present)
            && !self.carriers.holds(now)
        {
            carriers.take_over(&mut self.carriers, now);
            self.carriers = carriers;
        }
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::transport::Carrier;

    use super::super::carrier::{Dial, Reason};
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn network(last: u8) -> Network {
        Network { here: [192, 0, 2, last].into(), gateway: Some([192, 0, 2, 254].into()) }
    }

    /// Three sessions over QUIC that go silent.
    fn hold(networks: &mut Networks, now: Duration) {
        for _ in 0..3 {
            networks.carriers.began(Carrier::Quic, now, 0.5);
            networks.carriers.ended(true, now);
        }
    }

    #[test]
    fn each_network_is_remembered_for_a_day() {
        let mut networks = Networks::new(s(300));
        assert!(!networks.enter(network(1), s(0)));
        hold(&mut networks, s(1));
        assert_eq!(networks.carriers.dial(s(2)), Dial::TcpFirst);
        assert!(networks.enter(network(2), s(3)));
        assert_eq!(networks.carriers.dial(s(3)), Dial::Race);
        assert!(!networks.enter(network(2), s(4)));
        assert!(networks.enter(network(1), s(5)));
        assert_eq!(networks.carriers.dial(s(5)), Dial::TcpFirst);
        assert_eq!(networks.carriers.reason(), Some(Reason::QuicDied));
        assert!(networks.enter(network(2), s(6)));
        assert!(networks.enter(network(1), s(6) + REMEMBERED));
        assert_eq!(networks.carriers.dial(s(6) + REMEMBERED), Dial::Race);
    }

    #[test]
    fn a_session_over_tcp_tries_quic_at_once_in_another_network() {
        let mut networks = Networks::new(s(300));
        networks.enter(network(1), s(0));
        networks.carriers.began(Carrier::Tcp, s(0), 0.5);
        networks.carriers.probe_failed(s(10), 0.5);
        assert!(networks.enter(network(2), s(20)));
        assert_eq!(networks.carriers.probe_at(), Some(s(20)));
    }

    #[test]
    fn a_gateway_that_becomes_known_makes_no_other_network() {
        let mut networks = Networks::new(s(300));
        let unknown = Network { gateway: None, ..network(1) };
        assert!(!networks.enter(unknown.clone(), s(0)));
        hold(&mut networks, s(1));
        assert!(!networks.enter(network(1), s(2)));
        assert!(!networks.enter(unknown, s(3)));
        assert_eq!(networks.carriers.dial(s(3)), Dial::TcpFirst);
        let other = Network { gateway: Some([192, 0, 2, 253].into()), ..network(1) };
        assert!(networks.enter(other, s(4)));
    }

    #[test]
    fn an_unknown_gateway_is_like_no_known_one() {
        let mut networks = Networks::new(s(300));
        networks.enter(network(1), s(0));
        hold(&mut networks, s(1));
        networks.enter(network(2), s(2));
        // The same address as in the first network, which many hand out.
        let unknown = Network { gateway: None, ..network(1) };
        assert!(networks.enter(unknown.clone(), s(3)));
        assert_eq!(networks.carriers.dial(s(3)), Dial::Race);
        hold(&mut networks, s(4));
        assert!(networks.enter(network(2), s(5)));
        assert_eq!(networks.carriers.dial(s(5)), Dial::Race);
        // But like itself.
        assert!(networks.enter(unknown, s(6)));
        assert_eq!(networks.carriers.dial(s(6)), Dial::TcpFirst);
    }

    #[test]
    fn a_network_from_before_is_known_again_by_its_gateway() {
        let mut networks = Networks::new(s(300));
        networks.enter(network(1), s(0));
        hold(&mut networks, s(1));
        networks.enter(network(2), s(2));
        assert!(networks.enter(Network { gateway: None, ..network(1) }, s(3)));
        assert_eq!(networks.carriers.dial(s(3)), Dial::Race);
        networks.carriers.began(Carrier::Quic, s(3), 0.5);
        assert!(!networks.enter(network(1), s(4)), "it is the same network");
        assert_eq!(networks.carriers.dial(s(4)), Dial::TcpFirst);
        assert_eq!(networks.carriers.reason(), Some(Reason::QuicDied));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut networks = Networks::new(s(300));
        for last in 0..100 {
            networks.enter(network(last), s(last.into()));
        }
        assert_eq!(networks.left.len(), NETWORKS_MAX);
    }
}
