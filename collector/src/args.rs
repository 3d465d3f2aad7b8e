//! The command line.

mod key;
mod local;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use farwatch_common::config::{ConfigError, Layers};
use farwatch_common::{logging, signals};
use toml::Value;

use crate::api;
use crate::config::{Config, DEFAULT_DATA_DIR, DEFAULT_FILE, MetricsTokenError};
use crate::identity::user::{self, email_normalised};
use crate::inventory::is_name;

/// Wrong usage or configuration (EX_USAGE).
const EXIT_USAGE: u8 = 64;
const EXIT_FAILURE: u8 = 1;

/// The Farwatch collector.
#[derive(Debug, Parser)]
#[command(name = "farwatch-collector", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Where the settings are.
#[derive(Debug, Args)]
struct Place {
    /// Configuration file [default: /etc/farwatch/collector.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[arg(
        long,
        value_name = "DIR",
        help = format!("Directory of the database and the keys [default: {DEFAULT_DATA_DIR}]")
    )]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the collector
    Serve {
        #[command(flatten)]
        place: Place,
        /// UDP and TCP address for agents, web UI and API
        #[arg(long, value_name = "ADDR:PORT", value_parser = socket)]
        listen: Option<SocketAddr>,
        /// Plain HTTP for the web UI and the API, on a loopback address
        #[arg(long, value_name = "127.0.0.1:PORT", value_parser = socket)]
        http: Option<SocketAddr>,
    },
    /// Manage people
    #[command(subcommand)]
    User(UserCommand),
    /// Manage tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Manage enrolment tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manage the keys that seal credentials
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Print the OpenAPI document
    Openapi,
    /// Check the configuration
    CheckConfig {
        #[command(flatten)]
        place: Place,
        /// Print all settings as they are in force
        #[arg(long)]
        print: bool,
    },
    /// Bring the database to this version's schema
    Migrate {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make a person who can sign in
    Create {
        #[command(flatten)]
        place: Place,
        #[arg(long, value_parser = email)]
        email: String,
        /// File with the password, or - for standard input
        #[arg(long, value_name = "FILE|-")]
        password_file: PathBuf,
        /// [default: super_admin, or viewer with --tenant]
        #[arg(long, value_enum)]
        role: Option<Role>,
        /// Id or name of the tenant the role is for
        #[arg(long)]
        tenant: Option<String>,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Role {
    Viewer,
    Operator,
    TenantAdmin,
    SuperAdmin,
}

impl From<Role> for user::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::TenantAdmin => Self::TenantAdmin,
            Role::SuperAdmin => Self::SuperAdmin,
        }
    }
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Make a tenant
    Create {
        #[command(flatten)]
        place: Place,
        #[arg(long, value_parser = name)]
        name: String,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token that enrols one agent, once, within a day
    Create {
        #[command(flatten)]
        place: Place,
        /// Id or name
        #[arg(long)]
        tenant: String,
        /// Name of the site; made if the tenant has none of this name
        #[arg(long, value_parser = name)]
        site: String,
        #[arg(long)]
        json: bool,
    },
}

/// What the types of the flags cannot say is wrong with them; nothing was done yet.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

fn email(text: &str) -> Result<String, &'static str> {
    email_normalised(text).ok_or("this is not an e-mail address")
}

fn socket(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "give ADDR:PORT, for example 127.0.0.1:8443, or [::]:443 for all")
}

fn name(text: &str) -> Result<String, &'static str> {
    let rule = "a name has 1 to 100 characters, no control characters and no spaces around it";
    is_name(text).then(|| text.to_owned()).ok_or(rule)
}

/// Reads the command line of this process and does what it says.
pub fn main() -> ExitCode {
    obey(std::env::args_os()).into()
}

/// Returns the exit code.
fn obey(words: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors.
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            let _ = error.print();
            return code;
        }
    };
    match run(arguments.command) {
        Ok(()) => 0,
        Err(error) => {
            complain(&format!("farwatch-collector: {error:#}"));
            if is_usage(&error) { EXIT_USAGE } else { EXIT_FAILURE }
        }
    }
}

/// Whether the command line or the configuration must change.
fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<UsageError>() || cause.is::<ConfigError>() || cause.is::<MetricsTokenError>()
    })
}

fn complain(text: &str) {
    use io::Write as _;
    let _ = writeln!(io::stderr(), "{text}");
}

fn say(text: &str) -> anyhow::Result<()> {
    use io::Write as _;
    Ok(writeln!(io::stdout(), "{text}")?)
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Openapi => say(&api::openapi().to_pretty_json()?),
        Command::CheckConfig { place, print } => {
            let config = place.load(Vec::new())?;
            config.metrics_token()?;
            say(if print { toml::to_string(&config)? } else { "ok".to_owned() }.trim_end())
        }
        Command::Serve { place, listen, http } => {
            let flag = |key, address: Option<SocketAddr>| {
                address.map(|address| (key, Value::String(address.to_string())))
            };
            let flags = [flag("listen.address", listen), flag("listen.http", http)];
            let config = place.load(flags.into_iter().flatten().collect())?;
            let filter = std::env::var(logging::FILTER_VARIABLE);
            logging::init(filter.as_deref().unwrap_or(&config.log.filter))?;
            let stop = signals::stop_requested()?;
            let served = crate::collector::serve(config, stop.cancelled());
            runtime()?.block_on(served).map_err(Into::into)
        }
        Command::Key(command) => key::run(command),
        Command::Migrate { place } => {
            let config = place.load(Vec::new())?;
            runtime()?.block_on(local::migrate(&config))
        }
        Command::User(UserCommand::Create { place, email, password_file, role, tenant, json }) => {
            let config = place.load(Vec::new())?;
            let role = role.map(user::Role::from);
            let user = local::NewUser::new(email, &password_file, role, tenant)?;
            runtime()?.block_on(local::make_user(&config, user, json))
        }
        Command::Tenant(TenantCommand::Create { place, name, json }) => {
            let config = place.load(Vec::new())?;
            runtime()?.block_on(local::make_tenant(&config, &name, json))
        }
        Command::Token(TokenCommand::Create { place, tenant, site, json }) => {
            let config = place.load(Vec::new())?;
            runtime()?.block_on(local::make_token(&config, &tenant, &site, json))
        }
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

impl Place {
    fn load(self, mut flags: Vec<(&'static str, Value)>) -> Result<Config, ConfigError> {
        let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists());
        if let Some(dir) = &self.data_dir {
            flags.push(("data_dir", Value::String(dir.to_string_lossy().into_owned())));
        }
        let file = self.config.or_else(default);
        Layers { file, environment: std::env::vars().collect(), flags }.load()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_address_without_a_port_is_told_with_its_flag_and_an_example() {
        for flag in ["--listen", "--http"] {
            let words = ["farwatch-collector", "serve", flag, "127.0.0.1"];
            let error = Arguments::try_parse_from(words).unwrap_err().to_string();
            assert!(error.contains(flag) && error.contains("127.0.0.1:8443"), "{error}");
        }
    }

    #[test]
    fn help_names_the_default_directory() {
        let help = Arguments::try_parse_from(["farwatch-collector", "serve", "--help"]);
        assert!(help.unwrap_err().to_string().contains(DEFAULT_DATA_DIR));
    }

    fn code(dir: &std::path::Path, words: &[&str]) -> u8 {
        let words = ["farwatch-collector"].iter().chain(words).copied().map(OsString::from);
        obey(words.chain([OsString::from("--data-dir"), dir.into()]))
    }

    #[test]
    fn wrong_usage_is_told_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let good = file("good", b"correct horse battery\n");
        let short = file("short", b"short\n");
        let not_text = file("latin1", b"correct h\xf6rse battery");
        let data = dir.path().join("data");
        let user = |email, password: &str, more: &[&str]| {
            let words = ["user", "create", "--email", email, "--password-file", password];
            code(&data, &[&words, more].concat())
        };
        assert_eq!(user("noc", &good, &[]), EXIT_USAGE);
        assert_eq!(user("noc@example.net", &short, &[]), EXIT_USAGE);
        assert_eq!(user("noc@example.net", &not_text, &[]), EXIT_USAGE);
        assert_eq!(user("noc@example.net", &good, &["--role", "operator"]), EXIT_USAGE);
        let everywhere = ["--role", "super_admin", "--tenant", "North"];
        assert_eq!(user("noc@example.net", &good, &everywhere), EXIT_USAGE);
        assert_eq!(code(&data, &["tenant", "create", "--name", " x"]), EXIT_USAGE);
        let token = ["token", "create", "--tenant", "North", "--site", ""];
        assert_eq!(code(&data, &token), EXIT_USAGE);
        assert!(!data.exists());
    }

    #[test]
    fn commands_work_beside_a_collector_that_serves() {
        let dir = tempfile::tempdir().unwrap();
        let _serving = crate::data_dir::DataDir::lock(dir.path()).unwrap();
        assert_eq!(code(dir.path(), &["migrate"]), 0);
        assert_eq!(code(dir.path(), &["tenant", "create", "--name", "North"]), 0);
        let token = ["token", "create", "--tenant", "North", "--site", "Depot"];
        assert_eq!(code(dir.path(), &token), 0);
        let key = |which: &[&str]| code(dir.path(), &[&["key", "rotate"], which].concat());
        assert_eq!(key(&["--tenant", "North"]), 0);
        assert_eq!(key(&["--master"]), 0);
        assert_eq!(key(&["--tenant", "South"]), EXIT_FAILURE);
        for which in [&[][..], &["--master", "--tenant", "North"]] {
            assert_eq!(key(which), EXIT_USAGE);
        }
    }

    #[test]
    fn what_fails_later_is_no_wrong_usage() {
        let dir = tempfile::tempdir().unwrap();
        let make = ["tenant", "create", "--name", "North"];
        assert_eq!(code(dir.path(), &make), 0);
        assert_eq!(code(dir.path(), &make), EXIT_FAILURE);
        let token = ["token", "create", "--tenant", "South", "--site", "Depot"];
        assert_eq!(code(dir.path(), &token), EXIT_FAILURE);
    }
}
