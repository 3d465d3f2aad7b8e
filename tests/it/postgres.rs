//! The harness of PostgreSQL itself: whoever trusts its kills must know that they are kills.

use farwatch_collector::store::database::migrate;
use farwatch_support::postgres::{Durability, Postgres, SUPERUSER, binaries};
use sqlx::{Connection as _, PgConnection};

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
