//! What ends with what: grants with a person's work, tokens with a grant, everything with an account.

use super::devices::{PATIENCE, given_up};
use super::people::id_of;
use super::*;

const COUNT_TOKENS: &str = "SELECT COUNT(*) FROM enroll_token";
const COUNT_GRANTS: &str = "SELECT COUNT(*) FROM staff_grant WHERE ended_at IS NULL";

#[tokio::test]
async fn with_a_persons_work_for_the_provider_end_their_grants() {
    for world in World::each_unlimited().await {
        let (north, south) = (world.tenant("North").await, world.tenant("South").await);
        let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
        world.staff("staff@example.net").await;
        let path = format!("/api/v1/users/{}", id_of(&world, &root, "staff@example.net").await);
        for (patch, back) in [
            (json!({ "staff": false }), json!({ "staff": true })),
            (json!({ "disabled": true }), json!({ "disabled": false })),
        ] {
            world.grant(&root, north, "staff@example.net", "operator").await;
            world.grant(&root, south, "staff@example.net", "viewer").await;
            world.change(Method::PATCH, &path, &root, patch).await.data();
            assert_eq!(world.raw().count(COUNT_GRANTS).await, 0);
            world.change(Method::PATCH, &path, &root, back).await.data();
            let staff = As::Cookie(cookie(&world.login("staff@example.net", PASSWORD).await));
            assert_eq!(world.get("/api/v1/me", &staff).await.data()["tenants"], json!([]));
        }
        // Each tenant is told of its own, and of nothing else about the person.
        for tenant in [north, south] {
            let rows = world.audited(tenant, "").await;
            let ends = rows.iter().filter(|row| *row == "grant.end").count();
            assert_eq!(ends, 2, "{rows:?}");
            assert!(!rows.iter().any(|row| row == "user.update"), "{rows:?}");
        }
        world.remove().await;
    }
}

#[tokio::test]
async fn a_token_made_under_a_grant_ends_with_it() {
    for world in World::each().await {
        let tenant = world.tenant("North").await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
        let staff = world.staff("staff@example.net").await;
        let id = world.grant(&admin, tenant, "staff@example.net", "operator").await;
        let body = json!({ "tenant": tenant.to_string(), "site": "Depot" });
        for who in [&admin, &staff] {
            world.post("/api/v1/tokens", who, body.clone()).await.data();
        }
        assert_eq!(world.raw().count(COUNT_TOKENS).await, 2);
        let ended = world.delete(&format!("/api/v1/grants/{id}"), &admin).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        assert_eq!(world.raw().count(COUNT_TOKENS).await, 1);
        assert_eq!(world.audited(tenant, "token").await.last().unwrap(), "token.delete");
        world.remove().await;
    }
}

#[tokio::test]
async fn a_deleted_person_leaves_nothing_but_the_audit() {
    for world in World::each_unlimited().await {
        let (north, south) = (world.tenant("North").await, world.tenant("South").await);
        let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
        let me = format!("/api/v1/users/{}", id_of(&world, &root, "noc@example.net").await);
        assert_eq!(world.delete(&me, &root).await.code(), "last_super_admin");
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
        let key = world.key(&admin, north, &["read"]).await;
        let path = format!("/api/v1/users/{}", id_of(&world, &root, "admin@example.net").await);
        assert_eq!(world.delete(&path, &admin).await.code(), "forbidden");
        world.change(Method::PATCH, &path, &root, json!({ "staff": true })).await.data();
        world.grant(&root, south, "admin@example.net", "operator").await;
        world.post("/api/v1/me/totp", &admin, json!({ "password": PASSWORD })).await.data();
        assert_eq!(world.delete(&path, &root).await.status, StatusCode::NO_CONTENT);
        assert_eq!(world.delete(&path, &root).await.code(), "not_found");
        for who in [&admin, &key] {
            assert_eq!(world.get("/api/v1/tenants", who).await.code(), "unauthenticated");
        }
        assert_eq!(world.login("admin@example.net", PASSWORD).await.code(), "bad_credentials");
        let rows = world.audited(north, "").await;
        assert!(rows.ends_with(&["api_key.revoke".into(), "user.delete".into()]), "{rows:?}");
        assert_eq!(world.audited(south, "grant").await, ["grant.create", "grant.end"]);
        assert!(!world.audited(south, "").await.contains(&"user.delete".to_owned()));
        // The address is free.
        world.user("admin@example.net", Role::Viewer, Some(south)).await;
        world.remove().await;
    }
}

#[tokio::test]
async fn a_tenant_resets_the_password_of_its_own_people_alone() {
    for world in World::each_unlimited().await {
        let (north, south) = (world.tenant("North").await, world.tenant("South").await);
        let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
        let admin = world.user("admin@example.net", Role::TenantAdmin, Some(north)).await;
        let viewer = world.user("viewer@example.net", Role::Viewer, Some(north)).await;
        world.user("far@example.net", Role::Viewer, Some(south)).await;
        let reset = async |who: &As, email: &str| {
            let id = id_of(&world, &root, email).await;
            world.post(&format!("/api/v1/users/{id}/password"), who, json!({})).await
        };
        let made = reset(&admin, "viewer@example.net").await.data();
        assert_eq!(world.get("/api/v1/me", &viewer).await.code(), "unauthenticated");
        let password = made["one_time_password"].as_str().unwrap();
        let me = world.login("viewer@example.net", password).await.data();
        assert_eq!(me["user"]["must_change_password"], true);
        assert!(world.audited(north, "user").await.contains(&"user.reset_password".to_owned()));
        for (who, email) in [(&admin, "admin@example.net"), (&root, "noc@example.net")] {
            assert_eq!(reset(who, email).await.code(), "own_account");
        }
        for email in ["far@example.net", "noc@example.net"] {
            assert_eq!(reset(&admin, email).await.code(), "not_found", "{email}");
        }
        // Of the provider, or a member elsewhere too: who sets the password could be them there.
        let id = id_of(&world, &root, "viewer@example.net").await;
        let path = format!("/api/v1/users/{id}");
        world.change(Method::PATCH, &path, &root, json!({ "staff": true })).await.data();
        assert_eq!(reset(&admin, "viewer@example.net").await.code(), "account_elsewhere");
        world.change(Method::PATCH, &path, &root, json!({ "staff": false })).await.data();
        let there = format!("/api/v1/tenants/{south}/members/{id}");
        world.change(Method::PUT, &there, &root, json!({ "role": "viewer" })).await.data();
        assert_eq!(reset(&admin, "viewer@example.net").await.code(), "account_elsewhere");
        // Who is here by a grant sets nobody's.
        world.delete(&there, &root).await;
        let staff = world.staff("staff@example.net").await;
        world.grant(&root, north, "staff@example.net", "tenant_admin").await;
        assert_eq!(reset(&staff, "viewer@example.net").await.code(), "not_found");
        world.remove().await;
    }
}

#[tokio::test]
async fn what_somebody_is_at_the_provider_is_not_for_tenants() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    let path = format!("/api/v1/users/{}", id_of(&world, &root, "admin@example.net").await);
    let patch = json!({ "staff": true, "email": "named@example.net" });
    world.change(Method::PATCH, &path, &root, patch).await.data();
    let seen = world.get("/api/v1/users", &admin).await.data()[0].clone();
    assert_eq!((&seen["staff"], &seen["super_admin"]), (&Value::Null, &Value::Null));
    assert!(seen["last_sign_in_at"].is_string(), "{seen}");
    let all = world.get("/api/v1/users", &root).await.data();
    let of = all.as_array().unwrap().iter().find(|one| one["email"] == "named@example.net");
    assert_eq!(of.unwrap()["staff"], true);
    let told = world.get("/api/v1/audit?action=user.update", &admin).await;
    assert!(told.body.contains("named@example.net"), "{}", told.body);
    assert!(!told.body.contains("staff"), "{}", told.body);
}

#[tokio::test]
async fn streams_look_at_what_was_committed_even_if_the_client_hung_up() {
    let world = World::changed(|parts| parts.limits = Limits::none().into()).await;
    let tenant = world.tenant("North").await;
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let mut told = world.state.own.streams.told();
    // How far it comes with so many polls differs from time to time.
    for polls in (1..=50).cycle().take(150) {
        let Parts { db, ids, clock, .. } = &*world.state;
        let email = format!("v{}@example.net", ids.next(clock.now()));
        let place = (Role::Viewer, Some(tenant));
        let local = world.local().await;
        let user = user_create(db, &local, ids, &email, "hash", place, clock.now()).await.unwrap();
        let path = format!("/api/v1/tenants/{tenant}/members/{user}");
        let answer = given_up(world.delete(&path, &root), polls).await;
        // A commit under way ends before this begins.
        drop(world.state.db.identity(IdentityKey::of_a_test()).await.unwrap());
        let is_gone = account_by_email(&world.state.db, &email).await.unwrap().is_none();
        if is_gone {
            // Of one before, who went when this had begun, it may be told only now.
            let told = async { while told.recv().await.unwrap() != user {} };
            let told = tokio::time::timeout(PATIENCE, told).await;
            told.unwrap_or_else(|_| panic!("nobody was told after {polls} polls"));
        }
        assert!(is_gone || answer.is_none());
    }
}
