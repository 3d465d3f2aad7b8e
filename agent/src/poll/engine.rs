//! Core: the poll engine. Targets, times and datagrams go in; datagrams and observations come out.
//!
//! Every device has one slot, at most one question on the way, and one timer: the next slot of its
//! schedule, the time-out of its question, or the end of the gap that its next question has to keep. Polls in flight are bounded by a window; devices that
//! are due beyond it wait in line. So a dead device costs two packets and a place in the window for
//! as long as its time-outs last, and never a worker; one that is asked slowly costs a place only
//! while a question is on the way.
//!
//! How to drive it: after any call take [`Engine::transmit`] until it is empty, then
//! [`Engine::observation`] until it is empty, then sleep until [`Engine::wake_us`] and call
//! [`Engine::tick`].

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod answers;
mod device;
mod ids;
mod line;
mod now;
mod objects;
mod phases;
mod retry;
mod rows;
mod targets;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::id::DeviceId;

pub use self::device::Polled;
use self::device::{Device, Poll};
use self::ids::Ids;
use super::Observation;
use super::ber::Writer;
use super::counters::{PollCounters, count};
pub use super::pace::Moment;
use super::pace::mix;
use super::plan::{Ask, Compiled};
use super::shape::Shapes;
use super::usm;
use super::wheel::Wheel;

/// Most devices of one engine: a request id holds 20 bits of slot.
pub const DEVICES_MAX: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 20;
const GENERATION_BITS: u32 = 11;
const GENERATIONS: u16 = 1 << GENERATION_BITS;
/// Longest question: the community has at most 255 octets, names take the rest.
const REQUEST_BYTES_MAX: usize = 2048;
/// Time-outs of a question and its one repetition.
pub const TIMEOUTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
/// Polls in flight.
pub const WINDOW: usize = 512;
/// Polls beside them that wait until their device may be asked its next question. With so many no
/// other of that kind begins, as each takes some kilobytes.
const HELD_MAX: usize = 4096;
/// A device that has just been assigned is polled within this time.
pub const FIRST_POLL_WITHIN: Duration = Duration::from_secs(5);

/// What may differ between an agent, a one-shot probe and a test.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub window: usize,
    pub timeouts: [Duration; 2],
    pub first_poll_within: Duration,
    /// Of the request ids: who knows it can foretell them.
    pub seed: u64,
    /// Each poll ends with an [`Observation::Ended`].
    pub tell_ends: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: WINDOW,
            timeouts: TIMEOUTS,
            first_poll_within: FIRST_POLL_WITHIN,
            seed: 0,
            tell_ends: false,
        }
    }
}

/// A datagram to send; its bytes are [`Engine::datagram`] until the next call.
#[derive(Clone, Copy, Debug)]
pub struct Transmit {
    pub slot: u32,
    pub to: SocketAddr,
}

/// See the head of this file.
#[derive(Debug)]
pub struct Engine {
    plan: Compiled,
    /// What is asked of a device that has not answered for some time.
    probe: Ask,
    settings: Settings,
    devices: Vec<Option<Device>>,
    /// Of the last question of each slot, whoever had it. So the answer to a device that is gone is
    /// not taken for that to the next one.
    generations: Vec<u16>,
    ids: Ids,
    free: Vec<u32>,
    by_id: HashMap<DeviceId, u32>,
    wheel: Wheel,
    /// Due, but not in flight.
    ready: VecDeque<u32>,
    /// The same, passed by while [`HELD_MAX`] polls are held back, as theirs would be, too.
    passed_by: VecDeque<u32>,
    /// In flight, with a question to send.
    sending: VecDeque<u32>,
    /// Held back for the sake of their gap, which is over: they are the next to get a place.
    resuming: VecDeque<u32>,
    /// How many polls have given their place in the window back for a while.
    held: usize,
    polls: Vec<Poll>,
    idle_polls: Vec<u32>,
    shapes: Shapes,
    /// What the sessions of SNMPv3 share.
    usm: usm::Shared,
    observations: VecDeque<Observation>,
    /// Outcomes somebody waits for; `None` of a device that is gone.
    polled: VecDeque<(DeviceId, Option<Polled>)>,
    writer: Writer,
    fired: Vec<u32>,
    /// The next stage takes observations.
    room: bool,
    random: u64,
    counters: Arc<PollCounters>,
}

impl Engine {
    #[must_use]
    pub fn new(
        plan: Compiled,
        settings: Settings,
        counters: Arc<PollCounters>,
        now: Moment,
    ) -> Self {
        let mut probe = Ask::default();
        if let Some(scalar) = plan.plan.scalars.first() {
            probe.scalar(&scalar.oid, 4);
        }
        Self {
            plan,
            probe,
            settings,
            devices: Vec::new(),
            generations: Vec::new(),
            ids: Ids::new(settings.seed),
            free: Vec::new(),
            by_id: HashMap::new(),
            wheel: Wheel::new(now.mono_us),
            ready: VecDeque::new(),
            passed_by: VecDeque::new(),
            sending: VecDeque::new(),
            resuming: VecDeque::new(),
            held: 0,
            polls: Vec::new(),
            idle_polls: Vec::new(),
            shapes: Shapes::new(),
            usm: usm::Shared::new(now.wall),
            observations: VecDeque::new(),
            polled: VecDeque::new(),
            writer: Writer::new(REQUEST_BYTES_MAX),
            fired: Vec::new(),
            room: true,
            random: settings.seed,
            counters,
        }
    }

    /// Narrows or widens the window, to what the socket's buffer holds.
    pub fn set_window(&mut self, window: usize) {
        self.settings.window = window.max(1);
    }

    /// Whether the next stage takes observations. While it does not, slots are skipped.
    pub fn set_room(&mut self, room: bool) {
        self.room = room;
    }

    /// The other address a device answers from, if it does.
    #[must_use]
    pub fn answers_from(&self, device: DeviceId) -> Option<IpAddr> {
        self.device(*self.by_id.get(&device)?)?.answers_from
    }

    /// The next row or event.
    pub fn observation(&mut self) -> Option<Observation> {
        self.observations.pop_front()
    }

    /// Tells that the next stage had no room for an observation. Facts are read and sent again, but
    /// not at once: that would add to the load just when there is no room. A row is lost; what it
    /// alone has said is said again.
    pub fn undelivered(&mut self, observation: &Observation) {
        count(&self.counters.dropped_observations);
        let id = match observation {
            Observation::Row { row, .. } => Some(row.device),
            Observation::Event(event) => rows::device_of(event),
            Observation::Ended(_) => None,
        };
        let slot = id.and_then(|id| self.by_id.get(&id).copied());
        if let Some(device) = slot.and_then(|slot| self.device_mut(slot)) {
            device.missed(observation);
        }
    }

    fn device(&self, slot: u32) -> Option<&Device> {
        self.devices.get(slot as usize)?.as_ref()
    }

    fn device_mut(&mut self, slot: u32) -> Option<&mut Device> {
        self.devices.get_mut(slot as usize)?.as_mut()
    }

    /// splitmix64: request ids need to differ between runs, no more.
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.random)
    }
}

#[cfg(test)]
mod tests;
