//! The outermost layer: an id for each request, its time limit, counts, headers, and the body of
//! every error.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use super::AppState;
use super::error::{Error, PROBLEM_JSON};
use super::guard::Client;
use crate::audit::Origin;
use crate::metrics::{Counter, Metrics};

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(super) async fn observe(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = format!("req_{:016x}", rand::random::<u64>());
    let client = Client::of(request.extensions());
    let origin = Origin { address: client.known(), request_id: request_id.as_str().into() };
    request.extensions_mut().insert(origin);
    let is_api = is_api(request.uri().path());
    let method = request.method().clone();
    let begin = state.clock.monotonic();
    // An event stream answers at once; what it sends later is not timed.
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| {
        Error::unavailable("The request took longer than 30 s and was given up.").into_response()
    });
    let status = response.status();
    if let Some(error) = failure(&mut response, is_api) {
        error.log(&request_id);
        let kept = [ALLOW, SET_COOKIE].map(|name| response.headers_mut().remove(name));
        response = error.render(&request_id);
        for (name, value) in [ALLOW, SET_COOKIE].into_iter().zip(kept) {
            value.map(|value| response.headers_mut().insert(name, value));
        }
    }
    state.own.requests.count(status);
    let took_ms = state.clock.monotonic().duration_since(begin).as_millis();
    // The path may hold nothing secret: tokens and passwords travel in bodies and headers.
    tracing::debug!(stage = "api", request_id, %method, status = status.as_u16(), took_ms,
        "request");
    harden(&mut response, client.secure, is_api);
    if let Ok(id) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/") || path.starts_with("/health/")
}

/// What went wrong, whether a handler said it or the router did.
fn failure(response: &mut Response, is_api: bool) -> Option<Error> {
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        return Some(error);
    }
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    let told = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON);
    (is_api && failed && !told).then(|| Error::of_status(status))
}

/// Requests answered, by the first digit of their status.
pub(super) struct Requests([Counter; 5]);

impl Requests {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let counter = |class| {
            let labels = [("status", class)];
            metrics.counter("api_requests_total", "HTTP requests answered", &labels)
        };
        Self(["1xx", "2xx", "3xx", "4xx", "5xx"].map(counter))
    }

    fn count(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.0.get(class) {
            counter.add(1);
        }
    }
}

fn harden(response: &mut Response, secure: bool, is_api: bool) {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if secure {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    if is_api {
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

pub(super) async fn method_not_allowed() -> Error {
    Error::of_status(StatusCode::METHOD_NOT_ALLOWED)
}
