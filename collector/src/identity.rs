//! Who is who: the PKI and the agents' keys, enrolment, people, sessions, API keys, tenancy.

pub mod agent_key;
pub mod api_key;
pub mod certificates;
pub mod enroll;
pub mod failures;
pub mod grant;
pub mod installation_key;
mod key;
pub mod limits;
pub mod master;
pub mod member;
pub mod password;
pub mod peer;
pub mod pki;
pub mod places;
pub mod screen;
pub mod second_factor;
pub mod session;
pub mod tenancy;
mod text_key;
pub mod token;
pub mod totp;
pub mod tries;
pub mod user;
pub mod view;

use std::time::Duration;

pub use key::IdentityKey;
pub use peer::{PeerInfo, Remote};
pub use tenancy::{Access, Actor, TenantContext};

#[cfg(test)]
mod tests;

/// Use of a session or key is noted at most this often: a write per request would keep the only
/// writer busy.
pub const NOTE_EVERY: Duration = Duration::from_secs(60);

/// SHA-256. Enough for secrets of 256 random bits; passwords have `password`.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    hash
}
