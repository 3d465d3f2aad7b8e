//! An installation moves from the SQLite file to PostgreSQL, and its agents do not notice.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use farwatch_support::http::Client;
use farwatch_support::oracle::{Oracle, values};
use farwatch_support::postgres::{Durability, INSTALLED, Postgres, SUPERUSER};
use farwatch_support::process::{Process, binary, eventually, run};
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use crate::postgres::{installed, refusal};

const LIMIT: Duration = Duration::from_secs(60);
/// Whether the command waits for a lock of ours.
const WAITS: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                     AND application_name LIKE 'farwatch-collector moves %')";

#[tokio::test]
async fn an_installation_moves_and_its_agents_go_on() {
    let Some((cluster, url)) = installed(Durability::Kept).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start(dir.path(), 1).await;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let _agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let agent = only_agent(&client).await;
    let device = add_device(&client, &agent, &oracle.addresses()[0], 1).await;
    let stored = async || values(&client, &device).await;
    eventually(LIMIT, "samples are stored", async || stored().await.len() > 5).await;
    let superuser = cluster.url(SUPERUSER, INSTALLED);
    refuses(&migrate_to(&collector.data_dir, &superuser), "stop it first");

    let asked = questions(&client, &device).await;
    let before = answers(&client, &asked).await;
    // What was committed and not yet acknowledged comes again.
    collector.kill();
    killed_in_the_middle(&cluster, &superuser, &collector.data_dir).await;
    let told = refusal(&url);
    assert!(told.contains("migrate-to postgres"), "{told}");
    let output = migrate_to(&collector.data_dir, &superuser);
    let (told, lines) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{lines}");
    assert!(told.contains(&format!("url = \"{url}\"")) && told.contains("master key"), "{told}");
    assert!(lines.contains("copied ts_batch: ") && lines.contains("verified audit: "), "{lines}");

    // Even whoever was signed in still is.
    collector.restart_on(url).await;
    assert_eq!(answers(&client, &asked).await, before);
    oracle.is_stored_once(0, &client, &device).await;
    let metrics = client.get("/metrics").await.text();
    let forks: Vec<_> = metrics.lines().filter(|line| line.contains("reason=\"fork\"")).collect();
    assert!(forks.len() == 1 && forks[0].ends_with(" 0"), "{forks:?}");
    collector.stop().await;
    refuses(&migrate_to(&collector.data_dir, &superuser), "already: nothing is to be moved");
    // The old file would take, and acknowledge, what agents then forget.
    let dir = collector.data_dir.to_str().unwrap();
    for words in [&["serve"][..], &["tenant", "create", "--name", "Beta"]] {
        let words = [words, &["--data-dir", dir]].concat();
        refuses(&run(&binary("farwatch-collector"), &words, ""), "database-is-in-postgresql");
    }
}

fn words<'a>(data_dir: &'a Path, superuser: &'a str) -> [&'a str; 6] {
    let dir = data_dir.to_str().unwrap();
    ["migrate-to", "postgres", "--database-url", superuser, "--data-dir", dir]
}

fn migrate_to(data_dir: &Path, superuser: &str) -> Output {
    run(&binary("farwatch-collector"), &words(data_dir, superuser), "")
}

fn refuses(output: &Output, why: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(why), "{told}");
}

/// kill -9 while it copies samples.
async fn killed_in_the_middle(cluster: &Postgres, superuser: &str, data_dir: &Path) {
    let mut ours = PgConnection::connect(superuser).await.unwrap();
    let lock = "BEGIN; LOCK TABLE farwatch.ts_batch IN SHARE MODE";
    sqlx::raw_sql(lock).execute(&mut ours).await.unwrap();
    let words = words(data_dir, superuser).map(OsStr::new);
    let log = cluster.home().join("moving.log");
    let mut moving = Process::start(&binary("farwatch-collector"), &words, &log);
    // Not in the transaction of the lock, which would be told the same each time.
    let mut other = PgConnection::connect(superuser).await.unwrap();
    eventually(LIMIT, "it copies samples", async || {
        sqlx::query_scalar(WAITS).fetch_one(&mut other).await.unwrap()
    })
    .await;
    moving.kill();
    ours.close().await.unwrap();
}

/// Paths whose answers do not change with the time.
async fn questions(client: &Client, device: &str) -> Vec<String> {
    let samples = format!("/api/v1/devices/{device}/samples?metric=if_in_octets_total&limit=1000");
    let samples = client.get(&samples).await.data();
    let time = |sample: Option<&Value>| sample.unwrap()["at"].as_str().unwrap().to_owned();
    let samples = samples.as_array().unwrap();
    let range = format!("from={}&to={}", time(samples.first()), time(samples.last()));
    let history = format!("metric=if_in_octets_total&object=if:1&{range}");
    vec![
        format!("/api/v1/devices/{device}/samples?{history}&limit=1000"),
        format!("/api/v1/devices/{device}/series?{history}"),
        format!("/api/v1/devices/{device}/metrics"),
        "/api/v1/devices".to_owned(),
        "/api/v1/sites".to_owned(),
        "/api/v1/audit?limit=100".to_owned(),
    ]
}

async fn answers(client: &Client, questions: &[String]) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in questions {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let mut data = answer.data();
        // What is live is another thing each second.
        for row in data.as_array_mut().into_iter().flatten().filter(|_| path.ends_with("s")) {
            let stays = ["id", "name", "address", "site", "tenant", "agent", "object", "metric"];
            let row = row.as_object_mut().unwrap();
            row.retain(|name, _| stays.contains(&name.as_str()));
        }
        assert_ne!(data, Value::Array(Vec::new()), "{path}");
        answers.push(data);
    }
    answers
}
