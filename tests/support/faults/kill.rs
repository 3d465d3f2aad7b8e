//! Kills: of the agent, the collector, the database, at any moment.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::process::eventually;

const ROUTERS: usize = 4;
/// The moment of a kill, after all works: anywhere in the cycle of polls, batches and commits.
const MOMENT_MS: std::ops::Range<u64> = 0..2_000;
const LIMIT: Duration = Duration::from_secs(60);

async fn some_moment(dice: &mut StdRng) {
    tokio::time::sleep(Duration::from_millis(dice.random_range(MOMENT_MS))).await;
}

/// 0 lost beyond the last second, none twice, polling again within 5 s.
pub async fn agent(ground: &Ground) -> Measured {
    let mut dice = StdRng::seed_from_u64(ground.seed);
    let mut site = Site::start(ground, ROUTERS).await;
    let mut polling = Duration::ZERO;
    for _ in 0..ground.times {
        some_moment(&mut dice).await;
        site.kill().await;
        polling = polling.max(site.revive().await);
    }
    let mut figures = vec![Figure::seconds("start to polling", polling, Duration::from_secs(5))];
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}

/// 0 lost, none twice, serving within 10 s, live within 30 s.
pub async fn collector(ground: &Ground) -> Measured {
    let mut dice = StdRng::seed_from_u64(ground.seed);
    let mut site = Site::start(ground, ROUTERS).await;
    let (mut serving, mut live) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..ground.times {
        some_moment(&mut dice).await;
        let killed = Instant::now();
        serving = serving.max(site.kill_collector().await);
        site.is_live(LIMIT).await;
        live = live.max(killed.elapsed());
    }
    let mut figures = vec![
        Figure::seconds("kill to serving", serving, Duration::from_secs(10)),
        Figure::seconds("kill to live", live, Duration::from_secs(30)),
    ];
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}

/// 0 lost, neither collector nor agent has to be started again, serving within 10 s, live within 30 s.
pub async fn postgresql(ground: &Ground) -> Measured {
    let mut dice = StdRng::seed_from_u64(ground.seed);
    let mut site = Site::start(ground, ROUTERS).await;
    let pids = (site.collector.pid(), site.agent.pid());
    let (mut serving, mut live) = (Duration::ZERO, Duration::ZERO);
    for round in 0..ground.times {
        some_moment(&mut dice).await;
        if round % 2 == 0 {
            ground.postgres().await.kill();
        } else {
            ground.postgres().await.stop_immediately().unwrap();
        }
        let polled = site.is_polled(LIMIT).await;
        assert!(polled < Duration::from_secs(5), "polls wait for the database: {polled:?}");
        ground.postgres().await.restart().await.unwrap();
        let there = Instant::now();
        eventually(LIMIT, "the collector is ready again", async || {
            site.client.get("/health/ready").await.status == 200
        })
        .await;
        serving = serving.max(there.elapsed());
        site.is_live(LIMIT).await;
        live = live.max(there.elapsed());
    }
    let ended = !(site.collector.is_running() && site.agent.is_running());
    let others = ended || pids != (site.collector.pid(), site.agent.pid());
    let mut figures = vec![
        Figure::seconds("PostgreSQL to serving", serving, Duration::from_secs(10)),
        Figure::seconds("PostgreSQL to live", live, Duration::from_secs(30)),
        Figure::at_most("processes that ended", f64::from(u8::from(others)), "", 0.0),
    ];
    figures.extend(site.figures_without_loss().await);
    Ok(figures)
}
