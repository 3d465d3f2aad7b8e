//! What can still be read of a damaged file goes on in the fresh one, under the same stream and numbers: what
//! the collector has of it already it stores no second time. What cannot be read is declared, to the row
//! where it is known what it was.
//!
//! - **Bound:** [`TRIES_MAX`] looks for what lies beyond a page that cannot be read, and [`TIME_MAX`].
//! - **When full:** what has found room stays, the rest is declared.
//! - **On crash:** the fresh file is not in its place yet, and all begins anew.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, SchemaId};
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::batches::{self, Found};
use super::checksum::Head;
use super::delivered::{Delivered, Hour};
use super::file::Ends;
use super::losses::Lost;
use super::{BufferError, losses, retention, schemas};

/// Polling goes on meanwhile, but its way to the file holds seconds only.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Scans of a table that may begin anew beyond what cannot be read.
const TRIES_MAX: usize = 2000;
/// Batches of one transaction.
const STEP: usize = 64;
/// Gaps that are told one by one; of more, those of a class become one.
const GAPS_MAX: usize = 1024;

/// A file that is damaged, and what is known of it.
pub(super) struct Ruin<'a> {
    pub(super) connection: &'a Connection,
    pub(super) stream_id: i64,
    /// No number from here on was used.
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
    pub(super) gaps: Vec<(Gap, Ends)>,
    /// There may be losses that nothing tells of any more.
    pub(super) is_in_doubt: bool,
    /// No number from here on was used.
    pub(super) end: u64,
}

/// How much longer is looked for something.
struct Effort<'a> {
    clock: &'a Clock,
    until: Instant,
}

impl Effort<'_> {
    fn is_over(&self) -> bool {
        self.clock.monotonic() >= self.until
    }
}

/// Copies what is there from `ruin` into the file `fresh`.
pub(super) fn salvage(
    ruin: &Ruin<'_>,
    fresh: &mut Connection,
    clock: &Clock,
) -> Result<Salvaged, BufferError> {
    let effort = Effort { clock, until: clock.monotonic() + TIME_MAX };
    let waiting = numbers(ruin, "waiting", &effort);
    let here = numbers(ruin, "batch", &effort);
    let (hours, kept) = hours(ruin);
    let mut copy = Copy { ruin, effort, followed: BTreeMap::new(), damaged: BTreeMap::new() };
    // What is not known to be acknowledged is taken for waiting: nothing is stored twice for that.
    let waited = here.seqs.without(&kept);
    let saved = copy.all(fresh, &waited, true)?;
    let kept_saved = copy.all(fresh, &kept_of(&here.seqs, &kept), false)?;
    let Copy { followed, damaged, .. } = copy;
    let mut lost = waited.without(&saved);
    let unread = waiting.seqs.without(&saved);
    unread.iter().for_each(|(first, last)| lost.insert_range(first, last));
    if let Some((_, acked)) = ruin.acked {
        lost = lost.without(acked);
    }
    let mut salvaged = Salvaged {
        batches: saved.count(),
        lost: lost.count(),
        // Of what is missing in both nothing would tell.
        is_in_doubt: !waiting.is_whole,
        end: ruin.end.max(last_of(&saved) + 1).max(last_of(&kept) + 1),
        ..Salvaged::default()
    };
    salvaged.tell(ruin, &lost, &damaged);
    let step = fresh.transaction_with_behavior(TransactionBehavior::Immediate)?;
    salvaged.is_in_doubt |= !gaps(ruin, &step, &saved).unwrap_or(false);
    for (id, last_seq) in followed {
        schema(ruin, &step, id, last_seq)?;
    }
    retention::save(&step, &mut delivered(&step, hours, &kept_saved)?)?;
    step.commit()?;
    Ok(salvaged)
}

fn last_of(seqs: &SeqRanges) -> u64 {
    seqs.iter().last().map_or(0, |(_, last)| last)
}

fn kept_of(here: &SeqRanges, kept: &SeqRanges) -> SeqRanges {
    here.without(&here.without(kept))
}

/// Numbers of a table.
struct Numbers {
    seqs: SeqRanges,
    /// Nothing stood in the way.
    is_whole: bool,
}

/// The numbers in `table` that can be reached. Beyond what cannot be read they are looked for from the other end,
/// and then in halves.
fn numbers(ruin: &Ruin<'_>, table: &str, effort: &Effort<'_>) -> Numbers {
    let mut found = Numbers { seqs: SeqRanges::new(), is_whole: true };
    let mut tries = TRIES_MAX;
    let mut spans = VecDeque::from([(1, ruin.end)]);
    while let Some((first, last)) = spans.pop_front() {
        if tries == 0 || effort.is_over() {
            found.is_whole = false;
            break;
        }
        tries -= 1;
        let mut scan = |order| scan(ruin.connection, table, (first, last, order), &mut found.seqs);
        let Err(up_to) = scan("ASC") else { continue };
        let Err(down_to) = scan("DESC") else { continue };
        found.is_whole = false;
        let first = up_to.map_or(first, |seq| seq + 1);
        let last = down_to.map_or(last, |seq| seq.saturating_sub(1));
        if first < last {
            let middle = first.midpoint(last);
            spans.extend([(first, middle), (middle + 1, last)]);
        }
    }
    found
}

/// Where it does not reach the end, how far it came.
fn scan(
    connection: &Connection,
    table: &str,
    (first, last, order): (u64, u64, &str),
    found: &mut SeqRanges,
) -> Result<(), Option<u64>> {
    let text = format!(
        "SELECT seq FROM {table} NOT INDEXED WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"
    );
    let mut reached = None;
    let mut all = || -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(&text)?;
        let mut rows = statement.query([first.cast_signed(), last.cast_signed()])?;
        while let Some(row) = rows.next()? {
            let seq = row.get::<_, i64>(0)?.cast_unsigned();
            // A page that is not what it was may tell any.
            if (first..=last).contains(&seq) {
                reached = Some(seq);
                found.insert(seq);
            }
        }
        Ok(())
    };
    all().map_err(|_| reached)
}

/// What was acknowledged, and the numbers of it that were here.
fn hours(ruin: &Ruin<'_>) -> (Vec<Hour>, SeqRanges) {
    let hours = match ruin.acked {
        Some((known, _)) => known.hours().cloned().collect(),
        None => {
            let mut read = Vec::new();
            // Of what cannot be read nothing is known: its batches are taken for waiting.
            let _ = retention::read(ruin.connection, &mut read, &mut Vec::new());
            read
        }
    };
    let mut kept = SeqRanges::new();
    for (first, last) in hours.iter().flat_map(|hour| hour.here.iter()) {
        kept.insert_range(first, last);
    }
    (hours, kept)
}

/// The same hours with what is here now.
fn delivered(
    fresh: &Connection,
    mut hours: Vec<Hour>,
    saved: &SeqRanges,
) -> rusqlite::Result<Delivered> {
    let mut bytes = fresh.prepare("SELECT LENGTH(data) FROM batch WHERE seq = ?1")?;
    for hour in &mut hours {
        let gone = hour.here.without(saved);
        gone.iter().for_each(|(first, last)| hour.gone.insert_range(first, last));
        hour.here = hour.here.without(&gone);
        hour.bytes = 0;
        for seq in hour.here.iter().flat_map(|(first, last)| first..=last) {
            let length: i64 = bytes.query_row([seq.cast_signed()], |row| row.get(0))?;
            hour.bytes += length.cast_unsigned();
        }
    }
    Ok(Delivered::unsaved_of(hours))
}

/// Batches on their way from one file to the other.
struct Copy<'a> {
    ruin: &'a Ruin<'a>,
    effort: Effort<'a>,
    /// Schemas of what was saved, and by which number last.
    followed: BTreeMap<SchemaId, u64>,
    /// What can be told of those that are not what was written.
    damaged: BTreeMap<u64, Head>,
}

impl Copy<'_> {
    /// Those that are in `fresh` afterwards.
    fn all(
        &mut self,
        fresh: &mut Connection,
        seqs: &SeqRanges,
        waits: bool,
    ) -> Result<SeqRanges, BufferError> {
        let mut saved = SeqRanges::new();
        let mut seqs = seqs.iter().flat_map(|(first, last)| first..=last).peekable();
        while seqs.peek().is_some() && !self.effort.is_over() {
            let some: Vec<u64> = seqs.by_ref().take(STEP).collect();
            match self.some(fresh, &some, waits) {
                Ok(some) => some.into_iter().for_each(|seq| saved.insert(seq)),
                Err(error) if error.is_full() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(saved)
    }

    fn some(
        &mut self,
        fresh: &mut Connection,
        seqs: &[u64],
        waits: bool,
    ) -> Result<Vec<u64>, BufferError> {
        let mut saved = Vec::new();
        let step = fresh.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for seq in seqs {
            match batches::read(self.ruin.connection, *seq) {
                Ok(Found::Good { head, data, is_proven: true }) => {
                    let known = self.ruin.epochs.contains(&head.epoch);
                    let head = Head { epoch: if known { head.epoch } else { 0 }, ..head };
                    batches::put(&step, &head, &data)?;
                    if waits {
                        batches::wait(&step, *seq)?;
                    }
                    let ids = schemas::from_bytes(&head.schemas);
                    self.followed.extend(ids.into_iter().map(|id| (id, *seq)));
                    saved.push(*seq);
                }
                Ok(Found::Damaged(Some(head))) => {
                    self.damaged.insert(*seq, head);
                }
                // What cannot be read concerns this one alone.
                Ok(_) | Err(_) => {}
            }
        }
        step.commit()?;
        Ok(saved)
    }
}

/// Its row, if that can be what was written: it has no checksum.
fn of_waiting(ruin: &Ruin<'_>, seq: u64) -> Option<(Lost, Class)> {
    let row = ruin.connection.query_row(
        "SELECT seq, n, t_min, t_max, bytes, epoch, class FROM waiting WHERE seq = ?1",
        [seq.cast_signed()],
        |row| Ok((Lost::read(row)?, row.get::<_, u32>(6)?)),
    );
    let (lost, class) = row.ok()?;
    Some((lost, Class::from_wire(class)?))
}

impl Salvaged {
    /// Declares what is lost.
    fn tell(&mut self, ruin: &Ruin<'_>, lost: &SeqRanges, damaged: &BTreeMap<u64, Head>) {
        let mut merged: BTreeMap<(u8, u64), Option<Gap>> = BTreeMap::new();
        for seq in lost.iter().flat_map(|(first, last)| first..=last) {
            let of_head = damaged.get(&seq).and_then(|head| {
                let (n, epoch, bytes) = (head.n, head.epoch, 0);
                let lost = Lost { seq, n, t_min: head.t_min.0, t_max: head.t_max.0, bytes, epoch };
                Some((lost, Class::from_wire(head.class)?))
            });
            let known = of_head.or_else(|| of_waiting(ruin, seq)).map(|(lost, class)| {
                let epoch = if ruin.epochs.contains(&lost.epoch) { lost.epoch } else { 0 };
                (lost.gap(ruin.stream_id, class, GapReason::Corrupt), epoch)
            });
            match known.filter(|(gap, _)| is_sound(gap)) {
                Some((gap, epoch)) if self.gaps.len() < GAPS_MAX => {
                    self.gaps.push((gap, (epoch, epoch)));
                }
                Some((gap, epoch)) => {
                    let class = u8::try_from(gap.class).unwrap_or(0);
                    losses::merge(merged.entry((class, epoch)).or_default(), gap);
                }
                None => self.is_in_doubt = true,
            }
        }
        let merged = merged.into_iter();
        self.gaps.extend(merged.filter_map(|((_, epoch), gap)| Some((gap?, (epoch, epoch)))));
    }
}

/// What a collector takes.
fn is_sound(gap: &Gap) -> bool {
    gap.stream_id > 0
        && (1..=gap.seq_last).contains(&gap.seq_first)
        && (0..=gap.to_us).contains(&gap.from_us)
        && Class::from_wire(gap.class).is_some()
        && GapReason::try_from(gap.reason).is_ok_and(|reason| reason != GapReason::Unspecified)
}

/// Losses that the collector may not know of yet. Says whether all of them can be what was written.
fn gaps(ruin: &Ruin<'_>, fresh: &Connection, saved: &SeqRanges) -> rusqlite::Result<bool> {
    let mut are_sound = true;
    let mut statement = ruin.connection.prepare(
        "SELECT stream_id, seq_first, seq_last, from_us, to_us, class, count, reason, from_epoch,
           to_epoch, batch_seq FROM gap NOT INDEXED ORDER BY gap_id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let gap = Gap {
            stream_id: row.get(0)?,
            seq_first: unsigned(1)?,
            seq_last: unsigned(2)?,
            from_us: row.get(3)?,
            to_us: row.get(4)?,
            class: row.get(5)?,
            count: unsigned(6)?,
            reason: row.get(7)?,
        };
        let epoch = |at| {
            let epoch = unsigned(at)?;
            Ok::<_, rusqlite::Error>(if ruin.epochs.contains(&epoch) { epoch } else { 0 })
        };
        let by = (epoch(8)?, epoch(9)?);
        // Clocks that differ may put its ends the wrong way round.
        let ordered = Gap { to_us: gap.to_us.max(gap.from_us), ..gap };
        if !is_sound(&ordered) {
            are_sound = false;
            continue;
        }
        super::file::record_gap(fresh, &gap, by)?;
        let reporter =
            row.get::<_, Option<i64>>(10)?.filter(|seq| saved.contains(seq.cast_unsigned()));
        fresh.execute(
            "UPDATE gap SET batch_seq = ?1 WHERE gap_id = LAST_INSERT_ROWID()",
            params![reporter],
        )?;
    }
    Ok(are_sound)
}

/// The definition of a schema, if it is what its id says; the collector knows of most.
fn schema(
    ruin: &Ruin<'_>,
    fresh: &Connection,
    id: SchemaId,
    last_seq: u64,
) -> rusqlite::Result<()> {
    let def: Option<Vec<u8>> = ruin
        .connection
        .prepare_cached("SELECT def FROM schema WHERE schema_id = ?1")
        .and_then(|mut statement| statement.query_row([id.0], |row| row.get(0)).optional())
        .unwrap_or(None);
    match def {
        Some(def) => schemas::put(fresh, id, &def, last_seq),
        None => Ok(()),
    }
}
