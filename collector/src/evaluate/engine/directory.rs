//! Core: what a tenant has, where it stands and what it is called.

use std::collections::{BTreeSet, HashMap};

use farwatch_common::id::{AgentId, DeviceId, SiteId};

use super::step::Subject;
use crate::evaluate::rule::scope::{Kind, Place, Scope};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentPlace {
    pub site: SiteId,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePlace {
    pub site: SiteId,
    pub agent: AgentId,
    pub name: String,
    pub tags: BTreeSet<String>,
    pub kind: Kind,
}

/// Agents that are not revoked, devices and sites of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    pub sites: HashMap<SiteId, String>,
    pub agents: HashMap<AgentId, AgentPlace>,
    pub devices: HashMap<DeviceId, DevicePlace>,
}

/// What has no tags.
static NONE: BTreeSet<String> = BTreeSet::new();

impl AgentPlace {
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place { site: self.site, tags: &NONE, kind: Kind::NONE }
    }
}

impl DevicePlace {
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place { site: self.site, tags: &self.tags, kind: &self.kind }
    }
}

impl Directory {
    /// Where something stands; `None` if it is not there, or of another agent.
    #[must_use]
    pub fn place(&self, of: &Subject) -> Option<Place<'_>> {
        match of.device {
            None => self.agents.get(&of.agent).map(AgentPlace::place),
            Some(id) => {
                let device = self.devices.get(&id).filter(|device| device.agent == of.agent)?;
                Some(device.place())
            }
        }
    }

    /// What a device, or an agent, is called.
    #[must_use]
    pub fn name(&self, of: &Subject) -> Option<&str> {
        match of.device {
            None => self.agents.get(&of.agent).map(|agent| agent.name.as_str()),
            Some(id) => self.devices.get(&id).map(|device| device.name.as_str()),
        }
    }

    pub(super) fn holds(&self, scope: &Scope, of: &Subject) -> bool {
        self.place(of).is_some_and(|place| scope.holds(place))
    }

    /// Why an alert about something cannot go on.
    pub(super) fn gone(&self, scope: &Scope, of: &Subject) -> Option<&'static str> {
        if self.holds(scope, of) {
            return None;
        }
        Some(match of.device {
            None if !self.agents.contains_key(&of.agent) => "agent_removed",
            Some(id) if !self.devices.contains_key(&id) => "device_removed",
            Some(_) if self.place(of).is_none() => "device_moved",
            _ => "out_of_scope",
        })
    }
}
