//! Rows of any table, read from either engine in the order of their keys, and written to one.
//!
//! - bound: a group is at most [`GROUP_ROWS`] rows and ends with the row that fills
//!   [`GROUP_BYTES`], however large the table

use std::fmt;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{PgConnection, Postgres, Row as _, Sqlite, SqliteConnection};

use super::MoveError;
use super::tables::{Kind, Table};

pub(super) const GROUP_ROWS: usize = 500;
const GROUP_BYTES: usize = 8 * 1024 * 1024;
const SHOWN_BYTES: usize = 4;

/// In the order that both engines have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

pub(super) type Row = Vec<Value>;

/// Of a key: of a hash only as much as finds the row.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("none"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => {
                let start = &bytes[..bytes.len().min(SHOWN_BYTES)];
                write!(f, "{}...", data_encoding::HEXLOWER.encode(start))
            }
        }
    }
}

impl Value {
    fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// What is hashed: no two different rows look the same.
    pub(super) fn hash(&self, hasher: &mut blake3::Hasher) {
        let (tag, bytes) = match self {
            Self::Null => (0, &[][..]),
            Self::Int(number) => {
                hasher.update(&[1]).update(&number.to_be_bytes());
                return;
            }
            Self::Text(text) => (2, text.as_bytes()),
            Self::Bytes(bytes) => (3, &bytes[..]),
        };
        hasher.update(&[tag]).update(&(bytes.len() as u64).to_be_bytes()).update(bytes);
    }
}

#[expect(clippy::disallowed_types, reason = "names of tables out of the catalog cannot be bound")]
fn composed(text: String) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(text)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn columns(table: &Table) -> String {
    list(table.columns.iter().map(|column| quoted(&column.name)))
}

/// `("a", "b") > ($1, $2)`, with binds from the one at `first`.
fn keys_are(table: &Table, relation: &str, first: usize) -> String {
    let names = list(table.key.iter().map(|at| quoted(&table.columns[*at].name)));
    let binds = list((first..first + table.key.len()).map(|at| format!("${at}")));
    format!("({names}) {relation} ({binds})")
}

fn select(table: &Table, goes_on: bool, rows: usize) -> String {
    let rest = if goes_on { format!(" WHERE {}", keys_are(table, ">", 1)) } else { String::new() };
    let order = list(table.key.iter().map(|at| quoted(&table.columns[*at].name)));
    let (columns, name) = (columns(table), quoted(&table.name));
    format!("SELECT {columns} FROM {name}{rest} ORDER BY {order} LIMIT {rows}")
}

/// Reads rows of one engine: both drivers have the same words and no type in common.
macro_rules! reader {
    ($group:ident, $value:ident, $bind:ident, $Connection:ty, $Row:ty, $Engine:ty, $Arguments:ty,
     $failed:expr) => {
        /// At most `most` rows that follow the key `after`, as far as a group goes; none at the end.
        pub(super) async fn $group(
            connection: &mut $Connection,
            table: &Table,
            after: Option<&Row>,
            most: usize,
        ) -> Result<Vec<Row>, MoveError> {
            let mut query = sqlx::query(composed(select(table, after.is_some(), most)));
            for value in after.into_iter().flatten() {
                query = $bind(query, value.clone());
            }
            let mut rows = query.fetch(connection);
            let (mut group, mut size) = (Vec::new(), 0);
            while let Some(row) = rows.try_next().await.map_err($failed)? {
                let mut values = Vec::with_capacity(table.columns.len());
                for (at, column) in table.columns.iter().enumerate() {
                    let value = $value(&row, at, column.kind).map_err(|source| {
                        let (table, column) = (table.name.clone(), column.name.clone());
                        MoveError::Value { table, column, source }
                    })?;
                    size += value.size();
                    values.push(value);
                }
                group.push(values);
                if size >= GROUP_BYTES {
                    break;
                }
            }
            Ok(group)
        }

        fn $value(row: &$Row, at: usize, kind: Kind) -> Result<Value, sqlx::Error> {
            Ok(match kind {
                Kind::Int => row.try_get::<Option<i64>, _>(at)?.map_or(Value::Null, Value::Int),
                Kind::Text => row.try_get::<Option<String>, _>(at)?.map_or(Value::Null, text),
                Kind::Bytes => {
                    row.try_get::<Option<Vec<u8>>, _>(at)?.map_or(Value::Null, Value::Bytes)
                }
            })
        }

        fn $bind(
            query: sqlx::query::Query<'_, $Engine, $Arguments>,
            value: Value,
        ) -> sqlx::query::Query<'_, $Engine, $Arguments> {
            match value {
                Value::Null => query.bind(None::<i64>),
                Value::Int(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
                Value::Bytes(bytes) => query.bind(bytes),
            }
        }
    };
}

reader!(
    sqlite_group,
    sqlite_value,
    sqlite_bind,
    SqliteConnection,
    SqliteRow,
    Sqlite,
    SqliteArguments,
    MoveError::Source
);
reader!(
    postgres_group,
    postgres_value,
    postgres_bind,
    PgConnection,
    PgRow,
    Postgres,
    PgArguments,
    MoveError::Target
);

/// PostgreSQL keeps no NUL in a text; what devices say of themselves may have one from before it was
/// taken out at the door.
fn text(mut text: String) -> Value {
    text.retain(|letter| letter != '\0');
    Value::Text(text)
}

/// How many rows SQLite has.
pub(super) async fn count(source: &mut SqliteConnection, table: &Table) -> Result<i64, MoveError> {
    let text = format!("SELECT count(*) FROM {}", quoted(&table.name));
    sqlx::query_scalar(composed(text)).fetch_one(source).await.map_err(MoveError::Source)
}

/// How many rows PostgreSQL has after one key, up to another and with it.
pub(super) async fn count_between(
    target: &mut PgConnection,
    table: &Table,
    after: Option<&Row>,
    last: &Row,
) -> Result<i64, MoveError> {
    let mut text = format!("SELECT count(*) FROM {} WHERE ", quoted(&table.name));
    text.push_str(&keys_are(table, "<=", 1));
    if after.is_some() {
        text.push_str(" AND ");
        text.push_str(&keys_are(table, ">", 1 + table.key.len()));
    }
    let mut query = sqlx::query(composed(text));
    for value in last.iter().chain(after.into_iter().flatten()) {
        query = postgres_bind(query, value.clone());
    }
    let row = query.fetch_one(target).await.map_err(MoveError::Target)?;
    row.try_get(0).map_err(MoveError::Target)
}

pub(super) async fn has_rows(target: &mut PgConnection, table: &str) -> Result<bool, sqlx::Error> {
    let text = format!("SELECT EXISTS (SELECT FROM {})", quoted(table));
    sqlx::query_scalar(composed(text)).fetch_one(target).await
}

/// Runs a statement with the names of these tables after it.
pub(super) async fn on_tables(
    target: &mut PgConnection,
    statement: &str,
    tables: impl Iterator<Item = &Table>,
) -> Result<(), sqlx::Error> {
    let names = list(tables.map(|table| quoted(&table.name)));
    run(target, format!("{statement} {names}")).await
}

/// Runs a statement that has a name in it.
pub(super) async fn run(target: &mut PgConnection, text: String) -> Result<(), sqlx::Error> {
    sqlx::query(composed(text)).execute(target).await?;
    Ok(())
}

/// Writes a group in one statement, which is a transaction of its own; rows that are there stay.
pub(super) async fn insert(
    target: &mut PgConnection,
    table: &Table,
    group: Vec<Row>,
) -> Result<(), MoveError> {
    let arrays = table.columns.iter().enumerate();
    let arrays = list(arrays.map(|(at, column)| format!("${}::{}", at + 1, column.kind.array())));
    let text = format!(
        "INSERT INTO {} ({}) SELECT * FROM UNNEST({arrays}) ON CONFLICT DO NOTHING",
        quoted(&table.name),
        columns(table),
    );
    let mut columns: Vec<Vec<Value>> = vec![Vec::with_capacity(group.len()); table.columns.len()];
    for row in group {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let mut query = sqlx::query(composed(text));
    for (column, values) in table.columns.iter().zip(columns) {
        let values = values.into_iter();
        query = match column.kind {
            Kind::Int => query.bind(values.map(Value::int).collect::<Vec<_>>()),
            Kind::Text => query.bind(values.map(Value::text).collect::<Vec<_>>()),
            Kind::Bytes => query.bind(values.map(Value::bytes).collect::<Vec<_>>()),
        };
    }
    query.execute(target).await.map_err(MoveError::Target)?;
    Ok(())
}

/// A column is read as its kind alone, so nothing else is there.
impl Value {
    fn int(self) -> Option<i64> {
        if let Self::Int(number) = self { Some(number) } else { None }
    }

    fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn bytes(self) -> Option<Vec<u8>> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }
}
