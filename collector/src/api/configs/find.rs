//! Search in the latest configurations.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::AppState;
use crate::api::error::Error;
use crate::api::guard::Caller;
use crate::api::reply::{Paging, Ref, Time, cursor};
use crate::api::request::Params;
use crate::api::tenants::narrowed;
use crate::history::busy::Busy;
use crate::history::search::{self, Found, Latest, Place, Wanted, Why, Within};

const WANTED_CHARS_MAX: usize = 200;

/// A place for what keeps a core busy.
pub(super) fn place(state: &AppState) -> Result<Busy, Error> {
    state.own.configs.take().ok_or_else(|| {
        Error::busy("busy", "Too many searches are under way; try again in a moment.", 2)
    })
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ConfigSearchQuery {
    tenant: Option<String>,
    /// What is looked for, line by line; 1 to 200 characters.
    q: String,
    /// It is a regular expression; a word if not given.
    regex: Option<bool>,
    /// Capitals matter; they do not if not given.
    case: Option<bool>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// A device whose latest configuration has what is looked for.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ConfigFound {
    device: Ref,
    tenant: Ref,
    site: Ref,
    version: String,
    /// When that was last fetched.
    last_at: Time,
    /// The first 5.
    matches: Vec<ConfigMatch>,
    /// Lines that match beyond those.
    more: usize,
}

/// A line that matches; of each line the first 500 characters.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ConfigMatch {
    /// From 1.
    line: usize,
    text: String,
    /// Where `text` matches, the first 32 places: each begins at a character and ends before another,
    /// counted from 0 in Unicode code points. A line may match behind what is shown of it.
    ranges: Vec<[usize; 2]>,
    /// Up to 2 lines.
    before: Vec<String>,
    after: Vec<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ConfigFoundList {
    data: Vec<ConfigFound>,
    meta: ConfigFoundMeta,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ConfigFoundMeta {
    /// Give it as `cursor` to look on; null: everything was looked at. A page may be short, or
    /// empty, and not the last.
    next_cursor: Option<String>,
    /// Configurations that were looked at for this page.
    scanned: usize,
    /// Those of this page that were left out: what is looked for may be in them.
    skipped: Vec<ConfigSkipped>,
}

/// A configuration that a search left out.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ConfigSkipped {
    device: Ref,
    tenant: Ref,
    site: Ref,
    version: String,
    why: ConfigSkippedWhy,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum ConfigSkippedWhy {
    /// Make the expression simpler, or ask for a word.
    TooSlow,
    /// What is stored of it cannot be read.
    Damaged,
}

impl IntoResponse for ConfigFoundList {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

fn show(found: Found) -> ConfigFound {
    let matches = found.matches.into_iter().map(|one| ConfigMatch {
        line: one.line,
        text: one.text,
        ranges: one.ranges,
        before: one.before,
        after: one.after,
    });
    ConfigFound {
        device: found.of.device.into(),
        tenant: found.of.tenant.into(),
        site: found.of.site.into(),
        version: found.of.version.to_string(),
        last_at: Time(found.of.last_at),
        matches: matches.collect(),
        more: found.more,
    }
}

fn show_skipped((of, why): (Latest, Why)) -> ConfigSkipped {
    ConfigSkipped {
        device: of.device.into(),
        tenant: of.tenant.into(),
        site: of.site.into(),
        version: of.version.to_string(),
        why: match why {
            Why::TooSlow => ConfigSkippedWhy::TooSlow,
            Why::Damaged => ConfigSkippedWhy::Damaged,
        },
    }
}

/// Search the latest configurations
///
/// Line by line, in the order of tenants and devices.
#[utoipa::path(get, path = "/api/v1/configs/search", tag = "configs", params(ConfigSearchQuery),
    responses((status = 200, body = ConfigFoundList)))]
pub(in crate::api) async fn config_search(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<ConfigSearchQuery>,
) -> Result<ConfigFoundList, Error> {
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let is_shown = !query.q.chars().any(char::is_control);
    if query.q.is_empty() || query.q.chars().count() > WANTED_CHARS_MAX || !is_shown {
        let message = "must be 1 to 200 characters, without control characters";
        return Err(Error::field("q", message));
    }
    let wanted = Wanted::new(&query.q, query.regex.unwrap_or(false), query.case.unwrap_or(false));
    let wanted = wanted.map_err(|error| Error::field("q", error.to_string()))?;
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let (limit, after) = (paging.limit()? as usize, paging.after::<Place>()?);
    let busy = place(&state)?;
    let of = (&state.clock, &busy, Within::USUAL);
    let page = search::search(&state.db, &context, &wanted, (after, limit), of).await?;
    let next_cursor = page.next.map(|place| cursor(&place)).transpose()?;
    let skipped = page.skipped.into_iter().map(show_skipped).collect();
    let meta = ConfigFoundMeta { next_cursor, scanned: page.scanned, skipped };
    Ok(ConfigFoundList { data: page.found.into_iter().map(show).collect(), meta })
}
