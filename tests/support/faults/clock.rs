//! Clocks that are wrong, set and set back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use farwatch_common::clock::Micros;

use super::site::Site;
use super::{Figure, Ground, Measured, Skipped};
use crate::http::Client;
use crate::oracle::samples;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(45);
/// Debian's package faketime; for programs with threads.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// What the agent's clock says meanwhile.
const CLOCKS: [&str; 4] = ["+1h", "-1h", "+10y", "+0"];
const AT_1970: &str = "@1970-01-01 00:10:00";
/// Between two changes.
const EACH: Duration = Duration::from_secs(4);
/// How far the times of what is stored may be from when it was answered: the correction is as good as half a
/// round trip.
const OFF_MAX: Duration = Duration::from_secs(1);

/// The words before a program whose clock is what the file says; monotonic time is as it is.
fn words(file: &Path) -> Vec<String> {
    let set = |name: &str, value: &str| format!("{name}={value}");
    vec![
        "env".into(),
        set("LD_PRELOAD", LIBRARY),
        set("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
        set("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        set("FAKETIME_NO_CACHE", "1"),
    ]
}

/// Nothing is lost, everything stands at its time, TLS works in 1970, and at most one alert tells of the clock.
pub async fn set(ground: &Ground) -> Measured {
    if !Path::new(LIBRARY).exists() {
        return Err(Skipped("no faketime here: apt-get install faketime".into()));
    }
    let file: PathBuf = ground.dir.path().join("clock");
    std::fs::write(&file, "+0").unwrap();
    let mut site = Site::inside(ground, ROUTERS, words(&file)).await;
    site.is_live(LIMIT).await;
    let mut live = Duration::ZERO;
    for clock in CLOCKS {
        std::fs::write(&file, clock).unwrap();
        live = live.max(site.is_live(LIMIT).await);
        tokio::time::sleep(EACH).await;
    }
    site.kill().await;
    std::fs::write(&file, AT_1970).unwrap();
    let booted = Instant::now();
    site.revive().await;
    site.is_live(LIMIT).await;
    let booted = booted.elapsed();
    tokio::time::sleep(EACH).await;
    let alerts = site.client.get("/api/v1/alerts?limit=1000").await.data();
    let alerts = alerts.as_array().unwrap().len() as f64;
    let balance = site.balance().await;
    let mut off = Duration::ZERO;
    for (number, device) in site.devices.iter().enumerate() {
        let answers = site.oracle.answers(number);
        off = off.max(furthest(&site.client, device, &answers).await);
    }
    let mut figures = vec![
        Figure::seconds("clock set to live", live, Duration::from_secs(10)),
        Figure::seconds("start in 1970 to live", booted, Duration::from_secs(10)),
        Figure::seconds("stored off the time of its answer", off, OFF_MAX),
        Figure::at_most("alerts", alerts, "", 1.0),
    ];
    figures.extend(site.figures_of(balance));
    Ok(figures)
}

/// How far the stored times are from when it was answered, at most.
async fn furthest(client: &Client, device: &str, answers: &[(Micros, u64)]) -> Duration {
    let answered: BTreeMap<u64, Micros> = answers.iter().map(|(at, value)| (*value, *at)).collect();
    let stored = samples(client, device, Micros(0)).await;
    let off = stored.iter().filter_map(|(at, value)| {
        let answered = answered.get(value)?;
        Some(at.since(*answered).max(answered.since(*at)))
    });
    off.max().unwrap_or_default()
}
