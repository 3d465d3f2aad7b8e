//! The credential of `farwatch-agent probe`, from files: secrets are never arguments.

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use farwatch_proto::v1 as proto;
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};
use serde::Deserialize;
use std::path::PathBuf;

use super::secret_file;
use crate::poll::{Access, SnmpVersion, credential};

const USER_FILE_HELP: &str = "\
File with a user of SNMPv3, or - for standard input. TOML or JSON:

  name = \"watch\"
  auth = \"sha256\"            # md5, sha1, sha224, sha256, sha384 or sha512
  auth_password = \"...\"      # 8 octets or more
  privacy = \"aes128\"         # des, aes128, aes192, aes256, aes192_cisco or aes256_cisco
  privacy_password = \"...\"
  context = \"\"               # all but the name may be left out";

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Files {
    /// File with the SNMP community, or - for standard input
    #[arg(long, value_name = "FILE")]
    community_file: Option<PathBuf>,
    /// File with a user of SNMPv3, or - for standard input (see --help)
    #[arg(long, value_name = "FILE", long_help = USER_FILE_HELP, conflicts_with = "snmp_version")]
    user_file: Option<PathBuf>,
}

/// What to ask with.
#[derive(Debug, Args)]
pub(super) struct CredentialArgs {
    #[command(flatten)]
    files: Files,
    /// SNMP version for the community
    #[arg(
        long = "version",
        id = "snmp_version",
        value_name = "VERSION",
        value_enum,
        default_value = "v2c"
    )]
    version: Version,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Version {
    V1,
    V2c,
}

impl CredentialArgs {
    pub(super) fn read(&self) -> anyhow::Result<Access> {
        if let Some(path) = &self.files.community_file {
            let version = match self.version {
                Version::V1 => SnmpVersion::V1,
                Version::V2c => SnmpVersion::V2c,
            };
            return Ok(Access::Community { version, community: secret_file(path)? });
        }
        let path = self.files.user_file.as_ref().context("there is no credential")?;
        let bytes = secret_file(path)?;
        let text = str::from_utf8(bytes.expose()).context("the user file is not text")?;
        user(text)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct UserFile {
    name: String,
    auth: String,
    auth_password: String,
    privacy: String,
    privacy_password: String,
    context: String,
}

/// Errors show nothing of the text: what is wrong with it may be that a password stands elsewhere.
fn user(text: &str) -> anyhow::Result<Access> {
    let read: Option<UserFile> = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).ok()
    } else {
        toml::from_str(text).ok()
    };
    let Some(file) = read else {
        bail!("the user file is not as `farwatch-agent probe --help` says");
    };
    let auth = match file.auth.as_str() {
        "" => SnmpAuth::None,
        "md5" => SnmpAuth::Md5,
        "sha1" => SnmpAuth::Sha1,
        "sha224" => SnmpAuth::Sha224,
        "sha256" => SnmpAuth::Sha256,
        "sha384" => SnmpAuth::Sha384,
        "sha512" => SnmpAuth::Sha512,
        _ => bail!("auth is none of md5, sha1, sha224, sha256, sha384 and sha512"),
    };
    let privacy = match file.privacy.replace('-', "_").as_str() {
        "" => SnmpPrivacy::None,
        "des" => SnmpPrivacy::Des,
        "aes128" => SnmpPrivacy::Aes128,
        "aes192" => SnmpPrivacy::Aes192,
        "aes256" => SnmpPrivacy::Aes256,
        "aes192_cisco" => SnmpPrivacy::Aes192Cisco,
        "aes256_cisco" => SnmpPrivacy::Aes256Cisco,
        _ => bail!("privacy is none of des, aes128, aes192, aes256, aes192_cisco and aes256_cisco"),
    };
    let user = proto::SnmpUser {
        name: file.name.into_bytes(),
        auth: auth as i32,
        auth_password: file.auth_password.into_bytes(),
        privacy: privacy as i32,
        privacy_password: file.privacy_password.into_bytes(),
        context: file.context.into_bytes(),
    };
    credential::access(None, Some(&user)).map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use farwatch_common::secret::Secret;

    use super::*;
    use crate::poll::SnmpUser;

    #[test]
    fn a_user_is_read_from_toml_and_from_json() {
        let wanted = Access::User(SnmpUser {
            name: b"watch".to_vec(),
            auth: Some((SnmpAuth::Sha256, Secret::from("canary-auth"))),
            privacy: Some((SnmpPrivacy::Aes256Cisco, Secret::from("canary-priv"))),
            context: b"vrf".to_vec(),
        });
        let toml = "name = \"watch\"\nauth = \"sha256\"\nauth_password = \"canary-auth\"\n\
                    privacy = \"aes256-cisco\"\nprivacy_password = \"canary-priv\"\n\
                    context = \"vrf\"";
        assert_eq!(user(toml).unwrap(), wanted);
        let json = r#" {"name": "watch", "auth": "sha256", "auth_password": "canary-auth",
            "privacy": "aes256_cisco", "privacy_password": "canary-priv", "context": "vrf"}"#;
        assert_eq!(user(json).unwrap(), wanted);
        let Access::User(open) = user("name = \"open\"").unwrap() else { panic!() };
        assert_eq!((open.auth, open.privacy, open.context), (None, None, Vec::new()));
    }

    #[test]
    fn a_bad_user_is_refused_without_a_word_of_it() {
        for text in [
            "name = \"watch\"\nauth = \"canary-1\"",
            "name = \"watch\"\nprivacy = \"canary-1\"",
            "name = \"watch\"\nauth_password = \"canary-1\"",
            "name = \"watch\"\nauth = \"md5\"\nauth_password = \"canary\"",
            "name = \"watch\"\ncanary = 1",
            "name = \"watch\"\nauth_password = canary-1",
            "{\"name\": \"watch\", \"auth_password\": canary}",
        ] {
            let error = format!("{:#}", user(text).unwrap_err());
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
