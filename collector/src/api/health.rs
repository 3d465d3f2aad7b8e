//! Probes and the collector's own numbers.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, StatusCode};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;

use super::AppState;
use super::error::Error;
use super::guard::{Client, bearer};
use super::reply::Data;
use crate::store::StoreError;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    status: &'static str,
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
    responses((status = 200, body = Data<Health>)))]
pub(super) async fn ready(State(state): State<AppState>) -> Result<Data<Health>, Error> {
    if state.stopping.is_cancelled() {
        return Err(Error::unavailable("The collector is stopping."));
    }
    let touched: Result<i64, _> =
        sqlx::query_scalar("SELECT COUNT(*) FROM tenant").fetch_one(state.db.reader()).await;
    match touched {
        Ok(_) => Ok(OK),
        Err(error) => {
            let error = farwatch_common::task::chain(&StoreError::from(error));
            tracing::error!(stage = "api", error, "the database does not answer");
            Err(Error::unavailable("The database does not answer."))
        }
    }
}

/// The start is over
#[utoipa::path(get, path = "/health/startup", tag = "health", security(()),
    responses((status = 200, body = Data<Health>)))]
pub(super) async fn startup(state: State<AppState>) -> Result<Data<Health>, Error> {
    // Listeners open last: whoever can ask finds a collector that has started.
    ready(state).await
}

/// Prometheus text. On the plain loopback listener for all, elsewhere with the token.
pub(super) async fn metrics(
    State(state): State<AppState>,
    extensions: Extensions,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let client = Client::of(&extensions);
    let local = !client.secure && client.address.ip().is_loopback();
    let token = state.metrics_token.as_ref().zip(bearer(&headers));
    let right = token.is_some_and(|(token, sent)| token.expose().ct_eq(sent.as_bytes()).into());
    if !local && !right {
        let detail = "Ask on the loopback listener, or send the token of `metrics.token_file`.";
        return Err(Error::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail));
    }
    let text = state.metrics.render();
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
