//! Stage **mirror**: versions as commits of a bare Git repository per tenant, where the
//! administrator's file says so (docs/adr/0013-git-mirror.md).
//!
//! - in: versions, in the order of their ids; names of devices and sites
//! - out: a commit for each version, one for devices that moved or went; a push to the remote
//! - bound: [`GROUP`](store::GROUP) versions and 32 MiB in one run of `git fast-import`, a tenant
//!   after the other; [`beside::AT_ONCE`] pushes
//! - when full: versions wait in the database, pushes for their turn
//! - on crash: a run counts whole or not at all, and the branch says how far the mirror is; one
//!   that is lost is made anew from the database

mod beside;
pub mod config;
pub mod git;
pub mod health;
mod leftovers;
mod paths;
pub(crate) mod store;
mod stream;
#[cfg(test)]
mod tests;
mod write;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use farwatch_common::clock::Clock;
use farwatch_common::task::chain;
use tokio_util::sync::CancellationToken;

use self::beside::Beside;
use self::config::History;
use self::git::{GitError, check};
use self::health::Mirrors;
use self::write::Writer;
use super::VersionsChanged;
use crate::metrics::Metrics;
use crate::store::{Database, StoreError};

/// In the data directory.
const DIR: &str = "git";

/// Why the mirror of a tenant is not what the database is.
#[derive(Debug, thiserror::Error)]
enum MirrorError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("versions cannot be read")]
    Store(#[from] StoreError),
}

impl MirrorError {
    /// What to do about it, without a word of Git's.
    fn advice(&self) -> &'static str {
        match self {
            Self::Git(error) => error.advice(),
            Self::Store(_) => "The database cannot be read: the collector's log says why.",
        }
    }
}

/// Writes the mirrors, and pushes and packs them beside that: a remote that does not answer holds up
/// no commit.
pub struct Mirror {
    writer: Writer,
    beside: Arc<Beside>,
}

impl Mirror {
    #[must_use]
    pub fn new(
        database: Database,
        data_dir: &Path,
        settings: History,
        versions: VersionsChanged,
        clock: Clock,
        metrics: &Metrics,
    ) -> Self {
        // Git is run in its repository, from where another path would lead elsewhere.
        let dir = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned()).join(DIR);
        let beside = Arc::new(Beside::new(dir.clone(), clock.clone(), metrics));
        let from = (database, versions, clock);
        let writer = Writer::new(from, (dir, settings), Arc::clone(&beside), metrics);
        Self { writer, beside }
    }

    /// How the mirrors stand, from now on.
    #[must_use]
    pub fn health(&self) -> Mirrors {
        self.beside.health.clone()
    }

    /// Mirrors until `cancel`.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Infallible> {
        if let Err(error) = check().await {
            tracing::error!(stage = "history", error = chain(&error), "no Git mirror");
        }
        tokio::join!(self.writer.run(&cancel), self.beside.run(&cancel));
        Ok(())
    }
}
