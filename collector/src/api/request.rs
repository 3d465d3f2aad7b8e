//! What comes in: bodies, queries, ids and times, each refused as a problem that says what to change.

use std::str::FromStr;

use axum::body::{Bytes, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use farwatch_common::clock::Micros;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::error::{Error, FieldError};

/// Deepest nesting of a JSON body.
const JSON_DEPTH_MAX: usize = 32;

/// What a name has to be, for `errors`.
pub(super) const NAME_RULE: &str = "must be 1 to 100 characters, without control characters and \
                                    spaces around it";

/// A JSON body of the type `application/json`, and only that: a form of another site cannot send it.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        require_json(request.headers())?;
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Error::of_status(rejection.status()))?;
        from_json(&body).map(Self)
    }
}

/// The same where a body may be left out.
pub(super) struct MaybeJson<T>(pub(super) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MaybeJson<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        if request.headers().contains_key(CONTENT_TYPE) || !request.body().is_end_stream() {
            return Json::from_request(request, state).await.map(|Json(body)| Self(Some(body)));
        }
        Ok(Self(None))
    }
}

/// Refuses any other content type.
pub(super) fn require_json(headers: &http::HeaderMap) -> Result<(), Error> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let detail = "Send the body as `Content-Type: application/json`.";
    Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    if depth(body) > JSON_DEPTH_MAX {
        return Err(Error::bad_request("bad_json", "The JSON is nested more than 32 levels deep."));
    }
    let mut track = serde_path_to_error::Track::new();
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = T::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track))
        .and_then(|value| json.end().map(|()| value));
    read.map_err(|error| {
        if error.is_data() {
            let field = track.path().to_string();
            let field = if field == "." { "body".to_owned() } else { field };
            return Error::invalid(vec![FieldError { field, message: expected(&error) }]);
        }
        let place = format!("line {}, column {}", error.line(), error.column());
        Error::bad_request("bad_json", format!("The body is not JSON; look at {place}."))
    })
}

/// The parser's message without the value it found, which may be a secret.
fn expected(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // The last ones are the parser's own, whatever words the value holds.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let has_value = ["invalid ", "unknown variant "].iter().any(|begin| text.starts_with(begin));
    if text.starts_with("invalid value: integer `-") && text.contains(", expected u") {
        return "must be 0 or more".to_owned();
    }
    match text.rsplit_once(", expected ") {
        Some((_, expected)) if has_value => format!("expected {expected}"),
        _ => text.to_owned(),
    }
}

/// How deep the brackets go, outside of strings.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The query string; unknown names are refused, so that a typing error is not a wider answer.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Error::bad_request("bad_query", rejection.body_text())),
        }
    }
}

/// The `{id}` of the path. What is no id names nothing: 404, like an id nobody has.
pub(super) struct PathId<T>(pub(super) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::not_found())?;
        id(&text).map(Self)
    }
}

/// The two ids of a path. What is no id names nothing.
pub(super) struct PathIds<A, B>(pub(super) A, pub(super) B);

impl<A: FromStr, B: FromStr, S: Send + Sync> FromRequestParts<S> for PathIds<A, B> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path((one, other)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::not_found())?;
        Ok(Self(id(&one)?, id(&other)?))
    }
}

/// An id in a query or body.
pub(super) fn id<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::not_found())
}

/// A field that may be null: what is not there stays `None`, null becomes `Some(None)`.
pub(super) fn or_null<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A time in a query: RFC 3339, or microseconds since 1970.
pub(super) fn time(name: &str, text: &str) -> Result<Micros, Error> {
    let read = match text.parse::<i64>() {
        // Years -9999 to 9999, as in the other form: far from where sums overflow.
        Ok(micros) => jiff::Timestamp::from_microsecond(micros),
        // A plus sign that was not escaped arrives as a space.
        Err(_) => text.replace(' ', "+").parse(),
    };
    read.map_or_else(
        |_| {
            let detail = format!(
                "`{name}` must be a time like 2026-11-21T03:37:18Z, or microseconds since 1970."
            );
            Err(Error::bad_request("bad_query", detail))
        },
        |at| Ok(Micros(at.as_microsecond())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only its type matters")]
        secret: u8,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        One,
        Two,
    }

    fn detail<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        format!("{:?}", from_json::<T>(json.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_wrong_type_is_told_by_field_and_never_by_value() {
        let told = detail::<Body>(r#"{"secret":"hunter2"}"#);
        assert!(told.contains("expected u8") && told.contains("\"secret\""), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
        for value in ["hunter2", "hunter2 at line 1, expected hunter2"] {
            let told = detail::<Kind>(&format!("{value:?}"));
            assert!(told.contains("expected `one` or `two`"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert!(detail::<Body>(r#"{"secret":-1}"#).contains("must be 0 or more"));
        assert!(detail::<Body>(r#"{"secret":1,"x":2}"#).contains("unknown field `x`"));
        assert!(detail::<Body>(r#"{"secret":1} x"#).contains("bad_json"));
        assert!(detail::<Body>("").contains("bad_json"));
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        for (json, expected) in [("{}", 1), (r#"{"a":[[1]]}"#, 3), (r#""[[\"[[""#, 0), ("]]", 0)] {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
        let deep = "[".repeat(100);
        assert!(detail::<serde_json::Value>(&deep).contains("32 levels"));
    }

    #[test]
    fn times_come_in_two_forms() {
        let at = Micros(1_795_232_238_123_456);
        for text in ["1795232238123456", "2026-11-21T03:37:18.123456Z"] {
            assert_eq!(time("from", text).unwrap(), at, "{text}");
        }
        assert_eq!(time("from", "2026-11-21T04:37:18.123456 01:00").unwrap(), at);
        for text in ["yesterday", "-9223372036854775808", "9223372036854775807"] {
            assert!(time("from", text).is_err(), "{text}");
        }
    }
}
