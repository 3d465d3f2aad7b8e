//! What is done with mirrors beside writing them: they are pushed, and packed now and then.
//!
//! [`AT_ONCE`] workers take tenants in turn; each tenant is taken by one at a time. A tenant whose
//! remote does not answer takes a place until the push is given up, and then waits longer each time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::Clock;
use farwatch_common::id::TenantId;
use farwatch_common::task::chain;
use futures_util::future::join_all;
use tokio::sync::{Notify, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use super::git::{GitError, Repository};
use super::health::Mirrors;
use super::stream::BRANCH;
use crate::metrics::{Counter, Metrics};

/// Pushes under way.
pub(super) const AT_ONCE: usize = 4;
/// Between two tries of a push.
const PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1800));
/// Commits until a mirror is packed again.
const PACK_EVERY: u64 = 100;

/// What is known of the mirror of a tenant.
#[derive(Debug)]
struct Head {
    /// Commits since the start.
    commits: u64,
    to: Option<String>,
    /// Commits that are at the remote; `None`: nobody knows.
    pushed: Option<u64>,
    /// Commits when it was packed last.
    packed: Option<u64>,
    /// It is being pushed or packed.
    is_taken: bool,
    /// When that was begun last, in the order of all.
    turn: u64,
    pause: Backoff,
    not_before: Option<Instant>,
    /// Who writes to the repository, or packs it.
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            commits: 0,
            to: None,
            pushed: None,
            packed: None,
            is_taken: false,
            turn: 0,
            pause: Backoff::new(PAUSE.0, PAUSE.1),
            not_before: None,
            writing: Arc::default(),
        }
    }
}

impl Head {
    fn wants_push(&self, now: Instant) -> bool {
        let waits = self.not_before.is_some_and(|not_before| now < not_before);
        self.to.is_some() && self.pushed != Some(self.commits) && !waits
    }

    fn wants_pack(&self) -> bool {
        let since = self.commits - self.packed.unwrap_or(0);
        since >= if self.packed.is_some() { PACK_EVERY } else { 1 }
    }
}

/// What is to be done for a tenant.
struct Work {
    tenant: TenantId,
    commits: u64,
    push: Option<String>,
    pack: bool,
    writing: Arc<tokio::sync::Mutex<()>>,
}

pub(super) struct Beside {
    dir: PathBuf,
    clock: Clock,
    heads: Mutex<BTreeMap<TenantId, Head>>,
    pub(super) health: Mirrors,
    wake: Notify,
    pub(super) pushes: Counter,
    pub(super) pushes_failed: Counter,
    packs_failed: Counter,
}

impl Beside {
    pub(super) fn new(dir: PathBuf, clock: Clock, metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help, &[]);
        Self {
            dir,
            clock,
            heads: Mutex::default(),
            health: Mirrors::on(),
            wake: Notify::new(),
            pushes: counter("history_mirror_pushes_total", "Pushes of Git mirrors"),
            pushes_failed: counter("history_mirror_pushes_failed_total", "Pushes that failed"),
            packs_failed: counter(
                "history_mirror_packs_failed_total",
                "Git mirrors that could not be packed",
            ),
        }
    }

    fn heads(&self) -> MutexGuard<'_, BTreeMap<TenantId, Head>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who holds this may write to the tenant's repository; `None`: it is being packed.
    pub(super) fn write(&self, tenant: TenantId) -> Option<OwnedMutexGuard<()>> {
        let writing = Arc::clone(&self.heads().entry(tenant).or_default().writing);
        writing.try_lock_owned().ok()
    }

    /// So many commits came; the repository has one at least.
    pub(super) fn wrote(&self, tenant: TenantId, commits: u64, to: Option<&str>) {
        {
            let mut heads = self.heads();
            let head = heads.entry(tenant).or_default();
            head.commits += commits;
            head.to = to.map(str::to_owned);
        }
        self.wake.notify_one();
    }

    /// Pushes and packs until `cancel`, which gives up what is under way.
    pub(super) async fn run(&self, cancel: &CancellationToken) {
        let worker = async || {
            loop {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    did = self.turn() => if did { continue },
                }
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep(PAUSE.0) => {}
                }
            }
        };
        join_all((0..AT_ONCE).map(|_| worker())).await;
    }

    /// Does what is to be done of the tenant that waits longest; false: there is none.
    pub(super) async fn turn(&self) -> bool {
        let Some(work) = self.next() else { return false };
        // There may be more, for another worker.
        self.wake.notify_one();
        let repository = Repository::of(&self.dir, work.tenant);
        let pushed = match &work.push {
            None => None,
            Some(to) => Some(repository.push(to, BRANCH).await),
        };
        if work.pack {
            let _writing = work.writing.lock().await;
            if let Err(error) = repository.pack().await {
                self.packs_failed.add(1);
                let error = chain(&error);
                tracing::warn!(stage = "history", tenant = %work.tenant, error, "is not packed");
            }
        }
        self.ended(&work, pushed);
        true
    }

    fn next(&self) -> Option<Work> {
        let now = self.clock.monotonic();
        let mut heads = self.heads();
        let turn = heads.values().map(|head| head.turn).max()? + 1;
        let is_due = |head: &Head| !head.is_taken && (head.wants_push(now) || head.wants_pack());
        let due = heads.iter_mut().filter(|(_, head)| is_due(head));
        let (tenant, head) = due.min_by_key(|(_, head)| head.turn)?;
        (head.is_taken, head.turn) = (true, turn);
        Some(Work {
            tenant: *tenant,
            commits: head.commits,
            push: head.to.clone().filter(|_| head.wants_push(now)),
            pack: head.wants_pack(),
            writing: Arc::clone(&head.writing),
        })
    }

    fn ended(&self, work: &Work, pushed: Option<Result<(), GitError>>) {
        let mut heads = self.heads();
        let head = heads.entry(work.tenant).or_default();
        head.is_taken = false;
        if work.pack {
            head.packed = Some(work.commits);
        }
        match pushed {
            None => {}
            Some(Ok(())) => {
                head.pushed = Some(work.commits);
                (head.pause, head.not_before) = (Backoff::new(PAUSE.0, PAUSE.1), None);
                self.pushes.add(1);
                self.health.pushed(work.tenant, Ok(()));
            }
            Some(Err(error)) => {
                let pause = head.pause.next(rand::random());
                head.not_before = Some(self.clock.monotonic() + pause);
                self.pushes_failed.add(1);
                self.health.pushed(work.tenant, Err(error.advice()));
                let (tenant, error) = (work.tenant, chain(&error));
                tracing::warn!(stage = "history", %tenant, error, "cannot push the Git mirror");
            }
        }
    }

    /// As after the pause of a push that failed.
    #[cfg(test)]
    pub(super) fn pause_is_over(&self, tenant: TenantId) {
        self.heads().entry(tenant).or_default().not_before = None;
    }
}
