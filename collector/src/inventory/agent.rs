//! Agents: the Farwatch processes at the sites.

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, SiteId, TenantId};
use serde_json::json;

use super::assignment::assignment_bump;
use super::device::credential::devices_follow;
use super::site::site_named;
use super::{
    InventoryError, Listed, Named, Page, Vault, differences, get, is_name, list, set_of, tenant_set,
};
use crate::audit::Change;
use crate::identity::agent_key::agent_keys_revoke;
use crate::identity::{Access, TenantContext};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Longest part of a host name that becomes an agent's name; leaves room for a number.
const HOST_CHARS_MAX: usize = 80;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: AgentId,
    pub name: String,
    pub tenant: Named<TenantId>,
    pub site: Named<SiteId>,
    pub version: Option<String>,
    pub platform: Option<String>,
    pub devices: u64,
    pub last_seen_at: Option<Micros>,
    pub last_ack_at: Option<Micros>,
    pub certificate_expires_at: Option<Micros>,
    pub revoked_at: Option<Micros>,
    pub created_at: Micros,
}

macro_rules! select_agent {
    () => {
        "SELECT a.agent_id, a.name, t.tenant_id, t.name, s.site_id, s.name, a.version, a.platform,
                (SELECT COUNT(*) FROM device d
                 WHERE d.tenant_id = a.tenant_id AND d.agent_id = a.agent_id),
                a.last_seen_at, a.last_ack_at,
                (SELECT MAX(k.not_after) FROM agent_key k WHERE k.tenant_id = a.tenant_id
                 AND k.agent_id = a.agent_id AND k.revoked_at IS NULL),
                a.revoked_at, a.created_at
         FROM agent a JOIN tenant t ON t.tenant_id = a.tenant_id
         JOIN site s ON s.tenant_id = a.tenant_id AND s.site_id = a.site_id
         WHERE a.tenant_id IN "
    };
}

fn read(row: &Row) -> Result<Agent, StoreError> {
    let time = |column| Ok::<_, StoreError>(row.get::<Option<i64>>(column)?.map(Micros));
    Ok(Agent {
        id: AgentId(row.get(0)?),
        name: row.get(1)?,
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
        site: Named { id: SiteId(row.get(4)?), name: row.get(5)? },
        version: row.get(6)?,
        platform: row.get(7)?,
        devices: u64::try_from(row.get::<i64>(8)?).unwrap_or(0),
        last_seen_at: time(9)?,
        last_ack_at: time(10)?,
        certificate_expires_at: time(11)?,
        revoked_at: time(12)?,
        created_at: Micros(row.get(13)?),
    })
}

sql! { pub(crate) TAKEN_NAMES =
    "SELECT name FROM agent WHERE tenant_id = $1
     AND (name = $2 OR substr(name, 1, length($2) + 1) = $2 || ' ')"
}
sql! { pub(crate) INSERT =
    "INSERT INTO agent (tenant_id, agent_id, site_id, name, created_at)
     VALUES ($1, $2, $3, $4, $5)"
}

/// Makes an agent named after its host; where the tenant has that name already, a number is added.
/// Returns the name. Called by enrolment alone: the tenant comes from the token.
pub async fn agent_create(
    txn: &mut Txn,
    (tenant, site, agent): (TenantId, SiteId, AgentId),
    host_name: &str,
    now: Micros,
) -> Result<String, InventoryError> {
    let host_name: String = host_name.trim().chars().take(HOST_CHARS_MAX).collect();
    let base = if is_name(&host_name) { host_name } else { "agent".to_owned() };
    let rows = TAKEN_NAMES.bind(tenant).bind(&base).all(txn).await?;
    let taken: Vec<String> = rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    let numbered = (2..).map(|number| format!("{base} {number}"));
    let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name));
    let name = name.unwrap_or(base);
    INSERT.bind(tenant).bind(agent).bind(site).bind(&name).bind(now).execute(txn).await?;
    Ok(name)
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM agent WHERE tenant_id IN ", tenant_set!() }
sql! { pub(crate) LIST =
    select_agent!(),
    tenant_set!(),
    " AND ($2 = 0 OR (a.name, a.agent_id) > ($3, $4)) ORDER BY a.name, a.agent_id LIMIT $5"
}
sql! { pub(crate) GET = select_agent!(), tenant_set!(), " AND a.agent_id = $2" }

/// The agents of the caller's tenants, by name.
pub async fn agent_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Agent>, InventoryError> {
    list(db, context, page, (&TOTAL, &LIST), read).await
}

pub async fn agent_get(
    db: &Database,
    context: &TenantContext,
    id: AgentId,
) -> Result<Agent, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

/// What is to be different of an agent.
#[derive(Clone, Debug, Default)]
pub struct AgentPatch {
    pub name: Option<String>,
    /// Another site of its tenant.
    pub site: Option<SiteId>,
}

sql! { pub(crate) BY_NAME =
    "SELECT agent_id FROM agent WHERE tenant_id = $1 AND name = $2 AND agent_id <> $3"
}
sql! { pub(crate) UPDATE =
    "UPDATE agent SET name = $3, site_id = $4 WHERE tenant_id = $1 AND agent_id = $2"
}

/// Renames an agent or moves it to another site of its tenant, with its devices. The caller tells
/// the agent's session afterwards.
pub async fn agent_patch(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    id: AgentId,
    patch: &AgentPatch,
    now: Micros,
) -> Result<Agent, InventoryError> {
    let tenant = agent_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    // Under the tenant's lock: what somebody else changed meanwhile stays.
    let row = GET.bind(set_of(tenant)).bind(id).optional(&mut txn).await?;
    let before = read(&row.ok_or(InventoryError::NotFound)?)?;
    let site = match patch.site {
        None => before.site.clone(),
        Some(site) => site_named(&mut txn, tenant, site).await?,
    };
    let name = patch.name.clone().unwrap_or_else(|| before.name.clone());
    if BY_NAME.bind(tenant).bind(&name).bind(id).optional(&mut txn).await?.is_some() {
        return Err(InventoryError::Exists { what: "agent of this name", there: name });
    }
    let moves = site.id != before.site.id;
    if moves {
        assignment_bump(&mut txn, tenant, id).await?;
        devices_follow(&mut txn, vault, (tenant, id), site.id).await?;
    }
    UPDATE.bind(tenant).bind(id).bind(&name).bind(site.id).execute(&mut txn).await?;
    let told = |name: &str, site: &str| json!({ "name": name, "site": site });
    let (was, is) = (told(&before.name, &before.site.name), told(&name, &site.name));
    let verb = if moves { "move" } else { "rename" };
    let change = differences(&was, &is)
        .map(|(was, is)| Change::new("agent", verb, id.0, &name).before(was).after(is));
    txn.commit(change, now).await?;
    Ok(Agent { name, site, ..before })
}

sql! { pub(crate) REVOKE =
    "UPDATE agent SET revoked_at = $3
     WHERE tenant_id = $1 AND agent_id = $2 AND revoked_at IS NULL"
}

/// Ends an agent for good: its keys open no connection any more. Repeating it changes nothing.
/// The caller closes the agent's sessions after this returned.
pub async fn agent_revoke(
    db: &Database,
    context: &TenantContext,
    id: AgentId,
    now: Micros,
) -> Result<(), InventoryError> {
    let agent = agent_get(db, context, id).await?;
    let tenant = agent.tenant.id;
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let revoked = REVOKE.bind(tenant).bind(id).bind(now).execute(&mut txn).await? > 0;
    agent_keys_revoke(&mut txn, (tenant, id), now).await?;
    let change = || Change::new("agent", "revoke", id.0, &agent.name);
    Ok(txn.commit(revoked.then(change), now).await?)
}
