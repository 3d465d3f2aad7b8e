//! `tenant`: tenants.

use anyhow::anyhow;
use clap::Subcommand;
use serde_json::json;

use super::local::Local;
use super::place::Place;
use super::{name, runtime, say};
use crate::config::Config;
use crate::inventory::tenant::tenant_create;
use crate::inventory::{InventoryError, Vault};

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
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

impl TenantCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self::Create { place, name, json } = self;
        let config = place.load(Vec::new())?;
        runtime()?.block_on(create(&config, &name, json))
    }
}

async fn create(config: &Config, name: &str, as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let vault = Vault::open(&config.data_dir)?;
    let made = tenant_create(&local.db, &vault, &local.context, &local.ids, name, local.now).await;
    let tenant = made.map_err(|error| match error {
        error @ InventoryError::Exists { .. } => anyhow!("{error}"),
        error => error.into(),
    })?;
    local.db.close().await;
    if as_json {
        return say(&json!({ "id": tenant.id.to_string(), "name": name }).to_string());
    }
    say(&format!("tenant {} made", tenant.id))
}
