use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::Duration;

use socket2::SockRef;

/// Only the owner may look inside.
const PRIVATE: u32 = 0o700;

/// Makes `path` and what is missing above it, closed to others. One that is there stays as its
/// owner set it.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(path)
}

/// Gives a TCP connection up on which data was not acknowledged for so long. Elsewhere than on Linux the
/// system's own, longer time counts.
pub fn give_up_after(socket: &SockRef<'_>, silence: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(silence))?;
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, silence);
    Ok(())
}

/// What is free of the volume that holds `path`, for this user.
#[must_use]
pub fn volume_free_bytes(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path).ok()?;
    volume.f_bavail.checked_mul(volume.f_frsize)
}

/// Time that nobody sets, and that goes on while the host sleeps: by one that stands still meanwhile each
/// sleep would look like a wall clock that was set. Linux has a clock for it (clock_gettime(2)); on macOS
/// the usual one goes on, and only that behind `Instant` does not.
pub(crate) fn steady_time() -> Duration {
    #[cfg(target_os = "linux")]
    let id = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let id = rustix::time::ClockId::Monotonic;
    let steady = rustix::time::clock_gettime(id);
    let seconds = u64::try_from(steady.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(steady.tv_nsec).unwrap_or(0))
}
