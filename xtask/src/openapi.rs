//! `./x openapi`: the collector's API description and the TypeScript types made from it. Both are
//! committed; `--check` fails when either differs from what the code says now.

use std::fs;
use std::path::Path;

use crate::build;
use crate::{Result, cmd::Cmd, cmd::note, repo, web};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Check,
}

pub(crate) fn run(mode: Mode) -> Result {
    let mut document = document()?;
    if !document.ends_with('\n') {
        document.push('\n');
    }
    web::install()?;
    let files = [repo::web().join("openapi.json"), repo::web().join("src/api.gen.ts")];
    let before = files.each_ref().map(|file| fs::read(file).unwrap_or_default());
    let made = write_both(&files[0], &document);
    let after = files.each_ref().map(|file| fs::read(file).unwrap_or_default());
    if mode == Mode::Write {
        return made;
    }
    let mut drifted = Vec::new();
    for ((file, before), after) in files.iter().zip(&before).zip(&after) {
        if before != after {
            // A check leaves no trace.
            fs::write(file, before)?;
            drifted.push(file.strip_prefix(repo::root()).unwrap_or(file).display().to_string());
        }
    }
    made?;
    if drifted.is_empty() {
        note("openapi.json and api.gen.ts match the code");
        return Ok(());
    }
    let drifted = drifted.join(" and ");
    Err(format!("{drifted} differ from the code: run ./x openapi and commit the result").into())
}

/// What the collector that is built now says of its API.
pub(crate) fn document() -> Result<String> {
    let folder = build::binaries()?;
    Cmd::new(build::binary(&folder, "farwatch-collector")).arg("openapi").stdout()
}

fn write_both(openapi: &Path, document: &str) -> Result {
    fs::write(openapi, document)?;
    web::npm(["run", "api"]).run()
}
