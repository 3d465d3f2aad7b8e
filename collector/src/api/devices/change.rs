//! Changes of one device.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    COMMUNITY_RULE, Data, Device, DeviceDetail, INTERVAL_S_MAX, TAG_RULE, detail, exists,
    is_community, show_now, tags, version_inside,
};
use crate::api::address::{Address, parse_address};
use crate::api::agents::agent_named;
use crate::api::error::{Error, FieldError};
use crate::api::guard::Caller;
use crate::api::reply::SnmpVersion;
use crate::api::request::{Json, PathId};
use crate::api::{AppState, Parts};
use crate::inventory::device::change::{DevicePatch, device_patch};
use crate::inventory::device::{self, SNMP_PORT, device_get, own_name};
use crate::inventory::is_name;
use farwatch_common::id::{DeviceId, TenantId};
use farwatch_common::secret::Secret;
use farwatch_common::task::to_the_end;

/// What is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct DeviceChange {
    /// Empty: what the device calls itself, and its address until that is known.
    name: Option<String>,
    /// `IP`, `IP:port`, `[v6]:port` or a host name.
    address: Option<String>,
    /// 1 to 86400.
    interval_s: Option<u32>,
    snmp: Option<SnmpChange>,
    /// All of them, in place of those it has.
    tags: Option<Vec<String>>,
    /// Another agent of its tenant; what the one before sent is not shown any more.
    agent: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SnmpChange {
    version: Option<SnmpVersion>,
    #[schema(format = Password)]
    community: Option<String>,
}

/// Change a device
#[utoipa::path(patch, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = String, Path)), request_body = DeviceChange,
    responses((status = 200, body = Data<Device>)))]
pub(in crate::api) async fn device_change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(device): PathId<DeviceId>,
    Json(body): Json<DeviceChange>,
) -> Result<Data<Device>, Error> {
    // A device that is not theirs is told before any field is.
    let before = device_get(&state.db, &caller.context, device).await?;
    let agent = match body.agent.as_deref() {
        Some(agent) => {
            let context = caller.context.narrowed(before.tenant.id);
            Some(agent_named(&state, &context, ("agent", agent)).await?.0)
        }
        None => None,
    };
    let patch = DevicePatch { agent, ..checked(&before, body)? };
    to_the_end(async move {
        let data = change(&state, &caller, before.tenant.id, device, &patch).await?;
        Ok(Data { data })
    })
    .await
}

async fn change(
    state: &AppState,
    caller: &Caller,
    tenant: TenantId,
    id: DeviceId,
    patch: &DevicePatch,
) -> Result<Device, Error> {
    let Parts { db, vault, ids, clock, .. } = &**state;
    let _turn = state.live.turn(tenant).await;
    let done = device_patch(db, (vault, ids), &caller.context, id, patch, clock.now()).await;
    let (before, after) = done.map_err(exists)?;
    let of = (after.tenant.id, after.agent.id, after.id);
    state.live.device_changed(of, after.interval_s, !after.named);
    state.changes.notify(before.agent.id);
    state.changes.notify(after.agent.id);
    tracing::info!(stage = "api", device_id = %id, agent_id = %after.agent.id, "device changed");
    Ok(show_now(state, after))
}

fn checked(before: &device::Device, body: DeviceChange) -> Result<DevicePatch, Error> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    let address = body.address.map(|text| parse_address(&text, SNMP_PORT));
    if matches!(address, Some(None)) {
        wrong("address", "must be an IP address or host name, with `:port` if it is not 161");
    }
    let address = address.flatten();
    let name = name(before, body.name.as_deref(), address.as_ref());
    if name.as_ref().is_some_and(|(name, _)| !is_name(name)) {
        wrong("name", "must be 1 to 100 characters, without control characters");
    }
    if body.interval_s.is_some_and(|seconds| !(1..=INTERVAL_S_MAX).contains(&seconds)) {
        wrong("interval_s", "must be 1 to 86400 seconds");
    }
    let (version, community) =
        body.snmp.map_or((None, None), |snmp| (snmp.version, snmp.community));
    if community.as_deref().is_some_and(|text| !is_community(text)) {
        wrong("snmp.community", COMMUNITY_RULE);
    }
    let tags = body.tags.map(tags);
    if matches!(tags, Some(None)) {
        wrong("tags", TAG_RULE);
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    Ok(DevicePatch {
        name,
        address: address.map(|address| (address.host, address.port)),
        interval_s: body.interval_s,
        snmp_version: version.map(version_inside),
        community: community.map(|text| Some(Secret::from(text))),
        tags: tags.flatten(),
        ..DevicePatch::default()
    })
}

/// The name it will have, if that changes, and whether somebody gave it.
fn name(
    before: &device::Device,
    wanted: Option<&str>,
    address: Option<&Address>,
) -> Option<(String, bool)> {
    let wanted = wanted.map(str::trim);
    if let Some(name) = wanted.filter(|name| !name.is_empty()) {
        return Some((name.to_owned(), true));
    }
    // It stands in, by its own name or by the address it will have.
    if wanted.is_none() && (before.named || address.is_none()) {
        return None;
    }
    let own = before.facts.sys_name.as_deref().and_then(own_name).map(str::to_owned);
    let old = || Address { host: before.host.clone(), port: before.port }.to_string();
    let stands_in = own.unwrap_or_else(|| address.map_or_else(old, Address::to_string));
    Some((stands_in, false))
}

/// A credential of its own, or none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct DeviceCredential {
    /// Null takes the device's own away; then it is asked with that of a credential profile.
    #[schema(format = Password)]
    community: Option<String>,
}

/// Set or take away a device's own credential
#[utoipa::path(put, path = "/api/v1/devices/{id}/credential", tag = "devices",
    params(("id" = String, Path)), request_body = DeviceCredential,
    responses((status = 200, body = Data<DeviceDetail>)))]
pub(in crate::api) async fn device_credential(
    State(state): State<AppState>,
    caller: Caller,
    PathId(device): PathId<DeviceId>,
    Json(body): Json<DeviceCredential>,
) -> Result<Data<DeviceDetail>, Error> {
    let tenant = device_get(&state.db, &caller.context, device).await?.tenant.id;
    if body.community.as_deref().is_some_and(|text| !is_community(text)) {
        return Err(Error::field("community", COMMUNITY_RULE));
    }
    let community = Some(body.community.map(Secret::from));
    let patch = DevicePatch { community, ..DevicePatch::default() };
    to_the_end(async move {
        change(&state, &caller, tenant, device, &patch).await?;
        detail(&state, &caller.context, device).await
    })
    .await
}
