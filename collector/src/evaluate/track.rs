//! Core: one thing under one rule, from the first reading that is wrong to the end of its alert.
//!
//! All times are event times: when something was so, not when it was heard. What is unknown freezes:
//! nothing fires and nothing is resolved of it, and the time of not knowing counts for neither.

#[cfg(test)]
mod tests;

use std::time::Duration;

use farwatch_common::clock::Micros;

use super::rule::Look;

/// How long things have to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub wait: Duration,
    pub resolve_after: Duration,
    /// A reading longer after the one before it does not go on from there: nobody knows what was in
    /// between. `None`: what was told last holds until something else is told.
    pub gap: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Clear,
    Pending {
        since: Micros,
    },
    Firing {
        well: Option<Micros>,
    },
}

/// What a reading has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is wrong, and not yet for long enough; also where a gap begins it anew.
    Began,
    /// It was wrong for less than it takes.
    Dropped,
    Fired(Micros),
    /// It fires, and is well.
    Well,
    /// It was well for less than it takes.
    Unwell,
    Resolved(Micros),
    /// Nobody can tell any more, or somebody can again.
    Unsure,
    Sure,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Track {
    pub phase: Phase,
    /// Of the last reading that told something.
    pub last: Micros,
    /// Since when nobody can tell.
    pub unknown: Option<Micros>,
}

impl Track {
    /// Takes a reading; an older one than the last counts as of the same time.
    pub fn observe(&mut self, at: Micros, look: Look, timing: &Timing) -> Option<Turn> {
        let at = at.max(self.last);
        if look == Look::Unknown {
            let newly = self.phase != Phase::Clear && self.unknown.is_none();
            if newly {
                self.unknown = Some(at);
            }
            return newly.then_some(Turn::Unsure);
        }
        let unknown = self.unknown.take();
        let unsure = unknown.map_or(Duration::ZERO, |since| at.since(since));
        let broken = timing.gap.is_some_and(|gap| at.since(self.last) > gap);
        // The start of a stretch that goes on, or begins anew.
        let start = |since: Micros| if broken { at } else { since.after(unsure) };
        self.last = at;
        let turn = match (self.phase, look) {
            (Phase::Clear, Look::Breach) => self.wrong(at, at, timing, Some(Turn::Began)),
            (Phase::Pending { since }, Look::Breach) => {
                self.wrong(start(since), at, timing, broken.then_some(Turn::Began))
            }
            (Phase::Pending { .. }, _) => {
                self.phase = Phase::Clear;
                Some(Turn::Dropped)
            }
            (Phase::Firing { well: None }, Look::Well) => self.well(at, at, timing, true),
            (Phase::Firing { well: Some(since) }, Look::Well) => {
                self.well(start(since), at, timing, false)
            }
            (Phase::Firing { well: Some(_) }, _) => {
                self.phase = Phase::Firing { well: None };
                Some(Turn::Unwell)
            }
            (Phase::Clear | Phase::Firing { well: None }, _) => None,
        };
        turn.or(unknown.map(|_| Turn::Sure))
    }

    fn wrong(
        &mut self,
        since: Micros,
        at: Micros,
        timing: &Timing,
        otherwise: Option<Turn>,
    ) -> Option<Turn> {
        if at.since(since) >= timing.wait {
            self.phase = Phase::Firing { well: None };
            return Some(Turn::Fired(at));
        }
        self.phase = Phase::Pending { since };
        otherwise
    }

    fn well(&mut self, since: Micros, at: Micros, timing: &Timing, newly: bool) -> Option<Turn> {
        if at.since(since) >= timing.resolve_after {
            self.phase = Phase::Clear;
            return Some(Turn::Resolved(at));
        }
        self.phase = Phase::Firing { well: Some(since) };
        newly.then_some(Turn::Well)
    }

    /// When it fires or is resolved by itself: only where what was told last holds.
    #[must_use]
    pub fn due(&self, timing: &Timing) -> Option<Micros> {
        if timing.gap.is_some() || self.unknown.is_some() {
            return None;
        }
        match self.phase {
            Phase::Pending { since } => Some(since.after(timing.wait)),
            Phase::Firing { well: Some(since) } => Some(since.after(timing.resolve_after)),
            Phase::Clear | Phase::Firing { well: None } => None,
        }
    }

    /// Lets the time come to `now`.
    pub fn pass(&mut self, now: Micros, timing: &Timing) -> Option<Turn> {
        let due = self.due(timing).filter(|due| *due <= now)?;
        self.last = self.last.max(due);
        let pending = matches!(self.phase, Phase::Pending { .. });
        self.phase = if pending { Phase::Firing { well: None } } else { Phase::Clear };
        Some(if pending { Turn::Fired(due) } else { Turn::Resolved(due) })
    }
}
