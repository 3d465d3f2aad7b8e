//! Command: what the collector wants to be done now. Each is done once, to its end, also where the
//! session it came by ends before: a repetition of its id over another one gets the result of the
//! first.
//!
//! - **In:** commands of the collector, by the session's reverse calls.
//! - **Out:** their results; samples of a poll go the usual way, and configurations are jobs.
//! - **Bound:** [`AT_ONCE_MAX`] at a time, [`REMEMBERED_MAX`] results, [`DEADLINE_MAX`] each.
//! - **When full:** a command is refused, and the refusal says so.
//! - **On crash:** nothing is kept; the collector sees the call fail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_common::task::spawn_child;
use farwatch_proto::v1::{
    Command, CommandResult, FetchConfigTaken, FindCredential, FindCredentialResult, Network,
    Networks, PollNowResult, ScanHosts, ScanHostsResult, command, command_result,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::history::jobs::{JOBS_MAX, Jobs, OrderError};
use crate::platform::routes;
use crate::poll::credential::{self, CANDIDATES_MAX, Limits, Sought};
use crate::poll::now::PollNow;
use crate::poll::ping::PingNow;
use crate::poll::scan;

/// Commands that are carried out at the same time.
const AT_ONCE_MAX: usize = 4;
/// Results that are kept for repetitions.
const REMEMBERED_MAX: usize = 64;
/// A command's own deadline counts if it is sooner.
const DEADLINE_MAX: Duration = Duration::from_secs(60);
/// What the last credential may take. A user at every address of a name may take longer.
const LAST_TRY: Duration = Duration::from_secs(7);
/// What the result may take on its way back: what has no outcome by then is left out of it.
const WAY_BACK: Duration = Duration::from_secs(1);
/// Longest id.
const ID_BYTES_MAX: usize = 64;
const HOST_BYTES_MAX: usize = 253;

/// Why a command has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("this agent does not know the command; update it")]
    Unknown,
    #[error("the command breaks a limit: {0}")]
    Invalid(&'static str),
    #[error("this agent does not poll the device; its assignment may be on the way")]
    NoDevice,
    #[error("this agent already carries out {AT_ONCE_MAX} commands; try again in a moment")]
    Busy,
    #[error("this agent takes no more jobs now: {JOBS_MAX} wait, or their outcomes fill its place")]
    JobsFull,
    #[error("the command was not done in time")]
    Late,
}

impl From<OrderError> for CommandError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Invalid(limit) => Self::Invalid(limit),
            OrderError::Full => Self::JobsFull,
        }
    }
}

/// `None` while the command is carried out.
type Outcome = Option<Result<CommandResult, CommandError>>;
type Remembered = watch::Receiver<Outcome>;

/// Carries out commands. Shared by all sessions.
#[derive(Debug)]
pub struct Commander {
    poll: PollNow,
    ping: PingNow,
    jobs: Arc<Jobs>,
    clock: Clock,
    turns: Arc<Semaphore>,
    /// No host is asked by two scans at once.
    scanning: Semaphore,
    /// Newest last.
    remembered: Mutex<VecDeque<(Vec<u8>, Remembered)>>,
    stop: CancellationToken,
    _stops: DropGuard,
}

/// The first call with an id.
struct First {
    id: Vec<u8>,
    turn: OwnedSemaphorePermit,
    outcome: watch::Sender<Outcome>,
}

impl Commander {
    #[must_use]
    pub fn new(poll: PollNow, ping: PingNow, jobs: Arc<Jobs>, clock: Clock) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE_MAX));
        let stop = CancellationToken::new();
        let stops = stop.clone().drop_guard();
        let (scanning, remembered) = (Semaphore::new(1), Mutex::default());
        Self { poll, ping, jobs, clock, turns, scanning, remembered, stop, _stops: stops }
    }

    /// Does what is asked, or waits for the first with this id. A failure is not remembered.
    pub async fn run(self: &Arc<Self>, command: Command) -> Result<CommandResult, CommandError> {
        let Command { id, deadline_ms, kind } = command;
        let kind = kind.ok_or(CommandError::Unknown)?;
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(CommandError::Invalid("its id is empty or too long"));
        }
        let limit = Duration::from_millis(deadline_ms.into()).min(DEADLINE_MAX);
        let (mut outcome, first) = self.place(id)?;
        if let Some(first) = first {
            spawn_child(&self.stop, Arc::clone(self).first(kind, limit, first));
        }
        // Comes in time: the deadline of the first call bounds what is done.
        let done = outcome.wait_for(Option::is_some).await.ok().and_then(|done| done.clone());
        done.unwrap_or(Err(CommandError::Late))
    }

    async fn first(self: Arc<Self>, kind: command::Kind, limit: Duration, first: First) {
        let First { id, turn, outcome } = first;
        let done = tokio::time::timeout(limit, self.carry_out(kind, limit)).await;
        let done = done.unwrap_or(Err(CommandError::Late));
        if done.is_err() {
            self.remembered().retain(|(known, _)| *known != id);
        }
        drop(turn);
        outcome.send_replace(Some(done));
    }

    fn remembered(&self) -> MutexGuard<'_, VecDeque<(Vec<u8>, Remembered)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the result of the id is, or will be.
    fn place(&self, id: Vec<u8>) -> Result<(Remembered, Option<First>), CommandError> {
        let mut remembered = self.remembered();
        if let Some((_, outcome)) = remembered.iter().find(|(known, _)| *known == id) {
            return Ok((outcome.clone(), None));
        }
        // One that is refused must not push out a result.
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| CommandError::Busy)?;
        if remembered.len() == REMEMBERED_MAX {
            remembered.pop_front();
        }
        let (outcome, seen) = watch::channel(None);
        remembered.push_back((id.clone(), seen.clone()));
        Ok((seen, Some(First { id, turn, outcome })))
    }

    async fn carry_out(
        &self,
        kind: command::Kind,
        limit: Duration,
    ) -> Result<CommandResult, CommandError> {
        let kind = match kind {
            command::Kind::PollNow(what) => {
                let device = DeviceId(what.device_id);
                let (snmp, ping) = tokio::join!(self.poll.poll(device), self.ping.ping(device));
                let snmp = Some(snmp.ok_or(CommandError::NoDevice)?);
                let at_us = self.clock.now().0;
                command_result::Kind::PollNow(PollNowResult { at_us, snmp, ping })
            }
            command::Kind::FindCredential(what) => {
                let found = self.find_credential(what, limit).await?;
                command_result::Kind::FindCredential(found)
            }
            command::Kind::FetchConfig(what) => {
                self.jobs.take(what)?;
                command_result::Kind::FetchConfig(FetchConfigTaken {})
            }
            command::Kind::ScanHosts(what) => {
                command_result::Kind::ScanHosts(self.scan_hosts(what, limit).await?)
            }
            command::Kind::ListNetworks(_) => command_result::Kind::ListNetworks(networks()),
        };
        Ok(CommandResult { kind: Some(kind) })
    }

    async fn find_credential(
        &self,
        what: FindCredential,
        limit: Duration,
    ) -> Result<FindCredentialResult, CommandError> {
        let FindCredential { host, port, candidates, strict_source } = what;
        let port = u16::try_from(port).ok().filter(|port| *port != 0);
        let port = port.ok_or(CommandError::Invalid("the port is not between 1 and 65535"))?;
        if host.is_empty() || host.len() > HOST_BYTES_MAX {
            return Err(CommandError::Invalid("the host is empty or too long"));
        }
        if candidates.len() > CANDIDATES_MAX {
            return Err(CommandError::Invalid("there are too many credentials"));
        }
        let limits = within(limit);
        let ended_within = limits.ended_within;
        let sought = Sought { host: &host, port, strict_source };
        let finding = credential::find(sought, &candidates, limits, &self.clock);
        let pinging = tokio::time::timeout(ended_within, self.ping.ping_once(&host));
        let (outcomes, ping) = tokio::join!(finding, pinging);
        let not_tried = candidates.len().saturating_sub(outcomes.len());
        let not_tried = u32::try_from(not_tried).unwrap_or(u32::MAX);
        Ok(FindCredentialResult { outcomes, ping: ping.ok(), not_tried })
    }

    async fn scan_hosts(
        &self,
        what: ScanHosts,
        limit: Duration,
    ) -> Result<ScanHostsResult, CommandError> {
        let wanted = scan::Wanted::of(what).map_err(CommandError::Invalid)?;
        let _turn = self.scanning.try_acquire().map_err(|_| CommandError::Busy)?;
        Ok(scan::scan(wanted, &self.ping, within(limit), &self.clock).await)
    }
}

/// The time for what tries credentials.
fn within(limit: Duration) -> Limits {
    let ended_within = limit.saturating_sub(WAY_BACK);
    Limits { begun_within: limit.saturating_sub(LAST_TRY), ended_within }
}

fn networks() -> Networks {
    let one = |network: routes::Network| Network {
        interface: network.interface,
        address: network.address.to_string(),
        prefix: network.prefix,
    };
    Networks { networks: routes::networks().into_iter().map(one).collect() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use farwatch_common::id::{AgentId, SiteId, TenantId};
    use farwatch_proto::v1::{
        CredentialCandidate, FetchConfig, SnmpCommunity, SnmpVersion, SshLogin,
    };
    use tokio::net::UdpSocket;

    use super::*;
    use crate::history::outbox::Outbox;
    use crate::seal::Owner;

    /// A question and its repetition, over v2c and v1.
    const QUESTIONS: usize = 4;

    fn commander(dir: &Path) -> Arc<Commander> {
        let (poll, ping) = (crate::poll::now::channel().0, crate::poll::ping::channel().0);
        let owner = Owner { tenant: TenantId(1), site: SiteId(2), agent: AgentId(3) };
        let outbox = Arc::new(Outbox::open(dir, owner).unwrap());
        let jobs = Arc::new(Jobs::new(dir.to_owned(), outbox, Clock::system()));
        Arc::new(Commander::new(poll, ping, jobs, Clock::system()))
    }

    /// Tries a community on a device that is silent.
    fn find(id: u8, device: &UdpSocket) -> Command {
        let community = b"of-nobody".to_vec();
        let community = SnmpCommunity { version: SnmpVersion::V2c as i32, community };
        let candidate = CredentialCandidate { id: 1, community: Some(community), user: None };
        let address = device.local_addr().unwrap();
        let find = FindCredential {
            host: address.ip().to_string(),
            port: address.port().into(),
            candidates: vec![candidate],
            strict_source: false,
        };
        let kind = Some(command::Kind::FindCredential(find));
        Command { id: vec![id], deadline_ms: 30_000, kind }
    }

    async fn heard(device: &UdpSocket) -> usize {
        device.recv(&mut [0; 1500]).await.unwrap()
    }

    #[tokio::test]
    async fn a_command_goes_on_without_its_session_and_its_repetition_gets_the_result() {
        let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let commander = commander(dir.path());
        tokio::select! {
            done = commander.run(find(1, &device)) => panic!("{done:?}"),
            _ = heard(&device) => {}
        }
        let result = commander.run(find(1, &device)).await.unwrap();
        let Some(command_result::Kind::FindCredential(found)) = &result.kind else { panic!() };
        assert_eq!((found.outcomes.len(), found.not_tried), (1, 0));
        for _ in 1..QUESTIONS {
            heard(&device).await;
        }
        let more = device.try_recv(&mut [0; 1500]);
        assert!(more.is_err(), "the device was asked again");
        assert_eq!(commander.run(find(1, &device)).await.unwrap(), result);
        assert!(device.try_recv(&mut [0; 1500]).is_err(), "the device was asked again");
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered_and_commands_are_bounded() {
        let device = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let commander = commander(dir.path());
        let nowhere = Some(command::Kind::FindCredential(FindCredential::default()));
        let invalid = commander.run(Command { kind: nowhere, ..find(1, &device) }).await;
        assert!(matches!(invalid, Err(CommandError::Invalid(_))), "{invalid:?}");
        assert!(commander.remembered().is_empty());
        let held: Vec<_> =
            (0..AT_ONCE_MAX).map(|_| Arc::clone(&commander.turns).try_acquire_owned()).collect();
        assert_eq!(commander.run(find(2, &device)).await.unwrap_err(), CommandError::Busy);
        drop(held);
        assert!(commander.run(find(2, &device)).await.is_ok());
    }

    /// Nobody carries jobs out here: they wait.
    fn fetch(id: u8, host: &str) -> Command {
        let login = Some(SshLogin { user: "ada".to_owned(), ..SshLogin::default() });
        let kind = Some(command::Kind::FetchConfig(FetchConfig {
            job_id: i64::from(id) + 1,
            device_id: 7,
            host: host.to_owned(),
            port: 22,
            login,
            ..FetchConfig::default()
        }));
        // As of another session each time.
        Command { id: rand::random::<[u8; 16]>().to_vec(), deadline_ms: 30_000, kind }
    }

    #[tokio::test]
    async fn jobs_are_taken_once_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let commander = commander(dir.path());
        let taken = Some(command_result::Kind::FetchConfig(FetchConfigTaken {}));
        for _ in 0..2 {
            let result = commander.run(fetch(0, "192.0.2.1")).await.unwrap();
            assert_eq!(result.kind, taken);
        }
        assert_eq!(commander.jobs.counts().waiting, 1, "it is the same job");
        let invalid = commander.run(fetch(1, "")).await;
        assert!(matches!(invalid, Err(CommandError::Invalid(_))), "{invalid:?}");
        for id in 1..u8::try_from(JOBS_MAX).unwrap() {
            commander.run(fetch(id, "192.0.2.1")).await.unwrap();
        }
        let full = commander.run(fetch(200, "192.0.2.1")).await;
        assert_eq!(full.unwrap_err(), CommandError::JobsFull);
        assert!(commander.run(fetch(0, "192.0.2.1")).await.is_ok(), "it is known");
    }
}
