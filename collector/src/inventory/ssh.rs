//! Core: who logs in by SSH, and with what. What is sealed of it, and what may be shown.

use data_encoding::BASE64;
use farwatch_common::secret::Secret;
use farwatch_proto::v1 as proto;
use prost::Message as _;
use serde::{Deserialize, Serialize};

/// In the database and the API.
pub const KIND: &str = "ssh_login";
pub const USER_BYTES_MAX: usize = 255;
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// An RSA key of 16384 bits has 13 KB.
pub const PRIVATE_KEY_BYTES_MAX: usize = 16 * 1024;

/// A user of a device: with a password, a private key, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: Option<Secret>,
    /// OpenSSH's form or PEM, without a passphrase.
    pub private_key: Option<Secret>,
    /// For `enable`, where it is another one than the password.
    pub enable: Option<Secret>,
}

/// What may be shown of a login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub user: String,
    pub has_password: bool,
    pub has_key: bool,
    pub has_enable: bool,
}

impl About {
    /// As it was written beside what is sealed.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Login {
    #[must_use]
    pub fn about(&self) -> About {
        About {
            user: self.user.clone(),
            has_password: self.password.is_some(),
            has_key: self.private_key.is_some(),
            has_enable: self.enable.is_some(),
        }
    }

    /// As it goes to an agent.
    #[must_use]
    pub fn message(&self) -> proto::SshLogin {
        let bytes = |secret: &Option<Secret>| {
            secret.as_ref().map_or_else(Vec::new, |secret| secret.expose().to_vec())
        };
        proto::SshLogin {
            user: self.user.clone(),
            password: bytes(&self.password),
            private_key: bytes(&self.private_key),
            enable: bytes(&self.enable),
        }
    }

    /// What is sealed.
    #[must_use]
    pub fn plain(&self) -> Secret {
        Secret::new(self.message().encode_to_vec())
    }

    /// What [`Login::plain`] gave; `None` if this is something else.
    #[must_use]
    pub fn read(plain: &Secret) -> Option<Self> {
        let message = proto::SshLogin::decode(plain.expose()).ok()?;
        let secret = |bytes: Vec<u8>| (!bytes.is_empty()).then(|| Secret::new(bytes));
        Some(Self {
            user: message.user,
            password: secret(message.password),
            private_key: secret(message.private_key),
            enable: secret(message.enable),
        })
    }
}

/// Why a text is no private key that can be used. Shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("must be at most {PRIVATE_KEY_BYTES_MAX} bytes")]
    Long,
    #[error("is a public key; give the private one, the file without .pub")]
    Public,
    #[error("is PuTTY's form; have PuTTYgen export it in OpenSSH's")]
    Putty,
    #[error("has a passphrase; take it away with `ssh-keygen -p -N ''` on a copy")]
    Passphrase,
    #[error(
        "is no private key: it begins with -----BEGIN OPENSSH PRIVATE KEY----- or another PRIVATE \
         KEY of RSA, EC or PKCS #8, and ends with its -----END line"
    )]
    Unknown,
}

/// Frames that an agent reads, and whether OpenSSH's own form is in it.
const FRAMES: [(&str, bool); 4] = [
    ("OPENSSH PRIVATE KEY", true),
    ("RSA PRIVATE KEY", false),
    ("EC PRIVATE KEY", false),
    ("PRIVATE KEY", false),
];

/// Whether a text can be a private key without a passphrase, as far as its frame tells (RFC 7468, and
/// PROTOCOL.key of OpenSSH); only the agent reads it.
pub fn check_private_key(text: &str) -> Result<(), KeyError> {
    if text.len() > PRIVATE_KEY_BYTES_MAX {
        return Err(KeyError::Long);
    }
    let mut lines = text.trim().lines().map(str::trim);
    let (first, last) = (lines.next().unwrap_or(""), lines.next_back().unwrap_or(""));
    if first.starts_with("PuTTY-User-Key-File") {
        return Err(KeyError::Putty);
    }
    let is_public = ["ssh-", "ecdsa-", "sk-"].iter().any(|begin| first.starts_with(begin));
    if is_public || first.ends_with("PUBLIC KEY-----") {
        return Err(KeyError::Public);
    }
    if first == "-----BEGIN ENCRYPTED PRIVATE KEY-----" {
        return Err(KeyError::Passphrase);
    }
    let framed = |label: &str| {
        first == format!("-----BEGIN {label}-----") && last == format!("-----END {label}-----")
    };
    let frame = FRAMES.iter().find(|(label, _)| framed(label)).ok_or(KeyError::Unknown)?;
    let body: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    if body.iter().any(|line| line.starts_with("Proc-Type:") && line.ends_with("ENCRYPTED")) {
        return Err(KeyError::Passphrase);
    }
    let bytes = BASE64.decode(body.concat().as_bytes()).map_err(|_| KeyError::Unknown)?;
    if frame.1 {
        check_openssh(&bytes)
    } else if bytes.is_empty() {
        Err(KeyError::Unknown)
    } else {
        Ok(())
    }
}

/// A magic word, then the name of the cipher as SSH writes strings: `none` is no passphrase.
fn check_openssh(bytes: &[u8]) -> Result<(), KeyError> {
    let rest = bytes.strip_prefix(b"openssh-key-v1\0").ok_or(KeyError::Unknown)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(KeyError::Unknown)?;
    let length = u32::from_be_bytes(*length) as usize;
    match rest.get(..length).ok_or(KeyError::Unknown)? {
        b"none" => Ok(()),
        _ => Err(KeyError::Passphrase),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            user: "backup".to_owned(),
            password: Some("maplesyrup".into()),
            private_key: Some("a-key".into()),
            enable: None,
        }
    }

    #[test]
    fn what_is_sealed_is_read_again_and_shows_no_secret() {
        let read = Login::read(&login().plain());
        assert_eq!(read, Some(login()));
        assert_eq!(Login::read(&Secret::new(vec![0xff; 9])), None);
        let about = serde_json::to_string(&login().about()).unwrap();
        let expected = r#"{"user":"backup","has_password":true,"has_key":true,"has_enable":false}"#;
        assert_eq!(about, expected);
        assert_eq!(About::read(&about), Some(login().about()));
        assert!(!format!("{:?}", login()).contains("maplesyrup"));
    }

    fn openssh(cipher: &str) -> String {
        let mut bytes = b"openssh-key-v1\0".to_vec();
        bytes.extend(u32::try_from(cipher.len()).unwrap().to_be_bytes());
        bytes.extend(cipher.as_bytes());
        bytes.extend([0; 90]);
        framed("OPENSSH PRIVATE KEY", &BASE64.encode(&bytes))
    }

    fn framed(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\r\n{body}\r\n-----END {label}-----\n")
    }

    #[test]
    fn a_key_is_told_from_what_is_none() {
        for key in [
            openssh("none"),
            framed("RSA PRIVATE KEY", "MIIB\nAAAA"),
            framed("PRIVATE KEY", "MIIB"),
            format!("\n{}\n", openssh("none")),
        ] {
            assert_eq!(check_private_key(&key), Ok(()), "{key}");
        }
        let proc_type = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB";
        for (text, error) in [
            (openssh("aes256-ctr"), KeyError::Passphrase),
            (framed("RSA PRIVATE KEY", proc_type), KeyError::Passphrase),
            (framed("ENCRYPTED PRIVATE KEY", "MIIB"), KeyError::Passphrase),
            ("ssh-ed25519 AAAAC3Nz somebody@here".to_owned(), KeyError::Public),
            (framed("PUBLIC KEY", "MIIB"), KeyError::Public),
            ("PuTTY-User-Key-File-3: ssh-ed25519".to_owned(), KeyError::Putty),
            (framed("CERTIFICATE", "MIIB"), KeyError::Unknown),
            (framed("PRIVATE KEY", "no base64!"), KeyError::Unknown),
            (framed("PRIVATE KEY", ""), KeyError::Unknown),
            (framed("OPENSSH PRIVATE KEY", "MIIB"), KeyError::Unknown),
            ("-----BEGIN PRIVATE KEY-----\nMIIB".to_owned(), KeyError::Unknown),
            (String::new(), KeyError::Unknown),
            ("A".repeat(PRIVATE_KEY_BYTES_MAX + 1), KeyError::Long),
        ] {
            assert_eq!(check_private_key(&text), Err(error), "{text}");
        }
    }
}
