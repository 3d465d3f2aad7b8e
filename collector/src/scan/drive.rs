//! The task that carries scans out: a chunk after the other, each to its agent.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use farwatch_common::task::{chain, to_the_end};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::course::Course;
use super::store::{left_open, scan_end, scan_stands};
use super::{Begun, Host, PATIENCE, Scan, Scans, State, UnderWay, Wish};
use crate::command::{CommandError, Commands, ID_BYTES};
use crate::identity::TenantContext;
use crate::inventory::InventoryError;
use crate::metrics::{Counter, Metrics};
use crate::store::{Database, StoreError};

/// How soon an agent that was away or busy is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// How soon it is tried again to end a scan, or those of before the start.
const END_AGAIN_AFTER: Duration = Duration::from_secs(5);

pub(super) const RESTARTED: &str = "The collector was restarted in the middle of it; scan again.";
const STOPPED: &str = "The collector failed in the middle of it; its log says why. Scan again.";

/// Carries scans out. One serves a database.
pub struct Scanner {
    tools: Arc<Tools>,
    begun: mpsc::Receiver<Begun>,
    /// Scans of before the start are still to be ended.
    is_left: bool,
}

struct Tools {
    database: Database,
    commands: Commands,
    clock: Clock,
    patience: Duration,
    end_again_after: Duration,
    /// Those of this process.
    under_way: UnderWay,
    asked: Counter,
    found: Counter,
    failed: Counter,
    ends_late: Counter,
}

/// Why a scan does not come to its end.
#[derive(Debug)]
enum Stop {
    /// Somebody has ended it.
    Ended,
    Failed(String),
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Scanner {
    #[must_use]
    pub fn new(
        database: Database,
        commands: Commands,
        clock: Clock,
        metrics: &Metrics,
    ) -> (Self, Scans) {
        let (scans, begun) = Scans::new();
        let counter = |name, help| metrics.counter(name, help, &[]);
        let tools = Tools {
            database,
            commands,
            clock,
            patience: PATIENCE,
            end_again_after: END_AGAIN_AFTER,
            under_way: scans.under_way.clone(),
            asked: counter(
                "scan_addresses_asked_total",
                "Addresses that agents were asked to scan.",
            ),
            found: counter("scan_hosts_found_total", "Hosts that scans have found."),
            failed: counter("scan_scans_failed_total", "Scans that did not come to their end."),
            ends_late: counter(
                "scan_ends_late_total",
                "Tries to end a scan that the database failed.",
            ),
        };
        (Self { tools: Arc::new(tools), begun, is_left: false }, scans)
    }

    /// One with another patience, which writes what was not written soon again.
    #[cfg(test)]
    pub(super) fn patient(mut self, patience: Duration) -> Self {
        if let Some(tools) = Arc::get_mut(&mut self.tools) {
            tools.patience = patience;
            tools.end_again_after = Duration::from_millis(20);
        }
        self
    }

    /// Ends what the process before this one has left under way. What cannot be read or written then is
    /// ended by [`run`](Self::run).
    pub async fn end_left(&mut self) {
        self.is_left = !self.tools.end_left().await;
    }

    /// Works until `cancel`. Scans that are under way then are told as failed by the next process.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        #[expect(
            clippy::disallowed_methods,
            reason = "one ends what was left, and each other has one of `SCANS_MAX` places"
        )]
        let mut under_way = FuturesUnordered::new();
        if self.is_left {
            let tools = Arc::clone(&self.tools);
            under_way.push(async move { tools.end_left_at_last().await }.boxed());
        }
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                Some(begun) = self.begun.recv() => {
                    let tools = Arc::clone(&self.tools);
                    under_way.push(async move { tools.carry_out(begun).await }.boxed());
                }
                Some(()) = under_way.next() => {}
            }
        }
    }
}

impl Tools {
    async fn end_left_at_last(&self) {
        while !self.end_left().await {
            tokio::time::sleep(self.end_again_after).await;
        }
    }

    /// Ends the open scans that are none of this process. False: it is to be tried again.
    async fn end_left(&self) -> bool {
        let open = async {
            let local = TenantContext::local(&self.database).await?;
            let open = left_open(&self.database, &local).await?;
            Ok::<_, StoreError>((open, local))
        };
        let (open, local) = match open.await {
            Ok(known) => known,
            Err(error) => {
                self.ends_late.add(1);
                let is_over = !may_pass(&error);
                let error = chain(&error);
                tracing::error!(stage = "scan", error, "scans of before the start are not read");
                return is_over;
            }
        };
        let mut is_done = true;
        for scan in open {
            let scan = match scan {
                Ok(scan) => scan,
                Err(error) => {
                    let error = chain(&error);
                    tracing::error!(stage = "scan", error, "a scan of before the start stays open");
                    continue;
                }
            };
            // A scan of this process was here before its row was.
            if self.under_way.lock().contains_key(&scan.id) {
                continue;
            }
            if self.end(&scan, &local, (State::Failed, RESTARTED)).await {
                self.failed.add(1);
            } else {
                is_done = false;
            }
        }
        is_done
    }

    async fn carry_out(&self, begun: Begun) {
        let Begun { wish, turn } = begun;
        let Wish { scan, context, hosts, candidates, left_out } = wish;
        let mut course = Course::new(hosts, (candidates, left_out), scan.packets_per_second);
        let stopped = tokio::select! {
            // Also one that was called off before it came here.
            biased;
            () = turn.cancelled.cancelled() => Err(Stop::Ended),
            done = self.drive(&scan, &mut course) => done,
        };
        let (state, detail) = match stopped {
            Ok(()) => (State::Done, course.summary()),
            Err(Stop::Ended) => return,
            Err(Stop::Failed(why)) => (State::Failed, why),
            Err(Stop::Store(error)) => {
                let error = chain(&error);
                tracing::error!(stage = "scan", scan = %scan.id, error, "a scan cannot go on");
                (State::Failed, STOPPED.to_owned())
            }
        };
        if state == State::Failed {
            self.failed.add(1);
        }
        self.end_at_last(&scan, &context, (state, &detail)).await;
    }

    /// Writes the end of a scan, however long that takes: until then its agent can begin no other.
    async fn end_at_last(&self, scan: &Scan, context: &TenantContext, how: (State, &str)) {
        while !self.end(scan, context, how).await {
            tokio::time::sleep(self.end_again_after).await;
        }
    }

    /// False: it is to be tried again.
    async fn end(&self, scan: &Scan, context: &TenantContext, how: (State, &str)) -> bool {
        let (database, now) = (self.database.clone(), self.clock.now());
        let (ended, context) = (scan.clone(), context.clone());
        let (state, detail) = (how.0, how.1.to_owned());
        let ending =
            async move { scan_end(&database, &context, &ended, (state, &detail), now).await };
        // Its rows are written also if this process is about to stop.
        match to_the_end(ending).await {
            Ok(_) => {
                tracing::info!(
                    stage = "scan", scan = %scan.id, state = state.name(), "a scan has ended"
                );
                true
            }
            Err(error) => {
                let is_to_try_again =
                    matches!(&error, InventoryError::Store(error) if may_pass(error));
                self.ends_late.add(1);
                if matches!(&error, InventoryError::Store(error) if error.is_full()) {
                    // The store has said so, once.
                    tracing::debug!(stage = "scan", scan = %scan.id, "no room for a scan's end");
                    return false;
                }
                let error = chain(&error);
                tracing::error!(
                    stage = "scan", scan = %scan.id, error, "a scan's end is not written"
                );
                !is_to_try_again
            }
        }
    }

    async fn drive(&self, scan: &Scan, course: &mut Course) -> Result<(), Stop> {
        while !course.next().is_empty() {
            let answer = self.ask(scan, course).await?;
            let before = course.asked();
            let hosts = course.take(answer);
            self.asked.add((course.asked() - before).into());
            // Devices, which the agent did not ask, are no find.
            self.found.add(hosts.iter().filter(|host| !host.watched).count() as u64);
            self.stands(scan, course, None, &hosts).await?;
        }
        Ok(())
    }

    /// Asks for the next chunk, until there is an answer.
    async fn ask(
        &self,
        scan: &Scan,
        course: &Course,
    ) -> Result<farwatch_proto::v1::ScanHostsResult, Stop> {
        let id: [u8; ID_BYTES] = rand::random();
        let question = course.question(scan.port, scan.packets_per_second);
        let mut waiting_since: Option<Instant> = None;
        let mut waits_for = None;
        loop {
            let asked = match self.commands.begin(scan.tenant.id, scan.agent.id) {
                Ok(errand) => errand.scan_hosts(id, question.clone()).await,
                Err(error) => Err(error),
            };
            let error = match asked {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let (is, was) = passing(&error).ok_or_else(|| Stop::Failed(lasting(&error)))?;
            let now = self.clock.monotonic();
            let since = *waiting_since.get_or_insert(now);
            if now.duration_since(since) >= self.patience {
                let minutes = self.patience.as_secs() / 60;
                return Err(Stop::Failed(format!(
                    "The agent {was} for {minutes} minutes: look at its page, then scan again."
                )));
            }
            if waits_for.replace(is) != Some(is) {
                let detail = format!("The scan waits for its agent, which {is}.");
                self.stands(scan, course, Some(&detail), &[]).await?;
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn stands(
        &self,
        scan: &Scan,
        course: &Course,
        waits: Option<&str>,
        hosts: &[Host],
    ) -> Result<(), Stop> {
        let state = if waits.is_some() { State::Waiting } else { State::Running };
        let asked = course.asked();
        let of = (scan.tenant.id, scan.id);
        let is_open = scan_stands(&self.database, of, (state, asked, waits), hosts).await?;
        if is_open { Ok(()) } else { Err(Stop::Ended) }
    }
}

/// Whether another try may do: a full disk is emptied, but what cannot be read stays so.
fn may_pass(error: &StoreError) -> bool {
    !matches!(error, StoreError::Corrupt { .. })
}

/// What is so for a while, in words: now, and later on.
fn passing(error: &CommandError) -> Option<(&'static str, &'static str)> {
    match error {
        CommandError::Offline => Some(("is not connected", "was not connected")),
        CommandError::TimedOut => Some(("does not answer", "did not answer")),
        CommandError::AgentBusy | CommandError::TenantBusy | CommandError::Busy => {
            Some(("has enough to do for others", "had no time"))
        }
        CommandError::TooOld | CommandError::NotAssigned | CommandError::Failed { .. } => None,
    }
}

fn lasting(error: &CommandError) -> String {
    match error {
        CommandError::TooOld => {
            "This agent's version does not know scans yet: update the agent.".to_owned()
        }
        CommandError::Failed { reason } => {
            format!("The agent could not do it; it says: {reason}.")
        }
        error => format!("The agent could not do it: {error}."),
    }
}
