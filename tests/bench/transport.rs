//! `bench-transport`: how long telemetry waits for its ack while bulk fills the line.
//!
//! 100 samples every 100 ms on the telemetry pipe, from handing the batch over to the ack, commit and
//! fsync included; beside them uploads of 1 MiB back to back on the pipe of snapshots. The collector is
//! the real one; on the agent's side are the product's sessions and pipes, in a namespace behind a
//! line that delays and loses packets. `bench-transport [SECONDS]` of each row with bulk, 40 by default;
//! rows without take half of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use farwatch_agent::identity;
use farwatch_common::transport::{Carrier, PipeKind, Session, channel, quic, tcp};
use farwatch_proto::v1::MeasurePart;
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_support::bench::figure;
use farwatch_support::bench::line::Line;
use farwatch_support::bench::telemetry::Telemetry;
use farwatch_support::shape::{LOSSY, LTE, Shape};
use farwatch_support::stack::{Collector, add_device, enroll, only_agent};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// Ack latency p50 and p99 in ms and bulk in Mbit/s of a prototype on the same lines, without a
/// database: one QUIC stream a class with priorities, one TCP connection a class.
const YARDSTICKS: [(&str, Shape, Carrier, [f64; 3]); 4] = [
    ("lossy", LOSSY, Carrier::Quic, [116.0, 324.0, 0.86]),
    ("lossy", LOSSY, Carrier::Tcp, [101.0, 302.0, 0.86]),
    ("lte", LTE, Carrier::Quic, [178.0, 561.0, 4.4]),
    ("lte", LTE, Carrier::Tcp, [126.0, 292.0, 4.4]),
];
const UPLOAD_BYTES: usize = 1024 * 1024;
const PART_BYTES: usize = 64 * 1024;
/// The word before what the process inside the site is to do.
const INSIDE: &str = "--inside";

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new()?;
    match &words[..] {
        [word, task] if word == INSIDE => {
            let round = runtime.block_on(drive(serde_json::from_str(task)?))?;
            println!("{}", serde_json::to_string(&round)?);
            Ok(())
        }
        _ => {
            let seconds = words.first().map_or(Ok(40), |text| text.parse())?;
            runtime.block_on(table(seconds))
        }
    }
}

/// What the process inside the site does.
#[derive(Serialize, Deserialize)]
struct Task {
    state_dir: PathBuf,
    collector: SocketAddr,
    device: String,
    over_quic: bool,
    with_bulk: bool,
    seconds: u64,
}

/// What it has measured.
#[derive(Serialize, Deserialize)]
struct Round {
    ack_ms: Vec<f64>,
    bulk_mbit_s: Option<f64>,
}

async fn table(seconds: u64) -> anyhow::Result<()> {
    let Some(line) = Line::new(LOSSY)? else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let listen = line.listen().to_string();
    let collector = Collector::start_at(&dir.path().join("collector"), &listen).await;
    let state_dir = dir.path().join("agent");
    std::fs::create_dir_all(&state_dir)?;
    let enrolled = enroll(&state_dir, &collector.token("Depot"));
    ensure!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
    let client = collector.client().await;
    let device = add_device(&client, &only_agent(&client).await, "192.0.2.1", 60).await;
    for (path, shape, carrier, yardsticks) in YARDSTICKS {
        line.set(shape);
        for with_bulk in [false, true] {
            let task = Task {
                state_dir: state_dir.clone(),
                collector: collector.listen,
                device: device.clone(),
                over_quic: carrier == Carrier::Quic,
                with_bulk,
                seconds: if with_bulk { seconds } else { seconds / 2 },
            };
            let load = if with_bulk { "bulk" } else { "alone" };
            let name = format!("{path}_{}_{load}", carrier.name());
            let round = inside(&line, &task).with_context(|| name.clone())?;
            print(&name, round, with_bulk.then_some(yardsticks))?;
        }
    }
    Ok(())
}

fn print(name: &str, mut round: Round, yardsticks: Option<[f64; 3]>) -> anyhow::Result<()> {
    let yardstick = |at: usize| yardsticks.map(|all| all[at]);
    round.ack_ms.sort_by(f64::total_cmp);
    for (at, (percentile, share)) in [("p50", 0.5), ("p99", 0.99)].into_iter().enumerate() {
        let place = (round.ack_ms.len() as f64 * share) as usize;
        let value = round.ack_ms.get(place).copied().context("no batch was acked")?;
        figure("transport", &format!("{name}_ack_ms_{percentile}"), value, "ms", yardstick(at));
    }
    if let Some(rate) = round.bulk_mbit_s {
        figure("transport", &format!("{name}_mbit_s"), rate, "Mbit/s", yardstick(2));
    }
    Ok(())
}

/// Runs this program in the site's namespace.
fn inside(line: &Line, task: &Task) -> anyhow::Result<Round> {
    let own = std::env::current_exe()?;
    let words = line.site.inside();
    let output = Command::new(&words[0])
        .args(&words[1..])
        .arg(own)
        .args([INSIDE, &serde_json::to_string(task)?])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the process inside the site failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn drive(task: Task) -> anyhow::Result<Round> {
    let credentials = identity::load(&task.state_dir)?.context("the agent is not enrolled")?;
    let tls = credentials.tls()?;
    let session: Arc<dyn Session> = match task.over_quic {
        true => Arc::new(quic::dial(task.collector, tls).await?),
        false => Arc::new(tcp::dial(&task.collector.to_string(), None, tls).await?),
    };
    let mut telemetry = Telemetry::begin(Arc::clone(&session), task.device.parse()?).await?;
    let over = CancellationToken::new();
    let bulk = task.with_bulk.then(|| tokio::spawn(upload(Arc::clone(&session), over.clone())));
    let ack_ms = telemetry.run(Duration::from_secs(task.seconds)).await?;
    over.cancel();
    let bulk_mbit_s = match bulk {
        Some(bulk) => Some(bulk.await??),
        None => None,
    };
    let (round_trip, packets) = (session.rtt(), session.packets());
    eprintln!("{:?}: rtt {round_trip:?}, packets sent and lost {packets:?}", session.carrier());
    session.close("the benchmark is over");
    Ok(Round { ack_ms, bulk_mbit_s })
}

/// Uploads until it is over; megabits a second of those that came through.
async fn upload(session: Arc<dyn Session>, over: CancellationToken) -> anyhow::Result<f64> {
    let mut client = UplinkClient::new(channel(session, PipeKind::Snapshot).await?);
    let mut part = vec![0; PART_BYTES];
    rand::fill(&mut part[..]);
    let part = MeasurePart { data: part.into() };
    let (mut bytes, mut took) = (0, Duration::ZERO);
    let started = Instant::now();
    loop {
        let parts = vec![part.clone(); UPLOAD_BYTES / PART_BYTES];
        tokio::select! {
            measured = client.measure(tokio_stream::iter(parts)) => {
                bytes += measured?.into_inner().bytes;
                took = started.elapsed();
            }
            () = over.cancelled() => break,
        }
    }
    ensure!(bytes > 0, "no upload came through");
    Ok((bytes * 8) as f64 / took.as_secs_f64() / 1e6)
}
