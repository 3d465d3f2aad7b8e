//! Configurations, as those see them who look after the devices.

use farwatch_common::id::{ConfigJobId, ConfigVersionId, DeviceId};

use super::*;
use crate::history::VersionsChanged;
use crate::history::fixture::{self, agent as fixture_agent};
use crate::history::version::Writers;
use crate::identity::PeerInfo;

/// A configuration of the device comes in; the id of its version.
pub(super) async fn fetched(
    world: &World,
    (tenant, agent): (&str, AgentId),
    device: &str,
    text: &str,
) -> String {
    let Parts { db, vault, ids, clock, .. } = &*world.state;
    let job = ConfigJobId(ids.next(clock.now()));
    let tenant: TenantId = tenant.parse().unwrap();
    let device: DeviceId = device.parse().unwrap();
    let sql = format!(
        "INSERT INTO config_job (tenant_id, job_id, device_id, site_id, agent_id, host, port, reason,
                                 asked_by, state, created_at, started_at)
         SELECT tenant_id, {}, device_id, 5, {}, host, 22, 'manual', 'noc', 'running', 0, 0
         FROM device WHERE tenant_id = {} AND device_id = {}",
        job.0, agent.0, tenant.0, device.0
    );
    world.raw().run(composed(sql)).await;
    let of = (&VersionsChanged::default(), &Writers::default());
    let receiver = fixture::receiver(db, vault, clock, of).await;
    let whole = fixture::packed(fixture::snapshot(job, text));
    let peer = PeerInfo { tenant, agent, ..fixture_agent() };
    let part = fixture::part(job, &whole, 0, whole.len());
    assert_eq!(receiver.part(&peer, part).await.unwrap().next, whole.len() as u64);
    let sql = format!("SELECT version_id FROM config_job WHERE job_id = {}", job.0);
    ConfigVersionId(world.raw().count(composed(sql)).await).to_string()
}

/// A tenant with a device and people.
struct Place {
    world: World,
    tenant: TenantId,
    agent: AgentId,
    device: String,
    admin: As,
    viewer: As,
}

async fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for world in World::each_unlimited().await {
        let tenant = world.tenant("North").await;
        let (agent, _) = world.agent(tenant, "a").await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
        let viewer = world.user("viewer@example.net", Role::Viewer, Some(tenant)).await;
        let device = world.device(&admin, agent, "10.0.0.1").await;
        places.push(Place { world, tenant, agent, device, admin, viewer });
    }
    places
}

impl Place {
    async fn fetched(&self, text: &str) -> String {
        let of = (self.tenant.to_string(), self.agent);
        fetched(&self.world, (&of.0, of.1), &self.device, text).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.world.get(path, &self.viewer).await
    }
}

#[tokio::test]
async fn versions_are_listed_shown_and_compared() {
    for place in places().await {
        assert_eq!(place.get("/api/v1/configs").await.data(), json!([]));
        let first = place.fetched("hostname r1\nip a\n").await;
        let second = place.fetched("hostname r1\nip b\nip c\n").await;
        let list = place.get("/api/v1/configs?failing=false").await;
        assert_eq!(list.json()["meta"]["total"], 1);
        let row = &list.data()[0];
        assert_eq!((&row["version"], &row["versions"]), (&json!(second), &json!(2)));
        assert_eq!((&row["lines"], &row["failing"]), (&json!(3), &Value::Null));
        assert_eq!(place.get("/api/v1/configs?failing=true").await.data(), json!([]));
        for q in ["10.0.0", "DEPO", "nort", "IOS"] {
            let found = place.get(&format!("/api/v1/configs?q={q}")).await.data();
            assert_eq!(found.as_array().unwrap().len(), 1, "{q}");
        }
        assert_eq!(place.get("/api/v1/configs?q=other").await.data(), json!([]));
        let path = format!("/api/v1/devices/{}/configs?limit=1", place.device);
        let page = place.get(&path).await.json();
        assert_eq!(page["data"][0]["id"], second);
        assert_eq!(page["meta"]["total"], 2);
        let next = page["meta"]["next_cursor"].as_str().unwrap();
        let page = place.get(&format!("{path}&cursor={next}")).await.json();
        assert_eq!(
            (&page["data"][0]["id"], &page["meta"]["next_cursor"]),
            (&json!(first), &Value::Null)
        );
        let shown = place.get(&format!("/api/v1/configs/{second}")).await.data();
        assert_eq!(shown["text"], "hostname r1\nip b\nip c\n");
        assert_eq!((&shown["added"], &shown["removed"]), (&json!(2), &json!(1)));
        assert_eq!((&shown["reason"], &shown["asked_by"]), (&json!("manual"), &json!("noc")));
        assert_eq!(shown["hash"].as_str().unwrap().len(), 64);
        let diff = place.get(&format!("/api/v1/configs/{second}/diff")).await.data();
        assert_eq!((&diff["from"]["id"], &diff["to"]["id"]), (&json!(first), &json!(second)));
        let unified = diff["unified"].as_str().unwrap();
        assert!(
            unified.ends_with("@@ -1,2 +1,3 @@\n hostname r1\n-ip a\n+ip b\n+ip c\n"),
            "{unified}"
        );
        let back = place.get(&format!("/api/v1/configs/{first}/diff?with={second}")).await.data();
        assert_eq!((&back["added"], &back["removed"]), (&json!(1), &json!(2)));
        let whole = place.get(&format!("/api/v1/configs/{first}/diff")).await.data();
        assert_eq!((&whole["from"], &whole["added"]), (&Value::Null, &json!(2)));
        place.world.remove().await;
    }
}

#[tokio::test]
async fn texts_are_files_and_raws_are_for_administrators() {
    for place in places().await {
        let id = place.fetched("hostname r1\n").await;
        let text = place.get(&format!("/api/v1/configs/{id}/text")).await;
        assert_eq!((text.status, text.body.as_str()), (StatusCode::OK, "hostname r1\n"));
        assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
        let name = text.headers["content-disposition"].to_str().unwrap();
        assert!(name.starts_with("attachment; filename=\"10.0.0.1-20"), "{name}");
        let raw = format!("/api/v1/configs/{id}/raw");
        assert_eq!(place.get(&raw).await.status, StatusCode::FORBIDDEN);
        let key = place.world.key(&place.admin, place.tenant, &["read", "write"]).await;
        assert_eq!(place.world.get(&raw, &key).await.code(), "forbidden");
        assert!(place.world.audited(place.tenant, "config").await.is_empty());
        let opened = place.world.get(&raw, &place.admin).await;
        assert!(opened.body.starts_with("hostname r1\nsecret s3cr3t-"), "{}", opened.body);
        assert_eq!(opened.headers["cache-control"], "no-store");
        assert_eq!(place.world.audited(place.tenant, "config").await, ["config.raw"]);
        place.world.raw().run("UPDATE config_version SET raw_key = raw_key || raw_key").await;
        assert_eq!(place.world.get(&raw, &place.admin).await.code(), "raw_damaged");
        assert_eq!(place.world.audited(place.tenant, "config").await.len(), 2);
        place.world.remove().await;
    }
}

#[tokio::test]
async fn a_word_is_found_in_the_latest_configurations() {
    for place in places().await {
        place.fetched("hostname r1\nntp server 192.0.2.1\n").await;
        let latest = place.fetched("hostname r1\nntp server 192.0.2.9\nline vty\n").await;
        let other = place.world.device(&place.admin, place.agent, "10.0.0.2").await;
        let tenant = place.tenant.to_string();
        fetched(&place.world, (&tenant, place.agent), &other, "hostname r2\n").await;
        let find = async |query: &str| place.get(&format!("/api/v1/configs/search?{query}")).await;
        let found = find("q=NTP").await.json();
        assert_eq!(found["meta"], json!({ "next_cursor": null, "scanned": 2, "skipped": [] }));
        assert_eq!(found["data"].as_array().unwrap().len(), 1);
        let row = &found["data"][0];
        assert_eq!((&row["version"], &row["more"]), (&json!(latest), &json!(0)));
        assert!(row["last_at"].as_str().unwrap().starts_with("20"), "{row}");
        let expected = json!([{ "line": 2, "text": "ntp server 192.0.2.9", "ranges": [[0, 3]],
                                "before": ["hostname r1"], "after": ["line vty"] }]);
        assert_eq!(row["matches"], expected);
        assert_eq!(
            find("q=192.0.2.1").await.data(),
            json!([]),
            "an older version is not looked at"
        );
        assert_eq!(find("q=NTP&case=true").await.data(), json!([]));
        assert_eq!(
            find("q=%5Ehostname%20r%5Cd%24&regex=true").await.data().as_array().unwrap().len(),
            2
        );
        let page = find("q=hostname&limit=1").await.json();
        let next = page["meta"]["next_cursor"].as_str().unwrap();
        let next = find(&format!("q=hostname&limit=1&cursor={next}")).await.json();
        assert_ne!(page["data"][0]["device"], next["data"][0]["device"]);
        for wrong in ["q=(&regex=true", "q=", "q=a%0Ab"] {
            let refused = find(wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
        place.world.remove().await;
    }
}

#[tokio::test]
async fn the_timeline_tells_what_happened_the_newest_first() {
    for place in places().await {
        let first = place.fetched("hostname r1\n").await;
        let second = place.fetched("hostname r2\n").await;
        let id: DeviceId = place.device.parse().unwrap();
        let now = place.world.state.clock.now().0;
        let sql = format!(
            "INSERT INTO config_job (tenant_id, job_id, device_id, site_id, agent_id, reason, state,
                                     created_at, ended_at, cause, advice)
             VALUES ({}, 7, {}, 5, {}, 'schedule', 'failed', {now}, {now}, 'login', 'Check it.')",
            place.tenant.0, id.0, place.agent.0
        );
        place.world.raw().run(composed(sql)).await;
        let sql = format!(
            "INSERT INTO device_state (tenant_id, device_id, at, state, was)
             VALUES ({}, {}, {}, 'down', 'up')",
            place.tenant.0,
            id.0,
            now - 3_600_000_000
        );
        place.world.raw().run(composed(sql)).await;
        let path = format!("/api/v1/devices/{}/timeline", place.device);
        let items = place.get(&path).await.data()["items"].clone();
        let kinds: Vec<_> =
            items.as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["config_failed", "config_changed", "config_changed", "state_changed"]);
        assert_eq!(
            (&items[3]["state"], &items[3]["text"]),
            (&json!("down"), &json!("Down; was up"))
        );
        assert_eq!(items[0]["text"], "Configuration not fetched (login): Check it.");
        assert_eq!((&items[1]["version"], &items[2]["version"]), (&json!(second), &json!(first)));
        assert_eq!(items[1]["text"], "Configuration changed: +1 −1 lines");
        // A key that was shown stays told, also once it is pinned.
        let sql = format!(
            "UPDATE config_job SET cause = 'host_key' WHERE tenant_id = {} AND job_id = 7",
            place.tenant.0
        );
        place.world.raw().run(composed(sql)).await;
        let items = place.get(&path).await.data()["items"].clone();
        assert_eq!(items[0]["kind"], "host_key_changed");
        assert_eq!(items[0]["text"], "Another host key was shown (host_key): Check it.");
        for no_failure in ["withdrawn", "cancelled"] {
            let sql = format!("UPDATE config_job SET cause = '{no_failure}' WHERE job_id = 7");
            place.world.raw().run(composed(sql)).await;
            let told = place.get(&path).await.data()["items"].clone();
            assert_eq!(told[0]["kind"], "config_changed", "{no_failure}");
        }
        place.world.raw().run("UPDATE config_job SET cause = 'host_key' WHERE job_id = 7").await;
        let limited = place.get(&format!("{path}?limit=1")).await.data()["items"].clone();
        assert_eq!(limited, json!([items[0]]));
        assert_eq!(
            place.get(&format!("{path}?to=2020-01-01T00:00:00Z")).await.data()["items"],
            json!([])
        );
        let limit = "`limit` must be 1 to 500.";
        for (wrong, expected) in [
            ("?limit=0", limit),
            ("?limit=501", limit),
            ("?limit=many", limit),
            ("?from=2020-01-01T00:00:00Z&to=2019-01-01T00:00:00Z", "`from` must be before `to`."),
            ("?x=1", "There is no `x` here; there is one of `from`, `to`, `limit`."),
        ] {
            let refused = place.get(&format!("{path}{wrong}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
            assert_eq!(refused.json()["detail"], expected, "{wrong}");
        }
        place.world.remove().await;
    }
}

#[tokio::test]
async fn the_timeline_of_an_old_span_has_its_alerts_however_many_came_since() {
    for place in places().await {
        let hour = 3_600_000_000;
        let now = place.world.state.clock.now().0;
        let then = now - 1_000 * hour;
        let evidence = alerts::evidence();
        let sql = format!(
            "WITH RECURSIVE n (v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 700)
             INSERT INTO alert (tenant_id, alert_id, rule_id, rule_name, severity, site_id,
                                agent_id, device_id, object, phase, began_at, fired_at, last_at,
                                resolved_at, evidence, created_at, updated_at)
             SELECT {}, v, 1, 'flaps', 2, 5, {}, {}, '', 'resolved', 0, {then} + v * {hour}, 0,
                    {then} + v * {hour} + 1, '{evidence}', 0, 0 FROM n",
            place.tenant.0,
            place.agent.0,
            place.device.parse::<DeviceId>().unwrap().0
        );
        place.world.raw().run(composed(sql)).await;
        let path = format!("/api/v1/devices/{}/timeline", place.device);
        let (from, to) = (then + hour, then + 3 * hour + 1);
        let items = place.get(&format!("{path}?from={from}&to={to}")).await.data()["items"].clone();
        let kinds: Vec<_> =
            items.as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
        let (fired, resolved) = ("alert_fired", "alert_resolved");
        assert_eq!(kinds, [fired, resolved, fired, resolved, fired]);
        place.world.remove().await;
    }
}
