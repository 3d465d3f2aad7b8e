//! What moves in a simulated router, as functions of time: nothing is kept, so that numbers go on
//! where they were when the simulator is restarted, and any past moment can be asked for.

use std::f64::consts::TAU;

/// 00:00 UTC is a whole number of days behind every router's start, so its uptime tells the hour.
const DAY_S: f64 = 86_400.0;
/// Of a rate, each a share of its mean: more by day, most in the evening.
const BY_DAY: [Swing; 2] = [
    Swing { period_s: DAY_S, height: 0.28, peak_s: 20.0 * 3600.0 },
    Swing { period_s: DAY_S / 2.0, height: 0.08, peak_s: 20.0 * 3600.0 },
];
/// Periods that never meet look like chance. With those above less than 1, or a counter would fall.
const NOISE: [(f64, f64); 5] =
    [(7_013.0, 0.07), (1_871.0, 0.07), (523.0, 0.06), (149.0, 0.06), (47.0, 0.04)];

/// A sine around 0 that is `height` at `peak_s`.
#[derive(Clone, Copy, Debug)]
struct Swing {
    period_s: f64,
    height: f64,
    peak_s: f64,
}

impl Swing {
    fn angle(self, at_s: f64) -> f64 {
        TAU * ((at_s - self.peak_s) / self.period_s).fract()
    }

    fn at(self, at_s: f64) -> f64 {
        self.height * self.angle(at_s).cos()
    }

    /// From 0 to `at_s`.
    fn integral(self, at_s: f64) -> f64 {
        self.height * self.period_s / TAU * (self.angle(at_s).sin() - self.angle(0.0).sin())
    }
}

/// Ups and downs of one thing; of another seed they come at other times.
fn swings(seed: u64) -> impl Iterator<Item = Swing> {
    let noise = NOISE.into_iter().enumerate().map(move |(at, (period_s, height))| {
        let share = mix(seed ^ at as u64) as f64 / u64::MAX as f64;
        Swing { period_s, height, peak_s: share * period_s }
    });
    BY_DAY.into_iter().chain(noise)
}

/// Seconds' worth of the mean that have passed since the start: rises always.
#[must_use]
pub fn passed_s(seed: u64, at_us: u64) -> f64 {
    let at_s = at_us as f64 / 1e6;
    swings(seed).map(|swing| swing.integral(at_s)).sum()
}

/// How far it is off its mean, from -1 to 1.
#[must_use]
pub fn swing(seed: u64, at_us: u64) -> f64 {
    let at_s = at_us as f64 / 1e6;
    swings(seed).map(|swing| swing.at(at_s)).sum()
}

/// On for a while, off for a while, by the hour: of every `period_s` the first `on_s` are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    pub period_s: u32,
    pub on_s: u32,
}

impl Turns {
    fn period_us(self) -> u64 {
        u64::from(self.period_s.max(1)) * 1_000_000
    }

    #[must_use]
    pub fn is_on(self, at_us: u64) -> bool {
        at_us % self.period_us() < u64::from(self.on_s) * 1_000_000
    }

    /// Microseconds that it was on, from 0 to `at_us`.
    #[must_use]
    pub fn spent_on_us(self, at_us: u64) -> u64 {
        let on_us = u64::from(self.on_s.min(self.period_s)) * 1_000_000;
        at_us / self.period_us() * on_us + (at_us % self.period_us()).min(on_us)
    }
}

/// What the state of SplitMix64 grows by with each number drawn.
pub const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// What SplitMix64 (Steele, Lea, Flood 2014) draws in this state.
#[must_use]
pub fn mix(state: u64) -> u64 {
    let mut bits = state.wrapping_add(GAMMA);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: u64 = 3_600_000_000;

    #[test]
    fn a_rate_never_falls_below_nothing() {
        let deepest: f64 = BY_DAY.iter().map(|swing| swing.height).sum::<f64>()
            + NOISE.iter().map(|(_, height)| height).sum::<f64>();
        assert!(deepest < 1.0, "{deepest}");
    }

    #[test]
    fn evenings_are_busier_than_nights() {
        let hour = |hour: u64| (0..60).map(|m| swing(7, hour * HOUR_US + m * HOUR_US / 60)).sum();
        let (night, evening): (f64, f64) = (hour(24 + 4), hour(24 + 20));
        assert!(evening > night + 20.0, "{night} {evening}");
    }

    #[test]
    fn a_day_passes_as_many_seconds_as_it_has() {
        let day: f64 = passed_s(0, 48 * HOUR_US) - passed_s(0, 24 * HOUR_US);
        assert!(day.abs() < 600.0, "{day}");
    }

    #[test]
    fn what_takes_turns_counts_only_while_it_is_on() {
        let turns = Turns { period_s: 180, on_s: 90 };
        assert!(turns.is_on(0) && turns.is_on(89_999_999) && !turns.is_on(90_000_000));
        assert_eq!(turns.spent_on_us(90_000_000), 90_000_000);
        assert_eq!(turns.spent_on_us(180_000_000), 90_000_000);
        assert_eq!(turns.spent_on_us(200_000_000), 110_000_000);
    }
}
