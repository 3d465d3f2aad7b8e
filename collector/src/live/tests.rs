use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::sample::{Cause, Group, Row, Schema};
use farwatch_proto::v1::{
    BufferStatus, CarrierReason, DeviceFacts, GatewayStatus, Heartbeat, InterfaceFacts,
    InterfaceTable, LinkStatus,
};
use futures_util::StreamExt as _;

use super::agent::Link;
use super::layout::Layout;
use super::*;
use crate::identity::PeerInfo;
use crate::store::fixture::{
    AGENT, DEVICE, NEIGHBOUR, OTHER_TENANT, SECOND, T0, TENANT, alive, counters, interfaces, peer,
    system,
};
use crate::store::samples::{Checkpoint, Fact};

fn at(second: i64) -> Micros {
    Micros(T0 + second * Micros::SECOND)
}

/// A fleet of one agent and one device, the agent online since `at(0)`.
fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    fleet.agent_added(TENANT, AGENT, at(0));
    fleet.device_added((TENANT, AGENT, DEVICE), 60, at(0));
    online(&mut fleet, at(0));
    fleet
}

fn online(fleet: &mut Fleet, since: Micros) {
    online_as(fleet, 1, since);
}

fn online_as(fleet: &mut Fleet, connection: u64, since: Micros) {
    let session = agent::Session {
        connection,
        transport: "quic",
        remote: "192.0.2.9:1".into(),
        since,
        link: Link::default(),
    };
    fleet.connected(AGENT, session, ("1".into(), "linux".into()));
}

fn layout(schema: &Schema) -> Arc<Layout> {
    Arc::new(Layout::new(schema))
}

fn apply(fleet: &mut Fleet, row: Row) {
    let schema = if row.group == Group::System { system() } else { interfaces() };
    let when = row.at;
    fleet.heard(AGENT, when);
    fleet.apply(row, &layout(&schema), when);
}

fn failed(second: i64, cause: Cause) -> Row {
    let mut row = alive(DEVICE, second);
    row.cause = Some(cause);
    row.values.clear();
    row
}

fn state(fleet: &Fleet) -> (State, Option<&'static str>) {
    let device = fleet.device(TENANT, DEVICE).unwrap();
    (device.state, device.cause)
}

#[test]
fn a_device_is_pending_up_degraded_down_and_up_again() {
    let mut fleet = fleet();
    assert_eq!(state(&fleet), (State::Unknown, Some("pending")));
    apply(&mut fleet, alive(DEVICE, 0));
    assert_eq!(state(&fleet), (State::Up, None));
    apply(&mut fleet, failed(60, Cause::Timeout));
    assert_eq!(state(&fleet), (State::Degraded, Some("timeout")));
    apply(&mut fleet, failed(120, Cause::Timeout));
    assert_eq!(state(&fleet), (State::Degraded, Some("timeout")));
    apply(&mut fleet, failed(180, Cause::Unreachable));
    assert_eq!(state(&fleet), (State::Down, Some("unreachable")));
    assert_eq!(fleet.device(TENANT, DEVICE).unwrap().last_sample_at, Some(at(0)));
    // Late rows fill history, they change no state.
    apply(&mut fleet, alive(DEVICE, 90));
    assert_eq!(state(&fleet), (State::Down, Some("unreachable")));
    apply(&mut fleet, alive(DEVICE, 240));
    assert_eq!(state(&fleet), (State::Up, None));
}

#[test]
fn a_device_of_an_agent_that_was_never_there_waits_for_the_agent() {
    let mut fleet = Fleet::default();
    fleet.agent_added(TENANT, AGENT, at(0));
    fleet.device_added((TENANT, AGENT, DEVICE), 60, at(0));
    assert_eq!(state(&fleet), (State::Unknown, Some("agent_offline")));
    online(&mut fleet, at(1));
    assert_eq!(state(&fleet), (State::Unknown, Some("pending")));
}

#[test]
fn a_device_that_never_answered_is_unknown_until_it_counts_as_down() {
    let mut fleet = fleet();
    for second in [0, 15, 30] {
        fleet.heard(AGENT, at(second));
        fleet.expire(at(second));
        assert_eq!(state(&fleet), (State::Unknown, Some("pending")));
    }
    apply(&mut fleet, failed(60, Cause::Timeout));
    assert_eq!(state(&fleet), (State::Unknown, Some("timeout")));
    apply(&mut fleet, failed(120, Cause::Timeout));
    assert_eq!(state(&fleet), (State::Unknown, Some("timeout")));
    apply(&mut fleet, failed(180, Cause::Timeout));
    assert_eq!(state(&fleet), (State::Down, Some("timeout")));
}

#[test]
fn what_is_not_heard_of_turns_unknown() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    // Five minutes, as they are more than two and a half intervals.
    for second in [30, 60, 90, 120, 150, 180, 210, 240, 270, 299] {
        fleet.heard(AGENT, at(second));
        fleet.expire(at(second));
    }
    assert_eq!(state(&fleet), (State::Up, None));
    fleet.heard(AGENT, at(300));
    fleet.expire(at(300));
    assert_eq!(state(&fleet), (State::Unknown, Some("stale")));
    // And without heartbeats the agent is gone too.
    fleet.expire(at(329));
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().state, State::Up);
    fleet.expire(at(330));
    let agent = fleet.agent(TENANT, AGENT).unwrap();
    assert_eq!((agent.state, agent.offline_reason), (State::Down, Some("silent")));
    assert_eq!(state(&fleet), (State::Unknown, Some("agent_offline")));
    assert_eq!(fleet.device(TENANT, DEVICE).unwrap().interfaces_up, None);
    online(&mut fleet, at(400));
    apply(&mut fleet, alive(DEVICE, 400));
    assert_eq!(state(&fleet), (State::Up, None));
}

/// The system schema with an uptime in units of 10^`exponent` seconds.
fn uptime_schema(exponent: i8) -> Schema {
    let mut schema = system();
    schema.columns[1].exponent = exponent;
    schema
}

#[test]
fn uptimes_that_cannot_be_do_not_stop_anybody() {
    let mut fleet = fleet();
    let schema = layout(&uptime_schema(4));
    for (second, raw) in [(0, 1_844_674_407_370_955), (60, 5), (120, i64::MAX), (180, i64::MIN)] {
        let mut row = alive(DEVICE, second);
        row.values[1] = Some(raw);
        fleet.heard(AGENT, row.at);
        fleet.apply(row, &schema, at(second));
    }
    assert_eq!(state(&fleet), (State::Up, None));
    assert_eq!(fleet.device(TENANT, DEVICE).unwrap().uptime_s, Some(50_000.0));
}

#[test]
fn an_ended_session_has_a_grace_and_then_takes_its_devices_along() {
    let mut fleet = fleet();
    for second in [0, 1, 2] {
        apply(&mut fleet, failed(second, Cause::Timeout));
    }
    fleet.with_agent(AGENT, at(10), |agent| agent.disconnected(1, at(10)));
    fleet.drafts();
    fleet.expire(at(19));
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().state, State::Up);
    assert_eq!(state(&fleet), (State::Down, Some("timeout")));
    fleet.expire(at(20));
    let agent = fleet.agent(TENANT, AGENT).unwrap();
    assert_eq!((agent.state, agent.last_seen_at), (State::Down, Some(at(2))));
    assert_eq!(state(&fleet), (State::Unknown, Some("agent_offline")));
    let topics: Vec<_> = fleet.drafts().iter().map(|draft| draft.topic).collect();
    assert_eq!(topics, [publish::Topic::Devices, publish::Topic::Agents]);
}

#[test]
fn a_session_the_network_has_timed_out_has_had_its_grace() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    fleet.with_agent(AGENT, at(28), |agent| agent.disconnected(1, at(28)));
    fleet.expire(at(29));
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().state, State::Up);
    fleet.expire(at(30));
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().state, State::Down);
}

#[test]
fn an_agent_that_says_goodbye_is_not_waited_for() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    fleet.with_agent(AGENT, at(4), |agent| agent.stopped(0, at(4)));
    assert_eq!(state(&fleet), (State::Up, None), "of a session that was replaced");
    fleet.with_agent(AGENT, at(5), |agent| agent.stopped(1, at(5)));
    let agent = fleet.agent(TENANT, AGENT).unwrap();
    assert_eq!((agent.state, agent.offline_reason), (State::Down, Some("stopped")));
    assert_eq!(agent.last_seen_at, Some(at(5)));
    assert_eq!(state(&fleet), (State::Unknown, Some("agent_offline")));
    online(&mut fleet, at(9));
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().offline_reason, None);
    assert_eq!(state(&fleet), (State::Up, None));
}

#[test]
fn only_a_session_brings_an_agent_back() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    fleet.with_agent(AGENT, at(10), |agent| agent.disconnected(1, at(10)));
    // A batch of the ended session is stored late: it changes nothing of the grace.
    apply(&mut fleet, alive(DEVICE, 15));
    fleet.expire(at(20));
    apply(&mut fleet, alive(DEVICE, 21));
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().state, State::Down);
    assert_eq!(state(&fleet), (State::Unknown, Some("agent_offline")));
    online(&mut fleet, at(22));
    assert_eq!(state(&fleet), (State::Up, None));
    // One that dials again in time was never away.
    fleet.with_agent(AGENT, at(30), |agent| agent.disconnected(1, at(30)));
    online(&mut fleet, at(39));
    fleet.expire(at(41));
    assert_eq!(fleet.agent(TENANT, AGENT).unwrap().state, State::Up);
}

#[test]
fn rates_come_from_the_last_two_polls() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    let mut interface = InterfaceFacts { index: 1, name: "ether1".into(), ..Default::default() };
    interface.speed_bps = 1000;
    interface.mac = vec![1, 2, 3, 4, 5, 6];
    let idle = InterfaceFacts { index: 2, ..Default::default() };
    let table = InterfaceTable { device_id: DEVICE.0, interfaces: vec![interface, idle] };
    fleet.apply_table(table, at(0), at(0));
    apply(&mut fleet, counters(DEVICE, 0, 0));
    assert_eq!(fleet.interfaces(TENANT, DEVICE)[0].in_bps, None);
    apply(&mut fleet, counters(DEVICE, 60, 600));
    let ports = fleet.interfaces(TENANT, DEVICE);
    let port = &ports[0];
    assert_eq!((port.object.as_str(), port.name.as_str()), ("if:1", "ether1"));
    assert_eq!((port.in_bps, port.out_bps), (Some(80.0), Some(160.0)));
    assert_eq!((port.utilisation_in, port.oper), (Some(0.08), Some("up")));
    assert_eq!(port.mac.as_deref(), Some("01:02:03:04:05:06"));
    assert_eq!(ports[1].state, State::Unknown);
    let device = fleet.device(TENANT, DEVICE).unwrap();
    assert_eq!((device.in_bps, device.out_bps), (Some(80.0), Some(160.0)));
    assert_eq!((device.interfaces_up, device.interfaces_total), (Some(1), 2));
    // A gap of polls and a counter that was cleared give no rate, and no spike.
    apply(&mut fleet, counters(DEVICE, 260, 9_000));
    assert_eq!(fleet.interfaces(TENANT, DEVICE)[0].in_bps, None);
    apply(&mut fleet, counters(DEVICE, 320, 40));
    assert_eq!(fleet.interfaces(TENANT, DEVICE)[0].in_bps, None);
    apply(&mut fleet, counters(DEVICE, 380, 100));
    assert_eq!(fleet.interfaces(TENANT, DEVICE)[0].in_bps, Some(8.0));
}

#[test]
fn ports_nobody_tells_of_turn_unknown_while_the_device_answers() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    apply(&mut fleet, counters(DEVICE, 0, 0));
    apply(&mut fleet, counters(DEVICE, 60, 600));
    for second in [60, 120, 180] {
        apply(&mut fleet, alive(DEVICE, second));
        let mut none = counters(DEVICE, second + 1, 0);
        none.cause = Some(Cause::Timeout);
        none.values.clear();
        apply(&mut fleet, none);
    }
    // Two and a half intervals after the last value.
    fleet.expire(at(209));
    assert_eq!(fleet.interfaces(TENANT, DEVICE)[0].in_bps, Some(80.0));
    fleet.expire(at(210));
    let port = &fleet.interfaces(TENANT, DEVICE)[0];
    assert_eq!((port.state, port.in_bps, port.oper), (State::Unknown, None, None));
    let device = fleet.device(TENANT, DEVICE).unwrap();
    assert_eq!((device.state, device.in_bps, device.interfaces_up), (State::Degraded, None, None));
    // The device itself is still believed, until its own time has come.
    fleet.heard(AGENT, at(479));
    fleet.expire(at(479));
    assert_eq!(state(&fleet), (State::Degraded, Some("timeout")));
    fleet.heard(AGENT, at(480));
    fleet.expire(at(480));
    assert_eq!(state(&fleet), (State::Unknown, Some("stale")));
}

#[test]
fn a_device_that_was_restarted_or_tells_something_else_has_changed() {
    let mut fleet = fleet();
    let changed = |fleet: &mut Fleet| std::mem::take(&mut fleet.changed);
    let expected = BTreeMap::from([(TENANT, BTreeSet::from([DEVICE]))]);
    apply(&mut fleet, alive(DEVICE, 0));
    apply(&mut fleet, alive(DEVICE, 60));
    let facts = |name: &str| DeviceFacts {
        device_id: DEVICE.0,
        sys_name: name.to_owned(),
        ..DeviceFacts::default()
    };
    fleet.apply_facts(&facts("core"), at(60), at(60));
    assert!(changed(&mut fleet).is_empty());
    fleet.apply_facts(&facts("edge"), at(61), at(61));
    assert_eq!(changed(&mut fleet), expected);
    let mut restarted = alive(DEVICE, 120);
    restarted.values[1] = Some(500);
    apply(&mut fleet, restarted);
    assert_eq!(changed(&mut fleet), expected);
    apply(&mut fleet, counters(DEVICE, 130, 0));
    assert!(changed(&mut fleet).is_empty());
}

#[test]
fn names_of_the_backlog_do_not_replace_newer_ones() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    for (second, name) in [(60, "new"), (0, "old")] {
        let facts = InterfaceFacts { index: 1, name: name.into(), ..InterfaceFacts::default() };
        let table = InterfaceTable { device_id: DEVICE.0, interfaces: vec![facts] };
        fleet.apply_table(table, at(second), at(61));
        let facts =
            DeviceFacts { device_id: DEVICE.0, sys_name: name.into(), ..Default::default() };
        fleet.apply_facts(&facts, at(second), at(61));
    }
    assert_eq!(fleet.interfaces(TENANT, DEVICE)[0].name, "new");
    let drafts = fleet.drafts();
    let devices = drafts.iter().find(|draft| draft.topic == publish::Topic::Devices).unwrap();
    assert_eq!(devices.patches[0]["sys_name"], "new");
}

#[test]
fn interfaces_come_and_go_while_somebody_looks() {
    let mut fleet = fleet();
    let table = |indexes: &[u32]| {
        let facts = |index: &u32| InterfaceFacts { index: *index, ..InterfaceFacts::default() };
        let interfaces = indexes.iter().map(facts).collect();
        InterfaceTable { device_id: DEVICE.0, interfaces }
    };
    fleet.apply_table(table(&[1, 2]), at(0), at(0));
    fleet.watch(DEVICE);
    fleet.drafts();
    fleet.apply_table(table(&[2, 3]), at(1), at(1));
    let drafts = fleet.drafts();
    let topic = publish::Topic::Interfaces(DEVICE);
    let ports = drafts.iter().find(|draft| draft.topic == topic).unwrap();
    assert_eq!(ports.removed, [json!("if:1")]);
    assert_eq!(ports.patches.len(), 1, "{ports:?}");
    assert_eq!(ports.patches[0]["object"], "if:3");
    assert!(ports.patches[0].get("name").is_some(), "not whole: {ports:?}");
}

#[test]
fn drafts_hold_what_changed() {
    let mut fleet = fleet();
    apply(&mut fleet, alive(DEVICE, 0));
    let first = fleet.drafts();
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(!fleet.has_changes());
    apply(&mut fleet, failed(60, Cause::Timeout));
    let facts =
        DeviceFacts { device_id: DEVICE.0, sys_name: "core".into(), ..DeviceFacts::default() };
    fleet.apply_facts(&facts, at(61), at(61));
    let drafts = fleet.drafts();
    let devices = drafts.iter().find(|draft| draft.topic == publish::Topic::Devices).unwrap();
    let expected = json!({
        "id": DEVICE.to_string(), "state": "degraded", "cause": "timeout",
        "snmp_poll": {
            "state": "degraded", "cause": "timeout", "rtt_ms": null, "at": view::rfc3339(at(60)),
            "answered_at": view::rfc3339(at(0)), "holds": true,
        },
        "sys_name": "core", "model": "", "sys_object_id": "",
    });
    assert_eq!(devices.patches, [expected]);
    assert_eq!(devices.committed_at, at(60));
    // A heartbeat that changes nothing of a device says nothing of it.
    fleet.heard(AGENT, at(62));
    assert!(fleet.drafts().iter().all(|draft| draft.topic == publish::Topic::Agents));
    fleet.device_removed(OTHER_TENANT, DEVICE, at(63));
    assert!(!fleet.has_changes(), "not theirs");
    fleet.device_removed(TENANT, DEVICE, at(63));
    let drafts = fleet.drafts();
    assert_eq!(drafts[0].removed, [json!(DEVICE.to_string())]);
    let agent = json!({ "id": AGENT.to_string(), "devices": 0 });
    assert_eq!(drafts[1].patches, [agent]);
    assert_eq!(fleet.device(TENANT, DEVICE), None);
    // Of what only the inventory knows, changes are told too.
    fleet.agent_fact(AGENT, "revoked_at", json!("now"), at(64));
    let agent = json!({ "id": AGENT.to_string(), "revoked_at": "now" });
    assert_eq!(fleet.drafts()[0].patches, [agent]);
}

mod asked;
mod late;
mod stream;
mod told;
mod troubles;

#[test]
fn a_group_of_which_nothing_is_left_is_marked_too() {
    let clock = Clock::system();
    clock.shift(at(60).0 - clock.now().0);
    let live = Live::new(clock);
    live.agent_added(TENANT, AGENT);
    assert!(live.checkpoints(TENANT, AGENT).is_empty());
    for device in [DEVICE, SECOND] {
        live.device_added(TENANT, AGENT, device, 60);
    }
    let take = |row: Row, schema: &Schema| {
        let rows = vec![(row, layout(schema))];
        live.apply([Committed { tenant: TENANT, agent: AGENT, rows, facts: Vec::new() }]);
    };
    let marks = || -> Vec<_> {
        let told = |one: Checkpoint| (one.group, one.at, one.rows.len());
        live.checkpoints(TENANT, AGENT).into_iter().map(told).collect()
    };
    take(counters(SECOND, 5, 1), &interfaces());
    take(alive(DEVICE, 60), &system());
    let of = |group, second, rows| (group, at(second), rows);
    assert_eq!(marks()[..2], [of(Group::System, 60, 1), of(Group::Interfaces, 5, 1)]);
    // A poll that fails leaves the last counters, and is newer.
    let lost = Row { cause: Some(Cause::Timeout), values: Vec::new(), ..counters(SECOND, 50, 0) };
    take(lost, &interfaces());
    assert_eq!(marks()[1], of(Group::Interfaces, 50, 1));
    live.device_removed(TENANT, SECOND);
    assert_eq!(marks()[..2], [of(Group::System, 60, 1), of(Group::Interfaces, 60, 0)]);
}
