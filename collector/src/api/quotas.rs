//! Quotas: how much a tenant may have, and has.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AppState;
use super::error::{Error, FieldError};
use super::guard::Caller;
use super::reply::Data;
use super::request::{Json, PathId};
use crate::identity::Access;
use crate::inventory::quota::{self, QUOTA_MAX, Used, quota_get, quota_set};
use crate::inventory::require;
use farwatch_common::id::TenantId;
use farwatch_common::task::to_the_end;

/// How much of one kind.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Allowance {
    /// In force.
    limit: u32,
    /// Whether that is the installation's default.
    is_default: bool,
    /// Null where it is a rate.
    used: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Quota {
    /// That are not revoked.
    agents: Allowance,
    devices: Allowance,
    /// Metrics of objects of devices.
    series: Allowance,
    /// Requests of all API keys together.
    api_per_second: Allowance,
    /// How often new groups of devices found no room, since the collector started: once for each
    /// batch.
    series_refused: u64,
}

/// What is not there or null is the installation's default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuotaChange {
    agents: Option<u32>,
    devices: Option<u32>,
    series: Option<u32>,
    /// At least 1.
    api_per_second: Option<u32>,
}

fn show(state: &AppState, tenant: TenantId, (quota, used): (quota::Quota, Used)) -> Quota {
    let series = state.quotas.series_used(tenant);
    let one = |set: Option<u32>, limit: u32, used: Option<u64>| Allowance {
        limit,
        is_default: set.is_none(),
        used,
    };
    Quota {
        agents: one(quota.agents, quota.agents(), Some(used.agents.into())),
        devices: one(quota.devices, quota.devices(), Some(used.devices.into())),
        series: one(quota.series, quota.series(), Some(series.series)),
        api_per_second: one(quota.api_per_second, quota.api_per_second(), None),
        series_refused: series.refused,
    }
}

/// The quota of a tenant, and how much of it is used
#[utoipa::path(get, path = "/api/v1/tenants/{id}/quota", tag = "tenants",
    params(("id" = String, Path)), responses((status = 200, body = Data<Quota>)))]
pub(super) async fn quota(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TenantId>,
) -> Result<Data<Quota>, Error> {
    let found = quota_get(&state.db, &caller.context, id).await?;
    Ok(Data { data: show(&state, id, found) })
}

/// Set the quota of a tenant
#[utoipa::path(put, path = "/api/v1/tenants/{id}/quota", tag = "tenants",
    params(("id" = String, Path)), request_body = QuotaChange,
    responses((status = 200, body = Data<Quota>)))]
pub(super) async fn quota_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<TenantId>,
    Json(body): Json<QuotaChange>,
) -> Result<Data<Quota>, Error> {
    require(&caller.context, id, Access::Read)?;
    let wanted = checked(&body)?;
    to_the_end(async move {
        let _turn = state.live.turn(id).await;
        let now = state.clock.now();
        let set = quota_set(&state.db, &caller.context, id, wanted, now).await?;
        state.quotas.set(id, set.0);
        Ok(Data { data: show(&state, id, set) })
    })
    .await
}

fn checked(body: &QuotaChange) -> Result<quota::Quota, Error> {
    let QuotaChange { agents, devices, series, api_per_second } = *body;
    let fields = [
        ("agents", agents, 0),
        ("devices", devices, 0),
        ("series", series, 0),
        ("api_per_second", api_per_second, 1),
    ];
    let wrong = |(field, set, least): (&str, Option<u32>, u32)| {
        let wrong = set.is_some_and(|set| set < least || set > QUOTA_MAX);
        let message = format!("must be {least} to {QUOTA_MAX}, or null for the default");
        wrong.then(|| FieldError { field: field.to_owned(), message })
    };
    let errors: Vec<_> = fields.into_iter().filter_map(wrong).collect();
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    Ok(quota::Quota { agents, devices, series, api_per_second })
}
