//! Core: rows of a batch that are dropped although somebody may miss them.

use farwatch_common::clock::Micros;

use crate::store::samples::{Append, GapReason, GapRow};

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

    /// They are a gap under the number of their batch.
    pub(super) fn gap(&self, batch: &Append) -> Option<GapRow> {
        let (from, to) = self.times?;
        Some(GapRow {
            stream: batch.stream,
            seq_first: batch.seq,
            seq_last: batch.seq,
            from,
            to,
            class: batch.class,
            count: self.count,
            reason: GapReason::Rejected,
            received: batch.received,
        })
    }
}
