//! What the agent knows of operating systems: paths, names, file modes, volumes, echo
//! requests and routes.

pub mod icmp;
pub mod routes;

#[cfg(not(unix))]
#[path = "platform/windows.rs"]
mod system;
#[cfg(unix)]
#[path = "platform/unix.rs"]
mod system;

pub use system::{
    default_config_file, default_state_dir, host_name, private_dir, process_state, volume_bytes,
};

/// What the system says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// There is none of this number.
    Gone,
    /// A signal has stopped it, or a debugger.
    Stopped,
    Alive,
}

/// For example `linux/x86_64`.
#[must_use]
pub fn name() -> String {
    format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_a_size_and_a_host_a_name() {
        let dir = tempfile::tempdir().unwrap();
        assert!(volume_bytes(dir.path()).is_none_or(|bytes| bytes > 0));
        assert!(!host_name().is_empty());
        assert!(name().contains('/'));
    }

    #[cfg(unix)]
    #[test]
    fn a_private_dir_is_closed_to_others_even_if_it_was_open() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        private_dir(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
