//! A Python of its own for the player of recorded SSH sessions: a venv in cargo's target folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::stamp::{self, Hash};
use crate::{Result, cmd::Cmd, cmd::note, repo};

/// Names the Python to the test.
pub(crate) const VARIABLE: &str = "FARWATCH_PYTHON";
/// Where these name nothing, there is nothing to play.
const WANTED_BY: [&str; 2] = ["FARWATCH_RECORDINGS", "FARWATCH_YARDSTICKS"];
/// What the player imports, and what speaks the ciphers of the first.
const PACKAGES: [&str; 3] = ["asyncssh==2.24.1", "cryptography==50.0.2", "pyyaml==6.0.3"];

/// The Python that plays recordings; `None`, printed, where it cannot be made: the test is skipped.
pub(crate) fn of_recordings() -> Option<String> {
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if is_set(VARIABLE) || !WANTED_BY.into_iter().all(is_set) {
        return None;
    }
    match venv(&repo::target().join("python")) {
        Ok(python) => Some(python.display().to_string()),
        Err(problem) => {
            note(&format!("skipped: no Python for recorded SSH sessions: {problem}"));
            None
        }
    }
}

/// Makes the venv, anew where it is of another Python or of other packages.
fn venv(folder: &Path) -> Result<PathBuf> {
    let version = Cmd::new("python3").arg("--version").stdout()?;
    let parts = PACKAGES.into_iter().chain([version.as_str()]);
    let hash = parts.fold(Hash::new(), |hash, part| hash.bytes(part.as_bytes()));
    let python = folder.join("bin/python");
    // The stamp lives in the folder that it vouches for, and goes with it.
    let stamp_file = folder.join(".installed");
    if python.exists() && stamp::is_fresh(&stamp_file, &hash) {
        return Ok(python);
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Cmd::new("python3").args(["-m", "venv"]).arg(folder).run()?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    Cmd::new(&python).args(pip).args(PACKAGES).run()?;
    stamp::write(&stamp_file, &hash)?;
    Ok(python)
}
