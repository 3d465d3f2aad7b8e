//! A few rows of `./x faults`, a short round each.

use std::time::Duration;

use farwatch_support::faults::site::Site;
use farwatch_support::faults::{Engine, Ground};

use crate::crash::is_kept;

const PATIENCE: Duration = Duration::from_secs(45);

#[tokio::test]
async fn after_a_day_without_a_line_what_is_live_comes_first_and_nobody_is_told_of_old_news() {
    is_kept("F11", Engine::Sqlite, 1).await;
}

#[tokio::test]
async fn batches_that_come_twice_late_or_cut_short_change_nothing() {
    is_kept("F18", Engine::Sqlite, 1).await;
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_is_set_aside_alone() {
    is_kept("F20", Engine::Sqlite, 1).await;
}

#[tokio::test]
async fn an_agent_that_is_put_back_to_an_old_copy_loses_nothing() {
    is_kept("F23", Engine::Sqlite, 1).await;
}

#[tokio::test]
async fn an_agent_whose_log_cannot_be_written_goes_on() {
    let ground = Ground::new(Engine::Sqlite, 0, 1).await.unwrap();
    let to_a_full_disk = ["sh", "-c", "exec \"$@\" 2>/dev/full", "sh"].map(str::to_owned);
    let site = Site::inside(&ground, 1, to_a_full_disk.to_vec()).await;
    site.is_live(PATIENCE).await;
}
