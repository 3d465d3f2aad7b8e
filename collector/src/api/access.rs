//! What each operation asks of its caller: one table. The layer before every handler goes by it, and
//! the document tells it. Which tenants a caller may read or change is for the handler to check: the
//! layer knows no ids.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::request::Parts;
use serde_json::{Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use crate::identity::api_key::Scope;
use crate::identity::user::Role;
use crate::identity::{Access, Actor, TenantContext};

/// In each operation of the document: the name of its need.
const NEED: &str = "x-farwatch-need";
/// In the document itself: who has each need.
const NEEDS_OF: &str = "x-farwatch-needs";

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Whoever asks is answered.
    Nobody,
    /// A session or an API key.
    SignedIn,
    /// A session: this is about the person themselves.
    Person,
    /// To read one tenant at least; a screen on the wall may, too.
    Watch,
    /// So much in one tenant at least.
    Tenant(Access),
    SuperAdmin,
}

/// Every operation, by its id in the document, in the order of the routes.
const NEEDS: &[(&str, Need)] = &[
    ("login", Need::Nobody),
    ("logout", Need::Nobody),
    ("me", Need::Person),
    ("views", Need::Person),
    ("views_put", Need::Person),
    ("wall", Need::Watch),
    ("wall_enter", Need::Nobody),
    ("wall_leave", Need::Nobody),
    // Of which the caller administers a tenant; to make or change one, all of them.
    ("screens", Need::Tenant(Access::Admin)),
    ("screen_new", Need::Tenant(Access::Admin)),
    ("screen_change", Need::Tenant(Access::Admin)),
    ("screen_gone", Need::Tenant(Access::Admin)),
    ("tenants", Need::SignedIn),
    ("tenant_new", Need::SuperAdmin),
    ("tenant", Need::Tenant(Access::Read)),
    ("tenant_change", Need::SuperAdmin),
    ("quota", Need::Tenant(Access::Admin)),
    ("quota_change", Need::SuperAdmin),
    ("sites", Need::Watch),
    ("site_new", Need::Tenant(Access::Write)),
    ("site_change", Need::Tenant(Access::Write)),
    ("site_gone", Need::Tenant(Access::Write)),
    ("tokens", Need::Tenant(Access::Write)),
    ("token_gone", Need::Tenant(Access::Write)),
    ("token_new", Need::Tenant(Access::Write)),
    // Of those whom the caller administers: to others the list is empty.
    ("api_keys", Need::Tenant(Access::Read)),
    ("api_key_new", Need::Tenant(Access::Admin)),
    ("api_key_delete", Need::Tenant(Access::Admin)),
    ("devices", Need::Watch),
    ("device_new", Need::Tenant(Access::Write)),
    ("device", Need::Tenant(Access::Read)),
    ("device_gone", Need::Tenant(Access::Write)),
    ("device_change", Need::Tenant(Access::Write)),
    ("device_credential", Need::Tenant(Access::Write)),
    ("device_bulk", Need::Tenant(Access::Write)),
    ("device_import", Need::Tenant(Access::Write)),
    ("device_poll", Need::Tenant(Access::Write)),
    ("backup_policy", Need::Tenant(Access::Read)),
    ("backup_policy_put", Need::Tenant(Access::Admin)),
    ("device_backup", Need::Tenant(Access::Read)),
    ("device_backup_change", Need::Tenant(Access::Admin)),
    ("device_host_key", Need::Tenant(Access::Admin)),
    ("device_backup_run", Need::Tenant(Access::Write)),
    ("config_jobs", Need::Tenant(Access::Read)),
    ("config_job", Need::Tenant(Access::Read)),
    ("config_job_cancel", Need::Tenant(Access::Write)),
    ("credential_profiles", Need::Tenant(Access::Read)),
    ("credential_profile_new", Need::Tenant(Access::Write)),
    ("credential_profile", Need::Tenant(Access::Read)),
    ("credential_profile_change", Need::Tenant(Access::Write)),
    ("credential_profile_gone", Need::Tenant(Access::Write)),
    ("interfaces", Need::Tenant(Access::Read)),
    ("objects", Need::Tenant(Access::Read)),
    ("metrics", Need::Tenant(Access::Read)),
    ("series", Need::Tenant(Access::Read)),
    ("samples", Need::Tenant(Access::Read)),
    ("agents", Need::Watch),
    ("agent", Need::Tenant(Access::Read)),
    ("agent_change", Need::Tenant(Access::Write)),
    ("revoke", Need::Tenant(Access::Admin)),
    ("agent_ping", Need::Tenant(Access::Write)),
    ("credential_find", Need::Tenant(Access::Write)),
    ("gaps", Need::Tenant(Access::Read)),
    ("agent_ledger", Need::Tenant(Access::Read)),
    ("agent_links", Need::Tenant(Access::Read)),
    ("agent_refused", Need::Tenant(Access::Read)),
    ("agent_completeness", Need::Tenant(Access::Read)),
    ("agent_networks", Need::Tenant(Access::Write)),
    ("scan_new", Need::Tenant(Access::Write)),
    ("scans", Need::Tenant(Access::Read)),
    ("scan", Need::Tenant(Access::Read)),
    ("scan_cancel", Need::Tenant(Access::Write)),
    ("scan_adopt", Need::Tenant(Access::Write)),
    ("rules", Need::Tenant(Access::Read)),
    ("rule_new", Need::Tenant(Access::Admin)),
    ("rule", Need::Tenant(Access::Read)),
    ("rule_change", Need::Tenant(Access::Admin)),
    ("rule_gone", Need::Tenant(Access::Admin)),
    ("rule_metrics", Need::SignedIn),
    ("rule_preview", Need::Tenant(Access::Admin)),
    ("alerts", Need::Watch),
    ("alert", Need::Tenant(Access::Read)),
    ("alert_bulk", Need::Tenant(Access::Write)),
    ("alert_ack", Need::Tenant(Access::Write)),
    ("alert_unack", Need::Tenant(Access::Write)),
    ("alert_silence", Need::Tenant(Access::Write)),
    ("alert_unsilence", Need::Tenant(Access::Write)),
    ("configs", Need::Tenant(Access::Read)),
    ("config_search", Need::Tenant(Access::Read)),
    ("config", Need::Tenant(Access::Read)),
    ("config_text", Need::Tenant(Access::Read)),
    ("config_diff", Need::Tenant(Access::Read)),
    ("config_raw", Need::Tenant(Access::Admin)),
    ("device_configs", Need::Tenant(Access::Read)),
    ("timeline", Need::Tenant(Access::Read)),
    ("events", Need::Watch),
    ("audit", Need::Tenant(Access::Admin)),
    ("audit_export", Need::Tenant(Access::Admin)),
    ("channels", Need::Tenant(Access::Read)),
    ("channel_new", Need::Tenant(Access::Admin)),
    ("channel", Need::Tenant(Access::Read)),
    ("channel_change", Need::Tenant(Access::Admin)),
    ("channel_gone", Need::Tenant(Access::Admin)),
    ("channel_try", Need::Tenant(Access::Admin)),
    ("channel_deliveries", Need::Tenant(Access::Read)),
    ("alert_deliveries", Need::Tenant(Access::Read)),
    ("routes", Need::Tenant(Access::Read)),
    ("route_new", Need::Tenant(Access::Admin)),
    ("route_gone", Need::Tenant(Access::Admin)),
    ("users", Need::Tenant(Access::Admin)),
    ("user_new", Need::Tenant(Access::Admin)),
    ("user_patch", Need::SuperAdmin),
    ("user_delete", Need::SuperAdmin),
    // Of somebody whose tenants the caller all administers; of anybody for a super_admin.
    ("user_password", Need::Tenant(Access::Admin)),
    ("user_totp_delete", Need::SuperAdmin),
    ("members", Need::Tenant(Access::Admin)),
    ("member_new", Need::Tenant(Access::Admin)),
    ("member_put", Need::Tenant(Access::Admin)),
    ("member_delete", Need::Tenant(Access::Admin)),
    // Of the tenants that the caller administers, and their own.
    ("grants", Need::Person),
    ("grant_new", Need::Tenant(Access::Admin)),
    ("grant_delete", Need::Person),
    ("sessions", Need::Person),
    ("session_delete", Need::Person),
    ("password_new", Need::Person),
    ("totp_begin", Need::Person),
    ("totp_confirm", Need::Person),
    ("totp_delete", Need::Person),
    ("openapi_json", Need::Nobody),
    ("live", Need::Nobody),
    ("ready", Need::Nobody),
    ("startup", Need::Nobody),
];

/// All that somebody may do who has a password that was made for them.
const FIRST: [&str; 2] = ["me", "password_new"];

/// What counts of somebody who is signed in.
#[derive(Clone, Copy, Debug)]
struct Standing {
    person: bool,
    screen: bool,
    super_admin: bool,
    /// The most they may do in any tenant; `None` in no tenant.
    access: Option<Access>,
}

impl Standing {
    fn of(context: &TenantContext) -> Self {
        let most = [Access::Admin, Access::Write, Access::Read];
        let in_any = |access: &Access| context.tenants().any(|id| context.may(id, *access));
        Self {
            person: !matches!(context.actor(), Actor::ApiKey(_) | Actor::Screen(_)),
            screen: matches!(context.actor(), Actor::Screen(_)),
            super_admin: context.is_super_admin(),
            access: most.into_iter().find(in_any),
        }
    }
}

impl Need {
    const ALL: [Self; 8] = [
        Self::Nobody,
        Self::SignedIn,
        Self::Person,
        Self::Watch,
        Self::Tenant(Access::Read),
        Self::Tenant(Access::Write),
        Self::Tenant(Access::Admin),
        Self::SuperAdmin,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::SignedIn => "signed_in",
            Self::Person => "person",
            Self::Watch => "watch",
            Self::Tenant(Access::Read) => "read",
            Self::Tenant(Access::Write) => "write",
            Self::Tenant(Access::Admin) => "admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    fn of(operation: &Operation) -> Option<Self> {
        let id = operation.operation_id.as_deref()?;
        NEEDS.iter().find(|(known, _)| *known == id).map(|(_, need)| *need)
    }

    /// Whether it is met; `None` is somebody who did not sign in.
    fn is_met_by(self, standing: Option<Standing>) -> bool {
        let Some(standing) = standing else { return self == Self::Nobody };
        match self {
            Self::Nobody | Self::SignedIn => true,
            Self::Person => standing.person,
            Self::Watch => standing.screen || Self::Tenant(Access::Read).is_met_by(Some(standing)),
            _ if standing.screen => false,
            // In an installation without tenants there is somebody who may make the first.
            Self::Tenant(access) => standing.super_admin || standing.access >= Some(access),
            Self::SuperAdmin => standing.super_admin,
        }
    }

    /// The words for somebody who does not meet it.
    fn refusal(self, standing: Standing) -> Error {
        let forbidden = |detail| Error::forbidden("forbidden", detail);
        match self {
            _ if standing.screen => forbidden("A screen on the wall only shows how things are."),
            Self::Person => forbidden("An API key is not a person; list the tenants instead."),
            Self::Tenant(Access::Write) if !standing.person => {
                Error::forbidden("scope", "This API key has the scope `read` only.")
            }
            Self::Watch | Self::Tenant(_) if standing.access.is_none() => {
                forbidden("You have no role in any tenant; ask an administrator of one.")
            }
            Self::SuperAdmin => forbidden("Only a super_admin may do this."),
            _ => forbidden("Your role does not allow this in any tenant."),
        }
    }
}

/// Who can come, with the names of the columns of the published table.
fn kinds() -> impl Iterator<Item = (&'static str, Option<Standing>)> {
    let key = |name, scope: Scope| {
        let access = Some(scope.access());
        (name, Some(Standing { person: false, screen: false, super_admin: false, access }))
    };
    let person = |role: Role| {
        let super_admin = role == Role::SuperAdmin;
        let access = Some(role.access());
        let standing = Standing { person: true, screen: false, super_admin, access };
        (role.name(), Some(standing))
    };
    let keys = [key("api_key:read", Scope::Read), key("api_key:write", Scope::Write)];
    let screen =
        Standing { person: false, screen: true, super_admin: false, access: Some(Access::Read) };
    [("nobody", None), ("screen", Some(screen))]
        .into_iter()
        .chain(keys)
        .chain(Role::ALL.map(person))
}

/// The operations of one path.
fn methods(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Tells in the document what each operation needs, and who has that.
pub(super) fn told(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        for (_, operation) in methods(item) {
            if let Some(need) = Need::of(operation) {
                let told = Extensions::from_iter([(NEED, need.name())]);
                operation.extensions.get_or_insert_default().merge(told);
            }
        }
    }
    let met_by = |need: Need| {
        let kinds = kinds().filter(|(_, standing)| need.is_met_by(*standing));
        kinds.map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    // A list, not an object: the order is that of the columns and rows.
    let needs = Need::ALL.map(|need| json!({ "need": need.name(), "met_by": met_by(need) }));
    let told = Extensions::from_iter([(NEEDS_OF, Value::from(needs.to_vec()))]);
    document.extensions.get_or_insert_default().merge(told);
    document
}

/// The layer that stands before the handlers.
#[derive(Clone)]
pub(super) struct Gate {
    state: AppState,
    needs: Arc<HashMap<String, Vec<Row>>>,
}

struct Row {
    method: Method,
    need: Need,
    /// One of `FIRST`.
    first: bool,
}

impl Gate {
    /// For the routes that `document` describes.
    pub(super) fn new(state: AppState, mut document: OpenApi) -> Self {
        let needs = document.paths.paths.iter_mut().map(|(path, item)| {
            let row = |(method, operation): (Method, &mut Operation)| {
                let id = operation.operation_id.as_deref()?;
                Some(Row { method, need: Need::of(operation)?, first: FIRST.contains(&id) })
            };
            (path.clone(), methods(item).filter_map(row).collect())
        });
        let needs = Arc::new(needs.collect());
        Self { state, needs }
    }

    fn row(&self, parts: &Parts) -> Option<&Row> {
        let path = parts.extensions.get::<MatchedPath>()?;
        // The router answers a HEAD by the handler of GET.
        let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
        let rows = self.needs.get(path.as_str())?;
        rows.iter().find(|row| row.method == *method)
    }
}

/// Refuses who does not meet the need, before a handler reads anything. Handlers find the caller in
/// the request's extensions; where the table has no row there is none, and they refuse everybody.
pub(super) async fn admit(
    State(gate): State<Gate>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let (mut parts, body) = request.into_parts();
    if let Some(Row { need, first, .. }) = gate.row(&parts).filter(|row| row.need != Need::Nobody) {
        let caller = Caller::known(&parts, &gate.state).await?;
        if !first && caller.user.as_ref().is_some_and(|user| user.one_time) {
            let detail = "Choose a password of your own first: POST /api/v1/me/password.";
            return Err(Error::forbidden("password_change_required", detail));
        }
        let standing = Standing::of(&caller.context);
        if !need.is_met_by(Some(standing)) {
            return Err(need.refusal(standing));
        }
        caller.note_use(&gate.state).await;
        parts.extensions.insert(caller);
    }
    Ok(next.run(Request::from_parts(parts, body)).await)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_has_a_need_and_every_need_an_operation() {
        let mut document = crate::api::openapi();
        let mut ids = Vec::new();
        for (path, item) in &mut document.paths.paths {
            let json = serde_json::to_value(&*item).unwrap();
            assert_eq!(json.as_object().unwrap().len(), methods(item).count(), "{path}");
            for (method, operation) in methods(item) {
                let need = Need::of(operation);
                let need = need.unwrap_or_else(|| panic!("{method} {path} has no row in NEEDS"));
                let told = operation.extensions.as_ref().unwrap()[NEED].as_str();
                assert_eq!(told, Some(need.name()), "{method} {path}");
                ids.push(operation.operation_id.clone().unwrap());
            }
        }
        let rows: BTreeSet<_> = NEEDS.iter().map(|(id, _)| (*id).to_owned()).collect();
        assert_eq!(rows.len(), NEEDS.len(), "a row stands twice");
        // Two operations of one name would share a row.
        assert_eq!(ids.len(), rows.len());
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), rows);
    }

    #[test]
    fn each_kind_of_caller_meets_what_it_should() {
        let met = |kind: &str| {
            let (_, standing) = kinds().find(|(name, _)| *name == kind).unwrap();
            let met = Need::ALL.into_iter().filter(|need| need.is_met_by(standing));
            met.map(Need::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(met("nobody"), "nobody");
        assert_eq!(met("screen"), "nobody signed_in watch");
        assert_eq!(met("api_key:read"), "nobody signed_in watch read");
        assert_eq!(met("api_key:write"), "nobody signed_in watch read write");
        assert_eq!(met("viewer"), "nobody signed_in person watch read");
        assert_eq!(met("operator"), "nobody signed_in person watch read write");
        assert_eq!(met("tenant_admin"), "nobody signed_in person watch read write admin");
        assert_eq!(
            met("super_admin"),
            "nobody signed_in person watch read write admin super_admin"
        );
    }
}
