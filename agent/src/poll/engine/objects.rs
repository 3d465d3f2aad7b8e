//! Core: the objects beside the interfaces in the course of a poll: what they are is read behind
//! the interfaces' numbers and before their own, so that nothing about them delays an interface.

use farwatch_common::sample::{Cause, Group};
use farwatch_proto::v1::ObjectFacts;

use super::device::{Device, Phase, Presence, Step};
use super::phases::FACTS_GAP_US_MIN;
use super::retry::Retry;
use super::{Engine, Moment};
use crate::poll::Observation;
use crate::poll::facts::objects::{self, Objects, Told};
use crate::poll::pace::{micros, mix};
use crate::poll::plan::{CompiledTable, Rows, Subject};
use crate::poll::shape::Trait;

/// Parts are read again although nothing hints at a change.
const PARTS_EVERY_US: u64 = 3_600_000_000;
/// Number of the group of parts in their table.
const PARTS: u32 = 0;

/// What one poll learns of the objects.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// They are read in this poll.
    pub due: bool,
    /// How many subjects were, or could not be.
    subjects: usize,
    /// Groups of which something could not be read that was there before: what is known of their
    /// objects stays as it was.
    missing: Vec<u32>,
    told: Vec<(Subject, Vec<Told>)>,
    host: Vec<ObjectFacts>,
    sensors: Vec<ObjectFacts>,
    /// The sensors have the names that they will have.
    sensors_named: bool,
    parts: Option<Vec<ObjectFacts>>,
}

impl Learned {
    /// What the rows of a subject are, if it was read in this poll.
    pub(super) fn told(&self, rows: Rows) -> Option<&[Told]> {
        let Rows::Told(subject) = rows else {
            return None;
        };
        self.told.iter().find(|(of, _)| *of == subject).map(|(_, told)| &told[..])
    }
}

/// Where a subject's objects are sent: a group's number, or that of parts.
fn group_of(subject: Subject) -> u32 {
    match subject {
        Subject::Processors | Subject::Storage => Group::Host as u32,
        Subject::Sensors => Group::Sensors as u32,
        Subject::Parts => PARTS,
    }
}

/// The bit of a group in [`super::device::Device::absent_groups`].
pub(super) fn group_bit(group: Group) -> u32 {
    1 << (group as u32)
}

/// Sensors that have changed need their names, although their parts were read or have failed lately.
fn see_sensors(device: &mut Device, told: &[Told]) {
    let one = |(index, is): &Told| {
        let number = u64::from(*index) << 8 | u64::from(is.exponent.cast_unsigned());
        mix(number) ^ mix(is.metrics)
    };
    let digest = told.iter().fold(0, |digest, told| mix(digest ^ one(told)));
    if device.sensors_digest != digest {
        device.sensors_digest = digest;
        device.parts_due_us = 0;
        if let Some(retry) = device.subjects.get_mut(Subject::Parts as usize) {
            retry.hurry();
        }
    }
}

impl Engine {
    /// The next subject that this poll has to read, if it is one for it.
    pub(super) fn next_subject(&mut self, slot: u32, number: u32, now: Moment) -> Option<Subject> {
        let Self { devices, polls, plan, .. } = self;
        let device = devices.get_mut(slot as usize)?.as_mut()?;
        let poll = polls.get_mut(number as usize)?;
        plan.plan.facts_every?;
        if poll.table != 0 || poll.gone.is_some() {
            return None;
        }
        if !poll.learned.due {
            if device.objects_due_us > now.mono_us || poll.learned.subjects > 0 {
                return None;
            }
            poll.learned.due = true;
            // Tables that nothing tells of are looked for by reading them.
            for (known, table) in device.tables.iter_mut().zip(&plan.tables).skip(1) {
                known.full_due = true;
                let is_told = matches!(table.table.rows, Rows::Told(_));
                let rests = known.retry.rests(now.mono_us).is_some();
                if known.presence == Presence::Absent && !is_told && !rests {
                    known.presence = Presence::Unknown;
                }
            }
        }
        loop {
            let subject = *plan.plan.subjects.get(poll.learned.subjects)?;
            poll.learned.subjects += 1;
            let retry = device.subjects.get(subject as usize)?;
            if retry.rests(now.mono_us).is_some() {
                if retry.has_worked() {
                    poll.learned.missing.push(group_of(subject));
                }
            } else if subject != Subject::Parts || device.parts_due_us <= now.mono_us {
                poll.objects = Objects::new(subject);
                return Some(subject);
            }
        }
    }

    /// Takes what was read of a subject; with a cause it was not all.
    pub(super) fn subject_ended(
        &mut self,
        slot: u32,
        number: u32,
        (subject, cause): (Subject, Option<Cause>),
        now: Moment,
    ) {
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        let (told, facts) = std::mem::replace(&mut poll.objects, Objects::new(subject)).finish();
        // More parts than are kept, or than can be read in time: the next time is no better.
        let is_bounded =
            subject == Subject::Parts && cause == Some(Cause::Budget) && !facts.is_empty();
        match cause.filter(|_| !is_bounded) {
            Some(cause) => self.subject_failed(slot, number, (subject, cause), (facts, now)),
            None => self.subject_read(slot, number, subject, (told, facts, now)),
        }
        self.go_on_behind_table(slot, number, now);
    }

    fn subject_read(
        &mut self,
        slot: u32,
        number: u32,
        subject: Subject,
        (told, facts, now): (Vec<Told>, Vec<ObjectFacts>, Moment),
    ) {
        let table = self.table_of(subject);
        let Self { devices, polls, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        if let Some(retry) = device.subjects.get_mut(subject as usize) {
            retry.worked();
            if told.is_empty() && subject != Subject::Parts {
                retry.absent(now.mono_us);
            }
        }
        match subject {
            Subject::Processors | Subject::Storage => poll.learned.host.extend(facts),
            Subject::Sensors => {
                poll.learned.sensors = facts;
                see_sensors(device, &told);
            }
            Subject::Parts => {
                objects::name_sensors(&mut poll.learned.sensors, &facts);
                poll.learned.sensors_named = true;
                poll.learned.parts = Some(facts);
                device.parts_due_us = now.mono_us + PARTS_EVERY_US;
            }
        }
        if let Some(table) = table {
            self.table_told(slot, number, (table, subject), told, now);
        }
    }

    /// A subject could not be read, or not to its end.
    fn subject_failed(
        &mut self,
        slot: u32,
        number: u32,
        (subject, cause): (Subject, Cause),
        (facts, now): (Vec<ObjectFacts>, Moment),
    ) {
        let table = self.table_of(subject);
        self.step_failed(slot, number, (Step::Subject(subject), cause), now);
        let Self { devices, polls, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        let Some(retry) = device.subjects.get(subject as usize) else {
            return;
        };
        if retry.has_worked() {
            poll.learned.missing.push(group_of(subject));
        }
        if subject == Subject::Parts {
            // Some names are better than none; but those of before are not given up for one failure.
            objects::name_sensors(&mut poll.learned.sensors, &facts);
            let [_, sensors, _] = device.object_digests;
            poll.learned.sensors_named = sensors == 0 || retry.failures() > 0;
        }
        let unknown = |presence| presence == Presence::Unknown;
        if let Some(table) = table
            && self.presence(slot, table).is_some_and(unknown)
        {
            self.emit_table(slot, number, table, Some(cause), now);
        }
    }

    /// The table whose rows a subject tells.
    fn table_of(&self, subject: Subject) -> Option<usize> {
        let tells = |table: &CompiledTable| table.table.rows == Rows::Told(subject);
        self.plan.tables.iter().position(tells).filter(|table| *table > 0)
    }

    /// Brings what is known of a table in line with what its facts say.
    fn table_told(
        &mut self,
        slot: u32,
        number: u32,
        (table, subject): (usize, Subject),
        told: Vec<Told>,
        now: Moment,
    ) {
        let Self { devices, polls, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        let Some(known) = device.tables.get_mut(table) else {
            return;
        };
        let was_here = known.presence == Presence::Here;
        if told.is_empty() {
            known.presence = Presence::Absent;
        } else if known.presence != Presence::Absent || known.retry.rests(now.mono_us).is_none() {
            known.presence = Presence::Here;
        }
        poll.learned.told.push((subject, told));
        if was_here && self.presence(slot, table) == Some(Presence::Absent) {
            self.emit_table(slot, number, table, Some(Cause::Unsupported), now);
            if let Some(known) = self.device_mut(slot).and_then(|d| d.tables.get_mut(table)) {
                known.shape = None;
            }
        }
    }

    fn presence(&self, slot: u32, table: usize) -> Option<Presence> {
        Some(self.device(slot)?.tables.get(table)?.presence)
    }

    /// Subjects that are due, then the tables that the device has, then the end.
    pub(super) fn go_on_behind_table(&mut self, slot: u32, number: u32, now: Moment) {
        if self.polls.get(number as usize).is_some_and(|poll| poll.doubt.is_some()) {
            return self.start(slot, number, Phase::Probe, now);
        }
        if let Some(subject) = self.next_subject(slot, number, now) {
            return self.start(slot, number, Phase::Objects(subject), now);
        }
        loop {
            let Some((table, rests)) = self.next_table(slot, number, now) else {
                self.settle_objects(slot, number, now);
                return self.end_poll(slot, number, now);
            };
            let Some(poll) = self.polls.get_mut(number as usize) else {
                return;
            };
            // What it has, and is not asked for any more, shares the fate of the device.
            let Some(cause) = poll.gone.or(rests) else {
                return self.start_table(slot, number, table, now);
            };
            poll.table = table;
            poll.failed = true;
            self.emit_table(slot, number, table, Some(cause), now);
        }
    }

    /// The next table that the device has or may have, and why it rests if it does.
    fn next_table(&self, slot: u32, number: u32, now: Moment) -> Option<(usize, Option<Cause>)> {
        let (device, poll) = (self.device(slot)?, self.polls.get(number as usize)?);
        let after = poll.table + 1;
        let is_told = |table: usize| {
            self.plan.tables.get(table).is_some_and(|t| matches!(t.table.rows, Rows::Told(_)))
        };
        (after..).zip(device.tables.iter().skip(after)).find_map(|(table, known)| {
            let rests = known.retry.rests(now.mono_us);
            let is_next = match known.presence {
                Presence::Here => true,
                Presence::Unknown => poll.gone.is_none() && rests.is_none() && !is_told(table),
                Presence::Absent => false,
            };
            is_next.then_some((table, rests))
        })
    }

    /// Sends what the objects are, where that has changed, and plans when to look again.
    fn settle_objects(&mut self, slot: u32, number: u32, now: Moment) {
        let every = micros(self.plan.plan.facts_every.unwrap_or_default());
        let Self { devices, polls, plan, observations, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        if !poll.learned.due {
            return;
        }
        let mut learned = std::mem::take(&mut poll.learned);
        device.objects_read_us = now.mono_us;
        let due_us = now.mono_us + every;
        let soonest_us = due_us.min(now.mono_us + FACTS_GAP_US_MIN);
        if poll.gone.is_some() {
            // A device that fell silent has not told all.
            device.objects_due_us = soonest_us;
            return;
        }
        let retries = device.subjects.iter().filter(|retry| retry.rests(now.mono_us).is_some());
        let retried_us = retries.map(Retry::rests_until_us).min().unwrap_or(due_us);
        device.objects_due_us = retried_us.clamp(soonest_us, due_us);
        for (known, table) in device.tables.iter().zip(&plan.tables).skip(1) {
            if let Some(shape) = known.shape.as_ref().filter(|_| table.of_scalars()) {
                learned.host.extend(shape.objects_of_scalars());
            }
        }
        let mut tables = vec![(0, Group::Host as u32, learned.host)];
        if learned.sensors_named {
            tables.push((1, Group::Sensors as u32, learned.sensors));
        }
        if let Some(parts) = learned.parts {
            tables.push((2, PARTS, parts));
        }
        tables.retain(|(_, group, _)| !learned.missing.contains(group));
        for (at, group, objects) in tables {
            let Some(sent) = device.object_digests.get_mut(at) else {
                continue;
            };
            let is_news = !objects.is_empty() || *sent != 0;
            let (event, digest) = objects::table(device.target.device, group, objects, now.wall);
            if is_news && *sent != digest {
                *sent = digest;
                observations.push_back(Observation::Event(event));
            }
        }
        self.tell_what_is_absent(slot, number, now);
    }

    /// Says once of a group, all of whose tables a device lacks, that it has none of it.
    fn tell_what_is_absent(&mut self, slot: u32, number: u32, now: Moment) {
        for group in Group::ALL {
            let of_group = |table: &usize| {
                *table > 0 && self.plan.tables.get(*table).is_some_and(|t| t.table.group == group)
            };
            let tables: Vec<usize> = (0..self.plan.tables.len()).filter(of_group).collect();
            let absent = !tables.is_empty()
                && tables.iter().all(|table| self.presence(slot, *table) == Some(Presence::Absent));
            let Some(device) = self.device_mut(slot) else {
                return;
            };
            let bit = group_bit(group);
            let said = device.absent_groups & bit != 0;
            if !absent {
                device.absent_groups &= !bit;
            }
            if let Some(table) = tables.first().filter(|_| absent && !said) {
                self.emit_table(slot, number, *table, Some(Cause::Unsupported), now);
            }
        }
    }

    /// What a row of a table is, of facts of this poll or of earlier ones.
    pub(super) fn trait_of(told: Option<&[Told]>, before: Option<Trait>, index: u32) -> Trait {
        let Some(told) = told else {
            return before.unwrap_or(Trait::NOTHING);
        };
        told.binary_search_by_key(&index, |(row, _)| *row)
            .ok()
            .and_then(|at| told.get(at))
            .map_or(Trait::NOTHING, |(_, is)| *is)
    }
}
