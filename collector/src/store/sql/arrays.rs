//! Statements that PostgreSQL alone has, with the binds that only it has: arrays.
//!
//! They are `Sql` like the others, so that an error names them, and keep a transaction to the same
//! rules; they are not in the list of what both engines take.

use sqlx::Postgres;
use sqlx::postgres::PgArguments;

use super::{Inner, Row, Sql, StoreError, Txn};

/// What a caller binds to.
pub(in crate::store) type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// Runs it and gives what it returns; the caller bounds how much.
pub(in crate::store) async fn run(
    sql: &'static Sql,
    txn: &mut Txn,
    bind: impl FnOnce(Query) -> Query,
) -> Result<Vec<Row>, StoreError> {
    txn.enter()?;
    let result = match txn.inner() {
        Inner::Postgres(inner) => {
            bind(sqlx::query::<Postgres>(sql.text)).fetch_all(&mut **inner).await
        }
        Inner::Sqlite(_) => {
            let what = format!("{sql} is a statement of PostgreSQL");
            Err(sqlx::Error::Configuration(what.into()))
        }
    };
    let rows = txn.leave(sql, result)?;
    Ok(rows.into_iter().map(|row| Row::new(sql, row)).collect())
}
