//! Core: a configuration without what changes by itself.
//!
//! In: the lines of a device. Out: text that is equal as long as the configuration is. Bound: the
//! input's. What a device never changes by itself stays as it is, line breaks of RouterOS too.

use super::platform::{Command, Platform, Platforms, Rule};

/// In place of a value that changes by itself.
pub const VOLATILE: &str = "«…»";

/// Drops noise and masks what changes by itself.
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
    for rule in platforms.volatile.iter().chain(&platform.volatile) {
        kept = replace(&kept, rule, |_| Some(VOLATILE.to_owned()));
    }
    kept
}

fn is_noise(platforms: &Platforms, platform: &Platform, line: &str) -> bool {
    let mut patterns = platforms.noise.iter().chain(&platform.noise);
    patterns.any(|noise| noise.is_match(line))
}

/// False for an answer that was cut off: its last line is not one that ends such answers.
#[must_use]
pub fn is_whole(
    platforms: &Platforms,
    platform: &Platform,
    command: &Command,
    lines: &[String],
) -> bool {
    let Some(end) = &command.end else { return true };
    let mut lines = lines.iter().rev().map(|line| line.trim_end());
    let last = lines.find(|line| !line.is_empty() && !is_noise(platforms, platform, line));
    last.is_some_and(|last| end.is_match(last))
}

/// What of a text is a reason for a new version: all but what the device changes on its own.
#[must_use]
pub fn significant(platform: &Platform, text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut inside = None;
    for line in text.lines() {
        match inside {
            None => inside = platform.quiet.iter().find(|quiet| quiet.from.is_match(line)),
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
    let mut out = String::with_capacity(text.len());
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = rule.find.captures_at(text, at) {
        let Some(value) = found.name("v") else { break };
        // The next one may begin within what lay around this one.
        at = value.start();
        let wanted = in_section(text, rule, value.start());
        if let Some(new) = wanted.then(|| with(value.as_str())).flatten() {
            out.push_str(&text[copied..value.start()]);
            out.push_str(&new);
            copied = value.end();
            at = value.end();
        }
        if at == 0 || at <= found.get(0).map_or(0, |whole| whole.start()) {
            at = next_char(text, at);
        }
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

fn in_section(text: &str, rule: &Rule, at: usize) -> bool {
    let Some(within) = &rule.within else { return true };
    let mut before = text[..at].lines().rev();
    before
        .find(|line| within.section.is_match(line))
        .is_some_and(|line| within.named.is_match(line))
}

#[cfg(test)]
mod tests;
