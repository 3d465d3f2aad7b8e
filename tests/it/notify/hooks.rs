//! Webhooks by TLS, to a server that the administrator's `ca_file` vouches for.

use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_support::sinks::authority::Authority;
use farwatch_support::sinks::hooks::Hooks;
use serde_json::json;

use super::{Desk, Told, is_signed};

const LIMIT: Duration = Duration::from_secs(10);
/// Receivers refuse what is older.
const AGE_MAX_S: i64 = 300;

#[tokio::test]
async fn a_webhook_goes_by_tls_to_whom_the_file_vouches_for_and_to_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let own = Authority::new(dir.path(), "own");
    let foreign = Authority::new(dir.path(), "foreign");
    let mut known = Hooks::start(Some(&own.certify(&["127.0.0.1"]))).await;
    let unknown = Hooks::start(Some(&foreign.certify(&["127.0.0.1"]))).await;
    let misnamed = Hooks::start(Some(&own.certify(&["hooks.farwatch.example"]))).await;
    let ports = [&known, &unknown, &misnamed].map(|hooks| hooks.address.port());
    let desk = Desk::start(
        dir.path(),
        &format!(
            "[notify]\nca_file = {:?}\n[[notify.allow]]\nnetwork = \"127.0.0.1\"\nports = {ports:?}\n",
            own.file
        ),
    )
    .await;

    let channel = desk.channel("webhook", "known", json!({ "url": known.url("/hook?a=b") })).await;
    let (id, told) = desk.test(&channel).await;
    assert_eq!(told, Told::new("delivered", Some(204), ""));
    let hook = known.next(LIMIT).await;
    assert_eq!((hook.path.as_str(), hook.header("webhook-id")), ("/hook?a=b", id.as_str()));
    assert_eq!(hook.header("host"), known.address.to_string());
    assert_eq!(hook.header("content-type"), "application/json");
    assert_eq!(hook.json()["type"], "test");
    let at: i64 = hook.header("webhook-timestamp").parse().unwrap();
    let now = Clock::system().now().0 / Micros::SECOND;
    assert!((now - at).abs() < AGE_MAX_S, "{at} is not {now}");
    let secret = channel["secret"].as_str().unwrap();
    assert!(is_signed(&hook, secret));

    // Both keys sign until the receiver knows the new one.
    let path = format!("/api/v1/channels/{}", channel["id"].as_str().unwrap());
    let patch = async |body: serde_json::Value| {
        desk.client.send("PATCH", &path, Some(body.to_string())).await.unwrap().data()
    };
    let exchanged = patch(json!({ "secret": "exchange" })).await;
    let fresh = exchanged["secret"].as_str().unwrap();
    desk.test(&channel).await;
    let hook = known.next(LIMIT).await;
    assert!(is_signed(&hook, secret) && is_signed(&hook, fresh));
    patch(json!({ "secret": "finish" })).await;
    desk.test(&channel).await;
    let hook = known.next(LIMIT).await;
    assert!(!is_signed(&hook, secret) && is_signed(&hook, fresh));

    for (name, hooks) in [("unknown", &unknown), ("misnamed", &misnamed)] {
        let channel = desk.channel("webhook", name, json!({ "url": hooks.url("/") })).await;
        let detail = "its certificate is not one that this collector trusts for this name";
        let (_, told) = desk.test(&channel).await;
        assert_eq!(told, Told::new("unreachable", None, detail), "{name}");
        assert!(hooks.is_empty());
    }
}
