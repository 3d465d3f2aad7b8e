//! Core: the sorts of credentials that are kept, for SNMP or to log in by SSH. Neither is ever taken
//! for the other.

use farwatch_common::secret::Secret;

use super::snmp;
use super::ssh::{self, Login};

/// Which sort of credential a row holds; the names are those of the database and the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Snmp(snmp::Kind),
    Login,
}

impl Kind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Snmp(kind) => kind.name(),
            Self::Login => ssh::KIND,
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == ssh::KIND {
            return Some(Self::Login);
        }
        snmp::Kind::from_name(name).map(Self::Snmp)
    }
}

/// What is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Snmp(snmp::Credential),
    Login(Login),
}

impl Credential {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Snmp(credential) => Kind::Snmp(credential.kind()),
            Self::Login(_) => Kind::Login,
        }
    }

    /// What is no secret of it, as JSON; `None`: all of it is.
    #[must_use]
    pub fn about(&self) -> Option<String> {
        match self {
            Self::Snmp(credential) => credential.about(),
            Self::Login(login) => serde_json::to_string(&login.about()).ok(),
        }
    }

    /// What is sealed.
    #[must_use]
    pub fn plain(&self) -> Secret {
        match self {
            Self::Snmp(credential) => credential.plain(),
            Self::Login(login) => login.plain(),
        }
    }

    /// What [`Credential::plain`] gave; `None` if this is something else.
    #[must_use]
    pub fn read(kind: Kind, plain: Secret) -> Option<Self> {
        match kind {
            Kind::Snmp(kind) => snmp::Credential::read(kind, plain).map(Self::Snmp),
            Kind::Login => Login::read(&plain).map(Self::Login),
        }
    }

    #[must_use]
    pub fn into_snmp(self) -> Option<snmp::Credential> {
        match self {
            Self::Snmp(credential) => Some(credential),
            Self::Login(_) => None,
        }
    }

    #[must_use]
    pub fn into_login(self) -> Option<Login> {
        match self {
            Self::Snmp(_) => None,
            Self::Login(login) => Some(login),
        }
    }
}

impl From<snmp::Credential> for Credential {
    fn from(credential: snmp::Credential) -> Self {
        Self::Snmp(credential)
    }
}

impl From<Login> for Credential {
    fn from(login: Login) -> Self {
        Self::Login(login)
    }
}

/// What may be shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    User(snmp::About),
    Login(ssh::About),
}

impl About {
    /// As [`Credential::about`] wrote it.
    #[must_use]
    pub fn read(kind: Kind, text: &str) -> Option<Self> {
        match kind {
            Kind::Snmp(_) => snmp::About::read(text).map(Self::User),
            Kind::Login => ssh::About::read(text).map(Self::Login),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read_as_what_it_is() {
        let login = Login {
            user: "backup".to_owned(),
            password: Some("maplesyrup".into()),
            private_key: None,
            enable: None,
        };
        let all: [Credential; 2] = [snmp::Credential::from("public").into(), login.into()];
        for credential in all {
            let kind = credential.kind();
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(Credential::read(kind, credential.plain()), Some(credential.clone()));
            assert_eq!(credential.clone().into_snmp().is_some(), credential.into_login().is_none());
        }
        assert_eq!(Kind::from_name("telnet"), None);
        assert_eq!(snmp::Kind::from_name("ssh_login"), None);
    }
}
