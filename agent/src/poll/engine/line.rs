//! Core: who is asked when: timers, the window, questions on their way out and their time-outs.

use std::net::SocketAddr;

use farwatch_common::sample::Cause;

use super::device::{Activity, Device, Phase};
use super::{Engine, GENERATIONS, HELD_MAX, Moment, Transmit};
use crate::poll::counters::{count, count_many};
use crate::poll::facts::{self, objects};
use crate::poll::names::nowhere;
use crate::poll::pace::micros;
use crate::poll::shape::Shape;
use crate::poll::walk::{Limits, REPETITIONS_GENTLE};

/// After so many answers only to gentle questions, all questions are gentle.
pub(super) const CHOKES_MAX: u8 = 2;

/// Rows of a table known to exist: from this poll's facts if it asks for everything, else from the
/// last poll.
pub(super) fn known_rows<'a>(full: bool, facts: &'a [u32], shape: Option<&'a Shape>) -> &'a [u32] {
    match shape {
        _ if full && !facts.is_empty() => facts,
        Some(shape) => &shape.rows,
        None => &[],
    }
}

impl Engine {
    /// When to call [`Self::tick`] next.
    #[must_use]
    pub fn wake_us(&self) -> Option<u64> {
        self.wheel.next_us()
    }

    /// Polls in flight and in line, for tests and the status page.
    #[must_use]
    pub fn busy(&self) -> usize {
        self.polls.len() - self.idle_polls.len() + self.ready.len() + self.passed_by.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.polls.len() - self.idle_polls.len() - self.held
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
                    self.resuming.push_back(slot);
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
    pub(super) fn schedule(&mut self, slot: u32, now: Moment) {
        let Some(device) = self.device_mut(slot) else {
            return;
        };
        // After a poll beside the schedule its next slot is still to come.
        let skipped = device.schedule.advance(now.mono_us);
        let due_us = device.schedule.due_us();
        self.wheel.set(slot, due_us);
        count_many(&self.counters.skipped_slots, skipped);
    }

    /// The next datagram to send, if any may be sent now.
    pub fn transmit(&mut self, now: Moment) -> Option<Transmit> {
        loop {
            let slot = match self.sending.pop_front() {
                Some(slot) => slot,
                None if self.in_flight() >= self.settings.window => return None,
                None => match self.resuming.pop_front() {
                    Some(slot) => match self.poll_of(slot) {
                        Some(number) if self.resume(number) => slot,
                        // It is gone, or another has its slot.
                        _ => continue,
                    },
                    None => {
                        let slot = self.next_ready()?;
                        let is_ready = |device: &Device| device.activity == Activity::Ready;
                        if self.device(slot).is_some_and(is_ready) {
                            self.begin(slot, now);
                        }
                        continue;
                    }
                },
            };
            if let Some(to) = self.ask(slot, now) {
                return Some(Transmit { slot, to });
            }
        }
    }

    /// The next device in line; one that is asked slowly only while there is room to hold it back.
    fn next_ready(&mut self) -> Option<u32> {
        let is_full = self.held >= HELD_MAX;
        if !is_full && let Some(slot) = self.passed_by.pop_front() {
            return Some(slot);
        }
        while let Some(slot) = self.ready.pop_front() {
            let is_slow = self.device(slot).is_some_and(|device| device.gap_us > 0);
            if !(is_full && is_slow) {
                return Some(slot);
            }
            self.passed_by.push_back(slot);
        }
        None
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

    pub(super) fn enqueue(&mut self, slot: u32, number: u32) {
        self.wheel.cancel(slot);
        if let Some(poll) = self.polls.get_mut(number as usize) {
            poll.unsent = true;
            self.sending.push_back(slot);
        }
    }

    /// Writes the device's next question and sets its time-out.
    fn ask(&mut self, slot: u32, now: Moment) -> Option<SocketAddr> {
        let Self { devices, generations, ids, polls, plan, probe, writer, wheel, usm, .. } = self;
        let device = devices.get_mut(slot as usize)?.as_mut()?;
        let Activity::Asking(number) = device.activity else {
            return None;
        };
        let poll = polls.get_mut(number as usize).filter(|poll| poll.unsent)?;
        let earliest_us = device.asked_us.saturating_add(device.gap_us);
        if device.gap_us > 0 && now.mono_us < earliest_us {
            wheel.set(slot, earliest_us);
            poll.held = true;
            self.held += 1;
            return None;
        }
        device.asked_us = now.mono_us;
        poll.unsent = false;
        let Some(address) = device.address else {
            let cause = nowhere(&device.target.host);
            count(&self.counters.unreachable);
            self.fail(slot, cause, now);
            return None;
        };
        let ask = match poll.phase {
            Phase::Probe => &*probe,
            Phase::Facts => facts::ask(),
            Phase::Objects(subject) => objects::ask(subject),
            Phase::Samples => &plan.tables.get(poll.table)?.ask,
        };
        let generation = generations.get_mut(slot as usize)?;
        // Asked in the same words, a question keeps its id: an answer to either time counts, and the
        // second one comes late.
        if !std::mem::take(&mut poll.repeats) {
            *generation = (*generation + 1) % GENERATIONS;
        }
        let id = ids.id(slot, *generation);
        let shape = device.tables.get(poll.table).and_then(|known| known.shape.as_deref());
        let rows = known_rows(poll.full, &poll.rows, shape);
        let limits = if poll.gentle || device.chokes >= CHOKES_MAX {
            Limits {
                repetitions: device.limits.repetitions.min(REPETITIONS_GENTLE),
                ..device.limits
            }
        } else {
            device.limits
        };
        let envelope = device.envelope(id);
        let limits = match poll.phase {
            Phase::Facts => poll.draft.limits(poll.walk.scalars_done(), limits),
            Phase::Objects(_) => poll.objects.limits(limits),
            Phase::Probe | Phase::Samples => limits,
        };
        poll.walk.write(ask, rows, limits, envelope, writer);
        if let Some(session) = &mut device.usm
            && let Err(cause) = session.wrap(usm, id, now.mono_us, writer)
        {
            self.fail(slot, cause, now);
            return None;
        }
        poll.requests += 1;
        poll.asked_us = now.mono_us;
        count(&self.counters.requests);
        if self.writer.finish().is_none() {
            self.over_budget(slot, now);
            return None;
        }
        let timeout = self.settings.timeouts.get(poll.attempt).copied().unwrap_or_default();
        self.wheel.set(slot, now.mono_us + micros(timeout));
        Some(address)
    }

    /// Lets a poll that was held back go on; false if none was.
    pub(super) fn resume(&mut self, number: u32) -> bool {
        let poll = self.polls.get_mut(number as usize);
        let was_held = poll.is_some_and(|poll| std::mem::take(&mut poll.held));
        self.held -= usize::from(was_held);
        was_held
    }

    fn timed_out(&mut self, slot: u32, now: Moment) {
        count(&self.counters.timeouts);
        let Some(number) = self.poll_of(slot) else {
            return;
        };
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        poll.attempt += 1;
        // One that has answered in this poll is worth another question.
        let is_last = poll.phase == Phase::Probe && !poll.heard;
        if is_last || poll.attempt >= self.settings.timeouts.len() {
            let refused_from = poll.refused_from;
            let Some(device) = self.device_mut(slot) else {
                return;
            };
            let session = device.usm.as_mut();
            let mut cause = session.map_or(Cause::Timeout, |session| session.fell_silent());
            if refused_from.is_some() {
                device.answers_from = refused_from;
                cause = Cause::OtherSource;
            }
            return self.fail(slot, cause, now);
        }
        let asks_for_less = poll.walk.repetitions() > REPETITIONS_GENTLE;
        poll.gentle |= asks_for_less;
        poll.repeats = !asks_for_less;
        self.enqueue(slot, number);
    }

    /// Whether the poll of this number has a question to send.
    fn is_unsent(&self, poll: u32) -> bool {
        self.polls.get(poll as usize).is_some_and(|poll| poll.unsent)
    }
}
