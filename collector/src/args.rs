//! The command line.

mod api_key;
mod audit;
mod key;
mod local;
mod migrate;
mod migrate_to;
mod people;
mod place;
mod serve;
mod tenant;
mod token;
mod user;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use farwatch_common::config::ConfigError;

use crate::api;
use crate::config::{DatabasePasswordError, MetricsTokenError};
use crate::history::mirror::git::check as git_check;
use crate::inventory::is_name;
use migrate::Migrate;
use migrate_to::MigrateTo;
use place::Place;
use serve::Serve;
use tenant::TenantCommand;
use token::TokenCommand;
use user::UserCommand;

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

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the collector
    Serve(Serve),
    /// Manage people
    #[command(subcommand)]
    User(UserCommand),
    /// Manage tenants
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Look after the audit
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Manage enrolment tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manage API keys
    #[command(subcommand)]
    ApiKey(api_key::ApiKeyCommand),
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
    Migrate(Migrate),
    /// Move the installation to another database
    #[command(subcommand)]
    MigrateTo(MigrateTo),
}

/// What the types of the flags cannot say is wrong with them; nothing was done yet.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

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
            complain(&format!("farwatch-collector: {}", told(&error)));
            if is_usage(&error) { EXIT_USAGE } else { EXIT_FAILURE }
        }
    }
}

/// Whether the command line or the configuration must change.
fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<UsageError>()
            || cause.is::<ConfigError>()
            || cause.is::<MetricsTokenError>()
            || cause.is::<DatabasePasswordError>()
    })
}

/// The error and its sources; some drivers say in an error what its source says again.
fn told(error: &anyhow::Error) -> String {
    let of_database = error.chain().any(|cause| cause.is::<sqlx::Error>());
    let causes = error.chain().map(ToString::to_string);
    let causes = causes.map(|text| match of_database {
        true => without_line(&text).to_owned(),
        false => text,
    });
    let add = |text: String, cause: String| {
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    };
    causes.reduce(add).unwrap_or_default()
}

/// Without the line of PostgreSQL's own source, which its driver adds.
fn without_line(text: &str) -> &str {
    let is_number = |number: &str| number.bytes().all(|byte| byte.is_ascii_digit());
    match text.rsplit_once(" at line ") {
        Some((text, number)) if is_number(number) => text,
        _ => text,
    }
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
            config.database()?;
            if config.history.git_mirror {
                runtime()?.block_on(git_check())?;
            }
            say(if print { toml::to_string(&config)? } else { "ok".to_owned() }.trim_end())
        }
        Command::Serve(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::MigrateTo(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Tenant(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::ApiKey(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Key(command) => command.run(),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULT_DATA_DIR;

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
    fn a_line_of_the_servers_source_is_not_told() {
        assert_eq!(without_line("no such role at line 948"), "no such role");
        assert_eq!(without_line("look at line twelve"), "look at line twelve");
        let error = anyhow::anyhow!("it ends at line 3");
        assert_eq!(told(&error), "it ends at line 3");
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
        let key = ["api-key", "create", "--tenant", "North", "--name"];
        let days = |days| [&key[..], &["x", "--expires-in-days", days]].concat();
        for wrong in [[&key[..], &["x "]].concat(), days("0"), days("366")] {
            assert_eq!(code(&data, &wrong), EXIT_USAGE, "{wrong:?}");
        }
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
        let api_key = ["api-key", "add", "--tenant", "North", "--name", "script", "--write"];
        assert_eq!(code(dir.path(), &api_key), 0);
        let key = |which: &[&str]| code(dir.path(), &[&["key", "rotate"], which].concat());
        assert_eq!(key(&["--tenant", "North"]), 0);
        assert_eq!(key(&["--master"]), 0);
        assert_eq!(key(&["--tenant", "South"]), EXIT_FAILURE);
        for which in [&[][..], &["--master", "--tenant", "North"]] {
            assert_eq!(key(which), EXIT_USAGE);
        }
    }

    #[test]
    fn a_database_url_is_checked_before_anything_is_done() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        for url in ["hunter2", "mysql://a:hunter2@h/f", "postgres://a:hunter2@h:port/f"] {
            assert_eq!(code(&data, &["migrate", "--database-url", url]), EXIT_USAGE, "{url}");
        }
        assert_eq!(code(&data, &["migrate", "--login-password-file", "-"]), EXIT_USAGE);
        assert_eq!(code(&data, &["migrate-to", "postgres"]), EXIT_USAGE);
        assert!(!data.exists());
    }

    #[test]
    fn a_person_is_disabled_enabled_and_given_a_password() {
        let dir = tempfile::tempdir().unwrap();
        let password = dir.path().join("password");
        std::fs::write(&password, "correct horse battery").unwrap();
        let file = ["--password-file", password.to_str().unwrap()];
        let of = |verb, email| ["user", verb, "--email", email];
        let make = [&of("create", "noc@example.net"), &file[..]].concat();
        assert_eq!(code(dir.path(), &make), 0);
        assert_eq!(code(dir.path(), &of("disable", "noc@example.net")), EXIT_FAILURE, "the last");
        let other = [&of("create", "other@example.net"), &file[..]].concat();
        assert_eq!(code(dir.path(), &other), 0);
        for verb in ["disable", "enable", "reset-password"] {
            assert_eq!(code(dir.path(), &of(verb, "noc@example.net")), 0, "{verb}");
            assert_eq!(code(dir.path(), &of(verb, "nobody@example.net")), EXIT_FAILURE, "{verb}");
        }
        assert_eq!(code(dir.path(), &["user", "list", "--json"]), 0);
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
