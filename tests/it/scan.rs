//! A site is scanned by a real agent: what stands there is found and becomes devices with samples.

use std::net::Ipv4Addr;
use std::time::Duration;

use farwatch_support::http::Client;
use farwatch_support::process::eventually;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::{self, Served};
use farwatch_support::stack::{Agent, Collector, only_agent};
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use crate::wire::{Answers, Wire, enrolled};

const LIMIT: Duration = Duration::from_secs(60);
/// 14 addresses of loopback, on which nobody else's tests listen at the same port.
const RANGE: &str = "127.0.7.16/28";
const TRIES_MAX: usize = 20;

/// Routers at addresses of loopback, all at one port.
struct Site {
    port: u16,
    _served: Vec<Served>,
}

impl Site {
    /// The last number of each address, which router is there, and its community.
    async fn start(routers: &[(u8, Router, &[u8])]) -> Option<Self> {
        for _ in 0..TRIES_MAX {
            let free = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let port = free.local_addr().unwrap().port();
            let mut served = Vec::new();
            for (last, router, community) in routers {
                let address = Ipv4Addr::new(127, 0, 7, *last);
                // Taken: another port is tried.
                let Ok(socket) = UdpSocket::bind((address, port)).await else { break };
                served.push(sim::serve(socket, router.responder(community)).unwrap());
            }
            if served.len() == routers.len() {
                return Some(Self { port, _served: served });
            }
        }
        println!("skipped: this system has one loopback address");
        None
    }
}

/// An agent of the protocol or a real one, and how a scan of it is asked for.
struct World {
    client: Client,
    agent: String,
    tenant: String,
}

impl World {
    async fn of(collector: &Collector, agent: String) -> Self {
        let client = collector.client().await;
        let one = client.get(&format!("/api/v1/agents/{agent}")).await.data();
        let tenant = one["tenant"]["id"].as_str().unwrap().to_owned();
        Self { client, agent, tenant }
    }

    async fn profile(&self, name: &str, community: &str) -> String {
        let body = json!({ "tenant": self.tenant, "name": name, "kind": "snmp_community",
                           "community": community });
        let made = self.client.post("/api/v1/credential-profiles", &body).await.data();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn begin(&self, body: &Value) -> String {
        let path = format!("/api/v1/agents/{}/scans", self.agent);
        let begun = self.client.post(&path, body).await.data();
        begun["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, scan: &str) -> Value {
        self.client.get(&format!("/api/v1/scans/{scan}")).await.data()
    }

    /// Waits until the scan is in this state.
    async fn stands(&self, scan: &str, state: &str) -> Value {
        eventually(LIMIT, state, async || self.get(scan).await["state"] == state).await;
        self.get(scan).await
    }
}

#[tokio::test]
async fn a_scan_finds_the_routers_of_a_site_and_they_become_devices_with_samples() {
    let core = Router::new(Kind::MikroTik, 2, 0);
    let branch = Router::new(Kind::Cisco, 2, 1);
    let routers: [(u8, Router, &[u8]); 4] = [
        (17, core, b"tests-only"),
        // The same router by another address.
        (19, core, b"tests-only"),
        (20, branch, b"tests-only"),
        (21, Router::new(Kind::Juniper, 2, 2), b"of-nobody"),
    ];
    let Some(site) = Site::start(&routers).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let mut agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let id = only_agent(&collector.client().await).await;
    let world = World::of(&collector, id).await;
    let networks = format!("/api/v1/agents/{}/networks", world.agent);
    eventually(LIMIT, "the agent is there", async || {
        world.client.get(&networks).await.status == 200
    })
    .await;
    world.profile("wrong", "of-somebody-else").await;
    let usual = world.profile("usual", "tests-only").await;
    let body = json!({ "ranges": [RANGE], "port": site.port, "packets_per_second": 500 });
    let scan = world.begin(&body).await;
    let done = world.stands(&scan, "done").await;
    println!("{}", done["detail"]);
    assert_eq!((&done["asked"], &done["total"]), (&json!(14), &json!(14)));
    let hosts = done["hosts"].as_array().unwrap();
    let host = |last: u8| {
        let address = format!("127.0.7.{last}");
        hosts.iter().find(|host| host["address"] == address).unwrap_or_else(|| panic!("{done}"))
    };
    for (last, name, kind) in
        [(17, "core-1", "MikroTik CCR2004-1G-12S+2XS"), (20, "branch-2", "Cisco IOS XE Software")]
    {
        let host = host(last);
        assert_eq!((&host["proposed_name"], &host["kind"]), (&json!(name), &json!(kind)));
        assert_eq!((&host["snmp"]["works"], &host["duplicate_of"]), (&json!(true), &Value::Null));
        assert_eq!(host["snmp"]["profile"]["id"], usual);
    }
    assert_eq!(host(19)["duplicate_of"], "127.0.7.17");
    // It listens, and is silent to what was tried; the others say that nobody listens there.
    if let Some(silent) = hosts.iter().find(|host| host["address"] == "127.0.7.21") {
        assert_eq!((&silent["snmp"]["works"], &silent["kind"]), (&json!(false), &Value::Null));
        assert!(silent["snmp"]["advice"].as_str().unwrap().contains("community"), "{silent}");
    }
    // Nobody listens there: a host by its echo alone, where the agent may send any.
    let may_echo = !done["detail"].as_str().unwrap().contains("may not send echo");
    if may_echo {
        let advice = host(18)["snmp"]["advice"].as_str().unwrap().to_owned();
        assert!(advice.starts_with("nothing listens"), "{done}");
    }
    assert_eq!(hosts.iter().any(|host| host["address"] == "127.0.7.18"), may_echo, "{done}");

    let wanted = json!([{ "address": "127.0.7.17" }, { "address": "127.0.7.20", "tags": ["lab"] }]);
    let path = format!("/api/v1/scans/{scan}/adopt");
    let adopted = world.client.post(&path, &json!({ "hosts": wanted })).await.data();
    assert_eq!(adopted["devices"], 2, "{adopted}");
    for outcome in adopted["outcomes"].as_array().unwrap() {
        let device = outcome["device"].as_str().unwrap();
        let path = format!("/api/v1/devices/{device}/samples?metric=snmp_up");
        eventually(LIMIT, "it has samples", async || {
            world.client.get(&path).await.data()[0]["value"].is_string()
                || world.client.get(&path).await.data()[0]["value"].is_number()
        })
        .await;
    }
    // Another scan leaves alone what is watched.
    let again = world.begin(&body).await;
    let done = world.stands(&again, "done").await;
    assert_eq!(done["total"], 12);
    let watched = done["hosts"].as_array().unwrap().iter();
    assert_eq!(watched.filter(|host| !host["device"].is_null()).count(), 2);
    agent.stop().await;
}

#[tokio::test]
async fn a_scan_waits_for_an_agent_that_is_away_and_can_be_called_off() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let mut agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let id = only_agent(&collector.client().await).await;
    let world = World::of(&collector, id).await;
    let path = format!("/api/v1/agents/{}/scans", world.agent);
    // So many that it does not come to its end; each is soon done, as nobody listens there.
    let body = json!({ "ranges": ["127.0.16.0/20"], "port": 1, "packets_per_second": 500 });
    let mut scan = Value::Null;
    eventually(LIMIT, "the agent takes a scan", async || {
        let begun = world.client.post(&path, &body).await;
        if begun.status == 202 {
            scan = begun.data();
        }
        !scan.is_null()
    })
    .await;
    let scan = scan["id"].as_str().unwrap();
    eventually(LIMIT, "it is under way", async || world.get(scan).await["asked"] != 0).await;
    agent.stop().await;
    let waiting = world.stands(scan, "waiting").await;
    assert!(waiting["detail"].as_str().unwrap().contains("is not connected"), "{waiting}");
    let asked = waiting["asked"].as_u64().unwrap();
    agent.run();
    eventually(LIMIT, "it goes on", async || {
        world.get(scan).await["asked"].as_u64().unwrap() > asked
    })
    .await;
    let path = format!("/api/v1/scans/{scan}/cancel");
    assert_eq!(world.client.post(&path, &json!({})).await.data()["state"], "cancelled");
    let over = world.get(scan).await;
    assert!(over["asked"].as_u64() < over["total"].as_u64(), "{over}");
    agent.stop().await;
}

#[tokio::test]
async fn what_a_hostile_agent_tells_is_cleaned_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let collector = Collector::start(&dir.path().join("collector")).await;
    let credentials = enrolled(&collector, &dir.path().join("agent")).await;
    let world = World::of(&collector, credentials.agent.to_string()).await;
    world.profile("usual", "tests-only").await;
    let body = json!({ "ranges": ["192.0.2.0/29"] });
    let wire = Wire::dial(&collector, &credentials).await;
    let served = wire.serves(Answers::Well);
    let scan = world.begin(&body).await;
    let done = world.stands(&scan, "done").await;
    let [host] = &done["hosts"].as_array().unwrap()[..] else { panic!("{done}") };
    assert_eq!((&host["address"], &host["name"]), (&json!("192.0.2.1"), &json!("[31mcore")));
    assert_eq!(host["descr"].as_str().unwrap().len(), 512);
    assert!(done["detail"].as_str().unwrap().contains("6 were not asked to the end"), "{done}");
    drop((served, wire));

    let wire = Wire::dial(&collector, &credentials).await;
    let _served = wire.serves(Answers::Flooding);
    let scan = world.begin(&body).await;
    let failed = world.stands(&scan, "failed").await;
    let detail = failed["detail"].as_str().unwrap();
    assert!(detail.starts_with("The agent could not do it") && detail.len() < 500, "{detail}");
    assert_eq!(failed["hosts"], json!([]));
}
