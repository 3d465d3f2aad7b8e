use super::*;

/// Asks every operation as everybody: refused is who the document does not name, and nobody else.
/// Ids are nobody's, so what is not refused says that there is no such thing.
#[tokio::test]
async fn the_document_says_who_is_let_in() {
    let world = World::changed(|parts| parts.limits = Limits::none().into()).await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let callers = [
        ("nobody", As::Nobody),
        ("api_key:read", world.key(&admin, tenant, &["read"]).await),
        ("api_key:write", world.key(&admin, tenant, &["read", "write"]).await),
        ("viewer", world.user("viewer@example.net", Role::Viewer, Some(tenant)).await),
        ("operator", world.user("operator@example.net", Role::Operator, Some(tenant)).await),
        ("tenant_admin", admin),
        ("super_admin", world.user("noc@example.net", Role::SuperAdmin, None).await),
    ];
    let document = serde_json::to_value(openapi()).unwrap();
    let needs = document["x-farwatch-needs"].as_array().unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            // It ends the session that the others need.
            if path == "/api/v1/logout" {
                continue;
            }
            let need = needs.iter().find(|row| row["need"] == operation["x-farwatch-need"]);
            let met_by = need.unwrap()["met_by"].as_array().unwrap();
            let path = path.replace("{id}", "dev_0000000000zzz");
            let path = path.replace("{user}", "usr_0000000000zzz");
            for (kind, who) in &callers {
                let method = method.to_uppercase().parse().unwrap();
                let request = world.request(method, &path, who).body(Body::empty()).unwrap();
                // The body is left: an event stream's has no end.
                let status = world.router.clone().oneshot(request).await.unwrap().status();
                let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
                let named = met_by.iter().any(|name| name == kind);
                assert_eq!(!refused, named, "{path} as {kind}: {status}");
                asked += 1;
            }
        }
    }
    assert!(asked > 150, "only {asked}");
}

#[tokio::test]
async fn who_may_not_is_refused_before_anything_is_read() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let viewer = world.user("viewer@example.net", Role::Viewer, Some(tenant)).await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let key = world.key(&admin, tenant, &["read"]).await;
    for (path, body) in [("agents/agt_x/revoke", json!(7)), ("api-keys", json!([]))] {
        let answer = world.post(&format!("/api/v1/{path}"), &viewer, body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "forbidden".into()));
    }
    assert_eq!(world.get("/api/v1/me", &key).await.code(), "forbidden");
    // What no operation is for is told as before, and a HEAD needs what its GET needs.
    let wrong = world.delete("/api/v1/devices", &As::Nobody).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    for (who, status) in [(&key, StatusCode::OK), (&As::Nobody, StatusCode::UNAUTHORIZED)] {
        let head = world.request(Method::HEAD, "/api/v1/devices", who);
        assert_eq!(world.send(head.body(Body::empty()).unwrap()).await.status, status);
    }
    let head = world.request(Method::HEAD, "/api/v1/me", &key).body(Body::empty()).unwrap();
    assert_eq!(world.send(head).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_person_without_a_tenant_is_told_so_and_a_super_admin_goes_on() {
    let world = World::new().await;
    let all = world.user("noc@example.net", Role::SuperAdmin, None).await;
    assert_eq!(world.get("/api/v1/devices", &all).await.data(), json!([]));
    let tenant = world.tenant("North").await;
    let viewer = world.user("viewer@example.net", Role::Viewer, Some(tenant)).await;
    world.raw().run("DELETE FROM membership").await;
    let refused = world.get("/api/v1/devices", &viewer).await;
    assert_eq!(refused.code(), "forbidden");
    assert!(refused.body.contains("no role in any tenant"), "{}", refused.body);
    assert_eq!(world.get("/api/v1/tenants", &viewer).await.data(), json!([]));
}
