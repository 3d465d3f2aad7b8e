use std::time::Duration;

use farwatch_common::id::{DeviceId, RuleId, SiteId};
use farwatch_common::sample::Group;
use proptest::prelude::*;

use super::directory::{AgentPlace, DevicePlace};
use super::*;
use crate::evaluate::rule::scope::Kind;
use crate::evaluate::rule::{BadState, Condition, Look, Scope, Side, Trouble};
use crate::evaluate::severity::Severity;
use crate::evaluate::track::{Phase, Timing, Track, Turn};
use crate::live::feed::{PortReading, PortState, Reading, Troubles};

const TENANT: TenantId = TenantId(1);
const AGENT: AgentId = AgentId(10);
const GAP: Duration = Duration::from_secs(150);

fn second(second: i64) -> Micros {
    Micros(1_000_000_000 + second * Micros::SECOND)
}

fn rule(id: i64, condition: Condition, wait: u64, resolve_after: u64) -> Rule {
    Rule {
        tenant: TENANT,
        id: RuleId(id),
        name: format!("rule {id}"),
        severity: Severity::Warning,
        enabled: true,
        scope: Scope::default(),
        condition,
        wait: Duration::from_secs(wait),
        resolve_after: Duration::from_secs(resolve_after),
    }
}

fn hot() -> Condition {
    Condition::Metric {
        name: "cpu_percent".into(),
        object: "*".into(),
        is: Side::Above,
        limit: 90.0,
        clear: Some(80.0),
    }
}

fn down() -> Condition {
    Condition::DeviceState { states: vec![BadState::Down] }
}

fn directory(devices: i64) -> Directory {
    let place = |id| DevicePlace {
        site: SiteId(1),
        agent: AGENT,
        name: format!("r{id}"),
        tags: BTreeSet::new(),
        kind: Kind::default(),
    };
    Directory {
        sites: [(SiteId(1), "here".to_owned())].into(),
        agents: [(AGENT, AgentPlace { site: SiteId(1), name: "a".into() })].into(),
        devices: (1..=devices).map(|id| (DeviceId(id), place(id))).collect(),
    }
}

struct World {
    engine: Engine,
    ids: i64,
}

impl World {
    fn new(rules: Vec<Rule>, devices: i64) -> Self {
        let mut engine = Engine::default();
        assert!(engine.set_rules(TENANT, rules, second(0)).is_empty());
        assert!(engine.set_directory(TENANT, directory(devices), second(0)).is_empty());
        Self { engine, ids: 0 }
    }

    fn tell(&mut self, at: i64, received: i64, what: What) -> Vec<Step> {
        let (at, received) = (second(at), second(received));
        let seen = Observation { tenant: TENANT, agent: AGENT, at, received, what };
        let ids = &mut self.ids;
        let mut new = || {
            *ids += 1;
            AlertId(*ids)
        };
        self.engine.observe(&seen, &mut new)
    }

    fn cpu(&mut self, device: i64, at: i64, value: Option<f64>) -> Vec<Step> {
        self.tell(at, at, readings(device, "cpu_percent", value))
    }

    fn port(&mut self, at: i64, state: PortState) -> Vec<Turn> {
        let ports = vec![PortReading { object: "if:1".into(), state }];
        let (device, group) = (DeviceId(1), Group::Interfaces);
        let (readings, others, table) = (Vec::new(), BTreeSet::new(), "".into());
        let what = What::Readings { device, group, table, readings, ports, others, gap: GAP };
        turns(&self.tell(at, at, what))
    }

    fn state(&mut self, device: i64, at: i64, state: State) -> Vec<Turn> {
        let what = What::Device { device: DeviceId(device), state, cause: None, gap: GAP };
        turns(&self.tell(at, at, what))
    }
}

fn readings(device: i64, metric: &str, value: Option<f64>) -> What {
    let readings = vec![Reading { metric: metric.into(), object: "".into(), value, cause: None }];
    What::Readings {
        device: DeviceId(device),
        group: Group::Host,
        table: "".into(),
        readings,
        ports: Vec::new(),
        others: BTreeSet::new(),
        gap: GAP,
    }
}

fn turns(steps: &[Step]) -> Vec<Turn> {
    steps.iter().map(|step| step.turn).collect()
}

#[test]
fn a_day_of_late_breaches_opens_nothing() {
    let mut world = World::new(vec![rule(1, hot(), 0, 0)], 1);
    for breach in 0..1_000 {
        let what = readings(1, "cpu_percent", Some(99.0));
        assert!(world.tell(breach * 86, 90_000, what).is_empty());
    }
    assert_eq!(world.engine.counted().late, 1_000);
    assert_eq!(turns(&world.cpu(1, 90_000, Some(99.0))), [Turn::Fired(second(90_000))]);
}

#[test]
fn what_lies_in_the_future_was_so_by_now() {
    let mut world = World::new(vec![rule(1, hot(), 0, 0)], 1);
    let steps = world.tell(5_000, 60, readings(1, "cpu_percent", Some(99.0)));
    assert_eq!(turns(&steps), [Turn::Fired(second(60))]);
}

#[test]
fn a_cut_off_agent_is_one_alert_and_its_devices_are_unknown() {
    let down = Condition::DeviceState { states: vec![BadState::Down] };
    let rules = vec![rule(1, down, 0, 0), rule(2, Condition::AgentState {}, 120, 0)];
    let mut world = World::new(rules, 50);
    assert_eq!(world.state(1, 0, State::Down), [Turn::Fired(second(0))]);
    let steps = world.tell(60, 60, What::Agent { offline: Some(true), cause: Some("silent") });
    assert_eq!(turns(&steps), [Turn::Began]);
    assert_eq!(world.state(1, 60, State::Unknown), [Turn::Unsure]);
    for device in 2..=50 {
        assert!(world.state(device, 60, State::Unknown).is_empty());
    }
    assert!(world.engine.pass(second(179)).is_empty());
    assert_eq!(turns(&world.engine.pass(second(9_000))), [Turn::Fired(second(180))]);
    assert!(world.engine.pass(second(99_000)).is_empty());
    let back = world.tell(99_000, 99_000, What::Agent { offline: Some(false), cause: None });
    assert_eq!(turns(&back), [Turn::Resolved(second(99_000))]);
    assert_eq!(world.state(1, 99_060, State::Down), [Turn::Sure]);
}

#[test]
fn what_is_wrong_with_an_agent_is_one_alert_for_each_kind() {
    let kinds = [Trouble::Clock, Trouble::Cloned].into();
    let mut world = World::new(vec![rule(1, Condition::AgentTrouble { kinds }, 0, 0)], 1);
    let mut tell = |at, clock, cloned: Option<bool>, losing: Option<bool>| {
        let steps = world.tell(at, at, What::AgentTroubles(Troubles { clock, cloned, losing }));
        let told = |step: &Step| (step.now.subject.object.to_string(), step.turn);
        steps.iter().map(told).collect::<Vec<_>>()
    };
    // Until it has said, nobody can tell; what the rule does not name is nothing.
    assert_eq!(tell(0, None, Some(false), Some(true)), []);
    let clock = |turn| ("clock".to_owned(), turn);
    assert_eq!(tell(10, Some(true), Some(false), Some(false)), [clock(Turn::Fired(second(10)))]);
    assert_eq!(
        tell(20, Some(true), Some(true), Some(false)),
        [("cloned".into(), Turn::Fired(second(20)))]
    );
    assert_eq!(tell(30, Some(true), Some(true), Some(true)), []);
    assert_eq!(tell(40, Some(false), Some(true), Some(false)), [clock(Turn::Resolved(second(40)))]);
    // A start knows nothing of before: what is open stays.
    assert_eq!(tell(45, Some(false), None, None), [("cloned".into(), Turn::Unsure)]);
    let ended = tell(50, Some(false), Some(false), Some(false));
    assert_eq!(ended.last(), Some(&("cloned".into(), Turn::Resolved(second(50)))));
}

#[test]
fn a_port_is_missed_only_if_it_was_up_and_is_switched_on() {
    let port = Condition::InterfaceState { object: "if:*".into() };
    let mut world = World::new(vec![rule(1, port, 0, 0)], 1);
    assert!(world.port(0, PortState::Down).is_empty());
    assert!(world.port(60, PortState::Up).is_empty());
    assert_eq!(world.port(120, PortState::Down), [Turn::Fired(second(120))]);
    assert_eq!(world.port(180, PortState::Off), [Turn::Resolved(second(180))]);
    assert!(world.port(240, PortState::Down).is_empty(), "not up since it was switched on");
}

#[test]
fn what_was_there_and_is_absent_is_found_by_the_time_of_its_agent() {
    let absent = Condition::Absence { name: "snmp_rtt_ms".into(), object: "*".into() };
    let mut world = World::new(vec![rule(1, absent, 300, 0), rule(2, hot(), 0, 0)], 2);
    assert!(world.tell(0, 0, readings(1, "snmp_rtt_ms", Some(1.0))).is_empty());
    assert!(world.tell(60, 60, readings(1, "snmp_rtt_ms", None)).is_empty());
    // Time passes by what another device tells, and not by the collector's clock.
    assert!(world.engine.pass(second(100_000)).is_empty());
    for at in [180, 299] {
        assert!(world.cpu(2, at, Some(1.0)).is_empty());
    }
    assert_eq!(turns(&world.cpu(2, 301, Some(1.0))), [Turn::Fired(second(300))]);
    let back = world.tell(400, 400, readings(1, "snmp_rtt_ms", Some(1.0)));
    assert_eq!(turns(&back), [Turn::Resolved(second(400))]);
    // That the agent was away says nothing of what it polls.
    assert!(world.cpu(2, 9_000, Some(1.0)).is_empty());
    for at in [9_100, 9_200] {
        assert!(world.cpu(2, at, Some(1.0)).is_empty());
    }
    assert_eq!(turns(&world.cpu(2, 9_300, Some(1.0))), [Turn::Fired(second(9_300))]);
}

#[test]
fn what_is_edited_or_gone_ends_its_alerts_and_says_why() {
    let mut world = World::new(vec![rule(1, hot(), 0, 0), rule(2, hot(), 600, 0)], 2);
    assert_eq!(turns(&world.cpu(1, 0, Some(99.0))).len(), 2);
    assert_eq!(turns(&world.cpu(2, 0, Some(99.0))).len(), 2);
    let gone = world.engine.set_directory(TENANT, directory(1), second(10));
    let ends: Vec<_> = gone.iter().map(|step| (step.turn, step.cause)).collect();
    let cause = Some("device_removed");
    assert_eq!(ends, [(Turn::Resolved(second(10)), cause), (Turn::Dropped, cause)]);
    let edited = vec![rule(1, hot(), 60, 0), rule(2, hot(), 600, 0)];
    let ended = world.engine.set_rules(TENANT, edited, second(20));
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].cause, Some("rule_changed"));
    let mut off = rule(2, hot(), 600, 0);
    off.enabled = false;
    let ended = world.engine.set_rules(TENANT, vec![off], second(30));
    assert_eq!(ended[0].cause, Some("rule_disabled"));
    assert!(world.cpu(1, 60, Some(99.0)).is_empty());
}

#[test]
fn a_group_is_told_table_by_table_and_only_what_is_gone_ends() {
    let full = Condition::Metric {
        name: "memory_used_percent".into(),
        object: "*".into(),
        is: Side::Above,
        limit: 95.0,
        clear: Some(90.0),
    };
    let mut world = World::new(vec![rule(1, full, 0, 0)], 1);
    let told = |metric: &str, of: &[(&str, f64)], others: &[&str]| What::Readings {
        device: DeviceId(1),
        group: Group::Host,
        table: "".into(),
        readings: of
            .iter()
            .map(|(object, value)| Reading {
                metric: metric.into(),
                object: (*object).into(),
                value: Some(*value),
                cause: None,
            })
            .collect(),
        ports: Vec::new(),
        others: others.iter().map(|object| (*object).into()).collect(),
        gap: GAP,
    };
    let memory = told("memory_used_percent", &[("memory:1", 99.0), ("memory:2", 99.0)], &["cpu:1"]);
    assert_eq!(turns(&world.tell(0, 0, memory)), [Turn::Fired(second(0)); 2]);
    let cpu = |others: &[&str]| told("cpu_percent", &[("", 5.0)], others);
    assert!(world.tell(60, 60, cpu(&["memory:1", "memory:2"])).is_empty());
    let ended = world.tell(120, 120, cpu(&["memory:1"]));
    assert_eq!(turns(&ended), [Turn::Resolved(second(120))]);
    assert_eq!((&*ended[0].now.subject.object, ended[0].cause), ("memory:2", Some("object_gone")));
}

#[test]
fn what_stands_needs_no_readings_and_does_not_freeze() {
    let changed = Condition::Metric {
        name: "ssh_host_key_changed".to_owned(),
        object: "*".to_owned(),
        is: Side::Above,
        limit: 1.0,
        clear: Some(0.5),
    };
    let mut world = World::new(vec![rule(1, changed, 60, 0)], 2);
    let standing = |value: f64| {
        let reading = Reading {
            metric: "ssh_host_key_changed".into(),
            object: "".into(),
            value: Some(value),
            cause: None,
        };
        What::Standing { device: DeviceId(1), readings: vec![reading] }
    };
    assert!(world.tell(0, 0, standing(0.0)).is_empty());
    assert_eq!(turns(&world.tell(10, 10, standing(1.0))), [Turn::Began]);
    assert!(world.state(1, 20, State::Unknown).is_empty());
    assert_eq!(turns(&world.engine.pass(second(70))), [Turn::Fired(second(70))]);
    assert!(world.tell(9_000, 9_000, standing(1.0)).is_empty());
    assert_eq!(turns(&world.tell(9_001, 9_001, standing(0.0))), [Turn::Resolved(second(9_001))]);
}

#[test]
fn open_alerts_are_bounded() {
    let most = i64::try_from(OPEN_MAX - CRITICAL_RESERVED).unwrap();
    let critical = Rule { severity: Severity::Critical, ..rule(2, down(), 0, 0) };
    let mut world = World::new(vec![rule(1, hot(), 0, 0), critical], most + 1);
    for device in 1..=most + 1 {
        let fired = world.cpu(device, 0, Some(99.0)).len();
        assert_eq!(fired, usize::from(device <= most));
    }
    assert_eq!(world.engine.counted().refused, 1);
    // What is critical has room of its own.
    assert_eq!(world.state(1, 10, State::Down).len(), 1);
    // It counts, too.
    for device in [1, 2] {
        assert_eq!(world.cpu(most + 1, 60, Some(99.0)).len(), 0);
        assert_eq!(world.cpu(device, 60, Some(1.0)).len(), 1);
    }
    assert_eq!(world.cpu(most + 1, 60, Some(99.0)).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Devices and rules are kept apart, whatever comes in between.
    #[test]
    fn each_device_under_each_rule_goes_its_own_way(
        steps in prop::collection::vec((0i64..80, 1i64..4, prop::option::of(70.0..100.0f64)), 1..60),
        waits in prop::array::uniform2((0u64..150, 0u64..150)),
    ) {
        let rules: Vec<_> =
            (1..).zip(waits).map(|(id, (wait, well))| rule(id, hot(), wait, well)).collect();
        let mut world = World::new(rules.clone(), 3);
        let mut tracks: HashMap<(i64, RuleId), Track> = HashMap::new();
        let mut now = 0;
        for (after, device, value) in steps {
            now += after;
            let told = world.cpu(device, now, value);
            let mut expected = Vec::new();
            for rule in &rules {
                let look = rule.condition.of_value(value);
                let track = tracks.entry((device, rule.id)).or_default();
                if track.phase == Phase::Clear {
                    *track = Track::default();
                    if look != Look::Breach {
                        continue;
                    }
                }
                let timing = Timing {
                    wait: rule.wait,
                    resolve_after: rule.resolve_after,
                    gap: Some(GAP),
                };
                expected.extend(track.observe(second(now), look, &timing));
            }
            prop_assert_eq!(turns(&told), expected);
        }
    }
}
