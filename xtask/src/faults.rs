//! `./x faults [--rounds N] [--json] [--debug] [ROW…]`: a release build, then `farwatch-faults`, which does to real
//! processes what docs/delivery.md promises that they survive, and prints what was measured beside what is
//! promised.

use std::process::ExitCode;

use crate::build;
use crate::{Result, cmd, cmd::Cmd, cmd::note, install};

const RUNNER: &str = "farwatch-faults";
const PRODUCT: [&str; 2] = ["farwatch-collector", "farwatch-agent"];

const DEBUG: &str = "--debug";

const HELP: &str = "\
Usage: ./x faults [--rounds N] [--json] [--debug] [ROW...]

Does to real processes what docs/delivery.md promises that they survive, and prints what was measured
beside what is promised. It builds first: a release, of which the first takes ten minutes or more on
two cores.

  ROW             F1, F2... as in the table of docs/delivery.md; all of them without
  --rounds N      so often each, and the worst of them counts; 1 by default
  --json          a line of JSON for each figure, no table
  --debug         take the debug build, which `./x test` makes too: slower programs, so what is
                  promised in seconds may not be kept

A round takes a minute at most, mostly 10 to 40 s; F19 up to five minutes. One round of all rows is 31 of
them, as ten rows are done on SQLite and on PostgreSQL.

Exit codes: 0 all promises were kept, 1 one was not, 64 usage, 77 a row could not be done here.";

/// The words but for `--debug` are the runner's; it knows its rows.
pub(crate) fn run(words: &[&str]) -> Result<ExitCode> {
    if words.iter().any(|word| matches!(*word, "--help" | "-h")) {
        cmd::result(HELP);
        return Ok(ExitCode::SUCCESS);
    }
    install::postgres()?;
    install::faults()?;
    let folder = if words.contains(&DEBUG) {
        build::binaries()?
    } else {
        note("a release is built first: ten minutes or more the first time; --debug does without");
        build::release(PRODUCT.into_iter().chain([RUNNER]))?
    };
    let words = words.iter().filter(|word| **word != DEBUG);
    let status = Cmd::new(build::binary(&folder, RUNNER)).args(words).results()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
