//! Core: the end of a poll: rows, events, the next slot.

use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Cause, Group, Row};
use farwatch_proto::v1::{Event, event};

use super::device::{Activity, Known, Polled, Presence, Step};
use super::objects::group_bit;
use super::phases::FACTS_GAP_US_MIN;
use super::{Engine, Moment};
use crate::poll::Observation;
use crate::poll::counters::count;
use crate::poll::pace::micros;
use crate::poll::plan::{Rows, Subject};
use crate::poll::probe::Asked;
use crate::poll::shape::{Shape, Trait};

/// The device an event of this stage tells of.
pub(super) fn device_of(event: &Event) -> Option<DeviceId> {
    match event.kind.as_ref()? {
        event::Kind::DeviceFacts(facts) => Some(DeviceId(facts.device_id)),
        event::Kind::InterfaceTable(table) => Some(DeviceId(table.device_id)),
        event::Kind::ObjectTable(table) => Some(DeviceId(table.device_id)),
        event::Kind::Gap(_) => None,
    }
}

impl Engine {
    /// Sends the facts that have changed since they were last sent.
    pub(super) fn emit_facts(&mut self, slot: u32, number: u32, now: Moment) {
        let every = self.plan.plan.facts_every.unwrap_or_default();
        if let Some(device) = self.device_mut(slot) {
            device.facts_read_us = now.mono_us;
            device.facts_due_us = now.mono_us + micros(every);
            device.facts_failures = 0;
            device.absent = 0;
            // What it choked on may have been the line's fault.
            device.chokes = 0;
            if let Some(interfaces) = device.tables.first_mut() {
                interfaces.full_due = true;
            }
        }
        self.send_facts(slot, number, (true, now));
        let Self { devices, polls, .. } = self;
        if let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get(number as usize))
            && let Some(interfaces) = device.tables.first_mut()
            && !poll.rows.is_empty()
        {
            // It has interfaces, whatever it said of their numbers.
            interfaces.retry.hurry();
        }
    }

    /// Facts could not be read to the end: what the device says of itself counts all the same, and so
    /// do the names that came in time, unless more are known. A lost
    /// question is asked again in the next poll, and then less and less often.
    pub(super) fn facts_failed(&mut self, slot: u32, number: u32, cause: Cause, now: Moment) {
        let every_us = micros(self.plan.plan.facts_every.unwrap_or_default());
        let Some(device) = self.device_mut(slot) else {
            return;
        };
        let interval_us = device.schedule.interval_us();
        let slots = 1u64.checked_shl(device.facts_failures).unwrap_or(u64::MAX);
        // Half an interval early: due at a slot, not behind it.
        let wait_us = match cause {
            Cause::Auth | Cause::Budget | Cause::Unsupported => every_us,
            _ => interval_us.saturating_mul(slots) - interval_us / 2,
        };
        device.facts_failures = device.facts_failures.saturating_add(1);
        device.facts_read_us = now.mono_us;
        device.facts_due_us = now.mono_us + wait_us.min(every_us);
        if self.polls.get(number as usize).is_some_and(|poll| poll.walk.scalars_done()) {
            self.send_facts(slot, number, (false, now));
        }
    }

    /// Those of the device, and if they came to the end or to their time those of its interfaces.
    fn send_facts(&mut self, slot: u32, number: u32, (whole, now): (bool, Moment)) {
        let Self { devices, polls, observations, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        if whole {
            poll.rows = poll.draft.indexes();
        }
        let change = poll.draft.entity_change;
        if change.is_some() && device.entity_change != change {
            device.entity_change = change;
            device.objects_due_us = 0;
            device.parts_due_us = 0;
            for subject in [Subject::Sensors, Subject::Parts] {
                if let Some(retry) = device.subjects.get_mut(subject as usize) {
                    retry.hurry();
                }
            }
        }
        let named = poll.draft.interfaces();
        let is_table = whole || poll.cut_to.is_some() && named >= device.named;
        if is_table {
            device.named = named;
        }
        let draft = std::mem::take(&mut poll.draft);
        let events = draft.finish(device.target.device, device.answers_from, now.wall);
        let sent = if is_table { events.len() } else { 1 };
        for ((event, digest), sent) in events.into_iter().zip(&mut device.digests).take(sent) {
            if *sent != digest {
                *sent = digest;
                observations.push_back(Observation::Event(event));
            }
        }
    }

    /// Ends the table that a poll reads. With a cause it has no values, but what the device has
    /// said of itself before counts.
    pub(super) fn table_ended(
        &mut self,
        slot: u32,
        number: u32,
        cause: Option<Cause>,
        now: Moment,
    ) {
        let Some(table) = self.polls.get(number as usize).map(|poll| poll.table) else {
            return;
        };
        if let Some(cause) = cause {
            self.step_failed(slot, number, (Step::Table(table), cause), now);
        }
        if table == 0 {
            if let Some(poll) = self.polls.get_mut(number as usize) {
                poll.outcome = cause.filter(|_| poll.system_at.is_none());
                // What a device lacks is no failure.
                poll.failed |= poll.resting.is_some_and(|cause| cause != Cause::Unsupported);
            }
            self.emit_system(slot, number, now.wall);
        }
        if self.plan.tables.get(table).is_some_and(|table| !table.table.metrics.is_empty()) {
            self.emit_table(slot, number, table, cause, now);
        }
        self.go_on_behind_table(slot, number, now);
    }

    /// Ends a poll in which nothing can be asked. That is said once, of the device itself, and no
    /// failure of its.
    pub(super) fn unasked(&mut self, slot: u32, number: u32, cause: Cause, now: Moment) {
        if let Some(poll) = self.polls.get_mut(number as usize) {
            poll.outcome = Some(cause);
        }
        self.emit_system(slot, number, now.wall);
        self.end_poll(slot, number, now);
    }

    pub(super) fn end_poll(&mut self, slot: u32, number: u32, now: Moment) {
        let poll = self.polls.get(number as usize);
        let (heard, failed) = poll.map_or((false, true), |poll| (poll.heard, poll.failed));
        count(&self.counters.polls);
        if failed {
            count(&self.counters.failed);
        }
        let Self { devices, polls, polled, settings, observations, .. } = self;
        if let Some(Some(device)) = devices.get_mut(slot as usize) {
            if settings.tell_ends {
                observations.push_back(Observation::Ended(device.target.device));
            }
            device.misses = if heard { 0 } else { device.misses.saturating_add(1) };
            device.activity = Activity::Idle;
            if std::mem::take(&mut device.asked_now)
                && let Some(poll) = polls.get(number as usize)
            {
                let outcome = Polled {
                    cause: poll.outcome,
                    asked: Asked::with(&device.target.access),
                    rtt_us: poll.rtt_us,
                    values: poll.values,
                    answers_from: device.answers_from,
                };
                polled.push_back((device.target.device, Some(outcome)));
            }
        }
        self.idle_polls.push(number);
        self.schedule(slot, now);
    }

    fn emit_system(&mut self, slot: u32, number: u32, at: Micros) {
        let (Some(device), Some(poll)) = (self.device(slot), self.polls.get(number as usize))
        else {
            return;
        };
        let cause = poll.outcome;
        let mut values = Vec::new();
        if cause.is_none() {
            values.reserve_exact(self.plan.system.columns.len());
            values.push(Some(1));
            let metrics = self.plan.plan.scalars.iter().zip(&poll.scalars);
            values.extend(
                metrics.filter(|(scalar, _)| scalar.metric.is_some()).map(|(_, value)| *value),
            );
            values.push(poll.rtt_us);
        }
        let came = values.iter().flatten().count();
        let row = Row {
            device: device.target.device,
            group: Group::System,
            schema: self.plan.system_id,
            at: poll.system_at.unwrap_or(at),
            cause,
            values,
        };
        self.observations.push_back(Observation::Row { row, schema: self.plan.system.clone() });
        if let Some(poll) = self.polls.get_mut(number as usize) {
            poll.values += u32::try_from(came).unwrap_or(0);
        }
    }

    pub(super) fn emit_table(
        &mut self,
        slot: u32,
        number: u32,
        table: usize,
        cause: Option<Cause>,
        now: Moment,
    ) {
        let before = self.shape_of(slot, table);
        let cause = cause.or(self.polls.get(number as usize).and_then(|poll| poll.resting));
        let read = cause.is_none();
        let cause = cause.or_else(|| self.settle_shape(slot, number, table, now));
        let Self { devices, polls, plan, shapes, observations, .. } = self;
        let (Some(Some(device)), Some(poll), Some(compiled)) = (
            devices.get_mut(slot as usize),
            polls.get_mut(number as usize),
            plan.tables.get(table),
        ) else {
            return;
        };
        let group = compiled.table.group;
        let Some(known) = device.tables.get_mut(table) else {
            return;
        };
        // Of what a device never had no row tells.
        if table > 0 && read && before.is_none() && known.presence == Presence::Absent {
            return;
        }
        let shape = known.shape.as_ref().or(before.as_ref());
        let Some((schema_id, schema)) =
            shape.map(|shape| (shape.id, shape.schema.clone())).or_else(|| shapes.empty(group))
        else {
            return;
        };
        let values = match &known.shape {
            Some(shape) if cause.is_none() => shape.read(&poll.grid, &mut known.past),
            _ => Vec::new(),
        };
        if known.presence == Presence::Absent {
            device.absent_groups |= group_bit(group);
        }
        // Two rows of a group have two times, or one would be taken for the other's repetition.
        let at = poll.row_at.map_or(now.wall, |last| now.wall.max(Micros(last.0 + 1)));
        poll.row_at = Some(at);
        poll.values += u32::try_from(values.iter().flatten().count()).unwrap_or(0);
        let row = Row { device: device.target.device, group, schema: schema_id, at, cause, values };
        observations.push_back(Observation::Row { row, schema });
    }

    fn shape_of(&self, slot: u32, table: usize) -> Option<Arc<Shape>> {
        self.device(slot)?.tables.get(table)?.shape.clone()
    }

    /// Brings what is known of a table in line with what this poll has found. Gives the cause why
    /// there are no values, if there are none.
    fn settle_shape(&mut self, slot: u32, number: u32, table: usize, now: Moment) -> Option<Cause> {
        let left_to_scalars = self.left_to_scalars(slot, table);
        let Self { devices, polls, plan, shapes, .. } = self;
        let (Some(Some(device)), Some(poll), Some(compiled)) = (
            devices.get_mut(slot as usize),
            polls.get_mut(number as usize),
            plan.tables.get(table),
        ) else {
            return Some(Cause::Unsupported);
        };
        let refused = poll.walk.was_refused();
        let known = device.tables.get_mut(table)?;
        let end = known.shape.as_ref().and_then(|shape| shape.rows.last());
        if poll.cut_to.is_some_and(|last| end.is_some_and(|end| *end > last)) {
            // What there was no time for is missing, and not gone.
            return None;
        }
        if !poll.full {
            known.learned = poll.walk.varbind_sixteenths;
            if known.shape.as_ref().is_some_and(|shape| shape.fits(&poll.grid)) {
                known.retry.worked();
                return None;
            }
        }
        if refused && poll.grid.masks().iter().all(|seen| *seen == 0) {
            // It may have a table and would not give it now.
            if table > 0 {
                known.retry.failed(Cause::Unsupported, now.mono_us);
            }
            return Some(Cause::Unsupported);
        }
        // Rows came or went: look at all columns, and at their names, in the next poll.
        known.full_due = !poll.full || refused;
        if !poll.full {
            let soonest = now.mono_us.max(device.facts_read_us + FACTS_GAP_US_MIN);
            let due =
                if table == 0 { &mut device.facts_due_us } else { &mut device.objects_due_us };
            *due = soonest.min(*due);
        }
        let before = known.shape.clone();
        let told = poll.learned.told(compiled.table.rows);
        let of_facts = |index: u32| {
            let before = before.as_ref().and_then(|shape| shape.trait_of(index));
            Self::trait_of(told, before, index)
        };
        let of_scalars = |_: u32| Trait { metrics: left_to_scalars, ..Trait::NOTHING };
        let trait_of: Option<&dyn Fn(u32) -> Trait> = match compiled.table.rows {
            Rows::Alike => None,
            Rows::Scalars => Some(&of_scalars),
            Rows::Told(_) => Some(&of_facts),
        };
        let kept = before.as_deref().filter(|_| !poll.full || refused);
        known.shape = shapes.learn(compiled, &poll.grid, kept, trait_of);
        // A table without rows of interest is one the device does not have.
        if known.shape.is_some() {
            known.presence = Presence::Here;
            known.retry.worked();
            return None;
        }
        known.presence = Presence::Absent;
        known.retry.absent(now.mono_us);
        Some(Cause::Unsupported)
    }

    /// The metrics of a table of scalars, one bit each: those of objects of which another table of
    /// the group has none.
    fn left_to_scalars(&self, slot: u32, table: usize) -> u64 {
        let (Some(device), Some(compiled)) = (self.device(slot), self.plan.tables.get(table))
        else {
            return 0;
        };
        if !compiled.of_scalars() {
            return 0;
        }
        let others = || {
            self.plan.tables.iter().zip(&device.tables).filter(|(other, _)| {
                !other.of_scalars() && other.table.group == compiled.table.group
            })
        };
        let elsewhere = |object: &str| {
            let kind = object.split(':').next().unwrap_or_default();
            let has =
                |known: &Known| known.shape.as_ref().is_some_and(|shape| shape.has_objects(kind));
            !kind.is_empty() && others().any(|(_, known)| has(known))
        };
        let metrics = compiled.table.metrics.iter().enumerate();
        metrics
            .filter(|(_, metric)| !elsewhere(metric.object))
            .fold(0, |bits, (at, _)| bits | 1 << at)
    }
}
