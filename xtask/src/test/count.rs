//! Reads how many tests passed and failed from what the runners print.

use std::fmt;
use std::ops::AddAssign;

use crate::{Result, cmd::note};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Count {
    /// One check that has no count of its own.
    pub(crate) fn of_check(name: &str, outcome: Result) -> Self {
        match outcome {
            Ok(()) => Self { passed: 1, failed: 0 },
            Err(problem) => {
                note(&format!("{name}: {problem}"));
                Self { passed: 0, failed: 1 }
            }
        }
    }

    /// `Summary [ 1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 0 skipped` of nextest,
    /// or one `test result: ok. 3 passed; 0 failed; …` per target of cargo test.
    pub(crate) fn of_cargo(text: &str) -> Self {
        Self::sum(text, |line| {
            let summary = line.trim_start();
            summary.starts_with("Summary [") || summary.starts_with("test result:")
        })
    }

    /// `Tests  1 failed | 2 passed (3)`
    pub(crate) fn of_vitest(text: &str) -> Self {
        Self::sum(text, |line| line.trim_start().starts_with("Tests "))
    }

    /// The last `N passed, N failed` alone on its line.
    pub(crate) fn of_plain(text: &str) -> Option<Self> {
        let text = without_colours(text);
        let alone = |line: &&str| line.contains(" passed, ") && line.ends_with(" failed");
        text.lines().map(str::trim).rev().find(alone).map(Self::of_line)
    }

    fn sum(text: &str, is_summary: impl Fn(&str) -> bool) -> Self {
        let mut total = Self::default();
        for line in without_colours(text).lines().filter(|line| is_summary(line)) {
            total += Self::of_line(line);
        }
        total
    }

    fn of_line(line: &str) -> Self {
        let before = |what: &str| -> u64 {
            let counted = line.split(['|', ',', ';', ':', '.', ']']).map(str::trim);
            let numbers = counted.filter_map(|part| {
                let part = part.strip_prefix("Tests").unwrap_or(part).trim_start();
                let (number, rest) = part.split_once(' ')?;
                if rest.starts_with(what) { number.parse::<u64>().ok() } else { None }
            });
            numbers.sum()
        };
        Self {
            passed: before("passed"),
            failed: before("failed") + before("timed out") + before("exec failed"),
        }
    }
}

fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\u{1b}') {
        out.push_str(plain);
        rest = escape.find(|c: char| c.is_ascii_alphabetic()).map_or("", |end| &escape[end + 1..]);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(passed: u64, failed: u64) -> Count {
        Count { passed, failed }
    }

    #[test]
    fn nextest() {
        let text = "     Summary [   0.005s] 3 tests run: 3 passed, 1 skipped\n";
        assert_eq!(Count::of_cargo(text), count(3, 0));
        let text = "\u{1b}[31;1m     Summary\u{1b}[0m [ 120.0s] 7/9 tests run: 4 passed (1 slow), \
                    1 failed, 1 timed out, 1 exec failed, 0 skipped";
        assert_eq!(Count::of_cargo(text), count(4, 3));
        assert_eq!(Count::of_cargo("error: could not compile"), count(0, 0));
    }

    #[test]
    fn cargo_test_sums_its_targets() {
        let text = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n\
                    test result: FAILED. 1 passed; 2 failed; 0 ignored; finished in 0.00s\n";
        assert_eq!(Count::of_cargo(text), count(4, 2));
    }

    #[test]
    fn vitest() {
        let text = " Test Files  2 passed (2)\n      Tests  1 failed | 12 passed (13)\n";
        assert_eq!(Count::of_vitest(text), count(12, 1));
        assert_eq!(Count::of_vitest("      Tests  4 passed (4)"), count(4, 0));
    }

    #[test]
    fn plain() {
        assert_eq!(Count::of_plain("page ok\n12 passed, 1 failed\n"), Some(count(12, 1)));
        assert_eq!(Count::of_plain("no line like that"), None);
    }
}
