//! The engine's behaviour on a good line, without sockets.

use std::collections::BTreeSet;
use std::time::Duration;

use farwatch_agent::poll::engine::Settings;
use farwatch_agent::poll::message::{GET, Head};
use farwatch_agent::poll::plan::{self, Plan, Scalar, Table, TableMetric};
use farwatch_agent::poll::{Access, SnmpVersion};
use farwatch_common::sample::{Cause, Group, MetricKind, Unit};
use farwatch_proto::v1::event::Kind as EventKind;
use farwatch_support::sim::fault::Fault;
use farwatch_support::sim::mib::Object;
use farwatch_support::sim::router::{Kind, Router};

use super::net::{Fate, INTERVAL, Net, moment};

/// One poll takes no longer than this on the net's line.
const SLACK: Duration = Duration::from_secs(1);

#[test]
fn every_kind_of_router_gives_all_its_values_by_v1_and_v2c() {
    for kind in Kind::ALL {
        for (version, wide) in
            [(SnmpVersion::V2c, true), (SnmpVersion::V1, true), (SnmpVersion::V2c, false)]
        {
            let mut net = Net::standard();
            net.add(Router { wide, ..Router::new(kind, 12, 5) }, version);
            net.run(INTERVAL * 3);
            let rows = net.rows(0, Group::Interfaces);
            assert!(rows.len() >= 2, "{kind:?} {version:?}");
            // v1 cannot carry 64 bits, a plain ifTable has neither multicasts nor broadcasts.
            let per_interface = if wide { 14 } else { 10 };
            for (row, schema) in rows {
                assert_eq!(row.cause, None, "{kind:?} {version:?}");
                assert_eq!(net.verify(row, schema, SLACK), 12 * per_interface);
                let octets = schema.columns.iter().find(|c| c.metric == "if_in_octets_total");
                let wanted = match (version, wide) {
                    (SnmpVersion::V2c, true) => MetricKind::Counter64,
                    _ => MetricKind::Counter32,
                };
                assert_eq!(octets.unwrap().kind, wanted);
            }
            let (row, schema) = net.rows(0, Group::System)[0];
            assert_eq!(net.verify_system(row, schema), 3);
        }
    }
}

#[test]
fn facts_come_first_and_again_only_when_they_change() {
    let (mut net, address) = Net::one(Kind::Cisco, 4);
    net.run(Duration::from_secs(700));
    assert_eq!(net.events.len(), 2);
    let Some(EventKind::DeviceFacts(facts)) = &net.events[0].kind else { panic!() };
    assert_eq!(facts.sys_descr, "Cisco IOS XE Software Version 17.9 (simulated)");
    assert_eq!(facts.sys_location, "Bureau Zürich");
    assert_eq!(facts.sys_object_id, "1.3.6.1.4.1.9.1.2494");
    let Some(EventKind::InterfaceTable(table)) = &net.events[1].kind else { panic!() };
    assert_eq!(table.interfaces.len(), 4);
    assert_eq!(table.interfaces[0].name, "TenGigabitEthernet0/1/0");
    assert_eq!(table.interfaces[0].speed_bps, 10_000_000_000);
    assert_eq!(table.interfaces[0].mac.len(), 6);

    net.routers.get_mut(&address).unwrap().mib.put(&[1, 5, 0], Object::text("renamed\x07"));
    net.run(Duration::from_secs(330));
    assert_eq!(net.events.len(), 3);
    let Some(EventKind::DeviceFacts(facts)) = &net.events[2].kind else { panic!() };
    assert_eq!(facts.sys_name, "renamed");
}

#[test]
fn a_restart_and_a_new_interface_are_noticed_in_the_same_poll() {
    let (mut net, address) = Net::one(Kind::MikroTik, 4);
    net.run(Duration::from_secs(30));
    let fresh = Router::new(Kind::MikroTik, 5, 3);
    let router = net.routers.get_mut(&address).unwrap();
    router.mib = fresh.mib();
    router.started.0 += 86_400_000_000;
    net.events.clear();
    net.seen.clear();
    net.run(INTERVAL);
    assert!(
        matches!(&net.events[0].kind, Some(EventKind::InterfaceTable(t)) if t.interfaces.len() == 5)
    );
    let (row, schema) = net.rows(0, Group::Interfaces)[0];
    assert_eq!(net.verify(row, schema, SLACK), 5 * 14);
}

#[test]
fn holes_are_missing_values_and_never_shift_others() {
    let (mut net, address) = Net::one(Kind::Juniper, 9);
    let router = net.routers.get_mut(&address).unwrap();
    // No 64-bit octets and no ifOutErrors on one interface, no ifTable row for another.
    router.mib.remove(&[31, 1, 1, 1, 6, 513]);
    router.mib.remove(&[2, 2, 1, 20, 513]);
    for column in 1..=20 {
        router.mib.remove(&[2, 2, 1, column, 519]);
    }
    net.run(Duration::from_secs(30));
    for (row, schema) in net.rows(0, Group::Interfaces) {
        assert_eq!(net.verify(row, schema, SLACK), 9 * 14 - 1 - 6);
        let of = |metric: &str| {
            let here =
                |c: &&farwatch_common::sample::Column| c.object == "if:513" && c.metric == metric;
            schema.columns.iter().find(here).map(|column| column.kind)
        };
        assert_eq!(of("if_in_octets_total"), Some(MetricKind::Counter32));
        assert_eq!(of("if_out_octets_total"), Some(MetricKind::Counter64));
        assert_eq!(of("if_out_errors_total"), None);
    }
    // A value that goes missing later is a hole in the same schema.
    let before = net.rows(0, Group::Interfaces).last().unwrap().0.schema;
    net.routers.get_mut(&address).unwrap().mib.remove(&[2, 2, 1, 14, 507]);
    net.seen.clear();
    net.run(INTERVAL);
    let (row, schema) = net.rows(0, Group::Interfaces)[0];
    assert_eq!(row.schema, before);
    assert_eq!(row.values.iter().filter(|value| value.is_none()).count(), 1);
    net.verify(row, schema, SLACK);
}

#[test]
fn a_device_without_interfaces_says_so() {
    let (mut net, _) = Net::one(Kind::Linux, 0);
    net.run(INTERVAL);
    assert_eq!(net.rows(0, Group::Interfaces)[0].0.cause, Some(Cause::Unsupported));
    assert_eq!(net.rows(0, Group::System)[0].0.values.len(), 3);
}

#[test]
fn of_a_table_beyond_the_limit_the_first_rows_are_read() {
    for version in [SnmpVersion::V2c, SnmpVersion::V1] {
        let mut net = Net::standard();
        let address = net.add(Router::new(Kind::MikroTik, 1_100, 3), version);
        net.run(Duration::from_secs(40));
        check_first_rows(&net);
        let Some(EventKind::InterfaceTable(table)) = &net.events[1].kind else { panic!() };
        let indexes: Vec<u32> = table.interfaces.iter().map(|interface| interface.index).collect();
        assert_eq!(indexes, (1..=1_024).collect::<Vec<u32>>());
        assert!(table.interfaces.iter().all(|interface| !interface.name.is_empty()));
        let counted = net.counters.snapshot();
        assert_eq!((counted.over_budget, counted.failed), (0, 0));
        assert!(counted.cut_tables > 0);
        // A hole in the last row, behind which there are others, is a hole and no news.
        net.run(Duration::from_secs(20));
        net.routers.get_mut(&address).unwrap().mib.remove(&[2, 2, 1, 14, 1_024]);
        net.seen.clear();
        net.asked.clear();
        net.run(Duration::from_secs(40));
        check_first_rows(&net);
        let polls = net.rows(0, Group::Interfaces).len();
        let schemas: BTreeSet<_> = net.seen.iter().map(|(row, _)| row.schema.0).collect();
        assert_eq!(schemas.len(), 2, "{version:?}");
        assert!(polls >= 2 && net.events.len() == 2, "{version:?}: {polls}");
    }
}

fn check_first_rows(net: &Net) {
    let rows = net.rows(0, Group::Interfaces);
    assert!(!rows.is_empty());
    for (row, schema) in rows {
        assert_eq!(row.cause, None);
        let compared = net.verify(row, schema, Duration::from_secs(20));
        assert!((1_024 * 14 - 1..=1_024 * 14).contains(&compared), "{compared}");
    }
    assert!(net.rows(0, Group::System).iter().all(|(row, _)| row.cause.is_none()));
}

#[test]
fn a_row_that_comes_among_as_many_as_are_kept_is_found() {
    let (mut net, address) = Net::one(Kind::Linux, 1_100);
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    let whole = Router::new(Kind::Linux, 1_100, 3).mib();
    let columns: Vec<Vec<u32>> = (1..=20)
        .map(|column| vec![2, 2, 1, column, 7])
        .chain((1..=18).map(|column| vec![31, 1, 1, 1, column, 7]))
        .collect();
    columns.iter().for_each(|name| mib.remove(name));
    net.run(Duration::from_secs(90));
    let has = |net: &Net, object: &str| {
        let rows = net.rows(0, Group::Interfaces);
        let (row, schema) = rows.last().unwrap();
        assert_eq!((row.cause, row.values.len()), (None, 1_024 * 14));
        schema.columns.iter().any(|column| column.object == object)
    };
    assert!(has(&net, "if:1025") && !has(&net, "if:7"));
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    for name in &columns {
        if let Some(object) = whole.get(&plan::mib2(name)) {
            mib.put(name, object.clone());
        }
    }
    net.run(Duration::from_secs(90));
    assert!(has(&net, "if:7") && !has(&net, "if:1025"));
}

/// The reference job: 4 scalars and 24 interfaces by 7 columns in three questions.
#[test]
fn a_poll_takes_the_fewest_questions() {
    let column =
        |name: &str, oid, kind| TableMetric::new(name, Unit::One, vec![(oid, kind).into()]);
    let mut metrics = Vec::new();
    for at in [6, 10] {
        let oid = plan::if_x_column(at);
        metrics.push(column(&format!("x{at}"), oid, MetricKind::Counter64));
    }
    for at in [14, 20, 13, 19, 8] {
        let oid = plan::if_column(at);
        metrics.push(column(&format!("i{at}"), oid, MetricKind::Counter32));
    }
    let plan = Plan {
        scalars: vec![Scalar::uptime()],
        tables: vec![Table::alike(Group::Interfaces, "if", metrics)],
        subjects: Vec::new(),
        facts_every: None,
    };
    let mut net = Net::new(plan, Settings::default());
    net.add(Router::new(Kind::MikroTik, 24, 1), SnmpVersion::V2c);
    net.run(Duration::from_secs(60));
    net.asked.clear();
    net.seen.clear();
    net.run(INTERVAL);
    assert_eq!(net.rows(0, Group::Interfaces)[0].0.values.iter().flatten().count(), 168);
    assert_eq!(net.asked.len(), 3);
}

#[test]
fn dead_devices_delay_nobody_and_are_only_probed_after_a_while() {
    let mut net = Net::new(Plan::standard(), Settings { window: 64, ..Settings::default() });
    for at in 0..200 {
        let address = net.add(Router::new(Kind::MikroTik, 2, at), SnmpVersion::V2c);
        if at % 10 == 0 {
            net.routers.get_mut(&address).unwrap().fault = Fault::Silent;
        }
    }
    net.run(Duration::from_secs(120));
    for at in 0..200 {
        let rows = net.rows(at, Group::Interfaces);
        if at % 10 == 0 {
            assert!(rows.iter().all(|(row, _)| row.cause == Some(Cause::Timeout)));
            continue;
        }
        // Each on its own place of the interval, never late.
        let times: Vec<i64> = rows.iter().skip(1).map(|(row, _)| row.at.0).collect();
        assert!(times.len() >= 11);
        for pair in times.windows(2) {
            let off = (pair[1] - pair[0] - INTERVAL.as_micros() as i64).abs();
            assert!(off < 100_000, "device {at} is off by {off} us");
        }
    }
    // Spread: no tenth of the interval holds more than a fifth of the devices.
    let tenth = |at: i64| at / (INTERVAL.as_micros() as i64 / 10) % 10;
    let mut load = [0; 10];
    for at in (0..200).filter(|at| at % 10 != 0) {
        load[tenth(net.rows(at, Group::System).last().unwrap().0.at.0) as usize] += 1;
    }
    assert!(load.iter().all(|devices| *devices < 36), "{load:?}");

    let dead = net.targets[0].host.parse::<std::net::IpAddr>().unwrap();
    net.asked.clear();
    net.run(INTERVAL * 3);
    let probes: Vec<_> = net.asked.iter().filter(|(_, to, _)| to.ip() == dead).collect();
    assert_eq!(probes.len(), 3);
    assert!(probes.iter().all(|(_, _, bytes)| Head::read(bytes).unwrap().pdu == GET));

    net.routers.get_mut(&(dead, 161).into()).unwrap().fault = Fault::None;
    net.seen.clear();
    net.run(INTERVAL);
    let (row, schema) = net.rows(0, Group::Interfaces)[0];
    assert_eq!(net.verify(row, schema, SLACK), 2 * 14);
}

#[test]
fn without_room_behind_it_slots_are_skipped_and_counted() {
    let (mut net, _) = Net::one(Kind::Linux, 3);
    net.engine.set_room(false);
    net.run(INTERVAL * 5);
    assert!(net.asked.is_empty());
    assert!(net.counters.snapshot().skipped_slots >= 4);
    net.engine.set_room(true);
    net.run(INTERVAL);
    assert_eq!(net.rows(0, Group::Interfaces).len(), 1);
}

#[test]
fn an_answer_from_another_address_counts_and_is_remembered() {
    let (mut net, address) = Net::one(Kind::EdgeOs, 2);
    let other = "10.9.9.9:161".parse().unwrap();
    net.run_with(INTERVAL * 2, &mut |net, answer| {
        net.fly(net.now_us + 1000, other, answer.to_vec());
        Fate::Lost
    });
    assert!(net.rows(0, Group::Interfaces).iter().all(|(row, _)| row.cause.is_none()));
    assert!(net.counters.snapshot().foreign_source > 0);
    assert_eq!(net.engine.answers_from(net.targets[0].device), Some(other.ip()));
    let told = |net: &Net| {
        net.events.iter().rev().find_map(|event| match &event.kind {
            Some(EventKind::DeviceFacts(facts)) => Some(facts.answers_from.clone()),
            _ => None,
        })
    };
    assert_eq!(told(&net).as_deref(), Some("10.9.9.9"));
    // From its own address again.
    net.run(INTERVAL * 40);
    assert_eq!(told(&net).as_deref(), Some(""));
    assert!(net.asked.iter().all(|(_, to, _)| *to == address));
}

#[test]
fn changed_targets_leave_the_others_alone() {
    let mut net = Net::standard();
    for at in 0..3 {
        net.add(Router::new(Kind::Linux, 2, at), SnmpVersion::V2c);
    }
    net.run(INTERVAL);
    let events = net.events.len();
    let mut list = net.targets.clone();
    list[1].access = Access::Community { version: SnmpVersion::V2c, community: "other".into() };
    list.remove(0);
    net.engine.set_targets(moment(net.now_us), &list);
    net.seen.clear();
    net.run(INTERVAL * 2);
    assert!(net.rows(0, Group::System).is_empty());
    assert!(net.rows(1, Group::System).iter().all(|(row, _)| row.cause == Some(Cause::Timeout)));
    assert!(net.rows(2, Group::System).iter().all(|(row, _)| row.cause.is_none()));
    assert_eq!(net.events.len(), events);
    net.engine.set_targets(moment(net.now_us), &[]);
    net.run(INTERVAL);
    assert_eq!(net.engine.busy(), 0);
    assert_eq!(net.engine.wake_us(), None);
}

/// The first asking is answered after the second one was sent.
#[test]
fn a_device_that_takes_longer_than_the_first_time_out_is_heard() {
    for after_us in [1_500_000, 2_700_000] {
        let (mut net, _) = Net::one(Kind::Cisco, 2);
        net.targets[0].interval = Duration::from_secs(60);
        let targets = net.targets.clone();
        net.engine.set_targets(moment(net.now_us), &targets);
        net.run(INTERVAL);
        net.seen.clear();
        net.run_with(Duration::from_secs(280), &mut |_, _| Fate::Arrives { after_us });
        let rows = net.rows(0, Group::Interfaces);
        assert!(rows.len() >= 4, "{after_us}: {}", rows.len());
        for (row, schema) in rows {
            assert_eq!(row.cause, None, "{after_us}");
            assert_eq!(net.verify(row, schema, Duration::from_secs(4)), 2 * 14);
        }
        let counted = net.counters.snapshot();
        assert!(counted.timeouts > 0 && counted.late_replies > 0, "{counted:?}");
        assert_eq!((counted.failed, counted.malformed), (0, 0));
    }
}

#[test]
fn devices_of_one_shape_share_their_schema() {
    let mut net = Net::standard();
    for at in 0..20 {
        net.add(Router::new(Kind::Cisco, 6, at), SnmpVersion::V2c);
    }
    net.run(INTERVAL * 2);
    let rows = net.seen.iter().filter(|(row, _)| row.group == Group::Interfaces);
    let shared: BTreeSet<_> = rows.map(|(_, schema)| std::sync::Arc::as_ptr(schema)).collect();
    assert_eq!(shared.len(), 1);
}
