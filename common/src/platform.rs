//! What both programs need to know of operating systems; the agent's own part is in its `platform`.

#[cfg(not(unix))]
#[path = "platform/windows.rs"]
mod system;
#[cfg(unix)]
#[path = "platform/unix.rs"]
mod system;

pub(crate) use system::steady_time;
pub use system::{create_private_dir, give_up_after, volume_free_bytes};

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn steady_time_counts_from_the_boot_with_all_sleep() {
        let told = std::fs::read_to_string("/proc/uptime").unwrap();
        let since_boot: f64 = told.split(' ').next().unwrap().parse().unwrap();
        assert!((steady_time().as_secs_f64() - since_boot).abs() < 60.0, "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn a_new_directory_is_closed_to_others_and_an_old_one_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let mode =
            |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (new, old) = (dir.path().join("a/b"), dir.path().join("old"));
        create_private_dir(&new).unwrap();
        assert_eq!((mode(&dir.path().join("a")), mode(&new)), (0o700, 0o700));
        std::fs::create_dir(&old).unwrap();
        std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o750)).unwrap();
        create_private_dir(&old).unwrap();
        assert_eq!(mode(&old), 0o750);
    }
}
