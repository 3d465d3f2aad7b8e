use super::*;

const MINUTE: i64 = 60_000_000;

#[tokio::test]
async fn a_grant_lets_staff_in_for_a_while_and_hands_out_nothing() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
    let staff = world.staff("staff@example.net").await;
    assert_eq!(world.get("/api/v1/agents", &staff).await.code(), "forbidden");
    let id = world.grant(&admin, north, "staff@example.net", "tenant_admin").await;
    let (agent, _) = world.agent(north, "a").await;
    world.device(&staff, agent, "10.0.0.1").await;
    let me = world.get("/api/v1/me", &staff).await.data();
    assert_eq!(me["tenants"][0]["role"], "tenant_admin");
    assert!(me["tenants"][0]["granted_until"].is_string(), "{me}");
    assert_eq!(me["user"]["staff"], true);
    let tenant = north.to_string();
    // What a grant handed out would outlive it.
    let member = json!({ "email": "me@example.net", "role": "tenant_admin" });
    for (path, body) in [
        (format!("/api/v1/tenants/{north}/members"), member),
        ("/api/v1/api-keys".into(), json!({ "tenant": tenant, "name": "n", "scopes": ["read"] })),
        (
            "/api/v1/grants".into(),
            json!({ "tenant": tenant, "email": "staff@example.net",
            "role": "viewer", "reason": "more time", "minutes": 480 }),
        ),
    ] {
        assert_eq!(world.post(&path, &staff, body).await.code(), "forbidden", "{path}");
    }
    assert_eq!(
        world.get(&format!("/api/v1/agents?tenant={south}"), &staff).await.code(),
        "not_found"
    );
    let listed = world.get("/api/v1/grants?live=true", &admin).await.data();
    assert_eq!((&listed[0]["id"], &listed[0]["live"]), (&json!(id), &json!(true)));
    assert_eq!(listed[0]["granted_by"]["name"], "admin@example.net");
    world.state.clock.shift(29 * MINUTE);
    assert_eq!(world.get("/api/v1/agents", &staff).await.status, StatusCode::OK);
    world.state.clock.shift(29 * MINUTE);
    assert_eq!(world.get("/api/v1/agents", &staff).await.status, StatusCode::OK);
    world.state.clock.shift(3 * MINUTE);
    assert_eq!(world.get("/api/v1/agents", &staff).await.code(), "forbidden");
    assert_eq!(world.get("/api/v1/me", &staff).await.data()["tenants"], json!([]));
    let mine = world.get("/api/v1/grants", &staff).await.data();
    assert_eq!((&mine[0]["id"], &mine[0]["live"]), (&json!(id), &json!(false)));
}

#[tokio::test]
async fn a_grant_is_ended_by_either_side_and_shows_in_the_tenant() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
    let viewer = world.user("viewer@example.net", Role::Viewer, Some(north)).await;
    let stranger = world.user("south@example.net", Role::TenantAdmin, Some(south)).await;
    let staff = world.staff("staff@example.net").await;
    for ender in [&admin, &staff] {
        let id = world.grant(&admin, north, "staff@example.net", "viewer").await;
        assert_eq!(world.get("/api/v1/agents", &staff).await.status, StatusCode::OK);
        let path = format!("/api/v1/grants/{id}");
        for other in [&viewer, &stranger] {
            assert_eq!(world.delete(&path, other).await.code(), "not_found");
        }
        assert_eq!(world.delete(&path, ender).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.get("/api/v1/agents", &staff).await.code(), "forbidden");
    }
    assert_eq!(world.get("/api/v1/grants", &viewer).await.data(), json!([]));
    let page = world.get("/api/v1/grants?limit=1", &admin).await.json();
    assert_eq!(page["meta"]["total"], 2);
    assert_eq!(page["data"][0]["ended_by"]["name"], "staff@example.net");
    let cursor = page["meta"]["next_cursor"].as_str().unwrap();
    let rest = world.get(&format!("/api/v1/grants?limit=1&cursor={cursor}"), &admin).await.json();
    assert_eq!(rest["data"][0]["ended_by"]["name"], "admin@example.net");
    assert_eq!(rest["meta"]["next_cursor"], Value::Null);
    assert_eq!(
        world.audited(north, "grant").await,
        ["grant.create", "grant.end", "grant.create", "grant.end"]
    );
}

#[tokio::test]
async fn a_grant_has_a_reason_an_end_and_a_person_of_the_staff() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    world.user("viewer@example.net", Role::Viewer, Some(tenant)).await;
    world.staff("staff@example.net").await;
    let good = json!({ "tenant": tenant.to_string(), "email": "staff@example.net",
                       "role": "viewer", "reason": "ticket 7", "minutes": 480 });
    assert_eq!(
        world.post("/api/v1/grants", &admin, good.clone()).await.status,
        StatusCode::CREATED
    );
    for (field, value) in [
        ("reason", json!("  x ")),
        ("reason", json!("two\nlines")),
        ("minutes", json!(0)),
        ("minutes", json!(481)),
        ("email", json!("viewer@example.net")),
        ("email", json!("nobody@example.net")),
        ("role", json!("super_admin")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = world.post("/api/v1/grants", &admin, body).await.json();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
}
