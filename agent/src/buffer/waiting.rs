//! The statements on the narrow table of what waits. It decides what goes first and what is counted where a batch
//! is lost, so each row has a checksum; one that is not what was written is known by the batch itself.

use farwatch_common::clock::Micros;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::batches::{self, Fill, Found};
use super::checksum::{self, Head};
use super::gaps::{COUNT_MAX, Ends};
use super::{order, stream};

/// Of a row, in the order in which [`Waits::read`] takes them.
pub(super) const COLUMNS: &str = "seq, epoch, chunk, bulk, class, t_min, t_max, n, bytes, checksum";
/// Rows beside one that tells nothing, of which the nearest tells when that was.
const NEIGHBOURS_MAX: u32 = 16;

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) seq: u64,
    pub(super) epoch: u64,
    pub(super) class: u32,
    pub(super) t_min: Micros,
    pub(super) t_max: Micros,
    /// Rows or events: what is lost is counted even if the batch cannot be read.
    pub(super) n: u64,
    /// Of the content.
    pub(super) bytes: u64,
}

/// A row as it was written, or the number of one that is not.
pub(super) type Verified = Result<Waits, u64>;

impl Waits {
    #[must_use]
    pub(super) fn of(head: &Head, bytes: u64) -> Self {
        let Head { seq, epoch, class, t_min, t_max, n, .. } = *head;
        Self { seq, epoch, class, t_min, t_max, n, bytes }
    }

    fn is_bulk(&self) -> bool {
        Class::from_wire(self.class).is_none_or(order::is_bulk)
    }

    fn checksum(&self) -> i64 {
        let unsigned = [self.seq, self.epoch, self.class.into(), self.n, self.bytes];
        let [seq, epoch, class, n, bytes] = unsigned.map(u64::cast_signed);
        checksum::of_row(&[seq, epoch, class, self.t_min.0, self.t_max.0, n, bytes], &[])
    }

    /// Of [`COLUMNS`].
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Verified> {
        let seq = row.get::<_, i64>(0)?.cast_unsigned();
        let number = |at| row.get::<_, i64>(at).ok();
        let unsigned = |at| number(at).map(i64::cast_unsigned);
        let read = || {
            let waits = Self {
                seq,
                epoch: unsigned(1)?,
                class: row.get(4).ok()?,
                t_min: Micros(number(5)?),
                t_max: Micros(number(6)?),
                n: unsigned(7)?,
                bytes: unsigned(8)?,
            };
            let placed = (order::chunk(waits.t_min), i64::from(waits.is_bulk()));
            let is_placed = number(2)? == placed.0 && number(3)? == placed.1;
            (is_placed && number(9)? == waits.checksum()).then_some(waits)
        };
        Ok(read().ok_or(seq))
    }

    pub(super) fn gap(&self, stream_id: i64, reason: GapReason) -> Gap {
        Gap {
            stream_id,
            seq_first: self.seq,
            seq_last: self.seq,
            from_us: self.t_min.0,
            to_us: self.t_max.0,
            class: self.class,
            count: self.n,
            reason: reason as i32,
        }
    }
}

/// A batch waits from now on, or again.
pub(super) fn put(connection: &Connection, waits: &Waits) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO waiting ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        ))?
        .execute(params![
            waits.seq.cast_signed(),
            waits.epoch.cast_signed(),
            order::chunk(waits.t_min),
            waits.is_bulk(),
            waits.class,
            waits.t_min.0,
            waits.t_max.0,
            waits.n.cast_signed(),
            waits.bytes.cast_signed(),
            waits.checksum(),
        ])?;
    Ok(())
}

/// The row of a batch that waits.
pub(super) fn get(connection: &Connection, seq: u64) -> rusqlite::Result<Option<Verified>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM waiting WHERE seq = ?1"))?
        .query_row([seq.cast_signed()], Waits::read)
        .optional()
}

/// The same, by the batch itself where the row is not what was written.
pub(super) fn known(connection: &Connection, read: Verified) -> rusqlite::Result<Verified> {
    match read {
        Ok(_) => Ok(read),
        Err(seq) => of_batch(connection, seq),
    }
}

/// The row as the batch itself tells it.
pub(super) fn of_batch(connection: &Connection, seq: u64) -> rusqlite::Result<Verified> {
    Ok(match batches::read(connection, seq)? {
        Found::Good { head, data, is_proven } if is_proven || batches::is_told(&head, &data) => {
            Ok(Waits::of(&head, data.len() as u64))
        }
        Found::Damaged(Some(head)) => Ok(Waits::of(&head, 0)),
        _ => Err(seq),
    })
}

/// When a batch was of which nothing is known, by those beside it.
pub(super) fn around(
    connection: &Connection,
    seq: u64,
) -> rusqlite::Result<(Micros, Micros, Ends)> {
    let nearest = |text: &str| -> rusqlite::Result<Option<Waits>> {
        let mut statement = connection.prepare_cached(text)?;
        let mut rows = statement.query(params![seq.cast_signed(), NEIGHBOURS_MAX])?;
        while let Some(row) = rows.next()? {
            if let Ok(waits) = Waits::read(row)? {
                return Ok(Some(waits));
            }
        }
        Ok(None)
    };
    let before = nearest(&format!(
        "SELECT {COLUMNS} FROM waiting WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2"
    ))?;
    let after =
        nearest(&format!("SELECT {COLUMNS} FROM waiting WHERE seq > ?1 ORDER BY seq LIMIT ?2"))?;
    Ok(match (before.or(after), after.or(before)) {
        (Some(from), Some(to)) => (from.t_min, to.t_max, (from.epoch, to.epoch)),
        _ => {
            let at = stream::kept(connection)?.map_or(Micros(0), |kept| kept.committed_at);
            (at, at, (0, 0))
        }
    })
}

/// What waits, as the file tells it.
#[derive(Debug, Default)]
pub(super) struct All {
    pub(super) fill: Fill,
    pub(super) seqs: SeqRanges,
    /// Their rows are not what was written.
    pub(super) wrong: Vec<u64>,
}

/// Looks at each row: damage shows.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<All> {
    let mut statement =
        connection.prepare(&format!("SELECT {COLUMNS} FROM waiting NOT INDEXED ORDER BY seq"))?;
    let mut rows = statement.query([])?;
    let mut all = All::default();
    while let Some(row) = rows.next()? {
        match Waits::read(row)? {
            Ok(waits) => {
                all.fill.add(waits.bytes);
                all.seqs.insert(waits.seq);
            }
            Err(seq) => {
                all.fill.add(0);
                all.seqs.insert(seq);
                all.wrong.push(seq);
            }
        }
    }
    Ok(all)
}

/// All batches of a file of before wait.
pub(super) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT seq, epoch, class, t_min, t_max, n, LENGTH(data) FROM batch")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let waits = Waits {
            seq: unsigned(0)?,
            epoch: unsigned(1)?,
            class: row.get(2)?,
            t_min: Micros(row.get(3)?),
            t_max: Micros(row.get(4)?),
            // Nothing says whether it was turned over: a collector takes no more.
            n: row.get::<_, i64>(5)?.max(0).cast_unsigned().min(COUNT_MAX),
            bytes: unsigned(6)?,
        };
        put(connection, &waits)?;
    }
    Ok(())
}
