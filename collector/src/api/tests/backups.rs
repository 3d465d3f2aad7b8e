//! Backups of devices: their policy, logins, host keys and jobs, as clients see them.

use farwatch_common::id::{ConfigJobId, DeviceId};

use super::*;
use crate::identity::PeerInfo;
use crate::store::fixture::peer;

pub(super) const HOST_KEY: &str = "SHA256:uNiVztksCsDhcc0u9e8BrqLcxFf";
pub(super) const OTHER_KEY: &str = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomT";

fn login() -> Value {
    json!({ "user": "backup", "password": "a-login-password", "enable": "an-enable-password" })
}

/// Gives the device a login and a job that has ended, and has it show another host key since; the
/// job's id.
pub(super) async fn fetched_once(world: &World, admin: &As, device: &str) -> String {
    let path = format!("/api/v1/devices/{device}/backup");
    world.change(Method::PATCH, &path, admin, json!({ "login": login() })).await.data();
    let job = world.post(&format!("{path}/run"), admin, json!({})).await;
    assert_eq!(job.status, StatusCode::ACCEPTED, "{}", job.body);
    world.raw().run("UPDATE config_job SET state = 'done', ended_at = created_at").await;
    let sql = format!("UPDATE backup SET host_key = '{HOST_KEY}', other_key = '{OTHER_KEY}'");
    world.raw().run(composed(sql)).await;
    job.data()["id"].as_str().unwrap().to_owned()
}

fn backup_of(device: &str) -> String {
    format!("/api/v1/devices/{device}/backup")
}

/// A job of the schedule that waits; its id.
pub(super) async fn queued(world: &World, device: &str) -> String {
    let job = ConfigJobId(world.state.ids.next(world.state.clock.now()));
    let device: DeviceId = device.parse().unwrap();
    let sql = format!(
        "INSERT INTO config_job (tenant_id, job_id, device_id, site_id, agent_id, reason, state,
                                 created_at)
         SELECT tenant_id, {}, device_id, site_id, agent_id, 'schedule', 'queued', 0
         FROM device WHERE device_id = {}",
        job.0, device.0
    );
    world.raw().run(composed(sql)).await;
    job.to_string()
}

/// A tenant with an agent, its administrator and a device.
async fn place(world: &World) -> (TenantId, As, String) {
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let device = world.device(&admin, agent, "10.0.0.1").await;
    (tenant, admin, device)
}

#[tokio::test]
async fn a_policy_is_the_defaults_until_it_is_chosen() {
    for world in World::each().await {
        let (tenant, admin, _) = place(&world).await;
        let path = format!("/api/v1/backup-policy?tenant={tenant}");
        let usual = world.get(&path, &admin).await.data();
        assert_eq!(
            (&usual["enabled"], &usual["every_s"], &usual["is_default"]),
            (&json!(true), &json!(86_400), &json!(true))
        );
        let off = json!({ "state": "off", "detail": null, "last_commit_at": null });
        assert_eq!(usual["mirror"], off);
        let chosen = json!({
            "tenant": tenant.to_string(), "enabled": false, "every_s": 3600,
            "window": { "from": "22:30", "to": "04:00" }, "per_site_max": 2, "keep_days": 30,
            "keep_versions": 5,
        });
        let put = async |body: Value| {
            world.change(Method::PUT, "/api/v1/backup-policy", &admin, body).await
        };
        let shown = put(chosen.clone()).await.data();
        assert_eq!((&shown["window"], &shown["is_default"]), (&chosen["window"], &json!(false)));
        assert_eq!(world.get(&path, &admin).await.data(), shown);
        // What is so already leaves no trace.
        put(chosen.clone()).await.data();
        assert_eq!(world.audited(tenant, "backup_policy").await, ["backup_policy.change"]);
        for (field, value) in [
            ("every_s", json!(60)),
            ("window", json!({ "from": "24:00", "to": "04:00" })),
            ("window", json!({ "from": "04:00", "to": "04:00" })),
            ("per_site_max", json!(0)),
            ("keep_days", json!(4_000)),
            ("keep_versions", json!(0)),
        ] {
            let mut body = chosen.clone();
            body[field] = value;
            let refused = put(body).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
            assert_eq!(refused.json()["errors"][0]["field"], field);
        }
        let operator = world.user("op@example.net", Role::Operator, Some(tenant)).await;
        let denied = world.change(Method::PUT, "/api/v1/backup-policy", &operator, chosen).await;
        assert_eq!(denied.status, StatusCode::FORBIDDEN);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_login_is_the_devices_own_or_a_profiles_and_shows_no_secret() {
    for world in World::each().await {
        let (tenant, admin, device) = place(&world).await;
        let path = format!("/api/v1/devices/{device}/backup");
        let shown = async || world.get(&path, &admin).await.data();
        let bare = shown().await;
        assert_eq!(bare["effective"], json!({ "enabled": false, "why": "no_login" }));
        assert_eq!(
            (&bare["next_at"], &bare["login"], &bare["port"]),
            (&Value::Null, &Value::Null, &json!(22))
        );
        let more = json!({ "name": "logins", "kind": "ssh_login", "community": null,
                           "login": login() });
        let profile = world.profile(&admin, tenant, more).await;
        let by_profile = shown().await;
        assert_eq!(by_profile["effective"], json!({ "enabled": true, "why": "policy" }));
        let login_shown = &by_profile["login"];
        assert_eq!(
            (&login_shown["from"], &login_shown["profile"]["id"], &login_shown["user"]),
            (&json!("profile"), &json!(profile), &json!("backup"))
        );
        assert_eq!(login_shown["has_enable"], true);
        assert!(by_profile["next_at"].is_string());
        let kept = world.get(&format!("/api/v1/credential-profiles/{profile}"), &admin).await;
        assert_eq!(kept.data()["kind"], "ssh_login");
        assert_eq!(kept.data()["login"]["has_password"], true);
        let own = json!({ "enabled": true, "port": 2222, "platform": "ios", "legacy": true,
                          "login": { "user": "root", "password": "its-own-password" } });
        let patched = world.change(Method::PATCH, &path, &admin, own).await;
        let (body, patched) = (patched.body.clone(), patched.data());
        assert_eq!(patched["effective"], json!({ "enabled": true, "why": "device" }));
        assert_eq!((&patched["login"]["from"], &patched["port"]), (&json!("device"), &json!(2222)));
        assert!(!(body + &kept.body).contains("password\":\"a"));
        // SNMP is asked with what it was asked with before, and a change of that leaves the login.
        let of_device = format!("/api/v1/devices/{device}");
        let snmp = world.get(&of_device, &admin).await.data()["snmp"].clone();
        assert_eq!((&snmp["credential"], &snmp["kind"]), (&json!("own"), &json!("snmp_community")));
        let community = json!({ "community": "another-community" });
        let credential = format!("{of_device}/credential");
        world.change(Method::PUT, &credential, &admin, community).await.data();
        assert_eq!(shown().await["login"]["user"], "root");
        let none = json!({ "login": null, "enabled": null });
        world.change(Method::PATCH, &path, &admin, none).await.data();
        assert_eq!(shown().await["login"]["from"], "profile");
        let snmp = world.get(&of_device, &admin).await.data()["snmp"].clone();
        assert_eq!(snmp["credential"], "own");
        for (body, field) in [
            (json!({ "port": 0 }), "port"),
            (json!({ "platform": "../ios" }), "platform"),
            (json!({ "login": { "user": "x" } }), "login.password"),
        ] {
            let refused = world.change(Method::PATCH, &path, &admin, body).await;
            assert_eq!(refused.json()["errors"][0]["field"], field, "{}", refused.body);
        }
        let changes = world.audited(tenant, "device").await;
        let of_backup = changes.iter().filter(|action| *action == "device.backup_change");
        assert_eq!(of_backup.count(), 2);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_profile_stays_a_login_and_takes_nothing_else() {
    let world = World::new().await;
    let (tenant, admin, _) = place(&world).await;
    let new = |more: Value| {
        let mut body = json!({ "tenant": tenant.to_string(), "name": "x", "kind": "ssh_login" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let post = async |body| world.post("/api/v1/credential-profiles", &admin, body).await;
    for body in [
        new(json!({})),
        new(json!({ "community": "public" })),
        new(json!({ "login": login(), "community": "public" })),
        new(json!({ "kind": "snmp_community", "community": "public", "login": login() })),
    ] {
        let refused = post(body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    let made = post(new(json!({ "login": login() }))).await.data();
    let path = format!("/api/v1/credential-profiles/{}", made["id"].as_str().unwrap());
    let other = json!({ "community": "public" });
    let refused = world.change(Method::PATCH, &path, &admin, other).await;
    assert_eq!(refused.json()["errors"][0]["field"], "community", "{}", refused.body);
    let anew = json!({ "login": { "user": "other", "password": "p" } });
    let changed = world.change(Method::PATCH, &path, &admin, anew).await.data();
    assert_eq!(changed["login"]["user"], "other");
}

#[tokio::test]
async fn a_device_is_fetched_when_somebody_asks() {
    for world in World::each().await {
        let (tenant, admin, device) = place(&world).await;
        let path = format!("/api/v1/devices/{device}/backup");
        let run = async |who: &As| world.post(&format!("{path}/run"), who, json!({})).await;
        let refused = run(&admin).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "no_login".into()));
        world.change(Method::PATCH, &path, &admin, json!({ "login": login() })).await.data();
        let viewer = world.user("v@example.net", Role::Viewer, Some(tenant)).await;
        assert_eq!(run(&viewer).await.status, StatusCode::FORBIDDEN);
        let operator = world.user("op@example.net", Role::Operator, Some(tenant)).await;
        let made = run(&operator).await;
        assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.body);
        let made = made.data();
        assert_eq!(
            (&made["state"], &made["reason"], &made["asked_by"], &made["waits"]),
            (&json!("queued"), &json!("manual"), &json!("op@example.net"), &json!("agent_offline"))
        );
        // Twice is once.
        let again = run(&admin).await;
        assert_eq!((again.status, &again.data()["id"]), (StatusCode::OK, &made["id"]));
        let job = format!("/api/v1/config-jobs/{}", made["id"].as_str().unwrap());
        assert_eq!(world.get(&job, &viewer).await.data(), made);
        // One of the schedule becomes one that somebody asked for.
        world.raw().run("UPDATE config_job SET reason = 'schedule', asked_by = NULL").await;
        let hurried = run(&admin).await.data();
        assert_eq!((&hurried["reason"], &hurried["id"]), (&json!("manual"), &made["id"]));
        let list = async |query: &str| {
            let list = world.get(&format!("/api/v1/config-jobs?{query}"), &viewer).await;
            list.data().as_array().unwrap().len()
        };
        assert_eq!(list(&format!("device={device}&state=open")).await, 1);
        assert_eq!(list("state=done").await, 0);
        let site = made["site"]["id"].as_str().unwrap();
        assert_eq!(list(&format!("site={site}")).await, 1);
        let new = json!({ "tenant": tenant.to_string(), "name": "other" });
        let other = world.post("/api/v1/sites", &admin, new).await.data();
        assert_eq!(list(&format!("site={}", other["id"].as_str().unwrap())).await, 0);
        assert_eq!(world.get("/api/v1/config-jobs?state=x", &viewer).await.code(), "bad_query");
        let jobs = "UPDATE config_job SET state = 'failed', cause = 'silent', ended_at = 5";
        world.raw().run(jobs).await;
        assert_eq!(list("changed_from=1970-01-01T00:00:00.000005Z").await, 0);
        world.raw().run("UPDATE config_job SET changed = 1").await;
        assert_eq!(
            (
                list("changed_from=1970-01-01T00:00:00.000005Z").await,
                list("changed_from=1970-01-01T00:00:00.000006Z").await
            ),
            (1, 0)
        );
        run(&admin).await.data();
        let first = world.get("/api/v1/config-jobs?limit=1", &viewer).await.json();
        let cursor = first["meta"]["next_cursor"].as_str().unwrap();
        let next =
            world.get(&format!("/api/v1/config-jobs?limit=1&cursor={cursor}"), &viewer).await;
        assert_eq!(next.data()[0]["id"], made["id"]);
        assert_eq!(next.data()[0]["cause"], "silent");
        let runs = world.audited(tenant, "device").await;
        assert_eq!(runs.iter().filter(|action| *action == "device.backup_run").count(), 3);
        world.remove().await;
    }
}

#[tokio::test]
async fn only_the_key_that_a_device_has_shown_is_pinned() {
    for world in World::each().await {
        let (tenant, admin, device) = place(&world).await;
        fetched_once(&world, &admin, &device).await;
        let fail = "UPDATE backup SET failing = 'host_key', failing_since = 1";
        world.raw().run(fail).await;
        let path = format!("/api/v1/devices/{device}/backup/host-key");
        let pin = async |key: &str| world.post(&path, &admin, json!({ "host_key": key })).await;
        let refused = pin("SHA256:another").await;
        assert_eq!(refused.json()["errors"][0]["field"], "host_key", "{}", refused.body);
        let pinned = pin(OTHER_KEY).await.data();
        assert_eq!((&pinned["host_key"], &pinned["other_key"]), (&json!(OTHER_KEY), &Value::Null));
        assert_eq!(
            (&pinned["job"]["state"], &pinned["job"]["reason"]),
            (&json!("queued"), &json!("manual")),
            "it is tried again"
        );
        assert_eq!(pin("").await.data()["host_key"], Value::Null);
        let pins = world.audited(tenant, "device").await;
        assert_eq!(pins.iter().filter(|action| *action == "device.host_key_pin").count(), 2);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_job_that_waits_is_taken_back_and_counts_as_no_failure() {
    for world in World::each().await {
        let (tenant, admin, device) = place(&world).await;
        world.change(Method::PATCH, &backup_of(&device), &admin, json!({ "login": login() })).await;
        let job = queued(&world, &device).await;
        let path = format!("/api/v1/config-jobs/{job}");
        let cancel = async |who: &As| world.post(&format!("{path}/cancel"), who, json!({})).await;
        let viewer = world.user("v@example.net", Role::Viewer, Some(tenant)).await;
        assert_eq!(cancel(&viewer).await.status, StatusCode::FORBIDDEN);
        let set = async |state: &str| {
            let sql = format!("UPDATE config_job SET state = '{state}'");
            world.raw().run(composed(sql)).await;
        };
        let operator = world.user("op@example.net", Role::Operator, Some(tenant)).await;
        for (state, code) in [("running", "job_running"), ("done", "job_ended")] {
            set(state).await;
            let refused = cancel(&operator).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, code.to_owned()));
            assert_eq!(world.get(&path, &viewer).await.data()["state"], state);
        }
        set("queued").await;
        let ended = cancel(&operator).await.data();
        assert_eq!((&ended["id"], &ended["state"]), (&json!(job), &json!("failed")));
        assert_eq!((&ended["cause"], &ended["waits"]), (&json!("cancelled"), &Value::Null));
        assert!(ended["ended_at"].is_string() && ended["advice"].is_string(), "{ended}");
        assert_eq!(cancel(&operator).await.code(), "job_ended");
        let backup = world.get(&backup_of(&device), &viewer).await.data();
        assert_eq!((&backup["failing"], &backup["job"]["id"]), (&Value::Null, &json!(job)));
        let told = world.audited(tenant, "device").await;
        assert_eq!(told.iter().filter(|action| *action == "device.backup_cancel").count(), 1);
        world.remove().await;
    }
}

#[tokio::test]
async fn the_job_of_a_device_is_its_open_one_also_if_that_is_older() {
    for world in World::each().await {
        let (_, admin, device) = place(&world).await;
        let older = queued(&world, &device).await;
        world.raw().run("UPDATE config_job SET state = 'failed', cause = 'agent_lost'").await;
        let newer = queued(&world, &device).await;
        world.raw().run("UPDATE config_job SET state = 'failed' WHERE state = 'queued'").await;
        let last =
            async || world.get(&backup_of(&device), &admin).await.data()["job"]["id"].clone();
        assert_eq!(last().await, newer);
        // Its outcome came after all.
        world.raw().run("UPDATE config_job SET state = 'running' WHERE cause = 'agent_lost'").await;
        assert_eq!(last().await, older);
        world.remove().await;
    }
}

#[tokio::test]
async fn what_runs_at_an_agent_that_is_away_fills_no_site() {
    for world in World::each().await {
        let tenant = world.tenant("North").await;
        let (agent, _) = world.agent(tenant, "a").await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
        let device = world.device(&admin, agent, "10.0.0.1").await;
        let (away, _) = world.agent(tenant, "away").await;
        for host in ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"] {
            let other = world.device(&admin, away, host).await;
            queued(&world, &other).await;
        }
        world.raw().run("UPDATE config_job SET state = 'running'").await;
        let job = queued(&world, &device).await;
        world.raw().run("UPDATE config_job SET reason = 'manual'").await;
        let waits = async || {
            let job = world.get(&format!("/api/v1/config-jobs/{job}"), &admin).await.data();
            job["waits"].clone()
        };
        assert_eq!(waits().await, "agent_offline");
        let connects = |id: AgentId| {
            let peer = PeerInfo { tenant, ..peer(id, 1) };
            world.state.live.agent_connected(&peer, ("1".into(), "linux".into()), None);
        };
        connects(agent);
        assert_eq!(waits().await, Value::Null);
        connects(away);
        assert_eq!(waits().await, "site_full");
        world.remove().await;
    }
}
