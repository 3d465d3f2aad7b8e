//! Jobs: fetches the configurations that the collector wants.
//!
//! - **In:** orders of the collector.
//! - **Out:** their outcomes, to the outbox.
//! - **Bound:** [`JOBS_MAX`] wait, [`FETCHES_AT_ONCE`] are under way, one of a device.
//! - **When full:** an order is refused, as it is where the outbox has no room.
//! - **On crash:** jobs without an outcome are gone; the collector gives them again.

mod order;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use farwatch_common::clock::Clock;
use farwatch_common::id::ConfigJobId;
use farwatch_common::task::chain;
use farwatch_proto::v1::FetchConfig;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::outbox::{Outbox, OutboxError};
use super::outcome::{self, Times};
pub use super::queue::{FETCHES_AT_ONCE, JOBS_MAX};
use super::queue::{Job, Queue};
use super::{FetchError, Snapshot, Target, fetch, site_key};

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    #[error("the order breaks a limit: {0}")]
    Invalid(&'static str),
    #[error("there is no room for another job")]
    Full,
}

/// The jobs of this agent.
#[derive(Debug)]
pub struct Jobs {
    queue: Mutex<Queue<Target>>,
    /// One was taken, or has ended.
    changed: Notify,
    outbox: Arc<Outbox>,
    /// One outcome is packed at a time: it takes several times the memory of its text.
    packing: tokio::sync::Mutex<()>,
    state_dir: PathBuf,
    clock: Clock,
}

/// How many there are, for `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobCounts {
    /// Jobs that wait, and those under way.
    pub waiting: usize,
    pub running: usize,
    /// Outcomes that wait for the collector, and the bytes of their files.
    pub outcomes: usize,
    pub outcome_bytes: u64,
    /// Since the start: those that it has taken, and those it had no use for.
    pub outcomes_sent: u64,
    pub outcomes_lost: u64,
}

impl Jobs {
    #[must_use]
    pub fn new(state_dir: PathBuf, outbox: Arc<Outbox>, clock: Clock) -> Self {
        let (queue, changed, packing) = Default::default();
        Self { queue, changed, outbox, packing, state_dir, clock }
    }

    #[must_use]
    pub fn counts(&self) -> JobCounts {
        let (waiting, running) = self.queue().counts();
        let (outcomes, outcome_bytes) = {
            let held = self.outbox.held();
            let held = held.borrow();
            (held.count(), held.bytes)
        };
        let (outcomes_sent, outcomes_lost) = self.outbox.gone();
        JobCounts { waiting, running, outcomes, outcome_bytes, outcomes_sent, outcomes_lost }
    }

    /// Takes a job; one that is known is taken again and not begun again.
    pub fn take(&self, order: FetchConfig) -> Result<(), OrderError> {
        let job = order::read(order).map_err(OrderError::Invalid)?;
        let mut queue = self.queue();
        // Under the lock: a job is in the outbox before it leaves the queue.
        if queue.has(job.id) || self.outbox.has(job.id) {
            return Ok(());
        }
        let (waiting, running) = queue.counts();
        if !self.outbox.has_room(waiting + running) || !queue.put(job) {
            return Err(OrderError::Full);
        }
        drop(queue);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Carries jobs out until `cancel`. Fetches under way are given up then.
    pub async fn run(self: Arc<Self>, cancel: CancellationToken) -> Result<(), Infallible> {
        let workers = join_all((0..FETCHES_AT_ONCE).map(|_| self.work()));
        tokio::select! {
            () = cancel.cancelled() => {}
            _ = workers => {}
        }
        Ok(())
    }

    async fn work(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            let next = self.queue().begin();
            match next {
                Some(job) => {
                    let id = job.id;
                    self.carry_out(job).await;
                    self.queue().ended(id);
                    self.changed.notify_waiters();
                }
                None => changed.await,
            }
        }
    }

    async fn carry_out(&self, job: Job<Target>) {
        let id = job.id;
        let began = self.clock.now();
        // A device must not end the agent, whatever it sends.
        let fetched = AssertUnwindSafe(self.fetch(&job.what)).catch_unwind().await;
        let fetched = fetched.unwrap_or(Err(FetchError::Agent));
        let times = Times { began, ended: self.clock.now() };
        let outbox = Arc::clone(&self.outbox);
        let _turn = self.packing.lock().await;
        let keeping = tokio::task::spawn_blocking(move || keep(&outbox, id, times, fetched));
        match keeping.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = chain(&error);
                tracing::error!(job = %id, error, "the outcome of a job could not be kept: its \
                                 configuration has to be fetched again; see to the disk");
            }
            Err(_) => tracing::error!(job = %id, "the outcome of a job could not be made"),
        }
    }

    async fn fetch(&self, target: &Target) -> Result<Snapshot, FetchError> {
        let dir = self.state_dir.clone();
        let key = tokio::task::spawn_blocking(move || site_key::load(&dir)).await;
        let key = key.map_err(|_| FetchError::Agent)?;
        fetch(target, &key.map_err(|source| FetchError::SiteKey { source })?).await
    }

    fn queue(&self) -> MutexGuard<'_, Queue<Target>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what came of a job, or why it cannot be kept.
fn keep(
    outbox: &Outbox,
    job: ConfigJobId,
    times: Times,
    fetched: Result<Snapshot, FetchError>,
) -> Result<(), OutboxError> {
    let failure = match fetched.and_then(|snapshot| outcome::done(job, times, snapshot)) {
        Ok(done) => match outbox.keep(&done) {
            Err(OutboxError::Full) => FetchError::NoRoom,
            kept => {
                tracing::info!(%job, bytes = done.whole.len(), "a configuration is fetched");
                return kept;
            }
        },
        Err(failure) => failure,
    };
    tracing::warn!(%job, cause = failure.name(), "a configuration could not be fetched");
    tracing::debug!(%job, error = chain(&failure), "why");
    outbox.keep(&outcome::failed(job, times, &failure).map_err(OutboxError::Pack)?)
}

#[cfg(test)]
mod tests;
