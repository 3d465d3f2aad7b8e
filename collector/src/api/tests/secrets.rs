use std::io;

use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The client's own: it is shown to it once.
const SIGNING_KEY: &str = "whsec_YS1zZWNyZXQta2V5LW9mLWEtd2ViaG9vay1pdHNlbGY=";

/// Channels with a secret each, changed too, and one that is refused; what is answered but once.
async fn channels(world: &World, admin: &As, tenant: TenantId) -> String {
    let tenant = tenant.to_string();
    let channel = |kind: &str, rest: Value| {
        let mut body = json!({ "tenant": &tenant, "name": kind, "kind": kind });
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        world.post("/api/v1/channels", admin, body)
    };
    let url = "https://hooks.example.com/a-path-of-a-hook";
    let hook = channel("webhook", json!({ "url": url, "secret": SIGNING_KEY })).await.data();
    assert_eq!(hook["secret"], SIGNING_KEY);
    let url = "https://hooks.slack.example/a-path-of-slack";
    let slack = channel("slack", json!({ "url": url })).await;
    let mqtt = json!({ "host": "mqtt.example.net", "topic": "a", "user": "u",
                       "password": "a-broker-password" });
    let broker = channel("mqtt", json!({ "mqtt": mqtt })).await;
    let mut answers = slack.body.clone() + &broker.body;
    for (made, change) in [
        (slack.data(), json!({ "url": "https://hooks.slack.example/another-path-of-slack" })),
        (broker.data(), json!({ "password": "another-broker-password" })),
        (broker.data(), json!({ "url": "https://hooks.slack.example/a-path-of-slack" })),
        (slack.data(), json!({ "url": "https://10.0.0.1/a-path-of-slack" })),
        (slack.data(), json!({ "url": ["a-path-of-slack"] })),
    ] {
        let path = format!("/api/v1/channels/{}", made["id"].as_str().unwrap());
        answers += &world.change(Method::PATCH, &path, admin, change).await.body;
        answers += &world.get(&path, admin).await.body;
    }
    let path = format!("/api/v1/channels/{}", hook["id"].as_str().unwrap());
    answers + &world.get(&path, admin).await.body
}

/// A device's own login and a profile's, taken and refused, and a job that needs it.
async fn logins(world: &World, admin: &As, tenant: TenantId, device: &str) -> String {
    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n\
               -----END OPENSSH PRIVATE KEY-----";
    let login = json!({ "user": "backup", "password": "a-login-password", "private_key": key,
                        "enable": "an-enable-password" });
    let bad = json!({ "user": "", "password": "a-login-password", "private_key": &key[..70],
                      "enable": "an-enable-password" });
    let more = json!({ "name": "logins", "kind": "ssh_login", "community": null, "login": &login });
    let profile = world.profile(admin, tenant, more).await;
    let profile = format!("/api/v1/credential-profiles/{profile}");
    let backup = format!("/api/v1/{device}/backup");
    let mut answers = world.post(&format!("{backup}/run"), admin, json!({})).await.body;
    for path in [&profile, &backup] {
        for login in [&login, &bad] {
            let change = json!({ "login": login });
            answers += &world.change(Method::PATCH, path, admin, change).await.body;
        }
        answers += &world.get(path, admin).await.body;
    }
    answers
}

/// Everything secret a client sends or gets once, searched for in the log, in every other answer
/// and in the database's files.
#[tokio::test]
async fn secrets_are_in_no_log_no_other_answer_and_no_file() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let tenant = world.tenant("North").await;
    let (agent, _) = world.agent(tenant, "a").await;
    let admin = world.user("admin@example.net", Role::TenantAdmin, Some(tenant)).await;
    world.login("admin@example.net", "a wrong password 1").await;
    let key = world.key(&admin, tenant, &["read"]).await;
    let token = json!({ "tenant": tenant.to_string(), "site": "Depot" });
    let token = world.post("/api/v1/tokens", &admin, token).await.data();
    let made = world.post("/api/v1/devices", &admin, new_device(agent, "10.0.0.1")).await;
    let mut answers = made.body.clone();
    let bad = json!({ "agent": 1, "address": "x", "snmp": "a-secret-community" });
    answers += &world.post("/api/v1/devices", &admin, bad).await.body;
    let id = made.data()["id"].as_str().unwrap().to_owned();
    let device = format!("devices/{id}");
    let own = json!({ "community": "another-community" });
    let path = format!("/api/v1/{device}/credential");
    answers += &world.change(Method::PUT, &path, &admin, own).await.body;
    world.profile(&admin, tenant, json!({})).await;
    let user = json!({ "name": "ops", "auth": "sha256", "auth_password": "an-auth-password",
                       "privacy": "aes128", "privacy_password": "a-privacy-password" });
    let own = json!({ "snmp": { "user": &user } });
    let path = format!("/api/v1/{device}");
    answers += &world.change(Method::PATCH, &path, &admin, own).await.body;
    let kind = json!({ "name": "users", "kind": "snmp_user", "community": null, "user": &user });
    world.profile(&admin, tenant, kind).await;
    let wanted = json!({ "host": "10.0.0.9", "credentials": [
        { "version": "v3", "user": &user }, { "version": "v1", "community": "a-tried-community" },
    ] });
    let path = format!("/api/v1/agents/{agent}/find-credential");
    answers += &world.post(&path, &admin, wanted).await.body;
    answers += &channels(&world, &admin, tenant).await;
    answers += &logins(&world, &admin, tenant, &device).await;
    let backup = format!("{device}/backup");
    for path in [
        "me",
        "devices",
        "agents",
        "sites",
        "api-keys",
        "tokens",
        "credential-profiles",
        "channels",
        "routes",
        "audit",
        &device,
        &backup,
        "config-jobs",
    ] {
        answers += &world.get(&format!("/api/v1/{path}"), &admin).await.body;
    }
    world.get("/api/v1/devices", &key).await;
    let (As::Cookie(cookie), As::Key(key)) = (admin, key) else { panic!("no secrets") };
    let token = token["token"].as_str().unwrap();
    let secrets = [
        PASSWORD,
        "a wrong password 1",
        "a-secret-community",
        "another-community",
        "a-profile-community",
        "a-tried-community",
        "an-auth-password",
        "a-privacy-password",
        "a-path-of-a-hook",
        "a-path-of-slack",
        "another-path-of-slack",
        "a-login-password",
        "an-enable-password",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU",
        "a-broker-password",
        "another-broker-password",
        SIGNING_KEY,
        &cookie,
        &key,
        token,
    ];
    let logged = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    assert!(logged.contains("signed in"), "nothing was logged");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(world._dir.path()).unwrap() {
        files.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    for secret in secrets {
        assert!(!logged.contains(secret), "{secret} is in the log");
        assert!(!answers.contains(secret), "{secret} is in an answer");
        let bytes = secret.as_bytes();
        assert!(!files.windows(bytes.len()).any(|window| window == bytes), "{secret} is stored");
    }
}
