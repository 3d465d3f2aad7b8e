use farwatch_common::clock::Micros;
use farwatch_common::id::{RuleId, SiteId};
use farwatch_common::sample::{Cause, Row};
use farwatch_proto::v1::DeviceFacts;

use super::engine::step::Subject;
use super::seen::Seen;
use super::track::{Phase, Track, Turn};
use super::*;
use crate::live::Committed;
use crate::live::layout::Layout;
use crate::store::fixture::scratch::composed;
use crate::store::fixture::{
    AGENT, DEVICE, PostgresWorld, Raw, SECOND, T0, TENANT, World, alive, peer, system,
};
use crate::store::samples::Fact;

macro_rules! on_both_engines {
    ($($name:ident, $test:ident;)+) => {$(
        #[tokio::test]
        async fn $name() {
            let world = World::open().await;
            $test(Place::new(&world.database, Raw::Sqlite(&world.database)).await).await;
            world.remove().await;
            let Some(world) = PostgresWorld::open().await else { return };
            $test(Place::new(&world.database, Raw::Postgres(&world.scratch)).await).await;
            world.remove().await;
        }
    )+};
}

mod named;
mod people;
mod tried;

/// A collector's live state and its evaluation, at a time of its own.
struct Place<'a> {
    raw: Raw<'a>,
    database: &'a Database,
    live: Live,
    clock: Clock,
    evaluator: Evaluator,
}

fn evaluator(database: &Database, live: &Live, clock: &Clock) -> Evaluator {
    let ids = Arc::new(IdGenerator::new(1));
    let (database, changes) = (database.clone(), RuleChanges::default());
    Evaluator::new(
        database,
        live.clone(),
        ids,
        clock.clone(),
        changes,
        Nudge::default(),
        &Metrics::default(),
    )
    .with_web(Some("https://noc.example.net".to_owned()))
}

impl<'a> Place<'a> {
    async fn new(database: &'a Database, raw: Raw<'a>) -> Self {
        let clock = Clock::system();
        clock.shift(T0 - clock.now().0);
        let live = Live::new(clock.clone());
        live.load(database, &crate::store::Samples::new(database.clone())).await.unwrap();
        let evaluator = evaluator(database, &live, &clock);
        let mut place = Self { raw, database, live, clock, evaluator };
        place.evaluator.turn(true).await.unwrap();
        place.connect();
        place
    }

    fn connect(&self) {
        self.live.agent_connected(&peer(AGENT, 1), ("1".into(), "linux".into()), None);
    }

    async fn names_port(&self, index: u32, name: &str) {
        let device = DEVICE.0;
        let row = format!(
            "INSERT INTO interface (tenant_id, device_id, if_index, name, description, alias, if_type,
                speed_bps, mac, seen_at)
             VALUES (1, {device}, {index}, '{name}', 'port', '', 6, 0, '', 0)"
        );
        self.raw.run(composed(row)).await;
    }

    /// Nothing of the evaluation stays but what is written.
    async fn restart(&mut self) {
        self.evaluator = evaluator(self.database, &self.live, &self.clock);
        self.evaluator.turn(true).await.unwrap();
    }

    /// A poll of a device comes in at `T0 + second`.
    async fn poll(&mut self, row: Row) {
        self.clock.shift(row.at.0.max(self.clock.now().0) - self.clock.now().0);
        self.deliver(row).await;
    }

    /// A poll comes in now, whenever it was.
    async fn deliver(&mut self, row: Row) {
        let rows = vec![(row, Arc::new(Layout::new(&system())))];
        let committed = Committed { tenant: TENANT, agent: AGENT, rows, facts: Vec::new() };
        self.live.apply([committed]);
        self.evaluator.turn(false).await.unwrap();
    }

    async fn pass(&mut self, seconds: i64) {
        self.clock.shift(seconds * Micros::SECOND);
        self.evaluator.turn(false).await.unwrap();
    }

    /// Alerts that are pending, fire, are resolved, and what their histories hold.
    async fn counts(&self) -> [i64; 4] {
        let phases = [
            self.raw.count("SELECT count(*) FROM alert WHERE phase = 'pending'"),
            self.raw.count("SELECT count(*) FROM alert WHERE phase = 'firing'"),
            self.raw.count("SELECT count(*) FROM alert WHERE phase = 'resolved'"),
            self.raw.count("SELECT count(*) FROM alert_event"),
        ];
        let mut counts = [0; 4];
        for (count, phase) in counts.iter_mut().zip(phases) {
            *count = phase.await;
        }
        counts
    }
}

fn silent(second: i64) -> Row {
    Row { cause: Some(Cause::Timeout), values: Vec::new(), ..alive(DEVICE, second) }
}

/// A device goes down and comes back, with a restart in each phase.
async fn one_life(mut place: Place<'_>) {
    let rules = place.raw.count("SELECT count(*) FROM alert_rule WHERE tenant_id = 1").await;
    assert_eq!(rules, i64::try_from(defaults::rules().len()).unwrap());
    place.poll(alive(DEVICE, 0)).await;
    for second in [60, 120] {
        place.poll(silent(second)).await;
        assert_eq!(place.counts().await, [0, 0, 0, 0]);
    }
    place.poll(silent(180)).await;
    assert_eq!(place.counts().await, [1, 0, 0, 0]);
    place.restart().await;
    place.poll(silent(240)).await;
    assert_eq!(place.counts().await, [1, 0, 0, 0]);
    place.restart().await;
    place.poll(silent(300)).await;
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
    place.restart().await;
    place.poll(silent(360)).await;
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
    place.poll(alive(DEVICE, 420)).await;
    place.restart().await;
    place.poll(alive(DEVICE, 480)).await;
    assert_eq!(place.counts().await, [0, 0, 1, 2]);
    let well =
        format!("SELECT count(*) FROM alert WHERE resolved_at - well_at = {}", 60 * Micros::SECOND);
    assert_eq!(place.raw.count(composed(well)).await, 1);
    place.restart().await;
    place.poll(alive(DEVICE, 540)).await;
    assert_eq!(place.counts().await, [0, 0, 1, 2]);
}

/// An agent that is cut off is one alert; what it polled is unknown, and not down.
async fn cut_off(mut place: Place<'_>) {
    for device in [DEVICE, SECOND] {
        place.poll(alive(device, 0)).await;
    }
    place.live.agent_stopped(&peer(AGENT, 1));
    place.pass(1).await;
    assert_eq!(place.counts().await, [1, 0, 0, 0]);
    place.pass(118).await;
    assert_eq!(place.counts().await, [1, 0, 0, 0]);
    place.pass(2).await;
    place.pass(3600).await;
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
    // It comes back with a day of a dead device.
    place.clock.shift(86_400 * Micros::SECOND);
    place.connect();
    for poll in 0..1_000 {
        place.deliver(silent(60 + poll * 86)).await;
    }
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
    place.pass(61).await;
    assert_eq!(place.counts().await, [0, 0, 1, 2]);
    assert!(place.evaluator.late.get() >= 1_000);
}

/// A device that is there and tells nothing over SNMP is an alert, and says why.
async fn there_and_silent(mut place: Place<'_>) {
    place.poll(alive(DEVICE, 0)).await;
    let refused = |second| Row { cause: Some(Cause::WrongAuth), ..silent(second) };
    for second in (60..=300).step_by(60) {
        place.poll(refused(second)).await;
    }
    assert_eq!(place.counts().await, [1, 0, 0, 0]);
    place.restart().await;
    place.poll(refused(360)).await;
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
    let why = "SELECT count(*) FROM alert WHERE rule_name = 'SNMP silent' AND severity = 2
               AND evidence LIKE '%\"wrong\":{\"value\":1.0,\"cause\":\"wrong_auth\"}%'";
    assert_eq!(place.raw.count(why).await, 1);
    // While it may be down nobody can tell: that is another alert's.
    for second in [420, 480] {
        place.poll(silent(second)).await;
        assert_eq!(place.counts().await, [0, 1, 0, 1]);
    }
    for second in [540, 600] {
        place.poll(alive(DEVICE, second)).await;
    }
    assert_eq!(place.counts().await, [0, 0, 1, 2]);
}

/// A rule for kinds of devices looks at a new one once that has said what it is.
async fn of_a_kind(mut place: Place<'_>) {
    let scoped = "UPDATE alert_rule SET scope = '{\"kinds\":[\"routeros*\"]}'
                  WHERE tenant_id = 1 AND name = 'Device down'";
    place.raw.run(scoped).await;
    place.evaluator.changes.clone().changed(TENANT);
    place.pass(0).await;
    for second in [0, 60, 120, 180, 240, 300, 360] {
        place.poll(silent(second)).await;
    }
    assert_eq!(place.counts().await, [0, 0, 0, 0]);
    place.raw.run("UPDATE device SET sys_descr = 'RouterOS CCR2004' WHERE device_id = 100").await;
    let said = DeviceFacts { device_id: DEVICE.0, ..DeviceFacts::default() };
    let facts = vec![Fact::Device(place.clock.now(), said)];
    place.live.apply([Committed { tenant: TENANT, agent: AGENT, rows: Vec::new(), facts }]);
    place.evaluator.turn(true).await.unwrap();
    for second in [420, 480, 540] {
        place.poll(silent(second)).await;
    }
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
}

/// What is open ends with its rule or its device.
async fn taken_away(mut place: Place<'_>) {
    for second in [0, 60, 120, 180, 240, 300] {
        place.poll(silent(second)).await;
    }
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
    let delete = "DELETE FROM alert_rule WHERE tenant_id = 1 AND name = 'Device down'";
    place.raw.run(delete).await;
    place.evaluator.changes.clone().changed(TENANT);
    place.pass(0).await;
    assert_eq!(place.counts().await, [0, 0, 1, 2]);
    let cause = "SELECT count(*) FROM alert WHERE cause = 'rule_deleted'";
    assert_eq!(place.raw.count(cause).await, 1);
    // The rules of the beginning are given once.
    place.restart().await;
    assert_eq!(place.raw.count("SELECT count(*) FROM alert_rule WHERE tenant_id = 1").await, 11);
}

/// How a device changed is kept, whatever restarts meanwhile, and goes when there is too much of it.
async fn changes_of_state(mut place: Place<'_>) {
    let up = "SELECT count(*) FROM device_state WHERE state = 'up'";
    let down = "SELECT count(*) FROM device_state WHERE state = 'down'";
    let unknown = "SELECT count(*) FROM device_state WHERE state = 'unknown'";
    place.poll(alive(DEVICE, 0)).await;
    for second in [60, 120, 180, 240] {
        place.poll(silent(second)).await;
        place.restart().await;
    }
    place.poll(alive(DEVICE, 300)).await;
    assert_eq!((place.raw.count(up).await, place.raw.count(down).await), (2, 1));
    let first = "SELECT count(*) FROM device_state WHERE was IS NULL";
    assert_eq!(place.raw.count(first).await, 1);
    place.live.agent_stopped(&peer(AGENT, 1));
    place.pass(1).await;
    place.pass(300).await;
    assert_eq!(place.raw.count(unknown).await, 1);

    let change = |second: i64| states::Change {
        device: SECOND,
        at: Micros(T0 + second * Micros::SECOND),
        was: None,
        state: crate::live::State::Up,
    };
    let many: Vec<_> = (0..i64::from(states::store::PER_DEVICE_MAX) + 700).map(change).collect();
    for group in many.chunks(500).chain(many.chunks(500)) {
        let written = states::store::add(place.database, TENANT, group).await.unwrap();
        assert_eq!(written, group.len());
    }
    let gone = states::Change { device: farwatch_common::id::DeviceId(999), ..change(0) };
    states::store::add(place.database, TENANT, &[gone]).await.unwrap();
    let left = "SELECT count(*) FROM device_state WHERE device_id = 101";
    assert_eq!(SECOND.0, 101);
    states::store::sweep(place.database, TENANT, Micros(0)).await.unwrap();
    assert_eq!(place.raw.count(left).await, i64::from(states::store::PER_DEVICE_MAX));
    states::store::sweep(place.database, TENANT, change(1_690).at).await.unwrap();
    assert_eq!(place.raw.count(left).await, 10);
    states::store::sweep(place.database, TENANT, change(9_999).at).await.unwrap();
    assert_eq!(place.raw.count(left).await, 1, "how it is now");
}

/// What is told while the database does not take it is written later.
#[tokio::test]
async fn what_cannot_be_written_waits() {
    let world = World::open().await;
    let mut place = Place::new(&world.database, Raw::Sqlite(&world.database)).await;
    for second in [0, 60, 120, 180] {
        place.poll(silent(second)).await;
    }
    world.run("ALTER TABLE alert_event RENAME TO away").await;
    place.clock.shift(60 * Micros::SECOND);
    let rows = vec![(silent(240), Arc::new(Layout::new(&system())))];
    let committed = Committed { tenant: TENANT, agent: AGENT, rows, facts: Vec::new() };
    place.live.apply([committed]);
    assert!(place.evaluator.turn(false).await.is_err());
    assert_eq!(world.count("SELECT count(*) FROM alert WHERE phase = 'firing'").await, 0);
    world.run("ALTER TABLE away RENAME TO alert_event").await;
    place.evaluator.turn(false).await.unwrap();
    assert_eq!(place.counts().await, [0, 1, 0, 1]);
    drop(place);
    world.remove().await;
}

/// Much that happened at once is written in groups; what was written is not written again.
#[tokio::test]
async fn a_mass_outage_is_written_in_groups() {
    let world = World::open().await;
    let mut place = Place::new(&world.database, Raw::Sqlite(&world.database)).await;
    place.poll(alive(DEVICE, 0)).await;
    let many = 2 * GROUP_MAX + 50;
    let rule = Arc::new(defaults::rules().remove(0).into_rule(TENANT, RuleId(1)));
    let (at, subject) = (Micros(T0), |number| Subject {
        device: Some(DEVICE),
        agent: AGENT,
        object: format!("if:{number}").into(),
    });
    let step = |number: usize| Step {
        turn: Turn::Fired(at),
        cause: None,
        part: String::new(),
        now: Tracked {
            alert: AlertId(1_000 + i64::try_from(number).unwrap()),
            rule: Arc::clone(&rule),
            subject: subject(number),
            site: SiteId(1),
            name: "r1".into(),
            track: Track { phase: Phase::Firing { well: None }, last: at, unknown: None },
            gap: None,
            group: None,
            began_at: at,
            fired_at: Some(at),
            wrong: Seen::default(),
            told: 1,
            samples: [].into(),
        },
    };
    place.evaluator.waiting.insert(TENANT, (0..many).map(step).collect());
    let object = GROUP_MAX + 7;
    let refuse = format!(
        "CREATE TRIGGER no BEFORE INSERT ON alert WHEN NEW.object = 'if:{object}'
         BEGIN SELECT RAISE(ABORT, 'no'); END"
    );
    place.raw.run(composed(refuse)).await;
    place.evaluator.write().await.unwrap();
    let written = i64::try_from(GROUP_MAX).unwrap();
    assert_eq!(place.counts().await, [0, written, 0, written]);
    let waits = place.evaluator.waiting.get(&TENANT).unwrap();
    assert_eq!((waits.len(), &waits[0].now.subject), (many - GROUP_MAX, &subject(GROUP_MAX)));
    world.run("DROP TRIGGER no").await;
    place.evaluator.write().await.unwrap();
    let all = i64::try_from(many).unwrap();
    assert_eq!(place.counts().await, [0, all, 0, all]);
    assert!(place.evaluator.waiting.is_empty());
    drop(place);
    world.remove().await;
}

on_both_engines! {
    an_alert_goes_on_through_restarts_in_each_phase, one_life;
    a_cut_off_agent_is_one_alert_and_its_backlog_is_none, cut_off;
    a_device_that_is_there_and_silent_is_an_alert, there_and_silent;
    a_rule_for_kinds_takes_what_devices_say, of_a_kind;
    what_is_open_ends_with_its_rule, taken_away;
    changes_of_state_are_kept_once, changes_of_state;
}
