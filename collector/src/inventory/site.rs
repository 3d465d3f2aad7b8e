//! Sites: the places of a tenant where gear stands.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, SiteId, TenantId};
use serde_json::json;

use super::slug::called;
use super::{InventoryError, Listed, Named, Page, get, list, require, set_of, tenant_set};
use crate::audit::Change;
use crate::identity::token::tokens_of_site_end;
use crate::identity::{Access, TenantContext};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Sites of a tenant: each name that is not known makes one.
const SITES_MAX: u32 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub id: SiteId,
    pub name: String,
    pub tenant: Named<TenantId>,
}

sql! { pub(crate) INSERT =
    "INSERT INTO site (tenant_id, site_id, name, created_at) VALUES ($1, $2, $3, $4)
"
}
sql! { pub(crate) NAMES =
    "SELECT site_id, name FROM site WHERE tenant_id = $1 AND site_id <> $2 ORDER BY site_id"
}

/// The sites of a tenant besides one: under its lock no other takes a name meanwhile.
async fn others(
    txn: &mut Txn,
    tenant: TenantId,
    besides: SiteId,
) -> Result<Vec<Named<SiteId>>, InventoryError> {
    let rows = NAMES.bind(tenant).bind(besides).all(txn).await?;
    let named = |row: &Row| Ok(Named { id: SiteId(row.get(0)?), name: row.get(1)? });
    Ok(rows.iter().map(named).collect::<Result<_, StoreError>>()?)
}

fn exists(there: &Named<SiteId>) -> InventoryError {
    InventoryError::Exists { what: "site of this name", there: there.name.clone() }
}

/// The site of this name, or of one that looks the same, made if the tenant has none, and then a
/// change.
pub async fn site_create_or_get(
    txn: &mut Txn,
    context: &TenantContext,
    ids: &IdGenerator,
    tenant: TenantId,
    name: &str,
    now: Micros,
) -> Result<(Named<SiteId>, Option<Change>), InventoryError> {
    require(context, tenant, Access::Write)?;
    let id = SiteId(ids.next(now));
    let known = others(txn, tenant, id).await?;
    if let Some(site) = called(&known, name, |site| &site.name) {
        return Ok((site.clone(), None));
    }
    if known.len() >= SITES_MAX as usize {
        let what = "sites; choose one of them";
        return Err(InventoryError::Full { what, max: SITES_MAX });
    }
    INSERT.bind(tenant).bind(id).bind(name).bind(now).execute(txn).await?;
    let change = Change::new("site", "create", id.0, name);
    Ok((Named { id, name: name.to_owned() }, Some(change)))
}

/// Makes a site; none may be there whose name looks the same.
pub async fn site_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    (tenant, name): (TenantId, &str),
    now: Micros,
) -> Result<Site, InventoryError> {
    let mut txn = db.change(context, tenant, Access::Write).await?;
    match site_create_or_get(&mut txn, context, ids, tenant, name, now).await? {
        (there, None) => Err(exists(&there)),
        (site, Some(change)) => {
            txn.commit([change], now).await?;
            site_get(db, context, site.id).await
        }
    }
}

sql! { pub(crate) RENAME = "UPDATE site SET name = $3 WHERE tenant_id = $1 AND site_id = $2" }

pub async fn site_rename(
    db: &Database,
    context: &TenantContext,
    id: SiteId,
    name: &str,
    now: Micros,
) -> Result<Site, InventoryError> {
    let before = site_get(db, context, id).await?;
    let tenant = before.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let others = others(&mut txn, tenant, id).await?;
    // Two that look the same from before this was refused keep their names.
    if let Some(there) = called(&others, name, |site| &site.name).filter(|_| before.name != name) {
        return Err(exists(there));
    }
    if RENAME.bind(tenant).bind(id).bind(name).execute(&mut txn).await? == 0 {
        return Err(InventoryError::NotFound);
    }
    let change = || {
        let change = Change::new("site", "rename", id.0, name);
        change.before(json!({ "name": before.name })).after(json!({ "name": name }))
    };
    txn.commit((before.name != name).then(change), now).await?;
    Ok(Site { name: name.to_owned(), ..before })
}

sql! { pub(crate) THERE =
    "SELECT (SELECT COUNT(*) FROM agent WHERE tenant_id = $1 AND site_id = $2),
            (SELECT COUNT(*) FROM device WHERE tenant_id = $1 AND site_id = $2),
            (SELECT COUNT(*) FROM credential_profile WHERE tenant_id = $1 AND site_id = $2)"
}
sql! { pub(crate) DELETE = "DELETE FROM site WHERE tenant_id = $1 AND site_id = $2" }

/// Takes out a site where nothing is. Tokens for it that nobody can use any more go with it.
pub async fn site_delete(
    db: &Database,
    context: &TenantContext,
    id: SiteId,
    now: Micros,
) -> Result<(), InventoryError> {
    let site = site_get(db, context, id).await?;
    let tenant = site.tenant.id;
    let mut txn = db.change(context, tenant, Access::Write).await?;
    let tokens = tokens_of_site_end(&mut txn, (tenant, id), now).await?;
    let row = THERE.bind(tenant).bind(id).one(&mut txn).await?;
    let counts = [
        (row.get::<i64>(0)?, "agents, revoked ones too"),
        (row.get(1)?, "devices"),
        (row.get(2)?, "credential profiles"),
        (tokens, "open enrolment tokens"),
    ];
    let there = counts.iter().filter(|(count, _)| *count > 0);
    let there: Vec<_> = there.map(|(count, what)| format!("{what}: {count}")).collect();
    if !there.is_empty() {
        return Err(InventoryError::InUse { there: there.join(", ") });
    }
    if DELETE.bind(tenant).bind(id).execute(&mut txn).await? == 0 {
        return Err(InventoryError::NotFound);
    }
    txn.commit([Change::new("site", "delete", id.0, &site.name)], now).await?;
    Ok(())
}

macro_rules! select_site {
    () => {
        concat!(
            "SELECT s.site_id, s.name, t.tenant_id, t.name
             FROM site s JOIN tenant t ON t.tenant_id = s.tenant_id WHERE s.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM site WHERE tenant_id IN ", tenant_set!() }
sql! { pub(crate) LIST =
    select_site!(),
    " AND ($2 = 0 OR (s.name, s.site_id) > ($3, $4)) ORDER BY s.name, s.site_id LIMIT $5"
}
sql! { pub(crate) GET = select_site!(), " AND s.site_id = $2" }

/// The sites of the caller's tenants, by name.
pub async fn site_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Site>, InventoryError> {
    list(db, context, page, (&TOTAL, &LIST), read).await
}

pub async fn site_get(
    db: &Database,
    context: &TenantContext,
    id: SiteId,
) -> Result<Site, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

/// A site of the tenant, in a transaction.
pub async fn site_named(
    txn: &mut Txn,
    tenant: TenantId,
    id: SiteId,
) -> Result<Named<SiteId>, InventoryError> {
    let row = GET.bind(set_of(tenant)).bind(id).optional(txn).await?;
    let site = read(&row.ok_or(InventoryError::NotFound)?)?;
    Ok(Named { id: site.id, name: site.name })
}

fn read(row: &Row) -> Result<Site, StoreError> {
    Ok(Site {
        id: SiteId(row.get(0)?),
        name: row.get(1)?,
        tenant: Named { id: TenantId(row.get(2)?), name: row.get(3)? },
    })
}
