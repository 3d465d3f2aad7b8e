//! Core: sensors (ENTITY-SENSOR-MIB, RFC 3433).

use farwatch_common::sample::{Group, MetricKind, Unit};

use super::{Formula, Rows, Source, Subject, Table, TableMetric, mib2};

/// A kind of sensor that is read.
pub(in crate::poll) struct SensorKind {
    /// EntitySensorDataType; an alternating voltage is a voltage, too.
    pub(in crate::poll) types: &'static [i64],
    pub(in crate::poll) name: &'static str,
    pub(in crate::poll) metric: &'static str,
    pub(in crate::poll) unit: Unit,
    pub(in crate::poll) kind: MetricKind,
}

const fn gauge(
    types: &'static [i64],
    name: &'static str,
    metric: &'static str,
    unit: Unit,
) -> SensorKind {
    SensorKind { types, name, metric, unit, kind: MetricKind::Gauge }
}

/// In the order of the metrics of [`table`]. `other`, of which only its maker knows what it is, and
/// `cmm` are left alone.
pub(in crate::poll) const KINDS: [SensorKind; 8] = [
    gauge(&[3, 4], "voltage", "voltage_volts", Unit::Volts),
    gauge(&[5], "current", "current_amperes", Unit::Amperes),
    gauge(&[6], "power", "power_watts", Unit::Watts),
    gauge(&[7], "frequency", "frequency_hertz", Unit::Hertz),
    gauge(&[8], "temperature", "temperature_celsius", Unit::Celsius),
    gauge(&[9], "humidity", "humidity_percent", Unit::Percent),
    gauge(&[10], "fan", "fan_speed_rpm", Unit::RevolutionsPerMinute),
    SensorKind {
        types: &[12],
        name: "state",
        metric: "sensor_state",
        unit: Unit::One,
        kind: MetricKind::State,
    },
];

/// entPhySensorTable: `sensor:INDEX`.
pub(super) fn table() -> Table {
    let column = |column| mib2(&[99, 1, 1, 1, column]);
    let metric = |kind: &SensorKind| {
        let source =
            Source { oid: column(4), kind: kind.kind, formula: Formula::WhileOk(column(5)) };
        TableMetric::new(kind.metric, kind.unit, vec![source])
    };
    Table {
        group: Group::Sensors,
        object: "sensor",
        rows: Rows::Told(Subject::Sensors),
        metrics: KINDS.iter().map(metric).collect(),
    }
}
