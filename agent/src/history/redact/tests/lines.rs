//! Configurations as the vendors' command references write them. In each, words with `canary`, or
//! with `ca4a47` where only hexadecimal digits can stand, are secrets, and no other word is one.

use super::*;

/// Words that have one of these are secrets.
const SECRETS: [&str; 2] = ["canary", "ca4a47"];

macro_rules! configs {
    ($($id:literal),* $(,)?) => {
        [$(($id, include_str!(concat!("configs/", $id, ".txt")))),*]
    };
}

const CONFIGS: [(&str, &str); 18] = configs![
    "aoscx", "asa", "comware", "eos", "fortios", "generic", "ios", "iosxr", "junos", "netgear",
    "nxos", "opnsense", "pfsense", "procurve", "routeros", "tplink", "vrp", "vyos",
];

fn is_secret(text: &str) -> bool {
    SECRETS.iter().any(|secret| text.contains(secret))
}

/// The words that have to stay, line by line; a secret of several lines has none.
fn harmless(text: &str) -> Vec<(&str, Vec<&str>)> {
    let kept = |word: &&str| !is_secret(word) && !word.contains('«');
    let lines = text.lines().map(|line| (line, line.split_whitespace().filter(kept).collect()));
    lines.filter(|(_, words): &(_, Vec<&str>)| !words.is_empty()).collect()
}

#[test]
fn secrets_of_each_platform_are_marked_and_nothing_else_is() {
    let mut wrong = Vec::new();
    for (id, text) in CONFIGS {
        let told = redacted(id, text);
        assert_eq!(redacted(id, &told), told, "{id}: a second pass finds nothing");
        wrong
            .extend(told.lines().filter(|line| is_secret(line)).map(|l| format!("{id}: told {l}")));
        let (had, has) = (harmless(text), harmless(&told));
        for ((line, had), (told, has)) in had.iter().zip(&has) {
            let same = had == has && (is_secret(line) || line == told);
            if !same {
                wrong.push(format!("{id}: {line}\n    became {told}"));
                // Behind a line that is lost, each one is another.
                if had.first() != has.first() {
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_platform_has_a_configuration_here() {
    for id in Platforms::embedded().ids() {
        assert!(CONFIGS.iter().any(|(with, _)| *with == id), "{id}");
    }
}

#[test]
fn a_value_ends_with_its_line() {
    for text in ["enable password a\\\n interface x", "enable password \"a\nhostname \"b\""] {
        let got = redacted("ios", text);
        assert_eq!(got.lines().nth(1), text.lines().nth(1), "{got}");
    }
}
