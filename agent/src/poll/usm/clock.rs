//! Core: an agent's boot count and clock, as far as authentic messages have told them
//! (RFC 3414 §2.3, §3.2 step 7b).

/// How far a message may lie behind what is known, in seconds.
const WINDOW_S: u32 = 150;
/// Largest boot count and largest time; an agent that has booted so often is out of the window.
const MAX: u32 = i32::MAX.unsigned_abs();

/// snmpEngineBoots and snmpEngineTime of the latest authentic message, and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EngineClock {
    boots: u32,
    /// Seconds since the agent booted.
    time: u32,
    at_us: u64,
}

impl EngineClock {
    /// What the first message says. Whether it is authentic decides the agent: one that does not
    /// agree tells its time anew.
    pub(super) fn new(boots: u32, time: u32, now_us: u64) -> Self {
        Self { boots, time, at_us: now_us }
    }

    /// Boots and time to put on a message.
    pub(super) fn at(&self, now_us: u64) -> (u32, u32) {
        let passed = now_us.saturating_sub(self.at_us) / 1_000_000;
        let time = u64::from(self.time).saturating_add(passed).min(u64::from(MAX));
        (self.boots, u32::try_from(time).unwrap_or(MAX))
    }

    /// Takes an authentic message's boots and time. False if it is from too long ago.
    pub(super) fn accept(&mut self, boots: u32, time: u32, now_us: u64) -> bool {
        if (boots, time) > (self.boots, self.time) {
            *self = Self { boots, time, at_us: now_us };
        }
        let (_, expected) = self.at(now_us);
        boots == self.boots && boots != MAX && time.saturating_add(WINDOW_S) >= expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_message_may_lie_150_seconds_behind_and_no_more() {
        let mut clock = EngineClock::new(4, 1000, 0);
        assert_eq!(clock.at(600 * SECOND), (4, 1600));
        assert!(clock.accept(4, 1450, 600 * SECOND));
        assert!(!clock.accept(4, 1450, 752 * SECOND));
        assert!(clock.accept(4, 1600, 752 * SECOND));
        assert_eq!(clock.at(753 * SECOND), (4, 1601));
    }

    #[test]
    fn a_message_from_before_the_last_boot_is_too_old_and_one_from_after_sets_the_clock() {
        let mut clock = EngineClock::new(4, 1000, 0);
        assert!(!clock.accept(3, 9000, SECOND));
        assert!(clock.accept(5, 2, 10 * SECOND));
        assert_eq!(clock.at(12 * SECOND), (5, 4));
        assert!(!clock.accept(4, 1012, 12 * SECOND));
    }

    #[test]
    fn the_last_boot_count_is_out_of_the_window() {
        assert!(!EngineClock::new(MAX, 0, 0).accept(MAX, 1, 0));
        assert_eq!(EngineClock::new(1, MAX, 0).at(u64::MAX), (1, MAX));
    }
}
