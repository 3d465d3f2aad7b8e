//! The objects beside the interfaces, without sockets: what goes out of them, and that none of
//! their troubles reaches the interfaces.

use std::time::Duration;

use farwatch_agent::poll::SnmpVersion;
use farwatch_agent::poll::message::{self, Body, Head, RESPONSE};
use farwatch_agent::poll::oid::Oid;
use farwatch_common::sample::{Cause, Group, Row, Schema};
use farwatch_proto::v1::{ObjectTable, event::Kind as EventKind};
use farwatch_support::sim::mib::{Flow, Mib, Object};
use farwatch_support::sim::router::{Kind, Router};

use super::net::{Fate, INTERVAL, Net};

pub(super) const PROCESSORS: [u32; 4] = [25, 3, 3, 1];
pub(super) const STORAGE: [u32; 4] = [25, 2, 3, 1];
pub(super) const SENSORS: [u32; 4] = [99, 1, 1, 1];
pub(super) const PARTS: [u32; 5] = [47, 1, 1, 1, 1];
pub(super) const INTERFACES: usize = 3;
/// What a device lacks is looked for again within this time.
pub(super) const LOOKED_FOR_AGAIN: Duration = Duration::from_secs(2_200);

fn put(mib: &mut Mib, entry: &[u32], index: u32, columns: &[(u32, Object)]) {
    for (column, object) in columns {
        mib.put(&[entry, &[*column, index]].concat(), object.clone());
    }
}

pub(super) fn storage(
    mib: &mut Mib,
    index: u32,
    of_type: u32,
    name: &str,
    (size, used): (i64, i64),
) {
    let id = Oid::new(&[1, 3, 6, 1, 2, 1, 25, 2, 1, of_type]);
    let number = Object::Integer;
    let columns = [
        (2, Object::ObjectId(id)),
        (3, Object::text(name)),
        (4, number(4096)),
        (5, number(size)),
        (6, number(used)),
    ];
    put(mib, &STORAGE, index, &columns);
}

pub(super) fn sensor(mib: &mut Mib, index: u32, numbers: [i64; 5]) {
    let columns = (1..).zip(numbers.map(Object::Integer)).collect::<Vec<_>>();
    put(mib, &SENSORS, index, &columns);
}

pub(super) fn part(mib: &mut Mib, index: u32, class: i64, name: &str) {
    let parent = Object::Integer(i64::from(index > 1));
    let columns = [(5, Object::Integer(class)), (4, parent), (7, Object::text(name))];
    put(mib, &PARTS, index, &columns);
}

/// Two processors, a memory and a disk, two sensors of which one is broken, and their parts.
pub(super) fn furnish(mib: &mut Mib) {
    for (index, load) in [(196_608, 7), (196_609, 100)] {
        put(mib, &PROCESSORS, index, &[(2, Object::Integer(load))]);
        mib.put(&[25, 3, 2, 1, 3, index], Object::text("a core"));
    }
    storage(mib, 1, 2, "Physical memory", (1000, 250));
    storage(mib, 8, 1, "Shared memory", (0, 0));
    storage(mib, 31, 4, "/", (-2_147_483_648, 5));
    storage(mib, 40, 4, "/proc", (0, 0));
    sensor(mib, 3, [8, 9, 1, 425, 1]);
    sensor(mib, 4, [4, 8, 0, 12_000, 2]);
    sensor(mib, 5, [1, 9, 0, 7, 1]);
    for (index, class, name) in [(1, 3, "chassis"), (3, 8, "inlet"), (4, 8, "rail")] {
        part(mib, index, class, name);
    }
}

pub(super) fn furnished() -> Net {
    let (mut net, address) = Net::one(Kind::Linux, INTERFACES as u32);
    furnish(&mut net.routers.get_mut(&address).unwrap().mib);
    net
}

/// The values of the last row of a group that has a column of this name.
pub(super) fn values(net: &Net, group: Group, prefix: &str) -> Vec<(String, Option<i64>, i8)> {
    let of = |(row, schema): &&&(Row, std::sync::Arc<Schema>)| {
        row.cause.is_none() && schema.columns.iter().any(|c| c.object.starts_with(prefix))
    };
    let rows = net.rows(0, group);
    let (row, schema) = rows.iter().rev().find(of).unwrap();
    let name = |at: usize| {
        let column = &schema.columns[at];
        (format!("{} {}", column.object, column.metric), row.values[at], column.exponent)
    };
    (0..row.values.len()).map(name).collect()
}

pub(super) fn tables(net: &Net, group: u32) -> Vec<&ObjectTable> {
    let all = net.events.iter().filter_map(|event| match &event.kind {
        Some(EventKind::ObjectTable(table)) if table.group == group => Some(table),
        _ => None,
    });
    all.collect()
}

pub(super) fn names(table: &ObjectTable) -> Vec<(&str, &str, &str)> {
    let facts = table.objects.iter();
    facts.map(|facts| (&facts.object[..], &facts.kind[..], &facts.name[..])).collect()
}

#[test]
fn numbers_and_names_of_all_objects_come_out() {
    let mut net = furnished();
    net.run(INTERVAL * 2);
    let own = |name: &str, value, exponent| (name.to_owned(), value, exponent);
    assert_eq!(
        values(&net, Group::Host, "cpu:"),
        [
            own("cpu:196608 cpu_busy_percent", Some(7), 0),
            own("cpu:196609 cpu_busy_percent", Some(100), 0)
        ]
    );
    assert_eq!(
        values(&net, Group::Host, "storage:"),
        [
            own("memory:1 memory_size_bytes", Some(4_096_000), 0),
            own("memory:1 memory_used_bytes", Some(1_024_000), 0),
            own("storage:31 storage_size_bytes", Some(8_796_093_022_208), 0),
            own("storage:31 storage_used_bytes", Some(20_480), 0)
        ]
    );
    assert_eq!(
        values(&net, Group::Sensors, "sensor:"),
        [
            own("sensor:3 temperature_celsius", Some(425), -1),
            own("sensor:4 voltage_volts", None, -3)
        ]
    );
    let host = tables(&net, Group::Host as u32);
    assert_eq!(host.len(), 1);
    assert_eq!(
        names(host[0]),
        [
            ("cpu:196608", "processor", "a core"),
            ("cpu:196609", "processor", "a core"),
            ("memory:1", "ram", "Physical memory"),
            ("storage:31", "fixed_disk", "/")
        ]
    );
    let sensors = tables(&net, Group::Sensors as u32);
    assert_eq!(
        names(sensors[0]),
        [("sensor:3", "temperature", "inlet"), ("sensor:4", "voltage", "rail")]
    );
    let parts = tables(&net, 0);
    assert_eq!(
        names(parts[0]),
        [
            ("part:1", "chassis", "chassis"),
            ("part:3", "sensor", "inlet"),
            ("part:4", "sensor", "rail")
        ]
    );
    assert_eq!(parts[0].objects[1].parent, "part:1");
    // Told once, however often they are read.
    net.events.clear();
    net.run(Duration::from_secs(3700));
    assert!(net.events.is_empty(), "{:?}", net.events);
}

/// Load, memory and processor of UCD-SNMP-MIB; the processor by its counters alone.
#[test]
fn ucd_stands_in_where_nothing_else_tells() {
    let (mut net, address) = Net::one(Kind::Linux, INTERFACES as u32);
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    let number = Object::Integer;
    let counter = |per_hour| {
        Object::Counter32(Flow { base: 4_294_960_000, per_hour, pulse: None, turns: None })
    };
    for (tail, object) in [
        (&[4, 5, 0][..], number(1000)),
        (&[4, 6, 0], number(400)),
        (&[4, 15, 0], number(100)),
        (&[10, 1, 5, 1], number(185)),
        (&[11, 50, 0], counter(60_000)),
        (&[11, 51, 0], counter(0)),
        (&[11, 52, 0], counter(30_000)),
        (&[11, 53, 0], counter(270_000)),
    ] {
        mib.put_at(&[&[1, 3, 6, 1, 4, 1, 2021], tail].concat(), object);
    }
    net.run(INTERVAL * 5);
    let found = values(&net, Group::Host, "cpu:");
    let value = |name: &str| {
        let of = found.iter().find(|(found, ..)| found == name);
        of.map(|(_, value, exponent)| (*value, *exponent))
    };
    assert_eq!(value("memory:ucd memory_size_bytes"), Some((Some(1_024_000), 0)));
    assert_eq!(value("memory:ucd memory_used_bytes"), Some((Some(512_000), 0)));
    assert_eq!(value(" load_1m_ratio"), Some((Some(185), -2)));
    assert_eq!(value(" load_5m_ratio"), None);
    assert_eq!(value("cpu:ucd cpu_busy_percent"), Some((Some(25), 0)));
    let host = tables(&net, Group::Host as u32);
    assert_eq!(names(host[0]), [("memory:ucd", "ram", ""), ("cpu:ucd", "processor", "")]);

    // With a processor and a memory of the host's own only the load is left.
    furnish(&mut net.routers.get_mut(&address).unwrap().mib);
    net.run(LOOKED_FOR_AGAIN);
    assert_eq!(values(&net, Group::Host, "").last().unwrap().0, " load_1m_ratio");
    assert_eq!(values(&net, Group::Host, "cpu:").len(), 2);
}

#[test]
fn what_a_device_lacks_is_said_once_and_not_asked_for_again() {
    let (mut net, _) = Net::one(Kind::Linux, INTERFACES as u32);
    net.run(INTERVAL * 2);
    for group in [Group::Host, Group::Sensors] {
        let rows = net.rows(0, group);
        assert_eq!(rows.len(), 1, "{group:?}");
        assert_eq!(rows[0].0.cause, Some(Cause::Unsupported));
    }
    net.asked.clear();
    net.seen.clear();
    net.run(INTERVAL * 20);
    assert_eq!(net.rows(0, Group::Host).len() + net.rows(0, Group::Sensors).len(), 0);
    // One question takes a whole poll of three interfaces.
    assert_eq!(net.asked.len(), net.rows(0, Group::Interfaces).len());
    // Looked for again, it is told once as well.
    net.run(LOOKED_FOR_AGAIN);
    assert_eq!(net.rows(0, Group::Host).len() + net.rows(0, Group::Sensors).len(), 0);
}

#[test]
fn a_table_that_goes_is_missed_once_and_one_that_comes_is_found() {
    let mut net = furnished();
    net.run(INTERVAL * 2);
    let address = *net.routers.keys().next().unwrap();
    let mib = &mut net.routers.get_mut(&address).unwrap().mib;
    for index in [3, 4, 5] {
        (1..=5).for_each(|column| mib.remove(&[&SENSORS[..], &[column, index]].concat()));
    }
    net.seen.clear();
    net.run(Duration::from_secs(320));
    let rows = net.rows(0, Group::Sensors);
    let causes: Vec<_> = rows.iter().map(|(row, _)| row.cause).collect();
    assert_eq!(causes.iter().flatten().count(), 1, "{causes:?}");
    assert_eq!(causes.last(), Some(&Some(Cause::Unsupported)));

    sensor(&mut net.routers.get_mut(&address).unwrap().mib, 9, [10, 9, 0, 4200, 1]);
    net.seen.clear();
    net.events.clear();
    net.run(LOOKED_FOR_AGAIN);
    let fan = ("sensor:9 fan_speed_rpm".to_owned(), Some(4200), 0);
    assert_eq!(values(&net, Group::Sensors, "sensor:"), [fan]);
    assert_eq!(names(tables(&net, Group::Sensors as u32)[0]), [("sensor:9", "fan", "")]);
}

/// What happens to the answers of one table, from the first poll or once it is known.
fn troubled(entry: &[u32], known: bool, trouble: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> Net {
    let mut net = furnished();
    if known {
        net.run(INTERVAL * 2);
        net.seen.clear();
    }
    let arcs = Oid::new(&[&[1, 3, 6, 1, 2, 1][..], entry].concat());
    net.run_with(INTERVAL * 6, &mut |net, answer| {
        let (now_us, to, question) = net.asked.last().unwrap().clone();
        let asks = question.windows(arcs.as_bytes().len()).any(|bytes| bytes == arcs.as_bytes());
        if !asks {
            return Fate::Arrives { after_us: 2_000 };
        }
        if let Some(other) = trouble(answer) {
            net.fly(now_us + 2_000, to, other);
        }
        Fate::Lost
    });
    net
}

/// The answer to the same question, with an error and no variables.
pub(super) fn refusal(answer: &[u8], status: u32) -> Vec<u8> {
    let head = Head::read(answer).unwrap();
    assert!(Body::read(&head).is_ok());
    let mut writer = message_writer();
    let id = i32::try_from(head.request_id).unwrap();
    message::write(&mut writer, 1, head.community, RESPONSE, (id, status, 1), |_| {});
    writer.finish().unwrap().to_vec()
}

fn message_writer() -> farwatch_agent::poll::ber::Writer {
    farwatch_agent::poll::ber::Writer::new(512)
}

#[test]
fn a_table_in_trouble_has_its_cause_and_harms_no_other() {
    const GEN_ERR: u32 = 5;
    const TOO_BIG: u32 = 1;
    type Trouble = (&'static str, fn(&[u8]) -> Option<Vec<u8>>, Cause);
    let troubles: [Trouble; 4] = [
        ("silence", |_| None, Cause::Timeout),
        ("genErr", |answer| Some(refusal(answer, GEN_ERR)), Cause::Unsupported),
        ("tooBig", |answer| Some(refusal(answer, TOO_BIG)), Cause::Budget),
        ("cut", |answer| Some(answer[..answer.len() - 3].to_vec()), Cause::Malformed),
    ];
    for (name, trouble, cause) in troubles {
        for (entry, group, prefix) in
            [(&STORAGE[..], Group::Host, "storage:"), (&SENSORS[..], Group::Sensors, "sensor:")]
        {
            for known in [false, true] {
                let net = troubled(entry, known, &mut { trouble });
                let what = format!("{name}, {prefix}, {known}");
                let interfaces = net.rows(0, Group::Interfaces);
                assert!(interfaces.len() >= 5, "{what}");
                for (row, schema) in interfaces {
                    assert_eq!(row.cause, None, "{what}");
                    assert_eq!(row.values.len(), INTERFACES * 14, "{what}");
                    net.verify(row, schema, Duration::from_secs(1));
                }
                assert!(net.rows(0, Group::System).iter().all(|(row, _)| row.cause.is_none()));
                let of_table = |schema: &Schema| {
                    schema.columns.is_empty()
                        || schema.columns.iter().any(|c| c.object.starts_with(prefix))
                };
                let rows: Vec<_> =
                    net.rows(0, group).into_iter().filter(|(_, s)| of_table(s)).collect();
                assert!(!rows.is_empty(), "{what}");
                assert!(rows.iter().all(|(row, _)| row.cause == Some(cause)), "{what}: {rows:?}");
                // A table that was known is missed at every slot.
                assert!(!known || rows.len() >= 5, "{what}");
                assert_eq!(values(&net, Group::Host, "cpu:").len(), 2, "{what}");
            }
        }
    }
}

#[test]
fn an_error_that_passes_leaves_no_trace() {
    let mut at = 0;
    let net = troubled(&STORAGE, false, &mut |answer| {
        at += 1;
        if at % 3 == 1 { Some(refusal(answer, 5)) } else { Some(answer.to_vec()) }
    });
    assert!(net.rows(0, Group::Host).iter().all(|(row, _)| row.cause.is_none()));
    assert_eq!(values(&net, Group::Host, "storage:").len(), 4);
}

#[test]
fn objects_are_read_by_v1_too() {
    let mut net = Net::standard();
    let address = net.add(Router::new(Kind::Linux, 3, 3), SnmpVersion::V1);
    furnish(&mut net.routers.get_mut(&address).unwrap().mib);
    net.run(INTERVAL * 2);
    assert_eq!(values(&net, Group::Host, "cpu:").len(), 2);
    assert_eq!(values(&net, Group::Host, "storage:").len(), 4);
    assert_eq!(values(&net, Group::Sensors, "sensor:").len(), 2);
}

#[test]
fn after_a_restart_the_objects_are_looked_at_anew() {
    let mut net = furnished();
    net.run(INTERVAL * 3);
    let address = *net.routers.keys().next().unwrap();
    let router = net.routers.get_mut(&address).unwrap();
    router.started.0 += 86_400_000_000;
    // The index of the first disk has become another's.
    storage(&mut router.mib, 31, 9, "flash", (500, 5));
    storage(&mut router.mib, 32, 4, "/", (900, 9));
    net.events.clear();
    net.seen.clear();
    net.run(INTERVAL);
    let host = tables(&net, Group::Host as u32);
    let found = names(host[0]);
    assert_eq!(
        found[3..],
        [("storage:31", "flash_memory", "flash"), ("storage:32", "fixed_disk", "/")]
    );
    let storages = values(&net, Group::Host, "storage:");
    assert_eq!(storages[2].1, Some(500 * 4096));
    assert_eq!(storages[4].1, Some(900 * 4096));
}
