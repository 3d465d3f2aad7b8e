//! Core: the objects beside the interfaces in the course of a poll: what they are is read behind
//! the interfaces' numbers and before their own, so that nothing about them delays an interface.

use farwatch_common::sample::{Cause, Group};
use farwatch_proto::v1::ObjectFacts;

use super::device::{Phase, Presence};
use super::phases::FACTS_GAP_US_MIN;
use super::{Engine, Moment, micros};
use crate::poll::Observation;
use crate::poll::facts::objects::{self, Objects, Told};
use crate::poll::plan::{Rows, Subject};
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
    /// Something could not be read: it is tried again soon, and the table it is in stays as it was.
    missing: Vec<u32>,
    told: Vec<(Subject, Vec<Told>)>,
    host: Vec<ObjectFacts>,
    sensors: Vec<ObjectFacts>,
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

impl Engine {
    /// The next subject that this poll has to read, if it is one for it.
    pub(super) fn next_subject(&mut self, slot: u32, number: u32, now: Moment) -> Option<Subject> {
        let Self { devices, polls, plan, .. } = self;
        let device = devices.get_mut(slot as usize)?.as_mut()?;
        let poll = polls.get_mut(number as usize)?;
        plan.plan.facts_every?;
        if poll.table != 0 || poll.gone {
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
                if known.presence == Presence::Absent && !is_told {
                    known.presence = Presence::Unknown;
                }
            }
        }
        loop {
            let subject = *plan.plan.subjects.get(poll.learned.subjects)?;
            poll.learned.subjects += 1;
            if subject != Subject::Parts || device.parts_due_us <= now.mono_us {
                poll.objects = Objects::new(subject);
                return Some(subject);
            }
        }
    }

    /// Takes what was read of a subject; with a cause it could not be.
    pub(super) fn subject_ended(
        &mut self,
        slot: u32,
        number: u32,
        (subject, cause): (Subject, Option<Cause>),
        now: Moment,
    ) {
        let table = self
            .plan
            .tables
            .iter()
            .position(|table| table.table.rows == Rows::Told(subject))
            .filter(|table| *table > 0);
        self.note(number, cause);
        if cause.is_some() {
            if let Some(poll) = self.polls.get_mut(number as usize) {
                poll.learned.missing.push(group_of(subject));
            }
            let unknown = |presence| presence == Presence::Unknown;
            if let Some(table) = table
                && self.presence(slot, table).is_some_and(unknown)
            {
                self.emit_table(slot, number, table, cause, now);
            }
            return self.go_on_behind_table(slot, number, now);
        }
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        let (told, facts) = std::mem::replace(&mut poll.objects, Objects::new(subject)).finish();
        match subject {
            Subject::Processors | Subject::Storage => poll.learned.host.extend(facts),
            Subject::Sensors => poll.learned.sensors = facts,
            Subject::Parts => {
                objects::name_sensors(&mut poll.learned.sensors, &facts);
                poll.learned.parts = Some(facts);
                if let Some(device) = self.device_mut(slot) {
                    device.parts_due_us = now.mono_us + PARTS_EVERY_US;
                }
            }
        }
        if let Some(table) = table {
            self.table_told(slot, number, (table, subject), told, now);
        }
        self.go_on_behind_table(slot, number, now);
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
        } else {
            known.presence = Presence::Here;
        }
        if subject == Subject::Sensors {
            let before = |index| known.shape.as_ref().and_then(|shape| shape.trait_of(index));
            let rows = known.shape.as_ref().map_or(0, |shape| shape.rows.len());
            if rows != told.len() || told.iter().any(|(index, is)| before(*index) != Some(*is)) {
                // They need their names.
                device.parts_due_us = 0;
            }
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

    /// Remembers how the last step of a poll ended. A device that is silent twice in a row, or was
    /// from the first question on, is asked nothing more.
    pub(super) fn note(&mut self, number: u32, cause: Option<Cause>) {
        let Some(poll) = self.polls.get_mut(number as usize) else {
            return;
        };
        poll.gone |= !poll.heard && cause.is_some()
            || cause == Some(Cause::Timeout) && poll.cause == Some(Cause::Timeout);
        poll.cause = cause;
        poll.failed |= cause.is_some();
    }

    /// Subjects that are due, then the tables that the device has, then the end.
    pub(super) fn go_on_behind_table(&mut self, slot: u32, number: u32, now: Moment) {
        if let Some(subject) = self.next_subject(slot, number, now) {
            return self.start(slot, number, Phase::Objects(subject));
        }
        let (Some(device), Some(poll)) = (self.device(slot), self.polls.get(number as usize))
        else {
            return;
        };
        let (after, gone, cause) = (poll.table + 1, poll.gone, poll.cause);
        let is_told = |table: usize| {
            self.plan.tables.get(table).is_some_and(|t| matches!(t.table.rows, Rows::Told(_)))
        };
        let next =
            (after..).zip(device.tables.iter().skip(after)).find(|(table, known)| {
                match known.presence {
                    Presence::Here => true,
                    Presence::Unknown => !gone && !is_told(*table),
                    Presence::Absent => false,
                }
            });
        match next.map(|(table, _)| table) {
            Some(table) if !gone => self.start_table(slot, number, table),
            // What it has, and is not asked for any more, shares the fate of the last.
            Some(table) => {
                if let Some(poll) = self.polls.get_mut(number as usize) {
                    poll.table = table;
                }
                self.emit_table(slot, number, table, cause.or(Some(Cause::Timeout)), now);
                self.go_on_behind_table(slot, number, now);
            }
            None => {
                self.settle_objects(slot, number, now);
                self.end_poll(slot, number, now);
            }
        }
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
        // A device that fell silent has not told all.
        let all = learned.missing.is_empty() && !poll.gone;
        let wait = if all { every } else { every.min(FACTS_GAP_US_MIN) };
        device.objects_due_us = now.mono_us + wait;
        if poll.gone {
            return;
        }
        for (known, table) in device.tables.iter().zip(&plan.tables).skip(1) {
            if let Some(shape) = known.shape.as_ref().filter(|_| table.of_scalars()) {
                learned.host.extend(shape.objects_of_scalars());
            }
        }
        let mut tables = vec![(0, Group::Host as u32, learned.host)];
        if let Some(parts) = learned.parts {
            tables.push((1, Group::Sensors as u32, learned.sensors));
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
