//! How far back what waits reaches, in a few bytes beside the file. Of a file that cannot be read, what is
//! lost is declared from then on: up to five minutes too early, never too late.

use std::path::{Path, PathBuf};

use farwatch_common::clock::Micros;
use farwatch_common::file::{read_if_present, write_private};

use super::order::{chunk, chunk_start};

const FILE_NAME: &str = "buffer.since";

/// What was written last.
#[derive(Debug)]
pub(super) struct Since {
    path: PathBuf,
    chunk: Option<i64>,
}

impl Since {
    #[must_use]
    pub(super) fn new(dir: &Path) -> Self {
        Self { path: dir.join(FILE_NAME), chunk: None }
    }

    /// `oldest` is of what the file holds and has to tell, or now. Costs a write each five minutes.
    pub(super) fn keep(&mut self, oldest: Micros) {
        let chunk = chunk(oldest);
        if self.chunk == Some(chunk) {
            return;
        }
        // A disk that takes nothing keeps what was there, which is most often older.
        let start = chunk_start(chunk).0.to_string();
        if write_private(&self.path, start.as_bytes()).is_ok() {
            self.chunk = Some(chunk);
        }
    }
}

/// What is beside the file in `dir`, if it can be read.
#[must_use]
pub(super) fn read(dir: &Path) -> Option<Micros> {
    let bytes = read_if_present(&dir.join(FILE_NAME)).ok()??;
    Some(Micros(str::from_utf8(&bytes).ok()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_back_to_the_oldest_and_is_written_when_that_moves() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        let minute = 60 * Micros::SECOND;
        let mut since = Since::new(dir.path());
        for (oldest, told) in [(61, 60), (63, 60), (65, 65), (58, 55)] {
            since.keep(Micros(oldest * minute));
            assert_eq!(read(dir.path()), Some(Micros(told * minute)));
        }
        std::fs::write(dir.path().join(FILE_NAME), "soon").unwrap();
        assert_eq!(read(dir.path()), None);
    }
}
