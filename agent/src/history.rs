//! Configurations of devices, fetched by SSH: what they are, without what changes by itself, and
//! without a secret in sight.
//!
//! In: targets. Out: snapshots. Bound: one session a device, 16 MiB a snapshot
//! ([`terminal::TEXT_BYTES_MAX`]), 15 minutes a fetch; when full or late, a typed error with advice.
//! On a crash nothing is kept: the next fetch begins anew.

mod answer;
mod console;
mod failure;
mod fetch;
pub mod jobs;
mod line;
pub mod normalise;
pub mod outbox;
mod outcome;
pub mod platform;
mod queue;
pub mod redact;
pub mod send;
pub mod session;
pub mod site_key;
mod ssh;
pub mod terminal;

use farwatch_common::secret::Secret;

pub use self::failure::FetchError;
pub use self::fetch::{FETCH_TIME_MAX, fetch};

/// Who logs in, and with what.
#[derive(Clone, Debug)]
pub struct Login {
    pub user: String,
    pub password: Option<Secret>,
    /// A private key in PEM or OpenSSH's form, without a passphrase.
    pub key: Option<Secret>,
    /// For `enable`; the password where there is none.
    pub enable: Option<Secret>,
}

/// A device whose configuration is wanted.
#[derive(Clone, Debug)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub login: Login,
    /// An id of [`platform::Platforms`]; the device is recognised without one.
    pub platform: Option<String>,
    /// Offer algorithms that are broken, too.
    pub legacy: bool,
    /// `SHA256:…` of the host key; any is taken without one.
    pub known_host: Option<String>,
}

/// What a device has given.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub platform: String,
    /// The configuration as the device has sent it, secrets and all.
    pub raw: Secret,
    /// Facts and configuration, without what changes by itself, each secret a mark.
    pub normalised: String,
    /// What of `normalised` is a reason for a new version.
    pub significant: String,
    pub facts: Vec<String>,
    /// `SHA256:…` of the host key.
    pub fingerprint: String,
}
