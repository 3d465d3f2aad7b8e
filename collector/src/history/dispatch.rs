//! Room **history**, its task: makes jobs when the schedule wants them, and tells agents of them.
//!
//! - in: the clock, hints at changes from `live`, [`JobsChanged`]; settings and jobs in the database
//! - out: jobs, calls to agents that are connected here, and to `live` which devices are in trouble
//! - bound: [`plan::DUE_MAX`] devices in a turn, [`board::SENDS_MAX`] calls at a time, one of an
//!   agent, a share of a tenant; of each agent as many open jobs are looked at as it can have
//! - when full: the next turn; a job that its agent cannot take stays queued
//! - on crash: a job counts as running before its agent is told; the agent knows it by its id, and is
//!   told again when it connects
//!
//! A turn costs as much as there is to do: devices whose time has come are found by an index, and
//! jobs of agents that are away wait in the database. Each [`CHANGED_EVERY`] all devices are gone
//! through, a page in a turn: of another tag or agent nobody tells. One dispatcher serves a database.

mod board;
pub(crate) mod plan;
pub(crate) mod store;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::Clock;
use farwatch_common::id::{ConfigJobId, DeviceId, IdGenerator, TenantId};
use farwatch_common::task::{chain, to_the_end};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::JobsChanged;
use super::job::{AGENT_LOST, CHANGED};
use crate::command::Commands;
use crate::inventory::Vault;
use crate::live::{ConfigHealth, Live};
use crate::metrics::{Counter, Metrics};
use crate::store::{Database, StoreError};
use board::{Act, Board, Moment, Sent};
use tell::Tools;

const TICK: Duration = Duration::from_secs(1);
/// Devices that were made are known by then.
const NEW_EVERY: Duration = Duration::from_secs(30);
/// Agents that came are known by then, and jobs that nobody wants any more.
const READ_EVERY: Duration = Duration::from_secs(10);
/// Devices that changed without anybody's telling are known by then.
const CHANGED_EVERY: Duration = Duration::from_secs(15 * 60);
/// A tenant whose devices cannot be looked at is left alone for so long.
const PLAN_AGAIN: Duration = Duration::from_secs(30);
/// Before all devices.
const FIRST: (TenantId, DeviceId) = (TenantId(i64::MIN), DeviceId(i64::MIN));
/// After the store failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// The task that makes and sends jobs.
pub struct Dispatcher {
    tools: Tools,
    ids: Arc<IdGenerator>,
    live: Live,
    commands: Commands,
    changed: JobsChanged,
    board: Board,
    /// What changed and is not noted yet.
    hints: BTreeMap<TenantId, BTreeSet<DeviceId>>,
    /// Devices whose configurations cannot be fetched as they should, as `live` was told.
    troubled: BTreeMap<(TenantId, DeviceId), ConfigHealth>,
    began: Instant,
    /// When what is due next is done again; nothing yet: now.
    new_at: Option<Duration>,
    changed_at: Option<Duration>,
    read_at: Option<Duration>,
    /// The last device of which it was looked whether it has changed.
    changed_to: (TenantId, DeviceId),
    /// When the open jobs were read, and whether some have changed since.
    read: Option<Duration>,
    is_stale: bool,
    /// Tenants whose devices could not be looked at, until when they are left alone.
    unplanned: BTreeMap<TenantId, Duration>,
    sends: FuturesUnordered<BoxFuture<'static, (ConfigJobId, u64, Sent)>>,
    made: Counter,
    told: Counter,
    lost: Counter,
}

impl Dispatcher {
    #[must_use]
    pub fn new(
        (database, vault, ids): (Database, Arc<Vault>, Arc<IdGenerator>),
        (live, commands): (Live, Commands),
        changed: JobsChanged,
        clock: Clock,
        metrics: &Metrics,
    ) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        #[expect(
            clippy::disallowed_methods,
            reason = "the board hands out as many as it has places"
        )]
        let sends = FuturesUnordered::new();
        let began = clock.monotonic();
        Self {
            tools: Tools {
                database,
                vault,
                clock,
                refused: counter(
                    "history_jobs_refused_total",
                    "Jobs that an agent refused or does not know.",
                ),
            },
            ids,
            live,
            commands,
            changed,
            board: Board::default(),
            hints: BTreeMap::new(),
            troubled: BTreeMap::new(),
            began,
            new_at: None,
            changed_at: None,
            read_at: None,
            changed_to: FIRST,
            read: None,
            is_stale: true,
            unplanned: BTreeMap::new(),
            sends,
            made: counter("history_jobs_made_total", "Jobs that the schedule or a hint made."),
            told: counter("history_jobs_told_total", "Jobs that an agent took."),
            lost: counter("history_jobs_lost_total", "Jobs that an agent took and never ended."),
        }
    }

    /// Works until `cancel`; agents know what they were told.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pause = Backoff::new(PAUSE.0, PAUSE.1);
        let changed = self.changed.clone();
        loop {
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                Some(sent) = self.sends.next() => {
                    let now = self.now();
                    self.settled(sent, now.at);
                    self.act(now).await
                }
                () = changed.wait() => {
                    self.is_stale = true;
                    self.turn(self.now()).await
                }
                _ = tick.tick() => self.turn(self.now()).await,
            };
            match done {
                Ok(()) => pause.reset(),
                Err(error) => {
                    tracing::warn!(
                        stage = "history",
                        error = chain(&error),
                        "jobs cannot be made or sent; trying again"
                    );
                    tokio::select! {
                        () = cancel.cancelled() => return Ok(()),
                        () = tokio::time::sleep(pause.next(rand::random())) => {}
                    }
                }
            }
        }
    }

    fn now(&self) -> Moment {
        let clock = &self.tools.clock;
        Moment { utc: clock.now(), at: clock.monotonic().duration_since(self.began) }
    }

    /// Looks at everything whose time has come.
    async fn turn(&mut self, now: Moment) -> Result<(), StoreError> {
        self.note(now).await?;
        self.plan(now).await?;
        if is_due(self.read_at, now.at) {
            self.withdraw(now).await?;
            self.read_at = Some(now.at + READ_EVERY);
            self.is_stale = true;
        }
        // Many that end one after the other are read together.
        if self.is_stale && is_due(self.read.map(|read| read + TICK), now.at) {
            let commands = self.commands.clone();
            let is_there = |agent| commands.connection(agent).is_some();
            self.board.read(store::open(&self.tools.database, is_there).await?);
            self.tell_health().await?;
            (self.is_stale, self.read) = (false, Some(now.at));
        }
        self.act(now).await
    }

    /// Makes the jobs that are wanted now. What ails one tenant is no other's.
    async fn plan(&mut self, now: Moment) -> Result<(), StoreError> {
        self.unplanned.retain(|_, until| *until > now.at);
        let without = self.unplanned.keys().copied();
        let planned = plan::plan(&self.tools.database, &self.ids, without, now.utc).await?;
        for (tenant, error) in planned.failed {
            self.unplannable(tenant, &error, now.at);
        }
        self.made.add(planned.made);
        self.is_stale |= planned.made > 0;
        Ok(())
    }

    fn unplannable(&mut self, tenant: TenantId, error: &StoreError, at: Duration) {
        let error = chain(error);
        tracing::warn!(stage = "history", %tenant, error, "jobs cannot be planned; trying again");
        self.unplanned.insert(tenant, at + PLAN_AGAIN);
    }

    /// Ends jobs that nobody wants any more. What ails one tenant is no other's.
    async fn withdraw(&mut self, now: Moment) -> Result<(), StoreError> {
        let without = self.unplanned.keys().copied();
        for (tenant, job) in store::unwanted(&self.tools.database, without).await? {
            if self.unplanned.contains_key(&tenant) {
                continue;
            }
            match store::end(&self.tools.database, (tenant, job), CHANGED, now.utc).await {
                Ok(_) => self.board.gone(job),
                Err(error) => self.unplannable(tenant, &error, now.at),
            }
        }
        Ok(())
    }

    /// Tells `live`, and so who evaluates, which devices got into trouble and which are out of it.
    async fn tell_health(&mut self) -> Result<(), StoreError> {
        let now = store::troubled(&self.tools.database).await?;
        let before = std::mem::replace(&mut self.troubled, now);
        for (tenant, device) in before.keys().filter(|of| !self.troubled.contains_key(of)) {
            self.live.config_known(*tenant, *device, ConfigHealth::default());
        }
        for (of, health) in self.troubled.iter().filter(|(of, now)| before.get(of) != Some(now)) {
            self.live.config_known(of.0, of.1, health.clone());
        }
        Ok(())
    }

    /// Notes devices that are new, and those that have changed or seem to.
    async fn note(&mut self, now: Moment) -> Result<(), StoreError> {
        for (tenant, devices) in self.live.take_changed() {
            self.hints.entry(tenant).or_default().extend(devices);
        }
        let is_left_alone = |tenant: &&TenantId| self.unplanned.contains_key(tenant);
        let hinted: Vec<TenantId> =
            self.hints.keys().filter(|tenant| !is_left_alone(tenant)).copied().collect();
        for tenant in hinted {
            let Some(devices) = self.hints.get(&tenant) else { continue };
            match plan::note_hints(&self.tools.database, (tenant, devices), now.utc).await {
                Ok(()) => drop(self.hints.remove(&tenant)),
                Err(error) => self.unplannable(tenant, &error, now.at),
            }
        }
        if is_due(self.new_at, now.at) {
            let new = plan::note_new(&self.tools.database).await?;
            if new < u64::from(plan::NEW_MAX) {
                self.new_at = Some(now.at + NEW_EVERY);
            }
        }
        if is_due(self.changed_at, now.at) {
            let page = plan::changed(&self.tools.database, self.changed_to, now.utc).await?;
            for (tenant, devices) in page.devices {
                if let Err(error) = plan::again(&self.tools.database, (tenant, &devices)).await {
                    self.unplannable(tenant, &error, now.at);
                }
            }
            if page.to.is_none() {
                self.changed_at = Some(now.at + CHANGED_EVERY);
            }
            self.changed_to = page.to.unwrap_or(FIRST);
        }
        Ok(())
    }

    /// Does what the board says.
    async fn act(&mut self, now: Moment) -> Result<(), StoreError> {
        let commands = self.commands.clone();
        for act in self.board.acts(|agent| commands.connection(agent), now) {
            match act {
                Act::Send(job, over) => self.send(job, over, now.at),
                Act::Doubt(job) => self.doubt(job, now).await?,
            }
        }
        Ok(())
    }

    fn send(&mut self, job: ConfigJobId, over: u64, at: Duration) {
        let Some(one) = self.board.get(job).cloned() else { return };
        match self.commands.begin(one.tenant, one.agent) {
            Ok(errand) => {
                let tools = self.tools.clone();
                // By itself: one that waits to be polled would hold the database, for which a turn waits.
                let telling = to_the_end(async move { tools.tell(one, errand).await });
                let send = async move { (job, over, telling.await) };
                self.sends.push(send.boxed());
            }
            Err(_) => self.board.sent(job, over, Sent::NotNow, at),
        }
    }

    fn settled(&mut self, (job, over, how): (ConfigJobId, u64, Sent), at: Duration) {
        if how == Sent::Taken {
            self.told.add(1);
        }
        self.board.sent(job, over, how, at);
    }

    async fn doubt(&mut self, job: ConfigJobId, now: Moment) -> Result<(), StoreError> {
        let Some(tenant) = self.board.get(job).map(|one| one.tenant) else { return Ok(()) };
        let Some(kept) = store::kept(&self.tools.database, (tenant, job)).await? else {
            self.board.gone(job);
            return Ok(());
        };
        if self.board.is_lost(job, kept, now.at) {
            let why = "the agent told nothing of the job for 30 minutes, though it is connected: see \
                       its log, then fetch again";
            let why = (AGENT_LOST, why);
            if store::end(&self.tools.database, (tenant, job), why, now.utc).await? {
                self.lost.add(1);
                tracing::warn!(stage = "history", %tenant, %job, "an agent lost a job");
            }
            self.board.gone(job);
        }
        Ok(())
    }
}

fn is_due(next: Option<Duration>, at: Duration) -> bool {
    next.is_none_or(|next| next <= at)
}

#[cfg(test)]
mod tests;
