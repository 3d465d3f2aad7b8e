//! The text form of keys: `<prefix>_<id>_<secret>_<crc>`.
//!
//! The id finds the row, the checksum spares the database typing errors, and of the secret only
//! the SHA-256 is stored: it has 256 bits, so a slow hash would add nothing.

use data_encoding::BASE32_NOPAD;
use farwatch_common::crc::crc32;
use farwatch_common::secret::Secret;
use ring::rand::SecureRandom as _;

use crate::store::StoreError;

const SECRET_LEN: usize = 32;
const TEXT_LEN_MAX: usize = 128;

/// A fresh secret of a key.
pub(super) fn secret_new() -> Result<[u8; SECRET_LEN], StoreError> {
    let mut secret = [0; SECRET_LEN];
    ring::rand::SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| StoreError::Corrupt { what: "the system's randomness".to_owned() })?;
    Ok(secret)
}

/// `id` as it is shown, `key_…`; its own prefix gives way to that of the key.
pub(super) fn encode(prefix: &str, id: &str, secret: &[u8; SECRET_LEN]) -> Secret {
    let id = id.split_once('_').map_or(id, |(_, id)| id);
    let body = format!("{prefix}_{id}_{}", BASE32_NOPAD.encode(secret).to_ascii_lowercase());
    let crc = crc_of(&body).to_ascii_lowercase();
    Secret::from(format!("{body}_{crc}"))
}

/// The id without its prefix, and the secret; `None` for every text that no `encode` made.
pub(super) fn parse<'a>(prefix: &str, text: &'a str) -> Option<(&'a str, Secret)> {
    if text.len() > TEXT_LEN_MAX {
        return None;
    }
    let (body, crc) = text.rsplit_once('_')?;
    if !crc.eq_ignore_ascii_case(&crc_of(body)) {
        return None;
    }
    let (id, secret) = body.strip_prefix(prefix)?.strip_prefix('_')?.split_once('_')?;
    let secret = BASE32_NOPAD.decode(secret.to_ascii_uppercase().as_bytes()).ok()?;
    (secret.len() == SECRET_LEN).then(|| (id, Secret::new(secret)))
}

fn crc_of(body: &str) -> String {
    BASE32_NOPAD.encode(&crc32(body.as_bytes()).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::ApiKeyId;

    use super::*;

    #[test]
    fn the_text_form_round_trips_and_notices_changes() {
        let text = encode("fwk", &ApiKeyId(77).to_string(), &[9; SECRET_LEN]);
        let text = str::from_utf8(text.expose()).unwrap();
        let (id, secret) = parse("fwk", text).unwrap();
        assert_eq!(format!("key_{id}").parse(), Ok(ApiKeyId(77)));
        assert_eq!(secret, Secret::new(vec![9; SECRET_LEN]));
        assert_eq!(parse("fws", text), None);
        for at in 0..text.len() {
            let mut bad = text.to_owned();
            let letter = if &text[at..=at] == "q" { "r" } else { "q" };
            bad.replace_range(at..=at, letter);
            assert_eq!(parse("fwk", &bad), None, "{bad}");
            assert_eq!(parse("fwk", &text[..at]), None);
        }
    }
}
