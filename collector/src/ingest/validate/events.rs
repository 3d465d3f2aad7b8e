//! Core: checks what events say.

use farwatch_common::batch::EVENTS_MAX;
use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Group, NAME_BYTES_MAX};
use farwatch_proto::v1::{DeviceFacts, Event, Gap, GapReason, InterfaceTable, ObjectTable, event};

use super::Refused;
use super::clock::shifted;
use crate::store::samples::{Fact, GAP_COUNT_MAX, GapRow};

/// Most interfaces of one device.
const INTERFACES_MAX: usize = 16_384;
/// Most objects of one group of a device.
const OBJECTS_MAX: usize = 4096;
/// In the place of a group: the parts a device is built of.
const PARTS: u32 = 0;
/// Longest text of a device. sysDescr ends at 255 by its MIB; some devices do not care.
const TEXT_BYTES_MAX: usize = 4096;
/// Longest hardware address.
const MAC_BYTES_MAX: usize = 64;

/// The facts in `events`, and beside each the device it is about.
pub(super) fn check(
    events: Vec<Event>,
    shift_us: i64,
    received: Micros,
) -> Result<(Vec<Fact>, Vec<Option<DeviceId>>), Refused> {
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(Refused::malformed(format!("a batch has 1 to {EVENTS_MAX} events")));
    }
    let mut facts = Vec::with_capacity(events.len());
    let mut devices = Vec::with_capacity(events.len());
    for Event { at_us, kind } in events {
        // What a device is was never learned in the future.
        let at = in_past(shifted(Micros(at_us), shift_us), received);
        let (fact, device) = match kind {
            // From an agent newer than this collector.
            None => return Err(Refused::malformed("an event of a kind that is not known")),
            Some(event::Kind::DeviceFacts(facts)) => {
                let device = DeviceId(facts.device_id);
                (Fact::Device(at, device_facts(facts)?), Some(device))
            }
            Some(event::Kind::InterfaceTable(table)) => {
                let device = DeviceId(table.device_id);
                (Fact::Interfaces(at, interface_table(table)?), Some(device))
            }
            Some(event::Kind::ObjectTable(table)) => {
                let device = DeviceId(table.device_id);
                (Fact::Objects(at, object_table(table)?), Some(device))
            }
            Some(event::Kind::Gap(gap)) => (Fact::Gap(gap_row(&gap, shift_us, received)?), None),
        };
        facts.push(fact);
        devices.push(device);
    }
    Ok((facts, devices))
}

fn device_facts(facts: DeviceFacts) -> Result<DeviceFacts, Refused> {
    Ok(DeviceFacts {
        device_id: facts.device_id,
        sys_descr: text(facts.sys_descr)?,
        sys_object_id: text(facts.sys_object_id)?,
        sys_name: text(facts.sys_name)?,
        sys_location: text(facts.sys_location)?,
        sys_contact: text(facts.sys_contact)?,
        answers_from: text(facts.answers_from)?,
    })
}

fn interface_table(mut table: InterfaceTable) -> Result<InterfaceTable, Refused> {
    if table.interfaces.len() > INTERFACES_MAX {
        let detail = format!("a device has more than {INTERFACES_MAX} interfaces");
        return Err(Refused::malformed(detail));
    }
    for facts in &mut table.interfaces {
        if facts.mac.len() > MAC_BYTES_MAX {
            return Err(Refused::malformed("a hardware address is too long"));
        }
        facts.name = text(std::mem::take(&mut facts.name))?;
        facts.description = text(std::mem::take(&mut facts.description))?;
        facts.alias = text(std::mem::take(&mut facts.alias))?;
        facts.speed_bps = facts.speed_bps.min(i64::MAX.unsigned_abs());
    }
    table.interfaces.sort_by_key(|facts| facts.index);
    // A device that names an index twice means the first.
    table.interfaces.dedup_by_key(|facts| facts.index);
    Ok(table)
}

fn object_table(mut table: ObjectTable) -> Result<ObjectTable, Refused> {
    if table.objects.len() > OBJECTS_MAX {
        let detail = format!("a device has more than {OBJECTS_MAX} objects of a group");
        return Err(Refused::malformed(detail));
    }
    if table.group != PARTS && Group::from_wire(table.group).is_none() {
        return Err(Refused::malformed("objects of an unknown group"));
    }
    for facts in &mut table.objects {
        if facts.object.is_empty() || facts.object.len() > NAME_BYTES_MAX {
            return Err(Refused::malformed("an object has no name, or one that is too long"));
        }
        for field in [
            &mut facts.object,
            &mut facts.name,
            &mut facts.kind,
            &mut facts.description,
            &mut facts.parent,
            &mut facts.vendor,
            &mut facts.model,
            &mut facts.serial,
            &mut facts.hardware_revision,
            &mut facts.firmware_revision,
            &mut facts.software_revision,
        ] {
            *field = text(std::mem::take(field))?;
        }
    }
    table.objects.sort_by(|one, other| one.object.cmp(&other.object));
    table.objects.dedup_by(|one, other| one.object == other.object);
    Ok(table)
}

/// Nothing is told of the future, nor of before 1970.
fn in_past(at: Micros, received: Micros) -> Micros {
    Micros(at.0.clamp(0, received.0.max(0)))
}

fn gap_row(gap: &Gap, shift_us: i64, received: Micros) -> Result<GapRow, Refused> {
    let numbers = [gap.seq_first, gap.seq_last];
    if gap.stream_id <= 0
        || gap.seq_first > gap.seq_last
        || gap.from_us > gap.to_us
        || gap.count > GAP_COUNT_MAX
        || numbers.iter().any(|number| i64::try_from(*number).is_err())
    {
        return Err(Refused::malformed("a gap has ends that cannot be"));
    }
    let class = Class::from_wire(gap.class)
        .ok_or_else(|| Refused::malformed("a gap has an unknown class"))?;
    let reason = GapReason::try_from(gap.reason)
        .map_err(|_| Refused::malformed("a gap has an unknown reason"))?;
    Ok(GapRow {
        stream: gap.stream_id,
        seq_first: gap.seq_first,
        seq_last: gap.seq_last,
        from: in_past(shifted(Micros(gap.from_us), shift_us), received),
        to: in_past(shifted(Micros(gap.to_us), shift_us), received),
        class,
        count: gap.count,
        reason,
        received,
    })
}

/// Text without NUL, which PostgreSQL cannot store.
fn text(text: String) -> Result<String, Refused> {
    if text.len() > TEXT_BYTES_MAX {
        let detail = format!("a text is longer than {TEXT_BYTES_MAX} bytes");
        return Err(Refused::malformed(detail));
    }
    Ok(if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text })
}
