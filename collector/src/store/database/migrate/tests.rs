//! A new installation is like an old one that was upgraded, and PostgreSQL's schema like SQLite's.

use sqlx::{Connection as _, PgConnection, SqliteConnection};

use super::{POSTGRES, SQLITE, finish, postgres, prepare};
use crate::store::fixture::scratch::Scratch;

/// What an installation of the first version has in it.
const FIRST_ROWS: &str = "
    INSERT INTO tenant (tenant_id, name, created_at) VALUES (1, 'one', 0), (2, 'two', 0);
    INSERT INTO user_account (user_id, email, password_hash, super_admin, created_at)
    VALUES (1, 'noc@farwatch.example', 'hash', 1, 0);
    INSERT INTO web_session (token_hash, user_id, created_at, last_used_at, expires_at)
    VALUES ('a', 1, 0, 0, 1), ('b', 1, 0, 0, 1);";

/// Everything the catalog says, without what only this database has.
const CATALOG: &str = r#"
    SELECT format('column %s.%s %s %s %s %s', relname, attname, format_type(atttypid, atttypmod),
                  attnotnull, attcollation::regcollation, pg_get_expr(adbin, adrelid))
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'farwatch'::regnamespace AND attnum > 0 AND relkind = 'r'
    UNION ALL
    SELECT format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'farwatch'::regnamespace
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'farwatch'
    UNION ALL
    SELECT format('table %s %s %s %s %s', relname, relowner::regrole, relrowsecurity,
                  relforcerowsecurity, relacl)
    FROM pg_class WHERE relnamespace = 'farwatch'::regnamespace
    UNION ALL
    SELECT format('rights %s.%s %s', attrelid::regclass, attname, attacl)
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE relnamespace = 'farwatch'::regnamespace AND attacl IS NOT NULL
    UNION ALL
    SELECT format('policy %s', p) FROM pg_policies p WHERE schemaname = 'farwatch'
    UNION ALL
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'farwatch'::regnamespace
    UNION ALL
    SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE relnamespace = 'farwatch'::regnamespace AND NOT tgisinternal
    UNION ALL
    SELECT format('schema %s %s %s', nspname, nspowner::regrole, nspacl)
    FROM pg_namespace WHERE nspname = 'farwatch'
    ORDER BY 1"#;

/// Lines `table.column type NOT NULL default`, `table kind (columns)` and
/// `table (columns) -> table (columns)`.
const SQLITE_SHAPE: &str = r#"
    WITH of AS (SELECT name AS tbl FROM sqlite_schema
                WHERE type = 'table' AND name NOT LIKE '\_sqlx%' ESCAPE '\'
                  AND name NOT LIKE 'sqlite\_%' ESCAPE '\')
    SELECT tbl || '.' || c.name || ' '
           || CASE c.type WHEN 'TEXT' THEN 'text' WHEN 'BLOB' THEN 'bytea'
                          WHEN 'INTEGER' THEN 'bigint' WHEN 'BIGINT' THEN 'bigint' ELSE '?' END
           || iif(c."notnull" OR c.pk > 0, ' NOT NULL', '') || coalesce(' ' || c.dflt_value, '')
    FROM of, pragma_table_info(tbl) c
    UNION ALL
    SELECT tbl || ' key (' || group_concat(c.name, ',' ORDER BY c.pk) || ')'
    FROM of, pragma_table_info(tbl) c WHERE c.pk > 0 GROUP BY tbl
    UNION ALL
    SELECT tbl || iif(i."unique", ' unique (', ' index (')
           || group_concat(c.name, ',' ORDER BY c.seqno) || ')'
    FROM of, pragma_index_list(tbl) i, pragma_index_info(i.name) c
    WHERE i.origin <> 'pk' GROUP BY tbl, i.name
    UNION ALL
    SELECT tbl || ' (' || group_concat(f."from", ',' ORDER BY f.seq) || ') -> ' || f."table" || ' ('
           || group_concat(f."to", ',' ORDER BY f.seq) || ')'
           || iif(f.on_delete = 'CASCADE', ' CASCADE', '')
    FROM of, pragma_foreign_key_list(tbl) f GROUP BY tbl, f.id"#;

const POSTGRES_SHAPE: &str = r#"
    WITH of AS (SELECT oid, relname::text AS tbl FROM pg_class
                WHERE relkind = 'r' AND relnamespace = 'farwatch'::regnamespace
                  AND relname NOT LIKE '\_sqlx%'),
    named AS (SELECT attrelid AS rel, attnum AS num, attname::text AS name FROM pg_attribute)
    SELECT tbl || '.' || attname || ' ' || format_type(atttypid, atttypmod)
           || CASE WHEN attcollation NOT IN (0, '"C"'::regcollation) THEN ' of a language'
                   ELSE '' END
           || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
           || coalesce(' ' || CASE WHEN pg_get_expr(adbin, adrelid) LIKE '%::text'
                  THEN replace(pg_get_expr(adbin, adrelid), '::text', '')
                  ELSE btrim(replace(pg_get_expr(adbin, adrelid), '::bigint', ''), '''') END, '')
    FROM of JOIN pg_attribute ON attrelid = of.oid AND attnum > 0
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT tbl || CASE WHEN indisprimary THEN ' key (' WHEN indisunique THEN ' unique ('
                       ELSE ' index (' END || string_agg(name, ',' ORDER BY at) || ')'
    FROM of JOIN pg_index i ON indrelid = of.oid,
    unnest(indkey::int2[]) WITH ORDINALITY AS k (num, at)
    JOIN named ON named.num = k.num WHERE named.rel = of.oid
    GROUP BY tbl, indexrelid, indisprimary, indisunique
    UNION ALL
    SELECT tbl || ' (' || string_agg(a.name, ',' ORDER BY at) || ') -> ' || confrelid::regclass
           || ' (' || string_agg(b.name, ',' ORDER BY at) || ')'
           || CASE confdeltype WHEN 'c' THEN ' CASCADE' ELSE '' END
    FROM of JOIN pg_constraint ON conrelid = of.oid AND contype = 'f',
    unnest(conkey, confkey) WITH ORDINALITY AS k (here, there, at)
    JOIN named a ON a.num = k.here JOIN named b ON b.num = k.there
    WHERE a.rel = conrelid AND b.rel = confrelid
    GROUP BY tbl, pg_constraint.oid, confrelid, confdeltype"#;

async fn postgres_texts(connection: &mut PgConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn fresh_is_upgraded_on_postgresql() {
    let Some(fresh) = Scratch::open().await else { return };
    let upgraded = Scratch::empty().await.unwrap();
    let mut connection = upgraded.superuser().await;
    prepare(&mut connection).await.unwrap();
    POSTGRES.run_to(1, &mut connection).await.unwrap();
    sqlx::raw_sql(FIRST_ROWS).execute(&mut connection).await.unwrap();
    finish(&mut connection).await.unwrap();
    // As `migrate` of the next version does it; and once more changes nothing.
    postgres(&mut connection).await.unwrap();
    postgres(&mut connection).await.unwrap();
    let heads: i64 = sqlx::query_scalar("SELECT count(*) FROM farwatch.audit_head")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(heads, 3);
    drop(connection);
    let found = postgres_texts(&mut upgraded.superuser().await, CATALOG).await;
    let wanted = postgres_texts(&mut fresh.superuser().await, CATALOG).await;
    assert!(wanted.len() > 200, "{}", wanted.len());
    assert_eq!(found, wanted);
    fresh.remove().await;
    upgraded.remove().await;
}

#[tokio::test]
async fn fresh_is_upgraded_on_sqlite() {
    let schema = "SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    let mut fresh = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    SQLITE.run(&mut fresh).await.unwrap();
    let mut upgraded = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    SQLITE.run_to(1, &mut upgraded).await.unwrap();
    sqlx::raw_sql(FIRST_ROWS).execute(&mut upgraded).await.unwrap();
    SQLITE.run(&mut upgraded).await.unwrap();
    let found: Vec<String> = sqlx::query_scalar(schema).fetch_all(&mut upgraded).await.unwrap();
    let wanted: Vec<String> = sqlx::query_scalar(schema).fetch_all(&mut fresh).await.unwrap();
    assert_eq!(found, wanted);
    let heads: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_head")
        .fetch_one(&mut upgraded)
        .await
        .unwrap();
    assert_eq!(heads, 3);
    for sql in ["UPDATE audit SET seq = 9", "DELETE FROM audit"] {
        let row = "INSERT INTO audit VALUES (1, 1, 0, '', 0, '', '', '', '', 0, '', '', '', '', '')
                   ON CONFLICT DO NOTHING";
        sqlx::raw_sql(row).execute(&mut upgraded).await.unwrap();
        let error = sqlx::raw_sql(sql).execute(&mut upgraded).await.unwrap_err();
        assert!(error.to_string().contains("audit rows"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn engines_have_the_same_columns_and_keys() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    SQLITE.run(&mut sqlite).await.unwrap();
    let mut wanted: Vec<String> =
        sqlx::query_scalar(SQLITE_SHAPE).fetch_all(&mut sqlite).await.unwrap();
    // The one index that cannot be the same: see migrations/postgres/0001_first.sql.
    let covering = "ts_batch index (tenant_id,agent_id,class,t_max,t_min,filter,devices)";
    let index = wanted.iter_mut().find(|line| *line == covering).unwrap();
    *index = index.replace(",devices", "");
    wanted.sort();
    let mut found = postgres_texts(&mut scratch.superuser().await, POSTGRES_SHAPE).await;
    found.sort();
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).cloned().collect()
    };
    assert_eq!(only(&found, &wanted), only(&wanted, &found), "PostgreSQL's left, SQLite's right");
    assert_eq!(found.len(), wanted.len());
    assert!(found.len() > 200, "{}", found.len());
    scratch.remove().await;
}

#[tokio::test]
async fn one_text_serves_both_engines() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let mut postgres = scratch.superuser().await;
    let set = "SELECT value FROM json_each($1) ORDER BY 1";
    let place = "SELECT CAST(instr($1, $2) AS BIGINT)";
    for (json, wanted) in [("[]", vec![]), ("[7,9007199254740993]", vec![7, 9_007_199_254_740_993])]
    {
        let found: Vec<i64> =
            sqlx::query_scalar(set).bind(json).fetch_all(&mut sqlite).await.unwrap();
        assert_eq!(found, wanted);
        let found: Vec<i64> =
            sqlx::query_scalar(set).bind(json).fetch_all(&mut postgres).await.unwrap();
        assert_eq!(found, wanted);
    }
    for (part, wanted) in [(vec![0, 3], 2_i64), (vec![9], 0)] {
        let whole = vec![1_u8, 0, 3];
        let find = sqlx::query_scalar(place).bind(&whole).bind(&part);
        let found: i64 = find.fetch_one(&mut sqlite).await.unwrap();
        assert_eq!(found, wanted);
        let find = sqlx::query_scalar(place).bind(&whole).bind(&part);
        let found: i64 = find.fetch_one(&mut postgres).await.unwrap();
        assert_eq!(found, wanted);
    }
    scratch.remove().await;
}
