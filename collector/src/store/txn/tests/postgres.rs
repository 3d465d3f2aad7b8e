//! What PostgreSQL adds to a transaction: needs `FARWATCH_POSTGRES`, the URL of a superuser.

use sqlx::PgConnection;

use super::*;
use crate::store::database::Refusal;
use crate::store::fixture::PostgresWorld;
use crate::store::fixture::scratch::{Scratch, composed};

static SYNCHRONOUS: Sql =
    Sql::new("SELECT current_setting('synchronous_commit')", file!(), line!());

async fn run(connection: &mut PgConnection, text: String) {
    sqlx::raw_sql(composed(text)).execute(connection).await.unwrap();
}

/// Why this login is refused.
async fn refusal(scratch: &Scratch, login: &str) -> Refusal {
    match scratch.sign_in(login).await {
        Err(StoreError::Refused { why, .. }) => why,
        other => panic!("{login}: {other:?}"),
    }
}

#[tokio::test]
async fn the_server_holds_role_and_tenants() {
    let Some(world) = PostgresWorld::open().await else { return };
    let database = &world.database;
    let mut reader = database.read(&caller(Access::Admin)).await.unwrap();
    let seen: Option<String> = match NAME.bind(TENANT).optional(&mut reader).await.unwrap() {
        Some(row) => row.get(0).unwrap(),
        None => None,
    };
    assert_eq!(seen.as_deref(), Some("one"));
    assert!(NAME.bind(OTHER_TENANT).optional(&mut reader).await.unwrap().is_none());
    // Not on the reader, and not by a role without the right: the next begins anew each time.
    assert!(RENAME.bind(TENANT).bind("new").execute(&mut reader).await.is_err());
    let tenants = BTreeSet::from([TENANT]);
    let mut ingest = database.ingest(IngestKey::of_a_test(), &tenants).await.unwrap();
    assert!(RENAME.bind(TENANT).bind("new").execute(&mut ingest).await.is_err());
    let mut write = database.change(&caller(Access::Write), TENANT, Access::Write).await.unwrap();
    assert_eq!(RENAME.bind(OTHER_TENANT).bind("new").execute(&mut write).await.unwrap(), 0);
    assert_eq!(RENAME.bind(TENANT).bind("new").execute(&mut write).await.unwrap(), 1);
    write.commit([], Micros(0)).await.unwrap();
    assert_eq!(name(database).await, "new");
    drop((reader, ingest));
    world.remove().await;
}

#[tokio::test]
async fn a_switch_goes_there_and_back() {
    let Some(world) = PostgresWorld::open().await else { return };
    let mut txn = world.database.identity(IdentityKey::of_a_test()).await.unwrap();
    let two = |row: Option<crate::store::sql::Row>| row.is_some();
    assert!(two(NAME.bind(OTHER_TENANT).optional(&mut txn).await.unwrap()));
    txn.switch(IdentityKey::of_a_test(), Scope::app(TENANT)).await.unwrap();
    assert!(!two(NAME.bind(OTHER_TENANT).optional(&mut txn).await.unwrap()));
    txn.switch(IdentityKey::of_a_test(), Scope::identity()).await.unwrap();
    assert!(two(NAME.bind(OTHER_TENANT).optional(&mut txn).await.unwrap()));
    txn.switch(IdentityKey::of_a_test(), Scope::app(TenantId(3))).await.unwrap();
    ADD.bind(3i64).bind("three").execute(&mut txn).await.unwrap();
    txn.commit().await.unwrap();
    world.remove().await;
}

#[tokio::test]
async fn an_aborted_transaction_is_not_committed() {
    let Some(world) = PostgresWorld::open().await else { return };
    let database = &world.database;
    let mut txn = database.begin(Mode::Write, Scope::app(TENANT)).await.unwrap();
    RENAME.bind(TENANT).bind("new").execute(&mut txn).await.unwrap();
    let repeated = ADD.bind(TENANT).bind("again").execute(&mut txn).await.unwrap_err();
    assert!(repeated.is_unique_violation() && repeated.is_of_the_row());
    assert!(matches!(txn.commit().await, Err(StoreError::Aborted)));
    assert_eq!(name(database).await, "one");
    // PostgreSQL keeps no NUL in a text: that is the row, not the server.
    let mut txn = database.begin(Mode::Write, Scope::app(TenantId(4))).await.unwrap();
    let nul = ADD.bind(4i64).bind("a\0b").execute(&mut txn).await.unwrap_err();
    assert!(nul.is_of_the_row() && !nul.is_retryable() && !nul.is_unique_violation());
    drop(txn);
    world.remove().await;
}

#[tokio::test]
async fn closed_connections_are_replaced_before_a_transaction_begins() {
    let Some(world) = PostgresWorld::open().await else { return };
    let (database, mut superuser) = (&world.database, world.scratch.superuser().await);
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
    // Two idle connections, and one in the middle of a transaction.
    let readers = [
        database.read(&caller(Access::Read)).await.unwrap(),
        database.read(&caller(Access::Read)).await.unwrap(),
    ];
    drop(readers);
    let mut inside = database.identity(IdentityKey::of_a_test()).await.unwrap();
    sqlx::query(kill).execute(&mut superuser).await.unwrap();
    let lost = NAME.bind(TENANT).optional(&mut inside).await.err().unwrap();
    assert!(lost.is_retryable(), "{lost:?}");
    assert!(matches!(inside.commit().await, Err(StoreError::Aborted)));
    for _ in 0..3 {
        assert_eq!(name(database).await, "one");
    }
    drop(superuser);
    world.remove().await;
}

#[tokio::test]
async fn logins_that_the_policies_do_not_bind_are_refused() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    let who = format!("{}_login", scratch.name());
    for (change, how) in
        [("BYPASSRLS", "bypasses row level security"), ("NOBYPASSRLS CREATEROLE", "can make roles")]
    {
        let make = if how.starts_with("by") { "CREATE" } else { "ALTER" };
        run(&mut superuser, format!("{make} ROLE {who} LOGIN {change}")).await;
        let refused = Refusal::TooMighty { login: who.clone(), role: who.clone(), how };
        assert_eq!(refusal(&scratch, &who).await, refused);
    }
    run(&mut superuser, format!("ALTER ROLE {who} NOCREATEROLE")).await;
    let role = "farwatch_app";
    assert_eq!(refusal(&scratch, &who).await, Refusal::NoRole { login: who.clone(), role });
    run(&mut superuser, format!("GRANT farwatch_owner TO {who}")).await;
    let role = "farwatch_owner".to_owned();
    let owner = Refusal::TooMighty { login: who.clone(), role, how: "owns the tables" };
    assert_eq!(refusal(&scratch, &who).await, owner);
    run(&mut superuser, format!("ALTER ROLE {who} SUPERUSER")).await;
    let refused = refusal(&scratch, &who).await;
    assert_eq!(refused, Refusal::Superuser { role: who.clone() });
    assert!(refused.to_string().contains("farwatch-collector migrate"));
    run(&mut superuser, format!("DROP ROLE {who}")).await;
    drop(superuser);
    scratch.remove().await;
}

#[tokio::test]
async fn a_server_that_keeps_no_promise_is_refused() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    let open = "ALTER TABLE farwatch.tenant NO FORCE ROW LEVEL SECURITY";
    run(&mut superuser, open.to_owned()).await;
    let unlocked = Refusal::Unlocked { table: "tenant".to_owned() };
    assert_eq!(refusal(&scratch, "farwatch").await, unlocked);
    run(&mut superuser, open.replace("NO FORCE", "FORCE")).await;
    drop(superuser);
    scratch.remove().await;
}

#[tokio::test]
async fn a_commit_is_on_the_disk_whatever_is_set_for_the_database() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    let lazy = format!("ALTER DATABASE {} SET synchronous_commit = off", scratch.name());
    run(&mut superuser, lazy).await;
    let database = scratch.sign_in("farwatch").await.unwrap();
    let mut reader = database.read(&caller(Access::Admin)).await.unwrap();
    let set = SYNCHRONOUS.query().optional(&mut reader).await.unwrap().unwrap();
    assert_eq!(set.get::<String>(0).unwrap(), "on");
    drop(reader);
    database.close().await;
    drop(superuser);
    scratch.remove().await;
}

#[tokio::test]
async fn another_versions_schema_is_refused() {
    let Some(scratch) = Scratch::open().await else { return };
    let mut superuser = scratch.superuser().await;
    let wanted = crate::store::database::migrate::POSTGRES.iter().map(|one| one.version).max();
    let wanted = wanted.unwrap();
    let row = "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success,
               checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
    run(&mut superuser, row.to_owned()).await;
    let newer = Refusal::NewerSchema { found: 9999, known: wanted };
    assert_eq!(refusal(&scratch, "farwatch").await, newer);
    run(&mut superuser, "DELETE FROM _sqlx_migrations WHERE version >= 2".to_owned()).await;
    let older = Refusal::OlderSchema { found: 1, wanted };
    assert_eq!(refusal(&scratch, "farwatch").await, older);
    run(&mut superuser, "UPDATE _sqlx_migrations SET checksum = 'other'".to_owned()).await;
    assert_eq!(refusal(&scratch, "farwatch").await, Refusal::OtherSchema { version: 1 });
    run(&mut superuser, "DROP SCHEMA farwatch CASCADE".to_owned()).await;
    assert_eq!(refusal(&scratch, "farwatch").await, Refusal::NoSchema);
    drop(superuser);
    scratch.remove().await;
}
