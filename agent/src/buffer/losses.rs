//! What will never reach the collector: evicted for room, or refused for good. Counted and noted
//! as gaps in the transaction that deletes it.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, params};

use super::batches::{self, Fill, Found};
use super::delivered::Delivered;
use super::file::PAGE_BYTES;
use super::gaps::{Ends, LOST_CLASSES};
use super::schemas::Schemas;
use super::waiting::{self, COLUMNS, Waits};
use super::{Refusal, gaps, retention};

/// Most refused batches kept for support, in bytes (contract G11).
pub(super) const QUARANTINE_BYTES_MAX: i64 = 16 * 1024 * 1024;
/// Batches looked at per step of an eviction.
const EVICT_STEP: usize = 64;
/// Damaged batches of one round that are told one by one.
const DAMAGED_APART: usize = 16;
/// Evicted in this order; class 0 never is.
pub(super) const EVICTABLE: [Class; 3] = [Class::Counters, Class::Gauges, Class::Events];

/// Bytes of the file that hold something.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pages: i64 = connection
        .prepare_cached(
            "SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(pages.max(0).cast_unsigned() * PAGE_BYTES)
}

/// What an eviction may touch and what it has done.
pub(super) struct Eviction<'a> {
    pub(super) connection: &'a Connection,
    pub(super) stream_id: i64,
    /// On the way to the collector, which may keep them: not evicted.
    pub(super) in_flight: &'a BTreeSet<u64>,
    pub(super) fill: &'a mut Fill,
    pub(super) schemas: &'a mut Schemas,
    pub(super) delivered: &'a mut Delivered,
}

impl Eviction<'_> {
    /// Deletes until the file holds at most `target` bytes: what the collector has, which is no loss,
    /// then lowest class first, oldest first. Says whether it does.
    pub(super) fn until(&mut self, target: u64) -> rusqlite::Result<bool> {
        while used_bytes(self.connection)? > target
            && retention::give_up(self.connection, self.delivered, EVICT_STEP)?
        {}
        if used_bytes(self.connection)? <= target {
            return Ok(true);
        }
        self.schemas.prune(self.connection, 0)?;
        for class in EVICTABLE {
            let mut evicted = ByEpoch::new();
            while used_bytes(self.connection)? > target && self.step(class, &mut evicted)? {}
            for (epoch, (gap, batches)) in evicted {
                gap.map_or(Ok(()), |gap| note_loss(self.connection, &gap, epoch, batches))?;
            }
        }
        Ok(used_bytes(self.connection)? <= target)
    }

    /// Deletes the oldest of `class`; false if there are none.
    fn step(&mut self, class: Class, evicted: &mut ByEpoch) -> rusqlite::Result<bool> {
        let mut oldest = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM waiting WHERE class = ?1 ORDER BY seq"
        ))?;
        let mut rows = oldest.query([class as u8])?;
        let mut chosen = Vec::with_capacity(EVICT_STEP);
        while chosen.len() < EVICT_STEP
            && let Some(row) = rows.next()?
        {
            let read = Waits::read(row)?;
            if !self.in_flight.contains(&read.map_or_else(|seq| seq, |waits| waits.seq)) {
                chosen.push(read);
            }
        }
        drop(rows);
        for read in &chosen {
            let lost = match waiting::known(self.connection, *read)? {
                Ok(lost) => lost,
                Err(seq) => {
                    note_unknown(self.connection, (self.stream_id, seq), GapReason::Evicted)?;
                    delete(self.connection, seq)?;
                    self.fill.take(0);
                    continue;
                }
            };
            delete(self.connection, lost.seq)?;
            self.fill.take(lost.bytes);
            let (gap, batches) = evicted.entry(lost.epoch).or_default();
            let lost = Waits { class: class as u32, ..lost };
            merge(gap, lost.gap(self.stream_id, GapReason::Evicted));
            *batches += 1;
        }
        // What only these followed may be most of what the file holds.
        self.schemas.prune(self.connection, 0)?;
        Ok(!chosen.is_empty())
    }
}

/// A gap and how many batches it was, by the clock that it is told by.
type ByEpoch = BTreeMap<u64, (Option<Gap>, u64)>;

/// Deletes a batch that waits; the gaps it was to report are reported again.
fn delete(connection: &Connection, seq: u64) -> rusqlite::Result<()> {
    let seq = seq.cast_signed();
    connection.prepare_cached("DELETE FROM waiting WHERE seq = ?1")?.execute([seq])?;
    connection.prepare_cached("DELETE FROM batch WHERE seq = ?1")?.execute([seq])?;
    connection
        .prepare_cached("UPDATE gap SET batch_seq = NULL WHERE batch_seq = ?1")?
        .execute([seq])?;
    Ok(())
}

/// Widens `gap` by `more`, which is of the same stream, class and reason. Number 0 is none.
pub(super) fn merge(gap: &mut Option<Gap>, more: Gap) {
    match gap {
        None => *gap = Some(more),
        Some(gap) => {
            gap.seq_first = match (gap.seq_first, more.seq_first) {
                (0, seq) | (seq, 0) => seq,
                (one, other) => one.min(other),
            };
            gap.seq_last = gap.seq_last.max(more.seq_last);
            gap.from_us = gap.from_us.min(more.from_us);
            gap.to_us = gap.to_us.max(more.to_us);
            gap.count = gap.count.saturating_add(more.count);
        }
    }
}

/// Counts and notes a gap that is told by the clock of `epoch`.
pub(super) fn note_loss(
    connection: &Connection,
    gap: &Gap,
    epoch: u64,
    batches: u64,
) -> rusqlite::Result<()> {
    note(connection, gap, (epoch, epoch), batches)
}

fn note(connection: &Connection, gap: &Gap, by: Ends, batches: u64) -> rusqlite::Result<()> {
    let reason = GapReason::try_from(gap.reason).unwrap_or(GapReason::Unspecified);
    let name = match reason {
        GapReason::Evicted => "evicted",
        GapReason::Rejected => "rejected",
        GapReason::Corrupt => "corrupt",
        _ => "lost",
    };
    tracing::warn!(reason = name, class = gap.class, batches, rows = gap.count, "batches lost");
    count(connection, (name, gap.class), batches, gap.count)?;
    gaps::record(connection, gap, by)
}

/// Notes a batch that waits of which neither its row nor itself tells what it was: not counted, and of when those
/// beside it are.
fn note_unknown(
    connection: &Connection,
    (stream_id, seq): (i64, u64),
    reason: GapReason,
) -> rusqlite::Result<()> {
    let (from, to, by) = waiting::around(connection, seq)?;
    LOST_CLASSES.iter().try_for_each(|class| {
        let gap = Gap {
            stream_id,
            seq_first: seq,
            seq_last: seq,
            from_us: from.0,
            to_us: to.0,
            class: *class as u32,
            count: 0,
            reason: reason as i32,
        };
        note(connection, &gap, by, 0)
    })
}

/// Adds to the totals of what was lost.
pub(super) fn count(
    connection: &Connection,
    (name, class): (&str, u32),
    batches: u64,
    rows: u64,
) -> rusqlite::Result<()> {
    for (unit, value) in [("batches", batches), ("rows", rows)] {
        connection
            .prepare_cached(
                "INSERT INTO counter (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            )?
            .execute(params![format!("{name}_{unit}_class_{class}"), value.cast_signed()])?;
    }
    Ok(())
}

/// Each may have taken up to the last second, which nobody can count.
pub(super) fn count_crash(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO counter (name, value) VALUES ('crashes', 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1",
        )?
        .execute([])?;
    Ok(())
}

/// Moves a batch the collector will never take out of the way (contract G11).
pub(super) fn quarantine(
    connection: &Connection,
    (stream_id, now): (i64, Micros),
    refusal: &Refusal,
    fill: &mut Fill,
) -> rusqlite::Result<()> {
    let seq = refusal.seq.cast_signed();
    let Some(read) = waiting::get(connection, refusal.seq)? else { return Ok(()) };
    let known = waiting::known(connection, read)?;
    connection.execute(
        "INSERT INTO quarantine (seq, class, codec, code, detail, at_us, data)
         SELECT seq, class, codec, ?2, ?3, ?4, data FROM batch WHERE seq = ?1",
        params![seq, refusal.code, refusal.detail, now.0],
    )?;
    connection.execute(
        "DELETE FROM quarantine WHERE quarantine_id <= (
           SELECT quarantine_id FROM (
             SELECT quarantine_id, SUM(LENGTH(data)) OVER (ORDER BY quarantine_id DESC) AS kept
             FROM quarantine)
           WHERE kept > ?1 ORDER BY quarantine_id DESC LIMIT 1)",
        [QUARANTINE_BYTES_MAX],
    )?;
    // Gaps the collector refuses would come back for ever.
    connection.execute("DELETE FROM gap WHERE batch_seq = ?1", [seq])?;
    match known {
        Ok(lost) => {
            note_loss(connection, &lost.gap(stream_id, GapReason::Rejected), lost.epoch, 1)?;
        }
        Err(seq) => note_unknown(connection, (stream_id, seq), GapReason::Rejected)?,
    }
    delete(connection, refusal.seq)?;
    fill.take(known.map_or(0, |lost| lost.bytes));
    Ok(())
}

/// Drops batches that wait and are not what was written. What was lost is told by each itself, where that can be
/// read, or by what is known of those that wait; more than [`DAMAGED_APART`] by class and clock.
pub(super) fn drop_damaged(
    connection: &Connection,
    stream_id: i64,
    seqs: &[u64],
    fill: &mut Fill,
) -> rusqlite::Result<()> {
    let mut merged: BTreeMap<(u32, u64), (Option<Gap>, u64)> = BTreeMap::new();
    for seq in seqs {
        let Some(read) = waiting::get(connection, *seq)? else { continue };
        let bytes = read.map_or(0, |waits| waits.bytes);
        let lost = match batches::read(connection, *seq)? {
            Found::Damaged(Some(head)) => Ok(Waits::of(&head, bytes)),
            _ => read,
        };
        match lost {
            Ok(lost) => {
                let gap = lost.gap(stream_id, GapReason::Corrupt);
                if seqs.len() <= DAMAGED_APART {
                    note_loss(connection, &gap, lost.epoch, 1)?;
                } else {
                    let (merged, batches) = merged.entry((gap.class, lost.epoch)).or_default();
                    merge(merged, gap);
                    *batches += 1;
                }
            }
            Err(seq) => note_unknown(connection, (stream_id, seq), GapReason::Corrupt)?,
        }
        delete(connection, *seq)?;
        fill.take(bytes);
    }
    for ((_, epoch), (gap, batches)) in merged {
        gap.map_or(Ok(()), |gap| note_loss(connection, &gap, epoch, batches))?;
    }
    tracing::error!(
        batches = seqs.len(),
        first = seqs.first(),
        "batches are not what was written: they are lost"
    );
    Ok(())
}

/// Drops a batch that is not known to wait, nor what it was: it may be a loss.
pub(super) fn drop_orphan(
    connection: &Connection,
    stream_id: i64,
    seq: u64,
) -> rusqlite::Result<()> {
    tracing::error!(batch_seq = seq, "nothing tells what a batch is, or whether it waits: dropped");
    note_unknown(connection, (stream_id, seq), GapReason::Corrupt)?;
    batches::drop_kept(connection, seq)?;
    Ok(())
}

/// All totals, by name.
pub(super) fn counters(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut statement = connection.prepare("SELECT name, value FROM counter ORDER BY name")?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    rows.collect()
}
