//! Scan: which of many addresses of the site somebody is at, and which credential they take.
//!
//! - **In:** IPv4 addresses, candidates in the order of preference, a rate.
//! - **Out:** of each host that has answered something: its echo, and the credential that works or why
//!   none does. Which of the addresses are devices of this agent: they are not asked.
//! - **Bound:** [`HOSTS_MAX`] addresses, [`CANDIDATES_MAX`] candidates, packets in a second as asked for
//!   and [`PACKETS_PER_SECOND_MAX`] at most, the caller's limits.
//! - **When full:** refused; a host that has told nothing when the time is up is counted, and one at which
//!   not every credential was tried says so.
//! - **On crash:** nothing is kept.
//!
//! A community is sent to every host: many answer it and no echo. A user of SNMPv3 is tried where
//! somebody speaks SNMPv3 only, as [`users`] says.

mod users;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use farwatch_common::sample::Cause;
use farwatch_common::scan::{HOSTS_MAX, PACKETS_PER_SECOND_MAX};
use farwatch_proto::v1 as proto;
use futures_util::StreamExt as _;
use tokio::time::{sleep_until, timeout_at};

use self::users::{Turn, User, is_refusal};
use super::credential::{CANDIDATES_MAX, Host, Limits, Sought, attempt, search};
use super::ping::{ECHOES, PingNow};
use super::probe::{Asked, Knocks, NoAnswer, Silence, Told, told};
use super::throttle::Throttle;
use crate::platform::routes::{Network, networks};

/// All of a call: each has a socket for its knock and two for each of four communities, 288 in all, with
/// some 2 KiB for answers.
const HOSTS_AT_ONCE_MAX: usize = HOSTS_MAX;
/// Two: the first may have been lost, or have waited for ARP.
const KNOCKS: Knocks = Knocks { after: Duration::ZERO, times: 2 };

/// What is to be scanned; checked.
#[derive(Debug)]
pub struct Wanted {
    hosts: BTreeSet<Ipv4Addr>,
    port: u16,
    communities: Vec<proto::CredentialCandidate>,
    users: Vec<User>,
    packets_per_second: u32,
}

impl Wanted {
    /// The error is which limit the wish breaks.
    pub fn of(wish: proto::ScanHosts) -> Result<Self, &'static str> {
        let proto::ScanHosts { hosts, port, candidates, packets_per_second } = wish;
        if hosts.len() > HOSTS_MAX {
            return Err("there are too many addresses");
        }
        if candidates.len() > CANDIDATES_MAX {
            return Err("there are too many credentials");
        }
        let port = u16::try_from(port).ok().filter(|port| *port != 0);
        let port = port.ok_or("the port is not between 1 and 65535")?;
        let hosts: Option<BTreeSet<_>> = hosts.iter().map(|host| one_host(host)).collect();
        let hosts = hosts.ok_or("an address is not one of a host, by IPv4")?;
        if !(1..=PACKETS_PER_SECOND_MAX).contains(&packets_per_second) {
            return Err("the rate is none, or more packets per second than a scan may send");
        }
        let is_user = |one: &proto::ScanCandidate| {
            one.credential.as_ref().is_some_and(|credential| credential.user.is_some())
        };
        let (users, communities): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_user);
        let communities = communities.into_iter().filter_map(|one| one.credential).collect();
        let users = User::all(users)?;
        Ok(Self { hosts, port, communities, users, packets_per_second })
    }
}

/// An address that can be a host's.
fn one_host(text: &str) -> Option<Ipv4Addr> {
    let address: Ipv4Addr = text.parse().ok()?;
    let [first, ..] = address.octets();
    (first != 0 && first < 224).then_some(address)
}

/// Asks all hosts. Network and broadcast addresses of this host's own networks are left out, and so are
/// the devices that `ping` knows.
pub async fn scan(
    wanted: Wanted,
    ping: &PingNow,
    limits: Limits,
    clock: &Clock,
) -> proto::ScanHostsResult {
    let scan = Scan {
        throttle: Throttle::new(wanted.packets_per_second),
        until: clock.monotonic() + limits.begun_within,
        over: tokio::time::Instant::now() + limits.ended_within,
        wanted: &wanted,
        ping,
        clock,
    };
    let mut result = proto::ScanHostsResult::default();
    let hosts = scan.hosts(&mut result).await;
    let asked = futures_util::stream::iter(hosts).map(|host| scan.host(host));
    let mut asked = asked.buffer_unordered(HOSTS_AT_ONCE_MAX);
    // Each ends by itself when the time is up.
    while let Some(host) = asked.next().await {
        let Some(Heard { ping, snmp }) = host else {
            result.not_asked += 1;
            continue;
        };
        result.echo_cause = echo_cause(result.echo_cause, ping.cause);
        let is_whole = snmp.is_whole;
        match snmp.told(ping) {
            Some(host) => result.hosts.push(host),
            None => result.not_asked += u32::from(!is_whole),
        }
    }
    drop(asked);
    for user in wanted.users {
        result.refused.extend(user.refused());
    }
    result
}

/// Why there is a host that no echo requests were sent to: that this agent may send none tells more than
/// that it had too many to send.
fn echo_cause(known: u32, cause: u32) -> u32 {
    let (forbidden, crowded) = (Cause::NotPermitted as u32, Cause::Budget as u32);
    match cause {
        cause if cause == forbidden => forbidden,
        cause if cause == crowded && known == 0 => crowded,
        _ => known,
    }
}

/// What is shared by the hosts of one call.
struct Scan<'a> {
    wanted: &'a Wanted,
    ping: &'a PingNow,
    clock: &'a Clock,
    throttle: Throttle,
    /// No host and no user is begun later.
    until: Instant,
    /// What is known then is told.
    over: tokio::time::Instant,
}

/// What became of one host.
struct Heard {
    ping: proto::PingOutcome,
    snmp: Spoken,
}

/// What was heard over SNMP.
struct Spoken {
    host: Ipv4Addr,
    port: u16,
    outcomes: Vec<proto::CredentialOutcome>,
    told: Option<Told>,
    asked: Asked,
    /// Whether there was time for every credential.
    is_whole: bool,
    /// There is a user that was not tried, as devices have refused it.
    has_refused: bool,
}

impl Scan<'_> {
    fn is_late(&self) -> bool {
        self.clock.monotonic() > self.until
    }

    /// Those to be asked. The devices among them are told.
    async fn hosts(&self, result: &mut proto::ScanHostsResult) -> Vec<Ipv4Addr> {
        let own = networks();
        let devices = timeout_at(self.over, self.ping.devices()).await.unwrap_or_default();
        let mut hosts = Vec::new();
        for host in &self.wanted.hosts {
            if let Some(device) = devices.get(&IpAddr::V4(*host)) {
                let (host, device_id) = (host.to_string(), device.0);
                result.watched.push(proto::WatchedHost { host, device_id });
            } else if !own.iter().any(|network| network.is_edge(*host)) {
                hosts.push(*host);
            }
        }
        hosts
    }

    /// `None`: there was no time to ask it anything.
    async fn host(&self, host: Ipv4Addr) -> Option<Heard> {
        if self.is_late() {
            return None;
        }
        let (ping, snmp) = tokio::join!(self.echo(host), self.snmp(host));
        Some(Heard { ping, snmp })
    }

    async fn echo(&self, host: Ipv4Addr) -> proto::PingOutcome {
        let echoes = u32::try_from(ECHOES).unwrap_or(u32::MAX);
        let burst = async {
            self.throttle.take(echoes, self.clock).await;
            self.ping.ping_address((host, 0).into()).await
        };
        timeout_at(self.over, burst).await.unwrap_or_default()
    }

    async fn snmp(&self, host: Ipv4Addr) -> Spoken {
        let (port, name) = (self.wanted.port, host.to_string());
        let address = SocketAddr::from((host, port));
        let sought = Sought { host: &name, port, strict_source: false };
        let place = Host::at(sought, address, &self.throttle);
        let knocking = told(address, KNOCKS, &self.throttle, self.clock);
        let (outcomes, told) =
            tokio::join!(self.communities(&place), timeout_at(self.over, knocking));
        let is_whole = outcomes.len() == self.wanted.communities.len() && told.is_ok();
        let told = told.ok().and_then(|told| told.ok().flatten());
        let (asked, has_refused) = (Asked::Community, false);
        let mut spoken = Spoken { host, port, outcomes, told, asked, is_whole, has_refused };
        if let Some(Told::SpeaksSnmp { device }) = spoken.told.clone()
            && !spoken.outcomes.iter().any(works)
        {
            let users = self.users(&place, &device, &mut spoken);
            let is_whole = timeout_at(self.over, users).await.unwrap_or(false);
            spoken.is_whole &= is_whole;
        }
        spoken
    }

    async fn communities(&self, host: &Host<'_>) -> Vec<proto::CredentialOutcome> {
        let over = sleep_until(self.over);
        search(host, &self.wanted.communities, self.until, over, self.clock).await
    }

    /// False: there was no time for all of them.
    async fn users(&self, host: &Host<'_>, device: &[u8], spoken: &mut Spoken) -> bool {
        for user in &self.wanted.users {
            let mut tries = user.tries().await;
            let (at, candidate) = match tries.next(device) {
                Turn::Try(at, candidate) => (at, candidate),
                Turn::Refused => {
                    spoken.has_refused = true;
                    continue;
                }
            };
            if self.is_late() {
                return false;
            }
            let outcome = attempt(host, &candidate, self.clock).await;
            tries.took(at, device, outcome.cause);
            if spoken.outcomes.is_empty() {
                spoken.asked = Asked::User;
            }
            let is_over = works(&outcome);
            spoken.outcomes.push(outcome);
            if is_over {
                break;
            }
        }
        true
    }
}

fn works(outcome: &proto::CredentialOutcome) -> bool {
    outcome.cause == 0
}

impl Spoken {
    /// `None` where nobody has answered anything. That nobody listens at the port is no answer: a firewall
    /// says so for addresses that nobody has.
    fn told(mut self, ping: proto::PingOutcome) -> Option<proto::ScannedHost> {
        let works = self.outcomes.iter().position(works).map(|at| self.outcomes.swap_remove(at));
        let refusal = self.outcomes.iter().find(|outcome| is_refusal(outcome.cause));
        let is_there = ping.received > 0
            || works.is_some()
            || refusal.is_some()
            || matches!(self.told, Some(Told::SpeaksSnmp { .. }));
        if !is_there {
            return None;
        }
        let not_all_tried = works.is_none() && !self.is_whole;
        let (cause, advice) = match (&works, refusal) {
            (Some(_), _) => (0, String::new()),
            (None, Some(refusal)) => (refusal.cause, refusal.advice.clone()),
            (None, None) => self.silence(),
        };
        let (host, ping) = (self.host.to_string(), Some(ping));
        Some(proto::ScannedHost { host, ping, works, cause, advice, not_all_tried })
    }

    /// Why no credential works that was neither taken nor refused, and what to do about it.
    fn silence(&self) -> (u32, String) {
        if !self.is_whole {
            let advice = "there was no time to try every credential; scan this address alone";
            return (Cause::Timeout as u32, advice.to_owned());
        }
        if self.has_refused {
            let advice = "a user was not tried, as it was refused by this device at another address, \
                          or by several others; check the user, then scan this address alone";
            return (Cause::NoCredential as u32, advice.to_owned());
        }
        let silence = match self.told {
            Some(Told::SpeaksSnmp { .. }) => Silence::CredentialIgnored,
            Some(Told::Closed) => Silence::PortClosed,
            Some(Told::Filtered) => Silence::Filtered,
            None => Silence::HostAnswers,
        };
        let silent = NoAnswer { silence, asked: self.asked, port: self.port };
        (Cause::Timeout as u32, silent.advice())
    }
}

impl Network {
    /// Whether this is the address of the network itself or of all its hosts (RFC 919); of a link
    /// between two there are none (RFC 3021).
    fn is_edge(&self, address: Ipv4Addr) -> bool {
        let hosts = u32::MAX.checked_shr(self.prefix).unwrap_or(0);
        let (first, address) = (self.address.to_bits() & !hosts, address.to_bits());
        self.prefix <= 30 && (address == first || address == first | hosts)
    }
}

#[cfg(test)]
mod tests;
