//! Tenants: the customers.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, TenantId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{InventoryError, Listed, Page, Vault, list, tenant_set};
use crate::identity::TenantContext;
use crate::store::Database;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub created_at: Micros,
}

/// Makes a tenant with its own key. Only those may who see all tenants.
pub async fn tenant_create(
    db: &Database,
    vault: &Vault,
    context: &TenantContext,
    ids: &IdGenerator,
    name: &str,
    now: Micros,
) -> Result<Tenant, InventoryError> {
    if !context.is_super_admin() {
        return Err(InventoryError::Denied);
    }
    let tenant = Tenant { id: TenantId(ids.next(now)), name: name.to_owned(), created_at: now };
    let mut txn = db.write().await?;
    let made = sqlx::query(
        "INSERT INTO tenant (tenant_id, name, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(tenant.id.0)
    .bind(&tenant.name)
    .bind(now.0)
    .execute(&mut *txn)
    .await?;
    if made.rows_affected() == 0 {
        return Err(InventoryError::Exists);
    }
    vault.tenant_key_create(&mut txn, tenant.id, now).await?;
    txn.commit().await?;
    Ok(tenant)
}

const TOTAL: &str = concat!("SELECT COUNT(*) FROM tenant WHERE tenant_id IN ", tenant_set!());
const LIST: &str = concat!(
    "SELECT tenant_id, name, created_at FROM tenant WHERE tenant_id IN ",
    tenant_set!(),
    " AND ($2 = 0 OR (name, tenant_id) > ($3, $4)) ORDER BY name, tenant_id LIMIT $5"
);

fn read(row: &SqliteRow) -> Result<Tenant, sqlx::Error> {
    Ok(Tenant {
        id: TenantId(row.try_get(0)?),
        name: row.try_get(1)?,
        created_at: Micros(row.try_get(2)?),
    })
}

/// The caller's tenants, by name.
pub async fn tenant_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Tenant>, InventoryError> {
    list(db, context, page, (TOTAL, LIST), read).await
}

/// All tenants there are: for the command line and for those who see all.
pub async fn tenant_ids(db: &Database) -> Result<Vec<TenantId>, InventoryError> {
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT tenant_id FROM tenant").fetch_all(db.reader()).await?;
    Ok(ids.into_iter().map(TenantId).collect())
}

/// The tenant of this name, if the caller may see it.
pub async fn tenant_by_name(
    db: &Database,
    context: &TenantContext,
    name: &str,
) -> Result<Option<TenantId>, InventoryError> {
    let id: Option<i64> = sqlx::query_scalar(concat!(
        "SELECT tenant_id FROM tenant WHERE tenant_id IN ",
        tenant_set!(),
        " AND name = $2"
    ))
    .bind(context.tenants_json())
    .bind(name)
    .fetch_optional(db.reader())
    .await?;
    Ok(id.map(TenantId))
}
