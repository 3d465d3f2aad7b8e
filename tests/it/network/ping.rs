//! Echo requests through the real sockets of this system: on loopback, and at a site of two network
//! namespaces, beside fping.
//!
//! Namespaces take root. What happens inside of one is [`inside`], which this binary runs there again.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use farwatch_agent::platform::icmp::{EchoSocket, Family, Kind};
use farwatch_agent::platform::routes;
use farwatch_agent::poll::ping::{self, ECHOES, PingNow};
use farwatch_agent::poll::{self, Access, Manner, Observation, PollConfig, PollCounters, Target};
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Cause, Group};
use farwatch_proto::v1::PingOutcome;
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::routers::Routers;

const LIMIT: Duration = Duration::from_secs(30);
const ALL: u32 = ECHOES as u32;
/// Says that this process runs in the namespace, and as whom.
const INSIDE: &str = "FARWATCH_PING_INSIDE";
const FPING: &str = "/usr/bin/fping";
/// The router's addresses, those it drops, and those it has no way to.
const ROUTER: [&str; 2] = ["10.77.0.2", "fd77::2"];
const SILENT: [&str; 2] = ["10.80.0.1", "fd80::1"];
const NO_WAY: [&str; 2] = ["10.79.0.1", "fd79::1"];
/// The router, on the interface of the site.
const ON_LINK: &str = "fe80::77%near";
/// Between what two programs on one busy machine measure.
const RTT_SLACK_US: u64 = 20_000;

/// Runs a pinger as long as `work` lasts.
async fn with_pinger<T>(targets: Vec<Target>, work: impl AsyncFnOnce(PingNow, Rows) -> T) -> T {
    let (ping, requests) = ping::channel();
    let (_targets, watch) = watch::channel(Arc::new(targets));
    let (out, rows) = mpsc::channel(64);
    let counters = Arc::new(PollCounters::default());
    let cancel = CancellationToken::new();
    tokio::select! {
        ended = ping::run(requests, watch, out, Clock::system(), counters, cancel) => {
            panic!("the pinger ended: {ended:?}")
        }
        done = tokio::time::timeout(LIMIT, work(ping, rows)) => done.unwrap(),
    }
}

type Rows = mpsc::Receiver<Observation>;

fn target(device: i64, host: &str) -> Target {
    Target {
        device: DeviceId(device),
        host: host.into(),
        port: 161,
        interval: Duration::from_secs(1),
        access: Access::Nothing,
        manner: Manner::default(),
    }
}

/// The values of the next row; `Err` is its cause.
async fn next_row(rows: &mut Rows) -> (i64, Result<Vec<Option<i64>>, Cause>) {
    let observation = rows.recv().await.unwrap();
    let Observation::Row { row, schema } = observation else { panic!("{observation:?}") };
    assert_eq!((row.group, row.schema), (Group::Ping, schema.id()));
    (row.device.0, row.cause.map_or(Ok(row.values), Err))
}

#[tokio::test]
async fn loopback_answers_at_every_slot() {
    if let Err(error) = EchoSocket::open(Family::V4) {
        println!("skipped: no echo requests from here ({error})");
        return;
    }
    with_pinger(vec![target(1, "127.0.0.1")], async |ping, mut rows| {
        for _ in 0..2 {
            let (device, values) = next_row(&mut rows).await;
            let values = values.unwrap();
            assert_eq!((device, &values[..2]), (1, &[Some(1), Some(0)][..]));
            let [mean, min, max] = [2, 3, 4].map(|column| values[column].unwrap());
            assert!(0 < min && min <= mean && mean <= max && max < 1_000_000, "{values:?}");
        }
        let now = ping.ping(DeviceId(1)).await.unwrap();
        assert_eq!((now.cause, now.sent, now.received), (0, ALL, ALL));
        assert_eq!(ping.ping(DeviceId(2)).await, None);
        for (host, cause) in
            [("no-such-host.invalid", Cause::Unresolved), ("fe80::1%no-such", Cause::NoInterface)]
        {
            let nowhere = ping.ping_once(host).await;
            assert_eq!((nowhere.cause, nowhere.sent), (cause as u32, 0), "{host}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_agent_pings_its_devices_and_the_numbers_are_stored() {
    if let Err(error) = EchoSocket::open(Family::V4) {
        println!("skipped: no echo requests from here ({error})");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let routers = Routers::start(1).await;
    let collector = Collector::start(&dir.path().join("collector")).await;
    let mut agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let id = only_agent(&client).await;
    let device = add_device(&client, &id, &routers.address(0), 1).await;
    for (metric, wanted) in [("icmp_up", 1.0), ("icmp_loss_percent", 0.0)] {
        let path = format!("/api/v1/devices/{device}/samples?metric={metric}");
        eventually(LIMIT, metric, async || {
            let samples = client.get(&path).await.data();
            let value = &samples[0]["value"];
            let number = value.as_str().map_or_else(|| value.as_f64(), |text| text.parse().ok());
            number == Some(wanted)
        })
        .await;
    }
    agent.stop().await;
}

/// A network of its own; gone when dropped.
struct Namespace(Child);

impl Namespace {
    fn new() -> Option<Self> {
        let mut child = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo there; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let _ = BufReader::new(child.stdout.take()?).read_line(&mut line);
        let namespace = Self(child);
        (line == "there\n").then_some(namespace)
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid(), "--net", program]);
        command
    }

    fn sh(&self, script: &str) {
        let status = self.command("sh").args(["-e", "-c", script]).status().unwrap();
        assert!(status.success(), "{script}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A site, and the router that is its way out.
fn site() -> Option<(Namespace, Namespace)> {
    let (Some(site), Some(router)) = (Namespace::new(), Namespace::new()) else {
        println!("skipped: no network namespaces without root");
        return None;
    };
    let far = router.pid();
    site.sh(&format!(
        "ip link set lo up; ip link add name near type veth peer name far netns {far}"
    ));
    router.sh("ip link set lo up; ip link set far up
         ip address add 10.77.0.2/24 dev far; ip address add fd77::2/64 dev far nodad
         ip address add fe80::77/64 dev far nodad
         echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
         echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
         ip route add blackhole 10.80.0.0/16; ip route add unreachable 10.79.0.0/16
         ip -6 route add blackhole fd80::/32; ip -6 route add unreachable fd79::/32");
    site.sh("ip link set near up
         ip address add 10.77.0.1/24 dev near; ip address add fd77::1/64 dev near nodad
         ip address add fe80::78/64 dev near nodad
         ip route add default via 10.77.0.2; ip -6 route add default via fd77::2");
    Some((site, router))
}

/// Runs [`inside`] at the site, as root or as nobody.
fn enter(site: &Namespace, role: &str, is_root: bool) {
    let own = std::env::current_exe().unwrap();
    let own = own.to_str().unwrap();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if !is_root {
        let mut reach = Command::new("setpriv");
        reach.args(nobody).args(["test", "-x", own]);
        if !reach.status().is_ok_and(|status| status.success()) {
            println!("skipped: only this user may run the test as {role}");
            return;
        }
    }
    let mut command = if is_root { site.command("env") } else { site.command("setpriv") };
    if !is_root {
        command.args(nobody).arg("env");
    }
    let inside = format!("{INSIDE}={role}");
    command.args([&inside, own, "--exact", "network::ping::inside", "--nocapture"]);
    let output = command.current_dir("/").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "as {role}:\n{text}\n{error}");
    assert!(text.contains(&format!("inside as {role}")), "as {role}:\n{text}");
}

/// Lets groups from one number to another have ping sockets.
fn allow(site: &Namespace, range: &str) {
    site.sh(&format!("echo '{range}' >/proc/sys/net/ipv4/ping_group_range"));
}

#[test]
fn at_a_site_a_raw_socket_tells_silence_from_no_way() {
    let Some((site, _router)) = site() else { return };
    allow(&site, "1 0");
    enter(&site, "raw", true);
    enter(&site, "nothing", false);
}

#[test]
fn at_a_site_a_ping_socket_needs_no_privilege_and_tells_as_much() {
    let Some((site, _router)) = site() else { return };
    allow(&site, "0 2147483647");
    enter(&site, "ping", false);
}

/// What runs in the namespace; of no use anywhere else.
#[tokio::test]
async fn inside() {
    let Ok(role) = std::env::var(INSIDE) else { return };
    println!("inside as {role}");
    let opened = EchoSocket::open(Family::V4).map(|socket| socket.kind());
    match role.as_str() {
        "raw" => assert_eq!(opened.unwrap(), Kind::Raw),
        "ping" => assert_eq!(opened.unwrap(), Kind::Ping),
        _ => {
            assert!(opened.is_err());
            let refused =
                with_pinger(Vec::new(), async |ping, _| ping.ping_once("::1").await).await;
            assert_eq!((refused.cause, refused.sent), (Cause::NotPermitted as u32, 0));
            return;
        }
    }
    with_pinger(Vec::new(), outcomes).await;
    let targets = vec![target(1, ROUTER[0]), target(2, SILENT[1]), target(3, NO_WAY[0])];
    with_pinger(targets, rows_beside_each_other).await;
    with_pinger(vec![target(1, ON_LINK)], on_an_interface).await;
    with_pinger(Vec::new(), the_gateway).await;
    with_pinger(vec![target(1, ROUTER[0])], beside_fping).await;
}

/// All at the same time: what comes back for one must not hurt another.
async fn outcomes(ping: PingNow, _: Rows) {
    let hosts = ["127.0.0.1", "::1"].into_iter().chain(ROUTER).chain(SILENT).chain(NO_WAY);
    let mut asked = tokio::task::JoinSet::new();
    for host in hosts.clone().chain(hosts) {
        let ping = ping.clone();
        asked.spawn(async move { (host, ping.ping_once(host).await) });
    }
    for (host, outcome) in asked.join_all().await {
        let PingOutcome { cause, sent, received, rtt_us, .. } = outcome;
        if SILENT.contains(&host) {
            assert_eq!((cause, sent, received), (Cause::Timeout as u32, ALL, 0), "{host}");
        } else if NO_WAY.contains(&host) {
            assert_eq!((cause, received), (Cause::Unreachable as u32, 0), "{host}");
        } else {
            assert_eq!((cause, sent, received), (0, ALL, ALL), "{host}");
            assert!((1..1_000_000).contains(&rtt_us), "{host}: {rtt_us}");
        }
    }
}

/// An address with a zone answers, by itself and as a device's, and is shown as it was given.
async fn on_an_interface(ping: PingNow, mut rows: Rows) {
    let is_good = |outcome: &PingOutcome| {
        let told = (outcome.cause, outcome.received, outcome.address.as_str());
        assert_eq!(told, (0, ALL, ON_LINK), "{outcome:?}");
    };
    is_good(&ping.ping_once(ON_LINK).await);
    let config = PollConfig { ping: Some(ping.clone()), ..PollConfig::default() };
    let (_targets, watch) = watch::channel(Arc::new(vec![target(1, ON_LINK)]));
    let (out, _polled) = mpsc::channel(64);
    let (clock, counters) = (Clock::system(), Arc::new(PollCounters::default()));
    let asked = async {
        // Its interface may be looked up after its first slot.
        while next_row(&mut rows).await.1.is_err() {}
        ping.ping(DeviceId(1)).await.unwrap()
    };
    tokio::select! {
        ended = poll::run(config, watch, out, clock, counters, CancellationToken::new()) => {
            panic!("the poller ended: {ended:?}")
        }
        outcome = asked => is_good(&outcome),
    }
}

/// A row without an answer; 1 where the network says that there is no way.
fn lost(no_way: i64) -> Vec<Option<i64>> {
    vec![Some(0), Some(10_000), None, None, None, None, Some(no_way)]
}

async fn rows_beside_each_other(_: PingNow, mut rows: Rows) {
    let mut seen = [0; 3];
    while seen.iter().any(|rows| *rows < 2) {
        match next_row(&mut rows).await {
            (1, values) => {
                assert_eq!(values.unwrap()[..2], [Some(1), Some(0)]);
                seen[0] += 1;
            }
            (2, values) => {
                assert_eq!(values.unwrap(), lost(0));
                seen[1] += 1;
            }
            (device, values) => {
                assert_eq!((device, values), (3, Ok(lost(1))));
                seen[2] += 1;
            }
        }
    }
}

async fn the_gateway(ping: PingNow, _: Rows) {
    let address: SocketAddr = (ROUTER[0].parse::<std::net::Ipv4Addr>().unwrap(), 0).into();
    assert_eq!(routes::default_gateway(), Some(address));
    let (state, mut seen) = watch::channel(None);
    let found = ping::gateway::run(ping, state, Clock::system(), CancellationToken::new());
    tokio::select! {
        ended = found => panic!("{ended:?}"),
        state = seen.wait_for(Option::is_some) => {
            let state = state.unwrap().clone().unwrap();
            assert_eq!((state.address.as_str(), state.sent, state.received), (ROUTER[0], ALL, ALL));
            assert!(state.rtt_us > 0 && state.at_us > 0);
        }
    }
}

async fn beside_fping(ping: PingNow, mut rows: Rows) {
    if !std::path::Path::new(FPING).exists() {
        println!("skipped: no fping, run ./x test it");
        return;
    }
    let mut both = tokio::task::JoinSet::new();
    for (host, lost) in ROUTER.map(|host| (host, 0)).into_iter().chain(SILENT.map(|h| (h, 100))) {
        let ping = ping.clone();
        both.spawn(async move { (host, lost, ping.ping_once(host).await, fping(host).await) });
    }
    for (host, lost, ours, theirs) in both.join_all().await {
        assert_eq!((100 - 100 * ours.received / ours.sent, theirs.0), (lost, lost), "{host}");
    }
    let ours = next_row(&mut rows).await.1.unwrap()[3].unwrap().cast_unsigned();
    let theirs = fping(ROUTER[0]).await.1.unwrap();
    println!("least round trip: {ours} us, fping {theirs} us");
    assert!(ours.abs_diff(theirs) < RTT_SLACK_US, "{ours} {theirs}");
}

/// Loss in percent, and the least round trip in microseconds.
async fn fping(host: &str) -> (u32, Option<u64>) {
    let requests = ALL.to_string();
    let options = ["-q", "-c", requests.as_str(), "-p", "200", "-t", "1000"];
    let fping = tokio::process::Command::new(FPING).args(options).arg(host).output();
    let output = fping.await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    // HOST : xmt/rcv/%loss = 5/5/0%, min/avg/max = 0.03/0.05/0.10
    let numbers = |name: &str| -> Option<Vec<f64>> {
        let rest = text.split(name).nth(1)?.split(',').next()?;
        rest.trim().split('/').map(|number| number.trim_end_matches('%').parse().ok()).collect()
    };
    let loss = numbers("%loss =").unwrap_or_else(|| panic!("{text}"))[2];
    let least = numbers("min/avg/max =").map(|times| (times[0] * 1000.0) as u64);
    (loss as u32, least)
}
