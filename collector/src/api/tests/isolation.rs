//! Nobody learns anything of another tenant: every operation of the document, on both engines.

use super::recipes::{Recipe, STAFF, Things, recipes};
use super::*;
use crate::identity::{api_key, session};
use crate::store::Engine;

const AUDIT_ROWS: &str = "SELECT COUNT(*) FROM audit";

/// What somebody can tell two answers apart by, and the statements that ran for each.
#[derive(Debug, PartialEq)]
struct Told {
    status: StatusCode,
    body: Value,
    ran: Vec<String>,
}

/// One operation as somebody asks for it with these ids.
async fn told(
    world: &World,
    (method, recipe): (&str, &Recipe),
    (ids, own): (&Things, &Things),
    who: &As,
) -> Told {
    let method: Method = method.to_uppercase().parse().unwrap();
    let request = world.request(method, &ids.fill(recipe.path, own), who);
    let request = match &recipe.body {
        Some(body) => request
            .header("content-type", "application/json")
            .body(ids.fill(&body.to_string(), own).into()),
        None => request.body(Body::empty()),
    };
    world.state.db.ran.take();
    let response = world.router.clone().oneshot(request.unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    // Once a minute a use is noted, whatever was asked.
    let notes = [api_key::TOUCH.to_string(), session::TOUCH.to_string()];
    let ran = world.state.db.ran.take().into_iter().filter(|name| !notes.contains(name)).collect();
    let content = parts.headers.get("content-type").map(|value| value.to_str().unwrap());
    let mut body = match content {
        Some("application/problem+json") => serde_json::from_str(&http_body(body).await).unwrap(),
        // What is let in is not compared, and an event stream has no end.
        _ => Value::Null,
    };
    body.as_object_mut().map(|body| body.remove("request_id"));
    Told { status: parts.status, body, ran }
}

fn is_met(document: &Value, operation: &Value, kind: &str) -> bool {
    let needs = document["x-farwatch-needs"].as_array().unwrap();
    let need = needs.iter().find(|row| row["need"] == operation["x-farwatch-need"]).unwrap();
    need["met_by"].as_array().unwrap().iter().any(|name| name == kind)
}

async fn walk(world: &World) -> usize {
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let ours = world.user("north@example.net", Role::TenantAdmin, Some(north)).await;
    let theirs = world.user("south@example.net", Role::TenantAdmin, Some(south)).await;
    let staff = json!({ "email": STAFF, "staff": true });
    world.post("/api/v1/users", &noc, staff).await.data();
    let scopes = &["read", "write"];
    let callers =
        [("api_key:write", world.key(&theirs, south, scopes).await), ("tenant_admin", theirs)];
    let southern = Things::of(world, south, &callers[1].1).await;
    let document = serde_json::to_value(openapi()).unwrap();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations += 1;
            let name = operation["operationId"].as_str().unwrap();
            let Some(recipes) = recipes(name) else {
                assert!(!path.contains('{'), "{name} takes an id");
                continue;
            };
            for (number, recipe) in recipes.into_iter().enumerate() {
                let target = recipe.path;
                assert!(is_of(path, target), "{target} is not {path}");
                let things = Things::of(world, north, &ours).await;
                let nobodys = things.nobodys();
                for (kind, who) in &callers {
                    let request = (method.as_str(), &recipe);
                    let foreign = told(world, request, (&things, &southern), who).await;
                    let unknown = told(world, request, (&nobodys, &southern), who).await;
                    assert_eq!(foreign, unknown, "{method} {target} as {kind}");
                    let expected = if is_met(&document, operation, kind) {
                        StatusCode::NOT_FOUND
                    } else {
                        StatusCode::FORBIDDEN
                    };
                    assert_eq!(foreign.status, expected, "{method} {target} as {kind}");
                    assert!(!foreign.ran.is_empty(), "{method} {target}: no statement is seen");
                }
                let rows = world.raw().count(AUDIT_ROWS).await;
                let mut refused = Vec::new();
                for who in [&ours, &noc, &things.person] {
                    let own = told(world, (method, &recipe), (&things, &things), who).await;
                    if own.status.is_success() {
                        refused.clear();
                        break;
                    }
                    refused.push(own);
                }
                assert!(refused.is_empty(), "{method} {target}: {refused:?}");
                // The first way of asking changes something; another may name what is so already.
                let written = world.raw().count(AUDIT_ROWS).await - rows;
                // Who sees secrets stands in the audit.
                let only_reads =
                    (method == "get" && name != "config_raw") || name == "rule_preview";
                let expected = if only_reads { written == 0 } else { written > 0 || number > 0 };
                assert!(expected, "{method} {target}: {written} rows in the audit");
                // A tenant has room for so many; whether the recipe ended it already is no matter.
                for path in ["/api/v1/grants/{grant}", "/api/v1/channels/{channel}"] {
                    world.delete(&things.fill(path, &things), &ours).await;
                }
            }
        }
    }
    assert!(world.ended.0.lock().unwrap().len() == 1, "the owner's revocation alone counts");
    operations
}

/// Whether a request is one of a path of the document.
fn is_of(path: &str, request: &str) -> bool {
    let (request, _) = request.split_once('?').unwrap_or((request, ""));
    let (mut path, mut request) = (path.split('/'), request.split('/'));
    loop {
        match (path.next(), request.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || (a.starts_with('{') && b.starts_with('{')) => {}
            _ => return false,
        }
    }
}

/// The two engines side by side: each walk takes its time.
async fn walk_on(engine: Engine) {
    for world in World::each_unlimited().await {
        if world.state.db.engine() == engine {
            println!("walked {} operations on {engine:?}", walk(&world).await);
        }
        world.remove().await;
    }
}

#[tokio::test]
async fn no_operation_tells_anything_of_another_tenant() {
    walk_on(Engine::Sqlite).await;
}

#[tokio::test]
async fn no_operation_tells_anything_of_another_tenant_on_postgresql() {
    walk_on(Engine::Postgres).await;
}

/// Methods of paths, as the router itself tells them: a route that is not in the document is one
/// that the walk does not see.
#[tokio::test]
async fn every_route_is_in_the_document() {
    let world = World::new().await;
    let told = format!("{:?}", world.router);
    let methods = ["get: ", "delete: ", "patch: ", "post: ", "put: ", "options: ", "trace: "];
    let count = |what: &str| -> usize {
        methods.iter().map(|method| told.matches(&format!(" {method}{what}")).count()).sum()
    };
    let routes = count("Route") + count("BoxedHandler");
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    println!("{routes} routes, {operations} operations");
    // `/metrics` is for a scraper and speaks of no tenant.
    assert_eq!(routes, operations + 1, "{told}");
    for path in paths.keys() {
        assert!(told.contains(&format!("\"{path}\"")), "{path} is not served");
    }
}

#[tokio::test]
async fn lists_hold_nothing_of_another_tenant() {
    for world in World::each_unlimited().await {
        let (north, south) = (world.tenant("North").await, world.tenant("South").await);
        let ours = world.user("north@example.net", Role::TenantAdmin, Some(north)).await;
        let theirs = world.user("south@example.net", Role::TenantAdmin, Some(south)).await;
        let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
        let staff = json!({ "email": STAFF, "staff": true });
        world.post("/api/v1/users", &noc, staff).await.data();
        Things::of(&world, north, &ours).await;
        let document = serde_json::to_value(openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let lists = paths.iter().filter(|(path, item)| {
            let is_list = item["get"]["operationId"].is_string() && !path.contains('{');
            is_list && path.starts_with("/api/v1/") && *path != "/api/v1/events"
        });
        let mut asked = 0;
        for (path, _) in lists {
            let list = world.get(path, &theirs).await;
            let secret = [north.to_string(), "North".into(), "10.0.0.1".into(), "north@".into()];
            for text in secret {
                assert!(!list.body.contains(&text), "{path}: {}", list.body);
            }
            asked += usize::from(list.status.is_success());
        }
        assert!(asked >= 6, "only {asked}");
        world.remove().await;
    }
}

#[tokio::test]
async fn one_caller_may_watch_many_tenants() {
    for world in World::each().await {
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
        world.remove().await;
    }
}
