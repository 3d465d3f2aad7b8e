//! What it costs to take samples in and to read them back, on a real SQLite with FULL.
//!
//! The load is that of `farwatch_support::bench::site`.
//! `bench-ingest [HOURS]`, 24 by default. CPU seconds are the figure to trust.

use std::sync::Arc;
use std::time::Instant;

use farwatch_collector::identity::TenantContext;
use farwatch_collector::ingest::committer::Outcome;
use farwatch_collector::ingest::validate::{Known, Owner, Sender, check};
use farwatch_collector::ingest::{CommitQueue, Committer, Counters, Presence};
use farwatch_collector::live::Live;
use farwatch_collector::live::layout::Layout;
use farwatch_collector::store::samples::SeriesQuery;
use farwatch_collector::store::{Database, SampleStore, Samples};
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{Group, SchemaId, definition};
use farwatch_proto::v1::Batch;
use farwatch_support::bench::own_cpu_s;
use farwatch_support::bench::site::{
    DEVICES, Dice, FIRST_DEVICE, START, Shape, Site, interfaces, system,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const TENANT: TenantId = TenantId(1);
const AGENT: AgentId = AgentId(1);

/// Prints one figure; the yardstick is what others take for the same.
fn figure(name: &str, value: f64, unit: &str, yardstick: f64) {
    farwatch_support::bench::figure("ingest", name, value, unit, Some(yardstick));
}

/// The load as batches of one stream; the first two carry the schemas.
fn batches(seconds: i64, shape: Shape) -> anyhow::Result<Vec<Batch>> {
    let schemas = || vec![definition::write(&interfaces()), definition::write(&system())];
    let packed = Site::new().batches(seconds, shape).zip(0..).map(|(batch, seq)| {
        let (class, rows) = batch;
        Ok(Batch {
            stream_id: 1,
            seq,
            class: class as u32,
            codec: Codec::Rows as u32,
            data: encode_rows(&rows)?.into(),
            schemas: if seq < 2 { schemas() } else { Vec::new() },
        })
    });
    packed.collect()
}

struct Ours<'a>(&'a Live);

impl Known for Ours<'_> {
    fn owner(&self, device: DeviceId) -> Owner {
        if self.0.owner(device).is_some() { Owner::This } else { Owner::Nobody }
    }

    fn layout(&self, schema: SchemaId) -> Option<Arc<Layout>> {
        self.0.layout(TENANT, schema)
    }

    fn schemas(&self) -> (usize, usize) {
        self.0.layouts_size(TENANT)
    }

    fn series_room(&self, _: DeviceId, _: Group, _: usize) -> bool {
        true
    }
}

fn inventory(path: &std::path::Path) -> anyhow::Result<()> {
    let database = rusqlite::Connection::open(path)?;
    database.execute_batch(
        "INSERT INTO tenant (tenant_id, name, created_at) VALUES (1, 't', 0);
         INSERT INTO site (tenant_id, site_id, name, created_at) VALUES (1, 1, 's', 0);
         INSERT INTO agent (tenant_id, agent_id, site_id, name, created_at)
         VALUES (1, 1, 1, 'a', 0);",
    )?;
    for device in 0..DEVICES {
        database.execute(
            "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                                 interval_s, snmp_version, created_at)
             VALUES (1, ?1, 1, 1, 'd', ?2, 161, 60, 'v2c', 0)",
            (FIRST_DEVICE + device, format!("192.0.2.{device}")),
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
) -> anyhow::Result<(tempfile::TempDir, Database)> {
    let dir = tempfile::tempdir()?;
    let database = Database::open(dir.path()).await?;
    let path = dir.path().join("farwatch.db");
    inventory(&path)?;
    let samples = Samples::new(database.clone());
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    live.load(&database, &samples).await?;
    let batches = batches(seconds, shape)?;
    let wire: usize = batches.iter().map(|batch| batch.data.len()).sum();
    let (queue, committer) = Committer::new(
        samples.clone(),
        live.clone(),
        Presence::default(),
        Arc::new(Counters::default()),
        clock,
    );
    let before = own_cpu_s()?;
    let (ended, stored) =
        tokio::join!(committer.run(CancellationToken::new()), submit(queue, &live, batches),);
    ended?;
    let (cpu, stored) = (own_cpu_s()? - before, stored? as f64);
    figure(&format!("{name}_cpu"), cpu / stored * 1e6, "cpu_s_per_million_samples", 0.66);
    let per_sample = wire as f64 / stored;
    figure(&format!("{name}_wire"), per_sample, "bytes_per_sample", yardsticks.0);
    database.close().await;
    let disk = std::fs::metadata(&path)?.len() as f64;
    figure(&format!("{name}_disk"), disk / stored, "bytes_per_sample", yardsticks.1);
    let database = Database::open(dir.path()).await?;
    Ok((dir, database))
}

async fn series(
    database: &Database,
    name: &str,
    hours: (i64, i64),
    runs: usize,
) -> anyhow::Result<()> {
    let context = TenantContext::local(database).await?;
    let samples = Samples::new(database.clone());
    let mut dice = Dice(7);
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let query = SeriesQuery {
            device: DeviceId(FIRST_DEVICE + dice.roll(DEVICES as u64)),
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
        figure(&format!("series_{name}_p{percent}"), times[at], "ms", 3.0);
    }
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let hours: i64 = std::env::args().nth(1).map_or(Ok(24), |hours| hours.parse())?;
    // Yardsticks: remote-write with snappy on the wire, VictoriaMetrics for the rest.
    let (_dir, database) =
        load("batches_of_1.67_polls", hours * 3600, Shape::Seconds, (12.9, 0.93)).await?;
    series(&database, "1h", (hours - 1, hours), 100).await?;
    series(&database, &format!("{hours}h"), (0, hours), 40).await?;
    database.close().await;
    let (_dir, database) =
        load("batches_of_10_polls", hours.min(6) * 3600, Shape::TenPolls, (5.92, 0.93)).await?;
    series(&database, "1h_of_10_polls", (hours.min(6) - 1, hours.min(6)), 100).await?;
    database.close().await;
    Ok(())
}
