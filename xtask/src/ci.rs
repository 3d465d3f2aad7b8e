//! `./x ci`: what CI runs, cheapest first; the first failure ends it.

use std::process::ExitCode;
use std::time::Instant;

use crate::{Result, cmd::Cmd, cmd::note, docs, install, openapi, roles, test, tidy};

type Step = (&'static str, fn() -> Result);

const STEPS: [Step; 7] = [
    ("fmt", fmt),
    ("tidy", tidy::run),
    ("docs", || docs::build().map(drop)),
    ("clippy", clippy),
    ("deny", deny),
    ("openapi", || openapi::run(openapi::Mode::Check)),
    ("roles", || roles::run(openapi::Mode::Check)),
];

pub(crate) fn run() -> Result<ExitCode> {
    for (name, step) in STEPS {
        note(&format!("== {name}"));
        let start = Instant::now();
        step().map_err(|problem| format!("{name}: {problem}"))?;
        note(&format!("== {name} passed ({} s)", start.elapsed().as_secs()));
    }
    // Last, for its counts are the last line.
    note("== test");
    test::run(None)
}

fn fmt() -> Result {
    Cmd::new("cargo").args(["fmt", "--all", "--check"]).run()
}

fn clippy() -> Result {
    Cmd::new("cargo").args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()
}

fn deny() -> Result {
    install::cargo_deny()?;
    Cmd::new("cargo")
        .args(["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
        .run()
}
