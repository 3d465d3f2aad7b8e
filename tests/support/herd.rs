//! Very many agents in one process: each with its own key, socket, session and devices, the agents' own uplink
//! core and redialling, and a memory in place of a disk.

pub mod admit;
mod member;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use farwatch_agent::identity::Credentials;
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::DeviceId;
use farwatch_common::task::spawn_child;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::member::Member;

/// Descriptors of this process: one socket of each agent, and what is open beside.
const DESCRIPTORS: usize = 8_192;

/// One of counters, one of gauges.
pub const BATCHES_OF_POLL: usize = 2;

/// Who an agent is and what it polls.
#[derive(Clone, Debug)]
pub struct Identity {
    pub credentials: Credentials,
    pub devices: Vec<DeviceId>,
}

/// What its agents do.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Between two polls of each device; none are polled without it.
    pub interval: Option<Duration>,
    /// Polls that wait already when the herd is let go, one for each minute.
    pub backlog: u32,
}

/// What one agent has seen so far. Times are since the herd was made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// When the first poll was stored that was made after the herd was let go.
    pub live: Option<Duration>,
    /// When a poll was stored last that went out at once.
    pub live_last: Option<Duration>,
    /// The longest time between two of those.
    pub live_gap: Duration,
    /// Batches of the backlog that have no answer.
    pub backlog: usize,
    pub acked: u64,
    pub refused: u64,
    pub sessions: u64,
    /// Sessions that could not begin or that broke off.
    pub broken: u64,
}

/// When an agent has polled, what waits since before too.
type Polled = Arc<Mutex<BTreeSet<Micros>>>;

/// Agents that are ready; they dial when they are let go, and stop when this is dropped.
pub struct Herd {
    pub identities: Vec<Identity>,
    seen: Vec<Arc<Mutex<Seen>>>,
    polled: Vec<Polled>,
    go: watch::Sender<bool>,
    began: Instant,
    _stop: DropGuard,
}

impl Herd {
    #[must_use]
    pub fn new(identities: Vec<Identity>, collector: SocketAddr, habits: Habits) -> Self {
        raise_descriptors();
        let (go, gone) = watch::channel(false);
        let (stop, began) = (CancellationToken::new(), Instant::now());
        let end = Clock::system().now();
        let (mut seen, mut polled) = (Vec::new(), Vec::new());
        for identity in &identities {
            let told = Arc::new(Mutex::new(Seen::default()));
            let polls = Polled::default();
            let place = member::Place {
                collector,
                began,
                end,
                seen: Arc::clone(&told),
                polled: Arc::clone(&polls),
            };
            let member = Member::new(identity.clone(), habits, place);
            let mut gone = gone.clone();
            spawn_child(&stop, async move {
                if gone.wait_for(|gone| *gone).await.is_ok() {
                    member.run().await;
                }
            });
            seen.push(told);
            polled.push(polls);
        }
        Self { identities, seen, polled, go, began, _stop: stop.drop_guard() }
    }

    /// All of them dial; returns when that was, since the herd was made.
    pub fn let_go(&self) -> Duration {
        let at = self.began.elapsed();
        self.go.send_replace(true);
        at
    }

    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let read = |seen: &Arc<Mutex<Seen>>| *seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.seen.iter().map(read).collect()
    }

    /// When the agent of that place has polled its devices so far.
    #[must_use]
    pub fn polled(&self, at: usize) -> BTreeSet<Micros> {
        self.polled[at].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is measured from now on is of a new time.
    pub fn measure_anew(&self) {
        for seen in &self.seen {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.live_gap = Duration::ZERO;
        }
    }
}

/// A soft limit of 1,024 is common.
fn raise_descriptors() {
    let pid = std::process::id().to_string();
    let limit = format!("--nofile={DESCRIPTORS}:");
    let raised = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(raised.is_ok_and(|status| status.success()), "prlimit does not give {DESCRIPTORS}");
}

/// The minute of a poll that waits since before, newest first.
fn minute(end: Micros, back: u32) -> Micros {
    end.before(Duration::from_secs(60) * back)
}
