//! A fresh file in the place of one that cannot be used. At every moment one of the two is there:
//! the fresh one is finished, with the gap that says what is lost, before the other is moved.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use farwatch_common::clock::{Clock, Look, Micros};
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::epochs::Epochs;
use super::file::{self, Ends, FILE_NAME, Kept, Owner, SAMPLES, record_gap};
use super::gather::Sequences;
use super::salvage::{Ruin, Salvaged, salvage};
use super::{BufferConfig, BufferError, clocks, losses, since};

/// Files set aside that are kept for support.
const KEPT: usize = 1;
/// The log of a file and the index of that.
const LOG_ENDS: [&str; 2] = ["-wal", "-shm"];

/// Where a fresh file is made.
#[must_use]
pub(super) fn fresh_path(path: &Path) -> PathBuf {
    with_end(path, ".new")
}

/// Ends what a crash has interrupted: a fresh file that is finished takes its place.
pub(super) fn finish(path: &Path) -> Result<(), BufferError> {
    if !path.exists() && fresh_path(path).exists() { put_in_place(path) } else { Ok(()) }
}

/// Removes what an interrupted attempt has left.
pub(super) fn clear_fresh(path: &Path) -> Result<(), BufferError> {
    let fresh = fresh_path(path);
    let logs = LOG_ENDS.map(|end| with_end(&fresh, end));
    [fresh]
        .iter()
        .chain(&logs)
        .try_for_each(|path| remove(path))
        .map_err(|source| failed(path, source))
}

/// Sets the file aside and puts the fresh one, which must be closed, in its place.
pub(super) fn swap(path: &Path, now: Micros) -> Result<(), BufferError> {
    move_away(path, now).map_err(|source| failed(path, source))?;
    put_in_place(path)
}

fn move_away(path: &Path, now: Micros) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        // It shows nothing, and must not take the place of one that does.
        return remove(path);
    }
    fs::rename(path, with_end(path, &format!(".damaged-{}", now.0)))?;
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut all = kept(dir)?;
    all.sort();
    all.iter().rev().skip(KEPT).try_for_each(|surplus| remove(surplus))
}

fn put_in_place(path: &Path) -> Result<(), BufferError> {
    // The log of the other must not be taken for the fresh one's.
    let logs = LOG_ENDS.map(|end| with_end(path, end));
    let placed = logs
        .iter()
        .try_for_each(|log| remove(log))
        .and_then(|()| fs::rename(fresh_path(path), path));
    // Makes the renames durable where directories can be synced.
    if let Some(Ok(dir)) = path.parent().map(fs::File::open) {
        let _ = dir.sync_all();
    }
    placed.map_err(|source| failed(path, source))
}

/// Gives up the files set aside: on a full disk, what works needs the room more than support does.
pub(super) fn drop_all(dir: &Path) -> io::Result<()> {
    kept(dir)?.iter().try_for_each(|path| remove(path))
}

fn kept(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let prefix = format!("{FILE_NAME}.damaged-");
    let is_one = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
    };
    Ok(fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.path())).filter(is_one).collect())
}

/// Puts a fresh file in the place of a damaged one, with all that can still be read of that. Where its stream
/// is known it goes on: then the numbers are told that its owner goes on with.
pub(super) fn renew(
    path: &Path,
    config: &BufferConfig,
    owner: Option<Owner<'_>>,
    clock: &Clock,
) -> Result<(Option<Sequences>, Epochs), BufferError> {
    let look = clock.look();
    let ruin = ruin(path)?;
    let What { lost, epochs, of_batches } =
        what_was_in(path, &ruin, owner.map(|owner| owner.epochs), look);
    let kept = if owner.is_none() { Kept::of_ruin(&ruin, config.agent) } else { None };
    let known = owner.map(|owner| (owner.stream_id, owner.numbers));
    let Some((stream_id, numbers)) =
        known.or_else(|| kept.as_ref().map(|kept| (kept.stream_id, kept.numbers)))
    else {
        drop(ruin);
        file::replace(path, config, &lost, &epochs, clock)?;
        return Ok((None, epochs));
    };
    clear_fresh(path)?;
    let mut fresh = file::try_open(&fresh_path(path), config, None, Some(&epochs), clock)?;
    let last = of_batches.last().copied().unwrap_or(0);
    let end = numbers.next.max(if owner.is_none() { numbers.reserved_to } else { 0 });
    let acked = owner.map(|owner| (owner.delivered, owner.acked));
    let damaged = Ruin { connection: &ruin, stream_id, end, epochs: of_batches, acked };
    let salvaged = salvage(&damaged, &mut fresh.connection, clock)?;
    let step = fresh.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut numbers = match &kept {
        Some(kept) => file::declare_crash(&step, kept, (last, epochs.current()), look.wall)?,
        None => numbers,
    };
    numbers.next = numbers.next.max(salvaged.end);
    for (gap, by) in &salvaged.gaps {
        losses::count(&step, ("corrupt", gap.class), 1, gap.count)?;
        record_gap(&step, gap, *by)?;
    }
    if salvaged.is_in_doubt {
        // Under a number of its own: two of the same stream would be taken for one.
        let seq = numbers.take_in_commit();
        for (gap, by) in lost {
            let gap = Gap { stream_id, seq_first: seq, seq_last: seq, count: 0, ..gap };
            record_gap(&step, &gap, by)?;
        }
    }
    file::inherit(&step, stream_id, numbers, look.wall)?;
    step.commit()?;
    let Salvaged { batches, lost, is_in_doubt, .. } = salvaged;
    tracing::warn!(batches, lost, is_in_doubt, "what could be read of the damaged file goes on");
    fresh.connection.close().map_err(|(_, error)| error)?;
    drop(ruin);
    swap(path, look.wall)?;
    Ok((Some(numbers), epochs))
}

/// The file for who only reads: what is wrong with its first page or its size hides no more than it must.
fn ruin(path: &Path) -> Result<Connection, BufferError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags);
    // Of one that is not there nothing can be read.
    let connection = opened.or_else(|_| Connection::open_in_memory())?;
    let _ = connection.pragma_update(None, "writable_schema", "ON");
    Ok(connection)
}

/// What is lost with an unusable file if nothing of it can be read any more, and whose clocks there are.
struct What {
    lost: [(Gap, Ends); 2],
    epochs: Epochs,
    /// Those that its batches may name.
    of_batches: BTreeSet<u64>,
}

/// What is lost with an unusable file, by class and each by which clocks: it may tell of all its content, some or
/// nothing. State changes are no loss, as they are told anew after a start. Its epochs, with another for its
/// user if that has none yet, are to be kept in the fresh file as long as it tells by them.
fn what_was_in(path: &Path, connection: &Connection, user: Option<&Epochs>, look: Look) -> What {
    let mut known = clocks::load(connection).unwrap_or_default();
    let of_batches = match user {
        Some(user) => user.all().map(|(id, _)| id).collect(),
        None => known.keys().copied().collect(),
    };
    let last = known.last_key_value().map_or(0, |(id, _)| *id);
    let marked = since::read(path.parent().unwrap_or(Path::new(".")));
    let (since, epochs) = match (marked, user) {
        (Some((at, by)), Some(user)) => {
            (Some((user.of_other(&by, at), user.current())), user.clone())
        }
        (marked, None) => {
            let marked = marked.map(|(at, by)| {
                known.insert(last + 1, by);
                (at, last + 1)
            });
            (marked, Epochs::new(known, rand::random(), look))
        }
        (None, Some(user)) => (None, user.clone()),
    };
    let oldest = || oldest(connection).ok();
    let (from, from_epoch) = since
        .or_else(oldest)
        .or_else(|| Some((changed(path)?, last)))
        .unwrap_or((look.wall, epochs.current()));
    let lost = SAMPLES.map(|class| {
        let mut gap = Gap {
            class: class as u32,
            from_us: from.0.max(0),
            to_us: look.wall.0.max(0),
            reason: GapReason::Corrupt as i32,
            ..Gap::default()
        };
        read_what_can_be_read(connection, &mut gap);
        (gap, (from_epoch, epochs.current()))
    });
    What { lost, epochs, of_batches }
}

/// When something was written to it last.
fn changed(path: &Path) -> Option<Micros> {
    let at = fs::metadata(path).and_then(|file| file.modified()).ok()?;
    Some(Micros(0).after(at.duration_since(std::time::UNIX_EPOCH).ok()?))
}

/// Of the last epoch: what a clock in 1970 has stamped before is no reason to take 56 years for lost.
fn oldest(connection: &Connection) -> rusqlite::Result<(Micros, u64)> {
    let last =
        "SELECT MIN(t_min), epoch FROM waiting WHERE epoch = (SELECT MAX(epoch) FROM waiting)";
    connection
        .query_row(last, [], |row| Ok((Micros(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned())))
}

fn read_what_can_be_read(connection: &Connection, gap: &mut Gap) {
    if let Ok(id) = connection.query_row("SELECT stream_id FROM stream", [], |row| row.get(0)) {
        gap.stream_id = id;
    }
    let content = connection.query_row(
        "SELECT MIN(seq), MAX(seq), SUM(n) FROM batch
          WHERE class = ?1 AND seq IN (SELECT seq FROM waiting)",
        [gap.class],
        |row| {
            let bounds: (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok((bounds, row.get::<_, i64>(2)?))
        },
    );
    if let Ok(((first, last), count)) = content {
        gap.seq_first = first.max(0).cast_unsigned();
        gap.seq_last = last.max(first).max(0).cast_unsigned();
        gap.count = count.max(0).cast_unsigned();
    }
}

fn failed(path: &Path, source: io::Error) -> BufferError {
    BufferError::SetAside { path: path.to_owned(), source }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
