//! Core: what a device says about itself and its interfaces, beside the numbers.

mod memory;
pub(super) mod objects;
mod parts;
mod rows;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_proto::v1::{DeviceFacts, Event, InterfaceFacts, InterfaceTable, event};
use prost::Message as _;

use super::grid::ROWS_MAX;
use super::message::Value;
use super::oid;
use super::plan::{Ask, if_column, if_x_column, mib2};
use super::walk::{Limits, Sink};

/// Longest text that is kept, in characters. DisplayString has at most 255 octets.
pub(super) const TEXT_CHARS_MAX: usize = 255;
/// Longest interface address that is kept (InfiniBand has 20 octets).
const MAC_BYTES_MAX: usize = 32;

const SYS_DESCR: usize = 0;
const SYS_OBJECT_ID: usize = 1;
const SYS_NAME: usize = 2;
const SYS_LOCATION: usize = 3;
const SYS_CONTACT: usize = 4;
const IF_NUMBER: usize = 5;
const ENTITY_CHANGE: usize = 6;
/// Objects below mib-2 and the width of their values, in the order of the constants above.
const SCALARS: [(&[u32], usize); 7] = [
    (&[1, 1, 0], 120),
    (&[1, 2, 0], 12),
    (&[1, 5, 0], 24),
    (&[1, 6, 0], 32),
    (&[1, 4, 0], 32),
    (&[2, 1, 0], 4),
    (&[47, 1, 4, 1, 0], 4),
];

const IF_NAME: usize = 0;
const IF_DESCR: usize = 1;
const IF_ALIAS: usize = 2;
const IF_TYPE: usize = 3;
const IF_HIGH_SPEED: usize = 4;
const IF_SPEED: usize = 5;
const IF_PHYS_ADDRESS: usize = 6;

static ASK: LazyLock<Ask> = LazyLock::new(|| {
    let mut ask = Ask::default();
    for (object, width) in SCALARS {
        ask.scalar(&mib2(object), width);
    }
    // In the order of the constants above.
    for (column, width) in [
        (if_x_column(1), 12),
        (if_column(2), 16),
        (if_x_column(18), 16),
        (if_column(3), 1),
        (if_x_column(15), 3),
        (if_column(5), 5),
        (if_column(6), 6),
    ] {
        ask.column(&column, width);
    }
    ask
});

/// What is asked for facts.
pub(super) fn ask() -> &'static Ask {
    &ASK
}

/// Content address of facts, to tell whether they changed; 0 stands for none sent yet.
pub(super) type Digest = u64;

/// Facts while they are read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    device: DeviceFacts,
    if_number: Option<usize>,
    /// entLastChangeTime: when it moves, the device was built otherwise.
    pub(super) entity_change: Option<i64>,
    rows: BTreeMap<u32, Row>,
}

#[derive(Debug, Default)]
struct Row {
    facts: InterfaceFacts,
    high_speed_mbps: u64,
    speed_bps: u64,
}

impl Sink for Draft {
    fn scalar(&mut self, scalar: usize, value: Value<'_>) {
        if scalar == IF_NUMBER {
            self.if_number = value.number().and_then(|number| usize::try_from(number).ok());
            return;
        }
        if scalar == ENTITY_CHANGE {
            self.entity_change = value.number();
            return;
        }
        let into = match scalar {
            SYS_DESCR => &mut self.device.sys_descr,
            SYS_OBJECT_ID => &mut self.device.sys_object_id,
            SYS_NAME => &mut self.device.sys_name,
            SYS_LOCATION => &mut self.device.sys_location,
            SYS_CONTACT => &mut self.device.sys_contact,
            _ => return,
        };
        *into = match value {
            Value::Octets(octets) => text(octets),
            Value::ObjectId(id) => oid::dotted(id).unwrap_or_default(),
            _ => String::new(),
        };
    }

    fn cell(&mut self, column: usize, index: u32, value: Value<'_>) -> bool {
        if !self.has_room(index) {
            return false;
        }
        let row = self.rows.entry(index).or_default();
        let number = value.number().and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
        match (column, value) {
            (IF_NAME, Value::Octets(octets)) => row.facts.name = text(octets),
            (IF_DESCR, Value::Octets(octets)) => row.facts.description = text(octets),
            (IF_ALIAS, Value::Octets(octets)) => row.facts.alias = text(octets),
            (IF_PHYS_ADDRESS, Value::Octets(octets)) => {
                row.facts.mac = octets.iter().take(MAC_BYTES_MAX).copied().collect();
            }
            (IF_TYPE, _) => row.facts.r#type = u32::try_from(number).unwrap_or(0),
            (IF_HIGH_SPEED, _) => row.high_speed_mbps = number,
            (IF_SPEED, _) => row.speed_bps = number,
            _ => {}
        }
        true
    }
}

impl Draft {
    /// The first rows by index are kept, whatever the order they come in.
    fn has_room(&mut self, index: u32) -> bool {
        if self.rows.len() < ROWS_MAX || self.rows.contains_key(&index) {
            return true;
        }
        let is_before = self.rows.last_key_value().is_some_and(|(last, _)| index < *last);
        if is_before {
            self.rows.pop_last();
        }
        is_before
    }

    /// The first question is for scalars alone, as ifNumber says how many rows to ask for: asking
    /// for more makes the device run on into the counters behind short columns.
    pub(super) fn limits(&self, scalars_done: bool, limits: Limits) -> Limits {
        if !scalars_done {
            return Limits { names: limits.names.min(SCALARS.len()), ..limits };
        }
        let rows = self.if_number.unwrap_or(limits.repetitions).max(1);
        Limits { repetitions: limits.repetitions.min(rows), ..limits }
    }

    /// Leaves the interfaces behind `last` out.
    pub(super) fn keep_to(&mut self, last: u32) {
        self.rows.retain(|index, _| *index <= last);
    }

    /// How many interfaces there are.
    pub(super) fn interfaces(&self) -> usize {
        self.rows.len()
    }

    /// The indexes of the interfaces seen, in order.
    pub(super) fn indexes(&self) -> Vec<u32> {
        self.rows.keys().copied().collect()
    }

    /// The events that tell of the facts, each with its digest.
    pub(super) fn finish(
        self,
        device: DeviceId,
        answers_from: Option<IpAddr>,
        at: Micros,
    ) -> [(Event, Digest); 2] {
        let answers_from = answers_from.map(|ip| ip.to_string()).unwrap_or_default();
        let facts = DeviceFacts { device_id: device.0, answers_from, ..self.device };
        let interfaces = self.rows.into_iter().map(|(index, row)| InterfaceFacts {
            index,
            speed_bps: speed_bps(row.speed_bps, row.high_speed_mbps),
            ..row.facts
        });
        let table = InterfaceTable { device_id: device.0, interfaces: interfaces.collect() };
        let digests = [digest(&facts.encode_to_vec()), digest(&table.encode_to_vec())];
        let event = |kind| Event { at_us: at.0, kind: Some(kind) };
        [
            (event(event::Kind::DeviceFacts(facts)), digests[0]),
            (event(event::Kind::InterfaceTable(table)), digests[1]),
        ]
    }
}

/// ifSpeed is exact but ends at 2^32 - 1; ifHighSpeed counts whole megabits.
fn speed_bps(speed_bps: u64, high_speed_mbps: u64) -> u64 {
    if speed_bps > 0 && speed_bps < u64::from(u32::MAX) {
        speed_bps
    } else if high_speed_mbps > 0 {
        high_speed_mbps.saturating_mul(1_000_000)
    } else {
        speed_bps
    }
}

fn digest(bytes: &[u8]) -> Digest {
    let mut low = [0; 8];
    low.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    u64::from_le_bytes(low).max(1)
}

/// Text as devices send it, any bytes, made fit to show: UTF-8, one line, no control characters.
#[must_use]
pub fn text(octets: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(octets);
    let mut clean = String::with_capacity(lossy.len().min(4 * TEXT_CHARS_MAX));
    let mut gap = false;
    for letter in lossy.chars().take(4 * TEXT_CHARS_MAX) {
        if letter.is_whitespace() {
            gap = !clean.is_empty();
        } else if !letter.is_control() {
            if std::mem::take(&mut gap) {
                clean.push(' ');
            }
            clean.push(letter);
        }
    }
    if let Some((end, _)) = clean.char_indices().nth(TEXT_CHARS_MAX) {
        clean.truncate(end);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_clean_line() {
        let check = |octets: &[u8], wanted: &str| assert_eq!(text(octets), wanted);
        check(b"  RouterOS\r\n CCR2004\t\x07x\0 ", "RouterOS CCR2004 x");
        check(b"B\xfcro", "B\u{fffd}ro");
        check("Zürich".as_bytes(), "Zürich");
        check("\u{9b}31m".as_bytes(), "31m");
        assert_eq!(text(&[b'a'; 70_000]).len(), TEXT_CHARS_MAX);
    }

    #[test]
    fn speeds_beyond_32_bits_come_from_if_high_speed() {
        assert_eq!(speed_bps(u64::from(u32::MAX), 10_000), 10_000_000_000);
        assert_eq!(speed_bps(64_000, 0), 64_000);
        assert_eq!(speed_bps(0, 1000), 1_000_000_000);
        assert_eq!(speed_bps(0, 0), 0);
    }

    #[test]
    fn the_digest_follows_the_content() {
        let finish = |name: &[u8]| {
            let mut draft = Draft::default();
            draft.scalar(SYS_NAME, Value::Octets(name));
            draft.cell(IF_NAME, 3, Value::Octets(b"ether3"));
            draft.finish(DeviceId(1), None, Micros(5)).map(|(_, digest)| digest)
        };
        let (a, b) = (finish(b"edge-1"), finish(b"edge-2"));
        assert_ne!(a[0], b[0]);
        assert_eq!(a[1], b[1]);
    }
}
