//! `bench-poll`: CPU per device-poll of the poll stage, and its memory at 100 devices.
//!
//! The job and who answers it: `farwatch_support::bench::polling`. With `FARWATCH_YARDSTICKS` our
//! rounds and those of the lower limit alternate; without it no ratio is printed.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use farwatch_agent::poll::{Observation, PollCounters};
use farwatch_common::sample::Group;
use farwatch_support::bench::polling::{
    Fleet, POLLS, ROUNDS, SIM_DEVICES, VALUES, is_round, our_round, saturated,
};
use farwatch_support::bench::{figure, median, own_cpu_s, process_rss_kb};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

fn main() -> anyhow::Result<()> {
    if is_round() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(round());
    }
    let fleet = Fleet::start()?;
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limits.extend(fleet.limit_round()?);
        ours.extend(our_round(&fleet.targets)?.first());
    }
    let few = our_round(&fleet.targets[..SIM_DEVICES])?;
    let limit = if limits.is_empty() { None } else { Some(median("limit", &mut limits)?) };
    figure("poll", "cpu_us_per_device_poll", median("ours", &mut ours)?, "us", limit);
    let rss_kb = few.get(1).context("a round printed no memory")?;
    figure("poll", "rss_mb_at_100_devices", rss_kb / 1024.0, "MB", None);
    Ok(())
}

/// One round in this process: prints CPU per device-poll and resident memory.
async fn round() -> anyhow::Result<()> {
    let (out, mut observations) = mpsc::channel(4096);
    let counters = Arc::new(PollCounters::default());
    let start = own_cpu_s()?;
    let (mut polls, mut values) = (0u64, 0u64);
    let counting = async {
        while let Some(observation) = observations.recv().await {
            if let Observation::Row { row, .. } = observation {
                values += row.values.len() as u64 - u64::from(row.group == Group::System);
                polls += u64::from(row.group == Group::Interfaces);
                if polls == POLLS {
                    return;
                }
            }
        }
    };
    tokio::select! {
        ended = saturated(out, Arc::clone(&counters), CancellationToken::new()) => ended?,
        () = counting => {}
    }
    let cpu_s = own_cpu_s()? - start;
    let totals = counters.snapshot();
    let wanted = POLLS * VALUES;
    ensure!(values * 1000 >= wanted * 995, "{values} values instead of {wanted}: {totals:?}");
    eprintln!(
        "requests/poll {:.2}, timeouts {}, dropped {}",
        totals.requests as f64 / POLLS as f64,
        totals.timeouts,
        totals.dropped_observations
    );
    println!("{} {}", cpu_s * 1e6 / POLLS as f64, process_rss_kb(std::process::id())?);
    Ok(())
}
