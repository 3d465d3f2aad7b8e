//! Who belongs to a tenant.

use axum::extract::State;
use farwatch_common::id::{TenantId, UserId};
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Paging, TenantRole, Time, listed, shown_once};
use super::request::{Json, Params, PathId, PathIds};
use crate::identity::Access;
use crate::identity::member::{self, member_add, member_list, member_remove, member_set};
use crate::identity::password::one_time;
use crate::inventory::require;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Member {
    /// Of the person.
    id: String,
    email: String,
    role: TenantRole,
    disabled: bool,
    /// Signs in with a second factor.
    totp: bool,
    since: Time,
}

fn show(row: member::Member) -> Member {
    Member {
        id: row.id.to_string(),
        email: row.email,
        role: row.role.into(),
        disabled: row.disabled,
        totp: row.totp,
        since: Time(row.since),
    }
}

/// The people of a tenant
#[utoipa::path(get, path = "/api/v1/tenants/{id}/members", tag = "people",
    params(("id" = String, Path), Paging), responses((status = 200, body = List<Member>)))]
pub(super) async fn members(
    State(state): State<AppState>,
    caller: Caller,
    PathId(tenant): PathId<TenantId>,
    Params(paging): Params<Paging>,
) -> Result<List<Member>, Error> {
    let rows = member_list(&state.db, &caller.context, tenant, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.email.clone(), row.id.0), show)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMember {
    email: String,
    role: TenantRole,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AddedMember {
    member: Member,
    /// Of an account that was made, to be changed at the first sign-in: shown this once. Null for
    /// who has an account.
    one_time_password: Option<String>,
}

/// Add a person to a tenant by their address
#[utoipa::path(post, path = "/api/v1/tenants/{id}/members", tag = "people",
    request_body = NewMember, params(("id" = String, Path)),
    responses((status = 201, body = Data<AddedMember>)))]
pub(super) async fn member_new(
    State(state): State<AppState>,
    caller: Caller,
    PathId(tenant): PathId<TenantId>,
    Json(body): Json<NewMember>,
) -> Result<(StatusCode, Data<AddedMember>), Error> {
    require(&caller.context, tenant, Access::Admin)?;
    // Made in any case: the time tells nothing about who has an account.
    let password = one_time()?;
    let hash = state.passwords.hash(password.clone()).await?;
    to_the_end(async move {
        let place = (tenant, body.email.as_str(), body.role.into());
        let (context, now) = (&caller.context, state.clock.now());
        let (member, made) = member_add(&state.db, context, &state.ids, place, &hash, now).await?;
        state.own.streams.changed(member.id);
        let one_time_password = made.then(|| shown_once(&password));
        let data = AddedMember { member: show(member), one_time_password };
        Ok((StatusCode::CREATED, Data { data }))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberRole {
    role: TenantRole,
}

/// Give a member another role; a super_admin brings anybody in
#[utoipa::path(put, path = "/api/v1/tenants/{id}/members/{user}", tag = "people",
    request_body = MemberRole, params(("id" = String, Path), ("user" = String, Path)),
    responses((status = 200, body = Data<Member>)))]
pub(super) async fn member_put(
    State(state): State<AppState>,
    caller: Caller,
    PathIds(tenant, user): PathIds<TenantId, UserId>,
    Json(body): Json<MemberRole>,
) -> Result<Data<Member>, Error> {
    to_the_end(async move {
        let place = (tenant, user, body.role.into());
        let member = member_set(&state.db, &caller.context, place, state.clock.now()).await?;
        state.own.streams.changed(user);
        Ok(Data { data: show(member) })
    })
    .await
}

/// Take a person out of a tenant; an account without any other is deleted
#[utoipa::path(delete, path = "/api/v1/tenants/{id}/members/{user}", tag = "people",
    params(("id" = String, Path), ("user" = String, Path)), responses((status = 204)))]
pub(super) async fn member_delete(
    State(state): State<AppState>,
    caller: Caller,
    PathIds(tenant, user): PathIds<TenantId, UserId>,
) -> Result<StatusCode, Error> {
    to_the_end(async move {
        member_remove(&state.db, &caller.context, (tenant, user), state.clock.now()).await?;
        state.own.streams.changed(user);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
