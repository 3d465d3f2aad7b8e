//! Commands about the people there are: for who has lost the way in, too.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use farwatch_common::id::{TenantId, UserId};
use serde_json::json;

use super::local::{Local, read_password};
use super::place::Place;
use super::user::email;
use super::{UsageError, runtime, say};
use crate::config::Config;
use crate::identity::password::{Cost, Passwords, one_time, password_check};
use crate::identity::user::Role;
use crate::identity::user::change::{PersonPatch, password_reset, person_change};
use crate::identity::user::delete::person_delete;
use crate::identity::user::list::{Person, user_by_email, user_list};
use crate::inventory::{Named, Page};

/// People of one page, while all are listed.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum PeopleCommand {
    /// List people
    List {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        json: bool,
    },
    /// Sign a person out and let them sign in no more
    Disable(One),
    /// Let a person sign in again
    Enable(One),
    /// Delete a person's account; what they did stays in the audit
    Delete(One),
    /// Give a person a new password, which they have to change when they sign in
    ResetPassword {
        #[command(flatten)]
        one: One,
        /// File with the password, or - for standard input; without it one is made and printed
        #[arg(long, value_name = "FILE|-")]
        password_file: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    #[command(flatten)]
    place: Place,
    #[arg(long, value_parser = email)]
    email: String,
}

impl PeopleCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { place, json } => runtime()?.block_on(list(&place.load(Vec::new())?, json)),
            Self::Disable(one) => able(one, true),
            Self::Enable(one) => able(one, false),
            Self::Delete(one) => delete(one),
            Self::ResetPassword { one, password_file } => reset(one, password_file),
        }
    }
}

fn reset(one: One, password_file: Option<PathBuf>) -> anyhow::Result<()> {
    let config = one.place.load(Vec::new())?;
    let given = password_file.map(|file| read_password(&file)).transpose()?;
    if let Some(Err(error)) = given.as_ref().map(password_check) {
        return Err(UsageError(error.to_string()).into());
    }
    runtime()?.block_on(async {
        let (local, person) = found(&config, &one.email).await?;
        let password = match &given {
            Some(password) => password.clone(),
            None => one_time()?,
        };
        let hash = Passwords::new(Cost::STANDARD).hash(password.clone()).await?;
        password_reset(&local.db, &local.context, person, &hash, local.now).await?;
        local.db.close().await;
        if given.is_some() {
            return say(&format!("{} has this password until they sign in", one.email));
        }
        say(str::from_utf8(password.expose()).context("the password is not text")?)
    })
}

fn able(one: One, disabled: bool) -> anyhow::Result<()> {
    let config = one.place.load(Vec::new())?;
    runtime()?.block_on(async {
        let (local, person) = found(&config, &one.email).await?;
        let patch = PersonPatch { disabled: Some(disabled), ..PersonPatch::default() };
        person_change(&local.db, &local.context, person, &patch, local.now).await?;
        local.db.close().await;
        say(&format!("{} {}", one.email, if disabled { "disabled" } else { "enabled" }))
    })
}

fn delete(one: One) -> anyhow::Result<()> {
    let config = one.place.load(Vec::new())?;
    runtime()?.block_on(async {
        let (local, person) = found(&config, &one.email).await?;
        person_delete(&local.db, &local.context, person, local.now).await?;
        local.db.close().await;
        say(&format!("{} deleted", one.email))
    })
}

async fn found(config: &Config, email: &str) -> anyhow::Result<(Local, UserId)> {
    let local = Local::open(config).await?;
    let known = user_by_email(&local.db, email).await?;
    let person = known.ok_or_else(|| {
        anyhow!("there is no user `{email}`; `farwatch-collector user list` shows who there is")
    })?;
    Ok((local, person))
}

async fn list(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let people = user_list(&local.db, &local.context, true, &page).await?.rows;
        let Some(last) = people.last() else { break };
        page.after = Some((last.email.clone(), last.id.0));
        for person in &people {
            say(&if as_json { line_json(person) } else { line(person) })?;
        }
    }
    local.db.close().await;
    Ok(())
}

fn roles(person: &Person) -> Vec<String> {
    let everywhere = person.super_admin.then(|| "super_admin".to_owned());
    let staff = person.staff.then(|| "staff".to_owned());
    let there = person.memberships.iter();
    let there = there.map(|(tenant, role)| format!("{} in {}", role.name(), tenant.name));
    everywhere.into_iter().chain(staff).chain(there).collect()
}

fn line(person: &Person) -> String {
    let disabled = if person.disabled_at.is_some() { " (disabled)" } else { "" };
    format!("{} {}{disabled}: {}", person.id, person.email, roles(person).join(", "))
}

fn line_json(person: &Person) -> String {
    let membership = |(tenant, role): &(Named<TenantId>, Role)| json!({ "id": tenant.id.to_string(), "name": tenant.name, "role": role.name() });
    json!({
        "id": person.id.to_string(),
        "email": person.email,
        "super_admin": person.super_admin,
        "staff": person.staff,
        "totp": person.totp,
        "disabled": person.disabled_at.is_some(),
        "memberships": person.memberships.iter().map(membership).collect::<Vec<_>>(),
    })
    .to_string()
}
