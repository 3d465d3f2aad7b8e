//! What can still be read of a damaged file goes on in the fresh one, under the same stream and numbers: what
//! the collector has of it already it stores no second time. What cannot be read is declared, to the row
//! where it is known what it was.
//!
//! - **Bound:** looks for what lies beyond a page that cannot be read, and a time ([`keys`]): what is told to wait is
//!   read by its number before others are looked for.
//! - **When full:** what has found room stays, the rest is declared: state changes go first, then the newest.
//! - **On crash:** the fresh file is not in its place yet, and all begins anew.

mod copy;
mod keys;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, TransactionBehavior};

use self::copy::Copy;
pub(super) use self::keys::Effort;
use self::keys::{Keys, Table, is_whole, keys};
use super::checksum::Head;
use super::delivered::{Acked, Delivered, Hour};
use super::gaps::{self, Ends};
use super::room::Room;
use super::waiting::{self, Waits};
use super::{BufferError, losses, retention};

/// Gaps that are told one by one; of more, those of a class become one.
const GAPS_MAX: usize = 1024;
const BATCH: Table = Table { name: "batch", key: "seq" };
const WAITING: Table = Table { name: "waiting", key: "seq" };
const ACKED: Table = Table { name: "acked", key: "hour_id" };
const GAP: Table = Table { name: "gap", key: "gap_id" };
/// Keys of hours and gaps that are looked for beyond what cannot be read.
const KEYS_END: i64 = 1 << 20;

/// A file that is damaged, and what is known of it.
pub(super) struct Ruin<'a> {
    pub(super) connection: &'a Connection,
    pub(super) stream_id: i64,
    /// It was not migrated yet: nothing in it has a checksum.
    pub(super) is_of_before: bool,
    /// As far as is known, no number from here on was used.
    pub(super) end: u64,
    /// Clocks that batches may name.
    pub(super) epochs: BTreeSet<u64>,
    /// What was acknowledged, if its user knows that better than the file: what that tells, and beyond.
    pub(super) acked: Option<(&'a Delivered, &'a SeqRanges)>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Salvaged {
    /// Batches that waited and do so again.
    pub(super) batches: u64,
    pub(super) lost: u64,
    pub(super) gaps: Vec<Told>,
    /// There may be losses that nothing tells of any more.
    pub(super) is_in_doubt: bool,
    /// No number from here on was used.
    pub(super) end: u64,
}

/// A gap, by which clocks, and of how many batches.
pub(super) type Told = (Gap, Ends, u64);

/// Copies what is there from `ruin` into the file `fresh`: what nothing can be without comes first.
pub(super) fn salvage(
    ruin: &Ruin<'_>,
    fresh: &mut Connection,
    room: &Room<'_>,
    effort: &Effort<'_>,
) -> Result<Salvaged, BufferError> {
    let (told, gaps_are_whole) = told(ruin, effort);
    let hours = hours(ruin, effort);
    let step = fresh.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (gap, by, reporter) in &told {
        gaps::record_of(&step, gap, *by, *reporter)?;
    }
    retention::save(&step, &mut Delivered::unsaved_of(hours.hours.clone()))?;
    step.commit()?;

    let waiting = rows(ruin, effort);
    let mut copy = Copy::new(ruin, room, effort);
    let copied = copy_batches(&mut copy, fresh, &hours, &waiting)?;
    let lost = copied.lost(ruin, &waiting);
    let last = last_of(&copied.waits).max(last_of(&hours.here)).max(last_of(&copied.kept));
    let mut salvaged = Salvaged {
        batches: copied.waits.count(),
        lost: lost.count(),
        // Of what is missing in both nothing would tell.
        is_in_doubt: !waiting.is_whole || !gaps_are_whole,
        end: ruin.end.max(last.saturating_add(1)),
        ..Salvaged::default()
    };
    salvaged.tell(ruin, &lost, (&copy.damaged, &waiting.rows));

    let step = fresh.transaction_with_behavior(TransactionBehavior::Immediate)?;
    gaps::report_orphans(&step)?;
    retention::save(&step, &mut delivered(hours.hours, &copy.kept))?;
    step.commit()?;
    Ok(salvaged)
}

/// Batches that are in the fresh file.
struct Copied {
    waits: SeqRanges,
    kept: SeqRanges,
    /// There, of which nothing tells whether it waits: taken for that, and not all of it read.
    unknown: SeqRanges,
}

fn copy_batches(
    copy: &mut Copy<'_>,
    fresh: &mut Connection,
    hours: &Hours,
    waiting: &Rows,
) -> Result<Copied, BufferError> {
    let (ruin, effort) = (copy.ruin, copy.effort);
    let (filled, all) = copy.room.pages();
    fresh.pragma_update(None, "max_page_count", filled)?;
    // One synced checkpoint at the end is enough: until then a crash begins it all anew.
    fresh.pragma_update(None, "synchronous", "OFF")?;
    // To find others takes a look at the whole file: on a slow disk nothing might be left of the time.
    let told = waiting.seqs().without(&hours.here);
    let mut waits = copy.all(fresh, in_order(&told, &waiting.rows), true)?;
    let here = keys(ruin.connection, &BATCH, end_of(ruin), effort);
    let others = here.all.without(&hours.here).without(&told);
    // What is not known to be acknowledged is taken for waiting only where nothing tells what waits: in another
    // stream than before it would be stored twice.
    let (unknown, adopted) = match !hours.is_whole && waiting.is_whole {
        true => (SeqRanges::new(), others),
        false => (others, SeqRanges::new()),
    };
    let found = copy.all(fresh, newest_first(&unknown), true)?;
    found.iter().for_each(|(first, last)| waits.insert_range(first, last));
    let mut of_kept = here.all.and(&hours.here);
    adopted.iter().for_each(|(first, last)| of_kept.insert_range(first, last));
    let kept = copy.all(fresh, newest_first(&of_kept), false)?;
    fresh.pragma_update(None, "synchronous", "FULL")?;
    fresh.pragma_update(None, "max_page_count", all)?;
    Ok(Copied { waits, kept, unknown })
}

impl Copied {
    /// What waited, as far as that is known, and is not here.
    fn lost(&self, ruin: &Ruin<'_>, waiting: &Rows) -> SeqRanges {
        let mut lost = self.unknown.clone();
        // Beyond the end only what is proven was ever there.
        lost.remove_range(ruin.end, u64::MAX);
        waiting.seqs().iter().for_each(|(first, last)| lost.insert_range(first, last));
        let lost = lost.without(&self.waits).without(&self.kept);
        match ruin.acked {
            Some((_, acked)) => lost.without(acked),
            None => lost,
        }
    }
}

fn end_of(ruin: &Ruin<'_>) -> i64 {
    i64::try_from(ruin.end).unwrap_or(i64::MAX)
}

fn last_of(seqs: &SeqRanges) -> u64 {
    seqs.iter().last().map_or(0, |(_, last)| last)
}

fn newest_first(seqs: &SeqRanges) -> impl Iterator<Item = u64> {
    let ranges: Vec<_> = seqs.iter().collect();
    ranges.into_iter().rev().flat_map(|(first, last)| (first..=last).rev())
}

/// State changes, then the newest: as they would go if the time or the room did not end.
fn in_order(seqs: &SeqRanges, rows: &BTreeMap<u64, Waits>) -> Vec<u64> {
    let is_sample = |seq: &u64| rows.get(seq).is_none_or(|row| row.class > Class::Events as u32);
    let mut all: Vec<u64> = newest_first(seqs).collect();
    all.sort_by_key(|seq| (is_sample(seq), Reverse(*seq)));
    all
}

/// What waits, as far as it is what was written.
struct Rows {
    rows: BTreeMap<u64, Waits>,
    /// Nothing else can have waited.
    is_whole: bool,
}

impl Rows {
    fn seqs(&self) -> SeqRanges {
        self.rows.keys().copied().collect()
    }
}

fn rows(ruin: &Ruin<'_>, effort: &Effort<'_>) -> Rows {
    let Keys { all, is_whole: is_reached } = keys(ruin.connection, &WAITING, end_of(ruin), effort);
    let is_whole = is_reached && is_whole(ruin.connection, &WAITING);
    let mut found = Rows { rows: BTreeMap::new(), is_whole };
    for seq in all.iter().flat_map(|(first, last)| first..=last) {
        if effort.is_over() {
            found.is_whole = false;
            break;
        }
        match waiting::get(ruin.connection, seq) {
            Ok(Some(Ok(row))) => {
                found.rows.insert(seq, row);
            }
            _ => found.is_whole = false,
        }
    }
    found
}

/// What was acknowledged.
struct Hours {
    hours: Vec<Hour>,
    /// The numbers of it that were here.
    here: SeqRanges,
    /// Nothing else can have been.
    is_whole: bool,
}

fn hours(ruin: &Ruin<'_>, effort: &Effort<'_>) -> Hours {
    let (mut hours, mut is_whole) = match ruin.acked {
        Some((known, _)) => (known.hours().cloned().collect(), true),
        None => (Vec::new(), is_whole(ruin.connection, &ACKED)),
    };
    if ruin.acked.is_none() {
        let ids = keys(ruin.connection, &ACKED, KEYS_END, effort);
        is_whole &= ids.is_whole;
        for id in ids.all.iter().flat_map(|(first, last)| first..=last) {
            match retention::hour_of(ruin.connection, id.cast_signed()) {
                Ok(Some(hour)) if !effort.is_over() => hours.push(hour),
                _ => is_whole = false,
            }
        }
    }
    let mut here = SeqRanges::new();
    for (first, last) in hours.iter().flat_map(|hour| hour.here.iter()) {
        here.insert_range(first, last);
    }
    Hours { hours, here, is_whole }
}

/// The same hours with what is here now, and what is of none of them.
fn delivered(mut hours: Vec<Hour>, saved: &[Waits]) -> Delivered {
    let seqs: SeqRanges = saved.iter().map(|row| row.seq).collect();
    let bytes: BTreeMap<u64, u64> = saved.iter().map(|row| (row.seq, row.bytes)).collect();
    let mut adopted = seqs.clone();
    for hour in &mut hours {
        adopted = adopted.without(&hour.here);
        let gone = hour.here.without(&seqs);
        gone.iter().for_each(|(first, last)| hour.gone.insert_range(first, last));
        hour.here = hour.here.without(&gone);
        let here = hour.here.iter().flat_map(|(first, last)| first..=last);
        hour.bytes = here
            .filter_map(|seq| bytes.get(&seq))
            .fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
    }
    let mut delivered = Delivered::unsaved_of(hours);
    for row in saved.iter().filter(|row| adopted.contains(row.seq)) {
        let acked = Acked { seq: row.seq, bytes: row.bytes, from: row.t_min, to: row.t_max };
        delivered.acked(retention::NOBODYS, acked, row.t_max);
    }
    delivered
}

impl Salvaged {
    /// Declares what is lost, by itself or by its row.
    fn tell(
        &mut self,
        ruin: &Ruin<'_>,
        lost: &SeqRanges,
        (damaged, rows): (&BTreeMap<u64, Head>, &BTreeMap<u64, Waits>),
    ) {
        let mut merged: BTreeMap<(u32, u64), (Option<Gap>, u64)> = BTreeMap::new();
        for seq in lost.iter().flat_map(|(first, last)| first..=last) {
            let of_head = damaged.get(&seq).map(|head| Waits::of(head, 0));
            let Some(row) = of_head.or_else(|| rows.get(&seq).copied()) else {
                self.is_in_doubt = true;
                continue;
            };
            let epoch = if ruin.epochs.contains(&row.epoch) { row.epoch } else { 0 };
            let gap = row.gap(ruin.stream_id, GapReason::Corrupt);
            if !gaps::is_sound(&gap) {
                self.is_in_doubt = true;
            } else if self.gaps.len() < GAPS_MAX {
                self.gaps.push((gap, (epoch, epoch), 1));
            } else {
                let (merged, batches) = merged.entry((gap.class, epoch)).or_default();
                losses::merge(merged, gap);
                *batches += 1;
            }
        }
        let merged = merged.into_iter();
        self.gaps.extend(
            merged.filter_map(|((_, epoch), (gap, batches))| Some((gap?, (epoch, epoch), batches))),
        );
    }
}

/// Losses that the collector may not know of yet, with who reports them. Says whether those are all of them.
fn told(ruin: &Ruin<'_>, effort: &Effort<'_>) -> (Vec<(Gap, Ends, Option<i64>)>, bool) {
    let ids = keys(ruin.connection, &GAP, KEYS_END, effort);
    let mut are_whole = ids.is_whole && is_whole(ruin.connection, &GAP);
    let mut told = Vec::new();
    let known = |epoch: u64| if ruin.epochs.contains(&epoch) { epoch } else { 0 };
    for id in ids.all.iter().flat_map(|(first, last)| first..=last) {
        let get = if ruin.is_of_before { gaps::get_of_before } else { gaps::get };
        match get(ruin.connection, id.cast_signed()) {
            Ok(Some((gap, by, reporter))) if !effort.is_over() => {
                told.push((gap, (known(by.0), known(by.1)), reporter));
            }
            _ => are_whole = false,
        }
    }
    (told, are_whole)
}

#[cfg(test)]
mod tests {
    use farwatch_common::clock::Micros;

    use super::*;

    #[test]
    fn state_changes_go_first_and_then_the_newest() {
        let row = |(seq, class)| {
            let at = Micros(1);
            (seq, Waits { seq, epoch: 1, class, t_min: at, t_max: at, n: 1, bytes: 1 })
        };
        let rows = [(1, 3), (2, 1), (3, 2), (5, 1), (6, 3)].map(row).into();
        let all = (1..=7).collect();
        assert_eq!(in_order(&all, &rows), [5, 2, 7, 6, 4, 3, 1]);
    }
}
