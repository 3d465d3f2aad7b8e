//! A POST over a connection of our own: HTTP/1.1, no redirect is followed, no answer is kept.

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{DEADLINE, broken, late};
use crate::notify::connect::{Connector, Io};
use crate::notify::core::{Attempt, Outcome};
use crate::notify::guard::Service;
use crate::notify::target::Target;

/// What is read of an answer, so that the other side may finish writing it.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long is waited for that.
const DRAIN: Duration = Duration::from_secs(1);
const HEADERS_MAX: usize = 64;

type Connection = Pin<Box<http1::Connection<TokioIo<Box<dyn Io>>, Full<Bytes>>>>;

/// An answer of which the head is there, and what brings the rest.
struct Answer {
    answer: Response<Incoming>,
    /// `None`: it has ended.
    connection: Option<Connection>,
}

/// Posts JSON, and says how it was answered: the head of the answer says it, and is there within
/// [`DEADLINE`].
pub(super) async fn post(
    connector: &Connector,
    target: &Target,
    headers: HeaderMap,
    body: Bytes,
) -> Attempt {
    let asked = timeout(DEADLINE, ask(connector, target, headers, body)).await;
    let Answer { answer, connection } = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(attempt)) => return attempt,
        Err(_) => return late(DEADLINE),
    };
    let (parts, mut body) = answer.into_parts();
    let drain = pin!(async move {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read >= ANSWER_BYTES_MAX {
                break;
            }
        }
    });
    // However that ends: what was answered is known.
    match connection {
        Some(connection) => drop(timeout(DRAIN, select(drain, connection)).await),
        None => drop(timeout(DRAIN, drain).await),
    }
    answered(parts.status, retry_after(&parts.headers))
}

async fn ask(
    connector: &Connector,
    target: &Target,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<Answer, Attempt> {
    let stream = connector.open(target, Service::Http).await?;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let agent = concat!("Farwatch/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    let (Ok(host), Ok(mut request)) = (
        HeaderValue::from_str(&target.authority()),
        Request::post(&target.path).body(Full::new(body)),
    ) else {
        return Err(broken("its URL cannot be asked for"));
    };
    headers.insert(HOST, host);
    *request.headers_mut() = headers;

    let mut builder = http1::Builder::new();
    let handshake = builder.max_buf_size(ANSWER_BYTES_MAX).max_headers(HEADERS_MAX);
    let handshake = handshake.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| broken_off())?;
    // The connection moves the bytes; what ends it ends the exchange too.
    let connection: Connection = Box::pin(connection);
    let (answer, connection) = match select(pin!(sender.send_request(request)), connection).await {
        Either::Left((answer, connection)) => (answer, Some(connection)),
        Either::Right((_, exchange)) => (exchange.await, None),
    };
    Ok(Answer { answer: answer.map_err(|_| broken_off())?, connection })
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
