//! Binds and columns, on SQLite and, where there is a server, on PostgreSQL.

use std::collections::BTreeSet;
use std::path::Path;

use farwatch_common::clock::Micros;
use farwatch_common::id::{DeviceId, TenantId};
use sqlx::{Executor as _, SqlSafeStr as _};

use super::statements::STATEMENTS;
use super::*;
use crate::ingest::IngestKey;
use crate::store::Database;
use crate::store::fixture::scratch::{Scratch, composed};
use crate::store::fixture::{PostgresWorld, World};
use crate::store::txn::Role;

sql! { ECHO_INT = "SELECT CAST($1 AS BIGINT)" }
sql! { ECHO_TEXT = "SELECT CAST($1 AS TEXT)" }
sql! { ECHO_REAL = "SELECT CAST($1 AS DOUBLE PRECISION)" }
// SQLite knows no BYTEA and PostgreSQL no BLOB: a blob goes through without a cast.
sql! { ECHO_BLOB = "SELECT coalesce($1, NULL)" }
sql! { NOTHING = "SELECT name FROM tenant WHERE tenant_id = -1" }
sql! { TENANTS = "SELECT tenant_id, name FROM tenant ORDER BY tenant_id" }
sql! { LITERALS = "SELECT 7, length('four'), 1 < 2, 2 < 1, NULL" }

/// The statements of these tests, which prove that the walk finds any.
const OWN: [&Sql; 3] = [&ECHO_INT, &TENANTS, &LITERALS];

async fn reading(database: &Database) -> Txn {
    let tenants = BTreeSet::from([TenantId(1), TenantId(2)]);
    database.ingest_read(IngestKey::of_a_test(), &tenants).await.unwrap()
}

/// What comes back for a bind.
async fn echo<T: Column>(txn: &mut Txn, sql: &'static Sql, value: impl Into<Value>) -> T {
    sql.bind(value).scalar(txn).await.unwrap()
}

async fn every_value_comes_back(database: &Database) {
    let txn = &mut reading(database).await;
    for number in [0, 1, -1, i64::MIN, i64::MAX] {
        assert_eq!(echo::<i64>(txn, &ECHO_INT, number).await, number);
        assert_eq!(echo::<Option<i64>>(txn, &ECHO_INT, Some(number)).await, Some(number));
    }
    assert_eq!(echo::<Option<i64>>(txn, &ECHO_INT, None::<i64>).await, None);
    assert_eq!(echo::<i64>(txn, &ECHO_INT, u32::MAX).await, i64::from(u32::MAX));
    assert_eq!(echo::<i64>(txn, &ECHO_INT, Micros(9)).await, 9);
    assert_eq!(echo::<i64>(txn, &ECHO_INT, DeviceId(8)).await, 8);
    assert_eq!(echo::<Option<i64>>(txn, &ECHO_INT, None::<DeviceId>).await, None);
    for truth in [true, false] {
        assert_eq!(echo::<bool>(txn, &ECHO_INT, truth).await, truth);
    }
    for text in ["", "plain", "ÄÖ 漢字 🦊", "' OR 1 = 1 --"] {
        assert_eq!(echo::<String>(txn, &ECHO_TEXT, text).await, text);
    }
    assert_eq!(echo::<Option<String>>(txn, &ECHO_TEXT, None::<&str>).await, None);
    for blob in [Vec::new(), vec![0], (0..=255).collect::<Vec<u8>>()] {
        assert_eq!(echo::<Vec<u8>>(txn, &ECHO_BLOB, blob.clone()).await, blob);
        assert_eq!(echo::<Option<Vec<u8>>>(txn, &ECHO_BLOB, &blob[..]).await, Some(blob));
    }
    assert_eq!(echo::<Option<Vec<u8>>>(txn, &ECHO_BLOB, None::<Vec<u8>>).await, None);
    for real in [0.0, -0.5, f64::MAX, f64::MIN_POSITIVE, f64::INFINITY] {
        assert_eq!(echo::<f64>(txn, &ECHO_REAL, real).await.to_bits(), real.to_bits());
    }
    assert_eq!(echo::<Option<f64>>(txn, &ECHO_REAL, None::<f64>).await, None);
    let row = LITERALS.query().one(txn).await.unwrap();
    assert_eq!((row.get::<i64>(0).unwrap(), row.get::<i64>(1).unwrap()), (7, 4));
    assert_eq!((row.get::<bool>(2).unwrap(), row.get::<bool>(3).unwrap()), (true, false));
    assert_eq!(row.get::<Option<i64>>(4).unwrap_or(Some(1)), None);
}

async fn rows_are_what_the_statement_asks_for(database: &Database) {
    let txn = &mut reading(database).await;
    let rows = TENANTS.query().all(txn).await.unwrap();
    let read = |row: &Row| (row.get(0).unwrap(), row.get(1).unwrap());
    let tenants: Vec<(i64, String)> = rows.iter().map(read).collect();
    assert_eq!(tenants, [(1, "one".to_owned()), (2, "two".to_owned())]);
    assert!(NOTHING.query().optional(txn).await.unwrap().is_none());
    assert!(NOTHING.query().one(txn).await.is_err());
    // A column that is not there or of another type names its statement, and nothing is aborted.
    for what in [rows[0].get::<i64>(1).map(drop), rows[0].get::<i64>(2).map(drop)] {
        let error = what.unwrap_err().to_string();
        assert!(error.contains("store/sql/tests.rs:"), "{error}");
    }
    assert_eq!(TENANTS.query().all(txn).await.unwrap().len(), 2);
}

#[tokio::test]
async fn sqlite_gives_back_what_was_bound() {
    let world = World::open().await;
    every_value_comes_back(&world.database).await;
    rows_are_what_the_statement_asks_for(&world.database).await;
}

#[tokio::test]
async fn postgres_gives_back_what_was_bound() {
    let Some(world) = PostgresWorld::open().await else { return };
    every_value_comes_back(&world.database).await;
    rows_are_what_the_statement_asks_for(&world.database).await;
    world.remove().await;
}

fn statements() -> impl Iterator<Item = (Role, &'static Sql)> {
    STATEMENTS.iter().flat_map(|(role, list)| list.iter().map(|statement| (*role, *statement)))
}

/// Where the sources write a `sql!`, as `file:line`.
fn written(dir: &Path, found: &mut BTreeSet<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            written(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(root).unwrap().display();
            let lines = (1..).zip(text.lines());
            let statements = lines.filter(|(_, line)| line.trim_start().starts_with("sql! {"));
            found.extend(statements.map(|(number, _)| format!("{file}:{number}")));
        }
    }
}

#[test]
fn every_statement_is_listed() {
    let mut found = BTreeSet::new();
    written(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    for own in OWN {
        assert!(found.contains(&own.to_string()), "{own} is not found in the sources");
    }
    found.retain(|place| !place.contains("/tests.rs:") && !place.contains("/tests/"));
    let listed: BTreeSet<String> = statements().map(|(_, sql)| sql.to_string()).collect();
    assert_eq!(found, listed, "add what is missing to store/sql/statements.rs");
}

#[tokio::test]
async fn every_statement_is_prepared_on_sqlite() {
    let world = World::open().await;
    let mut txn = reading(&world.database).await;
    let Inner::Sqlite(connection) = txn.inner() else { panic!("not SQLite") };
    for statement in statements().map(|(_, statement)| statement).chain(OWN) {
        let prepared = connection.prepare(statement.text().into_sql_str()).await;
        assert!(prepared.is_ok(), "{statement}: {}", prepared.err().unwrap());
    }
}

/// PREPARE looks at names and types, EXPLAIN at the rights of the role.
#[tokio::test]
async fn every_statement_is_planned_on_postgres() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut connection = scratch.connect("farwatch").await;
    let types = "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = 's'";
    let ours = ["bigint", "integer", "text", "bytea", "double precision"];
    for (role, statement) in statements() {
        let text = format!("SET ROLE {}; PREPARE s AS {}", role.name(), statement.text());
        let prepared = connection.execute(sqlx::raw_sql(composed(text))).await;
        assert!(prepared.is_ok(), "{statement}: {}", prepared.err().unwrap());
        let types: Vec<String> =
            sqlx::query_scalar(types).fetch_one(&mut connection).await.unwrap();
        let known = types.iter().all(|name| ours.contains(&name.as_str()));
        assert!(known, "{statement} binds what `Value` has not: {types:?}");
        let nulls = vec!["NULL"; types.len()].join(", ");
        let binds = if nulls.is_empty() { nulls } else { format!("({nulls})") };
        let text = format!("EXPLAIN EXECUTE s{binds}; DEALLOCATE s");
        let planned = connection.execute(sqlx::raw_sql(composed(text))).await;
        assert!(planned.is_ok(), "{statement} as {role:?}: {}", planned.err().unwrap());
    }
    drop(connection);
    scratch.remove().await;
}
