use super::*;
use crate::identity::totp::Seed;

/// A person with a second factor: their session, the seed and the recovery codes.
pub(super) async fn with_factor(world: &World) -> (As, Seed, Vec<String>) {
    let tenant = world.tenant("North").await;
    let who = world.user("v@example.net", Role::Viewer, Some(tenant)).await;
    let begun = world.post("/api/v1/me/totp", &who, json!({ "password": PASSWORD })).await.data();
    let base32 = begun["base32"].as_str().unwrap();
    assert!(begun["uri"].as_str().unwrap().contains(base32), "{begun}");
    let bytes = data_encoding::BASE32_NOPAD.decode(base32.as_bytes()).unwrap();
    let seed = Seed::from_secret(Secret::new(bytes)).unwrap();
    let confirm = async |code: &str| {
        world.post("/api/v1/me/totp/confirm", &who, json!({ "code": code })).await
    };
    assert_eq!(confirm("000000x").await.json()["errors"][0]["field"], "code");
    let codes = confirm(&seed.code_at(world.state.clock.now())).await.data();
    let codes = codes["recovery_codes"].as_array().unwrap();
    let codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(confirm("000000").await.code(), "totp_on");
    (who, seed, codes)
}

pub(super) async fn login(world: &World, code: &str) -> Answer {
    let body = json!({ "email": "v@example.net", "password": PASSWORD, "totp": code });
    world.post("/api/v1/login", &As::Nobody, body).await
}

#[tokio::test]
async fn a_code_counts_once() {
    let world = World::new().await;
    let (who, seed, _) = with_factor(&world).await;
    assert_eq!(world.get("/api/v1/me", &who).await.data()["user"]["totp"], true);
    assert_eq!(world.login("v@example.net", PASSWORD).await.code(), "totp_required");
    let rows = world.audited(crate::audit::INSTALLATION, "user").await;
    assert_eq!(rows.last().unwrap(), "user.totp_asked");
    world.state.clock.shift(60_000_000);
    let code = seed.code_at(world.state.clock.now());
    assert_eq!(login(&world, &code).await.status, StatusCode::OK);
    assert_eq!(login(&world, &code).await.code(), "bad_totp");
}

#[tokio::test]
async fn a_recovery_code_counts_once() {
    let world = World::new().await;
    let (_, _, codes) = with_factor(&world).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(login(&world, &codes[3].to_uppercase()).await.status, StatusCode::OK);
    assert_eq!(login(&world, &codes[3]).await.code(), "bad_totp");
    assert_eq!(login(&world, &codes[4]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_second_factor_goes_by_password_and_code_or_by_a_super_admin() {
    let world = World::new().await;
    let (who, _, codes) = with_factor(&world).await;
    let end = async |password: &str, code: &str| {
        let body = json!({ "password": password, "code": code });
        world.change(Method::DELETE, "/api/v1/me/totp", &who, body).await
    };
    assert_eq!(end("wrong", &codes[0]).await.json()["errors"][0]["field"], "password");
    assert_eq!(end(PASSWORD, "123").await.json()["errors"][0]["field"], "code");
    assert_eq!(end(PASSWORD, &codes[0]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.get("/api/v1/me", &who).await.data()["user"]["totp"], false);
    assert_eq!(end(PASSWORD, &codes[1]).await.code(), "totp_off");
}

#[tokio::test]
async fn a_super_admin_turns_the_second_factor_of_somebody_off() {
    let world = World::new().await;
    with_factor(&world).await;
    let root = world.user("noc@example.net", Role::SuperAdmin, None).await;
    let people = world.get("/api/v1/users", &root).await.data();
    assert_eq!((&people[1]["email"], &people[1]["totp"]), (&json!("v@example.net"), &json!(true)));
    let path = format!("/api/v1/users/{}/totp", people[1]["id"].as_str().unwrap());
    assert_eq!(world.delete(&path, &root).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.delete(&path, &root).await.code(), "totp_off");
    assert_eq!(world.login("v@example.net", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn five_wrong_codes_make_a_pause() {
    let world = World::new().await;
    let (who, seed, _) = with_factor(&world).await;
    let tries = || world.state.own.codes.lock().unwrap();
    let me = world.get("/api/v1/sessions", &who).await;
    assert_eq!(me.status, StatusCode::OK);
    let user = account_by_email(&world.state.db, "v@example.net").await.unwrap().unwrap().id;
    // The sign-ins of an account are limited too, by a clock that no test turns.
    for _ in 0..4 {
        tries().take(user, world.state.clock.now()).unwrap();
    }
    assert_eq!(login(&world, "000000").await.code(), "bad_totp");
    world.state.clock.shift(60_000_000);
    let paused = login(&world, &seed.code_at(world.state.clock.now())).await;
    assert_eq!(paused.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = paused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((780..=840).contains(&wait), "{wait}");
}
