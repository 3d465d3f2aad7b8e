//! Skips a step whose inputs have not changed since it last succeeded.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

/// A hash of file names and contents. FNV-1a: this finds changes, it defends against nobody.
#[derive(Clone)]
pub(crate) struct Hash(u64);

impl Hash {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        let length = (bytes.len() as u64).to_le_bytes();
        for byte in length.iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self
    }

    /// Adds a file, or every file below a folder in the order of their names, less those `skip` names.
    pub(crate) fn path(self, path: &Path, skip: &[&str]) -> Result<Self> {
        let name = path.file_name().unwrap_or_default();
        if skip.iter().any(|s| name == *s) {
            return Ok(self);
        }
        let hash = self.bytes(name.as_encoded_bytes());
        if path.is_dir() {
            let entries = fs::read_dir(path)?.map(|e| e.map(|e| e.path()));
            let mut entries: Vec<PathBuf> = entries.collect::<std::io::Result<_>>()?;
            entries.sort();
            return entries.iter().try_fold(hash, |hash, entry| hash.path(entry, skip));
        }
        Ok(hash.bytes(&fs::read(path)?))
    }

    fn text(&self) -> String {
        format!("{:016x}\n", self.0)
    }
}

/// Whether the step stamped at `file` ran with these inputs.
pub(crate) fn is_fresh(file: &Path, hash: &Hash) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == hash.text())
}

/// Notes that the step succeeded with these inputs.
pub(crate) fn write(file: &Path, hash: &Hash) -> Result {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, hash.text())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tells_contents_names_and_borders_apart() {
        let of = |parts: &[&str]| {
            parts.iter().fold(Hash::new(), |hash, part| hash.bytes(part.as_bytes())).text()
        };
        assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
        assert_ne!(of(&["a", "b"]), of(&["ab"]));
        assert_ne!(of(&["a", "b"]), of(&["b", "a"]));
    }

    #[test]
    fn skipped_names_do_not_count() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let all = Hash::new().path(here, &[]).unwrap().text();
        assert_ne!(all, Hash::new().path(here, &["main.rs"]).unwrap().text());
        assert_eq!(all, Hash::new().path(here, &["no such file"]).unwrap().text());
    }
}
