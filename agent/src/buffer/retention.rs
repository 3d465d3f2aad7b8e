//! What the collector has, kept in the file for the day it has it no longer: the statements of
//! [`Delivered`](super::delivered::Delivered).

use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, params};

use super::batches::{self, Books};
use super::checksum;
use super::delivered::{Acked, Delivered, Gone, Hour};
use super::epochs::Epochs;
use super::gaps::LOST_CLASSES;
use super::writer::Writer;
use super::{BufferError, losses};

/// The part of the cap that kept batches may take, by their content (contract G8).
const KEPT_PARTS: u64 = 4;
/// Batches that a commit lets wait again, and at most gives up: more than it acknowledges.
const STEP: usize = 512;
/// Batches given up before it is asked again whether there are too many.
const GIVE_UP_STEP: usize = 64;
/// The stream of batches of which it is not known any more: no collector is asked for it.
pub(super) const NOBODYS: i64 = 0;

/// Says too whether each of its hours is what was written.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<(Delivered, bool)> {
    let (mut hours, mut unreadable) = (Vec::new(), Vec::new());
    read(connection, &mut hours, &mut unreadable)?;
    let mut delivered = Delivered::new(hours);
    let is_whole = unreadable.is_empty();
    if !is_whole {
        tracing::error!(
            hours = unreadable.len(),
            "what is known of acknowledgements is not what was written: a collector that comes back from a \
             backup does not get those batches again"
        );
        unreadable.into_iter().for_each(|id| delivered.strike(id));
        adopt(connection, &mut delivered)?;
    }
    Ok((delivered, is_whole))
}

/// All hours, and the ids of those that are not what was written.
pub(super) fn read(
    connection: &Connection,
    hours: &mut Vec<Hour>,
    unreadable: &mut Vec<i64>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT hour_id, stream_id, began_us, here, bytes, gone, from_us, to_us, checksum
         FROM acked ORDER BY hour_id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match hour(row) {
            Some(hour) => hours.push(hour),
            None => unreadable.push(row.get::<_, i64>(0)?),
        }
    }
    Ok(())
}

/// One hour; `None` if it is not what was written.
pub(super) fn hour_of(connection: &Connection, id: i64) -> rusqlite::Result<Option<Hour>> {
    connection
        .prepare_cached(
            "SELECT hour_id, stream_id, began_us, here, bytes, gone, from_us, to_us, checksum
             FROM acked WHERE hour_id = ?1",
        )?
        .query_row([id], |row| Ok(hour(row)))
}

/// `None` if it is not what was written.
fn hour(row: &rusqlite::Row<'_>) -> Option<Hour> {
    let ranges = |at| SeqRanges::from_bytes(row.get_ref(at).ok()?.as_blob().ok()?).ok();
    let number = |at| row.get::<_, i64>(at).ok();
    let read = || {
        Some(Hour {
            id: number(0)?,
            stream_id: number(1)?,
            began: Micros(number(2)?),
            here: ranges(3)?,
            bytes: number(4)?.cast_unsigned(),
            gone: ranges(5)?,
            from: Micros(number(6)?),
            to: Micros(number(7)?),
        })
    };
    read().filter(|hour| number(8) == Some(checksum(hour)))
}

/// But when it began, which matters little.
fn checksum(hour: &Hour) -> i64 {
    let Hour { id, stream_id, bytes, from, to, .. } = hour;
    let numbers = [*id, *stream_id, bytes.cast_signed(), from.0, to.0];
    checksum::of_row(&numbers, &[&hour.here.to_bytes(), &hour.gone.to_bytes()])
}

/// Batches that do not wait and are of no hour that is known take room: they go with the others.
fn adopt(connection: &Connection, delivered: &mut Delivered) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT seq, LENGTH(data), t_min, t_max FROM batch
         WHERE seq NOT IN (SELECT seq FROM waiting)",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let (seq, bytes) = (unsigned(0)?, unsigned(1)?);
        let (from, to) = (Micros(row.get(2)?), Micros(row.get(3)?));
        if !delivered.has(seq) {
            delivered.acked(NOBODYS, Acked { seq, bytes, from, to }, to);
        }
    }
    Ok(())
}

/// Writes what has changed.
pub(super) fn save(connection: &Connection, delivered: &mut Delivered) -> rusqlite::Result<()> {
    let (write, delete) = delivered.unsaved();
    for hour in write {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO acked
                   (hour_id, stream_id, began_us, here, bytes, gone, from_us, to_us, checksum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                hour.id,
                hour.stream_id,
                hour.began.0,
                hour.here.to_bytes(),
                hour.bytes.cast_signed(),
                hour.gone.to_bytes(),
                hour.from.0,
                hour.to.0,
                checksum(hour),
            ])?;
    }
    for id in delete {
        connection.prepare_cached("DELETE FROM acked WHERE hour_id = ?1")?.execute([id])?;
    }
    delivered.saved();
    Ok(())
}

/// The oldest batches that the collector has go, at most so many. Says whether there were any.
pub(super) fn give_up(
    connection: &Connection,
    delivered: &mut Delivered,
    most: usize,
) -> rusqlite::Result<bool> {
    let oldest = delivered.oldest(most);
    for seq in &oldest {
        delivered.forget(*seq, batches::drop_kept(connection, *seq)?);
    }
    Ok(!oldest.is_empty())
}

/// What is done with each commit, a step at a time: what the collector has lost waits again, and what
/// was kept long enough goes, by the collector's clock: by that of a host in 1970 all would.
pub(super) fn turn(
    connection: &Connection,
    books: &mut Books<'_>,
    (by, collector_now): (Ours, Option<Micros>),
    cap_bytes: u64,
) -> rusqlite::Result<()> {
    for seq in books.delivered.again(STEP) {
        match batches::wait(connection, seq)? {
            Some(bytes) => {
                books.fill.add(bytes);
                books.delivered.waits(seq, bytes);
            }
            None => lost(connection, books.delivered, seq, by)?,
        }
    }
    let most_bytes = cap_bytes / KEPT_PARTS;
    for _ in 0..STEP / GIVE_UP_STEP {
        let more = books.delivered.has_surplus(collector_now, most_bytes);
        if !more || !give_up(connection, books.delivered, GIVE_UP_STEP)? {
            break;
        }
    }
    Ok(())
}

/// The clock that losses are told by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ours {
    pub(super) epoch: u64,
    pub(super) offset_us: i64,
}

impl Ours {
    pub(super) fn of(epochs: &Epochs) -> Self {
        let epoch = epochs.current();
        Self { epoch, offset_us: epochs.offset_us(epoch).unwrap_or(0) }
    }

    /// Of what the collector has not and this file has not either; which classes they were of is not known any more.
    fn gaps(self, stream_id: i64, lost: &Gone, reason: GapReason) -> [Gap; 3] {
        let gap = Gap {
            stream_id,
            seq_first: lost.first,
            seq_last: lost.last,
            from_us: lost.from.0.saturating_sub(self.offset_us),
            to_us: lost.to.0.saturating_sub(self.offset_us),
            reason: reason as i32,
            ..Gap::default()
        };
        LOST_CLASSES.map(|class| Gap { class: class as u32, ..gap })
    }
}

/// One that was kept is to wait again and cannot be read.
fn lost(
    connection: &Connection,
    delivered: &mut Delivered,
    seq: u64,
    by: Ours,
) -> rusqlite::Result<()> {
    let bytes = batches::drop_kept(connection, seq)?;
    let Some((stream_id, lost)) = delivered.lose(seq, bytes) else { return Ok(()) };
    tracing::error!(batch_seq = seq, "a batch that was kept is not what was written: it is lost");
    let gaps = by.gaps(stream_id, &lost, GapReason::Corrupt);
    gaps.iter().try_for_each(|gap| losses::note_loss(connection, gap, by.epoch, 0))
}

impl Writer {
    /// Compares what the collector has `told` that it has with what it had acknowledged.
    pub(super) fn stored(&mut self, told: &[(i64, SeqRanges)]) -> Result<(), BufferError> {
        // What it has acknowledged until now counts.
        self.commit();
        let mut delivered = self.file.delivered.clone();
        let (by, mut gaps) = (Ours::of(&self.file.epochs), Vec::new());
        let (mut again, mut gone) = (0, 0);
        for (stream_id, stored) in told {
            let missing = delivered.compare(*stream_id, stored);
            again += missing.again;
            if let Some(lost) = missing.gone {
                gone += lost.batches;
                gaps.extend(by.gaps(*stream_id, &lost, GapReason::CollectorRollback));
            }
        }
        if (again, gone) == (0, 0) {
            return Ok(());
        }
        tracing::warn!(
            again,
            lost = gone,
            "the collector has not what it had acknowledged, as after the restore of a backup: \
             what is still here is sent again"
        );
        self.in_one(|step| {
            for gap in &gaps {
                losses::note_loss(step, gap, by.epoch, 0)?;
            }
            save(step, &mut delivered)
        })?;
        self.file.delivered = delivered;
        self.file.schemas.unsent();
        // The gaps are reported with the next commit.
        self.acked_since.get_or_insert(self.now());
        Ok(())
    }
}
