//! Core: a device's places in time.

use std::time::Duration;

use farwatch_common::id::DeviceId;

use crate::poll::Target;

/// Shortest interval, so that a schedule can be computed.
const INTERVAL_US_MIN: u64 = 1000;

pub(super) fn interval(target: &Target) -> u64 {
    micros(target.interval).max(INTERVAL_US_MIN)
}

/// The device's stable share of a span: spreads devices evenly.
pub(super) fn share(device: DeviceId, span_us: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ping").update(&device.0.to_le_bytes());
    let hash = hasher.finalize();
    let hash = hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    u64::try_from((u128::from(hash) * u128::from(span_us)) >> 64).unwrap_or(0)
}

/// The device's next place in its interval. The first burst lies off it; the second keeps half an
/// interval's distance.
pub(super) fn next_slot(device: DeviceId, interval_us: u64, due_us: u64, now_us: u64) -> u64 {
    let after = now_us.max(due_us + interval_us / 2);
    let offset = share(device, interval_us);
    (after + interval_us - offset) / interval_us * interval_us + offset
}

/// Microseconds of a duration that is no longer than some years.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
