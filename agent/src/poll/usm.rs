//! Core: SNMPv3 with its user-based security model (RFC 3412, RFC 3414), between the engine and
//! the wire.
//!
//! - **In:** the PDU of a question, and the messages that may answer it.
//! - **Out:** the message to send, and what an answer means: a PDU, a reason, or to ask again.
//! - **Bound:** one [`Session`] per device, some hundred bytes; one set of master keys per
//!   credential.
//! - **When full:** nothing is queued here.
//! - **On crash:** nothing is kept; every agent is discovered anew.
//!
//! A session comes to its first answer in steps: who is the agent (its engine id, in clear), what
//! time has it (signed, so the password is known to be right), for a user with a context whether it
//! answers outside of that, and then the question itself. So what goes wrong, silence included, has
//! its own cause. Keys and ciphers are in [`keys`].

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod clock;
mod keys;
mod message;
mod report;
mod session;

use bytes::Bytes;
use farwatch_common::clock::Micros;
use farwatch_common::sample::Cause;

use self::keys::{KeyError, Keyring, Salts};
pub(super) use self::message::Message;
pub(super) use self::session::{ENVELOPE_BYTES, Session};

/// What all sessions of an engine share.
#[derive(Debug)]
pub(super) struct Shared {
    keyring: Keyring,
    /// Made when first needed; `None` if the system has no randomness to give.
    salts: Option<Salts>,
    started: Micros,
}

impl Shared {
    pub(super) fn new(started: Micros) -> Self {
        Self { keyring: Keyring::default(), salts: None, started }
    }

    fn salts(&mut self) -> Result<&Salts, KeyError> {
        if self.salts.is_none() {
            self.salts = Some(Salts::new(self.started)?);
        }
        self.salts.as_ref().ok_or(KeyError::Salt)
    }
}

/// What a message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The PDU of an answer.
    Answer(Bytes),
    /// The agent has told something about itself: ask again.
    AskAgain,
    Failed(Cause),
    /// Forged, late or broken: as if it had not come.
    Stray,
}

#[cfg(test)]
mod tests;
