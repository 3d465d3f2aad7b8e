//! Core: the parts that a device is built of (ENTITY-MIB, RFC 6933).

use std::sync::LazyLock;

use farwatch_proto::v1::ObjectFacts;

use super::objects::{Entry, Field, Into, encoded};
use crate::poll::plan::Ask;

/// Most parts of a device that are kept. If there are more, ports are not among them: they are
/// known as interfaces.
pub(super) const PARTS_MAX: usize = 2048;
/// Longest text of a part, in characters, so that all of them fit an event.
const TEXT_MAX: usize = 64;
const DESCRIPTION_MAX: usize = 128;
/// PhysicalClass `port`.
const PORT: i64 = 10;

const CONTAINED_IN: usize = 0;
const CLASS: usize = 1;

const DESCRIPTION: usize = 0;
const NAME: usize = 1;
const HARDWARE: usize = 2;
const FIRMWARE: usize = 3;
const SOFTWARE: usize = 4;
const SERIAL: usize = 5;
const VENDOR: usize = 6;
const MODEL: usize = 7;

pub(super) static ASK: LazyLock<Ask> = LazyLock::new(|| encoded(&FIELDS));

const fn text(column: &'static [u32], width: usize, at: usize) -> Field {
    Field { column, width, into: Into::Text(at, TEXT_MAX) }
}

/// Columns of entPhysicalTable. The class comes first, so that ports are known as such.
pub(super) static FIELDS: [Field; 10] = [
    Field { column: &[47, 1, 1, 1, 1, 5], width: 1, into: Into::Number(CLASS) },
    Field { column: &[47, 1, 1, 1, 1, 4], width: 2, into: Into::Number(CONTAINED_IN) },
    Field {
        column: &[47, 1, 1, 1, 1, 2],
        width: 24,
        into: Into::Text(DESCRIPTION, DESCRIPTION_MAX),
    },
    text(&[47, 1, 1, 1, 1, 7], 16, NAME),
    text(&[47, 1, 1, 1, 1, 8], 4, HARDWARE),
    text(&[47, 1, 1, 1, 1, 9], 4, FIRMWARE),
    text(&[47, 1, 1, 1, 1, 10], 4, SOFTWARE),
    text(&[47, 1, 1, 1, 1, 11], 8, SERIAL),
    text(&[47, 1, 1, 1, 1, 12], 8, VENDOR),
    text(&[47, 1, 1, 1, 1, 13], 12, MODEL),
];

pub(super) fn is_port(entry: &Entry) -> bool {
    entry.numbers.get(CLASS).copied().flatten() == Some(PORT)
}

/// PhysicalClass, as the IANA keeps it.
fn class(number: Option<i64>) -> &'static str {
    match number {
        Some(1) => "other",
        Some(3) => "chassis",
        Some(4) => "backplane",
        Some(5) => "container",
        Some(6) => "power_supply",
        Some(7) => "fan",
        Some(8) => "sensor",
        Some(9) => "module",
        Some(PORT) => "port",
        Some(11) => "stack",
        Some(12) => "processor",
        Some(13) => "energy_object",
        Some(14) => "battery",
        Some(15) => "storage_drive",
        _ => "unknown",
    }
}

pub(super) fn facts(index: u32, entry: Entry) -> ObjectFacts {
    let number = |at: usize| entry.numbers.get(at).copied().flatten();
    let parent = number(CONTAINED_IN).filter(|index| *index > 0);
    let kind = class(number(CLASS)).to_owned();
    let mut texts = entry.texts;
    let mut text = |at: usize| texts.get_mut(at).map(std::mem::take).unwrap_or_default();
    let (name, description) = (text(NAME), text(DESCRIPTION));
    ObjectFacts {
        object: format!("part:{index}"),
        name: if name.is_empty() { description.clone() } else { name },
        kind,
        description,
        parent: parent.map(|index| format!("part:{index}")).unwrap_or_default(),
        vendor: text(VENDOR),
        model: text(MODEL),
        serial: text(SERIAL),
        hardware_revision: text(HARDWARE),
        firmware_revision: text(FIRMWARE),
        software_revision: text(SOFTWARE),
    }
}

#[cfg(test)]
mod tests {
    use crate::poll::facts::objects::Objects;
    use crate::poll::message::Value;
    use crate::poll::plan::Subject;
    use crate::poll::walk::Sink as _;

    use super::*;

    /// `count` parts, of which every `nth` is a module and the others are ports.
    fn read(count: u32, nth: u32) -> (bool, Vec<ObjectFacts>) {
        let mut objects = Objects::new(Subject::Parts);
        let mut room = true;
        for index in 1..=count {
            let class = if index % nth == 0 { 9 } else { PORT };
            room &= objects.cell(0, index, Value::Integer(class));
            room &= objects.cell(3, index, Value::Octets(b"slot"));
        }
        (room, objects.finish().1)
    }

    #[test]
    fn ports_are_left_out_where_there_are_too_many_parts() {
        let (room, few) = read(2048, 4);
        assert_eq!((room, few.len()), (true, 2048));
        let (room, many) = read(6000, 4);
        assert_eq!((room, many.len()), (true, 1500));
        assert!(many.iter().all(|part| part.kind == "module"));
        let (room, too_many) = read(6000, 1);
        assert_eq!((room, too_many.len()), (false, PARTS_MAX));
    }

    #[test]
    fn a_part_without_a_name_is_called_what_it_is() {
        let mut objects = Objects::new(Subject::Parts);
        objects.cell(0, 7, Value::Integer(6));
        objects.cell(1, 7, Value::Integer(1));
        objects.cell(2, 7, Value::Octets(b"PSU 1"));
        let facts = &objects.finish().1[0];
        assert_eq!((&facts.name[..], &facts.kind[..]), ("PSU 1", "power_supply"));
        assert_eq!((&facts.object[..], &facts.parent[..]), ("part:7", "part:1"));
    }
}
