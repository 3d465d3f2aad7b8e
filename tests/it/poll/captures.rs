//! Captures of real devices, played back by a responder that misbehaves on request: every value
//! that comes out is the one in the capture, and no device is left behind.
//!
//! `FARWATCH_CAPTURES` names a folder with `snmprec/*.snmprec` (`OID|tag|value`), and
//! `FARWATCH_YARDSTICKS` one with `snmp-replay/replay.py`. What is expected is read from the files
//! by [`Capture`], which shares nothing with the agent.

mod capture;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use farwatch_agent::poll::engine::Settings;
use farwatch_agent::poll::{Observation, PollConfig, PollCounters, SnmpVersion, Target, run};
use farwatch_common::clock::Clock;
use farwatch_common::sample::{Column, Group, Row, Schema};
use farwatch_proto::v1::{ObjectTable, event};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::capture::Capture;
use super::faults::target;

/// Nothing and every way to misbehave; the responder reads them off the community.
const QUIRKS: [&str; 9] =
    ["", "@loss20", "@slow300", "@dup", "@loop", "@generr", "@v1only", "@small", "@wrongid"];
/// With these a device takes longer or answers oddly, but tells all.
const COMPLETE: [&str; 4] = ["", "@slow300", "@dup", "@small"];
/// Polls of each device: the second is of a table that is known.
const POLLS: u32 = 2;
const INTERVAL: Duration = Duration::from_secs(4);
/// The cache, and bytes of main memory in use, reckoned by hand: used less buffers and caches, in units of
/// 1,024.
const IN_USE: [(&str, &str, i64); 4] = [
    ("arista_eos_vrf", "memory:3", (3_174_044 - 192_108 - 2_145_960) * 1024),
    ("arubaos-cx_10.10", "memory:7", (1_626_816 - 89_044 - 1_078_996) * 1024),
    ("edgeos", "memory:7", (377_928 - 33_680 - 204_600) * 1024),
    ("linux_powermon", "memory:7", (27_274_104 - 5_324 - 12_962_116) * 1024),
];
/// Against a hang.
const PATIENCE: Duration = Duration::from_secs(300);
const STARTS_MAX: usize = 5;

/// The responder; killed when dropped.
struct Replay {
    child: Child,
    address: SocketAddr,
}

impl Replay {
    fn start(program: &Path, captures: &Path) -> Self {
        for _ in 0..STARTS_MAX {
            // It cannot be handed a socket: between finding a free port and its own bind another
            // process may take it. Then the next port is tried.
            let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut child = Command::new("python3")
                .arg(program)
                .arg(captures)
                .args(["--listen", &address.to_string(), "--secs", "600"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let said = BufReader::new(child.stderr.take().unwrap());
            let replay = Self { child, address };
            if said.lines().any(|line| line.is_ok_and(|line| line.starts_with("ready"))) {
                return replay;
            }
        }
        panic!("the responder does not start");
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One device: a capture and what is wrong with it.
struct Played {
    name: String,
    quirk: &'static str,
    capture: Arc<Capture>,
    ended: u32,
    /// Rows of the poll that runs, and of the last that has ended.
    rows: Vec<(Row, Arc<Schema>)>,
    last: Vec<(Row, Arc<Schema>)>,
    tables: BTreeMap<u32, ObjectTable>,
    compared: usize,
}

impl Played {
    fn take(&mut self, row: Row, schema: Arc<Schema>) {
        assert_eq!(row.schema, schema.id());
        if row.cause.is_none() {
            assert_eq!(row.values.len(), schema.columns.len());
            for (column, value) in schema.columns.iter().zip(&row.values) {
                if let Some(value) = value {
                    self.compare(column, *value);
                }
            }
        }
        self.rows.push((row, schema));
    }

    fn compare(&mut self, column: &Column, value: i64) {
        let Self { name, quirk, capture, .. } = self;
        if ["snmp_up", "snmp_rtt_seconds"].contains(&&column.metric[..]) {
            return;
        }
        let expected = capture.expected(&column.object, &column.metric, column.kind);
        assert_eq!(expected, Some(value), "{name}{quirk}: {column:?}");
        let exponent = match &column.metric[..] {
            "sys_uptime_seconds" | "load_1m_ratio" | "load_5m_ratio" | "load_15m_ratio" => -2,
            _ => capture.sensor(&column.object).map_or(0, |(_, exponent)| exponent),
        };
        assert_eq!(exponent, i64::from(column.exponent), "{name}{quirk}: {column:?}");
        self.compared += 1;
    }

    fn last_value(&self, object: &str, metric: &str) -> Option<i64> {
        let cells =
            self.last.iter().flat_map(|(row, schema)| schema.columns.iter().zip(&row.values));
        let mut of = cells.filter(|(column, _)| column.object == object && column.metric == metric);
        of.find_map(|(_, value)| *value)
    }

    /// The capture and who polls it are read by the same idea of memory: these are not.
    fn check_memory(&self) {
        let Some((_, cache, in_use)) = IN_USE.iter().find(|(name, ..)| *name == self.name) else {
            return;
        };
        assert_eq!(
            self.last_value("memory:1", "memory_used_bytes"),
            Some(*in_use),
            "{}",
            self.name
        );
        let sizes = ["memory:1", *cache].map(|row| self.last_value(row, "memory_size_bytes"));
        assert!(matches!(sizes, [Some(_), None]), "{}: {sizes:?}", self.name);
    }

    /// Where the last poll did not give all that the capture has.
    fn check_complete(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let present = self.last.iter().flat_map(|(row, schema)| {
            let values = schema.columns.iter().zip(&row.values);
            values.filter(|(_, value)| value.is_some()).map(|(column, _)| column)
        });
        let ours = ["snmp_up", "snmp_rtt_seconds"];
        let found: BTreeSet<_> = present
            .filter(|column| !ours.contains(&&column.metric[..]))
            .map(|column| (column.object.clone(), column.metric.clone()))
            .collect();
        let all = self.capture.all();
        let missing: Vec<_> = all.difference(&found).take(5).collect();
        let more: Vec<_> = found.difference(&all).take(5).collect();
        let (name, quirk) = (&self.name, self.quirk);
        if !(missing.is_empty() && more.is_empty()) {
            let causes: Vec<_> =
                self.last.iter().filter_map(|(row, _)| Some((row.group, row.cause?))).collect();
            problems.push(format!(
                "{name}{quirk}: without {missing:?}, with {more:?}, causes {causes:?}"
            ));
        }
        let mut told = BTreeSet::new();
        for group in [Group::Host, Group::Sensors] {
            let table = self.tables.get(&(group as u32));
            let objects = table.into_iter().flat_map(|table| &table.objects);
            told.extend(objects.map(|object| object.object.clone()));
        }
        let objects = self.capture.objects();
        if told != objects {
            let off: Vec<_> = told.symmetric_difference(&objects).take(5).collect();
            problems.push(format!("{name}{quirk}: not agreed about {off:?}"));
        }
        let parts = self.tables.get(&0).map_or(0, |table| table.objects.len());
        let classes = self.capture.rows(&[47, 1, 1, 1, 1, 5]).len();
        if parts < classes {
            problems.push(format!("{name}{quirk}: {parts} parts of {classes}"));
        }
        problems
    }
}

/// The folders, or a printed skip.
fn folders() -> Option<(PathBuf, PathBuf)> {
    let folder = |name: &str| {
        let folder = std::env::var_os(name).map(PathBuf::from);
        if folder.is_none() {
            println!("skipped: {name} is not set");
        }
        folder
    };
    Some((folder("FARWATCH_CAPTURES")?, folder("FARWATCH_YARDSTICKS")?))
}

fn devices(captures: &Path) -> Vec<Played> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(captures).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "snmprec"));
    files.sort();
    assert!(!files.is_empty(), "there are no captures in {}", captures.display());
    let mut devices = Vec::new();
    for path in files {
        let capture = Arc::new(Capture::read(&path));
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for quirk in QUIRKS {
            devices.push(Played {
                name: name.clone(),
                quirk,
                capture: capture.clone(),
                ended: 0,
                rows: Vec::new(),
                last: Vec::new(),
                tables: BTreeMap::new(),
                compared: 0,
            });
        }
    }
    devices
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_capture_gives_its_own_values_and_no_device_is_stuck() {
    let Some((captures, yardsticks)) = folders() else { return };
    let captures = captures.join("snmprec");
    let replay = Replay::start(&yardsticks.join("snmp-replay/replay.py"), &captures);
    let mut devices = devices(&captures);
    let targets = (0..).zip(&devices).map(|(at, device)| {
        let version = if device.quirk == "@v1only" { SnmpVersion::V1 } else { SnmpVersion::V2c };
        let community = format!("{}{}", device.name, device.quirk);
        Target { interval: INTERVAL, ..target(at, replay.address, version, &community) }
    });
    let (_targets, watch) = watch::channel(Arc::new(targets.collect::<Vec<_>>()));
    let (out, mut observations) = mpsc::channel(65_536);
    let settings = Settings { window: 128, tell_ends: true, ..Settings::default() };
    let config = PollConfig { settings, ..PollConfig::default() };
    let counters = Arc::new(PollCounters::default());
    let stop = CancellationToken::new();
    let _guard = stop.clone().drop_guard();
    let polling = run(config, watch, out, Clock::system(), counters.clone(), stop.clone());
    farwatch_common::task::spawn_child(&stop, async move { polling.await.unwrap() });

    let mut open = devices.len();
    let all = async {
        while open > 0 {
            match observations.recv().await.unwrap() {
                Observation::Row { row, schema } => {
                    devices[row.device.0 as usize].take(row, schema);
                }
                Observation::Event(event) => {
                    if let Some(event::Kind::ObjectTable(table)) = event.kind {
                        let device = &mut devices[table.device_id as usize];
                        device.tables.insert(table.group, table);
                    }
                }
                Observation::Ended(device) => {
                    let device = &mut devices[device.0 as usize];
                    device.ended += 1;
                    device.last = std::mem::take(&mut device.rows);
                    open -= usize::from(device.ended == POLLS);
                }
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, all).await;
    let snapshot = counters.snapshot();
    let stuck = devices.iter().filter(|device| device.ended < POLLS);
    let stuck: Vec<_> = stuck.map(|device| format!("{}{}", device.name, device.quirk)).collect();
    assert!(ended.is_ok() && stuck.is_empty(), "{stuck:?} {snapshot:?}");
    assert_eq!(snapshot.dropped_observations, 0);
    let mut problems = Vec::new();
    for device in &devices {
        if COMPLETE.contains(&device.quirk) {
            problems.extend(device.check_complete());
            device.check_memory();
        }
        if COMPLETE.contains(&device.quirk) || device.quirk == "@v1only" {
            assert!(device.compared > 0, "{}{}", device.name, device.quirk);
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    let compared: usize = devices.iter().map(|device| device.compared).sum();
    println!("{} devices, {compared} values compared, {snapshot:?}", devices.len());
}
