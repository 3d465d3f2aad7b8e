//! Core: a plan made ready for the engine: names in encoded form, columns by number.

use std::sync::Arc;

use farwatch_common::sample::{Column, Group, MetricKind, Schema, SchemaId, Unit};

use super::{Formula, Plan, Rows, SCALARS_MAX, TABLE_COLUMNS_MAX, TABLES_MAX, Table, Watch};
use crate::poll::oid::Oid;

/// A plan that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[error(
    "a poll plan has 1 to {SCALARS_MAX} scalars, 1 to {TABLES_MAX} tables and up to \
     {TABLE_COLUMNS_MAX} columns a table, not {scalars}, {tables} and {columns}"
)]
pub struct PlanSize {
    scalars: usize,
    tables: usize,
    columns: usize,
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

    /// A bit for each of its scalars.
    #[must_use]
    pub(in crate::poll) fn all_scalars(&self) -> u64 {
        low_bits(self.scalars.len())
    }

    /// A bit for each of its columns.
    #[must_use]
    pub(in crate::poll) fn all_columns(&self) -> u64 {
        low_bits(self.columns.len())
    }
}

fn low_bits(count: usize) -> u64 {
    u64::MAX.checked_shr(64 - u32::try_from(count.min(64)).unwrap_or(64)).unwrap_or(0)
}

/// [`Formula`], with columns by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::poll) enum Make {
    Plain,
    Times(u8),
    Kibibytes,
    KibibytesLess(Box<[u8]>),
    HundredLess,
    Busy(Box<[u8]>),
    WhileOk(u8),
}

impl Make {
    /// The columns it needs beside the source, one bit each.
    #[must_use]
    pub(in crate::poll) fn needs(&self) -> u64 {
        match self {
            Self::Plain | Self::Kibibytes | Self::HundredLess => 0,
            Self::Times(column) | Self::WhileOk(column) => 1 << column,
            Self::KibibytesLess(columns) | Self::Busy(columns) => {
                columns.iter().fold(0, |bits, column| bits | 1 << column)
            }
        }
    }
}

/// One source of a metric: which column, and what its values are.
#[derive(Debug)]
pub(in crate::poll) struct CompiledSource {
    pub(in crate::poll) column: u8,
    pub(in crate::poll) kind: MetricKind,
    pub(in crate::poll) make: Arc<Make>,
}

/// One table made ready.
#[derive(Debug)]
pub(in crate::poll) struct CompiledTable {
    pub(in crate::poll) table: Table,
    /// The first table's begins with the plan's scalars; a table of scalars has no columns.
    pub(in crate::poll) ask: Ask,
    /// Of each metric.
    pub(in crate::poll) sources: Vec<Vec<CompiledSource>>,
    /// How many cells a row has: columns, or scalars of a table of scalars.
    pub(in crate::poll) cells: usize,
}

impl CompiledTable {
    #[must_use]
    pub(in crate::poll) fn of_scalars(&self) -> bool {
        self.table.rows == Rows::Scalars
    }

    /// A bit for each cell of a row.
    #[must_use]
    pub(in crate::poll) fn all(&self) -> u64 {
        low_bits(self.cells)
    }
}

/// A plan made ready for the engine.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Plan,
    /// As many as the plan has scalars.
    pub watches: Vec<Option<Watch>>,
    pub(in crate::poll) tables: Vec<CompiledTable>,
    /// `snmp_up`, the scalars that are metrics, `snmp_rtt_seconds`.
    pub system: Arc<Schema>,
    pub system_id: SchemaId,
}

impl Compiled {
    pub fn new(plan: Plan) -> Result<Self, PlanSize> {
        let mut tables = Vec::with_capacity(plan.tables.len());
        for table in &plan.tables {
            let scalars = if tables.is_empty() { &plan.scalars[..] } else { &[] };
            let mut ask = Ask::default();
            for scalar in scalars {
                ask.scalar(&scalar.oid, 4);
            }
            tables.push(compile(table.clone(), ask));
        }
        let columns = tables.iter().map(|table| table.cells).max().unwrap_or(0);
        // Scalars of the plan and of a table would share their numbers.
        let mixed = tables.first().is_some_and(CompiledTable::of_scalars);
        if !(1..=SCALARS_MAX).contains(&plan.scalars.len())
            || !(1..=TABLES_MAX).contains(&tables.len())
            || columns > TABLE_COLUMNS_MAX
            || mixed
        {
            let (scalars, tables) = (plan.scalars.len(), tables.len());
            return Err(PlanSize { scalars, tables, columns });
        }
        let system = Arc::new(system_schema(&plan));
        Ok(Self {
            watches: plan.scalars.iter().map(|scalar| scalar.watch).collect(),
            tables,
            system_id: system.id(),
            system,
            plan,
        })
    }
}

fn compile(table: Table, mut ask: Ask) -> CompiledTable {
    // What is read of several metrics is asked for once.
    let mut known: Vec<Vec<u32>> = Vec::new();
    let of_scalars = table.rows == Rows::Scalars;
    let mut cell = |oid: &Vec<u32>, width: usize| {
        let at = known.iter().position(|cell| cell == oid).unwrap_or_else(|| {
            if of_scalars {
                ask.scalar(oid, width);
            } else {
                ask.column(oid, width);
            }
            known.push(oid.clone());
            known.len() - 1
        });
        // A plan with more columns than fit is refused.
        u8::try_from(at).unwrap_or(u8::MAX)
    };
    let mut sources = Vec::with_capacity(table.metrics.len());
    for metric in &table.metrics {
        let of_metric = metric.sources.iter().map(|source| {
            let column = cell(&source.oid, width(source.kind));
            let mut cells =
                |oids: &[Vec<u32>]| oids.iter().map(|oid| cell(oid, 4)).collect::<Box<[u8]>>();
            let make = match &source.formula {
                Formula::Plain => Make::Plain,
                Formula::Times(oid) => Make::Times(cell(oid, 2)),
                Formula::Kibibytes => Make::Kibibytes,
                Formula::KibibytesLess(oids) => Make::KibibytesLess(cells(oids)),
                Formula::HundredLess => Make::HundredLess,
                Formula::Busy(oids) => Make::Busy(cells(oids)),
                Formula::WhileOk(oid) => Make::WhileOk(cell(oid, 1)),
            };
            CompiledSource { column, kind: source.kind, make: Arc::new(make) }
        });
        sources.push(of_metric.collect());
    }
    let cells = known.len();
    CompiledTable { table, ask, sources, cells }
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
        .chain([column("snmp_rtt_seconds", MetricKind::Gauge, Unit::Seconds, -6)])
        .collect();
    Schema { group: Group::System, columns }
}
