//! Core: what the collector has acknowledged, and which of it is still in the file.
//!
//! A collector that comes back from an old copy of its files says so by what it has of a stream: less
//! than it has acknowledged. What is still here waits again; of what is not, it is declared that it is
//! lost. So acknowledged batches stay for [`KEEP_FOR`], and the numbers of those that have gone stay on.
//! They are told by hours: an hour is forgotten, and declared, as one.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;

/// An acknowledged batch is kept for so long, if there is room.
pub const KEEP_FOR: Duration = Duration::from_secs(24 * 3600);
/// Acknowledgements of so long are told together.
const HOUR: Duration = Duration::from_secs(3600);
/// Hours of which nothing is left are told apart, three weeks of them; older ones melt.
const HOURS_MAX: usize = 512;
/// An hour with more holes is told as two; of those that melt the lowest numbers are given up.
const HOLES_MAX: usize = 1000;
/// Streams that a collector is asked for: the present one, and those before a fork.
const STREAMS_MAX: usize = 4;

/// What was acknowledged within an hour, of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    /// In rising order.
    pub id: i64,
    pub stream_id: i64,
    /// By the clock of then.
    pub began: Micros,
    /// Still in the file…
    pub here: SeqRanges,
    /// …with so many bytes of content.
    pub bytes: u64,
    /// Not any more.
    pub gone: SeqRanges,
    /// Event times of all of them, by the collector's clock.
    pub from: Micros,
    pub to: Micros,
}

/// A batch that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Acked {
    pub seq: u64,
    pub bytes: u64,
    /// Event times by the collector's clock.
    pub from: Micros,
    pub to: Micros,
}

/// What a collector has acknowledged of a stream and has no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Batches that are here and wait again.
    pub again: u64,
    pub gone: Option<Gone>,
}

/// Batches that are nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    pub batches: u64,
    /// Lowest and highest number of them.
    pub first: u64,
    pub last: u64,
    /// Where in time they were, at the widest, by the collector's clock.
    pub from: Micros,
    pub to: Micros,
}

/// All acknowledged batches that are known of.
#[derive(Clone, Debug, Default)]
pub struct Delivered {
    /// The oldest first. Few of them change at a time.
    hours: VecDeque<Arc<Hour>>,
    /// Those of the batches here that the collector has lost: about to wait again.
    again: SeqRanges,
    /// Hours that the file tells otherwise.
    unsaved: BTreeSet<i64>,
}

impl Delivered {
    /// As the file tells it, in the order of ids.
    #[must_use]
    pub fn new(hours: impl IntoIterator<Item = Hour>) -> Self {
        Self { hours: hours.into_iter().map(Arc::new).collect(), ..Self::default() }
    }

    /// Of another file: this one tells nothing yet.
    #[must_use]
    pub fn unsaved_of(hours: impl IntoIterator<Item = Hour>) -> Self {
        let mut all = Self::new(hours);
        all.unsaved = all.hours.iter().map(|hour| hour.id).collect();
        all
    }

    pub fn hours(&self) -> impl Iterator<Item = &Hour> {
        self.hours.iter().map(AsRef::as_ref)
    }

    /// The row of an hour cannot be read: it goes.
    pub fn strike(&mut self, id: i64) {
        self.unsaved.insert(id);
    }

    /// Whether the batch is known to be here.
    #[must_use]
    pub fn has(&self, seq: u64) -> bool {
        self.hours.iter().any(|hour| hour.here.contains(seq))
    }

    /// What takes room in the file, in bytes of content.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.hours.iter().fold(0, |sum, hour| sum.saturating_add(hour.bytes))
    }

    /// The streams to ask a collector for: that of `stream_id`, then the latest others.
    #[must_use]
    pub fn streams(&self, stream_id: i64) -> Vec<i64> {
        let mut streams = vec![stream_id];
        for hour in self.hours.iter().rev().filter(|hour| hour.stream_id > 0) {
            if streams.len() < STREAMS_MAX && !streams.contains(&hour.stream_id) {
                streams.push(hour.stream_id);
            }
        }
        streams
    }

    /// The collector has it.
    pub fn acked(&mut self, stream_id: i64, batch: Acked, now: Micros) {
        let open = self.hours.back().filter(|hour| {
            let is_over = hour.began > now || now.since(hour.began) >= HOUR;
            hour.stream_id == stream_id && !is_over && hour.here.len() + hour.gone.len() < HOLES_MAX
        });
        if open.is_none() {
            self.begin(stream_id, batch, now);
        }
        let Some(hour) = self.hours.back_mut().map(Arc::make_mut) else { return };
        hour.here.insert(batch.seq);
        hour.bytes = hour.bytes.saturating_add(batch.bytes);
        hour.from = hour.from.min(batch.from);
        hour.to = hour.to.max(batch.to);
        self.unsaved.insert(hour.id);
    }

    fn begin(&mut self, stream_id: i64, batch: Acked, now: Micros) {
        self.melt();
        let id = self.hours.back().map_or(1, |hour| hour.id.saturating_add(1));
        self.hours.push_back(Arc::new(Hour {
            id,
            stream_id,
            began: now,
            here: SeqRanges::new(),
            bytes: 0,
            gone: SeqRanges::new(),
            from: batch.from,
            to: batch.to,
        }));
    }

    /// The oldest hour becomes part of the next one of its stream; of a stream that is not asked for
    /// any more it is given up.
    fn melt(&mut self) {
        let Some(oldest) = self.hours.front().filter(|hour| hour.here.is_empty()) else { return };
        if self.hours.len() < HOURS_MAX {
            return;
        }
        let oldest = Arc::clone(oldest);
        self.hours.pop_front();
        self.unsaved.insert(oldest.id);
        let of_stream = |hour: &&mut Arc<Hour>| hour.stream_id == oldest.stream_id;
        let Some(next) = self.hours.iter_mut().find(of_stream).map(Arc::make_mut) else { return };
        oldest.gone.iter().for_each(|(first, last)| next.gone.insert_range(first, last));
        next.gone.keep_highest(HOLES_MAX);
        next.from = next.from.min(oldest.from);
        next.to = next.to.max(oldest.to);
        self.unsaved.insert(next.id);
    }

    /// Whether some were kept for long enough, if the collector's time is known, take more than
    /// `most_bytes`, or are of more hours than are told apart.
    #[must_use]
    pub fn has_surplus(&self, collector_now: Option<Micros>, most_bytes: u64) -> bool {
        // One far ahead was told by a clock that was wrong.
        let is_over = |hour: &Hour| {
            let Some(now) = collector_now else { return false };
            let age = if hour.began > now { hour.began.since(now) } else { now.since(hour.began) };
            age >= KEEP_FOR + HOUR
        };
        let oldest = self.hours.iter().find(|hour| !self.to_give_up(hour).is_empty());
        let too_many = self.hours.len() >= HOURS_MAX;
        oldest.is_some_and(|hour| is_over(hour) || too_many) || self.bytes() > most_bytes
    }

    fn to_give_up(&self, hour: &Hour) -> SeqRanges {
        hour.here.without(&self.again)
    }

    /// The oldest that may go, at most so many.
    #[must_use]
    pub fn oldest(&self, most: usize) -> Vec<u64> {
        let found = self.hours.iter().map(|hour| self.to_give_up(hour));
        let oldest = found.into_iter().find(|seqs| !seqs.is_empty()).unwrap_or_default();
        oldest.iter().flat_map(|(first, last)| first..=last).take(most).collect()
    }

    /// A batch of so many bytes is not in the file any more.
    pub fn forget(&mut self, seq: u64, bytes: u64) {
        if let Some(hour) = self.take(seq, bytes) {
            hour.gone.insert(seq);
        }
    }

    /// One that is about to wait again, and of so many bytes, cannot be read: it will never be asked for
    /// again. Says of which stream it was, and when at the widest.
    pub fn lose(&mut self, seq: u64, bytes: u64) -> Option<(i64, Gone)> {
        let hour = self.take(seq, bytes)?;
        let lost = Gone { batches: 1, first: seq, last: seq, from: hour.from, to: hour.to };
        Some((hour.stream_id, lost))
    }

    /// Compares what was acknowledged with what the collector has `stored`. What is here of the
    /// difference is given by [`Delivered::again`] from now on; the rest is told this once.
    pub fn compare(&mut self, stream_id: i64, stored: &SeqRanges) -> Missing {
        let mut missing = Missing::default();
        let of_stream = |hour: &&mut Arc<Hour>| hour.stream_id == stream_id;
        for hour in self.hours.iter_mut().filter(of_stream) {
            self.again = self.again.without(&hour.here);
            let again = hour.here.without(stored);
            missing.again += again.count();
            again.iter().for_each(|(first, last)| self.again.insert_range(first, last));
            let gone = hour.gone.without(stored);
            let mut ranges = gone.iter();
            let Some((first, last)) = ranges.next() else { continue };
            let more = Gone {
                batches: gone.count(),
                first,
                last: ranges.last().map_or(last, |(_, last)| last),
                from: hour.from,
                to: hour.to,
            };
            missing.gone = Some(missing.gone.map_or(more, |known| known.and(more)));
            let hour = Arc::make_mut(hour);
            hour.gone = hour.gone.without(&gone);
            self.unsaved.insert(hour.id);
        }
        let unsaved = &mut self.unsaved;
        self.hours.retain(|hour| {
            let is_empty = hour.here.is_empty() && hour.gone.is_empty();
            if is_empty {
                unsaved.insert(hour.id);
            }
            !is_empty
        });
        missing
    }

    /// The file was opened anew: what was to wait again when it was known as `before` still is.
    pub fn go_on(&mut self, before: &Self) {
        for hour in &self.hours {
            before
                .again
                .and(&hour.here)
                .iter()
                .for_each(|(first, last)| self.again.insert_range(first, last));
        }
    }

    /// Whether there are batches that are to wait again.
    #[must_use]
    pub fn any_again(&self) -> bool {
        !self.again.is_empty()
    }

    /// Batches that are to wait again, at most so many; each is told by [`Delivered::waits`], or by
    /// [`Delivered::forget`] if it is not there.
    #[must_use]
    pub fn again(&self, most: usize) -> Vec<u64> {
        self.again.iter().flat_map(|(first, last)| first..=last).take(most).collect()
    }

    /// A batch of so many bytes waits again.
    pub fn waits(&mut self, seq: u64, bytes: u64) {
        self.take(seq, bytes);
    }

    /// Out of what is here; the hour it was in.
    fn take(&mut self, seq: u64, bytes: u64) -> Option<&mut Hour> {
        self.again.remove_range(seq, seq);
        let hour = self.hours.iter_mut().find(|hour| hour.here.contains(seq))?;
        let hour = Arc::make_mut(hour);
        hour.here.remove_range(seq, seq);
        hour.bytes = if hour.here.is_empty() { 0 } else { hour.bytes.saturating_sub(bytes) };
        self.unsaved.insert(hour.id);
        Some(hour)
    }

    /// Hours to write, and the ids of those to delete.
    #[must_use]
    pub fn unsaved(&self) -> (Vec<&Hour>, Vec<i64>) {
        let known = |id: &i64| self.hours.binary_search_by_key(id, |hour| hour.id).ok();
        let hour = |id| self.hours.get(known(id)?).map(AsRef::as_ref);
        let write: Vec<&Hour> = self.unsaved.iter().filter_map(hour).collect();
        let delete = self.unsaved.iter().copied().filter(|id| known(id).is_none()).collect();
        (write, delete)
    }

    pub fn saved(&mut self) {
        self.unsaved.clear();
    }
}

impl Gone {
    fn and(self, more: Self) -> Self {
        Self {
            batches: self.batches.saturating_add(more.batches),
            first: self.first.min(more.first),
            last: self.last.max(more.last),
            from: self.from.min(more.from),
            to: self.to.max(more.to),
        }
    }
}

#[cfg(test)]
mod tests;
