//! The command line.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, io};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::config::{ConfigError, Layers};
use farwatch_common::id::{IdGenerator, TenantId};
use farwatch_common::platform::create_private_dir;
use farwatch_common::secret::Secret;
use farwatch_common::{logging, signals};
use serde_json::json;
use toml::Value;

use crate::api;
use crate::config::{Config, DEFAULT_FILE};
use crate::identity::password::{Cost, Passwords};
use crate::identity::pki::Pki;
use crate::identity::token::{TokenOrigin, token_create};
use crate::identity::user::{self, user_create};
use crate::identity::{Access, Actor, TenantContext};
use crate::inventory::tenant::{tenant_by_name, tenant_create, tenant_ids};
use crate::inventory::{InventoryError, Vault, is_name};
use crate::listen::addresses::endpoints_beside;
use crate::store::Database;

/// Wrong usage or configuration (EX_USAGE).
const EXIT_USAGE: u8 = 64;
/// The node lease of commands; a serving collector has another, so their ids cannot meet.
const COMMAND_NODE: u16 = 1023;
const PASSWORD_FILE_BYTES_MAX: u64 = 4096;

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
    /// Directory of the database and the keys
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the collector
    Serve {
        #[command(flatten)]
        place: Place,
        /// UDP and TCP address for agents, web UI and API
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<String>,
        /// Plain HTTP for the web UI and the API, on a loopback address
        #[arg(long, value_name = "127.0.0.1:PORT")]
        http: Option<String>,
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
        #[arg(long)]
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

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Make a tenant
    Create {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
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
        #[arg(long)]
        site: String,
        #[arg(long)]
        json: bool,
    },
}

/// Reads the command line of this process and does what it says.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors.
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            let _ = error.print();
            return code.into();
        }
    };
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let usage = error.downcast_ref::<ConfigError>().is_some();
            complain(&format!("farwatch-collector: {error:#}"));
            if usage { EXIT_USAGE.into() } else { ExitCode::FAILURE }
        }
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
            say(if print { toml::to_string(&config)? } else { "ok".to_owned() }.trim_end())
        }
        Command::Serve { place, listen, http } => {
            let flag = |key, text: Option<String>| text.map(|text| (key, Value::String(text)));
            let flags = [flag("listen.address", listen), flag("listen.http", http)];
            let config = place.load(flags.into_iter().flatten().collect())?;
            let filter = std::env::var(logging::FILTER_VARIABLE);
            logging::init(filter.as_deref().unwrap_or(&config.log.filter))?;
            let stop = signals::stop_requested()?;
            let served = crate::collector::serve(config, stop.cancelled());
            runtime()?.block_on(served).map_err(Into::into)
        }
        Command::Migrate { place } => {
            let config = place.load(Vec::new())?;
            runtime()?.block_on(async {
                Local::open(&config).await?.db.close().await;
                say("the database has this version's schema")
            })
        }
        Command::User(UserCommand::Create { place, email, password_file, role, tenant, json }) => {
            let config = place.load(Vec::new())?;
            let password = read_password(&password_file)?;
            runtime()?.block_on(make_user(&config, &email, password, (role, tenant), json))
        }
        Command::Tenant(TenantCommand::Create { place, name, json }) => {
            let config = place.load(Vec::new())?;
            runtime()?.block_on(make_tenant(&config, &name, json))
        }
        Command::Token(TokenCommand::Create { place, tenant, site, json }) => {
            let config = place.load(Vec::new())?;
            runtime()?.block_on(make_token(&config, &tenant, &site, json))
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

/// What a command on the collector's own machine works with, beside a collector that may serve.
struct Local {
    db: Database,
    ids: IdGenerator,
    now: Micros,
    context: TenantContext,
}

impl Local {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let dir = &config.data_dir;
        create_private_dir(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let db = Database::open(dir).await?;
        let all = tenant_ids(&db).await?;
        let tenants = all.into_iter().map(|tenant| (tenant, Access::Admin));
        let context = TenantContext::new(Actor::Local, true, tenants);
        let now = Clock::system().now();
        Ok(Self { db, ids: IdGenerator::new(COMMAND_NODE), now, context })
    }

    async fn tenant(&self, text: &str) -> anyhow::Result<TenantId> {
        let by_id = text.parse().ok().filter(|tenant| self.context.may(*tenant, Access::Read));
        if let Some(tenant) = by_id {
            return Ok(tenant);
        }
        let known = tenant_by_name(&self.db, &self.context, text).await?;
        known.ok_or_else(|| {
            anyhow!("there is no tenant `{text}`; `farwatch-collector tenant create` makes one")
        })
    }
}

fn read_password(file: &std::path::Path) -> anyhow::Result<Secret> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().take(PASSWORD_FILE_BYTES_MAX).read_to_string(&mut text)
    } else {
        fs::File::open(file)
            .and_then(|file| file.take(PASSWORD_FILE_BYTES_MAX).read_to_string(&mut text))
    };
    read.with_context(|| format!("cannot read the password from {}", file.display()))?;
    Ok(Secret::from(text.trim_end_matches(['\r', '\n'])))
}

async fn make_user(
    config: &Config,
    email: &str,
    password: Secret,
    (role, tenant): (Option<Role>, Option<String>),
    as_json: bool,
) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let role = match role.unwrap_or(if tenant.is_some() { Role::Viewer } else { Role::SuperAdmin })
    {
        Role::Viewer => user::Role::Viewer,
        Role::Operator => user::Role::Operator,
        Role::TenantAdmin => user::Role::TenantAdmin,
        Role::SuperAdmin => user::Role::SuperAdmin,
    };
    let tenant = match tenant {
        Some(text) => Some(local.tenant(&text).await?),
        None => None,
    };
    let hash = Passwords::new(Cost::STANDARD).hash(password).await?;
    let id = user_create(&local.db, &local.ids, email, &hash, (role, tenant), local.now).await?;
    local.db.close().await;
    if as_json {
        return say(&json!({ "id": id.to_string(), "role": role.name() }).to_string());
    }
    say(&format!("user {id} made, role {}", role.name()))
}

async fn make_tenant(config: &Config, name: &str, as_json: bool) -> anyhow::Result<()> {
    if !is_name(name) {
        bail!("a tenant's name has 1 to 100 characters and no spaces around it");
    }
    let local = Local::open(config).await?;
    let vault = Vault::open(&config.data_dir)?;
    let made = tenant_create(&local.db, &vault, &local.context, &local.ids, name, local.now).await;
    let tenant = made.map_err(|error| match error {
        InventoryError::Exists => anyhow!("there is a tenant `{name}` already"),
        error => error.into(),
    })?;
    local.db.close().await;
    if as_json {
        return say(&json!({ "id": tenant.id.to_string(), "name": name }).to_string());
    }
    say(&format!("tenant {} made", tenant.id))
}

async fn make_token(
    config: &Config,
    tenant: &str,
    site: &str,
    as_json: bool,
) -> anyhow::Result<()> {
    if !is_name(site) {
        bail!("a site's name has 1 to 100 characters and no spaces around it");
    }
    let local = Local::open(config).await?;
    let tenant = local.tenant(tenant).await?;
    let pki = Pki::open(&config.data_dir, local.now)?;
    let endpoints = endpoints_beside(config).context("cannot read addresses.json")?;
    let origin = TokenOrigin { root_pin: pki.root_pin(), endpoints };
    let made =
        token_create(&local.db, &local.context, &local.ids, (tenant, site), &origin, local.now)
            .await?;
    local.db.close().await;
    let text = str::from_utf8(made.text.expose()).context("the token is not text")?;
    if origin.endpoints.is_empty() {
        complain("the token names no collector: set listen.public, or enrol with --collector");
    }
    if !as_json {
        return say(text);
    }
    let expires_at = crate::live::view::rfc3339(made.expires_at);
    say(&json!({
        "token": text,
        "tenant": tenant.to_string(),
        "site": { "id": made.site.to_string(), "name": site },
        "expires_at": expires_at,
    })
    .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }
}
