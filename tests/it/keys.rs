//! `key rotate` is killed at random moments while the collector serves: every credential still
//! reaches its agent, before and after the next run that takes it up, and people still sign in.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use farwatch_agent::identity::Credentials;
use farwatch_support::http::Client;
use farwatch_support::postgres::Durability;
use farwatch_support::process::binary;
use farwatch_support::stack::{Collector, EMAIL, PASSWORD};
use serde_json::{Value, json};

use crate::postgres::installed;
use crate::totp::Authenticator;
use crate::wire::{Wire, enrolled};

/// Kills of each rotation.
const ROUNDS: usize = 10;
const ROUNDS_ON_POSTGRES: usize = 5;
/// With a credential of their own; one more gets that of a profile.
const DEVICES: usize = 30;
const OF_PROFILE: &str = "192.0.2.250";

/// What agents are told: the community of each address.
type Communities = BTreeMap<String, String>;

struct World {
    collector: Collector,
    url: Option<String>,
    credentials: Credentials,
    expected: Communities,
    authenticator: Authenticator,
    _dir: tempfile::TempDir,
}

#[tokio::test]
async fn rotations_that_are_killed_lose_no_credential_on_sqlite() {
    killed(World::start(None).await, ROUNDS).await;
}

#[tokio::test]
async fn rotations_that_are_killed_lose_no_credential_on_postgresql() {
    let Some((_cluster, url)) = installed(Durability::Lost).await else { return };
    killed(World::start(Some(url)).await, ROUNDS_ON_POSTGRES).await;
}

async fn killed(mut world: World, rounds: usize) {
    for which in [&["--tenant", "Acme"][..], &["--master"]] {
        let begun = Instant::now();
        world.rotate(which);
        let mut whole = begun.elapsed();
        let mut kills = 0;
        for round in 0..rounds {
            let moment = whole.mul_f64(rand::random_range(0.0..1.0));
            let mut rotation = world.begin(which);
            tokio::time::sleep(moment).await;
            rotation.kill().unwrap();
            if rotation.wait().unwrap().code().is_none() {
                kills += 1;
            } else {
                // It was faster than the first.
                whole = whole.min(moment);
            }
            let what = format!("{which:?}, round {round}, after {moment:?} of {whole:?}");
            world.all_arrive(&format!("{what}, killed")).await;
            world.rotate(which);
            world.all_arrive(&format!("{what}, taken up")).await;
        }
        assert!(kills > 0, "no rotation of {rounds} was killed before its end");
        println!("{which:?}: {kills} of {rounds} rotations killed");
        world.sign_in().await;
    }
    assert!(!world.collector.data_dir.join("master.key.old").exists());
    // With nothing that the process remembers.
    world.collector.restart().await;
    world.all_arrive("after a restart").await;
}

impl World {
    async fn start(url: Option<String>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = dir.path().join("collector");
        let collector = Collector::start_on(&data_dir, url.clone()).await;
        let credentials = enrolled(&collector, &dir.path().join("agent")).await;
        let client = collector.client().await;
        let expected = devices(&client, &credentials).await;
        let authenticator = second_factor(&client).await;
        Self { collector, url, credentials, expected, authenticator, _dir: dir }
    }

    fn command(&self, which: &[&str]) -> Command {
        let mut command = Command::new(binary("farwatch-collector"));
        command.args(["key", "rotate"]).args(which).arg("--data-dir").arg(&self.collector.data_dir);
        if let Some(url) = &self.url {
            command.args(["--database-url", url]);
        }
        command.stdin(Stdio::null());
        command
    }

    fn begin(&self, which: &[&str]) -> Child {
        self.command(which).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// To its end.
    fn rotate(&self, which: &[&str]) {
        let done = self.command(which).output().unwrap();
        assert!(done.status.success(), "{which:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// An agent that connects is told all at once.
    async fn all_arrive(&self, when: &str) {
        let wire = Wire::dial(&self.collector, &self.credentials).await;
        let devices = wire.assignments().next().await.devices;
        let told = |device: farwatch_proto::v1::DeviceAssignment| {
            let community = device.snmp.unwrap().community;
            (device.host, String::from_utf8(community).unwrap())
        };
        let told: Communities = devices.into_iter().map(told).collect();
        let missing: Vec<_> =
            self.expected.iter().filter(|(host, text)| told.get(*host) != Some(*text)).collect();
        assert!(missing.is_empty() && told.len() == self.expected.len(), "{when}: {missing:?}");
    }

    async fn sign_in(&mut self) {
        let code = self.authenticator.code();
        let body = json!({ "email": EMAIL, "password": PASSWORD, "totp": code });
        let answer = Client::new(self.collector.http).post("/api/v1/login", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Devices with communities of their own, and one that is asked with that of a profile.
async fn devices(client: &Client, credentials: &Credentials) -> Communities {
    let profile = json!({
        "tenant": credentials.tenant.to_string(), "name": "Usual", "kind": "snmp_community",
        "community": "community-of-the-profile",
    });
    client.post("/api/v1/credential-profiles", &profile).await.data();
    let mut expected = Communities::new();
    let add = async |address: &str, community: &str| {
        let body = json!({
            "agent": credentials.agent.to_string(), "address": address, "interval_s": 3600,
            "snmp": { "version": "v2c", "community": community },
        });
        client.post("/api/v1/devices", &body).await.data()["id"].clone()
    };
    for number in 0..DEVICES {
        let (address, community) = (format!("192.0.2.{number}"), format!("community-{number}"));
        add(&address, &community).await;
        expected.insert(address, community);
    }
    let id: Value = add(OF_PROFILE, "not-for-long").await;
    let bulk = json!({ "ids": [id], "change": { "community": null } });
    client.post("/api/v1/devices/bulk", &bulk).await.data();
    expected.insert(OF_PROFILE.to_owned(), "community-of-the-profile".to_owned());
    expected
}

/// Turns the second factor of the admin on.
async fn second_factor(client: &Client) -> Authenticator {
    let begun = client.post("/api/v1/me/totp", &json!({ "password": PASSWORD })).await.data();
    let mut authenticator = Authenticator::new(begun["base32"].as_str().unwrap());
    let code = json!({ "code": authenticator.code() });
    client.post("/api/v1/me/totp/confirm", &code).await.data();
    authenticator
}
