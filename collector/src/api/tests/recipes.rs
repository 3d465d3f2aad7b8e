//! How each operation is asked for, with the ids of somebody's things in every place that takes one.

use super::*;

/// Of the provider, to be granted into tenants.
pub(super) const STAFF: &str = "staff@example.net";

/// A request: `{device}` and so on stand for ids.
pub(super) struct Recipe {
    pub(super) path: &'static str,
    pub(super) body: Option<Value>,
}

fn ask(path: &'static str) -> Recipe {
    Recipe { path, body: None }
}

fn send(path: &'static str, body: Value) -> Recipe {
    Recipe { path, body: Some(body) }
}

/// Every way to name somebody's thing to an operation; `None` for those that take no id.
pub(super) fn recipes(operation: &str) -> Option<Vec<Recipe>> {
    Some(match operation {
        "login" | "logout" | "me" | "openapi_json" | "live" | "ready" | "startup" | "tenants" => {
            return None;
        }
        "sites" => vec![ask("/api/v1/sites?tenant={tenant}")],
        "token_new" => {
            vec![send("/api/v1/tokens", json!({ "tenant": "{tenant}", "site": "Depot" }))]
        }
        // The list is of the caller's tenants: there is nothing to name.
        "api_keys" => return None,
        "api_key_new" => {
            let body = json!({ "tenant": "{tenant}", "name": "k", "scopes": ["read"] });
            vec![send("/api/v1/api-keys", body)]
        }
        "api_key_delete" => vec![ask("/api/v1/api-keys/{key}")],
        "devices" => vec![
            ask("/api/v1/devices?tenant={tenant}"),
            ask("/api/v1/devices?site={site}&sort=-created_at"),
            ask("/api/v1/devices?agent={agent}&sort=name"),
        ],
        "device_new" => {
            let snmp = json!({ "version": "v2c", "community": "a-secret-community" });
            let body = json!({ "agent": "{agent}", "address": "10.9.9.9", "snmp": snmp });
            vec![send("/api/v1/devices", body)]
        }
        "device" | "device_gone" => vec![ask("/api/v1/devices/{device}")],
        "interfaces" => vec![ask("/api/v1/devices/{device}/interfaces")],
        "metrics" => vec![ask("/api/v1/devices/{device}/metrics")],
        "series" => vec![ask("/api/v1/devices/{device}/series?metric=snmp_up")],
        "samples" => vec![
            ask("/api/v1/devices/{device}/samples?metric=snmp_up"),
            ask("/api/v1/devices/{device}/samples?metric=snmp_up&format=csv"),
        ],
        "agents" => vec![ask("/api/v1/agents?tenant={tenant}")],
        "agent" => vec![ask("/api/v1/agents/{agent}")],
        "revoke" => vec![send("/api/v1/agents/{agent}/revoke", json!({}))],
        "gaps" => vec![ask("/api/v1/agents/{agent}/gaps")],
        "events" => {
            vec![ask("/api/v1/events?device={device}"), ask("/api/v1/events?tenant={tenant}")]
        }
        "audit" => vec![ask("/api/v1/audit?tenant={tenant}")],
        "audit_export" => vec![ask("/api/v1/audit/export?tenant={tenant}&format=csv")],
        "users" => vec![ask("/api/v1/users?tenant={tenant}")],
        "user_new" => {
            let body =
                json!({ "email": "new@example.net", "role": "viewer", "tenant": "{tenant}" });
            vec![send("/api/v1/users", body)]
        }
        "user_patch" => vec![send("/api/v1/users/{user}", json!({ "disabled": true }))],
        "user_password" => vec![ask("/api/v1/users/{user}/password")],
        "user_totp_delete" => vec![ask("/api/v1/users/{user}/totp")],
        "members" => vec![ask("/api/v1/tenants/{tenant}/members")],
        "member_new" => {
            let body = json!({ "email": "newer@example.net", "role": "viewer" });
            vec![send("/api/v1/tenants/{tenant}/members", body)]
        }
        "member_put" => {
            vec![send("/api/v1/tenants/{tenant}/members/{user}", json!({ "role": "operator" }))]
        }
        "member_delete" => vec![ask("/api/v1/tenants/{tenant}/members/{user}")],
        "grants" => vec![ask("/api/v1/grants?tenant={tenant}")],
        "grant_new" => {
            let body = json!({
                "tenant": "{tenant}",
                "email": STAFF,
                "role": "viewer",
                "reason": "a ticket",
                "minutes": 5,
            });
            vec![send("/api/v1/grants", body)]
        }
        "grant_delete" => vec![ask("/api/v1/grants/{grant}")],
        "sessions" => vec![ask("/api/v1/sessions?user={user}")],
        "session_delete" => vec![ask("/api/v1/sessions/{session}")],
        // The caller's own account: there is nothing to name.
        "password_new" | "totp_begin" | "totp_confirm" | "totp_delete" => return None,
        other => panic!("`{other}` has no recipe: say how to ask for somebody else's thing"),
    })
}

/// Ids of one tenant's things, or of nobody's, by the names that recipes use.
pub(super) struct Things {
    ids: Vec<(&'static str, String)>,
    /// The person among them.
    pub(super) person: As,
}

impl Things {
    /// One of each kind, new.
    pub(super) async fn of(world: &World, tenant: TenantId, admin: &As) -> Self {
        let (agent, site) = world.agent(tenant, "a").await;
        let device = world.device(admin, agent, "10.0.0.1").await;
        let body = json!({ "tenant": tenant.to_string(), "name": "k", "scopes": ["read"] });
        let key = world.post("/api/v1/api-keys", admin, body).await.data()["id"].clone();
        let email = format!("{agent}@example.net");
        let person = world.user(&email, Role::Viewer, Some(tenant)).await;
        let user = world.get("/api/v1/me", &person).await.data()["user"]["id"].clone();
        let session = world.get("/api/v1/sessions", &person).await.data()[0]["id"].clone();
        let tenant = tenant.to_string();
        let body = json!({
            "tenant": tenant, "email": STAFF, "role": "viewer", "reason": "a ticket", "minutes": 5,
        });
        let grant = world.post("/api/v1/grants", admin, body).await.data()["id"].clone();
        let text = |id: Value| id.as_str().unwrap().to_owned();
        let ids = vec![
            ("tenant", tenant),
            ("site", site.to_string()),
            ("agent", agent.to_string()),
            ("device", device),
            ("key", text(key)),
            ("user", text(user)),
            ("session", text(session)),
            ("grant", text(grant)),
        ];
        Self { ids, person }
    }

    /// Well-formed ids that nobody has.
    pub(super) fn nobodys(&self) -> Self {
        let strange = |id: &str| {
            let (prefix, _) = id.split_once('_').unwrap();
            format!("{prefix}_0000000000zzz")
        };
        let ids = self.ids.iter().map(|(name, id)| (*name, strange(id))).collect();
        Self { ids, person: As::Nobody }
    }

    pub(super) fn fill(&self, text: &str) -> String {
        let fill =
            |text: String, (name, id): &(&str, String)| text.replace(&format!("{{{name}}}"), id);
        let filled = self.ids.iter().fold(text.to_owned(), fill);
        for (name, _) in &self.ids {
            assert!(!filled.contains(&format!("{{{name}}}")));
        }
        filled
    }
}
