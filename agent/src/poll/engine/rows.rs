//! Core: the end of a poll: rows, events, the next slot.

use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Cause, Group, Row};
use farwatch_proto::v1::{Event, event};

use super::device::Activity;
use super::phases::FACTS_GAP_US_MIN;
use super::{Engine, Moment, micros};
use crate::poll::Observation;
use crate::poll::counters::count;
use crate::poll::shape::Shape;

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
        self.facts_read(slot, now);
        let Self { devices, polls, observations, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get_mut(number as usize))
        else {
            return;
        };
        poll.rows = poll.draft.indexes();
        let events = std::mem::take(&mut poll.draft).finish(device.target.device, now.wall);
        for ((event, digest), sent) in events.into_iter().zip(&mut device.digests) {
            if *sent != digest {
                *sent = digest;
                observations.push_back(Observation::Event(event));
            }
        }
    }

    /// Notes that facts were read, or that the device does not give them.
    pub(super) fn facts_read(&mut self, slot: u32, now: Moment) {
        let every = self.plan.plan.facts_every.unwrap_or_default();
        if let Some(device) = self.device_mut(slot) {
            device.facts_read_us = now.mono_us;
            device.facts_due_us = now.mono_us + micros(every);
            device.full_due = true;
        }
    }

    /// Ends a poll. With a cause, what was not answered yet has no values.
    pub(super) fn finish_samples(
        &mut self,
        slot: u32,
        number: u32,
        cause: Option<Cause>,
        now: Moment,
    ) {
        self.emit_system(slot, number, cause, now.wall);
        if !self.plan.plan.table.metrics.is_empty() {
            self.emit_table(slot, number, cause, now);
        }
        let heard = self.polls.get(number as usize).is_some_and(|poll| poll.heard);
        count(&self.counters.polls);
        if cause.is_some() {
            count(&self.counters.failed);
        }
        if let Some(device) = self.device_mut(slot) {
            device.misses = if heard { 0 } else { device.misses.saturating_add(1) };
            device.activity = Activity::Idle;
        }
        self.idle_polls.push(number);
        self.schedule(slot, now);
    }

    fn emit_system(&mut self, slot: u32, number: u32, cause: Option<Cause>, at: Micros) {
        let (Some(device), Some(poll)) = (self.device(slot), self.polls.get(number as usize))
        else {
            return;
        };
        // Scalars that came in before the table failed are good.
        let cause = if poll.system_at.is_some() { None } else { cause };
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
        let row = Row {
            device: device.target.device,
            group: Group::System,
            schema: self.plan.system_id,
            at: poll.system_at.unwrap_or(at),
            cause,
            values,
        };
        self.observations.push_back(Observation::Row { row, schema: self.plan.system.clone() });
    }

    fn emit_table(&mut self, slot: u32, number: u32, cause: Option<Cause>, now: Moment) {
        let learned = if cause.is_none() { self.settle_shape(slot, number, now) } else { None };
        let (Some(device), Some(poll)) = (self.device(slot), self.polls.get(number as usize))
        else {
            return;
        };
        // A table without rows is one the device does not have.
        let cause = cause.or(if learned.is_none() { Some(Cause::Unsupported) } else { None });
        let (schema_id, schema) = match &device.shape {
            Some(shape) => (shape.id, shape.schema.clone()),
            None => self.shapes.empty(),
        };
        let values = match (&learned, cause) {
            (Some(shape), None) => shape.read(&poll.grid),
            _ => Vec::new(),
        };
        let row = Row {
            device: device.target.device,
            group: Group::Interfaces,
            schema: schema_id,
            at: now.wall,
            cause,
            values,
        };
        self.observations.push_back(Observation::Row { row, schema });
    }

    /// Brings the device's shape in line with what this poll has found.
    fn settle_shape(&mut self, slot: u32, number: u32, now: Moment) -> Option<Arc<Shape>> {
        let Self { devices, polls, plan, shapes, .. } = self;
        let (Some(Some(device)), Some(poll)) =
            (devices.get_mut(slot as usize), polls.get(number as usize))
        else {
            return None;
        };
        if !poll.full {
            device.learned = poll.walk.varbind_sixteenths;
            if let Some(shape) = device.shape.as_ref().filter(|shape| shape.fits(&poll.grid)) {
                return Some(shape.clone());
            }
            // Rows came or went: look at all columns, and at their names, in the next poll.
            device.full_due = true;
            let soonest = now.mono_us.max(device.facts_read_us + FACTS_GAP_US_MIN);
            device.facts_due_us = device.facts_due_us.min(soonest);
        } else {
            device.full_due = false;
        }
        let before = device.shape.as_deref().filter(|_| !poll.full);
        let shape = shapes.learn(plan, &poll.grid, before);
        device.shape.clone_from(&shape);
        shape
    }
}
