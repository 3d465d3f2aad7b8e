//! Core: what screens are told of what changed.

use std::collections::BTreeMap;

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, TenantId};
use serde_json::{Map, Value, json};

use super::state::Fleet;
use super::view::{LiveInterface, changed};

/// Something to publish for one tenant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Draft {
    pub(super) tenant: TenantId,
    pub(super) topic: Topic,
    pub(super) patches: Vec<Value>,
    pub(super) removed: Vec<Value>,
    /// The oldest commit among the changes.
    pub(super) committed_at: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Devices,
    Agents,
    Interfaces(DeviceId),
    Alerts,
}

/// What changed of a device or agent: since when, and fields that are not part of its view.
#[derive(Debug)]
pub(super) struct Dirty {
    pub(super) since: Micros,
    pub(super) extra: Map<String, Value>,
}

impl Fleet {
    /// From now on, changes of this device's interfaces are published.
    pub(super) fn watch(&mut self, id: DeviceId) {
        let Some(device) = self.devices.get(&id) else { return };
        let known = device.interfaces(self.reach(device.agent));
        let known = known.into_iter().map(|interface| (interface.index, interface)).collect();
        self.watched.entry(id).or_insert(known);
    }

    pub(super) fn unwatch(&mut self, id: DeviceId) {
        self.watched.remove(&id);
    }

    pub(super) fn has_changes(&self) -> bool {
        let inventory = !self.dirty.is_empty() || !self.dirty_agents.is_empty();
        inventory || !self.removed.is_empty() || !self.alerts.is_empty()
    }

    /// What changed since the last call, by topic.
    pub(super) fn drafts(&mut self) -> Vec<Draft> {
        let mut drafts = BTreeMap::new();
        for (tenant, (since, ids)) in std::mem::take(&mut self.removed) {
            let removed = ids.iter().map(|id| json!(id.to_string()));
            draft(&mut drafts, tenant, Topic::Devices, since).removed.extend(removed);
        }
        for ((tenant, id), dirty) in std::mem::take(&mut self.dirty) {
            let Some(device) = self.devices.get(&id) else { continue };
            let reach = self.reach(device.agent);
            let view = device.view(reach);
            let mut patch = changed(self.published.get(&id), &view);
            patch.extend(dirty.extra);
            if !patch.is_empty() {
                patch.insert("id".into(), json!(id.to_string()));
                let draft = draft(&mut drafts, tenant, Topic::Devices, dirty.since);
                draft.patches.push(Value::Object(patch));
            }
            if let Some(known) = self.watched.get_mut(&id) {
                let (patches, removed) = interface_patches(known, device.interfaces(reach));
                if !patches.is_empty() || !removed.is_empty() {
                    let topic = Topic::Interfaces(id);
                    let draft = draft(&mut drafts, tenant, topic, dirty.since);
                    draft.patches.extend(patches);
                    draft.removed.extend(removed);
                }
            }
            self.published.insert(id, view);
        }
        for ((tenant, id), dirty) in std::mem::take(&mut self.dirty_agents) {
            let Some(agent) = self.agents.get(&id) else { continue };
            let view = agent.view(self.devices_of(id));
            let mut patch = changed(self.published_agents.get(&id), &view);
            patch.extend(dirty.extra);
            if !patch.is_empty() {
                patch.insert("id".into(), json!(id.to_string()));
                let draft = draft(&mut drafts, tenant, Topic::Agents, dirty.since);
                draft.patches.push(Value::Object(patch));
            }
            self.published_agents.insert(id, view);
        }
        for (tenant, changes) in std::mem::take(&mut self.alerts) {
            let draft = draft(&mut drafts, tenant, Topic::Alerts, changes.since);
            (draft.patches, draft.removed) = changes.told();
        }
        drafts.into_values().collect()
    }
}

pub(super) fn dirty<Id: Ord>(
    all: &mut BTreeMap<(TenantId, Id), Dirty>,
    tenant: TenantId,
    id: Id,
    since: Micros,
) -> &mut Dirty {
    all.entry((tenant, id)).or_insert_with(|| Dirty { since, extra: Map::new() })
}

fn draft(
    drafts: &mut BTreeMap<(Topic, TenantId), Draft>,
    tenant: TenantId,
    topic: Topic,
    since: Micros,
) -> &mut Draft {
    let draft = drafts.entry((topic, tenant)).or_insert_with(|| Draft {
        tenant,
        topic,
        patches: Vec::new(),
        removed: Vec::new(),
        committed_at: since,
    });
    draft.committed_at = draft.committed_at.min(since);
    draft
}

/// What changed of the interfaces and which are gone; `known` becomes `now`.
fn interface_patches(
    known: &mut BTreeMap<u32, LiveInterface>,
    now: Vec<LiveInterface>,
) -> (Vec<Value>, Vec<Value>) {
    let mut patches = Vec::new();
    let mut gone = std::mem::take(known);
    for interface in now {
        let mut patch = changed(gone.remove(&interface.index).as_ref(), &interface);
        if !patch.is_empty() {
            patch.insert("object".into(), json!(interface.object));
            patches.push(Value::Object(patch));
        }
        known.insert(interface.index, interface);
    }
    (patches, gone.into_values().map(|interface| json!(interface.object)).collect())
}
