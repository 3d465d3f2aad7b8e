//! The only place that spawns: named tasks under one cancellation tree.
//!
//! A task that panics, ends with an error, or ends before it was asked to takes the whole set down
//! (the process exits and the service manager restarts it): nothing goes on with a part silently
//! missing.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::future::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// Why a set of tasks ended before it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("task {name} failed: {reason}")]
pub struct TaskFailed {
    pub name: &'static str,
    pub reason: String,
}

/// A group of tasks that live and end together.
#[derive(Debug, Default)]
pub struct TaskSet {
    tasks: JoinSet<Result<(), String>>,
    names: HashMap<Id, &'static str>,
    cancel: CancellationToken,
}

impl TaskSet {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the set is asked to stop; tasks watch it.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Starts `task` under `name`. It ends the set by any end but one after the cancellation.
    #[expect(clippy::disallowed_methods, reason = "this is the only spawn")]
    pub fn spawn<F, E>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error,
    {
        let task = async move { task.await.map_err(|error| chain(&error)) };
        let handle = self.tasks.spawn(task.instrument(tracing::info_span!("task", name)));
        self.names.insert(handle.id(), name);
    }

    /// Waits until `stop` resolves or a task ends, then cancels all and gives them `grace` to end.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        grace: Duration,
    ) -> Result<(), TaskFailed> {
        let early = tokio::select! {
            biased;
            () = stop => Ok(()),
            failed = self.failure(true) => failed,
        };
        self.cancel.cancel();
        let late = tokio::time::timeout(grace, self.failure(false)).await;
        if late.is_err() {
            tracing::warn!(grace_s = grace.as_secs(), "tasks did not end in time, aborting them");
        }
        self.tasks.shutdown().await;
        early.and(late.unwrap_or(Ok(())))
    }

    /// The first failure of the set, or `Ok` once all tasks have ended well. With `endless` no
    /// task may end.
    async fn failure(&mut self, endless: bool) -> Result<(), TaskFailed> {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let (id, reason) = match ended {
                Ok((id, Ok(()))) => (id, endless.then(|| "it ended by itself".to_owned())),
                Ok((id, Err(reason))) => (id, Some(reason)),
                Err(error) => (error.id(), (!error.is_cancelled()).then(|| error.to_string())),
            };
            let name = self.names.remove(&id).unwrap_or("unknown");
            if let Some(reason) = reason {
                return Err(TaskFailed { name, reason });
            }
        }
        Ok(())
    }
}

/// Starts a short-lived task (one connection, one request) that ends with `cancel`.
///
/// Its panic is contained: it ends that connection, which the peer sees.
#[expect(clippy::disallowed_methods, reason = "this is the only spawn")]
pub fn spawn_child<F>(cancel: &CancellationToken, task: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    // An `async` block around it would hold it twice: room for it before its start, and while it runs.
    let task = task.with_cancellation_token_owned(cancel.clone());
    tokio::spawn(task.in_current_span());
}

/// Runs `task` to its end, also if the caller is dropped before: for a commit and what must follow
/// it. A panic of the task is one of the caller.
#[expect(clippy::disallowed_methods, reason = "this is the only spawn")]
pub async fn to_the_end<F>(task: F) -> F::Output
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    match tokio::spawn(task.in_current_span()).await {
        Ok(output) => output,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only with the whole runtime, which drops the caller too.
            Err(_) => std::future::pending().await,
        },
    }
}

/// An error and all its sources in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const GRACE: Duration = Duration::from_secs(5);

    #[derive(Debug, thiserror::Error)]
    #[error("disk gone")]
    struct DiskGone;

    #[tokio::test]
    async fn a_failing_task_cancels_the_others() {
        let mut tasks = TaskSet::new();
        let cancel = tasks.cancellation();
        tasks.spawn("waits", async move {
            cancel.cancelled().await;
            Ok::<(), Infallible>(())
        });
        tasks.spawn("fails", async { Err(DiskGone) });
        let failed = tasks.run(std::future::pending(), GRACE).await.unwrap_err();
        assert_eq!((failed.name, failed.reason.as_str()), ("fails", "disk gone"));
    }

    #[tokio::test]
    async fn a_task_that_ends_early_is_a_failure() {
        let mut tasks = TaskSet::new();
        tasks.spawn("door", async { Ok::<(), Infallible>(()) });
        let failed = tasks.run(std::future::pending(), GRACE).await.unwrap_err();
        assert_eq!((failed.name, failed.reason.as_str()), ("door", "it ended by itself"));
    }

    #[tokio::test]
    async fn a_task_that_panics_is_named() {
        let mut tasks = TaskSet::new();
        tasks.spawn("panics", async {
            assert!(std::hint::black_box(false), "broken");
            Ok::<(), Infallible>(())
        });
        let failed = tasks.run(std::future::pending(), GRACE).await.unwrap_err();
        assert_eq!(failed.name, "panics");
        assert!(failed.reason.contains("broken"), "{failed}");
    }

    #[tokio::test]
    async fn a_task_begun_goes_to_its_end_without_its_caller() {
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let (ended, end) = tokio::sync::oneshot::channel();
        let caller = to_the_end(async move {
            let _ = wait.await;
            let _ = ended.send(());
        });
        // Asked once, then given up.
        let asked = tokio::time::timeout(Duration::ZERO, caller).await;
        assert!(asked.is_err());
        go.send(()).unwrap();
        tokio::time::timeout(GRACE, end).await.expect("it was given up too").unwrap();
        assert_eq!(to_the_end(async { 7 }).await, 7);
    }

    #[tokio::test]
    async fn stop_ends_all_tasks() {
        let mut tasks = TaskSet::new();
        let cancel = tasks.cancellation();
        tasks.spawn("waits", async move {
            cancel.cancelled().await;
            Ok::<(), Infallible>(())
        });
        tasks.run(std::future::ready(()), GRACE).await.unwrap();
    }
}
