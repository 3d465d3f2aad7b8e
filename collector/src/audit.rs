//! The audit: what was changed and who signed in, a chain of rows for each tenant and one for the
//! installation.
//!
//! A row is written in the transaction of its change ([`crate::store::txn::Write`]): there is no
//! change without its row and no row without its change. Reading is not written down, neither is
//! what agents measure.

pub mod chain;
pub mod list;
pub mod verify;
pub mod write;

use farwatch_common::id::TenantId;

pub use write::{Change, Origin, Who};

/// The chain of what belongs to no tenant: people, the installation's keys.
pub const INSTALLATION: TenantId = TenantId(0);
