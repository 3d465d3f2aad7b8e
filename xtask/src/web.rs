//! `./x web`: the web UI. `npm ci` runs only when the lock file changed, the build only when a source
//! changed. `cargo build` alone never runs npm.

use std::path::PathBuf;

use crate::stamp::{self, Hash};
use crate::{Result, cmd::Cmd, cmd::note, repo};

/// What a build of the UI does not read.
const NOT_SOURCES: [&str; 5] = ["node_modules", "dist", "e2e", "coverage", "README.md"];

/// An `npm` command in the UI's folder.
pub(crate) fn npm<const N: usize>(args: [&str; N]) -> Cmd {
    Cmd::new(if cfg!(windows) { "npm.cmd" } else { "npm" }).dir("collector/web").args(args)
}

/// Brings `node_modules` to what the lock file says.
pub(crate) fn install() -> Result {
    let web = repo::web();
    if !web.join("package-lock.json").exists() {
        return Err("collector/web/package-lock.json is missing: the web UI is not here".into());
    }
    // The stamp lives in the folder that it vouches for, and goes with it.
    let stamp_file = web.join("node_modules/.installed");
    let hash = Hash::new().path(&web.join("package-lock.json"), &[])?;
    if stamp::is_fresh(&stamp_file, &hash) {
        return Ok(());
    }
    npm(["ci", "--no-audit", "--no-fund"]).run()?;
    stamp::write(&stamp_file, &hash)
}

/// Builds `collector/web/dist`.
pub(crate) fn build() -> Result {
    install()?;
    let hash = Hash::new().path(&repo::web(), &NOT_SOURCES)?;
    if repo::web().join("dist/index.html").exists() && stamp::is_fresh(&dist_stamp(), &hash) {
        note("collector/web/dist is up to date");
        return Ok(());
    }
    npm(["run", "build"]).run()?;
    // Hashed again: a build may write generated sources (the route tree).
    stamp::write(&dist_stamp(), &Hash::new().path(&repo::web(), &NOT_SOURCES)?)
}

/// Serves the UI with live reload until Ctrl-C.
pub(crate) fn dev() -> Result {
    install()?;
    npm(["run", "dev"]).interactive().run()
}

fn dist_stamp() -> PathBuf {
    repo::target().join("stamps/web-dist")
}
