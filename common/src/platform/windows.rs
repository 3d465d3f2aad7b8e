use std::io;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

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

/// Time that nobody sets: the performance counter goes on while the host sleeps.
#[expect(clippy::disallowed_methods, reason = "what the clock is made of")]
pub(crate) fn steady_time() -> Duration {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    Instant::now().saturating_duration_since(*FIRST)
}
