//! What each role may do is what the catalog says; the rest are tries.

mod losses;

use farwatch_common::secret::Secret;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::login_password_set;
use crate::store::database::scram;
use crate::store::fixture::scratch::{Scratch, composed};

const ROWS: &str = include_str!("../../fixture/rows.sql");

/// Table, role, what it may do: of the whole table, or of the columns named.
const GRANTS: &str = "\
_sqlx_migrations app SELECT
agent app INSERT SELECT UPDATE
agent identity SELECT(agent_id,revoked_at,site_id,tenant_id)
agent ingest SELECT UPDATE(assignment_revision,last_ack_at,last_seen_at,platform,version)
agent_key app SELECT(agent_id,created_at,not_after,revoked_at,tenant_id)
agent_key identity DELETE INSERT SELECT UPDATE
agent_link app SELECT
agent_link ingest DELETE INSERT SELECT
alert app SELECT UPDATE
alert ingest DELETE INSERT SELECT UPDATE
alert_event app INSERT SELECT
alert_event ingest INSERT SELECT UPDATE(note)
alert_rule app DELETE INSERT SELECT UPDATE
alert_rule ingest INSERT SELECT
api_key app SELECT(api_key_id,created_at,created_by,expires_at,last_used_at,name,\
revoked_at,scopes,sources,tenant_id)
api_key identity DELETE INSERT SELECT UPDATE
audit app INSERT SELECT
audit identity INSERT
audit_head app INSERT SELECT UPDATE
audit_head identity INSERT SELECT UPDATE
backup app DELETE INSERT SELECT UPDATE
backup ingest INSERT SELECT UPDATE
backup_policy app DELETE INSERT SELECT UPDATE
backup_policy ingest SELECT
channel app DELETE INSERT SELECT UPDATE
channel ingest SELECT UPDATE(failing_since,failing_told,gave_up_at)
config_job app INSERT SELECT UPDATE
config_job ingest DELETE INSERT SELECT UPDATE
config_part app SELECT(job_id,start,tenant_id)
config_part ingest DELETE INSERT SELECT UPDATE
config_text app SELECT
config_text ingest DELETE INSERT SELECT UPDATE
config_version app SELECT UPDATE
config_version ingest DELETE INSERT SELECT UPDATE
credential app DELETE INSERT SELECT UPDATE
credential ingest SELECT
credential_profile app DELETE INSERT SELECT UPDATE
credential_profile ingest SELECT
delivery app SELECT
delivery ingest DELETE INSERT SELECT
device app DELETE INSERT SELECT UPDATE
device ingest SELECT UPDATE(answers_from,facts_at,name,sys_contact,sys_descr,sys_location,sys_name,sys_object_id)
device_object app SELECT
device_object ingest DELETE INSERT SELECT
device_schema app SELECT
device_schema ingest INSERT SELECT
device_state app SELECT
device_state ingest DELETE INSERT SELECT UPDATE
device_table app SELECT
device_table ingest INSERT SELECT UPDATE
device_tag app DELETE INSERT SELECT
device_tag ingest SELECT
enroll_token app SELECT(created_at,expires_at,site_id,tenant_id,used_at,used_by)
enroll_token identity DELETE INSERT SELECT UPDATE
gap app SELECT
gap ingest DELETE INSERT SELECT UPDATE
installation_key identity INSERT SELECT UPDATE
interface app SELECT
interface ingest DELETE INSERT SELECT
live_site app SELECT
live_site ingest INSERT SELECT UPDATE
membership app SELECT
membership identity DELETE INSERT SELECT UPDATE
notification app INSERT SELECT
notification ingest DELETE INSERT SELECT UPDATE
quota app INSERT SELECT UPDATE
quota identity SELECT
quota ingest SELECT
refused_batch app SELECT
refused_batch ingest DELETE INSERT SELECT
route app DELETE INSERT SELECT UPDATE
route ingest SELECT
scan app DELETE INSERT SELECT UPDATE
scan_host app DELETE INSERT SELECT
site app DELETE INSERT SELECT UPDATE
site identity INSERT SELECT
site ingest SELECT
staff_grant app SELECT
staff_grant identity DELETE INSERT SELECT UPDATE
stream_cursor app SELECT
stream_cursor ingest INSERT SELECT UPDATE
tenant app INSERT SELECT UPDATE
tenant identity SELECT
tenant ingest SELECT UPDATE(rules_given)
tenant_key app DELETE INSERT SELECT UPDATE
tenant_key ingest SELECT
totp_recovery identity DELETE INSERT SELECT UPDATE
ts_batch app SELECT
ts_batch ingest INSERT SELECT
ts_schema app SELECT
ts_schema ingest INSERT SELECT
user_account identity DELETE INSERT SELECT UPDATE
user_totp identity DELETE INSERT SELECT UPDATE
user_view identity DELETE INSERT SELECT UPDATE
wall_screen identity DELETE INSERT SELECT UPDATE
wall_tenant app SELECT
wall_tenant identity DELETE INSERT SELECT UPDATE
web_session identity DELETE INSERT SELECT UPDATE";

/// Hold no tenant's data, so no role but identity may touch them.
const WITHOUT_TENANT: [&str; 8] = [
    "_sqlx_migrations",
    "installation_key",
    "totp_recovery",
    "user_account",
    "user_totp",
    "user_view",
    "wall_screen",
    "web_session",
];

async fn texts(connection: &mut PgConnection, sql: &'static str) -> Vec<String> {
    let mut texts: Vec<String> = sqlx::query_scalar(sql).fetch_all(connection).await.unwrap();
    texts.sort();
    texts
}

async fn tenant_tables(connection: &mut PgConnection) -> Vec<String> {
    let sql = "SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON oid = attrelid
               WHERE attname = 'tenant_id' AND relkind IN ('r', 'p')
                 AND relnamespace = 'farwatch'::regnamespace";
    texts(connection, sql).await
}

/// Begins a transaction in the role, with these tenants.
async fn begin(connection: &mut PgConnection, role: &str, tenants: Option<&str>) {
    let text = format!("BEGIN; SET LOCAL ROLE farwatch_{role}");
    sqlx::raw_sql(composed(text)).execute(&mut *connection).await.unwrap();
    if let Some(tenants) = tenants {
        sqlx::query("SELECT set_config('app.tenants', $1, true)")
            .bind(tenants)
            .execute(connection)
            .await
            .unwrap();
    }
}

async fn rollback(connection: &mut PgConnection) {
    sqlx::raw_sql("ROLLBACK").execute(connection).await.unwrap();
}

async fn count(connection: &mut PgConnection, table: &str, filter: &str) -> i64 {
    let text = format!("SELECT count(*) FROM {table} WHERE {filter}");
    sqlx::query_scalar(composed(text)).fetch_one(connection).await.unwrap()
}

/// Whether the login `farwatch`, in the role, is refused this statement by its rights.
async fn is_refused(connection: &mut PgConnection, role: &str, sql: &'static str) -> bool {
    begin(connection, role, Some("{1}")).await;
    let outcome = sqlx::raw_sql(sql).execute(&mut *connection).await;
    rollback(connection).await;
    match outcome {
        Ok(_) => false,
        Err(error) => {
            let code = error.as_database_error().and_then(|e| e.code().map(|c| c.into_owned()));
            assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error}");
            true
        }
    }
}

#[tokio::test]
async fn the_roles_have_what_the_matrix_gives_and_no_more() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    let found = texts(
        &mut superuser,
        "WITH given AS (
             SELECT relname, grantee, privilege_type AS privilege, NULL AS attname
             FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'farwatch'::regnamespace
             UNION ALL
             SELECT relname, grantee, privilege_type, attname
             FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl)
             WHERE relnamespace = 'farwatch'::regnamespace),
         right_of AS (
             SELECT relname, coalesce(rolname, 'PUBLIC') AS role, privilege
                    || coalesce('(' || string_agg(attname, ',' ORDER BY attname) || ')', '') AS text
             FROM given LEFT JOIN pg_roles ON oid = grantee
             WHERE rolname IS DISTINCT FROM 'farwatch_owner'
             GROUP BY relname, rolname, privilege, attname IS NULL)
         SELECT format('%s %s %s', relname, replace(role, 'farwatch_', ''),
                       string_agg(text, ' ' ORDER BY text COLLATE \"C\"))
         FROM right_of GROUP BY relname, role",
    )
    .await;
    assert_eq!(found.join("\n"), GRANTS);
    scratch.remove().await;
}

#[tokio::test]
async fn every_tenant_table_is_locked() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    let open = texts(
        &mut superuser,
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'farwatch'::regnamespace AND relkind IN ('r', 'p')
           AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    .await;
    assert_eq!(open, WITHOUT_TENANT);
    let locked = tenant_tables(&mut superuser).await;
    assert!(locked.len() > 20 && !locked.iter().any(|name| open.contains(name)), "{locked:?}");

    // A policy for each role that has a right, one for the owner, and none besides.
    let set = "(tenant_id = ANY (( SELECT tenant_set() AS tenant_set)::bigint[]))";
    let mut wanted: Vec<String> = Vec::new();
    for table in &locked {
        wanted.push(format!("{table} owner farwatch_owner true true"));
        for line in GRANTS.lines() {
            let mut words = line.split(' ');
            let (name, role) = (words.next().unwrap(), words.next().unwrap());
            if name == table {
                let rows = if role == "identity" { "true" } else { set };
                wanted.push(format!("{table} {role} farwatch_{role} {rows} {rows}"));
            }
        }
    }
    wanted.sort();
    let found = texts(
        &mut superuser,
        "SELECT format('%s %s %s %s %s', tablename, policyname, array_to_string(roles, ','), qual,
                       with_check)
         FROM pg_policies WHERE schemaname = 'farwatch' AND cmd = 'ALL'
           AND permissive = 'PERMISSIVE'",
    )
    .await;
    assert_eq!(found, wanted);
    let all = count(&mut superuser, "pg_policies", "true").await;
    assert_eq!(usize::try_from(all).unwrap(), wanted.len());
    scratch.remove().await;
}

#[tokio::test]
async fn nothing_goes_around_the_locks() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    let ways = texts(
        &mut superuser,
        "SELECT 'runs as its owner: ' || proname FROM pg_proc
         WHERE prosecdef AND pronamespace = 'farwatch'::regnamespace
         UNION ALL
         SELECT 'a partition with rights of its own: ' || relname FROM pg_class
         WHERE relispartition AND relacl IS NOT NULL
         UNION ALL
         SELECT 'a view with the rights of its owner: ' || relname FROM pg_class
         WHERE relkind IN ('v', 'm') AND relnamespace = 'farwatch'::regnamespace
           AND NOT coalesce('security_invoker=true' = ANY (reloptions), false)
         UNION ALL
         SELECT 'not of the owner: ' || relname FROM pg_class
         WHERE relnamespace = 'farwatch'::regnamespace
           AND relowner <> 'farwatch_owner'::regrole
         UNION ALL
         SELECT 'too strong a role: ' || rolname FROM pg_roles
         WHERE rolname LIKE 'farwatch%'
           AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolinherit
                OR rolcanlogin <> (rolname = 'farwatch'))
         UNION ALL
         SELECT 'a member: ' || member::regrole || ' of ' || roleid::regrole FROM pg_auth_members
         WHERE (roleid::regrole::text LIKE 'farwatch%' OR member::regrole::text LIKE 'farwatch%')
           AND (member <> 'farwatch'::regrole OR roleid = 'farwatch_owner'::regrole)",
    )
    .await;
    assert!(ways.is_empty(), "{ways:?}");
    scratch.remove().await;
}

#[tokio::test]
async fn nothing_is_seen_without_tenants() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    sqlx::raw_sql(ROWS).execute(&mut superuser).await.unwrap();
    let tables = tenant_tables(&mut superuser).await;
    begin(&mut superuser, "owner", None).await;
    for table in &tables {
        for tenant in ["tenant_id = 1", "tenant_id = 2"] {
            assert!(count(&mut superuser, table, tenant).await > 0, "{table}: no row to hide");
        }
    }
    rollback(&mut superuser).await;
    let mut login = scratch.connect("farwatch").await;
    for table in &tables {
        let of_ingest = GRANTS
            .lines()
            .any(|line| line.starts_with(&format!("{table} ingest ")) && line.contains("SELECT"));
        let roles: &[&str] = if of_ingest { &["app", "ingest"] } else { &["app"] };
        for role in roles {
            for tenants in [None, Some(""), Some("{}"), Some("{3}"), Some("{NULL}")] {
                begin(&mut login, role, tenants).await;
                let seen = count(&mut login, table, "true").await;
                assert_eq!(seen, 0, "{role} sees {table} with the tenants {tenants:?}");
                rollback(&mut login).await;
            }
            begin(&mut login, role, Some("{1}")).await;
            assert!(count(&mut login, table, "tenant_id = 1").await > 0, "{role}: {table}");
            assert_eq!(count(&mut login, table, "tenant_id <> 1").await, 0, "{role}: {table}");
            rollback(&mut login).await;
            begin(&mut login, role, Some("{1,2}")).await;
            assert!(count(&mut login, table, "tenant_id = 2").await > 0, "{role}: {table}");
            rollback(&mut login).await;
            begin(&mut login, role, Some("all of them")).await;
            let text = composed(format!("SELECT count(*) FROM {table}"));
            assert!(sqlx::query(text).execute(&mut login).await.is_err(), "{role}: {table}");
            rollback(&mut login).await;
        }
    }
    println!("{} tables show nothing without a tenant", tables.len());
    scratch.remove().await;
}

#[tokio::test]
async fn policies_are_index_conditions() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    sqlx::raw_sql(ROWS).execute(&mut superuser).await.unwrap();
    let mut login = scratch.connect("farwatch").await;
    for table in tenant_tables(&mut superuser).await {
        begin(&mut login, "app", Some("{1}")).await;
        sqlx::raw_sql("SET LOCAL enable_seqscan = off").execute(&mut login).await.unwrap();
        let explain = format!("EXPLAIN (FORMAT JSON) SELECT tenant_id FROM {table}");
        let row = sqlx::query(composed(explain)).fetch_one(&mut login).await.unwrap();
        let plan: Value = serde_json::from_str(row.get_unchecked::<&str, _>(0)).unwrap();
        assert!(has_index_condition(&plan), "{table}: {plan:#}");
        rollback(&mut login).await;
    }
    scratch.remove().await;
}

fn has_index_condition(plan: &Value) -> bool {
    match plan {
        Value::Object(fields) => {
            let condition = fields.get("Index Cond").and_then(Value::as_str);
            condition.is_some_and(|text| text.starts_with("(tenant_id = ANY"))
                || fields.values().any(has_index_condition)
        }
        Value::Array(items) => items.iter().any(has_index_condition),
        _ => false,
    }
}

#[tokio::test]
async fn a_role_is_refused_what_is_not_its_part() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    sqlx::raw_sql(ROWS).execute(&mut superuser).await.unwrap();
    let mut login = scratch.connect("farwatch").await;
    let refused = [
        ("app", "DELETE FROM ts_batch"),
        ("app", "SELECT secret_hash FROM api_key"),
        ("app", "SELECT email FROM user_account"),
        ("app", "UPDATE audit SET actor_name = 'nobody'"),
        ("app", "INSERT INTO site VALUES (2, 9, 'elsewhere', 0)"),
        ("app", "UPDATE site SET tenant_id = 2"),
        ("app", "CREATE TABLE mine (a bigint)"),
        ("app", "CALL identity_policy('site')"),
        ("app", "DELETE FROM interface"),
        ("app", "UPDATE notification SET state = 'delivered'"),
        ("app", "DELETE FROM delivery"),
        ("ingest", "UPDATE agent SET name = 'mine'"),
        ("ingest", "SELECT seq FROM audit_head"),
        ("ingest", "UPDATE credential SET sealed = ''"),
        ("app", "SELECT data FROM config_part"),
        ("app", "DELETE FROM config_version"),
        ("ingest", "UPDATE channel SET sealed = ''"),
        ("ingest", "DELETE FROM tenant_key"),
        ("ingest", "INSERT INTO live_site VALUES (2, 20, 2, 0, '')"),
        ("ingest", "INSERT INTO agent_key VALUES ('', 1, 10, 0, 0)"),
        ("identity", "SELECT name FROM device"),
        ("identity", "SELECT action FROM audit"),
        ("identity", "SELECT sealed FROM channel"),
        ("identity", "DELETE FROM installation_key"),
        ("identity", "SELECT wrapped_key FROM tenant_key"),
        ("identity", "SELECT data FROM ts_batch"),
    ];
    for (role, sql) in refused {
        assert!(is_refused(&mut login, role, sql).await, "{role} may {sql}");
    }
    let allowed = [
        ("app", "INSERT INTO site VALUES (1, 9, 'here too', 0)"),
        ("app", "DELETE FROM device"),
        ("ingest", "UPDATE agent SET last_seen_at = 1"),
        ("ingest", "UPDATE channel SET failing_since = 1"),
        ("ingest", "INSERT INTO gap VALUES (1, 10, 1, 7, 8, 0, 0, 1, 1, 1, 0)"),
        ("identity", "SELECT count(*) FROM membership"),
    ];
    for (role, sql) in allowed {
        assert!(!is_refused(&mut login, role, sql).await, "{role} may not {sql}");
    }
    begin(&mut login, "app", Some("{1}")).await;
    let changed = sqlx::query("UPDATE site SET name = 'mine' WHERE tenant_id = 2")
        .execute(&mut login)
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 0);
    rollback(&mut login).await;
    // Outside of a role it can do nothing at all.
    for sql in ["SELECT count(*) FROM site", "SET ROLE farwatch_owner", "SET ROLE postgres"] {
        assert!(sqlx::raw_sql(sql).execute(&mut login).await.is_err(), "{sql}");
    }
    // Nor can the owner do this.
    for sql in ["UPDATE audit SET seq = 9", "DELETE FROM audit", "TRUNCATE audit"] {
        begin(&mut superuser, "owner", None).await;
        let error = sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap_err();
        assert!(error.to_string().contains("audit rows never change"), "{sql}: {error}");
        rollback(&mut superuser).await;
    }
    scratch.remove().await;
}

#[tokio::test]
async fn a_password_is_what_the_server_would_make_of_it() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    // Roles are of the whole cluster, where other tests are: nothing of this is kept.
    let mut txn = superuser.begin().await.unwrap();
    sqlx::raw_sql(
        "SET LOCAL password_encryption = 'scram-sha-256';
         CREATE ROLE farwatch_oracle PASSWORD 'correct horse'",
    )
    .execute(&mut *txn)
    .await
    .unwrap();
    let of = "SELECT rolpassword FROM pg_authid WHERE rolname = $1";
    let theirs: String =
        sqlx::query_scalar(of).bind("farwatch_oracle").fetch_one(&mut *txn).await.unwrap();
    let password = Secret::from("correct horse");
    let salt = theirs.split(['$', ':']).nth(2).unwrap();
    let salt = data_encoding::BASE64.decode(salt.as_bytes()).unwrap();
    assert_eq!(scram::with_salt(&password, &salt), theirs);

    login_password_set(&mut txn, &password).await.unwrap();
    let ours: String = sqlx::query_scalar(of).bind("farwatch").fetch_one(&mut *txn).await.unwrap();
    assert!(ours.starts_with("SCRAM-SHA-256$4096:") && ours != theirs, "{ours}");
    for bad in ["", "tab\there", "übel"] {
        assert!(login_password_set(&mut txn, &Secret::from(bad)).await.is_err(), "{bad:?}");
    }
    txn.rollback().await.unwrap();
    scratch.remove().await;
}
