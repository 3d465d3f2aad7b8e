//! What the poll stage counts about itself.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Totals since the start of the process. Cheap to raise, read by the status page.
        #[derive(Debug, Default)]
        pub struct PollCounters { $($(#[$doc])* pub $name: AtomicU64,)* }

        /// The totals at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
        pub struct PollSnapshot { $($(#[$doc])* pub $name: u64,)* }

        impl PollCounters {
            #[must_use]
            pub fn snapshot(&self) -> PollSnapshot {
                PollSnapshot { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Polls that ended, well or not.
    polls,
    /// Polls of which a group has no values.
    failed,
    /// Questions sent, repeated ones included.
    requests,
    /// Answers that belonged to a question.
    replies,
    /// Questions that nobody answered in time.
    timeouts,
    /// Questions that could not be sent, or devices without an address.
    unreachable,
    /// Answers to a question given up or answered before.
    late_replies,
    /// Answers of a device that broke the protocol.
    malformed,
    /// Datagrams that belong to no device, or carry a wrong version or community.
    strays,
    /// Answers that came from another address than was asked.
    foreign_source,
    /// Answers that carried an SNMP error other than tooBig.
    refused,
    /// Answers that carried tooBig.
    too_big,
    /// Polls that ran into a limit.
    over_budget,
    /// Walks over a table that has more rows than are kept: those behind them were left out.
    cut_tables,
    /// Slots that passed without a poll: the last one still ran, or the next stage had no room.
    skipped_slots,
    /// Rows and events the next stage had no room for.
    dropped_observations,
    /// Echo requests sent.
    echo_requests,
    /// Answers that belonged to an echo request.
    echo_replies,
    /// Answers that came late, twice, or from somebody who was not asked.
    echo_strays,
}

/// Adds one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Adds `number`.
pub(super) fn count_many(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}
