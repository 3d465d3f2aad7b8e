//! One serving collector per PostgreSQL database: live state is in its memory, and two would give
//! the same ids to different things.
//!
//! - in: a connection of its own, which holds an advisory lock as long as it lives
//! - out: the right to serve
//! - on loss: no transaction begins until the lock is taken again, however long the server is
//!   away; only another collector that serves meanwhile ends this one

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use farwatch_common::backoff::Backoff;
use farwatch_common::task::chain;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::StoreError;
use super::postgres::server;

/// Any number that nobody else locks; each database has its own.
const LOCK: i64 = 0x6661_7277_7365_7276;
/// How soon the loss of the connection is seen.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// A server that does not answer for so long is as good as lost.
const CHECK_WITHIN: Duration = Duration::from_secs(5);
/// How long the server may take to see that a collector was killed, before it counts as serving.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);
const RETRY_BASE: Duration = Duration::from_millis(500);
const RETRY_CAP: Duration = Duration::from_secs(2);

/// Ends what this process left on the server when its connection broke.
const END_OWN: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = $1 AND usename = session_user AND pid <> pg_backend_pid()";

/// The right to serve from a database, until the last clone is dropped.
#[derive(Clone)]
pub struct Serving {
    options: PgConnectOptions,
    /// By which the server knows this process.
    name: String,
    patience: Duration,
    connection: Arc<Mutex<PgConnection>>,
    fence: Fence,
}

/// Up while the right to serve is lost: another may have it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Fence(Arc<AtomicBool>);

impl Fence {
    pub(super) fn is_up(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn put(&self, up: bool) {
        self.0.store(up, Ordering::Release);
    }
}

/// The options would show a password.
impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Serving {
    /// Takes the lock, or says that somebody has it.
    pub(super) async fn begin(
        options: &PgConnectOptions,
        fence: Fence,
    ) -> Result<Self, StoreError> {
        let name = format!("farwatch-collector serves {:016x}", rand::random::<u64>());
        let options = options.clone().application_name(&name);
        let connection = take(&options, &name, PATIENCE).await?;
        let connection = Arc::new(Mutex::new(connection));
        Ok(Self { options, name, patience: PATIENCE, connection, fence })
    }

    /// Keeps it until `cancel`; fails if another collector serves.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), StoreError> {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(CHECK_EVERY) => {}
            }
            let Err(error) = self.check().await else { continue };
            self.fence.put(true);
            tracing::warn!(error, "the database is lost: waiting for it");
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                taken = self.take_again() => taken?,
            }
            self.fence.put(false);
            tracing::info!("the database is back");
        }
    }

    async fn check(&self) -> Result<(), String> {
        let mut connection = self.connection.lock().await;
        let answer = sqlx::query("SELECT 1").execute(&mut *connection);
        match tokio::time::timeout(CHECK_WITHIN, answer).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(chain(&error)),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    async fn take_again(&self) -> Result<(), StoreError> {
        let mut backoff = Backoff::new(RETRY_BASE, RETRY_CAP);
        loop {
            match take(&self.options, &self.name, self.patience).await {
                Ok(connection) => {
                    *self.connection.lock().await = connection;
                    return Ok(());
                }
                Err(error @ StoreError::Served { .. }) => return Err(error),
                // Whatever it is, an operator can mend it while this process waits.
                Err(error) => tracing::debug!(error = chain(&error), "the database is away"),
            }
            tokio::time::sleep(backoff.next(rand::random())).await;
        }
    }
}

/// A connection during whose life nobody serves.
pub(super) async fn alone(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let name = format!("farwatch-collector moves {:016x}", rand::random::<u64>());
    take(&options.clone().application_name(&name), &name, PATIENCE).await
}

async fn take(
    options: &PgConnectOptions,
    name: &str,
    patience: Duration,
) -> Result<PgConnection, StoreError> {
    let connect = |source| StoreError::connect(server(options), source);
    let mut connection = options.connect().await.map_err(connect)?;
    let until = Instant::now() + patience;
    loop {
        let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        if lock.fetch_one(&mut connection).await.map_err(connect)? {
            return Ok(connection);
        }
        if Instant::now() >= until {
            return Err(StoreError::Served { server: server(options) });
        }
        sqlx::query(END_OWN).bind(name).execute(&mut connection).await.map_err(connect)?;
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::TenantContext;
    use crate::store::fixture::scratch::Scratch;

    /// What a network that breaks does to one side.
    async fn cut(serving: &Serving, scratch: &Scratch) {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE application_name = $1";
        let mut superuser = scratch.superuser().await;
        sqlx::query(end).bind(&serving.name).execute(&mut superuser).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_was_ended_is_replaced() {
        let Some(scratch) = Scratch::open().await else { return };
        let database = scratch.database().await;
        let serving = database.serving().await.unwrap().unwrap();
        cut(&serving, &scratch).await;
        assert!(serving.check().await.is_err());
        serving.take_again().await.unwrap();
        serving.check().await.unwrap();
        // A connection that only this side believes lost: its lock is taken over.
        let other = scratch.connect("farwatch").await;
        let left = std::mem::replace(&mut *serving.connection.lock().await, other);
        serving.take_again().await.unwrap();
        serving.check().await.unwrap();
        drop((left, serving));
        database.close().await;
        scratch.remove().await;
    }

    #[tokio::test]
    async fn two_do_not_serve_and_the_one_that_lost_the_lock_ends() {
        let Some(scratch) = Scratch::open().await else { return };
        let database = scratch.database().await;
        let mut first = database.serving().await.unwrap().unwrap();
        first.patience = Duration::ZERO;
        let options = &first.options.clone().application_name("second");
        let refused = take(options, "second", Duration::ZERO).await.unwrap_err();
        assert!(matches!(refused, StoreError::Served { .. }), "{refused:?}");
        first.check().await.unwrap();
        cut(&first, &scratch).await;
        let second = take(options, "second", PATIENCE).await.unwrap();
        // A stop would have been no failure.
        let ended = first.clone().run(CancellationToken::new()).await.unwrap_err();
        assert!(matches!(ended, StoreError::Served { .. }), "{ended:?}");
        // Who has no right to serve changes nothing any more.
        let refused = database.read(&TenantContext::nobody()).await.err().unwrap();
        assert!(matches!(refused, StoreError::Away) && refused.is_retryable());
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        first.run(cancelled).await.unwrap();
        drop(second);
        database.close().await;
        scratch.remove().await;
    }
}
