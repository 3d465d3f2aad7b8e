//! What comes in: bodies, queries, ids and times, each refused as a problem that says what to change.

use std::fmt::Display;
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
use super::reply::LIMIT_RULE;

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
            Err(rejection) => {
                Err(Error::bad_request("bad_query", query_wrong(&rejection.body_text())))
            }
        }
    }
}

/// For operations that take no query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

/// What is wrong with a query, in a sentence that says what to do, of what its parser says.
fn query_wrong(parsed: &str) -> String {
    let said = parsed.strip_prefix(QUERY_PREFIX).unwrap_or(parsed);
    // The parser may name it once more before.
    if let Some((_, told)) = said.split_once("unknown field `")
        && let Some((field, rest)) = told.split_once('`')
    {
        return match rest.rsplit_once("expected ") {
            Some((_, known)) => format!("There is no `{field}` here; there is {known}."),
            None => format!("There is no `{field}` here: this takes no query."),
        };
    }
    match said.split_once(": ") {
        Some(("limit", why)) if is_of_a_number(why) => LIMIT_RULE.to_owned(),
        // Of a field that says so itself.
        Some((field, why)) if why.starts_with("must be ") => format!("`{field}` {why}."),
        Some((field, why)) if is_of_a_number(why) => format!("`{field}` must be a whole number."),
        _ => format!("The query cannot be read: {said}."),
    }
}

/// What `axum` begins with.
const QUERY_PREFIX: &str = "Failed to deserialize query string: ";

/// Whether that is what the standard library says of a number that cannot be read.
fn is_of_a_number(why: &str) -> bool {
    ["invalid digit found in string", "cannot parse integer from empty string"].contains(&why)
        || (why.starts_with("number too ") && why.ends_with(" to fit in target type"))
}

/// The `{id}` of the path. What is no id names nothing: 404, like an id nobody has.
pub(super) struct PathId<T>(pub(super) T);

impl<T: FromStr<Err: Display>, S: Send + Sync> FromRequestParts<S> for PathId<T> {
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

impl<A, B, S> FromRequestParts<S> for PathIds<A, B>
where
    A: FromStr<Err: Display>,
    B: FromStr<Err: Display>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let Path((one, other)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::not_found())?;
        Ok(Self(id(&one)?, id(&other)?))
    }
}

/// An id in a query or body.
pub(super) fn id<T: FromStr<Err: Display>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| {
        let shown: String =
            text.chars().filter(|letter| !letter.is_control()).take(ID_SHOWN_MAX).collect();
        Error::not_found_as(format!("There is no `{shown}` here: {error}."))
    })
}

/// Letters of what is no id that are told back.
const ID_SHOWN_MAX: usize = 40;

/// A field that may be null: what is not there stays `None`, null becomes `Some(None)`.
pub(super) fn or_null<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Less than this, but for 0, is no time in microseconds that anybody means (1973), but one in seconds or
/// milliseconds.
const MICROS_MIN: i64 = 100_000_000_000_000;
/// The same of milliseconds.
const MILLIS_MIN: i64 = 100_000_000_000;

/// From when to when, of a query in which either may be left out.
pub(super) fn span(
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(Option<Micros>, Option<Micros>), Error> {
    let end = |name, text: Option<&str>| text.map(|text| time(name, text)).transpose();
    let (from, to) = (end("from", from)?, end("to", to)?);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        let detail = "`from` is after `to`: exchange them.";
        return Err(Error::bad_request("bad_query", detail));
    }
    Ok((from, to))
}

/// A time in a query: RFC 3339, or microseconds since 1970.
pub(super) fn time(name: &str, text: &str) -> Result<Micros, Error> {
    let read = match text.parse::<i64>() {
        Ok(short @ 1..MICROS_MIN) => {
            let (unit, zeros) =
                if short < MILLIS_MIN { ("seconds", 6) } else { ("milliseconds", 3) };
            let detail = format!(
                "`{name}` looks like {unit}; send microseconds since 1970, so with {zeros} zeros more, \
                 or a time like 2026-11-21T03:37:18Z."
            );
            return Err(Error::bad_request("bad_query", detail));
        }
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
        assert_eq!(time("from", "0").unwrap(), Micros(0));
    }

    #[test]
    fn seconds_and_milliseconds_are_told_apart_from_microseconds() {
        for (text, expected) in [
            (
                "1795452152",
                "`from` looks like seconds; send microseconds since 1970, so with 6 zeros",
            ),
            ("1795452152123", "`from` looks like milliseconds; send microseconds"),
            ("1", "looks like seconds"),
            ("99999999999999", "looks like milliseconds"),
        ] {
            let refused = time("from", text).unwrap_err();
            assert!(refused.detail().contains(expected), "{text}: {}", refused.detail());
        }
        assert_eq!(time("from", "100000000000000").unwrap(), Micros(MICROS_MIN));
    }

    #[test]
    fn from_comes_before_to() {
        let (early, late) = ("2026-11-21T03:37:18Z", "2026-11-21T03:37:19Z");
        assert!(span(Some(early), Some(late)).is_ok() && span(Some(early), Some(early)).is_ok());
        assert_eq!(span(None, None).unwrap(), (None, None));
        assert!(span(None, Some("x")).is_err() && span(Some("5"), None).is_err());
        let refused = span(Some(late), Some(early)).unwrap_err();
        assert_eq!(refused.detail(), "`from` is after `to`: exchange them.");
    }

    #[test]
    fn what_is_no_id_is_told_with_what_one_is() {
        use farwatch_common::id::AgentId;
        let refused = id::<AgentId>("x\nyz").unwrap_err();
        let expected =
            "There is no `xyz` here: an id of this kind is agt_ and 13 letters of base32.";
        assert_eq!((refused.detail(), refused.code()), (expected, "not_found"));
        assert!(id::<AgentId>(&"x".repeat(1000)).unwrap_err().detail().len() < 200);
    }

    #[test]
    fn what_is_wrong_with_a_query_is_a_sentence() {
        let of = |rest: &str| query_wrong(&format!("{QUERY_PREFIX}{rest}"));
        for why in [
            "invalid digit found in string",
            "cannot parse integer from empty string",
            "number too large to fit in target type",
        ] {
            assert_eq!(of(&format!("limit: {why}")), "`limit` must be 1 to 1000.");
            assert_eq!(of(&format!("points: {why}")), "`points` must be a whole number.");
        }
        assert_eq!(
            of("unknown field `hours`, expected `from` or `to`"),
            "There is no `hours` here; there is `from` or `to`."
        );
        assert_eq!(
            of("hours: unknown field `hours`, there are no fields"),
            "There is no `hours` here: this takes no query."
        );
        assert_eq!(of("limit: must be 1 to 5"), "`limit` must be 1 to 5.");
        assert_eq!(of("it broke"), "The query cannot be read: it broke.");
    }
}
