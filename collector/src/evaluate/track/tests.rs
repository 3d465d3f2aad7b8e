use proptest::prelude::*;

use super::*;

fn timing(wait: u64, resolve_after: u64, gap: Option<u64>) -> Timing {
    Timing {
        wait: Duration::from_secs(wait),
        resolve_after: Duration::from_secs(resolve_after),
        gap: gap.map(Duration::from_secs),
    }
}

fn second(second: i64) -> Micros {
    Micros(second * Micros::SECOND)
}

/// The same, told plainly: it adds up the seconds for which something was known to be so.
#[derive(Default)]
struct Oracle {
    firing: bool,
    /// Seconds of breach or of being well, in a row; `None`: not in such a stretch.
    so: Option<i64>,
    last: i64,
    unknown_at: Option<i64>,
}

impl Oracle {
    /// `Some(true)` where it fires, `Some(false)` where it is resolved.
    fn observe(&mut self, at: i64, look: Look, timing: &Timing) -> Option<bool> {
        if look == Look::Unknown {
            if self.unknown_at.is_none() && (self.firing || self.so.is_some()) {
                self.unknown_at = Some(at);
            }
            return None;
        }
        let known_until = self.unknown_at.take().unwrap_or(at);
        let gap =
            timing.gap.is_some_and(|gap| at - self.last > i64::try_from(gap.as_secs()).unwrap());
        let known = known_until - self.last;
        self.last = at;
        let wanted = if self.firing { Look::Well } else { Look::Breach };
        if look != wanted {
            self.so = None;
            return None;
        }
        let so = match self.so {
            Some(so) if !gap => so + known,
            _ => 0,
        };
        self.so = Some(so);
        let enough = if self.firing { timing.resolve_after } else { timing.wait };
        if so < i64::try_from(enough.as_secs()).unwrap() {
            return None;
        }
        self.so = None;
        self.firing = !self.firing;
        Some(self.firing)
    }
}

fn looks() -> impl Strategy<Value = Look> {
    prop_oneof![
        4 => Just(Look::Breach),
        3 => Just(Look::Well),
        1 => Just(Look::Band),
        1 => Just(Look::Unknown),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn any_history_ends_as_the_oracle_says(
        steps in prop::collection::vec((0i64..90, looks()), 1..80),
        wait in prop_oneof![Just(0u64), 1..200u64],
        resolve_after in prop_oneof![Just(0u64), 1..200u64],
        gap in prop_oneof![Just(60u64), Just(75), Just(1_000)],
    ) {
        let timing = timing(wait, resolve_after, Some(gap));
        let (mut track, mut oracle) = (Track::default(), Oracle::default());
        let mut now = 1_000;
        for (after, look) in steps {
            now += after;
            let turn = match track.observe(second(now), look, &timing) {
                Some(Turn::Fired(at)) => { prop_assert_eq!(at, second(now)); Some(true) }
                Some(Turn::Resolved(_)) => Some(false),
                _ => None,
            };
            prop_assert_eq!(turn, oracle.observe(now, look, &timing), "at {}", now);
            prop_assert_eq!(matches!(track.phase, Phase::Firing { .. }), oracle.firing);
            prop_assert_eq!(track.due(&timing), None);
        }
    }

    /// However often it is looked at the time, the same comes out of it.
    #[test]
    fn time_passes_the_same_in_small_and_in_large_steps(
        steps in prop::collection::vec((1i64..200, any::<bool>()), 1..40),
        wait in 0..300u64,
        resolve_after in 0..300u64,
    ) {
        let timing = timing(wait, resolve_after, None);
        let (mut fine, mut coarse) = (Track::default(), Track::default());
        let (mut turns, mut coarse_turns) = (Vec::new(), Vec::new());
        let mut now = 0;
        for (after, wrong) in steps {
            for _ in 0..after {
                now += 1;
                turns.extend(fine.pass(second(now), &timing));
            }
            coarse_turns.extend(coarse.pass(second(now), &timing));
            let look = if wrong { Look::Breach } else { Look::Well };
            turns.extend(fine.observe(second(now), look, &timing));
            coarse_turns.extend(coarse.observe(second(now), look, &timing));
            prop_assert_eq!(fine.phase, coarse.phase);
        }
        prop_assert_eq!(turns, coarse_turns);
    }
}

#[test]
fn flaps_within_the_time_to_resolve_are_one_alert() {
    let timing = timing(0, 300, Some(150));
    let mut track = Track::default();
    let mut fired = 0;
    for flap in 0..100 {
        for (at, look) in [(flap * 120, Look::Breach), (flap * 120 + 60, Look::Well)] {
            match track.observe(second(at), look, &timing) {
                Some(Turn::Fired(_)) => fired += 1,
                Some(Turn::Resolved(_)) => panic!("resolved within the time"),
                _ => {}
            }
        }
    }
    assert_eq!(fired, 1);
    let mut last = None;
    for minute in 1..=5 {
        last = track.observe(second(99 * 120 + 60 + minute * 60), Look::Well, &timing);
    }
    assert_eq!(last, Some(Turn::Resolved(second(99 * 120 + 60 + 300))));
}

#[test]
fn what_is_unknown_goes_on_where_it_was() {
    let timing = timing(120, 0, Some(1_000));
    let mut track = Track::default();
    let mut seen = |at, look| track.observe(second(at), look, &timing);
    assert_eq!(seen(0, Look::Breach), Some(Turn::Began));
    assert_eq!(seen(60, Look::Unknown), Some(Turn::Unsure));
    assert_eq!(seen(500, Look::Unknown), None);
    assert_eq!(seen(600, Look::Breach), Some(Turn::Sure));
    assert_eq!(seen(659, Look::Breach), None);
    assert_eq!(seen(660, Look::Breach), Some(Turn::Fired(second(660))));
    assert_eq!(seen(700, Look::Unknown), Some(Turn::Unsure));
    assert_eq!(seen(9_000, Look::Well), Some(Turn::Resolved(second(9_000))));
}
