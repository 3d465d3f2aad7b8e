//! Room on the database's disk: while there is none, what agents send is not taken. They keep it.
//!
//! SQLite: a ballast in the data directory is dropped when the disk is full, which leaves room for small
//! writes: sign-ins, the audit, alerts. Batches are refused until it can be built again.
//! PostgreSQL: the server's disk is not ours to look at. Batches are tried again and again; it counts
//! as full until as many bytes of them are stored as were refused, or for [`SERVER_FULL_FOR`] after it said so:
//! small writes succeed here and there long before there is room.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::ballast::Ballast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::StoreError;
use crate::metrics::Gauge;

/// What small writes have while the disk is full: tens of thousands of them, and SQLite's log, which is
/// emptied into the file at 4 MiB.
const BALLAST_BYTES: u64 = 16 * 1024 * 1024;
const BALLAST_FILE: &str = "farwatch.ballast";
/// Less is free than SQLite's log takes between two times it is emptied: as good as full.
const FREE_BYTES_MIN: u64 = 4 * 1024 * 1024;
/// How often it is looked whether there is room again.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a server counts as full that nobody asked again.
const SERVER_FULL_FOR: Duration = Duration::from_secs(30);

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_full: AtomicBool,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A directory on this host.
    Here(Ballast),
    /// A server.
    Elsewhere(Mutex<Option<Said>>),
}

/// When a server last said that its disk is full, and to how much.
#[derive(Clone, Copy, Debug)]
struct Said {
    at: Instant,
    /// The most bytes of batches that it refused; `None`: only to something else, nobody knows how large.
    refused: Option<usize>,
}

impl Room {
    /// Beside a file in `data_dir`.
    pub(super) fn here(data_dir: &Path) -> Self {
        Self::new(Place::Here(Ballast::new(data_dir.join(BALLAST_FILE), BALLAST_BYTES)))
    }

    pub(super) fn elsewhere() -> Self {
        Self::new(Place::Elsewhere(Mutex::default()))
    }

    fn new(place: Place) -> Self {
        Self(Arc::new(Inner { is_full: AtomicBool::new(false), place }))
    }

    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.is_full.load(Ordering::Acquire)
    }

    /// Before a write of what agents send. A server is asked itself.
    pub(crate) fn hold_bulk(&self) -> Result<(), StoreError> {
        match &self.0.place {
            Place::Here(_) if self.is_full() => Err(StoreError::Full { source: None }),
            _ => Ok(()),
        }
    }

    /// After a statement that failed.
    pub(crate) fn failed(&self, error: &StoreError) {
        if !matches!(error, StoreError::Full { .. }) {
            return;
        }
        if let Place::Elsewhere(said) = &self.0.place {
            let mut said = lock(said);
            let refused = said.and_then(|said| said.refused);
            *said = Some(Said { at: Instant::now(), refused });
        }
        self.fill();
    }

    /// Batches of so many bytes found no room.
    pub(in crate::store) fn refused(&self, bytes: usize) {
        if let Place::Elsewhere(said) = &self.0.place
            && let Some(said) = &mut *lock(said)
        {
            said.refused = said.refused.max(Some(bytes));
        }
    }

    /// Batches of so many bytes were stored.
    pub(in crate::store) fn stored(&self, bytes: usize) {
        if let Place::Elsewhere(said) = &self.0.place {
            let mut said = lock(said);
            if said.is_some_and(|said| said.refused.is_some_and(|refused| bytes >= refused)) {
                *said = None;
                self.clear();
            }
        }
    }

    /// Looks whether there is room, and keeps the ballast; forever, until `cancel`.
    pub async fn run(self, gauge: Gauge, cancel: CancellationToken) -> Result<(), Infallible> {
        loop {
            // It may write the ballast.
            let room = self.clone();
            let _ = tokio::task::spawn_blocking(move || room.look()).await;
            gauge.set(self.is_full().into());
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    pub(crate) fn look(&self) {
        match &self.0.place {
            Place::Here(ballast) => {
                let is_low = ballast.free_bytes().is_some_and(|free| free < FREE_BYTES_MIN);
                // Without a ballast there is twice its size to be free: what was full is not called
                // well for a few bytes.
                if is_low || !ballast.keep() {
                    self.fill();
                } else {
                    self.clear();
                }
            }
            Place::Elsewhere(said) => {
                let mut said = lock(said);
                if said.is_none_or(|said| said.at.elapsed() >= SERVER_FULL_FOR) {
                    *said = None;
                    self.clear();
                }
            }
        }
    }

    fn fill(&self) {
        if let Place::Here(ballast) = &self.0.place
            && let Err(error) = ballast.drop_it()
        {
            tracing::warn!(stage = "store", %error, "the ballast cannot be dropped");
        }
        if !self.0.is_full.swap(true, Ordering::AcqRel) {
            tracing::error!(
                stage = "store",
                "the disk of the database is full: agents keep what they have until there is room; \
                 delete or move something, or make the disk larger"
            );
        }
    }

    fn clear(&self) {
        if self.0.is_full.swap(false, Ordering::AcqRel) {
            tracing::info!(stage = "store", "the disk of the database has room again");
        }
    }
}

fn lock(said: &Mutex<Option<Said>>) -> MutexGuard<'_, Option<Said>> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
