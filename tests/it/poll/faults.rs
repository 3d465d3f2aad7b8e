//! Misbehaving routers over real UDP: each ends its own poll with its cause and a counter, while
//! the healthy router beside it goes on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use farwatch_agent::poll::engine::Settings;
use farwatch_agent::poll::{
    Access, Manner, Observation, PollConfig, PollCounters, PollError, PollSnapshot, SnmpVersion,
    Target, run,
};
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Cause, Group, Row};
use farwatch_support::sim::fault::Fault;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::{Served, serve_anywhere};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

const PATIENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_millis(200);
const COMMUNITY: &str = "tests-only";

pub(crate) struct Polling {
    pub(crate) observations: mpsc::Receiver<Observation>,
    pub(crate) counters: Arc<PollCounters>,
    /// Kept: without it the targets could not change.
    _targets: watch::Sender<Arc<Vec<Target>>>,
    _stop: DropGuard,
}

pub(crate) fn target(
    device: i64,
    address: SocketAddr,
    version: SnmpVersion,
    community: &str,
) -> Target {
    Target {
        device: DeviceId(device),
        host: address.ip().to_string(),
        port: address.port(),
        interval: INTERVAL,
        access: Access::Community { version, community: community.into() },
        manner: Manner::default(),
    }
}

pub(crate) fn start(targets: Vec<Target>, room: usize) -> Polling {
    let timeouts = [Duration::from_millis(250), Duration::from_millis(500)];
    start_with(targets, room, Settings { timeouts, ..Settings::default() })
}

pub(crate) fn start_with(targets: Vec<Target>, room: usize, settings: Settings) -> Polling {
    let (out, observations) = mpsc::channel(room);
    let (targets, watch) = watch::channel(Arc::new(targets));
    let settings = Settings { first_poll_within: Duration::ZERO, ..settings };
    let config = PollConfig { settings, ..PollConfig::default() };
    let counters = Arc::new(PollCounters::default());
    let stop = CancellationToken::new();
    let task = run(config, watch, out, Clock::system(), counters.clone(), stop.clone());
    farwatch_common::task::spawn_child(&stop, async move {
        let ended: Result<(), PollError> = task.await;
        ended.unwrap();
    });
    Polling { observations, counters, _targets: targets, _stop: stop.drop_guard() }
}

impl Polling {
    /// The next row that `wanted` accepts.
    pub(crate) async fn row(&mut self, mut wanted: impl FnMut(&Row) -> bool) -> Row {
        let found = async {
            loop {
                match self.observations.recv().await {
                    Some(Observation::Row { row, .. }) if wanted(&row) => return row,
                    Some(_) => {}
                    None => panic!("the poll stage has ended"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap()
    }
}

pub(crate) async fn router(kind: Kind, fault: Fault) -> Served {
    let mut responder = Router::new(kind, 4, 9).responder(COMMUNITY.as_bytes());
    responder.fault = fault;
    serve_anywhere(responder).await.unwrap()
}

/// Polls a router with a fault beside a healthy one, until both were seen twice.
async fn beside_a_healthy_one(
    fault: Fault,
    system: Option<Cause>,
    table: Option<Cause>,
) -> PollSnapshot {
    let bad = router(Kind::MikroTik, fault).await;
    let good = router(Kind::Linux, Fault::None).await;
    let list = vec![
        target(1, bad.address, SnmpVersion::V2c, COMMUNITY),
        target(2, good.address, SnmpVersion::V2c, COMMUNITY),
    ];
    let mut polling = start(list, 1024);
    let healthy = |row: &Row| row.device.0 == 2 && row.group == Group::Interfaces;
    for _ in 0..2 {
        let row = polling.row(|row| row.device.0 == 1 && row.group == Group::System).await;
        assert_eq!(row.cause, system, "{fault:?}");
        let row = polling.row(|row| row.device.0 == 1 && row.group == Group::Interfaces).await;
        assert_eq!(row.cause, table, "{fault:?}");
        assert_eq!(row.values.is_empty(), table.is_some(), "{fault:?}");
        let row = polling.row(healthy).await;
        assert_eq!((row.cause, row.values.len()), (None, 4 * 14), "{fault:?}");
    }
    polling.counters.snapshot()
}

macro_rules! faults {
    ($($name:ident: $fault:expr, $system:expr, $table:expr, $counted:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let counted: fn(&PollSnapshot) -> u64 = $counted;
            let snapshot = beside_a_healthy_one($fault, $system, $table).await;
            assert!(counted(&snapshot) > 0, "{snapshot:?}");
        }
    )*};
}

use Cause::{Budget, Malformed, Timeout};

faults! {
    silence_is_a_time_out: Fault::Silent, Some(Timeout), Some(Timeout), |c| c.timeouts;
    cut_answers_are_malformed: Fault::Truncated, Some(Malformed), Some(Malformed), |c| c.malformed;
    oversized_answers_are_malformed: Fault::Oversized, None, Some(Malformed), |c| c.malformed;
    an_endless_table_ends: Fault::Endless, None, None, |c| c.cut_tables;
    a_row_that_repeats_is_malformed: Fault::Stuck, None, Some(Malformed), |c| c.malformed;
    falling_rows_are_malformed: Fault::Decreasing, None, Some(Malformed), |c| c.malformed;
    a_wrong_id_is_no_answer: Fault::WrongId, Some(Timeout), Some(Timeout),
        |c| c.late_replies + c.strays;
    a_wrong_community_is_no_answer: Fault::WrongCommunity, Some(Timeout), Some(Timeout),
        |c| c.strays;
    a_late_answer_is_none: Fault::Late(Duration::from_secs(1)), Some(Timeout), Some(Timeout),
        |c| c.late_replies;
    garbage_is_no_answer: Fault::Garbage, Some(Timeout), Some(Timeout), |c| c.strays;
    numbers_of_no_octets_are_malformed: Fault::EmptyNumbers, None, Some(Malformed), |c| c.malformed;
    too_big_for_anything_ends: Fault::AlwaysTooBig, Some(Budget), Some(Budget), |c| c.too_big;
    too_big_is_asked_again_for_less: Fault::TooBig, None, None, |c| c.replies;
    large_bulks_are_given_up: Fault::ChokesOnLargeBulk, None, None, |c| c.replies;
}

#[tokio::test]
async fn a_full_channel_never_stops_polling() {
    let router = router(Kind::Cisco, Fault::None).await;
    let mut polling = start(vec![target(1, router.address, SnmpVersion::V2c, COMMUNITY)], 1);
    let counters = polling.counters.clone();
    // The channel takes one observation; the rest is dropped or its slot skipped, and counted.
    let lost = async {
        loop {
            let now = counters.snapshot();
            if now.dropped_observations > 0 && now.skipped_slots > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, lost).await.unwrap();
    // With room again, values come, and the facts that were dropped come again.
    let row = polling.row(|row| row.group == Group::System).await;
    assert_eq!(row.cause, None);
}

#[tokio::test]
async fn a_host_name_is_looked_up() {
    let router = router(Kind::EdgeOs, Fault::None).await;
    let mut named = target(1, router.address, SnmpVersion::V2c, COMMUNITY);
    named.host = "localhost".into();
    let mut unknown = named.clone();
    unknown.device = DeviceId(2);
    unknown.host = "no-such-host.invalid".into();
    let mut zoned = named.clone();
    zoned.device = DeviceId(3);
    zoned.host = "fe80::1%no-such".into();
    let mut polling = start(vec![named, unknown, zoned], 64);
    polling.row(|row| row.device.0 == 1 && row.values.len() == 4 * 14).await;
    for (device, cause) in [(2, Cause::Unresolved), (3, Cause::NoInterface)] {
        let row = polling.row(|row| row.device.0 == device).await;
        assert_eq!(row.cause, Some(cause));
    }
}

/// Gear with two addresses: asked at the first, it answers from the second.
async fn multi_homed() -> Option<(SocketAddr, DropGuard)> {
    let asked = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let Ok(other) = UdpSocket::bind("127.0.0.2:0").await else {
        println!("skipped: this system has one loopback address");
        return None;
    };
    let address = asked.local_addr().unwrap();
    let mut responder = Router::new(Kind::Cisco, 4, 9).responder(COMMUNITY.as_bytes());
    let stop = CancellationToken::new();
    farwatch_common::task::spawn_child(&stop, async move {
        let mut question = vec![0; 65_535];
        loop {
            let (length, from) = asked.recv_from(&mut question).await.unwrap();
            let answer = responder.respond(&question[..length], Clock::system().now());
            other.send_to(&answer.unwrap(), from).await.unwrap();
        }
    });
    Some((address, stop.drop_guard()))
}

#[tokio::test]
async fn a_strict_source_refuses_what_comes_from_elsewhere_and_says_so() {
    let Some((address, _serving)) = multi_homed().await else { return };
    let asked = |device, strict_source| Target {
        manner: Manner { strict_source, ..Manner::default() },
        ..target(device, address, SnmpVersion::V2c, COMMUNITY)
    };
    let mut polling = start(vec![asked(1, true), asked(2, false)], 1024);
    for _ in 0..2 {
        let row = polling.row(|row| row.device.0 == 1 && row.group == Group::System).await;
        assert_eq!((row.cause, row.values.len()), (Some(Cause::OtherSource), 0));
        let row = polling.row(|row| row.device.0 == 2 && row.group == Group::System).await;
        assert_eq!(row.cause, None);
    }
}

#[tokio::test]
async fn a_probe_reports_facts_and_exact_numbers() {
    let router = router(Kind::Juniper, Fault::None).await;
    let asked = target(1, router.address, SnmpVersion::V2c, COMMUNITY);
    let report = farwatch_agent::poll::probe::probe(asked.clone()).await.unwrap();
    assert_eq!(report.facts.unwrap().sys_name, "srx-10");
    assert_eq!(report.interfaces.len(), 4);
    assert_eq!(report.interfaces[1].name, "ge-0/0/1");
    assert_eq!(report.interfaces[1].metrics.len(), 14);
    assert!(report.system["sys_uptime_seconds"].contains('.'));

    let refused = Target {
        access: Access::Community { version: SnmpVersion::V2c, community: "wrong".into() },
        ..asked
    };
    let error = farwatch_agent::poll::probe::probe(refused).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("community") && !text.contains("wrong\""), "{text}");
}
