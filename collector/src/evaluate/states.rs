//! Core: when the state of each device changed, for its timeline.
//!
//! In: observations of states. Out: [`Change`]s to be written. What was so longer ago than alerts take
//! is history and changes nothing. That nobody can tell is a change once it has lasted for
//! [`UNKNOWN_AFTER`]: a line that hiccups, or a collector that starts, is none.

pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, TenantId};

use super::engine::directory::Directory;
use crate::live::feed::{Observation, What};
use crate::live::{LATE_AFTER, State};

/// As long as alerts give an agent.
pub const UNKNOWN_AFTER: Duration = Duration::from_secs(120);
/// Changes of a tenant that wait to be written; of more the oldest are let go.
pub const WAITING_MAX: usize = 10_000;

/// The state of a device has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub device: DeviceId,
    /// Event time; the collector's where nobody can tell.
    pub at: Micros,
    /// `None`: nothing was known before.
    pub was: Option<State>,
    pub state: State,
}

#[derive(Debug)]
struct Known {
    tenant: TenantId,
    state: Option<State>,
    /// When it changed last.
    last: Option<Micros>,
    /// Since when nobody can tell.
    unknown: Option<Micros>,
}

/// What is known of all devices.
#[derive(Debug, Default)]
pub struct States {
    known: HashMap<DeviceId, Known>,
    /// When that nobody can tell becomes a change.
    timers: BTreeSet<(Micros, DeviceId)>,
    waiting: BTreeMap<TenantId, Vec<Change>>,
    lost: u64,
}

impl States {
    /// What was written last of the devices of a tenant.
    pub fn load(&mut self, tenant: TenantId, states: Vec<Change>) {
        for Change { device, at, state, .. } in states {
            let known = Known { tenant, state: Some(state), last: Some(at), unknown: None };
            self.known.entry(device).or_insert(known);
        }
    }

    /// Lets go of devices that a tenant has no more.
    pub fn retain(&mut self, tenant: TenantId, directory: &Directory) {
        let there = |device: &DeviceId| directory.devices.contains_key(device);
        self.known.retain(|device, known| known.tenant != tenant || there(device));
        let known = &self.known;
        self.timers.retain(|(_, device)| known.contains_key(device));
        if let Some(waiting) = self.waiting.get_mut(&tenant) {
            waiting.retain(|change| there(&change.device));
        }
    }

    /// Takes what has become known.
    pub fn observe(&mut self, seen: &Observation) {
        let What::Device { device, state, gap, .. } = &seen.what else { return };
        let at = seen.at.min(seen.received);
        let first = || Known { tenant: seen.tenant, state: None, last: None, unknown: None };
        let known = self.known.entry(*device).or_insert_with(first);
        if *state == State::Unknown {
            if known.unknown.is_none() && known.state != Some(State::Unknown) {
                known.unknown = Some(seen.received);
                self.timers.insert((seen.received.after(UNKNOWN_AFTER), *device));
            }
            return;
        }
        if seen.received.since(at) > LATE_AFTER.max(*gap) {
            return;
        }
        if let Some(since) = known.unknown.take() {
            self.timers.remove(&(since.after(UNKNOWN_AFTER), *device));
        }
        // What was so before the last change is known now only: a reading that was on its way when
        // its agent was lost.
        let at = if known.last.is_some_and(|last| at <= last) { seen.received } else { at };
        self.change(*device, at, *state);
    }

    /// Lets the collector's clock come to `now`.
    pub fn pass(&mut self, now: Micros) {
        while let Some((due, device)) = self.timers.pop_first() {
            if due > now {
                self.timers.insert((due, device));
                return;
            }
            let known = self.known.get_mut(&device);
            if let Some(since) = known.and_then(|known| known.unknown.take()) {
                self.change(device, since, State::Unknown);
            }
        }
    }

    fn change(&mut self, device: DeviceId, at: Micros, state: State) {
        let Some(known) = self.known.get_mut(&device) else { return };
        let was = known.state.replace(state);
        // That nobody can tell is nothing new of what nobody ever could.
        if was == Some(state) || (was.is_none() && state == State::Unknown) {
            return;
        }
        // Clocks may go back, changes do not.
        let at = known.last.map_or(at, |last| at.max(Micros(last.0 + 1)));
        known.last = Some(at);
        let waiting = self.waiting.entry(known.tenant).or_default();
        if waiting.len() >= WAITING_MAX {
            waiting.remove(0);
            self.lost += 1;
        }
        waiting.push(Change { device, at, was: was.filter(|was| *was != state), state });
    }

    /// Tenants of which something waits to be written.
    #[must_use]
    pub fn tenants(&self) -> Vec<TenantId> {
        let some = self.waiting.iter().filter(|(_, waiting)| !waiting.is_empty());
        some.map(|(tenant, _)| *tenant).collect()
    }

    /// What waits of a tenant, the oldest first.
    #[must_use]
    pub fn waiting(&self, tenant: TenantId) -> &[Change] {
        self.waiting.get(&tenant).map_or(&[], Vec::as_slice)
    }

    /// The oldest that waited of a tenant are written.
    pub fn written(&mut self, tenant: TenantId, count: usize) {
        if let Some(waiting) = self.waiting.get_mut(&tenant) {
            waiting.drain(..count.min(waiting.len()));
        }
    }

    /// How many were let go unwritten since the last call.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}
