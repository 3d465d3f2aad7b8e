use super::*;

#[tokio::test]
async fn a_collector_that_does_not_know_its_address_makes_no_tokens() {
    let world = World::changed(|parts| parts.origin.endpoints.clear()).await;
    let tenant = world.tenant("North").await;
    let who = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let body = json!({ "tenant": tenant.to_string(), "site": "Depot" });
    let refused = world.post("/api/v1/tokens", &who, body).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::CONFLICT, "no_public_address".into())
    );
    let detail = refused.json()["detail"].to_string();
    for word in ["`[listen]`", "HOST:PORT", "restart the collector"] {
        assert!(detail.contains(word), "{detail}");
    }
    // Where it is on the host is for those at the host.
    assert!(!detail.contains("/etc"), "{detail}");
}

#[tokio::test]
async fn bad_bodies_are_refused_with_a_reason() {
    let world = World::new().await;
    let who = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let send = async |body: String| {
        let request = world.request(Method::POST, "/api/v1/tokens", &who);
        let request = request.header("content-type", "application/json; charset=utf-8");
        world.send(request.body(body.into()).unwrap()).await
    };
    for (body, status, code) in [
        (String::new(), 400, "bad_json"),
        ("{".into(), 400, "bad_json"),
        ("[".repeat(200), 400, "bad_json"),
        ("{}".into(), 422, "invalid"),
        (r#"{"tenant":1,"site":"x"}"#.into(), 422, "invalid"),
        (r#"{"tenant":"x","site":"x","more":1}"#.into(), 422, "invalid"),
        (r#"{"tenant":"x","site":"x"}"#.into(), 404, "not_found"),
        (format!(r#"{{"site":"{}"}}"#, "x".repeat(BODY_BYTES_MAX)), 413, "too_large"),
    ] {
        let answer = send(body.clone()).await;
        let start: String = body.chars().take(40).collect();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{start}");
    }
}

#[tokio::test]
async fn bad_queries_are_refused_with_a_reason() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let who = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let device = world.device(&who, agent, "10.0.0.1").await;
    let series = format!("devices/{device}/series");
    for path in [
        "devices?limit=0".to_owned(),
        "devices?limit=1001".into(),
        "devices?limit=many".into(),
        "devices?colour=red".into(),
        "devices?state=green".into(),
        "devices?sort=colour".into(),
        series.clone(),
        format!("{series}?metric=,"),
        format!("{series}?metric=x&points=5001"),
        format!("{series}?metric=x&from=yesterday"),
        format!("{series}?metric=x&from=1795452152"),
        format!("{series}?metric=x&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"),
        format!("{series}?metric=x&from=-9223372036854775808"),
        format!("devices/{device}/samples?format=xml"),
        "events?last_event_id=x".into(),
    ] {
        let answer = world.get(&format!("/api/v1/{path}"), &who).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_query"), "{path}");
    }
    for path in ["devices?cursor=x", "devices?cursor=e30", "agents?cursor=%25"] {
        let answer = world.get(&format!("/api/v1/{path}"), &who).await;
        assert_eq!(answer.code(), "bad_cursor", "{path}");
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems_under_api_and_pages_elsewhere() {
    let world = World::new().await;
    for path in ["/api", "/api/v1/nothing", "/api/v2/devices", "/health/other"] {
        assert_eq!(world.get(path, &As::Nobody).await.code(), "not_found", "{path}");
    }
    let wrong = world.delete("/api/v1/devices", &As::Nobody).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (405, "method_not_allowed"));
    assert!(wrong.headers["allow"].to_str().unwrap().contains("POST"));
    let wrong = world.delete("/devices", &As::Nobody).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(wrong.headers["allow"], "GET, HEAD");
    for path in ["/", "/devices/dev_1", "/index.html"] {
        let page = world.get(path, &As::Nobody).await;
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["x-content-type-options"], "nosniff");
        assert!(page.headers.contains_key("content-security-policy"));
        assert!(!page.body.contains("__CSP_NONCE__"));
    }
    assert_eq!(world.get("/assets/gone.js", &As::Nobody).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_tls_promises_tls() {
    let world = World::new().await;
    let ask = async |secure| {
        let mut request = Request::get("/health/live").body(Body::empty()).unwrap();
        let address = "127.0.0.1:5".parse().unwrap();
        request.extensions_mut().insert(Client { address, secure });
        world.send(request).await
    };
    assert!(ask(true).await.headers.contains_key("strict-transport-security"));
    assert!(!ask(false).await.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn probes_and_self_metrics() {
    let world = World::new().await;
    for probe in ["live", "ready", "startup"] {
        let answer = world.get(&format!("/health/{probe}"), &As::Nobody).await;
        assert_eq!(answer.status, StatusCode::OK, "{probe}");
    }
    let refused = world.get("/metrics", &As::Nobody).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let with_token = world.get("/metrics", &As::Key("metrics-token".into())).await;
    assert!(with_token.body.contains("farwatch_api_requests_total{status=\"2xx\"} 3"));
    let wrong = world.get("/metrics", &As::Key("metrics-tokem".into())).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let without = World::new().await;
    without.state.db.close().await;
    assert_eq!(without.get("/health/live", &As::Nobody).await.status, StatusCode::OK);
    let down = without.get("/health/ready", &As::Nobody).await;
    assert_eq!((down.status.as_u16(), down.code().as_str()), (503, "unavailable"));
}
