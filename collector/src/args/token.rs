//! `token`: enrolment tokens.

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use super::local::Local;
use super::place::Place;
use super::{complain, name, runtime, say};
use crate::config::Config;
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
        complain("the token names no collector: set listen.public, or enrol with --collector");
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
