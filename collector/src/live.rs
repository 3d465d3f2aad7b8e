//! Stage **live**: the last state of every device, interface and agent, in memory.
//!
//! - in: rows and facts after their commit, sessions and heartbeats, changes of the inventory
//! - out: what screens read, and events of what changed
//! - bound: one entry per device and agent of the inventory; [`events::RING`] records of events
//! - when full: a client that lags behind the ring gets `resync` and loads again
//! - on crash: rebuilt from the last checkpoint, the batches after it and the inventory

mod agent;
pub mod alerts;
mod changes;
mod device;
pub mod events;
pub mod feed;
mod health;
pub mod layout;
mod layouts;
mod objects;
mod port;
mod publish;
pub(crate) mod rebuild;
pub mod replay;
mod state;
mod tell;
pub mod view;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_common::sample::{Group, Row};
use farwatch_proto::v1::{Heartbeat, LinkStatus};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::identity::PeerInfo;
use crate::inventory::quota::force::Devices;
use crate::store::samples::{Checkpoint, Fact};
use agent::Link;
pub use device::ConfigHealth;
use events::Hub;
pub use events::{EventFilter, EventStream, LiveEvent};
use layout::Layout;
use layouts::Layouts;
use state::Fleet;
pub use view::{LiveAgent, LiveBuffer, LiveDevice, LiveInterface, LiveMissing, LiveValue, State};

/// At most five events per second and topic.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);
/// How late a deadline (stale, offline) may be noticed.
const TICK: Duration = Duration::from_secs(1);

/// The live state. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    fleet: Mutex<Fleet>,
    /// Never locked before `fleet` by who holds both.
    hub: Mutex<Hub>,
    layouts: Mutex<HashMap<TenantId, Layouts>>,
    /// One per tenant whose inventory was changed.
    turns: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    changed: Notify,
    /// Wakes who evaluates.
    told: Notify,
    clock: Clock,
    /// Tells clients that the collector was restarted.
    instance: String,
}

/// What a committed batch brings.
#[derive(Debug)]
pub struct Committed {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub rows: Vec<(Row, Arc<Layout>)>,
    pub facts: Vec<Fact>,
}

impl Live {
    /// Knows nothing yet: see [`Live::load`].
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let first = u64::try_from(clock.now().0).unwrap_or(0);
        let shared = Shared {
            fleet: Mutex::default(),
            hub: Mutex::new(Hub::new(first)),
            layouts: Mutex::default(),
            turns: Mutex::default(),
            changed: Notify::new(),
            told: Notify::new(),
            instance: format!("{:016x}", rand::random::<u64>()),
            clock,
        };
        Self { shared: Arc::new(shared) }
    }

    fn fleet(&self) -> MutexGuard<'_, Fleet> {
        // A panic elsewhere ends the process; until then the state is as good as before.
        self.shared.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Fleet, Micros) -> T) -> T {
        let answer = change(&mut self.fleet(), self.shared.clock.now());
        self.shared.changed.notify_one();
        self.shared.told.notify_one();
        answer
    }

    // What is evaluated.

    /// From now on, what becomes known is told, of metrics only these; it begins with all that is
    /// known of the tenant, or of all.
    pub fn want(&self, metrics: BTreeSet<String>, of: Option<TenantId>) {
        self.change(|fleet, now| {
            fleet.feed.want(metrics);
            fleet.tell_all(of, now);
        });
    }

    /// When a device was asked last, as far as is known, and how long a reading of it holds.
    #[must_use]
    pub fn asked_at(&self, tenant: TenantId, id: DeviceId) -> Option<(Micros, Duration)> {
        self.fleet().asked_at(tenant, id)
    }

    /// Something has become known of the configuration of a device; call after the commit.
    pub fn config_known(&self, tenant: TenantId, device: DeviceId, health: ConfigHealth) {
        self.change(|fleet, now| fleet.config_known(tenant, device, health, now));
    }

    /// Waits until something may have been told.
    pub async fn told(&self) {
        self.shared.told.notified().await;
    }

    /// Tenants of which devices or agents came, went or moved since the last call.
    #[must_use]
    pub fn take_moved(&self) -> BTreeSet<TenantId> {
        self.fleet().feed.take_moved()
    }

    /// Tenants of which devices said what they are since the last call.
    #[must_use]
    pub fn take_described(&self) -> BTreeSet<TenantId> {
        self.fleet().feed.take_described()
    }

    /// What was told since the last call.
    #[must_use]
    pub fn take_told(&self) -> feed::Told {
        self.fleet().feed.take()
    }

    // What screens read.

    #[must_use]
    pub fn device(&self, tenant: TenantId, id: DeviceId) -> Option<LiveDevice> {
        self.fleet().device(tenant, id)
    }

    /// The devices of `tenants` that are in `state` now, in no order.
    #[must_use]
    pub fn devices_in(&self, tenants: &BTreeSet<TenantId>, state: State) -> Vec<DeviceId> {
        self.fleet().devices_in(tenants, state)
    }

    /// In order of their indexes.
    #[must_use]
    pub fn interfaces(&self, tenant: TenantId, id: DeviceId) -> Vec<LiveInterface> {
        self.fleet().interfaces(tenant, id)
    }

    #[must_use]
    pub fn values(&self, tenant: TenantId, id: DeviceId) -> Vec<LiveValue> {
        self.fleet().values(tenant, id)
    }

    #[must_use]
    pub fn missing(&self, tenant: TenantId, id: DeviceId) -> Vec<LiveMissing> {
        self.fleet().missing(tenant, id)
    }

    pub fn agent(&self, tenant: TenantId, id: AgentId) -> Option<LiveAgent> {
        self.fleet().agent(tenant, id)
    }

    /// Events from now on, or from after `last_event_id` if the ring still has them. The first is
    /// `hello`. The filter's devices must be of its tenants.
    #[must_use]
    pub fn subscribe(&self, filter: EventFilter, last_event_id: Option<u64>) -> EventStream {
        let mut fleet = self.fleet();
        let mut hub = self.hub();
        let owned = |id: &DeviceId| {
            fleet.owner(*id).is_some_and(|(tenant, _)| filter.tenants.contains(&tenant))
        };
        let devices: BTreeSet<DeviceId> = filter.devices.into_iter().filter(owned).collect();
        for device in &devices {
            if hub.watch(*device) {
                fleet.watch(*device);
            }
        }
        let filter = EventFilter { tenants: filter.tenants, devices: devices.clone() };
        let watch = Watch { live: self.clone(), devices };
        let server_time = view::rfc3339(self.shared.clock.now());
        let greeting = |sequence| {
            json!({
                "sequence": sequence,
                "server_time": server_time,
                "version": env!("CARGO_PKG_VERSION"),
                "instance": self.shared.instance,
            })
        };
        hub.subscribe(filter, last_event_id, greeting, watch)
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.shared.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Inventory, after its commit.

    /// Waits for the turn of changing the inventory of a tenant. Who holds it from before the
    /// commit until it is told here tells in the order of the commits: else the older of two changes
    /// of a device, told last, would stay. Of several tenants, take them in the order of their ids.
    pub async fn turn(&self, tenant: TenantId) -> Turn {
        let turn = Arc::clone(self.turns().entry(tenant).or_default());
        Turn { _held: turn.lock_owned().await }
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>> {
        self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn agent_added(&self, tenant: TenantId, id: AgentId) {
        self.change(|fleet, now| {
            fleet.agent_added(tenant, id, now);
        });
    }

    pub fn agent_renewed(&self, id: AgentId, expires_at: Micros) {
        let value = json!(view::rfc3339(expires_at));
        self.change(|fleet, now| {
            fleet.agent_fact(id, "certificate_expires_at", value, now);
        });
    }

    pub fn agent_revoked(&self, id: AgentId) {
        self.change(|fleet, now| {
            fleet.with_agent(id, now, agent::Agent::revoked);
            fleet.agent_fact(id, "revoked_at", json!(view::rfc3339(now)), now);
        });
    }

    pub fn device_added(&self, tenant: TenantId, agent: AgentId, id: DeviceId, interval_s: u32) {
        self.change(|fleet, now| fleet.device_added((tenant, agent, id), interval_s, now));
    }

    /// Its agent, its interval or whether it goes by its own name is another.
    pub fn device_changed(
        &self,
        of: (TenantId, AgentId, DeviceId),
        interval_s: u32,
        follows_name: bool,
    ) {
        self.change(|fleet, now| fleet.device_changed(of, interval_s, follows_name, now));
    }

    /// Nobody gave the device a name: once it says its own, screens show that.
    pub fn device_follows_name(&self, id: DeviceId) {
        self.fleet().device_follows_name(id);
    }

    pub fn device_removed(&self, tenant: TenantId, id: DeviceId) {
        self.change(|fleet, now| fleet.device_removed(tenant, id, now));
    }

    /// Whose device it is; `None` if there is no such device (any more).
    #[must_use]
    pub fn owner(&self, id: DeviceId) -> Option<(TenantId, AgentId)> {
        self.fleet().owner(id)
    }

    // Sessions.

    pub fn agent_connected(
        &self,
        peer: &PeerInfo,
        (version, platform): (String, String),
        link: Option<&LinkStatus>,
    ) {
        self.change(|fleet, now| {
            let mut session = agent::Session {
                connection: peer.connection,
                transport: peer.transport.name(),
                remote: peer.remote.now().to_string(),
                since: now,
                link: Link::default(),
            };
            if let Some(link) = link {
                session.link.told(link);
            }
            fleet.connected(peer.agent, session, (version, platform));
        });
    }

    pub fn agent_disconnected(&self, peer: &PeerInfo) {
        self.change(|fleet, now| {
            fleet.with_agent(peer.agent, now, |agent| agent.disconnected(peer.connection, now));
        });
    }

    /// The agent says that its process stops.
    pub fn agent_stopped(&self, peer: &PeerInfo) {
        self.change(|fleet, now| {
            fleet.with_agent(peer.agent, now, |agent| agent.stopped(peer.connection, now));
        });
    }

    pub fn agent_heard(&self, id: AgentId) {
        self.change(|fleet, now| fleet.heard(id, now));
    }

    /// What a heartbeat tells, of the session of `peer`.
    pub fn agent_beat(&self, peer: &PeerInfo, beat: &Heartbeat) {
        let session = (peer.connection, peer.remote.now());
        self.change(|fleet, now| {
            fleet.with_agent(peer.agent, now, |agent| agent.beat(session, beat, now));
        });
    }

    // Samples.

    /// Takes what was committed.
    pub fn apply(&self, committed: impl IntoIterator<Item = Committed>) {
        self.change(|fleet, now| {
            for Committed { tenant, agent, rows, facts } in committed {
                fleet.with_agent(agent, now, |agent| {
                    agent.heard(now);
                    agent.acked(now);
                });
                let ours = |fleet: &Fleet, id| fleet.owner(id) == Some((tenant, agent));
                for (row, layout) in rows {
                    if ours(fleet, row.device) {
                        fleet.apply(row, &layout, now);
                    }
                }
                for fact in facts {
                    match fact {
                        Fact::Device(at, facts) if ours(fleet, DeviceId(facts.device_id)) => {
                            fleet.apply_facts(&facts, at, now);
                        }
                        Fact::Interfaces(at, table) if ours(fleet, DeviceId(table.device_id)) => {
                            fleet.apply_table(table, at, now);
                        }
                        Fact::Objects(at, table) if ours(fleet, DeviceId(table.device_id)) => {
                            fleet.apply_objects(&table, at);
                        }
                        Fact::Device(..)
                        | Fact::Interfaces(..)
                        | Fact::Objects(..)
                        | Fact::Gap(_) => {}
                    }
                }
            }
        });
    }

    /// The last rows of an agent's devices, to start from after a restart.
    #[must_use]
    pub fn checkpoints(&self, tenant: TenantId, agent: AgentId) -> Vec<Checkpoint> {
        let fleet = self.fleet();
        let all = Group::ALL.map(|group| (group, fleet.last_rows(agent, group)));
        let newest = all.iter().filter_map(|(_, (at, _))| *at).max();
        let one = |(group, (at, rows))| {
            // A group of which nothing is left is written down too: else its mark would stay, and
            // each start would read all that came since.
            let at = Option::or(at, newest)?;
            Some(Checkpoint { tenant, agent, group, at, rows })
        };
        all.into_iter().filter_map(one).collect()
    }

    /// The layout of each table of each device that was heard: a series for each of its columns.
    pub fn series(&self, mut each: impl FnMut(TenantId, DeviceId, &Arc<Layout>)) {
        let agents = self.fleet().agents();
        for (tenant, agent) in agents {
            let rows = self.checkpoints(tenant, agent).into_iter().flat_map(|known| known.rows);
            for row in rows {
                if let Some(layout) = self.layout(tenant, row.schema) {
                    each(tenant, row.device, &layout);
                }
            }
        }
    }

    // Time.

    /// Publishes changes and lets deadlines pass until `cancel`.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Infallible> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.shared.changed.notified() => {}
                _ = tick.tick() => {}
            }
            if self.publish() {
                // The first change after a pause goes out at once, those behind it together.
                tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    () = tokio::time::sleep(PUBLISH_EVERY) => {}
                }
            }
        }
    }

    /// Publishes what changed up to now; false if there was nothing.
    fn publish(&self) -> bool {
        let mut fleet = self.fleet();
        fleet.expire(self.shared.clock.now());
        self.shared.told.notify_one();
        if !fleet.has_changes() {
            return false;
        }
        let drafts = fleet.drafts();
        // Both locks: a subscription in between would miss what is drafted but not published.
        let mut hub = self.hub();
        let any = !drafts.is_empty();
        for draft in drafts {
            hub.publish(draft);
        }
        any
    }
}

/// Nobody else changes the inventory of a tenant until it is dropped: see [`Live::turn`].
#[derive(Debug)]
#[must_use = "the turn ends when it is dropped"]
pub struct Turn {
    _held: tokio::sync::OwnedMutexGuard<()>,
}

impl Devices for Live {
    fn lives(&self, device: DeviceId) -> bool {
        self.owner(device).is_some()
    }

    fn taken_out(&self) -> u64 {
        self.fleet().removals()
    }
}

/// Counts a client that looks at the interfaces of some devices.
struct Watch {
    live: Live,
    devices: BTreeSet<DeviceId>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut fleet = self.live.fleet();
        for device in &self.devices {
            if self.live.hub().unwatch(*device) {
                fleet.unwatch(*device);
            }
        }
    }
}

#[cfg(test)]
mod tests;
