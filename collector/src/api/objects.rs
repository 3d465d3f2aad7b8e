//! The objects of a device beside its interfaces, with their last values: what the store has, a page
//! at a time, between what `live` has, which is bounded by the series of a device.

use std::collections::BTreeMap;

use axum::extract::State;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::Group;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Cause, List, Meta, Paging, Time, cursor};
use super::request::{Params, PathId};
use crate::inventory::device::device_get;
use crate::inventory::device::object::{DeviceObject, ObjectPlace, device_objects};
use crate::live::view::LiveValue;

/// A processor, memory, disk, sensor or part.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HardwareObject {
    /// `storage:31`; the name in series. Empty: the device as a whole, of which there are load
    /// averages.
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
    value: Option<f64>,
    /// Why there is no value.
    cause: Option<Cause>,
    /// When its table was read last, or should have been.
    at: Time,
}

impl From<LiveValue> for HardwareValue {
    fn from(live: LiveValue) -> Self {
        Self {
            metric: live.metric,
            unit: live.unit.name(),
            value: live.value,
            cause: live.cause.and_then(Cause::from_name),
            at: Time(live.at),
        }
    }
}

pub(super) fn group_name(group: u32) -> &'static str {
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
    let (limit, after) = (paging.limit()?, paging.after::<ObjectPlace>()?);
    let stored = device_objects(&state.db, &caller.context, id, after.as_ref(), limit + 1).await?;
    let mut values: BTreeMap<ObjectPlace, Vec<HardwareValue>> = BTreeMap::new();
    for live in state.live.values(device.tenant.id, id) {
        let place = (live.group as u32, live.object.clone());
        if after.as_ref().is_none_or(|after| place > *after) {
            values.entry(place).or_default().push(live.into());
        }
    }
    let limit = limit as usize;
    let (rows, more) = page(stored, values, limit);
    let last = rows.last().filter(|_| more);
    let next_cursor = last.map(|(place, ..)| cursor(place)).transpose()?;
    let data = rows.into_iter().map(|(_, facts, values)| show(facts, values)).collect();
    Ok(List { data, meta: Meta { next_cursor, total: None } })
}

type Row = (ObjectPlace, DeviceObject, Vec<HardwareValue>);

/// The first `limit` of what is stored and of what has values, all behind the last page, and whether
/// there are more. Of what is stored there are `limit` and one, if there are so many.
fn page(
    stored: Vec<DeviceObject>,
    mut values: BTreeMap<ObjectPlace, Vec<HardwareValue>>,
    limit: usize,
) -> (Vec<Row>, bool) {
    let mut rows: Vec<Row> = Vec::with_capacity(stored.len());
    for facts in stored {
        let place = (facts.group, facts.object.clone());
        let values = values.remove(&place).unwrap_or_default();
        rows.push((place, facts, values));
    }
    // Behind the last that was read, nobody knows yet what is stored.
    let known_to = rows.last().filter(|_| rows.len() > limit).map(|(place, ..)| place.clone());
    // Some have values and no table: it is still to come, or they are the device's own.
    let unnamed = values
        .into_iter()
        .filter(|(place, _)| known_to.as_ref().is_none_or(|known_to| place < known_to));
    rows.extend(unnamed.map(|((group, object), values)| {
        let facts = DeviceObject { group, object, ..DeviceObject::default() };
        ((group, facts.object.clone()), facts, values)
    }));
    rows.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let more = rows.len() > limit;
    rows.truncate(limit);
    (rows, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_every_object_once_whether_it_is_stored_or_only_has_values() {
        let stored: Vec<ObjectPlace> = (0..7).map(|number| (4, format!("cpu:{number}"))).collect();
        let mut valued: Vec<ObjectPlace> = stored.iter().step_by(2).cloned().collect();
        valued.extend(["", "cpu:1a", "cpu:6a", "cpu:6b"].map(|name| (4, name.to_owned())));
        valued.push((5, "sensor:1".to_owned()));
        let mut all: Vec<ObjectPlace> = stored.iter().chain(&valued).cloned().collect();
        all.sort();
        all.dedup();
        for limit in 1..=all.len() + 1 {
            let (mut seen, mut after): (Vec<ObjectPlace>, Option<ObjectPlace>) = (Vec::new(), None);
            loop {
                let behind =
                    |place: &&ObjectPlace| after.as_ref().is_none_or(|after| *place > after);
                let some = stored.iter().filter(behind).take(limit + 1).map(|(group, object)| {
                    DeviceObject {
                        group: *group,
                        object: object.clone(),
                        ..DeviceObject::default()
                    }
                });
                let values = valued.iter().filter(behind).map(|place| (place.clone(), Vec::new()));
                let (rows, more) = page(some.collect(), values.collect(), limit);
                assert!(rows.len() == limit || !more);
                seen.extend(rows.into_iter().map(|(place, ..)| place));
                after = seen.last().cloned();
                if !more {
                    break;
                }
            }
            assert_eq!(seen, all, "by {limit}");
        }
    }
}
