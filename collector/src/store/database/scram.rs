//! What PostgreSQL keeps of a password (SCRAM-SHA-256, RFC 5802), made on our side: a password that
//! stood in a statement could stand in the server's log.

use std::num::NonZeroU32;

use data_encoding::BASE64;
use farwatch_common::secret::Secret;
use ring::error::Unspecified;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{digest, hmac, pbkdf2};

/// As PostgreSQL's own.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();
const SALT_LEN: usize = 16;

/// The text that `ALTER ROLE … PASSWORD` takes in place of the password.
pub(super) fn verifier(password: &Secret) -> Result<String, Unspecified> {
    let mut salt = [0; SALT_LEN];
    SystemRandom::new().fill(&mut salt)?;
    Ok(with_salt(password, &salt))
}

pub(super) fn with_salt(password: &Secret, salt: &[u8]) -> String {
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, salt, password.expose(), &mut salted);
    let salted = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client_key = hmac::sign(&salted, b"Client Key");
    let stored_key = digest::digest(&digest::SHA256, client_key.as_ref());
    let server_key = hmac::sign(&salted, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored_key.as_ref()),
        BASE64.encode(server_key.as_ref())
    )
}
