//! Finds the credential a device takes, and says of the others what is wrong with them.
//!
//! - **In:** a host and candidates, in the order they are to be tried.
//! - **Out:** an outcome for each up to the first that works.
//! - **Bound:** [`CANDIDATES_MAX`] candidates, one question on the way, 3 seconds for each, and the
//!   caller's limit for all.
//! - **When full:** candidates beyond a bound are not tried.
//! - **On crash:** nothing is kept.
//!
//! Every candidate begins anew, with a socket and a dialog of its own, so that nothing of one is
//! taken for an answer to another. A community is tried over v2c and then v1.

mod access;
mod dialog;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::sample::Cause;
use farwatch_proto::v1 as proto;
use tokio::net::UdpSocket;
use tokio::time::timeout;

pub(crate) use self::access::access;
use self::dialog::{Dialog, Identity, Told};
use super::engine::Moment;
use super::probe::ProbeFailure;
use super::{Access, SnmpVersion};

/// Most candidates of one search: more than a tenant has profiles for one kind of gear.
pub const CANDIDATES_MAX: usize = 64;
/// Time-outs of a question and its one repetition. Both, over two versions, are below 3 seconds.
const TIMEOUTS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(850)];
/// For all questions of one version of one candidate.
const PATIENCE: Duration = Duration::from_millis(2800);
/// A name that takes longer to look up has no address.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest datagram of UDP.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Tries `candidates` one by one against `host`, until one works. None is begun later than `limit`
/// after the first; those that were not tried are absent.
pub async fn find(
    host: &str,
    port: u16,
    candidates: &[proto::CredentialCandidate],
    limit: Duration,
    clock: &Clock,
) -> Vec<proto::CredentialOutcome> {
    let started = clock.monotonic();
    let address = lookup(host, port).await;
    let mut outcomes = Vec::new();
    for candidate in candidates.iter().take(CANDIDATES_MAX) {
        if clock.monotonic().saturating_duration_since(started) > limit {
            break;
        }
        let outcome = attempt(address, candidate, clock).await;
        let works = outcome.cause == 0;
        outcomes.push(outcome);
        if works {
            break;
        }
    }
    outcomes
}

/// Whether a device answers to a credential.
pub(super) async fn answers(host: &str, port: u16, access: &Access, clock: &Clock) -> bool {
    match lookup(host, port).await {
        Some(address) => identify(address, access, clock).await.is_ok(),
        None => false,
    }
}

async fn lookup(host: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Some((ip, port).into());
    }
    let found = timeout(LOOKUP_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    found.ok()?.ok()?.next()
}

async fn attempt(
    address: Option<SocketAddr>,
    candidate: &proto::CredentialCandidate,
    clock: &Clock,
) -> proto::CredentialOutcome {
    let failed = |cause: Cause, advice: &str| proto::CredentialOutcome {
        id: candidate.id,
        cause: cause as u32,
        advice: advice.to_owned(),
        ..proto::CredentialOutcome::default()
    };
    let access = match access(candidate.community.as_ref(), candidate.user.as_ref()) {
        Ok(Access::Nothing) => Err("the candidate has neither a community nor a user"),
        checked => checked,
    };
    let access = match access {
        Ok(access) => access,
        Err(reason) => return failed(Cause::NoCredential, reason),
    };
    let Some(address) = address else {
        return failed(Cause::Unreachable, ProbeFailure(Cause::Unreachable).advice());
    };
    let mut last = Cause::Timeout;
    for access in ways(access) {
        match identify(address, &access, clock).await {
            Ok((identity, rtt)) => {
                return proto::CredentialOutcome {
                    id: candidate.id,
                    version: wire_version(&access) as i32,
                    rtt_us: u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX),
                    sys_name: identity.sys_name,
                    sys_descr: identity.sys_descr,
                    sys_object_id: identity.sys_object_id,
                    ..proto::CredentialOutcome::default()
                };
            }
            // That the other version is silent says less than a refusal.
            Err(Cause::Timeout) => {}
            Err(cause) => last = cause,
        }
    }
    failed(last, ProbeFailure(last).advice())
}

/// A community may be known over one version only.
fn ways(access: Access) -> Vec<Access> {
    match access {
        Access::Community { version: SnmpVersion::V2c, community } => {
            let over = |version| Access::Community { version, community: community.clone() };
            vec![over(SnmpVersion::V2c), over(SnmpVersion::V1)]
        }
        other => vec![other],
    }
}

fn wire_version(access: &Access) -> proto::SnmpVersion {
    match access {
        Access::Community { version: SnmpVersion::V1, .. } => proto::SnmpVersion::V1,
        Access::Community { version: SnmpVersion::V2c, .. } => proto::SnmpVersion::V2c,
        Access::User(_) => proto::SnmpVersion::V3,
        Access::Nothing => proto::SnmpVersion::Unspecified,
    }
}

/// Asks a device who it is; tells the round-trip time of the answer, or what is wrong.
async fn identify(
    address: SocketAddr,
    access: &Access,
    clock: &Clock,
) -> Result<(Identity, Duration), Cause> {
    let conversation = Conversation::open(address, access, clock).await;
    conversation.map_err(|_| Cause::Unreachable)?.run().await
}

/// One dialog over its own socket. It is not connected: gear with several addresses may answer from
/// another one than was asked.
struct Conversation<'a> {
    socket: UdpSocket,
    address: SocketAddr,
    dialog: Dialog,
    clock: &'a Clock,
    started: std::time::Instant,
    buffer: Vec<u8>,
}

impl<'a> Conversation<'a> {
    async fn open(address: SocketAddr, access: &Access, clock: &'a Clock) -> io::Result<Self> {
        let any: IpAddr = match address {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Ok(Self {
            socket: UdpSocket::bind((any, 0)).await?,
            address,
            dialog: Dialog::new(access, clock.now(), rand::random()),
            clock,
            started: clock.monotonic(),
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        })
    }

    fn passed(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(self.started)
    }

    fn now(&self) -> Moment {
        let mono_us = u64::try_from(self.passed().as_micros()).unwrap_or(u64::MAX);
        Moment { mono_us, wall: self.clock.now() }
    }

    async fn run(mut self) -> Result<(Identity, Duration), Cause> {
        let mut attempt = 0;
        while let Some(limit) = TIMEOUTS.get(attempt) {
            let until = (self.passed() + *limit).min(PATIENCE);
            let now = self.now();
            let question = self.dialog.question(now)?;
            let sent = self.socket.send_to(question, self.address).await;
            sent.map_err(|_| Cause::Unreachable)?;
            match self.hear(until).await {
                Some(Told::Identity(identity, asked_us)) => {
                    let rtt_us = self.now().mono_us.saturating_sub(asked_us);
                    return Ok((identity, Duration::from_micros(rtt_us)));
                }
                Some(Told::Failed(cause)) => return Err(cause),
                Some(Told::AskAgain) => attempt = 0,
                None => attempt += 1,
            }
        }
        Err(self.dialog.silent())
    }

    /// Waits for something that counts, until that much time has passed since the start.
    async fn hear(&mut self, until: Duration) -> Option<Told> {
        loop {
            let left = until.checked_sub(self.passed())?;
            let received = timeout(left, self.socket.recv_from(&mut self.buffer)).await.ok()?;
            // An ICMP error of an earlier datagram; the time-out tells of it.
            let Ok((length, _)) = received else { continue };
            let now = self.now();
            let datagram = self.buffer.get(..length).unwrap_or_default();
            if let Some(told) = self.dialog.hear(datagram, now) {
                return Some(told);
            }
        }
    }
}
