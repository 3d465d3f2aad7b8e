//! The web UI's files, from inside the binary (from disk in debug builds).
//!
//! The page gets a fresh nonce each time and is never cached; files with a hash in their name never
//! change and are kept for good.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::Error;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Files;

const PAGE: &str = "index.html";
const NONCE: &str = "__CSP_NONCE__";
/// Files below it carry a hash of their content in their name.
const HASHED: &str = "assets/";
const PLACEHOLDER: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Farwatch</title>\n<h1>Farwatch</h1>\n<p>The web UI is not built into this collector. \
    Run <code>./x web</code> and build again; the API works.</p>\n</html>\n";

/// Answers every path that no route has.
pub(super) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") || path.starts_with("health/") {
        return Error::not_found().into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (allow, Error::of_status(StatusCode::METHOD_NOT_ALLOWED)).into_response();
    }
    if path.is_empty() || path == PAGE {
        return page();
    }
    match Files::get(path) {
        Some(file) => asset(path, file, &headers),
        // A missing file is missing; any other address is a place inside the UI.
        None if path.starts_with(HASHED) => Error::not_found().into_response(),
        None => page(),
    }
}

fn page() -> Response {
    let file = Files::get(PAGE);
    let html =
        file.as_ref().and_then(|file| str::from_utf8(&file.data).ok()).unwrap_or(PLACEHOLDER);
    let nonce = data_encoding::BASE64URL_NOPAD.encode(&rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
         worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (headers, html.replace(NONCE, &nonce)).into_response();
    match HeaderValue::try_from(policy) {
        Ok(policy) => response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy),
        Err(error) => return Error::internal(error).into_response(),
    };
    response
}

fn asset(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..16]);
    let mime = file.metadata.mimetype().to_owned();
    let cache = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=0, must-revalidate"
    };
    let (encoding, data) = smallest(path, file, headers);
    // Each encoding is other bytes, so it has a tag of its own.
    let etag = format!("\"{hash}-{}\"", encoding.unwrap_or("plain"));
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let fresh = known.is_some_and(|known| known.split(',').any(|one| one.trim() == etag));
    let body = if fresh { Body::empty() } else { Body::from(data.into_owned()) };
    let mut response = Response::new(body);
    if fresh {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let out = response.headers_mut();
    out.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        out.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    for (name, value) in [(ETAG, etag), (CONTENT_TYPE, mime)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            out.insert(name, value);
        }
    }
    response
}

/// The sibling that was compressed when the UI was built, if the client takes it.
fn smallest(
    path: &str,
    file: EmbeddedFile,
    headers: &HeaderMap,
) -> (Option<&'static str>, Cow<'static, [u8]>) {
    for (encoding, ending) in [("br", "br"), ("gzip", "gz")] {
        if accepts(headers, encoding)
            && let Some(sibling) = Files::get(&format!("{path}.{ending}"))
        {
            return (Some(encoding), sibling.data);
        }
    }
    (None, file.data)
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let refused = |part: &str| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        parts.next() == Some(encoding) && !parts.any(refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_taken_only_where_they_are_wanted() {
        let accepts = |list: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(list));
            accepts(&headers, "br")
        };
        assert!(accepts("gzip, br"));
        assert!(accepts("br;q=0.5"));
        assert!(!accepts("br;q=0"));
        assert!(!accepts("gzip, brotli"));
    }

    #[test]
    fn no_page_shares_its_nonce() {
        let policy = || page().headers()[CONTENT_SECURITY_POLICY].clone();
        let first = policy();
        assert!(first.to_str().unwrap().contains("frame-ancestors 'none'"));
        assert!(!first.to_str().unwrap().contains("unsafe-inline"));
        assert_ne!(first, policy());
    }
}
