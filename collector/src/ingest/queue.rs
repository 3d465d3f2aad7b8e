//! What waits for the writer: checked batches of all sessions, in two lanes.
//!
//! - in: [`CommitQueue::submit`]; it waits while its lane is full
//! - out: [`Jobs`], to the committer: what is live before any backlog
//! - bound: batches and memory of each lane. The lanes share nothing, so no flood of backlog delays
//!   what is live

use std::sync::Arc;

use bytes::Bytes;
use farwatch_proto::v1::{InterfaceFacts, ObjectFacts};
use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::Counters;
use super::admission::{Admission, Fill};
use super::committer::Answer;
use super::session::Lane;
use super::validate::Checked;
use crate::store::samples::Fact;

/// Live batches that wait, and the memory they may take, unpacked. A place costs next to nothing: of small
/// batches there are as many as agents send at once, and nobody has to be told to wait.
pub const LIVE_BATCHES_MAX: usize = 2 * 1024;
pub const LIVE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Batches of the backlog that wait, and the memory they may take, unpacked.
pub const BACKLOG_BATCHES_MAX: usize = 8 * 1024;
pub const BACKLOG_BYTES_MAX: usize = 96 * 1024 * 1024;
/// A permit of a lane's memory.
const SPACE_UNIT: usize = 1024;
/// What a decoded value takes in memory.
const VALUE_BYTES: usize = 16;

/// The committer is gone: the process is going down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the collector is stopping")]
pub struct Stopped;

/// A batch that waits.
pub(super) struct Job {
    pub(super) checked: Checked,
    pub(super) answers: mpsc::Sender<Answer>,
    /// Held until the batch is answered.
    pub(super) space: OwnedSemaphorePermit,
}

/// The memory of a lane.
#[derive(Clone)]
struct Space {
    permits: Arc<Semaphore>,
    units: usize,
}

impl Space {
    fn new(bytes: usize) -> Self {
        let units = bytes / SPACE_UNIT;
        Self { permits: Arc::new(Semaphore::new(units)), units }
    }

    /// Waits until there is so much of it, or all there is.
    async fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Stopped> {
        let units = (bytes / SPACE_UNIT + 1).min(self.units);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        self.permits.clone().acquire_many_owned(units).await.map_err(|_| Stopped)
    }

    /// How full it is, or the places of the lane are, in percent.
    fn fill(&self, waiting: usize, places: usize) -> usize {
        let taken = self.units.saturating_sub(self.permits.available_permits());
        (taken * 100 / self.units).max(waiting * 100 / places)
    }
}

/// The way to the committer. Cheap to clone.
#[derive(Clone)]
pub struct CommitQueue {
    live: mpsc::Sender<Job>,
    backlog: mpsc::Sender<Job>,
    spaces: Spaces,
    gate: Arc<Gate>,
}

#[derive(Clone)]
struct Spaces {
    live: Space,
    backlog: Space,
}

/// Tells sessions what their agents may send.
struct Gate {
    admission: watch::Sender<Admission>,
    counters: Arc<Counters>,
}

impl Gate {
    /// `waiting` is asked under the lock: what is noted last is what was seen last.
    fn note(&self, spaces: &Spaces, waiting: impl FnOnce() -> (usize, usize)) {
        self.admission.send_if_modified(|admission| {
            let (live, backlog) = waiting();
            let fill = Fill {
                live: spaces.live.fill(live, LIVE_BATCHES_MAX),
                backlog: spaces.backlog.fill(backlog, BACKLOG_BATCHES_MAX),
            };
            let next = admission.at(fill);
            let changed = next != *admission;
            if changed {
                *admission = next;
                self.counters.admission.set(next as u64);
                let (live_percent, backlog_percent) = (fill.live, fill.backlog);
                tracing::info!(admission = ?next, live_percent, backlog_percent, "the queue fills");
            }
            changed
        });
    }
}

/// The other end of the queue.
pub(super) struct Jobs {
    live: mpsc::Receiver<Job>,
    backlog: mpsc::Receiver<Job>,
    spaces: Spaces,
    gate: Arc<Gate>,
}

/// An empty queue.
pub(super) fn queue(counters: Arc<Counters>) -> (CommitQueue, Jobs) {
    let (live, live_jobs) = mpsc::channel(LIVE_BATCHES_MAX);
    let (backlog, backlog_jobs) = mpsc::channel(BACKLOG_BATCHES_MAX);
    let spaces =
        Spaces { live: Space::new(LIVE_BYTES_MAX), backlog: Space::new(BACKLOG_BYTES_MAX) };
    let gate = Arc::new(Gate { admission: watch::Sender::default(), counters });
    let jobs =
        Jobs { live: live_jobs, backlog: backlog_jobs, spaces: spaces.clone(), gate: gate.clone() };
    (CommitQueue { live, backlog, spaces, gate }, jobs)
}

/// Notes the fill when it is dropped.
struct Noted<'a>(&'a CommitQueue);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let CommitQueue { live, backlog, spaces, gate } = self.0;
        let waiting = |jobs: &mpsc::Sender<Job>| jobs.max_capacity() - jobs.capacity();
        gate.note(spaces, || (waiting(live), waiting(backlog)));
    }
}

impl CommitQueue {
    /// Waits for space in the lane, then hands the batch to the writer. `answers` must have room for
    /// the answers of all batches it was handed in with.
    pub async fn submit(
        &self,
        lane: Lane,
        checked: Checked,
        answers: mpsc::Sender<Answer>,
    ) -> Result<(), Stopped> {
        let (jobs, space) = match lane {
            Lane::Live => (&self.live, &self.spaces.live),
            Lane::Backlog => (&self.backlog, &self.spaces.backlog),
        };
        // Also if the session ends while it waits with space in its hands: dropped last.
        let _noted = Noted(self);
        let space = space.take(memory(&checked)).await?;
        jobs.send(Job { checked, answers, space }).await.map_err(|_| Stopped)
    }

    /// What agents may send, as it changes.
    #[must_use]
    pub fn admission(&self) -> watch::Receiver<Admission> {
        self.gate.admission.subscribe()
    }
}

impl Jobs {
    /// The next one: live, if there is any. `None` once nobody can submit any more and none waits.
    pub(super) async fn next(&mut self) -> Option<Job> {
        tokio::select! {
            biased;
            Some(job) = self.live.recv() => Some(job),
            Some(job) = self.backlog.recv() => Some(job),
            else => None,
        }
    }

    /// From here on [`Self::next`] hands out what waits, and then nothing.
    pub(super) fn close(&mut self) {
        self.live.close();
        self.backlog.close();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.live.is_closed()
    }

    /// Some were answered: there is space again.
    pub(super) fn note_fill(&self) {
        self.gate.note(&self.spaces, || (self.live.len(), self.backlog.len()));
    }
}

/// About what a batch takes while it waits.
pub(super) fn memory(checked: &Checked) -> usize {
    let Checked { append, rows, layouts, .. } = checked;
    let fact = |fact: &Fact| {
        let content = match fact {
            Fact::Device(_, facts) => facts.encoded_len(),
            Fact::Interfaces(_, table) => {
                table.encoded_len() + table.interfaces.len() * size_of::<InterfaceFacts>()
            }
            Fact::Objects(_, table) => {
                table.encoded_len() + table.objects.len() * size_of::<ObjectFacts>()
            }
            Fact::Gap(_) | Fact::Dropped(_) => 0,
        };
        size_of::<Fact>() + content
    };
    let facts: usize = append.facts.iter().map(fact).sum();
    // A poll that failed is a row without values.
    let rows = size_of_val(rows.as_slice()) + append.samples as usize * VALUE_BYTES;
    let definitions: usize = append.schemas.iter().map(|(_, definition)| definition.len()).sum();
    let layouts: usize = layouts.iter().map(|(_, layout)| layout.memory()).sum();
    let sent = append.sent.as_ref().map_or(0, Bytes::len);
    append.data.len()
        + sent
        + rows
        + size_of_val(append.uses.as_slice())
        + facts
        + definitions
        + layouts
}
