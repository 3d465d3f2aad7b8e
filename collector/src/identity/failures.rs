//! Core: how many sign-ins that failed are written down one by one.
//!
//! The audit keeps its rows for ever, and whoever guesses passwords writes one with each guess. So
//! of one address some are written in a minute, and of all addresses some more. What is not written
//! is counted, and told with the next row. The map has no more entries than rows are written.
//! Who had the password right is always written: no crowd of guesses hides that it is known, and the
//! limit of sign-ins of the account bounds it.

use std::collections::HashMap;
use std::net::IpAddr;

use farwatch_common::clock::Micros;

/// Rows of a minute for one address: more than anybody needs who mistypes.
pub const ROWS_PER_ADDRESS: u32 = 5;
/// Rows of a minute for all addresses.
pub const ROWS: u32 = 30;
const MINUTE: i64 = 60 * Micros::SECOND;

/// What was written down in this minute, and what was not since the last row.
#[derive(Debug, Default)]
pub struct Failures {
    minute: i64,
    rows: u32,
    by_address: HashMap<Option<IpAddr>, u32>,
    untold: u64,
}

impl Failures {
    /// Whether a failure is to be written down, and how many before it were not.
    pub fn take(&mut self, from: Option<IpAddr>, now: Micros) -> Option<u64> {
        let minute = now.0.div_euclid(MINUTE);
        if minute != self.minute {
            *self = Self { minute, untold: self.untold, ..Self::default() };
        }
        let rows = self.by_address.get(&from).copied().unwrap_or(0);
        if self.rows >= ROWS || rows >= ROWS_PER_ADDRESS {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.rows += 1;
        self.by_address.insert(from, rows + 1);
        Some(std::mem::take(&mut self.untold))
    }

    /// Of one that is written in any case: how many before it were not.
    pub fn take_always(&mut self) -> u64 {
        std::mem::take(&mut self.untold)
    }

    /// A row could not be written: it and those that it would have told of are not.
    pub fn put_back(&mut self, untold: u64) {
        self.untold = self.untold.saturating_add(untold).saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_800_000_000_000_000);

    fn address(number: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, number]))
    }

    #[test]
    fn what_one_address_does_too_often_is_told_with_the_next_row() {
        let mut failures = Failures::default();
        let written = (0..100).filter(|_| failures.take(address(1), NOW).is_some()).count();
        assert_eq!(written, ROWS_PER_ADDRESS as usize);
        assert_eq!(failures.take(address(2), NOW), Some(95), "another address is written at once");
        assert_eq!(failures.take(address(2), NOW), Some(0));
        assert_eq!(failures.take(address(1), NOW), None);
        assert_eq!(failures.take(address(1), Micros(NOW.0 + MINUTE)), Some(1));
    }

    #[test]
    fn what_is_always_written_takes_no_row_from_guesses() {
        let mut failures = Failures::default();
        let written = (0..100).filter(|_| failures.take(address(1), NOW).is_some()).count();
        assert_eq!(failures.take_always(), 100 - written as u64);
        assert_eq!(failures.take_always(), 0);
        assert_eq!(failures.take(address(1), NOW), None);
        assert_eq!(failures.take(address(2), NOW), Some(1));
    }

    #[test]
    fn many_addresses_together_are_bounded_and_so_is_the_map() {
        let mut failures = Failures::default();
        let written = (0..=255).filter(|n| failures.take(address(*n), NOW).is_some()).count();
        assert_eq!(written, ROWS as usize);
        assert_eq!(failures.by_address.len(), ROWS as usize);
        assert_eq!(failures.untold, 256 - u64::from(ROWS));
        failures.put_back(3);
        let next = Micros(NOW.0 + MINUTE);
        assert_eq!(failures.take(address(1), next), Some(256 - u64::from(ROWS) + 4));
        assert_eq!(failures.by_address.len(), 1);
    }
}
