//! Core: the shape of a device's table: which rows it has, and from which column each metric of
//! each row is read. Devices of the same shape share one, with its schema.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use farwatch_common::sample::{COLUMNS_MAX, Column, Group, Schema, SchemaId};

use super::grid::Grid;
use super::plan::Compiled;

/// What the rows of [`Group::Interfaces`] of one or more devices look like.
#[derive(Debug)]
pub(super) struct Shape {
    /// Indexes, rising.
    pub(super) rows: Box<[u32]>,
    /// Which columns each row had when it was learned: those that are read, and others that are
    /// asked for because another row needs them.
    seen: Box<[u64]>,
    /// Row and column of each value, in the order of the schema.
    sources: Box<[(u32, u8)]>,
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
            && grid
                .masks()
                .iter()
                .zip(&self.seen)
                .all(|(seen, known)| *seen != 0 && seen & !known == 0)
    }

    /// The values of a grid, in the order of the schema.
    #[must_use]
    pub(super) fn read(&self, grid: &Grid) -> Vec<Option<i64>> {
        if self.starts(grid) {
            let value = |(row, column): &(u32, u8)| grid.value(*row as usize, usize::from(*column));
            return self.sources.iter().map(value).collect();
        }
        let places: Vec<Option<usize>> = self.rows.iter().map(|row| grid.place_of(*row)).collect();
        let value = |(row, column): &(u32, u8)| {
            grid.value(places.get(*row as usize).copied()??, usize::from(*column))
        };
        self.sources.iter().map(value).collect()
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
}

/// All shapes in use.
#[derive(Debug)]
pub(super) struct Shapes {
    known: HashMap<SchemaId, Weak<Shape>>,
    /// Forgotten shapes are swept out when the map has grown to this.
    sweep_at: usize,
    empty: Arc<Schema>,
    empty_id: SchemaId,
}

impl Shapes {
    #[must_use]
    pub(super) fn new() -> Self {
        let empty = Schema { group: Group::Interfaces, columns: Vec::new() };
        Self { known: HashMap::new(), sweep_at: 64, empty_id: empty.id(), empty: Arc::new(empty) }
    }

    /// Schema of a table of which no row is known.
    #[must_use]
    pub(super) fn empty(&self) -> (SchemaId, Arc<Schema>) {
        (self.empty_id, self.empty.clone())
    }

    /// The shape of what a poll has found. `before` is the shape so far unless this poll asked for
    /// every column: cells it knows of rows still present are kept, as a value may miss once.
    /// `None` if there are no rows or more values than a schema may have.
    pub(super) fn learn(
        &mut self,
        plan: &Compiled,
        grid: &Grid,
        before: Option<&Shape>,
    ) -> Option<Arc<Shape>> {
        let mut rows = Vec::with_capacity(grid.len());
        let mut masks = Vec::with_capacity(grid.len());
        for (index, _, seen) in grid.rows().filter(|(_, _, seen)| *seen != 0) {
            let kept = before.and_then(|shape| {
                let at = shape.rows.binary_search(&index).ok()?;
                shape.seen.get(at).copied()
            });
            rows.push(index);
            masks.push(seen | kept.unwrap_or(0));
        }
        let shape = build(plan, rows, masks)?;
        if let Some(known) = self.known.get(&shape.id).and_then(Weak::upgrade)
            && known.seen == shape.seen
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

fn build(plan: &Compiled, rows: Vec<u32>, seen: Vec<u64>) -> Option<Shape> {
    let mut columns = Vec::new();
    let mut sources = Vec::new();
    let mut ask = 0;
    for (place, (index, seen)) in (0..).zip(rows.iter().zip(&seen)) {
        for (metric, of_metric) in plan.plan.table.metrics.iter().zip(&plan.sources) {
            let Some(source) = of_metric.iter().find(|source| seen >> source.column & 1 == 1)
            else {
                continue;
            };
            ask |= 1 << source.column;
            sources.push((place, u8::try_from(source.column).ok()?));
            columns.push(Column {
                object: format!("{}:{index}", plan.plan.table.object),
                metric: metric.name.clone(),
                kind: source.kind,
                unit: metric.unit,
                exponent: metric.exponent,
            });
        }
    }
    if columns.is_empty() || columns.len() > COLUMNS_MAX {
        return None;
    }
    let schema = Schema { group: Group::Interfaces, columns };
    Some(Shape {
        rows: rows.into_boxed_slice(),
        seen: seen.into_boxed_slice(),
        sources: sources.into_boxed_slice(),
        ask,
        id: schema.id(),
        schema: Arc::new(schema),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poll::plan::Plan;

    /// A table of which row 1 has every column, row 2 only the 32-bit counters.
    fn mixed(plan: &Compiled, asked: u64, known: &[u32]) -> Grid {
        let wide: u64 = plan
            .sources
            .iter()
            .filter(|sources| sources.len() > 1)
            .fold(0, |mask, sources| mask | 1 << sources[0].column);
        let columns = plan.ask.columns.len();
        let mut grid = Grid::default();
        grid.start(columns, known);
        for (row, has) in [(1, plan.all), (2, plan.all & !wide)] {
            for column in (0..columns).filter(|column| (has & asked) >> column & 1 == 1) {
                assert!(grid.put(column, row, Some(i64::from(row))));
            }
        }
        grid
    }

    #[test]
    fn a_table_of_wide_and_narrow_counters_fits_its_shape() {
        let plan = Compiled::new(Plan::standard()).unwrap();
        let mut shapes = Shapes::new();
        let shape = shapes.learn(&plan, &mixed(&plan, plan.all, &[]), None).unwrap();
        let again = mixed(&plan, shape.ask, &shape.rows);
        assert!(shape.fits(&again));
        assert!(shape.read(&again).iter().all(Option::is_some));
        // Learned from a poll that did not ask for all, it is the same.
        let kept = shapes.learn(&plan, &again, Some(&shape)).unwrap();
        assert!(Arc::ptr_eq(&kept, &shape));
        // A column that row 2 did not have is news.
        let wide = plan.sources[0][0].column;
        let mut grown = mixed(&plan, shape.ask, &shape.rows);
        assert!(grown.put(wide, 2, Some(1)));
        assert!(!shape.fits(&grown));
    }
}
