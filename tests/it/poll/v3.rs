//! SNMPv3 against Debian's snmpd: every pair of protocols it has, and every way to be wrong.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use farwatch_agent::poll::credential::{Limits, Sought, find};
use farwatch_agent::poll::engine::Settings;
use farwatch_agent::poll::probe::{Asked, ProbeFailure, probe};
use farwatch_agent::poll::{Access, PollError, SnmpUser, SnmpVersion, Target};
use farwatch_common::clock::Clock;
use farwatch_common::sample::{Cause, Group, Row};
use farwatch_common::secret::Secret;
use farwatch_proto::v1 as proto;
use farwatch_proto::v1::{CredentialCandidate, CredentialOutcome, SnmpAuth, SnmpPrivacy};
use farwatch_support::snmpd::{COMMUNITY, Snmpd};

use super::faults::{Polling, start_with, target};
use super::snmpd::lies_between;
use crate::snmpd::program;

const AUTH_PASSWORD: &str = "tests-only-auth";
const PRIVACY_PASSWORD: &str = "tests-only-priv";
/// For a search that is not cut short.
const LIMITS: Limits = within(Duration::from_secs(60));

/// None is begun later; those that are under way may end.
const fn within(begun_within: Duration) -> Limits {
    Limits { begun_within, ended_within: Duration::from_secs(60) }
}

/// With the names snmpd has for them.
const AUTHS: [(SnmpAuth, &str); 6] = [
    (SnmpAuth::Md5, "MD5"),
    (SnmpAuth::Sha1, "SHA"),
    (SnmpAuth::Sha224, "SHA-224"),
    (SnmpAuth::Sha256, "SHA-256"),
    (SnmpAuth::Sha384, "SHA-384"),
    (SnmpAuth::Sha512, "SHA-512"),
];
const PRIVACIES: [(SnmpPrivacy, &str); 6] = [
    (SnmpPrivacy::Des, "DES"),
    (SnmpPrivacy::Aes128, "AES"),
    (SnmpPrivacy::Aes192, "AES-192"),
    (SnmpPrivacy::Aes256, "AES-256"),
    (SnmpPrivacy::Aes192Cisco, "AES192C"),
    (SnmpPrivacy::Aes256Cisco, "AES256C"),
];

fn user(name: &str, auth: Option<SnmpAuth>, privacy: Option<SnmpPrivacy>) -> SnmpUser {
    SnmpUser {
        name: name.as_bytes().to_vec(),
        auth: auth.map(|auth| (auth, Secret::from(AUTH_PASSWORD))),
        privacy: privacy.map(|privacy| (privacy, Secret::from(PRIVACY_PASSWORD))),
        context: Vec::new(),
    }
}

fn asked_by(device: i64, address: SocketAddr, user: SnmpUser) -> Target {
    Target { access: Access::User(user), ..target(device, address, SnmpVersion::V2c, "") }
}

/// With the time-outs of an agent: what matters here is the cause, on a busy machine too.
fn start(targets: Vec<Target>) -> Polling {
    start_with(targets, 4096, Settings::default())
}

/// All users with authentication, and the lines that make them.
fn pairs() -> (Vec<SnmpUser>, String) {
    let mut users = Vec::new();
    let mut lines = String::new();
    for (auth, auth_name) in AUTHS {
        for (privacy, privacy_name) in PRIVACIES {
            let name = format!("{auth_name}-{privacy_name}");
            lines += &format!(
                "createUser {name} {auth_name} {AUTH_PASSWORD} {privacy_name} {PRIVACY_PASSWORD}\n\
                 rouser {name} priv\n"
            );
            users.push(user(&name, Some(auth), Some(privacy)));
        }
        lines += &format!(
            "createUser {auth_name} {auth_name} {AUTH_PASSWORD}\nrouser {auth_name} auth\n"
        );
        users.push(user(auth_name, Some(auth), None));
    }
    lines += "createUser open\nrouser open noauth\n";
    users.push(user("open", None, None));
    (users, lines)
}

/// Polled beside each other by one engine: their sessions do not mix.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_protocols_is_polled() {
    let Some(program) = program() else { return };
    let (users, lines) = pairs();
    let snmpd = Snmpd::start_with(program, &lines).await.unwrap();
    let targets: Vec<Target> =
        (1..).zip(&users).map(|(id, user)| asked_by(id, snmpd.address, user.clone())).collect();
    let mut polling = start(targets);
    for (id, user) in (1..).zip(&users) {
        let wanted = |row: &Row| row.device.0 == id && row.group == Group::Interfaces;
        let row = polling.row(wanted).await;
        let name = String::from_utf8_lossy(&user.name);
        assert_eq!(row.cause, None, "{name}");
        assert!(row.values.len() >= 14, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_by_v3() {
    let Some(program) = program() else { return };
    let (users, lines) = pairs();
    let snmpd = Snmpd::start_with(program, &lines).await.unwrap();
    for user in users.iter().filter(|user| {
        [&b"MD5-DES"[..], b"SHA-256-AES", b"SHA-512-AES256C", b"SHA", b"open"]
            .contains(&user.name.as_slice())
    }) {
        let asked = asked_by(1, snmpd.address, user.clone());
        lies_between(asked, snmpd.address, "2c").await;
    }
}

/// A user who may do everything, one without privacy, one without keys, and one whom nobody lets read.
const USERS: &str = "createUser full SHA-256 tests-only-auth AES tests-only-priv\n\
                     rouser full priv\n\
                     createUser half SHA-256 tests-only-auth\nrouser half auth\n\
                     createUser bare\nrouser bare noauth\n\
                     createUser none SHA-256 tests-only-auth AES tests-only-priv\n";

/// A community that v2c does not know.
const ONLY_V1: &str = "com2sec old 127.0.0.1 only-v1\ngroup olds v1 old\nview all included .1\n\
                       access olds \"\" v1 noauth exact all none none\n";

fn full() -> SnmpUser {
    user("full", Some(SnmpAuth::Sha256), Some(SnmpPrivacy::Aes128))
}

/// Every way to be wrong, and its name.
fn wrong() -> Vec<(SnmpUser, Cause)> {
    let auth = |protocol, password: &str| Some((protocol, Secret::from(password)));
    let privacy = |protocol, password: &str| Some((protocol, Secret::from(password)));
    let sha = SnmpAuth::Sha256;
    let aes = SnmpPrivacy::Aes128;
    vec![
        (SnmpUser { name: b"nobody".to_vec(), ..full() }, Cause::UnknownUser),
        (user("nobody", None, None), Cause::UnknownUser),
        (SnmpUser { auth: auth(sha, "some-other-word"), ..full() }, Cause::WrongAuth),
        (SnmpUser { auth: auth(SnmpAuth::Md5, AUTH_PASSWORD), ..full() }, Cause::WrongAuth),
        (SnmpUser { privacy: privacy(aes, "some-other-word"), ..full() }, Cause::WrongPrivacy),
        (
            SnmpUser { privacy: privacy(SnmpPrivacy::Des, PRIVACY_PASSWORD), ..full() },
            Cause::WrongPrivacy,
        ),
        (SnmpUser { name: b"half".to_vec(), ..full() }, Cause::WrongLevel),
        (user("bare", Some(sha), None), Cause::WrongLevel),
        (user("bare", Some(sha), Some(aes)), Cause::WrongLevel),
        (SnmpUser { privacy: None, ..full() }, Cause::LevelTooLow),
        (SnmpUser { auth: None, privacy: None, ..full() }, Cause::LevelTooLow),
        (user("half", None, None), Cause::LevelTooLow),
        (SnmpUser { name: b"none".to_vec(), ..full() }, Cause::Auth),
        (SnmpUser { context: b"nowhere".to_vec(), ..full() }, Cause::WrongContext),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poll_names_what_is_wrong_with_its_user() {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start_with(program, USERS).await.unwrap();
    let mut targets = vec![asked_by(100, snmpd.address, full())];
    for (id, (user, _)) in (1..).zip(wrong()) {
        targets.push(asked_by(id, snmpd.address, user));
    }
    let mut polling = start(targets);
    for (id, (user, cause)) in (1..).zip(wrong()) {
        for _ in 0..2 {
            let wanted = |row: &Row| row.device.0 == id && row.group == Group::System;
            let row = polling.row(wanted).await;
            assert_eq!((row.cause, row.values.len()), (Some(cause), 0), "{user:?}");
        }
    }
    let row = polling.row(|row| row.device.0 == 100 && row.group == Group::Interfaces).await;
    assert_eq!(row.cause, None);
}

fn candidate(id: i64, user: &SnmpUser) -> CredentialCandidate {
    let (auth, auth_password) = user
        .auth
        .as_ref()
        .map_or((0, Vec::new()), |(auth, secret)| (*auth as i32, secret.expose().to_vec()));
    let (privacy, privacy_password) = user
        .privacy
        .as_ref()
        .map_or((0, Vec::new()), |(privacy, secret)| (*privacy as i32, secret.expose().to_vec()));
    let user = proto::SnmpUser {
        name: user.name.clone(),
        auth,
        auth_password,
        privacy,
        privacy_password,
        context: user.context.clone(),
    };
    CredentialCandidate { id, community: None, user: Some(user) }
}

fn of_community(id: i64, version: proto::SnmpVersion, community: &str) -> CredentialCandidate {
    let community = proto::SnmpCommunity { version: version as i32, community: community.into() };
    CredentialCandidate { id, community: Some(community), user: None }
}

fn sought(host: &str, port: u16) -> Sought<'_> {
    Sought { host, port, strict_source: false }
}

async fn found(address: SocketAddr, candidates: &[CredentialCandidate]) -> Vec<CredentialOutcome> {
    let host = address.ip().to_string();
    find(sought(&host, address.port()), candidates, LIMITS, &Clock::system()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_what_is_wrong_within_three_seconds() {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start_with(program, USERS).await.unwrap();
    for (user, cause) in wrong() {
        let candidates = [candidate(5, &user)];
        let tried = found(snmpd.address, &candidates);
        let outcomes = tokio::time::timeout(Duration::from_secs(3), tried).await.unwrap();
        let [outcome] = &outcomes[..] else { panic!("{outcomes:?}") };
        assert_eq!((outcome.id, outcome.cause), (5, cause as u32), "{user:?}");
        let failure = ProbeFailure { cause, asked: Asked::User };
        assert_eq!(outcome.advice, failure.advice());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_credential_that_works_ends_the_search() {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start_with(program, USERS).await.unwrap();
    let mut candidates: Vec<CredentialCandidate> =
        (1..).zip(wrong().iter().take(3)).map(|(id, (user, _))| candidate(id, user)).collect();
    candidates.push(CredentialCandidate { id: 10, community: None, user: None });
    candidates.push(candidate(11, &full()));
    candidates.push(of_community(12, proto::SnmpVersion::V2c, COMMUNITY));
    let outcomes = found(snmpd.address, &candidates).await;
    let ids: Vec<i64> = outcomes.iter().map(|outcome| outcome.id).collect();
    assert_eq!(ids, [1, 2, 3, 10, 11]);
    assert_eq!(outcomes[3].cause, Cause::NoCredential as u32);
    let works = &outcomes[4];
    assert_eq!((works.cause, works.version()), (0, proto::SnmpVersion::V3));
    assert_eq!((works.advice.as_str(), works.sys_name.as_str()), ("", "edge-under-test"));
    assert!(works.sys_object_id.starts_with("1.3.6.1.4.1.8072."), "{works:?}");
    assert!(works.sys_descr.contains("Linux") && works.rtt_us > 0, "{works:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_community_is_tried_over_v2c_and_then_v1() {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start_with(program, ONLY_V1).await.unwrap();
    let v2c = proto::SnmpVersion::V2c;
    let outcomes = found(
        snmpd.address,
        &[of_community(1, v2c, "no-such-community"), of_community(2, v2c, "only-v1")],
    )
    .await;
    assert_eq!(outcomes[0].cause, Cause::Timeout as u32);
    assert_eq!((outcomes[1].cause, outcomes[1].version()), (0, proto::SnmpVersion::V1));
    let outcomes = found(snmpd.address, &[of_community(3, v2c, COMMUNITY)]).await;
    assert_eq!((outcomes[0].cause, outcomes[0].version()), (0, v2c));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_over_v2c_of_what_knows_v1_only_says_so() {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start_with(program, ONLY_V1).await.unwrap();
    let asked = |version| target(1, snmpd.address, version, "only-v1");
    let error = probe(asked(SnmpVersion::V2c)).await.unwrap_err();
    assert!(matches!(error, PollError::OnlyV1), "{error}");
    let report = probe(asked(SnmpVersion::V1)).await.unwrap();
    assert_eq!(report.facts.unwrap().sys_name, "edge-under-test");
}

#[tokio::test]
async fn nobody_at_the_address_is_a_time_out_and_a_host_without_an_address_says_why() {
    // Held, so that nobody else gets the port; never read.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tried = [candidate(1, &full()), of_community(2, proto::SnmpVersion::V2c, "c")];
    let outcomes = found(silent.local_addr().unwrap(), &tried).await;
    let causes: Vec<u32> = outcomes.iter().map(|outcome| outcome.cause).collect();
    assert_eq!(causes, [Cause::Timeout as u32; 2]);
    let clock = Clock::system();
    for (host, cause) in
        [("no-such-host.invalid", Cause::Unresolved), ("fe80::1%no-such", Cause::NoInterface)]
    {
        let outcomes = find(sought(host, 161), &tried[..1], LIMITS, &clock).await;
        assert_eq!(outcomes[0].cause, cause as u32, "{host}");
        assert_eq!(outcomes[0].advice, ProbeFailure { cause, asked: Asked::User }.advice());
    }
    // One user at a time, of whom the first takes longer than the limit: the second is not begun.
    let port = silent.local_addr().unwrap().port();
    let limits = within(Duration::from_millis(100));
    let twice = [candidate(1, &full()), candidate(2, &full())];
    let outcomes = find(sought("127.0.0.1", port), &twice, limits, &clock).await;
    assert_eq!(outcomes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_starts_again_costs_one_slot_at_most() {
    let Some(program) = program() else { return };
    let mut snmpd = Snmpd::start_with(program, USERS).await.unwrap();
    let asked = Target { interval: Duration::from_secs(3), ..asked_by(1, snmpd.address, full()) };
    let mut polling = start(vec![asked]);
    let system = |row: &Row| row.group == Group::System;
    assert_eq!(polling.row(system).await.cause, None);
    for _ in 0..2 {
        snmpd.restart().await.unwrap();
        let up = Clock::system().now();
        let since = |row: &Row| system(row) && row.at > up;
        let mut lost = 0;
        while polling.row(since).await.cause.is_some() {
            lost += 1;
        }
        assert!(lost <= 1, "{lost} slots were lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_by_a_user_reports_and_says_what_is_wrong() {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start_with(program, USERS).await.unwrap();
    let report = probe(asked_by(1, snmpd.address, full())).await.unwrap();
    assert_eq!(report.facts.unwrap().sys_name, "edge-under-test");
    assert!(report.interfaces.iter().any(|interface| !interface.metrics.is_empty()));
    let wrong = SnmpUser { name: b"nobody".to_vec(), ..full() };
    let error = probe(asked_by(1, snmpd.address, wrong)).await.unwrap_err();
    let PollError::Device(failure) = error else { panic!("{error}") };
    assert_eq!(failure, ProbeFailure { cause: Cause::UnknownUser, asked: Asked::User });
}
