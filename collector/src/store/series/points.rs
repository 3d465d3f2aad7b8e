//! Core: the points of one line: rates, gaps, and thinning out on a grid.

use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::{Cause, MetricKind};

use super::{Kept, missing_after};
use crate::store::rates::{self, Reading};
use crate::store::samples::{GapReason, GapRow, POINTS_MAX, Point, gap_cause};

/// Steps a grid may have, in seconds; above the last, whole days.
const STEPS_S: [u32; 16] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200];
const DAY_S: u32 = 86_400;
/// The cause only where they leave nothing of the time. A gap does not say of which device it is, and what the
/// collector drops all day is most often of another; while an agent was stopped for a moment, nothing was lost.
const WHOLE_ONLY: [GapReason; 2] = [GapReason::Rejected, GapReason::Stopped];

/// What all lines of a query share.
pub(super) struct Drawing<'a> {
    pub(super) from: Micros,
    pub(super) to: Micros,
    pub(super) interval: Duration,
    pub(super) points: u32,
    /// Times at which the device was started.
    pub(super) boots: &'a [Micros],
    pub(super) gaps: &'a [GapRow],
}

/// A point before thinning: `seconds` is what a rate covers, 1 for other kinds.
#[derive(Clone, Copy, Debug)]
struct Raw {
    at: Micros,
    value: Option<f64>,
    seconds: f64,
    cause: Option<&'static str>,
}

impl Drawing<'_> {
    /// The step and the points of a line.
    pub(super) fn draw(&self, kind: MetricKind, mut kept: Vec<Kept>) -> (u32, Vec<Point>) {
        kept.sort_unstable_by_key(|kept| (kept.at, kept.rank));
        let mut last_wins: Vec<Kept> = Vec::with_capacity(kept.len());
        for kept in kept {
            match last_wins.last_mut() {
                Some(above) if above.at == kept.at => *above = kept,
                _ => last_wins.push(kept),
            }
        }
        let raw = self.raw(&last_wins);
        let interval_s = u32::try_from(self.interval.as_secs()).unwrap_or(u32::MAX).max(1);
        let wanted_s = self.wanted_step_s();
        if wanted_s <= interval_s {
            return (interval_s, raw.into_iter().map(point).collect());
        }
        let step_s = STEPS_S.into_iter().find(|step| *step >= wanted_s);
        let step_s = step_s.unwrap_or_else(|| wanted_s.div_ceil(DAY_S).saturating_mul(DAY_S));
        (step_s, thin(kind, &raw, step_s))
    }

    fn wanted_step_s(&self) -> u32 {
        let points = u64::from(self.points.clamp(1, POINTS_MAX));
        let span_s = self.to.since(self.from).as_secs();
        u32::try_from(span_s.div_ceil(points)).unwrap_or(u32::MAX / 2)
    }

    fn raw(&self, kept: &[Kept]) -> Vec<Raw> {
        let missing = missing_after(self.interval);
        let mut raw = Vec::with_capacity(kept.len() + 2);
        let mut before: Option<Micros> = None;
        let mut good: Option<Kept> = None;
        for kept in kept {
            match before {
                Some(before) if kept.at.since(before) > missing => {
                    let first = before.after(self.interval);
                    raw.push(self.gap(first, before, kept.at));
                    let last = kept.at.before(self.interval);
                    if last > first {
                        raw.push(self.gap(last, before, kept.at));
                    }
                }
                _ => {}
            }
            before = Some(kept.at);
            if let Some(point) = self.value(good.as_ref(), kept) {
                raw.push(point);
            }
            if kept.value.is_some() {
                good = Some(*kept);
            }
        }
        raw.retain(|raw| raw.at >= self.from && raw.at < self.to);
        let first = kept.iter().find(|kept| kept.at >= self.from).map_or(self.to, |kept| kept.at);
        if first.since(self.from) > missing && raw.first().is_none_or(|raw| raw.at > self.from) {
            raw.insert(0, self.gap(self.from, self.from, first));
        }
        if let Some(last) = before.filter(|last| *last >= self.from)
            && self.to.since(last) > missing
        {
            raw.push(self.gap(last.after(self.interval), last, self.to));
        }
        raw
    }

    /// The point of a poll; `None` for the first reading of a counter, which says nothing yet.
    fn value(&self, good: Option<&Kept>, kept: &Kept) -> Option<Raw> {
        let cause = kept.cause.map(Cause::name);
        let null = Raw { at: kept.at, value: None, seconds: 1.0, cause };
        let Some(value) = kept.value else { return Some(null) };
        if !kept.kind.is_counter() {
            return Some(Raw { value: Some(rates::scaled(value, kept.exponent)), ..null });
        }
        let good = good?;
        let (from, to) = (good.at, kept.at);
        if to.since(from) > missing_after(self.interval) {
            return None;
        }
        if good.kind != kept.kind || self.boots.iter().any(|boot| from < *boot && *boot <= to) {
            return Some(null);
        }
        let seconds = rates::seconds_between(from, to)?;
        let before = Reading { at: from, raw: good.value? };
        let rose = rates::increase(kept.kind, before, Reading { at: to, raw: value });
        Some(Raw { value: rose.map(|rose| rose / seconds), seconds, ..null })
    }

    /// A null point at `at` for the time between two polls.
    fn gap(&self, at: Micros, after: Micros, before: Micros) -> Raw {
        let touching = || self.gaps.iter().filter(|gap| gap.from < before && gap.to > after);
        // Of those that explain all of it the shortest says most: of a damaged file only a time is known from
        // which on all may be gone.
        let whole = touching().filter(|gap| {
            gap.reason != GapReason::Rejected && self.covers(std::iter::once(*gap), after, before)
        });
        let shortest = whole.min_by_key(|gap| gap.to.since(gap.from));
        let declared =
            shortest.or_else(|| touching().find(|gap| !WHOLE_ONLY.contains(&gap.reason)));
        let is_all = |reason: &GapReason| {
            self.covers(touching().filter(|gap| gap.reason == *reason), after, before)
        };
        let reason = declared.map(|gap| gap.reason);
        let reason = reason.or_else(|| WHOLE_ONLY.into_iter().find(is_all));
        Raw { at, value: None, seconds: 1.0, cause: reason.map(gap_cause) }
    }

    /// Whether gaps, the oldest first, leave no poll out between these two.
    fn covers<'a>(
        &self,
        gaps: impl Iterator<Item = &'a GapRow>,
        after: Micros,
        before: Micros,
    ) -> bool {
        let missing = missing_after(self.interval);
        let until = gaps.fold(after, |until, gap| {
            if gap.from > until.after(missing) { until } else { until.max(gap.to) }
        });
        until > after && before <= until.after(missing)
    }
}

fn point(raw: Raw) -> Point {
    let Raw { at, value, cause, .. } = raw;
    Point { at, value, min: value, max: value, cause }
}

/// One point per step that has any, at the start of the step.
fn thin(kind: MetricKind, raw: &[Raw], step_s: u32) -> Vec<Point> {
    let step = i64::from(step_s) * Micros::SECOND;
    raw.chunk_by(|a, b| a.at.0.div_euclid(step) == b.at.0.div_euclid(step))
        .filter_map(|bucket| {
            let at = Micros(bucket.first()?.at.0.div_euclid(step).saturating_mul(step));
            Some(melt(kind, at, bucket))
        })
        .collect()
}

fn melt(kind: MetricKind, at: Micros, bucket: &[Raw]) -> Point {
    let values = || bucket.iter().filter_map(|raw| Some((raw.value?, raw.seconds)));
    let seconds: f64 = values().map(|(_, seconds)| seconds).sum();
    let value = match kind {
        // Between two states there is none.
        MetricKind::State => values().next_back().map(|(value, _)| value),
        // Weighted by time: the sum of increases by the time they took.
        _ => (seconds > 0.0)
            .then(|| values().map(|(value, seconds)| value * seconds).sum::<f64>() / seconds),
    };
    let cause = bucket.iter().filter(|_| value.is_none()).find_map(|raw| raw.cause);
    let min = values().map(|(value, _)| value).reduce(f64::min);
    let max = values().map(|(value, _)| value).reduce(f64::max);
    Point { at, value, min, max, cause }
}
