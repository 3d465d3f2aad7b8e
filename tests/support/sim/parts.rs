//! What a device is made of beside its interfaces: processors, memory, sensors. The routers of
//! [`super::router`] have none until they are put in here.

use super::mib::{Level, Mib, Object};

/// hrStorageRam and hrDeviceProcessor of HOST-RESOURCES-TYPES (RFC 2790).
const HR_STORAGE_RAM: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 1, 2];
const HR_STORAGE_FIXED_DISK: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 2, 1, 4];
const HR_PROCESSOR: &[u32] = &[1, 3, 6, 1, 2, 1, 25, 3, 1, 3];
/// RouterOS has its memory and its disk at these places.
const RAM: u32 = 65_536;
const DISK: u32 = 131_072;
/// The first part is the chassis, sensors are in it.
const CHASSIS: u32 = 1;

/// A kind of sensor, with the numbers of RFC 3433.
#[derive(Clone, Copy, Debug)]
pub struct Sensor {
    pub name: &'static str,
    /// EntitySensorDataType.
    pub kind: i64,
    /// Digits behind the point.
    pub precision: i64,
    /// In units of the last of those digits.
    pub level: Level,
}

/// One row of hrProcessorTable for each, with its load in per cent.
pub fn put_processors(mib: &mut Mib, loads: &[Level]) {
    for (index, load) in (1..).zip(loads) {
        mib.put(&[25, 3, 2, 1, 1, index], Object::Integer(i64::from(index)));
        mib.put(&[25, 3, 2, 1, 2, index], object_id(HR_PROCESSOR));
        mib.put(&[25, 3, 2, 1, 3, index], Object::text(&format!("core {index}")));
        mib.put(&[25, 3, 3, 1, 2, index], Object::Level(*load));
    }
}

/// Memory of so many MiB, and a disk half as big, of which little changes.
pub fn put_storage(mib: &mut Mib, mebibytes: i64, seed: u64) {
    let memory = Level { mean: mebibytes * 1024 * 45 / 100, height: mebibytes * 102, seed };
    let rows = [
        (RAM, HR_STORAGE_RAM, "main memory", mebibytes * 1024, Object::Level(memory)),
        (
            DISK,
            HR_STORAGE_FIXED_DISK,
            "system disk",
            mebibytes * 512,
            Object::Integer(mebibytes * 90),
        ),
    ];
    for (index, kind, name, size, used) in rows {
        let mut row = |column, object| mib.put(&[25, 2, 3, 1, column, index], object);
        row(1, Object::Integer(i64::from(index)));
        row(2, object_id(kind));
        row(3, Object::text(name));
        row(4, Object::Integer(1024));
        row(5, Object::Integer(size));
        row(6, used);
    }
}

/// A chassis with these sensors (ENTITY-MIB, ENTITY-SENSOR-MIB).
pub fn put_sensors(mib: &mut Mib, model: &str, serial: &str, sensors: &[Sensor]) {
    put_part(mib, CHASSIS, (0, 3), "Chassis");
    mib.put(&[47, 1, 1, 1, 1, 11, CHASSIS], Object::text(serial));
    mib.put(&[47, 1, 1, 1, 1, 13, CHASSIS], Object::text(model));
    for (index, sensor) in (1000..).zip(sensors) {
        put_part(mib, index, (i64::from(CHASSIS), 8), sensor.name);
        let mut row = |column, object| mib.put(&[99, 1, 1, 1, column, index], object);
        row(1, Object::Integer(sensor.kind));
        // units
        row(2, Object::Integer(9));
        row(3, Object::Integer(sensor.precision));
        row(4, Object::Level(sensor.level));
        // ok
        row(5, Object::Integer(1));
    }
}

/// `(entPhysicalContainedIn, entPhysicalClass)`
fn put_part(mib: &mut Mib, index: u32, (inside, class): (i64, i64), name: &str) {
    let mut row = |column, object| mib.put(&[47, 1, 1, 1, 1, column, index], object);
    row(2, Object::text(name));
    row(4, Object::Integer(inside));
    row(5, Object::Integer(class));
    row(7, Object::text(name));
}

fn object_id(arcs: &[u32]) -> Object {
    Object::ObjectId(farwatch_agent::poll::oid::Oid::new(arcs))
}
