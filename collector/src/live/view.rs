//! Core: what screens see of a device, an interface and an agent, and what changed of it.

use std::fmt::Write as _;

use farwatch_common::clock::Micros;
use farwatch_common::sample::{Cause, Group, MetricKind, Unit};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// State of anything that is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Up,
    Degraded,
    Down,
    Unknown,
}

impl State {
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Up, Self::Degraded, Self::Down, Self::Unknown]
            .into_iter()
            .find(|state| state.name() == name)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveDevice {
    pub state: State,
    pub cause: Option<&'static str>,
    pub uptime_s: Option<f64>,
    pub interfaces_up: Option<u32>,
    pub interfaces_total: u32,
    pub in_bps: Option<f64>,
    pub out_bps: Option<f64>,
    /// Of an echo, or of an answer over SNMP where there is none.
    pub rtt_ms: Option<f64>,
    /// Mean of its processors.
    pub cpu_percent: Option<f64>,
    /// Of its hottest sensor.
    pub temperature_celsius: Option<f64>,
    /// What each way of asking tells; none until it has told something.
    pub snmp_poll: Option<LiveSnmp>,
    pub icmp: Option<LivePing>,
    #[serde(serialize_with = "time")]
    pub last_sample_at: Option<Micros>,
}

/// What SNMP tells of a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveSnmp {
    pub state: State,
    pub cause: Option<&'static str>,
    pub rtt_ms: Option<f64>,
    #[serde(serialize_with = "time")]
    pub at: Option<Micros>,
    /// When it answered last: how old the figures are.
    #[serde(serialize_with = "time")]
    pub answered_at: Option<Micros>,
    /// What it told then is still to be believed.
    pub holds: bool,
}

/// What the last burst of echo requests tells of a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LivePing {
    pub state: State,
    pub cause: Option<&'static str>,
    pub loss_percent: Option<f64>,
    pub rtt_ms: Option<f64>,
    pub jitter_ms: Option<f64>,
    #[serde(serialize_with = "time")]
    pub at: Option<Micros>,
}

/// The last value of one metric of an object of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveValue {
    pub group: Group,
    pub object: String,
    pub metric: String,
    pub unit: Unit,
    pub kind: MetricKind,
    pub value: Option<f64>,
    /// Why there is none.
    pub cause: Option<&'static str>,
    /// Of the last poll of its table.
    pub at: Micros,
}

/// A group of a device that has given nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveMissing {
    pub group: Group,
    pub cause: Cause,
    pub at: Micros,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveInterface {
    pub object: String,
    pub index: u32,
    pub name: String,
    pub description: String,
    pub alias: String,
    pub kind: u32,
    pub mac: Option<String>,
    pub speed_bps: Option<u64>,
    pub admin: Option<&'static str>,
    pub oper: Option<&'static str>,
    pub state: State,
    pub in_bps: Option<f64>,
    pub out_bps: Option<f64>,
    pub in_pps: Option<f64>,
    pub out_pps: Option<f64>,
    pub in_errors_ps: Option<f64>,
    pub out_errors_ps: Option<f64>,
    pub in_discards_ps: Option<f64>,
    pub out_discards_ps: Option<f64>,
    pub utilisation_in: Option<f64>,
    pub utilisation_out: Option<f64>,
    #[serde(serialize_with = "time")]
    pub updated_at: Option<Micros>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveAgent {
    pub state: State,
    pub transport: Option<&'static str>,
    pub remote_addr: Option<String>,
    #[serde(serialize_with = "time")]
    pub connected_since: Option<Micros>,
    /// Why it is offline: `stopped` of one that said goodbye, `silent`; none where it is not told.
    pub offline_reason: Option<&'static str>,
    /// Why it is not QUIC.
    pub transport_reason: Option<&'static str>,
    /// Through an HTTP proxy.
    pub proxied: bool,
    pub rtt_ms: Option<f64>,
    /// Of the packets it has sent lately; none where its system does not tell.
    pub loss_percent: Option<f64>,
    pub gateway: Option<LiveGateway>,
    #[serde(serialize_with = "time")]
    pub last_seen_at: Option<Micros>,
    #[serde(serialize_with = "time")]
    pub last_ack_at: Option<Micros>,
    pub buffer: Option<LiveBuffer>,
    pub backfill: Option<LiveBackfill>,
    /// What is to be added to its times to make them the collector's.
    pub clock_offset_ms: Option<i64>,
    pub devices: usize,
    pub version: String,
    pub platform: String,
}

/// The first hop of an agent's site, as the agent pinged it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LiveGateway {
    pub address: String,
    pub loss_percent: f64,
    pub rtt_ms: Option<f64>,
    pub jitter_ms: Option<f64>,
    #[serde(serialize_with = "time")]
    pub at: Option<Micros>,
}

/// What waits at the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LiveBuffer {
    pub batches: u64,
    pub bytes: u64,
    #[serde(serialize_with = "time")]
    pub oldest_at: Option<Micros>,
}

/// What an agent had to send when it began to catch up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LiveBackfill {
    #[serde(serialize_with = "time")]
    pub began_at: Option<Micros>,
    pub batches_at_start: u64,
    #[serde(serialize_with = "time")]
    pub oldest_at_start: Option<Micros>,
}

/// RFC 3339 with microseconds, UTC.
#[must_use]
pub fn rfc3339(at: Micros) -> Option<String> {
    let timestamp = jiff::Timestamp::from_microsecond(at.0).ok()?;
    Some(timestamp.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}

/// `00:1b:2c:…`; `None` of nothing.
#[must_use]
pub fn mac_text(mac: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(mac.len() * 3);
    for (place, byte) in mac.iter().enumerate() {
        let separator = if place == 0 { "" } else { ":" };
        write!(text, "{separator}{byte:02x}").ok()?;
    }
    (!text.is_empty()).then_some(text)
}

/// Turns a view into the fields of an event.
#[must_use]
pub fn fields<T: Serialize>(view: &T) -> Map<String, Value> {
    match serde_json::to_value(view) {
        Ok(Value::Object(fields)) => fields,
        // Views are structs of plain fields.
        _ => Map::new(),
    }
}

/// The fields of `now` that differ from `before`; all of them if there is no before.
#[must_use]
pub fn changed<T: Serialize>(before: Option<&T>, now: &T) -> Map<String, Value> {
    let mut patch = fields(now);
    if let Some(before) = before {
        let before = fields(before);
        patch.retain(|name, value| before.get(name) != Some(value));
    }
    patch
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn time<S: Serializer>(at: &Option<Micros>, serializer: S) -> Result<S::Ok, S::Error> {
    at.and_then(rfc3339).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_holds_what_changed() {
        let before = LiveDevice {
            state: State::Up,
            cause: None,
            uptime_s: Some(1.0),
            interfaces_up: Some(2),
            interfaces_total: 3,
            in_bps: None,
            out_bps: None,
            rtt_ms: None,
            cpu_percent: None,
            temperature_celsius: None,
            snmp_poll: None,
            icmp: None,
            last_sample_at: Some(Micros(0)),
        };
        let mut now = before.clone();
        now.state = State::Down;
        now.last_sample_at = Some(Micros(1));
        let patch = Value::Object(changed(Some(&before), &now));
        let expected = serde_json::json!({
            "state": "down", "last_sample_at": "1970-01-01T00:00:00.000001Z",
        });
        assert_eq!(patch, expected);
        assert_eq!(changed(None, &now).len(), 13);
        assert!(changed(Some(&now), &now).is_empty());
    }

    #[test]
    fn macs_are_readable() {
        assert_eq!(mac_text(&[0, 0x1b, 255]).as_deref(), Some("00:1b:ff"));
        assert_eq!(mac_text(&[]), None);
    }
}
