//! Very many agents at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use farwatch_common::clock::{Clock, Micros};

use super::{Figure, Ground, Measured};
use crate::bench::{process_peak_kb, process_rss_kb};
use crate::herd::admit::{OF_HERD, admit};
use crate::herd::{BATCHES_OF_POLL, Habits, Herd, Identity};
use crate::http::Client;
use crate::oracle::samples;
use crate::process::eventually;
use crate::stack::Collector;

/// Agents of a planned restart.
const RESTARTED: usize = 500;
/// Agents that come back at once, each with so many minutes of backlog.
const RETURNING: usize = 2_000;
const BACKLOG: u32 = 60;
/// What is polled while a restart is watched.
const OFTEN: Duration = Duration::from_secs(2);
const MINUTELY: Duration = Duration::from_secs(60);
const RESTARTS: usize = 2;
/// For what has no figure of its own.
const LIMIT: Duration = Duration::from_secs(120);
/// Agents whose devices are read back to the last poll.
const READ_BACK: usize = 5;
/// What an agent has polled is stored after so long.
const STORED_WITHIN: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(250);
/// What was in buffers of the drain stays with each connection, and with the allocator.
const AFTER_KIB: f64 = 320.0;
/// With nothing to do, memory is what idle agents take.
const IDLE_FOR: Duration = Duration::from_secs(5);

/// A collector that is restarted in order, as for an upgrade, twice.
pub async fn restart(ground: &Ground) -> Measured {
    let mut collector = ground.collector().await;
    let identities = admit(ground, &mut collector, RESTARTED).await;
    let habits = Habits { interval: Some(OFTEN), backlog: 0 };
    let herd = Herd::new(identities, collector.listen, habits);
    herd.let_go();
    all_live(&herd).await;
    herd.measure_anew();
    for _ in 0..RESTARTS {
        collector.stop().await;
        collector.restart().await;
        let since = herd.seen().iter().map(|seen| seen.live_last).max().flatten();
        eventually(LIMIT, "all agents are live again", async || {
            herd.seen().iter().all(|seen| seen.live_last > since)
        })
        .await;
    }
    let gap = herd.seen().iter().map(|seen| seen.live_gap).max().unwrap_or_default();
    let refused: u64 = herd.seen().iter().map(|seen| seen.refused).sum();
    let client = collector.client().await;
    let alerts = client.get("/api/v1/alerts?limit=1000").await.data();
    let alerts = alerts.as_array().unwrap().len() as f64;
    let off = off(ground, &herd).await;
    let wrong = wrong(&client, &herd).await;
    let lost = lost(ground).await;
    Ok(vec![
        Figure::told("agents", RESTARTED as f64, ""),
        // Less the time between two polls.
        Figure::seconds(
            "longest without fresh values",
            gap.saturating_sub(OFTEN),
            Duration::from_secs(30),
        ),
        Figure::at_most("alerts", alerts, "", 0.0),
        Figure::at_most("batches not stored once", off, "", 0.0),
        Figure::at_most("polls not stored once, of those read back", wrong, "", 0.0),
        Figure::at_most("refused", refused as f64, "batches", 0.0),
        Figure::at_most("declared lost", lost, "gaps", 0.0),
    ])
}

/// All agents come at once, each with an hour of backlog.
pub async fn reconnect(ground: &Ground) -> Measured {
    let mut collector = ground.collector().await;
    let identities = admit(ground, &mut collector, RETURNING).await;
    let idle = idle(&collector, identities.clone()).await;
    // As after an upgrade: the memory of what was before is not counted.
    collector.stop().await;
    collector.restart().await;
    let empty = process_rss_kb(collector.pid()).unwrap();
    let habits = Habits { interval: Some(MINUTELY), backlog: BACKLOG };
    let herd = Herd::new(identities, collector.listen, habits);
    let client = collector.client().await;
    let began = Instant::now();
    let gone = herd.let_go();
    let mut asked = Vec::new();
    let mut live = None;
    let drained = loop {
        let seen = herd.seen();
        if live.is_none() && seen.iter().all(|seen| seen.live.is_some()) {
            live = Some(began.elapsed());
        }
        if live.is_some() && seen.iter().all(|seen| seen.backlog == 0) {
            break began.elapsed();
        }
        let at = Instant::now();
        assert_eq!(client.get("/api/v1/devices?limit=100").await.status, 200);
        asked.push(at.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(LOOK).await;
    };
    let slowest = herd.seen().iter().filter_map(|seen| seen.live).max().unwrap_or_default() - gone;
    asked.sort_by(f64::total_cmp);
    let p99 = asked[(asked.len() * 99 / 100).min(asked.len() - 1)];
    let most = process_peak_kb(collector.pid()).unwrap();
    tokio::time::sleep(IDLE_FOR).await;
    let after = process_rss_kb(collector.pid()).unwrap();
    let refused: u64 = herd.seen().iter().map(|seen| seen.refused).sum();
    let broken: u64 = herd.seen().iter().map(|seen| seen.broken).sum();
    let off = off(ground, &herd).await;
    let wrong = wrong(&client, &herd).await;
    let lost = lost(ground).await;
    Ok(vec![
        Figure::told("agents", RETURNING as f64, ""),
        Figure::seconds("all live", slowest, LIMIT),
        Figure::told("an hour of all drained", drained.as_secs_f64(), "s"),
        Figure::at_most("the collector's memory", most / 1024.0, "MiB", 1024.0),
        Figure::at_most("memory of an idle agent", idle, "KiB", 100.0),
        Figure::at_most(
            "memory of an agent after the drain",
            (after - empty) / RETURNING as f64,
            "KiB",
            AFTER_KIB,
        ),
        Figure::told("API meanwhile, p99", p99, "ms"),
        Figure::told("dials that failed or broke off", broken as f64, ""),
        Figure::at_most("refused", refused as f64, "batches", 0.0),
        Figure::at_most("batches not stored once", off, "", 0.0),
        Figure::at_most("polls not stored once, of those read back", wrong, "", 0.0),
        Figure::at_most("declared lost", lost, "gaps", 0.0),
    ])
}

/// What each of the herd takes of the collector's memory while it is only there, in KiB.
async fn idle(collector: &Collector, identities: Vec<Identity>) -> f64 {
    let empty = process_rss_kb(collector.pid()).unwrap();
    let count = identities.len() as f64;
    let herd = Herd::new(identities, collector.listen, Habits { interval: None, backlog: 0 });
    herd.let_go();
    eventually(LIMIT, "all agents are there", async || {
        herd.seen().iter().all(|seen| seen.sessions > 0)
    })
    .await;
    tokio::time::sleep(IDLE_FOR).await;
    (process_rss_kb(collector.pid()).unwrap() - empty) / count
}

async fn all_live(herd: &Herd) {
    eventually(LIMIT, "all agents are live", async || {
        herd.seen().iter().all(|seen| seen.live.is_some())
    })
    .await;
}

/// Gaps of all.
async fn lost(ground: &Ground) -> f64 {
    let sql = format!("SELECT COUNT(*) FROM gap WHERE {OF_HERD}");
    ground.count_by_sql(&sql).await as f64
}

/// How many batches of polls until now there are more or less than were made, though it was waited for.
async fn off(ground: &Ground, herd: &Herd) -> f64 {
    let end = Clock::system().now();
    let sql = format!("SELECT COUNT(*) FROM ts_batch WHERE {OF_HERD} AND t_max <= {}", end.0);
    let until = Instant::now() + STORED_WITHIN;
    loop {
        let polls: usize =
            (0..herd.identities.len()).map(|at| herd.polled(at).range(..=end).count()).sum();
        let off = ground.count_by_sql(&sql).await - (polls * BATCHES_OF_POLL) as i64;
        if off == 0 || Instant::now() >= until {
            break off.abs() as f64;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Polls of some that are not stored, or not once, though it was waited for.
async fn wrong(client: &Client, herd: &Herd) -> f64 {
    let mut wrong = 0;
    for at in some(herd) {
        let polled = herd.polled(at);
        assert!(!polled.is_empty(), "an agent that never polled");
        for device in &herd.identities[at].devices {
            let until = Instant::now() + STORED_WITHIN;
            wrong += loop {
                let mut times = BTreeMap::<Micros, usize>::new();
                for (at, _) in samples(client, &device.to_string(), Micros(0)).await {
                    *times.entry(at).or_default() += 1;
                }
                let twice = times.values().filter(|times| **times > 1).count();
                let missing = polled.iter().filter(|at| !times.contains_key(at)).count();
                if twice > 0 || missing == 0 || Instant::now() >= until {
                    break twice + missing;
                }
                tokio::time::sleep(LOOK).await;
            };
        }
    }
    wrong as f64
}

/// The places of some of its agents.
fn some(herd: &Herd) -> impl Iterator<Item = usize> {
    let step = (herd.identities.len() / READ_BACK).max(1);
    (0..herd.identities.len()).step_by(step)
}
