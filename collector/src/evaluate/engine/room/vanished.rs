//! Core: objects that a device has no more.

use std::collections::BTreeSet;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, RuleId};
use farwatch_common::sample::Group;

use super::Room;
use crate::evaluate::engine::step::{Key, Step, Subject, Tracked};
use crate::live::feed::{PortReading, PortState, Reading};

/// What was told of a group: what a table of it has now, and the objects of its other tables.
#[derive(Clone, Copy)]
pub(in crate::evaluate::engine) struct Heard<'a> {
    pub group: Group,
    pub readings: &'a [Reading],
    pub ports: &'a [PortReading],
    pub others: &'a BTreeSet<Box<str>>,
}

impl Heard<'_> {
    /// A poll that failed says nothing of what there is.
    fn tells(&self) -> bool {
        self.readings.iter().any(|reading| reading.value.is_some())
            || self.ports.iter().any(|port| port.state != PortState::Unknown)
    }

    fn objects(&self) -> BTreeSet<&str> {
        let own = self.readings.iter().map(|reading| &*reading.object);
        let ports = self.ports.iter().map(|port| &*port.object);
        own.chain(ports).chain(self.others.iter().map(|object| &**object)).collect()
    }
}

impl Room {
    /// Ends what is open about objects of this group that the device has no more.
    pub(in crate::evaluate::engine) fn vanished(
        &mut self,
        (agent, device): (AgentId, DeviceId),
        heard: Heard<'_>,
        at: Micros,
        steps: &mut Vec<Step>,
    ) {
        if !heard.tells() {
            return;
        }
        let listed = heard.objects();
        if heard.group == Group::Interfaces
            && !heard.ports.is_empty()
            && let Some(up) = self.were_up.get_mut(&device)
        {
            up.retain(|object| listed.contains(&**object));
        }
        let first = Subject { device: Some(device), agent, object: "".into() };
        let first = Key { subject: first, rule: RuleId(i64::MIN) };
        let of_device = |key: &Key| key.subject.device == Some(device);
        let open = self.open.range(first..).take_while(|(key, _)| of_device(key));
        let gone = |(key, tracked): &(&Key, &Tracked)| {
            let object = &*key.subject.object;
            tracked.group == Some(heard.group) && !object.is_empty() && !listed.contains(object)
        };
        let gone: Vec<_> = open.filter(gone).map(|(key, _)| (key.clone(), "object_gone")).collect();
        steps.extend(self.end(gone, at));
    }
}
