//! What can be reached of a table of a damaged file.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use farwatch_common::clock::Clock;
use farwatch_common::ranges::SeqRanges;
use rusqlite::Connection;

/// Polling goes on meanwhile, but its way to the file holds seconds only.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Scans of a table that may begin anew beyond what cannot be read.
const TRIES_MAX: usize = 2000;

/// How much longer is looked for something.
pub(in crate::buffer) struct Effort<'a> {
    clock: &'a Clock,
    until: Instant,
}

impl<'a> Effort<'a> {
    pub(in crate::buffer) fn begin(clock: &'a Clock) -> Self {
        Self { clock, until: clock.monotonic() + TIME_MAX }
    }

    pub(in crate::buffer) fn is_over(&self) -> bool {
        self.clock.monotonic() >= self.until
    }
}

/// A table by its key.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
}

/// Keys of a table.
pub(super) struct Keys {
    pub(super) all: SeqRanges,
    /// Nothing stood in the way.
    pub(super) is_whole: bool,
}

/// The keys that can be reached. Beyond what cannot be read they are looked for from the other end, and then in
/// halves; of those after `end`, where there should be none, from both ends only.
pub(super) fn keys(connection: &Connection, table: &Table, end: i64, effort: &Effort<'_>) -> Keys {
    let mut found = Keys { all: SeqRanges::new(), is_whole: true };
    let mut tries = TRIES_MAX;
    let mut spans = VecDeque::from([(1, end)]);
    while let Some((first, last)) = spans.pop_front() {
        if tries == 0 || effort.is_over() {
            found.is_whole = false;
            break;
        }
        tries -= 1;
        let Err((first, last)) = both_ways(connection, table, (first, last), (&mut found, effort))
        else {
            continue;
        };
        if first < last {
            let middle = first.midpoint(last);
            spans.extend([(first, middle), (middle + 1, last)]);
        }
    }
    let beyond = (end.saturating_add(1), i64::MAX);
    let _ = both_ways(connection, table, beyond, (&mut found, effort));
    found
}

/// Where something stands in the way, between which keys that is.
fn both_ways(
    connection: &Connection,
    table: &Table,
    (first, last): (i64, i64),
    (found, effort): (&mut Keys, &Effort<'_>),
) -> Result<(), (i64, i64)> {
    let mut scan = |order| scan(connection, table, (first, last, order), (&mut found.all, effort));
    let Err(up_to) = scan("ASC") else { return Ok(()) };
    let Err(down_to) = scan("DESC") else { return Ok(()) };
    found.is_whole = false;
    let first = up_to.map_or(first, |key| key.saturating_add(1));
    Err((first, down_to.map_or(last, |key| key.saturating_sub(1))))
}

/// Whether SQLite finds nothing wrong with a table: a page that tells fewer rows than it has reads like a good one.
pub(super) fn is_whole(connection: &Connection, table: &Table) -> bool {
    let text = format!("PRAGMA integrity_check({})", table.name);
    connection.query_row(&text, [], |row| row.get::<_, String>(0)).is_ok_and(|said| said == "ok")
}

/// Where it does not reach the end, how far it came.
fn scan(
    connection: &Connection,
    Table { name, key }: &Table,
    (first, last, order): (i64, i64, &str),
    (found, effort): (&mut SeqRanges, &Effort<'_>),
) -> Result<(), Option<i64>> {
    let text = format!(
        "SELECT {key} FROM {name} NOT INDEXED WHERE {key} BETWEEN ?1 AND ?2 ORDER BY {key} {order}"
    );
    let mut reached = None;
    let mut all = || -> rusqlite::Result<bool> {
        let mut statement = connection.prepare_cached(&text)?;
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            if effort.is_over() {
                return Ok(false);
            }
            let key = row.get::<_, i64>(0)?;
            // A page that is not what it was may tell any.
            if (first..=last).contains(&key) {
                reached = Some(key);
                found.insert(key.cast_unsigned());
            }
        }
        Ok(true)
    };
    match all() {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(reached),
    }
}
