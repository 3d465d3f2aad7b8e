//! The way to the next stage, and what found no room on it.
//!
//! Polling waits for nobody: an observation that finds the channel full is dropped. It is noted at
//! once, beside the channel, so that the next stage can declare it with its next commit, however full
//! the channel is and even if polling has ended by then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use farwatch_common::clock::Micros;
use farwatch_common::sample::Class;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::{Observation, PollError};

/// The end that polling holds. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outlet {
    out: mpsc::Sender<Observation>,
    unplaced: Arc<Unplaced>,
}

/// The end of the next stage.
#[derive(Debug)]
pub struct Inlet {
    observations: mpsc::Receiver<Observation>,
    unplaced: Arc<Unplaced>,
}

/// What found no room, by class, until it is taken note of.
#[derive(Debug, Default)]
pub struct Unplaced(Mutex<BTreeMap<Class, Loss>>);

/// How much of a class is lost, and of which times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    pub from: Micros,
    pub to: Micros,
    pub count: u64,
}

/// A way for `observations` observations.
#[must_use]
pub fn channel(observations: usize) -> (Outlet, Inlet) {
    let (out, observations) = mpsc::channel(observations);
    let unplaced = Arc::new(Unplaced::default());
    (Outlet { out, unplaced: Arc::clone(&unplaced) }, Inlet { observations, unplaced })
}

/// For who does not care what is lost, as of a single probe.
impl From<mpsc::Sender<Observation>> for Outlet {
    fn from(out: mpsc::Sender<Observation>) -> Self {
        Self { out, unplaced: Arc::default() }
    }
}

impl Outlet {
    /// Hands on an observation. One that finds no room is noted, and comes back.
    pub(crate) fn hand_on(
        &self,
        observation: Observation,
    ) -> Result<Option<Observation>, PollError> {
        match self.out.try_send(observation) {
            Ok(()) => Ok(None),
            Err(TrySendError::Full(observation)) => {
                self.unplaced.note(&observation);
                Ok(Some(observation))
            }
            Err(TrySendError::Closed(_)) => Err(PollError::OutputClosed),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.out.capacity() > 0
    }

    /// Waits for room. False if the next stage is gone.
    pub async fn send(&self, observation: Observation) -> bool {
        self.out.send(observation).await.is_ok()
    }
}

impl Inlet {
    /// The observations, and what did not become one of them.
    #[must_use]
    pub fn into_parts(self) -> (mpsc::Receiver<Observation>, Arc<Unplaced>) {
        (self.observations, self.unplaced)
    }
}

impl Unplaced {
    /// What has been lost since the last call.
    #[must_use]
    pub fn take(&self) -> BTreeMap<Class, Loss> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, observation: &Observation) {
        let (class, at) = match observation {
            Observation::Row { row, .. } => (row.group.class(), row.at),
            Observation::Event(event) => (Class::Events, Micros(event.at_us)),
            // It tells of nothing that was seen.
            Observation::Ended(_) => return,
        };
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = Loss::one(at);
        lost.entry(class).and_modify(|known| known.add(one)).or_insert(one);
    }
}

impl Loss {
    /// Of one row or event.
    #[must_use]
    pub fn one(at: Micros) -> Self {
        Self { from: at, to: at, count: 1 }
    }

    fn add(&mut self, more: Self) {
        self.from = self.from.min(more.from);
        self.to = self.to.max(more.to);
        self.count = self.count.saturating_add(more.count);
    }
}

#[cfg(test)]
mod tests {
    use farwatch_proto::v1::Event;

    use super::*;

    #[test]
    fn what_finds_no_room_is_noted_once_with_its_times() {
        let event = |at_us| Observation::Event(Event { at_us, kind: None });
        let (outlet, inlet) = channel(1);
        assert!(outlet.hand_on(event(5)).unwrap().is_none());
        let twin = outlet.clone();
        for at_us in [9, 7, 8] {
            assert!(twin.hand_on(event(at_us)).unwrap().is_some());
        }
        let (_observations, unplaced) = inlet.into_parts();
        let lost = Loss { from: Micros(7), to: Micros(9), count: 3 };
        assert_eq!(unplaced.take(), [(Class::Events, lost)].into());
        assert_eq!(unplaced.take(), BTreeMap::new());
    }
}
