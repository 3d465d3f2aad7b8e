//! Core: rows of a batch that are dropped although somebody may miss them.

use farwatch_common::clock::Micros;

use crate::store::samples::{Append, GapReason, GapRow};

/// Numbers of batches whose losses are one gap, a quarter of an hour of an agent that sends all the time: a
/// quota that is used up for days is not to push out gaps that tell more.
const TOGETHER: u64 = 1024;

/// How many, and from when to when.
#[derive(Debug, Default)]
pub(super) struct Losses {
    count: u64,
    times: Option<(Micros, Micros)>,
}

impl Losses {
    pub(super) fn add(&mut self, at: Micros) {
        self.count += 1;
        let (from, to) = self.times.unwrap_or((at, at));
        self.times = Some((from.min(at), to.max(at)));
    }

    /// They are part of the gap of their batch's [`TOGETHER`].
    pub(super) fn gap(&self, batch: &Append) -> Option<GapRow> {
        let (from, to) = self.times?;
        Some(GapRow {
            stream: batch.stream,
            seq_first: batch.seq - batch.seq % TOGETHER,
            seq_last: batch.seq - batch.seq % TOGETHER + (TOGETHER - 1),
            from,
            to,
            class: batch.class,
            count: self.count,
            reason: GapReason::Rejected,
            received: batch.received,
        })
    }
}
