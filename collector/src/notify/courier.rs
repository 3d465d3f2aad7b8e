//! Carries what waits to where it belongs: the shell around [`Desk`].
//!
//! Each round looks at what is due in the store, so that a restart, a channel that was changed and a
//! row that another wrote need no word of their own. A notification is claimed before it is sent, so
//! that a store that cannot write sends nothing; a claim that nobody ended is void after
//! [`super::core::CLAIM`], and at the next start: then it is sent again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{ChannelId, IdGenerator, NotificationId, TenantId};
use farwatch_common::task::chain;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::core::{Attempt, Desk, End, FAILING_AFTER, Outcome, Plan, end, next};
use super::send::Sender;
use super::spell;
use super::store::{self, Made, Which};
use crate::inventory::Vault;
use crate::metrics::{Counter, Metrics};
use crate::store::{Database, StoreError};

/// Looks so often even if nobody says that there is something.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// After the store failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How long it is kept what was told to whom.
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long what is under way may take when the collector stops; it is sent again after a start.
const END_WITHIN: Duration = Duration::from_secs(5);
/// Tests of channels under way.
const TESTS_MAX: usize = 8;

/// Says that something was written. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Call after the commit.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// Room for one test of a channel.
#[derive(Debug)]
pub struct TestPlace {
    _permit: OwnedSemaphorePermit,
}

/// Sends what is written. Cheap to clone.
#[derive(Clone)]
pub struct Courier {
    database: Database,
    vault: Arc<Vault>,
    sender: Sender,
    clock: Clock,
    ids: Arc<IdGenerator>,
    nudge: Nudge,
    tests: Arc<Semaphore>,
    /// Changes when a delivery ended.
    #[cfg(test)]
    ended: tokio::sync::watch::Sender<()>,
    counted: Arc<[(Outcome, Counter)]>,
}

type Running = FuturesUnordered<BoxFuture<'static, (ChannelId, End)>>;

/// What a round does now and then.
#[derive(Debug, Default)]
struct Chores {
    /// What an earlier process had claimed is free.
    released: bool,
    sweep_at: Micros,
    spells_at: Micros,
}

impl Courier {
    #[must_use]
    pub fn new(
        database: Database,
        vault: Arc<Vault>,
        sender: Sender,
        (clock, ids): (Clock, Arc<IdGenerator>),
        metrics: &Metrics,
    ) -> Self {
        let counter = |outcome: Outcome| {
            let labels = [("outcome", outcome.name())];
            let help = "Attempts to tell a channel something, by how they ended";
            (outcome, metrics.counter("notify_deliveries_total", help, &labels))
        };
        let counted = Outcome::ALL.into_iter().map(counter).collect();
        let tests = Arc::new(Semaphore::new(TESTS_MAX));
        let nudge = Nudge::default();
        Self {
            database,
            vault,
            sender,
            clock,
            ids,
            nudge,
            tests,
            #[cfg(test)]
            ended: tokio::sync::watch::Sender::new(()),
            counted,
        }
    }

    #[cfg(test)]
    pub(super) fn watch(&self) -> tokio::sync::watch::Receiver<()> {
        self.ended.subscribe()
    }

    #[must_use]
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Sends until `cancel`; then waits a little for what is under way.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Infallible> {
        #[expect(clippy::disallowed_methods, reason = "the desk starts as many as it has places")]
        let (mut desk, mut running) = (Desk::default(), Running::new());
        let mut pause = Backoff::new(PAUSE.0, PAUSE.1);
        let mut chores = Chores::default();
        loop {
            let sleep = match self.round(&mut desk, &mut chores).await {
                Ok(plan) => {
                    pause.reset();
                    let tell = |(tenant, channel)| self.clone().tell(tenant, channel).boxed();
                    running.extend(plan.start.into_iter().map(tell));
                    let wait = |at: Micros| at.since(self.clock.now()).min(LOOK_EVERY);
                    plan.wake_at.map_or(LOOK_EVERY, wait)
                }
                Err(error) => {
                    tracing::warn!(
                        stage = "notify",
                        error = chain(&error),
                        "cannot look what waits"
                    );
                    pause.next(rand::random())
                }
            };
            tokio::select! {
                () = cancel.cancelled() => break,
                () = self.nudge.0.notified() => {}
                Some((channel, end)) = running.next() => {
                    let now = self.clock.now();
                    desk.ended(channel, end, now);
                    while let Some(Some((channel, end))) = running.next().now_or_never() {
                        desk.ended(channel, end, now);
                    }
                }
                () = tokio::time::sleep(sleep) => {}
            }
        }
        let ended = async { while running.next().await.is_some() {} };
        if tokio::time::timeout(END_WITHIN, ended).await.is_err() {
            tracing::info!(
                stage = "notify",
                under_way = running.len(),
                "sent again after the start"
            );
        }
        Ok(())
    }

    /// Looks what is due and has a place, and when to look again.
    async fn round(&self, desk: &mut Desk, chores: &mut Chores) -> Result<Plan, StoreError> {
        if !chores.released {
            store::release(&self.database).await?;
            chores.released = true;
        }
        let now = self.clock.now();
        if now >= chores.sweep_at {
            chores.sweep_at = now.after(SWEEP_EVERY);
            store::sweep(&self.database, now.before(KEEP)).await?;
        }
        if now >= chores.spells_at {
            chores.spells_at = now.after(LOOK_EVERY);
            spell::tell(&self.database, &self.ids, (now.before(FAILING_AFTER), now)).await?;
        }
        let waiting = store::waiting(&self.database).await?;
        Ok(desk.plan(&waiting, self.clock.now()))
    }

    /// Tells a channel the next of what waits for it.
    async fn tell(self, tenant: TenantId, channel: ChannelId) -> (ChannelId, End) {
        let which = Which::Next(channel, self.clock.now());
        let end = match self.deliver(tenant, which).await {
            Ok(sent) => sent.map_or(End::Nothing, |(_, end)| end),
            Err(error) => {
                tracing::warn!(stage = "notify", error = chain(&error), "cannot store a delivery");
                End::Unstored
            }
        };
        #[cfg(test)]
        self.ended.send_replace(());
        (channel, end)
    }

    /// Room for a test, to be had before the test is written: what is refused leaves nothing behind.
    /// `None`: too many are under way.
    #[must_use]
    pub fn test_place(&self) -> Option<TestPlace> {
        Arc::clone(&self.tests).try_acquire_owned().ok().map(|_permit| TestPlace { _permit })
    }

    /// Sends a test that was written, and says how that went. `None`: its channel is gone.
    pub async fn test(
        &self,
        _place: TestPlace,
        tenant: TenantId,
        id: NotificationId,
    ) -> Result<Option<Attempt>, StoreError> {
        Ok(self.deliver(tenant, Which::One(id)).await?.map(|(attempt, _)| attempt))
    }

    async fn deliver(
        &self,
        tenant: TenantId,
        which: Which,
    ) -> Result<Option<(Attempt, End)>, StoreError> {
        let at = self.clock.now();
        let taken = store::take(&self.database, (&self.vault, &self.ids), tenant, which, at);
        let Some(due) = taken.await? else { return Ok(None) };
        let attempt = match &due.parcel {
            Some(parcel) => self.sender.send(parcel, at).await,
            None => {
                Attempt::new(Outcome::Broken, "what is stored of it does not open: give it anew")
            }
        };
        if let Some((_, counter)) = self.counted.iter().find(|(of, _)| *of == attempt.outcome) {
            counter.add(1);
        }
        let ended_at = self.clock.now();
        let next = next(due.tried, &attempt, ended_at, rand::random());
        let made = Made { at, ended_at, attempt: &attempt, next };
        store::made(&self.database, &self.ids, &due, &made).await?;
        tracing::debug!(
            stage = "notify",
            channel = %due.channel,
            outcome = attempt.outcome.name(),
            attempt = due.tried.attempts,
            "told a channel"
        );
        let end = end(&attempt, next, ended_at);
        Ok(Some((attempt, end)))
    }
}
