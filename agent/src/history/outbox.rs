//! Outbox: outcomes that the collector has not taken yet, each a file of the state directory.
//!
//! - **In:** outcomes of jobs.
//! - **Out:** the oldest first, to whoever sends them.
//! - **Bound:** [`OUTCOMES_MAX`], [`OUTBOX_BYTES_MAX`].
//! - **When full:** no job is taken; of one that is under way the failure is kept.
//! - **On crash:** a file is written in one step, so it is whole or not there.

mod file;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use farwatch_common::file::write_private;
use farwatch_common::id::ConfigJobId;
use farwatch_common::task::chain;
use tokio::sync::watch;

use self::file::Header;
pub(super) use self::file::Waiting;
use super::outcome::Outcome;
use crate::platform::private_dir;
use crate::seal::{Owner, SealError, Sealer};

const DIR: &str = "outcomes";
/// Outcomes that wait.
pub const OUTCOMES_MAX: usize = 256;
/// Of their files.
pub const OUTBOX_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// One this small, a failure, always has room: there are no more than [`OUTCOMES_MAX`].
const SMALL_BYTES: u64 = 4 * 1024;

/// Why an outcome is not kept.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error("cannot read or write {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("an outcome cannot be compressed")]
    Pack(#[source] io::Error),
    #[error("there is no room for an outcome")]
    Full,
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What waits.
#[derive(Clone, Debug, Default)]
pub struct Held {
    files: BTreeMap<ConfigJobId, u64>,
    /// Of the files.
    pub bytes: u64,
}

impl Held {
    #[must_use]
    pub fn count(&self) -> usize {
        self.files.len()
    }

    /// The oldest, or the next one after `job`: ids of jobs rise with time.
    #[must_use]
    pub(super) fn after(&self, job: Option<ConfigJobId>) -> Option<ConfigJobId> {
        let job = job.unwrap_or(ConfigJobId(i64::MIN));
        self.files.keys().copied().find(|known| *known > job)
    }

    fn put(&mut self, job: ConfigJobId, bytes: u64) {
        self.remove(job);
        self.files.insert(job, bytes);
        self.bytes += bytes;
    }

    fn remove(&mut self, job: ConfigJobId) {
        self.bytes -= self.files.remove(&job).unwrap_or(0);
    }
}

/// Why an outcome goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// The collector has it.
    Sent,
    /// The collector does not want it, or its file is gone or damaged.
    Lost,
}

/// The outcomes of this agent.
#[derive(Debug)]
pub struct Outbox {
    dir: PathBuf,
    sealer: Sealer,
    held: watch::Sender<Held>,
    /// One file is written at a time, so that the bound holds.
    writing: Mutex<()>,
    sent: AtomicU64,
    lost: AtomicU64,
}

impl Outbox {
    /// Finds what was kept; what another enrolment has left, or a crash, is removed. A file that cannot
    /// be read now stays: it is found at the next start.
    pub fn open(state_dir: &Path, owner: Owner) -> Result<Self, OutboxError> {
        let sealer = Sealer::open(state_dir, owner)?;
        let dir = state_dir.join(DIR);
        let failed = |source| OutboxError::File { path: dir.clone(), source };
        private_dir(&dir).map_err(failed)?;
        let mut held = Held::default();
        for entry in std::fs::read_dir(&dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            match known(&path, &sealer) {
                Ok(Some((job, bytes))) => held.put(job, bytes),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "an outcome cannot be read; it is kept");
                }
                Ok(None) => {
                    tracing::info!("an outcome of no use is removed: cut off, or not this agent's");
                    if let Err(error) = std::fs::remove_file(&path) {
                        tracing::warn!(error = chain(&error), "it could not be removed");
                    }
                }
            }
        }
        let held = watch::Sender::new(held);
        let (sent, lost) = Default::default();
        Ok(Self { dir, sealer, held, writing: Mutex::default(), sent, lost })
    }

    /// What waits; changes whenever it does.
    #[must_use]
    pub fn held(&self) -> watch::Receiver<Held> {
        self.held.subscribe()
    }

    /// Outcomes that the collector has taken, and those that were of no use to it.
    #[must_use]
    pub fn gone(&self) -> (u64, u64) {
        (self.sent.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }

    pub(super) fn has(&self, job: ConfigJobId) -> bool {
        self.held.borrow().files.contains_key(&job)
    }

    /// Whether there is room for one more outcome than those of the jobs that are taken.
    pub(super) fn has_room(&self, taken: usize) -> bool {
        let held = self.held.borrow();
        held.count() + taken < OUTCOMES_MAX && held.bytes < OUTBOX_BYTES_MAX
    }

    /// Writes an outcome; it is on disk when this returns. Blocks.
    pub(super) fn keep(&self, outcome: &Outcome) -> Result<(), OutboxError> {
        let bytes = file::write(&self.sealer, outcome)?;
        let size = bytes.len() as u64;
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if size > SMALL_BYTES && self.held.borrow().bytes + size > OUTBOX_BYTES_MAX {
            return Err(OutboxError::Full);
        }
        let path = self.path(outcome.job);
        let written = write_private(&path, &bytes);
        written.map_err(|source| OutboxError::File { path, source })?;
        self.held.send_modify(|held| held.put(outcome.job, size));
        Ok(())
    }

    /// Reads an outcome; `None` if it is gone, as it is when its file is damaged. Blocks.
    ///
    /// # Errors
    /// It is there, and cannot be read now: it is kept.
    pub(super) fn load(&self, job: ConfigJobId) -> io::Result<Option<Waiting>> {
        let waiting = match std::fs::read(self.path(job)) {
            Ok(bytes) => file::read(&self.sealer, job, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if waiting.is_none() && self.has(job) {
            tracing::warn!(%job, "an outcome is damaged and dropped; the job has to be done again");
            self.forget(job, Gone::Lost);
        }
        Ok(waiting)
    }

    /// Removes an outcome. Blocks.
    pub(super) fn forget(&self, job: ConfigJobId, why: Gone) {
        match std::fs::remove_file(self.path(job)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                // It is found again after a restart, and the collector then does not want it.
                tracing::warn!(%job, error = chain(&error), "an outcome could not be removed");
            }
            _ => {}
        }
        match why {
            Gone::Sent => self.sent.fetch_add(1, Ordering::Relaxed),
            Gone::Lost => self.lost.fetch_add(1, Ordering::Relaxed),
        };
        self.held.send_modify(|held| held.remove(job));
    }

    fn path(&self, job: ConfigJobId) -> PathBuf {
        self.dir.join(job.to_string())
    }
}

/// The job and the size of a file that is of use.
fn known(path: &Path, sealer: &Sealer) -> io::Result<Option<(ConfigJobId, u64)>> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(job) = name.and_then(|name| name.parse::<ConfigJobId>().ok()) else { return Ok(None) };
    let header = Header::peek(path, sealer)?;
    let header = header.filter(|header| header.job == job);
    Ok(header.map(|header| (job, header.file_bytes)))
}

#[cfg(test)]
mod tests;
