//! Core: counts what a batch of events holds before anything is allocated for it.
//!
//! An empty event is two bytes on the wire and a hundred in memory, so a limit on bytes alone
//! bounds little. Only tags and lengths are read here; whether the rest is sound is for the
//! decoder to say.

use super::varint::Reader;
use super::{BatchError, EVENT_INTERFACES_MAX, EVENT_OBJECTS_MAX, EVENTS_MAX};

/// `EventBatch.events`; the tables of an `Event`, and the rows of each.
const EVENTS: u64 = 1;
const INTERFACE_TABLE: u64 = 3;
const INTERFACES: u64 = 2;
const OBJECT_TABLE: u64 = 5;
const OBJECTS: u64 = 3;
const WHAT: &str = "events";

/// Fails if there are too many events, or interfaces or other objects in all of them together.
pub(super) fn check(plain: &[u8]) -> Result<(), BatchError> {
    let (mut events, mut interfaces, mut objects) = (0, 0, 0);
    fields(plain, EVENTS, &mut |event| {
        add(&mut events, EVENTS_MAX, "events")?;
        fields(event, INTERFACE_TABLE, &mut |table| {
            fields(table, INTERFACES, &mut |_| {
                add(&mut interfaces, EVENT_INTERFACES_MAX, "interfaces")
            })
        })?;
        fields(event, OBJECT_TABLE, &mut |table| {
            fields(table, OBJECTS, &mut |_| add(&mut objects, EVENT_OBJECTS_MAX, "objects"))
        })
    })
}

fn add(count: &mut usize, max: usize, what: &'static str) -> Result<(), BatchError> {
    *count += 1;
    if *count > max { Err(BatchError::TooMany { what, max }) } else { Ok(()) }
}

/// Hands each embedded message with the number `wanted` to `each`.
fn fields(
    message: &[u8],
    wanted: u64,
    each: &mut dyn FnMut(&[u8]) -> Result<(), BatchError>,
) -> Result<(), BatchError> {
    let mut reader = Reader::new(message);
    while !reader.is_empty() {
        let tag = reader.varint(WHAT)?;
        match tag & 7 {
            0 => {
                reader.varint(WHAT)?;
            }
            1 => {
                reader.bytes(8, WHAT)?;
            }
            5 => {
                reader.bytes(4, WHAT)?;
            }
            2 => {
                let size = usize::try_from(reader.varint(WHAT)?).unwrap_or(usize::MAX);
                let content = reader.bytes(size, WHAT)?;
                if tag >> 3 == wanted {
                    each(content)?;
                }
            }
            // Groups, which no version of the protocol has: their content could not be counted.
            _ => return Err(BatchError::Event),
        }
    }
    Ok(())
}
