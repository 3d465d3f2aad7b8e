//! Opening the buffer's file: PRAGMAs, migrations, the look after an unclean stop, and a fresh file
//! in place of a damaged one.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use farwatch_common::clock::{Clock, Look, Micros};
use farwatch_common::id::AgentId;
use farwatch_common::ranges::SeqRanges;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, ffi};

use super::batches::{self, Fill};
use super::delivered::Delivered;
use super::epochs::Epochs;
use super::gather::Sequences;
use super::schemas::Schemas;
use super::{
    BufferConfig, BufferError, aside, clocks, gaps, losses, narrow, retention, since, stream,
    versions, waiting,
};

pub(super) const FILE_NAME: &str = "buffer.db";
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
/// The migration after which rows have checksums.
const PROMISE: i64 = 4;
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
    /// When something was written to it last, before it was opened.
    pub(super) committed_at: Option<Micros>,
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
/// that knows which numbers are used, those an unclean stop may have lost are declared, and the time since any stop.
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
    } else if !path.exists() && since::read(&config.dir).is_some() {
        "it is gone".to_owned()
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
                aside::replace(&path, config, &[], &epochs, clock)?;
                let opened = try_open(&path, config, owner, Some(&epochs), clock)?;
                aside::drop_older(&config.dir);
                return Ok(opened);
            }
            other => return other,
        }
    };
    tracing::error!(%damage, "the buffer file is damaged: set aside, going on with a fresh one");
    let (numbers, epochs) = aside::renew(&path, config, owner, clock)?;
    // All of it was written a moment ago.
    let opening = Opening::Trust;
    let owner = owner.zip(numbers).map(|(owner, numbers)| Owner { numbers, opening, ..owner });
    let opened = try_open(&path, config, owner, Some(&epochs), clock)?;
    aside::drop_older(&config.dir);
    Ok(opened)
}

/// Whether its first page says that it may not be written, as SQLite never has it say.
fn says_read_only(path: &Path) -> bool {
    let mut head = [0; WRITE_VERSION_AT + 1];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head[WRITE_VERSION_AT] > WRITE_VERSION_MAX
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
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if done > MIGRATIONS.len() {
        return Err(versions::beyond(&connection, found, &MIGRATIONS)?);
    }
    if (1..MIGRATIONS.len()).contains(&done) {
        tracing::info!(
            from = found,
            to = MIGRATIONS.len(),
            "the buffer file is migrated, which reads all of it"
        );
    }
    for (number, script) in (1i64..).zip(MIGRATIONS).skip(done) {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        step.execute_batch(script)?;
        if number == PROMISE {
            waiting::fill(&step)?;
            gaps::sign_all(&step)?;
            stream::sign_of_before(&step)?;
        }
        step.pragma_update(None, "user_version", number)?;
        step.commit()?;
    }
    Ok(connection)
}

/// Reads or makes the stream and declares the time since it was used last, after an unclean stop with the numbers that
/// may be lost.
fn resume(
    mut connection: Connection,
    agent: AgentId,
    owner: Option<Owner<'_>>,
    epochs: Option<&Epochs>,
    look: Look,
) -> Result<File, BufferError> {
    let now = look.wall;
    let found = stream_of(&connection, agent)?;
    let committed_at = found.as_ref().map(|kept| kept.committed_at);
    let check = match owner {
        Some(owner) => owner.opening == Opening::Check,
        None => found.as_ref().is_some_and(|kept| !kept.clean),
    };
    if check {
        quick_check(&connection)?;
    }
    let is_trusted = owner.zip(found.as_ref()).is_some_and(|(owner, kept)| {
        owner.opening == Opening::Trust && owner.stream_id == kept.stream_id
    });
    // Who had it open until now has looked already: it reads all numbers of the file.
    let here = match is_trusted {
        true => None,
        false => {
            narrow::check(&connection)?;
            Some(batches::seqs(&connection)?)
        }
    };
    // A damaged page shows here at the latest, before the file says that somebody goes on with it.
    let (schemas, waiting) = (Schemas::load(&connection)?, waiting::load(&connection)?);
    let (delivered, is_whole) = retention::load(&connection)?;
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = clocks::load(&step)?;
    let last = before.last_key_value().map_or(0, |(id, _)| *id);
    let begun = || Epochs::new(before, rand::random(), look);
    let mut epochs = epochs.cloned().unwrap_or_else(begun);
    let (stream_id, mut numbers) = match found {
        None => (stream::begin(&step, now)?, Sequences { next: 1, reserved_to: 1 }),
        Some(kept) => match owner.filter(|owner| owner.stream_id == kept.stream_id) {
            Some(owner) => (owner.stream_id, furthest(owner.numbers, &kept)),
            None => {
                (kept.stream_id, stream::declare_away(&step, &kept, (last, epochs.current()), now)?)
            }
        },
    };
    step.execute("UPDATE stream SET agent_id = ?1", [agent.0])?;
    let fill = mend(&step, stream_id, waiting, here.as_ref().zip(is_whole.then_some(&delivered)))?;
    numbers = numbers.wanted();
    stream::save_numbers(&step, numbers, now, false)?;
    // By the clock of which it is until now.
    clocks::save(&step, &epochs)?;
    step.commit()?;
    epochs.saved();
    // Without its log the file must not say that it was closed in order. A disk that has no room for that says so
    // soon enough.
    let _ = super::commit::drain(&connection, "PRAGMA wal_checkpoint(PASSIVE)");
    Ok(File { connection, stream_id, numbers, schemas, fill, delivered, epochs, committed_at })
}

/// The row of the stream, if there is one yet: what was written, and of this agent.
fn stream_of(
    connection: &Connection,
    agent: AgentId,
) -> Result<Option<stream::Stream>, BufferError> {
    let Some(kept) = stream::kept(connection)? else { return Ok(None) };
    if !kept.is_as_written().unwrap_or_else(|| kept.can_be()) {
        let found = "the row of its stream is not what was written".to_owned();
        return Err(BufferError::Damaged { found });
    }
    if ![agent, AgentId(0)].contains(&kept.agent) {
        return Err(BufferError::OtherAgent { known: kept.agent });
    }
    Ok(Some(kept))
}

/// A file that was made beside a damaged one, or a commit that was kept although it failed, may have used numbers
/// that its owner does not know of.
fn furthest(known: Sequences, kept: &stream::Stream) -> Sequences {
    match kept.is_as_written() {
        Some(true) => Sequences {
            next: known.next.max(kept.numbers.next),
            reserved_to: known.reserved_to.max(kept.numbers.reserved_to),
        },
        _ => known,
    }
}

fn quick_check(connection: &Connection) -> Result<(), BufferError> {
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    if found == "ok" { Ok(()) } else { Err(BufferError::Damaged { found }) }
}

/// Puts right what is told of batches in other tables, by the batches themselves: of those that are here, and those
/// that were acknowledged, where it is `known` which these are.
fn mend(
    step: &Connection,
    stream_id: i64,
    waiting: waiting::All,
    known: Option<(&SeqRanges, &Delivered)>,
) -> rusqlite::Result<Fill> {
    let mut fill = waiting.fill;
    let mut unknown = Vec::new();
    for seq in waiting.wrong {
        match waiting::of_batch(step, seq)? {
            Ok(known) => {
                fill.take(0);
                fill.add(known.bytes);
                waiting::put(step, &known)?;
            }
            Err(seq) => unknown.push(seq),
        }
    }
    if !unknown.is_empty() {
        losses::drop_damaged(step, stream_id, &unknown, &mut fill)?;
    }
    // What is neither acknowledged nor waits would never go.
    let orphans = known.map(|(here, delivered)| {
        let others = here.without(&waiting.seqs);
        delivered.hours().fold(others, |others, hour| others.without(&hour.here))
    });
    for seq in orphans.iter().flat_map(SeqRanges::iter).flat_map(|(first, last)| first..=last) {
        if let Some(bytes) = batches::wait(step, seq)? {
            tracing::error!(batch_seq = seq, "a batch is not known to wait: it does from now on");
            fill.add(bytes);
        } else {
            losses::drop_orphan(step, stream_id, seq)?;
        }
    }
    gaps::report_orphans(step)?;
    Ok(fill)
}

/// A table or a column that a migration made is gone, cannot be read, or is there before that migration.
fn is_of_a_damaged_schema(said: &str) -> bool {
    ["no such", "malformed", "already exists", "duplicate column name"]
        .iter()
        .any(|told| said.contains(told))
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
            Self::Pragma { name, .. } => !["synchronous", "wal_checkpoint"].contains(name),
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
            Self::SetAside { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
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
