//! What the file tells to another process: `farwatch-agent status`.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use super::batches;
use super::epochs::Epochs;
use super::{BufferError, clocks, file, losses, waiting};

/// The file's content in figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub batches: u64,
    pub bytes: u64,
    /// Event time of the oldest sample that waits, UTC microseconds by the clock that stamped last.
    pub oldest_us: Option<i64>,
    /// Batches and rows lost since the file was made, by reason and class.
    pub losses: std::collections::BTreeMap<String, u64>,
}

/// Reads the file in `dir` beside the agent that may be running; `None` if there is none.
pub fn summary(dir: &Path) -> Result<Option<Summary>, BufferError> {
    let path = dir.join(file::FILE_NAME);
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // A file that was made a moment ago has no tables yet, and that of an older version has others.
    if !connection.table_exists(None, "waiting")? {
        return Ok(None);
    }
    let fill = waiting::load(&connection)?.fill;
    let oldest = batches::oldest(&connection)?;
    let epochs = Epochs::as_saved(clocks::load(&connection)?);
    let oldest = oldest.map(|(epoch, at)| epochs.map_or(at, |known| known.to_current(epoch, at)));
    Ok(Some(Summary {
        batches: fill.batches,
        bytes: fill.bytes,
        oldest_us: oldest.map(|at| at.0),
        losses: losses::counters(&connection)?.into_iter().collect(),
    }))
}
