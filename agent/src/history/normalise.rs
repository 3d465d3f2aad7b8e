//! Core: a configuration without what changes by itself.
//!
//! In: the lines of a device. Out: text that is equal as long as the configuration is. Bound: the
//! input's. What a device never changes by itself stays as it is, line breaks of RouterOS too.

use std::ops::Range;

use super::platform::{Platform, Platforms, Rule, Within};

/// In place of a value that changes by itself.
pub const VOLATILE: &str = "«…»";

/// Drops lines that are no part of a configuration.
#[must_use]
pub fn normalise(platforms: &Platforms, platform: &Platform, text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !is_noise(platforms, platform, line)) {
        kept.push_str(line.trim_end());
        kept.push('\n');
    }
    // Empty lines at either end come and go with the terminal.
    let mut kept = kept.trim_matches('\n').to_owned();
    if !kept.is_empty() {
        kept.push('\n');
    }
    kept
}

/// Masks what changes by itself, in facts, too.
#[must_use]
pub fn settle(platforms: &Platforms, platform: &Platform, text: &str) -> String {
    let mut text = text.to_owned();
    for rule in platforms.volatile.iter().chain(&platform.volatile) {
        text = replace(&text, rule, |_| Some(VOLATILE.to_owned()));
    }
    text
}

pub(super) fn is_noise(platforms: &Platforms, platform: &Platform, line: &str) -> bool {
    let mut patterns = platforms.noise.iter().chain(&platform.noise);
    patterns.any(|noise| noise.is_match(line))
}

/// What of a text is a reason for a new version: all but what the device changes on its own.
#[must_use]
pub fn significant(platform: &Platform, text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut inside = None;
    for line in text.lines() {
        match inside {
            None => {
                inside = platform.quiet.iter().find(|quiet| quiet.from.is_match(line));
                // A block of one line.
                if inside.is_some_and(|quiet| quiet.to.is_match(line)) {
                    inside = None;
                    continue;
                }
            }
            Some(quiet) if quiet.to.is_match(line) => {
                inside = None;
                continue;
            }
            Some(_) => {}
        }
        if inside.is_none() {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Puts `with` of each value in its place, if it gives something.
pub(super) fn replace(
    text: &str,
    rule: &Rule,
    mut with: impl FnMut(&str) -> Option<String>,
) -> String {
    let sections = rule.within.as_ref().map(|within| sections(text, within));
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = rule.find.captures_at(text, at) {
        let Some(value) = found.name("v") else { break };
        let start = found.get(0).map_or(0, |whole| whole.start());
        let wanted = sections.as_ref().is_none_or(|ranges| is_in(ranges, value.start()));
        let new = wanted.then(|| with(value.as_str())).flatten();
        at = match new {
            Some(new) => {
                out.push_str(&text[copied..value.start()]);
                out.push_str(&new);
                copied = value.end();
                value.end().max(next_char(text, start))
            }
            // The next one may begin within what lay around this one, a blank before it included.
            None => last_char(text, value.start()).max(next_char(text, start)),
        };
        if at >= text.len() {
            break;
        }
    }
    out.push_str(&text[copied..]);
    out
}

fn next_char(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(text.len(), |c| at + c.len_utf8())
}

fn last_char(text: &str, at: usize) -> usize {
    text[..at].chars().next_back().map_or(0, |c| at - c.len_utf8())
}

/// Where the sections meant are, in order.
fn sections(text: &str, within: &Within) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let (mut at, mut open) = (0, false);
    for line in text.split_inclusive('\n') {
        let from = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if within.section.is_match(line) {
            open = within.named.is_match(line);
        }
        match ranges.last_mut().filter(|last| last.end == from) {
            _ if !open => {}
            Some(last) => last.end = at,
            None => ranges.push(from..at),
        }
    }
    ranges
}

fn is_in(ranges: &[Range<usize>], at: usize) -> bool {
    let after = ranges.partition_point(|range| range.end <= at);
    ranges.get(after).is_some_and(|range| range.contains(&at))
}

#[cfg(test)]
mod tests;
