//! A file that only takes up room. On a full disk a database cannot even delete, for want of room in
//! its log, nor empty the log, for want of room in its file: the ballast is dropped then, and built
//! again once there is room.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::platform;

/// Built only while this many times its size is free, lest it fills a nearly full disk.
const FREE_TIMES: u64 = 2;
/// Written at a time.
const PIECE_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    /// Of 0 `bytes` there is none.
    #[must_use]
    pub fn new(path: PathBuf, bytes: u64) -> Self {
        Self { path, bytes }
    }

    /// Builds it if there is ample room; says whether it stands. Where the system does not tell what
    /// is free, building it is the question.
    #[must_use]
    pub fn keep(&self) -> bool {
        self.stands() || (self.has_ample_room() && self.build().is_ok())
    }

    /// Builds it right after it was dropped, in the room that was made for it; says whether it stands.
    #[must_use]
    pub fn again(&self) -> bool {
        self.stands() || self.build().is_ok()
    }

    pub fn drop_it(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What is free beside it, if the system tells.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        self.path.parent().and_then(platform::volume_free_bytes)
    }

    fn stands(&self) -> bool {
        self.bytes == 0 || fs::metadata(&self.path).is_ok_and(|file| file.len() >= self.bytes)
    }

    fn has_ample_room(&self) -> bool {
        self.free_bytes().is_none_or(|free| free > FREE_TIMES * self.bytes)
    }

    /// Its bytes are not zero, lest a file system leaves them out.
    fn build(&self) -> io::Result<()> {
        let built = fs::File::create(&self.path).and_then(|mut file| {
            let piece: Vec<u8> =
                (0..PIECE_BYTES as u32).map(|at| (at ^ (at >> 7)) as u8 | 1).collect();
            let mut left = self.bytes;
            while left > 0 {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
                file.write_all(&piece[..length])?;
                left -= length as u64;
            }
            file.sync_all()
        });
        if built.is_err() {
            // Half a ballast would keep what little room there is.
            let _ = fs::remove_file(&self.path);
        }
        built
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_built_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ballast");
        let ballast = Ballast::new(path.clone(), 100_000);
        assert!(!ballast.stands());
        assert!(ballast.keep() && ballast.stands());
        assert_eq!(fs::metadata(&path).unwrap().len(), 100_000);
        // What was cut short is no ballast.
        fs::write(&path, b"less").unwrap();
        assert!(!ballast.stands());
        assert!(ballast.again());
        assert_eq!(fs::metadata(&path).unwrap().len(), 100_000);
        ballast.drop_it().unwrap();
        ballast.drop_it().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn one_that_leaves_too_little_is_not_built() {
        let dir = tempfile::tempdir().unwrap();
        let Some(free) = platform::volume_free_bytes(dir.path()) else { return };
        let ballast = Ballast::new(dir.path().join("ballast"), free.saturating_mul(2) / 3);
        assert!(!ballast.keep());
        assert!(!dir.path().join("ballast").exists());
        let nowhere = Ballast::new(dir.path().join("none/ballast"), 1);
        assert!(!nowhere.again());
        assert!(Ballast::new(dir.path().join("none"), 0).keep(), "none is wanted");
    }
}
