//! Scan: which of many addresses of the site somebody is at, and which credential they take.
//!
//! - **In:** IPv4 addresses, candidates in the order of preference, a rate.
//! - **Out:** of each host that has answered something: its echo, and the credential that works or why
//!   none does.
//! - **Bound:** [`HOSTS_MAX`] addresses, [`CANDIDATES_MAX`] candidates, [`HOSTS_AT_ONCE_MAX`] hosts at a
//!   time, packets in a second as asked for and [`PACKETS_PER_SECOND_MAX`] at most, the caller's limits.
//! - **When full:** refused; what is not asked to its end when the time is up is counted.
//! - **On crash:** nothing is kept.
//!
//! A community is sent to every host: many answer it and no echo. A user of SNMPv3 is tried where
//! somebody speaks SNMPv3 only, once, at one host at a time; one that [`REFUSED_MAX`] devices in a row
//! have refused is tried no more: devices lock users out.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use farwatch_common::sample::Cause;
use farwatch_proto::v1 as proto;
use futures_util::StreamExt as _;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::credential::{CANDIDATES_MAX, Host, Limits, Sought, attempt, search};
use super::names::is_silence;
use super::ping::{ECHOES, PingNow};
use super::probe::{Asked, Knocks, NoAnswer, Silence, Told, told};
use super::throttle::Throttle;
use crate::platform::routes::{Network, networks};

/// Addresses of one call.
pub const HOSTS_MAX: usize = 64;
/// Hosts that are asked at the same time.
const HOSTS_AT_ONCE_MAX: usize = 32;
/// Nobody has it faster.
pub const PACKETS_PER_SECOND_MAX: u32 = 500;
/// Devices in a row that may refuse a user.
pub const REFUSED_MAX: u32 = 3;
/// Two: the first may have been lost, or have waited for ARP.
const KNOCKS: Knocks = Knocks { after: Duration::ZERO, times: 2 };
/// Longer than any dialog of a host with one credential.
const NEVER: Duration = Duration::from_secs(3600);

/// What is to be scanned; checked.
#[derive(Debug)]
pub struct Wanted {
    hosts: BTreeSet<Ipv4Addr>,
    port: u16,
    communities: Vec<proto::CredentialCandidate>,
    users: Vec<User>,
    packets_per_second: u32,
}

/// A user of SNMPv3, who is tried at one host at a time.
#[derive(Debug)]
struct User {
    candidate: proto::CredentialCandidate,
    /// By how many devices in a row.
    refused: Mutex<u32>,
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
            return Err("the rate is not between 1 and 500 packets per second");
        }
        let (mut communities, mut users) = (Vec::new(), Vec::new());
        for one in candidates {
            let Some(candidate) = one.credential else { continue };
            if candidate.user.is_some() {
                users.push(User { candidate, refused: Mutex::new(one.refused) });
            } else {
                communities.push(candidate);
            }
        }
        Ok(Self { hosts, port, communities, users, packets_per_second })
    }
}

/// An address that can be a host's.
fn one_host(text: &str) -> Option<Ipv4Addr> {
    let address: Ipv4Addr = text.parse().ok()?;
    let [first, ..] = address.octets();
    (first != 0 && first < 224).then_some(address)
}

/// Asks all hosts. Network and broadcast addresses of this host's own networks are left out.
pub async fn scan(
    wanted: Wanted,
    ping: &PingNow,
    limits: Limits,
    clock: &Clock,
) -> proto::ScanHostsResult {
    let own = networks();
    let is_asked = |host: &Ipv4Addr| !own.iter().any(|network| network.is_edge(*host));
    let hosts: Vec<_> = wanted.hosts.iter().copied().filter(is_asked).collect();
    let total = hosts.len();
    let scan = Scan {
        throttle: Throttle::new(wanted.packets_per_second),
        until: clock.monotonic() + limits.begun_within,
        wanted: &wanted,
        ping,
        clock,
    };
    let asked = futures_util::stream::iter(hosts).map(|host| scan.host(host));
    let mut asked = asked.buffer_unordered(HOSTS_AT_ONCE_MAX);
    let over = sleep(limits.ended_within);
    tokio::pin!(over);
    let (mut result, mut ended) = (proto::ScanHostsResult::default(), 0);
    loop {
        let host = tokio::select! {
            next = asked.next() => next,
            // One that is slow must not cost what is known of the others.
            () = &mut over => None,
        };
        let Some(host) = host else { break };
        let Some(Heard { ping, snmp }) = host else { continue };
        ended += 1;
        if ping.cause == Cause::NotPermitted as u32 {
            result.echo_cause = ping.cause;
        }
        result.hosts.extend(snmp.told(ping));
    }
    drop(asked);
    result.not_asked = u32::try_from(total - ended).unwrap_or(u32::MAX);
    for user in &wanted.users {
        let refused = *user.refused.lock().await;
        result.refused.push(proto::UserRefused { id: user.candidate.id, refused });
    }
    result
}

/// What is shared by the hosts of one call.
struct Scan<'a> {
    wanted: &'a Wanted,
    ping: &'a PingNow,
    clock: &'a Clock,
    throttle: Throttle,
    /// No host and no user is begun later.
    until: Instant,
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
}

impl Scan<'_> {
    fn is_late(&self) -> bool {
        self.clock.monotonic() > self.until
    }

    /// `None`: the time was up before the end.
    async fn host(&self, host: Ipv4Addr) -> Option<Heard> {
        if self.is_late() {
            return None;
        }
        let (ping, snmp) = tokio::join!(self.echo(host), self.snmp(host));
        Some(Heard { ping, snmp: snmp? })
    }

    async fn echo(&self, host: Ipv4Addr) -> proto::PingOutcome {
        let echoes = u32::try_from(ECHOES).unwrap_or(u32::MAX);
        self.throttle.take(echoes, self.clock).await;
        self.ping.ping_address((host, 0).into()).await
    }

    async fn snmp(&self, host: Ipv4Addr) -> Option<Spoken> {
        let (port, name) = (self.wanted.port, host.to_string());
        let address = SocketAddr::from((host, port));
        let sought = Sought { host: &name, port, strict_source: false };
        let place = Host::at(sought, address, &self.throttle);
        let knocking = async {
            let told = told(address, KNOCKS, &self.throttle, self.clock).await;
            told.ok().flatten()
        };
        let (mut outcomes, told) = tokio::join!(self.communities(&place), knocking);
        let mut asked = Asked::Community;
        if told == Some(Told::SpeaksSnmp) && !outcomes.iter().any(works) {
            let of_users = self.users(&place).await?;
            if outcomes.is_empty() && !of_users.is_empty() {
                asked = Asked::User;
            }
            outcomes.extend(of_users);
        }
        Some(Spoken { host, port, outcomes, told, asked })
    }

    async fn communities(&self, host: &Host<'_>) -> Vec<proto::CredentialOutcome> {
        let over = sleep(NEVER);
        tokio::pin!(over);
        search(host, &self.wanted.communities, self.until, over, self.clock).await
    }

    /// Each name once, also where two candidates have it. `None`: the time was up.
    async fn users(&self, host: &Host<'_>) -> Option<Vec<proto::CredentialOutcome>> {
        let (mut outcomes, mut tried) = (Vec::new(), BTreeSet::new());
        for user in &self.wanted.users {
            let name = user.candidate.user.as_ref().map(|user| &user.name);
            let mut refused = user.refused.lock().await;
            if *refused >= REFUSED_MAX || !tried.insert(name) {
                continue;
            }
            if self.is_late() {
                return None;
            }
            let outcome = attempt(host, &user.candidate, self.clock).await;
            *refused = refused_now(*refused, outcome.cause);
            let is_over = works(&outcome);
            outcomes.push(outcome);
            if is_over {
                break;
            }
        }
        Some(outcomes)
    }
}

fn works(outcome: &proto::CredentialOutcome) -> bool {
    outcome.cause == 0
}

/// Whether this is a cause that a device has told.
fn is_refusal(cause: u32) -> bool {
    let cause = Cause::from_wire(cause);
    cause.is_some_and(|cause| !is_silence(cause) && cause != Cause::NoCredential)
}

/// How many devices in a row have refused a user, after one more outcome: a silence says nothing.
fn refused_now(before: u32, cause: u32) -> u32 {
    match cause {
        0 => 0,
        cause if is_refusal(cause) => before.saturating_add(1),
        _ => before,
    }
}

impl Spoken {
    /// `None` where nobody has answered anything.
    fn told(mut self, ping: proto::PingOutcome) -> Option<proto::ScannedHost> {
        let works = self.outcomes.iter().position(works).map(|at| self.outcomes.swap_remove(at));
        let refusal = self.outcomes.iter().find(|outcome| is_refusal(outcome.cause));
        // A firewall may speak for addresses that nobody has.
        let is_there = ping.received > 0
            || works.is_some()
            || refusal.is_some()
            || matches!(self.told, Some(Told::SpeaksSnmp | Told::Closed));
        if !is_there {
            return None;
        }
        let (cause, advice) = match (&works, refusal) {
            (Some(_), _) => (0, String::new()),
            (None, Some(refusal)) => (refusal.cause, refusal.advice.clone()),
            (None, None) => {
                let silence = match self.told {
                    Some(Told::SpeaksSnmp) => Silence::CredentialIgnored,
                    Some(Told::Closed) => Silence::PortClosed,
                    Some(Told::Filtered) => Silence::Filtered,
                    None => Silence::HostAnswers,
                };
                let silent = NoAnswer { silence, asked: self.asked, port: self.port };
                (Cause::Timeout as u32, silent.advice())
            }
        };
        let host = self.host.to_string();
        Some(proto::ScannedHost { host, ping: Some(ping), works, cause, advice })
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
