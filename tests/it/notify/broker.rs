//! A real broker of MQTT, by TLS and with a password.

use farwatch_support::sinks::authority::Authority;
use farwatch_support::sinks::broker::{Broker, Listener, program};
use serde_json::{Value, json};

use super::{Desk, Told};

const USER: &str = "farwatch";
const PASSWORD: &str = "pass word";
const PORT: u16 = 8883;
/// Its certificate is one that the collector does not know.
const FOREIGN_PORT: u16 = 8443;

#[tokio::test]
async fn a_broker_takes_what_is_published_by_tls_with_the_right_password() {
    let Some(program) = program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let ip = farwatch_support::process::own_address().to_string();
    let own = Authority::new(dir.path(), "own");
    let foreign = Authority::new(dir.path(), "foreign");
    let (certified, unknown) = (own.certify(&[&ip]), foreign.certify(&[&ip]));
    let listeners = [
        Listener { port: PORT, certified: Some(&certified) },
        Listener { port: FOREIGN_PORT, certified: Some(&unknown) },
    ];
    let broker = Broker::start(&program, dir.path(), (USER, PASSWORD), &listeners).await;
    let config =
        format!("[notify]\nca_file = {:?}\n[[notify.allow]]\nnetwork = \"{ip}\"\n", own.file);
    let desk = Desk::start(dir.path(), &config).await;
    let made = |name: &'static str, port: u16, password: &'static str| {
        let mqtt = json!({ "host": ip, "port": port, "user": USER, "password": password,
                           "topic": "fw/{site}/{event}" });
        desk.channel("mqtt", name, json!({ "mqtt": mqtt }))
    };

    broker.keep(PORT, &own.file, "fw/#");
    let (_, told) = desk.test(&made("good", PORT, PASSWORD).await).await;
    assert_eq!(told, Told::new("delivered", None, ""));
    let (topic, quality, body) = broker.kept(PORT, &own.file, "fw/#");
    assert_eq!((topic.as_str(), quality), ("fw/-/test", 1));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["type"], "test");

    let (_, told) = desk.test(&made("wrong", PORT, "another").await).await;
    let detail = "the broker refuses the user or the password";
    assert_eq!(told, Told::new("refused", None, detail));
    let (_, told) = desk.test(&made("unknown", FOREIGN_PORT, PASSWORD).await).await;
    let detail = "its certificate is not one that this collector trusts for this name";
    assert_eq!(told, Told::new("unreachable", None, detail));

    // Without TLS only where the file says so.
    let mqtt = json!({ "host": ip, "port": PORT, "tls": false, "topic": "fw" });
    let body = json!({ "tenant": desk.tenant, "name": "plain", "kind": "mqtt", "mqtt": mqtt });
    let refused = desk.client.post("/api/v1/channels", &body).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
}
