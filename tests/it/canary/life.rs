//! What happens in an installation, with a secret at every door.

mod channels;
mod onboarding;

use std::time::Duration;

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD};
use farwatch_collector::identity::limits::REQUESTS_PER_SECOND;
use farwatch_common::token::EnrollToken;
use farwatch_support::http::{Answer, Client};
use farwatch_support::postgres::Postgres;
use farwatch_support::process::eventually;
use farwatch_support::sim::router::{Kind, Router};
use farwatch_support::sim::{Served, serve_anywhere};
use serde_json::{Value, json};

use super::installation::Installation;
use super::search::Planted;
use crate::totp::Authenticator;
use channels::Receivers;

const LIMIT: Duration = Duration::from_secs(60);
const ADMIN: &str = "noc@farwatch.example";
const PERSON: &str = "person@farwatch.example";

/// A secret with characters that are written differently in JSON, URLs and logs.
fn text(what: &str) -> String {
    format!("é {}", ascii(what))
}

/// The same where nothing else is allowed.
pub(crate) fn ascii(what: &str) -> String {
    format!("{what} \"%+/ {}", plain("of"))
}

/// A secret that can be a header.
pub(crate) fn plain(what: &str) -> String {
    format!("{what}-{:032x}", rand::random::<u128>())
}

pub(crate) struct Life {
    it: Installation,
    admin: Client,
    tenant: String,
    receivers: Receivers,
    _routers: Vec<Served>,
}

impl Life {
    /// An installation that was used; its processes still run.
    pub(crate) async fn lived(cluster: Option<Postgres>, password: &str) -> Installation {
        let metrics = plain("metrics token");
        let mut it = Installation::new(cluster, password, &metrics);
        let receivers = Receivers::start(&mut it).await;
        if it.cluster.is_some() {
            it.plant(Planted::new("database password", password, &[]));
        }
        it.plant(Planted::new("metrics token", metrics.clone(), &[]));
        refused_configurations(&mut it);
        let secret = text("user password");
        it.plant(Planted::new("user password", secret.clone(), &[]));
        let words = ["user", "create", "--email", ADMIN, "--password-file", "-"];
        assert!(it.command("user create", &words, &secret).status.success());
        let words = ["tenant", "create", "--name", "Acme", "--json"];
        let made = it.command("tenant create", &words, "");
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        it.serve().await;
        wrong_sign_ins(&mut it).await;
        let admin = sign_in(&mut it, "session cookie", (ADMIN, &secret), None).await;
        let metered = Client::with_key(admin.address, &metrics);
        assert_eq!(it.call(&metered, "GET", "/metrics", None).await.status, 200);
        let tenant = made["id"].as_str().unwrap().to_owned();
        let mut life = Self { it, admin, tenant, receivers, _routers: Vec::new() };
        life.enrolment().await;
        life.devices().await;
        life.onboarding().await;
        life.channels().await;
        life.people().await;
        life.programs().await;
        life.rotations().await;
        life.channels_are_told().await;
        life.read_all().await;
        life.it
    }

    async fn admin(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        self.it.call(&self.admin, method, path, body).await
    }

    fn plant(
        &mut self,
        name: &'static str,
        bytes: impl Into<Vec<u8>>,
        at: &'static [&'static str],
    ) {
        self.it.plant(Planted::new(name, bytes, at));
    }

    /// A token that is used, twice, and one that is not; what the agent makes for itself.
    async fn enrolment(&mut self) {
        let body = json!({ "tenant": self.tenant, "site": "Depot" });
        let used = self.admin("POST", "/api/v1/tokens", body).await.data();
        let used = used["token"].as_str().unwrap().to_owned();
        self.plant("enrolment token", used.clone(), &["POST /api/v1/tokens"]);
        let words = ["token", "create", "--tenant", "Acme", "--site", "Depot"];
        let made = self.it.command("token create", &words, "");
        let open = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        self.plant("unused token", open.clone(), &["token create"]);
        // The text of a token is base32: its homes hold the secret in it too, one byte or more off.
        let parts = [
            ("secret of the token", used.clone(), &["POST /api/v1/tokens"][..]),
            ("secret of the unused token", open, &["token create"]),
        ];
        for (name, token, homes) in parts {
            let secret = EnrollToken::parse(&token).unwrap().secret;
            self.plant(name, secret.expose(), homes);
        }
        let enroll = ["enroll", "--token-file", "-"];
        assert!(self.it.agent_command("enroll", &enroll, &used).status.success());
        let again = [&enroll[..], &["--force"]].concat();
        assert!(!self.it.agent_command("enroll again", &again, &used).status.success());
        let identity = std::fs::read(self.it.state("agent/identity.json")).unwrap();
        let identity: Value = serde_json::from_slice(&identity).unwrap();
        let key = BASE64.decode(identity["key"].as_str().unwrap().as_bytes()).unwrap();
        self.plant("agent's private key", scalar(&key), &["agent/identity.json"]);
        self.it.run_agent();
        let sealing = self.it.state("agent/master.key");
        eventually(LIMIT, "the agent has its own key", async || sealing.exists()).await;
        let sealing = std::fs::read(sealing).unwrap();
        self.plant("agent's sealing key", sealing, &["agent/master.key"]);
    }

    /// Communities of devices and of a profile, at first and changed, each asked with by the agent.
    async fn devices(&mut self) {
        let names = [
            "community",
            "changed community",
            "first community",
            "bulk community",
            "profile's community",
            "profile's first community",
        ];
        let communities = names.map(text);
        for (name, community) in names.into_iter().zip(&communities) {
            self.plant(name, community.clone(), &[]);
        }
        let [own, changed, first, bulk, profile, first_profile] = communities;
        let path = format!("/api/v1/agents?tenant={}", self.tenant);
        let agent = self.admin("GET", &path, Value::Null).await.data()[0]["id"].clone();
        let body = json!({
            "tenant": self.tenant, "name": "Usual", "kind": "snmp_community", "tag": "usual",
            "community": first_profile,
        });
        let made = self.admin("POST", "/api/v1/credential-profiles", body).await.data();
        let path = format!("/api/v1/credential-profiles/{}", made["id"].as_str().unwrap());
        self.admin("PATCH", &path, json!({ "community": profile })).await.data();
        let mut devices = Vec::new();
        for (at, community) in [&own, &changed, &profile, &bulk].into_iter().enumerate() {
            let router = Router::new(Kind::ALL[0], 2, at as u64);
            let served = serve_anywhere(router.responder(community.as_bytes())).await.unwrap();
            let planted = if at == 0 { &own } else { &first };
            let body = json!({
                "agent": agent, "address": served.address.to_string(), "interval_s": 1,
                "tags": ["usual"], "snmp": { "version": "v2c", "community": planted },
            });
            let device = self.admin("POST", "/api/v1/devices", body).await.data();
            devices.push(device["id"].as_str().unwrap().to_owned());
            self._routers.push(served);
        }
        let path = format!("/api/v1/devices/{}/credential", devices[1]);
        let changed = self.admin("PUT", &path, json!({ "community": changed })).await;
        assert!((200..300).contains(&changed.status), "{}", changed.text());
        for (device, community) in [(&devices[2], Value::Null), (&devices[3], json!(bulk))] {
            let body = json!({ "ids": [device], "change": { "community": community } });
            self.admin("POST", "/api/v1/devices/bulk", body).await.data();
        }
        for device in &devices {
            let path = format!("/api/v1/devices/{device}");
            eventually(LIMIT, "the device is up", async || {
                self.admin.get(&path).await.data()["state"] == "up"
            })
            .await;
        }
        let words = ["probe", &self._routers[0].address.to_string(), "--community-file", "-"];
        let probed = self.it.agent_command("probe", &words, &own);
        assert!(probed.status.success(), "{}", String::from_utf8_lossy(&probed.stderr));
        self.users_of_v3(&agent).await;
        self.refused_bodies(&agent).await;
    }

    /// Users of SNMPv3: a device's, at first and changed, a profile's, and one that is only tried.
    async fn users_of_v3(&mut self, agent: &Value) {
        let names = [
            ("auth password", "privacy password"),
            ("changed auth password", "changed privacy password"),
            ("profile's auth password", "profile's privacy password"),
            ("tried auth password", "tried privacy password"),
        ];
        let users = names.map(|(auth, privacy)| {
            let [of_auth, of_privacy] = [auth, privacy].map(text);
            self.plant(auth, of_auth.clone(), &[]);
            self.plant(privacy, of_privacy.clone(), &[]);
            json!({ "name": "ops", "auth": "sha256", "auth_password": of_auth,
                    "privacy": "aes128", "privacy_password": of_privacy })
        });
        let [own, changed, profile, tried] = users;
        let tried_community = text("tried community");
        self.plant("tried community", tried_community.clone(), &[]);
        let body = json!({ "tenant": self.tenant, "name": "Users", "kind": "snmp_user",
                           "user": profile });
        self.admin("POST", "/api/v1/credential-profiles", body).await.data();
        let address = self._routers[0].address.to_string().replace("127.0.0.1", "127.0.0.2");
        let body = json!({ "agent": agent, "address": address, "interval_s": 1,
                           "snmp": { "version": "v3", "user": own } });
        let device = self.admin("POST", "/api/v1/devices", body).await.data();
        let path = format!("/api/v1/devices/{}", device["id"].as_str().unwrap());
        let body = json!({ "snmp": { "version": "v3", "user": changed } });
        self.admin("PATCH", &path, body).await.data();
        let polled = self.admin("POST", &format!("{path}/poll"), json!({})).await;
        assert_ne!(polled.status, 500, "{}", polled.text());
        self.admin("PUT", &format!("{path}/credential"), json!({ "user": null })).await.data();
        let tried = json!({ "host": "127.0.0.1", "port": self._routers[0].address.port(),
                            "credentials": [{ "version": "v3", "user": tried },
                                            { "version": "v1", "community": tried_community }] });
        let path = format!("/api/v1/agents/{}/find-credential", agent.as_str().unwrap());
        let found = self.admin("POST", &path, tried).await;
        assert_ne!(found.status, 500, "{}", found.text());
        let misplaced = text("misplaced password");
        self.plant("misplaced password", misplaced.clone(), &[]);
        let user = json!({ "name": "ops", "auth": misplaced });
        let body = json!({ "agent": agent, "address": "192.0.2.1",
                           "snmp": { "version": "v3", "user": user } });
        assert_eq!(self.admin("POST", "/api/v1/devices", body).await.status, 422);
    }

    /// Bodies that are refused, with a secret where something else belongs.
    async fn refused_bodies(&mut self, agent: &Value) {
        let misplaced = text("misplaced community");
        self.plant("misplaced community", misplaced.clone(), &[]);
        let bodies = [
            json!({ "agent": 1, "address": "x", "snmp": misplaced }).to_string(),
            json!({ "agent": agent, "address": "192.0.2.1", "interval_s": misplaced }).to_string(),
            json!({ "agent": agent, "address": "192.0.2.1", "snmp": { "version": misplaced } })
                .to_string(),
            format!("{{\"community\": \"{misplaced}"),
        ];
        for body in bodies {
            let answer = self.it.send(&self.admin, "POST", "/api/v1/devices", Some(body)).await;
            assert!((400..500).contains(&answer.status), "{}", answer.status);
        }
    }

    /// A person with one-time passwords, a password of their own, and a second factor.
    async fn people(&mut self) {
        let body = json!({ "email": PERSON, "role": "operator", "tenant": self.tenant });
        let made = self.admin("POST", "/api/v1/users", body).await.data();
        let first = made["one_time_password"].as_str().unwrap().to_owned();
        self.plant("one-time password", first.clone(), &["POST /api/v1/users"]);
        let person = sign_in(&mut self.it, "cookie of the first", (PERSON, &first), None).await;
        let own = text("changed password");
        self.plant("changed password", own.clone(), &[]);
        let body = json!({ "current": first, "new": own });
        let answer = self.it.call(&person, "POST", "/api/v1/me/password", Some(body)).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        let body = json!({ "password": own });
        let begun = self.it.call(&person, "POST", "/api/v1/me/totp", Some(body)).await.data();
        let base32 = begun["base32"].as_str().unwrap();
        let seed = BASE32_NOPAD.decode(base32.as_bytes()).unwrap();
        self.plant("TOTP seed", seed, &["POST /api/v1/me/totp"]);
        let mut authenticator = Authenticator::new(base32);
        let body = json!({ "code": authenticator.code() });
        let path = "/api/v1/me/totp/confirm";
        let codes = self.it.call(&person, "POST", path, Some(body)).await.data();
        let code = |at: usize| codes["recovery_codes"][at].as_str().unwrap().to_owned();
        let (used, unused) = (code(0), code(1));
        for (name, code) in [("used recovery code", &used), ("recovery code", &unused)] {
            self.plant(name, code.clone(), &["POST /api/v1/me/totp/confirm"]);
        }
        let letters = unused.replace('-', "").to_ascii_uppercase();
        let bytes = BASE32_NOPAD.decode(letters.as_bytes()).unwrap();
        self.plant("bytes of a recovery code", bytes, &[]);
        let code = authenticator.code();
        sign_in(&mut self.it, "cookie by TOTP", (PERSON, &own), Some(&code)).await;
        sign_in(&mut self.it, "cookie by recovery", (PERSON, &own), Some(&used)).await;
        let id = made["user"]["id"].as_str().unwrap();
        let path = format!("/api/v1/users/{id}/password");
        let reset = self.admin("POST", &path, json!({})).await.data();
        let reset = reset["one_time_password"].as_str().unwrap().to_owned();
        self.plant("reset password", reset, &["POST /api/v1/users/{id}/password"]);
        let words = ["user", "reset-password", "--email", PERSON];
        let reset = self.it.command("user reset-password", &words, "").stdout;
        let reset = String::from_utf8(reset).unwrap().trim().to_owned();
        self.plant("password reset by command", reset, &["user reset-password"]);
    }

    /// API keys: a good one, and one with a mistake.
    async fn programs(&mut self) {
        let body = json!({ "tenant": self.tenant, "name": "Graphs", "scopes": ["read", "write"] });
        let key = self.admin("POST", "/api/v1/api-keys", body).await.data();
        let key = key["key"].as_str().unwrap().to_owned();
        self.plant("API key", key.clone(), &["POST /api/v1/api-keys"]);
        let secret = key.rsplit('_').nth(1).unwrap().to_owned();
        let secret = BASE32_NOPAD.decode(secret.to_ascii_uppercase().as_bytes()).unwrap();
        self.plant("secret of the API key", secret, &["POST /api/v1/api-keys"]);
        let good = Client::with_key(self.admin.address, &key);
        assert_eq!(self.it.call(&good, "GET", "/api/v1/devices", None).await.status, 200);
        let wrong = plain("fwk_mistyped");
        self.plant("mistyped API key", wrong.clone(), &[]);
        let wrong = Client::with_key(self.admin.address, &wrong);
        assert_eq!(self.it.call(&wrong, "GET", "/api/v1/devices", None).await.status, 401);
    }

    /// The keys of the installation, before and after they are exchanged.
    async fn rotations(&mut self) {
        let file = |it: &Installation, name: &str| std::fs::read(it.state(name)).unwrap();
        let first = file(&self.it, "collector/master.key");
        self.plant("first master key", first, &[]);
        for which in [&["--tenant", "Acme"][..], &["--master"]] {
            let words = [&["key", "rotate"], which].concat();
            assert!(self.it.command("key rotate", &words, "").status.success());
        }
        let master = file(&self.it, "collector/master.key");
        self.plant("master key", master, &["collector/master.key"]);
        let quic = file(&self.it, "collector/identity/quic.keys");
        self.plant("QUIC reset key", &quic[..32], &["collector/identity/quic.keys"]);
        let root = String::from_utf8(file(&self.it, "collector/identity/root.pem")).unwrap();
        let (_, key) = root.split_once("PRIVATE KEY-----").unwrap();
        let key: String = key.lines().take_while(|line| !line.starts_with('-')).collect();
        let key = scalar(&BASE64.decode(key.as_bytes()).unwrap());
        self.plant("key of the root", key, &["collector/identity/root.pem"]);
        // What the new keys seal is opened again.
        let devices = self.admin("GET", "/api/v1/devices", Value::Null).await.data();
        let path = format!("/api/v1/devices/{}", devices[0]["id"].as_str().unwrap());
        self.admin("PATCH", &path, json!({ "interval_s": 2 })).await.data();
    }

    /// All that can be read: every path of the document, the audit's exports, the commands.
    async fn read_all(&mut self) {
        let document = self.admin.get("/api/v1/openapi.json").await.json();
        let id = async |path: &str| {
            self.admin.get(path).await.data()[0]["id"].as_str().unwrap_or_default().to_owned()
        };
        let (device, agent) = (id("/api/v1/devices").await, id("/api/v1/agents").await);
        let profile = id("/api/v1/credential-profiles").await;
        let channel = id("/api/v1/channels").await;
        let mut read = 0;
        // As fast as a session may ask, and no faster: what is refused is not looked at.
        let mut allowed = tokio::time::interval(Duration::from_secs(1) / REQUESTS_PER_SECOND.get());
        for (path, operations) in document["paths"].as_object().unwrap() {
            if operations.get("get").is_none() || path.ends_with("/events") {
                continue;
            }
            allowed.tick().await;
            let id = match path.split('/').nth(3) {
                Some("devices") => &device,
                Some("tenants") => &self.tenant,
                Some("credential-profiles") => &profile,
                Some("channels") => &channel,
                _ => &agent,
            };
            let query = if path.ends_with("/series") || path.ends_with("/samples") {
                "?metric=if_in_octets_total"
            } else {
                ""
            };
            let path = format!("{}{query}", path.replace("{id}", id));
            let admin = self.admin.clone();
            let answer = self.it.read(&admin, &path).await;
            assert!(answer.status < 500 && answer.status != 429, "{path}: {}", answer.text());
            read += usize::from(answer.status == 200);
        }
        assert!(read >= 20, "{read}");
        for format in ["csv", "jsonl"] {
            let path = format!("/api/v1/audit/export?format={format}");
            assert_eq!(self.admin("GET", &path, Value::Null).await.status, 200);
        }
        self.it.events(&self.admin.clone()).await;
        for words in [&["check-config", "--print"][..], &["audit", "verify"], &["user", "list"]] {
            assert!(self.it.command(&words.join(" "), words, "").status.success());
        }
        for words in [&["status"][..], &["status", "--json"], &["check-config", "--print"]] {
            self.it.agent_command(&format!("agent {}", words.join(" ")), words, "");
        }
    }
}

/// Configurations that are refused, with a secret in them.
fn refused_configurations(it: &mut Installation) {
    let secret = text("password of a refused URL");
    it.plant(Planted::new("password of a refused URL", secret.clone(), &[]));
    let in_url: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let url = format!("postgres://farwatch:{in_url}@127.0.0.1:x/farwatch");
    let configurations = [
        format!("[database]\nurl = {url:?}\n"),
        format!("[database]\nurl = {url}\n"),
        format!("[database]\nurls = {secret:?}\n"),
    ];
    for text in configurations {
        let file = it.bring("refused.toml", &text);
        let more = ["--config", file.to_str().unwrap()];
        for words in [&["check-config", "--print"][..], &["serve"]] {
            assert!(!it.run("a refused configuration", words, &more, "").status.success());
        }
    }
}

async fn wrong_sign_ins(it: &mut Installation) {
    let wrong = text("mistyped password");
    it.plant(Planted::new("mistyped password", wrong.clone(), &[]));
    let nobody = it.nobody();
    for email in [ADMIN, "nobody@farwatch.example"] {
        let body = json!({ "email": email, "password": wrong });
        assert_eq!(it.call(&nobody, "POST", "/api/v1/login", Some(body)).await.status, 401);
    }
}

/// Signs in; the cookie is a secret of this name.
async fn sign_in(
    it: &mut Installation,
    name: &'static str,
    (email, password): (&str, &str),
    code: Option<&str>,
) -> Client {
    let mut body = json!({ "email": email, "password": password });
    if let Some(code) = code {
        body["totp"] = json!(code);
    }
    let nobody = it.nobody();
    let answer = it.call(&nobody, "POST", "/api/v1/login", Some(body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let cookie = answer.headers[http::header::SET_COOKIE].to_str().unwrap();
    let pair = cookie.split(';').next().unwrap().to_owned();
    let (_, token) = pair.split_once('=').unwrap();
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    it.plant(Planted::new(name, bytes, &["POST /api/v1/login"]));
    Client::with_cookie(nobody.address, &pair)
}

/// The secret part of a P-256 key in PKCS#8: 32 bytes after the version of its inner structure.
fn scalar(key: &[u8]) -> Vec<u8> {
    let before = [0x02, 0x01, 0x01, 0x04, 0x20];
    let at = key.windows(before.len()).position(|bytes| bytes == before).unwrap();
    key[at + before.len()..][..32].to_vec()
}
