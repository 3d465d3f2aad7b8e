//! A person's own views of the web UI.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::Data;
use super::request::Json;
use crate::identity::view::{
    self, NAME_CHARS_MAX, PATH_CHARS_MAX, VIEWS_MAX, view_list, views_put as put,
};

/// A page of the web UI with what it filters by, under a name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedView {
    /// 1 to 60 characters.
    name: String,
    /// `/fleet?state=down`; up to 500 characters.
    path: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedViews {
    /// All of them, in their order; up to 50.
    views: Vec<SavedView>,
}

fn show(views: Vec<view::View>) -> Data<Vec<SavedView>> {
    let show = |view: view::View| SavedView { name: view.name, path: view.path };
    Data { data: views.into_iter().map(show).collect() }
}

/// My saved views
#[utoipa::path(get, path = "/api/v1/me/views", tag = "session",
    responses((status = 200, body = Data<Vec<SavedView>>)))]
pub(super) async fn views(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Data<Vec<SavedView>>, Error> {
    let (user, _) = caller.person()?;
    Ok(show(view_list(&state.db, user.id).await?))
}

/// Save my views, in place of those that were
#[utoipa::path(put, path = "/api/v1/me/views", tag = "session", request_body = SavedViews,
    responses((status = 200, body = Data<Vec<SavedView>>)))]
pub(super) async fn views_put(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<SavedViews>,
) -> Result<Data<Vec<SavedView>>, Error> {
    let (user, _) = caller.person()?;
    if body.views.len() > VIEWS_MAX {
        return Err(Error::field("views", format!("at most {VIEWS_MAX}; remove one first")));
    }
    for view in &body.views {
        if !is_text(&view.name, NAME_CHARS_MAX) || view.name.trim() != view.name {
            let rule = "must be 1 to 60 characters, without spaces around";
            return Err(Error::field("views.name", rule));
        }
        if !is_text(&view.path, PATH_CHARS_MAX) || !is_here(&view.path) {
            return Err(Error::field("views.path", "must be a path of this UI, as `/fleet`"));
        }
    }
    let views = body.views.into_iter();
    let views: Vec<_> = views.map(|one| view::View { name: one.name, path: one.path }).collect();
    put(&state.db, user.id, &views).await?;
    Ok(show(views))
}

fn is_text(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.chars().count()) && !text.contains(char::is_control)
}

/// Browsers take `//` and `/\` for another host.
fn is_here(path: &str) -> bool {
    path.starts_with('/') && !path[1..].starts_with(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_leads_nowhere_else() {
        assert!(is_here("/fleet?state=down"));
        assert!(is_here("/"));
        for bad in ["fleet", "//evil.example", "/\\evil.example", "https://evil.example", ""] {
            assert!(!is_here(bad), "{bad}");
        }
        assert!(!is_text("a\nb", NAME_CHARS_MAX));
        assert!(!is_text("", NAME_CHARS_MAX));
    }
}
