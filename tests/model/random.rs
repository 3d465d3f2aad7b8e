//! Small and fast; the seed is all there is to a run.

use farwatch_support::sim::pulse::{GAMMA, mix};

pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        let drawn = mix(self.0);
        self.0 = self.0.wrapping_add(GAMMA);
        drawn
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Even, from 0.0 to 1.0.
    pub(crate) fn share(&mut self) -> f64 {
        self.below(1_001) as f64 / 1_000.0
    }
}
