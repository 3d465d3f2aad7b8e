//! Disks that are full.

use std::time::{Duration, Instant};

use super::site::{Site, figures};
use super::{Figure, Ground, Measured, Skipped};
use crate::disk::SmallDisk;
use crate::ledger::declared;
use crate::oracle::Oracle;
use crate::process::eventually;
use crate::relay::Conditions;

const LIMIT: Duration = Duration::from_secs(60);
/// Polled each second: some 140 kB of samples a second, packed; the ballast is 2 MiB.
const ROUTERS: usize = 12;
const INTERFACES: u32 = 600;
const AGENT_MIB: u32 = 32;
/// How long the disk is full while the line is down.
const FULL_FOR: Duration = Duration::from_secs(24);
/// Of the polls that were due; the rest may fall on the edges of the time that is measured.
const POLLED_SHARE: f64 = 0.8;

/// Polling goes on, the lowest class goes first, what went is counted exactly, and what is live flows; all is
/// well within 60 s of the room's return.
pub async fn agent(ground: &Ground) -> Measured {
    let dir = ground.dir.path();
    let Some(disk) = SmallDisk::mount(&dir.join("small"), AGENT_MIB) else {
        return Err(Skipped("no file system may be mounted here: root may".into()));
    };
    let oracle = Oracle::start_wide(dir, ROUTERS, "127.0.0.1:0", INTERFACES).await;
    let mut site = Site::of(ground, oracle, &disk.path.join("agent"), "").await;
    site.is_live(LIMIT).await;
    site.count_from_now();
    site.relay.set(Conditions { is_black: true, ..Conditions::default() });
    let filler = disk.fill();
    let polled = || (0..ROUTERS).map(|at| site.oracle.answers(at).len()).sum::<usize>();
    let (before, began) = (polled(), Instant::now());
    tokio::time::sleep(FULL_FOR).await;
    let due = began.elapsed().as_secs_f64() * ROUTERS as f64;
    let missed = 1.0 - ((polled() - before) as f64 / due).min(1.0);
    site.relay.set(Conditions::default());
    let live = site.is_live(LIMIT).await;
    drop(filler);
    let room = Instant::now();
    site.is_live(LIMIT).await;
    let log = std::fs::read_to_string(disk.path.join("agent/agent.log")).unwrap_or_default();
    eventually(LIMIT, "the backlog is gone", async || {
        site.agent().await["buffer"]["batches"].as_u64().is_some_and(|batches| batches < 16)
    })
    .await;
    let recovered = room.elapsed();
    let found = site.balance().await;
    let counters = declared(&site.client, &site.agent_id).await;
    let counters = counters.iter().filter(|gap| gap.class == "counters");
    let counted: u64 = counters.map(|gap| gap.count).sum();
    let miscounted = counted.abs_diff(found.lost_declared) as f64;
    let counted = counted as f64;
    let mut all = vec![
        Figure::at_most("polls missed", 100.0 * missed, "%", 100.0 * (1.0 - POLLED_SHARE)),
        Figure::seconds("line to live, the disk full", live, Duration::from_secs(10)),
        Figure::seconds("room to all well", recovered, Duration::from_secs(60)),
        Figure::told("counted as lost", counted, "rows"),
        Figure::at_most("difference of lost and counted", miscounted, "rows", 0.0),
        Figure::told("bytes of the agent's log", log.len() as f64, "B"),
    ];
    all.extend(figures(found));
    Ok(all)
}
