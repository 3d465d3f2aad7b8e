//! API keys of programs.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Ref, Scope, Time, listed};
use super::request::{Json, NAME_RULE, Params, PathId};
use super::tenants::{OfTenant, tenant_named};
use crate::identity::Access;
use crate::identity::api_key::{
    self, LIFE_DAYS, LIFE_DAYS_MAX, api_key_create, api_key_list, api_key_revoke,
};
use crate::inventory::is_name;
use farwatch_common::id::ApiKeyId;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiKey {
    id: String,
    name: String,
    tenant: Ref,
    scopes: Vec<Scope>,
    created_at: Time,
    expires_at: Time,
    last_used_at: Option<Time>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApiKey {
    tenant: String,
    name: String,
    scopes: Vec<Scope>,
    /// 1 to 365; 90 if not given.
    expires_in_days: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct CreatedApiKey {
    /// Shown this once.
    key: String,
    id: String,
    name: String,
    scopes: Vec<Scope>,
    expires_at: Time,
}

fn scope_inside(scope: Scope) -> api_key::Scope {
    match scope {
        Scope::Read => api_key::Scope::Read,
        Scope::Write => api_key::Scope::Write,
    }
}

fn scope_outside(scope: api_key::Scope) -> Scope {
    match scope {
        api_key::Scope::Read => Scope::Read,
        api_key::Scope::Write => Scope::Write,
    }
}

/// API keys of the tenants I administer
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "tenants", params(OfTenant),
    responses((status = 200, body = List<ApiKey>)))]
pub(super) async fn api_keys(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<ApiKey>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let rows = api_key_list(&state.db, &context, &paging.page()?).await?;
    listed(
        rows,
        &paging,
        |row| (row.name.clone(), row.id.0),
        |row| ApiKey {
            id: row.id.to_string(),
            name: row.name,
            tenant: row.tenant.into(),
            scopes: row.scopes.into_iter().map(scope_outside).collect(),
            created_at: Time(row.created_at),
            expires_at: Time(row.expires_at),
            last_used_at: row.last_used_at.map(Time),
        },
    )
}

/// Make an API key
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "tenants", request_body = NewApiKey,
    responses((status = 201, body = Data<CreatedApiKey>)))]
pub(super) async fn api_key_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewApiKey>,
) -> Result<(StatusCode, Data<CreatedApiKey>), Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Admin)?;
    if !is_name(&body.name) {
        return Err(Error::field("name", NAME_RULE));
    }
    use Scope::{Read, Write};
    // Who may write may read, and the key says so.
    if !matches!(body.scopes[..], [Read] | [Read, Write] | [Write, Read]) {
        return Err(Error::field("scopes", "must be [\"read\"] or [\"read\", \"write\"]"));
    }
    let days = body.expires_in_days.unwrap_or(LIFE_DAYS);
    if !(1..=LIFE_DAYS_MAX).contains(&days) {
        return Err(Error::field("expires_in_days", "must be 1 to 365"));
    }
    let scopes: Vec<_> = body.scopes.iter().copied().map(scope_inside).collect();
    let (target, now) = ((tenant, body.name.as_str()), state.clock.now());
    let (key, id, expires_at) =
        api_key_create(&state.db, &caller.context, &state.ids, target, (&scopes, days), now)
            .await?;
    let data = CreatedApiKey {
        key: String::from_utf8_lossy(key.expose()).into_owned(),
        id: id.to_string(),
        name: body.name,
        scopes: body.scopes,
        expires_at: Time(expires_at),
    };
    Ok((StatusCode::CREATED, Data { data }))
}

/// End an API key
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "tenants",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn api_key_delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ApiKeyId>,
) -> Result<StatusCode, Error> {
    api_key_revoke(&state.db, &caller.context, id, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
