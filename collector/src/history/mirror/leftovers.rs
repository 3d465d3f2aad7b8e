//! What a `git` that was killed leaves behind: locks that nobody gives back, halves of files.

use std::fs;
use std::io;
use std::path::Path;

/// Depth of `objects/pack/tmp_pack_1`, and of branches whose names hold slashes.
const DEPTH_MAX: usize = 6;

/// Removes it from a repository that nobody writes to; says how many files that were.
pub(super) fn remove(repository: &Path) -> io::Result<usize> {
    within(repository, 0)
}

fn within(dir: &Path, depth: usize) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // Links are not followed.
        if entry.file_type()?.is_dir() {
            if depth < DEPTH_MAX {
                removed += within(&entry.path(), depth + 1)?;
            }
        } else if is_left(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Objects and packs have names of their own, and no ref ends with `.lock`.
fn is_left(name: &str) -> bool {
    name.ends_with(".lock")
        || name == "gc.pid"
        || ["tmp_", ".tmp-", "fast_import_crash_"].iter().any(|begin| name.starts_with(begin))
}
