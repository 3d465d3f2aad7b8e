//! Core: processors, memory and disks (HOST-RESOURCES-MIB, RFC 2790; UCD-SNMP-MIB).

use farwatch_common::sample::{Group, MetricKind, Unit};

use super::{Formula, Rows, Source, Subject, Table, TableMetric, mib2};

/// Bits of the metrics of [`storage`]: the size and the use of a memory, both of a disk.
pub(in crate::poll) const MEMORY_SIZE: u64 = 0b0001;
pub(in crate::poll) const MEMORY_USED: u64 = 0b0010;
pub(in crate::poll) const STORAGE: u64 = 0b1100;
/// Metrics of a memory.
pub(in crate::poll) const SIZE_METRIC: &str = "memory_size_bytes";
pub(in crate::poll) const USED_METRIC: &str = "memory_used_bytes";

/// hrProcessorTable: `cpu:INDEX`.
pub(super) fn processors() -> Table {
    let load = gauge(mib2(&[25, 3, 3, 1, 2]), Formula::Plain);
    Table {
        group: Group::Host,
        object: "cpu",
        rows: Rows::Told(Subject::Processors),
        metrics: vec![TableMetric::new("cpu_busy_percent", Unit::Percent, vec![load])],
    }
}

/// hrStorageTable: `memory:INDEX` and `storage:INDEX`.
pub(super) fn storage() -> Table {
    let column = |column| mib2(&[25, 2, 3, 1, column]);
    let (units, size, used) = (column(4), column(5), column(6));
    let bytes = |name: &str, of: &[u32]| {
        let source = gauge(of.to_vec(), Formula::Times(units.clone()));
        TableMetric::new(name, Unit::Bytes, vec![source])
    };
    Table {
        group: Group::Host,
        object: "storage",
        rows: Rows::Told(Subject::Storage),
        metrics: vec![
            bytes(SIZE_METRIC, &size),
            bytes(USED_METRIC, &used),
            bytes("storage_size_bytes", &size),
            bytes("storage_used_bytes", &used),
        ],
    }
}

/// What UCD-SNMP-MIB says of the whole device: its load, and memory and processor where no other
/// table of the group has any.
pub(super) fn ucd() -> Table {
    let ucd = |tail: &[u32]| [&[1, 3, 6, 1, 4, 1, 2021], tail].concat();
    let (total, idle) = (ucd(&[4, 5, 0]), ucd(&[11, 53, 0]));
    // memAvailReal, memBuffer, memCached
    let lent = [6, 14, 15].map(|object| ucd(&[4, object, 0])).to_vec();
    // ssCpuRawUser, ssCpuRawNice, ssCpuRawSystem: the others are parts of the last, or of nothing.
    let at_work = [50, 51, 52].map(|object| ucd(&[11, object, 0])).to_vec();
    let metric = |name: &str, unit, object, sources| TableMetric {
        object,
        ..TableMetric::new(name, unit, sources)
    };
    let memory = |name: &str, formula| {
        metric(name, Unit::Bytes, "memory:ucd", vec![gauge(total.clone(), formula)])
    };
    // laLoadInt: hundredths.
    let load = |name: &str, average| TableMetric {
        exponent: -2,
        ..metric(name, Unit::Ratio, "", vec![gauge(ucd(&[10, 1, 5, average]), Formula::Plain)])
    };
    Table {
        group: Group::Host,
        object: "",
        rows: Rows::Scalars,
        metrics: vec![
            memory(SIZE_METRIC, Formula::Kibibytes),
            memory(USED_METRIC, Formula::KibibytesLess(lent)),
            metric(
                "cpu_busy_percent",
                Unit::Percent,
                "cpu:ucd",
                vec![
                    gauge(ucd(&[11, 11, 0]), Formula::HundredLess),
                    gauge(idle, Formula::Busy(at_work)),
                ],
            ),
            load("load_1m_ratio", 1),
            load("load_5m_ratio", 2),
            load("load_15m_ratio", 3),
        ],
    }
}

fn gauge(oid: Vec<u32>, formula: Formula) -> Source {
    Source { oid, kind: MetricKind::Gauge, formula }
}
