//! `farwatch-demo-history`: gives the devices of a demo's site a history, see [`backfill`].
//!
//! `farwatch-demo-history STATE_DIR COLLECTOR FIELD DEVICES HOURS`: the folder of an agent that is enrolled
//! and does not run, where the collector listens, the site's gear as the simulator has it, and which
//! device each is: a file of lines `NAME ID INTERVAL_S [AWAY_FROM_S AWAY_TO_S]`, the last two in
//! seconds before now. A line `gap FROM_S TO_S` is of the whole site.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use farwatch_agent::identity;
use farwatch_common::clock::Clock;
use farwatch_support::backfill::{self, Polled};
use farwatch_support::sim::field::{self, Station};
use farwatch_support::sim::past::Past;

const USAGE: &str = "farwatch-demo-history STATE_DIR COLLECTOR FIELD DEVICES HOURS";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [state_dir, collector, field, devices, hours] = &words[..] else {
        anyhow::bail!("{USAGE}")
    };
    let credentials = identity::load(Path::new(state_dir))?.context("the agent is not enrolled")?;
    let stations = field::read(&read(field)?).with_context(|| field.clone())?;
    let stations = stations.into_iter().map(|station| (station.name.clone(), station)).collect();
    let now = Clock::system().now();
    let (mut polled, mut gap) = (Vec::new(), None);
    for line in read(devices)?.lines() {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["gap", from, to] => gap = Some(to.parse()?..from.parse()?),
            [name, id, interval_s, ref away @ ..] => {
                let past = past(&stations, name, id, now)?;
                let outage = match away {
                    [from, to] => Some(to.parse()?..from.parse()?),
                    _ => None,
                };
                polled.push(Polled { past, interval_s: interval_s.parse()?, outage });
            }
            _ => anyhow::bail!("{devices}: {line:?}"),
        }
    }
    let past = (hours.parse()?, now);
    let rows = backfill::send(&credentials, collector.parse()?, &polled, gap, past).await?;
    println!("{rows} rows");
    Ok(())
}

fn past(
    stations: &HashMap<String, Station>,
    name: &str,
    id: &str,
    now: farwatch_common::clock::Micros,
) -> anyhow::Result<Past> {
    let station = stations.get(name).with_context(|| format!("no device is called {name}"))?;
    Past::of(station, id.parse()?, now)
}

fn read(file: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| file.to_owned())
}
