//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use farwatch_common::config::Layers;
use toml::Value;

use crate::config::{Config, DEFAULT_FILE};

/// The Farwatch collector: takes what agents see, keeps it, shows it.
#[derive(Debug, Parser)]
#[command(name = "farwatch-collector", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the collector until SIGTERM or Ctrl-C
    Serve(Serve),
    /// Manage the people who sign in
    #[command(subcommand)]
    User(UserCommand),
    /// Manage customers
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Manage enrolment tokens for agents
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the OpenAPI document of the HTTP API
    Openapi,
    /// Bring the database to this version's schema (serve does it too)
    Migrate(Local),
    /// Check the configuration and say everything that is wrong with it
    CheckConfig {
        #[command(flatten)]
        local: Local,
        /// Print the configuration in force
        #[arg(long)]
        print: bool,
    },
}

/// Where the collector's files are.
#[derive(Debug, Args)]
pub struct Local {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Database, keys and certificates
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub local: Local,
    /// UDP for agents, TCP for enrolment, web UI and API [default: [::]:443]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Plain HTTP for web UI and API; loopback addresses only
    #[arg(long, value_name = "127.0.0.1:PORT")]
    http: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user; the first admin is made this way
    Create {
        #[command(flatten)]
        local: Local,
        #[arg(long)]
        email: String,
        /// File with the password, `-` for standard input (a password in the arguments would be
        /// visible to every user of this machine)
        #[arg(long, value_name = "FILE|-")]
        password_file: PathBuf,
        /// super_admin, tenant_admin, operator or viewer
        #[arg(long, default_value = "super_admin")]
        role: String,
        /// Name or id of the tenant, for every role but super_admin
        #[arg(long)]
        tenant: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant
    Create {
        #[command(flatten)]
        local: Local,
        #[arg(long)]
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a one-time token for a new agent, good for 24 hours
    Create {
        #[command(flatten)]
        local: Local,
        /// Name or id of the tenant
        #[arg(long)]
        tenant: String,
        /// Name of the site; a missing one is made
        #[arg(long)]
        site: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Local {
    /// The layers these flags stand on top of.
    #[must_use]
    pub fn layers(&self) -> Layers {
        let default = PathBuf::from(DEFAULT_FILE);
        let file = self.config.clone().or_else(|| default.exists().then_some(default));
        let mut flags = Vec::new();
        if let Some(dir) = &self.data_dir {
            flags.push(("data_dir", Value::String(dir.display().to_string())));
        }
        Layers { file, environment: std::env::vars().collect(), flags }
    }

    /// The configuration in force.
    pub fn load(&self) -> Result<Config, farwatch_common::config::ConfigError> {
        self.layers().load()
    }
}

impl Serve {
    /// The configuration in force.
    pub fn load(&self) -> Result<Config, farwatch_common::config::ConfigError> {
        let mut layers = self.local.layers();
        if let Some(listen) = self.listen {
            layers.flags.push(("listen.address", Value::String(listen.to_string())));
        }
        if let Some(http) = self.http {
            layers.flags.push(("listen.http", Value::String(http.to_string())));
        }
        layers.load()
    }
}
