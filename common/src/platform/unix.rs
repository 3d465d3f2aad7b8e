use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Only the owner may look inside.
const PRIVATE: u32 = 0o700;

/// Makes `path` and what is missing above it, closed to others. One that is there stays as its
/// owner set it.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(path)
}
