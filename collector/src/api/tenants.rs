//! Tenants, and what of a list is one tenant's.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Paging, Time, listed};
use super::request::{Json, NAME_RULE, Params, PathId, id};
use super::{AppState, Parts};
use crate::identity::{Access, TenantContext};
use crate::inventory::tenant::{self, tenant_create, tenant_get, tenant_list, tenant_rename};
use crate::inventory::{is_name, require};
use farwatch_common::id::TenantId;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tenant {
    id: String,
    name: String,
    /// Its devices are simulated.
    demo: bool,
    created_at: Time,
}

fn show(row: tenant::Tenant) -> Tenant {
    let (id, created_at) = (row.id.to_string(), Time(row.created_at));
    Tenant { id, name: row.name, demo: row.demo, created_at }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfTenant {
    /// Only this tenant's.
    tenant: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

impl OfTenant {
    pub(super) fn is_of_all(&self) -> bool {
        self.tenant.is_none()
    }

    pub(super) fn parts(self, context: &TenantContext) -> Result<(TenantContext, Paging), Error> {
        let context = narrowed(context, self.tenant.as_deref())?;
        Ok((context, Paging { limit: self.limit, cursor: self.cursor }))
    }
}

/// The caller, narrowed to the tenant a query names.
pub(super) fn narrowed(
    context: &TenantContext,
    tenant: Option<&str>,
) -> Result<TenantContext, Error> {
    let Some(tenant) = tenant else { return Ok(context.clone()) };
    let tenant: TenantId = id(tenant)?;
    require(context, tenant, Access::Read)?;
    Ok(context.narrowed(tenant))
}

/// The tenant that a body names, if the caller may do this there.
pub(super) fn tenant_named(
    context: &TenantContext,
    tenant: &str,
    access: Access,
) -> Result<TenantId, Error> {
    let named = id(tenant).and_then(|tenant| {
        require(context, tenant, access)?;
        Ok(tenant)
    });
    named.map_err(|error| error.in_field("tenant"))
}

/// Tenants I may see
#[utoipa::path(get, path = "/api/v1/tenants", tag = "tenants", params(Paging),
    responses((status = 200, body = List<Tenant>)))]
pub(super) async fn tenants(
    State(state): State<AppState>,
    caller: Caller,
    Params(paging): Params<Paging>,
) -> Result<List<Tenant>, Error> {
    let rows = tenant_list(&state.db, &caller.context, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.name.clone(), row.id.0), show)
}

/// A tenant and its name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTenant {
    name: String,
}

/// Make a tenant
#[utoipa::path(post, path = "/api/v1/tenants", tag = "tenants", request_body = NewTenant,
    responses((status = 201, body = Data<Tenant>)))]
pub(super) async fn tenant_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewTenant>,
) -> Result<(StatusCode, Data<Tenant>), Error> {
    if !is_name(&body.name) {
        return Err(Error::field("name", NAME_RULE));
    }
    let Parts { db, vault, ids, clock, .. } = &*state;
    let made = tenant_create(db, vault, &caller.context, ids, &body.name, clock.now()).await?;
    Ok((StatusCode::CREATED, Data { data: show(made) }))
}

/// One tenant
#[utoipa::path(get, path = "/api/v1/tenants/{id}", tag = "tenants",
    params(("id" = String, Path)), responses((status = 200, body = Data<Tenant>)))]
pub(super) async fn tenant(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TenantId>,
) -> Result<Data<Tenant>, Error> {
    Ok(Data { data: show(tenant_get(&state.db, &caller.context, id).await?) })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantChange {
    name: String,
}

/// Rename a tenant
#[utoipa::path(patch, path = "/api/v1/tenants/{id}", tag = "tenants",
    params(("id" = String, Path)), request_body = TenantChange,
    responses((status = 200, body = Data<Tenant>)))]
pub(super) async fn tenant_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TenantId>,
    Json(body): Json<TenantChange>,
) -> Result<Data<Tenant>, Error> {
    require(&caller.context, id, Access::Read)?;
    if !is_name(&body.name) {
        return Err(Error::field("name", NAME_RULE));
    }
    let now = state.clock.now();
    let data = show(tenant_rename(&state.db, &caller.context, id, &body.name, now).await?);
    Ok(Data { data })
}
