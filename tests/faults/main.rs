//! `farwatch-faults`: does to real processes what the promise says they survive, and prints what was measured
//! beside what is promised; `--help` says how it is called.
//!
//! Each round has processes, folders and a runtime of its own, takes at most a minute (F19 a few), and happens on
//! each engine that the row has to do with.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Instant;

use farwatch_support::faults::table::{self, Line, Outcome, counted};
use farwatch_support::faults::{Engine, Ground, Measured, ROWS, Row, Skipped, row};

const EXIT_USAGE: u8 = 64;
const EXIT_SKIPPED: u8 = 77;
/// How often a round does what the row says, where once is not much.
const TIMES: usize = 5;
/// Making and removing the processes of a round is not in its minute.
const AROUND: std::time::Duration = std::time::Duration::from_secs(30);

const USAGE: &str = "\
Usage: farwatch-faults [--rounds N] [--json] [ROW...]
All rows, one round each, by default. Exit codes: 0 all promises were kept, 1 one was not, 64 usage,
77 a row could not be done here. The rows:";

struct Options {
    help: bool,
    rounds: u64,
    json: bool,
    rows: Vec<&'static Row>,
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { help: false, rounds: 1, json: false, rows: Vec::new() };
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                "--help" | "-h" => options.help = true,
                "--json" => options.json = true,
                "--rounds" => {
                    let number = words.next().and_then(|text| text.parse().ok());
                    options.rounds = number.filter(|rounds| *rounds > 0).ok_or("--rounds N")?;
                }
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}; --help lists them"));
                }
                id => options.rows.push(row(id).ok_or_else(|| {
                    let known: Vec<_> = ROWS.iter().map(|row| row.id).collect();
                    format!("no row {id}: there are {}", known.join(", "))
                })?),
            }
        }
        if options.rows.is_empty() {
            options.rows.extend(ROWS);
        }
        Ok(options)
    }

    /// What is to be done, and how long that takes at most.
    fn plan(&self) -> String {
        let of = |row: &&Row| row.engines.len() as u64 * self.rounds;
        let rounds: u64 = self.rows.iter().map(of).sum();
        let most: u64 = self.rows.iter().map(|row| of(row) * row.within().as_secs()).sum();
        let (rows, rounds) = (counted(self.rows.len(), "row"), counted(rounds as usize, "round"));
        format!("{rows}, {rounds}: mostly 10 to 40 s each, {} min at most", most.div_ceil(60))
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if options.help {
        println!("{USAGE}");
        ROWS.iter().for_each(|row| println!("  {:<5}{}", row.id, row.title));
        return ExitCode::SUCCESS;
    }
    eprintln!("{}", options.plan());
    let mut lines = Vec::new();
    for row in &options.rows {
        for engine in row.engines {
            let mut line = Line::new(row, *engine);
            for round in 0..options.rounds {
                let began = Instant::now();
                let outcome = one(row, *engine, round);
                let took = began.elapsed().as_secs();
                let (id, engine, of) = (row.id, engine.name(), options.rounds);
                eprintln!("{id} {engine} {}/{of}: {} in {took} s", round + 1, outcome.word());
                line.add(outcome);
                if line.is_skipped() {
                    break;
                }
            }
            lines.push(line);
        }
    }
    if options.json {
        lines.iter().flat_map(Line::json).for_each(|line| println!("{line}"));
    } else {
        println!("{}\n\n{}", table::table(&lines), table::closing(&lines));
    }
    if !lines.iter().all(Line::is_kept) {
        return ExitCode::FAILURE;
    }
    if lines.iter().any(Line::is_skipped) {
        return ExitCode::from(EXIT_SKIPPED);
    }
    ExitCode::SUCCESS
}

/// One round, with whatever may happen in it.
fn one(row: &Row, engine: Engine, round: u64) -> Outcome {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Outcome::Broken(error.to_string()),
    };
    let measured = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let ground = Ground::new(engine, round, TIMES).await?;
            let limited = tokio::time::timeout(row.within() + AROUND, (row.round)(&ground)).await;
            limited.map_or_else(
                |late| Ok(Outcome::Broken(late.to_string())),
                |measured: Measured| measured.map(Outcome::Measured),
            )
        })
    }));
    match measured {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(Skipped(why))) => Outcome::Skipped(why),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()));
            Outcome::Broken(said.unwrap_or_default())
        }
    }
}
