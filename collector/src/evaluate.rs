//! Stage **evaluate**: what is wrong, by the rules of each tenant.
//!
//! - in: what becomes known, from `live`, in its order; rules and places, from the database
//! - out: alerts and their history, with what `notify` has to tell, in one transaction per tenant
//! - bound: [`live::feed::FEED_MAX`](crate::live::feed::FEED_MAX) observations that wait,
//!   [`engine::OPEN_MAX`] open alerts and [`rule::RULES_MAX`] rules of a tenant
//! - when full: readings are told together; of a tenant with too many alerts nothing new begins,
//!   and it is counted. While the database takes nothing, nothing more is evaluated
//! - on crash: open alerts are read again and go on; what was not written is found again

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
pub mod severity;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub mod track;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::Clock;
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

/// How late the collector's clock may be noticed.
const TICK: Duration = Duration::from_secs(1);
/// New tenants and new names are found by then.
const RELOAD_EVERY: Duration = Duration::from_secs(30);
/// Between two tries of a database that does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

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
    engine: Engine,
    /// Tenants whose rules and places have to be read, and of which all has to be told again.
    unread: BTreeSet<TenantId>,
    /// Tenants of which devices or agents came, went or moved.
    moved: BTreeSet<TenantId>,
    /// What is not written yet.
    waiting: BTreeMap<TenantId, Vec<Step>>,
    late: Counter,
    refused: Counter,
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
            engine: Engine::default(),
            unread: BTreeSet::new(),
            moved: BTreeSet::new(),
            waiting: BTreeMap::new(),
            late: counter(
                "evaluate_late_total",
                "Readings that came too late to open or close an alert.",
            ),
            refused: counter(
                "evaluate_refused_total",
                "Alerts that did not begin, because the tenant has too many open ones.",
            ),
        }
    }

    /// Evaluates until `cancel`.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        let changes = self.changes.clone();
        let live = self.live.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reload = tokio::time::interval(RELOAD_EVERY);
        reload.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                _ = reload.tick() => true,
            };
        }
    }

    /// Writes what waits, then takes what has become known and writes what came of it.
    /// `find`: looks for tenants that are new and for new names.
    async fn turn(&mut self, find: bool) -> Result<(), StoreError> {
        self.write().await?;
        if find {
            self.find_tenants().await?;
        }
        self.unread.append(&mut self.changes.tenants());
        self.read().await?;
        self.moved.append(&mut self.live.take_moved());
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
            let (ids, clock) = (&self.ids, &self.clock);
            let mut new = || AlertId(ids.next(clock.now()));
            let steps = self.engine.observe(seen, &mut new);
            self.wait(seen.tenant, steps);
        }
        for step in self.engine.pass(self.clock.now()) {
            self.wait(step.now.rule.tenant, vec![step]);
        }
        let after = self.engine.counted();
        self.late.add(after.late - before.late);
        self.refused.add(after.refused - before.refused);
        self.write().await
    }

    fn wait(&mut self, tenant: TenantId, steps: Vec<Step>) {
        if !steps.is_empty() {
            self.waiting.entry(tenant).or_default().extend(steps);
        }
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        let nothing = Directory::default();
        while let Some(entry) = self.waiting.first_entry() {
            let (tenant, steps) = (*entry.key(), entry.get().as_slice());
            let directory = self.engine.directory(tenant).unwrap_or(&nothing);
            let now = self.clock.now();
            store::write(&self.database, tenant, (steps, directory), &self.ids, now).await?;
            let written = entry.remove();
            self.live.alerts_changed(tenant, written.iter().map(patch::of_step), now);
            self.courier.now();
        }
        Ok(())
    }

    /// Of a tenant that is new, reads the alerts that were open; gives it its first rules.
    async fn find_tenants(&mut self) -> Result<(), StoreError> {
        let mut txn = read_all_stored(&self.database).await?;
        let tenants = store::rules::tenants(&mut txn).await?;
        let known = |tenant: TenantId| self.engine.directory(tenant).is_some();
        let mut open = Vec::new();
        for (tenant, _) in tenants.iter().filter(|(tenant, _)| !known(*tenant)) {
            open.push((*tenant, store::open(&mut txn, *tenant).await?));
        }
        drop(txn);
        for (tenant, given) in &tenants {
            if !given {
                let mut txn = self.database.evaluate(EvaluateKey::new(), &[*tenant].into()).await?;
                store::rules::give(&mut txn, *tenant, &self.ids, self.clock.now()).await?;
                txn.commit().await?;
            }
        }
        for (tenant, alerts) in open {
            let alerts = alerts.into_iter().map(|alert| self.resumed(alert)).collect();
            self.engine.load(tenant, alerts);
            self.unread.insert(tenant);
        }
        for (tenant, _) in tenants {
            if !self.unread.contains(&tenant) {
                let directory = self.directory(tenant).await?;
                self.set_directory(tenant, directory);
            }
        }
        Ok(())
    }

    /// Each turn of an alert was written, so up to the last reading before the end it stayed as it
    /// was written.
    fn resumed(&self, mut alert: Tracked) -> Tracked {
        let asked = alert.subject.device;
        let asked = asked.and_then(|device| self.live.asked_at(alert.rule.tenant, device));
        if let Some((at, gap)) = asked {
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
        let steps = self.engine.set_directory(tenant, directory, self.clock.now());
        self.wait(tenant, steps);
    }
}
