//! What people are told, through a real collector, at real receivers.

mod broker;
mod hooks;
mod killed;
mod mail;
mod road;

use std::path::Path;

use data_encoding::BASE64;
use farwatch_support::http::Client;
use farwatch_support::sinks::hooks::Hook;
use farwatch_support::stack::Collector;
use ring::hmac;
use serde_json::{Value, json};

/// A collector with `[notify]` in its file, and its administrator.
struct Desk {
    collector: Collector,
    client: Client,
    tenant: String,
}

/// How an attempt ended.
#[derive(Debug, PartialEq)]
struct Told {
    outcome: String,
    status: Option<u64>,
    detail: String,
}

impl Told {
    fn new(outcome: &str, status: Option<u64>, detail: &str) -> Self {
        Self { outcome: outcome.to_owned(), status, detail: detail.to_owned() }
    }
}

impl Desk {
    async fn start(dir: &Path, config: &str) -> Self {
        let collector = Collector::start_with(&dir.join("collector"), config).await;
        let client = collector.client().await;
        let tenants = client.get("/api/v1/tenants").await.data();
        let tenant = tenants[0]["id"].as_str().unwrap().to_owned();
        Self { collector, client, tenant }
    }

    /// Makes a channel of this kind; `body` is what the kind takes.
    async fn channel(&self, kind: &str, name: &str, mut body: Value) -> Value {
        body["tenant"] = json!(self.tenant);
        body["kind"] = json!(kind);
        body["name"] = json!(name);
        self.client.post("/api/v1/channels", &body).await.data()
    }

    /// Sends a test; its id and how that went.
    async fn test(&self, channel: &Value) -> (String, Told) {
        let path = format!("/api/v1/channels/{}/test", channel["id"].as_str().unwrap());
        let delivery = self.client.post(&path, &json!({})).await.data();
        let attempt = &delivery["attempts"][0];
        let text = |field: &str| attempt[field].as_str().unwrap().to_owned();
        let told = Told {
            outcome: text("outcome"),
            status: attempt["status"].as_u64(),
            detail: text("detail"),
        };
        (delivery["id"].as_str().unwrap().to_owned(), told)
    }
}

/// Whether one of its signatures is by this key, by the words of Standard Webhooks.
fn is_signed(hook: &Hook, secret: &str) -> bool {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let (id, at) = (hook.header("webhook-id"), hook.header("webhook-timestamp"));
    let signed = [format!("{id}.{at}.").as_bytes(), &hook.body].concat();
    let is_by = |one: &str| {
        let tag = BASE64.decode(one.strip_prefix("v1,").unwrap().as_bytes()).unwrap();
        hmac::verify(&key, &signed, &tag).is_ok()
    };
    hook.header("webhook-signature").split(' ').any(is_by)
}
