//! `token`: enrolment tokens.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use super::local::Local;
use super::place::Place;
use super::{complain, name, runtime, say};
use crate::config::{Config, public_advice};
use crate::identity::pki::Pki;
use crate::identity::token::{TokenOrigin, token_create};
use crate::listen::addresses::endpoints_beside;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
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

impl TokenCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self::Create { place, tenant, site, json } = self;
        let config = place.load(Vec::new())?;
        runtime()?.block_on(create(&config, &tenant, &site, json))
    }
}

async fn create(config: &Config, tenant: &str, site: &str, as_json: bool) -> anyhow::Result<()> {
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
        complain(&names_no_collector(config));
    }
    if !as_json {
        return say(text);
    }
    let expires_at = crate::live::view::rfc3339(made.expires_at);
    say(&json!({
        "token": text,
        "tenant": tenant.to_string(),
        "site": { "id": made.site.id.to_string(), "name": made.site.name },
        "expires_at": expires_at,
    })
    .to_string())
}

fn names_no_collector(config: &Config) -> String {
    let advice = public_advice(config.file.display());
    format!(
        "the token names no collector: enrol with --collector HOST:PORT, or {advice} and make another"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULT_FILE;

    #[test]
    fn a_token_without_an_address_names_the_file_and_its_lines() {
        let told = names_no_collector(&Config::default());
        for word in [DEFAULT_FILE, "`[listen]`", "`public = [\"HOST:PORT\"]`", "--collector"] {
            assert!(told.contains(word), "{told}");
        }
    }
}
