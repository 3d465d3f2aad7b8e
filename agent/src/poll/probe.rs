//! One look at one device, by the same engine: for `farwatch-agent probe` and for the installer
//! who wants to know what a device will give.

mod ask;
mod knock;
mod look;
mod objects;
mod silence;
mod text;

use std::collections::BTreeMap;

use farwatch_common::sample::{Cause, Group, MetricKind, Row, Schema};
use farwatch_proto::v1::event;
use serde::Serialize;

pub use self::ask::probe;
pub(super) use self::knock::{Knocks, Told, told};
pub use self::objects::{ProbeObject, ProbeObjects};
pub use self::silence::{Asked, NoAnswer, Silence};
use super::Observation;

/// What a device has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeReport {
    pub facts: Option<ProbeFacts>,
    /// Of the device itself, by metric.
    pub system: BTreeMap<String, String>,
    pub interfaces: Vec<ProbeInterface>,
    /// Why there are no interfaces, if there are none.
    pub interfaces_missing: Option<&'static str>,
    #[serde(flatten)]
    pub objects: ProbeObjects,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeFacts {
    pub sys_descr: String,
    pub sys_object_id: String,
    pub sys_name: String,
    pub sys_location: String,
    pub sys_contact: String,
}

/// One interface; numbers are decimal text, as counters pass 2^53.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProbeInterface {
    pub index: u32,
    pub name: String,
    pub description: String,
    pub alias: String,
    #[serde(rename = "type")]
    pub if_type: u32,
    pub speed_bps: String,
    /// Hexadecimal octets with colons.
    pub mac: String,
    pub metrics: BTreeMap<String, String>,
}

/// Why a device gave nothing to one who asked with a credential of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeFailure {
    pub cause: Cause,
    pub asked: Asked,
}

impl ProbeFailure {
    /// What is wrong and what to do about it.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self.cause {
            Cause::Timeout => Silence::Unexplained.advice(self.asked),
            Cause::OtherSource => {
                "strict source refuses its answers, which come from another address; turn strict \
                 source off, or ask that address"
            }
            Cause::Unresolved => {
                "its name has no address on the agent's host, or none in time; check the name, or the DNS that host \
                 uses"
            }
            Cause::NoInterface => {
                "the agent's host has no network interface of the name behind the %; check the \
                 zone of the address"
            }
            Cause::Unreachable => "no way to it; check the address and the routes of this host",
            Cause::Auth => "it lets the community or user read nothing; give it read access",
            Cause::Unsupported => "it refuses what was asked; check which SNMP versions are on",
            Cause::Budget => "its answers exceed the limits; please report the device",
            Cause::Malformed => "its answers break the protocol; please report the device",
            Cause::Gap => "the answer was lost",
            Cause::NoCredential => "there is no credential to ask it with; give it one",
            Cause::NotPermitted => {
                "this agent may not ask in this way; see `farwatch-agent doctor`"
            }
            Cause::UnknownUser => "it has no such user; check the user's name",
            Cause::WrongAuth => "the authentication password or protocol is not the user's",
            Cause::WrongPrivacy => {
                "the privacy password or protocol is not the user's; the rest of it is right"
            }
            Cause::WrongLevel => {
                "the user has no privacy, or no authentication, on the device; ask at a lower \
                 level, or give the user its keys there"
            }
            Cause::LevelTooLow => {
                "the user may read nothing at this level of security; add authentication and \
                 privacy, or give the user read access on the device"
            }
            Cause::WrongClock => {
                "its clock and boot count are not believed; restart its SNMP agent"
            }
            Cause::WrongContext => "it has no such context; leave the context empty",
        }
    }
}

impl ProbeReport {
    /// Takes what was seen; true at the end of the poll. The error is why there is nothing.
    fn take(&mut self, observation: Observation) -> Result<bool, Cause> {
        match observation {
            Observation::Event(event) => self.take_event(event.kind),
            Observation::Row { row, schema } if row.group == Group::System => {
                if let Some(cause) = row.cause {
                    return Err(cause);
                }
                self.system = values(&row, &schema).map(|(_, name, text)| (name, text)).collect();
            }
            Observation::Row { row, schema } if row.group == Group::Interfaces => {
                self.take_interfaces(&row, &schema);
            }
            Observation::Row { row, schema } => {
                self.objects.take_row(&row, &schema, &mut self.system);
            }
            Observation::Ended(_) => return Ok(true),
        }
        Ok(false)
    }

    fn take_event(&mut self, kind: Option<event::Kind>) {
        match kind {
            Some(event::Kind::DeviceFacts(facts)) => {
                self.facts = Some(ProbeFacts {
                    sys_descr: facts.sys_descr,
                    sys_object_id: facts.sys_object_id,
                    sys_name: facts.sys_name,
                    sys_location: facts.sys_location,
                    sys_contact: facts.sys_contact,
                });
            }
            Some(event::Kind::InterfaceTable(table)) => {
                let interfaces = table.interfaces.into_iter().map(|facts| ProbeInterface {
                    index: facts.index,
                    name: facts.name,
                    description: facts.description,
                    alias: facts.alias,
                    if_type: facts.r#type,
                    speed_bps: facts.speed_bps.to_string(),
                    mac: colons(&facts.mac),
                    metrics: BTreeMap::new(),
                });
                self.interfaces = interfaces.collect();
            }
            Some(event::Kind::ObjectTable(table)) => self.objects.take_table(table),
            Some(event::Kind::Gap(_)) | None => {}
        }
    }

    fn take_interfaces(&mut self, row: &Row, schema: &Schema) {
        self.interfaces_missing = row.cause.map(Cause::name);
        for (object, metric, text) in values(row, schema) {
            let Some(index) = object.rsplit(':').next().and_then(|index| index.parse().ok()) else {
                continue;
            };
            let at = match self.interfaces.binary_search_by_key(&index, |known| known.index) {
                Ok(at) => at,
                Err(at) => {
                    let interface = ProbeInterface { index, ..ProbeInterface::default() };
                    self.interfaces.insert(at, interface);
                    at
                }
            };
            if let Some(interface) = self.interfaces.get_mut(at) {
                interface.metrics.insert(metric, text);
            }
        }
    }
}

/// Object, metric and value of each column that has one.
fn values<'a>(
    row: &'a Row,
    schema: &'a Schema,
) -> impl Iterator<Item = (&'a str, String, String)> + 'a {
    schema.columns.iter().zip(&row.values).filter_map(|(column, value)| {
        let text = decimal((*value)?, column.kind, column.exponent);
        Some((column.object.as_str(), column.metric.clone(), text))
    })
}

/// `raw * 10^exponent` without rounding; counters as the unsigned numbers they are.
fn decimal(raw: i64, kind: MetricKind, exponent: i8) -> String {
    if kind.is_counter() {
        return raw.cast_unsigned().to_string();
    }
    let places = usize::from(exponent.min(0).unsigned_abs());
    let zeros = usize::from(exponent.max(0).unsigned_abs());
    let digits = format!("{:0>width$}", raw.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let sign = if raw < 0 { "-" } else { "" };
    let dot = if places > 0 { "." } else { "" };
    format!("{sign}{whole}{}{dot}{fraction}", "0".repeat(zeros))
}

fn colons(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        assert_eq!(decimal(-1, MetricKind::Counter64, 0), "18446744073709551615");
        assert_eq!(decimal(123_456, MetricKind::Gauge, -2), "1234.56");
        assert_eq!(decimal(-5, MetricKind::Gauge, -2), "-0.05");
        assert_eq!(decimal(7, MetricKind::Gauge, 3), "7000");
        assert_eq!(decimal(2, MetricKind::State, 0), "2");
    }

    #[test]
    fn an_address_of_hardware_has_colons() {
        assert_eq!(colons(&[0x48, 0x8f, 0x5a, 0, 0, 1]), "48:8f:5a:00:00:01");
    }
}
