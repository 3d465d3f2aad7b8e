//! An agent whose state was copied, and put back or run twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use farwatch_common::batch::decode_rows;
use farwatch_common::clock::Micros;
use farwatch_common::sample::{Schema, SchemaId, definition};
use farwatch_proto::v1::SchemaDef;
use prost::Message as _;
use rusqlite::Connection;
use serde_json::Value;

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::oracle::values;
use crate::process::{binary, eventually, run};
use crate::stack::Agent;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(60);
/// What a router says in this time before an agent is asked to stop may be on its way to it still.
const ON_ITS_WAY: Duration = Duration::from_millis(50);
/// What the agent sends between the copy and its return.
const ANSWERS: usize = 4;

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp failed");
}

/// As a virtual machine that is put back to a snapshot: numbers come again with other contents. Found within
/// 60 s, and nothing is lost.
pub async fn rolled_back(ground: &Ground) -> Measured {
    let mut site = Site::start(ground, ROUTERS).await;
    let state_dir = site.agent.state_dir.clone();
    let kept = ground.dir.path().join("copy");
    let mut found = Duration::ZERO;
    for _ in 0..ground.times.min(3) {
        site.kill().await;
        copy(&state_dir, &kept);
        site.revive().await;
        let seen = site.oracle.answers(0).len();
        eventually(LIMIT, "it goes on", async || site.oracle.answers(0).len() > seen + ANSWERS)
            .await;
        site.is_live(LIMIT).await;
        site.kill().await;
        copy(&kept, &state_dir);
        site.revive().await;
        let began = Instant::now();
        site.is_live(LIMIT).await;
        found = found.max(began.elapsed());
    }
    let mut figures = vec![Figure::seconds("return to live", found, LIMIT)];
    figures.extend(site.figures().await);
    Ok(figures)
}

/// Two hosts run as one agent: found within 60 s, and the younger is kept out. What either polled is stored or waits
/// where it was polled.
pub async fn run_twice(ground: &Ground) -> Measured {
    let mut site = Site::start(ground, ROUTERS).await;
    let elder = site.agent.state_dir.clone();
    let younger = ground.dir.path().join("younger");
    let mut stops = Vec::new();
    let asked = site.clock.now();
    site.agent.stop().await;
    stops.push((asked, site.clock.now()));
    copy(&elder, &younger);
    site.revive().await;
    site.is_live(LIMIT).await;
    let began = Instant::now();
    let mut copy = Agent::run_in(&younger);
    eventually(LIMIT, "the copy is told", async || is_told(&younger)).await;
    let found = began.elapsed();
    let live = site.is_live(LIMIT).await;
    let seen = site.oracle.answers(0).len();
    eventually(LIMIT, "both go on", async || site.oracle.answers(0).len() > seen + 2 * ANSWERS)
        .await;
    let is_elder_told = is_told(&elder);
    let asked = site.clock.now();
    copy.stop().await;
    stops.push((asked, site.clock.now()));
    let asked = site.clock.now();
    // All that the elder polled meanwhile.
    site.agent.stop().await;
    stops.push((asked, site.clock.now()));
    site.oracle.drained().await;
    let waits = waits_in(&younger);
    let stopping = |at: Micros| {
        stops.iter().any(|(asked, ended)| at >= asked.before(ON_ITS_WAY) && at <= *ended)
    };
    let (mut lost, mut late, mut twice) = (0, 0, 0);
    for (number, device) in site.devices.iter().enumerate() {
        let stored = values(&site.client, device).await;
        twice += stored.values().filter(|times| **times > 1).count();
        let answers = site.oracle.answers(number);
        let is_lost = |value: &u64| !stored.contains_key(value) && !waits.contains(value);
        for (at, _) in answers.iter().filter(|(_, value)| is_lost(value)) {
            *(if stopping(*at) { &mut late } else { &mut lost }) += 1;
        }
    }
    let told = |is: bool| f64::from(u8::from(is));
    Ok(vec![
        Figure::seconds("the copy is found", found, LIMIT),
        Figure::seconds("the elder is live beside it", live, Duration::from_secs(10)),
        Figure::at_most("elders that were kept out", told(is_elder_told), "", 0.0),
        Figure::at_most("neither stored nor in the copy", f64::from(lost), "answers", 0.0),
        Figure::told("on their way to an agent that stopped", f64::from(late), "answers"),
        Figure::at_most("stored twice", twice as f64, "answers", 0.0),
    ])
}

/// Whether the agent knows that another runs as it.
fn is_told(state_dir: &Path) -> bool {
    let words = ["status", "--json", "--state-dir", state_dir.to_str().unwrap()];
    let said = run(&binary("farwatch-agent"), &words, "");
    let status: Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
    status["running"]["uplink"]["cloned"] == true
}

/// The oracle's answers that wait in the buffer of an agent that does not run.
fn waits_in(state_dir: &Path) -> BTreeSet<u64> {
    let file = Connection::open(state_dir.join("buffer.db")).unwrap();
    let blobs = |sql: &str| -> Vec<Vec<u8>> {
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let schemas: BTreeMap<SchemaId, Schema> = blobs("SELECT def FROM schema")
        .iter()
        .map(|def| definition::read(&SchemaDef::decode(&def[..]).unwrap()).unwrap())
        .collect();
    let batches =
        blobs("SELECT data FROM batch WHERE class = 3 AND seq IN (SELECT seq FROM waiting)");
    let rows = batches.iter().flat_map(|data| decode_rows(data).unwrap());
    rows.filter_map(|row| {
        let columns = &schemas.get(&row.schema)?.columns;
        let is_counted = |at: &usize| {
            columns[*at].metric == "if_in_octets_total" && columns[*at].object == "if:1"
        };
        let at = (0..columns.len()).find(is_counted)?;
        row.values[at]?.try_into().ok()
    })
    .collect()
}
