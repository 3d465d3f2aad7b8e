//! The objects of a device beside its interfaces, with their last values.

use std::collections::BTreeMap;

use axum::extract::State;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::Group;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{List, Paging, Time, page_of};
use super::request::{Params, PathId};
use crate::inventory::device::device_get;
use crate::inventory::device::object::{DeviceObject, device_objects};
use crate::live::view::LiveValue;

/// A processor, memory, disk, sensor or part.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HardwareObject {
    /// `storage:31`; the name in series.
    object: String,
    /// `host`, `sensors`, `parts`.
    group: &'static str,
    /// Empty where the device gives it none.
    name: String,
    /// `processor`, `ram`, `fixed_disk`, `temperature`, `chassis`, …; empty where it is not known.
    kind: String,
    description: String,
    /// The part it is inside of.
    parent: Option<String>,
    vendor: Option<String>,
    model: Option<String>,
    serial: Option<String>,
    hardware_revision: Option<String>,
    firmware_revision: Option<String>,
    software_revision: Option<String>,
    values: Vec<HardwareValue>,
}

/// The last value of one metric.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HardwareValue {
    metric: String,
    unit: &'static str,
    /// Null where the device gave none.
    value: Option<f64>,
    at: Time,
}

impl From<LiveValue> for HardwareValue {
    fn from(live: LiveValue) -> Self {
        Self { metric: live.metric, unit: live.unit.name(), value: live.value, at: Time(live.at) }
    }
}

fn group_name(group: u32) -> &'static str {
    match Group::from_wire(group) {
        Some(Group::System) => "system",
        Some(Group::Interfaces) => "interfaces",
        Some(Group::Ping) => "ping",
        Some(Group::Host) => "host",
        Some(Group::Sensors) => "sensors",
        None => "parts",
    }
}

fn show(facts: DeviceObject, values: Vec<HardwareValue>) -> HardwareObject {
    let known = |text: String| (!text.is_empty()).then_some(text);
    HardwareObject {
        object: facts.object,
        group: group_name(facts.group),
        name: facts.name,
        kind: facts.kind,
        description: facts.description,
        parent: known(facts.parent),
        vendor: known(facts.vendor),
        model: known(facts.model),
        serial: known(facts.serial),
        hardware_revision: known(facts.hardware_revision),
        firmware_revision: known(facts.firmware_revision),
        software_revision: known(facts.software_revision),
        values,
    }
}

/// Processors, memory, disks, sensors and parts of a device
#[utoipa::path(get, path = "/api/v1/devices/{id}/objects", tag = "devices",
    params(("id" = String, Path), Paging), responses((status = 200, body = List<HardwareObject>)))]
pub(super) async fn objects(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Params(paging): Params<Paging>,
) -> Result<List<HardwareObject>, Error> {
    let device = device_get(&state.db, &caller.context, id).await?;
    let mut values: BTreeMap<(u32, String), Vec<HardwareValue>> = BTreeMap::new();
    for live in state.live.values(device.tenant.id, id) {
        let key = (live.group as u32, live.object.clone());
        // Of the device as a whole: those are metrics like others.
        if !key.1.is_empty() {
            values.entry(key).or_default().push(live.into());
        }
    }
    let mut rows: Vec<(DeviceObject, Vec<HardwareValue>)> = Vec::new();
    for facts in device_objects(&state.db, &caller.context, id).await? {
        let values = values.remove(&(facts.group, facts.object.clone()));
        rows.push((facts, values.unwrap_or_default()));
    }
    // Some have values before their table has come.
    rows.extend(values.into_iter().map(|((group, object), values)| {
        (DeviceObject { group, object, ..DeviceObject::default() }, values)
    }));
    rows.sort_by(|(one, _), (other, _)| {
        (one.group, &one.object).cmp(&(other.group, &other.object))
    });
    let key = |(facts, _): &(DeviceObject, _)| (facts.group, facts.object.clone());
    page_of(rows, &paging, key, |(facts, values)| show(facts, values))
}
