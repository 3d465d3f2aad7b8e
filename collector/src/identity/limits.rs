//! How often somebody may try: logins, enrolments, API calls.
//!
//! Each limiter keeps a bounded map. When it is full, entries that are back at rest are dropped;
//! while none is, all share one bucket: a flood from tens of thousands of addresses is slowed as a
//! whole, and memory does not grow with it.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use farwatch_common::id::{AgentId, TenantId};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Keys a limiter remembers.
pub const KEYS_MAX: usize = 20_000;
/// A full map is searched for entries at rest once in so many new keys.
const SWEEP_EVERY: u32 = 256;
const MINUTE: Duration = Duration::from_secs(60);

pub const LOGINS_PER_MINUTE_ACCOUNT: NonZeroU32 = NonZeroU32::new(5).unwrap();
pub const LOGINS_PER_MINUTE_ADDRESS: NonZeroU32 = NonZeroU32::new(20).unwrap();
pub const ENROLMENTS_PER_MINUTE_ADDRESS: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Per agent; certificates last for a week.
pub const RENEWALS_PER_MINUTE_AGENT: NonZeroU32 = NonZeroU32::new(1).unwrap();
/// Scans, and searches for the credential of a host, which may send all communities of the tenant to it;
/// and tables of devices, each of which takes some work.
pub const SEARCHES_PER_MINUTE_TENANT: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Per API key and per session.
pub const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
pub const REQUESTS_BURST: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// Come again after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests, try again in {} s", self.seconds())]
pub struct Limited {
    pub wait: Duration,
}

impl Limited {
    /// For `Retry-After`: whole seconds, rounded up.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.wait.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX)
    }
}

/// One rule, counted per key.
pub struct Limiter<K: Hash + Eq + Clone> {
    keyed: DefaultKeyedRateLimiter<K>,
    /// For everybody, while the map is full.
    crowd: DefaultDirectRateLimiter,
    since_sweep: AtomicU32,
    clock: DefaultClock,
}

impl Limiter<AgentId> {
    /// For renewals of certificates.
    #[must_use]
    pub fn renewals() -> Self {
        Self::new(per_minute(RENEWALS_PER_MINUTE_AGENT))
    }
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    #[must_use]
    fn new(quota: Quota) -> Self {
        Self {
            keyed: RateLimiter::keyed(quota),
            crowd: RateLimiter::direct(quota),
            since_sweep: AtomicU32::new(0),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one try of `key`.
    pub fn check(&self, key: &K) -> Result<(), Limited> {
        if self.keyed.len() >= KEYS_MAX {
            if self.since_sweep.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP_EVERY) {
                self.keyed.retain_recent();
            }
            if self.keyed.len() >= KEYS_MAX {
                let now = self.clock.now();
                return self
                    .crowd
                    .check()
                    .map_err(|until| Limited { wait: until.wait_time_from(now) });
            }
        }
        let now = self.clock.now();
        self.keyed.check_key(key).map_err(|until| Limited { wait: until.wait_time_from(now) })
    }
}

/// All limiters of a collector.
pub struct Limits {
    pub login_account: Limiter<[u8; 32]>,
    pub login_address: Limiter<IpAddr>,
    pub enrolment: Limiter<IpAddr>,
    /// By session, API key or screen.
    pub requests: Limiter<[u8; 32]>,
    /// For credentials and hosts, and tables.
    pub searches: Limiter<TenantId>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_account: Limiter::new(per_minute(LOGINS_PER_MINUTE_ACCOUNT)),
            login_address: Limiter::new(per_minute(LOGINS_PER_MINUTE_ADDRESS)),
            enrolment: Limiter::new(per_minute(ENROLMENTS_PER_MINUTE_ADDRESS)),
            requests: Limiter::new(
                Quota::per_second(REQUESTS_PER_SECOND).allow_burst(REQUESTS_BURST),
            ),
            searches: Limiter::new(per_minute(SEARCHES_PER_MINUTE_TENANT)),
        }
    }
}

impl Limits {
    /// For tests that ask more often than anybody should.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        let often = Quota::per_second(NonZeroU32::MAX);
        Self {
            login_account: Limiter::new(often),
            login_address: Limiter::new(often),
            enrolment: Limiter::new(often),
            requests: Limiter::new(often),
            searches: Limiter::new(often),
        }
    }
}

fn per_minute(times: NonZeroU32) -> Quota {
    Quota::with_period(MINUTE / times.get()).unwrap_or(Quota::per_minute(times)).allow_burst(times)
}

/// What counts as one address: a v4 address, or the /64 that one v6 customer has.
#[must_use]
pub fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_does_not_use_up_another() {
        let limits = Limits::default();
        for _ in 0..LOGINS_PER_MINUTE_ACCOUNT.get() {
            limits.login_account.check(&[1; 32]).unwrap();
        }
        let limited = limits.login_account.check(&[1; 32]).unwrap_err();
        assert!((1..=60).contains(&limited.seconds()), "{limited:?}");
        limits.login_account.check(&[2; 32]).unwrap();
    }

    #[test]
    fn the_map_is_bounded_and_a_flood_is_slowed_as_a_whole() {
        let limiter = Limiter::new(per_minute(LOGINS_PER_MINUTE_ACCOUNT));
        limiter.check(&0).unwrap();
        let refused = (1..KEYS_MAX * 2).filter(|key| limiter.check(key).is_err()).count();
        assert!(refused > KEYS_MAX / 2, "{refused}");
        assert!(limiter.keyed.len() <= KEYS_MAX);
    }

    #[test]
    fn a_v6_customer_is_one_address() {
        let key = |text: &str| address_key(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    }
}
