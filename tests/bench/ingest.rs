//! What it costs to take samples in and to read them back, on a real SQLite with FULL.
//!
//! The reference load: 100 devices, every 60 s, spread over the interval; 24 interfaces of seven
//! values and two values of the system each. One-second batches hold 1.67 polls of one class.
//! `bench-ingest [HOURS]`, 24 by default. CPU seconds are the figure to trust.

use std::sync::Arc;
use std::time::Instant;

use farwatch_collector::identity::tenancy::Actor;
use farwatch_collector::identity::{Access, TenantContext};
use farwatch_collector::ingest::committer::Outcome;
use farwatch_collector::ingest::validate::{Known, Owner, Sender, check};
use farwatch_collector::ingest::{CommitQueue, Committer, Counters, Presence};
use farwatch_collector::live::Live;
use farwatch_collector::live::layout::Layout;
use farwatch_collector::store::samples::SeriesQuery;
use farwatch_collector::store::{Database, SampleStore, SqliteSamples, definition};
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, SchemaId, Unit};
use farwatch_proto::v1::Batch;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const TENANT: TenantId = TenantId(1);
const AGENT: AgentId = AgentId(1);
const DEVICES: i64 = 100;
const INTERFACES: u32 = 24;
const INTERVAL_S: i64 = 60;
const START: i64 = 1_767_225_600;
const METRICS: [(&str, MetricKind, Unit); 7] = [
    ("if_in_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_out_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_in_unicast_packets_total", MetricKind::Counter64, Unit::Packets),
    ("if_out_unicast_packets_total", MetricKind::Counter64, Unit::Packets),
    ("if_in_errors_total", MetricKind::Counter32, Unit::Packets),
    ("if_out_errors_total", MetricKind::Counter32, Unit::Packets),
    ("if_oper_status", MetricKind::State, Unit::One),
];

/// Prints one figure. The yardstick is what others take for the same.
fn figure(name: &str, value: f64, unit: &str, yardstick: Option<f64>) {
    let ratio = yardstick.map(|yardstick| value / yardstick);
    let line = serde_json::json!({
        "bench": "ingest", "figure": name, "value": value, "unit": unit,
        "yardstick": yardstick, "ratio": ratio,
    });
    println!("{line}");
}

/// Pseudo-random and the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below) as i64
    }
}

fn interfaces() -> Schema {
    let columns = (1..=INTERFACES).flat_map(|index| {
        METRICS.iter().map(move |(metric, kind, unit)| Column {
            object: format!("if:{index}"),
            metric: (*metric).into(),
            kind: *kind,
            unit: *unit,
            exponent: 0,
        })
    });
    Schema { group: Group::Interfaces, columns: columns.collect() }
}

fn system() -> Schema {
    let column = |metric: &str, kind, unit, exponent| Column {
        object: String::new(),
        metric: metric.into(),
        kind,
        unit,
        exponent,
    };
    Schema {
        group: Group::System,
        columns: vec![
            column("snmp_up", MetricKind::State, Unit::One, 0),
            column("sys_uptime_seconds", MetricKind::Gauge, Unit::Seconds, -2),
        ],
    }
}

/// How polls are put into batches.
#[derive(Clone, Copy)]
enum Shape {
    /// What the agent sends while it is connected: 1.67 polls.
    Seconds,
    /// What it sends after an outage: ten polls of each of ten devices.
    TenPolls,
}

/// The polls of a site: 8 of 24 interfaces are down, 5 nearly idle.
struct Site {
    dice: Dice,
    values: Vec<Vec<i64>>,
    interfaces: SchemaId,
    system: SchemaId,
}

impl Site {
    fn new() -> Self {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        // What counted for months: a lot where there is traffic, little where there is none.
        let start = |dice: &mut Dice, place: u32| match (place / 7, place % 7) {
            (..8, _) => 0,
            (_, 4 | 5) => dice.roll(100),
            (..13, _) => dice.roll(1 << 20),
            (_, 2 | 3) => dice.roll(1 << 32),
            _ => dice.roll(1 << 42),
        };
        let one = |dice: &mut Dice| (0..INTERFACES * 7).map(|place| start(dice, place)).collect();
        let values = (0..DEVICES).map(|_| one(&mut dice)).collect();
        Self { dice, values, interfaces: interfaces().id(), system: system().id() }
    }

    fn poll(&mut self, device: i64, second: i64) -> [Row; 2] {
        let at = Micros((START + second) * Micros::SECOND + self.dice.roll(1_000_000));
        let values = &mut self.values[device as usize];
        for (place, value) in values.iter_mut().enumerate() {
            let (interface, metric) = (place / 7, place % 7);
            let busy: u64 = match (interface, metric) {
                (_, 6) => {
                    *value = if interface < 8 { 2 } else { 1 };
                    continue;
                }
                (..8, _) | (_, 4 | 5) => continue,
                (..13, 0 | 1) => 4_000,
                (..13, _) => 40,
                (_, 0 | 1) => 300_000_000,
                _ => 400_000,
            };
            *value += self.dice.roll(busy);
        }
        let row = |group, schema, values| Row {
            device: DeviceId(1000 + device),
            group,
            schema,
            at,
            cause: None,
            values,
        };
        let counters = values.iter().copied().map(Some).collect();
        let system = vec![Some(1), Some((10_000_000 + second) * 100)];
        [row(Group::Interfaces, self.interfaces, counters), row(Group::System, self.system, system)]
    }

    /// All batches of `seconds`: of each second, or of ten minutes of ten devices.
    fn batches(&mut self, seconds: i64, shape: Shape) -> Vec<Batch> {
        let mut batches = Vec::new();
        let (span, sets) = match shape {
            Shape::Seconds => (1, 1),
            Shape::TenPolls => (600, 10),
        };
        let spans = (0..seconds).step_by(span as usize);
        for (first, set) in spans.flat_map(|first| (0..sets).map(move |set| (first, set))) {
            let mut rows: [Vec<Row>; 2] = Default::default();
            let due = |device: &i64, second: i64| {
                device * INTERVAL_S / DEVICES == second % 60 && device * sets / DEVICES == set
            };
            for second in first..(first + span).min(seconds) {
                for device in (0..DEVICES).filter(|device| due(device, second)) {
                    for (rows, row) in rows.iter_mut().zip(self.poll(device, second)) {
                        rows.push(row);
                    }
                }
            }
            for (rows, class) in rows.iter().zip([Class::Counters, Class::Gauges]) {
                let seq = batches.len() as u64;
                batches.push(Batch {
                    stream_id: 1,
                    seq,
                    class: class as u32,
                    codec: Codec::Rows as u32,
                    data: encode_rows(rows).expect("a batch").into(),
                    schemas: if seq < 2 {
                        vec![definition::write(&interfaces()), definition::write(&system())]
                    } else {
                        Vec::new()
                    },
                });
            }
        }
        batches
    }
}

struct Ours<'a>(&'a Live);

impl Known for Ours<'_> {
    fn owner(&self, device: DeviceId) -> Owner {
        if self.0.owner(device).is_some() { Owner::This } else { Owner::Nobody }
    }

    fn layout(&self, schema: SchemaId) -> Option<Arc<Layout>> {
        self.0.layout(TENANT, schema)
    }

    fn schemas(&self) -> usize {
        self.0.layout_count(TENANT)
    }
}

/// CPU seconds of this process, all threads.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("procfs");
    let after = stat.rsplit(')').next().unwrap_or_default();
    let field = |at: usize| {
        after.split_whitespace().nth(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0)
    };
    (field(11) + field(12)) / 100.0
}

fn inventory(path: &std::path::Path) -> anyhow::Result<()> {
    let database = rusqlite::Connection::open(path)?;
    database.execute_batch(
        "INSERT INTO tenant VALUES (1, 't', 0);
         INSERT INTO site VALUES (1, 1, 's', 0);
         INSERT INTO agent (tenant_id, agent_id, site_id, name, created_at)
         VALUES (1, 1, 1, 'a', 0);",
    )?;
    for device in 0..DEVICES {
        database.execute(
            "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                                 interval_s, snmp_version, created_at)
             VALUES (1, ?1, 1, 1, 'd', ?2, 161, 60, 'v2c', 0)",
            (1000 + device, format!("192.0.2.{device}")),
        )?;
    }
    Ok(())
}

async fn submit(queue: CommitQueue, live: &Live, batches: Vec<Batch>) -> anyhow::Result<u64> {
    let (answered, mut answers) = mpsc::channel(batches.len());
    let total = batches.len();
    let mut samples = 0;
    for batch in batches {
        let sender = Sender {
            tenant: TENANT,
            agent: AGENT,
            received: Micros((START + 90_000) * Micros::SECOND),
        };
        let checked = loop {
            match check(batch.clone(), sender, &Ours(live)) {
                Ok(checked) => break checked,
                // The first batches, with the schemas, are on their way.
                Err(_) => tokio::task::yield_now().await,
            }
        };
        samples += u64::from(checked.append.samples);
        queue.submit(checked, answered.clone()).await?;
    }
    for _ in 0..total {
        let answer = answers.recv().await;
        anyhow::ensure!(answer.is_some_and(|answer| answer.outcome == Outcome::Durable));
    }
    Ok(samples)
}

async fn load(
    name: &str,
    seconds: i64,
    shape: Shape,
    yardsticks: (f64, f64),
) -> anyhow::Result<(tempfile::TempDir, Database, SqliteSamples)> {
    let dir = tempfile::tempdir()?;
    let database = Database::open(dir.path()).await?;
    let path = dir.path().join("farwatch.db");
    inventory(&path)?;
    let samples = SqliteSamples::new(database.clone());
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    live.load(&database, &samples).await?;
    let batches = Site::new().batches(seconds, shape);
    let wire: usize = batches.iter().map(|batch| batch.data.len()).sum();
    let (queue, committer) = Committer::new(
        samples.clone(),
        live.clone(),
        Presence::default(),
        Arc::new(Counters::default()),
        clock,
    );
    let before = cpu_s();
    let (ended, stored) =
        tokio::join!(committer.run(CancellationToken::new()), submit(queue, &live, batches),);
    ended?;
    let (cpu, stored) = (cpu_s() - before, stored? as f64);
    figure(&format!("{name}_cpu"), cpu / stored * 1e6, "cpu_s_per_million_samples", Some(0.66));
    let per_sample = wire as f64 / stored;
    figure(&format!("{name}_wire"), per_sample, "bytes_per_sample", Some(yardsticks.0));
    database.close().await;
    let disk = std::fs::metadata(&path)?.len() as f64;
    figure(&format!("{name}_disk"), disk / stored, "bytes_per_sample", Some(yardsticks.1));
    let database = Database::open(dir.path()).await?;
    let samples = SqliteSamples::new(database.clone());
    Ok((dir, database, samples))
}

async fn series(
    samples: &SqliteSamples,
    name: &str,
    hours: (i64, i64),
    runs: usize,
) -> anyhow::Result<()> {
    let context = TenantContext::new(Actor::Local, false, [(TENANT, Access::Read)]);
    let mut dice = Dice(7);
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let query = SeriesQuery {
            device: DeviceId(1000 + dice.roll(DEVICES as u64)),
            metrics: vec!["if_in_octets_total".into()],
            object: Some(format!("if:{}", 14 + dice.roll(10))),
            from: Micros((START + hours.0 * 3600) * Micros::SECOND),
            to: Micros((START + hours.1 * 3600) * Micros::SECOND),
            points: 600,
        };
        let started = Instant::now();
        let series = samples.series(&context, &query).await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        anyhow::ensure!(series.len() == 1 && series[0].points.len() > 50);
    }
    times.sort_by(f64::total_cmp);
    for percent in [50, 95] {
        let at = (runs * percent / 100).min(runs - 1);
        figure(&format!("series_{name}_p{percent}"), times[at], "ms", Some(3.0));
    }
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let hours: i64 = std::env::args().nth(1).map_or(Ok(24), |hours| hours.parse())?;
    // Yardsticks: remote-write with snappy on the wire, VictoriaMetrics for the rest.
    let (_dir, database, samples) =
        load("batches_of_1.67_polls", hours * 3600, Shape::Seconds, (12.9, 0.93)).await?;
    series(&samples, "1h", (hours - 1, hours), 100).await?;
    series(&samples, &format!("{hours}h"), (0, hours), 40).await?;
    database.close().await;
    let (_dir, database, samples) =
        load("batches_of_10_polls", hours.min(6) * 3600, Shape::TenPolls, (5.92, 0.93)).await?;
    series(&samples, "1h_of_10_polls", (hours.min(6) - 1, hours.min(6)), 100).await?;
    database.close().await;
    Ok(())
}
