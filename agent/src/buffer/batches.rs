//! The statements on batches: kept, handed out, acknowledged.

use std::collections::BTreeSet;

use farwatch_common::batch::{self, Codec};
use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::{Class, SchemaId};
use farwatch_proto::v1::Batch;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::checksum::{self, Head, Verdict};
use super::delivered::{Acked, Delivered};
use super::epochs::{Epochs, Span};
use super::gather::{Gathered, Packed};
use super::order::{self, Lane};
use super::schemas::{self, Schemas};
use super::waiting::{self, COLUMNS, Waits};
use super::{Outgoing, Wanted};

/// Damaged batches that are dropped at a time.
const DAMAGED_MAX: usize = 256;

/// How much waits in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) batches: u64,
    pub(super) bytes: u64,
}

impl Fill {
    pub(super) fn add(&mut self, bytes: u64) {
        self.batches = self.batches.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn take(&mut self, bytes: u64) {
        self.batches = self.batches.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// What became of a batch that was to be kept under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    New,
    /// It is there already, by a commit that failed and was kept after all.
    Itself,
    /// The number is another's, which stays.
    Taken,
}

/// Keeps a batch under the number `seq`.
pub(super) fn insert(
    connection: &Connection,
    seq: u64,
    batch: &Gathered,
    packed: &Packed,
) -> rusqlite::Result<Kept> {
    let head = Head {
        seq,
        class: batch.class as u32,
        codec: packed.codec as u32,
        epoch: batch.epoch,
        t_min: batch.t_min,
        t_max: batch.t_max,
        n: batch.count(),
        schemas: schemas::to_bytes(&packed.schemas),
    };
    if put(connection, &head, &packed.data)? {
        waiting::put(connection, &Waits::of(&head, packed.data.len() as u64))?;
        return Ok(Kept::New);
    }
    let stored: (u8, Vec<u8>) = connection.query_row(
        "SELECT codec, data FROM batch WHERE seq = ?1",
        [seq.cast_signed()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let itself = stored.0 == packed.codec as u8 && batch.is_stored_as(&stored.1, packed);
    Ok(if itself { Kept::Itself } else { Kept::Taken })
}

/// Writes a batch with its checksum, unless its number is in use.
pub(super) fn put(connection: &Connection, head: &Head, data: &[u8]) -> rusqlite::Result<bool> {
    let inserted = connection
        .prepare_cached(
            "INSERT OR IGNORE INTO batch (seq, class, codec, chunk, bulk, t_min, t_max, n, schemas, data, epoch,
               checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            head.seq.cast_signed(),
            head.class,
            head.codec,
            order::chunk(head.t_min),
            Class::from_wire(head.class).is_none_or(order::is_bulk),
            head.t_min.0,
            head.t_max.0,
            head.n.cast_signed(),
            head.schemas,
            data,
            head.epoch.cast_signed(),
            checksum::of_batch(head, data),
        ])?;
    Ok(inserted > 0)
}

/// What stands under a number.
pub(super) enum Found {
    Good {
        head: Head,
        data: Vec<u8>,
        /// Not of a file of before, which has no checksums.
        is_proven: bool,
    },
    /// Nothing that can be sent; what it was, where that can be told.
    Damaged(Option<Head>),
    Missing,
}

/// Reads a batch and holds it against its checksum. Fails only by what concerns more than this one.
pub(super) fn read(connection: &Connection, seq: u64) -> rusqlite::Result<Found> {
    let text = "SELECT class, codec, epoch, t_min, t_max, n, schemas, data, checksum FROM batch
                WHERE seq = ?1";
    read_by(connection, text, seq)
}

/// The same of a file that was not migrated yet.
pub(super) fn read_of_before(connection: &Connection, seq: u64) -> rusqlite::Result<Found> {
    let text = "SELECT class, codec, 0, t_min, t_max, n, schemas, data, NULL FROM batch
                WHERE seq = ?1";
    read_by(connection, text, seq)
}

fn read_by(connection: &Connection, text: &str, seq: u64) -> rusqlite::Result<Found> {
    let mut statement = connection.prepare_cached(text)?;
    let read = statement.query_row([bound(seq)], |row| {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let head = Head {
            seq,
            class: row.get(0)?,
            codec: row.get(1)?,
            epoch: unsigned(2)?,
            t_min: Micros(row.get(3)?),
            t_max: Micros(row.get(4)?),
            n: unsigned(5)?,
            schemas: row.get(6)?,
        };
        Ok((head, row.get::<_, Vec<u8>>(7)?, row.get::<_, Option<i64>>(8)?))
    });
    match read {
        Ok((head, data, None)) => Ok(Found::Good { head, data, is_proven: false }),
        Ok((head, data, Some(written))) => Ok(match checksum::verdict(&head, &data, written) {
            Verdict::Good => Found::Good { head, data, is_proven: true },
            Verdict::BadContent => Found::Damaged(Some(head)),
            Verdict::BadHead => Found::Damaged(None),
        }),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Found::Missing),
        Err(
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::FromSqlConversionFailure(..),
        ) => Ok(Found::Damaged(None)),
        Err(error) => Err(error),
    }
}

/// Whether the content of a batch of before, which has no checksum, is what its head says.
#[must_use]
pub(super) fn is_told(head: &Head, data: &[u8]) -> bool {
    let count = match Codec::from_wire(head.codec) {
        Some(Codec::Rows) => batch::decode_rows(data).map(|rows| rows.len()),
        Some(Codec::Events) => batch::decode_events(data).map(|events| events.len()),
        None => return false,
    };
    count.is_ok_and(|count| count as u64 == head.n)
}

/// A batch that tells what it is waits for its acknowledgement; where its content is not what was written, until
/// it is to be sent. Says of how many bytes it is; `None` if nothing tells what it is.
pub(super) fn wait(connection: &Connection, seq: u64) -> rusqlite::Result<Option<u64>> {
    let Ok(waits) = waiting::of_batch(connection, seq)? else { return Ok(None) };
    let bytes: i64 = connection
        .prepare_cached("SELECT LENGTH(data) FROM batch WHERE seq = ?1")?
        .query_row([bound(seq)], |row| row.get(0))?;
    let waits = Waits { bytes: bytes.cast_unsigned(), ..waits };
    waiting::put(connection, &waits)?;
    Ok(Some(waits.bytes))
}

/// The numbers of all that is there.
pub(super) fn seqs(connection: &Connection) -> rusqlite::Result<SeqRanges> {
    let mut statement = connection.prepare("SELECT seq FROM batch NOT INDEXED ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut seqs = SeqRanges::new();
    while let Some(row) = rows.next()? {
        seqs.insert(row.get::<_, i64>(0)?.cast_unsigned());
    }
    Ok(seqs)
}

/// Deletes a batch that does not wait; says of how many bytes it was.
pub(super) fn drop_kept(connection: &Connection, seq: u64) -> rusqlite::Result<u64> {
    let bytes: Option<i64> = connection
        .prepare_cached("DELETE FROM batch WHERE seq = ?1 RETURNING LENGTH(data)")?
        .query_row([bound(seq)], |row| row.get(0))
        .optional()?;
    Ok(bytes.unwrap_or(0).cast_unsigned())
}

/// Epoch and event time of the oldest sample that waits; `None` if nothing does.
pub(super) fn oldest(connection: &Connection) -> rusqlite::Result<Option<(u64, Micros)>> {
    connection
        .prepare_cached("SELECT epoch, t_min FROM waiting ORDER BY epoch, chunk LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), Micros(row.get(1)?))))
        .optional()
}

/// What [`next`] needs beside the statement of a lane.
pub(super) struct Shelf<'a> {
    pub(super) connection: &'a Connection,
    pub(super) stream_id: i64,
    pub(super) schemas: &'a Schemas,
    pub(super) epochs: &'a Epochs,
    /// Acknowledged, which the file does not say yet.
    pub(super) gone: &'a SeqRanges,
}

/// What [`next`] has picked.
#[derive(Default)]
pub(super) struct Picked {
    pub(super) outgoing: Vec<Outgoing>,
    /// Batches that wait and cannot be sent, as they are not what was written.
    pub(super) damaged: Vec<u64>,
}

/// The batches to send next, in order, none of those that are on the way.
pub(super) fn next(shelf: &Shelf<'_>, wanted: &Wanted) -> rusqlite::Result<Picked> {
    let mut found = Picked::default();
    let mut live = Pick::new((shelf, wanted), Lane::Live, (wanted.live, wanted.bytes));
    for (epoch, _) in shelf.epochs.all() {
        live.epoch(epoch, &mut found)?;
    }
    let room = wanted.bytes.saturating_sub(live.taken).min(wanted.backlog_bytes);
    let mut backlog = Pick::new((shelf, wanted), Lane::Backlog, (wanted.backlog, room));
    let mut after = None;
    while !backlog.is_over()
        && let Some(epoch) = epoch_before(shelf.connection, after)?
    {
        backlog.epoch(epoch, &mut found)?;
        after = Some(epoch);
    }
    Ok(found)
}

/// The latest epoch with batches, before another one.
fn epoch_before(connection: &Connection, other: Option<u64>) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT epoch FROM waiting WHERE epoch < ?1 ORDER BY epoch DESC LIMIT 1")?
        .query_row([other.map_or(i64::MAX, bound)], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
        .optional()
}

/// What is picked of a lane: at most `room` bytes, though at least one batch.
struct Pick<'a> {
    shelf: &'a Shelf<'a>,
    wanted: &'a Wanted,
    lane: Lane,
    /// Batches that may still be taken.
    most: usize,
    room: usize,
    taken: usize,
}

impl<'a> Pick<'a> {
    fn new(
        (shelf, wanted): (&'a Shelf<'a>, &'a Wanted),
        lane: Lane,
        (most, room): (usize, usize),
    ) -> Self {
        Self { shelf, wanted, lane, most, room, taken: 0 }
    }

    fn is_over(&self) -> bool {
        self.most == 0 || self.taken >= self.room
    }

    /// Picks of one epoch.
    fn epoch(&mut self, epoch: u64, found: &mut Picked) -> rusqlite::Result<()> {
        let Self { shelf, wanted, lane, .. } = *self;
        let live = shelf.epochs.live(epoch, wanted.now);
        let window = match (lane, live) {
            (_, Some(window)) => window,
            (Lane::Live, None) => return Ok(()),
            (Lane::Backlog, None) => Span::EMPTY,
        };
        // Numbers alone: five minutes are sorted for each look, and their content would go along.
        let mut statement = shelf.connection.prepare_cached(match lane {
            Lane::Live => {
                "SELECT seq FROM waiting
                 WHERE epoch = ?1 AND chunk >= ?2 AND t_max BETWEEN ?3 AND ?4
                 ORDER BY chunk, bulk, seq"
            }
            Lane::Backlog => {
                "SELECT seq FROM waiting
                 WHERE epoch = ?1 AND ?2 IS NOT NULL AND t_max NOT BETWEEN ?3 AND ?4
                 ORDER BY chunk DESC, bulk, seq"
            }
        })?;
        // A batch spans seconds, so a live one lies in a live chunk or the one before.
        let chunk = order::chunk(window.from) - 1;
        let mut rows = statement.query(params![bound(epoch), chunk, window.from.0, window.to.0])?;
        while !self.is_over()
            && let Some(row) = rows.next()?
        {
            let seq = row.get::<_, i64>(0)?.cast_unsigned();
            let other = wanted.only.as_ref().is_some_and(|only| !only.contains(seq));
            if other || wanted.in_flight.contains(&seq) || shelf.gone.contains(seq) {
                continue;
            }
            let Some(outgoing) = outgoing(shelf, seq, lane)? else {
                found.damaged.push(seq);
                // They go before more are looked for.
                self.most = if found.damaged.len() < DAMAGED_MAX { self.most } else { 0 };
                continue;
            };
            let bytes = outgoing.batch.data.len();
            if self.taken > 0 && self.taken + bytes > self.room {
                self.most = 0;
                break;
            }
            self.taken += bytes;
            self.most -= 1;
            found.outgoing.push(outgoing);
        }
        Ok(())
    }
}

/// `None` if it cannot be sent.
fn outgoing(shelf: &Shelf<'_>, seq: u64, lane: Lane) -> rusqlite::Result<Option<Outgoing>> {
    // One of before proves nothing: a collector reads it, or refuses it.
    let Found::Good { head, data, .. } = read(shelf.connection, seq)? else { return Ok(None) };
    let ids = schemas::from_bytes(&head.schemas);
    let batch = Batch {
        stream_id: shelf.stream_id,
        seq,
        class: head.class,
        codec: head.codec,
        data: data.into(),
        schemas: shelf.schemas.to_send(shelf.connection, &ids)?,
        late: lane == Lane::Backlog,
        clock_offset_us: shelf.epochs.offset_us(head.epoch),
    };
    Ok(Some(Outgoing { lane, batch }))
}

/// What [`acked`] changes beside the file.
pub(super) struct Books<'a> {
    pub(super) schemas: &'a mut Schemas,
    pub(super) fill: &'a mut Fill,
    pub(super) delivered: &'a mut Delivered,
}

/// The collector has these: they wait no longer, and the gaps they reported are known there.
pub(super) fn acked(
    connection: &Connection,
    (stream_id, epochs, now): (i64, &Epochs, Micros),
    ranges: &SeqRanges,
    books: &mut Books<'_>,
) -> rusqlite::Result<()> {
    let mut delete = connection.prepare_cached(&format!(
        "DELETE FROM waiting WHERE seq BETWEEN ?1 AND ?2 RETURNING {COLUMNS}"
    ))?;
    let mut report =
        connection.prepare_cached("DELETE FROM gap WHERE batch_seq BETWEEN ?1 AND ?2")?;
    let mut followed: BTreeSet<SchemaId> = BTreeSet::new();
    for (first, last) in ranges.iter() {
        let span = params![bound(first), bound(last)];
        let mut rows = delete.query(span)?;
        while let Some(row) = rows.next()? {
            let (seq, bytes, from, to) = match waiting::known(connection, Waits::read(row)?)? {
                Ok(waits) => {
                    let offset_us = epochs.offset_us(waits.epoch).unwrap_or(0);
                    let time = |at: Micros| Micros(at.0.saturating_add(offset_us));
                    (waits.seq, waits.bytes, time(waits.t_min), time(waits.t_max))
                }
                Err(seq) => (seq, 0, now, now),
            };
            books.fill.take(bytes);
            books.delivered.acked(stream_id, Acked { seq, bytes, from, to }, now);
            if books.schemas.any_unsent() {
                followed.extend(schemas_of(connection, seq)?);
            }
        }
        report.execute(span)?;
    }
    // What is stored could be read, so its schemas are there.
    let followed: Vec<SchemaId> = followed.into_iter().collect();
    books.schemas.set_acked(connection, &followed, true)
}

/// A peer's number as SQLite's.
fn bound(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The schemas of one batch.
pub(super) fn schemas_of(connection: &Connection, seq: u64) -> rusqlite::Result<Vec<SchemaId>> {
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT schemas FROM batch WHERE seq = ?1")?
        .query_row([bound(seq)], |row| row.get(0))
        .optional()?;
    Ok(bytes.map(|bytes| schemas::from_bytes(&bytes)).unwrap_or_default())
}
