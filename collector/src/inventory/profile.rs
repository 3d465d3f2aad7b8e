//! Credential profiles: what devices of a site or with a tag are asked with, or logged in with, that
//! have no credential of their own for that. The closest counts: of site and tag, of the site, of the
//! tag, of all; of two the one that was made first.

pub mod reach;

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, CredentialId, IdGenerator, SiteId, TenantId};
use serde_json::{Value, json};

use super::credential::{About, Credential, Kind};
use super::site::site_get;
use super::vault::{Place, Vault, VaultError};
use super::{
    InventoryError, Listed, Named, Page, differences, get, in_order, list, require, set_of, snmp,
    tenant_set,
};
use crate::audit::Change;
use crate::history::backup::look_again;
use crate::identity::{Access, TenantContext};
use crate::store::sql::{Row, Sql, sql};
use crate::store::{Database, StoreError, Txn};

/// Profiles of a tenant: each is looked at for each device.
pub const PROFILES_MAX: u32 = 200;

/// The kind of credential that the device `d` is asked with over SNMP.
macro_rules! kind_of {
    () => {
        "(CASE d.snmp_version WHEN 'v3' THEN 'snmp_user' ELSE 'snmp_community' END)"
    };
}
pub(crate) use kind_of;

/// How far the profile `q` is from a device in its reach.
macro_rules! closeness {
    () => {
        "CASE WHEN q.site_id IS NOT NULL AND q.tag IS NOT NULL THEN 0
              WHEN q.site_id IS NOT NULL THEN 1
              WHEN q.tag IS NOT NULL THEN 2 ELSE 3 END"
    };
}
pub(crate) use closeness;

/// The id of the profile that the device `d` takes if it has no credential of its own of this kind.
macro_rules! profile_of {
    ($kind:expr) => {
        concat!(
            "(SELECT q.profile_id FROM credential_profile q
          WHERE q.tenant_id = d.tenant_id AND q.kind = ",
            $kind,
            " AND (q.site_id IS NULL OR q.site_id = d.site_id)
            AND (q.tag IS NULL OR EXISTS (SELECT 1 FROM device_tag g
                 WHERE g.tenant_id = d.tenant_id AND g.device_id = d.device_id AND g.tag = q.tag))
          ORDER BY ",
            $crate::inventory::profile::closeness!(),
            ", q.profile_id LIMIT 1)"
        )
    };
}
pub(crate) use profile_of;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub id: CredentialId,
    pub name: String,
    pub tenant: Named<TenantId>,
    pub kind: Kind,
    /// What may be shown of a user or a login.
    pub about: Option<About>,
    /// `None`: of every site.
    pub site: Option<Named<SiteId>>,
    /// `None`: with any tags or none.
    pub tag: Option<String>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

impl Profile {
    /// What the audit tells of it.
    fn told(&self) -> Value {
        let site = self.site.as_ref().map(|site| &site.name);
        let mut told = json!({
            "name": self.name, "kind": self.kind.name(), "site": site, "tag": self.tag,
        });
        match &self.about {
            Some(About::User(about)) => told["user"] = json!(about),
            Some(About::Login(about)) => told["login"] = json!(about),
            None => {}
        }
        told
    }
}

/// A profile to be made; its texts are checked by the caller.
#[derive(Clone, Debug)]
pub struct NewProfile {
    pub tenant: TenantId,
    pub name: String,
    pub site: Option<SiteId>,
    pub tag: Option<String>,
    pub credential: Credential,
}

/// What is to be different; the inner `None` is «every».
#[derive(Clone, Debug, Default)]
pub struct ProfilePatch {
    pub name: Option<String>,
    pub site: Option<Option<SiteId>>,
    pub tag: Option<Option<String>>,
    /// Of the kind that the profile has.
    pub credential: Option<Credential>,
}

macro_rules! select_profile {
    () => {
        concat!(
            "SELECT p.profile_id, p.name, t.tenant_id, t.name, s.site_id, s.name, p.tag,
                    p.created_at, p.updated_at, p.kind, p.about
             FROM credential_profile p JOIN tenant t ON t.tenant_id = p.tenant_id
             LEFT JOIN site s ON s.tenant_id = p.tenant_id AND s.site_id = p.site_id
             WHERE p.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) TOTAL =
    "SELECT COUNT(*) FROM credential_profile WHERE tenant_id IN ", tenant_set!()
}
sql! { pub(crate) LIST =
    select_profile!(),
    " AND ($2 = 0 OR (p.name, p.profile_id) > ($3, $4)) ORDER BY p.name, p.profile_id LIMIT $5"
}
sql! { pub(crate) GET = select_profile!(), " AND p.profile_id = $2" }

fn read(row: &Row) -> Result<Profile, StoreError> {
    let site = match row.get::<Option<i64>>(4)? {
        Some(id) => Some(Named { id: SiteId(id), name: row.get(5)? }),
        None => None,
    };
    let what = || StoreError::Corrupt { what: "the kind of a credential profile".to_owned() };
    let kind = Kind::from_name(&row.get::<String>(9)?).ok_or_else(what)?;
    let about = row.get::<Option<String>>(10)?;
    Ok(Profile {
        id: CredentialId(row.get(0)?),
        name: row.get(1)?,
        kind,
        about: about.and_then(|about| About::read(kind, &about)),
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
        site,
        tag: row.get(6)?,
        created_at: Micros(row.get(7)?),
        updated_at: Micros(row.get(8)?),
    })
}

/// The profiles of the caller's tenants, by name.
pub async fn profile_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Profile>, InventoryError> {
    list(db, context, page, (&TOTAL, &LIST), read).await
}

pub async fn profile_get(
    db: &Database,
    context: &TenantContext,
    id: CredentialId,
) -> Result<Profile, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

sql! { pub(crate) BY_NAME =
    "SELECT profile_id FROM credential_profile
     WHERE tenant_id = $1 AND name = $2 AND profile_id <> $3"
}
sql! { pub(crate) COUNT = "SELECT COUNT(*) FROM credential_profile WHERE tenant_id = $1" }
sql! { pub(crate) INSERT =
    "INSERT INTO credential_profile (tenant_id, profile_id, name, kind, site_id, tag, version,
                                     key_version, sealed, created_at, updated_at, about)
     VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $9, $10)"
}

fn taken(name: &str) -> InventoryError {
    InventoryError::Exists { what: "credential profile of this name", there: name.to_owned() }
}

/// Makes a profile. Says which agents are to be told of a changed assignment.
pub async fn profile_create(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    ids: &IdGenerator,
    new: &NewProfile,
    now: Micros,
) -> Result<(Profile, BTreeSet<AgentId>), InventoryError> {
    require(context, new.tenant, Access::Write)?;
    if let Some(site) = new.site {
        site_get(db, &context.narrowed(new.tenant), site).await?;
    }
    let id = CredentialId(ids.next(now));
    let mut txn = db.change(context, new.tenant, Access::Write).await?;
    if BY_NAME.bind(new.tenant).bind(&new.name).bind(id.0).optional(&mut txn).await?.is_some() {
        return Err(taken(&new.name));
    }
    let profiles: i64 = COUNT.bind(new.tenant).scalar(&mut txn).await?;
    if profiles >= PROFILES_MAX.into() {
        let what = "credential profiles; take out one that nobody uses";
        return Err(InventoryError::Full { what, max: PROFILES_MAX });
    }
    let place = Place::of_profile(new.tenant, new.site.unwrap_or(SiteId(0)), id);
    let key = vault.tenant_key(&mut txn, new.tenant, None).await?;
    let sealed = key.seal(place, &new.credential.plain())?;
    let kind = new.credential.kind();
    let insert = INSERT.bind(new.tenant).bind(id.0).bind(&new.name).bind(kind.name());
    let insert = insert.bind(new.site).bind(new.tag.clone()).bind(key.version()).bind(sealed);
    let insert = insert.bind(now).bind(new.credential.about());
    insert.execute(&mut txn).await?;
    let agents = touched(&mut txn, new.tenant, kind, (new.site, new.tag.as_deref())).await?;
    let made = in_txn(&mut txn, new.tenant, id).await?;
    let change = Change::new("credential_profile", "create", id.0, &made.name);
    txn.commit([change.after(made.told())], now).await?;
    Ok((made, agents))
}

async fn in_txn(
    txn: &mut Txn,
    tenant: TenantId,
    id: CredentialId,
) -> Result<Profile, InventoryError> {
    let row = GET.bind(set_of(tenant)).bind(id.0).optional(txn).await?;
    Ok(read(&row.ok_or(InventoryError::NotFound)?)?)
}

sql! { pub(crate) SEALED =
    "SELECT COALESCE(site_id, 0), key_version, sealed FROM credential_profile
     WHERE tenant_id = $1 AND profile_id = $2"
}
sql! { pub(crate) UPDATE =
    "UPDATE credential_profile SET name = $3, site_id = $4, tag = $5, updated_at = $6,
            version = version + 1
     WHERE tenant_id = $1 AND profile_id = $2"
}
sql! { pub(crate) SEAL =
    "UPDATE credential_profile SET key_version = $3, sealed = $4, about = $5
     WHERE tenant_id = $1 AND profile_id = $2"
}

/// Changes a profile, if anything of it is to be different. Says which agents are to be told.
pub async fn profile_patch(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    id: CredentialId,
    patch: &ProfilePatch,
    now: Micros,
) -> Result<(Profile, BTreeSet<AgentId>), InventoryError> {
    let tenant = profile_get(db, context, id).await?.tenant.id;
    if let Some(Some(site)) = patch.site {
        site_get(db, &context.narrowed(tenant), site).await?;
    }
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let before = in_txn(&mut txn, tenant, id).await?;
    let given = patch.credential.as_ref().map(Credential::kind);
    if let Some(given) = given.filter(|given| *given != before.kind) {
        return Err(InventoryError::OtherKind { is: before.kind, given });
    }
    let name = patch.name.as_ref().unwrap_or(&before.name);
    if BY_NAME.bind(tenant).bind(name).bind(id.0).optional(&mut txn).await?.is_some() {
        return Err(taken(name));
    }
    let site = patch.site.unwrap_or(before.site.as_ref().map(|site| site.id));
    let tag = patch.tag.clone().unwrap_or_else(|| before.tag.clone());
    let reach = |of: &Profile| (of.site.as_ref().map(|site| site.id), of.tag.clone());
    let reaches_on = reach(&before) == (site, tag.clone());
    let mut agents = BTreeSet::new();
    if patch.credential.is_none() && reaches_on && *name == before.name {
        return Ok((before, agents));
    }
    // Its place names the site: with that the blob changes.
    if patch.credential.is_some() || site != reach(&before).0 {
        let credential = match &patch.credential {
            Some(credential) => credential.clone(),
            None => opened(&mut txn, vault, (tenant, id), before.kind).await?,
        };
        seal(&mut txn, vault, (tenant, site, id), &credential).await?;
    }
    let update = UPDATE.bind(tenant).bind(id.0).bind(name).bind(site).bind(tag).bind(now);
    update.execute(&mut txn).await?;
    let after = in_txn(&mut txn, tenant, id).await?;
    if patch.credential.is_some() || !reaches_on {
        for (site, tag) in BTreeSet::from([reach(&before), reach(&after)]) {
            agents.extend(touched(&mut txn, tenant, after.kind, (site, tag.as_deref())).await?);
        }
    }
    let change = told(&before, &after, patch.credential.is_some());
    txn.commit(change, now).await?;
    Ok((after, agents))
}

/// Seals a credential for a profile of this site.
async fn seal(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, site, id): (TenantId, Option<SiteId>, CredentialId),
    credential: &Credential,
) -> Result<(), InventoryError> {
    let key = vault.tenant_key(txn, tenant, None).await?;
    let place = Place::of_profile(tenant, site.unwrap_or(SiteId(0)), id);
    let sealed = key.seal(place, &credential.plain())?;
    let seal = SEAL.bind(tenant).bind(id.0).bind(key.version()).bind(sealed);
    seal.bind(credential.about()).execute(txn).await?;
    Ok(())
}

/// The credential of a profile.
async fn opened(
    txn: &mut Txn,
    vault: &Vault,
    (tenant, id): (TenantId, CredentialId),
    kind: Kind,
) -> Result<Credential, InventoryError> {
    let row = SEALED.bind(tenant).bind(id.0).optional(txn).await?;
    let row = row.ok_or(InventoryError::NotFound)?;
    let what = |_| StoreError::Corrupt { what: "the version of a key".to_owned() };
    let version = u32::try_from(row.get::<i64>(1)?).map_err(what)?;
    let key = vault.tenant_key(txn, tenant, Some(version)).await?;
    let place = Place::of_profile(tenant, SiteId(row.get(0)?), id);
    match key.open(place, &row.get::<Vec<u8>>(2)?) {
        Ok(plain) => Credential::read(kind, plain).ok_or(InventoryError::Damaged),
        Err(VaultError::Sealed) => Err(InventoryError::Damaged),
        Err(error) => Err(error.into()),
    }
}

fn told(before: &Profile, after: &Profile, replaced: bool) -> Option<Change> {
    let (was, mut is) = (before.told(), after.told());
    if replaced {
        let what = match after.kind {
            Kind::Snmp(snmp::Kind::Community) => "community",
            Kind::Snmp(snmp::Kind::User) | Kind::Login => "credential",
        };
        is[what] = json!("replaced");
    }
    let (was, is) = differences(&was, &is)?;
    let change = Change::new("credential_profile", "change", after.id.0, &after.name);
    Some(change.before(was).after(is))
}

sql! { pub(crate) DELETE =
    "DELETE FROM credential_profile WHERE tenant_id = $1 AND profile_id = $2"
}

/// Takes a profile out. Says which agents are to be told.
pub async fn profile_delete(
    db: &Database,
    context: &TenantContext,
    id: CredentialId,
    now: Micros,
) -> Result<BTreeSet<AgentId>, InventoryError> {
    let tenant = profile_get(db, context, id).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let before = in_txn(&mut txn, tenant, id).await?;
    let site = before.site.as_ref().map(|site| site.id);
    let agents = touched(&mut txn, tenant, before.kind, (site, before.tag.as_deref())).await?;
    DELETE.bind(tenant).bind(id.0).execute(&mut txn).await?;
    let change = Change::new("credential_profile", "delete", id.0, &before.name);
    txn.commit([change.before(before.told())], now).await?;
    Ok(agents)
}

// Of the devices in reach that have no credential of their own; a profile that is closer may hide
// the one that changes, and then an agent is told what it has already.
sql! { pub(crate) TOUCH =
    "UPDATE agent SET assignment_revision = assignment_revision + 1
     WHERE tenant_id = $1 AND revoked_at IS NULL AND agent_id IN (
         SELECT d.agent_id FROM device d
         WHERE d.tenant_id = $1 AND ($2 = 0 OR d.site_id = $2)
           AND ($3 = '' OR EXISTS (SELECT 1 FROM device_tag g WHERE g.tenant_id = d.tenant_id
                AND g.device_id = d.device_id AND g.tag = $3))
           AND NOT EXISTS (SELECT 1 FROM credential c
                WHERE c.tenant_id = d.tenant_id AND c.device_id = d.device_id AND c.kind = $4)
           AND $4 = ",
    kind_of!(),
    ") RETURNING agent_id"
}

static LOCK: Sql = Sql::new(
    "SELECT agent_id FROM agent WHERE tenant_id = $1 ORDER BY agent_id FOR NO KEY UPDATE",
    file!(),
    line!(),
);

/// Marks the assignments as changed of all agents whose devices may take a profile of this reach. A
/// login is in none: the schedule looks at the tenant's devices again.
async fn touched(
    txn: &mut Txn,
    tenant: TenantId,
    kind: Kind,
    (site, tag): (Option<SiteId>, Option<&str>),
) -> Result<BTreeSet<AgentId>, InventoryError> {
    if kind == Kind::Login {
        look_again(txn, tenant).await?;
        return Ok(BTreeSet::new());
    }
    in_order(txn, LOCK.bind(tenant)).await?;
    let site = site.map_or(0, |site| site.0);
    let touch = TOUCH.bind(tenant).bind(site).bind(tag.unwrap_or(""));
    let rows = touch.bind(kind.name()).all(txn).await?;
    Ok(rows.iter().map(|row| row.get(0).map(AgentId)).collect::<Result<_, _>>()?)
}
