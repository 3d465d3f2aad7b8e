//! Changes of many devices at once.

use std::collections::BTreeSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::SnmpChange;
use super::{
    Data, DeviceQuery, INTERVAL_S_MAX, REQUEST_GAP_MS_MAX, TAG_RULE, exists, interval_rule,
    request_gap_rule, tags, wanted,
};
use crate::api::agents::agent_named;
use crate::api::error::{Error, FieldError};
use crate::api::guard::Caller;
use crate::api::request::{Json, id, or_null};
use crate::api::snmp::Wrong;
use crate::api::tenants::narrowed;
use crate::api::{AppState, Parts};
use crate::inventory::Page;
use crate::inventory::device::bulk::{
    BULK_MAX, Bulk, BulkDone, BulkFailed, device_bulk as bulk_done, devices_known,
};
use crate::inventory::device::change::DevicePatch;
use crate::inventory::device::{self, device_list};
use farwatch_common::id::{AgentId, DeviceId};
use farwatch_common::task::to_the_end;

/// `ids` or `filter`, and `change` or `delete`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct BulkRequest {
    /// 1000 at most.
    ids: Option<Vec<String>>,
    filter: Option<BulkFilter>,
    change: Option<BulkChange>,
    /// Take them out.
    delete: Option<bool>,
}

/// As in the list of devices; at least one of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct BulkFilter {
    tenant: Option<String>,
    site: Option<String>,
    agent: Option<String>,
    state: Option<String>,
    q: Option<String>,
    tag: Option<String>,
}

/// What is not there stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct BulkChange {
    /// 1 to 86400.
    interval_s: Option<u32>,
    /// All of them, in place of those they have.
    tags: Option<Vec<String>>,
    add_tags: Option<Vec<String>>,
    remove_tags: Option<Vec<String>>,
    /// Another agent of their tenant, which takes them over; what the one before sent is not shown
    /// any more.
    agent: Option<String>,
    /// Null takes their own away; then they are asked with that of a credential profile.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = Password)]
    community: Option<Option<String>>,
    /// Version and credential of all of them.
    snmp: Option<SnmpChange>,
    ping: Option<bool>,
    strict_source: Option<bool>,
    /// 0 to 1000.
    request_gap_ms: Option<u32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct BulkAnswer {
    devices: u64,
    tenants: Vec<BulkTenant>,
}

/// What became of one tenant's: each tenant's change is one, and they are made one after another.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct BulkTenant {
    tenant: String,
    devices: u64,
}

/// Change or take out many devices
#[utoipa::path(post, path = "/api/v1/devices/bulk", tag = "devices", request_body = BulkRequest,
    responses((status = 200, body = Data<BulkAnswer>)))]
pub(in crate::api) async fn device_bulk(
    State(state): State<AppState>,
    caller: Caller,
    Json(body): Json<BulkRequest>,
) -> Result<Data<BulkAnswer>, Error> {
    let devices = match (body.ids, body.filter) {
        // Devices that are not theirs are told before any field is.
        (Some(ids), None) => devices_known(&state.db, &caller.context, &named(ids)?).await?,
        (None, Some(filter)) => found(&state, &caller, filter).await?,
        _ => return Err(Error::field("ids", "give either `ids` or `filter`")),
    };
    let bulk = match (body.change, body.delete) {
        (Some(change), None | Some(false)) => {
            let agent = taking_over(&state, &caller, &devices, change.agent.as_deref()).await?;
            Bulk::Change(Box::new(DevicePatch { agent, ..checked(change)? }))
        }
        (None, Some(true)) => Bulk::Delete,
        _ => return Err(Error::field("change", "give either `change` or `delete`: true")),
    };
    to_the_end(async move {
        let Parts { db, vault, ids, clock, live, .. } = &*state;
        let tenants: BTreeSet<_> = devices.iter().map(|device| device.tenant.id).collect();
        let mut turns = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            turns.push(live.turn(tenant).await);
        }
        let now = clock.now();
        let done = bulk_done(db, (vault, ids), &caller.context, &devices, &bulk, now).await;
        let (done, failed) = match done {
            Ok(done) => (done, None),
            Err(BulkFailed { done, error }) => (done, Some(error)),
        };
        for tenant in &done {
            after(&state, tenant, &bulk);
        }
        drop(turns);
        if let Some(error) = failed {
            return Err(part_done(exists(error), &done));
        }
        let tenants: Vec<_> = done.iter().map(show).collect();
        let devices = tenants.iter().map(|tenant| tenant.devices).sum();
        tracing::info!(stage = "api", devices, "devices changed in bulk");
        Ok(Data { data: BulkAnswer { devices, tenants } })
    })
    .await
}

/// Tells with an error what was changed before it.
fn part_done(error: Error, done: &[BulkDone]) -> Error {
    if done.is_empty() {
        return error;
    }
    let one = |done: &BulkDone| format!("{} of {}", done.devices.len(), done.tenant);
    let done: Vec<_> = done.iter().map(one).collect();
    error.and(&format!("Before that, devices were changed: {}.", done.join(", ")))
}

fn show(done: &BulkDone) -> BulkTenant {
    BulkTenant { tenant: done.tenant.to_string(), devices: done.devices.len() as u64 }
}

fn named(ids: Vec<String>) -> Result<BTreeSet<DeviceId>, Error> {
    if ids.is_empty() || ids.len() > BULK_MAX {
        return Err(Error::field("ids", format!("must be 1 to {BULK_MAX}")));
    }
    ids.iter().map(|text| id(text)).collect()
}

/// The agent that the devices are to move to.
async fn taking_over(
    state: &AppState,
    caller: &Caller,
    devices: &[device::Device],
    agent: Option<&str>,
) -> Result<Option<AgentId>, Error> {
    let Some(agent) = agent else { return Ok(None) };
    let field = "change.agent";
    let (agent, tenant) = agent_named(state, &caller.context, (field, agent)).await?;
    if devices.iter().any(|device| device.tenant.id != tenant) {
        return Err(Error::field(field, "must be of the tenant of all these devices"));
    }
    Ok(Some(agent))
}

/// The devices that a filter finds now.
async fn found(
    state: &AppState,
    caller: &Caller,
    filter: BulkFilter,
) -> Result<Vec<device::Device>, Error> {
    let BulkFilter { tenant, site, agent, state: health, q, tag } = filter;
    if [&tenant, &site, &agent, &health, &q, &tag].into_iter().all(Option::is_none) {
        return Err(Error::field("filter", "must name something: it would be every device"));
    }
    let query =
        DeviceQuery { tenant, site, agent, state: health, q, tag, ..DeviceQuery::default() };
    let context = narrowed(&caller.context, query.tenant.as_deref())?;
    let (filter, order) = wanted(state, &context, &query).await?;
    let page = Page { after: None, limit: u32::try_from(BULK_MAX).unwrap_or(u32::MAX) };
    let found = device_list(&state.db, &context, &filter, order, &page).await?;
    if found.total > BULK_MAX as u64 {
        let message = format!("finds {} devices; {BULK_MAX} at most at once", found.total);
        return Err(Error::field("filter", message));
    }
    Ok(found.rows)
}

fn checked(body: BulkChange) -> Result<DevicePatch, Error> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        let field = format!("change.{field}");
        errors.push(FieldError { field, message: message.to_owned() });
    };
    if body.interval_s.is_some_and(|seconds| !(1..=INTERVAL_S_MAX).contains(&seconds)) {
        wrong("interval_s", &interval_rule());
    }
    if body.request_gap_ms.is_some_and(|gap| gap > REQUEST_GAP_MS_MAX) {
        wrong("request_gap_ms", &request_gap_rule());
    }
    if body.community.is_some() && body.snmp.is_some() {
        wrong("snmp", "give either `community` or `snmp`");
    }
    let mut checked = |field, texts: Option<Vec<String>>| {
        let tags = texts.map(tags);
        if matches!(tags, Some(None)) {
            wrong(field, TAG_RULE);
        }
        tags.flatten()
    };
    let tags = checked("tags", body.tags);
    let add_tags = checked("add_tags", body.add_tags).unwrap_or_default();
    let remove_tags = checked("remove_tags", body.remove_tags).unwrap_or_default();
    let mut of_snmp = Wrong::within("change.snmp.");
    let (snmp_version, given) = body.snmp.unwrap_or_default().checked(&mut of_snmp);
    errors.append(&mut of_snmp.errors);
    let mut of_community = Wrong::within("change.");
    let credential = match body.community {
        Some(community) => Some(of_community.credential(None, community, None)),
        None => given.map(Some),
    };
    errors.append(&mut of_community.errors);
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    Ok(DevicePatch {
        interval_s: body.interval_s,
        snmp_version,
        credential,
        ping: body.ping,
        strict_source: body.strict_source,
        request_gap_ms: body.request_gap_ms,
        tags,
        add_tags,
        remove_tags,
        ..DevicePatch::default()
    })
}

/// Tells screens and agents of what was done.
fn after(state: &AppState, done: &BulkDone, bulk: &Bulk) {
    for device in &done.devices {
        match bulk {
            Bulk::Delete => state.live.device_removed(done.tenant, device.id),
            Bulk::Change(patch) => {
                let of = (done.tenant, patch.agent.unwrap_or(device.agent.id), device.id);
                let interval_s = patch.interval_s.unwrap_or(device.interval_s);
                state.live.device_changed(of, interval_s, !device.named);
            }
        }
    }
    for agent in &done.agents {
        state.changes.notify(*agent);
    }
}
