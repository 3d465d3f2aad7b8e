//! Enrolment tokens: made, listed without their text, taken back.

use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Meta, Ref, Time, cursor};
use super::request::{Json, NAME_RULE, Params};
use super::tenants::{OfTenant, tenant_named};
use crate::config::public_advice;
use crate::identity::Access;
use crate::identity::token::{OpenToken, token_create, token_delete, token_list};
use crate::inventory::is_name;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    tenant: String,
    /// Id of a site of the tenant (`sit_…`), or the name of one, which is made if the tenant has none
    /// of this name. What begins with `sit_` is taken for an id.
    site: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    /// Shown this once.
    token: String,
    expires_at: Time,
    site: Ref,
}

/// Make an enrolment token for one agent
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken,
    responses((status = 201, body = Data<Token>)))]
pub(super) async fn token_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewToken>,
) -> Result<(StatusCode, Data<Token>), Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Write)?;
    if !is_name(&body.site) {
        return Err(Error::field("site", NAME_RULE));
    }
    if state.origin.endpoints.is_empty() {
        // Not its path: who administers a tenant need not know this host.
        let advice = public_advice("its configuration file (collector.toml, or that of --config)");
        let detail = format!("This collector does not know where agents reach it: {advice}.");
        return Err(Error::new(StatusCode::CONFLICT, "no_public_address", detail));
    }
    let target = (tenant, body.site.as_str());
    let now = state.clock.now();
    let made =
        token_create(&state.db, &caller.context, &state.ids, target, &state.origin, now).await?;
    let data = Token {
        token: String::from_utf8_lossy(made.text.expose()).into_owned(),
        expires_at: Time(made.expires_at),
        site: made.site.into(),
    };
    Ok((StatusCode::CREATED, Data { data }))
}

/// One that nobody used yet.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenInfo {
    /// Not the token: nobody can enrol with it.
    id: String,
    tenant: Ref,
    site: Ref,
    created_at: Time,
    expires_at: Time,
}

/// Enrolment tokens that can still be used
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", params(OfTenant),
    responses((status = 200, body = List<TokenInfo>)))]
pub(super) async fn tokens(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<TokenInfo>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let limit = paging.limit()?;
    let after = paging.after::<(i64, String)>()?;
    let now = state.clock.now();
    // One more, to know whether there is a next page.
    let mut listed = token_list(&state.db, &context, after, limit + 1, now).await?;
    let more = listed.rows.len() > limit as usize;
    listed.rows.truncate(limit as usize);
    let place = |row: &OpenToken| cursor(&(row.created_at.0, &row.id));
    let next_cursor = listed.rows.last().filter(|_| more).map(place).transpose()?;
    let show = |row: OpenToken| TokenInfo {
        id: row.id,
        tenant: row.tenant.into(),
        site: row.site.into(),
        created_at: Time(row.created_at),
        expires_at: Time(row.expires_at),
    };
    let meta = Meta { next_cursor, total: Some(listed.total) };
    Ok(List { data: listed.rows.into_iter().map(show).collect(), meta })
}

/// Take back an enrolment token
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn token_gone(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    token_delete(&state.db, &caller.context, &id, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
