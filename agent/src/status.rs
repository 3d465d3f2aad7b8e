//! What `farwatch-agent status` shows: the identity, the buffer's file, and what a running agent
//! last wrote about itself.

mod process;
mod text;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::file::{read_if_present, write_private};
use farwatch_common::id::AgentId;
use farwatch_common::platform::volume_free_bytes;
use farwatch_common::task::chain;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::buffer::{self, BufferState, Summary};
use crate::config::AgentConfig;
use crate::history::jobs::{JobCounts, Jobs};
use crate::identity::{self, IdentityError};
use crate::platform;
use crate::poll::{PollCounters, PollSnapshot};
use crate::state_dir::StateDir;
use crate::uplink::UplinkState;

pub use self::process::Process;

const FILE: &str = "status.json";
/// How often a running agent writes.
const EVERY: Duration = Duration::from_secs(5);
/// What a running agent writes about itself.
#[derive(Clone, Debug, Serialize)]
pub struct Running {
    pub version: &'static str,
    pub pid: u32,
    pub at_us: i64,
    pub devices: usize,
    pub assignment_revision: u64,
    pub uplink: UplinkState,
    pub poll: PollSnapshot,
    /// Configurations that are fetched for the collector.
    pub configs: JobCounts,
    /// Why the buffer cannot commit, while that is so.
    pub buffer_trouble: Option<String>,
}

/// Where a running agent reads what it writes.
#[derive(Debug)]
pub struct Reporter {
    pub state_dir: PathBuf,
    pub inventory: Arc<crate::inventory::Inventory>,
    pub uplink: watch::Receiver<UplinkState>,
    pub buffer: watch::Receiver<BufferState>,
    pub poll: Arc<PollCounters>,
    pub jobs: Arc<Jobs>,
    pub clock: Clock,
}

impl Reporter {
    /// Writes until `cancel`, and a last time then. A disk that takes nothing is no reason to stop.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), std::convert::Infallible> {
        let mut tick = tokio::time::interval(EVERY);
        let mut written = Connection::default();
        loop {
            tokio::select! {
                () = cancel.cancelled() => {
                    let _ = std::fs::remove_file(self.state_dir.join(FILE));
                    return Ok(());
                }
                _ = tick.tick() => {}
                () = changed(&mut self.uplink, &written) => {}
            }
            written = self.write().await;
        }
    }

    async fn write(&self) -> Connection {
        let uplink = self.uplink.borrow().clone();
        let connection = Connection::of(&uplink);
        let running = Running {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            at_us: self.clock.now().0,
            devices: self.inventory.device_count(),
            assignment_revision: self.inventory.revision(),
            uplink,
            poll: self.poll.snapshot(),
            configs: self.jobs.counts(),
            buffer_trouble: self.buffer.borrow().trouble.clone(),
        };
        let Ok(bytes) = serde_json::to_vec(&running) else { return connection };
        let path = self.state_dir.join(FILE);
        let written = tokio::task::spawn_blocking(move || write_private(&path, &bytes)).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::debug!("the status could not be written");
        }
        connection
    }
}

/// What of the uplink's state is told at once. The rest of it changes all the time.
#[derive(Debug, Default, PartialEq, Eq)]
struct Connection {
    since_us: Option<i64>,
    is_up: bool,
    last_error: Option<String>,
}

impl Connection {
    fn of(uplink: &UplinkState) -> Self {
        Self {
            since_us: uplink.connected_since_us,
            is_up: uplink.connected,
            last_error: uplink.last_error.clone(),
        }
    }
}

/// Waits until there is another connection than is written.
async fn changed(uplink: &mut watch::Receiver<UplinkState>, written: &Connection) {
    let gone = uplink.wait_for(|state| Connection::of(state) != *written).await.is_err();
    if gone {
        // The uplink has stopped; so will this.
        std::future::pending().await
    }
}

/// Why there is no status.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    #[error("the identity")]
    Identity(#[from] IdentityError),
    #[error("cannot read {path}; run this as the user of the agent")]
    Read { path: PathBuf, source: std::io::Error },
}

/// The state directory's content, for people and for programs.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    pub enrolled: bool,
    pub agent: Option<String>,
    pub name: Option<String>,
    pub collectors: Vec<String>,
    pub certificate_expires_us: Option<i64>,
    pub buffer: Option<Summary>,
    /// Why its file cannot be read, if that is so.
    pub buffer_error: Option<String>,
    /// The agent runs, and has a session with a collector.
    pub connected: bool,
    /// Milliseconds since the running agent wrote what follows: it does so at every change of its
    /// connection, else every 5 s.
    pub age_ms: Option<u64>,
    /// What the running agent wrote last; none if no agent runs.
    pub running: Option<serde_json::Value>,
    pub process: Process,
    /// Milliseconds since an agent wrote something that it did not take back as it stopped: one that runs, or one
    /// that ended without that.
    pub last_seen_ms: Option<u64>,
    /// Its process.
    pub pid: Option<u32>,
    /// What the buffer still takes before something goes, in bytes.
    pub room_bytes: Option<u64>,
}

impl Status {
    /// Of the agent of this configuration.
    pub fn of(config: &AgentConfig, now: Micros) -> Result<Self, StatusError> {
        let dir = &config.state_dir;
        // Whose it is says nothing of how large it may be.
        Self::read(dir, config.buffer(dir, AgentId(0)).cap_bytes, now)
    }

    /// Reads it beside the agent that may be running. Its buffer takes up to `cap_bytes`.
    fn read(state_dir: &Path, cap_bytes: u64, now: Micros) -> Result<Self, StatusError> {
        let credentials = identity::load(state_dir)?;
        let known = credentials.as_ref();
        let path = state_dir.join(FILE);
        // First: who ends meanwhile is seen to have told something, and not to be there any more.
        let bytes = read_if_present(&path).map_err(|source| StatusError::Read { path, source })?;
        let told = bytes.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        let seen = told.as_ref().and_then(|told| age(told, now));
        let pid = told.as_ref().and_then(|told| u32::try_from(told["pid"].as_u64()?).ok());
        let state = pid.and_then(platform::process_state);
        let process = Process::judge(StateDir::is_in_use(state_dir), seen.map(|age| (age, state)));
        let running = told.filter(|_| process == Process::Running);
        // A damaged file is what a status is asked for; a running agent replaces it.
        let (buffer, buffer_error) = match buffer::summary(state_dir, now) {
            Ok(summary) => (summary, None),
            Err(error) => (None, Some(chain(&error))),
        };
        let free = volume_free_bytes(state_dir);
        let room_bytes = buffer.as_ref().map(|buffer| room(buffer, cap_bytes, free));
        let seen_ms = seen.and_then(|age| u64::try_from(age.as_millis()).ok());
        Ok(Self {
            enrolled: known.is_some(),
            agent: known.map(|known| known.agent.to_string()),
            name: known.map(|known| known.name.clone()),
            collectors: known.map(|known| known.collectors.clone()).unwrap_or_default(),
            certificate_expires_us: known.map(|known| known.not_after.0),
            buffer,
            buffer_error,
            connected: running.as_ref().is_some_and(|told| told["uplink"]["connected"] == true),
            age_ms: seen_ms.filter(|_| running.is_some()),
            running,
            process,
            last_seen_ms: seen_ms,
            pid,
            room_bytes,
        })
    }
}

/// What is acknowledged goes before anything that waits, and the file has taken its part of the disk already.
fn room(buffer: &Summary, cap_bytes: u64, free: Option<u64>) -> u64 {
    let most = free.map_or(cap_bytes, |free| cap_bytes.min(buffer.file_bytes.saturating_add(free)));
    most.saturating_sub(buffer.bytes)
}

/// How long ago the agent wrote this.
fn age(told: &serde_json::Value, now: Micros) -> Option<Duration> {
    Some(now.since(Micros(told["at_us"].as_i64()?)))
}

#[cfg(test)]
mod tests {
    use super::process::STALE;
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn read(dir: &Path, now: Micros) -> Status {
        Status::read(dir, 100 * MIB, now).unwrap()
    }

    #[test]
    fn a_damaged_buffer_and_what_the_agent_suffers_from_are_shown() {
        let dir = tempfile::tempdir().unwrap();
        let held = StateDir::lock(dir.path()).unwrap();
        std::fs::write(dir.path().join("buffer.db"), "not a database at all").unwrap();
        let now = Micros(1_000_000_000);
        let told = serde_json::json!({
            "at_us": now.0,
            "devices": 3,
            "buffer_trouble": "the disk is full",
            "configs": { "running": 1, "waiting": 2, "outcomes": 3, "outcome_bytes": 40_960 },
            "uplink": {
                "connected": true, "collector": "noc:443", "clock_offset_us": 61_000_000,
                "transport": "tcp", "transport_reason": "udp_blocked", "round_trip_ms": 12,
                "proxied": true, "lost_percent": 2.25,
            },
        });
        std::fs::write(dir.path().join(FILE), told.to_string()).unwrap();
        let now = now.after(Duration::from_millis(7_900));
        let status = read(dir.path(), now);
        assert_eq!((status.connected, status.age_ms), (true, Some(7_900)));
        let text = status.to_text(now);
        for part in [
            "cannot be read: the buffer database failed",
            "nothing can be written to the buffer: the disk is full",
            "running, 3 devices, as of 7 s ago",
            "1 being fetched, 2 to fetch, 3 to send (40 KiB)",
            "connected to noc:443 over tcp (UDP does not get through) through a proxy, 12 ms away, \
             2.2 % of packets lost",
            "61.000 s behind the collector's; set this host's clock",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        let later = read(dir.path(), now.after(STALE));
        assert!(later.to_text(now).contains("not responding: it has told nothing for 27 s"));
        assert_eq!((later.connected, later.age_ms, later.running), (false, None, None));
        // Killed: the lock is gone, and what it told is not.
        drop(held);
        let ended = read(dir.path(), now);
        assert_eq!((ended.connected, ended.age_ms, &ended.running), (false, None, &None));
        assert_eq!((ended.process, ended.last_seen_ms), (Process::Ended, Some(7_900)));
        let text = ended.to_text(now);
        let expected = "not running: it ended without a goodbye, last seen 7 s ago";
        assert!(text.contains(expected) && !text.contains("connected"), "{text}");
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        let never = read(dir.path(), now);
        assert!(
            never.process == Process::NotRunning && never.to_text(now).contains("not running\n")
        );
    }

    #[test]
    fn one_that_a_signal_has_stopped_does_not_respond() {
        if platform::process_state(std::process::id()).is_none() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let _held = StateDir::lock(dir.path()).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().to_string();
        let stopped = std::process::Command::new("kill").args(["-STOP", &pid]).status().unwrap();
        assert!(stopped.success());
        let now = Micros(1_000_000_000);
        let told = serde_json::json!({
            "at_us": now.0, "pid": child.id(), "uplink": { "connected": true },
        });
        std::fs::write(dir.path().join(FILE), told.to_string()).unwrap();
        let status = loop {
            let status = read(dir.path(), now.after(Duration::from_secs(3)));
            // The system takes a moment.
            if status.process != Process::Running {
                break status;
            }
        };
        assert_eq!((status.process, status.connected), (Process::Stopped, false));
        let text = status.to_text(now);
        let expected = format!("not responding: a signal has stopped process {}", child.id());
        assert!(text.contains(&expected), "{text}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(read(dir.path(), now).process, Process::Starting, "another has the directory");
    }

    #[test]
    fn what_was_lost_and_what_room_is_left_are_told() {
        let now = Micros(1_795_232_238_000_000);
        let mut status = read(tempfile::tempdir().unwrap().path(), now);
        let text = |status: &Status| status.to_text(now);
        assert!(!text(&status).contains("lost"), "there is no file");
        let made_us = Some(now.0 - 3 * 86_400 * Micros::SECOND);
        status.buffer = Some(Summary { made_us, rate: Some(100.0), ..Summary::default() });
        status.room_bytes = Some(2045 * MIB);
        assert!(
            text(&status).contains("lost         nothing since 2026-11-18\n"),
            "{}",
            text(&status)
        );
        assert!(text(&status).contains("room         2045 MiB, about 248 days at this rate\n"));
        let buffer = status.buffer.as_mut().unwrap();
        let lost = [
            ("crashes", 2),
            ("corrupt_rows_class_1", 0),
            ("evicted_batches_class_3", 7),
            ("evicted_rows_class_3", 120),
        ];
        buffer.losses = lost.map(|(name, count)| (name.to_owned(), count)).into();
        buffer.rate = None;
        status.room_bytes = Some(5 * MIB);
        let expected = "lost         since 2026-11-18: not counted of events (damaged), what was on its way \
                        to the disk at 2 kills, 120 rows of counters (the buffer was full)\n";
        assert!(text(&status).contains(expected), "{}", text(&status));
        assert!(text(&status).contains("room         5 MiB\n"));
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_the_room() {
        let buffer = Summary { bytes: 3, file_bytes: 10, ..Summary::default() };
        assert_eq!(room(&buffer, 100, None), 97);
        assert_eq!(room(&buffer, 100, Some(1000)), 97);
        assert_eq!(room(&buffer, 100, Some(20)), 27);
        assert_eq!(room(&buffer, 2, Some(20)), 0);
    }

    #[tokio::test]
    async fn another_connection_is_told_at_once_and_heartbeats_are_not() {
        let (state, mut uplink) = watch::channel(UplinkState::default());
        let written = Connection::default();
        state.send_modify(|state| state.round_trip_ms = Some(7));
        tokio::select! {
            biased;
            () = changed(&mut uplink, &written) => panic!("that was a heartbeat"),
            () = std::future::ready(()) => {}
        }
        state.send_modify(|state| state.connected = true);
        changed(&mut uplink, &written).await;
        assert!(uplink.borrow().connected);
    }
}
