//! What screens are told of alerts. The alerts themselves are in the database: here waits only what
//! changed of them since it was published.

use std::collections::{BTreeMap, BTreeSet};

use farwatch_common::clock::Micros;
use farwatch_common::id::{AlertId, TenantId};
use serde_json::{Map, Value, json};

use super::Live;

/// The fields of an alert that changed; `None`: it is gone, as if it had never been.
pub type AlertPatch = Option<Map<String, Value>>;

/// Of one tenant: as many as alerts change within one turn of publishing.
#[derive(Debug)]
pub(super) struct AlertChanges {
    pub(super) since: Micros,
    patches: BTreeMap<AlertId, Map<String, Value>>,
    removed: BTreeSet<AlertId>,
}

impl AlertChanges {
    fn new(since: Micros) -> Self {
        Self { since, patches: BTreeMap::new(), removed: BTreeSet::new() }
    }

    fn take(&mut self, id: AlertId, patch: AlertPatch) {
        if let Some(patch) = patch {
            self.patches.entry(id).or_default().extend(patch);
        } else {
            self.patches.remove(&id);
            self.removed.insert(id);
        }
    }

    /// Patches with the ids that they are of, and the ids of what is gone.
    pub(super) fn told(self) -> (Vec<Value>, Vec<Value>) {
        let patch = |(id, mut patch): (AlertId, Map<String, Value>)| {
            patch.insert("id".into(), json!(id.to_string()));
            Value::Object(patch)
        };
        let removed = self.removed.iter().map(|id| json!(id.to_string())).collect();
        (self.patches.into_iter().map(patch).collect(), removed)
    }
}

impl Live {
    /// Call after the commit, with what changed in its order.
    pub fn alerts_changed(
        &self,
        tenant: TenantId,
        changes: impl IntoIterator<Item = (AlertId, AlertPatch)>,
        committed_at: Micros,
    ) {
        let mut changes = changes.into_iter().peekable();
        if changes.peek().is_none() {
            return;
        }
        let mut fleet = self.fleet();
        let waiting = fleet.alerts.entry(tenant);
        let waiting = waiting.or_insert_with(|| AlertChanges::new(committed_at));
        for (id, patch) in changes {
            waiting.take(id, patch);
        }
        drop(fleet);
        self.shared.changed.notify_one();
    }
}
