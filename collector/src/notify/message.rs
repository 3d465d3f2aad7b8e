//! Core: what people are told, as it was when it happened.
//!
//! The JSON is the body of a webhook, in the form of Standard Webhooks (`type`, `timestamp`, `data`),
//! and what the other channels make their words of.

use farwatch_common::clock::Micros;
use farwatch_common::id::ChannelId;
use serde::{Deserialize, Serialize};

use super::outbox::{Became, Transition};
use crate::evaluate::severity::Severity;
use crate::evaluate::words::called;

/// Longest text of a message, in characters: a name or a summary.
pub const TEXT_CHARS_MAX: usize = 500;

/// The fact that is a link, where the alert has one: no other text is, as names are anybody's.
pub const LINK: &str = "Alert";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub r#type: Type,
    /// Event time of the transition, RFC 3339.
    pub timestamp: String,
    pub data: Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Type {
    #[serde(rename = "alert.firing")]
    Firing,
    #[serde(rename = "alert.resolved")]
    Resolved,
    /// Another channel takes nothing.
    #[serde(rename = "channel.failing")]
    ChannelFailing,
    /// Somebody wants to know whether the channel works.
    #[serde(rename = "test")]
    Test,
}

impl Type {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Firing => "alert.firing",
            Self::Resolved => "alert.resolved",
            Self::ChannelFailing => "channel.failing",
            Self::Test => "test",
        }
    }

    /// For people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
            Self::ChannelFailing => "failing",
            Self::Test => "test",
        }
    }
}

/// A thing with its name at the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    pub id: String,
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// One line: what is wrong, in words.
    pub summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Thing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Thing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Thing>,
    /// Not there: it is about the agent itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<Thing>,
    /// Of the device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Of the device; not there: the device itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What it is called; not there: it has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_name: Option<String>,
    /// What is wrong, while it is: the value of a metric, or the state of a device and what made it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The one that fails, of `channel.failing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Thing>,
    /// Wrong since, in event time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fired_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<String>,
    /// The alert in the web UI, where the collector knows its own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Message {
    #[must_use]
    pub fn of(transition: &Transition<'_>) -> Self {
        let (rule, rule_name) = transition.rule;
        let (site, site_name) = transition.site;
        let (agent, agent_name) = transition.agent;
        let (object, part) = transition.object;
        let resolved = transition.became == Became::Resolved;
        // Of what is over, programs must not read how it was for how it is.
        let wrong = (!resolved).then_some(transition.wrong);
        let resolved_at = resolved.then(|| rfc3339(transition.at));
        let device = transition.device.map(|(id, name)| thing(id.to_string(), name));
        // Who reads the summary alone must not take the end of it for another beginning.
        let summary = match transition.became {
            Became::Firing => line(transition.summary),
            Became::Resolved => line(&format!("Resolved: {}", transition.summary)),
        };
        let data = Data {
            summary,
            alert: Some(transition.alert.to_string()),
            severity: Some(transition.severity.name().to_owned()),
            rule: Some(thing(rule.to_string(), rule_name)),
            site: Some(thing(site.to_string(), site_name)),
            agent: Some(thing(agent.to_string(), agent_name)),
            device,
            tags: transition.tags.iter().cloned().collect(),
            object: Some(object).filter(|text| !text.is_empty()).map(line),
            object_name: Some(part).filter(|text| !text.is_empty()).map(line),
            value: wrong.and_then(|wrong| wrong.value),
            state: wrong.and_then(|wrong| wrong.state.as_deref()).map(line),
            cause: wrong.and_then(|wrong| wrong.cause.as_deref()).map(line),
            channel: None,
            began_at: Some(rfc3339(transition.began_at)),
            fired_at: transition.fired_at.map(rfc3339),
            resolved_at,
            url: transition.web.map(|web| format!("{web}/alerts/{}", transition.alert)),
        };
        let r#type = match transition.became {
            Became::Firing => Type::Firing,
            Became::Resolved => Type::Resolved,
        };
        Self { r#type, timestamp: rfc3339(transition.at), data }
    }

    /// Of a channel that fails `since` then, to be told by another.
    #[must_use]
    pub fn channel_failing(
        (channel, name): (ChannelId, &str),
        (severity, summary): (Severity, &str),
        (since, now): (Micros, Micros),
    ) -> Self {
        let data = Data {
            summary: line(summary),
            severity: Some(severity.name().to_owned()),
            channel: Some(thing(channel.to_string(), name)),
            began_at: Some(rfc3339(since)),
            ..Data::default()
        };
        Self { r#type: Type::ChannelFailing, timestamp: rfc3339(now), data }
    }

    #[must_use]
    pub fn test(channel: &str, now: Micros) -> Self {
        let summary = format!("A test of the channel «{}»: it works.", line(channel));
        let data = Data { summary, ..Data::default() };
        Self { r#type: Type::Test, timestamp: rfc3339(now), data }
    }

    /// One line for a subject: how it stands, how bad it is, what it is about.
    #[must_use]
    pub fn title(&self) -> String {
        let data = &self.data;
        if self.r#type == Type::Test {
            return "Farwatch: test".to_owned();
        }
        if let Some(channel) = &data.channel {
            return format!("Farwatch: the channel «{}» is failing", channel.name);
        }
        let about = data.device.as_ref().or(data.agent.as_ref());
        let about = about.map_or("", |thing| thing.name.as_str());
        let object = data.object.as_deref().unwrap_or_default();
        let about = match called(object, data.object_name.as_deref().unwrap_or_default()) {
            part if part.is_empty() => about.to_owned(),
            part => format!("{part} of {about}"),
        };
        let severity = data.severity.as_deref().unwrap_or_default();
        let rule = data.rule.as_ref().map_or("", |rule| rule.name.as_str());
        format!("[{severity} {}] {about}: {rule}", self.r#type.word())
    }

    /// The rest as pairs of a name and a value, in the order in which people read it.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let data = &self.data;
        let name = |thing: &Option<Thing>| thing.as_ref().map(|thing| thing.name.clone());
        let tags = (!data.tags.is_empty()).then(|| data.tags.join(", "));
        let facts = [
            ("Severity", data.severity.clone()),
            ("Rule", name(&data.rule)),
            ("Site", name(&data.site)),
            ("Agent", name(&data.agent)),
            ("Device", name(&data.device)),
            ("Part", data.object_name.clone().or_else(|| data.object.clone())),
            ("Tags", tags),
            ("Channel", name(&data.channel)),
            ("Since", data.began_at.clone()),
            ("At", Some(self.timestamp.clone())),
            (LINK, data.url.clone().or_else(|| data.alert.clone())),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn thing(id: String, name: &str) -> Thing {
    Thing { id, name: line(name) }
}

/// The text in one line, without what a terminal or a mail header could take for a command.
fn line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(TEXT_CHARS_MAX).collect()
}

fn rfc3339(at: Micros) -> String {
    let at = jiff::Timestamp::from_microsecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.6}")
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use farwatch_common::id::{AgentId, AlertId, DeviceId, RuleId, SiteId, TenantId};

    use super::*;
    use crate::evaluate::seen::{Seen, Word};

    const DOWN: Seen = Seen {
        value: None,
        state: Some(Word::Borrowed("down")),
        cause: Some(Word::Borrowed("timeout")),
    };

    /// A transition of tenant 1, of what `store::fixture` has.
    pub(crate) fn transition(alert: i64, tags: &BTreeSet<String>) -> Transition<'_> {
        Transition {
            tenant: TenantId(1),
            alert: AlertId(alert),
            number: 1,
            became: Became::Firing,
            rule: (RuleId(3), "Device down"),
            severity: Severity::Critical,
            site: (SiteId(5), "here"),
            agent: (AgentId(10), "a"),
            device: Some((DeviceId(100), "r1")),
            tags,
            object: ("", ""),
            summary: "r1 is down: no answer",
            wrong: &DOWN,
            began_at: Micros(1_795_232_238_000_000),
            fired_at: Some(Micros(1_795_232_358_000_000)),
            at: Micros(1_795_232_358_000_000),
            web: Some("https://farwatch.example.net"),
        }
    }

    #[test]
    fn the_json_is_that_of_the_contract() {
        let tags = BTreeSet::from(["core".to_owned()]);
        let message = Message::of(&transition(7, &tags));
        let json = serde_json::to_value(&message).unwrap();
        let expected = serde_json::json!({
            "type": "alert.firing",
            "timestamp": "2026-11-21T03:39:18.000000Z",
            "data": {
                "summary": "r1 is down: no answer",
                "alert": AlertId(7).to_string(),
                "severity": "critical",
                "rule": { "id": RuleId(3).to_string(), "name": "Device down" },
                "site": { "id": SiteId(5).to_string(), "name": "here" },
                "agent": { "id": AgentId(10).to_string(), "name": "a" },
                "device": { "id": DeviceId(100).to_string(), "name": "r1" },
                "tags": ["core"],
                "state": "down",
                "cause": "timeout",
                "began_at": "2026-11-21T03:37:18.000000Z",
                "fired_at": "2026-11-21T03:39:18.000000Z",
                "url": format!("https://farwatch.example.net/alerts/{}", AlertId(7)),
            },
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Message>(json).unwrap(), message);
        assert_eq!(message.title(), "[critical firing] r1: Device down");
        let of_port = Transition { object: ("if:13", "ether13"), ..transition(7, &tags) };
        assert_eq!(Message::of(&of_port).title(), "[critical firing] ether13 of r1: Device down");
    }

    #[test]
    fn the_end_does_not_read_like_the_beginning() {
        let tags = BTreeSet::new();
        let message = Message::of(&Transition { became: Became::Resolved, ..transition(7, &tags) });
        assert_eq!(message.data.summary, "Resolved: r1 is down: no answer");
        assert_eq!(message.data.resolved_at.as_deref(), Some("2026-11-21T03:39:18.000000Z"));
        assert_eq!((message.data.state, message.data.cause), (None, None));
    }

    #[test]
    fn a_name_breaks_no_line() {
        let tags = BTreeSet::new();
        let long = "x".repeat(5000);
        let summary = format!("a\r\nBcc: b{long}");
        let message = Message::of(&Transition { summary: &summary, ..transition(7, &tags) });
        assert!(message.data.summary.starts_with("a  Bcc: bx"));
        assert_eq!(message.data.summary.chars().count(), TEXT_CHARS_MAX);
    }
}
