//! What a device does not answer, refuses or lacks costs itself only, and less and less of that;
//! without sockets.

use std::time::Duration;

use farwatch_agent::poll::engine::Settings;
use farwatch_agent::poll::message::{Body, Head};
use farwatch_agent::poll::oid::Oid;
use farwatch_agent::poll::plan::{self, Plan};
use farwatch_agent::poll::{Observation, SnmpVersion};
use farwatch_common::sample::{Cause, Group};
use farwatch_proto::v1::event::Kind as EventKind;
use farwatch_support::sim::router::{Kind, Router};

use super::net::{Fate, INTERVAL, Net};
use super::objects::{
    INTERFACES, PARTS, PROCESSORS, SENSORS, STORAGE, furnish, furnished, names, part, refusal,
    storage, tables, values,
};

const ARRIVES: Fate = Fate::Arrives { after_us: 2_000 };
const AUTHORIZATION_ERROR: u32 = 16;

fn below_mib2(entry: &[u32]) -> Oid {
    Oid::new(&plan::mib2(entry))
}

fn asks(question: &[u8], arcs: &Oid) -> bool {
    question.windows(arcs.as_bytes().len()).any(|bytes| bytes == arcs.as_bytes())
}

/// How many questions so far named something below an entry.
fn count(net: &Net, entry: &[u32]) -> usize {
    let arcs = below_mib2(entry);
    net.asked.iter().filter(|(_, _, question)| asks(question, &arcs)).count()
}

/// Nothing that names something below one of the entries is answered.
fn run_without(net: &mut Net, span: Duration, entries: &[&[u32]]) {
    let silent: Vec<Oid> = entries.iter().map(|entry| below_mib2(entry)).collect();
    net.run_with(span, &mut |net, _| {
        let (_, _, question) = net.asked.last().unwrap();
        if silent.iter().any(|arcs| asks(question, arcs)) { Fate::Lost } else { ARRIVES }
    });
}

/// Every interface of every row.
fn check_interfaces(net: &Net) {
    let rows = net.rows(0, Group::Interfaces);
    assert!(!rows.is_empty());
    for (row, schema) in rows {
        assert_eq!((row.cause, row.values.len()), (None, INTERFACES * 14));
        net.verify(row, schema, Duration::from_secs(1));
    }
}

#[test]
fn two_silent_subjects_take_no_other_table_along() {
    for known in [false, true] {
        let mut net = furnished();
        if known {
            net.run(INTERVAL * 2);
            net.seen.clear();
        }
        run_without(&mut net, Duration::from_secs(400), &[&SENSORS, &PARTS]);
        check_interfaces(&net);
        let host = net.rows(0, Group::Host);
        assert!(host.len() >= 60, "{known}: {}", host.len());
        assert!(host.iter().all(|(row, _)| row.cause.is_none()), "{known}");
        assert_eq!(values(&net, Group::Host, "cpu:").len(), 2);
        assert_eq!(values(&net, Group::Host, "storage:").len(), 4);
        // The names of what has answered are told.
        let host = tables(&net, Group::Host as u32);
        assert_eq!(names(host[0]).len(), 4);
        let sensors = net.rows(0, Group::Sensors);
        assert!(!sensors.is_empty());
        assert!(sensors.iter().all(|(row, _)| row.cause == Some(Cause::Timeout)));
    }
}

#[test]
fn what_never_answers_is_asked_less_and_less() {
    let mut net = furnished();
    run_without(&mut net, Duration::from_secs(3_500), &[&SENSORS, &PARTS]);
    // After 0, 1, 3, 7, 15, 31 minutes, each time twice. Polls that look are at most a minute late.
    for entry in [&SENSORS[..], &PARTS] {
        let asked = count(&net, entry);
        assert!((8..=12).contains(&asked), "{entry:?}: {asked}");
    }
    // In between, a poll is as cheap as it can be.
    net.asked.clear();
    net.seen.clear();
    run_without(&mut net, Duration::from_secs(60), &[&SENSORS, &PARTS]);
    let polls = net.rows(0, Group::Interfaces).len();
    assert_eq!(net.asked.len(), polls * 3, "interfaces, processors, storage");
    // It answers again, and is found.
    net.run(Duration::from_secs(3_700));
    assert_eq!(values(&net, Group::Sensors, "sensor:").len(), 2);
    assert_eq!(names(tables(&net, Group::Sensors as u32).last().unwrap())[0].2, "inlet");
}

#[test]
fn a_table_that_falls_silent_is_missed_at_every_slot_and_found_again() {
    let mut net = furnished();
    net.run(INTERVAL * 3);
    net.seen.clear();
    net.asked.clear();
    run_without(&mut net, Duration::from_secs(900), &[&STORAGE]);
    check_interfaces(&net);
    let polls = net.rows(0, Group::Interfaces).len();
    let missed =
        net.rows(0, Group::Host).iter().filter(|r| r.0.cause == Some(Cause::Timeout)).count();
    assert_eq!(missed, polls);
    assert!(count(&net, &STORAGE) < polls, "{} of {polls}", count(&net, &STORAGE));
    net.run(Duration::from_secs(1_000));
    net.seen.clear();
    net.run(INTERVAL * 2);
    assert_eq!(values(&net, Group::Host, "storage:").len(), 4);
}

#[test]
fn a_device_that_dies_in_the_middle_of_a_poll_ends_it_soon() {
    let mut net = furnished();
    net.run(INTERVAL * 3);
    net.seen.clear();
    let before = net.asked.len();
    // Only the first question of a poll is answered.
    let mut first = true;
    net.run_with(INTERVAL, &mut |_, _| {
        if std::mem::take(&mut first) { ARRIVES } else { Fate::Lost }
    });
    check_interfaces(&net);
    // The next one twice, and twice whether it is still there.
    assert_eq!(net.asked.len() - before, 5);
    let rest: Vec<_> = [Group::Host, Group::Sensors].map(|g| net.rows(0, g)).concat();
    assert_eq!(rest.len(), 3);
    assert!(rest.iter().all(|(row, _)| row.cause == Some(Cause::Timeout)));
    // That was not the tables' fault.
    net.seen.clear();
    net.run(INTERVAL * 2);
    assert!(net.rows(0, Group::Host).iter().all(|(row, _)| row.cause.is_none()));
}

#[test]
fn more_parts_than_are_kept_are_read_once_an_hour_and_name_the_sensors() {
    let mut net = furnished();
    let address = *net.routers.keys().next().unwrap();
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    for index in 10..2_500 {
        part(mib, index, 9, "slot");
    }
    net.run(Duration::from_secs(50));
    let walk = count(&net, &PARTS);
    assert!(walk > 0);
    net.run(Duration::from_secs(3_400));
    assert_eq!(count(&net, &PARTS), walk, "walked once");
    check_interfaces(&net);
    let sensors = tables(&net, Group::Sensors as u32);
    assert_eq!(
        names(sensors[0]),
        [("sensor:3", "temperature", "inlet"), ("sensor:4", "voltage", "rail")]
    );
    let parts = tables(&net, 0);
    assert_eq!((parts.len(), parts[0].objects.len()), (1, 2048));
    net.run(Duration::from_secs(300));
    assert_eq!(count(&net, &PARTS), 2 * walk);
}

/// Each answer takes two seconds, and there are many.
#[test]
fn parts_that_take_too_long_leave_time_for_the_rest_of_the_poll() {
    let mut net = furnished();
    let address = *net.routers.keys().next().unwrap();
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    for index in 10..1_500 {
        part(mib, index, 9, "slot");
    }
    let arcs = below_mib2(&PARTS);
    net.run_with(Duration::from_secs(3_000), &mut |net, _| {
        let is_slow = asks(&net.asked.last().unwrap().2, &arcs);
        Fate::Arrives { after_us: if is_slow { 900_000 } else { 2_000 } }
    });
    check_interfaces(&net);
    assert!(net.rows(0, Group::Host).iter().all(|(row, _)| row.cause.is_none()));
    assert!(count(&net, &PARTS) < 40, "{}", count(&net, &PARTS));
    assert_eq!(names(tables(&net, Group::Sensors as u32)[0])[0].2, "inlet");
    let parts = tables(&net, 0);
    assert!(parts.len() == 1 && parts[0].objects.len() > 100);
}

/// One question a second is too few for the names and the numbers of all.
#[test]
fn of_many_interfaces_asked_slowly_the_first_are_named_and_read() {
    let mut net = Net::standard();
    net.add(Router::new(Kind::MikroTik, 400, 3), SnmpVersion::V2c);
    net.targets[0].manner.request_gap = Duration::from_secs(1);
    net.targets[0].interval = Duration::from_secs(60);
    let targets = net.targets.clone();
    net.engine.set_targets(super::net::moment(net.now_us), &targets);
    net.run(Duration::from_secs(1_000));
    let rows = net.rows(0, Group::Interfaces);
    assert!(rows.len() >= 10, "{}", rows.len());
    let mut most = 0;
    for (row, schema) in &rows {
        assert_eq!(row.cause, None);
        let came = net.verify(row, schema, Duration::from_secs(61));
        assert!(came > 50 * 14 && came >= row.values.len() / 2, "{came} of {}", row.values.len());
        // What is known does not shrink for want of time.
        assert!(row.values.len() >= most);
        most = row.values.len();
    }
    let named = |event: &farwatch_proto::v1::Event| match &event.kind {
        Some(EventKind::InterfaceTable(table)) => Some(table.interfaces.len()),
        _ => None,
    };
    let named: Vec<usize> = net.events.iter().filter_map(named).collect();
    assert!(named[0] > 100 && named.is_sorted(), "{named:?}");
    assert!(net.rows(0, Group::System).iter().all(|(row, _)| row.cause.is_none()));
}

/// The interfaces take all the time of every poll.
#[test]
fn numbers_that_came_in_time_count_and_the_rest_is_missing_but_not_forgotten() {
    let (mut net, address) = Net::one(Kind::Linux, 500);
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    furnish(mib);
    for index in 100..300 {
        storage(mib, index, 4, "/mnt", (1_000, 5));
    }
    net.run(INTERVAL * 4);
    let disks = values(&net, Group::Host, "storage:").len();
    let arcs = Oid::new(&plan::if_column(8));
    net.seen.clear();
    net.run_with(Duration::from_secs(600), &mut |net, _| {
        let is_slow = asks(&net.asked.last().unwrap().2, &arcs);
        Fate::Arrives { after_us: if is_slow { 900_000 } else { 2_000 } }
    });
    assert!(net.counters.snapshot().over_budget > 8);
    assert!(net.rows(0, Group::Host).iter().all(|(row, _)| row.cause.is_none()));
    for (row, schema) in net.rows(0, Group::Interfaces) {
        assert_eq!((row.cause, row.values.len()), (None, 500 * 14));
        let came = net.verify(row, schema, Duration::from_secs(70)) / 14;
        assert!(came > 150, "{came}");
    }
    net.run(Duration::from_secs(70));
    net.seen.clear();
    net.run(INTERVAL * 2);
    check_all(&net, Group::Interfaces, 500 * 14);
    let all = values(&net, Group::Host, "storage:");
    assert!(all.len() == disks && all.iter().all(|(_, value, _)| value.is_some()));
}

fn check_all(net: &Net, group: Group, most: usize) {
    for (row, _) in net.rows(0, group) {
        assert_eq!((row.cause, row.values.iter().flatten().count()), (None, most));
    }
}

#[test]
fn parts_that_break_off_name_the_sensors_they_came_to() {
    let mut net = furnished();
    let address = *net.routers.keys().next().unwrap();
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    for index in 10..200 {
        part(mib, index, 9, "slot");
    }
    let arcs = below_mib2(&PARTS);
    let mut walked = 0;
    net.run_with(Duration::from_secs(3_000), &mut |net, _| {
        if !asks(&net.asked.last().unwrap().2, &arcs) {
            walked = 0;
            return ARRIVES;
        }
        walked += 1;
        // One row, then some more.
        if walked <= 2 { ARRIVES } else { Fate::Lost }
    });
    let sensors = tables(&net, Group::Sensors as u32);
    assert!(!sensors.is_empty());
    assert_eq!(names(sensors[0])[0], ("sensor:3", "temperature", "inlet"));
    assert!(count(&net, &PARTS) < 30, "{}", count(&net, &PARTS));
}

#[test]
fn sensors_that_found_no_room_are_told_again_although_their_parts_rest() {
    let mut net = furnished();
    run_without(&mut net, Duration::from_secs(1_000), &[&PARTS]);
    let is_sensors = |kind: &EventKind| matches!(kind, EventKind::ObjectTable(table) if table.group == Group::Sensors as u32);
    let told = net.events.iter().find(|event| event.kind.as_ref().is_some_and(is_sensors)).cloned();
    net.events.clear();
    net.engine.undelivered(&Observation::Event(told.unwrap()));
    run_without(&mut net, Duration::from_secs(80), &[&PARTS]);
    assert_eq!(names(tables(&net, Group::Sensors as u32)[0]).len(), 2);
}

/// The next stage has no room for anything for ten minutes.
#[test]
fn what_finds_no_room_is_read_again_but_not_at_every_slot() {
    let mut net = furnished();
    let facts = Oid::new(&plan::if_x_column(18));
    let of_facts = |net: &Net| net.asked.iter().filter(|(.., bytes)| asks(bytes, &facts)).count();
    let mut first = (0, 0);
    for slot in 0..60 {
        net.run(INTERVAL);
        if slot == 1 {
            first = (of_facts(&net), count(&net, &STORAGE));
        }
        for event in std::mem::take(&mut net.events) {
            net.engine.undelivered(&Observation::Event(event));
        }
    }
    // Once a minute, and not at each of the 60 slots.
    assert!((8..=11).contains(&(of_facts(&net) / first.0)), "{} {first:?}", of_facts(&net));
    net.run(Duration::from_secs(80));
    assert_eq!(net.events.iter().filter(|event| event.kind.is_some()).count(), 5);
}

#[test]
fn a_lost_row_that_says_what_a_device_lacks_is_said_again() {
    let (mut net, _) = Net::one(Kind::Linux, INTERFACES as u32);
    net.run(Duration::from_secs(100));
    let (row, schema) = (*net.rows(0, Group::Sensors)[0]).clone();
    assert_eq!(row.cause, Some(Cause::Unsupported));
    net.seen.clear();
    net.run(Duration::from_secs(400));
    assert!(net.rows(0, Group::Sensors).is_empty());
    net.engine.undelivered(&Observation::Row { row, schema });
    net.run(Duration::from_secs(600));
    assert_eq!(net.rows(0, Group::Sensors).len(), 1);
}

#[test]
fn lost_facts_are_asked_for_in_the_next_poll() {
    let mut net = furnished();
    // ifAlias: the interfaces' texts, behind the device's own.
    let arcs = Oid::new(&plan::if_x_column(18));
    let mut lost = 0;
    net.run_with(INTERVAL * 3, &mut |net, _| {
        if lost < 2 && asks(&net.asked.last().unwrap().2, &arcs) {
            lost += 1;
            return Fate::Lost;
        }
        ARRIVES
    });
    assert_eq!(lost, 2);
    check_interfaces(&net);
    let at = |wanted: fn(&EventKind) -> bool| {
        let told = net.events.iter().find(|event| event.kind.as_ref().is_some_and(wanted));
        told.map(|event| event.at_us)
    };
    let device = at(|kind| matches!(kind, EventKind::DeviceFacts(_))).unwrap();
    let table = at(|kind| matches!(kind, EventKind::InterfaceTable(_))).unwrap();
    assert!(device < table && table - device <= INTERVAL.as_micros() as i64 * 3 / 2);
}

#[test]
fn facts_that_are_never_answered_are_asked_for_less_and_less() {
    let mut net = furnished();
    let column = plan::if_x_column(18);
    let arcs = Oid::new(&column);
    run_without(&mut net, Duration::from_secs(1_200), &[&column[6..]]);
    check_interfaces(&net);
    let asked = net.asked.iter().filter(|(_, _, question)| asks(question, &arcs)).count();
    // After 1, 2, 4, 8, 16 slots, then every 300 s; each time twice.
    assert!((14..=20).contains(&asked), "{asked}");
}

/// A probe comes before facts that have failed; how it is answered is not the samples' fault.
#[test]
fn a_broken_answer_to_a_probe_is_an_answer() {
    let mut net = furnished();
    let alias = Oid::new(&plan::if_x_column(18));
    net.run_with(INTERVAL * 6, &mut |net, answer| {
        let (now_us, to, question) = net.asked.last().unwrap().clone();
        let names = Body::read(&Head::read(&question).unwrap()).unwrap().varbinds.count();
        if names > 1 && !asks(&question, &alias) {
            return ARRIVES;
        }
        net.fly(now_us + 2_000, to, answer[..answer.len() - 3].to_vec());
        Fate::Lost
    });
    assert!(net.rows(0, Group::System).iter().all(|(row, _)| row.cause.is_none()));
    check_interfaces(&net);
}

#[test]
fn a_table_that_is_refused_is_asked_for_rarely_and_after_a_restart() {
    let mut net = furnished();
    let arcs = below_mib2(&STORAGE);
    let address = *net.routers.keys().next().unwrap();
    let refuse = |net: &mut Net, span| {
        net.run_with(span, &mut |net, answer| {
            let (now_us, to, question) = net.asked.last().unwrap().clone();
            if !asks(&question, &arcs) {
                return ARRIVES;
            }
            net.fly(now_us + 2_000, to, refusal(answer, AUTHORIZATION_ERROR));
            Fate::Lost
        });
    };
    refuse(&mut net, Duration::from_secs(1_700));
    assert_eq!(count(&net, &STORAGE), 1);
    check_interfaces(&net);
    assert_eq!(values(&net, Group::Host, "cpu:").len(), 2);
    let causes: Vec<_> = net.rows(0, Group::Host).iter().filter_map(|r| r.0.cause).collect();
    assert_eq!(causes, [Cause::Auth]);
    refuse(&mut net, Duration::from_secs(500));
    assert_eq!(count(&net, &STORAGE), 2);
    net.routers.get_mut(&address).unwrap().started.0 += 86_400_000_000;
    net.run(INTERVAL);
    assert_eq!(values(&net, Group::Host, "storage:").len(), 4);
}

#[test]
fn what_a_device_lacks_is_looked_for_every_half_hour_and_after_a_restart() {
    let (mut net, address) = Net::one(Kind::Linux, INTERFACES as u32);
    net.run(Duration::from_secs(1_700));
    for entry in [&PROCESSORS[..], &STORAGE, &SENSORS] {
        assert_eq!(count(&net, entry), 1, "{entry:?}");
    }
    net.run(Duration::from_secs(500));
    assert_eq!(count(&net, &STORAGE), 2);
    let router = net.routers.get_mut(&address).unwrap();
    furnish(&mut router.mib);
    router.started.0 += 86_400_000_000;
    net.run(INTERVAL);
    assert_eq!(values(&net, Group::Host, "storage:").len(), 4);
    assert_eq!(values(&net, Group::Sensors, "sensor:").len(), 2);
}

#[test]
fn interfaces_that_a_device_lacks_are_not_asked_for_at_every_slot() {
    let (mut net, address) = Net::one(Kind::Linux, 0);
    net.run(Duration::from_secs(60));
    net.asked.clear();
    net.seen.clear();
    net.run(Duration::from_secs(1_600));
    // ifOperStatus is none of the facts.
    assert_eq!(count(&net, &[2, 2, 1, 8]), 0);
    let rows = net.rows(0, Group::Interfaces);
    assert!(rows.len() >= 159);
    assert!(rows.iter().all(|(row, _)| row.cause == Some(Cause::Unsupported)));
    assert!(net.rows(0, Group::System).iter().all(|(row, _)| row.cause.is_none()));
    // It gets some: ifNumber says so at the next slot.
    let fresh = Router::new(Kind::Linux, INTERFACES as u32, 3);
    net.routers.get_mut(&address).unwrap().mib = fresh.mib();
    net.seen.clear();
    net.run(INTERVAL);
    check_interfaces(&net);
}

/// Far more devices that are asked once a second than the window has places.
#[test]
fn devices_that_are_asked_slowly_keep_no_place_while_they_wait() {
    const SLOW: i64 = 60;
    const HEALTHY: i64 = 60;
    let mut net = Net::new(Plan::standard(), Settings { window: 4, ..Settings::default() });
    for at in 0..SLOW + HEALTHY {
        net.add(Router::new(Kind::MikroTik, 2, at as u64), SnmpVersion::V2c);
    }
    for target in &mut net.targets[..SLOW as usize] {
        target.manner.request_gap = Duration::from_secs(1);
    }
    let targets = net.targets.clone();
    net.engine.set_targets(super::net::moment(net.now_us), &targets);
    net.run(Duration::from_secs(120));
    for at in 0..SLOW + HEALTHY {
        let rows = net.rows(at, Group::Interfaces);
        assert!(rows.iter().all(|(row, _)| row.cause.is_none()), "device {at}");
        let times: Vec<i64> = rows.iter().skip(1).map(|(row, _)| row.at.0).collect();
        assert!(times.len() >= 11, "device {at}: {}", times.len());
        for pair in times.windows(2).filter(|_| at >= SLOW) {
            let off = (pair[1] - pair[0] - INTERVAL.as_micros() as i64).abs();
            assert!(off < 100_000, "device {at} is off by {off} us");
        }
    }
    assert_eq!(net.counters.snapshot().skipped_slots, 0);
    // One that goes while it waits leaves nothing behind.
    net.engine.set_targets(super::net::moment(net.now_us), &targets[SLOW as usize..]);
    net.seen.clear();
    net.run(INTERVAL * 2);
    assert!((SLOW..SLOW + HEALTHY).all(|at| net.rows(at, Group::Interfaces).len() == 2));
    net.engine.set_targets(super::net::moment(net.now_us), &[]);
    assert_eq!(net.engine.busy(), 0);
}
