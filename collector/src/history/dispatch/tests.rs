//! Jobs from the wish to the agent, on both engines, with an agent in the same process.

mod look;
mod tell;
mod withdraw;

use std::cell::Cell;

use farwatch_common::id::AgentId;
use farwatch_proto::v1::{FetchConfig, command};
use tempfile::TempDir;
use tonic::Code;

use super::*;
use crate::command::tests::{Agent, Answers};
use crate::history::backup::{Backup, BackupPatch, backup_get, backup_patch};
use crate::history::job::waits::{Running, Waits};
use crate::history::job::{Asked, JobFilter, job_ask, job_list};
use crate::history::policy::{PER_AGENT_MAX, Policy, policy_put};
use crate::identity::{Access, TenantContext};
use crate::inventory::profile::{NewProfile, ProfilePatch, profile_create, profile_patch};
use crate::inventory::ssh::Login;
use crate::inventory::vault::rotate::tenant_key_rotate;
use crate::store::fixture::scratch::composed;
use crate::store::fixture::{DEVICE, FOREIGN, PostgresWorld, Raw, SECOND, TENANT};

enum Base {
    Sqlite(crate::store::fixture::World),
    Postgres(Box<PostgresWorld>),
}

struct World {
    base: Base,
    db: Database,
    vault: Arc<Vault>,
    ids: Arc<IdGenerator>,
    clock: Clock,
    live: Live,
    agent: Arc<Agent>,
    context: TenantContext,
    began: Instant,
    passed: Cell<Duration>,
    _dir: TempDir,
}

fn login(password: &str) -> Login {
    Login {
        user: "backup".to_owned(),
        password: Some(password.into()),
        private_key: None,
        enable: None,
    }
}

impl World {
    /// With a login for all devices of the first tenant.
    async fn each() -> Vec<Self> {
        let base = crate::store::fixture::World::open().await;
        let mut worlds = vec![Self::on(base.database.clone(), Base::Sqlite(base)).await];
        if let Some(base) = PostgresWorld::open().await {
            worlds.push(Self::on(base.database.clone(), Base::Postgres(Box::new(base))).await);
        }
        worlds
    }

    async fn on(db: Database, base: Base) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Arc::new(Vault::open(dir.path()).unwrap());
        let (clock, ids) = (Clock::system(), Arc::new(IdGenerator::new(1)));
        let context = TenantContext::local(&db).await.unwrap();
        let now = clock.now();
        let mut txn = db.change(&context, TENANT, Access::Admin).await.unwrap();
        let wrapping = vault.wrapping().unwrap();
        vault.tenant_key_create(&mut txn, &wrapping, TENANT, now).await.unwrap();
        txn.commit([], now).await.unwrap();
        let credential = login("of-the-profile").into();
        let name = "logins".to_owned();
        let new = NewProfile { tenant: TENANT, name, site: None, tag: None, credential };
        profile_create(&db, &vault, &context, &ids, &new, now).await.unwrap();
        let (live, agent) = (Live::new(clock.clone()), Agent::new());
        let (began, passed) = (clock.monotonic(), Cell::default());
        Self { base, db, vault, ids, clock, live, agent, context, began, passed, _dir: dir }
    }

    fn dispatcher(&self) -> Dispatcher {
        let commands = Commands::new(self.agent.clone(), self.clock.clone());
        let kept = (self.db.clone(), self.vault.clone(), self.ids.clone());
        let of = (self.live.clone(), commands);
        let metrics = Metrics::default();
        Dispatcher::new(kept, of, JobsChanged::default(), self.clock.clone(), &metrics)
    }

    fn raw(&self) -> Raw<'_> {
        match &self.base {
            Base::Sqlite(_) => Raw::Sqlite(&self.db),
            Base::Postgres(base) => Raw::Postgres(&base.scratch),
        }
    }

    async fn run(&self, sql: &str) {
        self.raw().run(composed(sql.to_owned())).await;
    }

    fn pass(&self, time: Duration) {
        self.clock.shift(i64::try_from(time.as_micros()).unwrap());
        self.passed.set(self.passed.get() + time);
    }

    fn now(&self) -> Moment {
        Moment {
            utc: self.clock.now(),
            at: self.clock.monotonic().duration_since(self.began) + self.passed.get(),
        }
    }

    async fn count(&self, sql: &str) -> i64 {
        self.raw().count(composed(sql.to_owned())).await
    }

    async fn backup(&self, device: DeviceId) -> Backup {
        backup_get(&self.db, &self.context, device, self.clock.now()).await.unwrap()
    }

    /// Changes the backup of a device; whether a job was made for that.
    async fn change(&self, device: DeviceId, patch: &BackupPatch) -> bool {
        let parts = (&*self.vault, &*self.ids);
        let of = (device, patch);
        backup_patch(&self.db, parts, &self.context, of, self.clock.now()).await.unwrap().1
    }

    /// Ends what runs, as an agent does whose device fails.
    async fn fail(&self, cause: &str) {
        let end = "state = 'failed', ended_at = created_at, advice = 'Do something.'";
        self.run(&format!(
            "UPDATE config_job SET {end}, cause = '{cause}' WHERE state = 'running'"
        ))
        .await;
        self.run(&format!("UPDATE backup SET failing = '{cause}', failing_since = 1")).await;
    }

    async fn policy(&self, policy: Policy) {
        let of = (TENANT, &policy);
        policy_put(&self.db, &self.context, of, self.clock.now()).await.unwrap();
    }

    async fn ask(&self, device: DeviceId) -> Asked {
        job_ask(&self.db, &self.context, &self.ids, device, self.clock.now()).await.unwrap()
    }

    /// Devices and states of the jobs, the oldest first; with the cause of those that failed.
    async fn jobs(&self) -> Vec<(DeviceId, String)> {
        let filter = JobFilter::default();
        let jobs = job_list(&self.db, &self.context, &filter, (None, 1_000)).await.unwrap();
        let shown =
            jobs.into_iter().rev().map(|job| (job.device.id, job.cause.unwrap_or(job.state)));
        shown.collect()
    }

    fn asked(&self) -> Vec<FetchConfig> {
        let commands = self.agent.commands().into_iter();
        let fetch = |command| match command {
            command::Kind::FetchConfig(fetch) => fetch,
            other => panic!("{other:?}"),
        };
        commands.map(fetch).collect()
    }

    async fn remove(self) {
        match self.base {
            Base::Sqlite(base) => base.remove().await,
            Base::Postgres(base) => base.remove().await,
        }
    }
}

impl Dispatcher {
    /// A turn, and all that comes of it.
    async fn whole_turn(&mut self, world: &World) {
        (self.read_at, self.read) = (None, None);
        self.turn(world.now()).await.unwrap();
        self.all_sent(world).await;
    }

    async fn all_sent(&mut self, world: &World) {
        while let Some(sent) = self.sends.next().await {
            self.settled(sent, world.now().at);
            self.act(world.now()).await.unwrap();
        }
    }
}

fn off() -> BackupPatch {
    BackupPatch { enabled: Some(Some(false)), ..BackupPatch::default() }
}

fn states(all: &[(DeviceId, String)]) -> Vec<&str> {
    all.iter().map(|(_, state)| state.as_str()).collect()
}

/// The device of another tenant has nobody who logs in.
#[tokio::test]
async fn devices_with_a_login_are_fetched_first_and_then_by_their_slots() {
    for world in World::each().await {
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        let jobs = world.jobs().await;
        assert_eq!(jobs.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [DEVICE, SECOND, FOREIGN]);
        assert_eq!(states(&jobs), ["running"; 3]);
        let asked = world.asked();
        let first = asked.iter().find(|asked| asked.device_id == DEVICE.0).unwrap();
        assert_eq!((asked.len(), first.host.as_str(), first.port), (3, "192.0.2.1", 22));
        assert_eq!(first.login.as_ref().unwrap().password, b"of-the-profile");
        // Nothing is done twice.
        dispatcher.whole_turn(&world).await;
        assert_eq!((world.asked().len(), world.jobs().await.len()), (0, 3));
        world.run("UPDATE config_job SET state = 'done', ended_at = created_at").await;
        let now = world.clock.now();
        let wait = world.backup(DEVICE).await.next_at.unwrap().since(now);
        assert!(wait <= Duration::from_secs(86_400), "{wait:?}");
        // As the schedule looks at it in between, too.
        world.pass(Duration::from_secs(20 * 60).min(wait / 2));
        dispatcher.whole_turn(&world).await;
        world.pass(wait);
        dispatcher.whole_turn(&world).await;
        assert!(world.jobs().await.iter().filter(|(id, _)| *id == DEVICE).count() == 2);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_site_runs_no_more_than_its_policy_lets_it() {
    for world in World::each().await {
        world.policy(Policy { per_site_max: 1, ..Policy::default() }).await;
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["running", "queued", "queued"]);
        world.run("UPDATE config_job SET state = 'done' WHERE state = 'running'").await;
        // Who asks goes first.
        assert!(matches!(world.ask(FOREIGN).await, Asked::Open(_)));
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["done", "queued", "running"]);
        world.remove().await;
    }
}

#[tokio::test]
async fn an_agent_that_is_away_or_full_leaves_its_jobs_queued() {
    for world in World::each().await {
        world.agent.offline(true);
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["queued"; 3]);
        world.agent.offline(false);
        world.agent.answers(Answers::With(Code::ResourceExhausted));
        dispatcher.whole_turn(&world).await;
        let tried = world.asked().len();
        assert!((1..=2).contains(&tried), "one of each agent: {tried}");
        assert_eq!(states(&world.jobs().await), ["queued"; 3]);
        world.agent.answers(Answers::Well);
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.asked(), [], "it is left alone for a moment");
        world.pass(board::HOLD);
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["running"; 3]);
        world.remove().await;
    }
}

#[tokio::test]
async fn an_agent_that_is_too_old_or_refuses_says_so() {
    for world in World::each().await {
        world.agent.answers(Answers::With(Code::Unimplemented));
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["agent_too_old"; 3]);
        let backup = world.backup(DEVICE).await;
        assert_eq!(backup.failing.unwrap().cause, "agent_too_old");
        assert!(!backup.effective.0);
        world.agent.answers(Answers::With(Code::InvalidArgument));
        world.ask(DEVICE).await;
        // The advice is of what failed, not of the job that is open.
        let advice = world.backup(DEVICE).await.failing.unwrap().advice;
        assert!(advice.unwrap().contains("update it"));
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await)[3..], ["agent_refused"]);
        world.remove().await;
    }
}

/// As after a restart of the collector, or when the agent goes over to another connection.
#[tokio::test]
async fn what_runs_is_told_again_and_lost_after_a_while() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        world.dispatcher().whole_turn(&world).await;
        let first = world.asked();
        // The collector was off for longer than an agent may be silent.
        world.pass(board::RUNNING_MAX * 2);
        let mut restarted = world.dispatcher();
        restarted.whole_turn(&world).await;
        assert_eq!(world.asked(), first, "the same job, by its id");
        restarted.whole_turn(&world).await;
        assert_eq!(world.asked(), []);
        world.agent.offline(true);
        world.pass(board::RUNNING_MAX * 2);
        restarted.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["running"], "what it has comes when it is back");
        world.agent.offline(false);
        world.agent.reconnect();
        restarted.whole_turn(&world).await;
        assert_eq!(world.asked(), first);
        world.pass(board::RUNNING_MAX - Duration::from_secs(60));
        restarted.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["running"]);
        // Its outcome is under way: it is not lost, as long as it goes on.
        world.run("UPDATE config_job SET bytes = 200000").await;
        world
            .run(
                "INSERT INTO config_part (tenant_id, job_id, start, data)
             SELECT tenant_id, job_id, 0, 'x' FROM config_job",
            )
            .await;
        world.pass(Duration::from_secs(120));
        restarted.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["running"]);
        world.pass(board::RUNNING_MAX);
        restarted.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["agent_lost"]);
        // And is tried again when the pause is over.
        world.pass(Duration::from_secs(16 * 60));
        restarted.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["agent_lost", "running"]);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_read_fails_its_job_and_a_rotation_keeps_it() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        let now = world.clock.now();
        let own = BackupPatch { login: Some(Some(login("its-own"))), ..BackupPatch::default() };
        world.change(DEVICE, &own).await;
        let rotated = tenant_key_rotate(&world.db, &world.vault, &world.context, TENANT, now);
        assert_eq!(rotated.await.unwrap().resealed, 2);
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        assert_eq!(world.asked()[0].login.as_ref().unwrap().password, b"its-own");
        world.run("UPDATE config_job SET state = 'done'").await;
        // What is sealed in another place.
        let moved = "UPDATE credential SET sealed = (SELECT sealed FROM credential_profile)";
        world.run(moved).await;
        world.ask(DEVICE).await;
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["done", "login_damaged"]);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_hint_brings_a_fetch_but_not_at_once_again() {
    for world in World::each().await {
        world.run("DELETE FROM device WHERE device_id <> 100").await;
        // Far from the device's slot.
        let plan = Policy::default().plan();
        let slot = plan.next_slot(DEVICE, world.clock.now());
        world.pass(slot.since(world.clock.now()) + Duration::from_secs(3600));
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        world.run("UPDATE config_job SET state = 'done', ended_at = created_at").await;
        dispatcher.hints.entry(TENANT).or_default().insert(DEVICE);
        dispatcher.whole_turn(&world).await;
        assert_eq!(states(&world.jobs().await), ["done"], "a moment ago");
        world.pass(crate::history::schedule::HINT_EVERY);
        dispatcher.whole_turn(&world).await;
        let jobs = job_list(&world.db, &world.context, &JobFilter::default(), (None, 9)).await;
        let jobs = jobs.unwrap();
        assert_eq!((jobs.len(), jobs[0].reason.name()), (2, "hint"));
        world.remove().await;
    }
}

#[tokio::test]
async fn a_profile_with_a_login_has_devices_looked_at_again() {
    for world in World::each().await {
        world.agent.offline(true);
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        let count = "SELECT COUNT(*) FROM backup WHERE next_at IS NULL AND tenant_id = 1";
        assert_eq!(world.raw().count(count).await, 0);
        let context = &world.context;
        let page = crate::inventory::Page { after: None, limit: 9 };
        let profiles = crate::inventory::profile::profile_list(&world.db, context, &page).await;
        let profile = profiles.unwrap().rows[0].id;
        let patch = ProfilePatch { credential: Some(login("new").into()), ..Default::default() };
        let now = world.clock.now();
        let (_, agents) =
            profile_patch(&world.db, &world.vault, context, profile, &patch, now).await.unwrap();
        assert!(agents.is_empty(), "no assignment holds a login");
        assert_eq!(world.raw().count(count).await, 3);
        world.remove().await;
    }
}

/// Ten thousand devices of which none is due cost a turn next to nothing.
#[tokio::test]
async fn a_turn_costs_as_much_as_there_is_to_do() {
    for world in World::each().await {
        world.agent.offline(true);
        world
            .run(
                "INSERT INTO device (tenant_id, device_id, site_id, agent_id, name, host, port,
                 interval_s, snmp_version, created_at)
             WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 10999)
             SELECT 1, i, 5, 10, 'd', CAST(i AS TEXT), 161, 60, 'v2c', 0 FROM n",
            )
            .await;
        let soon = world.clock.now().after(Duration::from_secs(86_400)).0;
        let sql = format!(
            "INSERT INTO backup (tenant_id, device_id, next_at, wanted)
             SELECT tenant_id, device_id, {soon}, CASE tenant_id WHEN 1 THEN 1 ELSE 0 END FROM device"
        );
        world.run(&sql).await;
        let mut dispatcher = world.dispatcher();
        dispatcher.whole_turn(&world).await;
        world.db.ran.take();
        let later = Some(world.now().at + CHANGED_EVERY);
        (dispatcher.new_at, dispatcher.changed_at, dispatcher.read_at) = (later, later, later);
        dispatcher.turn(world.now()).await.unwrap();
        let ran = world.db.ran.take();
        assert!(ran.len() <= 3, "{ran:?}");
        assert_eq!(world.jobs().await, []);
        world.remove().await;
    }
}
