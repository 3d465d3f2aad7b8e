//! A POST over a connection of our own: HTTP/1.1, no redirect is followed, no answer is kept.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::notify::connect::Connector;
use crate::notify::core::{Attempt, Outcome};
use crate::notify::guard::Service;
use crate::notify::target::Target;

/// What is read of an answer, so that the other side may finish writing it.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 64;

/// Posts JSON, and says how it was answered.
pub(super) async fn post(
    connector: &Connector,
    target: &Target,
    mut headers: HeaderMap,
    body: Bytes,
) -> Attempt {
    let stream = match connector.open(target, Service::Http).await {
        Ok(stream) => stream,
        Err(error) => return error.into(),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let agent = concat!("Farwatch/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    let (Ok(host), Ok(mut request)) = (
        HeaderValue::from_str(&target.authority()),
        Request::post(&target.path).body(Full::new(body)),
    ) else {
        return super::broken("its URL cannot be asked for");
    };
    headers.insert(HOST, host);
    *request.headers_mut() = headers;

    let mut builder = http1::Builder::new();
    let handshake = builder.max_buf_size(ANSWER_BYTES_MAX).max_headers(HEADERS_MAX);
    let Ok((mut sender, connection)) = handshake.handshake(TokioIo::new(stream)).await else {
        return broken_off();
    };
    // The connection moves bytes while the exchange waits; what ends it fails the exchange too.
    let drive = async {
        let _ = connection.await;
        std::future::pending::<Infallible>().await
    };
    let exchange = async {
        let Ok(answer) = sender.send_request(request).await else { return broken_off() };
        let (parts, mut body) = answer.into_parts();
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read >= ANSWER_BYTES_MAX {
                break;
            }
        }
        answered(parts.status, retry_after(&parts.headers))
    };
    match select(pin!(exchange), pin!(drive)).await {
        Either::Left((attempt, _)) => attempt,
        Either::Right((never, _)) => match never {},
    }
}

fn broken_off() -> Attempt {
    Attempt::new(Outcome::Unreachable, "the connection ended without an answer of HTTP")
}

fn answered(status: StatusCode, retry_after: Option<Duration>) -> Attempt {
    let outcome = if status.is_success() { Outcome::Delivered } else { Outcome::Refused };
    let code = status.as_u16();
    let detail = match code {
        _ if status.is_success() => String::new(),
        300..=399 => format!("answered {code}, a redirect: these are not followed"),
        410 => "answered 410: it is gone for good".to_owned(),
        429 => "answered 429: too many at once".to_owned(),
        _ => format!("answered {code}"),
    };
    Attempt {
        status: Some(code),
        retry_after,
        permanent: code == 410,
        ..Attempt::new(outcome, detail)
    }
}

/// In seconds; the form with a date is left alone.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
