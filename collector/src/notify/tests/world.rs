//! A tenant with channels and routes, on each engine, and a courier.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{ChannelId, IdGenerator, TenantId};
use farwatch_common::secret::Secret;
use farwatch_common::task::TaskSet;
use sqlx::SqlSafeStr;
use tempfile::TempDir;

use super::*;
use crate::evaluate::severity::Severity;
use crate::identity::TenantContext;
use crate::inventory::Vault;
use crate::inventory::vault::rotate::{Rotated, tenant_key_rotate};
use crate::metrics::Metrics;
use crate::notify::channel::{
    Channel, ChannelPatch, NewChannel, channel_create, channel_delete, channel_get, channel_patch,
    channel_test,
};
use crate::notify::connect::SystemResolver;
use crate::notify::core::Attempt;
use crate::notify::message::Message;
use crate::notify::route::{NewRoute, route_create};
use crate::notify::scope::Scope;
use crate::notify::send::email::Mailer;
use crate::notify::send::{Parcel, Sender};
use crate::notify::settings::{Kind, Secrets, Settings};
use crate::store::Database;
use crate::store::fixture::scratch::composed;
use crate::store::fixture::{PostgresWorld, Raw, TENANT};

pub(super) const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// One attempt, as it is kept.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    outcome: String,
    status: Option<i64>,
    detail: String,
}

impl Told {
    pub(super) fn new(outcome: &str, status: Option<i64>, detail: &str) -> Self {
        Self { outcome: outcome.to_owned(), status, detail: detail.to_owned() }
    }
}

enum Base {
    Sqlite(crate::store::fixture::World),
    Postgres(Box<PostgresWorld>),
}

pub(super) struct World {
    base: Base,
    db: Database,
    vault: Arc<Vault>,
    ids: Arc<IdGenerator>,
    names: AtomicI64,
    pub(super) clock: Clock,
    pub(super) courier: Courier,
    context: TenantContext,
    _dir: TempDir,
}

/// Lets out to loopback, at any port that the tests have.
pub(super) fn open_guard() -> Guard {
    let network = Network::read("127.0.0.0/8").unwrap();
    let ports = (1024..=u16::MAX).collect();
    Guard { allow: vec![Allowed { network, ports, plain: true }], own: Vec::new() }
}

pub(super) fn sender(guard: Guard) -> Sender {
    let (guard, resolver) = (Arc::new(guard), Arc::new(SystemResolver));
    Sender { connector: Connector { guard, resolver, tls: tls_config(Vec::new()) }, mailer: None }
}

pub(super) fn parcel(url: &str) -> Parcel {
    let message = Message::test("c", Micros(0));
    Parcel {
        kind: Kind::Webhook,
        settings: Settings::default(),
        secrets: Secrets { url: Some(url.into()), keys: vec![KEY.into()], password: None },
        key: "ntf_1".to_owned(),
        body: serde_json::to_string(&message).unwrap(),
        message,
        client: "chn_1".to_owned(),
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let base = crate::store::fixture::World::open().await;
        Self::on(base.database.clone(), Base::Sqlite(base), None).await
    }

    /// With a mail server.
    pub(super) async fn mailing(mailer: Mailer) -> Self {
        let base = crate::store::fixture::World::open().await;
        Self::on(base.database.clone(), Base::Sqlite(base), Some(mailer)).await
    }

    pub(super) async fn each() -> Vec<Self> {
        let mut worlds = vec![Self::new().await];
        if let Some(base) = PostgresWorld::open().await {
            let (db, base) = (base.database.clone(), Base::Postgres(Box::new(base)));
            worlds.push(Self::on(db, base, None).await);
        }
        worlds
    }

    async fn on(db: Database, base: Base, mailer: Option<Mailer>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Arc::new(Vault::open(dir.path()).unwrap());
        let clock = Clock::system();
        let context = TenantContext::local(&db).await.unwrap();
        let mut txn = db.change(&context, TENANT, crate::identity::Access::Admin).await.unwrap();
        let wrapping = vault.wrapping().unwrap();
        vault.tenant_key_create(&mut txn, &wrapping, TENANT, clock.now()).await.unwrap();
        txn.commit([], clock.now()).await.unwrap();
        let sender = Sender { mailer, ..sender(open_guard()) };
        let metrics = Metrics::default();
        let (ids, names) = (Arc::new(IdGenerator::new(1)), AtomicI64::new(0));
        let own = (clock.clone(), ids.clone());
        let courier = Courier::new(db.clone(), vault.clone(), sender, own, &metrics);
        Self { base, db, vault, ids, names, clock, courier, context, _dir: dir }
    }

    fn raw(&self) -> Raw<'_> {
        match &self.base {
            Base::Sqlite(_) => Raw::Sqlite(&self.db),
            Base::Postgres(base) => Raw::Postgres(&base.scratch),
        }
    }

    pub(super) async fn count(&self, sql: &'static str) -> i64 {
        self.raw().count(sql).await
    }

    pub(super) async fn remove(self) {
        self.db.close().await;
        match self.base {
            Base::Sqlite(base) => base.remove().await,
            Base::Postgres(base) => base.remove().await,
        }
    }

    async fn channel(&self, kind: Kind, url: &str, keys: Vec<Secret>) -> ChannelId {
        let secrets = Secrets { url: Some(url.into()), keys, password: None };
        self.channel_of(kind, Settings::default(), secrets).await
    }

    pub(super) async fn email(&self, to: &[&str]) -> ChannelId {
        let to = to.iter().map(|&to| to.to_owned()).collect();
        let settings = Settings { to, ..Settings::default() };
        self.channel_of(Kind::Email, settings, Secrets::default()).await
    }

    async fn channel_of(&self, kind: Kind, settings: Settings, secrets: Secrets) -> ChannelId {
        let name = format!("c{}", self.names.fetch_add(1, Ordering::SeqCst));
        let new = NewChannel { tenant: TENANT, name, kind, settings, secrets };
        let now = self.clock.now();
        let made = channel_create(&self.db, &self.vault, &self.context, &self.ids, &new, now);
        made.await.unwrap().id
    }

    pub(super) async fn webhook_at(&self, url: &str) -> ChannelId {
        self.channel(Kind::Webhook, url, vec![KEY.into()]).await
    }

    pub(super) async fn webhook(&self, sink: &Sink) -> ChannelId {
        self.webhook_at(&sink.url()).await
    }

    pub(super) async fn slack(&self, sink: &Sink) -> ChannelId {
        self.channel(Kind::Slack, &sink.url(), Vec::new()).await
    }

    pub(super) async fn route(&self, channel: ChannelId, severity: &str, tags: &[&str]) {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        let new = NewRoute {
            channel,
            severity: Severity::from_name(severity).unwrap(),
            scope: Scope { tags, ..Scope::default() },
            on_resolved: true,
        };
        let now = self.clock.now();
        route_create(&self.db, &self.context, &self.ids, &new, now).await.unwrap();
    }

    /// The channel's routes say nothing of ends.
    pub(super) async fn quiet(&self, channel: ChannelId) {
        let sql = format!("UPDATE route SET on_resolved = 0 WHERE channel_id = {}", channel.0);
        self.raw().run(composed(sql)).await;
    }

    pub(super) async fn disable(&self, channel: ChannelId) {
        let patch = ChannelPatch { enabled: Some(false), ..ChannelPatch::default() };
        let now = self.clock.now();
        let patched = channel_patch(&self.db, &self.vault, &self.context, channel, patch, now);
        patched.await.unwrap();
    }

    pub(super) async fn delete(&self, channel: ChannelId) {
        let now = self.clock.now();
        channel_delete(&self.db, &self.context, channel, now).await.unwrap();
    }

    /// Writes a transition as `evaluate` does; says how many are to be told.
    pub(super) async fn enqueue(&self, transition: &Transition<'_>) -> usize {
        let tenants = BTreeSet::from([TenantId(1)]);
        let mut txn = self.db.notify(NotifyKey::new(), &tenants).await.unwrap();
        let queued = enqueue(&mut txn, transition, &self.ids, self.clock.now()).await.unwrap();
        txn.commit().await.unwrap();
        self.courier.nudge().now();
        queued
    }

    pub(super) async fn transition(&self, alert: i64) -> usize {
        self.enqueue(&transition(alert, &BTreeSet::new())).await
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.shift(i64::try_from(time.as_micros()).unwrap());
    }

    pub(super) async fn test(&self, channel: ChannelId) -> Attempt {
        let now = self.clock.now();
        let test = channel_test(&self.db, &self.context, &self.ids, channel, now).await;
        let (tenant, test) = test.unwrap();
        let place = self.courier.test_place().unwrap();
        self.courier.test(place, tenant, test).await.unwrap().unwrap()
    }

    /// Writes a test that nobody sends, as if the process died then.
    pub(super) async fn orphan(&self, channel: ChannelId) {
        let now = self.clock.now();
        channel_test(&self.db, &self.context, &self.ids, channel, now).await.unwrap();
    }

    pub(super) fn run(&self) -> Run {
        let mut tasks = TaskSet::new();
        let cancel = tasks.cancellation();
        tasks.spawn("notify", self.courier.clone().run(cancel.clone()));
        Run { tasks }
    }

    /// Waits until the notification of the channel is in this state; its attempts.
    pub(super) async fn told(&self, channel: ChannelId, state: &str) -> Vec<Told> {
        let mut ended = self.courier.watch();
        loop {
            let before = deliveries::Before { id: None, limit: 10 };
            let found =
                deliveries::deliveries_of_channel(&self.db, &self.context, (channel, None), before)
                    .await;
            let found = found.unwrap();
            if let [delivery] = &found[..]
                && delivery.state == state
            {
                let told = delivery.attempts.iter();
                let one = |tried: &deliveries::Tried| {
                    Told::new(&tried.outcome, tried.status, &tried.detail)
                };
                return told.map(one).collect();
            }
            ended.changed().await.unwrap();
        }
    }

    /// Waits until so many attempts are written.
    pub(super) async fn until(&self, channel: ChannelId, attempts: i64) {
        let sql = format!(
            "SELECT COUNT(*) FROM delivery d
             JOIN notification n ON n.notification_id = d.notification_id
             WHERE n.channel_id = {}",
            channel.0
        );
        let mut ended = self.courier.watch();
        while self.raw().count(composed(sql.clone())).await < attempts {
            ended.changed().await.unwrap();
        }
    }

    pub(super) async fn next_at(&self, channel: ChannelId) -> i64 {
        let sql = format!("SELECT MAX(next_at) FROM notification WHERE channel_id = {}", channel.0);
        self.raw().count(composed(sql)).await
    }

    pub(super) async fn failing(&self, channel: ChannelId) -> bool {
        let sql =
            format!("SELECT COUNT(failing_since) FROM channel WHERE channel_id = {}", channel.0);
        self.raw().count(composed(sql)).await == 1
    }

    pub(super) async fn get(&self, channel: ChannelId) -> Channel {
        channel_get(&self.db, &self.context, channel).await.unwrap()
    }

    pub(super) async fn run_sql(&self, sql: impl SqlSafeStr) {
        self.raw().run(sql).await;
    }

    pub(super) async fn number(&self, sql: String) -> i64 {
        self.raw().count(composed(sql)).await
    }

    pub(super) async fn fill(&self, channel: ChannelId) {
        self.fill_but(channel, 0).await;
    }

    /// So many more have room.
    pub(super) async fn fill_but(&self, channel: ChannelId, room: i64) {
        let sql = format!(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {})
             INSERT INTO notification (tenant_id, notification_id, channel_id, idempotency_key,
                 message, state, attempts, next_at, created_at)
             SELECT 1, x, {}, 'k' || x, '', 'queued', 0, 0, 0 FROM n",
            outbox::QUEUED_MAX - room,
            channel.0
        );
        self.raw().run(composed(sql)).await;
    }

    /// So many transitions in one transaction; says how many wait.
    pub(super) async fn storm(&self, alerts: i64) -> usize {
        let (tenants, tags) = (BTreeSet::from([TenantId(1)]), BTreeSet::new());
        self.db.ran.take();
        let mut txn = self.db.notify(NotifyKey::new(), &tenants).await.unwrap();
        let mut queued = 0;
        for alert in 0..alerts {
            let (of, now) = (transition(100 + alert, &tags), self.clock.now());
            queued += enqueue(&mut txn, &of, &self.ids, now).await.unwrap();
        }
        txn.commit().await.unwrap();
        queued
    }

    /// The statements since the storm began.
    pub(super) fn ran(&self) -> Vec<String> {
        self.db.ran.take()
    }

    pub(super) async fn sweep(&self, before: Micros) -> u64 {
        store::sweep(&self.db, before).await.unwrap()
    }

    pub(super) async fn rotate(&self) -> Rotated {
        let now = self.clock.now();
        tenant_key_rotate(&self.db, &self.vault, &self.context, TENANT, now).await.unwrap()
    }

    /// The first channel has the blob of the last.
    pub(super) async fn move_blob(&self) {
        let sql = "UPDATE channel SET sealed = (SELECT sealed FROM channel
                       ORDER BY channel_id DESC LIMIT 1)
                   WHERE channel_id = (SELECT MIN(channel_id) FROM channel)";
        self.raw().run(sql).await;
    }
}

/// A courier at work.
pub(super) struct Run {
    tasks: TaskSet,
}

impl Run {
    /// As when the collector stops: what is under way ends.
    pub(super) async fn end(self) {
        self.tasks.run(async {}, Duration::from_secs(20)).await.unwrap();
    }

    /// As when it dies: nothing more is written.
    pub(super) async fn kill(self) {
        self.tasks.run(async {}, Duration::ZERO).await.unwrap();
    }
}
