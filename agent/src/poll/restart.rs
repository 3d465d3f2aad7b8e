//! Core: tells whether a device was restarted since it was last asked.
//!
//! sysUpTime counts hundredths in 32 bits, so after 497 days it begins anew by itself.

/// The counts of sysUpTime.
const UPTIME_TICKS: i64 = 1 << 32;
const TICK_US: u64 = 10_000;
/// A clock may be this much off, and one part in a hundred of the time that has passed.
const SLACK_TICKS: i64 = 6_000;

/// What a device has said about its age.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Age {
    /// sysUpTime, and when it was read.
    uptime: Option<(i64, u64)>,
    /// snmpEngineTime in seconds: it does not come to an end, but not every device has it.
    engine_s: Option<i64>,
}

impl Age {
    /// Takes what was just read; true if the device was restarted since.
    pub(super) fn observe(
        &mut self,
        uptime: Option<i64>,
        engine_s: Option<i64>,
        now_us: u64,
    ) -> bool {
        let engine_fell = fell(self.engine_s, engine_s);
        let uptime_fell = fell(self.uptime.map(|(ticks, _)| ticks), uptime);
        let came_to_its_end = match (self.uptime, uptime) {
            (Some((before, at_us)), Some(now)) => {
                let passed = i64::try_from(now_us.saturating_sub(at_us) / TICK_US).unwrap_or(0);
                let due = before.saturating_add(passed);
                let slack = SLACK_TICKS + passed / 100;
                due + slack >= UPTIME_TICKS && (now + UPTIME_TICKS - due).abs() <= slack
            }
            _ => false,
        };
        self.uptime = uptime.map(|ticks| (ticks, now_us)).or(self.uptime);
        self.engine_s = engine_s.or(self.engine_s);
        engine_fell || uptime_fell && !came_to_its_end
    }
}

fn fell(before: Option<i64>, now: Option<i64>) -> bool {
    matches!((before, now), (Some(before), Some(now)) if now < before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: u64 = 1_000_000;

    /// Uptime in ticks and engine time in seconds of one poll, and of another `after_s` later.
    fn check(first: (i64, Option<i64>), after_s: u64, second: (i64, Option<i64>), restarted: bool) {
        let mut age = Age::default();
        assert!(!age.observe(Some(first.0), first.1, SECOND_US));
        let now_us = SECOND_US * (1 + after_s);
        assert_eq!(
            age.observe(Some(second.0), second.1, now_us),
            restarted,
            "{first:?} {second:?}"
        );
    }

    #[test]
    fn a_restart_is_told_from_an_uptime_at_its_end() {
        let end = UPTIME_TICKS;
        check((5_000, None), 10, (6_000, None), false);
        check((5_000_000, None), 10, (300, None), true);
        check((end - 500, None), 10, (500, None), false);
        check((end - 500, None), 10, (900, None), false);
        // Long after.
        check((end - 500, None), 86_400, (8_639_600, None), false);
        check((end - 500, None), 86_400, (4_000_000, None), true);
        // At its end, and restarted: only the engine's time tells.
        check((end - 500, Some(42_949_600)), 10, (500, Some(5)), true);
        check((end - 500, Some(42_949_600)), 10, (500, Some(42_949_610)), false);
        check((5_000_000, Some(50_000)), 10, (300, Some(3)), true);
        // An engine that was restarted below an uptime of the system.
        check((5_000_000, Some(50_000)), 10, (5_001_000, Some(3)), true);
    }

    #[test]
    fn an_answer_without_an_uptime_tells_nothing() {
        let mut age = Age::default();
        assert!(!age.observe(Some(900_000), None, SECOND_US));
        assert!(!age.observe(None, None, 2 * SECOND_US));
        assert!(age.observe(Some(100), None, 3 * SECOND_US));
    }
}
