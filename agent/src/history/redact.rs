//! Core: secrets out of a configuration, so that a change of one shows and none is told.
//!
//! In: text and the key of a site. Out: the text with `«secret:HMAC8»` in place of each secret, the
//! first eight hexadecimal digits of its HMAC-SHA-256 (RFC 2104) under that key: equal secrets of a
//! site have equal marks, and without the key a mark tells nothing. Bound: the input's.

use std::fmt;

use regex::Regex;
use ring::hmac;

use super::normalise::replace;
use super::platform::{Platform, Platforms, Rule};

/// In place of a secret that looks different each time it is shown.
const UNSTABLE: &str = "«secret»";
const MARK_DIGITS: usize = 8;

/// The key of a site's marks.
#[derive(Clone)]
pub struct SiteKey(hmac::Key);

impl SiteKey {
    pub const BYTES: usize = 32;

    #[must_use]
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn mark(&self, secret: &str) -> String {
        let tag = hmac::sign(&self.0, secret.as_bytes());
        let digits = data_encoding::HEXLOWER.encode(tag.as_ref());
        format!("«secret:{}»", &digits[..MARK_DIGITS])
    }
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey(…)")
    }
}

/// Marks every secret that a rule knows: the platform's first, then those of all.
#[must_use]
pub fn redact(platforms: &Platforms, platform: &Platform, key: &SiteKey, text: &str) -> String {
    let mut names = Names::default();
    let mut text = names.hide(platforms.name.iter().chain(&platform.name), text);
    for rule in platform.secret.iter().chain(&platforms.secret) {
        text = replace(&text, rule, |found| {
            let secret = Value::read(found);
            let is_one = |of: &[Regex]| of.iter().any(|open| open.is_match(&secret.plain));
            if is_one(&platforms.no_value) || !rule.sure && is_one(&platforms.not_secret) {
                return None;
            }
            let mark = if rule.unstable { UNSTABLE.to_owned() } else { key.mark(&secret.plain) };
            Some(format!("{}{mark}{}", secret.before, secret.behind))
        });
    }
    names.show(&text)
}

/// Values that no rule may see, as a mark stands in the place of each meanwhile.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    /// Begins a mark. What holds this already is left as it is: no name of it is kept.
    const OPEN: &str = "«\u{e000}";
    const CLOSE: char = '»';

    fn hide<'a>(&mut self, rules: impl Iterator<Item = &'a Rule>, text: &str) -> String {
        let mut text = text.to_owned();
        if text.contains(Self::OPEN) {
            return text;
        }
        for rule in rules {
            text = replace(&text, rule, |name| {
                let mark = format!("{}{}{}", Self::OPEN, self.0.len(), Self::CLOSE);
                self.0.push(name.to_owned());
                Some(mark)
            });
        }
        text
    }

    fn show(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let mut pieces = text.split(Self::OPEN);
        let mut shown = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let named = piece.split_once(Self::CLOSE);
            let name = |at: &str| at.parse().ok().and_then(|at: usize| self.0.get(at));
            if let Some((name, rest)) = named.and_then(|(at, rest)| Some((name(at)?, rest))) {
                shown.push_str(name);
                shown.push_str(rest);
            }
        }
        shown
    }
}

/// A secret as it stands in a text.
struct Value<'a> {
    before: &'a str,
    /// Without quotes and without the breaks that RouterOS makes to fit a terminal.
    plain: String,
    behind: &'a str,
}

impl<'a> Value<'a> {
    fn read(found: &'a str) -> Self {
        let quote = |c| found.len() > 1 && found.starts_with(c) && found.ends_with(c);
        let (from, to) = if quote('"') || quote('\'') {
            (1, found.len() - 1)
        } else {
            // The end of a statement, or of the text it stands in.
            let element = found.ends_with('>').then(|| found.find("]]>").or(found.find("</")));
            let end = element.flatten().unwrap_or(found.len());
            (0, found[..end].trim_end_matches([';', '"', '\'']).len())
        };
        let mut plain = String::new();
        for (at, line) in found[from..to].split('\n').enumerate() {
            let line = line.trim_end_matches('\r');
            let line = if at > 0 { line.trim_start() } else { line };
            plain.push_str(line.strip_suffix('\\').unwrap_or(line));
        }
        Self { before: &found[..from], plain, behind: &found[to..] }
    }
}

#[cfg(test)]
mod tests;
