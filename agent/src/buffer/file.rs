//! Opening the buffer's file: PRAGMAs, migrations, the look after an unclean stop, and a fresh file
//! in place of a damaged one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use farwatch_common::clock::{Clock, Look, Micros};
use farwatch_common::id::AgentId;
use farwatch_common::ranges::SeqRanges;
use farwatch_common::sample::Class;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, TransactionBehavior, ffi, params};

use super::batches::Fill;
use super::checksum;
use super::clocks;
use super::delivered::Delivered;
use super::epochs::Epochs;
use super::gather::Sequences;
use super::schemas::Schemas;
use super::{BufferConfig, BufferError, aside, retention};

pub(super) const FILE_NAME: &str = "buffer.db";
/// What is lost for good with memory or a file: state changes are told anew after each start.
pub(super) const SAMPLES: [Class; 2] = [Class::Gauges, Class::Counters];
/// First version without the WAL-reset corruption bug of 3.7.0 to 3.51.2.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
pub(super) const PAGE_BYTES: u64 = 4096;
/// Where a file says how it may be written; one that is written by a log says 2.
const WRITE_VERSION_AT: usize = 18;
const WRITE_VERSION_MAX: u8 = 2;
/// SQLite's own default; a smaller cap has a smaller log.
const WAL_PAGES_MAX: u64 = 1000;
const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/agent/0001_first.sql"),
    include_str!("../../../migrations/agent/0002_owner.sql"),
    include_str!("../../../migrations/agent/0003_schema_class.sql"),
    include_str!("../../../migrations/agent/0004_promise.sql"),
];
/// The disk cannot give back what was written: a bad sector stays one.
const UNREADABLE: [i32; 4] = [
    ffi::SQLITE_IOERR_READ,
    ffi::SQLITE_IOERR_SHORT_READ,
    ffi::SQLITE_IOERR_CORRUPTFS,
    ffi::SQLITE_IOERR_DATA,
];

/// An open file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) connection: Connection,
    pub(super) stream_id: i64,
    pub(super) numbers: Sequences,
    pub(super) schemas: Schemas,
    pub(super) fill: Fill,
    pub(super) delivered: Delivered,
    pub(super) epochs: Epochs,
}

/// Pages the log may take of the cap.
pub(super) fn wal_pages(cap_bytes: u64) -> u64 {
    (cap_bytes / PAGE_BYTES / 8).clamp(16, WAL_PAGES_MAX)
}

/// Who goes on with a file that it had open before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub(super) stream_id: i64,
    pub(super) numbers: Sequences,
    pub(super) epochs: &'a Epochs,
    pub(super) delivered: &'a Delivered,
    /// Acknowledged, which the file does not say yet.
    pub(super) acked: &'a SeqRanges,
    pub(super) opening: Opening,
}

/// How its owner takes a file: a check reads all of it, which takes long on a slow disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Trust,
    Check,
    /// It failed again although the check found nothing.
    Replace,
}

/// Opens the file in `config.dir`, or a fresh one in place of a damaged one. Without an `owner`
/// that knows which numbers are used, those an unclean stop may have lost are declared.
pub(super) fn open(
    config: &BufferConfig,
    owner: Option<Owner<'_>>,
    clock: &Clock,
) -> Result<File, BufferError> {
    let path = config.dir.join(FILE_NAME);
    aside::finish(&path)?;
    let known = owner.map(|owner| owner.epochs);
    let emptied = fs::metadata(&path).is_ok_and(|file| file.len() == 0);
    let damage = if emptied {
        "it is empty".to_owned()
    } else if owner.is_some_and(|owner| owner.opening == Opening::Replace) {
        "it fails again and again".to_owned()
    } else {
        match try_open(&path, config, owner, known, clock) {
            Err(error) if error.is_damage() || (error.is_read_only() && says_read_only(&path)) => {
                farwatch_common::task::chain(&error)
            }
            Err(BufferError::OtherAgent { known }) => {
                tracing::warn!(
                    other_agent = %known,
                    "the buffer belongs to the agent this host was enrolled as before: set aside"
                );
                let epochs = Epochs::new(BTreeMap::new(), rand::random(), clock.look());
                replace(&path, config, &[], &epochs, clock)?;
                return try_open(&path, config, owner, Some(&epochs), clock);
            }
            other => return other,
        }
    };
    tracing::error!(%damage, "the buffer file is damaged: set aside, going on with a fresh one");
    let (numbers, epochs) = aside::renew(&path, config, owner, clock)?;
    let owner = owner.zip(numbers).map(|(owner, numbers)| Owner { numbers, ..owner });
    try_open(&path, config, owner, Some(&epochs), clock)
}

/// Whether its first page says that it may not be written, as SQLite never has it say.
fn says_read_only(path: &Path) -> bool {
    let mut head = [0; WRITE_VERSION_AT + 1];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[WRITE_VERSION_AT] > WRITE_VERSION_MAX
}

/// Puts a fresh file that knows what is `lost`, each by which clocks, in the place of another.
pub(super) fn replace(
    path: &Path,
    config: &BufferConfig,
    lost: &[(Gap, Ends)],
    epochs: &Epochs,
    clock: &Clock,
) -> Result<(), BufferError> {
    let now = clock.now();
    aside::clear_fresh(path)?;
    let fresh = try_open(&aside::fresh_path(path), config, None, Some(epochs), clock)?;
    for (lost, by) in lost {
        // A collector takes no gap without a stream, and two of one stream without numbers for one.
        let is_nobodys = lost.stream_id <= 0 || lost.seq_first == 0;
        let stream_id = if is_nobodys { fresh.stream_id } else { lost.stream_id };
        record_gap(&fresh.connection, &Gap { stream_id, ..*lost }, *by)?;
    }
    // No number of it is used yet.
    save_numbers(&fresh.connection, fresh.numbers, now, true)?;
    fresh.connection.close().map_err(|(_, error)| error)?;
    aside::swap(path, now)
}

/// With the `epochs` that its user knows of already.
pub(super) fn try_open(
    path: &Path,
    config: &BufferConfig,
    owner: Option<Owner<'_>>,
    epochs: Option<&Epochs>,
    clock: &Clock,
) -> Result<File, BufferError> {
    let connection = Connection::open(path)?;
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        return Err(BufferError::OldSqlite { found: rusqlite::version() });
    }
    set_pragmas(&connection, config.cap_bytes)?;
    let connection = migrate(connection)?;
    // Only now: a file that is full has to grow to be migrated.
    let pages_most = (config.cap_bytes / PAGE_BYTES).cast_signed();
    connection.pragma_update(None, "max_page_count", pages_most)?;
    resume(connection, config.agent, owner, epochs, clock.look())
}

pub(super) fn set_pragmas(connection: &Connection, cap_bytes: u64) -> Result<(), BufferError> {
    // In effect only before the first table is made; lets pages be given back to a full disk.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let wal_pages = wal_pages(cap_bytes).cast_signed();
    connection.pragma_update(None, "wal_autocheckpoint", wal_pages)?;
    // Gives the log's room back after a burst.
    connection.pragma_update(None, "journal_size_limit", wal_pages * PAGE_BYTES.cast_signed())?;
    let text = |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let mode = text("journal_mode")?;
    if mode != "wal" {
        return Err(BufferError::Pragma { name: "journal_mode", found: mode });
    }
    let wanted = [("synchronous", 2), ("page_size", PAGE_BYTES.cast_signed()), ("auto_vacuum", 2)];
    for (name, value) in wanted {
        let found = number(name)?;
        if found != value {
            return Err(BufferError::Pragma { name, found: found.to_string() });
        }
    }
    Ok(())
}

/// Whether it is to be migrated.
pub(super) fn is_of_before(connection: &Connection) -> rusqlite::Result<bool> {
    let done: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(done > 0 && usize::try_from(done).is_ok_and(|done| done < MIGRATIONS.len()))
}

fn migrate(mut connection: Connection) -> Result<Connection, BufferError> {
    let done: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(done).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(BufferError::NewerFile);
    }
    for (number, script) in (1i64..).zip(MIGRATIONS).skip(done) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(script)?;
        step.pragma_update(None, "user_version", number)?;
        step.commit()?;
    }
    Ok(connection)
}

/// The row of the stream.
pub(super) struct Kept {
    pub(super) stream_id: i64,
    pub(super) numbers: Sequences,
    committed_at: Micros,
    clean: bool,
    agent: AgentId,
    /// As it was written; `None` in a file of before.
    checksum: Option<i64>,
}

impl Kept {
    /// `None` of a file of before, where that cannot be told.
    fn is_as_written(&self) -> Option<bool> {
        Some(self.checksum? == self.checksum())
    }

    /// That of a damaged file, if it can be gone on with.
    pub(super) fn of_ruin(connection: &Connection, agent: AgentId) -> Option<Self> {
        let kept = kept(connection).ok()??;
        (kept.is_as_written() == Some(true) && kept.agent == agent).then_some(kept)
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

fn kept(connection: &Connection) -> rusqlite::Result<Option<Kept>> {
    let mut statement = connection.prepare_cached(
        "SELECT stream_id, next_seq, reserved_to, committed_at, clean, agent_id, checksum
         FROM stream",
    )?;
    let read = statement.query_row([], |row| {
        let unsigned = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let numbers = Sequences { next: unsigned(1)?, reserved_to: unsigned(2)? };
        Ok(Kept {
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

/// Reads or makes the stream and, after an unclean stop, declares the numbers that may be lost.
fn resume(
    mut connection: Connection,
    agent: AgentId,
    owner: Option<Owner<'_>>,
    epochs: Option<&Epochs>,
    look: Look,
) -> Result<File, BufferError> {
    let now = look.wall;
    let found = kept(&connection)?;
    if found.as_ref().and_then(Kept::is_as_written) == Some(false) {
        let found = "the row of its stream is not what was written".to_owned();
        return Err(BufferError::Damaged { found });
    }
    let known = found.as_ref().map_or(agent, |kept| kept.agent);
    if known != agent && known != AgentId(0) {
        return Err(BufferError::OtherAgent { known });
    }
    let check = match owner {
        Some(owner) => owner.opening == Opening::Check,
        None => found.as_ref().is_some_and(|kept| !kept.clean),
    };
    if check {
        quick_check(&connection)?;
    }
    // A damaged page shows here at the latest, before the file says that somebody goes on with it.
    let (schemas, fill) = (Schemas::load(&connection)?, Fill::load(&connection)?);
    let delivered = retention::load(&connection)?;
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = clocks::load(&step)?;
    let last = before.last_key_value().map_or(0, |(id, _)| *id);
    let begun = || Epochs::new(before, rand::random(), look);
    let mut epochs = epochs.cloned().unwrap_or_else(begun);
    let (stream_id, mut numbers) = match found {
        None => (begin(&step, now)?, Sequences { next: 1, reserved_to: 1 }),
        Some(kept) => match owner.filter(|owner| owner.stream_id == kept.stream_id) {
            Some(owner) => (owner.stream_id, owner.numbers),
            None => (kept.stream_id, declare_crash(&step, &kept, (last, epochs.current()), now)?),
        },
    };
    step.execute("UPDATE stream SET agent_id = ?1", [agent.0])?;
    numbers = numbers.wanted();
    save_numbers(&step, numbers, now, false)?;
    // By the clock of which it is until now.
    clocks::save(&step, &epochs)?;
    step.commit()?;
    epochs.saved();
    // Without its log the file must not say that it was closed in order. A disk that has no room for that says so
    // soon enough.
    let _ = super::commit::drain(&connection, "PRAGMA wal_checkpoint(PASSIVE)");
    Ok(File { connection, stream_id, numbers, schemas, fill, delivered, epochs })
}

fn begin(connection: &Connection, now: Micros) -> rusqlite::Result<i64> {
    let stream_id = new_stream_id();
    connection.execute(
        "INSERT INTO stream (stream_id, next_seq, reserved_to, committed_at, clean)
         VALUES (?1, 1, 1, ?2, 1)",
        params![stream_id, now.0],
    )?;
    Ok(stream_id)
}

/// The numbers to go on with. What was lost began `by` the last clock of before and ends by that of now.
pub(super) fn declare_crash(
    connection: &Connection,
    kept: &Kept,
    by: Ends,
    now: Micros,
) -> rusqlite::Result<Sequences> {
    let numbers = kept.numbers;
    if kept.clean || numbers.next >= numbers.reserved_to {
        return Ok(numbers);
    }
    let gap = Gap {
        stream_id: kept.stream_id,
        seq_first: numbers.next,
        seq_last: numbers.reserved_to - 1,
        from_us: kept.committed_at.0,
        to_us: now.0,
        class: 0,
        count: 0,
        reason: GapReason::Crash as i32,
    };
    for class in SAMPLES {
        record_gap(connection, &Gap { class: class as u32, ..gap }, by)?;
    }
    Ok(Sequences { next: numbers.reserved_to, ..numbers })
}

fn quick_check(connection: &Connection) -> Result<(), BufferError> {
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    if found != "ok" {
        return Err(BufferError::Damaged { found });
    }
    // What an index leaves out would wait for ever; that of the narrow table is looked at in no time.
    let found: String =
        connection.query_row("PRAGMA integrity_check(waiting)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(BufferError::Damaged { found }) }
}

pub(super) fn new_stream_id() -> i64 {
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

/// The epochs by whose clocks a gap begins and ends.
pub(super) type Ends = (u64, u64);

/// Notes samples that will never come; a commit reports them.
pub(super) fn record_gap(
    connection: &Connection,
    gap: &Gap,
    (from_epoch, to_epoch): Ends,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO gap (stream_id, seq_first, seq_last, from_us, to_us, class, count, reason,
               from_epoch, to_epoch)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
            from_epoch.cast_signed(),
            to_epoch.cast_signed()
        ])?;
    Ok(())
}

/// A table or a column that a migration made is gone, or cannot be read.
fn is_of_a_damaged_schema(said: &str) -> bool {
    said.contains("no such") || said.contains("malformed")
}

impl BufferError {
    /// The file's content is wrong, not the world around it.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Sqlite(error) => match error {
                rusqlite::Error::SqliteFailure(failure, text) => {
                    matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                        || UNREADABLE.contains(&failure.extended_code)
                        || text.as_deref().is_some_and(is_of_a_damaged_schema)
                }
                rusqlite::Error::SqlInputError { msg, .. } => is_of_a_damaged_schema(msg),
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..) => true,
                _ => false,
            },
            Self::Pragma { name, .. } => *name != "synchronous",
            _ => false,
        }
    }

    /// There is no room: of the file's cap, or of the file system.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => {
                // The index of the log is the first thing that finds none.
                failure.code == ErrorCode::DiskFull
                    || failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE
            }
            _ => false,
        }
    }

    fn is_read_only(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(failure, _)) => {
                failure.code == ErrorCode::ReadOnly
            }
            _ => false,
        }
    }
}
