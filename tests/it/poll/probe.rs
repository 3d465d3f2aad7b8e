//! One look at one device: silences are told apart within 3 seconds, and slow devices are found.

use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::time::{Duration, Instant};

use farwatch_agent::poll::probe::{Asked, ProbeReport, Silence, probe};
use farwatch_agent::poll::{Access, PollError, SnmpUser, SnmpVersion, Target};
use farwatch_support::sim::fault::Fault;
use farwatch_support::sim::router::Kind;
use farwatch_support::snmpd::{COMMUNITY, Snmpd};

use super::faults::{router, target};
use crate::snmpd::program;

/// Somebody waits, and is promised 3 s; the rest is for a busy machine.
const PROMISED: Duration = Duration::from_secs(6);

fn by_community(address: SocketAddr, community: &str) -> Target {
    target(1, address, SnmpVersion::V2c, community)
}

fn by_user(address: SocketAddr) -> Target {
    let user = SnmpUser { name: b"watch".to_vec(), auth: None, privacy: None, context: Vec::new() };
    Target { access: Access::User(user), ..by_community(address, "") }
}

async fn silence(target: Target) -> (Silence, String) {
    let began = Instant::now();
    let probed: Result<ProbeReport, PollError> = probe(target).await;
    assert!(began.elapsed() < PROMISED, "{:?}", began.elapsed());
    let error = probed.unwrap_err();
    let PollError::NoAnswer(no_answer) = &error else { panic!("{error}") };
    assert_eq!(error.name(), no_answer.silence.name());
    (no_answer.silence, error.hint())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_where_nobody_listens_is_named() {
    // Connected to itself: the system refuses what comes from others, and nobody else gets the port.
    let closed = StdSocket::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    closed.connect(address).unwrap();
    for target in [by_community(address, COMMUNITY), by_user(address)] {
        let (silence, hint) = silence(target).await;
        assert_eq!(silence, Silence::PortClosed);
        assert!(hint.contains(&format!("nothing listens on UDP {}", address.port())), "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_says_nothing_is_asked_for_what_is_in_use() {
    // Held, so that nobody else gets the port; never read.
    let silent = StdSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    for (target, asked) in
        [(by_community(address, COMMUNITY), Asked::Community), (by_user(address), Asked::User)]
    {
        let (silence, hint) = silence(target).await;
        // Whether echo requests may be sent is the system's to say.
        assert!([Silence::HostAnswers, Silence::Unexplained].contains(&silence), "{silence:?}");
        assert_eq!(hint, silence.advice(asked));
        assert_eq!(hint.contains("community"), asked == Asked::Community, "{hint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_community_that_is_ignored_by_one_who_speaks_snmp_is_named() {
    let Some(program) = program() else { return };
    let snmpd = Snmpd::start(program).await.unwrap();
    let (silence, hint) = silence(by_community(snmpd.address, "of-nobody")).await;
    assert_eq!(silence, Silence::CredentialIgnored);
    assert!(!hint.contains("of-nobody"), "{hint}");
}

/// Every answer comes after the repetition of its question.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_takes_a_second_and_a_half_is_found() {
    let late = Fault::Late(Duration::from_millis(1500));
    let router = router(Kind::EdgeOs, late).await;
    let report = probe(by_community(router.address, COMMUNITY)).await.unwrap();
    assert!(report.facts.is_some_and(|facts| !facts.sys_name.is_empty()));
}
