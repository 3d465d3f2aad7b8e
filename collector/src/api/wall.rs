//! The wall: what a screen shows that nobody signs in at.
//!
//! A screen's link carries its token behind `#`, which no browser sends anywhere; the page sends it
//! once, in a body, and gets it back as a cookie that no script can read.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use farwatch_common::id::TenantId;
use farwatch_common::secret::Secret;
use http::{Extensions, HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::{Caller, Client, Proof, same_origin};
use super::reply::{Data, Ref, with_cookie};
use super::request::Json;
use super::screens::{View, shown};
use crate::identity::TenantContext;
use crate::identity::limits::address_key;
use crate::identity::screen::{
    self, COOKIE, COOKIE_LIFE_S, EVERY_S_USUAL, KnownScreen, ViewKind, screen_known,
};
use crate::inventory::tenant::tenant_list;
use crate::inventory::{Named, Page};

/// Most tenants that the answer names.
const TENANTS_MAX: u32 = 1_000;

/// What to show, and in which tenants.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Wall {
    /// Of the screen; `null`: somebody who is signed in looks at it.
    name: Option<String>,
    tenants: Vec<Ref>,
    views: Vec<View>,
    /// How long each view stands, in seconds.
    every_s: u32,
    version: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// `fws_…`, of the screen's link.
    #[schema(format = Password)]
    token: String,
}

/// What this screen shows; for who is signed in: what a screen of all their tenants would
#[utoipa::path(get, path = "/api/v1/wall", tag = "wall",
    responses((status = 200, body = Data<Wall>)))]
pub(super) async fn wall(State(state): State<AppState>, caller: Caller) -> Result<Response, Error> {
    let answer = wall_of(&state, &caller.context, caller.screen.as_ref()).await?.into_response();
    match &caller.proof {
        // A screen that stands for years keeps its cookie.
        Proof::Screen(token) => with_cookie(answer, (COOKIE, token.expose()), COOKIE_LIFE_S),
        Proof::Session(_) | Proof::ApiKey(_) => Ok(answer),
    }
}

/// Make this browser a screen, by the token of a link
#[utoipa::path(post, path = "/api/v1/wall", tag = "wall", security(()), request_body = Link,
    responses((status = 200, body = Data<Wall>)))]
pub(super) async fn wall_enter(
    State(state): State<AppState>,
    extensions: Extensions,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Link>,
) -> Result<Response, Error> {
    same_origin(&headers, &uri)?;
    state.limits.login_address.check(&address_key(Client::of(&extensions).address.ip()))?;
    let token = Secret::from(body.token);
    let known = match str::from_utf8(token.expose()) {
        Ok(text) => screen_known(&state.db, text, state.clock.now()).await?,
        Err(_) => None,
    };
    let known = known.ok_or_else(|| {
        let detail = "This link opens no screen: it was removed, or the link is incomplete. Make a new \
                      one under Settings, Wallboards.";
        Error::new(StatusCode::UNAUTHORIZED, "bad_link", detail)
    })?;
    tracing::info!(stage = "api", screen_id = %known.id, "a screen opened");
    let answer = wall_of(&state, &known.context, Some(&known)).await?;
    with_cookie(answer.into_response(), (COOKIE, token.expose()), COOKIE_LIFE_S)
}

/// Make this browser no screen any more
#[utoipa::path(delete, path = "/api/v1/wall", tag = "wall", security(()),
    responses((status = 204)))]
pub(super) async fn wall_leave(headers: HeaderMap, uri: Uri) -> Result<Response, Error> {
    same_origin(&headers, &uri)?;
    with_cookie(StatusCode::NO_CONTENT.into_response(), (COOKIE, b""), 0)
}

async fn wall_of(
    state: &AppState,
    context: &TenantContext,
    screen: Option<&KnownScreen>,
) -> Result<Data<Wall>, Error> {
    let page = Page { after: None, limit: TENANTS_MAX };
    let tenants = tenant_list(&state.db, context, &page).await?.rows.into_iter();
    let tenants: Vec<Named<TenantId>> =
        tenants.map(|tenant| Named { id: tenant.id, name: tenant.name }).collect();
    let usual = [ViewKind::Now, ViewKind::Sites, ViewKind::Fleet].map(|kind| screen::View {
        kind,
        tenant: None,
        tag: None,
    });
    // What was shown of a tenant that the screen has no more.
    let there = |view: &&screen::View| view.tenant.is_none_or(|id| context.access(id).is_some());
    let mut views: Vec<View> =
        screen.into_iter().flat_map(|screen| &screen.views).filter(there).map(shown).collect();
    if views.is_empty() {
        views.extend(usual.iter().map(shown));
    }
    Ok(Data {
        data: Wall {
            name: screen.map(|screen| screen.name.clone()),
            views,
            every_s: screen.map_or(EVERY_S_USUAL, |screen| screen.every_s),
            tenants: tenants.into_iter().map(Ref::from).collect(),
            version: state.version.to_owned(),
        },
    })
}
