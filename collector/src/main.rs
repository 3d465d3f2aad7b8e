//! The collector's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    farwatch_collector::args::main()
}
