//! A device that is asked in more than one way.

use farwatch_common::sample::{Column, Group, MetricKind, Row, Schema, Unit};

use super::*;
use crate::live::view::State;

fn ping_schema() -> Schema {
    let column = |metric: &str, unit, exponent| Column {
        object: String::new(),
        metric: metric.into(),
        kind: if unit == Unit::One { MetricKind::State } else { MetricKind::Gauge },
        unit,
        exponent,
    };
    let columns = vec![
        column("icmp_up", Unit::One, 0),
        column("icmp_loss_percent", Unit::Percent, -2),
        column("icmp_rtt_seconds", Unit::Seconds, -6),
        column("icmp_jitter_seconds", Unit::Seconds, -6),
        column("icmp_unreachable", Unit::One, 0),
    ];
    Schema { group: Group::Ping, columns }
}

fn ping(second: i64, values: [Option<i64>; 5]) -> (Row, Arc<Layout>) {
    let schema = ping_schema();
    let row = Row {
        device: DEVICE,
        group: Group::Ping,
        schema: schema.id(),
        at: at(second),
        cause: None,
        values: values.to_vec(),
    };
    (row, Arc::new(Layout::new(&schema)))
}

const ANSWERED: [Option<i64>; 5] = [Some(1), Some(1000), Some(1500), Some(200), Some(0)];
const LOST: [Option<i64>; 5] = [Some(0), Some(10_000), None, None, Some(0)];
/// The network has said that there is no way.
const NO_WAY: [Option<i64>; 5] = [Some(0), Some(10_000), None, None, Some(1)];

#[test]
fn each_way_has_its_own_word_and_both_make_the_state() {
    let mut fleet = fleet();
    let apply = |fleet: &mut Fleet, (row, layout): (Row, Arc<Layout>)| {
        let when = row.at;
        fleet.apply(row, &layout, when);
    };
    apply(&mut fleet, ping(1, ANSWERED));
    let device = fleet.device(TENANT, DEVICE).unwrap();
    assert_eq!((device.state, device.snmp_poll), (State::Up, None));
    assert_eq!((device.rtt_ms, device.last_sample_at), (Some(1.5), Some(at(1))));
    let icmp = device.icmp.unwrap();
    assert_eq!((icmp.loss_percent, icmp.jitter_ms, icmp.at), (Some(10.0), Some(0.2), Some(at(1))));

    // Its SNMP is silent: it is alive and not well.
    for second in [2, 62, 122, 182] {
        let mut failed = alive(DEVICE, second);
        failed.cause = Some(Cause::Timeout);
        failed.values.clear();
        let layout = Arc::new(Layout::new(&system()));
        apply(&mut fleet, (failed, layout));
        apply(&mut fleet, ping(second + 1, ANSWERED));
    }
    let device = fleet.device(TENANT, DEVICE).unwrap();
    assert_eq!((device.state, device.cause), (State::Degraded, Some("timeout")));
    let told = device.snmp_poll.unwrap();
    assert_eq!((told.state, told.cause, told.at), (State::Down, Some("timeout"), Some(at(182))));
    assert_eq!(device.icmp.unwrap().state, State::Up);

    apply(&mut fleet, ping(243, LOST));
    let device = fleet.device(TENANT, DEVICE).unwrap();
    assert_eq!((device.state, device.rtt_ms), (State::Down, None));
    assert_eq!(device.icmp.unwrap().loss_percent, Some(100.0));

    apply(&mut fleet, ping(244, NO_WAY));
    let icmp = fleet.device(TENANT, DEVICE).unwrap().icmp.unwrap();
    assert_eq!((icmp.cause, icmp.loss_percent), (Some("unreachable"), Some(100.0)));

    // Nothing more is heard of either way: what they told gets old, each at its time.
    fleet.heard(AGENT, at(500));
    fleet.expire(at(483));
    fleet.heard(AGENT, at(544));
    fleet.expire(at(544));
    let device = fleet.device(TENANT, DEVICE).unwrap();
    assert_eq!((device.state, device.cause), (State::Unknown, Some("stale")));
    assert_eq!(device.icmp.unwrap().cause, Some("stale"));
}
