//! Changes of one device.

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    Data, Device, DeviceDetail, INTERVAL_S_MAX, REQUEST_GAP_MS_MAX, TAG_RULE, detail, exists,
    interval_rule, request_gap_rule, show_now, tags, version_inside,
};
use crate::api::address::{Address, parse_address};
use crate::api::agents::agent_named;
use crate::api::error::{Error, FieldError};
use crate::api::guard::Caller;
use crate::api::reply::SnmpVersion;
use crate::api::request::{Json, PathId};
use crate::api::snmp::{NewSnmpUser, Wrong};
use crate::api::{AppState, Parts};
use crate::inventory::device::change::{DevicePatch, device_patch};
use crate::inventory::device::{self, SNMP_PORT, device_get, own_name};
use crate::inventory::is_name;
use crate::inventory::snmp::Credential;
use farwatch_common::id::{DeviceId, TenantId};
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
    /// Whether echo requests are sent to it.
    ping: Option<bool>,
    /// Whether an answer from another address than was asked is refused.
    strict_source: Option<bool>,
    /// Least time between two questions to it, 0 to 1000.
    request_gap_ms: Option<u32>,
}

/// A credential decides the version where that is not given: v3 for a user, and v2c for the community
/// of what was asked over v3 before. A version that takes the other kind of credential takes the
/// device's own one away.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SnmpChange {
    version: Option<SnmpVersion>,
    /// For v1 and v2c.
    #[schema(format = Password)]
    community: Option<String>,
    /// For v3.
    user: Option<NewSnmpUser>,
}

impl SnmpChange {
    /// The version and the credential, if they can be.
    pub(super) fn checked(self, wrong: &mut Wrong) -> (Option<&'static str>, Option<Credential>) {
        let Self { version, community, user } = self;
        (version.map(version_inside), wrong.credential(version, community, user))
    }
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
    if let Some(Err(error)) = address {
        wrong("address", error.rule());
    }
    let address = address.and_then(Result::ok);
    let name = name(before, body.name.as_deref(), address.as_ref());
    if name.as_ref().is_some_and(|(name, _)| !is_name(name)) {
        wrong("name", "must be 1 to 100 characters, without control characters");
    }
    if body.interval_s.is_some_and(|seconds| !(1..=INTERVAL_S_MAX).contains(&seconds)) {
        wrong("interval_s", &interval_rule());
    }
    if body.request_gap_ms.is_some_and(|gap| gap > REQUEST_GAP_MS_MAX) {
        wrong("request_gap_ms", &request_gap_rule());
    }
    let tags = body.tags.map(tags);
    if matches!(tags, Some(None)) {
        wrong("tags", TAG_RULE);
    }
    let mut of_snmp = Wrong::within("snmp.");
    let (snmp_version, credential) = body.snmp.unwrap_or_default().checked(&mut of_snmp);
    errors.append(&mut of_snmp.errors);
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    Ok(DevicePatch {
        name,
        address: address.map(|address| (address.host, address.port)),
        interval_s: body.interval_s,
        snmp_version,
        credential: credential.map(Some),
        ping: body.ping,
        strict_source: body.strict_source,
        request_gap_ms: body.request_gap_ms,
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

/// A credential of its own, which decides the version as in a change of the device. With neither the
/// device's own is taken away; then it is asked with that of a credential profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct DeviceCredential {
    #[schema(format = Password)]
    community: Option<String>,
    user: Option<NewSnmpUser>,
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
    let mut wrong = Wrong::default();
    let credential = wrong.credential(None, body.community, body.user);
    if !wrong.errors.is_empty() {
        return Err(Error::invalid(wrong.errors));
    }
    let patch = DevicePatch { credential: Some(credential), ..DevicePatch::default() };
    to_the_end(async move {
        change(&state, &caller, tenant, device, &patch).await?;
        detail(&state, &caller.context, device).await
    })
    .await
}
