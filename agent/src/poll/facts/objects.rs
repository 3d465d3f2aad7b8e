//! Core: what the objects beside the interfaces are: processors, memories and disks, sensors, and
//! the parts that a device is built of.

use std::collections::BTreeMap;

use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_proto::v1::{Event, ObjectFacts, ObjectTable, event};
use prost::Message as _;

use super::{Digest, digest, memory, parts, rows, text};
use crate::poll::grid::ROWS_MAX;
use crate::poll::message::Value;
use crate::poll::oid;
use crate::poll::plan::{Ask, Subject};
use crate::poll::shape::Trait;
use crate::poll::walk::{Limits, Sink};

/// Largest table of objects that is sent: a batch of events holds twice as much.
const TABLE_BYTES_MAX: usize = 1024 * 1024;
/// Rows of the first question: until one has come nobody knows whether there is such a table, and
/// where there is none the device runs on into what is behind it.
const REPETITIONS_FIRST: usize = 1;
pub(super) const NUMBERS: usize = 3;
pub(super) const TEXTS: usize = 9;

/// Where the value of a fact column goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Into {
    Number(usize),
    /// Its place, and the most characters that are kept.
    Text(usize, usize),
    /// The type of a storage, see [`rows::storage_type`].
    StorageType(usize),
}

/// A column of facts below mib-2, and how wide its values are.
pub(super) struct Field {
    pub(super) column: &'static [u32],
    pub(super) width: usize,
    pub(super) into: Into,
}

/// One row while it is read.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) numbers: [Option<i64>; NUMBERS],
    pub(super) texts: [String; TEXTS],
}

/// Rows of a subject while they are read.
#[derive(Debug)]
pub(crate) struct Objects {
    subject: Subject,
    rows: BTreeMap<u32, Entry>,
    /// There are more parts than are kept: ports are not among them.
    without_ports: bool,
}

/// What a row was told to be.
pub(crate) type Told = (u32, Trait);

/// What is asked for of a subject.
pub(crate) fn ask(subject: Subject) -> &'static Ask {
    match subject {
        Subject::Processors => &rows::PROCESSORS_ASK,
        Subject::Storage => &rows::STORAGE_ASK,
        Subject::Sensors => &rows::SENSORS_ASK,
        Subject::Parts => &parts::ASK,
    }
}

fn fields(subject: Subject) -> &'static [Field] {
    match subject {
        Subject::Processors => &rows::PROCESSORS,
        Subject::Storage => &rows::STORAGE,
        Subject::Sensors => &rows::SENSORS,
        Subject::Parts => &parts::FIELDS,
    }
}

impl Default for Objects {
    fn default() -> Self {
        Self::new(Subject::Parts)
    }
}

impl Objects {
    pub(crate) fn new(subject: Subject) -> Self {
        Self { subject, rows: BTreeMap::new(), without_ports: false }
    }

    pub(crate) fn limits(&self, limits: Limits) -> Limits {
        let first = if self.rows.is_empty() { REPETITIONS_FIRST } else { usize::MAX };
        Limits { repetitions: limits.repetitions.min(first), ..limits }
    }

    /// What the rows are, by index, and the facts of those that are of interest.
    pub(crate) fn finish(mut self) -> (Vec<Told>, Vec<ObjectFacts>) {
        if self.subject == Subject::Parts {
            if self.without_ports {
                self.rows.retain(|_, entry| !parts::is_port(entry));
            }
            let facts = self.rows.into_iter().map(|(index, entry)| parts::facts(index, entry));
            return (Vec::new(), facts.collect());
        }
        let (mut told, mut facts) = (Vec::new(), Vec::new());
        let mut sizes = Vec::new();
        for (index, mut entry) in self.rows {
            let [_, size, _] = entry.numbers;
            let (is, kind, name) = match self.subject {
                Subject::Processors | Subject::Parts => rows::processor(&mut entry),
                Subject::Storage => rows::storage(&mut entry),
                Subject::Sensors => rows::sensor(&entry),
            };
            told.push((index, is));
            sizes.push(size);
            if is != Trait::NOTHING {
                let object = format!("{}:{index}", is.object);
                facts.push(ObjectFacts { object, name, kind: kind.into(), ..Default::default() });
            }
        }
        if self.subject == Subject::Storage {
            memory::settle(told.iter_mut().map(|(_, is)| is).zip(sizes));
        }
        // What follows the last of interest is not read.
        let end = told.iter().rposition(|(_, is)| *is != Trait::NOTHING).map_or(0, |at| at + 1);
        told.truncate(end);
        (told, facts)
    }

    fn has_room(&mut self, index: u32) -> bool {
        let most = if self.subject == Subject::Parts { parts::PARTS_MAX } else { ROWS_MAX };
        if self.rows.len() < most || self.rows.contains_key(&index) {
            return true;
        }
        if self.subject == Subject::Parts {
            self.without_ports = true;
            self.rows.retain(|_, entry| !parts::is_port(entry));
        }
        self.rows.len() < most
    }
}

impl Sink for Objects {
    fn scalar(&mut self, _: usize, _: Value<'_>) {}

    fn cell(&mut self, column: usize, index: u32, value: Value<'_>) -> bool {
        if !self.has_room(index) {
            return false;
        }
        let Some(field) = fields(self.subject).get(column) else {
            return true;
        };
        let entry = self.rows.entry(index).or_default();
        match (field.into, value) {
            (Into::Number(at), value) => {
                if let Some(number) = entry.numbers.get_mut(at) {
                    *number = value.number();
                }
            }
            (Into::StorageType(at), Value::ObjectId(id)) => {
                if let Some(number) = entry.numbers.get_mut(at) {
                    *number = Some(rows::storage_type(id));
                }
            }
            (Into::Text(at, most), Value::Octets(octets)) => {
                if let Some(place) = entry.texts.get_mut(at) {
                    let mut clean = text(octets);
                    if let Some((end, _)) = clean.char_indices().nth(most) {
                        clean.truncate(end);
                    }
                    *place = clean;
                }
            }
            _ => {}
        }
        true
    }
}

/// Encoded columns of a subject.
pub(super) fn encoded(fields: &[Field]) -> Ask {
    let mut ask = Ask::default();
    for field in fields {
        ask.column(&crate::poll::plan::mib2(field.column), field.width);
    }
    ask
}

/// Names the sensors after the parts that they are.
pub(crate) fn name_sensors(sensors: &mut [ObjectFacts], parts: &[ObjectFacts]) {
    let index = |object: &ObjectFacts| Some(object.object.split_once(':')?.1.to_owned());
    let names: BTreeMap<_, _> =
        parts.iter().filter_map(|part| Some((index(part)?, part))).collect();
    for sensor in sensors {
        if let Some(part) = index(sensor).and_then(|index| names.get(&index).copied()) {
            sensor.name.clone_from(&part.name);
            sensor.description.clone_from(&part.description);
            sensor.parent.clone_from(&part.parent);
        }
    }
}

/// The event that tells of all objects of a group, and its digest.
pub(crate) fn table(
    device: DeviceId,
    group: u32,
    mut objects: Vec<ObjectFacts>,
    at: Micros,
) -> (Event, Digest) {
    let mut bytes = 0;
    let fits = |object: &ObjectFacts| {
        bytes += object.encoded_len();
        bytes <= TABLE_BYTES_MAX
    };
    let kept = objects.iter().map(fits).take_while(|fits| *fits).count();
    objects.truncate(kept);
    let table = ObjectTable { device_id: device.0, group, objects };
    let digest = digest(&table.encode_to_vec());
    (Event { at_us: at.0, kind: Some(event::Kind::ObjectTable(table)) }, digest)
}

/// The arcs of `encoded` behind `prefix`, if it is one arc.
pub(super) fn arc_below(encoded: &[u8], prefix: &oid::Oid) -> Option<u32> {
    oid::single_arc(encoded.strip_prefix(prefix.as_bytes())?)
}
