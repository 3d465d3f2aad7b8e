//! Core: the numbers of one poll of a table, rows by index.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

/// Most rows of a table, in facts as in numbers. With the 14 metrics of an interface they make 14,336
/// columns, and a schema may have [`COLUMNS_MAX`] of them, here and at the collector. Of a longer
/// table the first rows by index are kept; what follows is neither read nor named, which is counted.
///
/// [`COLUMNS_MAX`]: farwatch_common::sample::COLUMNS_MAX
pub(super) const ROWS_MAX: usize = 1024;

/// Cells of a table while it is polled. Kept and reused.
#[derive(Debug, Default)]
pub(super) struct Grid {
    columns: usize,
    /// Index and place of each row, by index.
    order: Vec<(u32, u32)>,
    /// Row by row, in order of first sight.
    cells: Vec<i64>,
    /// Which cells of a row have a value.
    masks: Vec<u64>,
    /// Where in `order` the next row of each column most likely is.
    hints: Vec<u32>,
    /// A row made room for another.
    displaced: bool,
}

impl Grid {
    /// Begins anew. Rows known from the last poll get places 0, 1, 2, …
    pub(super) fn start(&mut self, columns: usize, known: &[u32]) {
        self.columns = columns;
        self.order.clear();
        self.order.extend(known.iter().take(ROWS_MAX).copied().zip(0..));
        self.cells.clear();
        self.cells.resize(self.order.len() * columns, 0);
        self.masks.clear();
        self.masks.resize(self.order.len(), 0);
        self.hints.clear();
        self.hints.resize(columns, 0);
        self.displaced = false;
    }

    /// Stores a value; false if the row is behind all those that there is room for.
    #[inline]
    pub(super) fn put(&mut self, column: usize, index: u32, value: Option<i64>) -> bool {
        let Some(place) = self.place(column, index) else {
            return false;
        };
        let cell = self.cells.get_mut(place * self.columns + column);
        if let (Some(value), Some(cell), Some(mask)) = (value, cell, self.masks.get_mut(place)) {
            *cell = value;
            *mask |= 1 << column;
        }
        true
    }

    #[inline]
    fn place(&mut self, column: usize, index: u32) -> Option<usize> {
        let guess = *self.hints.get(column)? as usize;
        let at = match self.order.get(guess) {
            Some((row, _)) if *row == index => guess,
            _ => match self.order.binary_search_by_key(&index, |(row, _)| *row) {
                Ok(at) => at,
                Err(at) => {
                    let place = self.new_place(at)?;
                    self.order.insert(at, (index, place));
                    at
                }
            },
        };
        *self.hints.get_mut(column)? = u32::try_from(at).ok()? + 1;
        self.order.get(at).map(|(_, place)| *place as usize)
    }

    /// The place of a row that comes to stand at `at`. When all are taken, that of the last row.
    fn new_place(&mut self, at: usize) -> Option<u32> {
        if self.order.len() < ROWS_MAX {
            let place = self.masks.len();
            self.cells.resize(self.cells.len() + self.columns, 0);
            self.masks.push(0);
            return u32::try_from(place).ok();
        }
        if at == self.order.len() {
            return None;
        }
        let (_, place) = self.order.pop()?;
        *self.masks.get_mut(place as usize)? = 0;
        self.displaced = true;
        Some(place)
    }

    /// Whether a row that had a place, maybe a known one, made room for another before it.
    #[must_use]
    pub(super) fn displaced(&self) -> bool {
        self.displaced
    }

    /// Leaves the rows behind `last` out.
    pub(super) fn keep_to(&mut self, last: u32) {
        self.order.retain(|(index, _)| *index <= last);
    }

    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Rows in order of their index: index, place, and which columns have a value.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u32, usize, u64)> + '_ {
        self.order.iter().map(|(index, place)| {
            let place = *place as usize;
            (*index, place, self.masks.get(place).copied().unwrap_or(0))
        })
    }

    #[must_use]
    pub(super) fn place_of(&self, index: u32) -> Option<usize> {
        let at = self.order.binary_search_by_key(&index, |(row, _)| *row).ok()?;
        self.order.get(at).map(|(_, place)| *place as usize)
    }

    /// Which cells of each row have a value, in order of first sight.
    #[must_use]
    pub(super) fn masks(&self) -> &[u64] {
        &self.masks
    }

    #[inline]
    #[must_use]
    pub(super) fn value(&self, place: usize, column: usize) -> Option<i64> {
        let mask = self.masks.get(place)?;
        if mask >> column & 1 == 0 {
            return None;
        }
        self.cells.get(place * self.columns + column).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_found_out_of_order_come_out_in_order() {
        let mut grid = Grid::default();
        grid.start(2, &[2, 5]);
        for (column, index, value) in [(0, 2, 20), (0, 5, 50), (1, 3, 31), (1, 5, 51), (1, 9, 91)] {
            assert!(grid.put(column, index, Some(value)));
        }
        assert!(grid.put(0, 9, None));
        let rows: Vec<_> = grid
            .rows()
            .map(|(index, place, _)| (index, grid.value(place, 0), grid.value(place, 1)))
            .collect();
        assert_eq!(
            rows,
            [
                (2, Some(20), None),
                (3, None, Some(31)),
                (5, Some(50), Some(51)),
                (9, None, Some(91))
            ]
        );
    }

    #[test]
    fn the_first_rows_are_kept_whatever_the_order_they_come_in() {
        let mut grid = Grid::default();
        grid.start(2, &[]);
        // One column has a value in every second row, the other in all.
        let odd = |at: u32| 2 * at + 1;
        let taken = (0..).map(odd).take_while(|index| grid.put(0, *index, Some(1))).count();
        assert_eq!(taken, ROWS_MAX);
        assert!(!grid.displaced());
        let taken = (1..).take_while(|index| grid.put(1, *index, Some(2))).count();
        assert_eq!(taken, ROWS_MAX);
        assert!(grid.displaced());
        let rows: Vec<_> = grid.rows().collect();
        assert!(rows.iter().map(|(index, ..)| *index).eq(1..=ROWS_MAX as u32));
        for (index, place, _) in rows {
            let wanted = (index % 2 == 1).then_some(1);
            assert_eq!((grid.value(place, 0), grid.value(place, 1)), (wanted, Some(2)));
        }
    }

    #[test]
    fn as_many_rows_as_are_kept_fit_a_schema() {
        let tables = crate::poll::plan::Plan::standard().tables;
        let most = tables.iter().map(|table| table.metrics.len() * ROWS_MAX).max();
        assert!(most.unwrap() <= farwatch_common::sample::COLUMNS_MAX);
    }
}
