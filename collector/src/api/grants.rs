//! Staff of the provider in tenants, for a reason and for hours.

use std::time::Duration;

use axum::extract::State;
use farwatch_common::clock::Micros;
use farwatch_common::id::{GrantId, UserId};
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Meta, Paging, Ref, TenantRole, Time, cursor};
use super::request::{Json, Params, PathId, id};
use super::tenants::{narrowed, tenant_named};
use crate::identity::Access;
use crate::identity::grant::{
    self, GrantFilter, LIFE_MAX, NewGrant as New, REASON_CHARS_MAX, REASON_CHARS_MIN, grant_create,
    grant_end, grant_list,
};
use crate::inventory::Named;

const MINUTES_MAX: u64 = LIFE_MAX.as_secs() / 60;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Grant {
    id: String,
    tenant: Ref,
    /// The person, by their address.
    user: Ref,
    role: TenantRole,
    reason: String,
    /// Holds now.
    live: bool,
    /// Null: by the command line.
    granted_by: Option<Ref>,
    created_at: Time,
    expires_at: Time,
    /// When it was ended by hand.
    ended_at: Option<Time>,
    ended_by: Option<Ref>,
}

fn show(row: grant::Grant, now: Micros) -> Grant {
    let person = |user: Option<Named<UserId>>| user.map(Ref::from);
    Grant {
        live: row.is_live(now),
        id: row.id.to_string(),
        tenant: row.tenant.into(),
        user: row.user.into(),
        role: row.role.into(),
        reason: row.reason,
        granted_by: person(row.granted_by),
        created_at: Time(row.created_at),
        expires_at: Time(row.expires_at),
        ended_at: row.ended_at.map(Time),
        ended_by: person(row.ended_by),
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct GrantsQuery {
    /// Only this tenant's.
    tenant: Option<String>,
    /// Only those that hold now.
    #[serde(default)]
    live: bool,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Grants in the tenants I administer, and my own; the latest first
#[utoipa::path(get, path = "/api/v1/grants", tag = "people", params(GrantsQuery),
    responses((status = 200, body = List<Grant>)))]
pub(super) async fn grants(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<GrantsQuery>,
) -> Result<List<Grant>, Error> {
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let limit = paging.limit()?;
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let filter = GrantFilter {
        tenant: query.tenant.as_deref().map(id).transpose()?,
        live: query.live,
        after: paging.after::<i64>()?.map(GrantId),
        // One more, to know whether there is a next page.
        limit: limit + 1,
    };
    let now = state.clock.now();
    let mut found = grant_list(&state.db, &context, filter, now).await?;
    let more = found.rows.len() > limit as usize;
    found.rows.truncate(limit as usize);
    let last = found.rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor(&row.id.0)).transpose()?;
    let meta = Meta { next_cursor, total: Some(found.total) };
    Ok(List { data: found.rows.into_iter().map(|row| show(row, now)).collect(), meta })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewGrant {
    tenant: String,
    /// Of a person of the provider's staff.
    email: String,
    role: TenantRole,
    /// 3 to 500 characters; the tenant sees it.
    reason: String,
    /// 1 to 480.
    minutes: u64,
}

/// Let a person of the staff into a tenant
#[utoipa::path(post, path = "/api/v1/grants", tag = "people", request_body = NewGrant,
    responses((status = 201, body = Data<Grant>)))]
pub(super) async fn grant_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewGrant>,
) -> Result<(StatusCode, Data<Grant>), Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Admin)?;
    let reason = body.reason.trim();
    let letters = reason.chars().count();
    if !(REASON_CHARS_MIN..=REASON_CHARS_MAX).contains(&letters)
        || reason.chars().any(char::is_control)
    {
        return Err(Error::field("reason", "must be 3 to 500 characters, on one line"));
    }
    if !(1..=MINUTES_MAX).contains(&body.minutes) {
        return Err(Error::field("minutes", "must be 1 to 480"));
    }
    let life = Duration::from_secs(body.minutes * 60);
    to_the_end(async move {
        let (email, reason, role) = (&body.email, body.reason.trim(), body.role.into());
        let new = New { tenant, email, role, reason, life };
        let now = state.clock.now();
        let grant = grant_create(&state.db, &caller.context, &state.ids, new, now).await?;
        state.own.streams.changed(grant.user.id);
        Ok((StatusCode::CREATED, Data { data: show(grant, now) }))
    })
    .await
}

/// End a grant, as an administrator of the tenant or as who has it
#[utoipa::path(delete, path = "/api/v1/grants/{id}", tag = "people",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn grant_delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<GrantId>,
) -> Result<StatusCode, Error> {
    to_the_end(async move {
        let grant = grant_end(&state.db, &caller.context, id, state.clock.now()).await?;
        state.own.streams.changed(grant.user.id);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
