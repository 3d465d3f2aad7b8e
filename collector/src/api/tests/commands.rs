//! What an agent is asked to do now, as clients ask for it; and the credentials of SNMPv3.

use farwatch_proto::v1::SnmpVersion::{V1, V2c, V3};
use farwatch_proto::v1::command;
use tonic::Code;

use super::*;
use crate::command::tests::Answers;
use crate::command::{COMMANDS_PER_AGENT_MAX, COMMANDS_PER_TENANT_MAX};

pub(super) fn user(password: &str) -> Value {
    json!({
        "name": "ops", "auth": "sha256", "auth_password": format!("{password}, auth"),
        "privacy": "aes128", "privacy_password": format!("{password}, privacy"),
        "context": "vrf-7",
    })
}

fn shown() -> Value {
    json!({ "name": "ops", "auth": "sha256", "privacy": "aes128", "context": "vrf-7" })
}

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) tenant: TenantId,
    pub(super) agent: AgentId,
    pub(super) site: SiteId,
    pub(super) who: As,
}

impl Scene {
    pub(super) async fn of(world: World) -> Self {
        let tenant = world.tenant("North").await;
        let (agent, site) = world.agent(tenant, "a").await;
        let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
        Self { world, tenant, agent, site, who }
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.world.post(&format!("/api/v1/{path}"), &self.who, body).await
    }

    /// The last row of the tenant's audit.
    pub(super) async fn audited(&self) -> (String, Value) {
        self.lately(1).await.remove(0)
    }

    /// The last rows of the tenant's audit, the newest first.
    pub(super) async fn lately(&self, rows: u32) -> Vec<(String, Value)> {
        let context = self.world.local().await.for_audit().narrowed(self.tenant);
        let filter = AuditFilter {
            action: String::new(),
            search: String::new(),
            from: Micros(0),
            to: Micros(i64::MAX),
        };
        let newest = AuditCursor::NEWEST;
        let rows = audit_list(&self.world.state.db, &context, &filter, newest, rows).await.unwrap();
        let told = |entry: crate::audit::chain::Entry| {
            let after = entry.after.map(|text| serde_json::from_str(&text).unwrap());
            (entry.action, after.unwrap_or_default())
        };
        rows.into_iter().map(|row| told(row.entry)).collect()
    }
}

#[tokio::test]
async fn a_device_is_polled_now() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let device = scene.world.device(&scene.who, scene.agent, "10.0.0.1").await;
        let path = format!("devices/{device}/poll");
        let polled = scene.post(&path, json!({})).await.data();
        let expected = json!({
            "at": "2026-11-21T03:37:18.000000Z",
            "snmp": { "ok": true, "cause": null, "advice": null, "rtt_ms": 1.5, "values": 42,
                      "answers_from": null },
            "ping": { "ok": true, "cause": null, "sent": 4, "received": 3, "loss_percent": 25.0,
                      "rtt_ms": 1.25, "jitter_ms": 0.25, "address": "10.0.0.1" },
        });
        assert_eq!(polled, expected);
        let expected = [
            ("device.poll_outcome".to_owned(), json!({ "snmp": "ok", "ping": "ok" })),
            ("device.poll".to_owned(), Value::Null),
        ];
        assert_eq!(scene.lately(2).await, expected);
        let asked = scene.world.reached.commands();
        let id = device.parse::<farwatch_common::id::DeviceId>().unwrap().0;
        assert!(matches!(&asked[..], [command::Kind::PollNow(poll)] if poll.device_id == id));

        let ping = scene.post(&format!("agents/{}/ping", scene.agent), json!({})).await.data();
        assert!(ping["rtt_ms"].as_f64().unwrap() > 0.0);
        let ahead = ping["clock_ahead_ms"].as_f64().unwrap();
        assert!((ahead - 3_600_000.0).abs() <= ping["rtt_ms"].as_f64().unwrap(), "{ping}");
        let expected = ("agent.ping_outcome".to_owned(), json!({ "rtt_ms": ping["rtt_ms"] }));
        assert_eq!(scene.audited().await, expected);
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn why_an_agent_does_not_do_it_is_told() {
    let scene = Scene::of(World::new().await).await;
    let device = scene.world.device(&scene.who, scene.agent, "10.0.0.1").await;
    let path = format!("devices/{device}/poll");
    let reached = &scene.world.reached;
    for (answers, status, code) in [
        (Answers::With(Code::Unimplemented), 409, "agent_too_old"),
        (Answers::With(Code::NotFound), 409, "not_assigned"),
        (Answers::With(Code::ResourceExhausted), 429, "agent_busy"),
        (Answers::With(Code::DeadlineExceeded), 504, "agent_timeout"),
        (Answers::With(Code::Internal), 502, "agent_failed"),
    ] {
        reached.answers(answers);
        let refused = scene.post(&path, json!({})).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (status, code));
        let expected = ("device.poll_outcome".to_owned(), json!({ "failed": code }));
        assert_eq!(scene.audited().await, expected);
    }
    // What never reaches the agent leaves no trace.
    reached.answers(Answers::Well);
    let rows = scene.world.audited(scene.tenant, "").await.len();
    let commands = &scene.world.state.commands;
    let held: Vec<_> = (0..COMMANDS_PER_AGENT_MAX)
        .map(|_| commands.begin(scene.tenant, scene.agent).unwrap())
        .collect();
    let refused = scene.post(&path, json!({})).await;
    assert_eq!(
        (refused.code(), &refused.headers["retry-after"]),
        ("agent_busy".into(), &"5".parse().unwrap())
    );
    drop(held);
    // One agent of a tenant has much to do, or the tenant has.
    let another = |number: usize| AgentId(number as i64 + 100);
    let held: Vec<_> = (0..COMMANDS_PER_TENANT_MAX)
        .map(|number| commands.begin(scene.tenant, another(number)).unwrap())
        .collect();
    let refused = scene.post(&path, json!({})).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "tenant_busy"));
    drop(held);
    reached.offline(true);
    assert_eq!(scene.post(&path, json!({})).await.code(), "agent_offline");
    assert_eq!(scene.world.audited(scene.tenant, "").await.len(), rows);
    reached.offline(false);
    assert_eq!(scene.post(&path, json!({})).await.status, StatusCode::OK);
}

/// Lets the row before be written and not that of the outcome.
const NO_OUTCOMES: &str = "CREATE TRIGGER no_outcomes BEFORE INSERT ON audit
    WHEN NEW.action LIKE '%_outcome' BEGIN SELECT RAISE(ABORT, 'no room'); END";

#[tokio::test]
async fn an_answer_is_not_lost_where_its_row_cannot_be_written() {
    let scene = Scene::of(World::new().await).await;
    let device = scene.world.device(&scene.who, scene.agent, "10.0.0.1").await;
    scene.world.raw().run(NO_OUTCOMES).await;
    let polled = scene.post(&format!("devices/{device}/poll"), json!({})).await.data();
    assert_eq!(polled["snmp"]["values"], 42);
    assert_eq!(scene.audited().await.0, "device.poll");
}

#[tokio::test]
async fn credentials_are_tried_the_closest_first() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let profile = async |name: &str, more: Value| {
            let mut body = json!({ "name": name });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            scene.world.profile(&scene.who, scene.tenant, body).await
        };
        let all = profile("of all", json!({ "community": "of-all" })).await;
        let users = json!({ "kind": "snmp_user", "community": null, "user": user("of the site"),
                            "site": scene.site.to_string() });
        let users = profile("users", users).await;
        let elsewhere = json!({ "tenant": scene.tenant.to_string(), "name": "Roof" });
        let roof = scene.post("sites", elsewhere).await.data()["id"].clone();
        profile("of another site", json!({ "site": roof })).await;
        let path = format!("agents/{}/find-credential", scene.agent);
        let given = json!([{ "version": "v3", "user": user("given") },
                           { "version": "v1", "community": "given-community" }]);
        let body = json!({ "host": "Router.example:1161", "credentials": given });
        let found = scene.post(&path, body).await.data();
        let rows: Vec<_> = found["outcomes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["credential"].clone(), row["profile"]["id"].clone(), row["ok"] == true))
            .collect();
        let expected = [
            (json!(0), Value::Null, false),
            (json!(1), Value::Null, false),
            (Value::Null, json!(users), false),
            (Value::Null, json!(all), true),
        ];
        assert_eq!(rows, expected);
        assert_eq!((&found["candidates"], &found["ping"]), (&json!(4), &Value::Null));
        assert_eq!(found["not_tried"], 0);
        let first = &found["outcomes"][0];
        assert_eq!((&first["cause"], &first["version"]), (&json!("timeout"), &json!("v2c")));
        assert_eq!(found["outcomes"][3]["sys_name"], "core");
        let asked = scene.world.reached.commands();
        let [command::Kind::FindCredential(asked)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!((asked.host.as_str(), asked.port), ("router.example", 1161));
        let versions = asked.candidates.iter().map(|one| match (&one.community, &one.user) {
            (Some(community), None) => community.version(),
            (None, Some(_)) => V3,
            both => panic!("{both:?}"),
        });
        assert_eq!(versions.collect::<Vec<_>>(), [V3, V1, V3, V2c]);
        let asked = json!({ "host": "router.example", "port": 1161, "credentials": 2,
                            "profiles": ["users", "of all"] });
        let outcome = json!({ "host": "router.example", "port": 1161, "tried_to_end": 4,
                              "not_tried_to_end": 0, "works": "of all" });
        let expected = [
            ("agent.find_credential_outcome".to_owned(), outcome),
            ("agent.find_credential".to_owned(), asked),
        ];
        assert_eq!(scene.lately(2).await, expected);

        let body = json!({ "host": "10.0.0.9", "profiles": false });
        assert_eq!(scene.post(&path, body).await.data()["candidates"], 0);
        let bad = json!({ "host": "http://x", "port": 0, "credentials": [
            { "version": "v3" }, { "version": "v2c", "community": "x" },
            { "version": "v3", "user": { "name": "ops", "auth": "md5", "auth_password": "short" } },
        ] });
        let refused = scene.post(&path, bad).await.json();
        let fields = refused["errors"].as_array().unwrap().iter();
        let fields: Vec<_> = fields.map(|error| error["field"].as_str().unwrap()).collect();
        let expected = ["port", "host", "credentials[0].user", "credentials[2].user.auth_password"];
        assert_eq!(fields, expected);
        let many = vec![json!({ "version": "v1", "community": "x" }); 33];
        let refused = scene.post(&path, json!({ "host": "10.0.0.9", "credentials": many })).await;
        assert_eq!(refused.json()["errors"][0]["field"], "credentials");
        scene.world.remove().await;
    }
}

#[tokio::test]
async fn users_are_given_and_shown_without_their_passwords() {
    for world in World::each().await {
        let scene = Scene::of(world).await;
        let body = json!({
            "agent": scene.agent.to_string(), "address": "10.0.0.1", "ping": false,
            "strict_source": true, "request_gap_ms": 100,
            "snmp": { "version": "v3", "user": user("its own") },
        });
        let made = scene.post("devices", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let id = made.data()["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/devices/{id}");
        let get = async || scene.world.get(&path, &scene.who).await.data();
        let one = get().await;
        let snmp = json!({ "version": "v3", "credential": "own", "profile": null,
                           "kind": "snmp_user", "user": shown(), "damaged": false });
        assert_eq!(one["snmp"], snmp);
        let manner = (&one["ping"], &one["strict_source"], &one["request_gap_ms"]);
        assert_eq!(manner, (&json!(false), &json!(true), &json!(100)));
        let change =
            async |body: Value| scene.world.change(Method::PATCH, &path, &scene.who, body).await;
        for (bad, field) in [
            (json!({ "request_gap_ms": 1001 }), "request_gap_ms"),
            (json!({ "snmp": { "version": "v3", "community": "x" } }), "snmp.community"),
            (json!({ "snmp": { "version": "v1", "user": user("other") } }), "snmp.user"),
        ] {
            let refused = change(bad).await;
            assert_eq!(refused.code(), "invalid");
            assert_eq!(refused.json()["errors"][0]["field"], field);
        }
        change(json!({ "snmp": { "community": "again" }, "ping": true })).await.data();
        assert_eq!(scene.audited().await.1["credential"], "own, new");
        let one = get().await;
        assert_eq!((&one["snmp"]["version"], &one["ping"]), (&json!("v2c"), &json!(true)));
        let put = async |body: Value| {
            let path = format!("{path}/credential");
            scene.world.change(Method::PUT, &path, &scene.who, body).await.data()["snmp"].clone()
        };
        assert_eq!(put(json!({ "user": user("put") })).await, snmp);
        // By many at once, and then it has a profile's.
        let bulk = json!({ "ids": [id], "change": { "snmp": { "version": "v2c" } } });
        scene.post("devices/bulk", bulk).await.data();
        assert_eq!(get().await["snmp"]["credential"], "none");
        let bulk = json!({ "ids": [id], "change": { "snmp": { "version": "v3" }, "ping": false } });
        scene.post("devices/bulk", bulk).await.data();
        let more = json!({ "kind": "snmp_user", "community": null, "user": user("profile") });
        let profile = scene.world.profile(&scene.who, scene.tenant, more).await;
        let one = get().await;
        assert_eq!((&one["snmp"]["user"], &one["ping"]), (&shown(), &json!(false)));
        assert_eq!(one["snmp"]["profile"]["id"], profile.as_str());
        let path = format!("/api/v1/credential-profiles/{profile}");
        let replace = json!({ "user": { "name": "noc" } });
        let after = scene.world.change(Method::PATCH, &path, &scene.who, replace).await.data();
        let bare = json!({ "name": "noc", "auth": "none", "privacy": "none", "context": "" });
        assert_eq!((&after["user"], &after["kind"]), (&bare, &json!("snmp_user")));
        assert_eq!(scene.audited().await.1, json!({ "credential": "replaced", "user": bare }));
        let other = json!({ "community": "x" });
        let refused = scene.world.change(Method::PATCH, &path, &scene.who, other).await;
        assert_eq!(refused.json()["errors"][0]["field"], "community");
        let none = json!({ "tenant": scene.tenant.to_string(), "name": "n", "kind": "snmp_user" });
        let refused = scene.post("credential-profiles", none).await;
        assert_eq!(refused.json()["errors"][0]["field"], "user");
        scene.world.remove().await;
    }
}
