use std::io;
use std::path::Path;

/// Makes `path` and what is missing above it. The installer closes its parent to others.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}
