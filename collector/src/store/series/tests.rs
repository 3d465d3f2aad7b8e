use farwatch_common::id::DeviceId;
use farwatch_common::sample::{Class, Column};

use super::*;
use crate::store::samples::GapReason;

const MINUTE: i64 = 60 * Micros::SECOND;

fn schema(group: Group, metric: &str, kind: MetricKind, exponent: i8) -> (SchemaId, Schema) {
    let column =
        Column { object: String::new(), metric: metric.into(), kind, unit: Unit::Bytes, exponent };
    let schema = Schema { group, columns: vec![column] };
    (schema.id(), schema)
}

fn row(group: Group, schema: SchemaId, minute: i64, value: Option<i64>) -> Row {
    Row {
        device: DeviceId(1),
        group,
        schema,
        at: Micros(minute * MINUTE),
        cause: None,
        values: vec![value],
    }
}

fn query(metric: &str, minutes: std::ops::Range<i64>, points: u32) -> SeriesQuery {
    SeriesQuery {
        device: DeviceId(1),
        metrics: vec![metric.into()],
        object: None,
        from: Micros(minutes.start * MINUTE),
        to: Micros(minutes.end * MINUTE),
        points,
    }
}

fn rank(seq: u64) -> Rank {
    Rank { received: Micros(0), stream: 1, seq }
}

/// The points of a counter whose polls are `(minute, value)`, as `(minute, rate per minute)`.
fn rates(kind: MetricKind, polls: &[(i64, i64)], boots: &[(i64, i64)]) -> Vec<(i64, Option<i64>)> {
    let (id, counter) = schema(Group::Interfaces, "octets", kind, 0);
    let (up_id, up) = schema(Group::System, UPTIME_METRIC, MetricKind::Gauge, 0);
    let query = query("octets", 0..11, 100);
    let minute = Duration::from_secs(60);
    let mut builder = SeriesBuilder::new(&query, minute, &[(id, counter), (up_id, up)]).unwrap();
    assert_eq!(builder.groups(), [Group::System, Group::Interfaces]);
    for (minute, seconds) in boots {
        builder.take(rank(0), &row(Group::System, up_id, *minute, Some(*seconds))).unwrap();
    }
    for (minute, value) in polls {
        builder.take(rank(1), &row(Group::Interfaces, id, *minute, Some(*value))).unwrap();
    }
    let series = builder.finish(&[]).remove(0);
    assert_eq!(series.unit, "bytes_per_second");
    let whole = |point: &crate::store::samples::Point| {
        (point.at.0 / MINUTE, point.value.map(|value| (value * 60.0).round() as i64))
    };
    series.points.iter().map(whole).collect()
}

#[test]
fn uptimes_that_cannot_be_are_no_restarts() {
    let (id, counter) = schema(Group::Interfaces, "octets", MetricKind::Counter64, 0);
    let (up_id, up) = schema(Group::System, UPTIME_METRIC, MetricKind::Gauge, 4);
    let query = query("octets", 0..2, 100);
    let minute = Duration::from_secs(60);
    let mut builder = SeriesBuilder::new(&query, minute, &[(id, counter), (up_id, up)]).unwrap();
    for (minute, raw) in [(0, 1_844_674_407_370_955), (1, i64::MAX)] {
        builder.take(rank(0), &row(Group::System, up_id, minute, Some(raw))).unwrap();
        builder.take(rank(1), &row(Group::Interfaces, id, minute, Some(minute * 60))).unwrap();
    }
    assert_eq!(builder.finish(&[])[0].points[0].value, Some(1.0));
}

#[test]
fn counters_become_rates_at_the_later_poll() {
    let polls = [(0, 0), (1, 600), (2, 660), (3, 660), (4, 60)];
    let expected = [(1, Some(600)), (2, Some(60)), (3, Some(0)), (4, None), (5, None)];
    assert_eq!(rates(MetricKind::Counter64, &polls, &[]), expected);
}

#[test]
fn a_restart_drops_the_interval_it_lies_in() {
    let polls = [(0, 9_000), (1, 9_600), (2, 5), (3, 65)];
    let boots = [(0, 5_000), (1, 5_060), (2, 30), (3, 90)];
    let expected = [(1, Some(600)), (2, None), (3, Some(60)), (4, None)];
    assert_eq!(rates(MetricKind::Counter32, &polls, &boots), expected);
    // Also when the counter has already passed its old value.
    let polls = [(0, 10), (1, 20), (2, 9_999), (3, 10_059)];
    assert_eq!(rates(MetricKind::Counter64, &polls, &boots)[1], (2, None));
}

#[test]
fn missing_polls_are_a_gap_and_are_not_bridged() {
    let polls = [(0, 0), (1, 60), (3, 180), (8, 480), (9, 540), (10, 600)];
    let expected = [
        (1, Some(60)),
        // One missing poll: the rate over both minutes.
        (3, Some(60)),
        (4, None),
        (7, None),
        (9, Some(60)),
        (10, Some(60)),
    ];
    assert_eq!(rates(MetricKind::Counter64, &polls, &[]), expected);
}

#[test]
fn failed_polls_and_declared_gaps_tell_why() {
    let (id, gauge) = schema(Group::System, "level", MetricKind::Gauge, -1);
    let query = query("level", 0..10, 100);
    let mut builder = SeriesBuilder::new(&query, Duration::from_secs(60), &[(id, gauge)]).unwrap();
    builder.take(rank(1), &row(Group::System, id, 0, Some(15))).unwrap();
    let mut failed = row(Group::System, id, 1, None);
    failed.cause = Some(Cause::Timeout);
    failed.values.clear();
    builder.take(rank(2), &failed).unwrap();
    builder.take(rank(3), &row(Group::System, id, 9, Some(20))).unwrap();
    let gap = GapRow {
        stream: 1,
        seq_first: 5,
        seq_last: 9,
        from: Micros(2 * MINUTE),
        to: Micros(8 * MINUTE),
        class: Class::Gauges,
        count: 7,
        reason: GapReason::Evicted,
        received: Micros(0),
    };
    let series = builder.finish(&[gap]).remove(0);
    let seen: Vec<_> =
        series.points.iter().map(|point| (point.at.0 / MINUTE, point.value, point.cause)).collect();
    let expected = [
        (0, Some(1.5), None),
        (1, None, Some("timeout")),
        (2, None, Some("gap_evicted")),
        (8, None, Some("gap_evicted")),
        (9, Some(2.0), None),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn of_two_rows_of_one_poll_the_later_wins() {
    let (id, gauge) = schema(Group::System, "level", MetricKind::Gauge, 0);
    let query = query("level", 0..2, 100);
    for order in [[1, 2], [2, 1]] {
        let mut builder =
            SeriesBuilder::new(&query, Duration::from_secs(60), &[(id, gauge.clone())]).unwrap();
        for seq in order {
            let row = row(Group::System, id, 1, Some(i64::try_from(seq).unwrap()));
            builder.take(rank(seq), &row).unwrap();
        }
        let series = builder.finish(&[]).remove(0);
        let values: Vec<_> = series.points.iter().map(|point| point.value).collect();
        assert_eq!(values, [Some(2.0)]);
    }
}

#[test]
fn thinning_keeps_the_extremes_on_an_aligned_grid() {
    let (id, gauge) = schema(Group::System, "level", MetricKind::Gauge, 0);
    let query = query("level", 7..67, 12);
    let mut builder = SeriesBuilder::new(&query, Duration::from_secs(60), &[(id, gauge)]).unwrap();
    for minute in 0..70 {
        builder.take(rank(1), &row(Group::System, id, minute, Some(minute))).unwrap();
    }
    let series = builder.finish(&[]).remove(0);
    assert_eq!(series.step_s, 300);
    let second = series.points[1];
    assert_eq!(second.at, Micros(10 * MINUTE));
    assert_eq!((second.min, second.value, second.max), (Some(10.0), Some(12.0), Some(14.0)));
    assert!(series.points.iter().all(|point| point.at.0 % (5 * MINUTE) == 0));
}

#[test]
fn what_the_collector_drops_is_the_cause_only_where_it_leaves_nothing() {
    let (id, gauge) = schema(Group::System, "level", MetricKind::Gauge, 0);
    let query = query("level", 0..20, 100);
    let gap = |from: i64, to: i64, reason| GapRow {
        stream: 1,
        seq_first: from.unsigned_abs(),
        seq_last: to.unsigned_abs(),
        from: Micros(from * MINUTE),
        to: Micros(to * MINUTE),
        class: Class::Gauges,
        count: 1,
        reason,
        received: Micros(0),
    };
    let check = |gaps: &[GapRow], expected: Option<&'static str>| {
        let minute = Duration::from_secs(60);
        let mut builder = SeriesBuilder::new(&query, minute, &[(id, gauge.clone())]).unwrap();
        for minute in [0, 1, 18, 19] {
            builder.take(rank(1), &row(Group::System, id, minute, Some(1))).unwrap();
        }
        let points = builder.finish(gaps).remove(0).points;
        let causes: Vec<_> = points.iter().map(|point| point.cause).collect();
        assert_eq!(causes, [None, None, expected, expected, None, None], "{gaps:?}");
    };
    let rejected = |from, to| gap(from, to, GapReason::Rejected);
    check(&[rejected(2, 17)], Some("gap_rejected"));
    check(&[rejected(0, 9), rejected(10, 30)], Some("gap_rejected"));
    // One row of another device in the middle of it.
    check(&[rejected(9, 9)], None);
    check(&[rejected(2, 6), rejected(10, 17)], None);
    check(&[rejected(2, 14)], None);
    check(&[rejected(2, 17), gap(9, 10, GapReason::Crash)], Some("gap_crash"));
    let stopped = |from, to| gap(from, to, GapReason::Stopped);
    check(&[stopped(2, 17)], Some("agent_stopped"));
    check(&[stopped(2, 8), stopped(9, 17)], Some("agent_stopped"));
    check(&[stopped(9, 10)], None);
    check(&[stopped(2, 14), gap(14, 17, GapReason::Evicted)], Some("gap_evicted"));
    // Of what explains all of it, the one that says most.
    check(&[gap(0, 30, GapReason::Corrupt), stopped(2, 17)], Some("agent_stopped"));
    check(&[gap(0, 30, GapReason::Corrupt), gap(2, 17, GapReason::Crash)], Some("gap_crash"));
    check(&[gap(0, 30, GapReason::Corrupt), gap(9, 10, GapReason::Crash)], Some("gap_corrupt"));
}
