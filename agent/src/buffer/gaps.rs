//! The statements on gaps: kept until the collector has acknowledged the batch that reports them. A collector
//! refuses a batch with a gap that cannot be, so each row has a checksum.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Event, Gap, GapReason};
use rusqlite::{Connection, params};

use super::epochs::Epochs;
use super::{checksum, gather};

/// Gaps one batch reports; the next one takes the rest.
const GAPS_PER_BATCH: i64 = 256;
/// Rows of one gap, as a collector takes them.
pub(super) const COUNT_MAX: u64 = 1 << 40;
/// Of what is lost it is not known any more which classes it was of.
pub(super) const LOST_CLASSES: [Class; 3] = [Class::Events, Class::Gauges, Class::Counters];

/// A stop that was shorter is not told. A device may be asked each second, and of such a one a hole shows after 2.5 s:
/// of an ordinary restart the ledger has no row.
pub(super) const STOPPED_MIN: Duration = Duration::from_secs(2);

/// The epochs by whose clocks a gap begins and ends.
pub(super) type Ends = (u64, u64);

/// Notes samples that will never come; a commit reports them.
pub(super) fn record(connection: &Connection, gap: &Gap, by: Ends) -> rusqlite::Result<()> {
    record_of(connection, gap, by, None)
}

/// The same, of one that a batch reports already.
pub(super) fn record_of(
    connection: &Connection,
    gap: &Gap,
    by: Ends,
    reporter: Option<i64>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO gap (stream_id, seq_first, seq_last, from_us, to_us, class, count, reason,
               from_epoch, to_epoch, batch_seq, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            gap.stream_id,
            gap.seq_first.cast_signed(),
            gap.seq_last.cast_signed(),
            gap.from_us,
            gap.to_us,
            gap.class,
            gap.count.cast_signed(),
            gap.reason,
            by.0.cast_signed(),
            by.1.cast_signed(),
            reporter,
            checksum(gap, by)
        ])?;
    Ok(())
}

/// But which batch reports it: where that does not wait, another one does.
fn checksum(gap: &Gap, (from_epoch, to_epoch): Ends) -> i64 {
    let unsigned = [gap.seq_first, gap.seq_last, gap.count, from_epoch, to_epoch];
    let [first, last, count, from_epoch, to_epoch] = unsigned.map(u64::cast_signed);
    let (class, reason) = (gap.class.into(), gap.reason.into());
    let ends = [gap.from_us, gap.to_us, from_epoch, to_epoch];
    checksum::of_row(
        &[&[gap.stream_id, first, last, class, count, reason][..], &ends].concat(),
        &[],
    )
}

/// Of `stream_id, seq_first, seq_last, from_us, to_us, class, count, reason, from_epoch, to_epoch, checksum`.
/// `None` if it is not what was written, or if no collector takes it.
pub(super) fn read(row: &rusqlite::Row<'_>) -> Option<(Gap, Ends)> {
    let number = |at| row.get::<_, i64>(at).ok();
    let unsigned = |at| number(at).map(i64::cast_unsigned);
    let gap = unproven(row).ok()?;
    let by = (unsigned(8)?, unsigned(9)?);
    (number(10)? == checksum(&gap, by) && is_sound(&gap)).then_some((gap, by))
}

/// Of the first eight of these columns.
fn unproven(row: &rusqlite::Row<'_>) -> rusqlite::Result<Gap> {
    let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
    Ok(Gap {
        stream_id: row.get(0)?,
        seq_first: unsigned(1)?,
        seq_last: unsigned(2)?,
        from_us: row.get(3)?,
        to_us: row.get(4)?,
        class: row.get(5)?,
        count: unsigned(6)?,
        reason: row.get(7)?,
    })
}

/// What a collector takes, but for its ends: clocks that differ may put them the wrong way round.
pub(super) fn is_sound(gap: &Gap) -> bool {
    gap.stream_id > 0
        && gap.seq_first <= gap.seq_last
        && i64::try_from(gap.seq_last).is_ok()
        && gap.count <= COUNT_MAX
        && Class::from_wire(gap.class).is_some()
        && GapReason::try_from(gap.reason).is_ok_and(|reason| reason != GapReason::Unspecified)
}

/// From which epoch on gaps are told, as a bound of SQLite.
fn told_from(epochs: &Epochs) -> i64 {
    match epochs.comparable_from() {
        // That of a row that is not what was written may be any.
        0 => i64::MIN,
        from => from.cast_signed(),
    }
}

/// Stops whose clocks can be compared by now get a number of this stream; those that were too short are forgotten.
pub(super) fn settle_stops(
    connection: &Connection,
    stream_id: i64,
    epochs: &Epochs,
    mut number: impl FnMut() -> u64,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT stream_id, seq_first, seq_last, from_us, to_us, class, count, reason,
           from_epoch, to_epoch, checksum, gap_id FROM gap
         WHERE reason = ?1 AND seq_first = 0 AND batch_seq IS NULL
           AND MIN(from_epoch, to_epoch) >= ?2",
    )?;
    let mut rows = statement.query(params![GapReason::Stopped as i32, told_from(epochs)])?;
    let mut stops = Vec::new();
    while let Some(row) = rows.next()? {
        // What is not what was written is told as such.
        if let Some((gap, by)) = read(row) {
            stops.push((row.get::<_, i64>(11)?, gap, by));
        }
    }
    for (id, gap, by) in stops {
        let (from, to) = ends(&gap, by, epochs);
        if to.since(from) < STOPPED_MIN {
            connection.execute("DELETE FROM gap WHERE gap_id = ?1", [id])?;
            continue;
        }
        let seq = number();
        let gap = Gap { stream_id, seq_first: seq, seq_last: seq, ..gap };
        connection.execute(
            "UPDATE gap SET stream_id = ?2, seq_first = ?3, seq_last = ?3, checksum = ?4
             WHERE gap_id = ?1",
            params![id, stream_id, seq.cast_signed(), checksum(&gap, by)],
        )?;
    }
    Ok(())
}

/// From when to when by the clock of now. What nobody has measured may put them the wrong way round, which a collector
/// refuses.
fn ends(gap: &Gap, by: Ends, epochs: &Epochs) -> (Micros, Micros) {
    let ends = [(by.0, gap.from_us), (by.1, gap.to_us)]
        .map(|(epoch, at)| epochs.to_current(epoch, Micros(at)));
    (ends[0].min(ends[1]), ends[0].max(ends[1]))
}

/// Gaps no batch reports yet become events of the batch `seq` of this stream, by the clock of now. Those whose
/// clock cannot be compared with it yet wait. What is not what was written is told as not counted.
pub(super) fn report(
    connection: &Connection,
    (stream_id, seq): (i64, u64),
    now: Micros,
    epochs: &Epochs,
) -> rusqlite::Result<Vec<Event>> {
    let mut statement = connection.prepare_cached(
        "UPDATE gap SET batch_seq = ?1
         WHERE gap_id IN (
           SELECT gap_id FROM gap
           WHERE batch_seq IS NULL AND MIN(from_epoch, to_epoch) >= ?3
           ORDER BY gap_id LIMIT ?2)
         RETURNING stream_id, seq_first, seq_last, from_us, to_us, class, count, reason,
           from_epoch, to_epoch, checksum",
    )?;
    let from = told_from(epochs);
    let mut rows = statement.query(params![seq.cast_signed(), GAPS_PER_BATCH, from])?;
    let (mut told, mut unknown) = (Vec::new(), None::<(i64, usize)>);
    while let Some(row) = rows.next()? {
        if let Some((gap, by)) = read(row) {
            let (from, to) = ends(&gap, by, epochs);
            told.push(gather::gap_event(now, Gap { from_us: from.0, to_us: to.0, ..gap }));
        } else {
            // If that is wrong, it is most often far off.
            let since = row.get(3).ok().filter(|from: &i64| (0..=now.0).contains(from));
            let since = since.unwrap_or(now.0);
            let (known, rows) = unknown.unwrap_or((since, 0));
            unknown = Some((known.min(since), rows + 1));
        }
    }
    if let Some((from_us, rows)) = unknown {
        tracing::error!(rows, "gaps are not what was written: told as not counted");
        told.extend(LOST_CLASSES.map(|class| {
            // Under the number of who tells it: no other gap has it.
            let gap = Gap {
                stream_id,
                seq_first: seq,
                seq_last: seq,
                from_us,
                to_us: now.0.max(from_us),
                class: class as u32,
                count: 0,
                reason: GapReason::Corrupt as i32,
            };
            gather::gap_event(now, gap)
        }));
    }
    Ok(told)
}

/// What the batch `from` reports is reported by `to`.
pub(super) fn report_moved(connection: &Connection, from: u64, to: u64) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE gap SET batch_seq = ?2 WHERE batch_seq = ?1",
        [from.cast_signed(), to.cast_signed()],
    )?;
    Ok(())
}

/// What is reported by no batch that waits is reported again.
pub(super) fn report_orphans(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE gap SET batch_seq = NULL
         WHERE batch_seq IS NOT NULL AND batch_seq NOT IN (SELECT seq FROM waiting)",
        [],
    )?;
    Ok(())
}

/// Writes the checksums of a file of before.
pub(super) fn sign_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT stream_id, seq_first, seq_last, from_us, to_us, class, count, reason,
           from_epoch, to_epoch, gap_id FROM gap",
    )?;
    let mut sign = connection.prepare("UPDATE gap SET checksum = ?2 WHERE gap_id = ?1")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let gap = unproven(row)?;
        let by = (unsigned(8)?, unsigned(9)?);
        sign.execute([row.get(10)?, checksum(&gap, by)])?;
    }
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
        .query_row([told_from(epochs)], |row| row.get(0))
}

/// One gap, and the batch that reports it; `None` where it is not what was written.
pub(super) fn get(
    connection: &Connection,
    id: i64,
) -> rusqlite::Result<Option<(Gap, Ends, Option<i64>)>> {
    connection
        .prepare_cached(
            "SELECT stream_id, seq_first, seq_last, from_us, to_us, class, count, reason,
               from_epoch, to_epoch, checksum, batch_seq FROM gap WHERE gap_id = ?1",
        )?
        .query_row(
            [id],
            |row| Ok(read(row).map(|(gap, by)| (gap, by, row.get(11).unwrap_or(None)))),
        )
}

/// The same of a file that was not migrated yet: it is taken for what was written if a collector takes it, and by
/// no clock that is known.
pub(super) fn get_of_before(
    connection: &Connection,
    id: i64,
) -> rusqlite::Result<Option<(Gap, Ends, Option<i64>)>> {
    let text =
        "SELECT stream_id, seq_first, seq_last, from_us, to_us, class, count, reason, batch_seq
                FROM gap WHERE gap_id = ?1";
    let (gap, reporter) = connection
        .prepare_cached(text)?
        .query_row([id], |row| Ok((unproven(row)?, row.get(8).unwrap_or(None))))?;
    Ok(is_sound(&gap).then_some((gap, (0, 0), reporter)))
}
