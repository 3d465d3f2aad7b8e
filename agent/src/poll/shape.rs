//! Core: the shape of a device's table: which rows it has, what each of them is, and from which
//! column each of its metrics is read. Devices of the same shape share one, with its schema.

mod lent;

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use farwatch_common::sample::{COLUMNS_MAX, Column, Group, Schema, SchemaId};
use farwatch_proto::v1::ObjectFacts;

use super::grid::Grid;
use super::make::{self, Past};
use super::plan::{CompiledTable, Make};
use lent::Lent;

/// What a row is, where a table's rows differ: facts say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trait {
    /// Objects are called `object:index`.
    pub(super) object: &'static str,
    /// Which of the table's metrics it has, one bit each.
    pub(super) metrics: u64,
    /// Added to that of its metrics.
    pub(super) exponent: i8,
    pub(super) lending: Lending,
}

/// What a memory has to do with memory that is lent: a system gives what nobody uses to caches and
/// takes it back at need, and counts it as used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lending {
    #[default]
    None,
    /// The memory itself: what is lent does not count as its use.
    Ram,
    /// The memory and the swap as one.
    Virtual,
    /// Its use is a part of what is lent.
    Lent,
    /// Its size is what is free, and what of the lent can be had back.
    Available,
}

impl Trait {
    /// A row of no interest.
    pub(super) const NOTHING: Self =
        Self { object: "", metrics: 0, exponent: 0, lending: Lending::None };
}

/// Where the values of a column of the schema are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    row: u32,
    column: u8,
}

/// What the rows of a table of one or more devices look like.
#[derive(Debug)]
pub(super) struct Shape {
    /// Indexes, rising.
    pub(super) rows: Box<[u32]>,
    /// Which columns each row had when it was learned: those that are read, and others that are
    /// asked for because another row needs them.
    seen: Box<[u64]>,
    /// What each row is; empty where all are alike.
    traits: Box<[Trait]>,
    /// Of each value, in the order of the schema.
    cells: Box<[Cell]>,
    /// How each value is made of its cell; empty where all are taken as they come.
    makes: Box<[Arc<Make>]>,
    lent: Option<Box<Lent>>,
    /// The columns that have to be asked for: all that some row is read from.
    pub(super) ask: u64,
    pub(super) schema: Arc<Schema>,
    pub(super) id: SchemaId,
}

impl Shape {
    /// Whether the grid holds exactly the rows of this shape and nothing beyond it.
    #[must_use]
    pub(super) fn fits(&self, grid: &Grid) -> bool {
        grid.len() == self.rows.len()
            && !grid.displaced()
            && grid
                .masks()
                .iter()
                .zip(&self.seen)
                .all(|(seen, known)| *seen != 0 && seen & !known == 0)
    }

    /// What a row was when the shape was learned.
    #[must_use]
    pub(super) fn trait_of(&self, index: u32) -> Option<Trait> {
        self.traits.get(self.rows.binary_search(&index).ok()?).copied()
    }

    /// Whether it has an object of this kind: `cpu` for `cpu:1`.
    #[must_use]
    pub(super) fn has_objects(&self, object: &str) -> bool {
        let of = |column: &Column| {
            column.object.strip_prefix(object).is_some_and(|rest| rest.starts_with(':'))
        };
        self.schema.columns.iter().any(of)
    }

    /// What the objects of a table of scalars are.
    pub(super) fn objects_of_scalars(&self) -> Vec<ObjectFacts> {
        let mut objects: Vec<ObjectFacts> = Vec::new();
        for column in &self.schema.columns {
            let kind = match column.object.split(':').next() {
                Some("memory") => "ram",
                Some("cpu") => "processor",
                _ => continue,
            };
            if objects.iter().all(|known| known.object != column.object) {
                let object = column.object.clone();
                objects.push(ObjectFacts { object, kind: kind.into(), ..Default::default() });
            }
        }
        objects
    }

    /// The values of a grid, in the order of the schema.
    #[must_use]
    pub(super) fn read(&self, grid: &Grid, past: &mut Past) -> Vec<Option<i64>> {
        let mut values = self.read_gross(grid, past);
        if let Some(lent) = &self.lent {
            lent.take_off(&mut values);
        }
        values
    }

    fn read_gross(&self, grid: &Grid, past: &mut Past) -> Vec<Option<i64>> {
        if self.starts(grid) {
            let plain = |cell: &Cell| grid.value(cell.row as usize, usize::from(cell.column));
            if self.makes.is_empty() {
                return self.cells.iter().map(plain).collect();
            }
            return self.made(grid, |row| Some(row as usize), past);
        }
        let places: Vec<Option<usize>> = self.rows.iter().map(|row| grid.place_of(*row)).collect();
        let place = |row: u32| places.get(row as usize).copied().flatten();
        if self.makes.is_empty() {
            let value = |cell: &Cell| grid.value(place(cell.row)?, usize::from(cell.column));
            return self.cells.iter().map(value).collect();
        }
        self.made(grid, place, past)
    }

    fn made(
        &self,
        grid: &Grid,
        place_of: impl Fn(u32) -> Option<usize>,
        past: &mut Past,
    ) -> Vec<Option<i64>> {
        let mut values = Vec::with_capacity(self.cells.len());
        for (at, (cell, make)) in self.cells.iter().zip(&self.makes).enumerate() {
            let place = place_of(cell.row);
            let of_row = |column: u8| grid.value(place?, usize::from(column));
            let read = of_row(cell.column);
            values.push(read.and_then(|read| make::value(make, at, read, of_row, past)));
        }
        values
    }

    /// Whether the rows of this shape are those of the grid, place by place.
    fn starts(&self, grid: &Grid) -> bool {
        grid.len() == self.rows.len()
            && grid
                .rows()
                .zip(&self.rows)
                .enumerate()
                .all(|(at, ((index, place, _), row))| index == *row && place == at)
    }

    fn is(&self, other: &Self) -> bool {
        self.id == other.id
            && self.rows == other.rows
            && self.seen == other.seen
            && self.traits == other.traits
            && self.cells == other.cells
    }
}

/// All shapes in use.
#[derive(Debug)]
pub(super) struct Shapes {
    known: HashMap<SchemaId, Weak<Shape>>,
    /// Forgotten shapes are swept out when the map has grown to this.
    sweep_at: usize,
    /// Of each group, the schema of a table of which no row is known.
    empty: Vec<(SchemaId, Arc<Schema>)>,
}

impl Shapes {
    #[must_use]
    pub(super) fn new() -> Self {
        let empty = Group::ALL.map(|group| {
            let schema = Schema { group, columns: Vec::new() };
            (schema.id(), Arc::new(schema))
        });
        Self { known: HashMap::new(), sweep_at: 64, empty: empty.into() }
    }

    /// Schema of a table of which no row is known.
    #[must_use]
    pub(super) fn empty(&self, group: Group) -> Option<(SchemaId, Arc<Schema>)> {
        self.empty.iter().find(|(_, schema)| schema.group == group).cloned()
    }

    /// The shape of what a poll has found. `before` is the shape so far unless this poll asked for
    /// every column: cells it knows of rows still present are kept, as a value may miss once.
    /// `trait_of` says what a row is, where rows differ. `None` if there are no rows of interest or
    /// more values than a schema may have.
    pub(super) fn learn(
        &mut self,
        table: &CompiledTable,
        grid: &Grid,
        before: Option<&Shape>,
        trait_of: Option<&dyn Fn(u32) -> Trait>,
    ) -> Option<Arc<Shape>> {
        let mut rows = Vec::with_capacity(grid.len());
        let mut masks = Vec::with_capacity(grid.len());
        let mut traits = Vec::new();
        for (index, _, seen) in grid.rows().filter(|(_, _, seen)| *seen != 0) {
            let kept = before.and_then(|shape| {
                let at = shape.rows.binary_search(&index).ok()?;
                shape.seen.get(at).copied()
            });
            rows.push(index);
            masks.push(seen | kept.unwrap_or(0));
            traits.extend(trait_of.map(|of| of(index)));
        }
        let shape = build(table, rows, masks, traits)?;
        if let Some(known) = self.known.get(&shape.id).and_then(Weak::upgrade)
            && known.is(&shape)
        {
            return Some(known);
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|_, shape| shape.strong_count() > 0);
            self.sweep_at = (self.known.len() * 2).max(64);
        }
        let shape = Arc::new(shape);
        self.known.insert(shape.id, Arc::downgrade(&shape));
        Some(shape)
    }
}

/// What is known of a shape while it is put together.
#[derive(Default)]
struct Draft {
    columns: Vec<Column>,
    cells: Vec<Cell>,
    makes: Vec<Arc<Make>>,
    ask: u64,
    /// Rows up to the last of interest.
    rows: usize,
}

fn build(
    table: &CompiledTable,
    mut rows: Vec<u32>,
    mut seen: Vec<u64>,
    mut traits: Vec<Trait>,
) -> Option<Shape> {
    let mut draft = Draft::default();
    for (place, (index, seen)) in (0..).zip(rows.iter().zip(&seen)) {
        let before = draft.columns.len();
        let of_row = traits.get(place as usize);
        row(table, (place, *index, *seen), of_row, &mut draft)?;
        if draft.columns.len() > before {
            draft.rows = place as usize + 1;
        }
    }
    let Draft { columns, cells, mut makes, ask, .. } = draft;
    if columns.is_empty() || columns.len() > COLUMNS_MAX {
        return None;
    }
    rows.truncate(draft.rows);
    seen.truncate(draft.rows);
    traits.truncate(draft.rows);
    if makes.iter().all(|make| **make == Make::Plain) {
        makes.clear();
    }
    let lent = Lent::of(&traits, &cells, &columns);
    let schema = Schema { group: table.table.group, columns };
    Some(Shape {
        rows: rows.into_boxed_slice(),
        seen: seen.into_boxed_slice(),
        traits: traits.into_boxed_slice(),
        cells: cells.into_boxed_slice(),
        makes: makes.into_boxed_slice(),
        lent: lent.map(Box::new),
        ask,
        id: schema.id(),
        schema: Arc::new(schema),
    })
}

/// Adds the metrics of one row.
fn row(
    table: &CompiledTable,
    (place, index, seen): (u32, u32, u64),
    is: Option<&Trait>,
    draft: &mut Draft,
) -> Option<()> {
    let wanted = is.map_or(u64::MAX, |is| is.metrics);
    let more = is.map_or(0, |is| is.exponent);
    for (at, (metric, sources)) in table.table.metrics.iter().zip(&table.sources).enumerate() {
        let source = sources.iter().find(|source| seen >> source.column & 1 == 1);
        let Some(source) = source.filter(|_| wanted >> at & 1 == 1) else {
            continue;
        };
        draft.ask |= 1 << source.column | source.make.needs();
        draft.cells.push(Cell { row: place, column: source.column });
        draft.makes.push(source.make.clone());
        let object = match is {
            _ if table.of_scalars() => metric.object.to_owned(),
            Some(is) => format!("{}:{index}", is.object),
            None => format!("{}:{index}", table.table.object),
        };
        draft.columns.push(Column {
            object,
            metric: metric.name.clone(),
            kind: source.kind,
            unit: metric.unit,
            exponent: metric.exponent.checked_add(more)?,
        });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::plan::{Compiled, Plan};

    /// A table of which row 1 has every column, row 2 only the 32-bit counters.
    fn mixed(table: &CompiledTable, asked: u64, known: &[u32]) -> Grid {
        let wide: u64 = table
            .sources
            .iter()
            .filter(|sources| sources.len() > 1)
            .fold(0, |mask, sources| mask | 1 << sources[0].column);
        let mut grid = Grid::default();
        grid.start(table.cells, known);
        for (row, has) in [(1, table.all()), (2, table.all() & !wide)] {
            for column in (0..table.cells).filter(|column| (has & asked) >> column & 1 == 1) {
                assert!(grid.put(column, row, Some(i64::from(row))));
            }
        }
        grid
    }

    #[test]
    fn a_table_of_wide_and_narrow_counters_fits_its_shape() {
        let plan = Compiled::new(Plan::standard()).unwrap();
        let table = &plan.tables[0];
        let mut shapes = Shapes::new();
        let shape = shapes.learn(table, &mixed(table, table.all(), &[]), None, None).unwrap();
        let again = mixed(table, shape.ask, &shape.rows);
        assert!(shape.fits(&again));
        assert!(shape.read(&again, &mut Past::default()).iter().all(Option::is_some));
        // Learned from a poll that did not ask for all, it is the same.
        let kept = shapes.learn(table, &again, Some(&shape), None).unwrap();
        assert!(Arc::ptr_eq(&kept, &shape));
        // A column that row 2 did not have is news.
        let wide = usize::from(table.sources[0][0].column);
        let mut grown = mixed(table, shape.ask, &shape.rows);
        assert!(grown.put(wide, 2, Some(1)));
        assert!(!shape.fits(&grown));
    }
}
