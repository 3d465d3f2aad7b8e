use super::*;
use crate::identity::limits::REQUESTS_BURST;

#[tokio::test]
async fn a_read_key_reads_and_a_write_key_writes() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let reads = world.key(&admin, tenant, &["read"]).await;
    let writes = world.key(&admin, tenant, &["read", "write"]).await;
    assert_eq!(world.get("/api/v1/devices", &reads).await.status, StatusCode::OK);
    let refused = world.post("/api/v1/devices", &reads, new_device(agent, "10.0.0.1")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "scope".into()));
    let device = world.device(&writes, agent, "10.0.0.1").await;
    let path = format!("/api/v1/devices/{device}");
    assert_eq!(world.delete(&path, &reads).await.code(), "scope");
    assert_eq!(world.delete(&path, &writes).await.status, StatusCode::NO_CONTENT);
    // A key never makes keys nor ends agents.
    let body = json!({ "tenant": tenant.to_string(), "name": "n", "scopes": ["read"] });
    assert_eq!(world.post("/api/v1/api-keys", &writes, body).await.code(), "forbidden");
    let path = format!("/api/v1/agents/{agent}/revoke");
    assert_eq!(world.post(&path, &writes, json!({})).await.code(), "forbidden");
}

#[tokio::test]
async fn a_key_has_the_scopes_it_names() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    for (scopes, good) in [
        (json!(["read"]), true),
        (json!(["write", "read"]), true),
        (json!(["write"]), false),
        (json!(["read", "read"]), false),
        (json!([]), false),
    ] {
        let body = json!({ "tenant": tenant.to_string(), "name": "n", "scopes": scopes });
        let answer = world.post("/api/v1/api-keys", &admin, body).await;
        assert_eq!(answer.status == StatusCode::CREATED, good, "{scopes}");
        assert!(good || answer.body.contains("\"scopes\""), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_key_ends_by_its_date_and_by_hand() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let key = world.key(&admin, tenant, &["read"]).await;
    let listed = world.get("/api/v1/api-keys", &admin).await;
    let As::Key(text) = &key else { panic!("no key") };
    let secret = text.split('_').nth(2).unwrap();
    assert!(!listed.body.contains(secret));
    let id = listed.data()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed.data()[0]["scopes"], json!(["read"]));
    assert_eq!(world.get("/api/v1/tenants", &key).await.status, StatusCode::OK);
    let gone = world.delete(&format!("/api/v1/api-keys/{id}"), &admin).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/tenants", &key).await.code(), "unauthenticated");
    let again = world.delete(&format!("/api/v1/api-keys/{id}"), &admin).await;
    assert_eq!(again.code(), "not_found");
    let other = world.key(&admin, tenant, &["read"]).await;
    world.state.clock.shift(91 * 86_400_000_000);
    assert_eq!(world.get("/api/v1/tenants", &other).await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_broken_key_does_not_fall_back_to_the_cookie() {
    let world = World::new().await;
    let who = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let (unknown, other) = ("This API key is not known here", "Sign in, or send an API key");
    for (value, expected) in [
        ("Bearer fwk_x", unknown),
        ("Bearer \u{e9}", other),
        ("Basic eDp5", other),
        ("Bearer", other),
    ] {
        let request = world.request(Method::GET, "/api/v1/me", &who);
        let request = request.header("authorization", value).body(Body::empty()).unwrap();
        let refused = world.send(request).await;
        assert_eq!(refused.code(), "unauthenticated", "{value}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(expected), "{value}: {detail}");
    }
}

#[tokio::test]
async fn a_key_that_asks_too_often_waits_and_others_do_not() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let (busy, calm) =
        (world.key(&admin, tenant, &["read"]).await, world.key(&admin, tenant, &["read"]).await);
    let mut limited = None;
    // The bucket refills while the loop runs; it cannot refill as fast as it is emptied.
    for _ in 0..REQUESTS_BURST.get() * 50 {
        let answer = world.get("/api/v1/tenants", &busy).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            limited = Some(answer);
            break;
        }
    }
    let limited = limited.expect("never limited");
    assert_eq!(limited.code(), "too_many_requests");
    assert_eq!(limited.headers["retry-after"], "1");
    assert_eq!(world.get("/api/v1/tenants", &calm).await.status, StatusCode::OK);
}

#[tokio::test]
async fn roles_end_where_they_should() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let viewer = world.user("viewer@example.net", Role::Viewer, Some(tenant)).await;
    let operator = world.user("operator@example.net", Role::Operator, Some(tenant)).await;
    let token = json!({ "tenant": tenant.to_string(), "site": "Depot" });
    assert_eq!(world.get("/api/v1/agents", &viewer).await.data()[0]["id"], agent.to_string());
    let add = new_device(agent, "10.0.0.1");
    assert_eq!(world.post("/api/v1/devices", &viewer, add).await.code(), "forbidden");
    assert_eq!(world.post("/api/v1/tokens", &viewer, token.clone()).await.code(), "forbidden");
    assert_eq!(world.post("/api/v1/tokens", &operator, token).await.status, StatusCode::CREATED);
    let path = format!("/api/v1/agents/{agent}/revoke");
    assert_eq!(world.post(&path, &operator, json!({})).await.code(), "forbidden");
    assert!(world.ended.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_revoked_agent_is_ended_everywhere() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let path = format!("/api/v1/agents/{agent}/revoke");
    let answer = world.post(&path, &admin, json!({})).await.data();
    assert!(answer["revoked_at"].is_string(), "{answer}");
    assert_eq!(*world.ended.0.lock().unwrap(), [agent]);
    let open = "SELECT COUNT(*) FROM agent_key WHERE revoked_at IS NULL";
    assert_eq!(world.raw().count(open).await, 0);
    let refused = world.post("/api/v1/devices", &admin, new_device(agent, "10.0.0.1")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "agent_revoked".into()));
    let again = world.post(&path, &admin, json!({})).await.data();
    assert_eq!(again["revoked_at"], answer["revoked_at"]);
}
