//! Core: which devices there are, and where.

use std::collections::HashMap;
use std::net::SocketAddr;

use farwatch_common::id::DeviceId;

use super::device::{Activity, Device};
use super::{DEVICES_MAX, Engine, GENERATIONS, Moment};
use crate::poll::Target;
use crate::poll::pace::{Asker, Schedule};

impl Engine {
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
                let first = (self.next_random() >> 48) as u16 % GENERATIONS;
                self.generations.push(first);
                u32::try_from(self.devices.len() - 1).unwrap_or(0)
            }
            None => return false,
        };
        let address = target.literal();
        let first = (self.settings.first_poll_within, address.is_some());
        let schedule =
            Schedule::new((Asker::Snmp, target.device), target.interval, first, now.mono_us);
        let mut device = Device::new(target.clone(), schedule, self.plan.tables.len());
        device.address = address;
        self.wheel.set(slot, schedule.due_us());
        self.by_id.insert(target.device, slot);
        if let Some(place) = self.devices.get_mut(slot as usize) {
            *place = Some(device);
        }
        true
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
        if let Activity::Asking(number) = device.activity {
            self.resume(number);
            self.idle_polls.push(number);
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
            device.schedule.hurry(now.mono_us);
            self.wheel.set(slot, device.schedule.due_us());
        }
    }
}
