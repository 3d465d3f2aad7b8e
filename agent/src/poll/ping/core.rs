//! Core: who is pinged when, which answer belongs to which request, and what a burst has shown.
//!
//! A slot is a device with its schedule, or a single burst that somebody asked for. Every burst has a
//! token that nobody can guess and every request a sequence number; an answer counts once, while its
//! burst lasts, and from the address that was asked.
//!
//! How to drive it: after any call take [`Core::transmit`] until it is empty, then [`Core::ended`]
//! until it is empty, then sleep until [`Core::wake_us`] and call [`Core::tick`].

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod burst;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Cause, Group, Row, Schema, SchemaId};

pub use self::burst::ECHOES;
pub(super) use self::burst::Outcome;
use self::burst::{Answer, Burst, Pace};
use self::rows::{schema, values};
use super::packet::Heard;
use crate::poll::Target;
use crate::poll::counters::{PollCounters, count, count_many};
use crate::poll::engine::DEVICES_MAX;
use crate::poll::names::nowhere;
use crate::poll::pace::{Asker, Moment, Schedule, interval_us, micros};
use crate::poll::wheel::Wheel;

/// Single bursts at a time, beside those of the schedule.
pub(super) const JOBS_MAX: usize = 64;
/// Requests per tick: 8,000 a second, lest many devices that are due together make a flood. Sequence
/// numbers then come round no sooner than after 8 s, when every burst of before has ended.
const SENT_PER_TICK: u32 = 64;
const TICK_US: u64 = 8_000;
/// A device that has just been assigned is pinged within this time.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// The pace of a single burst is that of a device with this interval.
const JOB_INTERVAL: Duration = Duration::from_secs(10);
const NOBODY: u32 = u32::MAX;

/// A request to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transmit {
    pub(super) slot: u32,
    pub(super) to: SocketAddr,
    pub(super) sequence: u16,
    pub(super) token: u64,
}

/// A burst is over.
#[derive(Debug)]
pub(super) enum Ended {
    Row(Row),
    Job(u64, Outcome),
}

#[derive(Debug)]
enum Owner {
    Device { device: DeviceId, host: String, schedule: Schedule },
    Job(u64),
}

#[derive(Debug)]
struct Slot {
    owner: Owner,
    address: Option<SocketAddr>,
    pace: Pace,
    burst: Option<Burst>,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Core {
    /// Makes the tokens, each from another number.
    key: [u8; 32],
    tokens: u64,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    by_id: HashMap<DeviceId, u32>,
    jobs: usize,
    wheel: Wheel,
    fired: Vec<u32>,
    /// The slot that used each sequence number last.
    by_sequence: Box<[u32]>,
    next_sequence: u16,
    /// Slots with a request to send.
    sending: VecDeque<u32>,
    /// The current tick, and what may yet be sent in it.
    allowance: (u64, u32),
    ended: VecDeque<Ended>,
    schema: Arc<Schema>,
    schema_id: SchemaId,
    counters: Arc<PollCounters>,
}

impl Core {
    /// `key` must be random.
    pub(super) fn new(key: [u8; 32], counters: Arc<PollCounters>, now: Moment) -> Self {
        let schema = schema();
        Self {
            key,
            tokens: 0,
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            jobs: 0,
            wheel: Wheel::new(now.mono_us),
            fired: Vec::new(),
            by_sequence: vec![NOBODY; usize::from(u16::MAX) + 1].into_boxed_slice(),
            next_sequence: 0,
            sending: VecDeque::new(),
            allowance: (0, SENT_PER_TICK),
            ended: VecDeque::new(),
            schema_id: schema.id(),
            schema: Arc::new(schema),
            counters,
        }
    }

    /// What the columns of every row mean.
    pub(super) fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.schema)
    }

    /// Replaces the devices. Those that stay as they are go on undisturbed.
    pub(super) fn set_targets(&mut self, now: Moment, targets: &[Target]) {
        let wanted: HashMap<DeviceId, &Target> = targets
            .iter()
            .filter(|target| target.manner.ping)
            .map(|target| (target.device, target))
            .collect();
        let stays = |slot: &Slot| match &slot.owner {
            Owner::Device { device, host, schedule } => wanted.get(device).is_some_and(|target| {
                target.host == *host && interval_us(target.interval) == schedule.interval_us()
            }),
            Owner::Job(_) => true,
        };
        let is_gone = |(_, slot): &(u32, &Option<Slot>)| slot.as_ref().is_some_and(|s| !stays(s));
        let gone: Vec<u32> =
            (0..).zip(&self.slots).filter(is_gone).map(|(number, _)| number).collect();
        for slot in gone {
            self.remove(slot);
        }
        for target in wanted.values() {
            if !self.by_id.contains_key(&target.device) {
                self.insert_device(now, target);
            }
        }
    }

    fn insert_device(&mut self, now: Moment, target: &Target) {
        let address = target.literal().map(|at| SocketAddr::new(at.ip(), 0));
        let (device, host) = (target.device, target.host.clone());
        let first = (FIRST_WITHIN, address.is_some());
        let schedule = Schedule::new((Asker::Ping, device), target.interval, first, now.mono_us);
        let pace = Pace::of(schedule.interval_us());
        let due_us = schedule.due_us();
        let owner = Owner::Device { device, host, schedule };
        if let Some(slot) = self.insert(Slot { owner, address, pace, burst: None }) {
            self.by_id.insert(device, slot);
            self.wheel.set(slot, due_us);
        }
    }

    /// `None` if there are too many; the SNMP engine, which has the same limit, has told of it.
    fn insert(&mut self, slot: Slot) -> Option<u32> {
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.slots.len() < DEVICES_MAX + JOBS_MAX => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).ok()?
            }
            None => return None,
        };
        *self.slots.get_mut(number as usize)? = Some(slot);
        Some(number)
    }

    fn remove(&mut self, number: u32) {
        let Some(slot) = self.slots.get_mut(number as usize).and_then(Option::take) else { return };
        self.wheel.cancel(number);
        match slot.owner {
            Owner::Device { device, .. } => {
                self.by_id.remove(&device);
            }
            Owner::Job(_) => self.jobs -= 1,
        }
        self.free.push(number);
    }

    /// Tells where a device with a host name is. A burst that has begun goes on to where it was.
    pub(super) fn set_address(&mut self, device: DeviceId, mut address: SocketAddr) {
        address.set_port(0);
        if let Some(number) = self.by_id.get(&device).copied()
            && let Some(slot) = self.slot_mut(number)
        {
            slot.address = Some(address);
        }
    }

    /// The host of a device, and where that is: `None` if it is not pinged, and no address if its
    /// name has none.
    pub(super) fn place_of(&self, device: DeviceId) -> Option<(&str, Option<SocketAddr>)> {
        let number = self.by_id.get(&device)?;
        let slot = self.slots.get(*number as usize)?.as_ref()?;
        match &slot.owner {
            Owner::Device { host, .. } => Some((host, slot.address)),
            Owner::Job(_) => None,
        }
    }

    /// Sends one burst now; its outcome ends as that of `job`. False if there are too many.
    pub(super) fn ping(&mut self, job: u64, mut to: SocketAddr, now: Moment) -> bool {
        // A raw socket of IPv6 takes another port for another protocol.
        to.set_port(0);
        if self.jobs == JOBS_MAX {
            return false;
        }
        let pace = Pace::of(micros(JOB_INTERVAL));
        let slot = Slot { owner: Owner::Job(job), address: Some(to), pace, burst: None };
        let Some(number) = self.insert(slot) else { return false };
        self.jobs += 1;
        self.fire(number, now);
        true
    }

    /// Begins, goes on with and ends bursts whose time has come.
    pub(super) fn tick(&mut self, now: Moment) {
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.expire(now.mono_us, &mut fired);
        for slot in fired.drain(..) {
            self.fire(slot, now);
        }
        self.fired = fired;
    }

    fn fire(&mut self, number: u32, now: Moment) {
        self.tokens += 1;
        let token = token(&self.key, self.tokens);
        let Some(slot) = self.slot_mut(number) else { return };
        match (&mut slot.burst, slot.address) {
            (Some(burst), _) if burst.is_all_asked() => {
                let outcome = burst.outcome();
                return self.finish(number, outcome, now);
            }
            (Some(burst), _) => burst.is_queued = true,
            (None, Some(to)) => {
                let burst = slot.burst.insert(Burst::new(to, token));
                burst.is_queued = true;
            }
            (None, None) => {
                let cause = match &slot.owner {
                    Owner::Device { host, .. } => nowhere(host),
                    Owner::Job(_) => Cause::Unreachable,
                };
                return self.finish(number, Outcome::nothing(cause), now);
            }
        }
        self.sending.push_back(number);
    }

    /// When to call [`Self::tick`] and [`Self::transmit`] next.
    pub(super) fn wake_us(&self) -> Option<u64> {
        let may_send = (!self.sending.is_empty()).then(|| (self.allowance.0 + 1) * TICK_US);
        [may_send, self.wheel.next_us()].into_iter().flatten().min()
    }

    /// The next request to send, if one may be sent now.
    pub(super) fn transmit(&mut self, now: Moment) -> Option<Transmit> {
        let tick = now.mono_us / TICK_US;
        if self.allowance.0 != tick {
            self.allowance = (tick, SENT_PER_TICK);
        }
        if self.allowance.1 == 0 {
            return None;
        }
        let sequence = self.next_sequence;
        loop {
            let number = self.sending.pop_front()?;
            // It may be gone, or another may have its place.
            let Some(slot) = self.slots.get_mut(number as usize).and_then(Option::as_mut) else {
                continue;
            };
            let Some(burst) = slot.burst.as_mut().filter(|burst| burst.is_queued) else { continue };
            burst.is_queued = false;
            burst.ask(sequence, now.mono_us);
            let left = if burst.is_all_asked() { slot.pace.wait_us } else { slot.pace.gap_us };
            let out = Transmit { slot: number, to: burst.to, sequence, token: burst.token };
            self.wheel.set(number, now.mono_us + left);
            if let Some(place) = self.by_sequence.get_mut(usize::from(sequence)) {
                *place = number;
            }
            self.next_sequence = sequence.wrapping_add(1);
            self.allowance.1 -= 1;
            return Some(out);
        }
    }

    /// The request of [`Self::transmit`] leaves now, which may be later.
    pub(super) fn departs(&mut self, slot: u32, now: Moment) {
        if let Some(burst) = self.burst_mut(slot) {
            burst.departs(now.mono_us);
        }
    }

    pub(super) fn sent(&mut self) {
        count(&self.counters.echo_requests);
    }

    /// The request of [`Self::transmit`] was turned down, as there is no way to the device: it is
    /// lost. So a device of this host's own network ends that answers nobody who looks for it.
    pub(super) fn turned_down(&mut self, slot: u32) {
        if let Some(burst) = self.burst_mut(slot) {
            burst.is_turned_down();
        }
    }

    /// The request of [`Self::transmit`] could not be sent: nobody knows what would have become of it.
    pub(super) fn unsendable(&mut self, slot: u32, cause: Cause) {
        if let Some(burst) = self.burst_mut(slot) {
            burst.is_unsendable(cause);
        }
    }

    /// Takes what has come from `from`.
    pub(super) fn receive(&mut self, heard: Heard, from: SocketAddr, now: Moment) {
        let sequence = match heard {
            Heard::Reply(echo) => echo.sequence,
            Heard::Returned { sequence, .. } => sequence,
        };
        let number = self.by_sequence.get(usize::from(sequence)).copied().unwrap_or(NOBODY);
        let Some(burst) = self.burst_mut(number) else {
            return count(&self.counters.echo_strays);
        };
        let answer = match heard {
            Heard::Reply(echo) if echo.token == burst.token && is_same(burst.to, from) => {
                burst.answered(sequence, now.mono_us)
            }
            Heard::Returned { to, token, .. }
                if to == burst.to.ip() && token.is_none_or(|token| token == burst.token) =>
            {
                burst.returned(sequence);
                return;
            }
            Heard::Reply(_) | Heard::Returned { .. } => Answer::Stray,
        };
        let done = burst.is_complete().then(|| burst.outcome());
        match answer {
            Answer::First => count(&self.counters.echo_replies),
            Answer::Stray => return count(&self.counters.echo_strays),
        }
        if let Some(outcome) = done {
            self.finish(number, outcome, now);
        }
    }

    /// Bursts that have ended.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    /// The next stage had no room for a row.
    pub(super) fn undelivered(&self) {
        count(&self.counters.dropped_observations);
    }

    fn finish(&mut self, number: u32, outcome: Outcome, now: Moment) {
        let schema = self.schema_id;
        let Some(slot) = self.slot_mut(number) else { return };
        slot.burst = None;
        match &mut slot.owner {
            Owner::Job(job) => {
                let ended = Ended::Job(*job, outcome);
                self.ended.push_back(ended);
                self.remove(number);
            }
            Owner::Device { device, schedule, .. } => {
                let device = *device;
                let skipped = schedule.advance(now.mono_us);
                let next = schedule.due_us();
                count_many(&self.counters.skipped_slots, skipped);
                self.wheel.set(number, next);
                // A cause stands for numbers: where requests were lost the loss is the news.
                let (values, cause) = match outcome.cause {
                    Some(cause) if outcome.sent == 0 => (Vec::new(), Some(cause)),
                    _ => (values(&outcome), None),
                };
                let group = Group::Ping;
                let row = Row { device, group, schema, at: now.wall, cause, values };
                self.ended.push_back(Ended::Row(row));
            }
        }
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Slot> {
        self.slots.get_mut(number as usize)?.as_mut()
    }

    fn burst_mut(&mut self, number: u32) -> Option<&mut Burst> {
        self.slot_mut(number)?.burst.as_mut()
    }
}

/// The zone of a link-local address counts where one was asked for.
fn is_same(asked: SocketAddr, from: SocketAddr) -> bool {
    let zones = match (asked, from) {
        (SocketAddr::V6(asked), SocketAddr::V6(from)) => {
            asked.scope_id() == 0 || asked.scope_id() == from.scope_id()
        }
        _ => true,
    };
    asked.ip() == from.ip() && zones
}

fn token(key: &[u8; 32], number: u64) -> u64 {
    let hash = blake3::keyed_hash(key, &number.to_le_bytes());
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
