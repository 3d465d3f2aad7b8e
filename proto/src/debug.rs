//! What logs and panics may show of messages with secrets: all but those.

use std::fmt::{Debug, Formatter, Result};

use crate::v1::{EnrollRequest, SnapshotPart, SnmpCommunity, SnmpUser, SshLogin};

/// Stands for a secret. That there is none may be what somebody looks for.
struct Hidden(bool);

impl Hidden {
    fn of(secret: &[u8]) -> Self {
        Self(!secret.is_empty())
    }
}

impl Debug for Hidden {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.0 { "…" } else { "-" })
    }
}

impl Debug for EnrollRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("EnrollRequest")
            .field("token_id", &self.token_id)
            .field("token_secret", &Hidden::of(&self.token_secret))
            .field("csr_bytes", &self.csr.len())
            .field("agent_version", &self.agent_version)
            .field("platform", &self.platform)
            .field("host_name", &self.host_name)
            .finish()
    }
}

impl Debug for SnmpCommunity {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("SnmpCommunity")
            .field("version", &self.version())
            .field("community", &Hidden::of(&self.community))
            .finish()
    }
}

impl Debug for SnmpUser {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("SnmpUser")
            .field("name", &String::from_utf8_lossy(&self.name))
            .field("auth", &self.auth())
            .field("auth_password", &Hidden::of(&self.auth_password))
            .field("privacy", &self.privacy())
            .field("privacy_password", &Hidden::of(&self.privacy_password))
            .field("context", &String::from_utf8_lossy(&self.context))
            .finish()
    }
}

impl Debug for SshLogin {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("SshLogin")
            .field("user", &self.user)
            .field("password", &Hidden::of(&self.password))
            .field("private_key", &Hidden::of(&self.private_key))
            .field("enable", &Hidden::of(&self.enable))
            .finish()
    }
}

impl Debug for SnapshotPart {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.debug_struct("SnapshotPart")
            .field("job_id", &self.job_id)
            .field("bytes", &self.bytes)
            .field("offset", &self.offset)
            .field("data_bytes", &self.data.len())
            .field("key", &Hidden::of(&self.key))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::v1::{
        Assignment, Command, CredentialCandidate, DeviceAssignment, FetchConfig, FindCredential,
        command,
    };

    const CANARY: &[u8] = b"canary-of-debug";

    fn user() -> SnmpUser {
        let secret = CANARY.to_vec();
        let (auth_password, privacy_password) = (secret.clone(), secret);
        SnmpUser { name: b"ops".to_vec(), auth_password, privacy_password, ..SnmpUser::default() }
    }

    #[track_caller]
    fn check(message: &dyn Debug, shown: &str) {
        for text in [format!("{message:?}"), format!("{message:#?}")] {
            let bytes = format!("{CANARY:?}");
            let secret = String::from_utf8_lossy(CANARY);
            let listed: String = text.split_whitespace().collect();
            let is_listed = listed.contains(bytes.replace(' ', "").trim_matches(['[', ']']));
            assert!(!text.contains(&*secret) && !is_listed, "{text}");
            assert!(text.contains(shown), "{text}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let community = SnmpCommunity { version: 2, community: CANARY.to_vec() };
        let device = DeviceAssignment {
            device_id: 7,
            snmp: Some(community.clone()),
            snmp_user: Some(user()),
            ..DeviceAssignment::default()
        };
        check(&Assignment { revision: 4711, devices: vec![device] }, "4711");
        let candidate =
            CredentialCandidate { id: 9, community: Some(community), user: Some(user()) };
        let (host, candidates) = ("core".into(), vec![candidate]);
        let find = FindCredential { host, port: 161, candidates, strict_source: false };
        let kind = Some(command::Kind::FindCredential(find));
        check(&Command { kind, ..Command::default() }, "ops");
        let secret = CANARY.to_vec();
        let (password, private_key, enable) = (secret.clone(), secret.clone(), secret.clone());
        let login = Some(SshLogin { user: "ada".into(), password, private_key, enable });
        let kind = Some(command::Kind::FetchConfig(FetchConfig { login, ..Default::default() }));
        check(&Command { kind, ..Command::default() }, "ada");
        let (data, key) = (secret.clone(), secret);
        check(&SnapshotPart { job_id: 4712, data, key, ..SnapshotPart::default() }, "4712");
        let token_secret = CANARY.to_vec();
        let host_name = "depot".to_owned();
        check(&EnrollRequest { token_secret, host_name, ..EnrollRequest::default() }, "depot");
        assert!(format!("{:?}", SnmpCommunity::default()).contains("community: -"));
    }

    /// A field that comes later and is called like a secret must be one that this file knows.
    #[test]
    fn every_secret_of_the_protocol_is_known() {
        let files = FileDescriptorSet::decode(crate::FILE_DESCRIPTORS).unwrap();
        let mut found = Vec::new();
        for message in files.file.iter().flat_map(|file| &file.message_type) {
            for field in message.field.iter().filter(|field| {
                // A message is as secret as its own fields.
                field.type_name.is_none()
                    && ["password", "secret", "community", "passphrase", "private"]
                        .iter()
                        .any(|word| field.name().contains(word))
            }) {
                found.push(format!("{}.{}", message.name(), field.name()));
            }
        }
        found.sort_unstable();
        let known = [
            "EnrollRequest.token_secret",
            "SnmpCommunity.community",
            "SnmpUser.auth_password",
            "SnmpUser.privacy_password",
            "SshLogin.password",
            "SshLogin.private_key",
        ];
        assert_eq!(found, known);
    }
}
