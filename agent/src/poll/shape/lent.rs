//! Core: takes memory that is lent to caches off what is in use.

use farwatch_common::sample::Column;

use super::{Cell, Lending, Trait};
use crate::poll::plan::{SIZE_METRIC, USED_METRIC};

/// Where the values stand, in the order of the schema.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lent {
    ram_size: usize,
    ram_used: usize,
    /// Use of the memory and the swap as one.
    virtual_used: Option<usize>,
    /// Use of each cache.
    parts: Box<[usize]>,
    /// What is free, and what of the lent can be had back.
    available: Option<usize>,
}

impl Lent {
    /// `None` where nothing is lent.
    pub(super) fn of(traits: &[Trait], cells: &[Cell], columns: &[Column]) -> Option<Self> {
        let of = |lending: Lending, metric: &'static str| {
            let cells = cells.iter().zip(columns).enumerate();
            cells.filter_map(move |(at, (cell, column))| {
                let is = traits.get(cell.row as usize)?;
                (is.lending == lending && column.metric == metric).then_some(at)
            })
        };
        let parts: Box<[usize]> = of(Lending::Lent, USED_METRIC).collect();
        let available = of(Lending::Available, SIZE_METRIC).next();
        if parts.is_empty() && available.is_none() {
            return None;
        }
        Some(Self {
            ram_size: of(Lending::Ram, SIZE_METRIC).next()?,
            ram_used: of(Lending::Ram, USED_METRIC).next()?,
            virtual_used: of(Lending::Virtual, USED_METRIC).next(),
            parts,
            available,
        })
    }

    fn free(&self, value: impl Fn(usize) -> Option<i64>) -> Option<i64> {
        value(self.ram_size)?.checked_sub(value(self.ram_used)?)
    }

    /// What is used is what is neither free nor lent; `None` where a figure is missing: counting the
    /// caches for one poll would look like a leap.
    pub(super) fn take_off(&self, values: &mut [Option<i64>]) {
        let value = |at: usize| values.get(at).copied().flatten();
        let lent = match self.available {
            // Nothing of it can be negative: it is read a moment later.
            Some(available) => self
                .free(value)
                .zip(value(available))
                .and_then(|(free, available)| Some(available.checked_sub(free)?.max(0))),
            None => self.parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(value(*part)?)),
        };
        for at in [Some(self.ram_used), self.virtual_used].into_iter().flatten() {
            if let Some(used) = values.get_mut(at) {
                *used = used.zip(lent).map(|(used, lent)| net(used, lent));
            }
        }
    }
}

/// Where more is lent than used, that is not counted as used.
fn net(used: i64, lent: i64) -> i64 {
    used.checked_sub(lent).filter(|net| *net >= 0).unwrap_or(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        parts: &[usize],
        available: Option<usize>,
        values: [Option<i64>; 6],
        [ram, both]: [Option<i64>; 2],
    ) {
        let parts = parts.into();
        let lent = Lent { ram_size: 0, ram_used: 1, virtual_used: Some(2), parts, available };
        let mut found = values;
        lent.take_off(&mut found);
        assert_eq!([found[1], found[2]], [ram, both], "{values:?}");
        assert_eq!((found[0], &found[3..]), (values[0], &values[3..]), "nothing else changes");
    }

    #[test]
    fn what_is_lent_is_not_in_use() {
        let told = [1000, 800, 850, 100, 400, 0].map(Some);
        check(&[3, 4], None, told, [300, 350].map(Some));
        let mut missing = told;
        missing[4] = None;
        check(&[3, 4], None, missing, [None, None]);
    }

    #[test]
    fn what_can_be_had_back_is_known_best_by_the_system_itself() {
        // 200 are free, 550 can be had: 350 of the 500 that are lent.
        check(&[3, 4], Some(5), [1000, 800, 850, 100, 400, 550].map(Some), [450, 500].map(Some));
        check(&[], Some(5), [1000, 800, 850, 0, 0, 190].map(Some), [800, 850].map(Some));
        let mut missing = [1000, 800, 850, 100, 400, 0].map(Some);
        missing[5] = None;
        check(&[3, 4], Some(5), missing, [None, None]);
    }

    #[test]
    fn figures_that_do_not_go_together_change_nothing() {
        check(&[3, 4], None, [1000, 300, 850, 100, 400, 0].map(Some), [300, 350].map(Some));
        let huge = [Some(1000), Some(800), None, Some(i64::MAX), Some(1), None];
        check(&[3, 4], None, huge, [None, None]);
        check(&[], Some(5), [i64::MIN, i64::MAX, 0, 0, 0, 5].map(Some), [None, None]);
        check(&[3], None, [Some(1000), None, None, Some(1), None, None], [None, None]);
    }
}
