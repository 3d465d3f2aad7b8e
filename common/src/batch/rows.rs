//! Codec 1: rows of samples as columns.
//!
//! ```text
//! format u8 = 1
//! base time (varint, zigzag)
//! group*: device delta (zigzag) | group u8 | schema u64 LE | rows | columns | flags u8
//!         times: delta to the base, then to the time above (zigzag)
//!         if FAILED: one cause byte per row (0 = polled well)
//!         if HOLES:  one bitmap of `columns` bits per well polled row, set = value present
//!         per column: the present values, each as zigzag of the difference to the one above
//! ```
//!
//! Differences wrap, so all 64 bits of a counter survive.

use std::collections::BTreeMap;

use super::varint::{Reader, put, put_signed};
use super::{BatchError, ROWS_MAX, SAMPLES_MAX, compress, decompress};
use crate::clock::Micros;
use crate::id::DeviceId;
use crate::sample::{COLUMNS_MAX, Cause, Group, Row, SchemaId};

const FORMAT: u8 = 1;
/// Some rows of the group failed as a whole.
const FAILED: u8 = 1;
/// Some values of the group are missing.
const HOLES: u8 = 2;

/// Packs rows; rows of one device, group and schema keep their order, groups are sorted.
pub fn encode_rows(rows: &[Row]) -> Result<Vec<u8>, BatchError> {
    if rows.len() > ROWS_MAX {
        return Err(BatchError::TooMany { what: "rows", max: ROWS_MAX });
    }
    let samples: usize = rows.iter().map(|row| row.values.len()).sum();
    if samples > SAMPLES_MAX {
        return Err(BatchError::TooMany { what: "samples", max: SAMPLES_MAX });
    }
    let mut groups: BTreeMap<(DeviceId, Group, SchemaId), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry((row.device, row.group, row.schema)).or_default().push(row);
    }
    let base = rows.iter().map(|row| row.at.0).min().unwrap_or(0);
    let mut out = Vec::with_capacity(64 + samples * 4);
    out.push(FORMAT);
    put_signed(&mut out, base);
    let mut device_above = 0i64;
    for ((device, group, schema), rows) in groups {
        put_signed(&mut out, device.0.wrapping_sub(device_above));
        device_above = device.0;
        out.push(group as u8);
        out.extend_from_slice(&schema.0.to_le_bytes());
        put_group(&mut out, &rows, base)?;
    }
    compress(&out)
}

fn put_group(out: &mut Vec<u8>, rows: &[&Row], base: i64) -> Result<(), BatchError> {
    let polled: Vec<&Row> = rows.iter().copied().filter(|row| row.cause.is_none()).collect();
    let columns = polled.first().map_or(0, |row| row.values.len());
    if columns > COLUMNS_MAX {
        return Err(BatchError::TooMany { what: "columns", max: COLUMNS_MAX });
    }
    if polled.iter().any(|row| row.values.len() != columns) {
        return Err(BatchError::Malformed { what: "rows of one schema differ in length" });
    }
    let failed = polled.len() < rows.len();
    let holes = polled.iter().any(|row| row.values.contains(&None));
    put(out, rows.len() as u64);
    put(out, columns as u64);
    out.push(if failed { FAILED } else { 0 } | if holes { HOLES } else { 0 });
    let mut time_above = base;
    for row in rows {
        put_signed(out, row.at.0.wrapping_sub(time_above));
        time_above = row.at.0;
    }
    if failed {
        out.extend(rows.iter().map(|row| row.cause.map_or(0, |cause| cause as u8)));
    }
    if holes {
        for row in &polled {
            put_bitmap(out, &row.values);
        }
    }
    for column in 0..columns {
        let mut above = 0i64;
        for value in polled.iter().filter_map(|row| row.values.get(column).copied().flatten()) {
            put_signed(out, value.wrapping_sub(above));
            above = value;
        }
    }
    Ok(())
}

fn put_bitmap(out: &mut Vec<u8>, values: &[Option<i64>]) {
    for eight in values.chunks(8) {
        let bits = eight.iter().enumerate().map(|(at, value)| u8::from(value.is_some()) << at);
        out.push(bits.sum());
    }
}

/// Reads rows, in the order of the groups.
pub fn decode_rows(data: &[u8]) -> Result<Vec<Row>, BatchError> {
    let plain = decompress(data)?;
    let mut reader = Reader::new(&plain);
    if reader.byte("format")? != FORMAT {
        return Err(BatchError::Malformed { what: "unknown format" });
    }
    let base = reader.signed("base time")?;
    let mut device = 0i64;
    let mut rows = Vec::new();
    let mut samples = 0usize;
    while !reader.is_empty() {
        device = device.wrapping_add(reader.signed("device")?);
        if device < 0 {
            return Err(BatchError::Malformed { what: "device id" });
        }
        let group = Group::from_wire(u32::from(reader.byte("group")?))
            .ok_or(BatchError::Malformed { what: "unknown group" })?;
        let mut schema = [0u8; 8];
        schema.copy_from_slice(reader.bytes(8, "schema")?);
        let key = (DeviceId(device), group, SchemaId(i64::from_le_bytes(schema)));
        take_group(&mut reader, key, base, &mut samples, &mut rows)?;
    }
    Ok(rows)
}

fn take_group(
    reader: &mut Reader<'_>,
    (device, group, schema): (DeviceId, Group, SchemaId),
    base: i64,
    samples: &mut usize,
    rows: &mut Vec<Row>,
) -> Result<(), BatchError> {
    let count = reader.count("rows", ROWS_MAX - rows.len().min(ROWS_MAX))?;
    let columns = reader.count("columns", COLUMNS_MAX)?;
    let flags = reader.byte("flags")?;
    if flags & !(FAILED | HOLES) != 0 {
        return Err(BatchError::Malformed { what: "unknown flags" });
    }
    // Before anything is allocated: a bomb of constant columns must not outgrow the cap.
    *samples = samples.saturating_add(count.saturating_mul(columns));
    if *samples > SAMPLES_MAX {
        return Err(BatchError::TooMany { what: "samples", max: SAMPLES_MAX });
    }
    let start = rows.len();
    let mut at = base;
    for _ in 0..count {
        at = at.wrapping_add(reader.signed("time")?);
        rows.push(Row { device, group, schema, at: Micros(at), cause: None, values: Vec::new() });
    }
    let Some(taken) = rows.get_mut(start..) else {
        return Ok(());
    };
    if flags & FAILED != 0 {
        for row in taken.iter_mut() {
            let number = reader.byte("cause")?;
            if number != 0 {
                // One of an agent newer than this: that there is no value is known all the same.
                row.cause = Some(Cause::from_wire(number.into()).unwrap_or(Cause::Unsupported));
            }
        }
    }
    let mut polled: Vec<&mut Row> = taken.iter_mut().filter(|row| row.cause.is_none()).collect();
    for row in &mut polled {
        row.values = take_presence(reader, columns, flags & HOLES != 0)?;
    }
    for column in 0..columns {
        let mut above = 0i64;
        for row in &mut polled {
            if let Some(Some(value)) = row.values.get_mut(column) {
                above = above.wrapping_add(reader.signed("value")?);
                *value = above;
            }
        }
    }
    Ok(())
}

/// A row of `Some(0)` where a value will follow and `None` where it will not.
fn take_presence(
    reader: &mut Reader<'_>,
    columns: usize,
    holes: bool,
) -> Result<Vec<Option<i64>>, BatchError> {
    if !holes {
        return Ok(vec![Some(0); columns]);
    }
    let bitmap = reader.bytes(columns.div_ceil(8), "bitmap")?;
    let bits = bitmap.iter().flat_map(|byte| (0..8).map(move |at| byte >> at & 1 == 1));
    Ok(bits.take(columns).map(|present| present.then_some(0)).collect())
}
