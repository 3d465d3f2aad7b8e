//! Core: the rules of all tenants over all that is known, and what that opens and closes.
//!
//! An observation touches only the rules that look at it. What is not wrong takes no memory; what
//! is takes a [`Tracked`], of which a tenant has [`OPEN_MAX`] at most: beyond it nothing new begins,
//! and it is counted. Late data never opens or closes anything: it is counted.

mod absences;
pub mod directory;
mod room;
pub mod step;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, AlertId, TenantId};

use super::rule::Rule;
use crate::live::feed::{Observation, What};
use crate::live::{LATE_AFTER, State};
use directory::Directory;
use room::Room;
use room::vanished::Heard;
use step::{Step, Tracked};

/// Alerts of one tenant that are pending or fire.
pub const OPEN_MAX: usize = 5_000;
/// Of these, room that only rules of the highest severity get.
pub const CRITICAL_RESERVED: usize = 1_000;

/// Makes the ids of alerts.
pub type NewAlert<'a> = &'a mut dyn FnMut() -> AlertId;

/// What is counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Late observations.
    pub late: u64,
    /// Alerts for which the tenant had no room.
    pub refused: u64,
}

/// The rules of all tenants at work.
#[derive(Debug, Default)]
pub struct Engine {
    rooms: HashMap<TenantId, Room>,
    /// The newest event time heard of each agent.
    watermarks: HashMap<AgentId, Micros>,
    counted: Counted,
}

impl Engine {
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// The metrics that rules look at.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<String> {
        self.rooms.values().flat_map(Room::metrics).map(str::to_owned).collect()
    }

    /// The alerts that were open when the process before ended, each with its rule as it was then.
    pub fn load(&mut self, tenant: TenantId, open: Vec<Tracked>) {
        let room = self.rooms.entry(tenant).or_default();
        for tracked in open {
            room.insert(tracked);
        }
    }

    /// The rules as they are now. Alerts of others are resolved, and those of rules that were edited.
    pub fn set_rules(&mut self, tenant: TenantId, rules: Vec<Rule>, now: Micros) -> Vec<Step> {
        let room = self.rooms.entry(tenant).or_default();
        room.set_rules(rules.into_iter().map(Arc::new).collect(), now)
    }

    /// What there is now, and where. Alerts about what is gone, or out of their rule's scope, are
    /// resolved.
    pub fn set_directory(
        &mut self,
        tenant: TenantId,
        directory: Directory,
        now: Micros,
    ) -> Vec<Step> {
        self.rooms.entry(tenant).or_default().set_directory(directory, now)
    }

    /// Lets go of all that is known of a tenant.
    pub fn forget(&mut self, tenant: TenantId) {
        self.rooms.remove(&tenant);
    }

    /// An alert that is open.
    #[must_use]
    pub fn open_alert(&self, tenant: TenantId, alert: AlertId) -> Option<&Tracked> {
        self.rooms.get(&tenant)?.open_alert(alert)
    }

    #[must_use]
    pub fn directory(&self, tenant: TenantId) -> Option<&Directory> {
        self.rooms.get(&tenant).map(Room::directory)
    }

    /// Takes what has become known.
    pub fn observe(&mut self, seen: &Observation, new: NewAlert<'_>) -> Vec<Step> {
        let Some(room) = self.rooms.get_mut(&seen.tenant) else { return Vec::new() };
        let mut steps = Vec::new();
        // What the clock of an agent says of the future was so by now.
        let at = seen.at.min(seen.received);
        let late = |gap: &Duration| seen.received.since(at) > LATE_AFTER.max(*gap);
        let watermark = self.watermarks.entry(seen.agent).or_default();
        match &seen.what {
            What::Agent { offline, cause } => {
                room.agent(seen.agent, (*offline, *cause), seen.received, new, &mut steps);
            }
            What::AgentTroubles(told) => {
                room.agent_troubles(seen.agent, told, seen.received, new, &mut steps);
            }
            // That nobody can tell is known now, whatever it was known from before.
            What::Device { device, state: State::Unknown, .. } => {
                room.unknown(*device, *watermark, &mut steps);
            }
            What::Standing { device, readings } => {
                for reading in readings {
                    room.standing((seen.agent, *device), reading, seen.received, new, &mut steps);
                }
            }
            What::Device { gap, .. } | What::Readings { gap, .. } if late(gap) => {
                self.counted.late += 1;
            }
            What::Device { device, state, cause, gap } => {
                room.comes(seen.agent, (*watermark, at), *gap);
                *watermark = at.max(*watermark);
                let of = (seen.agent, *device);
                room.device(of, (*state, *cause), (at, *gap), new, &mut steps);
            }
            What::Readings { device, group, readings, ports, others, gap, .. } => {
                room.comes(seen.agent, (*watermark, at), *gap);
                *watermark = at.max(*watermark);
                let of = (seen.agent, *device);
                for port in ports {
                    room.port(of, port, (at, *gap), new, &mut steps);
                }
                for reading in readings {
                    room.reading(of, (*group, reading), (at, *gap), new, &mut steps);
                }
                let heard = Heard { group: *group, readings, ports, others };
                room.vanished(of, heard, at, &mut steps);
            }
        }
        room.absent(seen.agent, *watermark, new, &mut steps);
        self.counted.refused += room.take_refused();
        steps
    }

    /// Lets the collector's clock come to `now`.
    pub fn pass(&mut self, now: Micros) -> Vec<Step> {
        self.rooms.values_mut().flat_map(|room| room.pass(now)).collect()
    }
}
