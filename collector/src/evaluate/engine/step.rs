//! Core: what an alert is about, how it stands, and what became of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::id::{AgentId, AlertId, DeviceId, RuleId, SiteId};
use farwatch_common::sample::Group;

use crate::evaluate::rule::{Condition, Rule};
use crate::evaluate::seen::Seen;
use crate::evaluate::track::{Phase, Timing, Track, Turn};

/// Readings that an alert keeps, to show why it fired: the newest.
pub const SAMPLES_MAX: usize = 32;

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// `None`: the agent itself.
    pub device: Option<DeviceId>,
    pub agent: AgentId,
    /// Of the device; empty is the device itself.
    pub object: Box<str>,
}

/// One thing under one rule. In the order of devices: what is of one stands together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub subject: Subject,
    pub rule: RuleId,
}

/// Something that is wrong, or was until lately.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracked {
    pub alert: AlertId,
    pub rule: Arc<Rule>,
    pub subject: Subject,
    /// Where it stood when it began, and the name that the device, or the agent, had.
    pub site: SiteId,
    pub name: String,
    pub track: Track,
    pub gap: Option<Duration>,
    /// With which readings it was told last.
    pub group: Option<Group>,
    /// Wrong since, of this alert.
    pub began_at: Micros,
    pub fired_at: Option<Micros>,
    /// The last that was wrong.
    pub wrong: Seen,
    /// Transitions that people were told of.
    pub told: u32,
    pub samples: VecDeque<(Micros, Seen)>,
}

impl Tracked {
    #[must_use]
    pub fn key(&self) -> Key {
        Key { subject: self.subject.clone(), rule: self.rule.id }
    }

    #[must_use]
    pub fn timing(&self) -> Timing {
        // What is absent has been so for long enough when it is found.
        let absent = matches!(self.rule.condition, Condition::Absence { .. });
        let wait = if absent { Duration::ZERO } else { self.rule.wait };
        Timing { wait, resolve_after: self.rule.resolve_after, gap: self.gap }
    }

    pub(super) fn sampled(&mut self, at: Micros, seen: Seen) {
        if let Some(last) = self.samples.back_mut().filter(|(last, _)| *last == at) {
            last.1 = seen;
            return;
        }
        if self.samples.len() == SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back((at, seen));
    }

    /// What has to be written of a turn; counts those that people are told of.
    pub(super) fn step(&mut self, turn: Turn, cause: Option<&'static str>) -> Step {
        match (self.track.phase, turn) {
            (_, Turn::Fired(at)) => {
                self.fired_at = Some(at);
                self.told += 1;
            }
            (_, Turn::Resolved(_)) => self.told += 1,
            // A gap begins it anew.
            (Phase::Pending { since }, _) => self.began_at = since,
            _ => {}
        }
        Step { turn, cause, now: self.clone(), part: String::new() }
    }
}

/// A turn of an alert, and how it stands after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub turn: Turn,
    /// Why it ended, if not because it is well.
    pub cause: Option<&'static str>,
    pub now: Tracked,
    /// What the object is called, once it is written; empty is without a name.
    pub part: String,
}
