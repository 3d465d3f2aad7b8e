//! `audit verify`: what is changed behind the collector's back, by somebody who may write the
//! database and takes its guards away, is named with its tenant and row.

use std::path::PathBuf;
use std::process::Output;

use farwatch_support::http::Client;
use farwatch_support::postgres::{Durability, INSTALLED, Postgres, SUPERUSER};
use farwatch_support::stack::Collector;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::postgres::installed;

/// Of the tenant's chain, at least.
const ROWS_MIN: i64 = 8;
const OF_ACME: &str = "tenant_id = (SELECT tenant_id FROM tenant WHERE name = 'Acme')";

/// Somebody who may write the database itself.
enum Intruder {
    Sqlite { file: PathBuf, kept: PathBuf },
    Postgres(Postgres),
}

impl Intruder {
    /// Keeps the audit as it is now and takes the triggers away that guard it.
    async fn begin(&self) {
        let guarded = self.write("UPDATE audit SET actor_name = 'nobody' WHERE seq = 1").await;
        assert!(guarded.unwrap_err().contains("audit rows never change"));
        let (make, disarm) = match self {
            Self::Sqlite { .. } => {
                ("", "DROP TRIGGER audit_stays_unchanged; DROP TRIGGER audit_stays")
            }
            Self::Postgres(_) => {
                ("CREATE SCHEMA kept", "ALTER TABLE audit DISABLE TRIGGER audit_stays")
            }
        };
        self.must(make).await;
        self.must("CREATE TABLE kept.audit AS SELECT * FROM audit").await;
        self.must("CREATE TABLE kept.audit_head AS SELECT * FROM audit_head").await;
        self.must(disarm).await;
    }

    /// Puts the audit back as it was.
    async fn undo(&self) {
        for table in ["audit", "audit_head"] {
            self.must(&format!("DELETE FROM {table}")).await;
            self.must(&format!("INSERT INTO {table} SELECT * FROM kept.{table}")).await;
        }
    }

    async fn must(&self, sql: &str) {
        self.write(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn write(&self, sql: &str) -> Result<(), String> {
        match self {
            Self::Sqlite { file, kept } => {
                let db = rusqlite::Connection::open(file).unwrap();
                db.execute("ATTACH ?1 AS kept", [kept.to_str().unwrap()]).unwrap();
                db.execute_batch(sql).map_err(|error| error.to_string())
            }
            Self::Postgres(cluster) => {
                let url = cluster.url(SUPERUSER, INSTALLED);
                let mut superuser = PgConnection::connect(&url).await.unwrap();
                superuser.execute("SET search_path = farwatch").await.unwrap();
                let done = superuser.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await;
                done.map(|_| ()).map_err(|error| error.to_string())
            }
        }
    }
}

#[tokio::test]
async fn what_was_done_to_the_audit_is_named_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    changes(&collector.client().await).await;
    collector.stop().await;
    let file = collector.data_dir.join("farwatch.db");
    let intruder = Intruder::Sqlite { file, kept: dir.path().join("kept.db") };
    verified(&collector, &intruder).await;
}

#[tokio::test]
async fn what_was_done_to_the_audit_is_named_on_postgresql() {
    let Some((cluster, url)) = installed(Durability::Lost).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut collector = Collector::start_on(&dir.path().join("collector"), Some(url)).await;
    changes(&collector.client().await).await;
    collector.stop().await;
    verified(&collector, &Intruder::Postgres(cluster)).await;
}

/// A site that comes, is named anew, again and again.
async fn changes(client: &Client) {
    let tenant = client.get("/api/v1/tenants").await.data()[0]["id"].clone();
    for number in 0..4 {
        let body = json!({ "tenant": tenant, "name": format!("Site {number}") });
        let site = client.post("/api/v1/sites", &body).await.data()["id"].clone();
        let path = format!("/api/v1/sites/{}", site.as_str().unwrap());
        let body = json!({ "name": format!("Place {number}") }).to_string();
        assert_eq!(client.send("PATCH", &path, Some(body)).await.unwrap().status, 200);
    }
}

/// What was done, and what `audit verify` has to say of it.
struct Deed {
    sql: String,
    told: Vec<String>,
}

fn deed(sql: &str, told: &[&str]) -> Deed {
    let told = told.iter().map(|text| (*text).to_owned()).collect();
    Deed { sql: sql.replace("OF_ACME", OF_ACME), told }
}

fn deeds(last: i64) -> Vec<Deed> {
    let swap = |first: i64, second: i64| {
        let mv = |from, to| format!("UPDATE audit SET seq = {to} WHERE OF_ACME AND seq = {from};");
        [mv(first, 1_000), mv(second, first), mv(1_000, second)].concat()
    };
    vec![
        deed(
            "UPDATE audit SET object_name = 'Another' WHERE OF_ACME AND seq = 3",
            &["Acme: ", "row 3 was changed"],
        ),
        deed(
            "UPDATE audit SET before = '{}' WHERE OF_ACME AND seq = 1",
            &["Acme: ", "row 1 was changed"],
        ),
        deed(
            &format!("UPDATE audit SET at = at + 1 WHERE OF_ACME AND seq = {last}"),
            &["Acme: ", &format!("row {last} was changed")],
        ),
        deed("DELETE FROM audit WHERE OF_ACME AND seq = 4", &["Acme: ", "row 4 is missing"]),
        deed(
            "DELETE FROM audit WHERE OF_ACME AND seq IN (1, 2)",
            &["Acme: ", "rows 1 to 2 are missing"],
        ),
        deed(
            &format!("DELETE FROM audit WHERE OF_ACME AND seq = {last}"),
            &["Acme: ", &format!("went to row {last}, the rows end with {}", last - 1)],
        ),
        deed(&swap(2, 5), &["Acme: ", "row 2 was written as row 5", "row 5 was written as row 2"]),
        deed(
            "UPDATE audit SET actor_name = 'nobody' WHERE tenant_id = 0 AND seq = 1",
            &["installation: ", "row 1 was changed"],
        ),
    ]
}

async fn verified(collector: &Collector, intruder: &Intruder) {
    let verify = |more: &[&str]| collector.run(&[&["audit", "verify"], more].concat());
    let heads = collector.data_dir.join("heads");
    let heads = heads.to_str().unwrap();
    let sound = verify(&["--write-heads", heads]);
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound));
    let last = rows(&verify(&["--tenant", "Acme", "--json"]));
    assert!(last >= ROWS_MIN, "{last}");
    assert!(text(&sound).contains(&format!("Acme: {last} rows, sound")), "{}", text(&sound));
    assert!(text(&sound).contains("installation: "), "{}", text(&sound));

    intruder.begin().await;
    let deeds = deeds(last);
    for Deed { sql, told } in &deeds {
        intruder.must(sql).await;
        let other = collector.data_dir.join("other-heads");
        let found = verify(&["--write-heads", other.to_str().unwrap()]);
        let said = text(&found);
        assert_eq!(found.status.code(), Some(1), "{sql}: {said}");
        assert!(said.contains("1 of the chains are not what was written"), "{sql}: {said}");
        for part in told {
            assert!(said.contains(part.as_str()), "{sql}: no `{part}` in {said}");
        }
        assert!(!other.exists(), "the ends of a broken chain were noted");
        // Of this chain alone.
        let unsound: Vec<&str> = said.lines().filter(|line| line.ends_with("NOT sound")).collect();
        assert!(unsound.len() == 1 && unsound[0].starts_with(&told[0]), "{sql}: {said}");
        intruder.undo().await;
        assert_eq!(verify(&[]).status.code(), Some(0), "{sql} was not undone");
    }
    anew(collector, intruder, heads).await;
    println!("{} deeds named", deeds.len() + 1);
}

/// A whole chain made anew is sound by itself; a noted end tells.
async fn anew(collector: &Collector, intruder: &Intruder, heads: &str) {
    let verify = |more: &[&str]| collector.run(&[&["audit", "verify"], more].concat());
    assert_eq!(verify(&["--heads", heads]).status.code(), Some(0));
    intruder.must(&format!("DELETE FROM audit WHERE {OF_ACME}")).await;
    let empty = match intruder {
        Intruder::Sqlite { .. } => "x''",
        Intruder::Postgres(_) => "''::bytea",
    };
    let reset = format!("UPDATE audit_head SET seq = 0, hash = {empty} WHERE {OF_ACME}");
    intruder.must(&reset).await;
    for site in ["One", "Two"] {
        collector.token(site);
    }
    let found = verify(&[]);
    assert_eq!(found.status.code(), Some(0), "{}", text(&found));
    let found = verify(&["--heads", heads]);
    assert_eq!(found.status.code(), Some(1), "{}", text(&found));
    let said = text(&found);
    assert!(said.contains("Acme: ") && said.contains("it was made anew"), "{said}");
    assert_eq!(said.matches("NOT sound").count(), 1, "{said}");
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// How many rows a chain has that is sound.
fn rows(output: &Output) -> i64 {
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["sound"], true, "{line}");
    line["rows"].as_i64().unwrap()
}
