//! The commands that work on the database of this machine, beside a collector that may serve.

use std::io::Read as _;
use std::path::Path;
use std::{fs, io};

use anyhow::{Context as _, anyhow};
use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{IdGenerator, TenantId};
use farwatch_common::platform::create_private_dir;
use farwatch_common::secret::Secret;
use serde_json::json;

use super::{UsageError, complain, say};
use crate::config::Config;
use crate::identity::password::{Cost, Passwords, password_check};
use crate::identity::pki::Pki;
use crate::identity::token::{TokenOrigin, token_create};
use crate::identity::user::{Role, role_check, user_create};
use crate::identity::{Access, TenantContext};
use crate::inventory::tenant::{tenant_by_name, tenant_create};
use crate::inventory::{InventoryError, Vault};
use crate::listen::addresses::endpoints_beside;
use crate::store::Database;

/// The node lease of commands; a serving collector has another, so their ids cannot meet.
const COMMAND_NODE: u16 = 1023;
const PASSWORD_FILE_BYTES_MAX: u64 = 4096;

/// What a command works with.
pub(super) struct Local {
    pub(super) db: Database,
    ids: IdGenerator,
    pub(super) now: Micros,
    pub(super) context: TenantContext,
}

impl Local {
    pub(super) async fn open(config: &Config) -> anyhow::Result<Self> {
        let dir = &config.data_dir;
        create_private_dir(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let db = Database::open(dir).await?;
        let context = TenantContext::local(&db).await?;
        let now = Clock::system().now();
        Ok(Self { db, ids: IdGenerator::new(COMMAND_NODE), now, context })
    }

    pub(super) async fn tenant(&self, text: &str) -> anyhow::Result<TenantId> {
        let by_id = text.parse().ok().filter(|tenant| self.context.may(*tenant, Access::Read));
        if let Some(tenant) = by_id {
            return Ok(tenant);
        }
        let known = tenant_by_name(&self.db, &self.context, text).await?;
        known.ok_or_else(|| {
            anyhow!("there is no tenant `{text}`; `farwatch-collector tenant create` makes one")
        })
    }
}

/// A person to be made, as far as it can be checked without the database.
pub(super) struct NewUser {
    email: String,
    password: Secret,
    role: Role,
    tenant: Option<String>,
}

impl NewUser {
    pub(super) fn new(
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

fn read_password(file: &Path) -> anyhow::Result<Secret> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().take(PASSWORD_FILE_BYTES_MAX).read_to_end(&mut bytes)
    } else {
        fs::File::open(file)
            .and_then(|file| file.take(PASSWORD_FILE_BYTES_MAX).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("cannot read the password from {}", file.display()))?;
    while bytes.pop_if(|last| matches!(last, b'\r' | b'\n')).is_some() {}
    Ok(Secret::new(bytes))
}

pub(super) async fn migrate(config: &Config) -> anyhow::Result<()> {
    Local::open(config).await?.db.close().await;
    say("the database has this version's schema")
}

pub(super) async fn make_user(config: &Config, user: NewUser, as_json: bool) -> anyhow::Result<()> {
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

pub(super) async fn make_tenant(config: &Config, name: &str, as_json: bool) -> anyhow::Result<()> {
    let local = Local::open(config).await?;
    let vault = Vault::open(&config.data_dir)?;
    let made = tenant_create(&local.db, &vault, &local.context, &local.ids, name, local.now).await;
    let tenant = made.map_err(|error| match error {
        InventoryError::Exists => anyhow!("there is a tenant `{name}` already"),
        error => error.into(),
    })?;
    local.db.close().await;
    if as_json {
        return say(&json!({ "id": tenant.id.to_string(), "name": name }).to_string());
    }
    say(&format!("tenant {} made", tenant.id))
}

pub(super) async fn make_token(
    config: &Config,
    tenant: &str,
    site: &str,
    as_json: bool,
) -> anyhow::Result<()> {
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
        "site": { "id": made.site.to_string(), "name": site },
        "expires_at": expires_at,
    })
    .to_string())
}
