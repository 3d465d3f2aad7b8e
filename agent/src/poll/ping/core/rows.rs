//! Core: what a row of a burst holds.

use farwatch_common::sample::{Cause, Column, Group, MetricKind, Schema, Unit};

use super::Outcome;

pub(super) fn schema() -> Schema {
    let gauge = |metric, unit, exponent| (metric, MetricKind::Gauge, unit, exponent);
    let state = |metric| (metric, MetricKind::State, Unit::One, 0);
    let columns = [
        state("icmp_up"),
        gauge("icmp_loss_percent", Unit::Percent, -2),
        gauge("icmp_rtt_seconds", Unit::Seconds, -6),
        gauge("icmp_rtt_min_seconds", Unit::Seconds, -6),
        gauge("icmp_rtt_max_seconds", Unit::Seconds, -6),
        gauge("icmp_jitter_seconds", Unit::Seconds, -6),
        // 1 where the network says that there is no way: a row with numbers has no cause.
        state("icmp_unreachable"),
    ];
    let column = |(metric, kind, unit, exponent): (&str, _, _, _)| {
        let (object, metric) = (String::new(), metric.to_owned());
        Column { object, metric, kind, unit, exponent }
    };
    Schema { group: Group::Ping, columns: columns.into_iter().map(column).collect() }
}

pub(super) fn values(outcome: &Outcome) -> Vec<Option<i64>> {
    let up = Some(u64::from(outcome.received > 0));
    let no_way = Some(u64::from(outcome.cause == Some(Cause::Unreachable)));
    let Outcome { mean, min, max, jitter, .. } = *outcome;
    let of = [up, outcome.loss(), mean, min, max, jitter, no_way];
    of.into_iter().map(|value| i64::try_from(value?).ok()).collect()
}
