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
mod committed;
mod device;
pub mod events;
pub mod feed;
mod health;
pub mod layout;
mod layouts;
pub mod links;
mod objects;
mod port;
mod publish;
pub(crate) mod rebuild;
pub mod replay;
mod sessions;
mod state;
mod tell;
pub mod view;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::inventory::quota::force::Devices;
pub use committed::Committed;
pub use device::ConfigHealth;
use events::Hub;
pub use events::{EventFilter, EventStream, LiveEvent};
use layouts::Layouts;
use state::Fleet;
pub use view::{
    LiveAgent, LiveBackfill, LiveBuffer, LiveDevice, LiveInterface, LiveMissing, LiveValue, State,
};

/// At most five events per second and topic.
const PUBLISH_EVERY: Duration = Duration::from_millis(200);
/// What was so longer before it was heard is history: screens do not show it, and it opens and closes
/// no alert. Of what is asked seldom, what was so longer than its gap before.
pub const LATE_AFTER: Duration = Duration::from_secs(300);
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

    /// Rows that came too late for screens and alerts since the last call.
    #[must_use]
    pub fn take_late(&self) -> u64 {
        std::mem::take(&mut self.fleet().late)
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

    /// Whether times of an agent are corrected by what it tells of its clock.
    #[must_use]
    pub fn corrects_times(&self, agent: AgentId) -> bool {
        self.fleet().agents.get(&agent).is_some_and(|agent| agent.corrects_times)
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
