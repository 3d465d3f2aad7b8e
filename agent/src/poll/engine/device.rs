//! Core: what the engine keeps of a device, and of a poll in flight.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use farwatch_common::clock::Micros;
use farwatch_common::sample::Cause;
use farwatch_proto::v1::event::Kind;

use super::Moment;
use super::objects::{Learned, group_bit};
use super::phases::FACTS_GAP_US_MIN;
use super::retry::Retry;
use crate::poll::facts::objects::Objects;
use crate::poll::facts::{Digest, Draft};
use crate::poll::grid::Grid;
use crate::poll::make::Past;
use crate::poll::message::Value;
use crate::poll::pace::{Schedule, micros};
use crate::poll::plan::{SUBJECTS, Subject};
use crate::poll::probe::Asked;
use crate::poll::restart::Age;
use crate::poll::shape::Shape;
use crate::poll::usm::{self, Session};
use crate::poll::walk::{Envelope, Limits, Sink, Sixteenths, Walk};
use crate::poll::{Access, Observation, REQUEST_GAP_MAX, Target};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activity {
    /// Its timer is its next slot.
    Idle,
    /// Due, waiting for a place in the window; no timer.
    Ready,
    /// With the poll of this number. Its timer is the time-out of its question or, while the poll is
    /// held back, the end of its gap.
    Asking(u32),
}

/// Whether a device has a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Presence {
    #[default]
    Unknown,
    Here,
    /// It is looked for again now and then.
    Absent,
}

/// What is known of one table of a device.
#[derive(Debug)]
pub(super) struct Known {
    pub presence: Presence,
    /// When its numbers are asked for again after they were not given.
    pub retry: Retry,
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
            retry: Retry::default(),
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
    pub schedule: Schedule,
    pub address: Option<SocketAddr>,
    /// Another address it has answered from.
    pub answers_from: Option<IpAddr>,
    pub activity: Activity,
    /// Somebody waits for the outcome of its next poll.
    pub asked_now: bool,
    /// Waits for its first address.
    pub fresh: bool,
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
    /// When they were read last, or could not be.
    pub facts_read_us: u64,
    /// How often in a row they could not be.
    pub facts_failures: u32,
    pub objects_due_us: u64,
    /// When they were read last, or could not be.
    pub objects_read_us: u64,
    pub parts_due_us: u64,
    /// When the subjects are asked for again that were not told, by number.
    pub subjects: [Retry; SUBJECTS],
    /// Of what the sensors were last told to be.
    pub sensors_digest: u64,
    /// entLastChangeTime.
    pub entity_change: Option<i64>,
    /// Of the objects of the host, the sensors, the parts, as last sent.
    pub object_digests: [Digest; 3],
    /// Groups of which it has been said that there is nothing, by number.
    pub absent_groups: u32,
    /// Of the device's facts and of its interface table, as last sent.
    pub digests: [Digest; 2],
    /// How many interfaces the table has that was sent last.
    pub named: usize,
    pub age: Age,
    /// Of the scalars that tell of a changed table.
    pub change: Option<u64>,
    /// It has been said that it has a table of more rows than are kept.
    pub was_cut: bool,
}

impl Device {
    /// Something about it has changed: its facts are read again, soon.
    pub(super) fn look_again(&mut self, now: Moment) {
        let soonest = now.mono_us.max(self.facts_read_us + FACTS_GAP_US_MIN);
        self.facts_due_us = self.facts_due_us.min(soonest);
    }

    /// The next stage has missed this.
    pub(super) fn missed(&mut self, observation: &Observation) {
        let kind = match observation {
            Observation::Row { row, .. } if row.cause == Some(Cause::Unsupported) => {
                self.absent_groups &= !group_bit(row.group);
                return;
            }
            Observation::Event(event) => event.kind.as_ref(),
            Observation::Row { .. } | Observation::Ended(_) => None,
        };
        match kind {
            Some(Kind::DeviceFacts(_) | Kind::InterfaceTable(_)) => {
                self.digests = [0; 2];
                self.named = 0;
                let soonest_us = self.facts_read_us + FACTS_GAP_US_MIN;
                self.facts_due_us = self.facts_due_us.min(soonest_us);
            }
            Some(Kind::ObjectTable(_)) => {
                self.object_digests = [0; 3];
                let soonest_us = self.objects_read_us + FACTS_GAP_US_MIN;
                self.objects_due_us = self.objects_due_us.min(soonest_us);
                self.parts_due_us = self.parts_due_us.min(soonest_us);
                if let Some(parts) = self.subjects.get_mut(Subject::Parts as usize) {
                    parts.hurry();
                }
            }
            Some(Kind::Gap(_)) | None => {}
        }
    }

    pub(super) fn new(target: Target, schedule: Schedule, tables: usize) -> Self {
        Self {
            version: target.access.on_wire(),
            usm: match &target.access {
                Access::User(user) => Some(Box::new(Session::new(user.clone()))),
                Access::Community { .. } | Access::Nothing => None,
            },
            gap_us: micros(target.manner.request_gap.min(REQUEST_GAP_MAX)),
            asked_us: 0,
            schedule,
            target,
            address: None,
            answers_from: None,
            activity: Activity::Idle,
            asked_now: false,
            fresh: true,
            misses: 0,
            limits: Limits::default(),
            chokes: 0,
            tables: (0..tables).map(|_| Known::default()).collect(),
            absent: 0,
            facts_due_us: 0,
            facts_read_us: 0,
            facts_failures: 0,
            objects_due_us: 0,
            objects_read_us: 0,
            parts_due_us: 0,
            subjects: [Retry::default(); SUBJECTS],
            sensors_digest: 0,
            entity_change: None,
            object_digests: [0; 3],
            absent_groups: 0,
            digests: [0; 2],
            named: 0,
            age: Age::default(),
            change: None,
            was_cut: false,
        }
    }

    /// Whether something has come from another address than is asked.
    pub(super) fn is_elsewhere(&self, from: SocketAddr) -> bool {
        self.address.is_none_or(|asked| asked.ip() != from.ip())
    }

    /// What stands around the variables of its next question.
    pub(super) fn envelope(&self, request_id: u32) -> Envelope<'_> {
        let community = self.target.access.community();
        let bytes = if self.usm.is_some() { usm::ENVELOPE_BYTES } else { community.len() };
        Envelope { version: self.version, community, bytes, request_id: request_id.cast_signed() }
    }

    /// All that was not given is asked for again.
    pub(super) fn forget_rests(&mut self) {
        self.subjects.iter_mut().for_each(Retry::forget);
        self.tables.iter_mut().for_each(|known| known.retry.forget());
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Is the device back, or still there? One question; not repeated to a device that is silent.
    Probe,
    Facts,
    /// What the objects of a subject are.
    Objects(Subject),
    /// Of the poll's table.
    #[default]
    Samples,
}

/// A part of a poll that can go wrong by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Table(usize),
    Subject(Subject),
}

/// What came of a poll that somebody asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Why the device did not answer, if it did not.
    pub cause: Option<Cause>,
    pub asked: Asked,
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
    /// When its phase began.
    pub phase_us: u64,
    /// A question waits to be sent.
    pub unsent: bool,
    /// It does so for the sake of its gap, and has given its place in the window back meanwhile.
    pub held: bool,
    /// Something was answered.
    pub heard: bool,
    /// The question was answered from here, which is not taken of this device.
    pub refused_from: Option<IpAddr>,
    /// When the question was last asked.
    pub asked_us: u64,
    /// How long the poll's first answer took; an answer to a question that was repeated tells
    /// nothing, as it may be to either.
    pub rtt_us: Option<i64>,
    /// How often the question has timed out.
    pub attempt: usize,
    /// The next question is the last one over again, word for word.
    pub repeats: bool,
    /// Asks for few rows, as the last question was not answered.
    pub gentle: bool,
    pub requests: u32,
    /// It has had its time, or its questions.
    pub spent: bool,
    pub walk: Walk,
    /// The last row that is whole, if the walk was ended before it came to its end.
    pub cut_to: Option<u32>,
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
    /// Why the table is not asked for in this poll, if it is not.
    pub resting: Option<Cause>,
    /// Why the device's own values did not come; `None` if they did.
    pub outcome: Option<Cause>,
    /// A group of which there should be values has none.
    pub failed: bool,
    /// The step that was met by silence, until a probe has told whether the device is there.
    pub doubt: Option<Step>,
    /// The device does not answer any more, for this reason: nothing else is asked.
    pub gone: Option<Cause>,
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
