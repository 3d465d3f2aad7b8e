//! Gear that does not answer, or takes for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use farwatch_common::clock::Micros;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::sim::fault::Fault;
use crate::sim::router::{Kind, Router};
use crate::sim::serve_anywhere;
use crate::ssh::{PASSWORD, USER};
use crate::stack::add_device;

/// Of twenty devices, 30 % do not answer.
const WELL: usize = 14;
const DEAD: usize = 6;
/// The dead, and the two that are slow.
const WAITED_FOR: f64 = DEAD as f64 + 2.0;
/// Every router is polled each second.
const INTERVAL: Duration = Duration::from_secs(1);
const JITTER_SHARE: f64 = 0.1;
/// The agent has met all of them.
const SETTLED: Duration = Duration::from_secs(4);
const WATCHED: Duration = Duration::from_secs(20);
const LATE: Duration = Duration::from_secs(7);

/// The healthy are polled as if they were alone, and nothing grows.
pub async fn slow(ground: &Ground) -> Measured {
    let site = Site::start(ground, WELL).await;
    tokio::time::sleep(SETTLED).await;
    let before = threads(site.agent.pid().unwrap());
    let mut dead = Vec::new();
    for _ in 0..DEAD {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        add_device(&site.client, &site.agent_id, &address, 1).await;
        dead.push(socket);
    }
    let mut late = Router::new(Kind::ALL[0], 2, 7).responder(b"public");
    late.fault = Fault::Late(LATE);
    let late = serve_anywhere(late).await.unwrap();
    add_device(&site.client, &site.agent_id, &late.address.to_string(), 1).await;
    let dripping = Arc::new(AtomicBool::new(false));
    let (port, _drips) = drips(Arc::clone(&dripping)).await;
    let backup = format!("/api/v1/devices/{}/backup", site.devices[0]);
    let login = json!({ "port": port, "login": { "user": USER, "password": PASSWORD } });
    site.client.patch(&backup, &login).await.data();
    site.client.post(&format!("{backup}/run"), &json!({})).await.data();
    tokio::time::sleep(SETTLED).await;
    let from = site.clock.now();
    let settled = threads(site.agent.pid().unwrap());
    tokio::time::sleep(WATCHED).await;
    let after = threads(site.agent.pid().unwrap());
    let mut off: Vec<f64> =
        (0..WELL).flat_map(|at| jitter(&site.oracle.answers(at), from)).collect();
    off.sort_by(f64::total_cmp);
    let p99 = off[(off.len() * 99 / 100).min(off.len() - 1)];
    let limit = INTERVAL.as_secs_f64() * 1e3 * JITTER_SHARE;
    let mut waiting = [0; 512];
    for socket in &dead {
        let asked = tokio::time::timeout(LATE, socket.recv(&mut waiting)).await;
        assert!(asked.is_ok(), "gear that does not answer was not asked");
    }
    assert!(late.asked() > 0, "the router that answers late was not asked");
    assert!(dripping.load(Ordering::Relaxed), "nobody signed in where a byte a second comes");
    let mut all = vec![
        Figure::at_most("jitter of healthy polls, p99", p99, "ms", limit),
        Figure::at_most(
            "threads more at the agent while they are watched",
            after - settled,
            "",
            0.0,
        ),
        // Some are started when something is done for the first time; one for each that is waited for would show.
        Figure::at_most("threads more than without them", after - before, "", WAITED_FOR - 1.0),
    ];
    all.extend(site.figures_without_loss().await);
    Ok(all)
}

/// How far the time between two polls is from the interval, in milliseconds.
fn jitter(answers: &[(Micros, u64)], from: Micros) -> Vec<f64> {
    let times: Vec<i64> = answers.iter().map(|(at, _)| at.0).filter(|at| *at >= from.0).collect();
    let between = times.windows(2).map(|pair| pair[1] - pair[0]);
    let interval = INTERVAL.as_micros() as f64;
    between.map(|micros| (micros as f64 - interval).abs() / 1e3).collect()
}

fn threads(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap();
    line.trim().parse().unwrap()
}

/// An SSH server that says who it is by one byte a second.
async fn drips(has_begun: Arc<AtomicBool>) -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut dripping = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            has_begun.store(true, Ordering::Relaxed);
            dripping.spawn(async move {
                for byte in b"SSH-2.0-".iter().chain(std::iter::repeat(&b'x')) {
                    if stream.write_all(&[*byte]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            });
        }
    });
    (port, tasks)
}
