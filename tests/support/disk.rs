//! A disk that is soon full: a file system in memory of a few MiB, and somebody else who fills it. Takes root.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What somebody else writes at a time.
const CHUNK: [u8; 16 * 1024] = [0x5a; 16 * 1024];

/// Unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    pub path: PathBuf,
}

impl SmallDisk {
    /// `None` where this user may mount nothing.
    #[must_use]
    pub fn mount(path: &Path, mib: u32) -> Option<Self> {
        std::fs::create_dir_all(path).ok()?;
        let size = format!("size={mib}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path);
        let mounted = mount.output().is_ok_and(|ran| ran.status.success());
        mounted.then(|| Self { path: path.to_owned() })
    }

    /// Somebody else writes until nothing is free.
    #[must_use]
    pub fn fill(&self) -> Filler {
        let path = self.path.join("somebody-elses");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&CHUNK).is_ok() {}
        Filler { path }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that is about to end may hold it a moment longer.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// Gives the room back when dropped.
#[derive(Debug)]
pub struct Filler {
    path: PathBuf,
}

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
