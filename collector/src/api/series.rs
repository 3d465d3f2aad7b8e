//! History: which series there are, charts, and the raw samples behind them.

use std::fmt::Write as _;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use farwatch_common::clock::Micros;
use farwatch_common::id::DeviceId;
use farwatch_common::sample::MetricKind;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::AppState;
use super::error::Error;
use super::guard::Caller;
use super::reply::{Cause, Data, List, Meta, Paging, Time, cursor};
use super::request::{Params, PathId, time};
use crate::inventory::device::device_get;
use crate::store::SampleStore as _;
use crate::store::samples::{
    self, POINTS_MAX, RawSample, SampleCursor, SamplesQuery as StoreSamples,
    SeriesQuery as StoreSeries,
};

const POINTS: u32 = 600;
const METRICS_MAX: usize = 50;
/// What is shown if no range is asked for.
const RANGE: Duration = Duration::from_secs(3600);

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MetricInfo {
    object: String,
    metric: String,
    kind: String,
    unit: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeriesSet {
    from: Time,
    to: Time,
    step_s: u32,
    series: Vec<Series>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Series {
    object: String,
    metric: String,
    unit: String,
    kind: String,
    points: Vec<Point>,
}

/// `[t_ms, value, min, max]`, with a cause behind it where there is no value.
#[derive(Debug)]
pub(super) struct Point(samples::Point);

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(point) = self;
        let mut tuple = serializer.serialize_tuple(if point.cause.is_some() { 5 } else { 4 })?;
        tuple.serialize_element(&(point.at.0 / 1000))?;
        for number in [point.value, point.min, point.max] {
            tuple.serialize_element(&number)?;
        }
        if let Some(cause) = point.cause {
            tuple.serialize_element(cause)?;
        }
        tuple.end()
    }
}

impl PartialSchema for Point {
    fn schema() -> RefOr<Schema> {
        let item = ObjectBuilder::new().schema_type(SchemaType::from_iter([
            Type::Number,
            Type::String,
            Type::Null,
        ]));
        let text = "`[t_ms, value, min, max, cause?]`; a gap is a null value. Its cause is why the \
                    poll failed, or why there is no poll: `gap_evicted`, `gap_corrupt`, \
                    `gap_crash`, `gap_rollback` and `gap_rejected` are the reasons of the gaps of \
                    the agent, `gap` is one of which the reason is not known; `agent_stopped` is \
                    no loss, as nothing was asked. Without a cause nothing is known of it.";
        let array = ArrayBuilder::new().items(item).min_items(Some(4)).max_items(Some(5));
        RefOr::T(array.description(Some(text)).into())
    }
}

impl ToSchema for Point {}

/// A sample as it was stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sample {
    at: Time,
    received_at: Time,
    object: String,
    metric: String,
    /// The raw integer, in decimal.
    value: Option<String>,
    cause: Option<Cause>,
    agent: String,
    /// Decimal: passes 2^53.
    stream: String,
    seq: u64,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesQuery {
    /// Names, separated by commas.
    metric: String,
    /// `if:1`; all objects if not given.
    object: Option<String>,
    /// RFC 3339 or microseconds; an hour before `to` if not given.
    from: Option<String>,
    /// Now if not given.
    to: Option<String>,
    /// 1 to 5000; 600 if not given.
    points: Option<u32>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SamplesQuery {
    metric: Option<String>,
    object: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// `csv` or `json`; `Accept: text/csv` does the same.
    format: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

fn range(
    state: &AppState,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(Micros, Micros), Error> {
    let to = to.map_or_else(|| Ok(state.clock.now()), |text| time("to", text))?;
    let from = from.map_or_else(|| Ok(to.before(RANGE)), |text| time("from", text))?;
    if from >= to {
        return Err(Error::bad_request("bad_query", "`from` must be before `to`."));
    }
    Ok((from, to))
}

/// Series that exist
#[utoipa::path(get, path = "/api/v1/devices/{id}/metrics", tag = "history",
    params(("id" = String, Path)), responses((status = 200, body = List<MetricInfo>)))]
pub(super) async fn metrics(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
) -> Result<List<MetricInfo>, Error> {
    device_get(&state.db, &caller.context, id).await?;
    let names = state.samples.metrics(&caller.context, id).await?;
    let total = Some(names.len() as u64);
    let show = |name: samples::SeriesName| MetricInfo {
        object: name.object,
        metric: name.metric,
        kind: name.kind.name().to_owned(),
        unit: name.unit.to_owned(),
    };
    let data = names.into_iter().map(show).collect();
    Ok(List { data, meta: Meta { next_cursor: None, total } })
}

/// Charts: counters come as rates per second
#[utoipa::path(get, path = "/api/v1/devices/{id}/series", tag = "history",
    params(("id" = String, Path), SeriesQuery),
    responses((status = 200, body = Data<SeriesSet>)))]
pub(super) async fn series(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<DeviceId>,
    Params(query): Params<SeriesQuery>,
) -> Result<Data<SeriesSet>, Error> {
    device_get(&state.db, &caller.context, id).await?;
    let (from, to) = range(&state, query.from.as_deref(), query.to.as_deref())?;
    let metrics: Vec<String> = query
        .metric
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if metrics.is_empty() || metrics.len() > METRICS_MAX {
        return Err(Error::bad_request("bad_query", "`metric` names 1 to 50 metrics."));
    }
    let points = query.points.unwrap_or(POINTS);
    if !(1..=POINTS_MAX).contains(&points) {
        return Err(Error::bad_request("bad_query", "`points` must be 1 to 5000."));
    }
    let asked = StoreSeries { device: id, metrics, object: query.object, from, to, points };
    let found = state.samples.series(&caller.context, &asked).await?;
    let step_s = found.iter().map(|series| series.step_s).max().unwrap_or(0);
    let show = |series: samples::Series| Series {
        object: series.object,
        metric: series.metric,
        unit: series.unit.to_owned(),
        kind: series.kind.name().to_owned(),
        points: series.points.into_iter().map(Point).collect(),
    };
    let series = found.into_iter().map(show).collect();
    Ok(Data { data: SeriesSet { from: Time(from), to: Time(to), step_s, series } })
}

/// Raw samples, for audits
#[utoipa::path(get, path = "/api/v1/devices/{id}/samples", tag = "history",
    params(("id" = String, Path), SamplesQuery),
    responses((status = 200, content(
        (List<Sample> = "application/json"),
        (String = "text/csv"),
    ))))]
pub(super) async fn samples(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    PathId(id): PathId<DeviceId>,
    Params(query): Params<SamplesQuery>,
) -> Result<Response, Error> {
    device_get(&state.db, &caller.context, id).await?;
    let csv = match query.format.as_deref() {
        Some("csv") => true,
        Some("json") => false,
        Some(_) => return Err(Error::bad_request("bad_query", "`format` must be csv or json.")),
        None => headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|accept| accept.starts_with("text/csv")),
    };
    let (from, to) = range(&state, query.from.as_deref(), query.to.as_deref())?;
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let limit = paging.limit()? as usize;
    let after =
        paging.after::<(i64, i64, u64, u32, u32)>()?.map(|(at, stream, seq, row, column)| {
            SampleCursor { at: Micros(at), stream, seq, row, column }
        });
    let (metric, object) = (query.metric, query.object);
    // One more, to know whether there is a next page.
    let asked = StoreSamples { device: id, metric, object, from, to, after, limit: limit + 1 };
    let mut rows = state.samples.samples(&caller.context, &asked).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last().filter(|_| more).map(|row| row.cursor) {
        Some(at) => Some(cursor(&(at.at.0, at.stream, at.seq, at.row, at.column))?),
        None => None,
    };
    if csv {
        return as_csv(rows, next_cursor);
    }
    let data = rows.into_iter().map(show).collect();
    Ok(List::<Sample> { data, meta: Meta { next_cursor, total: None } }.into_response())
}

fn show(row: RawSample) -> Sample {
    Sample {
        at: Time(row.at),
        received_at: Time(row.received_at),
        value: value(&row),
        object: row.object,
        metric: row.metric,
        cause: row.cause.and_then(Cause::from_name),
        agent: row.agent.to_string(),
        stream: row.stream.to_string(),
        seq: row.seq,
    }
}

fn value(row: &RawSample) -> Option<String> {
    let value = row.value?;
    Some(match row.kind {
        MetricKind::Counter64 => value.cast_unsigned().to_string(),
        MetricKind::Gauge | MetricKind::Counter32 | MetricKind::State => value.to_string(),
    })
}

/// The next page's cursor stands in `x-next-cursor`.
fn as_csv(rows: Vec<RawSample>, next_cursor: Option<String>) -> Result<Response, Error> {
    let mut text = String::from("at,received_at,object,metric,value,cause,agent,stream,seq\r\n");
    for row in rows {
        let (at, received) = (Time(row.at), Time(row.received_at));
        let value = value(&row).unwrap_or_default();
        let (object, metric) = (quoted(&row.object), quoted(&row.metric));
        let (cause, agent, stream, seq) =
            (row.cause.unwrap_or_default(), row.agent, row.stream, row.seq);
        let _ = write!(
            text,
            "{at},{received},{object},{metric},{value},{cause},{agent},{stream},{seq}\r\n"
        );
    }
    let mut response = ([(CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response();
    if let Some(next) = next_cursor {
        let next = http::HeaderValue::try_from(next).map_err(Error::internal)?;
        response.headers_mut().insert("x-next-cursor", next);
    }
    Ok(response)
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
