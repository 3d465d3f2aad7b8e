//! What it costs to take samples in and to read them back: on a real SQLite with FULL and, where it is
//! installed, on a PostgreSQL of its own with fsync, whose processes count too. And how fast a chain of
//! the audit is walked.
//!
//! The load is that of `farwatch_support::bench::site`.
//! `bench-ingest [HOURS [AUDIT_ROWS]]`, 24 and a million by default. CPU seconds are the figure to
//! trust.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use farwatch_collector::audit::Change;
use farwatch_collector::audit::verify::audit_verify;
use farwatch_collector::identity::{Access, TenantContext};
use farwatch_collector::ingest::committer::Outcome;
use farwatch_collector::ingest::session::Lane;
use farwatch_collector::ingest::validate::{Known, Sender, Whose, check};
use farwatch_collector::ingest::{CommitQueue, Committer, Counters, Presence, Refusals};
use farwatch_collector::live::Live;
use farwatch_collector::live::layout::Layout;
use farwatch_collector::migrate_to::{Progress, to_postgres};
use farwatch_collector::store::samples::SeriesQuery;
use farwatch_collector::store::{Database, Engine, SampleStore, Samples};
use farwatch_common::batch::{Codec, encode_rows};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{SchemaId, definition};
use farwatch_proto::v1::Batch;
use farwatch_support::bench::engine::Place;
use farwatch_support::bench::site::{
    DEVICES, Dice, FIRST_DEVICE, START, Shape, Site, interfaces, system,
};
use farwatch_support::postgres::binaries;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const TENANT: TenantId = TenantId(1);
const AGENT: AgentId = AgentId(1);

/// Rows of the audit that are written in one transaction.
const CHANGES_AT_ONCE: usize = 1_000;

/// What was measured on one engine: name, value, unit, and what others need for the same.
#[derive(Default)]
struct Figures(Vec<(String, f64, &'static str, Option<f64>)>);

impl Figures {
    fn add(&mut self, name: &str, value: f64, unit: &'static str, yardstick: Option<f64>) {
        self.0.push((name.to_owned(), value, unit, yardstick));
    }
}

/// Each figure on SQLite, and below it the one on PostgreSQL, whose yardstick is that of SQLite.
fn print_beside(on_file: &Figures, on_server: &Figures) {
    let figure = farwatch_support::bench::figure;
    let on_postgres = |name: &str| format!("{name}_on_postgres");
    for (name, value, unit, yardstick) in &on_file.0 {
        figure("ingest", name, *value, unit, *yardstick);
        let other = on_server.0.iter().find(|(other, ..)| other == name);
        if let Some((_, other, ..)) = other {
            figure("ingest", &on_postgres(name), *other, unit, Some(*value));
        }
    }
    let is_alone = |name: &String| on_file.0.iter().all(|(other, ..)| other != name);
    for (name, value, unit, _) in on_server.0.iter().filter(|(name, ..)| is_alone(name)) {
        figure("ingest", &on_postgres(name), *value, unit, None);
    }
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
            ..Batch::default()
        })
    });
    packed.collect()
}

struct Ours<'a>(&'a Live);

impl Known for Ours<'_> {
    fn whose(&self, device: DeviceId) -> Whose {
        if self.0.owner(device).is_some() { Whose::Own } else { Whose::Nobodys }
    }

    fn layout(&self, schema: SchemaId) -> Option<Arc<Layout>> {
        self.0.layout(TENANT, schema)
    }

    fn schemas(&self) -> (usize, usize) {
        self.0.layouts_size(TENANT)
    }

    fn corrects_times(&self) -> bool {
        false
    }

    fn series_room(&self, _: DeviceId, _: &Arc<Layout>) -> bool {
        true
    }
}

const INVENTORY: &str = "
    INSERT INTO tenant (tenant_id, name, created_at) VALUES (1, 't', 0);
    INSERT INTO site (tenant_id, site_id, name, created_at) VALUES (1, 1, 's', 0);
    INSERT INTO agent (tenant_id, agent_id, site_id, name, created_at) VALUES (1, 1, 1, 'a', 0);
    WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99)
    INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port, interval_s,
                        snmp_version, created_at)
    SELECT 1, 1000 + n, 1, 1, 'd', 'r' || n, 161, 60, 'v2c', 0 FROM n";
// What that text says.
const _: () = assert!(FIRST_DEVICE == 1000 && DEVICES == 100);

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
        queue.submit(Lane::Live, checked, answered.clone()).await?;
    }
    for _ in 0..total {
        let answer = answers.recv().await;
        anyhow::ensure!(answer.is_some_and(|answer| answer.outcome == Outcome::Durable));
    }
    Ok(samples)
}

/// Stores the load in a database of its own, which is left for what is read from it.
async fn load(
    engine: Engine,
    figures: &mut Figures,
    name: &str,
    (seconds, shape): (i64, Shape),
    (wire_yardstick, disk_yardstick): (f64, f64),
) -> anyhow::Result<Place> {
    let place = Place::make(engine).await?;
    let database = place.open().await?;
    place.run(INVENTORY).await?;
    let samples = Samples::new(database.clone());
    let clock = Clock::system();
    let live = Live::new(clock.clone());
    live.load(&database, &samples).await?;
    let batches = batches(seconds, shape)?;
    let wire: usize = batches.iter().map(|batch| batch.data.len()).sum();
    let (queue, committer) = Committer::new(
        samples.clone(),
        live.clone(),
        (Presence::default(), Refusals::default()),
        Arc::new(Counters::default()),
        clock,
    );
    let before = place.cpu_s()?;
    let (ended, stored) =
        tokio::join!(committer.run(CancellationToken::new()), submit(queue, &live, batches),);
    ended?;
    let (cpu, stored) = (place.cpu_s()? - before, stored? as f64);
    let mut add = |what: &str, value, unit, yardstick| {
        figures.add(&format!("{name}_{what}"), value, unit, yardstick);
    };
    add("cpu", cpu / stored * 1e6, "cpu_s_per_million_samples", Some(0.66));
    if engine == Engine::Sqlite {
        // The agents send the same to both.
        add("wire", wire as f64 / stored, "bytes_per_sample", Some(wire_yardstick));
    }
    database.close().await;
    let rows = place.number("SELECT count(*) FROM ts_batch").await?;
    add("rows", rows as f64, "rows", None);
    let disk = place.disk_bytes().await?;
    add("disk", disk / stored, "bytes_per_sample", Some(disk_yardstick));
    Ok(place)
}

async fn series(
    place: &Place,
    figures: &mut Figures,
    name: &str,
    hours: (i64, i64),
    runs: usize,
) -> anyhow::Result<()> {
    let database = place.open().await?;
    let context = TenantContext::local(&database).await?;
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
        figures.add(&format!("series_{name}_p{percent}"), times[at], "ms", Some(3.0));
    }
    database.close().await;
    Ok(())
}

/// A chain of this many changes is walked on both engines; it gets to PostgreSQL as an installation
/// that moves.
async fn audit(rows: i64, with_postgres: bool) -> anyhow::Result<[Figures; 2]> {
    let [mut on_file, mut on_server] = [Figures::default(), Figures::default()];
    let file = Place::make(Engine::Sqlite).await?;
    let database = file.open().await?;
    file.run(INVENTORY).await?;
    let context = TenantContext::local(&database).await?;
    for first in (0..rows).step_by(CHANGES_AT_ONCE) {
        let changes = first..rows.min(first + CHANGES_AT_ONCE as i64);
        let changes = changes.map(|id| {
            let fields = serde_json::json!({ "name": format!("r{id}"), "interval_s": 60 });
            Change::new("device", "update", id, "r").before(fields.clone()).after(fields)
        });
        let txn = database.change(&context, TENANT, Access::Admin).await?;
        txn.commit(changes, Micros(first)).await?;
    }
    walk(&database, rows, &mut on_file).await?;
    database.close().await;
    if with_postgres {
        let server = Place::make(Engine::Postgres).await?;
        let target = server.superusers().context("a server has a superuser")?;
        let started = Instant::now();
        let moved = to_postgres(file.dir.path(), &target, &mut Progress::stderr()).await?;
        let rate = moved.rows as f64 / started.elapsed().as_secs_f64();
        let database = server.open().await?;
        walk(&database, rows, &mut on_server).await?;
        on_server.add("migrate_to", rate, "rows_per_s", None);
        database.close().await;
    }
    Ok([on_file, on_server])
}

async fn walk(database: &Database, rows: i64, figures: &mut Figures) -> anyhow::Result<()> {
    let context = TenantContext::local(database).await?.for_audit();
    let started = Instant::now();
    let verified = audit_verify(database, &context, TENANT, None).await?;
    anyhow::ensure!(verified.is_sound() && verified.head.seq == rows);
    let rate = rows as f64 / started.elapsed().as_secs_f64();
    figures.add("audit_verify", rate, "rows_per_s", None);
    Ok(())
}

/// Everything about samples on one engine.
async fn samples(engine: Engine, hours: i64) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    // Yardsticks: remote-write with snappy on the wire, VictoriaMetrics for the rest.
    let all = (hours * 3600, Shape::Seconds);
    let place = load(engine, &mut figures, "batches_of_1.67_polls", all, (12.9, 0.93)).await?;
    series(&place, &mut figures, "1h", (hours - 1, hours), 100).await?;
    series(&place, &mut figures, &format!("{hours}h"), (0, hours), 40).await?;
    drop(place);
    let less = hours.min(6);
    let packed = (less * 3600, Shape::TenPolls);
    let place = load(engine, &mut figures, "batches_of_10_polls", packed, (5.92, 0.93)).await?;
    series(&place, &mut figures, "1h_of_10_polls", (less - 1, less), 100).await?;
    Ok(figures)
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse::<i64>());
    let hours = numbers.next().unwrap_or(Ok(24))?;
    let rows = numbers.next().unwrap_or(Ok(1_000_000))?;
    let with_postgres = binaries().is_some();
    if !with_postgres {
        eprintln!("no PostgreSQL here: SQLite alone is measured");
    }
    let on_file = samples(Engine::Sqlite, hours).await?;
    let on_server = match with_postgres {
        true => samples(Engine::Postgres, hours).await?,
        false => Figures::default(),
    };
    print_beside(&on_file, &on_server);
    let [on_file, on_server] = audit(rows, with_postgres).await?;
    print_beside(&on_file, &on_server);
    Ok(())
}
