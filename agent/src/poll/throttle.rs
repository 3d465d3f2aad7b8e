//! A bound on how many packets go out in a second, shared by who sends them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;

/// Places for packets, one after the other at equal distances. Who takes several at a time sends them as
/// they like.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Between two packets.
    gap: Duration,
    /// When the next packet may go; `None` before the first.
    next: Mutex<Option<Instant>>,
}

impl Throttle {
    pub(super) const fn unlimited() -> Self {
        Self { gap: Duration::ZERO, next: Mutex::new(None) }
    }

    pub(super) fn new(packets_per_second: u32) -> Self {
        Self { gap: Duration::from_secs(1) / packets_per_second.max(1), next: Mutex::new(None) }
    }

    /// Waits until so many packets may go; says how long that took.
    pub(super) async fn take(&self, packets: u32, clock: &Clock) -> Duration {
        let wait = self.place(packets, clock.monotonic());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        wait
    }

    /// Takes places; says how long it is until the first of them.
    fn place(&self, packets: u32, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let first = next.map_or(now, |next| next.max(now));
        *next = Some(first + self.gap * packets);
        first.duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_go_out_at_equal_distances_and_what_was_not_used_is_lost() {
        let throttle = Throttle::new(100);
        let now = Clock::system().monotonic();
        let after =
            |ms, packets| throttle.place(packets, now + Duration::from_millis(ms)).as_millis();
        assert_eq!([after(0, 1), after(0, 5), after(0, 1)], [0, 10, 60]);
        assert_eq!(after(50, 1), 20);
        // A second of silence saves nothing up.
        assert_eq!([after(2000, 1), after(2000, 1)], [0, 10]);
        let free = Throttle::unlimited();
        assert!((0..9).all(|_| free.place(9, now).is_zero()));
    }
}
