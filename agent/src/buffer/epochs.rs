//! Core: in which stretches the system's clock ran as the monotonic one does, and how wrong it was.
//!
//! Rows carry the system's time. A clock that is set jumps, and what was stamped before keeps the
//! mistake of then. An **epoch** is a stretch without a jump: within it one offset makes all times
//! right. Heartbeats measure that of the current one; of another one of this process it follows, as
//! both are known against the monotonic clock. What another process has stamped is corrected by what
//! was measured while it ran, and where nothing was, it goes as it is and says so.

use std::collections::BTreeMap;
use std::time::Duration;

use farwatch_common::clock::{Look, Micros};

use super::order;

/// A clock that moved by more between two looks was set; by less, it was led, and is followed.
pub const STEP_MIN_US: i64 = 2 * Micros::SECOND;
/// No row waits longer on its way here, even while a disk is stuck.
const WAITED_MAX: Duration = Duration::from_secs(3600);
/// Epochs that are remembered. Of a clock that is set all day the oldest are forgotten: their
/// batches go without an offset.
pub(super) const EPOCHS_MAX: usize = 256;
/// An offset is written to the disk when it has moved by more.
pub(super) const MOVED_MIN_US: i64 = Micros::SECOND / 2;

/// How wrong the system's clock was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How far the system's clock was ahead of the monotonic one: that tells which epoch this is of.
    pub ahead_us: i64,
    /// To be added to the agent's times to make them the collector's.
    pub offset_us: i64,
    /// How wrong that may be.
    pub error_us: u32,
}

/// One stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// Random, of the process that stamped by it.
    pub(super) process: i64,
    /// By its own clock.
    pub(super) began: Micros,
    /// As last looked at.
    pub(super) ahead_us: i64,
    pub(super) offset: Option<Offset>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    pub(super) us: i64,
    pub(super) error_us: u32,
}

impl Offset {
    /// Of a clock that is the collector's.
    const RIGHT: Self = Self { us: 0, error_us: 0 };
}

/// Where in time the live batches of an epoch are, by its own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Micros,
    pub(super) to: Micros,
}

impl Span {
    /// Holds nothing.
    pub(super) const EMPTY: Self = Self { from: Micros(1), to: Micros(0) };
}

/// All epochs of which there are batches, and the current one.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    known: BTreeMap<u64, Epoch>,
    /// The first of this process: those after it are its own too.
    first: u64,
    current: u64,
    now: Epoch,
    last: Look,
    /// How far the clock jumped when the current epoch began.
    step_us: i64,
    /// The last epoch of this process that was measured, as of then: it may be forgotten by now.
    measured: Option<(u64, Epoch)>,
    /// To be written with the next commit.
    unsaved: bool,
}

impl Epochs {
    /// Begins an epoch of this `process` after those that are `known` from the file.
    pub(super) fn new(known: BTreeMap<u64, Epoch>, process: i64, look: Look) -> Self {
        let current = known.last_key_value().map_or(1, |(last, _)| last + 1);
        let now = Epoch { process, began: look.wall, ahead_us: look.ahead_us, offset: None };
        let (first, measured, unsaved) = (current, None, true);
        let mut epochs =
            Self { known, first, current, now, last: look, step_us: 0, measured, unsaved };
        epochs.forget_oldest();
        epochs
    }

    /// Those of a file as its user has left them, for who only reads; `None` if there are none.
    #[must_use]
    pub(super) fn as_saved(mut known: BTreeMap<u64, Epoch>) -> Option<Self> {
        let (current, now) = known.pop_last()?;
        let last = Look { wall: now.began, ahead_us: now.ahead_us };
        let (first, step_us, measured, unsaved) = (current, 0, None, false);
        Some(Self { known, first, current, now, last, step_us, measured, unsaved })
    }

    /// The one that rows are stamped in.
    #[must_use]
    pub(super) fn current(&self) -> u64 {
        self.current
    }

    /// Looks at the clocks. True if the system's was set since the last look: what is open belongs
    /// to the epoch before.
    pub(super) fn look(&mut self, look: Look) -> bool {
        let step_us = look.ahead_us.saturating_sub(self.last.ahead_us);
        let before = std::mem::replace(&mut self.last, look);
        if step_us.saturating_abs() <= STEP_MIN_US {
            self.now.ahead_us = look.ahead_us;
            return false;
        }
        self.known.insert(self.current, self.now);
        self.current += 1;
        self.step_us = step_us;
        // The clock was set at some time since the look before.
        let began = Micros(before.wall.0.saturating_add(step_us));
        self.now = Epoch { began, ahead_us: look.ahead_us, offset: None, ..self.now };
        self.unsaved = true;
        self.forget_oldest();
        true
    }

    /// How far the clock jumped into the current epoch.
    #[must_use]
    pub(super) fn step_us(&self) -> i64 {
        self.step_us
    }

    /// The time of a row by the current clock. One that comes after a jump and was stamped before it
    /// lies outside of the epoch, and by the jump it comes to lie where it began.
    #[must_use]
    pub(super) fn rectified(&self, at: Micros) -> Micros {
        let led = Duration::from_micros(STEP_MIN_US.unsigned_abs());
        let within = self.now.began.before(led) <= at && at <= self.last.wall.after(led);
        let moved = Micros(at.0.saturating_add(self.step_us));
        let fits = self.now.began.before(WAITED_MAX) <= moved && moved <= self.last.wall.after(led);
        if fits && !within { moved } else { at }
    }

    /// Takes a measurement in; one of an epoch that is over is thrown away.
    pub(super) fn measured(&mut self, measured: Measured) {
        if measured.ahead_us.saturating_sub(self.last.ahead_us).saturating_abs() > STEP_MIN_US {
            return;
        }
        let new = Offset { us: measured.offset_us, error_us: measured.error_us };
        let has_moved = self.now.offset.is_none_or(|known| {
            let most = MOVED_MIN_US.max(new.error_us.into());
            new.us.saturating_sub(known.us).saturating_abs() > most
        });
        if has_moved || self.now.offset.is_some_and(|known| new.error_us <= known.error_us) {
            self.now.offset = Some(new);
            self.measured = Some((self.current, self.now));
        }
        self.unsaved |= has_moved;
    }

    /// What makes times of `epoch` the collector's, in microseconds; `None` where that is not known.
    #[must_use]
    pub(super) fn offset_us(&self, epoch: u64) -> Option<i64> {
        self.offset(epoch).map(|offset| offset.us)
    }

    /// The same, with how wrong it may be.
    #[must_use]
    pub(super) fn offset(&self, epoch: u64) -> Option<Offset> {
        let wanted = self.get(epoch)?;
        // The nearest that was measured: clocks that run free part over time.
        let last = self.measured.as_ref().map(|(id, known)| (*id, known));
        let of_process = |(_, known): &(u64, &Epoch)| known.process == wanted.process;
        self.all()
            .chain(last)
            .filter(of_process)
            .filter_map(|(id, known)| Some((id, known.ahead_us, known.offset?)))
            .min_by_key(|(id, ..)| id.abs_diff(epoch))
            .map(|(_, ahead_us, Offset { us, error_us })| {
                let us = us.saturating_add(ahead_us).saturating_sub(wanted.ahead_us);
                Offset { us, error_us }
            })
    }

    /// A time of `epoch` by the current clock; as it is where the two cannot be compared.
    #[must_use]
    pub(super) fn to_current(&self, epoch: u64, at: Micros) -> Micros {
        Micros(at.0.saturating_add(self.shift_us(epoch)))
    }

    /// The same of a time by another process's clock, or by an earlier one of this process.
    #[must_use]
    pub(super) fn of_other(&self, other: &Epoch, at: Micros) -> Micros {
        Micros(at.0.saturating_add(self.shift_from_us(Some(other), other.offset)))
    }

    /// Times of this epoch and of later ones can be told by the current clock: only those of this process, until
    /// a measurement compares it with all others.
    #[must_use]
    pub(super) fn comparable_from(&self) -> u64 {
        if self.offset(self.current).is_some() { 0 } else { self.first }
    }

    /// The current one, with what is known of its clock.
    #[must_use]
    pub(super) fn here(&self) -> Epoch {
        Epoch { offset: self.offset(self.current), ..self.now }
    }

    /// Where the live batches of `epoch` are when the current clock says `now`; `None` if there
    /// can be none.
    #[must_use]
    pub(super) fn live(&self, epoch: u64, now: Micros) -> Option<Span> {
        self.get(epoch)?;
        let shift_us = self.shift_us(epoch);
        let place = |at: Micros| Micros(at.0.saturating_sub(shift_us));
        // What lies far ahead was stamped by a clock that was wrong.
        let to = place(now.after(order::LIVE_AGE_MAX));
        Some(Span { from: place(order::live_since(now)), to })
    }

    /// From the oldest on, the current one last.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (u64, &Epoch)> {
        self.known.iter().map(|(id, epoch)| (*id, epoch)).chain([(self.current, &self.now)])
    }

    /// Whether there is something to write.
    #[must_use]
    pub(super) fn is_unsaved(&self) -> bool {
        self.unsaved
    }

    pub(super) fn saved(&mut self) {
        self.unsaved = false;
    }

    /// Forgets epochs by whose clocks nothing is told any more.
    pub(super) fn keep(&mut self, is_used: impl Fn(u64) -> bool) {
        let before = self.known.len();
        self.known.retain(|id, _| is_used(*id));
        self.unsaved |= self.known.len() != before;
    }

    fn get(&self, epoch: u64) -> Option<&Epoch> {
        if epoch == self.current { Some(&self.now) } else { self.known.get(&epoch) }
    }

    /// What makes times of `epoch` those of the current clock. Clocks that both were measured are compared by
    /// that, as the one that nobody sets may have stood still: a virtual machine that is paused. One of another
    /// process that nobody has measured is taken for right, as the collector takes it.
    fn shift_us(&self, epoch: u64) -> i64 {
        self.shift_from_us(self.get(epoch), self.offset(epoch))
    }

    /// The same, of one with this `offset`.
    fn shift_from_us(&self, then: Option<&Epoch>, offset: Option<Offset>) -> i64 {
        let here = then.filter(|epoch| epoch.process == self.now.process);
        let known_us = here.map_or(0, |epoch| self.now.ahead_us.saturating_sub(epoch.ahead_us));
        let offsets = match here {
            Some(epoch) => epoch.offset.zip(self.now.offset),
            None => {
                let then = offset.unwrap_or(Offset::RIGHT);
                self.offset(self.current).map(|now| (then, now))
            }
        };
        let Some((then, now)) = offsets else { return known_us };
        let measured_us = then.us.saturating_sub(now.us);
        let unsure_us = u64::from(then.error_us) + u64::from(now.error_us);
        // What may be the same is the same.
        if measured_us.abs_diff(known_us) <= unsure_us { known_us } else { measured_us }
    }

    fn forget_oldest(&mut self) {
        while self.known.len() >= EPOCHS_MAX {
            self.known.pop_first();
        }
    }
}

#[cfg(test)]
mod tests;
