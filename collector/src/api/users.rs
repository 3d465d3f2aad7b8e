//! People: who there is, new ones, and changes of their accounts.

use axum::extract::State;
use farwatch_common::id::{TenantId, UserId};
use farwatch_common::secret::Secret;
use farwatch_common::task::to_the_end;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Role, TenantRole, Time, listed, shown_once};
use super::request::{Json, Params, PathId};
use super::tenants::{OfTenant, tenant_named};
use crate::identity::password::one_time;
use crate::identity::second_factor::factor_remove_of;
use crate::identity::user::change::{PersonPatch, password_reset, person_change};
use crate::identity::user::delete::person_delete;
use crate::identity::user::list::{self, user_get, user_list};
use crate::identity::user::{self, NewPerson, person_create};
use crate::identity::{Access, TenantContext};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    id: String,
    email: String,
    /// What they are at the provider: told to a super_admin alone, null to others.
    super_admin: Option<bool>,
    /// May be granted into tenants. Told to a super_admin alone; a tenant sees the grants themselves.
    staff: Option<bool>,
    disabled: bool,
    /// Signs in with a second factor.
    totp: bool,
    /// Has a one-time password and has yet to choose their own.
    must_change_password: bool,
    /// In the tenants that the caller administers.
    memberships: Vec<Membership>,
    created_at: Time,
    /// Null: not yet, or not since this is noted.
    last_sign_in_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Membership {
    id: String,
    name: String,
    role: TenantRole,
}

fn show(person: list::Person, to: &TenantContext) -> Person {
    let told = |fact: bool| to.is_super_admin().then_some(fact);
    let membership = |(tenant, role): (crate::inventory::Named<TenantId>, user::Role)| Membership {
        id: tenant.id.to_string(),
        name: tenant.name,
        role: role.into(),
    };
    Person {
        id: person.id.to_string(),
        email: person.email,
        super_admin: told(person.super_admin),
        staff: told(person.staff),
        disabled: person.disabled_at.is_some(),
        totp: person.totp,
        must_change_password: person.one_time,
        memberships: person.memberships.into_iter().map(membership).collect(),
        created_at: Time(person.created_at),
        last_sign_in_at: person.last_sign_in_at.map(Time),
    }
}

/// People: all for a super_admin, the members of their tenants for others
#[utoipa::path(get, path = "/api/v1/users", tag = "people", params(OfTenant),
    responses((status = 200, body = List<Person>)))]
pub(super) async fn users(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<Person>, Error> {
    let everybody = query.is_of_all();
    let (context, paging) = query.parts(&caller.context)?;
    let rows = user_list(&state.db, &context, everybody, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.email.clone(), row.id.0), |row| show(row, &context))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    email: String,
    /// `super_admin`, or a role in the tenant. Staff need none: they are granted into tenants.
    role: Option<Role>,
    tenant: Option<String>,
    /// Of the provider; set by a super_admin only.
    #[serde(default)]
    staff: bool,
    /// At least 15 characters; if it is left out, a one-time password is made.
    #[schema(format = Password)]
    password: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct CreatedUser {
    user: Person,
    /// Shown this once, and to be changed when they first sign in; null if one was given.
    one_time_password: Option<String>,
}

/// Make a person
#[utoipa::path(post, path = "/api/v1/users", tag = "people", request_body = NewUser,
    responses((status = 201, body = Data<CreatedUser>)))]
pub(super) async fn user_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewUser>,
) -> Result<(StatusCode, Data<CreatedUser>), Error> {
    let tenant = body.tenant.as_deref();
    let tenant = tenant.map(|tenant| tenant_named(&caller.context, tenant, Access::Admin));
    let tenant = tenant.transpose()?;
    let (super_admin, member) = match (body.role.map(user::Role::from), tenant) {
        (Some(user::Role::SuperAdmin), None) => (true, None),
        (Some(role), Some(tenant)) if role != user::Role::SuperAdmin => {
            (false, Some((tenant, role)))
        }
        (None, None) if body.staff => (false, None),
        (Some(user::Role::SuperAdmin), Some(_)) => {
            return Err(Error::field("tenant", "a super_admin has no tenant; leave it out"));
        }
        _ => return Err(Error::field("role", "must be super_admin, or a role with its tenant")),
    };
    if (super_admin || body.staff) && !caller.context.is_super_admin() {
        let detail = "Only a super_admin makes people of the provider.";
        return Err(Error::forbidden("forbidden", detail));
    }
    if body.password.is_some() && !caller.context.is_super_admin() {
        // Who chose it would know it.
        let detail = "leave it out: a one-time password is made";
        return Err(Error::field("password", detail));
    }
    let made = body.password.is_none().then(one_time).transpose()?;
    let Some(password) = made.clone().or(body.password.map(Secret::from)) else {
        return Err(Error::field("password", "is missing"));
    };
    let hash = state.passwords.hash(password).await;
    let hash = hash.map_err(|error| Error::password("password", error))?;
    let new = NewPerson {
        email: &body.email,
        password_hash: &hash,
        one_time: made.is_some(),
        super_admin,
        staff: body.staff,
        member,
    };
    let now = state.clock.now();
    let id = person_create(&state.db, &caller.context, &state.ids, &new, now).await?;
    let user = show(user_get(&state.db, &caller.context, id).await?, &caller.context);
    let data = CreatedUser { user, one_time_password: made.as_ref().map(shown_once) };
    Ok((StatusCode::CREATED, Data { data }))
}

/// Fields that are left out stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserPatch {
    email: Option<String>,
    /// Who is disabled is signed out and cannot sign in.
    disabled: Option<bool>,
    staff: Option<bool>,
    super_admin: Option<bool>,
}

/// Change a person's account
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "people", request_body = UserPatch,
    params(("id" = String, Path)), responses((status = 200, body = Data<Person>)))]
pub(super) async fn user_patch(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<UserId>,
    Json(body): Json<UserPatch>,
) -> Result<Data<Person>, Error> {
    let UserPatch { email, disabled, staff, super_admin } = body;
    let patch = PersonPatch { email, disabled, staff, super_admin };
    to_the_end(async move {
        let now = state.clock.now();
        let person = person_change(&state.db, &caller.context, id, &patch, now).await?;
        state.own.streams.changed(id);
        Ok(Data { data: show(person, &caller.context) })
    })
    .await
}

/// Delete a person's account, with their sessions, memberships, grants and the API keys they made
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "people",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn user_delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, Error> {
    to_the_end(async move {
        person_delete(&state.db, &caller.context, id, state.clock.now()).await?;
        state.own.streams.changed(id);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}

#[derive(Serialize, ToSchema)]
pub(super) struct OneTimePassword {
    /// Shown this once, and to be changed when they sign in.
    one_time_password: String,
}

/// Give a person a new one-time password and end their sessions: as a super_admin, or as who
/// administers all tenants of somebody who is not of the provider
#[utoipa::path(post, path = "/api/v1/users/{id}/password", tag = "people",
    params(("id" = String, Path)), responses((status = 200, body = Data<OneTimePassword>)))]
pub(super) async fn user_password(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<UserId>,
) -> Result<Data<OneTimePassword>, Error> {
    let password = one_time()?;
    let hash = state.passwords.hash(password.clone()).await?;
    to_the_end(async move {
        password_reset(&state.db, &caller.context, id, &hash, state.clock.now()).await?;
        state.own.streams.changed(id);
        Ok(Data { data: OneTimePassword { one_time_password: shown_once(&password) } })
    })
    .await
}

/// Turn a person's second factor off
#[utoipa::path(delete, path = "/api/v1/users/{id}/totp", tag = "people",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn user_totp_delete(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode, Error> {
    factor_remove_of(&state.db, &caller.context, id, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
