//! Finds the credential a device takes, and says of the others what is wrong with them.
//!
//! - **In:** a host and candidates, in the order of preference.
//! - **Out:** an outcome for each up to the first that works.
//! - **Bound:** [`CANDIDATES_MAX`] candidates, some at a time ([`turns`]), [`ADDRESSES_MAX`] addresses, 3
//!   seconds for each dialog, and the caller's limits for all.
//! - **When full:** candidates beyond a bound are not tried, nor to their end if the time is up.
//! - **On crash:** nothing is kept.
//!
//! Every dialog has a socket of its own, so that nothing of one is taken for an answer to another. A
//! community is tried over v2c and v1 and at all addresses at the same time. A user of SNMPv3 is tried at
//! one address after the other, until one answers: they are most likely one device, which counts.

mod access;
mod conversation;
mod dialog;
mod turns;

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use farwatch_common::sample::Cause;
use farwatch_proto::v1 as proto;
use futures_util::StreamExt as _;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use tokio::time::sleep;

pub(crate) use self::access::access;
use self::conversation::identify;
use self::dialog::Identity;
use self::turns::Turns;
use super::names::{is_silence, nowhere, shown};
use super::probe::{Asked, ProbeFailure};
use super::resolve::lookup_now;
use super::throttle::Throttle;
use super::{Access, SnmpVersion};

/// Most candidates of one search: more than a tenant has profiles for one kind of gear.
pub const CANDIDATES_MAX: usize = 64;
/// Addresses of one name that are tried; a user's silence at all takes some 5 seconds.
const ADDRESSES_MAX: usize = 4;
/// No search is longer.
const BEGUN_WITHIN_MAX: Duration = Duration::from_secs(3600);

/// One search asks one host, and few questions at a time.
static UNLIMITED: Throttle = Throttle::unlimited();

/// The time for a search, from its start.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// No candidate is begun later.
    pub begun_within: Duration,
    /// What is known then is told.
    pub ended_within: Duration,
}

/// Who is searched.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// IP address or host name.
    pub host: &'a str,
    pub port: u16,
    /// An answer from another address than was asked is not taken.
    pub strict_source: bool,
}

/// Tries `candidates` against `sought`. Those that were not tried to their end, or stand behind one that
/// works, are absent.
pub async fn find(
    sought: Sought<'_>,
    candidates: &[proto::CredentialCandidate],
    limits: Limits,
    clock: &Clock,
) -> Vec<proto::CredentialOutcome> {
    let started = clock.monotonic();
    let over = sleep(limits.ended_within);
    tokio::pin!(over);
    let host = tokio::select! {
        addresses = lookup_now(sought.host, sought.port) => Host::of(sought, addresses),
        () = &mut over => return Vec::new(),
    };
    let candidates = candidates.get(..CANDIDATES_MAX).unwrap_or(candidates);
    let until = started + limits.begun_within.min(BEGUN_WITHIN_MAX);
    search(&host, candidates, until, over, clock).await
}

/// Tries `candidates` at a host; none is begun after `until`, and `over` ends it.
pub(super) async fn search(
    host: &Host<'_>,
    candidates: &[proto::CredentialCandidate],
    until: Instant,
    over: impl Future<Output = ()>,
    clock: &Clock,
) -> Vec<proto::CredentialOutcome> {
    tokio::pin!(over);
    let users = candidates.iter().map(|one| one.user.as_ref().map(|user| &user.name[..]));
    let mut turns = Turns::new(users.collect());
    let mut outcomes = vec![None; candidates.len()];
    #[expect(clippy::disallowed_methods, reason = "Turns bounds what is in it")]
    let mut under_way = FuturesUnordered::new();
    loop {
        while clock.monotonic() <= until
            && let Some(place) = turns.next()
            && let Some(candidate) = candidates.get(place)
        {
            let attempt = attempt(host, candidate, clock);
            under_way.push(async move { (place, attempt.await) });
        }
        if turns.is_over() {
            break;
        }
        let (place, outcome) = tokio::select! {
            Some(ended) = under_way.next() => ended,
            // One that is slow must not cost the outcomes of the others.
            () = &mut over => break,
            else => break,
        };
        turns.ended(place, outcome.cause == 0);
        if let Some(known) = outcomes.get_mut(place) {
            *known = Some(outcome);
        }
    }
    outcomes.into_iter().take(turns.counting()).flatten().collect()
}

/// Whether a device answers to a credential.
pub(super) async fn answers(host: &str, port: u16, access: &Access, clock: &Clock) -> bool {
    let addresses = lookup_now(host, port).await;
    let host = Host::of(Sought { host, port, strict_source: false }, addresses);
    ask(&host, vec![access.clone()], clock).await.is_ok()
}

/// The addresses of what is searched.
pub(super) struct Host<'a> {
    sought: Sought<'a>,
    addresses: Vec<SocketAddr>,
    /// One has answered: there it is.
    heard: OnceLock<SocketAddr>,
    throttle: &'a Throttle,
}

impl<'a> Host<'a> {
    fn of(sought: Sought<'a>, mut addresses: Vec<SocketAddr>) -> Self {
        addresses.truncate(ADDRESSES_MAX);
        Self { sought, addresses, heard: OnceLock::new(), throttle: &UNLIMITED }
    }

    /// An address, to which no more is sent than `throttle` lets through.
    pub(super) fn at(sought: Sought<'a>, address: SocketAddr, throttle: &'a Throttle) -> Self {
        Self { throttle, ..Self::of(sought, vec![address]) }
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.heard.get().map_or_else(|| self.addresses.clone(), |address| vec![*address])
    }
}

pub(super) async fn attempt(
    host: &Host<'_>,
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
    let asked = Asked::with(&access);
    match ask(host, ways(access), clock).await {
        Ok(found) => proto::CredentialOutcome {
            id: candidate.id,
            version: found.version as i32,
            rtt_us: u32::try_from(found.rtt.as_micros()).unwrap_or(u32::MAX),
            sys_name: found.identity.sys_name,
            sys_descr: found.identity.sys_descr,
            sys_object_id: found.identity.sys_object_id,
            address: shown(found.address, host.sought.host),
            up_since_us: found.identity.uptime_cs.map_or(0, |uptime| up_since(uptime, clock)),
            ..proto::CredentialOutcome::default()
        },
        Err((cause, address)) => proto::CredentialOutcome {
            address: address.map(|at| shown(at, host.sought.host)).unwrap_or_default(),
            ..failed(cause, ProbeFailure { cause, asked }.advice())
        },
    }
}

/// When a device was started whose sysUpTime, in hundredths of a second, came now.
fn up_since(uptime_cs: u64, clock: &Clock) -> i64 {
    clock.now().before(Duration::from_millis(uptime_cs.saturating_mul(10))).0
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

struct Found {
    identity: Identity,
    rtt: Duration,
    version: proto::SnmpVersion,
    address: SocketAddr,
}

/// Why no way led to an identity, and which address said so, if one did.
type Missed = (Cause, Option<SocketAddr>);

/// Asks in all `ways`; the first that is answered counts.
async fn ask(host: &Host<'_>, ways: Vec<Access>, clock: &Clock) -> Result<Found, Missed> {
    let is_user = ways.iter().any(|way| matches!(way, Access::User(_)));
    let addresses = host.addresses();
    let mut tries = Vec::new();
    for way in ways {
        tries.extend(addresses.iter().map(|address| (way.clone(), *address)));
    }
    let at_once = if is_user { 1 } else { tries.len() };
    let mut tries = tries.into_iter().map(|(way, address)| one(host, way, address, clock));
    let mut asked: FuturesOrdered<_> = tries.by_ref().take(at_once).collect();
    let no_way = if addresses.is_empty() { nowhere(host.sought.host) } else { Cause::Unreachable };
    let mut missed = (no_way, None);
    while let Some((address, outcome)) = asked.next().await {
        match outcome {
            Ok(found) => {
                let _ = host.heard.set(address);
                return Ok(found);
            }
            // That one way is silent says less than a refusal of another.
            Err(silent) if is_silence(silent.0) => {
                if loudness(silent.0) > loudness(missed.0) {
                    missed = silent;
                }
            }
            Err((cause, _)) => {
                let _ = host.heard.set(address);
                missed = (cause, Some(address));
                if is_user {
                    break;
                }
            }
        }
        asked.extend(tries.next());
    }
    Err(missed)
}

/// How much of somebody there is in a silence: nobody to send to, nobody who answers, somebody
/// elsewhere. More than in all of them is in a refusal.
fn loudness(cause: Cause) -> u8 {
    match cause {
        Cause::Unreachable | Cause::Unresolved | Cause::NoInterface => 0,
        Cause::Timeout => 1,
        Cause::OtherSource => 2,
        _ => 3,
    }
}

async fn one(
    host: &Host<'_>,
    way: Access,
    address: SocketAddr,
    clock: &Clock,
) -> (SocketAddr, Result<Found, Missed>) {
    let tools = (host.throttle, clock);
    let found = identify((address, host.sought.strict_source), &way, tools).await;
    let version = wire_version(&way);
    (address, found.map(|(identity, rtt)| Found { identity, rtt, version, address }))
}

#[cfg(test)]
mod tests {
    use farwatch_common::secret::Secret;
    use tokio::net::UdpSocket;

    use super::*;

    const COMMUNITY: &str = "c";
    /// Where the type of the PDU stands in a short question by this community.
    const PDU: usize = 8;
    const RESPONSE: u8 = 0xa2;
    const LOOPBACK: Sought<'_> = Sought { host: "127.0.0.1", port: 161, strict_source: false };

    fn community(text: &str) -> Access {
        Access::Community { version: SnmpVersion::V2c, community: Secret::from(text) }
    }

    /// Gives every question back as an answer without values: as one who may read nothing.
    async fn refuses(socket: UdpSocket) {
        let mut question = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut question).await.unwrap();
            question[PDU] = RESPONSE;
            socket.send_to(&question[..length], from).await.unwrap();
        }
    }

    #[tokio::test]
    async fn every_address_of_a_name_is_tried_until_one_answers() {
        let bind = || UdpSocket::bind("127.0.0.1:0");
        let (silent, there) = (bind().await.unwrap(), bind().await.unwrap());
        let answers = there.local_addr().unwrap();
        let host = Host::of(LOOPBACK, vec![silent.local_addr().unwrap(), answers]);
        let clock = Clock::system();
        let asked = async {
            let missed = ask(&host, ways(community(COMMUNITY)), &clock).await.err().unwrap();
            assert_eq!(missed, (Cause::Auth, Some(answers)));
            // It is known now.
            let missed = ask(&host, vec![community("longer than that")], &clock).await.err();
            assert_eq!(missed.unwrap(), (Cause::Timeout, None));
            assert_eq!(host.addresses(), [answers]);
        };
        tokio::select! {
            () = refuses(there) => unreachable!("it answers for ever"),
            () = asked => {}
        }
    }

    /// Answers every question from the second socket.
    async fn answers_from(asked: UdpSocket, other: UdpSocket) {
        let mut question = [0; 1500];
        loop {
            let (length, from) = asked.recv_from(&mut question).await.unwrap();
            question[PDU] = RESPONSE;
            other.send_to(&question[..length], from).await.unwrap();
        }
    }

    #[tokio::test]
    async fn with_a_strict_source_an_answer_from_elsewhere_has_a_cause_of_its_own() {
        let asked = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let Ok(other) = UdpSocket::bind("127.0.0.2:0").await else {
            return println!("skipped: this system has one loopback address");
        };
        let (there, from) = (asked.local_addr().unwrap(), other.local_addr().unwrap());
        let clock = Clock::system();
        let searched = async {
            let strict = Sought { strict_source: true, ..LOOPBACK };
            let missed =
                ask(&Host::of(strict, vec![there]), ways(community(COMMUNITY)), &clock).await;
            assert_eq!(missed.err().unwrap(), (Cause::OtherSource, Some(from)));
            // Who has no strict source takes it: it may read nothing.
            let host = Host::of(LOOPBACK, vec![there]);
            let missed = ask(&host, vec![community(COMMUNITY)], &clock).await;
            assert_eq!(missed.err().unwrap(), (Cause::Auth, Some(there)));
        };
        tokio::select! {
            () = answers_from(asked, other) => unreachable!("it answers for ever"),
            () = searched => {}
        }
    }

    #[tokio::test]
    async fn a_host_without_an_address_has_no_name_or_no_interface() {
        for (host, cause) in
            [("no-such-host.invalid", Cause::Unresolved), ("fe80::1%no-such", Cause::NoInterface)]
        {
            let found = Host::of(Sought { host, ..LOOPBACK }, lookup_now(host, 161).await);
            let missed = ask(&found, ways(community(COMMUNITY)), &Clock::system()).await;
            assert_eq!(missed.err().unwrap(), (cause, None), "{host}");
        }
    }

    /// More than one after the other would be tried within the limit.
    #[tokio::test]
    async fn silent_communities_are_tried_beside_each_other() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let candidate = |id| {
            let community = format!("community-{id}").into_bytes();
            let version = proto::SnmpVersion::V2c as i32;
            let community = Some(proto::SnmpCommunity { version, community });
            proto::CredentialCandidate { id, community, user: None }
        };
        let candidates: Vec<_> = (0..8).map(candidate).collect();
        let port = silent.local_addr().unwrap().port();
        let limits = Limits { begun_within: Duration::from_secs(8), ended_within: Duration::MAX };
        let clock = Clock::system();
        let outcomes = find(Sought { port, ..LOOPBACK }, &candidates, limits, &clock).await;
        assert_eq!(outcomes.len(), candidates.len());
        assert!(outcomes.iter().all(|outcome| outcome.cause == Cause::Timeout as u32));
    }

    /// The device is silent: what is asked of it has no outcome yet when the time is up.
    #[tokio::test]
    async fn what_is_known_is_told_when_the_time_is_up() {
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let version = proto::SnmpVersion::V2c as i32;
        let community = Some(proto::SnmpCommunity { version, community: b"c".to_vec() });
        let asked = proto::CredentialCandidate { id: 1, community, user: None };
        let empty = proto::CredentialCandidate { id: 2, community: None, user: None };
        let limits =
            Limits { begun_within: Duration::MAX, ended_within: Duration::from_millis(200) };
        let port = silent.local_addr().unwrap().port();
        let candidates = [asked, empty];
        let sought = Sought { port, ..LOOPBACK };
        let outcomes = find(sought, &candidates, limits, &Clock::system()).await;
        let told: Vec<_> = outcomes.iter().map(|one| (one.id, one.cause)).collect();
        assert_eq!(told, [(2, Cause::NoCredential as u32)]);
        silent.try_recv(&mut [0; 1500]).expect("the first was asked");
    }
}
