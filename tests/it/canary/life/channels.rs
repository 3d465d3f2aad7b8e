//! Channels of every kind, each with its secrets, told at real receivers.

use data_encoding::BASE64;
use farwatch_support::sinks::authority::Authority;
use farwatch_support::sinks::broker::{self, Broker, Listener};
use farwatch_support::sinks::hooks::Hooks;
use farwatch_support::sinks::mail::{self, MailServer, Tls};
use serde_json::{Value, json};

use super::{Installation, Life, Planted, plain, text};

const USER: &str = "farwatch";
const BROKER_PORT: u16 = 1883;

/// Where channels lead; what is not installed is left out.
pub(super) struct Receivers {
    hooks: Hooks,
    mail: Option<MailServer>,
    broker: Option<(Broker, String)>,
    _dir: tempfile::TempDir,
}

impl Receivers {
    /// Tells the installation's configuration of them, and plants the password of mail.
    pub(super) async fn start(it: &mut Installation) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hooks = Hooks::start(None).await;
        let authority = Authority::new(dir.path(), "own");
        let mut config = format!(
            "[notify]\nca_file = {:?}\n[[notify.allow]]\nnetwork = \"127.0.0.0/8\"\n\
             ports = [{}, {BROKER_PORT}]\nplain = true\n",
            authority.file,
            hooks.address.port()
        );
        let mut mail = None;
        if let Some(python) = mail::python() {
            let password = text("mail password");
            it.plant(Planted::new("mail password", password.clone(), &[]));
            let certified = authority.certify(&["127.0.0.1"]);
            let user = (USER, password.as_str());
            let server = MailServer::start(python, Tls::Starttls, &certified, user).await;
            config += &format!(
                "[notify.smtp]\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"fw@farwatch.example\"\n\
                 user = {USER:?}\npassword_file = {:?}\n",
                server.port,
                it.bring("mail-password", &password)
            );
            mail = Some(server);
        }
        it.configure(&config);
        let mut broker = None;
        if let Some(program) = broker::program() {
            let password = text("broker password");
            it.plant(Planted::new("broker password", password.clone(), &[]));
            let listener = [Listener { port: BROKER_PORT, certified: None }];
            let user = (USER, password.as_str());
            broker = Some((Broker::start(&program, dir.path(), user, &listener).await, password));
        }
        Self { hooks, mail, broker, _dir: dir }
    }
}

impl Life {
    /// URLs at first and changed, keys of the collector's and of the receiver's, passwords.
    pub(super) async fn channels(&mut self) {
        let names = ["hook", "changed hook", "slack", "changed slack"];
        let [hook, changed, slack, changed_slack] = names.map(|name| {
            let secret = plain(&name.replace(' ', "-"));
            self.plant(name, secret.clone(), &[]);
            self.receivers.hooks.url(&format!("/{secret}"))
        });
        let made = self.channel("webhook", json!({ "url": hook })).await;
        let at = &["POST /api/v1/channels"];
        self.plant_key(("webhook key", "bytes of the webhook key"), &made, at);
        let path = format!("/api/v1/channels/{}", made["id"].as_str().unwrap());
        let body = json!({ "url": changed, "secret": "exchange" });
        let exchanged = self.admin("PATCH", &path, body).await.data();
        let at = &["PATCH /api/v1/channels/{id}"];
        self.plant_key(("exchanged key", "bytes of the exchanged key"), &exchanged, at);

        let made = self.channel("slack", json!({ "url": slack })).await;
        let path = format!("/api/v1/channels/{}", made["id"].as_str().unwrap());
        self.admin("PATCH", &path, json!({ "url": changed_slack })).await.data();
        if self.receivers.mail.is_some() {
            self.channel("email", json!({ "to": ["noc@farwatch.example"] })).await;
        }
        if let Some((broker, password)) = &self.receivers.broker {
            let mqtt = json!({ "host": broker.ip.to_string(), "port": BROKER_PORT, "tls": false,
                               "topic": "fw/{event}", "user": USER, "password": password });
            self.channel("mqtt", json!({ "mqtt": mqtt })).await;
        }
        let misplaced = plain("misplaced-hook");
        self.plant("misplaced hook", misplaced.clone(), &[]);
        for url in [format!("https://10.0.0.1/{misplaced}"), format!("https://{misplaced}@h/")] {
            let body = json!({ "tenant": self.tenant, "name": "refused", "kind": "webhook",
                               "url": url });
            assert_eq!(self.admin("POST", "/api/v1/channels", body).await.status, 422);
        }
        self.channels_are_told().await;
    }

    /// Each takes a test, with its secrets.
    pub(super) async fn channels_are_told(&mut self) {
        let channels = self.admin("GET", "/api/v1/channels", Value::Null).await.data();
        for channel in channels.as_array().unwrap() {
            let path = format!("/api/v1/channels/{}/test", channel["id"].as_str().unwrap());
            let told = self.admin("POST", &path, json!({})).await.data();
            assert_eq!(told["state"], "delivered", "{told}");
        }
    }

    async fn channel(&mut self, kind: &str, mut body: Value) -> Value {
        body["tenant"] = json!(self.tenant);
        body["kind"] = json!(kind);
        body["name"] = json!(kind);
        self.admin("POST", "/api/v1/channels", body).await.data()
    }

    /// As it is told, and what it is.
    fn plant_key(
        &mut self,
        (name, bytes): (&'static str, &'static str),
        shown: &Value,
        at: &'static [&'static str],
    ) {
        let key = shown["secret"].as_str().unwrap();
        let decoded = BASE64.decode(key.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        self.plant(name, key, at);
        self.plant(bytes, decoded, at);
    }
}
