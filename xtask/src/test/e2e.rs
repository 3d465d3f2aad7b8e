//! A browser against a whole running [`Stack`]: real collector, agent and routers in a fresh folder.

use std::fs;

use super::count::Count;
use crate::build::{self, Profile};
use crate::stack::place::free_port;
use crate::stack::{EMAIL, Settings, Stack};
use crate::{Result, cmd::Cmd, repo};

pub(super) fn run() -> Result<Count> {
    let folder = repo::target().join("e2e");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let pictures = folder.join("pictures");
    fs::create_dir_all(&pictures)?;
    let settings = Settings {
        folder: folder.join("stack"),
        binaries: build::folder(Profile::Dev),
        http: free_port()?,
    };
    let mut stack = Stack::up(&settings)?;
    let smoke = Cmd::new("node")
        .arg("collector/web/e2e/smoke.mjs")
        .args([stack.url.as_str(), EMAIL])
        .arg(&pictures)
        .input(&stack.password)
        .tee()?;
    stack.check()?;
    let count = Count::of_plain(&smoke.text);
    let count = count.unwrap_or(Count { passed: u64::from(smoke.status.success()), failed: 0 });
    if !smoke.status.success() && count.failed == 0 {
        return Err(format!("the browser test ended with {}", smoke.status).into());
    }
    Ok(count)
}
