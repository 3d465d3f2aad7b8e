//! What PostgreSQL adds to a transaction: needs `FARWATCH_POSTGRES`, the URL of a superuser.

#![expect(clippy::disallowed_types, reason = "names of databases and roles cannot be bound")]

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::*;
use crate::store::database::Refusal;

/// Roles as `migrate` makes them, and two tenants in one table.
const ROLES: &str = "
    SELECT pg_advisory_xact_lock(4711);
    DO $$ DECLARE role text; BEGIN
        FOREACH role IN ARRAY ARRAY['owner', 'app', 'ingest', 'identity'] LOOP
            BEGIN EXECUTE format('CREATE ROLE farwatch_%s NOLOGIN NOBYPASSRLS', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
        END LOOP;
        BEGIN CREATE ROLE farwatch LOGIN NOINHERIT;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
    END $$;
    GRANT farwatch_app, farwatch_ingest, farwatch_identity TO farwatch;";
const TABLE: &str = "
    CREATE SCHEMA farwatch AUTHORIZATION farwatch_owner;
    GRANT USAGE ON SCHEMA farwatch TO farwatch_app, farwatch_ingest, farwatch_identity;
    SET ROLE farwatch_owner;
    CREATE TABLE farwatch.tenant (tenant_id BIGINT PRIMARY KEY, name TEXT COLLATE \"C\" NOT NULL,
                                  created_at BIGINT NOT NULL);
    INSERT INTO farwatch.tenant VALUES (1, 'one', 0), (2, 'two', 0);
    ALTER TABLE farwatch.tenant ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenants ON farwatch.tenant TO farwatch_app, farwatch_ingest USING
        (tenant_id = ANY ((SELECT nullif(current_setting('app.tenants', true), ''))::bigint[]));
    CREATE POLICY identity ON farwatch.tenant TO farwatch_identity USING (true);
    GRANT SELECT, UPDATE ON farwatch.tenant TO farwatch_app;
    GRANT SELECT ON farwatch.tenant TO farwatch_ingest;
    GRANT SELECT, INSERT, UPDATE ON farwatch.tenant TO farwatch_identity;
    RESET ROLE;";

/// A database of its own on the server that the variable names.
pub(crate) struct Server {
    pub(crate) database: Database,
    pub(crate) superuser: PgConnection,
    socket: String,
    name: String,
}

async fn run(connection: &mut PgConnection, text: String) {
    sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await.unwrap();
}

impl Server {
    pub(crate) async fn start() -> Option<Self> {
        let Ok(url) = std::env::var("FARWATCH_POSTGRES") else {
            println!("skipped: no FARWATCH_POSTGRES, run ./x test store");
            return None;
        };
        let options: PgConnectOptions = url.parse().unwrap();
        let socket = options.get_socket().unwrap().display().to_string();
        let name = format!("txn_{}", rand::random::<u64>());
        let mut first = options.connect().await.unwrap();
        run(&mut first, ROLES.to_owned()).await;
        run(&mut first, format!("CREATE DATABASE {name} STRATEGY FILE_COPY")).await;
        let mut superuser = options.clone().database(&name).connect().await.unwrap();
        run(&mut superuser, TABLE.to_owned()).await;
        let url = format!("postgres:///{name}?host={socket}&user=farwatch");
        let database = Database::connect(&url).await.unwrap();
        Some(Self { database, superuser, socket, name })
    }

    /// Why this login is refused.
    async fn refusal(&self, login: &str) -> Refusal {
        let url = format!("postgres:///{}?host={}&user={login}", self.name, self.socket);
        match Database::connect(&url).await {
            Err(StoreError::Refused { why, .. }) => why,
            other => panic!("{login}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_server_holds_role_and_tenants() {
    let Some(Server { database, .. }) = Server::start().await else { return };
    let database = &database;
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
}

#[tokio::test]
async fn a_switch_goes_there_and_back() {
    let Some(Server { database, .. }) = Server::start().await else { return };
    let mut txn = database.identity(IdentityKey::of_a_test()).await.unwrap();
    let two = |row: Option<crate::store::sql::Row>| row.is_some();
    assert!(two(NAME.bind(OTHER_TENANT).optional(&mut txn).await.unwrap()));
    txn.switch(IdentityKey::of_a_test(), Scope::app(TENANT)).await.unwrap();
    assert!(!two(NAME.bind(OTHER_TENANT).optional(&mut txn).await.unwrap()));
    txn.switch(IdentityKey::of_a_test(), Scope::identity()).await.unwrap();
    assert!(two(NAME.bind(OTHER_TENANT).optional(&mut txn).await.unwrap()));
    ADD.bind(3i64).bind("three").execute(&mut txn).await.unwrap();
    txn.commit().await.unwrap();
}

#[tokio::test]
async fn an_aborted_transaction_is_not_committed() {
    let Some(Server { database, .. }) = Server::start().await else { return };
    let mut txn = database.identity(IdentityKey::of_a_test()).await.unwrap();
    RENAME.bind(TENANT).bind("new").execute(&mut txn).await.unwrap();
    let repeated = ADD.bind(TENANT).bind("again").execute(&mut txn).await.unwrap_err();
    assert!(repeated.is_unique_violation() && repeated.is_of_the_row());
    assert!(matches!(txn.commit().await, Err(StoreError::Aborted)));
    assert_eq!(name(&database).await, "one");
    // PostgreSQL keeps no NUL in a text: that is the row, not the server.
    let mut txn = database.identity(IdentityKey::of_a_test()).await.unwrap();
    let nul = ADD.bind(4i64).bind("a\0b").execute(&mut txn).await.unwrap_err();
    assert!(nul.is_of_the_row() && !nul.is_retryable() && !nul.is_unique_violation());
}

#[tokio::test]
async fn closed_connections_are_replaced_before_a_transaction_begins() {
    let Some(Server { database, mut superuser, .. }) = Server::start().await else { return };
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
        assert_eq!(name(&database).await, "one");
    }
}

#[tokio::test]
async fn logins_that_the_policies_do_not_bind_are_refused() {
    let Some(mut server) = Server::start().await else { return };
    let who = format!("{}_login", server.name);
    for (change, how) in
        [("BYPASSRLS", "bypasses row level security"), ("NOBYPASSRLS CREATEROLE", "can make roles")]
    {
        let make = if how.starts_with("by") { "CREATE" } else { "ALTER" };
        run(&mut server.superuser, format!("{make} ROLE {who} LOGIN {change}")).await;
        let refused = Refusal::TooMighty { login: who.clone(), role: who.clone(), how };
        assert_eq!(server.refusal(&who).await, refused);
    }
    run(&mut server.superuser, format!("ALTER ROLE {who} NOCREATEROLE")).await;
    let role = "farwatch_app";
    assert_eq!(server.refusal(&who).await, Refusal::NoRole { login: who.clone(), role });
    run(&mut server.superuser, format!("GRANT farwatch_owner TO {who}")).await;
    let role = "farwatch_owner".to_owned();
    let owner = Refusal::TooMighty { login: who.clone(), role, how: "owns the tables" };
    assert_eq!(server.refusal(&who).await, owner);
    run(&mut server.superuser, format!("ALTER ROLE {who} SUPERUSER")).await;
    let refused = server.refusal(&who).await;
    assert_eq!(refused, Refusal::Superuser { role: who.clone() });
    assert!(refused.to_string().contains("farwatch-collector migrate"));
    run(&mut server.superuser, format!("DROP ROLE {who}")).await;
}

#[tokio::test]
async fn a_server_that_keeps_no_promise_is_refused() {
    let Some(mut server) = Server::start().await else { return };
    let open = "ALTER TABLE farwatch.tenant NO FORCE ROW LEVEL SECURITY";
    run(&mut server.superuser, open.to_owned()).await;
    let unlocked = Refusal::Unlocked { table: "tenant".to_owned() };
    assert_eq!(server.refusal("farwatch").await, unlocked);
    run(&mut server.superuser, open.replace("NO FORCE", "FORCE")).await;
    let lazy = format!("ALTER DATABASE {} SET synchronous_commit = off", server.name);
    run(&mut server.superuser, lazy).await;
    assert_eq!(server.refusal("farwatch").await, Refusal::NotDurable);
    server.superuser.close().await.unwrap();
}

#[tokio::test]
async fn a_wrong_url_says_so_without_the_password() {
    for url in ["farwatch@host", "postgres://u:secret@host:no/db"] {
        let error = Database::connect(url).await.err().unwrap();
        assert!(matches!(error, StoreError::Url { .. }));
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
