use std::process::ExitCode;

fn main() -> ExitCode {
    farwatch_agent::args::main()
}
