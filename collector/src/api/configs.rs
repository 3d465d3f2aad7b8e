//! Configurations: which devices have one, what it was when, what differs, and what devices sent.

pub(super) mod find;
pub(super) mod text;

use axum::extract::State;
use farwatch_common::id::{ConfigVersionId, DeviceId, SiteId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Data, List, Meta, Paging, Ref, Time, cursor, listed};
use super::request::{Params, PathId, id};
use super::tenants::narrowed;
use crate::history::text::Packed;
use crate::history::version::list::{
    self, Standing, StandingFilter, standing_list, version_get, version_list,
};
use crate::inventory::device::device_get;
use crate::inventory::site::site_get;
use data_encoding::HEXLOWER;

const SEARCH_CHARS_MAX: usize = 200;

/// What a configuration was for a while.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ConfigVersion {
    id: String,
    device: Ref,
    tenant: Ref,
    site: Ref,
    platform: String,
    /// Version, model, serial number and the like, as the device says it.
    facts: Vec<String>,
    /// When it was first and last fetched.
    first_at: Time,
    last_at: Time,
    lines: u64,
    /// Lines that came and went against the version before.
    added: u64,
    removed: u64,
    /// BLAKE3 of its text, in hexadecimal.
    hash: String,
    /// Of what the device sent.
    raw_bytes: u64,
    /// Why it was fetched: `schedule`, `manual` or `hint`; empty where that is not kept.
    reason: String,
    /// Who asked, as the audit names them.
    asked_by: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigVersionText {
    #[serde(flatten)]
    version: ConfigVersion,
    /// Each secret is a mark.
    text: String,
}

pub(super) fn show(row: list::Version) -> ConfigVersion {
    ConfigVersion {
        id: row.id.to_string(),
        device: row.device.into(),
        tenant: row.tenant.into(),
        site: row.site.into(),
        platform: row.platform,
        facts: row.facts,
        first_at: Time(row.first_at),
        last_at: Time(row.last_at),
        lines: row.lines,
        added: row.added,
        removed: row.removed,
        hash: HEXLOWER.encode(&row.hash),
        raw_bytes: row.raw_bytes,
        reason: row.reason,
        asked_by: row.asked_by,
    }
}

/// How a device stands that is backed up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigStanding {
    device: Ref,
    tenant: Ref,
    site: Ref,
    /// Of the latest version, as what follows; null until there is one.
    platform: Option<String>,
    version: Option<String>,
    first_at: Option<Time>,
    last_at: Option<Time>,
    lines: Option<u64>,
    /// How many versions are kept.
    versions: u64,
    /// Null: the last fetch went well.
    failing: Option<ConfigFailing>,
    /// It showed another host key than the pinned one.
    host_key_changed: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigFailing {
    cause: String,
    since: Time,
}

fn standing(row: Standing) -> ConfigStanding {
    let latest = row.latest.as_ref();
    ConfigStanding {
        device: row.device.into(),
        tenant: row.tenant.into(),
        site: row.site.into(),
        platform: latest.map(|latest| latest.platform.clone()),
        version: latest.map(|latest| latest.id.to_string()),
        first_at: latest.map(|latest| Time(latest.first_at)),
        last_at: latest.map(|latest| Time(latest.last_at)),
        lines: latest.map(|latest| latest.lines),
        versions: latest.map_or(0, |latest| latest.versions),
        failing: row.failing.map(|(cause, since)| ConfigFailing { cause, since: Time(since) }),
        host_key_changed: row.host_key_changed,
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ConfigsQuery {
    tenant: Option<String>,
    site: Option<String>,
    /// Part of the name of the device, of its site or its tenant, or of the id of its platform.
    q: Option<String>,
    /// Only devices whose last fetch failed, or only others.
    failing: Option<bool>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// Devices that are backed up, with their latest configurations
#[utoipa::path(get, path = "/api/v1/configs", tag = "configs", params(ConfigsQuery),
    responses((status = 200, body = List<ConfigStanding>)))]
pub(super) async fn configs(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<ConfigsQuery>,
) -> Result<List<ConfigStanding>, Error> {
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let search = query.q.unwrap_or_default();
    if search.chars().count() > SEARCH_CHARS_MAX || search.contains('\0') {
        return Err(Error::bad_request("bad_query", "`q` has at most 200 characters."));
    }
    let mut filter = StandingFilter { search, failing: query.failing, site: None };
    if let Some(site) = &query.site {
        let site: SiteId = id(site)?;
        filter.site = Some(site_get(&state.db, &context, site).await?.id);
    }
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let rows = standing_list(&state.db, &context, &filter, &paging.page()?).await?;
    listed(rows, &paging, |row| (row.device.name.clone(), row.device.id.0), standing)
}

/// Versions of a device's configuration, the newest first
#[utoipa::path(get, path = "/api/v1/devices/{id}/configs", tag = "configs",
    params(("id" = String, Path), Paging),
    responses((status = 200, body = List<ConfigVersion>)))]
pub(super) async fn device_configs(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Params(paging): Params<Paging>,
) -> Result<List<ConfigVersion>, Error> {
    let device = device_get(&state.db, &caller.context, id).await?.id;
    let limit = paging.limit()?;
    let before = paging.after::<i64>()?;
    let mut found = version_list(&state.db, &caller.context, device, before, limit + 1).await?;
    let more = found.rows.len() > limit as usize;
    found.rows.truncate(limit as usize);
    let last = found.rows.last().filter(|_| more);
    let next_cursor = last.map(|row| cursor(&row.id.0)).transpose()?;
    let data = found.rows.into_iter().map(show).collect();
    Ok(List { data, meta: Meta { next_cursor, total: Some(found.total) } })
}

/// One version, with its text
#[utoipa::path(get, path = "/api/v1/configs/{id}", tag = "configs", params(("id" = String, Path)),
    responses((status = 200, body = Data<ConfigVersionText>)))]
pub(super) async fn config(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<ConfigVersionId>,
) -> Result<Data<ConfigVersionText>, Error> {
    let (version, packed) = version_get(&state.db, &caller.context, id).await?;
    let text = opened(packed).await?;
    Ok(Data { data: ConfigVersionText { version: show(version), text } })
}

/// Unpacks a text where it holds nobody up.
async fn opened(packed: Packed) -> Result<String, Error> {
    let opened = tokio::task::spawn_blocking(move || packed.open()).await;
    opened.map_err(Error::internal)?.map_err(Error::internal)
}
