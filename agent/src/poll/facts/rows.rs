//! Core: what the rows of the tables of numbers are: hrProcessorTable, hrStorageTable,
//! entPhySensorTable.

use std::sync::LazyLock;

use super::objects::{Entry, Field, Into, arc_below, encoded};
use super::{TEXT_CHARS_MAX, memory};
use crate::poll::oid::Oid;
use crate::poll::plan::{Ask, SENSOR_KINDS, STORAGE as DISK, mib2};
use crate::poll::shape::Trait;

/// EntitySensorDataScale `units`: each step is three powers of ten.
const SCALE_UNITS: i64 = 9;
const SCALES: std::ops::RangeInclusive<i64> = 1..=17;
const PRECISIONS: std::ops::RangeInclusive<i64> = -8..=9;
/// Powers of ten that a schema may have.
const EXPONENT_MAX: i64 = 18;
/// Types of file systems stand behind those of storages, see [`storage_type`].
const FILE_SYSTEMS: i64 = 1 << 32;

pub(super) static PROCESSORS_ASK: LazyLock<Ask> = LazyLock::new(|| encoded(&PROCESSORS));
pub(super) static STORAGE_ASK: LazyLock<Ask> = LazyLock::new(|| encoded(&STORAGE));
pub(super) static SENSORS_ASK: LazyLock<Ask> = LazyLock::new(|| encoded(&SENSORS));

const fn number(column: &'static [u32], at: usize) -> Field {
    Field { column, width: 2, into: Into::Number(at) }
}

/// hrProcessorLoad; hrDeviceDescr of the same index.
pub(super) static PROCESSORS: [Field; 2] = [
    number(&[25, 3, 3, 1, 2], 0),
    Field { column: &[25, 3, 2, 1, 3], width: 24, into: Into::Text(0, TEXT_CHARS_MAX) },
];

/// hrStorageType, hrStorageSize, hrStorageDescr.
pub(super) static STORAGE: [Field; 3] = [
    Field { column: &[25, 2, 3, 1, 2], width: 9, into: Into::StorageType(0) },
    number(&[25, 2, 3, 1, 5], 1),
    Field { column: &[25, 2, 3, 1, 3], width: 16, into: Into::Text(0, TEXT_CHARS_MAX) },
];

/// entPhySensorType, -Scale, -Precision.
pub(super) static SENSORS: [Field; 3] =
    [number(&[99, 1, 1, 1, 1], 0), number(&[99, 1, 1, 1, 2], 1), number(&[99, 1, 1, 1, 3], 2)];

/// What a row is: its trait, its kind and its name.
type Is = (Trait, &'static str, String);

const NOTHING: Is = (Trait::NOTHING, "", String::new());

/// A device of hrDeviceTable is a processor if it has a load.
pub(super) fn processor(entry: &mut Entry) -> Is {
    let [Some(_), ..] = entry.numbers else {
        return NOTHING;
    };
    let [name, ..] = &mut entry.texts;
    (Trait { object: "cpu", metrics: 1, ..Trait::NOTHING }, "processor", std::mem::take(name))
}

/// The last arc of a type of storage (hrStorageTypes); that of a type of file system (hrFSTypes),
/// which some agents give instead, behind [`FILE_SYSTEMS`]; 0 for anything else.
pub(super) fn storage_type(id: &[u8]) -> i64 {
    static STORAGE_TYPES: LazyLock<Oid> = LazyLock::new(|| Oid::new(&mib2(&[25, 2, 1])));
    static FILE_SYSTEM_TYPES: LazyLock<Oid> = LazyLock::new(|| Oid::new(&mib2(&[25, 3, 9])));
    if let Some(arc) = arc_below(id, &STORAGE_TYPES) {
        i64::from(arc)
    } else if let Some(arc) = arc_below(id, &FILE_SYSTEM_TYPES) {
        FILE_SYSTEMS + i64::from(arc)
    } else {
        0
    }
}

/// A storage without a size has nothing to be measured against. One of type `other` that names a
/// path is mounted there; else it is a part of the memory, like buffers and cache.
pub(super) fn storage(entry: &mut Entry) -> Is {
    let [kind, size, _] = entry.numbers;
    let [name, ..] = &mut entry.texts;
    let name = std::mem::take(name);
    let kind = match kind {
        _ if size.is_none_or(|size| size == 0) => return NOTHING,
        Some(2) if memory::is_of_kernel(&name) => return NOTHING,
        Some(1..=3) if memory::is_lent(&name) => "other_memory",
        Some(1) if name.contains('/') => "file_system",
        Some(1) => "other_memory",
        Some(2) => "ram",
        Some(3) => "virtual_memory",
        Some(4) => "fixed_disk",
        Some(5) => "removable_disk",
        Some(6) => "floppy_disk",
        Some(7) => "compact_disc",
        Some(8) => "ram_disk",
        Some(9) => "flash_memory",
        Some(10) => "network_disk",
        Some(FILE_SYSTEMS..) => "file_system",
        _ => return NOTHING,
    };
    let is = match kind {
        "ram" | "virtual_memory" | "other_memory" => memory::is(kind, &name),
        _ => Trait { object: "storage", metrics: DISK, ..Trait::NOTHING },
    };
    (is, kind, name)
}

/// A sensor's value is `value * 10^(3 * (scale - 9)) / 10^precision`. A precision below 0 counts
/// the digits that are right and moves nothing.
pub(super) fn sensor(entry: &Entry) -> Is {
    let [Some(of_type), Some(scale), Some(precision)] = entry.numbers else {
        return NOTHING;
    };
    let known = (0..).zip(&SENSOR_KINDS).find(|(_, kind)| kind.types.contains(&of_type));
    let Some((at, kind)) = known else {
        return NOTHING;
    };
    if !SCALES.contains(&scale) || !PRECISIONS.contains(&precision) {
        return NOTHING;
    }
    let exponent = match kind.name {
        "state" => 0,
        _ => 3 * (scale - SCALE_UNITS) - precision.max(0),
    };
    match i8::try_from(exponent) {
        Ok(small) if exponent.abs() <= EXPONENT_MAX => {
            let is =
                Trait { object: "sensor", metrics: 1 << at, exponent: small, ..Trait::NOTHING };
            (is, kind.name, String::new())
        }
        _ => NOTHING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_and_a_precision_make_one_exponent() {
        let check = |numbers: [i64; 3], wanted: Option<(u32, i8)>| {
            let entry = Entry { numbers: numbers.map(Some), ..Entry::default() };
            let (is, ..) = sensor(&entry);
            let found = (is != Trait::NOTHING).then(|| (is.metrics.trailing_zeros(), is.exponent));
            assert_eq!(found, wanted, "{numbers:?}");
        };
        check([8, 9, 0], Some((4, 0)));
        check([8, 9, 1], Some((4, -1)));
        check([8, 8, 0], Some((4, -3)));
        check([4, 8, 2], Some((0, -5)));
        check([3, 8, -2], Some((0, -3)));
        check([7, 12, 0], Some((3, 9)));
        check([12, 8, 3], Some((7, 0)));
        // `other`, powers of ten that no schema has, scales that are none.
        check([1, 9, 0], None);
        check([8, 1, 0], None);
        check([8, 0, 0], None);
        check([8, 18, 0], None);
        check([8, 9, 10], None);
    }

    #[test]
    fn a_storage_is_what_its_type_says() {
        let check = |kind: i64, size: i64, name: &str, wanted: &str| {
            let numbers = [Some(kind), Some(size), None];
            let mut entry = Entry { numbers, ..Entry::default() };
            entry.texts[0] = name.into();
            assert_eq!(storage(&mut entry).1, wanted, "{kind} {size} {name}");
        };
        check(2, 100, "Physical memory", "ram");
        check(1, 100, "Cached memory", "other_memory");
        check(1, 100, "/run/lock", "file_system");
        check(1, 100, "Buffers/Cache", "other_memory");
        check(2, 100, "RAM (Cache)", "other_memory");
        check(2, 100, "UMA: UMA Zones", "");
        check(2, 100, "UMA: syncache", "");
        check(4, 100, "/", "fixed_disk");
        check(4, -5, "/srv", "fixed_disk");
        check(4, 0, "/proc", "");
        check(FILE_SYSTEMS + 3, 100, "/var", "file_system");
        check(0, 100, "?", "");
        check(11, 100, "?", "");
    }

    #[test]
    fn types_of_storages_and_of_file_systems_are_told_apart() {
        let id = |tail: &[u32]| storage_type(Oid::new(&mib2(tail)).as_bytes());
        assert_eq!(id(&[25, 2, 1, 4]), 4);
        assert_eq!(id(&[25, 3, 9, 3]), FILE_SYSTEMS + 3);
        assert_eq!(id(&[25, 2, 1]), 0);
        assert_eq!(id(&[25, 2, 1, 4, 1]), 0);
    }
}
