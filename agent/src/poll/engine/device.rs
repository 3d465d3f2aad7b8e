//! Core: what the engine keeps of a device, and of a poll in flight.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Cause;

use super::objects::Learned;
use super::phases::FACTS_GAP_US_MIN;
use super::{Moment, micros};
use crate::poll::facts::objects::Objects;
use crate::poll::facts::{Digest, Draft};
use crate::poll::grid::Grid;
use crate::poll::make::Past;
use crate::poll::message::Value;
use crate::poll::plan::Subject;
use crate::poll::restart::Age;
use crate::poll::shape::Shape;
use crate::poll::usm::Session;
use crate::poll::walk::{Limits, Sink, Sixteenths, Walk};
use crate::poll::{Access, REQUEST_GAP_MAX, Target};

/// Shortest interval, so that a schedule can be computed.
const INTERVAL_US_MIN: u64 = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// Its timer is its next slot.
    Idle,
    /// Due, waiting for a place in the window; no timer.
    Ready,
    /// With the poll of this number. Its timer is the time-out of its question.
    Asking(u32),
}

/// Whether a device has a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Presence {
    #[default]
    Unknown,
    Here,
    /// It is looked for again with the facts.
    Absent,
}

/// What is known of one table of a device.
#[derive(Debug)]
pub(super) struct Known {
    pub presence: Presence,
    pub shape: Option<Arc<Shape>>,
    /// The next poll asks for every column to the end of the table.
    pub full_due: bool,
    pub learned: Sixteenths,
    pub past: Past,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            presence: Presence::Unknown,
            shape: None,
            full_due: true,
            learned: 0,
            past: Past::default(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Device {
    pub target: Target,
    /// As on the wire.
    pub version: u8,
    /// Of a user of SNMPv3.
    pub usm: Option<Box<Session>>,
    /// Least time between two questions.
    pub gap_us: u64,
    /// When it was asked last.
    pub asked_us: u64,
    pub interval_us: u64,
    pub address: Option<SocketAddr>,
    /// Another address it has answered from.
    pub answers_from: Option<IpAddr>,
    pub activity: Activity,
    /// Somebody waits for the outcome of its next poll.
    pub asked_now: bool,
    /// Waits for its first address.
    pub fresh: bool,
    pub generation: u16,
    /// The slot that comes or is being polled.
    pub due_us: u64,
    /// Polls in a row that nothing answered.
    pub misses: u32,
    pub limits: Limits,
    /// Times in a row it answered only when asked for fewer rows.
    pub chokes: u8,
    /// As many as the plan has tables.
    pub tables: Box<[Known]>,
    /// Scalars of the plan that it does not have, one bit each.
    pub absent: u64,
    pub facts_due_us: u64,
    pub facts_read_us: u64,
    pub objects_due_us: u64,
    pub parts_due_us: u64,
    /// entLastChangeTime.
    pub entity_change: Option<i64>,
    /// Of the objects of the host, the sensors, the parts, as last sent.
    pub object_digests: [Digest; 3],
    /// Groups of which it has been said that there is nothing, by number.
    pub absent_groups: u32,
    /// Of the device's facts and of its interface table, as last sent.
    pub digests: [Digest; 2],
    pub age: Age,
    /// Of the scalars that tell of a changed table.
    pub change: Option<u64>,
}

impl Device {
    /// Something about it has changed: its facts are read again, soon.
    pub(super) fn look_again(&mut self, now: Moment) {
        let soonest = now.mono_us.max(self.facts_read_us + FACTS_GAP_US_MIN);
        self.facts_due_us = self.facts_due_us.min(soonest);
    }

    pub(super) fn new(target: Target, generation: u16, tables: usize) -> Self {
        Self {
            version: target.access.on_wire(),
            usm: match &target.access {
                Access::User(user) => Some(Box::new(Session::new(user.clone()))),
                Access::Community { .. } | Access::Nothing => None,
            },
            gap_us: micros(target.manner.request_gap.min(REQUEST_GAP_MAX)),
            asked_us: 0,
            interval_us: micros(target.interval).max(INTERVAL_US_MIN),
            target,
            address: None,
            answers_from: None,
            activity: Activity::Idle,
            asked_now: false,
            fresh: true,
            generation,
            due_us: 0,
            misses: 0,
            limits: Limits::default(),
            chokes: 0,
            tables: (0..tables).map(|_| Known::default()).collect(),
            absent: 0,
            facts_due_us: 0,
            facts_read_us: 0,
            objects_due_us: 0,
            parts_due_us: 0,
            entity_change: None,
            object_digests: [0; 3],
            absent_groups: 0,
            digests: [0; 2],
            age: Age::default(),
            change: None,
        }
    }

    /// What stands around a question's PDU, as far as the walk has to know.
    pub(super) fn envelope(&self) -> &[u8] {
        match &self.usm {
            Some(_) => Session::envelope(),
            None => self.target.access.community(),
        }
    }

    /// The device's stable share of a span: spreads devices evenly.
    pub(super) fn share_of(&self, span_us: u64) -> u64 {
        let hash = mix(self.target.device.0.cast_unsigned());
        let share = (u128::from(hash) * u128::from(span_us)) >> 64;
        u64::try_from(share).unwrap_or(0)
    }

    /// Moves on to the next slot after `now_us`; returns how many slots were skipped.
    pub(super) fn advance(&mut self, now_us: u64) -> u64 {
        let interval = self.interval_us;
        // The very first poll lies off the grid; the second keeps half an interval's distance.
        let after = now_us.max(self.due_us + interval / 2);
        let offset = self.share_of(interval);
        let next = (after + interval - offset) / interval * interval + offset;
        let passed = (next - self.due_us + interval / 2) / interval;
        self.due_us = next;
        passed.saturating_sub(1)
    }
}

/// splitmix64's finisher.
pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Is the device back? One question, not repeated.
    Probe,
    Facts,
    /// What the objects of a subject are.
    Objects(Subject),
    /// Of the poll's table.
    #[default]
    Samples,
}

/// What came of a poll that somebody asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Why the device did not answer, if it did not.
    pub cause: Option<Cause>,
    pub rtt_us: Option<i64>,
    /// Values in the answers.
    pub values: u32,
    /// The address it answers from, if that is not the one that is asked.
    pub answers_from: Option<IpAddr>,
}

/// State of one poll in flight. Kept and reused.
#[derive(Debug, Default)]
pub(super) struct Poll {
    pub phase: Phase,
    pub started_us: u64,
    /// A question waits to be sent.
    pub unsent: bool,
    /// Something was answered.
    pub heard: bool,
    /// When the question was last asked.
    pub asked_us: u64,
    /// How long the poll's first answer took; an answer to a question that was repeated tells
    /// nothing, as it may be to either.
    pub rtt_us: Option<i64>,
    /// How often the question has timed out.
    pub attempt: usize,
    /// Asks for few rows, as the last question was not answered.
    pub gentle: bool,
    pub requests: u32,
    pub walk: Walk,
    /// The device's, when the walk began.
    pub limits: Limits,
    /// Facts were read in this poll, or could not be.
    pub facts_tried: bool,
    pub draft: Draft,
    pub objects: Objects,
    pub learned: Learned,
    /// Which of the plan's tables is read.
    pub table: usize,
    /// Its rows, as this poll's facts have them.
    pub rows: Vec<u32>,
    /// Why the last table has no values; `None` if it has.
    pub cause: Option<Cause>,
    /// A table has none.
    pub failed: bool,
    /// The device was silent for two tables in a row: it is gone, the others are not asked for.
    pub gone: bool,
    /// Time of the last row.
    pub row_at: Option<Micros>,
    /// Samples ask for every column, to the end.
    pub full: bool,
    pub grid: Grid,
    pub scalars: Vec<Option<i64>>,
    /// Values sent on so far.
    pub values: u32,
    /// When the scalars were answered.
    pub system_at: Option<Micros>,
}

impl Poll {
    pub(super) fn reset(&mut self, now_us: u64) {
        let kept = std::mem::take(self);
        *self = Self {
            started_us: now_us,
            walk: kept.walk,
            grid: kept.grid,
            scalars: kept.scalars,
            ..Self::default()
        };
    }
}

/// Where the values of samples go.
pub(super) struct Numbers<'a> {
    pub grid: &'a mut Grid,
    pub scalars: &'a mut [Option<i64>],
    /// Scalars are the cells of a row.
    pub in_a_row: bool,
}

impl Sink for Numbers<'_> {
    fn scalar(&mut self, scalar: usize, value: Value<'_>) {
        if self.in_a_row {
            self.grid.put(scalar, 0, value.number());
        } else if let Some(place) = self.scalars.get_mut(scalar) {
            *place = value.number();
        }
    }

    #[inline]
    fn cell(&mut self, column: usize, index: u32, value: Value<'_>) -> bool {
        self.grid.put(column, index, value.number())
    }
}

/// For questions of which only the fact of an answer counts.
pub(super) struct Ignore;

impl Sink for Ignore {
    fn scalar(&mut self, _: usize, _: Value<'_>) {}

    fn cell(&mut self, _: usize, _: u32, _: Value<'_>) -> bool {
        true
    }
}
