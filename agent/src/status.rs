//! What `farwatch-agent status` shows: the identity, the buffer's file, and what a running agent
//! last wrote about itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::file::{read_if_present, write_private};
use farwatch_common::task::chain;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::buffer::{self, BufferState, Summary};
use crate::history::jobs::{JobCounts, Jobs};
use crate::identity::{self, IdentityError};
use crate::poll::{PollCounters, PollSnapshot};
use crate::uplink::UplinkState;

const FILE: &str = "status.json";
/// How often a running agent writes.
const EVERY: Duration = Duration::from_secs(5);
/// Older than this, the agent that wrote does not run any more.
const STALE: Duration = Duration::from_secs(20);

/// Less than this is everyday life of a link.
const LOSS_PERCENT_TOLD: f64 = 0.1;
/// A clock further off than this makes certificates and charts wrong.
const CLOCK_OFF_MAX: Duration = Duration::from_secs(2);

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
}

impl Status {
    /// Reads it beside the agent that may be running.
    pub fn read(state_dir: &Path, now: Micros) -> Result<Self, StatusError> {
        let credentials = identity::load(state_dir)?;
        let known = credentials.as_ref();
        let path = state_dir.join(FILE);
        let bytes = read_if_present(&path).map_err(|source| StatusError::Read { path, source })?;
        let running = bytes
            .and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
            .filter(|told| age(told, now).is_some_and(|age| age < STALE));
        // A damaged file is what a status is asked for; a running agent replaces it.
        let (buffer, buffer_error) = match buffer::summary(state_dir) {
            Ok(summary) => (summary, None),
            Err(error) => (None, Some(chain(&error))),
        };
        Ok(Self {
            enrolled: known.is_some(),
            agent: known.map(|known| known.agent.to_string()),
            name: known.map(|known| known.name.clone()),
            collectors: known.map(|known| known.collectors.clone()).unwrap_or_default(),
            certificate_expires_us: known.map(|known| known.not_after.0),
            buffer,
            buffer_error,
            connected: running.as_ref().is_some_and(|told| told["uplink"]["connected"] == true),
            age_ms: running
                .as_ref()
                .and_then(|told| u64::try_from(age(told, now)?.as_millis()).ok()),
            running,
        })
    }

    /// Some lines for a person.
    #[must_use]
    pub fn to_text(&self, now: Micros) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {value}");
        };
        match (&self.name, &self.agent) {
            (Some(name), Some(agent)) => {
                line("identity", format!("{name} ({agent})"));
                line("collectors", self.collectors.join(", "));
            }
            _ => line("identity", "not enrolled: run `farwatch-agent enroll`".into()),
        }
        if let Some(expires) = self.certificate_expires_us {
            line(
                "certificate",
                match now.0 < expires {
                    true => format!("good for {} h", Micros(expires).since(now).as_secs() / 3600),
                    false => "EXPIRED: enrol again with a new token and --force".into(),
                },
            );
        }
        if let Some(buffer) = &self.buffer {
            let age = buffer.oldest_us.map_or(0, |at| now.since(Micros(at)).as_secs());
            let (batches, kib) = (buffer.batches, buffer.bytes / 1024);
            line("buffer", format!("{batches} batches, {kib} KiB, oldest {age} s"));
            let lost: Vec<String> =
                buffer.losses.iter().map(|(name, count)| format!("{name} {count}")).collect();
            if !lost.is_empty() {
                line("lost", lost.join(", "));
            }
        }
        if let Some(error) = &self.buffer_error {
            line("buffer", format!("cannot be read: {error}"));
        }
        match &self.running {
            None => line("agent", "not running".into()),
            Some(told) => {
                let age = self.age_ms.unwrap_or_default() / 1000;
                line("agent", format!("running, {} devices, as of {age} s ago", told["devices"]));
                if let Some(trouble) = told["buffer_trouble"].as_str() {
                    line("trouble", format!("nothing can be written to the buffer: {trouble}"));
                }
                if let Some(configs) = configs_line(&told["configs"]) {
                    line("configs", configs);
                }
                let uplink = &told["uplink"];
                line(
                    "uplink",
                    match uplink["connected"].as_bool() {
                        Some(true) => connected(uplink),
                        _ => match uplink["last_error"].as_str() {
                            Some(error) => format!("not connected: {error}"),
                            None => "connecting".into(),
                        },
                    },
                );
                // As measured in the session that is up.
                if uplink["connected"] == true
                    && let Some(offset) = uplink["clock_offset_us"].as_i64()
                {
                    line("clock", clock_line(offset));
                }
            }
        }
        text
    }
}

/// How long ago the agent wrote this.
fn age(told: &serde_json::Value, now: Micros) -> Option<Duration> {
    Some(now.since(Micros(told["at_us"].as_i64()?)))
}

/// Jobs and outcomes that wait; `None` if none does, as is usual.
fn configs_line(configs: &serde_json::Value) -> Option<String> {
    let count = |name: &str| configs[name].as_u64().unwrap_or(0);
    let (running, waiting, outcomes) = (count("running"), count("waiting"), count("outcomes"));
    let kib = count("outcome_bytes") / 1024;
    (running + waiting + outcomes > 0).then(|| {
        format!("{running} being fetched, {waiting} to fetch, {outcomes} to send ({kib} KiB)")
    })
}

/// Where to, over what, and why not over QUIC.
fn connected(uplink: &serde_json::Value) -> String {
    let text = |name: &str| uplink[name].as_str();
    let mut line = format!("connected to {}", text("collector").unwrap_or("?"));
    if let Some(transport) = text("transport") {
        let _ = write!(line, " over {transport}");
    }
    let reason = match text("transport_reason") {
        Some("udp_blocked") => " (UDP does not get through)",
        Some("quic_died") => " (QUIC went silent again and again)",
        Some("lossy") => " (UDP loses too much)",
        _ => "",
    };
    line.push_str(reason);
    if uplink["proxied"] == true {
        line.push_str(" through a proxy");
    }
    if let Some(round_trip) = uplink["round_trip_ms"].as_u64() {
        let _ = write!(line, ", {round_trip} ms away");
    }
    if let Some(lost) = uplink["lost_percent"].as_f64().filter(|lost| *lost >= LOSS_PERCENT_TOLD) {
        let _ = write!(line, ", {lost:.1} % of packets lost");
    }
    line
}

/// `offset_us` is how far the collector's clock is ahead of this host's.
fn clock_line(offset_us: i64) -> String {
    let off = Duration::from_micros(offset_us.unsigned_abs());
    let side = if offset_us > 0 { "behind" } else { "ahead of" };
    let advice = if off > CLOCK_OFF_MAX { "; set this host's clock" } else { "" };
    format!("{:.3} s {side} the collector's{advice}", off.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_buffer_and_what_the_agent_suffers_from_are_shown() {
        let dir = tempfile::tempdir().unwrap();
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
        let status = Status::read(dir.path(), now).unwrap();
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
        let later = Status::read(dir.path(), now.after(STALE)).unwrap();
        assert_eq!((later.connected, later.age_ms, later.running), (false, None, None));
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
