//! The row of the stream: whose the file is, which numbers are used, and what a crash may have taken.

use farwatch_common::clock::Micros;
use farwatch_common::id::AgentId;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::gaps::{self, Ends};
use super::gather::Sequences;
use super::{checksum, file, losses};

/// What is lost for good with memory: state changes are told anew after each start.
const SAMPLES: [Class; 2] = [Class::Gauges, Class::Counters];
/// A stop is of all classes and is told once, by that of the polls themselves.
const STOPPED_CLASS: Class = Class::Gauges;

/// No agent comes so far.
const NUMBERS_END: u64 = 1 << 48;

/// The row of the stream.
pub(super) struct Stream {
    pub(super) stream_id: i64,
    pub(super) numbers: Sequences,
    pub(super) committed_at: Micros,
    pub(super) clean: bool,
    pub(super) agent: AgentId,
    /// As it was written; `None` in a file of before.
    checksum: Option<i64>,
}

impl Stream {
    /// `None` of a file of before, where that cannot be told.
    pub(super) fn is_as_written(&self) -> Option<bool> {
        Some(self.checksum? == self.checksum())
    }

    /// That of a damaged file, if it can be gone on with.
    pub(super) fn of_ruin(connection: &Connection, agent: AgentId) -> Option<Self> {
        let is_of_before = file::is_of_before(connection).unwrap_or(false);
        let kept = match is_of_before {
            true => kept_of_before(connection),
            false => kept(connection),
        };
        let kept = kept.ok()??;
        let is_known = match kept.is_as_written() {
            Some(is_as_written) => is_as_written,
            None => is_of_before && kept.can_be(),
        };
        // Whose a file of before was is not known.
        (is_known && [agent, AgentId(0)].contains(&kept.agent)).then_some(kept)
    }

    /// Of a row without a checksum this is all that can be told.
    pub(super) fn can_be(&self) -> bool {
        let Sequences { next, reserved_to } = self.numbers;
        self.stream_id > 0 && (1..=reserved_to).contains(&next) && reserved_to < NUMBERS_END
    }

    fn checksum(&self) -> i64 {
        let numbers = [
            self.stream_id,
            self.numbers.next.cast_signed(),
            self.numbers.reserved_to.cast_signed(),
            self.committed_at.0,
            self.clean.into(),
            self.agent.0,
        ];
        checksum::of_row(&numbers, &[])
    }
}

pub(super) fn kept(connection: &Connection) -> rusqlite::Result<Option<Stream>> {
    let text = "SELECT stream_id, next_seq, reserved_to, committed_at, clean, agent_id, checksum
                FROM stream";
    kept_by(connection, text)
}

/// The same of a file that was not migrated yet.
fn kept_of_before(connection: &Connection) -> rusqlite::Result<Option<Stream>> {
    let text = "SELECT stream_id, next_seq, reserved_to, committed_at, clean, agent_id, NULL
                FROM stream";
    kept_by(connection, text)
}

fn kept_by(connection: &Connection, text: &str) -> rusqlite::Result<Option<Stream>> {
    let mut statement = connection.prepare_cached(text)?;
    let read = statement.query_row([], |row| {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let numbers = Sequences { next: unsigned(1)?, reserved_to: unsigned(2)? };
        Ok(Stream {
            stream_id: row.get(0)?,
            numbers,
            committed_at: Micros(row.get(3)?),
            clean: row.get(4)?,
            agent: AgentId(row.get(5)?),
            checksum: row.get(6)?,
        })
    });
    read.optional()
}

/// Writes the checksum of the row of the stream, in the transaction that has changed it.
pub(super) fn sign(connection: &Connection) -> rusqlite::Result<()> {
    let Some(kept) = kept(connection)? else { return Ok(()) };
    connection.prepare_cached("UPDATE stream SET checksum = ?1")?.execute([kept.checksum()])?;
    Ok(())
}

/// The same with the migration: what is damaged and shows only after it costs no more than itself.
pub(super) fn sign_of_before(connection: &Connection) -> rusqlite::Result<()> {
    match kept(connection)? {
        Some(kept) if kept.can_be() => sign(connection),
        _ => Ok(()),
    }
}

/// Begins another one.
pub(super) fn begin(connection: &Connection, now: Micros) -> rusqlite::Result<i64> {
    let stream_id = new_id();
    connection.execute(
        "INSERT INTO stream (stream_id, next_seq, reserved_to, committed_at, clean)
         VALUES (?1, 1, 1, ?2, 1)",
        params![stream_id, now.0],
    )?;
    Ok(stream_id)
}

/// The numbers to go on with. Since the file was used last nothing was asked; with a crash something may be lost too.
/// That time began `by` the last clock of before and ends by that of now.
pub(super) fn declare_away(
    connection: &Connection,
    kept: &Stream,
    by: Ends,
    now: Micros,
) -> rusqlite::Result<Sequences> {
    let numbers = kept.numbers;
    let gap = Gap {
        stream_id: kept.stream_id,
        from_us: kept.committed_at.0,
        to_us: now.0,
        ..Gap::default()
    };
    if kept.clean {
        // How long it was shows only by clocks that can be compared: until then it has no number.
        let (class, reason) = (STOPPED_CLASS as u32, GapReason::Stopped as i32);
        gaps::record(connection, &Gap { class, reason, ..gap }, by)?;
        return Ok(numbers);
    }
    if numbers.next >= numbers.reserved_to {
        return Ok(numbers);
    }
    let gap = Gap {
        seq_first: numbers.next,
        seq_last: numbers.reserved_to - 1,
        reason: GapReason::Crash as i32,
        ..gap
    };
    losses::count_crash(connection)?;
    for class in SAMPLES {
        gaps::record(connection, &Gap { class: class as u32, ..gap }, by)?;
    }
    Ok(Sequences { next: numbers.reserved_to, ..numbers })
}

pub(super) fn new_id() -> i64 {
    let random: u64 = rand::random();
    ((random >> 1) | 1).cast_signed()
}

/// Goes on with the stream of another file. No number of its own is used yet.
pub(super) fn inherit(
    connection: &Connection,
    stream_id: i64,
    numbers: Sequences,
    now: Micros,
) -> rusqlite::Result<()> {
    connection.execute("UPDATE stream SET stream_id = ?1", [stream_id])?;
    save_numbers(connection, numbers, now, true)
}

/// Keeps how far numbers are used and reserved, in the transaction of what used them.
pub(super) fn save_numbers(
    connection: &Connection,
    numbers: Sequences,
    now: Micros,
    clean: bool,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE stream SET next_seq = ?1, reserved_to = ?2, committed_at = ?3, clean = ?4",
        )?
        .execute(params![
            numbers.next.cast_signed(),
            numbers.reserved_to.cast_signed(),
            now.0,
            clean
        ])?;
    sign(connection)
}
