//! Builds the product's binaries, always for the whole workspace: cargo then unifies features once and
//! every verb shares the same artifacts.

use std::path::{Path, PathBuf};

use crate::{Result, cmd::Cmd, repo};

/// When a program was made, in seconds since 1970.
const DATE: &str = "SOURCE_DATE_EPOCH";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What tests and the demo run: dependencies are optimised a little, ours are not.
    Dev,
    Release,
}

/// Builds every binary and returns the folder that holds them.
pub(crate) fn binaries() -> Result<PathBuf> {
    Cmd::new("cargo").args(["build", "--workspace", "--bins"]).run()?;
    Ok(folder(Profile::Dev))
}

/// The same of a release for these only: each that links the collector takes a minute. It is dated by its
/// commit, and so is the same whenever it is built (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub(crate) fn release<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<PathBuf> {
    let mut cargo = Cmd::new("cargo").args(["build", "--workspace", "--release"]);
    if std::env::var_os(DATE).is_none()
        && let Ok(seconds) = Cmd::new("git").args(["log", "-1", "--format=%ct"]).stdout()
    {
        cargo = cargo.env(DATE, seconds.trim());
    }
    names.into_iter().fold(cargo, |cargo, name| cargo.args(["--bin", name])).run()?;
    Ok(folder(Profile::Release))
}

/// Where cargo puts the binaries of a profile.
pub(crate) fn folder(profile: Profile) -> PathBuf {
    repo::target().join(match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    })
}

/// The path of one built binary in `folder`.
pub(crate) fn binary(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
