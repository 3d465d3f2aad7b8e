//! Looks for secrets in bytes, in every form they may have been written in.

use std::collections::{BTreeSet, HashMap};

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};

/// Shorter ones would be found by chance.
const SECRET_BYTES_MIN: usize = 8;
/// What a place in the bytes is looked up by.
const KEY_BYTES: usize = 8;

/// A secret by its name, and its homes: where it is shown once, or the file it is kept in.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    bytes: Vec<u8>,
    pub(crate) homes: &'static [&'static str],
}

impl Planted {
    pub(crate) fn new(
        name: &'static str,
        bytes: impl Into<Vec<u8>>,
        homes: &'static [&'static str],
    ) -> Self {
        let bytes = bytes.into();
        assert!(bytes.len() >= SECRET_BYTES_MIN, "{name} is too short");
        Self { name, bytes, homes }
    }
}

/// A secret and the form it was found in.
pub(crate) type Found = (&'static str, &'static str);

pub(crate) struct Search {
    needles: Vec<(Found, Vec<u8>)>,
    /// The needles by their first bytes.
    by_key: HashMap<[u8; KEY_BYTES], Vec<usize>>,
    /// A bit for each beginning of three bytes that a needle has: most places are none.
    begins: Vec<u64>,
}

impl Search {
    pub(crate) fn new(secrets: &[Planted]) -> Self {
        let mut needles = Vec::new();
        for secret in secrets {
            let forms = forms(&secret.bytes).into_iter();
            needles.extend(forms.map(|(form, bytes)| ((secret.name, form), bytes)));
        }
        let mut by_key: HashMap<_, Vec<usize>> = HashMap::new();
        let mut begins = vec![0; 1 << 18];
        for (number, (_, needle)) in needles.iter().enumerate() {
            by_key.entry(*needle.first_chunk().unwrap()).or_default().push(number);
            let begin = begin_of([needle[0], needle[1], needle[2]]);
            begins[begin / 64] |= 1 << (begin % 64);
        }
        Self { needles, by_key, begins }
    }

    /// What is in the bytes; in PEM, as if it had no lines.
    pub(crate) fn found(&self, bytes: &[u8]) -> BTreeSet<Found> {
        let mut found = self.found_as_is(bytes);
        if bytes.starts_with(b"-----BEGIN") {
            let joined: Vec<u8> =
                bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
            found.extend(self.found_as_is(&joined));
        }
        found
    }

    fn found_as_is(&self, bytes: &[u8]) -> BTreeSet<Found> {
        let mut found = BTreeSet::new();
        for (at, window) in bytes.windows(KEY_BYTES).enumerate() {
            let begin = begin_of([window[0], window[1], window[2]]);
            if self.begins[begin / 64] >> (begin % 64) & 1 == 0 {
                continue;
            }
            let Some(candidates) = self.by_key.get(window) else { continue };
            for (name, needle) in candidates.iter().map(|number| &self.needles[*number]) {
                if bytes[at..].starts_with(needle) {
                    found.insert(*name);
                }
            }
        }
        found
    }
}

fn begin_of([first, second, third]: [u8; 3]) -> usize {
    usize::from(first) << 16 | usize::from(second) << 8 | usize::from(third)
}

/// What of a secret may be found.
fn forms(secret: &[u8]) -> BTreeSet<(&'static str, Vec<u8>)> {
    let mut forms = BTreeSet::from([
        ("raw bytes", secret.to_vec()),
        ("raw bytes", secret.to_ascii_lowercase()),
        ("raw bytes", secret.to_ascii_uppercase()),
        ("hex", HEXLOWER.encode(secret).into_bytes()),
        ("hex", HEXUPPER.encode(secret).into_bytes()),
        ("percent-encoding", percent(secret, |byte| byte.is_ascii_alphanumeric())),
        (
            "percent-encoding",
            percent(secret, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
        ),
        ("percent-encoding", percent(secret, |_| false)),
        ("escapes", secret.escape_ascii().to_string().into_bytes()),
    ]);
    let numbers: Vec<String> = secret.iter().map(ToString::to_string).collect();
    forms.extend([", ", ","].map(|comma| ("a list of numbers", numbers.join(comma).into_bytes())));
    if let Ok(text) = std::str::from_utf8(secret) {
        let json = serde_json::to_string(text).unwrap();
        forms.insert(("JSON", json[1..json.len() - 1].into()));
    }
    for before in 0..3 {
        forms.insert(("base64", inner(&BASE64_NOPAD, before, secret)));
        forms.insert(("base64", inner(&BASE64URL_NOPAD, before, secret)));
    }
    for before in 0..5 {
        let upper = inner(&BASE32_NOPAD, before, secret);
        forms.insert(("base32", upper.to_ascii_lowercase()));
        forms.insert(("base32", upper));
    }
    forms
}

fn percent(secret: &[u8], is_plain: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in secret {
        if is_plain(byte) {
            text.push(byte);
        } else {
            text.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    text
}

/// The letters of the secret alone where so many bytes of something else stand before it.
fn inner(encoding: &Encoding, before: usize, secret: &[u8]) -> Vec<u8> {
    let bits = encoding.bit_width();
    let text = encoding.encode(&[&vec![0; before], secret].concat());
    let (first, last) = ((before * 8).div_ceil(bits), (before + secret.len()) * 8 / bits);
    text[first..last].into()
}

#[test]
fn a_secret_is_found_in_every_form_and_place() {
    let secret = b"c\"n%ary/+ \xc3\xa9 8".to_vec();
    let search = Search::new(&[
        Planted::new("wanted", secret.clone(), &[]),
        Planted::new("other", *b"something else", &[]),
    ]);
    let text = String::from_utf8(secret.clone()).unwrap();
    type Encode = fn(&[u8]) -> String;
    let encodings: [(&str, Encode); 4] = [
        ("base64", |bytes| data_encoding::BASE64.encode(bytes)),
        ("base64", |bytes| data_encoding::BASE64URL.encode(bytes)),
        ("base32", |bytes| data_encoding::BASE32.encode(bytes)),
        ("hex", |bytes| HEXLOWER.encode(bytes)),
    ];
    for (form, encode) in encodings {
        for before in 0..6 {
            let around = [&vec![b'x'; before][..], &secret, b"yy"].concat();
            let found = search.found(format!("key={}\n", encode(&around)).as_bytes());
            assert_eq!(found, BTreeSet::from([("wanted", form)]), "{before} bytes before");
        }
    }
    let pem = data_encoding::BASE64.encode(&secret);
    let (first, second) = pem.split_at(7);
    let places = [
        ("raw bytes", [b"\0\0", &secret[..], b"\0"].concat()),
        ("JSON", serde_json::to_vec(&text).unwrap()),
        ("a list of numbers", format!("{secret:?}").into_bytes()),
        ("a list of numbers", serde_json::to_vec(&secret).unwrap()),
        ("escapes", format!("{:?}", bytes::Bytes::from(secret.clone())).into_bytes()),
        ("percent-encoding", b"postgres://u:c%22n%25ary%2F%2B%20%C3%A9%208@h".to_vec()),
        ("base64", format!("-----BEGIN KEY-----\n{first}\n{second}\n").into_bytes()),
    ];
    for (form, place) in places {
        let found = search.found(&place);
        assert!(found.contains(&("wanted", form)), "{form}: {found:?}");
        assert!(found.iter().all(|(name, _)| *name == "wanted"), "{form}: {found:?}");
    }
    assert!(search.found(&secret[1..]).is_empty());
    assert!(search.found(b"").is_empty());
}
