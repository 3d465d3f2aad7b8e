//! Texts as files, what differs between two, and what a device sent.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use farwatch_common::id::ConfigVersionId;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::find::place;
use super::{ConfigVersion, opened, show};
use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::{Data, Time};
use crate::api::request::{Params, PathId, id};
use crate::history::text::unified;
use crate::history::version::list::{Version, version_before, version_get};
use crate::history::version::raw::version_raw;
use crate::inventory::InventoryError;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NAME_CHARS_MAX: usize = 64;

/// A plain text that is saved as a file.
fn file(version: &Version, kind: &str, text: Vec<u8>) -> Response {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = version.device.name.chars().take(NAME_CHARS_MAX).map(kept).collect();
    let date: String = Time(version.first_at).to_string().chars().take(10).collect();
    let disposition = format!("attachment; filename=\"{name}-{date}{kind}.cfg\"");
    // Letters, digits and dashes are a header.
    let disposition = HeaderValue::from_str(&disposition);
    let disposition = disposition.unwrap_or(HeaderValue::from_static("attachment"));
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, PLAIN),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}

/// The text of a version, as a file
#[utoipa::path(get, path = "/api/v1/configs/{id}/text", tag = "configs",
    params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::api) async fn config_text(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ConfigVersionId>,
) -> Result<Response, Error> {
    let (version, packed) = version_get(&state.db, &caller.context, id).await?;
    Ok(file(&version, "", opened(packed).await?.into_bytes()))
}

/// What the device sent, with its secrets
///
/// Of administrators alone, never of an API key; the audit says who asked.
#[utoipa::path(get, path = "/api/v1/configs/{id}/raw", tag = "configs",
    params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::api) async fn config_raw(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ConfigVersionId>,
) -> Result<Response, Error> {
    let (version, _) = version_get(&state.db, &caller.context, id).await?;
    let now = state.clock.now();
    let raw = version_raw(&state.db, &state.vault, &caller.context, id, now).await;
    let raw = raw.map_err(|error| match error {
        InventoryError::Damaged => {
            let detail = "What is stored of this does not open: it was changed or moved.";
            Error::new(StatusCode::CONFLICT, "raw_damaged", detail)
        }
        error => error.into(),
    })?;
    Ok(file(&version, "-secret", raw.expose().to_vec()))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct DiffQuery {
    /// The version to compare with; the one before if not given.
    with: Option<String>,
}

/// What differs between two versions.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ConfigDiff {
    /// Null: there is none before, so all of it is new.
    from: Option<ConfigVersion>,
    to: ConfigVersion,
    /// Unified, with 3 lines around each change.
    unified: String,
    added: usize,
    removed: usize,
}

/// What differs between a version and another
#[utoipa::path(get, path = "/api/v1/configs/{id}/diff", tag = "configs",
    params(("id" = String, Path), DiffQuery),
    responses((status = 200, body = Data<ConfigDiff>)))]
pub(in crate::api) async fn config_diff(
    State(state): State<AppState>,
    caller: Caller,
    PathId(to): PathId<ConfigVersionId>,
    Params(query): Params<DiffQuery>,
) -> Result<Data<ConfigDiff>, Error> {
    let (db, context) = (&state.db, &caller.context);
    let (to, new) = version_get(db, context, to).await?;
    let from = match &query.with {
        Some(with) => Some(id::<ConfigVersionId>(with)?),
        None => version_before(db, context, to.id).await?,
    };
    let before = match from {
        Some(from) => Some(version_get(db, context, from).await?),
        None => None,
    };
    let busy = place(&state)?;
    let named = |version: &Version| format!("{} {}", version.device.name, Time(version.first_at));
    let to_name = named(&to);
    let from_name = before.as_ref().map_or_else(|| "nothing".to_owned(), |(from, _)| named(from));
    let (from, old) = before.unzip();
    let compared = busy.run(move || {
        let old = old.map_or(Ok(String::new()), |old| old.open())?;
        Ok(unified((&from_name, &old), (&to_name, &new.open()?)))
    });
    let compared = compared.await.map_err(Error::internal)?;
    let compared: Result<_, crate::history::text::TextError> = compared;
    let (text, counts) = compared.map_err(Error::internal)?;
    let too_large = || {
        let detail = "These two differ in too much to be shown; download their texts instead.";
        Error::new(StatusCode::UNPROCESSABLE_ENTITY, "too_much", detail)
    };
    let unified = text.ok_or_else(too_large)?;
    let (added, removed) = (counts.added, counts.removed);
    Ok(Data { data: ConfigDiff { from: from.map(show), to: show(to), unified, added, removed } })
}
