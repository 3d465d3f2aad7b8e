//! Core: what comes in: whose answer a datagram is, and what it says of the device.

use std::net::SocketAddr;

use farwatch_common::sample::Cause;

use super::device::{Activity, Device, Ignore, Numbers, Phase};
use super::line::CHOKES_MAX;
use super::{Engine, Moment};
use crate::poll::counters::count;
use crate::poll::facts::{self, objects};
use crate::poll::message::{Body, Head, RESPONSE, status};
use crate::poll::pace::mix;
use crate::poll::plan::Watch;
use crate::poll::usm::{self, Heard};
use crate::poll::walk::{Fault, REPETITIONS_GENTLE};

impl Engine {
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
            let elsewhere = device.is_elsewhere(from);
            let answers_from = elsewhere.then(|| from.ip());
            if device.answers_from != answers_from {
                device.answers_from = answers_from;
                device.look_again(now);
            }
            if elsewhere {
                count(&self.counters.foreign_source);
            }
        }
        if let Some(poll) = self.polls.get_mut(poll as usize) {
            poll.heard = true;
            poll.refused_from = None;
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
        let counters = self.counters.clone();
        let Ok(id) = i32::try_from(id).and_then(u32::try_from) else {
            count(&counters.strays);
            return None;
        };
        let (slot, generation) = self.ids.question(id);
        let device = self.devices.get_mut(slot as usize).and_then(Option::as_mut);
        let Some(device) = device.filter(|device| fits(device)) else {
            count(&counters.strays);
            return None;
        };
        let Activity::Asking(poll) = device.activity else {
            count(&counters.late_replies);
            return None;
        };
        let asked = self.polls.get_mut(poll as usize).filter(|poll| !poll.unsent);
        let is_latest = self.generations.get(slot as usize) == Some(&generation);
        let Some(asked) = asked.filter(|_| is_latest) else {
            count(&counters.late_replies);
            return None;
        };
        if device.target.manner.strict_source && device.is_elsewhere(from) {
            count(&counters.strays);
            // It tells why the question is not answered, should it not be: who guesses no id of an open
            // question comes not so far, and a device that answers from where it was asked is heard.
            asked.refused_from = Some(from.ip());
            return None;
        }
        Some((slot, poll))
    }

    /// Takes the answer to the device's question.
    fn answered(&mut self, slot: u32, number: u32, body: Body<'_>, now: Moment) {
        match body.status {
            status::NONE => {}
            status::TOO_BIG => count(&self.counters.too_big),
            _ => count(&self.counters.refused),
        }
        let Self { devices, polls, plan, probe, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        if poll.gentle && poll.attempt > 0 {
            device.chokes = device.chokes.saturating_add(1);
        } else if poll.walk.repetitions() > REPETITIONS_GENTLE && device.chokes < CHOKES_MAX {
            device.chokes = 0;
        }
        if poll.rtt_us.is_none() && poll.attempt == 0 {
            poll.rtt_us = i64::try_from(now.mono_us.saturating_sub(poll.asked_us)).ok();
        }
        poll.attempt = 0;
        let walked = match poll.phase {
            Phase::Probe => poll.walk.accept(probe, body, &mut Ignore),
            Phase::Facts => poll.walk.accept(facts::ask(), body, &mut poll.draft),
            Phase::Objects(subject) => {
                poll.walk.accept(objects::ask(subject), body, &mut poll.objects)
            }
            Phase::Samples => {
                let Some(table) = plan.tables.get(poll.table) else {
                    return;
                };
                let in_a_row = table.of_scalars();
                let mut sink =
                    Numbers { grid: &mut poll.grid, scalars: &mut poll.scalars, in_a_row };
                poll.walk.accept(&table.ask, body, &mut sink)
            }
        };
        // Scalars are good even if the table behind them, in the same answer, is not.
        let scalars_came = poll.phase == Phase::Samples
            && poll.table == 0
            && poll.system_at.is_none()
            && poll.walk.scalars_done();
        if scalars_came {
            poll.system_at = Some(now.wall);
            if walked.is_ok() && self.table_changed(slot, number, now) {
                return self.start_next(slot, number, now);
            }
        }
        match walked {
            Ok(progress) => self.progressed(slot, number, progress, now),
            Err(Fault::TooBig) => self.ask_for_less(slot, number, now),
            Err(Fault::Malformed) => {
                count(&self.counters.malformed);
                self.fail(slot, Cause::Malformed, now);
            }
            Err(Fault::Auth) => {
                let session = self.device(slot).and_then(|device| device.usm.as_ref());
                let cause = session.map_or(Cause::Auth, |session| session.refused());
                self.fail(slot, cause, now);
            }
            Err(Fault::Unsupported) => self.fail(slot, Cause::Unsupported, now),
        }
    }

    /// Looks at the watched scalars. True if the poll has to begin again with facts, because a
    /// known row may have become another interface.
    fn table_changed(&mut self, slot: u32, number: u32, now: Moment) -> bool {
        let Self { devices, polls, plan, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get(number as usize))
        else {
            return false;
        };
        let (mut uptime, mut engine_s) = (None, None);
        let mut change: Option<u64> = None;
        for (watch, value) in plan.watches.iter().zip(&poll.scalars) {
            match (watch, value) {
                (Some(Watch::Uptime), value) => uptime = *value,
                (Some(Watch::EngineTime), value) => engine_s = *value,
                (Some(Watch::Change), Some(value)) => {
                    let mixed = change.unwrap_or(0) ^ value.cast_unsigned();
                    change = Some(mix(mixed.wrapping_add(1)));
                }
                _ => {}
            }
        }
        let restarted = device.age.observe(uptime, engine_s, now.mono_us);
        let moved = change.is_some() && device.change.is_some() && device.change != change;
        device.change = change.or(device.change);
        if restarted {
            device.objects_due_us = 0;
            device.parts_due_us = 0;
            device.facts_failures = 0;
            device.forget_rests();
            device.tables.iter_mut().for_each(|known| known.past.forget());
        }
        // By v1 each name that is not there costs a question of its own.
        if device.version == 0 {
            let missing = |at: usize| poll.scalars.get(at).is_none_or(Option::is_none);
            device.absent = (1..poll.scalars.len())
                .filter(|at| missing(*at))
                .fold(0, |bits, at| bits | 1 << at);
        }
        // A poll that asks for all columns of all rows is none the wiser for beginning again.
        let asks_all = poll.full && poll.resting.is_none();
        if asks_all || !(restarted || moved) {
            return false;
        }
        if let Some(interfaces) = device.tables.first_mut() {
            interfaces.full_due = true;
            interfaces.retry.forget();
        }
        if restarted {
            device.facts_due_us = 0;
        }
        device.look_again(now);
        true
    }
}
