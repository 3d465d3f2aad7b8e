//! `farwatch-collector`: reads the command line, starts logging, runs one command.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use farwatch_collector::args::{Arguments, Command, TenantCommand, TokenCommand, UserCommand};
use farwatch_collector::config::Config;
use farwatch_collector::{api, collector, local};
use farwatch_common::config::ConfigError;
use farwatch_common::{logging, signals};
use farwatch_common::secret::Secret;

/// Wrong command line or configuration (sysexits EX_USAGE).
const USAGE: u8 = 64;
/// Longest password file that is read.
const PASSWORD_BYTES_MAX: u64 = 4096;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are errors to clap, but good ends to a person.
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("farwatch-collector: {error:#}");
            let usage = error.downcast_ref::<ConfigError>().is_some();
            ExitCode::from(if usage { USAGE } else { 1 })
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(serve) => {
            let config = serve.load()?;
            start_logging(&config)?;
            let stop = signals::stop_requested()?;
            block_on(async {
                collector::serve(config, stop.cancelled()).await?;
                Ok(())
            })
        }
        Command::User(UserCommand::Create { local, email, password_file, role, tenant }) => {
            let config = local.load()?;
            let password = read_secret(&password_file)?;
            block_on(local::user_create(&config, &email, password, &role, tenant.as_deref()))
        }
        Command::Tenant(TenantCommand::Create { local, name, json }) => {
            let config = local.load()?;
            block_on(local::tenant_create(&config, &name, json))
        }
        Command::Token(TokenCommand::Create { local, tenant, site, json }) => {
            let config = local.load()?;
            block_on(local::token_create(&config, &tenant, &site, json))
        }
        Command::Openapi => {
            print!("{}", api::openapi());
            Ok(())
        }
        Command::Migrate(local) => {
            let config = local.load()?;
            block_on(local::migrate(&config))
        }
        Command::CheckConfig { local, print } => {
            let config = local.load()?;
            if print {
                print!("{}", toml::to_string_pretty(&config)?);
            } else {
                println!("the configuration is good");
            }
            Ok(())
        }
    }
}

fn start_logging(config: &Config) -> anyhow::Result<()> {
    let filter = std::env::var(logging::FILTER_VARIABLE);
    logging::init(filter.as_deref().unwrap_or(&config.log.filter))?;
    Ok(())
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(work)
}

/// A secret from a file or standard input, without the line end an editor leaves.
fn read_secret(path: &Path) -> anyhow::Result<Secret> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().take(PASSWORD_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(PASSWORD_BYTES_MAX).read_to_string(&mut text))
    }
    .with_context(|| format!("cannot read the password from {}", path.display()))?;
    Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
}
