//! Core: one walk over scalars and the columns of a table: which question comes next, and what an
//! answer to it means.
//!
//! All columns advance side by side, each from the last row it has seen, so holes and columns of
//! different length cost nothing and a missing value is never taken for its neighbour's.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

use std::cmp::Ordering;

use super::ber::Writer;
use super::message::{self, Body, GET, GET_BULK, GET_NEXT, Value, status};
use super::oid;
use super::plan::Ask;

/// Largest answer that is asked for: what a UDP datagram holds on Ethernet without fragments.
pub(super) const REPLY_BYTES_MAX: usize = 1472;
/// Most rows one GETBULK asks for.
pub(super) const REPETITIONS_MAX: usize = 64;
/// Rows per GETBULK for devices that stay silent when asked for more.
pub(super) const REPETITIONS_GENTLE: usize = 10;
/// Names in one question.
pub(super) const NAMES_MAX: usize = 64;
/// Message, PDU, id and error fields of an answer, without what [`Envelope::bytes`] counts.
const ENVELOPE_BYTES: usize = 32;
/// Tags and lengths of one variable, and an index of one octet.
const VARBIND_BYTES: usize = 7;
/// How often a question is asked again that is answered by an error which may pass.
const PATIENCE: u8 = 2;

/// Where values go.
pub(super) trait Sink {
    fn scalar(&mut self, scalar: usize, value: Value<'_>);
    /// False if there is no room for this row: nothing that follows in its column is taken.
    fn cell(&mut self, column: usize, index: u32, value: Value<'_>) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Done,
}

/// Why a walk cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The answer broke the protocol.
    Malformed,
    /// The device says that the credential may not read this.
    Auth,
    /// The device answers with an error that names nothing to leave out.
    Unsupported,
    /// The answer does not fit: ask for less.
    TooBig,
}

/// What stands around the variables of a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope<'a> {
    /// As on the wire.
    pub(super) version: u8,
    /// Empty by v3.
    pub(super) community: &'a [u8],
    /// Octets that the community takes in an answer, or by v3 what is around the PDU.
    pub(super) bytes: usize,
    pub(super) request_id: i32,
}

/// What a device can take, learned from its answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) repetitions: usize,
    pub(super) names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { repetitions: REPETITIONS_MAX, names: NAMES_MAX }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    last: Option<u32>,
    done: bool,
}

/// Average size of the variables of a table's answers, in 1/16 bytes; 0 is not known yet.
pub(super) type Sixteenths = u16;

/// State of one walk. Kept and reused: a walk allocates nothing once its vectors have grown.
#[derive(Debug, Default)]
pub(super) struct Walk {
    cursors: Vec<Cursor>,
    /// Bit set: still to be asked.
    scalars: u64,
    /// The last row that matters; past it a column is done.
    stop_at: Option<u32>,
    asked_pdu: u8,
    asked_scalars: Vec<usize>,
    asked_columns: Vec<usize>,
    asked_repetitions: usize,
    /// How often the last question may still be answered by an error before what that names is
    /// left out.
    patience: u8,
    /// Something was left out that may be there.
    refused: bool,
    /// There are rows that nobody has room for.
    cut: bool,
    /// What this walk has learned; the caller keeps it for the next.
    pub(super) varbind_sixteenths: Sixteenths,
}

impl Walk {
    /// Begins anew, with the scalars and columns whose bits are set, up to the row `stop_at` if the
    /// rows are known.
    pub(super) fn start(
        &mut self,
        ask: &Ask,
        (scalars, columns): (u64, u64),
        stop_at: Option<u32>,
        learned: Sixteenths,
    ) {
        self.scalars = scalars & ask.all_scalars();
        self.patience = PATIENCE;
        self.refused = false;
        self.cut = false;
        self.cursors.clear();
        let cursors = (0..ask.columns.len())
            .map(|column| Cursor { last: None, done: columns >> column & 1 == 0 });
        self.cursors.extend(cursors);
        self.stop_at = stop_at;
        self.varbind_sixteenths = learned;
    }

    #[must_use]
    pub(super) fn scalars_done(&self) -> bool {
        self.scalars == 0
    }

    #[must_use]
    pub(super) fn is_done(&self) -> bool {
        self.scalars == 0 && self.cursors.iter().all(|cursor| cursor.done)
    }

    /// Whether a device has refused something that it may have.
    #[must_use]
    pub(super) fn was_refused(&self) -> bool {
        self.refused
    }

    /// Whether rows were left out because there was no room for them.
    #[must_use]
    pub(super) fn was_cut(&self) -> bool {
        self.cut
    }

    /// The last row that all columns have come to which go on behind it; `None` if there is none.
    #[must_use]
    pub(super) fn whole_to(&self) -> Option<u32> {
        let open = self.cursors.iter().filter(|cursor| !cursor.done);
        open.map(|cursor| cursor.last).min().flatten()
    }

    /// How many rows the last question asked for; 0 if it was no GETBULK.
    #[must_use]
    pub(super) fn repetitions(&self) -> usize {
        if self.asked_pdu == GET_BULK { self.asked_repetitions } else { 0 }
    }

    #[must_use]
    pub(super) fn names(&self) -> usize {
        self.asked_scalars.len() + self.asked_columns.len()
    }

    /// Writes the next question. `rows` are the rows known to exist, in order.
    pub(super) fn write(
        &mut self,
        ask: &Ask,
        rows: &[u32],
        limits: Limits,
        envelope: Envelope<'_>,
        writer: &mut Writer,
    ) {
        let Envelope { version, community, bytes, request_id } = envelope;
        self.choose(ask, limits, version);
        if self.asked_pdu == GET_BULK {
            self.asked_repetitions =
                self.fitting_rows(ask, rows, bytes).clamp(1, limits.repetitions.max(1));
        }
        let numbers = match self.asked_pdu {
            GET_BULK => {
                (request_id, count(self.asked_scalars.len()), count(self.asked_repetitions))
            }
            _ => (request_id, 0, 0),
        };
        writer.clear();
        message::write(writer, version, community, self.asked_pdu, numbers, |writer| {
            self.write_names(ask, writer);
        });
    }

    /// Picks the kind of question and what it names.
    fn choose(&mut self, ask: &Ask, limits: Limits, version: u8) {
        let names = limits.names.clamp(1, NAMES_MAX);
        let scalars = self.scalars;
        self.asked_scalars.clear();
        self.asked_scalars
            .extend((0..ask.scalars.len()).filter(|at| scalars >> at & 1 == 1).take(names));
        self.asked_columns.clear();
        let is_v1 = version == 0;
        if !(is_v1 && scalars != 0) {
            let open = self.cursors.iter().enumerate().filter(|(_, cursor)| !cursor.done);
            self.asked_columns.extend(
                open.map(|(column, _)| column).take(names.saturating_sub(self.asked_scalars.len())),
            );
        }
        self.asked_pdu = match (self.asked_columns.is_empty(), is_v1) {
            (true, _) => GET,
            (false, true) => GET_NEXT,
            (false, false) => GET_BULK,
        };
    }

    /// Rows that fit one answer, but no more than are left.
    fn fitting_rows(&self, ask: &Ask, rows: &[u32], envelope: usize) -> usize {
        let scalars: usize = self
            .asked_scalars
            .iter()
            .filter_map(|at| ask.scalars.get(*at))
            .map(|scalar| VARBIND_BYTES + scalar.name.as_bytes().len() + scalar.width)
            .sum();
        let row_sixteenths = if self.varbind_sixteenths > 0 {
            usize::from(self.varbind_sixteenths) * self.asked_columns.len()
        } else {
            16 * self
                .asked_columns
                .iter()
                .filter_map(|at| ask.columns.get(*at))
                .map(|column| VARBIND_BYTES + column.prefix.as_bytes().len() + column.width)
                .sum::<usize>()
        };
        let room = REPLY_BYTES_MAX.saturating_sub(ENVELOPE_BYTES + envelope + scalars);
        let fitting = room * 16 / row_sixteenths.max(1);
        if self.stop_at.is_none() {
            return fitting;
        }
        let open = self.asked_columns.iter().filter_map(|at| self.cursors.get(*at));
        let least = open.map(|cursor| cursor.last).min().flatten();
        let behind = least.map_or(0, |last| rows.partition_point(|row| *row <= last));
        fitting.min(rows.len() - behind)
    }

    fn write_names(&self, ask: &Ask, writer: &mut Writer) {
        for (column, cursor) in self
            .asked_columns
            .iter()
            .rev()
            .filter_map(|at| Some((ask.columns.get(*at)?, self.cursors.get(*at)?)))
        {
            let prefix = column.prefix.as_bytes();
            match cursor.last {
                Some(last) => {
                    let (octets, length) = oid::encode_arc(last);
                    let suffix = octets.get(octets.len() - length..).unwrap_or_default();
                    message::write_name(writer, prefix, suffix);
                }
                None => message::write_name(writer, prefix, &[]),
            }
        }
        for scalar in self.asked_scalars.iter().rev().filter_map(|at| ask.scalars.get(*at)) {
            let name = if self.asked_pdu == GET { &scalar.name } else { &scalar.before };
            message::write_name(writer, name.as_bytes(), &[]);
        }
    }

    /// Takes the answer to the last question.
    pub(super) fn accept(
        &mut self,
        ask: &Ask,
        body: Body<'_>,
        sink: &mut impl Sink,
    ) -> Result<Progress, Fault> {
        if body.status == status::NONE {
            self.take(ask, body, sink)?;
            self.patience = PATIENCE;
        } else {
            self.refused(body, sink)?;
        }
        Ok(if self.is_done() { Progress::Done } else { Progress::More })
    }

    /// An answer that carries an error: what it names is left out, the rest is asked again.
    fn refused(&mut self, body: Body<'_>, sink: &mut impl Sink) -> Result<(), Fault> {
        match body.status {
            status::TOO_BIG => return Err(Fault::TooBig),
            status::AUTHORIZATION_ERROR => return Err(Fault::Auth),
            // Nothing of that name, or nothing behind it: the ordinary end of a table by v1.
            status::NO_SUCH_NAME => {}
            // genErr and its like: a device may be too busy for once.
            _ if self.patience > 0 => {
                self.patience -= 1;
                return Ok(());
            }
            _ => self.refused = true,
        }
        let at = usize::try_from(body.index).map_err(|_| Fault::Malformed)?;
        let at = at.checked_sub(1).ok_or(Fault::Unsupported)?;
        if let Some(scalar) = self.asked_scalars.get(at) {
            self.scalars &= !(1 << scalar);
            sink.scalar(*scalar, Value::Nothing);
            return Ok(());
        }
        let column = self.asked_columns.get(at - self.asked_scalars.len());
        let cursor = column.and_then(|column| self.cursors.get_mut(*column));
        cursor.ok_or(Fault::Unsupported)?.done = true;
        Ok(())
    }

    fn take(&mut self, ask: &Ask, body: Body<'_>, sink: &mut impl Sink) -> Result<(), Fault> {
        let mut varbinds = body.varbinds;
        for at in &self.asked_scalars {
            let Some(varbind) = varbinds.next() else {
                return Err(Fault::Malformed);
            };
            let (name, value) = varbind.map_err(|_| Fault::Malformed)?;
            let wanted = ask.scalars.get(*at).map(|scalar| scalar.name.as_bytes());
            if wanted == Some(name) {
                sink.scalar(*at, value);
            } else if self.asked_pdu == GET {
                return Err(Fault::Malformed);
            } else {
                sink.scalar(*at, Value::Nothing);
            }
            self.scalars &= !(1 << at);
        }
        let bytes = varbinds.bytes_left();
        let mut seen = 0usize;
        let mut advanced = !self.asked_scalars.is_empty();
        let most = match self.asked_pdu {
            GET_BULK => self.asked_repetitions,
            _ => 1,
        };
        'rows: for _ in 0..most {
            for column in &self.asked_columns {
                let Some(varbind) = varbinds.next() else {
                    break 'rows;
                };
                let (name, value) = varbind.map_err(|_| Fault::Malformed)?;
                seen += 1;
                let (Some(cursor), Some(asked)) =
                    (self.cursors.get_mut(*column), ask.columns.get(*column))
                else {
                    return Err(Fault::Malformed);
                };
                if cursor.done {
                    continue;
                }
                advanced = true;
                let prefix = asked.prefix.as_bytes();
                match step(cursor, prefix, name, value)? {
                    Some(index) => {
                        let is_taken = sink.cell(*column, index, value);
                        self.cut |= !is_taken;
                        cursor.done = !is_taken || self.stop_at.is_some_and(|stop| index >= stop);
                    }
                    None => cursor.done = true,
                }
            }
        }
        // More variables than were asked for, or none of them.
        if varbinds.next().is_some() || !advanced {
            return Err(Fault::Malformed);
        }
        if seen > 0 && self.asked_pdu == GET_BULK {
            let average = (bytes * 16).div_ceil(seen);
            self.varbind_sixteenths = u16::try_from(average).unwrap_or(u16::MAX);
        }
        Ok(())
    }
}

/// Moves a cursor to the row `name`; `None` at the end of the column.
#[inline]
fn step(
    cursor: &mut Cursor,
    prefix: &[u8],
    name: &[u8],
    value: Value<'_>,
) -> Result<Option<u32>, Fault> {
    // endOfMibView repeats the name that was asked for.
    if value == Value::Nothing {
        return Ok(None);
    }
    let Some(suffix) = name.strip_prefix(prefix) else {
        // The end of a column is another one further on, never one before.
        return match oid::compare(name, prefix) {
            Ordering::Greater => Ok(None),
            Ordering::Less | Ordering::Equal => Err(Fault::Malformed),
        };
    };
    let index = oid::single_arc(suffix).ok_or(Fault::Malformed)?;
    if cursor.last.is_some_and(|last| index <= last) {
        return Err(Fault::Malformed);
    }
    cursor.last = Some(index);
    Ok(Some(index))
}

/// Numbers of names and rows are below [`NAMES_MAX`] and [`REPETITIONS_MAX`].
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
