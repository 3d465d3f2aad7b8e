//! Stage **command**: what somebody wants of an agent now, and its answer.
//!
//! - in: a command for an agent that is connected, from `api`
//! - out: the agent's answer
//! - bound: [`COMMANDS_MAX`] under way, [`COMMANDS_PER_TENANT_MAX`] of one tenant,
//!   [`COMMANDS_PER_AGENT_MAX`] of one agent, [`DEADLINE`] each
//! - when full: refused at once
//! - on crash: gone; the agent ends what it has begun, and its samples come as ever

mod line;

use std::sync::Arc;
use std::time::Duration;

use farwatch_common::clock::{Clock, Micros};
use farwatch_common::id::{AgentId, DeviceId, TenantId};
use farwatch_proto::v1::agent_control_client::AgentControlClient;
use farwatch_proto::v1::{
    Command, CommandResult, DrainNotice, FetchConfig, FindCredential, FindCredentialResult,
    ListNetworks, Network, PingRequest, PollNow, PollNowResult, ScanHosts, ScanHostsResult,
    command, command_result,
};
use futures_util::StreamExt as _;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::audit::Change;
use crate::identity::places::{Full, Place, Places};
use crate::identity::{Access, TenantContext};
use crate::inventory::InventoryError;
use crate::store::Database;
pub use line::{Line, Lines};

/// Commands under way, of all agents.
pub const COMMANDS_MAX: usize = 256;
/// Of all agents of one tenant: it takes eight tenants to keep the others waiting.
pub const COMMANDS_PER_TENANT_MAX: usize = 32;
/// Of one agent: a person at a screen, and a few more.
pub const COMMANDS_PER_AGENT_MAX: usize = 4;
/// Nobody waits longer for an agent; a request of the API may take 30 s.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// Of the deadline, for the way there and back: the agent answers with what it has by then.
const WAY: Duration = Duration::from_secs(2);
/// How long all agents together may take to be told that the collector stops.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// A new process takes so many agents a second without a queue at its door ([ADR 14]), ...
///
/// [ADR 14]: ../../docs/adr/0014-slots-by-the-crowd.md
const RETURNS_PER_S: usize = 100;
/// ... and none is told to stay away longer.
const RETURN_WITHIN_MAX: Duration = Duration::from_secs(60);
/// How soon an agent whose connection broke must be back, or it is offline: one that changes its transport
/// is at once.
const BACK_WITHIN: Duration = Duration::from_secs(3);
/// How often that is looked after.
const BACK_EVERY: Duration = Duration::from_millis(50);
/// Agents that are told at once.
const DRAINS_MAX: usize = 1024;
/// Of what an agent says went wrong.
const REASON_CHARS_MAX: usize = 200;
/// Of a text that an agent sends, in characters.
const TEXT_CHARS_MAX: usize = 512;
/// Bytes of the id of a command: random ones.
pub const ID_BYTES: usize = 16;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("the agent is not connected")]
    Offline,
    #[error("the agent does not know this command")]
    TooOld,
    #[error("the agent did not answer in time")]
    TimedOut,
    /// It or this collector has as many commands for it as may be.
    #[error("the agent has enough to do")]
    AgentBusy,
    #[error("{COMMANDS_PER_TENANT_MAX} commands of the tenant are under way")]
    TenantBusy,
    #[error("{COMMANDS_MAX} commands are under way")]
    Busy,
    /// It was not told yet, or refused to poll it.
    #[error("the agent does not poll this device")]
    NotAssigned,
    #[error("the agent failed: {reason}")]
    Failed { reason: String },
}

/// What a ping of an agent measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinged {
    pub rtt: Duration,
    /// By how much the agent's clock is ahead, give or take half the round trip; `None` where it
    /// does not tell its time.
    pub clock_ahead_us: Option<i64>,
}

type Client = AgentControlClient<Channel>;

/// Calls agents. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    lines: Arc<dyn Lines>,
    of_tenants: Arc<Places<TenantId>>,
    of_agents: Arc<Places<AgentId>>,
    clock: Clock,
}

/// A command that has its place, for an agent that is connected.
pub struct Errand {
    lines: Arc<dyn Lines>,
    line: Line,
    clock: Clock,
    agent: AgentId,
    _places: (Place<TenantId>, Place<AgentId>),
}

impl Commands {
    #[must_use]
    pub fn new(lines: Arc<dyn Lines>, clock: Clock) -> Self {
        let of_tenants = Arc::new(Places::new(COMMANDS_MAX, COMMANDS_PER_TENANT_MAX));
        let of_agents = Arc::new(Places::new(COMMANDS_MAX, COMMANDS_PER_AGENT_MAX));
        Self { lines, of_tenants, of_agents, clock }
    }

    /// Number of the connection that the agent is called over; `None`: it is not connected here.
    #[must_use]
    pub fn connection(&self, agent: AgentId) -> Option<u64> {
        self.lines.line(agent).map(|line| line.connection())
    }

    /// Takes a place for a command to this agent of the tenant. The caller knows that it is theirs.
    pub fn begin(&self, tenant: TenantId, agent: AgentId) -> Result<Errand, CommandError> {
        let line = self.lines.line(agent).ok_or(CommandError::Offline)?;
        let full = |for_key: CommandError| {
            move |full| match full {
                Full::ForAll => CommandError::Busy,
                Full::ForKey => for_key,
            }
        };
        // What the agent is busy with is told before what its tenant is.
        let of_agent = self.of_agents.take(agent).map_err(full(CommandError::AgentBusy))?;
        let of_tenant = self.of_tenants.take(tenant).map_err(full(CommandError::TenantBusy))?;
        let lines = Arc::clone(&self.lines);
        Ok(Errand { lines, line, clock: self.clock.clone(), agent, _places: (of_tenant, of_agent) })
    }

    /// Tells every connected agent that this collector is about to stop. Returns when all have
    /// answered, after [`DRAIN_WITHIN`] at the latest.
    pub async fn drain(&self) {
        let lines = self.lines.lines();
        let agents = lines.len();
        let deadline_ms = millis(DRAIN_WITHIN);
        let within = return_within(agents);
        let tell = |line: Line| async move {
            // 0 would leave it to the agent.
            let come_after_ms = millis(within.mul_f64(rand::random())).max(1);
            // One that does not know of it learns that the connection closes.
            if let Ok(mut client) = line.client().await {
                let _ = client.drain(DrainNotice { deadline_ms, come_after_ms }).await;
            }
        };
        let all = futures_util::stream::iter(lines).for_each_concurrent(DRAINS_MAX, tell);
        let answered = tokio::time::timeout(DRAIN_WITHIN, all).await.is_ok();
        tracing::info!(stage = "command", agents, answered, "agents were told to go");
    }
}

impl Errand {
    /// Has a device polled now; its samples go the usual way.
    pub async fn poll_now(self, device: DeviceId) -> Result<PollNowResult, CommandError> {
        let kind = command::Kind::PollNow(PollNow { device_id: device.0 });
        match self.run(kind).await?.kind {
            Some(command_result::Kind::PollNow(result)) => Ok(result),
            _ => Err(another()),
        }
    }

    /// Has credentials tried one by one.
    pub async fn find_credential(
        self,
        wanted: FindCredential,
    ) -> Result<FindCredentialResult, CommandError> {
        match self.run(command::Kind::FindCredential(wanted)).await?.kind {
            Some(command_result::Kind::FindCredential(result)) => Ok(result),
            _ => Err(another()),
        }
    }

    /// Has a configuration fetched: the answer says that the agent has the job, by its id.
    pub async fn fetch_config(self, wanted: FetchConfig) -> Result<(), CommandError> {
        match self.run(command::Kind::FetchConfig(wanted)).await?.kind {
            Some(command_result::Kind::FetchConfig(_)) => Ok(()),
            _ => Err(another()),
        }
    }

    /// Has hosts scanned. With the same `id` it is asked for once more what it has done already.
    pub async fn scan_hosts(
        self,
        id: [u8; ID_BYTES],
        wanted: ScanHosts,
    ) -> Result<ScanHostsResult, CommandError> {
        match self.run_as(id, command::Kind::ScanHosts(wanted)).await?.kind {
            Some(command_result::Kind::ScanHosts(result)) => Ok(result),
            _ => Err(another()),
        }
    }

    /// Which networks the agent's host is in.
    pub async fn list_networks(self) -> Result<Vec<Network>, CommandError> {
        match self.run(command::Kind::ListNetworks(ListNetworks {})).await?.kind {
            Some(command_result::Kind::ListNetworks(result)) => Ok(result.networks),
            _ => Err(another()),
        }
    }

    async fn run(&self, kind: command::Kind) -> Result<CommandResult, CommandError> {
        self.run_as(rand::random(), kind).await
    }

    async fn run_as(
        &self,
        id: [u8; ID_BYTES],
        kind: command::Kind,
    ) -> Result<CommandResult, CommandError> {
        let id = id.to_vec();
        let began = self.clock.monotonic();
        self.in_time(|mut agent| {
            // Asked again, it has what is left.
            let gone = self.clock.monotonic().duration_since(began);
            let deadline_ms = millis(DEADLINE.saturating_sub(gone + WAY));
            let command = Command { id: id.clone(), deadline_ms, kind: Some(kind.clone()) };
            async move { agent.run(command).await }
        })
        .await
    }

    /// Whether the agent answers, how fast, and what time it has.
    pub async fn ping(self) -> Result<Pinged, CommandError> {
        let nonce = rand::random();
        // Each try for itself: the wait for a new connection is no round trip.
        let ask = |mut agent: Client| {
            let clock = self.clock.clone();
            async move {
                let (asked, began) = (clock.now(), clock.monotonic());
                let reply = agent.ping(PingRequest { nonce }).await?;
                let rtt = clock.monotonic().duration_since(began);
                Ok(reply.map(|reply| (reply, asked, rtt)))
            }
        };
        let (reply, asked, rtt) = self.in_time(ask).await?;
        if reply.nonce != nonce {
            return Err(another());
        }
        let halfway = asked.after(rtt / 2);
        let told = (reply.agent_time_us != 0).then_some(reply.agent_time_us);
        let clock_ahead_us = told.map(|agent| agent.saturating_sub(halfway.0));
        Ok(Pinged { rtt, clock_ahead_us })
    }

    async fn in_time<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, CommandError>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let answer = tokio::time::timeout(DEADLINE, self.asked(ask)).await;
        let answer = answer.unwrap_or(Err(CommandError::TimedOut));
        if let Err(error) = &answer {
            tracing::info!(stage = "command", agent_id = %self.agent, %error, "no answer");
        }
        answer
    }

    /// Asks again over the next connection where one broke: an agent goes over to another transport in
    /// the middle of its work, and knows by its id what it does already.
    async fn asked<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, CommandError>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let mut line = self.line.clone();
        loop {
            let answer = match line.client().await {
                Ok(client) => ask(client).await,
                Err(status) => Err(status),
            };
            let answer = answer.map(tonic::Response::into_inner).map_err(|status| why(&status));
            if !matches!(answer, Err(CommandError::Offline)) {
                return answer;
            }
            let next = tokio::time::timeout(BACK_WITHIN, self.line_after(&line)).await;
            line = next.map_err(|_| CommandError::Offline)?;
        }
    }

    /// The line of the agent's next connection, once there is one.
    async fn line_after(&self, broken: &Line) -> Line {
        let mut tick = tokio::time::interval(BACK_EVERY);
        loop {
            tick.tick().await;
            let line = self.lines.line(self.agent);
            if let Some(line) = line.filter(|line| line.connection() > broken.connection()) {
                return line;
            }
        }
    }
}

/// The window over which so many agents come back.
fn return_within(agents: usize) -> Duration {
    let seconds = agents as f64 / RETURNS_PER_S as f64;
    Duration::from_secs_f64(seconds).min(RETURN_WITHIN_MAX)
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

fn another() -> CommandError {
    CommandError::Failed { reason: "it answered something else".to_owned() }
}

fn why(status: &Status) -> CommandError {
    use std::error::Error as _;
    match status.code() {
        Code::DeadlineExceeded => CommandError::TimedOut,
        // Made here, because the connection broke; what an agent says has no source.
        Code::Unavailable => CommandError::Offline,
        _ if status.source().is_some() => CommandError::Offline,
        Code::Unimplemented => CommandError::TooOld,
        Code::ResourceExhausted => CommandError::AgentBusy,
        Code::NotFound => CommandError::NotAssigned,
        _ => {
            let shown = |letter: &char| !letter.is_control();
            let reason = status.message().chars().filter(shown).take(REASON_CHARS_MAX).collect();
            CommandError::Failed { reason }
        }
    }
}

/// What an agent says of something it was told by others, cut, without control characters; empty is
/// nothing.
#[must_use]
pub fn told_text(told: &str) -> Option<String> {
    let shown = |letter: char| if letter.is_control() { ' ' } else { letter };
    let text: String = told.trim().chars().map(shown).take(TEXT_CHARS_MAX).collect();
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Writes into the audit what is asked of an agent of this tenant, before it is, and what came of it.
pub async fn noted(
    db: &Database,
    context: &TenantContext,
    tenant: TenantId,
    change: Change,
    now: Micros,
) -> Result<(), InventoryError> {
    let txn = db.change(context, tenant, Access::Write).await?;
    Ok(txn.commit([change], now).await?)
}

#[cfg(test)]
pub(crate) mod tests;
