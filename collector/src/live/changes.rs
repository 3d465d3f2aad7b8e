//! Whether a device is as it was, from what it tells of itself. Whoever keeps its configuration
//! looks again.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, TenantId};
use farwatch_proto::v1::{DeviceFacts, InterfaceTable, ObjectTable};

use super::Live;

impl Live {
    /// Devices that tell something else of themselves than before, or were restarted, since the last
    /// call.
    #[must_use]
    pub fn take_changed(&self) -> BTreeMap<TenantId, BTreeSet<DeviceId>> {
        std::mem::take(&mut self.fleet().changed)
    }
}

/// What a device told last, as marks: of each of its tables one.
#[derive(Debug, Default)]
pub(super) struct Marks {
    facts: Option<u64>,
    kind: Option<u64>,
    interfaces: Option<u64>,
    /// With the time of the table: backlog comes newest first.
    objects: BTreeMap<u32, (Micros, u64)>,
}

fn mark(tell: impl FnOnce(&mut DefaultHasher)) -> u64 {
    let mut hasher = DefaultHasher::new();
    tell(&mut hasher);
    hasher.finish()
}

/// Whether another mark was there before.
fn differs(known: &mut Option<u64>, new: u64) -> bool {
    known.replace(new).is_some_and(|before| before != new)
}

impl Marks {
    /// Takes the newest facts; true if they are others than before.
    pub(super) fn facts(&mut self, facts: &DeviceFacts) -> bool {
        let DeviceFacts { sys_descr, sys_object_id, sys_name, sys_location, sys_contact, .. } =
            facts;
        let told = (sys_descr, sys_object_id, sys_name, sys_location, sys_contact);
        differs(&mut self.facts, mark(|hasher| told.hash(hasher)))
    }

    /// Takes the newest facts; true if they say for the first time what it is, or that it is something else.
    pub(super) fn kind(&mut self, facts: &DeviceFacts) -> bool {
        let new = mark(|hasher| (&facts.sys_descr, &facts.sys_object_id).hash(hasher));
        self.kind.replace(new) != Some(new)
    }

    /// Takes the newest table of interfaces. Their speed is what their lines have come to, and nobody
    /// configured it.
    pub(super) fn interfaces(&mut self, table: &InterfaceTable) -> bool {
        let new = mark(|hasher| {
            for one in &table.interfaces {
                (one.index, &one.name, &one.description, &one.alias, one.r#type).hash(hasher);
            }
        });
        differs(&mut self.interfaces, new)
    }

    /// Takes a table of objects, unless a newer one is known.
    pub(super) fn objects(&mut self, table: &ObjectTable, at: Micros) -> bool {
        let new = mark(|hasher| {
            for one in &table.objects {
                (&one.object, &one.name, &one.kind, &one.description, &one.parent).hash(hasher);
                (&one.vendor, &one.model, &one.serial).hash(hasher);
                (&one.hardware_revision, &one.firmware_revision).hash(hasher);
                one.software_revision.hash(hasher);
            }
        });
        if self.objects.get(&table.group).is_some_and(|(known, _)| *known > at) {
            return false;
        }
        let before = self.objects.insert(table.group, (at, new));
        before.is_some_and(|(_, before)| before != new)
    }
}

#[cfg(test)]
mod tests {
    use farwatch_proto::v1::{InterfaceFacts, ObjectFacts};

    use super::*;

    #[test]
    fn only_what_somebody_may_have_configured_is_a_change() {
        let mut marks = Marks::default();
        let facts = DeviceFacts { sys_name: "core".to_owned(), ..DeviceFacts::default() };
        assert!(!marks.facts(&facts), "nothing was known");
        assert!(
            !marks.facts(&DeviceFacts { answers_from: "10.0.0.2".to_owned(), ..facts.clone() })
        );
        assert!(marks.facts(&DeviceFacts { sys_name: "edge".to_owned(), ..facts }));
        let port = InterfaceFacts { index: 1, name: "ether1".to_owned(), ..Default::default() };
        let table = |port| InterfaceTable { device_id: 1, interfaces: vec![port] };
        assert!(!marks.interfaces(&table(port.clone())));
        assert!(!marks.interfaces(&table(InterfaceFacts { speed_bps: 10, ..port.clone() })));
        let named = InterfaceFacts { alias: "uplink".to_owned(), ..port };
        assert!(marks.interfaces(&table(named)));
    }

    #[test]
    fn objects_differ_by_group_and_old_ones_are_history() {
        let mut marks = Marks::default();
        let table = |group, serial: &str| {
            let object = ObjectFacts { serial: serial.to_owned(), ..ObjectFacts::default() };
            ObjectTable { device_id: 1, group, objects: vec![object] }
        };
        assert!(!marks.objects(&table(0, "a"), Micros(10)));
        assert!(!marks.objects(&table(3, "b"), Micros(10)));
        assert!(!marks.objects(&table(0, "old"), Micros(9)));
        assert!(!marks.objects(&table(0, "a"), Micros(11)));
        assert!(marks.objects(&table(0, "c"), Micros(12)));
    }
}
