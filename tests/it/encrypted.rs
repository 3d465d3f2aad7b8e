//! PostgreSQL across a network: what goes there is encrypted, and to nobody but the server meant.

use farwatch_support::postgres::{Durability, INSTALLED, Postgres, SUPERUSER};
use farwatch_support::process::{binary, run};
use farwatch_support::sinks::authority::Authority;
use farwatch_support::stack::Collector;
use sqlx::{Connection as _, PgConnection};

use crate::postgres::{installed, refusal};

const PASSWORD: &str = "correct horse";

/// Certificate and key of the server of this name, as PEM.
fn server(authority: &Authority, name: &str) -> (String, String) {
    let certified = authority.certify(&[name]);
    let read = |path| std::fs::read_to_string(path).unwrap();
    (read(certified.certificate), read(certified.key))
}

#[tokio::test]
async fn rows_cross_a_network_only_encrypted_and_only_to_the_server_that_is_meant() {
    let Some((mut cluster, _)) = installed(Durability::Lost).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let superuser = cluster.url(SUPERUSER, INSTALLED);
    let migrate = ["migrate", "--login-password-file", "-", "--database-url", &superuser];
    assert!(run(&binary("farwatch-collector"), &migrate, PASSWORD).status.success());
    let host = Postgres::address().to_string();
    let own = Authority::new(dir.path(), "own");
    let foreign = Authority::new(dir.path(), "foreign");
    let url = |authority: &Authority| {
        let password = PASSWORD.replace(' ', "%20");
        let tls = format!("sslmode=verify-full&sslrootcert={}", authority.file.display());
        format!("postgres://farwatch:{password}@{host}:5432/{INSTALLED}?{tls}")
    };
    let refuses = |authority| {
        let told = refusal(&url(authority));
        assert!(told.contains("no encrypted connection"), "{told}");
        assert!(told.contains("sslrootcert=FILE") && !told.contains(PASSWORD), "{told}");
    };
    let (certificate, key) = server(&own, "db.example");
    cluster.listen(&certificate, &key).await.unwrap();
    refuses(&own);
    let (certificate, key) = server(&own, &host);
    cluster.listen(&certificate, &key).await.unwrap();
    refuses(&foreign);

    let data_dir = dir.path().join("collector");
    let mut collector = Collector::start_on(&data_dir, Some(url(&own))).await;
    collector.client().await.get("/api/v1/tenants").await.data();
    let mut watcher = PgConnection::connect(&superuser).await.unwrap();
    let encrypted: Vec<bool> = sqlx::query_scalar(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'farwatch'",
    )
    .fetch_all(&mut watcher)
    .await
    .unwrap();
    assert!(!encrypted.is_empty() && encrypted.iter().all(|is| *is), "{encrypted:?}");
    collector.stop().await;
}
