//! Core: lines of a chart from the rows of a device.
//!
//! Rows are taken in any order and with repeats: of rows of one group and time the one that came
//! last wins. What is missing stays missing: a failed poll, a poll that never came and a counter
//! that started anew are null points, never a value between two others.

mod points;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::{Cause, Group, MetricKind, Row, Schema, SchemaId, Unit};

use super::StoreError;
use super::rates::{self, Uptime};
use super::samples::{
    GapRow, MISSING_INTERVALS_TENTHS, QUERY_VALUES_MAX, SERIES_MAX, Series, SeriesQuery,
};

/// The metric that tells a restart.
pub const UPTIME_METRIC: &str = "sys_uptime_seconds";

/// Which of two rows of the same poll came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub received: Micros,
    pub stream: i64,
    pub seq: u64,
}

/// A value, or why there is none, at one time.
#[derive(Clone, Copy, Debug)]
struct Kept {
    at: Micros,
    rank: Rank,
    kind: MetricKind,
    exponent: i8,
    value: Option<i64>,
    cause: Option<Cause>,
}

#[derive(Debug)]
struct Line {
    object: String,
    metric: String,
    kind: MetricKind,
    unit: Unit,
    group: Group,
    kept: Vec<Kept>,
}

/// Where a line is found in the rows of a schema.
#[derive(Clone, Copy, Debug)]
struct Place {
    line: usize,
    column: usize,
    kind: MetricKind,
    exponent: i8,
}

/// Takes rows, gives series.
#[derive(Debug)]
pub struct SeriesBuilder {
    query: SeriesQuery,
    interval: Duration,
    lines: Vec<Line>,
    places: HashMap<SchemaId, Vec<Place>>,
    /// Column and exponent of the uptime.
    uptime_places: HashMap<SchemaId, (usize, i8)>,
    uptimes: BTreeMap<Micros, Duration>,
    kept: usize,
}

impl SeriesBuilder {
    /// A builder for the lines that the query wants of those the device's schemas have.
    pub fn new(
        query: &SeriesQuery,
        interval: Duration,
        schemas: &[(SchemaId, Schema)],
    ) -> Result<Self, StoreError> {
        let mut builder = Self {
            query: query.clone(),
            interval: interval.max(Duration::from_secs(1)),
            lines: Vec::new(),
            places: HashMap::new(),
            uptime_places: HashMap::new(),
            uptimes: BTreeMap::new(),
            kept: 0,
        };
        let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (id, schema) in schemas {
            builder.add_schema(*id, schema, &mut known)?;
        }
        Ok(builder)
    }

    fn add_schema(
        &mut self,
        id: SchemaId,
        schema: &Schema,
        known: &mut BTreeMap<(String, String), usize>,
    ) -> Result<(), StoreError> {
        let mut places = Vec::new();
        for (column, meaning) in schema.columns.iter().enumerate() {
            if meaning.metric == UPTIME_METRIC {
                self.uptime_places.insert(id, (column, meaning.exponent));
            }
            let wanted = self.query.metrics.contains(&meaning.metric)
                && self.query.object.as_ref().is_none_or(|object| *object == meaning.object);
            if !wanted {
                continue;
            }
            let name = (meaning.object.clone(), meaning.metric.clone());
            let line = *known.entry(name).or_insert_with(|| {
                self.lines.push(Line {
                    object: meaning.object.clone(),
                    metric: meaning.metric.clone(),
                    kind: meaning.kind,
                    unit: meaning.unit,
                    group: schema.group,
                    kept: Vec::new(),
                });
                self.lines.len() - 1
            });
            let (kind, exponent) = (meaning.kind, meaning.exponent);
            places.push(Place { line, column, kind, exponent });
        }
        if self.lines.len() > SERIES_MAX {
            return Err(StoreError::TooMuch { what: "series", max: SERIES_MAX });
        }
        self.places.insert(id, places);
        Ok(())
    }

    /// Which groups have to be read.
    #[must_use]
    pub fn groups(&self) -> Vec<Group> {
        let counters = self.lines.iter().any(|line| line.kind.is_counter());
        let wanted = |group| self.lines.iter().any(|line| line.group == group);
        Group::ALL
            .into_iter()
            // Counters need the uptime beside them.
            .filter(|group| wanted(*group) || counters && *group == Group::System)
            .collect()
    }

    /// From when on rows are needed: a rate needs the poll before.
    #[must_use]
    pub fn rows_from(&self) -> Micros {
        self.query.from.before(missing_after(self.interval))
    }

    /// Takes one row of the device.
    pub fn take(&mut self, rank: Rank, row: &Row) -> Result<(), StoreError> {
        if row.at < self.rows_from() || row.at >= self.query.to {
            return Ok(());
        }
        let kept =
            |kind, exponent, value, cause| Kept { at: row.at, rank, kind, exponent, value, cause };
        if row.cause.is_some() {
            for line in self.lines.iter_mut().filter(|line| line.group == row.group) {
                line.kept.push(kept(line.kind, 0, None, row.cause));
                self.kept += 1;
            }
        } else {
            if let Some((column, exponent)) = self.uptime_places.get(&row.schema)
                && let Some(Some(raw)) = row.values.get(*column)
            {
                let seconds = rates::scaled(*raw, *exponent);
                if let Ok(uptime) = Duration::try_from_secs_f64(seconds) {
                    self.uptimes.insert(row.at, uptime);
                }
            }
            for place in self.places.get(&row.schema).into_iter().flatten() {
                let value = row.values.get(place.column).copied().flatten();
                let cause = value.is_none().then_some(Cause::Unsupported);
                let kept = kept(place.kind, place.exponent, value, cause);
                if let Some(line) = self.lines.get_mut(place.line) {
                    line.kept.push(kept);
                    self.kept += 1;
                }
            }
        }
        if self.kept > QUERY_VALUES_MAX {
            return Err(StoreError::TooMuch { what: "values", max: QUERY_VALUES_MAX });
        }
        Ok(())
    }

    /// The series, sorted by object and metric, with `gaps` that the agent declared.
    #[must_use]
    pub fn finish(self, gaps: &[GapRow]) -> Vec<Series> {
        let mut uptime = Uptime::default();
        let boots: Vec<Micros> =
            self.uptimes.iter().filter_map(|(at, up)| uptime.observe(*at, *up)).collect();
        let drawing = points::Drawing {
            from: self.query.from,
            to: self.query.to,
            interval: self.interval,
            points: self.query.points,
            boots: &boots,
            gaps,
        };
        let mut series: Vec<Series> = self
            .lines
            .into_iter()
            .map(|line| {
                let unit =
                    if line.kind.is_counter() { rate_unit(line.unit) } else { line.unit.name() };
                let (step_s, points) = drawing.draw(line.kind, line.kept);
                let Line { object, metric, kind, .. } = line;
                Series { object, metric, kind, unit, step_s, points }
            })
            .collect();
        series.sort_by(|a, b| (&a.object, &a.metric).cmp(&(&b.object, &b.metric)));
        series
    }
}

/// How long after a poll the next one counts as missing.
#[must_use]
pub fn missing_after(interval: Duration) -> Duration {
    let tenths = u32::try_from(MISSING_INTERVALS_TENTHS).unwrap_or(u32::MAX);
    interval.saturating_mul(tenths) / 10
}

/// The unit of a counter's rate.
#[must_use]
pub fn rate_unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "bytes_per_second",
        Unit::Packets => "packets_per_second",
        _ => "per_second",
    }
}

#[cfg(test)]
mod tests;
