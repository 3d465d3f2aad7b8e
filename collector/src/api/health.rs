//! Probes and the collector's own numbers.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use farwatch_common::task::chain;
use http::header::{CONTENT_TYPE, FORWARDED, HOST};
use http::uri::Authority;
use http::{Extensions, HeaderMap, StatusCode, Uri};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::{Client, bearer};
use super::reply::Data;
use crate::identity::TenantContext;
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    status: &'static str,
    /// `full` while what agents send cannot be stored for want of room: they keep it. All else is served.
    disk: Disk,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Disk {
    Ok,
    Full,
}

/// What the last look at the database found holds for this long: anybody may ask.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Whether the database answers; one look at a time.
#[derive(Debug, Default)]
pub(super) struct Probe(Mutex<Option<(Instant, bool)>>);

impl Probe {
    async fn answers(&self, db: &Database, now: Instant) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, answers)) = *last
            && now.saturating_duration_since(at) < PROBE_EVERY
        {
            return answers;
        }
        let read = probe(db).await;
        if let Err(error) = &read {
            let error = chain(error);
            tracing::error!(stage = "api", error, "the database does not answer");
        }
        *last = Some((now, read.is_ok()));
        read.is_ok()
    }
}

sql! { pub(crate) PROBE = "SELECT tenant_id FROM tenant LIMIT 1" }

/// Any row, or none: the table was read.
async fn probe(db: &Database) -> Result<(), StoreError> {
    let mut txn = db.read(&TenantContext::nobody()).await?;
    PROBE.query().optional(&mut txn).await.map(drop)
}

const OK: Data<Health> = Data { data: Health { status: "ok" } };

/// The process runs
#[utoipa::path(get, path = "/health/live", tag = "health", security(()),
    responses((status = 200, body = Data<Health>)))]
pub(super) async fn live() -> Data<Health> {
    OK
}

/// Requests can be served: the database answers
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()),
    responses((status = 200, body = Data<Readiness>)))]
pub(super) async fn ready(State(state): State<AppState>) -> Result<Data<Readiness>, Error> {
    if state.stopping.is_cancelled() {
        return Err(Error::unavailable("The collector is stopping."));
    }
    if state.own.probe.answers(&state.db, state.clock.monotonic()).await {
        let disk = if state.db.room().is_full() { Disk::Full } else { Disk::Ok };
        return Ok(Data { data: Readiness { status: "ok", disk } });
    }
    Err(Error::unavailable("The database does not answer."))
}

/// The start is over
#[utoipa::path(get, path = "/health/startup", tag = "health", security(()),
    responses((status = 200, body = Data<Readiness>)))]
pub(super) async fn startup(state: State<AppState>) -> Result<Data<Readiness>, Error> {
    // Listeners open last: whoever can ask finds a collector that has started.
    ready(state).await
}

/// Prometheus text: with the token, or for a program of this host on the plain listener.
pub(super) async fn metrics(
    State(state): State<AppState>,
    extensions: Extensions,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let client = Client::of(&extensions);
    let local = !client.secure && client.address.ip().is_loopback() && is_local(&headers, &uri);
    let token = state.metrics_token.as_ref().zip(bearer(&headers));
    let right = token.is_some_and(|(token, sent)| token.expose().ct_eq(sent.as_bytes()).into());
    if !local && !right {
        let detail = "Ask the plain listener by its loopback address, without a proxy, or send \
                      the token of `metrics.token_file`.";
        return Err(Error::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail));
    }
    let text = state.metrics.render();
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Whether the request began on this host: no proxy passed it on, and it asks for a loopback
/// address by that name. A page whose own name leads here (DNS rebinding) asks for its own.
fn is_local(headers: &HeaderMap, uri: &Uri) -> bool {
    let passed_on = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let host = host.as_ref().or(uri.authority()).map(Authority::host).unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    !passed_on && loopback
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_began_on_this_host_is_local() {
        let local = |pairs: &[(&'static str, &str)]| {
            let pair = |(name, value): &(&'static str, &str)| {
                (http::HeaderName::from_static(name), value.parse().unwrap())
            };
            is_local(&pairs.iter().map(pair).collect(), &Uri::from_static("/metrics"))
        };
        for host in ["127.0.0.1:8080", "localhost", "localhost:1", "[::1]:8080", "127.9.9.9"] {
            assert!(local(&[("host", host)]), "{host}");
            assert!(!local(&[("host", host), ("x-forwarded-for", "192.0.2.1")]), "{host}");
            assert!(!local(&[("host", host), ("forwarded", "for=192.0.2.1")]), "{host}");
        }
        for host in ["fw.example", "localhost.evil.example", "192.0.2.1:80", "", "127.0.0.1.x"] {
            assert!(!local(&[("host", host)]), "{host}");
        }
        assert!(!local(&[]));
    }
}
