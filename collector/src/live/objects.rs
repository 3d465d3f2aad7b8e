//! Core: the last values of a device's processors, memory, disks and sensors.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::{Cause, Group, Row};

use super::health::STALE;
use super::layout::{Layout, NamedPlace, Place};
use super::port::value;
use super::view::{LiveMissing, LiveValue};

/// The last row of each table: a group may be read from some, each with a schema of its own.
#[derive(Debug, Default)]
pub(super) struct Objects {
    rows: Vec<Known>,
    /// Of groups, what the last row that knew of no object said.
    without: BTreeMap<Group, (Micros, Cause)>,
}

#[derive(Debug)]
struct Known {
    row: Row,
    layout: Arc<Layout>,
    /// Too old to be believed: what stays is that there are such values.
    stale: bool,
}

impl Known {
    fn value(&self, place: Place) -> Option<f64> {
        value(&self.row, place).filter(|_| !self.stale)
    }

    /// Why a value is missing.
    fn cause(&self) -> &'static str {
        match self.row.cause {
            _ if self.stale => STALE,
            Some(cause) => cause.name(),
            // The device answered, and gave none.
            None => Cause::Unsupported.name(),
        }
    }
}

impl Objects {
    /// Takes a row; false if it is older than what is known and changes nothing. It takes the place
    /// of rows of its group with objects of the same kinds: those were the same table before objects
    /// came or went.
    pub(super) fn apply(&mut self, row: Row, layout: &Arc<Layout>) -> bool {
        if layout.objects.is_empty() {
            return row.cause.is_some_and(|cause| self.apply_without(row.group, row.at, cause));
        }
        let same = |known: &Known| known.layout.is_same_table(layout);
        if self.rows.iter().any(|known| same(known) && known.row.at >= row.at) {
            return false;
        }
        self.rows.retain(|known| !same(known));
        self.rows.push(Known { row, layout: layout.clone(), stale: false });
        true
    }

    fn apply_without(&mut self, group: Group, at: Micros, cause: Cause) -> bool {
        let newest = self.without.get(&group).is_none_or(|(last, _)| *last < at);
        if newest {
            self.without.insert(group, (at, cause));
        }
        newest
    }

    /// The groups of which no object is known, and why.
    pub(super) fn missing(&self) -> impl Iterator<Item = LiveMissing> {
        let known = |group: Group| self.rows.iter().any(|known| known.row.group == group);
        let without = self.without.iter().filter(move |(group, _)| !known(**group));
        without.map(|(&group, &(at, cause))| LiveMissing { group, cause, at })
    }

    /// Also those that are too old: that there are such objects is still so.
    pub(super) fn last_rows(&self, group: Group) -> impl Iterator<Item = &Row> {
        self.rows.iter().map(|known| &known.row).filter(move |row| row.group == group)
    }

    /// When the tables of a group that are not too old were polled.
    pub(super) fn polled_at(&self, group: Group) -> impl Iterator<Item = Micros> {
        self.fresh().map(|known| &known.row).filter(move |row| row.group == group).map(|row| row.at)
    }

    /// When the first of them is too old to be believed.
    pub(super) fn stale_at(&self, after: Duration) -> Option<Micros> {
        self.fresh().map(|known| known.row.at.after(after)).min()
    }

    fn fresh(&self) -> impl Iterator<Item = &Known> {
        self.rows.iter().filter(|known| !known.stale)
    }

    /// Lets go of the values that are too old at `now`, and of tables that the device said last it has no
    /// more: of those it tells nothing again.
    pub(super) fn expire(&mut self, after: Duration, now: Micros) {
        for known in &mut self.rows {
            known.stale |= known.row.at.after(after) <= now;
        }
        let is_gone = |known: &Known| known.stale && known.row.cause == Some(Cause::Unsupported);
        self.rows.retain(|known| !is_gone(known));
    }

    pub(super) fn values(&self) -> Vec<LiveValue> {
        let of_row = |known: &Known| {
            let of_place = |named: &NamedPlace| {
                let value = known.value(named.place);
                LiveValue {
                    group: known.row.group,
                    object: named.object.to_string(),
                    metric: named.metric.to_string(),
                    unit: named.unit,
                    kind: named.place.kind,
                    cause: value.is_none().then(|| known.cause()),
                    value,
                    at: known.row.at,
                }
            };
            known.layout.objects.iter().map(of_place).collect::<Vec<_>>()
        };
        self.rows.iter().flat_map(of_row).collect()
    }

    /// Mean load of the processors.
    pub(super) fn cpu_percent(&self) -> Option<f64> {
        let (count, sum) = self
            .of_metric("cpu_busy_percent")
            .fold((0u32, 0.0), |(count, sum), percent| (count + 1, sum + percent));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// The highest temperature.
    pub(super) fn temperature_celsius(&self) -> Option<f64> {
        self.of_metric("temperature_celsius").reduce(f64::max)
    }

    fn of_metric(&self, metric: &str) -> impl Iterator<Item = f64> {
        self.rows.iter().flat_map(move |known| {
            let named = known.layout.objects.iter().filter(move |named| &*named.metric == metric);
            named.filter_map(|named| known.value(named.place))
        })
    }
}

#[cfg(test)]
mod tests {
    use farwatch_common::id::DeviceId;
    use farwatch_common::sample::{Column, MetricKind, Schema, Unit};

    use super::*;

    #[test]
    fn the_last_values_are_kept_until_they_are_old() {
        let column = |object: &str, metric: &str, unit, exponent| Column {
            object: object.into(),
            metric: metric.into(),
            kind: MetricKind::Gauge,
            unit,
            exponent,
        };
        let columns = vec![
            column("cpu:1", "cpu_busy_percent", Unit::Percent, 0),
            column("cpu:2", "cpu_busy_percent", Unit::Percent, 0),
            column("memory:1", "memory_used_bytes", Unit::Bytes, 0),
        ];
        let schema = Schema { group: Group::Host, columns };
        let layout = Arc::new(Layout::new(&schema));
        let row = |at, values: [Option<i64>; 3]| Row {
            device: DeviceId(1),
            group: Group::Host,
            schema: schema.id(),
            at: Micros(at),
            cause: None,
            values: values.to_vec(),
        };
        let sensors = Schema {
            group: Group::Host,
            columns: vec![column("storage:1", "storage_used_bytes", Unit::Bytes, 0)],
        };
        let mut objects = Objects::default();
        assert!(objects.apply(row(5, [Some(10), Some(20), None]), &layout));
        assert!(!objects.apply(row(5, [Some(90), None, None]), &layout));
        assert_eq!(objects.cpu_percent(), Some(15.0));
        assert_eq!(objects.temperature_celsius(), None);
        let values = |objects: &Objects| -> Vec<_> {
            objects.values().into_iter().map(|one| (one.value, one.cause)).collect()
        };
        let first = [(Some(10.0), None), (Some(20.0), None), (None, Some("unsupported"))];
        assert_eq!(values(&objects), first);
        // Another table of the group stands beside it; the same one, grown, takes its place.
        let disk = Row { schema: sensors.id(), values: vec![Some(7)], ..row(6, [None; 3]) };
        assert!(objects.apply(disk, &Arc::new(Layout::new(&sensors))));
        assert_eq!(objects.last_rows(Group::Host).count(), 2);
        let grown = Schema {
            columns: vec![column("cpu:3", "cpu_busy_percent", Unit::Percent, 0)],
            ..schema.clone()
        };
        let other = Row { schema: grown.id(), values: vec![Some(50)], ..row(7, [None; 3]) };
        assert!(objects.apply(other, &Arc::new(Layout::new(&grown))));
        assert_eq!(
            (objects.last_rows(Group::Host).count(), objects.cpu_percent()),
            (2, Some(50.0))
        );
        let mut objects = Objects::default();
        assert!(objects.apply(row(5, [Some(10), Some(20), None]), &layout));
        let after = Duration::from_micros(100);
        assert_eq!(objects.stale_at(after), Some(Micros(105)));
        objects.expire(after, Micros(105));
        assert_eq!(objects.cpu_percent(), None);
        assert_eq!((objects.stale_at(after), objects.polled_at(Group::Host).count()), (None, 0));
        assert_eq!(objects.last_rows(Group::Host).count(), 1);
        // It is known that there are such values, and why they are missing.
        assert_eq!(values(&objects), [(None, Some("stale")); 3]);
        let failed = Row { cause: Some(Cause::Timeout), values: Vec::new(), ..row(200, [None; 3]) };
        assert!(objects.apply(failed, &layout));
        assert_eq!(values(&objects), [(None, Some("timeout")); 3]);
        // A table that the device has no more is forgotten when it has not been told of for long.
        let gone = Row { cause: Some(Cause::Unsupported), at: Micros(300), ..row(300, [None; 3]) };
        assert!(objects.apply(Row { values: Vec::new(), ..gone }, &layout));
        objects.expire(after, Micros(399));
        assert_eq!(values(&objects), [(None, Some("unsupported")); 3]);
        objects.expire(after, Micros(400));
        assert_eq!(values(&objects), []);
    }

    #[test]
    fn a_group_that_never_had_an_object_says_why() {
        let mut objects = Objects::default();
        let nothing = Arc::new(Layout::new(&Schema { group: Group::Sensors, columns: Vec::new() }));
        let row = |at, cause| Row {
            device: DeviceId(1),
            group: Group::Sensors,
            schema: Schema { group: Group::Sensors, columns: Vec::new() }.id(),
            at: Micros(at),
            cause: Some(cause),
            values: Vec::new(),
        };
        assert!(objects.apply(row(5, Cause::Auth), &nothing));
        assert!(!objects.apply(row(4, Cause::Timeout), &nothing), "older");
        let expected = LiveMissing { group: Group::Sensors, cause: Cause::Auth, at: Micros(5) };
        assert_eq!(objects.missing().collect::<Vec<_>>(), [expected]);
    }
}
