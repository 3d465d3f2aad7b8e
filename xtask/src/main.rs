//! The verbs of `./x`: one module each. Every verb prints the plain commands it runs, so that nothing
//! here is magic and each line can be run by hand. Progress goes to stderr, results to stdout.

mod audit;
mod bench;
mod build;
mod ci;
mod cmd;
mod demo;
mod http;
mod install;
mod json;
mod openapi;
mod repo;
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

  demo [--data-dir D] [--http 127.0.0.1:PORT]
                  build everything, then run a collector, an agent and five simulated routers;
                  prints `ready URL USER PASSWORD`; Ctrl-C stops it, a second run resumes it
  test [GROUP]    install what is missing and run all tests, or one group:
                  unit, it, network, store, web, e2e
  ci              what CI runs: fmt, tidy, clippy, deny, openapi --check, test
  web [--dev]     build the web UI; --dev serves it with live reload, /api goes to the demo
  openapi [--check]
                  write collector/web/openapi.json and src/api.gen.ts; --check only compares
  tidy            check the repository against its own rules
  bench [NAME] [--json]
                  release build, then the benchmarks in tests/bench; one line per figure
  audit           compare dependencies with the advisory database (needs the network)
  help            this text

Exit codes: 0 done, 1 failed, 64 usage; audit: 69 when the database cannot be reached.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let verb = args.first().map_or("help", String::as_str);
    let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    let outcome = match (verb, rest.as_slice()) {
        ("help" | "-h" | "--help", []) => {
            cmd::result(HELP.trim_end());
            Ok(())
        }
        ("demo", _) => match demo::Options::parse(&rest) {
            Ok(options) => demo::run(&options),
            Err(problem) => return usage(&problem),
        },
        ("test", []) => test::run(None),
        ("test", [group]) => match test::Group::parse(group) {
            Ok(group) => test::run(Some(group)),
            Err(problem) => return usage(&problem),
        },
        ("ci", []) => ci::run(),
        ("web", []) => web::build(),
        ("web", ["--dev"]) => web::dev(),
        ("openapi", []) => openapi::run(openapi::Mode::Write),
        ("openapi", ["--check"]) => openapi::run(openapi::Mode::Check),
        ("tidy", []) => tidy::run(),
        ("bench", _) => match bench::Options::parse(&rest) {
            Ok(options) => bench::run(&options),
            Err(problem) => return usage(&problem),
        },
        ("audit", []) => match audit::run() {
            Ok(outcome) => return outcome.into(),
            Err(e) => Err(e),
        },
        _ => return usage(&format!("unknown: {}", args.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            cmd::note(&format!("failed: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    cmd::note(problem);
    cmd::note("`./x help` lists the verbs");
    ExitCode::from(EXIT_USAGE)
}
