use super::super::guard::{Proof, check};
use super::factor::{self, with_factor};
use super::*;
use crate::audit::INSTALLATION;
use crate::identity::failures::ROWS_PER_ADDRESS;
use crate::identity::session::session_key;

#[tokio::test]
async fn a_login_opens_a_session_and_a_logout_ends_it() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    world.user("noc@example.net", Role::Operator, Some(tenant)).await;
    let answer = world.login(" NOC@example.net ", PASSWORD).await;
    let line = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(line.split("; ").any(|part| part == attribute), "{line}");
    }
    assert!(!line.contains("Domain"), "{line}");
    let me = answer.data();
    assert_eq!(me["user"]["email"], "noc@example.net");
    assert_eq!(me["user"]["role"], "operator");
    let mine = json!([{
        "id": tenant.to_string(),
        "name": "North",
        "role": "operator",
        "demo": false,
        "granted_until": null,
    }]);
    assert_eq!(me["tenants"], mine);
    let who = As::Cookie(cookie(&answer));
    assert_eq!(world.get("/api/v1/me", &who).await.data(), me);
    let out = world.post("/api/v1/logout", &who, json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(world.get("/api/v1/me", &who).await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_second_login_ends_the_session_before_it() {
    let world = World::new().await;
    let first = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let request = world
        .request(Method::POST, "/api/v1/login", &first)
        .header("content-type", "application/json");
    let body = json!({ "email": "noc@example.net", "password": PASSWORD });
    let answer = world.send(request.body(body.to_string().into()).unwrap()).await;
    let second = As::Cookie(cookie(&answer));
    assert_eq!(world.get("/api/v1/me", &first).await.code(), "unauthenticated");
    assert_eq!(world.get("/api/v1/me", &second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_signs_out_whoever_used_this_browser_and_says_so() {
    let world = World::new().await;
    let (north, south) = (world.tenant("North").await, world.tenant("South").await);
    let first = world.user("one@example.net", Role::Viewer, Some(north)).await;
    world.user("two@example.net", Role::Viewer, Some(south)).await;
    let request = world
        .request(Method::POST, "/api/v1/login", &first)
        .header("content-type", "application/json");
    let body = json!({ "email": "two@example.net", "password": PASSWORD });
    let answer = world.send(request.body(body.to_string().into()).unwrap()).await;
    assert_eq!(answer.data()["user"]["email"], "two@example.net");
    assert_eq!(world.get("/api/v1/me", &first).await.code(), "unauthenticated");
    assert_eq!(world.audited(north, "user").await.last().unwrap(), "user.sign_out");
    assert_eq!(world.audited(south, "user").await.last().unwrap(), "user.sign_in");
}

#[tokio::test]
async fn a_logout_without_a_database_takes_the_cookie_and_says_what_still_stands() {
    let world = World::new().await;
    let who = world.user("noc@example.net", Role::SuperAdmin, None).await;
    world.state.db.close().await;
    let out = world.post("/api/v1/logout", &who, json!({})).await;
    assert_eq!((out.status, out.code()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable".into()));
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert!(out.body.contains("still stands"), "{}", out.body);
}

#[tokio::test]
async fn who_guesses_fills_the_audit_no_faster_than_it_may() {
    for world in World::each_unlimited().await {
        world.user("noc@example.net", Role::SuperAdmin, None).await;
        // The time does not stand still while this runs: no more than two minutes begin.
        for _ in 0..30 {
            assert_eq!(world.login("noc@example.net", "x").await.code(), "bad_credentials");
        }
        let failed = async || {
            let rows = world.audited(INSTALLATION, "user.sign_in_failed").await;
            u32::try_from(rows.len()).unwrap()
        };
        let written = failed().await;
        assert!((ROWS_PER_ADDRESS..=2 * ROWS_PER_ADDRESS).contains(&written), "{written}");
        world.state.clock.shift(60_000_000);
        world.login("noc@example.net", "x").await;
        assert_eq!(failed().await, written + 1);
        let told = "SELECT COUNT(*) FROM audit WHERE after LIKE '%not_written_before%'";
        assert!(world.raw().count(told).await >= 1);
        world.remove().await;
    }
}

#[tokio::test]
async fn who_knows_the_password_is_written_beside_any_number_of_guesses() {
    let world = World::changed(|parts| parts.limits = Limits::none().into()).await;
    with_factor(&world).await;
    for _ in 0..2 * ROWS_PER_ADDRESS {
        world.login("nobody@example.net", "x").await;
    }
    let rows = async |kind: &str| world.audited(INSTALLATION, kind).await.len();
    let failed = rows("user.sign_in_failed").await;
    for asked in 1..=10 {
        assert_eq!(world.login("v@example.net", PASSWORD).await.code(), "totp_required");
        assert_eq!(rows("user.totp_asked").await, asked);
    }
    assert_eq!(factor::login(&world, "000000").await.code(), "bad_totp");
    assert_eq!(rows("user.sign_in_failed").await, failed + 1);
}

#[tokio::test]
async fn wrong_and_unknown_look_the_same_and_the_sixth_try_waits() {
    let world = World::new().await;
    world.user("noc@example.net", Role::SuperAdmin, None).await;
    let wrong = world.login("noc@example.net", "wrong horse battery").await;
    let unknown = world.login("nobody@example.net", "wrong horse battery").await;
    assert_eq!(wrong.code(), "bad_credentials");
    assert_eq!(wrong.anonymous(), unknown.anonymous());
    // One login when the user was made, one wrong: three are left of five.
    for _ in 0..3 {
        assert_eq!(world.login("noc@example.net", "wrong").await.code(), "bad_credentials");
    }
    let limited = world.login("NOC@example.net", PASSWORD).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(limited.code(), "too_many_requests");
    let wait: u64 = limited.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn one_address_cannot_try_many_accounts() {
    let world = World::new().await;
    let mut codes = Vec::new();
    for number in 0..21 {
        codes.push(world.login(&format!("u{number}@example.net"), "x").await.code());
    }
    assert!(codes[..20].iter().all(|code| code == "bad_credentials"), "{codes:?}");
    assert_eq!(codes[20], "too_many_requests");
}

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn sessions_end_by_idleness_and_by_age() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let who = world.user("noc@example.net", Role::Viewer, Some(tenant)).await;
    for _ in 0..16 {
        world.state.clock.shift(10 * HOUR);
        assert_eq!(world.get("/api/v1/me", &who).await.status, StatusCode::OK);
    }
    world.state.clock.shift(10 * HOUR);
    assert_eq!(world.get("/api/v1/me", &who).await.code(), "unauthenticated");
    let idle = As::Cookie(cookie(&world.login("noc@example.net", PASSWORD).await));
    world.state.clock.shift(13 * HOUR);
    assert_eq!(world.get("/api/v1/me", &idle).await.code(), "unauthenticated");
}

#[tokio::test]
async fn sessions_of_admins_end_sooner() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    for (role, tenant) in [(Role::SuperAdmin, None), (Role::TenantAdmin, Some(tenant))] {
        let email = format!("{}@example.net", role.name());
        let who = world.user(&email, role, tenant).await;
        for _ in 0..28 {
            world.state.clock.shift(HOUR * 5 / 12);
            assert_eq!(world.get("/api/v1/me", &who).await.status, StatusCode::OK);
        }
        // It is too old, however busy it is.
        world.state.clock.shift(HOUR * 5 / 12);
        assert_eq!(world.get("/api/v1/me", &who).await.code(), "unauthenticated");
        let idle = As::Cookie(cookie(&world.login(&email, PASSWORD).await));
        world.state.clock.shift(HOUR * 7 / 12);
        assert_eq!(world.get("/api/v1/me", &idle).await.code(), "unauthenticated");
    }
}

#[tokio::test]
async fn an_open_page_that_nobody_uses_keeps_no_session_alive() {
    let world = World::new().await;
    let who = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let As::Cookie(token) = &who else { panic!("no cookie") };
    let proof = || Proof::Session(session_key(token.as_bytes()));
    for _ in 0..2 {
        world.state.clock.shift(HOUR / 3);
        let _ = check(proof(), &world.state).await;
    }
    assert!(check(proof(), &world.state).await.is_err());
    assert_eq!(world.get("/api/v1/me", &who).await.code(), "unauthenticated");
}

#[tokio::test]
async fn a_read_needs_no_write() {
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let who = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let key = world.key(&who, tenant, &["read"]).await;
    world.state.clock.shift(HOUR / 12);
    let writing = world.state.db.identity(IdentityKey::of_a_test()).await.unwrap();
    for who in [&who, &key] {
        assert_eq!(world.get("/api/v1/tenants", who).await.status, StatusCode::OK);
    }
    drop(writing);
    let used = async || {
        let keys = world.get("/api/v1/api-keys", &who).await;
        keys.data()[0]["last_used_at"].clone()
    };
    assert_eq!(used().await, Value::Null);
    assert_eq!(world.get("/api/v1/tenants", &key).await.status, StatusCode::OK);
    let noted = used().await;
    assert!(noted.is_string(), "{noted}");
    world.state.clock.shift(30_000_000);
    assert_eq!(world.get("/api/v1/tenants", &key).await.status, StatusCode::OK);
    assert_eq!(used().await, noted, "noted again within a minute");
}

#[tokio::test]
async fn another_site_cannot_use_the_cookie() {
    let world = World::new().await;
    let As::Cookie(token) = world.user("noc@example.net", Role::SuperAdmin, None).await else {
        panic!("no cookie")
    };
    let tenant = world.tenant("North").await;
    let body = json!({ "tenant": tenant.to_string(), "site": "Depot" }).to_string();
    let send = async |extra: &[(&str, &str)], kind: &str| {
        let mut request = Request::post("/api/v1/tokens")
            .header("host", HOST)
            .header("content-type", kind)
            .header("cookie", format!("__Host-farwatch={token}"));
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        world.send(request.body(body.clone().into()).unwrap()).await
    };
    let json = "application/json";
    // What says neither is a program: no page made it send the cookie.
    assert_eq!(send(&[], json).await.status, StatusCode::CREATED);
    assert_eq!(send(&[("sec-fetch-site", "cross-site")], json).await.code(), "cross_site");
    assert_eq!(send(&[("sec-fetch-site", "same-site")], json).await.code(), "cross_site");
    assert_eq!(send(&[("origin", "https://evil.example")], json).await.code(), "cross_site");
    let ours = [("origin", "https://fw.example")];
    assert_eq!(send(&ours, "text/plain").await.code(), "unsupported_media_type");
    assert_eq!(send(&ours, json).await.status, StatusCode::CREATED);
    let login = Request::post("/api/v1/login")
        .header("host", HOST)
        .header("content-type", json)
        .header("origin", "https://evil.example")
        .body(
            serde_json::json!({ "email": "noc@example.net", "password": PASSWORD })
                .to_string()
                .into(),
        );
    assert_eq!(world.send(login.unwrap()).await.code(), "cross_site");
}
