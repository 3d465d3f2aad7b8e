//! Core: which addresses are asked next, what an agent's answer means, and what is told at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Cause;
use farwatch_proto::v1 as proto;

use super::{Candidate, Host, Works};
use crate::command::told_text;
use crate::inventory::snmp::{Kind, version_sent};

/// Addresses of one chunk.
pub(super) const CHUNK_MAX: usize = 32;
/// What the packets of a chunk may take of the time that a command has; the rest is for the answers.
const CHUNK_S: u32 = 8;
/// Echo requests and knocks at a port, of a host that is silent.
const PACKETS_OF_HOST: u32 = 7;
/// A community is asked for over two versions, and each question is repeated once.
const PACKETS_OF_COMMUNITY: u32 = 4;
/// Discovery, the question in time, and a repetition of each.
const PACKETS_OF_USER: u32 = 6;
/// Devices in a row that may refuse a user (the agent counts to the same number).
const REFUSED_MAX: u32 = 3;

/// How far a scan is, and all that is known of it besides its hosts.
pub(super) struct Course {
    /// The next one last.
    left: Vec<Ipv4Addr>,
    chunk: usize,
    candidates: Vec<Candidate>,
    /// By the place of the candidate.
    refused: BTreeMap<i64, u32>,
    asked: u32,
    answered: u32,
    by_snmp: u32,
    not_asked: u32,
    no_echo: bool,
}

impl Course {
    pub(super) fn new(
        hosts: Vec<Ipv4Addr>,
        candidates: Vec<Candidate>,
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
        let chunk = usize::try_from(chunk).unwrap_or(CHUNK_MAX).min(CHUNK_MAX);
        let (refused, asked) = (BTreeMap::new(), 0);
        let (answered, by_snmp, not_asked, no_echo) = (0, 0, 0, false);
        Self { left, chunk, candidates, refused, asked, answered, by_snmp, not_asked, no_echo }
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
            proto::ScanCandidate { credential, refused: self.refused_by(id) }
        });
        proto::ScanHosts {
            hosts: self.next().iter().map(ToString::to_string).collect(),
            port: port.into(),
            candidates: candidates.collect(),
            packets_per_second,
        }
    }

    fn refused_by(&self, candidate: i64) -> u32 {
        self.refused.get(&candidate).copied().unwrap_or(0)
    }

    /// Takes the answer to the question: the hosts that were asked about, each once.
    pub(super) fn take(&mut self, answer: proto::ScanHostsResult) -> Vec<Host> {
        let proto::ScanHostsResult { hosts, not_asked, echo_cause, refused } = answer;
        let chunk: BTreeSet<_> = self.next().into_iter().collect();
        let asked = chunk.len();
        self.left.truncate(self.left.len() - asked);
        let asked = u32::try_from(asked).unwrap_or(u32::MAX);
        self.asked += asked;
        self.not_asked += not_asked.min(asked);
        self.no_echo |= echo_cause != 0;
        for one in refused {
            if self.candidate(one.id).is_some() {
                self.refused.insert(one.id, one.refused);
            }
        }
        let mut known = BTreeMap::new();
        for host in hosts {
            let Ok(address) = host.host.parse() else { continue };
            if chunk.contains(&address) && !known.contains_key(&address) {
                known.insert(address, self.host(address, host));
            }
        }
        let hosts: Vec<_> = known.into_values().collect();
        let count = |hosts: usize| u32::try_from(hosts).unwrap_or(u32::MAX);
        self.answered += count(hosts.len());
        self.by_snmp += count(hosts.iter().filter(|host| host.works.is_some()).count());
        hosts
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

    /// What is told of a scan that has come to its end.
    pub(super) fn summary(&self) -> String {
        let Self { asked, answered, by_snmp, not_asked, .. } = self;
        let addresses = if *asked == 1 { "address" } else { "addresses" };
        let mut text =
            format!("{asked} {addresses} asked: {answered} answered, {by_snmp} of them over SNMP.");
        let mut say = |sentence: String| {
            text.push(' ');
            text.push_str(&sentence);
        };
        if *not_asked > 0 {
            say(format!(
                "{not_asked} were not asked to the end, as answers took too long; scan them again."
            ));
        }
        if self.no_echo {
            say("The agent may not send echo requests: who does not speak SNMP was not found."
                .into());
        }
        if self.candidates.is_empty() {
            say("There was no credential profile to try: make one, and scan again.".into());
        }
        for (id, one) in (0..).zip(&self.candidates) {
            if self.refused_by(id) >= REFUSED_MAX {
                let name = &one.profile.name;
                say(format!(
                    "The user of «{name}» was tried no more after {REFUSED_MAX} devices in a row had \
                     refused it, lest they lock it out."
                ));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::CredentialId;

    use super::*;
    use crate::inventory::Named;
    use crate::inventory::snmp::{Credential, User};

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
            Course::new(hosts(4096), candidates, rate).next().len()
        };
        assert_eq!(chunk(1, 100), CHUNK_MAX);
        assert_eq!(chunk(16, 100), 11);
        assert_eq!(chunk(16, 20), 2);
        assert_eq!(chunk(16, 0), 1);
        let mut course = Course::new(hosts(40), Vec::new(), 100);
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
        let mut course = Course::new(hosts(2), vec![community("all")], 100);
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
            refused: vec![proto::UserRefused { id: 77, refused: 9 }],
            echo_cause: 9,
        };
        let hosts = course.take(answer);
        let [first, second] = &hosts[..] else { panic!("{hosts:?}") };
        assert_eq!(first.works.as_ref().map(|works| works.version), Some("v1"));
        assert_eq!(first.sys_name.as_deref(), Some("co re"));
        assert_eq!((first.sys_descr.as_ref().unwrap().len(), first.up_since), (512, None));
        assert_eq!((&second.works, second.cause.as_deref()), (&None, Some("timeout")));
        let told = course.summary();
        assert!(told.starts_with("2 addresses asked: 2 answered, 1 of them over SNMP. 2 were not"));
        assert!(told.contains("echo requests") && !told.contains("tried no more"), "{told}");
    }

    #[test]
    fn a_user_that_is_given_up_stays_so_and_is_told() {
        let mut course = Course::new(hosts(70), vec![community("all"), user("Ops v3")], 500);
        let refused = |id, refused| proto::ScanHostsResult {
            refused: vec![proto::UserRefused { id, refused }],
            ..proto::ScanHostsResult::default()
        };
        course.take(refused(1, 2));
        let question = course.question(161, 100);
        let told: Vec<_> = question.candidates.iter().map(|one| one.refused).collect();
        assert_eq!((told, question.hosts.len()), (vec![0, 2], 32));
        assert!(!course.summary().contains("Ops v3"));
        course.take(refused(1, 3));
        let told = course.summary();
        assert!(told.contains("«Ops v3» was tried no more after 3 devices"), "{told}");
    }
}
