//! The reference poll: sysUpTime, hrProcessorLoad.1, hrStorageSize and hrStorageUsed.65536, and 24
//! interfaces by 7 columns, 172 values by v2c; and who answers it.
//!
//! With `FARWATCH_YARDSTICKS` set to the folder of yardsticks its responder answers, and its lower
//! limit (recvmmsg, own decoder, nothing else) can be run between our rounds, as only figures of
//! the same minutes compare. Without it our own simulator, in a child process, answers.
//!
//! Each round is a process of its own, with no memory of the one before: the benchmark starts
//! itself again with `--round`, the addresses in `BENCH_TARGETS`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use farwatch_agent::poll::engine::Settings;
use farwatch_agent::poll::outlet::Outlet;
use farwatch_agent::poll::plan::{
    Metric, Plan, Scalar, Table, TableMetric, if_column, if_x_column, mib2,
};
use farwatch_agent::poll::{self, PollConfig, PollCounters, PollError};
use farwatch_agent::poll::{Access, Manner, SnmpUser, SnmpVersion, Target};
use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Group, MetricKind, Unit};
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Rounds of each side.
pub const ROUNDS: usize = 5;
/// Device-polls of one of our rounds.
pub const POLLS: u64 = 30_000;
/// Values of one device-poll.
pub const VALUES: u64 = 4 + 24 * 7;
/// Devices of our own responder, which has a port for each.
pub const SIM_DEVICES: usize = 100;
const DEVICES: usize = 1000;
/// First address of the yardstick's responders, and the port of the first.
const FLEET_BASE: u32 = 0x7f14_0001;
const FLEET_PORT: u16 = 11_161;
const WINDOW: usize = 256;
pub const COMMUNITY: &str = "public";
/// The user of SNMPv3, with SHA-256 and AES-128.
pub const USER: &str = "bench";
pub const AUTH_PASSWORD: &str = "bench-only-auth";
pub const PRIVACY_PASSWORD: &str = "bench-only-priv";

/// Who answers, until it is dropped.
pub struct Fleet {
    pub targets: Vec<String>,
    /// The program of the lower limit, if there are yardsticks.
    limit: Option<PathBuf>,
    _running: Running,
}

impl Fleet {
    pub fn start() -> anyhow::Result<Self> {
        let Some(fleet) = Self::of_yardstick(DEVICES, &[])? else { return Self::simulated() };
        let yardsticks = yardsticks().unwrap_or_default();
        let limit = Some(build(&yardsticks.join("snmp-peers/limit"), "limit")?);
        Ok(Self { limit, ..fleet })
    }

    /// The yardstick's responder for so many devices, with these options beside; `None`, which is
    /// printed, without yardsticks.
    pub fn of_yardstick(devices: usize, options: &[&str]) -> anyhow::Result<Option<Self>> {
        let Some(yardsticks) = yardsticks() else {
            println!("skipped: the yardstick (FARWATCH_YARDSTICKS is not set)");
            return Ok(None);
        };
        let fleet = build(&yardsticks.join("snmp-fleet"), "snmp-fleet")?;
        let (count, port) = (devices.to_string(), FLEET_PORT.to_string());
        let args = ["--count", &count, "--port", &port, "--secs", "600"];
        let mut running = Running::start(Command::new(fleet).args(args).args(options))?;
        running.first_line()?;
        let address = |at| std::net::Ipv4Addr::from(FLEET_BASE + at);
        let targets =
            (0..devices as u32).map(|at| format!("{}:{FLEET_PORT}", address(at))).collect();
        Ok(Some(Self { targets, limit: None, _running: running }))
    }

    fn simulated() -> anyhow::Result<Self> {
        let sim = std::env::current_exe()?.with_file_name("farwatch-sim");
        ensure!(sim.exists(), "{} is missing: build it with cargo build --bins", sim.display());
        let mut command = Command::new(sim);
        command.args(["--until-stdin-closes", "--interfaces", "24", "--count"]);
        let mut running = Running::start(command.arg(SIM_DEVICES.to_string()))?;
        Ok(Self { targets: running.routers()?, limit: None, _running: running })
    }

    /// CPU of the lower limit for one device-poll, in microseconds; `None` without yardsticks.
    pub fn limit_round(&self) -> anyhow::Result<Option<f64>> {
        let Some(limit) = &self.limit else { return Ok(None) };
        let base = std::net::Ipv4Addr::from(FLEET_BASE).to_string();
        let (port, window) = (FLEET_PORT.to_string(), WINDOW.to_string());
        let output = Command::new(limit)
            .args(["mmsg-own", &base, &DEVICES.to_string(), &port, "30", &window])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split_whitespace()
            .find_map(|word| word.strip_prefix("us_per_poll=")?.parse().ok())
            .map(Some)
            .with_context(|| format!("the limit printed no figure: {text}"))
    }
}

fn yardsticks() -> Option<PathBuf> {
    std::env::var_os("FARWATCH_YARDSTICKS").map(PathBuf::from)
}

/// Runs this benchmark with `--round`: the numbers it printed.
pub fn our_round(targets: &[String]) -> anyhow::Result<Vec<f64>> {
    round_of(&[], &["--round"], targets, SnmpVersion::V2c.on_wire())
}

/// The same behind the words of a namespace, with words of its own, over this version on the wire.
pub fn round_of(
    inside: &[String],
    words: &[&str],
    targets: &[String],
    version: u8,
) -> anyhow::Result<Vec<f64>> {
    let own = std::env::current_exe()?.display().to_string();
    let mut all = inside.iter().map(String::as_str).chain([own.as_str()]).chain(words.to_vec());
    let output = Command::new(all.next().context("no program")?)
        .args(all)
        .env("BENCH_TARGETS", targets.join(" "))
        .env("BENCH_VERSION", version.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "a round failed");
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace().map(|word| Ok(word.parse::<f64>()?)).collect()
}

/// Whether this process is such a round.
#[must_use]
pub fn is_round() -> bool {
    std::env::args().nth(1).as_deref() == Some("--round")
}

/// Polls the targets of this round back to back until `stop`.
pub async fn saturated(
    out: impl Into<Outlet>,
    counters: Arc<PollCounters>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (_keep, targets) = watch::channel(Arc::new(round_targets()?));
    let settings =
        Settings { window: WINDOW, first_poll_within: Duration::ZERO, ..Settings::default() };
    let config = PollConfig { plan: plan(), settings, ping: None, now: None };
    match poll::run(config, targets, out, Clock::system(), counters, stop).await {
        // The round has seen enough.
        Ok(()) | Err(PollError::OutputClosed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn round_targets() -> anyhow::Result<Vec<Target>> {
    let targets = std::env::var("BENCH_TARGETS").context("a round needs BENCH_TARGETS")?;
    let version = std::env::var("BENCH_VERSION").context("a round needs BENCH_VERSION")?;
    let access = match version.as_str() {
        "3" => Access::User(SnmpUser {
            name: USER.into(),
            auth: Some((SnmpAuth::Sha256, AUTH_PASSWORD.into())),
            privacy: Some((SnmpPrivacy::Aes128, PRIVACY_PASSWORD.into())),
            context: Vec::new(),
        }),
        _ => Access::Community { version: SnmpVersion::V2c, community: COMMUNITY.into() },
    };
    let target = |(at, address): (usize, &str)| {
        let (host, port) = address.split_once(':').context("no port")?;
        Ok(Target {
            device: DeviceId(at as i64 + 1),
            host: host.into(),
            port: port.parse()?,
            // Due again at once: saturated.
            interval: Duration::from_millis(1),
            access: access.clone(),
            manner: Manner::default(),
        })
    };
    targets.split(' ').enumerate().map(target).collect()
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
    let column =
        |name: &str, oid, kind| TableMetric::new(name, Unit::One, vec![(oid, kind).into()]);
    Plan {
        scalars: vec![
            Scalar::uptime(),
            gauge("cpu_busy", &[25, 3, 3, 1, 2, 1]),
            gauge("storage_size", &[25, 2, 3, 1, 5, 65_536]),
            gauge("storage_used", &[25, 2, 3, 1, 6, 65_536]),
        ],
        tables: vec![Table::alike(
            Group::Interfaces,
            "if",
            vec![
                column("if_in_octets_total", if_x_column(6), MetricKind::Counter64),
                column("if_out_octets_total", if_x_column(10), MetricKind::Counter64),
                column("if_in_errors_total", if_column(14), MetricKind::Counter32),
                column("if_out_errors_total", if_column(20), MetricKind::Counter32),
                column("if_in_discards_total", if_column(13), MetricKind::Counter32),
                column("if_out_discards_total", if_column(19), MetricKind::Counter32),
                column("if_oper_status", if_column(8), MetricKind::State),
            ],
        )],
        subjects: Vec::new(),
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
