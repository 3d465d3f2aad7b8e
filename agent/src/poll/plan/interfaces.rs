//! Core: the interfaces (IF-MIB, RFC 2863).

use farwatch_common::sample::{Group, MetricKind, Unit};

use super::{Table, TableMetric, if_column, if_x_column};

/// Counters and states of the interfaces, `if:INDEX`.
pub(super) fn table() -> Table {
    Table::alike(Group::Interfaces, "if", metrics())
}

fn metrics() -> Vec<TableMetric> {
    use MetricKind::{Counter32, Counter64, State};
    use Unit::{Bytes, One, Packets};
    // A 64-bit counter, and the 32-bit one for interfaces that lack it.
    let wide = |name, unit, wide, narrow| {
        let sources = vec![(if_x_column(wide), Counter64).into(), (narrow, Counter32).into()];
        TableMetric::new(name, unit, sources)
    };
    let one = |name, unit, column, kind| {
        TableMetric::new(name, unit, vec![(if_column(column), kind).into()])
    };
    let narrow = |name, column| one(name, Packets, column, Counter32);
    let state = |name, column| one(name, One, column, State);
    vec![
        wide("if_in_octets_total", Bytes, 6, if_column(10)),
        wide("if_out_octets_total", Bytes, 10, if_column(16)),
        wide("if_in_unicast_packets_total", Packets, 7, if_column(11)),
        wide("if_out_unicast_packets_total", Packets, 11, if_column(17)),
        wide("if_in_multicast_packets_total", Packets, 8, if_x_column(2)),
        wide("if_out_multicast_packets_total", Packets, 12, if_x_column(4)),
        wide("if_in_broadcast_packets_total", Packets, 9, if_x_column(3)),
        wide("if_out_broadcast_packets_total", Packets, 13, if_x_column(5)),
        narrow("if_in_errors_total", 14),
        narrow("if_out_errors_total", 20),
        narrow("if_in_discards_total", 13),
        narrow("if_out_discards_total", 19),
        state("if_admin_status", 7),
        state("if_oper_status", 8),
    ]
}
