//! What became of data, of two tenants: neither reaches the other's, whichever of them asks.

use super::*;

/// What the ledger of an agent is made of.
const TABLES: [&str; 5] = ["gap", "agent_link", "refused_batch", "ts_batch", "stream_cursor"];

/// How many rows it changed, or the code of the refusal.
async fn tried(
    connection: &mut PgConnection,
    (role, tenant): (&str, i64),
    sql: String,
) -> Result<u64, String> {
    begin(connection, role, Some(&format!("{{{tenant}}}"))).await;
    let outcome = sqlx::raw_sql(composed(sql)).execute(&mut *connection).await;
    rollback(connection).await;
    match outcome {
        Ok(done) => Ok(done.rows_affected()),
        Err(error) => Err(error.as_database_error().unwrap().code().unwrap().into_owned()),
    }
}

/// The columns of the table, with another tenant in the place of its own.
async fn columns_for(connection: &mut PgConnection, table: &str, tenant: i64) -> String {
    let sql = format!(
        "SELECT string_agg(CASE attname WHEN 'tenant_id' THEN '{tenant}'
                           ELSE quote_ident(attname) END, ', ' ORDER BY attnum)
         FROM pg_attribute WHERE attrelid = 'farwatch.{table}'::regclass AND attnum > 0
           AND NOT attisdropped"
    );
    sqlx::query_scalar(composed(sql)).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn losses_of_one_tenant_are_out_of_reach_of_the_other_either_way() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    sqlx::raw_sql(ROWS).execute(&mut superuser).await.unwrap();
    let mut login = scratch.connect("farwatch").await;
    let refused = Err("42501".to_owned());
    for (own, other) in [(1, 2), (2, 1)] {
        for table in TABLES {
            let of = |tenant: i64| format!("tenant_id = {tenant}");
            for role in ["app", "ingest"] {
                begin(&mut login, role, Some(&format!("{{{own}}}"))).await;
                assert!(count(&mut login, table, &of(own)).await > 0, "{role}: {table}");
                assert_eq!(count(&mut login, table, &of(other)).await, 0, "{role}: {table}");
                rollback(&mut login).await;
            }
            let columns = columns_for(&mut superuser, table, other).await;
            let insert = format!("INSERT INTO {table} SELECT {columns} FROM {table}");
            let update = format!("UPDATE {table} SET tenant_id = {other}");
            let delete = format!("DELETE FROM {table} WHERE tenant_id = {other}");
            for sql in [insert, update, delete] {
                let by_app = tried(&mut login, ("app", own), sql.clone()).await;
                assert_eq!(by_app, refused, "{own}: {sql}");
                let by_ingest = tried(&mut login, ("ingest", own), sql.clone()).await;
                // Its own it may delete; of the other's it sees none.
                let is_none = sql.starts_with("DELETE") && by_ingest == Ok(0);
                assert!(is_none || by_ingest == refused, "{own}: {sql}: {by_ingest:?}");
            }
        }
    }
    scratch.remove().await;
}
