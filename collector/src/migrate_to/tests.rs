//! What was in the file is in PostgreSQL, whatever happened on the way; everything else is refused.

use sqlx::Row as _;

use super::tables::{Kind, Table};
use super::*;
use crate::audit::Change;
use crate::identity::tenancy::Actor;
use crate::identity::{Access, TenantContext};
use crate::store::database::Refusal;
use crate::store::fixture::scratch::{Scratch, composed};
use crate::store::fixture::{TENANT, World};
use farwatch_common::clock::Micros;

/// More than two groups, in which no two rows are alike.
const BATCHES: &str = "
    WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 1203)
    INSERT INTO ts_batch (tenant_id, agent_id, stream_id, seq, recv_at, t_min, t_max, n, class,
                          codec, filter, devices, hash, data)
    SELECT 1, 10 + seq % 2, 777, seq, 5, 1, 2, 3, 1, 1, -seq, zeroblob(seq % 3), randomblob(32),
           randomblob(1 + seq) FROM n";

/// A row for each of these numbers in every table: it stands in every column, so that references
/// hold; the even ones have nothing where nothing may be.
async fn fill(source: &mut SqliteConnection, tables: &[Table]) {
    for table in tables.iter().filter(|table| !table.name.starts_with("audit")) {
        let nullable = "SELECT name FROM pragma_table_info($1) WHERE NOT \"notnull\" AND pk = 0";
        let nullable: Vec<String> =
            sqlx::query_scalar(nullable).bind(&table.name).fetch_all(&mut *source).await.unwrap();
        for n in 31..=33 {
            let value = |column: &tables::Column| match column.kind {
                _ if n % 2 == 0 && nullable.contains(&column.name) => "NULL".to_owned(),
                // Grants end after they began.
                Kind::Int if column.name == "expires_at" => format!("{}", n + 1),
                Kind::Int => format!("{n}"),
                Kind::Text => format!("'text {n} ''ä'"),
                Kind::Bytes => format!("x'00{n}FF'"),
            };
            let values: Vec<String> = table.columns.iter().map(value).collect();
            let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
            let (table, names, values) = (&table.name, names.join(", "), values.join(", "));
            let text = format!("INSERT INTO {table} ({names}) VALUES ({values})");
            sqlx::raw_sql(composed(text)).execute(&mut *source).await.unwrap();
        }
    }
    sqlx::raw_sql(BATCHES).execute(source).await.unwrap();
}

/// The rows of a table as texts, read by other means than those that copied them.
async fn dumps(world: &Moving, table: &Table) -> (Vec<String>, Vec<String>) {
    let in_file = |column: &tables::Column| format!("quote({})", column.name);
    let on_server = |column: &tables::Column| {
        let name = &column.name;
        let text = match column.kind {
            Kind::Int => format!("{name}::text"),
            Kind::Text => format!("'''' || replace({name}, '''', '''''') || ''''"),
            Kind::Bytes => format!("'X''' || upper(encode({name}, 'hex')) || ''''"),
        };
        format!("coalesce({text}, 'NULL')")
    };
    let list = |of: &dyn Fn(&tables::Column) -> String| {
        let parts: Vec<_> = table.columns.iter().map(of).collect();
        format!("SELECT {} FROM {}", parts.join(" || ',' || "), table.name)
    };
    let mut source = world.file().await;
    let mut ours: Vec<String> =
        sqlx::query_scalar(composed(list(&in_file))).fetch_all(&mut source).await.unwrap();
    let mut superuser = world.scratch.superuser().await;
    let mut theirs: Vec<String> =
        sqlx::query_scalar(composed(list(&on_server))).fetch_all(&mut superuser).await.unwrap();
    ours.sort();
    theirs.sort();
    (ours, theirs)
}

/// A filled file, and an empty database.
struct Moving {
    world: World,
    scratch: Scratch,
    tables: Vec<Table>,
}

impl Moving {
    async fn open() -> Option<Self> {
        let scratch = Scratch::open().await?;
        let world = World::open().await;
        let mut moving = Self { world, scratch, tables: Vec::new() };
        let mut source = moving.file().await;
        moving.tables =
            tables::of_both(&mut source, &mut moving.scratch.superuser().await).await.unwrap();
        fill(&mut source, &moving.tables).await;
        let admin = TenantContext::of(Actor::Local, true, [(TENANT, Access::Admin)]);
        for id in 1..=5 {
            let txn = moving.world.database.change(&admin, TENANT, Access::Admin).await.unwrap();
            txn.commit([Change::new("device", "create", id, "r")], Micros(id)).await.unwrap();
        }
        Some(moving)
    }

    async fn file(&self) -> SqliteConnection {
        let path = Database::file(self.world.dir.path());
        SqliteConnectOptions::new().filename(path).foreign_keys(true).connect().await.unwrap()
    }

    async fn on_server(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.scratch.superuser().await).await.unwrap();
    }

    async fn run(&self) -> Result<Moved, MoveError> {
        let mut progress = Progress::new(Box::new(std::io::sink()), true);
        let server = self.scratch.superusers_server();
        to_postgres(self.world.dir.path(), &server, &mut progress).await
    }

    async fn assert_same(&self) {
        let mut rows = 0;
        for table in &self.tables {
            let (ours, theirs) = dumps(self, table).await;
            assert!(!ours.is_empty(), "{}", table.name);
            assert_eq!(ours, theirs, "{}", table.name);
            rows += ours.len();
        }
        assert!(self.tables.len() > 24 && rows > 1_250, "{rows}");
    }

    async fn remove(self) {
        self.world.remove().await;
        self.scratch.remove().await;
    }
}

fn told(result: Result<Moved, MoveError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test]
async fn every_row_of_every_table_is_moved() {
    let Some(moving) = Moving::open().await else { return };
    // Groups that end before they have their rows, on both sides.
    moving
        .world
        .run(
            "INSERT INTO ts_batch SELECT 1, 10, 776, seq, recv_at, t_min, t_max, n, class, codec,
                 filter, devices, hash, randomblob(3000000), -seq FROM ts_batch
             WHERE tenant_id = 1 AND seq < 8",
        )
        .await;
    let moved = moving.run().await.unwrap();
    assert_eq!((moved.tables, moved.broken_chains), (moving.tables.len(), 0));
    assert!(moved.chains >= 2, "{moved:?}");
    moving.assert_same().await;
    // The collector takes it from here.
    let database = moving.scratch.database().await;
    assert_eq!(
        TenantContext::local(&database).await.unwrap().tenants().count(),
        TenantContext::local(&moving.world.database).await.unwrap().tenants().count()
    );
    database.close().await;
    let again = moving.run().await.unwrap_err();
    assert!(matches!(again, MoveError::Already { .. }), "{again:?}");
    // Nor another one, which has no note.
    elsewhere::forget(moving.world.dir.path()).unwrap();
    let again = moving.run().await.unwrap_err();
    assert!(matches!(again, MoveError::NotEmpty { .. }), "{again:?}");
    moving.assert_same().await;
    moving.remove().await;
}

#[tokio::test]
async fn what_ended_in_the_middle_goes_on() {
    let Some(moving) = Moving::open().await else { return };
    // As a crash, between two groups of the largest table.
    moving
        .on_server(
            "CREATE FUNCTION farwatch.stop() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN IF NEW.seq = 901 THEN RAISE 'no further'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER stop BEFORE INSERT ON farwatch.ts_batch
             FOR EACH ROW EXECUTE FUNCTION farwatch.stop()",
        )
        .await;
    assert!(told(moving.run().await).contains("goes on where it was"));
    let refused = moving.scratch.sign_in("farwatch").await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Refused { why: Refusal::Unfinished, .. }),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("migrate-to postgres"), "{refused}");
    let mut superuser = moving.scratch.superuser().await;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM ts_batch")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!(there, 1_000);
    // Somebody served from the file again meanwhile.
    moving
        .world
        .run(
            "UPDATE device SET name = 'renamed'; DELETE FROM web_session WHERE user_id = 31;
             INSERT INTO ts_batch SELECT 1, 10, 776, seq, recv_at, t_min, t_max, n, class, codec,
                 filter, devices, hash, data, NULL FROM ts_batch
             WHERE tenant_id = 1 AND seq < 40",
        )
        .await;
    moving.on_server("DROP TRIGGER stop ON farwatch.ts_batch").await;
    moving.run().await.unwrap();
    moving.assert_same().await;
    moving.scratch.database().await.close().await;
    moving.remove().await;
}

#[tokio::test]
async fn the_old_file_of_an_installation_that_is_elsewhere_is_not_moved() {
    let Some(moving) = Moving::open().await else { return };
    let (dir, other) = (moving.world.dir.path(), Scratch::empty().await.unwrap());
    elsewhere::note(dir, &other.superusers_server()).unwrap();
    let refused = moving.run().await.unwrap_err();
    assert!(matches!(refused, MoveError::Elsewhere { .. }), "{refused:?}");
    let refused = refused.to_string();
    for part in [other.name(), "pg_dump", "database-is-in-postgresql"] {
        assert!(refused.contains(part), "{refused}");
    }
    // Nor to the one that is named, if nothing is there any more.
    elsewhere::note(dir, &moving.scratch.superusers_server()).unwrap();
    let refused = moving.run().await.unwrap_err();
    assert!(matches!(refused, MoveError::Elsewhere { .. }), "{refused:?}");
    // As a crash between the note and the end.
    moving
        .on_server(
            "CREATE TABLE farwatch._unfinished_move ();
             ALTER TABLE farwatch._unfinished_move OWNER TO farwatch_owner",
        )
        .await;
    moving.run().await.unwrap();
    moving.assert_same().await;
    other.remove().await;
    moving.remove().await;
}

#[tokio::test]
async fn a_served_side_is_refused() {
    let Some(moving) = Moving::open().await else { return };
    let serving = DataDir::lock(moving.world.dir.path()).unwrap();
    assert!(told(moving.run().await).contains("stop it first"));
    drop(serving);
    let database = moving.scratch.database().await;
    let serving = database.serving().await.unwrap();
    assert!(told(moving.run().await).contains("stop it first"));
    drop(serving);
    database.close().await;
    moving.run().await.unwrap();
    moving.remove().await;
}

#[tokio::test]
async fn a_target_that_is_not_empty_is_refused_and_left_as_it_is() {
    let Some(moving) = Moving::open().await else { return };
    moving
        .on_server(
            "INSERT INTO tenant (tenant_id, name, created_at) VALUES (9, 'somebody', 0);
             DELETE FROM _sqlx_migrations WHERE version > 1",
        )
        .await;
    let refused = told(moving.run().await);
    assert!(refused.contains("rows in `tenant`") && refused.contains("DROP SCHEMA"), "{refused}");
    let mut superuser = moving.scratch.superuser().await;
    let migrations = sqlx::query("SELECT 1 FROM _sqlx_migrations");
    assert_eq!(migrations.fetch_all(&mut superuser).await.unwrap().len(), 1);
    moving.remove().await;
}

#[tokio::test]
async fn a_database_without_a_schema_gets_one_and_another_schema_is_refused() {
    let Some(mut moving) = Moving::open().await else { return };
    moving
        .on_server(
            "INSERT INTO _sqlx_migrations SELECT 9999, description, installed_on, success, checksum,
             execution_time FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
    assert!(told(moving.run().await).contains("later version"));
    let empty = Scratch::empty().await.unwrap();
    std::mem::replace(&mut moving.scratch, empty).remove().await;
    moving.run().await.unwrap();
    moving.assert_same().await;
    moving.remove().await;
}

#[tokio::test]
async fn a_table_of_one_side_is_named() {
    let Some(moving) = Moving::open().await else { return };
    moving.world.run("CREATE TABLE guest (guest_id BIGINT PRIMARY KEY)").await;
    assert!(told(moving.run().await).contains("`guest` is in SQLite only"));
    moving.on_server("CREATE TABLE guest (guest_id BIGINT PRIMARY KEY, name TEXT)").await;
    assert!(told(moving.run().await).contains("`name` of `guest` is in PostgreSQL only"));
    moving.world.run("DROP TABLE guest").await;
    assert!(told(moving.run().await).contains("`guest` is in PostgreSQL only"));
    moving.remove().await;
}

#[tokio::test]
async fn a_directory_without_a_database_is_refused() {
    let Some(scratch) = Scratch::open().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut progress = Progress::new(Box::new(std::io::sink()), false);
    let refused = to_postgres(dir.path(), &scratch.superusers_server(), &mut progress).await;
    assert!(told(refused).contains("--data-dir"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    scratch.remove().await;
}

#[tokio::test]
async fn a_row_that_is_not_the_same_is_named() {
    let Some(moving) = Moving::open().await else { return };
    let mut progress = Progress::new(Box::new(std::io::sink()), false);
    let (dir, server) = (moving.world.dir.path(), moving.scratch.superusers_server());
    let mut source = open_source(dir, &Database::file(dir)).await.unwrap();
    let mut target = open_target(dir, &server).await.unwrap();
    copy::begin(&mut target, &moving.tables).await.unwrap();
    copy::copy(&mut source, &mut target, &moving.tables, &mut progress).await.unwrap();
    let batches = "DELETE FROM ts_batch WHERE seq = 1203";
    for (change, undo, table, what) in [
        (
            "UPDATE device SET port = 162 WHERE device_id = 101",
            "UPDATE device SET port = 161 WHERE device_id = 101",
            "device",
            "tenant_id 1, device_id 101 is another",
        ),
        (
            "DELETE FROM device_tag WHERE tenant_id = 33",
            "INSERT INTO device_tag VALUES (33, 33, 'text 33 ''ä')",
            "device_tag",
            "tag \"text 33 'ä\" is missing",
        ),
        (
            "INSERT INTO quota (tenant_id, updated_at) VALUES (1, 0)",
            "DELETE FROM quota WHERE tenant_id = 1",
            "quota",
            "tenant_id 1 is too many",
        ),
        (batches, "SELECT 1", "ts_batch", "seq 1203 is missing"),
    ] {
        moving.on_server(change).await;
        let found = verify::verify(&mut source, &mut target, &moving.tables, &mut progress).await;
        let told = found.unwrap_err().to_string();
        assert!(told.contains(&format!("`{table}`")), "{told}");
        assert!(told.contains(what), "{told}");
        moving.on_server(undo).await;
    }
    drop((source, target));
    moving.remove().await;
}

#[tokio::test]
async fn a_broken_chain_is_told_and_moved_as_it_is() {
    let Some(moving) = Moving::open().await else { return };
    moving.world.run("DROP TRIGGER audit_stays; DROP TRIGGER audit_stays_unchanged").await;
    moving.world.run("UPDATE audit SET actor_name = 'nobody' WHERE seq = 3").await;
    let moved = moving.run().await.unwrap();
    assert_eq!(moved.broken_chains, 1);
    moving.assert_same().await;
    moving.remove().await;
}

#[tokio::test]
async fn a_nul_in_a_text_is_left_out() {
    let Some(moving) = Moving::open().await else { return };
    moving.world.run("UPDATE device SET sys_descr = 'a' || char(0) || 'b'").await;
    moving.run().await.unwrap();
    let mut superuser = moving.scratch.superuser().await;
    let row = sqlx::query("SELECT DISTINCT sys_descr FROM device");
    let row = row.fetch_one(&mut superuser).await.unwrap();
    assert_eq!(row.get::<&str, _>(0), "ab");
    moving.remove().await;
}
