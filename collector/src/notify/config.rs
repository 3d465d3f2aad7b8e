//! `[notify]` of the collector's file: the mail server, and where else channels may go. Both are the
//! administrator's alone: tenants write channels.

use std::io;
use std::path::PathBuf;

use farwatch_common::config::Problem;
use farwatch_common::secret::Secret;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use super::guard::{Allowed, Network};
use super::settings::is_receiver;

/// Networks that a file may name.
pub const ALLOW_MAX: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notify {
    /// Without it there is no mail.
    pub smtp: Option<Smtp>,
    /// PEM: roots that channels and the mail server are trusted by, besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Networks besides the public internet that webhooks and brokers may be in.
    pub allow: Vec<Allow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    #[serde(default)]
    pub encryption: Encryption,
    /// Whom mail comes from, as in `Farwatch <farwatch@example.net>`.
    pub from: String,
    #[serde(default)]
    pub user: Option<String>,
    /// Holds the password of `user`.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// TLS after a greeting, usually at port 587; without it nothing is sent.
    #[default]
    Starttls,
    /// TLS from the first byte, usually at port 465.
    Tls,
    /// For a server on this machine.
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allow {
    /// `10.1.2.0/24`, or one address.
    pub network: String,
    /// Empty: 443 and 8443, for brokers 8883 too.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Also without TLS.
    #[serde(default)]
    pub plain: bool,
}

/// Why a file of `[notify]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NotifyConfigError {
    #[error("cannot read {path}, which {key} names")]
    Read { key: &'static str, path: PathBuf, source: io::Error },
    #[error("{path}, which notify.ca_file names, holds no certificate in PEM")]
    Certificate { path: PathBuf },
    #[error("{path} is empty: write the password of notify.smtp.user to it")]
    Password { path: PathBuf },
}

impl Notify {
    /// What the guard lets out besides; what cannot be read is a problem of [`Self::problems`].
    #[must_use]
    pub fn allowed(&self) -> Vec<Allowed> {
        let one = |allow: &Allow| {
            let network = Network::read(&allow.network)?;
            Some(Allowed { network, ports: allow.ports.clone(), plain: allow.plain })
        };
        self.allow.iter().filter_map(one).collect()
    }

    /// The roots of `ca_file` as they are in it.
    pub fn roots_pem(&self) -> Result<Option<Vec<u8>>, NotifyConfigError> {
        let Some(path) = &self.ca_file else { return Ok(None) };
        let read =
            |source| NotifyConfigError::Read { key: "notify.ca_file", path: path.clone(), source };
        std::fs::read(path).map(Some).map_err(read)
    }

    /// The same, taken apart.
    pub fn roots(&self) -> Result<Vec<CertificateDer<'static>>, NotifyConfigError> {
        let (Some(pem), Some(path)) = (self.roots_pem()?, &self.ca_file) else {
            return Ok(Vec::new());
        };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match found {
            Ok(roots) if !roots.is_empty() => Ok(roots),
            _ => Err(NotifyConfigError::Certificate { path: path.clone() }),
        }
    }

    pub fn smtp_password(&self) -> Result<Option<Secret>, NotifyConfigError> {
        let Some(path) = self.smtp.as_ref().and_then(|smtp| smtp.password_file.as_ref()) else {
            return Ok(None);
        };
        let read = |source| NotifyConfigError::Read {
            key: "notify.smtp.password_file",
            path: path.clone(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(read)?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(NotifyConfigError::Password { path: path.clone() }),
            password => Ok(Some(Secret::from(password))),
        }
    }

    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut check = |sound: bool, key: &str, message: &str| {
            if !sound {
                problems.push(Problem::new(key, message));
            }
        };
        check(
            self.allow.iter().all(|allow| Network::read(&allow.network).is_some()),
            "notify.allow",
            "each network must be an address or like 10.1.2.0/24",
        );
        check(self.allow.len() <= ALLOW_MAX, "notify.allow", "at most 100 networks are allowed");
        if let Some(smtp) = &self.smtp {
            check(
                !smtp.host.is_empty() && smtp.port != 0,
                "notify.smtp.host",
                "name the mail server and its port, usually 587",
            );
            let from = smtp.from.parse::<lettre::message::Mailbox>();
            check(
                from.is_ok_and(|from| is_receiver(from.email.as_ref())),
                "notify.smtp.from",
                "must be an address of mail, like Farwatch <farwatch@example.net>",
            );
            check(
                smtp.user.is_some() == smtp.password_file.is_some(),
                "notify.smtp",
                "user and password_file belong together: give both or none",
            );
            check(
                smtp.encryption != Encryption::None || smtp.user.is_none(),
                "notify.smtp.encryption",
                "a password is not sent without TLS: choose starttls or tls, or take user out",
            );
        }
        problems
    }
}
