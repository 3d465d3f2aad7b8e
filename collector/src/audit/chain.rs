//! Core: the chain of an audit. The hash of each row covers the row, its place and the hash before
//! it, so that no row can be edited, taken out or moved without a break that names it.
//!
//! Whoever may write rows and head can make the whole chain anew: against that helps only a head
//! that was noted elsewhere.

pub mod verify;

use std::fmt;

use farwatch_common::clock::Micros;
use farwatch_common::id::TenantId;

pub type Hash = [u8; 32];

/// What stands before the first row.
pub const START: Hash = [0; 32];

/// One change or sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub tenant: TenantId,
    /// The place in the tenant's chain, from 1, without holes.
    pub seq: i64,
    pub at: Micros,
    pub actor_kind: String,
    pub actor_id: i64,
    pub actor_name: String,
    pub address: String,
    pub action: String,
    pub object_kind: String,
    pub object_id: i64,
    pub object_name: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub request_id: String,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub entry: Entry,
    pub hash: Hash,
}

/// The end of a chain, stored beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Hash,
}

/// The hash of the row that follows the one with the hash `previous`.
#[must_use]
pub fn link(previous: &Hash, entry: &Entry) -> Hash {
    link_at(entry.seq, previous, entry)
}

/// The same, were the entry at another place.
fn link_at(seq: i64, previous: &Hash, entry: &Entry) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("farwatch 2026 audit chain");
    hasher.update(previous);
    // All of one length, so they need no prefix.
    for number in [entry.tenant.0, seq, entry.at.0, entry.actor_id, entry.object_id] {
        hasher.update(&number.to_be_bytes());
    }
    let texts = [
        &entry.actor_kind,
        &entry.actor_name,
        &entry.address,
        &entry.action,
        &entry.object_kind,
        &entry.object_name,
        &entry.request_id,
    ];
    for text in texts {
        field(&mut hasher, text);
    }
    for text in [&entry.before, &entry.after] {
        // Nothing and an empty text are two things.
        hasher.update(&[u8::from(text.is_some())]);
        field(&mut hasher, text.as_deref().unwrap_or_default());
    }
    *hasher.finalize().as_bytes()
}

/// With its length before it: where one text ends cannot be moved into the next.
fn field(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The row is not what was written there; or the row before it was replaced together with its
    /// hash, which shows here only.
    Changed { seq: i64 },
    /// From the first to the last there are no rows.
    Missing { first: i64, last: i64 },
    /// An unchanged row at another's place.
    Reordered { seq: i64, written_as: i64 },
    /// Rows at the end are gone.
    HeadAhead { head: i64, last: i64 },
    /// Rows were added by going round the head, or it was set back.
    HeadBehind { head: i64, last: i64 },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { seq } => {
                write!(f, "row {seq} was changed, or the row before it was replaced")
            }
            Self::Missing { first, last } if first == last => write!(f, "row {first} is missing"),
            Self::Missing { first, last } => write!(f, "rows {first} to {last} are missing"),
            Self::Reordered { seq, written_as } => {
                write!(f, "row {seq} was written as row {written_as}")
            }
            Self::HeadAhead { head, last } => {
                write!(f, "the chain went to row {head}, the rows end with {last}")
            }
            Self::HeadBehind { head, last } => {
                write!(f, "the chain went to row {head}, but there are rows up to {last}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
