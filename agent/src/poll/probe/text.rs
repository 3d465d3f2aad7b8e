//! A probe's report for people: who the device is, then what it gives. All numbers are in the one for
//! programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{ProbeFacts, ProbeInterface, ProbeObject, ProbeReport};

/// Shown with the identity.
const UPTIME: &str = "sys_uptime_seconds";
const ROUND_TRIP: &str = "snmp_rtt_seconds";
/// Says only that there is a report.
const UP: &str = "snmp_up";

impl ProbeReport {
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let metric = |name: &str| self.system.get(name).map(String::as_str);
        identity(&mut text, self.facts.as_ref(), metric(UPTIME), metric(ROUND_TRIP));
        let numbers = self
            .system
            .iter()
            .filter(|(name, _)| ![UPTIME, ROUND_TRIP, UP].contains(&name.as_str()));
        let numbers = numbers.map(|(name, value)| vec![name.clone(), value.clone()]);
        section(&mut text, "Device", numbers.collect());
        let interfaces = self.interfaces.iter().map(interface);
        section(&mut text, "Interfaces", interfaces.collect());
        if let Some(cause) = self.interfaces_missing {
            section(&mut text, "Interfaces", vec![vec![format!("none: {cause}")]]);
        }
        let objects = &self.objects;
        for (title, list) in [
            ("Processors", &objects.processors),
            ("Memory", &objects.memory),
            ("Storage", &objects.storage),
            ("Sensors", &objects.sensors),
        ] {
            section(&mut text, title, list.iter().map(object).collect());
        }
        section(&mut text, "Parts", objects.parts.iter().map(part).collect());
        text
    }
}

fn identity(
    text: &mut String,
    facts: Option<&ProbeFacts>,
    uptime: Option<&str>,
    round_trip: Option<&str>,
) {
    let facts = facts.cloned().unwrap_or_default();
    let name = shown(&facts.sys_name);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", if name.is_empty() { "a device without a name" } else { &name });
    let rows = [
        ("description", facts.sys_descr),
        ("location", facts.sys_location),
        ("contact", facts.sys_contact),
        ("object id", facts.sys_object_id),
        ("up for", uptime.map(span).unwrap_or_default()),
        ("answers in", round_trip.map(millis).unwrap_or_default()),
    ];
    let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
    lines(text, rows.map(|(name, value)| vec![name.to_owned(), value]).collect());
}

/// Nothing at all where there are no rows.
fn section(text: &mut String, title: &str, rows: Vec<Vec<String>>) {
    let rows: Vec<_> =
        rows.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
    if !rows.is_empty() {
        let _ = writeln!(text, "\n{title}");
        lines(text, rows);
    }
}

/// Rows in columns; one that is empty everywhere is left out.
fn lines(text: &mut String, rows: Vec<Vec<String>>) {
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
}

fn interface(known: &ProbeInterface) -> Vec<String> {
    let metric = |name: &str| known.metrics.get(name).map_or("", String::as_str);
    // ifAdminStatus and ifOperStatus (RFC 2863).
    let state = match (metric("if_admin_status"), metric("if_oper_status")) {
        ("2", _) => "off",
        (_, "1") => "up",
        (_, "2") => "down",
        (_, "3") => "testing",
        (_, "5") => "dormant",
        (_, "6") => "not present",
        (_, "7") => "lower layer down",
        _ => "",
    };
    let octets = |name: &str, word: &str| match metric(name) {
        "" => String::new(),
        octets => format!("{word} {octets} B"),
    };
    let name = if known.name.is_empty() { &known.description } else { &known.name };
    vec![
        known.index.to_string(),
        name.clone(),
        known.alias.clone(),
        state.to_owned(),
        speed(&known.speed_bps),
        known.mac.clone(),
        octets("if_in_octets_total", "in"),
        octets("if_out_octets_total", "out"),
    ]
}

fn object(known: &ProbeObject) -> Vec<String> {
    if known.metrics.is_empty() {
        return Vec::new();
    }
    let name = if known.name.is_empty() { &known.object } else { &known.name };
    vec![name.clone(), known.kind.clone(), metrics(&known.metrics)]
}

fn part(known: &ProbeObject) -> Vec<String> {
    let serial = match known.serial.as_str() {
        "" => String::new(),
        serial => format!("serial {serial}"),
    };
    let name = if known.name.is_empty() { &known.object } else { &known.name };
    let (kind, vendor, model) = (known.kind.clone(), known.vendor.clone(), known.model.clone());
    vec![name.clone(), kind, vendor, model, serial, known.description.clone()]
}

fn metrics(metrics: &BTreeMap<String, String>) -> String {
    let each = metrics.iter().map(|(name, value)| format!("{name} {value}"));
    each.collect::<Vec<_>>().join(", ")
}

/// What a device says must not steer the terminal.
fn shown(cell: &str) -> String {
    let printable = cell.chars().map(|char| if char.is_control() { ' ' } else { char });
    printable.collect::<String>().trim().to_owned()
}

fn speed(bps: &str) -> String {
    let bps: u64 = bps.parse().unwrap_or(0);
    let units = [(1_000_000_000, "Gbit/s"), (1_000_000, "Mbit/s"), (1_000, "kbit/s"), (1, "bit/s")];
    let fits = |(unit, _): &(u64, &str)| bps >= *unit && bps.is_multiple_of((*unit / 10).max(1));
    let Some((unit, name)) = units.into_iter().find(fits) else { return String::new() };
    match bps % unit {
        0 => format!("{} {name}", bps / unit),
        rest => format!("{}.{} {name}", bps / unit, rest * 10 / unit),
    }
}

/// Seconds, with a fraction or without.
fn span(seconds: &str) -> String {
    let whole = seconds.split('.').next().unwrap_or_default();
    let Ok(seconds) = whole.parse::<u64>() else { return String::new() };
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

fn millis(seconds: &str) -> String {
    seconds.parse::<f64>().map(|seconds| format!("{:.1} ms", 1000.0 * seconds)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn identity_comes_first_and_what_is_empty_does_not_come() {
        let facts = ProbeFacts {
            sys_descr: "RouterOS\u{1b}[2J RB5009".into(),
            sys_name: "core".into(),
            ..ProbeFacts::default()
        };
        let port = ProbeInterface {
            index: 1,
            name: "ether1".into(),
            speed_bps: "2500000000".into(),
            metrics: map(&[
                ("if_admin_status", "1"),
                ("if_in_octets_total", "7"),
                ("if_oper_status", "2"),
            ]),
            ..ProbeInterface::default()
        };
        let nothing = ProbeObject { object: "cpu:ucd".into(), ..ProbeObject::default() };
        let mut report = ProbeReport {
            facts: Some(facts),
            system: map(&[
                ("load_1m_ratio", "0.5"),
                ("snmp_rtt_seconds", "0.0123"),
                ("snmp_up", "1"),
                ("sys_uptime_seconds", "93784.00"),
            ]),
            interfaces: vec![port],
            ..ProbeReport::default()
        };
        report.objects.processors.push(nothing);
        let wanted = "core\n  description  RouterOS [2J RB5009\n  up for       1 d 2 h\n  \
                      answers in   12.3 ms\n\nDevice\n  load_1m_ratio  0.5\n\nInterfaces\n  \
                      1  ether1  down  2.5 Gbit/s  in 7 B\n";
        assert_eq!(report.to_text(), wanted);
    }

    #[test]
    fn numbers_are_made_readable() {
        let speeds =
            [("10000000", "10 Mbit/s"), ("64000", "64 kbit/s"), ("0", ""), ("9", "9 bit/s")];
        for (bps, wanted) in speeds {
            assert_eq!(speed(bps), wanted);
        }
        assert_eq!(["59.9", "61", "3600", "x"].map(span), ["59 s", "1 min", "1 h 0 min", ""]);
    }
}
