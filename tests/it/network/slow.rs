//! A database that takes its time is no reason to dial again: ten thousand agents would storm a collector
//! that struggles already.

use std::time::Duration;

use farwatch_support::oracle::{Oracle, values};
use farwatch_support::process::eventually;
use farwatch_support::stack::{Agent, Collector, add_device, only_agent};

const LIMIT: Duration = Duration::from_secs(60);
/// Polls that the database is held for, one a second: several times what a silent link is borne.
const POLLS_HELD: usize = 15;

#[tokio::test]
async fn late_acknowledgements_end_no_session() {
    let dir = tempfile::tempdir().unwrap();
    let oracle = Oracle::start(dir.path(), 1).await;
    let mut collector = Collector::start(&dir.path().join("collector")).await;
    let mut agent = Agent::start(&collector, &dir.path().join("agent"), "Depot");
    let client = collector.client().await;
    let agent_id = only_agent(&client).await;
    let device = add_device(&client, &agent_id, &oracle.addresses()[0], 1).await;
    eventually(LIMIT, "samples are stored", async || values(&client, &device).await.len() > 3)
        .await;
    let path = format!("/api/v1/agents/{agent_id}");
    let before = client.get(&path).await.data();

    // Whoever holds SQLite's one write lock holds every commit.
    let held = rusqlite::Connection::open(collector.data_dir.join("farwatch.db")).unwrap();
    held.busy_timeout(LIMIT).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let stored = values(&client, &device).await.len();
    let polled = oracle.answers(0).len();
    eventually(LIMIT, "polling goes on", async || oracle.answers(0).len() >= polled + POLLS_HELD)
        .await;
    assert!(values(&client, &device).await.len() <= stored + 1, "it was committed all the same");
    held.execute_batch("ROLLBACK").unwrap();

    oracle.is_stored_once(0, &client, &device).await;
    let after = client.get(&path).await.data();
    assert_eq!(after["connected_since"], before["connected_since"]);
    agent.stop().await;
    collector.stop().await;
}
