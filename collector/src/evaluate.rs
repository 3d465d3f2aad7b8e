//! Stage **evaluate**: what is wrong, by the rules of each tenant.
//!
//! - in: what becomes known, from `live`, in its order; rules and places, from the database
//! - out: alerts and their history, with what `notify` has to tell, in one transaction per tenant; how
//!   the states of devices changed
//! - bound: [`live::feed::FEED_MAX`](crate::live::feed::FEED_MAX) observations that wait,
//!   [`engine::OPEN_MAX`] open alerts and [`rule::RULES_MAX`] rules of a tenant
//! - when full: readings are told together; of a tenant with too many alerts nothing new begins,
//!   and it is counted. What of a tenant cannot be written waits and holds back nobody else; one
//!   with [`WAITING_MAX`] steps is begun anew from what is written
//! - on crash: open alerts are read again and go on; what was not written is found again.
//!   Resolved alerts and changes of states are kept for [`KEEP`]

pub mod alerts;
pub mod blind;
mod defaults;
pub mod engine;
pub mod key;
pub mod metric;
pub(crate) mod patch;
pub mod preview;
pub mod rule;
pub mod rules;
pub mod seen;
pub mod severity;
pub mod states;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub mod track;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AlertId, IdGenerator, TenantId};
use farwatch_common::task::chain;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::live::Live;
use crate::metrics::{Counter, Metrics};
use crate::notify::Nudge;
use crate::store::samples::read_all_stored;
use crate::store::{Database, StoreError, Txn};
use engine::Engine;
use engine::directory::Directory;
use engine::step::{Step, Tracked};
use key::EvaluateKey;
use states::States;
use store::write::Telling;

/// How late the collector's clock may be noticed.
const TICK: Duration = Duration::from_secs(1);
/// New tenants are found by then, and firings whose silence is over.
const FIND_EVERY: Duration = Duration::from_secs(30);
/// Places are read when something tells that they changed. In so many turns of [`FIND_EVERY`] all are
/// read besides: what is changed from the command line tells nobody.
const RELOAD_TURNS: usize = 20;
/// Between two tries of a database that does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Between two tries of writing how states changed.
const STATES_AGAIN: Duration = Duration::from_secs(10);
/// Steps that go in one transaction: it holds the one writer of SQLite for as long.
const GROUP_MAX: usize = 200;
/// Steps of a tenant that wait to be written.
const WAITING_MAX: usize = 10_000;
/// How long resolved alerts are kept.
pub const KEEP: Duration = Duration::from_secs(365 * 24 * 3600);
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Tells who evaluates that the rules of a tenant were changed. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RuleChanges(Arc<Changes>);

#[derive(Debug, Default)]
struct Changes {
    tenants: Mutex<BTreeSet<TenantId>>,
    any: Notify,
}

impl RuleChanges {
    /// Call after the commit.
    pub fn changed(&self, tenant: TenantId) {
        self.tenants().insert(tenant);
        self.0.any.notify_one();
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeSet<TenantId>> {
        self.0.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that evaluates.
pub struct Evaluator {
    database: Database,
    live: Live,
    ids: Arc<IdGenerator>,
    clock: Clock,
    changes: RuleChanges,
    /// Told of what was written.
    courier: Nudge,
    /// Where the web UI is, for links.
    web: Option<String>,
    engine: Engine,
    states: States,
    /// When they are written next.
    states_at: Micros,
    /// Tenants of which the open alerts are known.
    loaded: BTreeSet<TenantId>,
    /// Tenants whose places are read without being told.
    reload: Vec<TenantId>,
    sweep_at: Micros,
    /// Tenants whose rules and places have to be read, and of which all has to be told again.
    unread: BTreeSet<TenantId>,
    /// Tenants of which devices or agents came, went or moved.
    moved: BTreeSet<TenantId>,
    /// What is not written yet.
    waiting: BTreeMap<TenantId, Vec<Step>>,
    late: Counter,
    refused: Counter,
    states_lost: Counter,
}

impl Evaluator {
    #[must_use]
    pub fn new(
        database: Database,
        live: Live,
        ids: Arc<IdGenerator>,
        clock: Clock,
        changes: RuleChanges,
        courier: Nudge,
        metrics: &Metrics,
    ) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        Self {
            database,
            live,
            ids,
            clock,
            changes,
            courier,
            web: None,
            engine: Engine::default(),
            states: States::default(),
            states_at: Micros(0),
            loaded: BTreeSet::new(),
            reload: Vec::new(),
            sweep_at: Micros(0),
            unread: BTreeSet::new(),
            moved: BTreeSet::new(),
            waiting: BTreeMap::new(),
            late: counter(
                "evaluate_late_total",
                "Readings that came too late to open or close an alert.",
            ),
            refused: counter(
                "evaluate_refused_total",
                "Readings that began no alert, because the tenant has too many open ones, or too many \
                 series that are watched for being absent.",
            ),
            states_lost: counter(
                "evaluate_states_lost_total",
                "Changes of states that are missing in timelines: they could not be written for long.",
            ),
        }
    }

    /// Links to the web UI in what people are told.
    #[must_use]
    pub fn with_web(self, web: Option<String>) -> Self {
        Self { web, ..self }
    }

    /// Evaluates until `cancel`.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        let changes = self.changes.clone();
        let live = self.live.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = tokio::time::interval(FIND_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut find = true;
        loop {
            if let Err(error) = self.turn(find).await {
                tracing::warn!(error = chain(&error), "alerts cannot be kept; trying again");
                tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    () = tokio::time::sleep(RETRY_AFTER) => continue,
                }
            }
            find = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = live.told() => false,
                () = changes.0.any.notified() => false,
                _ = tick.tick() => false,
                _ = look.tick() => true,
            };
        }
    }

    /// Writes what waits, then takes what has become known and writes what came of it.
    /// `find`: looks for what nobody tells of.
    async fn turn(&mut self, find: bool) -> Result<(), StoreError> {
        self.write().await?;
        self.unread.append(&mut self.changes.tenants());
        self.moved.append(&mut self.live.take_moved());
        let is_new = |tenant: &TenantId| !self.loaded.contains(tenant);
        if find || self.unread.iter().any(is_new) || self.moved.iter().any(is_new) {
            self.find_tenants().await?;
        }
        if find {
            self.look_after().await?;
            // Few rules ask for it: not with each turn.
            self.moved.append(&mut self.live.take_described());
        }
        self.read().await?;
        while let Some(tenant) = self.moved.first().copied() {
            let directory = self.directory(tenant).await?;
            self.set_directory(tenant, directory);
            self.moved.remove(&tenant);
        }
        // Nothing may fail between this and the writing.
        let told = self.live.take_told();
        if told.lost {
            tracing::warn!("evaluation fell behind: what is known now is evaluated anew");
            self.live.want(self.engine.wanted(), None);
        }
        let before = self.engine.counted();
        for seen in &told.observations {
            self.states.observe(seen);
            let (ids, clock) = (&self.ids, &self.clock);
            let mut new = || AlertId(ids.next(clock.now()));
            let steps = self.engine.observe(seen, &mut new);
            self.wait(seen.tenant, steps);
        }
        self.states.pass(self.clock.now());
        for step in self.engine.pass(self.clock.now()) {
            self.wait(step.now.rule.tenant, vec![step]);
        }
        let after = self.engine.counted();
        self.late.add(after.late - before.late + self.live.take_late());
        self.refused.add(after.refused - before.refused);
        self.write().await?;
        self.write_states().await;
        Ok(())
    }

    fn wait(&mut self, tenant: TenantId, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.waiting.entry(tenant).or_default().extend(steps);
        }
    }

    /// Writes what waits, in turns of the tenants. What of one cannot be written waits on; if nothing
    /// can, that is an error.
    async fn write(&mut self) -> Result<(), StoreError> {
        let mut written = 0;
        let mut failed = None;
        let mut turn: Vec<_> = self.waiting.keys().copied().collect();
        while !turn.is_empty() {
            let mut on = Vec::new();
            for tenant in turn {
                if let Err(error) = self.write_some(tenant).await {
                    tracing::warn!(tenant_id = %tenant, error = chain(&error), "alerts of a tenant wait");
                    if self.waiting.get(&tenant).is_some_and(|wait| wait.len() > WAITING_MAX) {
                        self.begin_anew(tenant);
                    }
                    failed = Some(error);
                    continue;
                }
                written += 1;
                if self.waiting.contains_key(&tenant) {
                    on.push(tenant);
                }
            }
            turn = on;
        }
        match failed {
            Some(error) if written == 0 => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes the first that wait of a tenant.
    async fn write_some(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        let Some(waiting) = self.waiting.get_mut(&tenant) else { return Ok(()) };
        let some = waiting.len().min(GROUP_MAX);
        let nothing = Directory::default();
        let directory = self.engine.directory(tenant).unwrap_or(&nothing);
        let (web, ids, now) = (self.web.as_deref(), &*self.ids, self.clock.now());
        let telling = Telling { directory, web, ids, now };
        let steps = waiting.get_mut(..some).unwrap_or_default();
        store::write::write(&self.database, tenant, steps, telling).await?;
        self.live.alerts_changed(tenant, steps.iter().map(patch::of_step), now);
        waiting.drain(..some);
        if waiting.is_empty() {
            self.waiting.remove(&tenant);
        }
        self.courier.now();
        Ok(())
    }

    /// Writes how states changed, some of each tenant a second: alerts go first. What cannot be written
    /// waits, and holds back nothing.
    async fn write_states(&mut self) {
        let now = self.clock.now();
        if now < self.states_at {
            return;
        }
        self.states_at = now.after(TICK);
        for tenant in self.states.tenants() {
            let changes = self.states.waiting(tenant);
            match states::store::add(&self.database, tenant, changes).await {
                Ok(count) => self.states.written(tenant, count),
                Err(error) => {
                    tracing::warn!(tenant_id = %tenant, error = chain(&error), "states wait");
                    self.states_at = now.after(STATES_AGAIN);
                }
            }
        }
        self.states_lost.add(self.states.take_lost());
    }

    /// Forgets what is known of a tenant: it is read again.
    fn begin_anew(&mut self, tenant: TenantId) {
        tracing::error!(
            tenant_id = %tenant,
            "what became of the alerts of a tenant could not be written for long: it begins anew from \
             what is written"
        );
        self.waiting.remove(&tenant);
        self.engine.forget(tenant);
        self.loaded.remove(&tenant);
    }

    /// What nobody tells of: places changed from outside, silences that end, alerts that are old.
    async fn look_after(&mut self) -> Result<(), StoreError> {
        if self.reload.is_empty() {
            self.reload = self.loaded.iter().copied().collect();
        }
        let some = self.loaded.len().div_ceil(RELOAD_TURNS).min(self.reload.len());
        self.moved.extend(self.reload.drain(..some));
        let now = self.clock.now();
        let mut txn = read_all_stored(&self.database).await?;
        let audible = store::write::audible(&mut txn, now).await?;
        drop(txn);
        for (tenant, alert) in audible {
            let known = self.engine.open_alert(tenant, alert).zip(self.engine.directory(tenant));
            let Some((alert, directory)) = known else { continue };
            let (web, ids) = (self.web.as_deref(), &*self.ids);
            let telling = Telling { directory, web, ids, now };
            store::write::tell_late(&self.database, tenant, alert, telling).await?;
            self.courier.now();
        }
        if now >= self.sweep_at {
            self.sweep_at = now.after(SWEEP_EVERY);
            for tenant in &self.loaded {
                let swept = async {
                    store::write::sweep(&self.database, *tenant, now.before(KEEP)).await?;
                    states::store::sweep(&self.database, *tenant, now.before(KEEP)).await
                };
                if let Err(error) = swept.await {
                    let error = chain(&error);
                    tracing::warn!(tenant_id = %tenant, error, "what is old stays for another hour");
                }
            }
        }
        Ok(())
    }

    /// Of a tenant that is new, reads the alerts that were open; gives it its first rules.
    async fn find_tenants(&mut self) -> Result<(), StoreError> {
        let mut txn = read_all_stored(&self.database).await?;
        let tenants = store::rules::tenants(&mut txn).await?;
        let mut open = Vec::new();
        for (tenant, _) in tenants.iter().filter(|(tenant, _)| !self.loaded.contains(tenant)) {
            let states = states::store::last(&mut txn, *tenant).await?;
            open.push((*tenant, store::open(&mut txn, *tenant).await?, states));
        }
        drop(txn);
        for (tenant, given) in &tenants {
            if !given {
                let mut txn = self.database.evaluate(EvaluateKey::new(), &[*tenant].into()).await?;
                store::rules::give(&mut txn, *tenant, &self.ids, self.clock.now()).await?;
                txn.commit().await?;
                self.unread.insert(*tenant);
            }
        }
        for (tenant, alerts, states) in open {
            self.states.load(tenant, states);
            let alerts = alerts.into_iter().map(|alert| self.resumed(alert)).collect();
            self.engine.load(tenant, alerts);
            self.loaded.insert(tenant);
            self.unread.insert(tenant);
        }
        Ok(())
    }

    /// Each turn of an alert was written, so up to the last reading before the end it stayed as it
    /// was written.
    fn resumed(&self, mut alert: Tracked) -> Tracked {
        let asked = alert.subject.device;
        let asked = asked.and_then(|device| self.live.asked_at(alert.rule.tenant, device));
        if let Some((at, gap)) = asked.filter(|_| alert.gap.is_some()) {
            alert.gap = Some(gap);
            if alert.track.unknown.is_none() {
                alert.track.last = alert.track.last.max(at);
            }
        }
        alert
    }

    /// Reads the rules and places of who was changed, and asks for all that is known of them.
    async fn read(&mut self) -> Result<(), StoreError> {
        while let Some(tenant) = self.unread.first().copied() {
            let mut txn = self.begin_reading(tenant).await?;
            let rules = store::rules::list(&mut txn, tenant).await?;
            let directory = store::places::directory(&mut txn, tenant).await?;
            drop(txn);
            let steps = self.engine.set_rules(tenant, rules, self.clock.now());
            self.wait(tenant, steps);
            self.set_directory(tenant, directory);
            self.live.want(self.engine.wanted(), Some(tenant));
            self.unread.remove(&tenant);
        }
        Ok(())
    }

    async fn begin_reading(&self, tenant: TenantId) -> Result<Txn, StoreError> {
        self.database.evaluate_read(EvaluateKey::new(), &[tenant].into()).await
    }

    async fn directory(&self, tenant: TenantId) -> Result<Directory, StoreError> {
        let mut txn = self.begin_reading(tenant).await?;
        store::places::directory(&mut txn, tenant).await
    }

    fn set_directory(&mut self, tenant: TenantId, directory: Directory) {
        if self.engine.directory(tenant) == Some(&directory) {
            return;
        }
        self.states.retain(tenant, &directory);
        // What was told once is to be told again of what comes into the scope of a rule.
        self.live.want(self.engine.wanted(), Some(tenant));
        let steps = self.engine.set_directory(tenant, directory, self.clock.now());
        self.wait(tenant, steps);
    }
}
