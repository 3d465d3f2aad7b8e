//! Ids: 63 bits, made in process, ordered by time, shown as a prefix and 13 base32 letters.
//!
//! Layout, high to low: 41 bits of milliseconds since 2024-01-01 UTC (good until 2093), 10 bits of
//! node lease, 12 bits of counter. A clock that steps back neither repeats ids nor takes them back:
//! the generator goes on from the last millisecond it used, and one that is told of ids that were
//! given before goes on behind them. The counter begins each millisecond at a number that
//! a generator draws once: processes that share a node, as commands do, hardly ever meet.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Micros;

/// 2024-01-01T00:00:00Z in milliseconds since 1970.
const EPOCH_MS: i64 = 1_704_067_200_000;
const COUNTER_BITS: u32 = 12;
const NODE_BITS: u32 = 10;
/// Crockford's base32: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 letters of 5 bits hold 65 bits.
const TEXT_LEN: usize = 13;

/// Makes ids. One per process; `node` should differ between processes that share a database.
#[derive(Debug)]
pub struct IdGenerator {
    node: u64,
    /// Where the counter begins in a millisecond.
    start: u64,
    /// Milliseconds and counter of the last id, without the node bits between them.
    last: AtomicU64,
}

impl IdGenerator {
    /// A generator for the node lease `node`, of which the low 10 bits count.
    #[must_use]
    pub fn new(node: u16) -> Self {
        Self::starting_at(node, rand::random())
    }

    fn starting_at(node: u16, start: u64) -> Self {
        let low = |number: u64, bits: u32| number & ((1 << bits) - 1);
        let (node, start) = (low(node.into(), NODE_BITS), low(start, COUNTER_BITS));
        Self { node, start, last: AtomicU64::new(0) }
    }

    /// Goes on behind an id that was given before, by this node or another.
    #[must_use]
    pub fn behind(self, id: i64) -> Self {
        let ms = u64::try_from(id).unwrap_or(0) >> (COUNTER_BITS + NODE_BITS);
        // The whole millisecond is left out: in it, ids of other nodes may be larger.
        let last = ((ms + 1) << COUNTER_BITS) - 1;
        self.last.fetch_max(last, Ordering::Relaxed);
        self
    }

    /// The next id, above every id this generator gave before.
    pub fn next(&self, now: Micros) -> i64 {
        let ms = u64::try_from((now.0 / 1000).saturating_sub(EPOCH_MS)).unwrap_or(0);
        let floor = (ms & ((1 << 41) - 1)) << COUNTER_BITS | self.start;
        let previous = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(floor.max(last + 1)))
            .unwrap_or_else(|last| last);
        let stamp = floor.max(previous + 1);
        let counter = stamp & ((1 << COUNTER_BITS) - 1);
        let id = (stamp >> COUNTER_BITS) << (COUNTER_BITS + NODE_BITS)
            | self.node << COUNTER_BITS
            | counter;
        // 41 + 10 + 12 bits never reach the sign bit.
        i64::try_from(id & (u64::MAX >> 1)).unwrap_or(i64::MAX)
    }
}

/// An id that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id of this kind is {prefix}_ and 13 letters of base32")]
pub struct ParseIdError {
    prefix: &'static str,
}

fn encode(id: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; TEXT_LEN];
    let mut rest = id.cast_unsigned();
    for letter in text.iter_mut().rev() {
        *letter = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
}

fn decode(text: &str) -> Option<i64> {
    if text.len() != TEXT_LEN {
        return None;
    }
    let mut id: u64 = 0;
    for letter in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == letter)?;
        if id >> 59 != 0 {
            return None;
        }
        id = id << 5 | digit as u64;
    }
    i64::try_from(id).ok()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl $name {
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                encode(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(ParseIdError { prefix: $prefix })
            }
        }
    )*};
}

ids! {
    /// A customer. Nothing of one tenant is ever visible to another.
    TenantId = "ten";
    /// A place of a tenant where gear stands.
    SiteId = "sit";
    /// The Farwatch process at a site.
    AgentId = "agt";
    /// A router, switch or anything else that is polled.
    DeviceId = "dev";
    /// A person who signs in.
    UserId = "usr";
    /// An API key of a program.
    ApiKeyId = "key";
    /// A screen on the wall.
    ScreenId = "scr";
    /// An enrolment token.
    TokenId = "tok";
    /// A device credential, sealed.
    CredentialId = "crd";
    /// A web session.
    SessionId = "ses";
    /// A person of the provider in a tenant, for a while.
    GrantId = "grt";
    /// What is looked for, and when it is wrong.
    RuleId = "rul";
    /// What a rule has found.
    AlertId = "alt";
    /// Where people are told.
    ChannelId = "chn";
    /// Which alerts go to a channel.
    RouteId = "rte";
    /// What has to reach a channel.
    NotificationId = "ntf";
    /// Fetching the configuration of a device once.
    ConfigJobId = "job";
    /// What the configuration of a device was for a while.
    ConfigVersionId = "cfg";
    /// A search for what stands at a site.
    ScanId = "scn";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_rise_and_never_repeat_even_when_the_clock_steps_back() {
        let ids = IdGenerator::new(3);
        let now = Micros(1_800_000_000_000_000);
        let mut last = 0;
        let mut seen = HashSet::new();
        for step in 0..20_000i64 {
            let id = ids.next(Micros(now.0 - step * 500));
            assert!(id > last, "{id} after {last}");
            assert!(seen.insert(id));
            last = id;
        }
    }

    #[test]
    fn ids_go_on_behind_those_of_a_clock_that_was_ahead() {
        let now = Micros(1_800_000_000_000_000);
        let tomorrow = Micros(now.0 + 86_400 * Micros::SECOND);
        for before in [IdGenerator::new(0), IdGenerator::new(1023)] {
            let last = before.next(tomorrow);
            let ids = IdGenerator::new(0).behind(last).behind(7);
            let first = ids.next(now);
            assert!(first > last && ids.next(now) > first, "{first} after {last}");
        }
        // What was given before counts no more once the clock is past it.
        let ids = IdGenerator::starting_at(0, 0).behind(IdGenerator::new(0).next(now));
        assert_eq!(ids.next(tomorrow), IdGenerator::starting_at(0, 0).next(tomorrow));
        let _ = IdGenerator::new(0).behind(i64::MAX).behind(-1).behind(0);
    }

    #[test]
    fn two_nodes_differ_in_the_same_millisecond() {
        let now = Micros(1_800_000_000_000_000);
        assert_ne!(IdGenerator::new(1).next(now), IdGenerator::new(2).next(now));
    }

    #[test]
    fn two_processes_of_one_node_differ_in_the_same_millisecond() {
        let now = Micros(1_800_000_000_000_000);
        let (one, two) = (IdGenerator::starting_at(1, 7), IdGenerator::starting_at(1, 4095));
        assert_ne!(one.next(now), two.next(now));
        // Past the end of its counter a generator goes on in the next millisecond.
        let last = two.next(now);
        assert!(last < two.next(Micros(now.0 + 1000)));
        let drawn: HashSet<u64> = (0..64).map(|_| IdGenerator::new(1).start).collect();
        assert!(drawn.len() > 32);
    }

    #[test]
    fn text_form_round_trips() {
        for raw in [0, 1, 31, 32, 1_234_567_890_123, i64::MAX] {
            let text = DeviceId(raw).to_string();
            assert_eq!(text.len(), 4 + TEXT_LEN);
            assert_eq!(text.parse(), Ok(DeviceId(raw)), "{text}");
        }
    }

    #[test]
    fn foreign_and_broken_text_is_refused() {
        let good = DeviceId(77).to_string();
        let overflow = format!("dev_{}", "z".repeat(TEXT_LEN));
        for bad in ["", "dev_", "77", &good.replace("dev", "agt"), &good[..10], &overflow] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad}");
        }
    }
}
