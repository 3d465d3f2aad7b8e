//! `bench-poll`: CPU per device-poll of the poll stage, and its memory at 100 devices.
//!
//! The job: sysUpTime, hrProcessorLoad.1, hrStorageSize and hrStorageUsed.65536, and 24 interfaces
//! by 7 columns, 172 values by v2c. With `FARWATCH_YARDSTICKS` set to the folder of yardsticks,
//! our rounds and those of the lower limit (recvmmsg, own decoder, nothing else) alternate against
//! the same responder, as only figures of the same minutes compare. Without it our own simulator,
//! in a child process, answers instead, and no ratio is printed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_agent::poll::engine::Settings;
use farwatch_agent::poll::plan::{
    Metric, Plan, Scalar, Table, TableMetric, if_column, if_x_column, mib2,
};
use farwatch_agent::poll::{Observation, PollConfig, PollCounters, SnmpVersion, Target, run};
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Group, MetricKind, Unit};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const DEVICES: usize = 1000;
const ROUNDS: usize = 5;
/// Device-polls of one of our rounds.
const POLLS: u64 = 30_000;
const INTERFACES: usize = 24;
const COLUMNS: usize = 7;
/// First address and port of the yardstick's responder.
const FLEET_BASE: u32 = 0x7f14_0001;
const FLEET_PORT: u16 = 11_161;
/// Devices of our own responder, which has a port for each.
const SIM_DEVICES: usize = 100;
const WINDOW: usize = 256;
const COMMUNITY: &str = "public";

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        // A process of its own for each measurement: no memory of the one before.
        Some("--round") => round(),
        _ => all_rounds(),
    }
}

fn all_rounds() -> anyhow::Result<()> {
    let yardsticks = std::env::var_os("FARWATCH_YARDSTICKS").map(PathBuf::from);
    let Some(yardsticks) = yardsticks else {
        println!("skipped: the yardstick (FARWATCH_YARDSTICKS is not set)");
        return without_yardstick();
    };
    let fleet = build(&yardsticks.join("snmp-fleet"), "snmp-fleet")?;
    let limit = build(&yardsticks.join("snmp-peers/limit"), "limit")?;
    let port = FLEET_PORT.to_string();
    let mut running = Running::start(
        Command::new(fleet).args(["--count", "1000", "--port", &port, "--secs", "600"]),
    )?;
    running.first_line()?;
    let targets: Vec<String> = (0..DEVICES as u32)
        .map(|at| format!("{}:{FLEET_PORT}", std::net::Ipv4Addr::from(FLEET_BASE + at)))
        .collect();
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limits.push(limit_round(&limit)?);
        ours.push(our_round(&targets)?.cpu_us);
    }
    let few = our_round(&targets[..SIM_DEVICES])?;
    let (ours, limits) = (median(&mut ours), median(&mut limits));
    figure("cpu_us_per_device_poll", ours, "us", Some(limits));
    figure("rss_mb_at_100_devices", few.rss_kb / 1024.0, "MB", None);
    Ok(())
}

fn without_yardstick() -> anyhow::Result<()> {
    let sim = std::env::current_exe()?.with_file_name("farwatch-sim");
    ensure!(sim.exists(), "{} is missing: build it with cargo build --bins", sim.display());
    let mut command = Command::new(sim);
    command.args(["--until-stdin-closes", "--interfaces", "24", "--count"]);
    let mut running = Running::start(command.arg(SIM_DEVICES.to_string()))?;
    let targets = running.routers()?;
    let mut ours = Vec::new();
    let mut rss_kb = 0.0;
    for _ in 0..ROUNDS {
        let result = our_round(&targets)?;
        ours.push(result.cpu_us);
        rss_kb = result.rss_kb;
    }
    figure("cpu_us_per_device_poll", median(&mut ours), "us", None);
    figure("rss_mb_at_100_devices", rss_kb / 1024.0, "MB", None);
    Ok(())
}

/// Prints a line for the record.
fn figure(name: &str, value: f64, unit: &str, yardstick: Option<f64>) {
    let ratio = yardstick.map(|yardstick| rounded(value / yardstick));
    println!(
        "{}",
        serde_json::json!({
            "bench": "poll", "figure": name, "value": rounded(value), "unit": unit,
            "yardstick": yardstick.map(rounded), "ratio": ratio,
        })
    );
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    eprintln!("rounds: {values:.1?}");
    values[values.len() / 2]
}

/// Builds a yardstick outside its folder.
fn build(source: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let target = std::env::current_exe()?
        .parent()
        .and_then(Path::parent)
        .context("no target folder")?
        .join("yardsticks");
    // Cargo writes the lock file beside the manifest, so the sources are copied first.
    let copy = target.join("src").join(name);
    std::fs::create_dir_all(&copy)?;
    let copied = Command::new("cp").arg("-rT").arg(source).arg(&copy).status()?;
    ensure!(copied.success(), "{} cannot be copied", source.display());
    let built = Command::new("cargo")
        .args(["build", "--release", "--manifest-path"])
        .arg(copy.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", target.join(name))
        .status()?;
    ensure!(built.success(), "{name} cannot be built");
    Ok(target.join(name).join("release").join(name))
}

/// CPU of the lower limit for one device-poll, in microseconds.
fn limit_round(limit: &Path) -> anyhow::Result<f64> {
    let base = std::net::Ipv4Addr::from(FLEET_BASE).to_string();
    let (port, window) = (FLEET_PORT.to_string(), WINDOW.to_string());
    let output = Command::new(limit)
        .args(["mmsg-own", &base, &DEVICES.to_string(), &port, "30", &window])
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace()
        .find_map(|word| word.strip_prefix("us_per_poll=")?.parse().ok())
        .with_context(|| format!("the limit printed no figure: {text}"))
}

struct Figures {
    cpu_us: f64,
    rss_kb: f64,
}

fn our_round(targets: &[String]) -> anyhow::Result<Figures> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--round")
        .env("BENCH_TARGETS", targets.join(" "))
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut words = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || anyhow::Ok(words.next().context("a round printed no figure")??);
    Ok(Figures { cpu_us: next()?, rss_kb: next()? })
}

/// One round in this process: polls back to back until enough polls are done.
fn round() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let targets: Vec<Target> = std::env::var("BENCH_TARGETS")?
        .split(' ')
        .enumerate()
        .map(|(at, address)| {
            let (host, port) = address.split_once(':').context("no port")?;
            Ok(Target {
                device: DeviceId(at as i64 + 1),
                host: host.into(),
                port: port.parse()?,
                // Due again at once: saturated.
                interval: Duration::from_millis(1),
                version: SnmpVersion::V2c,
                community: COMMUNITY.into(),
            })
        })
        .collect::<anyhow::Result<_>>()?;
    runtime.block_on(saturated(targets))
}

async fn saturated(targets: Vec<Target>) -> anyhow::Result<()> {
    let (out, mut observations) = mpsc::channel(4096);
    let (_keep, watch) = watch::channel(Arc::new(targets));
    let settings =
        Settings { window: WINDOW, first_poll_within: Duration::ZERO, ..Settings::default() };
    let config = PollConfig { plan: plan(), settings };
    let counters = Arc::new(PollCounters::default());
    let stop = CancellationToken::new();
    let clock = Clock::system();
    let polling = run(config, watch, out, clock, counters.clone(), stop.clone());
    let start = cpu_ticks()?;
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
        ended = polling => ended?,
        () = counting => {}
    }
    let cpu_s = (cpu_ticks()? - start) / ticks_per_second()?;
    let totals = counters.snapshot();
    let wanted = POLLS * (4 + INTERFACES * COLUMNS) as u64;
    ensure!(values * 1000 >= wanted * 995, "{values} values instead of {wanted}: {totals:?}");
    eprintln!(
        "requests/poll {:.2}, timeouts {}, dropped {}",
        totals.requests as f64 / POLLS as f64,
        totals.timeouts,
        totals.dropped_observations
    );
    println!("{} {}", cpu_s * 1e6 / POLLS as f64, rss_kb()?);
    Ok(())
}

/// User and system time of this process, in clock ticks.
fn cpu_ticks() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || anyhow::Ok(fields.next().context("/proc/self/stat")?.parse::<f64>()?);
    Ok(next()? + next()?)
}

fn ticks_per_second() -> anyhow::Result<f64> {
    let output = Command::new("getconf").arg("CLK_TCK").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

fn rss_kb() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no VmRSS")?.parse()?)
}

/// The reference job.
fn plan() -> Plan {
    let gauge = |name: &str, oid| Scalar {
        oid: mib2(oid),
        watch: None,
        metric: Some(Metric {
            name: name.into(),
            kind: MetricKind::Gauge,
            unit: Unit::One,
            exponent: 0,
        }),
    };
    let column = |name: &str, oid, kind| TableMetric {
        name: name.into(),
        unit: Unit::One,
        exponent: 0,
        sources: vec![(oid, kind)],
    };
    Plan {
        scalars: vec![
            Scalar::uptime(),
            gauge("cpu_busy", &[25, 3, 3, 1, 2, 1]),
            gauge("storage_size", &[25, 2, 3, 1, 5, 65_536]),
            gauge("storage_used", &[25, 2, 3, 1, 6, 65_536]),
        ],
        table: Table {
            object: "if".into(),
            metrics: vec![
                column("if_in_octets_total", if_x_column(6), MetricKind::Counter64),
                column("if_out_octets_total", if_x_column(10), MetricKind::Counter64),
                column("if_in_errors_total", if_column(14), MetricKind::Counter32),
                column("if_out_errors_total", if_column(20), MetricKind::Counter32),
                column("if_in_discards_total", if_column(13), MetricKind::Counter32),
                column("if_out_discards_total", if_column(19), MetricKind::Counter32),
                column("if_oper_status", if_column(8), MetricKind::State),
            ],
        },
        facts_every: None,
    }
}

/// A child process that ends with this one.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        Ok(Self(child))
    }

    fn first_line(&mut self) -> anyhow::Result<()> {
        use std::io::BufRead as _;
        let stdout = self.0.stdout.as_mut().context("no standard output")?;
        let mut line = String::new();
        std::io::BufReader::new(stdout).read_line(&mut line)?;
        ensure!(!line.is_empty(), "the responder ended at once: it needs root and a free port");
        Ok(())
    }

    /// The addresses of our simulator's routers.
    fn routers(&mut self) -> anyhow::Result<Vec<String>> {
        use std::io::BufRead as _;
        let stdout = self.0.stdout.as_mut().context("no standard output")?;
        let mut addresses = Vec::new();
        for line in std::io::BufReader::new(stdout).lines() {
            let line = line?;
            if line == "ready" {
                return Ok(addresses);
            }
            addresses.extend(line.split(' ').nth(2).map(str::to_owned));
        }
        anyhow::bail!("the simulator ended")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
