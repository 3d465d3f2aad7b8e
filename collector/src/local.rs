//! Commands on the collector's own machine. They work on the same database as a running server:
//! SQLite orders the writers.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use farwatch_common::clock::Clock;
use farwatch_common::id::{IdGenerator, TenantId};
use farwatch_common::secret::Secret;
use serde_json::json;

use crate::config::Config;
use crate::identity::password::Passwords;
use crate::identity::pki::Pki;
use crate::identity::tenancy::{Access, Actor, TenantContext};
use crate::identity::token::{self, TokenOrigin};
use crate::identity::user::{self, Role};
use crate::inventory::Vault;
use crate::inventory::tenant;
use crate::listen::addresses::Addresses;
use crate::store::Database;

/// Ids made here must differ from those the server makes in the same millisecond.
const LOCAL_NODE: u16 = 1023;

struct Here {
    database: Database,
    ids: IdGenerator,
    clock: Clock,
    /// Whoever can read the data directory may do everything in it.
    context: TenantContext,
}

impl Here {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("cannot make {}", config.data_dir.display()))?;
        let database = Database::open(&config.data_dir).await?;
        let tenants = tenant::tenant_ids(&database).await?;
        let all = tenants.into_iter().map(|tenant| (tenant, Access::Admin));
        let context = TenantContext::new(Actor::Local, true, all);
        Ok(Self { database, ids: IdGenerator::new(LOCAL_NODE), clock: Clock::system(), context })
    }

    /// A tenant by id or name.
    async fn tenant(&self, text: &str) -> anyhow::Result<TenantId> {
        if let Ok(id) = text.parse::<TenantId>()
            && self.context.may(id, Access::Read)
        {
            return Ok(id);
        }
        let found = tenant::tenant_by_name(&self.database, &self.context, text).await?;
        found.with_context(|| {
            format!(
                "there is no tenant `{text}`; make it with \
                 `farwatch-collector tenant create --name \"{text}\"`"
            )
        })
    }
}

/// `user create`
pub async fn user_create(
    config: &Config,
    email: &str,
    password: Secret,
    role: &str,
    tenant: Option<&str>,
) -> anyhow::Result<()> {
    let here = Here::open(config).await?;
    let Some(role) = Role::from_name(role) else {
        bail!("`{role}` is no role; choose super_admin, tenant_admin, operator or viewer");
    };
    let tenant = match tenant {
        Some(text) => Some(here.tenant(text).await?),
        None => None,
    };
    let hash = Passwords::default().hash(password).await?;
    let now = here.clock.now();
    let id =
        user::user_create(&here.database, &here.ids, email, &hash, (role, tenant), now).await?;
    println!("made {} {id}: {email}", role.name());
    Ok(())
}

/// `tenant create`
pub async fn tenant_create(config: &Config, name: &str, as_json: bool) -> anyhow::Result<()> {
    let here = Here::open(config).await?;
    let vault = Arc::new(Vault::open(&config.data_dir)?);
    let now = here.clock.now();
    let id =
        tenant::tenant_create(&here.database, &vault, &here.context, &here.ids, name, now).await?;
    if as_json {
        println!("{}", json!({ "id": id.to_string(), "name": name }));
    } else {
        println!("made tenant {id}: {name}");
    }
    Ok(())
}

/// `token create`
pub async fn token_create(
    config: &Config,
    tenant: &str,
    site: &str,
    as_json: bool,
) -> anyhow::Result<()> {
    let here = Here::open(config).await?;
    let now = here.clock.now();
    let pki = Pki::open(&config.data_dir, now)?;
    let tenant = here.tenant(tenant).await?;
    let endpoints = match Addresses::load(&config.data_dir).context("addresses.json")? {
        Some(addresses) => addresses.endpoints,
        None => config.endpoints(),
    };
    let origin = TokenOrigin { root_pin: pki.root_pin(), endpoints };
    let (ids, context) = (&here.ids, &here.context);
    let made =
        token::token_create(&here.database, context, ids, (tenant, site), &origin, now).await?;
    let text = String::from_utf8_lossy(made.text.expose()).into_owned();
    let expires = jiff::Timestamp::from_microsecond(made.expires_at.0)?;
    if as_json {
        let (site, expires) = (made.site.to_string(), expires.to_string());
        println!("{}", json!({ "token": text, "site": site, "expires_at": expires }));
    } else {
        // The token alone on standard output, so that it can be piped to the agent.
        println!("{text}");
        eprintln!("Good once, until {expires}. On the agent's machine:");
        eprintln!("    farwatch-agent enroll --token-file -      (paste the token, then Ctrl-D)");
    }
    Ok(())
}

/// `migrate`
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    Here::open(config).await?.database.close().await;
    println!("the database has this version's schema");
    Ok(())
}
