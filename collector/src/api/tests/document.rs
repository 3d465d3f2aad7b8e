use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn every_operation_of_the_document_is_served_and_guarded() {
    let world = World::new().await;
    let document = world.get("/api/v1/openapi.json", &As::Nobody).await;
    assert_eq!(document.body, openapi().to_pretty_json().unwrap());
    let document = document.json();
    let open = [
        "/api/v1/login",
        "/api/v1/logout",
        "/api/v1/openapi.json",
        "/health/live",
        "/health/ready",
        "/health/startup",
    ];
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let real = path.replace("{id}", "dev_0000000000001");
            let real = real.replace("{user}", "usr_0000000000001");
            let request = world.request(method.clone(), &real, &As::Nobody);
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            // A screen begins and ends by itself; what it shows is for screens.
            let of_screens = path == "/api/v1/wall" && method != Method::GET;
            if !open.contains(&path.as_str()) && !of_screens {
                assert_eq!(answer.code(), "unauthenticated", "{method} {path}");
            }
            let problem = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert!(problem.is_object(), "{method} {path} names no problem");
        }
    }
}

#[test]
fn the_document_has_what_the_web_ui_is_made_from() {
    let document = serde_json::to_value(openapi()).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in [
        "Agent",
        "AgentsEvent",
        "Alert",
        "AlertDetail",
        "AlertsEvent",
        "ApiKey",
        "Cause",
        "CreatedApiKey",
        "Device",
        "BulkAnswer",
        "CredentialProfile",
        "DeviceChange",
        "DeviceDetail",
        "DevicesEvent",
        "Facts",
        "HelloEvent",
        "Interface",
        "InterfacesEvent",
        "Me",
        "MetricInfo",
        "NewDevice",
        "Problem",
        "Quota",
        "Scope",
        "Series",
        "SeriesSet",
        "Site",
        "State",
        "Tenant",
        "Token",
        "TokenInfo",
    ] {
        assert!(schemas.contains_key(name), "{name} is missing");
    }
    let required = |name: &str| -> BTreeSet<&str> {
        schemas[name]["required"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect()
    };
    assert_eq!(
        required("Device").len(),
        schemas["Device"]["properties"].as_object().unwrap().len()
    );
    assert_eq!(required("NewDevice"), BTreeSet::from(["agent", "address"]));
    assert_eq!(required("DevicePatch"), BTreeSet::from(["id"]));
    assert!(!required("Problem").contains("errors"));
    // Every reference leads somewhere.
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is referred to and missing");
    }
}
