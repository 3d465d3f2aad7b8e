//! Routes: which alerts go to which channel.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::devices::TAG_RULE;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Ref, Time, listed};
use super::request::{Json, Params, PathId, id};
use super::sites::site_named;
use super::tenants::OfTenant;
use crate::evaluate::severity;
use crate::identity::Access;
use crate::inventory::device::tag::is_tag;
use crate::inventory::require;
use crate::notify::channel::channel_get;
use crate::notify::route::{self, NewRoute, route_create, route_delete, route_list};
use crate::notify::scope::{SITES_MAX, Scope, TAGS_MAX};
use farwatch_common::id::{ChannelId, RouteId, SiteId};

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LeastSeverity {
    Info,
    Warning,
    Critical,
}

impl From<severity::Severity> for LeastSeverity {
    fn from(severity: severity::Severity) -> Self {
        match severity {
            severity::Severity::Info => Self::Info,
            severity::Severity::Warning => Self::Warning,
            severity::Severity::Critical => Self::Critical,
        }
    }
}

impl From<LeastSeverity> for severity::Severity {
    fn from(severity: LeastSeverity) -> Self {
        match severity {
            LeastSeverity::Info => Self::Info,
            LeastSeverity::Warning => Self::Warning,
            LeastSeverity::Critical => Self::Critical,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Route {
    id: String,
    tenant: Ref,
    channel: Ref,
    severity: LeastSeverity,
    /// Any of these; empty: of all sites.
    sites: Vec<String>,
    /// Any of these; empty: with any tags or none.
    tags: Vec<String>,
    /// Also when an alert is resolved.
    on_resolved: bool,
    created_at: Time,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRouteBody {
    channel: String,
    /// The least that goes there.
    severity: LeastSeverity,
    /// Any of these; all sites if not given.
    #[serde(default)]
    sites: Vec<String>,
    /// Any of these; with any tags or none if not given.
    #[serde(default)]
    tags: Vec<String>,
    /// Also when an alert is resolved; true if not given.
    on_resolved: Option<bool>,
}

fn show(row: route::Route) -> Route {
    Route {
        id: row.id.to_string(),
        tenant: row.tenant.into(),
        channel: row.channel.into(),
        severity: row.severity.into(),
        sites: row.scope.sites.iter().map(|id| SiteId(*id).to_string()).collect(),
        tags: row.scope.tags.into_iter().collect(),
        on_resolved: row.on_resolved,
        created_at: Time(row.created_at),
    }
}

/// Routes
#[utoipa::path(get, path = "/api/v1/routes", tag = "channels", params(OfTenant),
    responses((status = 200, body = List<Route>)))]
pub(super) async fn routes(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<OfTenant>,
) -> Result<List<Route>, Error> {
    let (context, paging) = query.parts(&caller.context)?;
    let rows = route_list(&state.db, &context, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.channel.name.clone(), row.id.0), show)
}

/// Make a route
#[utoipa::path(post, path = "/api/v1/routes", tag = "channels", request_body = NewRouteBody,
    responses((status = 201, body = Data<Route>)))]
pub(super) async fn route_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewRouteBody>,
) -> Result<(StatusCode, Data<Route>), Error> {
    let named = async || -> Result<_, Error> {
        let channel: ChannelId = id(&body.channel)?;
        let channel = channel_get(&state.db, &caller.context, channel).await?;
        require(&caller.context, channel.tenant.id, Access::Admin)?;
        Ok(channel)
    };
    let channel = named().await.map_err(|error| error.in_field("channel"))?;
    if body.sites.len() > SITES_MAX {
        return Err(Error::field("sites", "must be at most 100"));
    }
    if body.tags.len() > TAGS_MAX || !body.tags.iter().all(|tag| is_tag(tag)) {
        return Err(Error::field("tags", format!("must be at most 20; each {TAG_RULE}")));
    }
    let mut scope = Scope { tags: body.tags.into_iter().collect(), ..Scope::default() };
    for site in &body.sites {
        let of = (channel.tenant.id, "sites", site.as_str());
        scope.sites.insert(site_named(&state, &caller.context, of).await?.0);
    }
    let new = NewRoute {
        channel: channel.id,
        severity: body.severity.into(),
        scope,
        on_resolved: body.on_resolved.unwrap_or(true),
    };
    let now = state.clock.now();
    let made = route_create(&state.db, &caller.context, &state.ids, &new, now).await?;
    Ok((StatusCode::CREATED, Data { data: show(made) }))
}

/// Delete a route
#[utoipa::path(delete, path = "/api/v1/routes/{id}", tag = "channels",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn route_gone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<RouteId>,
) -> Result<StatusCode, Error> {
    route_delete(&state.db, &caller.context, id, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
