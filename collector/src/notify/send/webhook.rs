//! Webhooks, in the form of Standard Webhooks: the message as it is, signed.

use bytes::Bytes;
use farwatch_common::clock::Micros;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::post::post;
use super::{Parcel, broken};
use crate::notify::connect::Connector;
use crate::notify::core::Attempt;
use crate::notify::settings::text;
use crate::notify::signature::signature;
use crate::notify::target::Target;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

pub(super) async fn send(connector: &Connector, parcel: &Parcel, now: Micros) -> Attempt {
    let url = parcel.secrets.url.as_ref().and_then(|url| Target::url(&text(url)).ok());
    let Some(target) = url else { return broken("it has no URL") };
    // Of the attempt, not of the alert: receivers refuse what is older than minutes.
    let timestamp_s = now.0 / Micros::SECOND;
    let body = parcel.body.as_bytes();
    let signed = signature(&parcel.secrets.keys, &parcel.key, timestamp_s, body);
    let headers = signed.and_then(|signed| {
        let mut headers = HeaderMap::new();
        headers.insert(ID, HeaderValue::from_str(&parcel.key).ok()?);
        headers.insert(TIMESTAMP, timestamp_s.into());
        headers.insert(SIGNATURE, HeaderValue::from_str(&signed).ok()?);
        Some(headers)
    });
    let Some(headers) = headers else { return broken("it has no key to sign with") };
    post(connector, &target, headers, Bytes::copy_from_slice(body)).await
}
