//! `./x faults [--rounds N] [--json] [ROW…]`: a release build, then `farwatch-faults`, which does to real processes
//! what docs/delivery.md promises that they survive, and prints what was measured beside what is promised.

use std::process::ExitCode;

use crate::build;
use crate::{Result, cmd::Cmd, install};

const RUNNER: &str = "farwatch-faults";
const PRODUCT: [&str; 2] = ["farwatch-collector", "farwatch-agent"];

/// `words` are the runner's; it knows its rows.
pub(crate) fn run(words: &[&str]) -> Result<ExitCode> {
    install::postgres()?;
    install::faults()?;
    let folder = build::release(PRODUCT.into_iter().chain([RUNNER]))?;
    let status = Cmd::new(build::binary(&folder, RUNNER)).args(words).results()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
