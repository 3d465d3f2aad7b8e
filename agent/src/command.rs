//! Command: what the collector wants to be done now. Each is done once: a repetition of its id gets
//! the result of the first.
//!
//! - **In:** commands of the collector, by the session's reverse calls.
//! - **Out:** their results; samples of a poll go the usual way.
//! - **Bound:** [`AT_ONCE_MAX`] at a time, [`REMEMBERED_MAX`] results, [`DEADLINE_MAX`] each.
//! - **When full:** a command is refused, and the refusal says so.
//! - **On crash:** nothing is kept; the collector sees the call fail.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use farwatch_common::clock::Clock;
use farwatch_common::id::DeviceId;
use farwatch_proto::v1::{
    Command, CommandResult, FindCredential, FindCredentialResult, PollNowResult, command,
    command_result,
};
use tokio::sync::{OnceCell, Semaphore};

use crate::poll::credential;
use crate::poll::now::PollNow;
use crate::poll::ping::PingNow;

/// Commands that are carried out at the same time.
const AT_ONCE_MAX: usize = 4;
/// Results that are kept for repetitions.
const REMEMBERED_MAX: usize = 64;
/// A command's own deadline counts if it is sooner.
const DEADLINE_MAX: Duration = Duration::from_secs(60);
/// What the last credential may take, in two versions, and the result on its way back.
const LAST_TRY: Duration = Duration::from_secs(7);
/// Longest id.
const ID_BYTES_MAX: usize = 64;
/// Credentials of one command: each may take some seconds.
const CANDIDATES_MAX: usize = 64;
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
    #[error("the command was not done in time")]
    Late,
}

type Remembered = Arc<OnceCell<CommandResult>>;

/// Carries out commands. Shared by all sessions.
#[derive(Debug)]
pub struct Commander {
    poll: PollNow,
    ping: PingNow,
    clock: Clock,
    turns: Semaphore,
    /// Newest last.
    remembered: Mutex<VecDeque<(Vec<u8>, Remembered)>>,
}

impl Commander {
    #[must_use]
    pub fn new(poll: PollNow, ping: PingNow, clock: Clock) -> Self {
        let turns = Semaphore::new(AT_ONCE_MAX);
        Self { poll, ping, clock, turns, remembered: Mutex::default() }
    }

    /// Does what is asked, or waits for the first with this id. A failure is not remembered.
    pub async fn run(&self, command: Command) -> Result<CommandResult, CommandError> {
        let Command { id, deadline_ms, kind } = command;
        let kind = kind.ok_or(CommandError::Unknown)?;
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(CommandError::Invalid("its id is empty or too long"));
        }
        let limit = Duration::from_millis(deadline_ms.into()).min(DEADLINE_MAX);
        let result = self.place(id)?;
        let done = result.get_or_try_init(|| async {
            let _turn = self.turns.try_acquire().map_err(|_| CommandError::Busy)?;
            self.carry_out(kind, limit).await
        });
        match tokio::time::timeout(limit, done).await {
            Ok(done) => done.cloned(),
            Err(_) => Err(CommandError::Late),
        }
    }

    /// Where the result of the id goes, or is.
    fn place(&self, id: Vec<u8>) -> Result<Remembered, CommandError> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, result)) = remembered.iter().find(|(known, _)| *known == id) {
            return Ok(Arc::clone(result));
        }
        // One that would be refused must not push out a result.
        if self.turns.available_permits() == 0 {
            return Err(CommandError::Busy);
        }
        if remembered.len() == REMEMBERED_MAX {
            remembered.pop_front();
        }
        let result = Remembered::default();
        remembered.push_back((id, Arc::clone(&result)));
        Ok(result)
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
        };
        Ok(CommandResult { kind: Some(kind) })
    }

    async fn find_credential(
        &self,
        what: FindCredential,
        limit: Duration,
    ) -> Result<FindCredentialResult, CommandError> {
        let FindCredential { host, port, candidates } = what;
        let port = u16::try_from(port).ok().filter(|port| *port != 0);
        let port = port.ok_or(CommandError::Invalid("the port is not between 1 and 65535"))?;
        if host.is_empty() || host.len() > HOST_BYTES_MAX {
            return Err(CommandError::Invalid("the host is empty or too long"));
        }
        if candidates.len() > CANDIDATES_MAX {
            return Err(CommandError::Invalid("there are too many credentials"));
        }
        let begun_within = limit.saturating_sub(LAST_TRY);
        let finding = credential::find(&host, port, &candidates, begun_within, &self.clock);
        let (outcomes, ping) = tokio::join!(finding, self.ping.ping_once(&host));
        Ok(FindCredentialResult { outcomes, ping: Some(ping) })
    }
}
