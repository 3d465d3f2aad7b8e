//! Core: what is looked for, in one text.
//!
//! In: a text. Out: lines that match. Bound: [`MATCHES_MAX`] lines, what is shown of each; looking
//! ends where it gets late.

#[cfg(test)]
mod tests;

use regex::{Regex, RegexBuilder};

/// Lines shown of one device.
const MATCHES_MAX: usize = 5;
/// Lines shown before and after each.
const AROUND: usize = 2;
const LINE_CHARS_MAX: usize = 500;
/// Places shown of one line.
const RANGES_MAX: usize = 32;
/// What a compiled expression may take: how long it looks at a character grows with that.
const REGEX_BYTES_MAX: usize = 256 * 1024;
const REGEX_CACHE_BYTES_MAX: usize = 4 * 1024 * 1024;
const NESTING_MAX: u32 = 50;
/// What of a line an expression is held against: the clock is looked at between two passes over it.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// What is looked for, line by line.
#[derive(Clone, Debug)]
pub struct Wanted {
    regex: Regex,
    /// What of a line is looked at. A word takes no longer than reading it.
    line_bytes: usize,
}

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// From 1.
    pub line: usize,
    pub text: String,
    /// Where in `text` it matches: the first character (Unicode scalar value) and the one behind the last.
    pub ranges: Vec<[usize; 2]>,
    pub before: Vec<String>,
    pub after: Vec<String>,
}

impl Wanted {
    /// A word, or a regular expression; the error says what is wrong with that.
    pub fn new(text: &str, is_regex: bool, with_case: bool) -> Result<Self, regex::Error> {
        let escaped = if is_regex { text.to_owned() } else { regex::escape(text) };
        let mut builder = RegexBuilder::new(&escaped);
        builder.case_insensitive(!with_case).nest_limit(NESTING_MAX);
        builder.size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_CACHE_BYTES_MAX);
        let line_bytes = if is_regex { LINE_BYTES_MAX } else { usize::MAX };
        builder.build().map(|regex| Self { regex, line_bytes })
    }

    /// The first lines that match, and how many more do; `None`: it got late.
    #[must_use]
    pub fn find(&self, text: &str, is_late: impl Fn() -> bool) -> Option<(Vec<Match>, usize)> {
        let lines: Vec<&str> = text.lines().collect();
        let (mut matches, mut more) = (Vec::new(), 0);
        for (index, line) in lines.iter().enumerate() {
            if is_late() {
                return None;
            }
            let looked_at = &line[..line.floor_char_boundary(self.line_bytes)];
            if !self.regex.is_match(looked_at) {
                continue;
            }
            if matches.len() == MATCHES_MAX {
                more += 1;
                continue;
            }
            let ranges = self.ranges(looked_at, &is_late)?;
            let shown = |lines: &[&str]| lines.iter().map(|line| short(line)).collect();
            let end = lines.len().min(index + 1 + AROUND);
            matches.push(Match {
                line: index + 1,
                text: short(line),
                ranges,
                before: shown(&lines[index.saturating_sub(AROUND)..index]),
                after: shown(&lines[index + 1..end]),
            });
        }
        Some((matches, more))
    }

    /// The first places that match of what is shown of a line; those of no length are none. `None`: it
    /// got late.
    fn ranges(&self, line: &str, is_late: impl Fn() -> bool) -> Option<Vec<[usize; 2]>> {
        let shown = &line[..shown_bytes(line)];
        let place = |at: usize| shown[..at.min(shown.len())].chars().count();
        let mut ranges = Vec::new();
        for found in self.regex.find_iter(line).take_while(|found| found.start() < shown.len()) {
            // Each may have read to the end of the line, one of no length too.
            if is_late() {
                return None;
            }
            if !found.is_empty() {
                ranges.push([place(found.start()), place(found.end())]);
            }
            if ranges.len() == RANGES_MAX {
                break;
            }
        }
        Some(ranges)
    }
}

fn shown_bytes(line: &str) -> usize {
    line.char_indices().nth(LINE_CHARS_MAX).map_or(line.len(), |(end, _)| end)
}

fn short(line: &str) -> String {
    let shown = &line[..shown_bytes(line)];
    if shown.len() == line.len() { line.to_owned() } else { format!("{shown}…") }
}
