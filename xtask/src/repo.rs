//! Where things are in the repository.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
});

pub(crate) fn root() -> &'static Path {
    &ROOT
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, else `target`.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Where the person who typed the command is: `./x` itself changes to the root.
pub(crate) fn called_from() -> PathBuf {
    std::env::var_os("X_CALLED_FROM").map_or_else(PathBuf::new, PathBuf::from)
}

pub(crate) fn web() -> PathBuf {
    root().join("collector/web")
}
