//! `bench-transport`: how long telemetry waits for its ack while bulk fills the line.
//!
//! 100 samples every 100 ms on the telemetry pipe, from handing the batch over to the ack, commit and
//! fsync included; beside them uploads of 1 MiB back to back on the pipe of snapshots. The collector is
//! the real one; on the agent's side are the product's sessions and pipes, in a namespace behind a
//! line that delays and loses packets. `bench-transport [SECONDS]` of each row with bulk, 40 by default;
//! rows without take half of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use farwatch_agent::identity;
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, Unit, definition};
use farwatch_common::transport::{Carrier, PipeKind, Session, channel, quic, tcp};
use farwatch_proto::v1::uplink_client::UplinkClient;
use farwatch_proto::v1::{
    Batch, MeasurePart, SessionHello, TelemetryUp, telemetry_down, telemetry_up,
};
use farwatch_support::bench::figure;
use farwatch_support::bench::line::{Line, Shape};
use farwatch_support::stack::{Collector, add_device, enroll, only_agent};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

const LOSSY: Shape = Shape {
    round_trip: Duration::from_millis(100),
    loss: 0.02,
    bits_per_s: 20_000_000,
    queue_bytes: 250_000,
};
const LTE: Shape = Shape {
    round_trip: Duration::from_millis(60),
    loss: 0.001,
    bits_per_s: 5_000_000,
    queue_bytes: 312_000,
};
/// Ack latency p50 and p99 in ms and bulk in Mbit/s of a prototype on the same lines, without a
/// database: one QUIC stream a class with priorities, one TCP connection a class.
const YARDSTICKS: [(&str, Shape, Carrier, [f64; 3]); 4] = [
    ("lossy", LOSSY, Carrier::Quic, [116.0, 324.0, 0.86]),
    ("lossy", LOSSY, Carrier::Tcp, [101.0, 302.0, 0.86]),
    ("lte", LTE, Carrier::Quic, [178.0, 561.0, 4.4]),
    ("lte", LTE, Carrier::Tcp, [126.0, 292.0, 4.4]),
];
const SAMPLES: u32 = 100;
const EVERY: Duration = Duration::from_millis(100);
const UPLOAD_BYTES: usize = 1024 * 1024;
const PART_BYTES: usize = 64 * 1024;
/// Batches that wait for the line.
const UP_MAX: usize = 256;
/// For acks that are still on the way at the end.
const LAST_ACKS: Duration = Duration::from_secs(30);
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

/// One telemetry stream, and what was sent on it.
struct Telemetry {
    up: mpsc::Sender<TelemetryUp>,
    down: tonic::Streaming<farwatch_proto::v1::TelemetryDown>,
    clock: Clock,
    device: DeviceId,
    schema: Schema,
    values: Vec<i64>,
    stream_id: i64,
    sent: HashMap<u64, Instant>,
    next: u64,
}

impl Telemetry {
    /// Opens the session and waits for the first ack: then the collector knows the schema.
    async fn begin(session: Arc<dyn Session>, device: DeviceId) -> anyhow::Result<Self> {
        let mut client = UplinkClient::new(channel(session, PipeKind::Telemetry).await?);
        client.open_session(SessionHello::default()).await?;
        let (up, outgoing) = mpsc::channel(UP_MAX);
        let down = client.telemetry(ReceiverStream::new(outgoing)).await?.into_inner();
        let column = |at: u32| Column {
            object: format!("if:{}", at / 5),
            metric: format!("bench_{}_total", at % 5),
            kind: MetricKind::Counter64,
            unit: Unit::Bytes,
            exponent: 0,
        };
        let columns = (0..SAMPLES).map(column).collect();
        let mut all = Self {
            up,
            down,
            clock: Clock::system(),
            device,
            schema: Schema { group: Group::Interfaces, columns },
            values: (0..SAMPLES).map(|_| i64::from(rand::random::<u32>())).collect(),
            stream_id: i64::from(rand::random::<u32>()) + 1,
            sent: HashMap::new(),
            next: 0,
        };
        all.send()?;
        tokio::time::timeout(LAST_ACKS, all.acked()).await.context("no first ack")??;
        Ok(all)
    }

    fn send(&mut self) -> anyhow::Result<()> {
        for value in &mut self.values {
            *value += i64::from(rand::random::<u16>());
        }
        let row = Row {
            device: self.device,
            group: self.schema.group,
            schema: self.schema.id(),
            at: self.clock.now(),
            cause: None,
            values: self.values.iter().copied().map(Some).collect(),
        };
        let schemas = if self.next == 0 { vec![definition::write(&self.schema)] } else { vec![] };
        let batch = Batch {
            stream_id: self.stream_id,
            seq: self.next,
            class: Class::Counters as u32,
            codec: Codec::Rows as u32,
            data: encode_rows(&[row])?.into(),
            schemas,
        };
        self.sent.insert(self.next, Instant::now());
        self.next += 1;
        let message = TelemetryUp { kind: Some(telemetry_up::Kind::Batch(batch)) };
        self.up.try_send(message).context("the line takes no telemetry any more")
    }

    /// The milliseconds of each batch of the next ack.
    async fn acked(&mut self) -> anyhow::Result<Vec<f64>> {
        loop {
            let message = self.down.message().await?.context("the telemetry stream ended")?;
            let now = Instant::now();
            let ack = match message.kind {
                Some(telemetry_down::Kind::Ack(ack)) => ack,
                Some(telemetry_down::Kind::Reject(reject)) => bail!("refused: {}", reject.detail),
                _ => continue,
            };
            ensure!(ack.stream_id == self.stream_id, "the ack is of another stream");
            let seqs = ack.durable.iter().flat_map(|range| range.first..=range.last);
            let sent = seqs.filter_map(|seq| self.sent.remove(&seq));
            return Ok(sent.map(|at| (now - at).as_secs_f64() * 1e3).collect());
        }
    }

    async fn run(&mut self, time: Duration) -> anyhow::Result<Vec<f64>> {
        let mut took = Vec::new();
        let mut due = tokio::time::interval(EVERY);
        let until = Instant::now() + time;
        while Instant::now() < until {
            tokio::select! {
                _ = due.tick() => self.send()?,
                acked = self.acked() => took.extend(acked?),
            }
        }
        let rest = async {
            while !self.sent.is_empty() {
                took.extend(self.acked().await?);
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(LAST_ACKS, rest).await.context("batches were not acked")??;
        Ok(took)
    }
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
