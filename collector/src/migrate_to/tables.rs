//! Which tables there are, and what is in them: asked of the catalogs of both engines and compared,
//! so that a table or a column of a later migration is moved without a word here, or named.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Row as _, SqliteConnection};

use super::MoveError;
use super::rows::{Row, has_rows};
use crate::store::database::UNFINISHED;

/// What the engines keep about themselves; all else is moved.
const BOOKKEEPING: [&str; 2] = ["_sqlx_migrations", UNFINISHED];

/// Table, column, its type, and its place in the key from 1; 0 if it is not in it. The key is the
/// primary one, or a unique index.
const OF_SQLITE: &str = r#"
    SELECT t.name, c.name, c.type, CASE
        WHEN EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE pk > 0) THEN c.pk
        ELSE coalesce((
            SELECT k.seqno + 1 FROM pragma_index_info((
                SELECT i.name FROM pragma_index_list(t.name) i
                WHERE i."unique" AND NOT i.partial ORDER BY i.name LIMIT 1)) k
            WHERE k.name = c.name), 0) END
    FROM sqlite_schema t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
    ORDER BY t.name, c.cid"#;

const OF_POSTGRES: &str = "
    SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
           coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN LATERAL (
        SELECT indkey FROM pg_index
        WHERE indrelid = c.oid AND indisunique AND indpred IS NULL AND indexprs IS NULL
        ORDER BY indisprimary DESC, indexrelid LIMIT 1) i ON true
    WHERE c.relnamespace = 'farwatch'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition
    ORDER BY c.relname, a.attnum";

/// Who refers to whom.
const REFERENCES: &str = "
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
    WHERE connamespace = 'farwatch'::regnamespace AND contype = 'f' AND conrelid <> confrelid";

/// Tables of somebody else's are named later, when both sides are compared.
const READABLE: &str = "
    SELECT relname::text FROM pg_class
    WHERE relnamespace = 'farwatch'::regnamespace AND relkind IN ('r', 'p')
      AND has_table_privilege(oid, 'SELECT')
    ORDER BY relname";

/// The types that both engines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Bytes,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "BIGINT" | "INTEGER" | "bigint" => Self::Int,
            "TEXT" | "text" => Self::Text,
            "BLOB" | "bytea" => Self::Bytes,
            _ => return None,
        })
    }

    /// As PostgreSQL calls many of them.
    pub(super) fn array(self) -> &'static str {
        match self {
            Self::Int => "bigint[]",
            Self::Text => "text[]",
            Self::Bytes => "bytea[]",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A table as both engines have it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// Places in `columns`, in the order in which its rows are walked.
    pub(super) key: Vec<usize>,
}

impl Table {
    /// The same without all that is not its key.
    pub(super) fn keys(&self) -> Self {
        let columns: Vec<_> = self.key.iter().map(|at| self.columns[*at].clone()).collect();
        Self { name: self.name.clone(), key: (0..columns.len()).collect(), columns }
    }

    pub(super) fn key_of(&self, row: &Row) -> Row {
        self.key.iter().map(|at| row[*at].clone()).collect()
    }

    /// For people; keys are numbers and hashes.
    pub(super) fn key_text(&self, row: &Row) -> String {
        let part = |at: &usize| format!("{} {}", self.columns[*at].name, row[*at]);
        self.key.iter().map(part).collect::<Vec<_>>().join(", ")
    }
}

/// A column as one engine has it: its type and its place in the key.
type Found = BTreeMap<String, BTreeMap<String, (String, i64)>>;

/// What a catalog answers, table by table.
fn add(found: &mut Found, table: String, column: String, kind: String, place: i64) {
    if !BOOKKEEPING.contains(&table.as_str()) {
        found.entry(table).or_default().insert(column, (kind, place));
    }
}

/// The tables that both engines have, in an order in which no row comes before one that it refers
/// to. Fails with the name of what one side alone has.
pub(super) async fn of_both(
    source: &mut SqliteConnection,
    target: &mut PgConnection,
) -> Result<Vec<Table>, MoveError> {
    let (mut ours, mut theirs) = (Found::new(), Found::new());
    for row in sqlx::query(OF_SQLITE).fetch_all(source).await.map_err(MoveError::Source)? {
        let get = |at| row.try_get(at).map_err(MoveError::Source);
        let place = row.try_get(3).map_err(MoveError::Source)?;
        add(&mut ours, get(0)?, get(1)?, get(2)?, place);
    }
    let failed = MoveError::Target;
    for row in sqlx::query(OF_POSTGRES).fetch_all(&mut *target).await.map_err(failed)? {
        let get = |at| row.try_get(at).map_err(MoveError::Target);
        add(&mut theirs, get(0)?, get(1)?, get(2)?, row.try_get(3).map_err(failed)?);
    }
    let tables = compared(&ours, &theirs)?;
    let references: Vec<(String, String)> =
        sqlx::query_as(REFERENCES).fetch_all(target).await.map_err(failed)?;
    ordered(tables, &references)
}

fn compared(ours: &Found, theirs: &Found) -> Result<Vec<Table>, MoveError> {
    if let Some((name, side)) = one_sided(ours, theirs) {
        return Err(MoveError::Schema(format!("the table `{name}` is in {side} only")));
    }
    let one = |(name, columns): (&String, &BTreeMap<String, (String, i64)>)| {
        let other = &theirs[name];
        if let Some((column, side)) = one_sided(columns, other) {
            let what = format!("the column `{column}` of `{name}` is in {side} only");
            return Err(MoveError::Schema(what));
        }
        let (mut both, mut key) = (Vec::new(), BTreeMap::new());
        for (at, (column, (kind, place))) in columns.iter().enumerate() {
            let (their_kind, their_place) = &other[column];
            let agreed = Kind::of(kind).filter(|kind| Kind::of(their_kind) == Some(*kind));
            let Some(kind) = agreed.filter(|_| place == their_place) else {
                let what = format!("the column `{column}` of `{name}` is not the same in both");
                return Err(MoveError::Schema(what));
            };
            if *place > 0 {
                key.insert(*place, at);
            }
            both.push(Column { name: column.clone(), kind });
        }
        if key.is_empty() {
            return Err(MoveError::Schema(format!("the table `{name}` has no key")));
        }
        let key = key.into_values().collect();
        Ok(Table { name: name.clone(), columns: both, key })
    };
    ours.iter().map(one).collect()
}

/// A name that one side lacks, and the side that has it.
fn one_sided<A, B>(
    ours: &BTreeMap<String, A>,
    theirs: &BTreeMap<String, B>,
) -> Option<(String, &'static str)> {
    let left = ours.keys().find(|name| !theirs.contains_key(*name));
    let right = theirs.keys().find(|name| !ours.contains_key(*name));
    left.map(|name| (name.clone(), "SQLite"))
        .or_else(|| right.map(|name| (name.clone(), "PostgreSQL")))
}

fn ordered(
    mut tables: Vec<Table>,
    references: &[(String, String)],
) -> Result<Vec<Table>, MoveError> {
    let (mut done, mut names) = (Vec::new(), BTreeSet::new());
    while !tables.is_empty() {
        let is_ready = |table: &Table| {
            let mut parents = references.iter().filter(|(child, _)| *child == table.name);
            parents.all(|(_, parent)| names.contains(parent))
        };
        let (ready, rest): (Vec<_>, Vec<_>) = tables.into_iter().partition(is_ready);
        if ready.is_empty() {
            let what = format!("the table `{}` refers to itself in a circle", rest[0].name);
            return Err(MoveError::Schema(what));
        }
        names.extend(ready.iter().map(|table| table.name.clone()));
        done.extend(ready);
        tables = rest;
    }
    Ok(done)
}

/// A table that PostgreSQL has rows in, if there is one; the ends of chains are there from the
/// beginning.
pub(super) async fn filled(target: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(READABLE).fetch_all(&mut *target).await?;
    let skipped = |name: &String| BOOKKEEPING.contains(&name.as_str()) || name == "audit_head";
    for name in names.into_iter().filter(|name| !skipped(name)) {
        if has_rows(target, &name).await? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Column, type, and place in the key.
    type Columns<'a> = &'a [(&'a str, &'a str, i64)];

    fn found(tables: &[(&str, Columns<'_>)]) -> Found {
        let mut found = Found::new();
        for (table, columns) in tables {
            for (column, kind, place) in *columns {
                add(&mut found, (*table).into(), (*column).into(), (*kind).into(), *place);
            }
        }
        found
    }

    fn refused(ours: &Found, theirs: &Found) -> String {
        compared(ours, theirs).unwrap_err().to_string()
    }

    #[test]
    fn what_one_side_has_alone_is_named() {
        let ours = found(&[("site", &[("id", "BIGINT", 1), ("name", "TEXT", 0)])]);
        let same = found(&[("site", &[("id", "bigint", 1), ("name", "text", 0)])]);
        let tables = compared(&ours, &same).unwrap();
        assert_eq!((tables.len(), tables[0].key.clone()), (1, vec![0]));
        let more = found(&[("site", &[("id", "bigint", 1)]), ("guest", &[("id", "bigint", 1)])]);
        assert!(refused(&ours, &more).contains("table `guest` is in PostgreSQL only"));
        assert!(refused(&found(&[]), &same).contains("table `site` is in PostgreSQL only"));
        let less = found(&[("site", &[("id", "bigint", 1)])]);
        assert!(refused(&ours, &less).contains("column `name` of `site` is in SQLite only"));
        for column in [("name", "bytea", 0), ("name", "text", 2), ("name", "json", 0)] {
            let other = found(&[("site", &[("id", "bigint", 1), column])]);
            assert!(refused(&ours, &other).contains("`name` of `site` is not the same"));
        }
        let keyless = found(&[("site", &[("id", "BIGINT", 0)])]);
        assert!(refused(&keyless, &keyless).contains("no key"));
    }

    #[test]
    fn parents_come_first_and_circles_are_named() {
        let table =
            |name: &str| Table { name: name.to_owned(), columns: Vec::new(), key: Vec::new() };
        let tables = || vec![table("agent"), table("key"), table("site")];
        let pair = |child: &str, parent: &str| (child.to_owned(), parent.to_owned());
        let references = [pair("key", "agent"), pair("agent", "site")];
        let names = ordered(tables(), &references).unwrap();
        let names: Vec<_> = names.into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["site", "agent", "key"]);
        let circle = [pair("key", "agent"), pair("agent", "key")];
        assert!(ordered(tables(), &circle).unwrap_err().to_string().contains("circle"));
    }
}
