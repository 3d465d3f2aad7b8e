//! PostgreSQL: the harness itself, because whoever trusts its kills must know that they are kills;
//! and a collector that serves from it.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use farwatch_collector::store::database::migrate;
use farwatch_support::postgres::{Durability, INSTALLED, Postgres, SUPERUSER, binaries};
use farwatch_support::process::{binary, eventually, run};
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};
use sqlx::{Connection as _, PgConnection};

use crate::routers::Routers;

const LIMIT: Duration = Duration::from_secs(30);

/// A cluster, and the URL that a collector serves from; `None`, and a line that says so, without
/// PostgreSQL.
pub(crate) async fn installed(durability: Durability) -> Option<(Postgres, String)> {
    if binaries().is_none() {
        println!("skipped: no PostgreSQL, run ./x test it");
        return None;
    }
    let cluster = Postgres::start(durability).await.unwrap();
    let url = cluster.installed().await.unwrap();
    Some((cluster, url))
}

/// `serve` with this URL, which is to end by itself.
fn serve(data_dir: &Path, url: &str) -> Output {
    let args = ["serve", "--data-dir", data_dir.to_str().unwrap(), "--database-url", url];
    run(&binary("farwatch-collector"), &[&args[..], &LOOPBACK].concat(), "")
}

const LOOPBACK: [&str; 4] = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];

/// What a refused `serve` says.
fn refusal(url: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let output = serve(dir.path(), url);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    told
}

async fn connect(cluster: &Postgres) -> PgConnection {
    PgConnection::connect(&cluster.url(SUPERUSER, "postgres")).await.unwrap()
}

async fn note(cluster: &Postgres, text: &str) {
    let mut connection = connect(cluster).await;
    sqlx::query("INSERT INTO note VALUES ($1)").bind(text).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_cluster_keeps_what_was_committed_through_every_end_and_leaves_nothing() {
    if binaries().is_none() {
        println!("skipped: no PostgreSQL, run ./x test store");
        return;
    }
    let mut cluster = Postgres::start(Durability::Kept).await.unwrap();
    let home = cluster.home().to_owned();
    let mut connection = connect(&cluster).await;
    sqlx::query("CREATE TABLE note (text text)").execute(&mut connection).await.unwrap();
    note(&cluster, "before the kill").await;
    let first = cluster.pid();
    cluster.kill();
    assert_eq!(cluster.pid(), None);
    let lost = sqlx::query("SELECT 1").execute(&mut connection).await;
    assert!(lost.is_err(), "a killed server answered");
    cluster.restart().await.unwrap();
    assert_ne!(cluster.pid(), first);
    assert!(cluster.log().contains("automatic recovery in progress"), "{}", cluster.log());

    note(&cluster, "before the immediate stop").await;
    cluster.stop_immediately().unwrap();
    cluster.restart().await.unwrap();
    note(&cluster, "before the orderly stop").await;
    cluster.stop().unwrap();
    cluster.restart().await.unwrap();

    let texts: Vec<String> = sqlx::query_scalar("SELECT text FROM note")
        .fetch_all(&mut connect(&cluster).await)
        .await
        .unwrap();
    assert_eq!(texts, ["before the kill", "before the immediate stop", "before the orderly stop"]);
    drop(cluster);
    assert!(!home.exists());
}

#[tokio::test]
async fn a_killed_cluster_leaves_nothing_either() {
    if binaries().is_none() {
        println!("skipped: no PostgreSQL, run ./x test store");
        return;
    }
    let mut cluster = Postgres::start(Durability::Lost).await.unwrap();
    let home = cluster.home().to_owned();
    cluster.kill();
    let segment = cluster.segment().unwrap();
    let is_there = || {
        let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
        segments.lines().any(|line| line.split_whitespace().nth(1) == Some(&segment))
    };
    assert!(is_there());
    drop(cluster);
    assert!(!home.exists() && !is_there());
}

/// As in a hosted database, where nobody is a superuser; twice at once, as two installers would.
#[tokio::test]
async fn whoever_may_make_roles_may_migrate() {
    if binaries().is_none() {
        println!("skipped: no PostgreSQL, run ./x test it");
        return;
    }
    let cluster = Postgres::start(Durability::Lost).await.unwrap();
    sqlx::raw_sql("CREATE ROLE installer LOGIN CREATEROLE")
        .execute(&mut connect(&cluster).await)
        .await
        .unwrap();
    for sql in ["CREATE DATABASE one OWNER installer", "CREATE DATABASE two OWNER installer"] {
        sqlx::raw_sql(sql).execute(&mut connect(&cluster).await).await.unwrap();
    }
    let migrated = async |database: &str| {
        let url = cluster.url("installer", database);
        let mut connection = PgConnection::connect(&url).await.unwrap();
        migrate::postgres(&mut connection).await
    };
    let (first, again) = tokio::join!(migrated("one"), migrated("one"));
    first.unwrap();
    again.unwrap();
    migrated("two").await.unwrap();
    let mut login = PgConnection::connect(&cluster.url("farwatch", "two")).await.unwrap();
    sqlx::raw_sql("SET ROLE farwatch_app; SET search_path = farwatch; SELECT count(*) FROM site")
        .execute(&mut login)
        .await
        .unwrap();
}

#[tokio::test]
async fn samples_of_an_agent_arrive_through_postgresql() {
    let Some((mut cluster, url)) = installed(Durability::Kept).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let routers = Routers::start(1).await;
    let mut collector = Collector::start_on(&dir.path().join("collector"), Some(url)).await;
    let mut agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let id = only_agent(&client).await;
    let device = add_device(&client, &id, &routers.address(0), 1).await;
    let path = format!("/api/v1/devices/{device}");
    eventually(LIMIT, "the device is up and has rates", async || {
        let device = client.get(&path).await.data();
        device["state"] == "up" && device["in_bps"].as_f64().is_some()
    })
    .await;
    let history = format!("{path}/samples?metric=if_in_octets_total&object=if:1&limit=1000");
    let before = client.get(&history).await.data().as_array().unwrap().len();
    assert!(before > 0);
    // What was live is there again after a restart.
    collector.restart().await;
    let client = collector.client().await;
    assert!(!client.get(&format!("{path}/interfaces")).await.data().as_array().unwrap().is_empty());
    eventually(LIMIT, "samples go on", async || {
        client.get(&history).await.data().as_array().unwrap().len() > before
    })
    .await;
    assert!(!collector.data_dir.join("farwatch.db").exists());
    agent.stop().await;
    collector.stop().await;
    cluster.stop().unwrap();
}

/// Refused with a sentence that says what to do.
async fn refuses(make: &'static str, login: &str, why: &str) {
    let Some((cluster, _)) = installed(Durability::Lost).await else { return };
    sqlx::raw_sql(make).execute(&mut connect(&cluster).await).await.unwrap();
    let told = refusal(&cluster.url(login, INSTALLED));
    assert!(told.contains(why) && told.contains("farwatch-collector migrate"), "{told}");
}

#[tokio::test]
async fn serve_refuses_a_superuser() {
    refuses("SELECT 1", SUPERUSER, "is a superuser").await;
}

#[tokio::test]
async fn serve_refuses_the_owner() {
    let make = "CREATE ROLE owning LOGIN; GRANT farwatch_owner TO owning";
    refuses(make, "owning", "owns the tables").await;
}

#[tokio::test]
async fn serve_refuses_a_bypasser() {
    refuses("CREATE ROLE bypassing LOGIN BYPASSRLS", "bypassing", "bypasses row level").await;
}

#[tokio::test]
async fn serve_refuses_createrole() {
    refuses("CREATE ROLE making LOGIN CREATEROLE", "making", "can make roles").await;
}

#[tokio::test]
async fn serve_refuses_a_schema_that_is_not_there_or_not_its_own() {
    let Some((cluster, url)) = installed(Durability::Lost).await else { return };
    let run_in = async |database: &str, sql: &'static str| {
        let url = cluster.url(SUPERUSER, database);
        let mut superuser = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut superuser).await.unwrap();
    };
    run_in(INSTALLED, "DELETE FROM farwatch._sqlx_migrations WHERE version > 1").await;
    let told = refusal(&url);
    assert!(told.contains("older than this") && told.contains("migrate"), "{told}");
    run_in("postgres", "CREATE DATABASE bare").await;
    let told = refusal(&cluster.url("farwatch", "bare"));
    assert!(told.contains("no schema") && told.contains("migrate"), "{told}");
    let told = refusal(&cluster.url("farwatch", "nowhere"));
    assert!(told.contains("cannot reach PostgreSQL") && told.contains("nowhere"), "{told}");
}

#[tokio::test]
async fn a_database_is_served_from_by_one_collector() {
    let Some((cluster, url)) = installed(Durability::Lost).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("first");
    let mut first = Collector::start_on(&data_dir, Some(url.clone())).await;
    let told = refusal(&url);
    assert!(told.contains("another farwatch-collector") && told.contains("stop it"), "{told}");
    // The command line works beside it, and a killed one is nobody.
    let tenant = ["tenant", "create", "--name", "Beta", "--database-url", &url, "--data-dir"];
    let made = run(
        &binary("farwatch-collector"),
        &[&tenant[..], &[data_dir.to_str().unwrap()]].concat(),
        "",
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    first.restart().await;
    first.stop().await;
    drop(cluster);
}

/// With a server that asks for the login's password.
#[tokio::test]
async fn the_password_of_the_login_is_read_from_a_file() {
    let Some((cluster, url)) = installed(Durability::Lost).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("password"), "correct horse\n").unwrap();
    std::fs::write(path("wrong"), "hunter2hunter2\n").unwrap();
    let superuser = cluster.url(SUPERUSER, INSTALLED);
    let (file, wrong) = (path("password"), path("wrong"));
    let set = ["migrate", "--database-url", &superuser, "--login-password-file", &file];
    assert!(run(&binary("farwatch-collector"), &set, "").status.success());
    let rules = cluster.home().join("data/pg_hba.conf");
    let others = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, format!("local all farwatch scram-sha-256\n{others}")).unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut connect(&cluster).await).await.unwrap();
    let create = |name: &str, file: &str| {
        let config = path(&format!("{name}.toml"));
        let text = format!("[database]\nurl = \"{url}\"\npassword_file = \"{file}\"\n");
        std::fs::write(&config, text).unwrap();
        let data = path("data");
        let words = ["tenant", "create", "--name", name, "--config", &config, "--data-dir", &data];
        run(&binary("farwatch-collector"), &words, "")
    };
    // The server takes the new rules in its own time.
    eventually(LIMIT, "a wrong password is refused", async || {
        let output = create("wrong", &wrong);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!told.contains("hunter2"), "{told}");
        output.status.code() == Some(1) && told.contains("password authentication failed")
    })
    .await;
    let output = create("right", &file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn migrate_makes_the_login_and_says_what_comes_next() {
    let Some((cluster, url)) = installed(Durability::Lost).await else { return };
    let superuser = cluster.url(SUPERUSER, INSTALLED);
    let again = ["migrate", "--database-url", &superuser, "--login-password-file", "-"];
    let output = run(&binary("farwatch-collector"), &again, "hunter2hunter2\n");
    let (told, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{complained}");
    assert!(told.contains("serve --database-url") && told.contains("farwatch"), "{told}");
    assert!(!told.contains("hunter2") && !cluster.log().contains("hunter2"));
    let verifier = "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid
                    WHERE rolname = 'farwatch'";
    let set: bool =
        sqlx::query_scalar(verifier).fetch_one(&mut connect(&cluster).await).await.unwrap();
    assert!(set);
    // Who serves may not migrate.
    let output = run(&binary("farwatch-collector"), &["migrate", "--database-url", &url], "");
    let complained = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained.contains("as a superuser"), "{complained}");
    // A password among the words of a command is everybody's.
    let with_password = superuser.replace("user=postgres", "user=postgres&password=hunter2");
    let output =
        run(&binary("farwatch-collector"), &["migrate", "--database-url", &with_password], "");
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(complained.contains("everybody on this machine can read"), "{complained}");
    assert!(!complained.contains("hunter2"), "{complained}");
}
