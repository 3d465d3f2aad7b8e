//! Routes: which alerts of a tenant go to which channel. Every route that matches counts; a channel
//! that several lead to is told once.

use farwatch_common::clock::Micros;
use farwatch_common::id::{ChannelId, IdGenerator, RouteId, TenantId};
use serde_json::{Value, json};

use super::channel::channel_get;
use super::scope::Scope;
use crate::audit::Change;
use crate::evaluate::severity::Severity;
use crate::identity::{Access, TenantContext};
use crate::inventory::{
    InventoryError, Listed, Named, Page, get, list, require, set_of, tenant_set,
};
use crate::store::sql::{Row, sql};
use crate::store::{Database, StoreError, Txn};

/// Routes of a tenant: each is looked at for each transition.
pub const ROUTES_MAX: u32 = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub id: RouteId,
    pub tenant: Named<TenantId>,
    pub channel: Named<ChannelId>,
    /// The least.
    pub severity: Severity,
    pub scope: Scope,
    /// Also when an alert is resolved.
    pub on_resolved: bool,
    pub created_at: Micros,
}

impl Route {
    fn told(&self) -> Value {
        json!({
            "channel": self.channel.name, "severity": self.severity.name(),
            "sites": self.scope.sites.iter().map(|id| farwatch_common::id::SiteId(*id).to_string())
                .collect::<Vec<_>>(),
            "tags": self.scope.tags, "on_resolved": self.on_resolved,
        })
    }
}

#[derive(Clone, Debug)]
pub struct NewRoute {
    pub channel: ChannelId,
    pub severity: Severity,
    /// Its sites are those of the channel's tenant; the caller has checked them.
    pub scope: Scope,
    pub on_resolved: bool,
}

macro_rules! select_route {
    () => {
        concat!(
            "SELECT r.route_id, t.tenant_id, t.name, c.channel_id, c.name, r.severity, r.scope,
                    r.on_resolved, r.created_at
             FROM route r JOIN tenant t ON t.tenant_id = r.tenant_id
             JOIN channel c ON c.tenant_id = r.tenant_id AND c.channel_id = r.channel_id
             WHERE r.tenant_id IN ",
            tenant_set!()
        )
    };
}

sql! { pub(crate) TOTAL = "SELECT COUNT(*) FROM route WHERE tenant_id IN ", tenant_set!() }
sql! { pub(crate) LIST =
    select_route!(),
    " AND ($2 = 0 OR (c.name, r.route_id) > ($3, $4)) ORDER BY c.name, r.route_id LIMIT $5"
}
sql! { pub(crate) GET = select_route!(), " AND r.route_id = $2" }

fn read(row: &Row) -> Result<Route, StoreError> {
    let what = || StoreError::Corrupt { what: "a route".to_owned() };
    Ok(Route {
        id: RouteId(row.get(0)?),
        tenant: Named { id: TenantId(row.get(1)?), name: row.get(2)? },
        channel: Named { id: ChannelId(row.get(3)?), name: row.get(4)? },
        severity: Severity::from_number(row.get(5)?).ok_or_else(what)?,
        scope: serde_json::from_str(&row.get::<String>(6)?).map_err(|_| what())?,
        on_resolved: row.get(7)?,
        created_at: Micros(row.get(8)?),
    })
}

/// The routes of the caller's tenants, by the name of their channel.
pub async fn route_list(
    db: &Database,
    context: &TenantContext,
    page: &Page,
) -> Result<Listed<Route>, InventoryError> {
    list(db, context, page, (&TOTAL, &LIST), read).await
}

sql! { pub(crate) COUNT = "SELECT COUNT(*) FROM route WHERE tenant_id = $1" }
sql! { pub(crate) INSERT =
    "INSERT INTO route (tenant_id, route_id, channel_id, severity, scope, on_resolved, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)"
}

async fn in_txn(txn: &mut Txn, tenant: TenantId, id: RouteId) -> Result<Route, InventoryError> {
    let row = GET.bind(set_of(tenant)).bind(id.0).optional(txn).await?;
    Ok(read(&row.ok_or(InventoryError::NotFound)?)?)
}

pub async fn route_create(
    db: &Database,
    context: &TenantContext,
    ids: &IdGenerator,
    new: &NewRoute,
    now: Micros,
) -> Result<Route, InventoryError> {
    let tenant = channel_get(db, context, new.channel).await?.tenant.id;
    require(context, tenant, Access::Admin)?;
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let routes: i64 = COUNT.bind(tenant).scalar(&mut txn).await?;
    if routes >= ROUTES_MAX.into() {
        let what = "routes; delete one that nobody needs";
        return Err(InventoryError::Full { what, max: ROUTES_MAX });
    }
    let corrupt = |_| StoreError::Corrupt { what: "a scope that is no JSON".to_owned() };
    let scope = serde_json::to_string(&new.scope).map_err(corrupt)?;
    let id = RouteId(ids.next(now));
    let insert = INSERT.bind(tenant).bind(id.0).bind(new.channel.0).bind(new.severity as i64);
    insert.bind(scope).bind(new.on_resolved).bind(now).execute(&mut txn).await?;
    let made = in_txn(&mut txn, tenant, id).await?;
    let change = Change::new("route", "create", id.0, &made.channel.name);
    txn.commit([change.after(made.told())], now).await?;
    Ok(made)
}

sql! { pub(crate) DELETE = "DELETE FROM route WHERE tenant_id = $1 AND route_id = $2" }

pub async fn route_delete(
    db: &Database,
    context: &TenantContext,
    id: RouteId,
    now: Micros,
) -> Result<(), InventoryError> {
    let tenant = get(db, context, &GET, id.0, read).await?.tenant.id;
    let mut txn = db.change(context, tenant, Access::Admin).await?;
    let before = in_txn(&mut txn, tenant, id).await?;
    DELETE.bind(tenant).bind(id.0).execute(&mut txn).await?;
    let change = Change::new("route", "delete", id.0, &before.channel.name);
    Ok(txn.commit([change.before(before.told())], now).await?)
}
