//! Raw samples by the page.
//!
//! Time is walked in windows that grow over what is empty or thin and shrink again before much is read,
//! so that a page holds little more than it gives; a window is read whole, sorted, and cut at the
//! limit. Repeats are not hidden: the page is evidence.

use std::collections::HashMap;
use std::time::Duration;

use farwatch_common::clock::Micros;
use farwatch_common::sample::{Cause, Class, Column, Group, SchemaId};

use super::subject::Subject;
use super::{RawSample, SampleCursor, SamplesQuery, fetch};
use crate::store::sql::sql;
use crate::store::{Database, StoreError};

/// First window, in intervals.
const WINDOW_INTERVALS: u32 = 20;
/// Most batches of a window that is wider than the first. Each window costs some statements, which on PostgreSQL
/// are round trips.
const WINDOW_BATCHES: usize = 64;
/// Widest window.
const WINDOW_MAX: Duration = Duration::from_secs(7 * 86_400);

sql! { pub(in crate::store) ENDS =
"SELECT (SELECT min(t_max) FROM ts_batch
             WHERE tenant_id = $1 AND agent_id = $2 AND class = $3),
            (SELECT max(t_max) FROM ts_batch
             WHERE tenant_id = $1 AND agent_id = $2 AND class = $3)" }
sql! { pub(in crate::store) OLDEST = "SELECT min(t_min) FROM ts_batch
WHERE tenant_id = $1 AND agent_id = $2 AND class IN ($3, $4)" }

/// Columns that the query wants, by schema.
type Wanted = HashMap<SchemaId, Vec<(u32, Column)>>;

pub(super) async fn page(
    database: &Database,
    subject: &Subject,
    query: &SamplesQuery,
) -> Result<Vec<RawSample>, StoreError> {
    let (wanted, groups) = wanted(subject, query);
    let mut page: Vec<RawSample> = Vec::new();
    let mut from = query.after.map_or(query.from, |cursor| cursor.at.max(query.from));
    // Nothing is stored before the first or after the last batch.
    let Some((first, last)) = span(database, subject, from).await? else { return Ok(page) };
    from = from.max(first);
    let end = query.to.min(Micros(last.0.saturating_add(1)));
    let first_window = subject.interval.saturating_mul(WINDOW_INTERVALS).min(WINDOW_MAX);
    let mut window = first_window;
    while from < end && page.len() < query.limit {
        let to = from.after(window).min(end);
        let searches = fetch::searches(&groups, from, to);
        let batches = fetch::count(database, subject, &searches, WINDOW_BATCHES + 1).await?;
        if batches > WINDOW_BATCHES && window > first_window {
            window = (window / 2).max(first_window);
            continue;
        }
        if batches <= WINDOW_BATCHES / 2 {
            window = (window * 2).min(WINDOW_MAX);
        }
        if batches == 0 {
            from = to;
            continue;
        }
        let take = |found: &mut Vec<fetch::Found>, row| {
            found.push(row);
            Ok(())
        };
        let found = fetch::for_each_row(database, subject, searches, Vec::new(), take).await?;
        let before = page.len();
        for found in found {
            samples(subject, &wanted, query, found, &mut page);
        }
        if let Some(new) = page.get_mut(before..) {
            new.sort_by_key(|sample| sample.cursor);
        }
        from = to;
    }
    page.truncate(query.limit);
    Ok(page)
}

/// Event times between which all rows of the agent lie, widened to what is cheap to know.
async fn span(
    database: &Database,
    subject: &Subject,
    from: Micros,
) -> Result<Option<(Micros, Micros)>, StoreError> {
    let mut txn = subject.read(database).await?;
    let mut span: Option<(i64, i64)> = None;
    for class in [Class::Gauges, Class::Counters] {
        let ends = ENDS.bind(subject.tenant).bind(subject.agent).bind(class as i64);
        let ends = ends.one(&mut txn).await?;
        if let (Some(first), Some(last)) = (ends.get(0)?, ends.get(1)?) {
            let (so_far, last_so_far) = span.unwrap_or((first, last));
            span = Some((first.min(so_far), last.max(last_so_far)));
        }
    }
    let Some((first, last)) = span else { return Ok(None) };
    if from.0 >= first {
        return Ok(Some((from, Micros(last))));
    }
    // Only who asks from before everything pays for the scan.
    let oldest: Option<i64> = OLDEST
        .bind(subject.tenant)
        .bind(subject.agent)
        .bind(Class::Gauges as i64)
        .bind(Class::Counters as i64)
        .scalar(&mut txn)
        .await?;
    Ok(Some((Micros(oldest.unwrap_or(first)), Micros(last))))
}

fn wanted(subject: &Subject, query: &SamplesQuery) -> (Wanted, Vec<Group>) {
    let mut wanted = Wanted::new();
    let mut groups = Vec::new();
    for (id, schema) in &subject.schemas {
        let columns: Vec<(u32, Column)> = (0u32..)
            .zip(&schema.columns)
            .filter(|(_, column)| {
                query.metric.as_ref().is_none_or(|metric| *metric == column.metric)
                    && query.object.as_ref().is_none_or(|object| *object == column.object)
            })
            .map(|(place, column)| (place, column.clone()))
            .collect();
        if !columns.is_empty() {
            groups.push(schema.group);
        }
        wanted.insert(*id, columns);
    }
    (wanted, groups)
}

fn samples(
    subject: &Subject,
    wanted: &Wanted,
    query: &SamplesQuery,
    found: fetch::Found,
    page: &mut Vec<RawSample>,
) {
    let fetch::Found { rank, place, row } = found;
    for (column, meaning) in wanted.get(&row.schema).into_iter().flatten() {
        let value = row.values.get(*column as usize).copied().flatten();
        let missing = value.is_none().then_some(Cause::Unsupported);
        let cursor = SampleCursor {
            at: row.at,
            stream: rank.stream,
            seq: rank.seq,
            row: place,
            column: *column,
        };
        if query.after.is_some_and(|after| cursor <= after) {
            continue;
        }
        page.push(RawSample {
            at: row.at,
            received_at: rank.received,
            object: meaning.object.clone(),
            metric: meaning.metric.clone(),
            kind: meaning.kind,
            value,
            cause: row.cause.or(missing).map(Cause::name),
            agent: subject.agent,
            stream: rank.stream,
            seq: rank.seq,
            cursor,
        });
    }
}
