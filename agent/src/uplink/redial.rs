//! Core: when to dial again. Full jitter from half a second, at most two seconds in the first
//! minute of an outage (most are short), at most a minute later. Who is told when to come comes then.

use std::time::Duration;

use farwatch_common::backoff::Backoff;

const FIRST: Duration = Duration::from_millis(500);
const EARLY_CAP: Duration = Duration::from_secs(2);
const EARLY: Duration = Duration::from_secs(60);
const LATE_CAP: Duration = Duration::from_secs(60);
/// A session that lived this long ends an outage.
const LASTED: Duration = Duration::from_secs(10);

/// The waits between dials, over all sessions. Times are monotonic.
#[derive(Debug)]
pub struct Redial {
    early: Backoff,
    late: Backoff,
    outage_since: Option<Duration>,
    told: Option<Duration>,
}

impl Default for Redial {
    fn default() -> Self {
        Self {
            early: Backoff::new(FIRST, EARLY_CAP),
            late: Backoff::new(FIRST, LATE_CAP),
            outage_since: None,
            told: None,
        }
    }
}

impl Redial {
    /// How long to wait after an attempt that failed or a session that ended.
    pub fn next(&mut self, now: Duration, random: f64) -> Duration {
        if let Some(wait) = self.told.take() {
            return wait;
        }
        let since = *self.outage_since.get_or_insert(now);
        let early = now.saturating_sub(since) < EARLY;
        if early { self.early.next(random) } else { self.late.next(random) }
    }

    /// The next wait is `wait`, as somebody said; a minute at most, whoever says so.
    pub fn told(&mut self, wait: Duration) {
        self.told = Some(wait.min(LATE_CAP));
    }

    /// A session that ended had lived for `life`; says whether that ends the outage.
    pub fn lived(&mut self, life: Duration) -> bool {
        let lasted = life >= LASTED;
        if lasted {
            *self = Self::default();
        }
        lasted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_short_at_first_and_grow_later() {
        let mut redial = Redial::default();
        let mut now = Duration::ZERO;
        let mut waits = Vec::new();
        while now < Duration::from_secs(400) {
            let wait = redial.next(now, 1.0);
            waits.push((now.as_secs() < 60, wait));
            now += wait;
        }
        assert!(waits.iter().all(|(early, wait)| !early || *wait <= EARLY_CAP));
        assert_eq!(waits.last().unwrap().1, LATE_CAP);
        // A session that flaps does not end the outage, one that lasts does.
        assert!(!redial.lived(Duration::from_secs(1)));
        assert_eq!(redial.next(now, 1.0), LATE_CAP);
        assert!(redial.lived(Duration::from_secs(11)));
        assert_eq!(redial.next(now, 1.0), FIRST);
    }

    #[test]
    fn who_is_told_when_to_come_comes_then_and_after_that_by_itself() {
        let (mut redial, s) = (Redial::default(), Duration::from_secs);
        redial.told(s(17));
        assert_eq!([0.0, 1.0].map(|random| redial.next(s(0), random)), [s(17), FIRST]);
        redial.told(s(100_000));
        assert_eq!(redial.next(s(0), 0.0), LATE_CAP);
    }
}
