//! The reference load: 100 devices, every 60 s, spread over the interval; 24 interfaces of seven
//! values and two values of the system each. One-second batches hold 1.67 polls of one class.

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Column, Group, MetricKind, Row, Schema, SchemaId, Unit};

pub const DEVICES: i64 = 100;
/// Number of the first device.
pub const FIRST_DEVICE: i64 = 1000;
const INTERFACES: u32 = 24;
const INTERVAL_S: i64 = 60;
/// Second zero of the load, in Unix seconds.
pub const START: i64 = 1_767_225_600;
const METRICS: [(&str, MetricKind, Unit); 7] = [
    ("if_in_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_out_octets_total", MetricKind::Counter64, Unit::Bytes),
    ("if_in_unicast_packets_total", MetricKind::Counter64, Unit::Packets),
    ("if_out_unicast_packets_total", MetricKind::Counter64, Unit::Packets),
    ("if_in_errors_total", MetricKind::Counter32, Unit::Packets),
    ("if_out_errors_total", MetricKind::Counter32, Unit::Packets),
    ("if_oper_status", MetricKind::State, Unit::One),
];

/// Pseudo-random and the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// A number from 0 to `below`, exclusive.
    pub fn roll(&mut self, below: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below) as i64
    }
}

/// Seven values of each interface.
#[must_use]
pub fn interfaces() -> Schema {
    let columns = (1..=INTERFACES).flat_map(|index| {
        METRICS.iter().map(move |(metric, kind, unit)| Column {
            object: format!("if:{index}"),
            metric: (*metric).into(),
            kind: *kind,
            unit: *unit,
            exponent: 0,
        })
    });
    Schema { group: Group::Interfaces, columns: columns.collect() }
}

/// Two values of the system.
#[must_use]
pub fn system() -> Schema {
    let column = |metric: &str, kind, unit, exponent| Column {
        object: String::new(),
        metric: metric.into(),
        kind,
        unit,
        exponent,
    };
    Schema {
        group: Group::System,
        columns: vec![
            column("snmp_up", MetricKind::State, Unit::One, 0),
            column("sys_uptime_seconds", MetricKind::Gauge, Unit::Seconds, -2),
        ],
    }
}

/// How polls are put into batches.
#[derive(Clone, Copy)]
pub enum Shape {
    /// What the agent sends while it is connected: 1.67 polls.
    Seconds,
    /// What it sends after an outage: ten polls of each of ten devices.
    TenPolls,
}

/// The polls of a site: 8 of 24 interfaces are down, 5 nearly idle.
pub struct Site {
    dice: Dice,
    values: Vec<Vec<i64>>,
    interfaces: SchemaId,
    system: SchemaId,
}

impl Site {
    #[must_use]
    pub fn new() -> Self {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        // What counted for months: a lot where there is traffic, little where there is none.
        let start = |dice: &mut Dice, place: u32| match (place / 7, place % 7) {
            (..8, _) => 0,
            (_, 4 | 5) => dice.roll(100),
            (..13, _) => dice.roll(1 << 20),
            (_, 2 | 3) => dice.roll(1 << 32),
            _ => dice.roll(1 << 42),
        };
        let one = |dice: &mut Dice| (0..INTERFACES * 7).map(|place| start(dice, place)).collect();
        let values = (0..DEVICES).map(|_| one(&mut dice)).collect();
        Self { dice, values, interfaces: interfaces().id(), system: system().id() }
    }

    /// What a device answers in this second.
    pub fn poll(&mut self, device: i64, second: i64) -> [Row; 2] {
        let at = Micros((START + second) * Micros::SECOND + self.dice.roll(1_000_000));
        let values = &mut self.values[device as usize];
        for (place, value) in values.iter_mut().enumerate() {
            let (interface, metric) = (place / 7, place % 7);
            let busy: u64 = match (interface, metric) {
                (_, 6) => {
                    *value = if interface < 8 { 2 } else { 1 };
                    continue;
                }
                (..8, _) | (_, 4 | 5) => continue,
                (..13, 0 | 1) => 4_000,
                (..13, _) => 40,
                (_, 0 | 1) => 300_000_000,
                _ => 400_000,
            };
            *value += self.dice.roll(busy);
        }
        let row = |group, schema, values| Row {
            device: DeviceId(FIRST_DEVICE + device),
            group,
            schema,
            at,
            cause: None,
            values,
        };
        let counters = values.iter().copied().map(Some).collect();
        let system = vec![Some(1), Some((10_000_000 + second) * 100)];
        [row(Group::Interfaces, self.interfaces, counters), row(Group::System, self.system, system)]
    }

    /// The rows of each batch of `seconds`: of one second, or of ten minutes of ten devices; a
    /// batch of counters and one of gauges in turn, made as they are taken.
    pub fn batches(
        mut self,
        seconds: i64,
        shape: Shape,
    ) -> impl Iterator<Item = (Class, Vec<Row>)> {
        let (span, sets) = match shape {
            Shape::Seconds => (1, 1),
            Shape::TenPolls => (600, 10),
        };
        let spans = (0..seconds).step_by(span as usize);
        spans.flat_map(move |first| (0..sets).map(move |set| (first, set))).flat_map(
            move |(first, set)| {
                let mut rows: [Vec<Row>; 2] = Default::default();
                let due = |device: &i64, second: i64| {
                    device * INTERVAL_S / DEVICES == second % 60 && device * sets / DEVICES == set
                };
                for second in first..(first + span).min(seconds) {
                    for device in (0..DEVICES).filter(|device| due(device, second)) {
                        for (rows, row) in rows.iter_mut().zip(self.poll(device, second)) {
                            rows.push(row);
                        }
                    }
                }
                [Class::Counters, Class::Gauges].into_iter().zip(rows)
            },
        )
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}
