//! Sites: the places of a tenant where gear stands.

use farwatch_common::clock::Micros;
use farwatch_common::id::{IdGenerator, SiteId, TenantId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{InventoryError, Listed, Named, Page, get, list, require, tenant_set};
use crate::identity::{Access, TenantContext};
use crate::store::{Database, Transaction};

/// Sites of a tenant: each name that is not known makes one.
const SITES_MAX: u32 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    pub id: SiteId,
    pub name: String,
    pub tenant: Named<TenantId>,
}

/// The site of this name, made if the tenant has none.
pub async fn site_create_or_get(
    txn: &mut Transaction,
    context: &TenantContext,
    ids: &IdGenerator,
    tenant: TenantId,
    name: &str,
    now: Micros,
) -> Result<SiteId, InventoryError> {
    require(context, tenant, Access::Write)?;
    let made = sqlx::query(
        "INSERT INTO site (tenant_id, site_id, name, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, name) DO NOTHING",
    )
    .bind(tenant.0)
    .bind(ids.next(now))
    .bind(name)
    .bind(now.0)
    .execute(&mut **txn)
    .await?;
    if made.rows_affected() > 0 {
        let sites: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM site WHERE tenant_id = $1")
            .bind(tenant.0)
            .fetch_one(&mut **txn)
            .await?;
        if sites > SITES_MAX.into() {
            let what = "sites; choose one of them";
            return Err(InventoryError::Full { what, max: SITES_MAX });
        }
    }
    let id: i64 = sqlx::query_scalar("SELECT site_id FROM site WHERE tenant_id = $1 AND name = $2")
        .bind(tenant.0)
        .bind(name)
        .fetch_one(&mut **txn)
        .await?;
    Ok(SiteId(id))
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

const TOTAL: &str = concat!("SELECT COUNT(*) FROM site WHERE tenant_id IN ", tenant_set!());
const LIST: &str = concat!(
    select_site!(),
    " AND ($2 = 0 OR (s.name, s.site_id) > ($3, $4)) ORDER BY s.name, s.site_id LIMIT $5"
);
const GET: &str = concat!(select_site!(), " AND s.site_id = $2");

/// The sites of the caller's tenants, by name.
pub async fn site_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Site>, InventoryError> {
    list(db, context, page, (TOTAL, LIST), read).await
}

pub async fn site_get(
    db: &Database,
    context: &TenantContext,
    id: SiteId,
) -> Result<Site, InventoryError> {
    get(db, context, GET, id.0, read).await
}

fn read(row: &SqliteRow) -> Result<Site, sqlx::Error> {
    Ok(Site {
        id: SiteId(row.try_get(0)?),
        name: row.try_get(1)?,
        tenant: Named { id: TenantId(row.try_get(2)?), name: row.try_get(3)? },
    })
}
