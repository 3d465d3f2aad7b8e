//! Core: what a device is asked with over SNMP: a community, or a user of SNMPv3. What is sealed of
//! it, what may be shown of it, and how it goes to an agent.

use farwatch_common::secret::Secret;
use farwatch_proto::v1 as proto;
use prost::Message as _;
use serde::{Deserialize, Serialize};

/// RFC 3411, SnmpAdminString of usmUserSecurityName: octets.
pub const USER_NAME_BYTES_MAX: usize = 32;
/// RFC 3414, 11.2: shorter passwords are refused by devices.
pub const PASSWORD_BYTES_MIN: usize = 8;
pub const PASSWORD_BYTES_MAX: usize = 255;
/// RFC 3411, 3.3.1: contextName is 0 to 255 octets.
pub const CONTEXT_BYTES_MAX: usize = 255;

/// Which sort of credential a row holds; the names are those of the database and the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Community,
    User,
}

impl Kind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Community => "snmp_community",
            Self::User => "snmp_user",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Community, Self::User].into_iter().find(|kind| kind.name() == name)
    }

    /// Which one a device of this `snmp_version` takes.
    #[must_use]
    pub fn of_version(version: &str) -> Self {
        if version == "v3" { Self::User } else { Self::Community }
    }

    /// The version of a device of which nobody said another.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Community => "v2c",
            Self::User => "v3",
        }
    }
}

/// The number of an `snmp_version` on the wire to the agent.
#[must_use]
pub fn version_sent(text: &str) -> Option<proto::SnmpVersion> {
    match text {
        "v1" => Some(proto::SnmpVersion::V1),
        "v2c" => Some(proto::SnmpVersion::V2c),
        "v3" => Some(proto::SnmpVersion::V3),
        _ => None,
    }
}

/// What a device is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Community(Secret),
    User(User),
}

/// A user of SNMPv3 (RFC 3414).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    /// `None`: noAuthNoPriv.
    pub auth: Option<(proto::SnmpAuth, Secret)>,
    /// Only with `auth`.
    pub privacy: Option<(proto::SnmpPrivacy, Secret)>,
    /// contextName; empty is the default context.
    pub context: String,
}

/// What may be shown of a user; protocols by their names in the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub name: String,
    pub auth: String,
    pub privacy: String,
    pub context: String,
}

impl About {
    /// As [`Credential::about`] wrote it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// `SNMP_AUTH_SHA256` is `sha256` to people.
fn named(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}

impl User {
    #[must_use]
    pub fn about(&self) -> About {
        let auth = self.auth.as_ref().map_or(proto::SnmpAuth::None, |(protocol, _)| *protocol);
        let privacy =
            self.privacy.as_ref().map_or(proto::SnmpPrivacy::None, |(protocol, _)| *protocol);
        About {
            name: self.name.clone(),
            auth: named(auth.as_str_name(), "SNMP_AUTH_"),
            privacy: named(privacy.as_str_name(), "SNMP_PRIVACY_"),
            context: self.context.clone(),
        }
    }

    fn message(&self) -> proto::SnmpUser {
        let password = |secret: &Secret| secret.expose().to_vec();
        let mut message = proto::SnmpUser {
            name: self.name.clone().into_bytes(),
            context: self.context.clone().into_bytes(),
            ..proto::SnmpUser::default()
        };
        if let Some((protocol, secret)) = &self.auth {
            message.set_auth(*protocol);
            message.auth_password = password(secret);
        }
        if let Some((protocol, secret)) = &self.privacy {
            message.set_privacy(*protocol);
            message.privacy_password = password(secret);
        }
        message
    }

    fn read(message: proto::SnmpUser) -> Option<Self> {
        let auth = proto::SnmpAuth::try_from(message.auth).ok()?;
        let privacy = proto::SnmpPrivacy::try_from(message.privacy).ok()?;
        let auth = (auth != proto::SnmpAuth::None).then_some(auth);
        let privacy = (privacy != proto::SnmpPrivacy::None).then_some(privacy);
        Some(Self {
            name: String::from_utf8(message.name).ok()?,
            auth: auth.map(|auth| (auth, Secret::new(message.auth_password))),
            privacy: privacy.map(|privacy| (privacy, Secret::new(message.privacy_password))),
            context: String::from_utf8(message.context).ok()?,
        })
    }
}

impl Credential {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Community(_) => Kind::Community,
            Self::User(_) => Kind::User,
        }
    }

    /// What is no secret of it, as JSON; `None`: all of it is.
    #[must_use]
    pub fn about(&self) -> Option<String> {
        match self {
            Self::Community(_) => None,
            Self::User(user) => serde_json::to_string(&user.about()).ok(),
        }
    }

    /// What is sealed.
    #[must_use]
    pub fn plain(&self) -> Secret {
        match self {
            Self::Community(community) => community.clone(),
            Self::User(user) => Secret::new(user.message().encode_to_vec()),
        }
    }

    /// What [`Credential::plain`] gave; `None` if this is something else.
    #[must_use]
    pub fn read(kind: Kind, plain: Secret) -> Option<Self> {
        match kind {
            Kind::Community => Some(Self::Community(plain)),
            Kind::User => {
                let message = proto::SnmpUser::decode(plain.expose()).ok()?;
                User::read(message).map(Self::User)
            }
        }
    }

    /// The two fields that an agent is sent, of which one is set. `version` is that of a community.
    #[must_use]
    pub fn sent(
        &self,
        version: proto::SnmpVersion,
    ) -> (Option<proto::SnmpCommunity>, Option<proto::SnmpUser>) {
        match self {
            Self::Community(community) => {
                let (version, community) = (version.into(), community.expose().to_vec());
                (Some(proto::SnmpCommunity { version, community }), None)
            }
            Self::User(user) => (None, Some(user.message())),
        }
    }
}

impl From<&str> for Credential {
    fn from(community: &str) -> Self {
        Self::Community(community.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        User {
            name: "ops".to_owned(),
            auth: Some((proto::SnmpAuth::Sha256, "maplesyrup".into())),
            privacy: Some((proto::SnmpPrivacy::Aes256Cisco, "not-maplesyrup".into())),
            context: "vrf-7".to_owned(),
        }
    }

    #[test]
    fn what_is_sealed_is_read_again() {
        let bare = User { auth: None, privacy: None, context: String::new(), ..user() };
        for credential in [Credential::User(user()), Credential::User(bare), "public".into()] {
            let again = Credential::read(credential.kind(), credential.plain()).unwrap();
            assert_eq!(again, credential);
        }
        let damaged = [&[0xff; 9][..], &[0x10, 99], &[0x0a, 1, 0xff]];
        for bytes in damaged {
            assert_eq!(Credential::read(Kind::User, Secret::new(bytes.to_vec())), None);
        }
    }

    #[test]
    fn what_may_be_shown_holds_no_password() {
        let credential = Credential::User(user());
        let about = credential.about().unwrap();
        let expected =
            r#"{"name":"ops","auth":"sha256","privacy":"aes256_cisco","context":"vrf-7"}"#;
        assert_eq!(about, expected);
        assert_eq!(About::read(&about), Some(user().about()));
        assert!(!format!("{credential:?}").contains("maplesyrup"));
        assert_eq!(Credential::from("public").about(), None);
    }

    #[test]
    fn one_of_two_fields_is_sent() {
        let (community, user) = Credential::User(user()).sent(proto::SnmpVersion::V3);
        assert!(community.is_none());
        let user = user.unwrap();
        assert_eq!(
            (user.auth(), &user.auth_password[..]),
            (proto::SnmpAuth::Sha256, &b"maplesyrup"[..])
        );
        let (community, user) = Credential::from("public").sent(proto::SnmpVersion::V1);
        assert!(user.is_none());
        assert_eq!(community.unwrap().version(), proto::SnmpVersion::V1);
    }

    #[test]
    fn kinds_go_with_versions() {
        for (version, kind) in
            [("v1", Kind::Community), ("v2c", Kind::Community), ("v3", Kind::User)]
        {
            assert_eq!(Kind::of_version(version), kind);
            assert!(version_sent(version).is_some());
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("ssh_key"), None);
        assert_eq!(version_sent("v4"), None);
    }
}
