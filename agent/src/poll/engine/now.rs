//! Core: polls that somebody asks for.

use farwatch_common::id::DeviceId;
use farwatch_common::sample::Cause;

use super::Engine;
use super::device::{Activity, Polled};

impl Engine {
    /// Polls a device beside its schedule, which stays; one that is being polled goes on. Its outcome
    /// is [`Self::polled`]. False if there is no such device.
    pub fn poll_now(&mut self, device: DeviceId) -> bool {
        let Some(slot) = self.by_id.get(&device).copied() else {
            return false;
        };
        let room = self.room;
        let Some(known) = self.devices.get_mut(slot as usize).and_then(Option::as_mut) else {
            return false;
        };
        if known.activity == Activity::Idle {
            if !room {
                let polled = Polled { cause: Some(Cause::Budget), ..Polled::default() };
                self.polled.push_back((device, Some(polled)));
                return true;
            }
            known.activity = Activity::Ready;
            self.wheel.cancel(slot);
            self.ready.push_back(slot);
        }
        known.asked_now = true;
        true
    }

    /// The next outcome of a poll that was asked for.
    pub fn polled(&mut self) -> Option<(DeviceId, Option<Polled>)> {
        self.polled.pop_front()
    }
}
