use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use farwatch_common::platform::create_private_dir;

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

/// Size of the volume that holds `path`.
#[must_use]
pub fn volume_bytes(path: &Path) -> Option<u64> {
    let volume = rustix::fs::statvfs(path).ok()?;
    volume.f_blocks.checked_mul(volume.f_frsize)
}
