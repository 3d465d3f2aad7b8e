//! Buffer: keeps what polling saw on disk until the collector has it.
//!
//! - **In:** observations from `poll`; acknowledgements and refusals from `uplink`.
//! - **Out:** batches in the order of [`order`], to `uplink`, which asks for them; a watch says
//!   when there are new ones.
//! - **Bound:** [`OBSERVATIONS_MAX`] observations and [`COMMANDS_MAX`] commands wait; the file and
//!   its log stay within [`BufferConfig::cap_bytes`].
//! - **When full:** the channel is full only while the disk is stuck: `poll` then drops, and notes it
//!   at its [`Outlet`](crate::poll::outlet::Outlet), of which the next commit makes a gap; a full file
//!   evicts the lowest class first, the oldest first, each loss counted and noted as a gap in the same
//!   transaction; class 0 is never evicted. What the collector has goes first and is no loss. A full disk: see `writer`.
//! - **On crash:** what was committed stays, at most the last second is lost, and the next start
//!   declares the numbers that may be missing. A damaged file is set aside, never repaired; a batch that is
//!   not what was written is lost alone, and declared.
//!
//! One thread owns the only connection and does all that touches the disk: nothing here blocks
//! the runtime, and a slow disk delays nothing but itself.

mod aside;
mod ballast;
mod batches;
mod checksum;
mod clocks;
mod commit;
pub mod delivered;
mod epochs;
mod file;
mod gaps;
mod gather;
mod losses;
mod making;
mod narrow;
pub mod order;
mod retention;
mod room;
mod salvage;
mod schemas;
mod since;
mod stream;
mod summary;
mod upgrade;
mod versions;
mod waiting;
mod writer;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::AgentId;
use farwatch_common::ranges::SeqRanges;
use farwatch_proto::v1::Batch;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::epochs::{Measured, STEP_MIN_US};
pub use self::order::Lane;
pub use self::summary::{Summary, summary};
use crate::poll::outlet::Inlet;
use crate::uplink::core::MaybeSent;

/// Observations on the way to the disk: half a second of 1,000 polls a second.
pub const OBSERVATIONS_MAX: usize = 1024;
/// `uplink` is the only one that commands, and mostly waits for the answer.
const COMMANDS_MAX: usize = 64;
/// What a buffer may take of the disk: at most this much…
pub const CAP_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// …and this part of the volume…
const VOLUME_PARTS: u64 = 5;
/// …but never less than this.
pub const CAP_BYTES_MIN: u64 = 256 * 1024 * 1024;

/// Where and how much.
#[derive(Clone, Debug)]
pub struct BufferConfig {
    pub dir: PathBuf,
    /// Whose: the file of another agent is set aside.
    pub agent: AgentId,
    /// Most bytes of the file with its log.
    pub cap_bytes: u64,
    /// Room kept back for the day the disk is full; 0 for none.
    pub ballast_bytes: usize,
    /// How long rows wait for others before they are committed: what a crash may cost.
    pub batch_age: Duration,
}

impl BufferConfig {
    /// The file of `agent` in `dir` with the default cap for a volume of `volume_bytes`.
    #[must_use]
    pub fn new(dir: PathBuf, agent: AgentId, volume_bytes: Option<u64>) -> Self {
        let part = volume_bytes.map_or(CAP_BYTES_MAX, |bytes| bytes / VOLUME_PARTS);
        let cap_bytes = part.clamp(CAP_BYTES_MIN, CAP_BYTES_MAX);
        let (ballast_bytes, batch_age) = (ballast::bytes_for(cap_bytes), gather::BATCH_AGE_MAX);
        Self { dir, agent, cap_bytes, ballast_bytes, batch_age }
    }

    /// The same for a disk that wears out by being written to: fewer commits, and up to five seconds
    /// of polls that a crash may cost. State changes are committed at once all the same.
    #[must_use]
    pub fn for_sd_card(self) -> Self {
        Self { batch_age: gather::BATCH_AGE_SD_CARD, ..self }
    }
}

/// Why the buffer cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum BufferError {
    #[error(
        "the buffer database failed; check that the disk has room, that the system's log names no \
         fault of it, and that this user owns the state directory"
    )]
    Sqlite(#[from] rusqlite::Error),
    #[error("the linked SQLite {found} is older than 3.51.3, which has a known corruption bug")]
    OldSqlite { found: &'static str },
    #[error("the buffer database ignored `PRAGMA {name}`: it says {found}")]
    Pragma { name: &'static str, found: String },
    #[error("the buffer file was written by a newer version; install that version again")]
    NewerFile,
    #[error("the buffer file belongs to agent {known}, which this host was enrolled as before")]
    OtherAgent { known: AgentId },
    #[error("the buffer file is damaged: {found}")]
    Damaged { found: String },
    #[error("cannot set the damaged file {path} aside; remove it by hand")]
    SetAside { path: PathBuf, source: std::io::Error },
    #[error("cannot start the thread of the buffer")]
    Thread(#[source] std::io::Error),
    #[error("the thread of the buffer ended unexpectedly")]
    Gone,
}

/// What the buffer is like now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BufferState {
    pub stream_id: i64,
    /// Streams of which something was acknowledged, this one first.
    pub streams: Vec<i64>,
    /// First number not committed: it rises with every commit of batches.
    pub next_seq: u64,
    pub batches: u64,
    pub bytes: u64,
    /// By the clock of now.
    pub oldest: Option<Micros>,
    /// Rises when the system's clock was set: what was measured of it is over.
    pub epoch: u64,
    /// Polling has ended and all it gave is committed.
    pub flushed: bool,
    /// Why nothing can be committed, while that is so.
    pub trouble: Option<String>,
}

/// What `uplink` has room for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub now: Micros,
    /// Most live batches and most of the backlog.
    pub live: usize,
    pub backlog: usize,
    /// Most bytes in all, and of the backlog, though never less than one batch of a lane that may have
    /// any.
    pub bytes: usize,
    pub backlog_bytes: usize,
    /// On the way: not wanted again, and not to be evicted.
    pub in_flight: BTreeSet<u64>,
    /// Only these, if given.
    pub only: Option<MaybeSent>,
}

/// A batch to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub lane: Lane,
    pub batch: Batch,
}

/// A batch the collector will never take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub seq: u64,
    /// Of `RejectCode`.
    pub code: i32,
    pub detail: String,
}

#[derive(Debug)]
enum Command {
    Next(Wanted, oneshot::Sender<Result<Vec<Outgoing>, BufferError>>),
    /// Answers name their stream: the file may have been replaced meanwhile, and the numbers of
    /// its stream begin anew.
    Acked(i64, SeqRanges),
    Refused(i64, Refusal),
    SchemasUnknown(i64, u64),
    /// What a collector has of streams.
    Stored(Vec<(i64, SeqRanges)>),
    Measured(Measured),
    Fork(oneshot::Sender<Result<i64, BufferError>>),
}

/// The buffer, as `uplink` sees it. Once the last one is dropped and polling has ended, the buffer
/// closes its file.
#[derive(Clone, Debug)]
pub struct Buffer {
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<BufferState>,
}

/// Resolves when the buffer has closed its file.
#[derive(Debug)]
pub struct Stopped(oneshot::Receiver<()>);

impl Stopped {
    pub async fn wait(self) -> Result<(), BufferError> {
        self.0.await.map_err(|_| BufferError::Gone)
    }
}

/// Opens the file and starts the thread that owns it. Must be called inside a tokio runtime.
pub fn start(
    config: BufferConfig,
    inlet: Inlet,
    clock: Clock,
) -> Result<(Buffer, Stopped), BufferError> {
    let (state_sender, state) = watch::channel(BufferState::default());
    let (observations, unplaced) = inlet.into_parts();
    let writer = writer::Writer::open(config, clock, state_sender, unplaced)?;
    let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
    let (ended, stopped) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("buffer".into())
        .spawn(move || {
            runtime.block_on(writer.run(observations, receiver));
            // Nobody may be waiting any more.
            let _ = ended.send(());
        })
        .map_err(BufferError::Thread)?;
    Ok((Buffer { commands, state }, Stopped(stopped)))
}

impl Buffer {
    /// Changes with every commit.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<BufferState> {
        self.state.clone()
    }

    /// The batches to send next, in order.
    pub async fn next(&self, wanted: Wanted) -> Result<Vec<Outgoing>, BufferError> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Next(wanted, reply)).await?;
        answer.await.map_err(|_| BufferError::Gone)?
    }

    /// The collector has these of the stream `stream_id`.
    pub async fn acked(&self, stream_id: i64, seqs: SeqRanges) -> Result<(), BufferError> {
        self.command(Command::Acked(stream_id, seqs)).await
    }

    /// What the collector has of streams, all of it: what it had acknowledged and has no longer is given
    /// out again, or declared lost.
    pub async fn stored(&self, streams: Vec<(i64, SeqRanges)>) -> Result<(), BufferError> {
        self.command(Command::Stored(streams)).await
    }

    /// The collector will never take this of the stream `stream_id`.
    pub async fn refused(&self, stream_id: i64, refusal: Refusal) -> Result<(), BufferError> {
        self.command(Command::Refused(stream_id, refusal)).await
    }

    /// The collector lacks schemas of this batch of the stream `stream_id`: they go along again.
    pub async fn schemas_unknown(&self, stream_id: i64, seq: u64) -> Result<(), BufferError> {
        self.command(Command::SchemasUnknown(stream_id, seq)).await
    }

    /// The system's clock was compared with the collector's.
    pub async fn clock_measured(&self, measured: Measured) -> Result<(), BufferError> {
        self.command(Command::Measured(measured)).await
    }

    /// Another agent has used our numbers: all that waits belongs to a new stream from now on.
    pub async fn fork(&self) -> Result<i64, BufferError> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Fork(reply)).await?;
        answer.await.map_err(|_| BufferError::Gone)?
    }

    async fn command(&self, command: Command) -> Result<(), BufferError> {
        self.commands.send(command).await.map_err(|_| BufferError::Gone)
    }
}

#[cfg(test)]
mod tests;
