//! The command line.

mod backup;
mod credential;
mod probe;

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use farwatch_common::clock::Clock;
use farwatch_common::config::{ConfigError, Layers};
use farwatch_common::logging;
use farwatch_common::secret::Secret;
use farwatch_common::token::EnrollToken;
use serde::Serialize;

use self::backup::BackupArgs;
use self::probe::ProbeArgs;
use crate::config::AgentConfig;
use crate::state_dir::StateDir;
use crate::status::Status;
use crate::uplink::Proxies;
use crate::{agent, doctor, identity, platform};

const FAILED: u8 = 1;
/// EX_USAGE of sysexits: wrong use or configuration.
const USAGE: u8 = 64;
/// A token or a community is far smaller.
const SECRET_FILE_MAX: u64 = 64 * 1024;

#[derive(Debug, Parser)]
#[command(name = "farwatch-agent", version, about = "Polls the gear at a site for Farwatch")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = format!(
            "Where the agent keeps its key, its buffer and its assignment [default: {}]",
            platform::default_state_dir().display()
        )
    )]
    state_dir: Option<PathBuf>,
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trade a one-time token for this agent's certificate
    Enroll {
        /// File with the token, or - for standard input
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
        /// The collector, in place of those the token names
        #[arg(long, value_name = "HOST[:PORT]")]
        collector: Option<String>,
        /// Give up the identity this agent has
        #[arg(long)]
        force: bool,
    },
    /// Poll, buffer and send until stopped
    Run,
    /// Show identity, buffer and connection
    ///
    /// Ends with 0 if the agent is connected, with 1 if it is not or does not run.
    Status {
        #[arg(long)]
        json: bool,
    },
    /// Ask one device what it gives
    Probe(ProbeArgs),
    /// Show the configuration of one device, without its secrets
    Backup(BackupArgs),
    /// Look for what keeps this agent from its work
    Doctor {
        #[arg(long)]
        json: bool,
    },
    /// Check the configuration
    CheckConfig {
        /// Print all settings that are in effect
        #[arg(long)]
        print: bool,
    },
}

/// Runs the command line; 0 done, 1 failed, 64 wrong use or configuration.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no error. A closed pipe is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("farwatch-agent: {error:#}");
            let usage = error.downcast_ref::<ConfigError>().is_some();
            ExitCode::from(if usage { USAGE } else { FAILED })
        }
    }
}

/// Writes a result. A reader that has read enough and hung up is nobody's fault.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write the result"),
    }
}

fn say_json(told: &impl Serialize) -> anyhow::Result<()> {
    say(&format!("{}\n", serde_json::to_string_pretty(told)?))
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let config: AgentConfig = layers(&cli.common).load()?;
    let filter = std::env::var(logging::FILTER_VARIABLE).unwrap_or(config.log.filter.clone());
    logging::init(&filter)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("agent")
        .build()
        .context("cannot start the runtime")?;
    let clock = Clock::system();
    match cli.command {
        Command::Enroll { token_file, collector, force } => {
            let token = secret_file(&token_file)?;
            let text = str::from_utf8(token.expose()).context("the token file is not text")?;
            let token = EnrollToken::parse(text)?;
            // A running agent would go on under the old identity.
            let _state_dir = StateDir::lock(&config.state_dir)?;
            let proxies = Proxies::new(config.uplink.proxy);
            let dir = &config.state_dir;
            let enrolled = identity::enroll(dir, &token, collector.as_deref(), &proxies, force);
            let credentials = runtime.block_on(enrolled)?;
            say(&format!("enrolled as {} ({})\n", credentials.name, credentials.agent))?;
        }
        Command::Run => runtime.block_on(agent::run(&config, clock))?,
        Command::Status { json } => {
            let now = clock.now();
            let status = Status::of(&config, now)?;
            match json {
                true => say_json(&status)?,
                false => say(&status.to_text(now))?,
            }
            if !status.connected {
                return Ok(ExitCode::from(FAILED));
            }
        }
        Command::Probe(probe) => {
            let probed = runtime.block_on(probe.run());
            // A lookup that goes on would keep it waiting.
            runtime.shutdown_background();
            probed?;
        }
        Command::Backup(backup) => {
            let fetched = runtime.block_on(backup.run(&config.state_dir));
            runtime.shutdown_background();
            fetched?;
        }
        Command::Doctor { json } => {
            let report = runtime.block_on(doctor::examine(&config, &clock));
            runtime.shutdown_background();
            match json {
                true => say_json(&report)?,
                false => say(&report.to_text())?,
            }
            if report.has_failed() {
                bail!("something keeps this agent from its work, see above");
            }
        }
        Command::CheckConfig { print } => {
            if print {
                say(&toml::to_string_pretty(&config)?)?;
            }
            eprintln!("the configuration is sound");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn layers(common: &Common) -> Layers {
    let default = platform::default_config_file();
    let file = common.config.clone().or_else(|| default.exists().then_some(default));
    let state_dir = common
        .state_dir
        .as_ref()
        .map(|dir| ("state_dir", toml::Value::String(dir.to_string_lossy().into_owned())));
    let flags = state_dir.into_iter().collect();
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    Layers { file, environment: std::env::vars_os().filter_map(text).collect(), flags }
}

/// Reads a secret from a file, or from standard input for `-`; never from the command line, where
/// every user of the host could read it.
fn secret_file(path: &std::path::Path) -> anyhow::Result<Secret> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin()
            .take(SECRET_FILE_MAX)
            .read_to_end(&mut bytes)
            .context("cannot read standard input")?;
    } else {
        let file =
            std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        file.take(SECRET_FILE_MAX)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    while bytes.last().is_some_and(u8::is_ascii_whitespace) {
        bytes.pop();
    }
    if bytes.is_empty() {
        bail!("{} is empty", path.display());
    }
    Ok(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
