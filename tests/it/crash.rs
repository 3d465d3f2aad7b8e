//! kill -9 of agent, collector and database in turn: what the routers answered is what is stored. `./x faults`
//! does the same longer and measures.

use farwatch_support::faults::{Engine, Figure, Ground, Row, Skipped, row};

/// Of a round of `./x faults` there are five; it does many.
const KILLS: usize = 12;
/// The same on PostgreSQL, where a start takes longer; of PostgreSQL itself fewer still.
const KILLS_ON_POSTGRES: usize = 6;
const DATABASE_KILLS: usize = 4;

/// Beside other tests of a busy machine, what is promised in seconds is only held to this; `./x faults` has the
/// machine to itself and holds it to the second.
const BUSY_S: f64 = 30.0;

/// Fails unless every promise is kept.
pub(crate) async fn is_kept(id: &str, engine: Engine, times: usize) {
    let Row { round, title, .. } = row(id).unwrap();
    let seed = rand::random();
    let measured = async {
        let ground = Ground::new(engine, seed, times).await?;
        round(&ground).await
    };
    match measured.await {
        Err(Skipped(why)) => println!("skipped: {why}"),
        Ok(figures) => {
            let is_kept = |figure: &&Figure| match figure.unit {
                "s" => figure.limit.is_none_or(|limit| figure.value <= limit.max(BUSY_S)),
                _ => figure.is_met(),
            };
            let broken: Vec<_> = figures.iter().filter(|figure| !is_kept(figure)).collect();
            assert!(broken.is_empty(), "{id} ({title}), seed {seed}: {broken:#?} of {figures:#?}");
            println!("{id}: {figures:?}");
        }
    }
}

#[tokio::test]
async fn kill_nine_loses_at_most_the_last_second() {
    is_kept("F1", Engine::Sqlite, KILLS).await;
}

#[tokio::test]
async fn kill_nine_of_the_collector_loses_nothing() {
    is_kept("F2", Engine::Sqlite, KILLS).await;
}

#[tokio::test]
async fn kill_nine_loses_no_more_on_postgresql() {
    is_kept("F1", Engine::Postgres, KILLS_ON_POSTGRES).await;
}

#[tokio::test]
async fn kill_nine_of_the_collector_loses_nothing_on_postgresql() {
    is_kept("F2", Engine::Postgres, KILLS_ON_POSTGRES).await;
}

/// Nothing is lost then, and neither collector nor agent has to be started again.
#[tokio::test]
async fn postgresql_itself_is_killed() {
    is_kept("F3", Engine::Postgres, DATABASE_KILLS).await;
}
