//! Core: what a channel is set to, and which of it is secret.

use std::fmt;

use farwatch_common::secret::Secret;
use serde::{Deserialize, Serialize};

/// Receivers of one mail channel.
pub const RECEIVERS_MAX: usize = 20;
/// Longest topic of MQTT, in bytes; the standard has 65,535.
pub const TOPIC_BYTES_MAX: usize = 256;
/// Keys that sign a webhook: the one in use, and the one before it while it is exchanged.
pub const KEYS_MAX: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Email,
    Webhook,
    Slack,
    Mqtt,
}

impl Kind {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Mqtt => "mqtt",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Email, Self::Webhook, Self::Slack, Self::Mqtt];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is no secret of a channel: it is shown to all who may see the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Receivers of mail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Host and port of a URL or a broker; the rest of a URL is secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Keys that sign a webhook.
    #[serde(skip_serializing_if = "is_zero")]
    pub keys: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<Broker>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// With `{severity}`, `{event}`, `{site}` and `{device}` in it.
    pub topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What is sealed of a channel.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Of a webhook or Slack.
    pub url: Option<Secret>,
    /// `whsec_…`, the one in use first.
    pub keys: Vec<Secret>,
    /// Of the user of a broker.
    pub password: Option<Secret>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// As it is sealed.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Plain {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Secrets {
    /// `None`: there are none, and nothing is to be sealed.
    #[must_use]
    pub fn plain(&self) -> Option<Secret> {
        if *self == Self::default() {
            return None;
        }
        let plain = Plain {
            url: self.url.as_ref().map(text),
            keys: self.keys.iter().map(text).collect(),
            password: self.password.as_ref().map(text),
        };
        serde_json::to_vec(&plain).ok().map(Secret::new)
    }

    #[must_use]
    pub fn read(plain: &Secret) -> Option<Self> {
        let plain: Plain = serde_json::from_slice(plain.expose()).ok()?;
        Some(Self {
            url: plain.url.map(Secret::from),
            keys: plain.keys.into_iter().map(Secret::from).collect(),
            password: plain.password.map(Secret::from),
        })
    }
}

/// The secret as the text that it was given as.
#[must_use]
pub fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

/// Whether a mail can go there: one address, nothing that a header could take for another.
#[must_use]
pub fn is_receiver(address: &str) -> bool {
    address.len() <= 254 && address.parse::<lettre::Address>().is_ok()
}

/// Whether messages can go to this topic.
#[must_use]
pub fn is_topic(topic: &str) -> bool {
    let sound = |c: char| !c.is_control() && c != '#' && c != '+';
    !topic.is_empty()
        && topic.len() <= TOPIC_BYTES_MAX
        && !topic.starts_with('$')
        && topic.chars().all(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_back_and_are_not_printed() {
        let secrets = Secrets {
            url: Some("https://example.com/hunter2".into()),
            keys: vec!["whsec_hunter2".into()],
            password: None,
        };
        let plain = secrets.plain().unwrap();
        assert_eq!(Secrets::read(&plain).unwrap(), secrets);
        assert!(!format!("{secrets:?} {plain:?}").contains("hunter2"));
        assert!(Secrets::default().plain().is_none());
    }

    #[test]
    fn receivers_are_single_addresses() {
        assert!(is_receiver("noc@example.net"));
        for bad in ["", "noc", "a@b, c@d", "a@b\r\nBcc: c@d", "NOC <noc@example.net>", "@x"] {
            assert!(!is_receiver(bad), "{bad}");
        }
        assert!(!is_receiver(&format!("{}@example.net", "x".repeat(300))));
    }

    #[test]
    fn topics_have_no_wildcards() {
        assert!(is_topic("farwatch/{site}/{severity}"));
        for bad in ["", "a/#", "a/+/b", "$SYS/a", "a\nb"] {
            assert!(!is_topic(bad), "{bad}");
        }
        assert!(!is_topic(&"x".repeat(257)));
    }
}
