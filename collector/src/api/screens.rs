//! Screens on the wall, as those see them who may make some.

use std::collections::BTreeSet;

use axum::extract::State;
use farwatch_common::id::{ScreenId, TenantId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::devices::TAG_RULE;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Paging, Ref, Time, page_of};
use super::request::{Json, NAME_RULE, Params, PathId};
use super::tenants::tenant_named;
use crate::identity::screen::{
    self, EVERY_S, EVERY_S_USUAL, VIEWS_MAX, Wanted, screen_change as change, screen_create,
    screen_delete, screen_list,
};
use crate::identity::{Access, TenantContext};
use crate::inventory::device::tag::is_tag;
use crate::inventory::is_name;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Screen {
    id: String,
    name: String,
    /// Those that I administer; `null`: all there are, also those that come.
    tenants: Option<Vec<Ref>>,
    /// It shows tenants, too, that I do not administer: I can take mine away, and change nothing else.
    shared: bool,
    views: Vec<View>,
    every_s: u32,
    created_at: Time,
    last_used_at: Option<Time>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ViewKind {
    Now,
    Sites,
    Fleet,
    Alerts,
}

/// One of the views that a screen shows in turn.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct View {
    kind: ViewKind,
    /// Of this tenant only; of all that the screen has if not given.
    tenant: Option<String>,
    /// Of devices with this tag only.
    tag: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScreenBody {
    name: String,
    /// `null`: all there are, also those that come; for a super_admin.
    tenants: Option<Vec<String>>,
    views: Vec<View>,
    /// How long each view stands, in seconds: 5 to 3600; 30 if not given.
    every_s: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct CreatedScreen {
    /// Shown this once: `/wall#` and this is the screen's link.
    token: String,
    #[serde(flatten)]
    screen: Screen,
}

pub(super) fn shown(view: &screen::View) -> View {
    View {
        kind: match view.kind {
            screen::ViewKind::Now => ViewKind::Now,
            screen::ViewKind::Sites => ViewKind::Sites,
            screen::ViewKind::Fleet => ViewKind::Fleet,
            screen::ViewKind::Alerts => ViewKind::Alerts,
        },
        tenant: view.tenant.map(|tenant| tenant.to_string()),
        tag: view.tag.clone(),
    }
}

fn show(screen: screen::Screen) -> Screen {
    Screen {
        id: screen.id.to_string(),
        name: screen.name,
        tenants: screen.tenants.map(|all| all.into_iter().map(Ref::from).collect()),
        shared: screen.is_shared,
        views: screen.views.iter().map(shown).collect(),
        every_s: screen.every_s,
        created_at: Time(screen.created_at),
        last_used_at: screen.last_used_at.map(Time),
    }
}

impl ScreenBody {
    fn wanted(self, context: &TenantContext) -> Result<Wanted, Error> {
        if !is_name(&self.name) {
            return Err(Error::field("name", NAME_RULE));
        }
        let tenant = |text: &str| tenant_named(context, text, Access::Admin);
        let tenants = match &self.tenants {
            Some(all) if all.is_empty() => {
                return Err(Error::field("tenants", "name at least one"));
            }
            Some(all) => {
                let all = all.iter().map(|text| tenant(text).map_err(|e| e.in_field("tenants")));
                Some(all.collect::<Result<BTreeSet<TenantId>, _>>()?)
            }
            None if context.is_super_admin() => None,
            None => return Err(Error::field("tenants", "only a super_admin's screen shows all")),
        };
        if self.views.is_empty() || self.views.len() > VIEWS_MAX {
            return Err(Error::field("views", format!("1 to {VIEWS_MAX}")));
        }
        let view = |view: &View| {
            let of = view.tenant.as_deref().map(tenant).transpose()?;
            if of.is_some_and(|of| tenants.as_ref().is_some_and(|all| !all.contains(&of))) {
                return Err(Error::field("views", "a view shows a tenant that the screen has not"));
            }
            if view.tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
                return Err(Error::field("views", TAG_RULE));
            }
            Ok(screen::View { kind: view.kind.into(), tenant: of, tag: view.tag.clone() })
        };
        let views = self.views.iter().map(view).collect::<Result<_, _>>()?;
        let every_s = self.every_s.unwrap_or(EVERY_S_USUAL);
        if !EVERY_S.contains(&every_s) {
            return Err(Error::field("every_s", "must be 5 to 3600"));
        }
        Ok(Wanted { name: self.name, tenants, views, every_s })
    }
}

impl From<ViewKind> for screen::ViewKind {
    fn from(kind: ViewKind) -> Self {
        match kind {
            ViewKind::Now => Self::Now,
            ViewKind::Sites => Self::Sites,
            ViewKind::Fleet => Self::Fleet,
            ViewKind::Alerts => Self::Alerts,
        }
    }
}

/// Screens that show what I administer
#[utoipa::path(get, path = "/api/v1/screens", tag = "wall", params(Paging),
    responses((status = 200, body = List<Screen>)))]
pub(super) async fn screens(
    State(state): State<AppState>,
    caller: Caller,
    Params(paging): Params<Paging>,
) -> Result<List<Screen>, Error> {
    let rows = screen_list(&state.db, &caller.context).await?;
    page_of(rows, &paging, |row| (row.name.clone(), row.id.0), show)
}

/// Make a screen
#[utoipa::path(post, path = "/api/v1/screens", tag = "wall", request_body = ScreenBody,
    responses((status = 201, body = Data<CreatedScreen>)))]
pub(super) async fn screen_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<ScreenBody>,
) -> Result<(StatusCode, Data<CreatedScreen>), Error> {
    let wanted = body.wanted(&caller.context)?;
    let now = state.clock.now();
    let (token, made) = screen_create(&state.db, &caller.context, &state.ids, &wanted, now).await?;
    let token = String::from_utf8_lossy(token.expose()).into_owned();
    Ok((StatusCode::CREATED, Data { data: CreatedScreen { token, screen: show(made) } }))
}

/// Let a screen show something else
#[utoipa::path(put, path = "/api/v1/screens/{id}", tag = "wall", params(("id" = String, Path)),
    request_body = ScreenBody, responses((status = 200, body = Data<Screen>)))]
pub(super) async fn screen_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ScreenId>,
    Json(body): Json<ScreenBody>,
) -> Result<Data<Screen>, Error> {
    let wanted = body.wanted(&caller.context)?;
    let screen = change(&state.db, &caller.context, id, &wanted, state.clock.now()).await?;
    Ok(Data { data: show(screen) })
}

/// End a screen; of one that is shared, take away what I administer
#[utoipa::path(delete, path = "/api/v1/screens/{id}", tag = "wall",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn screen_gone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ScreenId>,
) -> Result<StatusCode, Error> {
    screen_delete(&state.db, &caller.context, id, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
