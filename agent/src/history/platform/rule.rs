//! Rules on text, as they stand in the data.

use regex::Regex;
use serde::{Deserialize, Deserializer, de};

/// A value in a text: the group `v` of a pattern, everywhere it matches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(deserialize_with = "pattern")]
    pub find: Regex,
    /// Only below this line, up to the next one that begins a section.
    #[serde(default)]
    pub within: Option<Within>,
    /// Nothing but a secret can stand there, whatever word it is.
    #[serde(default)]
    pub sure: bool,
    /// The value is another one each time it is shown: its mark cannot tell of a change.
    #[serde(default)]
    pub unstable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// A line that begins a section.
    #[serde(deserialize_with = "pattern")]
    pub section: Regex,
    /// One that begins the section meant.
    #[serde(deserialize_with = "pattern")]
    pub named: Regex,
}

/// Lines from one like `from` to one like `to`, both included.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    #[serde(deserialize_with = "pattern")]
    pub from: Regex,
    #[serde(deserialize_with = "pattern")]
    pub to: Regex,
}

/// Words that patterns have in common; a pattern names them in double braces.
const WORDS: [(&str, &str); 5] = [
    // Names of things that hold a secret.
    (
        "{{KEYWORD}}",
        concat!(
            r"(?:password|passwd|pwd|pass-?phrase|passcode|secret|psk|psksecret|shared[-_]?key|",
            r"server[-_]key|secret[-_]key|access[-_]key|private[-_]?key|auth[-_]key|",
            r"authentication-key|key-string|set-key|key-octet-string|key-value|md5-?key|",
            r"password-value|(?:encrypted|plaintext)-key|radius-common-pw|community-string|token|",
            r"api[-_]?key|bind-?pw|otp[-_]seed|wpa-key|wep-key|cak)",
        ),
    ),
    // How it is written, between its name and itself.
    (
        "{{TYPES}}",
        concat!(
            r"(?:(?:\d{1,2}|\d{3,10}[ \t]+(?:md5|sha\S*|hmac\S*|type)|encrypted|text|plain-?text|clear-?text|clear|cipher|ciphertext|simple|",
            r"hash|hashed|irreversible-cipher|ascii(?:-text)?|hex|hexadecimal|md5|sha\d*|ENC|",
            r"hmac-\S+|type-?\d|level[ \t]+\d+|unencrypted|localized|local|remote|role[ \t]+\S+|",
            r"8a|plain|password\d?|pass-?phrase|(?:auth|priv)-pass|plain-?text-password)",
            r"[ \t]+)*",
        ),
    ),
    // Names of elements that hold a secret.
    (
        "{{ELEMENT}}",
        concat!(
            r"(?:[\w.:-]*(?:password|passwd|passphrase|secret|hash|psk|shared[_-]?key|bindpw|token|",
            r"private[_-]?key|api[_-]?key|community)[\w.:-]*|[\w.:-]*(?:[_-]pass|proxypass|_key|",
            r"radiuskey\d?|keydata|domainkey|accountkey|enckey|privkey|p12key|trapstring|pkcs11pin|",
            r"motppin|otp_seed|mastercode|simpin|auth_?key|hmac|syncpass|userkey|etpro_code)|api|prv|key|tls|pass)",
        ),
    ),
    // Quoted, or a word, in one line; a quote that does not end is part of the word.
    ("{{VALUE}}", r#"(?P<v>"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\S+)"#),
    // RouterOS breaks lines within either.
    (
        "{{BROKEN_VALUE}}",
        concat!(
            r#"(?P<v>"(?:[^"\\]|\\.|\\\r?\n)*"|'[^'\n]*'|\\"(?:[^"\\]|\\[^"])*\\"|"#,
            // Within a script a quote, a return or a line's end are written as two characters.
            r#"(?:[^\s"'\\]|\\\r?\n[ \t]+|\\[^\s"rn])(?:[^\s"\\]|\\\r?\n[ \t]+|\\[^\s"rn])*)"#,
        ),
    ),
];

fn compile(text: &str) -> Result<Regex, regex::Error> {
    let mut pattern = text.to_owned();
    for (name, words) in WORDS {
        pattern = pattern.replace(name, words);
    }
    Regex::new(&pattern)
}

pub(super) fn pattern<'de, D: Deserializer<'de>>(source: D) -> Result<Regex, D::Error> {
    compile(&String::deserialize(source)?).map_err(de::Error::custom)
}

/// For a field that is there; it is none by default.
pub(super) fn pattern_or_none<'de, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<Regex>, D::Error> {
    pattern(source).map(Some)
}

pub(super) fn patterns<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<Regex>, D::Error> {
    let texts = Vec::<String>::deserialize(source)?;
    texts.iter().map(|text| compile(text)).collect::<Result<_, _>>().map_err(de::Error::custom)
}
