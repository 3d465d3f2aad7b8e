//! Places for what keeps a core busy: a search, a comparison.
//!
//! A place is kept by the work itself, not by who waits for it: one that asks and hangs up, again and
//! again, has no more cores than one that waits.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;

/// At once, of all tenants.
pub const PLACES_MAX: usize = 4;

#[derive(Debug)]
pub struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PLACES_MAX)))
    }
}

impl Places {
    /// A place; `None`: all are taken.
    #[must_use]
    pub fn take(&self) -> Option<Busy> {
        let permit = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(Busy(Arc::new(permit)))
    }
}

/// A place, until this is dropped and what was begun in it has ended.
#[derive(Debug)]
pub struct Busy(Arc<OwnedSemaphorePermit>);

impl Busy {
    /// Runs what is CPU-bound where it holds nobody up.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let place = Arc::clone(&self.0);
        let kept = move || {
            let _place = place;
            work()
        };
        tokio::task::spawn_blocking(kept).await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_immediate;

    use super::*;

    #[tokio::test]
    async fn a_place_is_kept_until_the_work_ends_also_when_nobody_waits() {
        let places = Places::default();
        let others: Vec<_> = (1..PLACES_MAX).map(|_| places.take().unwrap()).collect();
        let busy = places.take().unwrap();
        let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
        let mut work = Box::pin(busy.run(move || wait.recv()));
        assert!(poll_immediate(&mut work).await.is_none());
        drop(work);
        drop(busy);
        assert!(places.take().is_none(), "the work goes on");
        go.send(()).unwrap();
        let all = u32::try_from(PLACES_MAX - others.len()).unwrap();
        let _back = places.0.acquire_many(all).await.unwrap();
    }
}
