//! Core: the poll engine. Targets, times and datagrams go in; datagrams and observations come out.
//!
//! Every device has one slot, at most one question on the way, and one timer: the next slot of its
//! schedule or the time-out of its question. Polls in flight are bounded by a window; devices that
//! are due beyond it wait in line. So a dead device costs two packets and a place in the window for
//! as long as its time-outs last, and never a worker.
//!
//! How to drive it: after any call take [`Engine::transmit`] until it is empty, then
//! [`Engine::observation`] until it is empty, then sleep until [`Engine::wake_us`] and call
//! [`Engine::tick`].

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod device;
mod now;
mod objects;
mod phases;
mod rows;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::Cause;

pub use self::device::Polled;
use self::device::{Activity, Device, Poll};
use super::ber::Writer;
use super::counters::{PollCounters, count, count_many};
use super::message::{Body, Head, RESPONSE};
use super::plan::{Ask, Compiled};
use super::shape::Shapes;
use super::usm::{self, Heard};
use super::wheel::Wheel;
use super::{Observation, Target};

/// Most devices of one engine: a request id holds 20 bits of slot.
pub const DEVICES_MAX: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 20;
const GENERATION_BITS: u32 = 11;
const GENERATIONS: u16 = 1 << GENERATION_BITS;
/// Longest question: the community has at most 255 octets, names take the rest.
const REQUEST_BYTES_MAX: usize = 2048;
/// A device whose host name has no address yet is not called unreachable before this.
const RESOLVE_GRACE_US: u64 = 5_000_000;
/// Time-outs of a question and its one repetition.
pub const TIMEOUTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];
/// Polls in flight.
pub const WINDOW: usize = 512;
/// A device that has just been assigned is polled within this time.
pub const FIRST_POLL_WITHIN: Duration = Duration::from_secs(5);

/// What may differ between an agent, a one-shot probe and a test.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub window: usize,
    pub timeouts: [Duration; 2],
    pub first_poll_within: Duration,
    /// Start of the request ids.
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

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Never jumps back. Its scale begins at the wall time the engine was started at, so that a
    /// restart keeps every device's place in the interval.
    pub mono_us: u64,
    /// Event time.
    pub wall: Micros,
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
    free: Vec<u32>,
    by_id: HashMap<DeviceId, u32>,
    wheel: Wheel,
    /// Due, but not in flight.
    ready: VecDeque<u32>,
    /// In flight, with a question to send.
    sending: VecDeque<u32>,
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
            free: Vec::new(),
            by_id: HashMap::new(),
            wheel: Wheel::new(now.mono_us),
            ready: VecDeque::new(),
            sending: VecDeque::new(),
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

    /// Replaces the targets. Devices that stay as they are go on undisturbed. Returns how many
    /// were left out because the engine is full.
    pub fn set_targets(&mut self, now: Moment, targets: &[Target]) -> usize {
        let wanted: HashMap<DeviceId, &Target> =
            targets.iter().map(|target| (target.device, target)).collect();
        let mut gone: Vec<u32> = Vec::new();
        for (slot, device) in (0..).zip(&self.devices) {
            if let Some(device) = device
                && wanted.get(&device.target.device).is_none_or(|target| **target != device.target)
            {
                gone.push(slot);
            }
        }
        for slot in gone {
            self.remove(slot);
        }
        targets.iter().filter(|target| !self.insert(now, target)).count()
    }

    fn insert(&mut self, now: Moment, target: &Target) -> bool {
        if self.by_id.contains_key(&target.device) {
            return true;
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.devices.len() < DEVICES_MAX => {
                self.devices.push(None);
                u32::try_from(self.devices.len() - 1).unwrap_or(0)
            }
            None => return false,
        };
        let generation = (self.next_random() >> 48) as u16 % GENERATIONS;
        let mut device = Device::new(target.clone(), generation, self.plan.tables.len());
        device.address = target.host.parse().ok().map(|ip: IpAddr| (ip, target.port).into());
        let grace = if device.address.is_some() { 0 } else { RESOLVE_GRACE_US };
        device.due_us = now.mono_us + grace + self.first_delay_us(&device);
        self.wheel.set(slot, device.due_us);
        self.by_id.insert(target.device, slot);
        if let Some(place) = self.devices.get_mut(slot as usize) {
            *place = Some(device);
        }
        true
    }

    fn first_delay_us(&self, device: &Device) -> u64 {
        let within = Duration::from_micros(device.interval_us).min(self.settings.first_poll_within);
        device.share_of(micros(within))
    }

    fn remove(&mut self, slot: u32) {
        let Some(device) = self.devices.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        self.wheel.cancel(slot);
        self.by_id.remove(&device.target.device);
        if device.asked_now {
            self.polled.push_back((device.target.device, None));
        }
        if let Activity::Asking(poll) = device.activity {
            self.idle_polls.push(poll);
        }
        self.free.push(slot);
    }

    /// Tells where a device with a host name is.
    pub fn set_address(&mut self, now: Moment, device: DeviceId, address: SocketAddr) {
        let Some(slot) = self.by_id.get(&device).copied() else {
            return;
        };
        let Some(device) = self.devices.get_mut(slot as usize).and_then(Option::as_mut) else {
            return;
        };
        device.address = Some(address);
        if device.fresh && device.activity == Activity::Idle {
            device.fresh = false;
            device.due_us = device.due_us.min(now.mono_us);
            self.wheel.set(slot, device.due_us);
        }
    }

    /// When to call [`Self::tick`] next.
    #[must_use]
    pub fn wake_us(&self) -> Option<u64> {
        self.wheel.next_us()
    }

    /// Polls in flight and in line, for tests and the status page.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.in_flight() + self.ready.len()
    }

    fn in_flight(&self) -> usize {
        self.polls.len() - self.idle_polls.len()
    }

    /// Lets time pass: devices become due, questions time out.
    pub fn tick(&mut self, now: Moment) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.expire(now.mono_us, &mut fired);
        for slot in fired.drain(..) {
            match self.device(slot).map(|device| device.activity) {
                Some(Activity::Idle) => self.due(slot, now),
                // Held back, for the sake of its gap.
                Some(Activity::Asking(poll)) if self.is_unsent(poll) => {
                    self.sending.push_back(slot)
                }
                Some(Activity::Asking(_)) => self.timed_out(slot, now),
                Some(Activity::Ready) | None => {}
            }
        }
        self.fired = fired;
    }

    fn due(&mut self, slot: u32, now: Moment) {
        let room = self.room;
        let Some(device) = self.device_mut(slot) else {
            return;
        };
        device.fresh = false;
        if room {
            device.activity = Activity::Ready;
            self.ready.push_back(slot);
        } else {
            count(&self.counters.skipped_slots);
            self.schedule(slot, now);
        }
    }

    /// Sets the timer for the device's next slot. Slots that have passed meanwhile are counted.
    fn schedule(&mut self, slot: u32, now: Moment) {
        let Some(device) = self.device_mut(slot) else {
            return;
        };
        // After a poll beside the schedule its next slot is still to come.
        let skipped = if device.due_us > now.mono_us { 0 } else { device.advance(now.mono_us) };
        let due_us = device.due_us;
        self.wheel.set(slot, due_us);
        count_many(&self.counters.skipped_slots, skipped);
    }

    /// The next datagram to send, if any may be sent now.
    pub fn transmit(&mut self, now: Moment) -> Option<Transmit> {
        loop {
            let slot = match self.sending.pop_front() {
                Some(slot) => slot,
                None if self.in_flight() < self.settings.window => {
                    let slot = self.ready.pop_front()?;
                    if self.device(slot).is_none_or(|device| device.activity != Activity::Ready) {
                        continue;
                    }
                    self.begin(slot, now);
                    continue;
                }
                None => return None,
            };
            if let Some(to) = self.ask(slot, now) {
                return Some(Transmit { slot, to });
            }
        }
    }

    /// The bytes of the datagram that [`Self::transmit`] has given last.
    #[must_use]
    pub fn datagram(&self) -> &[u8] {
        self.writer.finish().unwrap_or_default()
    }

    /// Tells that a datagram could not be sent.
    pub fn unsendable(&mut self, slot: u32, now: Moment) {
        count(&self.counters.unreachable);
        self.fail(slot, Cause::Unreachable, now);
    }

    /// Takes a datagram. One that answers no open question of ours changes nothing.
    pub fn receive(&mut self, datagram: &[u8], from: SocketAddr, now: Moment) {
        let Ok(head) = Head::read(datagram) else {
            return self.receive_v3(datagram, from, now);
        };
        let fits = |device: &Device| {
            // The PDU of a v3 device counts only out of the message that vouches for it.
            device.usm.is_none()
                && head.pdu == RESPONSE
                && head.version == i64::from(device.version)
                && head.community == device.target.access.community()
        };
        if let Some((slot, poll)) = self.addressee(head.request_id, fits, from) {
            self.replied((slot, poll), &head, from, now);
        }
    }

    fn receive_v3(&mut self, datagram: &[u8], from: SocketAddr, now: Moment) {
        let Ok(message) = usm::Message::read(datagram) else {
            return count(&self.counters.strays);
        };
        let Some((slot, poll)) = self.addressee(message.id, |device| device.usm.is_some(), from)
        else {
            return;
        };
        let session = self.device_mut(slot).and_then(|device| device.usm.as_mut());
        match session.map_or(Heard::Stray, |session| session.open(&message, now.mono_us)) {
            Heard::Answer(pdu) => match Head::read_pdu(&pdu) {
                Ok(head) => self.replied((slot, poll), &head, from, now),
                Err(_) => count(&self.counters.strays),
            },
            Heard::AskAgain => {
                count(&self.counters.replies);
                if let Some(poll) = self.polls.get_mut(poll as usize) {
                    poll.attempt = 0;
                }
                self.enqueue(slot, poll);
            }
            Heard::Failed(cause) => {
                count(&self.counters.replies);
                self.fail(slot, cause, now);
            }
            Heard::Stray => count(&self.counters.strays),
        }
    }

    fn replied(
        &mut self,
        (slot, poll): (u32, u32),
        head: &Head<'_>,
        from: SocketAddr,
        now: Moment,
    ) {
        count(&self.counters.replies);
        if let Some(device) = self.device_mut(slot) {
            // Gear with several addresses may answer from another one than was asked.
            let elsewhere = device.address.is_none_or(|asked| asked.ip() != from.ip());
            device.answers_from = elsewhere.then(|| from.ip());
            if elsewhere {
                count(&self.counters.foreign_source);
            }
        }
        if let Some(poll) = self.polls.get_mut(poll as usize) {
            poll.heard = true;
        }
        match Body::read(head) {
            Ok(body) => self.answered(slot, poll, body, now),
            Err(_) => {
                count(&self.counters.malformed);
                self.fail(slot, Cause::Malformed, now);
            }
        }
    }

    /// Whose open question a message answers, if it `fits` the device.
    fn addressee(
        &mut self,
        id: i64,
        fits: impl FnOnce(&Device) -> bool,
        from: SocketAddr,
    ) -> Option<(u32, u32)> {
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        let slot = id >> GENERATION_BITS;
        let counters = self.counters.clone();
        let device = self.devices.get_mut(slot as usize).and_then(Option::as_mut);
        let Some(device) = device.filter(|device| {
            let elsewhere = device.address.is_none_or(|asked| asked.ip() != from.ip());
            fits(device) && !(device.target.manner.strict_source && elsewhere)
        }) else {
            count(&counters.strays);
            return None;
        };
        let generation = u32::from(device.generation);
        let Activity::Asking(poll) = device.activity else {
            count(&counters.late_replies);
            return None;
        };
        let unsent = self.polls.get(poll as usize).is_none_or(|poll| poll.unsent);
        if id & u32::from(GENERATIONS - 1) != generation || unsent {
            count(&counters.late_replies);
            return None;
        }
        Some((slot, poll))
    }

    /// Whether the poll of this number has a question to send.
    fn is_unsent(&self, poll: u32) -> bool {
        self.polls.get(poll as usize).is_some_and(|poll| poll.unsent)
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

    /// Tells that the next stage had no room for an observation. Facts are read and sent again;
    /// a row is lost.
    pub fn undelivered(&mut self, observation: &Observation) {
        count(&self.counters.dropped_observations);
        let Observation::Event(event) = observation else {
            return;
        };
        if let Some(slot) = rows::device_of(event).and_then(|id| self.by_id.get(&id).copied())
            && let Some(device) = self.device_mut(slot)
        {
            device.digests = [0; 2];
            device.facts_due_us = 0;
            device.object_digests = [0; 3];
            device.objects_due_us = 0;
            device.parts_due_us = 0;
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
        device::mix(self.random)
    }
}

/// Microseconds of a duration that is no longer than some years.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
