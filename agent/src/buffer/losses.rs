//! What will never reach the collector: evicted for room, or refused for good. Counted and noted
//! as gaps in the transaction that deletes it.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::batches::{self, Fill, Found};
use super::checksum::Head;
use super::delivered::Delivered;
use super::epochs::Epochs;
use super::file::{PAGE_BYTES, record_gap};
use super::schemas::Schemas;
use super::{Refusal, gather, retention};

/// Most refused batches kept for support, in bytes (contract G11).
pub(super) const QUARANTINE_BYTES_MAX: i64 = 16 * 1024 * 1024;
/// Batches looked at per step of an eviction.
const EVICT_STEP: usize = 64;
/// Gaps one batch reports; the next one takes the rest.
const GAPS_PER_BATCH: i64 = 256;
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
        let mut oldest = self.connection.prepare_cached(
            "SELECT seq, n, t_min, t_max, bytes, epoch FROM waiting WHERE class = ?1 ORDER BY seq",
        )?;
        let mut rows = oldest.query([class as u8])?;
        let mut chosen = Vec::with_capacity(EVICT_STEP);
        while chosen.len() < EVICT_STEP
            && let Some(row) = rows.next()?
        {
            let lost = Lost::read(row)?;
            if !self.in_flight.contains(&lost.seq) {
                chosen.push(lost);
            }
        }
        drop(rows);
        for lost in &chosen {
            delete(self.connection, lost.seq)?;
            self.fill.take(lost.bytes);
            let (gap, batches) = evicted.entry(lost.epoch).or_default();
            merge(gap, lost.gap(self.stream_id, class, GapReason::Evicted));
            *batches += 1;
        }
        // What only these followed may be most of what the file holds.
        self.schemas.prune(self.connection, 0)?;
        Ok(!chosen.is_empty())
    }
}

/// A gap and how many batches it was, by the clock that it is told by.
type ByEpoch = BTreeMap<u64, (Option<Gap>, u64)>;

/// One batch that goes.
pub(super) struct Lost {
    pub(super) seq: u64,
    pub(super) n: u64,
    pub(super) t_min: i64,
    pub(super) t_max: i64,
    pub(super) bytes: u64,
    pub(super) epoch: u64,
}

impl Lost {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        Ok(Self {
            seq: unsigned(0)?,
            n: unsigned(1)?,
            t_min: row.get(2)?,
            t_max: row.get(3)?,
            bytes: unsigned(4)?,
            epoch: unsigned(5)?,
        })
    }

    pub(super) fn gap(&self, stream_id: i64, class: Class, reason: GapReason) -> Gap {
        Gap {
            stream_id,
            seq_first: self.seq,
            seq_last: self.seq,
            from_us: self.t_min,
            to_us: self.t_max,
            class: class as u32,
            count: self.n,
            reason: reason as i32,
        }
    }
}

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
    let reason = GapReason::try_from(gap.reason).unwrap_or(GapReason::Unspecified);
    let name = match reason {
        GapReason::Evicted => "evicted",
        GapReason::Rejected => "rejected",
        GapReason::Corrupt => "corrupt",
        _ => "lost",
    };
    tracing::warn!(reason = name, class = gap.class, batches, rows = gap.count, "batches lost");
    count(connection, (name, gap.class), batches, gap.count)?;
    record_gap(connection, gap, (epoch, epoch))
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

/// Moves a batch the collector will never take out of the way (contract G11).
pub(super) fn quarantine(
    connection: &Connection,
    (stream_id, now): (i64, Micros),
    refusal: &Refusal,
    fill: &mut Fill,
) -> rusqlite::Result<()> {
    let seq = refusal.seq.cast_signed();
    let found = connection
        .query_row(
            "SELECT seq, n, t_min, t_max, bytes, epoch, class FROM waiting WHERE seq = ?1",
            [seq],
            |row| Ok((Lost::read(row)?, row.get::<_, u32>(6)?)),
        )
        .optional()?;
    let Some((lost, class)) = found else { return Ok(()) };
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
    delete(connection, lost.seq)?;
    fill.take(lost.bytes);
    let class = Class::from_wire(class).unwrap_or(Class::Counters);
    note_loss(connection, &lost.gap(stream_id, class, GapReason::Rejected), lost.epoch, 1)
}

/// Drops a batch that waits and is not what was written. What was lost is told by itself, where that can be
/// read, or by what is known of those that wait.
pub(super) fn drop_damaged(
    connection: &Connection,
    stream_id: i64,
    seq: u64,
    fill: &mut Fill,
) -> rusqlite::Result<()> {
    let found = connection
        .prepare_cached(
            "SELECT seq, n, t_min, t_max, bytes, epoch, class FROM waiting WHERE seq = ?1",
        )?
        .query_row([seq.cast_signed()], |row| Ok((Lost::read(row)?, row.get::<_, u32>(6)?)))
        .optional()?;
    let Some((mut lost, mut class)) = found else { return Ok(()) };
    if let Found::Damaged(Some(head)) = batches::read(connection, seq)? {
        let Head { n, t_min, t_max, epoch, .. } = head;
        lost = Lost { n, t_min: t_min.0, t_max: t_max.0, epoch, ..lost };
        class = head.class;
    }
    delete(connection, seq)?;
    fill.take(lost.bytes);
    let class = Class::from_wire(class).unwrap_or(Class::Counters);
    tracing::error!(batch_seq = seq, "a batch is not what was written: it is lost");
    note_loss(connection, &lost.gap(stream_id, class, GapReason::Corrupt), lost.epoch, 1)
}

/// Gaps no batch reports yet become events of the batch `seq`, by the clock of now. Those whose clock
/// cannot be compared with it yet wait.
pub(super) fn report(
    connection: &Connection,
    seq: u64,
    now: Micros,
    epochs: &Epochs,
) -> rusqlite::Result<Vec<farwatch_proto::v1::Event>> {
    let mut statement = connection.prepare_cached(
        "UPDATE gap SET batch_seq = ?1
         WHERE gap_id IN (
           SELECT gap_id FROM gap
           WHERE batch_seq IS NULL AND MIN(from_epoch, to_epoch) >= ?3
           ORDER BY gap_id LIMIT ?2)
         RETURNING stream_id, seq_first, seq_last, from_us, to_us, class, count, reason,
           from_epoch, to_epoch",
    )?;
    let from = epochs.comparable_from().cast_signed();
    let rows = statement.query_map(params![seq.cast_signed(), GAPS_PER_BATCH, from], |row| {
        let end = |at, epoch| {
            let epoch = row.get::<_, i64>(epoch)?.cast_unsigned();
            Ok::<_, rusqlite::Error>(epochs.to_current(epoch, Micros(row.get(at)?)).0)
        };
        // What nobody has measured may put them the wrong way round, which a collector refuses.
        let ends = [end(3, 8)?, end(4, 9)?];
        Ok(Gap {
            stream_id: row.get(0)?,
            seq_first: row.get::<_, i64>(1)?.cast_unsigned(),
            seq_last: row.get::<_, i64>(2)?.cast_unsigned(),
            from_us: ends[0].min(ends[1]),
            to_us: ends[0].max(ends[1]),
            class: row.get(5)?,
            count: row.get::<_, i64>(6)?.cast_unsigned(),
            reason: row.get(7)?,
        })
    })?;
    rows.map(|gap| gap.map(|gap| gather::gap_event(now, gap))).collect()
}

/// What the batch `from` reports is reported by `to`.
pub(super) fn report_moved(connection: &Connection, from: u64, to: u64) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE gap SET batch_seq = ?2 WHERE batch_seq = ?1",
        [from.cast_signed(), to.cast_signed()],
    )?;
    Ok(())
}

/// How far back the gaps reach that the collector does not know of, by the clock of now.
pub(super) fn oldest(connection: &Connection, epochs: &Epochs) -> rusqlite::Result<Option<Micros>> {
    let mut statement = connection
        .prepare_cached("SELECT from_epoch, MIN(from_us) FROM gap GROUP BY from_epoch")?;
    let each = statement.query_map([], |row| {
        let epoch = row.get::<_, i64>(0)?.cast_unsigned();
        Ok(epochs.to_current(epoch, Micros(row.get(1)?)))
    })?;
    let each: Vec<_> = each.collect::<rusqlite::Result<_>>()?;
    Ok(each.into_iter().min())
}

/// Whether there are gaps that a batch could report and none does.
pub(super) fn any_unreported(connection: &Connection, epochs: &Epochs) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (
               SELECT 1 FROM gap WHERE batch_seq IS NULL AND MIN(from_epoch, to_epoch) >= ?1)",
        )?
        .query_row([epochs.comparable_from().cast_signed()], |row| row.get(0))
}

/// All totals, by name.
pub(super) fn counters(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut statement = connection.prepare("SELECT name, value FROM counter ORDER BY name")?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?;
    rows.collect()
}
