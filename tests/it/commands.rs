//! What people have agents do now, over a real session: the answer, every refusal, and what agents
//! are told when devices change or the collector stops.

use std::time::{Duration, Instant};

use farwatch_agent::identity::Credentials;
use farwatch_common::id::DeviceId;
use farwatch_proto::v1::command;
use farwatch_support::http::Client;
use farwatch_support::stack::{Collector, add_device};
use serde_json::{Value, json};

use crate::wire::{Answers, Assignments, Wire, enrolled};

/// The promise is a second; a test's machine may be busy.
const PUSHED_WITHIN: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(30);
const BUSY_AT: usize = 4;

struct World {
    collector: Collector,
    client: Client,
    credentials: Credentials,
    agent: String,
    device: String,
    _dir: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let collector = Collector::start(&dir.path().join("collector")).await;
        let credentials = enrolled(&collector, &dir.path().join("agent")).await;
        let client = collector.client().await;
        let agent = credentials.agent.to_string();
        let device = add_device(&client, &agent, "192.0.2.1", 3600).await;
        Self { collector, client, credentials, agent, device, _dir: dir }
    }

    async fn connect(&self, answers: Answers) -> (Wire, Assignments) {
        let wire = Wire::dial(&self.collector, &self.credentials).await;
        let served = wire.serves(answers);
        (wire, served)
    }

    fn poll(&self) -> String {
        format!("/api/v1/devices/{}/poll", self.device)
    }

    /// Status and code of a refused poll.
    async fn refusal(&self, client: &Client) -> (u16, String) {
        let answer = client.post(&self.poll(), &json!({})).await;
        let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
        (answer.status, code)
    }
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn an_agent_does_what_it_is_asked_and_the_result_comes_back() {
    let world = World::start().await;
    let (_wire, mut agent) = world.connect(Answers::Well).await;
    let polled = world.client.post(&world.poll(), &json!({})).await.data();
    let snmp = &polled["snmp"];
    assert_eq!(
        (&snmp["ok"], &snmp["values"], &snmp["rtt_ms"]),
        (&json!(true), &json!(128), &json!(3.0))
    );
    assert_eq!(snmp["answers_from"], "192.0.2.9");
    assert_eq!(
        (&polled["ping"]["loss_percent"], &polled["ping"]["rtt_ms"]),
        (&json!(0.0), &json!(2.5))
    );
    assert_eq!(polled["at"], "2026-11-21T03:37:18.000000Z");
    let device: DeviceId = world.device.parse().unwrap();
    match agent.commands.recv().await.unwrap().kind.unwrap() {
        command::Kind::PollNow(poll) => assert_eq!(poll.device_id, device.0),
        other => panic!("{other:?}"),
    }

    let tenant = world.credentials.tenant.to_string();
    let profile = json!({ "tenant": tenant, "name": "Usual", "kind": "snmp_community",
                          "community": "of-the-profile" });
    world.client.post("/api/v1/credential-profiles", &profile).await.data();
    let user = json!({ "name": "ops", "auth": "sha1", "auth_password": "a-wrong-one" });
    let body = json!({ "host": "192.0.2.7", "credentials": [{ "version": "v3", "user": user }] });
    let path = format!("/api/v1/agents/{}/find-credential", world.agent);
    let found = world.client.post(&path, &body).await.data();
    let [first, second] = &found["outcomes"].as_array().unwrap()[..] else { panic!("{found}") };
    assert_eq!((&first["credential"], &first["cause"]), (&json!(0), &json!("wrong_auth")));
    assert_eq!((&second["profile"]["name"], &second["version"]), (&json!("Usual"), &json!("v2c")));
    assert_eq!((&second["ok"], &second["sys_descr"]), (&json!(true), &json!("RouterOS")));

    let path = format!("/api/v1/agents/{}/ping", world.agent);
    let ping = world.client.post(&path, &json!({})).await.data();
    assert!(ping["rtt_ms"].as_f64().unwrap() > 0.0 && ping["clock_ahead_ms"].is_f64(), "{ping}");
    let path = format!("/api/v1/audit?tenant={tenant}&limit=5");
    let audit = world.client.get(&path).await.data();
    let actions = audit.as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap());
    let expected = [
        "agent.ping_outcome",
        "agent.ping",
        "agent.find_credential_outcome",
        "agent.find_credential",
        "credential_profile.create",
    ];
    assert_eq!(actions.collect::<Vec<_>>(), expected, "{audit}");
    assert!(audit.to_string().contains("192.0.2.7") && !audit.to_string().contains("a-wrong-one"));
}

#[tokio::test]
async fn what_cannot_be_done_now_is_refused_by_its_reason() {
    let world = World::start().await;
    assert_eq!(world.refusal(&world.client).await, refused(409, "agent_offline"));
    let (wire, old) = world.connect(Answers::TooOld).await;
    assert_eq!(world.refusal(&world.client).await, refused(409, "agent_too_old"));
    drop((wire, old));

    let (wire, mut silent) = world.connect(Answers::Never).await;
    let waiting = async {
        let poll = || world.refusal(&world.client);
        let (a, b, c, d) = tokio::join!(poll(), poll(), poll(), poll());
        [a, b, c, d]
    };
    let others = async {
        for _ in 0..BUSY_AT {
            silent.commands.recv().await.unwrap();
        }
        assert_eq!(world.refusal(&world.client).await, refused(429, "agent_busy"));
        wire.session.close("the test has seen enough");
    };
    let (waited, ()) = tokio::time::timeout(LIMIT, async { tokio::join!(waiting, others) })
        .await
        .expect("nobody is told that the agent left");
    assert!(waited.iter().all(|one| *one == refused(409, "agent_offline")), "{waited:?}");
}

#[tokio::test]
async fn another_tenants_things_are_not_there() {
    let world = World::start().await;
    let (_wire, mut agent) = world.connect(Answers::Well).await;
    let made = world.collector.run(&["tenant", "create", "--name", "Beta", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let body = json!({ "tenant": made["id"], "name": "k", "scopes": ["read", "write"] });
    let key = world.client.post("/api/v1/api-keys", &body).await.data();
    let stranger = Client::with_key(world.collector.http, key["key"].as_str().unwrap());
    assert_eq!(world.refusal(&stranger).await, refused(404, "not_found"));
    for (path, body) in [("ping", json!({})), ("find-credential", json!({ "host": "192.0.2.1" }))] {
        let path = format!("/api/v1/agents/{}/{path}", world.agent);
        assert_eq!(stranger.post(&path, &body).await.status, 404, "{path}");
    }
    assert!(agent.commands.try_recv().is_err(), "the agent was asked");
}

#[tokio::test]
async fn a_change_reaches_the_agent_at_once() {
    let world = World::start().await;
    let (_wire, mut agent) = world.connect(Answers::Well).await;
    let first = agent.next().await;
    assert_eq!(first.devices.len(), 1);
    let path = format!("/api/v1/devices/{}", world.device);
    let user = json!({ "name": "ops", "auth": "sha256", "auth_password": "maplesyrup" });
    for change in [
        json!({ "interval_s": 30 }),
        json!({ "ping": false, "request_gap_ms": 20 }),
        json!({ "snmp": { "version": "v3", "user": user } }),
    ] {
        let begun = Instant::now();
        let changed = world.client.send("PATCH", &path, Some(change.to_string())).await.unwrap();
        changed.data();
        agent.next().await;
        let took = begun.elapsed();
        assert!(took < PUSHED_WITHIN, "{change}: {took:?}");
    }
    // And one that has no credential at all is pinged.
    let body =
        json!({ "agent": world.agent, "address": "192.0.2.2", "snmp": { "version": "v2c" } });
    world.client.post("/api/v1/devices", &body).await.data();
    let devices = agent.next().await.devices;
    let [user, bare] = &devices[..] else { panic!("{devices:?}") };
    assert!(user.snmp.is_none() && user.ping_off && user.request_gap_ms == 20);
    assert_eq!(user.snmp_user.as_ref().unwrap().name, b"ops");
    assert!(bare.snmp.is_none() && bare.snmp_user.is_none() && !bare.ping_off);
}

#[tokio::test]
async fn a_collector_that_stops_tells_its_agents_first() {
    let mut world = World::start().await;
    let (wire, mut agent) = world.connect(Answers::Well).await;
    agent.next().await;
    world.collector.stop().await;
    let told = agent.drains.recv().await.unwrap();
    assert_eq!(told.deadline_ms, 3_000);
    assert!((1..=10).contains(&told.come_after_ms), "{told:?}");
    let reason = wire.session.closed().await;
    assert!(reason.contains("stopping"), "{reason}");
}
