//! `migrate`: brings the database to this version's schema.

use std::path::PathBuf;

use clap::Args;

use super::local::{Local, read_password};
use super::place::Place;
use super::{UsageError, runtime, say};
use crate::config::Config;
use crate::store::database::{Server, Target, migrate};

/// On PostgreSQL as a superuser, or as the database's owner who may make roles.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    place: Place,
    /// File with the password that the PostgreSQL login `farwatch` gets, or - for standard input
    #[arg(long, value_name = "FILE|-")]
    login_password_file: Option<PathBuf>,
}

impl Migrate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.place.load(Vec::new())?;
        let target = config.database()?;
        let file = self.login_password_file;
        match target {
            Target::Sqlite(_) if file.is_some() => {
                let text = "--login-password-file is for PostgreSQL: give --database-url too";
                Err(UsageError(text.to_owned()).into())
            }
            Target::Sqlite(_) => runtime()?.block_on(sqlite(&config)),
            Target::Postgres(server) => runtime()?.block_on(postgres(&server, file)),
        }
    }
}

async fn sqlite(config: &Config) -> anyhow::Result<()> {
    Local::open(config).await?.db.close().await;
    say("the database has this version's schema")
}

async fn postgres(server: &Server, login_password_file: Option<PathBuf>) -> anyhow::Result<()> {
    let password = login_password_file.as_deref().map(read_password).transpose()?;
    migrate::server(server, password.as_ref()).await?;
    say(&format!("PostgreSQL at {server:?} has this version's schema"))?;
    if password.is_some() {
        say("the login `farwatch` has the password of that file")?;
    }
    say(&format!(
        "next: farwatch-collector serve --database-url '{}'\n\
         The login's password, unless the server knows it by another way, is read from the file \
         that database.password_file names; `migrate --login-password-file` sets it.",
        server.login_url()?
    ))
}
