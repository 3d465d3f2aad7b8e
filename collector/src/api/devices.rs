//! Devices: list, one, make, take out.

pub(super) mod bulk;
pub(super) mod change;
pub(super) mod import;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::address::{Address, parse_address};
use super::agents::agent_named;
use super::asked::{Icmp, SnmpPoll};
use super::error::{Error, FieldError};
use super::guard::Caller;
use super::objects::group_name;
use super::reply::{
    Cause, CredentialKind, CredentialSource, Data, List, Paging, Ref, SnmpVersion, State as Health,
    Time, listed,
};
use super::request::{Json, Params, PathId, id};
use super::snmp::{NewSnmpUser, SnmpUser, Wrong};
use super::tenants::narrowed;
use super::{AppState, Parts};
use crate::identity::TenantContext;
use crate::inventory::agent::agent_get;
use crate::inventory::device::credential::{InForce, credential_in_force};
use crate::inventory::device::tag::{Tags, is_tag};
use crate::inventory::device::{
    self, DeviceFilter, DeviceOrder, Manner, SNMP_PORT, device_create, device_delete, device_get,
    device_list,
};
use crate::inventory::site::site_get;
use crate::inventory::{InventoryError, is_name};
use crate::live::{LiveDevice, State as LiveState};
use farwatch_common::id::{AgentId, DeviceId};
use farwatch_common::task::to_the_end;

pub(super) const INTERVAL_S: u32 = 60;
const INTERVAL_S_MAX: u32 = 86_400;
const REQUEST_GAP_MS_MAX: u32 = 1_000;
const SEARCH_CHARS_MAX: usize = 200;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    id: String,
    name: String,
    tenant: Ref,
    site: Ref,
    agent: Ref,
    address: String,
    state: Health,
    cause: Option<Cause>,
    sys_name: Option<String>,
    /// `sysDescr`.
    model: Option<String>,
    sys_object_id: Option<String>,
    uptime_s: Option<f64>,
    interfaces_up: Option<u32>,
    interfaces_total: u32,
    in_bps: Option<f64>,
    out_bps: Option<f64>,
    /// Of an echo, or of an answer over SNMP where there is none.
    rtt_ms: Option<f64>,
    /// Mean of its processors.
    cpu_percent: Option<f64>,
    /// Of its hottest sensor.
    temperature_celsius: Option<f64>,
    /// Null until it has told something.
    snmp_poll: Option<SnmpPoll>,
    icmp: Option<Icmp>,
    last_sample_at: Option<Time>,
    interval_s: u32,
    tags: Vec<String>,
    created_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceDetail {
    #[serde(flatten)]
    device: Device,
    facts: Facts,
    snmp: Snmp,
    /// Echo requests are sent to it.
    ping: bool,
    /// An answer from another address than was asked is not taken.
    strict_source: bool,
    /// Least time between two questions to it; 0: none.
    request_gap_ms: u32,
    /// Groups of objects (`host`, `sensors`) that it has given nothing of yet, and why.
    missing: Vec<Missing>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Missing {
    group: &'static str,
    cause: Option<Cause>,
    at: Time,
}

/// SNMPv2-MIB system group, last seen.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Facts {
    sys_descr: Option<String>,
    sys_name: Option<String>,
    sys_object_id: Option<String>,
    sys_location: Option<String>,
    sys_contact: Option<String>,
    /// Where its SNMP answers come from, if not from its address.
    answers_from: Option<String>,
    seen_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Snmp {
    version: SnmpVersion,
    credential: CredentialSource,
    /// Whose credential is in force, if it is a profile's.
    profile: Option<Ref>,
    /// Of the credential that is in force.
    kind: Option<CredentialKind>,
    /// What may be shown of it, if it is a user.
    user: Option<SnmpUser>,
    /// What is stored of the credential cannot be read, and SNMP asks nothing until it is given anew.
    damaged: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDevice {
    agent: String,
    /// What the device calls itself if not given, and its address until that is known.
    name: Option<String>,
    /// `IP`, `IP:port`, `[v6]:port` or a host name; of a link-local address with the agent's
    /// interface, `fe80::1%eth0`.
    address: String,
    /// 1 to 86400; 60 if not given.
    interval_s: Option<u32>,
    /// If not given, over v2c with the community of a credential profile.
    snmp: Option<NewSnmp>,
    tags: Option<Vec<String>>,
    /// Whether echo requests are sent to it; true if not given.
    ping: Option<bool>,
    /// Whether an answer from another address than was asked is refused; false if not given.
    strict_source: Option<bool>,
    /// Least time between two questions to it, 0 to 1000; 0 if not given.
    request_gap_ms: Option<u32>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSnmp {
    version: SnmpVersion,
    /// For v1 and v2c. If not given, that of a credential profile.
    #[schema(format = Password)]
    community: Option<String>,
    /// For v3. If not given, that of a credential profile.
    user: Option<NewSnmpUser>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeviceQuery {
    tenant: Option<String>,
    site: Option<String>,
    agent: Option<String>,
    /// `up`, `degraded`, `down` or `unknown`.
    state: Option<String>,
    /// Part of a name, address or system name.
    q: Option<String>,
    /// Only with this tag.
    tag: Option<String>,
    /// `name` (if not given), `-name`, `created_at` or `-created_at`.
    sort: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// The device as `inventory` and `live` know it.
pub(super) fn show(row: device::Device, live: Option<LiveDevice>) -> Device {
    let address = Address { host: row.host, port: row.port };
    let pending = live.is_none();
    let live = live.as_ref();
    let state = live.and_then(|live| Health::from_name(live.state.name()));
    let cause = live.and_then(|live| live.cause).and_then(Cause::from_name);
    Device {
        id: row.id.to_string(),
        name: row.name,
        tenant: row.tenant.into(),
        site: row.site.into(),
        agent: row.agent.into(),
        address: address.to_string(),
        state: state.unwrap_or(Health::Unknown),
        cause: cause.or(pending.then_some(Cause::Pending)),
        sys_name: row.facts.sys_name,
        model: row.facts.sys_descr,
        sys_object_id: row.facts.sys_object_id,
        uptime_s: live.and_then(|live| live.uptime_s),
        interfaces_up: live.and_then(|live| live.interfaces_up),
        interfaces_total: live.map_or(0, |live| live.interfaces_total),
        in_bps: live.and_then(|live| live.in_bps),
        out_bps: live.and_then(|live| live.out_bps),
        rtt_ms: live.and_then(|live| live.rtt_ms),
        cpu_percent: live.and_then(|live| live.cpu_percent),
        temperature_celsius: live.and_then(|live| live.temperature_celsius),
        snmp_poll: live.and_then(|live| live.snmp_poll.as_ref()).map(SnmpPoll::from),
        icmp: live.and_then(|live| live.icmp.as_ref()).map(Icmp::from),
        last_sample_at: live.and_then(|live| live.last_sample_at).map(Time),
        interval_s: row.interval_s,
        tags: row.tags.into_iter().collect(),
        created_at: Time(row.created_at),
    }
}

fn show_now(state: &AppState, row: device::Device) -> Device {
    let live = state.live.device(row.tenant.id, row.id);
    show(row, live)
}

/// Devices
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", params(DeviceQuery),
    responses((status = 200, body = List<Device>)))]
pub(super) async fn devices(
    State(state): State<AppState>,
    caller: Caller,
    Params(query): Params<DeviceQuery>,
) -> Result<List<Device>, Error> {
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let (filter, order) = wanted(&state, &context, &query).await?;
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let rows = device_list(&state.db, &context, &filter, order, &paging.page()?).await?;
    let place = |row: &device::Device| (row.name.clone(), row.id.0);
    listed(rows, &paging, place, |row| show_now(&state, row))
}

async fn wanted(
    state: &AppState,
    context: &TenantContext,
    query: &DeviceQuery,
) -> Result<(DeviceFilter, DeviceOrder), Error> {
    let order = match query.sort.as_deref() {
        None | Some("name") => DeviceOrder::Name,
        Some("-name") => DeviceOrder::NameDown,
        Some("created_at") => DeviceOrder::Created,
        Some("-created_at") => DeviceOrder::CreatedDown,
        Some(_) => {
            let detail = "`sort` must be name, -name, created_at or -created_at.";
            return Err(Error::bad_request("bad_query", detail));
        }
    };
    let search = query.q.clone().unwrap_or_default();
    if search.chars().count() > SEARCH_CHARS_MAX || search.contains('\0') {
        return Err(Error::bad_request("bad_query", "`q` has at most 200 characters."));
    }
    let tag = query.tag.clone();
    if tag.as_ref().is_some_and(|tag| !is_tag(tag)) {
        return Err(Error::bad_request("bad_query", format!("`tag` {TAG_RULE}.")));
    }
    let mut filter = DeviceFilter { search, tag, ..DeviceFilter::default() };
    // Only `live` knows states: the list is of what it names at this moment.
    if let Some(name) = &query.state {
        let Some(health) = LiveState::from_name(name) else {
            let detail = "`state` must be up, degraded, down or unknown.";
            return Err(Error::bad_request("bad_query", detail));
        };
        filter.among = Some(state.live.devices_in(&context.tenants().collect(), health));
    }
    if let Some(site) = &query.site {
        filter.site = Some(site_get(&state.db, context, id(site)?).await?.id);
    }
    if let Some(agent) = &query.agent {
        filter.agent = Some(agent_get(&state.db, context, id(agent)?).await?.id);
    }
    Ok((filter, order))
}

/// One device
#[utoipa::path(get, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = String, Path)), responses((status = 200, body = Data<DeviceDetail>)))]
pub(super) async fn device(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<Data<DeviceDetail>, Error> {
    detail(&state, &caller.context, id).await
}

async fn detail(
    state: &AppState,
    context: &TenantContext,
    id: DeviceId,
) -> Result<Data<DeviceDetail>, Error> {
    let row = device_get(&state.db, context, id).await?;
    let facts = row.facts.clone();
    let version = SnmpVersion::from_name(&row.snmp_version).unwrap_or(SnmpVersion::V2c);
    let (in_force, damaged) = credential_in_force(&state.db, &state.vault, context, id).await?;
    let (credential, profile, about) = match in_force {
        InForce::Own(about) => (CredentialSource::Own, None, about),
        InForce::Profile(profile, about) => {
            (CredentialSource::Profile, Some(profile.into()), about)
        }
        InForce::Nothing => (CredentialSource::None, None, None),
    };
    let kind = match version {
        SnmpVersion::V3 => CredentialKind::SnmpUser,
        SnmpVersion::V1 | SnmpVersion::V2c => CredentialKind::SnmpCommunity,
    };
    let kind = (credential != CredentialSource::None).then_some(kind);
    let Manner { ping, strict_source, request_gap_ms } = row.manner;
    let missing = state.live.missing(row.tenant.id, id).into_iter().map(|missing| Missing {
        group: group_name(missing.group as u32),
        cause: Cause::from_name(missing.cause.name()),
        at: Time(missing.at),
    });
    let missing = missing.collect();
    let data = DeviceDetail {
        device: show_now(state, row),
        facts: Facts {
            sys_descr: facts.sys_descr,
            sys_name: facts.sys_name,
            sys_object_id: facts.sys_object_id,
            sys_location: facts.sys_location,
            sys_contact: facts.sys_contact,
            answers_from: facts.answers_from,
            seen_at: facts.seen_at.map(Time),
        },
        snmp: Snmp { version, credential, profile, kind, user: about.map(Into::into), damaged },
        ping,
        strict_source,
        request_gap_ms,
        missing,
    };
    Ok(Data { data })
}

/// Add a device
#[utoipa::path(post, path = "/api/v1/devices", tag = "devices", request_body = NewDevice,
    responses((status = 201, body = Data<Device>)))]
pub(super) async fn device_new(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<NewDevice>,
) -> Result<(StatusCode, Data<Device>), Error> {
    // An agent that is not theirs is told before any field is.
    let (agent, tenant) = agent_named(&state, &caller.context, ("agent", &body.agent)).await?;
    let new = checked(agent, body)?;
    let made = to_the_end(async move {
        let Parts { db, vault, ids, clock, .. } = &*state;
        let _turn = state.live.turn(tenant).await;
        let row = device_create(db, vault, &caller.context, ids, &new, clock.now()).await?;
        added(&state, &row);
        state.changes.notify(agent);
        tracing::info!(stage = "api", device_id = %row.id, agent_id = %agent, "device added");
        Ok(show_now(&state, row))
    });
    let data = made.await.map_err(exists)?;
    Ok((StatusCode::CREATED, Data { data }))
}

/// Tells screens of a device that was made; its agent is for the caller to tell.
pub(super) fn added(state: &AppState, row: &device::Device) {
    state.live.device_added(row.tenant.id, row.agent.id, row.id, row.interval_s);
    if !row.named {
        state.live.device_follows_name(row.id);
    }
}

/// Of devices, what exists already is the address.
pub(super) fn exists(error: InventoryError) -> Error {
    match error {
        InventoryError::Exists { there, .. } => {
            let detail = format!("This agent has a device of this address already: `{there}`.");
            Error::new(StatusCode::CONFLICT, "device_exists", detail)
        }
        error => error.into(),
    }
}

fn checked(agent: AgentId, body: NewDevice) -> Result<device::NewDevice, Error> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    let address = parse_address(&body.address, SNMP_PORT);
    if let Err(error) = address {
        wrong("address", error.rule());
    }
    let address = address.unwrap_or_default();
    let name = body.name.filter(|name| !name.trim().is_empty());
    let named = name.is_some();
    let name = name.map_or_else(|| address.to_string(), |name| name.trim().to_owned());
    if address.port != 0 && !is_name(&name) {
        wrong("name", "must be 1 to 100 characters, without control characters");
    }
    let interval_s = body.interval_s.unwrap_or(INTERVAL_S);
    if !(1..=INTERVAL_S_MAX).contains(&interval_s) {
        wrong("interval_s", &interval_rule());
    }
    let usual = Manner::default();
    let manner = Manner {
        ping: body.ping.unwrap_or(usual.ping),
        strict_source: body.strict_source.unwrap_or(usual.strict_source),
        request_gap_ms: body.request_gap_ms.unwrap_or(usual.request_gap_ms),
    };
    if manner.request_gap_ms > REQUEST_GAP_MS_MAX {
        wrong("request_gap_ms", &request_gap_rule());
    }
    let tags = tags(body.tags.unwrap_or_default());
    if tags.is_none() {
        wrong("tags", TAG_RULE);
    }
    let by_profile = NewSnmp { version: SnmpVersion::V2c, community: None, user: None };
    let NewSnmp { version, community, user } = body.snmp.unwrap_or(by_profile);
    let mut of_snmp = Wrong::within("snmp.");
    let credential = of_snmp.credential(Some(version), community, user);
    errors.append(&mut of_snmp.errors);
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    Ok(device::NewDevice {
        agent,
        name,
        named,
        host: address.host,
        port: address.port,
        interval_s,
        snmp_version: version_inside(version),
        credential,
        manner,
        tags: tags.unwrap_or_default(),
    })
}

pub(super) const TAG_RULE: &str =
    "must be 1 to 50 characters, without commas, control characters and spaces around it";

fn interval_rule() -> String {
    format!("must be 1 to {INTERVAL_S_MAX} seconds")
}

fn request_gap_rule() -> String {
    format!("must be 0 to {REQUEST_GAP_MS_MAX} milliseconds")
}

/// The tags, if all of them can be tags.
pub(super) fn tags(texts: Vec<String>) -> Option<Tags> {
    texts.iter().all(|tag| is_tag(tag)).then(|| texts.into_iter().collect())
}

pub(super) fn version_inside(version: SnmpVersion) -> &'static str {
    match version {
        SnmpVersion::V1 => "v1",
        SnmpVersion::V2c => "v2c",
        SnmpVersion::V3 => "v3",
    }
}

/// Take a device out
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn device_gone(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<StatusCode, Error> {
    let tenant = device_get(&state.db, &caller.context, id).await?.tenant.id;
    to_the_end(async move {
        let _turn = state.live.turn(tenant).await;
        let row = device_delete(&state.db, &caller.context, id, state.clock.now()).await?;
        state.live.device_removed(row.tenant.id, id);
        state.changes.notify(row.agent.id);
        let agent = row.agent.id;
        tracing::info!(stage = "api", device_id = %id, agent_id = %agent, "device taken out");
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
