//! Screens on the wall, and a person's own views.

use super::*;

fn wanted(tenants: Value) -> Value {
    json!({ "name": "Hall", "tenants": tenants, "every_s": 20,
            "views": [{ "kind": "now" }, { "kind": "fleet", "tag": "core" }] })
}

/// Makes a screen and opens it as a browser does.
async fn opened(world: &World, admin: &As, body: Value) -> (String, As) {
    let made = world.post("/api/v1/screens", admin, body).await.data();
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let entered = world.post("/api/v1/wall", &As::Nobody, json!({ "token": token })).await;
    assert_eq!(entered.status, StatusCode::OK, "{}", entered.body);
    let cookie = entered.headers["set-cookie"].to_str().unwrap();
    let attributes = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=34560000";
    assert_eq!(cookie, format!("__Host-farwatch-wall={token}{attributes}"));
    (id.to_owned(), As::Screen(token.to_owned()))
}

#[tokio::test]
async fn a_screen_sees_its_tenants_and_nothing_else() {
    for world in World::each().await {
        let (north, south) = (world.tenant("North").await, world.tenant("South").await);
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
        let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
        for tenant in [north, south] {
            let (agent, _) = world.agent(tenant, "a").await;
            world.device(&noc, agent, "10.0.0.1").await;
        }
        let (id, screen) = opened(&world, &admin, wanted(json!([north.to_string()]))).await;
        let wall = world.get("/api/v1/wall", &screen).await.data();
        assert_eq!((&wall["name"], &wall["every_s"]), (&json!("Hall"), &json!(20)));
        assert_eq!(wall["views"][1], json!({ "kind": "fleet", "tenant": null, "tag": "core" }));
        assert_eq!(wall["tenants"], json!([{ "id": north.to_string(), "name": "North" }]));
        for list in ["devices", "agents", "sites"] {
            let rows = world.get(&format!("/api/v1/{list}"), &screen).await.data();
            let rows = rows.as_array().unwrap();
            assert_eq!(rows.len(), 1, "{list}");
            assert_eq!(rows[0]["tenant"]["name"], "North", "{list}");
        }
        assert_eq!(world.get("/api/v1/alerts", &screen).await.data(), json!([]));
        let device = world.get("/api/v1/devices", &screen).await.data()[0]["id"].clone();
        let device = device.as_str().unwrap();
        for path in [
            format!("/api/v1/devices/{device}"),
            "/api/v1/configs".to_owned(),
            "/api/v1/rules".to_owned(),
            "/api/v1/screens".to_owned(),
            "/api/v1/me".to_owned(),
            "/api/v1/me/views".to_owned(),
        ] {
            assert_eq!(world.get(&path, &screen).await.code(), "forbidden", "{path}");
        }
        let poll = format!("/api/v1/devices/{device}/poll");
        assert_eq!(world.post(&poll, &screen, json!({})).await.code(), "forbidden");
        let listed = world.get("/api/v1/screens", &admin).await.data();
        assert_eq!((&listed[0]["id"], listed.as_array().unwrap().len()), (&json!(id), 1));
        assert!(listed[0]["last_used_at"].is_string() && listed[0].get("token").is_none());
        let path = format!("/api/v1/screens/{id}");
        assert_eq!(world.delete(&path, &admin).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.get("/api/v1/wall", &screen).await.code(), "unauthenticated");
        assert_eq!(world.audited(north, "screen").await, ["screen.create", "screen.delete"]);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_screen_of_all_tenants_shows_those_that_come_and_is_a_super_admins() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
    let both = wanted(json!([north.to_string(), south.to_string()]));
    assert_eq!(world.post("/api/v1/screens", &admin, both.clone()).await.code(), "not_found");
    assert_eq!(world.post("/api/v1/screens", &admin, wanted(Value::Null)).await.code(), "invalid");
    let viewer = world.user("viewer@example.net", Role::Viewer, Some(north)).await;
    assert_eq!(world.post("/api/v1/screens", &viewer, both.clone()).await.code(), "forbidden");
    let (id, screen) = opened(&world, &noc, wanted(Value::Null)).await;
    world.tenant("West").await;
    let names = |wall: Value| {
        let tenants = wall["tenants"].as_array().unwrap().clone();
        tenants.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let wall = world.get("/api/v1/wall", &screen).await.data();
    assert_eq!(names(wall), ["North", "South", "West"]);
    // It is not the admin's to see: it shows more than there is of theirs.
    assert_eq!(world.get("/api/v1/screens", &admin).await.data(), json!([]));
    let path = format!("/api/v1/screens/{id}");
    assert_eq!(world.delete(&path, &admin).await.code(), "not_found");
    // Another view, fewer tenants: the same link.
    let fewer = json!({ "name": "Door", "tenants": [south.to_string()],
                        "views": [{ "kind": "alerts", "tenant": south.to_string() }] });
    let changed = world.change(Method::PUT, &path, &noc, fewer).await.data();
    assert_eq!((&changed["name"], &changed["every_s"]), (&json!("Door"), &json!(30)));
    let wall = world.get("/api/v1/wall", &screen).await.data();
    assert_eq!(names(wall), ["South"]);
    // Whoever made it knows its link.
    let chief = world.user("chief@example.net", Role::SuperAdmin, None).await;
    let maker = world.get("/api/v1/me", &noc).await.data()["user"]["id"].clone();
    let path = format!("/api/v1/users/{}", maker.as_str().unwrap());
    assert_eq!(world.delete(&path, &chief).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/wall", &screen).await.code(), "unauthenticated");
    assert_eq!(world.audited(south, "screen").await, ["screen.change", "screen.delete"]);
}

#[tokio::test]
async fn whoever_goes_takes_the_screens_that_they_made_and_no_others() {
    for world in World::each().await {
        let (north, south) = (world.tenant("North").await, world.tenant("South").await);
        let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
        let maker = world.user("maker@example.net", Role::SuperAdmin, None).await;
        let of = |tenant: TenantId| wanted(json!([tenant.to_string()]));
        let (_, stays) = opened(&world, &noc, of(north)).await;
        let mut gone = Vec::new();
        for tenant in [north, south, south] {
            gone.push(opened(&world, &maker, of(tenant)).await.1);
        }
        let id = world.get("/api/v1/me", &maker).await.data()["user"]["id"].clone();
        let path = format!("/api/v1/users/{}", id.as_str().unwrap());
        assert_eq!(world.delete(&path, &noc).await.status, StatusCode::NO_CONTENT);
        for screen in gone {
            assert_eq!(world.get("/api/v1/wall", &screen).await.code(), "unauthenticated");
        }
        assert_eq!(world.get("/api/v1/wall", &stays).await.status, StatusCode::OK);
        let ended = ["screen.create", "screen.create", "screen.delete"];
        assert_eq!(world.audited(north, "screen").await, ended);
        let ended = ["screen.create", "screen.create", "screen.delete", "screen.delete"];
        assert_eq!(world.audited(south, "screen").await, ended);
        world.remove().await;
    }
}

#[tokio::test]
async fn a_tenant_is_taken_out_of_a_screen_that_others_made() {
    for world in World::each().await {
        let (north, south) = (world.tenant("North").await, world.tenant("South").await);
        let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(south)).await;
        let mut body = wanted(json!([north.to_string(), south.to_string()]));
        let of_north = json!({ "kind": "alerts", "tenant": north.to_string() });
        body["views"].as_array_mut().unwrap().push(of_north);
        let (id, screen) = opened(&world, &noc, body.clone()).await;
        let seen = world.get("/api/v1/screens", &admin).await.data();
        assert_eq!(seen[0]["tenants"], json!([{ "id": south.to_string(), "name": "South" }]));
        assert_eq!((&seen[0]["shared"], &seen[0]["views"][2]), (&json!(true), &Value::Null));
        let path = format!("/api/v1/screens/{id}");
        let own = wanted(json!([south.to_string()]));
        assert_eq!(world.change(Method::PUT, &path, &admin, own).await.code(), "forbidden");
        assert_eq!(world.delete(&path, &admin).await.status, StatusCode::NO_CONTENT);
        let wall = world.get("/api/v1/wall", &screen).await.data();
        assert_eq!(wall["tenants"], json!([{ "id": north.to_string(), "name": "North" }]));
        assert_eq!(world.get("/api/v1/screens", &admin).await.data(), json!([]));
        assert_eq!(world.delete(&path, &admin).await.code(), "not_found");
        // Each tenant's audit tells what was shown of it, and to whom else is none of its business.
        let told = async |tenant: TenantId| {
            let path = format!("/api/v1/audit?tenant={tenant}&action=screen");
            let rows = world.get(&path, &noc).await.data();
            let rows = rows.as_array().unwrap().iter().rev();
            let tenants = |change: &Value| change["tenants"][0]["name"].clone();
            let told = |row: &Value| (tenants(&row["before"]), tenants(&row["after"]));
            rows.map(told).collect::<Vec<_>>()
        };
        let south_in_and_out =
            [(Value::Null, json!("South")), (json!("South"), Value::Null)].to_vec();
        assert_eq!(told(south).await, south_in_and_out);
        assert_eq!(told(north).await, [(Value::Null, json!("North"))]);
        assert!(
            !world.get(&format!("/api/v1/audit?tenant={south}"), &noc).await.body.contains("North")
        );
        world.remove().await;
    }
}

#[tokio::test]
async fn a_browser_is_its_screen_on_the_wall_only() {
    let world = World::new().await;
    let north = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
    let (_, screen) = opened(&world, &admin, wanted(json!([north.to_string()]))).await;
    for path in ["/api/v1/me", "/api/v1/devices", "/api/v1/alerts", "/api/v1/events"] {
        let mut request = world.request(Method::GET, path, &screen).body(Body::empty()).unwrap();
        request.headers_mut().remove("farwatch-screen").unwrap();
        assert_eq!(world.send(request).await.code(), "unauthenticated", "{path}");
    }
}

#[tokio::test]
async fn a_screen_hangs_where_anybody_sees_it() {
    let world = World::new().await;
    let north = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
    let (agent, site) = world.agent(north, "a").await;
    let device = world.device(&admin, agent, "10.0.0.1").await;
    alerts::looked_after(&world, &north.to_string(), agent, site).await;
    let (_, screen) = opened(&world, &admin, wanted(json!([north.to_string()]))).await;
    let who = async |by: &As| world.get("/api/v1/alerts", by).await.data()[0]["ack"]["by"].clone();
    assert_eq!((who(&admin).await, who(&screen).await), (json!("noc"), json!("somebody")));
    for path in [
        format!("/api/v1/events?device={device}"),
        "/api/v1/alerts?phase=resolved".to_owned(),
        "/api/v1/alerts?resolved_from=1970-01-01T00:00:00.000005Z".to_owned(),
    ] {
        assert_eq!(world.get(&path, &screen).await.code(), "forbidden", "{path}");
    }
    // The stream names nobody either.
    let request = world.request(Method::GET, "/api/v1/events", &screen).body(Body::empty());
    let response = world.router.clone().oneshot(request.unwrap()).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    stream::read_until(&mut stream, "event: hello").await;
    let publishing = CancellationToken::new();
    let (live, cancel) = (world.state.live.clone(), publishing.clone());
    farwatch_common::task::spawn_child(&publishing, async move {
        let _ = live.run(cancel).await;
    });
    let alert = world.get("/api/v1/alerts", &admin).await.data()[0]["id"].clone();
    let path = format!("/api/v1/alerts/{}/ack", alert.as_str().unwrap());
    world.post(&path, &admin, json!({ "note": "a word of staff" })).await.data();
    let told = stream::read_until(&mut stream, "\"somebody\"").await;
    assert!(!told.contains("admin@") && !told.contains("staff"), "{told}");
    publishing.cancel();
}

#[tokio::test]
async fn a_tenant_has_so_many_screens() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let of = |tenant: TenantId| wanted(json!([tenant.to_string()]));
    for _ in 0..50 {
        world.post("/api/v1/screens", &noc, of(north)).await.data();
    }
    assert_eq!(world.post("/api/v1/screens", &noc, of(north)).await.code(), "full");
    world.post("/api/v1/screens", &noc, of(south)).await.data();
}

#[tokio::test]
async fn a_screen_shows_no_more_than_who_made_it_administers_now() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let maker = world.user("maker@example.net", Role::TenantAdmin, Some(north)).await;
    let member = json!({ "email": "maker@example.net", "role": "tenant_admin" });
    world.post(&format!("/api/v1/tenants/{south}/members"), &noc, member).await.data();
    let both = wanted(json!([north.to_string(), south.to_string()]));
    let (_, screen) = opened(&world, &maker, both).await;
    let shown = async || {
        let wall = world.get("/api/v1/wall", &screen).await;
        wall.status.is_success().then(|| wall.data()["tenants"].as_array().unwrap().len())
    };
    assert_eq!(shown().await, Some(2));
    let id = world.get("/api/v1/me", &maker).await.data()["user"]["id"].clone();
    let id = id.as_str().unwrap();
    let gone = world.delete(&format!("/api/v1/tenants/{south}/members/{id}"), &noc).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(shown().await, Some(1));
    let person = format!("/api/v1/users/{id}");
    world.change(Method::PATCH, &person, &noc, json!({ "disabled": true })).await.data();
    assert_eq!(shown().await, None);
}

#[tokio::test]
async fn a_screen_of_all_ends_with_its_makers_reign() {
    let world = World::new().await;
    let north = world.tenant("North").await;
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let maker = world.user("maker@example.net", Role::TenantAdmin, Some(north)).await;
    let id = world.get("/api/v1/me", &maker).await.data()["user"]["id"].clone();
    let person = format!("/api/v1/users/{}", id.as_str().unwrap());
    let reigns = async |so: bool| {
        let body = json!({ "staff": so, "super_admin": so });
        world.change(Method::PATCH, &person, &noc, body).await.data();
    };
    reigns(true).await;
    let maker = As::Cookie(cookie(&world.login("maker@example.net", PASSWORD).await));
    let (_, screen) = opened(&world, &maker, wanted(Value::Null)).await;
    assert_eq!(world.get("/api/v1/wall", &screen).await.status, StatusCode::OK);
    reigns(false).await;
    assert_eq!(world.get("/api/v1/wall", &screen).await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_person_sees_the_wall_as_themselves_and_a_wrong_link_opens_nothing() {
    let world = World::new().await;
    let north = world.tenant("North").await;
    let viewer = world.user("viewer@example.net", Role::Viewer, Some(north)).await;
    let wall = world.get("/api/v1/wall", &viewer).await.data();
    assert_eq!(wall["name"], Value::Null);
    assert_eq!(wall["views"].as_array().unwrap().len(), 3);
    assert_eq!(world.get("/api/v1/wall", &As::Nobody).await.code(), "unauthenticated");
    for token in ["", "fws_", "fws_1_2_3", "fwk_00000000003ux_aaaa_bbbb"] {
        let answer = world.post("/api/v1/wall", &As::Nobody, json!({ "token": token })).await;
        assert_eq!(answer.code(), "bad_link", "{token}");
    }
    let left = world.delete("/api/v1/wall", &As::Nobody).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    assert!(left.headers["set-cookie"].to_str().unwrap().ends_with("Max-Age=0"));
}

#[tokio::test]
async fn views_are_a_persons_own() {
    for world in World::each().await {
        let north = world.tenant("North").await;
        let one = world.user("one@example.net", Role::Viewer, Some(north)).await;
        let two = world.user("two@example.net", Role::Viewer, Some(north)).await;
        let put = |views: Value| {
            world.change(Method::PUT, "/api/v1/me/views", &one, json!({ "views": views }))
        };
        let views = json!([{ "name": "Down", "path": "/fleet?state=down" },
                           { "name": "Mine", "path": "/alerts" }]);
        assert_eq!(put(views.clone()).await.data(), views);
        assert_eq!(world.get("/api/v1/me/views", &one).await.data(), views);
        assert_eq!(world.get("/api/v1/me/views", &two).await.data(), json!([]));
        for bad in [
            json!([{ "name": "", "path": "/fleet" }]),
            json!([{ "name": "n", "path": "//evil.example" }]),
            Value::from(vec![json!({ "name": "n", "path": "/fleet" }); 51]),
        ] {
            assert_eq!(put(bad).await.code(), "invalid");
        }
        assert_eq!(put(json!([])).await.data(), json!([]));
        assert_eq!(world.get("/api/v1/me/views", &one).await.data(), json!([]));
        world.remove().await;
    }
}

#[tokio::test]
async fn a_demo_is_told_as_one() {
    let world = World::new().await;
    world.tenant("North").await;
    world.raw().run("UPDATE tenant SET demo = 1").await;
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    assert_eq!(world.get("/api/v1/me", &noc).await.data()["tenants"][0]["demo"], true);
    assert_eq!(world.get("/api/v1/tenants", &noc).await.data()[0]["demo"], true);
}
