//! What the file tells to another process: `farwatch-agent status`.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use farwatch_common::clock::Micros;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use super::batches;
use super::epochs::Epochs;
use super::{BufferError, clocks, file, losses, retention, waiting};

/// The file's content in figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    pub batches: u64,
    pub bytes: u64,
    /// Event time of the oldest sample that waits, UTC microseconds by the clock that stamped last.
    pub oldest_us: Option<i64>,
    /// Batches and rows lost since the file was made, by reason and class, and how often the agent was killed; 0
    /// where nobody could count.
    pub losses: std::collections::BTreeMap<String, u64>,
    /// When the file was made, UTC microseconds, where the file system tells.
    pub made_us: Option<i64>,
    /// What comes in of late, in bytes a second.
    pub rate: Option<f64>,
    /// What the file takes of the disk.
    pub file_bytes: u64,
}

/// Of less time there is no rate.
const RATE_OVER_MIN: Duration = Duration::from_secs(600);

/// What was acknowledged of late and what waits, by the time that it is of.
fn rate(connection: &Connection, waits: (u64, Option<Micros>), now: Micros) -> Option<f64> {
    let (mut hours, mut unreadable) = (Vec::new(), Vec::new());
    retention::read(connection, &mut hours, &mut unreadable).ok()?;
    // Of the others only a part is still known.
    hours.retain(|hour| hour.gone.is_empty() && hour.bytes > 0);
    let (bytes, oldest) = waits;
    let from = hours.iter().map(|hour| hour.from).chain(oldest).min()?;
    let newest = hours.iter().map(|hour| hour.to).max();
    let to = oldest.map_or(newest, |_| Some(now))?;
    let bytes = hours.iter().map(|hour| hour.bytes).sum::<u64>() + bytes;
    let over = to.since(from);
    (over >= RATE_OVER_MIN).then(|| bytes as f64 / over.as_secs_f64())
}

/// Reads the file in `dir` beside the agent that may be running; `None` if there is none.
pub fn summary(dir: &Path, now: Micros) -> Result<Option<Summary>, BufferError> {
    let path = dir.join(file::FILE_NAME);
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags)?;
    // A file that was made a moment ago has no tables yet, and that of an older version has others.
    if !connection.table_exists(None, "waiting")? {
        return Ok(None);
    }
    let fill = waiting::load(&connection)?.fill;
    let oldest = batches::oldest(&connection)?;
    let epochs = Epochs::as_saved(clocks::load(&connection)?);
    let oldest = oldest.map(|(epoch, at)| epochs.map_or(at, |known| known.to_current(epoch, at)));
    let file = std::fs::metadata(&path).ok();
    let made = file.as_ref().and_then(|file| file.created().ok());
    let made = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    Ok(Some(Summary {
        rate: rate(&connection, (fill.bytes, oldest), now),
        made_us: made.map(|since| Micros(0).after(since).0),
        file_bytes: file.map_or(0, |file| file.len()),
        batches: fill.batches,
        bytes: fill.bytes,
        oldest_us: oldest.map(|at| at.0),
        losses: losses::counters(&connection)?.into_iter().collect(),
    }))
}
