//! A few rows of `./x faults`, a short round each.

use farwatch_support::faults::Engine;

use crate::crash::is_kept;

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
