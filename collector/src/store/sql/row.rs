//! A row of either engine, and the types its columns are read as.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use super::Sql;
use crate::store::StoreError;

/// One row, and which statement it is of.
pub struct Row {
    of: &'static Sql,
    engine: EngineRow,
}

/// The row as the engine's driver gives it.
pub(crate) enum EngineRow {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for EngineRow {
    fn from(row: SqliteRow) -> Self {
        Self::Sqlite(row)
    }
}

impl From<PgRow> for EngineRow {
    fn from(row: PgRow) -> Self {
        Self::Postgres(row)
    }
}

impl Row {
    /// What a driver gave for the statement.
    pub(crate) fn new(of: &'static Sql, row: impl Into<EngineRow>) -> Self {
        Self { of, engine: row.into() }
    }

    /// The column at `index`, from 0 in the order of the statement.
    pub fn get<T: Column>(&self, index: usize) -> Result<T, StoreError> {
        let read = match &self.engine {
            EngineRow::Sqlite(row) => T::sqlite(row, index),
            EngineRow::Postgres(row) => T::postgres(row, index),
        };
        read.map_err(|error| StoreError::Corrupt {
            what: format!("column {index} of {}: {error}", self.of),
        })
    }
}

/// A type that a column can be read as. NULL is read as an `Option` only.
pub trait Column: Sized {
    fn sqlite(row: &SqliteRow, index: usize) -> Result<Self, sqlx::Error>;
    fn postgres(row: &PgRow, index: usize) -> Result<Self, sqlx::Error>;
}

/// Types that both drivers read the same way.
macro_rules! columns {
    ($($column:ty),+) => {$(
        impl Column for $column {
            fn sqlite(row: &SqliteRow, index: usize) -> Result<Self, sqlx::Error> {
                row.try_get(index)
            }

            fn postgres(row: &PgRow, index: usize) -> Result<Self, sqlx::Error> {
                row.try_get(index)
            }
        }
    )+};
}

columns!(String, Vec<u8>, f64);

/// All whole numbers of the schema are 64 bits; a literal and `length()` are 32 in PostgreSQL.
impl Column for i64 {
    fn sqlite(row: &SqliteRow, index: usize) -> Result<Self, sqlx::Error> {
        row.try_get(index)
    }

    fn postgres(row: &PgRow, index: usize) -> Result<Self, sqlx::Error> {
        if row.try_get_raw(index)?.type_info().name() == "INT4" {
            return row.try_get::<i32, _>(index).map(Self::from);
        }
        row.try_get(index)
    }
}

/// A column of the schema holds 0 or 1; what a condition gives is a boolean in PostgreSQL.
impl Column for bool {
    fn sqlite(row: &SqliteRow, index: usize) -> Result<Self, sqlx::Error> {
        row.try_get::<i64, _>(index).map(|value| value != 0)
    }

    fn postgres(row: &PgRow, index: usize) -> Result<Self, sqlx::Error> {
        if row.try_get_raw(index)?.type_info().name() == "BOOL" {
            return row.try_get(index);
        }
        <i64 as Column>::postgres(row, index).map(|value| value != 0)
    }
}

impl<T: Column> Column for Option<T> {
    fn sqlite(row: &SqliteRow, index: usize) -> Result<Self, sqlx::Error> {
        if row.try_get_raw(index)?.is_null() { Ok(None) } else { T::sqlite(row, index).map(Some) }
    }

    fn postgres(row: &PgRow, index: usize) -> Result<Self, sqlx::Error> {
        if row.try_get_raw(index)?.is_null() { Ok(None) } else { T::postgres(row, index).map(Some) }
    }
}
