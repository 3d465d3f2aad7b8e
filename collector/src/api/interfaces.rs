//! The interfaces of a device, with their rates now.

use axum::extract::State;
use farwatch_common::id::DeviceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{AdminState, LinkState, List, Paging, State as Health, Time, page_of};
use super::request::{Params, PathId};
use crate::inventory::device::device_get;
use crate::live::LiveInterface;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Interface {
    /// `if:3`
    object: String,
    index: u32,
    name: String,
    description: String,
    alias: String,
    /// ifType.
    kind: u32,
    mac: Option<String>,
    /// A number: no interface reaches 2^53 bits per second.
    speed_bps: Option<u64>,
    admin: Option<AdminState>,
    oper: Option<LinkState>,
    state: Health,
    in_bps: Option<f64>,
    out_bps: Option<f64>,
    in_pps: Option<f64>,
    out_pps: Option<f64>,
    in_errors_ps: Option<f64>,
    out_errors_ps: Option<f64>,
    in_discards_ps: Option<f64>,
    out_discards_ps: Option<f64>,
    /// 0 to 1.
    utilisation_in: Option<f64>,
    utilisation_out: Option<f64>,
    updated_at: Option<Time>,
}

fn show(live: LiveInterface) -> Interface {
    Interface {
        object: live.object,
        index: live.index,
        name: live.name,
        description: live.description,
        alias: live.alias,
        kind: live.kind,
        mac: live.mac,
        speed_bps: live.speed_bps,
        admin: live.admin.and_then(AdminState::from_name),
        oper: live.oper.and_then(LinkState::from_name),
        state: Health::from_name(live.state.name()).unwrap_or(Health::Unknown),
        in_bps: live.in_bps,
        out_bps: live.out_bps,
        in_pps: live.in_pps,
        out_pps: live.out_pps,
        in_errors_ps: live.in_errors_ps,
        out_errors_ps: live.out_errors_ps,
        in_discards_ps: live.in_discards_ps,
        out_discards_ps: live.out_discards_ps,
        utilisation_in: live.utilisation_in,
        utilisation_out: live.utilisation_out,
        updated_at: live.updated_at.map(Time),
    }
}

/// Interfaces of a device
#[utoipa::path(get, path = "/api/v1/devices/{id}/interfaces", tag = "devices",
    params(("id" = String, Path), Paging), responses((status = 200, body = List<Interface>)))]
pub(super) async fn interfaces(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Params(paging): Params<Paging>,
) -> Result<List<Interface>, Error> {
    let device = device_get(&state.db, &caller.context, id).await?;
    let mut rows = state.live.interfaces(device.tenant.id, id);
    rows.sort_by_key(|row| row.index);
    page_of(rows, &paging, |row| row.index, show)
}
