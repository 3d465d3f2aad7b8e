//! Room **history**, its task: makes jobs when the schedule wants them, and tells agents of them.
//!
//! - in: the clock, hints at changes from `live`, [`JobsChanged`]; settings and jobs in the database
//! - out: jobs, calls to agents that are connected here, and to `live` which devices are in trouble
//! - bound: [`store::DUE_MAX`] devices in a turn, [`board::SENDS_MAX`] calls at a time, one of an
//!   agent; [`store::OPEN_MAX`] open jobs are looked at
//! - when full: the next turn; a job that its agent cannot take stays queued
//! - on crash: a job counts as running before its agent is told; the agent knows it by its id, and is
//!   told again when it connects
//!
//! A turn costs as much as there is to do: devices whose time has come are found by an index.

mod board;
pub(crate) mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{ConfigJobId, DeviceId, IdGenerator, TenantId};
use farwatch_common::task::chain;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::JobsChanged;
use super::job::{AGENT_LOST, AGENT_REFUSED, AGENT_TOO_OLD, WITHDRAWN};
use crate::command::{CommandError, Commands, Errand};
use crate::inventory::Vault;
use crate::live::{ConfigHealth, Live};
use crate::metrics::{Counter, Metrics};
use crate::store::{Database, StoreError};
use board::{Act, Board, Open, Sent};

const TICK: Duration = Duration::from_secs(1);
/// Devices that were made are known by then.
const NEW_EVERY: Duration = Duration::from_secs(30);
/// Jobs of another collector are known by then.
const READ_EVERY: Duration = Duration::from_secs(10);
/// After the store failed.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What telling an agent takes.
#[derive(Clone)]
struct Tools {
    database: Database,
    vault: Arc<Vault>,
    clock: Clock,
    refused: Counter,
}

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
    /// When to look for devices that are new, and to read the open jobs.
    new_at: Micros,
    read_at: Micros,
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
            new_at: Micros(0),
            read_at: Micros(0),
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
                    self.settled(sent);
                    self.act().await
                }
                () = changed.wait() => {
                    self.read_at = Micros(0);
                    self.turn().await
                }
                _ = tick.tick() => self.turn().await,
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

    /// Looks at everything whose time has come.
    async fn turn(&mut self) -> Result<(), StoreError> {
        let now = self.tools.clock.now();
        self.note(now).await?;
        let (_, made) = store::plan(&self.tools.database, &self.ids, now).await?;
        self.made.add(made);
        if made > 0 || now >= self.read_at {
            self.board.read(store::open(&self.tools.database).await?);
            self.tell_health().await?;
            self.read_at = now.after(READ_EVERY);
        }
        self.act().await
    }

    /// Tells `live`, and so who evaluates, which devices got into trouble and which are out of it.
    async fn tell_health(&mut self) -> Result<(), StoreError> {
        let now = store::troubled(&self.tools.database).await?;
        let before = std::mem::replace(&mut self.troubled, now);
        for (tenant, device) in before.keys().filter(|of| !self.troubled.contains_key(of)) {
            self.live.config_known(*tenant, *device, ConfigHealth::default());
        }
        for (of, health) in self.troubled.iter().filter(|(of, now)| before.get(of) != Some(now)) {
            self.live.config_known(of.0, of.1, *health);
        }
        Ok(())
    }

    /// Notes devices that are new, and those that seem to have changed.
    async fn note(&mut self, now: Micros) -> Result<(), StoreError> {
        for (tenant, devices) in self.live.take_changed() {
            self.hints.entry(tenant).or_default().extend(devices);
        }
        while let Some(entry) = self.hints.first_entry() {
            let of = (*entry.key(), entry.get());
            store::note_hints(&self.tools.database, of, now).await?;
            entry.remove();
        }
        if now >= self.new_at {
            let new = store::note_new(&self.tools.database).await?;
            if new < u64::from(store::NEW_MAX) {
                self.new_at = now.after(NEW_EVERY);
            }
        }
        Ok(())
    }

    /// Does what the board says.
    async fn act(&mut self) -> Result<(), StoreError> {
        let now = self.tools.clock.now();
        let commands = self.commands.clone();
        for act in self.board.acts(|agent| commands.connection(agent), now) {
            match act {
                Act::Send(job, over) => self.send(job, over, now),
                Act::Withdraw(job) => {
                    let why =
                        "the device has another agent now, or is not to be backed up any more";
                    self.end(job, (WITHDRAWN, why), now).await?;
                }
                Act::Doubt(job) => self.doubt(job, now).await?,
            }
        }
        Ok(())
    }

    fn send(&mut self, job: ConfigJobId, over: u64, now: Micros) {
        let Some(one) = self.board.get(job).cloned() else { return };
        match self.commands.begin(one.tenant, one.agent) {
            Ok(errand) => {
                let tools = self.tools.clone();
                let send = async move { (job, over, tools.tell(one, errand).await) };
                self.sends.push(send.boxed());
            }
            Err(_) => self.board.sent(job, over, Sent::NotNow, now),
        }
    }

    fn settled(&mut self, (job, over, how): (ConfigJobId, u64, Sent)) {
        if matches!(how, Sent::Taken(_)) {
            self.told.add(1);
        }
        self.board.sent(job, over, how, self.tools.clock.now());
    }

    async fn end(
        &mut self,
        job: ConfigJobId,
        why: (&str, &str),
        now: Micros,
    ) -> Result<bool, StoreError> {
        let Some(tenant) = self.board.get(job).map(|one| one.tenant) else { return Ok(false) };
        let ended = store::end(&self.tools.database, (tenant, job), why, now).await?;
        self.board.gone(job);
        Ok(ended)
    }

    async fn doubt(&mut self, job: ConfigJobId, now: Micros) -> Result<(), StoreError> {
        let Some(tenant) = self.board.get(job).map(|one| one.tenant) else { return Ok(()) };
        let Some((told_at, kept)) = store::doubt(&self.tools.database, (tenant, job)).await? else {
            self.board.gone(job);
            return Ok(());
        };
        if now.since(told_at) < board::RUNNING_MAX {
            // By another collector.
            self.board.told_at(job, told_at);
            return Ok(());
        }
        if self.board.is_lost(job, kept, now) {
            let why = "the agent took the job and told nothing of it for 30 minutes: see whether it \
                       runs, then fetch again";
            if self.end(job, (AGENT_LOST, why), now).await? {
                self.lost.add(1);
                tracing::warn!(stage = "history", %tenant, %job, "an agent lost a job");
            }
        }
        Ok(())
    }
}

impl Tools {
    /// Tells an agent of a job, which counts as running from before that.
    async fn tell(self, one: Open, errand: Errand) -> Sent {
        let now = self.clock.now();
        let of = (one.tenant, one.job);
        let claimed = store::claim(&self.database, &self.vault, &one, now).await;
        let fetch = match claimed {
            Ok(Some(fetch)) => fetch,
            Ok(None) => return Sent::Gone,
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(stage = "history", job = %one.job, error, "cannot claim a job");
                return Sent::NotNow;
            }
        };
        let (how, written) = match errand.fetch_config(fetch).await {
            Ok(()) => return Sent::Taken(now),
            Err(CommandError::Offline | CommandError::TimedOut) => return Sent::Unheard(now),
            Err(
                CommandError::AgentBusy
                | CommandError::TenantBusy
                | CommandError::Busy
                | CommandError::NotAssigned,
            ) => (Sent::Full, store::back(&self.database, of, now).await),
            Err(CommandError::TooOld) => {
                let why = (AGENT_TOO_OLD, "the agent cannot fetch configurations: update it");
                (Sent::Gone, self.refused(of, why).await)
            }
            Err(CommandError::Failed { reason }) => {
                (Sent::Gone, self.refused(of, (AGENT_REFUSED, &reason)).await)
            }
        };
        match written {
            Ok(()) => how,
            // It is running in the database, and nobody has it: the agent is asked again.
            Err(error) => {
                let error = chain(&error);
                tracing::warn!(stage = "history", job = %one.job, error, "cannot keep a job");
                Sent::Unheard(now)
            }
        }
    }

    async fn refused(
        &self,
        of: (TenantId, ConfigJobId),
        why: (&str, &str),
    ) -> Result<(), StoreError> {
        self.refused.add(1);
        store::end(&self.database, of, why, self.clock.now()).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
