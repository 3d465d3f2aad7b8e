//! The composition root: poll, buffer, uplink, in the order data flows.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::signals::{SignalError, stop_requested};
use farwatch_common::task::{TaskFailed, TaskSet};
use tokio::sync::watch;

use crate::buffer::{self, BufferError};
use crate::command::Commander;
use crate::config::AgentConfig;
use crate::history::jobs::Jobs;
use crate::history::outbox::{Outbox, OutboxError};
use crate::identity::{self, IdentityError};
use crate::inventory::{Inventory, InventoryError};
use crate::poll::{self, PollConfig, PollCounters, ping};
use crate::seal::Owner;
use crate::state_dir::{StateDir, StateDirError};
use crate::status::Reporter;
use crate::uplink::{self, DRAIN_MAX, Uplink, UplinkState};

/// After the stop signal: the drain of the uplink and some time for the disk.
const GRACE: Duration = DRAIN_MAX.saturating_add(Duration::from_secs(3));

/// Why the agent cannot run.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    #[error("this agent is not enrolled; run `farwatch-agent enroll --token-file FILE` first")]
    NotEnrolled,
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the assignment")]
    Inventory(#[from] InventoryError),
    #[error("the outcomes of jobs")]
    Outbox(#[from] OutboxError),
    #[error("the buffer")]
    Buffer(#[from] BufferError),
    #[error("the buffer could not be opened")]
    Opening(#[source] tokio::task::JoinError),
    #[error(transparent)]
    Signals(#[from] SignalError),
    #[error(transparent)]
    Task(#[from] TaskFailed),
}

/// Runs the agent until it is asked to stop.
pub async fn run(config: &AgentConfig, clock: Clock) -> Result<(), AgentError> {
    // First: a signal at any moment from here on ends the agent in order.
    let stop = stop_requested()?;
    let dir: &Path = &config.state_dir;
    // Held to the end.
    let _state_dir = StateDir::lock(dir)?;
    let credentials = identity::load(dir)?.ok_or(AgentError::NotEnrolled)?;
    let owner = Owner::of(&credentials);
    let inventory = Arc::new(Inventory::open(dir, owner)?);
    let outbox = Arc::new(Outbox::open(dir, owner)?);
    let jobs = Arc::new(Jobs::new(dir.to_owned(), Arc::clone(&outbox), clock.clone()));
    let counters = Arc::new(PollCounters::default());
    let (observations, observed) = poll::outlet::channel(buffer::OBSERVATIONS_MAX);
    let (uplink_state, uplink_seen) = watch::channel(UplinkState::default());

    let mut tasks = TaskSet::new();
    let cancel = tasks.cancellation();
    let (ping_now, requests) = ping::channel();
    // Of its own: an answer that waits behind the work of SNMP would look late.
    let pinging = ping::run(
        requests,
        inventory.targets(),
        observations.clone(),
        clock.clone(),
        Arc::clone(&counters),
        cancel.clone(),
    );
    tasks.spawn("ping", pinging);
    let (poll_now, poll_requests) = poll::now::channel();
    let (gateway, gateway_seen) = watch::channel(None);
    let finding = ping::gateway::run(ping_now.clone(), gateway, clock.clone(), cancel.clone());
    tasks.spawn("gateway", finding);
    tasks.spawn(
        "poll",
        poll::run(
            PollConfig {
                ping: Some(ping_now.clone()),
                now: Some(poll_requests),
                ..PollConfig::default()
            },
            inventory.targets(),
            observations,
            clock.clone(),
            Arc::clone(&counters),
            cancel.clone(),
        ),
    );
    // After a crash all of a large file is read first, which takes a minute on a slow card: polling goes on
    // meanwhile, and what finds no room on the way to the file is counted.
    let (settings, same_clock) = (config.buffer(dir, credentials.agent), clock.clone());
    let (buffer, stopped) =
        tokio::task::spawn_blocking(move || buffer::start(settings, observed, same_clock))
            .await
            .map_err(AgentError::Opening)??;
    tasks.spawn("buffer", stopped.wait());
    tasks.spawn("history", Arc::clone(&jobs).run(cancel.clone()));
    tasks.spawn(
        "status",
        Reporter {
            state_dir: dir.to_owned(),
            inventory: Arc::clone(&inventory),
            uplink: uplink_seen,
            buffer: buffer.state(),
            poll: counters,
            jobs: Arc::clone(&jobs),
            clock: clock.clone(),
        }
        .run(cancel.clone()),
    );
    let uplink = Uplink::new(uplink::Parts {
        state_dir: dir.to_owned(),
        buffer,
        credentials,
        inventory,
        commander: Arc::new(Commander::new(poll_now, ping_now, jobs, clock.clone())),
        outbox,
        settings: &config.uplink,
        clock,
        gateway: gateway_seen,
        state: uplink_state,
        stop: stop.clone(),
    });
    tasks.spawn("uplink", uplink.run(cancel));

    let stop = async {
        stop.cancelled().await;
        tracing::info!("stopping, up to {} s", GRACE.as_secs());
    };
    tasks.run(stop, GRACE).await?;
    tracing::info!("stopped");
    Ok(())
}
