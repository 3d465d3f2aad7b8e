//! The wire codec of batches: what `buffer` stores, `uplink` sends and `store` keeps.
//!
//! A sample batch is columnar: rows are grouped by (device, group, schema), each group has one
//! column of times and one column per metric, each column is a run of zigzag varints that hold the
//! difference to the value above, and the whole is compressed by zstd level 1. A batch is
//! self-contained (no state shared with other batches) and decoding is bounded by the constants
//! below, whatever the input says.
//!
//! Cost: encoding and decoding are linear in the number of samples.

mod count;
mod rows;
mod varint;

pub use rows::{decode_rows, encode_rows};

use std::cell::RefCell;

use farwatch_proto::v1::{Event, EventBatch};
use prost::Message as _;
use zstd::bulk::{Compressor, Decompressor};

use crate::sample::Class;

/// Largest packed batch anybody accepts.
pub const PACKED_BYTES_MAX: usize = 1024 * 1024;
/// Largest unpacked batch: caps what a decompression bomb can cost.
pub const UNPACKED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most samples in one batch.
pub const SAMPLES_MAX: usize = 1_000_000;
/// Most rows in one batch.
pub const ROWS_MAX: usize = 100_000;
/// Largest unpacked batch of events: they become far larger structures than samples do.
pub const EVENTS_UNPACKED_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most events in one batch.
pub const EVENTS_MAX: usize = 10_000;
/// Most interfaces in all tables of one batch.
pub const EVENT_INTERFACES_MAX: usize = 65_536;
/// Most objects in all tables of objects of one batch.
pub const EVENT_OBJECTS_MAX: usize = 65_536;
/// Speed over ratio: higher levels gain 2 % for twice the CPU.
const ZSTD_LEVEL: i32 = 1;

/// How `data` of a batch is packed. Numbers are wire and storage values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    Rows = 1,
    Events = 2,
}

impl Codec {
    #[must_use]
    pub fn from_wire(number: u32) -> Option<Self> {
        [Self::Rows, Self::Events].into_iter().find(|codec| *codec as u32 == number)
    }
}

/// Why a batch cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    #[error("the batch has {size} bytes, at most {max} are allowed")]
    TooLarge { size: usize, max: usize },
    #[error("the batch does not decompress within {max} bytes")]
    Compression { max: usize },
    #[error("the batch ends too early or breaks the format: {what}")]
    Malformed { what: &'static str },
    #[error("the batch has more than {max} {what}")]
    TooMany { what: &'static str, max: usize },
    #[error("the batch holds an event that cannot be read")]
    Event,
}

thread_local! {
    // Making these costs more than a small batch.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// What makes two batches the same: the collector keeps it to tell a repeat from a fork.
#[must_use]
pub fn content_hash(class: Class, codec: Codec, data: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[class as u8, codec as u8]);
    hasher.update(data);
    *hasher.finalize().as_bytes()
}

/// Packs events (codec 2).
pub fn encode_events(events: Vec<Event>) -> Result<Vec<u8>, BatchError> {
    let plain = EventBatch { events }.encode_to_vec();
    if plain.len() > EVENTS_UNPACKED_BYTES_MAX {
        return Err(BatchError::TooLarge { size: plain.len(), max: EVENTS_UNPACKED_BYTES_MAX });
    }
    compress(&plain)
}

/// Reads events (codec 2).
pub fn decode_events(data: &[u8]) -> Result<Vec<Event>, BatchError> {
    let plain = decompress_within(data, EVENTS_UNPACKED_BYTES_MAX)?;
    count::check(&plain)?;
    EventBatch::decode(plain.as_slice()).map(|batch| batch.events).map_err(|_| BatchError::Event)
}

fn compress(plain: &[u8]) -> Result<Vec<u8>, BatchError> {
    if plain.len() > UNPACKED_BYTES_MAX {
        return Err(BatchError::TooLarge { size: plain.len(), max: UNPACKED_BYTES_MAX });
    }
    let packed = PACKER
        .with_borrow_mut(|slot| match slot {
            Some(packer) => packer.compress(plain),
            None => slot.insert(Compressor::new(ZSTD_LEVEL)?).compress(plain),
        })
        .map_err(|_| BatchError::Compression { max: UNPACKED_BYTES_MAX })?;
    if packed.len() > PACKED_BYTES_MAX {
        return Err(BatchError::TooLarge { size: packed.len(), max: PACKED_BYTES_MAX });
    }
    Ok(packed)
}

/// How large a batch says it is unpacked, which it cannot exceed; `None` if it does not say.
#[must_use]
pub fn unpacked_size(packed: &[u8]) -> Option<usize> {
    let claimed = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    usize::try_from(claimed?).ok()
}

fn decompress(packed: &[u8]) -> Result<Vec<u8>, BatchError> {
    decompress_within(packed, UNPACKED_BYTES_MAX)
}

fn decompress_within(packed: &[u8], max: usize) -> Result<Vec<u8>, BatchError> {
    if packed.len() > PACKED_BYTES_MAX {
        return Err(BatchError::TooLarge { size: packed.len(), max: PACKED_BYTES_MAX });
    }
    // The frame says its size; it is a hint to be capped, never a promise to allocate.
    let too_large = BatchError::Compression { max };
    let size =
        unpacked_size(packed).filter(|size| *size <= max).ok_or_else(|| too_large.clone())?;
    UNPACKER
        .with_borrow_mut(|slot| match slot {
            Some(unpacker) => unpacker.decompress(packed, size),
            None => slot.insert(Decompressor::new()?).decompress(packed, size),
        })
        .map_err(|_| too_large)
}

#[cfg(test)]
mod tests;
