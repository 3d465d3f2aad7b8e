//! Core: whether an answer is what was asked for. A refusal, a piece of a configuration or something
//! else must never be stored as one.
//!
//! In: the lines of an answer. Out: a judgement. Bound: the input's.

use regex::Regex;

use super::normalise::is_noise;
use super::platform::{Command, Platform, Platforms, Role};

/// A configuration has more than a message.
const CONFIG_LINES_MIN: usize = 2;

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Whole,
    Blank,
    /// The device does not know or permit the command.
    Refused,
    /// It was cut off, lacks something, or has nothing that such an answer has.
    Incomplete,
}

/// Judges the answer to a command.
pub(super) fn judge(
    platforms: &Platforms,
    platform: &Platform,
    command: &Command,
    lines: &[String],
) -> Judgement {
    let said: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    let said: Vec<&str> = said.into_iter().filter(|line| !line.is_empty()).collect();
    let has = |wanted: &Regex| said.iter().any(|line| wanted.is_match(line));
    let ends = |end: &Regex| {
        let last = said.iter().rev().find(|line| !is_noise(platforms, platform, line));
        last.is_some_and(|last| end.is_match(last))
    };
    if said.is_empty() {
        Judgement::Blank
    } else if platforms.is_refusal(lines)
        || command.role == Role::Config && said.len() < CONFIG_LINES_MIN
    {
        Judgement::Refused
    } else if command.broken.as_ref().is_some_and(has)
        || !command.has.as_ref().is_none_or(has)
        || !command.end.as_ref().is_none_or(ends)
    {
        Judgement::Incomplete
    } else {
        Judgement::Whole
    }
}

#[cfg(test)]
mod tests;
