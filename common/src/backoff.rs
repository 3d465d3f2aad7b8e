//! Core: full-jitter exponential back-off, the only retry timing in Farwatch.
//!
//! Full jitter spreads a herd: after an outage of a collector its agents return over the whole
//! window instead of in one wave.

use std::time::Duration;

/// Delays that double up to a cap, each drawn evenly from zero to the current limit.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempt: u32,
}

impl Backoff {
    /// Delays start at up to `base` and grow to at most `cap`.
    #[must_use]
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, attempt: 0 }
    }

    /// The next delay; `random` is an even draw from 0.0 to 1.0.
    pub fn next(&mut self, random: f64) -> Duration {
        let limit = self.base.saturating_mul(1u32 << self.attempt.min(20)).min(self.cap);
        self.attempt = self.attempt.saturating_add(1);
        limit.mul_f64(random.clamp(0.0, 1.0))
    }

    /// Call after a success that lasted.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_double_to_the_cap_and_reset() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        let limits: Vec<_> = (0..9).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(limits, [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
        backoff.reset();
        assert_eq!(backoff.next(0.5), Duration::from_millis(250));
    }

    #[test]
    fn a_thousand_attempts_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(60));
        for _ in 0..1000 {
            assert!(backoff.next(1.0) <= Duration::from_secs(60));
        }
    }
}
