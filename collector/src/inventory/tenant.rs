//! Tenants: the customers.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, TenantId};
use serde_json::json;

use super::slug::called;
use super::{InventoryError, Listed, Page, Vault, get, list, tenant_set};
use crate::audit::Change;
use crate::identity::TenantContext;
use crate::identity::tenancy::tenants_change;
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    /// Its devices are simulated, and everybody is told so.
    pub demo: bool,
    pub created_at: Micros,
}

sql! { pub(crate) INSERT =
    "INSERT INTO tenant (tenant_id, name, demo, created_at) VALUES ($1, $2, $3, $4)"
}

fn free(known: &[String], name: &str) -> Result<(), InventoryError> {
    let Some(there) = called(known, name, |known| known) else { return Ok(()) };
    Err(InventoryError::Exists { what: "tenant of this name", there: there.clone() })
}

/// Makes a tenant with its own key; none may be there whose name looks the same. Only those may who
/// see all tenants.
pub async fn tenant_create(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    ids: &IdGenerator,
    name: &str,
    now: Micros,
) -> Result<Tenant, InventoryError> {
    create(db, vault, context, ids, (name, false), now).await
}

/// The same, of a tenant whose devices are simulated.
pub async fn demo_tenant_create(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    ids: &IdGenerator,
    name: &str,
    now: Micros,
) -> Result<Tenant, InventoryError> {
    create(db, vault, context, ids, (name, true), now).await
}

async fn create(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    ids: &IdGenerator,
    (name, demo): (&str, bool),
    now: Micros,
) -> Result<Tenant, InventoryError> {
    let id = TenantId(ids.next(now));
    let tenant = Tenant { id, name: name.to_owned(), demo, created_at: now };
    let context = context.founding(tenant.id).ok_or(InventoryError::Denied)?;
    // Until the commit: see there.
    let wrapping = vault.wrapping()?;
    let (mut txn, others) = tenants_change(db, &context, tenant.id).await?;
    free(&others, name)?;
    INSERT.bind(tenant.id).bind(name).bind(demo).bind(now).execute(&mut txn).await?;
    vault.tenant_key_create(&mut txn, &wrapping, tenant.id, now).await?;
    let change = Change::new("tenant", "create", tenant.id.0, name).only_in([tenant.id]);
    txn.commit([change], now).await?;
    Ok(tenant)
}

macro_rules! select_tenant {
    () => {
        concat!(
            "SELECT tenant_id, name, demo, created_at FROM tenant WHERE tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM tenant WHERE tenant_id IN ", tenant_set!() }
sql! { pub(crate) LIST =
    select_tenant!(),
    " AND ($2 = 0 OR (name, tenant_id) > ($3, $4)) ORDER BY name, tenant_id LIMIT $5"
}
sql! { pub(crate) GET = select_tenant!(), " AND tenant_id = $2" }

fn read(row: &Row) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: TenantId(row.get(0)?),
        name: row.get(1)?,
        demo: row.get::<i64>(2)? != 0,
        created_at: Micros(row.get(3)?),
    })
}

/// The caller's tenants, by name.
pub async fn tenant_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Tenant>, InventoryError> {
    list(db, context, page, (&TOTAL, &LIST), read).await
}

pub async fn tenant_get(
    db: &Database,
    context: &TenantContext,
    id: TenantId,
) -> Result<Tenant, InventoryError> {
    get(db, context, &GET, id.0, read).await
}

sql! { pub(crate) RENAME = "UPDATE tenant SET name = $2 WHERE tenant_id = $1" }

/// Gives a tenant another name. Only those may who see all tenants.
pub async fn tenant_rename(
    db: &Database,
    context: &TenantContext,
    id: TenantId,
    name: &str,
    now: Micros,
) -> Result<Tenant, InventoryError> {
    let before = tenant_get(db, context, id).await?;
    if !context.is_super_admin() {
        return Err(InventoryError::Denied);
    }
    let (mut txn, others) = tenants_change(db, context, id).await?;
    // Two that look the same from before this was refused keep their names.
    if before.name != name {
        free(&others, name)?;
    }
    RENAME.bind(id).bind(name).execute(&mut txn).await?;
    let change = || {
        let change = Change::new("tenant", "rename", id.0, name).only_in([id]);
        change.before(json!({ "name": before.name })).after(json!({ "name": name }))
    };
    txn.commit((before.name != name).then(change), now).await?;
    Ok(Tenant { name: name.to_owned(), ..before })
}

sql! { pub(crate) BY_NAME =
    "SELECT tenant_id FROM tenant WHERE tenant_id IN ", tenant_set!(), " AND name = $2"
}

/// The tenant of this name, if the caller may see it.
pub async fn tenant_by_name(
    db: &Database,
    context: &TenantContext,
    name: &str,
) -> Result<Option<TenantId>, InventoryError> {
    let mut txn = db.read(context).await?;
    let row = BY_NAME.bind(context.tenants_json()).bind(name).optional(&mut txn).await?;
    Ok(row.map(|row| row.get(0).map(TenantId)).transpose()?)
}
