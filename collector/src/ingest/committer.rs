//! Group commit: the only way from checked batches to the store.
//!
//! - in: checked batches of all sessions
//! - out: an answer per batch, after the transaction that holds it is durable; then `live`
//! - bound: the two lanes of [`super::queue`] in front of the writer, [`GROUP_MAX`] in a transaction
//! - when full: [`CommitQueue::submit`] waits, its session stops reading; before that, agents are told
//!   to keep what they have ([`super::admission`])
//! - on crash: nobody was answered; the agents send again
//!
//! While the database fails, the group is kept and tried again after a pause: sessions stay up and
//! their heartbeats are answered, so that a full disk does not bring all agents back at once. When
//! one batch is refused by the database, or what is stored of its stream cannot be read, each of
//! the group is tried alone, and only that one is refused.

use std::collections::HashMap;
use std::convert::Infallible;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::backoff::Backoff;
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, TenantId};
use farwatch_common::sample::{Row, SchemaId};
use farwatch_common::task::chain;
use farwatch_proto::v1::RejectCode;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::queue::{self, CommitQueue, Job, Jobs};
use super::validate::Checked;
use super::{Counters, Presence, Refusals, refused};
use crate::live::layout::Layout;
use crate::live::{Committed, Live};
use crate::store::samples::{Append, Appended, Checkpoint};
use crate::store::{SampleStore, StoreError};

/// Batches in one transaction.
pub const GROUP_MAX: usize = 64;
/// How long the first batch of a group waits for others.
const GATHER: Duration = Duration::from_millis(15);
/// How often the last rows of an agent are written down.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(300);
/// Checkpoints in one transaction: after a pause, all agents are due at once.
const CHECKPOINTS_MAX: usize = 4;
/// Back-off while the database fails.
const RETRY_BASE: Duration = Duration::from_millis(500);
const RETRY_CAP: Duration = Duration::from_secs(10);

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Durable,
    Rejected(RejectCode, String),
    /// Not stored, and the collector stops: the session ends and the agent sends again.
    Unavailable,
}

/// The answer to one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub stream: i64,
    pub seq: u64,
    pub outcome: Outcome,
}

/// The writer's task.
pub struct Committer<S> {
    jobs: Jobs,
    store: S,
    live: Live,
    presence: Presence,
    refusals: Refusals,
    counters: Arc<Counters>,
    clock: Clock,
    backoff: Backoff,
    /// When the last rows of each agent were written.
    checkpoints: HashMap<AgentId, Micros>,
}

/// A batch in a group, without what the store needs.
struct Waiting {
    rows: Vec<(Row, Arc<Layout>)>,
    layouts: Vec<(SchemaId, Arc<Layout>)>,
    corrected: u64,
    clamped: u64,
    unknown: u64,
    over_quota: u64,
    answers: mpsc::Sender<Answer>,
    _space: OwnedSemaphorePermit,
}

impl<S: SampleStore> Committer<S> {
    /// A committer and the queue in front of it.
    #[must_use]
    pub fn new(
        store: S,
        live: Live,
        (presence, refusals): (Presence, Refusals),
        counters: Arc<Counters>,
        clock: Clock,
    ) -> (CommitQueue, Self) {
        let (queue, jobs) = queue::queue(counters.clone());
        let committer = Self {
            jobs,
            store,
            live,
            presence,
            refusals,
            counters,
            clock,
            backoff: Backoff::new(RETRY_BASE, RETRY_CAP),
            checkpoints: HashMap::new(),
        };
        (queue, committer)
    }

    /// Commits until `cancel`; what waits then is committed too.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), Infallible> {
        let mut group = Vec::with_capacity(GROUP_MAX);
        loop {
            tokio::select! {
                job = self.jobs.next() => match job {
                    Some(job) => group.push(job),
                    None => return Ok(()),
                },
                () = cancel.cancelled(), if !self.jobs.is_closed() => self.jobs.close(),
            }
            if group.is_empty() {
                continue;
            }
            self.gather(&mut group).await;
            self.commit(mem::take(&mut group), &cancel).await;
            self.jobs.note_fill();
        }
    }

    async fn gather(&mut self, group: &mut Vec<Job>) {
        let full = async {
            while group.len() < GROUP_MAX {
                match self.jobs.next().await {
                    Some(job) => group.push(job),
                    None => break,
                }
            }
        };
        // Too late is as good as full.
        let _ = tokio::time::timeout(GATHER, full).await;
    }

    /// Stores the group, however long that takes; after `cancel` it gets one attempt.
    async fn commit(&mut self, group: Vec<Job>, cancel: &CancellationToken) {
        let (appends, waiting) = split(group);
        let mut checkpoints = self.due_checkpoints(&appends);
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.store.append(&appends, &checkpoints).await {
                Ok(answers) => return self.settle(appends, waiting, answers, attempts),
                Err(error) if is_of_one_batch(&error) => break,
                Err(error) => {
                    // They can wait for their next turn, should it be one of them that fails.
                    checkpoints.clear();
                    if self.stops_after(&error, cancel).await {
                        for (append, one) in appends.iter().zip(&waiting) {
                            answer(append, one, Outcome::Unavailable);
                        }
                        return;
                    }
                }
            }
        }
        // One batch of the group cannot be stored: find out which.
        for (append, one) in appends.into_iter().zip(waiting) {
            self.commit_alone(append, one, cancel).await;
        }
    }

    async fn commit_alone(&mut self, append: Append, one: Waiting, cancel: &CancellationToken) {
        let batch = [append];
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.store.append(&batch, &[]).await {
                Ok(answers) => return self.settle(batch.into(), vec![one], answers, attempts),
                Err(error) if is_of_one_batch(&error) => {
                    let [append] = &batch;
                    return self.refuse(append, &one, &error);
                }
                Err(error) => {
                    if self.stops_after(&error, cancel).await {
                        let [append] = &batch;
                        return answer(append, &one, Outcome::Unavailable);
                    }
                }
            }
        }
    }

    /// Only this batch cannot be stored.
    fn refuse(&self, append: &Append, one: &Waiting, error: &StoreError) {
        let (agent, batch_seq) = (append.agent, append.seq);
        if matches!(error, StoreError::Corrupt { .. }) {
            tracing::error!(
                %agent,
                batch_seq,
                error = chain(error),
                "what is stored of a stream cannot be read: the agent begins a new one"
            );
            let detail = "what is stored of the stream cannot be read: begin a new one";
            self.reject(append, one, RejectCode::Fork, detail);
        } else {
            let error = chain(error);
            tracing::warn!(%agent, batch_seq, error, "the database refuses a batch");
            self.reject(append, one, RejectCode::Malformed, "it cannot be stored");
        }
    }

    /// The database fails: waits before the next attempt. True if there will be none.
    async fn stops_after(&mut self, error: &StoreError, cancel: &CancellationToken) -> bool {
        self.counters.commits_failed.add(1);
        let pause = self.backoff.next(rand::random());
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        if let StoreError::Full { .. } = error {
            // The store has said so, once.
            tracing::debug!(error = chain(error), pause_ms, "no room for batches, keeping them");
        } else {
            tracing::error!(error = chain(error), pause_ms, "cannot store batches, keeping them");
        }
        tokio::time::timeout(pause, cancel.cancelled()).await.is_ok()
    }

    /// The transaction is durable: acks first, then the screens.
    fn settle(
        &mut self,
        appends: Vec<Append>,
        waiting: Vec<Waiting>,
        answers: Vec<Appended>,
        attempts: u32,
    ) {
        self.backoff.reset();
        self.counters.commits.add(1);
        let now = self.clock.now();
        let mut committed = Vec::with_capacity(appends.len());
        for ((append, one), appended) in appends.into_iter().zip(waiting).zip(answers) {
            match appended {
                // A repeat after a failure may be of this group itself: its commit was durable,
                // only the answer was lost. `live` has not seen it.
                Appended::Repeat if attempts == 1 => {
                    answer(&append, &one, Outcome::Durable);
                    self.counters.batches_repeated.add(1);
                }
                Appended::Stored | Appended::Repeat => {
                    answer(&append, &one, Outcome::Durable);
                    self.presence.acked(append.tenant, append.agent, now);
                    self.count(&append, &one);
                    let Append { tenant, agent, facts, .. } = append;
                    for (id, layout) in one.layouts {
                        self.live.layout_added(tenant, id, layout);
                    }
                    committed.push(Committed { tenant, agent, rows: one.rows, facts });
                }
                Appended::Fork => {
                    tracing::warn!(
                        tenant = %append.tenant,
                        agent = %append.agent,
                        batch_seq = append.seq,
                        "other content under a stored sequence: was the agent copied?"
                    );
                    let detail = "other content is stored under this stream and sequence";
                    self.reject(&append, &one, RejectCode::Fork, detail);
                }
                Appended::TooManyHoles => {
                    // Nothing is wrong with the batch: on a new stream it is welcome.
                    let detail = "the stream has too many holes: begin a new one";
                    self.reject(&append, &one, RejectCode::Fork, detail);
                }
            }
        }
        self.live.apply(committed);
    }

    fn count(&self, append: &Append, one: &Waiting) {
        self.counters.batches_stored.add(1);
        self.counters.samples_stored.add(append.samples.into());
        self.counters.rows_corrected.add(one.corrected);
        self.counters.rows_clamped.add(one.clamped);
        self.counters.rows_unknown_device.add(one.unknown);
        self.counters.rows_over_quota.add(one.over_quota);
    }

    fn reject(&self, append: &Append, one: &Waiting, code: RejectCode, detail: &str) {
        self.counters.rejected(code);
        let refused = refused::batch(
            (append.stream, append.seq, append.sent()),
            (code, detail),
            append.received,
        );
        self.refusals.note((append.tenant, append.agent), refused);
        answer(append, one, Outcome::Rejected(code, detail.into()));
    }

    /// The last rows of agents of this group whose turn it is.
    fn due_checkpoints(&mut self, appends: &[Append]) -> Vec<Checkpoint> {
        let now = self.clock.now();
        let mut due: Vec<(TenantId, AgentId)> = Vec::new();
        for append in appends {
            // Agents that came together after a start are spread over the period.
            let spread =
                Duration::from_secs(append.agent.0.unsigned_abs() % CHECKPOINT_EVERY.as_secs());
            let first = now.before(spread);
            let last = self.checkpoints.entry(append.agent).or_insert(first);
            if now.since(*last) >= CHECKPOINT_EVERY && due.len() < CHECKPOINTS_MAX {
                *last = now;
                due.push((append.tenant, append.agent));
            }
        }
        due.into_iter().flat_map(|(tenant, agent)| self.live.checkpoints(tenant, agent)).collect()
    }
}

/// The database is well, one batch of the group is not.
fn is_of_one_batch(error: &StoreError) -> bool {
    error.is_of_the_row() || matches!(error, StoreError::Corrupt { .. })
}

fn split(group: Vec<Job>) -> (Vec<Append>, Vec<Waiting>) {
    let one = |Job { checked, answers, space }| {
        let (corrected, over_quota) = (checked.rows_corrected, checked.rows_over_quota);
        let Checked { append, rows, layouts, rows_clamped, rows_unknown_device, .. } = checked;
        let waiting = Waiting {
            rows,
            layouts,
            corrected,
            clamped: rows_clamped,
            unknown: rows_unknown_device,
            over_quota,
            answers,
            _space: space,
        };
        (append, waiting)
    };
    group.into_iter().map(one).unzip()
}

fn answer(append: &Append, one: &Waiting, outcome: Outcome) {
    let answer = Answer { stream: append.stream, seq: append.seq, outcome };
    // A session that has ended learns of it when it comes back. There is room for every answer.
    let _ = one.answers.try_send(answer);
}

#[cfg(test)]
mod tests;
