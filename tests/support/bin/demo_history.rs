//! `farwatch-demo-history`: gives the devices of a demo's site a history.
//!
//! `samples STATE_DIR COLLECTOR FIELD` sends it, see [`backfill`]: the folder of an agent that is enrolled
//! and does not run, where the collector listens, the site's gear as the simulator has it. `since`, with the
//! same words, sends what has come since the history ended.
//! `states DATA_DIR` writes how states changed, see [`states`]: the folder of the collector.
//!
//! All take `DEVICES HOURS UNTIL_S` behind: the file of [`site`], how long the history is and when it ends, in
//! seconds of 1970.

use std::path::Path;

use anyhow::Context as _;
use farwatch_agent::identity;
use farwatch_collector::store::Database;
use farwatch_common::clock::{Clock, Micros};
use farwatch_support::backfill::site::{self, Site};
use farwatch_support::backfill::{self, Polled, states};
use farwatch_support::sim::field::{self, Station};
use farwatch_support::sim::past::Past;

const USAGE: &str = "farwatch-demo-history \
                     ((samples | since) STATE_DIR COLLECTOR FIELD | states DATA_DIR) \
                     DEVICES HOURS UNTIL_S";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [ref what @ .., devices, hours, until_s] = words[..] else { anyhow::bail!("{USAGE}") };
    let site: Site = read(devices)?.parse().with_context(|| devices.to_owned())?;
    let past = (hours.parse()?, Micros(until_s.parse::<i64>()? * Micros::SECOND));
    match what {
        [how @ ("samples" | "since"), state_dir, collector, field] => {
            let credentials = identity::load(Path::new(state_dir))?;
            let credentials = credentials.context("the agent is not enrolled")?;
            let stations = field::read(&read(field)?).with_context(|| (*field).to_owned())?;
            let polled = polled(&stations, site.devices, past.1)?;
            let collector = collector.parse()?;
            let rows = if *how == "since" {
                let times = (past.1, Clock::system().now());
                backfill::send_since(&credentials, collector, &polled, times).await?
            } else {
                backfill::send(&credentials, collector, &polled, site.gap, past).await?
            };
            println!("{rows} rows");
        }
        ["states", data_dir] => {
            let changes = states::write(&Database::file(Path::new(data_dir)), &site, past)?;
            println!("{changes} changes of states");
        }
        _ => anyhow::bail!("{USAGE}"),
    }
    Ok(())
}

fn polled(
    stations: &[Station],
    devices: Vec<site::Device>,
    until: Micros,
) -> anyhow::Result<Vec<Polled>> {
    let polled = devices.into_iter().map(|site::Device { name, id, interval_s, away }| {
        let station = stations.iter().find(|station| station.name == name);
        let station = station.with_context(|| format!("no device is called {name}"))?;
        Ok(Polled { past: Past::of(station, id, until)?, interval_s, away })
    });
    polled.collect()
}

fn read(file: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| file.to_owned())
}
