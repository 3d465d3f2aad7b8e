//! Core: the course of one poll: probe, facts, samples.

use farwatch_common::sample::Cause;

use super::device::{Activity, Device, Known, Phase, Poll, Step};
use super::line::known_rows;
use super::{Engine, Moment};
use crate::poll::Access;
use crate::poll::counters::count;
use crate::poll::facts::{self, objects};
use crate::poll::names::is_silence;
use crate::poll::plan::CompiledTable;
use crate::poll::walk::Progress;

/// Polls without an answer after which a device is only probed.
const MISSES_MAX: u32 = 3;
/// Most questions of one poll: facts and numbers of a table of `ROWS_MAX` rows by GETNEXT, and as
/// many again for the rest.
const REQUESTS_MAX: u32 = 4_096;
/// Longest poll.
const POLL_US_MAX: u64 = 60_000_000;
/// Longest walk over facts, or over what the objects of a subject are: the numbers behind it need
/// time, too.
const SUBJECT_US_MAX: u64 = 30_000_000;
/// Hints at a change make facts be read no more often than this.
pub(super) const FACTS_GAP_US_MIN: u64 = 60_000_000;

/// Begins to read the table `poll.table`.
fn start_samples(
    poll: &mut Poll,
    (known, rests): (&Known, Option<Cause>),
    table: &CompiledTable,
    absent: u64,
) {
    let shape = known.shape.as_deref();
    poll.resting = rests;
    poll.full = known.full_due || shape.is_none();
    poll.grid.start(table.cells, known_rows(poll.full, &poll.rows, shape));
    if poll.table == 0 {
        poll.system_at = None;
        poll.scalars.clear();
        poll.scalars.resize(table.ask.scalars.len(), None);
    }
    let shape = shape.filter(|_| !poll.full);
    let cells = match (rests, shape) {
        (Some(_), _) => 0,
        (None, Some(shape)) => shape.ask,
        (None, None) => table.all(),
    };
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
            if device.asked_now {
                // Who asks for a poll may have just mended something.
                device.forget_rests();
            }
            // Whether it is silent about its facts or altogether is worth a question.
            let doubtful = device.facts_failures > 0 && device.facts_due_us <= now.mono_us;
            device.misses >= MISSES_MAX || doubtful
        });
        if let Some(poll) = self.polls.get_mut(number as usize) {
            poll.reset(now.mono_us);
        }
        let nothing = |device: &Device| device.target.access == Access::Nothing;
        if self.device(slot).is_some_and(nothing) {
            self.unasked(slot, number, Cause::NoCredential, now);
        } else if probing {
            self.start(slot, number, Phase::Probe, now);
        } else {
            self.start_next(slot, number, now);
        }
    }

    /// Facts if they are due, else samples.
    pub(super) fn start_next(&mut self, slot: u32, number: u32, now: Moment) {
        let facts_wanted = self.plan.plan.facts_every.is_some()
            && self.device(slot).is_some_and(|device| device.facts_due_us <= now.mono_us)
            && self.polls.get(number as usize).is_some_and(|poll| !poll.facts_tried);
        if facts_wanted {
            self.start(slot, number, Phase::Facts, now);
        } else {
            self.start_table(slot, number, 0, now);
        }
    }

    /// Turns to a table of the plan.
    pub(super) fn start_table(&mut self, slot: u32, number: u32, table: usize, now: Moment) {
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
        self.start(slot, number, Phase::Samples, now);
    }

    pub(super) fn start(&mut self, slot: u32, number: u32, phase: Phase, now: Moment) {
        let Self { devices, polls, plan, probe, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        poll.phase = phase;
        poll.phase_us = now.mono_us;
        poll.attempt = 0;
        poll.cut_to = None;
        poll.repeats = false;
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
                let rests = known.retry.rests(now.mono_us);
                start_samples(poll, (known, rests), table, device.absent);
            }
        }
        self.enqueue(slot, number);
    }

    pub(super) fn over_budget(&mut self, slot: u32, now: Moment) {
        count(&self.counters.over_budget);
        self.fail(slot, Cause::Budget, now);
    }

    pub(super) fn poll_of(&self, slot: u32) -> Option<u32> {
        match self.device(slot)?.activity {
            Activity::Asking(number) => Some(number),
            Activity::Idle | Activity::Ready => None,
        }
    }

    pub(super) fn ask_for_less(&mut self, slot: u32, number: u32, now: Moment) {
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
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        poll.spent = poll.requests >= REQUESTS_MAX || now.mono_us > poll.started_us + POLL_US_MAX;
        let is_bounded = matches!(poll.phase, Phase::Facts | Phase::Objects(_));
        if poll.spent || is_bounded && now.mono_us > poll.phase_us + SUBJECT_US_MAX {
            self.out_of_time(slot, number, now);
        } else {
            self.enqueue(slot, number);
        }
    }

    /// Ends a walk that has had its share. The rows that are whole count.
    fn out_of_time(&mut self, slot: u32, number: u32, now: Moment) {
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        poll.cut_to = poll.walk.whole_to();
        match (poll.phase, poll.cut_to) {
            (Phase::Facts, Some(last)) => poll.draft.keep_to(last),
            (Phase::Samples, Some(last)) => {
                poll.grid.keep_to(last);
                count(&self.counters.over_budget);
                return self.table_ended(slot, number, None, now);
            }
            _ => {}
        }
        self.over_budget(slot, now);
    }

    pub(super) fn progressed(&mut self, slot: u32, number: u32, progress: Progress, now: Moment) {
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        let phase = poll.phase;
        if progress == Progress::Done && poll.walk.was_cut() {
            self.tell_cut(slot, number);
        }
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        match (progress, phase) {
            (Progress::More, _) => self.go_on(slot, number, now),
            (Progress::Done, Phase::Probe) => self.is_alive(slot, number, now),
            (Progress::Done, Phase::Facts) => {
                self.emit_facts(slot, number, now);
                self.start_table(slot, number, 0, now);
            }
            (Progress::Done, Phase::Objects(subject)) => {
                let cause = poll.walk.was_refused().then_some(Cause::Unsupported);
                self.subject_ended(slot, number, (subject, cause), now);
            }
            (Progress::Done, Phase::Samples) => self.table_ended(slot, number, None, now),
        }
    }

    /// Rows were left out of what a walk has read.
    fn tell_cut(&mut self, slot: u32, number: u32) {
        count(&self.counters.cut_tables);
        let phase = self.polls.get(number as usize).map(|poll| poll.phase);
        if let Some(device) = self.device_mut(slot)
            && !std::mem::replace(&mut device.was_cut, true)
        {
            let device = device.target.device.0;
            tracing::debug!(device, ?phase, "a table has more rows than are kept");
        }
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
            // However badly it has answered, it is there.
            Phase::Probe if poll.heard && !is_silence(cause) => self.is_alive(slot, number, now),
            Phase::Probe if poll.doubt.take().is_some() => {
                poll.gone = Some(cause);
                self.go_on_behind_table(slot, number, now);
            }
            Phase::Facts if poll.heard => {
                self.facts_failed(slot, number, cause, now);
                self.start_table(slot, number, 0, now);
            }
            Phase::Objects(subject) => {
                self.subject_ended(slot, number, (subject, Some(cause)), now);
            }
            Phase::Probe | Phase::Facts | Phase::Samples => {
                self.table_ended(slot, number, Some(cause), now);
            }
        }
    }

    /// A step of a poll has ended without values. One that was met by silence is the device's fault
    /// or the step's own: a probe tells, see [`Self::is_alive`]. A device that has answered nothing at
    /// all in this poll is gone.
    pub(super) fn step_failed(
        &mut self,
        slot: u32,
        number: u32,
        (step, cause): (Step, Cause),
        now: Moment,
    ) {
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        poll.failed = true;
        if !poll.heard {
            poll.gone = Some(cause);
        } else if is_silence(cause) {
            poll.doubt = Some(step);
        } else {
            self.step_is_in_trouble(slot, number, (step, cause), now);
        }
    }

    /// What to do about a step that failed while the device was there.
    fn step_is_in_trouble(
        &mut self,
        slot: u32,
        number: u32,
        (step, cause): (Step, Cause),
        now: Moment,
    ) {
        let Self { devices, polls, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get(number as usize))
        else {
            return;
        };
        // It came last, and others had taken the time.
        let was_short = now.mono_us <= poll.phase_us + SUBJECT_US_MAX;
        if cause == Cause::Budget && poll.spent && was_short {
            return;
        }
        let scalars_came = poll.system_at.is_some();
        match step {
            Step::Subject(subject) => {
                if let Some(retry) = device.subjects.get_mut(subject as usize) {
                    retry.failed_at_once(cause, now.mono_us);
                }
            }
            // What every poll is for: it is spared only where the device has said why.
            Step::Table(0) if !scalars_came || !is_lasting(cause) => {}
            Step::Table(table) => {
                if let Some(known) = device.tables.get_mut(table) {
                    known.retry.failed(cause, now.mono_us);
                }
            }
        }
    }

    /// A probe was answered: at the start of a poll, or behind a step that was met by silence.
    fn is_alive(&mut self, slot: u32, number: u32, now: Moment) {
        let doubt = self.polls.get_mut(number as usize).and_then(|poll| poll.doubt.take());
        match doubt {
            Some(step) => {
                self.step_is_in_trouble(slot, number, (step, Cause::Timeout), now);
                self.go_on_behind_table(slot, number, now);
            }
            None => self.start_next(slot, number, now),
        }
    }
}

/// Whether the next poll will end in the same way.
fn is_lasting(cause: Cause) -> bool {
    matches!(cause, Cause::Auth | Cause::Budget)
}
