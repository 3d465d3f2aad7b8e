//! Stage **api**: what people and programs see and change.
//!
//! - in: HTTP requests, from a listener that says where each came from ([`Client`])
//! - out: JSON of `inventory`, `live` and `store`; events; the web UI's files
//! - bound: bodies of 1 MiB, 30 s per request, a rate and 16 event streams per session or key,
//!   [`events::STREAMS_MAX`] event streams of all; lists come in pages
//! - when full: 429 or 503 with `Retry-After`; a slow event stream gets `resync`
//! - on crash: requests are gone, what they committed stays; clients load a snapshot again

mod access;
mod address;
mod agents;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod alerts;
mod api_keys;
mod asked;
mod assets;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod audit;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod backups;
mod channels;
mod commands;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod config_jobs;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod configs;
mod credentials;
mod deliveries;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod devices;
mod document;
mod error;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod events;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod grants;
mod guard;
pub(crate) mod health;
mod interfaces;
mod login;
mod members;
mod objects;
mod observe;
mod quotas;
mod reply;
mod request;
mod routes;
mod rules;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod scans;
mod screens;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod series;
pub mod serve;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod sessions;
mod sites;
mod snmp;
mod ssh;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod tenants;
#[expect(unused_qualifications, reason = "utoipa::path writes them")]
mod timeline;
mod tokens;
mod totp;
mod users;
mod views;
mod wall;

use std::sync::{Arc, Mutex};

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Router, middleware};
use farwatch_common::clock::Clock;
use farwatch_common::id::{AgentId, IdGenerator};
use farwatch_common::secret::Secret;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::command::Commands;
use crate::evaluate::RuleChanges;
use crate::history::JobsChanged;
use crate::history::mirror::health::Mirrors;
use crate::identity::failures::Failures;
use crate::identity::installation_key::InstallationKeys;
use crate::identity::limits::Limits;
use crate::identity::password::Passwords;
use crate::identity::token::TokenOrigin;
use crate::identity::tries::Tries;
use crate::inventory::quota::Quotas;
use crate::inventory::{AssignmentChanges, Vault};
use crate::live::Live;
use crate::metrics::{Counter, Metrics};
use crate::notify::Courier;
use crate::scan::Scans;
use crate::store::{Database, Samples};
use events::Streams;
pub use guard::Client;
use health::Probe;
use observe::Requests;

const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Ends the sessions of an agent that was revoked; the registry of sessions is one.
pub trait SessionControl: Send + Sync {
    /// Returns at once; the sessions close within seconds.
    fn revoke(&self, agent: AgentId);
}

/// What handlers work with. The composition root fills it in.
pub struct Parts {
    pub db: Database,
    pub live: Live,
    pub samples: Samples,
    pub vault: Arc<Vault>,
    pub installation: Arc<InstallationKeys>,
    pub changes: AssignmentChanges,
    pub rules: RuleChanges,
    pub jobs: JobsChanged,
    pub mirrors: Mirrors,
    pub clock: Clock,
    pub ids: Arc<IdGenerator>,
    pub limits: Arc<Limits>,
    pub quotas: Quotas,
    pub passwords: Passwords,
    pub sessions: Arc<dyn SessionControl>,
    pub commands: Commands,
    pub scans: Scans,
    pub courier: Courier,
    pub origin: TokenOrigin,
    pub version: &'static str,
    pub metrics: Metrics,
    /// Opens `/metrics` on the public listener.
    pub metrics_token: Option<Secret>,
    /// Cancelled when the process stops: event streams end.
    pub stopping: CancellationToken,
    pub own: Own,
}

/// What the API keeps for itself.
pub struct Own {
    configs: crate::history::busy::Places,
    counted: agents::completeness::Counted,
    replays: rules::Replays,
    streams: Streams,
    probe: Probe,
    requests: Requests,
    logins_failed: Counter,
    /// Of these and of those asked for a code: which the audit does not have a row for.
    logins_unwritten: Counter,
    failures: Mutex<Failures>,
    /// Wrong codes of second factors.
    codes: Mutex<Tries>,
}

impl Own {
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            configs: crate::history::busy::Places::default(),
            counted: agents::completeness::Counted::default(),
            replays: rules::Replays::default(),
            streams: Streams::new(metrics),
            probe: Probe::default(),
            requests: Requests::new(metrics),
            logins_failed: metrics.counter("api_logins_failed_total", "Logins refused", &[]),
            logins_unwritten: metrics.counter(
                "api_logins_unaudited_total",
                "Logins refused without a row in the audit, which has enough of this minute",
                &[],
            ),
            failures: Mutex::default(),
            codes: Mutex::default(),
        }
    }
}

pub type AppState = Arc<Parts>;

/// Everything that is served over HTTP.
pub fn router(state: AppState) -> Router {
    let (api, document) = operations().split_for_parts();
    let gate = access::Gate::new(Arc::clone(&state), document);
    api.route_layer(middleware::from_fn_with_state(gate, access::admit))
        .route("/metrics", get(health::metrics))
        .fallback(assets::serve)
        .method_not_allowed_fallback(observe::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), observe::observe))
        .with_state(state)
}

/// The description of the API; the same text on the command line and at `/api/v1/openapi.json`.
#[must_use]
pub fn openapi() -> OpenApi {
    access::told(document::finished(operations().into_openapi()))
}

/// Every operation of the document, and no other.
fn operations() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::frame())
        .routes(routes!(login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::me))
        .routes(routes!(views::views, views::views_put))
        .routes(routes!(wall::wall, wall::wall_enter, wall::wall_leave))
        .routes(routes!(screens::screens, screens::screen_new))
        .routes(routes!(screens::screen_change, screens::screen_gone))
        .routes(routes!(tenants::tenants, tenants::tenant_new))
        .routes(routes!(tenants::tenant, tenants::tenant_change))
        .routes(routes!(quotas::quota, quotas::quota_change))
        .routes(routes!(sites::sites, sites::site_new))
        .routes(routes!(sites::site_change, sites::site_gone))
        .routes(routes!(tokens::tokens, tokens::token_new))
        .routes(routes!(tokens::token_gone))
        .routes(routes!(api_keys::api_keys, api_keys::api_key_new))
        .routes(routes!(api_keys::api_key_delete))
        .routes(routes!(devices::devices, devices::device_new))
        .routes(routes!(devices::device, devices::change::device_change, devices::device_gone))
        .routes(routes!(devices::change::device_credential))
        .routes(routes!(devices::bulk::device_bulk))
        .routes(
            routes!(devices::import::device_import)
                .layer(DefaultBodyLimit::max(devices::import::BODY_BYTES_MAX)),
        )
        .routes(routes!(commands::device_poll))
        .routes(routes!(backups::backup_policy, backups::backup_policy_put))
        .routes(routes!(backups::device_backup, backups::device_backup_change))
        .routes(routes!(backups::device_host_key))
        .routes(routes!(config_jobs::device_backup_run))
        .routes(routes!(config_jobs::config_jobs))
        .routes(routes!(config_jobs::config_job))
        .routes(routes!(config_jobs::config_job_cancel))
        .routes(routes!(credentials::credential_profiles, credentials::credential_profile_new))
        .routes(routes!(
            credentials::credential_profile,
            credentials::credential_profile_change,
            credentials::credential_profile_gone
        ))
        .routes(routes!(interfaces::interfaces))
        .routes(routes!(objects::objects))
        .routes(routes!(series::metrics))
        .routes(routes!(series::series))
        .routes(routes!(series::samples))
        .routes(routes!(agents::agents))
        .routes(routes!(agents::agent, agents::agent_change))
        .routes(routes!(agents::revoke))
        .routes(routes!(commands::agent_ping))
        .routes(routes!(commands::find::credential_find))
        .routes(routes!(agents::gaps::gaps))
        .routes(routes!(agents::ledger::agent_ledger))
        .routes(routes!(agents::links::agent_links))
        .routes(routes!(agents::refused::agent_refused))
        .routes(routes!(agents::completeness::agent_completeness))
        .routes(routes!(scans::networks::agent_networks))
        .routes(routes!(scans::scan_new))
        .routes(routes!(scans::scans))
        .routes(routes!(scans::scan))
        .routes(routes!(scans::scan_cancel))
        .routes(routes!(scans::adopt::scan_adopt))
        .routes(routes!(rules::rules, rules::rule_new))
        .routes(routes!(rules::rule, rules::rule_change, rules::rule_gone))
        .routes(routes!(rules::rule_metrics))
        .routes(routes!(rules::preview::rule_preview))
        .routes(routes!(alerts::alerts))
        .routes(routes!(alerts::alert))
        .routes(routes!(alerts::change::alert_bulk))
        .routes(routes!(alerts::change::alert_ack))
        .routes(routes!(alerts::change::alert_unack))
        .routes(routes!(alerts::change::alert_silence))
        .routes(routes!(alerts::change::alert_unsilence))
        .routes(routes!(configs::configs))
        .routes(routes!(configs::find::config_search))
        .routes(routes!(configs::config))
        .routes(routes!(configs::text::config_text))
        .routes(routes!(configs::text::config_diff))
        .routes(routes!(configs::text::config_raw))
        .routes(routes!(configs::device_configs))
        .routes(routes!(timeline::timeline))
        .routes(routes!(events::events))
        .routes(routes!(audit::audit))
        .routes(routes!(audit::audit_export))
        .routes(routes!(channels::channels, channels::channel_new))
        .routes(routes!(channels::channel, channels::channel_change, channels::channel_gone))
        .routes(routes!(channels::channel_try))
        .routes(routes!(deliveries::channel_deliveries))
        .routes(routes!(deliveries::alert_deliveries))
        .routes(routes!(routes::routes, routes::route_new))
        .routes(routes!(routes::route_gone))
        .routes(routes!(users::users, users::user_new))
        .routes(routes!(users::user_patch, users::user_delete))
        .routes(routes!(users::user_password))
        .routes(routes!(users::user_totp_delete))
        .routes(routes!(members::members, members::member_new))
        .routes(routes!(members::member_put, members::member_delete))
        .routes(routes!(grants::grants, grants::grant_new))
        .routes(routes!(grants::grant_delete))
        .routes(routes!(sessions::sessions))
        .routes(routes!(sessions::session_delete))
        .routes(routes!(sessions::password_new))
        .routes(routes!(totp::totp_begin, totp::totp_delete))
        .routes(routes!(totp::totp_confirm))
        .routes(routes!(document::openapi_json))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::startup))
}

#[cfg(test)]
mod tests;
