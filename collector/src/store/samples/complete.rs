//! Core: whether the polls of a device that were due in some time are there, and what is known of the
//! others.

use std::time::Duration;

use farwatch_common::clock::Micros;

use crate::store::series::missing_after;

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

    /// Whether one of them reaches to within `slack` of it.
    fn reach(&self, at: Micros, slack: Duration) -> bool {
        // The first that ends no earlier.
        let next = self.0.partition_point(|(_, to)| to.after(slack) < at);
        self.0.get(next).is_some_and(|(from, _)| from.before(slack) <= at)
    }
}

/// What is asked of a device.
#[derive(Debug)]
pub(super) struct Due<'a> {
    pub(super) from: Micros,
    /// Not included.
    pub(super) to: Micros,
    pub(super) interval: Duration,
    /// What its agent or the collector declared lost.
    pub(super) lost: &'a Spans,
    /// When its agent was stopped.
    pub(super) off: &'a Spans,
    /// From here on polls may still be at the agent.
    pub(super) awaited_from: Option<Micros>,
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
}

impl Complete {
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.stored + self.declared + self.awaited + self.not_asked + self.undeclared
    }
}

impl Due<'_> {
    /// `times` of polls; also from before, so that it is known that the device was polled.
    pub(super) fn complete(&self, mut times: Vec<Micros>) -> Complete {
        times.sort_unstable();
        times.dedup();
        let interval = self.interval.max(Duration::from_secs(1));
        let missing = missing_after(interval);
        let mut complete = Complete::default();
        let mut before: Option<Micros> = None;
        for at in times.into_iter().filter(|at| *at < self.to) {
            match before {
                Some(before) if at.since(before) > missing => {
                    // Half an interval: the last one of the hole is not this poll.
                    let end = at.before(interval / 2);
                    self.hole(before.after(interval), end, true, &mut complete);
                }
                None if at.since(self.from) > missing && at > self.from => {
                    self.hole(self.from, at.before(interval / 2), false, &mut complete);
                }
                _ => {}
            }
            complete.stored += u64::from(at >= self.from);
            before = Some(at);
        }
        // What is due just now is on its way.
        let end = self.to.before(missing);
        match before {
            Some(before) => self.hole(before.after(interval), end, true, &mut complete),
            None => self.hole(self.from, end, false, &mut complete),
        }
        complete
    }

    /// The places from `first` on, to before `end`; `was_asked`: there was a poll before.
    fn hole(&self, first: Micros, end: Micros, was_asked: bool, complete: &mut Complete) {
        let interval = self.interval.max(Duration::from_secs(1));
        let mut at = first;
        while at < end {
            if at >= self.from {
                *self.place(at, interval, was_asked, complete) += 1;
            }
            at = at.after(interval);
        }
    }

    fn place<'a>(
        &self,
        at: Micros,
        interval: Duration,
        was_asked: bool,
        complete: &'a mut Complete,
    ) -> &'a mut u64 {
        if self.lost.reach(at, interval) {
            &mut complete.declared
        } else if self.off.reach(at, interval) {
            &mut complete.not_asked
        } else if self.awaited_from.is_some_and(|from| at >= from.before(interval)) {
            &mut complete.awaited
        } else if was_asked {
            &mut complete.undeclared
        } else {
            &mut complete.not_asked
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
            lost: &spans(lost),
            off: &spans(off),
            awaited_from: awaited_from.map(at),
        };
        // Never to the second.
        let times =
            polled.into_iter().map(|minute| Micros(minute * MINUTE + minute % 7 * 1_000_000));
        let complete = due.complete(times.collect());
        let Complete { stored, declared, awaited, not_asked, undeclared } = complete;
        assert_eq!([stored, declared, awaited, not_asked, undeclared], expected);
        assert_eq!(complete.expected(), expected.iter().sum::<u64>());
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
        // One poll that is missing is none: it may have come a little late.
        check((98..120).chain(121..160), (&[], &[], None), [59, 0, 0, 0, 0]);
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

    proptest! {
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
            let (lost, off) = (of(lost), of(off));
            let due = Due {
                from: at(100),
                to: at(160),
                interval: Duration::from_secs(60),
                lost: &lost,
                off: &off,
                awaited_from: awaited.map(at),
            };
            let complete = due.complete(polled.iter().map(|minute| at(*minute)).collect());
            let stored = polled.iter().filter(|minute| **minute >= 100).count() as u64;
            prop_assert_eq!(complete.stored, stored);
            prop_assert!(complete.expected() <= 60);
            // Single polls that are missing are no hole, and one or two at either end are none.
            let single = polled.iter().filter(|minute| {
                !polled.contains(&(**minute + 1)) && polled.contains(&(**minute + 2))
            });
            prop_assert!(complete.expected() + single.count() as u64 + 4 >= 60);
        }
    }
}
