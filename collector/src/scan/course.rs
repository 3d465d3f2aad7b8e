//! Core: which addresses are asked next, what an agent's answer means, and what is told at the end.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::Cause;
use farwatch_common::scan::{HOSTS_MAX, REFUSED_MAX, REFUSER_BYTES_MAX, REFUSERS_MAX};
use farwatch_proto::v1 as proto;

use super::{Candidate, Host, Works};
use crate::command::told_text;
use crate::inventory::snmp::{Credential, Kind, version_sent};

/// What the packets of a chunk may take of the time that a command has; the rest is for the answers.
const CHUNK_S: u32 = 8;
/// Echo requests and knocks at a port, of a host that is silent.
const PACKETS_OF_HOST: u32 = 7;
/// A community is asked for over two versions, and each question is repeated once.
const PACKETS_OF_COMMUNITY: u32 = 4;
/// Discovery, the question in time, and a repetition of each.
const PACKETS_OF_USER: u32 = 6;

/// How far a scan is, and all that is known of it besides its hosts.
pub(super) struct Course {
    /// The next one last.
    left: Vec<Ipv4Addr>,
    chunk: usize,
    candidates: Vec<Candidate>,
    /// Profiles that were too many to be tried.
    left_out: usize,
    /// By the place of the candidate.
    refused: BTreeMap<i64, Refused>,
    asked: u32,
    told: Told,
}

/// What has become of a user.
#[derive(Default)]
struct Refused {
    /// Devices in a row.
    in_a_row: u32,
    by: BTreeSet<Vec<u8>>,
}

/// Hosts, and what else is told of all of them.
#[derive(Default)]
struct Told {
    answered: u32,
    by_snmp: u32,
    watched: u32,
    not_asked: u32,
    /// At which not every credential was tried.
    in_part: u32,
    /// Why there is one that was sent no echo requests.
    no_echo: Option<NoEcho>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NoEcho {
    Forbidden,
    Crowded,
}

impl NoEcho {
    fn of(cause: u32) -> Option<Self> {
        match Cause::from_wire(cause) {
            Some(Cause::NotPermitted) => Some(Self::Forbidden),
            _ => (cause != 0).then_some(Self::Crowded),
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Forbidden => {
                "The agent may not send echo requests: who does not speak SNMP was not found."
            }
            Self::Crowded => {
                "The agent had too many echo requests to send: of some hosts it is not known whether \
                 they answer any."
            }
        }
    }
}

impl Course {
    pub(super) fn new(
        hosts: Vec<Ipv4Addr>,
        (candidates, left_out): (Vec<Candidate>, usize),
        packets_per_second: u32,
    ) -> Self {
        let mut left = hosts;
        left.reverse();
        let packets = candidates.iter().map(|one| match one.credential.kind() {
            Kind::Community => PACKETS_OF_COMMUNITY,
            Kind::User => PACKETS_OF_USER,
        });
        let of_host = PACKETS_OF_HOST + packets.sum::<u32>();
        let chunk = (packets_per_second.saturating_mul(CHUNK_S) / of_host).max(1);
        let chunk = usize::try_from(chunk).unwrap_or(HOSTS_MAX).min(HOSTS_MAX);
        let (refused, asked, told) = (BTreeMap::new(), 0, Told::default());
        Self { left, chunk, candidates, left_out, refused, asked, told }
    }

    /// Addresses that were asked.
    pub(super) fn asked(&self) -> u32 {
        self.asked
    }

    /// The next ones; none at the end. They stay the next ones until they are [`taken`](Self::take).
    pub(super) fn next(&self) -> Vec<Ipv4Addr> {
        self.left.iter().rev().take(self.chunk).copied().collect()
    }

    pub(super) fn question(&self, port: u16, packets_per_second: u32) -> proto::ScanHosts {
        let candidates = (0..).zip(&self.candidates).map(|(id, one)| {
            let version = version_sent(one.version).unwrap_or_default();
            let (community, user) = one.credential.sent(version);
            let credential = Some(proto::CredentialCandidate { id, community, user });
            let (refused, refused_by) = match self.refused.get(&id) {
                Some(known) => (known.in_a_row, known.by.iter().cloned().collect()),
                None => (0, Vec::new()),
            };
            proto::ScanCandidate { credential, refused, refused_by }
        });
        proto::ScanHosts {
            hosts: self.next().iter().map(ToString::to_string).collect(),
            port: port.into(),
            candidates: candidates.collect(),
            packets_per_second,
        }
    }

    /// Takes the answer to the question: the hosts that were asked about, each once.
    pub(super) fn take(&mut self, answer: proto::ScanHostsResult) -> Vec<Host> {
        let proto::ScanHostsResult { hosts, not_asked, echo_cause, refused, watched } = answer;
        let chunk: BTreeSet<_> = self.next().into_iter().collect();
        let asked = chunk.len();
        self.left.truncate(self.left.len() - asked);
        let asked = u32::try_from(asked).unwrap_or(u32::MAX);
        self.asked += asked;
        self.told.not_asked += not_asked.min(asked);
        if self.told.no_echo != Some(NoEcho::Forbidden) {
            self.told.no_echo = NoEcho::of(echo_cause).or(self.told.no_echo);
        }
        for one in refused {
            self.take_refused(one);
        }
        let mut known = BTreeMap::new();
        let in_chunk = |host: &str| host.parse().ok().filter(|address| chunk.contains(address));
        for proto::WatchedHost { host, device_id } in watched {
            let Some(address) = in_chunk(&host) else { continue };
            let device = Some(DeviceId(device_id));
            known.insert(address, Host { watched: true, device, ..Host::at(address) });
        }
        for host in hosts {
            let Some(address) = in_chunk(&host.host) else { continue };
            let Entry::Vacant(place) = known.entry(address) else { continue };
            self.told.in_part += u32::from(host.not_all_tried && host.works.is_none());
            place.insert(self.host(address, host));
        }
        let hosts: Vec<_> = known.into_values().collect();
        let count = |is: fn(&Host) -> bool| {
            u32::try_from(hosts.iter().filter(|host| is(host)).count()).unwrap_or(u32::MAX)
        };
        self.told.watched += count(|host| host.watched);
        self.told.answered += count(|host| !host.watched);
        self.told.by_snmp += count(|host| host.works.is_some());
        hosts
    }

    fn take_refused(&mut self, told: proto::UserRefused) {
        let proto::UserRefused { id, refused, by } = told;
        if self.candidate(id).is_none() {
            return;
        }
        let known = self.refused.entry(id).or_default();
        known.in_a_row = refused;
        for device in by.into_iter().filter(|device| device.len() <= REFUSER_BYTES_MAX) {
            if known.by.len() < REFUSERS_MAX {
                known.by.insert(device);
            }
        }
    }

    fn candidate(&self, id: i64) -> Option<&Candidate> {
        self.candidates.get(usize::try_from(id).ok()?)
    }

    fn host(&self, address: Ipv4Addr, told: proto::ScannedHost) -> Host {
        let proto::ScannedHost { ping, works, cause, advice, .. } = told;
        let echo_us = ping.filter(|ping| ping.received > 0).map(|ping| ping.rtt_us);
        let known = works.filter(|works| works.cause == 0);
        let known = known.and_then(|works| Some((self.candidate(works.id)?, works)));
        let Some((candidate, works)) = known else {
            let cause = Cause::from_wire(cause).unwrap_or(Cause::Timeout);
            let cause = Some(cause.name().to_owned());
            return Host { echo_us, cause, advice: told_text(&advice), ..Host::at(address) };
        };
        let version = match (candidate.credential.kind(), works.version()) {
            (Kind::User, _) => "v3",
            (Kind::Community, proto::SnmpVersion::V1) => "v1",
            (Kind::Community, _) => "v2c",
        };
        Host {
            echo_us,
            works: Some(Works { profile: candidate.profile.clone(), version }),
            sys_name: told_text(&works.sys_name),
            sys_descr: told_text(&works.sys_descr),
            sys_object_id: told_text(&works.sys_object_id),
            up_since: (works.up_since_us > 0).then_some(Micros(works.up_since_us)),
            ..Host::at(address)
        }
    }

    /// Whether the agent tries this candidate no more. Which devices have refused a user it counts by the
    /// user's name, which several candidates may have.
    fn is_given_up(&self, id: i64, one: &Candidate) -> bool {
        let Some(name) = user_name(one) else { return false };
        let all = (0..).zip(&self.candidates);
        let namesakes = all.filter(|(_, other)| user_name(other) == Some(name));
        let refused = namesakes.filter_map(|(id, _)| self.refused.get(&id));
        let by: BTreeSet<_> = refused.flat_map(|known| &known.by).collect();
        let in_a_row = self.refused.get(&id).map_or(0, |known| known.in_a_row);
        in_a_row >= REFUSED_MAX || by.len() >= REFUSERS_MAX
    }

    /// What is told of a scan that has come to its end.
    pub(super) fn summary(&self) -> String {
        let Self { asked, told, .. } = self;
        let Told { answered, by_snmp, watched, not_asked, in_part, no_echo } = told;
        let asked = asked - watched;
        let addresses = if asked == 1 { "address" } else { "addresses" };
        let mut text =
            format!("{asked} {addresses} asked: {answered} answered, {by_snmp} of them over SNMP.");
        let mut say = |sentence: String| {
            text.push(' ');
            text.push_str(&sentence);
        };
        if *watched > 0 {
            say(format!("{watched} more were not asked, as the agent watches them already."));
        }
        if *not_asked > 0 {
            say(format!(
                "{not_asked} were not asked to the end, as answers took too long; scan them again."
            ));
        }
        if *in_part > 0 {
            say(format!(
                "There was no time to try every credential at {in_part} of those that answered: scan \
                 such an address alone."
            ));
        }
        if let Some(no_echo) = no_echo {
            say(no_echo.sentence().to_owned());
        }
        if self.candidates.is_empty() {
            say("There was no credential profile to try: make one, and scan again.".into());
        }
        match self.left_out {
            0 => {}
            1 => say("1 more profile was not tried: name it in another scan.".into()),
            more => say(format!("{more} more profiles were not tried: name them in another scan.")),
        }
        for (id, one) in (0..).zip(&self.candidates) {
            if self.is_given_up(id, one) {
                let name = &one.profile.name;
                say(format!(
                    "The user of «{name}» was tried no more, lest devices lock it out: they have \
                     refused it again and again."
                ));
            }
        }
        text
    }
}

fn user_name(candidate: &Candidate) -> Option<&str> {
    match &candidate.credential {
        Credential::User(user) => Some(&user.name),
        Credential::Community(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::CredentialId;

    use super::*;
    use crate::inventory::Named;
    use crate::inventory::snmp::User;

    fn community(name: &str) -> Candidate {
        let profile = Named { id: CredentialId(1), name: name.to_owned() };
        Candidate { profile, version: "v2c", credential: "a-secret".into() }
    }

    fn user(name: &str) -> Candidate {
        let user = User { name: "ops".into(), auth: None, privacy: None, context: String::new() };
        Candidate { version: "v3", credential: Credential::User(user), ..community(name) }
    }

    fn hosts(count: u32) -> Vec<Ipv4Addr> {
        (0..count).map(|at| Ipv4Addr::from_bits(0x0a00_0001 + at)).collect()
    }

    fn found(host: &str) -> proto::ScannedHost {
        proto::ScannedHost { host: host.to_owned(), cause: 1, ..proto::ScannedHost::default() }
    }

    #[test]
    fn chunks_are_as_large_as_the_rate_allows_and_in_order() {
        let chunk = |candidates: usize, rate| {
            let candidates = vec![community("c"); candidates];
            Course::new(hosts(4096), (candidates, 0), rate).next().len()
        };
        assert_eq!(chunk(1, 100), HOSTS_MAX);
        assert_eq!(chunk(16, 100), 11);
        assert_eq!(chunk(16, 20), 2);
        assert_eq!(chunk(16, 0), 1);
        let mut course = Course::new(hosts(40), (Vec::new(), 0), 100);
        assert_eq!(course.next(), hosts(32));
        course.take(proto::ScanHostsResult::default());
        assert_eq!((course.asked(), course.next()), (32, hosts(40)[32..].to_vec()));
        course.take(proto::ScanHostsResult::default());
        assert_eq!((course.asked(), course.next()), (40, Vec::new()));
        assert!(
            course.summary().starts_with("40 addresses asked: 0 answered, 0 of them over SNMP.")
        );
        assert!(course.summary().contains("no credential profile"));
    }

    #[test]
    fn what_an_agent_says_of_others_or_twice_is_not_taken_and_texts_are_cleaned() {
        let mut course = Course::new(hosts(2), (vec![community("all")], 0), 100);
        let works = |id: i64| proto::CredentialOutcome {
            id,
            version: proto::SnmpVersion::V1.into(),
            sys_name: "co\u{7}re\n".to_owned(),
            sys_descr: "x".repeat(100_000),
            up_since_us: -5,
            ..proto::CredentialOutcome::default()
        };
        let answer = proto::ScanHostsResult {
            hosts: vec![
                proto::ScannedHost { works: Some(works(0)), ..found("10.0.0.1") },
                found("10.0.0.1"),
                proto::ScannedHost { works: Some(works(77)), cause: 99_999, ..found("10.0.0.2") },
                found("10.0.0.3"),
                found("evil"),
            ],
            not_asked: u32::MAX,
            refused: vec![proto::UserRefused { id: 77, refused: 9, by: Vec::new() }],
            echo_cause: Cause::NotPermitted as u32,
            watched: vec![proto::WatchedHost { host: "10.0.0.9".to_owned(), device_id: 5 }],
        };
        let hosts = course.take(answer);
        let [first, second] = &hosts[..] else { panic!("{hosts:?}") };
        assert_eq!(first.works.as_ref().map(|works| works.version), Some("v1"));
        assert_eq!(first.sys_name.as_deref(), Some("co re"));
        assert_eq!((first.sys_descr.as_ref().unwrap().len(), first.up_since), (512, None));
        assert_eq!((&second.works, second.cause.as_deref()), (&None, Some("timeout")));
        let told = course.summary();
        assert!(told.starts_with("2 addresses asked: 2 answered, 1 of them over SNMP. 2 were not"));
        assert!(
            told.contains("may not send echo requests") && !told.contains("tried no more"),
            "{told}"
        );
    }

    #[test]
    fn a_user_that_is_given_up_stays_so_and_is_told() {
        let mut course = Course::new(hosts(70), (vec![community("all"), user("Ops v3")], 0), 500);
        let refused = |id, refused, by: &[&[u8]]| {
            let by = by.iter().map(|device| device.to_vec()).collect();
            let refused = vec![proto::UserRefused { id, refused, by }];
            proto::ScanHostsResult { refused, ..proto::ScanHostsResult::default() }
        };
        let long = [0; REFUSER_BYTES_MAX + 1];
        course.take(refused(1, 2, &[b"router", b"switch", &long]));
        let question = course.question(161, 100);
        let told: Vec<_> = question.candidates.iter().map(|one| one.refused).collect();
        assert_eq!((told, question.hosts.len()), (vec![0, 2], 32));
        let by = &question.candidates[1].refused_by;
        assert_eq!(*by, [b"router".to_vec(), b"switch".to_vec()], "what is no name is left out");
        assert!(!course.summary().contains("Ops v3"));
        course.take(refused(1, 3, &[b"router"]));
        assert_eq!(course.question(161, 100).candidates[1].refused_by.len(), 2);
        let told = course.summary();
        assert!(told.contains("«Ops v3» was tried no more"), "{told}");
    }

    #[test]
    fn what_is_remembered_of_refusals_is_bounded_and_then_the_user_is_given_up() {
        let mut course = Course::new(hosts(70), (vec![user("Ops v3")], 0), 500);
        let by = (0..2 * REFUSERS_MAX).map(|at| at.to_be_bytes().to_vec()).collect();
        let refused = vec![proto::UserRefused { id: 0, refused: 0, by }];
        course.take(proto::ScanHostsResult { refused, ..proto::ScanHostsResult::default() });
        assert_eq!(course.question(161, 100).candidates[0].refused_by.len(), REFUSERS_MAX);
        assert!(course.summary().contains("was tried no more"));
    }

    #[test]
    fn refusals_of_one_user_count_together_where_two_profiles_have_it() {
        let candidates = vec![user("Ops old"), user("Ops new"), community("all")];
        let mut course = Course::new(hosts(70), (candidates, 0), 500);
        let refused = |devices: std::ops::Range<usize>, id| {
            let by = devices.map(|at| at.to_be_bytes().to_vec()).collect();
            let refused = vec![proto::UserRefused { id, refused: 0, by }];
            proto::ScanHostsResult { refused, ..proto::ScanHostsResult::default() }
        };
        let half = REFUSERS_MAX / 2;
        course.take(refused(0..half, 0));
        course.take(refused(1..half, 1));
        assert!(!course.summary().contains("tried no more"), "some are the same");
        course.take(refused(half..REFUSERS_MAX, 1));
        let told = course.summary();
        assert!(told.contains("«Ops old» was tried") && told.contains("«Ops new» was"), "{told}");
        assert!(!told.contains("«all»"), "{told}");
    }

    #[test]
    fn what_was_not_done_is_told() {
        let told = |answer: proto::ScanHostsResult, left_out| {
            let mut course = Course::new(hosts(3), (vec![community("all")], left_out), 100);
            let hosts = course.take(answer);
            (course.summary(), hosts)
        };
        let nothing = proto::ScanHostsResult::default;
        assert!(!told(nothing(), 0).0.contains("not tried"));
        assert!(told(nothing(), 1).0.contains("1 more profile was not tried"));
        assert!(told(nothing(), 3).0.contains("3 more profiles were not tried: name them"));
        let crowded = Cause::Budget as u32;
        let text = told(proto::ScanHostsResult { echo_cause: crowded, ..nothing() }, 0).0;
        assert!(text.contains("too many echo requests"), "{text}");
        let in_part = proto::ScannedHost { not_all_tried: true, ..found("10.0.0.2") };
        let watched = |host: &str| proto::WatchedHost { host: host.to_owned(), device_id: 5 };
        let answer = proto::ScanHostsResult {
            hosts: vec![found("10.0.0.1"), in_part],
            watched: vec![watched("10.0.0.1"), watched("10.9.9.9")],
            ..nothing()
        };
        let (text, hosts) = told(answer, 0);
        assert!(text.starts_with("2 addresses asked: 1 answered, 0 of them over SNMP."), "{text}");
        assert!(text.contains("1 more were not asked, as the agent watches"), "{text}");
        assert!(text.contains("no time to try every credential at 1 of those"), "{text}");
        let known: Vec<_> = hosts.iter().map(|host| (host.watched, host.device)).collect();
        assert_eq!(known, [(true, Some(DeviceId(5))), (false, None)]);
    }
}
