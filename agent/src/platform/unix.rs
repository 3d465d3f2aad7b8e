use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use farwatch_common::platform::create_private_dir;

use super::ProcessState;

/// Only the owner may look inside.
const PRIVATE: u32 = 0o700;

#[must_use]
pub fn default_state_dir() -> PathBuf {
    PathBuf::from("/var/lib/farwatch-agent")
}

#[must_use]
pub fn default_config_file() -> PathBuf {
    PathBuf::from("/etc/farwatch/agent.toml")
}

#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Makes `path` if needed and closes it to others.
pub fn private_dir(path: &Path) -> io::Result<()> {
    create_private_dir(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(PRIVATE))
}

/// Of the process with this number; `None` where this system does not tell.
#[must_use]
pub fn process_state(pid: u32) -> Option<ProcessState> {
    let of = |name: &str| std::fs::read_to_string(format!("/proc/{name}/stat"));
    // Not there at all: not this kind of a system.
    of("self").ok()?;
    let Ok(stat) = of(&pid.to_string()) else { return Some(ProcessState::Gone) };
    // Behind the name, which may hold anything.
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    Some(if matches!(state, 'T' | 't') { ProcessState::Stopped } else { ProcessState::Alive })
}

/// Size of the volume that holds `path`.
#[must_use]
pub fn volume_bytes(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path).ok()?;
    volume.f_blocks.checked_mul(volume.f_frsize)
}
