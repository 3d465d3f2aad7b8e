//! SNMPv3 against Debian's snmpd: every pair of protocols it has, and every way to be wrong.

use std::net::SocketAddr;
use std::time::Duration;

use farwatch_agent::poll::{Access, SnmpUser, SnmpVersion, Target};
use farwatch_common::sample::{Cause, Group, Row};
use farwatch_common::secret::Secret;
use farwatch_proto::v1::{SnmpAuth, SnmpPrivacy};
use farwatch_support::snmpd::{COMMUNITY, Snmpd};

use super::faults::{start, target};
use super::snmpd::lies_between;
use crate::snmpd::program;

const AUTH_PASSWORD: &str = "tests-only-auth";
const PRIVACY_PASSWORD: &str = "tests-only-priv";

/// With the names snmpd has for them.
const AUTHS: [(SnmpAuth, &str); 6] = [
    (SnmpAuth::Md5, "MD5"),
    (SnmpAuth::Sha1, "SHA"),
    (SnmpAuth::Sha224, "SHA-224"),
    (SnmpAuth::Sha256, "SHA-256"),
    (SnmpAuth::Sha384, "SHA-384"),
    (SnmpAuth::Sha512, "SHA-512"),
];
const PRIVACIES: [(SnmpPrivacy, &str); 6] = [
    (SnmpPrivacy::Des, "DES"),
    (SnmpPrivacy::Aes128, "AES"),
    (SnmpPrivacy::Aes192, "AES-192"),
    (SnmpPrivacy::Aes256, "AES-256"),
    (SnmpPrivacy::Aes192Cisco, "AES192C"),
    (SnmpPrivacy::Aes256Cisco, "AES256C"),
];

fn user(name: &str, auth: Option<SnmpAuth>, privacy: Option<SnmpPrivacy>) -> SnmpUser {
    SnmpUser {
        name: name.as_bytes().to_vec(),
        auth: auth.map(|auth| (auth, Secret::from(AUTH_PASSWORD))),
        privacy: privacy.map(|privacy| (privacy, Secret::from(PRIVACY_PASSWORD))),
        context: Vec::new(),
    }
}

fn asked_by(device: i64, address: SocketAddr, user: SnmpUser) -> Target {
    Target { access: Access::User(user), ..target(device, address, SnmpVersion::V2c, "") }
}

/// All users with authentication, and the lines that make them.
fn pairs() -> (Vec<SnmpUser>, String) {
    let mut users = Vec::new();
    let mut lines = String::new();
    for (auth, auth_name) in AUTHS {
        for (privacy, privacy_name) in PRIVACIES {
            let name = format!("{auth_name}-{privacy_name}");
            lines += &format!(
                "createUser {name} {auth_name} {AUTH_PASSWORD} {privacy_name} {PRIVACY_PASSWORD}\n\
                 rouser {name} priv\n"
            );
            users.push(user(&name, Some(auth), Some(privacy)));
        }
        lines += &format!(
            "createUser {auth_name} {auth_name} {AUTH_PASSWORD}\nrouser {auth_name} auth\n"
        );
        users.push(user(auth_name, Some(auth), None));
    }
    lines += "createUser open\nrouser open noauth\n";
    users.push(user("open", None, None));
    (users, lines)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_pair_of_protocols_is_polled() {
    let Some(program) = program() else { return };
    let (users, lines) = pairs();
    let snmpd = Snmpd::start_with(program, &lines).await.unwrap();
    let targets: Vec<Target> =
        (1..).zip(&users).map(|(id, user)| asked_by(id, snmpd.address, user.clone())).collect();
    let mut polling = start(targets, 4096);
    for (id, user) in (1..).zip(&users) {
        let row = polling
            .row(|row| row.device.0 == id && row.group == Group::Interfaces)
            .await;
        let name = String::from_utf8_lossy(&user.name);
        assert_eq!(row.cause, None, "{name}");
        assert!(row.values.len() >= 14, "{name}");
    }
}
