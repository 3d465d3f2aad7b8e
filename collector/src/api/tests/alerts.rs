//! Alerts, as those see them who look after them.

use farwatch_common::id::AlertId;

use super::*;
use crate::evaluate::rule::Written;
use crate::live::EventFilter;
use futures_util::StreamExt as _;

/// An hour of silence that begins now; the fixture has half of it.
pub(super) fn soon() -> String {
    in_minutes(60)
}

fn in_minutes(minutes: i64) -> String {
    let at = Clock::system().now().0 + minutes * 60 * Micros::SECOND;
    jiff::Timestamp::from_microsecond(at).unwrap().to_string()
}

/// What an alert about a processor was known from.
pub(super) fn evidence() -> String {
    let written = json!({
        "name": "Core busy", "severity": "critical",
        "condition": { "kind": "metric", "name": "cpu_percent", "is": "above", "limit": 90.0 },
        "for_s": 120,
    });
    let rule: Written = serde_json::from_value(written).unwrap();
    let samples = json!([[60_000_000, { "value": 91.5 }], [120_000_000, { "value": 97.0 }]]);
    let wrong = json!({ "value": 97.0 });
    json!({ "rule": rule, "name": "r1", "wrong": wrong, "samples": samples }).to_string()
}

/// An alert about a device, or about the agent itself.
async fn alert(
    world: &World,
    (tenant, agent, site): (TenantId, AgentId, SiteId),
    device: Option<&str>,
    phase: &str,
) -> String {
    let now = world.state.clock.now();
    let id = AlertId(world.state.ids.next(now));
    let device = device.map(|id| id.parse::<farwatch_common::id::DeviceId>().unwrap().0);
    let device = device.map_or("NULL".to_owned(), |id| id.to_string());
    let sql = format!(
        "INSERT INTO alert (tenant_id, alert_id, rule_id, rule_name, severity, site_id, agent_id,
             device_id, object, phase, began_at, fired_at, last_at, evidence, created_at,
             updated_at)
         VALUES ({}, {}, {}, 'Core busy', 3, {}, {}, {device}, '', '{phase}', 60000000, 180000000,
             180000000, '{}', {now}, {now})",
        tenant.0,
        id.0,
        id.0,
        site.0,
        agent.0,
        evidence(),
        now = now.0
    );
    world.raw().run(composed(sql)).await;
    id.to_string()
}

/// An alert that somebody looks after, and that is silent for half an hour.
pub(super) async fn looked_after(
    world: &World,
    tenant: &str,
    agent: AgentId,
    site: SiteId,
) -> String {
    let of = (tenant.parse().unwrap(), agent, site);
    let id = alert(world, of, None, "firing").await;
    let until = world.state.clock.now().0 + 1800 * Micros::SECOND;
    let number = id.parse::<AlertId>().unwrap().0;
    let sql = format!(
        "UPDATE alert SET acked_at = 1, acked_by = 'noc', silenced_until = {until}
         WHERE alert_id = {number}"
    );
    world.raw().run(composed(sql)).await;
    id
}

/// A tenant with a device and people.
struct Place {
    world: World,
    of: (TenantId, AgentId, SiteId),
    device: String,
    operator: As,
    viewer: As,
}

async fn place(world: World) -> Place {
    let tenant = world.tenant("North").await;
    let (agent, site) = world.agent(tenant, "a").await;
    let operator = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let viewer = world.user("viewer@example.net", Role::Viewer, Some(tenant)).await;
    let device = world.device(&operator, agent, "10.0.0.1").await;
    Place { world, of: (tenant, agent, site), device, operator, viewer }
}

async fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for world in World::each_unlimited().await {
        places.push(place(world).await);
    }
    places
}

impl Place {
    async fn alert(&self, phase: &str) -> String {
        alert(&self.world, self.of, Some(&self.device), phase).await
    }

    async fn ids(&self, query: &str) -> Vec<String> {
        let list = self.world.get(&format!("/api/v1/alerts{query}"), &self.viewer).await.data();
        let ids = list.as_array().unwrap().iter();
        ids.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn the_list_is_the_newest_first_and_narrowed() {
    for place in places().await {
        let firing = place.alert("firing").await;
        let resolved = place.alert("resolved").await;
        let of_agent = alert(&place.world, place.of, None, "pending").await;
        let all = [&of_agent, &resolved, &firing].map(String::as_str);
        assert_eq!(place.ids("").await, all);
        assert_eq!(place.ids("?phase=open").await, [all[0], all[2]]);
        assert_eq!(place.ids("?phase=resolved&severity=critical").await, [all[1]]);
        assert!(place.ids("?severity=info").await.is_empty());
        place.world.raw().run("UPDATE alert SET resolved_at = 5 WHERE phase = 'resolved'").await;
        assert_eq!(place.ids("?resolved_from=1970-01-01T00:00:00.000005Z").await, [all[1]]);
        assert!(
            place.ids("?resolved_from=1970-01-01T00:00:00.000005Z&of_agent=true").await.is_empty()
        );
        assert_eq!(place.ids("?of_agent=true").await, [all[0]]);
        assert!(place.ids("?resolved_from=1970-01-01T00:00:01Z").await.is_empty());
        assert_eq!(place.ids(&format!("?device={}", place.device)).await, all[1..]);
        assert_eq!(place.ids("?q=CORE").await, all);
        assert_eq!(place.ids("?q=10.0.0").await, all[1..]);
        assert!(place.ids("?q=100%25").await.is_empty(), "a percent sign stands for itself");
        let mut seen = Vec::new();
        let mut path = "/api/v1/alerts?limit=2".to_owned();
        loop {
            let page = place.world.get(&path, &place.viewer).await.json();
            assert_eq!(page["meta"]["total"], 3);
            let rows = page["data"].as_array().unwrap();
            seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["meta"]["next_cursor"].as_str() else { break };
            path = format!("/api/v1/alerts?limit=2&cursor={next}");
        }
        assert_eq!(seen, all);
        for wrong in [
            "?phase=x",
            "?severity=x",
            "?limit=0",
            "?cursor=x",
            "?x=1",
            "?resolved_from=x",
            "?resolved_from=1970-01-01T00:00:00.000005Z&q=x",
        ] {
            let refused = place.world.get(&format!("/api/v1/alerts{wrong}"), &place.viewer).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        place.world.remove().await;
    }
}

#[tokio::test]
async fn one_says_why_it_fired_and_who_did_what() {
    for place in places().await {
        let id = place.alert("firing").await;
        let path = format!("/api/v1/alerts/{id}");
        let act = async |verb: &str, body: Value| {
            place.world.post(&format!("{path}/{verb}"), &place.operator, body).await.data()
        };
        let acked = act("ack", json!({ "note": "  on my way " })).await;
        assert_eq!(
            (&acked["ack"]["by"], &acked["ack"]["note"]),
            (&json!("op@example.net"), &json!("on my way"))
        );
        // Said again, it is the same.
        assert_eq!(act("ack", json!({})).await, acked);
        let until = soon();
        let silent = act("silence", json!({ "until": until, "note": "works" })).await;
        assert!(silent["silenced_until"].is_string(), "{silent}");
        act("unsilence", json!({})).await;
        assert_eq!(act("unack", json!({})).await["ack"], Value::Null);
        let one = place.world.get(&path, &place.viewer).await.data();
        assert_eq!(one["summary"], "10.0.0.1: processor load is 97 % (limit 90 %)");
        assert_eq!((&one["value"], &one["unit"]), (&json!(97.0), &json!("percent")));
        let evidence = &one["evidence"];
        assert_eq!(
            (&evidence["for_s"], &evidence["condition"]["limit"]),
            (&json!(120), &json!(90.0))
        );
        assert_eq!(evidence["to"], "1970-01-01T00:03:00.000000Z");
        let values: Vec<_> = evidence["samples"].as_array().unwrap().iter().collect();
        assert_eq!((values.len(), &values[1]["value"]), (2, &json!(97.0)));
        let history = one["history"].as_array().unwrap();
        let kinds: Vec<_> = history.iter().map(|turn| turn["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["unacked", "unsilenced", "silenced", "acked"]);
        assert_eq!(history[2]["note"], "works");
        assert_eq!(history[2]["until"], silent["silenced_until"]);
        assert_eq!(history[3]["by"], json!({ "kind": "user", "name": "op@example.net" }));
        let audited = place.world.audited(place.of.0, "alert").await;
        assert_eq!(audited, ["alert.ack", "alert.silence", "alert.unsilence", "alert.unack"]);
        place.world.remove().await;
    }
}

#[tokio::test]
async fn who_may_not_wrong_words_and_what_is_over_are_refused() {
    for place in places().await {
        let (firing, resolved) = (place.alert("firing").await, place.alert("resolved").await);
        let post = async |id: &str, verb: &str, body: Value, who: &As| {
            let answer = place.world.post(&format!("/api/v1/alerts/{id}/{verb}"), who, body).await;
            (answer.status.as_u16(), answer.code())
        };
        let until = soon();
        for (verb, body) in
            [("ack", json!({})), ("silence", json!({ "until": until })), ("unack", json!({}))]
        {
            assert_eq!(post(&firing, verb, body.clone(), &place.viewer).await.0, 403, "{verb}");
            let over = post(&resolved, verb, body, &place.operator).await;
            assert_eq!(over, (409, "alert_resolved".to_owned()), "{verb}");
        }
        for (verb, body) in [
            ("ack", json!({ "note": "x".repeat(501) })),
            ("ack", json!({ "note": "a\u{7}b" })),
            ("silence", json!({ "until": "tomorrow" })),
            ("silence", json!({ "until": in_minutes(-1) })),
            ("silence", json!({ "until": in_minutes(31 * 24 * 60) })),
        ] {
            assert_eq!(post(&firing, verb, body.clone(), &place.operator).await.0, 422, "{body}");
        }
        let nobodys = AlertId(1).to_string();
        assert_eq!(post(&nobodys, "ack", json!({}), &place.operator).await.0, 404);
        assert!(place.world.audited(place.of.0, "alert").await.is_empty());
        place.world.remove().await;
    }
}

#[tokio::test]
async fn a_bulk_says_what_became_of_each() {
    for place in places().await {
        let ids = [place.alert("firing").await, place.alert("resolved").await];
        let acked = place.alert("pending").await;
        let body = json!({ "note": "mine" });
        place
            .world
            .post(&format!("/api/v1/alerts/{acked}/ack"), &place.operator, body)
            .await
            .data();
        let bulk = async |body: Value| {
            place.world.post("/api/v1/alerts/bulk", &place.operator, body).await
        };
        let all = json!([acked, ids[0], ids[1], ids[0]]);
        let done = bulk(json!({ "ids": all, "act": "ack", "note": "mine" })).await.data();
        let item = |id: &str, outcome| json!({ "id": id, "outcome": outcome });
        let expected =
            [item(&ids[0], "done"), item(&ids[1], "resolved"), item(&acked, "unchanged")];
        assert_eq!(done["alerts"], json!(expected));
        assert_eq!(place.world.audited(place.of.0, "alert").await.len(), 2);
        for wrong in [
            json!({ "ids": [], "act": "ack" }),
            json!({ "ids": vec![&acked; 201], "act": "ack" }),
            json!({ "ids": [acked], "act": "silence" }),
            json!({ "ids": [acked], "act": "ack", "until": soon() }),
            json!({ "ids": [acked], "act": "unack", "note": "n" }),
        ] {
            let refused = bulk(wrong.clone()).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
        // One that is another tenant's reads like one that is gone.
        let south = place.world.tenant("South").await;
        let (agent, site) = place.world.agent(south, "s").await;
        let foreign = alert(&place.world, (south, agent, site), None, "firing").await;
        let ids = json!([acked, foreign, AlertId(1).to_string()]);
        let some = bulk(json!({ "ids": ids, "act": "unack" })).await.data();
        let nothing = AlertId(1).to_string();
        let expected = [item(&nothing, "gone"), item(&acked, "done"), item(&foreign, "gone")];
        assert_eq!(some["alerts"], json!(expected));
        for strange in [foreign, nothing] {
            let none = bulk(json!({ "ids": [strange], "act": "unack" })).await.data();
            assert_eq!(none["alerts"], json!([item(&strange, "gone")]));
        }
        place.world.remove().await;
    }
}

#[tokio::test]
async fn screens_are_told_of_what_people_do() {
    let place = place(World::new().await).await;
    let id = place.alert("firing").await;
    let filter =
        EventFilter { tenants: [place.of.0].into(), devices: std::collections::BTreeSet::new() };
    let mut events = place.world.state.live.subscribe(filter, None);
    let publishing = CancellationToken::new();
    let (live, cancel) = (place.world.state.live.clone(), publishing.clone());
    farwatch_common::task::spawn_child(&publishing, async move {
        let _ = live.run(cancel).await;
    });
    let body = json!({ "note": "mine" });
    place.world.post(&format!("/api/v1/alerts/{id}/ack"), &place.operator, body).await.data();
    let told = loop {
        let event = events.next().await.unwrap();
        if event.kind == "alerts" {
            break event.data;
        }
    };
    publishing.cancel();
    let patch = &told["patches"][0];
    assert_eq!((&patch["id"], &patch["ack"]["note"]), (&json!(id), &json!("mine")));
    assert!(told["committed_at"].is_string());
    // All that is told of an alert is a field of it.
    let document = serde_json::to_value(openapi()).unwrap();
    let known = &document["components"]["schemas"]["AlertPatch"]["properties"];
    for field in patch.as_object().unwrap().keys() {
        assert!(known[field].is_object(), "{field}");
    }
}

#[tokio::test]
async fn a_rule_is_tried_by_who_may_keep_it() {
    for place in places().await {
        let tenant = place.of.0.to_string();
        let admin = place.world.user("admin@example.net", Role::TenantAdmin, Some(place.of.0));
        let admin = admin.await;
        let down = json!({ "kind": "device_state", "states": ["down"] });
        let body = json!({ "tenant": tenant, "condition": down, "for_s": 60 });
        let path = "/api/v1/rules/preview";
        let refused = place.world.post(path, &place.operator, body.clone()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let tried = place.world.post(path, &admin, body).await.data();
        assert_eq!((&tried["in_scope"], &tried["looked_at"]), (&json!(1), &json!(1)));
        let past = &tried["past"];
        assert_eq!((&past["devices"], &past["left_out"]), (&json!(1), &json!(0)));
        assert_eq!((&past["is_known"], &past["alerts"]), (&json!(true), &json!([])));
        for (field, scope, condition) in [
            (
                "condition",
                json!({}),
                json!({ "kind": "metric", "name": "x", "is": "above", "limit": 1.0 }),
            ),
            ("scope", json!({ "tags": ["core"] }), json!({ "kind": "agent_state" })),
        ] {
            let body = json!({ "tenant": tenant, "scope": scope, "condition": condition });
            let wrong = place.world.post(path, &admin, body).await;
            assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
            assert_eq!(wrong.json()["errors"][0]["field"], field);
        }
        let rules = place.world.get("/api/v1/rules", &admin).await.data();
        assert_eq!(rules, json!([]), "nothing is kept");
        place.world.remove().await;
    }
}
