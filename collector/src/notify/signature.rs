//! Core: signatures of webhooks, by Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 of
//! `id.timestamp.body`, with a key in base64 after `whsec_`.

use data_encoding::BASE64;
use farwatch_common::secret::Secret;
use ring::hmac;

const PREFIX: &str = "whsec_";
/// Shortest and longest key, in bytes, as the specification has it.
pub const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const NEW_KEY_BYTES: usize = 32;

/// The key that the text holds.
fn key(text: &Secret) -> Option<hmac::Key> {
    let encoded = std::str::from_utf8(text.expose()).ok()?.strip_prefix(PREFIX)?;
    let bytes = BASE64.decode(encoded.as_bytes()).ok()?;
    KEY_BYTES.contains(&bytes.len()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[must_use]
pub fn is_key(text: &Secret) -> bool {
    key(text).is_some()
}

/// A new key; `None` if the system has no randomness.
#[must_use]
pub fn new_key() -> Option<Secret> {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; NEW_KEY_BYTES];
    ring::rand::SystemRandom::new().fill(&mut bytes).ok()?;
    Some(Secret::from(format!("{PREFIX}{}", BASE64.encode(&bytes))))
}

/// The value of `webhook-signature`: one signature for each key. `None`: no key can sign.
#[must_use]
pub fn signature(keys: &[Secret], id: &str, timestamp_s: i64, body: &[u8]) -> Option<String> {
    let mut signed = format!("{id}.{timestamp_s}.").into_bytes();
    signed.extend(body);
    let one =
        |text| Some(format!("v1,{}", BASE64.encode(hmac::sign(&key(text)?, &signed).as_ref())));
    let all: Vec<String> = keys.iter().filter_map(one).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn the_example_of_the_specification() {
        let key = Secret::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = br#"{"test": 2432232314}"#;
        let signed =
            signature(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_keys_sign_while_one_is_exchanged() {
        let keys = [new_key().unwrap(), new_key().unwrap()];
        let both = signature(&keys, "a", 1, b"{}").unwrap();
        let (new, old) = both.split_once(' ').unwrap();
        assert_eq!(signature(&keys[..1], "a", 1, b"{}").unwrap(), new);
        assert_eq!(signature(&keys[1..], "a", 1, b"{}").unwrap(), old);
        assert!(signature(&[], "a", 1, b"{}").is_none());
    }

    #[test]
    fn keys_are_of_one_form() {
        assert!(is_key(&new_key().unwrap()));
        for bad in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%"] {
            assert!(!is_key(&Secret::from(bad)), "{bad}");
        }
    }
}
