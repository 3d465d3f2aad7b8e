//! What clients say of a channel, checked.

use serde::Deserialize;
use utoipa::ToSchema;

use super::ChannelKind;
use crate::api::error::{Error, FieldError};
use crate::api::request::{NAME_RULE, or_null};
use crate::inventory::is_name;
use crate::notify::channel::{ChannelPatch, Keys, NewChannel};
use crate::notify::guard::{Guard, Service};
use crate::notify::settings::{
    Broker, Kind, RECEIVERS_MAX, Secrets, Settings, is_receiver, is_topic,
};
use crate::notify::signature::{is_key, new_key};
use crate::notify::target::Target;
use farwatch_common::id::TenantId;
use farwatch_common::secret::Secret;

const TO_RULE: &str = "must be 1 to 20 addresses of mail, like noc@example.net";
const TOPIC_RULE: &str = "must be 1 to 256 bytes, without + and #, and not begin with $; {severity}, {event}, {site} \
     and {device} are filled in";
const USER_RULE: &str = "must be 1 to 255 bytes, without control characters";
const KEY_RULE: &str = "must be whsec_ and 24 to 64 bytes in base64; leave it out for a new one";
const CREDENTIAL_BYTES_MAX: usize = 255;
const MQTT_PORT: u16 = 8883;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewChannelBody {
    tenant: String,
    name: String,
    kind: ChannelKind,
    /// Of the kind `email`: 1 to 20 addresses.
    to: Option<Vec<String>>,
    /// Of the kinds `webhook` and `slack`: https.
    #[schema(format = Password)]
    url: Option<String>,
    /// Of the kind `webhook`: signs it, `whsec_…`; a new one is made if it is not given.
    #[schema(format = Password)]
    secret: Option<String>,
    /// Of the kind `mqtt`.
    mqtt: Option<NewBroker>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewBroker {
    host: String,
    /// 8883 if not given.
    port: Option<u16>,
    /// True if not given; without TLS only where the administrator's file allows it.
    tls: Option<bool>,
    /// With `{severity}`, `{event}`, `{site}` and `{device}` in it.
    topic: String,
    user: Option<String>,
    #[schema(format = Password)]
    password: Option<String>,
}

/// What is to become of the key that signs a webhook.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::api) enum KeyChange {
    /// A new one is made and shown; both sign until `finish`.
    Exchange,
    /// The one before signs no more.
    Finish,
}

/// What is not there stays; so does the kind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct ChannelChange {
    name: Option<String>,
    enabled: Option<bool>,
    to: Option<Vec<String>>,
    #[schema(format = Password)]
    url: Option<String>,
    secret: Option<KeyChange>,
    mqtt: Option<NewBroker>,
    /// Of the user of a broker; null: none.
    #[serde(default, deserialize_with = "or_null")]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Option<String>>,
}

/// Collects what is wrong.
#[derive(Default)]
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    fn check(&mut self, sound: bool, field: &str, message: &str) {
        if !sound {
            self.add(field, message);
        }
    }

    fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }

    /// The host of a URL that the guard lets out; empty if it does not.
    fn host(&mut self, url: &str, guard: &Guard) -> String {
        match Target::url(url) {
            Err(error) => self.add("url", error.to_string()),
            Ok(target) => match guard.target(&target, Service::Http) {
                Ok(()) => return target.authority(),
                Err(why) => self.add("url", format!("notifications do not go there: {why}")),
            },
        }
        String::new()
    }

    fn receivers(&mut self, to: &[String]) {
        let sound =
            !to.is_empty() && to.len() <= RECEIVERS_MAX && to.iter().all(|to| is_receiver(to));
        self.check(sound, "to", TO_RULE);
    }

    fn broker(&mut self, new: NewBroker, guard: &Guard) -> (Broker, Option<Secret>) {
        let (port, tls) = (new.port.unwrap_or(MQTT_PORT), new.tls.unwrap_or(true));
        match Target::broker(&new.host, port, tls) {
            Err(error) => self.add("mqtt.host", error.to_string()),
            Ok(target) => {
                if let Err(why) = guard.target(&target, Service::Mqtt) {
                    self.add("mqtt.host", format!("notifications do not go there: {why}"));
                }
            }
        }
        self.check(is_topic(&new.topic), "mqtt.topic", TOPIC_RULE);
        let is_sound = |text: &String| {
            let bytes = 1..=CREDENTIAL_BYTES_MAX;
            bytes.contains(&text.len()) && !text.chars().any(char::is_control)
        };
        self.check(new.user.as_ref().is_none_or(is_sound), "mqtt.user", USER_RULE);
        self.check(new.password.as_ref().is_none_or(is_sound), "mqtt.password", USER_RULE);
        let lonely = new.password.is_some() && new.user.is_none();
        self.check(!lonely, "mqtt.user", "must be given with a password");
        let broker = Broker { host: new.host, port, tls, topic: new.topic, user: new.user };
        (broker, new.password.map(Secret::from))
    }
}

impl NewChannelBody {
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The channel, and the key that is to be shown once.
    pub(super) fn checked(
        self,
        tenant: TenantId,
        guard: &Guard,
    ) -> Result<(NewChannel, Option<Secret>), Error> {
        let mut wrong = Wrong::default();
        wrong.check(is_name(&self.name), "name", NAME_RULE);
        let (mut settings, mut secrets) = (Settings::default(), Secrets::default());
        let given =
            [self.to.is_some(), self.url.is_some(), self.secret.is_some(), self.mqtt.is_some()];
        let (kind, of_kind) = match self.kind {
            ChannelKind::Email => (Kind::Email, [true, false, false, false]),
            ChannelKind::Webhook => (Kind::Webhook, [false, true, true, false]),
            ChannelKind::Slack => (Kind::Slack, [false, true, false, false]),
            ChannelKind::Mqtt => (Kind::Mqtt, [false, false, false, true]),
        };
        for (index, field) in ["to", "url", "secret", "mqtt"].into_iter().enumerate() {
            let needed = of_kind[index] && field != "secret";
            wrong.check(given[index] || !needed, field, "must be given for this kind of channel");
            wrong.check(!given[index] || of_kind[index], field, "is not of this kind of channel");
        }
        if let Some(to) = self.to {
            wrong.receivers(&to);
            settings.to = to;
        }
        if let Some(url) = self.url {
            settings.host = wrong.host(&url, guard);
            secrets.url = Some(url.into());
        }
        if let Some(mqtt) = self.mqtt {
            let (broker, password) = wrong.broker(mqtt, guard);
            (settings.broker, secrets.password) = (Some(broker), password);
        }
        let mut key = None;
        if kind == Kind::Webhook {
            let own = self.secret.map(Secret::from);
            wrong.check(own.as_ref().is_none_or(is_key), "secret", KEY_RULE);
            key = Some(match own {
                Some(own) => own,
                None => fresh_key()?,
            });
            secrets.keys = key.clone().into_iter().collect();
            settings.keys = 1;
        }
        wrong.end()?;
        Ok((NewChannel { tenant, name: self.name, kind, settings, secrets }, key))
    }
}

fn fresh_key() -> Result<Secret, Error> {
    new_key().ok_or_else(|| Error::unavailable("The system has no randomness to give."))
}

impl ChannelChange {
    pub(super) fn checked(
        self,
        kind: Kind,
        guard: &Guard,
    ) -> Result<(ChannelPatch, Option<Secret>), Error> {
        let mut wrong = Wrong::default();
        let other = "is not of this kind of channel";
        wrong.check(self.name.as_deref().is_none_or(is_name), "name", NAME_RULE);
        wrong.check(self.to.is_none() || kind == Kind::Email, "to", other);
        let has_url = matches!(kind, Kind::Webhook | Kind::Slack);
        wrong.check(self.url.is_none() || has_url, "url", other);
        wrong.check(self.secret.is_none() || kind == Kind::Webhook, "secret", other);
        wrong.check(self.mqtt.is_none() || kind == Kind::Mqtt, "mqtt", other);
        wrong.check(self.password.is_none() || kind == Kind::Mqtt, "password", other);
        let mut patch =
            ChannelPatch { name: self.name, enabled: self.enabled, ..ChannelPatch::default() };
        if let Some(to) = self.to {
            wrong.receivers(&to);
            patch.to = Some(to);
        }
        if let Some(url) = self.url {
            let host = wrong.host(&url, guard);
            patch.url = Some((url.into(), host));
        }
        patch.password = self.password.map(|password| password.map(Secret::from));
        if let Some(mqtt) = self.mqtt {
            let (broker, password) = wrong.broker(mqtt, guard);
            patch.broker = Some(broker);
            if password.is_some() {
                patch.password = Some(password);
            }
        }
        let mut key = None;
        patch.keys = match self.secret {
            None => Keys::Stay,
            Some(KeyChange::Finish) => Keys::Finish,
            Some(KeyChange::Exchange) => {
                let fresh = fresh_key()?;
                key = Some(fresh.clone());
                Keys::Exchange(fresh)
            }
        };
        wrong.end()?;
        Ok((patch, key))
    }
}
