//! Bytes that mean nothing, at every door, and out of gear.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use farwatch_agent::identity;
use farwatch_common::transport::{PipeKind, Session, quic};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustls::ClientConfig;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::task::JoinSet;

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::bench::{process_peak_kb, process_rss_kb, reset_process_peak};
use crate::sim::fault::Fault;
use crate::sim::router::{Kind, Router};
use crate::sim::serve_anywhere;
use crate::ssh::{PASSWORD, USER};
use crate::stack::{add_device, enroll};

const ROUTERS: usize = 4;
const LASTS: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);
/// How long a door may take to close.
const PATIENCE: Duration = Duration::from_millis(500);
const GROWTH_MAX_MIB: f64 = 64.0;
const LIMIT: Duration = Duration::from_secs(45);
/// Of each door; fewer would be no fault.
const OFTEN_ENOUGH: u64 = 20;
/// Bytes that programs of each door begin with; what follows is none of theirs.
const BEGINNINGS: [&[u8]; 7] = [
    b"",
    b"GET /api/v1/devices HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n",
    b"POST /api/v1/login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"SSH-2.0-x\r\n",
    b"\x00\x00\x00\x00\x05",
];
/// The first bytes of QUIC's long header, version 1, and of its short one.
const QUIC: [&[u8]; 3] = [b"\xc3\x00\x00\x00\x01\x14", b"\xf0\x00\x00\x00\x01\x08", b"\x40"];
const KINDS: [PipeKind; 6] = [
    PipeKind::Telemetry,
    PipeKind::Control,
    PipeKind::Snapshot,
    PipeKind::Reverse,
    PipeKind::Tunnel,
    PipeKind::Link,
];

/// How often garbage got to a door.
type Came = Arc<AtomicU64>;

/// Nothing ends, nothing grows, and whoever speaks sense is served.
pub async fn everywhere(ground: &Ground) -> Measured {
    let mut site = Site::start(ground, ROUTERS).await;
    let connected = site.agent().await["connected_since"].clone();
    let tls = liar(&site, ground.dir.path());
    let mut gear = Vec::new();
    for fault in [Fault::Garbage, Fault::Oversized, Fault::Truncated, Fault::WrongId] {
        let mut responder = Router::new(Kind::ALL[0], 2, 7).responder(b"public");
        responder.fault = fault;
        let served = serve_anywhere(responder).await.unwrap();
        add_device(&site.client, &site.agent_id, &served.address.to_string(), 1).await;
        gear.push(served);
    }
    let shelled = Came::default();
    let (port, _shell) = shell(ground.seed, Arc::clone(&shelled)).await;
    let backup = format!("/api/v1/devices/{}/backup", site.devices[0]);
    let login = json!({ "port": port, "login": { "user": USER, "password": PASSWORD } });
    site.client.patch(&backup, &login).await.data();
    let pids = [site.collector.pid(), site.agent.pid().unwrap()];
    let before = pids.map(|pid| {
        reset_process_peak(pid).unwrap();
        process_rss_kb(pid).unwrap()
    });
    let (agents, web, seed) = (site.collector.listen, site.collector.http, ground.seed);
    let came: [Came; 4] = Default::default();
    let [to_quic, to_agents, to_web, to_pipes] = came.clone();
    let dice = |more: u64| StdRng::seed_from_u64(seed + more);
    let [one, other] = [1, 2].map(|host| Ipv4Addr::new(127, 0, 9, host));
    let mut doors = JoinSet::new();
    doors.spawn(datagrams(agents, dice(0), to_quic));
    doors.spawn(streams(agents, one, dice(1), to_agents));
    doors.spawn(streams(web, other, dice(2), to_web));
    doors.spawn(pipes(agents, tls, dice(3), to_pipes));
    site.client.post(&format!("{backup}/run"), &json!({})).await.data();
    let ended = tokio::time::timeout(LASTS, doors.join_next()).await;
    assert!(ended.is_err(), "a source of garbage ended: {ended:?}");
    let after = pids.map(|pid| process_peak_kb(pid).unwrap_or(f64::INFINITY));
    drop(doors);
    for (door, came) in ["QUIC", "agents", "web", "pipes"].into_iter().zip(came.iter()) {
        let times = came.load(Ordering::Relaxed);
        assert!(times >= OFTEN_ENOUGH, "{door}: garbage came {times} times only");
    }
    for gear in &gear {
        assert!(gear.asked() > 0, "the router that answers garbage was never asked");
    }
    assert!(shelled.load(Ordering::Relaxed) > 0, "nobody signed in where there is no SSH");
    let grown = |at: usize| (after[at] - before[at]).max(0.0) / 1024.0;
    let same = site.agent().await["connected_since"] == connected;
    let ends = !(site.collector.is_running() && site.agent.is_running());
    let mut all = vec![
        Figure::at_most("processes that ended", f64::from(u8::from(ends)), "", 0.0),
        Figure::at_most("sessions of others that ended", f64::from(u8::from(!same)), "", 0.0),
        Figure::at_most("the collector grew by", grown(0), "MiB", GROWTH_MAX_MIB),
        Figure::at_most("the agent grew by", grown(1), "MiB", GROWTH_MAX_MIB),
        Figure::seconds("live after", site.is_live(LIMIT).await, Duration::from_secs(10)),
    ];
    all.extend(site.figures_without_loss().await);
    Ok(all)
}

/// The certificate of an agent that says nothing that an agent says.
fn liar(site: &Site, dir: &Path) -> Arc<ClientConfig> {
    let state_dir = dir.join("liar");
    std::fs::create_dir_all(&state_dir).unwrap();
    let done = enroll(&state_dir, &site.collector.token("Depot"));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    identity::load(&state_dir).unwrap().unwrap().tls().unwrap()
}

fn some(dice: &mut StdRng, beginnings: &[&[u8]], most: usize) -> Vec<u8> {
    let mut bytes = beginnings[dice.random_range(0..beginnings.len())].to_vec();
    let length = dice.random_range(0..most);
    bytes.extend((0..length).map(|_| dice.random::<u8>()));
    bytes
}

async fn datagrams(to: SocketAddr, mut dice: StdRng, came: Came) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    loop {
        let bytes = some(&mut dice, &QUIC, 1_400);
        if socket.send_to(&bytes, to).await.is_ok() {
            came.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn streams(to: SocketAddr, from: Ipv4Addr, mut dice: StdRng, came: Came) {
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        if let Ok(Ok(mut stream)) = tokio::time::timeout(PATIENCE, socket.connect(to)).await {
            let bytes = some(&mut dice, &BEGINNINGS, 20_000);
            if stream.write_all(&bytes).await.is_ok() {
                came.fetch_add(1, Ordering::Relaxed);
            }
            let _ = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 512])).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Behind the door: every kind of pipe, with garbage in it.
async fn pipes(to: SocketAddr, tls: Arc<ClientConfig>, mut dice: StdRng, came: Came) {
    loop {
        let Ok(Ok(session)) = tokio::time::timeout(LIMIT, quic::dial(to, Arc::clone(&tls))).await
        else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        for kind in KINDS {
            let Ok(mut pipe) = session.open(kind).await else { break };
            let bytes = some(&mut dice, &BEGINNINGS, 100_000);
            if let Ok(Ok(())) = tokio::time::timeout(PATIENCE, pipe.write_all(&bytes)).await {
                came.fetch_add(1, Ordering::Relaxed);
            }
            let _ = tokio::time::timeout(PATIENCE, pipe.read(&mut [0; 512])).await;
        }
        session.close("enough");
    }
}

/// A device whose SSH is none.
async fn shell(seed: u64, came: Came) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut dice = StdRng::seed_from_u64(seed);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            came.fetch_add(1, Ordering::Relaxed);
            let bytes = some(&mut dice, &BEGINNINGS, 100_000);
            let _ = stream.write_all(&bytes).await;
        }
    });
    (port, tasks)
}
