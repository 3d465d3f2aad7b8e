//! A file that only takes up room: on a full disk SQLite cannot even delete, for want of room in
//! its log. The ballast is dropped then, and built again once there is room.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Enough for the log of an eviction.
pub(super) const BALLAST_BYTES: usize = 2 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    bytes: usize,
}

impl Ballast {
    pub(super) fn new(path: PathBuf, bytes: usize) -> Self {
        Self { path, bytes }
    }

    /// Makes the file if it is not there. Its bytes are not zero, lest a file system leaves them out.
    pub(super) fn build(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() >= self.bytes as u64) {
            return Ok(());
        }
        let built = fs::File::create(&self.path).and_then(|mut file| {
            let piece: Vec<u8> = (0..64 * 1024u32).map(|at| (at ^ (at >> 7)) as u8 | 1).collect();
            let mut left = self.bytes;
            while left > 0 {
                let length = left.min(piece.len());
                file.write_all(&piece[..length])?;
                left -= length;
            }
            file.sync_all()
        });
        if built.is_err() {
            // Half a ballast would keep what little room there is.
            let _ = fs::remove_file(&self.path);
        }
        built
    }

    pub(super) fn drop_it(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
