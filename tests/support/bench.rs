//! What benchmarks share: the line a figure is printed as, what a process has used, and the loads.

pub mod crowd;
pub mod engine;
pub mod line;
pub mod polling;
pub mod site;
pub mod telemetry;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::http::Client;
use crate::process::eventually;

/// Ticks a second of `/proc/PID/stat` on Linux, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// Prints one figure; the yardstick is what others need for the same.
pub fn figure(bench: &str, name: &str, value: f64, unit: &str, yardstick: Option<f64>) {
    let ratio = yardstick.map(|yardstick| rounded(value / yardstick));
    let line = serde_json::json!({
        "bench": bench, "figure": name, "value": rounded(value), "unit": unit,
        "yardstick": yardstick.map(rounded), "ratio": ratio,
    });
    println!("{line}");
}

/// Adds a device that is polled each `interval_s`, waiting where the API says how long.
pub async fn add_device(
    client: &Client,
    agent: &str,
    address: &str,
    interval_s: u32,
) -> anyhow::Result<()> {
    let body = json!({
        "agent": agent, "address": address, "interval_s": interval_s,
        "snmp": { "version": "v2c", "community": "public" },
    });
    let mut status = 0;
    eventually(Duration::from_secs(60), "the API takes a device", async || {
        status = client.post("/api/v1/devices", &body).await.status;
        status != 429
    })
    .await;
    ensure!(status == 201, "adding {address} gave {status}");
    Ok(())
}

/// Three places, which is more than any figure here is sure of.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The middle one; all of them go to standard error, to judge the noise by.
pub fn median(name: &str, values: &mut [f64]) -> anyhow::Result<f64> {
    values.sort_by(f64::total_cmp);
    eprintln!("{name}, rounds: {values:.1?}");
    values.get(values.len() / 2).copied().context("no round was run")
}

/// CPU seconds, user and system, of a running process.
pub fn process_cpu_s(pid: u32) -> anyhow::Result<f64> {
    cpu_s(pid, [11, 12])
}

/// CPU seconds of the processes that a running one has started and seen end.
pub fn children_cpu_s(pid: u32) -> anyhow::Result<f64> {
    cpu_s(pid, [13, 14])
}

/// The sum of these fields of `/proc/PID/stat`, counted behind the name.
fn cpu_s(pid: u32, fields: [usize; 2]) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold blanks; what follows does not.
    let (_, rest) = stat.rsplit_once(')').context("an odd /proc/PID/stat")?;
    let ticks = |field: usize| -> anyhow::Result<f64> {
        Ok(rest.split_whitespace().nth(field).context("a short /proc/PID/stat")?.parse()?)
    };
    Ok((ticks(fields[0])? + ticks(fields[1])?) / TICKS_PER_SECOND)
}

/// CPU seconds, user and system, of this process with all its threads.
pub fn own_cpu_s() -> anyhow::Result<f64> {
    process_cpu_s(std::process::id())
}

/// Resident memory of a running process, in KiB.
pub fn process_rss_kb(pid: u32) -> anyhow::Result<f64> {
    memory_kb(pid, "VmRSS:")
}

/// From now on the peak counts anew (proc(5), `clear_refs`): what a process took before, as for the hash of a
/// password, is not what is measured.
pub fn reset_process_peak(pid: u32) -> anyhow::Result<()> {
    Ok(std::fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// The most memory that a process has taken so far, in kB.
pub fn process_peak_kb(pid: u32) -> anyhow::Result<f64> {
    memory_kb(pid, "VmHWM:")
}

fn memory_kb(pid: u32, what: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let value = line.and_then(|line| line.split_whitespace().next()).context("no such memory")?;
    Ok(value.parse()?)
}
