//! The note in a data directory whose rows are in PostgreSQL.
//!
//! Without the URL a command would serve from an old file, or make an empty one, and acknowledge there
//! what agents then forget. So `serve` and `migrate-to` leave a note, and nobody opens a file beside it.

use std::path::{Path, PathBuf};

use farwatch_common::file::{read_if_present, write_private};

use super::{Server, StoreError};

/// A name that says what it is to whoever lists the directory.
const FILE_NAME: &str = "database-is-in-postgresql";

/// Of the note.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// Notes that the rows of `data_dir` are at `server`.
pub(crate) fn note(data_dir: &Path, server: &Server) -> Result<(), StoreError> {
    let path = path(data_dir);
    let text = format!("{server:?}\n");
    if read_if_present(&path).is_ok_and(|there| there.as_deref() == Some(text.as_bytes())) {
        return Ok(());
    }
    write_private(&path, text.as_bytes()).map_err(|source| StoreError::Note { path, source })
}

/// Where the rows of `data_dir` are, if not in its file.
pub(crate) fn noted(data_dir: &Path) -> Result<Option<String>, StoreError> {
    let path = path(data_dir);
    match read_if_present(&path) {
        Ok(text) => Ok(text.map(|text| String::from_utf8_lossy(&text).trim().to_owned())),
        Err(source) => Err(StoreError::Note { path, source }),
    }
}

/// Refuses to open the file of a directory whose rows are elsewhere.
pub(super) fn check(data_dir: &Path) -> Result<(), StoreError> {
    match noted(data_dir)? {
        Some(server) => Err(StoreError::Elsewhere { server, note: path(data_dir) }),
        None => Ok(()),
    }
}

/// As an operator who goes back to the file.
#[cfg(test)]
pub(crate) fn forget(data_dir: &Path) -> std::io::Result<()> {
    std::fs::remove_file(path(data_dir))
}
