use std::io;
use std::path::Path;
use std::time::Duration;

use socket2::SockRef;

/// Makes `path` and what is missing above it. The installer closes its parent to others.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)
}

/// The system's own time counts, until a TCP connection without acknowledgements is given up.
pub fn give_up_after(_: &SockRef<'_>, _: Duration) -> io::Result<()> {
    Ok(())
}

/// Not known here.
#[must_use]
pub fn volume_free_bytes(_path: &Path) -> Option<u64> {
    None
}
