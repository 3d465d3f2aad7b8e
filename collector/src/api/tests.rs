//! The API as a client sees it: the whole router, on a real database.

mod access;
mod alerts;
mod audit;
mod backups;
mod commands;
mod configs;
mod devices;
mod document;
mod ends;
mod factor;
mod find;
mod grants;
mod import;
mod input;
mod inventory;
mod isolation;
mod ledger;
mod login;
mod notify;
mod people;
mod recipes;
mod roles;
mod scans;
mod secrets;
mod stream;
mod walls;

use std::net::IpAddr;
use std::sync::Mutex;

use axum::body::Body;
use farwatch_common::clock::Micros;
use farwatch_common::id::{SiteId, TenantId};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::audit::list::{AuditCursor, AuditFilter, audit_list};
use crate::command::tests::Agent;
use crate::identity::agent_key::agent_key_admit;
use crate::identity::password::Cost;
use crate::identity::user::{NewPerson, Role, account_by_email, person_create, user_create};
use crate::identity::{Access, IdentityKey, TenantContext};
use crate::inventory::agent::agent_create;
use crate::inventory::site::site_create_or_get;
use crate::inventory::tenant::tenant_create;
use crate::scan::Scanner;
use crate::store::fixture::Raw;
use crate::store::fixture::scratch::{Scratch, composed};
use crate::store::txn::Scope;

const PASSWORD: &str = "correct horse battery";
/// Where everybody asks from.
const CLIENT: &str = "192.0.2.77";
const HOST: &str = "fw.example";

/// Remembers whom it was told to end.
#[derive(Default)]
struct Ended(Mutex<Vec<AgentId>>);

impl SessionControl for Ended {
    fn revoke(&self, agent: AgentId) {
        self.0.lock().unwrap().push(agent);
    }
}

/// A collector without its listeners.
struct World {
    _dir: tempfile::TempDir,
    /// Where it is on PostgreSQL.
    scratch: Option<Scratch>,
    state: AppState,
    ended: Arc<Ended>,
    /// Answers commands for every agent.
    reached: Arc<Agent>,
    /// Carries scans out once somebody runs it.
    scanner: Mutex<Option<Scanner>>,
    router: Router,
}

/// How a request is authenticated.
#[derive(Clone, Debug)]
enum As {
    Nobody,
    Cookie(String),
    Key(String),
    /// A screen on the wall, by its cookie.
    Screen(String),
}

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    fn data(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.json()["data"].clone()
    }

    fn code(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.body);
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.headers["x-request-id"].to_str().unwrap());
        problem["code"].as_str().unwrap().to_owned()
    }

    /// The body without what differs in every request.
    fn anonymous(&self) -> Value {
        let mut body = self.json();
        body.as_object_mut().unwrap().remove("request_id");
        body
    }
}

impl World {
    async fn new() -> Self {
        Self::changed(|_| {}).await
    }

    /// One on each engine that is there: SQLite always is.
    async fn each() -> Vec<Self> {
        Self::each_changed(|_| {}).await
    }

    /// The same, for those who ask more often than anybody should.
    async fn each_unlimited() -> Vec<Self> {
        Self::each_changed(|parts| parts.limits = Limits::none().into()).await
    }

    async fn each_changed(change: impl Fn(&mut Parts)) -> Vec<Self> {
        let mut worlds = vec![Self::changed(&change).await];
        if let Some(scratch) = Scratch::open().await {
            let dir = tempfile::tempdir().unwrap();
            let db = scratch.database().await;
            worlds.push(Self::on(dir, db, Some(scratch), &change));
        }
        worlds
    }

    /// A collector that differs.
    async fn changed(change: impl FnOnce(&mut Parts)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::open(dir.path()).await.unwrap();
        Self::on(dir, db, None, change)
    }

    fn on(
        dir: tempfile::TempDir,
        db: Database,
        scratch: Option<Scratch>,
        change: impl FnOnce(&mut Parts),
    ) -> Self {
        let clock = Clock::system();
        let ended = Arc::new(Ended::default());
        let reached = Agent::new();
        let metrics = Metrics::default();
        let vault = Arc::new(Vault::open(dir.path()).unwrap());
        let courier = notify::courier(&db, &vault, &clock, &metrics);
        let commands = Commands::new(reached.clone(), clock.clone());
        let (scanner, scans) = Scanner::new(db.clone(), commands.clone(), clock.clone(), &metrics);
        let mut parts = Parts {
            live: Live::new(clock.clone()),
            samples: Samples::new(db.clone()),
            vault: Arc::clone(&vault),
            installation: Arc::new(InstallationKeys::new(Arc::clone(&vault))),
            changes: AssignmentChanges::default(),
            rules: RuleChanges::default(),
            jobs: JobsChanged::default(),
            mirrors: Mirrors::default(),
            commands,
            scans,
            courier,
            clock,
            ids: Arc::new(IdGenerator::new(1)),
            limits: Arc::default(),
            quotas: Quotas::default(),
            passwords: Passwords::new(Cost { memory_kib: 8, passes: 1 }),
            sessions: ended.clone(),
            origin: TokenOrigin { root_pin: [7; 32], endpoints: vec!["fw.example:443".into()] },
            version: "0.0.0",
            own: Own::new(&metrics),
            metrics,
            metrics_token: Some("metrics-token".into()),
            stopping: CancellationToken::new(),
            db,
        };
        change(&mut parts);
        let state = Arc::new(parts);
        let (scanner, router) = (Mutex::new(Some(scanner)), router(state.clone()));
        Self { _dir: dir, scratch, router, state, ended, reached, scanner }
    }

    /// SQL past roles and tenants.
    fn raw(&self) -> Raw<'_> {
        self.scratch.as_ref().map_or(Raw::Sqlite(&self.state.db), Raw::Postgres)
    }

    /// For worlds of [`World::each`].
    async fn remove(self) {
        self.state.db.close().await;
        if let Some(scratch) = self.scratch {
            scratch.remove().await;
        }
    }

    async fn local(&self) -> TenantContext {
        TenantContext::local(&self.state.db).await.unwrap()
    }

    /// The actions in a tenant's chain, from the first; of one kind of thing unless that is empty.
    async fn audited(&self, tenant: TenantId, kind: &str) -> Vec<String> {
        let context = self.local().await.for_audit().narrowed(tenant);
        let filter = AuditFilter {
            action: kind.to_owned(),
            search: String::new(),
            from: Micros(0),
            to: Micros(i64::MAX),
        };
        let rows = audit_list(&self.state.db, &context, &filter, AuditCursor::NEWEST, 1_000).await;
        rows.unwrap().into_iter().rev().map(|row| row.entry.action).collect()
    }

    async fn tenant(&self, name: &str) -> TenantId {
        let Parts { db, vault, ids, clock, .. } = &*self.state;
        let context = self.local().await;
        tenant_create(db, vault, &context, ids, name, clock.now()).await.unwrap().id
    }

    async fn agent(&self, tenant: TenantId, name: &str) -> (AgentId, SiteId) {
        let now = self.state.clock.now();
        let context = self.local().await;
        let mut txn = self.state.db.change(&context, tenant, Access::Admin).await.unwrap();
        let (site, _) =
            site_create_or_get(&mut txn, &context, &self.state.ids, tenant, "Depot", now)
                .await
                .unwrap();
        let id = AgentId(self.state.ids.next(now));
        agent_create(&mut txn, (tenant, site.id, id), name, now).await.unwrap();
        txn.switch(IdentityKey::of_a_test(), Scope::identity()).await.unwrap();
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&id.0.to_be_bytes());
        assert!(agent_key_admit(&mut txn, (tenant, id), &hash, now, now).await.unwrap());
        txn.commit([], now).await.unwrap();
        self.state.live.agent_added(tenant, id);
        (id, site.id)
    }

    async fn user(&self, email: &str, role: Role, tenant: Option<TenantId>) -> As {
        let hash = self.state.passwords.hash(PASSWORD.into()).await.unwrap();
        let Parts { db, ids, clock, .. } = &*self.state;
        let (all, place) = (self.local().await, (role, tenant));
        user_create(db, &all, ids, email, &hash, place, clock.now()).await.unwrap();
        let answer = self.login(email, PASSWORD).await;
        As::Cookie(cookie(&answer))
    }

    async fn login(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.post("/api/v1/login", &As::Nobody, body).await
    }

    async fn key(&self, admin: &As, tenant: TenantId, scopes: &[&str]) -> As {
        let body = json!({ "tenant": tenant.to_string(), "name": "k", "scopes": scopes });
        let made = self.post("/api/v1/api-keys", admin, body).await.data();
        As::Key(made["key"].as_str().unwrap().to_owned())
    }

    async fn device(&self, who: &As, agent: AgentId, address: &str) -> String {
        let made = self.post("/api/v1/devices", who, new_device(agent, address)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.data()["id"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str, who: &As) -> Answer {
        self.send(self.request(Method::GET, path, who).body(Body::empty()).unwrap()).await
    }

    async fn delete(&self, path: &str, who: &As) -> Answer {
        self.send(self.request(Method::DELETE, path, who).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, who: &As, body: Value) -> Answer {
        let request = self.request(Method::POST, path, who);
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    async fn change(&self, method: Method, path: &str, who: &As, body: Value) -> Answer {
        let request = self.request(method, path, who).header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).unwrap()).await
    }

    /// A person of the provider's staff, signed in.
    async fn staff(&self, email: &str) -> As {
        let hash = self.state.passwords.hash(PASSWORD.into()).await.unwrap();
        let new = NewPerson {
            email,
            password_hash: &hash,
            one_time: false,
            super_admin: false,
            staff: true,
            member: None,
        };
        let Parts { db, ids, clock, .. } = &*self.state;
        person_create(db, &self.local().await, ids, &new, clock.now()).await.unwrap();
        As::Cookie(cookie(&self.login(email, PASSWORD).await))
    }

    /// Makes the person if need be, and grants them an hour; returns the grant's id.
    async fn grant(&self, who: &As, tenant: TenantId, email: &str, role: &str) -> String {
        if account_by_email(&self.state.db, email).await.unwrap().is_none() {
            self.staff(email).await;
        }
        let body = json!({ "tenant": tenant.to_string(), "email": email, "role": role,
                           "reason": "ticket 7", "minutes": 60 });
        let made = self.post("/api/v1/grants", who, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.data()["id"].as_str().unwrap().to_owned()
    }

    /// A credential profile that differs from the usual one.
    async fn profile(&self, who: &As, tenant: TenantId, more: Value) -> String {
        let mut body = json!({
            "tenant": tenant.to_string(),
            "name": "p",
            "kind": "snmp_community",
            "community": "a-profile-community",
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.post("/api/v1/credential-profiles", who, body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.data()["id"].as_str().unwrap().to_owned()
    }

    /// A request as the web UI or a program sends it.
    fn request(&self, method: Method, path: &str, who: &As) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        let address = (CLIENT.parse::<IpAddr>().unwrap(), 50_000).into();
        let request = request.extension(Client { address, secure: true });
        match who {
            As::Nobody => request,
            As::Key(key) => request.header("authorization", format!("Bearer {key}")),
            As::Screen(token) => request
                .header("cookie", format!("__Host-farwatch=over; __Host-farwatch-wall={token}"))
                .header("farwatch-screen", "1")
                .header("sec-fetch-site", "same-origin"),
            As::Cookie(token) => request
                .header("cookie", format!("theme=dark; __Host-farwatch={token}"))
                .header("sec-fetch-site", "same-origin"),
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let limit = http_body(body).await;
        Answer { status: parts.status, headers: parts.headers, body: limit }
    }
}

async fn http_body(body: Body) -> String {
    use futures_util::StreamExt as _;
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend(chunk.unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

fn cookie(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let line = answer.headers["set-cookie"].to_str().unwrap();
    let pair = line.split(';').next().unwrap();
    pair.strip_prefix("__Host-farwatch=").unwrap().to_owned()
}

fn new_device(agent: AgentId, address: &str) -> Value {
    json!({
        "agent": agent.to_string(),
        "address": address,
        "snmp": { "version": "v2c", "community": "a-secret-community" },
    })
}
