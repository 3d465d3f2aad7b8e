//! Core: the last state of everything, and what changed since it was published.
//!
//! Time passes by [`Fleet::expire`]: deadlines stand in an ordered queue, so that a tick costs as
//! much as there are changes, however many devices there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::batch::ROWS_MAX;
use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{Group, Row};
use farwatch_proto::v1::{DeviceFacts, InterfaceTable, ObjectTable};
use serde_json::{Value, json};

use super::LATE_AFTER;
use super::agent::{Agent, Session};
use super::alerts::AlertChanges;
use super::device::{ConfigHealth, Device, Reach};
use super::feed::Feed;
use super::layout::Layout;
use super::links::{LinkChange, Links};
use super::publish::{Dirty, dirty};
use super::view::{LiveAgent, LiveDevice, LiveInterface, LiveMissing, LiveValue, State};
use crate::inventory::device::own_name;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Device(DeviceId),
    Agent(AgentId),
}

/// How long after the start an agent may take to find this collector before it counts as away.
const START_GRACE: Duration = Duration::from_secs(90);

/// All devices and agents. Its size follows the inventory's.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    pub(super) devices: HashMap<DeviceId, Device>,
    pub(super) feed: Feed,
    pub(super) agents: HashMap<AgentId, Agent>,
    by_agent: HashMap<AgentId, BTreeSet<DeviceId>>,
    timers: BTreeSet<(Micros, Timer)>,
    pub(super) published: HashMap<DeviceId, LiveDevice>,
    pub(super) published_agents: HashMap<AgentId, LiveAgent>,
    /// Devices whose interfaces somebody looks at, with what they know.
    pub(super) watched: HashMap<DeviceId, BTreeMap<u32, LiveInterface>>,
    pub(super) dirty: BTreeMap<(TenantId, DeviceId), Dirty>,
    pub(super) dirty_agents: BTreeMap<(TenantId, AgentId), Dirty>,
    pub(super) removed: BTreeMap<TenantId, (Micros, Vec<DeviceId>)>,
    /// How many were removed since the start.
    removals: u64,
    pub(super) grace_until: Option<Micros>,
    pub(super) alerts: BTreeMap<TenantId, AlertChanges>,
    pub(super) links: Links,
    /// Rows that came too late, until somebody takes the number.
    pub(super) late: u64,
    /// Devices that are not as they were, until somebody takes them.
    pub(super) changed: BTreeMap<TenantId, BTreeSet<DeviceId>>,
}

impl Fleet {
    // Inventory.

    pub(super) fn agent_added(&mut self, tenant: TenantId, id: AgentId, now: Micros) -> &mut Agent {
        dirty(&mut self.dirty_agents, tenant, id, now);
        self.feed.moved(tenant);
        self.agents.entry(id).or_insert_with(|| Agent::new(tenant))
    }

    pub(super) fn device_added(
        &mut self,
        (tenant, agent, id): (TenantId, AgentId, DeviceId),
        interval_s: u32,
        now: Micros,
    ) {
        self.devices.entry(id).or_insert_with(|| Device::new(tenant, agent, interval_s));
        self.feed.sized(self.devices.len());
        self.by_agent.entry(agent).or_default().insert(id);
        dirty(&mut self.dirty_agents, tenant, agent, now);
        self.feed.moved(tenant);
        self.touch(tenant, id, now);
    }

    pub(super) fn config_known(
        &mut self,
        tenant: TenantId,
        id: DeviceId,
        health: ConfigHealth,
        now: Micros,
    ) {
        let device = self.devices.get_mut(&id).filter(|device| device.tenant == tenant);
        let Some(device) = device else { return };
        device.config = Some(health);
        self.tell_config(id, now);
    }

    /// A device of another agent begins anew: what is known of it comes from the one before.
    pub(super) fn device_changed(
        &mut self,
        (tenant, agent, id): (TenantId, AgentId, DeviceId),
        interval_s: u32,
        follows_name: bool,
        now: Micros,
    ) {
        // That of the configuration does not come from it.
        let config = self.devices.get(&id).and_then(|device| device.config.clone());
        if self.owner(id).is_some_and(|owner| owner != (tenant, agent)) {
            self.device_removed(tenant, id, now);
        }
        self.device_added((tenant, agent, id), interval_s, now);
        let Some(device) = self.devices.get_mut(&id) else { return };
        device.config = config;
        device.told = None;
        device.follows_name = follows_name;
        device.set_interval(interval_s);
        let deadline = device.next_deadline();
        let old = std::mem::replace(&mut device.deadline, deadline);
        self.set_timer(Timer::Device(id), old, deadline);
        self.tell_config(id, now);
    }

    pub(super) fn device_follows_name(&mut self, id: DeviceId) {
        if let Some(device) = self.devices.get_mut(&id) {
            device.follows_name = true;
        }
    }

    pub(super) fn device_removed(&mut self, tenant: TenantId, id: DeviceId, now: Micros) {
        if self.devices.get(&id).is_none_or(|device| device.tenant != tenant) {
            return;
        }
        if let Some(device) = self.devices.remove(&id) {
            if let Some(of_agent) = self.by_agent.get_mut(&device.agent) {
                of_agent.remove(&id);
            }
            dirty(&mut self.dirty_agents, tenant, device.agent, now);
            if let Some(deadline) = device.deadline {
                self.timers.remove(&(deadline, Timer::Device(id)));
            }
        }
        self.removals += 1;
        self.feed.sized(self.devices.len());
        self.feed.moved(tenant);
        self.published.remove(&id);
        self.watched.remove(&id);
        self.dirty.remove(&(tenant, id));
        self.removed.entry(tenant).or_insert_with(|| (now, Vec::new())).1.push(id);
    }

    pub(super) fn removals(&self) -> u64 {
        self.removals
    }

    /// All agents, in no order.
    pub(super) fn agents(&self) -> Vec<(TenantId, AgentId)> {
        self.agents.iter().map(|(id, agent)| (agent.tenant, *id)).collect()
    }

    /// Whose device it is.
    pub(super) fn owner(&self, id: DeviceId) -> Option<(TenantId, AgentId)> {
        self.devices.get(&id).map(|device| (device.tenant, device.agent))
    }

    // Agents.

    /// Changes an agent and sees to what follows: its deadline and its devices' states.
    pub(super) fn with_agent(&mut self, id: AgentId, now: Micros, change: impl FnOnce(&mut Agent)) {
        let Some(agent) = self.agents.get_mut(&id) else { return };
        let before = (agent.reach(), agent.troubles());
        change(agent);
        let after = (agent.reach(), agent.troubles());
        let links = agent.take_links();
        let deadline = agent.next_deadline();
        let old = std::mem::replace(&mut agent.deadline, deadline);
        let tenant = agent.tenant;
        dirty(&mut self.dirty_agents, tenant, id, now);
        self.set_timer(Timer::Agent(id), old, deadline);
        for (event, transport, remote, reason) in links {
            let change =
                LinkChange { tenant, agent: id, at: now, event, transport, remote, reason };
            self.links.push(change);
        }
        if before.1 != after.1 {
            self.tell_troubles(tenant, id, now);
        }
        if before.0 != after.0 {
            self.tell_agent(tenant, id, now);
            for device in self.by_agent.get(&id).cloned().unwrap_or_default() {
                self.touch(tenant, device, now);
                self.tell_state(device, now);
            }
        }
    }

    /// A fact of the inventory about an agent.
    pub(super) fn agent_fact(&mut self, id: AgentId, field: &str, value: Value, now: Micros) {
        let Some(agent) = self.agents.get(&id) else { return };
        let dirty = dirty(&mut self.dirty_agents, agent.tenant, id, now);
        dirty.extra.insert(field.to_owned(), value);
    }

    pub(super) fn connected(
        &mut self,
        id: AgentId,
        session: Session,
        (version, platform): (String, String),
    ) {
        let now = session.since;
        self.with_agent(id, now, |agent| agent.connected(session, version, platform));
    }

    pub(super) fn heard(&mut self, id: AgentId, now: Micros) {
        self.with_agent(id, now, |agent| agent.heard(now));
    }

    // Samples and facts.

    /// Whether a row is of so long ago that it says nothing of now: of a device that is asked seldom,
    /// longer ago than the next reading would be missed.
    pub(super) fn is_late(&self, row: &Row, now: Micros) -> bool {
        let gap = self.devices.get(&row.device).map_or(Duration::ZERO, Device::gap);
        now.since(row.at) > LATE_AFTER.max(gap)
    }

    pub(super) fn apply(&mut self, row: Row, layout: &Arc<Layout>, committed_at: Micros) {
        let (id, group, at) = (row.device, row.group, row.at);
        let Some(device) = self.devices.get_mut(&id) else { return };
        let booted_at = device.booted_at();
        if !device.apply(row, layout) {
            return;
        }
        let tenant = device.tenant;
        if device.booted_at() != booted_at {
            self.changed.entry(tenant).or_default().insert(id);
        }
        let deadline = device.next_deadline();
        let old = std::mem::replace(&mut device.deadline, deadline);
        self.set_timer(Timer::Device(id), old, deadline);
        self.touch(tenant, id, committed_at);
        self.tell_state(id, committed_at);
        self.tell_readings(id, (group, at), committed_at);
    }

    /// Takes facts that were learned `at`; older ones than are known are history.
    pub(super) fn apply_facts(&mut self, facts: &DeviceFacts, at: Micros, committed_at: Micros) {
        let id = DeviceId(facts.device_id);
        let Some(device) = self.devices.get_mut(&id) else { return };
        if !device.takes_facts(at) {
            return;
        }
        if device.marks.facts(facts) {
            self.changed.entry(device.tenant).or_default().insert(id);
        }
        if device.marks.kind(facts) {
            self.feed.described(device.tenant);
        }
        let dirty = dirty(&mut self.dirty, device.tenant, id, committed_at);
        if device.follows_name
            && let Some(name) = own_name(&facts.sys_name)
        {
            dirty.extra.insert("name".into(), json!(name));
        }
        dirty.extra.insert("sys_name".into(), json!(facts.sys_name));
        dirty.extra.insert("model".into(), json!(facts.sys_descr));
        dirty.extra.insert("sys_object_id".into(), json!(facts.sys_object_id));
    }

    /// Takes a table that was learned `at`; an older one than is known is history.
    pub(super) fn apply_table(&mut self, table: InterfaceTable, at: Micros, committed_at: Micros) {
        let id = DeviceId(table.device_id);
        let Some(device) = self.devices.get_mut(&id) else { return };
        if !device.takes_table(at) {
            return;
        }
        let tenant = device.tenant;
        if device.marks.interfaces(&table) {
            self.changed.entry(tenant).or_default().insert(id);
        }
        device.apply_table(table);
        self.touch(tenant, id, committed_at);
    }

    /// Looks at a table of objects that was learned `at`: screens read those from the database.
    pub(super) fn apply_objects(&mut self, table: &ObjectTable, at: Micros) {
        let id = DeviceId(table.device_id);
        let Some(device) = self.devices.get_mut(&id) else { return };
        if device.marks.objects(table, at) {
            self.changed.entry(device.tenant).or_default().insert(id);
        }
    }

    // Time.

    /// Until then nobody can tell whether an agent is away or has not found this collector yet.
    pub(super) fn starts_at(&mut self, now: Micros) {
        self.grace_until = Some(now.after(START_GRACE));
    }

    /// Lets the time come to `now`.
    pub(super) fn expire(&mut self, now: Micros) {
        if self.grace_until.take_if(|until| *until <= now).is_some() {
            for (tenant, agent) in self.agents() {
                self.tell_agent(tenant, agent, now);
                self.tell_troubles(tenant, agent, now);
            }
        }
        while let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, timer));
            match timer {
                Timer::Device(id) => {
                    let Some(device) = self.devices.get_mut(&id) else { continue };
                    device.expire(now);
                    let deadline = device.next_deadline();
                    device.deadline = deadline;
                    let tenant = device.tenant;
                    self.set_timer(timer, None, deadline);
                    self.touch(tenant, id, now);
                    self.tell_state(id, now);
                }
                Timer::Agent(id) => self.with_agent(id, now, |agent| {
                    agent.deadline = None;
                    agent.expire(now);
                }),
            }
        }
    }

    fn set_timer(&mut self, timer: Timer, old: Option<Micros>, new: Option<Micros>) {
        if old == new {
            return;
        }
        if let Some(old) = old {
            self.timers.remove(&(old, timer));
        }
        if let Some(new) = new {
            self.timers.insert((new, timer));
        }
    }

    fn touch(&mut self, tenant: TenantId, id: DeviceId, since: Micros) {
        dirty(&mut self.dirty, tenant, id, since);
    }

    // Views.

    pub(super) fn reach(&self, agent: AgentId) -> Reach {
        self.agents.get(&agent).map_or(Reach::NeverSeen, Agent::reach)
    }

    /// Whether the agent was connected to this process.
    pub(super) fn was_here(&self, agent: AgentId) -> bool {
        self.agents.get(&agent).is_some_and(Agent::was_here)
    }

    fn device_of(&self, tenant: TenantId, id: DeviceId) -> Option<&Device> {
        self.devices.get(&id).filter(|device| device.tenant == tenant)
    }

    pub(super) fn device(&self, tenant: TenantId, id: DeviceId) -> Option<LiveDevice> {
        self.device_of(tenant, id).map(|device| device.view(self.reach(device.agent)))
    }

    pub(super) fn devices_in(&self, tenants: &BTreeSet<TenantId>, state: State) -> Vec<DeviceId> {
        let wanted = |device: &Device| {
            tenants.contains(&device.tenant) && device.state(self.reach(device.agent)).0 == state
        };
        let devices = self.devices.iter().filter(|(_, device)| wanted(device));
        devices.map(|(id, _)| *id).collect()
    }

    pub(super) fn interfaces(&self, tenant: TenantId, id: DeviceId) -> Vec<LiveInterface> {
        let device = self.device_of(tenant, id);
        device.map(|device| device.interfaces(self.reach(device.agent))).unwrap_or_default()
    }

    pub(super) fn values(&self, tenant: TenantId, id: DeviceId) -> Vec<LiveValue> {
        self.device_of(tenant, id).map(Device::values).unwrap_or_default()
    }

    pub(super) fn missing(&self, tenant: TenantId, id: DeviceId) -> Vec<LiveMissing> {
        self.device_of(tenant, id).map(Device::missing).unwrap_or_default()
    }

    pub(super) fn agent(&self, tenant: TenantId, id: AgentId) -> Option<LiveAgent> {
        let agent = self.agents.get(&id).filter(|agent| agent.tenant == tenant);
        agent.map(|agent| agent.view(self.devices_of(id)))
    }

    pub(super) fn devices_of(&self, agent: AgentId) -> usize {
        self.by_agent.get(&agent).map_or(0, BTreeSet::len)
    }

    /// The last rows of an agent's devices, and when the newest poll was, also of those that failed.
    pub(super) fn last_rows(&self, agent: AgentId, group: Group) -> (Option<Micros>, Vec<Row>) {
        let ids = self.by_agent.get(&agent).into_iter().flatten();
        let devices: Vec<&Device> = ids.filter_map(|id| self.devices.get(id)).collect();
        let rows = devices.iter().flat_map(|device| device.last_rows(group));
        let newest = devices.iter().filter_map(|device| device.polled_at(group)).max();
        (newest, rows.take(ROWS_MAX).cloned().collect())
    }
}
