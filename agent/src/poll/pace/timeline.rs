//! What drives a core of this stage: the time on its scale, its wake-ups, and the targets as they
//! change.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use tokio::sync::watch;
use tokio::time::Sleep;

use super::Moment;
use crate::poll::Target;

/// How long to sleep when no timer runs.
const IDLE: Duration = Duration::from_secs(3600);

/// A core's time scale: its zero, and the wall time it stands for.
#[derive(Debug)]
pub(in crate::poll) struct Timeline {
    clock: Clock,
    started: Instant,
    origin_us: u64,
}

impl Timeline {
    pub(in crate::poll) fn new(clock: Clock) -> Self {
        let started = clock.monotonic();
        let origin_us = u64::try_from(clock.now().0).unwrap_or(0);
        Self { clock, started, origin_us }
    }

    pub(in crate::poll) fn now(&self) -> Moment {
        let passed = self.clock.monotonic().saturating_duration_since(self.started);
        let passed_us = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        Moment { mono_us: self.origin_us.saturating_add(passed_us), wall: self.clock.now() }
    }

    /// Sets the sleep to the core's next timer. An earlier wake-up than needed does no harm, so the
    /// sleep is only touched when the timer comes sooner.
    pub(in crate::poll) fn arm(&self, wake_us: Option<u64>, sleep: Pin<&mut Sleep>) {
        let wake = match wake_us {
            Some(us) => self.started + Duration::from_micros(us.saturating_sub(self.origin_us)),
            None => self.clock.monotonic() + IDLE,
        };
        let deadline = tokio::time::Instant::from_std(wake);
        if sleep.is_elapsed() || sleep.deadline() > deadline {
            sleep.reset(deadline);
        }
    }
}

/// The targets, each time they change, and once at the start.
#[derive(Debug)]
pub(in crate::poll) struct Targets(watch::Receiver<Arc<Vec<Target>>>);

impl Targets {
    pub(in crate::poll) fn new(mut targets: watch::Receiver<Arc<Vec<Target>>>) -> Self {
        targets.mark_changed();
        Self(targets)
    }

    /// The targets, if they have changed and [`Self::next`] has not told so yet.
    pub(in crate::poll) fn changed(&mut self) -> Option<Arc<Vec<Target>>> {
        let has_changed = self.0.has_changed().is_ok_and(|changed| changed);
        has_changed.then(|| self.0.borrow_and_update().clone())
    }

    /// Without a sender the last targets stay.
    pub(in crate::poll) async fn next(&mut self) -> Arc<Vec<Target>> {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().clone()
    }
}
