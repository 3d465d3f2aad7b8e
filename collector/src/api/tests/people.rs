use super::*;

pub(super) async fn id_of(world: &World, who: &As, email: &str) -> String {
    let people = world.get("/api/v1/users", who).await.data();
    let found = people.as_array().unwrap().iter().find(|person| person["email"] == email);
    found.unwrap_or_else(|| panic!("no {email}"))["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_with_a_one_time_password_chooses_another_first() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let body =
        json!({ "email": "New@example.net", "role": "viewer", "tenant": tenant.to_string() });
    let made = world.post("/api/v1/users", &admin, body.clone()).await.data();
    assert_eq!(made["user"]["must_change_password"], true);
    assert_eq!(made["user"]["memberships"][0]["role"], "viewer");
    assert_eq!(world.post("/api/v1/users", &admin, body).await.code(), "exists");
    let password = made["one_time_password"].as_str().unwrap();
    let answer = world.login("new@example.net", password).await;
    assert_eq!(answer.data()["user"]["must_change_password"], true);
    let who = As::Cookie(cookie(&answer));
    assert_eq!(world.get("/api/v1/devices", &who).await.code(), "password_change_required");
    assert_eq!(world.get("/api/v1/me", &who).await.status, StatusCode::OK);
    let change = async |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        world.post("/api/v1/me/password", &who, body).await
    };
    assert_eq!(change("wrong", PASSWORD).await.json()["errors"][0]["field"], "current");
    assert_eq!(change(password, password).await.json()["errors"][0]["field"], "new");
    assert_eq!(change(password, "short").await.json()["errors"][0]["field"], "new");
    assert_eq!(change(password, PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/devices", &who).await.status, StatusCode::OK);
    let rows = world.audited(tenant, "").await;
    assert!(rows.ends_with(&["user.sign_in".into(), "user.change_password".into()]), "{rows:?}");
}

#[tokio::test]
async fn people_of_the_provider_are_made_by_a_super_admin() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    for body in [
        json!({ "email": "a@example.net", "staff": true }),
        json!({ "email": "a@example.net", "role": "super_admin" }),
    ] {
        assert_eq!(world.post("/api/v1/users", &admin, body.clone()).await.code(), "forbidden");
        let made = world.post("/api/v1/users", &root, body).await;
        assert!(made.status == StatusCode::CREATED || made.code() == "exists", "{}", made.body);
    }
    for body in [
        json!({ "email": "b@example.net" }),
        json!({ "email": "b@example.net", "role": "viewer" }),
        json!({ "email": "b", "staff": true }),
        json!({ "email": "b@example.net", "staff": true, "password": "short" }),
    ] {
        assert_eq!(world.post("/api/v1/users", &root, body).await.code(), "invalid");
    }
    // Who administers a tenant sees its members, and none of their other tenants.
    let (seen, all) =
        (world.get("/api/v1/users", &admin).await, world.get("/api/v1/users", &root).await);
    assert_eq!(
        (seen.json()["meta"]["total"].clone(), seen.data()[0]["email"].clone()),
        (json!(1), json!("admin@example.net"))
    );
    assert_eq!(all.json()["meta"]["total"], 3);
}

#[tokio::test]
async fn the_last_super_admin_stays() {
    let world = World::new().await;
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let me = format!("/api/v1/users/{}", id_of(&world, &root, "noc@example.net").await);
    for patch in [json!({ "disabled": true }), json!({ "super_admin": false })] {
        let refused = world.change(Method::PATCH, &me, &root, patch).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::CONFLICT, "last_super_admin".into())
        );
    }
    let other = world.user("other@example.net", Role::SuperAdmin, None).await;
    let path = format!("/api/v1/users/{}", id_of(&world, &root, "other@example.net").await);
    let taken =
        world.change(Method::PATCH, &path, &root, json!({ "email": "NOC@example.net" })).await;
    assert_eq!(taken.code(), "exists");
    let gone = world.change(Method::PATCH, &path, &root, json!({ "disabled": true })).await;
    assert_eq!(gone.data()["disabled"], true);
    assert_eq!(world.get("/api/v1/me", &other).await.code(), "unauthenticated");
    assert_eq!(world.login("other@example.net", PASSWORD).await.code(), "bad_credentials");
    // One who may not sign in does not count.
    assert_eq!(
        world.change(Method::PATCH, &me, &root, json!({ "disabled": true })).await.code(),
        "last_super_admin"
    );
    world.change(Method::PATCH, &path, &root, json!({ "disabled": false })).await.data();
    let named = world.change(
        Method::PATCH,
        &me,
        &root,
        json!({ "super_admin": false, "email": "n@example.net" }),
    );
    assert_eq!(named.await.data()["email"], "n@example.net");
    assert_eq!(world.get("/api/v1/users", &root).await.code(), "forbidden");
}

#[tokio::test]
async fn a_new_password_ends_sessions() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let one = world.user("v@example.net", Role::Viewer, Some(tenant)).await;
    let two = As::Cookie(cookie(&world.login("v@example.net", PASSWORD).await));
    let listed = world.get("/api/v1/sessions", &two).await;
    assert_eq!(listed.json()["meta"]["total"], 2);
    let current = |row: &&Value| row["current"] == true;
    assert_eq!(listed.data().as_array().unwrap().iter().filter(current).count(), 1);
    let body = json!({ "current": PASSWORD, "new": "another long password" });
    assert_eq!(world.post("/api/v1/me/password", &two, body).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/me", &one).await.code(), "unauthenticated");
    assert_eq!(world.get("/api/v1/me", &two).await.status, StatusCode::OK);
    let id = id_of(&world, &root, "v@example.net").await;
    let reset = world.post(&format!("/api/v1/users/{id}/password"), &root, json!({})).await.data();
    assert_eq!(world.get("/api/v1/me", &two).await.code(), "unauthenticated");
    let again = world.login("v@example.net", reset["one_time_password"].as_str().unwrap()).await;
    assert_eq!(again.data()["user"]["must_change_password"], true);
    let rows = world.audited(tenant, "").await;
    assert!(rows.contains(&"user.reset_password".to_owned()), "{rows:?}");
}

#[tokio::test]
async fn a_session_is_ended_by_its_id() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let viewer = world.user("v@example.net", Role::Viewer, Some(tenant)).await;
    let id = id_of(&world, &root, "v@example.net").await;
    let session = async |who: &As| {
        let list = world.get(&format!("/api/v1/sessions?user={id}"), who).await;
        list.data()[0]["id"].as_str().unwrap().to_owned()
    };
    let theirs = session(&root).await;
    let mine = world.get("/api/v1/sessions", &root).await.data()[0]["id"].clone();
    let mine = format!("/api/v1/sessions/{}", mine.as_str().unwrap());
    assert_eq!(world.delete(&mine, &viewer).await.code(), "not_found");
    let root_id = id_of(&world, &root, "noc@example.net").await;
    let peek = world.get(&format!("/api/v1/sessions?user={root_id}"), &viewer).await;
    assert_eq!(peek.code(), "not_found");
    let path = format!("/api/v1/sessions/{theirs}");
    assert_eq!(world.delete(&path, &root).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/me", &viewer).await.code(), "unauthenticated");
    assert_eq!(world.delete(&path, &root).await.code(), "not_found");
    assert_eq!(world.delete(&mine, &root).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/me", &root).await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_tenant_keeps_an_administrator() {
    for world in World::each().await {
        let tenant = world.tenant("North").await;
        let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
        let mut admins = Vec::new();
        for email in ["one@example.net", "two@example.net"] {
            let who = world.user(email, Role::TenantAdmin, Some(tenant)).await;
            let id = id_of(&world, &root, email).await;
            admins.push((who, format!("/api/v1/tenants/{tenant}/members/{id}")));
        }
        let [(one, first), (_, second)] = <[_; 2]>::try_from(admins).ok().unwrap();
        let set = async |who: &As, path: &str, role: &str| {
            world.change(Method::PUT, path, who, json!({ "role": role })).await
        };
        // Who may not sign in does not count.
        let (_, id) = second.rsplit_once('/').unwrap();
        let account = format!("/api/v1/users/{id}");
        for (disabled, expected) in [(true, "last_tenant_admin"), (false, "")] {
            let body = json!({ "disabled": disabled });
            world.change(Method::PATCH, &account, &root, body).await.data();
            let answer = set(&one, &first, "viewer").await;
            if expected.is_empty() {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            } else {
                assert_eq!(answer.code(), expected);
            }
        }
        // Signed out since.
        let two = As::Cookie(cookie(&world.login("two@example.net", PASSWORD).await));
        assert_eq!(set(&two, &second, "operator").await.code(), "last_tenant_admin");
        assert_eq!(world.delete(&second, &two).await.code(), "last_tenant_admin");
        assert_eq!(set(&two, &second, "tenant_admin").await.status, StatusCode::OK);
        assert_eq!(world.delete(&first, &two).await.status, StatusCode::NO_CONTENT);
        assert_eq!(set(&root, &second, "viewer").await.status, StatusCode::OK);
        let rows = world.get(&format!("/api/v1/audit?tenant={tenant}&action=member"), &root).await;
        let rows = rows.data();
        assert_eq!(rows[0]["object"]["id"], id, "{rows}");
        world.remove().await;
    }
}

#[tokio::test]
async fn members_come_go_and_change() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let ours = world.user("north@example.net", Role::TenantAdmin, Some(north)).await;
    let theirs = world.user("south@example.net", Role::TenantAdmin, Some(south)).await;
    let viewer = world.user("v@example.net", Role::Viewer, Some(north)).await;
    let members = |tenant: TenantId| format!("/api/v1/tenants/{tenant}/members");
    let add = async |who: &As, tenant, email: &str| {
        world.post(&members(tenant), who, json!({ "email": email, "role": "viewer" })).await
    };
    let fresh = add(&ours, north, "new@example.net").await.data();
    assert!(fresh["one_time_password"].is_string(), "{fresh}");
    assert_eq!(add(&ours, north, "new@example.net").await.code(), "exists");
    // Whose address it is nobody has shown: it comes here through a super_admin alone.
    for email in ["new@example.net", "V@example.net"] {
        assert_eq!(add(&theirs, south, email).await.code(), "account_elsewhere");
    }
    let root = world.user("root@example.net", Role::SuperAdmin, None).await;
    let known = add(&root, south, "V@example.net").await.data();
    assert_eq!(known["one_time_password"], Value::Null);
    let tenants = world.get("/api/v1/me", &viewer).await.data()["tenants"].clone();
    assert_eq!(tenants.as_array().unwrap().len(), 2, "{tenants}");
    let id = known["member"]["id"].as_str().unwrap();
    let of = |tenant| format!("{}/{id}", members(tenant));
    assert_eq!(world.get(&members(south), &viewer).await.code(), "forbidden");
    let role = json!({ "role": "operator" });
    let set = world.change(Method::PUT, &of(south), &theirs, role.clone()).await.data();
    assert_eq!(set["role"], "operator");
    let tenants = world.get("/api/v1/me", &viewer).await.data()["tenants"].clone();
    assert_eq!((&tenants[0]["role"], &tenants[1]["role"]), (&json!("viewer"), &json!("operator")));
    assert_eq!(world.delete(&of(south), &theirs).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get(&members(south), &viewer).await.code(), "forbidden");
    // Of somebody who is no member, an administrator learns nothing by the id.
    let nobody = format!("{}/usr_0000000000zzz", members(south));
    let (foreign, random) = (
        world.change(Method::PUT, &of(south), &theirs, role.clone()).await,
        world.change(Method::PUT, &nobody, &theirs, role.clone()).await,
    );
    assert_eq!(foreign.status, StatusCode::NOT_FOUND);
    assert_eq!(foreign.anonymous(), random.anonymous());
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    assert_eq!(world.change(Method::PUT, &of(south), &root, role).await.data()["role"], "operator");
    let rows = world.audited(south, "").await;
    for action in ["member.create", "member.update", "member.delete"] {
        assert!(rows.contains(&action.to_owned()), "{action} is not in {rows:?}");
    }
}
