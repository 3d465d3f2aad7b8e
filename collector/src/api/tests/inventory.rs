use super::*;
use crate::inventory::assignment::assignment_for;
use crate::inventory::quota::BURST_S;

async fn patch(world: &World, path: &str, who: &As, body: Value) -> Answer {
    world.change(Method::PATCH, path, who, body).await
}

#[tokio::test]
async fn tenants_sites_and_tokens_are_made_named_and_taken_out() {
    let world = World::new().await;
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let made = world.post("/api/v1/tenants", &noc, json!({ "name": "North" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let tenant = made.data()["id"].as_str().unwrap().to_owned();
    let twice = world.post("/api/v1/tenants", &noc, json!({ "name": "North" })).await;
    assert_eq!((twice.status, twice.code()), (StatusCode::CONFLICT, "exists".into()));
    let path = format!("/api/v1/tenants/{tenant}");
    let renamed = patch(&world, &path, &noc, json!({ "name": "Far north" })).await.data();
    assert_eq!(renamed, world.get(&path, &noc).await.data());
    let new = json!({ "tenant": tenant, "name": "Roof" });
    let site = world.post("/api/v1/sites", &noc, new.clone()).await.data();
    assert_eq!(site["tenant"], json!({ "id": tenant, "name": "Far north" }));
    assert_eq!(world.post("/api/v1/sites", &noc, new).await.code(), "exists");
    let path = format!("/api/v1/sites/{}", site["id"].as_str().unwrap());
    assert_eq!(
        patch(&world, &path, &noc, json!({ "name": "Attic" })).await.data()["name"],
        "Attic"
    );
    assert_eq!(patch(&world, &path, &noc, json!({ "name": " " })).await.code(), "invalid");
    let token = json!({ "tenant": tenant, "site": "Attic" });
    let text = world.post("/api/v1/tokens", &noc, token).await.data()["token"].clone();
    let refused = world.delete(&path, &noc).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "in_use".into()));
    assert!(refused.body.contains("open enrolment tokens: 1"), "{}", refused.body);
    let listed = world.get("/api/v1/tokens?limit=1", &noc).await;
    assert!(!listed.body.contains(text.as_str().unwrap()));
    let id = listed.data()[0]["id"].as_str().unwrap().to_owned();
    let token = format!("/api/v1/tokens/{id}");
    assert_eq!(world.delete(&token, &noc).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.delete(&token, &noc).await.code(), "not_found");
    assert_eq!(world.delete(&path, &noc).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_change_reaches_the_agent_and_the_screens() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let id = world.device(&who, agent, "10.0.0.1").await;
    let path = format!("/api/v1/devices/{id}");
    let mut changes = world.state.changes.subscribe();
    let body = json!({
        "address": "10.0.0.2:1161", "interval_s": 10, "tags": ["core"], "snmp": { "version": "v1" },
    });
    let changed = patch(&world, &path, &who, body).await.data();
    assert_eq!(changes.try_recv().unwrap(), agent);
    // Nobody named it: it goes by its new address.
    assert_eq!(changed["name"], "10.0.0.2:1161");
    assert_eq!((&changed["tags"], &changed["interval_s"]), (&json!(["core"]), &json!(10)));
    let Parts { db, vault, .. } = &*world.state;
    let local = world.local().await;
    let (sent, _) = assignment_for(db, vault, &local, (tenant, agent)).await.unwrap();
    assert_eq!((sent.devices[0].host.as_str(), sent.devices[0].port), ("10.0.0.2", 1161));
    for bad in [
        json!({ "address": "http://x" }),
        json!({ "interval_s": 0 }),
        json!({ "tags": ["a,b"] }),
        json!({ "snmp": { "community": "" } }),
        json!({ "colour": "red" }),
    ] {
        assert_eq!(patch(&world, &path, &who, bad.clone()).await.code(), "invalid", "{bad}");
    }
    let found = world.get("/api/v1/devices?tag=core", &who).await.json();
    assert_eq!(found["meta"]["total"], 1);
    assert_eq!(world.get("/api/v1/devices?tag=edge", &who).await.json()["meta"]["total"], 0);
    // Without its own it takes a profile, and the page says which.
    let profile = world.profile(&who, tenant, json!({ "tag": "core" })).await;
    let none = json!({ "community": null });
    let shown = world.change(Method::PUT, &format!("{path}/credential"), &who, none).await.data();
    let expected = json!({
        "version": "v1", "credential": "profile", "profile": { "id": profile, "name": "p" },
        "kind": "snmp_community", "user": null, "damaged": false,
    });
    assert_eq!(shown["snmp"], expected);
    let path = format!("/api/v1/credential-profiles/{profile}");
    let body = json!({ "tag": null, "name": "every" });
    let changed = patch(&world, &path, &who, body).await.data();
    assert_eq!((&changed["tag"], &changed["name"]), (&Value::Null, &json!("every")));
    assert_eq!(world.get(&path, &who).await.data(), changed);
    assert_eq!(world.delete(&path, &who).await.status, StatusCode::NO_CONTENT);
    let shown = world.get(&format!("/api/v1/devices/{id}"), &who).await.data();
    assert_eq!(shown["snmp"]["credential"], "none");
}

#[tokio::test]
async fn many_devices_change_by_id_and_by_filter() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("op@example.net", Role::Operator, Some(tenant)).await;
    let mut ids = Vec::new();
    for number in 1..4 {
        ids.push(world.device(&who, agent, &format!("10.0.0.{number}")).await);
    }
    let bulk = async |body| world.post("/api/v1/devices/bulk", &who, body).await;
    let body = json!({ "ids": ids[..2], "change": { "add_tags": ["x"], "interval_s": 5 } });
    assert_eq!(bulk(body).await.data()["devices"], 2);
    let delete = bulk(json!({ "filter": { "tag": "x" }, "delete": true })).await.data();
    let tenants = json!([{ "tenant": tenant.to_string(), "devices": 2 }]);
    assert_eq!((&delete["devices"], &delete["tenants"]), (&json!(2), &tenants));
    assert_eq!(world.get("/api/v1/devices", &who).await.json()["meta"]["total"], 1);
    for bad in [
        json!({}),
        json!({ "ids": [], "delete": true }),
        json!({ "filter": {}, "delete": true }),
        json!({ "ids": [ids[2]] }),
        json!({ "ids": [ids[2]], "delete": true, "change": {} }),
        json!({ "ids": [ids[2]], "change": { "add_tags": [""] } }),
    ] {
        assert_eq!(bulk(bad.clone()).await.code(), "invalid", "{bad}");
    }
    let gone = bulk(json!({ "ids": [ids[0], ids[2]], "delete": true })).await;
    assert_eq!(gone.code(), "not_found");
    assert_eq!(world.get("/api/v1/devices", &who).await.json()["meta"]["total"], 1);
}

#[tokio::test]
async fn another_agent_takes_many_devices_over() {
    for world in World::each().await {
        let (tenant, other) = (world.tenant("North").await, world.tenant("South").await);
        let (gone, _) = world.agent(tenant, "vm").await;
        let (new, _) = world.agent(tenant, "vm 2").await;
        let (far, _) = world.agent(other, "far").await;
        let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
        let who = world.user("op@example.net", Role::TenantAdmin, Some(tenant)).await;
        for number in 1..4 {
            world.device(&who, gone, &format!("10.0.0.{number}")).await;
        }
        let revoke = format!("/api/v1/agents/{gone}/revoke");
        let request = world.request(Method::POST, &revoke, &who).body(Body::empty()).unwrap();
        let revoked = world.send(request).await;
        assert_eq!(revoked.status, StatusCode::OK, "{}", revoked.body);
        let take = async |who: &As, agent: &str| {
            let all = json!({ "tenant": tenant.to_string() });
            let body = json!({ "filter": all, "change": { "agent": agent } });
            world.post("/api/v1/devices/bulk", who, body).await
        };
        assert_eq!(take(&who, &new.to_string()).await.data()["devices"], 3);
        let agents = world.get("/api/v1/agents", &who).await.data();
        let devices = |id: AgentId| {
            let mut rows = agents.as_array().unwrap().iter();
            rows.find(|row| row["id"] == id.to_string()).unwrap()["devices"].clone()
        };
        assert_eq!((devices(gone), devices(new)), (json!(0), json!(3)));
        let Parts { db, vault, .. } = &*world.state;
        let whose = (tenant, new);
        let (sent, _) = assignment_for(db, vault, &world.local().await, whose).await.unwrap();
        let communities = sent.devices.into_iter().map(|device| device.snmp.unwrap().community);
        assert!(communities.into_iter().all(|community| community == b"a-secret-community"));
        assert_eq!(take(&who, &gone.to_string()).await.code(), "agent_revoked");
        for nobodys in [far.to_string(), "agt_0000000000zzz".to_owned(), "x".to_owned()] {
            let refused = take(&who, &nobodys).await;
            assert_eq!(refused.status, StatusCode::NOT_FOUND);
            assert_eq!(refused.json()["errors"][0]["field"], "change.agent");
        }
        // Who sees both is told more.
        let refused = take(&noc, &far.to_string()).await;
        assert_eq!((refused.code(), refused.status.as_u16()), ("invalid".into(), 422));
        world.remove().await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_by_field_and_name() {
    let world = World::new().await;
    let (tenant, south) = (world.tenant("North").await, world.tenant("South").await);
    let (agent, site) = world.agent(tenant, "a").await;
    let (_, foreign) = world.agent(south, "b").await;
    let who = world.user("op@example.net", Role::TenantAdmin, Some(tenant)).await;
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let body = json!({ "tenant": tenant.to_string(), "name": "DEPOT" });
    let exists = world.post("/api/v1/sites", &who, body).await;
    assert_eq!(exists.code(), "exists");
    assert!(exists.body.contains("There is a site of this name already: `Depot`."));
    world.device(&who, agent, "10.0.0.1").await;
    let again = world.post("/api/v1/devices", &who, new_device(agent, "10.0.0.1")).await;
    assert!(again.body.contains("already: `10.0.0.1`"), "{}", again.body);
    let nobodys = json!({ "site": foreign.to_string() });
    let refused = patch(&world, &format!("/api/v1/agents/{agent}"), &who, nobodys).await;
    let refused = refused.json();
    assert_eq!(refused["detail"], "There is no such site here.");
    assert_eq!(
        (&refused["code"], &refused["errors"][0]["field"]),
        (&json!("not_found"), &json!("site"))
    );
    // A site by its id, and what only looks like one.
    let token = async |site: &str| {
        let body = json!({ "tenant": tenant.to_string(), "site": site });
        world.post("/api/v1/tokens", &who, body).await
    };
    let made = token(&site.to_string()).await.data();
    assert_eq!(made["site"], json!({ "id": site.to_string(), "name": "Depot" }));
    let (unknown, foreign) = (token("sit_0000000000zzz").await, token(&foreign.to_string()).await);
    assert_eq!(
        (unknown.code(), &unknown.json()["errors"][0]["field"]),
        ("invalid".into(), &json!("site"))
    );
    assert_eq!(unknown.anonymous(), foreign.anonymous());
    let body = json!({ "email": "x@example.net", "role": "super_admin",
                       "tenant": tenant.to_string() });
    let refused = world.post("/api/v1/users", &noc, body).await;
    assert!(refused.body.contains("a super_admin has no tenant"), "{}", refused.body);
    let quota = format!("/api/v1/tenants/{tenant}/quota");
    let refused = world.change(Method::PUT, &quota, &noc, json!({ "agents": -1 })).await;
    assert!(refused.body.contains("must be 0 or more"), "{}", refused.body);
}

#[tokio::test]
async fn a_quota_is_shown_and_held() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    world.device(&admin, agent, "10.0.0.1").await;
    let path = format!("/api/v1/tenants/{tenant}/quota");
    let quota = json!({ "devices": 1, "api_per_second": 1 });
    assert_eq!(world.change(Method::PUT, &path, &admin, quota.clone()).await.code(), "forbidden");
    let set = world.change(Method::PUT, &path, &noc, quota).await.data();
    assert_eq!(set["devices"], json!({ "limit": 1, "is_default": false, "used": 1 }));
    assert_eq!(set["agents"]["is_default"], true);
    assert_eq!(world.get(&path, &admin).await.data(), set);
    let refused = world.post("/api/v1/devices", &admin, new_device(agent, "10.0.0.2")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "quota".into()));
    assert!(refused.body.contains("1 devices"), "{}", refused.body);
    let bad = json!({ "api_per_second": 0 });
    assert_eq!(world.change(Method::PUT, &path, &noc, bad).await.code(), "invalid");
    // Two keys of the tenant share its rate; a person's session does not count.
    let keys =
        [world.key(&admin, tenant, &["read"]).await, world.key(&admin, tenant, &["read"]).await];
    let mut passed = 0;
    let limited = loop {
        let answer = world.get("/api/v1/sites", &keys[passed % 2]).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        passed += 1;
        assert!(passed < 50, "nothing limits");
    };
    assert!(passed >= BURST_S as usize, "{passed}");
    assert_eq!(limited.code(), "too_many_requests");
    assert!(limited.headers.contains_key("retry-after"));
    assert_eq!(world.get("/api/v1/sites", &admin).await.status, StatusCode::OK);
}

/// What screens are told of a device is told in the order of the commits.
#[tokio::test]
async fn a_change_waits_until_the_one_before_it_is_told() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let (agent, _) = world.agent(north, "a").await;
    let (far, _) = world.agent(south, "b").await;
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let path = async |agent, address: &str| {
        format!("/api/v1/devices/{}", world.device(&noc, agent, address).await)
    };
    let (one, two) = (path(agent, "10.0.0.1").await, path(agent, "10.0.0.2").await);
    let elsewhere = path(far, "10.0.0.1").await;
    let id = one.rsplit('/').next().unwrap();
    let faster = json!({ "interval_s": 5 });
    let bulk = json!({ "ids": [id], "change": { "add_tags": ["x"] } });
    let quota = format!("/api/v1/tenants/{north}/quota");
    let own = format!("{one}/credential");
    let turn = world.state.live.turn(north).await;
    let answers = async {
        let answers = tokio::join!(
            world.change(Method::PATCH, &one, &noc, faster.clone()),
            world.change(Method::PUT, &own, &noc, json!({ "community": null })),
            world.delete(&two, &noc),
            world.post("/api/v1/devices/bulk", &noc, bulk),
            world.post("/api/v1/devices", &noc, new_device(agent, "10.0.0.3")),
            world.change(Method::PUT, &quota, &noc, json!({ "devices": 9 })),
        );
        <[Answer; 6]>::from(answers)
    };
    tokio::pin!(answers);
    let others = async {
        for _ in 0..6 {
            assert_eq!(patch(&world, &elsewhere, &noc, faster.clone()).await.status, 200);
        }
        (
            world.get(&one, &noc).await.data(),
            world.get(&two, &noc).await.status,
            world.get(&quota, &noc).await.data(),
        )
    };
    let seen = tokio::select! {
        biased;
        _ = &mut answers => panic!("it was nobody's turn"),
        seen = others => seen,
    };
    assert_eq!((&seen.0["interval_s"], &seen.0["tags"]), (&json!(60), &json!([])));
    assert_eq!((seen.1, &seen.2["devices"]["used"]), (StatusCode::OK, &json!(2)));
    assert_eq!(seen.2["devices"]["is_default"], true);
    drop(turn);
    for answer in answers.await {
        assert!(answer.status.is_success(), "{}", answer.body);
    }
}
