//! A day without a line.

use std::time::{Duration, Instant};

use farwatch_common::clock::Micros;
use serde_json::json;

use super::site::Site;
use super::{Figure, Ground, Measured};
use crate::backlog;
use crate::oracle::values_since;
use crate::process::eventually;
use crate::relay::Conditions;
use crate::shape::Shape;
use crate::sinks::hooks::Hooks;

const ROUTERS: usize = 4;
const LIMIT: Duration = Duration::from_secs(50);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// The site's whole day, two batches every 40 s. In real life there are two every 0.8 s: the day is scaled by 50.
const EVERY: Duration = Duration::from_secs(40);
/// Of the 15 minutes in which a day is to be there, the same part.
const DRAINED_WITHIN: Duration = Duration::from_secs(18);
/// Longer than any router here runs; the backlog's say they do.
const LONG_S: f64 = 1e8;
const LIVE_WITHIN: Duration = Duration::from_secs(10);
/// The day takes some seconds over it, so that the kill meets a drain that is under way.
const THIN: Shape = Shape {
    round_trip: Duration::from_millis(60),
    loss: 0.0,
    reorder: 0.0,
    bits_per_s: 1_000_000,
    queue_bytes: 64_000,
};
/// Of the day, in percent: with more of it there at the kill the drain was as good as over.
const UNDER_WAY: f64 = 95.0;

/// Live within 10 s of the line's return while the backlog drains, the agent killed once meanwhile; nothing is
/// lost, and nobody is told of what is long over.
pub async fn day(ground: &Ground) -> Measured {
    let hooks = Hooks::start(None).await;
    let allow = format!(
        "[[notify.allow]]\nnetwork = \"127.0.0.1\"\nports = [{}]\nplain = true\n",
        hooks.address.port()
    );
    let mut site = Site::configured(ground, ROUTERS, &allow).await;
    site.is_live(LIMIT).await;
    told_of_everything(&site, &hooks.url("/")).await;
    let state_dir = site.agent.state_dir.clone();
    site.agent.stop().await;
    let device = site.devices[0].parse().unwrap();
    let end = site.clock.now().before(Duration::from_secs(600));
    let times: Vec<Micros> = (0..DAY.as_secs() / EVERY.as_secs())
        .rev()
        .map(|back| end.before(Duration::from_secs(back * EVERY.as_secs())))
        .collect();
    backlog::write(&state_dir, device, &times).await;

    site.relay.set(Conditions { is_black: true, ..Conditions::default() });
    site.agent.run();
    site.is_polled(LIMIT).await;
    let before = batches_stored(&site).await;
    site.relay.set(Conditions { shape: Some(THIN), ..Conditions::default() });
    let back = Instant::now();
    // Two batches of each time.
    let share =
        async || (batches_stored(&site).await - before) / (2.0 * times.len() as f64) * 100.0;
    let live = site.is_live(LIMIT).await;
    let in_time = share().await;
    eventually(LIMIT, "a third of the day is there", async || share().await > 33.0).await;
    let at_kill = share().await;
    site.kill().await;
    site.revive().await;
    let again = site.is_live(LIMIT).await;
    let of_the_day = async || {
        let all = values_since(&site.client, &site.devices[0], times[0]).await;
        all.range(backlog::FIRST.cast_unsigned()..).count()
    };
    eventually(LIMIT, "the whole day is there", async || of_the_day().await == times.len()).await;
    let drained = back.elapsed();
    let alerts = site.client.get("/api/v1/alerts?limit=1000").await.data();
    let alerts = alerts.as_array().unwrap().len() as f64;
    let notified = f64::from(u8::from(!hooks.is_empty()));
    let mut figures = vec![
        Figure::seconds("line to live", live, LIVE_WITHIN),
        Figure::told("of the day there by then", in_time, "%"),
        Figure::at_most("of the day there at the kill", at_kill, "%", UNDER_WAY),
        Figure::seconds("kill in the drain to live", again, LIVE_WITHIN),
        Figure::seconds("line to the whole day", drained, DRAINED_WITHIN),
        Figure::at_most("alerts", alerts, "", 0.0),
        Figure::at_most("notifications", notified, "", 0.0),
    ];
    site.count_from_now();
    site.is_live(LIMIT).await;
    figures.extend(site.figures().await);
    Ok(figures)
}

/// Since the collector's start.
async fn batches_stored(site: &Site) -> f64 {
    let page = site.client.get("/metrics").await.text();
    let line =
        page.lines().find_map(|line| line.strip_prefix("farwatch_ingest_batches_stored_total "));
    line.unwrap().parse().unwrap()
}

/// A webhook for alerts of every severity, and a rule that what the backlog holds would break.
async fn told_of_everything(site: &Site, url: &str) {
    let tenants = site.client.get("/api/v1/tenants").await.data();
    let tenant = &tenants[0]["id"];
    let post =
        async |path: &str, body: serde_json::Value| site.client.post(path, &body).await.data();
    let channel = json!({ "tenant": tenant, "kind": "webhook", "name": "noc", "url": url });
    let channel = post("/api/v1/channels", channel).await;
    let route = json!({ "channel": channel["id"], "severity": "info", "on_resolved": true });
    post("/api/v1/routes", route).await;
    let rule = json!({
        "tenant": tenant, "name": "Runs for long", "severity": "critical",
        "condition": {
            "kind": "metric", "name": "uptime_seconds", "is": "above", "limit": LONG_S,
        },
    });
    post("/api/v1/rules", rule).await;
}
