//! What `evaluate` is told.

use farwatch_common::sample::{Column, MetricKind, Unit};

use super::*;
use crate::live::feed::What;

fn host_row(object: &str, metrics: &[(&str, i64)], at: Micros) -> (Row, Arc<Layout>) {
    let column = |(metric, _): &(&str, i64)| Column {
        object: object.into(),
        metric: (*metric).into(),
        kind: MetricKind::Gauge,
        unit: Unit::Percent,
        exponent: 0,
    };
    let schema = Schema { group: Group::Host, columns: metrics.iter().map(column).collect() };
    let values = metrics.iter().map(|(_, value)| Some(*value)).collect();
    let (device, group) = (DEVICE, Group::Host);
    let row = Row { device, group, schema: schema.id(), at, cause: None, values };
    (row, layout(&schema))
}

/// The objects of an observation of the host with their values, and what else there is.
type Told = (Vec<(String, Option<f64>)>, Vec<String>);

fn told(fleet: &mut Fleet) -> Vec<Told> {
    let of = |what: What| match what {
        What::Readings { group: Group::Host, readings, others, .. } => {
            let readings = readings.into_iter().map(|one| (one.object.into(), one.value)).collect();
            Some((readings, others.into_iter().map(String::from).collect()))
        }
        _ => None,
    };
    fleet.feed.take().observations.into_iter().filter_map(|seen| of(seen.what)).collect()
}

#[test]
fn each_table_of_a_group_is_told_with_what_the_others_have() {
    let mut fleet = fleet();
    fleet.feed.want(["cpu_percent", "memory_used_percent"].map(str::to_owned).into());
    apply(&mut fleet, alive(DEVICE, 0));
    let soon = Micros(at(0).0 + 300);
    for (row, layout) in [
        host_row("cpu:1", &[("cpu_busy_percent", 7)], at(0)),
        host_row("memory:1", &[("memory_size_bytes", 200), ("memory_used_bytes", 190)], soon),
        host_row("cpu:1", &[("cpu_busy_percent", 8)], at(60)),
    ] {
        fleet.apply(row, &layout, at(60));
    }
    let cpu = |percent| vec![(String::new(), Some(percent))];
    let memory = vec![("memory:1".to_owned(), Some(95.0))];
    let others = |object: &str| vec![object.to_owned()];
    let expected =
        [(cpu(7.0), vec![]), (memory.clone(), others("cpu:1")), (cpu(8.0), others("memory:1"))];
    assert_eq!(told(&mut fleet), expected);
    // Who asks for all is told of each table, and of each by its newest row.
    fleet.tell_all(None, at(60));
    assert_eq!(told(&mut fleet), [(memory, others("cpu:1")), (cpu(8.0), others("memory:1"))]);
    // A row that comes behind a newer one of another table is news all the same.
    let (late, layout) =
        host_row("memory:1", &[("memory_size_bytes", 200), ("memory_used_bytes", 100)], at(30));
    fleet.apply(late, &layout, at(61));
    assert_eq!(told(&mut fleet), [(vec![("memory:1".to_owned(), Some(50.0))], others("cpu:1"))]);
}
