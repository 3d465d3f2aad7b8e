//! The engine with one device, for one poll.

use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{Asked, ProbeFailure, ProbeReport};
use crate::poll::engine::Settings;
use crate::poll::{Observation, PollConfig, PollCounters, PollError, Target};

/// A probe gives at most five events, a row of each table and one of the device, and its end.
const OBSERVATIONS_MAX: usize = 32;
/// Shorter than an agent's: somebody waits, and a silence is named within 3 seconds. The answer to
/// either question counts, so a device may take all of this time over it.
const TIMEOUTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_millis(1500)];

/// A poll under way, and what it has given so far.
pub(super) struct Look {
    asked: Asked,
    poll: BoxFuture<'static, Result<(), PollError>>,
    seen: mpsc::Receiver<Observation>,
    /// The engine polls as long as it is here.
    _targets: watch::Sender<Arc<Vec<Target>>>,
    report: ProbeReport,
    is_over: bool,
}

impl Look {
    pub(super) fn begin(target: Target, clock: Clock) -> Self {
        let asked = Asked::with(&target.access);
        let (out, seen) = mpsc::channel(OBSERVATIONS_MAX);
        let target = Target { interval: Duration::from_secs(3600), ..target };
        let (targets, watch) = watch::channel(Arc::new(vec![target]));
        let settings = Settings {
            first_poll_within: Duration::ZERO,
            timeouts: TIMEOUTS,
            tell_ends: true,
            ..Settings::default()
        };
        let config = PollConfig { settings, ..PollConfig::default() };
        let counters = Arc::new(PollCounters::default());
        let cancel = CancellationToken::new();
        let poll = crate::poll::run(config, watch, out, clock, counters, cancel).boxed();
        Self {
            asked,
            poll,
            seen,
            _targets: targets,
            report: ProbeReport::default(),
            is_over: false,
        }
    }

    /// Waits for the next thing that the device gives. Not to be called after an error.
    pub(super) async fn step(&mut self) -> Result<(), PollError> {
        let observation = tokio::select! {
            ended = &mut self.poll => return Err(ended.err().unwrap_or(PollError::OutputClosed)),
            seen = self.seen.recv() => seen.ok_or(PollError::OutputClosed)?,
        };
        let asked = self.asked;
        let failed = |cause| PollError::Device(ProbeFailure { cause, asked });
        self.is_over = self.report.take(observation).map_err(failed)?;
        Ok(())
    }

    /// All that is left.
    pub(super) async fn rest(mut self) -> Result<ProbeReport, PollError> {
        while !self.is_over {
            self.step().await?;
        }
        Ok(self.report)
    }
}
