use super::*;

/// Every operation that changes something leaves a row, whoever asks; what changes nothing leaves
/// none.
#[tokio::test]
async fn changes_and_sign_ins_are_listed_with_who_and_where() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let device = world.device(&admin, agent, "10.0.0.1").await;
    world.login("admin@example.net", "not the password").await;
    world.login("nobody@example.net", "not the password").await;
    let rows = async |path: &str, who: &As| world.get(path, who).await.data();
    let all = rows("/api/v1/audit", &admin).await;
    let actions: Vec<_> =
        all.as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    // What failed is in the installation's chain, which is not this tenant's to see.
    let expected = ["device.create", "user.sign_in", "user.create", "tenant.create"];
    assert_eq!(actions, expected);
    let created = &all[0];
    assert_eq!(created["actor"]["name"], "admin@example.net");
    assert_eq!(created["object"], json!({ "kind": "device", "id": device, "name": "10.0.0.1" }));
    assert_eq!(created["after"]["host"], "10.0.0.1");
    assert_eq!(created["address"], json!(CLIENT));
    assert!(created["request_id"].as_str().unwrap().starts_with("req_"));
    assert_eq!(rows("/api/v1/audit?action=device&q=10.0", &admin).await, json!([created]));
    let request = created["request_id"].as_str().unwrap();
    assert_eq!(rows(&format!("/api/v1/audit?q={request}"), &admin).await, json!([created]));
    assert_eq!(rows("/api/v1/audit?to=2000-01-01T00:00:00Z", &admin).await, json!([]));
    // In pages, and as a file.
    let page = world.get("/api/v1/audit?limit=3", &admin).await.json();
    let next = page["meta"]["next_cursor"].as_str().unwrap();
    let rest = rows(&format!("/api/v1/audit?limit=3&cursor={next}"), &admin).await;
    assert_eq!(rest, json!([all[3]]));
    let export = world.get("/api/v1/audit/export?format=jsonl", &admin).await.body;
    let lines: Vec<Value> =
        export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json!(lines), all);
    let export = world.get("/api/v1/audit/export?format=csv&action=device", &admin).await.body;
    let lines: Vec<_> = export.lines().collect();
    assert!(lines[0].starts_with("tenant,tenant_id,seq,at,actor_kind"), "{export}");
    assert!(lines.len() == 2 && lines[1].contains("device.create"), "{export}");
    // Who sees all sees the installation's chain too.
    let noc = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let own = rows("/api/v1/audit?tenant=installation", &noc).await;
    assert_eq!(own[2]["action"], "user.sign_in_failed");
    assert_eq!(own[3]["object"]["name"], "admin@example.net");
    assert!(!own.to_string().contains("nobody@example.net"));
    assert_eq!(rows("/api/v1/audit", &noc).await.as_array().unwrap().len(), 4 + 4);
    let hidden = world.get("/api/v1/audit?tenant=installation", &admin).await;
    assert_eq!(hidden.code(), "not_found");
}
