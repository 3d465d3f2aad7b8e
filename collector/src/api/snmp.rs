//! What clients say and see of SNMP credentials: a community, or a user of SNMPv3. No answer shows a
//! secret.

use farwatch_common::secret::Secret;
use farwatch_proto::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::FieldError;
use super::reply::{SnmpAuth, SnmpPrivacy, SnmpVersion};
use crate::inventory::snmp::{
    About, CONTEXT_BYTES_MAX, Credential, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN,
    USER_NAME_BYTES_MAX, User,
};

const COMMUNITY_BYTES_MAX: usize = 255;
const COMMUNITY_RULE: &str = "must be 1 to 255 bytes";
const USER_RULE: &str = "must be given: `name`, and `auth` and `privacy` with a password";
const USER_NAME_RULE: &str = "must be 1 to 32 bytes, without control characters";
const PASSWORD_RULE: &str = "must be 8 to 255 bytes";
const CONTEXT_RULE: &str = "must be at most 255 bytes, without control characters";

/// A user of SNMPv3. It is always given as a whole: nobody can read a password to send it again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSnmpUser {
    /// 1 to 32 bytes.
    pub(super) name: String,
    /// `none` if not given.
    pub(super) auth: Option<SnmpAuth>,
    /// 8 to 255 bytes, with any `auth` but `none`.
    #[schema(format = Password)]
    pub(super) auth_password: Option<String>,
    /// `none` if not given; any other needs an `auth`.
    pub(super) privacy: Option<SnmpPrivacy>,
    /// 8 to 255 bytes, with any `privacy` but `none`.
    #[schema(format = Password)]
    pub(super) privacy_password: Option<String>,
    /// contextName, 255 bytes at most; the default context if not given.
    pub(super) context: Option<String>,
}

/// What may be shown of a user of SNMPv3.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnmpUser {
    name: String,
    auth: SnmpAuth,
    privacy: SnmpPrivacy,
    /// Empty: the default context.
    context: String,
}

impl From<About> for SnmpUser {
    fn from(about: About) -> Self {
        Self {
            name: about.name,
            auth: SnmpAuth::from_name(&about.auth).unwrap_or(SnmpAuth::None),
            privacy: SnmpPrivacy::from_name(&about.privacy).unwrap_or(SnmpPrivacy::None),
            context: about.context,
        }
    }
}

/// What is wrong with the fields of a body, all of them at once.
#[derive(Default)]
pub(super) struct Wrong {
    /// Before the name of each field: `snmp.` and the like.
    within: String,
    pub(super) errors: Vec<FieldError>,
}

impl Wrong {
    pub(super) fn within(part: impl Into<String>) -> Self {
        Self { within: part.into(), errors: Vec::new() }
    }

    pub(super) fn tell(&mut self, field: &str, message: &str) {
        let field = format!("{}{field}", self.within);
        self.errors.push(FieldError { field, message: message.to_owned() });
    }

    /// The thing, if nothing is wrong.
    pub(super) fn or<T>(self, thing: T) -> Result<T, Vec<FieldError>> {
        if self.errors.is_empty() { Ok(thing) } else { Err(self.errors) }
    }

    /// A community or a user, which must be given and go with the version.
    pub(super) fn needed(
        mut self,
        version: SnmpVersion,
        community: Option<String>,
        user: Option<NewSnmpUser>,
    ) -> Result<Credential, Vec<FieldError>> {
        let credential = self.credential(Some(version), community, user);
        if credential.is_none() && self.errors.is_empty() {
            match version {
                SnmpVersion::V3 => self.tell("user", USER_RULE),
                SnmpVersion::V1 | SnmpVersion::V2c => self.tell("community", COMMUNITY_RULE),
            }
        }
        credential.ok_or(self.errors)
    }

    /// A community or a user, if one of them is given and goes with the version.
    pub(super) fn credential(
        &mut self,
        version: Option<SnmpVersion>,
        community: Option<String>,
        user: Option<NewSnmpUser>,
    ) -> Option<Credential> {
        let is_v3 = version.map(|version| version == SnmpVersion::V3);
        match (community, user) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                self.tell("user", "give either `community` or `user`");
                None
            }
            (Some(_), None) if is_v3 == Some(true) => {
                self.tell("community", "goes with v1 and v2c; v3 takes `user`");
                None
            }
            (Some(community), None) => self.community(community),
            (None, Some(_)) if is_v3 == Some(false) => {
                self.tell("user", "goes with v3; v1 and v2c take `community`");
                None
            }
            (None, Some(user)) => self.user(user),
        }
    }

    fn community(&mut self, text: String) -> Option<Credential> {
        if text.is_empty() || text.len() > COMMUNITY_BYTES_MAX {
            self.tell("community", COMMUNITY_RULE);
            return None;
        }
        Some(Credential::Community(text.into()))
    }

    fn user(&mut self, user: NewSnmpUser) -> Option<Credential> {
        let before = self.errors.len();
        let NewSnmpUser { name, auth, auth_password, privacy, privacy_password, context } = user;
        let shown = |text: &str| !text.chars().any(char::is_control);
        if name.is_empty() || name.len() > USER_NAME_BYTES_MAX || !shown(&name) {
            self.tell("user.name", USER_NAME_RULE);
        }
        let auth = auth.and_then(SnmpAuth::inside);
        let privacy = privacy.and_then(SnmpPrivacy::inside);
        if privacy.is_some() && auth.is_none() {
            self.tell("user.privacy", "needs an `auth` too: SNMPv3 has no privacy without it");
        }
        let auth = self.with_password(auth, ("auth", auth_password));
        let privacy = self.with_password(privacy, ("privacy", privacy_password));
        let context = context.unwrap_or_default();
        if context.len() > CONTEXT_BYTES_MAX || !shown(&context) {
            self.tell("user.context", CONTEXT_RULE);
        }
        let user = User { name, auth, privacy, context };
        (self.errors.len() == before).then_some(Credential::User(user))
    }

    fn with_password<P>(
        &mut self,
        protocol: Option<P>,
        (of, password): (&str, Option<String>),
    ) -> Option<(P, Secret)> {
        let field = format!("user.{of}_password");
        let Some(protocol) = protocol else {
            if password.is_some() {
                self.tell(&field, &format!("goes with an `{of}` that is not none"));
            }
            return None;
        };
        let range = PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX;
        let Some(password) = password.filter(|text| range.contains(&text.len())) else {
            self.tell(&field, PASSWORD_RULE);
            return None;
        };
        Some((protocol, password.into()))
    }
}

impl SnmpAuth {
    fn inside(self) -> Option<proto::SnmpAuth> {
        match self {
            Self::None => None,
            Self::Md5 => Some(proto::SnmpAuth::Md5),
            Self::Sha1 => Some(proto::SnmpAuth::Sha1),
            Self::Sha224 => Some(proto::SnmpAuth::Sha224),
            Self::Sha256 => Some(proto::SnmpAuth::Sha256),
            Self::Sha384 => Some(proto::SnmpAuth::Sha384),
            Self::Sha512 => Some(proto::SnmpAuth::Sha512),
        }
    }
}

impl SnmpPrivacy {
    fn inside(self) -> Option<proto::SnmpPrivacy> {
        match self {
            Self::None => None,
            Self::Des => Some(proto::SnmpPrivacy::Des),
            Self::Aes128 => Some(proto::SnmpPrivacy::Aes128),
            Self::Aes192 => Some(proto::SnmpPrivacy::Aes192),
            Self::Aes256 => Some(proto::SnmpPrivacy::Aes256),
            Self::Aes192Cisco => Some(proto::SnmpPrivacy::Aes192Cisco),
            Self::Aes256Cisco => Some(proto::SnmpPrivacy::Aes256Cisco),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which fields of a user are refused.
    fn refused(version: Option<SnmpVersion>, user: serde_json::Value) -> Vec<String> {
        let user = serde_json::from_value(user).unwrap();
        let mut wrong = Wrong::within("snmp.");
        let credential = wrong.credential(version, None, Some(user));
        assert_eq!(credential.is_some(), wrong.errors.is_empty());
        wrong.errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn users_at_their_limits() {
        let password = |length: usize| "p".repeat(length);
        let v3 = Some(SnmpVersion::V3);
        for (name, length, context) in [(1, 8, 0), (32, 255, 255)] {
            let user = serde_json::json!({
                "name": "n".repeat(name), "context": "c".repeat(context),
                "auth": "sha512", "auth_password": password(length),
                "privacy": "aes256_cisco", "privacy_password": password(length),
            });
            assert_eq!(refused(v3, user), Vec::<String>::new());
        }
        for (name, length, context) in [(0, 7, 256), (33, 256, 256)] {
            let user = serde_json::json!({
                "name": "n".repeat(name), "context": "c".repeat(context),
                "auth": "md5", "auth_password": password(length),
                "privacy": "des", "privacy_password": password(length),
            });
            let fields = ["name", "auth_password", "privacy_password", "context"];
            assert_eq!(refused(None, user), fields.map(|field| format!("snmp.user.{field}")));
        }
    }

    #[test]
    fn passwords_go_with_protocols_and_users_with_v3() {
        let bare = serde_json::json!({ "name": "ops" });
        assert!(refused(Some(SnmpVersion::V3), bare.clone()).is_empty());
        assert_eq!(refused(Some(SnmpVersion::V2c), bare), ["snmp.user"]);
        let user = serde_json::json!({ "name": "ops", "auth_password": "12345678",
                                       "privacy": "aes128", "privacy_password": "12345678" });
        assert_eq!(refused(None, user), ["snmp.user.privacy", "snmp.user.auth_password"]);
        let user = serde_json::json!({ "name": "ops", "auth": "sha1" });
        assert_eq!(refused(None, user), ["snmp.user.auth_password"]);
        let mut wrong = Wrong::default();
        assert!(wrong.credential(Some(SnmpVersion::V3), Some("public".into()), None).is_none());
        assert_eq!(wrong.errors[0].field, "community");
    }
}
