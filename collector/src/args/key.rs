//! `key rotate`: exchanges a key beside a collector that may serve.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::json;

use super::local::Local;
use super::place::Place;
use super::{runtime, say};
use crate::config::Config;
use crate::inventory::Vault;
use crate::inventory::vault::master::master_key_rotate;
use crate::inventory::vault::rotate::tenant_key_rotate;

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Exchange a key and seal anew what is under it; cut short, it goes on when it is run again
    Rotate {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        json: bool,
    },
}

/// One of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// The key of this tenant, by id or name
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// The master key, which wraps those of all tenants
    #[arg(long)]
    master: bool,
}

impl KeyCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let Self::Rotate { place, which, json } = self;
        let config = place.load(Vec::new())?;
        runtime()?.block_on(async {
            match which.tenant {
                Some(tenant) => tenant_key(&config, &tenant, json).await,
                None => master_key(&config, json).await,
            }
        })
    }
}

async fn master_key(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let keys = master_key_rotate(&local.db, &config.data_dir, local.now).await?;
    local.db.close().await;
    if as_json {
        return say(&json!({ "keys_wrapped": keys }).to_string());
    }
    say(&format!(
        "the master key is new, {keys} keys are wrapped by it: back up master.key, the copies of \
         the old one open no newer backup of the database"
    ))
}

async fn tenant_key(config: &Config, tenant: &str, as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let vault = Vault::open(&config.data_dir)?;
    let tenant = local.tenant(tenant).await?;
    let done = tenant_key_rotate(&local.db, &vault, &local.context, tenant, local.now).await?;
    local.db.close().await;
    if !done.damaged.is_empty() {
        let damaged: Vec<_> = done.damaged.iter().map(ToString::to_string).collect();
        return Err(anyhow!(
            "{} credentials are sealed anew; these do not open, so that the old key stays: {}. Set \
             them anew and run this again",
            done.resealed,
            damaged.join(", ")
        ));
    }
    if as_json {
        let told = json!({ "key_version": done.version, "resealed": done.resealed });
        return say(&told.to_string());
    }
    say(&format!(
        "key {} of the tenant is in force, {} credentials are sealed anew",
        done.version, done.resealed
    ))
}
