//! Sites: the places of a tenant.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Ref, listed};
use super::request::{Json, NAME_RULE, Params, PathId, id};
use super::tenants::{OfTenant, tenant_named};
use crate::identity::{Access, TenantContext};
use crate::inventory::is_name;
use crate::inventory::site::{self, site_create, site_delete, site_get, site_list, site_rename};
use farwatch_common::id::{SiteId, TenantId};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Site {
    id: String,
    name: String,
    tenant: Ref,
}

fn show(row: site::Site) -> Site {
    Site { id: row.id.to_string(), name: row.name, tenant: row.tenant.into() }
}

/// Sites
#[utoipa::path(get, path = "/api/v1/sites", tag = "sites", params(OfTenant),
    responses((status = 200, body = List<Site>)))]
pub(super) async fn sites(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<Site>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let rows = site_list(&state.db, &context, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.name.clone(), row.id.0), show)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSite {
    tenant: String,
    name: String,
}

/// The site of the tenant that a field of a body names.
pub(super) async fn site_named(
    state: &AppState,
    context: &TenantContext,
    (tenant, field, site): (TenantId, &str, &str),
) -> Result<SiteId, Error> {
    let named = async || -> Result<SiteId, Error> {
        Ok(site_get(&state.db, &context.narrowed(tenant), id(site)?).await?.id)
    };
    named().await.map_err(|error| error.in_field(field))
}

/// Make a site
#[utoipa::path(post, path = "/api/v1/sites", tag = "sites", request_body = NewSite,
    responses((status = 201, body = Data<Site>)))]
pub(super) async fn site_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewSite>,
) -> Result<(StatusCode, Data<Site>), Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Write)?;
    if !is_name(&body.name) {
        return Err(Error::field("name", NAME_RULE));
    }
    let (target, now) = ((tenant, body.name.as_str()), state.clock.now());
    let made = site_create(&state.db, &caller.context, &state.ids, target, now).await?;
    Ok((StatusCode::CREATED, Data { data: show(made) }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteChange {
    name: String,
}

/// Rename a site
#[utoipa::path(patch, path = "/api/v1/sites/{id}", tag = "sites",
    params(("id" = String, Path)), request_body = SiteChange,
    responses((status = 200, body = Data<Site>)))]
pub(super) async fn site_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SiteId>,
    Json(body): Json<SiteChange>,
) -> Result<Data<Site>, Error> {
    site_get(&state.db, &caller.context, id).await?;
    if !is_name(&body.name) {
        return Err(Error::field("name", NAME_RULE));
    }
    let now = state.clock.now();
    let site = site_rename(&state.db, &caller.context, id, &body.name, now).await?;
    Ok(Data { data: show(site) })
}

/// Take out a site where nothing is
#[utoipa::path(delete, path = "/api/v1/sites/{id}", tag = "sites",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn site_gone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<SiteId>,
) -> Result<StatusCode, Error> {
    site_delete(&state.db, &caller.context, id, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
