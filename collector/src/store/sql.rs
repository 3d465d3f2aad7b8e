//! SQL that runs on both engines: a text with a name, its binds, and what comes back.
//!
//! A statement is a `static` beside the function that runs it, written with [`sql!`]. It runs in
//! a [`Txn`] and nowhere else, so that no statement forgets role and tenants. The texts keep to
//! what SQLite and PostgreSQL both take: `$1` binds, `BIGINT` numbers, no `max(a, b)`, no `rowid`.

pub(super) mod arrays;
#[cfg(test)]
pub(crate) mod ran;
mod row;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;

use sqlx::{Postgres, Sqlite};

use super::StoreError;
use super::txn::{Inner, Txn};
pub use row::{Column, Row};
pub use value::Value;

/// A statement: its text, and where it is written, for errors and tests.
pub struct Sql {
    text: &'static str,
    file: &'static str,
    line: u32,
}

/// Names a statement: `sql! { NAME = "SELECT ...", tenant_set!(), " ORDER BY ..." }`.
///
/// The parts are joined while compiling. Each is named once more in `sql/statements.rs`.
macro_rules! sql {
    ($vis:vis $name:ident = $($part:expr),+ $(,)?) => {
        $vis static $name: $crate::store::sql::Sql =
            $crate::store::sql::Sql::new(concat!($($part),+), file!(), line!());
    };
}
pub(crate) use sql;

impl Sql {
    /// For [`sql!`], and for statements that one engine alone takes.
    #[must_use]
    pub const fn new(text: &'static str, file: &'static str, line: u32) -> Self {
        Self { text, file, line }
    }

    #[must_use]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// Binds `$1`.
    pub fn bind(&'static self, value: impl Into<Value>) -> Query {
        self.query().bind(value)
    }

    /// Without binds, or with the first of them to come.
    pub const fn query(&'static self) -> Query {
        Query { sql: self, values: Vec::new() }
    }
}

/// Where the statement is written: its text is long, and says nothing of who runs it.
impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A statement with its binds. Has no `Debug`: binds are people's data, some of them secret.
#[must_use = "a statement does nothing until it is run"]
pub struct Query {
    sql: &'static Sql,
    values: Vec<Value>,
}

/// Runs one method of sqlx's on whichever engine the transaction is of.
///
/// The transaction counts as failed until the answer is there: a statement that is cut short has
/// an unknown end.
macro_rules! dispatch {
    ($query:ident, $txn:ident, $method:ident, $answer:expr) => {{
        let Query { sql, values } = $query;
        $txn.enter()?;
        #[cfg(test)]
        $txn.ran.note(sql);
        let result = match $txn.inner() {
            Inner::Sqlite(inner) => {
                let query = value::bind_all(sqlx::query::<Sqlite>(sql.text), values);
                query.$method(&mut **inner).await.map($answer)
            }
            Inner::Postgres(inner) => {
                let query = value::bind_all(sqlx::query::<Postgres>(sql.text), values);
                query.$method(&mut **inner).await.map($answer)
            }
        };
        $txn.leave(sql, result)
    }};
}

impl Query {
    /// Binds the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Runs it; says how many rows it touched.
    pub async fn execute(self, txn: &mut Txn) -> Result<u64, StoreError> {
        dispatch!(self, txn, execute, |done| done.rows_affected())
    }

    /// The first row, if there is one.
    pub async fn optional(self, txn: &mut Txn) -> Result<Option<Row>, StoreError> {
        let at = self.sql;
        dispatch!(self, txn, fetch_optional, |row| row.map(|row| Row::new(at, row)))
    }

    /// The first row of a statement that always has one.
    pub async fn one(self, txn: &mut Txn) -> Result<Row, StoreError> {
        self.optional(txn).await?.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }

    /// All rows: the statement bounds how many.
    pub async fn all(self, txn: &mut Txn) -> Result<Vec<Row>, StoreError> {
        let at = self.sql;
        dispatch!(self, txn, fetch_all, |rows| {
            rows.into_iter().map(|row| Row::new(at, row)).collect()
        })
    }

    /// The first column of the first row, of a statement that always has one.
    pub async fn scalar<T: Column>(self, txn: &mut Txn) -> Result<T, StoreError> {
        self.one(txn).await?.get(0)
    }
}
