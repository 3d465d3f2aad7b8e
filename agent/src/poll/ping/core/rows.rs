//! Core: what a row of a burst holds.

use farwatch_common::sample::{Column, Group, MetricKind, Schema, Unit};

use super::Outcome;

pub(super) fn schema() -> Schema {
    let gauge = |metric, unit, exponent| (metric, MetricKind::Gauge, unit, exponent);
    let columns = [
        ("icmp_up", MetricKind::State, Unit::One, 0),
        gauge("icmp_loss_percent", Unit::Percent, -2),
        gauge("icmp_rtt_seconds", Unit::Seconds, -6),
        gauge("icmp_rtt_min_seconds", Unit::Seconds, -6),
        gauge("icmp_rtt_max_seconds", Unit::Seconds, -6),
        gauge("icmp_jitter_seconds", Unit::Seconds, -6),
    ];
    let column = |(metric, kind, unit, exponent): (&str, _, _, _)| {
        let (object, metric) = (String::new(), metric.to_owned());
        Column { object, metric, kind, unit, exponent }
    };
    Schema { group: Group::Ping, columns: columns.into_iter().map(column).collect() }
}

pub(super) fn values(outcome: &Outcome) -> Vec<Option<i64>> {
    let up = Some(u64::from(outcome.received > 0));
    let of = [up, outcome.loss(), outcome.mean, outcome.min, outcome.max, outcome.jitter];
    of.into_iter().map(|value| i64::try_from(value?).ok()).collect()
}
