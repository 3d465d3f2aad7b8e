//! `tenant`: tenants.

use anyhow::anyhow;
use clap::Subcommand;
use serde_json::json;

use super::local::Local;
use super::place::Place;
use super::{name, runtime, say};
use crate::config::Config;
use crate::inventory::tenant::{demo_tenant_create, tenant_create};
use crate::inventory::{InventoryError, Vault};

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Make a tenant
    Create {
        #[command(flatten)]
        place: Place,
        #[arg(long, value_parser = name)]
        name: String,
        /// Its devices are simulated: the web UI says so everywhere
        #[arg(long)]
        demo: bool,
        #[arg(long)]
        json: bool,
    },
}

impl TenantCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self::Create { place, name, demo, json } = self;
        let config = place.load(Vec::new())?;
        runtime()?.block_on(create(&config, (&name, demo), json))
    }
}

async fn create(config: &Config, (name, demo): (&str, bool), as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let vault = Vault::open(&config.data_dir)?;
    let Local { db, context, ids, now } = &local;
    let made = if demo {
        demo_tenant_create(db, &vault, context, ids, name, *now).await
    } else {
        tenant_create(db, &vault, context, ids, name, *now).await
    };
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
