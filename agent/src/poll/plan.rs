//! Core: what is asked of a device, as data.
//!
//! A [`Plan`] names scalars and tables. Code knows no vendor and no OID beside the files of this
//! folder and of `facts`: device profiles become plans.

mod compiled;
mod host;
mod interfaces;
mod sensors;

use std::time::Duration;

use farwatch_common::sample::{Group, MetricKind, Unit};

pub use self::compiled::{Ask, Compiled, PlanSize};
pub(super) use self::compiled::{CompiledTable, Make};
pub(super) use self::host::{MEMORY_SIZE, MEMORY_USED, SIZE_METRIC, STORAGE, USED_METRIC};
pub(super) use self::sensors::KINDS as SENSOR_KINDS;

/// Most columns of a table: one bit each in a row's mask.
pub const TABLE_COLUMNS_MAX: usize = 64;
/// Most scalars of a plan, for the same reason.
pub const SCALARS_MAX: usize = 64;
/// Most tables of a plan.
pub const TABLES_MAX: usize = 16;
/// How often facts are read again although nothing hints at a change.
pub const FACTS_EVERY: Duration = Duration::from_secs(300);

/// Name and meaning of what is measured.
#[derive(Clone, Debug)]
pub struct Metric {
    pub name: String,
    pub kind: MetricKind,
    pub unit: Unit,
    pub exponent: i8,
}

/// What the engine itself reads from a scalar, beside its metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// sysUpTime: when it falls, the device was restarted.
    Uptime,
    /// snmpEngineTime: tells a restart from an uptime that has come to its end.
    EngineTime,
    /// ifNumber, ifTableLastChange: when it moves, the table has changed.
    Change,
}

/// One object of the device itself.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// Of the instance, with its last arc.
    pub oid: Vec<u32>,
    pub watch: Option<Watch>,
    pub metric: Option<Metric>,
}

/// How the value of a metric is made of what was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Formula {
    /// The value as it comes.
    #[default]
    Plain,
    /// Times another column of the row; both are unsigned, whatever their type says.
    Times(Vec<u32>),
    /// Kibibytes into bytes.
    Kibibytes,
    /// As `Kibibytes`, less these; one that is not there counts as nothing, but for the first.
    KibibytesLess(Vec<Vec<u32>>),
    /// What is missing to a hundred.
    HundredLess,
    /// The share, in per cent, that these counters have not of what they and the source together
    /// have risen by since the last poll: the source counts the idle.
    Busy(Vec<Vec<u32>>),
    /// The value while this column of the row says 1 (ok), and only within a thousand millions:
    /// beyond, a sensor says that it cannot tell (RFC 3433).
    WhileOk(Vec<u32>),
}

/// One metric of every row of the table. `sources` are its columns, the preferred one first: a row
/// is read from the first that it has.
#[derive(Clone, Debug)]
pub struct TableMetric {
    pub name: String,
    pub unit: Unit,
    pub exponent: i8,
    pub sources: Vec<Source>,
    /// Of a table of scalars: what the metric is of, if not of the device itself.
    pub object: &'static str,
}

/// Where a metric is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Of the column, or of the instance in a table of scalars.
    pub oid: Vec<u32>,
    pub kind: MetricKind,
    pub formula: Formula,
}

impl From<(Vec<u32>, MetricKind)> for Source {
    fn from((oid, kind): (Vec<u32>, MetricKind)) -> Self {
        Self { oid, kind, formula: Formula::Plain }
    }
}

/// What facts are told of, beside the device and its interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// hrProcessorTable
    Processors = 0,
    /// hrStorageTable
    Storage = 1,
    /// entPhySensorTable
    Sensors = 2,
    /// entPhysicalTable: what the device is built of. It has no numbers, but the sensors' names.
    Parts = 3,
}

/// How many subjects there are.
pub(super) const SUBJECTS: usize = 4;

/// How the rows of a table are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// All rows are alike.
    Alike,
    /// No table at all: the sources are scalars, read like a table of one row.
    Scalars,
    /// The facts of the subject say what a row is, and so which metrics it has.
    Told(Subject),
}

/// A table whose rows are objects of a group; its index is one number.
#[derive(Clone, Debug)]
pub struct Table {
    pub group: Group,
    /// Objects are called `object:index`.
    pub object: &'static str,
    pub rows: Rows,
    pub metrics: Vec<TableMetric>,
}

/// What a poll asks for. See [`Plan::standard`].
#[derive(Clone, Debug)]
pub struct Plan {
    pub scalars: Vec<Scalar>,
    /// The first is read together with the scalars, the others one after the other behind it.
    pub tables: Vec<Table>,
    /// What facts are read of, in this order, beside the device and its interfaces.
    pub subjects: Vec<Subject>,
    /// How often texts and types are read; `None` is never.
    pub facts_every: Option<Duration>,
}

/// mgmt.mib-2
const MIB2: [u32; 6] = [1, 3, 6, 1, 2, 1];
/// ifTable's entry and ifXTable's, below mib-2.
const IF_ENTRY: [u32; 3] = [2, 2, 1];
const IF_X_ENTRY: [u32; 4] = [31, 1, 1, 1];

/// An OID below mib-2.
#[must_use]
pub fn mib2(tail: &[u32]) -> Vec<u32> {
    [&MIB2[..], tail].concat()
}

/// A column of ifTable.
#[must_use]
pub fn if_column(column: u32) -> Vec<u32> {
    mib2(&[&IF_ENTRY[..], &[column]].concat())
}

/// A column of ifXTable.
#[must_use]
pub fn if_x_column(column: u32) -> Vec<u32> {
    mib2(&[&IF_X_ENTRY[..], &[column]].concat())
}

impl Plan {
    /// Reachability and uptime of the device; counters and states of its interfaces; processors,
    /// memory, disks and load; sensors. And what it is built of.
    #[must_use]
    pub fn standard() -> Self {
        let watched =
            |oid: &[u32], watch| Scalar { oid: oid.to_vec(), watch: Some(watch), metric: None };
        Self {
            scalars: vec![
                Scalar::uptime(),
                // snmpEngineTime
                watched(&[1, 3, 6, 1, 6, 3, 10, 2, 1, 3, 0], Watch::EngineTime),
                // ifNumber, ifTableLastChange
                watched(&mib2(&[2, 1, 0]), Watch::Change),
                watched(&mib2(&[31, 1, 5, 0]), Watch::Change),
            ],
            tables: vec![
                interfaces::table(),
                host::processors(),
                host::storage(),
                host::ucd(),
                sensors::table(),
            ],
            // Parts behind the sensors that they give their names to.
            subjects: vec![Subject::Processors, Subject::Storage, Subject::Sensors, Subject::Parts],
            facts_every: Some(FACTS_EVERY),
        }
    }
}

impl Scalar {
    /// sysUpTime, in hundredths of a second.
    #[must_use]
    pub fn uptime() -> Self {
        Self {
            oid: mib2(&[1, 3, 0]),
            watch: Some(Watch::Uptime),
            metric: Some(Metric {
                name: "sys_uptime_seconds".into(),
                kind: MetricKind::Gauge,
                unit: Unit::Seconds,
                exponent: -2,
            }),
        }
    }
}

impl Table {
    /// A table of which all rows have the same metrics.
    #[must_use]
    pub fn alike(group: Group, object: &'static str, metrics: Vec<TableMetric>) -> Self {
        Self { group, object, rows: Rows::Alike, metrics }
    }
}

impl TableMetric {
    #[must_use]
    pub fn new(name: &str, unit: Unit, sources: Vec<Source>) -> Self {
        Self { name: name.into(), unit, exponent: 0, sources, object: "" }
    }
}
