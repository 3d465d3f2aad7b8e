//! What a capture holds, and what has to come of it: written from the MIBs, sharing nothing with
//! the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use farwatch_common::sample::MetricKind;

type Oid = Vec<u32>;

/// The numbers of a capture, and the types of its storages.
#[derive(Default)]
pub(super) struct Capture {
    numbers: BTreeMap<Oid, (u32, i64)>,
    ids: BTreeMap<Oid, Oid>,
    texts: BTreeMap<Oid, String>,
}

fn oid(text: &str) -> Option<Oid> {
    text.trim_matches('.').split('.').map(|arc| arc.parse().ok()).collect()
}

impl Capture {
    pub(super) fn read(path: &Path) -> Self {
        let mut capture = Self::default();
        let bytes = std::fs::read(path).unwrap();
        for line in String::from_utf8_lossy(&bytes).split('\n') {
            let mut fields = line.trim_end_matches('\r').splitn(3, '|');
            let (Some(name), Some(tag), Some(value)) =
                (fields.next().and_then(oid), fields.next(), fields.next())
            else {
                continue;
            };
            let number = |least: i128, most: i128| {
                let number: i128 = value.trim().parse().ok()?;
                (least..=most).contains(&number).then_some(number as u64 as i64)
            };
            let number = match tag {
                "2" => number(i128::from(i64::MIN), i128::from(i64::MAX)),
                "65" | "66" | "67" => number(0, i128::from(u32::MAX)),
                "70" => number(0, i128::from(u64::MAX)),
                _ => None,
            };
            if let Some(number) = number {
                capture.numbers.entry(name).or_insert((tag.parse().unwrap(), number));
            } else if let ("6", Some(id)) = (tag, oid(value)) {
                capture.ids.entry(name).or_insert(id);
            } else if tag == "4" {
                capture.texts.entry(name).or_insert_with(|| value.to_owned());
            }
        }
        capture
    }

    /// A number below mib-2.
    fn mib2(&self, tail: &[u32]) -> Option<i64> {
        self.number(&[&[1, 3, 6, 1, 2, 1], tail].concat())
    }

    fn ucd(&self, tail: &[u32]) -> Option<i64> {
        self.number(&[&[1, 3, 6, 1, 4, 1, 2021], tail].concat())
    }

    fn number(&self, name: &[u32]) -> Option<i64> {
        self.numbers.get(name).map(|(_, number)| *number)
    }

    /// Indexes of the rows of a column below mib-2 that have a number.
    pub(super) fn rows(&self, column: &[u32]) -> BTreeSet<u32> {
        let column = [&[1, 3, 6, 1, 2, 1], column].concat();
        self.numbers.keys().filter_map(|name| single(name, &column)).collect()
    }

    /// What a metric of an object is read from; `wide` as the version and the schema allow.
    pub(super) fn expected(&self, object: &str, metric: &str, kind: MetricKind) -> Option<i64> {
        let unsigned = |number: i64| if number < 0 { number + (1 << 32) } else { number };
        let product =
            |size: Option<i64>, units: Option<i64>| unsigned(size?).checked_mul(unsigned(units?));
        let (kind_of, index) = object.split_once(':').unwrap_or(("", ""));
        if index == "ucd" {
            let kib = |object| self.ucd(&[4, object, 0]);
            return match metric {
                "memory_size_bytes" => Some(kib(5)? * 1024),
                "memory_used_bytes" => {
                    let lent = kib(6)? + kib(14).unwrap_or(0) + kib(15).unwrap_or(0);
                    Some((kib(5)? - lent) * 1024)
                }
                "cpu_busy_percent" => Some(100 - self.ucd(&[11, 11, 0])?),
                _ => None,
            };
        }
        let index = index.parse().unwrap_or(0);
        let storage = |column| self.mib2(&[25, 2, 3, 1, column, index]);
        match (kind_of, metric) {
            ("", "sys_uptime_seconds") => self.mib2(&[1, 3, 0]),
            ("", "load_1m_ratio") => self.ucd(&[10, 1, 5, 1]),
            ("", "load_5m_ratio") => self.ucd(&[10, 1, 5, 2]),
            ("", "load_15m_ratio") => self.ucd(&[10, 1, 5, 3]),
            ("if", _) => {
                let (wide, narrow) = interface(metric)?;
                let of_x = |column| self.mib2(&[31, 1, 1, 1, column, index]);
                let narrow = match narrow {
                    (true, column) => of_x(column),
                    (false, column) => self.mib2(&[2, 2, 1, column, index]),
                };
                if kind == MetricKind::Counter64 { of_x(wide?) } else { narrow }
            }
            ("cpu", "cpu_busy_percent") => self.mib2(&[25, 3, 3, 1, 2, index]),
            ("memory", _) => self.memory(index, metric),
            ("storage", "storage_size_bytes") => product(storage(5), storage(4)),
            ("storage", "storage_used_bytes") => product(storage(6), storage(4)),
            ("sensor", _) if self.sensor(object).is_some_and(|(own, _)| own == metric) => {
                let value = self.mib2(&[99, 1, 1, 1, 4, index])?;
                let ok = self.mib2(&[99, 1, 1, 1, 5, index]).is_none_or(|status| status == 1);
                (ok && value.abs() < 1_000_000_000).then_some(value)
            }
            _ => None,
        }
    }

    /// Of a system that lists what it has lent to buffers and caches, only the rest is in use.
    fn memory(&self, index: u32, metric: &str) -> Option<i64> {
        let cell = |column, row| self.mib2(&[25, 2, 3, 1, column, row]);
        let bytes = |column, row| cell(column, row)?.checked_mul(cell(4, row)?);
        let named = |row: u32, words: &[&str]| {
            let name = self.storage_name(row).unwrap_or_default().to_lowercase();
            words.iter().any(|word| name.contains(word))
        };
        let rows = self.memories();
        let is_lent = |row: &u32| rows.contains_key(row) && named(*row, &["buffer", "cache"]);
        let of_type =
            |wanted| rows.iter().filter(move |(_, is)| **is == wanted).map(|(row, _)| *row);
        let rams: Vec<u32> = of_type(2).filter(|row| !is_lent(row)).collect();
        let lent: Vec<u32> = rows.keys().copied().filter(|row| is_lent(row)).collect();
        let available = of_type(1).find(|row| !is_lent(row) && named(*row, &["available"]));
        let (other, is_lent) = (rows.get(&index) == Some(&1), is_lent(&index));
        let lends = (!lent.is_empty() || available.is_some()) && rams.len() == 1;
        let is_virtual = rows.get(&index) == Some(&3) && !is_lent && named(index, &["virtual"]);
        match metric {
            "memory_size_bytes" if is_lent => None,
            "memory_size_bytes" if other && available != Some(index) && !rams.is_empty() => None,
            "memory_size_bytes" if lends && is_virtual && cell(5, index) == cell(5, rams[0]) => {
                None
            }
            "memory_size_bytes" => bytes(5, index),
            "memory_used_bytes" if available == Some(index) => None,
            "memory_used_bytes" if lends && (is_virtual || rams[0] == index) => {
                let free = bytes(5, rams[0])? - bytes(6, rams[0])?;
                let lent = match available.and_then(|row| bytes(5, row)) {
                    Some(available) => (available - free).max(0),
                    None => lent.iter().filter_map(|row| bytes(6, *row)).sum(),
                };
                let used = bytes(6, index)?;
                Some(if used >= lent { used - lent } else { used })
            }
            "memory_used_bytes" => bytes(6, index),
            _ => None,
        }
    }

    fn storage_name(&self, row: u32) -> Option<&str> {
        self.texts.get(&vec![1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 3, row]).map(String::as_str)
    }

    /// Rows of hrStorageTable that are memories, with their type: `other`, RAM or virtual.
    fn memories(&self) -> BTreeMap<u32, u32> {
        let objects = self.objects();
        let index = |object: &String| object.strip_prefix("memory:")?.parse().ok();
        let of_type = |row: u32| {
            let id = self.ids.get(&vec![1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 2, row])?;
            Some((row, *id.last()?))
        };
        objects.iter().filter_map(index).filter_map(of_type).collect()
    }

    /// All values a poll of the device has to give, by object and metric.
    pub(super) fn all(&self) -> BTreeSet<(String, String)> {
        let mut all = BTreeSet::new();
        let mut add = |object: &str, metric: &str| {
            // By v2c, so that the wide counter is there if there is one.
            let kinds = [MetricKind::Counter64, MetricKind::Gauge];
            if kinds.iter().any(|kind| self.expected(object, metric, *kind).is_some()) {
                all.insert((object.to_owned(), metric.to_owned()));
            }
        };
        add("", "sys_uptime_seconds");
        let columns = INTERFACE.iter().flat_map(|(_, wide, (of_x, narrow))| {
            let narrow = if *of_x { vec![31, 1, 1, 1, *narrow] } else { vec![2, 2, 1, *narrow] };
            wide.map(|wide| vec![31, 1, 1, 1, wide]).into_iter().chain([narrow])
        });
        let interfaces: BTreeSet<u32> = columns.flat_map(|column| self.rows(&column)).collect();
        for index in interfaces {
            for (metric, ..) in INTERFACE {
                add(&format!("if:{index}"), metric);
            }
        }
        let objects = self.objects();
        for object in &objects {
            for metric in [
                "cpu_busy_percent",
                "memory_size_bytes",
                "memory_used_bytes",
                "storage_size_bytes",
                "storage_used_bytes",
            ] {
                add(object, metric);
            }
            if let Some((metric, _)) = self.sensor(object) {
                add(object, metric);
            }
        }
        for metric in ["load_1m_ratio", "load_5m_ratio", "load_15m_ratio"] {
            add("", metric);
        }
        all
    }

    /// Processors, memories, disks and sensors.
    pub(super) fn objects(&self) -> BTreeSet<String> {
        let mut objects = BTreeSet::new();
        for index in self.rows(&[25, 3, 3, 1, 2]) {
            objects.insert(format!("cpu:{index}"));
        }
        for (name, of_type) in &self.ids {
            let column = [1, 3, 6, 1, 2, 1, 25, 2, 3, 1, 2];
            let Some(index) = single(name, &column) else { continue };
            let name = self.storage_name(index).unwrap_or_default();
            let path = name.contains('/');
            let is_cache =
                ["buffer", "cache"].iter().any(|word| name.to_lowercase().contains(word));
            let kind = match of_type[6..] {
                [25, 2, 1, 2] if name.starts_with("UMA: ") || name.starts_with("MALLOC: ") => {
                    continue;
                }
                [25, 2, 1, 2 | 3] => "memory",
                [25, 2, 1, 1] if !path || is_cache => "memory",
                [25, 2, 1, 1 | 4..=10] | [25, 3, 9, _] => "storage",
                _ => continue,
            };
            if self.mib2(&[25, 2, 3, 1, 5, index]).is_some_and(|size| size != 0) {
                objects.insert(format!("{kind}:{index}"));
            }
        }
        let none = |objects: &BTreeSet<String>, kind: &str| {
            !objects.iter().any(|object| object.starts_with(kind))
        };
        if none(&objects, "cpu:") && self.ucd(&[11, 11, 0]).is_some() {
            objects.insert("cpu:ucd".into());
        }
        if none(&objects, "memory:") && self.ucd(&[4, 5, 0]).is_some() {
            objects.insert("memory:ucd".into());
        }
        for index in self.rows(&[99, 1, 1, 1, 1]) {
            let object = format!("sensor:{index}");
            if self.sensor(&object).is_some() {
                objects.insert(object);
            }
        }
        objects
    }

    /// Metric and exponent of a sensor.
    pub(super) fn sensor(&self, object: &str) -> Option<(&'static str, i64)> {
        let index = object.strip_prefix("sensor:")?.parse().ok()?;
        let number = |column| self.mib2(&[99, 1, 1, 1, column, index]);
        let metric = match number(1)? {
            3 | 4 => "voltage_volts",
            5 => "current_amperes",
            6 => "power_watts",
            7 => "frequency_hertz",
            8 => "temperature_celsius",
            9 => "humidity_percent",
            10 => "fan_speed_rpm",
            12 => "sensor_state",
            _ => return None,
        };
        let exponent = 3 * (number(2)? - 9) - number(3)?.max(0);
        Some((metric, if metric == "sensor_state" { 0 } else { exponent }))
    }
}

/// The index behind a column, if it is one number.
fn single(name: &[u32], column: &[u32]) -> Option<u32> {
    match name.strip_prefix(column)? {
        [index] => Some(*index),
        _ => None,
    }
}

type Interface = (&'static str, Option<u32>, (bool, u32));

/// Metric, 64-bit column of ifXTable, and the other column: whether it is of ifXTable, and which.
const INTERFACE: [Interface; 14] = [
    ("if_in_octets_total", Some(6), (false, 10)),
    ("if_out_octets_total", Some(10), (false, 16)),
    ("if_in_unicast_packets_total", Some(7), (false, 11)),
    ("if_out_unicast_packets_total", Some(11), (false, 17)),
    ("if_in_multicast_packets_total", Some(8), (true, 2)),
    ("if_out_multicast_packets_total", Some(12), (true, 4)),
    ("if_in_broadcast_packets_total", Some(9), (true, 3)),
    ("if_out_broadcast_packets_total", Some(13), (true, 5)),
    ("if_in_errors_total", None, (false, 14)),
    ("if_out_errors_total", None, (false, 20)),
    ("if_in_discards_total", None, (false, 13)),
    ("if_out_discards_total", None, (false, 19)),
    ("if_admin_status", None, (false, 7)),
    ("if_oper_status", None, (false, 8)),
];

fn interface(metric: &str) -> Option<(Option<u32>, (bool, u32))> {
    INTERFACE.iter().find(|(name, ..)| *name == metric).map(|(_, wide, narrow)| (*wide, *narrow))
}
