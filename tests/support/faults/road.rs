//! Roads that lose, turn, forget and swallow.

use std::time::{Duration, Instant};

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::oracle::values_since;
use crate::process::eventually;
use crate::relay::Conditions;
use crate::shape::Shape;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(50);
/// The line of F12.
const BAD: Shape = Shape {
    round_trip: Duration::from_millis(200),
    loss: 0.2,
    reorder: 0.1,
    bits_per_s: 2_000_000,
    queue_bytes: 64_000,
};
/// Samples of how old the newest stored answer is, one each.
const LOOKED_EVERY: Duration = Duration::from_millis(250);
const BAD_FOR: Duration = Duration::from_secs(20);
/// What an answer waits at the agent before it is sent, at most: it is part of the age on any line.
const BATCHED: Duration = Duration::from_secs(1);

/// How old the newest stored answer of the first router is, again and again; the 99th percentile.
async fn ages(site: &Site, lasting: Duration) -> Duration {
    let mut ages = Vec::new();
    let mut pause = tokio::time::interval(LOOKED_EVERY);
    let end = Instant::now() + lasting;
    while Instant::now() < end {
        pause.tick().await;
        let since = site.clock.now().before(LIMIT);
        let stored = values_since(&site.client, &site.devices[0], since).await;
        let newest = stored.keys().next_back().copied().unwrap_or(0);
        // The first answer that is not stored: how long has it been waiting?
        let waiting = site.oracle.answers(0).into_iter().find(|(_, value)| *value > newest);
        ages.push(waiting.map_or(Duration::ZERO, |(at, _)| site.clock.now().since(at)));
    }
    ages.sort_unstable();
    ages[(ages.len() * 99).div_ceil(100) - 1]
}

/// Live p99 within 5 s, none twice, none lost.
pub async fn bad(ground: &Ground) -> Measured {
    let site = Site::start(ground, ROUTERS).await;
    site.relay.set(Conditions { shape: Some(BAD), ..Conditions::default() });
    let age = ages(&site, BAD_FOR).await;
    let transport = site.agent().await["transport"].as_str().unwrap_or_default().to_owned();
    site.relay.set(Conditions::default());
    let mut figures = vec![
        Figure::seconds("age of what is live, p99", age, BATCHED + Duration::from_secs(5)),
        Figure::told("over TCP at the end", f64::from(u8::from(transport == "tcp")), ""),
    ];
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}

/// At least 95 % of the times no reconnect, nothing lost.
pub async fn rebound(ground: &Ground) -> Measured {
    let site = Site::start(ground, ROUTERS).await;
    let times = ground.times.max(4);
    let since = async || site.agent().await["connected_since"].clone();
    let mut sessions = vec![since().await];
    let bindings = site.relay.bindings();
    for _ in 0..times {
        site.relay.rebind();
        // Each time it has to be noticed by traffic before the next.
        site.is_live(LIMIT).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        sessions.push(since().await);
    }
    let missed = (times as u64).saturating_sub(site.relay.bindings() - bindings);
    sessions.dedup();
    let reconnects = (sessions.len() - 1) as f64;
    let share = 100.0 * reconnects / times as f64;
    let mut figures = vec![
        Figure::at_most("rebindings that cost the session", share, "%", 5.0),
        Figure::at_most("rebindings that were none", missed as f64, "", 0.0),
    ];
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}

/// TCP within 10 s of the start and 45 s in the middle; QUIC again within a probe's interval.
pub async fn without_udp(ground: &Ground) -> Measured {
    let site = Site::begin(ground, ROUTERS, "[uplink]\nquic_probe_s = 2\n").await;
    let is_on = async |transport: &str| {
        let began = Instant::now();
        let carried = async || site.agent().await["transport"] == transport;
        eventually(LIMIT, transport, carried).await;
        site.is_live(LIMIT).await;
        began.elapsed()
    };
    is_on("quic").await;
    site.relay.block_udp(true);
    let switched = is_on("tcp").await;
    site.relay.block_udp(false);
    let back = is_on("quic").await;
    let mut site = site;
    site.relay.block_udp(true);
    site.agent.stop().await;
    let began = Instant::now();
    site.agent.run();
    eventually(LIMIT, "tcp from the start", async || site.agent().await["transport"] == "tcp")
        .await;
    let connected = began.elapsed();
    site.is_live(LIMIT).await;
    site.relay.block_udp(false);
    let mut figures = vec![
        Figure::seconds("start without UDP to TCP", connected, Duration::from_secs(10)),
        Figure::seconds("UDP blocked to live over TCP", switched, Duration::from_secs(45)),
        // A probe of 2 s with its jitter, a handshake, an echo, and what was on the way over TCP.
        Figure::seconds("UDP free to live over QUIC", back, Duration::from_secs(10)),
    ];
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}

/// The collector says so within 45 s; live again when the line is.
pub async fn swallowed(ground: &Ground) -> Measured {
    let site = Site::start(ground, ROUTERS).await;
    site.relay.set(Conditions { is_black: true, ..Conditions::default() });
    let began = Instant::now();
    eventually(LIMIT, "the agent is offline", async || site.agent().await["state"] == "down").await;
    let offline = began.elapsed();
    site.relay.set(Conditions::default());
    let live = site.is_live(LIMIT).await;
    let mut figures = vec![
        Figure::seconds("silence to offline", offline, Duration::from_secs(45)),
        Figure::seconds("line to live", live, Duration::from_secs(10)),
    ];
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}
