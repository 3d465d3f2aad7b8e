//! Links that change under a session: NATs that forget, addresses that go, lines that are cut. Sites are
//! network namespaces; those take root.

use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_support::http::Client;
use farwatch_support::namespace::{Namespace, sh};
use farwatch_support::oracle::{Oracle, values};
use farwatch_support::process::{binary, eventually};
use farwatch_support::relay::Relay;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};
use serde_json::Value;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
/// Beside the cadence of batches, which are up to 800 ms old when they are sent.
const ACK_GAP_MAX: Duration = Duration::from_millis(1_000 + 800);
/// Polled each second, each at its own time: there is always something to acknowledge.
const BUSY_ROUTERS: usize = 8;
/// How long a NAT lets the agent be before it forgets it.
const REBOUND_EVERY: Duration = Duration::from_secs(30);
/// From the return of the link to the session; promised are 3 s, of a machine with nothing else to do.
const LIVE_WITHIN: Duration = Duration::from_secs(5);

/// A site in a network of its own: an agent, and a router whose answers are counted.
struct Site {
    collector: Collector,
    namespace: Namespace,
    /// This end of the link.
    link: String,
    agent: Agent,
    router: Router,
    client: Client,
    agent_id: String,
    device: String,
    dir: TempDir,
}

/// A simulated router inside of a namespace; killed when dropped.
struct Router {
    process: Child,
    log: PathBuf,
    /// Open, as it writes on.
    _out: BufReader<ChildStdout>,
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Router {
    /// Starts one and tells its address.
    fn start(namespace: &Namespace, log: PathBuf) -> (Self, String) {
        let inside = namespace.inside();
        let mut process = Command::new(&inside[0])
            .args(&inside[1..])
            .arg(binary("farwatch-sim"))
            .arg("--oracle")
            .arg(&log)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.split(' ').nth(2).unwrap_or_else(|| panic!("{line}")).to_owned();
        (Self { process, log, _out: out }, address)
    }

    fn answers(&self) -> usize {
        std::fs::read_to_string(&self.log).unwrap_or_default().lines().count()
    }

    /// The last value answered.
    fn last(&self) -> u64 {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last = text.lines().last().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        last.unwrap_or(0)
    }
}

/// Three addresses that no other process of this machine uses: here, there, and another one there.
pub(super) fn addresses() -> [Ipv4Addr; 3] {
    let pid = std::process::id();
    let [_, _, high, low] = ((pid & 0x1fff) << 3).to_be_bytes();
    // 198.18.0.0/15 is for benchmarks (RFC 2544).
    [1, 2, 3].map(|last| Ipv4Addr::new(198, 18, high, low | last))
}

impl Site {
    async fn start() -> Option<Self> {
        Self::start_as(&[], "").await
    }

    /// The agent runs behind these words, in a namespace that is prepared by this script.
    async fn start_as(words: &[&str], script: &str) -> Option<Self> {
        let namespace = Namespace::new()?;
        let link = format!("fw{}", std::process::id());
        let [here, there, other] = addresses();
        let pid = namespace.pid();
        sh(&format!(
            "ip link add {link} type veth peer name far netns {pid}
             ip address add {here}/29 dev {link}
             echo 1 >/proc/sys/net/ipv4/conf/{link}/rp_filter
             ip link set {link} up"
        ));
        namespace.sh(&format!(
            "echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries
             ip address add {there}/29 dev far
             ip address add {other}/29 dev far
             ip link set far up
             {script}"
        ));
        let dir = tempfile::tempdir().unwrap();
        let listen = format!("{here}:0");
        let collector = Collector::start_at(&dir.path().join("collector"), &listen).await;
        let (router, address) = Router::start(&namespace, dir.path().join("oracle.log"));
        let words = words.iter().copied().map(str::to_owned);
        let inside: Vec<String> = namespace.inside().into_iter().chain(words).collect();
        let state_dir = dir.path().join("agent");
        let config = "[uplink]\nquic_probe_s = 2\n";
        let agent =
            Agent::start_inside(inside, &collector, collector.listen, &state_dir, config).await;
        let client = collector.client().await;
        let agent_id = only_agent(&client).await;
        let device = add_device(&client, &agent_id, &address, 1).await;
        let site =
            Self { collector, namespace, link, agent, router, client, agent_id, device, dir };
        site.stores(3).await;
        Some(site)
    }

    async fn agent(&self) -> Value {
        self.client.get(&format!("/api/v1/agents/{}", self.agent_id)).await.data()
    }

    /// Waits until so many more samples are stored.
    async fn stores(&self, more: usize) {
        let before = values(&self.client, &self.device).await.len();
        eventually(LIMIT, "samples are stored", async || {
            values(&self.client, &self.device).await.len() >= before + more
        })
        .await;
    }

    /// The longest time between two acknowledgements while so many polls are stored.
    async fn ack_gap(&self, polls: usize) -> Duration {
        let (mut gap, mut last) = (Duration::ZERO, None);
        let known = values(&self.client, &self.device).await.len();
        eventually(LIMIT, "samples are stored", async || {
            let ack = self.agent().await["last_ack_at"].as_str().unwrap().to_owned();
            let ack = Micros(ack.parse::<jiff::Timestamp>().unwrap().as_microsecond());
            gap = gap.max(last.map_or(Duration::ZERO, |last| ack.since(last)));
            last = Some(ack);
            values(&self.client, &self.device).await.len() >= known + polls
        })
        .await;
        gap
    }

    /// Waits until the router was asked so many more times: that long passes.
    async fn polls(&self, more: usize) {
        let before = self.router.answers();
        eventually(LIMIT, "polling goes on", async || self.router.answers() >= before + more).await;
    }

    /// All that the router has answered is stored, once.
    async fn ends_whole(mut self) {
        let last = self.router.last();
        let mut stored = values(&self.client, &self.device).await;
        eventually(LIMIT, "all is stored", async || {
            stored = values(&self.client, &self.device).await;
            stored.len() as u64 >= last
        })
        .await;
        assert!(stored.values().all(|times| *times == 1), "stored twice: {stored:?}");
        self.agent.stop().await;
        self.collector.stop().await;
    }

    /// Cuts the link for 20 s by `cut`, mends it by `mend`, and sees the agent come back.
    async fn survives(self, cut: impl Fn(&Self), mend: impl Fn(&Self)) {
        cut(&self);
        self.polls(20).await;
        let mended = Clock::system().now();
        mend(&self);
        let mut back = Duration::MAX;
        eventually(LIMIT, "the agent is back", async || {
            let since = self.agent().await["connected_since"].clone();
            let since = since.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            let Some(since) = since.map(|since| Micros(since.as_microsecond())) else {
                return false;
            };
            back = since.since(mended);
            since > mended
        })
        .await;
        println!("a session {back:?} after the link came back");
        assert!(back <= LIVE_WITHIN, "{back:?}");
        self.stores(2).await;
        self.ends_whole().await;
    }
}

#[tokio::test]
async fn a_nat_that_forgets_costs_no_session() {
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start(dir.path(), 1).await;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let relay = Relay::start(collector.listen).await;
    let state_dir = dir.path().join("agent");
    let mut agent = Agent::start_through(&collector, relay.address, &state_dir, "").await;
    let client = collector.client().await;
    let agent_id = only_agent(&client).await;
    let device = add_device(&client, &agent_id, &oracle.addresses()[0], 1).await;
    let path = format!("/api/v1/agents/{agent_id}");
    let stored = async || values(&client, &device).await.len();
    eventually(LIMIT, "samples are stored", async || stored().await > 2).await;
    let before = client.get(&path).await.data();
    // A minute, as the device is polled each second.
    for _ in 0..6 {
        let (rebound, known) = (relay.bindings(), stored().await);
        relay.rebind();
        eventually(LIMIT, "samples are stored", async || stored().await >= known + 10).await;
        assert!(relay.bindings() > rebound, "nothing was rebound");
        is_seen_at(&relay, &client, &path).await;
    }
    let after = client.get(&path).await.data();
    assert_eq!(after["connected_since"], before["connected_since"]);
    oracle.is_stored_once(0, &client, &device).await;
    agent.stop().await;
    collector.stop().await;
}

/// Waits until screens show the address that the NAT has given the agent last.
async fn is_seen_at(relay: &Relay, client: &Client, path: &str) {
    eventually(LIMIT, "the agent's address is shown", async || {
        let shown = client.get(path).await.data()["remote_addr"].clone();
        let outside = relay.outside().map(|address| address.to_string());
        shown.as_str() == outside.as_deref()
    })
    .await;
}

/// With nothing to report, only the transport's own words keep the binding and find the new one.
#[tokio::test]
async fn an_idle_agent_outlives_a_nat_that_forgets() {
    let dir = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let relay = Relay::start(collector.listen).await;
    let state_dir = dir.path().join("agent");
    let mut agent = Agent::start_through(&collector, relay.address, &state_dir, "").await;
    let client = collector.client().await;
    let path = format!("/api/v1/agents/{}", only_agent(&client).await);
    let seen = async || {
        let known = client.get(&path).await.data();
        let at = known["last_seen_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        (known["connected_since"].clone(), at.map(|at| Micros(at.as_microsecond())))
    };
    eventually(LIMIT, "the agent is connected", async || seen().await.0.is_string()).await;
    let (since, mut heard) = seen().await;
    for _ in 0..2 {
        let rebound = relay.bindings();
        relay.rebind();
        let mut now = heard;
        eventually(LIMIT, "heartbeats go on", async || {
            now = seen().await.1;
            now.zip(heard).is_some_and(|(now, heard)| now.since(heard) >= REBOUND_EVERY)
        })
        .await;
        heard = now;
        assert!(relay.bindings() > rebound, "nothing was rebound");
        is_seen_at(&relay, &client, &path).await;
    }
    assert_eq!(seen().await.0, since, "the agent had to dial again");
    agent.stop().await;
    collector.stop().await;
}

#[tokio::test]
async fn an_address_that_goes_costs_a_moment_and_no_session() {
    let Some(site) = Site::start().await else { return };
    let before = site.agent().await;
    let mut routers = Vec::new();
    for at in 0..BUSY_ROUTERS {
        let log = site.dir.path().join(format!("busy-{at}.log"));
        let (router, address) = Router::start(&site.namespace, log);
        add_device(&site.client, &site.agent_id, &address, 1).await;
        routers.push(router);
    }
    site.stores(3).await;
    let usual = site.ack_gap(10).await;
    let [_, there, _] = addresses();
    site.namespace.sh(&format!("ip address del {there}/29 dev far"));
    let gap = site.ack_gap(10).await;
    println!("at most {gap:?} between two acknowledgements, {usual:?} before");
    assert!(gap <= ACK_GAP_MAX, "{gap:?}");
    let after = site.agent().await;
    assert_eq!(after["connected_since"], before["connected_since"]);
    site.ends_whole().await;
}

/// The agent may not ping here: of its gateway it knows what the system routes by, and that at once.
#[tokio::test]
async fn a_network_behind_another_gateway_is_another_one() {
    let [gateway, _, _] = addresses();
    let other = Ipv4Addr::from(u32::from(gateway) + 3);
    let route = |word, gateway| format!("ip route {word} default via {gateway}");
    let no_ping = ["setpriv", "--bounding-set=-net_raw"];
    let Some(site) = Site::start_as(&no_ping, &route("add", gateway)).await else { return };
    let moves = || site.agent.log().matches("in another network").count();
    assert_eq!(moves(), 0);
    for (gateway, expected) in [(other, 1), (gateway, 2)] {
        site.namespace.sh(&route("replace", gateway));
        eventually(LIMIT, "the agent sees the gateway", async || moves() == expected).await;
    }
    site.stores(2).await;
    site.ends_whole().await;
}

#[tokio::test]
async fn a_link_that_was_down_is_used_again_at_once() {
    let Some(site) = Site::start().await else { return };
    let set = |site: &Site, state| site.namespace.sh(&format!("ip link set far {state}"));
    site.survives(|site| set(site, "down"), |site| set(site, "up")).await;
}

/// As behind a modem that has lost its line: this host sees nothing of it. What has no way back is not
/// taken in either (rp_filter), so both ways are cut.
#[tokio::test]
async fn a_line_that_was_cut_further_out_is_used_again_at_once() {
    let Some(site) = Site::start().await else { return };
    let route = |site: &Site, word: &str| {
        let [_, there, other] = addresses();
        let link = &site.link;
        sh(&format!("ip route {word} blackhole {there}/32; ip route {word} blackhole {other}/32"));
        // Known routes are looked up again.
        sh(&format!("ip route flush cache; ip neighbour flush dev {link}"));
    };
    site.survives(|site| route(site, "add"), |site| route(site, "del")).await;
}
