//! Core: the course of one poll: probe, facts, samples; questions, answers, time-outs.

use std::net::SocketAddr;

use farwatch_common::sample::Cause;

use super::device::{Activity, Device, Ignore, Known, Numbers, Phase, Poll};
use super::{Engine, GENERATIONS, Moment, micros};
use crate::poll::Access;
use crate::poll::counters::count;
use crate::poll::facts::{self, objects};
use crate::poll::message::{Body, status};
use crate::poll::plan::{CompiledTable, Watch};
use crate::poll::shape::Shape;
use crate::poll::walk::{Fault, Limits, Progress, REPETITIONS_GENTLE};

/// Polls without an answer after which a device is only probed.
pub(super) const MISSES_MAX: u32 = 3;
/// Most questions of one poll: a table of `ROWS_MAX` rows by GETNEXT, and as many again.
pub(super) const REQUESTS_MAX: u32 = 2_048;
/// Longest poll.
const POLL_US_MAX: u64 = 60_000_000;
/// Hints at a change make facts be read no more often than this.
pub(super) const FACTS_GAP_US_MIN: u64 = 60_000_000;
/// After so many answers only to gentle questions, all questions are gentle.
const CHOKES_MAX: u8 = 2;

/// Rows of a table known to exist: from this poll's facts if it asks for everything, else from the last poll.
fn known_rows<'a>(full: bool, facts: &'a [u32], shape: Option<&'a Shape>) -> &'a [u32] {
    match shape {
        _ if full && !facts.is_empty() => facts,
        Some(shape) => &shape.rows,
        None => &[],
    }
}

/// Begins to read the table `poll.table`.
fn start_samples(poll: &mut Poll, known: &Known, table: &CompiledTable, absent: u64) {
    let shape = known.shape.as_deref();
    poll.full = known.full_due || shape.is_none();
    poll.grid.start(table.cells, known_rows(poll.full, &poll.rows, shape));
    if poll.table == 0 {
        poll.system_at = None;
        poll.scalars.clear();
        poll.scalars.resize(table.ask.scalars.len(), None);
    }
    let shape = shape.filter(|_| !poll.full);
    let cells = shape.map_or(table.all(), |shape| shape.ask);
    let asked = if table.of_scalars() { (cells, 0) } else { (!absent, cells) };
    match shape {
        Some(shape) => {
            poll.walk.start(&table.ask, asked, shape.rows.last().copied(), known.learned);
        }
        // Facts of this very poll say where the table ends. Without them it is read past its end,
        // and what follows is read twice.
        None => poll.walk.start(&table.ask, asked, poll.rows.last().copied(), 0),
    }
}

impl Engine {
    /// Takes a device that is due into the window.
    pub(super) fn begin(&mut self, slot: u32, now: Moment) {
        let number = self.idle_polls.pop().unwrap_or_else(|| {
            self.polls.push(Poll::default());
            // No more polls than devices.
            u32::try_from(self.polls.len() - 1).unwrap_or(0)
        });
        let probing = self.device_mut(slot).is_some_and(|device| {
            device.activity = Activity::Asking(number);
            device.misses >= MISSES_MAX
        });
        if let Some(poll) = self.polls.get_mut(number as usize) {
            poll.reset(now.mono_us);
        }
        let nothing = |device: &Device| device.target.access == Access::Nothing;
        if self.device(slot).is_some_and(nothing) {
            self.table_ended(slot, number, Some(Cause::NoCredential), now);
        } else if probing {
            self.start(slot, number, Phase::Probe);
        } else {
            self.start_next(slot, number, now);
        }
    }

    /// Facts if they are due, else samples.
    fn start_next(&mut self, slot: u32, number: u32, now: Moment) {
        let facts_wanted = self.plan.plan.facts_every.is_some()
            && self.device(slot).is_some_and(|device| device.facts_due_us <= now.mono_us)
            && self.polls.get(number as usize).is_some_and(|poll| !poll.facts_tried);
        if facts_wanted {
            self.start(slot, number, Phase::Facts);
        } else {
            self.start_table(slot, number, 0);
        }
    }

    /// Turns to a table of the plan.
    pub(super) fn start_table(&mut self, slot: u32, number: u32, table: usize) {
        let Self { polls, plan, .. } = self;
        if let (Some(poll), Some(compiled)) =
            (polls.get_mut(number as usize), plan.tables.get(table))
        {
            poll.table = table;
            if table > 0 {
                let told = poll.learned.told(compiled.table.rows).unwrap_or_default();
                poll.rows.clear();
                poll.rows.extend(told.iter().map(|(index, _)| *index));
            }
        }
        self.start(slot, number, Phase::Samples);
    }

    pub(super) fn start(&mut self, slot: u32, number: u32, phase: Phase) {
        let Self { devices, polls, plan, probe, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        poll.phase = phase;
        poll.attempt = 0;
        poll.limits = device.limits;
        match phase {
            Phase::Probe => poll.walk.start(probe, (probe.all_scalars(), 0), None, 0),
            Phase::Facts => {
                poll.facts_tried = true;
                poll.draft = facts::Draft::default();
                let ask = facts::ask();
                poll.walk.start(ask, (ask.all_scalars(), ask.all_columns()), None, 0);
            }
            Phase::Objects(subject) => {
                let ask = objects::ask(subject);
                poll.walk.start(ask, (0, ask.all_columns()), None, 0);
            }
            Phase::Samples => {
                let (Some(known), Some(table)) =
                    (device.tables.get(poll.table), plan.tables.get(poll.table))
                else {
                    return;
                };
                start_samples(poll, known, table, device.absent);
            }
        }
        self.enqueue(slot, number);
    }

    pub(super) fn enqueue(&mut self, slot: u32, number: u32) {
        self.wheel.cancel(slot);
        if let Some(poll) = self.polls.get_mut(number as usize) {
            poll.unsent = true;
            self.sending.push_back(slot);
        }
    }

    /// Writes the device's next question and sets its time-out.
    pub(super) fn ask(&mut self, slot: u32, now: Moment) -> Option<SocketAddr> {
        let Self { devices, polls, plan, probe, writer, wheel, usm, .. } = self;
        let device = devices.get_mut(slot as usize)?.as_mut()?;
        let Activity::Asking(number) = device.activity else {
            return None;
        };
        let poll = polls.get_mut(number as usize).filter(|poll| poll.unsent)?;
        let earliest_us = device.asked_us.saturating_add(device.gap_us);
        if device.gap_us > 0 && now.mono_us < earliest_us {
            wheel.set(slot, earliest_us);
            return None;
        }
        device.asked_us = now.mono_us;
        poll.unsent = false;
        let Some(address) = device.address else {
            self.unsendable(slot, now);
            return None;
        };
        let ask = match poll.phase {
            Phase::Probe => &*probe,
            Phase::Facts => facts::ask(),
            Phase::Objects(subject) => objects::ask(subject),
            Phase::Samples => &plan.tables.get(poll.table)?.ask,
        };
        device.generation = (device.generation + 1) % GENERATIONS;
        let id = slot << super::GENERATION_BITS | u32::from(device.generation);
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
        let envelope = (device.version, device.envelope(), id.cast_signed());
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

    fn over_budget(&mut self, slot: u32, now: Moment) {
        count(&self.counters.over_budget);
        self.fail(slot, Cause::Budget, now);
    }

    pub(super) fn timed_out(&mut self, slot: u32, now: Moment) {
        count(&self.counters.timeouts);
        let Some(number) = self.poll_of(slot) else {
            return;
        };
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        poll.attempt += 1;
        if poll.phase == Phase::Probe || poll.attempt >= self.settings.timeouts.len() {
            let session = self.device_mut(slot).and_then(|device| device.usm.as_mut());
            let cause = session.map_or(Cause::Timeout, |session| session.silent());
            return self.fail(slot, cause, now);
        }
        poll.gentle |= poll.walk.repetitions() > REPETITIONS_GENTLE;
        self.enqueue(slot, number);
    }

    fn poll_of(&self, slot: u32) -> Option<u32> {
        match self.device(slot)?.activity {
            Activity::Asking(number) => Some(number),
            Activity::Idle | Activity::Ready => None,
        }
    }

    /// Takes the answer to the device's question.
    pub(super) fn answered(&mut self, slot: u32, number: u32, body: Body<'_>, now: Moment) {
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
            Err(Fault::Budget) => self.over_budget(slot, now),
            Err(Fault::Auth) => {
                let session = self.device(slot).and_then(|device| device.usm.as_ref());
                let cause = session.map_or(Cause::Auth, |session| session.refused());
                self.fail(slot, cause, now);
            }
            Err(Fault::Unsupported) => self.fail(slot, Cause::Unsupported, now),
        }
    }

    fn ask_for_less(&mut self, slot: u32, number: u32, now: Moment) {
        let Self { devices, polls, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get(number as usize))
        else {
            return;
        };
        let (repetitions, names) = (poll.walk.repetitions(), poll.walk.names());
        if repetitions > 1 {
            device.limits.repetitions = repetitions / 2;
        } else if names > 1 {
            device.limits.names = names / 2;
        } else {
            // What is said of everything says nothing about the rest of the device.
            device.limits = poll.limits;
            return self.over_budget(slot, now);
        }
        self.go_on(slot, number, now);
    }

    /// The next question of the same walk, unless the poll has had its share.
    fn go_on(&mut self, slot: u32, number: u32, now: Moment) {
        let spent = self.polls.get(number as usize).is_none_or(|poll| {
            poll.requests >= REQUESTS_MAX || now.mono_us > poll.started_us + POLL_US_MAX
        });
        if spent {
            self.over_budget(slot, now);
        } else {
            self.enqueue(slot, number);
        }
    }

    fn progressed(&mut self, slot: u32, number: u32, progress: Progress, now: Moment) {
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        let phase = poll.phase;
        match (progress, phase) {
            (Progress::More, _) => self.go_on(slot, number, now),
            (Progress::Done, Phase::Probe) => self.start_next(slot, number, now),
            (Progress::Done, Phase::Facts) => {
                self.emit_facts(slot, number, now);
                self.start_table(slot, number, 0);
            }
            (Progress::Done, Phase::Objects(subject)) => {
                let cause = poll.walk.was_refused().then_some(Cause::Unsupported);
                self.subject_ended(slot, number, (subject, cause), now);
            }
            (Progress::Done, Phase::Samples) => self.table_ended(slot, number, None, now),
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
                    change = Some(super::device::mix(mixed.wrapping_add(1)));
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
            device.tables.iter_mut().for_each(|known| known.past.forget());
        }
        // By v1 each name that is not there costs a question of its own.
        if device.version == 0 {
            let missing = |at: usize| poll.scalars.get(at).is_none_or(Option::is_none);
            device.absent = (1..poll.scalars.len())
                .filter(|at| missing(*at))
                .fold(0, |bits, at| bits | 1 << at);
        }
        if poll.full || !(restarted || moved) {
            return false;
        }
        if let Some(interfaces) = device.tables.first_mut() {
            interfaces.full_due = true;
        }
        if restarted {
            device.facts_due_us = 0;
        }
        device.look_again(now);
        true
    }

    /// Ends the phase a device is in, and its poll if it is gone.
    pub(super) fn fail(&mut self, slot: u32, cause: Cause, now: Moment) {
        let Some(number) = self.poll_of(slot) else {
            return;
        };
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        match poll.phase {
            Phase::Facts if poll.heard => {
                self.facts_read(slot, now);
                self.start_table(slot, number, 0);
            }
            Phase::Probe | Phase::Facts => {
                poll.gone = true;
                self.table_ended(slot, number, Some(cause), now);
            }
            Phase::Objects(subject) => {
                self.subject_ended(slot, number, (subject, Some(cause)), now);
            }
            Phase::Samples => self.table_ended(slot, number, Some(cause), now),
        }
    }
}
