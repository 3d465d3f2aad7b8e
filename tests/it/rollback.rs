//! The collector is put back to an old copy of its files, as a backup is restored.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use farwatch_support::faults::site::Site;
use farwatch_support::faults::{Engine, Ground};
use farwatch_support::process::eventually;

const ROUTERS: usize = 2;
const LIMIT: Duration = Duration::from_secs(60);
/// What the agent delivers between the copy and the restore, of each router.
const ANSWERS: usize = 5;
const TWO_DAYS_US: i64 = 2 * 24 * 3600 * 1_000_000;

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// A site that has delivered more than is in the copy of its collector, which is stopped.
async fn ahead_of_its_collector(ground: &Ground) -> Site {
    let mut site = Site::start(ground, ROUTERS).await;
    site.collector.stop().await;
    copy(&ground.dir.path().join("collector"), &ground.dir.path().join("copy"));
    site.collector.restart().await;
    site.is_live(LIMIT).await;
    let seen = site.oracle.answers(0).len();
    eventually(LIMIT, "it goes on", async || site.oracle.answers(0).len() > seen + ANSWERS).await;
    site.is_live(LIMIT).await;
    site.collector.stop().await;
    site
}

async fn restored(ground: &Ground, site: &mut Site) {
    copy(&ground.dir.path().join("copy"), &ground.dir.path().join("collector"));
    site.collector.restart().await;
    site.is_live(LIMIT).await;
}

#[tokio::test]
async fn what_a_restored_collector_has_not_is_sent_again() {
    let ground = Ground::new(Engine::Sqlite, rand::random(), 1).await.unwrap();
    let mut site = ahead_of_its_collector(&ground).await;
    restored(&ground, &mut site).await;
    let found = site.balance().await;
    assert!(found.holds() && found.lost_declared == 0, "{found:?}\n{}", site.agent.log());
    assert!(site.agent.log().contains("is sent again"), "nothing was missing: {found:?}");
    // Nothing is missing any more.
    let before = site.agent.log().matches("is sent again").count();
    site.kill_collector().await;
    site.is_live(LIMIT).await;
    assert_eq!(site.agent.log().matches("is sent again").count(), before);
    assert!(site.balance().await.holds());
}

#[tokio::test]
async fn what_the_agent_keeps_no_longer_is_declared() {
    let ground = Ground::new(Engine::Sqlite, rand::random(), 1).await.unwrap();
    let mut site = ahead_of_its_collector(&ground).await;
    site.kill().await;
    // Two days pass.
    let file = rusqlite::Connection::open(site.agent.state_dir.join("buffer.db")).unwrap();
    file.execute("UPDATE acked SET began_us = began_us - ?1", [TWO_DAYS_US]).unwrap();
    site.revive().await;
    // It judges ages by the collector's clock.
    site.collector.restart().await;
    let yesterday = site.clock.now().0 - TWO_DAYS_US / 2;
    let given_up = || {
        let here = "SELECT COUNT(*) FROM acked WHERE bytes > 0 AND began_us < ?1";
        file.query_row(here, [yesterday], |row| row.get::<_, i64>(0)).unwrap() == 0
    };
    eventually(LIMIT, "what was kept long enough is given up", async || given_up()).await;
    site.collector.stop().await;
    drop(file);
    restored(&ground, &mut site).await;
    let found = site.balance().await;
    assert!(found.holds() && found.lost_declared >= ANSWERS as u64, "{found:?}");
    let declared = farwatch_support::ledger::declared(&site.client, &site.agent_id).await;
    assert!(declared.iter().any(|gap| gap.reason == "collector_rollback"), "{declared:?}");
}
