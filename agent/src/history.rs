//! Configurations of devices, fetched by SSH: what they are, without what changes by itself, and
//! without a secret in sight.
//!
//! In: targets. Out: snapshots. Bound: one session a device, 16 MiB a snapshot
//! ([`terminal::TEXT_BYTES_MAX`]), 15 minutes a fetch; when full or late, a typed error with advice.
//! On a crash nothing is kept: the next fetch begins anew.

mod fetch;
mod line;
pub mod normalise;
pub mod platform;
pub mod redact;
pub mod session;
pub mod site_key;
mod ssh;
pub mod terminal;

use std::io;

use farwatch_common::secret::Secret;

pub use self::fetch::{FETCH_TIME_MAX, fetch};
use self::session::SessionError;

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

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("cannot connect; check the address, the port, and that the device serves SSH")]
    NoConnection { source: Option<io::Error> },
    #[error(
        "the host key is {shown} and not the pinned one; if the device was replaced, pin the new \
         key, else somebody may be in between"
    )]
    HostKey { shown: String },
    #[error(
        "the device knows none of today's algorithms; update it, or allow broken ones for it \
         (--legacy)"
    )]
    Algorithms,
    #[error("the device refuses the user; check its name and its password or key")]
    Login,
    #[error("the private key cannot be read; give one in OpenSSH's form without a passphrase")]
    PrivateKey,
    #[error("the password or key is not text")]
    NotText,
    #[error("there is no platform {0}; `farwatch-agent backup --help` names them")]
    NoPlatform(String),
    #[error("the device ended the session; check that the user may have a command line")]
    Closed,
    #[error("the device fell silent without a prompt; name its platform, or report it")]
    Silent,
    #[error("the device asks what nobody answers; log in by hand once and see")]
    Questions,
    #[error("the device refuses to show its configuration; give the user the right to read it")]
    Refused,
    #[error("the device shows an empty configuration; check the rights of the user")]
    Empty,
    #[error("the configuration ends in its middle; the connection or the device failed: try again")]
    Incomplete,
    #[error("the configuration is larger than 16 MiB")]
    TooMuch,
    #[error("SSH failed; try `ssh` by hand from this host")]
    Protocol(#[from] russh::Error),
}

impl FetchError {
    /// A word for programs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoConnection { .. } => "no_connection",
            Self::HostKey { .. } => "host_key",
            Self::Algorithms => "algorithms",
            Self::Login => "login",
            Self::PrivateKey => "private_key",
            Self::NotText => "not_text",
            Self::NoPlatform(_) => "no_platform",
            Self::Closed => "closed",
            Self::Silent => "silent",
            Self::Questions => "questions",
            Self::Refused => "refused",
            Self::Empty => "empty",
            Self::Incomplete => "incomplete",
            Self::TooMuch => "too_much",
            Self::Protocol(_) => "protocol",
        }
    }
}

impl From<SessionError> for FetchError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::TooMuch => Self::TooMuch,
            SessionError::Questions => Self::Questions,
        }
    }
}
