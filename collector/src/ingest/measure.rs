//! How much an agent's line carries: what it sends is counted and thrown away.
//!
//! On the class of bulk ([`PipeKind::Snapshot`]), so that it costs telemetry what bulk does:
//! `bench-transport` measures just that.
//!
//! - in: parts of [`PART_BYTES_MAX`], at most [`BYTES_MAX`] in one call
//! - out: how many bytes came, and how long they took
//! - bound: one call of an agent at a time, [`CALLS_MAX`] of all; nothing is kept of a part
//! - when full: the call is refused, to be made again later
//! - on crash: nothing is lost
//!
//! [`PipeKind::Snapshot`]: farwatch_common::transport::PipeKind::Snapshot

use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::AgentId;
use farwatch_proto::v1::{MeasurePart, Measured};
use futures_util::{Stream, StreamExt as _};
use tonic::Status;

use crate::identity::places::{Full, Places};

/// Largest call.
const BYTES_MAX: u64 = 1024 * 1024;
/// Largest part of one.
const PART_BYTES_MAX: usize = 64 * 1024;
/// Calls at once.
const CALLS_MAX: usize = 64;
const CALLS_PER_AGENT_MAX: usize = 1;
/// The largest call over 140 kbit/s; less is no line for bulk.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn places() -> Places<AgentId> {
    Places::new(CALLS_MAX, CALLS_PER_AGENT_MAX)
}

pub(super) fn refused(full: Full) -> Status {
    Status::resource_exhausted(match full {
        Full::ForAll => "too many agents measure their lines now, try again in a minute",
        Full::ForKey => "this agent measures its line already, one call at a time",
    })
}

/// Counts the parts to their end.
pub(super) async fn measure(
    parts: impl Stream<Item = Result<MeasurePart, Status>> + Unpin,
    clock: &Clock,
) -> Result<Measured, Status> {
    let late = |_| Status::deadline_exceeded("the measurement took longer than 60 s");
    tokio::time::timeout(TIMEOUT, count(parts, clock)).await.map_err(late)?
}

async fn count(
    mut parts: impl Stream<Item = Result<MeasurePart, Status>> + Unpin,
    clock: &Clock,
) -> Result<Measured, Status> {
    let mut bytes = 0;
    let mut began = None;
    while let Some(part) = parts.next().await {
        let part = part?.data;
        began.get_or_insert_with(|| clock.monotonic());
        bytes += part.len() as u64;
        if part.len() > PART_BYTES_MAX || bytes > BYTES_MAX {
            return Err(Status::invalid_argument(
                "more than 64 KiB in a part, or than 1 MiB in all: measure with less",
            ));
        }
    }
    let took = began.map_or(Duration::ZERO, |began| clock.monotonic().duration_since(began));
    Ok(Measured { bytes, took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX) })
}

#[cfg(test)]
mod tests {
    use tokio_stream::iter;
    use tonic::Code;

    use super::*;

    async fn counted(parts: Vec<usize>) -> Result<u64, Code> {
        let part = |bytes| Ok(MeasurePart { data: vec![7; bytes].into() });
        let counted = measure(iter(parts.into_iter().map(part)), &Clock::system()).await;
        counted.map(|measured| measured.bytes).map_err(|status| status.code())
    }

    #[tokio::test]
    async fn what_comes_is_counted_up_to_the_bounds() {
        assert_eq!(counted(vec![]).await, Ok(0));
        assert_eq!(counted(vec![5, PART_BYTES_MAX]).await, Ok(5 + PART_BYTES_MAX as u64));
        assert_eq!(counted(vec![PART_BYTES_MAX; 16]).await, Ok(BYTES_MAX));
        let too_much = [vec![PART_BYTES_MAX; 17], vec![PART_BYTES_MAX + 1]];
        for parts in too_much {
            assert_eq!(counted(parts).await, Err(Code::InvalidArgument));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_carries_nothing_is_given_up() {
        let stuck = tokio_stream::pending();
        let ended = measure(stuck, &Clock::system()).await;
        assert_eq!(ended.unwrap_err().code(), Code::DeadlineExceeded);
    }

    #[test]
    fn an_agent_measures_once_at_a_time() {
        let places = places();
        let place = places.take(AgentId(1)).unwrap();
        assert_eq!(refused(places.take(AgentId(1)).unwrap_err()).code(), Code::ResourceExhausted);
        drop(places.take(AgentId(2)).unwrap());
        drop(place);
        drop(places.take(AgentId(1)).unwrap());
    }
}
