//! The verbs of `./x`: one module each. Every verb prints the plain commands it runs, so that nothing
//! here is magic and each line can be run by hand. Progress goes to stderr, results to stdout.

mod audit;
mod bench;
mod build;
mod ci;
mod cmd;
mod demo;
mod docs;
mod faults;
mod fuzz;
mod http;
mod install;
mod json;
mod openapi;
mod postgres;
mod repo;
mod roles;
mod services;
mod stack;
mod stamp;
mod test;
mod tidy;
mod web;

use std::error::Error;
use std::process::ExitCode;

/// xtask reports to a person: an error is its text, and says what to do next.
type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const EXIT_USAGE: u8 = 64;

const HELP: &str = "\
Usage: ./x VERB

  demo [--small] [--fresh] [--remove] [--data-dir D] [--http 127.0.0.1:PORT]
                  build everything, then run a collector, and two tenants with three agents and
                  30 simulated devices, or with --small one with five routers; prints
                  `ready URL USER PASSWORD`; Ctrl-C stops it, a second run resumes it,
                  --fresh removes what earlier runs have left, --remove does that and no more
  test [GROUP]    install what is missing and run all tests, or one group:
                   unit, it, network, store, web, e2e, demo
  ci              what CI runs: fmt, tidy, docs, clippy, deny, openapi --check, roles --check, test
  web [--dev]     build the web UI; --dev serves it with live reload, /api goes to the demo
  openapi [--check]
                  write collector/web/openapi.json and src/api.gen.ts; --check only compares
  docs [--open]   build the documentation into target/docs and check its links; --open prints
                  the address of its first page
  roles [--check] write docs/roles.md: who may call what; --check only compares
  tidy            check the repository against its own rules
  bench [NAME] [--json]
                  release build, then the benchmarks in tests/bench; one line per figure
  faults [--rounds N] [--json] [--debug] [ROW...]
                  release build, or with --debug none, then the faults of docs/delivery.md, or those
                  rows: what was measured beside what is promised; --help says how long it takes
  fuzz [TARGET] [SECONDS]
                  run the fuzz targets in tests/fuzz, or one of them, 60 s each
  audit           compare dependencies with the advisory database (needs the network)
  help            this text

Exit codes: 0 done, 1 failed, 64 usage; audit: 69 when the database cannot be reached.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let verb = args.first().map_or("help", String::as_str);
    let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let outcome = match run(verb, &rest) {
        Ok(outcome) => outcome,
        Err(problem) => {
            cmd::note(&problem);
            cmd::note("`./x help` lists the verbs");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    outcome.unwrap_or_else(|problem| {
        cmd::note(&format!("failed: {problem}"));
        ExitCode::FAILURE
    })
}

/// The outer error is a wrong use, the inner one a failure.
fn run(verb: &str, rest: &[&str]) -> std::result::Result<Result<ExitCode>, String> {
    let done = |outcome: Result| outcome.map(|()| ExitCode::SUCCESS);
    Ok(match (verb, rest) {
        ("help" | "-h" | "--help", []) => {
            cmd::result(HELP.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        ("demo", _) => done(demo::run(&demo::Options::parse(rest)?)),
        ("test", []) => test::run(None),
        ("test", [group]) => test::run(Some(test::Group::parse(group)?)),
        ("ci", []) => ci::run(),
        ("web", []) => done(web::build()),
        ("web", ["--dev"]) => done(web::dev()),
        ("openapi", []) => done(openapi::run(openapi::Mode::Write)),
        ("openapi", ["--check"]) => done(openapi::run(openapi::Mode::Check)),
        ("docs", []) => done(docs::build().map(drop)),
        ("docs", ["--open"]) => done(docs::open()),
        ("roles", []) => done(roles::run(openapi::Mode::Write)),
        ("roles", ["--check"]) => done(roles::run(openapi::Mode::Check)),
        ("tidy", []) => done(tidy::run()),
        ("bench", _) => done(bench::run(&bench::Options::parse(rest)?)),
        ("faults", words) => faults::run(words),
        ("fuzz", _) => done(fuzz::run(&fuzz::Options::parse(rest)?)),
        ("audit", []) => audit::run().map(ExitCode::from),
        _ => return Err(format!("unknown: {verb} {}", rest.join(" "))),
    })
}
