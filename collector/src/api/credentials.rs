//! Credential profiles: what devices are asked with, or logged in with, that have no credential of their
//! own. No answer shows a credential.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::devices::TAG_RULE;
use super::error::{Error, FieldError};
use super::guard::Caller;
use super::reply::{CredentialKind, Data, List, Ref, SnmpVersion, Time, listed};
use super::request::{Json, NAME_RULE, Params, PathId, or_null};
use super::sites::site_named;
use super::snmp::{NewSnmpUser, SnmpUser, Wrong};
use super::ssh::{LOGIN_RULE, NewSshLogin, SshLogin};
use super::tenants::{OfTenant, tenant_named};
use crate::identity::Access;
use crate::inventory::credential::{About, Credential, Kind};
use crate::inventory::device::tag::is_tag;
use crate::inventory::is_name;
use crate::inventory::profile::{
    NewProfile, Profile, ProfilePatch, profile_create, profile_delete, profile_get, profile_list,
    profile_patch,
};
use crate::inventory::snmp;
use farwatch_common::id::{AgentId, CredentialId};
use farwatch_common::task::to_the_end;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CredentialProfile {
    id: String,
    name: String,
    kind: CredentialKind,
    /// What may be shown of it, if it is a user.
    user: Option<SnmpUser>,
    /// What may be shown of it, if it is a login.
    login: Option<SshLogin>,
    tenant: Ref,
    /// Null: of every site.
    site: Option<Ref>,
    /// Null: with any tags or none.
    tag: Option<String>,
    created_at: Time,
    updated_at: Time,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCredentialProfile {
    tenant: String,
    name: String,
    kind: CredentialKind,
    /// Only for devices of this site.
    site: Option<String>,
    /// Only for devices with this tag.
    tag: Option<String>,
    /// Of the kind `snmp_community`.
    #[schema(format = Password)]
    community: Option<String>,
    /// Of the kind `snmp_user`.
    user: Option<NewSnmpUser>,
    /// Of the kind `ssh_login`.
    login: Option<NewSshLogin>,
}

/// What is not there stays; so does the kind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialProfileChange {
    name: Option<String>,
    /// Null: of every site.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    site: Option<Option<String>>,
    /// Null: with any tags or none.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>)]
    tag: Option<Option<String>>,
    #[schema(format = Password)]
    community: Option<String>,
    user: Option<NewSnmpUser>,
    login: Option<NewSshLogin>,
}

fn show(row: Profile) -> CredentialProfile {
    let (user, login) = match row.about {
        Some(About::User(about)) => (Some(about.into()), None),
        Some(About::Login(about)) => (None, Some(about.into())),
        None => (None, None),
    };
    CredentialProfile {
        id: row.id.to_string(),
        name: row.name,
        kind: match row.kind {
            Kind::Snmp(snmp::Kind::Community) => CredentialKind::SnmpCommunity,
            Kind::Snmp(snmp::Kind::User) => CredentialKind::SnmpUser,
            Kind::Login => CredentialKind::SshLogin,
        },
        user,
        login,
        tenant: row.tenant.into(),
        site: row.site.map(Into::into),
        tag: row.tag,
        created_at: Time(row.created_at),
        updated_at: Time(row.updated_at),
    }
}

/// The credential, unless it or a text of the profile is wrong.
fn checked<C>(
    name: Option<&str>,
    tag: Option<&str>,
    credential: Result<C, Vec<FieldError>>,
) -> Result<C, Error> {
    let field = |wrong: bool, field: &str, message: &str| {
        wrong.then(|| FieldError { field: field.to_owned(), message: message.to_owned() })
    };
    let errors = [
        field(name.is_some_and(|name| !is_name(name)), "name", NAME_RULE),
        field(tag.is_some_and(|tag| !is_tag(tag)), "tag", TAG_RULE),
    ];
    let mut errors: Vec<_> = errors.into_iter().flatten().collect();
    match credential {
        Ok(credential) if errors.is_empty() => Ok(credential),
        Ok(_) => Err(Error::invalid(errors)),
        Err(mut of_credential) => {
            errors.append(&mut of_credential);
            Err(Error::invalid(errors))
        }
    }
}

/// The credential of this kind, which must be given, and no other.
fn credential(
    kind: CredentialKind,
    (community, user): (Option<String>, Option<NewSnmpUser>),
    login: Option<NewSshLogin>,
) -> Result<Credential, Vec<FieldError>> {
    let mut wrong = Wrong::default();
    let version = match kind {
        CredentialKind::SnmpCommunity => SnmpVersion::V2c,
        CredentialKind::SnmpUser => SnmpVersion::V3,
        CredentialKind::SshLogin => {
            if community.is_some() || user.is_some() {
                wrong.tell("kind", "`ssh_login` takes `login`");
            }
            if login.is_none() {
                wrong.tell("login", LOGIN_RULE);
            }
            let login = login.and_then(|login| wrong.login(login));
            return match login {
                Some(login) if wrong.errors.is_empty() => Ok(Credential::Login(login)),
                _ => Err(wrong.errors),
            };
        }
    };
    if login.is_some() {
        wrong.tell("login", "goes with the kind `ssh_login`");
        return Err(wrong.errors);
    }
    wrong.needed(version, community, user).map(Credential::Snmp)
}

fn tell(state: &AppState, agents: impl IntoIterator<Item = AgentId>) {
    for agent in agents {
        state.changes.notify(agent);
    }
}

/// Credential profiles
#[utoipa::path(get, path = "/api/v1/credential-profiles", tag = "credentials", params(OfTenant),
    responses((status = 200, body = List<CredentialProfile>)))]
pub(super) async fn credential_profiles(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<CredentialProfile>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let rows = profile_list(&state.db, &context, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.name.clone(), row.id.0), show)
}

/// Make a credential profile
#[utoipa::path(post, path = "/api/v1/credential-profiles", tag = "credentials",
    request_body = NewCredentialProfile,
    responses((status = 201, body = Data<CredentialProfile>)))]
pub(super) async fn credential_profile_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewCredentialProfile>,
) -> Result<(StatusCode, Data<CredentialProfile>), Error> {
    let tenant = tenant_named(&caller.context, &body.tenant, Access::Write)?;
    let site = match body.site.as_deref() {
        Some(site) => Some(site_named(&state, &caller.context, (tenant, "site", site)).await?),
        None => None,
    };
    let credential = credential(body.kind, (body.community, body.user), body.login);
    let credential = checked(Some(&body.name), body.tag.as_deref(), credential)?;
    let new = NewProfile { tenant, name: body.name, site, tag: body.tag, credential };
    to_the_end(async move {
        let now = state.clock.now();
        let (made, agents) =
            profile_create(&state.db, &state.vault, &caller.context, &state.ids, &new, now).await?;
        tell(&state, agents);
        Ok((StatusCode::CREATED, Data { data: show(made) }))
    })
    .await
}

/// One credential profile
#[utoipa::path(get, path = "/api/v1/credential-profiles/{id}", tag = "credentials",
    params(("id" = String, Path)), responses((status = 200, body = Data<CredentialProfile>)))]
pub(super) async fn credential_profile(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CredentialId>,
) -> Result<Data<CredentialProfile>, Error> {
    Ok(Data { data: show(profile_get(&state.db, &caller.context, id).await?) })
}

/// Change a credential profile
#[utoipa::path(patch, path = "/api/v1/credential-profiles/{id}", tag = "credentials",
    params(("id" = String, Path)), request_body = CredentialProfileChange,
    responses((status = 200, body = Data<CredentialProfile>)))]
pub(super) async fn credential_profile_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(profile): PathId<CredentialId>,
    Json(body): Json<CredentialProfileChange>,
) -> Result<Data<CredentialProfile>, Error> {
    let tenant = profile_get(&state.db, &caller.context, profile).await?.tenant.id;
    let site = match body.site {
        Some(Some(site)) => {
            let of = (tenant, "site", site.as_str());
            Some(Some(site_named(&state, &caller.context, of).await?))
        }
        Some(None) => Some(None),
        None => None,
    };
    let tag = body.tag.as_ref().and_then(Option::as_deref);
    let mut wrong = Wrong::default();
    let credential = wrong.credential(None, body.community, body.user).map(Credential::Snmp);
    let credential = match body.login {
        Some(_) if credential.is_some() => {
            wrong.tell("login", "give either `login`, `community` or `user`");
            None
        }
        Some(login) => wrong.login(login).map(Credential::Login),
        None => credential,
    };
    let credential = checked(body.name.as_deref(), tag, wrong.or(credential))?;
    let patch = ProfilePatch { name: body.name, site, tag: body.tag, credential };
    to_the_end(async move {
        let now = state.clock.now();
        let (row, agents) =
            profile_patch(&state.db, &state.vault, &caller.context, profile, &patch, now).await?;
        tell(&state, agents);
        Ok(Data { data: show(row) })
    })
    .await
}

/// Take out a credential profile
#[utoipa::path(delete, path = "/api/v1/credential-profiles/{id}", tag = "credentials",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn credential_profile_gone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<CredentialId>,
) -> Result<StatusCode, Error> {
    to_the_end(async move {
        let now = state.clock.now();
        let agents = profile_delete(&state.db, &caller.context, id, now).await?;
        tell(&state, agents);
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
