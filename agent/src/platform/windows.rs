use std::io;
use std::path::{Path, PathBuf};

fn program_data() -> PathBuf {
    std::env::var_os("ProgramData").map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from)
}

#[must_use]
pub fn default_state_dir() -> PathBuf {
    program_data().join(r"Farwatch\Agent")
}

#[must_use]
pub fn default_config_file() -> PathBuf {
    program_data().join(r"Farwatch\agent.toml")
}

#[must_use]
pub fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".into())
}

/// Makes `path` if needed. The installer closes its parent to others.
pub fn private_dir(path: &Path) -> io::Result<()> {
    farwatch_common::platform::create_private_dir(path)
}

/// Not known here.
#[must_use]
pub fn process_state(_pid: u32) -> Option<super::ProcessState> {
    None
}

/// Not known here: the buffer then takes its default cap.
#[must_use]
pub fn volume_bytes(_path: &Path) -> Option<u64> {
    None
}
