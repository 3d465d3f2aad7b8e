//! A probe's report for people: who the device is, then what it gives. All numbers are in the one for
//! programs.

mod figure;

use std::fmt::Write as _;

use self::figure::{figures, millis, named, size, span, speed};
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
        section(&mut text, "Device", named(&numbers.collect::<Vec<_>>()));
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
        let parts = objects.parts.iter().filter(|part| !is_sensor_again(part, &objects.sensors));
        section(&mut text, "Parts", parts.map(part).collect());
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
    let octets = |name: &str, word: &str| match size(metric(name)) {
        octets if octets.is_empty() => octets,
        octets => format!("{word} {octets}"),
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
    // What all of a section are is in its title.
    let kind = if known.kind == "processor" { "" } else { &known.kind };
    let row = vec![name(known).clone(), kind.replace('_', " ")];
    row.into_iter().chain(figures(&known.metrics)).collect()
}

fn name(known: &ProbeObject) -> &String {
    if known.name.is_empty() { &known.object } else { &known.name }
}

/// Whether this part is a sensor that has its line already, and says no more than its name.
fn is_sensor_again(part: &ProbeObject, sensors: &[ProbeObject]) -> bool {
    let index =
        |known: &ProbeObject| known.object.split_once(':').map(|(_, index)| index.to_owned());
    let more = [&part.vendor, &part.model, &part.serial].into_iter().any(|more| !more.is_empty());
    let is_again = |sensor: &ProbeObject| index(sensor) == index(part) && sensor.name == part.name;
    !more && sensors.iter().any(|sensor| !sensor.metrics.is_empty() && is_again(sensor))
}

fn part(known: &ProbeObject) -> Vec<String> {
    let serial = match known.serial.as_str() {
        "" => String::new(),
        serial => format!("serial {serial}"),
    };
    let description = Some(&known.description).filter(|text| *text != name(known));
    let (kind, vendor, model) =
        (known.kind.replace('_', " "), known.vendor.clone(), known.model.clone());
    let description = description.cloned().unwrap_or_default();
    vec![name(known).clone(), kind, vendor, model, serial, description]
}

/// What a device says must not steer the terminal.
fn shown(cell: &str) -> String {
    let printable = cell.chars().map(|char| if char.is_control() { ' ' } else { char });
    printable.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
                      answers in   12.3 ms\n\nDevice\n  load  0.5 (over 1 min)\n\nInterfaces\n  \
                      1  ether1  down  2.5 Gbit/s  in 7 B\n";
        assert_eq!(report.to_text(), wanted);
    }

    fn thing(object: &str, name: &str, kind: &str, metrics: &[(&str, &str)]) -> ProbeObject {
        ProbeObject {
            object: object.into(),
            name: name.into(),
            kind: kind.into(),
            metrics: map(metrics),
            ..ProbeObject::default()
        }
    }

    #[test]
    fn things_are_told_once_and_as_people_say_them() {
        let mut report = ProbeReport::default();
        let objects = &mut report.objects;
        let busy = [("cpu_busy_percent", "29")];
        objects.processors.push(thing("cpu:1", "core 1", "processor", &busy));
        let memory = [("memory_size_bytes", "1073741824"), ("memory_used_bytes", "520117248")];
        objects.memory.push(thing("memory:1", "main", "ram", &memory));
        let cache = [("memory_used_bytes", "4849664")];
        objects.memory.push(thing("memory:7", "cache", "other_memory", &cache));
        let hot = [("temperature_celsius", "41.5")];
        objects.sensors.push(thing("sensor:3", "Inlet", "temperature", &hot));
        let chassis = thing("part:1", "Chassis", "chassis", &[]);
        objects.parts.push(ProbeObject {
            serial: "X1".into(),
            description: "Chassis".into(),
            ..chassis
        });
        objects.parts.push(thing("part:3", "Inlet", "sensor", &[]));
        objects.parts.push(thing("part:4", "Door", "sensor", &[]));
        let wanted = "a device without a name\n\nProcessors\n  core 1  29.0 %\n\nMemory\n  \
                      main   ram           496.0 MiB of 1.0 GiB  48.4 %\n  \
                      cache  other memory  4.6 MiB\n\nSensors\n  Inlet  temperature  41.5 °C\n\n\
                      Parts\n  Chassis  chassis  serial X1\n  Door     sensor\n";
        assert_eq!(report.to_text(), wanted);
    }
}
