//! What the store does with samples, whatever the engine: batches in, series out.
//!
//! Writing takes tenant and agent from the authenticated connection; reading takes a
//! [`TenantContext`], and what lies outside of it does not exist.

mod complete;
pub mod completeness;
pub(super) mod cursor;
mod engines;
pub(super) mod facts;
pub(super) mod fetch;
pub(super) mod gaps;
pub(super) mod last;
pub mod ledger;
pub(super) mod melt;
pub(super) mod pages;
pub(super) mod subject;
pub(super) mod tables;

use std::future::Future;

use bytes::Bytes;
use farwatch_common::batch::Codec;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, Group, MetricKind, Row, Schema, SchemaId};
use farwatch_proto::v1::{DeviceFacts, InterfaceTable, ObjectTable};

use super::StoreError;
use crate::identity::TenantContext;
pub use cursor::{Verdict, judge};
pub use engines::{DeviceRows, Samples};
pub use subject::read_all_stored;

/// Most batches one query reads: a month of a device that is polled every minute.
pub const QUERY_BATCHES_MAX: usize = 50_000;
/// Most packed bytes one query reads.
pub const QUERY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Most values one query holds before it thins them out.
pub const QUERY_VALUES_MAX: usize = 2_000_000;
/// Most series in one answer.
pub const SERIES_MAX: usize = 2_000;
/// Most points of one series.
pub const POINTS_MAX: u32 = 5_000;
/// Most rows one gap tells: sums of all gaps of an agent stay far from where they overflow.
pub const GAP_COUNT_MAX: u64 = 1 << 40;
/// Most gaps that are kept of an agent; then its oldest are melted, two into one.
pub const GAPS_PER_AGENT_MAX: u32 = 10_000;
/// A poll is missing when this many intervals have passed, in tenths.
pub const MISSING_INTERVALS_TENTHS: i64 = 25;

/// A checked batch, as the writer stores it.
#[derive(Clone, Debug)]
pub struct Append {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub stream: i64,
    pub seq: u64,
    pub class: Class,
    pub codec: Codec,
    pub received: Micros,
    /// Event times of the oldest and the newest row.
    pub from: Micros,
    pub to: Micros,
    pub samples: u32,
    /// What the agent says is to be added to its times, in microseconds.
    pub clock_offset: Option<i64>,
    /// Of what the agent sent, also where `data` had to be changed.
    pub hash: [u8; 32],
    pub data: Bytes,
    /// What the agent sent, where `data` had to be changed.
    pub sent: Option<Bytes>,
    /// Which schema each device's rows have; no pair twice.
    pub uses: Vec<(DeviceId, Group, SchemaId)>,
    /// Schemas that come with the batch, with their `SchemaDef`.
    pub schemas: Vec<(SchemaId, Vec<u8>)>,
    pub facts: Vec<Fact>,
}

impl Append {
    /// All it told was of devices that are gone: only its number is kept, so that it is not sent
    /// again.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uses.is_empty() && self.facts.is_empty()
    }

    /// What the agent sent.
    #[must_use]
    pub fn sent(&self) -> &Bytes {
        self.sent.as_ref().unwrap_or(&self.data)
    }

    pub(super) fn has_gaps(&self) -> bool {
        self.facts.iter().any(|fact| matches!(fact, Fact::Gap(_)))
    }
}

/// What an event says; the store keeps the last state.
#[derive(Clone, Debug)]
pub enum Fact {
    Device(Micros, DeviceFacts),
    Interfaces(Micros, InterfaceTable),
    Objects(Micros, ObjectTable),
    Gap(GapRow),
    /// Rows that the collector dropped: they are added to what it dropped before of the same numbers.
    Dropped(GapRow),
}

impl Fact {
    /// Whose row it changes.
    pub(super) fn device(&self) -> Option<i64> {
        match self {
            Self::Device(_, facts) => Some(facts.device_id),
            Self::Interfaces(_, table) => Some(table.device_id),
            Self::Objects(_, table) => Some(table.device_id),
            Self::Gap(_) | Self::Dropped(_) => None,
        }
    }
}

/// What became of an [`Append`], once the transaction is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    Stored,
    /// The same content is there already.
    Repeat,
    /// Other content is there under the same stream and sequence.
    Fork,
    /// The stream has more holes than its cursor can tell.
    TooManyHoles,
}

/// The last rows of an agent's devices: where screens start from after a restart.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub group: Group,
    /// No row of the group that was applied is newer.
    pub at: Micros,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug)]
pub struct SeriesQuery {
    pub device: DeviceId,
    pub metrics: Vec<String>,
    /// All objects if `None`.
    pub object: Option<String>,
    pub from: Micros,
    /// Not included.
    pub to: Micros,
    /// About how many points are wanted.
    pub points: u32,
}

/// One line of a chart. Counters come as rates per second.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub object: String,
    pub metric: String,
    pub kind: MetricKind,
    pub unit: &'static str,
    pub step_s: u32,
    pub points: Vec<Point>,
}

/// A value, or a gap if there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub at: Micros,
    pub value: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub cause: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct SamplesQuery {
    pub device: DeviceId,
    pub metric: Option<String>,
    pub object: Option<String>,
    pub from: Micros,
    /// Not included.
    pub to: Micros,
    /// The last sample of the page before.
    pub after: Option<SampleCursor>,
    pub limit: usize,
}

/// The place of a sample in the order of pages: stays valid while samples are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SampleCursor {
    pub at: Micros,
    pub stream: i64,
    pub seq: u64,
    /// Row of the batch and column of the row.
    pub row: u32,
    pub column: u32,
}

/// A sample as it was stored: for audits, so repeats are not hidden.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSample {
    pub at: Micros,
    pub received_at: Micros,
    pub object: String,
    pub metric: String,
    pub kind: MetricKind,
    /// The raw value; of a `Counter64` its bits are those of a `u64`.
    pub value: Option<i64>,
    pub cause: Option<&'static str>,
    pub agent: AgentId,
    pub stream: i64,
    pub seq: u64,
    pub cursor: SampleCursor,
}

/// A series that exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesName {
    pub object: String,
    pub metric: String,
    pub kind: MetricKind,
    pub unit: &'static str,
}

/// Samples that will never come; of an agent that was stopped, a time in which none were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapRow {
    pub stream: i64,
    pub seq_first: u64,
    pub seq_last: u64,
    pub from: Micros,
    pub to: Micros,
    pub class: Class,
    /// Rows lost, at most [`GAP_COUNT_MAX`]; 0 when unknown.
    pub count: u64,
    pub reason: GapReason,
    pub received: Micros,
}

impl GapRow {
    /// Rows lost; `None` where nobody has counted them.
    #[must_use]
    pub fn counted(&self) -> Option<u64> {
        match self.count {
            0 if is_loss(self.reason) => None,
            count => Some(count),
        }
    }
}

pub use farwatch_proto::v1::GapReason;

/// The name of a reason in the API.
#[must_use]
pub fn gap_reason_name(reason: GapReason) -> &'static str {
    match reason {
        GapReason::Unspecified => "unknown",
        GapReason::Evicted => "evicted",
        GapReason::Corrupt => "corrupt",
        GapReason::Crash => "crash",
        GapReason::CollectorRollback => "collector_rollback",
        GapReason::Rejected => "rejected",
        GapReason::Stopped => "stopped",
    }
}

/// In a chart, where there is no value: why.
#[must_use]
pub fn gap_cause(reason: GapReason) -> &'static str {
    match reason {
        GapReason::Unspecified => "gap",
        GapReason::Evicted => "gap_evicted",
        GapReason::Corrupt => "gap_corrupt",
        GapReason::Crash => "gap_crash",
        GapReason::CollectorRollback => "gap_rollback",
        GapReason::Rejected => "gap_rejected",
        // No loss, so not named as one.
        GapReason::Stopped => "agent_stopped",
    }
}

/// Whether something is lost for that reason: while an agent is stopped nothing is asked.
#[must_use]
pub fn is_loss(reason: GapReason) -> bool {
    reason != GapReason::Stopped
}

/// The place of a gap among those of its agent: by time, then by what is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GapCursor {
    pub from: Micros,
    pub stream: i64,
    pub seq_first: u64,
    pub seq_last: u64,
    pub class: u8,
    pub reason: u8,
}

impl GapRow {
    #[must_use]
    pub fn cursor(&self) -> GapCursor {
        let Self { from, stream, seq_first, seq_last, .. } = *self;
        let reason = u8::try_from(self.reason as i32).unwrap_or(0);
        GapCursor { from, stream, seq_first, seq_last, class: self.class as u8, reason }
    }
}

/// Which gaps of an agent are wanted.
#[derive(Clone, Copy, Debug)]
pub struct GapQuery {
    /// Those that touch the time from here up to, not including, `to`.
    pub from: Micros,
    pub to: Micros,
    /// In the reverse order of [`GapCursor`].
    pub newest_first: bool,
    /// The last gap of the page before.
    pub after: Option<GapCursor>,
    pub limit: usize,
}

/// Samples in SQL. Every engine passes `store/suite.rs`.
pub trait SampleStore: Clone + Send + Sync + 'static {
    /// Stores all batches and checkpoints in one transaction, which is durable when this returns;
    /// one answer per batch, in order. On an error nothing of it is stored.
    fn append(
        &self,
        batches: &[Append],
        checkpoints: &[Checkpoint],
    ) -> impl Future<Output = Result<Vec<Appended>, StoreError>> + Send;

    /// What is durable of the streams of an agent; empty ranges for a stream nobody knows.
    fn durable(
        &self,
        tenant: TenantId,
        agent: AgentId,
        streams: &[i64],
    ) -> impl Future<Output = Result<Vec<(i64, SeqRanges)>, StoreError>> + Send;

    /// Every schema of every tenant.
    fn schemas(
        &self,
    ) -> impl Future<Output = Result<Vec<(TenantId, SchemaId, Schema)>, StoreError>> + Send;

    /// The last checkpoint of an agent and the rows after it, oldest first, with some overlap.
    fn last_rows(
        &self,
        tenant: TenantId,
        agent: AgentId,
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send;

    fn series(
        &self,
        context: &TenantContext,
        query: &SeriesQuery,
    ) -> impl Future<Output = Result<Vec<Series>, StoreError>> + Send;

    /// A page of raw samples in the order of [`SampleCursor`].
    fn samples(
        &self,
        context: &TenantContext,
        query: &SamplesQuery,
    ) -> impl Future<Output = Result<Vec<RawSample>, StoreError>> + Send;

    /// Which series a device has, sorted.
    fn metrics(
        &self,
        context: &TenantContext,
        device: DeviceId,
    ) -> impl Future<Output = Result<Vec<SeriesName>, StoreError>> + Send;

    /// A page of the gaps of an agent, and how many such there are in all.
    fn gap_page(
        &self,
        context: &TenantContext,
        agent: AgentId,
        query: &GapQuery,
    ) -> impl Future<Output = Result<(Vec<GapRow>, u64), StoreError>> + Send;

    /// Gaps that an agent declared and that touch the time range, oldest first; the longest ones if
    /// there are more than [`GAPS_PER_AGENT_MAX`].
    fn gaps(
        &self,
        context: &TenantContext,
        agent: AgentId,
        from: Micros,
        to: Micros,
    ) -> impl Future<Output = Result<Vec<GapRow>, StoreError>> + Send;
}

/// Four bytes that stand for a device in the list of a batch.
#[must_use]
pub fn device_mark(device: DeviceId) -> [u8; 4] {
    // The low bits of an id differ between devices that were made one after the other.
    let [a, b, c, d, ..] = device.0.to_le_bytes();
    [a, b, c, d]
}

/// Two bits that stand for a device in the filter of a batch.
#[must_use]
pub fn device_filter(device: DeviceId) -> i64 {
    // Fibonacci hashing: the high bits depend on all bits of the id.
    let hash = device.0.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (1u64 << (hash >> 58) | 1u64 << (hash >> 52 & 63)).cast_signed()
}

/// The filter and the list of the devices of a batch: what a search looks at.
pub(super) fn devices_of(batch: &Append) -> (i64, Vec<u8>) {
    let devices = || batch.uses.iter().map(|(device, ..)| *device);
    let mut marks: Vec<[u8; 4]> = devices().map(device_mark).collect();
    marks.sort_unstable();
    marks.dedup();
    (devices().fold(0, |bits, device| bits | device_filter(device)), marks.concat())
}

/// Sequence numbers and counts fit 63 bits: `ingest` refuses others.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
