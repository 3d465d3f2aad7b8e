//! Stage **receive**: from parts that agents send to versions.
//!
//! - in: [`SnapshotPart`]s on connections whose agent is known by its certificate
//! - out: a version, new or seen again, or why there is none; the job's end in the same transaction
//! - bound: parts of 4 to 64 KiB, outcomes of 24 MiB, [`uploads::UPLOADS_MAX`] of them under way,
//!   [`READERS_MAX`] being read at once
//! - when full: the agent is told to come later; what is kept stays kept
//! - on crash: parts that were answered are there; the agent asks how far they go

pub(crate) mod parts;
#[cfg(test)]
mod tests;
pub mod uploads;

use std::sync::{Arc, Mutex, PoisonError};

use farwatch_common::clock::Clock;
use farwatch_common::id::{ConfigJobId, IdGenerator, TenantId};
use farwatch_common::secret::Secret;
use farwatch_common::task::{chain, to_the_end};
use farwatch_proto::v1::{SnapshotKept, SnapshotPart};
use tokio::sync::Semaphore;
use tonic::Status;

use self::parts::{Came, Part, part_keep};
use self::uploads::{Full, Uploads};
use super::outcome::{self, Broken, KEY_LEN};
use super::version::{Kept, Ready, VersionError, Writers, compare, job_fail, look, ready_keep};
use super::{JobsChanged, VersionsChanged};
use crate::identity::PeerInfo;
use crate::inventory::{Vault, VaultError};
use crate::metrics::{Counter, Metrics};
use crate::store::{Database, StoreError};

/// Largest part.
pub const PART_BYTES_MAX: usize = 64 * 1024;
/// Smallest part but the last: an outcome is some thousand rows at most.
pub const PART_BYTES_MIN: usize = 4 * 1024;
/// Outcomes that are unpacked and compared at once: each may hold 200 MiB meanwhile.
const READERS_MAX: usize = 2;
/// How often a comparison is made anew, because the version it was made against is not the latest.
const TRIES_MAX: usize = 3;
/// What a job failed of whose outcome cannot be taken.
const BROKEN: (&str, &str) = (
    "broken",
    "The agent sent what the collector does not take; update both, and look into the agent's log.",
);

/// Why a part is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("there is no such job of this agent, or it ended")]
    NotFound,
    #[error("the outcome is refused: {0}")]
    Broken(#[from] Broken),
    #[error("too much is under way, try again later")]
    Full,
    #[error("a key cannot be sealed")]
    Vault(VaultError),
    #[error("the outcome cannot be stored")]
    Store(#[from] StoreError),
}

impl From<VersionError> for ReceiveError {
    fn from(error: VersionError) -> Self {
        match error {
            VersionError::NotRunning => Self::NotFound,
            VersionError::Vault(error) => Self::Vault(error),
            VersionError::Store(error) => Self::Store(error),
        }
    }
}

impl From<ReceiveError> for Status {
    fn from(error: ReceiveError) -> Self {
        match &error {
            ReceiveError::NotFound => Self::not_found(error.to_string()),
            ReceiveError::Broken(_) => Self::invalid_argument(error.to_string()),
            ReceiveError::Full => Self::resource_exhausted(error.to_string()),
            ReceiveError::Vault(_) | ReceiveError::Store(_) => {
                tracing::warn!(stage = "history", error = chain(&error), "an outcome waits");
                Self::resource_exhausted("the outcome cannot be stored now, try again later")
            }
        }
    }
}

/// Takes outcomes in. Cheap to clone.
#[derive(Clone)]
pub struct Receiver(Arc<Inner>);

struct Inner {
    parts: ReceiverParts,
    uploads: Mutex<Uploads>,
    readers: Semaphore,
    new: Counter,
    again: Counter,
    failed: Counter,
    broken: Counter,
}

/// What [`Receiver::new`] is made of.
pub struct ReceiverParts {
    pub database: Database,
    pub vault: Arc<Vault>,
    pub ids: Arc<IdGenerator>,
    pub clock: Clock,
    pub jobs: JobsChanged,
    pub versions: VersionsChanged,
    pub writers: Writers,
}

/// A part's turn; given back when it is dropped, also if the call is given up.
struct Turn<'a> {
    inner: &'a Inner,
    whose: (TenantId, ConfigJobId),
    over: bool,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let now = self.inner.parts.clock.now();
        self.inner.uploads().part_ended(self.whose, self.over, now);
    }
}

impl Receiver {
    #[must_use]
    pub fn new(parts: ReceiverParts, metrics: &Metrics) -> Self {
        let counter = |outcome| {
            let help = "Outcomes of jobs that fetch configurations, by what came of them";
            metrics.counter("history_outcomes_total", help, &[("outcome", outcome)])
        };
        Self(Arc::new(Inner {
            parts,
            uploads: Mutex::default(),
            readers: Semaphore::new(READERS_MAX),
            new: counter("new"),
            again: counter("unchanged"),
            failed: counter("failed"),
            broken: counter("broken"),
        }))
    }

    /// Takes a part; what is answered is committed.
    pub async fn part(
        &self,
        peer: &PeerInfo,
        part: SnapshotPart,
    ) -> Result<SnapshotKept, ReceiveError> {
        // What is begun with the last part ends, also if the agent hangs up.
        let (receiver, peer) = (self.clone(), peer.clone());
        to_the_end(async move { receiver.0.part(&peer, part).await }).await
    }
}

impl Inner {
    fn uploads(&self) -> std::sync::MutexGuard<'_, Uploads> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn part(
        &self,
        peer: &PeerInfo,
        part: SnapshotPart,
    ) -> Result<SnapshotKept, ReceiveError> {
        let whose = (peer.tenant, ConfigJobId(part.job_id));
        let begun = self.uploads().part_begins(whose, self.parts.clock.now());
        begun.map_err(|full| {
            tracing::debug!(stage = "history", job = %whose.1, ?full, "a part comes too early");
            let (Full::Taken | Full::Tenant | Full::All) = full;
            ReceiveError::Full
        })?;
        let mut turn = Turn { inner: self, whose, over: false };
        let taken = self.take(peer, whose.1, part).await;
        turn.over = match &taken {
            Ok(taken) => taken.over,
            Err(ReceiveError::NotFound | ReceiveError::Broken(_)) => true,
            Err(_) => false,
        };
        Ok(SnapshotKept { next: taken?.next })
    }

    async fn take(
        &self,
        peer: &PeerInfo,
        job: ConfigJobId,
        part: SnapshotPart,
    ) -> Result<Taken, ReceiveError> {
        let key = Secret::new(part.key.clone());
        let part = match Part::checked(part) {
            Ok(part) => part,
            Err(broken) => return self.refuse(peer, job, broken).await,
        };
        self.parts.database.room().hold_bulk()?;
        let came = part_keep(&self.parts.database, (peer, job), &part).await?;
        match came {
            Came::Part { next } => Ok(Taken { next, over: false }),
            Came::Whole => {
                let _reader = self.readers.acquire().await.map_err(|_| ReceiveError::Full)?;
                match self.whole(peer, job, (part.hash, key)).await {
                    Err(ReceiveError::Broken(broken)) => self.refuse(peer, job, broken).await,
                    Err(error) => Err(error),
                    Ok(()) => Ok(Taken { next: part.bytes, over: true }),
                }
            }
        }
    }

    /// Ends the job of an outcome that nobody can use.
    async fn refuse(
        &self,
        peer: &PeerInfo,
        job: ConfigJobId,
        broken: Broken,
    ) -> Result<Taken, ReceiveError> {
        let now = self.parts.clock.now();
        let (cause, advice) = BROKEN;
        job_fail(&self.parts.database, (peer, job), (cause, advice), now).await?;
        self.broken.add(1);
        self.parts.jobs.notify();
        tracing::warn!(stage = "history", agent = %peer.agent, %job, %broken, "refused an outcome");
        Err(broken.into())
    }

    /// All parts are there.
    async fn whole(
        &self,
        peer: &PeerInfo,
        job: ConfigJobId,
        (hash, key): ([u8; 32], Secret),
    ) -> Result<(), ReceiveError> {
        for _ in 0..TRIES_MAX {
            let looked = look(&self.parts.database, (peer, job)).await?;
            let (packed, before) = (looked.packed, looked.before);
            let key = key.clone();
            let read = tokio::task::spawn_blocking(move || {
                let read = outcome::read(&packed, &hash, job, key)?;
                compare(read, before).map_err(|_| Broken::Compression)
            });
            let ready = read.await.map_err(|_| Broken::Malformed)??;
            match self.keep(peer, job, ready).await? {
                Kept::Stale => {}
                kept => {
                    self.told(kept);
                    return Ok(());
                }
            }
        }
        Err(ReceiveError::Full)
    }

    async fn keep(
        &self,
        peer: &PeerInfo,
        job: ConfigJobId,
        ready: Ready,
    ) -> Result<Kept, ReceiveError> {
        let ReceiverParts { database, vault, ids, clock, writers, .. } = &self.parts;
        let _writer = writers.turn().await;
        // The id is made in the turn: versions are committed in the order of their ids.
        Ok(ready_keep(database, vault, ids, (peer, job), ready, clock.now()).await?)
    }

    fn told(&self, kept: Kept) {
        match kept {
            Kept::New => {
                self.new.add(1);
                self.parts.versions.notify();
            }
            Kept::Again => self.again.add(1),
            Kept::Failed => self.failed.add(1),
            Kept::Stale => {}
        }
        self.parts.jobs.notify();
    }
}

/// What a part is answered.
struct Taken {
    next: u64,
    over: bool,
}
