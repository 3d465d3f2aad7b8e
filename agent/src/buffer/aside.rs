//! A fresh file in the place of one that cannot be used. At every moment one of the two is there:
//! the fresh one is finished, with the gap that says what is lost, before the other is moved. While it is made it
//! has another name, so that no half of one is taken for it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use farwatch_common::clock::{Clock, Look, Micros};
use farwatch_common::file::sync_dir;
use farwatch_proto::v1::{Gap, GapReason};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::epochs::Epochs;
use super::file::{self, FILE_NAME, Owner};
use super::gaps::{Ends, LOST_CLASSES};
use super::gather::Sequences;
use super::making::Making;
use super::room::Room;
use super::salvage::{Effort, Ruin, Salvaged, salvage};
use super::stream::Stream;
use super::waiting::{COLUMNS, Waits};
use super::{BufferConfig, BufferError, clocks, gaps, losses, order, since, stream};

/// Files set aside that are kept for support.
const KEPT: usize = 1;
/// The log of a file and the index of that.
const LOG_ENDS: [&str; 2] = ["-wal", "-shm"];

/// Where a fresh file waits for its place.
#[must_use]
fn fresh_path(path: &Path) -> PathBuf {
    with_end(path, ".new")
}

/// Where it is made.
#[must_use]
pub(super) fn making_path(path: &Path) -> PathBuf {
    with_end(path, ".making")
}

/// Ends what a crash has interrupted: a fresh file that is finished takes its place.
pub(super) fn finish(path: &Path) -> Result<(), BufferError> {
    if !path.exists() && fresh_path(path).exists() {
        return put_in_place(path);
    }
    // Beside a file that is in its place nothing is finished. What stays is in nobody's way until a fresh one is made.
    if let Err(error) = clear_fresh(path) {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "what an interrupted attempt has left beside the buffer file stays");
    }
    Ok(())
}

/// Removes what an interrupted attempt has left.
pub(super) fn clear_fresh(path: &Path) -> Result<(), BufferError> {
    clear(&fresh_path(path)).and_then(|()| clear_half(path)).map_err(|source| failed(path, source))
}

/// Removes a fresh file that is not finished.
pub(super) fn clear_half(path: &Path) -> io::Result<()> {
    clear(&making_path(path))
}

fn clear(file: &Path) -> io::Result<()> {
    remove(file)?;
    LOG_ENDS.iter().try_for_each(|end| remove(&with_end(file, end)))
}

/// A fresh file is whole, and closed.
pub(super) fn made(path: &Path) -> Result<(), BufferError> {
    let made = || -> io::Result<()> {
        let half = making_path(path);
        fs::OpenOptions::new().write(true).open(&half)?.sync_all()?;
        fs::rename(&half, fresh_path(path))?;
        // Before the other file goes: of the two renames a crash must not keep the later one alone.
        sync_dir_of(path);
        Ok(())
    };
    made().map_err(|source| failed(path, source))
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
    if !path.exists() {
        return Ok(());
    }
    fs::rename(path, with_end(path, &format!(".damaged-{}", now.0)))
}

/// Once the fresh file is in use, of those set aside the newest stays.
pub(super) fn drop_older(dir: &Path) {
    let dropped = kept(dir).and_then(|mut all| {
        all.sort();
        all.iter().rev().skip(KEPT).try_for_each(|surplus| remove(surplus))
    });
    if let Err(error) = dropped {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "an older file that was set aside stays; remove it by hand");
    }
}

fn put_in_place(path: &Path) -> Result<(), BufferError> {
    // The log of the other must not be taken for the fresh one's.
    let logs = LOG_ENDS.map(|end| with_end(path, end));
    let placed = logs
        .iter()
        .try_for_each(|log| remove(log))
        .and_then(|()| fs::rename(fresh_path(path), path));
    sync_dir_of(path);
    placed.map_err(|source| failed(path, source))
}

fn sync_dir_of(path: &Path) {
    if let Some(dir) = path.parent() {
        sync_dir(dir);
    }
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

/// Puts a fresh file that knows what is `lost`, each by which clocks, in the place of another.
pub(super) fn replace(
    path: &Path,
    config: &BufferConfig,
    lost: &[(Gap, Ends)],
    epochs: &Epochs,
    clock: &Clock,
) -> Result<(), BufferError> {
    let now = clock.now();
    let making = Making::begin(path, config, epochs, clock)?;
    let fresh = &making.file;
    for (lost, by) in lost {
        // A collector takes no gap without a stream, and two of one stream without numbers for one.
        let is_nobodys = lost.stream_id <= 0 || lost.seq_first == 0;
        let stream_id = if is_nobodys { fresh.stream_id } else { lost.stream_id };
        losses::count(&fresh.connection, ("corrupt", lost.class), 0, 0)?;
        gaps::record(&fresh.connection, &Gap { stream_id, ..*lost }, *by)?;
    }
    // No number of it is used yet.
    stream::save_numbers(&fresh.connection, fresh.numbers, now, true)?;
    making.finish()?;
    swap(path, now)
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
    let effort = Effort::begin(clock);
    let room = Room::make(config, path);
    let ruin = ruin(path)?;
    let clocks = Clocks::of(path, &ruin, owner.map(|owner| owner.epochs), look);
    let kept = if owner.is_none() { Stream::of_ruin(&ruin, config.agent) } else { None };
    let known = owner.map(|owner| (owner.stream_id, owner.numbers));
    let Some((stream_id, numbers)) =
        known.or_else(|| kept.as_ref().map(|kept| (kept.stream_id, kept.numbers)))
    else {
        let lost = clocks.lost(path, &ruin, look).map(|(mut gap, by)| {
            read_what_can_be_read(&ruin, &mut gap, &effort);
            (gap, by)
        });
        drop(ruin);
        replace(path, config, &lost, &clocks.epochs, clock)?;
        return Ok((None, clocks.epochs));
    };

    let mut making = Making::begin(path, config, &clocks.epochs, clock)?;
    let fresh = &mut making.file.connection;
    let last = clocks.of_batches.last().copied().unwrap_or(0);
    let end = numbers.next.max(if owner.is_none() { numbers.reserved_to } else { 0 });
    let acked = owner.map(|owner| (owner.delivered, owner.acked));
    let epochs = clocks.of_batches.clone();
    let is_of_before = file::is_of_before(&ruin).unwrap_or(false);
    let damaged = Ruin { connection: &ruin, stream_id, is_of_before, end, epochs, acked };
    let salvaged = salvage(&damaged, fresh, &room, &effort)?;

    let step = fresh.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut numbers = match &kept {
        Some(kept) => {
            stream::declare_away(&step, kept, (last, clocks.epochs.current()), look.wall)?
        }
        None => numbers,
    };
    numbers.next = numbers.next.max(salvaged.end);
    for (gap, by, batches) in &salvaged.gaps {
        losses::count(&step, ("corrupt", gap.class), *batches, gap.count)?;
        gaps::record(&step, gap, *by)?;
    }
    if salvaged.is_in_doubt {
        // Under a number of its own: two of the same stream would be taken for one.
        let seq = numbers.take_in_commit();
        for (gap, by) in clocks.lost(path, &ruin, look) {
            let gap = Gap { stream_id, seq_first: seq, seq_last: seq, ..gap };
            gaps::record(&step, &gap, by)?;
        }
    }
    stream::inherit(&step, stream_id, numbers, look.wall)?;
    step.commit()?;
    let Salvaged { batches, lost, is_in_doubt, .. } = salvaged;
    tracing::warn!(batches, lost, is_in_doubt, "what could be read of the damaged file goes on");
    making.finish()?;
    drop(ruin);
    swap(path, look.wall)?;
    Ok((Some(numbers), clocks.epochs))
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

/// Whose clocks there are in an unusable file, and since when something may be lost with it.
struct Clocks {
    epochs: Epochs,
    /// Those that its batches may name.
    of_batches: BTreeSet<u64>,
    /// As told beside the file: a time, and by which clock.
    since: Option<(Micros, u64)>,
    last: u64,
}

impl Clocks {
    /// With another epoch for its user, if that has none yet. They are to be kept in the fresh file as long as
    /// it tells by them.
    fn of(path: &Path, connection: &Connection, user: Option<&Epochs>, look: Look) -> Self {
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
        Self { epochs, of_batches, since, last }
    }

    /// What is lost if nothing tells it any more, by class and each by which clocks: it may be all, some or
    /// nothing. State changes are told anew after a start, but not where polling goes on meanwhile.
    fn lost(&self, path: &Path, connection: &Connection, look: Look) -> [(Gap, Ends); 3] {
        let (from, from_epoch) = self
            .since
            .or_else(|| oldest(connection).or_else(|_| oldest_of_before(connection)).ok())
            .or_else(|| Some((changed(path)?, self.last)))
            .unwrap_or((look.wall, self.epochs.current()));
        LOST_CLASSES.map(|class| {
            let gap = Gap {
                class: class as u32,
                from_us: from.0.max(0),
                to_us: look.wall.0.max(0),
                reason: GapReason::Corrupt as i32,
                ..Gap::default()
            };
            (gap, (from_epoch, self.epochs.current()))
        })
    }
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

/// Of a file that was not migrated yet all batches wait: up to five minutes too early, by an index that leaves out the
/// pages of their content.
fn oldest_of_before(connection: &Connection) -> rusqlite::Result<(Micros, u64)> {
    let first = "SELECT MIN(chunk) FROM batch INDEXED BY batch_by_order";
    connection.query_row(first, [], |row| Ok((order::chunk_start(row.get(0)?), 0)))
}

/// How much it was, as far as that can be told in time.
fn read_what_can_be_read(connection: &Connection, gap: &mut Gap, effort: &Effort<'_>) {
    if let Ok(id) = connection.query_row("SELECT stream_id FROM stream", [], |row| row.get(0)) {
        gap.stream_id = id;
    }
    let class = gap.class;
    let mut content = || -> rusqlite::Result<()> {
        let mut statement = connection
            .prepare(&format!("SELECT {COLUMNS} FROM waiting NOT INDEXED ORDER BY seq"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()?
            && !effort.is_over()
        {
            let Ok(waits) = Waits::read(row)? else { continue };
            if waits.class == class && i64::try_from(waits.seq).is_ok() {
                gap.seq_first = if gap.seq_first == 0 { waits.seq } else { gap.seq_first };
                gap.seq_last = gap.seq_last.max(waits.seq);
                gap.count = gap.count.saturating_add(waits.n);
            }
        }
        Ok(())
    };
    // What was read until it failed was there.
    let _ = content();
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
    let is_absent = |error: io::Error| error.kind() == io::ErrorKind::NotFound;
    match fs::remove_file(path) {
        // A disk that is only read refuses to remove even what is not there.
        Err(_) if fs::symlink_metadata(path).is_err_and(is_absent) => Ok(()),
        done => done,
    }
}
