//! Core: what is asked of a device, as data.
//!
//! A [`Plan`] names scalars and the columns of one table. Code knows no vendor and no OID beside
//! the two tables of this file: device profiles become plans.

use std::sync::Arc;
use std::time::Duration;

use farwatch_common::sample::{Column, Group, MetricKind, Schema, SchemaId, Unit};

use super::oid::Oid;

/// Most columns of a table: one bit each in a row's mask.
pub const TABLE_COLUMNS_MAX: usize = 64;
/// Most scalars of a plan, for the same reason.
pub const SCALARS_MAX: usize = 64;
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

/// One metric of every row of the table. `sources` are its columns, the preferred one first: a row
/// is read from the first that it has.
#[derive(Clone, Debug)]
pub struct TableMetric {
    pub name: String,
    pub unit: Unit,
    pub exponent: i8,
    pub sources: Vec<(Vec<u32>, MetricKind)>,
}

/// The table whose rows are the objects of [`Group::Interfaces`]; its index is one number.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Objects are called `object:index`.
    pub object: String,
    pub metrics: Vec<TableMetric>,
}

/// What a poll asks for. See [`Plan::standard`].
#[derive(Clone, Debug)]
pub struct Plan {
    pub scalars: Vec<Scalar>,
    pub table: Table,
    /// How often texts and types are read; `None` is never.
    pub facts_every: Option<Duration>,
}

/// A plan that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[error(
    "a poll plan has 1 to {SCALARS_MAX} scalars and up to {TABLE_COLUMNS_MAX} columns, \
     not {scalars} and {columns}"
)]
pub struct PlanSize {
    scalars: usize,
    columns: usize,
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
    /// Reachability and uptime of the device; counters and states of its interfaces (IF-MIB).
    #[must_use]
    pub fn standard() -> Self {
        let change = |oid| Scalar { oid, watch: Some(Watch::Change), metric: None };
        Self {
            scalars: vec![
                Scalar::uptime(),
                change(mib2(&[2, 1, 0])),     // ifNumber
                change(mib2(&[31, 1, 5, 0])), // ifTableLastChange
            ],
            table: Table { object: "if".into(), metrics: interface_metrics() },
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

fn interface_metrics() -> Vec<TableMetric> {
    use MetricKind::{Counter32, Counter64, State};
    use Unit::{Bytes, One, Packets};
    let metric =
        |name: &str, unit, sources| TableMetric { name: name.into(), unit, exponent: 0, sources };
    // A 64-bit counter, and the 32-bit one for interfaces that lack it.
    let wide = |name, unit, wide, narrow| {
        metric(name, unit, vec![(if_x_column(wide), Counter64), (narrow, Counter32)])
    };
    let narrow = |name, column| metric(name, Packets, vec![(if_column(column), Counter32)]);
    let state = |name, column| metric(name, One, vec![(if_column(column), State)]);
    vec![
        wide("if_in_octets_total", Bytes, 6, if_column(10)),
        wide("if_out_octets_total", Bytes, 10, if_column(16)),
        wide("if_in_unicast_packets_total", Packets, 7, if_column(11)),
        wide("if_out_unicast_packets_total", Packets, 11, if_column(17)),
        wide("if_in_multicast_packets_total", Packets, 8, if_x_column(2)),
        wide("if_out_multicast_packets_total", Packets, 12, if_x_column(4)),
        wide("if_in_broadcast_packets_total", Packets, 9, if_x_column(3)),
        wide("if_out_broadcast_packets_total", Packets, 13, if_x_column(5)),
        narrow("if_in_errors_total", 14),
        narrow("if_out_errors_total", 20),
        narrow("if_in_discards_total", 13),
        narrow("if_out_discards_total", 19),
        state("if_admin_status", 7),
        state("if_oper_status", 8),
    ]
}

/// What a walk asks for: scalars and columns in encoded form.
#[derive(Debug, Default)]
pub struct Ask {
    pub scalars: Vec<AskedScalar>,
    pub columns: Vec<AskedColumn>,
}

#[derive(Debug)]
pub struct AskedScalar {
    pub name: Oid,
    /// The name whose successor `name` is: what GETNEXT and GETBULK have to be asked for.
    pub before: Oid,
    /// Octets its value is expected to take, for packing.
    pub width: usize,
}

#[derive(Debug)]
pub struct AskedColumn {
    pub prefix: Oid,
    pub width: usize,
}

impl Ask {
    pub fn scalar(&mut self, oid: &[u32], width: usize) {
        let before = match oid.split_last() {
            Some((0, parent)) => Oid::new(parent),
            Some((last, parent)) => Oid::new(&[parent, &[last - 1]].concat()),
            None => Oid::new(oid),
        };
        self.scalars.push(AskedScalar { name: Oid::new(oid), before, width });
    }

    pub fn column(&mut self, oid: &[u32], width: usize) {
        self.columns.push(AskedColumn { prefix: Oid::new(oid), width });
    }
}

/// One source of a metric: which column, and what its values are.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub column: usize,
    pub kind: MetricKind,
}

/// A plan made ready for the engine.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Plan,
    pub ask: Ask,
    /// As many as the plan has scalars.
    pub watches: Vec<Option<Watch>>,
    /// Of each metric of the table.
    pub sources: Vec<Vec<Source>>,
    /// `snmp_up`, then the scalars that are metrics.
    pub system: Arc<Schema>,
    pub system_id: SchemaId,
    /// All columns.
    pub all: u64,
}

impl Compiled {
    pub fn new(plan: Plan) -> Result<Self, PlanSize> {
        let columns: usize = plan.table.metrics.iter().map(|metric| metric.sources.len()).sum();
        if !(1..=SCALARS_MAX).contains(&plan.scalars.len()) || columns > TABLE_COLUMNS_MAX {
            return Err(PlanSize { scalars: plan.scalars.len(), columns });
        }
        let mut ask = Ask::default();
        for scalar in &plan.scalars {
            ask.scalar(&scalar.oid, 4);
        }
        let mut sources = Vec::with_capacity(plan.table.metrics.len());
        let mut all = 0u64;
        for metric in &plan.table.metrics {
            let mut of_metric = Vec::with_capacity(metric.sources.len());
            for (oid, kind) in &metric.sources {
                let column = ask.columns.len();
                ask.column(oid, width(*kind));
                all |= 1 << column;
                of_metric.push(Source { column, kind: *kind });
            }
            sources.push(of_metric);
        }
        let system = Arc::new(system_schema(&plan));
        Ok(Self {
            ask,
            watches: plan.scalars.iter().map(|scalar| scalar.watch).collect(),
            sources,
            system_id: system.id(),
            system,
            all,
            plan,
        })
    }
}

/// Octets a value takes as a rule.
fn width(kind: MetricKind) -> usize {
    match kind {
        MetricKind::Counter64 => 7,
        MetricKind::Gauge | MetricKind::Counter32 => 4,
        MetricKind::State => 1,
    }
}

fn system_schema(plan: &Plan) -> Schema {
    let column = |name: &str, kind, unit, exponent| Column {
        object: String::new(),
        metric: name.into(),
        kind,
        unit,
        exponent,
    };
    let metrics = plan.scalars.iter().filter_map(|scalar| scalar.metric.as_ref());
    let columns = std::iter::once(column("snmp_up", MetricKind::State, Unit::One, 0))
        .chain(
            metrics.map(|metric| column(&metric.name, metric.kind, metric.unit, metric.exponent)),
        )
        .collect();
    Schema { group: Group::System, columns }
}
