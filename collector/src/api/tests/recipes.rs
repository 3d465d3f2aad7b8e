//! How each operation is asked for, with the ids of somebody's things in every place that takes one.

use super::*;

/// Of the provider, to be granted into tenants.
pub(super) const STAFF: &str = "staff@example.net";

/// A request: `{device}` and so on stand for ids, `{own_device}` for the caller's own.
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
        "login" | "logout" | "me" | "views" | "views_put" | "wall" | "wall_enter"
        | "wall_leave" | "screens" | "openapi_json" | "live" | "ready" | "startup" | "tenants" => {
            return None;
        }
        "tenant_new" => return None,
        "tenant" => vec![ask("/api/v1/tenants/{tenant}")],
        "tenant_change" => {
            // A name is taken once in all tenants: each engine has its own.
            vec![send("/api/v1/tenants/{tenant}", json!({ "name": "Far north" }))]
        }
        "quota" => vec![ask("/api/v1/tenants/{tenant}/quota")],
        "quota_change" => {
            let body = json!({ "agents": 500, "devices": null, "series": null,
                               "api_per_second": null });
            vec![send("/api/v1/tenants/{tenant}/quota", body)]
        }
        "sites" => vec![ask("/api/v1/sites?tenant={tenant}")],
        "site_new" => {
            vec![send("/api/v1/sites", json!({ "tenant": "{tenant}", "name": "Attic" }))]
        }
        "site_change" => vec![send("/api/v1/sites/{site}", json!({ "name": "Roof" }))],
        "site_gone" => vec![ask("/api/v1/sites/{empty_site}")],
        "tokens" => vec![ask("/api/v1/tokens?tenant={tenant}")],
        "token_gone" => vec![ask("/api/v1/tokens/{token}")],
        "token_new" => {
            vec![send("/api/v1/tokens", json!({ "tenant": "{tenant}", "site": "Depot" }))]
        }
        "api_keys" => vec![ask("/api/v1/api-keys?tenant={tenant}")],
        "api_key_new" => {
            let body = json!({ "tenant": "{tenant}", "name": "k", "scopes": ["read"] });
            vec![send("/api/v1/api-keys", body)]
        }
        "api_key_delete" => vec![ask("/api/v1/api-keys/{key}")],
        "screen_new" => {
            let body =
                json!({ "name": "w", "tenants": ["{tenant}"], "views": [{ "kind": "now" }] });
            let view = json!({ "kind": "now", "tenant": "{tenant}" });
            let other = json!({ "name": "w", "tenants": ["{own_tenant}"], "views": [view] });
            vec![send("/api/v1/screens", body), send("/api/v1/screens", other)]
        }
        "screen_change" => {
            let body =
                json!({ "name": "w", "tenants": ["{tenant}"], "views": [{ "kind": "now" }] });
            let ours = json!({ "name": "w", "tenants": ["{own_tenant}"],
                               "views": [{ "kind": "now" }] });
            vec![send("/api/v1/screens/{screen}", ours), send("/api/v1/screens/{own_screen}", body)]
        }
        "screen_gone" => vec![ask("/api/v1/screens/{screen}")],
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
        "device_change" => vec![
            send("/api/v1/devices/{device}", json!({ "interval_s": 30 })),
            send("/api/v1/devices/{own_device}", json!({ "agent": "{agent}" })),
        ],
        "device_credential" => {
            vec![send("/api/v1/devices/{device}/credential", json!({ "community": "another-one" }))]
        }
        "device_bulk" => {
            let bulk = |which: Value, change: Value| {
                let mut body = which.as_object().unwrap().clone();
                body.extend(change.as_object().unwrap().clone());
                send("/api/v1/devices/bulk", Value::Object(body))
            };
            let change = json!({ "change": { "interval_s": 30 } });
            vec![
                bulk(json!({ "ids": ["{device}"] }), change.clone()),
                bulk(json!({ "ids": ["{own_device}", "{device}"] }), change.clone()),
                bulk(json!({ "filter": { "tenant": "{tenant}" } }), change.clone()),
                bulk(json!({ "filter": { "site": "{site}" } }), change.clone()),
                bulk(json!({ "filter": { "agent": "{agent}" } }), change),
                bulk(
                    json!({ "ids": ["{own_device}"] }),
                    json!({ "change": { "agent": "{agent}" } }),
                ),
                bulk(json!({ "ids": ["{device}"] }), json!({ "delete": true })),
            ]
        }
        "device_import" => {
            let body = |tenant: &str, agent: &str| {
                let csv = "address,name,community\n10.9.9.10,r,a-secret-community\n";
                let body =
                    json!({ "tenant": tenant, "agent": agent, "csv": csv, "dry_run": false });
                send("/api/v1/devices/import", body)
            };
            vec![body("{tenant}", "{agent}"), body("{own_tenant}", "{agent}")]
        }
        "agent_networks" => vec![ask("/api/v1/agents/{agent}/networks")],
        "scan_new" => {
            let body = |profile: &str| json!({ "ranges": ["10.8.0.0/30"], "profiles": [profile] });
            vec![
                send("/api/v1/agents/{agent}/scans", body("{profile}")),
                send("/api/v1/agents/{own_agent}/scans", body("{profile}")),
            ]
        }
        "scans" => {
            vec![ask("/api/v1/scans?tenant={tenant}"), ask("/api/v1/scans?agent={agent}")]
        }
        "scan" => vec![ask("/api/v1/scans/{scan}")],
        "scan_cancel" => vec![ask("/api/v1/scans/{open_scan}/cancel")],
        "scan_adopt" => {
            let body = json!({ "hosts": [{ "address": "10.7.0.1" }] });
            vec![send("/api/v1/scans/{scan}/adopt", body)]
        }
        "device_poll" => vec![ask("/api/v1/devices/{device}/poll")],
        "backup_policy" => vec![ask("/api/v1/backup-policy?tenant={tenant}")],
        "backup_policy_put" => {
            let body = json!({ "tenant": "{tenant}", "enabled": true, "every_s": 3600,
                               "window": null, "per_site_max": 2, "keep_days": 30,
                               "keep_versions": 5 });
            vec![send("/api/v1/backup-policy", body)]
        }
        "device_backup" => vec![ask("/api/v1/devices/{device}/backup")],
        "device_backup_change" => {
            vec![send("/api/v1/devices/{device}/backup", json!({ "port": 2222 }))]
        }
        "device_host_key" => {
            let body = json!({ "host_key": backups::OTHER_KEY });
            vec![send("/api/v1/devices/{device}/backup/host-key", body)]
        }
        "device_backup_run" => vec![ask("/api/v1/devices/{device}/backup/run")],
        "config_jobs" => vec![
            ask("/api/v1/config-jobs?tenant={tenant}"),
            ask("/api/v1/config-jobs?device={device}"),
        ],
        "config_job" => vec![ask("/api/v1/config-jobs/{job}")],
        "config_job_cancel" => vec![ask("/api/v1/config-jobs/{queued_job}/cancel")],
        "agent_ping" => vec![ask("/api/v1/agents/{agent}/ping")],
        "credential_find" => {
            let body = json!({ "host": "10.9.9.9" });
            vec![send("/api/v1/agents/{agent}/find-credential", body)]
        }
        "credential_profiles" => vec![ask("/api/v1/credential-profiles?tenant={tenant}")],
        "credential_profile" | "credential_profile_gone" => {
            vec![ask("/api/v1/credential-profiles/{profile}")]
        }
        "credential_profile_change" => vec![
            send("/api/v1/credential-profiles/{profile}", json!({ "name": "other" })),
            send("/api/v1/credential-profiles/{own_profile}", json!({ "site": "{site}" })),
        ],
        "credential_profile_new" => {
            let new = |name: &str, tenant: &str, site: Value| {
                let body = json!({ "tenant": tenant, "name": name, "kind": "snmp_community",
                                   "site": site, "community": "a-profile-community" });
                send("/api/v1/credential-profiles", body)
            };
            vec![new("n1", "{tenant}", Value::Null), new("n2", "{own_tenant}", json!("{site}"))]
        }
        "device" | "device_gone" => vec![ask("/api/v1/devices/{device}")],
        "interfaces" => vec![ask("/api/v1/devices/{device}/interfaces")],
        "objects" => vec![ask("/api/v1/devices/{device}/objects")],
        "metrics" => vec![ask("/api/v1/devices/{device}/metrics")],
        "series" => vec![ask("/api/v1/devices/{device}/series?metric=snmp_up")],
        "samples" => vec![
            ask("/api/v1/devices/{device}/samples?metric=snmp_up"),
            ask("/api/v1/devices/{device}/samples?metric=snmp_up&format=csv"),
        ],
        "agents" => vec![ask("/api/v1/agents?tenant={tenant}")],
        "agent" => vec![ask("/api/v1/agents/{agent}")],
        "agent_change" => vec![
            send("/api/v1/agents/{agent}", json!({ "name": "other" })),
            send("/api/v1/agents/{own_agent}", json!({ "site": "{site}" })),
        ],
        "revoke" => vec![ask("/api/v1/agents/{agent}/revoke")],
        "agent_ledger" => vec![ask("/api/v1/agents/{agent}/ledger")],
        "agent_links" => vec![ask("/api/v1/agents/{agent}/links")],
        "agent_completeness" => vec![ask("/api/v1/agents/{agent}/completeness")],
        "agent_refused" => vec![ask("/api/v1/agents/{agent}/refused")],
        "gaps" => vec![ask("/api/v1/agents/{agent}/gaps?from=0&order=desc")],
        "rule_metrics" => return None,
        "rules" => vec![ask("/api/v1/rules?tenant={tenant}")],
        "rule_new" => {
            let new = |name: &str, tenant: &str, sites: Value| {
                let body = json!({ "tenant": tenant, "name": name, "severity": "info",
                                   "scope": { "sites": sites },
                                   "condition": { "kind": "agent_state" } });
                send("/api/v1/rules", body)
            };
            vec![new("r1", "{tenant}", json!([])), new("r2", "{own_tenant}", json!(["{site}"]))]
        }
        "rule" | "rule_gone" => vec![ask("/api/v1/rules/{rule}")],
        "rule_change" => vec![
            send("/api/v1/rules/{rule}", json!({ "for_s": 300 })),
            send("/api/v1/rules/{own_rule}", json!({ "scope": { "sites": ["{site}"] } })),
        ],
        "rule_preview" => {
            let tried = |tenant: &str, sites: Value| {
                let body = json!({ "tenant": tenant, "scope": { "sites": sites },
                                   "condition": { "kind": "agent_state" } });
                send("/api/v1/rules/preview", body)
            };
            vec![tried("{tenant}", json!([])), tried("{own_tenant}", json!(["{site}"]))]
        }
        "channels" => vec![ask("/api/v1/channels?tenant={tenant}")],
        "channel_new" => {
            let body = json!({ "tenant": "{tenant}", "name": "noc", "kind": "email",
                               "to": ["noc@example.net"] });
            vec![send("/api/v1/channels", body)]
        }
        "channel" | "channel_gone" => vec![ask("/api/v1/channels/{channel}")],
        "channel_change" => {
            vec![send("/api/v1/channels/{channel}", json!({ "name": "other" }))]
        }
        "channel_try" => vec![ask("/api/v1/channels/{channel}/test")],
        "channel_deliveries" => vec![ask("/api/v1/channels/{channel}/deliveries")],
        "alert_deliveries" => vec![ask("/api/v1/alerts/{alert}/deliveries")],
        "alerts" => vec![
            ask("/api/v1/alerts?tenant={tenant}"),
            ask("/api/v1/alerts?site={site}&phase=open"),
            ask("/api/v1/alerts?device={device}"),
            ask("/api/v1/alerts?agent={agent}"),
            ask("/api/v1/alerts?rule={rule}"),
        ],
        "alert" => vec![ask("/api/v1/alerts/{alert}")],
        "alert_ack" => vec![send("/api/v1/alerts/{alert}/ack", json!({ "note": "on my way" }))],
        "alert_unack" => vec![ask("/api/v1/alerts/{alert}/unack")],
        "alert_silence" => {
            let body = json!({ "until": alerts::soon() });
            vec![send("/api/v1/alerts/{alert}/silence", body)]
        }
        "alert_unsilence" => vec![ask("/api/v1/alerts/{alert}/unsilence")],
        "routes" => vec![ask("/api/v1/routes?tenant={tenant}")],
        "route_new" => {
            let route = |channel: &str, sites: &[&str]| {
                let body = json!({ "channel": channel, "severity": "warning", "sites": sites });
                send("/api/v1/routes", body)
            };
            vec![route("{channel}", &[]), route("{own_channel}", &["{site}"])]
        }
        "route_gone" => vec![ask("/api/v1/routes/{route}")],
        "configs" => {
            vec![ask("/api/v1/configs?tenant={tenant}"), ask("/api/v1/configs?site={site}")]
        }
        "config_search" => vec![ask("/api/v1/configs/search?q=host&tenant={tenant}")],
        "config" => vec![ask("/api/v1/configs/{config}")],
        "config_text" => vec![ask("/api/v1/configs/{config}/text")],
        "config_raw" => vec![ask("/api/v1/configs/{config}/raw")],
        "config_diff" => vec![
            ask("/api/v1/configs/{config}/diff"),
            ask("/api/v1/configs/{own_config}/diff?with={config}"),
        ],
        "device_configs" => vec![ask("/api/v1/devices/{device}/configs")],
        "timeline" => vec![ask("/api/v1/devices/{device}/timeline")],
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
        "user_delete" => vec![ask("/api/v1/users/{user}")],
        "user_password" => vec![ask("/api/v1/users/{user}/password")],
        "user_totp_delete" => vec![ask("/api/v1/users/{user}/totp")],
        "members" => vec![ask("/api/v1/tenants/{tenant}/members")],
        "member_new" => {
            let body = json!({ "email": "newer@example.net", "role": "viewer" });
            vec![send("/api/v1/tenants/{tenant}/members", body)]
        }
        "member_put" => {
            let body = json!({ "role": "operator" });
            vec![
                send("/api/v1/tenants/{tenant}/members/{user}", body.clone()),
                send("/api/v1/tenants/{own_tenant}/members/{user}", body),
            ]
        }
        "member_delete" => vec![ask("/api/v1/tenants/{tenant}/members/{user}")],
        "grants" => vec![
            ask("/api/v1/grants?tenant={tenant}"),
            ask("/api/v1/grants?tenant={tenant}&live=true"),
        ],
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
        // Whose is not there is named as gone: `a_bulk_says_what_became_of_each` holds it to that.
        "alert_bulk" => return None,
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
        let body = json!({ "password": PASSWORD });
        let begun = world.post("/api/v1/me/totp", &person, body).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.body);
        world.raw().run("UPDATE user_totp SET confirmed_at = 1").await;
        let profile = world.profile(admin, tenant, json!({ "name": &email })).await;
        // Those of operations before: a tenant has so many.
        let of_tenant = format!(
            "DELETE FROM wall_screen WHERE screen_id IN
             (SELECT screen_id FROM wall_tenant WHERE tenant_id = {})",
            tenant.0
        );
        world.raw().run(composed(of_tenant)).await;
        let tenant = tenant.to_string();
        let body = json!({ "tenant": tenant, "name": &email, "severity": "critical",
                           "condition": { "kind": "agent_state" } });
        let rule = world.post("/api/v1/rules", admin, body).await.data()["id"].clone();
        let body = json!({ "tenant": tenant, "name": &email });
        let empty = world.post("/api/v1/sites", admin, body).await.data()["id"].clone();
        let body = json!({ "tenant": tenant, "site": "Depot" });
        world.post("/api/v1/tokens", admin, body).await.data();
        let tokens = world.get(&format!("/api/v1/tokens?tenant={tenant}"), admin).await.data();
        let token = tokens[0]["id"].clone();
        let body = json!({
            "tenant": tenant, "email": STAFF, "role": "viewer", "reason": "a ticket", "minutes": 5,
        });
        let grant = world.post("/api/v1/grants", admin, body).await.data()["id"].clone();
        let (channel, route) = notify::channel_and_route(world, admin, &tenant, &email).await;
        let alert = alerts::looked_after(world, &tenant, agent, site).await;
        let config = configs::fetched(world, (&tenant, agent), &device, "host r1\n").await;
        let job = backups::fetched_once(world, admin, &device).await;
        let scan = scans::found(world, (&tenant, agent, site), "10.7.0.1").await;
        let open_scan = scans::open(world, (&tenant, agent, site)).await;
        let queued_job = backups::queued(world, &device).await;
        let body = json!({ "name": "w", "tenants": [tenant], "views": [{ "kind": "now" }] });
        let screen = world.post("/api/v1/screens", admin, body).await.data()["id"].clone();
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
            ("profile", profile),
            ("channel", channel),
            ("route", route),
            ("alert", alert),
            ("config", config),
            ("job", job),
            ("queued_job", queued_job),
            ("scan", scan),
            ("open_scan", open_scan),
            ("empty_site", text(empty)),
            ("token", text(token)),
            ("rule", text(rule)),
            ("screen", text(screen)),
        ];
        Self { ids, person }
    }

    /// Well-formed ids that nobody has.
    pub(super) fn nobodys(&self) -> Self {
        let strange = |id: &str| {
            // An enrolment token goes by its random number.
            let Some((prefix, _)) = id.split_once('_') else { return "0".repeat(id.len()) };
            format!("{prefix}_0000000000zzz")
        };
        let ids = self.ids.iter().map(|(name, id)| (*name, strange(id))).collect();
        Self { ids, person: As::Nobody }
    }

    /// The text with these ids, and with those of `own`.
    pub(super) fn fill(&self, text: &str, own: &Self) -> String {
        let mut filled = text.to_owned();
        for (name, id) in &self.ids {
            filled = filled.replace(&format!("{{{name}}}"), id);
        }
        for (name, id) in &own.ids {
            filled = filled.replace(&format!("{{own_{name}}}"), id);
        }
        assert!(!filled.contains("{own_"), "{filled}");
        filled
    }
}
