//! `farwatch-postgres`: a PostgreSQL cluster for tests.
//!
//! Prints `postgres URL` and `ready`; the URL is what `FARWATCH_POSTGRES` takes. Ends on SIGTERM or
//! SIGINT, and nothing of it is left then.

use farwatch_support::postgres::{Durability, Postgres, SUPERUSER};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let cluster = tokio::select! {
        cluster = Postgres::start(Durability::Lost) => cluster?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    println!("postgres {}", cluster.url(SUPERUSER, "postgres"));
    println!("ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    drop(cluster);
    Ok(())
}
