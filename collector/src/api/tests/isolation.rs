use super::*;

const NOBODYS: [(&str, &str); 3] = [
    ("devices", "dev_0000000000zzz"),
    ("agents", "agt_0000000000zzz"),
    ("api-keys", "key_0000000000zzz"),
];

/// Every operation with an id in its path, asked by one tenant for another's thing.
#[tokio::test]
async fn another_tenants_id_is_like_an_id_nobody_has() {
    for world in World::each().await {
        foreign_ids_are_nobodys(&world).await;
        world.remove().await;
    }
}

async fn foreign_ids_are_nobodys(world: &World) {
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let (agent, _) = world.agent(north, "a").await;
    let ours = world.user("north@example.net", Role::TenantAdmin, Some(north)).await;
    let device = world.device(&ours, agent, "10.0.0.1").await;
    world.key(&ours, north, &["read"]).await;
    let key = world.get("/api/v1/api-keys", &ours).await.data()[0]["id"].clone();
    let foreign = [
        ("devices", device),
        ("agents", agent.to_string()),
        ("api-keys", key.as_str().unwrap().to_owned()),
    ];
    let theirs = world.user("south@example.net", Role::TenantAdmin, Some(south)).await;
    let document = serde_json::to_value(openapi()).unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(kind) = foreign.iter().position(|(kind, _)| path.contains(&format!("/{kind}/{{")))
        else {
            assert!(!path.contains('{'), "{path} is not covered");
            continue;
        };
        for method in operations.as_object().unwrap().keys() {
            let ask = async |id: &str| {
                let mut path = path.replace("{id}", id);
                if path.ends_with("/series") {
                    path.push_str("?metric=x");
                }
                match method.as_str() {
                    "get" => world.get(&path, &theirs).await,
                    "delete" => world.delete(&path, &theirs).await,
                    "post" => world.post(&path, &theirs, json!({})).await,
                    other => panic!("{other} is not covered"),
                }
            };
            let (foreign, nobodys) = (ask(&foreign[kind].1).await, ask(NOBODYS[kind].1).await);
            let malformed = ask("no-id").await;
            assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{method} {path}: {}", foreign.body);
            assert_eq!(foreign.anonymous(), nobodys.anonymous(), "{method} {path}");
            assert_eq!(foreign.anonymous(), malformed.anonymous(), "{method} {path}");
            asked += 1;
        }
    }
    assert!(asked >= 10, "only {asked} operations");
    assert!(world.ended.0.lock().unwrap().is_empty());
    assert_eq!(world.get("/api/v1/devices", &ours).await.json()["meta"]["total"], 1);
}

#[tokio::test]
async fn ids_in_bodies_and_queries_are_held_to_the_caller_too() {
    for world in World::each().await {
        foreign_ids_are_not_found(&world).await;
        world.remove().await;
    }
}

async fn foreign_ids_are_not_found(world: &World) {
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let (agent, site) = world.agent(north, "a").await;
    let theirs = world.user("south@example.net", Role::TenantAdmin, Some(south)).await;
    let tenant = north.to_string();
    for (path, body) in [
        ("/api/v1/devices", new_device(agent, "10.0.0.1")),
        ("/api/v1/tokens", json!({ "tenant": tenant, "site": "Depot" })),
        ("/api/v1/api-keys", json!({ "tenant": tenant, "name": "n", "scopes": ["read"] })),
    ] {
        let answer = world.post(path, &theirs, body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "not_found".into()));
    }
    for path in [
        format!("/api/v1/devices?tenant={tenant}"),
        format!("/api/v1/devices?site={site}"),
        format!("/api/v1/devices?agent={agent}"),
        format!("/api/v1/sites?tenant={tenant}"),
        format!("/api/v1/agents?tenant={tenant}"),
    ] {
        assert_eq!(world.get(&path, &theirs).await.code(), "not_found", "{path}");
    }
    for path in ["tenants", "sites", "agents", "devices", "api-keys"] {
        let list = world.get(&format!("/api/v1/{path}"), &theirs).await;
        assert!(!list.body.contains(&tenant) && !list.body.contains("North"), "{}", list.body);
    }
}

#[tokio::test]
async fn one_caller_may_watch_many_tenants() {
    for world in World::each().await {
        lists_span_tenants(&world).await;
        world.remove().await;
    }
}

async fn lists_span_tenants(world: &World) {
    for name in ["North", "South"] {
        let tenant = world.tenant(name).await;
        world.agent(tenant, name).await;
    }
    let all = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let list = world.get("/api/v1/agents", &all).await.json();
    assert_eq!(list["meta"]["total"], 2);
    let tenant = list["data"][0]["tenant"]["id"].as_str().unwrap();
    let narrowed = world.get(&format!("/api/v1/agents?tenant={tenant}"), &all).await.json();
    assert_eq!(narrowed["meta"]["total"], 1);
}
