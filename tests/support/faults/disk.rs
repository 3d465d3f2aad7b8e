//! Disks that are full.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use super::site::Site;
use super::{Figure, Ground, Measured, Skipped};
use crate::disk::SmallDisk;
use crate::http::Client;
use crate::ledger::rows_declared;
use crate::oracle::Oracle;
use crate::process::eventually;
use crate::relay::Conditions;
use crate::stack::{EMAIL, PASSWORD};

const LIMIT: Duration = Duration::from_secs(60);
/// Polled each second: some 140 kB of samples a second, packed; the ballast is 2 MiB.
const ROUTERS: usize = 12;
const INTERFACES: u32 = 600;
const AGENT_MIB: u32 = 32;
/// How long the disk is full while the line is down.
const FULL_FOR: Duration = Duration::from_secs(24);
/// Of the polls that were due; the rest may fall on the edges of the time that is measured.
const POLLED_SHARE: f64 = 0.8;

const COLLECTOR_MIB: u32 = 256;
/// How long the collector's disk is full.
const NO_ROOM_FOR: Duration = Duration::from_secs(12);
const TOLD_WITHIN: Duration = Duration::from_secs(30);
const ROUTERS_OF_COLLECTOR: usize = 4;
const SIGN_INS: usize = 3;

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
    let counted = rows_declared(&site.client, &site.agent_id).await;
    let evicted = evicted(&site.agent.state_dir);
    let undeclared = counted.abs_diff(evicted) as f64;
    // What was on the way as the line was cut may be stored, and the agent cannot know.
    let stored_too = counted.saturating_sub(found.lost_declared) as f64;
    let mut all = vec![
        Figure::at_most("polls missed", 100.0 * missed, "%", 100.0 * (1.0 - POLLED_SHARE)),
        Figure::seconds("line to live, the disk full", live, Duration::from_secs(10)),
        Figure::seconds("room to all well", recovered, Duration::from_secs(60)),
        Figure::told("evicted", evicted as f64, "rows"),
        Figure::at_most("difference of evicted and declared", undeclared, "rows", 0.0),
        Figure::told("declared lost, stored all the same", stored_too, "rows"),
        Figure::told("bytes of the agent's log", log.len() as f64, "B"),
    ];
    all.extend(site.figures_of(found));
    Ok(all)
}

/// Rows of the lowest class that the agent has counted as evicted.
fn evicted(state_dir: &Path) -> u64 {
    let file = Connection::open(state_dir.join("buffer.db")).unwrap();
    let counter = "SELECT value FROM counter WHERE name = 'evicted_rows_class_3'";
    let value: i64 = file.query_row(counter, [], |row| row.get(0)).unwrap();
    value.cast_unsigned()
}

/// Nothing is taken for stored that is not, people sign in and read, it is said, and all is well within 60 s of the
/// room's return.
pub async fn collector(ground: &Ground) -> Measured {
    let dir = ground.dir.path().join("collector");
    let Some(disk) = SmallDisk::mount(&dir, COLLECTOR_MIB) else {
        return Err(Skipped("no file system may be mounted here: root may".into()));
    };
    let site = Site::start(ground, ROUTERS_OF_COLLECTOR).await;
    let filler = disk.fill();
    let began = Instant::now();
    eventually(LIMIT, "the collector says that its disk is full", async || {
        site.client.get("/health/ready").await.data()["disk"] == "full"
    })
    .await;
    let told = began.elapsed();
    tokio::time::sleep(NO_ROOM_FOR).await;
    let client = Client::new(site.collector.http);
    let person = json!({ "email": EMAIL, "password": PASSWORD });
    let (mut failed, mut slowest) = (0, Duration::ZERO);
    for _ in 0..SIGN_INS {
        let asked = Instant::now();
        let signed_in = client.post("/api/v1/login", &person).await.status == 200;
        let read = site.client.get("/api/v1/devices").await.status == 200;
        failed += u8::from(!(signed_in && read));
        slowest = slowest.max(asked.elapsed());
    }
    let waiting = site.agent().await["buffer"]["batches"].as_u64().unwrap_or_default();
    drop(filler);
    let live = site.is_live(LIMIT).await;
    eventually(LIMIT, "it is said that there is room", async || {
        site.client.get("/health/ready").await.data()["disk"] == "ok"
    })
    .await;
    let mut all = vec![
        Figure::seconds("full to told", told, TOLD_WITHIN),
        Figure::at_most("sign-ins and readings that failed", failed.into(), "", 0.0),
        Figure::seconds("slowest of them", slowest, Duration::from_secs(5)),
        Figure::told("batches that waited at the agent", waiting as f64, ""),
        Figure::seconds("room to live", live, Duration::from_secs(60)),
    ];
    all.extend(site.figures_without_loss().await);
    Ok(all)
}
