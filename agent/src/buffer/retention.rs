//! What the collector has, kept in the file for the day it has it no longer: the statements of
//! [`Delivered`](super::delivered::Delivered).

use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, params, types::Type};

use super::batches::{self, Books};
use super::delivered::{Delivered, Gone, Hour};
use super::writer::Writer;
use super::{BufferError, losses};

/// The part of the cap that kept batches may take, by their content (contract G8).
const KEPT_PARTS: u64 = 4;
/// Batches that a commit lets wait again, and at most gives up: more than it acknowledges.
const STEP: usize = 512;
/// Batches given up before it is asked again whether there are too many.
const GIVE_UP_STEP: usize = 64;
/// Of what is lost it is not known any more which classes it was of.
const LOST_CLASSES: [Class; 3] = [Class::Events, Class::Gauges, Class::Counters];

pub(super) fn load(connection: &Connection) -> rusqlite::Result<Delivered> {
    let mut statement = connection.prepare(
        "SELECT hour_id, stream_id, began_us, here, bytes, gone, from_us, to_us FROM acked
         ORDER BY hour_id",
    )?;
    let hours = statement.query_map([], |row| {
        let ranges = |at| {
            SeqRanges::from_bytes(row.get_ref(at)?.as_blob()?).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, Box::new(error))
            })
        };
        Ok(Hour {
            id: row.get(0)?,
            stream_id: row.get(1)?,
            began: Micros(row.get(2)?),
            here: ranges(3)?,
            bytes: row.get::<_, i64>(4)?.cast_unsigned(),
            gone: ranges(5)?,
            from: Micros(row.get(6)?),
            to: Micros(row.get(7)?),
        })
    })?;
    Ok(Delivered::new(hours.collect::<rusqlite::Result<Vec<_>>>()?))
}

/// Writes what has changed.
pub(super) fn save(connection: &Connection, delivered: &mut Delivered) -> rusqlite::Result<()> {
    let (write, delete) = delivered.unsaved();
    for hour in write {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO acked
                   (hour_id, stream_id, began_us, here, bytes, gone, from_us, to_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
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
    collector_now: Option<Micros>,
    cap_bytes: u64,
) -> rusqlite::Result<()> {
    for seq in books.delivered.again(STEP) {
        match batches::wait(connection, seq)? {
            Some(bytes) => {
                books.fill.add(bytes);
                books.delivered.waits(seq, bytes);
            }
            None => books.delivered.forget(seq, 0),
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

impl Writer {
    /// Compares what the collector has `told` that it has with what it had acknowledged.
    pub(super) fn stored(&mut self, told: &[(i64, SeqRanges)]) -> Result<(), BufferError> {
        // What it has acknowledged until now counts.
        self.commit();
        let mut delivered = self.file.delivered.clone();
        let mut gaps = Vec::new();
        let (mut again, mut gone) = (0, 0);
        for (stream_id, stored) in told {
            let missing = delivered.compare(*stream_id, stored);
            again += missing.again;
            if let Some(lost) = missing.gone {
                gone += lost.batches;
                gaps.extend(LOST_CLASSES.map(|class| self.rolled_back(*stream_id, &lost, class)));
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
        let mut schemas = self.file.schemas.clone();
        let epoch = self.file.epochs.current();
        self.in_one(|step| {
            for gap in &gaps {
                losses::note_loss(step, gap, epoch, 0)?;
            }
            schemas.unsent(step)?;
            save(step, &mut delivered)
        })?;
        (self.file.delivered, self.file.schemas) = (delivered, schemas);
        // The gaps are reported with the next commit.
        self.acked_since.get_or_insert(self.now());
        Ok(())
    }

    fn rolled_back(&self, stream_id: i64, lost: &Gone, class: Class) -> Gap {
        let offset_us = self.file.epochs.offset_us(self.file.epochs.current()).unwrap_or(0);
        Gap {
            stream_id,
            seq_first: lost.first,
            seq_last: lost.last,
            from_us: lost.from.0.saturating_sub(offset_us),
            to_us: lost.to.0.saturating_sub(offset_us),
            class: class as u32,
            count: 0,
            reason: GapReason::CollectorRollback as i32,
        }
    }
}
