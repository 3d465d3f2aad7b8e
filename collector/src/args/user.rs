//! `user`: people.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use farwatch_common::secret::Secret;
use serde_json::json;

use super::local::{Local, read_password};
use super::people::PeopleCommand;
use super::place::Place;
use super::{UsageError, runtime, say};
use crate::config::Config;
use crate::identity::password::{Cost, Passwords, password_check};
use crate::identity::user::{Role, email_normalised, role_check, user_create};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
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
        #[arg(long, value_parser = role_parser())]
        role: Option<Role>,
        /// Id or name of the tenant the role is for
        #[arg(long)]
        tenant: Option<String>,
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    People(PeopleCommand),
}

/// Takes the names of roles, and lists them in the help.
fn role_parser() -> impl TypedValueParser<Value = Role> {
    let names = PossibleValuesParser::new(Role::ALL.map(Role::name));
    names.try_map(|name| Role::from_name(&name).ok_or("there is no such role"))
}

pub(super) fn email(text: &str) -> Result<String, &'static str> {
    email_normalised(text).ok_or("this is not an e-mail address")
}

impl UserCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let (place, email, password_file, role, tenant, json) = match self {
            Self::Create { place, email, password_file, role, tenant, json } => {
                (place, email, password_file, role, tenant, json)
            }
            Self::People(command) => return command.run(),
        };
        let config = place.load(Vec::new())?;
        let user = NewUser::new(email, &password_file, role, tenant)?;
        runtime()?.block_on(create(&config, user, json))
    }
}

/// A person to be made, as far as it can be checked without the database.
struct NewUser {
    email: String,
    password: Secret,
    role: Role,
    tenant: Option<String>,
}

impl NewUser {
    fn new(
        email: String,
        password_file: &Path,
        role: Option<Role>,
        tenant: Option<String>,
    ) -> anyhow::Result<Self> {
        let usual = if tenant.is_some() { Role::Viewer } else { Role::SuperAdmin };
        let role = role.unwrap_or(usual);
        let usage = |error: &dyn std::error::Error| UsageError(error.to_string());
        role_check(role, tenant.is_some()).map_err(|error| usage(&error))?;
        let password = read_password(password_file)?;
        password_check(&password).map_err(|error| usage(&error))?;
        Ok(Self { email, password, role, tenant })
    }
}

async fn create(config: &Config, user: NewUser, as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let tenant = match &user.tenant {
        Some(text) => Some(local.tenant(text).await?),
        None => None,
    };
    let hash = Passwords::new(Cost::STANDARD).hash(user.password).await?;
    let place = (user.role, tenant);
    let id =
        user_create(&local.db, &local.context, &local.ids, &user.email, &hash, place, local.now)
            .await?;
    local.db.close().await;
    let role = user.role.name();
    if as_json {
        return say(&json!({ "id": id.to_string(), "role": role }).to_string());
    }
    say(&format!("user {id} made, role {role}"))
}
