//! Core: whether the polls of a device that were due in some time are there, and what is known of the
//! others.

use std::time::Duration;

use farwatch_common::clock::Micros;

use crate::store::series::missing_after;

/// The unit of every time.
const TICK: Duration = Duration::from_micros(1);

/// Times from and to, merged.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<(Micros, Micros)>);

impl Spans {
    pub(super) fn new(spans: impl IntoIterator<Item = (Micros, Micros)>) -> Self {
        let mut spans: Vec<_> = spans.into_iter().filter(|(from, to)| from <= to).collect();
        spans.sort_unstable();
        let mut merged: Vec<(Micros, Micros)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    /// Whether one of them reaches to within `slack` of it, and before which time that stays so.
    fn reach(&self, at: Micros, slack: Duration) -> (bool, Micros) {
        // The first that ends no earlier.
        let next = self.0.partition_point(|(_, to)| to.after(slack) < at);
        match self.0.get(next) {
            Some((from, to)) if from.before(slack) <= at => (true, to.after(slack + TICK)),
            Some((from, _)) => (false, from.before(slack)),
            None => (false, Micros(i64::MAX)),
        }
    }

    /// Whether they leave no poll out between these two.
    fn cover(&self, after: Micros, before: Micros, missing: Duration) -> bool {
        let first = self.0.partition_point(|(_, to)| *to <= after);
        let mut until = after;
        for (from, to) in self.0.iter().skip(first) {
            let is_enough = until > after && before <= until.after(missing);
            if is_enough || *from > until.after(missing) {
                break;
            }
            until = *to;
        }
        until > after && before <= until.after(missing)
    }
}

/// What is known of the polls of an agent's devices.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What the agent declared lost.
    lost: Spans,
    /// What was refused, most often of another device: counts in holes of which something is known throughout.
    dropped: Spans,
    /// When the agent was stopped.
    off: Spans,
    /// From here on polls may still be at the agent.
    awaited_from: Option<Micros>,
    /// All of these together.
    any: Spans,
}

impl Known {
    pub(super) fn new([lost, dropped, off]: [Spans; 3], awaited_from: Option<Micros>) -> Self {
        let told = [&lost, &dropped, &off].into_iter().flat_map(|spans| spans.0.iter().copied());
        let any = Spans::new(told.chain(awaited_from.map(|from| (from, Micros(i64::MAX)))));
        Self { lost, dropped, off, awaited_from, any }
    }
}

/// What is asked of a device.
#[derive(Debug)]
pub(super) struct Due<'a> {
    pub(super) from: Micros,
    /// Not included.
    pub(super) to: Micros,
    pub(super) interval: Duration,
    pub(super) known: &'a Known,
}

/// Polls of one device. All but `stored` are reckoned from its interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Complete {
    pub stored: u64,
    /// Lost, and declared to be.
    pub declared: u64,
    /// Still at the agent, as far as is known.
    pub awaited: u64,
    /// The agent was stopped, or nothing says that the device was polled then.
    pub not_asked: u64,
    /// None of these: the agent was ended or too busy, or they were lost and nobody said so.
    pub undeclared: u64,
    /// One alone between two that are there: it may have come a little late.
    pub single: u64,
}

impl Complete {
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.due() + self.not_asked
    }

    /// All but those that nobody asked for.
    fn due(&self) -> u64 {
        self.stored + self.declared + self.awaited + self.undeclared + self.single
    }

    /// Of those that were due, the part that is here, 0 to 1; `None` where none was.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.due() > 0).then(|| self.stored as f64 / self.due() as f64)
    }

    /// The sum of some.
    pub(super) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |sum, one| Self {
            stored: sum.stored + one.stored,
            declared: sum.declared + one.declared,
            awaited: sum.awaited + one.awaited,
            not_asked: sum.not_asked + one.not_asked,
            undeclared: sum.undeclared + one.undeclared,
            single: sum.single + one.single,
        })
    }
}

impl Due<'_> {
    /// `times` of polls; also from before, so that it is known that the device was polled.
    pub(super) fn complete(&self, mut times: Vec<Micros>) -> Complete {
        times.sort_unstable();
        times.dedup();
        let interval = self.interval();
        let missing = missing_after(interval);
        // Nearer to two intervals than to one.
        let single = interval.saturating_mul(3) / 2;
        let mut complete = Complete::default();
        let mut before: Option<Micros> = None;
        for at in times.into_iter().filter(|at| *at < self.to) {
            // Half an interval: the last one of the hole is not this poll.
            let end = at.before(interval / 2);
            match before {
                Some(before) if at.since(before) > missing => {
                    self.hole((Some(before), at), end, &mut complete);
                }
                Some(before)
                    if at.since(before) > single && before.after(interval) >= self.from =>
                {
                    complete.single += 1;
                }
                None if at.since(self.from) > missing && at > self.from => {
                    self.hole((None, at), end, &mut complete);
                }
                _ => {}
            }
            complete.stored += u64::from(at >= self.from);
            before = Some(at);
        }
        // What is due just now is on its way.
        self.hole((before, self.to), self.to.before(missing), &mut complete);
        complete
    }

    fn interval(&self) -> Duration {
        self.interval.max(Duration::from_secs(1))
    }

    /// The places between two polls that are there, to before `end`. A day has up to 86,400: they are counted in
    /// stretches of which the same is known.
    fn hole(&self, (last, next): (Option<Micros>, Micros), end: Micros, complete: &mut Complete) {
        let interval = self.interval();
        let every_us = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        let steps = |from: Micros, to: Micros| {
            let us = u64::try_from(to.since(from).as_micros()).unwrap_or(u64::MAX);
            us.div_ceil(every_us)
        };
        let later = |at: Micros, steps: u64| {
            at.after(Duration::from_micros(steps.saturating_mul(every_us)))
        };
        let after = last.unwrap_or(self.from);
        let Known { lost, dropped, off, awaited_from, any } = self.known;
        let missing = missing_after(interval);
        let is_known = any.cover(after, next, missing);
        let awaited_from = awaited_from.map(|from| from.before(interval));
        let first = last.map_or(self.from, |last| last.after(interval));
        let mut at = later(first, steps(first, self.from));
        while at < end {
            let (is_lost, lost_until) = lost.reach(at, interval);
            let (is_off, off_until) = off.reach(at, interval);
            let (is_dropped, dropped_until) = match is_known {
                true => dropped.reach(at, missing),
                false => (false, end),
            };
            let is_awaited = awaited_from.is_some_and(|from| at >= from);
            let awaited_until = awaited_from.filter(|_| !is_awaited);
            let until = end.min(lost_until).min(off_until).min(dropped_until);
            let count = steps(at, awaited_until.map_or(until, |from| until.min(from)));
            *match (is_lost || is_dropped, is_off, is_awaited, last) {
                (true, ..) => &mut complete.declared,
                (_, true, ..) => &mut complete.not_asked,
                (_, _, true, _) => &mut complete.awaited,
                (.., Some(_)) => &mut complete.undeclared,
                // No poll was there before.
                (.., None) => &mut complete.not_asked,
            } += count;
            at = later(at, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60 * Micros::SECOND;

    fn at(minute: i64) -> Micros {
        Micros(minute * MINUTE)
    }

    fn spans(of: &[(i64, i64)]) -> Spans {
        Spans::new(of.iter().map(|(from, to)| (at(*from), at(*to))))
    }

    /// What is declared lost, when the agent was stopped, and from when on polls are awaited.
    type Told<'a> = (&'a [(i64, i64)], &'a [(i64, i64)], Option<i64>);

    /// Of the hour from minute 100 on, polled each minute: stored, declared, awaited, not asked, undeclared.
    fn check(
        polled: impl IntoIterator<Item = i64>,
        (lost, off, awaited_from): Told<'_>,
        expected: [u64; 5],
    ) {
        let due = Due {
            from: at(100),
            to: at(160),
            interval: Duration::from_secs(60),
            known: &Known::new([spans(lost), Spans::default(), spans(off)], awaited_from.map(at)),
        };
        // Never to the second.
        let times =
            polled.into_iter().map(|minute| Micros(minute * MINUTE + minute % 7 * 1_000_000));
        let complete = due.complete(times.collect());
        let Complete { stored, declared, awaited, not_asked, undeclared, single } = complete;
        assert_eq!([stored, declared, awaited, not_asked, undeclared], expected);
        assert_eq!(single, 0);
        assert_eq!(complete.expected(), expected.iter().sum::<u64>());
    }

    #[test]
    fn single_polls_that_are_missing_are_counted_apart() {
        let polled = |polled: &mut dyn Iterator<Item = i64>| {
            let due = Due {
                from: at(100),
                to: at(160),
                interval: Duration::from_secs(60),
                known: &Known::default(),
            };
            due.complete(polled.map(at).collect())
        };
        let one = polled(&mut (98..120).chain(121..160));
        assert_eq!((one.stored, one.single, one.undeclared, one.expected()), (59, 1, 0, 60));
        // Every second one; the last that is missing is on its way.
        let half = polled(&mut (98..161).step_by(2));
        assert_eq!((half.stored, half.single, half.undeclared), (30, 29, 0));
        assert_eq!(half.share(), Some(30.0 / 59.0));
        // Of before it counts for nobody.
        assert_eq!(polled(&mut (97..98).chain(99..160)).single, 0);
        let sum = Complete::sum([&one, &half]);
        assert_eq!((sum.stored, sum.single, sum.expected()), (89, 30, 119));
        assert_eq!(Complete { not_asked: 5, ..Complete::default() }.share(), None);
    }

    #[test]
    fn all_is_there() {
        check(98..160, (&[], &[], None), [60, 0, 0, 0, 0]);
        // Repeats count once, and what is due just now is on its way.
        check((98..159).chain(100..110), (&[], &[], None), [59, 0, 0, 0, 0]);
    }

    #[test]
    fn a_hole_is_what_is_known_of_it() {
        let polled = || (98..120).chain(130..160);
        check(polled(), (&[], &[], None), [50, 0, 0, 0, 10]);
        check(polled(), (&[(120, 129)], &[], None), [50, 10, 0, 0, 0]);
        check(polled(), (&[], &[(119, 130)], None), [50, 0, 0, 10, 0]);
        check(polled(), (&[], &[], Some(120)), [50, 0, 10, 0, 0]);
        // Part of it.
        check(polled(), (&[(120, 123)], &[], None), [50, 5, 0, 0, 5]);
        check(polled(), (&[(120, 122), (127, 129)], &[(120, 129)], Some(120)), [50, 8, 0, 2, 0]);
    }

    #[test]
    fn before_its_first_poll_a_device_was_not_asked() {
        check(130..160, (&[], &[], None), [30, 0, 0, 30, 0]);
        check(130..160, (&[(110, 119)], &[], None), [30, 12, 0, 18, 0]);
        check([], (&[], &[], None), [0, 0, 0, 58, 0]);
        // It was polled before: then it was asked.
        check((97..99).chain(130..160), (&[], &[], None), [30, 0, 0, 0, 30]);
    }

    #[test]
    fn what_may_still_come_is_awaited() {
        check(98..140, (&[], &[], Some(140)), [40, 0, 18, 0, 0]);
        check(98..140, (&[], &[], None), [40, 0, 0, 0, 18]);
    }

    #[test]
    fn what_is_refused_counts_where_something_is_known_of_the_whole_hole() {
        let check = |dropped: &[(i64, i64)], off: &[(i64, i64)], expected: [u64; 3]| {
            let due = Due {
                from: at(100),
                to: at(160),
                interval: Duration::from_secs(60),
                known: &Known::new([Spans::default(), spans(dropped), spans(off)], None),
            };
            let complete = due.complete((98..120).chain(130..160).map(at).collect());
            let counts = [complete.declared, complete.not_asked, complete.undeclared];
            assert_eq!(counts, expected, "{dropped:?} {off:?}");
        };
        check(&[(120, 129)], &[], [10, 0, 0]);
        // In pieces, and longer than the hole.
        check(&[(90, 123), (125, 129)], &[], [10, 0, 0]);
        for part in [(120, 126), (124, 129), (100, 121), (90, 119), (130, 159)] {
            check(&[part], &[], [0, 0, 10]);
        }
        check(&[(120, 122), (126, 129)], &[], [0, 0, 10]);
        // The agent was stopped after it.
        check(&[(120, 123)], &[(124, 130)], [6, 4, 0]);
        check(&[], &[(124, 130)], [0, 7, 3]);
    }

    #[test]
    fn a_year_of_seconds_is_counted_at_once() {
        let year = 365 * 24 * 60;
        let due = Due {
            from: at(0),
            to: at(year),
            interval: Duration::from_secs(1),
            known: &Known::new(
                [spans(&[(10, 20)]), Spans::default(), spans(&[(15, 30)])],
                Some(at(year - 10)),
            ),
        };
        let complete = due.complete(vec![at(0)]);
        let told = [complete.stored, complete.declared, complete.not_asked, complete.awaited];
        // A second more to either side, and what is due now is left out.
        assert_eq!(told, [1, 603, 600, 599]);
        let all = u64::try_from(year * 60).unwrap();
        assert_eq!(complete.expected(), all - 2);
    }

    proptest! {
        #[test]
        fn stretches_are_counted_as_each_place_would_be(
            lost in prop::collection::vec((0i64..4000, 0i64..900), 0..5),
            off in prop::collection::vec((0i64..4000, 0i64..900), 0..5),
            awaited in prop::option::of(0i64..4000),
            interval in 1i64..90,
        ) {
            let second = |second: i64| Micros(second * Micros::SECOND);
            let of = |spans: &[(i64, i64)]| {
                Spans::new(spans.iter().map(|(from, long)| (second(*from), second(from + long))))
            };
            let due = Due {
                from: second(0),
                to: second(4000),
                interval: Duration::from_secs(interval.unsigned_abs()),
                known: &Known::new(
                    [of(&lost), Spans::default(), of(&off)],
                    awaited.map(second),
                ),
            };
            let reached = |spans: &[(i64, i64)], at: i64| {
                let mut spans = spans.iter();
                spans.any(|(from, long)| from - interval <= at && at <= from + long + interval)
            };
            let mut expected = Complete { stored: 1, ..Complete::default() };
            for at in (1..).map(|place| place * interval).take_while(|at| 2 * (4000 - at) > 5 * interval) {
                *match () {
                    () if reached(&lost, at) => &mut expected.declared,
                    () if reached(&off, at) => &mut expected.not_asked,
                    () if awaited.is_some_and(|from| at >= from - interval) => &mut expected.awaited,
                    () => &mut expected.undeclared,
                } += 1;
            }
            prop_assert_eq!(due.complete(vec![second(0)]), expected);
        }

        #[test]
        fn no_place_counts_twice_and_none_is_left_out(
            polled in prop::collection::btree_set(90i64..160, 0..70),
            lost in prop::collection::vec((90i64..160, 0i64..20), 0..4),
            off in prop::collection::vec((90i64..160, 0i64..20), 0..4),
            awaited in prop::option::of(90i64..160),
        ) {
            let of = |spans: Vec<(i64, i64)>| {
                Spans::new(spans.into_iter().map(|(from, long)| (at(from), at(from + long))))
            };
            let known =
                Known::new([of(lost), Spans::default(), of(off)], awaited.map(at));
            let due = Due {
                from: at(100),
                to: at(160),
                interval: Duration::from_secs(60),
                known: &known,
            };
            let complete = due.complete(polled.iter().map(|minute| at(*minute)).collect());
            let stored = polled.iter().filter(|minute| **minute >= 100).count() as u64;
            prop_assert_eq!(complete.stored, stored);
            prop_assert!(complete.expected() <= 60);
            // One or two that are missing at either end are no hole.
            prop_assert!(complete.expected() + 4 >= 60);
        }
    }
}
